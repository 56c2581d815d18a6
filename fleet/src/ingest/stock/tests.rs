use std::sync::Arc;

use domain::ids::VariationId;
use domain::money::Quantity;
use domain::quota::{Allowance, Beyond};
use domain::time::WallMs;

use super::*;
use crate::ingest::fold::SaleLine;

const EVENT: Uuid = Uuid([1; 16]);

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

fn whose(kiosk: &str, epoch: u64) -> Whose<'_> {
    Whose { kiosk, site: "s1", epoch }
}

/// Ten cakes; six are set aside for k1, which sold two of eight, and two for k2. Two are free.
fn cakes() -> Shelves {
    let mut shelves = Shelves::default();
    shelves.put("s1".into(), "cake".into(), (10 * PIECE, 8 * PIECE));
    for (kiosk, sold, ceiling) in [("k1", 2, 8), ("k2", 0, 2)] {
        let part = Part {
            epoch: 5,
            sold: sold * PIECE,
            ceiling: ceiling * PIECE,
            offered: ceiling * PIECE,
            size: 4 * PIECE,
        };
        shelves.put_part(kiosk.into(), "s1".into(), "cake".into(), part);
        shelves.put_quota(kiosk.into(), (5, 7, 6));
    }
    shelves
}

impl Shelves {
    /// On hand, set aside, to be looked at; in pieces.
    fn cake(&self) -> (i64, i64, bool) {
        let shelf = self.shelves[&("s1".to_owned(), "cake".to_owned())];
        let outstanding = self.parts.values().map(|it| it.part.outstanding()).sum::<i64>();
        assert_eq!(shelf.held, outstanding, "what is held is what is outstanding");
        (shelf.on_hand / PIECE, shelf.held / PIECE, shelf.regrant)
    }

    fn part(&self, kiosk: &str) -> Part {
        self.parts[&(kiosk.to_owned(), "cake".to_owned())].part
    }

    fn sell(&mut self, kiosk: &str, epoch: u64, cakes: i64) -> bool {
        self.take(whose(kiosk, epoch), &sale(&[("cake", cakes * PIECE)]), EVENT).is_ok()
    }
}

fn quota(rev: u64, goods: &[(&str, i64)]) -> Quota {
    let goods = goods.iter().map(|(variation, upto)| {
        let allowance = Allowance { upto: Quantity(upto * PIECE), beyond: Beyond::Block };
        (VariationId(Arc::from(*variation)), allowance)
    });
    Quota { rev, until: WallMs(0), goods: goods.collect() }
}

#[test]
fn a_sale_takes_all_of_it_or_nothing() {
    let mut shelves = Shelves::default();
    shelves.put("s1".into(), "cake".into(), (300_000, 0));
    shelves.put("s1".into(), "cola".into(), (100_000, 0));
    let k1 = whose("k1", 5);
    shelves.take(k1, &sale(&[("cake", 100_000), ("cake", 100_000), ("water", 900_000)]), EVENT).unwrap();
    let touched: Vec<_> = shelves.touched().map(|(s, v, shelf)| (s, v, shelf.on_hand)).collect();
    assert_eq!(touched, [("s1", "cake", 100_000)]);
    let denied = shelves.take(k1, &sale(&[("cola", 100_000), ("cake", 150_000)]), EVENT).unwrap_err();
    let Answered::Deny { code, srv, .. } = denied else { panic!("{denied:?}") };
    assert_eq!((code, srv.as_str()), (DenyReason::OutOfStock, "1 of cake left, 1.5 sold"));
    assert_eq!(shelves.moves.len(), 1, "nothing of a denied sale left a shelf");
}

#[test]
fn another_sites_shelf_is_not_touched() {
    let mut shelves = Shelves::default();
    shelves.put("s2".into(), "cake".into(), (0, 0));
    shelves.take(whose("k1", 5), &sale(&[("cake", 100_000)]), EVENT).unwrap();
    assert_eq!(shelves.touched().count(), 0);
}

#[test]
fn a_kiosk_sells_its_part_and_what_is_free_and_nothing_of_others() {
    let mut shelves = cakes();
    assert!(!shelves.sell("k2", 5, 5), "two of its own and two free ones");
    assert_eq!(shelves.cake(), (10, 6, true), "it counted them as sold: its part is used up");
    let mut shelves = cakes();
    assert!(shelves.sell("k2", 5, 4));
    assert_eq!(shelves.cake(), (6, 6, true));
    assert!(!shelves.sell("k3", 5, 1), "the rest is k1's");
    assert!(shelves.sell("k1", 5, 6), "which finds all of its part, however late it comes");
    assert_eq!(shelves.cake(), (0, 0, true));
}

#[test]
fn a_part_that_is_large_enough_needs_no_look() {
    let mut shelves = cakes();
    assert!(shelves.sell("k1", 5, 4));
    assert_eq!(shelves.cake(), (6, 4, false), "half of its part is left");
    assert!(shelves.sell("k1", 5, 1));
    assert_eq!(shelves.cake(), (5, 3, true));
}

#[test]
fn when_fewer_are_there_than_were_handed_out_the_first_gets_them() {
    let mut shelves = cakes();
    shelves.shelves.get_mut(&("s1".to_owned(), "cake".to_owned())).unwrap().on_hand = 3 * PIECE;
    assert!(shelves.sell("k2", 5, 2));
    assert!(!shelves.sell("k1", 5, 2), "somebody counted again: one is left");
    assert!(shelves.sell("k1", 5, 1));
    assert_eq!(shelves.cake(), (0, 3, true));
}

#[test]
fn whoever_sells_in_another_epoch_gives_back_what_was_set_aside_for_the_one_before() {
    for epoch in [6, 4] {
        let mut shelves = cakes();
        assert!(shelves.sell("k1", epoch, 8), "its own six and two free ones are free now");
        assert_eq!(shelves.cake(), (2, 2, true), "to be looked at: it gets its next part with what it sold");
        let part = shelves.part("k1");
        assert_eq!((part.epoch, part.sold, part.outstanding()), (5, 2 * PIECE, 0));
        // What comes late of the epoch before has no part any more.
        assert!(!shelves.sell("k1", 5, 1));
        assert_eq!(shelves.cake(), (2, 2, true));
    }
}

#[test]
fn a_lower_ceiling_counts_when_the_kiosk_says_that_it_is_in_force() {
    let mut shelves = cakes();
    shelves.in_force(whose("k1", 5), &quota(6, &[("cake", 3)]));
    assert_eq!(shelves.cake(), (10, 8, false), "the one of rev 7 may have reached it since");
    shelves.in_force(whose("k1", 4), &quota(7, &[("cake", 3)]));
    assert_eq!(shelves.cake(), (10, 8, false), "said in another epoch");
    shelves.in_force(whose("k1", 5), &quota(7, &[("cake", 3)]));
    assert_eq!(shelves.cake(), (10, 3, true), "one more than it sold");
    assert_eq!(
        shelves.touched_quotas().map(|(k, q)| (k, q.rev, q.in_force)).collect::<Vec<_>>(),
        [("k1", 7, 7)]
    );
    shelves.in_force(whose("k2", 5), &quota(7, &[("wine", 3)]));
    assert_eq!(shelves.cake(), (10, 1, true), "what it does not name the kiosk does not count");
}

#[test]
fn what_a_kiosk_placed_beyond_its_part_is_set_aside_as_far_as_it_is_free() {
    let mut shelves = cakes();
    shelves.in_force(whose("k2", 5), &quota(7, &[("cake", 9)]));
    assert_eq!(shelves.cake(), (10, 10, false), "nothing of k1's part");
    assert_eq!(shelves.part("k2").ceiling, 4 * PIECE);
    // A fleet whose tables were restored learns the revision.
    shelves.in_force(whose("k2", 5), &quota(9, &[("cake", 1)]));
    assert_eq!(shelves.quotas["k2"].rev, 9);
}

#[test]
fn when_a_quotas_time_is_over_only_what_waits_for_its_payment_stays_set_aside() {
    let mut shelves = cakes();
    shelves.in_force(whose("k1", 5), &quota(6, &[("cake", 2)]));
    assert_eq!(shelves.cake(), (10, 8, false), "a later one may have reached it since");
    shelves.in_force(whose("k1", 5), &quota(7, &[("cake", 3)]));
    assert_eq!(shelves.cake(), (10, 3, true));
    let part = shelves.part("k1");
    assert_eq!((part.ceiling, part.offered), (3 * PIECE, 3 * PIECE));
    assert!(shelves.sell("k2", 5, 9), "two of its own and seven free ones");
    assert!(shelves.sell("k1", 5, 1), "the order that was open");
    assert_eq!(shelves.cake(), (0, 0, true));
}

#[test]
fn a_sale_that_is_denied_for_another_reason_is_counted_and_stays_on_the_shelf() {
    let mut shelves = cakes();
    shelves.count(whose("k1", 5), &sale(&[("cake", PIECE)]));
    assert_eq!(shelves.cake(), (10, 7, false));
    assert_eq!(shelves.part("k1").sold, 3 * PIECE);
}
