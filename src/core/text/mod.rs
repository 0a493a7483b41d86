//! Untrusted text made visible and safe; width; redaction; nearest names; shell quoting.

mod assignment;
mod nearest;
mod redact;
mod shell;
mod stream;
mod visible;
mod width;

pub use nearest::nearest;
pub use redact::{Redactor, hide};
pub use shell::quote;
pub use stream::RedactStream;
pub use visible::{json_visible, visible, visible_lines};
pub use width::{truncate, truncate_middle, width, wrap};
