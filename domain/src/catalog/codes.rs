//! Bar codes, and what they stand for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Catalog;
use crate::cart::LabelValue;
use crate::ids::VariationId;
use crate::money::{Minor, Quantity};

/// What a bar code stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Barcode {
    /// The variation.
    pub variation: VariationId,
    /// Pieces in the pack.
    pub pack: Quantity,
}

/// A rule for in-store numbers that carry a value (GTIN prefixes 02, 20–29): 13 digits, made of the prefix,
/// the item number, the value and the check digit. Where these are 12, the digit before the value is a check
/// of the value alone; the check digit of the whole number covers it and it is passed over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RestrictedNumber {
    /// Leading digits that this rule is for.
    pub prefix: Arc<str>,
    /// Digits of the item number after the prefix.
    pub item_digits: u8,
    /// Digits of the value.
    pub value_digits: u8,
    /// What the value is.
    pub kind: RestrictedKind,
    /// Decimal places of a weight in kilograms; unused for a price.
    pub decimals: u8,
    /// Item number to variation.
    pub items: BTreeMap<Arc<str>, VariationId>,
}

/// What the embedded value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RestrictedKind {
    /// A price in minor units.
    Price,
    /// A weight.
    Weight,
}

/// What a scanned code stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CodeMatch {
    /// So many pieces of this.
    Goods {
        /// The variation.
        variation: VariationId,
        /// Pieces in the pack.
        pack: Quantity,
    },
    /// A label with a price or weight in it.
    Label {
        /// The variation.
        variation: VariationId,
        /// The weight; one piece for a price.
        quantity: Quantity,
        /// What the label says.
        value: LabelValue,
    },
}

impl Catalog {
    /// What a scanned code stands for; `None`: ask staff. A UPC-A and the EAN-13 with a zero before it are the
    /// same code.
    pub fn find_code(&self, code: &str) -> Option<CodeMatch> {
        if let Some(known) = self.index.codes.get(&normal(code)) {
            let Barcode { variation, pack } = self.barcodes.get(known)?.clone();
            return Some(CodeMatch::Goods { variation, pack });
        }
        let digits = normal(code);
        let digits = digits.strip_prefix('0').filter(|_| is_gtin(code))?;
        self.restricted_numbers.iter().find_map(|rule| rule.read(digits))
    }
}

impl RestrictedNumber {
    /// Reads the 13 digits of a number with a valid check digit.
    fn read(&self, digits: &str) -> Option<CodeMatch> {
        let rest = digits.strip_prefix(&*self.prefix)?;
        let number = rest.get(..usize::from(self.item_digits))?;
        let value_end = rest.len().checked_sub(1)?;
        let value = rest.get(value_end.checked_sub(usize::from(self.value_digits))?..value_end)?;
        let variation = self.items.get(number)?.clone();
        let value: i64 = value.parse().ok()?;
        Some(match self.kind {
            RestrictedKind::Price => CodeMatch::Label {
                variation,
                quantity: Quantity::ONE,
                value: LabelValue::Price(Minor(value)),
            },
            RestrictedKind::Weight => {
                let unit = 10_i64.checked_pow(5_u32.checked_sub(u32::from(self.decimals))?)?;
                let quantity = Quantity(value.checked_mul(unit)?);
                CodeMatch::Label { variation, quantity, value: LabelValue::Weight }
            }
        })
    }
}

/// Codes that mean the same get the same text: numbers of trade items as 14 digits, everything else as it is.
pub(super) fn normal(code: &str) -> String {
    if is_gtin(code) { format!("{code:0>14}") } else { code.to_owned() }
}

/// Whether this is a GTIN-8, -12, -13 or -14 with the right check digit.
pub fn is_gtin(code: &str) -> bool {
    let Some((digits, last)) = code.split_at_checked(code.len().wrapping_sub(1)) else { return false };
    matches!(code.len(), 8 | 12 | 13 | 14)
        && check_digit(digits).is_some_and(|digit| last == digit.to_string())
}

/// The check digit of GS1 numbers (mod 10, weights 3 and 1 from the right) after these digits; `None` if there
/// is anything else than digits.
pub fn check_digit(digits: &str) -> Option<u8> {
    let mut sum: u32 = 0;
    for (at, byte) in digits.bytes().rev().enumerate() {
        if !byte.is_ascii_digit() {
            return None;
        }
        sum += u32::from(byte - b'0') * if at % 2 == 0 { 3 } else { 1 };
    }
    u8::try_from((10 - sum % 10) % 10).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_those_of_gs1() {
        for (digits, digit) in [
            ("400638133393", 1),
            ("9638507", 4),
            ("0400638133393", 1),
            ("036141414141", 4),
            ("00361414141414141", 0),
        ] {
            assert_eq!(check_digit(digits), Some(digit), "{digits}");
        }
        assert!(is_gtin("4006381333931") && is_gtin("96385074"));
        assert!(!is_gtin("4006381333932") && !is_gtin("400638133393") && !is_gtin("") && !is_gtin("4a"));
        assert!(!is_gtin("400638133393é"));
    }

    #[test]
    fn a_label_is_read_by_its_layout() {
        let rule = |kind, item_digits, value_digits| RestrictedNumber {
            prefix: "28".into(),
            item_digits,
            value_digits,
            kind,
            decimals: 3,
            items: BTreeMap::from([("12345".into(), VariationId::new("gouda"))]),
        };
        let label =
            |quantity, value| CodeMatch::Label { variation: VariationId::new("gouda"), quantity, value };
        let price = rule(RestrictedKind::Price, 5, 5).read("2812345009673");
        assert_eq!(price, Some(label(Quantity::ONE, LabelValue::Price(Minor(967)))));
        let weight = rule(RestrictedKind::Weight, 5, 5).read("2812345004861");
        assert_eq!(weight, Some(label(Quantity(48_600), LabelValue::Weight)));
        let with_inner_check = rule(RestrictedKind::Price, 5, 4).read("2812345709673");
        assert_eq!(with_inner_check, Some(label(Quantity::ONE, LabelValue::Price(Minor(967)))));
        assert_eq!(rule(RestrictedKind::Price, 5, 5).read("2812346009673"), None, "another item number");
        assert_eq!(rule(RestrictedKind::Price, 5, 5).read("28"), None);
    }
}
