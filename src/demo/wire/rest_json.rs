//! REST with JSON: the answer is the body; an error's code is in a header, its message in the body.

use super::{Failure, Node, json};
use serde_json::{Map, Value};

/// The header that names an error.
pub(crate) const ERROR: &str = "x-amzn-errortype";

/// The answer.
pub(crate) fn body(node: &Node) -> String {
    json::body(node)
}

/// The error answer, without the code.
pub(crate) fn error(failure: &Failure) -> String {
    serde_json::json!({ "message": failure.message }).to_string()
}

/// The members in path and query, `bound`, with those in the body.
///
/// # Errors
/// The body is not a JSON object.
pub(crate) fn parse(mut bound: Map<String, Value>, body: &[u8]) -> Result<Value, String> {
    if !body.is_empty() {
        bound.extend(serde_json::from_slice::<Map<String, Value>>(body).map_err(|e| e.to_string())?);
    }
    Ok(Value::Object(bound))
}
