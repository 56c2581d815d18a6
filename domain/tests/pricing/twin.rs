//! The same carts priced by a second program: Python with exact fractions, written from the description. Needs the
//! package `python3` and nothing beside its standard library.

use std::io::Write;
use std::process::{Command, Stdio};

use domain::cart::{Cart, LabelValue, ModifierChoice, ServiceMode};
use domain::catalog::{Item, ItemKind, Price, RuleKind, RuleTarget, SurchargeAmount, SurchargeTax};
use domain::pricing::Priced;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::cases::plan;
use crate::shop::Shop;

/// Carts compared; a few hundred a second in Python.
const CASES: usize = 600;

#[test]
fn an_outside_twin_with_exact_fractions_prices_the_same() {
    let mut runner = TestRunner::deterministic();
    let cases: Vec<Value> = (0..CASES)
        .map(|_| {
            let (shop, cart) = plan().new_tree(&mut runner).unwrap().current().build();
            case(&shop, &cart, &shop.price(&cart).unwrap())
        })
        .collect();
    let mut twin = Command::new("python3")
        .arg("tests/pricing_twin.py")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is there: the distribution's package of that name, with its standard library");
    let input = json!({ "cases": cases }).to_string();
    let mut stdin = twin.stdin.take().unwrap();
    let feeder = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input.as_bytes()));
        twin.wait_with_output().unwrap()
    });
    let said = String::from_utf8_lossy(&feeder.stdout);
    assert!(feeder.status.success(), "{said}");
    assert_eq!(said.trim(), format!("{CASES} carts priced, 0 differently"));
}

fn case(shop: &Shop, cart: &Cart, priced: &Priced) -> Value {
    let parts = &shop.parts;
    let rates: Map<String, Value> = parts
        .tax_rates
        .iter()
        .map(|(id, rate)| {
            let rate = json!({
                "rate": rate.rate.0,
                "included": rate.inclusive,
                "compound": rate.compound_order,
            });
            (id.to_string(), rate)
        })
        .collect();
    let classes: Vec<Value> = parts
        .tax_rules
        .iter()
        .map(|rule| {
            let rates: Vec<&str> = rule.rates.iter().map(|id| id.as_str()).collect();
            json!({ "class": rule.class.as_str(), "mode": rule.mode.map(mode), "rates": rates })
        })
        .collect();
    let items: Map<String, Value> =
        parts.items.values().map(|item| (item.id.to_string(), self::item(shop, item))).collect();
    json!({
        "mode": mode(shop.mode),
        "rates": rates,
        "classes": classes,
        "items": items,
        "rules": parts.rules.iter().map(rule).collect::<Vec<Value>>(),
        "surcharges": parts.surcharges.iter().map(surcharge).collect::<Vec<Value>>(),
        "cart": cart.lines.iter().map(line).collect::<Vec<Value>>(),
        "expected": expected(priced),
    })
}

fn mode(mode: ServiceMode) -> &'static str {
    match mode {
        ServiceMode::DineIn => "dine-in",
        ServiceMode::TakeAway => "take-away",
        ServiceMode::Delivery => "delivery",
    }
}

fn item(shop: &Shop, item: &Item) -> Value {
    let (kind, slots) = match &item.kind {
        ItemKind::Combo(slots) => {
            let slots: Map<String, Value> = slots
                .iter()
                .map(|slot| {
                    let choices: Map<String, Value> =
                        slot.choices.iter().map(|c| (c.variation.to_string(), json!(c.extra.0))).collect();
                    (slot.id.to_string(), choices.into())
                })
                .collect();
            ("combo", slots)
        }
        ItemKind::Product => ("product", Map::new()),
        ItemKind::Deposit => ("deposit", Map::new()),
        ItemKind::GiftCard => ("gift-card", Map::new()),
    };
    let groups: Vec<Value> = item
        .groups
        .iter()
        .map(|on_item| {
            let group = &shop.parts.groups[&on_item.group];
            let modifiers: Map<String, Value> =
                group.modifiers.iter().map(|m| (m.id.to_string(), json!(m.price.0))).collect();
            json!({ "id": group.id.as_str(), "free": group.free, "modifiers": modifiers })
        })
        .collect();
    let variation = &item.variations[0];
    let (price, per_kg) = match variation.price {
        Price::Fixed(price) => (price.0, false),
        Price::PerWeight(price) => (price.0, true),
    };
    json!({
        "kind": kind,
        "price": price,
        "per_kg": per_kg,
        "class": item.tax_class.as_str(),
        "discountable": item.discountable,
        "deposit": variation.deposit.as_ref().map(|id| id.as_str()),
        "groups": groups,
        "slots": slots,
    })
}

fn rule(rule: &domain::catalog::PriceRule) -> Value {
    let (kind, value, free) = match rule.kind {
        RuleKind::LinePercent(rate) => ("line_percent", i64::from(rate.0), 0),
        RuleKind::UnitAmount(amount) => ("unit_amount", amount.0, 0),
        RuleKind::LineAmount(amount) => ("line_amount", amount.0, 0),
        RuleKind::FixedPrice(amount) => ("fixed_price", amount.0, 0),
        RuleKind::Bundle { buy, free } => ("bundle", i64::from(buy), free),
        RuleKind::OrderPercent(rate) => ("order_percent", i64::from(rate.0), 0),
        RuleKind::OrderAmount(amount) => ("order_amount", amount.0, 0),
    };
    let items: Option<Vec<&str>> = match &rule.target {
        RuleTarget::Items(ids) => Some(ids.iter().map(|id| id.as_str()).collect()),
        RuleTarget::All | RuleTarget::Categories(_) => None,
    };
    json!({
        "id": rule.id.as_str(),
        "kind": kind,
        "value": value,
        "free": free,
        "items": items,
        "priority": rule.priority,
        "group": rule.stack_group.as_deref(),
        "min": rule.min_subtotal.0,
    })
}

fn surcharge(surcharge: &domain::catalog::Surcharge) -> Value {
    let (amount, percent) = match surcharge.amount {
        SurchargeAmount::Fixed(amount) => (Some(amount.0), None),
        SurchargeAmount::Percent(rate) => (None, Some(rate.0)),
    };
    let tax = match &surcharge.tax {
        SurchargeTax::Class(class) => class.as_str(),
        SurchargeTax::FollowLines => "follow-lines",
        SurchargeTax::Untaxed => "untaxed",
    };
    json!({ "id": surcharge.id.as_str(), "amount": amount, "percent": percent, "tax": tax })
}

fn line(line: &domain::cart::CartLine) -> Value {
    let label = match line.label {
        Some(LabelValue::Price(price)) => Some(price.0),
        Some(LabelValue::Weight) | None => None,
    };
    let picks: Vec<Value> = line
        .picks
        .iter()
        .map(|pick| {
            let modifiers = choices(&pick.modifiers);
            json!({ "slot": pick.slot.as_str(), "item": pick.variation.as_str(), "modifiers": modifiers })
        })
        .collect();
    json!({
        "id": line.id.0,
        "item": line.item.as_str(),
        "quantity": line.quantity.0,
        "label": label,
        "modifiers": choices(&line.modifiers),
        "picks": picks,
    })
}

fn choices(choices: &[ModifierChoice]) -> Vec<Value> {
    choices.iter().map(|c| json!([c.group.as_str(), c.modifier.as_str(), c.count])).collect()
}

fn expected(priced: &Priced) -> Value {
    let taxes = |taxes: &[(domain::ids::TaxRateId, domain::Minor)]| -> Vec<Value> {
        taxes.iter().map(|(id, tax)| json!([id.as_str(), tax.0])).collect()
    };
    let totals = |totals: &[domain::pricing::TaxTotal]| -> Vec<Value> {
        totals.iter().map(|t| json!([t.rate_id.as_str(), t.base.0, t.tax.0])).collect()
    };
    let lines: Vec<Value> = priced
        .lines
        .iter()
        .map(|l| {
            let discounts: Vec<Value> = l.discounts.iter().map(|(id, d)| json!([id.as_str(), d.0])).collect();
            let slot = l.slot.as_ref().map(|slot| slot.as_str());
            let (item, quantity) = (l.item.as_str(), l.quantity.0);
            json!([l.line.0, slot, item, quantity, l.gross.0, l.net.0, discounts, taxes(&l.taxes)])
        })
        .collect();
    let groups: Vec<Value> =
        priced.groups.iter().map(|g| json!([g.inclusive, g.amount.0, g.base.0, totals(&g.taxes)])).collect();
    let surcharges: Vec<Value> =
        priced.surcharges.iter().map(|s| json!([s.id.as_str(), s.amount.0, taxes(&s.taxes)])).collect();
    json!({
        "lines": lines,
        "surcharges": surcharges,
        "groups": groups,
        "taxes": totals(&priced.taxes),
        "total": priced.total.0,
        "discount": priced.discount.0,
    })
}
