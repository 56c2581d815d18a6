//! Identities. Facts (orders, payments, …) carry UUIDv7s made by the shell; catalog rows carry short names
//! chosen by the shop. Neither is ever shown to a customer as a number to wait for.

use std::fmt;
use std::sync::Arc;

/// A UUID as 16 bytes, big-endian. Version 7 where the shell makes it; the domain only compares.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, b) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{b:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where new UUIDs come from. The shell makes UUIDv7s; tests count.
pub trait IdSource {
    /// A UUID never returned before.
    fn next_id(&mut self) -> Uuid;
}

macro_rules! fact_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

fact_id! {
    /// An order, from `order.placed` on.
    OrderId,
    /// A payment intent; also its idempotency key until a definite end.
    PaymentId,
    /// One receipt print job.
    ReceiptId,
    /// One kitchen ticket job.
    KitchenJobId,
    /// Something a person has to look at.
    TaskId,
}

macro_rules! name_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub Arc<str>);

        impl $name {
            /// Wraps a name chosen by the shop.
            pub fn new(name: &str) -> Self {
                Self(name.into())
            }

            /// The name itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

name_id! {
    /// A menu category.
    CategoryId,
    /// Something that can be sold.
    ItemId,
    /// One size or version of an item; it carries the price. Unique in the whole catalog.
    VariationId,
    /// A group of modifiers ("Bun", "Add a little extra").
    GroupId,
    /// One modifier of a group; unique in its group.
    ModifierId,
    /// One slot of a combo ("Your drink").
    SlotId,
    /// A tax class of items ("food", "drink").
    TaxClassId,
    /// A tax rate.
    TaxRateId,
    /// An availability window.
    AvailabilityId,
    /// A price rule (discount, happy hour).
    RuleId,
    /// A surcharge (service, packaging).
    SurchargeId,
}

/// A line of a cart or order: 1, 2, 3 … in the order it was added, never reused inside one cart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LineId(pub u32);
