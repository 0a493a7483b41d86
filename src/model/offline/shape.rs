//! The shape of a runbook file: which keys it has and what they hold. Finds every mistake at once, with its line.

use quarterdeck_core::text::nearest;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes a file may have.
const MOST: usize = 64 * 1024;

/// What a key holds.
#[derive(Clone, Copy)]
enum Holds {
    Text,
    /// A text that may be empty.
    Title,
    Texts,
    Count,
    Table(&'static [Key]),
    Tables(&'static [Key]),
    /// A table with names of the author's own: arguments, groups.
    Free,
}

/// A key of a table.
struct Key {
    name: &'static str,
    holds: Holds,
    needed: bool,
    /// What to write, for an example.
    write: &'static str,
}

const fn key(name: &'static str, holds: Holds, write: &'static str) -> Key {
    Key { name, holds, needed: false, write }
}

const fn needed(name: &'static str, holds: Holds, write: &'static str) -> Key {
    Key { name, holds, needed: true, write }
}

const RUNBOOK: &[Key] = &[
    needed("name", Holds::Text, "name = \"queues\""),
    needed("about", Holds::Text, "about = \"finds what fills a queue.\""),
    needed("examples", Holds::Texts, "examples = [\"why does the queue grow?\"]"),
    needed("ask", Holds::Table(ASK), "[ask] with words = [\"queue\"]"),
    needed("step", Holds::Tables(STEP), "[[step]] with id, round, tool and because"),
    needed("answer", Holds::Tables(SECTION), "[[answer]] with [[answer.line]] and text"),
    key("not_looked_at", Holds::Texts, "not_looked_at = [\"costs\"]"),
];

const ASK: &[Key] = &[
    key("patterns", Holds::Texts, "patterns = ['\\bqueue (?P<queue>\\S+)']"),
    key("required", Holds::Texts, "required = [\"queue\"]"),
    key("lists", Holds::Texts, "lists = [\"queues\"]"),
    key("meanings", Holds::Free, "[ask.meanings.GROUP]"),
    key("phrases", Holds::Texts, "phrases = [\"queue grows\"]"),
    key("words", Holds::Texts, "words = [\"queue\"]"),
];

const STEP: &[Key] = &[
    needed("id", Holds::Text, "id = \"services\""),
    needed("round", Holds::Count, "round = 1"),
    needed("tool", Holds::Text, "tool = \"list_ecs_services\""),
    key("args", Holds::Free, "args = { since = \"2h\" }"),
    key("when", Holds::Text, "when = \"services.rows\""),
    key("for_each", Holds::Text, "for_each = \"services.rows\""),
    key("distinct", Holds::Texts, "distinct = [\"service\"]"),
    key("take", Holds::Count, "take = 3"),
    key("prefer", Holds::Text, "prefer = \"question.subject\""),
    key("keep", Holds::Free, "keep = { service = \"{question.service}\" }"),
    key("nearest", Holds::Text, "nearest = \"log_group\""),
    needed("because", Holds::Text, "because = \"Alarms tell what hurts\""),
    key("rule", Holds::Text, "rule = \"services short of tasks\""),
    key("say", Holds::Text, "say = \"You asked to stop {question.targets}.\""),
];

const SECTION: &[Key] = &[
    key("title", Holds::Title, "title = \"What is wrong\""),
    key("otherwise", Holds::Text, "otherwise = \"Nothing that these checks can see.\""),
    needed("line", Holds::Tables(LINE), "[[answer.line]] with text = \"...\""),
];

const LINE: &[Key] = &[
    key("when", Holds::Text, "when = \"services.error\""),
    key("for_each", Holds::Text, "for_each = \"services.rows\""),
    key("distinct", Holds::Texts, "distinct = [\"service\"]"),
    key("take", Holds::Count, "take = 5"),
    key("prefer", Holds::Text, "prefer = \"question.subject\""),
    key("find", Holds::Table(FIND), "find = { in = \"changes.rows\", mentions = \"item.service\" }"),
    needed("text", Holds::Text, "text = \"`{item.service}` runs {item.running} tasks [#{item._step}]\""),
];

const FIND: &[Key] = &[
    needed("in", Holds::Text, "in = \"changes.rows\""),
    needed("mentions", Holds::Text, "mentions = \"item.service\""),
];

/// Where the keys of a file are.
pub(super) struct Places {
    /// Where each line begins.
    starts: Vec<usize>,
    /// Lines by path: `step.0.when`.
    lines: BTreeMap<String, usize>,
}

impl Places {
    /// The line of a byte, from 1.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).max(1)
    }

    /// The line of what is at a path, or of what it is in.
    pub(super) fn of(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            match (self.lines.get(path), path.rsplit_once('.')) {
                (Some(line), _) => return *line,
                (None, Some((outer, _))) => path = outer,
                (None, None) => return 1,
            }
        }
    }
}

/// Where everything is, when the file has the shape of a runbook.
///
/// # Errors
/// Every mistake: its line, what is wrong and what to write instead.
pub(super) fn check(text: &str) -> Result<Places, Vec<(usize, String)>> {
    if text.len() > MOST {
        return Err(vec![(1, format!("it is larger than {} KiB: make two runbooks of it", MOST / 1024))]);
    }
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut found = Found { places: Places { starts, lines: BTreeMap::new() }, mistakes: Vec::new() };
    match DeTable::parse(text) {
        Ok(table) => found.table("", table.get_ref(), RUNBOOK, 1),
        // Whatever comes after it may be one only because of it.
        Err(error) => {
            let line = error.span().map_or(1, |span| found.places.line_of(span.start));
            found.mistakes.push((
                line,
                format!("this is not TOML: {}; the rest is read once this is", error.message()),
            ));
        }
    }
    found.mistakes.sort_by_key(|(line, _)| *line);
    if found.mistakes.is_empty() { Ok(found.places) } else { Err(found.mistakes) }
}

struct Found {
    places: Places,
    mistakes: Vec<(usize, String)>,
}

impl Found {
    fn table(&mut self, path: &str, table: &DeTable<'_>, shape: &'static [Key], line: usize) {
        for (name, value) in table {
            let (at, name) = (self.places.line_of(name.span().start), name.get_ref().as_ref());
            let inner = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            match shape.iter().find(|key| key.name == name) {
                Some(key) => self.value(&inner, value, key, at),
                None => {
                    let near = nearest(name, shape.iter().map(|key| key.name), 1).join("");
                    self.mistakes
                        .push((at, format!("there is no key `{name}` here: did you mean `{near}`?")));
                }
            }
        }
        for key in shape.iter().filter(|key| key.needed && !table.contains_key(key.name)) {
            self.mistakes.push((line, format!("`{}` is missing: write {}", key.name, key.write)));
        }
    }

    fn value(&mut self, path: &str, value: &Spanned<DeValue<'_>>, key: &Key, at: usize) {
        self.places.lines.insert(path.to_owned(), at);
        let mut wrong =
            |why: &str| self.mistakes.push((at, format!("`{}` {why}: write {}", key.name, key.write)));
        match (key.holds, value.get_ref()) {
            (Holds::Text, DeValue::String(text)) if text.trim().is_empty() => wrong("is empty"),
            (Holds::Text | Holds::Title, DeValue::String(_)) | (Holds::Count, DeValue::Integer(_)) => {}
            (Holds::Texts, DeValue::Array(items)) => {
                let text =
                    |item: &Spanned<DeValue<'_>>| item.get_ref().as_str().map(|t| !t.trim().is_empty());
                if items.iter().any(|item| text(item).is_none()) {
                    wrong("is a list of texts");
                } else if items.iter().any(|item| text(item) == Some(false)) {
                    wrong("holds an empty text");
                }
            }
            (Holds::Table(shape), DeValue::Table(table)) => self.table(path, table, shape, at),
            (Holds::Tables(shape), DeValue::Array(items)) if items.iter().all(|i| i.get_ref().is_table()) => {
                for (nth, item) in items.iter().enumerate() {
                    let line = self.places.line_of(item.span().start);
                    let inner = format!("{path}.{nth}");
                    self.places.lines.insert(inner.clone(), line);
                    if let DeValue::Table(table) = item.get_ref() {
                        self.table(&inner, table, shape, line);
                    }
                }
            }
            (Holds::Free, DeValue::Table(table)) => {
                for (name, value) in table {
                    let line = self.places.line_of(value.span().start);
                    self.places.lines.insert(format!("{path}.{}", name.get_ref()), line);
                }
            }
            (Holds::Text | Holds::Title, _) => wrong("is a text"),
            (Holds::Texts, _) => wrong("is a list of texts"),
            (Holds::Count, _) => wrong("is a whole number"),
            (Holds::Table(_) | Holds::Free, _) => wrong("is a table"),
            (Holds::Tables(_), _) => wrong("is a list of tables, each under its own heading"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ASK, FIND, Key, LINE, RUNBOOK, SECTION, STEP};
    use crate::offline::runbook::{Find, Line, Runbook, Section, Step};

    /// What serde names when it meets a key that it does not know.
    fn known<T: serde::de::DeserializeOwned>(text: &str) -> String {
        toml::from_str::<T>(text).err().map(|e| e.message().to_owned()).unwrap_or_default()
    }

    #[test]
    fn the_shape_is_what_is_read() {
        for (shape, said) in [
            (RUNBOOK, known::<Runbook>("nothing = 1")),
            (ASK, known::<crate::offline::runbook::Ask>("nothing = 1")),
            (STEP, known::<Step>("nothing = 1")),
            (SECTION, known::<Section>("nothing = 1")),
            (LINE, known::<Line>("nothing = 1")),
            (FIND, known::<Find>("nothing = 1")),
        ] {
            let mut read: Vec<&str> = said.split('`').skip(3).step_by(2).collect();
            let mut shape: Vec<&str> = shape.iter().map(|Key { name, .. }| *name).collect();
            read.sort_unstable();
            shape.sort_unstable();
            assert_eq!(shape, read, "{said}");
        }
    }
}
