//! A file that is not whole yet: under a temporary name beside its own, renamed when it is, removed when it never will be.

use crate::files::{Existing, Target};
use quarterdeck_core::tool::{Fault, FaultKind};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt as _;

/// For the owner alone.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// A file under way. Dropped before [`Partial::finish`], nothing of it stays.
#[derive(Debug)]
pub struct Partial {
    file: File,
    path: PathBuf,
    target: Target,
    whole: bool,
}

impl Partial {
    /// Begins `target`; `number` tells apart what is under way at the same time.
    pub(super) async fn begin(target: &Target, number: u64) -> Result<Self, Fault> {
        let folder = target.folder();
        if !folder.exists() {
            let made = fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
            made.map_err(|e| disk("the folder could not be made", &e))?;
        }
        // The folder was resolved when it was planned: a link that came since leads elsewhere.
        let now = fs::canonicalize(folder).map_err(|e| disk("the folder is gone", &e))?;
        if now != folder {
            let message = format!("{} leads to {} now", folder.display(), now.display());
            return Err(Fault::new(FaultKind::Conflict, message).hint("plan the download again"));
        }
        target.still_as_planned()?;
        let path = folder.join(format!(".quarterdeck-{}-{number}.part", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&path).await;
        let file = file.map_err(|e| disk("the file could not be created", &e))?;
        Ok(Self { file, path, target: target.clone(), whole: false })
    }

    /// Appends.
    ///
    /// # Errors
    /// The disk is full or refuses.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.file.write_all(bytes).await.map_err(|e| disk("the file could not be written", &e))
    }

    /// It is whole: on the disk, under its own name.
    ///
    /// # Errors
    /// `conflict`: meanwhile there is another file of that name. The disk refuses.
    pub async fn finish(mut self) -> Result<(), Fault> {
        self.file.flush().await.map_err(|e| disk("the file could not be written", &e))?;
        self.file.sync_all().await.map_err(|e| disk("the file could not be made durable", &e))?;
        self.target.still_as_planned()?;
        match self.target.existing() {
            Existing::Nothing => self.name_anew()?,
            Existing::File(_) => fs::rename(&self.path, self.target.path())
                .map_err(|e| disk("the file could not be replaced", &e))?,
        }
        self.whole = true;
        // The name is durable with its folder. Not every file system can: the file itself is.
        if let Ok(folder) = fs::File::open(self.target.folder()) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    /// Gives it its name unless another file has it: a link is made only where there is nothing, a renaming is not.
    fn name_anew(&self) -> Result<(), Fault> {
        match fs::hard_link(&self.path, self.target.path()) {
            Ok(()) => {
                fs::remove_file(&self.path).map_err(|e| disk("the temporary name could not be removed", &e))
            }
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(self.target.changed()),
            // A file system without links.
            Err(_) => {
                self.target.still_as_planned()?;
                fs::rename(&self.path, self.target.path())
                    .map_err(|e| disk("the file could not be named", &e))
            }
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.whole {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What the disk said.
fn disk(what: &str, error: &std::io::Error) -> Fault {
    let fault = Fault::new(FaultKind::Unavailable, format!("{what}: {error}"));
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            fault.hint("make room, or send another `directory`")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            fault.hint("send a `directory` that may be written")
        }
        _ => fault.hint("nothing was kept of it; try again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Files;
    use std::path::Path;

    fn target(folder: &Path, overwrite: bool) -> Target {
        Files::in_folders(folder, folder).target(None, "report.csv", overwrite).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let name = |e: std::io::Result<fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_file_appears_when_it_is_whole() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("incident/7");
        let mut partial = Partial::begin(&target(&below, false), 1).await.unwrap();
        partial.write(b"one,").await.unwrap();
        assert!(!below.join("report.csv").exists());
        assert_eq!(names(&below).len(), 1, "beside its own name");
        partial.write(b"two").await.unwrap();
        partial.finish().await.unwrap();
        assert_eq!(names(&below), ["report.csv"]);
        let path = below.join("report.csv");
        assert_eq!(fs::read(&path).unwrap(), b"one,two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn what_never_becomes_whole_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut partial = Partial::begin(&target(folder.path(), false), 1).await.unwrap();
        partial.write(b"half").await.unwrap();
        drop(partial);
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[tokio::test]
    async fn a_file_that_came_meanwhile_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let mut partial = Partial::begin(&target(folder.path(), false), 1).await.unwrap();
        partial.write(b"ours").await.unwrap();
        fs::write(folder.path().join("report.csv"), "theirs").unwrap();
        assert_eq!(partial.finish().await.unwrap_err().kind, FaultKind::Conflict);
        assert_eq!(names(folder.path()), ["report.csv"]);
        assert_eq!(fs::read_to_string(folder.path().join("report.csv")).unwrap(), "theirs");
        // Nor is one overwritten that is not the one that was looked at.
        let mut partial = Partial::begin(&target(folder.path(), true), 1).await.unwrap();
        partial.write(b"ours").await.unwrap();
        fs::write(folder.path().join("report.csv"), "another one").unwrap();
        assert_eq!(partial.finish().await.unwrap_err().kind, FaultKind::Conflict);
        let mut partial = Partial::begin(&target(folder.path(), true), 1).await.unwrap();
        partial.write(b"ours").await.unwrap();
        partial.finish().await.unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("report.csv")).unwrap(), "ours");
        assert_eq!(names(folder.path()), ["report.csv"]);
    }

    #[tokio::test]
    async fn a_folder_that_became_a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let below = folder.path().join("incident");
        let planned = target(&below, false);
        std::os::unix::fs::symlink(elsewhere.path(), &below).unwrap();
        assert_eq!(Partial::begin(&planned, 1).await.unwrap_err().kind, FaultKind::Conflict);
        assert_eq!(names(elsewhere.path()), [""; 0]);
    }
}
