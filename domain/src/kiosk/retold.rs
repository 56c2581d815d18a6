//! An order in the shop's own language, for the staff: what was copied from the catalog was copied in the language of
//! the customer.

use std::sync::Arc;

use super::choices;
use super::menu::Menu;
use super::snapshot::item_name;
use crate::catalog::Item;
use crate::order::{Order, OrderLine};
use crate::receipt::words;
use crate::text::Lang;

/// The order with the names that the catalog has for it in its first language. What the catalog does not know any more
/// keeps the name that it was sold under.
pub(super) fn in_the_shops_language(menu: &Menu, order: &Order) -> Order {
    let mut order = order.clone();
    let Some(lang) = menu.catalog.languages.first().filter(|lang| **lang != order.lang) else {
        return order;
    };
    let customer = order.lang.clone();
    order.lines.iter_mut().for_each(|line| retell(menu, line, &customer, lang));
    for surcharge in &mut order.surcharges {
        if let Some(known) = menu.catalog.surcharges.iter().find(|known| known.id == surcharge.id) {
            surcharge.name = menu.words(&known.name, lang);
        }
    }
    for tax in &mut order.taxes {
        if let Some(known) = menu.catalog.tax_rates.get(&tax.rate_id) {
            tax.name = menu.words(&known.name, lang);
        }
    }
    order.lang = lang.clone();
    order
}

fn retell(menu: &Menu, line: &mut OrderLine, customer: &Lang, lang: &Lang) {
    if let Some((item, variation)) = menu.catalog.variation(&line.variation) {
        line.name = item_name(menu, item, variation, lang);
        for modifier in &mut line.modifiers {
            if let Some(name) = modifier_name(menu, item, &modifier.name, customer, lang) {
                modifier.name = name;
            }
        }
    }
    for (id, name, _) in &mut line.discounts {
        if let Some(rule) = menu.catalog.rules.iter().find(|rule| rule.id == *id) {
            *name = menu.words(&rule.name, lang);
        }
    }
}

/// An order keeps only the words of its changes: the one that says the same to the customer is meant.
fn modifier_name(menu: &Menu, item: &Item, told: &str, customer: &Lang, lang: &Lang) -> Option<Arc<str>> {
    choices::asked(&menu.catalog, item).find_map(|asked| {
        asked.options().find_map(|modifier| {
            let (theirs, ours) = (menu.words(&modifier.name, customer), menu.words(&modifier.name, lang));
            if *theirs == *told {
                Some(ours)
            } else if *words::without(customer, &theirs) == *told {
                Some(words::without(lang, &ours))
            } else {
                None
            }
        })
    })
}
