//! How much a proposal can hurt: decides whether a code must be typed.

use super::{Change, DryRun, Proposal, Reversible, Target, WarningLevel};

/// What approving takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Impact {
    /// `A` alone.
    Normal,
    /// The code and the number of targets, then `A`. Why, one sentence each; may quote the account.
    High(Vec<String>),
}

impl Impact {
    /// The impact of `proposal`.
    #[must_use]
    pub fn of(proposal: &Proposal) -> Self {
        let reasons = reasons(proposal);
        if reasons.is_empty() {
            Self::Normal
        } else {
            Self::High(reasons.into_iter().map(|(_, sentence)| sentence).collect())
        }
    }

    /// Whether the code must be typed.
    #[must_use]
    pub const fn is_high(&self) -> bool {
        matches!(self, Self::High(_))
    }
}

/// Warnings that make a change high impact whatever their level.
const GRAVE: [(&str, &str); 3] = [
    ("last_healthy", "it takes the last healthy target"),
    ("key_used_recently", "the key was used within the last 24 hours"),
    ("outside_folder", "the file is outside the folder for it"),
];

/// Every reason for high impact: a stable code, which is compared, and a sentence, which is shown.
pub(super) fn reasons(proposal: &Proposal) -> Vec<(&'static str, String)> {
    let mut reasons = Vec::new();
    let mut add = |code: &'static str, sentence: String| reasons.push((code, sentence));
    if let Some(why) = environment(proposal) {
        add("environment", why);
    }
    match proposal.targets.len() {
        0 => add("no_target", "it names no target".to_owned()),
        1 => {}
        n => add("many_targets", format!("it changes {n} targets")),
    }
    for target in &proposal.targets {
        if let Some(why) = target.changes.iter().find_map(count_cut) {
            add("count_cut", format!("{}: {why}", target.id));
        }
    }
    for warning in proposal.warnings.iter().filter(|w| w.level == WarningLevel::Critical) {
        add("critical", format!("critical: {}", warning.text));
    }
    for (code, sentence) in GRAVE {
        if proposal.warnings.iter().any(|w| w.code == code) {
            add(code, sentence.to_owned());
        }
    }
    match &proposal.reversible {
        Reversible::Yes(_) | Reversible::Partly(_) => {}
        Reversible::No(why) => add("not_reversible", format!("it cannot be undone: {why}")),
    }
    for fact in &proposal.unknown {
        add("unknown", format!("not known: {fact}"));
    }
    match &proposal.dry_run {
        DryRun::NotOffered | DryRun::Permitted | DryRun::Denied(_) => {}
        DryRun::Unknown(why) => add("dry_run_unknown", format!("the dry run could not be asked: {why}")),
    }
    reasons
}

/// Why the change may touch production; `None` only when every target is known not to be.
fn environment(proposal: &Proposal) -> Option<String> {
    // Only files on this machine: the account stays as it is.
    if !proposal.targets.is_empty() && proposal.targets.iter().all(Target::is_local) {
        return None;
    }
    if let Some(alias) = proposal.identity.alias.as_deref().filter(|a| says_production(&a.to_lowercase())) {
        return Some(format!("the account {alias} is production by its name"));
    }
    for target in &proposal.targets {
        let mut known = false;
        for (key, value) in target.tags.iter().filter(|(key, _)| is_environment_key(key)) {
            let lower = value.to_lowercase();
            if says_production(&lower) {
                return Some(format!("{} is production: {key}={value}", target.id));
            }
            if !says_other(&lower) {
                return Some(format!("{} is not known to be outside production: {key}={value}", target.id));
            }
            known = true;
        }
        if !known {
            return Some(format!("{} has no tag that says which environment it belongs to", target.id));
        }
    }
    None
}

fn is_environment_key(key: &str) -> bool {
    ["env", "environment", "stage"].iter().any(|k| key.eq_ignore_ascii_case(k))
}

/// Whether a lower-case name says production. `nonprod` does not; `preprod` is taken as production.
fn says_production(lower: &str) -> bool {
    let rest = ["nonprod", "non-prod", "non_prod"].iter().fold(lower.to_owned(), |t, n| t.replace(n, " "));
    rest.contains("prod") || rest.split(|c: char| !c.is_alphanumeric()).any(|w| matches!(w, "live" | "prd"))
}

/// Whether a lower-case value names an environment other than production.
fn says_other(lower: &str) -> bool {
    const NAMES: [&str; 25] = [
        "dev",
        "devel",
        "develop",
        "development",
        "test",
        "tests",
        "testing",
        "tst",
        "staging",
        "stage",
        "stg",
        "sandbox",
        "sbx",
        "qa",
        "uat",
        "demo",
        "playground",
        "lab",
        "ci",
        "integration",
        "int",
        "ephemeral",
        "preview",
        "nonprod",
        "nonproduction",
    ];
    lower.starts_with("non-prod")
        || lower.starts_with("non_prod")
        || lower
            .split(|c: char| !c.is_alphanumeric())
            .map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()))
            .any(|word| NAMES.contains(&word))
}

/// Why a change of a count is dangerous: to nothing, at least halved, or not comparable.
fn count_cut(change: &Change) -> Option<String> {
    let field = change.field.to_lowercase();
    if !field.contains("count") || field.contains("account") {
        return None;
    }
    let shown = format!("{} goes from {} to {}", change.field, change.before, change.after);
    let (Ok(before), Ok(after)) = (change.before.trim().parse::<u64>(), change.after.trim().parse::<u64>())
    else {
        return Some(format!("{shown}, which cannot be compared"));
    };
    match after {
        0 if before > 0 => Some(shown),
        _ if after < before && after.saturating_mul(2) <= before => Some(format!("{shown}, at most half")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Edit, calm, target};
    use super::*;
    use crate::approval::Warning;

    fn codes(p: &Proposal) -> Vec<&'static str> {
        reasons(p).into_iter().map(|(code, _)| code).collect()
    }

    #[test]
    fn environments() {
        for (key, value, alias, high) in [
            ("env", "dev", None, false),
            ("Environment", "Staging", None, false),
            ("STAGE", "qa-2", None, false),
            ("env", "test01", Some("acme-nonprod"), false),
            ("env", "non-prod", None, false),
            ("env", "demo", Some("acme"), false),
            ("env", "prod", None, true),
            ("env", "Production", None, true),
            ("env", "preprod", None, true),
            ("env", "prd", None, true),
            ("env", "prod-test", None, true),
            ("env", "dev", Some("acme-prod"), true),
            ("env", "latest", None, true),
            ("env", "", None, true),
            ("env", "blue", None, true),
            ("team", "dev", None, true),
        ] {
            let mut p = calm();
            p.identity.alias = alias.map(str::to_owned);
            p.targets[0].tags = [(key.to_owned(), value.to_owned())].into();
            assert_eq!(Impact::of(&p).is_high(), high, "{key}={value} in {alias:?}: {:?}", Impact::of(&p));
        }
        let mut p = calm();
        p.targets[0].tags.insert("stage".into(), "production".into());
        assert_eq!(codes(&p), ["environment"], "one tag that says production outweighs one that does not");
    }

    #[test]
    fn a_file_here_is_in_no_environment() {
        let mut p = calm();
        p.identity.alias = Some("acme-prod".into());
        p.targets[0].tags.clear();
        assert_eq!(codes(&p), ["environment"]);
        p.targets[0].arn = "file:///home/sam/downloads/app.log".into();
        assert_eq!(Impact::of(&p), Impact::Normal);
        p.targets.push(target("i-2"));
        assert_eq!(codes(&p), ["environment", "many_targets"], "one of them is");
    }

    #[test]
    fn counts() {
        for (field, before, after, high) in [
            ("desired count", "8", "5", false),
            ("desired count", "8", "4", true),
            ("desired count", "8", "0", true),
            ("Desired Count", "1", "0", true),
            ("desired count", "0", "0", false),
            ("desired count", "2", "4", false),
            ("desired count", "?", "4", true),
            ("account", "a", "b", false),
            ("image", "8", "0", false),
        ] {
            let mut p = calm();
            p.targets[0].changes =
                vec![Change { field: field.into(), before: before.into(), after: after.into() }];
            assert_eq!(Impact::of(&p).is_high(), high, "{field} {before} -> {after}");
        }
    }

    #[test]
    fn everything_else_that_counts() {
        assert_eq!(Impact::of(&calm()), Impact::Normal);
        let warning =
            |code: &str, level| Warning { code: code.into(), level, text: "t".into(), evidence: None };
        let cases: [(&str, Edit, Option<Warning>); 10] = [
            ("many_targets", |p| p.targets.push(target("i-2")), None),
            ("no_target", |p| p.targets.clear(), None),
            ("not_reversible", |p| p.reversible = Reversible::No("gone".into()), None),
            ("unknown", |p| p.unknown.push("x".into()), None),
            ("dry_run_unknown", |p| p.dry_run = DryRun::Unknown("x".into()), None),
            ("critical", |_| {}, Some(warning("asg_replaces", WarningLevel::Critical))),
            ("last_healthy", |_| {}, Some(warning("last_healthy", WarningLevel::Caution))),
            ("key_used_recently", |_| {}, Some(warning("key_used_recently", WarningLevel::Info))),
            ("outside_folder", |_| {}, Some(warning("outside_folder", WarningLevel::Caution))),
            ("", |_| {}, Some(warning("ip_released", WarningLevel::Caution))),
        ];
        for (code, change, warning) in cases {
            let mut p = calm();
            change(&mut p);
            p.warnings.extend(warning);
            assert_eq!(codes(&p), if code.is_empty() { vec![] } else { vec![code] });
        }
    }
}
