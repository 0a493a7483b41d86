//! What a tool implements. Risk is which trait it is: no flag, no default.

use crate::clients::{ReadClients, WriteClients};
use crate::local::LocalWrite;
use crate::probe::Rehearsal;
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::Proposal;
use quarterdeck_core::tool::{Fault, Projection, Spec, Watch, WriteCall};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;

/// Items read per region before a tool stops and says so.
pub const CEILING: usize = 5_000;

/// A tool that only reads.
pub trait ReadTool: 'static {
    /// Name, description, operations, limits.
    const SPEC: Spec;
    /// Its arguments; unknown fields are errors.
    type Args: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static;
    /// What AWS answered, typed.
    type Out: Send;

    /// Checks between fields that types cannot express. Pure; nothing is sent to AWS when it fails.
    ///
    /// # Errors
    /// `invalid`, saying what to send.
    fn check(_args: &Self::Args) -> Result<(), Fault> {
        Ok(())
    }

    /// Reads the account.
    ///
    /// # Errors
    /// Nothing at all could be read; half an answer is `Ok` with its errors inside `Out`.
    fn call(aws: &ReadClients, args: &Self::Args) -> impl Future<Output = Result<Self::Out, Fault>> + Send;

    /// Projects what was read. Pure.
    fn project(args: &Self::Args, out: &Self::Out, as_of: Timestamp) -> Projection;
}

/// A tool that changes the account. It can only be carried out with [`WriteClients`], which only an approval
/// yields.
pub trait WriteTool: 'static {
    /// Name, description, operations, limits.
    const SPEC: Spec;
    /// Its arguments; unknown fields are errors.
    type Args: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static;
    /// What AWS answered, typed.
    type Out: Send;

    /// As [`ReadTool::check`].
    ///
    /// # Errors
    /// `invalid`, saying what to send.
    fn check(_args: &Self::Args) -> Result<(), Fault> {
        Ok(())
    }

    /// Whether these arguments can only undo a change made earlier. The session then takes them from the journal and
    /// refuses what no approval of its own stands behind.
    fn only_undoes(_args: &Self::Args) -> bool {
        false
    }

    /// Reads the targets afresh and says what would be done. Includes the dry run where there is one.
    ///
    /// # Errors
    /// The targets cannot be read or are in a state in which the change makes no sense.
    fn plan(aws: &ReadClients, args: &Self::Args) -> impl Future<Output = Result<Proposal, Fault>> + Send;

    /// How its dry run can be rehearsed, to see whether it would be permitted; `None`: AWS offers none.
    #[must_use]
    fn rehearsal() -> Option<Rehearsal> {
        None
    }

    /// Carries out `aws.plan()`, once.
    ///
    /// # Errors
    /// AWS refused, or its answer was lost (`timeout`, `unavailable`: the outcome is then unknown).
    fn call(aws: WriteClients) -> impl Future<Output = Result<Self::Out, Fault>> + Send;

    /// Projects what was done. Pure.
    fn project(plan: &Proposal, out: &Self::Out, as_of: Timestamp) -> Projection;

    /// How the change is verified.
    fn verify(plan: &Proposal) -> Watch;

    /// What would undo it; `None` when nothing would.
    fn inverse(plan: &Proposal, done: &Projection) -> Option<WriteCall>;
}

/// A tool that writes a file on this machine and leaves the account as it is. It can only be carried out with a
/// [`LocalWrite`], which only an approval yields.
pub trait LocalTool: 'static {
    /// Name, description, operations, limits. `writes` are the reads of AWS that carrying it out takes.
    const SPEC: Spec;
    /// Its arguments; unknown fields are errors.
    type Args: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static;
    /// What was written.
    type Out: Send;

    /// As [`ReadTool::check`].
    ///
    /// # Errors
    /// `invalid`, saying what to send.
    fn check(_args: &Self::Args) -> Result<(), Fault> {
        Ok(())
    }

    /// Looks afresh at what would be read and where it would be written.
    ///
    /// # Errors
    /// As [`WriteTool::plan`].
    fn plan(aws: &ReadClients, args: &Self::Args) -> impl Future<Output = Result<Proposal, Fault>> + Send;

    /// Carries out `disk.plan()`, once. Dropping the future leaves no file behind.
    ///
    /// # Errors
    /// Nothing was written.
    fn call(aws: &ReadClients, disk: LocalWrite) -> impl Future<Output = Result<Self::Out, Fault>> + Send;

    /// Projects what was written. Pure.
    fn project(plan: &Proposal, out: &Self::Out, as_of: Timestamp) -> Projection;

    /// What would undo it; `None` when nothing would.
    fn inverse(plan: &Proposal, done: &Projection) -> Option<WriteCall>;
}
