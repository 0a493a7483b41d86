use super::*;
use crate::registry;
use crate::testing::{Canned, Sent};
use crate::tools::iam::fixture::{
    answer, denied, error, generated, keys, last_used, report, root, summary, users,
};
use crate::tools::iam::report::tests::{NONE, row};
use quarterdeck_core::tool::{Cell, FaultKind};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const USED: &str = "2026-11-19T12:00:00+00:00";
const OLD: &str = "2026-01-01T00:00:00+00:00";
const OLD_LIVE: &str = "2026-01-01T00:00:00Z";
const NO_PASSWORD: [&str; 3] = ["false", "N/A", "N/A"];

async fn run(canned: &Canned, args: Value) -> Result<Projection, Fault> {
    let aws = canned.aws(&["eu-west-1"]);
    registry::read(&aws, "check_iam_key_age", &args, Arc::new(|_| ())).await.map(|(projection, _)| projection)
}

fn column(projection: &Projection, name: &str) -> Vec<String> {
    projection.rows.iter().map(|row| projection.cell(row, name).unwrap().plain()).collect()
}

/// What a form says under `field`.
fn field(sent: &Sent, field: &str) -> String {
    let value = sent.body.split('&').find_map(|pair| pair.strip_prefix(&format!("{field}=")));
    value.unwrap_or_default().to_owned()
}

/// IAM with this report; every user has one key made at [`OLD`], named after it.
fn account(rows: &[String]) -> Canned {
    Canned::new()
        .on("iam", "GenerateCredentialReport", &generated("COMPLETE"))
        .on("iam", "GetCredentialReport", &report(rows))
        .with("iam", "ListAccessKeys", |sent| {
            let user = field(sent, "UserName");
            let id = format!("AKIA{:0>16}", user.to_uppercase().replace('-', ""));
            (200, keys(&user, &[(&id, "Active", OLD_LIVE)]).into_bytes())
        })
}

#[tokio::test]
async fn every_judgement_of_a_report() {
    let rows = [
        root("true", NONE),
        row("old", NO_PASSWORD, "false", [["true", OLD, USED], NONE]),
        row("unused", NO_PASSWORD, "false", [["true", "2026-11-01T00:00:00+00:00", "N/A"], NONE]),
        row("off", NO_PASSWORD, "false", [["false", OLD, USED], NONE]),
        row("fine", NO_PASSWORD, "false", [["true", "2026-11-01T00:00:00+00:00", USED], NONE]),
        row("nobody", ["true", USED, OLD], "true", [NONE, NONE]),
    ];
    let canned = account(&rows).with("iam", "ListAccessKeys", |sent| {
        let (status, made) = match field(sent, "UserName").as_str() {
            "off" => ("Inactive", OLD_LIVE),
            "old" => ("Active", OLD_LIVE),
            _ => ("Active", "2026-11-01T00:00:00Z"),
        };
        (200, keys(&field(sent, "UserName"), &[("AKIAEXAMPLE000000001", status, made)]).into_bytes())
    });
    let found = run(&canned, json!({})).await.unwrap();
    assert_eq!(column(&found, "user"), ["old", "unused", "off", "fine"], "the worst first");
    assert_eq!(column(&found, "risk"), ["HIGH", "MEDIUM", "LOW", "OK"]);
    assert_eq!(column(&found, "age_days"), ["323", "19", "323", "19"]);
    assert_eq!(column(&found, "status"), ["Active", "Active", "Inactive", "Active"]);
    assert_eq!(column(&found, "last_used")[1], "never");
    assert_eq!(
        column(&found, "key_id"),
        ["AKIAEXAMPLE000000001", "AKIAEXAMPLE000000001", "AKIAEXAMPLE000000001", ""]
    );
    assert!(column(&found, "why")[2].contains("delete it"));
    assert_eq!(
        found.summary,
        "4 access keys of 5 users and the root account in the account: 1 HIGH, 1 MEDIUM, 1 LOW; the oldest active one is \
         323 days old (old; the limit is 90); by a credential report 1 h 4 m old."
    );
    assert!(found.notes.iter().any(|n| n.contains("2026-11-20T02:00:00Z, 1 h 4 m ago")), "{:?}", found.notes);
    assert_eq!((found.counts.by.as_str(), found.errors.len()), ("risk", 0));
    // Signed for the endpoint of the whole account, wherever the session is.
    assert!(canned.sent().iter().filter(|s| s.service == "iam").all(|s| s.region == "us-east-1"));
    assert_eq!(
        canned.operations().len(),
        5,
        "two for the report, one for each of three users: {:?}",
        canned.operations()
    );
}

#[tokio::test]
async fn six_hundred_users_take_at_most_thirty_requests() {
    let polls = Arc::new(AtomicU32::new(0));
    let mut rows = vec![root("true", ["true", OLD, USED])];
    rows.extend((0..600).map(|n| {
        row(&format!("u{n:03}"), NO_PASSWORD, "false", [["true", OLD, USED], ["false", OLD, "N/A"]])
    }));
    let canned = account(&rows)
        .with("iam", "GenerateCredentialReport", move |_| {
            let state = if polls.fetch_add(1, Ordering::SeqCst) < 2 { "INPROGRESS" } else { "COMPLETE" };
            (200, generated(state).into_bytes())
        })
        // Made after the report: each has to be asked about by itself.
        .with("iam", "ListAccessKeys", |sent| {
            let user = field(sent, "UserName");
            let id = format!("AKIA{:0>16}", user.to_uppercase());
            (200, keys(&user, &[(&id, "Active", "2026-11-20T02:30:00Z")]).into_bytes())
        })
        .on("iam", "GetAccessKeyLastUsed", &last_used("x", None));
    let found = run(&canned, json!({})).await.unwrap();
    let sent = canned.operations();
    assert!(sent.len() <= 30, "{}", sent.len());
    assert_eq!(sent.iter().filter(|o| *o == "ListAccessKeys").count(), 20);
    assert_eq!(column(&found, "user")[0], "<root_account>");
    assert_eq!(found.rows.len(), 1 + 20 + 580 * 2, "what was listed takes the place of what the report says");
    assert!(found.notes.iter().any(|n| n.contains("key ids")), "{:?}", found.notes);
}

#[tokio::test]
async fn what_became_of_a_key_since_the_report() {
    let rows = [
        row("ci", NO_PASSWORD, "false", [["true", OLD, USED], NONE]),
        row("gone", NO_PASSWORD, "false", [["true", OLD, USED], NONE]),
    ];
    let canned = account(&rows)
        .with("iam", "ListAccessKeys", |sent| match field(sent, "UserName").as_str() {
            "gone" => (404, error("NoSuchEntity", "The user with name gone cannot be found.").into_bytes()),
            // Switched off, and rotated: a new one was made after the report.
            _ => {
                let both = [
                    ("AKIAEXAMPLE000000001", "Inactive", OLD_LIVE),
                    ("AKIAEXAMPLE000000002", "Active", "2026-11-20T02:30:00Z"),
                ];
                (200, keys("ci", &both).into_bytes())
            }
        })
        .on("iam", "GetAccessKeyLastUsed", &last_used("ci", Some("2026-11-20T03:00:00Z")));
    let found = run(&canned, json!({})).await.unwrap();
    assert_eq!(column(&found, "key_id"), ["AKIAEXAMPLE000000001", "AKIAEXAMPLE000000002"]);
    assert_eq!(column(&found, "risk"), ["LOW", "OK"]);
    assert_eq!(column(&found, "last_used"), ["2026-11-19T12:00:00Z", "2026-11-20T03:00:00Z"]);
    assert_eq!(canned.operations().iter().filter(|o| *o == "GetAccessKeyLastUsed").count(), 1);
}

#[tokio::test]
async fn the_limit_is_the_callers() {
    let rows = [row("ci", NO_PASSWORD, "false", [["true", "2026-10-20T03:04:05+00:00", USED], NONE])];
    let canned = account(&rows).on(
        "iam",
        "ListAccessKeys",
        &keys("ci", &[("AKIAEXAMPLE000000001", "Active", "2026-10-20T03:04:05Z")]),
    );
    for (limit, risk) in [(30, "HIGH"), (31, "OK")] {
        let found = run(&canned, json!({ "max_age_days": limit })).await.unwrap();
        assert_eq!(
            (column(&found, "age_days"), column(&found, "risk")),
            (vec!["31".into()], vec![risk.into()]),
            "{limit}"
        );
    }
    for bad in [0, 3_651] {
        let fault = run(&Canned::new(), json!({ "max_age_days": bad })).await.unwrap_err();
        assert_eq!((fault.kind, fault.hint.as_deref()), (FaultKind::Invalid, Some("send 1 to 3650")));
    }
}

#[tokio::test]
async fn a_named_user_is_read_live() {
    let canned = Canned::new()
        .on("iam", "ListAccessKeys", &keys("ci", &[("AKIAEXAMPLE000000001", "Active", OLD_LIVE)]))
        .on("iam", "GetAccessKeyLastUsed", &last_used("ci", Some("2026-11-20T03:00:00Z")));
    let found = run(&canned, json!({ "user": "ci" })).await.unwrap();
    assert_eq!(canned.operations(), ["ListAccessKeys", "GetAccessKeyLastUsed"]);
    assert_eq!(column(&found, "last_used"), ["2026-11-20T03:00:00Z"]);
    assert!(found.summary.starts_with("1 access key of ci in the account: 1 HIGH"), "{}", found.summary);
    // None at all says whose were looked for.
    let canned = Canned::new().on("iam", "ListAccessKeys", &keys("ci", &[]));
    let found = run(&canned, json!({ "user": "ci" })).await.unwrap();
    assert_eq!(found.summary, "No access keys of ci in the account.");
    // Nobody of that name.
    let canned = Canned::new()
        .failing(
            "iam",
            "ListAccessKeys",
            404,
            &error("NoSuchEntity", "The user with name ci-deplo cannot be found."),
        )
        .on("iam", "ListUsers", &users(&["dana", "ci-deploy"], None));
    let fault = run(&canned, json!({ "user": "ci-deplo" })).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing);
    assert!(fault.hint.unwrap().starts_with("did you mean: ci-deploy"));
    // When a key was last used may not be told: that is not the same as never.
    let canned = Canned::new()
        .on(
            "iam",
            "ListAccessKeys",
            &keys("ci", &[("AKIAEXAMPLE000000001", "Active", "2026-11-01T00:00:00Z")]),
        )
        .failing("iam", "GetAccessKeyLastUsed", 403, &denied("iam:GetAccessKeyLastUsed"));
    let found = run(&canned, json!({ "user": "ci" })).await.unwrap();
    assert_eq!(
        (column(&found, "risk"), found.cell(&found.rows[0], "last_used")),
        (vec!["OK".into()], Some(&Cell::Absent))
    );
    assert_eq!(found.errors[0].fault.action.as_deref(), Some("iam:GetAccessKeyLastUsed"));
    assert!(
        found.errors[0].place.contains("1 key was last used")
            && found.summary.contains("not everything answered")
    );
}

#[tokio::test]
async fn without_the_report_every_user_is_asked_about() {
    let names: Vec<String> = (0..45).map(|n| format!("u{n:02}")).collect();
    let canned = Canned::new()
        .failing("iam", "GenerateCredentialReport", 403, &denied("iam:GenerateCredentialReport"))
        .failing("iam", "GetCredentialReport", 403, &denied("iam:GetCredentialReport"))
        .on("iam", "GetAccountSummary", &summary(1, 1))
        .with("iam", "ListUsers", move |sent| {
            let (some, marker) = match field(sent, "Marker").as_str() {
                "" => (&names[..20], Some("20")),
                "20" => (&names[20..40], Some("40")),
                _ => (&names[40..], None),
            };
            let some: Vec<&str> = some.iter().map(String::as_str).collect();
            (200, users(&some, marker).into_bytes())
        })
        .with("iam", "ListAccessKeys", |sent| {
            let user = field(sent, "UserName");
            (
                200,
                keys(&user, &[(&format!("AKIA{:0>16}", user.to_uppercase()), "Active", OLD_LIVE)])
                    .into_bytes(),
            )
        })
        .on("iam", "GetAccessKeyLastUsed", &last_used("x", Some(OLD_LIVE)));
    let found = run(&canned, json!({})).await.unwrap();
    assert_eq!(found.rows.len(), 46, "45 users and the root account");
    assert_eq!(
        (column(&found, "user")[0].as_str(), column(&found, "risk")[0].as_str()),
        ("<root_account>", "CRITICAL")
    );
    assert_eq!(found.errors.len(), 1);
    assert_eq!(found.errors[0].place, "the credential report");
    assert_eq!(found.errors[0].fault.action.as_deref(), Some("iam:GetCredentialReport"));
    assert!(column(&found, "key_id").iter().skip(1).all(|id| id.starts_with("AKIA")));
}

#[tokio::test]
async fn a_report_that_others_had_made_may_be_read() {
    let rows = [row("ci", NO_PASSWORD, "false", [["true", OLD, USED], NONE])];
    let canned = account(&rows).failing(
        "iam",
        "GenerateCredentialReport",
        403,
        &denied("iam:GenerateCredentialReport"),
    );
    let found = run(&canned, json!({})).await.unwrap();
    assert_eq!((found.rows.len(), found.errors.len()), (1, 0));
    // There is none: the action to ask for is the one that makes it.
    let canned = canned
        .failing("iam", "GetCredentialReport", 410, &error("ReportNotPresent", "No report"))
        .failing("iam", "ListUsers", 403, &denied("iam:ListUsers"))
        .failing("iam", "GetAccountSummary", 403, &denied("iam:GetAccountSummary"));
    let fault = run(&canned, json!({})).await.unwrap_err();
    assert_eq!(
        (fault.kind, fault.action.as_deref()),
        (FaultKind::Denied, Some("iam:GenerateCredentialReport"))
    );
}

#[tokio::test]
async fn key_ids_that_may_not_be_listed_are_missed_once() {
    let mut rows = vec![root("true", NONE)];
    rows.extend((0..30).map(|n| row(&format!("u{n:02}"), NO_PASSWORD, "false", [["true", OLD, USED], NONE])));
    let canned = account(&rows).failing("iam", "ListAccessKeys", 403, &denied("iam:ListAccessKeys"));
    let found = run(&canned, json!({})).await.unwrap();
    assert_eq!(canned.operations().iter().filter(|o| *o == "ListAccessKeys").count(), 1);
    assert_eq!((found.rows.len(), found.errors.len()), (30, 1));
    assert_eq!(found.errors[0].place, "key ids of every user");
    assert!(found.rows.iter().all(|row| found.cell(row, "key_id") == Some(&Cell::Absent)));
}

#[tokio::test(start_paused = true)]
async fn a_report_that_takes_too_long_is_not_waited_for() {
    let canned = Canned::new()
        .on("iam", "GenerateCredentialReport", &generated("INPROGRESS"))
        .on("iam", "GetAccountSummary", &summary(0, 1))
        .on("iam", "ListUsers", &users(&["ci"], None))
        .on("iam", "ListAccessKeys", &keys("ci", &[("AKIAEXAMPLE000000001", "Active", OLD_LIVE)]))
        .on("iam", "GetAccessKeyLastUsed", &last_used("ci", None));
    let found = run(&canned, json!({})).await.unwrap();
    assert_eq!(canned.operations().iter().filter(|o| *o == "GenerateCredentialReport").count(), 5);
    assert_eq!((found.rows.len(), found.errors[0].fault.kind), (1, FaultKind::Timeout));
    assert!(found.errors[0].fault.message.contains("still making"));
}

#[tokio::test]
async fn the_root_account_by_itself() {
    let rows =
        [root("true", ["true", OLD, USED]), row("ci", NO_PASSWORD, "false", [["true", OLD, USED], NONE])];
    let found = run(&account(&rows), json!({ "user": "<root_account>" })).await.unwrap();
    assert_eq!(
        (column(&found, "user"), column(&found, "risk")),
        (vec!["<root_account>".into()], vec!["CRITICAL".into()])
    );
    let rows = [root("true", NONE)];
    let found = run(&account(&rows), json!({ "user": "<root_account>" })).await.unwrap();
    assert!(
        found.summary.starts_with("No access keys of the root account in the account"),
        "{}",
        found.summary
    );
}

#[tokio::test]
async fn an_account_without_keys_says_what_was_searched() {
    let found = run(&account(&[root("true", NONE)]), json!({})).await.unwrap();
    assert!(
        found.summary.starts_with("No access keys of 0 users and the root account in the account"),
        "{}",
        found.summary
    );
    assert!(found.notes[0].contains("every IAM user and the root account"), "{:?}", found.notes);
}

#[tokio::test]
async fn what_is_no_report_is_a_fault() {
    let canned = Canned::new().on("iam", "GenerateCredentialReport", &generated("COMPLETE")).on(
        "iam",
        "GetCredentialReport",
        &answer("GetCredentialReport", "<Content>aGVsbG8=</Content>"),
    );
    let fault = run(&canned, json!({})).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.contains("credential report"), "{fault}");
}
