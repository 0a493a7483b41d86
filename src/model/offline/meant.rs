//! Which of the names a tool suggests was meant: one that can be no other, or none.

use super::select::mentions;
use serde_json::{Value, json};

/// What a hint begins with that suggests names.
const HINT: &str = "did you mean";

/// The one name that `asked` stands for among those `hint` suggests.
pub(super) fn meant<'a>(asked: &str, hint: &'a str) -> Option<&'a str> {
    let list = hint.trim().strip_prefix(HINT)?.trim_start_matches(':').trim().trim_end_matches('?');
    let names: Vec<&str> = list.split(", ").map(|n| n.trim_matches('"')).filter(|n| !n.is_empty()).collect();
    let asked = last(asked).to_lowercase();
    let likeness: [&dyn Fn(&str) -> bool; 3] = [
        &|name| mentions(&json!(name), &asked),
        &|name| {
            last(name).to_lowercase().strip_prefix(&asked).is_some_and(|r| r.starts_with(['-', '_', '.']))
        },
        &|name| one_slip(&last(name).to_lowercase(), &asked),
    ];
    if asked.is_empty() {
        return None;
    }
    for like in likeness {
        match names.iter().filter(|n| like(n)).collect::<Vec<_>>().as_slice() {
            [] => {}
            [one] => return Some(one),
            // Several could be meant: that is for the operator to say.
            [_, ..] => return None,
        }
    }
    None
}

/// The last part of a path or an ARN.
fn last(name: &str) -> &str {
    name.trim_end_matches(":*").rsplit(['/', ':']).next().unwrap_or(name)
}

/// Whether one letter more, fewer or other, or two that changed places, is all that differs.
fn one_slip(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let same = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (a, b) = (a.get(same..).unwrap_or_default(), b.get(same..).unwrap_or_default());
    let rest = |side: &[char], n: usize| side.get(n..).map(<[char]>::to_vec);
    let swapped = matches!((a, b), ([x, y, ..], [v, w, ..]) if x == w && y == v);
    same + a.len().min(b.len()) >= 3
        && (rest(a, 1).as_deref() == Some(b)
            || rest(b, 1).as_deref() == Some(a)
            || (!a.is_empty() && rest(a, 1) == rest(b, 1))
            || (swapped && rest(a, 2) == rest(b, 2)))
}

/// The name to ask again with, when `result` is a failure that suggests it.
pub(super) fn suggested(asked: &Value, result: &Value) -> Option<String> {
    let failed = result.get("ok") == Some(&json!(false));
    let hint = result.get("hint").and_then(Value::as_str).filter(|_| failed)?;
    meant(asked.as_str()?, hint).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn only_a_name_that_can_be_no_other_is_meant() {
        let hint =
            "did you mean: /ecs/shop/checkout-api, /ecs/shop/cart, /ecs/shop/catalog, /ecs/platform/auth";
        for (asked, want) in [
            ("/ecs/checkout-api", Some("/ecs/shop/checkout-api")),
            ("Checkout-API", Some("/ecs/shop/checkout-api")),
            ("checkout", Some("/ecs/shop/checkout-api")),
            ("/ecs/cra", None),
            ("/ecs/crat", Some("/ecs/shop/cart")),
            ("/ecs/catalg", Some("/ecs/shop/catalog")),
            ("/ecs/cta", None),
            ("zzz", None),
            ("ecs", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(meant(asked, hint), want, "{asked}");
        }
        assert_eq!(meant("api", "did you mean: /ecs/a/api, /ecs/b/api"), None, "two could be meant");
        assert_eq!(meant("api", "there is none here: try /ecs/api"), None);
        assert_eq!(meant("api", "did you mean \"/ecs/api\"?"), Some("/ecs/api"));
    }
}
