//! Alarms, logs, changes and ECS, throttled once, throttled always, and in one of three regions.

use super::common::calls::{ok, read, refusal};
use super::common::emulator::{HERE, fresh};
use quarterdeck_core::tool::FaultKind;
use serde_json::json;

/// Tool, arguments, the operation that is throttled.
const TOOLS: [(&str, &str, &str); 5] = [
    ("get_active_alarms", "{}", "DescribeAlarms"),
    ("get_cloudwatch_logs", r#"{ "log_group": "/ecs/checkout" }"#, "FilterLogEvents"),
    ("get_ecs_stopped_tasks", "{}", "ListClusters"),
    ("get_recent_changes", "{}", "LookupEvents"),
    ("list_ecs_services", "{}", "ListClusters"),
];

#[tokio::test]
async fn throttled_once_recovers_always_does_not_and_one_region_takes_no_other_along() {
    let mut emulator = fresh().await;
    emulator.canned(json!({ "cloudtrail:LookupEvents": { "Events": [] } }));
    let regions = [HERE, "us-east-1", "eu-central-1"];
    for region in regions {
        emulator.lines(region, "/ecs/checkout", "app/1", &[(60, "started".to_owned())]);
    }
    // get_recent_changes asks us-east-1 as well: the rules say which region they mean.
    let (here, three) = (emulator.aws(&[HERE]), emulator.aws(&regions));
    for (tool, args, operation) in TOOLS {
        let args: serde_json::Value = serde_json::from_str(args).unwrap();
        emulator.rules(refusal(operation, "ThrottlingException", "Rate exceeded", 1));
        let (_, stats) =
            read(&here, tool, args.clone()).await.unwrap_or_else(|fault| panic!("{tool}: {fault}"));
        assert_eq!(stats.retries, 1, "{tool}");

        emulator.rules(refusal(operation, "ThrottlingException", "Rate exceeded", -1));
        let fault = read(&here, tool, args.clone()).await.expect_err(tool);
        assert_eq!(fault.kind, FaultKind::Throttled, "{tool}: {fault:?}");

        let mut one = refusal(operation, "ThrottlingException", "Rate exceeded", -1);
        one[0]["region"] = "eu-central-1".into();
        emulator.rules(one);
        let part = ok(&three, tool, args).await;
        let failed: Vec<(&str, FaultKind)> =
            part.errors.iter().map(|e| (e.place.as_str(), e.fault.kind)).collect();
        assert_eq!(failed, [("eu-central-1", FaultKind::Throttled)], "{tool}: {}", part.summary);
    }
}
