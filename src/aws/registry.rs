//! The table of tools: one line each.

use crate::clients::{Aws, Beside, ProgressSink, ReadClients, WriteClients};
use crate::fault;
use crate::local::LocalWrite;
use crate::probe::{Rehearsal, Sparing};
use crate::schema;
use crate::tool::{LocalTool, ReadTool, WriteTool};
use crate::tools;
use quarterdeck_core::approval::{Proposal, Spent};
use quarterdeck_core::journal::CallStats;
use quarterdeck_core::tool::{Catalogue, Fault, FaultKind, Projection, Risk, Spec, Tool};
use serde_json::Value;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// Every tool.
const TOOLS: &[Line] = &[
    Line::read::<tools::audit_iam_users::AuditIamUsers>(),
    Line::read::<tools::audit_s3_buckets::AuditS3Buckets>(),
    Line::read::<tools::audit_security_groups::AuditSecurityGroups>(),
    Line::read::<tools::check_iam_key_age::CheckIamKeyAge>(),
    Line::write::<tools::create_s3_bucket::CreateS3Bucket>(),
    Line::local::<tools::download_s3_object::DownloadS3Object>(),
    Line::read::<tools::get_active_alarms::GetActiveAlarms>(),
    Line::read::<tools::get_cloudwatch_logs::GetCloudwatchLogs>(),
    Line::read::<tools::get_cost_anomalies::GetCostAnomalies>(),
    Line::read::<tools::get_cost_by_service::GetCostByService>(),
    Line::read::<tools::get_ecs_stopped_tasks::GetEcsStoppedTasks>(),
    Line::read::<tools::get_metrics::GetMetrics>(),
    Line::read::<tools::get_recent_changes::GetRecentChanges>(),
    Line::read::<tools::get_target_health::GetTargetHealth>(),
    Line::read::<tools::list_auto_scaling_groups::ListAutoScalingGroups>(),
    Line::read::<tools::list_ec2_instances::ListEc2Instances>(),
    Line::read::<tools::list_ecs_services::ListEcsServices>(),
    Line::read::<tools::list_eks_clusters::ListEksClusters>(),
    Line::read::<tools::list_guardduty_findings::ListGuarddutyFindings>(),
    Line::read::<tools::list_lambda_functions::ListLambdaFunctions>(),
    Line::read::<tools::list_rds_instances::ListRdsInstances>(),
    Line::read::<tools::list_s3_buckets::ListS3Buckets>(),
    Line::read::<tools::list_s3_objects::ListS3Objects>(),
    Line::read::<tools::query_logs_insights::QueryLogsInsights>(),
    Line::write::<tools::revoke_security_group_ingress::RevokeSecurityGroupIngress>(),
    Line::read::<tools::search_s3_objects::SearchS3Objects>(),
    Line::write::<tools::set_access_key_status::SetAccessKeyStatus>(),
    Line::write::<tools::start_instances::StartInstances>(),
    Line::write::<tools::stop_instances::StopInstances>(),
    Line::write::<tools::update_ecs_service::UpdateEcsService>(),
    Line::write::<tools::upload_s3_object::UploadS3Object>(),
];

/// Every tool, for the pure half.
#[must_use]
pub fn catalogue() -> Catalogue {
    Catalogue::new(TOOLS.iter().map(|line| (line.tool)()))
}

/// The IAM actions a tool needs, reads and writes apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IamActions {
    /// For a read tool's call, a write tool's plan.
    pub reads: BTreeSet<&'static str>,
    /// For the change itself.
    pub writes: BTreeSet<&'static str>,
}

/// The IAM actions `spec` needs.
#[must_use]
pub fn iam_actions(spec: &Spec) -> IamActions {
    let of = |ops: &[quarterdeck_core::tool::Op]| ops.iter().flat_map(|op| op.iam.iter().copied()).collect();
    IamActions { reads: of(spec.reads), writes: of(spec.writes) }
}

/// Runs a read tool, within its limit. Dropping the future cancels it.
///
/// # Errors
/// No such read tool, arguments that do not fit, the tool's own fault, `timeout`.
pub async fn read(
    aws: &Aws,
    tool: &str,
    args: &Value,
    progress: ProgressSink,
) -> Result<(Projection, CallStats), Fault> {
    read_allowed(aws, tool, args, None, progress).await
}

/// As [`read`], of a read that a person allowed to cost more than it may without asking: so many bytes.
///
/// # Errors
/// As [`read`].
pub async fn read_allowed(
    aws: &Aws,
    tool: &str,
    args: &Value,
    allowed: Option<u64>,
    progress: ProgressSink,
) -> Result<(Projection, CallStats), Fault> {
    let line = line(tool)?;
    let Run::Read(run) = line.run else { return Err(not_a(tool, "read tool")) };
    let clients = aws.reads(line.spec, progress).await?.allowing(allowed);
    let projection = within(line.spec.limit, run(clients.clone(), args.clone())).await?;
    Ok((projection, clients.stats()))
}

/// Runs a read tool for a probe: as [`read`], but every operation goes out once at most.
pub(crate) async fn probe(
    aws: &Aws,
    tool: &str,
    args: &Value,
    sparing: Sparing,
) -> Result<Projection, Fault> {
    let line = line(tool)?;
    let Run::Read(run) = line.run else { return Err(not_a(tool, "read tool")) };
    let clients = aws.reads(line.spec, std::sync::Arc::new(|_| ())).await?;
    within(line.spec.limit, run(clients.sparing(sparing), args.clone())).await
}

/// How the dry run of a write tool is rehearsed; `None` where it has none.
pub(crate) fn rehearsal(tool: &str) -> Option<Rehearsal> {
    match line(tool).ok()?.run {
        Run::Write { rehearsal, .. } => rehearsal(),
        Run::Read(_) | Run::Local { .. } => None,
    }
}
/// Longest that planning may take, however long carrying it out may.
const PLANNING: Duration = Duration::from_secs(30);

/// Plans a write with fresh reads, within the tool's limit. Changes nothing.
///
/// # Errors
/// No such write tool, arguments that do not fit, targets that cannot be read or changed, `timeout`.
pub async fn plan(aws: &Aws, tool: &str, args: &Value, progress: ProgressSink) -> Result<Proposal, Fault> {
    let line = line(tool)?;
    let (Run::Write { plan, .. } | Run::Local { plan, .. }) = line.run else {
        return Err(not_a(tool, "write tool"));
    };
    let clients = aws.reads(line.spec, progress).await?;
    let planned = within(line.spec.limit.min(PLANNING), plan(clients, args.clone())).await;
    let profile = || aws.loaded(args.get("account").and_then(Value::as_str))?.profile.clone();
    planned.map_err(|fault| fault::expired_with(fault, profile().as_deref()))
}

/// A write that did not come back with a yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Why.
    pub fault: Fault,
    /// Whether it may have happened all the same: the answer was lost after the request went out. Read the state back.
    pub lost: bool,
}

/// Carries out an approved write, once. Do not drop the future: what went out cannot be called back.
///
/// # Errors
/// AWS or the disk refused, or AWS's answer was lost.
pub async fn write(aws: &Aws, proof: Spent, beside: Beside) -> Result<(Projection, CallStats), Failed> {
    let not_sent = |fault| Failed { fault, lost: false };
    let line = line(&proof.proposal().tool).map_err(not_sent)?;
    let (meter, running, changes_account) = match line.run {
        Run::Write { call, .. } => {
            let clients = aws.write(line.spec, proof, beside).await.map_err(not_sent)?;
            (clients.meter(), call(clients, aws.now()), true)
        }
        Run::Local { call, .. } => {
            let (clients, disk) = aws.local(line.spec, proof, beside).await.map_err(not_sent)?;
            (clients.meter(), call(clients, disk), false)
        }
        Run::Read(_) => return Err(not_sent(not_a(line.spec.name, "write tool"))),
    };
    let done = tokio::time::timeout(line.spec.limit, running).await;
    let reached = || changes_account && meter.reached_aws();
    match done {
        Ok(Ok(projection)) => Ok((projection, meter.read())),
        Ok(Err(fault)) => Err(Failed { lost: reached() && may_have_happened(fault.kind), fault }),
        Err(_) => Err(Failed { lost: reached(), fault: too_long(line.spec.limit) }),
    }
}

/// A write's own fault says by its kind whether AWS answered.
const fn may_have_happened(kind: FaultKind) -> bool {
    match kind {
        FaultKind::Unavailable | FaultKind::Timeout | FaultKind::Cancelled => true,
        FaultKind::Denied
        | FaultKind::Throttled
        | FaultKind::Expired
        | FaultKind::Missing
        | FaultKind::Invalid
        | FaultKind::Conflict
        | FaultKind::Guard
        | FaultKind::Refused => false,
    }
}

type Running<T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send>>;

/// One tool, its types erased.
struct Line {
    spec: &'static Spec,
    tool: fn() -> Tool,
    run: Run,
}

#[derive(Clone, Copy)]
enum Run {
    Read(fn(ReadClients, Value) -> Running<Projection>),
    Write {
        plan: fn(ReadClients, Value) -> Running<Proposal>,
        call: fn(WriteClients, quarterdeck_core::Timestamp) -> Running<Projection>,
        rehearsal: fn() -> Option<Rehearsal>,
    },
    Local {
        plan: fn(ReadClients, Value) -> Running<Proposal>,
        call: fn(ReadClients, LocalWrite) -> Running<Projection>,
    },
}

impl Line {
    const fn read<T: ReadTool>() -> Self {
        Self {
            spec: const { &T::SPEC },
            tool: || Tool {
                spec: const { &T::SPEC },
                risk: Risk::Read,
                schema: schema::of::<T::Args>(),
                validate: |args| schema::canonical::<T::Args>(args, T::check),
                verify: None,
                inverse: None,
                only_undoes: |_| false,
            },
            run: Run::Read(|aws, args| {
                Box::pin(async move {
                    let args: T::Args = schema::parse(&args)?;
                    T::check(&args)?;
                    let out = T::call(&aws, &args).await?;
                    Ok(T::project(&args, &out, aws.now()))
                })
            }),
        }
    }

    const fn local<T: LocalTool>() -> Self {
        Self {
            spec: const { &T::SPEC },
            tool: || Tool {
                spec: const { &T::SPEC },
                risk: Risk::Local,
                schema: schema::of::<T::Args>(),
                validate: |args| schema::canonical::<T::Args>(args, T::check),
                verify: None,
                inverse: Some(T::inverse),
                only_undoes: |_| false,
            },
            run: Run::Local {
                plan: |aws, args| {
                    Box::pin(async move {
                        let args: T::Args = schema::parse(&args)?;
                        T::check(&args)?;
                        T::plan(&aws, &args).await
                    })
                },
                call: |aws, disk| {
                    Box::pin(async move {
                        let plan = disk.plan().clone();
                        let out = T::call(&aws, disk).await?;
                        Ok(T::project(&plan, &out, aws.now()))
                    })
                },
            },
        }
    }

    const fn write<T: WriteTool>() -> Self {
        Self {
            spec: const { &T::SPEC },
            tool: || Tool {
                spec: const { &T::SPEC },
                risk: Risk::Write,
                schema: schema::of::<T::Args>(),
                validate: |args| schema::canonical::<T::Args>(args, T::check),
                verify: Some(T::verify),
                inverse: Some(T::inverse),
                only_undoes: |args| schema::parse(args).is_ok_and(|args| T::only_undoes(&args)),
            },
            run: Run::Write {
                plan: |aws, args| {
                    Box::pin(async move {
                        let args: T::Args = schema::parse(&args)?;
                        T::check(&args)?;
                        T::plan(&aws, &args).await
                    })
                },
                call: |aws, now| {
                    Box::pin(async move {
                        let plan = aws.plan().clone();
                        let out = T::call(aws).await?;
                        Ok(T::project(&plan, &out, now))
                    })
                },
                rehearsal: T::rehearsal,
            },
        }
    }
}

fn line(tool: &str) -> Result<&'static Line, Fault> {
    match TOOLS.iter().find(|line| line.spec.name == tool) {
        Some(line) => Ok(line),
        // The catalogue knows the nearest names.
        None => Err(catalogue().get(tool).err().unwrap_or_else(|| not_a(tool, "tool"))),
    }
}

fn not_a(tool: &str, what: &str) -> Fault {
    Fault::new(FaultKind::Invalid, format!("{tool} is not a {what}"))
}

async fn within<T>(limit: Duration, running: Running<T>) -> Result<T, Fault> {
    tokio::time::timeout(limit, running).await.unwrap_or_else(|_| Err(too_long(limit)))
}

fn too_long(limit: Duration) -> Fault {
    Fault::new(FaultKind::Timeout, format!("no answer within {} s", limit.as_secs()))
        .hint("ask for less: fewer regions, a name, a shorter period")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Files of `tools/` that are tools.
    fn files() -> BTreeSet<String> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
        std::fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().path())
            .filter(|p| p.extension().is_some_and(|e| e == "rs"))
            .map(|p| p.file_stem().unwrap().to_str().unwrap().to_owned())
            .filter(|stem| stem != "mod")
            .collect()
    }

    #[test]
    fn every_tool_file_is_a_tool_and_the_other_way_round() {
        let names: BTreeSet<String> = TOOLS.iter().map(|l| l.spec.name.to_owned()).collect();
        assert_eq!(names, files());
        assert_eq!(names.len(), TOOLS.len(), "a name occurs twice");
    }

    #[test]
    fn descriptions_are_short_and_name_a_neighbour() {
        for line in TOOLS {
            let Spec { name, description, .. } = line.spec;
            assert!(description.chars().count() <= 600, "{name}: {}", description.chars().count());
            assert!(!description.contains("  ") && description.ends_with('.'), "{name}: {description}");
            let neighbour = TOOLS.iter().any(|l| l.spec.name != *name && description.contains(l.spec.name));
            assert!(neighbour, "{name} names no neighbour");
        }
    }

    /// What every request carries: as sent to a model, in tokens of four bytes.
    #[test]
    fn all_specs_together_are_affordable() {
        let sent = |t: &Tool| {
            let (name, description) = (t.spec.name, t.spec.description);
            json!({ "name": name, "description": description, "input_schema": t.schema }).to_string().len()
        };
        let bytes: usize = catalogue().iter().map(sent).sum();
        assert!(bytes / 4 < 9_000, "{} tokens", bytes / 4);
        let count = |risk| catalogue().iter().filter(|t| t.risk == risk).count();
        assert_eq!((count(Risk::Read), count(Risk::Local), count(Risk::Write)), (23, 1, 7));
    }

    #[test]
    fn every_operation_has_its_actions_and_only_writes_write() {
        for line in TOOLS {
            let spec = line.spec;
            for op in spec.reads.iter().chain(spec.writes) {
                assert!(!op.iam.is_empty(), "{}: {}", spec.name, op.name);
                assert!(
                    op.iam
                        .iter()
                        .all(|a| a.split_once(':').is_some_and(|(s, n)| !s.is_empty() && !n.is_empty()))
                );
            }
            let writes = !matches!(line.run, Run::Read(_));
            assert_eq!(writes, !spec.writes.is_empty(), "{}", spec.name);
            assert!(spec.writes.iter().all(|op| !op.dry_run_only), "{}", spec.name);
            // A query reads what was logged, and leaves nothing in the account; stopping one ends what it costs. A credential
            // report is made to be read.
            let reading = |op: &quarterdeck_core::tool::Op| {
                let verbs = ["Describe", "List", "Get", "Head", "Filter", "Lookup"];
                verbs.iter().any(|v| op.name.starts_with(v))
                    || ["StartQuery", "StopQuery", "GenerateCredentialReport"].contains(&op.name)
            };
            let account_stays = match line.run {
                Run::Read(_) | Run::Local { .. } => spec.reads.iter().chain(spec.writes).all(reading),
                Run::Write { .. } => spec.reads.iter().all(|op| reading(op) || op.dry_run_only),
            };
            assert!(account_stays, "{}", spec.name);
        }
        assert!(iam_actions(line("stop_instances").unwrap().spec).writes.contains("ec2:StopInstances"));
    }

    #[test]
    fn every_field_of_every_schema_is_described() {
        for tool in catalogue().iter() {
            assert_eq!(tool.schema["additionalProperties"], json!(false), "{}", tool.spec.name);
            for (field, schema) in tool.schema["properties"].as_object().unwrap() {
                let described = schema["description"].as_str().is_some_and(|d| d.len() > 10);
                assert!(described, "{}.{field}: {schema}", tool.spec.name);
                assert!(schema.get("type").is_some(), "{}.{field}: {schema}", tool.spec.name);
            }
            assert!(!tool.schema.to_string().contains("$ref"), "{}", tool.spec.name);
        }
    }

    /// Arguments that satisfy the schema's required fields, as far as a schema can tell.
    fn plausible(schema: &Value) -> serde_json::Map<String, Value> {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let value = |field: &Value| match field["type"].as_str() {
            Some("integer" | "number") => json!(1),
            Some("boolean") => json!(false),
            Some("array") => json!(["x"]),
            Some("object") => json!({ "x": "y" }),
            _ => field["enum"][0].as_str().map_or(json!("x"), |first| json!(first)),
        };
        required.map(|name| (name.to_owned(), value(&schema["properties"][name]))).collect()
    }

    /// Values that are wrong in a field of this type.
    fn wrong(field: &Value) -> Vec<Value> {
        let texts = || ["", "   ", "a\u{1b}[2Jb", "a\nb\u{7}", "a\u{202e}b"].map(String::from);
        let long = || "x".repeat(10_001);
        match field["type"].as_str() {
            Some("string") => {
                let texts = texts().into_iter().chain([long()]).map(Value::from);
                texts.chain([json!({}), json!(["x", "y"]), json!(true)]).collect()
            }
            Some("array") => {
                let texts = texts().into_iter().chain([long()]).map(|t| json!([t]));
                texts.chain([json!({}), json!(7), json!([{}])]).collect()
            }
            Some("integer" | "number") => vec![json!("many"), json!({}), json!([1]), json!(true)],
            Some("boolean") => vec![json!("yes"), json!(1), json!([])],
            _ => vec![json!(7), json!([7])],
        }
    }

    #[tokio::test]
    async fn wrong_arguments_are_refused_and_nothing_is_sent() {
        let canned = crate::testing::Canned::new();
        let aws = canned.aws(&["eu-west-1"]);
        for tool in catalogue().iter() {
            let good = plausible(&tool.schema);
            let mut bad = vec![json!("text"), json!([1]), json!(7)];
            let with = |field: &str, value: Value| {
                let mut args = good.clone();
                args.insert(field.to_owned(), value);
                Value::Object(args)
            };
            bad.push(with("no_such_field", json!(1)));
            for (field, schema) in tool.schema["properties"].as_object().unwrap() {
                bad.extend(wrong(schema).into_iter().map(|value| with(field, value)));
            }
            for field in good.keys() {
                let mut args = good.clone();
                args.remove(field);
                bad.push(Value::Object(args));
            }
            for args in bad {
                let sink: ProgressSink = std::sync::Arc::new(|_| ());
                let name = tool.spec.name;
                let fault = match tool.risk {
                    Risk::Read => read(&aws, name, &args, sink).await.unwrap_err(),
                    Risk::Local | Risk::Write => plan(&aws, name, &args, sink).await.unwrap_err(),
                };
                let shown: String = args.to_string().chars().take(120).collect();
                assert_eq!(fault.kind, FaultKind::Invalid, "{name} {shown}: {fault:?}");
                assert!(fault.hint.is_some(), "{name} {shown} does not say what to send: {fault:?}");
                assert!(fault.message.len() < 500, "{name} {shown}: {}", fault.message);
                assert_eq!(canned.operations(), Vec::<String>::new(), "{name} {shown}");
            }
        }
    }

    #[tokio::test]
    async fn a_tool_runs_only_as_what_it_is() {
        let canned = crate::testing::Canned::new();
        let aws = canned.aws(&["eu-west-1"]);
        let sink: ProgressSink = std::sync::Arc::new(|_| ());
        let args = json!({ "ids": ["i-0123456789abcdef0"] });
        assert!(read(&aws, "stop_instances", &args, sink.clone()).await.is_err());
        assert!(plan(&aws, "list_ec2_instances", &args, sink.clone()).await.is_err());
        let fault = read(&aws, "list_ec2_instance", &args, sink.clone()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Missing);
        let fault = read(&aws, "list_ec2_instances", &json!({ "idz": 1 }), sink).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid);
        assert_eq!(canned.operations(), Vec::<String>::new());
    }
}
