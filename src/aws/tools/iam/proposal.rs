//! What switching a key off or on would do, from what was read.

use super::age::{Key, Status, Used, days};
use super::args::tail_of;
use super::read::LastUse;
use crate::clients::ReadClients;
use crate::instant;
use crate::place::Place;
use crate::shell;
use crate::tools::ec2::plan::{Warnings, unknown};
use crate::tools::reading::tags;
use crate::tools::reading::words::span;
use crate::tools::set_access_key_status::{Args, Wanted};
use aws_sdk_iam::types::User;
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{Change, DryRun, Proposal, Reversible, Target, WarningLevel};
use quarterdeck_core::scope::Identity;
use quarterdeck_core::tool::{Fault, FaultKind};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// A key used within this long is in use.
const RECENTLY: Duration = Duration::from_secs(24 * 3_600);

/// What was read.
#[derive(Debug)]
pub struct Facts<'a> {
    /// Where.
    pub place: Place,
    /// Who would do it.
    pub identity: Identity,
    /// All keys of the user.
    pub keys: &'a [Key],
    /// The one that is meant.
    pub key: &'a Key,
    /// Its id.
    pub id: String,
    /// The user, with its path and tags.
    pub user: Result<User, Fault>,
    /// When the key was last used.
    pub last: Result<LastUse, Fault>,
    /// The time of the reads.
    pub now: Timestamp,
}

/// The proposal these facts and arguments make.
///
/// # Errors
/// `expired`: credentials that ended while it was read.
pub fn propose(args: &Args, facts: Facts<'_>, aws: &ReadClients) -> Result<Proposal, Fault> {
    for fault in [facts.user.as_ref().err(), facts.last.as_ref().err()].into_iter().flatten() {
        if fault.kind == FaultKind::Expired {
            return Err(fault.clone());
        }
    }
    let (warnings, unknown) = warnings(args, &facts);
    let status = args.status.name();
    let resolved = |status: Wanted| {
        let mut map = Map::new();
        map.insert("user".to_owned(), json!(args.user));
        map.insert("key_id".to_owned(), json!(facts.id));
        map.insert("status".to_owned(), json!(status.name()));
        map.extend(args.account.iter().map(|account| ("account".to_owned(), json!(account))));
        Value::Object(map)
    };
    let verb = match args.status {
        Wanted::Active => "Activate",
        Wanted::Inactive => "Deactivate",
    };
    Ok(Proposal {
        tool: "set_access_key_status".to_owned(),
        args: resolved(args.status),
        title: format!("{verb} the access key {} of {}", tail_of(&facts.id), args.user),
        region: facts.place.region.clone(),
        targets: vec![target(args, &facts)],
        warnings: warnings.finish(),
        dry_run: DryRun::NotOffered,
        actions: vec!["iam:UpdateAccessKey".to_owned()],
        command: command(args, &facts, aws.profile(&facts.place).as_deref()),
        reversible: Reversible::Yes(format!("set_access_key_status sets it back from {status} at any time")),
        unknown,
        undo: resolved(args.status.other()),
        as_of: facts.now,
        identity: facts.identity,
    })
}

fn target(args: &Args, facts: &Facts<'_>) -> Target {
    let found = facts.user.as_ref().ok();
    let partition = facts.identity.arn.split(':').nth(1).unwrap_or("aws");
    let bare = || format!("arn:{partition}:iam::{}:user/{}", facts.identity.account, args.user);
    let before = facts.key.status.label().unwrap_or("unknown");
    let used = facts.last.as_ref().ok().map(|last| match last.at {
        Used::At(at) => {
            let place = last.place.as_deref().map_or_else(String::new, |p| format!(", {p}"));
            format!("{at}{place}")
        }
        Used::Never => "never".to_owned(),
        Used::NotKnown => "not known".to_owned(),
    });
    let made = facts.key.created.map(|at| format!("{at}, {} days ago", days(at, facts.now)));
    let user_made = found.and_then(|u| instant::of(Some(u.create_date()))).map(|at| at.to_string());
    let context = [("last used", used), ("key made", made), ("user made", user_made)];
    Target {
        arn: found.map_or_else(bare, |user| user.arn().to_owned()),
        id: facts.id.clone(),
        name: Some(args.user.clone()),
        tags: tags::deciding(found.map(User::tags).unwrap_or_default().iter().map(|t| (t.key(), t.value()))),
        state: before.to_owned(),
        changes: vec![Change {
            field: "status".to_owned(),
            before: before.to_owned(),
            after: args.status.name().to_owned(),
        }],
        context: context.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
    }
}

/// What to think of first, and what could not be read.
fn warnings(args: &Args, facts: &Facts<'_>) -> (Warnings, Vec<String>) {
    let mut warnings = Warnings::default();
    let mut facts_missing = Vec::new();
    let tail = tail_of(&facts.id);
    let off = args.status == Wanted::Inactive;
    match &facts.last {
        Ok(LastUse { at: Used::At(at), place, .. }) if facts.now.since(*at) < RECENTLY => {
            let place = place.as_deref().map_or_else(String::new, |p| format!(" ({p})"));
            let ago = span(facts.now.since(*at));
            let breaks = if off { ": what uses it stops working" } else { "" };
            let text = format!("used {ago} ago{place}{breaks}");
            let evidence = format!("GetAccessKeyLastUsed: {at}{place}");
            warnings.add("key_used_recently", WarningLevel::Caution, &tail, &text, evidence);
        }
        Ok(_) => {}
        Err(fault) => facts_missing.push(unknown("when the key was last used", fault)),
    }
    if let Err(fault) = &facts.user {
        facts_missing.push(unknown("the user's path and tags (environment)", fault));
    }
    if off {
        let text = "temporary credentials already issued with it stay valid until they end, up to 36 h";
        let evidence = "STS: sessions of GetSessionToken and GetFederationToken last up to 36 h".to_owned();
        warnings.add("sessions_live_on", WarningLevel::Caution, &tail, text, evidence);
        let others =
            facts.keys.iter().filter(|k| k.status == Status::Active && k.id.as_deref() != Some(&facts.id));
        if others.count() == 0 {
            let text = format!("the only active key of {}", args.user);
            let evidence = format!("ListAccessKeys: {} has no other active key", args.user);
            warnings.add("only_active_key", WarningLevel::Info, &tail, &text, evidence);
        }
        let own = facts.user.as_ref().is_ok_and(|user| user.arn() == facts.identity.arn);
        if own {
            let text =
                "this console is signed in as the same user: if its session came from this key, it ends";
            let evidence = format!("GetCallerIdentity: {}", facts.identity.arn);
            warnings.add("own_user", WarningLevel::Critical, &tail, text, evidence);
        }
    } else {
        let text = "it works again for whoever has it: make sure that it did not leak";
        let evidence = format!("ListAccessKeys: status {}", facts.key.status.label().unwrap_or("unknown"));
        warnings.add("key_usable_again", WarningLevel::Caution, &tail, text, evidence);
    }
    (warnings, facts_missing)
}

fn command(args: &Args, facts: &Facts<'_>, profile: Option<&str>) -> String {
    let mut words = vec!["aws", "iam", "update-access-key"];
    if let Some(profile) = profile {
        words.extend(["--profile", profile]);
    }
    words.extend(["--user-name", &args.user, "--access-key-id", &facts.id, "--status", args.status.name()]);
    shell::line(words)
}
