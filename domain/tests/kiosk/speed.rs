//! A touch must be answered within a frame, also by a shop of 5,000 items.

use std::sync::Arc;
use std::time::Duration;

use domain::catalog::Catalog;
use domain::ids::{CategoryId, ItemId};
use domain::intent::{CartIntent, Intent};

use crate::fixture;
use crate::outside::timed;
use crate::world::World;

const ITEMS: usize = 5_000;
const CATEGORIES: usize = 100;

/// One frame at 60 Hz is 16 ms; the core may take a small part of it, even unoptimised on a busy machine.
const TOUCH_MAX: Duration = Duration::from_millis(4);

fn big_catalog() -> Catalog {
    let mut parts = fixture::parts();
    for n in 0..ITEMS {
        let id = format!("item-{n}");
        let mut item = fixture::item(&id, "food", 100 + i64::try_from(n).unwrap());
        item.groups = parts.items[&ItemId::new("burger")].groups.clone();
        parts.items.insert(item.id.clone(), item);
    }
    for n in 0..CATEGORIES {
        let mut category = parts.categories[0].clone();
        category.id = CategoryId::new(&format!("category-{n}"));
        category.items = (n * 50..n * 50 + 50).map(|i| ItemId::new(&format!("item-{}", i % ITEMS))).collect();
        category.featured = None;
        parts.categories.push(category);
    }
    Catalog::new(parts).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn a_touch_takes_a_fraction_of_a_frame_with_five_thousand_items() {
    let mut w = World::off(fixture::config());
    w.catalog = Arc::new(big_catalog());
    w.start();
    w.at_menu();
    let mut touches = Vec::new();
    for n in 0..40_usize {
        let category = CategoryId::new(&format!("category-{}", n % CATEGORIES));
        let item = ItemId::new(&format!("item-{}", n * 50));
        for intent in [
            Intent::OpenCategory(category),
            Intent::QuickAdd(item),
            Intent::Cart(CartIntent::Show),
            Intent::ShowMenu,
        ] {
            let now = w.now();
            let (view, took) = timed(|| {
                let step = w.kiosk.decide(&now, &mut w.ids, domain::Input::Intent(intent));
                for change in &step.changes {
                    w.kiosk.apply(change);
                }
                w.kiosk.view(&now)
            });
            touches.push(took);
            assert!(view.cart.count > 0 || n == 0);
        }
    }
    touches.sort();
    let (median, worst) = (touches[touches.len() / 2], touches[touches.len() - 1]);
    eprintln!("decide, apply and view: median {median:?}, worst {worst:?}");
    assert!(median < TOUCH_MAX, "median {median:?}, worst {worst:?}");
}
