//! JSON 1.1: times are seconds since the epoch, errors carry `__type`.

use super::{Failure, Node};
use serde_json::{Map, Number, Value};

/// The answer.
pub(crate) fn body(node: &Node) -> String {
    value(node).to_string()
}

/// The error answer.
pub(crate) fn error(failure: &Failure) -> String {
    let mut error = failure.more.clone().unwrap_or_else(|| Value::Object(Map::new()));
    if let Some(members) = error.as_object_mut() {
        members.insert("__type".to_owned(), failure.code.as_ref().into());
        members.insert("message".to_owned(), failure.message.as_str().into());
    }
    error.to_string()
}

fn value(node: &Node) -> Value {
    match node {
        Node::Absent => Value::Null,
        Node::Bool(v) => Value::Bool(*v),
        Node::Int(v) => Value::from(*v),
        Node::Float(v) => Number::from_f64(*v).map_or(Value::Null, Value::Number),
        Node::Text(v) => Value::String(v.clone()),
        Node::Time(v) => Number::from_f64(v.millis() as f64 / 1000.0).map_or(Value::Null, Value::Number),
        Node::List(items) => Value::Array(items.iter().map(value).collect()),
        Node::Map(fields) => Value::Object(
            fields
                .iter()
                .filter(|(_, v)| !matches!(v, Node::Absent))
                .map(|(k, v)| (k.to_string(), value(v)))
                .collect::<Map<_, _>>(),
        ),
    }
}
