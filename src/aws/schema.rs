//! Arguments: JSON schemas out of types, types out of JSON.

use crate::given as text;
use quarterdeck_core::tool::{Fault, FaultKind};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The JSON schema of `T`: self-contained, `additionalProperties: false`, nothing a model does not need.
#[must_use]
pub fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| {
        s.inline_subschemas = true;
        s.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    if let Some(root) = schema.as_object_mut() {
        root.remove("title");
        root.remove("description");
        root.entry("type").or_insert_with(|| "object".into());
        root.entry("properties").or_insert_with(|| Map::new().into());
        root.insert("additionalProperties".into(), false.into());
    }
    schema
}

/// Optional fields are simply not required: `null` is not offered, defaults and number formats are noise.
fn tidy(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else { return };
    for noise in ["format", "default"] {
        if map.get(noise).is_some_and(|v| noise != "default" || v.is_null()) {
            map.remove(noise);
        }
    }
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|t| t != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            map.insert("type".into(), one);
        }
    }
    if let Some(Value::Array(any)) = map.get_mut("anyOf") {
        any.retain(|s| s.get("type").is_none_or(|t| t != "null"));
        if let [Value::Object(one)] = any.as_slice() {
            let one = one.clone();
            map.remove("anyOf");
            for (key, value) in one {
                map.entry(key).or_insert(value);
            }
        }
    }
    if let Some(Value::Array(values)) = map.get_mut("enum") {
        values.retain(|v| !v.is_null());
    }
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        properties.values_mut().for_each(tidy);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = map.get_mut(inner) {
            tidy(inner);
        }
    }
}

/// `args` as the tool's type. `null` is no arguments.
///
/// # Errors
/// `invalid`: which field, and what to send.
pub fn parse<T: DeserializeOwned + JsonSchema>(args: &Value) -> Result<T, Fault> {
    let args = if args.is_null() { Value::Object(Map::new()) } else { args.clone() };
    if !args.is_object() {
        return Err(Fault::new(FaultKind::Invalid, "the arguments must be a JSON object").hint(fields::<T>()));
    }
    text::check(&args)?;
    serde_json::from_value(args)
        .map_err(|e| Fault::new(FaultKind::Invalid, e.to_string()).hint(fields::<T>()))
}

/// `args` checked and in canonical order.
///
/// # Errors
/// As [`parse`], and what `check` finds.
pub fn canonical<T>(args: &Value, check: fn(&T) -> Result<(), Fault>) -> Result<Value, Fault>
where
    T: DeserializeOwned + Serialize + JsonSchema,
{
    let typed: T = parse(args)?;
    check(&typed)?;
    serde_json::to_value(typed).map_err(|e| Fault::new(FaultKind::Invalid, e.to_string()))
}

/// `send: cluster (string), since (string, required)`.
fn fields<T: JsonSchema>() -> String {
    let schema = of::<T>();
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let fields: Vec<String> = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, field)| {
            let kind = field.get("type").and_then(Value::as_str).unwrap_or("any");
            let must = if required.contains(&name.as_str()) { ", required" } else { "" };
            format!("{name} ({kind}{must})")
        })
        .collect();
    if fields.is_empty() {
        "send {}: it takes no arguments".to_owned()
    } else {
        format!("send: {}", fields.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Colour {
        Red,
        Blue,
    }

    /// Docs of the struct are not for the model.
    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Args {
        /// Which one, e.g. "a".
        id: String,
        /// How many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
        /// Its colour.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        colour: Option<Colour>,
        /// Regions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        regions: Option<Vec<String>>,
    }

    #[test]
    fn the_schema_is_small_and_closed() {
        assert_eq!(
            of::<Args>(),
            json!({
                "type": "object",
                "additionalProperties": false,
                "required": ["id"],
                "properties": {
                    "id": { "type": "string", "description": "Which one, e.g. \"a\"." },
                    "limit": { "type": "integer", "minimum": 0, "description": "How many." },
                    "colour": { "type": "string", "enum": ["red", "blue"], "description": "Its colour." },
                    "regions": { "type": "array", "items": { "type": "string" }, "description": "Regions." },
                }
            })
        );
    }

    #[test]
    fn what_does_not_fit_says_what_to_send() {
        for (args, says) in [
            (json!({ "id": "a", "x": 1 }), "unknown field `x`"),
            (json!({}), "missing field `id`"),
            (json!({ "id": 7 }), "expected a string"),
            (json!({ "id": "a", "colour": "green" }), "unknown variant `green`"),
            (json!([1]), "must be a JSON object"),
        ] {
            let fault = parse::<Args>(&args).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Invalid);
            assert!(fault.message.contains(says), "{fault}");
            assert!(fault.hint.unwrap().contains("id (string, required)"));
        }
    }

    #[test]
    fn canonical_arguments_are_stable() {
        let ok: fn(&Args) -> Result<(), Fault> = |_| Ok(());
        let args = json!({ "regions": null, "limit": 3, "id": "a" });
        let once = canonical(&args, ok).unwrap();
        assert_eq!(once, json!({ "id": "a", "limit": 3 }));
        assert_eq!(canonical(&once, ok).unwrap(), once);
        assert!(canonical::<Args>(&args, |_| Err(Fault::new(FaultKind::Invalid, "no"))).is_err());
    }
}
