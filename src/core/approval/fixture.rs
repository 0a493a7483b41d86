//! Proposals for tests.

use super::{Change, DryRun, Proposal, Reversible, Target};
use crate::Timestamp;
use crate::scope::Identity;
use serde_json::json;

/// One difference made to a proposal.
pub(crate) type Edit = fn(&mut Proposal);

/// A proposal of normal impact: one stoppable instance in a development account.
pub(crate) fn calm() -> Proposal {
    Proposal {
        tool: "stop_instances".into(),
        args: json!({"ids": ["i-1"], "hibernate": false}),
        title: "Stop 1 instance in eu-west-1".into(),
        identity: Identity {
            account: "123456789012".into(),
            alias: Some("acme".into()),
            arn: "arn:aws:sts::123456789012:assumed-role/ops/me".into(),
            role: "ops".into(),
            key_tail: Some("WXYZ".into()),
            expires: None,
        },
        region: "eu-west-1".into(),
        targets: vec![target("i-1")],
        warnings: Vec::new(),
        dry_run: DryRun::Permitted,
        actions: vec!["ec2:StopInstances".into()],
        command: "aws ec2 stop-instances --instance-ids i-1".into(),
        reversible: Reversible::Yes("start_instances".into()),
        unknown: Vec::new(),
        undo: json!(null),
        as_of: Timestamp::from_millis(0),
    }
}

/// A running development instance.
pub(crate) fn target(id: &str) -> Target {
    Target {
        arn: format!("arn:aws:ec2:eu-west-1:123456789012:instance/{id}"),
        id: id.into(),
        name: Some(format!("web-{id}")),
        tags: [("env".to_owned(), "dev".to_owned())].into(),
        state: "running".into(),
        changes: vec![Change { field: "state".into(), before: "running".into(), after: "stopped".into() }],
        context: vec![("connections".into(), "12".into())],
    }
}
