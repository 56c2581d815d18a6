//! From the catalog to a tree in canonical form: fields in a fixed order, usual values left out.

mod goods;
mod shop;

use domain::catalog::{Allergens, CatalogParts, Poster};
use domain::money::{Currency, Minor};
use domain::text::{Lang, Text};
use domain::time::Date;

use super::FORMAT;
use super::node::{At, Field, Kind, Node};
use super::words::{POSTERS, word_of};

pub(super) fn document(c: &CatalogParts) -> Node {
    let w = Writer { currency: c.currency, default: c.languages.first().cloned() };
    let mut o = Fields::default();
    o.put("format", text(FORMAT));
    o.put("rev", number(c.rev));
    o.put("currency", currency(c.currency));
    o.put("languages", list(&c.languages, |l| text(l.as_str())));
    o.put("brand", w.words(&c.brand));
    o.unless(c.poster == Poster::Dish, "poster", || word(POSTERS, c.poster));
    o.unless(c.ready_minutes == 0, "ready_minutes", || number(c.ready_minutes));
    o.full("tips", list(&c.tips, |tip| w.tip(*tip)));
    o.put("tax_rates", list(&c.tax_rates, |(id, rate)| w.tax_rate(id, rate)));
    o.put("tax_rules", list(&c.tax_rules, shop::tax_rule));
    o.full("availability", list(&c.availability, |(id, window)| shop::availability(id, window)));
    o.put("categories", list(&c.categories, |category| w.category(category)));
    o.full("modifier_groups", list(c.groups.values(), |group| w.group(group)));
    o.put("items", list(c.items.values(), |item| w.item(item)));
    o.full("barcodes", list(&c.barcodes, |(code, barcode)| shop::barcode(code, barcode)));
    o.full("restricted_numbers", list(&c.restricted_numbers, shop::restricted_number));
    o.full("price_rules", list(&c.rules, |rule| w.price_rule(rule)));
    o.full("surcharges", list(&c.surcharges, |surcharge| w.surcharge(surcharge)));
    o.done()
}

fn currency(currency: Currency) -> Node {
    if Currency::from_code(currency.code()) == Some(currency) {
        return text(currency.code());
    }
    let mut o = Fields::default();
    o.put("code", text(currency.code()));
    o.put("decimals", number(currency.exponent));
    o.done()
}

/// What values are written against.
struct Writer {
    currency: Currency,
    default: Option<Lang>,
}

impl Writer {
    fn amount(&self, amount: Minor) -> Node {
        text(&self.currency.decimal(amount))
    }

    /// A text for the customer; short when there are words in the default language only.
    fn words(&self, words: &Text) -> Node {
        match (&self.default, words.0.first_key_value()) {
            (Some(default), Some((lang, only)))
                if words.0.len() == 1 && lang == default && !only.is_empty() =>
            {
                text(only)
            }
            _ => {
                let field = |(lang, words): (&Lang, &std::sync::Arc<str>)| field(lang.as_str(), text(words));
                Node::new(Kind::Object(words.0.iter().map(field).collect()))
            }
        }
    }
}

/// The fields of an object in the making.
#[derive(Default)]
pub(super) struct Fields(Vec<Field>);

impl Fields {
    pub(super) fn put(&mut self, name: &str, value: Node) {
        self.0.push(field(name, value));
    }

    /// Leaves out the usual value.
    pub(super) fn unless(&mut self, usual: bool, name: &str, value: impl FnOnce() -> Node) {
        if !usual {
            self.put(name, value());
        }
    }

    pub(super) fn some<T>(&mut self, name: &str, value: Option<T>, write: impl FnOnce(T) -> Node) {
        if let Some(value) = value {
            self.put(name, write(value));
        }
    }

    /// Leaves out an empty list or object.
    pub(super) fn full(&mut self, name: &str, value: Node) {
        let empty = match &value.kind {
            Kind::List(values) => values.is_empty(),
            Kind::Object(fields) => fields.is_empty(),
            Kind::Text(words) => words.is_empty(),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Cell(_) => false,
        };
        self.unless(empty, name, || value);
    }

    pub(super) fn done(self) -> Node {
        Node::new(Kind::Object(self.0))
    }
}

fn field(name: &str, value: Node) -> Field {
    Field { name: name.to_owned(), at: At::default(), value }
}

pub(super) fn text(words: &str) -> Node {
    Node::new(Kind::Text(words.to_owned()))
}

pub(super) fn number(number: impl ToString) -> Node {
    Node::new(Kind::Number(number.to_string()))
}

pub(super) fn boolean(value: bool) -> Node {
    Node::new(Kind::Bool(value))
}

pub(super) fn list<T>(values: impl IntoIterator<Item = T>, write: impl FnMut(T) -> Node) -> Node {
    Node::new(Kind::List(values.into_iter().map(write).collect()))
}

pub(super) fn word<T: PartialEq>(words: &'static [(&'static str, T)], value: T) -> Node {
    text(word_of(words, &value))
}

pub(super) fn date(date: Date) -> Node {
    text(&format!("{:04}-{:02}-{:02}", date.year, date.month, date.day))
}

fn allergens(set: Allergens) -> Node {
    list(set.names(), text)
}
