//! EC2 instances with their status checks and scheduled events.

use super::ec2::facts::{self, Checks};
use super::ec2::{args, pages};
use super::places::searched;
use super::words::plural;
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
    /// Only instances in this lifecycle state, e.g. "running".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Lifecycle>,
    /// Only instances whose Name tag matches; `*` and `?` are wildcards and case counts, e.g. "web-*".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only instances with this tag, as "key=value" or "key"; wildcards as in `name`, e.g. "team=payments".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only the instance with this primary private or public address, e.g. "10.0.3.17".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Regions to search, e.g. ["eu-west-1"]; ["all"] for every enabled region. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts to search, by their names in the configuration, e.g. ["staging"]. Default: the session's own.
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
            retirement. For containers use list_ecs_services; for CPU or network over time, or what an alarm says, use \
            get_active_alarms; for who started or stopped an instance use get_recent_changes. Free; reads every page.",
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
    let searched = searched(out);
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
    let mut notes = vec![format!(
        "searched {}; filters: {}",
        searched(out),
        asked(args).unwrap_or_else(|| "none".into())
    )];
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
