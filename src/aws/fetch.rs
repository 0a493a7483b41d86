//! Reading from a URL somebody named: public addresses only, checked where the connection is made.

mod address;
mod link;
mod remote;

pub use address::is_public;
pub use link::Link;
pub use remote::Remote;
