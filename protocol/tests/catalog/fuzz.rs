//! Nothing that comes in makes the program fall over, and what passes the checks can be sold.

use domain::cart::{Cart, CartLine, ComboPick, ModifierChoice, ServiceMode};
use domain::catalog::{Catalog, Item, ItemGroup, ItemKind, Price};
use domain::ids::LineId;
use domain::money::Quantity;
use domain::pricing::{PriceContext, PriceError, price};
use domain::time::{Date, LocalTime, Weekday};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use protocol::catalog::{ImportErrors, cart, parse_csv_dir, parse_json, to_json};
use serde_json::{Value, json};

use crate::json::MINIMAL;

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), name in "[a-z_]{0,12}\\.csv") {
        let _refused: Option<ImportErrors> = parse_json(&text, "any.json").err();
        let _refused: Option<ImportErrors> = parse_csv_dir([(name, text)]).err();
    }

    #[test]
    fn a_document_with_slips_of_the_pen_is_read_or_refused(
        slips in vec((any::<Index>(), 0..30_usize, "[\\PC\n\"\\\\{}\\[\\],:0-9]{0,4}"), 1..6),
    ) {
        let mut text = MINIMAL.to_owned();
        for (at, length, new) in slips {
            let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let start = at.index(ends.len());
            let end = ends.get(start + length).copied().unwrap_or(text.len());
            text.replace_range(ends[start]..end, &new);
        }
        whatever_it_is_it_holds(&text)?;
    }

    #[test]
    fn a_document_with_wrong_values_is_read_or_refused(wrong in vec((any::<Index>(), any::<Index>()), 1..4)) {
        let mut document: Value = serde_json::from_str(MINIMAL).unwrap();
        replace(&mut document, &wrong);
        whatever_it_is_it_holds(&document.to_string())?;
    }

    #[test]
    fn tables_with_wrong_cells_are_read_or_refused(wrong in vec((any::<Index>(), any::<Index>(), any::<Index>()), 1..4)) {
        let mut files: Vec<(String, String)> = crate::csv::example().into_iter().collect();
        for (file, place, word) in wrong {
            let file = file.index(files.len());
            let text = &mut files[file].1;
            let cells: Vec<&str> = text.split_inclusive([',', '\n', ';']).collect();
            let at = place.index(cells.len());
            let words = ["", "\"", "-1", "yes", "classic", "cola;cola", "1e9", "9999999999999999999", "name.de", "\n"];
            let separator = cells[at].chars().last().unwrap();
            let cell = format!("{}{separator}", word.get(&words));
            *text = cells.iter().enumerate().map(|(i, old)| if i == at { &cell } else { *old }).collect();
        }
        if let Ok(catalog) = parse_csv_dir(files).and_then(|document| document.into_domain()) {
            everything_can_be_sold(&catalog)?;
        }
    }

    #[test]
    fn any_cart_is_priced_or_refused(wrong in vec((any::<Index>(), any::<Index>()), 1..4)) {
        let catalog = parse_json(MINIMAL, "menu.json").unwrap().into_domain().unwrap();
        let mut document: Value = serde_json::from_str(include_str!("../../../docs/examples/cart.json")).unwrap();
        replace(&mut document, &wrong);
        if let Ok(priced) = cart::price_file(&catalog, &document.to_string(), "cart.json") {
            let _json: Value = serde_json::from_str(&priced).unwrap();
        }
    }
}

fn replace(document: &mut Value, wrong: &[(Index, Index)]) {
    let values = values();
    for (place, value) in wrong {
        let mut places: Vec<String> = Vec::new();
        walk(document, &mut String::new(), &mut places);
        let place: &String = place.get(&places);
        *document.pointer_mut(place).unwrap() = value.get(&values).clone();
    }
}

/// JSON pointers of all values.
fn walk(value: &Value, place: &mut String, places: &mut Vec<String>) {
    places.push(place.clone());
    let length = place.len();
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(values) => {
            values.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (step, child) in children {
        place.push('/');
        place.push_str(&step);
        walk(child, place, places);
        place.truncate(length);
    }
}

/// Values that are wrong nearly everywhere, and a few that are right somewhere.
fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(99),
        json!(4_294_967_296_u64),
        json!(""),
        json!("0"),
        json!("0.01"),
        json!("-0.01"),
        json!("10000000"),
        json!("9223372036854775807"),
        json!("100 %"),
        json!("classic"),
        json!("classic-meal"),
        json!("cola"),
        json!("bottle"),
        json!("food"),
        json!("vat-19"),
        json!("combo"),
        json!("deposit"),
        json!("extras"),
        json!([]),
        json!(["classic"]),
        json!(["cola", "cola"]),
        json!({}),
        json!({ "en": "\u{202e}" }),
    ]
}

fn whatever_it_is_it_holds(text: &str) -> Result<(), TestCaseError> {
    let Ok(document) = parse_json(text, "menu.json") else { return Ok(()) };
    let Ok(parts) = document.to_parts() else { return Ok(()) };
    let written = to_json(&parts);
    let again = parse_json(&written, "written.json").unwrap().to_parts();
    prop_assert_eq!(again.unwrap(), parts, "what is read can be written and read again");
    if let Ok(catalog) = document.into_domain() {
        everything_can_be_sold(&catalog)?;
    }
    Ok(())
}

/// Every version of every item, with the fewest and the most choices that its groups allow.
fn everything_can_be_sold(catalog: &Catalog) -> Result<(), TestCaseError> {
    let date = Date { year: 2026, month: 3, day: 2 };
    let at = LocalTime { date, weekday: Weekday::Monday, minute: 720, second: 0 };
    for mode in [ServiceMode::DineIn, ServiceMode::TakeAway] {
        for item in catalog.items.values() {
            for variation in &item.variations {
                for most in [false, true] {
                    let mut line = CartLine {
                        id: LineId(1),
                        item: item.id.clone(),
                        variation: variation.id.clone(),
                        quantity: Quantity::ONE,
                        modifiers: Vec::new(),
                        picks: Vec::new(),
                        label: None,
                    };
                    if matches!(variation.price, Price::PerWeight(_)) {
                        line.quantity = Quantity(1);
                    }
                    fill(catalog, item, &mut line, most);
                    let cart = Cart { lines: vec![line], coupons: Vec::new() };
                    let priced = price(catalog, &cart, &PriceContext { mode, at, date });
                    match priced {
                        Ok(priced) => prop_assert_eq!(priced.check(), Ok(())),
                        // Taxes may begin on another date; everything else was checked.
                        Err(PriceError::NoTax { .. } | PriceError::NoSurchargeTax { .. }) => {}
                        Err(why) => prop_assert!(false, "{} cannot be sold: {why}", item.id),
                    }
                }
            }
        }
    }
    Ok(())
}

fn fill(catalog: &Catalog, item: &Item, line: &mut CartLine, most: bool) {
    let ItemKind::Combo(slots) = &item.kind else {
        line.modifiers = choices(catalog, item, most);
        return;
    };
    for slot in slots {
        let count = if most { slot.max } else { slot.min };
        let choice = if most { slot.choices.last() } else { slot.choices.first() }.unwrap();
        let (part, _) = catalog.variation(&choice.variation).unwrap();
        if count > 0 {
            line.picks.push(ComboPick {
                slot: slot.id.clone(),
                variation: choice.variation.clone(),
                count,
                modifiers: choices(catalog, part, most),
            });
        }
    }
}

/// The cheapest choices up to the limit: as far down as a customer can get the price.
fn choices(catalog: &Catalog, item: &Item, most: bool) -> Vec<ModifierChoice> {
    let of = |on_item: &ItemGroup| {
        let group = &catalog.groups[&on_item.group];
        let (min, max) = (on_item.min.unwrap_or(group.min), on_item.max.unwrap_or(group.max));
        let mut left = if most { max } else { min };
        let mut offered: Vec<_> =
            group.modifiers.iter().filter(|m| !on_item.hidden.contains(&m.id)).collect();
        offered.sort_by_key(|m| m.price);
        let mut chosen = Vec::new();
        for modifier in offered {
            let count = left.min(modifier.max);
            left -= count;
            if count > 0 {
                chosen.push(ModifierChoice { group: group.id.clone(), modifier: modifier.id.clone(), count });
            }
        }
        chosen
    };
    item.groups.iter().flat_map(of).collect()
}
