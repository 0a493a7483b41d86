//! A request's members, whatever protocol they came in.

use super::Failure;
use quarterdeck_core::Timestamp;
use serde_json::Value;

/// The members of a request. Query protocols send text for everything, so each reader also takes text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input(pub Value);

impl Input {
    /// A member as text; absent and empty are the same.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str).filter(|t| !t.is_empty())
    }

    /// A member that must be there.
    ///
    /// # Errors
    /// It is not.
    pub(crate) fn need(&self, key: &str, code: &'static str) -> Result<&str, Failure> {
        self.text(key).ok_or_else(|| Failure::new(code, format!("{key} can not be blank.")))
    }

    /// An integer.
    pub(crate) fn int(&self, key: &str) -> Option<i64> {
        let value = self.0.get(key)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }

    /// A boolean, false when absent.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|v| v.as_bool() == Some(true) || v.as_str() == Some("true"))
    }

    /// A point in time: seconds since the epoch or RFC 3339.
    pub(crate) fn time(&self, key: &str) -> Option<Timestamp> {
        let value = self.0.get(key)?;
        match value.as_f64() {
            Some(seconds) => Some(Timestamp::from_millis((seconds * 1000.0).round() as i64)),
            None => Timestamp::parse(value.as_str()?).ok(),
        }
    }

    /// A list of text; empty when absent.
    pub(crate) fn texts(&self, key: &str) -> Vec<&str> {
        self.items(key).iter().filter_map(Value::as_str).collect()
    }

    /// A list of structures; empty when absent.
    pub(crate) fn list(&self, key: &str) -> Vec<Input> {
        self.items(key).iter().cloned().map(Input).collect()
    }

    /// A structure inside; empty when absent.
    pub(crate) fn inner(&self, key: &str) -> Input {
        Input(self.0.get(key).cloned().unwrap_or(Value::Null))
    }

    /// Whether the member was sent.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|v| !v.is_null())
    }

    /// A list's items. One text is a list of one: that is how a query says it.
    fn items(&self, key: &str) -> &[Value] {
        match self.0.get(key) {
            Some(Value::Array(items)) => items,
            Some(one @ Value::String(_)) => std::slice::from_ref(one),
            _ => &[],
        }
    }
}
