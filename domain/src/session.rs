//! What lives only as long as a visit, or as long as the process: the cart, the page, the condition of the
//! devices. Gone after a restart, by design.

use crate::cart::Cart;

/// A volatile change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SessionChange {
    /// The cart is now this.
    Cart(Cart),
}
