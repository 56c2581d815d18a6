//! Tax rates and rules.

use super::super::limits::{MAX_RATE, MAX_RATES_TOGETHER, MAX_TAX_RATES, MAX_TAX_RULES};
use super::super::{CatalogParts, ItemKind, Place, SurchargeTax, TaxRule};
use super::{CatalogProblem, Check, twice};
use crate::cart::ServiceMode;
use crate::ids::TaxClassId;
use crate::money::Rate;
use crate::time::Date;

/// The modes every shop sells in; without a rule for one of them a customer would find out at the till.
const USUAL_MODES: [ServiceMode; 2] = [ServiceMode::DineIn, ServiceMode::TakeAway];

impl CatalogParts {
    /// The rule that taxes a class in this mode on this business date. A rule for the mode goes before one for
    /// every mode.
    pub fn tax_rule(&self, class: &TaxClassId, mode: ServiceMode, date: Date) -> Option<&TaxRule> {
        let valid = |rule: &&TaxRule| {
            rule.class == *class
                && rule.from.is_none_or(|from| from <= date)
                && rule.until.is_none_or(|until| date <= until)
        };
        let own = self.tax_rules.iter().filter(valid).find(|rule| rule.mode == Some(mode));
        own.or_else(|| self.tax_rules.iter().filter(valid).find(|rule| rule.mode.is_none()))
    }

    /// What cannot be sold on this business date because no tax rule is valid: one problem for each class and
    /// mode. A catalog with such problems still activates; it may be meant for another day.
    pub fn check_on(&self, date: Date) -> Vec<CatalogProblem> {
        let mut used: Vec<&TaxClassId> = self.taxed_classes().collect();
        used.sort();
        used.dedup();
        let pairs = used.into_iter().flat_map(|class| USUAL_MODES.map(|mode| (class, mode)));
        let untaxed = pairs.filter(|(class, mode)| self.tax_rule(class, *mode, date).is_none());
        untaxed
            .map(|(class, mode)| CatalogProblem {
                place: Place::new(["tax_rules"]),
                what: format!("no rule for class {class} is valid {} on {}", mode_name(mode), day(date)),
                remedy: "add a rule for the class, or correct the dates of those it has".to_owned(),
            })
            .collect()
    }

    fn taxed_classes(&self) -> impl Iterator<Item = &TaxClassId> {
        let items =
            self.items.values().filter(|item| item.kind != ItemKind::GiftCard).map(|item| &item.tax_class);
        let surcharges = self.surcharges.iter().filter_map(|surcharge| match &surcharge.tax {
            SurchargeTax::Class(class) => Some(class),
            SurchargeTax::FollowLines | SurchargeTax::Untaxed => None,
        });
        items.chain(surcharges)
    }
}

impl Check<'_> {
    pub(super) fn tax_rates(&mut self) {
        let rates = &self.parts.tax_rates;
        self.at_most(&["tax_rates"], rates.len(), MAX_TAX_RATES);
        for (id, rate) in rates {
            let id = id.as_str();
            self.id(&["tax_rates", id, "id"], id);
            self.name(&["tax_rates", id, "name"], &rate.name);
            if !(Rate(0)..=MAX_RATE).contains(&rate.rate) {
                self.report(
                    &["tax_rates", id, "rate"],
                    format!("{} is no tax rate", rate.rate),
                    "write 0 % to 100 %",
                );
            }
            if rate.inclusive && rate.compound_order > 0 {
                let what = "a rate that is included in the prices cannot work on other taxes";
                let remedy = "remove compound_order, or write the rate as not included";
                self.report(&["tax_rates", id, "compound_order"], what, remedy);
            }
        }
    }

    pub(super) fn tax_rules(&mut self) {
        let rules = &self.parts.tax_rules;
        self.at_most(&["tax_rules"], rules.len(), MAX_TAX_RULES);
        for (at, rule) in rules.iter().enumerate() {
            let at_text = at.to_string();
            let place = ["tax_rules", &at_text];
            self.id(&[place[0], place[1], "class"], rule.class.as_str());
            self.tax_rule(&place, rule);
            let same = |other: &&TaxRule| other.class == rule.class && other.mode == rule.mode;
            if let Some(other) = rules[..at].iter().filter(same).find(|other| overlap(other, rule)) {
                let what = match (other.from, rule.from) {
                    (None, None) => format!("two rules for class {} at the same time", rule.class),
                    _ => format!("two rules for class {} with overlapping dates", rule.class),
                };
                self.report(&place, what, "let one end the day before the other begins");
            }
        }
        for class in self.classes.clone() {
            for mode in USUAL_MODES {
                let covers = |rule: &&TaxRule| rule.class == *class && rule.mode.is_none_or(|m| m == mode);
                if rules.iter().find(covers).is_none() {
                    let what = format!("class {class} has no rule for {}", mode_name(mode));
                    self.report(&["tax_rules"], what, "add one, or one without a mode");
                }
            }
        }
    }

    fn tax_rule(&mut self, place: &[&str; 2], rule: &TaxRule) {
        let rates_place = [place[0], place[1], "rates"];
        self.at_most(&rates_place, rule.rates.len(), MAX_RATES_TOGETHER);
        if let Some(id) = twice(&rule.rates) {
            self.report(&rates_place, format!("rate {id} is there twice"), "keep one of them");
        }
        for id in rule.rates.iter().filter(|id| !self.parts.tax_rates.contains_key(id)) {
            let place = [place[0], place[1], "rates", id.as_str()];
            self.report(&place, format!("there is no tax rate {id}"), "correct the id, or add the rate");
        }
        let mut kinds =
            rule.rates.iter().filter_map(|id| self.parts.tax_rates.get(id)).map(|rate| rate.inclusive);
        let first = kinds.next();
        if kinds.any(|inclusive| Some(inclusive) != first) {
            let what = "rates that are included in the price together with rates that are not";
            self.report(&rates_place, what, "use one kind for each class");
        }
        self.dates(place, "until", rule.from, rule.until);
    }

    /// A class that goods or surcharges name.
    pub(super) fn tax_class(&mut self, place: &[&str], class: &TaxClassId) {
        if !self.classes.contains(class) {
            let remedy = "correct the class, or add a tax rule for it (with no rates if it is untaxed)";
            self.report(place, format!("no tax rule is about class {class}"), remedy);
        }
    }
}

fn overlap(a: &TaxRule, b: &TaxRule) -> bool {
    let starts_by = |from: Option<Date>, until: Option<Date>| match (from, until) {
        (Some(from), Some(until)) => from <= until,
        (None, _) | (_, None) => true,
    };
    starts_by(a.from, b.until) && starts_by(b.from, a.until)
}

fn mode_name(mode: ServiceMode) -> &'static str {
    match mode {
        ServiceMode::DineIn => "dine-in",
        ServiceMode::TakeAway => "take-away",
        ServiceMode::Delivery => "delivery",
    }
}

fn day(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}
