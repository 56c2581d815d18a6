//! What a customer has chosen and not yet ordered. Lives in memory only.

use crate::ids::{GroupId, ItemId, LineId, ModifierId, RuleId, SlotId, VariationId};
use crate::money::{Minor, Quantity};

/// How the customer takes the goods; decides tax and packaging.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ServiceMode {
    /// Eaten here.
    DineIn,
    /// Taken away.
    TakeAway,
    /// Brought to the customer.
    Delivery,
}

/// A cart: lines in the order they were added.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cart {
    /// The lines.
    pub lines: Vec<CartLine>,
    /// Coupon rules that the customer has unlocked by a code.
    pub coupons: Vec<RuleId>,
}

/// One line of a cart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CartLine {
    /// Its number in this cart.
    pub id: LineId,
    /// What is bought.
    pub item: ItemId,
    /// In which size or version. For a combo: the variation that carries the combo's price.
    pub variation: VariationId,
    /// How many, or how much for weighed goods.
    pub quantity: Quantity,
    /// Choices from the item's modifier groups, per piece.
    pub modifiers: Vec<ModifierChoice>,
    /// Filled slots, for a combo; empty otherwise.
    pub picks: Vec<ComboPick>,
    /// The price or weight printed on a scanned label with an embedded value.
    pub label: Option<LabelValue>,
}

/// One chosen modifier.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ModifierChoice {
    /// From which group.
    pub group: GroupId,
    /// Which one.
    pub modifier: ModifierId,
    /// How often per piece, at least 1.
    pub count: u32,
}

/// The choice for one slot of a combo. A slot with `max` > 1 may appear more than once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ComboPick {
    /// The slot.
    pub slot: SlotId,
    /// The chosen variation.
    pub variation: VariationId,
    /// How many per combo, at least 1.
    pub count: u32,
    /// Modifiers of the chosen component.
    pub modifiers: Vec<ModifierChoice>,
}

/// What a label with an embedded value says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LabelValue {
    /// The printed price; the quantity is for stock and display only.
    Price(Minor),
    /// The printed weight is already in the line's quantity.
    Weight,
}
