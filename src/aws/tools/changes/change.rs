//! One CloudTrail event as a change.

use super::actor::Actor;
use super::request;
use crate::instant;
use crate::tools::reading::words;
use aws_sdk_cloudtrail::types::Event;
use quarterdeck_core::Timestamp;
use serde_json::Value;

/// Bytes of an error message.
const ERROR: usize = 300;

/// What is told of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub id: String,
    pub at: Option<Timestamp>,
    /// `UpdateService`.
    pub event: String,
    /// `ecs`.
    pub service: String,
    pub actor: Actor,
    pub source_ip: Option<String>,
    pub user_agent: Option<String>,
    pub resource: Option<String>,
    pub error: Option<String>,
    pub change: Option<String>,
    pub read_only: bool,
    pub access_key: Option<String>,
    /// Whether the event's own text could be read; without it there is only what CloudTrail's index has.
    pub readable: bool,
    /// For filters: the user name of the index, the resources of the index, the request.
    username: Option<String>,
    resources: Vec<String>,
    request: Value,
}

impl Change {
    /// `event` as CloudTrail answered it.
    pub fn of(event: &Event) -> Self {
        let detail = event.cloud_trail_event().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let readable = detail.as_ref().is_some_and(Value::is_object);
        let detail = detail.unwrap_or(Value::Null);
        let text = |path: &str| detail.pointer(path).and_then(Value::as_str).filter(|v| !v.is_empty());
        let source = event.event_source().or(text("/eventSource")).unwrap_or_default();
        let request = detail.get("requestParameters").cloned().unwrap_or(Value::Null);
        let resources: Vec<String> =
            event.resources().iter().filter_map(|r| r.resource_name()).map(str::to_owned).collect();
        let identity = detail.get("userIdentity").unwrap_or(&Value::Null);
        let read_only = event.read_only().or(text("/readOnly")).map_or_else(
            || detail.get("readOnly").and_then(Value::as_bool).unwrap_or(false),
            |text| text == "true",
        );
        Self {
            id: event.event_id().or(text("/eventID")).unwrap_or_default().to_owned(),
            at: instant::of(event.event_time())
                .or_else(|| text("/eventTime").and_then(|t| Timestamp::parse(t).ok())),
            event: event.event_name().or(text("/eventName")).unwrap_or("unknown").to_owned(),
            service: source.strip_suffix(".amazonaws.com").unwrap_or(source).to_owned(),
            actor: Actor::of(identity, event.username()),
            source_ip: text("/sourceIPAddress").map(str::to_owned),
            user_agent: text("/userAgent").map(agent),
            resource: resource(&request, &resources),
            error: error(text("/errorCode"), text("/errorMessage")),
            change: request::change(&request),
            read_only,
            access_key: event.access_key_id().or(text("/userIdentity/accessKeyId")).map(str::to_owned),
            readable,
            username: event.username().map(str::to_owned),
            resources,
            request,
        }
    }

    /// Whether it is about `wanted` (lower case): in the index, which leaves out ECS and more, or in the request.
    pub fn is_about(&self, wanted: &str) -> bool {
        self.resources.iter().any(|name| request::names(name, wanted))
            || self.resource.as_deref().is_some_and(|name| request::names(name, wanted))
            || request::mentions(&self.request, wanted)
    }

    /// Whether `wanted` (lower case) did it: a user, a role, a session or a part of one. Who else is found is seen in
    /// the rows; who is not found would not be.
    pub fn is_by(&self, wanted: &str) -> bool {
        self.actor.name.to_lowercase().contains(wanted)
            || self.username.as_deref().is_some_and(|name| name.to_lowercase().contains(wanted))
    }

    /// 3 alarming whoever did it, 2 likely to matter, 1 an ordinary change, 0 reads and what AWS does by itself.
    pub fn urgency(&self) -> u8 {
        let starts = |words: &[&str]| words.iter().any(|word| self.event.starts_with(word));
        let failed = self.error.is_some();
        if self.actor.service {
            return u8::from(failed || !self.read_only && starts(&DELETES));
        }
        if self.read_only {
            return u8::from(failed);
        }
        let blinding =
            self.service == "cloudtrail" && starts(&["StopLogging", "DeleteTrail", "PutEventSelectors"]);
        if self.actor.root || blinding {
            return 3;
        }
        let guards = self.service == "iam"
            || self.event.contains("SecurityGroup")
            || self.event.contains("Policy")
            || self.event.contains("PublicAccessBlock");
        if failed || guards || self.deploys() || starts(&DELETES) { 2 } else { 1 }
    }

    /// Whether it puts another version of something to work.
    pub fn deploys(&self) -> bool {
        DEPLOYS.contains(&self.event.split("20").next().unwrap_or(&self.event))
    }
}

const DELETES: [&str; 11] = [
    "Delete",
    "Terminate",
    "Stop",
    "Remove",
    "Deregister",
    "Disable",
    "Detach",
    "Revoke",
    "Reboot",
    "Schedule",
    "Purge",
];
/// Lambda's names carry a version (`UpdateFunctionCode20150331v2`), which is not compared.
const DEPLOYS: [&str; 12] = [
    "UpdateService",
    "CreateService",
    "RegisterTaskDefinition",
    "UpdateFunctionCode",
    "UpdateFunctionConfiguration",
    "PublishVersion",
    "UpdateAlias",
    "CreateDeployment",
    "UpdateStack",
    "ExecuteChangeSet",
    "StartInstanceRefresh",
    "ModifyDBInstance",
];

fn resource(request: &Value, resources: &[String]) -> Option<String> {
    // An ECS service is named whole by its request; the index has the cluster alone, if anything.
    if let Some(service) = request::subject(request) {
        return Some(service);
    }
    let mut named: Vec<&str> = Vec::new();
    for name in resources.iter().map(|r| request::resource_part(r)) {
        if !named.contains(&name) {
            named.push(name);
        }
    }
    if named.is_empty() { request::any_subject(request) } else { Some(request::listed(named.into_iter())) }
}

/// `AccessDenied: ...`, without the encoded message that only STS can read.
fn error(code: Option<&str>, message: Option<&str>) -> Option<String> {
    let message =
        message.map(|m| m.split("Encoded authorization failure message").next().unwrap_or(m).trim());
    match (code, message.filter(|m| !m.is_empty())) {
        (None, None) => None,
        (Some(code), None) => Some(code.to_owned()),
        (None, Some(message)) => Some(words::cut(message, ERROR).into_owned()),
        (Some(code), Some(message)) => Some(format!("{code}: {}", words::cut(message, ERROR))),
    }
}

/// The part of a user agent that says which program it was.
fn agent(text: &str) -> String {
    let text = text.trim().trim_start_matches('[').trim_end_matches(']');
    let mut parts = text.split([' ', ',']).filter(|p| !p.is_empty());
    let known = ["Terraform/", "OpenTofu/", "Pulumi/", "aws-cdk/", "Ansible/", "aws-cli/"];
    let found = text.split([' ', ',']).find(|p| known.iter().any(|k| p.starts_with(k)));
    match (found, parts.next()) {
        (Some(program), _) => program.to_owned(),
        (None, Some(first)) if first.starts_with("Mozilla/") => "browser".to_owned(),
        // `AWS Internal`, `Coral/Netty4`: short ones are told whole.
        (None, Some(_)) if text.len() <= 40 => text.to_owned(),
        (None, Some(first)) => words::cut(first, 60).into_owned(),
        (None, None) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs() {
        for (text, program) in [
            ("aws-cli/2.15.0 Python/3.11 Linux/5.10 exec-env/x", "aws-cli/2.15.0"),
            ("APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io) x", "Terraform/1.5.7"),
            ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)", "browser"),
            ("[S3Console/0.4, aws-internal/3 aws-sdk-java/1.11 Linux/5.10]", "S3Console/0.4"),
            ("AWS Internal", "AWS Internal"),
            ("ecs.amazonaws.com", "ecs.amazonaws.com"),
            ("", ""),
        ] {
            assert_eq!(agent(text), program);
        }
    }

    #[test]
    fn errors() {
        for (code, message, text) in [
            (None, None, None),
            (Some("AccessDenied"), None, Some("AccessDenied")),
            (Some("AccessDenied"), Some("no"), Some("AccessDenied: no")),
            (None, Some("Failed authentication"), Some("Failed authentication")),
            (
                Some("Client.UnauthorizedOperation"),
                Some("You are not. Encoded authorization failure message: abcdef"),
                Some("Client.UnauthorizedOperation: You are not."),
            ),
        ] {
            assert_eq!(error(code, message).as_deref(), text);
        }
    }
}
