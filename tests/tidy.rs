//! The rules of the house that a machine can check. Each names what is deliberately absent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`, as a path from the root with its text up to its tests.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            out.push((relative(&path), code(&text)));
        }
    }
    assert!(!out.is_empty(), "{folder} has no sources");
    out.sort();
    out
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

/// The part before the tests, without comments. A file that is all tests counts as none.
fn code(text: &str) -> String {
    let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
    let lines = text[..tests].lines().filter(|l| !l.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Files made for tests only.
fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let only = ["fixture.rs", "testing.rs", "tests.rs"];
    path.contains("/tests/")
        || path.contains("/testing/")
        || only.contains(&name)
        || name.ends_with("_tests.rs")
}

/// Asserts that none of `words` stands in any file of `folder`, outside the files that `may` names.
fn absent(folder: &str, words: &[&str], may: &[&str], why: &str) {
    for (path, text) in sources(folder) {
        if is_test(&path) || may.iter().any(|m| path.contains(m)) {
            continue;
        }
        for word in words {
            let line = text.lines().find(|l| l.contains(word));
            assert!(line.is_none(), "{path} contains `{word}`: {why}\n    {}", line.unwrap_or_default());
        }
    }
}

#[test]
fn the_core_has_no_runtime_clock_randomness_terminal_or_io() {
    let words = [
        "tokio",
        "async fn",
        ".await",
        "SystemTime",
        "Instant",
        "now_utc",
        "rand::",
        "getrandom",
        "ratatui",
        "crossterm",
        "aws_",
        "std::fs",
        "std::net",
        "std::io",
        "std::env",
        "std::process",
        "std::thread",
        "println!",
        "eprintln!",
    ];
    absent("src/core", &words, &[], "the core is pure: time and randomness come in as data");
}

#[test]
fn the_core_depends_on_little() {
    let manifest: toml::Table =
        fs::read_to_string(root().join("src/core/Cargo.toml")).unwrap().parse().unwrap();
    let allowed = [
        "serde",
        "serde_json",
        "thiserror",
        "time",
        "schemars",
        "unicode-width",
        "unicode-segmentation",
        "sha2",
        "regex",
        "nucleo-matcher",
        "toml",
    ];
    for name in manifest["dependencies"].as_table().unwrap().keys() {
        assert!(allowed.contains(&name.as_str()), "src/core depends on {name}");
    }
}

#[test]
fn session_and_screen_do_not_know_each_other() {
    absent("src/core/session", &["crate::screen"], &[], "they share the journal, the Command and the Event");
    absent("src/core/screen", &["crate::session"], &[], "they share the journal, the Command and the Event");
}

#[test]
fn only_the_aws_crate_names_the_sdk() {
    for folder in ["src/model", "src/demo", "src/engine", "src/fronts"] {
        // A model on Bedrock is reached through the SDK as well; no tool of the account's is.
        absent(folder, &["aws_sdk_", "aws_config"], &["src/model/bedrock/"], "only src/aws names the SDK");
    }
}

#[test]
fn only_clients_builds_clients() {
    absent(
        "src/aws",
        &["Client::new(", "Client::from_conf(", "aws_config::"],
        &["src/aws/clients.rs", "src/aws/services.rs", "src/aws/account.rs", "src/aws/http.rs"],
        "only `clients` builds clients",
    );
}

#[test]
fn view_only_reads() {
    let words = ["tokio", "async ", ".await", "mpsc", "spawn", "&mut Screen"];
    absent("src/fronts/screen/view", &words, &[], "view reads the screen and draws");
}

#[test]
fn only_perform_and_the_models_spawn() {
    absent(
        "src",
        &["tokio::spawn", "thread::spawn", ".spawn("],
        &["src/engine/", "src/model/", "src/demo/", "src/fronts/screen/terminal", "src/keys.rs"],
        "only perform spawns",
    );
}

#[test]
fn a_press_is_read_from_a_terminal_and_a_gate_is_keyed_in_one_place() {
    absent("src", &["Press::new("], &["src/fronts/screen/terminal"], "a press is what approves a change");
    absent(
        "src",
        &["gate.key(", "Gate::key("],
        &["src/core/screen/"],
        "only Screen::update feeds keys to a gate",
    );
    let callers: Vec<String> = sources("src/core/screen")
        .into_iter()
        .filter(|(path, text)| !is_test(path) && text.contains(".key("))
        .map(|(path, text)| format!("{path}: {}", text.matches("gate.key(").count()))
        .filter(|row| !row.ends_with(": 0"))
        .collect();
    assert_eq!(callers.len(), 1, "{callers:?}");
    assert!(callers[0].ends_with(": 1"), "{callers:?}");
}

#[test]
fn only_a_session_makes_a_gate() {
    absent("src", &["Gate::new("], &["src/core/session/", "src/core/approval/"], "only Session::step asks");
}

#[test]
fn nothing_is_left_open() {
    absent("src", &["todo!(", "unimplemented!(", "dbg!("], &[], "finish it or take it out");
}

#[test]
fn files_do_one_thing() {
    for (path, text) in sources("src") {
        let lines = text.lines().count();
        assert!(
            is_test(&path) || lines <= 400,
            "{path} has {lines} lines before its tests: it wants to be two rooms"
        );
    }
}

#[test]
fn a_tool_is_a_file_of_its_name() {
    for tool in quarterdeck_aws::registry::catalogue().iter() {
        let file = PathBuf::from(format!("src/aws/tools/{}.rs", tool.spec.name));
        let folder = PathBuf::from(format!("src/aws/tools/{}/mod.rs", tool.spec.name));
        assert!(
            root().join(&file).exists() || root().join(&folder).exists(),
            "{} has no file",
            tool.spec.name
        );
    }
}

#[test]
fn the_readme_lists_the_registry() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let listed: Vec<(&str, &str)> = readme
        .lines()
        .filter_map(|l| l.strip_prefix("| `")?.split_once("` | "))
        .map(|(name, rest)| (name, rest.split(" |").next().unwrap_or_default()))
        .filter(|(_, risk)| ["read", "local", "write"].contains(risk))
        .collect();
    let catalogue = quarterdeck_aws::registry::catalogue();
    let registered: Vec<(&str, &str)> = catalogue.iter().map(|t| (t.spec.name, t.risk.label())).collect();
    assert_eq!(listed, registered, "README.md's table of tools and the registry differ");
}

/// The folder holds exactly what the tools' lists come to. To write it anew:
/// `QUARTERDECK_REGENERATE=1 cargo test --test tidy iam`.
#[test]
fn the_iam_policies_are_the_registrys() {
    use quarterdeck_aws::iam_policy::{Kind, policies};
    let folder = root().join("assets/iam");
    let mut wanted = std::collections::BTreeMap::new();
    for (kind, name) in [(Kind::Read, "read"), (Kind::Write, "write")] {
        for (n, policy) in policies(&quarterdeck_aws::registry::catalogue(), kind).iter().enumerate() {
            let part = if n == 0 { String::new() } else { format!("-{}", n + 1) };
            wanted.insert(format!("{name}{part}.json"), policy.pretty());
        }
    }
    if std::env::var_os("QUARTERDECK_REGENERATE").is_some() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        wanted.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
    }
    let files = fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path());
    let found: std::collections::BTreeMap<String, String> = files
        .map(|f| (f.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&f).unwrap()))
        .collect();
    assert_eq!(
        found, wanted,
        "assets/iam is not what the tools need: QUARTERDECK_REGENERATE=1 cargo test --test tidy iam writes it anew"
    );
}

#[test]
fn the_readme_lists_the_drills() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let missing: Vec<_> = quarterdeck_demo::Drill::list()
        .into_iter()
        .filter(|(name, summary)| !readme.contains(&format!("| `{name}` | {summary} |")))
        .collect();
    assert!(missing.is_empty(), "README.md lacks {missing:?}");
}

#[test]
fn the_configuration_is_its_own_reference() {
    for line in quarterdeck::config::DEFAULT.lines() {
        let known = line.is_empty() || line.starts_with('#') || line.contains('=') || line.starts_with('[');
        assert!(known, "{line}");
    }
    let lines: Vec<&str> = quarterdeck::config::DEFAULT.lines().collect();
    for pair in lines.windows(2).filter(|p| p[1].contains(" = ") && !p[1].starts_with('#')) {
        assert!(pair[0].starts_with('#'), "no comment above: {}", pair[1]);
    }
}

#[test]
fn only_an_approval_creates_a_file() {
    let words =
        ["File::create", "OpenOptions", "fs::write", "create_dir", "DirBuilder", "fs::rename", "hard_link"];
    let may = ["src/aws/local/"];
    absent("src/aws", &words, &may, "LocalWrite, which only an approval yields, is what creates files");
}
