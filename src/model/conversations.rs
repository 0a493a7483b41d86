//! Any journal gives every provider a request that it takes: the rules of each API, written down once, hold.

#[path = "../../tests/peers/journals.rs"]
mod journals;
#[path = "../../tests/peers/rules.rs"]
mod rules;

use crate::{Load, Provider, anthropic, bedrock, chat, responses};
use journals::{ALL, Who};
use proptest::prelude::*;
use quarterdeck_core::models::Models;
use serde_json::{Value, json};
use std::sync::Arc;

type Rules = fn(&Value, &str) -> Result<(), String>;

fn provider((name, _): Who) -> (Arc<dyn Provider>, Rules) {
    let models = Arc::new(Models::embedded().clone());
    let load: Load = Arc::new(|| Box::pin(async { Err("never asked".to_owned()) }));
    let settings = anthropic::Settings {
        provider: name.to_owned(),
        ..anthropic::Settings::from_env(Arc::clone(&models), |_| None)
    };
    match name {
        "anthropic" => (Arc::new(anthropic::Anthropic::new(settings)), rules::messages),
        "bedrock-messages" => {
            (Arc::new(anthropic::Anthropic::on_bedrock(settings, None, load)), rules::messages)
        }
        "bedrock" => (Arc::new(bedrock::Bedrock::new(name, models, None, load)), rules::converse),
        "openai" => (Arc::new(responses::Responses::new(name, "http://h", None, models)), rules::responses),
        _ => (Arc::new(chat::Chat::new(name, "http://h", None, models)), rules::chat),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_journal_is_a_request_that_every_provider_takes(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        offered in any::<bool>(),
    ) {
        let mut book = journals::any(&bytes);
        book.add(journals::question("so?"));
        for who in ALL {
            let (provider, rules) = provider(who);
            let tools = if offered { journals::some_tools() } else { [].into() };
            let request = journals::request(who, tools, book.turns(who));
            let body = provider.encode(&request).unwrap();
            let held = rules(&body, &journals::owner(who));
            prop_assert!(held.is_ok(), "{}: {}", who.0, held.unwrap_err());
            // The same again is the same: what was cached is found.
            prop_assert_eq!(&body, &provider.encode(&request).unwrap());
        }
    }
}

/// Rules that find nothing wrong with these would find nothing at all.
#[test]
fn the_rules_can_be_broken() {
    let user = json!({ "role": "user", "content": [{ "type": "text", "text": "q" }] });
    let call = json!({ "type": "tool_use", "id": "a", "name": "t", "input": {} });
    for (messages, words) in [
        (json!([user, user]), "alternate"),
        (json!([user, { "role": "assistant", "content": [call] }]), "without results"),
        (json!([user, { "role": "assistant", "content": [call] }, user]), "do not fit"),
        (json!([{ "role": "user", "content": [{ "type": "text", "text": " " }] }]), "blank"),
        (
            json!([user, { "role": "assistant", "content": [{ "type": "thinking", "thinking": "x" }] }]),
            "somebody else's",
        ),
    ] {
        let wrong = rules::messages(&json!({ "messages": messages }), "own").unwrap_err();
        assert!(wrong.contains(words), "{wrong}");
    }
    let two = json!({ "messages": [{ "role": "user", "content": [{ "text": "a", "cachePoint": {} }] }] });
    assert!(rules::converse(&two, "own").unwrap_err().contains("no union"));
    let orphan = json!({ "input": [{ "type": "reasoning", "summary": [{ "text": "own" }], "encrypted_content": "e" }] });
    assert!(rules::responses(&orphan, "own").is_err());
    let stray = json!({ "messages": [{ "role": "user", "content": "q" }, { "role": "tool", "tool_call_id": "a", "content": "x" }] });
    assert!(rules::chat(&stray, "own").unwrap_err().contains("out of place"));
}
