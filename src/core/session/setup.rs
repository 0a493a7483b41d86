//! How a session begins.

use super::{Effect, Session};
use crate::Timestamp;
use crate::journal::{Chain, Fact, Meter, Timeline, Transcript};
use crate::message::ToolDef;
use crate::models::Models;
use crate::scope::{Mode, Scope};
use crate::settings::Settings;
use crate::text::Redactor;
use crate::tokens::Size;
use crate::tool::{Catalogue, Risk};
use std::sync::Arc;

/// What a session is begun with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The session's id.
    pub session: String,
    /// The console's version.
    pub version: String,
    /// Who sits at the console, as the operating system says.
    pub operator: String,
    /// The tools.
    pub catalogue: Arc<Catalogue>,
    /// Account, regions, identity as far as known.
    pub scope: Scope,
    /// What is carried out.
    pub mode: Mode,
    /// Model, effort and limits.
    pub settings: Settings,
    /// What models can do and cost.
    pub models: Arc<Models>,
    /// The system prompt.
    pub system: Arc<str>,
    /// Key of the redaction's masks.
    pub redact_key: [u8; 16],
}

/// The next numbers to give out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub(super) turn: u64,
    pub(super) call: u64,
    pub(super) approval: u64,
}

impl Session {
    /// A new session and its first entries.
    #[must_use]
    pub fn new(setup: Setup, now: Timestamp) -> (Self, Vec<Effect>) {
        let started = Fact::SessionStarted {
            session: setup.session.clone(),
            version: setup.version.clone(),
            operator: setup.operator.clone(),
        };
        let (scope, mode) = (setup.scope.clone(), setup.mode);
        let settings = setup.settings.clone().clamped();
        let mut session = Self::empty(setup, Chain::default());
        session.append(started, now);
        session.append(Fact::ScopeChanged { scope }, now);
        session.append(Fact::SettingsChanged { settings }, now);
        if mode != Mode::Execute {
            session.append(Fact::ModeChanged { mode }, now);
        }
        let effects = std::mem::take(&mut session.out);
        (session, effects)
    }

    pub(super) fn empty(setup: Setup, chain: Chain) -> Self {
        let tools = tools(&setup.catalogue, setup.mode);
        Self {
            chain,
            entries: Vec::new(),
            timeline: Timeline::default(),
            transcript: Transcript::default(),
            meter: Meter::default(),
            redactor: Redactor::new(setup.redact_key),
            operator: setup.operator,
            head: Size::head(&setup.system, &tools).tokens,
            tools,
            uncounted: None,
            catalogue: setup.catalogue,
            scope: setup.scope,
            mode: setup.mode,
            settings: setup.settings.clamped(),
            models: setup.models,
            prompt_hash: crate::journal::hash(&setup.system),
            system: setup.system,
            next: Next { turn: 1, call: 1, approval: 1 },
            fronts: std::collections::BTreeMap::new(),
            turn: None,
            calls: std::collections::BTreeMap::new(),
            reading: std::collections::BTreeSet::new(),
            waiting: std::collections::VecDeque::new(),
            active: None,
            verifying: std::collections::BTreeMap::new(),
            evaluation: None,
            recent: super::reuse::Recent::default(),
            store_failed: false,
            quitting: false,
            finished: false,
            out: Vec::new(),
        }
    }
}

/// The tools a model is offered in this mode, by name.
pub(super) fn tools(catalogue: &Catalogue, mode: Mode) -> Arc<[ToolDef]> {
    catalogue
        .iter()
        .filter(|tool| match mode {
            Mode::Execute | Mode::Track => true,
            Mode::ReadOnly => tool.risk == Risk::Read,
        })
        .map(|tool| ToolDef {
            name: tool.spec.name.to_owned(),
            description: tool.spec.description.to_owned(),
            schema: tool.schema.clone(),
        })
        .collect()
}
