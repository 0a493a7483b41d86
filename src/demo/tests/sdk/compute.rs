//! EKS, EC2 Auto Scaling, Lambda, targets.

use crate::bench::{Bench, HOME};
use aws_sdk_eks::error::ProvideErrorMetadata;
use aws_sdk_eks::types::{CapacityTypes, NodegroupStatus};
use quarterdeck_demo::{Fault, Trouble};
use std::time::Duration;

#[tokio::test]
async fn eks_clusters_and_node_groups() {
    let bench = Bench::new();
    let eks = bench.eks(HOME);
    let first = eks.list_clusters().max_results(1).send().await.unwrap();
    assert_eq!(first.clusters(), ["data-platform"]);
    let second =
        eks.list_clusters().max_results(1).next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!((second.clusters(), second.next_token()), (&["ml-experiments".to_owned()][..], None));
    let found = eks.describe_cluster().name("ml-experiments").send().await.unwrap();
    let cluster = found.cluster().unwrap();
    assert_eq!(cluster.arn(), Some("arn:aws:eks:eu-west-1:123456789012:cluster/ml-experiments"));
    assert_eq!(cluster.resources_vpc_config().unwrap().public_access_cidrs(), ["0.0.0.0/0"]);
    assert!(cluster.created_at().unwrap().secs() > 1_700_000_000);
    let groups = eks.list_nodegroups().cluster_name("ml-experiments").send().await.unwrap();
    assert_eq!(groups.nodegroups(), ["gpu-spot"]);
    let group = eks
        .describe_nodegroup()
        .cluster_name("ml-experiments")
        .nodegroup_name("gpu-spot")
        .send()
        .await
        .unwrap();
    let group = group.nodegroup().unwrap();
    assert_eq!(group.status(), Some(&NodegroupStatus::Degraded));
    assert_eq!(group.capacity_type(), Some(&CapacityTypes::Spot));
    assert_eq!(group.scaling_config().unwrap().desired_size(), Some(3));
    assert_eq!(group.health().unwrap().issues()[0].code().unwrap().as_str(), "AsgInstanceLaunchFailures");
    assert!(bench.eks("us-east-1").list_clusters().send().await.unwrap().clusters().is_empty());
}

#[tokio::test]
async fn rest_errors_have_their_code_and_status() {
    let bench = Bench::new();
    let eks = bench.eks(HOME);
    for (error, code, status) in [
        (eks.describe_cluster().name("nope").send().await.unwrap_err(), "ResourceNotFoundException", 404),
        (
            bench.eks("ap-south-1").describe_cluster().name("a").send().await.unwrap_err(),
            "UnrecognizedClientException",
            403,
        ),
    ] {
        assert_eq!(error.code(), Some(code));
        assert_eq!(error.raw_response().unwrap().status().as_u16(), status);
        assert!(error.message().is_some_and(|m| !m.is_empty()));
    }
    for (trouble, code, status) in [
        (Trouble::Deny, "AccessDeniedException", 403),
        (Trouble::Throttle, "TooManyRequestsException", 429),
        (Trouble::Expire, "ExpiredTokenException", 403),
        (Trouble::Unavailable, "ServiceUnavailable", 503),
    ] {
        bench.demo.faults().inject(Fault::new(trouble).service("eks").operation("ListClusters").times(1));
        let error = eks.list_clusters().send().await.unwrap_err();
        assert_eq!(error.code(), Some(code));
        assert_eq!(error.raw_response().unwrap().status().as_u16(), status);
    }
    let error = eks.list_addons().cluster_name("data-platform").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 501);
}

#[tokio::test]
async fn auto_scaling_groups_and_their_activities() {
    let bench = Bench::new();
    let asg = bench.groups(HOME);
    let mut pages = asg.describe_auto_scaling_groups().max_records(2).into_paginator().items().send();
    let mut all = Vec::new();
    while let Some(group) = pages.next().await {
        all.push(group.unwrap());
    }
    let names: Vec<_> = all.iter().filter_map(|g| g.auto_scaling_group_name()).collect();
    assert_eq!(names, ["worker-asg", "batch-gpu-asg", "ci-runner-asg"]);
    assert_eq!((all[0].desired_capacity(), all[0].instances().len()), (Some(5), 5));
    assert!(all[0].instances().iter().all(|i| i.health_status() == Some("Healthy")));
    assert_eq!(all[2].suspended_processes()[0].process_name(), Some("Launch"));
    let tag = aws_sdk_autoscaling::types::Filter::builder().name("tag:team").values("data").build();
    let found = asg.describe_auto_scaling_groups().filters(tag).send().await.unwrap();
    assert_eq!(found.auto_scaling_groups().len(), 1);
    let bare = asg.describe_auto_scaling_groups().include_instances(false).send().await.unwrap();
    assert!(bare.auto_scaling_groups()[0].instances().is_empty());

    let told = asg.describe_scaling_activities().send().await.unwrap();
    let last = &told.activities()[0];
    assert_eq!(last.auto_scaling_group_name(), Some("batch-gpu-asg"));
    assert_eq!(last.status_code().unwrap().as_str(), "Failed");
    assert!(last.status_message().unwrap().contains("sufficient g5.2xlarge capacity"));
    let none = asg.describe_scaling_activities().auto_scaling_group_name("nope").send().await.unwrap_err();
    assert_eq!(none.code(), Some("ValidationError"));
    let many = asg.describe_auto_scaling_groups().max_records(101).send().await.unwrap_err();
    assert_eq!(many.code(), Some("ValidationError"));

    bench.ec2(HOME).stop_instances().instance_ids("i-0bb20000000000001").send().await.unwrap();
    bench.pass(Duration::from_secs(20));
    let worker =
        asg.describe_auto_scaling_groups().auto_scaling_group_names("worker-asg").send().await.unwrap();
    let members = worker.auto_scaling_groups()[0].instances().to_vec();
    assert_eq!(members.iter().filter(|i| i.health_status() == Some("Unhealthy")).count(), 1);
    bench.pass(Duration::from_secs(60));
    let told = asg.describe_scaling_activities().auto_scaling_group_name("worker-asg").send().await.unwrap();
    assert!(told.activities()[0].cause().unwrap().contains("needing to be replaced"));
    assert!(
        bench
            .groups("us-east-1")
            .describe_auto_scaling_groups()
            .send()
            .await
            .unwrap()
            .auto_scaling_groups()
            .is_empty()
    );
}

#[tokio::test]
async fn lambda_functions_limits_and_metrics() {
    let bench = Bench::new();
    let lambda = bench.lambda(HOME);
    let mut pages = lambda.list_functions().max_items(2).into_paginator().items().send();
    let mut all = Vec::new();
    while let Some(function) = pages.next().await {
        all.push(function.unwrap());
    }
    assert_eq!(all.len(), 6);
    let images = all.iter().find(|f| f.function_name() == Some("product-images")).unwrap();
    assert_eq!((images.memory_size(), images.timeout()), (Some(2048), Some(60)));
    assert!(images.last_modified().unwrap().ends_with("+0000"));
    assert!(images.environment().unwrap().variables().unwrap().contains_key("QUALITY"));
    let image = all.iter().find(|f| f.function_name() == Some("fraud-score")).unwrap();
    assert_eq!((image.package_type().unwrap().as_str(), image.runtime()), ("Image", None));

    let concurrency = |name: &str| lambda.get_function_concurrency().function_name(name).send();
    assert_eq!(concurrency("product-images").await.unwrap().reserved_concurrent_executions(), Some(20));
    assert_eq!(concurrency("orders-export").await.unwrap().reserved_concurrent_executions(), None);
    let error = concurrency("nope").await.unwrap_err();
    assert_eq!(
        (error.code(), error.raw_response().unwrap().status().as_u16()),
        (Some("ResourceNotFoundException"), 404)
    );
    let limit = lambda.get_account_settings().send().await.unwrap();
    assert_eq!(limit.account_limit().unwrap().unreserved_concurrent_executions(), Some(980));

    let listed = bench.cloudwatch(HOME).list_metrics().namespace("AWS/Lambda").send().await.unwrap();
    let of = |name: &str| {
        let mine =
            |m: &&aws_sdk_cloudwatch::types::Metric| m.dimensions().iter().any(|d| d.value() == Some(name));
        listed.metrics().iter().filter(mine).count()
    };
    assert_eq!((of("product-images"), of("nightly-cleanup")), (5, 0), "nobody calls it: it has no metrics");
}

#[tokio::test]
async fn targets_that_are_functions_and_groups_nobody_uses() {
    let bench = Bench::new();
    let elb = bench.elb(HOME);
    let all = elb.describe_target_groups().send().await.unwrap();
    let group =
        |name: &str| all.target_groups().iter().find(|t| t.target_group_name() == Some(name)).unwrap();
    let hook = group("returns-webhook");
    assert_eq!((hook.target_type().unwrap().as_str(), hook.port()), ("lambda", None));
    assert!(group("checkout-api-green").load_balancer_arns().is_empty());
    assert_eq!(group("cart").matcher().unwrap().http_code(), Some("200"));
    let arn = hook.target_group_arn().unwrap();
    let health = elb.describe_target_health().target_group_arn(arn).send().await.unwrap();
    let target = &health.target_health_descriptions()[0];
    assert!(target.target().unwrap().id().unwrap().ends_with(":function:returns-webhook"));
    assert_eq!(target.target_health().unwrap().reason().unwrap().as_str(), "Target.HealthCheckDisabled");
}
