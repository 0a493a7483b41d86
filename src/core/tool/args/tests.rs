use super::*;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Arguments as a tool declares them.
#[derive(JsonSchema, Deserialize)]
#[allow(dead_code)]
struct Args {
    /// Ids.
    #[serde(default)]
    ids: Vec<String>,
    only_unhealthy: Option<bool>,
    #[serde(default)]
    metrics: bool,
    since: Option<String>,
    limit: Option<u32>,
    ratio: Option<f64>,
    state: Option<State>,
    #[serde(default)]
    states: Vec<State>,
    tag: Option<Tag>,
    #[serde(default)]
    dimensions: std::collections::BTreeMap<String, String>,
    cluster: String,
}

#[derive(JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
enum State {
    /// Runs.
    Running,
    /// Is going down.
    ShuttingDown,
}

#[derive(JsonSchema, Deserialize)]
#[allow(dead_code)]
struct Tag {
    key: String,
}

fn parse(line: &str) -> Result<Value, ArgsError> {
    let schema = serde_json::to_value(schemars::schema_for!(Args)).unwrap();
    from_flags(&schema, &split_line(&format!("--cluster c {line}")).unwrap())
}

#[test]
fn flags_become_typed_json() {
    for (line, expected) in [
        ("", json!({})),
        ("--only-unhealthy", json!({"only_unhealthy": true})),
        ("--only_unhealthy --metrics", json!({"only_unhealthy": true, "metrics": true})),
        ("--only-unhealthy false", json!({"only_unhealthy": false})),
        ("--only-unhealthy=false", json!({"only_unhealthy": false})),
        ("--no-metrics", json!({"metrics": false})),
        ("--ids i-1 --ids i-2", json!({"ids": ["i-1", "i-2"]})),
        ("--ids i-1 i-2 --limit 3", json!({"ids": ["i-1", "i-2"], "limit": 3})),
        (r#"--ids '["i-1","i-2"]' --ids=i-3"#, json!({"ids": ["i-1", "i-2", "i-3"]})),
        ("--dimensions a=1,b=x=y", json!({"dimensions": {"a": "1", "b": "x=y"}})),
        (r#"--dimensions '{"a":"b,c"}'"#, json!({"dimensions": {"a": "b,c"}})),
        ("--since=2h", json!({"since": "2h"})),
        ("--since 'two words'", json!({"since": "two words"})),
        ("--since=a=b", json!({"since": "a=b"})),
        ("--since ''", json!({"since": ""})),
        ("--since -2h", json!({"since": "-2h"})),
        ("--limit 20 --ratio 0.5", json!({"limit": 20, "ratio": 0.5})),
        ("--state running", json!({"state": "running"})),
        ("--state SHUTTING-DOWN", json!({"state": "shutting_down"})),
        ("--states running shutting_down", json!({"states": ["running", "shutting_down"]})),
        (r#"--tag '{"key":"env"}'"#, json!({"tag": {"key": "env"}})),
        ("--Limit 1", json!({"limit": 1})),
    ] {
        let mut expected = expected;
        expected["cluster"] = "c".into();
        assert_eq!(parse(line).unwrap(), expected, "{line}");
        serde_json::from_value::<Args>(expected).unwrap();
    }
}

#[test]
fn errors_say_what_to_send() {
    for (line, message) in [
        ("--limt 3", r#"there is no argument "--limt": did you mean --limit, "#),
        ("--limit", "--limit needs a value: a whole number of at least 0"),
        ("--limit --metrics", "--limit needs a value: "),
        ("--limit many", r#"--limit takes a whole number of at least 0, not "many""#),
        ("--limit -1", r#"not "-1""#),
        ("--limit 1.5", r#"not "1.5""#),
        ("--dimensions a", r#"--dimensions takes key=value,key=value, not "a""#),
        ("--ratio x", r#"--ratio takes a number, not "x""#),
        ("--ratio NaN", r#"--ratio takes a number, not "NaN""#),
        ("--ids", "--ids needs a value: text"),
        ("--ids '[1'", "is not a JSON array"),
        ("--ids '[{}]'", r#"--ids takes text, not "{}""#),
        ("--state runing", r#"one of running, shutting_down, not "runing"; did you mean running?"#),
        ("--metrics=maybe", r#"--metrics is true or false, not "maybe""#),
        ("--limit 1 --limit 2", "--limit is given twice"),
        ("--limit 1 word", r#""word" stands alone: arguments are written --name value"#),
        ("--", r#""--" stands alone"#),
        ("-x", r#""-x" stands alone"#),
        ("--no-limit", r#"there is no argument "--no-limit""#),
        ("--a\u{202e}b 1", "⟨U+202E⟩"),
    ] {
        let error = parse(line).unwrap_err().to_string();
        assert!(error.contains(message), "{line}: {error}");
    }
    let schema = serde_json::to_value(schemars::schema_for!(Args)).unwrap();
    assert_eq!(from_flags(&schema, &[]), Err(ArgsError("it needs --cluster".into())));
    let none = from_flags(&json!({"type": "object"}), &["--x".into()]).unwrap_err().to_string();
    assert!(none.contains("this tool takes none"), "{none}");
}

#[test]
fn circular_references_end() {
    let schema = json!({"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}});
    assert_eq!(from_flags(&schema, &["--a".into(), "[1]".into()]), Ok(json!({"a": [1]})));
}

#[test]
fn lines_split_as_a_shell_splits() {
    let cases: [(&str, &[&str]); 11] = [
        ("", &[]),
        ("  ", &[]),
        ("a  b\tc", &["a", "b", "c"]),
        ("a 'b c' d", &["a", "b c", "d"]),
        (r#"a "b \"c\" \n" d"#, &["a", r#"b "c" \n"#, "d"]),
        (r"a\ b 'c\d'", &["a b", r"c\d"]),
        (r#"--x='y z'"w""#, &["--x=y zw"]),
        ("''", &[""]),
        ("a ''", &["a", ""]),
        ("é 日本", &["é", "日本"]),
        (r#"'"' "'""#, &["\"", "'"]),
    ];
    for (line, words) in cases {
        assert_eq!(split_line(line).unwrap(), words, "{line}");
    }
    for line in ["'a", "\"a", "a\\", "\"a\\"] {
        assert!(split_line(line).is_err(), "{line}");
    }
    for word in ["two words", "it's", "", "$(x)", "a\\b", "\"", "é\n"] {
        assert_eq!(split_line(&crate::text::quote(word)).unwrap(), [word]);
    }
}
