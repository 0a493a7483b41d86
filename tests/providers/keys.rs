//! Keys and the user's own table of models, with the built binary and a keyring of the test's.

use super::answers;
use super::network::Place;
use super::scripted::{Reply, Say, Scripted};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const SECRET: &str = "sk-in-the-keyring";

/// A `secret-tool` that keeps keys in files beside itself and writes down what it was called with.
fn keyring(place: &Place) -> String {
    let folder = place.0.path().join("bin");
    fs::create_dir_all(&folder).unwrap();
    let script = r#"#!/bin/sh
here=$(dirname "$0")
echo "$@" >> "$here/called"
verb=$1
for last in "$@"; do :; done
case $verb in
  store) cat > "$here/key-$last" ;;
  lookup) cat "$here/key-$last" 2>/dev/null ;;
  clear) rm "$here/key-$last" ;;
esac
"#;
    let program = folder.join("secret-tool");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

async fn openai() -> Scripted {
    Scripted::answering(|_, _| Reply::Bytes(answers::responses(&[Say::Text("All is well.")]))).await
}

const ASK: [&str; 5] = ["ask", "--demo", "--provider", "openai", "why?"];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_key_is_kept_used_and_forgotten_and_never_told() {
    let place = Place::new();
    let path = keyring(&place);
    let path = ("PATH", path.as_str());
    let server = openai().await;
    let url = server.url();
    let address = ("OPENAI_BASE_URL", url.as_str());

    let empty = place.run(&["login", "openai"], &[path], "\n").await;
    assert!(empty.code != 0 && empty.err.contains("nothing was entered"), "{}", empty.said());
    let broken = place.run(&["login", "openai"], &[path], "sk one two\n").await;
    assert!(
        broken.code != 0 && broken.err.contains("no spaces") && !broken.said().contains("sk one"),
        "{}",
        broken.said()
    );
    let stored = place.run(&["login", "openai"], &[path], &format!("{SECRET}\n")).await;
    assert!(stored.code == 0 && stored.out.contains("--provider openai"), "{}", stored.said());
    assert!(!stored.said().contains(SECRET), "{}", stored.said());

    let ran = place.run(&ASK, &[path, address], "").await;
    assert!(ran.code == 0 && ran.out.contains("All is well."), "{}", ran.said());
    let key =
        |server: &Scripted| server.received().last().unwrap().header("authorization").unwrap().to_owned();
    assert_eq!(key(&server), format!("Bearer {SECRET}"));
    let doctor = place.run(&["doctor", "--demo", "--provider", "openai"], &[path, address], "").await;
    let words = doctor.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("openai, gpt-6.1-sol, key from the keyring"), "{}", doctor.said());

    // The environment comes first; a command comes before the keyring.
    let ran = place.run(&ASK, &[path, address, ("OPENAI_API_KEY", "sk-from-env")], "").await;
    assert_eq!((ran.code, key(&server).as_str()), (0, "Bearer sk-from-env"), "{}", ran.said());
    let table = "[providers.openai]\napi = \"responses\"\nkey_env = \"OPENAI_API_KEY\"\nkey_required = true\napi_key_command = [\"echo\", \"sk-from-command\"]\ndefault_model = \"gpt-5.1\"\nwindow = 1000000\nmax_output = 8192\n";
    let home = place.0.path().join(".config/quarterdeck");
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join("models.toml"), table).unwrap();
    let ran = place.run(&ASK, &[path, address], "").await;
    assert_eq!((ran.code, key(&server).as_str()), (0, "Bearer sk-from-command"), "{}", ran.said());
    let ran = place.run(&ASK, &[path, address, ("OPENAI_API_KEY", "sk-from-env")], "").await;
    assert_eq!((ran.code, key(&server).as_str()), (0, "Bearer sk-from-env"), "{}", ran.said());
    fs::remove_file(home.join("models.toml")).unwrap();

    let forgotten = place.run(&["login", "openai", "--forget"], &[path], "").await;
    assert!(forgotten.code == 0 && forgotten.out.contains("forgotten"), "{}", forgotten.said());
    let before = server.received().len();
    let ran = place.run(&ASK, &[path, address], "").await;
    assert!(ran.code != 0 && ran.said().contains("OPENAI_API_KEY"), "{}", ran.said());
    assert_eq!(server.received().len(), before, "nothing is sent without a key");
    let again = place.run(&["login", "openai", "--forget"], &[path], "").await;
    assert!(again.code != 0 && again.err.contains("no key of openai"), "{}", again.said());
    let called = fs::read_to_string(place.0.path().join("bin/called")).unwrap();
    assert!(called.contains("store") && !called.contains(SECRET), "never as an argument: {called}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn login_says_what_it_cannot_do() {
    let place = Place::new();
    for (words, says) in [
        (vec!["login", "nobody"], "no provider \"nobody\""),
        (vec!["login", "bedrock"], "AWS credentials"),
        (vec!["login", "offline"], "takes no key"),
        // No keyring here: the machine's own PATH is not used.
        (vec!["login", "openai"], "OPENAI_API_KEY"),
    ] {
        let ran = place.run(&words, &[("PATH", "/nonexistent")], "sk\n").await;
        assert!(ran.code != 0 && ran.err.contains(says), "{words:?}: {}", ran.said());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_second_endpoint_under_its_own_name() {
    let place = Place::new();
    let home = place.0.path().join(".config/quarterdeck");
    fs::create_dir_all(&home).unwrap();
    let table = "[providers.my-server]\napi = \"chat\"\nbase_url = \"http://127.0.0.1:9\"\nkey_required = true\ndefault_model = \"m-1\"\nwindow = 1000000\nmax_output = 8192\n\n[[model]]\nid = \"m-1\"\nprovider = \"my-server\"\nname = \"M\"\nwindow = 1000000\nmax_output = 512\nprice = { input = 1.0, output = 1.0, cache_read = 1.0, cache_write = 1.0 }\n";
    fs::write(home.join("models.toml"), table).unwrap();
    let server = Scripted::answering(|_, _| Reply::Bytes(answers::chat(&[Say::Text("All is well.")]))).await;
    let url = server.url();
    let ask = ["ask", "--demo", "--provider", "my-server", "why?"];
    let env = [("MY_SERVER_BASE_URL", url.as_str()), ("MY_SERVER_API_KEY", "sk-mine")];
    let ran = place.run(&ask, &env, "").await;
    assert!(ran.code == 0 && ran.out.contains("All is well."), "{}", ran.said());
    let received = server.received();
    assert_eq!(received[0].header("authorization"), Some("Bearer sk-mine"));
    assert_eq!(
        (received[0].body["model"].as_str(), received[0].body["max_tokens"].as_u64()),
        (Some("m-1"), Some(512))
    );
    let ran = place.run(&ask, &[("MY_SERVER_BASE_URL", url.as_str()), ("PATH", "/nonexistent")], "").await;
    assert!(ran.code != 0 && ran.said().contains("MY_SERVER_API_KEY"), "{}", ran.said());

    fs::write(home.join("models.toml"), table.replace("key_required", "key_requierd")).unwrap();
    let ran = place.run(&ask, &env, "").await;
    assert!(ran.code != 0, "{}", ran.said());
    for says in ["models.toml", "line 4", "key_requierd"] {
        assert!(ran.err.contains(says), "{says}: {}", ran.said());
    }
}
