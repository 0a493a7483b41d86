//! This month so far, last month, and where this one ends. Pure.

use super::amount::Amount;
use super::compare::Change;
use super::days::{after, first_of_month};
use super::usage::Costs;
use std::collections::BTreeMap;
use time::Date;

/// One currency's month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// `USD`.
    pub currency: String,
    /// Whole days of this month.
    pub days: i64,
    /// What they cost.
    pub so_far: Amount,
    /// What today cost until now.
    pub today: Amount,
    /// As many days of last month.
    pub same_days: Amount,
    /// All of last month.
    pub last: Amount,
}

/// Of every currency, the most expensive first.
pub fn months(costs: &Costs, today: Date) -> Vec<Month> {
    let first = first_of_month(today, 0);
    let last = first_of_month(today, -1);
    let days = (today - first).whole_days();
    let mut by: BTreeMap<&str, Month> = BTreeMap::new();
    for point in &costs.points {
        let month = by.entry(&point.currency).or_insert_with(|| Month {
            currency: point.currency.clone(),
            days,
            so_far: Amount::ZERO,
            today: Amount::ZERO,
            same_days: Amount::ZERO,
            last: Amount::ZERO,
        });
        let add = |sum: &mut Amount| *sum = *sum + point.amount;
        match point.day {
            day if day == today => add(&mut month.today),
            day if day >= first && day < today => add(&mut month.so_far),
            day if day >= last && day < first => {
                add(&mut month.last);
                if day < after(last, days) {
                    add(&mut month.same_days);
                }
            }
            _ => {}
        }
    }
    let mut months: Vec<Month> = by.into_values().collect();
    months.sort_by_key(|m| std::cmp::Reverse(m.so_far + m.today));
    months
}

/// `November so far 812.40 USD in 19 whole days (October's first 19: 780.10, +4.1 %); forecast 1,240.00 USD (October:
/// 1,180.00)`.
pub fn told(months: &[Month], today: Date, forecast: Result<(Amount, &str), &str>) -> String {
    let this = today.month();
    let last = first_of_month(today, -1).month();
    let mut parts: Vec<String> = Vec::new();
    for month in months {
        let Month { currency, days, so_far, same_days, .. } = month;
        parts.push(if *days == 0 {
            format!("{this} began today: no whole day yet, {} {currency} until now", month.today)
        } else {
            let change = Change::of(*so_far, Some(*same_days));
            format!("{this} so far {so_far} {currency} in {days} whole days ({last}'s first {days}: {same_days}, {change})")
        });
    }
    if months.is_empty() {
        parts.push(format!("no costs in {this} or {last}"));
    }
    parts.push(match forecast {
        Ok((rest, currency)) => {
            let month = months.iter().find(|m| m.currency == currency);
            let known = month.map_or(Amount::ZERO, |m| m.so_far);
            let last = month.map_or_else(String::new, |m| format!(" ({last}: {})", m.last));
            format!("forecast for all of {this} {} {currency}{last}", known + rest)
        }
        Err(why) => format!("no forecast: {why}"),
    });
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::costs::days::read_day;
    use crate::tools::costs::usage::Point;

    fn of(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    /// One unit for every day from the first of last month through `today`, and what `extra` adds.
    fn every_day(today: Date, extra: &[(&str, &str, &str)]) -> Costs {
        let mut day = first_of_month(today, -1);
        let mut points = Vec::new();
        while day <= today {
            points.push(Point { day, group: String::new(), currency: "USD".into(), amount: of("1.10") });
            day = after(day, 1);
        }
        points.extend(extra.iter().map(|(day, currency, amount)| Point {
            day: read_day(day).unwrap(),
            group: String::new(),
            currency: (*currency).into(),
            amount: of(amount),
        }));
        Costs { points, answered: true, ..Costs::default() }
    }

    #[test]
    fn every_day_of_a_month() {
        let usd = Ok((of("12.10"), "USD"));
        for (today, extra, forecast, want) in [
            (
                "2026-11-20",
                vec![],
                usd,
                "November so far 20.90 USD in 19 whole days (October's first 19: 20.90, unchanged); forecast for all of November 33.00 USD (October: 34.10)",
            ),
            (
                "2026-11-01",
                vec![],
                usd,
                "November began today: no whole day yet, 1.10 USD until now; forecast for all of November 12.10 USD (October: 34.10)",
            ),
            (
                "2026-11-30",
                vec![],
                Ok((of("1"), "USD")),
                "November so far 31.90 USD in 29 whole days (October's first 29: 31.90, unchanged); forecast for all of November 32.90 USD (October: 34.10)",
            ),
            // February has no 29th to compare with; the year turns.
            (
                "2026-03-31",
                vec![],
                Err("too little history"),
                "March so far 33.00 USD in 30 whole days (February's first 30: 30.80, +7.1 %); no forecast: too little history",
            ),
            (
                "2027-01-01",
                vec![],
                Err("denied"),
                "January began today: no whole day yet, 1.10 USD until now; no forecast: denied",
            ),
            (
                "2026-11-03",
                vec![("2026-11-02", "CNY", "700"), ("2026-11-02", "USD", "-0.2")],
                Ok((of("5"), "CNY")),
                "November so far 700.00 CNY in 2 whole days (October's first 2: 0.00, new); November so far 2.00 USD in 2 whole days (October's first 2: 2.20, -9.1 %); forecast for all of November 705.00 CNY (October: 0.00)",
            ),
        ] {
            let today = read_day(today).unwrap();
            assert_eq!(told(&months(&every_day(today, &extra), today), today, forecast), want);
        }
        let today = read_day("2026-11-20").unwrap();
        let none = told(&months(&Costs::default(), today), today, usd);
        assert_eq!(none, "no costs in November or October; forecast for all of November 12.10 USD");
    }
}
