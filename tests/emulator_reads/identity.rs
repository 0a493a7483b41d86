//! IAM: keys by age, users and administrators.

use super::common::calls::{column, not_allowed, ok, read, unique};
use super::common::emulator::{ACCOUNT, Emulator, HERE, fresh};
use quarterdeck_aws::Settings;
use quarterdeck_aws::clients::Aws;
use quarterdeck_core::tool::{Cell, FaultKind, Projection};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const READS: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"OnlyOrders","Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;
const DAY: Duration = Duration::from_secs(86_400);

fn user(emulator: &mut Emulator, name: &str) {
    emulator.boto("iam", HERE, "create_user", json!({ "UserName": name }));
}

fn key(emulator: &mut Emulator, user: &str) -> String {
    let made = emulator.boto("iam", HERE, "create_access_key", json!({ "UserName": user }));
    made["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned()
}

/// A connection for which so many days have passed since whatever the test makes.
fn later(emulator: &Emulator, days: u32) -> Aws {
    let clock = quarterdeck::engine::clock::system();
    let clock = Arc::new(move || clock().plus(DAY * days));
    Aws::new(Settings { clock, ..emulator.settings(&[HERE]) })
}

fn cell(projection: &Projection, user: &str, name: &str) -> String {
    let row = projection.rows.iter().find(|r| projection.cell(r, "user").unwrap().plain() == user);
    projection.cell(row.unwrap_or_else(|| panic!("no row of {user}")), name).unwrap().plain()
}

/// Rules that deny these operations, as IAM says it.
fn denied(operations: &[&str]) -> Value {
    let rule = |operation: &&str| {
        let message = not_allowed(&format!("iam:{operation}"));
        json!({ "service": "iam", "operation": operation, "code": "AccessDenied", "message": message, "status": 403, "times": -1 })
    };
    operations.iter().map(rule).collect()
}

const REPORT: [&str; 2] = ["GenerateCredentialReport", "GetCredentialReport"];

mod keys {
    use super::*;

    #[tokio::test]
    async fn by_age_and_status_out_of_the_report() {
        let mut emulator = fresh().await;
        for name in ["ci", "robot", "dana"] {
            user(&mut emulator, name);
        }
        let (old, off) = (key(&mut emulator, "ci"), key(&mut emulator, "robot"));
        let args = json!({ "UserName": "robot", "AccessKeyId": off, "Status": "Inactive" });
        emulator.boto("iam", HERE, "update_access_key", args);
        for (days, risk, why) in
            [(90, "MEDIUM", "never used"), (91, "HIGH", "91 days old"), (400, "HIGH", "400 days")]
        {
            emulator.forget();
            let (found, stats) = read(&later(&emulator, days), "check_iam_key_age", json!({})).await.unwrap();
            assert_eq!(column(&found, "user"), ["ci", "robot"], "{}", found.summary);
            assert_eq!(column(&found, "key_id"), [old.as_str(), off.as_str()]);
            assert_eq!(
                (cell(&found, "ci", "risk"), cell(&found, "robot", "risk")),
                (risk.into(), "LOW".into()),
                "{days}"
            );
            assert!(cell(&found, "ci", "why").contains(why), "{days}: {}", cell(&found, "ci", "why"));
            assert_eq!(cell(&found, "ci", "age_days"), days.to_string());
            assert_eq!(cell(&found, "ci", "last_used"), "never");
            assert_eq!(cell(&found, "robot", "status"), "Inactive");
            assert!(
                found.summary.contains("credential report") && found.errors.is_empty(),
                "{}",
                found.summary
            );
            assert!(stats.requests <= 6, "{} requests", stats.requests);
            assert_eq!(emulator.count("ListAccessKeys"), 2, "only of users with something to do");
            assert_eq!(emulator.changes(), [""; 0]);
        }
        assert!(emulator.calls().iter().all(|call| call["region"] == "us-east-1"), "{:?}", emulator.calls());
    }

    #[tokio::test]
    async fn none_at_all_says_what_was_searched() {
        let mut emulator = fresh().await;
        let aws = emulator.aws(&[HERE]);
        let none = ok(&aws, "check_iam_key_age", json!({})).await;
        assert!(
            none.rows.is_empty() && none.summary.starts_with("No access keys of 0 users"),
            "{}",
            none.summary
        );
        user(&mut emulator, "dana");
        let none = ok(&aws, "check_iam_key_age", json!({ "user": "dana" })).await;
        assert_eq!(none.summary, "No access keys of dana in the account.");
        let fault = read(&aws, "check_iam_key_age", json!({ "user": "Dana" })).await.unwrap_err();
        assert_eq!((fault.kind, fault.hint.as_deref()), (FaultKind::Missing, Some("did you mean: dana")));
    }

    #[tokio::test]
    async fn one_user_is_read_live() {
        let mut emulator = fresh().await;
        user(&mut emulator, "ci");
        let id = key(&mut emulator, "ci");
        let used = format!(
            "<GetAccessKeyLastUsedResponse><GetAccessKeyLastUsedResult><UserName>ci</UserName><AccessKeyLastUsed>\
             <LastUsedDate>2026-01-02T03:04:05Z</LastUsedDate><Region>{HERE}</Region><ServiceName>s3</ServiceName>\
             </AccessKeyLastUsed></GetAccessKeyLastUsedResult></GetAccessKeyLastUsedResponse>"
        );
        emulator.canned(json!({ "iam:GetAccessKeyLastUsed": used }));
        let aws = emulator.aws(&[HERE]);
        let found = ok(&aws, "check_iam_key_age", json!({ "user": "ci" })).await;
        assert_eq!((column(&found, "key_id"), column(&found, "risk")), (vec![id], vec!["OK".to_owned()]));
        assert_eq!(column(&found, "last_used"), ["2026-01-02T03:04:05Z"]);
        assert_eq!(emulator.count("GetCredentialReport"), 0);
    }

    /// The users of these pages, which moto would send in one.
    fn pages(names: &[Vec<String>]) -> Value {
        let page = |(n, names): (usize, &Vec<String>)| {
            let member = |name: &String| {
                format!(
                    "<member><Path>/</Path><UserName>{name}</UserName><UserId>AIDAEXAMPLE</UserId>\
                     <Arn>arn:aws:iam::{ACCOUNT}:user/{name}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></member>"
                )
            };
            let members: String = names.iter().map(member).collect();
            let more = if n + 1 < 3 {
                format!("<IsTruncated>true</IsTruncated><Marker>{}</Marker>", n + 1)
            } else {
                "<IsTruncated>false</IsTruncated>".into()
            };
            format!(
                "<ListUsersResponse><ListUsersResult><Users>{members}</Users>{more}</ListUsersResult></ListUsersResponse>"
            )
        };
        names.iter().enumerate().map(page).collect()
    }

    #[tokio::test]
    async fn without_the_report_every_user_of_every_page_a_few_at_a_time() {
        let mut emulator = fresh().await;
        let names: Vec<String> = (0..45).map(|n| format!("u{n:02}")).collect();
        for name in &names {
            user(&mut emulator, name);
            key(&mut emulator, name);
        }
        let three: Vec<Vec<String>> = names.chunks(15).map(<[String]>::to_vec).collect();
        emulator.canned(json!({ "iam:ListUsers": pages(&three) }));
        let mut rules = denied(&REPORT);
        rules
            .as_array_mut()
            .unwrap()
            .push(json!({ "operation": "ListAccessKeys", "delay": 0.05, "times": -1 }));
        emulator.rules(rules);
        let found = ok(&later(&emulator, 100), "check_iam_key_age", json!({})).await;
        assert_eq!((found.rows.len(), unique(&found, "key_id"), unique(&found, "user")), (45, 45, 45));
        assert!(column(&found, "risk").iter().all(|risk| risk == "HIGH"));
        assert_eq!((emulator.count("ListUsers"), emulator.count("ListAccessKeys")), (3, 45));
        let (most, _) = emulator.peak();
        assert!((2..=8).contains(&most), "{most} at a time");
        assert_eq!(found.errors.len(), 1, "{:?}", found.errors);
        assert_eq!(found.errors[0].fault.action.as_deref(), Some("iam:GetCredentialReport"));
        assert!(found.summary.contains("not everything answered"), "{}", found.summary);
        // Half of the users and then no more: what is missing is told.
        emulator.forget();
        let mut rules = denied(&REPORT);
        let later_denied = json!({ "operation": "ListAccessKeys", "code": "AccessDenied", "status": 403,
            "message": not_allowed("iam:ListAccessKeys"), "after": 20, "times": -1 });
        rules.as_array_mut().unwrap().push(later_denied);
        emulator.rules(rules);
        let half = ok(&later(&emulator, 100), "check_iam_key_age", json!({})).await;
        assert_eq!(half.rows.len(), 20);
        let missing: Vec<&str> = half.errors.iter().map(|e| e.place.as_str()).collect();
        assert!(
            missing[1].starts_with("keys of 4 users (") && missing[2].starts_with("keys of 21 more users"),
            "{missing:?}"
        );
    }

    #[tokio::test]
    async fn denied_throttled_and_unavailable() {
        let mut emulator = fresh().await;
        user(&mut emulator, "ci");
        key(&mut emulator, "ci");
        let aws = later(&emulator, 100);
        // Nothing may be read at all.
        emulator.rules(denied(&[
            "GenerateCredentialReport",
            "GetCredentialReport",
            "ListUsers",
            "GetAccountSummary",
        ]));
        let fault = read(&aws, "check_iam_key_age", json!({})).await.unwrap_err();
        assert_eq!(
            (fault.kind, fault.action.as_deref()),
            (FaultKind::Denied, Some("iam:GetCredentialReport"))
        );
        // Throttled once: asked again. Always: four attempts, and it says what to do.
        let throttled = |times: i64| json!([{ "operation": "GetCredentialReport", "code": "Throttling", "message": "Rate exceeded", "status": 400, "times": times }]);
        emulator.rules(throttled(1));
        emulator.forget();
        let (found, stats) = read(&aws, "check_iam_key_age", json!({})).await.unwrap();
        assert_eq!((found.rows.len(), stats.retries), (1, 1));
        emulator.rules(throttled(-1));
        emulator.forget();
        let fault = read(&aws, "check_iam_key_age", json!({})).await.unwrap_err();
        assert!(fault.kind == FaultKind::Throttled && fault.hint.is_some(), "{fault}");
        assert_eq!(emulator.count("GetCredentialReport"), 4);
        emulator.rules(json!([{ "operation": "GetCredentialReport", "code": "ServiceFailure", "status": 500, "times": -1 }]));
        let fault = read(&aws, "check_iam_key_age", json!({})).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unavailable);
        // Without their ids the keys are still told.
        emulator.rules(denied(&["ListAccessKeys"]));
        let found = ok(&aws, "check_iam_key_age", json!({})).await;
        assert_eq!((found.rows.len(), found.errors.len()), (1, 1));
        assert_eq!(found.cell(&found.rows[0], "key_id"), Some(&Cell::Absent));
    }

    #[tokio::test]
    async fn one_of_two_accounts_may_fail() {
        let mut emulator = fresh().await;
        user(&mut emulator, "ci");
        key(&mut emulator, "ci");
        let accounts: BTreeMap<String, String> = [("prod", "p"), ("staging", "s")]
            .map(|(name, profile)| (name.to_owned(), profile.to_owned()))
            .into();
        let aws = Aws::new(Settings { accounts, ..emulator.settings(&[HERE]) });
        let both = json!({ "accounts": ["prod", "staging"] });
        let found = ok(&aws, "check_iam_key_age", both).await;
        assert_eq!(column(&found, "account"), ["prod", "staging"]);
        assert!(found.columns.iter().all(|c| c.name != "region"));
        assert!(found.summary.contains("accounts prod, staging"), "{}", found.summary);
        // Denied once, whoever of the two comes first: the other's keys are still told.
        let once = json!([{ "operation": "ListAccessKeys", "code": "AccessDenied", "status": 403,
            "message": not_allowed("iam:ListAccessKeys") }]);
        emulator.rules(once);
        let part =
            ok(&aws, "check_iam_key_age", json!({ "user": "ci", "accounts": ["prod", "staging"] })).await;
        assert_eq!((part.rows.len(), part.errors.len()), (1, 1), "{:?}", part.errors);
        assert!(part.errors[0].place == "IAM" && part.errors[0].account.is_some(), "{:?}", part.errors);
        let fault = read(&aws, "check_iam_key_age", json!({ "accounts": ["prd"] })).await.unwrap_err();
        assert!(
            fault.kind == FaultKind::Invalid && fault.hint.as_deref().is_some_and(|h| h.contains("prod")),
            "{fault}"
        );
        let fault = read(&aws, "check_iam_key_age", json!({ "regions": ["eu-west-1"] })).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid, "a global tool has no regions");
    }
}

mod users {
    use super::*;

    fn policy(emulator: &mut Emulator, name: &str, document: &str) -> String {
        let made = emulator.boto(
            "iam",
            HERE,
            "create_policy",
            json!({ "PolicyName": name, "PolicyDocument": document }),
        );
        made["Policy"]["Arn"].as_str().unwrap().to_owned()
    }

    fn attach(emulator: &mut Emulator, user: &str, arn: &str) {
        emulator.boto("iam", HERE, "attach_user_policy", json!({ "UserName": user, "PolicyArn": arn }));
    }

    fn inline(emulator: &mut Emulator, user: &str, document: &str) {
        let args = json!({ "UserName": user, "PolicyName": "inline", "PolicyDocument": document });
        emulator.boto("iam", HERE, "put_user_policy", args);
    }

    fn password(emulator: &mut Emulator, user: &str) {
        let args = json!({ "UserName": user, "Password": "not-a-Password-1" });
        emulator.boto("iam", HERE, "create_login_profile", args);
    }

    /// An administrator by a group, one by a policy and one inline; a reader; one with a boundary, one with a Deny.
    fn shop(emulator: &mut Emulator) {
        for name in ["by-group", "by-policy", "inline", "reader", "denied", "passes"] {
            user(emulator, name);
        }
        let (all, reads) = (policy(emulator, "everything", ALL), policy(emulator, "read-orders", READS));
        emulator.boto("iam", HERE, "create_group", json!({ "GroupName": "admins" }));
        emulator.boto("iam", HERE, "attach_group_policy", json!({ "GroupName": "admins", "PolicyArn": all }));
        emulator.boto(
            "iam",
            HERE,
            "add_user_to_group",
            json!({ "GroupName": "admins", "UserName": "by-group" }),
        );
        attach(emulator, "by-policy", &all);
        inline(
            emulator,
            "inline",
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*","Resource":"*"}}"#,
        );
        attach(emulator, "reader", &reads);
        attach(emulator, "denied", &all);
        inline(
            emulator,
            "denied",
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}}"#,
        );
        inline(
            emulator,
            "passes",
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}}"#,
        );
        password(emulator, "by-group");
        password(emulator, "reader");
    }

    #[tokio::test]
    async fn administrators_however_they_became_it() {
        let mut emulator = fresh().await;
        shop(&mut emulator);
        let aws = emulator.aws(&[HERE]);
        let found = ok(&aws, "audit_iam_users", json!({})).await;
        for (user, admin) in [
            ("by-group", "yes"),
            ("by-policy", "yes"),
            ("inline", "yes"),
            ("reader", "no"),
            ("denied", "unknown"),
            ("passes", "unknown"),
        ] {
            assert_eq!(cell(&found, user, "admin"), admin, "{user}: {}", cell(&found, user, "why"));
        }
        assert!(
            cell(&found, "by-group", "why").contains("everything of group admins"),
            "{}",
            cell(&found, "by-group", "why")
        );
        assert_eq!(
            (cell(&found, "by-group", "risk"), cell(&found, "by-group", "mfa")),
            ("CRITICAL".into(), "no".into())
        );
        assert_eq!(
            (cell(&found, "reader", "risk"), cell(&found, "reader", "console")),
            ("HIGH".into(), "yes".into())
        );
        assert_eq!(cell(&found, "passes", "console"), "no");
        // moto's root account has no MFA and no row in the report: the summary says so.
        assert_eq!(
            (column(&found, "user")[0].as_str(), column(&found, "risk")[0].as_str()),
            ("<root_account>", "CRITICAL")
        );
        assert!(found.summary.contains("root is CRITICAL: the root account has no MFA"), "{}", found.summary);
        assert!(
            !serde_json::to_string(&found).unwrap().contains("OnlyOrders"),
            "no more of policies than what decided"
        );
        assert!(found.errors.is_empty(), "{:?}", found.errors);
        assert_eq!(emulator.changes(), [""; 0]);
        let one = ok(&aws, "audit_iam_users", json!({ "user": "reader" })).await;
        assert_eq!(column(&one, "user"), ["reader"]);
        let fault = read(&aws, "audit_iam_users", json!({ "user": "raeder" })).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Missing);
        assert!(fault.hint.as_deref().is_some_and(|h| h.contains("reader")), "{fault}");
    }

    #[tokio::test]
    async fn an_account_without_users_is_its_root_account() {
        let emulator = fresh().await;
        let none = ok(&emulator.aws(&[HERE]), "audit_iam_users", json!({})).await;
        assert_eq!(column(&none, "user"), ["<root_account>"]);
        assert!(none.summary.starts_with("0 users and the root account of the account"), "{}", none.summary);
    }

    #[tokio::test]
    async fn each_part_may_be_denied_and_nobody_becomes_harmless() {
        let mut emulator = fresh().await;
        shop(&mut emulator);
        let aws = emulator.aws(&[HERE]);
        emulator.rules(denied(&["GetAccountAuthorizationDetails"]));
        let found = ok(&aws, "audit_iam_users", json!({})).await;
        assert!(
            column(&found, "admin").iter().skip(1).all(|admin| admin == "unknown"),
            "{:?}",
            column(&found, "admin")
        );
        assert_eq!(found.errors[0].fault.action.as_deref(), Some("iam:GetAccountAuthorizationDetails"));
        emulator.rules(denied(&REPORT));
        let found = ok(&aws, "audit_iam_users", json!({})).await;
        assert_eq!(cell(&found, "reader", "admin"), "no");
        assert_eq!((cell(&found, "reader", "mfa"), found.rows.len()), (String::new(), 7));
        emulator.rules(denied(&["GetAccountSummary"]));
        let found = ok(&aws, "audit_iam_users", json!({})).await;
        assert!(
            found.errors.iter().any(|e| e.fault.action.as_deref() == Some("iam:GetAccountSummary")),
            "{:?}",
            found.errors
        );
        assert_eq!(cell(&found, "<root_account>", "mfa"), "", "not known");
        emulator.rules(denied(&[
            "GetAccountAuthorizationDetails",
            "GenerateCredentialReport",
            "GetCredentialReport",
        ]));
        let fault = read(&aws, "audit_iam_users", json!({})).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Denied);
    }

    #[tokio::test]
    async fn throttled_once_recovers_and_always_is_told() {
        let mut emulator = fresh().await;
        shop(&mut emulator);
        let aws = emulator.aws(&[HERE]);
        let throttled = |times: i64| json!([{ "operation": "GetAccountAuthorizationDetails", "code": "Throttling", "message": "Rate exceeded", "status": 400, "times": times }]);
        emulator.rules(throttled(1));
        let (found, stats) = read(&aws, "audit_iam_users", json!({})).await.unwrap();
        assert_eq!((cell(&found, "by-policy", "admin"), stats.retries), ("yes".into(), 1));
        emulator.rules(throttled(-1));
        emulator.forget();
        let found = ok(&aws, "audit_iam_users", json!({})).await;
        assert_eq!(found.errors[0].fault.kind, FaultKind::Throttled);
        assert_eq!(cell(&found, "by-policy", "admin"), "unknown");
        assert_eq!(emulator.count("GetAccountAuthorizationDetails"), 4);
    }

    #[tokio::test]
    async fn every_page_of_details() {
        let mut emulator = fresh().await;
        for name in ["first", "second"] {
            user(&mut emulator, name);
        }
        let page = |n: usize| {
            let name = ["first", "second"][n];
            let user = format!(
                "<member><Path>/</Path><UserName>{name}</UserName><UserId>AIDAEXAMPLE</UserId><Arn>arn:aws:iam::{ACCOUNT}:user/{name}</Arn>\
                 <CreateDate>2026-01-01T00:00:00Z</CreateDate><GroupList/><AttachedManagedPolicies><member>\
                 <PolicyName>AdministratorAccess</PolicyName><PolicyArn>arn:aws:iam::aws:policy/AdministratorAccess</PolicyArn>\
                 </member></AttachedManagedPolicies></member>"
            );
            let more = if n == 0 {
                "<IsTruncated>true</IsTruncated><Marker>1</Marker>"
            } else {
                "<IsTruncated>false</IsTruncated>"
            };
            format!(
                "<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult><UserDetailList>{user}</UserDetailList>\
                 {more}</GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>"
            )
        };
        emulator.canned(json!({ "iam:GetAccountAuthorizationDetails": [page(0), page(1)] }));
        let found = ok(&emulator.aws(&[HERE]), "audit_iam_users", json!({})).await;
        assert_eq!(
            (cell(&found, "first", "admin"), cell(&found, "second", "admin")),
            ("yes".into(), "yes".into())
        );
        assert_eq!(emulator.count("GetAccountAuthorizationDetails"), 2);
    }
}
