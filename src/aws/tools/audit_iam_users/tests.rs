use super::*;
use crate::registry;
use crate::testing::Canned;
use crate::tools::iam::fixture::{denied, details, generated, group, policy, report, root, summary, user};
use crate::tools::iam::report::tests::{NONE, row};
use quarterdeck_core::tool::Cell;
use serde_json::{Value, json};
use std::sync::Arc;

const USED: &str = "2026-11-19T12:00:00+00:00";
const CHANGED: &str = "2026-01-01T00:00:00+00:00";
const PASSWORD: [&str; 3] = ["true", USED, CHANGED];
const NO_PASSWORD: [&str; 3] = ["false", "N/A", "N/A"];
const KEY: [&str; 3] = ["true", CHANGED, USED];
const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const READ: &str = "arn:aws:iam::123456789012:policy/read-orders";
const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const ORDERS: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Orders","Effect":"Allow","Action":["s3:Get*"],"Resource":"arn:aws:s3:::orders/*"}]}"#;

async fn run(canned: &Canned, args: Value) -> Result<Projection, Fault> {
    let aws = canned.aws(&["eu-west-1"]);
    registry::read(&aws, "audit_iam_users", &args, Arc::new(|_| ())).await.map(|(projection, _)| projection)
}

fn column(projection: &Projection, name: &str) -> Vec<String> {
    projection.rows.iter().map(|row| projection.cell(row, name).unwrap().plain()).collect()
}

fn reported(rows: &[String]) -> Canned {
    Canned::new()
        .on("iam", "GenerateCredentialReport", &generated("COMPLETE"))
        .on("iam", "GetCredentialReport", &report(rows))
        .on("iam", "GetAccountSummary", &summary(0, 1))
}

/// An administrator by a group, one with a boundary, a reader, a service user that may pass a role.
fn shop() -> Canned {
    let rows = [
        root("true", NONE),
        row("dana", PASSWORD, "false", [NONE, NONE]),
        row("eve", PASSWORD, "true", [NONE, NONE]),
        row("bob", PASSWORD, "false", [NONE, NONE]),
        row("ci", NO_PASSWORD, "false", [KEY, NONE]),
    ];
    let users = [
        user("dana", &["admins"], &[], &[], ""),
        user(
            "eve",
            &[],
            &[ADMIN],
            &[],
            "<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>\
             <PermissionsBoundaryArn>arn:aws:iam::123456789012:policy/developers</PermissionsBoundaryArn></PermissionsBoundary>",
        ),
        user("bob", &[], &[READ], &[], ""),
        user(
            "ci",
            &[],
            &[],
            &[r#"{"Statement":{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}}"#],
            "",
        ),
    ];
    let groups = group("admins", &[ADMIN], &[]);
    let policies = [policy(ADMIN, ALL), policy(READ, ORDERS)];
    reported(&rows).on(
        "iam",
        "GetAccountAuthorizationDetails",
        &details(&users.concat(), &groups, &policies.concat(), None),
    )
}

#[tokio::test]
async fn who_is_an_administrator_and_what_else_is_wrong() {
    let canned = shop();
    let found = run(&canned, json!({})).await.unwrap();
    assert_eq!(column(&found, "user"), ["<root_account>", "dana", "bob", "ci", "eve"]);
    assert_eq!(column(&found, "risk"), ["OK", "CRITICAL", "HIGH", "LOW", "LOW"]);
    assert_eq!(column(&found, "admin"), ["yes", "yes", "no", "unknown", "unknown"]);
    assert_eq!(column(&found, "console"), ["", "yes", "yes", "no", "yes"]);
    assert_eq!(column(&found, "mfa"), ["yes", "no", "no", "no", "yes"]);
    assert_eq!(column(&found, "password_age"), ["", "323", "323", "", "323"]);
    assert_eq!(column(&found, "last_seen")[3], "2026-11-19T12:00:00Z", "a key's use counts");
    let why = column(&found, "why");
    assert!(
        why[1].contains("AdministratorAccess of group admins (#1): Allow Action * on Resource *"),
        "{}",
        why[1]
    );
    assert!(why[3].contains("pass a role") && why[3].contains("service user"), "{}", why[3]);
    assert!(why[4].contains("boundary developers"), "{}", why[4]);
    assert!(
        found.summary.starts_with(
            "4 users and the root account of the account: 1 CRITICAL, 1 HIGH, 2 LOW; 1 administrator, 2 may be administrators, \
             2 sign in without MFA, 1 has no console password"
        ),
        "{}",
        found.summary
    );
    // Of a policy that decided nothing no word is shown.
    let all = serde_json::to_string(&found).unwrap();
    assert!(!all.contains("orders") && !all.contains("Orders"), "{all}");
    assert!(found.rows[0].urgency == 3, "the root account comes first");
    let asked = canned.sent().into_iter().find(|s| s.operation == "GetAccountAuthorizationDetails").unwrap();
    for wanted in ["User", "Group", "LocalManagedPolicy", "AWSManagedPolicy"] {
        assert!(asked.body.contains(&format!("={wanted}")), "{}", asked.body);
    }
    assert!(!asked.body.contains("=Role"), "{}", asked.body);
    assert_eq!(asked.region, "us-east-1");
}

#[tokio::test]
async fn the_root_account() {
    for (mfa, key, (keys, has_mfa), risk, says) in [
        ("true", NONE, (0, 1), "OK", ""),
        ("false", NONE, (0, 0), "CRITICAL", "no MFA"),
        ("true", KEY, (1, 1), "CRITICAL", "access key"),
        // The summary is fresher than the report.
        ("false", NONE, (0, 1), "OK", ""),
        ("true", NONE, (1, 1), "CRITICAL", "access key"),
        // An inactive key is a key.
        ("true", ["false", CHANGED, USED], (0, 1), "CRITICAL", "access key"),
    ] {
        let canned = reported(&[root(mfa, key)]).on("iam", "GetAccountSummary", &summary(keys, has_mfa)).on(
            "iam",
            "GetAccountAuthorizationDetails",
            &details("", "", "", None),
        );
        let found = run(&canned, json!({})).await.unwrap();
        assert_eq!(column(&found, "risk"), [risk], "{mfa} {key:?}: {:?}", column(&found, "why"));
        assert!(column(&found, "why")[0].contains(says));
        assert_eq!(found.summary.contains("root is CRITICAL"), risk == "CRITICAL", "{}", found.summary);
    }
}

#[tokio::test]
async fn each_part_may_be_denied() {
    let canned = shop().failing(
        "iam",
        "GetAccountAuthorizationDetails",
        403,
        &denied("iam:GetAccountAuthorizationDetails"),
    );
    let found = run(&canned, json!({})).await.unwrap();
    assert_eq!(column(&found, "admin"), ["yes", "unknown", "unknown", "unknown", "unknown"], "never no");
    assert_eq!(found.errors[0].fault.action.as_deref(), Some("iam:GetAccountAuthorizationDetails"));

    let canned = shop()
        .failing("iam", "GenerateCredentialReport", 403, &denied("iam:GenerateCredentialReport"))
        .failing("iam", "GetCredentialReport", 403, &denied("iam:GetCredentialReport"));
    let found = run(&canned, json!({})).await.unwrap();
    assert_eq!(found.rows.len(), 5);
    assert!(
        found.rows.iter().skip(1).all(|row| found.cell(row, "mfa") == Some(&Cell::Absent)),
        "not known is not no"
    );
    assert_eq!(
        (column(&found, "mfa")[0].as_str(), column(&found, "risk")[0].as_str()),
        ("yes", "OK"),
        "by the summary"
    );
    assert!(
        found.errors[0].place.starts_with("the credential report")
            && found.summary.contains("not everything")
    );

    let canned = shop().failing("iam", "GetAccountSummary", 403, &denied("iam:GetAccountSummary"));
    let found = run(&canned, json!({})).await.unwrap();
    assert_eq!(
        (found.errors.len(), column(&found, "mfa")[0].as_str()),
        (0, "yes"),
        "the report says as much"
    );

    let canned = shop()
        .failing("iam", "GenerateCredentialReport", 403, &denied("iam:GenerateCredentialReport"))
        .failing("iam", "GetCredentialReport", 403, &denied("iam:GetCredentialReport"))
        .failing("iam", "GetAccountSummary", 403, &denied("iam:GetAccountSummary"));
    let found = run(&canned, json!({})).await.unwrap();
    assert_eq!((found.errors.len(), column(&found, "risk")[0].as_str()), (2, "MEDIUM"), "{:?}", found.errors);

    let canned = canned.failing(
        "iam",
        "GetAccountAuthorizationDetails",
        403,
        &denied("iam:GetAccountAuthorizationDetails"),
    );
    let fault = run(&canned, json!({})).await.unwrap_err();
    assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some("iam:GetCredentialReport")));
}

#[tokio::test]
async fn every_page_and_what_is_missing_after_the_first() {
    let rows = [root("true", NONE), row("dana", PASSWORD, "true", [NONE, NONE])];
    let canned = reported(&rows).with("iam", "GetAccountAuthorizationDetails", |sent| {
        let page = if sent.body.contains("Marker=") {
            details("", &group("admins", &[ADMIN], &[]), &policy(ADMIN, ALL), None)
        } else {
            details(&user("dana", &["admins"], &[], &[], ""), "", "", Some("next"))
        };
        (200, page.into_bytes())
    });
    let found = run(&canned, json!({})).await.unwrap();
    assert_eq!(column(&found, "admin"), ["yes", "yes"]);
    // The page with the group does not come: nobody becomes harmless by that.
    let canned = canned.with("iam", "GetAccountAuthorizationDetails", |sent| {
        if sent.body.contains("Marker=") {
            return (403, denied("iam:GetAccountAuthorizationDetails").into_bytes());
        }
        (
            200,
            details(&user("dana", &["admins"], &[READ], &[], ""), "", &policy(READ, ORDERS), Some("next"))
                .into_bytes(),
        )
    });
    let found = run(&canned, json!({})).await.unwrap();
    assert_eq!(column(&found, "admin"), ["yes", "unknown"]);
    assert!(found.errors[0].place.contains("after the first pages"), "{:?}", found.errors);
}

#[tokio::test]
async fn policies_that_are_not_in_force_and_texts_that_were_not_sent() {
    let rows = [row("bob", PASSWORD, "true", [NONE, NONE])];
    for (policies, arn, want) in [
        // An old version allows everything; the one in force does not.
        (policy(READ, ORDERS), READ, "no"),
        (policy(READ, "not json"), READ, "unknown"),
        (String::new(), READ, "unknown"),
        (String::new(), ADMIN, "yes"),
    ] {
        let page = details(&user("bob", &[], &[arn], &[], ""), "", &policies, None);
        let canned = reported(&rows).on("iam", "GetAccountAuthorizationDetails", &page);
        let found = run(&canned, json!({ "user": "bob" })).await.unwrap();
        assert_eq!(column(&found, "admin"), [want], "{policies}");
    }
}

#[tokio::test]
async fn one_user_and_nobody() {
    let found = run(&shop(), json!({ "user": "dana" })).await.unwrap();
    assert_eq!(column(&found, "user"), ["dana"]);
    assert!(found.summary.starts_with("User dana in the account: 1 CRITICAL"), "{}", found.summary);
    let fault = run(&shop(), json!({ "user": "dan" })).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing);
    assert!(fault.hint.unwrap().starts_with("did you mean: dana"));
    for bad in ["arn:aws:iam::123456789012:user/dana", "d*", "ops/dana"] {
        let canned = shop();
        assert_eq!(run(&canned, json!({ "user": bad })).await.unwrap_err().kind, FaultKind::Invalid, "{bad}");
        assert_eq!(canned.operations(), Vec::<String>::new());
    }
}
