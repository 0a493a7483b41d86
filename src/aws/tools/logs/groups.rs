//! Names of log groups, and what to say when one does not exist.

use super::read::RegionLines;
use crate::clients::ReadClients;
use crate::fault;
use crate::place::Gathered;
use crate::tools::get_cloudwatch_logs::Args;
use crate::tools::reading::places::searched;
use aws_sdk_cloudwatchlogs::Client;
use quarterdeck_core::text::nearest;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::collections::BTreeSet;

/// Groups in one DescribeLogGroups.
const PAGE: i32 = 50;
/// Pages read to find names like the one that was asked for.
const PAGES: usize = 3;
/// Names suggested.
const NAMED: usize = 5;

/// The name in an ARN (`arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/checkout-api:*`), or the name itself.
pub fn name_of(group: &str) -> &str {
    let group = group.trim();
    match group.strip_prefix("arn:").and_then(|arn| arn.split_once(":log-group:")) {
        Some((_, name)) => name.split(':').next().unwrap_or(name),
        None => group,
    }
}

/// Names that could be meant by `group`: those that contain its last part, then those that begin as it does, then
/// any. Source: CloudWatch Logs DescribeLogGroups.
///
/// # Errors
/// As AWS answers, when nothing could be listed at all.
pub async fn like(client: &Client, group: &str) -> Result<Vec<String>, Fault> {
    let wanted = allowed(group);
    let last = wanted.rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
    let head = wanted.rfind('/').and_then(|at| wanted.get(..=at)).unwrap_or_default();
    let mut names = BTreeSet::new();
    let mut fault = None;
    for (prefix, pattern) in [(None, Some(last)), (Some(head), None), (None, None)] {
        if [prefix, pattern].into_iter().flatten().any(str::is_empty) {
            continue;
        }
        match list(client, prefix, pattern).await {
            Ok(found) => names.extend(found),
            Err(e) if e.kind == FaultKind::Denied => return Err(e),
            Err(e) => fault = Some(e),
        }
        if names.len() >= NAMED {
            break;
        }
    }
    match fault {
        Some(fault) if names.is_empty() => Err(fault),
        Some(_) | None => Ok(names.into_iter().collect()),
    }
}

async fn list(client: &Client, prefix: Option<&str>, pattern: Option<&str>) -> Result<Vec<String>, Fault> {
    let mut names = Vec::new();
    let mut token = None;
    for _ in 0..PAGES {
        let answer = client
            .describe_log_groups()
            .set_log_group_name_prefix(prefix.map(str::to_owned))
            .set_log_group_name_pattern(pattern.map(str::to_owned))
            .limit(PAGE)
            .set_next_token(token)
            .send()
            .await
            .map_err(|e| fault::of(&e))?;
        names.extend(answer.log_groups.unwrap_or_default().into_iter().filter_map(|g| g.log_group_name));
        token = answer.next_token.filter(|t| !t.is_empty());
        if token.is_none() {
            break;
        }
    }
    Ok(names)
}

/// What AWS takes in a name: anything else fails the request instead of finding nothing.
fn allowed(group: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '#');
    group.chars().filter(fits).take(512).collect()
}

/// The group asked for is nowhere: the nearest names of all places that were asked.
pub async fn unknown(aws: &ReadClients, args: &Args, out: &Gathered<RegionLines>) -> Fault {
    let group = name_of(&args.log_group);
    let lists = out.answers.iter().map(|(place, _)| async move { like(&aws.logs(place), group).await });
    let (mut names, mut why) = (BTreeSet::new(), None);
    for list in futures::future::join_all(lists).await {
        match list {
            Ok(list) => names.extend(list),
            Err(fault) => why = Some(fault),
        }
    }
    let near = nearest(group, names.iter().map(String::as_str), NAMED);
    let fault =
        Fault::new(FaultKind::Missing, format!("there is no log group {group:?} in {}", searched(out)));
    match (near.is_empty(), why) {
        (false, _) => fault.hint(format!("did you mean: {}", near.join(", "))),
        (true, Some(why)) => fault.hint(format!("the names that exist could not be listed: {why}")),
        (true, None) => fault.hint("there is none here: try another region, or regions: [\"all\"]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (group, name) in [
            ("/ecs/api", "/ecs/api"),
            (" /ecs/api ", "/ecs/api"),
            ("arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/api:*", "/ecs/api"),
            ("arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/api", "/ecs/api"),
            ("arn:odd", "arn:odd"),
        ] {
            assert_eq!(name_of(group), name);
        }
        assert_eq!(allowed("/ecs/che ckout\"é"), "/ecs/checkout");
    }
}
