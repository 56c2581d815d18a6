//! What the shop is and how it sells.

use domain::catalog::{
    Availability, Barcode, Category, PriceRule, RestrictedKind, RestrictedNumber, RuleKind, RuleTarget,
    Surcharge, SurchargeAmount, SurchargeTax, TaxRate, TaxRule, TipOffer,
};
use domain::ids::{AvailabilityId, TaxRateId};
use domain::money::{Minor, Quantity, Rate};

use super::super::node::Node;
use super::super::words::{DAYS, LABEL_KINDS, MODES, TINTS};
use super::{Fields, Writer, boolean, date, list, number, text, word};

impl Writer {
    pub(super) fn tip(&self, tip: TipOffer) -> Node {
        match tip {
            TipOffer::Fixed(amount) => self.amount(amount),
            TipOffer::Percent(rate) => percent(rate),
        }
    }

    pub(super) fn tax_rate(&self, id: &TaxRateId, rate: &TaxRate) -> Node {
        let mut o = Fields::default();
        o.put("id", text(id.as_str()));
        o.put("name", self.words(&rate.name));
        o.put("rate", percent(rate.rate));
        o.put("included", boolean(rate.inclusive));
        o.unless(rate.compound_order == 0, "compound_order", || number(rate.compound_order));
        o.some("letter", rate.letter, |letter| text(letter.encode_utf8(&mut [0; 4])));
        o.done()
    }

    pub(super) fn category(&self, category: &Category) -> Node {
        let mut o = Fields::default();
        o.put("id", text(category.id.as_str()));
        o.put("name", self.words(&category.name));
        o.full("strapline", self.words(&category.strapline));
        o.full("picture", text(&category.picture));
        o.put("tint", word(TINTS, category.tint));
        o.some("featured", category.featured.as_ref(), |id| text(id.as_str()));
        o.put("items", list(&category.items, |id| text(id.as_str())));
        o.full("availability", windows(&category.availability));
        o.done()
    }

    pub(super) fn price_rule(&self, rule: &PriceRule) -> Node {
        let mut o = Fields::default();
        o.put("id", text(rule.id.as_str()));
        o.put("name", self.words(&rule.name));
        match rule.kind {
            RuleKind::LinePercent(rate) => o.put("line_percent", percent(rate)),
            RuleKind::UnitAmount(amount) => o.put("unit_amount", self.amount(amount)),
            RuleKind::LineAmount(amount) => o.put("line_amount", self.amount(amount)),
            RuleKind::FixedPrice(amount) => o.put("fixed_price", self.amount(amount)),
            RuleKind::Bundle { buy, free } => {
                let mut bundle = Fields::default();
                bundle.put("buy", number(buy));
                bundle.put("free", number(free));
                o.put("bundle", bundle.done());
            }
            RuleKind::OrderPercent(rate) => o.put("order_percent", percent(rate)),
            RuleKind::OrderAmount(amount) => o.put("order_amount", self.amount(amount)),
        }
        match &rule.target {
            RuleTarget::All => {}
            RuleTarget::Items(ids) => o.put("items", list(ids, |id| text(id.as_str()))),
            RuleTarget::Categories(ids) => o.put("categories", list(ids, |id| text(id.as_str()))),
        }
        o.unless(rule.priority == 0, "priority", || number(rule.priority));
        o.some("stack_group", rule.stack_group.as_ref(), |group| text(group));
        o.full("availability", windows(&rule.availability));
        o.some("mode", rule.mode, |mode| word(MODES, mode));
        o.unless(rule.min_subtotal == Minor::ZERO, "min_subtotal", || self.amount(rule.min_subtotal));
        o.some("coupon", rule.coupon.as_ref(), |code| text(code));
        o.done()
    }

    pub(super) fn surcharge(&self, surcharge: &Surcharge) -> Node {
        let mut o = Fields::default();
        o.put("id", text(surcharge.id.as_str()));
        o.put("name", self.words(&surcharge.name));
        match surcharge.amount {
            SurchargeAmount::Fixed(amount) => o.put("amount", self.amount(amount)),
            SurchargeAmount::Percent(rate) => o.put("percent", percent(rate)),
        }
        match &surcharge.tax {
            SurchargeTax::Class(class) => o.put("tax_class", text(class.as_str())),
            SurchargeTax::FollowLines => o.put("tax", text("follow-lines")),
            SurchargeTax::Untaxed => o.put("tax", text("untaxed")),
        }
        o.some("mode", surcharge.mode, |mode| word(MODES, mode));
        o.done()
    }
}

pub(super) fn tax_rule(rule: &TaxRule) -> Node {
    let mut o = Fields::default();
    o.put("class", text(rule.class.as_str()));
    o.some("mode", rule.mode, |mode| word(MODES, mode));
    o.put("rates", list(&rule.rates, |id| text(id.as_str())));
    o.some("from", rule.from, date);
    o.some("until", rule.until, date);
    o.done()
}

pub(super) fn availability(id: &AvailabilityId, window: &Availability) -> Node {
    let mut o = Fields::default();
    o.put("id", text(id.as_str()));
    o.full("days", list(&window.weekdays, |day| word(DAYS, *day)));
    o.put("from", time_of_day(window.start_minute));
    o.put("until", time_of_day(window.end_minute));
    o.some("first_date", window.from, date);
    o.some("last_date", window.until, date);
    o.done()
}

pub(super) fn barcode(code: &str, barcode: &Barcode) -> Node {
    let mut o = Fields::default();
    o.put("code", text(code));
    o.put("variation", text(barcode.variation.as_str()));
    o.unless(barcode.pack == Quantity::ONE, "pack", || text(&barcode.pack.decimal()));
    o.done()
}

pub(super) fn restricted_number(rule: &RestrictedNumber) -> Node {
    let mut numbers = Fields::default();
    for (number, variation) in &rule.items {
        numbers.put(number, text(variation.as_str()));
    }
    let mut o = Fields::default();
    o.put("prefix", text(&rule.prefix));
    o.put("item_digits", number(rule.item_digits));
    o.put("value_digits", number(rule.value_digits));
    o.put("kind", word(LABEL_KINDS, rule.kind));
    let usual = rule.kind == RestrictedKind::Price || rule.decimals == 3;
    o.unless(usual, "decimals", || number(rule.decimals));
    o.put("items", numbers.done());
    o.done()
}

pub(super) fn windows(ids: &[AvailabilityId]) -> Node {
    list(ids, |id: &AvailabilityId| text(id.as_str()))
}

fn percent(rate: Rate) -> Node {
    text(&rate.to_string())
}

fn time_of_day(minute: u16) -> Node {
    text(&format!("{:02}:{:02}", minute / 60, minute % 60))
}
