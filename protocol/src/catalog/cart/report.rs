//! A priced cart as a document: lines, tax groups, totals.

use domain::catalog::{Catalog, TipOffer};
use domain::ids::TaxRateId;
use domain::money::Minor;
use domain::pricing::{PriceContext, Priced, PricedLine, TaxGroup, TaxTotal, tip};

use super::super::node::Node;
use super::super::words::MODES;
use super::super::write::{Fields, boolean, date, list, number, text, word};

pub(super) fn document(catalog: &Catalog, context: &PriceContext, priced: &Priced) -> Node {
    let mut o = Fields::default();
    o.put("catalog_rev", number(catalog.rev));
    o.put("currency", text(catalog.currency.code()));
    o.put("mode", word(MODES, context.mode));
    o.put("date", date(context.date));
    o.put("lines", list(&priced.lines, |line| priced_line(catalog, line)));
    o.put(
        "surcharges",
        list(&priced.surcharges, |surcharge| {
            let mut o = Fields::default();
            o.put("id", text(surcharge.id.as_str()));
            o.put("amount", amount(catalog, surcharge.amount));
            o.full("taxes", taxes(catalog, &surcharge.taxes));
            o.done()
        }),
    );
    o.put("tax_groups", list(&priced.groups, |group| tax_group(catalog, group)));
    o.put("taxes", list(&priced.taxes, |total| tax_total(catalog, total)));
    o.put("discount", amount(catalog, priced.discount));
    o.put("total", amount(catalog, priced.total));
    o.full("tips", list(&catalog.tips, |offer| tip_offer(catalog, *offer, priced.total)));
    o.done()
}

fn amount(catalog: &Catalog, amount: Minor) -> Node {
    text(&catalog.currency.decimal(amount))
}

fn taxes(catalog: &Catalog, taxes: &[(TaxRateId, Minor)]) -> Node {
    list(taxes, |(rate, tax)| {
        let mut o = Fields::default();
        o.put("rate", text(rate.as_str()));
        o.put("tax", amount(catalog, *tax));
        o.done()
    })
}

fn priced_line(catalog: &Catalog, line: &PricedLine) -> Node {
    let mut o = Fields::default();
    describe(&mut o, catalog, line);
    o.put("quantity", text(&line.quantity.decimal()));
    o.put("unit", amount(catalog, line.unit));
    o.put("gross", amount(catalog, line.gross));
    o.full(
        "discounts",
        list(&line.discounts, |(rule, cut)| {
            let mut o = Fields::default();
            o.put("rule", text(rule.as_str()));
            o.put("amount", amount(catalog, *cut));
            o.done()
        }),
    );
    o.put("net", amount(catalog, line.net));
    o.full("taxes", taxes(catalog, &line.taxes));
    o.done()
}

fn tip_offer(catalog: &Catalog, offer: TipOffer, total: Minor) -> Node {
    let mut o = Fields::default();
    o.put(
        "offer",
        match offer {
            TipOffer::Fixed(fixed) => amount(catalog, fixed),
            TipOffer::Percent(rate) => text(&rate.to_string()),
        },
    );
    o.some("amount", tip(offer, total), |tip| amount(catalog, tip));
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
    o.put("amount", amount(catalog, group.amount));
    o.put("base", amount(catalog, group.base));
    o.put("taxes", list(&group.taxes, |total| tax_total(catalog, total)));
    o.done()
}

fn tax_total(catalog: &Catalog, total: &TaxTotal) -> Node {
    let mut o = Fields::default();
    o.put("rate", text(total.rate_id.as_str()));
    o.put("percent", text(&total.rate.to_string()));
    o.put("included", boolean(total.inclusive));
    o.put("base", amount(catalog, total.base));
    o.put("tax", amount(catalog, total.tax));
    o.done()
}
