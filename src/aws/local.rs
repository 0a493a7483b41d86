//! The permission to write one approved file on this machine.

mod partial;

pub use partial::Partial;

use crate::files::Target;
use crate::stop::Stop;
use quarterdeck_core::approval::{Proposal, Spent};
use quarterdeck_core::tool::{Fault, FaultKind};

/// Writes one file, the one that was approved. Made of a spent approval and of nothing else; the only way to create
/// a file in this crate.
///
/// It takes the proof of an approval:
///
/// ```compile_fail,E0308
/// # use quarterdeck_aws::{local::LocalWrite, stop::Stop};
/// # use quarterdeck_core::approval::{Proposal, Spent};
/// fn unapproved(plan: Proposal) -> LocalWrite {
///     LocalWrite::new(plan, Stop::never())
/// }
/// ```
/// ```
/// # use quarterdeck_aws::{local::LocalWrite, stop::Stop};
/// # use quarterdeck_core::approval::{Proposal, Spent};
/// fn approved(plan: Spent) -> LocalWrite {
///     LocalWrite::new(plan, Stop::never())
/// }
/// ```
///
/// The proof is used up:
///
/// ```compile_fail,E0382
/// # use quarterdeck_aws::{local::LocalWrite, stop::Stop};
/// # use quarterdeck_core::approval::Spent;
/// fn two(proof: Spent) -> (LocalWrite, Option<LocalWrite>) {
///     (LocalWrite::new(proof, Stop::never()), Some(LocalWrite::new(proof, Stop::never())))
/// }
/// ```
/// ```
/// # use quarterdeck_aws::{local::LocalWrite, stop::Stop};
/// # use quarterdeck_core::approval::Spent;
/// fn two(proof: Spent) -> (LocalWrite, Option<LocalWrite>) {
///     (LocalWrite::new(proof, Stop::never()), None)
/// }
/// ```
///
/// It cannot be made up:
///
/// ```compile_fail,E0451
/// # use quarterdeck_aws::local::LocalWrite;
/// fn forge(disk: LocalWrite) -> LocalWrite {
///     LocalWrite { ..disk }
/// }
/// ```
/// ```
/// # use quarterdeck_aws::local::LocalWrite;
/// fn forge(disk: LocalWrite) -> LocalWrite {
///     disk
/// }
/// ```
///
/// It cannot be copied:
///
/// ```compile_fail,E0382
/// # use quarterdeck_aws::local::LocalWrite;
/// fn two(disk: LocalWrite) -> (LocalWrite, Option<LocalWrite>) {
///     (disk, Some(disk))
/// }
/// ```
/// ```
/// # use quarterdeck_aws::local::LocalWrite;
/// fn two(disk: LocalWrite) -> (LocalWrite, Option<LocalWrite>) {
///     (disk, None)
/// }
/// ```
///
/// It cannot be written down and read back:
///
/// ```compile_fail,E0277
/// # use quarterdeck_aws::local::LocalWrite;
/// fn record(disk: &LocalWrite) -> serde_json::Result<String> {
///     serde_json::to_string(disk)
/// }
/// ```
/// ```
/// # use quarterdeck_aws::local::LocalWrite;
/// fn record(disk: &LocalWrite) -> serde_json::Result<String> {
///     serde_json::to_string(disk.plan())
/// }
/// ```
///
/// A local tool's call does not go without it:
///
/// ```compile_fail,E0061
/// # use quarterdeck_aws::{clients::ReadClients, local::LocalWrite, tool::LocalTool};
/// fn call<T: LocalTool>(aws: &ReadClients, disk: LocalWrite) {
///     drop(T::call(aws));
/// }
/// ```
/// ```
/// # use quarterdeck_aws::{clients::ReadClients, local::LocalWrite, tool::LocalTool};
/// fn call<T: LocalTool>(aws: &ReadClients, disk: LocalWrite) {
///     drop(T::call(aws, disk));
/// }
/// ```
#[must_use]
#[derive(Debug)]
pub struct LocalWrite {
    proof: Spent,
    stop: Stop,
}

impl LocalWrite {
    /// Uses the approval up.
    pub fn new(proof: Spent, stop: Stop) -> Self {
        Self { proof, stop }
    }

    /// What was approved; the call does this and nothing else.
    #[must_use]
    pub fn plan(&self) -> &Proposal {
        self.proof.proposal()
    }

    /// Whether a person wants it to stop.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Begins the approved file under a temporary name beside it.
    ///
    /// # Errors
    /// `conflict`: `target` is not the file that was approved, or is no longer as it was. `unavailable`: the disk
    /// refuses.
    pub async fn begin(&self, target: &Target) -> Result<Partial, Fault> {
        let approved = self.plan().targets.first().map(|t| t.arn.as_str());
        if approved != Some(target.uri().as_str()) {
            let message = format!("{} is not the file that was approved", target.shown());
            return Err(Fault::new(FaultKind::Conflict, message).hint("plan the download again"));
        }
        Partial::begin(target, self.proof.approval().0).await
    }
}
