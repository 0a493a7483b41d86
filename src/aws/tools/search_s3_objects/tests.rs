use super::*;
use crate::registry;
use crate::testing::{Canned, Sent};
use serde_json::json;
use std::sync::Arc;

const BUCKETS: &str = "<ListAllMyBucketsResult><Buckets>\
    <Bucket><Name>app-data</Name><BucketRegion>eu-central-1</BucketRegion></Bucket>\
    <Bucket><Name>app-logs</Name><BucketRegion>eu-west-1</BucketRegion></Bucket>\
    </Buckets></ListAllMyBucketsResult>";

fn contents(keys: &[&str], token: Option<&str>) -> String {
    let keys: String =
        keys.iter().map(|k| format!("<Contents><Key>{k}</Key><Size>5</Size></Contents>")).collect();
    let token =
        token.map_or_else(String::new, |t| format!("<NextContinuationToken>{t}</NextContinuationToken>"));
    format!("<ListBucketResult>{keys}{token}</ListBucketResult>")
}

/// Virtual-hosted requests have the same path: told apart by their region.
fn account(data: &'static [&'static str]) -> Canned {
    Canned::new().with("s3", "GET /", move |sent: &Sent| {
        let body = match (sent.query.contains("list-type=2"), sent.region.as_str()) {
            (false, _) => BUCKETS.to_owned(),
            (true, "eu-central-1") => contents(data, None),
            (true, _) => contents(&["alb/2026/Report.CSV", "report.csv.gz"], None),
        };
        (200, body.into_bytes())
    })
}

async fn search(canned: &Canned, args: serde_json::Value) -> Result<Projection, Fault> {
    let aws = canned.aws(&["eu-west-1"]);
    registry::read(&aws, "search_s3_objects", &args, Arc::new(|_| ())).await.map(|(read, _)| read)
}

fn keys(found: &Projection) -> Vec<String> {
    found.rows.iter().map(|r| found.cell(r, "key").unwrap().plain()).collect()
}

#[tokio::test]
async fn the_file_name_or_the_whole_key_in_any_case() {
    let canned = account(&["report.csv", "old/report.csv.bak", "REPORT.CSV/part-1", "x/rePort.csv"]);
    for (name, exact, want) in [
        ("report.csv", true, vec!["report.csv", "x/rePort.csv", "alb/2026/Report.CSV"]),
        ("X/REPORT.csv", true, vec!["x/rePort.csv"]),
        ("port.csv", true, vec![]),
        ("old/", false, vec!["old/report.csv.bak"]),
        (
            "REPORT",
            false,
            vec![
                "report.csv",
                "old/report.csv.bak",
                "REPORT.CSV/part-1",
                "x/rePort.csv",
                "alb/2026/Report.CSV",
                "report.csv.gz",
            ],
        ),
    ] {
        let found = search(&canned, json!({ "search_name": name, "exact_match": exact })).await.unwrap();
        assert_eq!(keys(&found), want, "{name} {exact}");
    }
    let none = search(&canned, json!({ "search_name": "nothing" })).await.unwrap();
    assert_eq!(
        none.summary,
        "No object named \"nothing\" in 2 buckets of the account: all 6 keys were compared."
    );
}

#[tokio::test]
async fn at_the_ceiling_it_is_never_not_found() {
    let canned = Canned::new().with("s3", "GET /", |sent: &Sent| {
        let body = if sent.query.contains("list-type=2") {
            let keys: Vec<String> = (0..1_000).map(|n| format!("k{n}")).collect();
            contents(&keys.iter().map(String::as_str).collect::<Vec<_>>(), Some("more"))
        } else {
            BUCKETS.to_owned()
        };
        (200, body.into_bytes())
    });
    let found = search(&canned, json!({ "search_name": "rare.txt" })).await.unwrap();
    assert!(found.summary.starts_with("Not found in the first 10000 keys of 2 buckets"), "{}", found.summary);
    assert!(found.summary.contains("may still exist"));
    let truncated = found.truncated.unwrap();
    assert!(truncated.contains("the first 5000 keys of app-data"), "{truncated}");
    assert_eq!(canned.sent().iter().filter(|s| s.query.contains("list-type=2")).count(), 10);
}

#[tokio::test]
async fn a_bucket_that_refuses_is_told_and_the_others_are_searched() {
    let canned = account(&["report.csv"]).with("s3", "GET /", |sent: &Sent| {
        match (sent.query.contains("list-type=2"), sent.region.as_str()) {
            (false, _) => (200, BUCKETS.as_bytes().to_vec()),
            (true, "eu-west-1") => (403, b"<Error><Code>AccessDenied</Code></Error>".to_vec()),
            (true, _) => (200, contents(&["a"], None).into_bytes()),
        }
    });
    let found = search(&canned, json!({ "search_name": "report.csv" })).await.unwrap();
    assert!(found.summary.starts_with("Not found in the first 1 key of 1 bucket"), "{}", found.summary);
    assert_eq!((found.errors.len(), found.errors[0].place.as_str()), (1, "app-logs"));
    assert_eq!(found.errors[0].fault.action.as_deref(), Some("s3:ListBucket"));
}

#[test]
fn addresses_and_wildcards_are_taken_apart() {
    let args = |name: &str| Args {
        search_name: name.to_owned(),
        bucket: None,
        prefix: None,
        exact_match: true,
        accounts: None,
    };
    for (bad, hint) in [
        ("s3://app-data/x/y.csv", "\"x/y.csv\""),
        ("arn:aws:s3:::app-data/x/y.csv", "\"app-data\""),
        ("*.csv", "exact_match false"),
    ] {
        let fault = SearchS3Objects::check(&args(bad)).unwrap_err();
        assert!(fault.hint.as_ref().unwrap().contains(hint), "{bad}: {fault}");
    }
    SearchS3Objects::check(&args("Größe (1).pdf")).unwrap();
}
