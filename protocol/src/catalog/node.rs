//! A document as a tree that remembers where everything was written.

/// A place in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct At {
    /// Number of the file in the document's list.
    pub(super) file: u16,
    /// From 1.
    pub(super) line: u32,
    /// Characters from 1.
    pub(super) column: u32,
}

/// A value and its place.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) kind: Kind,
}

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    /// The digits as written.
    Number(String),
    Text(String),
    /// A cell of a table: text, number or yes/no, whatever is asked for.
    Cell(String),
    List(Vec<Node>),
    Object(Vec<Field>),
}

/// A field of an object.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) at: At,
    pub(super) value: Node,
}

impl Node {
    /// A node of a document that is being written: without a place.
    pub(super) fn new(kind: Kind) -> Self {
        Self { at: At::default(), kind }
    }

    /// How a message calls it.
    pub(super) fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "null".to_owned(),
            Kind::Bool(value) => value.to_string(),
            Kind::Number(digits) => format!("the number {}", shown(digits)),
            Kind::Text(words) | Kind::Cell(words) => format!("\"{}\"", shown(words)),
            Kind::List(_) => "a list".to_owned(),
            Kind::Object(_) => "an object".to_owned(),
        }
    }
}

/// The beginning of a text, safe to show in one line.
pub(super) fn shown(words: &str) -> String {
    const SHOWN: usize = 40;
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let mut start: String = words.chars().take(SHOWN).map(escaped).collect();
    if words.chars().nth(SHOWN).is_some() {
        start.push('…');
    }
    start
}
