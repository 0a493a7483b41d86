//! What the three ECS tools share: names, reading in the API's own batches, images, health.

pub mod definition;
#[cfg(test)]
pub mod fixture;
pub mod health;
pub mod image;
pub mod names;
pub mod proposal;
pub mod read;
pub mod rollback;
pub mod row;
pub mod stopped;
pub mod warnings;

use aws_smithy_types::DateTime;
use quarterdeck_core::Timestamp;

/// An SDK time as ours; `None` only for years no clock shows.
pub fn moment(time: &DateTime) -> Option<Timestamp> {
    time.to_millis().ok().map(Timestamp::from_millis)
}
