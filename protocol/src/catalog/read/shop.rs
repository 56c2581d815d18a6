//! What the shop is and how it sells: taxes, hours, categories, codes, discounts, surcharges.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::catalog::{
    Availability, Barcode, Category, PriceRule, RestrictedNumber, RuleKind, RuleTarget, Surcharge,
    SurchargeAmount, SurchargeTax, TaxRate, TaxRule, Tint, TipOffer,
};
use domain::ids::{
    AvailabilityId, CategoryId, ItemId, RuleId, SurchargeId, TaxClassId, TaxRateId, VariationId,
};
use domain::money::{Minor, Quantity};

use super::super::fields::{Object, Path, Reader, list};
use super::super::node::{Kind, Node, shown};
use super::super::values::{
    amount, arc, boolean, date, id, number, quantity, rate, string, text, time_of_day, word,
};
use super::super::words::{DAYS, LABEL_KINDS, MODES, TINTS};
use super::optional_text;

pub(super) fn tax_rate(reader: &mut Reader, node: &Node, path: &Path) -> Option<(TaxRateId, TaxRate)> {
    let mut o = Object::open(reader, node, path)?;
    let id = o.required("id", id(TaxRateId::new));
    let name = o.required("name", text);
    let percent = o.required("rate", rate);
    let inclusive = o.required("included", boolean);
    let compound_order = o.or("compound_order", 0, number::<u8>);
    let letter = o.maybe("letter", letter);
    o.finish();
    let (name, rate, inclusive) = (name?, percent?, inclusive?);
    Some((id?, TaxRate { name, rate, inclusive, compound_order: compound_order?, letter: letter? }))
}

fn letter(reader: &mut Reader, node: &Node, path: &Path) -> Option<char> {
    let words = string(reader, node, path)?;
    let mut chars = words.chars();
    match (chars.next(), chars.next()) {
        (Some(letter), None) if letter.is_ascii_alphanumeric() || letter == '*' => Some(letter),
        _ => {
            let what = format!("\"{}\" is not one letter", shown(words));
            reader.fault(node, path, what, "write one letter, such as \"A\"")
        }
    }
}

pub(super) fn tax_rule(reader: &mut Reader, node: &Node, path: &Path) -> Option<TaxRule> {
    let mut o = Object::open(reader, node, path)?;
    let class = o.required("class", id(TaxClassId::new));
    let mode = o.maybe("mode", word(MODES));
    let rates = o.required("rates", |r: &mut Reader, n: &Node, p: &Path| list(r, n, p, id(TaxRateId::new)));
    let from = o.maybe("from", date);
    let until = o.maybe("until", date);
    o.finish();
    Some(TaxRule { class: class?, mode: mode?, rates: rates?, from: from?, until: until? })
}

pub(super) fn availability(
    reader: &mut Reader,
    node: &Node,
    path: &Path,
) -> Option<(AvailabilityId, Availability)> {
    let mut o = Object::open(reader, node, path)?;
    let id = o.required("id", id(AvailabilityId::new));
    let weekdays = o.list("days", word(DAYS));
    let start_minute = o.or("from", 0, time_of_day);
    let end_minute = o.or("until", 24 * 60, time_of_day);
    let from = o.maybe("first_date", date);
    let until = o.maybe("last_date", date);
    o.finish();
    let (weekdays, start_minute, end_minute) = (weekdays?, start_minute?, end_minute?);
    Some((id?, Availability { weekdays, start_minute, end_minute, from: from?, until: until? }))
}

pub(super) fn category(reader: &mut Reader, node: &Node, path: &Path) -> Option<Category> {
    let mut o = Object::open(reader, node, path)?;
    let id_ = o.required("id", id(CategoryId::new));
    let name = o.required("name", text);
    let strapline = optional_text(&mut o, "strapline");
    let picture = o.or("picture", "".into(), arc);
    let tint = o.or("tint", Tint::Wheat, word(TINTS));
    let featured = o.maybe("featured", id(ItemId::new));
    let items = o.required("items", |r: &mut Reader, n: &Node, p: &Path| list(r, n, p, id(ItemId::new)));
    let availability = o.list("availability", id(AvailabilityId::new));
    o.finish();
    Some(Category {
        id: id_?,
        name: name?,
        strapline: strapline?,
        picture: picture?,
        tint: tint?,
        featured: featured?,
        items: items?,
        availability: availability?,
    })
}

pub(super) fn barcode(reader: &mut Reader, node: &Node, path: &Path) -> Option<(Arc<str>, Barcode)> {
    let mut o = Object::open(reader, node, path)?;
    let code = o.required("code", arc);
    let variation = o.required("variation", id(VariationId::new));
    let pack = o.or("pack", Quantity::ONE, quantity);
    o.finish();
    Some((code?, Barcode { variation: variation?, pack: pack? }))
}

pub(super) fn restricted_number(reader: &mut Reader, node: &Node, path: &Path) -> Option<RestrictedNumber> {
    let mut o = Object::open(reader, node, path)?;
    let prefix = o.required("prefix", arc);
    let item_digits = o.required("item_digits", number::<u8>);
    let value_digits = o.required("value_digits", number::<u8>);
    let kind = o.required("kind", word(LABEL_KINDS));
    let decimals = o.or("decimals", 3, number::<u8>);
    let items = o.required("items", numbers);
    o.finish();
    Some(RestrictedNumber {
        prefix: prefix?,
        item_digits: item_digits?,
        value_digits: value_digits?,
        kind: kind?,
        decimals: decimals?,
        items: items?,
    })
}

fn numbers(reader: &mut Reader, node: &Node, path: &Path) -> Option<BTreeMap<Arc<str>, VariationId>> {
    let Kind::Object(fields) = &node.kind else {
        let what = format!("{} is not an object", node.describe());
        return reader.fault(node, path, what, "write { \"12345\": \"variation\" }");
    };
    let mut all = Some(BTreeMap::new());
    for field in fields {
        let variation = id(VariationId::new)(reader, &field.value, &path.then(&field.name));
        all = all.zip(variation).map(|(mut all, variation)| {
            all.insert(field.name.as_str().into(), variation);
            all
        });
    }
    all
}

pub(super) fn price_rule(reader: &mut Reader, node: &Node, path: &Path) -> Option<PriceRule> {
    let mut o = Object::open(reader, node, path)?;
    let id_ = o.required("id", id(RuleId::new));
    let name = o.required("name", text);
    let kind = rule_kind(&mut o);
    let items = o.maybe("items", |r: &mut Reader, n: &Node, p: &Path| list(r, n, p, id(ItemId::new)));
    let categories =
        o.maybe("categories", |r: &mut Reader, n: &Node, p: &Path| list(r, n, p, id(CategoryId::new)));
    let priority = o.or("priority", 0, number::<i32>);
    let stack_group = o.maybe("stack_group", id(|name: &str| Arc::from(name)));
    let availability = o.list("availability", id(AvailabilityId::new));
    let mode = o.maybe("mode", word(MODES));
    let min_subtotal = o.or("min_subtotal", Minor::ZERO, amount);
    let coupon = o.maybe("coupon", arc);
    let target = match (items?, categories?) {
        (None, None) => Some(RuleTarget::All),
        (Some(items), None) => Some(RuleTarget::Items(items)),
        (None, Some(categories)) => Some(RuleTarget::Categories(categories)),
        (Some(_), Some(_)) => o.fault("both \"items\" and \"categories\" are there", "make two rules of it"),
    };
    o.finish();
    Some(PriceRule {
        id: id_?,
        name: name?,
        kind: kind?,
        target: target?,
        priority: priority?,
        stack_group: stack_group?,
        availability: availability?,
        mode: mode?,
        min_subtotal: min_subtotal?,
        coupon: coupon?,
    })
}

fn rule_kind(o: &mut Object) -> Option<RuleKind> {
    let line_percent = o.maybe("line_percent", rate);
    let unit_amount = o.maybe("unit_amount", amount);
    let line_amount = o.maybe("line_amount", amount);
    let fixed_price = o.maybe("fixed_price", amount);
    let bundle = o.maybe("bundle", bundle);
    let order_percent = o.maybe("order_percent", rate);
    let order_amount = o.maybe("order_amount", amount);
    let effects = [
        line_percent?.map(RuleKind::LinePercent),
        unit_amount?.map(RuleKind::UnitAmount),
        line_amount?.map(RuleKind::LineAmount),
        fixed_price?.map(RuleKind::FixedPrice),
        bundle?,
        order_percent?.map(RuleKind::OrderPercent),
        order_amount?.map(RuleKind::OrderAmount),
    ];
    let mut given = effects.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(kind), None) => Some(kind),
        (Some(_), Some(_)) => o.fault("the rule does two things", "make two rules of it"),
        (None, _) => o.fault(
            "the rule does nothing",
            "add line_percent, unit_amount, line_amount, fixed_price, bundle, order_percent or order_amount",
        ),
    }
}

fn bundle(reader: &mut Reader, node: &Node, path: &Path) -> Option<RuleKind> {
    let mut o = Object::open(reader, node, path)?;
    let buy = o.required("buy", number::<u32>);
    let free = o.required("free", number::<u32>);
    o.finish();
    Some(RuleKind::Bundle { buy: buy?, free: free? })
}

pub(super) fn surcharge(reader: &mut Reader, node: &Node, path: &Path) -> Option<Surcharge> {
    const TAXES: &[(&str, u8)] = &[("follow-lines", 0), ("untaxed", 1)];
    let mut o = Object::open(reader, node, path)?;
    let id_ = o.required("id", id(SurchargeId::new));
    let name = o.required("name", text);
    let amounts = (o.maybe("amount", amount), o.maybe("percent", rate));
    let taxes = (o.maybe("tax_class", id(TaxClassId::new)), o.maybe("tax", word(TAXES)));
    let mode = o.maybe("mode", word(MODES));
    let amount = match (amounts.0?, amounts.1?) {
        (Some(amount), None) => Some(SurchargeAmount::Fixed(amount)),
        (None, Some(rate)) => Some(SurchargeAmount::Percent(rate)),
        _ => o.fault("the surcharge needs \"amount\" or \"percent\"", "write one of them"),
    };
    let tax = match (taxes.0?, taxes.1?) {
        (Some(class), None) => Some(SurchargeTax::Class(class)),
        (None, Some(0)) => Some(SurchargeTax::FollowLines),
        (None, Some(_)) => Some(SurchargeTax::Untaxed),
        _ => o.fault("the surcharge needs \"tax_class\" or \"tax\"", "write one of them"),
    };
    o.finish();
    Some(Surcharge { id: id_?, name: name?, amount: amount?, tax: tax?, mode: mode? })
}

pub(super) fn tip(reader: &mut Reader, node: &Node, path: &Path) -> Option<TipOffer> {
    match &node.kind {
        Kind::Text(words) | Kind::Cell(words) if words.trim_end().ends_with('%') => {
            rate(reader, node, path).map(TipOffer::Percent)
        }
        Kind::Null
        | Kind::Bool(_)
        | Kind::Number(_)
        | Kind::Text(_)
        | Kind::Cell(_)
        | Kind::List(_)
        | Kind::Object(_) => amount(reader, node, path).map(TipOffer::Fixed),
    }
}
