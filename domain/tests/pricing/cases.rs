//! Random shops and carts. A [`Plan`] is plain numbers, so that a failing case shrinks to something readable.

use domain::cart::{Cart, CartLine, ComboPick, LabelValue, ModifierChoice, ServiceMode};
use domain::catalog::{ItemKind, Price, RuleKind, RuleTarget, SurchargeAmount, SurchargeTax};
use domain::ids::{GroupId, ItemId, LineId, ModifierId, SlotId, TaxClassId, VariationId};
use domain::money::{Minor, Quantity, Rate};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::shop::{Shop, line, shop};

#[derive(Clone, Debug)]
pub struct Plan {
    pub taxes: u8,
    pub items: Vec<ItemPlan>,
    /// Components of the combo (item numbers) with extra prices, and its price.
    pub combo: (Vec<(usize, i64)>, i64),
    pub rules: Vec<RulePlan>,
    pub surcharges: Vec<(bool, i64, u8)>,
    pub lines: Vec<LinePlan>,
    pub mode: u8,
}

#[derive(Clone, Debug)]
pub struct ItemPlan {
    pub price: i64,
    pub class: u8,
    pub weighed: bool,
    pub discountable: bool,
    pub deposit: bool,
    /// Free units and the deltas of the modifiers.
    pub modifiers: (u32, Vec<i64>),
}

#[derive(Clone, Debug)]
pub struct RulePlan {
    pub kind: u8,
    pub value: i64,
    /// Every item, or one.
    pub target: Option<usize>,
    pub priority: i32,
    pub stacked: bool,
    pub min_subtotal: i64,
}

#[derive(Clone, Debug)]
pub struct LinePlan {
    /// An item, else the combo, else the returned deposit.
    pub what: usize,
    pub quantity: i64,
    pub counts: Vec<u32>,
    pub label: Option<i64>,
}

pub fn plan() -> impl Strategy<Value = Plan> {
    let item = (
        0..3000_i64,
        0..3_u8,
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.2),
    )
        .prop_flat_map(|(price, class, weighed, discountable, deposit)| {
            let lowest = if weighed { 0 } else { -price / 8 };
            (0..3_u32, vec(lowest..400_i64, 0..4)).prop_map(move |modifiers| ItemPlan {
                price,
                class,
                weighed,
                discountable,
                deposit: deposit && !weighed,
                modifiers,
            })
        });
    let rule = (0..7_u8, 1..1500_i64, prop::option::of(0..4_usize), 0..3_i32, any::<bool>(), 0..2000_i64)
        .prop_map(|(kind, value, target, priority, stacked, min_subtotal)| RulePlan {
            kind,
            value,
            target,
            priority,
            stacked,
            min_subtotal,
        });
    let line = (0..8_usize, 1..250_000_i64, vec(0..3_u32, 3), prop::option::weighted(0.1, 0..3000_i64))
        .prop_map(|(what, quantity, counts, label)| LinePlan { what, quantity, counts, label });
    let combo = (vec((0..4_usize, 0..100_i64), 1..5), 0..4000_i64);
    (
        0..5_u8,
        vec(item, 4..6),
        combo,
        vec(rule, 0..5),
        vec((any::<bool>(), 1..500_i64, 0..3_u8), 0..3),
        vec(line, 1..8),
        0..2_u8,
    )
        .prop_map(|(taxes, items, combo, rules, surcharges, lines, mode)| Plan {
            taxes,
            items,
            combo,
            rules,
            surcharges,
            lines,
            mode,
        })
}

impl Plan {
    pub fn build(&self) -> (Shop, Cart) {
        let mut shop = self.taxes();
        shop.mode = if self.mode == 0 { ServiceMode::DineIn } else { ServiceMode::TakeAway };
        shop = shop.with("empty", Price::Fixed(Minor(25)), "none", ItemKind::Deposit);
        for (at, item) in self.items.iter().enumerate() {
            shop = self.item(shop, at, item);
        }
        let components: Vec<(String, i64)> =
            self.components().map(|(at, extra)| (format!("item{at}"), extra)).collect();
        let choices: Vec<[(&str, i64); 1]> = components.iter().map(|(id, e)| [(id.as_str(), *e)]).collect();
        let slots: Vec<&[(&str, i64)]> = choices.iter().map(|c| c.as_slice()).collect();
        if !slots.is_empty() {
            shop = shop.combo("combo", self.combo.1, "a", &slots);
        }
        for (at, rule) in self.rules.iter().enumerate() {
            shop = self.rule(shop, at, rule);
        }
        for (at, (percent, value, tax)) in self.surcharges.iter().enumerate() {
            let amount = if *percent {
                SurchargeAmount::Percent(Rate(i32::try_from(value * 500).unwrap()))
            } else {
                SurchargeAmount::Fixed(Minor(*value))
            };
            let tax = match tax {
                0 => SurchargeTax::Class(TaxClassId::new("a")),
                1 => SurchargeTax::FollowLines,
                _ => SurchargeTax::Untaxed,
            };
            shop = shop.surcharge(&format!("sur{at}"), amount, tax);
        }
        let lines = self.lines.iter().zip(1..).map(|(line, id)| self.line(line, id)).collect();
        (shop, Cart { lines, coupons: vec![] })
    }

    /// The components of the combo: never weighed, and with prices that modifiers cannot make negative.
    fn components(&self) -> impl Iterator<Item = (usize, i64)> {
        let fits = |at: usize| !self.items[at].weighed && self.items[at].modifiers.1.iter().all(|d| *d >= 0);
        self.combo.0.iter().copied().filter(move |(at, _)| fits(*at))
    }

    fn taxes(&self) -> Shop {
        let shop = shop().class("none", &[]);
        match self.taxes {
            0 => shop
                .rate("r07", 70_000, true, 0)
                .rate("r19", 190_000, true, 0)
                .class("a", &["r07"])
                .class_in(Some(ServiceMode::DineIn), "a", &["r19"])
                .class("b", &["r19"]),
            1 => shop.rate("t", 88_750, false, 0).class("a", &["t"]).class("b", &[]),
            2 => shop
                .rate("gst", 50_000, false, 0)
                .rate("qst", 99_750, false, 1)
                .class("a", &["gst", "qst"])
                .class("b", &["gst"]),
            3 => shop
                .rate("x18", 180_000, true, 0)
                .rate("y08", 80_000, true, 0)
                .class("a", &["x18", "y08"])
                .class("b", &["y08"]),
            _ => shop
                .rate("in", 210_000, true, 0)
                .rate("on", 60_000, false, 0)
                .class("a", &["in"])
                .class("b", &["on"]),
        }
    }

    fn item(&self, mut shop: Shop, at: usize, item: &ItemPlan) -> Shop {
        let id = format!("item{at}");
        let price =
            if item.weighed { Price::PerWeight(Minor(item.price)) } else { Price::Fixed(Minor(item.price)) };
        let class = ["a", "b", "none"][usize::from(item.class)];
        shop = shop.with(&id, price, class, ItemKind::Product);
        shop.parts.items.get_mut(&ItemId::new(&id)).unwrap().discountable = item.discountable;
        if item.deposit {
            shop = shop.deposit(&id, "empty");
        }
        let (free, deltas) = &item.modifiers;
        let names: Vec<String> = (0..deltas.len()).map(|m| format!("m{m}")).collect();
        let modifiers: Vec<(&str, i64, u32)> =
            names.iter().zip(deltas).map(|(name, delta)| (name.as_str(), *delta, 2)).collect();
        let most = u32::try_from(2 * modifiers.len()).unwrap();
        if modifiers.is_empty() {
            shop
        } else {
            shop.group(&id, &format!("g{at}"), (*free).min(most), &modifiers)
        }
    }

    fn rule(&self, shop: Shop, at: usize, rule: &RulePlan) -> Shop {
        let percent = Rate(i32::try_from(rule.value * 600).unwrap());
        let kind = match rule.kind {
            0 => RuleKind::LinePercent(percent),
            1 => RuleKind::UnitAmount(Minor(rule.value)),
            2 => RuleKind::LineAmount(Minor(rule.value)),
            3 => RuleKind::FixedPrice(Minor(rule.value)),
            4 => RuleKind::Bundle { buy: 3, free: 1 },
            5 => RuleKind::OrderPercent(percent),
            _ => RuleKind::OrderAmount(Minor(rule.value)),
        };
        let target = rule
            .target
            .map_or(RuleTarget::All, |item| RuleTarget::Items(vec![ItemId::new(&format!("item{item}"))]));
        let group = if rule.kind >= 5 { "order" } else { "line" };
        let mut shop =
            shop.rule_on(&format!("rule{at}"), kind, target, rule.priority, rule.stacked.then_some(group));
        shop.parts.rules.last_mut().unwrap().min_subtotal = Minor(rule.min_subtotal);
        shop
    }

    fn line(&self, plan: &LinePlan, id: u32) -> CartLine {
        let pieces = plan.quantity % 5 + 1;
        let components: Vec<(usize, i64)> = self.components().collect();
        let Some(item) = self.items.get(plan.what) else {
            if plan.what == 7 || components.is_empty() {
                return line(id, "empty", -pieces);
            }
            let picks = components.iter().enumerate().map(|(slot, (at, _))| ComboPick {
                slot: SlotId::new(&format!("s{slot}")),
                variation: VariationId::new(&format!("item{at}")),
                count: 1,
                modifiers: self.choices(*at, &plan.counts),
            });
            return CartLine { picks: picks.collect(), ..line(id, "combo", pieces) };
        };
        let name = format!("item{}", plan.what);
        let quantity = match (item.weighed, plan.label) {
            (true, _) => Quantity(plan.quantity),
            (false, None) => Quantity(pieces * Quantity::ONE.0),
            (false, Some(_)) => Quantity::ONE,
        };
        CartLine {
            id: LineId(id),
            quantity,
            modifiers: self.choices(plan.what, &plan.counts),
            label: plan.label.map(|price| LabelValue::Price(Minor(price.max(item.price)))),
            ..line(id, &name, 1)
        }
    }

    fn choices(&self, item: usize, counts: &[u32]) -> Vec<ModifierChoice> {
        let modifiers = self.items[item].modifiers.1.len();
        let counted = counts.iter().take(modifiers).enumerate().filter(|(_, count)| **count > 0);
        counted
            .map(|(at, count)| ModifierChoice {
                group: GroupId::new(&format!("g{item}")),
                modifier: ModifierId::new(&format!("m{at}")),
                count: *count,
            })
            .collect()
    }
}
