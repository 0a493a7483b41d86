//! Lambda.

use super::{Reply, Service, unknown};
use crate::account::compute::Function;
use crate::page::page;
use crate::seed;
use crate::told::Told;
use crate::wire::rest::Route;
use crate::wire::{Failure, Input, Node, node};
use crate::world::{What, World};
use serde_json::{Value, json};

/// Concurrent executions of a whole region.
const LIMIT: u32 = 1_000;
/// What Lambda gives in one answer, whatever is asked for.
const PAGE: i64 = 50;

/// Its operations by method and path.
pub(crate) const ROUTES: &[Route] = &[
    ("GET /2015-03-31/functions", "ListFunctions"),
    ("GET /2016-08-19/account-settings", "GetAccountSettings"),
    ("GET /2019-09-30/functions/{FunctionName}/concurrency", "GetFunctionConcurrency"),
    ("PUT /2017-10-31/functions/{FunctionName}/concurrency", PUT),
    ("DELETE /2017-10-31/functions/{FunctionName}/concurrency", DELETE),
];
const PUT: &str = "PutFunctionConcurrency";
const DELETE: &str = "DeleteFunctionConcurrency";
/// What must stay for the functions without a reservation.
const UNRESERVED: u32 = 100;

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    match operation {
        "ListFunctions" => list(world, input),
        "GetAccountSettings" => Ok(settings(world).into()),
        "GetFunctionConcurrency" => concurrency(world, input),
        PUT => put(world, input),
        DELETE => delete(world, input),
        other => Err(unknown(Service::Lambda, other)),
    }
}

fn here<'a>(world: &World<'a>) -> impl Iterator<Item = &'a Function> {
    let region = world.region;
    world.account.holds.compute.function.iter().filter(move |f| f.region == region)
}

fn arn(world: &World<'_>, function: &Function) -> String {
    world.arn("lambda", &format!("function:{}", function.name))
}

fn list(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let size = usize::try_from(input.int("MaxItems").unwrap_or(PAGE).min(PAGE)).unwrap_or(0);
    if size == 0 {
        return Err(Failure::new("InvalidParameterValueException", "MaxItems must be at least 1"));
    }
    let page = page(here(world).collect(), input.text("Marker"), size, "InvalidParameterValueException")?;
    let functions = page.items.iter().map(|f| function(world, f));
    Ok(node! { "Functions" => Node::list(functions), "NextMarker" => page.next.clone() }.into())
}

fn function(world: &World<'_>, function: &Function) -> Node {
    // The offset without its colon, as Lambda writes it.
    let modified = world.start.minus(function.modified.0).rfc3339().replace('Z', "+0000");
    let variables = function.environment.iter().map(|(k, v)| (k.clone().into(), Node::from(v))).collect();
    let environment =
        (!function.environment.is_empty()).then(|| node! { "Variables" => Node::Map(variables) });
    node! {
        "FunctionName" => &function.name,
        "FunctionArn" => arn(world, function),
        "Runtime" => function.runtime.as_ref(),
        "Role" => format!("arn:aws:iam::{}:role/lambda-{}", world.account.header.id, function.name),
        "Handler" => function.runtime.as_ref().map(|_| "app.handler"),
        "CodeSize" => 1_048_576,
        "Description" => "",
        "Timeout" => function.timeout,
        "MemorySize" => function.memory,
        "LastModified" => modified,
        "CodeSha256" => seed::hex(&function.name, 0, 44),
        "Version" => "$LATEST",
        "Environment" => environment,
        "TracingConfig" => node! { "Mode" => "PassThrough" },
        "RevisionId" => seed::uuid(&function.name, 0),
        "PackageType" => if function.runtime.is_some() { "Zip" } else { "Image" },
        "Architectures" => vec!["arm64"],
        "EphemeralStorage" => node! { "Size" => 512 },
    }
}

fn settings(world: &World<'_>) -> Node {
    let reserved: u32 = here(world).filter_map(|f| reserved(world, f)).sum();
    node! {
        "AccountLimit" => node! {
            "TotalCodeSize" => 80_530_636_800_i64,
            "CodeSizeUnzipped" => 262_144_000,
            "CodeSizeZipped" => 52_428_800,
            "ConcurrentExecutions" => LIMIT,
            "UnreservedConcurrentExecutions" => LIMIT.saturating_sub(reserved),
        },
        "AccountUsage" => node! { "TotalCodeSize" => 104_857_600, "FunctionCount" => here(world).count() },
    }
}

fn concurrency(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let function = find(world, input)?;
    Ok(node! { "ReservedConcurrentExecutions" => reserved(world, function) }.into())
}

fn put(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let function = find(world, input)?;
    let wanted = input.int("ReservedConcurrentExecutions").and_then(|n| u32::try_from(n).ok());
    let wanted =
        wanted.ok_or_else(|| invalid("ReservedConcurrentExecutions must be 0 or more".to_owned()))?;
    let others: u32 =
        here(world).filter(|f| f.name != function.name).filter_map(|f| reserved(world, f)).sum();
    if LIMIT.saturating_sub(others + wanted) < UNRESERVED {
        return Err(invalid(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [{UNRESERVED}]."
        )));
    }
    let request = json!({ "functionName": function.name, "reservedConcurrentExecutions": wanted });
    Ok(Reply {
        body: node! { "ReservedConcurrentExecutions" => wanted },
        action: Some(told(PUT, function, request)),
    })
}

fn delete(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let function = find(world, input)?;
    let request = json!({ "functionName": function.name });
    Ok(Reply { body: Node::Absent, action: Some(told(DELETE, function, request)) })
}

/// CloudTrail names it with the version of the API.
fn told(name: &str, function: &Function, request: Value) -> What {
    let name = format!("{name}20171031");
    let told = Told::new("lambda.amazonaws.com", &name, request);
    What::Other(told.on("AWS::Lambda::Function", [&function.name]))
}

fn invalid(message: String) -> Failure {
    Failure::new("InvalidParameterValueException", message)
}

fn find<'a>(world: &World<'a>, input: &Input) -> Result<&'a Function, Failure> {
    let name = input.need("FunctionName", "InvalidParameterValueException")?;
    here(world).find(|f| f.name == name || arn(world, f) == name).ok_or_else(|| {
        let message = format!("Function not found: {}", world.arn("lambda", &format!("function:{name}")));
        Failure::new("ResourceNotFoundException", message).status(404)
    })
}

/// What is reserved for `function` now: what the operator said last, or what was there before.
fn reserved(world: &World<'_>, function: &Function) -> Option<u32> {
    let said = world.actions.iter().rev().filter(|a| a.region == world.region).find_map(|action| {
        let told = action.what.other()?;
        (told.request.get("functionName")? == function.name.as_str()).then_some(&told.request)
    });
    match said {
        Some(request) => u32::try_from(request.get("reservedConcurrentExecutions")?.as_u64()?).ok(),
        None => function.reserved,
    }
}
