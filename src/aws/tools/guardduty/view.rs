//! GuardDuty findings as a result: the most severe first, and above them that nobody watches.

use super::finding::{Severity, actor, is_sample, resource};
use super::read::{Region, Watching};
use crate::place::{Gathered, Place};
use crate::tool::CEILING;
use crate::tools::list_guardduty_findings::Args;
use crate::tools::reading::places::{PlaceColumns, errors, searched};
use crate::tools::reading::words::plural;
use aws_sdk_guardduty::types::{Finding, Service};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Projection, Row};
use std::cmp::Reverse;

/// Findings named in the summary.
const WORST: usize = 2;

/// One row: a finding, or that a region is not watched.
enum Shown<'a> {
    Finding { place: &'a Place, finding: &'a Finding, sample: bool },
    Blind { place: &'a Place, says: &'static str },
}

/// The result of `list_guardduty_findings`.
pub fn project(args: &Args, out: &Gathered<Region>, now: Timestamp) -> Projection {
    let places = PlaceColumns::of(out);
    let mut all: Vec<Shown<'_>> =
        out.answers.iter().flat_map(|(place, region)| shown(place, region)).collect();
    all.sort_by_key(Shown::order);
    // Where several accounts are asked, `account` is which of them.
    let account = if out.many_accounts { "account_id" } else { "account" };
    let columns = [
        ("severity", ColumnKind::Risk),
        ("type", ColumnKind::Text),
        ("resource", ColumnKind::Text),
        (account, ColumnKind::Id),
        ("actor_ip", ColumnKind::Text),
        ("count", ColumnKind::Count),
        ("first", ColumnKind::Time),
        ("last", ColumnKind::Time),
    ];
    let mut projection = Projection::new(summary(args, out, &all), now)
        .columns(&places.before(&columns))
        .rows(all.iter().map(|s| s.row(places)).collect())
        .counted("severity");
    projection.errors = errors(out, |region| &region.errors);
    projection.notes = notes(args, out, &all);
    let over: Vec<&str> =
        out.answers.iter().filter(|(_, r)| r.more).map(|(p, _)| p.region.as_str()).collect();
    if !over.is_empty() {
        projection.truncated =
            Some(format!("only the {CEILING} most severe findings were read in {}", over.join(", ")));
    }
    projection
}

fn shown<'a>(place: &'a Place, region: &'a Region) -> impl Iterator<Item = Shown<'a>> {
    let blind = match region.watching {
        Watching::Never => Some("GuardDuty is not enabled"),
        Watching::Suspended => Some("GuardDuty is suspended"),
        Watching::Yes | Watching::NotKnown => None,
    };
    let blind = blind.map(|says| Shown::Blind { place, says });
    let finding = move |finding| Shown::Finding { place, finding, sample: is_sample(finding) };
    blind.into_iter().chain(region.findings.iter().map(finding))
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text.and_then(|t| Timestamp::parse(t).ok())
}

impl Shown<'_> {
    /// A region that is not watched is as bad as a severe finding: whatever happens there is not seen.
    fn severity(&self) -> Severity {
        match self {
            Self::Finding { finding, .. } => Severity::of(finding.severity().unwrap_or_default()),
            Self::Blind { .. } => Severity::High,
        }
    }

    fn is_sample(&self) -> bool {
        match self {
            Self::Finding { sample, .. } => *sample,
            Self::Blind { .. } => false,
        }
    }

    /// Real before made up, severe before harmless, new before old.
    fn order(&self) -> (bool, Reverse<Severity>, Reverse<i64>, Reverse<Option<Timestamp>>) {
        let (tenths, last) = match self {
            Self::Finding { finding, .. } => {
                let service = finding.service();
                let last = service.and_then(|s| s.event_last_seen()).or(finding.updated_at());
                ((finding.severity().unwrap_or_default() * 10.0) as i64, time(last))
            }
            // Before the findings of its severity.
            Self::Blind { .. } => (i64::MAX, None),
        };
        (self.is_sample(), Reverse(self.severity()), Reverse(tenths), Reverse(last))
    }

    fn kind(&self) -> String {
        match self {
            Self::Finding { finding, sample, .. } => {
                let kind = finding.r#type().unwrap_or("unknown");
                if *sample { format!("{kind} [SAMPLE]") } else { kind.to_owned() }
            }
            Self::Blind { says, .. } => (*says).to_owned(),
        }
    }

    fn what(&self) -> Option<String> {
        match self {
            Self::Finding { finding, .. } => finding.resource().and_then(resource),
            Self::Blind { place, .. } => Some(format!("region {}", place.region)),
        }
    }

    fn row(&self, places: PlaceColumns) -> Row {
        let (place, rest): (_, [Cell; 5]) = match self {
            Self::Finding { place, finding, .. } => {
                let service = finding.service();
                let seen = |at: Option<&str>, otherwise: Option<&str>| Cell::from(time(at.or(otherwise)));
                let rest = [
                    finding.account_id().into(),
                    service.and_then(actor).into(),
                    service.and_then(Service::count).into(),
                    seen(service.and_then(|s| s.event_first_seen()), finding.created_at()),
                    seen(service.and_then(|s| s.event_last_seen()), finding.updated_at()),
                ];
                (place, rest)
            }
            Self::Blind { place, .. } => (place, [const { Cell::Absent }; 5]),
        };
        let urgency = match self.severity() {
            _ if self.is_sample() => 0,
            Severity::Critical => 3,
            Severity::High => 2,
            Severity::Medium => 1,
            Severity::Low => 0,
        };
        let first: [Cell; 3] = [self.severity().label().into(), self.kind().into(), self.what().into()];
        Row { urgency, cells: places.cells(place).chain(first).chain(rest).collect() }
    }
}

fn asked(args: &Args) -> String {
    let severity = args.min_severity.map(|s| format!(" of severity {} and above", s.severity().label()));
    let since = args.since.as_ref().map(|s| format!(" updated since {s}"));
    format!("{}{}", severity.unwrap_or_default(), since.unwrap_or_default())
}

fn summary(args: &Args, out: &Gathered<Region>, all: &[Shown<'_>]) -> String {
    let (place, asked) = (searched(out), asked(args));
    let findings: Vec<&Shown<'_>> = all.iter().filter(|s| matches!(s, Shown::Finding { .. })).collect();
    let samples = findings.iter().filter(|s| s.is_sample()).count();
    let blind: Vec<String> = all
        .iter()
        .filter_map(|s| match s {
            Shown::Blind { place, says } => Some(format!("{says} in {}", place.region)),
            Shown::Finding { .. } => None,
        })
        .collect();
    let mut sentence = blind.join("; ");
    if !sentence.is_empty() {
        sentence.push_str("; ");
    }
    let real = findings.len() - samples;
    if real == 0 {
        sentence.push_str(&format!("no GuardDuty findings{asked} in {place}"));
    } else {
        let count = |severity: Severity| {
            let n = findings.iter().filter(|s| !s.is_sample() && s.severity() == severity).count();
            (n > 0).then(|| format!("{n} {}", severity.label()))
        };
        let of = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
        let of: Vec<String> = of.into_iter().filter_map(count).collect();
        sentence.push_str(&format!(
            "{}{asked} in {place}: {}",
            plural(real, "GuardDuty finding"),
            of.join(", ")
        ));
        let worst = findings.iter().filter(|s| !s.is_sample()).take(WORST);
        let worst: Vec<String> = worst
            .map(|s| s.what().map_or_else(|| s.kind(), |what| format!("{} on {what}", s.kind())))
            .collect();
        sentence.push_str(&format!("; worst: {}", worst.join("; ")));
    }
    if samples > 0 {
        sentence
            .push_str(&format!("; and {} made up by GuardDuty itself", plural(samples, "sample finding")));
    }
    if out.answers.iter().any(|(_, r)| r.more) {
        sentence.push_str("; there are more");
    }
    if !out.errors.is_empty() || out.answers.iter().any(|(_, r)| !r.errors.is_empty()) {
        sentence.push_str("; not everything answered");
    }
    sentence.push('.');
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn notes(args: &Args, out: &Gathered<Region>, all: &[Shown<'_>]) -> Vec<String> {
    let mut notes = vec![format!(
        "searched findings{} that are not archived in {}; GuardDuty keeps them for 90 days",
        asked(args),
        searched(out)
    )];
    if all.iter().any(|s| matches!(s, Shown::Blind { .. })) {
        notes.push(
            "where GuardDuty does not run nothing is found: that is no sign that nothing happened".into(),
        );
    }
    let unsure = out.answers.iter().filter(|(_, r)| r.watching == Watching::NotKnown);
    let unsure: Vec<&str> = unsure.map(|(p, _)| p.region.as_str()).collect();
    if !unsure.is_empty() {
        notes.push(format!("whether GuardDuty runs at present is not known in {}", unsure.join(", ")));
    }
    notes
}
