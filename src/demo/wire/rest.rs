//! REST bindings: the operation a method and a path stand for, and the members that travel in path and query.

use super::form::{decode, percent};
use serde_json::{Map, Value};

/// Method and path, and the operation: `("GET /clusters/{name}", "DescribeCluster")`. `{name}` is a label, `{Key+}` one
/// that takes the rest of the path, and `?acl` at the end asks that the query has that key. The first that fits wins,
/// so the ones that ask for more come first.
pub(crate) type Route = (&'static str, &'static str);

/// The operation of `routes` that `method` and `uri` stand for, with the members in the path and in the query. `uri` may
/// begin with scheme and host. A key that comes twice in the query is a list.
pub(crate) fn bound(routes: &[Route], method: &str, uri: &str) -> Option<(&'static str, Map<String, Value>)> {
    let rest =
        uri.split_once("://").map_or(uri, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let query = members(query);
    routes.iter().find_map(|(template, operation)| {
        let (verb, template) = template.split_once(' ')?;
        let (template, needs) = template.split_once('?').map_or((template, None), |(t, key)| (t, Some(key)));
        if verb != method || needs.is_some_and(|key| !query.contains_key(key)) {
            return None;
        }
        let mut all = labels(template, path)?;
        all.extend(query.clone());
        Some((*operation, all))
    })
}

/// The labels of `path` when it fits; a slash at either end of it makes no difference.
fn labels(template: &str, path: &str) -> Option<Map<String, Value>> {
    let mut all = Map::new();
    let mut rest = Some(path.trim_matches('/')).filter(|p| !p.is_empty());
    for part in template.trim_matches('/').split('/').filter(|p| !p.is_empty()) {
        let label = part.strip_prefix('{').and_then(|p| p.strip_suffix('}'));
        let here = rest?;
        if let Some(greedy) = label.and_then(|l| l.strip_suffix('+')) {
            all.insert(greedy.to_owned(), percent(here).into());
            rest = None;
            continue;
        }
        let (segment, after) = here.split_once('/').map_or((here, None), |(s, after)| (s, Some(after)));
        rest = after;
        match label {
            Some(label) => {
                all.insert(label.to_owned(), percent(segment).into());
            }
            None if part == segment => {}
            None => return None,
        }
    }
    rest.is_none().then_some(all)
}

fn members(query: &str) -> Map<String, Value> {
    let mut all = Map::new();
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = Value::from(decode(value));
        match all.get_mut(&decode(key)) {
            Some(Value::Array(items)) => items.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
            None => {
                all.insert(decode(key), value);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ROUTES: &[Route] = &[
        ("GET /clusters", "ListClusters"),
        ("GET /clusters/{name}", "DescribeCluster"),
        ("POST /clusters/{name}", "UpdateCluster"),
        ("GET /clusters/{name}/node-groups/{group}", "DescribeNodegroup"),
        ("GET /files/{Bucket}?acl", "GetBucketAcl"),
        ("GET /files/{Bucket}", "ListObjects"),
        ("GET /files/{Bucket}/{Key+}", "GetObject"),
    ];

    #[test]
    fn the_operation_with_what_path_and_query_say() {
        let host = "https://eks.eu-west-1.amazonaws.com";
        for (method, uri, operation, members) in [
            ("GET", "/clusters", "ListClusters", json!({})),
            (
                "GET",
                "https://eks.eu-west-1.amazonaws.com/clusters/?maxResults=5&include=a&include=b%20c",
                "ListClusters",
                json!({ "maxResults": "5", "include": ["a", "b c"] }),
            ),
            ("GET", "/clusters/shop%2Fa+b", "DescribeCluster", json!({ "name": "shop/a+b" })),
            ("POST", "/clusters/shop", "UpdateCluster", json!({ "name": "shop" })),
            (
                "GET",
                "/clusters/shop/node-groups/blue?x",
                "DescribeNodegroup",
                json!({ "name": "shop", "group": "blue", "x": "" }),
            ),
            ("GET", "/files/photos?acl", "GetBucketAcl", json!({ "Bucket": "photos", "acl": "" })),
            (
                "GET",
                "/files/photos?prefix=2026",
                "ListObjects",
                json!({ "Bucket": "photos", "prefix": "2026" }),
            ),
            (
                "GET",
                "/files/photos/2026/07/a.jpg",
                "GetObject",
                json!({ "Bucket": "photos", "Key": "2026/07/a.jpg" }),
            ),
        ] {
            let (found, all) = bound(ROUTES, method, uri).unwrap();
            assert_eq!((found, Value::Object(all)), (operation, members), "{method} {uri}");
        }
        for (method, uri) in [
            ("DELETE", "/clusters"),
            ("GET", "/"),
            ("GET", host),
            ("GET", "/clusters/a/b"),
            ("GET", "/clusters/a/node-groups"),
        ] {
            assert!(bound(ROUTES, method, uri).is_none(), "{method} {uri}");
        }
    }
}
