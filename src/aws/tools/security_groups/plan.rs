//! The proposals to take inbound rules of a group away and to put them back.

use super::facts::{self, Facts};
use super::read;
use super::rule::{Rule, Says, Source};
use super::warnings;
use crate::clients::ReadClients;
use crate::shell;
use crate::tools::ec2::plan::{Warnings, dry_run};
use crate::tools::reading::patience::Patience;
use crate::tools::reading::words::plural;
use crate::tools::revoke_security_group_ingress::{Action, Args};
use aws_sdk_ec2::types::IpPermission;
use quarterdeck_core::approval::{Change, DryRun, Proposal, Reversible, Target};
use quarterdeck_core::tool::{Fault, FaultKind};
use serde_json::json;

/// The rules `ids` name, in that order.
///
/// # Errors
/// `missing`: one is not in the group. `invalid`: one is about outgoing traffic.
async fn chosen<'a>(aws: &ReadClients, facts: &'a Facts, args: &Args) -> Result<Vec<&'a Rule>, Fault> {
    let found = |id: &String| facts.rules.iter().find(|r| r.id.as_ref() == Some(id));
    let missing: Vec<String> = args.rule_ids.iter().filter(|id| found(id).is_none()).cloned().collect();
    if !missing.is_empty() {
        return Err(elsewhere(aws, facts, args, &missing).await);
    }
    let rules: Vec<&Rule> = args.rule_ids.iter().filter_map(found).collect();
    match rules.iter().find(|r| r.egress) {
        None => Ok(rules),
        Some(rule) => {
            let id = rule.id.as_deref().unwrap_or_default();
            let text = format!("{id} is an outbound rule");
            Err(Fault::new(FaultKind::Invalid, text).hint("only inbound rules can be revoked with this tool"))
        }
    }
}

/// Where rules that are not in the group are.
async fn elsewhere(aws: &ReadClients, facts: &Facts, args: &Args, missing: &[String]) -> Fault {
    let filter = read::filter("security-group-rule-id", missing);
    let read = read::rules(&aws.ec2(&facts.place), &filter, Patience::begin()).await;
    let theirs = read.map(|pages| pages.items).unwrap_or_default();
    let named = theirs.iter().find_map(|r| Some((r.id.as_ref()?, &r.group)));
    match named {
        Some((id, group)) => {
            let text = format!("{id} is a rule of {group}, not of {}", args.group);
            Fault::new(FaultKind::Invalid, text).hint("one call changes one group: send the rule's own group")
        }
        None => {
            let text = format!(
                "{} not found in {} in {}: revoked already, or of another region",
                missing.join(", "),
                args.group,
                facts.place.region
            );
            Fault::new(FaultKind::Missing, text)
                .hint("audit_security_groups with this group lists its rules and their ids")
        }
    }
}

/// The proposal to take rules away.
///
/// # Errors
/// As [`facts::read`]; a rule that is not an inbound rule of the group.
pub async fn revoke(aws: &ReadClients, args: &Args, tool: &str) -> Result<Proposal, Fault> {
    let facts = facts::read(aws, args).await?;
    let rules = chosen(aws, &facts, args).await?;
    let ask = aws.ec2(&facts.place).revoke_security_group_ingress().group_id(&args.group).dry_run(true);
    let dry_run = dry_run(ask.set_security_group_rule_ids(Some(args.rule_ids.clone())).send().await);
    let mut warnings = Warnings::default();
    let ssh = std::env::var("SSH_CONNECTION").ok();
    warnings::of_revoking(&facts, args, &rules, ssh.as_deref(), &mut warnings);
    let target = |rule: &&Rule| {
        let id = rule.id.clone().unwrap_or_default();
        Target {
            arn: facts.arn("security-group-rule", &id),
            id,
            name: facts.group_name().map(str::to_owned),
            tags: facts.tags(Some(rule)),
            state: "in force".to_owned(),
            changes: vec![Change {
                field: "rule".into(),
                before: rule.says.to_string(),
                after: "revoked".into(),
            }],
            context: facts.context(&rule.says),
        }
    };
    let reversible = reversible(&rules);
    let undo = match &reversible {
        Reversible::No(_) => serde_json::Value::Null,
        Reversible::Yes(_) | Reversible::Partly(_) => {
            let rules: Vec<&Says> = rules.iter().map(|r| &r.says).collect();
            undo(args, &facts, Action::Restore, &json!(args.rule_ids), Some(&json!(rules)))
        }
    };
    let ids = args.rule_ids.iter().map(String::as_str);
    let words: Vec<&str> = ["--security-group-rule-ids"].into_iter().chain(ids).collect();
    Ok(Proposal {
        tool: tool.to_owned(),
        args: serde_json::to_value(args).unwrap_or_default(),
        title: title("Revoke", &facts, args, rules.iter().map(|r| &r.says)),
        region: facts.place.region.clone(),
        targets: rules.iter().map(target).collect(),
        warnings: warnings.finish(),
        dry_run,
        actions: vec!["ec2:RevokeSecurityGroupIngress".to_owned()],
        command: command(aws, &facts, "revoke-security-group-ingress", &args.group, &words),
        reversible,
        undo,
        as_of: aws.now(),
        unknown: facts.unknown,
        identity: facts.identity,
    })
}

/// The proposal to put rules back that were taken away.
///
/// # Errors
/// As [`facts::read`]; one of them is there already; `missing`: nobody says which rules.
pub async fn restore(aws: &ReadClients, args: &Args, tool: &str) -> Result<Proposal, Fault> {
    let Some(rules) = args.rules.as_deref().filter(|r| !r.is_empty()) else {
        let text = "restore puts back only what an approval of this session revoked";
        return Err(Fault::new(FaultKind::Missing, text).hint(
            "in the session that revoked them, press u on that step or send the same group and rule_ids",
        ));
    };
    let facts = facts::read(aws, args).await?;
    for says in rules {
        let there = facts.rules.iter().find(|r| !r.egress && r.says.same_as(says));
        if let Some(rule) = there {
            let text = format!("{says} is there already as {}", rule.id.as_deref().unwrap_or("another rule"));
            return Err(Fault::new(FaultKind::Conflict, text).hint("there is nothing to restore for it"));
        }
    }
    let ask = aws.ec2(&facts.place).authorize_security_group_ingress().group_id(&args.group).dry_run(true);
    let dry_run: DryRun = dry_run(ask.set_ip_permissions(Some(permissions(rules))).send().await);
    let mut warnings = Warnings::default();
    warnings::of_restoring(&facts, args, rules, &mut warnings);
    let target = |(id, says): (&String, &Says)| Target {
        arn: facts.arn("security-group", &args.group),
        id: format!("{id} of {}", args.group),
        name: facts.group_name().map(str::to_owned),
        tags: facts.tags(None),
        state: "revoked".to_owned(),
        changes: vec![Change { field: "rule".into(), before: "none".into(), after: says.to_string() }],
        context: facts.context(says),
    };
    let json: Vec<serde_json::Value> = rules.iter().map(Says::permission_json).collect();
    let json = serde_json::Value::Array(json).to_string();
    Ok(Proposal {
        tool: tool.to_owned(),
        args: serde_json::to_value(args).unwrap_or_default(),
        title: title("Restore", &facts, args, rules.iter()),
        region: facts.place.region.clone(),
        targets: args.rule_ids.iter().zip(rules).map(target).collect(),
        warnings: warnings.finish(),
        dry_run,
        actions: vec!["ec2:AuthorizeSecurityGroupIngress".to_owned()],
        command: command(
            aws,
            &facts,
            "authorize-security-group-ingress",
            &args.group,
            &["--ip-permissions", &json],
        ),
        reversible: Reversible::Yes("they can be revoked again by their new ids".to_owned()),
        // The new ids come with the answer.
        undo: undo(args, &facts, Action::Revoke, &json!([]), None),
        as_of: aws.now(),
        unknown: facts.unknown,
        identity: facts.identity,
    })
}

/// The permissions that make these rules.
pub fn permissions(rules: &[Says]) -> Vec<IpPermission> {
    rules.iter().map(Says::permission).collect()
}

fn reversible(rules: &[&Rule]) -> Reversible {
    let unknown = |r: &&&Rule| r.says.source == Source::Other;
    if let Some(rule) = rules.iter().find(unknown) {
        let id = rule.id.as_deref().unwrap_or_default();
        return Reversible::No(format!("the source of {id} is of a kind that this console cannot write"));
    }
    let back = "restore puts them back as they were, under new rule ids";
    if rules.iter().any(|r| !r.tags.is_empty()) {
        return Reversible::Partly(format!("{back} and without the rules' own tags"));
    }
    Reversible::Yes(back.to_owned())
}

/// Arguments of the change that undoes this one.
fn undo(
    args: &Args,
    facts: &Facts,
    action: Action,
    rule_ids: &serde_json::Value,
    rules: Option<&serde_json::Value>,
) -> serde_json::Value {
    let mut undo = json!({
        "group": args.group, "rule_ids": rule_ids, "action": action, "region": facts.place.region,
    });
    if let Some(map) = undo.as_object_mut() {
        map.extend(rules.map(|rules| ("rules".to_owned(), rules.clone())));
        map.extend(facts.place.account.as_ref().map(|a| ("account".to_owned(), json!(a))));
    }
    undo
}

/// `Revoke 1 inbound rule of bastion (sg-...) in eu-west-1: tcp 22 from 0.0.0.0/0`.
fn title<'a>(
    verb: &str,
    facts: &Facts,
    args: &Args,
    mut rules: impl ExactSizeIterator<Item = &'a Says>,
) -> String {
    let group =
        facts.group_name().map_or_else(|| args.group.clone(), |name| format!("{name} ({})", args.group));
    let n = rules.len();
    let only = rules.next().filter(|_| n == 1);
    let which = only.map_or_else(String::new, |says| format!(": {} from {}", says.traffic(), says.source));
    format!("{verb} {} of {group} in {}{which}", plural(n, "inbound rule"), facts.place.region)
}

fn command(aws: &ReadClients, facts: &Facts, verb: &str, group: &str, more: &[&str]) -> String {
    let profile = aws.profile(&facts.place);
    let mut words = vec!["aws", "ec2", verb, "--region", &facts.place.region];
    if let Some(profile) = profile.as_deref() {
        words.extend(["--profile", profile]);
    }
    words.extend(["--group-id", group]);
    words.extend(more.iter().copied());
    shell::line(words)
}
