//! One query in one region: started, watched, and stopped when it costs or takes more than it may.
//!
//! A query goes on and costs whether anybody waits for it or not. So it is stopped when its bytes pass the budget, when
//! time is up, and when the call is dropped; the rows there are by then are kept, and it is said why there are no more.

use super::price::gigabytes;
use crate::clients::ReadClients;
use crate::fault;
use crate::place::Place;
use crate::tools::query_logs_insights::Args;
use crate::tools::reading::period::Period;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::operation::get_query_results::GetQueryResultsOutput;
use aws_sdk_cloudwatchlogs::operation::start_query::StartQueryError;
use aws_sdk_cloudwatchlogs::types::error::MalformedQueryException;
use aws_sdk_cloudwatchlogs::types::{QueryCompileErrorLocation, QueryStatistics, QueryStatus};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::retry::RetryConfig;
use quarterdeck_core::event::Progress;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// So long it is waited for; what is left of the tool's limit is for stopping it and taking what there is.
const WAIT: Duration = Duration::from_secs(44);
/// For what is asked of a query that was stopped.
const LAST: Duration = Duration::from_secs(2);
/// Between two looks, at first and in the end.
const LOOK: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));
/// Starts that are tried where AWS throttles.
const STARTS: u32 = 4;

/// What the regions of one call may take, and have scanned, together.
#[derive(Debug)]
pub struct Meter {
    budget: u64,
    scanned: AtomicU64,
    until: Instant,
}

impl Meter {
    /// Nothing so far, for a call that begins now.
    pub fn new(budget: u64) -> Self {
        Self { budget, scanned: AtomicU64::new(0), until: Instant::now() + WAIT }
    }

    /// Takes in what one region has scanned more; all of them together.
    fn add(&self, more: u64) -> u64 {
        self.scanned.fetch_add(more, Ordering::Relaxed).saturating_add(more)
    }

    fn passed(&self) -> bool {
        self.scanned.load(Ordering::Relaxed) > self.budget
    }
}

/// What one region's query came to.
#[derive(Debug, Default)]
pub struct RegionRows {
    /// Field names and values, in the query's order.
    pub rows: Vec<Vec<(String, String)>>,
    pub statistics: Statistics,
    /// Why it ended early: the rows are those there were by then.
    pub stopped: Option<String>,
    /// What is missing and why.
    pub errors: Vec<(String, Fault)>,
}

/// What a query has looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    pub matched: u64,
    pub scanned: u64,
    pub bytes: u64,
}

impl From<&QueryStatistics> for Statistics {
    fn from(s: &QueryStatistics) -> Self {
        let whole = |n: f64| n.max(0.0) as u64;
        Self {
            matched: whole(s.records_matched()),
            scanned: whole(s.records_scanned()),
            bytes: whole(s.bytes_scanned()),
        }
    }
}

/// Ends a query that nobody waits for any more.
struct Running<'a> {
    aws: &'a ReadClients,
    client: &'a Client,
    id: Option<String>,
}

impl Running<'_> {
    fn stop(client: &Client, id: &str) -> impl Future<Output = ()> + Send + use<> {
        let asked = client.stop_query().query_id(id);
        async move {
            // It may have ended by itself in the meantime.
            let _ = asked.send().await;
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.aws.farewell(Box::pin(Self::stop(self.client, &id)));
        }
    }
}

/// Runs the query in one region. Source: CloudWatch Logs StartQuery, GetQueryResults, StopQuery.
///
/// # Errors
/// It could not be started, or failed without a single row.
pub async fn region(
    aws: &ReadClients,
    place: Place,
    args: &Args,
    period: Period,
    meter: &Meter,
) -> Result<RegionRows, Fault> {
    let client = aws.logs(&place);
    let id = start(&client, args, period).await?;
    let mut running = Running { aws, client: &client, id: Some(id.clone()) };
    let mut region = RegionRows::default();
    let mut pause = LOOK.0;
    let ended = loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LOOK.1);
        let answer =
            match tokio::time::timeout_at(meter.until, client.get_query_results().query_id(&id).send()).await
            {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) if region.rows.is_empty() => return Err(fault::of(&error)),
                Ok(Err(error)) => {
                    region.errors.push(("the rest of the rows".to_owned(), fault::of(&error)));
                    return Ok(region);
                }
                Err(_) => break End::Late,
            };
        take(&mut region, &answer, meter);
        aws.progress(Progress {
            done: region.statistics.bytes / 1_000_000,
            total: None,
            unit: "MB scanned",
            rows: u64::try_from(region.rows.len()).unwrap_or(u64::MAX),
            partial: None,
        });
        match end(&answer) {
            Some(end) => break end,
            None if meter.passed() => break End::OverBudget,
            None if Instant::now() >= meter.until => break End::Late,
            None => {}
        }
    };
    if matches!(ended, End::Late | End::OverBudget) {
        let _ = tokio::time::timeout(LAST, Running::stop(&client, &id)).await;
        // What it had found when it was stopped.
        let last = client.get_query_results().query_id(&id).send();
        if let Ok(Ok(answer)) = tokio::time::timeout(LAST, last).await {
            take(&mut region, &answer, meter);
        }
    }
    running.id = None;
    match ended {
        End::Complete => {}
        End::Late => {
            region.stopped = Some(format!("stopped after {} s", WAIT.as_secs()));
        }
        End::OverBudget => {
            region.stopped =
                Some(format!("stopped when it had scanned more than {}", gigabytes(meter.budget)));
        }
        End::Failed(why) if region.rows.is_empty() => {
            return Err(Fault::new(FaultKind::Unavailable, format!("the query {why} at AWS"))
                .hint("ask for a shorter period, or try again"));
        }
        End::Failed(why) => region.stopped = Some(format!("it {why} at AWS")),
    }
    Ok(region)
}

/// How a query ended.
enum End {
    Complete,
    Failed(&'static str),
    OverBudget,
    Late,
}

fn end(answer: &GetQueryResultsOutput) -> Option<End> {
    match answer.status()? {
        QueryStatus::Complete => Some(End::Complete),
        QueryStatus::Failed => Some(End::Failed("failed")),
        QueryStatus::Cancelled => Some(End::Failed("was cancelled")),
        QueryStatus::Timeout => Some(End::Failed("ran out of time")),
        // Scheduled, Running, and what is not known yet.
        _ => None,
    }
}

/// Rows replace rows: each answer has all there are so far, and a stopped query's may have none.
fn take(region: &mut RegionRows, answer: &GetQueryResultsOutput, meter: &Meter) {
    if let Some(statistics) = answer.statistics().map(Statistics::from) {
        meter.add(statistics.bytes.saturating_sub(region.statistics.bytes));
        if statistics.bytes >= region.statistics.bytes {
            region.statistics = statistics;
        }
    }
    if answer.results().is_empty() {
        return;
    }
    let rows = answer.results().iter().map(|row| {
        let fields = row
            .iter()
            .map(|f| (f.field().unwrap_or_default().to_owned(), f.value().unwrap_or_default().to_owned()));
        // A pointer to the whole event, of no use here.
        fields.filter(|(name, _)| name != "@ptr").collect()
    });
    region.rows = rows.collect();
}

/// Starts the query, once: the SDK would start it again when an answer is lost, and both would cost. Where AWS says that
/// it was throttled it was not started.
async fn start(client: &Client, args: &Args, period: Period) -> Result<String, Fault> {
    let (from, until) =
        (period.from.millis().div_euclid(1_000), (period.until.millis() - 1).div_euclid(1_000));
    let mut pause = LOOK.1;
    for attempt in 1.. {
        let once = aws_sdk_cloudwatchlogs::config::Builder::new().retry_config(RetryConfig::disabled());
        let sent = client
            .start_query()
            .set_log_group_names(Some(args.groups().into_iter().map(str::to_owned).collect()))
            .query_string(&args.query)
            .start_time(from)
            .end_time(until.max(from))
            .limit(i32::try_from(args.limit).unwrap_or(i32::MAX))
            .customize()
            .config_override(once)
            .send()
            .await;
        let error = match sent {
            Ok(answer) => {
                let none = || Fault::new(FaultKind::Unavailable, "AWS started a query and did not say which");
                return answer.query_id.filter(|id| !id.is_empty()).ok_or_else(none);
            }
            Err(error) => error,
        };
        let fault = explained(&error, args);
        if fault.kind != FaultKind::Throttled || attempt >= STARTS {
            return Err(fault);
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Err(Fault::new(FaultKind::Throttled, "AWS did not start the query"))
}

fn explained<R: fault::Status>(error: &SdkError<StartQueryError, R>, args: &Args) -> Fault {
    match error.as_service_error() {
        Some(StartQueryError::MalformedQueryException(malformed)) => badly_put(malformed, &args.query),
        Some(StartQueryError::ResourceNotFoundException(e)) => {
            let said = e.message().unwrap_or("the log group does not exist");
            Fault::new(FaultKind::Missing, format!("{said} ({})", args.groups().join(", ")))
        }
        Some(StartQueryError::LimitExceededException(_)) => {
            Fault::new(FaultKind::Throttled, "too many Insights queries run in this account and region")
                .hint("try again when others have ended")
        }
        Some(_) | None => fault::of(error),
    }
}

/// What is wrong with the query, and where.
fn badly_put(malformed: &MalformedQueryException, query: &str) -> Fault {
    let compile = malformed.query_compile_error();
    let said =
        compile.and_then(|c| c.message()).or(malformed.message()).unwrap_or("the query cannot be read");
    let location = compile.and_then(|c| c.location());
    let start = location
        .and_then(QueryCompileErrorLocation::start_char_offset)
        .and_then(|at| usize::try_from(at).ok());
    let end =
        location.and_then(QueryCompileErrorLocation::end_char_offset).and_then(|at| usize::try_from(at).ok());
    let hint = "send fields, filter, parse, stats ... by, sort and limit, joined by |, for example: \
        filter @message like /ERROR/ | stats count(*) as n by bin(5m)";
    let fault = |message: String| Fault::new(FaultKind::Invalid, message).hint(hint);
    let Some(start) = start else { return fault(format!("the query is malformed: {said}")) };
    let length = end.unwrap_or(start).saturating_sub(start).clamp(12, 48);
    let there: String = query.chars().skip(start).take(length).collect();
    let there = if there.is_empty() { "its end".to_owned() } else { crate::given::shown(&there) };
    fault(format!("the query is malformed at character {} ({there}): {said}", start + 1))
}
