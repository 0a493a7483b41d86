//! Pages of keys. Source: S3 ListObjectsV2, asked to encode keys, which may hold what XML cannot.

use crate::instant;
use crate::tools::reading::patience::Patience;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::EncodingType;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, Op};

/// What listing needs.
pub const LIST: Op = Op::new("S3", "ListObjectsV2", &["s3:ListBucket"]);

/// The most S3 gives at a time.
const PAGE: usize = 1_000;

/// An object as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Bytes.
    pub size: i64,
    /// When it was last written.
    pub modified: Option<Timestamp>,
    /// Its storage class.
    pub class: Option<String>,
}

/// What to list of a bucket.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// Keys that begin with this.
    pub prefix: Option<&'a str>,
    /// Keys with this after the prefix are rolled up.
    pub delimiter: Option<&'a str>,
    /// Where an earlier listing ended.
    pub cursor: Option<&'a str>,
    /// Keys and prefixes at most.
    pub limit: usize,
}

/// Keys, and where to go on.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Objects in the order of their keys.
    pub objects: Vec<Object>,
    /// What several keys begin with.
    pub prefixes: Vec<String>,
    /// Keys looked at, rolled-up ones counted once.
    pub read: usize,
    /// The cursor after the last of them, when there are more.
    pub next: Option<String>,
    /// Why there are fewer than asked for.
    pub lost: Option<Fault>,
}

/// Reads page after page up to `limit`; `seen` takes each page's objects and says which to keep. What was read before
/// a page failed is kept.
///
/// # Errors
/// The first page failed.
pub async fn list(
    s3: &Client,
    asked: Asked<'_>,
    patience: Patience,
    mut seen: impl FnMut(Vec<Object>, usize) -> Vec<Object>,
) -> Result<Keys, Fault> {
    let mut keys = Keys { next: asked.cursor.map(str::to_owned), ..Keys::default() };
    loop {
        let size = asked.limit.saturating_sub(keys.read).min(PAGE);
        let page = s3
            .list_objects_v2()
            .bucket(asked.bucket)
            .set_prefix(asked.prefix.map(str::to_owned))
            .set_delimiter(asked.delimiter.map(str::to_owned))
            .set_continuation_token(keys.next.clone())
            .encoding_type(EncodingType::Url)
            .max_keys(i32::try_from(size).unwrap_or(1_000));
        let page = match patience.page(page.send()).await {
            Ok(page) => page,
            Err(e) if keys.read == 0 => return Err(e.fault()),
            Err(e) => {
                keys.lost = Some(e.fault());
                return Ok(keys);
            }
        };
        let encoded = page.encoding_type() == Some(&EncodingType::Url);
        let plain = |text: &str| if encoded { decoded(text) } else { text.to_owned() };
        let objects: Vec<Object> = page
            .contents()
            .iter()
            .filter_map(|o| {
                Some(Object {
                    key: plain(o.key()?),
                    size: o.size().unwrap_or(0),
                    modified: instant::of(o.last_modified()),
                    class: o.storage_class().map(|c| c.as_str().to_owned()),
                })
            })
            .collect();
        keys.read += objects.len() + page.common_prefixes().len();
        keys.prefixes.extend(page.common_prefixes().iter().filter_map(|p| p.prefix()).map(plain));
        keys.objects.extend(seen(objects, keys.read));
        keys.next = page.next_continuation_token().filter(|t| !t.is_empty()).map(str::to_owned);
        if keys.next.is_none() || keys.read >= asked.limit || patience.is_over() {
            return Ok(keys);
        }
    }
}

/// `encoding-type=url` undone: percent escapes, and a plus for a space.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        match b {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|d| d.and_then(|d| char::from(d).to_digit(16)));
                if let [Some(high), Some(low)] = digits {
                    bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                }
            }
            b => bytes.push(b),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn keys_are_decoded() {
        for (wire, key) in [
            ("a/b.csv", "a/b.csv"),
            ("a+b%2Bc", "a b+c"),
            ("gr%C3%B6%C3%9Fe", "größe"),
            ("bell%07", "bell\u{7}"),
            ("half%C", "half"),
        ] {
            assert_eq!(decoded(wire), key);
        }
    }
}
