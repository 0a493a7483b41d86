//! Cost Explorer.

use crate::bench::{Bench, HOME};
use aws_sdk_costexplorer::error::ProvideErrorMetadata;
use aws_sdk_costexplorer::operation::get_cost_and_usage::GetCostAndUsageOutput;
use aws_sdk_costexplorer::types::{
    AnomalyDateInterval, DateInterval, Dimension, DimensionValues, Expression, Granularity, GroupDefinition,
    GroupDefinitionType, Metric, MonitorType,
};
use quarterdeck_demo::{Fault, Trouble};

const CE: &str = "us-east-1";

fn days(start: &str, end: &str) -> DateInterval {
    DateInterval::builder().start(start).end(end).build().unwrap()
}

fn by(kind: GroupDefinitionType, key: &str) -> GroupDefinition {
    GroupDefinition::builder().r#type(kind).key(key).build()
}

fn without_credits() -> Expression {
    let credits =
        DimensionValues::builder().key(Dimension::RecordType).values("Credit").values("Refund").build();
    Expression::builder().not(Expression::builder().dimensions(credits).build()).build()
}

fn amounts(answer: &GetCostAndUsageOutput) -> Vec<(String, String, f64)> {
    let group = |day: &str, g: &aws_sdk_costexplorer::types::Group| {
        let value = &g.metrics().unwrap()["UnblendedCost"];
        assert_eq!(value.unit(), Some("USD"));
        (day.to_owned(), g.keys()[0].clone(), value.amount().unwrap().parse().unwrap())
    };
    let of = |r: &aws_sdk_costexplorer::types::ResultByTime| {
        let day = r.time_period().unwrap().start().to_owned();
        r.groups().iter().map(|g| group(&day, g)).collect::<Vec<_>>()
    };
    answer.results_by_time().iter().flat_map(of).collect()
}

/// The bench begins on 2026-11-20T03:04:05Z.
#[tokio::test]
async fn costs_by_day_group_and_page() {
    let bench = Bench::new();
    let ask =
        || bench.costs(CE).get_cost_and_usage().metrics("UnblendedCost").granularity(Granularity::Daily);
    let service = || by(GroupDefinitionType::Dimension, "SERVICE");
    let week = ask().time_period(days("2026-11-13", "2026-11-20")).group_by(service()).send().await.unwrap();
    assert_eq!(week.results_by_time().len(), 7);
    assert!(week.results_by_time().iter().all(|r| r.estimated()));
    let all = amounts(&week);
    let other: Vec<f64> = all.iter().filter(|a| a.1 == "EC2 - Other").map(|a| a.2).collect();
    assert!(other[0] < 12.0 && other[6] > 30.0, "the gateway begins to cost on the 15th: {other:?}");
    assert!(all.iter().any(|(_, s, amount)| s == "Amazon Simple Queue Service" && *amount < 0.001));
    // With and without credits.
    let net = |filter| ask().time_period(days("2026-11-19", "2026-11-20")).set_filter(filter).send();
    let total = |answer: GetCostAndUsageOutput| -> f64 {
        answer.results_by_time()[0].total().unwrap()["UnblendedCost"].amount().unwrap().parse().unwrap()
    };
    let (with, without) =
        (total(net(None).await.unwrap()), total(net(Some(without_credits())).await.unwrap()));
    assert!((without - with - 12.5).abs() < 1e-6, "{with} {without}");
    // A long period comes in pages, which together are the whole.
    let long = || ask().time_period(days("2026-09-01", "2026-11-20")).group_by(service());
    let (mut pages, mut token, mut read) = (0, None, Vec::new());
    loop {
        let page = long().set_next_page_token(token).send().await.unwrap();
        read.extend(amounts(&page));
        pages += 1;
        token = page.next_page_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert!(pages > 2, "{pages}");
    let mut keys: Vec<_> = read.iter().map(|(day, service, _)| (day.clone(), service.clone())).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), read.len(), "none twice");
    assert!(read.iter().any(|(day, service, _)| day == "2026-10-01" && service == "Amazon Redshift"));
    assert!(
        !read.iter().any(|(day, service, _)| day.as_str() > "2026-10-20" && service == "Amazon Redshift")
    );
    // Today only until now.
    let today = total(ask().time_period(days("2026-11-20", "2026-11-21")).send().await.unwrap());
    assert!(today > 0.0 && today < with / 4.0, "{today} {with}");
}

#[tokio::test]
async fn costs_by_month_account_and_tag() {
    let bench = Bench::new();
    let ask = |group| {
        bench
            .costs(CE)
            .get_cost_and_usage()
            .metrics("UnblendedCost")
            .granularity(Granularity::Monthly)
            .time_period(days("2026-09-15", "2026-11-02"))
            .group_by(group)
            .send()
    };
    let accounts = ask(by(GroupDefinitionType::Dimension, "LINKED_ACCOUNT")).await.unwrap();
    let starts: Vec<&str> =
        accounts.results_by_time().iter().map(|r| r.time_period().unwrap().start()).collect();
    assert_eq!(starts, ["2026-09-15", "2026-10-01", "2026-11-01"]);
    let ends: Vec<&str> = accounts.results_by_time().iter().map(|r| r.time_period().unwrap().end()).collect();
    assert_eq!(ends, ["2026-10-01", "2026-11-01", "2026-11-02"]);
    assert!(!accounts.results_by_time()[0].estimated() && accounts.results_by_time()[2].estimated());
    assert_eq!(amounts(&accounts).iter().filter(|a| a.1 == "111122223333").count(), 3);
    assert_eq!(accounts.dimension_value_attributes()[0].value(), Some("111122223333"));
    let tags = ask(by(GroupDefinitionType::Tag, "team")).await.unwrap();
    assert!(
        amounts(&tags).iter().any(|a| a.1 == "team$shop") && amounts(&tags).iter().any(|a| a.1 == "team$")
    );
    let none = ask(by(GroupDefinitionType::Tag, "owner")).await.unwrap();
    assert!(amounts(&none).iter().all(|a| a.1 == "owner$"));
    let wrong = ask(by(GroupDefinitionType::Dimension, "COLOUR")).await.unwrap_err();
    assert_eq!(wrong.code(), Some("ValidationException"));
    for (start, end) in
        [("2026-11-20", "2026-11-20"), ("2026-11-19", "2026-12-02"), ("2024-01-01", "2024-02-01"), ("x", "y")]
    {
        let asked =
            bench.costs(CE).get_cost_and_usage().metrics("UnblendedCost").granularity(Granularity::Daily);
        let error = asked.time_period(days(start, end)).send().await.unwrap_err();
        assert_eq!(error.code(), Some("ValidationException"), "{start} {end}");
    }
    assert!(bench.sts(HOME).get_caller_identity().send().await.is_ok());
}

#[tokio::test]
async fn forecast_anomalies_and_monitors() {
    let bench = Bench::new();
    let ce = bench.costs(CE);
    let forecast = |start: &str, end: &str| {
        let ask = ce.get_cost_forecast().metric(Metric::UnblendedCost).granularity(Granularity::Daily);
        ask.time_period(days(start, end)).filter(without_credits()).send()
    };
    let rest = forecast("2026-11-20", "2026-12-01").await.unwrap();
    assert_eq!(rest.forecast_results_by_time().len(), 11);
    let total: f64 = rest.total().unwrap().amount().unwrap().parse().unwrap();
    assert!((1_500.0..2_500.0).contains(&total), "{total}");
    assert_eq!(forecast("2026-11-19", "2026-12-01").await.unwrap_err().code(), Some("ValidationException"));
    let find = |start: &str| {
        let interval =
            AnomalyDateInterval::builder().start_date(start).end_date("2026-11-20").build().unwrap();
        ce.get_anomalies().date_interval(interval)
    };
    let all = find("2026-10-20").send().await.unwrap();
    assert_eq!(all.anomalies().len(), 2);
    let first = &all.anomalies()[0];
    assert_eq!(
        (first.anomaly_start_date(), first.anomaly_end_date()),
        (Some("2026-11-15"), Some("2026-11-19"))
    );
    assert_eq!(first.root_causes()[0].usage_type(), Some("EU-NatGateway-Bytes"));
    assert!((first.impact().unwrap().total_impact() - 165.9).abs() < 1e-9);
    assert_eq!(find("2026-11-01").send().await.unwrap().anomalies().len(), 1);
    let page = find("2026-10-20").max_results(1).send().await.unwrap();
    let rest = find("2026-10-20")
        .max_results(1)
        .next_page_token(page.next_page_token().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!((rest.anomalies().len(), rest.next_page_token()), (1, None));
    let monitors = ce.get_anomaly_monitors().send().await.unwrap();
    assert_eq!(monitors.anomaly_monitors()[0].monitor_name(), "every-service");
    assert_eq!(monitors.anomaly_monitors()[0].monitor_type(), &MonitorType::Dimensional);
    assert_eq!(first.monitor_arn(), monitors.anomaly_monitors()[0].monitor_arn().unwrap());
    bench.demo.faults().inject(Fault::new(Trouble::Deny).service("ce").times(1));
    let error = ce.get_anomaly_monitors().send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
    assert!(error.message().unwrap().contains("ce:GetAnomalyMonitors"));
}
