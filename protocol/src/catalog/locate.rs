//! From the place a check names (`items`, `cola`, `variations`, `cola-05`, `price`) to where that was written.

use super::fields::name_of;
use super::node::{At, Kind, Node};

/// The deepest value on the way that exists. A step that the author did not write (an item with its price in
/// itself has no `variations`) is passed over.
pub(super) fn find<'s>(root: &Node, steps: impl Iterator<Item = &'s str>) -> At {
    let mut node = root;
    for step in steps {
        node = child(node, step).unwrap_or(node);
    }
    node.at
}

fn child<'n>(node: &'n Node, step: &str) -> Option<&'n Node> {
    match &node.kind {
        Kind::Object(fields) => fields.iter().find(|f| f.name == step).map(|f| &f.value),
        Kind::List(values) => {
            let named = values.iter().find(|value| is_called(value, step));
            named.or_else(|| values.get(step.parse::<usize>().ok()?))
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Cell(_) => None,
    }
}

fn is_called(node: &Node, name: &str) -> bool {
    match &node.kind {
        Kind::Text(words) | Kind::Cell(words) => words == name,
        Kind::Object(_) => name_of(node) == Some(name),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) => false,
    }
}
