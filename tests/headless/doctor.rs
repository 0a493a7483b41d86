//! `quarterdeck doctor`: in the demo, without credentials, with ended ones, with nobody there.

use super::scripted_anthropic::{Reply, Scripted};
use super::{Place, Ran, printable, runtime};
use serde_json::Value;
use std::time::{Duration, Instant};

const KEYS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "example"),
    ("AWS_REGION", "eu-west-1"),
];

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|c| c["name"] == name).unwrap_or_else(|| panic!("no check {name}: {report}"))
}

fn is(report: &Value, name: &str, status: &str, says: &str) {
    let check = check(report, name);
    assert_eq!(check["status"], status, "{check}");
    assert!(check.to_string().contains(says), "{says:?} is not in {check}");
}

fn fits(ran: &Ran) {
    printable(&ran.out);
    // A path is one word, whatever its length.
    let long = |l: &&str| l.chars().count() > 80 && l.split_whitespace().all(|w| w.len() < 60);
    assert_eq!(ran.out.lines().find(long), None, "{}", ran.out);
}

#[test]
fn the_demo_works() {
    let place = Place::new();
    let ran = place.run(&["doctor", "--demo"]);
    fits(&ran);
    assert_eq!(ran.code, 0, "{}", ran.out);
    let json = place.run(&["doctor", "--demo", "--json"]);
    let report = json.json();
    assert_eq!(report["ok"], true, "{report}");
    for (name, status, says) in [
        ("settings", "ok", "defaults"),
        ("keys", "ok", "valid"),
        ("terminal", "skipped", "not a terminal"),
        ("journal", "ok", "can be written"),
        ("model", "ok", "offline"),
        ("credentials", "ok", "embedded account"),
        ("identity", "ok", "123456789012 (harbor-demo)"),
        ("regions", "ok", "eu-west-1: enabled"),
        ("clock", "skipped", "embedded"),
        ("services", "ok", "EC2"),
    ] {
        is(&report, name, status, says);
    }
    let tools = report["tools"].as_array().unwrap();
    assert_eq!(tools.len(), quarterdeck_aws::registry::catalogue().iter().count());
    for (name, status, says) in [
        ("list_ec2_instances", "ok", ""),
        ("get_cost_by_service", "skipped", "billed"),
        ("stop_instances", "ok", ""),
        ("start_instances", "ok", ""),
        ("update_ecs_service", "skipped", "no dry run"),
    ] {
        let tool = tools.iter().find(|t| t["tool"] == name).unwrap();
        assert_eq!(tool["status"], status, "{tool}");
        assert!(tool["reason"].as_str().unwrap().contains(says), "{tool}");
    }
}

#[test]
fn without_credentials_it_says_how_to_get_some() {
    let place = Place::new();
    let began = Instant::now();
    let ran = place.run(&["doctor"]);
    fits(&ran);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(began.elapsed() < Duration::from_secs(30));
    assert!(ran.out.contains("aws sso login") && ran.out.contains("No tool could be tried."), "{}", ran.out);
    let report = place.run(&["doctor", "--json"]).json();
    is(&report, "credentials", "fail", "no AWS credentials");
    for name in ["identity", "regions", "clock", "services"] {
        is(&report, name, "skipped", "needs credentials");
    }
    is(&report, "model", "warn", "ANTHROPIC_API_KEY");
}

#[test]
fn credentials_that_have_ended() {
    let place = Place::new();
    let folder = place.0.path().join(".aws");
    std::fs::create_dir_all(&folder).unwrap();
    let told = r#"{"Version": 1, "AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "example", "SessionToken": "example", "Expiration": "2020-01-01T00:00:00Z"}"#;
    let file = place.0.path().join("credentials.json");
    std::fs::write(&file, told).unwrap();
    let config =
        format!("[profile oncall]\nregion = eu-west-1\ncredential_process = cat {}\n", file.display());
    std::fs::write(folder.join("config"), config).unwrap();
    let ran = place.run(&["doctor", "--profile", "oncall", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    let report = ran.json();
    is(&report, "credentials", "fail", "aws sso login --profile oncall");
    assert!(!ran.out.contains("SecretAccessKey"), "{}", ran.out);
}

#[test]
fn with_nobody_there_it_ends_in_time_and_says_so_once() {
    let place = Place::new();
    let env: Vec<(&str, &str)> =
        KEYS.into_iter().chain([("AWS_ENDPOINT_URL", "http://127.0.0.1:9")]).collect();
    let began = Instant::now();
    let ran = place.run_with(&["doctor"], &env);
    fits(&ran);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert!(ran.out.contains("none answers"), "{}", ran.out);
    assert!(ran.out.matches("could not be reached").count() <= 4, "{}", ran.out);
    let report = place.run_with(&["doctor", "--json"], &env).json();
    is(&report, "credentials", "ok", "environment variables");
    is(&report, "identity", "fail", "AWS_ENDPOINT_URL");
    is(&report, "clock", "skipped", "no answer");
}

#[test]
fn settings_that_cannot_be_right_are_named_and_left_out() {
    let place = Place::new();
    let file = place.0.path().join("config.toml");
    std::fs::write(&file, "iteration = 3\n").unwrap();
    let env = [("QUARTERDECK_CONFIG", file.to_str().unwrap())];
    let ran = place.run_with(&["doctor", "--demo", "--json"], &env);
    assert_eq!(ran.code, 1, "{}", ran.out);
    let report = ran.json();
    is(&report, "settings", "fail", "did you mean iterations");
    is(&report, "identity", "ok", "123456789012");
    let ran = place.run(&["doctor", "--demo", "--iterations", "99", "--json"]);
    is(&ran.json(), "settings", "fail", "1 to 50");
    // A folder that is a file holds no journal.
    let ran =
        place.run_with(&["doctor", "--demo", "--json"], &[("QUARTERDECK_STATE", file.to_str().unwrap())]);
    is(&ran.json(), "journal", "fail", "QUARTERDECK_STATE");
    assert_eq!(place.run(&["doctor", "--demo=nothing"]).code, 2);
}

#[test]
fn the_model_is_asked_for_its_models_and_nothing_else() {
    let place = Place::new();
    let runtime = runtime();
    for (status, body, wanted, says) in [
        (200, r#"{"data":[]}"#, "ok", "takes the key"),
        (404, "", "ok", "the key was not tried"),
        (401, r#"{"error":{"message":"invalid x-api-key"}}"#, "fail", "anthropic"),
    ] {
        let peer =
            runtime.block_on(Scripted::start(vec![Reply::Status(status, Vec::new(), body.to_owned())]));
        let url = peer.url();
        let env = [("ANTHROPIC_API_KEY", "sk-example"), ("ANTHROPIC_BASE_URL", url.as_str())];
        let ran = place.run_with(&["doctor", "--demo", "--json"], &env);
        is(&ran.json(), "model", wanted, says);
        assert!(!ran.out.contains("sk-example"), "{}", ran.out);
        let paths: Vec<String> = peer.received().iter().map(|r| r.path.clone()).collect();
        assert_eq!(paths, ["/v1/models"], "no tokens are spent");
    }
    let env = [("ANTHROPIC_API_KEY", "sk-example"), ("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")];
    is(&place.run_with(&["doctor", "--demo", "--json"], &env).json(), "model", "fail", "127.0.0.1:9");
    let ran = place.run(&["doctor", "--demo", "--provider", "anthropic", "--json"]);
    is(&ran.json(), "model", "fail", "ANTHROPIC_API_KEY");
}

#[test]
fn iam_policies_are_printed_as_they_are_kept() {
    let place = Place::new();
    for (args, file) in [(["iam-policy"].as_slice(), "read"), (&["iam-policy", "--write"], "write")] {
        let ran = place.run(args);
        ran.is(0, "");
        let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("assets/iam/{file}.json"));
        assert_eq!(ran.out, std::fs::read_to_string(kept).unwrap());
        assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["Version"], "2012-10-17");
    }
}
