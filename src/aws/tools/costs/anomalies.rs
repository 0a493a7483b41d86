//! GetAnomalies, GetAnomalyMonitors, GetCostForecast: what is unexpected, whether anything watches, what is to come.

use super::amount::Amount;
use super::days::{Days, after, first_of_month};
use super::fault;
use super::usage::{self, Ask, Costs, interval, without_credits};
use crate::tool::CEILING;
use crate::tools::reading::patience::Patience;
use aws_sdk_costexplorer::Client;
use aws_sdk_costexplorer::types::{Anomaly, AnomalyDateInterval, AnomalyMonitor, Granularity, Metric};
use quarterdeck_core::tool::{Fault, FaultKind};
use std::future::Future;
use time::Date;

/// Anomalies and monitors a page.
const PAGE: i32 = 100;
/// Each page is billed: so many and no more.
const PAGES: usize = CEILING / PAGE as usize;

/// One account's anomalies and its month.
#[derive(Debug)]
pub struct Found {
    /// The days asked about.
    pub days: Days,
    /// The day of the call.
    pub today: Date,
    /// What AWS found unexpected; `None`: not known.
    pub anomalies: Option<Vec<Anomaly>>,
    /// What watches; `None`: not known.
    pub monitors: Option<Vec<AnomalyMonitor>>,
    /// Every day from the first of last month, today included; `None`: not known.
    pub costs: Option<Costs>,
    /// What the rest of the month, today included, is expected to cost.
    pub forecast: Result<(Amount, String), Fault>,
    /// What is missing.
    pub errors: Vec<(String, Fault)>,
}

/// Everything at once; each part may be missing.
///
/// # Errors
/// Nothing at all could be read.
pub async fn read(costs: &Client, days: Days, today: Date, patience: Patience) -> Result<Found, Fault> {
    let month = Ask {
        days: Days { from: first_of_month(today, -1), until: after(today, 1) },
        granularity: Granularity::Daily,
        metric: "UnblendedCost",
        group: None,
        credits: false,
    };
    let (anomalies, monitors, spent, forecast) = futures::join!(
        anomalies(costs, days, patience),
        monitors(costs, patience),
        usage::read(costs, &month, patience),
        forecast(costs, today, patience),
    );
    let mut errors = Vec::new();
    let mut first: Option<Fault> = None;
    let mut failed = |what: &str, fault: Fault| {
        first.get_or_insert(fault.clone());
        errors.push((what.to_owned(), fault));
    };
    let anomalies = half("anomalies", anomalies, &mut failed);
    let monitors = half("anomaly monitors", monitors, &mut failed);
    let mut spent = spent.map_err(|fault| failed("costs of the month", fault)).ok();
    if let Some(fault) = spent.as_mut().and_then(|spent| spent.missing.take()) {
        failed("costs of the month", fault);
        // Half of the month would look like a cheap one.
        spent = None;
    }
    if let Err(fault) = &forecast
        && !fault::no_data(fault)
    {
        failed("forecast", fault.clone());
    }
    match first {
        Some(fault) if anomalies.is_none() && monitors.is_none() && spent.is_none() && forecast.is_err() => {
            Err(fault)
        }
        Some(_) | None => Ok(Found { days, today, anomalies, monitors, costs: spent, forecast, errors }),
    }
}

type Half<T> = (Option<Vec<T>>, Option<Fault>);

fn half<T>(what: &str, read: Half<T>, failed: &mut impl FnMut(&str, Fault)) -> Option<Vec<T>> {
    if let Some(fault) = read.1 {
        let after =
            read.0.as_ref().map_or_else(String::new, |items| format!(" after the first {}", items.len()));
        failed(&format!("{what}{after}"), fault);
    }
    read.0
}

async fn anomalies(costs: &Client, days: Days, patience: Patience) -> Half<Anomaly> {
    pages(patience, |token| {
        let interval = AnomalyDateInterval::builder()
            .start_date(days.from.to_string())
            .end_date(days.last().to_string())
            .build()
            .ok();
        let request =
            costs.get_anomalies().set_date_interval(interval).max_results(PAGE).set_next_page_token(token);
        async move {
            let answer = patience.page(request.send()).await.map_err(|failure| fault::of(&failure))?;
            Ok((answer.anomalies, answer.next_page_token))
        }
    })
    .await
}

async fn monitors(costs: &Client, patience: Patience) -> Half<AnomalyMonitor> {
    pages(patience, |token| {
        let request = costs.get_anomaly_monitors().max_results(PAGE).set_next_page_token(token);
        async move {
            let answer = patience.page(request.send()).await.map_err(|failure| fault::of(&failure))?;
            Ok((answer.anomaly_monitors, answer.next_page_token))
        }
    })
    .await
}

/// Every page, and why the rest is missing.
async fn pages<T, F, Fut>(patience: Patience, ask: F) -> Half<T>
where
    F: Fn(Option<String>) -> Fut,
    Fut: Future<Output = Result<(Vec<T>, Option<String>), Fault>>,
{
    let (mut all, mut token): (Vec<T>, Option<String>) = (Vec::new(), None);
    for page in 0.. {
        if page == PAGES || page > 0 && patience.is_over() {
            let fault = Fault::new(FaultKind::Timeout, format!("only the first {page} pages were read"))
                .hint("ask for fewer days");
            return (Some(all), Some(fault));
        }
        match ask(token.take()).await {
            Ok((items, next)) => {
                all.extend(items);
                token = next.filter(|t| !t.is_empty());
            }
            Err(fault) if page == 0 => return (None, Some(fault)),
            Err(fault) => return (Some(all), Some(fault)),
        }
        if token.is_none() {
            break;
        }
    }
    (Some(all), None)
}

/// Today and the rest of the month: whole days are known from GetCostAndUsage, so nothing counts twice.
async fn forecast(costs: &Client, today: Date, patience: Patience) -> Result<(Amount, String), Fault> {
    let rest = Days { from: today, until: first_of_month(today, 1) };
    let request = costs
        .get_cost_forecast()
        .set_time_period(interval(rest))
        .metric(Metric::UnblendedCost)
        .granularity(Granularity::Daily)
        .filter(without_credits());
    let answer = patience.page(request.send()).await.map_err(|failure| fault::of(&failure))?;
    let total = answer
        .total()
        .and_then(|t| Some((Amount::parse(t.amount()?)?, t.unit().unwrap_or("USD").to_owned())));
    total.ok_or_else(|| Fault::new(FaultKind::Missing, "Cost Explorer gave no forecast"))
}
