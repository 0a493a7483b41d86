//! The SDK's own clients judge the embedded account: every operation, parsed by the real deserializers.

#![allow(
    clippy::unwrap_used,
    clippy::redundant_closure_for_method_calls,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

mod bench;
#[path = "sdk/compute.rs"]
mod compute;
#[path = "sdk/costs.rs"]
mod costs;
#[path = "sdk/identity.rs"]
mod identity;
#[path = "sdk/metrics.rs"]
mod metrics;
#[path = "sdk/objects.rs"]
mod objects;
#[path = "sdk/s3.rs"]
mod s3;
#[path = "sdk/security.rs"]
mod security;
mod stories;

use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
use aws_sdk_cloudwatch::types::{
    AlarmType, Dimension, Metric, MetricDataQuery, MetricStat, ScanBy, StateValue, StatusCode,
};
use aws_sdk_ec2::types::{Filter, InstanceAttributeName, InstanceStateName, SummaryStatus};
use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::{DeploymentRolloutState, DesiredStatus, ServiceDeploymentStatus, ServiceField};
use bench::{Bench, HOME};
use quarterdeck_core::Timestamp;
use quarterdeck_demo::{Fault, Trouble};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn name(key: &str, value: &str) -> Filter {
    Filter::builder().name(key).values(value).build()
}

fn at(t: aws_smithy_types::DateTime) -> Timestamp {
    Timestamp::from_millis(t.to_millis().unwrap())
}

fn moment(t: Timestamp) -> aws_smithy_types::DateTime {
    aws_smithy_types::DateTime::from_millis(t.millis())
}

#[tokio::test]
async fn sts_and_iam_say_who_the_console_is() {
    let bench = Bench::new();
    let me = bench.sts(HOME).get_caller_identity().send().await.unwrap();
    assert_eq!(me.account(), Some("123456789012"));
    assert_eq!(me.arn(), Some("arn:aws:sts::123456789012:assumed-role/oncall/dana"));
    let aliases = bench.iam("us-east-1").list_account_aliases().send().await.unwrap();
    assert_eq!(aliases.account_aliases(), ["harbor-demo"]);
}

#[tokio::test]
async fn ec2_instances_by_filter_id_and_page() {
    let bench = Bench::new();
    let ec2 = bench.ec2(HOME);
    let all = ec2.describe_instances().send().await.unwrap();
    let instances: Vec<_> = all.reservations().iter().flat_map(|r| r.instances()).collect();
    assert_eq!(instances.len(), 19);
    let bastion = instances.iter().find(|i| i.instance_id() == Some("i-0cc30000000000001")).unwrap();
    assert_eq!(bastion.public_ip_address(), Some("203.0.113.5"));
    assert_eq!(bastion.placement().unwrap().availability_zone(), Some("eu-west-1a"));
    assert_eq!(at(*bastion.launch_time().unwrap()), bench.start().minus(320 * 24 * 60 * MINUTE));
    let names: Vec<_> = instances
        .iter()
        .flat_map(|i| i.tags())
        .filter(|t| t.key() == Some("Name"))
        .map(|t| t.value().unwrap())
        .collect();
    assert_eq!(names.len(), 18, "one instance has no name");
    assert!(
        names.iter().any(|n| n.contains('\u{202E}') && n.contains('\u{1b}')),
        "control characters arrive"
    );
    let stopped = instances.iter().find(|i| i.instance_id() == Some("i-0cc30000000000002")).unwrap();
    assert_eq!(stopped.state_reason().unwrap().code(), Some("Client.UserInitiatedShutdown"));

    for (filter, want) in [
        (name("instance-state-name", "stopped"), 2),
        (name("tag:Name", "legacy-web-*"), 3),
        (name("tag:Name", "LEGACY-web-*"), 0),
        (name("tag:environment", "ci"), 2),
        (name("private-ip-address", "10.0.5.21"), 1),
        (name("ip-address", "203.0.113.11"), 1),
        (name("tag:aws:autoscaling:groupName", "worker-asg"), 5),
        (name("tag-key", "owner"), 1),
    ] {
        let what = format!("{filter:?}");
        let found = ec2.describe_instances().filters(filter).send().await.unwrap();
        assert_eq!(found.reservations().iter().flat_map(|r| r.instances()).count(), want, "{what}");
    }
    let error = ec2.describe_instances().filters(name("colour", "red")).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));

    let mut pages = ec2.describe_instances().max_results(7).into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().reservations().len());
    }
    assert_eq!(sizes, [7, 7, 5]);

    let one = ec2.describe_instances().instance_ids("i-0aa10000000000001").send().await.unwrap();
    assert_eq!(one.reservations().len(), 1);
    for (id, code) in
        [("i-0aa1000000000ffff", "InvalidInstanceID.NotFound"), ("web-1", "InvalidInstanceID.Malformed")]
    {
        let error = ec2.describe_instances().instance_ids(id).send().await.unwrap_err();
        assert_eq!(error.code(), Some(code));
    }
    let both =
        ec2.describe_instances().instance_ids("i-0aa10000000000001").max_results(5).send().await.unwrap_err();
    assert_eq!(both.code(), Some("InvalidParameterCombination"));
}

#[tokio::test]
async fn ec2_status_attributes_and_regions() {
    let bench = Bench::new();
    let ec2 = bench.ec2(HOME);
    let running = ec2.describe_instance_status().send().await.unwrap();
    assert_eq!(running.instance_statuses().len(), 17);
    let all = ec2.describe_instance_status().include_all_instances(true).send().await.unwrap();
    assert_eq!(all.instance_statuses().len(), 19);
    let of = |id: &str| all.instance_statuses().iter().find(|s| s.instance_id() == Some(id)).unwrap();
    let sick = of("i-0aa10000000000003");
    assert_eq!(sick.instance_status().unwrap().status(), Some(&SummaryStatus::Impaired));
    assert_eq!(sick.system_status().unwrap().status(), Some(&SummaryStatus::Ok));
    assert_eq!(
        of("i-0cc30000000000002").instance_status().unwrap().status(),
        Some(&SummaryStatus::NotApplicable)
    );
    let event = of("i-0dd40000000000003").events().first().unwrap();
    assert_eq!(event.code().unwrap().as_str(), "system-reboot");
    assert!(at(*event.not_before().unwrap()) > bench.now());

    let stop = |id: &str| {
        ec2.describe_instance_attribute()
            .instance_id(id)
            .attribute(InstanceAttributeName::DisableApiStop)
            .send()
    };
    let protected = stop("i-0cc30000000000001").await.unwrap();
    assert_eq!(protected.disable_api_stop().unwrap().value(), Some(true));
    let free = stop("i-0aa10000000000001").await.unwrap();
    assert_eq!(free.disable_api_stop().unwrap().value(), Some(false));

    let regions = ec2.describe_regions().send().await.unwrap();
    let names: Vec<_> = regions.regions().iter().filter_map(|r| r.region_name()).collect();
    assert_eq!(names, ["eu-west-1", "us-east-1", "eu-central-1"]);
    let all = ec2.describe_regions().all_regions(true).send().await.unwrap();
    assert!(all.regions().iter().any(|r| r.opt_in_status() == Some("not-opted-in")));
}

#[tokio::test]
async fn regions_are_apart() {
    let bench = Bench::new();
    for (region, want) in [("us-east-1", 3), ("eu-central-1", 2)] {
        let found = bench.ec2(region).describe_instances().send().await.unwrap();
        assert_eq!(found.reservations().len(), want, "{region}");
        assert!(bench.ecs(region).list_clusters().send().await.unwrap().cluster_arns().is_empty());
    }
    let error = bench.ec2("us-east-1").describe_instances().instance_ids("i-0aa10000000000001").send().await;
    assert_eq!(error.unwrap_err().code(), Some("InvalidInstanceID.NotFound"));
    let error = bench.ec2("ap-south-1").describe_instances().send().await.unwrap_err();
    assert_eq!(error.code(), Some("AuthFailure"));
    let error = bench.ecs("ap-south-1").list_clusters().send().await.unwrap_err();
    assert_eq!(error.code(), Some("UnrecognizedClientException"));
}

#[tokio::test]
async fn stopping_and_starting_takes_time() {
    let bench = Bench::new();
    let ec2 = bench.ec2(HOME);
    let id = "i-0aa10000000000001";
    let state = async || {
        let found = ec2.describe_instances().instance_ids(id).send().await.unwrap();
        let instance = found.reservations()[0].instances()[0].clone();
        (instance.state().unwrap().name().unwrap().clone(), instance.public_ip_address().map(str::to_owned))
    };
    let dry = ec2.stop_instances().instance_ids(id).dry_run(true).send().await.unwrap_err();
    assert_eq!(dry.code(), Some("DryRunOperation"));
    assert_eq!(dry.raw_response().unwrap().status().as_u16(), 412);
    assert_eq!(state().await.0, InstanceStateName::Running);

    let done = ec2.stop_instances().instance_ids(id).send().await.unwrap();
    let change = &done.stopping_instances()[0];
    assert_eq!(change.current_state().unwrap().name(), Some(&InstanceStateName::Stopping));
    assert_eq!(change.previous_state().unwrap().name(), Some(&InstanceStateName::Running));
    assert_eq!(state().await.0, InstanceStateName::Stopping);
    let error = ec2.start_instances().instance_ids(id).send().await.unwrap_err();
    assert_eq!(error.code(), Some("IncorrectInstanceState"));
    bench.pass(Duration::from_secs(15));
    assert_eq!(state().await, (InstanceStateName::Stopped, None));

    ec2.start_instances().instance_ids(id).send().await.unwrap();
    assert_eq!(state().await.0, InstanceStateName::Pending);
    bench.pass(Duration::from_secs(15));
    let (now, address) = state().await;
    assert_eq!(now, InstanceStateName::Running);
    assert!(address.is_some_and(|a| a != "203.0.113.11"), "a new public address");
    let status = ec2.describe_instance_status().instance_ids(id).send().await.unwrap();
    let check = status.instance_statuses()[0].instance_status().unwrap().status().unwrap().clone();
    assert_eq!(check, SummaryStatus::Initializing);

    for (id, code) in [
        ("i-0cc30000000000001", "OperationNotPermitted"),
        ("i-0ee50000000000001", "UnsupportedOperation"),
        ("i-0aa1000000000ffff", "InvalidInstanceID.NotFound"),
    ] {
        let error = ec2.stop_instances().instance_ids(id).send().await.unwrap_err();
        assert_eq!(error.code(), Some(code));
    }
    let writes: Vec<_> = bench.demo.calls().into_iter().filter(|c| c.mutating).map(|c| c.dry_run).collect();
    assert_eq!(writes.iter().filter(|dry| **dry).count(), 1);
    assert_eq!(writes.len(), 7);
}

#[tokio::test]
async fn an_auto_scaling_group_replaces_what_is_stopped() {
    let bench = Bench::new();
    let ec2 = bench.ec2(HOME);
    let mut id = "i-0bb20000000000001".to_owned();
    for round in 0..2 {
        ec2.stop_instances().instance_ids(&id).send().await.unwrap();
        bench.pass(Duration::from_secs(70));
        let group = name("tag:aws:autoscaling:groupName", "worker-asg");
        let found = ec2.describe_instances().filters(group).send().await.unwrap();
        let members: Vec<_> = found.reservations().iter().flat_map(|r| r.instances()).collect();
        let state = |i: &aws_sdk_ec2::types::Instance| i.state().unwrap().name().unwrap().clone();
        let old = members.iter().find(|i| i.instance_id() == Some(&id)).unwrap();
        assert_eq!(state(old), InstanceStateName::Terminated, "round {round}");
        let up: Vec<_> = members.iter().filter(|i| state(i) == InstanceStateName::Running).collect();
        assert_eq!(up.len(), 5, "round {round}");
        id = up
            .iter()
            .max_by_key(|i| i.launch_time().unwrap().to_millis().unwrap())
            .unwrap()
            .instance_id()
            .unwrap()
            .to_owned();
    }
}

#[tokio::test]
async fn ecs_clusters_services_and_definitions() {
    let bench = Bench::new();
    let ecs = bench.ecs(HOME);
    let clusters = ecs.list_clusters().send().await.unwrap();
    assert_eq!(clusters.cluster_arns().len(), 2);
    assert!(clusters.cluster_arns().contains(&"arn:aws:ecs:eu-west-1:123456789012:cluster/shop".to_owned()));
    let mut pages = ecs.list_services().cluster("shop").max_results(4).into_paginator().items().send();
    let mut arns = Vec::new();
    while let Some(arn) = pages.next().await {
        arns.push(arn.unwrap());
    }
    assert_eq!(arns.len(), 9);
    let described = ecs
        .describe_services()
        .cluster("shop")
        .set_services(Some(arns))
        .services("gone")
        .include(ServiceField::Tags)
        .send()
        .await
        .unwrap();
    assert_eq!(described.services().len(), 9);
    let failure = &described.failures()[0];
    assert_eq!(failure.reason(), Some("MISSING"));
    assert!(failure.arn().unwrap().ends_with("service/shop/gone"));
    for service in described.services().iter().filter(|s| s.service_name() != Some("checkout-api")) {
        assert_eq!(service.running_count(), service.desired_count(), "{:?}", service.service_name());
        assert_eq!(service.deployments()[0].rollout_state(), Some(&DeploymentRolloutState::Completed));
        assert!(service.events()[0].message().unwrap().contains("steady state"));
        assert!(!service.tags().is_empty());
    }
    let error = ecs.list_services().cluster("nope").send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_cluster_not_found_exception());
    let many: Vec<String> = (0..11).map(|i| format!("s{i}")).collect();
    let error = ecs.describe_services().cluster("shop").set_services(Some(many)).send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_invalid_parameter_exception());

    for (id, revision, secret) in [
        ("checkout-api", 42, "secret:shop/checkout/payment-key"),
        ("checkout-api:41", 41, "secret:shop/checkout/payment-api-key"),
    ] {
        let found = ecs.describe_task_definition().task_definition(id).send().await.unwrap();
        let definition = found.task_definition().unwrap();
        assert_eq!(definition.revision(), revision);
        let container = &definition.container_definitions()[0];
        assert!(container.secrets().iter().any(|s| s.value_from().ends_with(secret)), "{id}");
        let log = container.log_configuration().unwrap().options().unwrap();
        assert_eq!(log["awslogs-group"], "/ecs/shop/checkout-api");
        assert_eq!(log["awslogs-stream-prefix"], "ecs");
    }
    let error = ecs.describe_task_definition().task_definition("checkout-api:99").send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_client_exception());
    let listed = ecs.list_task_definitions().family_prefix("checkout-api").send().await.unwrap();
    assert!(listed.task_definition_arns().last().unwrap().ends_with("task-definition/checkout-api:42"));
}

#[tokio::test]
async fn ecs_tasks_say_why_they_stopped() {
    let bench = Bench::new();
    let ecs = bench.ecs(HOME);
    let list =
        ecs.list_tasks().cluster("shop").service_name("checkout-api").desired_status(DesiredStatus::Stopped);
    let before = list.clone().send().await.unwrap().task_arns().to_vec();
    assert!(before.len() > 40, "{}", before.len());
    bench.pass(MINUTE);
    let after = list.send().await.unwrap().task_arns().to_vec();
    assert_eq!(after.len(), before.len() + 6, "they keep dying");
    assert_eq!(&after[6..], before, "the newest come first, the others keep their names");

    let tasks = ecs
        .describe_tasks()
        .cluster("shop")
        .set_tasks(Some(after))
        .tasks("0".repeat(32))
        .send()
        .await
        .unwrap();
    assert_eq!(tasks.failures()[0].reason(), Some("MISSING"));
    let reasons = |code: &str| {
        let of = |t: &&aws_sdk_ecs::types::Task| t.stop_code().is_some_and(|c| c.as_str() == code);
        tasks.tasks().iter().filter(of).collect::<Vec<_>>()
    };
    let never = reasons("TaskFailedToStart");
    assert!(never.iter().all(|t| t.stopped_reason().unwrap().contains("shop/checkout/payment-key")));
    assert!(never.iter().all(|t| t.started_at().is_none() && t.containers()[0].exit_code().is_none()));
    let exited = reasons("EssentialContainerExited");
    assert!(exited.iter().all(|t| t.containers()[0].exit_code() == Some(1) && t.started_at().is_some()));
    assert_eq!(reasons("ServiceSchedulerInitiated").len(), 6, "the deployment took six away");
    assert!(never.len() > exited.len() && !exited.is_empty());

    let task = exited[0].task_arn().unwrap().rsplit('/').next().unwrap();
    let logs = bench.logs(HOME).filter_log_events().log_group_name("/ecs/shop/checkout-api");
    let said = logs.log_stream_names(format!("ecs/checkout-api/{task}")).send().await.unwrap();
    let mut pages = vec![said];
    while let Some(token) = pages.last().unwrap().next_token().map(str::to_owned) {
        let again = bench.logs(HOME).filter_log_events().log_group_name("/ecs/shop/checkout-api");
        let again = again.log_stream_names(format!("ecs/checkout-api/{task}")).next_token(token);
        pages.push(again.send().await.unwrap());
    }
    assert!(pages.iter().any(|p| p.events().is_empty()), "quiet periods are empty pages with a token");
    let messages: Vec<_> = pages.iter().flat_map(|p| p.events()).map(|e| e.message().unwrap()).collect();
    assert_eq!(messages.len(), 5);
    assert!(messages.iter().any(|m| m.contains("secret shop/checkout/payment-key not found")));
    assert!(messages.iter().any(|m| m.contains("\n\tat com.example.checkout.Secrets.require")));

    let running = ecs.list_tasks().cluster("shop").service_name("checkout-api").send().await.unwrap();
    assert!((2..=3).contains(&running.task_arns().len()), "{:?}", running.task_arns());
    let error = ecs.list_tasks().cluster("shop").service_name("gone").send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_service_not_found_exception());
}

#[tokio::test]
async fn the_right_fix_makes_it_recover() {
    let bench = Bench::new();
    let ecs = bench.ecs(HOME);
    let service = bench.checkout().await;
    assert_eq!((service.desired_count(), service.running_count()), (8, 2));
    let primary = &service.deployments()[0];
    assert_eq!(primary.status(), Some("PRIMARY"));
    assert_eq!(primary.rollout_state(), Some(&DeploymentRolloutState::InProgress));
    assert!(primary.task_definition().unwrap().ends_with("checkout-api:42") && primary.failed_tasks() > 40);
    assert!(service.deployments()[1].task_definition().unwrap().ends_with("checkout-api:41"));
    assert!(
        service.events().iter().any(|e| e.message().unwrap().contains("unable to consistently start tasks"))
    );
    assert_eq!(
        bench.alarms(StateValue::Alarm).await,
        ["checkout-5xx", "checkout-healthy-hosts", "reports-queue-age", "shop-down"]
    );
    assert_eq!(bench.healthy_targets().await, 2);

    let deployments = ecs.list_service_deployments().cluster("shop").service("checkout-api");
    let done = deployments.clone().status(ServiceDeploymentStatus::Successful).send().await.unwrap();
    let last_good = done.service_deployments()[0].target_service_revision_arn().unwrap().to_owned();
    let revisions = ecs.describe_service_revisions().service_revision_arns(&last_good).send().await.unwrap();
    let good = &revisions.service_revisions()[0];
    assert!(
        good.task_definition().unwrap().ends_with("checkout-api:41"),
        "the last successful revision is the fix"
    );
    assert!(good.container_images()[0].image_digest().unwrap().starts_with("sha256:"));
    let now = deployments.clone().status(ServiceDeploymentStatus::InProgress).send().await.unwrap();
    assert_eq!(now.service_deployments().len(), 1);

    let fix = bench.demo.drill().fix().tools[0].arguments.clone();
    let said = |name: &str| fix[name].as_str().unwrap();
    let updated = ecs
        .update_service()
        .cluster(said("cluster"))
        .service(said("service"))
        .task_definition(said("task_definition"))
        .send()
        .await
        .unwrap();
    let service = updated.service().unwrap();
    assert!(service.task_definition().unwrap().ends_with("checkout-api:41"));
    let mut running = vec![service.running_count()];
    let mut completed_after = None;
    for second in 1..=45 {
        bench.pass(Duration::from_secs(1));
        let service = bench.checkout().await;
        running.push(service.running_count());
        let rollout = service.deployments()[0].rollout_state().cloned();
        if rollout == Some(DeploymentRolloutState::Completed) && completed_after.is_none() {
            completed_after = Some(second);
            assert_eq!((service.running_count(), service.pending_count()), (8, 0));
            assert_eq!(service.deployments().len(), 1);
        }
    }
    assert!(running.iter().all(|n| *n <= 8) && running[10] < 8 && running[20] == 8, "{running:?}");
    assert_eq!(completed_after, Some(25));
    assert_eq!(bench.alarms(StateValue::Alarm).await, ["reports-queue-age"]);
    assert_eq!(bench.healthy_targets().await, 8);
    bench.pass(10 * MINUTE);
    assert_eq!(bench.checkout().await.running_count(), 8);
    let history =
        bench.cloudwatch(HOME).describe_alarm_history().alarm_name("checkout-5xx").send().await.unwrap();
    let summaries: Vec<_> =
        history.alarm_history_items().iter().map(|i| i.history_summary().unwrap()).collect();
    assert_eq!(summaries, ["Alarm updated from ALARM to OK", "Alarm updated from OK to ALARM"]);
}

#[tokio::test]
async fn wrong_fixes_do_not_help() {
    for wrong in ["scale up", "force", "to nothing", "to nothing and back"] {
        let bench = Bench::new();
        let update = || bench.ecs(HOME).update_service().cluster("shop").service("checkout-api");
        match wrong {
            "scale up" => drop(update().desired_count(16).send().await.unwrap()),
            "force" => drop(update().force_new_deployment(true).send().await.unwrap()),
            _ => drop(update().desired_count(0).send().await.unwrap()),
        }
        bench.pass(2 * MINUTE);
        if wrong == "to nothing and back" {
            update().desired_count(8).send().await.unwrap();
            bench.pass(2 * MINUTE);
        }
        bench.pass(5 * MINUTE);
        let service = bench.checkout().await;
        let want = if wrong.starts_with("to nothing") { 0 } else { 2 };
        assert_eq!(service.running_count(), want, "{wrong}");
        let alarms = bench.alarms(StateValue::Alarm).await;
        assert!(
            alarms.contains(&"checkout-5xx".to_owned()) && alarms.contains(&"shop-down".to_owned()),
            "{wrong}"
        );
        // Whatever was tried first, the right fix still is one.
        update().task_definition("checkout-api:41").desired_count(8).send().await.unwrap();
        bench.pass(MINUTE);
        assert_eq!(bench.checkout().await.running_count(), 8, "{wrong}");
        assert_eq!(bench.alarms(StateValue::Alarm).await, ["reports-queue-age"], "{wrong}");
    }
}

#[tokio::test]
async fn updating_what_is_not_there() {
    let bench = Bench::new();
    let update = || bench.ecs(HOME).update_service().cluster("shop");
    let error = update().service("gone").desired_count(1).send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_service_not_found_exception());
    let error = update().service("cart").task_definition("cart:999").send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_client_exception());
    let error = update().service("cart").desired_count(-1).send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_invalid_parameter_exception());
}

#[tokio::test]
async fn alarms_and_their_history() {
    let bench = Bench::new();
    let cw = bench.cloudwatch(HOME);
    let all = cw
        .describe_alarms()
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .send()
        .await
        .unwrap();
    assert_eq!((all.metric_alarms().len(), all.composite_alarms().len()), (10, 1));
    let default = cw.describe_alarms().send().await.unwrap();
    assert!(default.composite_alarms().is_empty(), "without types: metric alarms alone");
    let errors = all.metric_alarms().iter().find(|a| a.alarm_name() == Some("checkout-5xx")).unwrap();
    let since = at(*errors.state_transitioned_timestamp().unwrap());
    assert!(since > bench.start().minus(9 * MINUTE) && since < bench.start().minus(6 * MINUTE), "{since}");
    assert_eq!(errors.threshold(), Some(25.0));
    assert!(
        errors.state_reason().unwrap().starts_with("Threshold Crossed: 1 out of the last 1 datapoints [")
    );
    assert!(errors.state_reason().unwrap().contains("greater than the threshold (25.0)"));
    assert_eq!(errors.dimensions().len(), 2);
    assert!(all.composite_alarms()[0].alarm_rule().unwrap().contains("ALARM(checkout-5xx)"));
    let quiet =
        all.metric_alarms().iter().find(|a| a.alarm_name() == Some("nightly-export-missing")).unwrap();
    assert_eq!(quiet.state_value(), Some(&StateValue::InsufficientData));
    assert_eq!(quiet.actions_enabled(), Some(false));
    let some = cw.describe_alarms().alarm_name_prefix("checkout-").max_records(2).into_paginator().send();
    let mut some = some;
    let mut sizes = Vec::new();
    while let Some(page) = some.next().await {
        sizes.push(page.unwrap().metric_alarms().len());
    }
    assert_eq!(sizes, [2, 2, 1]);
    let history = cw
        .describe_alarm_history()
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .start_date(moment(bench.start().minus(60 * MINUTE)))
        .send()
        .await
        .unwrap();
    let names: Vec<_> = history.alarm_history_items().iter().map(|i| i.alarm_name().unwrap()).collect();
    assert_eq!(names, ["checkout-5xx", "shop-down", "checkout-healthy-hosts"]);
}

#[tokio::test]
async fn metrics_follow_the_story() {
    let bench = Bench::new();
    let cw = bench.cloudwatch(HOME);
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let query = |id: &str, metric: &str, stat: &str| {
        let metric = Metric::builder()
            .namespace("AWS/ApplicationELB")
            .metric_name(metric)
            .dimensions(dimension("TargetGroup", "targetgroup/checkout-api"))
            .dimensions(dimension("LoadBalancer", "app/shop-public"))
            .build();
        let stat = MetricStat::builder().metric(metric).period(60).stat(stat).build();
        MetricDataQuery::builder().id(id).metric_stat(stat).build()
    };
    let data = cw
        .get_metric_data()
        .metric_data_queries(query("e", "HTTPCode_Target_5XX_Count", "Sum"))
        .metric_data_queries(query("h", "HealthyHostCount", "Minimum"))
        .metric_data_queries(query("l", "TargetResponseTime", "p99"))
        .metric_data_queries(query("n", "NoSuchMetric", "Sum"))
        .start_time(moment(bench.start().minus(60 * MINUTE)))
        .end_time(moment(bench.start()))
        .scan_by(ScanBy::TimestampAscending)
        .send()
        .await
        .unwrap();
    let of = |id: &str| data.metric_data_results().iter().find(|r| r.id() == Some(id)).unwrap();
    let errors = of("e").values();
    assert!(errors.len() >= 60 && errors[..40].iter().all(|v| *v < 10.0), "{errors:?}");
    assert!(errors[errors.len() - 3..].iter().all(|v| *v > 100.0), "{errors:?}");
    assert!(of("e").timestamps().is_sorted());
    assert_eq!(of("e").status_code(), Some(&StatusCode::Complete));
    assert_eq!((of("h").values()[0], *of("h").values().last().unwrap()), (8.0, 2.0));
    assert!(of("l").values().iter().all(|v| *v > 0.0));
    assert!(of("n").values().is_empty());
    let metrics = cw
        .list_metrics()
        .namespace("AWS/ApplicationELB")
        .metric_name("HealthyHostCount")
        .send()
        .await
        .unwrap();
    assert_eq!(metrics.metrics().len(), 7);
    assert_eq!(metrics.metrics()[0].dimensions().len(), 2);
    let error = cw
        .get_metric_data()
        .metric_data_queries(query("x", "HealthyHostCount", "Median"))
        .start_time(moment(bench.start().minus(MINUTE)))
        .end_time(moment(bench.start()))
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("ValidationError"));
}

#[tokio::test]
async fn logs_are_oldest_first_in_pages() {
    let bench = Bench::new();
    let logs = bench.logs(HOME);
    let groups =
        logs.describe_log_groups().limit(10).into_paginator().items().send().collect::<Result<Vec<_>, _>>();
    let groups = groups.await.unwrap();
    assert_eq!(groups.len(), 17);
    let prefix = logs.describe_log_groups().log_group_name_prefix("/ecs/platform/").send().await.unwrap();
    assert_eq!(prefix.log_groups().len(), 5);
    let error = logs.filter_log_events().log_group_name("/ecs/shop/checkout").send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_resource_not_found_exception());

    let hour = logs
        .filter_log_events()
        .log_group_name("/ecs/shop/storefront")
        .start_time(bench.start().minus(60 * MINUTE).millis())
        .end_time(bench.start().millis());
    let mut all = Vec::new();
    let mut pages = hour.clone().limit(100).into_paginator().send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert!(page.events().len() <= 100);
        all.extend(page.events().iter().map(|e| (e.timestamp().unwrap(), e.event_id().unwrap().to_owned())));
        count += 1;
    }
    assert!(all.len() > 1000 && count > 10, "{} in {count}", all.len());
    assert!(all.is_sorted_by_key(|(t, _)| *t));
    assert!(
        all.iter()
            .all(|(t, _)| *t < bench.start().millis() && *t >= bench.start().minus(60 * MINUTE).millis())
    );
    let mut again = Vec::new();
    let mut pages = hour.into_paginator().send();
    while let Some(page) = pages.next().await {
        again.extend(
            page.unwrap().events().iter().map(|e| (e.timestamp().unwrap(), e.event_id().unwrap().to_owned())),
        );
    }
    assert_eq!(again, all, "the page size does not change what there is");

    let upstream = logs
        .filter_log_events()
        .log_group_name("/ecs/shop/storefront")
        .filter_pattern("\"upstream=checkout-api\" -timed")
        .start_time(bench.start().minus(5 * MINUTE).millis());
    let found = upstream.send().await.unwrap();
    assert!(
        !found.events().is_empty() && found.events().iter().all(|e| e.message().unwrap().contains("503"))
    );
    let leaky = logs.filter_log_events().log_group_name("/ecs/shop/payments").filter_pattern("access_key");
    let leaky = leaky.start_time(bench.start().minus(20 * MINUTE).millis()).send().await.unwrap();
    assert!(leaky.events().iter().any(|e| e.message().unwrap().contains("AKIAIOSFODNN7EXAMPLE")));
}

#[tokio::test]
async fn cloudtrail_tells_who_deployed() {
    let bench = Bench::new();
    let trail = bench.cloudtrail(HOME);
    let attribute = |key, value: &str| {
        LookupAttribute::builder().attribute_key(key).attribute_value(value).build().unwrap()
    };
    let found = trail
        .lookup_events()
        .lookup_attributes(attribute(LookupAttributeKey::EventName, "UpdateService"))
        .start_time(moment(bench.start().minus(60 * MINUTE)))
        .send()
        .await
        .unwrap();
    assert_eq!(found.events().len(), 1);
    let event = &found.events()[0];
    assert_eq!((event.username(), event.read_only()), (Some("ci-4711"), Some("false")));
    assert!(event.resources().is_empty(), "ECS leaves them empty");
    let detail: serde_json::Value = serde_json::from_str(event.cloud_trail_event().unwrap()).unwrap();
    assert_eq!(detail["userIdentity"]["arn"], "arn:aws:sts::123456789012:assumed-role/deployer/ci-4711");
    assert_eq!(detail["requestParameters"]["taskDefinition"], "checkout-api:42");

    let mut pages = trail
        .lookup_events()
        .start_time(moment(bench.start().minus(6 * 60 * MINUTE)))
        .into_paginator()
        .send();
    let (mut sizes, mut times) = (Vec::new(), Vec::new());
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        sizes.push(page.events().len());
        times.extend(page.events().iter().map(|e| at(*e.event_time().unwrap())));
    }
    assert!(sizes.len() > 2 && sizes[0] == 50, "{sizes:?}");
    assert!(times.is_sorted_by(|a, b| a >= b), "newest first");
    let instance = attribute(LookupAttributeKey::ResourceName, "i-0cc30000000000001");
    let found = trail.lookup_events().lookup_attributes(instance).send().await.unwrap();
    assert_eq!(found.events()[0].username(), Some("dana@example.com"));

    bench.ecs(HOME).update_service().cluster("shop").service("cart").desired_count(5).send().await.unwrap();
    let mine =
        || trail.lookup_events().lookup_attributes(attribute(LookupAttributeKey::Username, "dana")).send();
    let count = mine().await.unwrap().events().len();
    bench.pass(5 * MINUTE);
    let later = mine().await.unwrap();
    assert_eq!(later.events().len(), count + 1, "events arrive some minutes late");
    assert!(later.events()[0].cloud_trail_event().unwrap().contains("\"desiredCount\":5"));
    let global = bench.cloudtrail("us-east-1").lookup_events().send().await.unwrap();
    assert!(global.events().iter().any(|e| e.event_name() == Some("CreateAccessKey")));
}

#[tokio::test]
async fn load_balancers_targets_and_scaling() {
    let bench = Bench::new();
    let elb = bench.elb(HOME);
    let all = elb.describe_load_balancers().send().await.unwrap();
    assert_eq!(all.load_balancers().len(), 2);
    let public = elb.describe_load_balancers().names("shop-public").send().await.unwrap();
    let arn = public.load_balancers()[0].load_balancer_arn().unwrap();
    let groups = elb.describe_target_groups().load_balancer_arn(arn).send().await.unwrap();
    assert_eq!(groups.target_groups().len(), 9);
    let legacy = groups.target_groups().iter().find(|t| t.target_group_name() == Some("legacy-web")).unwrap();
    let health = elb
        .describe_target_health()
        .target_group_arn(legacy.target_group_arn().unwrap())
        .send()
        .await
        .unwrap();
    let sick = health
        .target_health_descriptions()
        .iter()
        .find(|t| t.target().unwrap().id() == Some("i-0aa10000000000003"));
    assert_eq!(sick.unwrap().target_health().unwrap().reason().unwrap().as_str(), "Target.Timeout");
    let error = elb.describe_load_balancers().names("nope").send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_load_balancer_not_found_exception());
    let error = elb.describe_target_health().target_group_arn("arn:nope").send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_target_group_not_found_exception());

    let targets = bench
        .autoscaling(HOME)
        .describe_scalable_targets()
        .service_namespace(aws_sdk_applicationautoscaling::types::ServiceNamespace::Ecs)
        .resource_ids("service/shop/checkout-api")
        .send()
        .await
        .unwrap();
    let target = &targets.scalable_targets()[0];
    assert_eq!((target.min_capacity(), target.max_capacity()), (4, 16));
}

#[tokio::test]
async fn trouble_on_demand() {
    let bench = Bench::new();
    let faults = bench.demo.faults().clone();
    faults.inject(Fault::new(Trouble::Deny).operation("StopInstances").times(1));
    let stop = || bench.ec2(HOME).stop_instances().instance_ids("i-0aa10000000000002").dry_run(true);
    let error = stop().send().await.unwrap_err();
    assert_eq!(error.code(), Some("UnauthorizedOperation"));
    assert!(error.message().unwrap().contains("ec2:StopInstances"));
    assert_eq!(stop().send().await.unwrap_err().code(), Some("DryRunOperation"), "only once");

    faults.inject(Fault::new(Trouble::Deny).service("ecs").region(HOME));
    let error = bench.ecs(HOME).list_clusters().send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
    assert!(bench.ecs("us-east-1").list_clusters().send().await.is_ok());
    faults.clear();

    for trouble in [Trouble::Throttle, Trouble::Expire, Trouble::Unavailable, Trouble::Deny] {
        faults.inject(Fault::new(trouble));
        let codes = [
            bench.ec2(HOME).describe_regions().send().await.unwrap_err().code().map(str::to_owned),
            bench.sts(HOME).get_caller_identity().send().await.unwrap_err().code().map(str::to_owned),
            bench.logs(HOME).describe_log_groups().send().await.unwrap_err().code().map(str::to_owned),
            bench.cloudwatch(HOME).describe_alarms().send().await.unwrap_err().code().map(str::to_owned),
        ];
        assert!(codes.iter().all(Option::is_some), "{trouble:?}: {codes:?}");
        faults.clear();
    }

    faults.inject(Fault::new(Trouble::LoseAnswer).operation("UpdateService").times(1));
    let lost = bench.ecs(HOME).update_service().cluster("shop").service("cart").desired_count(6).send().await;
    assert!(lost.unwrap_err().as_service_error().is_none(), "no answer at all");
    bench.pass(MINUTE);
    let cart = bench.ecs(HOME).describe_services().cluster("shop").services("cart").send().await.unwrap();
    assert_eq!(cart.services()[0].running_count(), 6, "and yet it was done");
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let bench = Bench::new();
    let error = bench.ec2(HOME).describe_volumes().send().await.unwrap_err();
    assert_eq!(error.code(), Some("NotImplemented"));
    assert!(error.message().unwrap().contains("ec2:DescribeVolumes"));
    let error = bench.ecs(HOME).delete_cluster().cluster("shop").send().await.unwrap_err();
    assert!(error.message().unwrap().contains("ecs:DeleteCluster"));
    let error = bench.cloudwatch(HOME).list_dashboards().send().await.unwrap_err();
    assert!(error.message().unwrap().contains("monitoring:ListDashboards"));
}
