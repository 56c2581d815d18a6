//! What a shop is told. Every case is the example of the documentation with one thing made wrong; `«` marks
//! where the message must point to and is not part of the text.

use protocol::catalog::{CatalogDocument, parse_json};

use crate::json::MINIMAL;

/// Asserts that the replacement gives exactly this message (its beginning) at the marked place.
#[track_caller]
fn tells(old: &str, marked: &str, message: &str) {
    assert_eq!(MINIMAL.matches(old).count(), 1, "{old} is in the example once");
    let text = MINIMAL.replace(old, marked);
    let (before, _) = text.split_once('«').expect("a mark");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
    let told = match parse_json(&text.replace('«', ""), "menu.json").and_then(CatalogDocument::into_domain) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    };
    let message = format!("menu.json:{line}:{column}: {message}");
    assert!(told.len() == 1 && told[0].starts_with(&message), "expected\n{message}\n{told:#?}");
    assert!(told[0].contains("; "), "it says what to write instead");
}

#[test]
fn a_value_that_cannot_be_read_is_named_with_what_to_write() {
    tells(
        "\"9.90\"",
        "«\"9,90\"",
        "items.classic.price: \"9,90\" is not a decimal number; write an amount in EUR such as \"9.90\"",
    );
    tells(
        "\"9.90\"",
        "«9.90",
        "items.classic.price: 9.90 is a bare number; write the amount in quotes: \"9.90\"",
    );
    tells("\"9.90\"", "«\"9.905\"", "items.classic.price: \"9.905\" has more than 2 decimal places");
    tells("\"7 %\", ", "«\"seven\", ", "tax_rates.vat-7.rate: \"seven\" is not a decimal number");
    tells("\"11:30\"", "«\"11.30\"", "availability.lunch.from: \"11.30\" is not a time of day");
    tells("\"mon\"", "«\"monday\"", "availability.lunch.days[0]: \"monday\" is none of the words");
    tells(
        "\"wheat\"",
        "«\"wheet\"",
        "categories.burgers.tint: \"wheet\" is none of the words that can stand here; write \"wheat\"?",
    );
    tells(
        "true, \"letter\": \"B\"",
        "«1, \"letter\": \"B\"",
        "tax_rates.vat-7.included: the number 1 is neither",
    );
    tells("\"EUR\"", "«\"ERU\"", "currency: \"ERU\" is not a currency of ISO 4217");
    tells("\"rev\": 1", "\"rev\": «0", "rev: revision 0; count");
    tells(
        "[\"sesame\"]",
        "[«\"sesam\"]",
        "items.classic.may_contain[0]: \"sesam\" is not one of the 14 allergens; write \"sesame\"?",
    );
    tells(
        "\"id\": \"fries\",",
        "\"id\": «\"Fries!\",",
        "items.Fries!.id: \"Fries!\" cannot be an id; write small letters, digits, - and _, such as \"fries\"",
    );
    tells(
        "\"french-fries\"",
        "«\"../fries.svg\"",
        "items.fries.picture: \"../fries.svg\" cannot be the name of a picture; \
         use letters, digits, - and _, and leave .svg or .png out",
    );
    tells("\"kcal\": 380", "\"kcal\": «\"380\"", "items.fries.kcal: \"380\" is a text; write a whole number");
    tells("\"max\": 4", "\"max\": «-4", "modifier_groups.extras.max: -4 is not a whole number in range");
}

#[test]
fn a_field_that_is_missing_misspelt_or_doubled_is_named() {
    tells(
        "\"kcal\": 640",
        "«\"kcla\": 640",
        "items.classic.kcla: there is no field \"kcla\" here; write \"kcal\"?",
    );
    tells(
        "{\n  \"format\": \"kioskd.catalog/1\",\n  \"rev\": 1",
        "«{\n  \"format\": \"kioskd.catalog/1\"",
        "the field \"rev\" is missing",
    );
    tells(
        "\"kind\": \"deposit\",",
        "\"kind\": \"deposit\", «\"kind\": \"deposit\",",
        "the field \"kind\" is there twice, first in line",
    );
    tells(
        "{\n      \"id\": \"cola\",",
        "«{\n      \"id\": \"fries\",",
        "items: this id is there twice, first in line 78",
    );
    tells(
        "{\n      \"id\": \"lunch-deal\"",
        "«{\n      \"id\": \"lunch-deal\", \"line_amount\": \"1.00\"",
        "price_rules.lunch-deal: the rule does two things",
    );
    tells(
        "\"name\": \"Cola\"",
        "\"name\": { \"en\": \"Cola\", «\"fr\": \"Cola\" }",
        "items.cola.name.fr: \"fr\" is not a language",
    );
    tells(
        "\"kioskd.catalog/1\"",
        "«\"kioskd.catalog/2\"",
        "format: this program reads kioskd.catalog/1, not",
    );
    tells(
        "{\n      \"id\": \"bottle\"",
        "«{\n      \"id\": \"bottle\", \"slots\": []",
        "items.bottle: \"slots\" on something that is not a combo",
    );
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = MINIMAL
        .replace("\"9.90\"", "\"nine\"")
        .replace("\"price\": \"2.90\"", "\"prize\": \"2.90\"")
        .replace("\"tint\": \"glass\"", "\"tint\": \"grass\"");
    let errors = parse_json(&text, "menu.json").unwrap().into_domain().unwrap_err();
    let paths: Vec<&str> = errors.iter().map(|e| e.path.as_str()).collect();
    assert_eq!(paths, ["categories.drinks.tint", "items.classic.price", "items.cola", "items.cola.prize"]);
    assert!(errors.iter().is_sorted_by_key(|e| (e.line, e.column)));
}

#[test]
fn json_that_is_none_is_told_where_it_goes_wrong_and_why() {
    tells("\"rev\": 1,\n  ", "\"rev\": 1\n  «", "a comma is missing before this");
    tells("\"1.00\"]", "\"1.00\",«]", "there is a comma before the closing bracket; remove the comma");
    tells("\"rev\": 1,", "«'rev': 1,", "\"'\" cannot stand here; use straight double quotes");
    tells("\"rev\": 1,", "«// first\n\"rev\": 1,", "\"/\" cannot stand here; remove the comment");
    tells("\"rev\": 1,", "\"rev\": «one,", "one stands without quotes; write \"one\"");
    tells("\"rev\": 1,", "\"rev\": «01,", "\"01\" is not a number");
    tells("\"Frisch gebraten\" }", "«\"Frisch gebraten }", "the text is not closed in its line");
    let end = parse_json(&MINIMAL[..MINIMAL.len() - 2], "menu.json").unwrap_err().to_string();
    assert!(end.contains("the file ends in the middle; write } where it belongs"), "{end}");
    let deep = parse_json(&"[".repeat(100), "menu.json").unwrap_err().to_string();
    assert!(deep.contains("nested too deeply"), "{deep}");
    let large = parse_json(&" ".repeat(protocol::catalog::MAX_FILE_BYTES + 1), "menu.json").unwrap_err();
    assert!(large.to_string().contains("larger than 16 MiB"), "{large}");
}

#[test]
fn a_dangling_reference_is_refused_where_it_stands() {
    tells(
        "\"classic-meal\"]",
        "«\"clasic-meal\"]",
        "categories.burgers.items.clasic-meal: there is no item clasic-meal",
    );
    tells("[\"vat-7\"] }", "[«\"vat-8\"] }", "tax_rules.0.rates.vat-8: there is no tax rate vat-8");
    tells(
        "\"deposit\": \"bottle\"",
        "\"deposit\": «\"bootle\"",
        "items.cola.variations.cola.deposit: there is no variation bootle",
    );
    tells(
        "\"tax_class\": \"deposit\"",
        "\"tax_class\": «\"deposits\"",
        "items.bottle.tax_class: no tax rule is about class deposits",
    );
    tells(
        "[\"lunch\"]",
        "[«\"dinner\"]",
        "price_rules.lunch-deal.availability.dinner: there is no availability",
    );
    tells(
        "[\"extras\", ",
        "[«\"extra\", ",
        "items.classic.modifier_groups.extra: there is no modifier group extra",
    );
    tells(
        "{ \"variation\": \"fries-small\"",
        "«{ \"variation\": \"fries-tiny\"",
        "items.classic-meal.slots.side.choices.fries-tiny: there is no variation",
    );
    tells(
        "\"variation\": \"cola\"",
        "\"variation\": «\"coke\"",
        "barcodes.4006381333931.variation: there is no variation coke",
    );
    tells(
        "\"featured\": \"classic\"",
        "\"featured\": «\"cola\"",
        "categories.burgers.featured: item cola is featured",
    );
    tells(
        "\"categories\": [\"burgers\"]",
        "\"categories\": [«\"burger\"]",
        "price_rules.lunch-deal.categories.burger: there is no burger",
    );
    tells(
        "\"modifier_groups\": [\"extras\", \"leave-out\"]",
        "\"modifier_groups\": [{ \"group\": \"extras\", \"hidden\": [«\"ham\"] }]",
        "items.classic.modifier_groups.extras.hidden.ham: group extras has no modifier ham",
    );
}

#[test]
fn a_cycle_or_a_thing_of_the_wrong_kind_is_refused() {
    tells(
        "\"choices\": [\"cola\"]",
        "\"choices\": [«\"classic-meal\"]",
        "items.classic-meal.slots.drink.choices.classic-meal: a combo inside a combo",
    );
    tells(
        "\"choices\": [\"cola\"]",
        "\"choices\": [«\"bottle\"]",
        "items.classic-meal.slots.drink.choices.bottle: bottle is not goods",
    );
    tells(
        "\"price\": \"0.25\"",
        "\"price\": \"0.25\", \"deposit\": «\"bottle\"",
        "items.bottle.variations.bottle.deposit: a deposit on a deposit",
    );
    tells(
        "\"deposit\": \"bottle\"",
        "\"deposit\": «\"cola\"",
        "items.cola.variations.cola.deposit: cola is not a deposit",
    );
    tells(
        "\"slot\": \"burger\"",
        "\"slot\": «\"drink\"",
        "items.classic.meal.slot: slot drink of combo classic-meal does not offer",
    );
    tells(
        "\"combo\": \"classic-meal\"",
        "\"combo\": «\"cola\"",
        "items.classic.meal.combo: cola is not a combo",
    );
    tells(
        "\"price\": \"13.90\"",
        "\"price\": \"13.90\", \"meal\": «{ \"combo\": \"classic-meal\", \"slot\": \"side\" }",
        "items.classic-meal.meal: a combo cannot be made into a meal",
    );
    tells(
        "\"variation\": \"cola\"",
        "\"variation\": «\"classic-meal\"",
        "barcodes.4006381333931.variation: a combo has to be put together",
    );
}

#[test]
fn numbers_that_contradict_each_other_are_refused() {
    tells("\"max\": 4,", "\"max\": 4, \"min\": «5,", "modifier_groups.extras.min: at least 5 but at most 4");
    tells(
        "\"max\": 4,",
        "\"max\": 9, \"min\": «4,",
        "modifier_groups.extras.min: at least 4 must be chosen but only 3 can be",
    );
    tells("\"max\": 4,", "\"max\": 1, \"free\": «2,", "modifier_groups.extras.free: 2 are free but only 1");
    tells(
        "\"max\": 2,\n      \"modifiers\"",
        "\"max\": 2, \"min\": «1,\n      \"modifiers\"",
        "modifier_groups.leave-out.min: a customer is made to leave",
    );
    tells(
        "[\"extras\", ",
        "[{ \"group\": \"extras\", \"max\": «0 }, ",
        "items.classic.modifier_groups.extras.max: 0 can be chosen",
    );
    tells(
        "[\"extras\", ",
        "[{ \"group\": \"extras\", \"max\": «1, \"defaults\": [\"egg\", \"bacon\"] }, ",
        "items.classic.modifier_groups.extras.max: 2 are chosen from the start but at most 1",
    );
    tells(
        "[\"extras\", ",
        "[{ \"group\": \"extras\", \"hidden\": «[\"egg\"], \"defaults\": [\"egg\"] }, ",
        "items.classic.modifier_groups.extras.hidden: a modifier of group extras is chosen",
    );
    tells(
        "\"price\": \"13.90\"",
        "\"price\": «\"10000000.01\"",
        "items.classic-meal.variations.classic-meal.price: a price out of range",
    );
    tells(
        "\"price\": \"0.25\"",
        "\"price\": «\"-0.25\"",
        "items.bottle.variations.bottle.price: a negative price",
    );
    tells(
        "\"extra\": \"0.90\"",
        "\"extra\": «\"-0.90\"",
        "items.classic-meal.slots.side.choices.fries-large.extra: an extra price below zero",
    );
    tells(
        "\"line_percent\": \"10 %\"",
        "\"line_percent\": «\"110 %\"",
        "price_rules.lunch-deal.line_percent: out of range",
    );
    tells(
        "\"until\": \"14:30\" }",
        "\"until\": \"14:30\", \"first_date\": \"2026-03-08\", \"last_date\": «\"2026-03-07\" }",
        "availability.lunch.last_date: it ends before it begins",
    );
    tells(
        "{ \"id\": \"lunch\",",
        "«{ \"id\": \"lunch\", \"first_date\": \"2026-03-07\", \"last_date\": \"2026-03-08\",",
        "availability.lunch: none of its days lies between its dates",
    );
}

#[test]
fn prices_that_modifiers_can_make_negative_are_refused() {
    // Cheese off the burger (9.90) for more than it costs; in the meal it would take even more than its share.
    let text = MINIMAL.replace("\"removes\": [\"milk\"],", "\"removes\": [\"milk\"], \"price\": \"-9.91\",");
    let errors = parse_json(&text, "menu.json").unwrap().into_domain().unwrap_err();
    let told: Vec<String> = errors.iter().map(|e| format!("{}: {}", e.path, e.what)).collect();
    assert_eq!(
        told,
        [
            "items.classic.variations.classic.price: modifiers can make the price negative",
            "items.classic-meal.slots.burger.choices.classic: modifiers can make the share of classic negative",
        ]
    );
    let text = text.replace("-9.91", "-8.20");
    let told = parse_json(&text, "menu.json").unwrap().into_domain().unwrap_err().to_string();
    assert!(told.contains("the share of classic") && !told.contains("the price negative"), "{told}");
    let text = text.replace("-8.20", "-8.10");
    assert!(parse_json(&text, "menu.json").unwrap().into_domain().is_ok());
}

#[test]
fn taxes_that_cannot_be_computed_are_refused() {
    tells(
        "true, \"letter\": \"B\"",
        "true, \"compound_order\": «1, \"letter\": \"B\"",
        "tax_rates.vat-7.compound_order: a rate that is included",
    );
    tells(
        "\"tax_rules\": [",
        "\"tax_rules\": «[{ \"class\": \"x\", \"mode\": \"dine-in\", \"rates\": [] },",
        "tax_rules: class x has no rule for take-away",
    );
    tells(
        "{ \"class\": \"deposit\", \"rates\": [] }",
        "{ \"class\": \"deposit\", \"rates\": [] }, «{ \"class\": \"deposit\", \"rates\": [\"vat-7\"] }",
        "tax_rules.4: two rules for class deposit at the same time",
    );
    tells(
        "{ \"class\": \"deposit\", \"rates\": [] }",
        "{ \"class\": \"deposit\", \"rates\": [], \"until\": \"2026-06-30\" }, «{ \"class\": \"deposit\", \"rates\": [], \"from\": \"2026-06-30\" }",
        "tax_rules.4: two rules for class deposit with overlapping dates",
    );
    let mixed =
        MINIMAL.replace("\"rate\": \"7 %\", \"included\": true", "\"rate\": \"7 %\", \"included\": false");
    assert!(parse_json(&mixed, "menu.json").unwrap().into_domain().is_ok(), "each rule has one kind");
    let mixed =
        mixed.replace("\"drink\", \"rates\": [\"vat-19\"]", "\"drink\", \"rates\": [\"vat-19\", \"vat-7\"]");
    let told = parse_json(&mixed, "menu.json").unwrap().into_domain().unwrap_err().to_string();
    assert!(told.starts_with("menu.json:15:34: tax_rules.2.rates: rates that are included"), "{told}");
}

#[test]
fn codes_and_words_are_looked_at_too() {
    tells(
        "{ \"code\": \"4006381333931\"",
        "«{ \"code\": \"4006381333932\"",
        "barcodes.4006381333932: the check digit is wrong; compare it with the package: with these digits before it, it would be 4006381333931",
    );
    tells(
        "{ \"code\": \"4006381333931\"",
        "«{ \"code\": \"361414141414\", \"variation\": \"cola\" }, { \"code\": \"0361414141414\"",
        "barcodes.361414141414: it is the same number as 0361414141414",
    );
    tells(
        "{ \"en\": \"Fries\", \"de\": \"Pommes\" }",
        "«{ \"de\": \"Pommes\" }",
        "items.fries.name: no words in the default language en",
    );
    tells("\"Corner Grill\"", "«\" \"", "brand.en: empty words");
    tells(
        "\"allergens\": [],\n      \"diet\": \"vegan\",\n      \"kcal\": 380",
        "\"allergens\": [\"milk\"],\n      \"diet\": «\"vegan\",\n      \"kcal\": 380",
        "items.fries.diet: vegan, but it contains milk",
    );
}

#[test]
fn a_file_that_is_not_utf_8_is_told_with_the_place_of_the_first_byte_that_is_not() {
    let told = parse_json(b"{\n  \"brand\": \"\xc3\xa9 Caf\xe9\"\n}", "menu.json").unwrap_err().to_string();
    let expected = "menu.json:2:18: the byte E9 is not UTF-8; save the file as UTF-8; spreadsheets call it \"CSV UTF-8\"";
    assert_eq!(told, expected);
    let utf_16 = parse_json(b"\xff\xfe{\0}\0", "menu.json").unwrap_err().to_string();
    assert!(utf_16.starts_with("menu.json:1:1: the file is UTF-16; save"), "{utf_16}");
    let tables: [(&str, &[u8]); 2] =
        [("shop.csv", b"field,value\nrev,1\n"), ("items.csv", b"id,name\ncola,Cola\ncafe,Caf\xe9\n")];
    let told = protocol::catalog::parse_csv_dir(tables).unwrap_err().to_string();
    assert!(told.starts_with("items.csv:3:9: the byte E9 is not UTF-8"), "{told}");
}

#[test]
fn of_a_table_that_cannot_be_read_only_that_is_told() {
    let mut tables: Vec<(String, Vec<u8>)> = crate::csv::example()
        .into_iter()
        .map(|(name, text)| (format!("menu/{name}"), text.into_bytes()))
        .collect();
    let (_, items) = tables.iter_mut().find(|(name, _)| name == "menu/items.csv").unwrap();
    let place = items.iter().rposition(|byte| *byte == b'\n').unwrap();
    items.insert(place, 0xE9);
    let told = protocol::catalog::parse_csv_dir(tables.clone()).unwrap_err().to_string();
    assert!(told.starts_with("menu/items.csv:") && told.contains("the byte E9 is not UTF-8"), "{told}");
    assert!(!told.contains('\n'), "nothing that only follows from it: {told}");
    tables.retain(|(name, _)| name != "menu/items.csv");
    let told = protocol::catalog::parse_csv_dir(tables).unwrap_err().to_string();
    assert!(told.starts_with("menu/items.csv: the table items.csv is missing; add it"), "{told}");
}

#[test]
fn a_table_that_is_not_there_is_named_and_what_refers_to_it_is_not_blamed() {
    let shop = ("shop.csv", "field,value\nrev,1\ncurrency,EUR\nlanguages,en\nbrand,B\n");
    let variations = ("variations.csv", "item,id,price\ncola,small,2.00\n");
    let told = protocol::catalog::parse_csv_dir([shop, variations]).unwrap_err().to_string();
    let items =
        "items.csv: the table items.csv is missing; add it to the folder; its first columns are id, name, ";
    assert!(told.starts_with(items) && !told.contains('\n'), "{told}");
    let items = ("items.csv", "id,name,price,categories\ncola,Cola,2.00,drinks\nfanta,Fanta,2.00,drinks\n");
    let told = protocol::catalog::parse_csv_dir([shop, items]).unwrap_err().to_string();
    let categories =
        "categories.csv: the table categories.csv is missing, and the column categories of items.csv refers";
    assert!(told.starts_with(categories) && !told.contains('\n'), "{told}");
}
