//! How much of scarce goods a kiosk may sell. A site's stock belongs to the fleet; each kiosk holds a part of it, so
//! that it can sell while it is offline and nothing is sold twice.
//!
//! A part is a ceiling, not an amount: "in this epoch your sales of this may add up to so many". Both sides count the
//! same sales from the same events, so a message that comes late, twice or never changes nothing but the ceiling,
//! and a higher one is always safe. A lower one is safe for the fleet when the kiosk's log says that it is in force
//! (`stock.quota`), because no later sale of that log can exceed it.

use std::collections::BTreeMap;

use domain::ids::VariationId;
use domain::money::Quantity;
use domain::quota::QuotaGrant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::Id;

/// Most goods of one quota and of one question: what a shop counts are its scarce goods.
pub const QUOTA_GOODS_MAX: usize = 1000;

/// What a kiosk may sell of the goods that its site counts; retained. What is not named is not counted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Quota")]
pub struct Quota {
    /// Revision. Only a greater one than the one in force counts.
    pub rev: u64,
    /// Epoch of the kiosk's log whose sales are counted; to another epoch this says nothing.
    pub epoch: u64,
    /// Seconds that it holds from its arrival; after that nothing more may be sold of it.
    pub lease_s: u32,
    /// The question that this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Id>,
    /// The goods, by variation.
    pub goods: BTreeMap<String, Allowance>,
}

/// How much of one of the goods.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Allowance {
    /// Sales of the epoch may add up to this, in 1e-5 pieces.
    pub upto: i64,
    /// What happens beyond it.
    pub beyond: Beyond,
}

/// What happens when more is wanted than a kiosk may sell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Beyond {
    /// It is sold out.
    Block,
    /// It is sold, and the fleet may deny it afterwards.
    AllowThenDeny,
    /// It is sold to be paid at the counter, where somebody looks whether there is any.
    AskStaff,
}

impl From<domain::quota::Beyond> for Beyond {
    fn from(beyond: domain::quota::Beyond) -> Self {
        match beyond {
            domain::quota::Beyond::Block => Self::Block,
            domain::quota::Beyond::AllowThenDeny => Self::AllowThenDeny,
            domain::quota::Beyond::AskStaff => Self::AskStaff,
        }
    }
}

impl From<Beyond> for domain::quota::Beyond {
    fn from(beyond: Beyond) -> Self {
        match beyond {
            Beyond::Block => Self::Block,
            Beyond::AllowThenDeny => Self::AllowThenDeny,
            Beyond::AskStaff => Self::AskStaff,
        }
    }
}

impl From<Quota> for QuotaGrant {
    fn from(quota: Quota) -> Self {
        let good = |(variation, allowance): (String, Allowance)| {
            let (upto, beyond) = (Quantity(allowance.upto), allowance.beyond.into());
            (VariationId::new(&variation), domain::quota::Allowance { upto, beyond })
        };
        Self {
            rev: quota.rev,
            epoch: quota.epoch,
            lease_ms: i64::from(quota.lease_s) * 1000,
            answers: quota.answers.map(|id| id.0),
            goods: quota.goods.into_iter().map(good).collect(),
        }
    }
}

/// A customer wants more than the kiosk may sell: it asks for higher ceilings. The answer is a [`Quota`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Reserve")]
pub struct Reserve {
    /// Names the question.
    pub question: Id,
    /// Epoch of the kiosk's log.
    pub epoch: u64,
    /// The ceiling that is needed, by variation, in 1e-5 pieces.
    pub goods: BTreeMap<String, i64>,
}
