use super::*;
use crate::registry;
use crate::testing::{Canned, Sent};
use serde_json::json;
use std::sync::Arc;

const BUCKETS: &str = "<ListAllMyBucketsResult><Buckets>\
    <Bucket><Name>app.data</Name><BucketRegion>eu-west-1</BucketRegion></Bucket>\
    <Bucket><Name>web.assets</Name><BucketRegion>eu-central-1</BucketRegion></Bucket>\
    </Buckets></ListAllMyBucketsResult>";
const WHOLE: &str = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
    <BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
const ENFORCED: &str = "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>";
const WRITER: &str =
    "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>";
const OPEN: &str = "<AccessControlPolicy><AccessControlList><Grant>\
    <Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee>\
    <Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>";
const SSE: &str = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>\
    </ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>";

fn error(code: &str) -> Vec<u8> {
    format!("<Error><Code>{code}</Code><Message>no</Message></Error>").into_bytes()
}

/// Names with dots are asked in path style, so that each bucket has its own path. `app.data` is closed and `web.assets`
/// open; `denied` is a subresource that is refused.
fn account(denied: &'static str) -> Canned {
    let of = move |open: bool| {
        move |sent: &Sent| {
            let asks = |name: &str| sent.query.split('&').any(|p| p.split('=').next() == Some(name));
            if !denied.is_empty() && asks(denied) {
                return (403, error("AccessDenied"));
            }
            let (status, body): (u16, Vec<u8>) = match open {
                _ if asks("versioning") => (200, b"<VersioningConfiguration/>".to_vec()),
                _ if asks("encryption") => (200, SSE.into()),
                false if asks("publicAccessBlock") => (200, WHOLE.into()),
                true if asks("publicAccessBlock") => (404, error("NoSuchPublicAccessBlockConfiguration")),
                _ if asks("policyStatus") => (404, error("NoSuchBucketPolicy")),
                false if asks("ownershipControls") => (200, ENFORCED.into()),
                true if asks("ownershipControls") => (200, WRITER.into()),
                _ => (200, OPEN.into()),
            };
            (status, body)
        }
    };
    Canned::new()
        .on("s3", "GET /", BUCKETS)
        .with("s3", "GET /v20180820/configuration/publicAccessBlock", |_| {
            (
                404,
                [b"<ErrorResponse>", &error("NoSuchPublicAccessBlockConfiguration")[..], b"</ErrorResponse>"]
                    .concat(),
            )
        })
        .with("s3", "GET /app.data/", of(false))
        .with("s3", "GET /web.assets/", of(true))
        .with("s3", "HEAD /app.data/", |_| (200, Vec::new()))
}

async fn audit(canned: &Canned, args: serde_json::Value) -> Result<Projection, Fault> {
    let aws = canned.aws(&["eu-west-1"]);
    registry::read(&aws, "audit_s3_buckets", &args, Arc::new(|_| ())).await.map(|(read, _)| read)
}

fn column(read: &Projection, name: &str) -> Vec<String> {
    read.rows.iter().map(|r| read.cell(r, name).unwrap().plain()).collect()
}

#[tokio::test]
async fn open_buckets_come_first_and_settings_never_made_are_answers() {
    let canned = account("");
    let all = audit(&canned, json!({})).await.unwrap();
    assert_eq!(column(&all, "bucket"), ["web.assets", "app.data"]);
    assert_eq!(column(&all, "public"), ["yes", "no"]);
    assert_eq!(column(&all, "why"), ["its ACL grants READ to everyone", "public access is blocked"]);
    assert_eq!(column(&all, "blocked"), ["none", "all"]);
    assert_eq!(column(&all, "risk"), ["HIGH", ""]);
    assert_eq!(
        (column(&all, "encryption"), column(&all, "versioning")),
        (vec!["SSE-S3".into(); 2], vec!["never".into(); 2])
    );
    assert_eq!(all.errors, [], "what was never set is no fault");
    assert!(
        all.summary.starts_with("2 buckets in the account: 1 public (web.assets), 0 not known"),
        "{}",
        all.summary
    );
    assert!(all.notes.iter().any(|n| n.contains("does not block")), "{:?}", all.notes);
    assert!(all.notes.iter().any(|n| n.contains("access points, object ACLs")), "{:?}", all.notes);
    let sent = canned.sent();
    let of = |path: &str| sent.iter().filter(|s| s.operation == path).collect::<Vec<_>>();
    assert_eq!(
        (of("GET /app.data/").len(), of("GET /web.assets/").len()),
        (5, 6),
        "the ACL only where it counts"
    );
    assert!(of("GET /web.assets/").iter().all(|s| s.region == "eu-central-1"), "in the bucket's own region");
}

#[tokio::test]
async fn what_is_denied_is_not_known_and_never_no() {
    for (denied, public, action) in [
        ("acl", ["unknown", "no"], "s3:GetBucketAcl"),
        ("policyStatus", ["yes", "no"], "s3:GetBucketPolicyStatus"),
        ("publicAccessBlock", ["unknown", "no"], "s3:GetBucketPublicAccessBlock"),
        ("encryption", ["yes", "no"], "s3:GetEncryptionConfiguration"),
        ("ownershipControls", ["unknown", "yes"], "s3:GetBucketOwnershipControls"),
    ] {
        let read = audit(&account(denied), json!({})).await.unwrap();
        let by_name = |name: &str| {
            let row = read.rows.iter().find(|r| read.cell(r, "bucket").unwrap().plain() == name).unwrap();
            read.cell(row, "public").unwrap().plain()
        };
        if denied != "ownershipControls" {
            assert_eq!([by_name("web.assets"), by_name("app.data")], public, "{denied}");
        } else {
            assert_eq!(
                [by_name("web.assets"), by_name("app.data")],
                ["yes", "no"],
                "the ACL was read, and a block stands"
            );
        }
        assert_eq!(read.errors.len(), 1, "{denied}: one line for all buckets: {:?}", read.errors);
        assert_eq!(read.errors[0].fault.action.as_deref(), Some(action), "{denied}");
        assert!(read.summary.contains("not everything could be read"), "{}", read.summary);
    }
}

#[tokio::test]
async fn the_accounts_block_may_be_denied() {
    let canned = account("").failing(
        "s3",
        "GET /v20180820/configuration/publicAccessBlock",
        403,
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>",
    );
    let read = audit(&canned, json!({})).await.unwrap();
    assert_eq!(column(&read, "public"), ["unknown", "no"], "the bucket's own block settles one of them");
    assert_eq!(read.errors[0].place, "the account's block of public access");
    assert_eq!(read.errors[0].fault.action.as_deref(), Some("s3:GetAccountPublicAccessBlock"));
}

#[tokio::test]
async fn one_bucket_alone() {
    let read = audit(&account(""), json!({ "bucket": "app.data" })).await.unwrap();
    assert_eq!(column(&read, "bucket"), ["app.data"]);
    assert!(read.summary.contains("is not public: public access is blocked"), "{}", read.summary);
    let gone = Canned::new().on("s3", "GET /", BUCKETS).failing("s3", "HEAD /web.asets/", 404, "");
    let fault = audit(&gone, json!({ "bucket": "web.asets" })).await.unwrap_err();
    assert!(
        fault.kind == FaultKind::Missing && fault.hint.as_ref().unwrap().contains("web.assets"),
        "{fault}"
    );
}
