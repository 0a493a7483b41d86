//! A call's `requestParameters`: what it was about, and what it asked for without its secrets.

use crate::tools::reading::words::plural;
use serde_json::{Map, Value};

/// Fields shown of one request.
const FIELDS: usize = 12;
/// A longer value is told by its length: cutting it could cut a secret in half.
const LONGEST: usize = 120;
/// Names shown of one list.
const NAMES: usize = 5;
/// Objects inside objects that are looked into.
const DEPTH: usize = 8;

/// Fields that name what a call is about, the most telling first.
const SUBJECTS: [&str; 43] = [
    "service",
    "instanceId",
    "instanceIds",
    "groupId",
    "functionName",
    "dBInstanceIdentifier",
    "dBClusterIdentifier",
    "bucketName",
    "userName",
    "roleName",
    "resourceId",
    "policyArn",
    "policyName",
    "stackName",
    "autoScalingGroupName",
    "targetGroupArn",
    "loadBalancerArn",
    "listenerArn",
    "ruleArn",
    "alarmName",
    "alarmNames",
    "logGroupName",
    "tableName",
    "queueUrl",
    "topicArn",
    "secretId",
    "keyId",
    "accessKeyId",
    "hostedZoneId",
    "nodegroupName",
    "clusterName",
    "family",
    "taskDefinition",
    "cluster",
    "repositoryName",
    "volumeId",
    "snapshotId",
    "vpcId",
    "subnetId",
    "groupName",
    "resourceArn",
    "resourceName",
    "name",
];
/// Fields worth telling first.
const TELLING: [&str; 22] = [
    "image",
    "taskDefinition",
    "desiredCount",
    "forceNewDeployment",
    "cidrIp",
    "cidrIpv6",
    "ipProtocol",
    "fromPort",
    "toPort",
    "policyArn",
    "instanceType",
    "imageId",
    "desiredCapacity",
    "minSize",
    "maxSize",
    "status",
    "runtime",
    "timeout",
    "memorySize",
    "minCapacity",
    "maxCapacity",
    "force",
];
/// Fields that say nothing.
const NOISE: [&str; 6] =
    ["clientToken", "clientRequestToken", "idempotencyToken", "nextToken", "dryRun", "requestId"];
/// Names about tokens, passwords and environments that hold none: settings an attacker would change.
const SETTINGS: [&str; 5] = [
    "httpTokens",
    "tokenValidityUnits",
    "enableTokenRevocation",
    "passwordReusePrevention",
    "passwordResetRequired",
];
/// Parts of a name whose value is never shown.
const HIDDEN: [&str; 20] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "privatekey",
    "apikey",
    "authorization",
    "signature",
    "connectionstring",
    "userdata",
    "environment",
    "variables",
    "plaintext",
    "certificatebody",
    "overrides",
    "command",
    "accountkey",
    "authkey",
];
/// Last words of a name that say its value only names the secret.
const NAMING: [&str; 8] = ["arn", "id", "name", "age", "length", "enabled", "expiration", "version"];

/// What the call is about: `prod/checkout-api`, `i-0123, i-0456`.
pub fn subject(request: &Value) -> Option<String> {
    let service = short(request.get("service")?.as_str()?);
    Some(match request.get("cluster").and_then(Value::as_str) {
        Some(cluster) => format!("{}/{service}", short(cluster)),
        None => service.to_owned(),
    })
}

/// As [`subject`], for calls other than those on ECS services.
pub fn any_subject(request: &Value) -> Option<String> {
    if let Some(service) = subject(request) {
        return Some(service);
    }
    let items = request.pointer("/instancesSet/items").and_then(Value::as_array).into_iter().flatten();
    let ids: Vec<&str> = items.filter_map(|i| i.get("instanceId")?.as_str()).collect();
    if !ids.is_empty() {
        return Some(listed(ids.into_iter()));
    }
    SUBJECTS.iter().find_map(|name| match request.get(*name)? {
        Value::String(text) if !text.is_empty() => Some(resource_part(text).to_owned()),
        Value::Array(all) if !all.is_empty() => {
            Some(listed(all.iter().filter_map(Value::as_str).map(resource_part)))
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    })
}

/// Some names, and how many more.
pub fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = names.filter(|n| !n.is_empty()).collect();
    let shown = all.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The last part of a path or ARN.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// What an ARN names, without the account and region: `service/prod/checkout-api`.
pub fn resource_part(name: &str) -> &str {
    match name.strip_prefix("arn:") {
        Some(arn) => arn.splitn(5, ':').nth(4).filter(|r| !r.is_empty()).unwrap_or(name),
        None => name,
    }
}

/// Whether any text anywhere in `request` is `wanted` or mentions it as a whole name. `wanted` is in lower case.
pub fn mentions(request: &Value, wanted: &str) -> bool {
    match request {
        Value::String(text) => names(text, wanted),
        Value::Array(items) => items.iter().any(|item| mentions(item, wanted)),
        Value::Object(fields) => fields.values().any(|value| mentions(value, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether `text` is `wanted` or has it between separators: `checkout-api` in `service/prod/checkout-api` and
/// `checkout-api:42`, not in `checkout-api-canary`.
pub fn names(text: &str, wanted: &str) -> bool {
    let text = text.to_lowercase();
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    text.match_indices(wanted).any(|(at, found)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|t| t.chars().next());
        !part(before) && !part(after)
    })
}

/// The request in short: `desiredCount=4, taskDefinition=checkout-api:42`. Values of fields that hold secrets,
/// environments or user data are never part of it, only their names and numbers.
pub fn change(request: &Value) -> Option<String> {
    let mut fields: Vec<(String, String)> = Vec::new();
    if let Value::Object(map) = request {
        walk(map, "", 0, &mut fields);
    }
    let rank = |path: &str| {
        let last = path.rsplit('.').next().unwrap_or(path);
        TELLING
            .iter()
            .position(|t| *t == last)
            .unwrap_or(TELLING.len() + usize::from(path.starts_with("tag")))
    };
    fields.dedup();
    fields.sort_by_key(|(path, _)| rank(path));
    let more = fields.len().saturating_sub(FIELDS);
    let mut shown: Vec<String> =
        fields.into_iter().take(FIELDS).map(|(path, value)| format!("{path}={value}")).collect();
    if more > 0 {
        shown.push(format!("and {}", plural(more, "more field")));
    }
    (!shown.is_empty()).then(|| shown.join(", "))
}

fn walk(map: &Map<String, Value>, path: &str, depth: usize, out: &mut Vec<(String, String)>) {
    for (name, value) in map {
        if NOISE.iter().any(|n| n.eq_ignore_ascii_case(name)) {
            continue;
        }
        // EC2 wraps every list in `items`.
        let path = match (path, name.as_str()) {
            ("", _) => name.clone(),
            (_, "items" | "member") => path.to_owned(),
            _ => format!("{path}.{name}"),
        };
        if hidden(name) {
            out.extend(masked(value).map(|text| (path, text)));
        } else {
            visit(value, &path, depth, out);
        }
    }
}

fn visit(value: &Value, path: &str, depth: usize, out: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Bool(v) => out.push((path.to_owned(), v.to_string())),
        Value::Number(v) => out.push((path.to_owned(), v.to_string())),
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => out.push((path.to_owned(), shown(text))),
        Value::Object(_) | Value::Array(_) if depth >= DEPTH => {
            out.push((path.to_owned(), "(more inside)".into()));
        }
        Value::Object(map) => match pair(map) {
            // `[{"name": "DB_PASSWORD", "value": "..."}]`: a secret named beside it.
            Some(name) if hidden(name) => out.push((format!("{path}.{name}"), "(not shown)".into())),
            Some(_) | None => walk(map, path, depth + 1, out),
        },
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
            let texts: Vec<String> = items.iter().take(NAMES).filter_map(Value::as_str).map(shown).collect();
            let more = items.len().saturating_sub(NAMES);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            out.push((path.to_owned(), format!("[{}{more}]", texts.join(", "))));
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, path, depth + 1, out)),
    }
}

/// The name in a name and value pair.
fn pair(map: &Map<String, Value>) -> Option<&str> {
    let field = |names: [&str; 3]| names.iter().find_map(|n| map.get(*n));
    field(["value", "parameterValue", "Value"])?;
    field(["name", "key", "parameterKey"])?.as_str()
}

/// A value in words that hide nothing: long ones by their length.
fn shown(text: &str) -> String {
    if text.len() > LONGEST {
        format!("({} bytes, not shown)", text.len())
    } else if text.chars().any(|c| c.is_whitespace() || matches!(c, '"' | ',' | '=')) {
        Value::from(text).to_string()
    } else {
        text.to_owned()
    }
}

fn hidden(name: &str) -> bool {
    if SETTINGS.iter().any(|s| s.eq_ignore_ascii_case(name)) {
        return false;
    }
    let folded: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    HIDDEN.iter().any(|part| folded.contains(part)) && !NAMING.iter().any(|last| folded.ends_with(last))
}

/// What may be told of a hidden value: the names in it, or that it is there.
fn masked(value: &Value) -> Option<String> {
    let name = |item: &Value| match item {
        Value::Object(map) => ["name", "key"].iter().find_map(|n| map.get(*n)?.as_str()).map(shown),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
    };
    let names: Vec<String> = match value {
        Value::Null => return None,
        Value::Bool(v) => return Some(v.to_string()),
        Value::Array(items) => items.iter().filter_map(name).collect(),
        Value::Object(map) => {
            let inner = map.get("variables").or(map.get("items")).unwrap_or(value);
            match inner {
                Value::Object(map) => map.keys().map(|k| shown(k)).collect(),
                Value::Array(items) => items.iter().filter_map(name).collect(),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
            }
        }
        Value::Number(_) | Value::String(_) => Vec::new(),
    };
    if names.is_empty() {
        return Some("(not shown)".to_owned());
    }
    Some(format!("({}; values not shown)", listed(names.iter().map(String::as_str))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_call_is_about() {
        for (request, about) in [
            (
                json!({ "cluster": "prod", "service": "checkout-api", "desiredCount": 4 }),
                Some("prod/checkout-api"),
            ),
            (
                json!({ "cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/prod",
                    "service": "arn:aws:ecs:eu-west-1:123456789012:service/prod/api" }),
                Some("prod/api"),
            ),
            (
                json!({ "instancesSet": { "items": [{ "instanceId": "i-1" }, { "instanceId": "i-2" }] } }),
                Some("i-1, i-2"),
            ),
            (json!({ "groupId": "sg-1", "ipPermissions": {} }), Some("sg-1")),
            (
                json!({ "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1" }),
                Some("targetgroup/web/1"),
            ),
            (json!({ "family": "api", "containerDefinitions": [] }), Some("api")),
            (json!({ "alarmNames": ["a", "b", "c", "d", "e", "f", "g"] }), Some("a, b, c, d, e and 2 more")),
            (json!({ "x": 1 }), None),
            (json!(null), None),
            (json!("garbage"), None),
        ] {
            assert_eq!(any_subject(&request).as_deref(), about, "{request}");
        }
    }

    #[test]
    fn what_a_call_asked_for() {
        for (request, text) in [
            (
                json!({ "cluster": "prod", "desiredCount": 4, "forceNewDeployment": false, "service": "api",
                    "clientToken": "x", "taskDefinition": "api:42" }),
                "taskDefinition=api:42, desiredCount=4, forceNewDeployment=false, cluster=prod, service=api",
            ),
            (
                json!({ "groupId": "sg-1", "ipPermissions": { "items": [{ "ipProtocol": "tcp", "fromPort": 22,
                    "toPort": 22, "ipRanges": { "items": [{ "cidrIp": "0.0.0.0/0" }] } }] } }),
                "ipPermissions.ipRanges.cidrIp=0.0.0.0/0, ipPermissions.ipProtocol=tcp, ipPermissions.fromPort=22, \
                 ipPermissions.toPort=22, groupId=sg-1",
            ),
            (json!({ "name": "two words", "empty": "", "none": null }), "name=\"two words\""),
            (json!({ "policyDocument": "x".repeat(200) }), "policyDocument=(200 bytes, not shown)"),
            (json!({ "httpTokens": "optional" }), "httpTokens=optional"),
        ] {
            assert_eq!(change(&request).as_deref(), Some(text));
        }
        for nothing in [json!(null), json!({}), json!("x"), json!([1])] {
            assert_eq!(change(&nothing), None);
        }
        let many: Map<String, Value> = (0..20).map(|n| (format!("f{n}"), n.into())).collect();
        assert!(change(&Value::Object(many)).unwrap().ends_with("and 8 more fields"));
    }

    #[test]
    fn secrets_environments_and_user_data_are_never_shown() {
        for request in [
            json!({ "masterUserPassword": "hunter2" }),
            json!({ "userData": "hunter2" }),
            json!({ "environment": { "variables": { "DB": "hunter2" } } }),
            json!({ "containerDefinitions": [{ "environment": [{ "name": "DB", "value": "hunter2" }] }] }),
            json!({ "containerDefinitions": [{ "secrets": [{ "name": "DB", "valueFrom": "hunter2" }] }] }),
            json!({ "overrides": { "containerOverrides": [{ "command": ["hunter2"] }] } }),
            json!({ "secretString": "hunter2", "clientRequestToken": "hunter2" }),
            json!({ "parameters": [{ "parameterKey": "DbPassword", "parameterValue": "hunter2" }] }),
            json!({ "loginProfile": { "new-password": "hunter2" } }),
            json!({ "Parameters": { "commands": ["echo hunter2"] } }),
            json!({ "a": { "b": { "c": { "d": { "e": { "f": { "g": { "h": { "i": { "j": "hunter2" } } } } } } } } } }),
        ] {
            let shown = change(&request).unwrap_or_default();
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        let environment = json!({ "environment": [{ "name": "DB_URL", "value": "hunter2" }] });
        assert_eq!(change(&environment).as_deref(), Some("environment=(DB_URL; values not shown)"));
    }

    #[test]
    fn names_are_whole() {
        for (text, wanted, found) in [
            ("service/prod/checkout-api", "checkout-api", true),
            ("Checkout-API:42", "checkout-api", true),
            ("checkout-api-canary", "checkout-api", false),
            ("my-checkout-api", "checkout-api", false),
            ("registry/checkout-api:1.9", "checkout-api", true),
            ("", "x", false),
        ] {
            assert_eq!(names(text, wanted), found, "{text}");
        }
        assert!(mentions(&json!({ "a": [{ "b": "prod/x" }] }), "x"));
    }
}
