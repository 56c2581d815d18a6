//! Modifier groups, and what items make of them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::limits::{MAX_CHOICES, MAX_GROUPS, MAX_ITEM_GROUPS, MAX_MODIFIERS};
use super::super::{GroupStyle, Item, ItemGroup, Modifier, ModifierGroup};
use super::{Check, twice};
use crate::ids::GroupId;
use crate::money::{MAX_PRICE, Minor};

impl Check<'_> {
    pub(super) fn groups(&mut self) {
        let parts = self.parts;
        self.at_most(&["modifier_groups"], parts.groups.len(), MAX_GROUPS);
        for (key, group) in &parts.groups {
            let id = key.as_str();
            self.id(&["modifier_groups", id, "id"], id);
            if group.id != *key {
                let what = format!("group {} is filed under {id}", group.id);
                self.report(&["modifier_groups", id, "id"], what, "use one id");
            }
            self.name(&["modifier_groups", id, "name"], &group.name);
            self.at_most(&["modifier_groups", id, "modifiers"], group.modifiers.len(), MAX_MODIFIERS);
            if group.modifiers.is_empty() {
                self.report(&["modifier_groups", id, "modifiers"], "nothing to choose", "add a modifier");
            }
            if let Some(twice) = twice(group.modifiers.iter().map(|m| &m.id)) {
                let place = ["modifier_groups", id, "modifiers", twice.as_str(), "id"];
                self.report(&place, format!("two modifiers have the id {twice}"), "choose another id");
            }
            for modifier in &group.modifiers {
                self.modifier(id, modifier);
            }
            self.group_limits(id, group);
        }
    }

    fn group_limits(&mut self, id: &str, group: &ModifierGroup) {
        let limits = Limits::of(group, None);
        for (field, what, remedy) in limits.faults(group) {
            self.report(&["modifier_groups", id, field], what, remedy);
        }
        if group.free > group.max {
            let what = format!("{} are free but only {} can be chosen", group.free, group.max);
            self.report(&["modifier_groups", id, "free"], what, "lower free, or raise max");
        }
        if group.style == GroupStyle::Without && group.min > 0 {
            let what = "a customer is made to leave something out";
            self.report(&["modifier_groups", id, "min"], what, "write 0, or another style");
        }
    }

    fn modifier(&mut self, group: &str, modifier: &Modifier) {
        let id = modifier.id.as_str();
        let place = |field: &'static str| ["modifier_groups", group, "modifiers", id, field];
        self.id(&place("id"), id);
        self.name(&place("name"), &modifier.name);
        self.word(&place("kitchen_name"), &modifier.kitchen_name);
        self.picture(&place("picture"), &modifier.picture);
        if modifier.price > MAX_PRICE || modifier.price < -MAX_PRICE {
            self.report(&place("price"), "out of range", "write at most ten million");
        }
        if !(1..=MAX_CHOICES).contains(&modifier.max) {
            let remedy = format!("write 1 to {MAX_CHOICES}");
            self.report(&place("max"), format!("can be taken {} times", modifier.max), remedy);
        }
        if modifier.adds.without(modifier.removes) != modifier.adds {
            self.report(
                &place("removes"),
                "an allergen is added and taken away",
                "keep it in one of the lists",
            );
        }
    }

    pub(super) fn item_groups(&mut self, item: &Item) {
        let id = item.id.as_str();
        self.at_most(&["items", id, "modifier_groups"], item.groups.len(), MAX_ITEM_GROUPS);
        if let Some(twice) = twice(item.groups.iter().map(|g| &g.group)) {
            let place = ["items", id, "modifier_groups", twice.as_str()];
            self.report(&place, format!("group {twice} is there twice"), "keep one of them");
        }
        for on_item in &item.groups {
            let name = on_item.group.as_str();
            let Some(group) = self.parts.groups.get(&on_item.group) else {
                let remedy = "correct the id, or add the group";
                self.report(
                    &["items", id, "modifier_groups", name],
                    format!("there is no modifier group {name}"),
                    remedy,
                );
                continue;
            };
            self.overrides(id, on_item, group);
        }
    }

    fn overrides(&mut self, item: &str, on_item: &ItemGroup, group: &ModifierGroup) {
        let name = on_item.group.as_str();
        let known: BTreeSet<_> = group.modifiers.iter().map(|m| &m.id).collect();
        let defaults = on_item.defaults.iter().flatten().map(|id| ("defaults", id));
        let named = defaults.chain(on_item.hidden.iter().map(|id| ("hidden", id)));
        let mut unknown = false;
        for (field, id) in named.filter(|(_, id)| !known.contains(id)) {
            unknown = true;
            let what = format!("group {name} has no modifier {id}");
            let place = ["items", item, "modifier_groups", name, field, id.as_str()];
            self.report(&place, what, "correct the id, or remove it");
        }
        let inherited = on_item.min.is_none()
            && on_item.max.is_none()
            && on_item.defaults.is_none()
            && on_item.hidden.is_empty();
        if unknown || inherited {
            return;
        }
        for (field, what, remedy) in Limits::of(group, Some(on_item)).faults(group) {
            self.report(&["items", item, "modifier_groups", name, field], what, remedy);
        }
    }
}

/// What a group takes on one item, or by itself.
struct Limits<'c> {
    min: u32,
    max: u32,
    offered: Vec<&'c Modifier>,
    defaults: u64,
    hidden_default: bool,
}

impl<'c> Limits<'c> {
    fn of(group: &'c ModifierGroup, on_item: Option<&ItemGroup>) -> Self {
        let is_hidden = |m: &Modifier| on_item.is_some_and(|g| g.hidden.contains(&m.id));
        let chosen = on_item.and_then(|g| g.defaults.as_ref());
        let is_default = |m: &Modifier| chosen.map_or(m.default, |ids| ids.contains(&m.id));
        let (offered, hidden): (Vec<&Modifier>, Vec<&Modifier>) =
            group.modifiers.iter().partition(|m| !is_hidden(m));
        let defaults = offered.iter().filter(|m| is_default(m)).count();
        Self {
            min: on_item.and_then(|g| g.min).unwrap_or(group.min),
            max: on_item.and_then(|g| g.max).unwrap_or(group.max),
            defaults: u64::try_from(defaults).unwrap_or(u64::MAX),
            hidden_default: hidden.iter().any(|m| is_default(m)),
            offered,
        }
    }

    /// What cannot be chosen: (field, what, remedy).
    fn faults(&self, group: &ModifierGroup) -> Vec<(&'static str, String, String)> {
        let (min, max) = (self.min, self.max);
        let most: u64 = self.offered.iter().map(|m| u64::from(m.max)).sum();
        let mut faults = Vec::new();
        let mut fault = |field, what: String, remedy: &str| faults.push((field, what, remedy.to_owned()));
        if !(1..=MAX_CHOICES).contains(&max) {
            fault("max", format!("{max} can be chosen"), "write 1 to 99");
        }
        if min > max {
            fault("min", format!("at least {min} but at most {max}"), "lower min, or raise max");
        } else if u64::from(min) > most {
            let what = format!("at least {min} must be chosen but only {most} can be");
            fault("min", what, "lower min, or offer more");
        }
        if self.defaults > u64::from(max) {
            let what = format!("{} are chosen from the start but at most {max} can be", self.defaults);
            fault("max", what, "raise max, or have fewer defaults");
        }
        if self.hidden_default {
            let what = format!("a modifier of group {} is chosen from the start but not offered", group.id);
            fault("hidden", what, "do not hide it, or name other defaults");
        }
        faults
    }
}

/// The least that the choices from an item's groups can add to one piece: what a customer pays who takes
/// everything off.
pub(super) fn least_delta(item: &Item, groups: &BTreeMap<GroupId, ModifierGroup>) -> Minor {
    let least = |on_item: &ItemGroup| {
        let Some(group) = groups.get(&on_item.group) else { return 0 };
        let limits = Limits::of(group, Some(on_item));
        let mut offered = limits.offered.clone();
        offered.sort_by_key(|m| m.price);
        let (mut taken, mut free, mut sum) = (0, group.free, 0_i128);
        for modifier in offered {
            let wanted = if modifier.price < Minor::ZERO { limits.max } else { limits.min };
            let count = wanted.saturating_sub(taken).min(modifier.max);
            let given = if modifier.price > Minor::ZERO { count.min(free) } else { 0 };
            free -= given;
            taken += count;
            sum += i128::from(modifier.price.0) * i128::from(count - given);
        }
        sum
    };
    let sum: i128 = item.groups.iter().map(least).sum();
    Minor(i64::try_from(sum).unwrap_or(i64::MIN))
}
