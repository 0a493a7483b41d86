//! Buckets and what is in them.

use super::*;
use crate::common::emulator::Emulator;
use serde_json::Value;
use std::sync::Mutex;

const THERE: &str = "eu-central-1";

fn bucket(emulator: &mut Emulator, region: &str, name: &str) {
    let args = json!({ "Bucket": name, "CreateBucketConfiguration": { "LocationConstraint": region } });
    emulator.boto("s3", region, "create_bucket", args);
}

fn put(emulator: &mut Emulator, bucket: &str, key: &str, body: &str) {
    emulator.boto("s3", HERE, "put_object", json!({ "Bucket": bucket, "Key": key, "Body": body }));
}

fn block(emulator: &mut Emulator, bucket: &str, on: bool) {
    let settings = json!({ "BlockPublicAcls": on, "IgnorePublicAcls": on, "BlockPublicPolicy": on, "RestrictPublicBuckets": on });
    let args = json!({ "Bucket": bucket, "PublicAccessBlockConfiguration": settings });
    emulator.boto("s3", HERE, "put_public_access_block", args);
}

/// moto writes this answer under a name that S3's clients do not take.
fn versioning(emulator: &mut Emulator, status: &str) {
    let xml = format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
    emulator.canned(json!({ "s3:GetBucketVersioning": xml }));
}

/// The three ways a read fails: denied, throttled once, throttled always.
async fn trouble(emulator: &mut Emulator, aws: &Aws, tool: &str, args: Value, operation: &str, action: &str) {
    let denied = json!([{ "operation": operation, "code": "AccessDenied", "status": 403, "message": "Access Denied", "times": -1 }]);
    emulator.rules(denied);
    let fault = read(aws, tool, args.clone()).await.unwrap_err();
    assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some(action)), "{tool}: {fault}");
    emulator.rules(json!([{ "operation": operation, "code": "SlowDown", "status": 503 }]));
    let (_, stats) = read(aws, tool, args.clone()).await.unwrap();
    assert_eq!(stats.retries, 1, "{tool}");
    emulator.rules(json!([{ "operation": operation, "code": "SlowDown", "status": 503, "times": -1 }]));
    emulator.forget();
    let fault = read(aws, tool, args).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Throttled, "{tool}: {fault}");
    assert!(fault.hint.is_some());
    assert_eq!(emulator.count(operation), 4, "{tool}: four attempts and no more");
    emulator.rules(json!([]));
}

#[tokio::test]
async fn buckets_of_every_region() {
    let mut emulator = fresh().await;
    let aws = emulator.aws(&[HERE, THERE]);
    let none = ok(&aws, "list_s3_buckets", json!({})).await;
    assert!(none.rows.is_empty() && none.summary.contains("No bucket"), "{}", none.summary);
    bucket(&mut emulator, HERE, "app-logs");
    bucket(&mut emulator, THERE, "app-data");
    emulator.forget();
    let all = ok(&aws, "list_s3_buckets", json!({})).await;
    assert_eq!(
        column(&all, "name").into_iter().collect::<BTreeSet<_>>(),
        ["app-data", "app-logs"].map(String::from).into()
    );
    assert_eq!(emulator.count("ListBuckets"), 1, "one call, whatever the session's regions");
    assert_eq!(column(&ok(&aws, "list_s3_buckets", json!({ "name": "LOGS" })).await, "name"), ["app-logs"]);
    trouble(&mut emulator, &aws, "list_s3_buckets", json!({}), "ListBuckets", "s3:ListAllMyBuckets").await;
}

#[tokio::test]
async fn buckets_come_in_pages_with_their_regions() {
    let mut emulator = fresh().await;
    let page = |names: std::ops::Range<usize>, token: &str| {
        let buckets: String = names
            .map(|n| format!("<Bucket><Name>app-{n:03}</Name><BucketRegion>{HERE}</BucketRegion></Bucket>"))
            .collect();
        format!("<ListAllMyBucketsResult><Buckets>{buckets}</Buckets>{token}</ListAllMyBucketsResult>")
    };
    let token = |n: usize| format!("<ContinuationToken>{n}</ContinuationToken>");
    let pages = json!([page(0..40, &token(1)), page(40..80, &token(2)), page(80..90, "")]);
    emulator.canned(json!({ "s3:ListBuckets": pages }));
    let all = ok(&emulator.aws(&[HERE]), "list_s3_buckets", json!({})).await;
    assert_eq!((all.rows.len(), unique(&all, "name"), emulator.count("ListBuckets")), (90, 90, 3));
    assert!(all.summary.contains(&format!("90 in {HERE}")), "{}", all.summary);
}

#[tokio::test]
async fn objects_page_by_page() {
    let mut emulator = fresh().await;
    bucket(&mut emulator, HERE, "app-data");
    let aws = emulator.aws(&[HERE]);
    let none = ok(&aws, "list_s3_objects", json!({ "bucket": "app-data" })).await;
    assert!(none.rows.is_empty() && none.summary.starts_with("Nothing in app-data"), "{}", none.summary);
    let odd = "daily/größe +1 &<>.csv";
    for n in 0..23 {
        put(&mut emulator, "app-data", &format!("daily/{n:02}.csv"), "12345");
    }
    put(&mut emulator, "app-data", odd, "1");
    put(&mut emulator, "app-data", "readme.txt", "hello");
    emulator.pages(json!({ "s3:ListObjectsV2": 10 }));
    emulator.forget();
    let all = ok(&aws, "list_s3_objects", json!({ "bucket": "app-data" })).await;
    assert_eq!((all.rows.len(), unique(&all, "key"), emulator.count("ListObjectsV2")), (25, 25, 3));
    assert!(column(&all, "key").iter().any(|k| k == odd), "{:?}", column(&all, "key"));
    assert!(all.summary.starts_with("25 objects (121 B) in app-data"), "{}", all.summary);
    let folders = ok(&aws, "list_s3_objects", json!({ "bucket": "app-data", "delimiter": "/" })).await;
    assert_eq!(column(&folders, "key"), ["daily/", "readme.txt"]);
    let under = ok(&aws, "list_s3_objects", json!({ "bucket": "app-data", "prefix": "daily/1" })).await;
    assert_eq!(under.rows.len(), 10);
}

#[tokio::test]
async fn a_limit_and_a_cursor() {
    let mut emulator = fresh().await;
    bucket(&mut emulator, HERE, "app-data");
    for n in 0..7 {
        put(&mut emulator, "app-data", &format!("{n}"), "1");
    }
    let aws = emulator.aws(&[HERE]);
    let first = ok(&aws, "list_s3_objects", json!({ "bucket": "app-data", "limit": 5 })).await;
    let cursor = first.next.clone().unwrap();
    assert!(first.truncated.is_some());
    let rest = ok(&aws, "list_s3_objects", json!({ "bucket": "app-data", "cursor": cursor })).await;
    assert_eq!([column(&first, "key"), column(&rest, "key")].concat(), ["0", "1", "2", "3", "4", "5", "6"]);
    assert!(rest.next.is_none());
    let args = json!({ "bucket": "app-data" });
    trouble(&mut emulator, &aws, "list_s3_objects", args, "ListObjectsV2", "s3:ListBucket").await;
    let fault = read(&aws, "list_s3_objects", json!({ "bucket": "app-dato" })).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing);
    assert!(fault.hint.as_ref().unwrap().contains("app-data"), "{fault}");
}

#[tokio::test]
async fn files_are_found_in_every_bucket() {
    let mut emulator = fresh().await;
    bucket(&mut emulator, HERE, "app-logs");
    bucket(&mut emulator, THERE, "app-data");
    put(&mut emulator, "app-data", "2026/Invoice-1.PDF", "1");
    put(&mut emulator, "app-data", "2026/invoice-1.pdf.sig", "1");
    put(&mut emulator, "app-logs", "invoice-1.pdf", "1");
    put(&mut emulator, "app-logs", "other", "1");
    let seen = Arc::new(Mutex::new(Vec::<Progress>::new()));
    let sink = {
        let seen = Arc::clone(&seen);
        Arc::new(move |p: Progress| seen.lock().unwrap().push(p))
    };
    let aws = emulator.aws(&[HERE]);
    emulator.forget();
    let exact = json!({ "search_name": "invoice-1.pdf" });
    let (found, _) = registry::read(&aws, "search_s3_objects", &exact, sink).await.unwrap();
    let keys: BTreeSet<String> = column(&found, "key").into_iter().collect();
    assert_eq!(keys, ["2026/Invoice-1.PDF", "invoice-1.pdf"].map(String::from).into());
    assert!(found.summary.starts_with("2 objects named \"invoice-1.pdf\""), "{}", found.summary);
    assert!(seen.lock().unwrap().iter().any(|p| p.unit == "buckets" && p.total == Some(2)));
    let there = |c: &Value| c["operation"] == "ListObjectsV2" && c["region"] == THERE;
    assert_eq!(emulator.calls().iter().filter(|c| there(c)).count(), 1, "in the bucket's own region");
    let part = json!({ "search_name": "INVOICE", "exact_match": false, "bucket": "app-data" });
    assert_eq!(ok(&aws, "search_s3_objects", part).await.rows.len(), 2);
    let none = ok(&aws, "search_s3_objects", json!({ "search_name": "nothing.txt" })).await;
    assert!(none.summary.contains("all 4 keys were compared"), "{}", none.summary);
    // One bucket that refuses is said, and is no "not found".
    emulator.rules(json!([{ "operation": "ListObjectsV2", "region": THERE, "code": "AccessDenied", "status": 403, "times": -1 }]));
    let half = ok(&aws, "search_s3_objects", json!({ "search_name": "nothing.txt" })).await;
    assert!(half.summary.starts_with("Not found in the first 2 keys"), "{}", half.summary);
    assert_eq!((half.errors.len(), half.errors[0].place.as_str()), (1, "app-data"));
    emulator.rules(json!([]));
    trouble(&mut emulator, &aws, "search_s3_objects", exact, "ListBuckets", "s3:ListAllMyBuckets").await;
}

#[tokio::test]
async fn who_reaches_a_bucket() {
    let mut emulator = fresh().await;
    let aws = emulator.aws(&[HERE]);
    let none = ok(&aws, "audit_s3_buckets", json!({})).await;
    assert!(none.summary.starts_with("No buckets in the account"), "{}", none.summary);
    for name in ["closed", "by-acl", "by-policy", "plain", "behind"] {
        bucket(&mut emulator, if name == "behind" { THERE } else { HERE }, &format!("app-{name}"));
    }
    block(&mut emulator, "app-closed", true);
    block(&mut emulator, "app-behind", true);
    let everyone = "uri=http://acs.amazonaws.com/groups/global/AllUsers";
    let args = json!({ "Bucket": "app-by-acl", "GrantRead": everyone, "GrantWrite": everyone });
    emulator.boto("s3", HERE, "put_bucket_acl", args);
    for name in ["app-by-policy", "app-behind"] {
        let policy = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": "*",
            "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{name}/*") }] });
        let args = json!({ "Bucket": name, "Policy": policy.to_string() });
        emulator.boto("s3", HERE, "put_bucket_policy", args);
    }
    versioning(&mut emulator, "Enabled");
    // S3 encrypts every bucket by itself, moto none.
    for name in ["app-closed", "app-by-acl", "app-by-policy", "app-behind", "app-plain"] {
        let algorithm = if name == "app-plain" { "aws:kms" } else { "AES256" };
        let rules = json!([{ "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": algorithm } }]);
        let args = json!({ "Bucket": name, "ServerSideEncryptionConfiguration": { "Rules": rules } });
        emulator.boto("s3", HERE, "put_bucket_encryption", args);
    }
    emulator.forget();
    let (all, stats) = read(&aws, "audit_s3_buckets", json!({})).await.unwrap();
    let of = |name: &str, cell: &str| {
        let row = all.rows.iter().find(|r| all.cell(r, "bucket").unwrap().plain() == name).unwrap();
        all.cell(row, cell).unwrap().plain()
    };
    assert_eq!(all.errors, [], "{:?}", all.errors);
    for (name, public, blocked, risk, why) in [
        ("app-by-acl", "yes", "none", "CRITICAL", "WRITE to everyone"),
        ("app-by-policy", "yes", "none", "HIGH", "its policy is public"),
        ("app-plain", "no", "none", "LOW", "no public policy"),
        ("app-closed", "no", "all", "", "blocked"),
        ("app-behind", "no", "all", "", "RestrictPublicBuckets"),
    ] {
        assert_eq!(
            (of(name, "public").as_str(), of(name, "blocked").as_str()),
            (public, blocked),
            "{name}: {all:?}"
        );
        assert_eq!(of(name, "risk"), risk, "{name}");
        assert!(of(name, "why").contains(why), "{name}: {}", of(name, "why"));
    }
    assert_eq!(
        (of("app-plain", "versioning"), of("app-plain", "encryption")),
        ("Enabled".into(), "SSE-KMS".into())
    );
    assert_eq!(of("app-behind", "region"), THERE);
    assert_eq!(column(&all, "bucket")[..2], ["app-by-acl", "app-by-policy"], "the worst first");
    // 5 buckets, at most 6 settings each; their list, their regions, the account's block.
    assert!(stats.requests <= 5 * 6 + 5 + 2, "{stats:?}");
    let control = |c: &Value| c["operation"] == "GetPublicAccessBlock";
    assert_eq!(emulator.calls().iter().filter(|c| control(c)).count(), 6, "five buckets and the account");
    // The account's own block settles everything.
    emulator.canned(json!({ "s3:GetPublicAccessBlock": "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>\
        <IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy>\
        <RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>" }));
    let shut = ok(&aws, "audit_s3_buckets", json!({})).await;
    assert_eq!(unique(&shut, "public"), 1, "{:?}", column(&shut, "public"));
    assert!(shut.notes[0].contains("blocks public access everywhere"), "{:?}", shut.notes);
}

#[tokio::test]
async fn parts_that_are_denied_are_not_known() {
    let mut emulator = fresh().await;
    bucket(&mut emulator, HERE, "app-data");
    versioning(&mut emulator, "Suspended");
    let aws = emulator.aws(&[HERE]);
    for (operation, action, public) in [
        ("GetBucketAcl", "s3:GetBucketAcl", "unknown"),
        ("GetBucketPolicyStatus", "s3:GetBucketPolicyStatus", "unknown"),
        ("GetBucketEncryption", "s3:GetEncryptionConfiguration", "no"),
        ("GetBucketVersioning", "s3:GetBucketVersioning", "no"),
    ] {
        emulator.rules(json!([{ "operation": operation, "code": "AccessDenied", "status": 403, "message": "Access Denied", "times": -1 }]));
        let read = ok(&aws, "audit_s3_buckets", json!({ "bucket": "app-data" })).await;
        assert_eq!(column(&read, "public"), [public], "{operation}: {read:?}");
        assert_eq!(
            (read.errors.len(), read.errors[0].fault.action.as_deref()),
            (1, Some(action)),
            "{operation}"
        );
    }
    emulator.rules(json!([]));
    trouble(&mut emulator, &aws, "audit_s3_buckets", json!({}), "ListBuckets", "s3:ListAllMyBuckets").await;
}

#[tokio::test]
async fn what_can_be_no_bucket_is_refused_unsent() {
    let mut emulator = fresh().await;
    let aws = emulator.aws(&[HERE]);
    for bad in ["arn:aws:s3:::app-data", "s3://app-data/x", "app-*", "app data", "../app"] {
        for (tool, args) in [
            ("audit_s3_buckets", json!({ "bucket": bad })),
            ("list_s3_objects", json!({ "bucket": bad })),
            ("search_s3_objects", json!({ "search_name": "x", "bucket": bad })),
        ] {
            let fault = read(&aws, tool, args).await.unwrap_err();
            assert!(fault.kind == FaultKind::Invalid && fault.hint.is_some(), "{tool} {bad}: {fault}");
        }
    }
    assert_eq!(emulator.calls(), Vec::<Value>::new());
}
