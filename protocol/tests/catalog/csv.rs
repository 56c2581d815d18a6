//! The catalog as a folder of tables.

use std::collections::BTreeMap;

use protocol::catalog::{parse_csv_dir, parse_json};

use crate::json::MINIMAL;

/// The tables of the documentation.
pub fn example() -> BTreeMap<String, String> {
    let dir = "../docs/examples/catalog-csv";
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(&path).unwrap())
    };
    files.map(read).collect()
}

/// Every message about the example with one piece of one table replaced.
fn told(file: &str, old: &str, new: &str) -> Vec<String> {
    let mut files = example();
    let text = files.get_mut(file).unwrap();
    assert!(text.contains(old), "{old} is in {file}");
    *text = text.replacen(old, new, 1);
    match parse_csv_dir(files).and_then(|document| document.into_domain()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[track_caller]
fn tells(file: &str, old: &str, new: &str, message: &str) {
    let told = told(file, old, new);
    assert!(told.len() == 1 && told[0].starts_with(message), "expected {message}\n{told:#?}");
}

#[test]
fn the_tables_of_the_documentation_make_the_same_catalog_as_its_document() {
    let tables = parse_csv_dir(example()).unwrap();
    let document = parse_json(MINIMAL, "catalog-minimal.json").unwrap();
    assert_eq!(tables.to_parts().unwrap(), document.to_parts().unwrap());
    assert_eq!(tables.to_json().unwrap(), document.to_json().unwrap());
    assert!(tables.into_domain().is_ok());
}

#[test]
fn semicolons_tabs_and_windows_line_ends_are_fine() {
    let with = |change: fn(&str) -> String| {
        let files: Vec<(String, String)> = example()
            .into_iter()
            .map(|(name, text)| (name.clone(), if name == "variations.csv" { change(&text) } else { text }))
            .collect();
        parse_csv_dir(files).unwrap().into_domain().unwrap()
    };
    let plain = parse_csv_dir(example()).unwrap().into_domain().unwrap();
    assert_eq!(with(|text| text.replace(',', ";").replace('\n', "\r\n")), plain);
    assert_eq!(with(|text| format!("\u{feff}{}", text.replace(',', "\t"))), plain);
}

#[test]
fn a_wrong_cell_is_named_with_its_table_line_and_column() {
    tells("items.csv", "9.90", "9;90", "items.csv:2:");
    tells(
        "variations.csv",
        "3.20",
        "3.2O",
        "variations.csv:2:31: items.fries.variations.fries-small.price: \"3.2O\" is not a decimal number; write an amount in EUR such as \"3.20\"",
    );
    tells(
        "modifiers.csv",
        "1.50,2",
        "1.50,two",
        "modifiers.csv:2:31: modifier_groups.extras.modifiers.bacon.max: two is not a whole number",
    );
    tells(
        "tax_rates.csv",
        "7 %,yes",
        "7 %,maybe",
        "tax_rates.csv:2:29: tax_rates.vat-7.included: \"maybe\" is neither yes nor no",
    );
    tells("items.csv", "milk; mustard", "milk; mustart", "items.csv:2:");
    tells("shop.csv", "EUR", "Euro", "shop.csv:3:10: currency: \"Euro\" is not a currency");
}

#[test]
fn what_does_not_fit_together_is_named_with_its_table_too() {
    tells(
        "items.csv",
        ",bottle,",
        ",bootle,",
        "items.csv:4:39: items.cola.variations.cola.deposit: there is no variation bootle",
    );
    tells(
        "combo_choices.csv",
        "drink,cola",
        "drink,coke",
        "combo_choices.csv:5:1: items.classic-meal.slots.drink.choices.coke: there is no variation coke",
    );
    tells(
        "barcodes.csv",
        "4006381333931",
        "4006381333932",
        "barcodes.csv:2:1: barcodes.4006381333932: the check digit is wrong",
    );
    tells(
        "variations.csv",
        "fries,fries-small",
        "frise,fries-small",
        "variations.csv:2:1: there is no item \"frise\"; correct the id",
    );
    tells("items.csv", ",burgers,The", ",burger,The", "items.csv:2:10: there is no category \"burger\"");
    tells(
        "combo_choices.csv",
        "classic-meal,drink,cola",
        "classic-meal,drinks,cola",
        "combo_choices.csv:5:1: there is no such slot",
    );
    tells(
        "texts.csv",
        "items.fries.name",
        "items.frise.name",
        "texts.csv:6:1: there is no place \"items.frise.name\"",
    );
    tells(
        "texts.csv",
        "items.fries.name,de",
        "items.fries.name,en",
        "texts.csv:6:18: \"items.fries.name\" has words in en already",
    );
}

#[test]
fn a_column_or_table_that_is_unknown_missing_or_doubled_is_named_once() {
    tells("items.csv", "kcal", "kalories", "items.csv:1:141: there is no column \"kalories\" in this table");
    tells(
        "modifiers.csv",
        "price",
        "prize",
        "modifiers.csv:1:26: there is no column \"prize\" in this table; write price?",
    );
    tells(
        "variations.csv",
        "item,id",
        "item,sku",
        "variations.csv:1:1: the column \"id\" is missing; add a column id",
    );
    tells(
        "variations.csv",
        "name.de",
        "name.en",
        "variations.csv:1:17: the column \"name.en\" is there twice",
    );
    tells(
        "variations.csv",
        "name.de",
        "name",
        "variations.csv:1:9: name and name.en are the same: en is the default",
    );
    tells(
        "variations.csv",
        "Large",
        "Large, hot",
        "variations.csv:3:40: \"520\" stands in a column without a name",
    );
    tells("shop.csv", "currency", "curency", "shop.csv:3:1: the shop has no field \"curency\"");
    let mut files: Vec<(String, String)> = example().into_iter().collect();
    files.push(("old/item.csv".to_owned(), "id\n".to_owned()));
    let told = parse_csv_dir(files).unwrap_err().to_string();
    assert_eq!(told, "old/item.csv:1:1: there is no table item.csv; rename it to items.csv?");
    let none: [(&str, &str); 0] = [];
    assert!(parse_csv_dir(none).unwrap_err().to_string().contains("the table shop.csv is missing"));
}
