use super::*;
use crate::registry;
use crate::testing::Canned;
use quarterdeck_core::tool::FaultKind;
use serde_json::json;
use std::sync::Arc;

const BUCKET: &str = "app-data";

fn page(keys: std::ops::Range<usize>, token: Option<&str>) -> String {
    let contents: String = keys
        .map(|n| {
            format!(
                "<Contents><Key>daily/a+b-{n:04}%2B.csv</Key><LastModified>2026-11-19T01:02:03.000Z</LastModified><Size>1500</Size><StorageClass>STANDARD</StorageClass></Contents>"
            )
        })
        .collect();
    let more = token.map_or_else(String::new, |t| {
        format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{t}</NextContinuationToken>")
    });
    format!(
        "<ListBucketResult><EncodingType>url</EncodingType>{contents}<CommonPrefixes><Prefix>my+logs/</Prefix></CommonPrefixes>{more}</ListBucketResult>"
    )
}

/// A bucket in eu-central-1 of 2,500 keys.
fn account() -> Canned {
    Canned::new().with("s3", "HEAD /", |_| (200, Vec::new())).with("s3", "GET /", |sent| {
        let size: usize =
            sent.query.split('&').find_map(|p| p.strip_prefix("max-keys=")).unwrap().parse().unwrap();
        let from: usize = sent
            .query
            .split('&')
            .find_map(|p| p.strip_prefix("continuation-token=t"))
            .map_or(0, |t| t.parse().unwrap());
        let to = (from + size - 1).min(2_500);
        let token = (to < 2_500).then(|| format!("t{to}"));
        (200, page(from..to, token.as_deref()).into_bytes())
    })
}

async fn list(canned: &Canned, mut args: serde_json::Value) -> Result<Projection, Fault> {
    args["bucket"] = json!(BUCKET);
    let aws = canned.aws(&["eu-west-1"]);
    registry::read(&aws, "list_s3_objects", &args, Arc::new(|_| ())).await.map(|(read, _)| read)
}

#[tokio::test]
async fn pages_up_to_the_limit_and_a_cursor_to_go_on() {
    let canned = account();
    let first = list(&canned, json!({ "limit": 1200, "delimiter": "/" })).await.unwrap();
    let keys: Vec<&str> = first
        .rows
        .iter()
        .filter_map(|r| match first.cell(r, "key") {
            Some(Cell::Text(key)) => Some(key.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!((keys.len(), keys[0], keys[2]), (1200, "my logs/", "daily/a b-0000+.csv"));
    assert_eq!(first.next.as_deref(), Some("t1198"));
    assert!(
        first.truncated.is_some() && first.summary.contains("no totals of the bucket"),
        "{}",
        first.summary
    );
    assert!(first.summary.contains("1198 objects (1.7 MiB) and 2 common prefixes"), "{}", first.summary);
    let sent: Vec<_> = canned.sent().into_iter().filter(|s| s.operation == "GET /").collect();
    assert!(sent[0].query.contains("encoding-type=url") && sent[0].query.contains("max-keys=1000"));
    assert!(sent[1].query.contains("max-keys=200"), "{}", sent[1].query);
    let rest = list(&canned, json!({ "limit": 5000, "cursor": "t1198" })).await.unwrap();
    assert!(rest.next.is_none() && rest.truncated.is_none());
    assert!(rest.summary.contains("after the cursor"), "{}", rest.summary);
    assert!(rest.notes.iter().any(|n| n.contains("delete markers")));
}

#[tokio::test]
async fn nothing_there_and_half_of_it() {
    let empty = account().on("s3", "GET /", "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>");
    let none = list(&empty, json!({ "prefix": "Daily/" })).await.unwrap();
    assert_eq!(none.summary, "Nothing in app-data under \"Daily/\"; prefixes are compared with their case.");
    let half = account().with("s3", "GET /", |sent| match sent.query.contains("continuation-token") {
        true => (403, b"<Error><Code>AccessDenied</Code></Error>".to_vec()),
        false => (200, page(0..999, Some("t999")).into_bytes()),
    });
    let half = list(&half, json!({ "limit": 5000 })).await.unwrap();
    assert_eq!((half.errors.len(), half.errors[0].fault.action.as_deref()), (1, Some("s3:ListBucket")));
    assert!(half.summary.contains("the rest could not be read"), "{}", half.summary);
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_answered_with_near_names() {
    let buckets = "<ListAllMyBucketsResult><Buckets><Bucket><Name>app-date</Name></Bucket></Buckets></ListAllMyBucketsResult>";
    let canned = Canned::new().failing("s3", "HEAD /", 404, "").on("s3", "GET /", buckets);
    let fault = list(&canned, json!({})).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing);
    assert!(fault.hint.as_ref().unwrap().contains("app-date"), "{fault}");
}
