//! Files on this machine that tools may read or write: which folders are meant for it, and which places never.

mod name;
mod never;
mod path;
mod source;
mod target;

pub use name::file_name;
pub use source::Source;
pub use target::{Existing, Target};

use quarterdeck_core::tool::{Fault, FaultKind};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Where files may come from and go to.
#[derive(Clone, Debug)]
pub struct Files {
    /// Where downloads go unless another folder is named. Absolute; made when first needed.
    pub downloads: PathBuf,
    /// Where uploads come from; a file elsewhere needs the typed code. Absolute.
    pub uploads: PathBuf,
    /// What `~` means.
    pub home: Option<PathBuf>,
    /// Never read and never written, beside what is known to hold credentials: the console's own state and settings.
    pub never: Vec<PathBuf>,
    /// Bytes an upload from a URL may have.
    pub url_limit: u64,
    /// Which addresses a URL may lead to.
    pub reachable: fn(IpAddr) -> bool,
}

/// Bytes an upload from a URL may have unless the settings say otherwise.
pub const URL_LIMIT: u64 = 1024 * 1024 * 1024;

impl Default for Files {
    /// No folders: every place is named in full, and lies outside.
    fn default() -> Self {
        Self {
            downloads: PathBuf::new(),
            uploads: PathBuf::new(),
            home: None,
            never: Vec::new(),
            url_limit: URL_LIMIT,
            reachable: crate::fetch::is_public,
        }
    }
}

impl Files {
    /// Downloads go to `downloads`, uploads come from `uploads`; the home is theirs.
    #[cfg(test)]
    pub(crate) fn in_folders(downloads: &Path, uploads: &Path) -> Self {
        Self { downloads: downloads.to_owned(), uploads: uploads.to_owned(), ..Self::default() }
    }

    /// `given` as an absolute path without `..`; relative to `folder`.
    fn absolute(&self, field: &str, given: &str, folder: &Path) -> Result<PathBuf, Fault> {
        let invalid = |message: String, hint: &str| Err(Fault::new(FaultKind::Invalid, message).hint(hint));
        let path = match given.strip_prefix('~') {
            None => folder.join(given),
            Some(rest) if rest.is_empty() || rest.starts_with('/') => match &self.home {
                Some(home) => home.join(rest.trim_start_matches('/')),
                None => {
                    return invalid(
                        format!("`{field}`: there is no home folder here"),
                        "send an absolute path",
                    );
                }
            },
            Some(_) => {
                return invalid(
                    format!("`{field}`: other people's homes are not looked up"),
                    "send an absolute path",
                );
            }
        };
        if path.components().any(|c| matches!(c, std::path::Component::ParentDir)) {
            return invalid(format!("`{field}` goes up with `..`"), "send the path without `..`");
        }
        if !path.is_absolute() {
            return invalid(
                format!("`{field}` is relative, and no folder is configured for it"),
                "send an absolute path",
            );
        }
        Ok(path)
    }
}
