//! S3 and S3 Control of the embedded account, judged by their clients.

use crate::bench::{Bench, HOME};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, ObjectOwnership, Permission, ServerSideEncryption,
    Type,
};
use std::time::Duration;

const FRANKFURT: &str = "eu-central-1";

#[tokio::test]
async fn buckets_come_in_pages_with_their_regions() {
    let bench = Bench::new();
    let s3 = bench.s3(HOME);
    let (mut names, mut token, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = s3.list_buckets().max_buckets(4).set_continuation_token(token).send().await.unwrap();
        assert!(page.buckets().iter().all(|b| b.bucket_region().is_some() && b.creation_date().is_some()));
        names.extend(page.buckets().iter().map(|b| b.name().unwrap().to_owned()));
        pages += 1;
        token = page.continuation_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!((names.len(), pages), (6, 2));
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(names, sorted);
    let bare = s3.list_buckets().send().await.unwrap();
    assert!(bare.buckets().iter().all(|b| b.bucket_region().is_none()), "regions only with a page's size");
    let some =
        s3.list_buckets().max_buckets(10).prefix("harbor-b").bucket_region(FRANKFURT).send().await.unwrap();
    assert_eq!(some.buckets().len(), 1);
}

#[tokio::test]
async fn a_bucket_answers_in_its_own_region_only() {
    let bench = Bench::new();
    let here = bench.s3(HOME).head_bucket().bucket("harbor-checkout-logs").send().await.unwrap();
    assert_eq!(here.bucket_region(), Some(HOME));
    let bucket = "harbor-backups-frankfurt";
    let elsewhere = bench.s3(HOME).head_bucket().bucket(bucket).send().await.unwrap_err();
    let raw = elsewhere.raw_response().unwrap();
    assert_eq!((raw.status().as_u16(), raw.headers().get("x-amz-bucket-region")), (301, Some(FRANKFURT)));
    let list = bench.s3(HOME).list_objects_v2().bucket(bucket).send().await.unwrap_err();
    assert_eq!(list.code(), Some("PermanentRedirect"));
    assert_eq!(
        bench.s3(FRANKFURT).list_objects_v2().bucket(bucket).send().await.unwrap().key_count(),
        Some(30)
    );
    for (name, status) in [("shop-assets", 403), ("nobody-has-this", 404)] {
        let error = bench.s3(HOME).head_bucket().bucket(name).send().await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), status, "{name}");
    }
    let stranger =
        bench.s3(HOME).list_objects_v2().bucket("harbor-checkout-logs").expected_bucket_owner("111122223333");
    assert_eq!(stranger.send().await.unwrap_err().code(), Some("AccessDenied"));
}

#[tokio::test]
async fn settings_of_buckets_or_that_there_are_none() {
    let bench = Bench::new();
    let s3 = bench.s3(HOME);
    let (closed, open, old) = ("harbor-orders-exports", "harbor-storefront-assets", "harbor-partner-dropbox");
    let block = s3.get_public_access_block().bucket(closed).send().await.unwrap();
    let block = block.public_access_block_configuration().unwrap();
    assert_eq!((block.block_public_acls(), block.restrict_public_buckets()), (Some(true), Some(true)));
    let none = s3.get_public_access_block().bucket(open).send().await.unwrap_err();
    assert_eq!(none.code(), Some("NoSuchPublicAccessBlockConfiguration"));
    let status = s3.get_bucket_policy_status().bucket(open).send().await.unwrap();
    assert_eq!(status.policy_status().unwrap().is_public(), Some(true));
    let none = s3.get_bucket_policy_status().bucket(closed).send().await.unwrap_err();
    assert_eq!(none.code(), Some("NoSuchBucketPolicy"));
    let owned = s3.get_bucket_ownership_controls().bucket(old).send().await.unwrap();
    let rules = owned.ownership_controls().unwrap().rules();
    assert_eq!(rules[0].object_ownership(), &ObjectOwnership::ObjectWriter);
    let acl = s3.get_bucket_acl().bucket(old).send().await.unwrap();
    let all = acl.grants()[1].grantee().unwrap();
    assert_eq!(all.r#type(), &Type::Group);
    assert!(all.uri().unwrap().ends_with("/global/AllUsers"));
    assert_eq!((acl.grants().len(), acl.grants()[1].permission()), (3, Some(&Permission::Read)));
    let encryption = s3.get_bucket_encryption().bucket(closed).send().await.unwrap();
    let rule = &encryption.server_side_encryption_configuration().unwrap().rules()[0];
    let default = rule.apply_server_side_encryption_by_default().unwrap();
    assert_eq!(default.sse_algorithm(), &ServerSideEncryption::AwsKms);
    assert!(default.kms_master_key_id().unwrap().contains("key/1234abcd"));
    let versioning = s3.get_bucket_versioning().bucket(closed).send().await.unwrap();
    assert_eq!(versioning.status().unwrap().as_str(), "Enabled");
    assert!(s3.get_bucket_versioning().bucket(open).send().await.unwrap().status().is_none());

    let control = bench.s3control(HOME);
    let account = control.get_public_access_block().account_id("123456789012").send().await.unwrap();
    let account = account.public_access_block_configuration().unwrap();
    assert_eq!((account.ignore_public_acls(), account.block_public_policy()), (Some(true), Some(false)));
    let other = control.get_public_access_block().account_id("111122223333").send().await.unwrap_err();
    assert_eq!(other.code(), Some("AccessDenied"));
}

#[tokio::test]
async fn objects_are_listed_in_pages_and_rolled_up() {
    let bench = Bench::new();
    let s3 = bench.s3(HOME);
    let bucket = "harbor-checkout-logs";
    let page = s3.list_objects_v2().bucket(bucket).send().await.unwrap();
    assert_eq!((page.key_count(), page.is_truncated()), (Some(1000), Some(true)));
    let next =
        s3.list_objects_v2().bucket(bucket).continuation_token(page.next_continuation_token().unwrap());
    let next = next.send().await.unwrap();
    assert_eq!((next.key_count(), next.is_truncated()), (Some(201), Some(false)));
    let first = &page.contents()[0];
    assert_eq!((first.key(), first.size()), (Some("README.txt"), Some(53)));
    let logs = &page.contents()[1];
    assert_eq!((logs.key(), logs.size()), (Some("alb/2026/11/0000.log.gz"), Some(48_213)));
    assert!(logs.e_tag().unwrap().starts_with('"') && logs.last_modified().is_some());
    let rolled = s3.list_objects_v2().bucket(bucket).delimiter("/").send().await.unwrap();
    assert_eq!((rolled.contents().len(), rolled.common_prefixes()[0].prefix()), (1, Some("alb/")));
    let deep = s3.list_objects_v2().bucket(bucket).delimiter("/").prefix("alb/2026/").send().await.unwrap();
    assert_eq!((deep.contents().len(), deep.common_prefixes()[0].prefix()), (0, Some("alb/2026/11/")));
    let few = s3.list_objects_v2().bucket(bucket).delimiter("/").max_keys(1).send().await.unwrap();
    assert_eq!((few.key_count(), few.is_truncated()), (Some(1), Some(true)));
    let rest = s3.list_objects_v2().bucket(bucket).delimiter("/").max_keys(1);
    let rest = rest.continuation_token(few.next_continuation_token().unwrap()).send().await.unwrap();
    assert_eq!((rest.common_prefixes().len(), rest.is_truncated()), (1, Some(false)));
}

#[tokio::test]
async fn a_bucket_is_created_where_it_is_asked_for() {
    let bench = Bench::new();
    let at = |region: &str| {
        CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(region))
            .build()
    };
    let (name, s3) = ("harbor-invoices", bench.s3(FRANKFURT));
    let wrong = s3.create_bucket().bucket(name).send().await.unwrap_err();
    assert_eq!(wrong.code(), Some("IllegalLocationConstraintException"));
    s3.create_bucket().bucket(name).create_bucket_configuration(at(FRANKFURT)).send().await.unwrap();
    assert_eq!(s3.head_bucket().bucket(name).send().await.unwrap().bucket_region(), Some(FRANKFURT));
    let block = s3.get_public_access_block().bucket(name).send().await.unwrap();
    assert_eq!(block.public_access_block_configuration().unwrap().block_public_policy(), Some(true));
    for (name, code) in [
        (name, "BucketAlreadyOwnedByYou"),
        ("harbor-checkout-logs", "BucketAlreadyOwnedByYou"),
        ("shop-assets", "BucketAlreadyExists"),
    ] {
        let create = s3.create_bucket().bucket(name).create_bucket_configuration(at(FRANKFURT));
        assert_eq!(create.send().await.unwrap_err().code(), Some(code), "{name}");
    }
    let virginia = bench.s3("us-east-1");
    for _ in 0..2 {
        virginia.create_bucket().bucket("harbor-virginia").send().await.unwrap();
    }
    assert_eq!(virginia.list_buckets().max_buckets(100).send().await.unwrap().buckets().len(), 8);
    bench.pass(Duration::from_secs(600));
    let trail = bench.cloudtrail(FRANKFURT).lookup_events().send().await.unwrap();
    let event = trail.events().iter().find(|e| e.event_name() == Some("CreateBucket")).unwrap();
    assert_eq!(event.resources()[0].resource_name(), Some(name));
}

#[tokio::test]
async fn what_is_put_is_there() {
    let bench = Bench::new();
    let (s3, bucket) = (bench.s3(HOME), "harbor-partner-dropbox");
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"sku,price\n");
    let put = s3.put_object().bucket(bucket).key("a b/c+d.csv").metadata("team", "shop").body(body);
    let tag = put.send().await.unwrap().e_tag().unwrap().to_owned();
    let got = s3.get_object().bucket(bucket).key("a b/c+d.csv").send().await.unwrap();
    assert_eq!((got.e_tag(), got.content_length()), (Some(tag.as_str()), Some(10)));
    assert_eq!(got.metadata().unwrap()["team"], "shop");
    assert_eq!(&got.body.collect().await.unwrap().into_bytes()[..], b"sku,price\n");
    let listed = s3.list_objects_v2().bucket(bucket).prefix("a b/").send().await.unwrap();
    assert_eq!(listed.contents()[0].key(), Some("a b/c+d.csv"));
    let missing = s3.head_object().bucket(bucket).key("nothing").send().await.unwrap_err();
    assert!(missing.as_service_error().unwrap().is_not_found());
}
