use super::*;
use crate::registry;
use crate::testing::Canned;
use quarterdeck_core::approval::Impact;
use serde_json::Value;
use std::sync::Arc;

/// Dots, so that it is asked in path style.
const NAME: &str = "harbor.invoices";
const OWN: &str = "<ListAllMyBucketsResult><Buckets><Bucket><Name>harbor.logs</Name><BucketRegion>us-east-1</BucketRegion></Bucket>\
    </Buckets></ListAllMyBucketsResult>";
const REGIONS: &str = "<DescribeRegionsResponse><regionInfo>\
    <item><regionName>eu-west-1</regionName><optInStatus>opt-in-not-required</optInStatus></item>\
    <item><regionName>eu-central-1</regionName><optInStatus>opt-in-not-required</optInStatus></item>\
    <item><regionName>us-east-1</regionName><optInStatus>opt-in-not-required</optInStatus></item>\
    </regionInfo></DescribeRegionsResponse>";

fn account() -> Canned {
    Canned::new().on("ec2", "DescribeRegions", REGIONS).on("s3", "GET /", OWN).failing(
        "s3",
        &format!("HEAD /{NAME}/"),
        404,
        "",
    )
}

async fn plan(canned: &Canned, args: Value) -> Result<Proposal, Fault> {
    let aws = canned.aws(&["eu-west-1"]);
    registry::plan(&aws, "create_s3_bucket", &args, Arc::new(|_| ())).await
}

#[tokio::test]
async fn a_free_name_in_a_named_region() {
    let canned = account();
    let args = json!({ "bucket": NAME, "region": "eu-central-1" });
    let p = plan(&canned, args.clone()).await.unwrap();
    assert_eq!(p.title, format!("Create the bucket {NAME} in eu-central-1"));
    assert_eq!(
        (p.region.as_str(), p.targets[0].arn.as_str()),
        ("eu-central-1", "arn:aws:s3:::harbor.invoices")
    );
    assert_eq!(p.targets[0].context[0], ("region from".to_owned(), "the request".to_owned()));
    assert_eq!(p.unknown, [""; 0]);
    assert_eq!(
        p.command,
        format!(
            "aws s3api create-bucket --region eu-central-1 --bucket {NAME} --create-bucket-configuration LocationConstraint=eu-central-1"
        )
    );
    let codes: Vec<&str> = p.warnings.iter().map(|w| w.code.as_str()).collect();
    assert_eq!(codes, ["dots_in_name", "name_for_good"]);
    assert!(Impact::of(&p).is_high(), "nothing says that it is not production");
    assert_eq!(plan(&canned, args).await.unwrap(), p, "a second plan of the same account is the same");
    assert_eq!(CreateS3Bucket::inverse(&p, &Projection::new("", Timestamp::default())), None);
    assert!(canned.sent().iter().all(|s| !s.operation.starts_with("PUT")), "planning creates nothing");
}

#[tokio::test]
async fn the_sessions_region_is_said_to_be_that() {
    let p = plan(&account(), json!({ "bucket": NAME })).await.unwrap();
    assert_eq!(p.region, "eu-west-1");
    assert!(p.targets[0].context[0].1.contains("session's own"));
    assert!(p.warnings.iter().any(|w| w.code == "region_not_named" && w.level == WarningLevel::Caution));
    let virginia = plan(&account(), json!({ "bucket": NAME, "region": "us-east-1" })).await.unwrap();
    assert!(!virginia.command.contains("LocationConstraint"), "{}", virginia.command);
}

#[tokio::test]
async fn names_that_are_not_free() {
    let head = format!("HEAD /{NAME}/");
    let denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    let ours = OWN.replace("harbor.logs", NAME);
    for (canned, says) in [
        (
            account().on("s3", "GET /", &ours),
            "this account already has the bucket harbor.invoices in us-east-1",
        ),
        (account().failing("s3", &head, 403, ""), "is taken by another account (403)"),
        (account().on("s3", &head, ""), "is another account's bucket"),
        (
            account().failing("s3", &head, 403, "").failing("s3", "GET /", 403, denied),
            "by another account, or by this one",
        ),
        (
            account().on("s3", &head, "").failing("s3", "GET /", 403, denied),
            "whether it is this account's could not be read",
        ),
    ] {
        let fault = plan(&canned, json!({ "bucket": NAME, "region": "us-east-1" })).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict, "{fault}");
        assert!(fault.message.contains(says) && fault.hint.is_some(), "{says}: {fault}");
    }
    let silent = account().failing("s3", &head, 400, "");
    assert!(plan(&silent, json!({ "bucket": NAME })).await.is_err(), "nothing is planned on a guess");
}

#[tokio::test]
async fn what_cannot_be_read_is_not_known() {
    let denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    let canned = account().failing("s3", "GET /", 403, denied).failing("ec2", "DescribeRegions", 403, denied);
    let p = plan(&canned, json!({ "bucket": NAME })).await.unwrap();
    assert_eq!(p.unknown.len(), 2, "{:?}", p.unknown);
    assert!(p.unknown.iter().any(|u| u.contains("s3:ListAllMyBuckets")), "{:?}", p.unknown);
    assert!(p.unknown.iter().any(|u| u.contains("ec2:DescribeRegions")), "{:?}", p.unknown);
}

#[tokio::test]
async fn regions_are_never_guessed() {
    for (region, says) in [
        ("Frankfurt", "no region's code"),
        ("eu-central-1, eu-west-1", "no region's code"),
        ("all", "exactly one region"),
        ("eu-centrl-1", "not an enabled region"),
        ("mars-north-1", "not an enabled region"),
    ] {
        let canned = account();
        let fault = plan(&canned, json!({ "bucket": NAME, "region": region })).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid, "{region}: {fault}");
        assert!(fault.message.contains(says) && fault.hint.is_some(), "{region}: {fault}");
        assert!(!canned.operations().iter().any(|o| o.starts_with("HEAD")), "{region}");
    }
    let opted_out =
        account().on("ec2", "DescribeRegions", &REGIONS.replacen("opt-in-not-required", "not-opted-in", 1));
    let fault = plan(&opted_out, json!({ "bucket": NAME, "region": "eu-west-1" })).await.unwrap_err();
    assert!(fault.message.contains("not enabled"), "{fault}");
}

#[test]
fn it_is_done_when_it_is_there_and_blocked() {
    let plan = |region: &str| Proposal {
        tool: "create_s3_bucket".into(),
        args: json!({}),
        title: String::new(),
        identity: quarterdeck_core::scope::Identity {
            account: "123456789012".into(),
            alias: None,
            arn: "arn:aws:sts::123456789012:assumed-role/OnCall/jo".into(),
            role: "OnCall".into(),
            key_tail: None,
            expires: None,
        },
        region: region.into(),
        targets: Vec::new(),
        warnings: Vec::new(),
        dry_run: DryRun::NotOffered,
        actions: Vec::new(),
        command: String::new(),
        reversible: Reversible::Partly(String::new()),
        unknown: Vec::new(),
        undo: Value::Null,
        as_of: Timestamp::default(),
    };
    let read = |region: &str, blocked: &str| {
        Projection::new("", Timestamp::default())
            .columns(&[("region", Text), ("blocked", State)])
            .rows(vec![Row { urgency: 0, cells: vec![region.into(), blocked.into()] }])
    };
    for (region, blocked, want) in [
        ("eu-west-1", "all", Verdict::Done),
        ("eu-west-1", "unknown", Verdict::NotYet),
        ("eu-west-1", "none", Verdict::Failed),
        ("eu-west-1", "partly", Verdict::Failed),
        ("us-east-1", "all", Verdict::Failed),
    ] {
        assert_eq!(judge(&plan("eu-west-1"), &read(region, blocked)), want, "{region} {blocked}");
    }
    let nothing = Projection::new("", Timestamp::default());
    assert_eq!(judge(&plan("eu-west-1"), &nothing), Verdict::NotYet);
}
