//! The newest lines of a group, read in windows that widen backwards.
//!
//! FilterLogEvents answers oldest first, with empty pages in between. Asked for an hour it would walk the whole hour to
//! reach the last minute, so it is asked for the last minute, then for the four before, and so on.

use super::groups;
use crate::clients::ReadClients;
use crate::place::Place;
use crate::tools::get_cloudwatch_logs::Args;
use crate::tools::reading::patience::Patience;
use crate::tools::reading::period::Period;
use crate::tools::reading::words::plural;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsError;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use quarterdeck_core::Timestamp;
use quarterdeck_core::event::Progress;
use quarterdeck_core::tool::{Fault, FaultKind};

/// The first window, in milliseconds.
const FIRST: i64 = 60_000;
/// Every window is so many times the one before.
const WIDER: i64 = 4;
/// A window with more pages of lines than this, and twice the lines still wanted, is read again, narrower: its newest
/// lines come last.
const PAGES_A_WINDOW: usize = 4;
/// No window is narrower than this, in milliseconds.
const NARROWEST: i64 = 1_000;
/// Pages in all.
pub const PAGES: usize = 200;

/// What one region holds.
#[derive(Debug)]
pub struct RegionLines {
    /// Every event read, newest first.
    pub events: Vec<FilteredLogEvent>,
    /// Everything from then until the end of the period was read.
    pub searched_from: Timestamp,
    /// Why reading ended before the period and the limit did.
    pub stopped: Option<String>,
    /// There is no such group.
    pub unknown: bool,
    /// What is missing and why.
    pub errors: Vec<(String, Fault)>,
}

/// One window's pages.
enum Window {
    /// All of them.
    Whole(Vec<FilteredLogEvent>),
    /// So many that the window must be narrower.
    TooMuch(Vec<FilteredLogEvent>),
    /// Not to its end: pages or patience ran out.
    Stopped(Vec<FilteredLogEvent>),
    /// Not to its end: AWS failed.
    Failed(Vec<FilteredLogEvent>, Fault),
    /// There is no such group.
    NoGroup,
}

/// Reads backwards until there are `args.limit` lines or the period begins. Source: CloudWatch Logs FilterLogEvents.
///
/// # Errors
/// As AWS answers, when not a single line could be read.
pub async fn region(
    aws: &ReadClients,
    place: &Place,
    args: &Args,
    period: Period,
    patience: Patience,
) -> Result<RegionLines, Fault> {
    let client = aws.logs(place);
    let mut reader = Reader { aws, client: &client, args, patience, pages: 0, found: 0 };
    let mut region = RegionLines {
        events: Vec::new(),
        searched_from: period.until,
        stopped: None,
        unknown: false,
        errors: Vec::new(),
    };
    let (mut end, mut size) = (period.until.millis(), FIRST);
    while end > period.from.millis() && region.events.len() < args.limit() {
        let start = end.saturating_sub(size).max(period.from.millis());
        let (events, last) = match reader.window(start, end).await {
            Window::Whole(events) => {
                size = next_size(size, events.len(), args.limit().saturating_sub(region.events.len()));
                (events, false)
            }
            Window::TooMuch(_) if end - start > NARROWEST => {
                size = ((end - start) / (WIDER * WIDER)).max(NARROWEST);
                continue;
            }
            Window::TooMuch(events) => {
                region.stopped = Some(format!(
                    "{} lines within a second: only the oldest of them were read",
                    events.len()
                ));
                (events, true)
            }
            Window::Stopped(events) => {
                region.stopped = Some(format!("stopped after {}", plural(reader.pages, "page")));
                (events, true)
            }
            Window::Failed(events, fault) => {
                if region.events.is_empty() && events.is_empty() {
                    return Err(explained(fault, args));
                }
                let missing = Period { from: period.from, until: Timestamp::from_millis(end) };
                region.errors.push((format!("lines from {missing}"), fault));
                (events, true)
            }
            Window::NoGroup => {
                region.unknown = true;
                return Ok(region);
            }
        };
        keep(&mut region.events, events, start, end);
        reader.found = region.events.len();
        if last {
            return Ok(region);
        }
        end = start;
        region.searched_from = Timestamp::from_millis(start);
    }
    Ok(region)
}

/// Wider, but not so wide that a window holds many times what is still wanted.
fn next_size(size: i64, found: usize, wanted: usize) -> i64 {
    let wider = size.saturating_mul(WIDER);
    if found == 0 {
        return wider;
    }
    let per_line = size / i64::try_from(found).unwrap_or(i64::MAX).max(1);
    let enough = per_line.saturating_mul(i64::try_from(wanted).unwrap_or(i64::MAX)).saturating_mul(2);
    enough.clamp(NARROWEST, wider)
}

/// Puts a window's events behind the newer ones: newest first, of the window only.
fn keep(all: &mut Vec<FilteredLogEvent>, mut window: Vec<FilteredLogEvent>, start: i64, end: i64) {
    // Whether the end of the API's period is part of it differs; here it is not.
    window.retain(|e| e.timestamp().is_none_or(|at| (start..end).contains(&at)));
    // Stable, and reversed: of lines with the same time, the one written last comes first.
    window.reverse();
    window.sort_by_key(|e| std::cmp::Reverse(e.timestamp()));
    all.extend(window);
}

/// A pattern that AWS does not take needs its grammar.
fn explained(fault: Fault, args: &Args) -> Fault {
    let Some(pattern) = args.pattern().filter(|_| fault.kind == FaultKind::Invalid) else { return fault };
    fault.hint(format!(
        "the pattern was {pattern:?}: words, \"a phrase\", ?either ?or, -without, {{ $.field = \"value\" }}, %regex%"
    ))
}

struct Reader<'a> {
    aws: &'a ReadClients,
    client: &'a Client,
    args: &'a Args,
    pages: usize,
    patience: Patience,
    found: usize,
}

impl Reader<'_> {
    /// Every page of `start..end`.
    async fn window(&mut self, start: i64, end: i64) -> Window {
        let mut events: Vec<FilteredLogEvent> = Vec::new();
        let (mut token, mut full) = (None, 0);
        loop {
            if self.pages >= PAGES || (self.pages > 0 && self.patience.is_over()) {
                return Window::Stopped(events);
            }
            let wanted = self.args.limit().saturating_sub(self.found);
            if full >= PAGES_A_WINDOW && events.len() / 2 > wanted {
                return Window::TooMuch(events);
            }
            self.pages += 1;
            let asked = self
                .client
                .filter_log_events()
                .log_group_name(groups::name_of(&self.args.log_group))
                .start_time(start)
                .end_time(end)
                .set_filter_pattern(self.args.pattern().map(str::to_owned))
                .set_log_stream_name_prefix(self.args.stream_prefix.clone().filter(|p| !p.is_empty()))
                .set_next_token(token);
            let answer = match self.patience.page(asked.send()).await {
                Ok(answer) => answer,
                Err(e) if e.service().is_some_and(FilterLogEventsError::is_resource_not_found_exception) => {
                    return Window::NoGroup;
                }
                Err(e) => return Window::Failed(events, e.fault()),
            };
            let page = answer.events.unwrap_or_default();
            full += usize::from(!page.is_empty());
            events.extend(page);
            self.aws.progress(Progress {
                done: u64::try_from(self.pages).unwrap_or(u64::MAX),
                total: None,
                unit: "pages",
                rows: u64::try_from(self.found + events.len()).unwrap_or(u64::MAX),
                partial: None,
            });
            token = answer.next_token.filter(|t| !t.is_empty());
            if token.is_none() {
                return Window::Whole(events);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_widen_but_not_far_beyond_what_is_wanted() {
        for (size, found, wanted, next) in [
            (60_000, 0, 200, 240_000),
            (60_000, 10, 190, 240_000),
            (60_000, 60, 140, 240_000),
            (60_000, 190, 10, 6_300),
            (60_000, 100_000, 10, 1_000),
        ] {
            assert_eq!(next_size(size, found, wanted), next, "{found} of {size} ms, {wanted} more wanted");
        }
    }
}
