//! Clients for one approved change.

use super::{Aws, ProgressSink};
use crate::account::Account;
use crate::files::Files;
use crate::guard::Guard;
use crate::meter::Meter;
use crate::stop::Stop;
use aws_types::SdkConfig;
use quarterdeck_core::approval::{Proposal, Spent};
use quarterdeck_core::event::Progress;
use std::fmt;
use std::sync::Arc;

/// What accompanies a write while it is under way.
#[derive(Clone)]
pub struct Beside {
    /// Told how far it is.
    pub progress: ProgressSink,
    /// Asked whether to stop.
    pub stop: Stop,
}

impl Beside {
    /// Nobody looks on, nobody stops it.
    #[must_use]
    pub fn nobody() -> Self {
        Self { progress: Arc::new(|_| ()), stop: Stop::never() }
    }
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside").field("stop", &self.stop).finish_non_exhaustive()
    }
}

/// Clients for one approved change.
///
/// They cannot be made up:
///
/// ```compile_fail,E0451
/// # use quarterdeck_aws::clients::WriteClients;
/// fn forge(aws: WriteClients) -> WriteClients {
///     WriteClients { ..aws }
/// }
/// ```
/// ```
/// # use quarterdeck_aws::clients::WriteClients;
/// fn forge(aws: WriteClients) -> WriteClients {
///     aws
/// }
/// ```
///
/// They cannot be copied:
///
/// ```compile_fail,E0382
/// # use quarterdeck_aws::clients::WriteClients;
/// fn two(aws: WriteClients) -> (WriteClients, Option<WriteClients>) {
///     (aws, Some(aws))
/// }
/// ```
/// ```
/// # use quarterdeck_aws::clients::WriteClients;
/// fn two(aws: WriteClients) -> (WriteClients, Option<WriteClients>) {
///     (aws, None)
/// }
/// ```
///
/// Clients that read carry out no change:
///
/// ```compile_fail,E0308
/// # use quarterdeck_aws::{clients::{ReadClients, WriteClients}, tool::WriteTool};
/// fn call<T: WriteTool>(aws: ReadClients) {
///     drop(T::call(aws));
/// }
/// ```
/// ```
/// # use quarterdeck_aws::{clients::{ReadClients, WriteClients}, tool::WriteTool};
/// fn call<T: WriteTool>(aws: WriteClients) {
///     drop(T::call(aws));
/// }
/// ```
#[derive(Debug)]
pub struct WriteClients {
    pub(super) aws: Aws,
    pub(super) account: Arc<Account>,
    pub(super) guard: Guard,
    pub(super) meter: Meter,
    pub(super) beside: Beside,
    pub(super) proof: Spent,
}

impl WriteClients {
    /// What was approved; the call does this and nothing else.
    #[must_use]
    pub fn plan(&self) -> &Proposal {
        self.proof.proposal()
    }

    /// Tells how far the change is.
    pub fn progress(&self, progress: Progress) {
        (self.beside.progress)(progress);
    }

    /// As [`WriteClients::progress`], when there is something to tell.
    pub(crate) fn progress_if(&self, progress: Option<Progress>) {
        if let Some(progress) = progress {
            self.progress(progress);
        }
    }

    /// What was sent so far has changed nothing: a transfer that is not put together yet, or was called off.
    pub(crate) fn called_off(&self) {
        self.meter.called_off(true);
    }

    /// From here on what is sent may change something, whatever becomes of its answer.
    pub(crate) fn under_way(&self) {
        self.meter.called_off(false);
    }

    /// Whether a person wants it to stop.
    pub(crate) fn stop(&self) -> &Stop {
        &self.beside.stop
    }

    /// Files that tools may read.
    pub(crate) fn files(&self) -> &Files {
        &self.aws.settings().files
    }

    /// The approved account's configuration.
    pub(crate) fn config(&self) -> &SdkConfig {
        &self.account.config
    }

    /// The tool's own list of changes.
    pub(crate) fn guard(&self) -> Guard {
        self.guard
    }

    /// Counts what is sent.
    pub(crate) fn meter(&self) -> Meter {
        self.meter.clone()
    }
}
