//! The changing tools against an emulator that is independent of us: what they plan, and what becomes of one write.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

mod buckets;
#[path = "../common/mod.rs"]
mod common;
mod identity;
mod security;
mod transfers;

use common::calls::{not_allowed, plan, planned, refusal};
use common::console::{Begin, Console, StillClock};
use common::emulator::{ACCOUNT, Emulator, HERE, fresh};
use quarterdeck_aws::Settings;
use quarterdeck_aws::clients::Aws;
use quarterdeck_core::approval::{DryRun, Impact, Proposal, Reversible, WarningLevel};
use quarterdeck_core::command::Command;
use quarterdeck_core::journal::{Fact, Outcome, WriteEffect};
use quarterdeck_core::scope::Mode;
use quarterdeck_core::tool::FaultKind;
use quarterdeck_model::offline::Offline;
use serde_json::{Value, json};
use std::sync::Arc;

const DEV: [(&str, &str); 2] = [("Name", "build-runner"), ("env", "dev")];

fn warned(proposal: &Proposal, code: &str) -> Option<WarningLevel> {
    proposal.warnings.iter().find(|w| w.code == code).map(|w| w.level)
}

fn change(proposal: &Proposal, field: &str) -> Option<(String, String)> {
    let changes = proposal.targets.iter().flat_map(|t| &t.changes);
    changes.filter(|c| c.field == field).map(|c| (c.before.clone(), c.after.clone())).next()
}

mod ec2 {
    use super::*;

    #[tokio::test]
    async fn a_stop_is_planned_from_fresh_reads_and_a_dry_run() {
        let mut emulator = fresh().await;
        let ids = emulator.instances(HERE, 1, &DEV);
        let aws = emulator.aws(&[HERE]);
        let stop = planned(&aws, "stop_instances", json!({ "ids": ids })).await;
        assert_eq!((stop.identity.account.as_str(), stop.region.as_str()), (ACCOUNT, HERE));
        let target = &stop.targets[0];
        assert_eq!(target.arn, format!("arn:aws:ec2:{HERE}:{ACCOUNT}:instance/{}", ids[0]));
        assert_eq!((target.name.as_deref(), target.state.as_str()), (Some("build-runner"), "running"));
        assert_eq!(change(&stop, "state"), Some(("running".into(), "stopped".into())));
        assert_eq!(stop.dry_run, DryRun::Permitted);
        assert_eq!(stop.command, format!("aws ec2 stop-instances --region {HERE} --instance-ids {}", ids[0]));
        assert_eq!(stop.unknown, [""; 0], "everything could be read");
        assert_eq!(Impact::of(&stop), Impact::Normal);
        assert_eq!(emulator.changes(), [""; 0], "planning changes nothing");
        assert_eq!(emulator.calls().iter().filter(|c| c["dry_run"] == true).count(), 1);
    }

    #[tokio::test]
    async fn what_runs_cannot_be_started_and_what_stopped_cannot_be_stopped() {
        let mut emulator = fresh().await;
        let ids = emulator.instances(HERE, 2, &DEV);
        emulator.boto("ec2", HERE, "stop_instances", json!({ "InstanceIds": [ids[1]] }));
        let aws = emulator.aws(&[HERE]);
        let start = planned(&aws, "start_instances", json!({ "ids": [ids[1]] })).await;
        assert_eq!(change(&start, "state"), Some(("stopped".into(), "running".into())));
        assert_eq!(start.dry_run, DryRun::Permitted);
        for (tool, id) in [("stop_instances", &ids[1]), ("start_instances", &ids[0])] {
            let fault = plan(&aws, tool, json!({ "ids": [id] })).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Conflict, "{tool}: {fault}");
            assert!(fault.to_string().contains(id.as_str()), "{fault}");
        }
        emulator.boto("ec2", HERE, "terminate_instances", json!({ "InstanceIds": [ids[0]] }));
        for tool in ["stop_instances", "start_instances"] {
            let fault = plan(&aws, tool, json!({ "ids": [ids[0]] })).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Conflict, "{tool} of a terminated one: {fault}");
        }
        assert_eq!(emulator.changes(), [""; 0]);
    }

    #[tokio::test]
    async fn targets_must_exist_in_the_one_region() {
        let mut emulator = fresh().await;
        let there = emulator.instances("eu-central-1", 1, &DEV);
        let aws = emulator.aws(&[HERE, "eu-central-1"]);
        let fault = plan(&aws, "stop_instances", json!({ "ids": there })).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Missing);
        assert!(fault.to_string().contains(HERE), "it says where it looked: {fault}");
        let stop = planned(&aws, "stop_instances", json!({ "ids": there, "region": "eu-central-1" })).await;
        assert_eq!(stop.region, "eu-central-1");
        for args in [
            json!({ "ids": there, "region": "all" }),
            json!({ "ids": there, "account": "all" }),
            json!({ "ids": there, "region": "eu-wset-1" }),
            json!({ "ids": [] }),
            json!({ "ids": ["web-1"] }),
            json!({ "ids": [there[0], there[0]], "region": "eu-central-1" }),
        ] {
            let fault = plan(&aws, "stop_instances", args.clone()).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Invalid, "{args}: {fault}");
        }
    }

    #[tokio::test]
    async fn warnings_come_from_the_account() {
        let mut emulator = fresh().await;
        let web = emulator.instances(
            HERE,
            1,
            &[("Name", "web-1"), ("env", "prod"), ("aws:autoscaling:groupName", "web")],
        );
        let protect = json!({ "InstanceId": web[0], "DisableApiStop": { "Value": true } });
        emulator.boto("ec2", HERE, "modify_instance_attribute", protect);
        let aws = emulator.aws(&[HERE]);
        let stop = planned(&aws, "stop_instances", json!({ "ids": web })).await;
        assert_eq!(warned(&stop, "asg_replaces"), Some(WarningLevel::Critical), "{:?}", stop.warnings);
        assert!(matches!(stop.reversible, Reversible::No(_)));
        assert!(Impact::of(&stop).is_high());
        assert_eq!(warned(&stop, "stop_protection"), Some(WarningLevel::Caution), "{:?}", stop.warnings);
    }

    #[tokio::test]
    async fn the_last_healthy_target_is_critical() {
        let mut emulator = fresh().await;
        let ids = emulator.instances(HERE, 2, &[("Name", "web"), ("env", "dev")]);
        let described = emulator.boto("ec2", HERE, "describe_instances", json!({ "InstanceIds": [ids[0]] }));
        let instance = &described["Reservations"][0]["Instances"][0];
        let subnets = emulator.boto("ec2", HERE, "describe_subnets", json!({}));
        let subnets: Vec<&Value> =
            subnets["Subnets"].as_array().unwrap().iter().map(|s| &s["SubnetId"]).take(2).collect();
        let balancer =
            emulator.boto("elbv2", HERE, "create_load_balancer", json!({ "Name": "lb", "Subnets": subnets }));
        let group = json!({ "Name": "web", "Protocol": "HTTP", "Port": 80, "VpcId": instance["VpcId"], "TargetType": "instance" });
        let group = emulator.boto("elbv2", HERE, "create_target_group", group);
        let group = &group["TargetGroups"][0]["TargetGroupArn"];
        let listener = json!({ "LoadBalancerArn": balancer["LoadBalancers"][0]["LoadBalancerArn"], "Protocol": "HTTP", "Port": 80,
            "DefaultActions": [{ "Type": "forward", "TargetGroupArn": group }] });
        emulator.boto("elbv2", HERE, "create_listener", listener);
        let register = |ids: &[String]| json!({ "TargetGroupArn": group, "Targets": ids.iter().map(|id| json!({ "Id": id })).collect::<Vec<_>>() });
        emulator.boto("elbv2", HERE, "register_targets", register(&ids[..1]));
        let aws = emulator.aws(&[HERE]);
        let stop = planned(&aws, "stop_instances", json!({ "ids": [ids[0]] })).await;
        let last = stop.warnings.iter().find(|w| w.level == WarningLevel::Critical);
        assert!(last.is_some_and(|w| w.text.contains("nothing healthy")), "{:?}", stop.warnings);
        emulator.boto("elbv2", HERE, "register_targets", register(&ids[1..]));
        let stop = planned(&aws, "stop_instances", json!({ "ids": [ids[0]] })).await;
        assert!(
            stop.warnings.iter().all(|w| w.level != WarningLevel::Critical),
            "one of two: {:?}",
            stop.warnings
        );
        let both = planned(&aws, "stop_instances", json!({ "ids": ids })).await;
        assert!(
            both.warnings.iter().any(|w| w.level == WarningLevel::Critical),
            "both of two: {:?}",
            both.warnings
        );
    }

    #[tokio::test]
    async fn a_fact_that_cannot_be_read_is_said_and_makes_it_grave() {
        let mut emulator = fresh().await;
        let ids = emulator.instances(HERE, 1, &DEV);
        let aws = emulator.aws(&[HERE]);
        for (operation, action) in [
            ("DescribeTargetGroups", "elasticloadbalancing:DescribeTargetGroups"),
            ("DescribeInstanceTypes", "ec2:DescribeInstanceTypes"),
            ("DescribeInstanceAttribute", "ec2:DescribeInstanceAttribute"),
        ] {
            emulator.rules(refusal(operation, "UnauthorizedOperation", &not_allowed(action), -1));
            let stop = planned(&aws, "stop_instances", json!({ "ids": ids })).await;
            assert!(stop.unknown.iter().any(|u| u.contains(action)), "{operation}: {:?}", stop.unknown);
            assert!(Impact::of(&stop).is_high(), "{operation}");
        }
        // The dry run says that it would be denied: told before anybody approves.
        emulator.rules(refusal(
            "StopInstances",
            "UnauthorizedOperation",
            &not_allowed("ec2:StopInstances"),
            -1,
        ));
        let stop = planned(&aws, "stop_instances", json!({ "ids": ids })).await;
        assert!(
            matches!(&stop.dry_run, DryRun::Denied(why) if why.contains("ec2:StopInstances")),
            "{:?}",
            stop.dry_run
        );
        // Without the instances themselves there is no plan; throttled once there is.
        emulator.rules(refusal(
            "DescribeInstances",
            "UnauthorizedOperation",
            &not_allowed("ec2:DescribeInstances"),
            -1,
        ));
        let fault = plan(&aws, "stop_instances", json!({ "ids": ids })).await.unwrap_err();
        assert_eq!(fault.action.as_deref(), Some("ec2:DescribeInstances"));
        emulator.rules(refusal("DescribeInstances", "RequestLimitExceeded", "Request limit exceeded.", 1));
        planned(&aws, "stop_instances", json!({ "ids": ids })).await;
        assert_eq!(emulator.changes(), [""; 0]);
    }
}

mod ecs {
    use super::*;

    #[tokio::test]
    async fn a_count_is_planned() {
        let mut emulator = fresh().await;
        emulator.services("main", 1);
        let aws = emulator.aws(&[HERE]);
        let more = planned(
            &aws,
            "update_ecs_service",
            json!({ "cluster": "main", "service": "svc-000", "desired_count": 5 }),
        )
        .await;
        assert_eq!(more.dry_run, DryRun::NotOffered);
        let (before, after) = change(&more, "desired count").unwrap();
        assert_eq!((before.as_str(), after.as_str()), ("2", "5"));
        assert!(more.command.starts_with("aws ecs update-service"), "{}", more.command);
        let none = planned(
            &aws,
            "update_ecs_service",
            json!({ "cluster": "main", "service": "svc-000", "desired_count": 0 }),
        )
        .await;
        assert!(Impact::of(&none).is_high(), "to nothing");
        assert_eq!(emulator.changes(), [""; 0]);
        let text = serde_json::to_string(&(more, none)).unwrap();
        assert!(!text.contains("hunter2"), "environment values are never returned");
    }

    #[tokio::test]
    async fn another_definition_is_planned() {
        let mut emulator = fresh().await;
        emulator.services("main", 1);
        emulator.definition("checkout-api:2");
        let aws = emulator.aws(&[HERE]);
        let args = json!({ "cluster": "main", "service": "svc-000", "task_definition": "checkout-api:2" });
        let next = planned(&aws, "update_ecs_service", args).await;
        let (before, after) = change(&next, "task definition").unwrap();
        assert!(before.contains("checkout-api:1") && after.contains("checkout-api:2"), "{before} -> {after}");
        let fault = plan(
            &aws,
            "update_ecs_service",
            json!({ "cluster": "main", "service": "svc-000", "task_definition": "checkout-api:99" }),
        )
        .await;
        assert!(fault.is_err(), "a revision that does not exist: {fault:?}");
    }

    /// moto has neither ListServiceDeployments nor Application Auto Scaling targets here; both are only facts.
    #[tokio::test]
    async fn what_cannot_be_found_out_is_said() {
        let mut emulator = fresh().await;
        emulator.services("main", 1);
        let aws = emulator.aws(&[HERE]);
        let restart = planned(
            &aws,
            "update_ecs_service",
            json!({ "cluster": "main", "service": "svc-000", "force_new_deployment": true }),
        )
        .await;
        assert!(restart.targets.len() == 1 && restart.targets[0].id.contains("svc-000"), "{restart:?}");
        // Of two revisions the earlier one may be gone back to, although nothing says that it ever worked.
        let back = json!({ "cluster": "main", "service": "svc-000", "roll_back": true });
        let fault = plan(&aws, "update_ecs_service", back.clone()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict, "there is nothing to go back to: {fault}");
        emulator.reset();
        emulator.definition("checkout-api:0");
        emulator.services("main", 1);
        let back = planned(&aws, "update_ecs_service", back).await;
        let (before, after) = change(&back, "task definition").unwrap();
        assert!(before.contains("checkout-api:2") && after.contains("checkout-api:1"), "{before} -> {after}");
        assert!(!back.unknown.is_empty() && Impact::of(&back).is_high(), "{back:?}");
        emulator.rules(
            json!([{ "service": "application-autoscaling", "code": "AccessDeniedException", "times": -1,
            "message": not_allowed("application-autoscaling:DescribeScalableTargets") }]),
        );
        let count = planned(
            &aws,
            "update_ecs_service",
            json!({ "cluster": "main", "service": "svc-000", "desired_count": 3 }),
        )
        .await;
        assert!(
            count.unknown.iter().any(|u| u.contains("application-autoscaling:DescribeScalableTargets")),
            "{:?}",
            count.unknown
        );
    }

    #[tokio::test]
    async fn unknown_names_are_answered_with_near_ones() {
        let mut emulator = fresh().await;
        emulator.services("checkout", 2);
        let aws = emulator.aws(&[HERE]);
        let wrong = [("chekout", "svc-000", "checkout"), ("checkout", "scv-000", "svc-000")];
        for (cluster, service, near) in wrong {
            let args = json!({ "cluster": cluster, "service": service, "desired_count": 3 });
            let fault = plan(&aws, "update_ecs_service", args.clone()).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Missing, "{args}: {fault}");
            assert!(fault.hint.as_deref().is_some_and(|h| h.contains(near)), "{args}: {fault:?}");
        }
        // Where names may not be listed it still says what is missing and where to look.
        emulator.rules(refusal("List.*", "AccessDeniedException", &not_allowed("ecs:ListServices"), -1));
        let args = json!({ "cluster": "checkout", "service": "scv-000", "desired_count": 3 });
        let fault = plan(&aws, "update_ecs_service", args).await.unwrap_err();
        assert!(fault.kind == FaultKind::Missing && fault.hint.is_some(), "{fault:?}");
    }
}

mod carried_out {
    use super::*;

    pub(super) async fn console(emulator: &Emulator) -> Console {
        let clock = StillClock::new();
        let aws = Aws::new(Settings { clock: clock.shared(), ..emulator.settings(&[HERE]) });
        let provider = Arc::new(Offline::embedded());
        Console::begin(Begin {
            aws,
            provider,
            model: "runbooks".into(),
            mode: Mode::Execute,
            can_ask: true,
            clock,
        })
        .await
    }

    /// A person's own call, approved.
    pub(super) async fn approved(console: &mut Console, tool: &str, args: Value) {
        console.send(Command::Call { tool: tool.into(), args, fresh: true }).await;
        console.dialog().await;
        console.approve().await;
        console.until("the outcome", |c| c.count(|f| matches!(f, Fact::WriteConcluded { .. })) == 1).await;
    }

    pub(super) fn effect(console: &Console) -> WriteEffect {
        console
            .facts()
            .find_map(|f| if let Fact::WriteConcluded { effect, .. } = f { Some(*effect) } else { None })
            .unwrap()
    }

    pub(super) fn fault(console: &Console) -> Option<FaultKind> {
        console.facts().find_map(|f| match f {
            Fact::ToolFinished { outcome: Outcome::Failed { fault }, .. } => Some(fault.kind),
            _ => None,
        })
    }

    pub(super) async fn verified(console: &mut Console) -> Option<bool> {
        console.until("the verification", |c| c.count(|f| matches!(f, Fact::Verified { .. })) == 1).await;
        console.facts().find_map(|f| if let Fact::Verified { reached, .. } = f { *reached } else { None })
    }

    #[tokio::test]
    async fn start_and_stop() {
        for (tool, operation) in [("stop_instances", "StopInstances"), ("start_instances", "StartInstances")]
        {
            let mut emulator = fresh().await;
            let ids = emulator.instances(HERE, 1, &DEV);
            if tool == "start_instances" {
                emulator.boto("ec2", HERE, "stop_instances", json!({ "InstanceIds": ids }));
            }
            let mut console = console(&emulator).await;
            approved(&mut console, tool, json!({ "ids": ids })).await;
            assert_eq!(effect(&console), WriteEffect::Done, "{}", console.story());
            assert_eq!(verified(&mut console).await, Some(true), "{}", console.story());
            console.end().await;
            assert_eq!(emulator.changes(), [operation]);
        }
    }

    #[tokio::test]
    async fn an_ecs_count() {
        let mut emulator = fresh().await;
        emulator.services("main", 1);
        let mut console = console(&emulator).await;
        approved(
            &mut console,
            "update_ecs_service",
            json!({ "cluster": "main", "service": "svc-000", "desired_count": 3 }),
        )
        .await;
        assert_eq!(effect(&console), WriteEffect::Done, "{}", console.story());
        let args = json!({ "cluster": "main", "services": ["svc-000"] });
        let service = emulator.boto("ecs", HERE, "describe_services", args);
        assert_eq!(service["services"][0]["desiredCount"], 3);
        console.end().await;
        assert_eq!(emulator.changes(), ["UpdateService"]);
    }

    #[tokio::test]
    async fn a_refused_write_is_sent_once_and_told_as_not_done() {
        for (code, status, kind) in [
            ("UnauthorizedOperation", 403, FaultKind::Denied),
            ("RequestLimitExceeded", 503, FaultKind::Throttled),
            ("IncorrectInstanceState", 400, FaultKind::Conflict),
        ] {
            let mut emulator = fresh().await;
            let ids = emulator.instances(HERE, 1, &DEV);
            let mut console = console(&emulator).await;
            emulator.rules(json!([{ "operation": "StopInstances", "dry_run": false, "code": code, "status": status, "times": -1 }]));
            approved(&mut console, "stop_instances", json!({ "ids": ids })).await;
            console.until("the result", |c| c.count(|f| matches!(f, Fact::ToolFinished { .. })) > 0).await;
            assert_eq!(
                (effect(&console), fault(&console)),
                (WriteEffect::NotDone, Some(kind)),
                "{}",
                console.story()
            );
            console.end().await;
            assert_eq!(emulator.changes(), ["StopInstances"], "{code}: one attempt, whatever the answer");
        }
    }

    /// AWS did it and the answer was lost: told as unknown, read back, never sent again.
    #[tokio::test]
    async fn a_lost_answer_is_read_back() {
        let mut emulator = fresh().await;
        let ids = emulator.instances(HERE, 1, &DEV);
        let mut console = console(&emulator).await;
        emulator.rules(json!([{ "operation": "StopInstances", "dry_run": false, "lost": true, "code": "InternalError", "status": 500, "times": -1 }]));
        approved(&mut console, "stop_instances", json!({ "ids": ids })).await;
        assert_eq!(effect(&console), WriteEffect::Unknown, "{}", console.story());
        assert_eq!(verified(&mut console).await, Some(true), "it was done all the same: {}", console.story());
        console.end().await;
        assert_eq!(emulator.changes(), ["StopInstances"]);
    }

    /// What was changed can be undone, through the same gate.
    #[tokio::test]
    async fn undo_asks_again() {
        let mut emulator = fresh().await;
        let ids = emulator.instances(HERE, 1, &DEV);
        let mut console = console(&emulator).await;
        approved(&mut console, "stop_instances", json!({ "ids": ids })).await;
        assert_eq!(verified(&mut console).await, Some(true));
        let call = console
            .facts()
            .find_map(|f| if let Fact::WriteIntended { call, .. } = f { Some(*call) } else { None });
        console.send(Command::Undo(call.unwrap())).await;
        console.dialog().await;
        assert_eq!(console.gate().unwrap().proposal().tool, "start_instances");
        assert_eq!(emulator.changes(), ["StopInstances"]);
        console.approve().await;
        console
            .until("the second outcome", |c| c.count(|f| matches!(f, Fact::WriteConcluded { .. })) == 2)
            .await;
        console.end().await;
        assert_eq!(emulator.changes(), ["StopInstances", "StartInstances"]);
    }
}
