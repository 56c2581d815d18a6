//! The words of the format for what the domain has as enums, the same for reading and writing.

use domain::cart::ServiceMode;
use domain::catalog::{Diet, GroupStyle, ItemKind, Poster, RestrictedKind, Tint};
use domain::time::Weekday;

pub(super) const MODES: &[(&str, ServiceMode)] = &[
    ("dine-in", ServiceMode::DineIn),
    ("take-away", ServiceMode::TakeAway),
    ("delivery", ServiceMode::Delivery),
];

pub(super) const POSTERS: &[(&str, Poster)] = &[("dish", Poster::Dish), ("burger", Poster::Burger)];

pub(super) const DAYS: &[(&str, Weekday)] = &[
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

pub(super) const TINTS: &[(&str, Tint)] = &[
    ("wheat", Tint::Wheat),
    ("butter", Tint::Butter),
    ("sage", Tint::Sage),
    ("mocha", Tint::Mocha),
    ("glass", Tint::Glass),
    ("blush", Tint::Blush),
];

pub(super) const STYLES: &[(&str, GroupStyle)] =
    &[("choice", GroupStyle::Choice), ("extra", GroupStyle::Extra), ("without", GroupStyle::Without)];

pub(super) const DIETS: &[(&str, Diet)] =
    &[("any", Diet::Any), ("vegetarian", Diet::Vegetarian), ("vegan", Diet::Vegan)];

pub(super) const LABEL_KINDS: &[(&str, RestrictedKind)] =
    &[("price", RestrictedKind::Price), ("weight", RestrictedKind::Weight)];

/// [`ItemKind`] without what a combo holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kinds {
    Product,
    Combo,
    Deposit,
    GiftCard,
}

pub(super) const KINDS: &[(&str, Kinds)] = &[
    ("product", Kinds::Product),
    ("combo", Kinds::Combo),
    ("deposit", Kinds::Deposit),
    ("gift-card", Kinds::GiftCard),
];

impl Kinds {
    pub(super) fn of(kind: &ItemKind) -> Self {
        match kind {
            ItemKind::Product => Self::Product,
            ItemKind::Combo(_) => Self::Combo,
            ItemKind::Deposit => Self::Deposit,
            ItemKind::GiftCard => Self::GiftCard,
        }
    }
}

/// The word for a value.
pub(super) fn word_of<T: PartialEq>(words: &'static [(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, known)| known == value).map_or("", |(word, _)| word)
}
