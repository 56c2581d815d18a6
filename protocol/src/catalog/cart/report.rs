//! A priced cart as a document: lines, tax groups, totals.

use domain::catalog::{Catalog, TipOffer};
use domain::ids::TaxRateId;
use domain::money::Minor;
use domain::pricing::{PriceContext, Priced, PricedLine, TaxGroup, TaxTotal, tip};

use super::super::node::Node;
use super::super::words::MODES;
use super::super::write::{Fields, boolean, date, list, number, text, word};

pub(super) fn document(catalog: &Catalog, context: &PriceContext, priced: &Priced) -> Node {
    let amount = |amount: Minor| text(&catalog.currency.decimal(amount));
    let taxes = |taxes: &[(TaxRateId, Minor)]| {
        list(taxes, |(rate, tax)| {
            let mut o = Fields::default();
            o.put("rate", text(rate.as_str()));
            o.put("tax", amount(*tax));
            o.done()
        })
    };
    let mut o = Fields::default();
    o.put("catalog_rev", number(catalog.rev));
    o.put("currency", text(catalog.currency.code()));
    o.put("mode", word(MODES, context.mode));
    o.put("date", date(context.date));
    o.put(
        "lines",
        list(&priced.lines, |line| {
            let mut o = Fields::default();
            describe(&mut o, catalog, line);
            o.put("quantity", text(&line.quantity.decimal()));
            o.put("unit", amount(line.unit));
            o.put("gross", amount(line.gross));
            o.full(
                "discounts",
                list(&line.discounts, |(rule, cut)| {
                    let mut o = Fields::default();
                    o.put("rule", text(rule.as_str()));
                    o.put("amount", amount(*cut));
                    o.done()
                }),
            );
            o.put("net", amount(line.net));
            o.full("taxes", taxes(&line.taxes));
            o.done()
        }),
    );
    o.put(
        "surcharges",
        list(&priced.surcharges, |surcharge| {
            let mut o = Fields::default();
            o.put("id", text(surcharge.id.as_str()));
            o.put("amount", amount(surcharge.amount));
            o.full("taxes", taxes(&surcharge.taxes));
            o.done()
        }),
    );
    o.put("tax_groups", list(&priced.groups, |group| tax_group(catalog, group)));
    o.put("taxes", list(&priced.taxes, |total| tax_total(catalog, total)));
    o.put("discount", amount(priced.discount));
    o.put("total", amount(priced.total));
    o.full(
        "tips",
        list(&catalog.tips, |offer| {
            let mut o = Fields::default();
            o.put(
                "offer",
                match offer {
                    TipOffer::Fixed(fixed) => amount(*fixed),
                    TipOffer::Percent(rate) => text(&rate.to_string()),
                },
            );
            o.some("amount", tip(*offer, priced.total), amount);
            o.done()
        }),
    );
    o.done()
}

fn describe(o: &mut Fields, catalog: &Catalog, line: &PricedLine) {
    o.put("line", number(line.line.0));
    o.some("slot", line.slot.as_ref(), |slot| text(slot.as_str()));
    o.put("item", text(line.item.as_str()));
    o.put("variation", text(line.variation.as_str()));
    if let (Some((item, variation)), Some(lang)) =
        (catalog.variation(&line.variation), catalog.languages.first())
    {
        let names = [item.name.get(lang, &[]), variation.name.get(lang, &[])];
        let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        o.put("name", text(&names.join(", ")));
    }
    o.unless(!line.deposit, "deposit", || boolean(true));
}

fn tax_group(catalog: &Catalog, group: &TaxGroup) -> Node {
    let mut o = Fields::default();
    o.put("included", boolean(group.inclusive));
    o.put("amount", text(&catalog.currency.decimal(group.amount)));
    o.put("base", text(&catalog.currency.decimal(group.base)));
    o.put("taxes", list(&group.taxes, |total| tax_total(catalog, total)));
    o.done()
}

fn tax_total(catalog: &Catalog, total: &TaxTotal) -> Node {
    let mut o = Fields::default();
    o.put("rate", text(total.rate_id.as_str()));
    o.put("percent", text(&total.rate.to_string()));
    o.put("included", boolean(total.inclusive));
    o.put("base", text(&catalog.currency.decimal(total.base)));
    o.put("tax", text(&catalog.currency.decimal(total.tax)));
    o.done()
}
