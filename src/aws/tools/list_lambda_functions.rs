//! `list_lambda_functions`: functions with what they did in the last hour, and why they are throttled.

use super::lambda::{read, view};
use super::reading::patience::Patience;
use super::reading::places;
use super::reading::wildcard::is_pattern;
use crate::clients::ReadClients;
use crate::given;
use crate::place::Gathered;
use crate::tool::ReadTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Lambda functions.
#[derive(Debug)]
pub struct ListLambdaFunctions;

/// What `list_lambda_functions` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Only functions of this name; `*` and `?` are wildcards, case counts, e.g. "orders-*".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only those with errors or throttles in the last hour, or broken. Default: false.
    #[serde(default)]
    pub only_failing: bool,
    /// Read the last hour's metrics; false is free. Default: true.
    #[serde(default = "yes")]
    pub metrics: bool,
    /// Regions, e.g. ["eu-west-1"], or ["all"]. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

const fn yes() -> bool {
    true
}

impl Default for Args {
    fn default() -> Self {
        Self { name: None, only_failing: false, metrics: true, regions: None, accounts: None }
    }
}

impl Args {
    /// The one function that is named, without wildcards.
    pub(super) fn exact(&self) -> Option<&str> {
        self.name.as_deref().filter(|n| !is_pattern(n))
    }
}

impl ReadTool for ListLambdaFunctions {
    const SPEC: Spec = Spec {
        name: "list_lambda_functions",
        description: "Lambda functions: invocations, errors, throttles and p99 of the last hour, which concurrency limit \
            throttles them, runtime (deprecated ones flagged), memory, timeout. The first tool for \"which functions fail?\", \
            \"are we throttled?\". For error messages read /aws/lambda/NAME with get_cloudwatch_logs, for other periods \
            use get_metrics, for who deployed get_recent_changes. Costs about $0.03 per 1,000 functions for metrics.",
        reads: &[
            Op::new("Lambda", "ListFunctions", &["lambda:ListFunctions"]),
            Op::new("Lambda", "GetFunctionConcurrency", &["lambda:GetFunctionConcurrency"]),
            Op::new("Lambda", "GetAccountSettings", &["lambda:GetAccountSettings"]),
            Op::new("CloudWatch", "GetMetricData", &["cloudwatch:GetMetricData"]),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: true,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<read::Region>;

    fn check(args: &Args) -> Result<(), Fault> {
        if args.only_failing && !args.metrics {
            return Err(Fault::new(
                FaultKind::Invalid,
                "`only_failing` needs metrics, and `metrics` is false",
            )
            .hint("leave `metrics` out, or send only_failing=false"));
        }
        let Some(name) = &args.name else { return Ok(()) };
        if let Some(function) = name.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(5)) {
            return Err(Fault::new(FaultKind::Invalid, "`name` is an ARN, a name is needed")
                .hint(format!("send the function's name; perhaps {}", given::shown(function))));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*' | '?');
        if name.chars().all(plain) && name.len() <= 64 {
            return Ok(());
        }
        Err(Fault::new(
            FaultKind::Invalid,
            format!("`name`: {} cannot be a function's name", given::shown(name)),
        )
        .hint("names have at most 64 letters, digits, - and _, without alias or version, e.g. orders-export"))
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Self::Out, Fault> {
        let asked = aws.places(args.regions.as_deref(), args.accounts.as_deref()).await?;
        let patience = Patience::begin();
        let read = |place| async move { read::region(aws, &place, args, patience).await };
        let out = aws.gather(asked, read).await.or_fault()?;
        let nowhere = out.errors.is_empty()
            && out.answers.iter().all(|(_, r)| r.functions.is_empty() && !r.more && r.errors.is_empty());
        match args.exact() {
            Some(name) if nowhere => {
                let names = out.answers.iter().flat_map(|(_, r)| r.others.iter().map(String::as_str));
                Err(places::unknown("Lambda function", name, names, &places::searched(&out)))
            }
            Some(_) | None => Ok(out),
        }
    }

    fn project(args: &Args, out: &Self::Out, as_of: Timestamp) -> Projection {
        view::project(args, out, as_of)
    }
}

#[cfg(test)]
mod tests;
