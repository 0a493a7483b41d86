//! The operator's own runbooks: `*.toml` in the folder `runbooks` beside the settings.

use crate::config::{Env, user_file};
use quarterdeck_aws::registry;
use quarterdeck_core::tool::Catalogue;
use quarterdeck_model::offline::{Runbook, RunbookError};
use std::fs;
use std::path::{Path, PathBuf};

/// Files that are read; more is no folder of runbooks.
const MOST: usize = 200;

/// What the folder holds.
#[derive(Debug, Default)]
pub struct Own {
    /// Runbooks that can be used.
    pub good: Vec<Runbook>,
    /// Where each of them is from.
    pub files: Vec<PathBuf>,
    /// What is wrong with the others: file, line, mistake.
    pub mistakes: Vec<RunbookError>,
}

/// Where the operator's runbooks are, whether there are any or not.
#[must_use]
pub fn folder(env: Env<'_>) -> Option<PathBuf> {
    user_file(env).map(|file| file.with_file_name("runbooks"))
}

/// The operator's runbooks. One with a mistake is left out; of two with one name, the first by its file's name is taken.
#[must_use]
pub fn own(env: Env<'_>) -> Own {
    let Some(folder) = folder(env).filter(|folder| folder.is_dir()) else { return Own::default() };
    let entries = fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok).map(|e| e.path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    read(files.into_iter().take(MOST), &registry::catalogue())
}

/// Reads and checks these files; their names must differ.
#[must_use]
pub fn read(files: impl IntoIterator<Item = PathBuf>, tools: &Catalogue) -> Own {
    let mut own = Own::default();
    for path in files {
        match one(&path, tools) {
            Ok(runbook) => match own.good.iter().position(|other| other.name == runbook.name) {
                Some(taken) => {
                    let other = own.files.get(taken).map(|f| f.display().to_string()).unwrap_or_default();
                    let message =
                        format!("the name {:?} is that of {other} too: choose another", runbook.name);
                    own.mistakes.push(RunbookError { file: path.display().to_string(), line: 1, message });
                }
                None => {
                    own.good.push(runbook);
                    own.files.push(path);
                }
            },
            Err(mistakes) => own.mistakes.extend(mistakes),
        }
    }
    own
}

fn one(path: &Path, tools: &Catalogue) -> Result<Runbook, Vec<RunbookError>> {
    let file = path.display().to_string();
    let unread = |message| vec![RunbookError { file: file.clone(), line: 1, message }];
    let bytes = fs::read(path).map_err(|error| unread(format!("it cannot be read: {error}")))?;
    let text =
        String::from_utf8(bytes).map_err(|_| unread("it is not UTF-8: save it as UTF-8".to_owned()))?;
    Runbook::own(&file, &text, tools)
}

/// What the operator is told when the console opens: a line for each file with a mistake, its first one.
#[must_use]
pub fn remarks(own: &Own) -> Vec<String> {
    let mut files: Vec<&str> = own.mistakes.iter().map(|m| m.file.as_str()).collect();
    files.dedup();
    let of = |file: &str| {
        let wrong: Vec<&RunbookError> = own.mistakes.iter().filter(|m| m.file == file).collect();
        let first = wrong.first()?;
        let name = Path::new(file).file_name().map_or(file.into(), |name| name.to_string_lossy());
        let many = if wrong.len() > 1 { format!(" ({} mistakes)", wrong.len()) } else { String::new() };
        Some(format!("runbook {name}:{} is left out{many}: {}", first.line, first.message))
    };
    files.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::{folder, own, remarks};
    use std::fs;

    const GOOD: &str = "name = \"mine\"\nabout = \"a\"\nexamples = [\"my thing\"]\n[ask]\nphrases = [\"my thing\"]\n[[step]]\nid = \"s\"\n\
                        round = 1\ntool = \"list_ec2_instances\"\nbecause = \"b\"\n[[answer]]\n[[answer.line]]\ntext = \"t\"\n";

    #[test]
    fn a_file_with_mistakes_is_told_once_and_the_others_are_read() {
        let place = tempfile::tempdir().unwrap();
        let config = place.path().join("config.toml").display().to_string();
        let env = |name: &str| (name == "QUARTERDECK_CONFIG").then(|| config.clone());
        let runbooks = folder(&env).unwrap();
        assert_eq!(runbooks, place.path().join("runbooks"));
        assert!(own(&env).good.is_empty() && own(&env).mistakes.is_empty(), "there need not be any");
        fs::create_dir(&runbooks).unwrap();
        for (file, text) in [
            ("b.toml", GOOD.as_bytes()),
            ("a.toml", GOOD.replace("tool =", "tol =").as_bytes()),
            ("c.toml", GOOD.replace("\"mine\"", "\"other\"").as_bytes()),
            ("d.toml", GOOD.as_bytes()),
            ("e.toml", b"name = \"\xff\""),
            ("notes.txt", b"not a runbook"),
        ] {
            fs::write(runbooks.join(file), text).unwrap();
        }
        fs::create_dir(runbooks.join("f.toml")).unwrap();
        let own = own(&env);
        let names: Vec<&str> = own.good.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["mine", "other"]);
        assert!(own.good.iter().all(|r| r.own));
        let told = remarks(&own);
        assert_eq!(told.len(), 4, "{told:#?}");
        for (remark, parts) in told.iter().zip([
            &["runbook a.toml:6 is left out (2 mistakes): `tool` is missing"][..],
            &["runbook d.toml:1 is left out: ", "b.toml too"],
            &["runbook e.toml:1 is left out: ", "UTF-8"],
            &["runbook f.toml:1 is left out: ", "cannot be read"],
        ]) {
            for part in parts {
                assert!(remark.contains(part), "{part}: {remark}");
            }
        }
    }
}
