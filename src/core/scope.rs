//! Which account and regions a session looks at, and as whom.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// Who the console is, as AWS says it. Source: STS GetCallerIdentity and IAM ListAccountAliases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Twelve digits.
    pub account: String,
    /// The account's alias, when it has one and it may be read.
    pub alias: Option<String>,
    /// The caller's ARN.
    pub arn: String,
    /// The role or user name taken from the ARN, for the header.
    pub role: String,
    /// The access key id's last four characters: enough to recognise the console's own key.
    pub key_tail: Option<String>,
    /// When the credentials end; `None` for long-lived ones.
    pub expires: Option<Timestamp>,
}

/// What the session's calls use unless a call says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The AWS profile's name, `None` for the default chain.
    pub profile: Option<String>,
    /// Regions for regional tools, the first is the session's own.
    pub regions: Vec<String>,
    /// `None` until AWS has answered.
    pub identity: Option<Identity>,
    /// The embedded account, and which drill it plays.
    pub demo: Option<String>,
}

impl Scope {
    /// The session's own region; empty when none is configured.
    #[must_use]
    pub fn region(&self) -> &str {
        self.regions.first().map_or("", String::as_str)
    }
}

/// Whether the model's calls are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Reads run, writes ask.
    #[default]
    Execute,
    /// The model's calls are recorded and not executed.
    Track,
    /// Reads run, write tools do not exist.
    ReadOnly,
}

impl Mode {
    /// As the header shows it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Execute => "EXECUTE",
            Self::Track => "TRACK",
            Self::ReadOnly => "READ-ONLY",
        }
    }
}
