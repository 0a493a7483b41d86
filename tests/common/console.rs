//! The whole console in one process: the real engine, the real screen, a person who presses keys.
//!
//! Time stands still unless the person waits, so that what a key may do never depends on how slow the machine is.

use quarterdeck::engine::store::{Database, Writer};
use quarterdeck::engine::{Clock, Engine, Front, Parts};
use quarterdeck::fronts::screen::theme::{Depth, Theme};
use quarterdeck::fronts::screen::view::{Cache, view};
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::registry;
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{Gate, Readiness};
use quarterdeck_core::command::Command;
use quarterdeck_core::event::Event;
use quarterdeck_core::journal::{Fact, RefusedBy};
use quarterdeck_core::models::Models;
use quarterdeck_core::press::{Key, Press};
use quarterdeck_core::scope::{Mode, Scope};
use quarterdeck_core::screen::{Msg, Screen, Shown};
use quarterdeck_core::session::{FrontCaps, Session, Setup};
use quarterdeck_core::settings::Settings;
use quarterdeck_core::tool::Catalogue;
use quarterdeck_model::Provider;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Nothing in a test takes this long unless it never comes.
const PATIENCE: Duration = Duration::from_secs(90);

/// The clock of a console under test: begins now, moves only when told.
#[derive(Clone)]
pub struct StillClock(Arc<AtomicI64>);

impl StillClock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(quarterdeck::engine::clock::system()().millis())))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    pub fn wait(&self, ms: u64) {
        self.0.fetch_add(i64::try_from(ms).unwrap(), Ordering::SeqCst);
    }

    pub fn shared(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

/// A console whose keys, clock and drawings a test holds in its hands.
pub struct Console {
    pub screen: Screen,
    pub clock: StillClock,
    pub commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Event>,
    engine: Engine,
    theme: Theme,
    cache: Cache,
    size: (u16, u16),
    _folder: TempDir,
}

/// What a console is begun with.
pub struct Begin {
    pub aws: Aws,
    pub provider: Arc<dyn Provider>,
    pub model: String,
    pub mode: Mode,
    pub can_ask: bool,
    pub clock: StillClock,
}

/// An engine that runs, and its one front.
pub struct Running {
    pub engine: Engine,
    pub front: Front,
    pub catalogue: Arc<Catalogue>,
    pub clock: StillClock,
    folder: TempDir,
}

impl Begin {
    /// Starts the engine, its journal in a folder of its own.
    pub async fn engine(self) -> Running {
        let Self { aws, provider, model, mode, can_ask, clock } = self;
        let folder = tempfile::tempdir().unwrap();
        let (place, now) = (folder.path().join("state"), clock.now());
        let store = Writer::start("s1".into(), move || {
            let mut database = Database::open(&place)?;
            database.begin("s1", now, false)?;
            Ok(database)
        })
        .unwrap();
        let catalogue = Arc::new(registry::catalogue());
        let identity = aws.identity().await.unwrap();
        let regions = aws.settings().regions.clone();
        let setup = Setup {
            session: "s1".into(),
            version: "0".into(),
            operator: "sam".into(),
            catalogue: Arc::clone(&catalogue),
            scope: Scope { regions, identity: Some(identity), ..Scope::default() },
            mode,
            settings: Settings {
                provider: provider.name().to_owned(),
                model,
                iterations: 20,
                max_tokens: 4_000,
                ..Settings::default()
            },
            models: Arc::new(Models::embedded().clone()),
            system: quarterdeck_model::system_prompt().into(),
            redact_key: [7; 16],
        };
        let session = Session::new(setup, now);
        let mut engine =
            Engine::start(Parts { session, store, durable: 0, aws, provider, clock: clock.shared() });
        let front = engine.connect(FrontCaps { can_ask }).await;
        Running { engine, front, catalogue, clock, folder }
    }
}

impl Console {
    pub async fn begin(begin: Begin) -> Self {
        let Running { engine, front, catalogue, clock, folder } = begin.engine().await;
        let size = (120, 40);
        Self {
            screen: Screen::new(catalogue, size, clock.now()),
            clock,
            commands: front.commands,
            events: front.events,
            engine,
            theme: Theme::named("dark", Depth::True, false).unwrap(),
            cache: Cache::default(),
            size,
            _folder: folder,
        }
    }

    pub async fn send(&mut self, command: Command) {
        self.commands.send(command).await.unwrap();
    }

    async fn tell(&mut self, msg: Msg) {
        for command in self.screen.update(msg, self.clock.now()) {
            self.send(command).await;
        }
    }

    /// Takes in what the engine says until `wanted` holds.
    pub async fn until(&mut self, what: &str, wanted: impl Fn(&Self) -> bool) {
        while !wanted(self) {
            match tokio::time::timeout(PATIENCE, self.events.recv()).await {
                Ok(Some(event)) => self.tell(Msg::Event(event)).await,
                Ok(None) => panic!("the engine ended before {what}\n{}", self.story()),
                Err(_) => panic!("waited in vain for {what}\n{}", self.story()),
            }
        }
    }

    /// Takes in what is there and what comes within `real` milliseconds.
    pub async fn linger(&mut self, real: u64) {
        let end = tokio::time::Instant::now() + Duration::from_millis(real);
        while let Ok(Some(event)) = tokio::time::timeout_at(end, self.events.recv()).await {
            self.tell(Msg::Event(event)).await;
        }
    }

    /// Asks as a person does: types and presses Enter.
    pub async fn ask(&mut self, question: &str) {
        self.typed(question).await;
        let before = self.count(|f| matches!(f, Fact::Question { .. }));
        self.key(Key::Enter).await;
        self.until("the question", |c| c.count(|f| matches!(f, Fact::Question { .. })) > before).await;
    }

    pub async fn turn_over(&mut self) {
        let over = |c: &Self| {
            let began = c.count(|f| matches!(f, Fact::Question { .. }));
            began > 0 && c.count(|f| matches!(f, Fact::TurnEnded { .. })) == began
        };
        self.until("the end of the turn", over).await;
    }

    pub async fn dialog(&mut self) {
        self.until("a dialog", |c| c.gate().is_some()).await;
        self.draw().await;
    }

    pub fn gate(&self) -> Option<&Gate> {
        self.screen.dialog.as_ref()?.gate.as_ref()
    }

    pub fn ready(&self) -> Option<Readiness> {
        self.gate().map(|g| g.ready(self.clock.now()))
    }

    pub fn wait(&mut self, ms: u64) {
        self.clock.wait(ms);
    }

    pub async fn key(&mut self, key: Key) {
        self.tell(Msg::Key(Press::new(key, false, false))).await;
    }

    pub async fn typed(&mut self, text: &str) {
        for c in text.chars() {
            self.key(Key::Char(c)).await;
        }
    }

    pub async fn paste(&mut self, text: &str) {
        self.tell(Msg::Paste(text.into())).await;
    }

    /// Draws as the loop does: what was shown is told, and the first drawing of a dialog is drawn again.
    pub async fn draw(&mut self) -> String {
        self.tell(Msg::Tick).await;
        let mut drawn = String::new();
        for _ in 0..2 {
            let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
            let mut shown = Shown::default();
            terminal.draw(|frame| shown = view(&self.screen, &self.theme, &mut self.cache, frame)).unwrap();
            drawn = super::stage::text(terminal.backend().buffer());
            self.tell(Msg::Drawn(shown)).await;
        }
        drawn
    }

    /// Approves as a person does: looks at every target, waits, types the code when there is one, presses `A`.
    pub async fn approve(&mut self) {
        for _ in 0..200 {
            self.draw().await;
            match self.ready().expect("a dialog is open") {
                Readiness::NoRoom => panic!("the dialog has no room"),
                Readiness::Unseen(_) => self.key(Key::Down).await,
                Readiness::Waiting(ms) => self.wait(ms),
                Readiness::Code => {
                    let gate = self.gate().unwrap();
                    let code = format!("{}{}", gate.code().unwrap(), gate.proposal().targets.len());
                    self.typed(&code).await;
                }
                Readiness::Armed => return self.key(Key::Char('A')).await,
            }
        }
        panic!("the dialog never opened for an approval: {:?}", self.ready());
    }

    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.screen.ledger.entries.iter().map(|e| &e.fact)
    }

    pub fn count(&self, pass: impl Fn(&Fact) -> bool) -> usize {
        self.facts().filter(|f| pass(f)).count()
    }

    /// Who or what refused, in order.
    pub fn refusals(&self) -> Vec<RefusedBy> {
        self.facts().filter_map(|f| if let Fact::Refused { by, .. } = f { Some(*by) } else { None }).collect()
    }

    pub fn intents(&self) -> usize {
        self.count(|f| matches!(f, Fact::WriteIntended { .. }))
    }

    /// The journal, for a failing test.
    pub fn story(&self) -> String {
        let line = |f: &Fact| {
            let text = serde_json::to_value(f).as_ref().map(Value::to_string).unwrap_or_default();
            text.chars().take(600).collect::<String>()
        };
        self.facts().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Ends it; nothing of it runs afterwards.
    pub async fn end(mut self) {
        let _ = self.commands.send(Command::Quit).await;
        self.events.close();
        drop(self.commands);
        tokio::time::timeout(PATIENCE, self.engine.ended()).await.expect("the engine ends");
    }
}
