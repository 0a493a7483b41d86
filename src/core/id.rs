//! Small identifiers. All are unique within one session.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

id! {
    /// One question and everything the agent does about it.
    TurnId(u64)
}
id! {
    /// One tool call, whoever asked for it.
    CallId(u64)
}
id! {
    /// A front connected to the engine: a screen, the headless mode, a test.
    FrontId(u32)
}
id! {
    /// Position in the journal, from 0 without gaps.
    Seq(u64)
}
id! {
    /// Number of a step on the timeline as people and models cite it: `#4`. From 1 without gaps.
    StepNo(u32)
}
id! {
    /// One time a person was asked to approve a proposal. A re-plan that differs asks again under a new id.
    ApprovalId(u64)
}
