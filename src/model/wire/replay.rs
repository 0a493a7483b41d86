//! Replaying recorded bytes through a decoder, for tests of every provider.

use super::Decode;
use super::failure::Failure;
use quarterdeck_core::message::ModelEvent;

/// What these pieces decode to, up to the first failure.
pub(crate) fn decode(mut decoder: impl Decode, pieces: &[&[u8]]) -> (Vec<ModelEvent>, Option<Failure>) {
    let mut events = Vec::new();
    for piece in pieces {
        let decoded = decoder.push(piece);
        events.extend(decoded.events);
        if decoded.failure.is_some() {
            return (events, decoded.failure);
        }
    }
    (events, None)
}

/// Wherever the bytes are cut, the events are the same; and no damage makes a decoder panic or end twice.
pub(crate) fn holds<D: Decode>(new: impl Fn() -> D, recorded: &[u8]) -> Vec<ModelEvent> {
    let (whole, failure) = decode(new(), &[recorded]);
    assert_eq!(failure, None);
    assert!(matches!(whole.last(), Some(ModelEvent::Done(_))), "{:?}", whole.last());
    for cut in 0..=recorded.len() {
        let (a, b) = recorded.split_at(cut);
        assert_eq!(decode(new(), &[a, b]), (whole.clone(), None), "cut at {cut}");
    }
    let single: Vec<&[u8]> = recorded.chunks(1).collect();
    assert_eq!(decode(new(), &single).0, whole);
    let mut seed = 1_u32;
    for _ in 0..1_000 {
        let mut bytes = recorded.to_vec();
        for _ in 0..4 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = seed as usize % bytes.len();
            bytes[at] = (seed >> 24) as u8;
        }
        let (events, _) = decode(new(), &[&bytes]);
        assert!(events.iter().filter(|e| matches!(e, ModelEvent::Done(_))).count() <= 1);
    }
    whole
}

/// Frames in any order and number, with junk between them and cut anywhere, never panic; without a terminal frame they are
/// never an answer.
pub(crate) fn never_done<D: Decode>(new: impl Fn() -> D, recorded: &[u8], terminal: fn(&str) -> bool) {
    const JUNK: [&str; 12] = [
        "data: {}\n\n",
        "data: []\n\n",
        "data: null\n\n",
        ": comment\n\n",
        "event: ping\n\n",
        "data: {\"type\":7,\"index\":-1,\"choices\":{}}\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{}, 3, {\"index\":99}]}}]}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":7,\"delta\":{}}\n\n",
        "data: {\"type\":\"response.output_item.done\"}\n\n",
        "data: {\"usage\":{\"input_tokens\":\"many\"}}\n\n",
        "\u{feff}\n\r\n\n",
        "data",
    ];
    let text = String::from_utf8_lossy(recorded);
    let frames: Vec<&str> = text.split_inclusive("\n\n").filter(|frame| !terminal(frame)).collect();
    let mut seed = 7_u32;
    let mut below = move |n: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % n
    };
    for _ in 0..600 {
        let mut bytes = Vec::new();
        for _ in 0..below(24) {
            let pool: &[&str] = if below(4) == 0 { &JUNK } else { &frames };
            bytes.extend_from_slice(pool[below(pool.len())].as_bytes());
            if below(16) == 0 {
                bytes.truncate(below(bytes.len() + 1));
            }
        }
        let mut decoder = new();
        let mut events = Vec::new();
        let mut failed = false;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() && !failed {
            let (piece, after) = rest.split_at(below(rest.len()) + 1);
            let decoded = decoder.push(piece);
            (events, failed) = ([events, decoded.events].concat(), decoded.failure.is_some());
            rest = after;
        }
        if !failed {
            let end = decoder.closed();
            events.extend(end.events);
            assert!(end.failure.is_some(), "{}", String::from_utf8_lossy(&bytes));
        }
        let done = events.iter().any(|e| matches!(e, ModelEvent::Done(_)));
        assert!(!done, "{}", String::from_utf8_lossy(&bytes));
    }
}
