//! A query as tokens with their places.

use super::Malformed;

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A command, a function, a field, an alias: `stats`, `@message`, `detail.code`.
    Word(String),
    /// `"..."` or `'...'`.
    Text(String),
    /// `/.../`; whether case does not count.
    Regex(String, bool),
    Number(f64),
    /// `5m`: a span in milliseconds.
    Span(i64),
    /// `|`, `,`, `(`, `=`, `>=` ...
    Sign(&'static str),
}

/// A token and where it is, in characters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

/// Longer signs first.
const SIGNS: [&str; 18] =
    ["!=", "<=", ">=", "=~", "|", ",", "(", ")", "[", "]", "=", "<", ">", "*", "+", "-", "/", "%"];

/// The query's tokens; comments (`# ...`) are left out.
///
/// # Errors
/// A character that begins nothing, a quote that is not closed.
pub(super) fn tokens(query: &str) -> Result<Vec<Token>, Malformed> {
    let chars: Vec<char> = query.chars().collect();
    let mut out: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        let start = at;
        if c.is_whitespace() {
            at += 1;
            continue;
        }
        if c == '#' {
            at += chars.iter().skip(at).take_while(|c| **c != '\n').count();
            continue;
        }
        let kind = match c {
            '"' | '\'' => {
                let (text, after) = quoted(&chars, at, c)?;
                at = after;
                Kind::Text(text)
            }
            '`' => {
                let (text, after) = quoted(&chars, at, c)?;
                at = after;
                Kind::Word(text)
            }
            '/' if regex_may_follow(&out) => {
                let (text, after) = quoted(&chars, at, c)?;
                at = after;
                Kind::Regex(text, false)
            }
            '0'..='9' => number(&chars, &mut at),
            c if c.is_alphabetic() || matches!(c, '@' | '_' | '$') => {
                let fits = |c: &&char| c.is_alphanumeric() || matches!(**c, '@' | '_' | '.' | '$');
                let word: String = chars.iter().skip(at).take_while(fits).collect();
                at += word.chars().count();
                Kind::Word(word)
            }
            _ => {
                let rest: String = chars.iter().skip(at).take(2).collect();
                let Some(sign) = SIGNS.into_iter().find(|s| rest.starts_with(s)) else {
                    return Err(Malformed {
                        message: format!("unexpected symbol found {c} at line 1 and position {}", at + 1),
                        start: at,
                        end: at + 1,
                    });
                };
                at += sign.len();
                Kind::Sign(sign)
            }
        };
        out.push(Token { kind, start, end: at });
    }
    Ok(out)
}

/// After a value a slash divides; anywhere else it begins a regular expression.
fn regex_may_follow(before: &[Token]) -> bool {
    match before.last().map(|t| &t.kind) {
        Some(Kind::Word(word)) => {
            matches!(word.to_lowercase().as_str(), "like" | "parse" | "in" | "and" | "or" | "not")
                || !before.iter().any(|t| matches!(t.kind, Kind::Sign("=" | "+" | "-" | "*")))
        }
        Some(Kind::Number(_) | Kind::Span(_) | Kind::Text(_) | Kind::Regex(..) | Kind::Sign(")")) => false,
        Some(Kind::Sign(_)) | None => true,
    }
}

fn quoted(chars: &[char], from: usize, quote: char) -> Result<(String, usize), Malformed> {
    let mut text = String::new();
    let mut at = from + 1;
    while let Some(c) = chars.get(at).copied() {
        if c == quote {
            return Ok((text, at + 1));
        }
        if c == '\\' {
            at += 1;
            let next = chars.get(at).copied().unwrap_or('\\');
            // In a regular expression only the slash is escaped for the query's sake.
            if quote == '/' && next != '/' || quote != '/' && next != quote && next != '\\' {
                text.push('\\');
            }
            text.push(next);
        } else {
            text.push(c);
        }
        at += 1;
    }
    Err(Malformed { message: format!("{quote} is not closed"), start: from, end: chars.len() })
}

fn number(chars: &[char], at: &mut usize) -> Kind {
    let digits: String = chars.iter().skip(*at).take_while(|c| c.is_ascii_digit() || **c == '.').collect();
    *at += digits.len();
    let unit: String = chars.iter().skip(*at).take_while(|c| c.is_ascii_alphabetic()).collect();
    let value: f64 = digits.parse().unwrap_or(0.0);
    let ms = match unit.as_str() {
        "ms" => 1.0,
        "s" | "sec" | "second" | "seconds" => 1e3,
        "m" | "min" | "minute" | "minutes" => 6e4,
        "h" | "hr" | "hour" | "hours" => 3.6e6,
        "d" | "day" | "days" => 8.64e7,
        "w" | "week" | "weeks" => 6.048e8,
        _ => return Kind::Number(value),
    };
    *at += unit.len();
    Kind::Span((value * ms) as i64)
}
