//! A cart in, its price out.

use domain::catalog::Catalog;
use protocol::catalog::cart::price_file;
use protocol::catalog::parse_json;

use crate::json::MINIMAL;

const CART: &str = include_str!("../../../docs/examples/cart.json");

fn catalog() -> Catalog {
    parse_json(MINIMAL, "catalog-minimal.json").unwrap().into_domain().unwrap()
}

#[track_caller]
fn refused(old: &str, new: &str, message: &str) {
    assert!(CART.contains(old));
    let told = price_file(&catalog(), &CART.replacen(old, new, 1), "cart.json").unwrap_err().to_string();
    assert!(told.starts_with(message), "{told}");
}

#[test]
fn the_example_of_the_documentation_is_priced_as_it_says() {
    let priced = price_file(&catalog(), CART, "cart.json").unwrap();
    assert_eq!(priced, include_str!("../../../docs/examples/cart-priced.json"));
}

#[test]
fn a_cart_that_cannot_be_priced_is_told_with_its_line() {
    refused("\"take-away\"", "\"takeaway\"", "cart.json:2:11: mode: \"takeaway\" is none of the words");
    refused("\"2026-03-02\"", "\"2026-02-30\"", "cart.json:3:11: date: \"2026-02-30\" is not a date");
    refused(
        "\"item\": \"classic\"",
        "\"item\": \"clasic\"",
        "cart.json:6:5: lines[0]: the catalog has no item clasic",
    );
    refused(
        "\"count\": 2",
        "\"count\": 3",
        "cart.json:6:5: lines[0]: line 1: modifier bacon of group extras can be taken 1 to 2 times",
    );
    refused(
        "\"slot\": \"side\"",
        "\"slot\": \"dessert\"",
        "cart.json:14:5: lines[1]: line 2: the catalog has no slot dessert",
    );
    refused(
        "\"quantity\": 2",
        "\"quantity\": -2",
        "cart.json:6:5: lines[0]: line 1: this quantity cannot be sold",
    );
    refused(
        "\"quantity\": 2",
        "\"weight\": \"0.5\"",
        "cart.json:6:5: lines[0]: classic has no price by weight",
    );
    refused(
        "\"quantity\": 2",
        "\"quantty\": 2",
        "cart.json:8:7: lines[0].quantty: there is no field \"quantty\" here; write \"quantity\"?",
    );
    refused(
        "\"time\"",
        "\"coupons\": [\"SPRING\"], \"time\"",
        "cart.json:4:15: coupons[0]: the catalog has no coupon \"SPRING\"",
    );
}

#[test]
fn labels_carry_their_weight_or_price() {
    let text =
        MINIMAL.replace("\"price\": \"2.90\",\n      \"deposit\": \"bottle\"", "\"price_per_kg\": \"19.90\"");
    let text = text.replace("\"choices\": [\"cola\"]", "\"choices\": [\"fries-small\"]");
    let catalog = parse_json(&text, "menu.json").unwrap().into_domain().unwrap();
    let total = |line: &str| {
        let cart = format!("{{ \"mode\": \"dine-in\", \"date\": \"2026-03-02\", \"lines\": [{line}] }}");
        price_file(&catalog, &cart, "cart.json").map_err(|e| e.to_string())
    };
    assert!(total("{ \"item\": \"cola\", \"weight\": \"0.486\" }").unwrap().contains("\"total\": \"9.67\""));
    let printed = total("{ \"item\": \"cola\", \"label_price\": \"9.67\" }").unwrap();
    assert!(
        printed.contains("\"total\": \"9.67\"") && printed.contains("\"quantity\": \"0.48593\""),
        "{printed}"
    );
    assert!(total("{ \"item\": \"cola\" }").unwrap_err().contains("the weight is missing"));
}
