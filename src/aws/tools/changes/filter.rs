//! What is asked of CloudTrail, and what is filtered here: it takes one attribute, exactly as it stands.

use super::change::Change;
use crate::tools::get_recent_changes::Args;
use aws_sdk_cloudtrail::types::LookupAttributeKey;

/// What events are wanted, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    resource: Option<String>,
    user: Option<String>,
    service: Option<String>,
    event: Option<String>,
    access_key: Option<String>,
    reads: bool,
}

/// One walk through the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// What CloudTrail filters by; `None` is everything.
    pub attribute: Option<(LookupAttributeKey, String)>,
    /// Whether it sees every event that is wanted, or only those that CloudTrail's index knows by this name.
    pub whole: bool,
}

impl Wanted {
    /// What `args` ask for.
    pub fn of(args: &Args) -> Self {
        let folded = |text: Option<&str>| text.map(|t| t.trim().to_lowercase()).filter(|t| !t.is_empty());
        let (prefix, event) = named_event(args);
        Self {
            resource: folded(args.resource.as_deref().map(last_part)),
            user: folded(args.user.as_deref()),
            service: args.service.as_deref().or(prefix).map(source).filter(|s| !s.is_empty()),
            access_key: folded(args.access_key.as_deref()),
            reads: args.include_reads || event.is_some() || args.access_key.is_some(),
            event: folded(event),
        }
    }

    /// Whether `change` is wanted.
    pub fn keeps(&self, change: &Change) -> bool {
        let is = |wanted: &Option<String>, test: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(test);
        (self.reads || !change.read_only)
            && is(&self.event, &|w| change.event.to_lowercase() == w)
            && is(&self.service, &|w| change.service == w)
            && is(&self.access_key, &|w| change.access_key.as_deref().is_some_and(|k| k.to_lowercase() == w))
            && is(&self.user, &|w| change.is_by(w))
            && is(&self.resource, &|w| change.is_about(w))
    }

    /// Whether more is filtered here than CloudTrail filters, so that many events are read for few.
    pub fn sparse(&self) -> bool {
        self.resource.is_some() || self.user.is_some()
    }
}

/// The walks to make, one after the other: the most selective attribute there is. Where a name alone is given, first
/// what the index knows by it, then everything: the index has no ECS resources, and roles only by their sessions.
pub fn lookups(args: &Args) -> Vec<Lookup> {
    let by = |key, value: &str, whole| Lookup { attribute: Some((key, value.trim().to_owned())), whole };
    let given = |text: &Option<String>| text.clone().filter(|t| !t.trim().is_empty());
    let (prefix, event) = named_event(args);
    if let Some(key) = given(&args.access_key) {
        return vec![by(LookupAttributeKey::AccessKeyId, &key, true)];
    }
    if let Some(event) = event {
        return vec![by(LookupAttributeKey::EventName, event, true)];
    }
    let everything = match args.service.as_deref().or(prefix).map(source).filter(|s| !s.is_empty()) {
        Some(service) => by(LookupAttributeKey::EventSource, &format!("{service}.amazonaws.com"), true),
        None if args.include_reads => Lookup { attribute: None, whole: true },
        None => by(LookupAttributeKey::ReadOnly, "false", true),
    };
    match (given(&args.user), given(&args.resource)) {
        // A role and its session, as the rows show them: the index knows the session.
        (Some(user), _) => {
            let session = user.rsplit('/').next().unwrap_or(&user);
            vec![by(LookupAttributeKey::Username, session, false), everything]
        }
        (None, Some(resource)) => {
            vec![by(LookupAttributeKey::ResourceName, &resource, false), everything]
        }
        (None, None) => vec![everything],
    }
}

/// `UpdateService`, or `ecs:UpdateService` as the service and the call.
fn named_event(args: &Args) -> (Option<&str>, Option<&str>) {
    match args.event.as_deref().map(str::trim).filter(|e| !e.is_empty()) {
        Some(event) => match event.split_once(':') {
            Some((service, event)) => (Some(service), Some(event)),
            None => (None, Some(event)),
        },
        None => (None, None),
    }
}

/// Of an ARN, what comes last; names and ids as they are.
fn last_part(resource: &str) -> &str {
    match resource.strip_prefix("arn:") {
        Some(arn) => arn.rsplit(['/', ':']).next().filter(|l| !l.is_empty()).unwrap_or(resource),
        None => resource,
    }
}

/// A service as event sources name it, without the domain.
fn source(service: &str) -> String {
    let name = service.trim().to_lowercase();
    let name = name.strip_suffix(".amazonaws.com").unwrap_or(&name);
    match name {
        "elb" | "elbv2" | "alb" | "nlb" => "elasticloadbalancing",
        "cloudwatch" | "alarms" => "monitoring",
        "cloudwatchlogs" => "logs",
        "stepfunctions" | "sfn" => "states",
        "eventbridge" => "events",
        "ses" => "email",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(set: impl FnOnce(&mut Args)) -> Args {
        let mut args = Args { limit: 200, ..Args::default() };
        set(&mut args);
        args
    }

    #[test]
    fn the_most_selective_attribute_is_asked_for() {
        let text = |text: &str| Some(text.to_owned());
        let shown = |args: &Args| -> Vec<String> {
            let name = |l: Lookup| l.attribute.map_or("everything".to_owned(), |(k, v)| format!("{k} {v}"));
            lookups(args).into_iter().map(name).collect()
        };
        for (args, asked) in [
            (args(|_| ()), vec!["ReadOnly false"]),
            (args(|a| a.include_reads = true), vec!["everything"]),
            (args(|a| a.service = text("ECS")), vec!["EventSource ecs.amazonaws.com"]),
            (args(|a| a.service = text("elb")), vec!["EventSource elasticloadbalancing.amazonaws.com"]),
            (args(|a| a.event = text("ecs:UpdateService")), vec!["EventName UpdateService"]),
            (args(|a| a.user = text("OnCall/jo")), vec!["Username jo", "ReadOnly false"]),
            (args(|a| a.resource = text("sg-1")), vec!["ResourceName sg-1", "ReadOnly false"]),
            (
                args(|a| (a.resource, a.service) = (text("api"), text("ecs"))),
                vec!["ResourceName api", "EventSource ecs.amazonaws.com"],
            ),
            (
                args(|a| (a.resource, a.event) = (text("api"), text("UpdateService"))),
                vec!["EventName UpdateService"],
            ),
            (args(|a| (a.access_key, a.event) = (text("AKIA1"), text("X"))), vec!["AccessKeyId AKIA1"]),
            (args(|a| a.user = text("  ")), vec!["ReadOnly false"]),
        ] {
            assert_eq!(shown(&args), asked, "{args:?}");
        }
    }

    #[test]
    fn arns_are_found_by_their_last_part() {
        for (resource, last) in [
            ("arn:aws:ecs:eu-west-1:123456789012:service/prod/api", "api"),
            ("arn:aws:lambda:eu-west-1:123456789012:function:resize", "resize"),
            ("prod/api", "prod/api"),
            ("sg-1", "sg-1"),
        ] {
            assert_eq!(last_part(resource), last);
        }
    }
}
