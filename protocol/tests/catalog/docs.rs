//! What the documentation shows is what happens.

use domain::catalog::limits;
use protocol::catalog::{CatalogDocument, cart, parse_json};
use serde_json::Value;

use crate::json::MINIMAL;

const CATALOG: &str = include_str!("../../../docs/catalog.md");
const PRICING: &str = include_str!("../../../docs/pricing.md");

/// The fenced blocks of a page: (what follows the backticks, content).
fn blocks(page: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut parts = page.split("\n```");
    parts.next();
    parts.step_by(2).map(|block| block.split_once('\n').unwrap()).collect()
}

#[test]
fn every_recipe_can_stand_in_the_small_catalog() {
    let mut all: Value = serde_json::from_str(MINIMAL).unwrap();
    let mut recipes = 0;
    for (kind, content) in blocks(CATALOG) {
        let Some(list) = kind.strip_prefix("json ") else { continue };
        let recipe: Value = serde_json::from_str(content).unwrap();
        let document = all.as_object_mut().unwrap();
        document.entry(list).or_insert_with(|| Value::Array(Vec::new())).as_array_mut().unwrap().push(recipe);
        recipes += 1;
    }
    assert!(recipes >= 10, "{recipes}");
    let read = parse_json(&all.to_string(), "recipes.json").and_then(CatalogDocument::into_domain);
    if let Err(errors) = read {
        panic!("{errors}");
    }
}

#[test]
fn the_table_shown_is_the_one_of_the_example() {
    let tables: Vec<_> =
        blocks(CATALOG).into_iter().filter_map(|(k, c)| Some((k.strip_prefix("csv ")?, c))).collect();
    assert_eq!(tables.len(), 1);
    let example = crate::csv::example();
    for (name, content) in tables {
        assert_eq!(example[name].trim(), content.trim());
    }
}

#[test]
fn the_tables_have_the_columns_that_the_documentation_names() {
    let rows = CATALOG.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(".csv` | "));
    let mut tables = 0;
    for (table, columns) in rows {
        let columns = columns.split(": ").next().unwrap().trim_end_matches(" |").replace("**", "");
        let header = format!("{}\n", columns.replace(", ", ","));
        let mut files = crate::csv::example();
        files.insert(format!("{table}.csv"), header.clone());
        let told =
            protocol::catalog::parse_csv_dir(files.clone()).err().map_or(String::new(), |e| e.to_string());
        let about_columns = told.lines().any(|line| line.starts_with(&format!("{table}.csv:1:")));
        assert!(!about_columns, "{told}");
        files.insert(format!("{table}.csv"), format!("zzzzzzzz,{header}"));
        let told = protocol::catalog::parse_csv_dir(files).unwrap_err().to_string();
        let known = told.split("the columns are ").nth(1).unwrap().lines().next().unwrap();
        let mut known: Vec<&str> = known.split(", ").collect();
        let mut named: Vec<&str> = columns.split(", ").collect();
        known.sort_unstable();
        named.sort_unstable();
        assert_eq!(named, known, "{table}");
        tables += 1;
    }
    assert_eq!(tables, 18);
}

#[test]
fn the_messages_shown_are_those_that_come() {
    let shown: Vec<&str> = blocks(CATALOG)
        .into_iter()
        .filter(|(kind, _)| *kind == "text messages")
        .flat_map(|(_, content)| content.lines())
        .filter(|line| !line.is_empty())
        .collect();
    let told = |changes: &[(&str, &str)]| -> Vec<String> {
        let text = changes.iter().fold(MINIMAL.to_owned(), |text, (old, new)| text.replace(old, new));
        let errors = parse_json(&text, "menu.json").and_then(CatalogDocument::into_domain).unwrap_err();
        errors.iter().map(ToString::to_string).collect()
    };
    let mut expected = told(&[("\"9.90\"", "\"9,90\""), ("\"kcal\": 640", "\"kcla\": 640")]);
    expected.extend(told(&[
        ("\"deposit\": \"bottle\"", "\"deposit\": \"bootle\""),
        ("4006381333931", "4006381333932"),
    ]));
    assert_eq!(shown, expected);
}

#[test]
fn the_limits_stated_are_those_that_hold() {
    let section = CATALOG.split("## Limits").nth(1).unwrap();
    for (name, limit) in [
        ("items", limits::MAX_ITEMS),
        ("variations of an item", limits::MAX_VARIATIONS),
        ("categories", limits::MAX_CATEGORIES),
        ("modifier groups", limits::MAX_GROUPS),
        ("modifiers of a group", limits::MAX_MODIFIERS),
        ("groups on an item", limits::MAX_ITEM_GROUPS),
        ("slots of a combo", limits::MAX_SLOTS),
        ("picks for a slot", usize::try_from(limits::MAX_PICKS).unwrap()),
        ("choices of a slot", limits::MAX_SLOT_CHOICES),
        ("bar codes", limits::MAX_BARCODES),
        ("discount rules", limits::MAX_RULES),
        ("tax rules", limits::MAX_TAX_RULES),
        ("languages", limits::MAX_LANGUAGES),
        ("characters of a name", limits::MAX_NAME_CHARS),
        ("characters of a description", limits::MAX_DESCRIPTION_CHARS),
        ("price, in minor units", usize::try_from(domain::money::MAX_PRICE.0).unwrap()),
    ] {
        assert!(section.contains(&format!("| {name} | {limit} |")), "{name} {limit}");
    }
    assert!(section.contains("| file | 16 MiB |") && protocol::catalog::MAX_FILE_BYTES == 16 << 20);
}

#[test]
fn the_cart_of_the_pricing_page_costs_what_it_says() {
    let catalog = parse_json(MINIMAL, "menu.json").unwrap().into_domain().unwrap();
    let find = |wanted: &str| blocks(PRICING).into_iter().find(|(kind, _)| *kind == wanted).unwrap().1;
    let priced = cart::price_file(&catalog, find("json cart"), "cart.json").unwrap();
    let priced: Value = serde_json::from_str(&priced).unwrap();
    assert_eq!(priced["total"], find("text total").trim());
}
