//! IAM.

use crate::bench::Bench;
use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::types::{EntityType, ReportStateType, StatusType, SummaryKeyType};
use quarterdeck_demo::{Drill, Fault, Trouble};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const PUBLISHER: &str = "AKIAIOSFODNN7EXAMPLE";

#[tokio::test]
async fn users_their_keys_and_pages() {
    let bench = Bench::new();
    let iam = bench.iam("eu-west-1");
    let all = iam.list_users().send().await.unwrap();
    let names: Vec<&str> = all.users().iter().map(|u| u.user_name()).collect();
    assert!(names.is_sorted() && names.contains(&"ci-publisher") && !all.is_truncated(), "{names:?}");
    assert!(all.users().iter().all(|u| u.tags().is_empty()), "lists have no tags");
    let mut pages = iam.list_users().max_items(5).into_paginator().send();
    let mut paged = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert!(page.users().len() <= 5);
        paged.extend(page.users().iter().map(|u| u.user_name().to_owned()));
    }
    assert_eq!(paged, names);
    let one = iam.get_user().user_name("ci-publisher").send().await.unwrap();
    let user = one.user().unwrap();
    assert_eq!(user.arn(), "arn:aws:iam::123456789012:user/ci/ci-publisher");
    assert_eq!(user.tags().len(), 2);
    let keys = iam.list_access_keys().user_name("ci-deploy").send().await.unwrap();
    let status: Vec<_> = keys.access_key_metadata().iter().map(|k| k.status().unwrap().clone()).collect();
    assert_eq!(status, [StatusType::Active, StatusType::Inactive]);
    for error in [
        iam.list_access_keys().user_name("nobody").send().await.unwrap_err().code().map(str::to_owned),
        iam.get_user().user_name("nobody").send().await.unwrap_err().code().map(str::to_owned),
    ] {
        assert_eq!(error.as_deref(), Some("NoSuchEntity"));
    }
    assert_eq!(iam.list_users().max_items(0).send().await.unwrap_err().code(), Some("ValidationError"));
    assert_eq!(iam.list_access_keys().send().await.unwrap_err().code(), Some("ValidationError"));
    let summary = iam.get_account_summary().send().await.unwrap();
    let value = |key| summary.summary_map().unwrap().get(&key).copied();
    assert_eq!(value(SummaryKeyType::AccountMfaEnabled), Some(1));
    assert_eq!(value(SummaryKeyType::AccountAccessKeysPresent), Some(0));
    // Everything of IAM is signed for its one endpoint.
    assert!(bench.demo.calls().iter().all(|call| call.region == "us-east-1"));
}

#[tokio::test]
async fn a_report_is_made_kept_and_forgotten() {
    let bench = Bench::new();
    let iam = bench.iam("us-east-1");
    let get = || iam.get_credential_report().send();
    assert!(get().await.unwrap_err().into_service_error().is_credential_report_not_present_exception());
    let state = async || iam.generate_credential_report().send().await.unwrap().state().cloned();
    assert_eq!(state().await, Some(ReportStateType::Started));
    assert!(get().await.unwrap_err().into_service_error().is_credential_report_not_ready_exception());
    assert_eq!(state().await, Some(ReportStateType::Inprogress));
    bench.pass(SECOND * 3);
    assert_eq!(state().await, Some(ReportStateType::Complete));
    let report = get().await.unwrap();
    let text = String::from_utf8(report.content().unwrap().as_ref().to_vec()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("user,arn,user_creation_time,password_enabled"));
    assert!(lines[1].starts_with("<root_account>,arn:aws:iam::123456789012:root,"));
    assert!(lines.iter().all(|l| l.split(',').count() == 23), "{text}");
    assert!(text.split([',', '\n']).all(|field| !field.ends_with('Z')), "offsets, not Z: {text}");
    // Four hours on the same report is kept, then it is gone.
    bench.pass(HOUR * 3);
    assert_eq!(state().await, Some(ReportStateType::Complete));
    assert_eq!(get().await.unwrap().generated_time(), report.generated_time());
    bench.pass(HOUR);
    assert!(get().await.unwrap_err().into_service_error().is_credential_report_expired_exception());
    assert_eq!(state().await, Some(ReportStateType::Started));
}

#[tokio::test]
async fn details_by_kind_and_page() {
    let bench = Bench::new();
    let iam = bench.iam("us-east-1");
    let some = iam
        .get_account_authorization_details()
        .filter(EntityType::User)
        .filter(EntityType::AwsManagedPolicy)
        .send()
        .await
        .unwrap();
    assert!(some.group_detail_list().is_empty() && !some.user_detail_list().is_empty());
    assert!(some.policies().iter().all(|p| p.arn().unwrap().starts_with("arn:aws:iam::aws:policy/")));
    let document = some.policies()[0].policy_version_list()[0].document().unwrap();
    assert!(document.starts_with("%7B%22Version%22"), "{document}");
    let mut pages = iam.get_account_authorization_details().max_items(4).into_paginator().send();
    let (mut users, mut groups, mut policies) = (0, 0, 0);
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        let all = page.user_detail_list().len() + page.group_detail_list().len() + page.policies().len();
        assert!((1..=4).contains(&all));
        users += page.user_detail_list().len();
        groups += page.group_detail_list().len();
        policies += page.policies().len();
    }
    assert_eq!((users, groups, policies), (12, 3, 7));
    let eve = some.user_detail_list().iter().find(|u| u.user_name() == Some("contractor-ines")).unwrap();
    assert!(
        eve.permissions_boundary()
            .unwrap()
            .permissions_boundary_arn()
            .unwrap()
            .ends_with("policy/developers")
    );
    assert_eq!(eve.group_list(), ["support"]);
}

#[tokio::test]
async fn a_key_switched_off_is_seen_so_a_moment_later_and_no_longer_used() {
    let bench = Bench::of(Drill::named("leaked-key").unwrap());
    let iam = bench.iam("us-east-1");
    let status = async || {
        let keys = iam.list_access_keys().user_name("ci-publisher").send().await.unwrap();
        keys.access_key_metadata()[0].status().cloned()
    };
    let used = async || {
        let last = iam.get_access_key_last_used().access_key_id(PUBLISHER).send().await.unwrap();
        last.access_key_last_used().unwrap().last_used_date().unwrap().to_millis().unwrap()
    };
    assert_eq!(used().await, bench.now().millis(), "somebody is using it");
    let update = |id: &'static str, status: &'static str| {
        iam.update_access_key().user_name("ci-publisher").access_key_id(id).status(status.into()).send()
    };
    update(PUBLISHER, "Inactive").await.unwrap();
    assert_eq!(status().await, Some(StatusType::Active), "eventually consistent");
    let off = bench.now().millis();
    bench.pass(SECOND * 5);
    assert_eq!((status().await, used().await), (Some(StatusType::Inactive), off));
    assert!(bench.demo.holding().iter().all(|c| *c != "key-in-use"));
    update(PUBLISHER, "Active").await.unwrap();
    bench.pass(SECOND * 5);
    assert_eq!((status().await, used().await), (Some(StatusType::Active), bench.now().millis()));
    assert_eq!(update("AKIAEXAMPLE000000009", "Active").await.unwrap_err().code(), Some("NoSuchEntity"));
    assert_eq!(update(PUBLISHER, "Expired").await.unwrap_err().code(), Some("ValidationError"));
    let error =
        iam.get_access_key_last_used().access_key_id("AKIAEXAMPLE000000009").send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDenied"));
    let mutating: Vec<_> = bench.demo.calls().into_iter().filter(|c| c.mutating).collect();
    assert_eq!(mutating.len(), 4, "{mutating:?}");
    // CloudTrail tells it, where global services tell theirs.
    bench.pass(Duration::from_secs(600));
    let trail = bench.cloudtrail("us-east-1").lookup_events().send().await.unwrap();
    assert!(trail.events().iter().any(|e| e.event_name() == Some("UpdateAccessKey")));
}

#[tokio::test]
async fn denials_name_the_action() {
    let bench = Bench::new();
    bench.demo.faults().inject(Fault::new(Trouble::Deny).service("iam").operation("GetCredentialReport"));
    let error = bench.iam("us-east-1").get_credential_report().send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDenied"));
    assert!(error.message().unwrap().contains("iam:GetCredentialReport"));
}
