//! What a customer can change about an item.

use std::sync::Arc;

use super::Allergens;
use crate::ids::{GroupId, ModifierId};
use crate::money::Minor;
use crate::text::Text;

/// A modifier group on an item, with what this item changes of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemGroup {
    /// The group.
    pub group: GroupId,
    /// Instead of the group's least number of choices.
    pub min: Option<u32>,
    /// Instead of the group's greatest number of choices.
    pub max: Option<u32>,
    /// Instead of the defaults of the group's modifiers.
    pub defaults: Option<Vec<ModifierId>>,
    /// Modifiers of the group not offered on this item.
    pub hidden: Vec<ModifierId>,
}

/// What a group asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupStyle {
    /// Choose one or some ("Bun").
    Choice,
    /// Add ("Add a little extra").
    Extra,
    /// Leave out ("Leave something out?"); shown as "No onion".
    Without,
}

/// A group of modifiers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModifierGroup {
    /// Its id.
    pub id: GroupId,
    /// The question.
    pub name: Text,
    /// How it is asked.
    pub style: GroupStyle,
    /// Least number of choices, counting repeats.
    pub min: u32,
    /// Greatest number of choices, counting repeats.
    pub max: u32,
    /// So many choices with a price are free, the cheapest first.
    pub free: u32,
    /// The modifiers, in order; at least one.
    pub modifiers: Vec<Modifier>,
}

/// One modifier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Modifier {
    /// Unique in its group.
    pub id: ModifierId,
    /// Name: "Fried egg"; in a Without group the thing left out: "Onion".
    pub name: Text,
    /// Name on the kitchen ticket.
    pub kitchen_name: Arc<str>,
    /// Added to the price of one piece, once per count. May be negative.
    pub price: Minor,
    /// Greatest count of this one.
    pub max: u32,
    /// Chosen from the start.
    pub default: bool,
    /// Picture name; empty: none.
    pub picture: Arc<str>,
    /// Allergens it adds.
    pub adds: Allergens,
    /// Allergens it takes away.
    pub removes: Allergens,
    /// Energy it adds, may be negative.
    pub kcal: i32,
    /// Sold out.
    pub sold_out: bool,
}
