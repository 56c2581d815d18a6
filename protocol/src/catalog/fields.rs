//! Taking an object of the tree apart field by field, noting everything that is wrong on the way.

use std::fmt;

use domain::money::Currency;
use domain::text::Lang;

use super::error::Fault;
use super::node::{Field, Kind, Node, shown};

/// So many faults are reported; whoever made more has a systematic mistake and wants to see its beginning.
const MAX_FAULTS: usize = 500;

/// What values are read against, and what was wrong so far.
pub(super) struct Reader {
    pub(super) faults: Vec<Fault>,
    pub(super) currency: Currency,
    pub(super) languages: Vec<Lang>,
}

impl Reader {
    /// Notes a fault; the value counts as missing.
    pub(super) fn fault<T>(
        &mut self,
        node: &Node,
        path: &Path,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) -> Option<T> {
        if self.faults.len() < MAX_FAULTS {
            let (what, instead) = (what.into(), instead.into());
            self.faults.push(Fault { at: node.at, path: path.to_string(), what, instead });
        }
        None
    }
}

/// The way from the root to a value, for messages: built only when there is something to say.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    pub(super) parent: Option<&'p Path<'p>>,
    pub(super) step: Step<'p>,
}

#[derive(Clone, Copy)]
pub(super) enum Step<'p> {
    Name(&'p str),
    Position(usize),
}

impl<'p> Path<'p> {
    pub(super) const ROOT: Path<'static> = Path { parent: None, step: Step::Name("") };

    pub(super) fn then(&'p self, name: &'p str) -> Self {
        Self { parent: Some(self), step: Step::Name(name) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            fmt::Display::fmt(parent, f)?;
            let inner = parent.parent.is_some();
            match self.step {
                Step::Name(name) if inner => write!(f, ".{}", shown(name))?,
                Step::Name(name) => f.write_str(&shown(name))?,
                Step::Position(position) => write!(f, "[{position}]")?,
            }
        }
        Ok(())
    }
}

/// A reader of one kind of value.
pub(super) trait Read<'d, T>: FnMut(&mut Reader, &'d Node, &Path) -> Option<T> {}
impl<'d, T, F: FnMut(&mut Reader, &'d Node, &Path) -> Option<T>> Read<'d, T> for F {}

/// An object that is being taken apart. Ask for every field it may have, then [`Object::finish`].
pub(super) struct Object<'r, 'd> {
    pub(super) reader: &'r mut Reader,
    node: &'d Node,
    fields: &'d [Field],
    path: &'r Path<'r>,
    asked: Vec<&'static str>,
}

impl<'r, 'd> Object<'r, 'd> {
    pub(super) fn open(reader: &'r mut Reader, node: &'d Node, path: &'r Path<'r>) -> Option<Self> {
        match &node.kind {
            Kind::Object(fields) => Some(Self { reader, node, fields, path, asked: Vec::with_capacity(24) }),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Cell(_) | Kind::List(_) => {
                reader.fault(
                    node,
                    path,
                    format!("{} is not an object", node.describe()),
                    "write { … } with its fields",
                )
            }
        }
    }

    /// Whether the object has the field.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|f| f.name == name)
    }

    /// A field that must be there.
    pub(super) fn required<T>(&mut self, name: &'static str, read: impl Read<'d, T>) -> Option<T> {
        if self.has(name) {
            return self.optional(name, read);
        }
        self.asked.push(name);
        let path = *self.path;
        self.reader.fault(
            self.node,
            &path,
            format!("the field \"{name}\" is missing"),
            format!("add \"{name}\""),
        )
    }

    /// A field that may be missing.
    pub(super) fn optional<T>(&mut self, name: &'static str, mut read: impl Read<'d, T>) -> Option<T> {
        self.asked.push(name);
        let field = self.fields.iter().find(|f| f.name == name)?;
        read(self.reader, &field.value, &self.path.then(name))
    }

    /// A field that may be missing and then has its usual value.
    pub(super) fn or<T>(&mut self, name: &'static str, usual: T, read: impl Read<'d, T>) -> Option<T> {
        if self.has(name) {
            return self.optional(name, read);
        }
        self.asked.push(name);
        Some(usual)
    }

    /// As [`Object::optional`], telling a missing field (`Some(None)`) from one that cannot be read (`None`).
    pub(super) fn maybe<T>(&mut self, name: &'static str, mut read: impl Read<'d, T>) -> Option<Option<T>> {
        self.or(name, None, |reader: &mut Reader, node: &'d Node, path: &Path| {
            read(reader, node, path).map(Some)
        })
    }

    /// A list that may be missing and is then empty.
    pub(super) fn list<T>(&mut self, name: &'static str, read: impl Read<'d, T>) -> Option<Vec<T>> {
        let mut read = read;
        self.or(name, Vec::new(), |reader: &mut Reader, node: &'d Node, path: &Path| {
            list(reader, node, path, &mut read)
        })
    }

    /// Notes something about the object as a whole.
    pub(super) fn fault<T>(&mut self, what: impl Into<String>, instead: impl Into<String>) -> Option<T> {
        let path = *self.path;
        self.reader.fault(self.node, &path, what, instead)
    }

    /// Notes every field that was not asked for.
    pub(super) fn finish(self) {
        for field in self.fields.iter().filter(|f| !self.asked.contains(&f.name.as_str())) {
            let what = format!("there is no field \"{}\" here", shown(&field.name));
            let instead = match closest(&field.name, &self.asked) {
                Some(name) => format!("write \"{name}\"?"),
                None => format!("the fields are {}", self.asked.join(", ")),
            };
            let key = Node { at: field.at, kind: Kind::Null };
            let _: Option<()> = self.reader.fault(&key, &self.path.then(&field.name), what, instead);
        }
    }
}

/// A list of values; those that cannot be read are noted, and the list counts as missing.
pub(super) fn list<'d, T>(
    reader: &mut Reader,
    node: &'d Node,
    path: &Path,
    mut read: impl Read<'d, T>,
) -> Option<Vec<T>> {
    let Kind::List(values) = &node.kind else {
        let what = format!("{} is not a list", node.describe());
        return reader.fault(node, path, what, "write [ … ]");
    };
    let mut all = Some(Vec::with_capacity(values.len()));
    for (position, value) in values.iter().enumerate() {
        let name = name_of(value);
        let step = name.map_or(Step::Position(position), Step::Name);
        let read = read(reader, value, &Path { parent: Some(path), step });
        all = all.zip(read).map(|(mut all, value)| {
            all.push(value);
            all
        });
    }
    all
}

/// The id by which a person calls an element of a list.
pub(super) fn name_of(node: &Node) -> Option<&str> {
    let Kind::Object(fields) = &node.kind else { return None };
    ["id", "group", "code", "variation"].into_iter().find_map(|key| {
        let field = fields.iter().find(|f| f.name == key)?;
        match &field.value.kind {
            Kind::Text(words) | Kind::Cell(words) => Some(words.as_str()),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Object(_) => None,
        }
    })
}

/// The known name that a misspelt one most likely means: at most two letters off.
pub(super) fn closest<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    const NEAR: usize = 2;
    let name = name.to_lowercase().replace(['-', ' '], "_");
    let distance = |known: &str| edits(&name, known);
    known.iter().copied().min_by_key(|known| distance(known)).filter(|known| {
        let allowed = NEAR.min(known.len().saturating_sub(1) / 2);
        distance(known) <= allowed
    })
}

/// Edits between the first 32 characters: a letter replaced, added, left out, or two neighbours swapped.
fn edits(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(32).collect();
    let b: Vec<char> = b.chars().take(32).collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(ca != cb);
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *ca == b[j - 1] && a[i - 1] == *cb {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
