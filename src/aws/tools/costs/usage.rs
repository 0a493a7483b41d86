//! GetCostAndUsage, page after page.

use super::amount::Amount;
use super::days::{Days, read_day};
use super::fault;
use crate::tool::CEILING;
use crate::tools::reading::patience::Patience;
use aws_sdk_costexplorer::Client;
use aws_sdk_costexplorer::operation::get_cost_and_usage::GetCostAndUsageOutput;
use aws_sdk_costexplorer::types::{
    DateInterval, Dimension, DimensionValues, Expression, Granularity, GroupDefinition, MetricValue,
};
use quarterdeck_core::tool::{Fault, FaultKind};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use time::Date;

/// Each page is billed: so many and no more.
const PAGES: usize = 25;
/// What Cost Explorer calls what is not usage.
const CREDITS: [&str; 2] = ["Credit", "Refund"];

/// What to ask for.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// Which days.
    pub days: Days,
    /// By day or by month.
    pub granularity: Granularity,
    /// `UnblendedCost`.
    pub metric: &'a str,
    /// What the costs are grouped by; `None`: not at all.
    pub group: Option<GroupDefinition>,
    /// Whether credits and refunds count.
    pub credits: bool,
}

/// One amount: of a day or month, a group, a currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The first day it stands for.
    pub day: Date,
    /// The group as Cost Explorer names it; empty without groups.
    pub group: String,
    /// `USD`.
    pub currency: String,
    /// How much.
    pub amount: Amount,
}

/// What was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// Every amount.
    pub points: Vec<Point>,
    /// What Cost Explorer says of a group: the name of an account.
    pub names: BTreeMap<String, String>,
    /// Not invoiced yet.
    pub estimated: bool,
    /// Whether Cost Explorer had an answer for any day at all.
    pub answered: bool,
    /// Why pages are missing.
    pub missing: Option<Fault>,
}

/// All that Cost Explorer tells.
///
/// # Errors
/// Not even the first page came.
pub async fn read(costs: &Client, ask: &Ask<'_>, patience: Patience) -> Result<Costs, Fault> {
    let mut out = Costs::default();
    let (mut token, mut groups): (Option<String>, BTreeSet<String>) = (None, BTreeSet::new());
    for page in 0.. {
        if page == PAGES || groups.len() > CEILING || page > 0 && patience.is_over() {
            out.missing = Some(cut(page));
            return Ok(out);
        }
        let request = costs
            .get_cost_and_usage()
            .set_time_period(interval(ask.days))
            .granularity(ask.granularity.clone())
            .metrics(ask.metric)
            .set_group_by(ask.group.clone().map(|group| vec![group]))
            .set_filter((!ask.credits).then(without_credits))
            .set_next_page_token(token.take());
        match patience.page(request.send()).await {
            Ok(answer) => {
                token = answer.next_page_token.clone().filter(|t| !t.is_empty());
                take(&mut out, &answer, ask.metric);
                groups.extend(out.points.iter().map(|p| p.group.clone()));
            }
            Err(failure) if page == 0 => return Err(fault::of(&failure)),
            Err(failure) => {
                out.missing = Some(fault::of(&failure));
                return Ok(out);
            }
        }
        if token.is_none() {
            break;
        }
    }
    Ok(out)
}

/// The days as the API takes them.
pub fn interval(days: Days) -> Option<DateInterval> {
    DateInterval::builder().start(days.from.to_string()).end(days.until.to_string()).build().ok()
}

/// Everything but credits and refunds, which would hide what was used.
pub fn without_credits() -> Expression {
    let credits = DimensionValues::builder()
        .key(Dimension::RecordType)
        .set_values(Some(CREDITS.map(str::to_owned).to_vec()))
        .build();
    Expression::builder().not(Expression::builder().dimensions(credits).build()).build()
}

fn cut(pages: usize) -> Fault {
    Fault::new(FaultKind::Timeout, format!("only the first {pages} pages were read: later days are missing"))
        .hint("granularity=monthly, fewer days or another group_by need fewer")
}

fn take(out: &mut Costs, answer: &GetCostAndUsageOutput, metric: &str) {
    for value in answer.dimension_value_attributes() {
        let name = value.attributes().and_then(|a| a.get("description"));
        if let (Some(key), Some(name)) = (value.value(), name) {
            out.names.insert(key.to_owned(), name.clone());
        }
    }
    for result in answer.results_by_time() {
        let Some(day) = result.time_period().and_then(|p| read_day(p.start())) else { continue };
        out.answered = true;
        out.estimated |= result.estimated();
        let totals =
            result.total().filter(|_| result.groups().is_empty()).map(|total| (String::new(), total));
        let groups = result.groups().iter().filter_map(|g| Some((g.keys().join(" / "), g.metrics()?)));
        for (group, metrics) in totals.into_iter().chain(groups) {
            out.points.extend(amount(metrics, metric).map(|(amount, currency)| Point {
                day,
                group,
                currency,
                amount,
            }));
        }
    }
}

fn amount(metrics: &HashMap<String, MetricValue>, metric: &str) -> Option<(Amount, String)> {
    let value = metrics.get(metric)?;
    let currency = value.unit().filter(|u| !u.is_empty()).unwrap_or("(no currency)");
    Some((Amount::parse(value.amount()?)?, currency.to_owned()))
}
