//! IAM: an access key switched off, and on again.

use super::carried_out::{approved, console, effect, fault, verified};
use super::common::calls::{not_allowed, plan, planned};
use super::common::emulator::{ACCOUNT, Emulator, HERE, fresh};
use super::{change, warned};
use quarterdeck_core::approval::{DryRun, Impact, WarningLevel};
use quarterdeck_core::command::Command;
use quarterdeck_core::journal::{Fact, WriteEffect};
use quarterdeck_core::tool::FaultKind;
use serde_json::{Value, json};

/// A user outside production with so many keys; their ids.
fn user(emulator: &mut Emulator, name: &str, keys: usize) -> Vec<String> {
    let tags = json!([{ "Key": "env", "Value": "dev" }]);
    emulator.boto("iam", HERE, "create_user", json!({ "UserName": name, "Path": "/ci/", "Tags": tags }));
    let mut ids = Vec::new();
    for _ in 0..keys {
        let made = emulator.boto("iam", HERE, "create_access_key", json!({ "UserName": name }));
        ids.push(made["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned());
    }
    ids
}

fn off(user: &str, id: &str) -> Value {
    json!({ "user": user, "key_id": id, "status": "Inactive" })
}

/// The statuses of a user's keys.
fn statuses(emulator: &mut Emulator, user: &str) -> Vec<String> {
    let keys = emulator.boto("iam", HERE, "list_access_keys", json!({ "UserName": user }));
    let keys = keys["AccessKeyMetadata"].as_array().unwrap().clone();
    keys.iter().map(|k| k["Status"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn it_is_planned_from_fresh_reads() {
    let mut emulator = fresh().await;
    let ids = user(&mut emulator, "ci", 2);
    let aws = emulator.aws(&[HERE]);
    let p = planned(&aws, "set_access_key_status", off("ci", &ids[0])).await;
    assert_eq!((p.identity.account.as_str(), p.region.as_str()), (ACCOUNT, "us-east-1"));
    assert_eq!(p.targets[0].arn, format!("arn:aws:iam::{ACCOUNT}:user/ci/ci"));
    assert_eq!(p.targets[0].id, ids[0]);
    assert_eq!(change(&p, "status"), Some(("Active".into(), "Inactive".into())));
    assert_eq!((&p.dry_run, p.unknown.len()), (&DryRun::NotOffered, 0));
    assert_eq!(warned(&p, "sessions_live_on"), Some(WarningLevel::Caution));
    assert_eq!(Impact::of(&p), Impact::Normal, "{:?}", p.warnings);
    assert_eq!(
        p.command,
        format!("aws iam update-access-key --user-name ci --access-key-id {} --status Inactive", ids[0])
    );
    // By its end it is the same key.
    let tail = &ids[0][ids[0].len() - 4..];
    if !ids[1].ends_with(tail) {
        assert_eq!(planned(&aws, "set_access_key_status", off("ci", tail)).await.targets, p.targets);
    }
    assert_eq!(emulator.changes(), [""; 0], "planning changes nothing");
}

#[tokio::test]
async fn what_cannot_be_done_says_why() {
    let mut emulator = fresh().await;
    let (ours, theirs) = (user(&mut emulator, "ci", 1), user(&mut emulator, "dana", 1));
    let aws = emulator.aws(&[HERE]);
    let set = |user: &str, id: &str, status: &str| json!({ "user": user, "key_id": id, "status": status });
    for (args, kind, says) in [
        (set("ci", &ours[0], "Active"), FaultKind::Conflict, "already Active"),
        (set("ci", &theirs[0], "Inactive"), FaultKind::Missing, "belongs to the user dana"),
        (set("nobody", &ours[0], "Inactive"), FaultKind::Missing, "no IAM user \"nobody\""),
        (set("ci", "AKIAEXAMPLE000000009", "Inactive"), FaultKind::Missing, "no such access key"),
        (set("*", &ours[0], "Inactive"), FaultKind::Invalid, "pattern"),
        (set("ci", "all", "Inactive"), FaultKind::Invalid, "key_id"),
        (
            json!({ "user": "ci", "key_id": ours[0], "status": "Inactive", "account": "all" }),
            FaultKind::Invalid,
            "account",
        ),
    ] {
        let fault = plan(&aws, "set_access_key_status", args.clone()).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{args}: {fault}");
        assert!(fault.to_string().contains(says), "{args}: {fault}");
    }
    assert_eq!(emulator.changes(), [""; 0]);
}

#[tokio::test]
async fn a_fact_that_cannot_be_read_is_said_and_makes_it_grave() {
    let mut emulator = fresh().await;
    let ids = user(&mut emulator, "ci", 2);
    let aws = emulator.aws(&[HERE]);
    let denied = |operation: &str| {
        let message = not_allowed(&format!("iam:{operation}"));
        json!([{ "operation": operation, "code": "AccessDenied", "message": message, "status": 403, "times": -1 }])
    };
    for operation in ["GetAccessKeyLastUsed", "GetUser"] {
        emulator.rules(denied(operation));
        let p = planned(&aws, "set_access_key_status", off("ci", &ids[0])).await;
        assert!(p.unknown.iter().any(|u| u.contains(&format!("iam:{operation}"))), "{:?}", p.unknown);
        assert!(Impact::of(&p).is_high(), "{operation}");
    }
    emulator.rules(denied("ListAccessKeys"));
    let fault = plan(&aws, "set_access_key_status", off("ci", &ids[0])).await.unwrap_err();
    assert_eq!(fault.action.as_deref(), Some("iam:ListAccessKeys"), "without the keys there is no plan");
    emulator.rules(json!([{ "operation": "ListAccessKeys", "code": "Throttling", "message": "Rate exceeded", "status": 400, "times": 1 }]));
    planned(&aws, "set_access_key_status", off("ci", &ids[0])).await;
    // Used a minute ago.
    let minute_ago = quarterdeck::engine::clock::system()().minus(std::time::Duration::from_secs(60));
    let used = format!(
        "<GetAccessKeyLastUsedResponse><GetAccessKeyLastUsedResult><UserName>ci</UserName><AccessKeyLastUsed><LastUsedDate>{}</LastUsedDate>\
         <Region>{HERE}</Region><ServiceName>ecs</ServiceName></AccessKeyLastUsed></GetAccessKeyLastUsedResult></GetAccessKeyLastUsedResponse>",
        minute_ago.rfc3339()
    );
    emulator.canned(json!({ "iam:GetAccessKeyLastUsed": used }));
    let p = planned(&aws, "set_access_key_status", off("ci", &ids[0])).await;
    assert!(warned(&p, "key_used_recently").is_some() && Impact::of(&p).is_high(), "{:?}", p.warnings);
}

#[tokio::test]
async fn switched_off_verified_and_on_again() {
    let mut emulator = fresh().await;
    let ids = user(&mut emulator, "ci", 2);
    let mut console = console(&emulator).await;
    approved(&mut console, "set_access_key_status", off("ci", &ids[1])).await;
    assert_eq!(effect(&console), WriteEffect::Done, "{}", console.story());
    assert_eq!(verified(&mut console).await, Some(true), "{}", console.story());
    assert_eq!(statuses(&mut emulator, "ci"), ["Active", "Inactive"], "this key and no other");
    // Its id is nowhere whole in what results show.
    let results = |f: &&Fact| matches!(f, Fact::ToolFinished { .. });
    let shown =
        console.facts().filter(results).map(|f| serde_json::to_string(f).unwrap()).collect::<String>();
    assert!(!shown.contains(&ids[1]) && shown.contains(&ids[1][ids[1].len() - 4..]), "{shown}");
    let call = console
        .facts()
        .find_map(|f| if let Fact::WriteIntended { call, .. } = f { Some(*call) } else { None });
    console.send(Command::Undo(call.unwrap())).await;
    console.dialog().await;
    assert_eq!(
        change(console.gate().unwrap().proposal(), "status"),
        Some(("Inactive".into(), "Active".into()))
    );
    assert_eq!(emulator.changes(), ["UpdateAccessKey"]);
    console.approve().await;
    console.until("the second outcome", |c| c.count(|f| matches!(f, Fact::WriteConcluded { .. })) == 2).await;
    console.end().await;
    assert_eq!(statuses(&mut emulator, "ci"), ["Active", "Active"]);
    assert_eq!(emulator.changes(), ["UpdateAccessKey", "UpdateAccessKey"]);
}

#[tokio::test]
async fn refused_or_lost_it_is_sent_once() {
    for (rule, want, kind, after) in [
        (
            json!({ "code": "AccessDenied", "message": not_allowed("iam:UpdateAccessKey"), "status": 403 }),
            WriteEffect::NotDone,
            Some(FaultKind::Denied),
            "Active",
        ),
        (
            json!({ "code": "Throttling", "status": 400 }),
            WriteEffect::NotDone,
            Some(FaultKind::Throttled),
            "Active",
        ),
        (
            json!({ "lost": true, "code": "ServiceFailure", "status": 500 }),
            WriteEffect::Unknown,
            None,
            "Inactive",
        ),
    ] {
        let mut emulator = fresh().await;
        let ids = user(&mut emulator, "ci", 1);
        let mut console = console(&emulator).await;
        let mut rule = rule;
        rule["operation"] = "UpdateAccessKey".into();
        rule["times"] = (-1).into();
        emulator.rules(json!([rule]));
        approved(&mut console, "set_access_key_status", off("ci", &ids[0])).await;
        assert_eq!(effect(&console), want, "{}", console.story());
        if want == WriteEffect::Unknown {
            assert_eq!(
                verified(&mut console).await,
                Some(true),
                "it was done all the same: {}",
                console.story()
            );
        } else {
            console.until("the result", |c| c.count(|f| matches!(f, Fact::ToolFinished { .. })) > 0).await;
            assert_eq!(fault(&console), kind);
        }
        console.end().await;
        assert_eq!(statuses(&mut emulator, "ci"), [after]);
        assert_eq!(emulator.changes(), ["UpdateAccessKey"], "one attempt, whatever the answer");
    }
}
