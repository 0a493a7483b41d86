//! Alarms, logs and changes against an emulator that is independent of us.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

mod common;

use common::calls::{column, not_allowed, ok, read, refusal, unique};
use common::console::{Begin, Console, StillClock};
use common::emulator::{ACCOUNT, HERE, fresh};
use quarterdeck_aws::Settings;
use quarterdeck_aws::clients::Aws;
use quarterdeck_core::command::Command;
use quarterdeck_core::journal::Fact;
use quarterdeck_core::scope::Mode;
use quarterdeck_core::tool::FaultKind;
use quarterdeck_model::offline::Offline;
use serde_json::{Value, json};
use std::sync::Arc;

mod alarms {
    use super::*;

    const TOOL: &str = "get_active_alarms";

    #[tokio::test]
    async fn alarms_as_they_are() {
        let mut emulator = fresh().await;
        emulator.alarm(HERE, "checkout-5xx", "ALARM");
        emulator.alarm(HERE, "cart-5xx", "OK");
        emulator.alarm(HERE, "search-5xx", "INSUFFICIENT_DATA");
        emulator.alarm("us-east-1", "elsewhere", "ALARM");
        let aws = emulator.aws(&[HERE]);
        let firing = ok(&aws, TOOL, json!({})).await;
        assert_eq!(column(&firing, "name"), ["checkout-5xx"], "nothing that is quiet or elsewhere");
        assert!(firing.errors.is_empty(), "{:?}", firing.errors);
        let row =
            firing.rows.iter().find(|r| firing.cell(r, "name").unwrap().plain() == "checkout-5xx").unwrap();
        let cell = |name| firing.cell(row, name).unwrap().plain();
        assert!(cell("metric").contains("HTTPCode_Target_5XX_Count"), "{}", cell("metric"));
        assert!(cell("dimensions").contains("app/web/1") && cell("threshold").contains("10"), "{row:?}");
        assert_eq!(cell("reason"), "checkout-5xx is ALARM");
        assert!(cell("since").starts_with("20"), "the time of the transition: {}", cell("since"));
        assert!(
            firing.counts.of.iter().any(|(state, n)| state == "INSUFFICIENT_DATA" && *n == 1),
            "{:?}",
            firing.counts
        );
        let all = ok(&aws, TOOL, json!({ "state": "all" })).await;
        assert_eq!((all.rows.len(), unique(&all, "name")), (3, 3));
        let quiet = ok(&aws, TOOL, json!({ "state": "OK" })).await;
        assert_eq!(column(&quiet, "name"), ["cart-5xx"]);
    }

    /// moto has no composite alarms.
    #[tokio::test]
    async fn composite_alarms_are_alarms() {
        let mut emulator = fresh().await;
        let at = quarterdeck::engine::clock::system()().millis() / 1000 - 600;
        let composite = json!({ "AlarmName": "site-down", "AlarmRule": "ALARM(\"checkout-5xx\") OR ALARM(\"cart-5xx\")",
            "StateValue": "ALARM", "StateReason": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-5xx transitioned to ALARM",
            "ActionsEnabled": false, "StateUpdatedTimestamp": at, "StateTransitionedTimestamp": at - 60 });
        let answer = json!({ "MetricAlarms": [], "CompositeAlarms": [composite] });
        emulator
            .canned(json!({ "monitoring:DescribeAlarms": answer, "monitoring:DescribeAlarmHistory": {} }));
        let all = ok(&emulator.aws(&[HERE]), TOOL, json!({ "state": "all" })).await;
        assert_eq!(column(&all, "name"), ["site-down"]);
        assert!(column(&all, "reason")[0].contains("checkout-5xx"), "{:?}", all.rows);
        let since = quarterdeck_core::Timestamp::from_millis((at - 60) * 1000);
        let shown = all.cell(&all.rows[0], "since").unwrap();
        assert_eq!(shown, &quarterdeck_core::tool::Cell::Time(since), "the transition, not the last update");
    }

    #[tokio::test]
    async fn none_says_so() {
        let mut emulator = fresh().await;
        let aws = emulator.aws(&[HERE]);
        let none = ok(&aws, TOOL, json!({})).await;
        assert!(none.rows.is_empty() && none.summary.contains(HERE), "{}", none.summary);
        emulator.alarm(HERE, "cart-5xx", "OK");
        let quiet = ok(&aws, TOOL, json!({})).await;
        assert!(
            quiet.rows.is_empty() && quiet.summary != none.summary,
            "no alarms at all is another thing than none firing: {}",
            quiet.summary
        );
    }

    #[tokio::test]
    async fn every_page_is_read() {
        let mut emulator = fresh().await;
        for n in 0..110 {
            emulator.alarm(HERE, &format!("alarm-{n:03}"), "ALARM");
        }
        emulator.pages(json!({ "monitoring:DescribeAlarms": ["MetricAlarms", 40] }));
        emulator.canned(json!({ "monitoring:DescribeAlarmHistory": { "AlarmHistoryItems": [] } }));
        let aws = emulator.aws(&[HERE]);
        let all = ok(&aws, TOOL, json!({})).await;
        assert_eq!((all.rows.len(), unique(&all, "name"), all.total), (110, 110, 110));
        emulator.rules(json!([{ "operation": "DescribeAlarms", "code": "ThrottlingException", "message": "Rate exceeded", "after": 2 }]));
        let (all, stats) = read(&aws, TOOL, json!({})).await.unwrap();
        assert_eq!((unique(&all, "name"), stats.retries), (110, 1), "throttled in the middle");
    }

    #[tokio::test]
    async fn denied_names_the_action() {
        let mut emulator = fresh().await;
        emulator.alarm(HERE, "checkout-5xx", "ALARM");
        let aws = emulator.aws(&[HERE, "us-east-1"]);
        emulator.rules(refusal(
            "DescribeAlarms",
            "AccessDeniedException",
            &not_allowed("cloudwatch:DescribeAlarms"),
            -1,
        ));
        let fault = read(&aws, TOOL, json!({})).await.unwrap_err();
        assert_eq!(
            (fault.kind, fault.action.as_deref()),
            (FaultKind::Denied, Some("cloudwatch:DescribeAlarms"))
        );
        let mut one =
            refusal("DescribeAlarms", "AccessDeniedException", &not_allowed("cloudwatch:DescribeAlarms"), -1);
        one[0]["region"] = "us-east-1".into();
        emulator.rules(one);
        let part = ok(&aws, TOOL, json!({})).await;
        assert_eq!((part.rows.len(), part.errors.len()), (1, 1), "{part:?}");
        assert_eq!(part.errors[0].place, "us-east-1");
    }

    #[tokio::test]
    async fn flapping_comes_from_the_history() {
        let mut emulator = fresh().await;
        emulator.alarm(HERE, "checkout-5xx", "ALARM");
        let now = quarterdeck::engine::clock::system()().millis();
        let item = |age: i64, summary: &str| {
            json!({ "AlarmName": "checkout-5xx", "AlarmType": "MetricAlarm", "HistoryItemType": "StateUpdate",
                "Timestamp": (now - age * 60_000) / 1000, "HistorySummary": summary })
        };
        let items: Vec<Value> = (1..6)
            .map(|n| {
                item(
                    n,
                    if n % 2 == 1 {
                        "Alarm updated from OK to ALARM"
                    } else {
                        "Alarm updated from ALARM to OK"
                    },
                )
            })
            .collect();
        emulator.canned(json!({ "monitoring:DescribeAlarmHistory": { "AlarmHistoryItems": items } }));
        let firing = ok(&emulator.aws(&[HERE]), TOOL, json!({})).await;
        assert!(column(&firing, "reason")[0].contains("3 times"), "{:?}", firing.rows);
        // Without the history the alarms are still worth having.
        emulator.rules(refusal(
            "DescribeAlarmHistory",
            "AccessDeniedException",
            &not_allowed("cloudwatch:DescribeAlarmHistory"),
            -1,
        ));
        let firing = ok(&emulator.aws(&[HERE]), TOOL, json!({})).await;
        assert_eq!(firing.rows.len(), 1);
        let text = serde_json::to_string(&firing).unwrap();
        assert!(text.contains("cloudwatch:DescribeAlarmHistory"), "it says what is missing: {text}");
    }
}

mod logs {
    use super::*;

    const TOOL: &str = "get_cloudwatch_logs";
    const GROUP: &str = "/ecs/checkout-api";

    fn numbered(n: u64, step: u64) -> Vec<(u64, String)> {
        // No two alike, so that nothing is folded.
        let words =
            ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet"];
        let word = |i: u64| words[usize::try_from(i % 10).unwrap()];
        (1..=n).map(|i| (i * step, format!("ERROR {} {} {}", word(i / 100), word(i / 10), word(i)))).collect()
    }

    #[tokio::test]
    async fn the_newest_lines_come_first() {
        let mut emulator = fresh().await;
        emulator.lines(HERE, GROUP, "app/1", &numbered(60, 30));
        emulator.lines(HERE, GROUP, "app/2", &[(45, "INFO ready".into()), (9_000, "ERROR too old".into())]);
        let aws = emulator.aws(&[HERE]);
        let lines = ok(&aws, TOOL, json!({ "log_group": GROUP })).await;
        assert_eq!(lines.rows.len(), 61, "the last hour, both streams: {}", lines.summary);
        let times = column(&lines, "time");
        assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
        assert!(!column(&lines, "message").iter().any(|m| m.contains("too old")));
        assert_eq!(unique(&lines, "stream"), 2);
        let few = ok(&aws, TOOL, json!({ "log_group": GROUP, "limit": 5 })).await;
        assert_eq!(column(&few, "message"), column(&lines, "message")[..5], "the newest five");
        assert!(few.truncated.is_some() && few.next.is_some(), "{few:?}");
        let older =
            ok(&aws, TOOL, json!({ "log_group": GROUP, "limit": 5, "until": few.next.unwrap() })).await;
        assert_eq!(
            column(&older, "message").last(),
            column(&lines, "message").get(8),
            "it goes on where it stopped, one line twice"
        );
        let errors = ok(&aws, TOOL, json!({ "log_group": GROUP, "pattern": "ready" })).await;
        assert_eq!(column(&errors, "message"), ["INFO ready"]);
    }

    #[tokio::test]
    async fn every_page_is_read_once() {
        let mut emulator = fresh().await;
        emulator.lines(HERE, GROUP, "app/1", &numbered(130, 20));
        emulator.pages(json!({ "logs:FilterLogEvents": 7 }));
        let aws = emulator.aws(&[HERE]);
        let lines = ok(&aws, TOOL, json!({ "log_group": GROUP })).await;
        assert_eq!((lines.rows.len(), unique(&lines, "message")), (130, 130));
        emulator.rules(json!([{ "operation": "FilterLogEvents", "code": "ThrottlingException", "message": "Rate exceeded", "after": 4 }]));
        let (lines, stats) = read(&aws, TOOL, json!({ "log_group": GROUP })).await.unwrap();
        assert_eq!((unique(&lines, "message"), stats.retries), (130, 1), "throttled in the middle");
        emulator.rules(json!([{ "operation": "FilterLogEvents", "code": "AccessDeniedException", "message": not_allowed("logs:FilterLogEvents"), "after": 8, "times": -1 }]));
        let half = ok(&aws, TOOL, json!({ "log_group": GROUP })).await;
        assert!(!half.rows.is_empty() && half.rows.len() < 130 && half.errors.len() == 1, "{}", half.summary);
    }

    #[tokio::test]
    async fn near_identical_lines_are_folded() {
        let mut emulator = fresh().await;
        let lines: Vec<(u64, String)> = (1..=40)
            .map(|n| (n * 10, format!("ERROR timeout after {} ms for order {n}", 1000 + n)))
            .collect();
        emulator.lines(HERE, GROUP, "app/1", &lines);
        let folded = ok(&emulator.aws(&[HERE]), TOOL, json!({ "log_group": GROUP })).await;
        assert_eq!(folded.rows.len(), 1, "{:?}", column(&folded, "message"));
        assert_eq!(column(&folded, "times_seen"), ["40"]);
    }

    #[tokio::test]
    async fn empty_and_unknown_are_told_apart() {
        let mut emulator = fresh().await;
        emulator.lines(HERE, GROUP, "app/1", &[(9_000, "ERROR too old".into())]);
        let aws = emulator.aws(&[HERE]);
        let none = ok(&aws, TOOL, json!({ "log_group": GROUP })).await;
        assert!(none.rows.is_empty(), "{none:?}");
        for group in ["/ecs/chekout-api", "checkout-api", "/ecs/checkout"] {
            let fault = read(&aws, TOOL, json!({ "log_group": group })).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Missing, "{group}: {fault}");
            assert!(fault.hint.as_deref().is_some_and(|h| h.contains(GROUP)), "{group}: {fault:?}");
        }
        emulator.rules(refusal(
            "FilterLogEvents",
            "AccessDeniedException",
            &not_allowed("logs:FilterLogEvents"),
            -1,
        ));
        let fault = read(&aws, TOOL, json!({ "log_group": GROUP })).await.unwrap_err();
        assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some("logs:FilterLogEvents")));
    }

    #[tokio::test]
    async fn a_huge_line_is_cut() {
        let mut emulator = fresh().await;
        let event = json!({ "logStreamName": "app/1", "timestamp": quarterdeck::engine::clock::system()().millis() - 1_000,
            "ingestionTime": 1, "eventId": "1", "message": "x".repeat(2 << 20) });
        emulator.canned(json!({ "logs:FilterLogEvents": { "events": [event], "searchedLogStreams": [] } }));
        let lines = ok(&emulator.aws(&[HERE]), TOOL, json!({ "log_group": GROUP, "limit": 1 })).await;
        assert_eq!(lines.rows.len(), 1);
        let size = column(&lines, "message")[0].len();
        assert!(size < 64 << 10, "{size} bytes");
        assert!(serde_json::to_string(&lines).unwrap().contains("cut"), "{:?}", lines.notes);
    }

    /// What leaves the tool still holds the secret; what the session keeps does not.
    #[tokio::test]
    async fn a_secret_in_a_line_is_masked() {
        let mut emulator = fresh().await;
        let secrets = ["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "hunter2hunter2"];
        let line = format!(
            "ERROR aws_secret_access_key={} postgres://app:{}@db.internal/orders refused",
            secrets[0], secrets[1]
        );
        emulator.lines(HERE, GROUP, "app/1", &[(30, line)]);
        let clock = StillClock::new();
        let aws = Aws::new(Settings { clock: clock.shared(), ..emulator.settings(&[HERE]) });
        let provider = Arc::new(Offline::embedded());
        let begin =
            Begin { aws, provider, model: "runbooks".into(), mode: Mode::Execute, can_ask: true, clock };
        let mut console = Console::begin(begin).await;
        console
            .send(Command::Call { tool: TOOL.into(), args: json!({ "log_group": GROUP }), fresh: true })
            .await;
        console.until("the lines", |c| c.count(|f| matches!(f, Fact::ToolFinished { .. })) == 1).await;
        let facts = serde_json::to_string(&console.facts().collect::<Vec<_>>()).unwrap();
        assert!(facts.contains("refused"), "the line is there: {facts}");
        for secret in secrets {
            assert!(!facts.contains(secret), "{facts}");
        }
        console.end().await;
    }
}

mod changes {
    use super::*;

    const TOOL: &str = "get_recent_changes";

    /// An event as LookupEvents answers it: the details are JSON in a string.
    fn event(n: usize, name: &str, source: &str, arn: &str, request: &Value) -> Value {
        let now = quarterdeck::engine::clock::system()().millis() / 1000;
        let at = now - 60 * i64::try_from(n).unwrap() - 30;
        let read_only = name.starts_with("Describe") || name.starts_with("Get");
        let detail = json!({
            "eventVersion": "1.09",
            "userIdentity": { "type": "AssumedRole", "principalId": "AROAEXAMPLE:jo", "arn": arn, "accountId": ACCOUNT,
                "accessKeyId": "ASIAIOSFODNN7EXAMPLE", "sessionContext": { "sessionIssuer": { "type": "Role",
                "arn": format!("arn:aws:iam::{ACCOUNT}:role/Deploy"), "userName": "Deploy" } } },
            "eventTime": quarterdeck_core::Timestamp::from_millis(at * 1000).rfc3339(), "eventSource": source, "eventName": name,
            "awsRegion": HERE, "sourceIPAddress": "203.0.113.7", "userAgent": "terraform/1.9", "requestParameters": request,
            "responseElements": null, "readOnly": read_only, "eventID": format!("e-{n}"), "eventType": "AwsApiCall", "managementEvent": true,
        });
        json!({ "EventId": format!("e-{n}"), "EventName": name, "ReadOnly": read_only.to_string(), "AccessKeyId": "ASIAIOSFODNN7EXAMPLE",
            "EventTime": at, "EventSource": source, "Username": "jo", "Resources": [], "CloudTrailEvent": detail.to_string() })
    }

    fn deploy(n: usize) -> Value {
        let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/jo");
        let request =
            json!({ "cluster": "main", "service": "checkout-api", "taskDefinition": "checkout-api:42" });
        event(n, "UpdateService", "ecs.amazonaws.com", &arn, &request)
    }

    #[tokio::test]
    async fn changes_as_they_were_made() {
        let mut emulator = fresh().await;
        emulator.canned(json!({
            "cloudtrail:LookupEvents@eu-west-1": [{ "Events": [deploy(1)] }, { "Events": [deploy(2)] }, { "Events": [deploy(3)] }],
            "cloudtrail:LookupEvents@us-east-1": { "Events": [] },
        }));
        let aws = emulator.aws(&[HERE]);
        let all = ok(&aws, TOOL, json!({})).await;
        assert_eq!((all.rows.len(), unique(&all, "time")), (3, 3), "every page: {}", all.summary);
        assert!(column(&all, "time").is_sorted_by(|a, b| a >= b), "newest first");
        assert_eq!(column(&all, "event")[0], "UpdateService");
        let actor = &column(&all, "actor")[0];
        assert!(actor.contains("jo") && actor.contains("Deploy"), "through the assumed role: {actor}");
        assert_eq!(column(&all, "source_ip")[0], "203.0.113.7");
        assert!(column(&all, "change")[0].contains("checkout-api:42"), "{:?}", all.rows[0]);
        assert!(
            emulator.calls().iter().any(|c| c["region"] == "us-east-1"),
            "global services are looked up too"
        );
        // ECS leaves Resources empty: the service is found in the request.
        let about = ok(&aws, TOOL, json!({ "resource": "checkout-api" })).await;
        assert!(!about.rows.is_empty(), "{}", about.summary);
        let none = ok(&aws, TOOL, json!({ "resource": "cart-api" })).await;
        assert!(none.rows.is_empty() && none.summary.contains("cart-api"), "{}", none.summary);
        let late = none.notes.iter().chain(&all.notes).any(|n| n.contains("minutes"));
        assert!(late, "the last minutes may be missing: {:?}", all.notes);
    }

    #[tokio::test]
    async fn secrets_in_a_request_do_not_leave_the_tool() {
        let mut emulator = fresh().await;
        let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/jo");
        let request = json!({ "dBInstanceIdentifier": "orders", "masterUserPassword": "hunter2hunter2", "environment":
            { "variables": { "TOKEN": "hunter2hunter2" } } });
        emulator.canned(json!({ "cloudtrail:LookupEvents": { "Events": [event(1, "ModifyDBInstance", "rds.amazonaws.com", &arn, &request)] } }));
        let all = ok(&emulator.aws(&[HERE]), TOOL, json!({})).await;
        let text = serde_json::to_string(&all).unwrap();
        assert!(text.contains("orders") && !text.contains("hunter2"), "{text}");
    }

    #[tokio::test]
    async fn faults() {
        let mut emulator = fresh().await;
        emulator.canned(json!({ "cloudtrail:LookupEvents": { "Events": [] } }));
        let aws = emulator.aws(&[HERE]);
        let none = ok(&aws, TOOL, json!({})).await;
        assert!(none.rows.is_empty() && none.summary.contains(HERE), "{}", none.summary);
        emulator.rules(refusal("LookupEvents", "ThrottlingException", "Rate exceeded", 1));
        let (_, stats) = read(&aws, TOOL, json!({})).await.unwrap();
        assert_eq!(stats.retries, 1);
        emulator.rules(refusal(
            "LookupEvents",
            "AccessDeniedException",
            &not_allowed("cloudtrail:LookupEvents"),
            -1,
        ));
        let fault = read(&aws, TOOL, json!({})).await.unwrap_err();
        assert_eq!(
            (fault.kind, fault.action.as_deref()),
            (FaultKind::Denied, Some("cloudtrail:LookupEvents"))
        );
        let mut one =
            refusal("LookupEvents", "AccessDeniedException", &not_allowed("cloudtrail:LookupEvents"), -1);
        one[0]["region"] = "us-east-1".into();
        emulator.rules(one);
        let part = ok(&aws, TOOL, json!({})).await;
        assert!(part.errors.len() == 1 && part.errors[0].place.contains("us-east-1"), "{:?}", part.errors);
    }
}
