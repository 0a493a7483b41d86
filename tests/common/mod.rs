//! What the integration tests share. Each test binary uses a part of it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

pub mod calls;
pub mod console;
pub mod emulator;
pub mod pty;
pub mod python;
pub mod stage;
