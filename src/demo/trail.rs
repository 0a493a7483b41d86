//! CloudTrail's events: the account's history, the story's, and what the operator did.

use crate::account::Event;
use crate::seed;
use crate::story::Deploy;
use crate::walls::Rule;
use crate::world::{Action, What, World};
use quarterdeck_core::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// CloudTrail answers for 90 days.
const KEPT: Duration = Duration::from_secs(90 * 86_400);
/// Background events are made up for this long: what is older is history told by the account's file alone.
const BACKGROUND: Duration = Duration::from_secs(2 * 86_400);

/// One event.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub id: String,
    pub at: Timestamp,
    pub name: String,
    pub source: String,
    pub user: String,
    pub access_key: String,
    pub read_only: bool,
    /// Type and name.
    pub resources: Vec<(String, String)>,
    /// The event as CloudTrail records it.
    pub detail: Value,
}

/// The region's delivered events between `from` and `until`, newest first.
pub(crate) fn records(world: &World<'_>, from: Timestamp, until: Timestamp) -> Vec<Record> {
    let newest = world.now.minus(world.account.header.trail_delay.0).min(until);
    let oldest = world.now.minus(KEPT).max(from);
    let mut all: Vec<Record> = Vec::new();
    for change in world.account.holds.change.iter().filter(|c| c.event.region == world.region) {
        all.push(record(world, change.at.at(world.start), &change.event, &request(&change.event)));
    }
    for deploy in &world.drill.deploy {
        all.extend(deployed(world, deploy));
    }
    for action in world.actions.iter().filter(|a| a.region == world.region) {
        all.push(acted(world, action));
    }
    for background in world.account.holds.background.iter().filter(|b| b.event.region == world.region) {
        let step = i64::try_from(background.every.0.as_millis()).unwrap_or(1).max(1);
        let from = oldest.max(world.start.minus(BACKGROUND)).millis().div_euclid(step) + 1;
        for slot in from..=newest.millis().div_euclid(step) {
            let shift = (seed::fraction(&background.event.name, slot.unsigned_abs()) * 30_000.0) as i64;
            let at = Timestamp::from_millis(slot * step + shift);
            all.push(record(world, at, &background.event, &request(&background.event)));
        }
    }
    all.retain(|r| oldest <= r.at && r.at <= newest);
    all.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
    all
}

fn request(event: &Event) -> Value {
    serde_json::to_value(&event.request).unwrap_or(Value::Null)
}

/// The two calls a deployment is made of.
fn deployed(world: &World<'_>, deploy: &Deploy) -> Vec<Record> {
    let key = format!("{}/{}", deploy.cluster, deploy.service);
    let Some(service) = world.account.service(world.region, &key) else { return Vec::new() };
    let at = deploy.at.at(world.start);
    let event = |name: &str| Event {
        name: name.to_owned(),
        source: "ecs.amazonaws.com".to_owned(),
        role: deploy.role.clone(),
        session: deploy.session.clone(),
        region: world.region.to_owned(),
        ip: deploy.ip.clone(),
        agent: deploy.agent.clone(),
        read_only: false,
        resources: Vec::new(),
        request: std::collections::BTreeMap::new(),
        error: None,
    };
    let secrets = deploy.secrets.as_ref().unwrap_or(&service.secrets);
    let secrets: Vec<Value> = secrets
        .iter()
        .map(|(name, secret)| json!({ "name": name, "valueFrom": crate::services::ecs::secret_arn(world, secret) }))
        .collect();
    let registered = json!({ "family": service.name, "containerDefinitions": [{
        "name": service.name,
        "image": crate::services::ecs::image(world, service, deploy.revision),
        "secrets": secrets,
    }] });
    let updated = json!({
        "cluster": service.cluster,
        "service": service.name,
        "taskDefinition": format!("{}:{}", service.name, deploy.revision),
        "forceNewDeployment": false,
    });
    vec![
        record(world, at.minus(Duration::from_secs(4)), &event("RegisterTaskDefinition"), &registered),
        record(world, at, &event("UpdateService"), &updated),
    ]
}

/// What the operator did, as CloudTrail tells it.
fn acted(world: &World<'_>, action: &Action) -> Record {
    let items = |ids: &[String]| json!({ "instancesSet": { "items": ids.iter().map(|i| json!({ "instanceId": i })).collect::<Vec<_>>() } });
    let (name, source, ids, request) = match &action.what {
        What::RevokeRules { group, ids } => {
            let request = json!({ "groupId": group, "securityGroupRuleIds": { "items": ids } });
            ("RevokeSecurityGroupIngress", "ec2.amazonaws.com", vec![group.clone()], request)
        }
        What::AddRules { rules } => {
            let items: Vec<Value> = rules.iter().map(added).collect();
            let group = rules.first().map(|r| r.group.clone()).unwrap_or_default();
            let request = json!({ "groupId": group, "ipPermissions": { "items": items } });
            ("AuthorizeSecurityGroupIngress", "ec2.amazonaws.com", vec![group], request)
        }
        What::Stop { ids } => ("StopInstances", "ec2.amazonaws.com", ids.clone(), items(ids)),
        What::Start { ids } => ("StartInstances", "ec2.amazonaws.com", ids.clone(), items(ids)),
        What::UpdateService { key, desired, revision, force } => {
            let (cluster, service) = key.split_once('/').unwrap_or(("", key));
            let mut request = Map::new();
            request.insert("cluster".to_owned(), cluster.into());
            request.insert("service".to_owned(), service.into());
            request.insert("forceNewDeployment".to_owned(), (*force).into());
            if let Some(n) = desired {
                request.insert("desiredCount".to_owned(), (*n).into());
            }
            if let Some(r) = revision {
                request.insert("taskDefinition".to_owned(), format!("{service}:{r}").into());
            }
            ("UpdateService", "ecs.amazonaws.com", Vec::new(), Value::Object(request))
        }
    };
    let event = Event {
        name: name.to_owned(),
        source: source.to_owned(),
        role: world.account.header.role.clone(),
        session: world.account.header.session.clone(),
        region: world.region.to_owned(),
        ip: "198.51.100.7".to_owned(),
        agent: "quarterdeck".to_owned(),
        read_only: false,
        resources: ids.iter().map(|i| [kind(i).to_owned(), i.clone()]).collect(),
        request: std::collections::BTreeMap::new(),
        error: None,
    };
    record(world, action.at, &event, &request)
}

/// The type of a resource, by its id.
fn kind(id: &str) -> &'static str {
    if id.starts_with("sg-") { "AWS::EC2::SecurityGroup" } else { "AWS::EC2::Instance" }
}

/// A permission as CloudTrail writes it.
fn added(rule: &Rule) -> Value {
    json!({
        "ipProtocol": rule.protocol,
        "fromPort": rule.from,
        "toPort": rule.to,
        "ipRanges": { "items": [{ "cidrIp": rule.source, "description": rule.description }] },
    })
}

fn record(world: &World<'_>, at: Timestamp, event: &Event, request: &Value) -> Record {
    let account = &world.account.header.id;
    let unique = format!("{} {} {}", event.name, event.session, event.source);
    let id = seed::uuid(&unique, at.millis().unsigned_abs());
    let access_key = format!("ASIADEMO{}", seed::hex(&event.session, 1, 12).to_uppercase());
    let mut detail = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": format!("AROADEMO{}:{}", seed::hex(&event.role, 0, 13).to_uppercase(), event.session),
            "arn": format!("arn:aws:sts::{account}:assumed-role/{}/{}", event.role, event.session),
            "accountId": account,
            "accessKeyId": access_key,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "arn": format!("arn:aws:iam::{account}:role/{}", event.role),
                    "accountId": account,
                    "userName": event.role,
                },
                "attributes": { "mfaAuthenticated": "false" },
            },
        },
        "eventTime": Timestamp::from_millis(at.millis() / 1000 * 1000).rfc3339(),
        "eventSource": event.source,
        "eventName": event.name,
        "awsRegion": event.region,
        "sourceIPAddress": event.ip,
        "userAgent": event.agent,
        "requestParameters": request,
        "responseElements": Value::Null,
        "requestID": seed::uuid(&unique, at.millis().unsigned_abs() ^ 1),
        "eventID": id,
        "readOnly": event.read_only,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": account,
        "eventCategory": "Management",
    });
    if let (Some([code, message]), Some(map)) = (&event.error, detail.as_object_mut()) {
        map.insert("errorCode".to_owned(), code.as_str().into());
        map.insert("errorMessage".to_owned(), message.as_str().into());
    }
    Record {
        id,
        at,
        name: event.name.clone(),
        source: event.source.clone(),
        user: event.session.clone(),
        access_key,
        read_only: event.read_only,
        resources: event.resources.iter().map(|[kind, name]| (kind.clone(), name.clone())).collect(),
        detail,
    }
}
