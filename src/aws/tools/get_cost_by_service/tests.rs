#![allow(clippy::needless_pass_by_value)]

use super::*;
use crate::registry;
use crate::testing::{Canned, NOW};
use quarterdeck_core::tool::{Cell, FaultKind};
use serde_json::{Value, json};
use std::sync::Arc;

async fn run(canned: &Canned, args: Value) -> Result<Projection, Fault> {
    registry::read(&canned.aws(&["eu-west-1"]), "get_cost_by_service", &args, Arc::new(|_| ()))
        .await
        .map(|(p, _)| p)
}

/// One day as Cost Explorer answers it.
fn day(start: &str, groups: &[(&str, &str, &str)]) -> Value {
    let groups: Vec<Value> = groups
        .iter()
        .map(|(key, amount, unit)| {
            json!({ "Keys": [key], "Metrics": { "UnblendedCost": { "Amount": amount, "Unit": unit } } })
        })
        .collect();
    json!({ "TimePeriod": { "Start": start, "End": start }, "Total": {}, "Groups": groups, "Estimated": true })
}

/// Answers the period before with `before`, else with `now`.
fn account(now: Value, before: Value) -> Canned {
    Canned::new().with("ce", "GetCostAndUsage", move |sent| {
        let asked: Value = serde_json::from_str(&sent.body).unwrap();
        let end = asked["TimePeriod"]["End"].as_str().unwrap();
        let answer = if end <= "2026-11-13" { &before } else { &now };
        (200, answer.to_string().into_bytes())
    })
}

fn results(days: &[Value]) -> Value {
    json!({ "ResultsByTime": days, "DimensionValueAttributes": [] })
}

fn week() -> Canned {
    let now = results(&[
        day(
            "2026-11-13",
            &[("Amazon RDS", "100.1", "USD"), ("Amazon S3", "0.0004", "USD"), ("Tax", "0", "USD")],
        ),
        day("2026-11-14", &[("Amazon RDS", "100.2", "USD"), ("AWS Lambda", "20", "USD")]),
    ]);
    let before =
        results(&[day("2026-11-06", &[("Amazon RDS", "150.225", "USD"), ("Amazon EKS", "30", "USD")])]);
    account(now, before)
}

fn rows(p: &Projection) -> Vec<String> {
    let row = |cells: &[Cell]| cells.iter().map(Cell::plain).collect::<Vec<_>>().join(" | ");
    p.rows.iter().map(|r| row(&r.cells)).collect()
}

#[tokio::test]
async fn amounts_against_the_period_before() {
    let canned = week();
    let p = run(&canned, json!({ "since": "7d" })).await.unwrap();
    assert_eq!(
        rows(&p),
        [
            "Amazon RDS | 200.3 | 150.23 | 50.07 | +33.3 % | USD",
            "AWS Lambda | 20 | 0 | 20 | new | USD",
            "Amazon S3 | 0.0004 | 0 | 0.0004 | new | USD",
            "Amazon EKS | 0 | 30 | -30 | gone | USD",
        ]
    );
    assert_eq!(
        p.summary,
        "220.30 USD (+22.2 %; 180.23 before); most: Amazon RDS 200.30, AWS Lambda 20.00, Amazon S3 0.00040; rose most: \
         Amazon RDS by 50.07 USD; from 2026-11-13 through 2026-11-19 (7 days), against as many days before"
    );
    assert_eq!(p.counts.of, [("new".to_owned(), 2), ("gone".to_owned(), 1), ("more".to_owned(), 1)]);
    assert!(p.errors.is_empty() && p.truncated.is_none());
    let notes = p.notes.join("\n");
    for word in [
        "UnblendedCost by SERVICE",
        "from 2026-11-06 through 2026-11-12 (7 days)",
        "include_credits=true",
        "today (2026-11-20) is not over",
        "not invoiced yet",
        "USD by day: 2026-11-13 100.10, 2026-11-14 120.20",
    ] {
        assert!(notes.contains(word), "{word}: {notes}");
    }
    let names: Vec<&str> = p.series.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["all, USD", "Amazon RDS, USD"], "one point is no series");
    assert_eq!(p.series[0].points.iter().map(|(_, v)| *v).collect::<Vec<_>>(), [100.1, 120.2]);
    assert_eq!(p.as_of, NOW);
}

#[tokio::test]
async fn what_is_asked_of_cost_explorer() {
    for (args, days, before, step, group) in [
        (
            json!({}),
            ("2026-10-21", "2026-11-20"),
            ("2026-09-21", "2026-10-21"),
            "DAILY",
            json!({ "Type": "DIMENSION", "Key": "SERVICE" }),
        ),
        (
            json!({ "since": "2026-10-01", "until": "2026-11-01", "granularity": "monthly", "group_by": "linked_account", "metric": "NetAmortizedCost" }),
            ("2026-10-01", "2026-11-01"),
            ("2026-09-01", "2026-10-01"),
            "MONTHLY",
            json!({ "Type": "DIMENSION", "Key": "LINKED_ACCOUNT" }),
        ),
        (
            json!({ "since": "2026-10-01", "until": "2026-11-01", "group_by": "tag:Team", "include_credits": true }),
            ("2026-10-01", "2026-11-01"),
            ("2026-08-31", "2026-10-01"),
            "DAILY",
            json!({ "Type": "TAG", "Key": "Team" }),
        ),
    ] {
        let canned =
            Canned::new().on("ce", "GetCostAndUsage", &results(&[day("2026-10-01", &[])]).to_string());
        let p = run(&canned, args.clone()).await.unwrap();
        let sent = canned.sent();
        assert_eq!(canned.operations(), ["GetCostAndUsage", "GetCostAndUsage"], "{args}");
        assert!(sent.iter().all(|s| s.region == "us-east-1" && s.service == "ce"), "{sent:?}");
        let body = |n: usize| serde_json::from_str::<Value>(&sent[n].body).unwrap();
        let period = |(start, end): (&str, &str)| json!({ "Start": start, "End": end });
        assert_eq!(
            (&body(0)["TimePeriod"], &body(1)["TimePeriod"]),
            (&period(days), &period(before)),
            "{args}"
        );
        assert_eq!((&body(0)["Granularity"], &body(1)["Granularity"]), (&json!(step), &json!("MONTHLY")));
        assert_eq!(body(0)["GroupBy"], json!([group]));
        assert_eq!(body(0)["Metrics"][0], args.get("metric").cloned().unwrap_or(json!("UnblendedCost")));
        let filter =
            json!({ "Not": { "Dimensions": { "Key": "RECORD_TYPE", "Values": ["Credit", "Refund"] } } });
        let wanted = if args.get("include_credits").is_some() { Value::Null } else { filter };
        assert_eq!((&body(0)["Filter"], &body(1)["Filter"]), (&wanted, &wanted), "{args}");
        assert!(p.rows.is_empty() && p.summary.starts_with("no costs at all; from"), "{}", p.summary);
    }
}

#[tokio::test]
async fn credits_currencies_and_an_unfinished_day() {
    let now = results(&[day(
        "2026-11-20",
        &[("Amazon RDS", "10", "USD"), ("Refund", "-25.5", "USD"), ("Amazon RDS", "70", "CNY")],
    )]);
    let before = results(&[day("2026-11-19", &[("Amazon RDS", "-5", "USD"), ("Refund", "-17", "USD")])]);
    let canned = Canned::new().with("ce", "GetCostAndUsage", move |sent| {
        let answer = if sent.body.contains("\"Start\":\"2026-11-20\"") { &now } else { &before };
        (200, answer.to_string().into_bytes())
    });
    let p = run(&canned, json!({ "since": "1h", "include_credits": true })).await.unwrap();
    assert_eq!(
        rows(&p),
        [
            "Amazon RDS | 70 | 0 | 70 | new | CNY",
            "Amazon RDS | 10 | -5 | 15 | was a credit, is a cost | USD",
            "Refund | -25.5 | -17 | -8.5 | 50.0 % more credit | USD",
        ]
    );
    assert!(
        p.summary
            .starts_with("70.00 CNY (new; 0.00 before) and -15.50 USD (29.5 % less credit; -22.00 before)"),
        "currencies stay apart: {}",
        p.summary
    );
    assert!(
        p.summary.contains("on 2026-11-20 (1 day)") && p.summary.contains("2026-11-20 is not over"),
        "{}",
        p.summary
    );
    assert!(p.notes[0].contains("negative amounts"), "{:?}", p.notes);
}

#[tokio::test]
async fn tags_and_accounts_by_their_names() {
    let tags = results(&[day("2026-11-13", &[("Team$shop", "5", "USD"), ("Team$", "7", "USD")])]);
    let p =
        run(&account(tags, results(&[])), json!({ "since": "7d", "group_by": "tag:Team" })).await.unwrap();
    assert_eq!(
        rows(&p),
        ["(without Team) | 7 |  |  | not known | USD", "shop | 5 |  |  | not known | USD"],
        "an empty answer is not zero"
    );
    let none = results(&[day("2026-11-13", &[("Team$", "7", "USD")])]);
    let p =
        run(&account(none, results(&[])), json!({ "since": "7d", "group_by": "tag:Team" })).await.unwrap();
    assert!(p.notes.iter().any(|n| n.contains("cost allocation tag")), "{:?}", p.notes);
    let mut accounts = results(&[day("2026-11-13", &[("111122223333", "7", "USD")])]);
    accounts["DimensionValueAttributes"] =
        json!([{ "Value": "111122223333", "Attributes": { "description": "staging" } }]);
    let canned = account(accounts, results(&[]));
    let p = run(&canned, json!({ "since": "7d", "group_by": "LINKED_ACCOUNT" })).await.unwrap();
    assert_eq!(p.rows[0].cells[0].plain(), "111122223333 (staging)");
    assert!(p.notes.iter().any(|n| n.contains("payer account sees every member")), "{:?}", p.notes);
    assert_eq!(canned.operations().len(), 2, "one account is asked, not its members");
}

#[tokio::test]
async fn every_page_and_what_is_missing() {
    let paged = |fail: bool| {
        Canned::new().with("ce", "GetCostAndUsage", move |sent| {
            let asked: Value = serde_json::from_str(&sent.body).unwrap();
            let mut page = results(&[day("2026-11-13", &[("Amazon RDS", "1.5", "USD")])]);
            match asked["NextPageToken"].as_str() {
                None => page["NextPageToken"] = json!("two"),
                Some("two") if fail => {
                    return (400, br#"{"__type":"AccessDeniedException","message":"no"}"#.to_vec());
                }
                Some(_) => {}
            }
            (200, page.to_string().into_bytes())
        })
    };
    let canned = paged(false);
    let p = run(&canned, json!({ "since": "7d" })).await.unwrap();
    assert_eq!(
        (rows(&p), canned.operations().len()),
        (vec!["Amazon RDS | 3 | 3 | 0 | unchanged | USD".to_owned()], 4)
    );
    let p = run(&paged(true), json!({ "since": "7d" })).await.unwrap();
    assert_eq!(
        (p.errors.len(), p.rows[0].cells[2].clone()),
        (2, Cell::Absent),
        "half is nothing to compare with"
    );
    assert_eq!(p.errors[0].fault.action.as_deref(), Some("ce:GetCostAndUsage"));
    assert!(p.truncated.is_some() && p.summary.contains("amounts are too low"), "{}", p.summary);
    let endless = Canned::new().with("ce", "GetCostAndUsage", |_| {
        let mut page = results(&[day("2026-11-13", &[("Amazon RDS", "1", "USD")])]);
        page["NextPageToken"] = json!("again");
        (200, page.to_string().into_bytes())
    });
    let p = run(&endless, json!({ "since": "7d" })).await.unwrap();
    assert_eq!(endless.operations().len(), 50, "pages are billed");
    assert!(
        p.truncated.is_some() && p.errors[0].fault.hint.as_deref().unwrap().contains("monthly"),
        "{:?}",
        p.errors
    );
}

#[tokio::test]
async fn what_cost_explorer_refuses() {
    for (code, message, kind, says) in [
        (
            "DataUnavailableException",
            "Data is not available. Please try to adjust the time period.",
            FaultKind::Missing,
            "24 h",
        ),
        ("LimitExceededException", "You made too many calls", FaultKind::Throttled, "a minute"),
        ("BillExpirationException", "expired", FaultKind::Missing, "14 months"),
        ("ValidationException", "Start date is invalid", FaultKind::Invalid, "14 months"),
        ("AccessDeniedException", "User not enabled for cost explorer access", FaultKind::Denied, "payer"),
    ] {
        let body = json!({ "__type": code, "message": message }).to_string();
        let failing = Canned::new().failing("ce", "GetCostAndUsage", 400, &body);
        let fault = run(&failing, json!({})).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{code}: {fault}");
        assert!(fault.hint.as_deref().is_some_and(|h| h.contains(says)), "{code}: {fault}");
        // The same for the period before only.
        let now = results(&[day("2026-11-13", &[("Amazon RDS", "1", "USD")])]);
        let half = Canned::new().with("ce", "GetCostAndUsage", move |sent| {
            if sent.body.contains("\"End\":\"2026-11-13\"") {
                (400, body.clone().into_bytes())
            } else {
                (200, now.to_string().into_bytes())
            }
        });
        let p = run(&half, json!({ "since": "7d" })).await.unwrap();
        assert_eq!(
            (rows(&p), p.errors[0].fault.kind),
            (vec!["Amazon RDS | 1 |  |  | not known | USD".to_owned()], kind)
        );
        assert!(
            p.summary.contains("before: not known") && p.summary.contains("not everything answered"),
            "{}",
            p.summary
        );
    }
}

#[tokio::test]
async fn nothing_is_sent_for_what_cannot_be_right() {
    let canned = week();
    for args in [
        json!({ "group_by": "COLOUR" }),
        json!({ "group_by": "tag:" }),
        json!({ "group_by": "*" }),
        json!({ "group_by": "arn:aws:iam::123456789012:user/jo" }),
        json!({ "since": "soon" }),
        json!({ "since": "2026-12-24" }),
        json!({ "since": "3d", "until": "7d" }),
        json!({ "granularity": "hourly" }),
        json!({ "metric": "UsageQuantity" }),
        json!({ "regions": ["eu-west-1"] }),
        json!({ "accounts": ["nobody"] }),
    ] {
        let fault = run(&canned, args.clone()).await.unwrap_err();
        assert!(fault.kind == FaultKind::Invalid && fault.hint.is_some(), "{args}: {fault}");
    }
    assert_eq!(canned.operations(), Vec::<String>::new());
}

#[tokio::test]
async fn accounts_are_told_apart_and_never_added_up() {
    let place =
        |account: &str| crate::place::Place { account: Some(account.into()), region: "us-east-1".into() };
    let spent = |amount: &str| Spent {
        days: Days::of(Some("7d"), None, DAYS, NOW).unwrap(),
        before_days: Days::of(Some("7d"), None, DAYS, NOW).unwrap().before(),
        today: day_of(NOW),
        now: Costs {
            points: vec![usage::Point {
                day: day_of(NOW),
                group: "Amazon RDS".into(),
                currency: "USD".into(),
                amount: super::super::costs::amount::Amount::parse(amount).unwrap(),
            }],
            answered: true,
            ..Costs::default()
        },
        before: None,
        errors: vec![],
    };
    let denied = Fault::new(FaultKind::Denied, "no").action("ce:GetCostAndUsage");
    let out = Gathered {
        answers: vec![(place("payer"), spent("12")), (place("staging"), spent("3"))],
        errors: vec![quarterdeck_core::tool::Partial {
            account: Some("lab".into()),
            place: "Cost Explorer".into(),
            fault: denied,
        }],
        many_accounts: true,
        many_regions: false,
    };
    let p = GetCostByService::project(&Args::default(), &out, NOW);
    assert!(
        p.summary.starts_with("payer: 12.00 USD (before: not known); staging: 3.00 USD"),
        "{}",
        p.summary
    );
    assert!(p.summary.contains("not everything answered") && !p.summary.contains("15.00"), "{}", p.summary);
    assert_eq!(rows(&p)[0], "payer | Amazon RDS | 12 |  |  | not known | USD");
    assert!(p.notes.iter().any(|n| n.contains("not added up")), "{:?}", p.notes);
}
