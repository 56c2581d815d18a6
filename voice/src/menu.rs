//! What can be said of a catalog right now: its items in stock with their spoken names, sizes and modifiers.

use std::collections::{BTreeMap, BTreeSet};

use domain::catalog::{Catalog, ComboSlot, GroupStyle, Item, ItemKind, Price};
use domain::ids::{GroupId, ItemId, ModifierId, VariationId};
use domain::text::{Lang, Text};

use crate::text::words;

/// Most items of one menu; a larger one is refused, because two hundred screens are not a spoken choice.
pub const ITEMS_MAX: usize = 2_000;

/// Most spoken names of one item.
const NAMES_MAX: usize = 8;

/// Words at the end of a name that measure it (`0.5 l`); nobody says them.
const MEASURES: [&str; 8] = ["l", "cl", "ml", "g", "kg", "litre", "liter", "oz"];

/// Words that are never another name of an item, because they mean something else.
const NO_NAME: [&str; 18] = [
    "ice", "bun", "cob", "egg", "double", "single", "small", "medium", "large", "extra", "meal", "bowl",
    "classic", "weight", "bar", "salad", "cake", "melt",
];

/// Names and pronunciations that a shop adds to what its catalog says.
#[derive(Clone, Default)]
pub struct Sayings {
    /// Other spoken names of an item: "coke".
    pub aliases: BTreeMap<ItemId, Vec<String>>,
}

/// Something that can be ordered by voice.
#[derive(Clone, Debug)]
pub struct MenuItem {
    /// Which item of the catalog.
    pub id: ItemId,
    /// How it is called, its full name first; words that can be pronounced.
    pub names: Vec<String>,
    /// Its sizes: index into [`Menu::sizes`] and the variation. Empty when there is only one.
    pub sizes: Vec<(usize, VariationId)>,
    /// Its choices.
    pub options: Vec<MenuOption>,
    /// What goes into it, as indices of items, when it is a combo.
    pub picks: Vec<usize>,
}

/// A choice of an item.
#[derive(Clone, Debug)]
pub struct MenuOption {
    /// Index into [`Menu::modifiers`].
    pub name: usize,
    /// The modifier's group.
    pub group: GroupId,
    /// The modifier.
    pub modifier: ModifierId,
    /// What its group asks.
    pub style: GroupStyle,
}

/// Everything that can be said of the goods.
#[derive(Clone, Debug, Default)]
pub struct Menu {
    /// The goods, in the order of their ids.
    pub items: Vec<MenuItem>,
    /// Every way to name a size.
    pub sizes: Vec<String>,
    /// Every name of a modifier.
    pub modifiers: Vec<String>,
}

/// The menu is too large to be spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a menu of {items} items cannot be ordered from by voice, {ITEMS_MAX} can: offer one category at a time"
)]
pub struct MenuTooLarge {
    items: usize,
}

impl Menu {
    /// Reads the names out of a catalog. `can_sell`: in stock and to be had at this time.
    ///
    /// # Errors
    /// More than [`ITEMS_MAX`] items.
    pub fn of(
        catalog: &Catalog,
        lang: &Lang,
        sayings: &Sayings,
        can_sell: &dyn Fn(&Item) -> bool,
    ) -> Result<Self, MenuTooLarge> {
        let listed: BTreeSet<&ItemId> = catalog.categories.iter().flat_map(|c| &c.items).collect();
        let meals: BTreeSet<&ItemId> =
            catalog.items.values().filter_map(|item| item.meal.as_ref()).map(|meal| &meal.combo).collect();
        let is_said = |item: &&Item| {
            let is_priced = item.variations.iter().all(|v| matches!(v.price, Price::Fixed(_)));
            let is_sold = matches!(item.kind, ItemKind::Product | ItemKind::Combo(_));
            let is_shown = listed.contains(&item.id) || meals.contains(&item.id);
            is_sold && is_priced && is_shown && can_sell(item)
        };
        let chosen: Vec<&Item> = catalog.items.values().filter(is_said).collect();
        if chosen.len() > ITEMS_MAX {
            return Err(MenuTooLarge { items: chosen.len() });
        }
        let says = |text: &Text| words(text.get(lang, &catalog.languages));
        let mut menu = Self::default();
        let mut names = Names::default();
        let modifiers = catalog.groups.values().flat_map(|group| &group.modifiers);
        names.taken.extend(modifiers.map(|modifier| says(&modifier.name).join(" ")));
        for item in &chosen {
            let full = spoken(says(&item.name));
            let own = sayings.aliases.get(&item.id).into_iter().flatten().map(|alias| words(alias));
            names.add(full, own.collect());
        }
        for (at, item) in chosen.iter().enumerate() {
            let sizes = menu.add_sizes(item, &says);
            let options = menu.add_options(catalog, item, &says);
            let picks = picks(item.slots(), catalog, &chosen);
            menu.items.push(MenuItem {
                id: item.id.clone(),
                names: names.of(at, !picks.is_empty()),
                sizes,
                options,
                picks,
            });
        }
        Ok(menu)
    }

    /// Sizes by their names; measures (`0.3 l`) are called small, medium and large, in their order.
    fn add_sizes(&mut self, item: &Item, says: &dyn Fn(&Text) -> Vec<String>) -> Vec<(usize, VariationId)> {
        const BY_COUNT: [&[&str]; 4] = [&[], &[], &["small", "large"], &["small", "medium", "large"]];
        if item.variations.len() < 2 {
            return Vec::new();
        }
        let ranked = BY_COUNT.get(item.variations.len()).copied().unwrap_or_default();
        let mut sizes = Vec::new();
        for (at, variation) in item.variations.iter().enumerate() {
            let said = says(&variation.name);
            let is_measure = said.last().is_some_and(|last| MEASURES.contains(&last.as_str()));
            let name =
                if is_measure { ranked.get(at).map(|name| (*name).to_owned()) } else { Some(said.join(" ")) };
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                sizes.push((place(&mut self.sizes, &name), variation.id.clone()));
            }
        }
        sizes
    }

    fn add_options(
        &mut self,
        catalog: &Catalog,
        item: &Item,
        says: &dyn Fn(&Text) -> Vec<String>,
    ) -> Vec<MenuOption> {
        let mut options = Vec::new();
        for offered in &item.groups {
            let Some(group) = catalog.groups.get(&offered.group) else { continue };
            let shown = group.modifiers.iter().filter(|m| !m.sold_out && !offered.hidden.contains(&m.id));
            for modifier in shown {
                let said = says(&modifier.name);
                if said.is_empty() {
                    continue;
                }
                let name = place(&mut self.modifiers, &said.join(" "));
                options.push(MenuOption {
                    name,
                    group: group.id.clone(),
                    modifier: modifier.id.clone(),
                    style: group.style,
                });
            }
        }
        options
    }

    /// The item of an id.
    pub fn position(&self, id: &ItemId) -> Option<usize> {
        self.items.iter().position(|item| item.id == *id)
    }
}

fn picks(slots: &[ComboSlot], catalog: &Catalog, chosen: &[&Item]) -> Vec<usize> {
    let variations = slots.iter().flat_map(|slot| &slot.choices).map(|choice| &choice.variation);
    let items: BTreeSet<&ItemId> =
        variations.filter_map(|id| catalog.variation(id)).map(|(item, _)| &item.id).collect();
    chosen.iter().enumerate().filter(|(_, item)| items.contains(&item.id)).map(|(at, _)| at).collect()
}

fn place(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}

/// The name without its measure at the end.
fn spoken(mut name: Vec<String>) -> Vec<String> {
    if name.len() > 2 && name.last().is_some_and(|last| MEASURES.contains(&last.as_str())) {
        name.pop();
        let number =
            crate::text::words("0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 30 40 50 60 70 80 90");
        while name.len() > 1
            && name.last().is_some_and(|last| last == "point" || last == "hundred" || number.contains(last))
        {
            name.pop();
        }
    }
    name
}

/// The names of all items, which decide together what else an item may be called.
#[derive(Default)]
struct Names {
    /// What a modifier is called, an item is not.
    taken: BTreeSet<String>,
    full: Vec<Vec<String>>,
    own: Vec<Vec<Vec<String>>>,
}

impl Names {
    fn add(&mut self, full: Vec<String>, own: Vec<Vec<String>>) {
        self.full.push(full);
        self.own.push(own);
    }

    /// Its name, what the shop adds, the same without "and", and its last word: several items may share that
    /// one, and then the customer is asked. A full name of another item is never among them.
    fn of(&self, at: usize, is_combo: bool) -> Vec<String> {
        let full = &self.full[at];
        let mut names = vec![full.clone()];
        names.extend(self.own[at].iter().cloned());
        if full.iter().any(|word| word == "and") {
            names.push(full.iter().filter(|word| *word != "and").cloned().collect());
        }
        if is_combo && let Some((last, first)) = full.split_last().filter(|(last, _)| *last == "meal") {
            let others = ["meal", "combo", "menu"].into_iter().filter(|word| word != last);
            names.extend(others.map(|word| [first, &[word.to_owned()]].concat()));
        } else if let Some(last) = full.last().filter(|last| self.is_name(last)) {
            names.push(vec![last.clone()]);
        }
        let mut out: Vec<String> = Vec::new();
        for (rank, name) in names.iter().enumerate() {
            let is_taken =
                rank > 0 && self.full.iter().enumerate().any(|(other, full)| other != at && full == name);
            let name = name.join(" ");
            if !name.is_empty() && !is_taken && !out.contains(&name) {
                out.push(name);
            }
        }
        out.truncate(NAMES_MAX);
        out
    }

    fn is_name(&self, word: &str) -> bool {
        word.len() >= 3 && !NO_NAME.contains(&word) && !self.taken.contains(word)
    }
}
