//! The credential report: made on demand, in a moment, and kept for four hours.

use super::{active, region, used_at, user_arn};
use crate::account::identity::Key;
use crate::services::Reply;
use crate::told::Told;
use crate::wire::{Failure, node};
use crate::world::{What, World};
use quarterdeck_core::Timestamp;
use serde_json::json;
use std::time::Duration;

/// How long it takes to make.
const MAKING: Duration = Duration::from_secs(2);
/// How long it is kept.
const KEPT: Duration = Duration::from_secs(4 * 3_600);
const NAME: &str = "GenerateCredentialReport";
const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
    password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
    access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
    access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
    cert_1_last_rotated,cert_2_active,cert_2_last_rotated,additional_credentials_info";

/// The report that was begun last: since when, and how often it was asked for.
fn begun(world: &World<'_>) -> Option<(Timestamp, u32)> {
    let mut last: Option<(Timestamp, u32)> = None;
    for action in world.actions {
        let What::Other(told) = &action.what else { continue };
        if told.name != NAME {
            continue;
        }
        last = match last {
            Some((since, asked)) if action.at.since(since) < KEPT => Some((since, asked + 1)),
            Some(_) | None => Some((action.at, 1)),
        };
    }
    last
}

/// Whether it is made. Asking three times is as good as waiting, so that it is made even where the clock stands still.
fn is_made(world: &World<'_>, since: Timestamp, asked: u32) -> bool {
    asked > 2 || world.now.since(since) >= MAKING
}

/// Begins one, unless there is one that is young enough.
pub(super) fn generate(world: &World<'_>) -> Reply {
    let asked = What::Other(Told::new("iam.amazonaws.com", NAME, json!(null)).reading());
    let young = begun(world).filter(|(since, _)| world.now.since(*since) < KEPT);
    let body = match young {
        Some((since, asked)) if is_made(world, since, asked + 1) => node! { "State" => "COMPLETE" },
        Some(_) => node! { "State" => "INPROGRESS" },
        None => node! {
            "State" => "STARTED",
            "Description" => "No report exists. Starting a new report generation task",
        },
    };
    Reply { body, action: Some(asked) }
}

/// The report.
///
/// # Errors
/// There is none, it is not made yet, or it is too old.
pub(super) fn get(world: &World<'_>) -> Result<Reply, Failure> {
    let (since, asked) = begun(world)
        .ok_or_else(|| Failure::new("ReportNotPresent", "No credential report is present.").status(410))?;
    if world.now.since(since) >= KEPT {
        return Err(Failure::new("ReportExpired", "The credential report has expired.").status(410));
    }
    if !is_made(world, since, asked) {
        return Err(Failure::new("ReportInProgress", "The credential report is being generated.").status(404));
    }
    Ok(node! {
        "Content" => aws_smithy_types::base64::encode(csv(world, since)),
        "ReportFormat" => "text/csv",
        "GeneratedTime" => since,
    }
    .into())
}

/// As AWS writes it: the root account, then the users by name.
fn csv(world: &World<'_>, at: Timestamp) -> String {
    let held = &world.account.holds.identity;
    let ago = |span: Option<crate::span::Span>| span.map(|span| time(world.start.minus(span.0)));
    let mut lines = vec![HEADER.to_owned()];
    let root = &held.root;
    lines.push(line(
        "<root_account>",
        &super::arn(world, "root"),
        [
            ago(root.created).unwrap_or_else(none),
            "not_supported".to_owned(),
            ago(root.used).unwrap_or_else(|| "no_information".to_owned()),
            "not_supported".to_owned(),
            "not_supported".to_owned(),
            root.mfa.to_string(),
        ],
        &slots(world, &root.key, at),
    ));
    let mut users: Vec<_> = held.user.iter().collect();
    users.sort_by(|a, b| a.name.cmp(&b.name));
    for user in users {
        let used = match (&user.password, ago(user.signed_in)) {
            (None, _) => none(),
            (Some(_), None) => "no_information".to_owned(),
            (Some(_), Some(used)) => used,
        };
        lines.push(line(
            &user.name,
            &user_arn(world, user),
            [
                time(world.start.minus(user.created.0)),
                user.password.is_some().to_string(),
                used,
                ago(user.password).unwrap_or_else(none),
                none(),
                user.mfa.to_string(),
            ],
            &slots(world, &user.key, at),
        ));
    }
    lines.join("\n")
}

fn line(user: &str, arn: &str, facts: [String; 6], keys: &[String]) -> String {
    let certificates = ["false", "N/A", "false", "N/A", ""].map(str::to_owned);
    let fields = [user.to_owned(), arn.to_owned()];
    let all: Vec<String> =
        fields.into_iter().chain(facts).chain(keys.iter().cloned()).chain(certificates).collect();
    all.join(",")
}

/// The fields of two keys.
fn slots(world: &World<'_>, keys: &[Key], at: Timestamp) -> Vec<String> {
    (0..2).flat_map(|n| slot(world, keys.get(n), at)).collect()
}

fn slot(world: &World<'_>, key: Option<&Key>, at: Timestamp) -> [String; 5] {
    let Some(key) = key else { return ["false".to_owned(), none(), none(), none(), none()] };
    let used = used_at(world, key, at);
    [
        active(world, key, at).to_string(),
        time(world.start.minus(key.created.0)),
        used.map_or_else(none, time),
        used.map_or_else(none, |_| region(world, key).to_owned()),
        used.map_or_else(none, |_| key.service.clone()),
    ]
}

fn none() -> String {
    "N/A".to_owned()
}

/// `2026-11-20T03:04:05+00:00`.
fn time(at: Timestamp) -> String {
    let second = Timestamp::from_millis(at.millis().div_euclid(1000) * 1000);
    second.rfc3339().replace('Z', "+00:00")
}
