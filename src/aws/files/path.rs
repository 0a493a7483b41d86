//! Paths as they really are: links followed as far as there is something.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// `path` with every link in the part that exists followed, and the part that does not exist yet appended; that part
/// is empty when all of it exists.
///
/// # Errors
/// A part cannot be looked at.
pub(super) fn resolve(path: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let mut rest: Vec<OsString> = Vec::new();
    let mut at = path;
    loop {
        match at.canonicalize() {
            Ok(real) => {
                let rest: PathBuf = rest.iter().rev().collect();
                return Ok((real, rest));
            }
            // A link that leads nowhere would be followed when something is made there.
            Err(e) if e.kind() == io::ErrorKind::NotFound && at.symlink_metadata().is_err() => {
                let (Some(parent), Some(name)) = (at.parent(), at.file_name()) else { return Err(e) };
                rest.push(name.to_owned());
                at = parent;
            }
            Err(e) => return Err(e),
        }
    }
}

/// Whether `path`, resolved, lies in `folder`.
pub(super) fn inside(path: &Path, folder: &Path) -> bool {
    if folder.as_os_str().is_empty() {
        return false;
    }
    match resolve(folder) {
        Ok((real, rest)) => path.starts_with(real.join(rest)),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_as_far_as_there_is_something() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("real/deep")).unwrap();
        symlink(root.join("real"), root.join("link")).unwrap();
        symlink(root.join("nowhere"), root.join("dangling")).unwrap();
        let resolved = |path: &str| resolve(&root.join(path)).map(|(real, rest)| real.join(rest));
        assert_eq!(resolved("link/deep").unwrap(), root.join("real/deep"));
        assert_eq!(resolved("link/new/file").unwrap(), root.join("real/new/file"));
        assert!(resolved("dangling").is_err());
        assert!(inside(&root.join("real/deep"), &root.join("link")));
        assert!(!inside(&root.join("really"), &root.join("real")), "by whole names");
        assert!(!inside(&root.join("real"), Path::new("")));
    }
}
