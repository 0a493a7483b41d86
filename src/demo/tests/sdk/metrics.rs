//! RDS, Insights queries, and CloudWatch's pages.

use crate::bench::{Bench, HOME};
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, StatusCode};
use aws_sdk_cloudwatchlogs::operation::start_query::StartQueryError;
use aws_sdk_cloudwatchlogs::types::QueryStatus;
use aws_sdk_rds::error::ProvideErrorMetadata;
use aws_sdk_rds::types::{Filter, SourceType};
use quarterdeck_core::Timestamp;
use quarterdeck_demo::{Drill, Fault, Trouble};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const GROUP: &str = "/ecs/shop/checkout-api";
const FLOW: &str = "/vpc/shop/flow-logs";

fn moment(t: Timestamp) -> aws_smithy_types::DateTime {
    aws_smithy_types::DateTime::from_millis(t.millis())
}

#[tokio::test]
async fn rds_instances_and_clusters() {
    let bench = Bench::new();
    let rds = bench.rds(HOME);
    let all = rds.describe_db_instances().send().await.unwrap();
    let ids: Vec<_> = all.db_instances().iter().map(|i| i.db_instance_identifier().unwrap()).collect();
    assert_eq!(
        ids,
        ["catalogue-1", "catalogue-2", "checkout-db", "orders-db", "orders-db-replica", "sessions-1"]
    );
    let checkout = &all.db_instances()[2];
    assert_eq!(
        (checkout.engine(), checkout.db_instance_status(), checkout.multi_az()),
        (Some("postgres"), Some("available"), Some(true))
    );
    assert_eq!(checkout.endpoint().unwrap().port(), Some(5432));
    assert_eq!(checkout.db_parameter_groups()[0].db_parameter_group_name(), Some("default.postgres16"));
    assert_eq!(checkout.db_instance_arn(), Some("arn:aws:rds:eu-west-1:123456789012:db:checkout-db"));
    let one = rds.describe_db_instances().db_instance_identifier("Orders-DB").send().await.unwrap();
    assert_eq!(one.db_instances().len(), 1);
    let error = rds.describe_db_instances().db_instance_identifier("nothing").send().await.unwrap_err();
    assert_eq!(error.code(), Some("DBInstanceNotFound"));
    assert!(error.as_service_error().unwrap().is_db_instance_not_found_fault());
    let error = rds.describe_db_instances().max_records(5).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    let filter = Filter::builder().name("db-cluster-id").values("catalogue").build();
    let found = rds.describe_db_instances().filters(filter).send().await.unwrap();
    assert_eq!(found.db_instances().len(), 2);

    let clusters = rds.describe_db_clusters().send().await.unwrap();
    let catalogue = &clusters.db_clusters()[0];
    let members: Vec<_> = catalogue
        .db_cluster_members()
        .iter()
        .map(|m| (m.db_instance_identifier().unwrap(), m.is_cluster_writer().unwrap()))
        .collect();
    assert_eq!(members, [("catalogue-1", true), ("catalogue-2", false)]);
    let error = rds.describe_db_clusters().db_cluster_identifier("nothing").send().await.unwrap_err();
    assert_eq!(error.code(), Some("DBClusterNotFoundFault"));
    assert_eq!(
        bench.rds("eu-central-1").describe_db_instances().send().await.unwrap().db_instances().len(),
        1
    );

    bench.demo.faults().inject(Fault::new(Trouble::Deny).service("rds").times(1));
    let error = rds.describe_db_instances().send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDenied"));
    assert!(error.message().unwrap().contains("rds:DescribeDBInstances"));
}

#[tokio::test]
async fn rds_events_and_maintenance() {
    let bench = Bench::new();
    let rds = bench.rds(HOME);
    let recent = rds.describe_events().send().await.unwrap();
    assert!(recent.events().is_empty(), "an hour unless told otherwise");
    let week = rds
        .describe_events()
        .start_time(moment(bench.now().minus(MINUTE * 60 * 24 * 7)))
        .send()
        .await
        .unwrap();
    let of: Vec<_> = week
        .events()
        .iter()
        .map(|e| (e.source_identifier().unwrap(), e.event_categories()[0].as_str()))
        .collect();
    assert_eq!(
        of,
        [
            ("orders-db", "failover"),
            ("orders-db", "failover"),
            ("checkout-db", "backup"),
            ("checkout-db", "backup")
        ]
    );
    let one = rds
        .describe_events()
        .source_identifier("catalogue")
        .source_type(SourceType::DbCluster)
        .start_time(moment(bench.now().minus(MINUTE * 60 * 24 * 13)));
    assert_eq!(one.send().await.unwrap().events().len(), 1);
    let error = rds.describe_events().source_identifier("catalogue").send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterCombination"));
    let error = rds
        .describe_events()
        .start_time(moment(bench.now().minus(MINUTE * 60 * 24 * 15)))
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    let pending = rds.describe_pending_maintenance_actions().send().await.unwrap();
    let of = &pending.pending_maintenance_actions()[0];
    assert_eq!(of.resource_identifier(), Some("arn:aws:rds:eu-west-1:123456789012:db:checkout-db"));
    assert_eq!(of.pending_maintenance_action_details()[0].action(), Some("system-update"));
}

/// What a drill may do to a database: its status and what happened to it.
#[tokio::test]
async fn a_story_may_fill_a_database() {
    let drill = r#"
name = "full"
summary = "A database is full."
cause = "Nobody looked at how much was left of it."
ask = ["what is wrong?"]
evidence = ["storage-full"]
[fix]
says = "Give it more."
command = ["aws", "rds", "modify-db-instance"]
[[condition]]
name = "full"
from = "-10m"
[[overrides.databases.instance]]
id = "checkout-db"
engine = "postgres"
version = "16.4"
class = "db.t4g.small"
az = "a"
port = 5432
storage = 400
created = "410d"
when = [{ during = "full", status = "storage-full" }]
event = [
  { at = "-9m", during = "full", categories = ["low storage"], message = "The free storage capacity is low at 0%" },
  { at = "-20m", during = "full", categories = ["low storage"], message = "never happened" },
]
"#;
    let bench = Bench::of(Drill::parse(drill).unwrap());
    let rds = bench.rds(HOME);
    let found = rds.describe_db_instances().db_instance_identifier("checkout-db").send().await.unwrap();
    assert_eq!(found.db_instances()[0].db_instance_status(), Some("storage-full"));
    let events = rds.describe_events().duration(60).send().await.unwrap();
    let told: Vec<_> = events.events().iter().map(|e| e.message().unwrap()).collect();
    assert_eq!(told, ["The free storage capacity is low at 0%"]);
}

async fn start(bench: &Bench, group: &str, query: &str, minutes: u32) -> String {
    let now = bench.now().millis() / 1_000;
    let started = bench
        .logs(HOME)
        .start_query()
        .log_group_names(group)
        .query_string(query)
        .start_time(now - i64::from(minutes) * 60)
        .end_time(now)
        .send()
        .await
        .unwrap();
    started.query_id().unwrap().to_owned()
}

#[tokio::test]
async fn a_query_finds_what_the_lines_say() {
    let bench = Bench::new();
    let logs = bench.logs(HOME);
    let id = start(
        &bench,
        GROUP,
        "filter @message like /level=info/ | stats count(*) as n by bin(5m) | sort n desc",
        60,
    )
    .await;
    let found = logs.get_query_results().query_id(&id).send().await.unwrap();
    assert_eq!(found.status(), Some(&QueryStatus::Complete));
    assert!(found.results().len() >= 12, "{}", found.results().len());
    let names: Vec<_> = found.results()[0].iter().map(|f| f.field().unwrap()).collect();
    assert_eq!(names, ["bin(5m)", "n"]);
    let count: f64 = found.results().iter().map(|r| r[1].value().unwrap().parse::<f64>().unwrap()).sum();
    let statistics = found.statistics().unwrap();
    assert_eq!(statistics.records_matched(), count);
    assert!(statistics.records_scanned() >= count && statistics.bytes_scanned() > 10_000.0);

    // As many bytes as CloudWatch says came in.
    let metric = Metric::builder()
        .namespace("AWS/Logs")
        .metric_name("IncomingBytes")
        .dimensions(Dimension::builder().name("LogGroupName").value(GROUP).build())
        .build();
    let stat = MetricStat::builder().metric(metric).period(3_600).stat("Sum").build();
    let query = MetricDataQuery::builder().id("m0").metric_stat(stat).build();
    let cw = bench.cloudwatch(HOME);
    let asked = cw.get_metric_data().metric_data_queries(query);
    let data = asked
        .start_time(moment(bench.now().minus(MINUTE * 60)))
        .end_time(moment(bench.now()))
        .send()
        .await
        .unwrap();
    let incoming: f64 = data.metric_data_results()[0].values().iter().sum();
    let scanned = statistics.bytes_scanned();
    assert!((incoming - scanned).abs() < scanned / 100.0, "{incoming} came in, {scanned} scanned");
    let listed = cw.list_metrics().namespace("AWS/Logs").metric_name("IncomingBytes").send().await.unwrap();
    assert!(listed.metrics().len() > 3);

    let start = |query: &str, group: &str| {
        logs.start_query().log_group_name(group).query_string(query).start_time(0).end_time(1).send()
    };
    let error = start("stats cnt(*)", GROUP).await.unwrap_err();
    let Some(StartQueryError::MalformedQueryException(malformed)) = error.as_service_error() else {
        panic!("{error:?}")
    };
    let compile = malformed.query_compile_error().unwrap();
    assert_eq!(compile.location().unwrap().start_char_offset(), Some(6));
    assert!(compile.message().unwrap().contains("count"));
    let error = start("limit 1", "/nowhere").await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_resource_not_found_exception());
    let error = logs.get_query_results().query_id("xyz").send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_resource_not_found_exception());
    let error = logs.stop_query().query_id(&id).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterException"), "it has ended");
}

#[tokio::test]
async fn a_large_query_takes_time_and_can_be_stopped() {
    let bench = Bench::new();
    let logs = bench.logs(HOME);
    let id = start(&bench, FLOW, "stats count(*) as n", 20).await;
    let look = || async { logs.get_query_results().query_id(&id).send().await.unwrap() };
    assert_eq!(look().await.status(), Some(&QueryStatus::Running));
    bench.pass(Duration::from_secs(3));
    let half = look().await;
    let bytes = half.statistics().unwrap().bytes_scanned();
    assert!((2e9..=3e9).contains(&bytes), "a GB a second: {bytes}");
    assert!(logs.stop_query().query_id(&id).send().await.unwrap().success());
    bench.pass(MINUTE * 5);
    let stopped = look().await;
    assert_eq!(stopped.status(), Some(&QueryStatus::Cancelled));
    assert_eq!(stopped.statistics().unwrap().bytes_scanned(), bytes, "nothing was scanned since");
    let id = start(&bench, FLOW, "stats count(*) as n", 20).await;
    bench.pass(MINUTE * 2);
    let whole = logs.get_query_results().query_id(&id).send().await.unwrap();
    assert_eq!(whole.status(), Some(&QueryStatus::Complete));
    assert!(whole.statistics().unwrap().bytes_scanned() > 10e9);
}

#[tokio::test]
async fn metric_data_comes_in_pages() {
    let bench = Bench::new();
    let cw = bench.cloudwatch(HOME);
    let query = |n: usize, id: &str| {
        let dimension = Dimension::builder().name("DBInstanceIdentifier").value(id).build();
        let metric = Metric::builder()
            .namespace("AWS/RDS")
            .metric_name("CPUUtilization")
            .dimensions(dimension)
            .build();
        let stat = MetricStat::builder().metric(metric).period(60).stat("Average").build();
        MetricDataQuery::builder().id(format!("m{n}")).metric_stat(stat).build()
    };
    let queries = || vec![query(0, "orders-db"), query(1, "nothing"), query(2, "checkout-db")];
    let (mut token, mut pages, mut counts) = (None, 0, [0, 0, 0]);
    loop {
        let answer = cw
            .get_metric_data()
            .set_metric_data_queries(Some(queries()))
            .start_time(moment(bench.now().minus(MINUTE * 10)))
            .end_time(moment(bench.now()))
            .max_datapoints(8)
            .set_next_token(token)
            .send()
            .await
            .unwrap();
        pages += 1;
        for result in answer.metric_data_results() {
            let n: usize = result.id().unwrap()[1..].parse().unwrap();
            counts[n] += result.values().len();
            let whole = result.status_code() == Some(&StatusCode::Complete);
            assert_eq!(whole, counts[n] == 11 || n == 1, "m{n} after page {pages}: {counts:?}");
        }
        token = answer.next_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!((pages, counts), (3, [11, 0, 11]));
    let many = (0..501).map(|n| query(n, "orders-db")).collect();
    let asked = cw
        .get_metric_data()
        .set_metric_data_queries(Some(many))
        .start_time(moment(bench.now().minus(MINUTE)))
        .end_time(moment(bench.now()));
    let error = asked.send().await.unwrap_err();
    assert_eq!(aws_sdk_cloudwatch::error::ProvideErrorMetadata::code(&error), Some("ValidationError"));
}
