//! What a call without permission answers, and that the listed IAM actions suffice: against an emulator that evaluates
//! IAM policies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

mod common;

use common::calls::{plan, read};
use common::python::Program;
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::{Settings, registry};
use quarterdeck_core::tool::{Fault, FaultKind, Risk, Tool};
use serde_json::{Value, json};

const REQUIREMENTS: &str = include_str!("emulator/requirements-denials.txt");
const HERE: &str = "eu-west-1";

/// Arguments for each tool that needs some. What they name does not have to exist: a denial comes first.
const ARGS: &[(&str, &str)] = &[
    ("create_s3_bucket", r#"{ "bucket": "shop-new-bucket", "region": "eu-west-1" }"#),
    (
        "download_s3_object",
        concat!(
            r#"{ "bucket": "shop-exports", "key": "orders.csv", "directory": ""#,
            env!("CARGO_TARGET_TMPDIR"),
            r#"" }"#
        ),
    ),
    ("get_cloudwatch_logs", r#"{ "log_group": "/ecs/checkout-api" }"#),
    ("list_s3_objects", r#"{ "bucket": "shop-exports" }"#),
    ("query_logs_insights", r#"{ "log_groups": ["/ecs/checkout-api"], "query": "fields @message" }"#),
    (
        "revoke_security_group_ingress",
        r#"{ "group": "sg-0123456789abcdef0", "rule_ids": ["sgr-0123456789abcdef0"], "action": "revoke" }"#,
    ),
    ("search_s3_objects", r#"{ "search_name": "orders.csv" }"#),
    ("set_access_key_status", r#"{ "user": "ci", "key_id": "AKIAIOSFODNN7EXAMPLE", "status": "Inactive" }"#),
    ("start_instances", r#"{ "ids": ["i-0123456789abcdef0"] }"#),
    ("stop_instances", r#"{ "ids": ["i-0123456789abcdef0"] }"#),
    ("update_ecs_service", r#"{ "cluster": "shop", "service": "checkout-api", "desired_count": 3 }"#),
    (
        "upload_s3_object",
        concat!(
            r#"{ "bucket": "shop-exports", "key": "new.md", "source": ""#,
            env!("CARGO_MANIFEST_DIR"),
            r#"/README.md" }"#
        ),
    ),
];

/// Tools this emulator cannot judge, and why; they are shown elsewhere with canned denials.
const ABSENT: &[(&str, &str)] = &[
    ("get_active_alarms", "no policy is evaluated for requests in CBOR"),
    ("get_metrics", "no policy is evaluated for requests in CBOR"),
    ("get_cost_anomalies", "there is no Cost Explorer"),
    ("get_cost_by_service", "there is no Cost Explorer"),
    ("list_guardduty_findings", "there is no GuardDuty"),
];

fn args(tool: &str) -> Value {
    let given = ARGS.iter().find(|(name, _)| *name == tool);
    given.map_or_else(|| json!({}), |(_, args)| serde_json::from_str(args).expect(tool))
}

fn allow(actions: impl IntoIterator<Item = &'static str>) -> Value {
    let actions: Vec<&str> = actions.into_iter().collect();
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }] })
}

/// The console as a user with these policies.
fn console_of(emulator: &mut Program, user: &str, policies: &[Value]) -> Aws {
    let key = emulator.control(&json!(["user", user, policies]));
    Aws::new(Settings {
        regions: vec![HERE.to_owned()],
        endpoint: Some(emulator.endpoint.clone()),
        credentials: Some((key[0].as_str().unwrap().into(), key[1].as_str().unwrap().into())),
        ..Settings::default()
    })
}

/// Which actions the tool says it lacks: as its fault, as a part that is missing, as a fact that is not known.
async fn lacking(aws: &Aws, tool: &Tool) -> Vec<String> {
    let name = tool.spec.name;
    let denied = |fault: Fault| match fault.kind {
        FaultKind::Denied => {
            vec![fault.action.unwrap_or_else(|| panic!("{name} does not say what is missing"))]
        }
        _ => Vec::new(),
    };
    match tool.risk {
        Risk::Read => match read(aws, name, args(name)).await {
            Ok((projection, _)) => projection.errors.into_iter().flat_map(|e| denied(e.fault)).collect(),
            Err(fault) => denied(fault),
        },
        Risk::Local | Risk::Write => match plan(aws, name, args(name)).await {
            Ok(proposal) => {
                let reads = registry::iam_actions(tool.spec).reads;
                let told = |action: &&&str| proposal.unknown.iter().any(|fact| fact.contains(**action));
                reads.iter().filter(told).map(|action| (*action).to_owned()).collect()
            }
            Err(fault) => denied(fault),
        },
    }
}

#[tokio::test]
async fn each_tool_without_and_with_its_permissions() {
    let mut emulator = Program::start("denials.py", REQUIREMENTS);
    let here =
        json!({ "Bucket": "shop-exports", "CreateBucketConfiguration": { "LocationConstraint": HERE } });
    emulator.control(&json!(["boto", "s3", HERE, "create_bucket", here]));
    let object = json!({ "Bucket": "shop-exports", "Key": "orders.csv", "Body": "id,total" });
    emulator.control(&json!(["boto", "s3", HERE, "put_object", object]));
    let stranger = console_of(&mut emulator, "stranger", &[]);
    for tool in registry::catalogue().iter().filter(|t| !ABSENT.iter().any(|(name, _)| *name == t.spec.name))
    {
        let name = tool.spec.name;
        let actions = registry::iam_actions(tool.spec);
        let missing = lacking(&stranger, tool).await;
        assert!(!missing.is_empty(), "{name} does not notice that it may do nothing");
        for action in missing {
            let listed = actions.reads.contains(action.as_str());
            assert!(listed, "{name} was denied {action}, which it does not list");
        }
        // With what it lists, and nothing more, nothing is denied.
        let own = ["sts:GetCallerIdentity", "iam:ListAccountAliases", "ec2:DescribeRegions"];
        let policy = allow(actions.reads.iter().copied().chain(own));
        let trusted = console_of(&mut emulator, &format!("for-{name}"), &[policy]);
        assert_eq!(lacking(&trusted, tool).await, Vec::<String>::new(), "{name} needs more than it lists");
    }
}
