//! Objects that come and go, against a store that is independent of us.

use super::carried_out::{approved, effect, fault, verified};
use super::*;
use quarterdeck_aws::files::Files;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const BUCKET: &str = "shop-exports";

/// Folders of a person at the console.
struct Desk {
    _folder: TempDir,
    root: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("uploads")).unwrap();
        Self { _folder: folder, root }
    }

    fn files(&self) -> Files {
        Files {
            downloads: self.root.join("downloads"),
            uploads: self.root.join("uploads"),
            home: Some(self.root.clone()),
            ..Files::default()
        }
    }

    fn aws(&self, emulator: &Emulator) -> Aws {
        Aws::new(Settings { files: self.files(), ..emulator.settings(&[HERE]) })
    }

    async fn console(&self, emulator: &Emulator) -> Console {
        let clock = StillClock::new();
        let settings = Settings { files: self.files(), clock: clock.shared(), ..emulator.settings(&[HERE]) };
        let provider = Arc::new(Offline::embedded());
        let model = "runbooks".into();
        let aws = Aws::new(settings);
        Console::begin(Begin { aws, provider, model, mode: Mode::Execute, can_ask: true, clock }).await
    }

    fn file(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.root.join("uploads").join(name), bytes).unwrap();
    }

    fn downloaded(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.root.join("downloads")) else { return Vec::new() };
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn bucket(emulator: &mut Emulator, region: &str) {
    let place = json!({ "LocationConstraint": region });
    emulator.boto(
        "s3",
        region,
        "create_bucket",
        json!({ "Bucket": BUCKET, "CreateBucketConfiguration": place }),
    );
    versioning(emulator, "");
}

/// What moto knows under another root element than S3's.
fn versioning(emulator: &mut Emulator, status: &str) {
    let status = if status.is_empty() { String::new() } else { format!("<Status>{status}</Status>") };
    let xml = format!("<VersioningConfiguration>{status}</VersioningConfiguration>");
    emulator.canned(json!({ "s3:GetBucketVersioning": xml }));
}

fn tagged(emulator: &mut Emulator, env: &str) {
    let tags = json!({ "TagSet": [{ "Key": "env", "Value": env }] });
    emulator.boto("s3", HERE, "put_bucket_tagging", json!({ "Bucket": BUCKET, "Tagging": tags }));
}

fn object(emulator: &mut Emulator, key: &str, body: &str) {
    emulator.boto("s3", HERE, "put_object", json!({ "Bucket": BUCKET, "Key": key, "Body": body }));
}

fn upload(name: &str) -> Value {
    json!({ "source": name, "bucket": BUCKET, "key": format!("in/{name}") })
}

fn download(key: &str) -> Value {
    json!({ "bucket": BUCKET, "key": key })
}

#[tokio::test]
async fn there_and_back() {
    let mut emulator = fresh().await;
    bucket(&mut emulator, HERE);
    tagged(&mut emulator, "dev");
    let desk = Desk::new();
    let large: Vec<u8> =
        (0..(17 << 20) + 5).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    for (name, bytes, sent) in [
        ("small.csv", b"id,total\n1,2\n".to_vec(), vec!["PutObject"]),
        ("empty.txt", Vec::new(), vec!["PutObject"]),
        ("Größe und mehr.txt", b"x".to_vec(), vec!["PutObject"]),
        (
            "large.bin",
            large,
            vec![
                "CreateMultipartUpload",
                "UploadPart",
                "UploadPart",
                "UploadPart",
                "CompleteMultipartUpload",
            ],
        ),
    ] {
        desk.file(name, &bytes);
        emulator.forget();
        let mut console = desk.console(&emulator).await;
        approved(&mut console, "upload_s3_object", upload(name)).await;
        assert_eq!(effect(&console), WriteEffect::Done, "{name}: {}", console.story());
        assert_eq!(verified(&mut console).await, Some(true), "{name}: {}", console.story());
        assert!(console.story().contains("same size, same ETag"), "{}", console.story());
        console.end().await;
        assert_eq!(emulator.changes(), sent, "{name}");
        let mut console = desk.console(&emulator).await;
        approved(&mut console, "download_s3_object", download(&format!("in/{name}"))).await;
        assert_eq!(effect(&console), WriteEffect::Done, "{name}: {}", console.story());
        console.end().await;
        assert_eq!(std::fs::read(desk.root.join("downloads").join(name)).unwrap(), bytes, "{name}");
    }
    assert_eq!(desk.downloaded().len(), 4, "and nothing else: {:?}", desk.downloaded());
}

#[tokio::test]
async fn plans_read_and_change_nothing() {
    let mut emulator = fresh().await;
    bucket(&mut emulator, HERE);
    tagged(&mut emulator, "dev");
    object(&mut emulator, "in/report.csv", "old");
    let desk = Desk::new();
    desk.file("report.csv", b"new");
    desk.file("other.csv", b"new");
    let aws = desk.aws(&emulator);
    let new = planned(&aws, "upload_s3_object", upload("other.csv")).await;
    assert_eq!((new.region.as_str(), Impact::of(&new)), (HERE, Impact::Normal), "{new:?}");
    assert_eq!(new.unknown, [""; 0]);
    let taken = plan(&aws, "upload_s3_object", upload("report.csv")).await.unwrap_err();
    assert_eq!(taken.kind, FaultKind::Conflict, "{taken}");
    let mut over = upload("report.csv");
    over["overwrite"] = json!(true);
    let lost = planned(&aws, "upload_s3_object", over.clone()).await;
    assert_eq!(warned(&lost, "overwrites_unversioned"), Some(WarningLevel::Critical));
    assert!(matches!(lost.reversible, Reversible::No(_)) && Impact::of(&lost).is_high());
    let on = json!({ "Bucket": BUCKET, "VersioningConfiguration": { "Status": "Enabled" } });
    emulator.boto("s3", HERE, "put_bucket_versioning", on);
    versioning(&mut emulator, "Enabled");
    object(&mut emulator, "in/report.csv", "newer");
    let kept = planned(&aws, "upload_s3_object", over).await;
    assert_eq!(warned(&kept, "version_stays"), Some(WarningLevel::Info), "{:?}", kept.warnings);
    assert!(
        matches!(&kept.reversible, Reversible::Yes(how) if how.contains("versionId=")),
        "{:?}",
        kept.reversible
    );
    let down = planned(&aws, "download_s3_object", download("in/report.csv")).await;
    let (before, after) = change(&down, "content").unwrap();
    assert!(before == "nothing" && after.contains("5 B, ETag"), "{before} -> {after}");
    assert_eq!(Impact::of(&down), Impact::Normal);
    let none = plan(&aws, "download_s3_object", download("in/reprot.csv")).await.unwrap_err();
    assert_eq!(none.kind, FaultKind::Missing);
    let elsewhere = json!({ "bucket": "shop-export", "key": "a" });
    let none = plan(&aws, "download_s3_object", elsewhere).await.unwrap_err();
    assert!(
        none.kind == FaultKind::Missing && none.hint.as_deref().is_some_and(|h| h.contains(BUCKET)),
        "{none}"
    );
    assert_eq!(emulator.changes(), [""; 0]);
    assert_eq!(desk.downloaded(), [""; 0]);
}

#[tokio::test]
async fn what_may_not_be_read_or_is_busy() {
    let mut emulator = fresh().await;
    bucket(&mut emulator, HERE);
    object(&mut emulator, "a", "x");
    let desk = Desk::new();
    desk.file("report.csv", b"new");
    let aws = desk.aws(&emulator);
    for (operation, action) in
        [("GetBucketVersioning", "s3:GetBucketVersioning"), ("GetBucketTagging", "s3:GetBucketTagging")]
    {
        emulator
            .rules(json!([{ "operation": operation, "code": "AccessDenied", "status": 403, "times": -1 }]));
        let p = planned(&aws, "upload_s3_object", upload("report.csv")).await;
        assert!(p.unknown.iter().any(|u| u.contains(action)), "{operation}: {:?}", p.unknown);
        assert!(Impact::of(&p).is_high());
    }
    emulator
        .rules(json!([{ "operation": "HeadObject", "code": "AccessDenied", "status": 403, "times": -1 }]));
    let denied = plan(&aws, "download_s3_object", download("a")).await.unwrap_err();
    assert_eq!((denied.kind, denied.action.as_deref()), (FaultKind::Denied, Some("s3:GetObject")));
    emulator.rules(json!([{ "operation": "HeadObject", "code": "SlowDown", "status": 503, "times": 1 }]));
    planned(&aws, "download_s3_object", download("a")).await;
    emulator.rules(json!([{ "operation": "HeadBucket", "code": "SlowDown", "status": 503, "times": -1 }]));
    let busy = plan(&aws, "download_s3_object", download("a")).await.unwrap_err();
    assert_eq!(busy.kind, FaultKind::Unavailable, "the answer to a HEAD has no reason in it: {busy}");
    assert_eq!(emulator.changes(), [""; 0]);
}

/// A part that is refused for now is sent again; one that is refused for good ends it, and S3 forgets the others.
#[tokio::test]
async fn parts_that_fail() {
    let mut emulator = fresh().await;
    bucket(&mut emulator, HERE);
    tagged(&mut emulator, "dev");
    let desk = Desk::new();
    desk.file("large.bin", &vec![7; 17 << 20]);
    let mut console = desk.console(&emulator).await;
    emulator.rules(json!([{ "operation": "UploadPart", "code": "SlowDown", "status": 503, "times": 2 }]));
    approved(&mut console, "upload_s3_object", upload("large.bin")).await;
    assert_eq!(effect(&console), WriteEffect::Done, "{}", console.story());
    console.end().await;
    assert_eq!(emulator.count("UploadPart"), 5, "two of three twice");
    emulator.boto("s3", HERE, "delete_object", json!({ "Bucket": BUCKET, "Key": "in/large.bin" }));
    emulator.forget();
    let mut console = desk.console(&emulator).await;
    emulator.rules(
        json!([{ "operation": "UploadPart", "code": "AccessDenied", "status": 403, "after": 1, "times": -1 }]),
    );
    approved(&mut console, "upload_s3_object", upload("large.bin")).await;
    console.until("the result", |c| c.count(|f| matches!(f, Fact::ToolFinished { .. })) > 0).await;
    assert_eq!(
        (effect(&console), fault(&console)),
        (WriteEffect::NotDone, Some(FaultKind::Denied)),
        "{}",
        console.story()
    );
    console.end().await;
    assert_eq!((emulator.count("AbortMultipartUpload"), emulator.count("CompleteMultipartUpload")), (1, 0));
    let left = emulator.boto("s3", HERE, "list_multipart_uploads", json!({ "Bucket": BUCKET }));
    assert!(left.get("Uploads").is_none(), "{left}");
}

#[tokio::test]
async fn a_lost_answer_is_read_back() {
    let mut emulator = fresh().await;
    bucket(&mut emulator, HERE);
    tagged(&mut emulator, "dev");
    let desk = Desk::new();
    desk.file("report.csv", b"new");
    let mut console = desk.console(&emulator).await;
    emulator.rules(
        json!([{ "operation": "PutObject", "lost": true, "code": "InternalError", "status": 500, "times": -1 }]),
    );
    approved(&mut console, "upload_s3_object", upload("report.csv")).await;
    assert_eq!(effect(&console), WriteEffect::Unknown, "{}", console.story());
    assert_eq!(verified(&mut console).await, Some(true), "it was done all the same: {}", console.story());
    console.end().await;
    assert_eq!(emulator.changes(), ["PutObject"], "once");
}

/// An upload that a person stops ends at once and leaves nothing; so does a download.
#[tokio::test]
async fn a_person_stops_it() {
    let mut emulator = fresh().await;
    bucket(&mut emulator, HERE);
    tagged(&mut emulator, "dev");
    object(&mut emulator, "a", "x");
    let desk = Desk::new();
    desk.file("large.bin", &vec![7; 17 << 20]);
    for (tool, args, slow) in [
        ("upload_s3_object", upload("large.bin"), "UploadPart"),
        ("download_s3_object", download("a"), "GetObject"),
    ] {
        emulator.forget();
        let mut console = desk.console(&emulator).await;
        emulator.rules(json!([{ "operation": slow, "delay": 5, "times": -1 }]));
        console.send(Command::Call { tool: tool.into(), args, fresh: true }).await;
        console.dialog().await;
        console.approve().await;
        console.until("the intent", |c| c.intents() == 1).await;
        while emulator.count(slow) == 0 {
            console.linger(20).await;
        }
        let stopped = Instant::now();
        console.send(Command::Cancel).await;
        console.until("the result", |c| c.count(|f| matches!(f, Fact::ToolFinished { .. })) > 0).await;
        let took = stopped.elapsed();
        assert!(took < Duration::from_millis(1_500), "{tool}: {took:?}");
        assert_eq!(
            (effect(&console), fault(&console)),
            (WriteEffect::NotDone, Some(FaultKind::Cancelled)),
            "{}",
            console.story()
        );
        console.end().await;
        assert_eq!(desk.downloaded(), [""; 0]);
    }
    emulator.rules(json!([]));
    let left = emulator.boto("s3", HERE, "list_multipart_uploads", json!({ "Bucket": BUCKET }));
    assert!(left.get("Uploads").is_none(), "{left}");
}

/// What an outsider changes while the dialog is open is not overrun.
#[tokio::test]
async fn what_changed_meanwhile_asks_again() {
    let mut emulator = fresh().await;
    bucket(&mut emulator, HERE);
    tagged(&mut emulator, "dev");
    object(&mut emulator, "a", "approved");
    let desk = Desk::new();
    let mut console = desk.console(&emulator).await;
    console.send(Command::Call { tool: "download_s3_object".into(), args: download("a"), fresh: true }).await;
    console.dialog().await;
    object(&mut emulator, "a", "something else");
    console.approve().await;
    console.until("a new dialog", |c| c.gate().is_some()).await;
    let changed = console.gate().unwrap().changed().join("\n");
    assert!(changed.contains("ETag"), "{changed}");
    assert_eq!((console.intents(), desk.downloaded()), (0, Vec::new()));
    console.approve().await;
    console.until("the outcome", |c| c.count(|f| matches!(f, Fact::WriteConcluded { .. })) == 1).await;
    console.end().await;
    assert_eq!(std::fs::read(desk.root.join("downloads/a")).unwrap(), b"something else");
}

#[tokio::test]
async fn a_bucket_of_another_region_and_one_that_sleeps() {
    let mut emulator = fresh().await;
    bucket(&mut emulator, "eu-central-1");
    let args = json!({ "Bucket": BUCKET, "Key": "a", "Body": "x", "StorageClass": "GLACIER" });
    emulator.boto("s3", "eu-central-1", "put_object", args);
    emulator.boto("s3", "eu-central-1", "put_object", json!({ "Bucket": BUCKET, "Key": "b", "Body": "x" }));
    let desk = Desk::new();
    let aws = desk.aws(&emulator);
    let awake = planned(&aws, "download_s3_object", download("b")).await;
    assert_eq!(awake.region, "eu-central-1", "its own");
    let asleep = plan(&aws, "download_s3_object", download("a")).await.unwrap_err();
    assert!(asleep.kind == FaultKind::Conflict && asleep.message.contains("restore it first"), "{asleep}");
}
