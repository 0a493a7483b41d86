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
