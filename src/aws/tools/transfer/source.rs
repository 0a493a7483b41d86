//! Where an upload comes from, as it is planned.

use super::content::Content;
use super::remark::warning;
use super::size::exact;
use crate::fetch::Link;
use crate::files::{Files, Source};
use crate::given;
use quarterdeck_core::approval::{Warning, WarningLevel};
use quarterdeck_core::tool::{Fault, FaultKind};

/// A file or a URL.
#[derive(Clone, Debug)]
pub enum From {
    /// A file on this machine.
    File(Source),
    /// A URL. Nothing is asked of it before the upload is approved: a name that is looked up, a path that is asked
    /// for, tell somebody something.
    Url(Link),
}

/// Names that hold secrets more often than not.
const SECRET_NAMES: [&str; 9] =
    ["id_rsa", "id_ed25519", "id_ecdsa", ".env", "credentials", "password", "secret", "htpasswd", "wallet"];
const SECRET_ENDINGS: [&str; 7] = ["pem", "key", "p12", "pfx", "jks", "keystore", "kdbx"];

/// Whether `source` fits `is_remote_url`.
///
/// # Errors
/// `invalid`, saying what to send.
pub fn check(source: &str, is_remote_url: bool) -> Result<(), Fault> {
    let scheme = source.split_once("://").map(|(scheme, _)| scheme);
    match (is_remote_url, scheme) {
        (true, None) => {
            Err(Fault::new(FaultKind::Invalid, format!("`source`: {} is no URL", given::shown(source)))
                .hint("send https://..., or leave is_remote_url out for a file on this machine"))
        }
        (false, Some("s3")) => Err(Fault::new(FaultKind::Invalid, "`source` is an S3 address").hint(
            "an upload takes a file or an http(s) URL; download_s3_object brings an object here first",
        )),
        (false, Some("http" | "https")) => {
            Err(Fault::new(FaultKind::Invalid, "`source` is a URL").hint("send is_remote_url: true with it"))
        }
        (false, Some("file")) => Err(Fault::new(FaultKind::Invalid, "`source` is a file:// address")
            .hint("send the path alone, such as report.csv or /data/report.csv")),
        (true, Some(_)) | (false, _) => Ok(()),
    }
}

impl From {
    /// What `source` is.
    ///
    /// # Errors
    /// As [`Files::source`] and [`Link::parse`].
    pub fn of(files: &Files, source: &str, is_remote_url: bool) -> Result<Self, Fault> {
        if is_remote_url {
            Link::parse(source, files.reachable).map(Self::Url)
        } else {
            files.source(source).map(Self::File)
        }
    }

    /// For a title.
    pub fn name(&self) -> String {
        match self {
            Self::File(file) => file.path.display().to_string(),
            Self::Url(link) => link.to_string(),
        }
    }

    /// In one phrase: what is compared between two plans.
    pub fn shown(&self) -> String {
        match self {
            Self::File(file) => {
                let at = file.modified.map_or_else(String::new, |at| format!(", modified {at}"));
                format!("{}: {}{at}", file.path.display(), exact(file.size))
            }
            Self::Url(link) => format!("what is at {link} then"),
        }
    }

    /// Bytes, when they are known before it is read.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::File(file) => Some(file.size),
            Self::Url(_) => None,
        }
    }

    /// What cannot be known before it is approved.
    pub fn unknown(&self) -> Option<String> {
        match self {
            Self::File(_) => None,
            Self::Url(link) => Some(format!(
                "size and content of the source: nothing is asked of {} before the approval",
                link.place()
            )),
        }
    }

    /// What to think of.
    pub fn warnings(&self, limit: u64) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut add = |code: &str, level, text: String, evidence: &str| {
            warnings.push(warning(code, level, text, evidence));
        };
        match self {
            Self::File(file) => {
                if !file.inside {
                    let text = format!("{} is outside the folder for uploads", file.path.display());
                    add("outside_folder", WarningLevel::Caution, text, "settings: uploads");
                }
                if looks_secret(&self.name()) {
                    let text = "by its name the file holds a secret".to_owned();
                    add("looks_secret", WarningLevel::Caution, text, "this machine: the file's name");
                }
            }
            Self::Url(link) => {
                let text = format!(
                    "read from {} by this machine, at most {}",
                    link.place(),
                    super::size::size(limit)
                );
                add("remote_source", WarningLevel::Info, text, "settings: url_limit_mib");
                if !link.is_encrypted() {
                    let text = format!(
                        "{} is asked without encryption: anybody on the way can change the bytes",
                        link.place()
                    );
                    add("not_encrypted", WarningLevel::Caution, text, "the URL begins with http:");
                }
            }
        }
        warnings
    }

    /// Opens it.
    ///
    /// # Errors
    /// As [`Content::file`] and [`Content::url`].
    pub async fn open(self, files: &Files) -> Result<Content, Fault> {
        match self {
            Self::File(file) => Content::file(file).await,
            Self::Url(link) => Content::url(&link, files).await,
        }
    }
}

fn looks_secret(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
    let ending = name.rsplit_once('.').map(|(_, e)| e).unwrap_or_default();
    SECRET_NAMES.iter().any(|s| name.contains(s)) || SECRET_ENDINGS.contains(&ending)
}

/// The media type a key's ending means; `None` leaves it to S3.
pub fn media_type(key: &str) -> Option<&'static str> {
    const KNOWN: [(&str, &str); 16] = [
        ("txt", "text/plain"),
        ("log", "text/plain"),
        ("csv", "text/csv"),
        ("html", "text/html"),
        ("css", "text/css"),
        ("js", "text/javascript"),
        ("json", "application/json"),
        ("xml", "application/xml"),
        ("yaml", "application/yaml"),
        ("yml", "application/yaml"),
        ("pdf", "application/pdf"),
        ("zip", "application/zip"),
        ("gz", "application/gzip"),
        ("png", "image/png"),
        ("jpg", "image/jpeg"),
        ("svg", "image/svg+xml"),
    ];
    let (_, ending) = key.rsplit('/').next()?.rsplit_once('.')?;
    KNOWN.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_no_url_and_the_other_way_round() {
        for (source, remote, fits) in [
            ("report.csv", false, true),
            ("/data/a:b", false, true),
            ("https://example.com/a", true, true),
            ("https://example.com/a", false, false),
            ("http://example.com/a", false, false),
            ("s3://shop/a", false, false),
            ("file:///etc/passwd", false, false),
            ("report.csv", true, false),
        ] {
            assert_eq!(check(source, remote).is_ok(), fits, "{source} {remote}");
        }
    }

    #[test]
    fn names_that_hold_secrets() {
        for (path, secret) in [
            ("/up/server.pem", true),
            ("/up/.env.production", true),
            ("/up/id_rsa", true),
            ("/up/db-passwords.txt", true),
            ("/secret/report.csv", false),
            ("/up/keyboard.csv", false),
        ] {
            assert_eq!(looks_secret(path), secret, "{path}");
        }
        assert_eq!(media_type("a/b.JSON"), Some("application/json"));
        assert_eq!((media_type("a.b/c"), media_type("x.bin")), (None, None));
    }
}
