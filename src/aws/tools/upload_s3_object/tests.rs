use super::*;
use crate::clients::Beside;
use crate::files::Files;
use crate::registry::{self, Failed};
use crate::stop;
use crate::testing::approval::{carried_out, spent};
use crate::tools::transfer::testing::{BUCKET, HOME, OURS, Store, Trouble, pattern};
use quarterdeck_core::approval::Impact;
use quarterdeck_core::event::Progress;
use quarterdeck_core::journal::hex;
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const TOOL: &str = "upload_s3_object";
const KEY: &str = "reports/11.csv";

struct Machine {
    _folder: tempfile::TempDir,
    root: PathBuf,
    files: Files,
}

/// With a file `report.csv` of three bytes in the folder for uploads.
fn machine() -> Machine {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for below in ["uploads", "work", ".aws", ".ssh"] {
        std::fs::create_dir_all(root.join(below)).unwrap();
    }
    std::fs::write(root.join("uploads/report.csv"), "1,2").unwrap();
    std::fs::write(root.join("work/other.csv"), "3,4").unwrap();
    std::fs::write(root.join(".aws/credentials"), "x").unwrap();
    let mut files = Files::in_folders(&root.join("downloads"), &root.join("uploads"));
    files.home = Some(root.clone());
    Machine { _folder: folder, root, files }
}

fn args() -> Value {
    json!({ "source": "report.csv", "bucket": BUCKET, "key": KEY })
}

fn with(field: &str, value: Value) -> Value {
    let mut args = args();
    args[field] = value;
    args
}

async fn plan(store: &Store, files: &Files, args: &Value) -> Result<Proposal, Fault> {
    registry::plan(&store.aws(files.clone()), TOOL, args, Arc::new(|_| ())).await
}

async fn run(store: &Store, files: &Files, args: &Value) -> Result<Projection, Failed> {
    carried_out(&store.aws(files.clone()), TOOL, args, Beside::nobody()).await
}

fn codes(plan: &Proposal) -> Vec<(&str, WarningLevel)> {
    plan.warnings.iter().map(|w| (w.code.as_str(), w.level)).collect()
}

#[tokio::test]
async fn the_plan_of_something_new() {
    let m = machine();
    let store = Store::new().tagged("env", "dev").tagged("cost-center", "42").versioning("Enabled");
    let p = plan(&store, &m.files, &args()).await.unwrap();
    let path = m.root.join("uploads/report.csv").display().to_string();
    assert_eq!(p.title, format!("Upload {path} to s3://{BUCKET}/{KEY}"));
    let target = &p.targets[0];
    assert_eq!(target.arn, format!("arn:aws:s3:::{BUCKET}/{KEY}"));
    assert_eq!((target.state.as_str(), target.changes[0].before.as_str()), ("absent", "nothing"));
    assert!(target.changes[0].after.starts_with(&format!("{path}: 3 B, modified ")), "{:?}", target.changes);
    assert_eq!(target.tags.keys().collect::<Vec<_>>(), ["env"], "only tags that decide");
    let context = |name: &str| target.context.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!((context("versioning"), context("bucket region")), (Some("enabled"), Some(HOME)));
    assert_eq!(context("bucket owner"), Some("123456789012 (this account)"));
    assert_eq!(
        p.command,
        format!(
            "aws s3api put-object --region {HOME} --bucket {BUCKET} --key {KEY} --body {path} --expected-bucket-owner {OURS} --if-none-match '*'"
        )
    );
    assert_eq!((codes(&p), Impact::of(&p)), (vec![], Impact::Normal));
    assert!(
        matches!(&p.reversible, Reversible::Yes(how) if how.contains("aws s3api delete-object")),
        "{:?}",
        p.reversible
    );
    let mut log = store.log();
    log.sort();
    assert_eq!(log, ["GetBucketTagging", "GetBucketVersioning", "HeadBucket", "HeadObject"]);
    for operation in ["HeadBucket", "HeadObject", "GetBucketVersioning", "GetBucketTagging"] {
        assert_eq!(store.headers(operation)[0]["x-amz-expected-bucket-owner"], OURS, "{operation}");
    }
    assert_eq!(plan(&store, &m.files, &args()).await.unwrap(), p, "a second plan of the same is the same");
    assert_eq!(UploadS3Object::inverse(&p, &Projection::new("", Timestamp::default())), None);
}

#[tokio::test]
async fn overwriting_depends_on_versions() {
    let m = machine();
    let over = with("overwrite", json!(true));
    for (versioning, version, code, level) in [
        ("", None, "overwrites_unversioned", WarningLevel::Critical),
        ("Suspended", Some("null"), "overwrites_unversioned", WarningLevel::Critical),
        ("Suspended", Some("v7"), "version_stays", WarningLevel::Info),
        ("Enabled", Some("v7"), "version_stays", WarningLevel::Info),
    ] {
        let mut store = Store::new().with(KEY, b"old").versioning(versioning).tagged("env", "dev");
        if let Some(version) = version {
            store = store.header(KEY, "x-amz-version-id", version);
        }
        let fault = plan(&store, &m.files, &args()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict, "not without overwrite");
        let p = plan(&store, &m.files, &over).await.unwrap();
        assert_eq!(codes(&p), [(code, level)], "{versioning} {version:?}");
        assert_eq!(Impact::of(&p).is_high(), level == WarningLevel::Critical);
        assert!(p.command.contains("--if-match"), "{}", p.command);
        match &p.reversible {
            Reversible::Yes(how) => {
                assert!(
                    how.contains(&format!(
                        "aws s3api copy-object --region {HOME} --bucket {BUCKET} --key {KEY} --copy-source"
                    )),
                    "{how}"
                );
                assert!(how.contains("?versionId=v7"), "{how}");
            }
            Reversible::No(_) => assert_eq!(level, WarningLevel::Critical),
            Reversible::Partly(_) => panic!("all or nothing"),
        }
    }
}

#[tokio::test]
async fn whose_bucket_it_is() {
    let m = machine();
    let store = Store::new().owned_by("111122223333").tagged("env", "dev");
    let fault = plan(&store, &m.files, &args()).await.unwrap_err();
    assert!(fault.kind == FaultKind::Refused && fault.hint.unwrap().contains("bucket_owner"));
    let named = with("bucket_owner", json!("111122223333"));
    let p = plan(&store, &m.files, &named).await.unwrap();
    assert_eq!(codes(&p), [("other_account", WarningLevel::Critical)]);
    assert!(Impact::of(&p).is_high() && p.command.contains("--expected-bucket-owner 111122223333"));
    let wrong = with("bucket_owner", json!("444455556666"));
    assert_eq!(plan(&store, &m.files, &wrong).await.unwrap_err().kind, FaultKind::Denied);
    let done = run(&store, &m.files, &named).await.unwrap();
    assert_eq!(
        store.headers("PutObject")[0]["x-amz-expected-bucket-owner"],
        "111122223333",
        "{}",
        done.summary
    );
    // Where it cannot be told, it is asked of S3 all the same, and said.
    let store = Store::new().unlistable().tagged("env", "dev");
    let p = plan(&store, &m.files, &args()).await.unwrap();
    assert!(
        p.unknown[0].contains("belongs to this account") && p.unknown[0].contains("s3:ListBucket"),
        "{:?}",
        p.unknown
    );
    assert!(Impact::of(&p).is_high());
}

#[tokio::test]
async fn what_cannot_be_read_is_not_known() {
    let m = machine();
    let store = Store::new();
    for (operation, action) in [
        ("GetBucketVersioning", "s3:GetBucketVersioning"),
        ("GetBucketTagging", "s3:GetBucketTagging"),
        ("HeadObject", "s3:GetObject"),
    ] {
        store.trouble(
            operation,
            Trouble::Status(403, if operation == "HeadObject" { "" } else { "AccessDenied" }),
        );
        let p = plan(&store, &m.files, &args()).await.unwrap();
        assert!(p.unknown.len() == 1 && p.unknown[0].contains(action), "{operation}: {:?}", p.unknown);
        assert!(Impact::of(&p).is_high(), "{operation}");
    }
    store.trouble("HeadObject", Trouble::Status(403, ""));
    let fault = plan(&store, &m.files, &with("overwrite", json!(true))).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Denied, "overwriting takes to know what is overwritten");
}

#[tokio::test]
async fn where_a_source_may_be() {
    let m = machine();
    let store = Store::new().tagged("env", "dev");
    let outside = with("source", json!("~/work/other.csv"));
    let p = plan(&store, &m.files, &outside).await.unwrap();
    assert_eq!(codes(&p), [("outside_folder", WarningLevel::Caution)]);
    assert!(Impact::of(&p).is_high(), "outside the folder takes the typed code");
    std::os::unix::fs::symlink(m.root.join(".aws/credentials"), m.root.join("uploads/notes.txt")).unwrap();
    let asked = store.log().len();
    for never in ["~/.aws/credentials", "notes.txt", "/proc/self/environ"] {
        let fault = plan(&store, &m.files, &with("source", json!(never))).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Refused, "{never}");
    }
    for metadata in
        ["http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://localhost/"]
    {
        let remote = json!({ "source": metadata, "bucket": BUCKET, "key": KEY, "is_remote_url": true });
        assert_eq!(plan(&store, &m.files, &remote).await.unwrap_err().kind, FaultKind::Refused, "{metadata}");
    }
    assert_eq!(store.log().len(), asked, "refused before anything is asked of AWS");
    let secret = m.root.join("uploads/server.pem");
    std::fs::write(secret, "x").unwrap();
    let p = plan(&store, &m.files, &with("source", json!("server.pem"))).await.unwrap();
    assert_eq!(codes(&p), [("looks_secret", WarningLevel::Caution)]);
}

#[tokio::test]
async fn nothing_is_asked_of_a_url_before_the_approval() {
    let m = machine();
    let store = Store::new().tagged("env", "dev");
    // `.invalid` never resolves: planning does not look it up.
    let remote = json!({ "source": "http://secret-data.invalid/a", "bucket": BUCKET, "key": KEY, "is_remote_url": true });
    let p = plan(&store, &m.files, &remote).await.unwrap();
    assert_eq!(codes(&p), [("not_encrypted", WarningLevel::Caution), ("remote_source", WarningLevel::Info)]);
    assert!(p.unknown[0].contains("size and content") && Impact::of(&p).is_high());
    assert!(
        p.command.starts_with(
            "curl --fail --location --output upload.tmp http://secret-data.invalid/a && aws s3api put-object"
        ),
        "{}",
        p.command
    );
}

#[tokio::test]
async fn a_small_file_goes_in_one_request() {
    let m = machine();
    let store = Store::new();
    let done = run(&store, &m.files, &args()).await.unwrap();
    assert_eq!(store.held(KEY).unwrap().bytes.unwrap(), "1,2");
    let sent = &store.headers("PutObject")[0];
    assert_eq!((sent["if-none-match"].as_str(), sent["x-amz-expected-bucket-owner"].as_str()), ("*", OURS));
    assert_eq!(sent["content-type"], "text/csv");
    assert_eq!(done.summary, format!("Uploaded 3 B to s3://{BUCKET}/{KEY}."));
    let cell = |name: &str| done.cell(&done.rows[0], name).unwrap().plain();
    assert_eq!(cell("sha256"), hex(&Sha256::digest(b"1,2")));
    assert_eq!(cell("etag"), store.held(KEY).unwrap().etag());
    for says in ["same size, same ETag", "compared and is right", "to undo it: aws s3api delete-object"] {
        assert!(done.notes.iter().any(|n| n.contains(says)), "{says}: {:?}", done.notes);
    }
    std::fs::write(m.root.join("uploads/empty"), "").unwrap();
    let empty = json!({ "source": "empty", "bucket": BUCKET, "key": "empty" });
    run(&store, &m.files, &empty).await.unwrap();
    assert_eq!(store.held("empty").unwrap().size(), 0);
    let again = with("overwrite", json!(true));
    run(&store, &m.files, &again).await.unwrap();
    assert!(store.headers("PutObject").last().unwrap().contains_key("if-match"));
}

#[tokio::test]
async fn what_changed_since_the_plan_is_not_overwritten() {
    let m = machine();
    let over = with("overwrite", json!(true));
    for (before, args) in [(None, args()), (Some(b"old"), over)] {
        let mut store = Store::new();
        if let Some(bytes) = before {
            store = store.with(KEY, bytes);
        }
        let aws = store.aws(m.files.clone());
        let proof = spent(&aws, TOOL, &args).await.unwrap();
        store.replace(KEY, b"somebody else's");
        let failed = registry::write(&aws, proof, Beside::nobody()).await.unwrap_err();
        assert_eq!((failed.fault.kind, failed.lost), (FaultKind::Conflict, false), "{}", failed.fault);
        assert_eq!(store.held(KEY).unwrap().bytes.unwrap(), "somebody else's");
    }
    // Nor is another source sent than the one that was approved.
    let store = Store::new();
    let aws = store.aws(m.files.clone());
    let proof = spent(&aws, TOOL, &args()).await.unwrap();
    std::fs::write(m.root.join("uploads/report.csv"), "other").unwrap();
    let failed = registry::write(&aws, proof, Beside::nobody()).await.unwrap_err();
    assert_eq!(failed.fault.kind, FaultKind::Conflict);
    assert_eq!(store.count("PutObject"), 0);
}

#[tokio::test]
async fn a_lost_answer_is_not_known_and_a_refusal_is() {
    let m = machine();
    for (trouble, kind, lost) in [
        (Trouble::Lose, FaultKind::Unavailable, true),
        (Trouble::Status(500, "InternalError"), FaultKind::Unavailable, true),
        (Trouble::Status(403, "AccessDenied"), FaultKind::Denied, false),
        (Trouble::Status(503, "SlowDown"), FaultKind::Throttled, false),
    ] {
        let store = Store::new();
        store.trouble("PutObject", trouble);
        let failed = run(&store, &m.files, &args()).await.unwrap_err();
        assert_eq!((failed.fault.kind, failed.lost), (kind, lost), "{trouble:?}: {}", failed.fault);
        assert_eq!(store.count("PutObject"), 1, "one attempt");
    }
}

fn large(m: &Machine, mib: u64) -> Vec<u8> {
    let bytes: Vec<u8> = (0..mib << 20).map(pattern).collect();
    std::fs::write(m.root.join("uploads/large.bin"), &bytes).unwrap();
    bytes
}

fn large_args() -> Value {
    json!({ "source": "large.bin", "bucket": BUCKET, "key": "large.bin" })
}

#[tokio::test]
async fn parts_are_sent_again_one_by_one() {
    let m = machine();
    let bytes = large(&m, 21);
    let store = Store::new();
    for trouble in [Trouble::Status(503, "SlowDown"), Trouble::Break, Trouble::Status(500, "InternalError")] {
        store.trouble("UploadPart", trouble);
    }
    let done = run(&store, &m.files, &large_args()).await.unwrap();
    assert!(done.summary.ends_with("in 3 parts."), "{}", done.summary);
    assert_eq!(store.held("large.bin").unwrap().bytes.unwrap(), bytes);
    assert_eq!(store.count("UploadPart"), 6, "three of them twice");
    for says in ["3 parts had to be sent again", "compared and is right"] {
        assert!(done.notes.iter().any(|n| n.contains(says)), "{says}: {:?}", done.notes);
    }
    assert_eq!((store.pending(), store.count("AbortMultipartUpload")), (0, 0));
    let sent = &store.headers("CompleteMultipartUpload")[0];
    assert_eq!((sent["if-none-match"].as_str(), sent["x-amz-mp-object-size"].as_str()), ("*", "22020096"));
    for operation in ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"] {
        assert_eq!(store.headers(operation)[0]["x-amz-expected-bucket-owner"], OURS, "{operation}");
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_given_up_as_a_whole() {
    let m = machine();
    large(&m, 17);
    for (operation, trouble, times, kind) in [
        ("UploadPart", Trouble::Status(503, "SlowDown"), 50, FaultKind::Throttled),
        ("UploadPart", Trouble::Break, 50, FaultKind::Unavailable),
        ("UploadPart", Trouble::Status(403, "AccessDenied"), 1, FaultKind::Denied),
        ("CompleteMultipartUpload", Trouble::Status(412, "PreconditionFailed"), 1, FaultKind::Conflict),
        ("CreateMultipartUpload", Trouble::Status(500, "InternalError"), 1, FaultKind::Unavailable),
    ] {
        let store = Store::new();
        for _ in 0..times {
            store.trouble(operation, trouble);
        }
        let failed = run(&store, &m.files, &large_args()).await.unwrap_err();
        assert_eq!(
            (failed.fault.kind, failed.lost),
            (kind, false),
            "{operation} {trouble:?}: {}",
            failed.fault
        );
        assert_eq!(
            (store.pending(), store.held("large.bin").is_some()),
            (0, false),
            "{operation} {trouble:?}"
        );
    }
    // Whether it was put together is not known when that answer is lost.
    let store = Store::new();
    store.trouble("CompleteMultipartUpload", Trouble::Lose);
    let failed = run(&store, &m.files, &large_args()).await.unwrap_err();
    assert!(failed.lost && store.count("AbortMultipartUpload") == 0, "{}", failed.fault);
    // What cannot be given up either is said, with the command.
    let store = Store::new();
    store.trouble("UploadPart", Trouble::Status(403, "AccessDenied"));
    for _ in 0..10 {
        store.trouble("AbortMultipartUpload", Trouble::Break);
    }
    let failed = run(&store, &m.files, &large_args()).await.unwrap_err();
    assert!(failed.fault.hint.unwrap().contains("aws s3api abort-multipart-upload") && !failed.lost);
}

#[tokio::test]
async fn stopping_gives_the_parts_up_at_once() {
    let m = machine();
    large(&m, 40);
    let store = Store::new();
    let aws = store.aws(m.files.clone());
    let proof = spent(&aws, TOOL, &large_args()).await.unwrap();
    for _ in 0..3 {
        store.trouble("UploadPart", Trouble::Hang);
    }
    let (switch, stop) = stop::pair();
    let beside = Beside { progress: Arc::new(|_| ()), stop };
    let began = tokio::time::Instant::now();
    let stopping = async {
        while store.count("UploadPart") < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        switch.stop();
        tokio::time::Instant::now()
    };
    let (failed, stopped) = futures::join!(registry::write(&aws, proof, beside), stopping);
    let failed = failed.unwrap_err();
    assert_eq!((failed.fault.kind, failed.lost), (FaultKind::Cancelled, false), "{}", failed.fault);
    assert!(
        stopped.elapsed() < Duration::from_millis(200),
        "{:?} of {:?}",
        stopped.elapsed(),
        began.elapsed()
    );
    assert_eq!((store.pending(), store.count("AbortMultipartUpload")), (0, 1));
    assert!(store.held("large.bin").is_none());
}

/// 104 MiB of a sparse file: what is in memory does not depend on how large it is.
#[tokio::test]
async fn a_large_file_goes_through_in_constant_memory() {
    const SIZE: u64 = 104 << 20;
    let m = machine();
    std::fs::File::create(m.root.join("uploads/large.bin")).unwrap().set_len(SIZE).unwrap();
    let store = Store::new().forgetful();
    let aws = store.aws(m.files.clone());
    let proof = spent(&aws, TOOL, &large_args()).await.unwrap();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = seen.clone();
    let beside = Beside {
        progress: Arc::new(move |p: Progress| told.lock().unwrap().push(p)),
        stop: stop::Stop::never(),
    };
    registry::write(&aws, proof, beside).await.unwrap();
    assert_eq!(store.count("UploadPart"), 13);
    let most = store.most_in_flight();
    assert!((8 << 20..=3 * (8 << 20)).contains(&most), "{most} bytes in flight");
    let seen = seen.lock().unwrap();
    assert!(seen.iter().all(|p| p.unit == "bytes" && p.total == Some(SIZE)));
    assert_eq!(seen.last().unwrap().done, SIZE);
}

/// A server that answers with `size` generated bytes in chunks, without saying how many there are.
async fn server(size: u64) -> (String, impl Future<Output = ()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/data.bin?token=hunter2", listener.local_addr().unwrap().port());
    let serve = async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/x-log\r\nconnection: close\r\n\r\n").await;
            let mut at = 0;
            while at < size {
                let end = size.min(at + 65_536);
                let chunk: Vec<u8> = (at..end).map(pattern).collect();
                let _ = stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await;
                let _ = stream.write_all(&chunk).await;
                let _ = stream.write_all(b"\r\n").await;
                at = end;
            }
            let _ = stream.write_all(b"0\r\n\r\n").await;
        }
    };
    (url, serve)
}

fn remote(url: &str) -> Value {
    json!({ "source": url, "bucket": BUCKET, "key": "from-url", "is_remote_url": true })
}

#[tokio::test]
async fn a_url_of_unknown_length_goes_in_parts() {
    let mut m = machine();
    m.files.reachable = |ip| ip.is_loopback();
    for (size, parts) in [(20_u64 << 20, 3), (1_000, 1)] {
        let (url, serve) = server(size).await;
        let store = Store::new();
        let args = remote(&url);
        let done = tokio::select! {
            done = run(&store, &m.files, &args) => done,
            () = serve => unreachable!(),
        };
        let done = done.unwrap_or_else(|e| panic!("{}", e.fault));
        let bytes: Vec<u8> = (0..size).map(pattern).collect();
        assert_eq!(store.held("from-url").unwrap().bytes.unwrap(), bytes);
        assert_eq!(store.count("UploadPart") + store.count("PutObject"), parts, "{}", done.summary);
        let created = if parts > 1 { "CreateMultipartUpload" } else { "PutObject" };
        assert_eq!(store.headers(created)[0]["content-type"], "text/x-log");
    }
}

#[tokio::test]
async fn a_url_is_read_up_to_the_limit_and_only_where_it_may_lead() {
    let mut m = machine();
    m.files.reachable = |ip| ip.is_loopback();
    m.files.url_limit = 18 << 20;
    let (url, serve) = server(20 << 20).await;
    let store = Store::new();
    let args = remote(&url);
    let failed = tokio::select! {
        done = run(&store, &m.files, &args) => done.unwrap_err(),
        () = serve => unreachable!(),
    };
    assert_eq!((failed.fault.kind, failed.lost), (FaultKind::Refused, false), "{}", failed.fault);
    assert!(failed.fault.message.contains("18 MiB") && !failed.fault.to_string().contains("hunter2"));
    assert_eq!((store.pending(), store.held("from-url").is_some()), (0, false), "what was sent was given up");
    m.files.reachable = crate::fetch::is_public;
    let fault = plan(&store, &m.files, &remote(&url)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Refused, "by default this machine is not reached");
}

#[test]
fn it_is_verified_by_what_the_bucket_lists() {
    let plan = |modified: Value, size: Value| {
        let undo = json!({ "modified": modified, "size": size });
        let args = json!({ "bucket": BUCKET, "key": KEY });
        let mut plan = Proposal { args, undo, ..base() };
        plan.targets.clear();
        plan
    };
    let listed = |key: &str, size: i64, modified: i64| {
        let row = vec![key.into(), size.into(), Timestamp::from_millis(modified).into()];
        Projection::new("", Timestamp::default())
            .columns(&[
                ("key", ColumnKind::Text),
                ("size", ColumnKind::Bytes),
                ("modified", ColumnKind::Time),
            ])
            .rows(vec![Row { urgency: 0, cells: row }])
    };
    let before = json!(Timestamp::from_millis(1_000));
    for (plan, listed, verdict) in [
        (plan(json!(null), json!(3)), listed(KEY, 3, 1_000), Verdict::Done),
        (plan(json!(null), json!(3)), listed(KEY, 4, 1_000), Verdict::NotYet),
        (plan(json!(null), json!(3)), listed("other", 3, 1_000), Verdict::NotYet),
        (plan(before.clone(), json!(3)), listed(KEY, 3, 1_000), Verdict::NotYet),
        (plan(before.clone(), json!(3)), listed(KEY, 3, 2_000), Verdict::Done),
        (plan(before, json!(null)), listed(KEY, 9, 2_000), Verdict::Done),
    ] {
        assert_eq!(judge(&plan, &listed), verdict, "{:?} {:?}", plan.undo, listed.rows);
    }
    let watch = UploadS3Object::verify(&plan(json!(null), json!(3)));
    assert_eq!(
        (watch.tool, watch.args),
        ("list_s3_objects", json!({ "bucket": BUCKET, "prefix": KEY, "limit": 1 }))
    );
}

fn base() -> Proposal {
    Proposal {
        tool: TOOL.into(),
        args: Value::Null,
        title: String::new(),
        identity: quarterdeck_core::scope::Identity {
            account: OURS.into(),
            alias: None,
            arn: String::new(),
            role: String::new(),
            key_tail: None,
            expires: None,
        },
        region: HOME.into(),
        targets: Vec::new(),
        warnings: Vec::new(),
        dry_run: DryRun::NotOffered,
        actions: Vec::new(),
        command: String::new(),
        reversible: Reversible::No(String::new()),
        unknown: Vec::new(),
        undo: Value::Null,
        as_of: Timestamp::default(),
    }
}
