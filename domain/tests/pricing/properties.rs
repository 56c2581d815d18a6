//! What holds for every cart.

use domain::cart::Cart;
use domain::ids::LineId;
use domain::money::{MAX_PRICE, MAX_QUANTITY, Minor, Quantity, Rate, Share, apportion};
use domain::pricing::{Priced, refund_part};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::cases::{Plan, plan};
use crate::shop::shop;

/// What must not depend on the order of the lines.
fn totals(priced: &Priced) -> impl PartialEq + std::fmt::Debug + use<> {
    (priced.total, priced.discount, priced.groups.clone(), priced.taxes.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn i05_all_sums_hold_and_nothing_is_below_zero_but_returns(plan in plan()) {
        let (shop, cart) = plan.build();
        let priced = shop.price(&cart).unwrap();
        for line in &priced.lines {
            prop_assert!(line.net <= line.gross);
            prop_assert!(line.net >= Minor::ZERO || line.quantity < Quantity(0));
        }
    }

    #[test]
    fn i05_refunding_every_piece_gives_back_the_sale(plan in plan(), cuts in vec(0..100_000_i64, 0..4)) {
        let (shop, cart) = plan.build();
        for line in shop.price(&cart).unwrap().lines.iter().filter(|l| l.quantity > Quantity(0)) {
            let mut ends: Vec<i64> = cuts.iter().map(|cut| line.quantity.0 * cut / 100_000).collect();
            ends.sort_unstable();
            ends.push(line.quantity.0);
            for stored in line.taxes.iter().map(|(_, tax)| *tax).chain([line.net]) {
                let mut before = Quantity(0);
                let mut refunded = Minor::ZERO;
                for end in &ends {
                    refunded += refund_part(stored, before, Quantity(*end), line.quantity).unwrap();
                    before = Quantity(*end);
                }
                prop_assert_eq!(refunded, stored);
            }
        }
    }

    #[test]
    fn i13_totals_do_not_depend_on_the_order_of_lines(plan in plan(), turn in 0..8_usize) {
        let (shop, cart) = plan.build();
        let mut turned = cart.clone();
        turned.lines.rotate_left(turn % cart.lines.len());
        turned.lines.reverse();
        prop_assert_eq!(totals(&shop.price(&cart).unwrap()), totals(&shop.price(&turned).unwrap()));
    }

    #[test]
    fn i13_without_rules_not_even_the_numbers_of_lines_matter(plan in plan()) {
        let (shop, cart) = Plan { rules: vec![], ..plan }.build();
        let mut renumbered = Cart { lines: cart.lines.iter().rev().cloned().collect(), coupons: vec![] };
        for (line, id) in renumbered.lines.iter_mut().zip(1..) {
            line.id = LineId(id);
        }
        prop_assert_eq!(totals(&shop.price(&cart).unwrap()), totals(&shop.price(&renumbered).unwrap()));
    }

    #[test]
    fn i13_more_never_costs_less(plan in plan(), which in 0..8_usize, dearer in any::<bool>()) {
        let plan = Plan { rules: vec![], surcharges: vec![], ..plan };
        let (shop, cart) = plan.build();
        let which = which % plan.lines.len();
        let before = shop.price(&cart).unwrap().total;
        let mut more = plan.clone();
        let Some(item) = more.items.get_mut(more.lines[which].what) else { return Ok(()) };
        if dearer {
            if !plan.components_hold(which) {
                item.price += 7;
            }
        } else {
            let one_more = plan.lines[which].label.is_none() && plan.lines[which].quantity % 5 < 4;
            more.lines[which].quantity += i64::from(item.weighed || one_more);
        }
        let (shop, cart) = more.build();
        prop_assert!(shop.price(&cart).unwrap().total >= before);
    }

    #[test]
    fn i14_shares_are_exact_fair_and_symmetric(total in any::<i64>(), weights in vec(0..=i64::MAX / 64, 1..30)) {
        check_shares(total, &weights)?;
    }

    #[test]
    fn i14_shares_of_small_amounts_too(total in -50..50_i64, weights in vec(0..20_i64, 1..9), turn in 0..9_usize) {
        check_shares(total, &weights)?;
        let keyed = |mut shares: Vec<Share<usize>>| {
            shares.rotate_left(turn % weights.len());
            let parts = apportion(Minor(total), &shares);
            let mut by_key: Vec<(usize, Minor)> = shares.iter().map(|s| s.key).zip(parts).collect();
            by_key.sort();
            by_key
        };
        let shares = shares(&weights);
        let unturned: Vec<(usize, Minor)> = (0..).zip(apportion(Minor(total), &shares)).collect();
        prop_assert_eq!(keyed(shares), unturned, "only the keys decide, not the order");
    }
}

fn shares(weights: &[i64]) -> Vec<Share<usize>> {
    weights.iter().enumerate().map(|(key, w)| Share { weight: Minor(*w), key }).collect()
}

fn check_shares(total: i64, weights: &[i64]) -> Result<(), TestCaseError> {
    let parts = apportion(Minor(total), &shares(weights));
    let wide = |amount: i64| i128::from(amount);
    prop_assert_eq!(parts.iter().map(|p| wide(p.0)).sum::<i128>(), wide(total));
    let all: i128 = weights.iter().map(|w| wide(*w)).sum();
    for (part, weight) in parts.iter().zip(weights) {
        let (weight, all) = if all == 0 { (1, weights.len() as i128) } else { (wide(*weight), all) };
        // |part − total · weight / all| < 1, without fractions.
        let off = wide(part.0).checked_mul(all).zip(wide(total).checked_mul(weight));
        prop_assert!(off.is_none_or(|(is, exact)| (is - exact).abs() < all));
        prop_assert!(weight > 0 || part.0 == 0, "a zero weight gets nothing");
        prop_assert!(wide(total).abs() > all || wide(part.0).abs() <= weight, "no share above its weight");
    }
    if let Some(other) = total.checked_neg() {
        let mirrored: Vec<i64> = apportion(Minor(other), &shares(weights)).iter().map(|p| -p.0).collect();
        prop_assert_eq!(mirrored, parts.iter().map(|p| p.0).collect::<Vec<i64>>());
    }
    Ok(())
}

impl Plan {
    /// Whether the item of a line is also in the combo of some line: its price then moves the combo's shares.
    fn components_hold(&self, line: usize) -> bool {
        self.combo.0.iter().any(|(at, _)| *at == self.lines[line].what)
    }
}

#[test]
fn a_cart_at_every_limit_is_priced_or_refused_without_a_panic() {
    let shop = shop()
        .rate("vat", 1_000_000, false, 0)
        .rate("more", 1_000_000, false, 1)
        .class("goods", &["vat", "more"])
        .item("gold", MAX_PRICE.0, "goods")
        .group("gold", "more", 0, &[("bar", MAX_PRICE.0, 99)])
        .rule("half", domain::catalog::RuleKind::LinePercent(Rate(500_000)));
    let mut line = crate::shop::line(1, "gold", 1);
    line.quantity = MAX_QUANTITY;
    line.modifiers = vec![crate::shop::choice("more", "bar", 99)];
    let lines = |count: u32| Cart {
        lines: (1..=count).map(|id| domain::cart::CartLine { id: LineId(id), ..line.clone() }).collect(),
        coupons: vec![],
    };
    // Each line costs 5 · 10^14 after the discount and four times that with taxes.
    assert_eq!(shop.price(&lines(1)).unwrap().total, Minor(MAX_PRICE.0 * 100 * 10_000 / 2 * 4));
    assert_eq!(shop.price(&lines(4_600)).unwrap().total.0, MAX_PRICE.0 * 100 * 10_000 * 2 * 4_600);
    assert_eq!(shop.price(&lines(4_700)), Err(domain::pricing::PriceError::Overflow));
    assert_eq!(shop.price(&lines(10_001)), Err(domain::pricing::PriceError::TooManyLines));
}
