//! A cart as a file, and its price as a file: what `kioskctl price` reads and writes. `docs/pricing.md` has
//! an example of each.

mod report;

use domain::cart::{Cart, CartLine, ComboPick, LabelValue, ModifierChoice, ServiceMode};
use domain::catalog::{Catalog, Price};
use domain::ids::{GroupId, ItemId, LineId, ModifierId, RuleId, SlotId, VariationId};
use domain::money::Quantity;
use domain::pricing::{PriceContext, PriceError, price};
use domain::time::{Date, LocalTime, Weekday};

use super::error::{Fault, ImportErrors, of};
use super::fields::{Object, Path, Reader, list};
use super::node::{At, Kind, Node, shown};
use super::values::{amount, date, id, number, quantity, string, time_of_day, word};
use super::words::MODES;
use super::{json, pretty};

/// Prices the cart in `text` and writes the result as JSON. `name` is the file's name, for messages.
///
/// # Errors
/// What cannot be read, what the catalog does not have, and what cannot be priced, with its place in the text.
pub fn price_file(catalog: &Catalog, text: &str, name: &str) -> Result<String, ImportErrors> {
    let errors = |faults: Vec<Fault>| {
        let files = [name.into()];
        ImportErrors::new(faults.into_iter().map(|fault| of(fault, &files)).collect())
    };
    let root = json::parse(text).map_err(|fault| errors(vec![fault]))?;
    let (cart, context) = read(catalog, &root).map_err(errors)?;
    let priced = price(catalog, &cart, &context).map_err(|why| errors(vec![blame(&root, &why)]))?;
    Ok(pretty::print(&report::document(catalog, &context, &priced)))
}

fn read(catalog: &Catalog, root: &Node) -> Result<(Cart, PriceContext), Vec<Fault>> {
    let languages = catalog.languages.clone();
    let mut reader = Reader { faults: Vec::new(), currency: catalog.currency, languages };
    match document(&mut reader, root, catalog) {
        Some(cart) if reader.faults.is_empty() => Ok(cart),
        Some(_) | None => Err(reader.faults),
    }
}

fn document(reader: &mut Reader, root: &Node, catalog: &Catalog) -> Option<(Cart, PriceContext)> {
    let mut o = Object::open(reader, root, &Path::ROOT)?;
    let mode: Option<ServiceMode> = o.required("mode", word(MODES));
    let date = o.required("date", date);
    let minute = o.or("time", 12 * 60, time_of_day);
    let coupons = o.list("coupons", |r: &mut Reader, n: &Node, p: &Path| coupon(r, n, p, catalog));
    let lines = o.required("lines", |r: &mut Reader, n: &Node, p: &Path| {
        list(r, n, p, |r: &mut Reader, n: &Node, p: &Path| line(r, n, p, catalog))
    });
    o.finish();
    let mut lines = lines?;
    for (line, id) in lines.iter_mut().zip(1..) {
        line.id = LineId(id);
    }
    let date = date?;
    let at = LocalTime { date, weekday: weekday(date)?, minute: minute?.min(24 * 60 - 1), second: 0 };
    let cart = Cart { lines, coupons: coupons?.into_iter().flatten().collect() };
    Some((cart, PriceContext { mode: mode?, at, date }))
}

/// The rules that a coupon's code unlocks.
fn coupon(reader: &mut Reader, node: &Node, path: &Path, catalog: &Catalog) -> Option<Vec<RuleId>> {
    let code = string(reader, node, path)?;
    let unlocked = catalog.rules.iter().filter(|rule| rule.coupon.as_deref() == Some(code));
    let rules: Vec<RuleId> = unlocked.map(|rule| rule.id.clone()).collect();
    if rules.is_empty() {
        let what = format!("the catalog has no coupon \"{}\"", shown(code));
        return reader.fault(node, path, what, "write the code as the rule has it in \"coupon\"");
    }
    Some(rules)
}

fn line(reader: &mut Reader, node: &Node, path: &Path, catalog: &Catalog) -> Option<CartLine> {
    let mut o = Object::open(reader, node, path)?;
    let item = o.maybe("item", id(ItemId::new));
    let variation = o.maybe("variation", id(VariationId::new));
    let pieces = o.maybe("quantity", pieces);
    let weight = o.maybe("weight", quantity);
    let printed = o.maybe("label_price", amount);
    let modifiers = o.list("modifiers", modifier);
    let picks = o.list("picks", pick);
    let (item, variation) = match (item?, variation?) {
        (None, None) => o.fault("neither \"item\" nor \"variation\"", "say what is bought"),
        (given, Some(id)) => match catalog.variation(&id) {
            Some((item, _)) if given.as_ref().is_none_or(|given| *given == item.id) => {
                Some((item.id.clone(), id))
            }
            Some(_) | None => o.fault(format!("the catalog has no such variation {id}"), "correct the id"),
        },
        (Some(id), None) => match catalog.item(&id).and_then(|item| item.variations.first()) {
            Some(first) => Some((id, first.id.clone())),
            None => o.fault(format!("the catalog has no item {id}"), "correct the id"),
        },
    }?;
    let (pieces, weight, printed) = (pieces?, weight?, printed?);
    let by_weight =
        catalog.variation(&variation).is_some_and(|(_, v)| matches!(v.price, Price::PerWeight(_)));
    let label = match (weight, printed) {
        (Some(_), Some(_)) => o.fault("both \"weight\" and \"label_price\"", "write what the label says"),
        (None, Some(price)) => Some(Some(LabelValue::Price(price))),
        (Some(_), None) if by_weight => Some(Some(LabelValue::Weight)),
        (Some(_), None) => o.fault(format!("{variation} has no price by weight"), "write a quantity"),
        (None, None) if by_weight => o.fault("the weight is missing", "write \"weight\" in kilograms"),
        (None, None) => Some(None),
    };
    o.finish();
    let quantity = weight.or(pieces).unwrap_or(Quantity::ONE);
    let id = LineId(0);
    Some(CartLine { id, item, variation, quantity, modifiers: modifiers?, picks: picks?, label: label? })
}

/// A whole number of pieces, negative for returned deposits; or a decimal in quotes.
fn pieces(reader: &mut Reader, node: &Node, path: &Path) -> Option<Quantity> {
    if matches!(node.kind, Kind::Text(_)) {
        return quantity(reader, node, path);
    }
    let pieces: i32 = number(reader, node, path)?;
    Some(Quantity(i64::from(pieces) * Quantity::ONE.0))
}

fn modifier(reader: &mut Reader, node: &Node, path: &Path) -> Option<ModifierChoice> {
    let mut o = Object::open(reader, node, path)?;
    let group = o.required("group", id(GroupId::new));
    let modifier = o.required("modifier", id(ModifierId::new));
    let count = o.or("count", 1, number::<u32>);
    o.finish();
    Some(ModifierChoice { group: group?, modifier: modifier?, count: count? })
}

fn pick(reader: &mut Reader, node: &Node, path: &Path) -> Option<ComboPick> {
    let mut o = Object::open(reader, node, path)?;
    let slot = o.required("slot", id(SlotId::new));
    let variation = o.required("variation", id(VariationId::new));
    let count = o.or("count", 1, number::<u32>);
    let modifiers = o.list("modifiers", modifier);
    o.finish();
    Some(ComboPick { slot: slot?, variation: variation?, count: count?, modifiers: modifiers? })
}

fn weekday(date: Date) -> Option<Weekday> {
    let (month, day) = (i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?);
    let civil = jiff::civil::Date::new(date.year, month, day).ok()?;
    Some(match civil.weekday() {
        jiff::civil::Weekday::Monday => Weekday::Monday,
        jiff::civil::Weekday::Tuesday => Weekday::Tuesday,
        jiff::civil::Weekday::Wednesday => Weekday::Wednesday,
        jiff::civil::Weekday::Thursday => Weekday::Thursday,
        jiff::civil::Weekday::Friday => Weekday::Friday,
        jiff::civil::Weekday::Saturday => Weekday::Saturday,
        jiff::civil::Weekday::Sunday => Weekday::Sunday,
    })
}

/// Where in the file the line stands that cannot be priced.
fn blame(root: &Node, why: &PriceError) -> Fault {
    let line = match why {
        PriceError::UnknownReference { line, .. }
        | PriceError::Choice { line, .. }
        | PriceError::NoTax { line }
        | PriceError::Quantity { line }
        | PriceError::DuplicateLine { line } => Some(line.0),
        PriceError::NoSurchargeTax { .. } | PriceError::TooManyLines | PriceError::Overflow => None,
    };
    let place = line.and_then(|line| {
        let position = usize::try_from(line).ok()?.checked_sub(1)?;
        line_at(root, position).map(|at| (at, format!("lines[{position}]")))
    });
    let (at, path) = place.unwrap_or((root.at, String::new()));
    let instead = match why {
        PriceError::UnknownReference { .. } => "correct the id",
        PriceError::Choice { .. } => "choose within the limits of the catalog",
        PriceError::NoTax { .. } | PriceError::NoSurchargeTax { .. } => "add a tax rule to the catalog",
        PriceError::Quantity { .. } => "write whole pieces, at most 10,000; only deposits come back",
        PriceError::DuplicateLine { .. } | PriceError::TooManyLines | PriceError::Overflow => {
            "make it smaller"
        }
    };
    Fault { at, path, what: why.to_string(), instead: instead.to_owned() }
}

fn line_at(root: &Node, position: usize) -> Option<At> {
    let Kind::Object(fields) = &root.kind else { return None };
    let Kind::List(lines) = &fields.iter().find(|f| f.name == "lines")?.value.kind else { return None };
    lines.get(position).map(|line| line.at)
}
