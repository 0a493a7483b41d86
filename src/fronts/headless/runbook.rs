//! `quarterdeck runbook check | list | show`.

use super::{Exit, line, progress};
use crate::config::Env;
use crate::runbooks;
use quarterdeck_core::text::{nearest, visible, visible_lines};
use quarterdeck_core::tool::Catalogue;
use quarterdeck_model::offline::{Offline, Runbook, outline, shipped, summary};
use std::path::PathBuf;

/// Checks files: what each matches and calls, or every mistake on stderr.
///
/// # Errors
/// stdout cannot be written.
pub fn check(files: &[PathBuf], tools: &Catalogue) -> anyhow::Result<Exit> {
    let read = runbooks::read(files.iter().cloned(), tools);
    let all = Offline::with_runbooks(read.good.clone());
    for (runbook, file) in read.good.iter().zip(&read.files) {
        let replaces = embedded().any(|(_, _, shipped)| shipped.name == runbook.name);
        let replaces = if replaces { " (in place of the shipped runbook of this name)" } else { "" };
        line(&visible_lines(&format!("{}: fine{replaces}\n{}", file.display(), summary(runbook))))?;
        for example in &runbook.examples {
            if let Some(other) = all.chosen(example).filter(|name| *name != runbook.name) {
                let note =
                    format!("  note      {example:?} goes to {other}, which matches more of it: add phrases");
                line(&visible(&note))?;
            }
        }
    }
    for mistake in &read.mistakes {
        progress(&mistake.to_string());
    }
    Ok(if read.mistakes.is_empty() { Exit::Answered } else { Exit::Failed })
}

/// Every runbook: its name, what it is for, and where it is from.
///
/// # Errors
/// stdout cannot be written.
pub fn list(env: Env<'_>) -> anyhow::Result<Exit> {
    let own = runbooks::own(env);
    let mut rows: Vec<[String; 3]> = Vec::new();
    for (runbook, file) in own.good.iter().zip(&own.files) {
        rows.push([runbook.name.clone(), outline(runbook), file.display().to_string()]);
    }
    for (_, _, runbook) in embedded() {
        let replaced = own.good.iter().any(|mine| mine.name == runbook.name);
        let from = if replaced { "embedded, replaced by yours" } else { "embedded" };
        rows.push([runbook.name.clone(), outline(&runbook), from.to_owned()]);
    }
    let wide = |column: usize| {
        rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let (names, words) = (wide(0), wide(1));
    for [name, said, from] in &rows {
        line(&visible(format!("{name:<names$}  {said:<words$}  {from}").trim_end()))?;
    }
    for mistake in &own.mistakes {
        progress(&mistake.to_string());
    }
    Ok(if own.mistakes.is_empty() { Exit::Answered } else { Exit::Partial })
}

/// A runbook's file as it is: a start for one's own.
///
/// # Errors
/// stdout cannot be written.
pub fn show(name: &str, env: Env<'_>) -> anyhow::Result<Exit> {
    let own = runbooks::own(env);
    let mine = own.good.iter().zip(&own.files).find(|(runbook, _)| runbook.name == name);
    let text = match mine {
        Some((_, file)) => Some(std::fs::read_to_string(file)?),
        None => embedded().find(|(_, _, runbook)| runbook.name == name).map(|(_, text, _)| text.to_owned()),
    };
    let Some(text) = text else {
        let all: Vec<Runbook> =
            own.good.into_iter().chain(embedded().map(|(_, _, runbook)| runbook)).collect();
        let near = nearest(name, all.iter().map(|r| r.name.as_str()), 3).join(", ");
        progress(&format!(
            "there is no runbook {name:?}: did you mean {near}? `quarterdeck runbook list` lists all"
        ));
        return Ok(Exit::Usage);
    };
    line(visible_lines(&text).trim_end())?;
    Ok(Exit::Answered)
}

/// The runbooks that come with the console: file, text, and what is read of it.
fn embedded() -> impl Iterator<Item = (&'static str, &'static str, Runbook)> {
    shipped().filter_map(|(file, text)| Some((file, text, Runbook::parse(file, text).ok()?)))
}
