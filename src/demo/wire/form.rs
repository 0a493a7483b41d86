//! Form bodies of the query protocols as trees: `Filter.1.Value.2=x` is a list in a structure in a list.

use serde_json::{Map, Value};

/// The form as JSON; every leaf is text. `member` segments, which only mark lists, are dropped.
pub(crate) fn parse(body: &str) -> Value {
    let mut root = Value::Object(Map::new());
    for pair in body.split('&').filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = decode(key);
        let path: Vec<&str> = key.split('.').filter(|s| *s != "member").collect();
        put(&mut root, &path, decode(value));
    }
    listed(root)
}

/// Percent-decoding with `+` as a space.
pub(crate) fn decode(text: &str) -> String {
    percent(&text.replace('+', " "))
}

/// Percent-decoding alone, as in a path.
pub(crate) fn percent(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        match b {
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|d| d.and_then(|d| char::from(d).to_digit(16)));
                if let [Some(high), Some(low)] = digits {
                    bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                }
            }
            b => bytes.push(b),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn put(at: &mut Value, path: &[&str], value: String) {
    let Value::Object(map) = at else { return };
    match path {
        [] => {}
        [last] => {
            map.insert((*last).to_owned(), Value::String(value));
        }
        [first, rest @ ..] => {
            put(map.entry(*first).or_insert_with(|| Value::Object(Map::new())), rest, value);
        }
    }
}

/// Structures whose keys are all numbers are lists, in the order of the numbers.
fn listed(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    let numbered: Option<Vec<u32>> = map.keys().map(|k| k.parse().ok()).collect();
    match numbered {
        Some(keys) if !keys.is_empty() => {
            let mut items: Vec<(u32, Value)> =
                keys.into_iter().zip(map.into_iter().map(|(_, v)| v)).collect();
            items.sort_by_key(|(k, _)| *k);
            Value::Array(items.into_iter().map(|(_, v)| listed(v)).collect())
        }
        _ => Value::Object(map.into_iter().map(|(k, v)| (k, listed(v))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_structures_and_escapes() {
        let form = "Action=DescribeInstances&Filter.1.Name=tag%3AName&Filter.1.Value.1=web-%2A&Filter.1.Value.2=a+b\
            &InstanceId.2=i-2&InstanceId.10=i-10&InstanceId.1=i-1&Names.member.1=x%F0%9F%A6%80";
        assert_eq!(
            parse(form),
            json!({
                "Action": "DescribeInstances",
                "Filter": [{ "Name": "tag:Name", "Value": ["web-*", "a b"] }],
                "InstanceId": ["i-1", "i-2", "i-10"],
                "Names": ["x🦀"],
            })
        );
    }

    #[test]
    fn broken_escapes_do_not_panic() {
        for bad in ["%", "%4", "%zz", "a=%", "=", "&&", "..=1", "a.=1", "a=1&a.b=2"] {
            let _ = parse(bad);
        }
    }
}
