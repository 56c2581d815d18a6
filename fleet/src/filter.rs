//! The filter language of list, URL and command line: `site=12 and online=false and ver<1.4 and tag:canary`.
//!
//! ```text
//! filter  = or            or  = and { "or" and }        and = not { "and" not }
//! not     = "not" not | "(" or ")" | test
//! test    = "@" name of a saved filter
//!         | "online" | "drift" | "faulty"
//!         | field ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | ":" ) value
//! value   = word | "quoted, with \" and \\"
//! ```
//! Read once into a tree of types, then written as SQL in which every value is a bound parameter: no text of a
//! filter ever becomes text of a statement.

mod parse;
mod sql;

use std::collections::BTreeMap;

pub(crate) use sql::Sql;

/// Longest filter.
pub(crate) const LENGTH_MAX: usize = 2000;

/// Deepest nesting: parsing recurses.
const DEPTH_MAX: usize = 32;

/// A condition on a kiosk.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Filter {
    /// All of them; none: always true.
    All(Vec<Filter>),
    /// One of them.
    Any(Vec<Filter>),
    /// The opposite.
    Not(Box<Filter>),
    /// Text of a column.
    Text(TextField, TextTest, String),
    /// A number.
    Number(NumberField, Compare, i64),
    /// Numbers of a version.
    Version(Compare, String),
    /// Has this tag.
    Tag(String),
    /// Has this fault.
    Fault(String),
    /// Has any fault or none.
    Faulty(bool),
    /// Online or not.
    Online(bool),
    /// Its twin is not what it should be.
    Drift(bool),
    /// Heard of longer or shorter ago, in seconds.
    Seen(Compare, i64),
    /// Its newest certificate ends in more or less time, in seconds.
    Certificate(Compare, i64),
}

/// A field of text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TextField {
    /// Its id.
    Id,
    /// Its name.
    Name,
    /// Its site.
    Site,
    /// How it is, in one word.
    State,
    /// Whether it sells.
    Selling,
}

/// A field of numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NumberField {
    /// How often its daemon has started.
    Boot,
    /// Events that it has not sent yet.
    Pending,
    /// Revision of its catalog.
    Catalog,
}

/// How texts are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TextTest {
    /// The same.
    Is,
    /// Another.
    IsNot,
    /// Part of it, upper and lower case alike.
    Contains,
}

/// How things with an order are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Compare {
    /// The same.
    Equal,
    /// Another.
    Unequal,
    /// Before.
    Less,
    /// Before or the same.
    AtMost,
    /// After.
    Greater,
    /// After or the same.
    AtLeast,
}

/// A filter cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("at character {at}: {what}")]
pub(crate) struct FilterError {
    /// Where, from 1.
    pub at: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl Filter {
    /// Reads a filter; an empty one lets everything through. `@name` is the one of `saved`.
    pub(crate) fn parse(text: &str, saved: &BTreeMap<String, Self>) -> Result<Self, FilterError> {
        parse::parse(text, saved)
    }

    /// Writes it as a condition on the table `kiosk` under the name `k` and `twin` under `t`.
    pub(crate) fn to_sql(&self, sql: &mut Sql) {
        sql.filter(self);
    }
}
