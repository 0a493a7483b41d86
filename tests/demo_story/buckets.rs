//! A bucket ordered in plain words, from the sentence to what is read back, without a model: the real engine and screen, the
//! embedded account.

use crate::common::calls::{column, ok};
use crate::common::console::{Begin, Console, StillClock};
use crate::drills::account;
use quarterdeck_aws::clients::Aws;
use quarterdeck_core::journal::{Fact, RefusedBy, WriteEffect};
use quarterdeck_core::message::Block;
use quarterdeck_core::press::Key;
use quarterdeck_core::scope::Mode;
use quarterdeck_demo::{Demo, Drill, Fault, Trouble};
use quarterdeck_model::offline::Offline;
use serde_json::json;
use std::sync::Arc;

struct Stage {
    demo: Demo,
    aws: Aws,
    console: Console,
}

impl Stage {
    async fn new() -> Self {
        let clock = StillClock::new();
        let (demo, aws) = account(Drill::named("checkout-outage").unwrap(), &clock);
        let provider = Arc::new(Offline::embedded());
        let (model, mode) = ("runbooks".into(), Mode::Execute);
        let begin = Begin { aws: aws.clone(), provider, model, mode, can_ask: true, clock };
        Self { demo, aws, console: Console::begin(begin).await }
    }

    /// The answer to the last question.
    async fn answer(&mut self) -> String {
        self.console.turn_over().await;
        let said = |f: &Fact| match f {
            Fact::ModelResponded { blocks, .. } => Some(blocks.clone()),
            _ => None,
        };
        let blocks = self.console.facts().filter_map(said).last().unwrap();
        let Some(Block::Text { text }) = blocks.last() else { panic!("{blocks:?}") };
        text.clone()
    }

    async fn ask(&mut self, question: &str) -> String {
        self.console.ask(question).await;
        self.answer().await
    }

    fn created(&self) -> Vec<String> {
        let creates = self.demo.calls().into_iter().filter(|c| c.mutating);
        creates.map(|c| format!("{} {}", c.operation, c.region)).collect()
    }
}

#[tokio::test]
async fn what_is_not_said_is_asked_for_and_what_is_not_its_business_is_declined() {
    let mut stage = Stage::new().await;
    for (order, says) in [
        ("create a bucket", "What shall the bucket be called?"),
        ("create a bucket called harbor-invoices", "In which region?"),
        ("create a bucket called harbor-invoices in Europe", "`Europe` can be eu-central-1"),
        ("create a bucket called harbor-invoices in Atlantis", "no AWS region called `Atlantis`"),
        ("delete the bucket harbor-checkout-logs", "nothing in this console deletes"),
        ("write a poem about buckets", "I only help with the infrastructure"),
    ] {
        let answer = stage.ask(order).await;
        assert!(answer.contains(says), "{order}: {answer}");
        assert!(stage.console.gate().is_none(), "{order}");
    }
    assert_eq!(
        stage.console.count(|f| matches!(f, Fact::ToolCalled { .. })),
        0,
        "nothing was even looked up"
    );
    stage.console.end().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anyone_is_asked() {
    let mut stage = Stage::new().await;
    for (order, says) in [
        ("create a bucket called Harbor_Invoices in Frankfurt", "capital letters are not allowed"),
        ("create a bucket called 192.168.5.4 in Frankfurt", "form of an IP address"),
        ("create a bucket called xn--harbor in Frankfurt", "prefix that AWS keeps"),
        ("create a bucket called harbor-invoices in Mumbai", "ap-south-1"),
        (
            "create a bucket called harbor-checkout-logs in Frankfurt",
            "already has the bucket harbor-checkout-logs in eu-west-1",
        ),
        ("create a bucket called harbor-billing-reports in N. Virginia", "already has the bucket"),
        ("create a bucket called shop-assets in Ireland", "taken by another account"),
    ] {
        let answer = stage.ask(order).await;
        assert!(
            answer.contains("not known to have been created") && answer.contains(says),
            "{order}: {answer}"
        );
    }
    assert_eq!(stage.created(), [""; 0]);
    stage.console.end().await;
}

#[tokio::test]
async fn from_the_sentence_to_a_bucket_that_is_blocked() {
    let mut stage = Stage::new().await;
    stage.console.ask("Please create a bucket called harbor-invoices in Frankfurt").await;
    stage.console.dialog().await;
    let shown = stage.console.draw().await;
    for words in [
        "Create the bucket harbor-invoices in eu-central-1",
        "region from the request",
        "eu-central-1 (Frankfurt)",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let plan = stage.console.gate().unwrap().proposal();
    assert_eq!(plan.targets[0].context[0], ("region from".to_owned(), "the request".to_owned()));
    assert!(
        plan.command.ends_with("--create-bucket-configuration LocationConstraint=eu-central-1"),
        "{}",
        plan.command
    );
    // A person says no: nothing happens, and the answer says so.
    stage.console.key(Key::Esc).await;
    let answer = stage.answer().await;
    assert!(answer.contains("not known to have been created"), "{answer}");
    assert_eq!((stage.console.refusals(), stage.created()), (vec![RefusedBy::Operator], Vec::new()));
    // And then yes.
    stage.console.ask("create bucket harbor-invoices in eu-central-1").await;
    stage.console.dialog().await;
    stage.console.approve().await;
    stage.console.until("the verification", |c| c.count(|f| matches!(f, Fact::Verified { .. })) == 1).await;
    let reached = stage
        .console
        .facts()
        .find_map(|f| if let Fact::Verified { reached, .. } = f { Some(*reached) } else { None });
    assert_eq!(reached, Some(Some(true)), "{}", stage.console.story());
    let done = |f: &Fact| matches!(f, Fact::WriteConcluded { effect: WriteEffect::Done, .. });
    assert_eq!(stage.console.count(done), 1, "{}", stage.console.story());
    let answer = stage.answer().await;
    assert!(answer.contains("Created the bucket harbor-invoices in eu-central-1"), "{answer}");
    assert_eq!(stage.created(), ["CreateBucket eu-central-1"]);
    let audit = ok(&stage.aws, "audit_s3_buckets", json!({ "bucket": "harbor-invoices" })).await;
    assert_eq!(
        (column(&audit, "public"), column(&audit, "blocked")),
        (vec!["no".into()], vec!["all".into()])
    );
    let again = stage.ask("create bucket harbor-invoices in eu-central-1").await;
    assert!(again.contains("already has the bucket harbor-invoices"), "{again}");
    stage.console.end().await;
}

/// The answer is lost after the bucket was made: told as unknown, read back, not repeated.
#[tokio::test]
async fn a_lost_answer_is_read_back() {
    let mut stage = Stage::new().await;
    stage.demo.faults().inject(Fault::new(Trouble::LoseAnswer).operation("CreateBucket"));
    stage.console.ask("create bucket harbor-invoices in eu-west-1").await;
    stage.console.dialog().await;
    stage.console.approve().await;
    stage.console.until("the verification", |c| c.count(|f| matches!(f, Fact::Verified { .. })) == 1).await;
    let unknown = |f: &Fact| matches!(f, Fact::WriteConcluded { effect: WriteEffect::Unknown, .. });
    assert_eq!(stage.console.count(unknown), 1, "{}", stage.console.story());
    let reached = |f: &Fact| matches!(f, Fact::Verified { reached: Some(true), .. });
    assert_eq!(stage.console.count(reached), 1, "{}", stage.console.story());
    assert_eq!(stage.created(), ["CreateBucket eu-west-1"]);
    stage.console.end().await;
}

#[tokio::test]
async fn the_accounts_buckets_by_every_tool() {
    let stage = Stage::new().await;
    let aws = &stage.aws;
    let all = ok(aws, "list_s3_buckets", json!({})).await;
    assert_eq!(all.rows.len(), 6, "{}", all.summary);
    let audit = ok(aws, "audit_s3_buckets", json!({})).await;
    assert_eq!(column(&audit, "bucket")[..1], ["harbor-storefront-assets"], "the open one first");
    assert_eq!((column(&audit, "public")[0].as_str(), audit.errors.len()), ("yes", 0), "{:?}", audit.errors);
    let row = audit
        .rows
        .iter()
        .find(|r| audit.cell(r, "bucket").unwrap().plain() == "harbor-partner-dropbox")
        .unwrap();
    assert!(audit.cell(row, "why").unwrap().plain().contains("IgnorePublicAcls sets aside"), "{row:?}");
    let logs = ok(aws, "list_s3_objects", json!({ "bucket": "harbor-checkout-logs", "limit": 1100 })).await;
    assert_eq!((logs.rows.len(), logs.next.is_some()), (1100, true));
    let folders =
        ok(aws, "list_s3_objects", json!({ "bucket": "harbor-backups-frankfurt", "delimiter": "/" })).await;
    assert_eq!(column(&folders, "key"), ["rds/"]);
    let found = ok(aws, "search_s3_objects", json!({ "search_name": "invoice-summary.pdf" })).await;
    assert_eq!(column(&found, "key"), ["monthly/2026-10/Invoice-Summary.PDF"]);
    let none = ok(aws, "search_s3_objects", json!({ "search_name": "payroll.xlsx" })).await;
    assert!(none.summary.starts_with("No object named"), "{}", none.summary);
    stage.console.end().await;
}
