//! What a shop is told.

use protocol::catalog::parse_json;

use crate::json::MINIMAL;

/// Every message about the example with one piece of it replaced.
fn told(old: &str, new: &str) -> Vec<String> {
    assert_eq!(MINIMAL.matches(old).count(), 1, "{old} is in the example once");
    let text = MINIMAL.replace(old, new);
    match parse_json(&text, "menu.json").and_then(|document| document.into_domain()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

fn one(old: &str, new: &str) -> String {
    let told = told(old, new);
    assert_eq!(told.len(), 1, "{told:#?}");
    told.into_iter().next().unwrap()
}

#[test]
fn a_wrong_price_is_named_with_its_place_and_what_to_write() {
    assert_eq!(
        one("\"9.90\"", "\"9,90\""),
        "menu.json:71:16: items.classic.price: \"9,90\" is not a decimal number; \
         write an amount in EUR such as \"9.90\""
    );
    assert_eq!(
        one("\"price\": \"9.90\"", "\"price\": 9.90"),
        "menu.json:71:16: items.classic.price: 9.90 is a bare number; write the amount in quotes: \"9.90\""
    );
}
