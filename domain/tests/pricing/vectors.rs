//! The 24 published vectors, by number. Rates are inputs, not law.

use domain::cart::{Cart, LabelValue, ServiceMode};
use domain::catalog::{ItemKind, Price, RuleKind, SurchargeAmount, SurchargeTax, TipOffer};
use domain::ids::TaxClassId;
use domain::money::{Minor, Quantity, Rate, Share, apportion};
use domain::pricing::{CashRounding, Tie, refund_part, round_cash, tip};

use crate::shop::{Shop, cart, choice, combos, labelled, line, line_taxes, nets, shop, taxes};

/// 7 % and 19 % inclusive, in classes `food` and `drink`; everything 19 % when eaten here.
fn germany() -> Shop {
    shop()
        .rate("r07", 70_000, true, 0)
        .rate("r19", 190_000, true, 0)
        .class("food", &["r07"])
        .class("drink", &["r19"])
        .class_in(Some(ServiceMode::DineIn), "food", &["r19"])
        .class("none", &[])
}

fn exclusive(rate: i32) -> Shop {
    shop().rate("tax", rate, false, 0).class("goods", &["tax"])
}

fn inclusive(rate: i32) -> Shop {
    shop().rate("tax", rate, true, 0).class("goods", &["tax"])
}

/// (net, tax, total) of one piece at this price.
fn one(shop: Shop, price: i64) -> (i64, i64, i64) {
    let priced = shop.item("it", price, "goods").sell(&[("it", 1)]);
    (priced.taxes[0].base.0, priced.taxes[0].tax.0, priced.total.0)
}

fn split(total: i64, weights: &[i64]) -> Vec<i64> {
    let shares: Vec<Share<usize>> =
        weights.iter().enumerate().map(|(key, w)| Share { weight: Minor(*w), key }).collect();
    apportion(Minor(total), &shares).into_iter().map(|m| m.0).collect()
}

#[test]
fn v01_quantities_round_half_away_from_zero() {
    let times = |price: i64, quantity: i64| Minor(price).times(Quantity(quantity)).unwrap().0;
    assert_eq!(times(1499, 33_333), 500);
    assert_eq!(times(101, 50_000), 51);
    assert_eq!(times(-101, 50_000), -51);
    assert_eq!(times(101, -50_000), -51);
    assert_eq!(times(49_999, 1), 0);
    assert_eq!(times(50_000, 1), 1);
}

#[test]
fn v02_exclusive_tax_is_rounded_once() {
    assert_eq!(one(exclusive(88_750), 1000), (1000, 89, 1089));
    assert_eq!(one(exclusive(88_750), 1999), (1999, 177, 2176));
}

#[test]
fn v03_a_compound_rate_works_on_the_taxes_below() {
    let canada = |compound| {
        shop()
            .rate("gst", 50_000, false, 0)
            .rate("qst", 99_750, false, compound)
            .class("goods", &["qst", "gst"])
            .item("it", 10_000, "goods")
            .sell(&[("it", 1)])
    };
    let flat = canada(0);
    assert_eq!((taxes(&flat), flat.total.0), (vec![(10_000, 500), (10_000, 998)], 11_498));
    let compound = canada(1);
    assert_eq!((taxes(&compound), compound.total.0), (vec![(10_000, 500), (10_500, 1047)], 11_547));
}

#[test]
fn v04_inclusive_tax_is_taken_out_of_the_price() {
    assert_eq!(one(inclusive(190_000), 1190), (1000, 190, 1190));
    assert_eq!(one(inclusive(70_000), 1000), (935, 65, 1000));
}

#[test]
fn v05_at_a_tie_the_tax_is_rounded_and_the_net_follows() {
    assert_eq!(one(inclusive(120_000), 5250), (4687, 563, 5250));
    assert_eq!(one(inclusive(200_000), 801), (667, 134, 801));
    let returned = inclusive(200_000)
        .with("empty", Price::Fixed(Minor(801)), "goods", ItemKind::Deposit)
        .sell(&[("empty", -1)]);
    assert_eq!((taxes(&returned), returned.total.0), (vec![(-667, -134)], -801));
}

#[test]
fn v06_two_inclusive_rates_share_one_tax() {
    let priced = shop()
        .rate("a18", 180_000, true, 0)
        .rate("b08", 80_000, true, 0)
        .class("goods", &["a18", "b08"])
        .item("x", 3600, "goods")
        .item("y", 3400, "goods")
        .item("z", 1400, "goods")
        .sell(&[("x", 1), ("y", 1), ("z", 3)]);
    assert_eq!(taxes(&priced), [(8889, 1600), (8889, 711)]);
    assert_eq!(line_taxes(&priced, "a18"), [514, 486, 600]);
    assert_eq!(line_taxes(&priced, "b08"), [228, 216, 267]);
    assert_eq!(priced.total.0, 11_200);
}

#[test]
fn v07_tax_is_computed_per_group_and_given_to_the_lines() {
    let priced = exclusive(210_000)
        .item("a", 148, "goods")
        .item("b", 152, "goods")
        .item("c", 154, "goods")
        .item("d", 39, "goods")
        .sell(&[("a", 4), ("b", 1), ("c", 1), ("d", 1)]);
    assert_eq!((taxes(&priced), priced.total.0), (vec![(937, 197)], 1134));
    assert_eq!(line_taxes(&priced, "tax"), [125, 32, 32, 8]);
}

#[test]
fn v08_inclusive_totals_stay_what_the_prices_say() {
    let belgium = inclusive(210_000)
        .item("a", 315, "goods")
        .item("b", 360, "goods")
        .item("c", 5, "goods")
        .sell(&[("a", 2), ("b", 1), ("c", 1)]);
    assert_eq!((taxes(&belgium), belgium.total.0), (vec![(822, 173)], 995));
    let three = inclusive(50_000).item("a", 110, "goods").sell(&[("a", 3)]);
    assert_eq!((taxes(&three), three.total.0), (vec![(314, 16)], 330));
    let italy = shop()
        .rate("r22", 220_000, true, 0)
        .rate("r10", 100_000, true, 0)
        .class("std", &["r22"])
        .class("low", &["r10"])
        .item("a", 2890, "std")
        .item("b", 125, "low")
        .sell(&[("a", 1), ("b", 1)]);
    assert_eq!((taxes(&italy), italy.total.0), (vec![(114, 11), (2369, 521)], 3015));
}

#[test]
fn v09_a_line_discount_is_rounded_and_the_net_follows() {
    let discounted = |price: i64, pieces: i64, percent: i32| {
        let shop = shop().class("none", &[]).item("it", price, "none");
        let priced = shop.rule("off", RuleKind::LinePercent(Rate(percent))).sell(&[("it", pieces)]);
        assert_eq!(priced.lines[0].net, priced.total);
        (priced.discount.0, priced.total.0)
    };
    assert_eq!(discounted(230, 1, 50_000), (12, 218));
    assert_eq!(discounted(119, 5, 300_000), (179, 416));
    assert_eq!(discounted(82_900, 1, 960_190), (79_600, 3300));
}

#[test]
fn v10_an_order_discount_is_spread_over_tax_groups() {
    let priced = germany()
        .item("burger", 890, "food")
        .item("cola", 350, "drink")
        .item("fries", 399, "food")
        .rule("ten", RuleKind::OrderPercent(Rate(100_000)))
        .sell(&[("burger", 1), ("cola", 1), ("fries", 1)]);
    assert_eq!(nets(&priced), [801, 315, 359]);
    assert_eq!(priced.discount.0, 164);
    assert_eq!(taxes(&priced), [(1084, 76), (265, 50)]);
    assert_eq!(line_taxes(&priced, "r07"), [52, 24]);
    assert_eq!(priced.total.0, 1475);
}

#[test]
fn v11_an_order_amount_is_split_to_the_last_unit_and_capped() {
    let three = |off: i64| {
        let shop = shop().class("none", &[]).item("it", 333, "none");
        shop.rule("off", RuleKind::OrderAmount(Minor(off))).sell(&[("it", 1), ("it", 1), ("it", 1)])
    };
    let some = three(500);
    let cuts: Vec<i64> = some.lines.iter().map(|l| l.discounts[0].1.0).collect();
    assert_eq!((cuts, some.total.0), (vec![167, 167, 166], 499));
    let all = three(2000);
    assert_eq!((nets(&all), all.total.0, all.discount.0), (vec![0, 0, 0], 0, 999));
}

fn menu() -> Shop {
    germany().item("burger", 790, "food").item("cola", 350, "drink").item("fries", 360, "food").combo(
        "menu",
        1000,
        "food",
        &[&[("burger", 0)], &[("cola", 0)], &[("fries", 0)]],
    )
}

#[test]
fn v12_a_mixed_combo_costs_the_same_in_both_modes() {
    let cart = combos("menu", 1, &["burger", "cola", "fries"]);
    let away = menu().price(&cart).unwrap();
    assert_eq!(nets(&away), [527, 233, 240]);
    assert_eq!((taxes(&away), away.total.0), (vec![(717, 50), (196, 37)], 1000));
    let here = menu().mode(ServiceMode::DineIn).price(&cart).unwrap();
    assert_eq!((taxes(&here), here.total.0), (vec![(840, 160)], 1000));
}

#[test]
fn v13_a_combo_is_apportioned_over_the_whole_line() {
    let shop = germany()
        .item("burger", 790, "food")
        .item("cola", 350, "drink")
        .item("fries", 360, "food")
        .group("burger", "extras", 0, &[("bacon", 120, 1)])
        .combo("menu", 1000, "food", &[&[("burger", 0)], &[("cola", 0)], &[("fries", 60)]]);
    let mut cart = combos("menu", 3, &["burger", "cola", "fries"]);
    cart.lines[0].picks[0].modifiers.push(choice("extras", "bacon", 1));
    let priced = shop.price(&cart).unwrap();
    assert_eq!(nets(&priced), [1580 + 360, 700, 720 + 180]);
    assert_eq!((taxes(&priced), priced.total.0), (vec![(2654, 186), (588, 112)], 3540));
}

#[test]
fn v14_two_equal_halves_of_eleven_are_six_and_five() {
    let priced = shop()
        .currency(b"TWD", 0)
        .class("none", &[])
        .item("a", 8, "none")
        .item("b", 8, "none")
        .combo("pair", 11, "none", &[&[("a", 0)], &[("b", 0)]])
        .price(&combos("pair", 1, &["a", "b"]))
        .unwrap();
    assert_eq!((nets(&priced), priced.total.0), (vec![6, 5], 11));
}

#[test]
fn v15_a_combo_of_any_number_of_equal_parts_is_taxed_once() {
    for k in 1..=9 {
        let ids: Vec<String> = (0..k).map(|i| format!("i{i}")).collect();
        let mut shop = exclusive(200_000);
        for id in &ids {
            shop = shop.item(id, 500, "goods");
        }
        let choices: Vec<[(&str, i64); 1]> = ids.iter().map(|id| [(id.as_str(), 0)]).collect();
        let slots: Vec<&[(&str, i64)]> = choices.iter().map(|c| c.as_slice()).collect();
        let picks: Vec<&str> = ids.iter().map(String::as_str).collect();
        let priced = shop.combo("set", 100, "goods", &slots).price(&combos("set", 1, &picks)).unwrap();
        assert_eq!((priced.taxes[0].tax.0, priced.total.0), (20, 120), "{k} parts");
        if k == 7 {
            assert_eq!(nets(&priced), [15, 15, 14, 14, 14, 14, 14]);
        }
    }
    assert_eq!(split(1000, &[0, 0, 0]), [334, 333, 333]);
    assert_eq!(split(-1000, &[790, 350, 360]), [-527, -233, -240]);
}

#[test]
fn v16_a_deposit_stays_outside_discounts_and_comes_back() {
    let priced = germany()
        .item("water", 200, "food")
        .with("bottle", Price::Fixed(Minor(25)), "none", ItemKind::Deposit)
        .deposit("water", "bottle")
        .rule("off", RuleKind::LinePercent(Rate(100_000)));
    let bought = priced.sell(&[("water", 1)]);
    assert_eq!(nets(&bought), [180, 25]);
    assert_eq!((taxes(&bought), bought.total.0), (vec![(168, 12)], 205));
    assert!(bought.lines[1].deposit && bought.lines[1].discounts.is_empty());
    let returned = priced.sell(&[("water", 1), ("bottle", -6)]);
    assert_eq!((taxes(&returned), returned.total.0), (vec![(168, 12)], 55));
}

#[test]
fn v17_service_is_taxed_and_tips_are_not() {
    let priced = exclusive(80_000)
        .item("dinner", 2000, "goods")
        .surcharge(
            "service",
            SurchargeAmount::Percent(Rate(125_000)),
            SurchargeTax::Class(TaxClassId::new("goods")),
        )
        .sell(&[("dinner", 1)]);
    assert_eq!((priced.surcharges[0].amount.0, taxes(&priced)), (250, vec![(2250, 180)]));
    assert_eq!(priced.total.0, 2430);
    let fifteen = tip(TipOffer::Percent(Rate(150_000)), priced.goods()).unwrap();
    assert_eq!((fifteen.0, priced.total.0 + fifteen.0), (300, 2730));
    assert_eq!(tip(TipOffer::Percent(Rate(180_000)), Minor(1999)), Some(Minor(360)));

    let following = menu()
        .surcharge("service", SurchargeAmount::Percent(Rate(100_000)), SurchargeTax::FollowLines)
        .price(&combos("menu", 1, &["burger", "cola", "fries"]))
        .unwrap();
    let amounts: Vec<i64> = following.groups.iter().map(|g| g.amount.0).collect();
    assert_eq!(amounts, [844, 256]);
    assert_eq!((taxes(&following), following.total.0), (vec![(789, 55), (215, 41)], 1100));
}

#[test]
fn v18_cash_is_rounded_and_the_difference_is_its_own_line() {
    let rounded = |due: i64, increment: u32| {
        due + round_cash(Minor(due), CashRounding { increment, tie: Tie::AwayFromZero }).0
    };
    let dues = [1230, 1231, 1232, 1233, 1234, 1236, 1237, 1238, 1239, 2, 3, -1233, -1232];
    let expected = [1230, 1230, 1230, 1235, 1235, 1235, 1235, 1240, 1240, 0, 5, -1235, -1230];
    assert_eq!(dues.map(|due| rounded(due, 5)), expected);
    assert_eq!(round_cash(Minor(1233 - 500), CashRounding { increment: 5, tie: Tie::AwayFromZero }).0, 2);
    assert_eq!(rounded(1235, 10), 1240);
    assert_eq!(rounded(1225, 50), 1250);
    assert_eq!(rounded(1224, 50), 1200);
    assert_eq!(round_cash(Minor(1235), CashRounding { increment: 10, tie: Tie::TowardsZero }).0, -5);
}

#[test]
fn v19_the_cheapest_modifiers_that_cost_something_are_free() {
    let burger = shop().class("none", &[]).item("burger", 890, "none").group(
        "burger",
        "extras",
        2,
        &[("cheese", 100, 3), ("bacon", 150, 3), ("jalapeno", 50, 3)],
    );
    let mut two = cart(&[("burger", 2)]);
    two.lines[0].modifiers =
        vec![choice("extras", "cheese", 1), choice("extras", "bacon", 2), choice("extras", "jalapeno", 1)];
    let priced = burger.price(&two).unwrap();
    assert_eq!((priced.lines[0].unit.0, priced.total.0), (1190, 2380));

    let toast = shop().class("none", &[]).item("toast", 500, "none").group(
        "toast",
        "changes",
        1,
        &[("more", 100, 1), ("less", -50, 1)],
    );
    let mut changed = cart(&[("toast", 1)]);
    changed.lines[0].modifiers = vec![choice("changes", "more", 1), choice("changes", "less", 1)];
    assert_eq!(toast.price(&changed).unwrap().total.0, 450, "a reduction uses up nothing that is free");
}

#[test]
fn v20_labels_carry_their_price_or_weight() {
    let cheese =
        shop().class("none", &[]).with("cheese", Price::PerWeight(Minor(1990)), "none", ItemKind::Product);
    let weighed = cheese.price(&labelled("cheese", 48_600, LabelValue::Weight)).unwrap();
    assert_eq!(weighed.total.0, 967);
    let printed = cheese.price(&labelled("cheese", 100_000, LabelValue::Price(Minor(967)))).unwrap();
    assert_eq!((printed.total.0, printed.lines[0].quantity.0), (967, 48_593));
}

#[test]
fn v21_parts_of_a_refund_add_up_to_the_sale() {
    let parts = |stored: i64| -> Vec<i64> {
        (0..3)
            .map(|k| {
                let (before, after) = (Quantity::pieces(k), Quantity::pieces(k + 1));
                refund_part(Minor(stored), before, after, Quantity::pieces(3)).unwrap().0
            })
            .collect()
    };
    assert_eq!(parts(1000), [333, 334, 333]);
    assert_eq!(parts(65), [22, 21, 22]);
}

#[test]
fn v22_currencies_without_and_with_three_decimals() {
    let japan = shop()
        .currency(b"JPY", 0)
        .rate("r08", 80_000, true, 0)
        .rate("r10", 100_000, true, 0)
        .class("food", &["r08"])
        .class("other", &["r10"])
        .item("bento", 1080, "food")
        .item("cup", 550, "other")
        .sell(&[("bento", 1), ("cup", 1)]);
    assert_eq!((taxes(&japan), japan.total.0), (vec![(1000, 80), (500, 50)], 1630));
    let kuwait = shop().currency(b"KWD", 3).class("none", &[]).item("tea", 1250, "none");
    let mut half = cart(&[("tea", 1)]);
    half.lines[0].quantity = Quantity(150_000);
    assert_eq!(kuwait.price(&half).unwrap().total.0, 1875);
}

#[test]
fn v23_line_rules_come_before_order_rules() {
    let priced = shop()
        .class("none", &[])
        .item("it", 2000, "none")
        .rule("a-order", RuleKind::OrderAmount(Minor(500)))
        .rule("b-line", RuleKind::LinePercent(Rate(100_000)))
        .sell(&[("it", 1)]);
    assert_eq!(priced.total.0, 1300);
}

#[test]
fn v24_three_for_two_gives_the_cheapest_of_the_set() {
    let bundle = shop()
        .class("none", &[])
        .item("latte", 420, "none")
        .item("tea", 350, "none")
        .rule("three", RuleKind::Bundle { buy: 3, free: 1 });
    assert_eq!(bundle.sell(&[("latte", 1), ("tea", 2)]).total.0, 770);
    let apart =
        Cart { lines: vec![line(1, "tea", 1), line(2, "latte", 1), line(3, "tea", 1)], coupons: vec![] };
    let priced = bundle.price(&apart).unwrap();
    assert_eq!((nets(&priced), priced.total.0), (vec![350, 420, 0], 770));
}
