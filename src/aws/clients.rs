//! The only place that builds AWS clients.
//!
//! [`Aws`] is the console's connection: one HTTP client and one TLS configuration for all services, configuration
//! loaded on first use. [`ReadClients`] is one tool call's view of it, guarded by that tool's list of
//! operations; [`WriteClients`] exists only for a [`Spent`] approval.

mod write;

pub use write::{Beside, WriteClients};

use crate::account::Account;
use crate::files::Files;
use crate::guard::Guard;
use crate::http;
use crate::local::LocalWrite;
use crate::meter::Meter;
use crate::place::Place;
use crate::probe::Sparing;
use crate::settings::Settings;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::Spent;
use quarterdeck_core::event::Progress;
use quarterdeck_core::journal::CallStats;
use quarterdeck_core::scope::Identity;
use quarterdeck_core::tool::{Fault, FaultKind, Op, Spec};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{OnceCell, mpsc};
use tokio::time::Instant;

/// One part in so many of a call's limit is left for what comes after its places have answered or were given up.
const LAST_PART: u32 = 6;
/// Farewells that may wait.
const FAREWELLS: usize = 64;
/// How long the console's own operations may take.
const OWN_LIMIT: Duration = Duration::from_secs(30);

/// The console's connection to AWS. Cheap to clone; nothing is loaded before the first call.
#[derive(Clone)]
pub struct Aws {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    http: OnceLock<SharedHttpClient>,
    session: OnceCell<Arc<Account>>,
    accounts: BTreeMap<String, OnceCell<Arc<Account>>>,
    enabled: RwLock<BTreeMap<Option<String>, Arc<[String]>>>,
    farewells: (mpsc::Sender<Farewell>, Mutex<Option<mpsc::Receiver<Farewell>>>),
}

impl Aws {
    /// A connection that is made when it is first used.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let (say, said) = mpsc::channel(FAREWELLS);
        let accounts = settings.accounts.keys().map(|name| (name.clone(), OnceCell::new())).collect();
        Self {
            shared: Arc::new(Shared {
                settings,
                http: OnceLock::new(),
                session: OnceCell::new(),
                accounts,
                enabled: RwLock::default(),
                farewells: (say, Mutex::new(Some(said))),
            }),
        }
    }

    /// What it was made from.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.shared.settings.clock)()
    }

    /// The configuration of `account` (`None`: the session's own), loaded once.
    ///
    /// # Errors
    /// `invalid`: no account of that name is configured. `expired`: it has no credentials.
    pub async fn account(&self, account: Option<&str>) -> Result<Arc<Account>, Fault> {
        let cell = match account {
            None => &self.shared.session,
            Some(name) => self.shared.accounts.get(name).ok_or_else(|| self.unknown_account(name))?,
        };
        cell.get_or_try_init(async || {
            Account::load(self.settings(), account, self.http()).await.map(Arc::new)
        })
        .await
        .cloned()
    }

    /// Clients for a call that reads, guarded by the tool's list.
    ///
    /// # Errors
    /// The session's account has no credentials.
    pub async fn reads(&self, spec: &'static Spec, progress: ProgressSink) -> Result<ReadClients, Fault> {
        self.account(None).await?;
        Ok(self.reading(spec, spec.reads, progress))
    }

    fn reading(&self, spec: &'static Spec, ops: &'static [Op], progress: ProgressSink) -> ReadClients {
        ReadClients {
            aws: self.clone(),
            by: spec.name,
            ops,
            progress,
            meter: Meter::default(),
            sparing: None,
            deadline: Instant::now() + spec.limit.saturating_sub(spec.limit / LAST_PART),
            allowed: None,
        }
    }

    /// Clients that read what an approved file is made of, and the permission to write that file, by value.
    ///
    /// # Errors
    /// As [`Aws::write`].
    pub async fn local(
        &self,
        spec: &'static Spec,
        proof: Spent,
        beside: Beside,
    ) -> Result<(ReadClients, LocalWrite), Fault> {
        self.approved(&proof).await?;
        Ok((self.reading(spec, spec.writes, beside.progress), LocalWrite::new(proof, beside.stop)))
    }

    /// Clients for the approved change, by value: one write per approval.
    ///
    /// # Errors
    /// `conflict`: the credentials belong to another account or identity than the one approved. Nothing was sent.
    pub async fn write(
        &self,
        spec: &'static Spec,
        proof: Spent,
        beside: Beside,
    ) -> Result<WriteClients, Fault> {
        let account = self.approved(&proof).await?;
        Ok(WriteClients {
            aws: self.clone(),
            account,
            guard: Guard::new(spec.name, spec.writes),
            meter: Meter::default(),
            beside,
            proof,
        })
    }

    /// The account that was approved, as whom it was approved.
    async fn approved(&self, proof: &Spent) -> Result<Arc<Account>, Fault> {
        let name = proof.proposal().args.get("account").and_then(serde_json::Value::as_str);
        let account = self.account(name).await?;
        let now = self.identity_of(&account).await?;
        let approved = &proof.proposal().identity;
        if (&now.account, &now.arn) != (&approved.account, &approved.arn) {
            return Err(Fault::new(
                FaultKind::Conflict,
                format!("approved as {} but the credentials are now those of {}", approved.arn, now.arn),
            )
            .hint("plan the change again"));
        }
        Ok(account)
    }

    /// What calls that were dropped leave to be sent, such as the end of a query that would go on costing. Whoever runs
    /// calls takes it, once, and runs what comes; `None` when it was taken.
    #[must_use]
    pub fn farewells(&self) -> Option<mpsc::Receiver<Farewell>> {
        self.shared.farewells.1.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn loaded(&self, account: Option<&str>) -> Option<Arc<Account>> {
        match account {
            None => self.shared.session.get().cloned(),
            Some(name) => self.shared.accounts.get(name)?.get().cloned(),
        }
    }

    pub(crate) fn enabled_known(&self, account: Option<&str>) -> Option<Arc<[String]>> {
        let known = self.shared.enabled.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&account.map(str::to_owned)).cloned()
    }

    pub(crate) fn enabled_learned(&self, account: Option<&str>, regions: Arc<[String]>) {
        let mut known = self.shared.enabled.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(account.map(str::to_owned), regions);
    }

    fn http(&self) -> SharedHttpClient {
        let make = || http::bounded(self.settings().http.clone().unwrap_or_else(http::https));
        self.shared.http.get_or_init(make).clone()
    }

    fn unknown_account(&self, name: &str) -> Fault {
        let names: Vec<&str> = self.shared.accounts.keys().map(String::as_str).collect();
        let fault = Fault::new(FaultKind::Invalid, format!("no account named {name:?} is configured"));
        if names.is_empty() {
            return fault.hint("leave `accounts` out: only the session's own account is configured");
        }
        fault.hint(format!("configured: {}", quarterdeck_core::text::nearest(name, names, 5).join(", ")))
    }
}

/// A last request of a call that was dropped.
pub type Farewell = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Receives progress of one call; never blocks.
pub type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;

/// Clients for one call that reads: a read tool's call or a write tool's plan.
#[derive(Clone)]
pub struct ReadClients {
    aws: Aws,
    by: &'static str,
    ops: &'static [Op],
    progress: ProgressSink,
    meter: Meter,
    /// Set while a tool is only probed.
    sparing: Option<Sparing>,
    deadline: Instant,
    allowed: Option<u64>,
}

impl ReadClients {
    /// Clients for the console's own operations.
    pub(crate) fn own(aws: &Aws) -> Self {
        Self {
            aws: aws.clone(),
            by: "the console",
            ops: crate::identity::OWN_OPERATIONS,
            progress: Arc::new(|_| ()),
            meter: Meter::default(),
            sparing: None,
            deadline: Instant::now() + OWN_LIMIT,
            allowed: None,
        }
    }

    /// The same call, allowed by a person to read so many bytes that are paid for.
    #[must_use]
    pub fn allowing(mut self, bytes: Option<u64>) -> Self {
        self.allowed = bytes;
        self
    }

    /// Bytes a query may scan: what a person allowed this call, or what the settings allow without asking.
    #[must_use]
    pub fn may_scan(&self) -> u64 {
        let unasked = self.aws.settings().insights_budget;
        self.allowed.map_or(unasked, |bytes| bytes.max(unasked))
    }

    /// Leaves a last request to be sent although this call ends here: it was dropped.
    pub(crate) fn farewell(&self, last: Farewell) {
        // Without a taker, or with too many waiting, it is not sent: AWS ends a query by itself in the end.
        let _ = self.aws.shared.farewells.0.try_send(last);
    }

    /// The places a call goes to: the session's regions unless given; `["all"]` means every enabled region.
    ///
    /// # Errors
    /// A region that does not exist or is not enabled, an account that is not configured: `invalid`, with the
    /// nearest names.
    pub async fn places(
        &self,
        regions: Option<&[String]>,
        accounts: Option<&[String]>,
    ) -> Result<Vec<Place>, Fault> {
        crate::regions::places(&self.aws, regions, accounts).await
    }

    /// The one place a change goes to: the session's own region and account unless given.
    ///
    /// # Errors
    /// As [`ReadClients::places`]; `invalid` for `all`.
    pub async fn place(&self, region: Option<&str>, account: Option<&str>) -> Result<Place, Fault> {
        crate::regions::place(&self.aws, region, account).await
    }

    /// The places a call to a service with one endpoint per account goes to: one an account, the session's own unless
    /// given.
    ///
    /// # Errors
    /// `invalid`: an account that is not configured.
    pub async fn global_places(&self, accounts: Option<&[String]>) -> Result<Vec<Place>, Fault> {
        crate::regions::global_places(&self.aws, accounts).await
    }

    /// The one such place a change goes to.
    ///
    /// # Errors
    /// As [`ReadClients::global_places`].
    pub async fn global_place(&self, account: Option<&str>) -> Result<Place, Fault> {
        crate::regions::global_place(&self.aws, account).await
    }

    /// When the places of this call are given up.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The time of this call.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.aws.now()
    }

    /// Tells how far the call is.
    pub fn progress(&self, progress: Progress) {
        (self.progress)(progress);
    }

    /// What this call has sent so far.
    #[must_use]
    pub fn stats(&self) -> CallStats {
        self.meter.read()
    }

    /// Who the console is in this place, for proposals.
    ///
    /// # Errors
    /// The credentials are missing, expired or refused.
    pub async fn identity(&self, place: &Place) -> Result<Identity, Fault> {
        let account = self.aws.account(place.account.as_deref()).await?;
        self.aws.identity_of(&account).await
    }

    /// The AWS profile `place` is reached through, for command lines.
    #[must_use]
    pub fn profile(&self, place: &Place) -> Option<String> {
        self.aws.loaded(place.account.as_deref())?.profile.clone()
    }

    /// Whether `id` is the access key this console itself uses in `place`. Known once anything was asked there.
    #[must_use]
    pub fn is_own_key(&self, place: &Place, id: &str) -> bool {
        self.aws
            .loaded(place.account.as_deref())
            .and_then(|account| account.key())
            .is_some_and(|key| key.id == id)
    }

    /// Files that tools may read and write.
    pub(crate) fn files(&self) -> &Files {
        &self.aws.settings().files
    }

    /// Counts what is sent.
    pub(crate) fn meter(&self) -> Meter {
        self.meter.clone()
    }

    /// The same, for a probe: every operation is sent once at most.
    pub(crate) fn sparing(self, sparing: Sparing) -> Self {
        Self { sparing: Some(sparing), ..self }
    }

    /// What a probe adds to every client.
    pub(crate) fn probe(&self) -> Option<Sparing> {
        self.sparing.clone()
    }

    /// A place whose account was never resolved gets a client that refuses everything: better than another account's.
    pub(crate) fn with_account<C>(&self, place: &Place, build: impl FnOnce(&SdkConfig, Guard) -> C) -> C {
        match self.aws.loaded(place.account.as_deref()) {
            Some(account) => build(&account.config, Guard::new(self.by, self.ops)),
            None => {
                let version = aws_config::BehaviorVersion::latest();
                let nowhere = SdkConfig::builder().behavior_version(version).build();
                build(&nowhere, Guard::closed(self.by))
            }
        }
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("settings", self.settings()).finish_non_exhaustive()
    }
}

impl fmt::Debug for ReadClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadClients").field("by", &self.by).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::{ATTEMPT, CONNECT, writing};
    use crate::testing::{Canned, NOW};
    use quarterdeck_core::tool::RegionRule;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    static SPEC: Spec = Spec {
        name: "a_tool",
        description: "",
        reads: &[Op::new("EC2", "DescribeInstances", &["ec2:DescribeInstances"])],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    };

    fn place(region: &str) -> Place {
        Place { account: None, region: region.to_owned() }
    }

    #[tokio::test]
    async fn reads_retry_by_region_and_changes_do_not() {
        let canned = Canned::new();
        let aws = canned.reads(&SPEC).await;
        let ec2 = aws.ec2(&place("eu-west-2"));
        let config = ec2.config();
        let retry = config.retry_config().unwrap();
        assert_eq!((retry.max_attempts(), retry.mode()), (4, aws_smithy_types::retry::RetryMode::Adaptive));
        assert_eq!(config.region().unwrap().as_ref(), "eu-west-2");
        let timeouts = config.timeout_config().unwrap();
        assert_eq!(timeouts.connect_timeout(), Some(CONNECT));
        assert_eq!(timeouts.operation_attempt_timeout(), Some(ATTEMPT));
        let partition = |region: &str| format!("{:?}", aws.ec2(&place(region)).config().retry_partition());
        assert_ne!(partition("eu-west-1"), partition("eu-west-2"));
        let once = writing(Guard::closed("a_tool"), Meter::default());
        assert!(!once.retry.has_retry());
    }

    #[tokio::test]
    async fn a_retried_read_is_counted() {
        let failures = Arc::new(AtomicU64::new(0));
        let canned = Canned::new().with("ec2", "DescribeInstances", move |_| {
            match failures.fetch_add(1, Ordering::Relaxed) {
                0 => (
                    503,
                    b"<Response><Errors><Error><Code>Unavailable</Code></Error></Errors></Response>".to_vec(),
                ),
                _ => (200, b"<DescribeInstancesResponse/>".to_vec()),
            }
        });
        let aws = canned.reads(&SPEC).await;
        aws.ec2(&place("eu-west-1")).describe_instances().send().await.unwrap();
        assert_eq!(aws.stats(), CallStats { requests: 2, retries: 1 });
    }

    #[tokio::test]
    async fn gathered_answers_keep_the_order_asked() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = {
            let seen = Arc::clone(&seen);
            Arc::new(move |p: Progress| seen.lock().unwrap().push(p.done))
        };
        let aws = Canned::new().aws(&["eu-west-1"]).reads(&SPEC, sink).await.unwrap();
        let regions: Vec<Place> = (0..20).map(|n| place(&format!("r{n}"))).collect();
        let running = AtomicU64::new(0);
        let most = AtomicU64::new(0);
        let gathered = aws
            .gather(regions.clone(), |p| {
                let (running, most) = (&running, &most);
                async move {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let n: u64 = p.region.trim_start_matches('r').parse().unwrap();
                    tokio::time::sleep(Duration::from_millis(20 - n)).await;
                    running.fetch_sub(1, Ordering::SeqCst);
                    if n == 3 { Err(Fault::new(FaultKind::Throttled, "busy")) } else { Ok(n) }
                }
            })
            .await;
        assert_eq!(most.load(Ordering::SeqCst), 8);
        let order: Vec<u64> = gathered.answers.iter().map(|(_, n)| *n).collect();
        assert_eq!(order, (0..20).filter(|n| *n != 3).collect::<Vec<_>>());
        assert_eq!(gathered.errors[0].place, "r3");
        assert!(gathered.many_regions && !gathered.many_accounts);
        assert_eq!(*seen.lock().unwrap(), (1..=20).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn the_console_knows_who_it_is_after_asking_once() {
        let canned = Canned::new();
        let aws = canned.aws(&["eu-west-1"]);
        assert_eq!(aws.now(), NOW);
        for _ in 0..2 {
            let identity = aws.identity().await.unwrap();
            assert_eq!((identity.account.as_str(), identity.role.as_str()), ("123456789012", "OnCall"));
            assert_eq!(identity.alias.as_deref(), Some("example"));
            assert_eq!(identity.key_tail.as_deref(), Some("MPLE"));
        }
        assert_eq!(canned.operations().len(), 2);
    }

    #[tokio::test]
    async fn without_an_alias_the_identity_stands() {
        let canned = Canned::new().failing(
            "iam",
            "ListAccountAliases",
            403,
            "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
        );
        assert_eq!(canned.aws(&["eu-west-1"]).identity().await.unwrap().alias, None);
    }

    #[tokio::test]
    async fn expired_credentials_say_how_to_renew() {
        let body = "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error></ErrorResponse>";
        let canned = Canned::new().failing("sts", "GetCallerIdentity", 403, body);
        let fault = canned.aws(&["eu-west-1"]).identity().await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Expired);
        assert!(fault.hint.unwrap().contains("aws sso login"));
    }
}
