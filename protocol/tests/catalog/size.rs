//! A catalog as large as shops get.

use std::time::{Duration, Instant};

use domain::catalog::{CodeMatch, limits};
use domain::ids::VariationId;
use protocol::catalog::{parse_json, to_json};

/// On two shared cores in a test build; a release build takes about a quarter.
const PATIENCE: Duration = Duration::from_secs(5);

/// A document with this many items in four languages, each with two sizes, modifiers and a bar code.
fn document(items: usize) -> String {
    let joined =
        |count: usize, part: &dyn Fn(usize) -> String| (0..count).map(part).collect::<Vec<_>>().join(",");
    format!(
        r#"{{ "format": "kioskd.catalog/1", "rev": 7, "currency": "EUR", "languages": ["en", "de", "fr", "ar"],
        "brand": "Large shop",
        "tax_rates": [{{ "id": "vat", "name": "VAT", "rate": "19 %", "included": true }}],
        "tax_rules": [{{ "class": "goods", "rates": ["vat"] }}],
        "modifier_groups": [{}], "items": [{}], "categories": [{}], "barcodes": [{}] }}"#,
        joined(100, &group),
        joined(items, &item),
        joined(50, &|at| category(at, items)),
        joined(items, &bar_code),
    )
}

fn group(at: usize) -> String {
    let modifiers: Vec<String> = (0..10)
        .map(|m| {
            format!(
                r#"{{ "id": "m{m}", "name": {{ "en": "Extra {m}", "de": "Dazu {m}" }}, "price": "0.{m}0" }}"#
            )
        })
        .collect();
    format!(r#"{{ "id": "g{at}", "name": "Group {at}", "max": 5, "modifiers": [{}] }}"#, modifiers.join(","))
}

fn item(at: usize) -> String {
    let words = |kind: &str| {
        format!(
            r#"{{ "en": "{kind} {at} in English", "de": "{kind} {at} auf Deutsch", "fr": "{kind} {at} en français", "ar": "{kind} {at} بالعربية" }}"#
        )
    };
    format!(
        r#"{{ "id": "item-{at}", "name": {}, "tagline": {}, "description": {}, "tax_class": "goods",
        "station": "counter", "picture": "picture-{at}", "allergens": ["gluten", "milk"], "kcal": {at},
        "modifier_groups": ["g{}", "g{}"],
        "variations": [
          {{ "id": "item-{at}-s", "name": {}, "price": "{}.99", "sku": "S{at}" }},
          {{ "id": "item-{at}-l", "name": {}, "price": "{}.99", "sku": "L{at}" }}] }}"#,
        words("Name"),
        words("Tagline"),
        words("Description, a little longer than the name of the item,"),
        at % 100,
        (at + 1) % 100,
        words("Small"),
        at % 50 + 1,
        words("Large"),
        at % 50 + 2,
    )
}

fn category(at: usize, items: usize) -> String {
    let ids: Vec<String> = (0..items).filter(|i| i % 50 == at).map(|i| format!("\"item-{i}\"")).collect();
    format!(r#"{{ "id": "c{at}", "name": "Category {at}", "items": [{}] }}"#, ids.join(","))
}

fn bar_code(at: usize) -> String {
    let body = format!("40{at:010}");
    let digit = domain::catalog::check_digit(&body).unwrap();
    format!(r#"{{ "code": "{body}{digit}", "variation": "item-{at}-s" }}"#)
}

#[test]
fn five_thousand_items_are_read_checked_and_indexed_quickly() {
    let text = document(5_000);
    let start = Instant::now();
    let parsed = parse_json(&text, "large.json").unwrap();
    let read = start.elapsed();
    let parts = parsed.to_parts().unwrap();
    let converted = start.elapsed();
    let catalog = parsed.into_domain().unwrap();
    let activated = start.elapsed();
    println!(
        "{} KiB: parsed {} ms, converted {} ms, converted, checked and indexed {} ms",
        text.len() / 1024,
        read.as_millis(),
        (converted - read).as_millis(),
        (activated - converted).as_millis(),
    );
    assert!(activated < PATIENCE, "{activated:?}");
    assert!(catalog.variation(&VariationId::new("item-4999-l")).is_some());
    let last = format!("400000004999{}", domain::catalog::check_digit("400000004999").unwrap());
    assert!(
        matches!(catalog.find_code(&last), Some(CodeMatch::Goods { variation, .. }) if variation.as_str() == "item-4999-s")
    );

    let written = to_json(&parts);
    let again = parse_json(&written, "written.json").unwrap().to_parts().unwrap();
    assert_eq!(again, parts);
}

#[test]
fn a_catalog_beyond_the_limits_is_refused_and_not_taken_in_part() {
    let item = |at| format!(r#"{{ "id": "i{at}", "name": "Thing", "tax_class": "goods", "price": "1.00" }}"#);
    let items: Vec<String> = (0..=limits::MAX_ITEMS).map(item).collect();
    let text = document(1).replacen(r#""items": ["#, &format!(r#""items": [{},"#, items.join(",")), 1);
    let told = parse_json(&text, "huge.json").and_then(|document| document.into_domain()).unwrap_err();
    assert!(told.to_string().contains("items: 20002 entries; keep it to 20000"), "{told}");
    let nested = format!("{}{}", "[".repeat(20), "]".repeat(20));
    assert!(parse_json(&nested, "nested.json").unwrap().into_domain().is_err());
    let wide = format!("[{}1]", "1,".repeat(1_000_000));
    assert!(parse_json(&wide, "wide.json").unwrap_err().to_string().contains("too many values"));
}
