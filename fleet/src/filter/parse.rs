//! Text to tree.

use std::collections::BTreeMap;

use super::{Compare, DEPTH_MAX, Filter, FilterError, LENGTH_MAX, NumberField, TextField, TextTest};

const FIELDS: &str = "id, name, site, state, selling, online, ver, tag, fault, faulty, drift, seen, cert, boot, pending, catalog";

pub(super) fn parse(text: &str, saved: &BTreeMap<String, Filter>) -> Result<Filter, FilterError> {
    if text.len() > LENGTH_MAX {
        return Err(FilterError { at: 1, what: format!("longer than {LENGTH_MAX} bytes") });
    }
    let end = text.chars().count() + 1;
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0, end, saved };
    if parser.tokens.is_empty() {
        return Ok(Filter::All(Vec::new()));
    }
    let filter = parser.any()?;
    match parser.peek() {
        None => Ok(filter),
        Some(_) => Err(parser.error("expected \"and\", \"or\" or the end")),
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Word(String),
    Quoted(String),
    Operator(&'static str),
    Open,
    Close,
}

/// Longest first, so that `<=` is not read as `<`.
const OPERATORS: [&str; 8] = ["!=", "<=", ">=", "=", "<", ">", "~", ":"];

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, FilterError> {
    let mut rest = text;
    let mut at = 1;
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if first.is_whitespace() {
            (None, first.len_utf8())
        } else if first == '(' {
            (Some(Token::Open), 1)
        } else if first == ')' {
            (Some(Token::Close), 1)
        } else if first == '"' {
            let (value, length) = quoted(rest)
                .ok_or_else(|| FilterError { at, what: "the closing quote is missing".to_owned() })?;
            (Some(Token::Quoted(value)), length)
        } else if first == '\'' {
            return Err(FilterError { at, what: "text stands in double quotes".to_owned() });
        } else if let Some(operator) = OPERATORS.into_iter().find(|operator| rest.starts_with(operator)) {
            (Some(Token::Operator(operator)), operator.len())
        } else {
            let is_end = |c: char| c.is_whitespace() || "()\"!<>=~:".contains(c);
            let length = rest.find(is_end).unwrap_or(rest.len());
            if length == 0 {
                return Err(FilterError { at, what: format!("{first:?} has no meaning here") });
            }
            (Some(Token::Word(rest[..length].to_owned())), length)
        };
        tokens.extend(token.map(|token| (at, token)));
        at += rest[..length].chars().count();
        rest = &rest[length..];
    }
    Ok(tokens)
}

fn quoted(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, at + 1)),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

struct Parser<'a> {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
    end: usize,
    saved: &'a BTreeMap<String, Filter>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.next += 1;
        token
    }

    fn error(&self, what: impl Into<String>) -> FilterError {
        let at = self.tokens.get(self.next).map_or(self.end, |(at, _)| *at);
        FilterError { at, what: what.into() }
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Filter, FilterError> {
        let mut parts = vec![self.all()?];
        while self.take_keyword("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Filter::Any))
    }

    fn all(&mut self) -> Result<Filter, FilterError> {
        let mut parts = vec![self.not()?];
        while self.take_keyword("and") {
            parts.push(self.not()?);
        }
        Ok(one_or(parts, Filter::All))
    }

    fn not(&mut self) -> Result<Filter, FilterError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error(format!("nested deeper than {DEPTH_MAX}")));
        }
        let filter = if self.take_keyword("not") {
            Filter::Not(Box::new(self.not()?))
        } else if self.peek() == Some(&Token::Open) {
            self.next += 1;
            let inner = self.any()?;
            if self.peek() != Some(&Token::Close) {
                return Err(self.error("expected \")\""));
            }
            self.next += 1;
            inner
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn test(&mut self) -> Result<Filter, FilterError> {
        let before = self.next;
        let Some(Token::Word(field)) = self.take() else {
            self.next = before;
            return Err(self.error(format!("expected one of {FIELDS}")));
        };
        if let Some(name) = field.strip_prefix('@') {
            return self.saved.get(name).cloned().ok_or_else(|| {
                self.next = before;
                self.error(format!("there is no saved filter {name:?}"))
            });
        }
        let Some(Token::Operator(operator)) = self.peek().cloned() else {
            if let Ok(filter) = test(&field.to_ascii_lowercase(), "=", "true".to_owned())
                && let Filter::Online(_) | Filter::Drift(_) | Filter::Faulty(_) = filter
            {
                return Ok(filter);
            }
            return Err(self.error(format!("expected = != < <= > >= ~ or : after {field:?}")));
        };
        self.next += 1;
        let (Some(Token::Word(value)) | Some(Token::Quoted(value))) = self.peek().cloned() else {
            return Err(self.error("expected a value"));
        };
        if value.contains('\0') {
            return Err(self.error("a NUL can stand in no value"));
        }
        let test = test(&field.to_ascii_lowercase(), operator, value);
        match test {
            Ok(filter) => {
                self.next += 1;
                Ok(filter)
            }
            Err((Wrong::Field, what)) => {
                self.next = before;
                Err(self.error(what))
            }
            Err((Wrong::Operator, what)) => {
                self.next -= 1;
                Err(self.error(what))
            }
            Err((Wrong::Value, what)) => Err(self.error(what)),
        }
    }
}

fn one_or(mut parts: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    if parts.len() == 1 { parts.remove(0) } else { many(parts) }
}

/// What `presence` says in the database.
const STATES: [&str; 5] = ["online", "stale", "offline", "never-seen", "decommissioned"];

/// What a status says.
const SELLING: [&str; 3] = ["open", "closed", "out_of_service"];

enum Wrong {
    Field,
    Operator,
    Value,
}

type Told<T> = Result<T, (Wrong, String)>;

fn test(field: &str, operator: &str, value: String) -> Told<Filter> {
    let text = |field| Ok(Filter::Text(field, text_test(operator)?, value.clone()));
    let number = |field| Ok(Filter::Number(field, compare(operator)?, whole(&value)?));
    match field {
        "id" | "kiosk" => text(TextField::Id),
        "name" => text(TextField::Name),
        "site" => text(TextField::Site),
        "state" => {
            one_of(operator, &value, &STATES)?;
            text(TextField::State)
        }
        "selling" => {
            one_of(operator, &value, &SELLING)?;
            text(TextField::Selling)
        }
        "boot" => number(NumberField::Boot),
        "pending" => number(NumberField::Pending),
        "catalog" => number(NumberField::Catalog),
        "ver" | "version" => {
            let compare = compare(operator)?;
            let is_version = !value.is_empty()
                && value
                    .split('.')
                    .all(|n| (1..=15).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()));
            if !is_version {
                return Err((Wrong::Value, "expected a version such as 1.4 or 1.4.2".to_owned()));
            }
            Ok(Filter::Version(compare, value))
        }
        "tag" => same(operator).map(|is| negated(!is, Filter::Tag(value))),
        "fault" => same(operator).map(|is| negated(!is, Filter::Fault(value))),
        "faulty" => Ok(Filter::Faulty(same(operator)? == truth(&value)?)),
        "cert" => Ok(Filter::Certificate(compare(operator)?, seconds(&value)?)),
        "online" => Ok(Filter::Online(same(operator)? == truth(&value)?)),
        "drift" => Ok(Filter::Drift(same(operator)? == truth(&value)?)),
        "seen" => Ok(Filter::Seen(compare(operator)?, seconds(&value)?)),
        _ => Err((Wrong::Field, format!("there is no field {field:?}; there are {FIELDS}"))),
    }
}

/// A word that cannot be so would let nothing, or everything, through.
fn one_of(operator: &str, value: &str, words: &[&str]) -> Told<()> {
    if operator == "~" || words.contains(&value) {
        return Ok(());
    }
    Err((Wrong::Value, format!("expected one of {}", words.join(", "))))
}

fn negated(is: bool, filter: Filter) -> Filter {
    if is { Filter::Not(Box::new(filter)) } else { filter }
}

fn same(operator: &str) -> Told<bool> {
    match operator {
        "=" | ":" => Ok(true),
        "!=" => Ok(false),
        _ => Err((Wrong::Operator, "expected = or !=".to_owned())),
    }
}

fn text_test(operator: &str) -> Told<TextTest> {
    match operator {
        "=" | ":" => Ok(TextTest::Is),
        "!=" => Ok(TextTest::IsNot),
        "~" => Ok(TextTest::Contains),
        _ => Err((Wrong::Operator, "expected =, != or ~ (contains)".to_owned())),
    }
}

fn compare(operator: &str) -> Told<Compare> {
    match operator {
        "=" | ":" => Ok(Compare::Equal),
        "!=" => Ok(Compare::Unequal),
        "<" => Ok(Compare::Less),
        "<=" => Ok(Compare::AtMost),
        ">" => Ok(Compare::Greater),
        ">=" => Ok(Compare::AtLeast),
        _ => Err((Wrong::Operator, "expected = != < <= > or >=".to_owned())),
    }
}

fn truth(value: &str) -> Told<bool> {
    match value {
        "true" | "yes" => Ok(true),
        "false" | "no" => Ok(false),
        _ => Err((Wrong::Value, "expected true or false".to_owned())),
    }
}

fn whole(value: &str) -> Told<i64> {
    value.parse().map_err(|_| (Wrong::Value, "expected a whole number".to_owned()))
}

/// `90s`, `5m`, `2h`, `3d`.
fn seconds(value: &str) -> Told<i64> {
    let wrong = || (Wrong::Value, "expected a length of time, such as 90s, 5m, 2h or 3d".to_owned());
    let unit = value.chars().last().ok_or_else(wrong)?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86400,
        _ => return Err(wrong()),
    };
    // Ten years are long enough for any question, and fit every clock.
    let number: i64 = value[..value.len() - 1].parse().map_err(|_| wrong())?;
    number.checked_mul(factor).filter(|s| (0..=10 * 366 * 86400).contains(s)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Filter, FilterError> {
        parse(text, &BTreeMap::from([("old".to_owned(), Filter::Online(false))]))
    }

    #[test]
    fn a_saved_filter_stands_where_a_test_may_stand() {
        let wanted = Filter::All(vec![Filter::Not(Box::new(Filter::Online(false))), Filter::Tag("a".into())]);
        assert_eq!(read("not @old and tag:a"), Ok(wanted));
        assert_eq!(
            read("tag:a and @new").unwrap_err(),
            FilterError { at: 11, what: "there is no saved filter \"new\"".into() }
        );
        assert!(read("@old=true").is_err());
    }

    #[test]
    fn the_filter_of_the_manual_is_read() {
        let filter = read("site=12 and online=false and ver<1.4 and tag:canary").unwrap();
        let wanted = Filter::All(vec![
            Filter::Text(TextField::Site, TextTest::Is, "12".into()),
            Filter::Online(false),
            Filter::Version(Compare::Less, "1.4".into()),
            Filter::Tag("canary".into()),
        ]);
        assert_eq!(filter, wanted);
    }

    #[test]
    fn what_is_true_or_false_needs_no_value() {
        assert_eq!(read("drift"), read("drift=true"));
        assert_eq!(
            read("not online and (Faulty or drift)"),
            read("not online=true and (faulty=yes or drift=yes)")
        );
        for text in ["tag", "name and drift", "drift drift", "drift="] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn and_binds_closer_than_or_and_not_closest() {
        let filter = read("not tag:a and tag:b OR (tag:c or tag:d) and name~\"x \\\"y\"").unwrap();
        let tag = |t: &str| Filter::Tag(t.into());
        let wanted = Filter::Any(vec![
            Filter::All(vec![Filter::Not(Box::new(tag("a"))), tag("b")]),
            Filter::All(vec![
                Filter::Any(vec![tag("c"), tag("d")]),
                Filter::Text(TextField::Name, TextTest::Contains, "x \"y".into()),
            ]),
        ]);
        assert_eq!(filter, wanted);
        assert_eq!(read("  ").unwrap(), Filter::All(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, at) in [
            ("colour=red", 1),
            ("site=1 and", 11),
            ("site=1 tag:a", 8),
            ("ver<x", 5),
            ("tag<a", 4),
            ("(site=1", 8),
            ("site=\"1", 6),
            ("site='1", 6),
            ("online=perhaps", 8),
            ("seen<5", 6),
            ("boot=99999999999999999999", 6),
            ("!", 1),
            ("site=1; DROP TABLE kiosk", 9),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.at, at, "{text}: {error}");
        }
        let deep = "(".repeat(100) + "site=1" + &")".repeat(100);
        assert!(read(&deep).unwrap_err().what.contains("nested"));
        assert!(read(&" ".repeat(LENGTH_MAX + 1)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_fall(text in "\\PC{0,60}") {
            drop(read(&text));
        }

        #[test]
        fn no_text_of_a_filter_becomes_text_of_the_statement(value in "[^\0]{1,20}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let filter = read(&format!("name=\"{quoted}\" or tag:\"{quoted}\"")).unwrap();
            let plain = read("name=a or tag:a").unwrap();
            let written = |filter: &Filter| {
                let mut sql = super::super::Sql::default();
                filter.to_sql(&mut sql);
                sql.text().to_owned()
            };
            proptest::prop_assert_eq!(written(&filter), written(&plain));
        }
    }
}
