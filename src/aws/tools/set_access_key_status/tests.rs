use super::*;
use crate::registry;
use crate::testing::Canned;
use crate::tools::iam::fixture::{answer, denied, error, keys, last_used, users};
use quarterdeck_core::approval::{DryRun, Impact};
use serde_json::Value;
use std::sync::Arc;

const KEY: &str = "AKIAEXAMPLE000000001";
const OTHER: &str = "AKIAEXAMPLE000000002";
const MADE: &str = "2026-01-01T00:00:00Z";
const LONG_AGO: &str = "2026-10-01T00:00:00Z";

fn user_answer(name: &str, env: &str) -> String {
    answer(
        "GetUser",
        &format!(
            "<User><Path>/ci/</Path><UserName>{name}</UserName><UserId>AIDAEXAMPLE</UserId><Arn>arn:aws:iam::123456789012:user/ci/{name}</Arn>\
             <CreateDate>2025-01-01T00:00:00Z</CreateDate><Tags><member><Key>env</Key><Value>{env}</Value></member>\
             <member><Key>cost-centre</Key><Value>7</Value></member></Tags></User>"
        ),
    )
}

fn account(status: &str, used: Option<&str>) -> Canned {
    Canned::new()
        .on("iam", "GetUser", &user_answer("ci-deploy", "dev"))
        .on("iam", "ListAccessKeys", &keys("ci-deploy", &[(KEY, status, MADE), (OTHER, "Active", MADE)]))
        .on("iam", "GetAccessKeyLastUsed", &last_used("ci-deploy", used))
}

async fn plan(canned: &Canned, args: Value) -> Result<Proposal, Fault> {
    registry::plan(&canned.aws(&["eu-west-1"]), "set_access_key_status", &args, Arc::new(|_| ())).await
}

fn off() -> Value {
    json!({ "user": "ci-deploy", "key_id": KEY, "status": "Inactive" })
}

fn codes(plan: &Proposal) -> Vec<&str> {
    plan.warnings.iter().map(|w| w.code.as_str()).collect()
}

#[tokio::test]
async fn switching_off_a_key_nobody_uses() {
    let canned = account("Active", Some(LONG_AGO));
    let p = plan(&canned, off()).await.unwrap();
    assert_eq!(p.title, "Deactivate the access key ...0001 of ci-deploy");
    let target = &p.targets[0];
    assert_eq!(
        target.arn, "arn:aws:iam::123456789012:user/ci/ci-deploy",
        "with its path: approvals are over ARNs"
    );
    assert_eq!(
        (target.id.as_str(), target.name.as_deref(), target.state.as_str()),
        (KEY, Some("ci-deploy"), "Active")
    );
    assert_eq!((target.changes[0].before.as_str(), target.changes[0].after.as_str()), ("Active", "Inactive"));
    assert_eq!(target.tags.keys().collect::<Vec<_>>(), ["env"], "only tags that decide");
    let context: Vec<&str> = target.context.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(context, ["last used", "key made", "user made"]);
    assert!(target.context[0].1.contains("s3 in eu-west-1"), "{:?}", target.context);
    assert_eq!(codes(&p), ["sessions_live_on"]);
    assert_eq!(
        (&p.dry_run, p.unknown.len(), p.actions.as_slice()),
        (&DryRun::NotOffered, 0, ["iam:UpdateAccessKey".to_owned()].as_slice())
    );
    assert_eq!(
        p.command,
        format!("aws iam update-access-key --user-name ci-deploy --access-key-id {KEY} --status Inactive")
    );
    assert_eq!(p.region, "us-east-1", "where IAM's one endpoint is");
    assert_eq!(Impact::of(&p), Impact::Normal);
    assert!(
        canned
            .sent()
            .iter()
            .filter(|s| s.operation != "GetCallerIdentity")
            .all(|s| s.region == "us-east-1" || s.operation == "ListAccountAliases")
    );
    // Undone by the other status, of the very key.
    let back = SetAccessKeyStatus::inverse(&p, &Projection::new("", Timestamp::default())).unwrap();
    assert_eq!(
        (back.tool.as_str(), &back.args["status"], &back.args["key_id"]),
        ("set_access_key_status", &json!("Active"), &json!(KEY))
    );
    assert_eq!(plan(&canned, off()).await.unwrap(), p, "a second plan of the same account is the same");
    // Named by its end, as results show it, it is the same key and the same approval.
    for named in ["0001", "AKIA⟪…0001⟫"] {
        let args = json!({ "user": "ci-deploy", "key_id": named, "status": "inactive" });
        assert_eq!(plan(&canned, args).await.unwrap(), p, "{named}");
    }
}

#[tokio::test]
async fn what_makes_it_grave() {
    // Within 24 hours to the second: at 24 it is not.
    for (used, recent) in
        [("2026-11-20T03:00:00Z", true), ("2026-11-19T03:04:06Z", true), ("2026-11-19T03:04:05Z", false)]
    {
        let p = plan(&account("Active", Some(used)), off()).await.unwrap();
        assert_eq!(codes(&p).contains(&"key_used_recently"), recent, "{used}");
        assert_eq!(Impact::of(&p).is_high(), recent, "{used}");
    }
    // Facts that cannot be read.
    for (operation, action) in
        [("GetUser", "iam:GetUser"), ("GetAccessKeyLastUsed", "iam:GetAccessKeyLastUsed")]
    {
        let p = plan(&account("Active", None).failing("iam", operation, 403, &denied(action)), off())
            .await
            .unwrap();
        assert!(p.unknown.iter().any(|u| u.contains(action)), "{:?}", p.unknown);
        assert!(Impact::of(&p).is_high());
    }
    // The only key left.
    let one = account("Active", None).on(
        "iam",
        "ListAccessKeys",
        &keys("ci-deploy", &[(KEY, "Active", MADE), (OTHER, "Inactive", MADE)]),
    );
    assert!(codes(&plan(&one, off()).await.unwrap()).contains(&"only_active_key"));
    // The user the console is signed in as.
    let own = account("Active", None).on("sts", "GetCallerIdentity", "<GetCallerIdentityResponse><GetCallerIdentityResult>\
        <Arn>arn:aws:iam::123456789012:user/ci/ci-deploy</Arn><UserId>AIDAEXAMPLE</UserId><Account>123456789012</Account>\
        </GetCallerIdentityResult></GetCallerIdentityResponse>");
    let p = plan(&own, off()).await.unwrap();
    assert!(codes(&p).contains(&"own_user") && Impact::of(&p).is_high());
}

#[tokio::test]
async fn switching_it_on_again() {
    let p =
        plan(&account("Inactive", None), json!({ "user": "ci-deploy", "key_id": KEY, "status": "Active" }))
            .await
            .unwrap();
    assert_eq!(p.title, "Activate the access key ...0001 of ci-deploy");
    assert_eq!(codes(&p), ["key_usable_again"]);
    assert_eq!(p.undo["status"], json!("Inactive"));
}

#[tokio::test]
async fn what_cannot_be_done() {
    let with = |key: &str, status: &str| json!({ "user": "ci-deploy", "key_id": key, "status": status });
    let fault = plan(&account("Active", None), with(KEY, "Active")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert!(fault.message.contains("already Active"), "{fault}");
    // Another user's key, and nobody's.
    let canned = account("Active", None).on("iam", "GetAccessKeyLastUsed", &last_used("dana", None));
    let fault = plan(&canned, with("AKIAEXAMPLE000000009", "Inactive")).await.unwrap_err();
    assert!(
        fault.kind == FaultKind::Missing && fault.hint.as_deref().is_some_and(|h| h.contains("user dana")),
        "{fault:?}"
    );
    let fault = plan(&account("Active", None), with("0009", "Inactive")).await.unwrap_err();
    assert!(fault.hint.as_deref().is_some_and(|h| h.contains("...0001 and ...0002")), "{fault:?}");
    // No such user.
    let gone = error("NoSuchEntity", "The user with name ci-deploy cannot be found.");
    let canned = account("Active", None)
        .failing("iam", "GetUser", 404, &gone)
        .failing("iam", "ListAccessKeys", 404, &gone)
        .on("iam", "ListUsers", &users(&["ci-deploy-2"], None));
    let fault = plan(&canned, off()).await.unwrap_err();
    assert_eq!((fault.kind, fault.hint.as_deref()), (FaultKind::Missing, Some("did you mean: ci-deploy-2")));
    // Nothing was changed by any of it.
    assert!(!canned.operations().contains(&"UpdateAccessKey".to_owned()));
}

#[tokio::test]
async fn the_consoles_own_key_is_refused() {
    // The tests' console signs with AKIDEXAMPLE; give it a real form.
    let canned = account("Active", None);
    let own = crate::clients::Aws::new(crate::Settings {
        credentials: Some((KEY.into(), "secret".into())),
        ..canned.aws(&["eu-west-1"]).settings().clone()
    });
    for key in [KEY, "0001"] {
        let args = json!({ "user": "ci-deploy", "key_id": key, "status": "Inactive" });
        let fault = registry::plan(&own, "set_access_key_status", &args, Arc::new(|_| ())).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict, "{fault}");
        assert!(fault.message.contains("this console itself"), "{fault}");
    }
    let args = json!({ "user": "ci-deploy", "key_id": OTHER, "status": "Inactive" });
    registry::plan(&own, "set_access_key_status", &args, Arc::new(|_| ())).await.unwrap();
}

#[tokio::test]
async fn names_are_checked_before_anything_is_read() {
    let canned = account("Active", None);
    for bad in [
        json!({ "user": "arn:aws:iam::123456789012:user/ci-deploy", "key_id": KEY, "status": "Inactive" }),
        json!({ "user": "ci-*", "key_id": KEY, "status": "Inactive" }),
        json!({ "user": "<root_account>", "key_id": KEY, "status": "Inactive" }),
        json!({ "user": "ci-deploy", "key_id": "*", "status": "Inactive" }),
        json!({ "user": "ci-deploy", "key_id": "ASIAEXAMPLE000000001", "status": "Inactive" }),
        json!({ "user": "ci-deploy", "key_id": KEY, "status": "Deleted" }),
        json!({ "user": "ci-deploy", "key_id": [KEY, OTHER], "status": "Inactive" }),
        json!({ "user": "ci-deploy", "key_id": KEY, "status": "Inactive", "region": "eu-west-1" }),
        json!({ "user": "ci-deploy", "key_id": KEY, "status": "Inactive", "account": "all" }),
    ] {
        let fault = plan(&canned, bad.clone()).await.unwrap_err();
        assert!(fault.kind == FaultKind::Invalid && fault.hint.is_some(), "{bad}: {fault:?}");
    }
    assert_eq!(canned.operations(), Vec::<String>::new());
}

#[tokio::test]
async fn done_when_it_is_listed_so() {
    let p = plan(&account("Active", None), off()).await.unwrap();
    let watch = SetAccessKeyStatus::verify(&p);
    assert_eq!((watch.tool, &watch.args), ("check_iam_key_age", &json!({ "user": "ci-deploy" })));
    let redactor = quarterdeck_core::text::Redactor::new([7; 16]);
    for (status, want) in [("Inactive", Verdict::Done), ("Active", Verdict::NotYet)] {
        let canned = account(status, None);
        let (read, _) =
            registry::read(&canned.aws(&["eu-west-1"]), watch.tool, &watch.args, Arc::new(|_| ()))
                .await
                .unwrap();
        assert_eq!((watch.judge)(&p, &read), want, "{status}");
        // As the session hands it on: with the key's id masked.
        assert_eq!((watch.judge)(&p, &read.redacted(&redactor)), want, "{status}");
    }
    let none = Projection::new("", Timestamp::default());
    assert_eq!((watch.judge)(&p, &none), Verdict::NotYet);
}
