//! What a JMESPath expression looks at: the names it begins with, the functions it calls, which alternative decided.

use super::select::Scope;
use jmespath::ast::Ast;
use jmespath::{Context, DEFAULT_RUNTIME, interpret};
use quarterdeck_core::text::nearest;
use std::collections::BTreeSet;

/// Names of the scope that `expression` looks at; none when it is no expression.
pub(super) fn names(expression: &str) -> BTreeSet<String> {
    jmespath::compile(expression).map(|compiled| roots(compiled.as_ast())).unwrap_or_default()
}

/// The names looked at by those alternatives (`a || b`) of `expression` that hold; by all of them when none does.
pub(super) fn decided_by(expression: &str, scope: &Scope) -> BTreeSet<String> {
    let Ok(compiled) = jmespath::compile(expression) else { return BTreeSet::new() };
    let (mut all, mut held) = (BTreeSet::new(), BTreeSet::new());
    let mut open = vec![compiled.as_ast()];
    while let Some(ast) = open.pop() {
        if let Ast::Or { lhs, rhs, .. } = ast {
            open.extend([lhs.as_ref(), rhs.as_ref()]);
            continue;
        }
        let mut context = Context::new(expression, &DEFAULT_RUNTIME);
        let holds = interpret(&scope.data(), ast, &mut context).is_ok_and(|found| found.is_truthy());
        if holds {
            held.extend(roots(ast));
        }
        all.extend(roots(ast));
    }
    if held.is_empty() { all } else { held }
}

/// Whether `expression` can be applied at all; else what is wrong and what to write instead.
pub(super) fn check(expression: &str) -> Result<(), String> {
    let compiled = jmespath::compile(expression).map_err(|error| {
        let reason = error.reason.to_string();
        let reason = reason.lines().next().unwrap_or_default();
        format!("not a JMESPath expression (at character {} of {expression:?}): {reason}", error.offset)
    })?;
    let unknown =
        functions(compiled.as_ast()).into_iter().find(|f| DEFAULT_RUNTIME.get_function(f).is_none());
    match unknown {
        None => Ok(()),
        Some(name) => {
            let near = nearest(&name, FUNCTIONS, 1).join("");
            Err(format!("JMESPath has no function {name}(): did you mean {near}()?"))
        }
    }
}

/// JMESPath's functions, to suggest one.
const FUNCTIONS: [&str; 26] = [
    "abs",
    "avg",
    "ceil",
    "contains",
    "ends_with",
    "floor",
    "join",
    "keys",
    "length",
    "map",
    "max",
    "max_by",
    "merge",
    "min",
    "min_by",
    "not_null",
    "reverse",
    "sort",
    "sort_by",
    "starts_with",
    "sum",
    "to_array",
    "to_number",
    "to_string",
    "type",
    "values",
];

/// The parts of an expression that look at the same thing as the whole does, and those that look at what it found.
fn parts(ast: &Ast) -> (Vec<&Ast>, Vec<&Ast>) {
    match ast {
        Ast::Comparison { lhs, rhs, .. } | Ast::And { lhs, rhs, .. } | Ast::Or { lhs, rhs, .. } => {
            (vec![lhs, rhs], Vec::new())
        }
        Ast::Condition { predicate, then, .. } => (vec![predicate, then], Vec::new()),
        Ast::Expref { ast, .. } => (Vec::new(), vec![ast]),
        Ast::Flatten { node, .. } | Ast::Not { node, .. } | Ast::ObjectValues { node, .. } => {
            (vec![node], Vec::new())
        }
        Ast::Function { args, .. } => (args.iter().collect(), Vec::new()),
        Ast::MultiList { elements, .. } => (elements.iter().collect(), Vec::new()),
        Ast::MultiHash { elements, .. } => (elements.iter().map(|e| &e.value).collect(), Vec::new()),
        Ast::Projection { lhs, rhs, .. } | Ast::Subexpr { lhs, rhs, .. } => (vec![lhs], vec![rhs]),
        Ast::Identity { .. }
        | Ast::Field { .. }
        | Ast::Index { .. }
        | Ast::Literal { .. }
        | Ast::Slice { .. } => (Vec::new(), Vec::new()),
    }
}

fn roots(ast: &Ast) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![ast];
    while let Some(ast) = open.pop() {
        if let Ast::Field { name, .. } = ast {
            found.insert(name.clone());
        }
        open.extend(parts(ast).0);
    }
    found
}

fn functions(ast: &Ast) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![ast];
    while let Some(ast) = open.pop() {
        if let Ast::Function { name, .. } = ast {
            found.insert(name.clone());
        }
        let (same, within) = parts(ast);
        open.extend(same.into_iter().chain(within));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{FUNCTIONS, check, decided_by, names};
    use crate::offline::select::Scope;
    use jmespath::DEFAULT_RUNTIME;
    use serde_json::json;

    fn listed(names: impl IntoIterator<Item = String>) -> String {
        names.into_iter().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn names_are_those_of_the_scope_and_not_of_rows() {
        for (expression, want) in [
            ("services.rows[?running < desired].service", "services"),
            ("services.rows", "services"),
            ("!(services.rows) && alarms.rows[?metric && contains(metric, 'ELB')]", "alarms services"),
            ("question.region && [question.region]", "question"),
            ("[findings.rows[?user].{actor: user}, changes.rows[?error]][][]", "changes findings"),
            ("length(lookup.results[?length(rows[?!state]) != `1`]) == `0`", "lookup"),
            ("join(' ', alarms.rows[].dimensions)", "alarms"),
            ("sort_by(a.rows, &b)[0]", "a"),
            ("a.rows | [0]", "a"),
            ("{a: b.c}", "b"),
            ("`1`", ""),
            ("a[?", ""),
        ] {
            assert_eq!(listed(names(expression)), want, "{expression}");
        }
    }

    #[test]
    fn an_alternative_that_holds_decides() {
        let scope = Scope::default()
            .with("a", &json!({ "rows": [] }))
            .with("b", &json!({ "rows": [1] }))
            .with("question", &json!({ "text": "slow" }));
        for (expression, want) in [
            ("a.rows || b.rows", "b"),
            ("a.rows || b.rows || contains(question.text, 'slow')", "b question"),
            ("a.rows || contains(question.text, 'database')", "a question"),
            ("!(a.rows) && contains(question.text, 'slow')", "a question"),
        ] {
            assert_eq!(listed(decided_by(expression, &scope)), want, "{expression}");
        }
    }

    #[test]
    fn what_cannot_be_applied_is_told() {
        for name in FUNCTIONS {
            assert!(DEFAULT_RUNTIME.get_function(name).is_some(), "{name}");
        }
        assert!(FUNCTIONS.is_sorted());
        assert_eq!(check("contains(a, 'b') && a[?c == 'd'].e"), Ok(()));
        assert!(check("a[?b ==").unwrap_err().contains("at character"));
        assert_eq!(
            check("a[?contain(b, 'c')]"),
            Err("JMESPath has no function contain(): did you mean contains()?".into())
        );
        assert!(!check("a[?b ==").unwrap_err().contains('\n'));
    }
}
