//! Selections over results, in JMESPath: the language of `aws --query`, which operators already know.

use jmespath::{Rcvar, Variable};
use serde_json::Value;
use std::collections::BTreeMap;

/// Names an expression can use: `question`, the steps' ids, `item`, `found`.
#[derive(Clone, Default)]
pub(super) struct Scope(BTreeMap<String, Rcvar>);

impl Scope {
    /// The scope with one more name.
    #[must_use]
    pub(super) fn with(&self, name: &str, value: &Value) -> Self {
        let mut names = self.0.clone();
        names.insert(
            name.to_owned(),
            Rcvar::new(Variable::from_serializable(value).unwrap_or(Variable::Null)),
        );
        Self(names)
    }

    /// All of it, as expressions see it.
    pub(super) fn data(&self) -> Rcvar {
        Rcvar::new(Variable::Object(self.0.clone()))
    }

    /// What `expression` selects. Null when it cannot be applied to what is there (a column is missing, a function gets the
    /// wrong type): results differ, a runbook must not break on them.
    pub(super) fn select(&self, expression: &str) -> Value {
        let found = jmespath::compile(expression).and_then(|compiled| compiled.search(self.data()));
        found.ok().and_then(|found| serde_json::to_value(&*found).ok()).unwrap_or(Value::Null)
    }

    /// The list `expression` selects; anything else is a list of one, nothing an empty list.
    pub(super) fn list(&self, expression: &str) -> Vec<Value> {
        match self.select(expression) {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            one @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => vec![one],
        }
    }

    /// Whether `expression` holds: not null, false, empty.
    pub(super) fn holds(&self, expression: &str) -> bool {
        is_something(&self.select(expression))
    }
}

/// What JMESPath calls true. Zero is true.
pub(super) fn is_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Number(_) => true,
        Value::String(s) => !s.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// The value at a dotted path; no expression, so that names with odd characters cannot break it.
pub(super) fn path<'a>(value: &'a Value, dotted: &str) -> Option<&'a Value> {
    dotted.split('.').try_fold(value, |value, name| value.get(name))
}

/// The first of each group of items that agree on all of `fields`, at most `take`; first those that mention `prefer`,
/// and those whose name stands in it.
pub(super) fn pick(
    mut items: Vec<Value>,
    fields: &[String],
    take: Option<usize>,
    prefer: Option<&str>,
) -> Vec<Value> {
    if let Some(prefer) = prefer {
        items.sort_by_key(|item| !(mentions(item, prefer) || named_in(item, prefer)));
    }
    let mut seen: Vec<Vec<Option<Value>>> = Vec::new();
    items.retain(|item| {
        let key: Vec<_> = fields.iter().map(|f| path(item, f).cloned()).collect();
        let new = key.is_empty() || !seen.contains(&key);
        seen.push(key);
        new
    });
    items.truncate(take.unwrap_or(usize::MAX));
    items
}

/// Whether some text in `value` contains `needle` as a whole name, in any case: `api` is in `prod/api:7`, not in `rapid` or `api-v2`.
pub(super) fn mentions(value: &Value, needle: &str) -> bool {
    match value {
        Value::String(text) => mentions_text(&text.to_lowercase(), &needle.to_lowercase()),
        Value::Array(items) => items.iter().any(|v| mentions(v, needle)),
        Value::Object(map) => map.values().any(|v| mentions(v, needle)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether a text of `item` stands in `text` as a whole name.
fn named_in(item: &Value, text: &str) -> bool {
    let name = |v: &Value| {
        v.as_str().is_some_and(|v| v.len() >= 3 && mentions_text(&text.to_lowercase(), &v.to_lowercase()))
    };
    item.as_object().is_some_and(|fields| fields.values().any(name))
}

fn mentions_text(text: &str, needle: &str) -> bool {
    let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    !needle.is_empty()
        && text.match_indices(needle).any(|(at, _)| {
            let before = text.get(..at).and_then(|t| t.chars().next_back());
            let after = text.get(at + needle.len()..).and_then(|t| t.chars().next());
            !is_name(before) && !is_name(after)
        })
}

#[cfg(test)]
mod tests {
    use super::{Scope, mentions, pick};
    use serde_json::{Value, json};

    #[test]
    fn selects_over_steps_and_shrugs_at_what_is_missing() {
        let rows = json!({ "rows": [{ "service": "a", "running": 1, "desired": 2 }, { "service": "b", "running": 2, "desired": 2 },
            { "service": "c" }] });
        let scope = Scope::default().with("services", &rows);
        for (expression, want) in [
            ("services.rows[?running < desired].service", json!(["a"])),
            ("length(services.rows)", json!(3)),
            ("nothing.at.all", Value::Null),
            ("length(nothing)", Value::Null),
            ("services.rows[?contains(service, 'b')].running | [0]", json!(2)),
        ] {
            assert_eq!(scope.select(expression), want, "{expression}");
        }
        assert!(scope.holds("services.rows") && !scope.holds("services.rows[?running > `9`]"));
    }

    #[test]
    fn mentions_whole_names_only() {
        for (text, needle, want) in [
            ("arn:aws:ecs:eu-west-1:123456789012:service/prod/checkout-api", "checkout-api", true),
            ("checkout-api:12", "Checkout-API", true),
            ("checkout-api-v2", "checkout-api", false),
            ("precheckout", "checkout", false),
            ("", "x", false),
            ("x", "", false),
        ] {
            assert_eq!(mentions(&json!({ "a": [text] }), needle), want, "{text} {needle}");
        }
    }

    #[test]
    fn picks_distinct_preferred_and_few() {
        let items = || {
            vec![
                json!({"g":"a","n":1}),
                json!({"g":"a","n":2}),
                json!({"g":"b","n":3}),
                json!({"g":"web","n":4}),
            ]
        };
        let fields = ["g".to_owned()];
        assert_eq!(pick(items(), &fields, Some(2), None), [json!({"g":"a","n":1}), json!({"g":"b","n":3})]);
        assert_eq!(pick(items(), &fields, Some(1), Some("web")), [json!({"g":"web","n":4})]);
        let rows = || vec![json!({"id":"b"}), json!({"id":"orders-db"}), json!({"id":"db"})];
        assert_eq!(
            pick(rows(), &[], Some(1), Some("DBInstanceIdentifier=orders-db")),
            [json!({"id":"orders-db"})]
        );
        assert_eq!(pick(items(), &[], None, None).len(), 4);
    }
}
