//! A file to download to.

use super::{Files, file_name, never, path, source};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

/// The file a download becomes, as the place was when it was looked at.
#[derive(Clone, Debug)]
pub struct Target {
    folder: PathBuf,
    name: String,
    existing: Existing,
    /// Whether it is in the folder for downloads.
    pub inside: bool,
}

/// What is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing.
    Nothing,
    /// A file that is to be overwritten.
    File(Found),
}

/// A file that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Bytes.
    pub size: u64,
    /// Last changed.
    pub modified: Option<Timestamp>,
    identity: (u64, u64, i64),
}

impl Files {
    /// The file that the object `key` becomes in `directory`: below the folder for downloads unless it is absolute.
    ///
    /// # Errors
    /// `invalid`: no such folder outside the one for downloads, `..`, a hidden folder of the home. `conflict`: there is
    /// a file already, or something that is none. `refused`: a place that is never written.
    pub fn target(&self, directory: Option<&str>, key: &str, overwrite: bool) -> Result<Target, Fault> {
        let name = file_name(key)?;
        let wanted = match directory {
            Some(given) => self.absolute("directory", given, &self.downloads)?,
            None => self.absolute("directory", ".", &self.downloads)?,
        };
        never::check(self, &wanted)?;
        let (real, rest) = path::resolve(&wanted).map_err(|e| {
            Fault::new(FaultKind::Invalid, format!("{}: {e}", wanted.display()))
                .hint("send another `directory`")
        })?;
        if !real.is_dir() {
            return Err(Fault::new(FaultKind::Invalid, format!("{} is no folder", real.display()))
                .hint("send `directory` as a folder; the file is named after the key"));
        }
        let missing = !rest.as_os_str().is_empty();
        let folder: PathBuf = if missing { real.join(rest) } else { real };
        let folder: PathBuf = folder.components().filter(|c| !matches!(c, Component::CurDir)).collect();
        let inside = path::inside(&folder, &self.downloads);
        if missing && !inside {
            return Err(Fault::new(FaultKind::Invalid, format!("there is no folder {}", folder.display()))
                .hint(format!("make it first, or send a `directory` below {}", self.downloads.display())));
        }
        if !inside {
            self.not_hidden(&folder)?;
        }
        let path = folder.join(&name);
        never::check(self, &path)?;
        let existing = look(&path)?;
        if existing != Existing::Nothing && !overwrite {
            return Err(Fault::new(FaultKind::Conflict, format!("{} is there already", path.display()))
                .hint("send overwrite: true, or another `directory`"));
        }
        Ok(Target { folder, name, existing, inside })
    }

    /// Hidden folders of the home hold settings and what is started at login.
    fn not_hidden(&self, folder: &Path) -> Result<(), Fault> {
        let Some(home) = self.home.as_deref().and_then(|h| h.canonicalize().ok()) else { return Ok(()) };
        let Ok(below) = folder.strip_prefix(home) else { return Ok(()) };
        if below.components().any(|c| c.as_os_str().to_string_lossy().starts_with('.')) {
            let message = format!("{} is hidden: settings and start-up files are there", folder.display());
            return Err(Fault::new(FaultKind::Refused, message)
                .hint(format!("send a `directory` below {}", self.downloads.display())));
        }
        Ok(())
    }
}

impl Target {
    /// The folder, resolved.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// The file, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        self.path().display().to_string()
    }

    /// The file as a proposal names it.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("file://{}", self.shown())
    }

    /// What is there already.
    #[must_use]
    pub fn existing(&self) -> &Existing {
        &self.existing
    }

    /// The place is as it was when it was looked at.
    ///
    /// # Errors
    /// `conflict`.
    pub(crate) fn still_as_planned(&self) -> Result<(), Fault> {
        if look(&self.path())? == self.existing { Ok(()) } else { Err(self.changed()) }
    }

    /// The place is no longer as it was.
    pub(crate) fn changed(&self) -> Fault {
        let what = match self.existing {
            Existing::Nothing => "is there now",
            Existing::File(_) => "is no longer the file that was to be overwritten",
        };
        Fault::new(FaultKind::Conflict, format!("{} {what}", self.shown()))
            .hint("nothing was written; plan the download again")
    }
}

/// What is at `path` itself: a link is not followed.
fn look(path: &Path) -> Result<Existing, Fault> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => Ok(Existing::File(Found::of(&meta))),
        Ok(meta) => {
            let what =
                if meta.is_dir() { "a folder" } else { "a link or a device, which is not written through" };
            Err(Fault::new(FaultKind::Conflict, format!("{} is {what}", path.display()))
                .hint("send another `directory`"))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Existing::Nothing),
        Err(e) => Err(Fault::new(FaultKind::Invalid, format!("{}: {e}", path.display()))
            .hint("send another `directory`")),
    }
}

impl Found {
    fn of(meta: &Metadata) -> Self {
        Self {
            size: meta.len(),
            modified: source::modified(meta),
            identity: (meta.dev(), meta.ino(), meta.mtime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn home() -> (tempfile::TempDir, PathBuf, Files) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for below in [".aws", ".ssh", ".config/autostart", "downloads", "work", "state"] {
            fs::create_dir_all(root.join(below)).unwrap();
        }
        fs::write(root.join(".bashrc"), "x").unwrap();
        let mut files = Files::in_folders(&root.join("downloads"), &root.join("uploads"));
        files.home = Some(root.clone());
        files.never.push(root.join("state"));
        (folder, root, files)
    }

    #[test]
    fn where_a_download_goes() {
        let (_folder, root, files) = home();
        for (directory, path, inside) in [
            (None, "downloads/a.log", true),
            (Some("incident/7"), "downloads/incident/7/a.log", true),
            (Some("."), "downloads/a.log", true),
            (Some("~/work"), "work/a.log", false),
            (Some("~"), "a.log", false),
        ] {
            let target = files.target(directory, "logs/a.log", false).unwrap();
            assert_eq!((target.path(), target.inside), (root.join(path), inside), "{directory:?}");
        }
        symlink(root.join("work"), root.join("downloads/out")).unwrap();
        let target = files.target(Some("out"), "a.log", false).unwrap();
        assert_eq!((target.path(), target.inside), (root.join("work/a.log"), false), "a link leads outside");
        let target = files.target(None, "deep/.bashrc", false).unwrap();
        assert_eq!(target.path(), root.join("downloads/_bashrc"));
        assert_eq!(
            files.target(Some("~"), ".bashrc", true).unwrap().path(),
            root.join("_bashrc"),
            "never hidden"
        );
    }

    #[test]
    fn where_no_download_goes() {
        let (_folder, root, files) = home();
        symlink(root.join(".ssh"), root.join("downloads/keys")).unwrap();
        symlink(root.join("nowhere"), root.join("downloads/dangling")).unwrap();
        fs::write(root.join("downloads/taken.log"), "x").unwrap();
        symlink(root.join(".bashrc"), root.join("downloads/link.log")).unwrap();
        fs::create_dir(root.join("downloads/folder.log")).unwrap();
        for (directory, key, kind) in [
            (Some("~/.aws"), "config", FaultKind::Refused),
            (Some("~/.ssh"), "authorized_keys", FaultKind::Refused),
            (Some("~/.ssh/new"), "a", FaultKind::Refused),
            (Some("keys"), "authorized_keys", FaultKind::Refused),
            (Some("~/state"), "journal.db", FaultKind::Refused),
            (Some("~/.config/autostart"), "evil.desktop", FaultKind::Refused),
            (Some("/dev/shm"), "a", FaultKind::Refused),
            (Some("dangling"), "a", FaultKind::Invalid),
            (Some("../.aws"), "a", FaultKind::Invalid),
            (Some("a/../../.aws"), "a", FaultKind::Invalid),
            (Some("~/no-such-folder"), "a", FaultKind::Invalid),
            (Some("~/.bashrc"), "a", FaultKind::Invalid),
            (None, "taken.log", FaultKind::Conflict),
            (None, "link.log", FaultKind::Conflict),
            (None, "folder.log", FaultKind::Conflict),
            (None, "a/", FaultKind::Invalid),
        ] {
            let fault = files.target(directory, key, false).unwrap_err();
            assert_eq!(fault.kind, kind, "{directory:?} {key}: {fault}");
            assert!(fault.hint.is_some(), "{directory:?} {key}");
        }
        assert!(files.target(None, "taken.log", true).is_ok());
        assert!(files.target(None, "link.log", true).is_err(), "a link is not written through");
    }
}
