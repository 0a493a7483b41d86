//! What the doctor finds: which tools would work, and which IAM action each lacks.

use crate::common::calls::not_allowed;
use crate::common::emulator::{HERE, fresh};
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::probe::{self, Probed, Verdict};
use quarterdeck_aws::registry;
use quarterdeck_core::tool::{FaultKind, Risk};
use quarterdeck_demo::{Demo, Fault, Trouble};
use serde_json::json;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(10);

fn of<'a>(all: &'a [Probed], tool: &str) -> &'a Probed {
    all.iter().find(|p| p.tool == tool).unwrap()
}

#[tokio::test]
async fn denials_are_told_by_tool() {
    let mut emulator = fresh().await;
    emulator.instances(HERE, 1, &[("Name", "build-runner"), ("env", "dev")]);
    let denied = |operation: &str, action: &str| json!({ "operation": operation, "code": "AccessDeniedException", "status": 403, "times": -1, "message": not_allowed(action) });
    emulator.rules(json!([
        denied("DescribeInstanceStatus", "ec2:DescribeInstanceStatus"),
        denied("ListClusters", "ecs:ListClusters"),
        denied("StopInstances", "ec2:StopInstances"),
    ]));
    let aws = emulator.aws(&[HERE]);
    let all = probe::tools(&aws, LIMIT).await;
    assert_eq!(all.len(), registry::catalogue().iter().count());
    let instances = of(&all, "list_ec2_instances");
    assert_eq!(
        (&instances.verdict, instances.missing.as_slice()),
        (&Verdict::Partly(None), ["ec2:DescribeInstanceStatus".to_owned()].as_slice())
    );
    let services = of(&all, "list_ecs_services");
    assert_eq!(
        (&services.verdict, services.missing.as_slice()),
        (&Verdict::Denied, ["ecs:ListClusters".to_owned()].as_slice())
    );
    assert_eq!(
        of(&all, "get_cloudwatch_logs").verdict,
        Verdict::Works,
        "{:?}",
        of(&all, "get_cloudwatch_logs")
    );
    let stop = of(&all, "stop_instances");
    assert_eq!(
        (&stop.verdict, stop.missing.as_slice()),
        (&Verdict::Denied, ["ec2:StopInstances".to_owned()].as_slice())
    );
    let cost = of(&all, "get_cost_by_service");
    assert_eq!(cost.verdict, Verdict::NotProbed("billed".into()));
    // Nothing but reads and dry runs arrived, and nothing that is billed.
    let calls = emulator.calls();
    let reads = ["Describe", "List", "Get", "Head", "Lookup", "Filter", "GenerateCredentialReport"];
    let harmless = |c: &serde_json::Value| {
        c["dry_run"] == true || reads.iter().any(|r| c["operation"].as_str().unwrap().starts_with(r))
    };
    assert!(calls.iter().all(harmless), "{calls:?}");
    let billed = ["GetMetricData", "StartQuery", "ListObjectsV2", "GetObject", "HeadObject"];
    let free = |c: &serde_json::Value| c["service"] != "ce" && billed.iter().all(|b| c["operation"] != *b);
    assert!(calls.iter().all(free), "{calls:?}");
    // The rule let the dry run through to nobody: the instance still runs.
    emulator.rules(json!([]));
    assert_eq!(of(&probe::tools(&aws, LIMIT).await, "stop_instances").verdict, Verdict::Works);
    let (theirs, ours) = aws.clocks().await.expect("the answer has a date");
    assert!(ours.since(theirs) < Duration::from_secs(60) && theirs.since(ours) < Duration::from_secs(60));
}

#[tokio::test]
async fn the_embedded_account_in_trouble() {
    let demo = Demo::start("checkout-outage", quarterdeck::engine::clock::system()).unwrap();
    let (key, secret) = demo.credentials();
    let aws = Aws::new(quarterdeck_aws::Settings {
        regions: vec![demo.region().to_owned()],
        http: Some(demo.http_client()),
        credentials: Some((key.to_owned(), secret.to_owned())),
        ..quarterdeck_aws::Settings::default()
    });
    let whole = probe::tools(&aws, LIMIT).await;
    for probed in &whole {
        let fine = matches!(probed.verdict, Verdict::Works | Verdict::NotProbed(_));
        assert!(fine, "{probed:?}");
    }
    assert!(demo.calls().iter().all(|c| !c.mutating || c.dry_run), "nothing was changed");
    demo.faults().inject(Fault::new(Trouble::Deny).service("ecs"));
    demo.faults().inject(Fault::new(Trouble::Expire).service("cloudtrail"));
    demo.faults().inject(Fault::new(Trouble::Delay(Duration::from_secs(3_600))).service("monitoring"));
    let all = probe::tools(&aws, Duration::from_secs(2)).await;
    assert_eq!(of(&all, "list_ecs_services").verdict, Verdict::Denied);
    assert!(of(&all, "list_ecs_services").missing.contains(&"ecs:ListClusters".to_owned()));
    let kind = |tool: &str| match &of(&all, tool).verdict {
        Verdict::Fails(fault) | Verdict::Partly(Some(fault)) => Some(fault.kind),
        Verdict::Works | Verdict::Partly(None) | Verdict::Denied | Verdict::NotProbed(_) => None,
    };
    assert_eq!(kind("get_recent_changes"), Some(FaultKind::Expired));
    assert_eq!(kind("get_active_alarms"), Some(FaultKind::Timeout), "{:?}", of(&all, "get_active_alarms"));
    assert_eq!(of(&all, "list_ec2_instances").verdict, Verdict::Works);
    assert!(all.iter().all(|p| p.risk != Risk::Local || matches!(p.verdict, Verdict::NotProbed(_))));
}
