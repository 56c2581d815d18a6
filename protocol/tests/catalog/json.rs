//! Documents that are in order.

use domain::catalog::{ItemKind, Price};
use domain::ids::{ItemId, VariationId};
use domain::money::Minor;
use domain::text::Lang;
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
