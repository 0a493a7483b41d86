//! The drills as the SDK sees them: what moves, and what the operator's changes do to it.

use crate::bench::{Bench, HOME};
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, StateValue};
use aws_sdk_iam::types::StatusType;
use quarterdeck_core::Timestamp;
use quarterdeck_demo::Drill;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn bench(drill: &str) -> Bench {
    Bench::of(Drill::named(drill).unwrap())
}

fn at(t: aws_smithy_types::DateTime) -> Timestamp {
    Timestamp::from_millis(t.to_millis().unwrap())
}

fn moment(t: Timestamp) -> aws_smithy_types::DateTime {
    aws_smithy_types::DateTime::from_millis(t.millis())
}

/// The metric's values of the last `minutes`, oldest first.
async fn values(
    bench: &Bench,
    namespace: &str,
    name: &str,
    dimension: (&str, &str),
    minutes: u32,
) -> Vec<f64> {
    let dimension = Dimension::builder().name(dimension.0).value(dimension.1).build();
    let metric = Metric::builder().namespace(namespace).metric_name(name).dimensions(dimension).build();
    let stat = MetricStat::builder().metric(metric).period(60).stat("Average").build();
    let query = MetricDataQuery::builder().id("m").metric_stat(stat).build();
    let data = bench.cloudwatch(HOME).get_metric_data().metric_data_queries(query);
    let from = moment(bench.now().minus(MINUTE * minutes));
    let found = data.start_time(from).end_time(moment(bench.now())).send().await.unwrap();
    found.metric_data_results()[0].values().iter().rev().copied().collect()
}

async fn events(bench: &Bench, region: &'static str, user: &str, from: Timestamp) -> Vec<String> {
    let mut names = Vec::new();
    let attribute = aws_sdk_cloudtrail::types::LookupAttribute::builder()
        .attribute_key(aws_sdk_cloudtrail::types::LookupAttributeKey::Username)
        .attribute_value(user)
        .build()
        .unwrap();
    let mut pages = bench
        .cloudtrail(region)
        .lookup_events()
        .lookup_attributes(attribute)
        .start_time(moment(from))
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        names.extend(page.unwrap().events().iter().filter_map(|e| e.event_name().map(str::to_owned)));
    }
    names
}

async fn lines(bench: &Bench, group: &str, pattern: &str, since: Duration) -> usize {
    let logs = bench.logs(HOME);
    let mut pages = logs
        .filter_log_events()
        .log_group_name(group)
        .filter_pattern(pattern)
        .start_time(bench.now().minus(since).millis())
        .into_paginator()
        .send();
    let mut n = 0;
    while let Some(page) = pages.next().await {
        n += page.unwrap().events().len();
    }
    n
}

#[tokio::test]
async fn every_drill_begins_in_trouble_and_stays_there_by_itself() {
    for (name, _) in Drill::list() {
        let bench = bench(name);
        let holding = bench.demo.holding();
        assert!(!holding.is_empty(), "{name}");
        bench.pass(60 * MINUTE);
        assert_eq!(bench.demo.holding(), holding, "{name}");
    }
}

#[tokio::test]
async fn too_large_a_pool_holds_the_database_at_its_limit_until_it_is_gone() {
    let bench = bench("database-connections");
    let connections = ("DBInstanceIdentifier", "checkout-db");
    let before = values(&bench, "AWS/RDS", "DatabaseConnections", connections, 40).await;
    assert!(before[..12].iter().all(|v| *v < 110.0), "{before:?}");
    assert!(before[22..].iter().all(|v| *v == 222.0), "flat at the limit: {before:?}");
    let alarms = bench.alarms(StateValue::Alarm).await;
    assert_eq!(alarms, ["checkout-5xx", "checkout-db-connections", "checkout-latency"]);
    let refused = "\"remaining connection slots are reserved\"";
    let group = "/ecs/shop/checkout-api";
    assert!(lines(&bench, group, refused, 5 * MINUTE).await > 10);
    assert_eq!(
        lines(&bench, group, refused, 60 * MINUTE).await,
        lines(&bench, group, refused, 24 * MINUTE).await
    );

    let worker = || bench.ecs(HOME).update_service().cluster("shop").service("orders-worker");
    worker().force_new_deployment(true).send().await.unwrap();
    bench.pass(5 * MINUTE);
    assert_eq!(bench.demo.holding(), ["pool-too-large"], "the same revision opens as many");
    assert_eq!(bench.alarms(StateValue::Alarm).await.len(), 3);
    // Half the tasks take half of them: no longer too many.
    worker().desired_count(1).send().await.unwrap();
    bench.pass(5 * MINUTE);
    assert!(
        values(&bench, "AWS/RDS", "DatabaseConnections", connections, 2).await.iter().all(|v| *v < 180.0)
    );
    worker().desired_count(4).task_definition("orders-worker:23").send().await.unwrap();
    bench.pass(5 * MINUTE);
    assert!(bench.demo.holding().is_empty());
    assert!(bench.alarms(StateValue::Alarm).await.is_empty());
    assert_eq!(lines(&bench, group, refused, 3 * MINUTE).await, 0);
    // And back again.
    worker().task_definition("orders-worker:24").send().await.unwrap();
    bench.pass(5 * MINUTE);
    assert_eq!(bench.demo.holding(), ["pool-too-large"]);
}

#[tokio::test]
async fn a_function_is_throttled_until_it_may_run_as_often_as_it_must() {
    let bench = bench("lambda-throttled");
    let function = ("FunctionName", "order-events");
    let throttles = async || *values(&bench, "AWS/Lambda", "Throttles", function, 2).await.last().unwrap();
    let lambda = bench.lambda(HOME);
    let reserved = async || {
        let found = lambda.get_function_concurrency().function_name("order-events").send().await.unwrap();
        found.reserved_concurrent_executions()
    };
    assert!(throttles().await > 50.0);
    assert_eq!(
        (reserved().await, bench.alarms(StateValue::Alarm).await),
        (Some(5), vec!["orders-queue-age".to_owned()])
    );
    let put = |n: i32| {
        lambda.put_function_concurrency().function_name("order-events").reserved_concurrent_executions(n)
    };
    put(6).send().await.unwrap();
    bench.pass(10 * MINUTE);
    assert_eq!(
        (reserved().await, bench.demo.holding()),
        (Some(6), vec!["throttled".to_owned()]),
        "still too few"
    );
    assert!(throttles().await > 50.0);
    lambda.delete_function_concurrency().function_name("order-events").send().await.unwrap();
    bench.pass(6 * MINUTE);
    assert_eq!((reserved().await, bench.demo.holding().len()), (None, 0));
    assert_eq!(throttles().await, 0.0);
    assert!(bench.alarms(StateValue::Alarm).await.is_empty());
    put(5).send().await.unwrap();
    bench.pass(15 * MINUTE);
    assert!(throttles().await > 50.0, "and it is throttled again");
    put(40).send().await.unwrap();
    bench.pass(6 * MINUTE);
    assert!(bench.demo.holding().is_empty());
    let told = bench.cloudtrail(HOME).lookup_events().start_time(moment(bench.start())).send().await.unwrap();
    assert!(told.events().iter().any(|e| e.event_name() == Some("DeleteFunctionConcurrency20171031")));
    let missing = lambda.delete_function_concurrency().function_name("order-event").send().await.unwrap_err();
    assert!(missing.into_service_error().is_resource_not_found_exception());
    let greedy = put(950).send().await.unwrap_err();
    assert!(greedy.into_service_error().is_invalid_parameter_value_exception(), "100 must stay unreserved");
}

#[tokio::test]
async fn a_leaked_key_is_used_until_it_is_inactive() {
    let bench = bench("leaked-key");
    let hour = bench.now().minus(60 * MINUTE);
    let home = events(&bench, HOME, "ci-publisher", hour).await;
    for name in ["GetCallerIdentity", "AuthorizeSecurityGroupIngress", "RunInstances", "GetSecretValue"] {
        assert!(home.iter().any(|n| n == name), "{name}: {home:?}");
    }
    assert!(events(&bench, "us-east-1", "ci-publisher", hour).await.len() > 8);
    assert_eq!(bench.alarms(StateValue::Alarm).await, ["refused-api-calls"]);
    let knocks = async || lines(&bench, "/ec2/bastion/secure", "\"Failed password\"", 3 * MINUTE).await;
    assert!(knocks().await > 20);

    let seen = async || {
        let guard = bench.guardduty(HOME);
        let detector = guard.list_detectors().send().await.unwrap().detector_ids()[0].clone();
        let ids = guard.list_findings().detector_id(&detector).send().await.unwrap();
        let all = guard
            .get_findings()
            .detector_id(&detector)
            .set_finding_ids(ids.finding_ids)
            .send()
            .await
            .unwrap();
        let found = all
            .findings()
            .iter()
            .find(|f| f.r#type() == Some("Discovery:IAMUser/AnomalousBehavior"))
            .unwrap();
        found.service().unwrap().count().unwrap()
    };
    let before = seen().await;
    bench.pass(20 * MINUTE);
    assert_eq!(seen().await, before + 4, "GuardDuty sees it again and again");

    let key = "AKIAIOSFODNN7EXAMPLE";
    let iam = bench.iam("us-east-1");
    let set = |status: StatusType| {
        iam.update_access_key().user_name("ci-publisher").access_key_id(key).status(status)
    };
    set(StatusType::Inactive).send().await.unwrap();
    let done = bench.now();
    bench.pass(20 * MINUTE);
    assert_eq!((bench.demo.holding(), seen().await), (vec!["port-open".to_owned()], before + 4));
    assert!(events(&bench, HOME, "ci-publisher", done.plus(MINUTE)).await.is_empty(), "nobody calls with it");
    assert!(bench.alarms(StateValue::Alarm).await.is_empty());
    let used = iam.get_access_key_last_used().access_key_id(key).send().await.unwrap();
    assert_eq!(
        at(*used.access_key_last_used().unwrap().last_used_date().unwrap()).millis() / 60_000,
        done.millis() / 60_000
    );
    assert!(knocks().await > 10, "the port is another matter");

    let group = "sg-0b1c2d3e4f506172a";
    let rule = "sgr-05b7db5e6868c3250";
    bench
        .ec2(HOME)
        .revoke_security_group_ingress()
        .group_id(group)
        .security_group_rule_ids(rule)
        .send()
        .await
        .unwrap();
    bench.pass(5 * MINUTE);
    assert_eq!((bench.demo.holding().len(), knocks().await), (0, 0));
    set(StatusType::Active).send().await.unwrap();
    bench.pass(20 * MINUTE);
    assert_eq!(
        (bench.demo.holding(), bench.alarms(StateValue::Alarm).await.len()),
        (vec!["key-in-use".to_owned()], 1)
    );
}

#[tokio::test]
async fn forgotten_instances_are_where_nobody_looks() {
    let bench = bench("cost-anomaly");
    let far = "ap-southeast-2";
    let found = bench.ec2(far).describe_instances().send().await.unwrap();
    assert_eq!(found.reservations().iter().flat_map(|r| r.instances()).count(), 4);
    let launched = events(&bench, far, "kim@example.com", bench.now().minus(MINUTE * 60 * 24 * 30)).await;
    assert_eq!(launched, ["RunInstances"]);
    let ids: Vec<String> = (1..=4).map(|n| format!("i-0ad5e00000000000{n}")).collect();
    bench.ec2(far).stop_instances().instance_ids(&ids[0]).send().await.unwrap();
    assert_eq!(bench.demo.holding(), ["training-2", "training-3", "training-4"]);
    bench.ec2(far).stop_instances().set_instance_ids(Some(ids.clone())).send().await.unwrap();
    bench.pass(MINUTE);
    assert!(bench.demo.holding().is_empty());
    bench.ec2(far).start_instances().instance_ids(&ids[3]).send().await.unwrap();
    assert_eq!(bench.demo.holding(), ["training-4"]);
}

#[tokio::test]
async fn a_large_account_is_as_large_as_it_says() {
    let base = include_str!("../../../../assets/drills/checkout-outage.toml");
    let text = format!(
        "{base}\n[overrides.scale]\ninstances = 1500\nservices = 400\nclusters = 30\nlog_groups = 2600\nalarms = 600\nusers = 600\n"
    );
    let bench = Bench::of(Drill::parse(&text).unwrap());
    let mut pages = bench.ec2(HOME).describe_instances().max_results(1000).into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().reservations().len());
    }
    assert_eq!(sizes, [1000, 519]);
    let clusters = bench.ecs(HOME).list_clusters().send().await.unwrap();
    assert_eq!(clusters.cluster_arns().len(), 32);
    let mut pages = bench.logs(HOME).describe_log_groups().into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        names.extend(page.unwrap().log_groups().iter().filter_map(|g| g.log_group_name().map(str::to_owned)));
    }
    assert!(names.len() >= 3000 && names.is_sorted(), "{}", names.len());
}
