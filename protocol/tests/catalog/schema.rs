//! The published JSON Schema says what the code does.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use protocol::catalog::{CatalogDocument, ImportError, parse_json};
use serde_json::{Value, json};

use crate::json::MINIMAL;

const SCHEMA: &str = include_str!("../../schemas/catalog.v1.json");

fn errors(document: &Value) -> Vec<ImportError> {
    match parse_json(&document.to_string(), "menu.json").and_then(CatalogDocument::into_domain) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_vec(),
    }
}

/// The example with something of everything, and where each kind of object of the schema is in it.
fn rich() -> (Value, Vec<(&'static str, String)>) {
    let mut document: Value = serde_json::from_str(MINIMAL).unwrap();
    let item = |document: &Value, id: &str| {
        let items = document["items"].as_array().unwrap();
        format!("/items/{}", items.iter().position(|item| item["id"] == id).unwrap())
    };
    let classic = item(&document, "classic");
    let meal = item(&document, "classic-meal");
    let fries = item(&document, "fries");
    *document.pointer_mut(&format!("{classic}/modifier_groups/0")).unwrap() =
        json!({ "group": "extras", "max": 2 });
    let sold_out = json!({ "until": "2026-03-31T10:00:00Z" });
    document.pointer_mut(&fries).unwrap().as_object_mut().unwrap().insert("sold_out".into(), sold_out);
    document["currency"] = json!({ "code": "EUR", "decimals": 2 });
    let cheese = json!({ "id": "gouda", "name": "Gouda", "tax_class": "food", "price_per_kg": "19.90" });
    document["items"].as_array_mut().unwrap().push(cheese);
    document["restricted_numbers"] = json!([{
        "prefix": "28", "item_digits": 5, "value_digits": 5, "kind": "weight", "items": { "12345": "gouda" },
    }]);
    let bundle = json!({ "id": "three", "name": "3 for 2", "bundle": { "buy": 3, "free": 1 } });
    document["price_rules"].as_array_mut().unwrap().push(bundle);
    let places = vec![
        ("", String::new()),
        ("unusual_currency", "/currency".to_owned()),
        ("tax_rate", "/tax_rates/0".to_owned()),
        ("tax_rule", "/tax_rules/0".to_owned()),
        ("availability", "/availability/0".to_owned()),
        ("category", "/categories/0".to_owned()),
        ("modifier_group", "/modifier_groups/0".to_owned()),
        ("modifier", "/modifier_groups/0/modifiers/0".to_owned()),
        ("variation", format!("{fries}/variations/0")),
        ("sold_out", format!("{fries}/sold_out")),
        ("item_group", format!("{classic}/modifier_groups/0")),
        ("meal", format!("{classic}/meal")),
        ("slot", format!("{meal}/slots/1")),
        ("choice", format!("{meal}/slots/1/choices/0")),
        ("item", classic),
        ("barcode", "/barcodes/0".to_owned()),
        ("restricted_number", "/restricted_numbers/0".to_owned()),
        ("price_rule", "/price_rules/0".to_owned()),
        ("bundle", "/price_rules/1/bundle".to_owned()),
        ("surcharge", "/surcharges/0".to_owned()),
    ];
    (document, places)
}

fn definition<'s>(schema: &'s Value, name: &str) -> &'s Value {
    if name.is_empty() { schema } else { &schema["$defs"][name] }
}

#[test]
fn the_schema_has_the_fields_of_the_code_and_no_others() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let (document, places) = rich();
    assert_eq!(errors(&document), [], "the document itself is in order");
    for (name, place) in &places {
        let mut wrong = document.clone();
        wrong.pointer_mut(place).unwrap().as_object_mut().unwrap().insert("zzzzzzzz".into(), json!(1));
        let told = errors(&wrong);
        let fields = told.iter().find_map(|e| e.instead.strip_prefix("the fields are ")).unwrap();
        let in_code: BTreeSet<&str> = fields.split(", ").collect();
        let definition = definition(&schema, name);
        let in_schema: BTreeSet<&str> =
            definition["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(in_schema, in_code, "{name}");
        assert_eq!(definition["additionalProperties"], json!(false), "{name}");
    }
    let objects = schema["$defs"].as_object().unwrap().iter().filter(|(_, d)| d.get("properties").is_some());
    let defined: BTreeSet<&str> = objects.map(|(name, _)| name.as_str()).collect();
    let tried: BTreeSet<&str> =
        places.iter().map(|(name, _)| *name).filter(|name| !name.is_empty()).collect();
    assert_eq!(defined, tried, "every object of the schema was tried");
}

#[test]
fn the_schema_requires_what_the_code_requires() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let (document, places) = rich();
    for (name, place) in &places {
        let required = &definition(&schema, name)["required"];
        let fields: Vec<String> =
            document.pointer(place).unwrap().as_object().unwrap().keys().cloned().collect();
        for field in fields {
            let mut without = document.clone();
            without.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(&field);
            let missing = format!("the field \"{field}\" is missing");
            let refused = errors(&without).iter().any(|e| e.what == missing);
            let must = required.as_array().unwrap().iter().any(|name| *name == json!(field));
            assert_eq!(refused, must, "{name}.{field}");
        }
    }
}

#[test]
fn an_outside_validator_accepts_the_examples() {
    let script = "import json, sys, jsonschema\n\
        schema, *documents = json.load(sys.stdin)\n\
        jsonschema.Draft202012Validator.check_schema(schema)\n\
        validator = jsonschema.Draft202012Validator(schema)\n\
        for document in documents:\n\
        \x20   for error in validator.iter_errors(document):\n\
        \x20       sys.exit(f'{list(error.path)}: {error.message}')\n";
    let demo: Value =
        serde_json::from_str(include_str!("../../../catalog/alder-and-rye/catalog.json")).unwrap();
    let minimal: Value = serde_json::from_str(MINIMAL).unwrap();
    let written: Value = {
        let parts = parse_json(MINIMAL, "minimal.json").unwrap().to_parts().unwrap();
        serde_json::from_str(&protocol::catalog::to_json(&parts)).unwrap()
    };
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let input = json!([schema, rich().0, demo, minimal, written]);
    let mut python = Command::new("python3").args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap();
    serde_json::to_writer(python.stdin.take().unwrap(), &input).unwrap();
    assert!(
        python.wait().unwrap().success(),
        "python3 says why above; it needs apt install python3-jsonschema"
    );
}
