//! EKS.

use crate::bench::{Bench, HOME};
use aws_sdk_eks::error::ProvideErrorMetadata;
use aws_sdk_eks::types::{CapacityTypes, NodegroupStatus};
use quarterdeck_demo::{Fault, Trouble};

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
