//! Whether a catalog can be sold from. Every problem is found in one go and named by its place, in the order
//! of the document.

mod codes;
mod combos;
mod general;
mod hints;
mod items;
mod menu;
mod modifiers;
mod rules;
mod taxes;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{CatalogParts, Item, Variation, limits};
use crate::ids::{TaxClassId, VariationId};

/// Something wrong with a catalog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CatalogProblem {
    /// Where.
    pub place: Place,
    /// What is wrong there.
    pub what: String,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for CatalogProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.what, self.remedy)
    }
}

/// A place in a catalog: the names of the document's fields and the ids of things, from the outside in.
/// Shown as `items.cola.variations.cola-03.price`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place(Vec<String>);

impl Place {
    /// The place with these steps.
    pub fn new<'s>(steps: impl IntoIterator<Item = &'s str>) -> Self {
        Self(steps.into_iter().map(str::to_owned).collect())
    }

    /// The steps, from the outside in.
    pub fn steps(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

impl CatalogParts {
    /// Everything that is wrong, in the order of the document, at most [`limits::MAX_PROBLEMS`]; empty when it
    /// can be sold from. Whether taxes are known on a given date is [`CatalogParts::check_on`].
    pub fn check(&self) -> Vec<CatalogProblem> {
        let mut check = Check::of(self);
        check.general();
        check.tax_rates();
        check.tax_rules();
        check.availability();
        check.categories();
        check.groups();
        check.items();
        check.codes();
        check.rules();
        check.surcharges();
        check.found
    }
}

/// A check at work.
struct Check<'c> {
    parts: &'c CatalogParts,
    /// Each variation with its item; of two with the same id the first.
    variations: BTreeMap<&'c VariationId, (&'c Item, &'c Variation)>,
    /// Tax classes with at least one rule.
    classes: BTreeSet<&'c TaxClassId>,
    found: Vec<CatalogProblem>,
    missing: hints::Missing,
}

impl<'c> Check<'c> {
    fn of(parts: &'c CatalogParts) -> Self {
        let mut variations = BTreeMap::new();
        for item in parts.items.values() {
            for variation in &item.variations {
                variations.entry(&variation.id).or_insert((item, variation));
            }
        }
        let classes = parts.tax_rules.iter().map(|rule| &rule.class).collect();
        Self { parts, variations, classes, found: Vec::new(), missing: BTreeMap::new() }
    }

    fn report(&mut self, place: &[&str], what: impl Into<String>, remedy: impl Into<String>) {
        if self.found.len() < limits::MAX_PROBLEMS {
            let place = Place::new(place.iter().copied());
            self.found.push(CatalogProblem { place, what: what.into(), remedy: remedy.into() });
        }
    }

    fn at_most(&mut self, place: &[&str], count: usize, most: usize) {
        if count > most {
            self.report(place, format!("{count} entries"), format!("keep it to {most}"));
        }
    }
}

/// The first value that is there twice.
fn twice<T: Ord>(values: impl IntoIterator<Item = T>) -> Option<T> {
    let mut seen = BTreeSet::new();
    for value in values {
        if seen.contains(&value) {
            return Some(value);
        }
        seen.insert(value);
    }
    None
}
