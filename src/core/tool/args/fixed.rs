//! Arguments that are known before a call: whether they fit a tool's schema.

use super::{ArgsError, Fields, Kind, kind_words, quoted};
use crate::text::nearest;
use serde_json::{Map, Value};

/// Whether `value` may stand in the field `name` of a tool with this schema. Null stands for what is not known yet, and
/// fits everything.
///
/// # Errors
/// There is no such field (with the nearest name), or it takes something else.
pub fn fits(schema: &Value, name: &str, value: &Value) -> Result<(), ArgsError> {
    let fields = Fields { root: schema };
    let Some((_, field)) = fields.properties().find(|(field, _)| *field == name) else {
        let names: Vec<&str> = fields.properties().map(|(field, _)| field.as_str()).collect();
        let near = nearest(name, names, 1).join("");
        let hint =
            if near.is_empty() { "this tool takes none".to_owned() } else { format!("did you mean {near}?") };
        return Err(ArgsError(format!("there is no argument {}: {hint}", quoted(name))));
    };
    let kind = fields.kind(field, 0);
    if is(value, &kind) {
        return Ok(());
    }
    let takes = match &kind {
        Kind::List(item) => format!("a list, each {}", kind_words(item)),
        Kind::Pairs => "a table of texts".to_owned(),
        Kind::Bool | Kind::Whole(_) | Kind::Number | Kind::Text | Kind::OneOf(_) | Kind::Json => {
            kind_words(&kind)
        }
    };
    let given = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Err(ArgsError(format!("{name} takes {takes}, not {}", quoted(&given))))
}

/// Fields that a tool with this schema needs and `given` has not.
#[must_use]
pub fn lacking(schema: &Value, given: &Map<String, Value>) -> Vec<String> {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    required.filter_map(Value::as_str).filter(|f| !given.contains_key(*f)).map(str::to_owned).collect()
}

fn is(value: &Value, kind: &Kind) -> bool {
    match (kind, value) {
        (_, Value::Null) | (Kind::Json, _) => true,
        (Kind::Bool, value) => value.is_boolean(),
        #[allow(clippy::cast_precision_loss)]
        (Kind::Whole((least, most)), value) => value
            .as_i64()
            .map(|n| n as f64)
            .is_some_and(|n| least.is_none_or(|least| n >= least) && most.is_none_or(|most| n <= most)),
        (Kind::Number, value) => value.is_number(),
        (Kind::Text, value) => value.is_string(),
        (Kind::OneOf(words), value) => value.as_str().is_some_and(|text| words.iter().any(|w| w == text)),
        (Kind::List(item), value) => value.as_array().is_some_and(|all| all.iter().all(|one| is(one, item))),
        (Kind::Pairs, value) => {
            value.as_object().is_some_and(|map| map.values().all(|v| v.is_string() || v.is_null()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{fits, lacking};
    use serde_json::json;

    #[test]
    fn what_fits_and_what_does_not() {
        let schema = json!({
            "properties": {
                "since": {"type": "string"},
                "limit": {"type": ["integer", "null"], "minimum": 1, "maximum": 50},
                "ids": {"type": "array", "items": {"type": "string"}},
                "status": {"$ref": "#/$defs/Status"},
                "only": {"type": "boolean"},
                "tags": {"type": "object", "additionalProperties": {"type": "string"}},
            },
            "required": ["ids"],
            "$defs": {"Status": {"enum": ["Active", "Inactive"]}},
        });
        for (name, value, wrong) in [
            ("since", json!("2h"), ""),
            ("since", json!(null), ""),
            ("since", json!(2), "since takes text, not \"2\""),
            ("sinse", json!("2h"), "did you mean since?"),
            ("limit", json!(50), ""),
            ("limit", json!(51), "a whole number from 1 to 50"),
            ("ids", json!(["a", null]), ""),
            ("ids", json!("a"), "a list, each text"),
            ("ids", json!([1]), "a list, each text"),
            ("status", json!("Active"), ""),
            ("status", json!("active"), "one of Active, Inactive"),
            ("only", json!("true"), "true or false"),
            ("tags", json!({"a": "b"}), ""),
            ("tags", json!({"a": 1}), "a table of texts"),
        ] {
            let said = fits(&schema, name, &value).map_err(|e| e.to_string());
            match said {
                Ok(()) => assert_eq!(wrong, "", "{name} {value}"),
                Err(said) => assert!(!wrong.is_empty() && said.contains(wrong), "{name} {value}: {said}"),
            }
        }
        assert_eq!(lacking(&schema, json!({"since": "2h"}).as_object().unwrap()), ["ids"]);
    }
}
