//! Host prefixes on addresses: some operations put the account's id before the host (S3 Control), which no resolver
//! knows for an emulator at an address. The prefix goes; AWS itself has names, and is left alone.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use std::net::Ipv4Addr;

/// Takes the prefix off before the request is signed.
#[derive(Debug)]
pub(crate) struct Unprefixed;

impl Intercept for Unprefixed {
    fn name(&self) -> &'static str {
        "QuarterdeckUnprefixed"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        if let Some(plain) = unprefixed(request.uri()) {
            request.set_uri(plain)?;
        }
        Ok(())
    }
}

/// `http://127.0.0.1:5000/x` out of `http://123456789012.127.0.0.1:5000/x`; `None` where there is nothing to take off.
fn unprefixed(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once("://")?;
    let (authority, path) =
        rest.find(['/', '?']).and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
    let (host, port) =
        authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let (_, plain) = host.split_once('.')?;
    let loops = plain == "localhost" || plain.parse::<Ipv4Addr>().is_ok();
    let port = port.map_or_else(String::new, |p| format!(":{p}"));
    loops.then(|| format!("{scheme}://{plain}{port}{path}"))
}

#[cfg(test)]
mod tests {
    use super::unprefixed;

    #[test]
    fn only_addresses_lose_what_stands_before_them() {
        for (uri, want) in [
            ("http://123456789012.127.0.0.1:5000/v20180820/x?y", Some("http://127.0.0.1:5000/v20180820/x?y")),
            ("http://123456789012.localhost:4566", Some("http://localhost:4566")),
            ("http://127.0.0.1:5000/x", None),
            ("http://localhost:5000/x", None),
            ("https://123456789012.s3-control.eu-west-1.amazonaws.com/x", None),
            ("https://s3.eu-west-1.amazonaws.com/127.0.0.1", None),
        ] {
            assert_eq!(unprefixed(uri).as_deref(), want, "{uri}");
        }
    }
}
