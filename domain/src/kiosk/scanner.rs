//! Scanned codes: goods into the cart, labels with a price or weight in them, coupons. No code is ever more
//! than a look-up.

use std::sync::Arc;

use super::Refusal;
use super::choices;
use super::menu::Menu;
use super::turn::Turn;
use super::visit::ordered;
use crate::cart::{CartLine, LabelValue};
use crate::catalog::{Catalog, Item, Price, RestrictedKind, RestrictedNumber, Variation};
use crate::ids::{LineId, VariationId};
use crate::input::ScannerInput;
use crate::money::{MAX_PRICE, MAX_QUANTITY, Minor, Quantity, mul};
use crate::session::{ItemDraft, Stage};
use crate::view::Notice;

/// Length of the numbers that carry a value: EAN-13.
const RESTRICTED_LEN: usize = 13;

/// A quantity counts in 1e-5 units.
const QUANTITY_DECIMALS: u32 = 5;

impl Turn<'_> {
    pub(super) fn scanner(&mut self, input: ScannerInput) {
        match input {
            ScannerInput::Present(present) => self.session.devices.scanner = present,
            ScannerInput::Goods(code) => self.scanned(&code, true),
            ScannerInput::Text(code) => self.scanned(&code, false),
        }
    }

    fn scanned(&mut self, code: &str, goods: bool) {
        let Some(menu) = self.menu().filter(|_| self.can_serve()) else {
            return self.refuse(Refusal::NotNow);
        };
        if self.visit().and_then(ordered).is_some() {
            // In the middle of paying: the order is placed and does not change any more.
            return self.refuse(Refusal::NotNow);
        }
        if self.visit().is_none() {
            self.begin_visit();
        }
        self.touch();
        let found = if goods { find(&menu.catalog, code) } else { None };
        match found {
            Some(found) => self.scanned_goods(&menu, &found),
            None => self.scanned_coupon(&menu, code),
        }
    }

    fn scanned_goods(&mut self, menu: &Menu, found: &Found) {
        let Some((item, variation)) = menu.catalog.variation(&found.variation) else {
            return self.notice(Notice::UnknownCode);
        };
        let offer = self.offer(menu);
        if !offer.is_allowed(item) {
            return self.notice(Notice::UnknownCode);
        }
        if offer.unavailable(item).is_some() {
            let name = self.item_name(&item.id);
            return self.notice(Notice::SoldOut(name));
        }
        let chosen = choices::defaults(&menu.catalog, item);
        if choices::missing(&menu.catalog, item, &chosen).is_some() {
            return self.ask_choices(menu, item, variation);
        }
        let Some((quantity, label)) = found.amount(variation) else {
            return self.notice(Notice::UnknownCode);
        };
        self.add_line(CartLine {
            id: LineId(0),
            item: item.id.clone(),
            variation: variation.id.clone(),
            quantity,
            modifiers: choices::to_line(&menu.catalog, item, &chosen),
            picks: Vec::new(),
            label,
        });
    }

    /// The goods need a choice first: their page opens.
    fn ask_choices(&mut self, menu: &Menu, item: &Item, variation: &Variation) {
        if self.visit().is_some_and(|visit| visit.mode.is_none()) {
            return self.notice(Notice::UnknownCode);
        }
        if let Some(mut draft) = ItemDraft::new(&menu.catalog, item) {
            draft.variation = variation.id.clone();
            self.go(Stage::Item(draft));
        }
    }

    fn scanned_coupon(&mut self, menu: &Menu, code: &str) {
        let rule = menu.catalog.rules.iter().find(|rule| rule.coupon.as_deref() == Some(code));
        let Some(rule) = rule else { return self.notice(Notice::UnknownCode) };
        let (id, name) = (rule.id.clone(), rule.name.clone());
        let Some(visit) = self.visit_mut() else { return };
        let name = menu.words(&name, &visit.lang);
        if !visit.cart.coupons.contains(&id) {
            visit.cart.coupons.push(id);
        }
        self.cart_changed();
        self.notice(Notice::CodeAccepted(name));
    }
}

/// What a code of goods stands for.
struct Found {
    variation: VariationId,
    value: Value,
}

enum Value {
    Pack(Quantity),
    Price(Minor),
    Weight(Quantity),
}

impl Found {
    /// Quantity and label of the line; `None` if the code and the goods do not go together.
    fn amount(&self, variation: &Variation) -> Option<(Quantity, Option<LabelValue>)> {
        match (&self.value, variation.price) {
            (Value::Pack(pack), Price::Fixed(_)) => Some((*pack, None)),
            // Weighed goods without a weight cannot be priced.
            (Value::Pack(_), Price::PerWeight(_)) | (Value::Weight(_), Price::Fixed(_)) => None,
            (Value::Price(price), Price::Fixed(_)) => Some((Quantity::ONE, Some(LabelValue::Price(*price)))),
            (Value::Price(price), Price::PerWeight(per_unit)) => {
                let quantity = mul(price.0, Quantity::ONE.0, per_unit.0.max(1))?;
                Some((Quantity(quantity.max(1)), Some(LabelValue::Price(*price))))
            }
            (Value::Weight(weight), Price::PerWeight(_)) => Some((*weight, Some(LabelValue::Weight))),
        }
    }
}

/// Looks a code of goods up. Digits only.
fn find(catalog: &Catalog, code: &str) -> Option<Found> {
    if let Some(barcode) = spellings(code).iter().find_map(|code| catalog.barcodes.get(&**code)) {
        return Some(Found { variation: barcode.variation.clone(), value: Value::Pack(barcode.pack) });
    }
    if code.len() != RESTRICTED_LEN || !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    catalog.restricted_numbers.iter().find_map(|rule| restricted(rule, code))
}

/// The same number may be written with 8, 12, 13 or 14 digits; leading zeros do not count.
fn spellings(code: &str) -> Vec<Arc<str>> {
    let bare = code.trim_start_matches('0');
    let mut all: Vec<Arc<str>> = vec![code.into()];
    all.extend([8, 12, 13, 14].iter().filter(|n| **n >= bare.len()).map(|n| format!("{bare:0>n$}").into()));
    all
}

/// A number with a price or weight in it: prefix, item, value, check digit.
fn restricted(rule: &RestrictedNumber, code: &str) -> Option<Found> {
    let (item_digits, value_digits) = (usize::from(rule.item_digits), usize::from(rule.value_digits));
    let rest = code.strip_prefix(&*rule.prefix)?;
    if rest.len() != item_digits + value_digits + 1 {
        return None;
    }
    let variation = rule.items.get(rest.get(..item_digits)?)?.clone();
    let value: i64 = rest.get(item_digits..item_digits + value_digits)?.parse().ok()?;
    let value = match rule.kind {
        RestrictedKind::Price if (1..=MAX_PRICE.0).contains(&value) => Value::Price(Minor(value)),
        RestrictedKind::Price => return None,
        RestrictedKind::Weight => {
            let exponent = QUANTITY_DECIMALS.checked_sub(u32::from(rule.decimals))?;
            let weight = value.checked_mul(10_i64.pow(exponent))?;
            (1..=MAX_QUANTITY.0).contains(&weight).then_some(Value::Weight(Quantity(weight)))?
        }
    };
    Some(Found { variation, value })
}
