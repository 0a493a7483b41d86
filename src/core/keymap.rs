//! The key map.
