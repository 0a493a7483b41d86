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
