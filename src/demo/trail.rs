//! CloudTrail's events: the account's history, the story's, and what the operator did.

use crate::account::Event;
use crate::seed;
use crate::services::s3::Change;
use crate::story::Deploy;
use crate::world::{Action, What, World};
use quarterdeck_core::Timestamp;
use serde_json::{Value, json};
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
        let at = change.at.at(world.start);
        if world.course(&change.during).holds(at) {
            all.push(record(world, at, &change.event, &request(&change.event)));
        }
    }
    for deploy in &world.drill.deploy {
        all.extend(deployed(world, deploy));
    }
    for action in world.actions.iter().filter(|a| a.region == world.region) {
        all.extend(acted(world, action));
    }
    for background in world.account.holds.background.iter().filter(|b| b.event.region == world.region) {
        let step = i64::try_from(background.every.0.as_millis()).unwrap_or(1).max(1);
        let course = world.course(&background.during);
        let from = oldest.max(world.start.minus(BACKGROUND)).millis().div_euclid(step) + 1;
        for slot in from..=newest.millis().div_euclid(step) {
            let shift = (seed::fraction(&background.event.name, slot.unsigned_abs()) * 30_000.0) as i64;
            let at = Timestamp::from_millis(slot * step + shift);
            if course.holds(at) {
                all.push(record(world, at, &background.event, &request(&background.event)));
            }
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
        ..Event::default()
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

/// What the operator did. What is done to objects are data events, which it does not look up.
fn acted(world: &World<'_>, action: &Action) -> Option<Record> {
    if matches!(action.what, What::S3(Change::Put { .. } | Change::Upload { .. })) {
        return None;
    }
    let told = action.what.told();
    let event = Event {
        name: told.name.clone(),
        source: told.source.clone(),
        role: world.account.header.role.clone(),
        session: world.account.header.session.clone(),
        region: world.region.to_owned(),
        ip: "198.51.100.7".to_owned(),
        agent: "quarterdeck".to_owned(),
        resources: told.resources.clone(),
        read_only: told.read_only,
        ..Event::default()
    };
    Some(record(world, action.at, &event, &told.request))
}

fn record(world: &World<'_>, at: Timestamp, event: &Event, request: &Value) -> Record {
    let account = &world.account.header.id;
    let unique = format!("{} {} {}", event.name, event.actor(), event.source);
    let id = seed::uuid(&unique, at.millis().unsigned_abs());
    let (access_key, identity) = identity(account, event);
    let mut detail = json!({
        "eventVersion": "1.11",
        "userIdentity": identity,
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
        user: event.actor().to_owned(),
        access_key,
        read_only: event.read_only,
        resources: event.resources.iter().map(|[kind, name]| (kind.clone(), name.clone())).collect(),
        detail,
    }
}

/// The access key that was used, and whose it is: an IAM user's, or of a role's session.
fn identity(account: &str, event: &Event) -> (String, Value) {
    if let Some(user) = &event.user {
        let key = event.access_key.clone().unwrap_or_default();
        let whose = json!({
            "type": "IAMUser",
            "principalId": format!("AIDADEMO{}", seed::hex(user, 0, 13).to_uppercase()),
            "arn": format!("arn:aws:iam::{account}:user/{user}"),
            "accountId": account,
            "accessKeyId": key,
            "userName": user,
        });
        return (key, whose);
    }
    let key = format!("ASIADEMO{}", seed::hex(&event.session, 1, 12).to_uppercase());
    let whose = json!({
        "type": "AssumedRole",
        "principalId": format!("AROADEMO{}:{}", seed::hex(&event.role, 0, 13).to_uppercase(), event.session),
        "arn": format!("arn:aws:sts::{account}:assumed-role/{}/{}", event.role, event.session),
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "arn": format!("arn:aws:iam::{account}:role/{}", event.role),
                "accountId": account,
                "userName": event.role,
            },
            "attributes": { "mfaAuthenticated": "false" },
        },
    });
    (key, whose)
}
