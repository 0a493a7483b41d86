use super::*;
use crate::registry;
use crate::testing::Canned;
use serde_json::json;
use std::sync::Arc;

fn page(buckets: &[(&str, &str)], token: Option<&str>) -> String {
    let buckets: String = buckets
        .iter()
        .map(|(name, region)| {
            format!(
                "<Bucket><Name>{name}</Name><CreationDate>2026-01-02T03:04:05.000Z</CreationDate><BucketRegion>{region}</BucketRegion></Bucket>"
            )
        })
        .collect();
    let token = token.map_or_else(String::new, |t| format!("<ContinuationToken>{t}</ContinuationToken>"));
    format!("<ListAllMyBucketsResult><Buckets>{buckets}</Buckets>{token}</ListAllMyBucketsResult>")
}

async fn list(canned: &Canned, args: serde_json::Value) -> Result<Projection, Fault> {
    let aws = canned.aws(&["eu-west-1", "eu-west-2"]);
    registry::read(&aws, "list_s3_buckets", &args, Arc::new(|_| ())).await.map(|(read, _)| read)
}

#[tokio::test]
async fn every_page_with_its_regions() {
    let canned = Canned::new().with("s3", "GET /", |sent| {
        let second = sent.query.contains("continuation-token=next%3D1");
        let body = if second {
            page(&[("zoo-logs", "us-east-1")], None)
        } else {
            page(&[("app-logs", "eu-west-1"), ("app-data", "eu-central-1")], Some("next=1"))
        };
        (200, body.into_bytes())
    });
    let all = list(&canned, json!({})).await.unwrap();
    assert_eq!((all.rows.len(), all.counts.of.len()), (3, 3));
    let sent: Vec<_> = canned.sent().into_iter().filter(|s| s.service == "s3").collect();
    assert_eq!(sent.len(), 2, "one place for the account, whatever the session's regions");
    assert!(sent.iter().all(|s| s.query.contains("max-buckets=1000")), "{sent:?}");
    for words in ["3 buckets in the account", "1 in eu-central-1", "2026-01-02"] {
        assert!(all.summary.contains(words), "{}", all.summary);
    }
    let logs = list(&canned, json!({ "name": "LOGS" })).await.unwrap();
    assert_eq!(logs.rows.len(), 2);
    let none = list(&canned, json!({ "name": "billing" })).await.unwrap();
    assert!(none.summary.contains("No bucket whose name contains \"billing\""), "{}", none.summary);
}

#[tokio::test]
async fn half_an_answer_and_none() {
    let failing = |sent: &crate::testing::Sent| match sent.query.contains("continuation-token") {
        true => (403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>".to_vec()),
        false => (200, page(&[("app-logs", "eu-west-1")], Some("t")).into_bytes()),
    };
    let half = list(&Canned::new().with("s3", "GET /", failing), json!({})).await.unwrap();
    assert_eq!((half.rows.len(), half.errors.len()), (1, 1));
    assert_eq!(half.errors[0].place, "buckets after the first 1");
    assert_eq!(half.errors[0].fault.action.as_deref(), Some("s3:ListAllMyBuckets"));
    assert!(half.summary.contains("not everything answered"));
    let empty = list(&Canned::new().on("s3", "GET /", &page(&[], None)), json!({})).await.unwrap();
    assert!(empty.summary.starts_with("No bucket in the account"), "{}", empty.summary);
}

#[test]
fn a_part_of_a_name() {
    let args = |name: &str| Args { name: Some(name.to_owned()), accounts: None };
    for bad in ["app-*", "arn:aws:s3:::app", "s3://app", "a b"] {
        assert_eq!(ListS3Buckets::check(&args(bad)).unwrap_err().kind, FaultKind::Invalid, "{bad}");
    }
    ListS3Buckets::check(&args("-logs.")).unwrap();
}
