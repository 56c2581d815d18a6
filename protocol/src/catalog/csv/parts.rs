//! Small steps of putting a tree together.

use std::collections::BTreeMap;

use super::super::fields::name_of;
use super::super::node::{At, Field, Kind, Node};

/// Adds a value; with a language, as one of the languages of a text.
pub(super) fn put(fields: &mut Vec<Field>, name: &str, lang: Option<&str>, at: At, value: Node) {
    let Some(lang) = lang else {
        return fields.push(field(name, at, value));
    };
    let words = field(lang, at, value);
    match fields.iter_mut().find(|f| f.name == name).map(|f| &mut f.value.kind) {
        Some(Kind::Object(languages)) => languages.push(words),
        Some(_) | None => {
            let at = words.value.at;
            fields.push(field(name, at, Node { at, kind: Kind::Object(vec![words]) }));
        }
    }
}

/// A cell with several values.
pub(super) fn many(cell: Node) -> Node {
    let at = cell.at;
    let values =
        words(&cell).unwrap_or_default().split([';', ',']).map(str::trim).filter(|word| !word.is_empty());
    let values = values.map(|word| Node { at, kind: Kind::Cell(word.to_owned()) }).collect();
    Node { at, kind: Kind::List(values) }
}

pub(super) fn append(fields: &mut Vec<Field>, list: &str, value: Node) {
    match fields.iter_mut().find(|f| f.name == list).map(|f| &mut f.value.kind) {
        Some(Kind::List(values)) => values.push(value),
        Some(_) | None => {
            let at = value.at;
            fields.push(field(list, at, Node { at, kind: Kind::List(vec![value]) }));
        }
    }
}

pub(super) fn ids(objects: &[(At, Vec<Field>)], key: &str) -> BTreeMap<String, usize> {
    let id = |(at, (_, fields)): (usize, &(At, Vec<Field>))| Some((cell(fields, key).0?.to_owned(), at));
    objects.iter().enumerate().filter_map(id).collect()
}

/// The words of a field and their place.
pub(super) fn cell<'f>(fields: &'f [Field], name: &str) -> (Option<&'f str>, At) {
    let found = fields.iter().find(|f| f.name == name);
    (found.and_then(|f| words(&f.value)), found.map_or(At::default(), |f| f.value.at))
}

pub(super) fn take(fields: &mut Vec<Field>, name: &str) -> Option<Field> {
    let at = fields.iter().position(|f| f.name == name)?;
    Some(fields.remove(at))
}

pub(super) fn words(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Cell(words) | Kind::Text(words) => Some(words),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Object(_) => None,
    }
}

pub(super) fn child_mut<'n>(node: &'n mut Node, step: &str) -> Option<&'n mut Node> {
    match &mut node.kind {
        Kind::Object(fields) => fields.iter_mut().find(|f| f.name == step).map(|f| &mut f.value),
        Kind::List(values) => values.iter_mut().find(|v| name_of(v) == Some(step)),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Cell(_) => None,
    }
}

pub(super) fn text(at: At, words: &str) -> Node {
    Node { at, kind: Kind::Text(words.to_owned()) }
}

pub(super) fn field(name: &str, at: At, value: Node) -> Field {
    Field { name: name.to_owned(), at, value }
}
