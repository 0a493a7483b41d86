//! Several providers behind one: each request names the one it is for.

use crate::provider::{EventStream, Provider};
use crate::tags;
use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use quarterdeck_core::message::{ModelError, Request};
use quarterdeck_core::tokens::Tokens;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Makes the provider of a name; says what to set when it cannot.
pub type Make = Box<dyn Fn(&str) -> Result<Arc<dyn Provider>, ModelError> + Send + Sync>;

/// Providers by name, each made when it is first asked.
pub struct Several {
    first: String,
    make: Make,
    made: Mutex<BTreeMap<String, Arc<dyn Provider>>>,
}

impl fmt::Debug for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Several").field("first", &self.first).finish_non_exhaustive()
    }
}

impl Several {
    /// `first` is the one a session begins with.
    #[must_use]
    pub fn new(first: &str, make: Make) -> Self {
        Self { first: first.to_owned(), make, made: Mutex::default() }
    }

    /// The provider of this name.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn named(&self, name: &str) -> Result<Arc<dyn Provider>, ModelError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(provider) = made.get(name) {
            return Ok(Arc::clone(provider));
        }
        let provider = (self.make)(name)?;
        made.insert(name.to_owned(), Arc::clone(&provider));
        Ok(provider)
    }
}

impl Provider for Several {
    fn name(&self) -> &str {
        &self.first
    }

    fn encode(&self, request: &Request) -> Result<Value, ModelError> {
        self.named(&request.provider)?.encode(request)
    }

    fn reach(&self) -> BoxFuture<'_, Result<String, ModelError>> {
        let first = self.named(&self.first);
        Box::pin(async move { first?.reach().await })
    }

    fn count_tokens(&self, request: Request) -> BoxFuture<'_, Result<Tokens, ModelError>> {
        let named = self.named(&request.provider);
        Box::pin(async move { named?.count_tokens(request).await })
    }

    fn stream(&self, request: Request, cancel: CancellationToken) -> EventStream {
        match self.named(&request.provider) {
            Ok(provider) => {
                let model = request.model.clone();
                tags::apart(provider.stream(request, cancel), &model)
            }
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }
}
