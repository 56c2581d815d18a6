//! What a paid order takes from the stock of its site. Pure.

use std::collections::BTreeMap;

use domain::ids::Uuid;
use protocol::sync::{Answered, DenyReason, Remedy};

use super::fold::Sale;

/// Counted goods by site and variation.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    on_hand: BTreeMap<(String, String), Shelf>,
    pub moves: Vec<Move>,
}

#[derive(Clone, Copy, Debug)]
struct Shelf {
    on_hand: i64,
    touched: bool,
}

/// What left a shelf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Move {
    pub site: String,
    pub variation: String,
    /// In 1e-5 pieces; negative: it left.
    pub delta: i64,
    pub event: Uuid,
}

impl Shelves {
    /// A row of the stock, locked by the caller.
    pub(crate) fn put(&mut self, site: String, variation: String, on_hand: i64) {
        self.on_hand.insert((site, variation), Shelf { on_hand, touched: false });
    }

    /// What changed: site, variation, on hand.
    pub(crate) fn touched(&self) -> impl Iterator<Item = (&str, &str, i64)> {
        self.on_hand
            .iter()
            .filter(|(_, shelf)| shelf.touched)
            .map(|((site, variation), shelf)| (site.as_str(), variation.as_str(), shelf.on_hand))
    }

    /// Takes what a paid order sold, all of it or nothing. What has no shelf is not counted.
    pub(crate) fn take(&mut self, sale: &Sale, event: Uuid) -> Result<(), Answered> {
        let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
        for line in sale.lines.iter().filter(|line| line.quantity > 0) {
            let sum = wanted.entry(&line.variation).or_default();
            *sum = sum.saturating_add(line.quantity);
        }
        let key = |variation: &str| (sale.site.clone(), variation.to_owned());
        for (variation, quantity) in &wanted {
            if let Some(shelf) = self.on_hand.get(&key(variation)).filter(|shelf| shelf.on_hand < *quantity) {
                return Err(Answered::Deny {
                    code: DenyReason::OutOfStock,
                    remedy: Remedy::Substitute,
                    srv: format!("{} of {variation} left, {} sold", pieces(shelf.on_hand), pieces(*quantity)),
                });
            }
        }
        for (variation, quantity) in wanted {
            if let Some(shelf) = self.on_hand.get_mut(&key(variation)) {
                *shelf = Shelf { on_hand: shelf.on_hand - quantity, touched: true };
                self.moves.push(Move {
                    site: sale.site.clone(),
                    variation: variation.to_owned(),
                    delta: -quantity,
                    event,
                });
            }
        }
        Ok(())
    }
}

/// A quantity of 1e-5 pieces for people.
fn pieces(quantity: i64) -> String {
    const PIECE: i64 = 100_000;
    if quantity % PIECE == 0 {
        return (quantity / PIECE).to_string();
    }
    format!("{}.{:05}", quantity / PIECE, (quantity % PIECE).abs()).trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::fold::SaleLine;

    fn sale(lines: &[(&str, i64)]) -> Sale {
        Sale {
            site: "s1".into(),
            kiosk: "k1".into(),
            epoch: 1,
            number: "K1-001".into(),
            placed_ms: 0,
            business_date: "2026-11-22".into(),
            mode: "dine_in",
            channel: "touch",
            currency: "EUR".into(),
            exponent: 2,
            total: 0,
            tip: 0,
            refunded: 0,
            catalog_rev: 1,
            state: "paid".into(),
            fiscal: None,
            paid_ms: None,
            denied: None,
            lines: lines
                .iter()
                .map(|(variation, quantity)| SaleLine {
                    item: "i".into(),
                    variation: (*variation).into(),
                    name: "n".into(),
                    quantity: *quantity,
                    net: 0,
                })
                .collect(),
        }
    }

    #[test]
    fn a_sale_takes_all_of_it_or_nothing() {
        let mut shelves = Shelves::default();
        shelves.put("s1".into(), "cake".into(), 300_000);
        shelves.put("s1".into(), "cola".into(), 100_000);
        let event = Uuid([1; 16]);
        shelves.take(&sale(&[("cake", 100_000), ("cake", 100_000), ("water", 900_000)]), event).unwrap();
        assert_eq!(shelves.touched().collect::<Vec<_>>(), [("s1", "cake", 100_000)]);
        let denied = shelves.take(&sale(&[("cola", 100_000), ("cake", 150_000)]), event).unwrap_err();
        let Answered::Deny { code, srv, .. } = denied else { panic!("{denied:?}") };
        assert_eq!((code, srv.as_str()), (DenyReason::OutOfStock, "1 of cake left, 1.5 sold"));
        assert_eq!(shelves.moves.len(), 1, "nothing of a denied sale left a shelf");
    }

    #[test]
    fn another_sites_shelf_is_not_touched() {
        let mut shelves = Shelves::default();
        shelves.put("s2".into(), "cake".into(), 0);
        shelves.take(&sale(&[("cake", 100_000)]), Uuid([1; 16])).unwrap();
        assert_eq!(shelves.touched().count(), 0);
    }
}
