//! Steps as Markdown and as commands.

use super::*;

fn markdown(book: &Book, no: u32) -> String {
    step_markdown(&book.timeline, &book.entries, StepNo(no))
}

#[test]
fn a_call_as_markdown() {
    let mut book = Book::of([ran(1, "list_ec2_instances")]);
    let mut projection = Projection::new("1 instance", Timestamp::from_millis(0))
        .columns(&[("id", ColumnKind::Id), ("name", ColumnKind::Text)])
        .rows(vec![Row { urgency: 0, cells: vec!["i-1".into(), Cell::Text("a|b\n`x`\u{202e}".into())] }]);
    let fault = Fault::new(FaultKind::Denied, "no").action("ec2:DescribeInstances");
    projection.errors.push(crate::tool::Partial { account: None, place: "us-east-1".into(), fault });
    projection.notes.push("searched eu-west-1".into());
    book.add(ok(1, projection));
    let text = markdown(&book, 1);
    assert!(text.starts_with("### #1 list_ec2_instances\n"), "{text}");
    assert!(text.contains("began 2026-"), "{text}");
    assert!(text.contains("asked for by: the operator"), "{text}");
    assert!(text.contains("| id | name |\n| --- | --- |\n| i-1 | a\\|b"), "{text}");
    assert!(!text.contains('\u{202e}'), "{text}");
    assert!(text.contains("missing, us-east-1: denied: no (needs ec2:DescribeInstances)"), "{text}");
    assert!(text.contains("note: searched eu-west-1"), "{text}");
    assert_eq!(markdown(&book, 9), "");
}

#[test]
fn an_answer_as_markdown_has_its_thinking_apart() {
    let reasoning = |raw| Block::Reasoning { provider: "p".into(), model: "m".into(), raw };
    let blocks = vec![
        reasoning(json!({"thinking": "The deploy?\n\n**Yes**\u{202e}", "signature": "s"})),
        reasoning(json!({"type": "redacted_thinking", "data": "d"})),
        Block::Text { text: "It was the deploy [#4].".into() },
    ];
    let (turn, iteration) = (TurnId(1), 1);
    let (stop, usage) = (Stop::EndTurn, Usage::default());
    let book = Book::of([question("q"), Fact::ModelResponded { turn, iteration, blocks, stop, usage }]);
    let text = markdown(&book, 2);
    let quote = "> **Thinking**\n>\n> The deploy?\n>\n> **Yes**⟨U+202E⟩\n\n> **Thinking**\n>\n> (reasoning is encrypted)\n\nIt was the deploy [#4].\n";
    assert!(text.ends_with(quote), "{text}");
}

#[test]
fn a_long_table_is_cut_and_says_so() {
    let rows = (0..1000).map(|n| Row { urgency: 0, cells: vec![Cell::Int(n)] }).collect();
    let projection =
        Projection::new("many", Timestamp::from_millis(0)).columns(&[("n", ColumnKind::Count)]).rows(rows);
    let book = Book::of([ran(1, "t"), ok(1, projection)]);
    let text = markdown(&book, 1);
    assert_eq!(text.lines().filter(|l| l.starts_with("| ")).count(), 202);
    assert!(text.contains("200 of 1000 rows are shown"));
}

#[test]
fn an_approval_as_markdown() {
    let mut book = Book::of([ran(1, "stop_instances"), asked(1, 9)]);
    book.add(Fact::Refused {
        call: CallId(1),
        approval: Some(ApprovalId(9)),
        by: RefusedBy::Operator,
        note: Some("not now".into()),
    });
    let text = markdown(&book, 2);
    for told in [
        "**Stop 1 instance in eu-west-1**",
        "account: 123456789012 (acme), eu-west-1",
        "state: running → stopped",
        "dry run: permitted",
        "reversible: yes: start_instances",
        "```sh\naws ec2 stop-instances --instance-ids i-1\n```",
        "the model says (unverified): it is \\*idle\\*",
        "answer: refused by the operator: not now",
        "digest: ",
    ] {
        assert!(text.contains(told), "{told} in {text}");
    }
}

#[test]
fn a_fence_cannot_be_closed_from_inside() {
    let book = Book::of([question("```\n# forged\n````")]);
    let text = markdown(&book, 1);
    assert!(text.contains("`````\n```\n# forged\n````\n`````"), "{text}");
}

#[test]
fn a_step_as_a_command() {
    let command = |book: &Book, no| step_command(&book.timeline, &book.entries, StepNo(no));
    let mut book = Book::of([question("q"), called(1, 1, "list_ec2_instances")]);
    assert_eq!(command(&book, 1), None);
    assert_eq!(
        command(&book, 2).as_deref(),
        Some(r"quarterdeck tool list_ec2_instances --ids=i-1 --ids='it'\''s' --name='web-*'")
    );
    book.add(ran(2, "stop_instances"));
    book.add(asked(2, 1));
    let aws = "aws ec2 stop-instances --instance-ids i-1";
    assert_eq!(command(&book, 3).as_deref(), Some(aws), "the call");
    assert_eq!(command(&book, 4).as_deref(), Some(aws), "its approval");
}
