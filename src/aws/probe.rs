//! Whether the tools would work here: each is run as it is, with as little as it takes, through its own guard.
//!
//! A read tool runs with its defaults, and each of its operations is sent once at most: one page, nothing for every
//! resource. A write tool is planned when it has a dry run and says what to rehearse it on. What AWS bills is not sent: not
//! the operations known to be billed, and nothing of a billed tool that has none of those.

use crate::clients::Aws;
use crate::fault;
use crate::guard::Refused;
use crate::registry;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use futures::StreamExt as _;
use quarterdeck_core::approval::DryRun;
use quarterdeck_core::tool::{Fault, FaultKind, Projection, Risk, Row, Spec, Tool};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Tools probed at the same time.
const AT_ONCE: usize = 8;
/// Operations that AWS bills for; `*`: all of a service.
const BILLED: [(&str, &str); 6] = [
    ("Cost Explorer", "*"),
    ("CloudWatch", "GetMetricData"),
    ("CloudWatch Logs", "StartQuery"),
    ("S3", "ListObjectsV2"),
    ("S3", "GetObject"),
    ("S3", "HeadObject"),
];
/// What stands for a name in a required field: nothing is called that.
const NOBODY: &str = "quarterdeck-doctor-looks-for-nobody";

/// How a dry run is rehearsed: a read tool lists, and from what it lists come the arguments.
#[derive(Clone, Copy, Debug)]
pub struct Rehearsal {
    /// The read tool.
    pub tool: &'static str,
    /// Arguments for one of the rows; `None`: none of them will do.
    pub args: fn(&Projection) -> Option<Value>,
}

/// `args` with the region of the row they are about, where rows say theirs.
#[must_use]
pub fn rehearsed_at(listed: &Projection, row: &Row, mut args: Value) -> Value {
    if let (Some(region), Some(map)) = (listed.cell(row, "region"), args.as_object_mut()) {
        map.insert("region".to_owned(), region.plain().into());
    }
    args
}

/// What was found of one tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probed {
    /// Its name.
    pub tool: &'static str,
    /// What it can do.
    pub risk: Risk,
    /// Whether it would work.
    pub verdict: Verdict,
    /// IAM actions it lacks.
    pub missing: Vec<String>,
    /// Operations that were not sent because they are billed.
    pub billed: BTreeSet<&'static str>,
    /// Services that were asked, and whether they answered at all.
    pub services: BTreeMap<String, bool>,
}

/// Whether a tool would work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was asked was answered.
    Works,
    /// Some of it was answered.
    Partly(Option<Fault>),
    /// IAM refused it.
    Denied,
    /// It does not work, for another reason.
    Fails(Fault),
    /// Nobody knows, and why.
    NotProbed(String),
}

/// Probes every tool, several at a time, none for longer than `limit`. By name.
pub async fn tools(aws: &Aws, limit: Duration) -> Vec<Probed> {
    let catalogue = registry::catalogue();
    let (writes, reads): (Vec<&Tool>, Vec<&Tool>) = catalogue.iter().partition(|t| t.risk == Risk::Write);
    // Reads first: a dry run is rehearsed on what they list.
    let read = reads.into_iter().map(|tool| async move { read(aws, tool, limit).await });
    let read: Vec<(Probed, Option<Projection>)> =
        futures::stream::iter(read).buffer_unordered(AT_ONCE).collect().await;
    let listed: BTreeMap<&str, &Projection> =
        read.iter().filter_map(|(p, rows)| Some((p.tool, rows.as_ref()?))).collect();
    let listed = &listed;
    let write = writes.into_iter().map(|tool| async move { rehearse(aws, tool.spec, listed, limit).await });
    let write: Vec<Probed> = futures::stream::iter(write).buffer_unordered(AT_ONCE).collect().await;
    let mut all: Vec<Probed> =
        write.into_iter().chain(read.iter().map(|(probed, _)| probed.clone())).collect();
    all.sort_by_key(|probed| probed.tool);
    all
}

async fn read(aws: &Aws, tool: &Tool, limit: Duration) -> (Probed, Option<Projection>) {
    let spec = tool.spec;
    let args = least(&tool.schema);
    let billed = billed_of(spec);
    if tool.risk != Risk::Read {
        return (not_probed(spec, tool.risk, "it writes files here"), None);
    }
    if spec.billed && (billed.is_empty() || billed.len() == spec.reads.len()) {
        return (not_probed(spec, tool.risk, "billed"), None);
    }
    if (tool.validate)(&args).is_err() {
        return (not_probed(spec, tool.risk, "needs arguments of its own"), None);
    }
    let sparing = Sparing::default();
    let running = registry::probe(aws, spec.name, &args, sparing.clone());
    let (answer, heard) = fault::overheard(tokio::time::timeout(limit, running)).await;
    let answer = answer.unwrap_or_else(|_| Err(too_slow(limit)));
    let seen = sparing.seen();
    if seen.is_empty() && !billed.is_empty() {
        return (not_probed(spec, tool.risk, "billed"), None);
    }
    let probed = judge(spec, answer.as_ref().err(), &heard, &seen);
    (Probed { billed, ..probed }, answer.ok())
}

/// Plans a change of something that is there: AWS says whether it would be permitted, and nothing is changed.
async fn rehearse(
    aws: &Aws,
    spec: &'static Spec,
    listed: &BTreeMap<&str, &Projection>,
    limit: Duration,
) -> Probed {
    let Some(rehearsal) = registry::rehearsal(spec.name) else {
        return not_probed(spec, Risk::Write, "AWS offers no dry run");
    };
    if spec.billed || !billed_of(spec).is_empty() {
        return not_probed(spec, Risk::Write, "billed");
    }
    let Some(rows) = listed.get(rehearsal.tool) else {
        return not_probed(spec, Risk::Write, "nothing could be listed to rehearse it on");
    };
    let Some(args) = (rehearsal.args)(rows) else {
        return not_probed(spec, Risk::Write, "nothing here to rehearse it on");
    };
    let planned = tokio::time::timeout(limit, registry::plan(aws, spec.name, &args, Arc::new(|_| ()))).await;
    let dry =
        || spec.reads.iter().filter(|op| op.dry_run_only).flat_map(|op| op.iam).map(|a| (*a).to_owned());
    let mut missing = Vec::new();
    let verdict = match planned {
        Ok(Ok(proposal)) => match proposal.dry_run {
            DryRun::Permitted => Verdict::Works,
            DryRun::Denied(_) => {
                missing = dry().collect();
                Verdict::Denied
            }
            DryRun::Unknown(why) => Verdict::NotProbed(why),
            DryRun::NotOffered => Verdict::NotProbed("AWS offers no dry run".to_owned()),
        },
        Ok(Err(fault)) if fault.kind == FaultKind::Denied => {
            missing = actions(spec, &fault);
            Verdict::Denied
        }
        Ok(Err(fault)) => Verdict::NotProbed(fault.to_string()),
        Err(_) => Verdict::Fails(too_slow(limit)),
    };
    Probed { verdict, missing, ..not_probed(spec, Risk::Write, "") }
}

fn not_probed(spec: &Spec, risk: Risk, why: &str) -> Probed {
    Probed {
        tool: spec.name,
        risk,
        verdict: Verdict::NotProbed(why.to_owned()),
        missing: Vec::new(),
        billed: BTreeSet::new(),
        services: BTreeMap::new(),
    }
}

/// The billed ones among a tool's reads.
fn billed_of(spec: &Spec) -> BTreeSet<&'static str> {
    spec.reads.iter().filter(|op| is_billed(op.service, op.name)).map(|op| op.name).collect()
}

fn is_billed(service: &str, operation: &str) -> bool {
    BILLED.iter().any(|(s, o)| *s == service && (*o == "*" || *o == operation))
}

fn too_slow(limit: Duration) -> Fault {
    Fault::new(FaultKind::Timeout, format!("no answer within {} s", limit.as_secs()))
}

/// Every required field, as plain as its type allows; names nothing that exists.
fn least(schema: &Value) -> Value {
    let required =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let value = |field: &str| {
        let of = |key: &str| schema.pointer(&format!("/properties/{field}/{key}"));
        match of("type").and_then(Value::as_str) {
            Some("integer" | "number") => json!(1),
            Some("boolean") => json!(false),
            Some("array") => json!([NOBODY]),
            Some("object") => json!({ NOBODY: NOBODY }),
            Some(_) | None => of("enum").and_then(|e| e.get(0)).cloned().unwrap_or_else(|| NOBODY.into()),
        }
    };
    Value::Object(required.map(|field| (field.to_owned(), value(field))).collect::<Map<_, _>>())
}

/// What the operations' answers say of the tool. That a name does not exist says that asking for it is permitted.
fn judge(spec: &Spec, failed: Option<&Fault>, heard: &[Fault], seen: &[Seen]) -> Probed {
    let mut missing = BTreeSet::new();
    let mut other = None;
    for fault in heard.iter().chain(failed) {
        match fault.kind {
            FaultKind::Denied => missing.extend(actions(spec, fault)),
            FaultKind::Throttled | FaultKind::Expired | FaultKind::Unavailable | FaultKind::Timeout => {
                other.get_or_insert_with(|| fault.clone());
            }
            FaultKind::Missing
            | FaultKind::Invalid
            | FaultKind::Conflict
            | FaultKind::Guard
            | FaultKind::Refused
            | FaultKind::Cancelled => {}
        }
    }
    let some = seen.iter().any(|s| s.succeeded);
    let denied = heard.iter().chain(failed).any(|f| f.kind == FaultKind::Denied);
    let verdict = match (some, denied, other) {
        (true, true, _) => Verdict::Partly(None),
        (true, false, Some(fault)) => Verdict::Partly(Some(fault)),
        (false, true, _) => Verdict::Denied,
        (false, false, Some(fault)) => Verdict::Fails(fault),
        (_, false, None) if seen.is_empty() => match failed {
            Some(fault) => Verdict::NotProbed(fault.message.clone()),
            None => Verdict::NotProbed("it asked nothing".to_owned()),
        },
        (_, false, None) => Verdict::Works,
    };
    let mut services: BTreeMap<String, bool> = BTreeMap::new();
    for s in seen {
        *services.entry(s.service.clone()).or_default() |= s.answered;
    }
    Probed { verdict, missing: missing.into_iter().collect(), services, ..not_probed(spec, Risk::Read, "") }
}

/// The IAM actions a denial stands for: AWS names the one, or only the operation is known.
fn actions(spec: &Spec, fault: &Fault) -> Vec<String> {
    let Some(named) = &fault.action else { return Vec::new() };
    let operation = named.split_once(':').map_or(named.as_str(), |(_, name)| name);
    let all: Vec<&str> = spec.reads.iter().flat_map(|op| op.iam).copied().collect();
    if all.contains(&named.as_str()) {
        return vec![named.clone()];
    }
    let of_operation = spec.reads.iter().find(|op| op.name == operation);
    of_operation.map_or_else(|| vec![named.clone()], |op| op.iam.iter().map(|a| (*a).to_owned()).collect())
}

/// One operation that was asked.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    service: String,
    operation: String,
    /// Whatever it said.
    answered: bool,
    succeeded: bool,
}

/// Lets every operation pass once, and remembers what became of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sparing(Arc<Mutex<Vec<Seen>>>);

impl Sparing {
    fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Intercept for Sparing {
    fn name(&self) -> &'static str {
        "QuarterdeckSparing"
    }

    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = cfg.load::<Metadata>() else { return Ok(()) };
        let (service, operation) = (metadata.service().to_owned(), metadata.name().to_owned());
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.iter().any(|s| s.service == service && s.operation == operation) {
            return Err(Refused::Unprobed { service, operation, why: "it was sent once" }.into());
        }
        if is_billed(&service, &operation) {
            return Err(Refused::Unprobed { service, operation, why: "it is billed" }.into());
        }
        seen.push(Seen { service, operation, answered: false, succeeded: false });
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = cfg.load::<Metadata>() else { return Ok(()) };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let asked =
            seen.iter_mut().find(|s| s.service == metadata.service() && s.operation == metadata.name());
        if let Some(asked) = asked {
            asked.answered |= context.response().is_some();
            asked.succeeded |= context.output_or_error().is_some_and(|answer| answer.is_ok());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
