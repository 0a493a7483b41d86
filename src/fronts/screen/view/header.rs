//! The header: where one is, as whom, and what can happen.
//!
//! ```text
//!  prod-eu 123456789012  eu-west-1  OnCallReadOnly  creds 47m  anthropic claude-x    turn 4  18% of 200k  18.2k tok  $0.07  EXECUTE
//! ```
//!
//! What does not fit is left out from the least important on; account and mode stay.

use super::format;
use super::line::{cell, clip};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::Timestamp;
use quarterdeck_core::journal::Bill;
use quarterdeck_core::models::Api;
use quarterdeck_core::scope::{Identity, Mode, Scope};
use quarterdeck_core::screen::{Screen, Shown};
use quarterdeck_core::settings::Settings;
use quarterdeck_core::{text, tokens};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::time::Duration;

/// A part of the header. Parts with a higher `rank` are left out first; rank 0 stays.
struct Part {
    rank: u8,
    text: String,
    style: Style,
}

/// Draws the header into `area` (one row).
pub fn draw(screen: &Screen, theme: &Theme, area: Rect, buf: &mut Buffer, shown: &mut Shown) {
    let columns = usize::from(area.width);
    let (mut left, mut right) = (left(screen, theme, false), right(screen, false, theme));
    let wide = |l: &[Part], r: &[Part]| l.iter().chain(r).map(|p| text::width(&p.text) + 2).sum::<usize>();
    let fits = |l: &[Part], r: &[Part]| wide(l, r) <= columns + 2;
    // First what only counts, then everything shorter, then the least important.
    for rank in (1..=9).rev() {
        if fits(&left, &right) {
            break;
        }
        if rank == 5 {
            right = self::right(screen, true, theme);
            right.retain(|p| p.rank <= rank);
            if fits(&left, &right) {
                break;
            }
            left = self::left(screen, theme, true);
            if fits(&left, &right) {
                break;
            }
        }
        left.retain(|p| p.rank < rank);
        right.retain(|p| p.rank < rank);
    }
    let right_width = right.iter().map(|p| text::width(&p.text) + 2).sum::<usize>().saturating_sub(2);
    let room = columns.saturating_sub(right_width + 1);
    let mut used = 0;
    for part in &left {
        let shown = clip(&part.text, room.saturating_sub(used));
        let width = text::width(&shown);
        buf.set_stringn(area.x + cell(used), area.y, &shown, width, part.style);
        used += width + 2;
    }
    let mut line = Line::default();
    for (i, part) in right.into_iter().enumerate() {
        if i > 0 {
            line.spans.push(Span::raw("  "));
        }
        line.spans.push(Span::styled(part.text, part.style));
    }
    let x = area.x + cell(columns.saturating_sub(right_width));
    buf.set_line(x, area.y, &line, area.width.min(cell(right_width)));
    if let Some(at) = next_minute(screen) {
        super::wake_at(shown, at);
    }
}

fn left(screen: &Screen, theme: &Theme, short: bool) -> Vec<Part> {
    let scope = &screen.ledger.scope;
    let mut parts = vec![account(scope, short, theme)];
    if let Some((first, rest)) = scope.regions.split_first() {
        let text = match rest.len() {
            0 => clip(first, 16),
            n if screen.size.0 < 120 => format!("{} +{n}", clip(first, 16)),
            n if n > 2 => format!("{} and {n} more", clip(first, 16)),
            _ => clip(&scope.regions.join(" "), 48),
        };
        parts.push(Part { rank: 1, text, style: theme.text });
    }
    if let Some(identity) = &scope.identity {
        let text = clip(&identity.role, if short { 12 } else { 28 });
        parts.push(Part { rank: 4, text, style: theme.text });
        if let Some(expires) = identity.expires {
            parts.push(credentials(expires, screen.now, short, theme));
        }
    }
    let Settings { provider, model, .. } = &screen.ledger.settings;
    if !model.is_empty() || !provider.is_empty() {
        let text = match short {
            true => clip(if provider == "offline" { provider } else { model }, 12),
            false => clip(&format!("{provider} {model}"), 40),
        };
        parts.push(Part { rank: 2, text, style: theme.dim });
    }
    parts
}

/// How full the model's window is, `18% of 200k`: it matters the more the fuller it is.
fn window(screen: &Screen, short: bool, theme: &Theme) -> Option<Part> {
    let ledger = &screen.ledger;
    let Settings { provider, model, .. } = &ledger.settings;
    if screen.models.provider(provider).is_some_and(|p| p.api == Api::Runbooks) {
        return None;
    }
    let used = ledger.meter.used()?.count();
    let window = screen.models.lookup(provider, model).window.max(1);
    let percent = used.saturating_mul(100) / window;
    if percent == 0 {
        return None;
    }
    let (rank, style) = match percent {
        0..70 => (5, theme.dim),
        70..90 => (2, theme.warn),
        90.. => (1, theme.bad),
    };
    let text = match short {
        true if percent < 70 => format!("{percent}%"),
        true => format!("{percent}% full"),
        false => format!("{percent}% of {}", tokens::short(window)),
    };
    Some(Part { rank, text, style })
}

/// Tokens of the session, and what they cost as far as that is known: `18.2k tok`, `$0.07+`.
fn spent(bill: &Bill, theme: &Theme) -> Vec<Part> {
    let mut parts = Vec::new();
    if bill.tokens > 0 {
        let text = format!("{} tok", format::short(bill.tokens));
        parts.push(Part { rank: 6, text, style: theme.dim });
    }
    if bill.dollars > 0.0 {
        let more = if bill.unpriced { "+" } else { "" };
        let text = match bill.dollars {
            0.0..0.005 => format!("<$0.01{more}"),
            dollars => format!("${dollars:.2}{more}"),
        };
        parts.push(Part { rank: 5, text, style: theme.dim });
    }
    parts
}

fn right(screen: &Screen, short: bool, theme: &Theme) -> Vec<Part> {
    let mut parts = Vec::new();
    let ledger = &screen.ledger;
    if ledger.turns > 0 {
        parts.push(Part { rank: 7, text: format!("turn {}", ledger.turns), style: theme.dim });
    }
    parts.extend(window(screen, short, theme));
    parts.extend(spent(&ledger.meter.session(), theme));
    if screen.store_failed.is_some() {
        parts.push(Part { rank: 0, text: " JOURNAL FAILED ".to_owned(), style: theme.critical });
    }
    if let Some(drill) = &ledger.scope.demo {
        let text =
            if screen.size.0 < 100 { " DEMO ".to_owned() } else { format!(" DEMO {} ", clip(drill, 20)) };
        parts.push(Part { rank: 0, text, style: theme.demo });
    }
    let style = match ledger.mode {
        Mode::Execute => theme.execute,
        Mode::Track => theme.track,
        Mode::ReadOnly => theme.read_only,
    };
    parts.push(Part { rank: 0, text: format!(" {} ", ledger.mode.label()), style });
    parts
}

fn account(scope: &Scope, short: bool, theme: &Theme) -> Part {
    let Some(identity) = &scope.identity else {
        return Part { rank: 0, text: " account not known yet ".to_owned(), style: theme.production };
    };
    let id = if short { short_id(&identity.account) } else { clip(&identity.account, 14) };
    let alias = identity.alias.as_deref().map_or_else(String::new, |a| format!("{} ", clip(a, 24)));
    Part {
        rank: 0,
        text: format!(" {alias}{id} "),
        style: account_style(identity, scope.demo.is_some(), theme),
    }
}

fn short_id(account: &str) -> String {
    match (account.get(..4), account.get(account.len().saturating_sub(4)..)) {
        (Some(head), Some(tail)) if account.len() == 12 => format!("{head}…{tail}"),
        _ => clip(account, 9),
    }
}

/// A colour per account. Only an alias that says something else keeps an account from looking like production.
fn account_style(identity: &Identity, demo: bool, theme: &Theme) -> Style {
    const OTHER: [&str; 10] =
        ["dev", "test", "stag", "sandbox", "demo", "qa", "lab", "nonprod", "non-prod", "preprod"];
    let alias = identity.alias.as_deref().unwrap_or_default().to_lowercase();
    let other = demo || OTHER.iter().any(|word| alias.contains(word));
    let production = alias.contains("prod") && !alias.contains("nonprod") && !alias.contains("non-prod");
    if (production && !demo) || !other || theme.accounts.is_empty() {
        return theme.production;
    }
    let hash = identity.account.bytes().fold(7_usize, |h, b| h.wrapping_mul(31).wrapping_add(usize::from(b)));
    theme.accounts.get(hash % theme.accounts.len()).copied().unwrap_or(theme.production)
}

fn credentials(expires: Timestamp, now: Timestamp, short: bool, theme: &Theme) -> Part {
    let minutes = expires.since(now).as_secs() / 60;
    let (rank, style) = match minutes {
        0..5 => (0, theme.bad),
        5..15 => (2, theme.warn),
        15.. => (3, theme.dim),
    };
    let word = if short { "" } else { "creds " };
    let text = if expires <= now {
        "creds EXPIRED".to_owned()
    } else if minutes < 120 {
        format!("{word}{minutes}m")
    } else {
        format!("{word}{}h", minutes / 60)
    };
    Part { rank, text, style }
}

/// When the minutes left change next.
fn next_minute(screen: &Screen) -> Option<Timestamp> {
    let expires = screen.ledger.scope.identity.as_ref()?.expires?;
    let left = expires.since(screen.now);
    (!left.is_zero()).then(|| {
        let part = u64::try_from(left.as_millis() % 60_000).unwrap_or(0);
        screen.now.plus(Duration::from_millis(part + 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fronts::screen::theme::Depth;

    #[test]
    fn unknown_and_production_look_alike() {
        let theme = Theme::named("dark", Depth::True, false).unwrap();
        let style = |alias: Option<&str>| {
            let identity = Identity {
                account: "123456789012".into(),
                alias: alias.map(str::to_owned),
                ..Identity::default()
            };
            account_style(&identity, false, &theme)
        };
        for alias in [None, Some("acme"), Some("prod-eu")] {
            assert_eq!(style(alias), theme.production, "{alias:?}");
        }
        for alias in ["acme-dev", "staging", "acme-nonprod"] {
            assert_ne!(style(Some(alias)), theme.production, "{alias}");
        }
    }

    #[test]
    fn the_window_matters_the_more_the_fuller_it_is() {
        let theme = Theme::named("dark", Depth::True, false).unwrap();
        let part = |percent: u64, short| {
            let mut screen = Screen::new(
                std::sync::Arc::new(quarterdeck_core::tool::Catalogue::new([])),
                (120, 40),
                Timestamp::from_millis(0),
            );
            let fact = quarterdeck_core::journal::Fact::Compacted {
                before: quarterdeck_core::id::TurnId(1),
                text: String::new(),
                turns: 1,
                tokens_before: 0,
                tokens_after: percent * 2_000,
            };
            let (entry, _) = quarterdeck_core::journal::Chain::default().link(fact, screen.now).unwrap();
            let event = quarterdeck_core::event::Event::Appended(std::sync::Arc::new(entry));
            let _ = screen.update(quarterdeck_core::screen::Msg::Event(event), screen.now);
            let part = window(&screen, short, &theme).unwrap();
            (part.text, part.rank, part.style)
        };
        assert_eq!(part(18, false), ("18% of 200k".to_owned(), 5, theme.dim));
        assert_eq!(part(69, true), ("69%".to_owned(), 5, theme.dim));
        assert_eq!(part(70, true), ("70% full".to_owned(), 2, theme.warn));
        assert_eq!(part(93, false), ("93% of 200k".to_owned(), 1, theme.bad));
    }

    #[test]
    fn money_is_shown_as_far_as_it_is_known() {
        let theme = Theme::named("dark", Depth::True, false).unwrap();
        let shown = |dollars, unpriced| {
            let bill = Bill { tokens: 18_249, dollars, unpriced, ..Bill::default() };
            spent(&bill, &theme).into_iter().map(|p| p.text).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(0.069, false), "18.2k tok $0.07");
        assert_eq!(shown(0.069, true), "18.2k tok $0.07+");
        assert_eq!(shown(0.001, false), "18.2k tok <$0.01");
        assert_eq!(shown(0.0, true), "18.2k tok");
        assert!(spent(&Bill::default(), &theme).is_empty());
    }

    #[test]
    fn credentials_warn_at_15_and_5_minutes() {
        let theme = Theme::named("dark", Depth::True, false).unwrap();
        let now = Timestamp::from_millis(1_000_000);
        for (minutes, text, style) in [
            (300, "creds 5h", theme.dim),
            (47, "creds 47m", theme.dim),
            (14, "creds 14m", theme.warn),
            (4, "creds 4m", theme.bad),
            (0, "creds EXPIRED", theme.bad),
        ] {
            let part = credentials(now.plus(Duration::from_secs(minutes * 60)), now, false, &theme);
            assert_eq!((part.text.as_str(), part.style), (text, style));
        }
    }
}
