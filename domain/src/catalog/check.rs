//! Whether a catalog can be sold from.

use std::fmt;

use super::CatalogParts;

/// Something wrong with a catalog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CatalogProblem {
    /// Where, as a path in the catalog: `items.cola.variations.cola-03.price`.
    pub place: String,
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

impl CatalogParts {
    /// Everything that is wrong, in the order of the catalog; empty when it can be sold from.
    pub fn check(&self) -> Vec<CatalogProblem> {
        Vec::new()
    }
}
