//! The table of tools: one line each.

use crate::clients::{Aws, ProgressSink, ReadClients, WriteClients};
use crate::schema;
use crate::tool::{ReadTool, WriteTool};
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
    Line::read::<tools::get_active_alarms::GetActiveAlarms>(),
    Line::read::<tools::get_cloudwatch_logs::GetCloudwatchLogs>(),
    Line::read::<tools::get_ecs_stopped_tasks::GetEcsStoppedTasks>(),
    Line::read::<tools::get_recent_changes::GetRecentChanges>(),
    Line::read::<tools::list_ec2_instances::ListEc2Instances>(),
    Line::read::<tools::list_ecs_services::ListEcsServices>(),
    Line::write::<tools::start_instances::StartInstances>(),
    Line::write::<tools::stop_instances::StopInstances>(),
    Line::write::<tools::update_ecs_service::UpdateEcsService>(),
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
    let line = line(tool)?;
    let Run::Read(run) = line.run else { return Err(not_a(tool, "read tool")) };
    let clients = aws.reads(line.spec, progress).await?;
    let projection = within(line.spec.limit, run(clients.clone(), args.clone())).await?;
    Ok((projection, clients.stats()))
}

/// Plans a write with fresh reads, within the tool's limit. Changes nothing.
///
/// # Errors
/// No such write tool, arguments that do not fit, targets that cannot be read or changed, `timeout`.
pub async fn plan(aws: &Aws, tool: &str, args: &Value, progress: ProgressSink) -> Result<Proposal, Fault> {
    let line = line(tool)?;
    let Run::Write { plan, .. } = line.run else { return Err(not_a(tool, "write tool")) };
    let clients = aws.reads(line.spec, progress).await?;
    within(line.spec.limit, plan(clients, args.clone())).await
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
/// AWS refused, or its answer was lost.
pub async fn write(aws: &Aws, proof: Spent) -> Result<(Projection, CallStats), Failed> {
    let not_sent = |fault| Failed { fault, lost: false };
    let line = line(&proof.proposal().tool).map_err(not_sent)?;
    let Run::Write { call, .. } = line.run else {
        return Err(not_sent(not_a(line.spec.name, "write tool")));
    };
    let clients = aws.write(line.spec, proof).await.map_err(not_sent)?;
    let (meter, now) = (clients.meter(), aws.now());
    match tokio::time::timeout(line.spec.limit, call(clients, now)).await {
        Ok(Ok(projection)) => Ok((projection, meter.read())),
        Ok(Err(fault)) => {
            Err(Failed { lost: meter.read().requests > 0 && may_have_happened(fault.kind), fault })
        }
        Err(_) => Err(Failed { lost: meter.read().requests > 0, fault: too_long(line.spec.limit) }),
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
