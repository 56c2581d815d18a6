//! Whether a catalog can be sold from.

use std::fmt;

use super::CatalogParts;

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
    /// Everything that is wrong, in the order of the catalog; empty when it can be sold from.
    pub fn check(&self) -> Vec<CatalogProblem> {
        Vec::new()
    }
}
