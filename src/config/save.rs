//! Writes settings into the user's file: only the keys that changed, everything else as it stands there.

use quarterdeck_core::settings::Value;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item, TomlError};

/// Links followed before they are taken for a circle.
const LINKS: usize = 40;

/// Why nothing was written. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// It cannot be read, or is no file.
    #[error("not saved: {path} cannot be read: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// The system's words.
        why: String,
    },
    /// It is not TOML as it stands.
    #[error("not saved: {path}, line {line}: {why}; put it right first, nothing was written")]
    Unparsable {
        /// The file.
        path: String,
        /// From 1.
        line: usize,
        /// What the parser says.
        why: String,
    },
    /// It is marked as not to be written.
    #[error("not saved: {path} is read-only; chmod u+w makes it writable")]
    ReadOnly {
        /// The file.
        path: String,
    },
    /// It cannot be written.
    #[error("not saved: {path} cannot be written: {why}")]
    Unwritable {
        /// The file or folder.
        path: String,
        /// The system's words.
        why: String,
    },
}

/// Writes `changes` into the file at `path`, made with its folder when there is none. Comments, order and formatting of
/// the rest stay. A link is followed, permissions are kept, and the new file takes the old one's place in one step.
/// Returns the file that was written.
///
/// # Errors
/// It cannot be read, parsed or written: nothing was.
pub fn save(path: &Path, changes: &[(&'static str, Value)]) -> Result<PathBuf, SaveError> {
    let target = followed(path).map_err(|why| unreadable(path, &why))?;
    let old = match fs::metadata(&target) {
        Ok(meta) if !meta.is_file() => {
            return Err(unreadable(&target, &io::Error::other("it is not a file")));
        }
        Ok(meta) => Some(meta),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(unreadable(&target, &error)),
    };
    let text = match &old {
        Some(_) => fs::read_to_string(&target).map_err(|why| unreadable(&target, &why))?,
        None => String::new(),
    };
    let new = changed(&text, changes).map_err(|wrong| match wrong {
        Wrong::Text(error) => SaveError::Unparsable {
            path: target.display().to_string(),
            line: line_of(&text, &error),
            why: error.message().replace('\n', " "),
        },
        Wrong::Table(key) => SaveError::Unparsable {
            path: target.display().to_string(),
            line: text.lines().position(|line| line.contains(key)).map_or(1, |at| at + 1),
            why: format!("{key} is a table, and takes a value"),
        },
    })?;
    if old.is_some() && new == text {
        return Ok(target);
    }
    if old.as_ref().is_some_and(|meta| meta.permissions().readonly()) {
        return Err(SaveError::ReadOnly { path: target.display().to_string() });
    }
    replace(&target, old.as_ref(), &new).map_err(|(place, why)| SaveError::Unwritable {
        path: place.display().to_string(),
        why: why.to_string(),
    })?;
    Ok(target)
}

/// Where a link leads in the end; a link to nothing leads to what it names.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut at = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&at) {
            Ok(to) => at = at.parent().unwrap_or(Path::new("")).join(to),
            // No link, or nothing there at all.
            Err(_) => return Ok(at),
        }
    }
    Err(io::Error::other("its links go in circles"))
}

enum Wrong {
    Text(Box<TomlError>),
    Table(&'static str),
}

/// The text with the changes in it.
fn changed(text: &str, changes: &[(&'static str, Value)]) -> Result<String, Wrong> {
    let mut document: DocumentMut = text.parse().map_err(|e: TomlError| Wrong::Text(Box::new(e)))?;
    for (key, value) in changes {
        let mut new = match value {
            Value::Text(text) => toml_edit::Value::from(text.as_str()),
            Value::Whole(n) => toml_edit::Value::from(i64::try_from(*n).unwrap_or(i64::MAX)),
            Value::Money(n) => toml_edit::Value::from(*n),
        };
        match document.get_mut(key) {
            Some(Item::Value(old)) => {
                *new.decor_mut() = old.decor().clone();
                *old = new;
            }
            Some(Item::Table(_) | Item::ArrayOfTables(_)) => return Err(Wrong::Table(key)),
            Some(Item::None) | None => append(&mut document, key, new),
        }
    }
    let new = document.to_string();
    // A key that is added ends its line as Unix does: in a file of the other kind it does as the rest.
    Ok(if text.contains("\r\n") { new.replace("\r\n", "\n").replace('\n', "\r\n") } else { new })
}

/// Adds a key after the others. Comments of a file that has no key yet stay above it.
fn append(document: &mut DocumentMut, key: &str, value: toml_edit::Value) {
    let above = if document.is_empty() { document.trailing().as_str().map(str::to_owned) } else { None };
    document.insert(key, Item::Value(value));
    if let Some(above) = above.filter(|text| !text.trim().is_empty())
        && let Some(mut key) = document.key_mut(key)
    {
        let end = if above.ends_with('\n') { "" } else { "\n" };
        key.leaf_decor_mut().set_prefix(format!("{above}{end}"));
        document.set_trailing("");
    }
}

fn line_of(text: &str, error: &TomlError) -> usize {
    let at = error.span().map_or(0, |span| span.start);
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

/// Writes beside the file, makes it durable, and puts it in its place. An error says where.
fn replace(target: &Path, old: Option<&fs::Metadata>, text: &str) -> Result<(), (PathBuf, io::Error)> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let at = |place: &Path| {
        let place = place.to_owned();
        move |why: io::Error| (place, why)
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}.new", std::process::id()));
    let written = fill(&beside, old, text).and_then(|()| fs::rename(&beside, target));
    if written.is_err() {
        // Half a file is of no use to anybody; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&beside);
    }
    written.map_err(at(target))?;
    // The name is durable too, where the file system can say so.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

fn fill(path: &Path, old: Option<&fs::Metadata>, text: &str) -> io::Result<()> {
    let mode = old.map_or(0o600, |meta| meta.permissions().mode() & 0o7777);
    // Never through a link that somebody put there.
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    if let Some(old) = old {
        // Only root may give a file away; for anybody else it is theirs already.
        let _ = std::os::unix::fs::chown(path, Some(old.uid()), Some(old.gid()));
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

fn unreadable(path: &Path, why: &io::Error) -> SaveError {
    SaveError::Unreadable { path: path.display().to_string(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    fn saved(before: &str, changes: &[(&'static str, Value)]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, before).unwrap();
        assert_eq!(save(&path, changes).unwrap(), path);
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
        assert_eq!(names, ["config.toml"], "nothing is left beside it");
        fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn only_what_changed_changes() {
        for (before, changes, after) in [
            // Comments, order, odd formatting and what follows on the line stay.
            (
                "# mine\n\niterations   =  3 # few\n# who\nmodel='old'\n\n[accounts] # more\nstaging = \"s\"\n",
                vec![("model", text("new")), ("iterations", Value::Whole(7))],
                "# mine\n\niterations   =  7 # few\n# who\nmodel=\"new\"\n\n[accounts] # more\nstaging = \"s\"\n",
            ),
            // A new key goes above the tables.
            (
                "theme = \"dark\"\n\n[accounts]\na = \"b\"\n",
                vec![("turn_dollars", Value::Money(2.0))],
                "theme = \"dark\"\nturn_dollars = 2.0\n\n[accounts]\na = \"b\"\n",
            ),
            // A file of comments keeps them above what is added, in order.
            (
                "# nothing yet\n",
                vec![("provider", text("openai")), ("model", text("gpt"))],
                "# nothing yet\nprovider = \"openai\"\nmodel = \"gpt\"\n",
            ),
            ("# no line end", vec![("theme", text("light"))], "# no line end\ntheme = \"light\"\n"),
            ("iterations = 3", vec![("theme", text("light"))], "iterations = 3\ntheme = \"light\"\n"),
            (
                "iterations = 3 # no line end",
                vec![("iterations", Value::Whole(4))],
                "iterations = 4 # no line end\n",
            ),
            ("", vec![("effort", text(""))], "effort = \"\"\n"),
            (
                "# dos\r\niterations = 3\r\n",
                vec![("theme", text("light"))],
                "# dos\r\niterations = 3\r\ntheme = \"light\"\r\n",
            ),
            // What would end a text early does not.
            ("", vec![("model", text("a\"b\\c\nd = 1"))], "model = \"\"\"\na\\\"b\\\\c\nd = 1\"\"\"\n"),
        ] {
            let got = saved(before, &changes);
            let read: toml::Table = got.parse().unwrap();
            for (key, value) in &changes {
                let there = &read[*key];
                match value {
                    Value::Text(text) => assert_eq!(there.as_str(), Some(text.as_str()), "{got}"),
                    Value::Whole(n) => assert_eq!(there.as_integer(), i64::try_from(*n).ok(), "{got}"),
                    Value::Money(n) => assert_eq!(there.as_float(), Some(*n), "{got}"),
                }
            }
            if !before.is_empty() || !changes[0].0.starts_with("model") {
                assert_eq!(got, after, "{before:?}");
            }
        }
    }

    #[test]
    fn a_new_file_comes_with_its_folder_and_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/quarterdeck/config.toml");
        save(&path, &[("iterations", Value::Whole(9))]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "iterations = 9\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn permissions_stay_and_links_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("dotfiles/qd.toml"), folder.path().join("config.toml"));
        fs::create_dir(folder.path().join("dotfiles")).unwrap();
        fs::write(&real, "theme = \"dark\"\n").unwrap();
        fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
        // Relative, and through a second one.
        std::os::unix::fs::symlink("dotfiles/qd.toml", folder.path().join("second")).unwrap();
        std::os::unix::fs::symlink("second", &link).unwrap();
        assert_eq!(save(&link, &[("theme", text("light"))]).unwrap(), real);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "the link is a link still");
        assert_eq!(fs::read_to_string(&real).unwrap(), "theme = \"light\"\n");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);

        let (nothing, dangling) = (folder.path().join("dotfiles/new.toml"), folder.path().join("dangling"));
        std::os::unix::fs::symlink("dotfiles/new.toml", &dangling).unwrap();
        save(&dangling, &[("theme", text("light"))]).unwrap();
        assert!(nothing.is_file() && fs::symlink_metadata(&dangling).unwrap().is_symlink());

        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        std::os::unix::fs::symlink(&a, &b).unwrap();
        std::os::unix::fs::symlink(&b, &a).unwrap();
        let error = save(&a, &[("theme", text("light"))]).unwrap_err().to_string();
        assert!(error.contains("circles"), "{error}");
    }

    #[test]
    fn what_cannot_be_is_said_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let change = [("model", text("x"))];
        for (before, parts) in [
            ("iterations = 3\nmodel = \n", &["config.toml, line 2", "nothing was written"][..]),
            ("theme = \"dark\"\n[model]\na = 1\n", &["line 2", "model is a table"]),
        ] {
            fs::write(&path, before).unwrap();
            let error = save(&path, &change).unwrap_err().to_string();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), before);
        }
        fs::write(&path, [0xff, 0xfe]).unwrap();
        let error = save(&path, &change).unwrap_err().to_string();
        assert!(error.contains("cannot be read"), "{error}");

        fs::write(&path, "model = \"x\"\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        assert!(save(&path, &change).is_ok(), "there is nothing to write");
        let error = save(&path, &[("model", text("y"))]).unwrap_err().to_string();
        assert!(error.contains("is read-only; chmod"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "model = \"x\"\n");

        let error = save(folder.path(), &change).unwrap_err().to_string();
        assert!(error.contains("not a file"), "{error}");
        let below_a_file = path.join("config.toml");
        let error = save(&below_a_file, &change).unwrap_err().to_string();
        assert!(error.contains("not saved") && error.contains("config.toml"), "{error}");
        // A folder nobody may write in, root included.
        let error = save(Path::new("/proc/quarterdeck/config.toml"), &change).unwrap_err().to_string();
        assert!(error.starts_with("not saved: /proc/quarterdeck cannot be written: "), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
