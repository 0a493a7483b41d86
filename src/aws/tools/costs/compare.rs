//! What costs came to, and how they changed. Pure.

use super::amount::Amount;
use super::usage::Costs;
use std::collections::BTreeMap;
use std::fmt;

/// Above this a percentage says less than how many times as much.
const TIMES: i128 = 9_995;

/// One group's costs in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// As Cost Explorer names it.
    pub group: String,
    /// `USD`.
    pub currency: String,
    /// In the period.
    pub now: Amount,
    /// In the one before; `None`: not known.
    pub before: Option<Amount>,
}

/// How an amount changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The period before is not known.
    Unknown,
    /// There was nothing before.
    New,
    /// There is nothing now.
    Gone,
    /// To the tenth of a percent.
    Same,
    /// By so many tenths of a percent.
    By(i128),
    /// To so many tenths of what it was.
    Times(i128),
    /// It was a cost and is a credit.
    ToCredit,
    /// It was a credit and is a cost.
    FromCredit,
    /// A credit changed by so many tenths of a percent of itself; positive: there is more credit.
    Credit(i128),
}

impl Change {
    /// From `before` to `now`.
    pub fn of(now: Amount, before: Option<Amount>) -> Self {
        let Some(before) = before else { return Self::Unknown };
        match (before.is_zero(), now.is_zero()) {
            (true, true) => return Self::Same,
            (true, false) => return Self::New,
            (false, true) => return Self::Gone,
            (false, false) => {}
        }
        match (before.is_negative(), now.is_negative()) {
            (true, false) => return Self::FromCredit,
            (false, true) => return Self::ToCredit,
            (true, true) | (false, false) => {}
        }
        let tenths = now.abs().tenths_of_percent(before.abs()).unwrap_or(i128::MAX);
        match tenths {
            0 => Self::Same,
            _ if now.is_negative() => Self::Credit(tenths),
            more if more >= TIMES => Self::Times(more.saturating_add(1_000).saturating_add(50) / 100),
            _ => Self::By(tenths),
        }
    }

    /// What rows are counted by.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unknown => "not known",
            Self::New => "new",
            Self::Gone => "gone",
            Self::Same => "unchanged",
            Self::By(tenths) | Self::Credit(tenths) if tenths < 0 => "less",
            Self::By(_) | Self::Credit(_) | Self::Times(_) => "more",
            Self::ToCredit => "less",
            Self::FromCredit => "more",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = |n: i128| format!("{}.{}", n.unsigned_abs() / 10, n.unsigned_abs() % 10);
        match *self {
            Self::Unknown | Self::New | Self::Gone | Self::Same => f.write_str(self.label()),
            Self::By(n) => write!(f, "{}{} %", if n < 0 { "-" } else { "+" }, tenths(n)),
            Self::Times(n) => write!(f, "{} times as much", tenths(n)),
            Self::ToCredit => f.write_str("was a cost, is a credit"),
            Self::FromCredit => f.write_str("was a credit, is a cost"),
            Self::Credit(n) => write!(f, "{} % {} credit", tenths(n), if n < 0 { "less" } else { "more" }),
        }
    }
}

/// Every group with a cost in either period, the most expensive first. Currencies are never added up.
pub fn lines(now: &Costs, before: Option<&Costs>) -> Vec<Line> {
    let (now, before) = (sums(now), before.map(sums));
    let none = BTreeMap::new();
    let keys: std::collections::BTreeSet<&(String, String)> =
        now.keys().chain(before.as_ref().unwrap_or(&none).keys()).collect();
    let of = |sums: &BTreeMap<(String, String), Amount>, key| sums.get(key).copied().unwrap_or_default();
    let mut lines: Vec<Line> = keys
        .into_iter()
        .map(|key| Line {
            group: key.0.clone(),
            currency: key.1.clone(),
            now: of(&now, key),
            before: before.as_ref().map(|before| of(before, key)),
        })
        .filter(|line| !line.now.is_zero() || line.before.is_some_and(|b| !b.is_zero()))
        .collect();
    // Of what costs nothing any more, what cost most comes first.
    lines.sort_by(|a, b| {
        (b.now, b.before, &a.group, &a.currency).cmp(&(a.now, a.before, &b.group, &b.currency))
    });
    lines
}

/// One line a currency, over every group; the largest first.
pub fn totals(lines: &[Line], before_known: bool) -> Vec<Line> {
    let mut by: BTreeMap<&str, (Amount, Amount)> = BTreeMap::new();
    for line in lines {
        let sum = by.entry(&line.currency).or_default();
        *sum = (sum.0 + line.now, sum.1 + line.before.unwrap_or_default());
    }
    let mut totals: Vec<Line> = by
        .into_iter()
        .map(|(currency, (now, before))| Line {
            group: String::new(),
            currency: currency.to_owned(),
            now,
            before: before_known.then_some(before),
        })
        .collect();
    totals.sort_by_key(|total| std::cmp::Reverse(total.now));
    totals
}

fn sums(costs: &Costs) -> BTreeMap<(String, String), Amount> {
    let mut sums: BTreeMap<(String, String), Amount> = BTreeMap::new();
    for point in &costs.points {
        let sum = sums.entry((point.group.clone(), point.currency.clone())).or_default();
        *sum = *sum + point.amount;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::costs::days::read_day;
    use crate::tools::costs::usage::Point;

    fn of(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    #[test]
    fn changes_in_words() {
        for (now, before, want, label) in [
            ("110", Some("100"), "+10.0 %", "more"),
            ("100", Some("110"), "-9.1 %", "less"),
            ("100.01", Some("100"), "unchanged", "unchanged"),
            ("100", None, "not known", "not known"),
            ("5", Some("0"), "new", "new"),
            ("-5", Some("0"), "new", "new"),
            ("0", Some("5"), "gone", "gone"),
            ("0", Some("-5"), "gone", "gone"),
            ("0", Some("0"), "unchanged", "unchanged"),
            ("1099.4", Some("100"), "+999.4 %", "more"),
            ("1100", Some("100"), "11.0 times as much", "more"),
            ("100", Some("0.0001"), "1000000.0 times as much", "more"),
            ("0.0002", Some("0.0001"), "+100.0 %", "more"),
            ("-12", Some("-10"), "20.0 % more credit", "more"),
            ("-5", Some("-10"), "50.0 % less credit", "less"),
            ("5", Some("-10"), "was a credit, is a cost", "more"),
            ("-5", Some("10"), "was a cost, is a credit", "less"),
            ("0.000001", Some("900"), "-100.0 %", "less"),
        ] {
            let change = Change::of(of(now), before.map(of));
            assert_eq!(
                (change.to_string().as_str(), change.label()),
                (want, label),
                "{now} after {before:?}"
            );
        }
    }

    fn costs(points: &[(&str, &str, &str, &str)]) -> Costs {
        let point = |(day, group, currency, amount): &(&str, &str, &str, &str)| Point {
            day: read_day(day).unwrap(),
            group: (*group).to_owned(),
            currency: (*currency).to_owned(),
            amount: of(amount),
        };
        Costs { points: points.iter().map(point).collect(), answered: true, ..Costs::default() }
    }

    #[test]
    fn groups_are_added_up_by_currency_and_sorted() {
        let now = costs(&[
            ("2026-11-01", "EC2", "USD", "0.1"),
            ("2026-11-02", "EC2", "USD", "0.2"),
            ("2026-11-01", "S3", "USD", "0.0000001"),
            ("2026-11-01", "EC2", "CNY", "7"),
            ("2026-11-01", "Refunds", "USD", "-3"),
            ("2026-11-01", "Nothing", "USD", "0.0"),
        ]);
        let before = costs(&[
            ("2026-10-01", "EC2", "USD", "0.3"),
            ("2026-10-01", "RDS", "USD", "9"),
            ("2026-10-01", "ELB", "USD", "2"),
        ]);
        let lines = lines(&now, Some(&before));
        let shown: Vec<(&str, &str, String, String)> = lines
            .iter()
            .map(|l| {
                (
                    l.group.as_str(),
                    l.currency.as_str(),
                    l.now.to_string(),
                    Change::of(l.now, l.before).to_string(),
                )
            })
            .collect();
        let line = |g, c, n: &str, w: &str| (g, c, n.to_owned(), w.to_owned());
        assert_eq!(
            shown,
            [
                line("EC2", "CNY", "7.00", "new"),
                line("EC2", "USD", "0.30", "unchanged"),
                line("S3", "USD", "0.00000010", "new"),
                line("RDS", "USD", "0.00", "gone"),
                line("ELB", "USD", "0.00", "gone"),
                line("Refunds", "USD", "-3.00", "new"),
            ]
        );
        let totals: Vec<(String, String)> =
            totals(&lines, true).iter().map(|l| (l.currency.clone(), l.now.to_string())).collect();
        assert_eq!(totals, [("CNY".to_owned(), "7.00".to_owned()), ("USD".to_owned(), "-2.70".to_owned())]);
        assert!(super::lines(&now, None).iter().all(|l| l.before.is_none()));
        assert_eq!(super::lines(&Costs::default(), None), []);
    }
}
