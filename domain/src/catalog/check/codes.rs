//! Bar codes and labels.

use std::collections::BTreeMap;

use super::super::codes::normal;
use super::super::limits::{MAX_BARCODES, MAX_RESTRICTED, MAX_WORD_CHARS};
use super::super::{ItemKind, Price, RestrictedKind, RestrictedNumber, check_digit, is_gtin};
use super::Check;
use crate::money::{MAX_QUANTITY, Quantity};

/// Digits of an EAN-13 without its check digit.
const BODY_DIGITS: usize = 12;

impl Check<'_> {
    pub(super) fn codes(&mut self) {
        let parts = self.parts;
        self.at_most(&["barcodes"], parts.barcodes.len(), MAX_BARCODES);
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (code, barcode) in &parts.barcodes {
            let place = ["barcodes", code];
            self.code(&place, code);
            if let Some(first) = seen.insert(normal(code), code) {
                let what = format!("it is the same number as {first}");
                self.report(&place, what, "keep one of them: a zero in front makes no difference");
            }
            let whole = barcode.pack.0 % Quantity::ONE.0 == 0;
            if !whole || !(Quantity::ONE..=MAX_QUANTITY).contains(&barcode.pack) {
                self.report(&["barcodes", code, "pack"], "not a number of pieces", "write 1, 6, 24 …");
            }
            let place = ["barcodes", code, "variation"];
            match self.variations.get(&barcode.variation) {
                None => {
                    let what = format!("there is no variation {}", barcode.variation);
                    self.report(&place, what, "correct the id, or add it to an item");
                }
                Some((item, _)) if matches!(item.kind, ItemKind::Combo(_)) => {
                    let remedy = "give the code to one of its parts";
                    self.report(&place, "a combo has to be put together and cannot be scanned", remedy);
                }
                Some(_) => {}
            }
        }
        self.restricted_numbers();
    }

    fn code(&mut self, place: &[&str; 2], code: &str) {
        let digits = code.bytes().all(|b| b.is_ascii_digit());
        if digits && matches!(code.len(), 8 | 12 | 13 | 14) && !is_gtin(code) {
            let body = &code[..code.len() - 1];
            let right = check_digit(body).map_or_else(String::new, |digit| format!("{body}{digit}"));
            let remedy =
                format!("compare it with the package: with these digits before it, it would be {right}");
            self.report(place, "the check digit is wrong", remedy);
        }
        let printable = code.bytes().all(|b| b.is_ascii_graphic());
        if code.is_empty() || code.len() > MAX_WORD_CHARS || !printable {
            self.report(place, "not a code", "write the digits under the bars, without spaces");
        }
    }

    fn restricted_numbers(&mut self) {
        let rules = &self.parts.restricted_numbers;
        self.at_most(&["restricted_numbers"], rules.len(), MAX_RESTRICTED);
        for (at, rule) in rules.iter().enumerate() {
            let at_text = at.to_string();
            self.layout(&at_text, rule);
            let clash = rules[..at].iter().find(|other| {
                other.prefix.starts_with(&*rule.prefix) || rule.prefix.starts_with(&*other.prefix)
            });
            if let Some(other) = clash.filter(|other| other.items.keys().any(|n| rule.items.contains_key(n)))
            {
                let what = format!("prefix {} is taken by the rule for {}", rule.prefix, other.prefix);
                self.report(
                    &["restricted_numbers", &at_text, "prefix"],
                    what,
                    "use one rule for each prefix",
                );
            }
            for (number, id) in &rule.items {
                let place = ["restricted_numbers", at_text.as_str(), "items", number];
                let digits = number.bytes().all(|b| b.is_ascii_digit());
                if !digits || number.len() != usize::from(rule.item_digits) {
                    let what = format!("\"{}\" has not {} digits", number.escape_debug(), rule.item_digits);
                    self.report(&place, what, "write the item number as it is in the code");
                }
                match self.variations.get(id) {
                    None => {
                        let what = format!("there is no variation {id}");
                        self.report(&place, what, "correct the id, or add it to an item");
                    }
                    Some((item, _)) if item.kind != ItemKind::Product => {
                        self.report(&place, format!("{id} is not goods"), "name an item of kind product");
                    }
                    Some((_, variation)) => {
                        let by_weight = matches!(variation.price, Price::PerWeight(_));
                        if rule.kind == RestrictedKind::Weight && !by_weight {
                            let remedy = "give it a price_per_kg";
                            self.report(
                                &place,
                                format!("{id} has a weight label but no price by weight"),
                                remedy,
                            );
                        }
                    }
                }
            }
        }
    }

    fn layout(&mut self, at: &str, rule: &RestrictedNumber) {
        let prefix = &rule.prefix;
        let digits = prefix.bytes().all(|b| b.is_ascii_digit());
        let in_store = prefix.starts_with("02") || prefix.starts_with('2');
        if !digits || !(2..=6).contains(&prefix.len()) || !in_store {
            let what = format!("\"{}\" does not begin an in-store number", prefix.escape_debug());
            self.report(
                &["restricted_numbers", at, "prefix"],
                what,
                "write 02 or 20 to 29, and what follows it",
            );
        }
        let length = prefix.len() + usize::from(rule.item_digits) + usize::from(rule.value_digits);
        if rule.item_digits == 0
            || rule.value_digits == 0
            || !(BODY_DIGITS - 1..=BODY_DIGITS).contains(&length)
        {
            let what = format!("prefix, item and value are {length} digits");
            let remedy = "make them 12 (or 11 with a check digit of the value): the 13th is the check digit";
            self.report(&["restricted_numbers", at, "value_digits"], what, remedy);
        }
        if rule.decimals > 5 || (rule.kind == RestrictedKind::Weight && rule.decimals > rule.value_digits) {
            let place = ["restricted_numbers", at, "decimals"];
            self.report(
                &place,
                format!("{} decimals", rule.decimals),
                "write the decimals of the kilograms, 0 to 5",
            );
        }
    }
}
