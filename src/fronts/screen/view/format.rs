//! Numbers, spans and times as people read them.

use quarterdeck_core::Timestamp;
use std::time::Duration;

/// `412 ms`, `3.2 s`, `2 m 05 s`, `1 h 02 m`.
#[must_use]
pub fn span(d: Duration) -> String {
    let ms = d.as_millis();
    let s = d.as_secs();
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} m {:02} s", s / 60, s % 60),
        3_600_000.. => format!("{} h {:02} m", s / 3_600, s / 60 % 60),
    }
}

/// How long before `now`: `now`, `12s ago`, `3m ago`, `5h ago`, `2d ago`; `in 5m` for the future.
#[must_use]
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        let ahead = coarse(at.since(now));
        return if ahead == "0s" { "now".to_owned() } else { format!("in {ahead}") };
    }
    match coarse(now.since(at)) {
        zero if zero == "0s" => "now".to_owned(),
        past => format!("{past} ago"),
    }
}

/// `12s`, `3m`, `5h`, `2d`, `7w`.
#[must_use]
pub fn coarse(d: Duration) -> String {
    let s = d.as_secs();
    match s {
        0..90 => format!("{s}s"),
        90..5_400 => format!("{}m", s / 60),
        5_400..129_600 => format!("{}h", s / 3_600),
        129_600..5_184_000 => format!("{}d", s / 86_400),
        5_184_000.. => format!("{}w", s / 604_800),
    }
}

/// `950`, `18.2k`, `3.4M`.
#[must_use]
pub fn short(n: u64) -> String {
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => format!("{}.{}k", n / 1_000, n % 1_000 / 100),
        1_000_000.. => format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

/// `12,345`.
#[must_use]
pub fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n < 0 {
        out.push('-');
    }
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `640 B`, `1.5 KiB`, `20.0 MiB`.
#[must_use]
pub fn bytes(n: f64) -> String {
    let mut value = n;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value.abs() < 1024.0 {
            return if unit == "B" { format!("{value:.0} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// A number with at most three decimals and no needless zeros.
#[must_use]
pub fn number(n: f64) -> String {
    if n.abs() >= 1e15 || !n.is_finite() {
        return format!("{n:e}");
    }
    let text = format!("{n:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (ms, want) in [
            (0, "0 ms"),
            (412, "412 ms"),
            (3_250, "3.2 s"),
            (59_999, "59.9 s"),
            (125_000, "2 m 05 s"),
            (3_720_000, "1 h 02 m"),
        ] {
            assert_eq!(span(Duration::from_millis(ms)), want);
        }
    }

    #[test]
    fn ages() {
        let now = Timestamp::from_millis(10_000_000_000);
        for (s, want) in
            [(0, "now"), (12, "12s ago"), (240, "4m ago"), (7_200, "2h ago"), (172_800, "2d ago")]
        {
            assert_eq!(ago(now.minus(Duration::from_secs(s)), now), want);
        }
        assert_eq!(ago(now.plus(Duration::from_secs(300)), now), "in 5m");
    }

    #[test]
    fn numbers() {
        assert_eq!(short(18_240), "18.2k");
        assert_eq!(grouped(-1_234_567), "-1,234,567");
        assert_eq!(grouped(999), "999");
        assert_eq!(bytes(1536.0), "1.5 KiB");
        assert_eq!(number(2.500), "2.5");
        assert_eq!(number(3.0), "3");
    }
}
