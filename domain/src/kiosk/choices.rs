//! The choices an item asks for: which modifiers, how many, what is still open. Pure rules over the catalog,
//! shared by the item page, the meal page, the cart and the views.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cart::ModifierChoice;
use crate::catalog::{Catalog, GroupStyle, Item, ItemGroup, Modifier, ModifierGroup};
use crate::ids::{GroupId, ModifierId};
use crate::money::Minor;
use crate::text::Text;

/// How often each modifier was chosen; no entry for zero.
pub(super) type Chosen = BTreeMap<(GroupId, ModifierId), u32>;

/// A modifier group as one item has it.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub group: &'a ModifierGroup,
    link: &'a ItemGroup,
    pub min: u32,
    pub max: u32,
}

impl<'a> Asked<'a> {
    /// The modifiers on offer, in order.
    pub fn options(self) -> impl Iterator<Item = &'a Modifier> {
        self.group.modifiers.iter().filter(move |m| !self.link.hidden.contains(&m.id))
    }

    pub fn option(self, id: &ModifierId) -> Option<&'a Modifier> {
        self.options().find(|m| m.id == *id)
    }

    /// Whether a modifier is chosen from the start.
    pub fn is_default(self, modifier: &Modifier) -> bool {
        self.link.defaults.as_ref().map_or(modifier.default, |ids| ids.contains(&modifier.id))
    }

    /// How many were chosen, counting repeats.
    pub fn count(self, chosen: &Chosen) -> u32 {
        self.options().map(|m| self.count_of(chosen, &m.id)).sum()
    }

    pub fn count_of(self, chosen: &Chosen, modifier: &ModifierId) -> u32 {
        chosen.get(&(self.group.id.clone(), modifier.clone())).copied().unwrap_or(0)
    }

    fn set(self, chosen: &mut Chosen, modifier: &ModifierId, count: u32) {
        let key = (self.group.id.clone(), modifier.clone());
        if count == 0 {
            chosen.remove(&key);
        } else {
            chosen.insert(key, count);
        }
    }
}

/// What an item asks, in the order shown.
pub(super) fn asked<'a>(catalog: &'a Catalog, item: &'a Item) -> impl Iterator<Item = Asked<'a>> {
    item.groups.iter().filter_map(|link| {
        let group = catalog.groups.get(&link.group)?;
        let (min, max) = (link.min.unwrap_or(group.min), link.max.unwrap_or(group.max));
        Some(Asked { group, link, min, max })
    })
}

fn find<'a>(catalog: &'a Catalog, item: &'a Item, group: &GroupId) -> Option<Asked<'a>> {
    asked(catalog, item).find(|asked| asked.group.id == *group)
}

/// What is chosen from the start. Something sold out is not.
pub(super) fn defaults(catalog: &Catalog, item: &Item) -> Chosen {
    let mut chosen = Chosen::new();
    for asked in asked(catalog, item) {
        for modifier in asked.options().filter(|m| asked.is_default(m) && !m.sold_out) {
            if asked.count(&chosen) < asked.max {
                asked.set(&mut chosen, &modifier.id, 1);
            }
        }
    }
    chosen
}

/// The defaults, with what is required beyond them filled from the front: for the parts of a meal, which have no
/// page of their own.
pub(super) fn filled(catalog: &Catalog, item: &Item) -> Chosen {
    let mut chosen = defaults(catalog, item);
    for asked in asked(catalog, item) {
        for modifier in asked.options().filter(|m| !m.sold_out) {
            let open = asked.min.saturating_sub(asked.count(&chosen));
            if open > 0 && asked.count_of(&chosen, &modifier.id) == 0 {
                asked.set(&mut chosen, &modifier.id, open.min(modifier.max));
            }
        }
    }
    chosen
}

/// The first group in which something must still be chosen.
pub(super) fn missing(catalog: &Catalog, item: &Item, chosen: &Chosen) -> Option<GroupId> {
    asked(catalog, item).find(|asked| asked.count(chosen) < asked.min).map(|asked| asked.group.id.clone())
}

/// Chooses or un-chooses; where only one can be chosen it replaces the other. `false`: not possible.
pub(super) fn toggle(
    catalog: &Catalog,
    item: &Item,
    chosen: &mut Chosen,
    group: &GroupId,
    modifier: &ModifierId,
) -> bool {
    let Some(asked) = find(catalog, item, group) else { return false };
    let Some(option) = asked.option(modifier) else { return false };
    if asked.count_of(chosen, modifier) > 0 {
        // The one answer to a question that must be answered can be replaced, not taken back.
        if asked.max == 1 && asked.min == 1 {
            return true;
        }
        asked.set(chosen, modifier, 0);
        return true;
    }
    if option.sold_out {
        return false;
    }
    if asked.max == 1 {
        for other in asked.options() {
            asked.set(chosen, &other.id, 0);
        }
    } else if asked.count(chosen) >= asked.max {
        return false;
    }
    asked.set(chosen, modifier, 1);
    true
}

/// More or fewer of a modifier. `false`: not possible.
pub(super) fn add(
    catalog: &Catalog,
    item: &Item,
    chosen: &mut Chosen,
    (group, modifier): (&GroupId, &ModifierId),
    delta: i32,
) -> bool {
    let Some(asked) = find(catalog, item, group) else { return false };
    let Some(option) = asked.option(modifier) else { return false };
    let now = asked.count_of(chosen, modifier);
    let wanted = now.saturating_add_signed(delta);
    let room = asked.max.saturating_sub(asked.count(chosen));
    if wanted > now && (option.sold_out || wanted > option.max || wanted - now > room) {
        return false;
    }
    asked.set(chosen, modifier, wanted);
    true
}

/// As a cart line carries it, in the order shown.
pub(super) fn to_line(catalog: &Catalog, item: &Item, chosen: &Chosen) -> Vec<ModifierChoice> {
    asked(catalog, item)
        .flat_map(|asked| asked.options().map(move |m| (asked, m)))
        .filter_map(|(asked, m)| {
            let count = asked.count_of(chosen, &m.id);
            (count > 0).then(|| ModifierChoice {
                group: asked.group.id.clone(),
                modifier: m.id.clone(),
                count,
            })
        })
        .collect()
}

pub(super) fn from_line(modifiers: &[ModifierChoice]) -> Chosen {
    modifiers.iter().map(|m| ((m.group.clone(), m.modifier.clone()), m.count)).collect()
}

/// Whether these choices can (still) be bought: everything is there, and every group has enough and not too much.
pub(super) fn is_valid(catalog: &Catalog, item: &Item, modifiers: &[ModifierChoice]) -> bool {
    let chosen = from_line(modifiers);
    let known = modifiers.iter().all(|choice| {
        find(catalog, item, &choice.group)
            .and_then(|asked| asked.option(&choice.modifier))
            .is_some_and(|m| !m.sold_out && choice.count <= m.max)
    });
    let within = asked(catalog, item).all(|asked| (asked.min..=asked.max).contains(&asked.count(&chosen)));
    known && within
}

/// Whether every choice is (still) on offer.
pub(super) fn are_known(catalog: &Catalog, item: &Item, chosen: &Chosen) -> bool {
    chosen
        .keys()
        .all(|(group, modifier)| find(catalog, item, group).is_some_and(|a| a.option(modifier).is_some()))
}

/// One choice that differs from what the item is by itself.
pub(super) struct Difference<'a> {
    pub name: &'a Text,
    pub kitchen_name: &'a Arc<str>,
    pub style: GroupStyle,
    pub count: u32,
    pub price: Minor,
}

/// What was changed: chosen beyond the defaults, and defaults left out.
pub(super) fn differences<'a>(
    catalog: &'a Catalog,
    item: &'a Item,
    modifiers: &[ModifierChoice],
) -> Vec<Difference<'a>> {
    let chosen = from_line(modifiers);
    let mut found = Vec::new();
    for asked in asked(catalog, item) {
        let replaced = asked.max == 1;
        for m in asked.options() {
            let count = asked.count_of(&chosen, &m.id);
            let (style, count, price) = match (count, asked.is_default(m)) {
                (1, true) => continue,
                (0, false) => continue,
                // Another answer to the same question stands in its place and says enough.
                (0, true) if replaced && asked.count(&chosen) > 0 => continue,
                (0, true) => (GroupStyle::Without, 1, Minor::ZERO),
                (count, _) => (asked.group.style, count, m.price),
            };
            found.push(Difference { name: &m.name, kitchen_name: &m.kitchen_name, style, count, price });
        }
    }
    found
}
