//! Pages: an opaque token says where the next one begins.

use crate::wire::Failure;

/// One page of something.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// At most `size` of `items`, from where `token` says.
///
/// # Errors
/// The token is none of ours: a failure with `code`.
pub(crate) fn page<T>(
    items: Vec<T>,
    token: Option<&str>,
    size: usize,
    code: &'static str,
) -> Result<Page<T>, Failure> {
    let from = match token {
        Some(token) => parse(token).ok_or_else(|| Failure::new(code, "The token is not valid."))?,
        None => 0,
    };
    let more = items.len() > from + size;
    let items = items.into_iter().skip(from).take(size).collect();
    Ok(Page { items, next: more.then(|| token_for(from + size)) })
}

/// The token for position `n`.
pub(crate) fn token_for(n: usize) -> String {
    format!("qd{:x}", n ^ 0x5eed_cafe)
}

/// The position a token stands for.
pub(crate) fn parse(token: &str) -> Option<usize> {
    usize::from_str_radix(token.strip_prefix("qd")?, 16).ok().map(|n| n ^ 0x5eed_cafe)
}
