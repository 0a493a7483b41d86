//! A file to upload.

use super::{Files, never, path};
use crate::given;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file to upload, as it was when it was looked at.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it really is.
    pub path: PathBuf,
    /// Whether that is in the folder for uploads.
    pub inside: bool,
    /// Bytes.
    pub size: u64,
    /// Last changed.
    pub modified: Option<Timestamp>,
    /// Device, file number, and when contents or attributes last changed: what no other file shares.
    identity: (u64, u64, i64, i64),
}

impl Files {
    /// The file `given` names: relative to the folder for uploads, links followed.
    ///
    /// # Errors
    /// `missing`: there is none. `invalid`: it is no plain file. `refused`: it is one that is never read.
    pub fn source(&self, given: &str) -> Result<Source, Fault> {
        let path = self.absolute("source", given, &self.uploads)?;
        let fail = |e: &io::Error| unreadable(&path, e, &self.uploads);
        // Judged before it is looked at: whether there is something is nobody's business either.
        never::check(self, &path)?;
        let real = path.canonicalize().map_err(|e| fail(&e))?;
        never::check(self, &real)?;
        let meta = std::fs::metadata(&real).map_err(|e| fail(&e))?;
        if !meta.is_file() {
            let what = if meta.is_dir() { "a folder" } else { "no plain file" };
            return Err(Fault::new(FaultKind::Invalid, format!("{} is {what}", real.display()))
                .hint("send `source` as one file; pack a folder first, as with tar"));
        }
        never::check_links(self, &real, &meta)?;
        let inside = path::inside(&real, &self.uploads);
        Ok(Source::of(real, inside, &meta))
    }
}

impl Source {
    fn of(path: PathBuf, inside: bool, meta: &Metadata) -> Self {
        Self { path, inside, size: meta.len(), modified: modified(meta), identity: identity(meta) }
    }

    /// Whether an open file is this one, unchanged.
    #[must_use]
    pub fn is(&self, open: &Metadata) -> bool {
        self.size == open.len() && self.identity == identity(open)
    }
}

fn identity(meta: &Metadata) -> (u64, u64, i64, i64) {
    (meta.dev(), meta.ino(), meta.mtime(), meta.mtime_nsec())
}

/// When a file was last changed.
pub(super) fn modified(meta: &Metadata) -> Option<Timestamp> {
    let since = meta.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp::default().plus(since))
}

fn unreadable(path: &Path, error: &io::Error, uploads: &Path) -> Fault {
    let shown = given::shown(&path.display().to_string());
    match error.kind() {
        io::ErrorKind::NotFound => Fault::new(FaultKind::Missing, format!("there is no file {shown}"))
            .hint(format!("send a path below {}, or an absolute one", uploads.display())),
        io::ErrorKind::PermissionDenied => {
            Fault::new(FaultKind::Invalid, format!("{shown} may not be read: {error}"))
                .hint("send a file that you may read")
        }
        _ => Fault::new(FaultKind::Invalid, format!("{shown}: {error}")).hint("send the path of one file"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    struct Home {
        _folder: tempfile::TempDir,
        root: PathBuf,
        files: Files,
    }

    fn home() -> Home {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for below in [".aws", ".ssh", "uploads/sub", "state", "work"] {
            fs::create_dir_all(root.join(below)).unwrap();
        }
        for file in [".aws/credentials", ".ssh/id_ed25519", "state/journal.db", "uploads/a.txt", "work/b.txt"]
        {
            fs::write(root.join(file), "x").unwrap();
        }
        let mut files = Files::in_folders(&root.join("downloads"), &root.join("uploads"));
        files.home = Some(root.clone());
        files.never.push(root.join("state"));
        Home { _folder: folder, root, files }
    }

    #[test]
    fn files_in_the_folder_and_outside() {
        let home = home();
        for (given, inside) in [("a.txt", true), ("~/uploads/a.txt", true), ("~/work/b.txt", false)] {
            let source = home.files.source(given).unwrap();
            assert_eq!((source.inside, source.size), (inside, 1), "{given}");
        }
        symlink(home.root.join("work/b.txt"), home.root.join("uploads/link")).unwrap();
        let source = home.files.source("link").unwrap();
        assert_eq!(
            (source.path, source.inside),
            (home.root.join("work/b.txt"), false),
            "where it really is counts"
        );
        symlink(home.root.join("uploads"), home.root.join("other")).unwrap();
        assert!(home.files.source(home.root.join("other/a.txt").to_str().unwrap()).unwrap().inside);
    }

    #[test]
    fn what_is_never_read() {
        let home = home();
        let root = home.root.display().to_string();
        symlink(home.root.join(".ssh/id_ed25519"), home.root.join("uploads/key.txt")).unwrap();
        symlink(home.root.join(".aws"), home.root.join("uploads/cloud")).unwrap();
        fs::hard_link(home.root.join(".ssh/id_ed25519"), home.root.join("uploads/hard.txt")).unwrap();
        for given in [
            "~/.aws/credentials",
            "~/.aws/no-such-file",
            &format!("{root}/.ssh/id_ed25519"),
            &format!("{root}//.ssh/./id_ed25519"),
            &format!("{root}/state/journal.db"),
            "key.txt",
            "cloud/credentials",
            "hard.txt",
            "/proc/self/environ",
            "/dev/stdin",
        ] {
            let fault = home.files.source(given).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Refused, "{given}: {fault}");
        }
        // A name that only begins like one is something else.
        fs::create_dir(home.root.join(".awsome")).unwrap();
        fs::write(home.root.join(".awsome/a"), "x").unwrap();
        assert!(!home.files.source("~/.awsome/a").unwrap().inside);
        fs::hard_link(home.root.join("work/b.txt"), home.root.join("uploads/b.txt")).unwrap();
        assert!(home.files.source("b.txt").is_ok(), "two names of a harmless file");
    }

    #[test]
    fn what_is_no_file() {
        let home = home();
        for (given, kind) in [
            ("no-such-file", FaultKind::Missing),
            ("sub", FaultKind::Invalid),
            ("../work/b.txt", FaultKind::Invalid),
            ("sub/../../work/b.txt", FaultKind::Invalid),
            ("~root/x", FaultKind::Invalid),
        ] {
            let fault = home.files.source(given).unwrap_err();
            assert_eq!(fault.kind, kind, "{given}: {fault}");
            assert!(fault.hint.is_some(), "{given}");
        }
        assert_eq!(Files::default().source("a.txt").unwrap_err().kind, FaultKind::Invalid);
    }

    #[test]
    fn a_file_that_changed_is_another() {
        let home = home();
        let source = home.files.source("a.txt").unwrap();
        let path = home.root.join("uploads/a.txt");
        assert!(source.is(&fs::metadata(&path).unwrap()));
        fs::write(home.root.join("uploads/new"), "y").unwrap();
        fs::rename(home.root.join("uploads/new"), &path).unwrap();
        assert!(!source.is(&fs::metadata(&path).unwrap()));
    }
}
