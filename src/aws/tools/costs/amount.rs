//! Amounts of money, exact.
//!
//! Cost Explorer writes amounts as decimal text with ten places and more. They are added up as whole numbers of 10^-12,
//! so no sum drifts; only what is shown is rounded, once: to the cent, or to two digits where that would show nothing.
//! A sum is rounded after adding up, a difference is that of the two amounts beside it.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Sub};

/// Decimal places that are kept.
const PLACES: i32 = 12;
/// One unit of currency.
const ONE: i128 = 1_000_000_000_000;
/// One cent.
const CENT: i128 = ONE / 100;

/// An amount in some currency; negative for credits and refunds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(i128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// `12.3456789`, `-0.5`, `1E-7`. Further places are rounded half away from zero. `None`: not a number.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.len() + fraction.len() == 0
            || !whole.chars().chain(fraction.chars()).all(|c| c.is_ascii_digit())
        {
            return None;
        }
        // What is far beyond the places kept changes nothing.
        let fraction = fraction.get(..18.min(fraction.len()))?;
        let all: i128 = format!("{whole}{fraction}").parse().ok()?;
        let shift = PLACES.checked_add(exponent)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        let power = 10_i128.checked_pow(shift.unsigned_abs());
        let units = match (shift >= 0, power) {
            (true, Some(power)) => all.checked_mul(power)?,
            (false, Some(power)) => (all + power / 2) / power,
            (true, None) if all != 0 => return None,
            (true | false, None) => 0,
        };
        Some(Self(if negative { -units } else { units }))
    }

    /// An amount that came as a double: the shortest decimal that stands for it.
    pub fn of_float(value: f64) -> Option<Self> {
        value.is_finite().then(|| Self::parse(&format!("{value}"))).flatten()
    }

    /// Whether it is nothing at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether it is a credit.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Without its sign.
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// As it is shown.
    pub fn rounded(self) -> Self {
        let (step, _) = self.step();
        Self(half_away(self.0, step).saturating_mul(step))
    }

    /// For a table: rounded as it is shown.
    pub fn cell(self) -> f64 {
        self.decimal(false).parse().unwrap_or_default()
    }

    /// By how many tenths of a percent it differs from `before`; `None` when `before` is nothing.
    pub fn tenths_of_percent(self, before: Self) -> Option<i128> {
        let (difference, base) = (self.0.checked_sub(before.0)?, before.0.checked_abs()?);
        let scaled = difference.checked_mul(1_000)?;
        (base != 0).then(|| half_away(scaled, base))
    }

    fn decimal(self, grouped: bool) -> String {
        let (step, places) = self.step();
        let rounded = half_away(self.0, step).saturating_abs().saturating_mul(step);
        let sign = if self.0 < 0 && rounded != 0 { "-" } else { "" };
        let whole = (rounded / ONE).to_string();
        let whole = if grouped { thousands(&whole) } else { whole };
        let fraction = format!("{:012}", rounded % ONE);
        format!("{sign}{whole}.{}", fraction.get(..places).unwrap_or_default())
    }

    /// What is rounded to, and its places: a cent, or two digits of what would be lost in one.
    fn step(self) -> (i128, usize) {
        let (mut step, mut places) = (CENT, 2);
        while self.0 != 0
            && self.0.saturating_abs() < step.saturating_mul(10)
            && self.0.saturating_abs() < CENT
            && step > 1
        {
            step /= 10;
            places += 1;
        }
        (step, places)
    }
}

/// `n / by`, rounded half away from zero.
fn half_away(n: i128, by: i128) -> i128 {
    let half = by / 2;
    if n < 0 { n.saturating_sub(half) / by } else { n.saturating_add(half) / by }
}

/// `1234567` as `1,234,567`.
fn thousands(digits: &str) -> String {
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1,234.56`; `0.00042` where cents would show nothing.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.decimal(true))
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    #[test]
    fn amounts_as_they_are_shown() {
        for (text, shown, cell) in [
            ("0", "0.00", 0.0),
            ("0E-10", "0.00", 0.0),
            ("12.3", "12.30", 12.3),
            ("12.345", "12.35", 12.35),
            ("-12.345", "-12.35", -12.35),
            ("1234567.8949999999", "1,234,567.89", 1_234_567.89),
            ("0.01", "0.01", 0.01),
            ("0.0094999", "0.0095", 0.0095),
            ("0.0004213", "0.00042", 0.000_42),
            ("1.5E-7", "0.00000015", 1.5e-7),
            ("-0.0000000012", "-0.0000000012", -1.2e-9),
            ("1E-13", "0.00", 0.0),
            ("1e3", "1,000.00", 1_000.0),
            ("+.5", "0.50", 0.5),
            ("0.1234567890123456789012345678901234567890", "0.12", 0.12),
            ("-0.0000000000001", "0.00", 0.0),
        ] {
            assert_eq!(of(text).to_string(), shown, "{text}");
            assert!((of(text).cell() - cell).abs() < 1e-15, "{text}: {}", of(text).cell());
        }
        for bad in ["", "-", ".", "1,5", "USD 3", "1e", "NaN", "0x1", "1e40", "--1"] {
            assert_eq!(Amount::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn sums_do_not_drift() {
        let all: Amount = (0..1_000_000).map(|_| of("0.1")).sum();
        assert_eq!(all, of("100000"));
        let mixed: Amount = ["0.1", "0.2", "-0.3", "1E-12"].map(of).into_iter().sum();
        assert_eq!(mixed, of("0.000000000001"));
        assert_eq!(Amount::of_float(0.1 + 0.2).unwrap().to_string(), "0.30");
        assert_eq!(Amount::of_float(f64::NAN), None);
    }

    #[test]
    fn percentages() {
        for (now, before, want) in [
            ("110", "100", Some(100)),
            ("100.04", "100", Some(0)),
            ("100.05", "100", Some(1)),
            ("50", "100", Some(-500)),
            ("-10", "-20", Some(500)),
            ("5", "0", None),
        ] {
            assert_eq!(of(now).tenths_of_percent(of(before)), want, "{now} {before}");
        }
    }
}
