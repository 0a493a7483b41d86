//! New buckets.

use super::*;
use quarterdeck_core::journal::RefusedBy;
use quarterdeck_core::press::Key;

const NAME: &str = "harbor-invoices";
const BLOCKED: &str = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>\
    <IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy>\
    <RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";

fn bucket(emulator: &mut Emulator, region: &str, name: &str) {
    let args = json!({ "Bucket": name, "CreateBucketConfiguration": { "LocationConstraint": region } });
    emulator.boto("s3", region, "create_bucket", args);
}

fn names(emulator: &mut Emulator) -> Vec<String> {
    let answer = emulator.boto("s3", HERE, "list_buckets", json!({}));
    answer["Buckets"].as_array().unwrap().iter().map(|b| b["Name"].as_str().unwrap().to_owned()).collect()
}

async fn console(emulator: &Emulator) -> Console {
    let clock = StillClock::new();
    let aws = Aws::new(Settings { clock: clock.shared(), ..emulator.settings(&[HERE]) });
    let provider = Arc::new(Offline::embedded());
    let (model, mode) = ("runbooks".into(), Mode::Execute);
    Console::begin(Begin { aws, provider, model, mode, can_ask: true, clock }).await
}

fn effect(console: &Console) -> Option<WriteEffect> {
    console
        .facts()
        .find_map(|f| if let Fact::WriteConcluded { effect, .. } = f { Some(*effect) } else { None })
}

#[tokio::test]
async fn a_bucket_is_planned_where_it_is_asked_for() {
    let mut emulator = fresh().await;
    let aws = emulator.aws(&[HERE]);
    let p = planned(&aws, "create_s3_bucket", json!({ "bucket": NAME, "region": "eu-central-1" })).await;
    assert_eq!(
        (p.region.as_str(), p.targets[0].arn.as_str()),
        ("eu-central-1", "arn:aws:s3:::harbor-invoices")
    );
    assert_eq!(change(&p, "region"), Some(("none".into(), "eu-central-1".into())));
    assert_eq!((p.unknown.len(), &p.dry_run), (0, &DryRun::NotOffered), "{:?}", p.unknown);
    assert!(matches!(p.reversible, Reversible::Partly(_)) && Impact::of(&p).is_high());
    let own = planned(&aws, "create_s3_bucket", json!({ "bucket": NAME })).await;
    assert_eq!(own.region, HERE);
    assert_eq!(warned(&own, "region_not_named"), Some(WarningLevel::Caution));
    assert_eq!(emulator.changes(), [""; 0], "planning changes nothing");
}

#[tokio::test]
async fn names_and_regions_that_cannot_be() {
    let mut emulator = fresh().await;
    bucket(&mut emulator, "eu-central-1", "harbor-logs");
    let aws = emulator.aws(&[HERE]);
    for (args, kind, says) in [
        (json!({ "bucket": "Harbor_Logs" }), FaultKind::Invalid, "capital"),
        (json!({ "bucket": "10.0.0.1" }), FaultKind::Invalid, "IP address"),
        (json!({ "bucket": NAME, "region": "all" }), FaultKind::Invalid, "exactly one region"),
        (json!({ "bucket": NAME, "region": "Frankfurt" }), FaultKind::Invalid, "no region's code"),
        (json!({ "bucket": NAME, "region": "eu-wset-1" }), FaultKind::Invalid, "not an enabled region"),
        (json!({ "bucket": NAME, "account": "staging" }), FaultKind::Invalid, "staging"),
        (json!({ "bucket": "harbor-logs" }), FaultKind::Conflict, "already has the bucket harbor-logs"),
    ] {
        let fault = plan(&aws, "create_s3_bucket", args.clone()).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{args}: {fault}");
        assert!(fault.message.contains(says) && fault.hint.is_some(), "{args}: {fault}");
    }
    emulator
        .rules(json!([{ "operation": "HeadBucket", "code": "AccessDenied", "status": 403, "times": -1 }]));
    let fault = plan(&aws, "create_s3_bucket", json!({ "bucket": NAME })).await.unwrap_err();
    assert!(fault.kind == FaultKind::Conflict && fault.message.contains("another account"), "{fault}");
    assert_eq!(emulator.changes(), [""; 0]);
}

#[tokio::test]
async fn a_denied_list_is_said_and_throttling_is_waited_out() {
    let mut emulator = fresh().await;
    let aws = emulator.aws(&[HERE]);
    emulator.rules(json!([{ "operation": "ListBuckets", "code": "AccessDenied", "status": 403, "message": "Access Denied", "times": -1 }]));
    let p = planned(&aws, "create_s3_bucket", json!({ "bucket": NAME })).await;
    assert!(p.unknown.len() == 1 && p.unknown[0].contains("s3:ListAllMyBuckets"), "{:?}", p.unknown);
    emulator.rules(json!([{ "operation": "ListBuckets", "code": "SlowDown", "status": 503 }]));
    assert_eq!(planned(&aws, "create_s3_bucket", json!({ "bucket": NAME })).await.unknown, [""; 0]);
    emulator.rules(json!([{ "operation": "HeadBucket", "code": "SlowDown", "status": 503, "times": -1 }]));
    assert!(plan(&aws, "create_s3_bucket", json!({ "bucket": NAME })).await.is_err(), "nothing on a guess");
}

/// From the sentence to the bucket: asked for by runbook, approved, created in its region, read back.
#[tokio::test]
async fn a_sentence_becomes_a_bucket() {
    for (blocked, reached) in [(true, Some(true)), (false, Some(false))] {
        let mut emulator = fresh().await;
        let mut console = console(&emulator).await;
        console.ask("create a bucket called harbor-invoices in Frankfurt").await;
        console.dialog().await;
        let shown = console.draw().await;
        assert!(shown.contains("harbor-invoices") && shown.contains("eu-central-1"), "{shown}");
        assert_eq!(names(&mut emulator), [""; 0], "not before it is approved");
        if blocked {
            emulator.canned(json!({ "s3:GetPublicAccessBlock": BLOCKED }));
        }
        console.approve().await;
        console.until("the verification", |c| c.count(|f| matches!(f, Fact::Verified { .. })) == 1).await;
        assert_eq!(effect(&console), Some(WriteEffect::Done), "{}", console.story());
        let told = console
            .facts()
            .find_map(|f| if let Fact::Verified { reached, .. } = f { Some(*reached) } else { None });
        assert_eq!(told, Some(reached), "moto's own buckets are not blocked: {}", console.story());
        console.end().await;
        assert_eq!(emulator.changes(), ["CreateBucket"]);
        assert_eq!(names(&mut emulator), [NAME]);
        let at = emulator.boto("s3", HERE, "get_bucket_location", json!({ "Bucket": NAME }));
        assert_eq!(at["LocationConstraint"], "eu-central-1");
    }
}

#[tokio::test]
async fn in_the_first_region_there_is_no_constraint() {
    let mut emulator = fresh().await;
    let mut console = console(&emulator).await;
    let args = json!({ "bucket": NAME, "region": "us-east-1" });
    console.send(Command::Call { tool: "create_s3_bucket".into(), args, fresh: true }).await;
    console.dialog().await;
    console.approve().await;
    console.until("the outcome", |c| effect(c).is_some()).await;
    assert_eq!(effect(&console), Some(WriteEffect::Done), "{}", console.story());
    console.end().await;
    let at = emulator.boto("s3", HERE, "get_bucket_location", json!({ "Bucket": NAME }));
    assert_eq!(at["LocationConstraint"], Value::Null);
}

#[tokio::test]
async fn a_refused_bucket_is_not_created() {
    let mut emulator = fresh().await;
    let mut console = console(&emulator).await;
    console.ask("create a bucket called harbor-invoices in eu-west-1").await;
    console.dialog().await;
    console.key(Key::Esc).await;
    console.turn_over().await;
    assert_eq!(console.refusals(), [RefusedBy::Operator], "{}", console.story());
    console.end().await;
    assert_eq!((emulator.changes(), names(&mut emulator)), (Vec::new(), Vec::new()));
}

/// The name is taken between the dialog and the call: one attempt, told as not done.
#[tokio::test]
async fn a_name_taken_meanwhile_is_told() {
    let mut emulator = fresh().await;
    let mut console = console(&emulator).await;
    let args = json!({ "bucket": NAME });
    console.send(Command::Call { tool: "create_s3_bucket".into(), args, fresh: true }).await;
    console.dialog().await;
    emulator.rules(
        json!([{ "operation": "CreateBucket", "code": "BucketAlreadyExists", "status": 409, "times": -1 }]),
    );
    console.approve().await;
    console.until("the outcome", |c| effect(c).is_some()).await;
    assert_eq!(effect(&console), Some(WriteEffect::NotDone), "{}", console.story());
    console.until("the result", |c| c.count(|f| matches!(f, Fact::ToolFinished { .. })) > 0).await;
    assert!(console.story().contains("another account has taken the name"), "{}", console.story());
    console.end().await;
    assert_eq!(emulator.changes(), ["CreateBucket"]);
}
