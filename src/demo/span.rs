//! Times in drill files: `span = "15m"`, `at = "-9m"` relative to the drill's start.

use quarterdeck_core::Timestamp;
use quarterdeck_core::timestamp::parse_span;
use serde::{Deserialize, Deserializer, de::Error};
use std::time::Duration;

/// A length of time, never zero: `90s`, `15m`, `2h`, `3d`, `1w`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        parse_span(&text)
            .filter(|span| !span.is_zero())
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is not a span such as 90s, 15m, 2h or 3d")))
    }
}

/// A moment relative to the drill's start: `-9m`, `+30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Before the start.
    Before(Duration),
    /// After it.
    After(Duration),
}

impl Moment {
    /// The point in time, for a drill that started at `start`.
    pub(crate) fn at(self, start: Timestamp) -> Timestamp {
        match self {
            Self::Before(span) => start.minus(span),
            Self::After(span) => start.plus(span),
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let moment = match (text.strip_prefix('-'), text.strip_prefix('+')) {
            (Some(span), _) => parse_span(span).map(Self::Before),
            (None, Some(span)) => parse_span(span).map(Self::After),
            (None, None) => None,
        };
        moment.ok_or_else(|| D::Error::custom(format!("{text:?} is not a moment such as -9m or +30s")))
    }
}
