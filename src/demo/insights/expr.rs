//! Expressions: fields, values, comparisons, functions.

/// An expression.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    Field(String),
    Text(String),
    Number(f64),
    Compare(Box<Expr>, Op, Box<Expr>),
    /// `like "part"`, `like /regex/`, `=~ /regex/`.
    Like(Box<Expr>, Like),
    In(Box<Expr>, Vec<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    /// `bin(5m)`: the beginning of the span the event's time is in, in milliseconds.
    Bin(i64),
    Call(Function, Vec<Expr>),
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// What a text must hold.
#[derive(Clone, Debug)]
pub(super) enum Like {
    Part(String),
    Regex(regex::Regex),
}

/// Functions of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    ToLower,
    ToUpper,
    Strlen,
    Trim,
    IsPresent,
    IsEmpty,
    Coalesce,
    Abs,
    Floor,
    Ceil,
}

impl Function {
    /// By its name, with as many values as it takes.
    pub(super) fn named(name: &str) -> Option<(Self, std::ops::RangeInclusive<usize>)> {
        Some(match name.to_lowercase().as_str() {
            "tolower" | "lower" => (Self::ToLower, 1..=1),
            "toupper" | "upper" => (Self::ToUpper, 1..=1),
            "strlen" => (Self::Strlen, 1..=1),
            "trim" => (Self::Trim, 1..=1),
            "ispresent" => (Self::IsPresent, 1..=1),
            "isempty" => (Self::IsEmpty, 1..=1),
            "coalesce" => (Self::Coalesce, 1..=20),
            "abs" => (Self::Abs, 1..=1),
            "floor" => (Self::Floor, 1..=1),
            "ceil" => (Self::Ceil, 1..=1),
            _ => return None,
        })
    }
}
