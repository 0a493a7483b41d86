//! RPC v2 with CBOR. Written by hand because the SDK wants doubles as doubles: a general encoder shrinks them.

use super::{Failure, Node};
use serde_json::Value;

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const EPOCH_SECONDS: u64 = 1;

/// The answer.
pub(crate) fn body(node: &Node) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, node);
    out
}

/// The error answer.
pub(crate) fn error(failure: &Failure) -> Vec<u8> {
    let code = failure.code.to_string();
    body(&super::node! { "__type" => code, "message" => failure.message.clone() })
}

/// A request's body as JSON, times as seconds since the epoch.
///
/// # Errors
/// The body is not CBOR.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, String> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    ciborium::from_reader::<ciborium::Value, _>(bytes).map(|v| json(&v)).map_err(|e| e.to_string())
}

fn json(value: &ciborium::Value) -> Value {
    match value {
        ciborium::Value::Bool(v) => Value::Bool(*v),
        ciborium::Value::Integer(v) => i64::try_from(*v).map_or(Value::Null, Value::from),
        ciborium::Value::Float(v) => Value::from(*v),
        ciborium::Value::Text(v) => Value::String(v.clone()),
        ciborium::Value::Tag(_, inner) => json(inner),
        ciborium::Value::Array(items) => Value::Array(items.iter().map(json).collect()),
        ciborium::Value::Map(fields) => Value::Object(
            fields.iter().filter_map(|(k, v)| k.as_text().map(|k| (k.to_owned(), json(v)))).collect(),
        ),
        _ => Value::Null,
    }
}

fn write(out: &mut Vec<u8>, node: &Node) {
    match node {
        Node::Absent => out.push(0xf6),
        Node::Bool(v) => out.push(if *v { 0xf5 } else { 0xf4 }),
        Node::Int(v) => match u64::try_from(*v) {
            Ok(n) => head(out, UNSIGNED, n),
            Err(_) => head(out, NEGATIVE, v.unsigned_abs() - 1),
        },
        Node::Float(v) => double(out, *v),
        Node::Text(v) => text(out, v),
        Node::Time(v) => {
            head(out, TAG, EPOCH_SECONDS);
            double(out, v.millis() as f64 / 1000.0);
        }
        Node::List(items) => {
            head(out, LIST, items.len() as u64);
            items.iter().for_each(|item| write(out, item));
        }
        Node::Map(fields) => {
            let present: Vec<_> = fields.iter().filter(|(_, v)| !matches!(v, Node::Absent)).collect();
            head(out, MAP, present.len() as u64);
            for (key, value) in present {
                text(out, key);
                write(out, value);
            }
        }
    }
}

fn text(out: &mut Vec<u8>, value: &str) {
    head(out, TEXT, value.len() as u64);
    out.extend_from_slice(value.as_bytes());
}

fn double(out: &mut Vec<u8>, value: f64) {
    out.push(0xfb);
    out.extend_from_slice(&value.to_be_bytes());
}

/// The major type with its argument, in the shortest form.
fn head(out: &mut Vec<u8>, major: u8, n: u64) {
    let major = major << 5;
    if let Ok(n) = u8::try_from(n) {
        if n < 24 {
            out.push(major | n);
        } else {
            out.extend_from_slice(&[major | 24, n]);
        }
    } else if let Ok(n) = u16::try_from(n) {
        out.push(major | 25);
        out.extend_from_slice(&n.to_be_bytes());
    } else if let Ok(n) = u32::try_from(n) {
        out.push(major | 26);
        out.extend_from_slice(&n.to_be_bytes());
    } else {
        out.push(major | 27);
        out.extend_from_slice(&n.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::node;
    use quarterdeck_core::Timestamp;

    #[test]
    fn reads_back_what_it_wrote() {
        let when = Timestamp::from_millis(1_795_143_845_500);
        let long = "x".repeat(70_000);
        let tree = node! {
            "whole" => 1.0, "when" => when, "negative" => -500i64, "big" => 5_000_000_000i64, "long" => &long,
            "none" => None::<bool>, "many" => (0..300).collect::<Vec<i32>>(), "yes" => true,
        };
        let bytes = body(&tree);
        let back = parse(&bytes).unwrap();
        assert_eq!(back["whole"], 1.0);
        assert_eq!(back["when"], 1_795_143_845.5);
        assert_eq!(back["negative"], -500);
        assert_eq!(back["big"], 5_000_000_000i64);
        assert_eq!(back["long"], long);
        assert_eq!(back["many"].as_array().unwrap().len(), 300);
        assert!(back.get("none").is_none(), "absent members are left out");
        let float_at = bytes.windows(6).position(|w| w == b"ewhole").unwrap() + 6;
        assert_eq!(bytes[float_at], 0xfb, "a whole double stays a double of eight bytes");
    }

    #[test]
    fn an_empty_body_is_no_input() {
        assert_eq!(parse(b"").unwrap(), Value::Null);
        assert!(parse(b"\xff").is_err());
    }
}
