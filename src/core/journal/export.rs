//! Copies of one step, as text.
