//! The allergens that must be declared.

/// The 14 allergens of EU regulation 1169/2011 as a set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Allergens(pub u16);

impl Allergens {
    /// The names, in bit order.
    pub const NAMES: [&'static str; 14] = [
        "celery",
        "crustaceans",
        "egg",
        "fish",
        "gluten",
        "lupin",
        "milk",
        "molluscs",
        "mustard",
        "peanuts",
        "sesame",
        "soy",
        "sulphites",
        "nuts",
    ];

    /// Everything in either set.
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Everything here that is not in `other`.
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The names of the members.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().enumerate().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, n)| n)
    }

    /// The set with the one allergen of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().position(|n| *n == name).map(|bit| Self(1 << bit))
    }
}
