//! Reading a query.

use super::expr::{Expr, Function, Like, Op};
use super::lex::{Kind, Token, tokens};
use super::stats::{Aggregate, What};
use super::{Command, Malformed, Named, Pattern, Query};

/// What `stats` figures out.
const FIGURES: [&str; 12] = [
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "pct",
    "percentile",
    "median",
    "stddev",
    "count_distinct",
    "earliest",
    "latest",
];

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// What cannot be read, and where.
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        let tokens = tokens(text)?;
        let mut reader = Reader { tokens: &tokens, at: 0, end: text.chars().count() };
        let mut commands = Vec::new();
        // Without a command a query shows everything; with nothing at all it is none.
        if tokens.is_empty() {
            return Err(reader.expected("a command"));
        }
        loop {
            commands.push(reader.command()?);
            if reader.peek().is_none() {
                return Ok(Self { commands });
            }
            reader.sign("|")?;
        }
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Kind> {
        self.tokens.get(self.at).map(|t| &t.kind)
    }

    fn next(&mut self) -> Option<&'a Kind> {
        let kind = self.peek();
        self.at += usize::from(kind.is_some());
        kind
    }

    fn expected(&self, what: &str) -> Malformed {
        let (start, end) = self.tokens.get(self.at).map_or((self.end, self.end), |t| (t.start, t.end));
        Malformed { message: format!("unexpected input: expected {what}"), start, end }
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Kind::Sign(s)) if *s == sign)
    }

    fn take(&mut self, sign: &str) -> bool {
        let is = self.is_sign(sign);
        self.at += usize::from(is);
        is
    }

    fn sign(&mut self, sign: &str) -> Result<(), Malformed> {
        if self.take(sign) { Ok(()) } else { Err(self.expected(sign)) }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Kind::Word(w)) if w.eq_ignore_ascii_case(word))
    }

    fn word(&mut self, word: &str) -> bool {
        let is = self.is_word(word);
        self.at += usize::from(is);
        is
    }

    fn name(&mut self, what: &str) -> Result<String, Malformed> {
        match self.peek() {
            Some(Kind::Word(word)) => {
                self.at += 1;
                Ok(word.clone())
            }
            Some(_) | None => Err(self.expected(what)),
        }
    }

    fn command(&mut self) -> Result<Command, Malformed> {
        let begun = self.at;
        let name = self.name("a command")?.to_lowercase();
        match name.as_str() {
            "fields" => Ok(Command::Fields(self.list(Self::named)?)),
            "display" => Ok(Command::Display(self.list(Self::named)?)),
            "filter" => Ok(Command::Filter(self.either()?)),
            "parse" => self.parse(),
            "stats" => {
                let what = self.list(Self::aggregate)?;
                let by = if self.word("by") { self.list(Self::named)? } else { Vec::new() };
                Ok(Command::Stats { what, by })
            }
            "sort" => Ok(Command::Sort(self.list(Self::key)?)),
            "dedup" => Ok(Command::Dedup(self.list(Self::named)?)),
            "limit" | "head" => match self.peek() {
                Some(Kind::Number(n)) if *n >= 1.0 && *n <= 10_000.0 => {
                    self.at += 1;
                    Ok(Command::Limit(*n as usize))
                }
                Some(_) | None => Err(self.expected("a number from 1 to 10000")),
            },
            _ => {
                self.at = begun;
                Err(self.expected(
                    "fields, display, filter, parse, stats, sort, dedup or limit (the embedded account has no other command)",
                ))
            }
        }
    }

    fn list<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let mut all = vec![one(self)?];
        while self.take(",") {
            all.push(one(self)?);
        }
        Ok(all)
    }

    /// The text of the tokens from `from` up to here, as a column is called that has no name.
    fn text(&self, from: usize) -> String {
        let words = self.tokens.get(from..self.at).unwrap_or_default().iter().map(|t| match &t.kind {
            Kind::Word(w) => w.clone(),
            Kind::Text(t) => format!("\"{t}\""),
            Kind::Regex(r, _) => format!("/{r}/"),
            Kind::Number(n) => n.to_string(),
            Kind::Span(ms) => span(*ms),
            Kind::Sign(",") => ", ".to_owned(),
            Kind::Sign(s) => (*s).to_owned(),
        });
        words.collect()
    }

    fn named(&mut self) -> Result<Named, Malformed> {
        let from = self.at;
        let expr = self.either()?;
        let text = self.text(from);
        let name = if self.word("as") { self.name("a name")? } else { text };
        Ok(Named { expr, name })
    }

    fn key(&mut self) -> Result<(Expr, bool), Malformed> {
        let from = self.at;
        // A key may be a column of `stats` by its whole text: `count(*)`, `bin(5m)`.
        let expr = match self.peek() {
            Some(Kind::Word(_)) => {
                self.at += 1;
                if self.is_sign("(") {
                    let mut depth = 0_usize;
                    loop {
                        match self.next() {
                            Some(Kind::Sign("(")) => depth += 1,
                            Some(Kind::Sign(")")) => depth -= 1,
                            Some(_) => {}
                            None => return Err(self.expected(")")),
                        }
                        if depth == 0 {
                            break;
                        }
                    }
                }
                Expr::Field(self.text(from))
            }
            Some(_) | None => return Err(self.expected("a field")),
        };
        let descending = self.word("desc");
        if !descending {
            self.word("asc");
        }
        Ok((expr, descending))
    }

    fn aggregate(&mut self) -> Result<Aggregate, Malformed> {
        let from = self.at;
        let function = self.name("a figure such as count(*)")?;
        if !FIGURES.contains(&function.to_lowercase().as_str()) {
            self.at = from;
            return Err(self.expected(&FIGURES.join(", ")));
        }
        self.sign("(")?;
        let what = if function.eq_ignore_ascii_case("count") && (self.take("*") || self.is_sign(")")) {
            What::Count(None)
        } else {
            let of = self.value()?;
            match function.to_lowercase().as_str() {
                "count" => What::Count(Some(of)),
                "sum" => What::Sum(of),
                "avg" => What::Average(of),
                "min" => What::Least(of),
                "max" => What::Most(of),
                "median" => What::Percentile(of, 50.0),
                "stddev" => What::Deviation(of),
                "count_distinct" => What::Distinct(of),
                "earliest" => What::Earliest(of),
                "latest" => What::Latest(of),
                // `pct`, also called `percentile`: nothing else is left.
                _ => {
                    self.sign(",")?;
                    match self.next() {
                        Some(Kind::Number(p)) if (0.0..=100.0).contains(p) => What::Percentile(of, *p),
                        Some(_) | None => return Err(self.expected("a percentage")),
                    }
                }
            }
        };
        self.sign(")")?;
        let text = self.text(from);
        let name = if self.word("as") { self.name("a name")? } else { text };
        Ok(Aggregate { what, name })
    }

    fn parse(&mut self) -> Result<Command, Malformed> {
        let from = match self.peek() {
            Some(Kind::Word(_)) => self.value()?,
            Some(_) | None => Expr::Field("@message".to_owned()),
        };
        let place = self.expected("a glob in quotes or a regular expression");
        match self.next() {
            Some(Kind::Text(glob)) => {
                let holes = glob.matches('*').count();
                let pattern = glob.split('*').map(regex::escape).collect::<Vec<_>>();
                let pattern = join(&pattern);
                let pattern = regex::Regex::new(&pattern).map_err(|_| place)?;
                if !self.word("as") {
                    return Err(self.expected("as, and a name for each *"));
                }
                let names = self.list(|r| r.name("a name"))?;
                if names.len() != holes {
                    return Err(self.expected("a name for each *"));
                }
                Ok(Command::Parse { from, pattern: Pattern::Glob(pattern), names })
            }
            Some(Kind::Regex(text, fold)) => {
                let pattern = regex(text, *fold).ok_or(place)?;
                let names = pattern.capture_names().flatten().map(str::to_owned).collect::<Vec<_>>();
                if names.is_empty() {
                    return Err(self.expected("a regular expression with named groups"));
                }
                Ok(Command::Parse { from, pattern: Pattern::Regex(pattern), names })
            }
            Some(_) | None => Err(place),
        }
    }

    fn either(&mut self) -> Result<Expr, Malformed> {
        let mut left = self.both()?;
        while self.word("or") {
            left = Expr::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Expr, Malformed> {
        let mut left = self.not()?;
        while self.word("and") {
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr, Malformed> {
        if self.word("not") {
            return Ok(Expr::Not(Box::new(self.not()?)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expr, Malformed> {
        let left = self.value()?;
        let negated = self.word("not");
        let compared = if self.word("like") || self.take("=~") {
            Expr::Like(Box::new(left), self.like()?)
        } else if self.word("in") {
            self.sign("[")?;
            let all = self.list(Self::value)?;
            self.sign("]")?;
            Expr::In(Box::new(left), all)
        } else if negated {
            return Err(self.expected("like or in"));
        } else {
            let op = match self.peek() {
                Some(Kind::Sign("=")) => Op::Equal,
                Some(Kind::Sign("!=")) => Op::NotEqual,
                Some(Kind::Sign("<")) => Op::Less,
                Some(Kind::Sign("<=")) => Op::AtMost,
                Some(Kind::Sign(">")) => Op::Greater,
                Some(Kind::Sign(">=")) => Op::AtLeast,
                Some(_) | None => return Ok(left),
            };
            self.at += 1;
            Expr::Compare(Box::new(left), op, Box::new(self.value()?))
        };
        Ok(if negated { Expr::Not(Box::new(compared)) } else { compared })
    }

    fn like(&mut self) -> Result<Like, Malformed> {
        let place = self.expected("a text in quotes or a regular expression");
        match self.next() {
            Some(Kind::Text(part)) => Ok(Like::Part(part.clone())),
            Some(Kind::Regex(text, fold)) => regex(text, *fold).map(Like::Regex).ok_or(place),
            Some(_) | None => Err(place),
        }
    }

    fn value(&mut self) -> Result<Expr, Malformed> {
        if self.take("(") {
            let inner = self.either()?;
            self.sign(")")?;
            return Ok(inner);
        }
        let place = self.expected("a field or a value");
        if self.take("-") {
            return match self.next() {
                Some(Kind::Number(n)) => Ok(Expr::Number(-n)),
                Some(_) | None => Err(place),
            };
        }
        match self.next() {
            Some(Kind::Text(text)) => Ok(Expr::Text(text.clone())),
            Some(Kind::Number(n)) => Ok(Expr::Number(*n)),
            Some(Kind::Word(word)) if self.is_sign("(") => self.call(word, &place),
            Some(Kind::Word(word)) => Ok(Expr::Field(word.clone())),
            Some(_) | None => Err(place),
        }
    }

    fn call(&mut self, name: &str, place: &Malformed) -> Result<Expr, Malformed> {
        self.sign("(")?;
        if name.eq_ignore_ascii_case("bin") {
            let Some(Kind::Span(ms)) = self.next() else {
                return Err(Malformed { message: "bin takes a span such as 5m".to_owned(), ..place.clone() });
            };
            self.sign(")")?;
            return Ok(Expr::Bin((*ms).max(1)));
        }
        let Some((function, takes)) = Function::named(name) else {
            return Err(Malformed {
                message: format!("the embedded account has no function {name}"),
                ..place.clone()
            });
        };
        let values = self.list(Self::either)?;
        self.sign(")")?;
        if !takes.contains(&values.len()) {
            return Err(Malformed {
                message: format!("{name} does not take {} values", values.len()),
                ..place.clone()
            });
        }
        Ok(Expr::Call(function, values))
    }
}

/// `5m`, as a column is called by it.
fn span(ms: i64) -> String {
    let units = [(604_800_000, "w"), (86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let unit = units.into_iter().find(|(size, _)| ms % size == 0);
    unit.map_or_else(|| format!("{ms}ms"), |(size, name)| format!("{}{name}", ms / size))
}

/// The parts of a glob with a group for each hole; the last one is greedy.
fn join(parts: &[String]) -> String {
    let mut out = String::from("(?s)");
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            let last = i + 1 == parts.len() && part.is_empty();
            out.push_str(if last { "(.*)" } else { "(.*?)" });
        }
        out.push_str(part);
    }
    out
}

fn regex(text: &str, fold: bool) -> Option<regex::Regex> {
    regex::RegexBuilder::new(text).case_insensitive(fold).size_limit(1 << 20).build().ok()
}
