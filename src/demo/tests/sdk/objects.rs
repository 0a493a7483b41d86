//! Objects and uploads of the embedded account, judged by S3's client.

use crate::bench::{Bench, HOME};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart, StorageClass,
};
use std::time::Duration;

const LOGS: &str = "harbor-checkout-logs";
const EXPORTS: &str = "harbor-orders-exports";
const PLAIN: &str = "harbor-partner-dropbox";
const MIB: usize = 1024 * 1024;

async fn bytes(s3: &Client, bucket: &str, key: &str) -> Vec<u8> {
    let got = s3.get_object().bucket(bucket).key(key).send().await.unwrap();
    got.body.collect().await.unwrap().to_vec()
}

#[tokio::test]
async fn heads_and_bytes_agree() {
    let bench = Bench::new();
    let s3 = bench.s3(HOME);
    let key = "daily/orders-0003.csv";
    let head = s3.head_object().bucket(EXPORTS).key(key).send().await.unwrap();
    let got = s3.get_object().bucket(EXPORTS).key(key).if_match(head.e_tag().unwrap()).send().await.unwrap();
    assert_eq!((got.content_length(), got.e_tag()), (head.content_length(), head.e_tag()));
    assert_eq!(head.server_side_encryption().unwrap().as_str(), "aws:kms");
    assert!(head.version_id().is_some() && head.last_modified().is_some());
    let whole = got.body.collect().await.unwrap().to_vec();
    assert_eq!(whole.len(), 1_904_112);
    for (range, from, until) in [
        ("bytes=1000-1999", 1_000, 2_000),
        ("bytes=1904000-", 1_904_000, whole.len()),
        ("bytes=-12", whole.len() - 12, whole.len()),
    ] {
        let part = s3.get_object().bucket(EXPORTS).key(key).range(range).send().await.unwrap();
        assert_eq!(
            part.content_range(),
            Some(format!("bytes {from}-{}/{}", until - 1, whole.len()).as_str())
        );
        assert_eq!(part.body.collect().await.unwrap().to_vec(), whole[from..until], "{range}");
    }
    let beyond = s3.get_object().bucket(EXPORTS).key(key).range("bytes=9999999-").send().await.unwrap_err();
    assert_eq!(beyond.code(), Some("InvalidRange"));
    let other = s3.get_object().bucket(EXPORTS).key(key).if_match("\"other\"").send().await.unwrap_err();
    assert_eq!(other.code(), Some("PreconditionFailed"));
    let none = s3.get_object().bucket(EXPORTS).key("no/such").send().await.unwrap_err();
    assert_eq!(none.code(), Some("NoSuchKey"));
    let none = s3.head_object().bucket(EXPORTS).key("no/such").send().await.unwrap_err();
    assert!(none.into_service_error().is_not_found());
}

#[tokio::test]
async fn what_sleeps_is_not_given_out() {
    let bench = Bench::new();
    let s3 = bench.s3(HOME);
    let key = "archive/2023/orders.tar";
    let head = s3.head_object().bucket(EXPORTS).key(key).send().await.unwrap();
    assert_eq!(
        (head.storage_class(), head.content_length()),
        (Some(&StorageClass::Glacier), Some(734_003_200))
    );
    let error = s3.get_object().bucket(EXPORTS).key(key).send().await.unwrap_err();
    assert!(error.into_service_error().is_invalid_object_state());
}

#[tokio::test]
async fn a_write_holds_only_under_its_conditions() {
    let bench = Bench::new();
    let s3 = bench.s3(HOME);
    let put = |text: &'static str| {
        s3.put_object().bucket(PLAIN).key("a b/ü.txt").body(ByteStream::from_static(text.as_bytes()))
    };
    let first =
        put("one").if_none_match("*").checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.unwrap();
    assert_eq!(first.version_id(), None, "a bucket without versions");
    assert_eq!(put("two").if_none_match("*").send().await.unwrap_err().code(), Some("PreconditionFailed"));
    assert_eq!(put("two").if_match("\"other\"").send().await.unwrap_err().code(), Some("PreconditionFailed"));
    let there = s3
        .get_object()
        .bucket(PLAIN)
        .key("a b/ü.txt")
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    assert_eq!((there.e_tag(), there.checksum_type()), (first.e_tag(), Some(&ChecksumType::FullObject)));
    assert_eq!(there.body.collect().await.unwrap().to_vec(), b"one", "its checksum holds");
    let second = put("two").if_match(first.e_tag().unwrap()).send().await.unwrap();
    assert_ne!(second.e_tag(), first.e_tag());
    assert_eq!(bytes(&s3, PLAIN, "a b/ü.txt").await, b"two");
    let wrong =
        put("x").checksum_sha256("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").send().await.unwrap_err();
    assert_eq!(wrong.code(), Some("BadDigest"));
    let missing = s3.put_object().bucket(PLAIN).key("none").if_match("\"x\"").send().await.unwrap_err();
    assert_eq!(missing.code(), Some("NoSuchKey"));
    let owner = put("x").expected_bucket_owner("111122223333").send().await.unwrap_err();
    assert_eq!(owner.code(), Some("AccessDenied"));
}

#[tokio::test]
async fn versions_are_kept_where_they_are() {
    let bench = Bench::new();
    let s3 = bench.s3(HOME);
    for (bucket, kept) in [(EXPORTS, true), (LOGS, false)] {
        let put =
            |text: &'static [u8]| s3.put_object().bucket(bucket).key("x").body(ByteStream::from_static(text));
        let first = put(b"one").send().await.unwrap();
        bench.pass(Duration::from_secs(1));
        let second = put(b"two").send().await.unwrap();
        assert_eq!(second.version_id().is_some(), kept, "{bucket}");
        let now = s3.head_object().bucket(bucket).key("x").send().await.unwrap();
        let before = first.version_id().unwrap_or("null");
        assert_eq!(now.version_id(), Some(second.version_id().unwrap_or("null")));
        let old = s3.get_object().bucket(bucket).key("x").version_id(before).send().await.unwrap();
        let old = old.body.collect().await.unwrap().to_vec();
        assert_eq!(
            old,
            if kept { b"one" } else { b"two" },
            "{bucket}: while suspended there is one null version"
        );
    }
    // A version from before the suspension outlives it.
    let key = "README.txt";
    let old = s3.head_object().bucket(LOGS).key(key).send().await.unwrap().version_id().unwrap().to_owned();
    s3.put_object().bucket(LOGS).key(key).body(ByteStream::from_static(b"new")).send().await.unwrap();
    assert_eq!(bytes(&s3, LOGS, key).await, b"new");
    assert!(s3.head_object().bucket(LOGS).key(key).version_id(old).send().await.is_ok());
}

#[tokio::test]
async fn tags_or_that_there_are_none() {
    let bench = Bench::new();
    let s3 = bench.s3(HOME);
    let tags = s3.get_bucket_tagging().bucket(EXPORTS).send().await.unwrap();
    let tags: Vec<_> = tags.tag_set().iter().map(|t| (t.key(), t.value())).collect();
    assert_eq!(tags, [("env", "prod"), ("team", "orders")]);
    let none = s3.get_bucket_tagging().bucket(LOGS).send().await.unwrap_err();
    assert_eq!(none.code(), Some("NoSuchTagSet"));
}

#[tokio::test]
async fn parts_become_an_object() {
    let bench = Bench::new();
    let s3 = bench.s3(HOME);
    let key = "dumps/2026.bin";
    let begun = s3.create_multipart_upload().bucket(PLAIN).key(key).content_type("text/x-dump");
    let begun = begun.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.unwrap();
    let id = begun.upload_id().unwrap();
    let sizes = [5 * MIB, 5 * MIB, 10];
    let mut parts = Vec::new();
    // In any order, and one of them twice.
    for (number, fill) in [(2, b'b'), (1, b'x'), (3, b'c'), (1, b'a')] {
        let body = vec![fill; sizes[number - 1]];
        let part =
            s3.upload_part().bucket(PLAIN).key(key).upload_id(id).part_number(i32::try_from(number).unwrap());
        let part = part.body(body.into()).checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.unwrap();
        parts.retain(|p: &CompletedPart| p.part_number() != Some(i32::try_from(number).unwrap()));
        let done = CompletedPart::builder().part_number(i32::try_from(number).unwrap());
        parts.push(
            done.set_e_tag(part.e_tag().map(str::to_owned)).set_checksum_sha256(part.checksum_sha256).build(),
        );
    }
    assert!(s3.head_object().bucket(PLAIN).key(key).send().await.is_err(), "not before it is whole");
    let complete = |parts: &[CompletedPart]| {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec())).build();
        s3.complete_multipart_upload().bucket(PLAIN).key(key).upload_id(id).multipart_upload(parts)
    };
    assert_eq!(complete(&parts).send().await.unwrap_err().code(), Some("InvalidPartOrder"));
    parts.sort_by_key(|p| p.part_number());
    let mut wrong = parts.clone();
    wrong[0] = CompletedPart::builder().part_number(1).e_tag("\"other\"").build();
    assert_eq!(complete(&wrong).send().await.unwrap_err().code(), Some("InvalidPart"));
    assert_eq!(complete(&parts).if_match("\"x\"").send().await.unwrap_err().code(), Some("NoSuchKey"));
    let done = complete(&parts).if_none_match("*").send().await.unwrap();
    assert!(done.e_tag().unwrap().ends_with("-3\"") && done.checksum_sha256().unwrap().ends_with("-3"));
    let head = s3.head_object().bucket(PLAIN).key(key).send().await.unwrap();
    assert_eq!(
        (head.content_length(), head.content_type()),
        (Some(10 * 1_048_576 + 10), Some("text/x-dump"))
    );
    assert_eq!(head.e_tag(), done.e_tag());
    let whole = bytes(&s3, PLAIN, key).await;
    assert!(
        (whole[0], whole[5 * MIB], whole[10 * MIB]) == (b'a', b'b', b'c') && whole.len() == 10 * MIB + 10
    );
    assert_eq!(complete(&parts).send().await.unwrap_err().code(), Some("NoSuchUpload"), "it has ended");
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let bench = Bench::new();
    let s3 = bench.s3(HOME);
    let begun = s3.create_multipart_upload().bucket(PLAIN).key("k").send().await.unwrap();
    let id = begun.upload_id().unwrap();
    let part = || {
        s3.upload_part()
            .bucket(PLAIN)
            .key("k")
            .upload_id(id)
            .part_number(1)
            .body(ByteStream::from_static(b"x"))
    };
    part().send().await.unwrap();
    s3.abort_multipart_upload().bucket(PLAIN).key("k").upload_id(id).send().await.unwrap();
    assert_eq!(part().send().await.unwrap_err().code(), Some("NoSuchUpload"));
    let again = s3.abort_multipart_upload().bucket(PLAIN).key("k").upload_id(id).send().await.unwrap_err();
    assert!(again.into_service_error().is_no_such_upload());
    let listed = s3.list_objects_v2().bucket(PLAIN).send().await.unwrap();
    assert!(listed.contents().iter().all(|o| o.key() != Some("k")));
    // Small parts are refused, but for the last.
    let begun = s3.create_multipart_upload().bucket(PLAIN).key("k").send().await.unwrap();
    let id = begun.upload_id().unwrap();
    let mut parts = Vec::new();
    for n in 1..=2 {
        let sent = s3
            .upload_part()
            .bucket(PLAIN)
            .key("k")
            .upload_id(id)
            .part_number(n)
            .body(ByteStream::from_static(b"x"));
        let etag = sent.send().await.unwrap().e_tag().unwrap().to_owned();
        parts.push(CompletedPart::builder().part_number(n).e_tag(etag).build());
    }
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let small = s3.complete_multipart_upload().bucket(PLAIN).key("k").upload_id(id).multipart_upload(parts);
    assert_eq!(small.send().await.unwrap_err().code(), Some("EntityTooSmall"));
}
