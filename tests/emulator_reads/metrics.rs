//! Metrics, databases and Insights queries.

use super::common::calls::{column, not_allowed, ok, read, refusal, unique};
use super::common::emulator::{Emulator, HERE, fresh};
use quarterdeck_aws::registry;
use quarterdeck_core::tool::FaultKind;
use serde_json::{Value, json};
use std::sync::Arc;

const REGIONS: [&str; 3] = [HERE, "eu-central-1", "us-east-1"];

/// Points of a metric, each with its age in seconds.
fn put(emulator: &mut Emulator, region: &str, name: &str, of: &str, points: &[(i64, f64)]) {
    let now = quarterdeck::engine::clock::system()().millis() / 1_000;
    for part in points.chunks(20) {
        let data: Vec<Value> = part
            .iter()
            .map(|(age, value)| {
                json!({ "MetricName": name, "Timestamp": now - age, "Value": value,
                    "Dimensions": [{ "Name": "DBInstanceIdentifier", "Value": of }] })
            })
            .collect();
        let args = json!({ "Namespace": "AWS/RDS", "MetricData": data });
        emulator.boto("cloudwatch", region, "put_metric_data", args);
    }
}

fn asked(of: &str) -> Value {
    json!({ "namespace": "AWS/RDS", "metric": "DatabaseConnections", "dimensions": { "DBInstanceIdentifier": of } })
}

/// Half an hour at 120, half an hour at 480, with a hole.
fn step() -> Vec<(i64, f64)> {
    let holes = [20, 21, 22];
    let minutes = (1..=60).filter(|m| !holes.contains(m));
    minutes.map(|m| (m * 60 + 30, if m > 30 { 120.0 } else { 480.0 })).collect()
}

#[tokio::test]
async fn a_metric_over_time() {
    let mut emulator = fresh().await;
    put(&mut emulator, HERE, "DatabaseConnections", "orders-db", &step());
    let aws = emulator.aws(&[HERE]);
    let all = ok(&aws, "get_metrics", asked("orders-db")).await;
    assert!(all.summary.contains("max 480") && all.summary.contains("min 120"), "{}", all.summary);
    assert!(all.summary.contains("rose from about 120 to about 480"), "{}", all.summary);
    assert!(column(&all, "note").iter().any(|n| n == "no data"), "{:?}", all.rows);
    assert!(all.notes.iter().any(|n| n.contains("gaps, not zeros")), "{:?}", all.notes);
    assert!(all.series[0].points.len() >= 55 && all.rows.len() <= 60, "{}", all.series[0].points.len());
    assert_eq!((emulator.count("GetMetricData"), emulator.count("ListMetrics")), (1, 0));
    // moto has no percentiles.
    for (statistic, word) in [("max", "Maximum"), ("samplecount", "SampleCount"), ("Sum", "Sum")] {
        let mut args = asked("orders-db");
        args["statistic"] = statistic.into();
        let found = ok(&aws, "get_metrics", args).await;
        assert!(found.summary.contains(word), "{}", found.summary);
    }
}

#[tokio::test]
async fn a_metric_without_points_names_the_nearest() {
    let mut emulator = fresh().await;
    put(&mut emulator, HERE, "DatabaseConnections", "orders-db", &step());
    put(&mut emulator, HERE, "CPUUtilization", "orders-db", &[(90, 10.0)]);
    let aws = emulator.aws(&[HERE]);
    let with = |key: &str, value: Value| {
        let mut args = asked("orders-db");
        args[key] = value;
        args
    };
    for (args, word) in [
        (asked("order-db"), "DBInstanceIdentifier=orders-db"),
        (with("dimensions", json!({ "DBClusterIdentifier": "orders" })), "DBInstanceIdentifier=orders-db"),
        (with("metric", json!("DatabaseConnection")), "the nearest: DatabaseConnections"),
        // moto does not look at the namespace of a query: other namespaces are judged by canned answers.
    ] {
        let found = ok(&aws, "get_metrics", args.clone()).await;
        assert!(found.rows.is_empty() && found.summary.contains(word), "{args}: {}", found.summary);
        assert!(found.summary.contains(HERE), "{}", found.summary);
    }
}

#[tokio::test]
async fn a_metric_throttled_denied_and_in_two_of_three_regions() {
    let mut emulator = fresh().await;
    for region in REGIONS {
        put(&mut emulator, region, "DatabaseConnections", "orders-db", &step());
    }
    let aws = emulator.aws(&[HERE]);
    emulator.rules(refusal("GetMetricData", "ThrottlingException", "Rate exceeded", 1));
    let (found, stats) = read(&aws, "get_metrics", asked("orders-db")).await.unwrap();
    assert_eq!((stats.requests, stats.retries, found.errors.len()), (2, 1, 0));
    emulator.rules(refusal("GetMetricData", "ThrottlingException", "Rate exceeded", -1));
    let fault = read(&aws, "get_metrics", asked("orders-db")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Throttled, "{fault}");
    emulator.rules(refusal("GetMetricData", "AccessDenied", &not_allowed("cloudwatch:GetMetricData"), -1));
    let fault = read(&aws, "get_metrics", asked("orders-db")).await.unwrap_err();
    assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some("cloudwatch:GetMetricData")));

    emulator.rules(json!([{ "region": "us-east-1", "operation": "GetMetricData", "code": "InternalServiceFault", "status": 500, "times": -1 }]));
    let part = ok(&emulator.aws(&REGIONS), "get_metrics", asked("orders-db")).await;
    assert_eq!((part.errors.len(), part.errors[0].place.as_str()), (1, "us-east-1"));
    assert_eq!((unique(&part, "region"), part.series.len()), (2, 2));
    assert!(part.rows.len() <= 60);
}

fn database(emulator: &mut Emulator, region: &str, id: &str, extra: Value) {
    let mut args = json!({ "DBInstanceIdentifier": id, "DBInstanceClass": "db.m6g.large", "Engine": "postgres",
        "AllocatedStorage": 100, "MasterUsername": "app", "MasterUserPassword": "hunter2hunter2" });
    if let (Some(args), Value::Object(extra)) = (args.as_object_mut(), extra) {
        args.extend(extra);
    }
    emulator.boto("rds", region, "create_db_instance", args);
}

const NO_MAINTENANCE: &str = "<DescribePendingMaintenanceActionsResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><DescribePendingMaintenanceActionsResult><PendingMaintenanceActions/></DescribePendingMaintenanceActionsResult></DescribePendingMaintenanceActionsResponse>";

/// moto has no pending maintenance.
fn maintained(emulator: &mut Emulator) {
    emulator.canned(json!({ "rds:DescribePendingMaintenanceActions": NO_MAINTENANCE }));
}

#[tokio::test]
async fn databases_as_they_are() {
    let mut emulator = fresh().await;
    let pending = NO_MAINTENANCE.replace("<PendingMaintenanceActions/>", "<PendingMaintenanceActions><ResourcePendingMaintenanceActions><ResourceIdentifier>arn:aws:rds:eu-west-1:123456789012:db:orders-db</ResourceIdentifier><PendingMaintenanceActionDetails><PendingMaintenanceAction><Action>system-update</Action></PendingMaintenanceAction></PendingMaintenanceActionDetails></ResourcePendingMaintenanceActions></PendingMaintenanceActions>");
    emulator.canned(json!({ "rds:DescribePendingMaintenanceActions": pending }));
    database(&mut emulator, HERE, "orders-db", json!({ "MultiAZ": true }));
    database(&mut emulator, HERE, "public-db", json!({ "PubliclyAccessible": true }));
    database(&mut emulator, "eu-central-1", "other-db", json!({}));
    let cluster = json!({ "DBClusterIdentifier": "catalogue", "Engine": "aurora-postgresql", "MasterUsername": "app", "MasterUserPassword": "hunter2hunter2" });
    emulator.boto("rds", HERE, "create_db_cluster", cluster);
    for id in ["catalogue-1", "catalogue-2"] {
        let args = json!({ "DBInstanceIdentifier": id, "DBInstanceClass": "db.r6g.large", "Engine": "aurora-postgresql", "DBClusterIdentifier": "catalogue" });
        emulator.boto("rds", HERE, "create_db_instance", args);
    }
    put(&mut emulator, HERE, "DatabaseConnections", "orders-db", &[(90, 850.0), (150, 10.0)]);
    put(&mut emulator, HERE, "FreeStorageSpace", "orders-db", &[(90, 3.0e9)]);
    let aws = emulator.aws(&[HERE]);
    let all = ok(&aws, "list_rds_instances", json!({})).await;
    assert!(all.errors.is_empty(), "{:?}", all.errors);
    assert_eq!(all.rows.len(), 4, "this region's and no other's");
    let row = |id: &str| all.rows.iter().position(|r| all.cell(r, "id").unwrap().plain() == id).unwrap();
    assert_eq!(row("orders-db"), 0, "the most urgent first: {}", all.summary);
    let cell = |id: &str, name: &str| all.cell(&all.rows[row(id)], name).unwrap().plain();
    assert_eq!(
        (cell("orders-db", "connections").as_str(), cell("orders-db", "max_connections_about").as_str()),
        ("850", "901")
    );
    assert!(
        cell("orders-db", "attention").contains("storage 3 % free"),
        "{}",
        cell("orders-db", "attention")
    );
    assert_eq!(cell("orders-db", "pending"), "system-update");
    assert_eq!(cell("public-db", "public"), "true");
    assert!(
        cell("catalogue-1", "engine").starts_with("Aurora PostgreSQL"),
        "{}",
        cell("catalogue-1", "engine")
    );
    let mut roles = [cell("catalogue-1", "role"), cell("catalogue-2", "role")];
    roles.sort();
    assert_eq!(roles, ["reader", "writer"]);
    let text = serde_json::to_string(&all).unwrap();
    assert!(!text.contains("hunter2"), "passwords are never returned");
    assert_eq!(emulator.count("GetMetricData"), 1, "one request for all of them");
    for operation in
        ["DescribeDBInstances", "DescribeDBClusters", "DescribeEvents", "DescribePendingMaintenanceActions"]
    {
        assert_eq!(emulator.count(operation), 1, "{operation}");
    }
    let cluster = ok(&aws, "list_rds_instances", json!({ "id": "catalogue" })).await;
    assert_eq!(column(&cluster, "id"), ["catalogue-1", "catalogue-2"]);
    let fault = read(&aws, "list_rds_instances", json!({ "id": "order-db" })).await.unwrap_err();
    assert!(
        fault.kind == FaultKind::Missing && fault.hint.as_ref().unwrap().contains("orders-db"),
        "{fault:?}"
    );
}

#[tokio::test]
async fn databases_page_after_page() {
    let mut emulator = fresh().await;
    maintained(&mut emulator);
    for n in 0..105 {
        database(&mut emulator, HERE, &format!("db-{n:03}"), json!({}));
    }
    let aws = emulator.aws(&[HERE]);
    let all = ok(&aws, "list_rds_instances", json!({})).await;
    assert_eq!((all.rows.len(), unique(&all, "id"), all.total), (105, 105, 105));
    assert_eq!((emulator.count("DescribeDBInstances"), emulator.count("GetMetricData")), (2, 1));
    // Denied in the middle: what was read is told, and what is missing.
    emulator.rules(json!([{ "operation": "DescribeDBInstances", "code": "AccessDenied", "status": 403, "after": 1, "times": -1,
        "message": not_allowed("rds:DescribeDBInstances") }]));
    let half = ok(&aws, "list_rds_instances", json!({})).await;
    assert_eq!((half.rows.len(), half.errors.len()), (100, 1));
    assert!(half.errors[0].place.contains("after the first 100"), "{:?}", half.errors);
}

#[tokio::test]
async fn databases_throttled_denied_and_in_two_of_three_regions() {
    let mut emulator = fresh().await;
    maintained(&mut emulator);
    for region in REGIONS {
        database(&mut emulator, region, "orders-db", json!({}));
    }
    let aws = emulator.aws(&[HERE]);
    emulator.rules(refusal("DescribeDBInstances", "Throttling", "Rate exceeded", 1));
    let (found, stats) = read(&aws, "list_rds_instances", json!({})).await.unwrap();
    assert_eq!((found.rows.len(), stats.retries), (1, 1));
    emulator.rules(refusal("DescribeDBInstances", "Throttling", "Rate exceeded", -1));
    assert_eq!(read(&aws, "list_rds_instances", json!({})).await.unwrap_err().kind, FaultKind::Throttled);
    let denied = json!([{ "operation": "DescribeDBInstances", "code": "AccessDenied", "status": 403, "times": -1,
        "message": not_allowed("rds:DescribeDBInstances") }]);
    emulator.rules(denied);
    let fault = read(&aws, "list_rds_instances", json!({})).await.unwrap_err();
    assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some("rds:DescribeDBInstances")));
    emulator.rules(json!([{ "region": "us-east-1", "service": "rds", "code": "InternalFailure", "status": 500, "times": -1 }]));
    let part = ok(&emulator.aws(&REGIONS), "list_rds_instances", json!({})).await;
    assert_eq!((part.rows.len(), part.errors.len(), part.errors[0].place.as_str()), (2, 1, "us-east-1"));
    emulator.rules(json!([]));
    let none = ok(&emulator.aws(&["eu-north-1"]), "list_rds_instances", json!({})).await;
    assert_eq!(none.summary, "No database instances in eu-north-1");
}

fn query(group: &str, query: &str) -> Value {
    json!({ "log_groups": [group], "query": query })
}

#[tokio::test]
async fn an_insights_query() {
    let mut emulator = fresh().await;
    let lines: Vec<(u64, String)> = (1..=30).map(|n| (n * 60, format!("line {n}"))).collect();
    emulator.lines(HERE, "/ecs/checkout", "ecs/app/1", &lines);
    let aws = emulator.aws(&[HERE]);
    let asked = query("/ecs/checkout", "fields @timestamp, @message | sort @timestamp desc | limit 5");
    let found = ok(&aws, "query_logs_insights", asked.clone()).await;
    assert_eq!(column(&found, "@message"), ["line 1", "line 2", "line 3", "line 4", "line 5"]);
    assert!(found.columns.iter().all(|c| c.name != "@ptr"), "{:?}", found.columns);
    assert!(found.summary.contains("5 rows from /ecs/checkout in eu-west-1"), "{}", found.summary);
    assert_eq!((emulator.count("StartQuery"), emulator.count("StopQuery")), (1, 0));

    emulator.forget();
    emulator.rules(refusal("StartQuery", "ThrottlingException", "Rate exceeded", 1));
    assert_eq!(ok(&aws, "query_logs_insights", asked.clone()).await.rows.len(), 5);
    assert_eq!(emulator.count("StartQuery"), 2, "started once more, because it was not started");
    emulator.rules(refusal("StartQuery", "AccessDeniedException", &not_allowed("logs:StartQuery"), -1));
    let fault = read(&aws, "query_logs_insights", asked.clone()).await.unwrap_err();
    assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some("logs:StartQuery")));
    emulator.rules(json!([]));
    let fault = read(&aws, "query_logs_insights", query("/ecs/chekout", "limit 1")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing, "{fault}");
    assert!(fault.hint.as_ref().is_some_and(|h| h.contains("/ecs/checkout")), "{fault:?}");
    let part = ok(&emulator.aws(&[HERE, "us-east-1"]), "query_logs_insights", asked).await;
    assert_eq!(
        (part.rows.len(), part.errors[0].fault.kind),
        (5, FaultKind::Missing),
        "the group is in one region only"
    );
}

/// What CloudWatch would say of a group that took in so much.
fn incoming(bytes: f64) -> Value {
    let at = quarterdeck::engine::clock::system()().millis() / 1_000 - 120;
    json!({ "monitoring:GetMetricData": { "MetricDataResults": [{ "Id": "m0", "Label": "IncomingBytes",
        "Timestamps": [at], "Values": [bytes], "StatusCode": "Complete" }], "Messages": [] } })
}

#[tokio::test]
async fn a_query_over_its_budget_is_a_question() {
    let mut emulator = fresh().await;
    emulator.lines(HERE, "/ecs/checkout", "ecs/app/1", &[(60, "a line".to_owned())]);
    emulator.canned(incoming(38.2e9));
    let aws = emulator.aws(&[HERE]);
    let asked = query("/ecs/checkout", "fields @message");
    let fault = read(&aws, "query_logs_insights", asked.clone()).await.unwrap_err();
    assert!(fault.kind == FaultKind::Refused && fault.message.contains("38.2 GB (about $0.19)"), "{fault}");
    assert_eq!(emulator.count("StartQuery"), 0, "nothing was started");
    let allowed =
        registry::read_allowed(&aws, "query_logs_insights", &asked, fault.allowance, Arc::new(|_| ()));
    assert_eq!(allowed.await.unwrap().0.rows.len(), 1);
}

/// A query that passes its budget, and one that nobody waits for: both are stopped at AWS.
#[tokio::test]
async fn a_running_query_is_stopped() {
    let mut emulator = fresh().await;
    emulator.lines(HERE, "/ecs/checkout", "ecs/app/1", &[(60, "a line".to_owned())]);
    let running = |bytes: f64| {
        json!({ "logs:GetQueryResults": { "status": "Running", "results": [[{ "field": "@message", "value": "a line" }]],
            "statistics": { "recordsMatched": 1.0, "recordsScanned": 1.0, "bytesScanned": bytes } },
            "logs:StopQuery": { "success": true } })
    };
    emulator.canned(running(11e9));
    let aws = emulator.aws(&[HERE]);
    let asked = query("/ecs/checkout", "fields @message");
    let found = ok(&aws, "query_logs_insights", asked.clone()).await;
    assert!(found.rows.len() == 1 && found.summary.contains("scanned more than 10 GB"), "{}", found.summary);
    assert_eq!(emulator.count("StopQuery"), 1);

    emulator.canned(running(1e9));
    emulator.forget();
    let mut farewells = aws.farewells().unwrap();
    let call = read(&aws, "query_logs_insights", asked);
    assert!(tokio::time::timeout(std::time::Duration::from_secs(2), call).await.is_err());
    assert_eq!((emulator.count("StartQuery"), emulator.count("StopQuery")), (1, 0));
    farewells.try_recv().expect("a last request").await;
    assert_eq!(emulator.count("StopQuery"), 1);
}
