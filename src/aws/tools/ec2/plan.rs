//! What planning to stop and to start instances have in common.

use super::facts;
use super::pages;
use super::tags;
use crate::clients::ReadClients;
use crate::fault;
use crate::place::Place;
use crate::probe::rehearsed_at;
use crate::shell;
use aws_sdk_ec2::types::{Filter, Instance, InstanceState, InstanceStateChange, InstanceStateName};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{Change, DryRun, Proposal, Target, Warning, WarningLevel};
use quarterdeck_core::scope::Identity;
use quarterdeck_core::tool::{Cell, ColumnKind, Fault, FaultKind, Projection, Row, Verdict, Watch};
use serde_json::json;
use std::time::Duration;

/// The instances a change is about, read afresh.
#[derive(Debug)]
pub struct Found {
    /// The one place.
    pub place: Place,
    /// Who would do it.
    pub identity: Identity,
    /// In the order asked, each with the account that owns it.
    pub instances: Vec<(Instance, Option<String>)>,
}

/// Finds `ids` in exactly one region.
///
/// # Errors
/// `missing`: one of them is not there.
pub async fn find(
    aws: &ReadClients,
    ids: &[String],
    region: Option<&str>,
    account: Option<&str>,
) -> Result<Found, Fault> {
    let place = aws.place(region, account).await?;
    let filter = [Filter::builder().name("instance-id").set_values(Some(ids.to_vec())).build()];
    let ec2 = aws.ec2(&place);
    let (identity, page) = futures::join!(aws.identity(&place), pages::instances(&ec2, &filter));
    let (identity, page) = (identity?, page?);
    if let Some(fault) = page.lost {
        return Err(fault);
    }
    let mut found = page.instances;
    let mut instances = Vec::new();
    let mut missing = Vec::new();
    for id in ids {
        match found.iter().position(|(i, _)| i.instance_id() == Some(id)) {
            Some(at) => instances.push(found.swap_remove(at)),
            None => missing.push(id.as_str()),
        }
    }
    if !missing.is_empty() {
        let what = format!("{} not found in {}", missing.join(", "), place.region);
        return Err(Fault::new(FaultKind::Missing, what)
            .hint("list_ec2_instances with regions [\"all\"] finds the region; send it as `region`"));
    }
    Ok(Found { place, identity, instances })
}

/// Arguments for the first listed instance in this state.
pub fn one_that_is(listed: &Projection, state: &str) -> Option<serde_json::Value> {
    let is =
        |row: &&Row, column: &str, text: &str| listed.cell(row, column).is_some_and(|c| c.plain() == text);
    let row = listed.rows.iter().find(|row| is(row, "state", state))?;
    let id = listed.cell(row, "id")?.plain();
    Some(rehearsed_at(listed, row, json!({ "ids": [id] })))
}

/// What AWS's dry run said: it answers with an error either way.
pub fn dry_run<O, E, R>(answer: Result<O, SdkError<E, R>>) -> DryRun
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: fault::Status,
{
    match answer {
        Ok(_) => DryRun::Unknown("it was answered as if it were not a dry run".to_owned()),
        Err(error) if error.code() == Some("DryRunOperation") => DryRun::Permitted,
        Err(error) => {
            let fault = fault::of(&error);
            match fault.kind {
                FaultKind::Denied => DryRun::Denied(fault.to_string()),
                FaultKind::Throttled
                | FaultKind::Expired
                | FaultKind::Missing
                | FaultKind::Invalid
                | FaultKind::Conflict
                | FaultKind::Unavailable
                | FaultKind::Timeout
                | FaultKind::Guard
                | FaultKind::Refused
                | FaultKind::Cancelled => DryRun::Unknown(fault.to_string()),
            }
        }
    }
}

/// The instance as a target that goes to `after`.
pub fn target(found: &Found, instance: &Instance, owner: Option<&str>, after: &str) -> Target {
    let id = instance.instance_id().unwrap_or_default();
    let (partition, region) = (found.identity.arn.split(':').nth(1).unwrap_or("aws"), &found.place.region);
    let owner = owner.unwrap_or(&found.identity.account);
    let state = facts::state(instance);
    let context = [
        ("type", instance.instance_type().map(|t| t.as_str().to_owned())),
        ("zone", instance.placement().and_then(|p| p.availability_zone()).map(str::to_owned)),
        ("private address", instance.private_ip_address().map(str::to_owned)),
        ("public address", instance.public_ip_address().map(str::to_owned)),
        ("launched", crate::instant::of(instance.launch_time()).map(|t| t.to_string())),
        ("state reason", facts::state_reason(instance).map(str::to_owned)),
    ];
    Target {
        arn: format!("arn:{partition}:ec2:{region}:{owner}:instance/{id}"),
        id: id.to_owned(),
        name: facts::name(instance).map(str::to_owned),
        tags: tags::deciding(instance.tags()),
        state: state.to_owned(),
        changes: vec![Change { field: "state".into(), before: state.to_owned(), after: after.to_owned() }],
        context: context.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?))).collect(),
    }
}

/// Warnings by code: instances with the same trouble share one.
#[derive(Debug, Default)]
pub struct Warnings(Vec<(Warning, Vec<String>)>);

impl Warnings {
    /// `id` has the trouble `code`; `text` continues a sentence that begins with the ids.
    pub fn add(&mut self, code: &str, level: WarningLevel, id: &str, text: &str, evidence: String) {
        match self.0.iter_mut().find(|(w, _)| w.code == code && w.text == text) {
            Some((warning, ids)) => {
                ids.push(id.to_owned());
                if let Some(earlier) = warning.evidence.as_mut() {
                    earlier.push_str("; ");
                    earlier.push_str(&evidence);
                }
            }
            None => {
                let warning =
                    Warning { code: code.into(), level, text: text.to_owned(), evidence: Some(evidence) };
                self.0.push((warning, vec![id.to_owned()]));
            }
        }
    }

    /// Adds those of `other`.
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether there is one with this code.
    pub fn has(&self, code: &str) -> bool {
        self.0.iter().any(|(w, _)| w.code == code)
    }

    /// The worst first.
    pub fn finish(self) -> Vec<Warning> {
        let mut all: Vec<Warning> = self
            .0
            .into_iter()
            .map(|(w, ids)| Warning { text: format!("{}: {}", ids.join(", "), w.text), ..w })
            .collect();
        all.sort_by_key(|w| std::cmp::Reverse(w.level));
        all
    }
}

/// Warns that another tool manages the instances.
pub fn managed(warnings: &mut Warnings, instance: &Instance) {
    if let Some(by) = tags::managed_by(instance.tags()) {
        let id = instance.instance_id().unwrap_or_default();
        let text = format!("managed by {by}: drift is likely");
        warnings.add("managed", WarningLevel::Info, id, &text, format!("DescribeInstances: tags of {id}"));
    }
}

/// A fact that could not be read.
pub fn unknown(what: &str, fault: &Fault) -> String {
    format!("{what} ({fault})")
}

/// The equivalent `aws ec2` command line.
pub fn command(verb: &str, found: &Found, profile: Option<&str>, more: &[&str]) -> String {
    let mut words = vec!["aws", "ec2", verb, "--region", &found.place.region];
    if let Some(profile) = profile {
        words.extend(["--profile", profile]);
    }
    words.push("--instance-ids");
    words.extend(found.instances.iter().filter_map(|(i, _)| i.instance_id()));
    words.extend(more);
    shell::line(words)
}

/// `Stop 2 instances in eu-west-1`, `Stop i-0123456789abcdef0 (web-1) in eu-west-1`.
pub fn title(verb: &str, found: &Found) -> String {
    let what = match found.instances.as_slice() {
        [(one, _)] => {
            let id = one.instance_id().unwrap_or_default();
            facts::name(one).map_or_else(|| id.to_owned(), |name| format!("{id} ({name})"))
        }
        many => format!("{} instances", many.len()),
    };
    format!("{verb} {what} in {}", found.place.region)
}

/// Ids, region and account of a plan, as the arguments of the tool that undoes it.
pub fn undo(found: &Found) -> serde_json::Value {
    let ids: Vec<&str> = found.instances.iter().filter_map(|(i, _)| i.instance_id()).collect();
    let mut undo = json!({ "ids": ids, "region": found.place.region });
    if let (Some(account), Some(map)) = (&found.place.account, undo.as_object_mut()) {
        map.insert("account".into(), json!(account));
    }
    undo
}

/// Ids of a plan's targets.
pub fn ids(plan: &Proposal) -> Vec<String> {
    plan.targets.iter().map(|t| t.id.clone()).collect()
}

/// What AWS said it does now: one row per instance.
pub fn changed(
    doing: &str,
    plan: &Proposal,
    changes: &[InstanceStateChange],
    as_of: Timestamp,
) -> Projection {
    let state =
        |s: Option<&InstanceState>| Cell::from(s.and_then(|s| s.name()).map(InstanceStateName::as_str));
    let rows = changes.iter().map(|c| Row {
        urgency: 0,
        cells: vec![c.instance_id().into(), state(c.previous_state()), state(c.current_state())],
    });
    let n = changes.len();
    let what = if n == 1 { "1 instance".to_owned() } else { format!("{n} instances") };
    let columns = [("id", ColumnKind::Id), ("before", ColumnKind::State), ("state", ColumnKind::State)];
    let mut projection = Projection::new(format!("{doing} {what} in {}.", plan.region), as_of)
        .columns(&columns)
        .rows(rows.collect());
    let absent: Vec<&str> = plan
        .targets
        .iter()
        .map(|t| t.id.as_str())
        .filter(|id| !changes.iter().any(|c| c.instance_id() == Some(id)))
        .collect();
    if !absent.is_empty() {
        projection.notes.push(format!("AWS did not confirm {}", absent.join(", ")));
    }
    projection.counted("state")
}

/// Reads the targets every 5 seconds for at most 10 minutes.
pub fn watch(plan: &Proposal, judge: fn(&Proposal, &Projection) -> Verdict) -> Watch {
    let mut args = json!({ "ids": ids(plan), "regions": [plan.region] });
    if let (Some(account), Some(map)) = (plan.args.get("account"), args.as_object_mut()) {
        map.insert("accounts".into(), json!([account]));
    }
    let (every, at_most) = (Duration::from_secs(5), Duration::from_secs(600));
    Watch { tool: "list_ec2_instances", args, every, at_most, judge }
}

/// Judges every target by its row; one that is not listed is not there yet.
pub fn judge(plan: &Proposal, read: &Projection, one: fn(&str, &str) -> Verdict) -> Verdict {
    let text = |row, column| read.cell(row, column).map(Cell::plain).unwrap_or_default();
    let verdicts: Vec<Verdict> = plan
        .targets
        .iter()
        .map(|target| {
            let row = read.rows.iter().find(|row| text(row, "id") == target.id);
            row.map_or(Verdict::NotYet, |row| one(&text(row, "state"), &text(row, "state_reason")))
        })
        .collect();
    if verdicts.contains(&Verdict::Failed) {
        Verdict::Failed
    } else if verdicts.iter().all(|v| *v == Verdict::Done) && !verdicts.is_empty() {
        Verdict::Done
    } else {
        Verdict::NotYet
    }
}
