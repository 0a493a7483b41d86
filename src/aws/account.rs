//! One account's configuration, loaded on first use.

use crate::fault;
use crate::settings::Settings;
use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use aws_types::region::Region;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::sync::Mutex as AsyncMutex;

/// The configuration of the session's account or of a configured one.
#[derive(Clone, Debug)]
pub struct Account {
    /// The name in the configuration; `None` for the session's own.
    pub name: Option<String>,
    /// The profile it comes from.
    pub profile: Option<String>,
    /// Credentials chain, endpoints, HTTP client.
    pub config: SdkConfig,
    /// The region the environment or the profile names; `None` when none does.
    pub region: Option<String>,
    key: Arc<Mutex<Option<Key>>>,
    /// The last identity AWS told, and the key it was told for.
    pub(crate) identity: Arc<AsyncMutex<Option<(Key, quarterdeck_core::scope::Identity)>>>,
}

/// What is known of the credentials last used. Never the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The access key id.
    pub id: String,
    /// The access key id's last four characters.
    pub tail: String,
    /// When they end.
    pub expires: Option<Timestamp>,
    /// What the SDK calls the provider they came from.
    pub source: String,
}

impl Account {
    /// Loads the account's configuration: environment, profile files, endpoints. No request is sent.
    ///
    /// # Errors
    /// No credentials are configured at all.
    pub async fn load(
        settings: &Settings,
        name: Option<&str>,
        http: SharedHttpClient,
    ) -> Result<Self, Fault> {
        let profile = name.map_or(settings.profile.clone(), |n| settings.accounts.get(n).cloned());
        let config = match &settings.credentials {
            Some((id, secret)) => embedded(settings, id, secret, http),
            None => {
                let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
                if let Some(profile) = &profile {
                    loader = loader.profile_name(profile);
                }
                if let Some(endpoint) = &settings.endpoint {
                    loader = loader.endpoint_url(endpoint);
                }
                if let Some(region) = settings.regions.iter().find(|r| *r != "all") {
                    loader = loader.region(Region::new(region.clone()));
                }
                loader.load().await
            }
        };
        let Some(inner) = config.credentials_provider() else {
            return Err(Fault::new(FaultKind::Expired, "no AWS credentials are configured")
                .hint(renew(profile.as_deref())));
        };
        let key = Arc::new(Mutex::new(None));
        let provider = SharedCredentialsProvider::new(Remembering { inner, key: Arc::clone(&key) });
        let config = config.into_builder().credentials_provider(provider).build();
        let region = config.region().map(ToString::to_string);
        Ok(Self { name: name.map(str::to_owned), profile, config, region, key, identity: Arc::default() })
    }

    /// Whether the chain gives out credentials. No request is sent to AWS unless the chain itself does.
    ///
    /// # Errors
    /// `expired`: it gives none.
    pub(crate) async fn have_credentials(&self) -> Result<(), Fault> {
        let Some(provider) = self.config.credentials_provider() else { return Ok(()) };
        let given = provider.provide_credentials().await;
        given.map(drop).map_err(|e| fault::expired_with(fault::credentials(&e), self.profile.as_deref()))
    }

    /// The credentials last used, when any were.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What to do when credentials ended or are missing.
#[must_use]
pub fn renew(profile: Option<&str>) -> String {
    match profile {
        Some(profile) => {
            format!("renew with `aws sso login --profile {profile}`, or check the profile in ~/.aws/config")
        }
        None => "renew with `aws sso login`, set AWS_PROFILE, or start with --profile NAME".to_owned(),
    }
}

/// Nothing is read from the environment: the embedded account is the same everywhere.
fn embedded(settings: &Settings, id: &str, secret: &str, http: SharedHttpClient) -> SdkConfig {
    let region =
        settings.regions.iter().find(|r| *r != "all").cloned().unwrap_or_else(|| "us-east-1".to_owned());
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            id, secret, None, None, "embedded",
        )))
        .identity_cache(aws_config::identity::IdentityCache::lazy().build())
        .time_source(aws_smithy_async::time::SystemTimeSource::new())
        .http_client(http);
    builder.set_sleep_impl(default_async_sleep());
    builder.set_endpoint_url(settings.endpoint.clone());
    builder.build()
}

/// The provider's name, which credentials tell in their debug form only (their secrets they do not).
fn provider(debug: &str) -> String {
    let name = debug.split_once("provider_name: \"").and_then(|(_, rest)| rest.split('"').next());
    name.unwrap_or("an unknown provider").to_owned()
}

/// A credentials chain that remembers which key it gave out last, so that expiry can be shown without asking again.
#[derive(Debug)]
struct Remembering {
    inner: SharedCredentialsProvider,
    key: Arc<Mutex<Option<Key>>>,
}

impl ProvideCredentials for Remembering {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let credentials = self.inner.provide_credentials().await?;
            let id = credentials.access_key_id().to_owned();
            let tail = id.chars().skip(id.chars().count().saturating_sub(4)).collect();
            let expires = credentials
                .expiry()
                .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok())
                .map(|d| Timestamp::default().plus(d));
            let source = provider(&format!("{credentials:?}"));
            *self.key.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Key { id, tail, expires, source });
            Ok(credentials)
        })
    }
}
