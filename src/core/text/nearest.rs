//! Did you mean: ranks names by likeness.

/// Characters compared of each name; longer ones are judged by their beginning.
const COMPARED: usize = 128;

/// At most `n` of `names` that are nearest to `name`, best first: the same but for case and separators, then
/// beginnings, parts and abbreviations, then the fewest typing mistakes.
#[must_use]
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>, n: usize) -> Vec<&'a str> {
    let wanted = folded(name);
    let mut ranked: Vec<(usize, &str)> =
        names.into_iter().map(|candidate| (distance(&wanted, &folded(candidate)), candidate)).collect();
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(b.1)));
    ranked.truncate(n);
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

/// How far apart two folded names are; lower is nearer. Edits count 4, skipped letters of an abbreviation 1.
fn distance(wanted: &[char], candidate: &[char]) -> usize {
    let edits = edits(wanted, candidate) * 4;
    if wanted.is_empty() {
        return edits;
    }
    let spare = candidate.len().saturating_sub(wanted.len());
    if candidate.starts_with(wanted) {
        edits.min(1 + spare / 4)
    } else if candidate.windows(wanted.len()).any(|part| part == wanted) {
        edits.min(2 + spare / 4)
    } else if wanted.len() >= 3 && is_subsequence(wanted, candidate) {
        edits.min(4 + spare)
    } else {
        edits
    }
}

fn is_subsequence(wanted: &[char], candidate: &[char]) -> bool {
    let mut rest = candidate.iter();
    wanted.iter().all(|w| rest.any(|c| c == w))
}

/// Insertions, deletions, substitutions and swaps of neighbours between two names.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut two_back: Vec<usize> = Vec::new();
    let mut back: Vec<usize> = (0..=b.len()).collect();
    let mut before = None;
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        let mut left = i + 1;
        let mut beside = None;
        for (j, y) in b.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
            let mut best = (cell(&back, j) + usize::from(x != y)).min(cell(&back, j + 1) + 1).min(left + 1);
            if before == Some(y) && beside == Some(x) {
                best = best.min(cell(&two_back, j.wrapping_sub(1)) + 1);
            }
            row.push(best);
            left = best;
            beside = Some(y);
        }
        two_back = std::mem::replace(&mut back, row);
        before = Some(x);
    }
    back.last().copied().unwrap_or(0)
}

/// Lower case, separators dropped.
fn folded(name: &str) -> Vec<char> {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .take(COMPARED)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_by_likeness() {
        let tools = ["get_active_alarms", "list_ecs_services", "list_ec2_instances", "list_rds_instances"];
        for (name, first) in [
            ("list_ecs_service", "list_ecs_services"),
            ("ListEcsServices", "list_ecs_services"),
            ("ecs", "list_ecs_services"),
            ("list_ec2_intsances", "list_ec2_instances"),
            ("alarms", "get_active_alarms"),
            ("lst_rds", "list_rds_instances"),
        ] {
            assert_eq!(nearest(name, tools, 1), [first], "{name}");
        }
        assert_eq!(nearest("x", tools, 0), [""; 0]);
        assert_eq!(nearest("", tools, 9).len(), 4);
        assert_eq!(
            nearest("eu-wset-1", ["eu-west-1", "eu-west-2", "us-west-1"], 2),
            ["eu-west-1", "eu-west-2"]
        );
    }

    #[test]
    fn counts_edits() {
        let of = |a: &str, b: &str| edits(&folded(a), &folded(b));
        for (a, b, n) in
            [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("abc", "acb", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(of(a, b), n, "{a} {b}");
        }
    }
}
