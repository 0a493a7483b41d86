//! A sweep over a small account: what a model is told of it in all.

use super::common::calls::ok;
use super::common::emulator::{Emulator, HERE, fresh};
use quarterdeck_core::tool::ROUND_CAP;
use serde_json::{Value, json};

/// Bytes of ten results in a small account, at most.
const MOST: usize = 10 * 1024;

/// A handful of everything.
fn small(emulator: &mut Emulator) {
    for name in ["web-1", "web-2", "worker-1", "bastion"] {
        emulator.instances(HERE, 1, &[("Name", name), ("env", "prod")]);
    }
    emulator.services("shop", 3);
    for name in ["checkout-5xx", "queue-age"] {
        emulator.alarm(HERE, name, "OK");
    }
    for user in ["jo", "sam", "ci"] {
        emulator.boto("iam", "us-east-1", "create_user", json!({ "UserName": user }));
        emulator.boto("iam", "us-east-1", "create_access_key", json!({ "UserName": user }));
    }
    for bucket in ["shop-exports", "shop-logs"] {
        let place = json!({ "LocationConstraint": HERE });
        let args = json!({ "Bucket": bucket, "CreateBucketConfiguration": place });
        emulator.boto("s3", HERE, "create_bucket", args);
    }
    let database = json!({ "DBInstanceIdentifier": "shop-db", "DBInstanceClass": "db.t4g.small", "Engine": "postgres",
        "MasterUsername": "shop", "MasterUserPassword": "not-a-password", "AllocatedStorage": 50 });
    emulator.boto("rds", HERE, "create_db_instance", database);
}

#[tokio::test]
async fn a_small_account_is_told_in_few_bytes() {
    let mut emulator = fresh().await;
    small(&mut emulator);
    let aws = emulator.aws(&[HERE]);
    let rounds: [[&str; 5]; 2] = [
        [
            "get_active_alarms",
            "list_ecs_services",
            "list_ec2_instances",
            "get_target_health",
            "list_rds_instances",
        ],
        [
            "get_ecs_stopped_tasks",
            "list_auto_scaling_groups",
            "audit_security_groups",
            "check_iam_key_age",
            "list_s3_buckets",
        ],
    ];
    let mut told: Vec<(&str, usize)> = Vec::new();
    for tool in rounds.into_iter().flatten() {
        let projection = ok(&aws, tool, json!({})).await;
        let view = projection.for_model(ROUND_CAP / 5);
        let parsed: Value = serde_json::from_str(&view.json).unwrap();
        assert_eq!(view.shown, projection.rows.len(), "{tool} shows all of it: {parsed}");
        told.push((tool, view.json.len()));
    }
    let all: usize = told.iter().map(|(_, bytes)| bytes).sum();
    assert!(all <= MOST, "{all} bytes: {told:?}");
    println!("a small account: {all} bytes: {told:?}");
}
