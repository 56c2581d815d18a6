//! What a catalog is asked for on every touch, found without walking through it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::CatalogParts;
use super::codes::normal;
use crate::ids::{CategoryId, ItemId, VariationId};

/// Built once, when a catalog has been checked.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// The item of each variation and the position there.
    pub(super) variations: BTreeMap<VariationId, (ItemId, usize)>,
    /// The categories of each item.
    pub(super) categories: BTreeMap<ItemId, Vec<CategoryId>>,
    /// Bar codes in normal form, and as they are in the catalog.
    pub(super) codes: BTreeMap<String, Arc<str>>,
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
        let codes = parts.barcodes.keys().map(|code| (normal(code), code.clone())).collect();
        Self { variations, categories, codes }
    }
}
