//! Discounts and surcharges.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::limits::{MAX_RATE, MAX_RULES, MAX_SURCHARGES};
use super::super::{PriceRule, RuleKind, RuleTarget, SurchargeAmount, SurchargeTax};
use super::{Check, twice};
use crate::ids::CategoryId;
use crate::money::{MAX_PRICE, Minor, Rate};

/// Largest set of a bundle.
const MAX_SET: u32 = 100;

impl Check<'_> {
    pub(super) fn rules(&mut self) {
        let rules = &self.parts.rules;
        self.at_most(&["price_rules"], rules.len(), MAX_RULES);
        if let Some(id) = twice(rules.iter().map(|r| &r.id)) {
            let place = ["price_rules", id.as_str(), "id"];
            self.report(&place, format!("two rules have the id {id}"), "choose another id");
        }
        let mut groups: BTreeMap<&Arc<str>, bool> = BTreeMap::new();
        for rule in rules {
            let id = rule.id.as_str();
            self.id(&["price_rules", id, "id"], id);
            self.name(&["price_rules", id, "name"], &rule.name);
            self.rule_kind(rule);
            self.target(rule);
            self.windows(&["price_rules", id], &rule.availability);
            if rule.min_subtotal < Minor::ZERO {
                self.report(&["price_rules", id, "min_subtotal"], "a negative amount", "write zero or more");
            }
            if let Some(coupon) = &rule.coupon {
                self.word(&["price_rules", id, "coupon"], coupon);
            }
            if let Some(group) = &rule.stack_group {
                self.id(&["price_rules", id, "stack_group"], group);
                let on_order = rule.kind.is_on_order();
                if *groups.entry(group).or_insert(on_order) != on_order {
                    let what = format!("stack group {group} mixes rules on lines with rules on the order");
                    let remedy = "use two groups: lines come before orders and cannot compete with them";
                    self.report(&["price_rules", id, "stack_group"], what, remedy);
                }
            }
        }
    }

    fn rule_kind(&mut self, rule: &PriceRule) {
        let rate = |rate: Rate| (Rate(1)..=MAX_RATE).contains(&rate);
        let amount = |amount: Minor| (Minor(1)..=MAX_PRICE).contains(&amount);
        let (field, sane, remedy) = match rule.kind {
            RuleKind::LinePercent(r) => ("line_percent", rate(r), "write more than 0 % and at most 100 %"),
            RuleKind::OrderPercent(r) => ("order_percent", rate(r), "write more than 0 % and at most 100 %"),
            RuleKind::UnitAmount(a) => ("unit_amount", amount(a), "write what is taken off, without a minus"),
            RuleKind::LineAmount(a) => ("line_amount", amount(a), "write what is taken off, without a minus"),
            RuleKind::OrderAmount(a) => {
                ("order_amount", amount(a), "write what is taken off, without a minus")
            }
            RuleKind::FixedPrice(a) => {
                ("fixed_price", a == Minor::ZERO || amount(a), "write the price, zero or more")
            }
            RuleKind::Bundle { buy, free } => {
                let sane = (2..=MAX_SET).contains(&buy) && (1..buy).contains(&free);
                (
                    "bundle",
                    sane,
                    "write a set of 2 to 100 pieces of which at least one is free and one is paid",
                )
            }
        };
        if !sane {
            self.report(&["price_rules", rule.id.as_str(), field], "out of range", remedy);
        }
    }

    fn target(&mut self, rule: &PriceRule) {
        let id = rule.id.as_str();
        let (field, names): (&str, Vec<(&str, bool)>) = match &rule.target {
            RuleTarget::All => return,
            RuleTarget::Items(ids) => {
                let names = ids.iter().map(|id| (id.as_str(), self.parts.items.contains_key(id)));
                ("items", names.collect())
            }
            RuleTarget::Categories(ids) => {
                let known = |id: &CategoryId| self.parts.categories.iter().any(|c| c.id == *id);
                ("categories", ids.iter().map(|id| (id.as_str(), known(id))).collect())
            }
        };
        if names.is_empty() {
            let remedy = "name what it is about, or leave the field out for everything";
            self.report(&["price_rules", id, field], "it is about nothing", remedy);
        }
        for (name, _) in names.into_iter().filter(|(_, known)| !known) {
            let place = ["price_rules", id, field, name];
            self.report(&place, format!("there is no {name} among the {field}"), "correct the id");
        }
    }

    pub(super) fn surcharges(&mut self) {
        let surcharges = &self.parts.surcharges;
        self.at_most(&["surcharges"], surcharges.len(), MAX_SURCHARGES);
        if let Some(id) = twice(surcharges.iter().map(|s| &s.id)) {
            let place = ["surcharges", id.as_str(), "id"];
            self.report(&place, format!("two surcharges have the id {id}"), "choose another id");
        }
        for surcharge in surcharges {
            let id = surcharge.id.as_str();
            self.id(&["surcharges", id, "id"], id);
            self.name(&["surcharges", id, "name"], &surcharge.name);
            let (field, sane) = match surcharge.amount {
                SurchargeAmount::Fixed(amount) => ("amount", (Minor(1)..=MAX_PRICE).contains(&amount)),
                SurchargeAmount::Percent(rate) => ("percent", (Rate(1)..=MAX_RATE).contains(&rate)),
            };
            if !sane {
                self.report(
                    &["surcharges", id, field],
                    "out of range",
                    "write more than zero and at most 100 %",
                );
            }
            if let SurchargeTax::Class(class) = &surcharge.tax {
                self.tax_class(&["surcharges", id, "tax_class"], class);
            }
        }
    }
}

impl RuleKind {
    /// Whether the rule is about the order as a whole, after all rules on lines.
    pub fn is_on_order(self) -> bool {
        match self {
            Self::OrderPercent(_) | Self::OrderAmount(_) => true,
            Self::LinePercent(_)
            | Self::UnitAmount(_)
            | Self::LineAmount(_)
            | Self::FixedPrice(_)
            | Self::Bundle { .. } => false,
        }
    }
}
