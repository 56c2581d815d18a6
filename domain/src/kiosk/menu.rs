//! The active catalog with what the core asks it on every touch.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::{Catalog, Category, ComboSlot, Item, Tint};
use crate::ids::{CategoryId, ItemId, SlotId, VariationId};
use crate::text::{Lang, Text};

/// The active catalog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Menu {
    /// The catalog.
    pub catalog: Arc<Catalog>,
    /// SHA-256 of its document.
    pub sha256: [u8; 32],
    /// Position of the first category that holds an item: it gives the item its colour.
    home: BTreeMap<ItemId, usize>,
}

impl Menu {
    /// Indexes a catalog.
    pub fn new(catalog: Arc<Catalog>, sha256: [u8; 32]) -> Self {
        let mut home = BTreeMap::new();
        for (position, category) in catalog.categories.iter().enumerate() {
            for item in &category.items {
                home.entry(item.clone()).or_insert(position);
            }
        }
        Self { catalog, sha256, home }
    }

    /// A category by its id.
    pub fn category(&self, id: &CategoryId) -> Option<&Category> {
        self.catalog.categories.iter().find(|c| c.id == *id)
    }

    /// The first category that holds an item.
    pub fn home(&self, item: &ItemId) -> Option<&Category> {
        self.home.get(item).and_then(|at| self.catalog.categories.get(*at))
    }

    /// The colour of an item.
    pub fn tint(&self, item: &ItemId) -> Tint {
        self.home(item).map_or(Tint::Wheat, |category| category.tint)
    }

    /// What a version of an item looks like, with these picks for its slots if it is a combo. A combo without a
    /// picture of its own, or with that of one of its parts, looks like what was picked for that part.
    pub fn picture<'a>(
        &self,
        item: &Item,
        variation: &VariationId,
        mut picks: impl Iterator<Item = (&'a SlotId, &'a VariationId)>,
    ) -> Arc<str> {
        let version = item.variations.iter().find(|v| v.id == *variation);
        let own = version.map_or(&item.picture, |version| item.picture_of(version));
        let part_picture = |id: &VariationId| {
            self.catalog.variation(id).map(|(part, version)| part.picture_of(version).clone())
        };
        let is_shown = |slot: &&ComboSlot| {
            own.is_empty() || slot.choices.iter().any(|c| part_picture(&c.variation).as_ref() == Some(own))
        };
        let shown = item.slots().iter().find(is_shown);
        let picked = shown.and_then(|slot| picks.find(|(of, _)| **of == slot.id));
        let picked = picked.and_then(|(_, part)| part_picture(part)).filter(|picture| !picture.is_empty());
        picked.unwrap_or_else(|| own.clone())
    }

    /// Words in a language, shared rather than copied.
    pub fn words(&self, text: &Text, lang: &Lang) -> Arc<str> {
        words(text, lang, &self.catalog.languages)
    }
}

/// The words of `text` in `lang`, as [`Text::get`] finds them, shared rather than copied.
pub fn words(text: &Text, lang: &Lang, fallback: &[Lang]) -> Arc<str> {
    if let Some(words) = text.0.get(lang) {
        return words.clone();
    }
    let found = text.get(lang, fallback);
    text.0.values().find(|words| ***words == *found).cloned().unwrap_or_else(|| found.into())
}
