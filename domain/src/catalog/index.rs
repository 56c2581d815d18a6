//! What a catalog is asked for on every touch, found without walking through it.

use std::collections::BTreeMap;

use super::CatalogParts;
use crate::ids::{CategoryId, ItemId, VariationId};

/// Built once, when a catalog has been checked.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// The item of each variation and the position there.
    pub(super) variations: BTreeMap<VariationId, (ItemId, usize)>,
    /// The categories of each item.
    pub(super) categories: BTreeMap<ItemId, Vec<CategoryId>>,
}

impl Index {
    pub(super) fn of(parts: &CatalogParts) -> Self {
        let variations = parts
            .items
            .values()
            .flat_map(|item| {
                item.variations.iter().enumerate().map(|(at, v)| (v.id.clone(), (item.id.clone(), at)))
            })
            .collect();
        let mut categories: BTreeMap<ItemId, Vec<CategoryId>> = BTreeMap::new();
        for category in &parts.categories {
            for item in &category.items {
                categories.entry(item.clone()).or_default().push(category.id.clone());
            }
        }
        Self { variations, categories }
    }
}
