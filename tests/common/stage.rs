//! A session and a screen wired together without an engine: what the session does becomes what the screen shows.

use quarterdeck::fronts::screen::theme::{Depth, Theme};
use quarterdeck::fronts::screen::view::{Cache, view};
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{
    Challenge, Change, DryRun, Proposal, Reversible, Target, Warning, WarningLevel,
};
use quarterdeck_core::command::Command;
use quarterdeck_core::event::{Event, Live, Progress};
use quarterdeck_core::id::{CallId, FrontId, TurnId};
use quarterdeck_core::journal::CallStats;
use quarterdeck_core::message::{self, Block, ModelEvent, Stop, Usage};
use quarterdeck_core::models::Models;
use quarterdeck_core::press::{Key, Press};
use quarterdeck_core::scope::{Identity, Mode, Scope};
use quarterdeck_core::screen::{Msg, Screen, Shown};
use quarterdeck_core::session::{Effect, FrontCaps, Input, Session, Setup, Trial};
use quarterdeck_core::settings::Settings;
use quarterdeck_core::tool::{
    Catalogue, Cell, ColumnKind, Fault, Op, Partial, Projection, RegionRule, Risk, Row, Series, Spec, Tool,
};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub const FRONT: FrontId = FrontId(1);

/// 2026-11-20T12:01:03Z.
pub const NOON: Timestamp = Timestamp::from_millis(1_795_176_063_000);

const READS: &[Op] = &[Op::new("ECS", "DescribeServices", &["ecs:DescribeServices"])];

const fn spec(name: &'static str) -> Spec {
    Spec {
        name,
        description: "Lists things. Use it for things.",
        reads: READS,
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    }
}

static SPECS: [Spec; 4] = [
    spec("list_ecs_services"),
    spec("get_recent_changes"),
    spec("get_cloudwatch_logs"),
    spec("stop_ec2_instances"),
];

/// A model with a price, and one with hardly any room.
pub fn models() -> Arc<Models> {
    let model = |id: &str, window: u32| {
        format!(
            "[[model]]\nid = \"{id}\"\nprovider = \"anthropic\"\nname = \"{id}\"\nwindow = {window}\n\
             max_output = 4000\n\
             price = {{ input = 2.0, output = 10.0, cache_read = 0.2, cache_write = 2.5 }}\n"
        )
    };
    let text = model("claude-x", 200_000) + &model("claude-s", 1_150);
    Arc::new(Models::embedded().clone().extended(&text).unwrap())
}

pub fn catalogue() -> Arc<Catalogue> {
    let tool = |spec: &'static Spec| Tool {
        spec,
        risk: if spec.name.starts_with("stop") { Risk::Write } else { Risk::Read },
        schema: json!({"type": "object", "properties": {"cluster": {"type": "string", "description": "Only this one."}}}),
        validate: |args: &Value| Ok(args.clone()),
        verify: None,
        inverse: None,
        only_undoes: |_| false,
    };
    Arc::new(Catalogue::new(SPECS.iter().map(tool)))
}

pub fn scope() -> Scope {
    Scope {
        profile: None,
        regions: vec!["eu-west-1".into(), "eu-central-1".into()],
        identity: Some(Identity {
            account: "123456789012".into(),
            alias: Some("acme-prod-eu".into()),
            arn: "arn:aws:sts::123456789012:assumed-role/OnCallReadOnly/sam".into(),
            role: "OnCallReadOnly".into(),
            key_tail: None,
            expires: Some(NOON.plus(Duration::from_secs(47 * 60 + 30))),
        }),
        demo: None,
    }
}

pub struct Stage {
    pub session: Session,
    pub screen: Screen,
    pub theme: Theme,
    pub cache: Cache,
    pub now: Timestamp,
    pub size: (u16, u16),
    /// Calls the session wants run or planned, in order.
    pub calls: Vec<CallId>,
    /// The evaluation the session wants made.
    pub trial: Option<Trial>,
    turn: TurnId,
    iteration: u32,
}

impl Stage {
    pub fn new(columns: u16, rows: u16) -> Self {
        Self::with(columns, rows, scope())
    }

    pub fn with(columns: u16, rows: u16, scope: Scope) -> Self {
        let setup = Setup {
            session: "s1".into(),
            version: "0.1.0".into(),
            operator: "sam".into(),
            catalogue: catalogue(),
            scope,
            mode: Mode::Execute,
            settings: Settings {
                provider: "anthropic".into(),
                model: "claude-x".into(),
                iterations: 20,
                max_tokens: 4_000,
                ..Settings::default()
            },
            models: models(),
            system: "You help.".into(),
            redact_key: [7; 16],
        };
        let (session, effects) = Session::new(setup, NOON);
        let mut stage = Self {
            session,
            screen: Screen::new(catalogue(), (columns, rows), NOON),
            theme: Theme::named("dark", Depth::True, false).unwrap(),
            cache: Cache::default(),
            now: NOON,
            size: (columns, rows),
            calls: Vec::new(),
            trial: None,
            turn: TurnId(0),
            iteration: 0,
        };
        stage.screen.models = models();
        stage.perform(effects);
        stage.step(Input::FrontJoined(FRONT, FrontCaps { can_ask: true }));
        stage
    }

    pub fn wait(&mut self, ms: u64) -> &mut Self {
        self.now = self.now.plus(Duration::from_millis(ms));
        self
    }

    pub fn step(&mut self, input: Input) -> &mut Self {
        let effects = self.session.step(input, self.now);
        self.perform(effects);
        self
    }

    pub fn tell(&mut self, msg: Msg) -> &mut Self {
        for command in self.screen.update(msg, self.now) {
            self.step(Input::Command(FRONT, command));
        }
        self
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Append(entry, _) => {
                    self.tell(Msg::Event(Event::Appended(entry)));
                }
                Effect::AskModel(request) => (self.turn, self.iteration) = (request.turn, request.iteration),
                Effect::Read(read) => self.calls.push(read.call),
                Effect::Plan(call, _) => self.calls.push(call),
                Effect::Ask(_, gate) => {
                    self.tell(Msg::Event(Event::Ask(gate)));
                }
                Effect::AskSpending(_, spending) => {
                    self.tell(Msg::Event(Event::Spend(spending)));
                }
                Effect::Show(live) => {
                    self.tell(Msg::Event(Event::Live(live)));
                }
                Effect::Tell(_, text) => {
                    self.tell(Msg::Event(Event::Notice(text)));
                }
                Effect::Evaluate(trial) => self.trial = Some(*trial),
                Effect::Replan(_)
                | Effect::Commit { .. }
                | Effect::CancelModel(_)
                | Effect::CancelCall(_)
                | Effect::AskToStop(_)
                | Effect::WakeAt(..)
                | Effect::CancelEvaluation
                | Effect::Finish => {}
                Effect::CountTokens(request) => {
                    let tokens = quarterdeck_core::tokens::estimate(&request);
                    self.step(Input::Counted(request.turn, request.iteration, tokens));
                }
            }
        }
    }

    pub fn ask(&mut self, question: &str) -> &mut Self {
        self.step(Input::Command(FRONT, Command::Ask(question.into())))
    }

    pub fn send(&mut self, command: Command) -> &mut Self {
        self.step(Input::Command(FRONT, command))
    }

    pub fn model(&mut self, event: ModelEvent) -> &mut Self {
        let (turn, iteration) = (self.turn, self.iteration);
        self.step(Input::Model(turn, iteration, Ok(event)))
    }

    /// The model says `text` and calls `tools`.
    pub fn says(&mut self, text: &str, tools: &[(&str, Value)]) -> &mut Self {
        if !text.is_empty() {
            self.model(ModelEvent::BlockDone(Block::Text { text: text.into() }));
        }
        for (i, (name, args)) in tools.iter().enumerate() {
            self.model(ModelEvent::BlockDone(Block::ToolCall {
                id: format!("toolu_{}_{i}", self.iteration),
                name: (*name).into(),
                input: message::Input::Json(args.clone()),
            }));
        }
        self.model(ModelEvent::Usage(Usage { input: 1_800, output: 300, cache_read: 0, cache_write: 0 }));
        self.model(ModelEvent::Done(if tools.is_empty() { Stop::EndTurn } else { Stop::ToolUse }))
    }

    pub fn read(&mut self, nth: usize, result: Result<Projection, Fault>) -> &mut Self {
        let call = self.calls[nth];
        self.step(Input::Read(call, result.map(|p| (p, CallStats { requests: 3, retries: 0 }))))
    }

    pub fn progress(&mut self, nth: usize, done: u64, total: u64) -> &mut Self {
        let call = self.calls[nth];
        let progress = Progress { done, total: Some(total), unit: "regions", rows: 120, partial: None };
        self.tell(Msg::Event(Event::Live(Live::Progress(call, progress))))
    }

    pub fn planned(&mut self, nth: usize, proposal: Proposal) -> &mut Self {
        let call = self.calls[nth];
        self.step(Input::Planned(call, Ok(proposal), Challenge { code: "KTRW".into() }))
    }

    pub fn key(&mut self, key: Key) -> &mut Self {
        self.tell(Msg::Key(Press::new(key, false, false)))
    }

    pub fn typed(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.key(Key::Char(c));
        }
        self
    }

    /// Draws once without telling the screen.
    pub fn frame(&mut self) -> (Buffer, Shown) {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        let mut shown = Shown::default();
        terminal.draw(|frame| shown = view(&self.screen, &self.theme, &mut self.cache, frame)).unwrap();
        (terminal.backend().buffer().clone(), shown)
    }

    /// Draws as the loop does: what was shown is told, and the first drawing of a dialog is drawn again.
    pub fn draw(&mut self) -> Buffer {
        self.tell(Msg::Tick);
        for _ in 0..2 {
            let (_, shown) = self.frame();
            self.tell(Msg::Drawn(shown));
        }
        self.frame().0
    }

    /// What is on the screen, as text.
    pub fn text(&mut self) -> String {
        text(&self.draw())
    }
}

/// The cells as lines, blanks at the end left out.
pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut row = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            if skip > 0 {
                skip -= 1;
                continue;
            }
            row.push_str(symbol);
            skip = quarterdeck_core::text::width(symbol).saturating_sub(1);
        }
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

fn row(urgency: u8, cells: Vec<Cell>) -> Row {
    Row { urgency, cells }
}

/// Three services, one of them failing, one region denied.
pub fn services() -> Projection {
    let at = |minutes: u64| Cell::Time(NOON.minus(Duration::from_secs(minutes * 60)));
    let mut p = Projection::new("1 of 3 services is below its desired count", NOON)
        .columns(&[
            ("service", ColumnKind::Id),
            ("cluster", ColumnKind::Id),
            ("desired", ColumnKind::Count),
            ("running", ColumnKind::Count),
            ("rollout", ColumnKind::State),
            ("deployed", ColumnKind::Time),
        ])
        .rows(vec![
            row(3, vec!["checkout-api".into(), "main".into(), 8.into(), 2.into(), "FAILED".into(), at(9)]),
            row(
                0,
                vec![
                    "cart-worker".into(),
                    "main".into(),
                    4.into(),
                    4.into(),
                    "COMPLETED".into(),
                    at(60 * 26),
                ],
            ),
            row(0, vec!["search".into(), "batch".into(), 0.into(), 0.into(), Cell::Absent, at(60 * 24 * 40)]),
        ])
        .counted("rollout");
    p.errors.push(Partial {
        account: None,
        place: "eu-central-1".into(),
        fault: Fault::new(quarterdeck_core::tool::FaultKind::Denied, "not authorized")
            .action("ecs:ListClusters"),
    });
    p.notes.push("Services of type EXTERNAL are not listed.".into());
    let point = |i: i64, v: f64| (NOON.minus(Duration::from_secs(60 * u64::try_from(20 - i).unwrap())), v);
    let values = [0.0, 0.0, 1.0, 0.0, 2.0, 12.0, 180.0, 390.0, 412.0, 388.0];
    p.series.push(Series {
        name: "errors/min".into(),
        points: values.iter().enumerate().map(|(i, v)| point(i64::try_from(i).unwrap(), *v)).collect(),
    });
    p
}

/// One instance of a development account: nothing that needs a code.
pub fn calm() -> Proposal {
    Proposal {
        tool: "stop_ec2_instances".into(),
        args: json!({"ids": ["i-0abc1234567890def"]}),
        title: "Stop 1 instance in eu-west-1".into(),
        identity: Identity {
            account: "123456789012".into(),
            alias: Some("acme-dev".into()),
            arn: "arn:aws:sts::123456789012:assumed-role/OnCallAdmin/sam".into(),
            role: "OnCallAdmin".into(),
            key_tail: None,
            expires: None,
        },
        region: "eu-west-1".into(),
        targets: vec![target("i-0abc1234567890def", "build-runner", "dev")],
        warnings: vec![Warning {
            code: "public_ip_lost".into(),
            level: WarningLevel::Info,
            text: "Its public address 192.0.2.7 is released.".into(),
            evidence: Some("DescribeInstances: no Elastic IP is associated".into()),
        }],
        dry_run: DryRun::Permitted,
        actions: vec!["ec2:StopInstances".into()],
        command: "aws ec2 stop-instances --region eu-west-1 --instance-ids i-0abc1234567890def".into(),
        reversible: Reversible::Yes("start_ec2_instances starts it again".into()),
        unknown: Vec::new(),
        undo: Value::Null,
        as_of: NOON,
    }
}

/// Two production instances, one of which is replaced by its group.
pub fn grave() -> Proposal {
    Proposal {
        title: "Stop 2 instances in eu-west-1".into(),
        identity: Identity { alias: Some("acme-prod-eu".into()), ..calm().identity },
        targets: vec![
            target("i-0abc1234567890def", "web-1", "prod"),
            target("i-0def4567890abc123", "web-2", "prod"),
        ],
        warnings: vec![
            Warning {
                code: "asg_replaces".into(),
                level: WarningLevel::Critical,
                text: "The group web-asg will terminate web-1 and launch another instance.".into(),
                evidence: Some("DescribeAutoScalingInstances: InService, not protected".into()),
            },
            Warning {
                code: "instance_store_lost".into(),
                level: WarningLevel::Caution,
                text: "Data on the instance store of web-2 is lost.".into(),
                evidence: None,
            },
        ],
        dry_run: DryRun::NotOffered,
        reversible: Reversible::Partly("the instance store".into()),
        unknown: vec![
            "target groups of web-2: denied (needs elasticloadbalancing:DescribeTargetHealth)".into(),
        ],
        ..calm()
    }
}

pub fn target(id: &str, name: &str, env: &str) -> Target {
    Target {
        arn: format!("arn:aws:ec2:eu-west-1:123456789012:instance/{id}"),
        id: id.into(),
        name: Some(name.into()),
        tags: [("env".to_owned(), env.to_owned())].into(),
        state: "running".into(),
        changes: vec![Change { field: "state".into(), before: "running".into(), after: "stopped".into() }],
        context: vec![("cpu".into(), "3 %".into()), ("connections".into(), "12".into())],
    }
}
