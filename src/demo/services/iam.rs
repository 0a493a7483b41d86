//! IAM.

use super::{Reply, Service, unknown};
use crate::wire::{Failure, node};
use crate::world::World;

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str) -> Result<Reply, Failure> {
    match operation {
        "ListAccountAliases" => Ok(node! {
            "AccountAliases" => vec![&world.account.header.alias],
            "IsTruncated" => false,
        }
        .into()),
        other => Err(unknown(Service::Iam, other)),
    }
}
