//! Documents that are in order.

use domain::catalog::{ItemKind, Price};
use domain::ids::{ItemId, VariationId};
use domain::money::Minor;
use domain::text::Lang;
use domain::time::Date;
use protocol::catalog::{parse_json, to_json};

pub const MINIMAL: &str = include_str!("../../../docs/examples/catalog-minimal.json");

#[test]
fn the_example_of_the_documentation_becomes_a_catalog() {
    let catalog = parse_json(MINIMAL, "catalog-minimal.json").unwrap().into_domain().unwrap();
    assert_eq!(catalog.items.len(), 5);
    let (cola, version) = catalog.variation(&VariationId::new("cola")).unwrap();
    assert_eq!(version.price, Price::Fixed(Minor(290)));
    assert_eq!(version.deposit, Some(VariationId::new("bottle")));
    assert_eq!(cola.name.get(&Lang::new("de"), &catalog.languages), "Cola");
    assert_eq!(&*cola.kitchen_name, "Cola");
    let meal = catalog.item(&ItemId::new("classic-meal")).unwrap();
    assert!(matches!(&meal.kind, ItemKind::Combo(slots) if slots.len() == 3));
    let fries = catalog.item(&ItemId::new("fries")).unwrap();
    let energy = ["fries-small", "fries-large"].map(|id| fries.kcal_of(&VariationId::new(id)));
    assert_eq!(energy, [380, 520]);
}

#[test]
fn writing_and_reading_give_the_same_catalog_and_the_same_bytes() {
    let parts = parse_json(MINIMAL, "catalog-minimal.json").unwrap().to_parts().unwrap();
    let written = to_json(&parts);
    let again = parse_json(&written, "written.json").unwrap().to_parts().unwrap();
    assert_eq!(again, parts);
    assert_eq!(to_json(&again), written);
}

#[test]
fn the_demo_catalog_is_in_order() {
    let text = include_str!("../../../catalog/alder-and-rye/catalog.json");
    if let Err(errors) = parse_json(text, "catalog.json").and_then(|document| document.into_domain()) {
        panic!("{errors}");
    }
}

#[test]
fn the_kitchen_reads_as_much_of_a_long_name_as_a_ticket_has_room_for() {
    let long = "Handgemachte Käsespätzle mit Röstzwiebeln, Bergkäse und grünem Salat vom Feld";
    let text = MINIMAL.replace("\"Fries\"", &format!("\"{long}\""));
    let document = parse_json(&text, "menu.json").unwrap();
    let catalog = document.clone().into_domain().unwrap();
    let kitchen_name = catalog.item(&ItemId::new("fries")).unwrap().kitchen_name.to_string();
    assert_eq!(kitchen_name, long.chars().take(64).collect::<String>());
    let broken = MINIMAL.replace("\"Fries\"", "\"Fr\\nies\"");
    let told = parse_json(&broken, "menu.json").unwrap().into_domain().unwrap_err().to_string();
    assert!(told.contains("items.fries.name.en: a control character in the words"), "{told}");
}

#[test]
fn hints_name_what_is_hardly_meant() {
    let today = Date { year: 2026, month: 3, day: 2 };
    let hints = |text: &str| -> Vec<String> {
        let hints = parse_json(text, "menu.json").unwrap().hints(today).unwrap();
        hints.iter().map(ToString::to_string).collect()
    };
    assert_eq!(hints(MINIMAL), [""; 0], "the example is complete");
    let text = MINIMAL
        .replace("\"cola\", \"fries\"]", "\"cola\"]")
        .replace("\"choices\": [\n            { \"variation\": \"fries-small\", \"default\": true },\n            { \"variation\": \"fries-large\", \"extra\": \"0.90\" }\n          ]", "\"choices\": [\"cola\"]")
        .replace("[\"extras\", \"leave-out\"]", "[\"extras\"]")
        .replace("[\"en\", \"de\"]", "[\"en\", \"de\", \"fr\"]")
        .replace("\"rates\": [] }", "\"rates\": [], \"until\": \"2025-12-31\" }");
    let told = hints(&text);
    for hint in [
        "menu.json:6:12: brand: 25 texts have no words in fr, this is the first; add them, or customers",
        "tax_rules: no rule for class deposit is valid dine-in on 2026-03-02; add a rule",
        "tax_rules: no rule for class deposit is valid take-away on 2026-03-02; add a rule",
        "menu.json:50:5: modifier_groups.leave-out: no item has this group; add it to an item, or remove it",
        "menu.json:78:5: items.fries: it is in no category or combo and has no bar code: nobody can buy it",
    ] {
        assert!(told.iter().any(|told| told.contains(hint)), "{hint}\n{told:#?}");
    }
    assert_eq!(told.len(), 5, "{told:#?}");

    let silent = MINIMAL.replace("      \"allergens\": [],\n", "");
    let told = hints(&silent);
    assert!(
        told[0].contains(
            "items.cola.allergens: it and 1 more do not say which allergens are in them; write them, or none"
        ),
        "{told:?}"
    );
    let share = MINIMAL.replacen("\"rate\": \"19 %\"", "\"rate\": \"0.19\"", 1);
    assert_ne!(share, MINIMAL);
    let told = hints(&share);
    assert!(
        told[0].ends_with("rate: 0.19 % is less than one percent; rates are in percent: write 19 for 19 %"),
        "{told:?}"
    );
}
