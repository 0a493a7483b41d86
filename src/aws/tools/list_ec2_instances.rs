//! EC2 instances with their status checks and scheduled events.

use super::ec2::facts::{self, Checks};
use super::ec2::{args, pages};
use crate::clients::ReadClients;
use crate::instant;
use crate::place::{Gathered, Place};
use crate::tool::{CEILING, ReadTool};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, Instance, InstanceStatus, InstanceType};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::ColumnKind::{Id, State, Text, Time};
use quarterdeck_core::tool::{
    Cell, ColumnKind, Fault, FaultKind, Op, Partial, Projection, RegionRule, Row, Spec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// `list_ec2_instances`.
#[derive(Debug)]
pub struct ListEc2Instances;

/// What to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Instance ids, e.g. ["i-0123456789abcdef0"]. At most 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
    /// The lifecycle state, e.g. "running".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Lifecycle>,
    /// The Name tag; `*` and `?` are wildcards, case counts, e.g. "web-*".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A tag, as "key=value" or "key"; wildcards as in `name`, e.g. "team=payments".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Its primary private or public address, e.g. "10.0.3.17".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Regions, e.g. ["eu-west-1"], or ["all"]. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

/// Lifecycle states of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Lifecycle {
    Pending,
    Running,
    ShuttingDown,
    Stopping,
    Stopped,
    Terminated,
}

impl Lifecycle {
    const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Terminated => "terminated",
        }
    }
}

/// What one region answered.
#[derive(Debug)]
pub struct Region {
    page: pages::Page,
    statuses: Result<HashMap<String, InstanceStatus>, Fault>,
}

const COLUMNS: [(&str, ColumnKind); 12] = [
    ("id", Id),
    ("name", Text),
    ("type", Text),
    ("state", State),
    ("state_reason", Text),
    ("status_checks", State),
    ("scheduled_event", Text),
    ("az", Text),
    ("private_ip", Text),
    ("public_ip", Text),
    ("launched", Time),
    ("asg", Text),
];

impl ReadTool for ListEc2Instances {
    const SPEC: Spec = Spec {
        name: "list_ec2_instances",
        description: "Lists EC2 instances: state and its reason, status checks, scheduled events, type, addresses, launch time, Auto \
            Scaling group. Use it to find an instance by id, name, tag, state or IP address, and to see which are impaired, stopped or due for \
            retirement. For containers use list_ecs_services; for CPU and other alarms get_active_alarms; for who stopped an instance \
            get_recent_changes; to change its state stop_instances or start_instances. Free; reads every page.",
        reads: &[
            Op::new("EC2", "DescribeInstances", &["ec2:DescribeInstances"]),
            Op::new("EC2", "DescribeInstanceStatus", &["ec2:DescribeInstanceStatus"]),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<Region>;

    fn check(args: &Args) -> Result<(), Fault> {
        let ids = args.ids.as_deref().unwrap_or_default();
        if ids.len() > 200 {
            return Err(Fault::new(FaultKind::Invalid, format!("{} ids named", ids.len()))
                .hint("name at most 200 at a time"));
        }
        args::check_ids(ids)?;
        if args.tag.as_deref().is_some_and(|t| t.is_empty() || t.starts_with('=')) {
            return Err(
                Fault::new(FaultKind::Invalid, "the tag has no key").hint("send \"key=value\" or \"key\"")
            );
        }
        match args.ip.as_deref().map(str::parse::<IpAddr>) {
            Some(Err(_)) => Err(Fault::new(FaultKind::Invalid, "`ip` is not an address")
                .hint("send one address such as 10.0.3.17")),
            Some(Ok(_)) | None => Ok(()),
        }
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Gathered<Region>, Fault> {
        let places = aws.places(args.regions.as_deref(), args.accounts.as_deref()).await?;
        let filters = filters(args);
        aws.gather(places, |place| read(aws.ec2(&place), &filters)).await.or_fault()
    }

    fn project(args: &Args, out: &Gathered<Region>, as_of: Timestamp) -> Projection {
        let mut rows = Vec::new();
        let mut errors = out.errors.clone();
        let mut over = Vec::new();
        for (place, region) in &out.answers {
            let statuses = match &region.statuses {
                Ok(statuses) => Some(statuses),
                Err(fault) => {
                    let account = place.account.clone().filter(|_| out.many_accounts);
                    let what =
                        format!("{} DescribeInstanceStatus (status checks, scheduled events)", place.region);
                    errors.push(Partial { account, place: what, fault: fault.clone() });
                    None
                }
            };
            if let Some(fault) = &region.page.lost {
                let account = place.account.clone().filter(|_| out.many_accounts);
                let what =
                    format!("{} instances after the first {}", place.region, region.page.instances.len());
                errors.push(Partial { account, place: what, fault: fault.clone() });
            }
            for (instance, _) in &region.page.instances {
                let status = statuses.and_then(|s| s.get(instance.instance_id().unwrap_or_default()));
                rows.push(row(instance, status, place, out));
            }
            if region.page.more {
                over.push(place.region.as_str());
            }
        }
        let columns: Vec<_> = COLUMNS
            .into_iter()
            .chain(out.many_regions.then_some(("region", Text)))
            .chain(out.many_accounts.then_some(("account", Text)))
            .collect();
        let mut projection =
            Projection::new(String::new(), as_of).columns(&columns).rows(rows).counted("state");
        projection.errors = errors;
        projection.notes = notes(args, out, &projection);
        if !over.is_empty() {
            projection.truncated =
                Some(format!("only the first {CEILING} instances were read in {}", over.join(", ")));
        }
        projection.summary = summary(args, out, &projection);
        projection
    }
}

fn filters(args: &Args) -> Vec<Filter> {
    let filter =
        |name: String, values: Vec<String>| Filter::builder().name(name).set_values(Some(values)).build();
    let mut filters = Vec::new();
    if let Some(ids) = args.ids.clone().filter(|ids| !ids.is_empty()) {
        // As a filter: as a parameter one id of another region fails the whole request.
        filters.push(filter("instance-id".into(), ids));
    }
    if let Some(state) = args.state {
        filters.push(filter("instance-state-name".into(), vec![state.name().into()]));
    }
    if let Some(name) = &args.name {
        filters.push(filter("tag:Name".into(), vec![name.clone()]));
    }
    match args.tag.as_deref().map(|tag| tag.split_once('=').ok_or(tag)) {
        Some(Ok((key, value))) => filters.push(filter(format!("tag:{key}"), vec![value.into()])),
        Some(Err(key)) => filters.push(filter("tag-key".into(), vec![key.into()])),
        None => {}
    }
    if let Some(ip) = args.ip.as_deref() {
        filters.push(filter(address_filter(ip).into(), vec![ip.into()]));
    }
    filters
}

fn address_filter(ip: &str) -> &'static str {
    match ip.parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) => "network-interface.ipv6-addresses.ipv6-address",
        Ok(IpAddr::V4(v4)) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            if v4.is_private() || v4.is_link_local() || shared { "private-ip-address" } else { "ip-address" }
        }
        Err(_) => "ip-address",
    }
}

/// Both halves at once where everything is wanted; of a few instances only their own status.
async fn read(ec2: Client, filters: &[Filter]) -> Result<Region, Fault> {
    if filters.is_empty() {
        let (page, statuses) = futures::join!(pages::instances(&ec2, filters), pages::every_status(&ec2));
        return Ok(Region { page: page?, statuses });
    }
    let page = pages::instances(&ec2, filters).await?;
    let ids: Vec<String> = page.instances.iter().filter_map(|(i, _)| i.instance_id.clone()).collect();
    let statuses =
        if ids.len() > 500 { pages::every_status(&ec2).await } else { pages::statuses_of(&ec2, &ids).await };
    Ok(Region { page, statuses })
}

fn row(instance: &Instance, status: Option<&InstanceStatus>, place: &Place, out: &Gathered<Region>) -> Row {
    let checks = status.map(Checks::of);
    let event = status.and_then(facts::scheduled_event);
    let text = |value: Option<&str>| Cell::from(value.filter(|v| !v.is_empty()));
    let mut cells = vec![
        text(instance.instance_id()),
        text(facts::name(instance)),
        text(instance.instance_type().map(InstanceType::as_str)),
        Cell::from(facts::state(instance)),
        text(facts::state_reason(instance)),
        checks.as_ref().and_then(Checks::label).into(),
        event.clone().into(),
        text(instance.placement().and_then(|p| p.availability_zone())),
        text(instance.private_ip_address()),
        text(instance.public_ip_address()),
        instant::of(instance.launch_time()).into(),
        text(facts::group(instance)),
    ];
    if out.many_regions {
        cells.push(place.region.clone().into());
    }
    if out.many_accounts {
        cells.push(place.account.clone().into());
    }
    Row { urgency: urgency(instance, checks.as_ref(), event.is_some()), cells }
}

fn urgency(instance: &Instance, checks: Option<&Checks>, event: bool) -> u8 {
    match (facts::state(instance), checks) {
        ("running", Some(Checks::Impaired(_))) => 3,
        _ if event || facts::server_reason(instance) => 2,
        ("running", Some(Checks::Ok | Checks::NotApplicable) | None) => 0,
        _ => 1,
    }
}

fn count(projection: &Projection, column: &str, pass: impl Fn(&Cell) -> bool) -> usize {
    projection.rows.iter().filter(|r| projection.cell(r, column).is_some_and(&pass)).count()
}

fn summary(args: &Args, out: &Gathered<Region>, projection: &Projection) -> String {
    let searched = places(out);
    if projection.rows.is_empty() {
        return format!(
            "No instances found in {searched}{}.",
            asked(args).map_or_else(String::new, |a| format!(" with {a}"))
        );
    }
    let states: Vec<String> = projection.counts.of.iter().map(|(state, n)| format!("{n} {state}")).collect();
    let mut sentence =
        format!("{} in {searched}: {}", plural(projection.total, "instance"), states.join(", "));
    let impaired = count(projection, "status_checks", |c| c.plain().starts_with("impaired"));
    if impaired > 0 {
        sentence.push_str(&format!("; {impaired} failing status checks"));
    }
    let events = count(projection, "scheduled_event", |c| *c != Cell::Absent);
    if events > 0 {
        sentence.push_str(&format!("; {}", plural(events, "scheduled event")));
    }
    if projection.truncated.is_some() {
        sentence.push_str("; there are more");
    }
    if !projection.errors.is_empty() {
        sentence.push_str("; not everything answered");
    }
    sentence.push('.');
    sentence
}

fn notes(args: &Args, out: &Gathered<Region>, projection: &Projection) -> Vec<String> {
    let mut notes =
        vec![format!("searched {}; filters: {}", places(out), asked(args).unwrap_or_else(|| "none".into()))];
    let found = |id: &&String| count(projection, "id", |c| matches!(c, Cell::Text(t) if t == *id)) == 0;
    let absent: Vec<&str> = args.ids.iter().flatten().filter(found).map(String::as_str).collect();
    if !absent.is_empty() {
        notes.push(format!(
            "not found there: {}; regions: [\"all\"] searches every enabled region",
            absent.join(", ")
        ));
    }
    if args.ip.is_some() {
        notes.push("only primary addresses were compared; secondary and pod addresses are not".into());
    }
    if projection.rows.is_empty() {
        notes.push("instances terminated more than about an hour ago are no longer listed".into());
    }
    notes
}

fn asked(args: &Args) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(ids) = args.ids.as_deref().filter(|ids| !ids.is_empty()) {
        parts.push(format!("id in [{}]", ids.join(", ")));
    }
    parts.extend(args.state.map(|s| format!("state={}", s.name())));
    parts.extend(args.name.as_ref().map(|n| format!("name={n}")));
    parts.extend(args.tag.as_ref().map(|t| format!("tag {t}")));
    parts.extend(args.ip.as_ref().map(|ip| format!("ip={ip}")));
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The places that answered, in words.
fn places(out: &Gathered<Region>) -> String {
    let mut names: Vec<String> = out
        .answers
        .iter()
        .map(|(p, _)| match p.account.as_ref().filter(|_| out.many_accounts) {
            Some(account) => format!("{account}/{}", p.region),
            None => p.region.clone(),
        })
        .collect();
    let more = names.len().saturating_sub(6);
    names.truncate(6);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

fn plural(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::testing::{Canned, NOW};
    use serde_json::json;
    use std::sync::Arc;

    fn page(ids: &[(&str, &str, &str)], next: &str) -> String {
        let items: String = ids
            .iter()
            .map(|(id, name, state)| {
                format!(
                    "<item><ownerId>123456789012</ownerId><instancesSet><item><instanceId>{id}</instanceId>\
                     <instanceState><code>16</code><name>{state}</name></instanceState><instanceType>m5.large</instanceType>\
                     <privateIpAddress>10.0.0.1</privateIpAddress><launchTime>2026-11-19T03:04:05.000Z</launchTime>\
                     <tagSet><item><key>Name</key><value>{name}</value></item></tagSet></item></instancesSet></item>"
                )
            })
            .collect();
        let next = if next.is_empty() { String::new() } else { format!("<nextToken>{next}</nextToken>") };
        format!(
            "<DescribeInstancesResponse><reservationSet>{items}</reservationSet>{next}</DescribeInstancesResponse>"
        )
    }

    fn status(id: &str, system: &str, events: &str) -> String {
        format!(
            "<item><instanceId>{id}</instanceId><systemStatus><status>{system}</status></systemStatus>\
             <instanceStatus><status>ok</status></instanceStatus><eventsSet>{events}</eventsSet></item>"
        )
    }

    fn statuses(items: &str) -> String {
        format!(
            "<DescribeInstanceStatusResponse><instanceStatusSet>{items}</instanceStatusSet></DescribeInstanceStatusResponse>"
        )
    }

    async fn run(canned: &Canned, regions: &[&str], args: serde_json::Value) -> Result<Projection, Fault> {
        let aws = canned.aws(regions);
        registry::read(&aws, "list_ec2_instances", &args, Arc::new(|_| ())).await.map(|(p, _)| p)
    }

    const A: &str = "i-0123456789abcdef0";
    const B: &str = "i-0123456789abcdef1";
    const C: &str = "i-0123456789abcdef2";

    fn two_pages() -> Canned {
        let events = "<item><code>instance-retirement</code><description>[Completed] done</description></item>\
                      <item><code>system-reboot</code><notBefore>2026-11-21T00:00:00.000Z</notBefore></item>";
        let all =
            [status(A, "impaired", ""), status(B, "ok", ""), status(C, "not-applicable", events)].concat();
        Canned::new()
            .with("ec2", "DescribeInstances", |sent| {
                let second = sent.body.contains("NextToken=two");
                let body = if second {
                    page(&[(C, "", "stopped")], "")
                } else {
                    page(&[(A, "web-1", "running"), (B, "web-2", "running")], "two")
                };
                (200, body.into_bytes())
            })
            .on("ec2", "DescribeInstanceStatus", &statuses(&all))
    }

    #[tokio::test]
    async fn every_page_with_checks_and_events() {
        let canned = two_pages();
        let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
        assert_eq!(
            p.summary,
            "3 instances in eu-west-1: 2 running, 1 stopped; 1 failing status checks; 1 scheduled event."
        );
        let urgencies: Vec<u8> = p.rows.iter().map(|r| r.urgency).collect();
        assert_eq!(urgencies, [3, 0, 2]);
        let cell = |row: usize, column: &str| p.cell(&p.rows[row], column).unwrap().plain();
        assert_eq!(cell(0, "status_checks"), "impaired: system");
        assert_eq!(cell(1, "status_checks"), "ok");
        assert_eq!(cell(2, "scheduled_event"), "system-reboot from 2026-11-21T00:00:00Z");
        assert_eq!(p.cell(&p.rows[2], "name"), Some(&Cell::Absent), "an empty Name is no name");
        assert_eq!(cell(0, "launched"), "2026-11-19T03:04:05Z");
        assert!(p.column("region").is_none() && p.column("account").is_none());
        assert_eq!((p.total, p.as_of), (3, NOW));
        assert_eq!(canned.operations().iter().filter(|o| *o == "DescribeInstances").count(), 2);
        assert!(canned.sent().iter().any(|s| s.body.contains("IncludeAllInstances=true")));
    }

    #[tokio::test]
    async fn denied_status_is_missing_and_not_ok() {
        let denied = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";
        let canned = two_pages().failing("ec2", "DescribeInstanceStatus", 403, denied);
        let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
        assert!(p.rows.iter().all(|r| p.cell(r, "status_checks") == Some(&Cell::Absent)));
        assert_eq!(p.errors[0].fault.action.as_deref(), Some("ec2:DescribeInstanceStatus"));
        assert!(p.summary.contains("not everything answered"));
    }

    #[tokio::test]
    async fn one_denied_region_leaves_the_other() {
        let canned = Canned::new().on("ec2", "DescribeInstanceStatus", &statuses("")).with("ec2", "DescribeInstances", |sent| {
            match sent.region.as_str() {
                "eu-west-1" => (200, page(&[(A, "web-1", "running")], "").into_bytes()),
                _ => (403, b"<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>".to_vec()),
            }
        });
        let p = run(&canned, &["eu-west-1", "eu-west-2"], json!({})).await.unwrap();
        assert_eq!((p.rows.len(), p.errors.len()), (1, 1));
        assert_eq!(p.errors[0].place, "eu-west-2");
        assert_eq!(p.cell(&p.rows[0], "region").unwrap().plain(), "eu-west-1");
        let fault = run(&canned, &["eu-west-2"], json!({})).await.unwrap_err();
        assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some("ec2:DescribeInstances")));
    }

    #[tokio::test]
    async fn nothing_found_says_what_was_searched() {
        let canned = Canned::new().on("ec2", "DescribeInstances", &page(&[], "")).on(
            "ec2",
            "DescribeInstanceStatus",
            &statuses(""),
        );
        let args = json!({ "ids": [A], "state": "running", "name": "web-*", "tag": "team=payments", "ip": "10.0.3.17" });
        let p = run(&canned, &["eu-west-1"], args).await.unwrap();
        assert!(
            p.summary.starts_with(
                "No instances found in eu-west-1 with id in [i-0123456789abcdef0], state=running"
            ),
            "{}",
            p.summary
        );
        assert!(p.notes.iter().any(|n| n.contains("not found there: i-0123456789abcdef0")), "{:?}", p.notes);
        assert_eq!(canned.operations(), ["DescribeInstances"], "no ids, no status to ask for");
        let body = &canned.sent()[0].body;
        for filter in ["instance-id", "instance-state-name", "tag%3AName", "tag%3Ateam", "private-ip-address"]
        {
            assert!(body.contains(&format!("Name={filter}")), "{filter}: {body}");
        }
    }

    #[test]
    fn addresses_are_looked_for_where_they_can_be() {
        for (ip, want) in [
            ("10.1.2.3", "private-ip-address"),
            ("172.31.0.1", "private-ip-address"),
            ("100.64.0.1", "private-ip-address"),
            ("52.1.2.3", "ip-address"),
            ("2001:db8::1", "network-interface.ipv6-addresses.ipv6-address"),
        ] {
            assert_eq!(address_filter(ip), want, "{ip}");
        }
    }

    #[test]
    fn arguments_that_cannot_be_right() {
        for bad in [
            Args { ids: Some(vec!["web-1".into()]), ..Args::default() },
            Args { ids: Some(vec![A.into(); 201]), ..Args::default() },
            Args { tag: Some("=x".into()), ..Args::default() },
            Args { ip: Some("10.0.0".into()), ..Args::default() },
        ] {
            assert_eq!(ListEc2Instances::check(&bad).unwrap_err().kind, FaultKind::Invalid, "{bad:?}");
        }
    }
}
