//! Opening a session again.
