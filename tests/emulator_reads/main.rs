//! The reading tools against an emulator that is independent of us.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

mod buckets;
#[path = "../common/mod.rs"]
mod common;
mod compute;
mod costs;
mod doctor;
mod identity;
mod security;
mod sweep;
mod throttling;

use common::calls::{column, not_allowed, ok, read, refusal, unique};
use common::emulator::{ACCOUNT, HERE, fresh};
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::registry;
use quarterdeck_core::event::Progress;
use quarterdeck_core::tool::{FaultKind, Projection};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const DEV: [(&str, &str); 2] = [("Name", "build-runner"), ("env", "dev")];

mod ec2 {
    use super::*;

    #[tokio::test]
    async fn instances_as_they_are() {
        let mut emulator = fresh().await;
        let web = emulator.instances(
            HERE,
            2,
            &[("Name", "web-1"), ("env", "prod"), ("aws:autoscaling:groupName", "web")],
        );
        let bare = emulator.instances(HERE, 1, &[]);
        let other = emulator.instances("eu-central-1", 1, &DEV);
        emulator.boto("ec2", HERE, "stop_instances", json!({ "InstanceIds": [web[1]] }));
        let aws = emulator.aws(&[HERE]);
        let all = ok(&aws, "list_ec2_instances", json!({})).await;
        let ids: BTreeSet<String> = column(&all, "id").into_iter().collect();
        assert_eq!(ids, web.iter().chain(&bare).cloned().collect(), "this region's and no other's");
        assert!(all.errors.is_empty() && all.truncated.is_none(), "{all:?}");
        assert!(all.summary.contains("3 instances") && all.summary.contains("1 stopped"), "{}", all.summary);
        let row = all.rows.iter().find(|r| all.cell(r, "id").unwrap().plain() == web[0]).unwrap();
        let cell = |name| all.cell(row, name).unwrap().plain();
        assert_eq!(
            (cell("name").as_str(), cell("state").as_str(), cell("asg").as_str()),
            ("web-1", "running", "web")
        );
        assert_eq!(cell("type"), "t3.micro");
        assert_eq!(cell("status_checks"), "ok");
        assert!(cell("az").starts_with(HERE) && cell("private_ip").starts_with("10."), "{row:?}");
        let row = all.rows.iter().find(|r| all.cell(r, "id").unwrap().plain() == bare[0]).unwrap();
        assert_eq!(
            all.cell(row, "name"),
            Some(&quarterdeck_core::tool::Cell::Absent),
            "no Name tag is no name"
        );

        let ids = |p: &Projection| column(p, "id").into_iter().collect::<BTreeSet<_>>();
        let set = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<_>>();
        for (args, want) in [
            (json!({ "ids": [bare[0]] }), set(&bare)),
            (json!({ "name": "web-*" }), set(&web)),
            (json!({ "state": "stopped" }), set(&web[1..])),
            (json!({ "tag": "env=prod" }), set(&web)),
            (json!({ "tag": "env" }), set(&web)),
            (json!({ "name": "nothing-*" }), set(&[])),
            (json!({ "ids": other, "regions": ["eu-central-1"] }), set(&other)),
        ] {
            let found = ok(&aws, "list_ec2_instances", args.clone()).await;
            assert_eq!(ids(&found), want, "{args}: {}", found.summary);
        }
    }

    #[tokio::test]
    async fn nothing_found_says_what_was_searched() {
        let emulator = fresh().await;
        let aws = emulator.aws(&[HERE, "eu-central-1"]);
        let none = ok(&aws, "list_ec2_instances", json!({ "name": "web-*" })).await;
        assert_eq!(none.rows.len(), 0);
        for word in [HERE, "eu-central-1", "web-*"] {
            assert!(none.summary.contains(word), "{}", none.summary);
        }
        let absent = ok(&aws, "list_ec2_instances", json!({ "ids": ["i-0123456789abcdef0"] })).await;
        assert!(absent.notes.iter().any(|n| n.contains("i-0123456789abcdef0")), "{:?}", absent.notes);
    }

    #[tokio::test]
    async fn every_page_is_read() {
        let mut emulator = fresh().await;
        for _ in 0..13 {
            emulator.instances(HERE, 10, &DEV);
        }
        emulator.pages(json!({ "ec2:DescribeInstances": 4 }));
        let aws = emulator.aws(&[HERE]);
        let (all, stats) = read(&aws, "list_ec2_instances", json!({})).await.unwrap();
        assert_eq!((all.rows.len(), unique(&all, "id"), all.total), (130, 130, 130));
        assert_eq!(emulator.count("DescribeInstances"), 4);
        assert_eq!((stats.requests, stats.retries), (5, 0), "four pages and the status checks");

        // Throttled in the middle: the page is asked for again, none twice, none left out.
        emulator.forget();
        let after = json!([{ "operation": "DescribeInstances", "code": "RequestLimitExceeded", "status": 503, "after": 2 }]);
        emulator.rules(after);
        let (all, stats) = read(&aws, "list_ec2_instances", json!({})).await.unwrap();
        assert_eq!((all.rows.len(), unique(&all, "id")), (130, 130));
        assert_eq!((emulator.count("DescribeInstances"), stats.retries), (5, 1));

        // Denied in the middle: what was read is told, and what is missing. A plan has no use for half of it.
        let denied = json!([{ "operation": "DescribeInstances", "code": "UnauthorizedOperation", "status": 403,
            "after": 2, "times": -1 }]);
        emulator.rules(denied);
        let half = ok(&aws, "list_ec2_instances", json!({})).await;
        assert_eq!((half.rows.len(), unique(&half, "id"), half.errors.len()), (80, 80, 1));
        assert_eq!(half.errors[0].place, format!("{HERE} instances after the first 80"));
        assert_eq!(half.errors[0].fault.action.as_deref(), Some("ec2:DescribeInstances"));
        assert!(half.summary.contains("not everything answered"), "{}", half.summary);
    }

    #[tokio::test]
    async fn denied_names_the_action() {
        let mut emulator = fresh().await;
        emulator.instances(HERE, 1, &DEV);
        let aws = emulator.aws(&[HERE]);
        let modern = format!(
            "You are not authorized to perform this operation. {}",
            not_allowed("ec2:DescribeInstances")
        );
        for message in [modern.as_str(), "You are not authorized to perform this operation."] {
            emulator.rules(refusal("DescribeInstances", "UnauthorizedOperation", message, -1));
            let fault = read(&aws, "list_ec2_instances", json!({})).await.unwrap_err();
            assert_eq!(
                (fault.kind, fault.action.as_deref()),
                (FaultKind::Denied, Some("ec2:DescribeInstances")),
                "{message}"
            );
        }
        // The instances without their checks are still worth having.
        emulator.rules(refusal(
            "DescribeInstanceStatus",
            "UnauthorizedOperation",
            "You are not authorized to perform this operation.",
            -1,
        ));
        let half = ok(&aws, "list_ec2_instances", json!({})).await;
        assert_eq!((half.rows.len(), half.errors.len()), (1, 1));
        assert_eq!(half.errors[0].fault.action.as_deref(), Some("ec2:DescribeInstanceStatus"));
        assert!(half.summary.contains("not everything answered"), "{}", half.summary);
    }

    #[tokio::test]
    async fn throttled_once_recovers_and_always_does_not() {
        let mut emulator = fresh().await;
        emulator.instances(HERE, 1, &DEV);
        let aws = emulator.aws(&[HERE]);
        emulator.rules(refusal("DescribeInstances", "RequestLimitExceeded", "Request limit exceeded.", 1));
        let (all, stats) = read(&aws, "list_ec2_instances", json!({})).await.unwrap();
        assert_eq!((all.rows.len(), stats.requests, stats.retries), (1, 3, 1));
        emulator.forget();
        emulator.rules(refusal("DescribeInstances", "RequestLimitExceeded", "Request limit exceeded.", -1));
        let fault = read(&aws, "list_ec2_instances", json!({})).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Throttled);
        assert!(fault.hint.is_some(), "it says what to do");
        assert_eq!(emulator.count("DescribeInstances"), 4, "four attempts and no more");
    }

    #[tokio::test]
    async fn one_region_of_three_may_fail() {
        let mut emulator = fresh().await;
        let regions = [HERE, "eu-central-1", "us-east-1"];
        let mut ids = Vec::new();
        for region in regions {
            ids.push(emulator.instances(region, 2, &DEV));
        }
        let aws = emulator.aws(&regions);
        for (code, status, kind) in [
            ("UnauthorizedOperation", 403, FaultKind::Denied),
            ("RequestLimitExceeded", 503, FaultKind::Throttled),
            ("InternalError", 500, FaultKind::Unavailable),
        ] {
            emulator.rules(json!([{ "region": "eu-central-1", "operation": "DescribeInstances", "code": code, "status": status, "times": -1 }]));
            let part = ok(&aws, "list_ec2_instances", json!({})).await;
            let found: BTreeSet<String> = column(&part, "id").into_iter().collect();
            assert_eq!(found, ids[0].iter().chain(&ids[2]).cloned().collect(), "{code}");
            assert_eq!(part.errors.len(), 1, "{code}: {:?}", part.errors);
            assert_eq!((part.errors[0].place.as_str(), part.errors[0].fault.kind), ("eu-central-1", kind));
            assert_eq!(unique(&part, "region"), 2);
        }
        emulator.rules(json!([{ "operation": "DescribeInstances", "code": "UnauthorizedOperation", "status": 403, "times": -1 }]));
        let fault = read(&aws, "list_ec2_instances", json!({})).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Denied, "nothing at all is no partial answer");
    }

    #[tokio::test]
    async fn unknown_names_are_answered_with_near_ones() {
        let emulator = fresh().await;
        let aws = emulator.aws(&[HERE]);
        let fault = read(&aws, "list_ec2_instances", json!({ "regions": ["eu-wset-1"] })).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid);
        assert!(fault.hint.as_deref().is_some_and(|h| h.contains("eu-west-1")), "{fault:?}");
        let fault = read(&aws, "list_ec2_instances", json!({ "nmae": "web" })).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid);
        assert!(fault.to_string().contains("name"), "{fault}");
        let fault = read(&aws, "list_ec2_instance", json!({})).await.unwrap_err();
        assert!(fault.to_string().contains("list_ec2_instances"), "{fault}");
        let every = ok(&aws, "list_ec2_instances", json!({ "regions": ["all"] })).await;
        assert!(every.errors.is_empty(), "{:?}", every.errors);
    }

    /// The clock is stopped once the request is under way, and then jumps from one limit to the next.
    #[tokio::test]
    async fn an_answer_that_never_comes_is_a_timeout() {
        let mut emulator = fresh().await;
        emulator.rules(json!([{ "operation": "DescribeInstances", "delay": 4, "times": -1 }]));
        let aws = emulator.aws(&[HERE]);
        let call = tokio::spawn(async move { read(&aws, "list_ec2_instances", json!({})).await });
        while emulator.count("DescribeInstances") == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::pause();
        let fault = call.await.unwrap().unwrap_err();
        tokio::time::resume();
        assert_eq!(fault.kind, FaultKind::Timeout, "{fault}");
    }

    /// Dropping a call gives its place back and sends nothing more.
    #[tokio::test]
    async fn a_dropped_call_sends_nothing_more() {
        let mut emulator = fresh().await;
        for _ in 0..4 {
            emulator.instances(HERE, 1, &DEV);
        }
        emulator.pages(json!({ "ec2:DescribeInstances": 1 }));
        emulator.rules(json!([{ "operation": "DescribeInstances", "delay": 0.4, "times": -1 }]));
        let aws = emulator.aws(&[HERE]);
        for _ in 0..12 {
            let call = read(&aws, "list_ec2_instances", json!({}));
            assert!(tokio::time::timeout(Duration::from_millis(30), call).await.is_err());
        }
        // Long enough for every page of every call.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let sent = emulator.count("DescribeInstances");
        assert!(sent <= 12, "no second page after the call was dropped, but {sent} requests");
        emulator.rules(json!([]));
        assert_eq!(
            ok(&aws, "list_ec2_instances", json!({})).await.rows.len(),
            4,
            "all places are free again"
        );
    }

    /// One region hangs for longer than the tool may take: the others' answers are not lost with it.
    #[tokio::test]
    async fn a_region_that_hangs_does_not_take_the_others_along() {
        let mut emulator = fresh().await;
        let here = emulator.instances(HERE, 2, &DEV);
        emulator.rules(json!([{ "region": "us-east-1", "delay": 20, "times": -1 }]));
        let aws = emulator.aws(&[HERE, "us-east-1"]);
        let (answered, mut first) = tokio::sync::mpsc::unbounded_channel();
        let call = tokio::spawn(async move {
            let sink = Arc::new(move |p: Progress| answered.send(p.done).unwrap());
            registry::read(&aws, "list_ec2_instances", &json!({}), sink).await
        });
        assert_eq!(first.recv().await, Some(1), "one region has answered");
        tokio::time::pause();
        let part = call.await.unwrap().unwrap().0;
        tokio::time::resume();
        assert_eq!(column(&part, "id").into_iter().collect::<BTreeSet<_>>(), here.into_iter().collect());
        assert_eq!(
            (part.errors[0].place.as_str(), part.errors[0].fault.kind),
            ("us-east-1", FaultKind::Timeout)
        );
    }

    #[tokio::test]
    async fn nobody_there_is_unavailable() {
        let emulator = fresh().await;
        let nowhere = quarterdeck_aws::Settings {
            endpoint: Some("http://127.0.0.1:9".into()),
            ..emulator.settings(&[HERE])
        };
        let fault = read(&Aws::new(nowhere), "list_ec2_instances", json!({})).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unavailable, "{fault}");
    }
}

mod metrics;

mod ecs {
    use super::*;

    #[tokio::test]
    async fn services_as_they_are() {
        let mut emulator = fresh().await;
        emulator.services("main", 1);
        let aws = emulator.aws(&[HERE]);
        let all = ok(&aws, "list_ecs_services", json!({})).await;
        assert_eq!(column(&all, "service"), ["svc-000"]);
        assert_eq!(
            (column(&all, "cluster"), column(&all, "desired")),
            (vec!["main".into()], vec!["2".into()])
        );
        assert_eq!(column(&all, "image"), ["checkout-api:1"]);
        assert!(all.errors.is_empty(), "{:?}", all.errors);
        let text = serde_json::to_string(&all).unwrap();
        assert!(!text.contains("hunter2"), "environment values are never returned: {text}");
        let one = ok(&aws, "list_ecs_services", json!({ "cluster": "main", "service": "svc-000" })).await;
        assert_eq!(one.rows.len(), 1);
    }

    #[tokio::test]
    async fn no_services_says_what_was_searched() {
        let mut emulator = fresh().await;
        let aws = emulator.aws(&[HERE]);
        let none = ok(&aws, "list_ecs_services", json!({})).await;
        assert!(none.rows.is_empty() && none.summary.contains(HERE), "{}", none.summary);
        emulator.boto("ecs", HERE, "create_cluster", json!({ "clusterName": "main" }));
        let none = ok(&aws, "get_ecs_stopped_tasks", json!({ "cluster": "main" })).await;
        assert!(none.rows.is_empty(), "{none:?}");
    }

    #[tokio::test]
    async fn pages_and_batches_lose_nothing() {
        let mut emulator = fresh().await;
        emulator.services("main", 25);
        for n in 0..6 {
            emulator.boto("ecs", HERE, "create_cluster", json!({ "clusterName": format!("empty-{n}") }));
        }
        emulator
            .pages(json!({ "ecs:ListServices": ["serviceArns", 4], "ecs:ListClusters": ["clusterArns", 2] }));
        let aws = emulator.aws(&[HERE]);
        let all = ok(&aws, "list_ecs_services", json!({})).await;
        assert_eq!((all.rows.len(), unique(&all, "service")), (25, 25), "{}", all.summary);
        assert_eq!(emulator.count("ListClusters"), 4);
        assert_eq!(emulator.count("ListServices"), 7 + 6);
        assert_eq!(emulator.count("DescribeServices"), 3, "ten at a time");
        emulator.forget();
        emulator.rules(json!([{ "operation": "ListServices", "code": "ThrottlingException", "after": 3, "message": "Rate exceeded" }]));
        let (all, stats) = read(&aws, "list_ecs_services", json!({ "cluster": "main" })).await.unwrap();
        assert_eq!((unique(&all, "service"), stats.retries), (25, 1));
        emulator.rules(
            json!([{ "operation": "ListServices", "code": "AccessDeniedException", "after": 2, "times": -1,
            "message": not_allowed("ecs:ListServices") }]),
        );
        let half = ok(&aws, "list_ecs_services", json!({ "cluster": "main" })).await;
        assert_eq!((unique(&half, "service"), half.errors.len()), (8, 1), "{}", half.summary);
        assert!(half.errors[0].place.contains("after the first 8"), "{:?}", half.errors);
    }

    #[tokio::test]
    async fn denied_names_the_action() {
        let mut emulator = fresh().await;
        emulator.services("main", 1);
        let aws = emulator.aws(&[HERE]);
        for (operation, action) in [
            ("ListClusters", "ecs:ListClusters"),
            ("ListServices", "ecs:ListServices"),
            ("DescribeServices", "ecs:DescribeServices"),
        ] {
            emulator.rules(refusal(operation, "AccessDeniedException", &not_allowed(action), -1));
            let fault = read(&aws, "list_ecs_services", json!({})).await.unwrap_err();
            assert_eq!(
                (fault.kind, fault.action.as_deref()),
                (FaultKind::Denied, Some(action)),
                "{operation}"
            );
        }
        emulator.rules(refusal(
            "DescribeTaskDefinition",
            "AccessDeniedException",
            &not_allowed("ecs:DescribeTaskDefinition"),
            -1,
        ));
        let half = ok(&aws, "list_ecs_services", json!({})).await;
        assert_eq!((half.rows.len(), half.errors.len()), (1, 1), "the service without its image: {half:?}");
        emulator.rules(refusal("ListTasks", "AccessDeniedException", &not_allowed("ecs:ListTasks"), -1));
        let fault = read(&aws, "get_ecs_stopped_tasks", json!({ "cluster": "main" })).await.unwrap_err();
        assert_eq!(fault.action.as_deref(), Some("ecs:ListTasks"));
    }

    #[tokio::test]
    async fn unknown_names_are_answered_with_near_ones() {
        let mut emulator = fresh().await;
        emulator.services("checkout", 2);
        let aws = emulator.aws(&[HERE]);
        for (tool, args, near) in [
            ("list_ecs_services", json!({ "cluster": "chekout" }), "checkout"),
            ("list_ecs_services", json!({ "cluster": "checkout", "service": "svc-0001" }), "svc-001"),
            ("get_ecs_stopped_tasks", json!({ "cluster": "chekout" }), "checkout"),
        ] {
            let fault = read(&aws, tool, args.clone()).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Missing, "{tool} {args}: {fault}");
            assert!(
                fault.to_string().contains(near) || fault.hint.as_deref().is_some_and(|h| h.contains(near)),
                "{args}: {fault:?}"
            );
        }
    }

    #[tokio::test]
    async fn stopped_tasks_lead_to_their_logs() {
        let mut emulator = fresh().await;
        emulator.services("main", 1);
        let args = json!({ "cluster": "main", "taskDefinition": "checkout-api", "launchType": "FARGATE", "count": 2 });
        let answer = emulator.boto("ecs", HERE, "run_task", args);
        let task = answer["tasks"][0]["taskArn"].as_str().unwrap().to_owned();
        emulator.boto(
            "ecs",
            HERE,
            "stop_task",
            json!({ "cluster": "main", "task": task, "reason": "out of memory" }),
        );
        let aws = emulator.aws(&[HERE]);
        let stopped = ok(&aws, "get_ecs_stopped_tasks", json!({ "cluster": "main" })).await;
        assert_eq!(stopped.rows.len(), 1, "only what stopped: {stopped:?}");
        assert!(column(&stopped, "reason")[0].contains("out of memory"), "{:?}", stopped.rows);
        assert_eq!(column(&stopped, "log_group"), ["/ecs/checkout"]);
        let id = task.rsplit('/').next().unwrap();
        assert_eq!(column(&stopped, "log_stream"), [format!("ecs/app/{id}")]);
        assert!(
            stopped.notes.iter().chain([&stopped.summary]).any(|n| n.contains("hour")),
            "{:?}",
            stopped.notes
        );
        // Half of them, and why not the rest.
        for task in answer["tasks"].as_array().unwrap().iter().skip(1) {
            emulator.boto("ecs", HERE, "stop_task", json!({ "cluster": "main", "task": task["taskArn"] }));
        }
        emulator.pages(json!({ "ecs:ListTasks": ["taskArns", 1] }));
        emulator.rules(
            json!([{ "operation": "ListTasks", "code": "AccessDeniedException", "after": 1, "times": -1,
            "message": not_allowed("ecs:ListTasks") }]),
        );
        let half = ok(&aws, "get_ecs_stopped_tasks", json!({ "cluster": "main" })).await;
        assert_eq!((half.rows.len(), half.errors.len()), (1, 1), "{half:?}");
        assert!(half.errors[0].place.contains("after the first 1"), "{:?}", half.errors);
        emulator.rules(json!([]));
        let both = ok(&aws, "get_ecs_stopped_tasks", json!({ "cluster": "main" })).await;
        assert_eq!((both.rows.len(), both.errors.len()), (2, 0), "every page: {both:?}");
    }

    #[tokio::test]
    async fn one_region_of_three_may_fail() {
        let mut emulator = fresh().await;
        emulator.services("main", 2);
        let aws = emulator.aws(&[HERE, "eu-central-1", "us-east-1"]);
        emulator.rules(json!([{ "region": "us-east-1", "code": "AccessDeniedException", "message": not_allowed("ecs:ListClusters"), "times": -1 }]));
        for tool in ["list_ecs_services", "get_ecs_stopped_tasks"] {
            let part = ok(&aws, tool, json!({})).await;
            assert_eq!(part.errors.len(), 1, "{tool}: {:?}", part.errors);
            assert_eq!(
                (part.errors[0].place.as_str(), part.errors[0].fault.action.as_deref()),
                ("us-east-1", Some("ecs:ListClusters"))
            );
        }
    }
}

#[tokio::test]
async fn who_we_are() {
    let mut emulator = fresh().await;
    emulator.boto("iam", "us-east-1", "create_account_alias", json!({ "AccountAlias": "acme-dev" }));
    let aws = emulator.aws(&[HERE]);
    let identity = aws.identity().await.unwrap();
    assert_eq!((identity.account.as_str(), identity.alias.as_deref()), (ACCOUNT, Some("acme-dev")));
    // Without the courtesy of an alias the account number stands alone.
    emulator.rules(refusal("ListAccountAliases", "AccessDenied", &not_allowed("iam:ListAccountAliases"), -1));
    let identity = emulator.aws(&[HERE]).identity().await.unwrap();
    assert_eq!((identity.account.as_str(), identity.alias), (ACCOUNT, None));
    emulator.rules(refusal(
        "GetCallerIdentity",
        "ExpiredToken",
        "The security token included in the request is expired",
        -1,
    ));
    let fault = emulator.aws(&[HERE]).identity().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Expired);
    assert!(fault.hint.is_some_and(|h| h.contains("aws sso login")));
}
