//! SigV4 for endpoints that take it instead of a key: Claude's Messages API on Bedrock.

use super::failure::{Again, Failure};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_types::SdkConfig;
use futures::future::BoxFuture;
use quarterdeck_core::message::ModelErrorKind;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::OnceCell;

/// Loads credentials, endpoint and HTTP client, at the first question.
pub type Load = Arc<dyn Fn() -> BoxFuture<'static, Result<SdkConfig, String>> + Send + Sync>;

/// Signs requests with the session's AWS credentials.
#[derive(Clone)]
pub(crate) struct Signer {
    load: Load,
    region: Option<String>,
    service: String,
    config: Arc<OnceCell<SdkConfig>>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("region", &self.region)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// In `region`, or the one the configuration that `load` gives has.
    pub(crate) fn new(load: Load, region: Option<String>, service: &str) -> Self {
        Self { load, region, service: service.to_owned(), config: Arc::default() }
    }

    /// The region requests are signed for.
    pub(crate) async fn region(&self) -> Result<&str, Failure> {
        if let Some(region) = &self.region {
            return Ok(region);
        }
        let config = self.config().await?;
        config.region().map(AsRef::as_ref).ok_or_else(|| {
            let why = "no region for Bedrock: start with --region NAME, or set AWS_REGION".to_owned();
            Failure::new(ModelErrorKind::Invalid, why, "no region", Again::Never)
        })
    }

    async fn config(&self) -> Result<&SdkConfig, Failure> {
        self.config.get_or_try_init(|| (self.load)()).await.map_err(denied)
    }

    /// The headers that sign a request with `body` to `url`, which already carries `headers`.
    pub(crate) async fn headers(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Vec<(String, String)>, Failure> {
        let (config, region) = (self.config().await?, self.region().await?);
        let provider = config.credentials_provider().ok_or_else(|| {
            denied("no AWS credentials are configured: run `aws sso login` or set AWS_PROFILE".to_owned())
        })?;
        let credentials = provider.provide_credentials().await.map_err(|e| {
            denied(format!("no usable AWS credentials ({e}): renew them with `aws sso login`"))
        })?;
        let identity = credentials.into();
        let wrong = |why: String| Failure::new(ModelErrorKind::Invalid, why, "not signable", Again::Never);
        let params = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(&self.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|e| wrong(e.to_string()))?;
        let request = SignableRequest::new(method, url, headers.iter().copied(), SignableBody::Bytes(body))
            .map_err(|e| wrong(e.to_string()))?;
        let signed = sign(request, &params.into()).map_err(|e| wrong(e.to_string()))?;
        let (instructions, _) = signed.into_parts();
        Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

fn denied(why: String) -> Failure {
    Failure::new(ModelErrorKind::Credentials, why, "no AWS credentials", Again::Never)
}
