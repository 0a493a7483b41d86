//! STS.

use super::{Reply, Service, unknown};
use crate::wire::{Failure, node};
use crate::world::World;

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str) -> Result<Reply, Failure> {
    match operation {
        "GetCallerIdentity" => {
            let header = &world.account.header;
            Ok(node! {
                "Arn" => world.caller(),
                "UserId" => format!("AROADEMO0000000000001:{}", header.session),
                "Account" => &header.id,
            }
            .into())
        }
        other => Err(unknown(Service::Sts, other)),
    }
}
