//! Places that no tool reads from or writes to, whoever approves.

use super::{Files, path};
use quarterdeck_core::tool::{Fault, FaultKind};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Below the home: what holds keys, tokens and passwords.
const OF_HOME: [&str; 22] = [
    ".aws",
    ".ssh",
    ".gnupg",
    ".kube",
    ".docker",
    ".azure",
    ".oci",
    ".netrc",
    ".pgpass",
    ".my.cnf",
    ".npmrc",
    ".pypirc",
    ".vault-token",
    ".git-credentials",
    ".password-store",
    ".terraform.d",
    ".cargo/credentials.toml",
    ".config/gcloud",
    ".config/gh",
    ".local/share/keyrings",
    ".mozilla",
    "Library/Keychains",
];
/// What the system shows of processes and devices, among it their environments.
const OF_SYSTEM: [&str; 6] = ["/proc", "/sys", "/dev", "/run/secrets", "/var/run/secrets", "/etc/shadow"];
/// Files looked at when a file may be another name of one that is never read.
const LOOKED_AT: usize = 2_000;

/// Refuses `path`, which is resolved, where it is one of these places or in one.
///
/// # Errors
/// `refused`.
pub(super) fn check(files: &Files, path: &Path) -> Result<(), Fault> {
    for never in places(files) {
        if path.starts_with(&never) || below(path, &never) {
            return Err(refusal(path, &never));
        }
    }
    Ok(())
}

/// As [`check`], for a file that has several names: none of them may be in one of these places.
///
/// # Errors
/// `refused`.
pub(super) fn check_links(files: &Files, path: &Path, meta: &Metadata) -> Result<(), Fault> {
    if meta.nlink() < 2 {
        return Ok(());
    }
    let mut open = places(files);
    open.retain(|p| !OF_SYSTEM.iter().any(|s| p.starts_with(s)));
    let mut left = LOOKED_AT;
    while let Some(next) = open.pop() {
        left = left.saturating_sub(1);
        let Ok(of) = fs::symlink_metadata(&next) else { continue };
        if same(&of, meta) || left == 0 {
            return Err(refusal(path, &next));
        }
        if of.is_dir()
            && let Ok(entries) = fs::read_dir(&next)
        {
            open.extend(entries.flatten().map(|e| e.path()));
        }
    }
    Ok(())
}

/// Every such place, as written and as it really is.
fn places(files: &Files) -> Vec<PathBuf> {
    let home = files.home.iter().flat_map(|home| OF_HOME.iter().map(|name| home.join(name)));
    let written = home.chain(OF_SYSTEM.iter().map(PathBuf::from)).chain(files.never.iter().cloned());
    let mut places: Vec<PathBuf> = Vec::new();
    for place in written.filter(|p| p.is_absolute()) {
        if let Ok((real, rest)) = path::resolve(&place) {
            // Joining nothing would add a slash, and a file is no folder.
            places.push(if rest.as_os_str().is_empty() { real } else { real.join(rest) });
        }
        places.push(place);
    }
    places
}

/// Whether `path` is `never` or lies below it by what is on the disk: another spelling of the same folder.
fn below(path: &Path, never: &Path) -> bool {
    let Ok(never) = fs::metadata(never) else { return false };
    path.ancestors().filter_map(|a| fs::metadata(a).ok()).any(|of| same(&of, &never))
}

fn same(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

fn refusal(path: &Path, never: &Path) -> Fault {
    let message =
        format!("{} is never touched by a tool: it is, or is in, {}", path.display(), never.display());
    Fault::new(FaultKind::Refused, message)
        .hint("credentials and the console's own files stay where they are; nobody can approve this")
}
