//! A file's name out of an object's key.

use crate::given;
use quarterdeck_core::tool::{Fault, FaultKind};

/// Bytes of a name that every file system takes, with room for a suffix.
const LONGEST: usize = 200;
/// Names that mean devices somewhere.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// The last part of `key` as the name of a file: nothing in it that a file system or a shell takes for something else,
/// not hidden, not too long.
///
/// # Errors
/// `invalid`: the key ends in `/`, so it has no last part.
pub fn file_name(key: &str) -> Result<String, Fault> {
    let last = key.rsplit('/').next().unwrap_or_default();
    if last.is_empty() {
        let message =
            format!("the key {} ends in `/`: it marks a folder and has no file name", given::shown(key));
        return Err(Fault::new(FaultKind::Invalid, message)
            .hint("list_s3_objects with it as `prefix` shows what is below"));
    }
    let plain = |c: char| match c {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
        c if c.is_control()
            || !quarterdeck_core::text::visible(c.encode_utf8(&mut [0; 4])).starts_with(c) =>
        {
            '_'
        }
        c => c,
    };
    let mut name: String = last.chars().map(plain).collect();
    // Hidden files are settings: a shell's start-up file would be run.
    if name.starts_with(['.', '~', '-']) {
        let rest: String = name.chars().skip(1).collect();
        name = format!("_{rest}");
    }
    if name.ends_with(['.', ' ']) {
        name.pop();
        name.push('_');
    }
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    let numbered = |port: &str| {
        stem.strip_prefix(port).is_some_and(|n| n.len() == 1 && n.chars().all(|c| c.is_ascii_digit()))
    };
    if DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt") {
        name.insert(0, '_');
    }
    Ok(shortened(name))
}

/// Cut before its ending, which says what it is.
fn shortened(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    let ending = name.rsplit_once('.').map(|(_, e)| e).filter(|e| e.len() <= 16).map(|e| format!(".{e}"));
    let ending = ending.unwrap_or_default();
    let kept = name.floor_char_boundary(LONGEST.saturating_sub(ending.len()));
    format!("{}{ending}", name.get(..kept).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (key, name) in [
            ("report.csv", "report.csv"),
            ("logs/2026/11/20/app.log.gz", "app.log.gz"),
            ("a/Größe und mehr.pdf", "Größe und mehr.pdf"),
            ("x/.bashrc", "_bashrc"),
            ("x/..", "__"),
            ("x/.", "_"),
            ("~", "_"),
            ("x/-rf", "_rf"),
            ("..\\..\\evil.exe", "_._.._evil.exe"),
            ("a/CON", "_CON"),
            ("a/nul.txt", "_nul.txt"),
            ("a/com1", "_com1"),
            ("a/command", "command"),
            ("a/what?<b>|c:d", "what__b__c_d"),
            ("a/trailing.", "trailing_"),
            ("a/bell\u{7}\u{1b}[2J\u{202e}gpj", "bell__[2J_gpj"),
        ] {
            assert_eq!(file_name(key).unwrap(), name, "{key:?}");
        }
        assert_eq!(file_name("logs/2026/").unwrap_err().kind, FaultKind::Invalid);
        let long = file_name(&format!("a/{}.tar.gz", "ü".repeat(300))).unwrap();
        assert!(long.len() <= LONGEST && long.ends_with(".gz"), "{long}");
    }
}
