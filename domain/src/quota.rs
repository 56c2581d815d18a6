//! How much of the goods that its site counts this kiosk may sell: a part of the fleet's stock, held as ceilings
//! on what was sold since the epoch began. Both sides count the same sales, so nothing else needs to agree.

use std::collections::BTreeMap;

use crate::ids::{Uuid, VariationId};
use crate::money::Quantity;
use crate::time::WallMs;

/// The quota in force. Goods that it does not name are not counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quota {
    /// The fleet's revision.
    pub rev: u64,
    /// Nothing more may be sold of it after this.
    pub until: WallMs,
    /// The goods.
    pub goods: BTreeMap<VariationId, Allowance>,
}

/// How much of one of the goods.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowance {
    /// Sales of the epoch may add up to this.
    pub upto: Quantity,
    /// What happens beyond it.
    pub beyond: Beyond,
}

/// What happens when more is wanted than this kiosk may sell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beyond {
    /// It is sold out.
    Block,
    /// It is sold; the fleet may deny it afterwards.
    AllowThenDeny,
    /// It is sold to be paid at the counter, where somebody looks whether there is any.
    AskStaff,
}

/// A quota that the fleet grants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuotaGrant {
    /// Counts only if it is greater than the one in force.
    pub rev: u64,
    /// The epoch whose sales it is about.
    pub epoch: u64,
    /// How long it holds from now.
    pub lease_ms: i64,
    /// The question of ours that it answers.
    pub answers: Option<Uuid>,
    /// The goods.
    pub goods: BTreeMap<VariationId, Allowance>,
}
