//! Auto Scaling groups, EKS clusters, Lambda functions, targets.

use crate::common::calls::{column, not_allowed, ok, read, unique};
use crate::common::emulator::{Emulator, HERE, fresh};
use quarterdeck_core::tool::{FaultKind, Projection};
use serde_json::{Value, json};

/// Tool, the operation it begins with, the action that needs, and how the service says that there were too many.
const CASES: [(&str, &str, &str, &str, u16); 4] = [
    (
        "list_auto_scaling_groups",
        "DescribeAutoScalingGroups",
        "autoscaling:DescribeAutoScalingGroups",
        "Throttling",
        400,
    ),
    ("list_eks_clusters", "ListClusters", "eks:ListClusters", "ThrottlingException", 429),
    ("list_lambda_functions", "ListFunctions", "lambda:ListFunctions", "TooManyRequestsException", 429),
    (
        "get_target_health",
        "DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetGroups",
        "Throttling",
        400,
    ),
];

const SETTINGS: &str = "lambda:GetAccountSettings";

/// What moto lacks: the limits of Lambda.
fn limits() -> Value {
    json!({ SETTINGS: { "AccountLimit": { "TotalCodeSize": 80_530_636_800_u64, "CodeSizeUnzipped": 262_144_000,
        "CodeSizeZipped": 52_428_800, "ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 993 },
        "AccountUsage": { "TotalCodeSize": 1024, "FunctionCount": 3 } } })
}

fn rule(operation: &str, code: &str, status: u16, message: &str, times: i64) -> Value {
    json!([{ "operation": operation, "code": code, "status": status, "message": message, "times": times }])
}

#[tokio::test]
async fn nothing_there_says_what_was_searched() {
    let mut emulator = fresh().await;
    emulator.canned(limits());
    let aws = emulator.aws(&[HERE, "eu-central-1"]);
    for (tool, ..) in CASES {
        let none = ok(&aws, tool, json!({})).await;
        assert!(none.rows.is_empty() && none.errors.is_empty(), "{tool}: {none:?}");
        for word in ["No ", HERE, "eu-central-1"] {
            assert!(none.summary.contains(word), "{tool}: {}", none.summary);
        }
    }
}

#[tokio::test]
async fn denied_names_the_action() {
    let mut emulator = fresh().await;
    let aws = emulator.aws(&[HERE]);
    for (tool, operation, action, ..) in CASES {
        let code = if operation.starts_with("Describe") { "AccessDenied" } else { "AccessDeniedException" };
        emulator.rules(rule(operation, code, 403, &not_allowed(action), -1));
        let fault = read(&aws, tool, json!({})).await.unwrap_err();
        assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some(action)), "{tool}");
    }
}

#[tokio::test]
async fn throttled_once_recovers_and_always_does_not() {
    let mut emulator = fresh().await;
    emulator.canned(limits());
    let aws = emulator.aws(&[HERE]);
    for (tool, operation, _, code, status) in CASES {
        emulator.rules(rule(operation, code, status, "Rate exceeded", 1));
        let (_, stats) = read(&aws, tool, json!({})).await.unwrap();
        assert_eq!(stats.retries, 1, "{tool}");
        emulator.forget();
        emulator.rules(rule(operation, code, status, "Rate exceeded", -1));
        let fault = read(&aws, tool, json!({})).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Throttled, "{tool}: {fault:?}");
        assert!(fault.hint.is_some(), "{tool} says what to do");
        assert_eq!(emulator.count(operation), 4, "{tool}: four attempts and no more");
    }
}

#[tokio::test]
async fn one_region_of_three_may_fail() {
    let mut emulator = fresh().await;
    emulator.canned(limits());
    let aws = emulator.aws(&[HERE, "eu-central-1", "us-east-1"]);
    for (tool, operation, action, ..) in CASES {
        let denied = if operation.starts_with("Describe") { "AccessDenied" } else { "AccessDeniedException" };
        emulator
            .rules(json!([{ "region": "eu-central-1", "operation": operation, "code": denied, "status": 403,
            "message": not_allowed(action), "times": -1 }]));
        let part = ok(&aws, tool, json!({})).await;
        assert_eq!(part.errors.len(), 1, "{tool}: {:?}", part.errors);
        let error = &part.errors[0];
        assert_eq!((error.place.as_str(), error.fault.kind), ("eu-central-1", FaultKind::Denied), "{tool}");
        assert!(part.summary.contains(HERE) && part.summary.contains("us-east-1"), "{}", part.summary);
    }
}

/// A group of `n` instances.
fn group(emulator: &mut Emulator, name: &str, n: usize) -> Vec<String> {
    let args = json!({ "AutoScalingGroupName": name, "LaunchConfigurationName": "shop", "MinSize": 0, "MaxSize": 9,
        "DesiredCapacity": n, "AvailabilityZones": [format!("{HERE}a")],
        "Tags": [{ "Key": "team", "Value": name, "PropagateAtLaunch": true }] });
    emulator.boto("autoscaling", HERE, "create_auto_scaling_group", args);
    let names = json!({ "AutoScalingGroupNames": [name] });
    let answer = emulator.boto("autoscaling", HERE, "describe_auto_scaling_groups", names);
    let members = answer["AutoScalingGroups"][0]["Instances"].as_array().unwrap().iter();
    members.map(|i| i["InstanceId"].as_str().unwrap().to_owned()).collect()
}

fn launch_configuration(emulator: &mut Emulator) {
    let args =
        json!({ "LaunchConfigurationName": "shop", "ImageId": "ami-12c6146b", "InstanceType": "t3.micro" });
    emulator.boto("autoscaling", HERE, "create_launch_configuration", args);
}

#[tokio::test]
async fn groups_as_they_are() {
    let mut emulator = fresh().await;
    launch_configuration(&mut emulator);
    group(&mut emulator, "web", 2);
    let workers = group(&mut emulator, "worker", 3);
    let sick = json!({ "InstanceId": workers[0], "HealthStatus": "Unhealthy" });
    emulator.boto("autoscaling", HERE, "set_instance_health", sick);
    let stopped = json!({ "AutoScalingGroupName": "web", "ScalingProcesses": ["Launch"] });
    emulator.boto("autoscaling", HERE, "suspend_processes", stopped);
    let aws = emulator.aws(&[HERE]);
    let all = ok(&aws, "list_auto_scaling_groups", json!({})).await;
    assert!(all.errors.is_empty() && all.truncated.is_none(), "{all:?}");
    assert_eq!(column(&all, "name"), ["worker", "web"], "{}", all.summary);
    assert_eq!(column(&all, "health"), ["unhealthy", "suspended"]);
    assert_eq!((column(&all, "healthy"), column(&all, "unhealthy")), (texts(["2", "2"]), texts(["1", "0"])));
    assert_eq!((column(&all, "desired"), column(&all, "max")), (texts(["3", "2"]), texts(["9", "9"])));
    assert_eq!(column(&all, "suspended"), ["", "Launch"]);
    for (args, want) in [
        (json!({ "name": "w*" }), 2),
        (json!({ "name": "we*" }), 1),
        (json!({ "name": "web" }), 1),
        (json!({ "tag": "team=worker" }), 1),
        (json!({ "tag": "team" }), 2),
        (json!({ "tag": "team=nobody" }), 0),
    ] {
        let found = ok(&aws, "list_auto_scaling_groups", args.clone()).await;
        assert_eq!(found.rows.len(), want, "{args}: {}", found.summary);
    }
    let fault = read(&aws, "list_auto_scaling_groups", json!({ "name": "wrker" })).await.unwrap_err();
    assert!(fault.hint.as_deref().is_some_and(|h| h.contains("worker")), "{fault:?}");
}

fn texts<const N: usize>(of: [&str; N]) -> Vec<String> {
    of.map(str::to_owned).to_vec()
}

/// moto knows no activities: these are as the API reference shows them.
#[tokio::test]
async fn a_group_says_why_it_did_not_scale() {
    let mut emulator = fresh().await;
    launch_configuration(&mut emulator);
    group(&mut emulator, "web", 1);
    let page = |group: &str, at: &str, status: &str, message: &str, next: &str| {
        format!(
            "<DescribeScalingActivitiesResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><DescribeScalingActivitiesResult>\
             <Activities><member><ActivityId>f9f2d65b</ActivityId><AutoScalingGroupName>{group}</AutoScalingGroupName>\
             <Description>Launching a new EC2 instance.  Status Reason: {message}</Description><Cause>At {at} an instance was started in \
             response to a difference between desired and actual capacity, increasing the capacity from 1 to 2.</Cause>\
             <StartTime>{at}</StartTime><EndTime>{at}</EndTime><StatusCode>{status}</StatusCode><StatusMessage>{message}</StatusMessage>\
             <Progress>100</Progress><Details>{{}}</Details></member></Activities>{next}</DescribeScalingActivitiesResult>\
             </DescribeScalingActivitiesResponse>"
        )
    };
    let first = page("other", "2026-11-20T03:00:00.000Z", "Successful", "", "<NextToken>1</NextToken>");
    let second = page("web", "2026-11-20T02:00:00.000Z", "Failed", "You have exceeded your vCPU limit.", "");
    emulator.canned(json!({ "autoscaling:DescribeScalingActivities": [first, second] }));
    let aws = emulator.aws(&[HERE]);
    let all = ok(&aws, "list_auto_scaling_groups", json!({})).await;
    assert_eq!(column(&all, "health"), ["failing to scale"], "{}", all.summary);
    assert_eq!(column(&all, "failure"), ["You have exceeded your vCPU limit."]);
    assert!(column(&all, "cause")[0].contains("increasing the capacity from 1 to 2"), "{all:?}");
    assert_eq!(emulator.count("DescribeScalingActivities"), 2, "both pages, and not one for each group");
}

#[tokio::test]
async fn every_page_of_groups() {
    let mut emulator = fresh().await;
    launch_configuration(&mut emulator);
    for n in 0..7 {
        group(&mut emulator, &format!("g-{n}"), 0);
    }
    emulator.pages(json!({ "autoscaling:DescribeAutoScalingGroups": 3 }));
    let aws = emulator.aws(&[HERE]);
    let all = ok(&aws, "list_auto_scaling_groups", json!({})).await;
    assert_eq!((all.rows.len(), unique(&all, "name")), (7, 7));
    assert_eq!(emulator.count("DescribeAutoScalingGroups"), 3);
    emulator.rules(
        json!([{ "operation": "DescribeAutoScalingGroups", "code": "AccessDenied", "status": 403, "after": 1,
        "times": -1, "message": not_allowed("autoscaling:DescribeAutoScalingGroups") }]),
    );
    let half = ok(&aws, "list_auto_scaling_groups", json!({})).await;
    assert_eq!((half.rows.len(), half.errors[0].place.as_str()), (3, "eu-west-1 groups after the first 3"));
}

fn cluster(emulator: &mut Emulator, name: &str) {
    let role = "arn:aws:iam::123456789012:role/eks";
    let args = json!({ "name": name, "version": "1.34", "roleArn": role, "resourcesVpcConfig": { "subnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "endpointPublicAccess": true, "publicAccessCidrs": ["192.0.2.0/24"] } });
    emulator.boto("eks", HERE, "create_cluster", args);
}

fn nodegroup(emulator: &mut Emulator, cluster: &str, name: &str) {
    let role = "arn:aws:iam::123456789012:role/node";
    let args = json!({ "clusterName": cluster, "nodegroupName": name, "nodeRole": role, "subnets": ["subnet-0123456789abcdef0"],
        "scalingConfig": { "minSize": 1, "maxSize": 5, "desiredSize": 2 } });
    emulator.boto("eks", HERE, "create_nodegroup", args);
}

#[tokio::test]
async fn clusters_as_they_are() {
    let mut emulator = fresh().await;
    cluster(&mut emulator, "prod");
    cluster(&mut emulator, "bare");
    nodegroup(&mut emulator, "prod", "blue");
    nodegroup(&mut emulator, "prod", "green");
    let aws = emulator.aws(&[HERE]);
    let all = ok(&aws, "list_eks_clusters", json!({})).await;
    assert!(all.errors.is_empty(), "{:?}", all.errors);
    assert_eq!(column(&all, "name"), ["bare", "prod", "prod"], "{}", all.summary);
    assert_eq!(column(&all, "nodegroup"), ["", "blue", "green"]);
    assert_eq!(
        (column(&all, "desired"), column(&all, "max")),
        (texts(["", "2", "2"]), texts(["", "5", "5"]))
    );
    assert_eq!(column(&all, "version")[0], "1.34");
    assert_eq!(column(&all, "status"), ["ACTIVE"; 3]);
    assert_eq!(unique(&all, "endpoint"), 1, "{:?}", column(&all, "endpoint"));
    let one = ok(&aws, "list_eks_clusters", json!({ "name": "prod" })).await;
    assert_eq!(one.rows.len(), 2);
    let fault = read(&aws, "list_eks_clusters", json!({ "name": "prd" })).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing, "{fault:?}");
    assert!(fault.hint.as_deref().is_some_and(|h| h.contains("prod")), "{fault:?}");

    // A node group that ails, as the API reference shows it.
    let sick = json!({ "nodegroup": { "nodegroupName": "blue", "clusterName": "prod", "version": "1.33", "status": "DEGRADED",
        "scalingConfig": { "minSize": 1, "maxSize": 5, "desiredSize": 2 },
        "health": { "issues": [{ "code": "NodeCreationFailure", "message": "Instances failed to join the kubernetes cluster",
            "resourceIds": ["i-0123456789abcdef0"] }] } } });
    let open = json!({ "cluster": { "name": "prod", "version": "1.34", "status": "ACTIVE", "createdAt": 1_763_600_000.123,
        "resourcesVpcConfig": { "subnetIds": [], "endpointPublicAccess": true, "endpointPrivateAccess": false,
            "publicAccessCidrs": ["0.0.0.0/0"] } } });
    emulator.canned(json!({ "eks:DescribeNodegroup": sick, "eks:DescribeCluster": open }));
    let ill = ok(&aws, "list_eks_clusters", json!({ "name": "prod" })).await;
    assert!(column(&ill, "issues")[0].contains("NodeCreationFailure: Instances failed to join"), "{ill:?}");
    assert!(column(&ill, "endpoint")[0].contains("open to the world"), "{ill:?}");
    assert_eq!(ill.rows[0].urgency, 3);
}

#[tokio::test]
async fn every_page_of_clusters_and_node_groups() {
    let mut emulator = fresh().await;
    for n in 0..5 {
        cluster(&mut emulator, &format!("c-{n}"));
    }
    for n in 0..5 {
        nodegroup(&mut emulator, "c-0", &format!("n-{n}"));
    }
    emulator.pages(json!({ "eks:ListClusters": 2, "eks:ListNodegroups": 2 }));
    let aws = emulator.aws(&[HERE]);
    let all = ok(&aws, "list_eks_clusters", json!({})).await;
    assert_eq!((unique(&all, "name"), all.rows.len()), (5, 9), "{}", all.summary);
    assert_eq!((emulator.count("ListClusters"), emulator.count("ListNodegroups")), (3, 3 + 4));
    assert_eq!((emulator.count("DescribeCluster"), emulator.count("DescribeNodegroup")), (5, 5));
    let (_, scopes) = emulator.peak();
    assert!(scopes[format!("eks/{HERE}")].as_u64().unwrap() <= 8, "{scopes}");
    emulator.rules(json!([{ "operation": "DescribeNodegroup", "code": "AccessDeniedException", "status": 403, "times": -1,
        "message": not_allowed("eks:DescribeNodegroup") }]));
    let half = ok(&aws, "list_eks_clusters", json!({})).await;
    assert_eq!((half.rows.len(), half.errors.len()), (5, 1), "{half:?}");
    assert_eq!(half.errors[0].fault.action.as_deref(), Some("eks:DescribeNodegroup"));
}

/// A function without code, whose environment must stay where it is.
fn function(emulator: &mut Emulator, name: &str, runtime: &str) {
    let args = json!({ "FunctionName": name, "Runtime": runtime, "Role": "arn:aws:iam::123456789012:role/lambda", "Handler": "app.handler",
        "Code": { "S3Bucket": "code", "S3Key": "app.zip" }, "Timeout": 30, "MemorySize": 512,
        "Environment": { "Variables": { "DB_PASSWORD": "hunter2hunter2" } } });
    emulator.boto("lambda", HERE, "create_function", args);
}

fn functions(emulator: &mut Emulator, n: usize) {
    let trust = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
    emulator.boto(
        "iam",
        HERE,
        "create_role",
        json!({ "RoleName": "lambda", "AssumeRolePolicyDocument": trust }),
    );
    let place = json!({ "Bucket": "code", "CreateBucketConfiguration": { "LocationConstraint": HERE } });
    emulator.boto("s3", HERE, "create_bucket", place);
    emulator.boto("s3", HERE, "put_object", json!({ "Bucket": "code", "Key": "app.zip", "Body": "PK" }));
    for i in 0..n {
        function(emulator, &format!("fn-{i:02}"), if i == 0 { "python3.8" } else { "python3.13" });
    }
    emulator.canned(limits());
}

/// What CloudWatch says of the functions listed, `fn-00` first: moto takes no metrics of AWS's own namespaces.
fn measured(of: &[(usize, f64)]) -> Value {
    let at = json!(["2026-11-20T02:00:00Z"]);
    let series = of.iter().map(|(id, value)| {
        json!({ "Id": format!("m{id}"), "Label": "x", "Timestamps": at, "Values": [value], "StatusCode": "Complete" })
    });
    json!({ "monitoring:GetMetricData": { "MetricDataResults": series.collect::<Vec<_>>() } })
}

#[tokio::test]
async fn functions_as_they_are() {
    let mut emulator = fresh().await;
    functions(&mut emulator, 3);
    let reserve = json!({ "FunctionName": "fn-00", "ReservedConcurrentExecutions": 7 });
    emulator.boto("lambda", HERE, "put_function_concurrency", reserve);
    let aws = emulator.aws(&[HERE]);
    let quiet = ok(&aws, "list_lambda_functions", json!({})).await;
    assert!(quiet.errors.is_empty(), "{:?}", quiet.errors);
    assert_eq!(
        column(&quiet, "name"),
        ["fn-00", "fn-01", "fn-02"],
        "the deprecated one first: {}",
        quiet.summary
    );
    assert_eq!(column(&quiet, "health"), ["idle"; 3]);
    assert_eq!(column(&quiet, "runtime")[0], "python3.8 (deprecated since 2024-10-14)");
    assert_eq!(column(&quiet, "reserved"), ["7", "none", "none"]);
    assert_eq!(
        (column(&quiet, "memory_mb")[0].as_str(), column(&quiet, "timeout_s")[0].as_str()),
        ("512", "30")
    );
    assert!(column(&quiet, "modified").iter().all(|m| m.ends_with('Z')), "{:?}", column(&quiet, "modified"));
    let text = serde_json::to_string(&quiet).unwrap();
    assert!(!text.contains("hunter2"), "environment values are never returned: {text}");

    // Two of the account (m0, m1), then three a function; moto lists them in the order they were made.
    emulator.canned(measured(&[(0, 60.0), (1, 53.0), (2, 90.0), (4, 12.0), (5, 1_000.0), (6, 25.0)]));
    let busy = ok(&aws, "list_lambda_functions", json!({ "only_failing": true })).await;
    assert_eq!(column(&busy, "name"), ["fn-01", "fn-00"], "{}", busy.summary);
    assert_eq!(column(&busy, "health"), ["failing", "throttled"]);
    assert_eq!((column(&busy, "errors")[0].as_str(), column(&busy, "throttles")[1].as_str()), ("25", "12"));
    assert!(column(&busy, "why")[1].contains("its reserved concurrency of 7 was reached"), "{busy:?}");
    assert!(busy.summary.contains("peaked at 60 of 1000"), "{}", busy.summary);
    let fault = read(&aws, "list_lambda_functions", json!({ "name": "fn-0" })).await.unwrap_err();
    assert!(fault.hint.as_deref().is_some_and(|h| h.contains("fn-0")), "{fault:?}");
}

#[tokio::test]
async fn every_page_of_functions_and_what_is_denied() {
    let mut emulator = fresh().await;
    functions(&mut emulator, 7);
    emulator.pages(json!({ "lambda:ListFunctions": ["Functions", 3] }));
    let aws = emulator.aws(&[HERE]);
    let all = ok(&aws, "list_lambda_functions", json!({})).await;
    assert_eq!((all.rows.len(), unique(&all, "name")), (7, 7));
    assert_eq!((emulator.count("ListFunctions"), emulator.count("GetFunctionConcurrency")), (3, 7));
    assert_eq!(emulator.count("GetMetricData"), 1, "one for all, and nothing more of functions nobody calls");
    emulator.forget();
    ok(&aws, "list_lambda_functions", json!({ "metrics": false })).await;
    assert_eq!(emulator.count("GetMetricData"), 0);
    for (operation, action) in [
        ("GetMetricData", "cloudwatch:GetMetricData"),
        ("GetAccountSettings", "lambda:GetAccountSettings"),
        ("GetFunctionConcurrency", "lambda:GetFunctionConcurrency"),
    ] {
        emulator.rules(rule(operation, "AccessDeniedException", 403, &not_allowed(action), -1));
        let half = ok(&aws, "list_lambda_functions", json!({})).await;
        assert_eq!((half.rows.len(), half.errors.len()), (7, 1), "{operation}: {:?}", half.errors);
        assert_eq!(half.errors[0].fault.action.as_deref(), Some(action));
    }
}

/// A load balancer in front of these target groups.
struct Balanced {
    vpc: String,
    listener: Value,
    balancer: String,
}

impl Balanced {
    fn new(emulator: &mut Emulator, name: &str) -> Self {
        let subnets = emulator.boto("ec2", HERE, "describe_subnets", json!({}));
        let subnets = subnets["Subnets"].as_array().unwrap();
        let vpc = subnets[0]["VpcId"].as_str().unwrap().to_owned();
        let two: Vec<&str> = subnets.iter().take(2).map(|s| s["SubnetId"].as_str().unwrap()).collect();
        let answer =
            emulator.boto("elbv2", HERE, "create_load_balancer", json!({ "Name": name, "Subnets": two }));
        let balancer = answer["LoadBalancers"][0]["LoadBalancerArn"].as_str().unwrap().to_owned();
        Self { vpc, listener: Value::Null, balancer }
    }

    /// A target group of these instances; behind the load balancer when `used`.
    fn group(&mut self, emulator: &mut Emulator, name: &str, targets: &[String], used: bool) -> String {
        let args = json!({ "Name": name, "Protocol": "HTTP", "Port": 8080, "VpcId": self.vpc, "HealthCheckPath": "/healthz" });
        let answer = emulator.boto("elbv2", HERE, "create_target_group", args);
        let arn = answer["TargetGroups"][0]["TargetGroupArn"].as_str().unwrap().to_owned();
        if !targets.is_empty() {
            let targets: Vec<Value> = targets.iter().map(|id| json!({ "Id": id })).collect();
            emulator.boto(
                "elbv2",
                HERE,
                "register_targets",
                json!({ "TargetGroupArn": arn, "Targets": targets }),
            );
        }
        if used {
            let to = json!([{ "Type": "forward", "TargetGroupArn": arn }]);
            if self.listener.is_null() {
                let args = json!({ "LoadBalancerArn": self.balancer, "Protocol": "HTTP", "Port": 80, "DefaultActions": to });
                self.listener =
                    emulator.boto("elbv2", HERE, "create_listener", args)["Listeners"][0]["ListenerArn"]
                        .take();
            } else {
                let args = json!({ "ListenerArn": self.listener, "Priority": name.len(), "Actions": to,
                    "Conditions": [{ "Field": "path-pattern", "Values": [format!("/{name}/*")] }] });
                emulator.boto("elbv2", HERE, "create_rule", args);
            }
        }
        arn
    }
}

#[tokio::test]
async fn targets_as_they_are() {
    let mut emulator = fresh().await;
    let ids = emulator.instances(HERE, 3, &[]);
    let mut shop = Balanced::new(&mut emulator, "shop");
    let cart = shop.group(&mut emulator, "cart", &ids[..2], true);
    shop.group(&mut emulator, "empty", &[], true);
    shop.group(&mut emulator, "green", &ids[2..], false);
    let aws = emulator.aws(&[HERE]);
    let all = ok(&aws, "get_target_health", json!({})).await;
    assert!(all.errors.is_empty() && all.truncated.is_none(), "{all:?}");
    assert_eq!(column(&all, "target_group"), ["empty", "cart", "cart", "green"], "{}", all.summary);
    assert_eq!(column(&all, "state"), ["empty", "healthy", "healthy", "no load balancer"]);
    assert_eq!(column(&all, "lb"), ["shop", "shop", "shop", ""]);
    assert_eq!(column(&all, "port")[1], "8080");
    assert_eq!(emulator.count("DescribeTargetHealth"), 2, "not the group nobody uses");
    for (args, want) in [
        (json!({ "load_balancer": "shop" }), 3),
        (json!({ "load_balancer": shop.balancer }), 3),
        (json!({ "target_group": "cart" }), 2),
        (json!({ "target_group": cart }), 2),
        (json!({ "target_group": "cart", "load_balancer": "shop" }), 2),
        (json!({ "target_group": "green" }), 1),
        (json!({ "only_unhealthy": true }), 1),
    ] {
        let found = ok(&aws, "get_target_health", args.clone()).await;
        assert_eq!(found.rows.len(), want, "{args}: {}", found.summary);
    }
    for (args, near) in
        [(json!({ "target_group": "kart" }), "cart"), (json!({ "load_balancer": "shp" }), "shop")]
    {
        let fault = read(&aws, "get_target_health", args.clone()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Missing, "{args}: {fault:?}");
        assert!(fault.hint.as_deref().is_some_and(|h| h.contains(near)), "{args}: {fault:?}");
    }
}

/// moto's targets are hardly ever ill: these are as the API reference shows them.
#[tokio::test]
async fn why_a_target_gets_no_traffic() {
    let mut emulator = fresh().await;
    let ids = emulator.instances(HERE, 1, &[]);
    Balanced::new(&mut emulator, "shop").group(&mut emulator, "cart", &ids, true);
    let target = |id: &str, state: &str, reason: &str, description: &str| {
        format!(
            "<member><HealthCheckPort>8080</HealthCheckPort><TargetHealth><State>{state}</State><Reason>{reason}</Reason>\
             <Description>{description}</Description></TargetHealth><Target><Port>8080</Port><Id>{id}</Id></Target></member>"
        )
    };
    let all = [
        target("10.0.0.1", "initial", "Elb.InitialHealthChecking", "Initial health checks in progress"),
        target("10.0.0.2", "unhealthy", "Target.Timeout", "Request timed out"),
        target(
            "10.0.0.3",
            "unhealthy",
            "Target.ResponseCodeMismatch",
            "Health checks failed with these codes: [404]",
        ),
    ];
    emulator.canned(json!({ "elasticloadbalancing:DescribeTargetHealth": format!(
        "<DescribeTargetHealthResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><DescribeTargetHealthResult>\
         <TargetHealthDescriptions>{}</TargetHealthDescriptions></DescribeTargetHealthResult></DescribeTargetHealthResponse>", all.concat()) }));
    let aws = emulator.aws(&[HERE]);
    let ill = ok(&aws, "get_target_health", json!({ "load_balancer": "shop" })).await;
    assert_eq!(column(&ill, "target"), ["10.0.0.2", "10.0.0.3", "10.0.0.1"], "{}", ill.summary);
    assert_eq!(ill.rows.iter().map(|r| r.urgency).collect::<Vec<_>>(), [3, 3, 1]);
    let said = column(&ill, "description");
    assert!(said[0].contains("HTTP /healthz on port 8080 within 5 s"), "{said:?}");
    assert!(
        said[1].contains("[404]; HTTP /healthz on port 8080 answered with another code than 200"),
        "{said:?}"
    );
    assert!(said[2].contains("first health checks"), "{said:?}");
    assert!(ill.summary.contains("cart (2 of 3 unhealthy)"), "{}", ill.summary);
}

#[tokio::test]
async fn hundreds_of_target_groups_a_few_at_a_time() {
    let mut emulator = fresh().await;
    let shop = Balanced::new(&mut emulator, "shop");
    let member = |name: String| {
        format!(
            "<member><TargetGroupArn>arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/{name}/73e2d6bc24d8a067</TargetGroupArn>\
             <TargetGroupName>{name}</TargetGroupName><Port>80</Port><LoadBalancerArns><member>{}</member></LoadBalancerArns></member>",
            shop.balancer
        )
    };
    let page = |from: usize, next: &str| {
        let members: String = (from..from + 60).map(|n| member(format!("g-{n:03}"))).collect();
        format!(
            "<DescribeTargetGroupsResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><DescribeTargetGroupsResult>\
             <TargetGroups>{members}</TargetGroups>{next}</DescribeTargetGroupsResult></DescribeTargetGroupsResponse>"
        )
    };
    let (first, second) = (page(0, "<NextMarker>1</NextMarker>"), page(60, ""));
    let health = "<DescribeTargetHealthResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><DescribeTargetHealthResult>\
        <TargetHealthDescriptions/></DescribeTargetHealthResult></DescribeTargetHealthResponse>";
    emulator.canned(json!({ "elasticloadbalancing:DescribeTargetGroups": [first, second],
        "elasticloadbalancing:DescribeTargetHealth": health }));
    let aws = emulator.aws(&[HERE]);
    let all: Projection = ok(&aws, "get_target_health", json!({})).await;
    assert_eq!((all.rows.len(), unique(&all, "target_group")), (120, 120), "{}", all.summary);
    assert_eq!((emulator.count("DescribeTargetGroups"), emulator.count("DescribeTargetHealth")), (2, 120));
    let (_, scopes) = emulator.peak();
    assert!(scopes[format!("elasticloadbalancing/{HERE}")].as_u64().unwrap() <= 8, "{scopes}");
    // One that is refused takes no other along.
    emulator.rules(json!([{ "operation": "DescribeTargetHealth", "code": "AccessDenied", "status": 403, "after": 100, "times": -1,
        "message": not_allowed("elasticloadbalancing:DescribeTargetHealth") }]));
    let half = ok(&aws, "get_target_health", json!({})).await;
    assert_eq!((half.rows.len(), half.errors.len()), (100, 1), "{:?}", half.errors);
    assert!(half.errors[0].place.contains("and 17 more"), "{:?}", half.errors);
}
