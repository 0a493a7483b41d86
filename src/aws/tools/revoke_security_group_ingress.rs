//! Takes inbound rules of a security group away, and puts back what was taken away.

use super::security_groups::plan;
use super::security_groups::read;
use super::security_groups::rule::Says;
use crate::clients::{ReadClients, WriteClients};
use crate::fault;
use crate::given;
use crate::probe::{Rehearsal, rehearsed_at};
use crate::tool::WriteTool;
use crate::tools::reading::words::plural;
use aws_sdk_ec2::operation::authorize_security_group_ingress::AuthorizeSecurityGroupIngressOutput;
use aws_sdk_ec2::operation::revoke_security_group_ingress::RevokeSecurityGroupIngressOutput;
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::Proposal;
use quarterdeck_core::tool::{
    Cell, ColumnKind, Fault, FaultKind, Op, Projection, RegionRule, Row, Spec, Verdict, Watch, WriteCall,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// `revoke_security_group_ingress`.
#[derive(Debug)]
pub struct RevokeSecurityGroupIngress;

/// What to take away or to put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The group's id, e.g. "sg-0123456789abcdef0".
    pub group: String,
    /// 1 to 10 ids of its inbound rules, e.g. ["sgr-0123456789abcdef0"]; to restore, those that were revoked.
    pub rule_ids: Vec<String>,
    /// "restore" puts back what was revoked earlier in this session. Default: "revoke".
    #[serde(default)]
    pub action: Action,
    /// The one region, e.g. "eu-west-1". Default: the session's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The one account, by configured name, e.g. "prod". Default: the session's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What the rules say that are put back, in the order of `rule_ids`. Not offered: the session fills it in from the
    /// approval that revoked them.
    #[schemars(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Says>>,
}

/// What to do with the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Action {
    #[default]
    Revoke,
    Restore,
}

/// Arguments for the first listed rule.
fn any_rule(listed: &Projection) -> Option<Value> {
    let text = |row, column| listed.cell(row, column).map(Cell::plain).filter(|t| !t.is_empty());
    listed.rows.iter().find_map(|row| {
        let args = json!({ "group": text(row, "group")?, "rule_ids": [text(row, "rule_id")?] });
        Some(rehearsed_at(listed, row, args))
    })
}

/// What AWS answered.
#[derive(Debug)]
pub enum Done {
    /// To RevokeSecurityGroupIngress.
    Revoked(RevokeSecurityGroupIngressOutput),
    /// To AuthorizeSecurityGroupIngress.
    Restored(AuthorizeSecurityGroupIngressOutput),
}

impl WriteTool for RevokeSecurityGroupIngress {
    const SPEC: Spec = Spec {
        name: "revoke_security_group_ingress",
        description: "Closes inbound rules of one security group by rule id, after a person has approved the plan: it shows source, what \
            else still lets it in, what is attached. With action restore it puts back what was revoked in this session, nothing else. Find \
            groups and rule ids with audit_security_groups. To stop a machine use stop_instances. Free.",
        reads: &[
            Op::new("EC2", "DescribeSecurityGroupRules", &["ec2:DescribeSecurityGroupRules"]),
            Op::new("EC2", "DescribeSecurityGroups", &["ec2:DescribeSecurityGroups"]),
            Op::new("EC2", "DescribeNetworkInterfaces", &["ec2:DescribeNetworkInterfaces"]),
            Op::dry_run("EC2", "RevokeSecurityGroupIngress", &["ec2:RevokeSecurityGroupIngress"]),
            Op::dry_run("EC2", "AuthorizeSecurityGroupIngress", &["ec2:AuthorizeSecurityGroupIngress"]),
        ],
        writes: &[
            Op::new("EC2", "RevokeSecurityGroupIngress", &["ec2:RevokeSecurityGroupIngress"]),
            Op::new("EC2", "AuthorizeSecurityGroupIngress", &["ec2:AuthorizeSecurityGroupIngress"]),
        ],
        region: RegionRule::OneRegion,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Done;

    fn check(args: &Args) -> Result<(), Fault> {
        let invalid = |text: String, hint: &str| Err(Fault::new(FaultKind::Invalid, text).hint(hint));
        let hint = "send one group id such as sg-0123456789abcdef0; audit_security_groups finds it by name";
        given::plain_name("group", &args.group, hint)?;
        given::id("group", &args.group, &["sg"], hint)?;
        let ids = &args.rule_ids;
        let hint =
            "name 1 to 10 rules by id, such as sgr-0123456789abcdef0; audit_security_groups lists them";
        if ids.is_empty() || ids.len() > 10 {
            return invalid(format!("{} named", plural(ids.len(), "rule")), hint);
        }
        for (n, id) in ids.iter().enumerate() {
            given::plain_name("rule_ids", id, hint)?;
            given::id("rule_ids", id, &["sgr"], hint)?;
            if ids.iter().take(n).any(|earlier| earlier == id) {
                return invalid(format!("{id} is named twice"), "name each rule once");
            }
        }
        match (args.action, &args.rules) {
            (Action::Revoke, Some(_)) => invalid(
                "`rules` goes with restore only".to_owned(),
                "leave it out: rule_ids say what is revoked",
            ),
            (Action::Restore, Some(rules)) if rules.len() != ids.len() => invalid(
                format!("{} for {}", plural(rules.len(), "rule"), plural(ids.len(), "id")),
                "leave `rules` out",
            ),
            (Action::Revoke | Action::Restore, _) => Ok(()),
        }
    }

    fn only_undoes(args: &Args) -> bool {
        match args.action {
            Action::Revoke => false,
            Action::Restore => true,
        }
    }

    async fn plan(aws: &ReadClients, args: &Args) -> Result<Proposal, Fault> {
        match args.action {
            Action::Revoke => plan::revoke(aws, args, Self::SPEC.name).await,
            Action::Restore => plan::restore(aws, args, Self::SPEC.name).await,
        }
    }

    fn rehearsal() -> Option<Rehearsal> {
        Some(Rehearsal { tool: "audit_security_groups", args: any_rule })
    }

    async fn call(aws: WriteClients) -> Result<Done, Fault> {
        let args = planned(aws.plan())?;
        match args.action {
            Action::Revoke => {
                let revoke = aws.ec2().revoke_security_group_ingress().group_id(args.group);
                let out = revoke.set_security_group_rule_ids(Some(args.rule_ids)).send().await;
                out.map(Done::Revoked).map_err(|e| fault::of(&e))
            }
            Action::Restore => {
                let rules = plan::permissions(&args.rules.unwrap_or_default());
                let restore = aws.ec2().authorize_security_group_ingress().group_id(args.group);
                let out = restore.set_ip_permissions(Some(rules)).send().await;
                out.map(Done::Restored).map_err(|e| fault::of(&e))
            }
        }
    }

    fn project(plan: &Proposal, out: &Done, as_of: Timestamp) -> Projection {
        let group = plan.args.get("group").and_then(|g| g.as_str()).unwrap_or_default();
        let row = |id: Cell, state: &str, rule: Cell| Row { urgency: 0, cells: vec![id, state.into(), rule] };
        let change = |t: &quarterdeck_core::approval::Target| t.changes.first().cloned();
        let (verb, rows, confirmed): (_, Vec<Row>, _) = match out {
            Done::Revoked(out) => {
                let targets = plan.targets.iter();
                let rows =
                    targets.map(|t| row(t.id.as_str().into(), "revoked", change(t).map(|c| c.before).into()));
                ("Revoked", rows.collect(), out.r#return())
            }
            Done::Restored(out) => {
                let after = plan.targets.iter().map(|t| change(t).map(|c| c.after));
                let ids = out.security_group_rules().iter().map(|r| r.security_group_rule_id());
                // AWS does not promise an order: what each new rule says is read off the rule itself.
                let said = out
                    .security_group_rules()
                    .iter()
                    .map(|r| super::security_groups::rule::Rule::of(r.clone()));
                let rows = if out.security_group_rules().is_empty() {
                    after.map(|rule| row(Cell::Absent, "in force", rule.into())).collect()
                } else {
                    ids.zip(said)
                        .map(|(id, r)| row(id.into(), "in force", r.says.to_string().into()))
                        .collect()
                };
                ("Restored", rows, out.r#return())
            }
        };
        let columns = [("rule_id", ColumnKind::Id), ("state", ColumnKind::State), ("rule", ColumnKind::Text)];
        let what = plural(plan.targets.len(), "inbound rule");
        let mut projection = Projection::new(format!("{verb} {what} of {group} in {}.", plan.region), as_of)
            .columns(&columns)
            .rows(rows)
            .counted("state");
        if projection.rows.len() != plan.targets.len() {
            let (named, asked) = (projection.rows.len(), plan.targets.len());
            projection.notes.push(format!("AWS named {named} of {asked} rules in its answer"));
        }
        if confirmed == Some(false) {
            projection.notes.push("AWS says that not every rule was there".to_owned());
        }
        projection
    }

    fn verify(plan: &Proposal) -> Watch {
        let mut args = json!({ "group": plan.args.get("group"), "regions": [&plan.region] });
        if let (Some(account), Some(map)) = (plan.args.get("account"), args.as_object_mut()) {
            map.insert("accounts".into(), json!([account]));
        }
        let (every, at_most) = (Duration::from_secs(3), Duration::from_secs(60));
        Watch { tool: "audit_security_groups", args, every, at_most, judge }
    }

    fn inverse(plan: &Proposal, done: &Projection) -> Option<WriteCall> {
        let args = planned(plan).ok()?;
        let mut undo = plan.undo.as_object()?.clone();
        match args.action {
            Action::Revoke => {}
            Action::Restore => {
                let ids: Vec<String> = done
                    .rows
                    .iter()
                    .filter_map(|row| done.cell(row, "rule_id"))
                    .map(Cell::plain)
                    .filter(|id| !id.is_empty())
                    .collect();
                // Half of an undo would look like a whole one.
                if ids.len() != plan.targets.len() {
                    return None;
                }
                undo.insert("rule_ids".to_owned(), json!(ids));
            }
        }
        Some(WriteCall { tool: plan.tool.clone(), args: undo.into() })
    }
}

/// The arguments a plan was made of.
fn planned(plan: &Proposal) -> Result<Args, Fault> {
    serde_json::from_value(plan.args.clone())
        .map_err(|e| Fault::new(FaultKind::Invalid, format!("the plan cannot be read: {e}")))
}

/// Gone when no row has the id; back when every rule has a row. Only where the rules themselves could be read.
fn judge(plan: &Proposal, read: &Projection) -> Verdict {
    let Ok(args) = planned(plan) else { return Verdict::Failed };
    let text = |row, column| read.cell(row, column).map(Cell::plain).unwrap_or_default();
    let part = read.errors.iter().any(|e| read::is_about_rules(&e.place));
    if part || read.truncated.is_some() {
        return Verdict::NotYet;
    }
    let as_promised = match args.action {
        Action::Revoke => !read.rows.iter().any(|row| args.rule_ids.contains(&text(row, "rule_id"))),
        Action::Restore => args.rules.iter().flatten().all(|says| {
            read.rows.iter().any(|row| {
                let (traffic, source) = (says.traffic(), says.source.to_string());
                let from = text(row, "cidr");
                let same =
                    from == source || from.strip_prefix(&source).is_some_and(|rest| rest.starts_with(' '));
                same && text(row, "protocol") == traffic.protocol()
                    && text(row, "ports") == traffic.ports().unwrap_or_default()
            })
        }),
    };
    if as_promised { Verdict::Done } else { Verdict::NotYet }
}

#[cfg(test)]
mod tests;
