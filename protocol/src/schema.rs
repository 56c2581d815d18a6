//! The published JSON Schemas of everything on the wire, and the rule that they may only grow.
//!
//! A reader ignores fields it does not know, so a field may be added if it may be missing. Everything else
//! breaks a kiosk or a fleet of another version: it needs a new major version in the topic.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::Value;

/// One published format.
pub struct Published {
    /// File name without `.json`.
    pub name: &'static str,
    /// Its schema, draft 2020-12.
    pub schema: Schema,
}

/// All formats that travel between kiosk and fleet.
pub fn all() -> Vec<Published> {
    vec![
        published::<crate::sync::Batch>("batch"),
        published::<crate::sync::Ack>("ack"),
        published::<crate::fleet::Status>("status"),
        published::<crate::fleet::DesiredTwin>("desired-twin"),
        published::<crate::fleet::ReportedTwin>("reported-twin"),
        published::<crate::fleet::Job>("job"),
        published::<crate::fleet::JobProgress>("job-progress"),
        published::<crate::fleet::Quota>("quota"),
        published::<crate::fleet::Reserve>("reserve"),
        published::<crate::update::UpdateState>("update-state"),
        published::<crate::update::PartsWanted>("parts-wanted"),
    ]
}

fn published<T: JsonSchema>(name: &'static str) -> Published {
    let generator: SchemaGenerator = SchemaSettings::draft2020_12().into();
    Published { name, schema: generator.into_root_schema_for::<T>() }
}

/// What `new` takes away or demands anew compared with `old`, by JSON path. Empty: only additions.
pub fn breaking_changes(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("$", old, new, &mut found);
    found
}

/// Words that may change without any effect on a reader.
const NOTES: [&str; 4] = ["description", "title", "$schema", "default"];

fn compare(path: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, was) in old.iter().filter(|(key, _)| !NOTES.contains(&key.as_str())) {
                let path = format!("{path}.{key}");
                match new.get(key) {
                    _ if key == "required" => {}
                    Some(is) => compare(&path, was, is, found),
                    None => found.push(format!("{path} is gone")),
                }
            }
            let is_map_of_names = path.ends_with(".properties") || path.ends_with(".$defs");
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in added.filter(|key| !is_map_of_names && !NOTES.contains(&key.as_str())) {
                if key != "required" {
                    found.push(format!("{path}.{key} is a new demand"));
                }
            }
            for name in
                names(new.get("required")).filter(|name| !names(old.get("required")).any(|n| n == *name))
            {
                found.push(format!("{path}: {name} is required now"));
            }
            for name in
                names(old.get("required")).filter(|name| !names(new.get("required")).any(|n| n == *name))
            {
                found.push(format!(
                    "{path}: {name} may be missing now, which an older reader does not expect"
                ));
            }
        }
        (Value::Array(old), Value::Array(new)) if path.ends_with(".oneOf") || path.ends_with(".anyOf") => {
            // A new alternative is an addition; readers treat what they do not know as unknown.
            for (i, was) in old.iter().enumerate() {
                match new.get(i) {
                    Some(is) => compare(&format!("{path}[{i}]"), was, is, found),
                    None => found.push(format!("{path}[{i}] is gone")),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) if path.ends_with(".enum") => {
            for gone in old.iter().filter(|value| !new.contains(value)) {
                found.push(format!("{path}: {gone} is gone"));
            }
        }
        _ if old == new => {}
        _ => found.push(format!("{path} was {old} and is {new}")),
    }
}

fn names(required: Option<&Value>) -> impl Iterator<Item = &str> {
    required.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema(properties: Value, required: Value) -> Value {
        json!({ "type": "object", "properties": properties, "required": required })
    }

    #[test]
    fn an_optional_field_and_other_words_are_no_break() {
        let old = schema(json!({ "a": { "type": "string", "description": "one" } }), json!(["a"]));
        let new = schema(
            json!({ "a": { "type": "string", "description": "two" }, "b": { "type": "integer" } }),
            json!(["a"]),
        );
        assert_eq!(breaking_changes(&old, &new), Vec::<String>::new());
    }

    #[test]
    fn every_other_change_is_found() {
        let old = schema(json!({ "a": { "type": "string" }, "c": { "enum": ["x", "y"] } }), json!(["a"]));
        let cases = [
            (schema(json!({ "c": { "enum": ["x", "y"] } }), json!([])), 2),
            (schema(json!({ "a": { "type": "integer" }, "c": { "enum": ["x", "y"] } }), json!(["a"])), 1),
            (schema(json!({ "a": { "type": "string" }, "c": { "enum": ["x"] } }), json!(["a"])), 1),
            (schema(json!({ "a": { "type": "string" }, "c": { "enum": ["x", "y"] } }), json!(["a", "c"])), 1),
            (
                schema(
                    json!({ "a": { "type": "string", "pattern": "x" }, "c": { "enum": ["x", "y"] } }),
                    json!(["a"]),
                ),
                1,
            ),
        ];
        for (new, breaks) in cases {
            assert_eq!(breaking_changes(&old, &new).len(), breaks, "{new}");
        }
    }
}
