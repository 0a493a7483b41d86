use super::*;
use crate::clients::Beside;
use crate::files::Files;
use crate::registry::{self, Failed};
use crate::stop;
use crate::testing::approval::{approve, carried_out, spent};
use crate::tools::transfer::testing::{BUCKET, HOME, Store, Trouble, pattern};
use quarterdeck_core::approval::Impact;
use quarterdeck_core::event::Progress;
use quarterdeck_core::journal::hex;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

const TOOL: &str = "download_s3_object";
const KEY: &str = "orders/2026/11.csv";

struct Machine {
    _folder: tempfile::TempDir,
    root: PathBuf,
    files: Files,
}

fn machine() -> Machine {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("work")).unwrap();
    let mut files = Files::in_folders(&root.join("downloads"), &root.join("uploads"));
    files.home = Some(root.clone());
    Machine { _folder: folder, root, files }
}

fn args() -> Value {
    json!({ "bucket": BUCKET, "key": KEY })
}

async fn plan(store: &Store, files: &Files, args: &Value) -> Result<Proposal, Fault> {
    registry::plan(&store.aws(files.clone()), TOOL, args, Arc::new(|_| ())).await
}

async fn run(store: &Store, files: &Files, args: &Value) -> Result<Projection, Failed> {
    carried_out(&store.aws(files.clone()), TOOL, args, Beside::nobody()).await
}

fn left(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn the_plan_says_what_goes_where() {
    let m = machine();
    let store = Store::new().with(KEY, b"id,total\n1,2\n").header(KEY, "content-type", "text/csv");
    let p = plan(&store, &m.files, &args()).await.unwrap();
    let path = m.root.join("downloads/11.csv").display().to_string();
    assert_eq!(p.title, format!("Download s3://{BUCKET}/{KEY} (13 B) to {path}"));
    assert_eq!((p.region.as_str(), p.dry_run.clone()), (HOME, DryRun::NotOffered));
    let etag = store.held(KEY).unwrap().etag();
    assert_eq!(
        p.command,
        format!(
            "aws s3api get-object --region {HOME} --bucket {BUCKET} --key {KEY} --if-match '{etag}' {path}"
        )
    );
    let target = &p.targets[0];
    assert_eq!((target.arn.clone(), target.state.as_str()), (format!("file://{path}"), "absent"));
    assert_eq!(target.changes[0].before, "nothing");
    assert!(target.changes[0].after.contains("13 B, ETag") && target.changes[0].after.contains("2026-11-19"));
    let context = |name: &str| target.context.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!(context("bucket region"), Some(HOME));
    assert_eq!(context("bucket owner"), Some("123456789012 (this account)"));
    assert_eq!((context("storage class"), context("type")), (Some("STANDARD"), Some("text/csv")));
    assert_eq!((p.warnings.len(), Impact::of(&p)), (0, Impact::Normal));
    assert_eq!(store.log(), ["HeadBucket", "HeadObject"], "planning reads no content");
    assert_eq!(left(&m.root.join("downloads")), [""; 0], "and writes nothing");
}

#[tokio::test]
async fn a_bucket_elsewhere_is_asked_where_it_is() {
    let m = machine();
    let store = Store::new().with(KEY, b"x");
    let aws = crate::clients::Aws::new(crate::settings::Settings {
        regions: vec!["us-east-1".into()],
        ..store.aws(m.files.clone()).settings().clone()
    });
    let p = registry::plan(&aws, TOOL, &args(), Arc::new(|_| ())).await.unwrap();
    assert_eq!(p.region, HOME);
    assert_eq!(store.log(), ["HeadBucket", "HeadBucket", "HeadObject"]);
}

#[tokio::test]
async fn what_needs_more_care() {
    let m = machine();
    let store = Store::new().with(KEY, b"x").owned_by("111122223333");
    let p = plan(&store, &m.files, &args()).await.unwrap();
    assert_eq!(p.warnings[0].code, "other_account");
    let store = Store::new().generated(KEY, 5 << 30);
    let outside = json!({ "bucket": BUCKET, "key": KEY, "directory": "~/work" });
    let p = plan(&store, &m.files, &outside).await.unwrap();
    let codes: Vec<&str> = p.warnings.iter().map(|w| w.code.as_str()).collect();
    assert_eq!(codes, ["outside_folder", "large"]);
    assert!(Impact::of(&p).is_high(), "outside the folder takes the typed code");
    std::fs::create_dir_all(m.root.join("downloads")).unwrap();
    std::fs::write(m.root.join("downloads/11.csv"), "old").unwrap();
    let taken = plan(&store, &m.files, &args()).await.unwrap_err();
    assert_eq!(taken.kind, FaultKind::Conflict);
    let over = json!({ "bucket": BUCKET, "key": KEY, "overwrite": true });
    let p = plan(&store, &m.files, &over).await.unwrap();
    assert!(p.targets[0].changes[0].before.starts_with("a file of 3 B, modified"), "{:?}", p.targets[0]);
    assert!(
        Impact::of(&p).is_high() && matches!(p.reversible, Reversible::No(_)),
        "what is replaced is gone"
    );
}

#[tokio::test]
async fn what_is_not_there_or_asleep() {
    let m = machine();
    let store = Store::new();
    let fault = plan(&store, &m.files, &args()).await.unwrap_err();
    assert!(fault.kind == FaultKind::Missing && fault.hint.unwrap().contains("search_s3_objects"));
    let other = json!({ "bucket": "shop-exportz", "key": KEY });
    let fault = plan(&store, &m.files, &other).await.unwrap_err();
    assert!(fault.kind == FaultKind::Missing && fault.message.contains("shop-exportz"), "{fault}");
    let store = Store::new().with(KEY, b"x").header(KEY, "x-amz-storage-class", "DEEP_ARCHIVE");
    let fault = plan(&store, &m.files, &args()).await.unwrap_err();
    assert!(fault.kind == FaultKind::Conflict && fault.message.contains("restore it first"), "{fault}");
    assert!(fault.hint.unwrap().contains("aws s3api restore-object"));
    let store = Store::new().with(KEY, b"x");
    store.trouble("HeadObject", Trouble::Status(403, ""));
    let fault = plan(&store, &m.files, &args()).await.unwrap_err();
    assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some("s3:GetObject")));
}

#[tokio::test]
async fn throttled_once_is_planned_and_always_is_told() {
    let m = machine();
    let store = Store::new().home("eu-north-1").with(KEY, b"x");
    store.trouble("HeadObject", Trouble::Status(503, "SlowDown"));
    assert!(plan(&store, &m.files, &args()).await.is_ok());
    for _ in 0..10 {
        store.trouble("HeadBucket", Trouble::Status(503, "SlowDown"));
    }
    assert_eq!(plan(&store, &m.files, &args()).await.unwrap_err().kind, FaultKind::Throttled);
}

#[tokio::test]
async fn the_file_is_written_and_its_checksum_told() {
    let m = machine();
    let store = Store::new().with(KEY, b"id,total\n1,2\n");
    let done = run(&store, &m.files, &args()).await.unwrap();
    assert_eq!(std::fs::read(m.root.join("downloads/11.csv")).unwrap(), b"id,total\n1,2\n");
    let sum = hex(&Sha256::digest(b"id,total\n1,2\n"));
    assert_eq!(done.cell(&done.rows[0], "sha256").unwrap().plain(), sum);
    assert!(done.summary.starts_with(&format!("Downloaded s3://{BUCKET}/{KEY} (13 B)")), "{}", done.summary);
    let sent = &store.headers("GetObject")[0];
    assert_eq!(sent["if-match"], store.held(KEY).unwrap().etag());
    assert_eq!(sent["x-amz-expected-bucket-owner"], "123456789012");
    let empty = Store::new().with("empty", b"");
    run(&empty, &m.files, &json!({ "bucket": BUCKET, "key": "empty" })).await.unwrap();
    assert_eq!(std::fs::read(m.root.join("downloads/empty")).unwrap(), b"");
}

#[tokio::test]
async fn what_changed_since_the_plan_is_not_downloaded() {
    let m = machine();
    let store = Store::new().with(KEY, b"approved");
    let aws = store.aws(m.files.clone());
    let proof = spent(&aws, TOOL, &args()).await.unwrap();
    store.replace(KEY, b"something else");
    let failed = registry::write(&aws, proof, Beside::nobody()).await.unwrap_err();
    assert_eq!((failed.fault.kind, failed.lost), (FaultKind::Conflict, false), "{}", failed.fault);
    assert_eq!(left(&m.root.join("downloads")), [""; 0]);
    // A file of that name that came meanwhile stays.
    let proof = spent(&aws, TOOL, &args()).await.unwrap();
    std::fs::write(m.root.join("downloads/11.csv"), "mine").unwrap();
    let failed = registry::write(&aws, proof, Beside::nobody()).await.unwrap_err();
    assert_eq!(failed.fault.kind, FaultKind::Conflict);
    assert_eq!(std::fs::read_to_string(m.root.join("downloads/11.csv")).unwrap(), "mine");
    // An approval for one place writes nowhere else.
    std::fs::remove_file(m.root.join("downloads/11.csv")).unwrap();
    let mut p = plan(&store, &m.files, &args()).await.unwrap();
    p.args = json!({ "bucket": BUCKET, "key": KEY, "directory": "~/work" });
    let failed = registry::write(&aws, approve(TOOL, &args(), p), Beside::nobody()).await.unwrap_err();
    assert_eq!(failed.fault.kind, FaultKind::Conflict, "{}", failed.fault);
    assert_eq!(left(&m.root.join("work")), [""; 0]);
}

#[tokio::test]
async fn a_broken_line_is_taken_up_where_it_broke() {
    let m = machine();
    let bytes: Vec<u8> = (0..300_000).map(pattern).collect();
    let store = Store::new().with(KEY, &bytes);
    store.trouble("GetObject", Trouble::BreakAfter(100_000));
    store.trouble("GetObject", Trouble::BreakAfter(50_000));
    store.trouble("GetObject", Trouble::Status(503, "ServiceUnavailable"));
    let done = run(&store, &m.files, &args()).await.unwrap();
    assert_eq!(std::fs::read(m.root.join("downloads/11.csv")).unwrap(), bytes);
    let ranges: Vec<Option<String>> =
        store.headers("GetObject").iter().map(|h| h.get("range").cloned()).collect();
    assert_eq!(ranges[0], None);
    assert_eq!(ranges[1].as_deref(), Some("bytes=100000-"));
    assert_eq!(ranges.last().unwrap().as_deref(), Some("bytes=150000-"));
    assert!(done.notes.iter().any(|n| n.contains("taken up where it broke")), "{:?}", done.notes);
    // Broken for good: nothing stays.
    std::fs::remove_file(m.root.join("downloads/11.csv")).unwrap();
    for _ in 0..50 {
        store.trouble("GetObject", Trouble::Break);
    }
    let failed = run(&store, &m.files, &args()).await.unwrap_err();
    assert_eq!((failed.fault.kind, failed.lost), (FaultKind::Unavailable, false), "{}", failed.fault);
    assert_eq!(left(&m.root.join("downloads")), [""; 0]);
}

#[tokio::test]
async fn bytes_that_are_not_the_objects_are_not_kept() {
    use base64::Engine as _;
    let m = machine();
    let sum = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(b"true bytes"));
    let store = Store::new().with(KEY, b"true bytes").header(KEY, "x-amz-checksum-sha256", &sum);
    store.trouble("GetObject", Trouble::Garble);
    let failed = run(&store, &m.files, &args()).await.unwrap_err();
    assert_eq!(failed.fault.kind, FaultKind::Unavailable, "{}", failed.fault);
    assert_eq!(left(&m.root.join("downloads")), [""; 0]);
    let done = run(&store, &m.files, &args()).await.unwrap();
    assert!(done.notes.iter().any(|n| n.contains("SHA-256 checksum was compared")), "{:?}", done.notes);
}

#[tokio::test]
async fn stopping_keeps_nothing() {
    let m = machine();
    let store = Store::new().generated(KEY, 64 << 20);
    let aws = store.aws(m.files.clone());
    let proof = spent(&aws, TOOL, &args()).await.unwrap();
    let (switch, stop) = stop::pair();
    let switch = Arc::new(switch);
    let stopping = switch.clone();
    // Stopped as soon as something has moved.
    let beside = Beside {
        progress: Arc::new(move |p: Progress| {
            if p.done > 0 {
                stopping.stop();
            }
        }),
        stop,
    };
    let failed = registry::write(&aws, proof, beside).await.unwrap_err();
    assert_eq!((failed.fault.kind, failed.lost), (FaultKind::Cancelled, false));
    assert_eq!(left(&m.root.join("downloads")), [""; 0]);
    assert!(store.most_alive.load(Ordering::SeqCst) < 100, "it stopped long before the end");
}

/// 104 MiB through the real path: never more than a few chunks of it in memory.
#[tokio::test]
async fn a_large_object_goes_through_in_constant_memory() {
    const SIZE: u64 = 104 << 20;
    let m = machine();
    let store = Store::new().generated(KEY, SIZE);
    let aws = store.aws(m.files.clone());
    let proof = spent(&aws, TOOL, &args()).await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let beside =
        Beside { progress: Arc::new(move |p| told.lock().unwrap().push(p)), stop: stop::Stop::never() };
    registry::write(&aws, proof, beside).await.unwrap();
    let path = m.root.join("downloads/11.csv");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), SIZE);
    let most = store.most_alive.load(Ordering::SeqCst);
    assert!(most <= 4, "{most} chunks of 64 KiB at a time");
    assert_eq!(store.alive.load(Ordering::SeqCst), 0);
    let seen = seen.lock().unwrap();
    assert!(seen.iter().all(|p| p.unit == "bytes" && p.total == Some(SIZE)));
    assert!(seen.windows(2).all(|w| w[0].done <= w[1].done) && seen.last().unwrap().done == SIZE);
}
