//! Writing a tree as JSON that a person can edit: what fits in a line stands in a line.

use super::node::{Field, Kind, Node};

/// Where a line gets too long to read.
const WIDTH: usize = 110;

pub(super) fn print(root: &Node) -> String {
    let mut out = String::new();
    block(root, 0, 0, &mut out);
    out.push('\n');
    out
}

/// `lead` is what stands before the value in its line.
fn block(node: &Node, indent: usize, lead: usize, out: &mut String) {
    let start = out.len();
    if inline(node, out, WIDTH.saturating_sub(2 * indent + lead), start) {
        return;
    }
    out.truncate(start);
    match &node.kind {
        Kind::List(values) => {
            out.push_str("[\n");
            for (at, value) in values.iter().enumerate() {
                pad(indent + 1, out);
                block(value, indent + 1, 1, out);
                out.push_str(if at + 1 < values.len() { ",\n" } else { "\n" });
            }
            pad(indent, out);
            out.push(']');
        }
        Kind::Object(fields) => {
            out.push_str("{\n");
            for (at, Field { name, value, .. }) in fields.iter().enumerate() {
                pad(indent + 1, out);
                quote(name, out);
                out.push_str(": ");
                block(value, indent + 1, name.len() + 5, out);
                out.push_str(if at + 1 < fields.len() { ",\n" } else { "\n" });
            }
            pad(indent, out);
            out.push('}');
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Cell(_) => scalar(node, out),
    }
}

/// Writes the value in one line; false as soon as it gets longer than `room`.
fn inline(node: &Node, out: &mut String, room: usize, start: usize) -> bool {
    match &node.kind {
        Kind::List(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                if !inline(value, out, room, start) {
                    return false;
                }
            }
            out.push(']');
        }
        Kind::Object(fields) if fields.is_empty() => out.push_str("{}"),
        Kind::Object(fields) => {
            out.push_str("{ ");
            for (at, field) in fields.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                quote(&field.name, out);
                out.push_str(": ");
                if !inline(&field.value, out, room, start) {
                    return false;
                }
            }
            out.push_str(" }");
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Cell(_) => scalar(node, out),
    }
    out[start..].chars().count() <= room
}

fn scalar(node: &Node, out: &mut String) {
    match &node.kind {
        Kind::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Kind::Number(digits) => out.push_str(digits),
        Kind::Text(words) | Kind::Cell(words) => quote(words, out),
        Kind::Null | Kind::List(_) | Kind::Object(_) => out.push_str("null"),
    }
}

fn quote(words: &str, out: &mut String) {
    out.push('"');
    for c in words.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", indent));
}
