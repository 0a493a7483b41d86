//! What the console's connection to AWS is made from.

use crate::files::Files;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use quarterdeck_core::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// The time, as the console sees it: the wall clock, or the embedded account's own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where the connection goes and as whom. Building it does no I/O.
#[derive(Clone)]
pub struct Settings {
    /// The AWS profile; `None` for the default chain.
    pub profile: Option<String>,
    /// The session's regions, the first is its own; empty: the one the environment or the profile names. `["all"]`
    /// means every enabled region, the first then comes from the chain.
    pub regions: Vec<String>,
    /// Stands in for the network: the embedded account. `None`: HTTPS.
    pub http: Option<SharedHttpClient>,
    /// Where every service is asked instead of AWS, such as `http://127.0.0.1:5000`: an emulator. `None`: what the
    /// environment (AWS_ENDPOINT_URL) or the profile says, else AWS.
    pub endpoint: Option<String>,
    /// Static access key id and secret of the embedded account. With these nothing is read from the environment or
    /// from profiles.
    pub credentials: Option<(String, String)>,
    /// Other accounts by name, each reached through an AWS profile.
    pub accounts: BTreeMap<String, String>,
    /// Files that tools may read and write.
    pub files: Files,
    /// Bytes one Logs Insights query may scan without a person being asked.
    pub insights_budget: u64,
    /// The time.
    pub clock: Clock,
}

/// Ten GB, about five US cents.
pub const INSIGHTS_BUDGET: u64 = 10 * GB;
/// What AWS bills by.
pub const GB: u64 = 1_000_000_000;

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: None,
            regions: Vec::new(),
            http: None,
            endpoint: None,
            credentials: None,
            accounts: BTreeMap::new(),
            files: Files::default(),
            insights_budget: INSIGHTS_BUDGET,
            clock: Arc::new(wall_clock),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("profile", &self.profile)
            .field("regions", &self.regions)
            .field("embedded", &self.http.is_some())
            .field("endpoint", &self.endpoint)
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

/// Now, by the system's clock.
#[must_use]
pub fn wall_clock() -> Timestamp {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or_else(|_| Timestamp::default(), |d| Timestamp::default().plus(d))
}
