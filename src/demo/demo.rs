//! The embedded account, being played.

use crate::account::Account;
use crate::client::Client;
use crate::condition::During;
use crate::fault::{Faults, Trouble, failure};
use crate::router::{self, Request};
use crate::seed;
use crate::services::s3;
use crate::story::{Drill, DrillError};
use crate::wire::raw::RawReply;
use crate::wire::{Failure, Node, Protocol};
use crate::world::{Action, What, World};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use quarterdeck_core::Timestamp;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

const ACCESS_KEY: &str = "AKIADEMODEMODEMODEMO";
const SECRET: &str = "this/is/not/a/secret/of/any/real/account";

/// One request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The service's signing name, e.g. `ecs`.
    pub service: &'static str,
    /// The operation.
    pub operation: String,
    /// The region it was signed for.
    pub region: String,
    /// Whether the operation changes the account.
    pub mutating: bool,
    /// Whether it was only a dry run.
    pub dry_run: bool,
    /// When, by the drill's clock.
    pub at: Timestamp,
}

/// The embedded account: a drill that is being played. Clones share it.
#[derive(Clone)]
pub struct Demo(Arc<Play>);

struct Play {
    drill: Drill,
    account: Account,
    clock: Clock,
    start: Timestamp,
    faults: Faults,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    actions: Vec<Action>,
    calls: Vec<Call>,
}

/// What a request came to.
pub(crate) struct Outcome {
    pub protocol: Protocol,
    pub operation: String,
    pub request_id: String,
    pub answer: Result<Answer, Failure>,
    pub troubles: Vec<Trouble>,
}

/// An answer that its protocol still has to write, or one that is written.
pub(crate) enum Answer {
    Node(Node),
    Raw(RawReply),
}

impl Demo {
    /// Starts the embedded drill `name` now, by `clock`.
    ///
    /// # Errors
    /// There is no such drill: names the nearest and lists all.
    pub fn start(name: &str, clock: Clock) -> Result<Self, DrillError> {
        Self::play(Drill::named(name)?, clock)
    }

    /// Starts `drill` now, by `clock`.
    ///
    /// # Errors
    /// The drill does not fit the account.
    pub fn play(drill: Drill, clock: Clock) -> Result<Self, DrillError> {
        let account = drill.account()?;
        let start = clock();
        let (faults, log) = (Faults::default(), Mutex::default());
        Ok(Self(Arc::new(Play { drill, account, clock, start, faults, log })))
    }

    /// The HTTP client to give to the SDK: nothing it is given leaves the process.
    #[must_use]
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(Client(self.clone()))
    }

    /// Access key and secret. The embedded account takes no other key.
    #[must_use]
    pub fn credentials(&self) -> (&str, &str) {
        (ACCESS_KEY, SECRET)
    }

    /// The region where the story is.
    #[must_use]
    pub fn region(&self) -> &str {
        self.regions().first().map_or("", String::as_str)
    }

    /// The enabled regions.
    #[must_use]
    pub fn regions(&self) -> &[String] {
        &self.0.account.header.regions
    }

    /// The drill.
    #[must_use]
    pub fn drill(&self) -> &Drill {
        &self.0.drill
    }

    /// What is still wrong: the names of the drill's conditions that hold now, and the broken revisions that are
    /// deployed, as `cluster/service:revision`. Nothing is left once all is put right.
    #[must_use]
    pub fn holding(&self) -> Vec<String> {
        let log = self.0.log.lock().unwrap_or_else(PoisonError::into_inner);
        let world = self.world(&log.actions, self.region(), (self.0.clock)());
        let conditions = self.0.drill.condition.iter().map(|c| c.name.clone());
        let holds = |name: &String| world.course(&During(vec![name.clone()])).holds(world.now);
        let broken = self.0.drill.deploy.iter().filter(|d| d.broken.is_some()).filter_map(|d| {
            let key = format!("{}/{}", d.cluster, d.service);
            let deployed = world.anywhere(&key)?.primary()?.revision;
            (deployed == d.revision).then(|| format!("{key}:{deployed}"))
        });
        conditions.filter(holds).chain(broken).collect()
    }

    fn world<'a>(&'a self, actions: &'a [Action], region: &'a str, now: Timestamp) -> World<'a> {
        let Play { account, drill, start, .. } = &*self.0;
        World { account, drill, actions, start: *start, now, region }
    }

    /// When it started.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.0.start
    }

    /// Trouble on demand.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Every request so far that was for this account, refused ones included.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner).calls.clone()
    }

    /// Carries out one request.
    pub(crate) fn serve(&self, request: &Request) -> Outcome {
        let now = (self.0.clock)();
        let troubles = self.0.faults.take(request);
        let mut log = self.0.log.lock().unwrap_or_else(PoisonError::into_inner);
        let mutating = router::mutating(&request.operation);
        log.calls.push(Call {
            service: request.service.name(),
            operation: request.operation.clone(),
            region: request.region.clone(),
            mutating,
            dry_run: request.input.flag("DryRun"),
            at: now,
        });
        let request_id = seed::uuid(&request.operation, log.calls.len() as u64);
        let answer = self.answer(request, &troubles, now, &mut log.actions);
        let answer = match (request.service.protocol(), answer) {
            (Protocol::RestXml, Err(failure)) => {
                Ok(Answer::Raw(s3::refused(&request.raw, &failure, &request_id)))
            }
            (_, answer) => answer,
        };
        let (protocol, operation) = (request.service.protocol(), request.operation.clone());
        Outcome { protocol, operation, request_id, answer, troubles }
    }

    fn answer(
        &self,
        request: &Request,
        troubles: &[Trouble],
        now: Timestamp,
        actions: &mut Vec<Action>,
    ) -> Result<Answer, Failure> {
        let play = &self.0;
        let known = play.account.header.regions.contains(&request.region);
        if request.access_key != ACCESS_KEY || !known {
            return Err(stranger(request));
        }
        let world = self.world(actions, &request.region, now);
        let caller = world.caller();
        if let Some(failure) = troubles.iter().find_map(|t| failure(*t, request, &caller)) {
            return Err(failure);
        }
        let (answer, action) = match request.service.protocol() {
            Protocol::RestXml => {
                let reply = s3::answer(&world, &request.operation, &request.raw)?;
                (Answer::Raw(reply.raw), reply.change.map(What::S3))
            }
            Protocol::Ec2Query | Protocol::Query | Protocol::Json | Protocol::Cbor | Protocol::RestJson => {
                let reply = router::answer(&world, request)?;
                (Answer::Node(reply.body), reply.action)
            }
        };
        if let Some(what) = action {
            actions.push(Action { at: now, region: request.region.clone(), what });
        }
        Ok(answer)
    }
}

/// Keys of other accounts and regions that are not enabled are refused alike.
fn stranger(request: &Request) -> Failure {
    let message = "The security token included in the request is invalid.";
    match request.service.protocol() {
        Protocol::Ec2Query => {
            Failure::new("AuthFailure", "AWS was not able to validate the provided access credentials")
                .status(401)
        }
        Protocol::Query => Failure::new("InvalidClientTokenId", message).status(403),
        Protocol::Json | Protocol::Cbor => Failure::new("UnrecognizedClientException", message),
        Protocol::RestXml => {
            let message = "The AWS Access Key Id you provided does not exist in our records.";
            Failure::new("InvalidAccessKeyId", message).status(403)
        }
        Protocol::RestJson => Failure::new("UnrecognizedClientException", message).status(403),
    }
}

impl fmt::Debug for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demo").field("drill", &self.0.drill.name()).field("start", &self.0.start).finish()
    }
}
