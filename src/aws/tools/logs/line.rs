//! One line as people read it: its level, and JSON as words.

use crate::tools::reading::words;
use serde_json::{Map, Value};

/// Bytes kept of one line. CloudWatch Logs takes lines of a megabyte.
pub const LONGEST: usize = 64 * 1024;
/// Where a plain line's level is looked for, in bytes.
const HEAD: usize = 200;

/// How bad a line says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Fatal,
    Error,
    Warn,
    Info,
    Debug,
    /// It does not say.
    None,
}

impl Level {
    /// As counted.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Fatal => "FATAL",
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::None => "no level",
        }
    }

    /// 3 died, 2 failed, 1 worth a look, 0 fine.
    pub const fn urgency(self) -> u8 {
        match self {
            Self::Fatal => 3,
            Self::Error => 2,
            Self::Warn => 1,
            Self::Info | Self::Debug | Self::None => 0,
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Some(match word.to_ascii_uppercase().as_str() {
            "FATAL" | "CRITICAL" | "CRIT" | "PANIC" | "EMERG" | "EMERGENCY" | "ALERT" => Self::Fatal,
            "ERROR" | "ERR" | "SEVERE" => Self::Error,
            "WARN" | "WARNING" => Self::Warn,
            "INFO" | "NOTICE" | "INFORMATION" => Self::Info,
            "DEBUG" | "TRACE" | "VERBOSE" => Self::Debug,
            _ => return None,
        })
    }

    /// Numbers as pino and bunyan write them.
    const fn of_number(number: i64) -> Option<Self> {
        match number {
            60 => Some(Self::Fatal),
            50 => Some(Self::Error),
            40 => Some(Self::Warn),
            30 => Some(Self::Info),
            10 | 20 => Some(Self::Debug),
            _ => None,
        }
    }
}

/// A line's text and level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub level: Level,
    /// Whether the line is longer than what is kept of it.
    pub cut: bool,
}

impl Line {
    /// `raw` as AWS sent it.
    pub fn of(raw: &str) -> Self {
        let raw = raw.trim_end_matches(['\n', '\r']);
        let cut = raw.len() > LONGEST;
        if !cut && let Some(line) = json(raw) {
            return line;
        }
        let text = words::cut(raw, LONGEST);
        Self { level: level(&text), text: text.into_owned(), cut }
    }
}

/// The level a plain line names: a word in capitals near its beginning, or what only failures print.
fn level(text: &str) -> Level {
    let head = text.get(..text.floor_char_boundary(HEAD)).unwrap_or_default();
    let mut words = head.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    let mut first = true;
    let named = words.find_map(|word| {
        // `error: ...` begins a line in lower case; elsewhere a lower-case word is prose.
        let shouted = std::mem::take(&mut first) || word.chars().all(|c| c.is_ascii_uppercase());
        Level::of_word(word).filter(|_| shouted)
    });
    let keyed = ["level=", "severity=", "lvl="].iter().find_map(|key| {
        let (_, value) = head.split_once(key)?;
        Level::of_word(value.trim_start_matches('"').split(|c: char| !c.is_ascii_alphabetic()).next()?)
    });
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    match keyed.or(named) {
        Some(level) => level,
        None if has(&["panicked at", "panic:", "Out of memory", "OutOfMemoryError"]) => Level::Fatal,
        None if has(&["Exception", "Traceback", "Unhandled", "Error:", "error:", "Task timed out"]) => {
            Level::Error
        }
        None => Level::None,
    }
}

/// `{"level":"error","msg":"no route","host":"db"}` as `ERROR no route host=db`. The names of all other fields stay, so
/// that a secret is still known by its name.
fn json(raw: &str) -> Option<Line> {
    if !raw.trim_start().starts_with('{') {
        return None;
    }
    let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(raw) else { return None };
    let said = take(&mut fields, &["level", "severity", "lvl", "log.level", "levelname", "loglevel"]);
    let named = match &said {
        Some(Value::String(word)) => Level::of_word(word),
        Some(Value::Number(number)) => number.as_i64().and_then(Level::of_number),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
    };
    let message = take(&mut fields, &["message", "msg", "event"]);
    for when in ["timestamp", "time", "@timestamp", "ts"] {
        fields.remove(when);
    }
    let mut parts: Vec<String> = Vec::new();
    match (named, &said) {
        (Some(level), _) => parts.push(level.label().to_owned()),
        (None, Some(other)) => parts.push(format!("level={}", value(other))),
        (None, None) => {}
    }
    match message {
        Some(Value::String(text)) => parts.push(text),
        Some(other) => parts.push(other.to_string()),
        None => {}
    }
    let failure =
        fields.keys().any(|k| matches!(k.as_str(), "error" | "err" | "exception" | "stack" | "stack_trace"));
    parts.extend(fields.iter().map(|(name, v)| format!("{name}={}", value(v))));
    let text = parts.join(" ");
    let level = named.unwrap_or_else(|| match level(&text) {
        Level::None if failure => Level::Error,
        level => level,
    });
    Some(Line { text, level, cut: false })
}

fn take(fields: &mut Map<String, Value>, names: &[&str]) -> Option<Value> {
    let name = fields.keys().find(|k| names.contains(&k.to_ascii_lowercase().as_str())).cloned()?;
    fields.remove(&name)
}

/// A value behind `name=`: bare where it is one word, otherwise as JSON, so that its end is plain to see.
fn value(of: &Value) -> String {
    match of {
        Value::String(text) if !text.is_empty() && text.chars().all(is_bare) => text.clone(),
        other => other.to_string(),
    }
}

fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_./:@+%~#".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_plain_lines() {
        for (text, level) in [
            ("2026-11-20T03:04:05Z ERROR payment failed", Level::Error),
            ("[FATAL] DB_URL is not set", Level::Fatal),
            ("error: no such file", Level::Error),
            ("INFO retry after error", Level::Info),
            ("no errors today", Level::None),
            ("GET /cart 200", Level::None),
            ("ts=1 level=warn msg=slow", Level::Warn),
            ("level=info msg=\"ERROR count\" n=0", Level::Info),
            ("Traceback (most recent call last):", Level::Error),
            ("java.lang.IllegalStateException: closed", Level::Error),
            ("java.lang.OutOfMemoryError: heap", Level::Fatal),
            ("thread 'main' panicked at src/main.rs:1", Level::Fatal),
            ("", Level::None),
        ] {
            assert_eq!(Line::of(text).level, level, "{text}");
        }
    }

    #[test]
    fn json_lines_read_as_words() {
        for (raw, text, level) in [
            (
                r#"{"time":1,"level":"error","msg":"no route","host":"db"}"#,
                "ERROR no route host=db",
                Level::Error,
            ),
            (r#"{"level":50,"msg":"boom"}"#, "ERROR boom", Level::Error),
            (r#"{"severity":"odd","message":"x"}"#, "level=odd x", Level::None),
            (r#"{"message":"ok","a":{"b":1},"c":"two words"}"#, r#"ok a={"b":1} c="two words""#, Level::None),
            (r#"{"stack":"at x"}"#, r#"stack="at x""#, Level::Error),
            ("{not json", "{not json", Level::None),
        ] {
            assert_eq!(Line::of(raw), Line { text: text.into(), level, cut: false }, "{raw}");
        }
    }

    #[test]
    fn a_secret_in_json_is_still_one_afterwards() {
        use quarterdeck_core::text::Redactor;
        for raw in [
            r#"{"msg":"login","password":"correct horse battery"}"#,
            r#"{"msg":"login","db":{"password":"hunter2hunter2"}}"#,
            r#"{"msg":"login","api_key":"hunter2hunter2"}"#,
        ] {
            let shown = Redactor::new([7; 16]).redact(&Line::of(raw).text).into_owned();
            assert!(!shown.contains("horse") && !shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn a_huge_line_is_cut_between_words_and_says_so() {
        let line = Line::of(&format!("ERROR {}", "word ".repeat(400_000)));
        assert!(line.cut && line.text.len() < LONGEST + 64 && line.level == Level::Error);
        assert!(line.text.ends_with("of 2000006 bytes]"), "{} bytes", line.text.len());
        let split = format!("{} AKIAIOSFODNN7EXAMPLE", "x".repeat(LONGEST - 5));
        assert!(!Line::of(&split).text.contains("AKIA"));
    }
}
