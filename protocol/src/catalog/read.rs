//! From the tree to the catalog, one function per kind of object. Only reading: what does not fit together
//! is the domain's to find.

mod goods;
mod shop;

use std::collections::BTreeMap;

use domain::catalog::limits::MAX_WORD_CHARS;
use domain::catalog::{CatalogParts, Poster};
use domain::money::Currency;
use domain::text::{Lang, Text};

use super::FORMAT;
use super::error::Fault;
use super::fields::{Object, Path, Read, Reader, list};
use super::node::{At, Kind, Node, shown};
use super::values::{currency, language, number, string, text, word};
use super::words::POSTERS;

/// Reads a whole document.
pub(super) fn catalog(root: &Node) -> Result<CatalogParts, Vec<Fault>> {
    let mut reader = Reader { faults: Vec::new(), currency: Currency::EUR, languages: Vec::new() };
    let parts = document(&mut reader, root);
    match parts {
        Some(parts) if reader.faults.is_empty() => Ok(parts),
        Some(_) | None => Err(reader.faults),
    }
}

fn document(reader: &mut Reader, root: &Node) -> Option<CatalogParts> {
    let mut o = Object::open(reader, root, &Path::ROOT)?;
    o.required("format", format)?;
    // Everything else is read against these two.
    let currency = o.required("currency", currency);
    if let Some(currency) = currency {
        o.reader.currency = currency;
    }
    let languages = o.required("languages", |r: &mut Reader, n: &Node, p: &Path| list(r, n, p, language));
    o.reader.languages = languages.clone().unwrap_or_default();
    if languages.as_ref().is_some_and(Vec::is_empty) {
        return o.fault("\"languages\" is empty", "write at least one language, the default first");
    }
    let languages = languages?;

    let rev = o.required("rev", number::<u64>);
    let brand = o.required("brand", text);
    let poster = o.or("poster", Poster::Dish, word(POSTERS));
    let ready_minutes = o.or("ready_minutes", 0, number::<u32>);
    let tips = o.list("tips", shop::tip);
    let tax_rates = o.keyed("tax_rates", shop::tax_rate);
    let tax_rules = o.list("tax_rules", shop::tax_rule);
    let availability = o.keyed("availability", shop::availability);
    let categories = o.list("categories", shop::category);
    let groups = o.keyed("modifier_groups", goods::group);
    let items = o.keyed("items", goods::item);
    let barcodes = o.keyed("barcodes", shop::barcode);
    let restricted_numbers = o.list("restricted_numbers", shop::restricted_number);
    let rules = o.list("price_rules", shop::price_rule);
    let surcharges = o.list("surcharges", shop::surcharge);
    o.finish();
    Some(CatalogParts {
        rev: rev?,
        currency: currency?,
        languages,
        brand: brand?,
        poster: poster?,
        tax_rates: tax_rates?,
        tax_rules: tax_rules?,
        categories: categories?,
        items: items?,
        groups: groups?,
        availability: availability?,
        barcodes: barcodes?,
        restricted_numbers: restricted_numbers?,
        rules: rules?,
        surcharges: surcharges?,
        tips: tips?,
        ready_minutes: ready_minutes?,
    })
}

fn format(reader: &mut Reader, node: &Node, path: &Path) -> Option<()> {
    let words = string(reader, node, path)?;
    if words == FORMAT {
        return Some(());
    }
    let what = format!("this program reads {FORMAT}, not \"{}\"", shown(words));
    reader.fault(node, path, what, "install a program that knows the format, or write its name right")
}

impl<'d> Object<'_, 'd> {
    /// A list of things that each have an id of their own; missing, it is empty.
    fn keyed<K: Ord, T>(
        &mut self,
        name: &'static str,
        mut read: impl Read<'d, (K, T)>,
    ) -> Option<BTreeMap<K, T>> {
        let read = |r: &mut Reader, n: &'d Node, p: &Path| read(r, n, p).map(|(k, t)| (k, n.at, t));
        let values: Vec<(K, At, T)> = self.list(name, read)?;
        let mut all: BTreeMap<K, (At, T)> = BTreeMap::new();
        let mut unique = true;
        for (key, at, value) in values {
            if let Some((first, _)) = all.get(&key) {
                unique = false;
                let what = format!("this id is there twice, first in line {}", first.line);
                let node = Node { at, kind: Kind::Null };
                let path = Path::ROOT;
                let _: Option<()> = self.reader.fault(&node, &path.then(name), what, "choose another id");
                continue;
            }
            all.insert(key, (at, value));
        }
        unique.then(|| all.into_iter().map(|(key, (_, value))| (key, value)).collect())
    }
}

/// A text for the customer that may be missing.
fn optional_text(o: &mut Object, name: &'static str) -> Option<Text> {
    o.or(name, Text::default(), text)
}

/// The words a kitchen ticket shows when the catalog has none of its own.
fn kitchen_name(reader: &Reader, given: Option<std::sync::Arc<str>>, name: &Text) -> std::sync::Arc<str> {
    let default = reader.languages.first().cloned().unwrap_or_else(|| Lang::new("en"));
    given.unwrap_or_else(|| usual_kitchen_name(name, &default).into())
}

/// What the kitchen reads if nobody has written something else: the name, as far as a ticket has room for it.
pub(super) fn usual_kitchen_name(name: &Text, default: &Lang) -> String {
    name.get(default, &[]).chars().take(MAX_WORD_CHARS).collect::<String>().trim_end().to_owned()
}
