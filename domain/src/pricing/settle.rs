//! What is settled after pricing: tips, the rounding of cash, parts of a refund.

use crate::catalog::TipOffer;
use crate::money::{Minor, Quantity, mul};

/// A tip: its own amount, never taxed or discounted, outside the total of the sale. `base` is what a percentage
/// is of: the goods ([`super::Priced::goods`]) or the total, as the shop decides. `None` if it does not fit 64 bits.
pub fn tip(offer: TipOffer, base: Minor) -> Option<Minor> {
    match offer {
        TipOffer::Fixed(amount) => Some(amount),
        TipOffer::Percent(rate) => base.percent(rate),
    }
}

/// How cash is rounded where small coins are gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CashRounding {
    /// The smallest step in minor units, at least 1: 5 for five cents.
    pub increment: u32,
    /// What happens half-way between two steps; only possible with an even increment.
    pub tie: Tie,
}

/// Which way an amount half-way between two steps goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tie {
    /// To the larger magnitude.
    AwayFromZero,
    /// To the smaller magnitude, for the customer's good.
    TowardsZero,
}

/// The difference that rounding makes on an amount tendered in cash: the untaxed ROUNDING line. Add it to
/// `due`. Only the part paid in cash is rounded.
pub fn round_cash(due: Minor, rounding: CashRounding) -> Minor {
    let step = i64::from(rounding.increment.max(1));
    let rest = due.0.unsigned_abs() % step.unsigned_abs();
    let rest = i64::try_from(rest).expect("the rest is smaller than a 32-bit step");
    let up = match rounding.tie {
        Tie::AwayFromZero => 2 * rest >= step,
        Tie::TowardsZero => 2 * rest > step,
    };
    let difference = if rest == 0 {
        0
    } else if up {
        step - rest
    } else {
        -rest
    };
    Minor(difference * due.0.signum())
}

/// The part of a stored amount (a line's net or one of its taxes) that belongs to the pieces from `before` to
/// `after`, of `all`. The parts of all pieces add up to the stored amount exactly, however they are cut.
/// `None` if `all` is zero or the result does not fit 64 bits.
pub fn refund_part(stored: Minor, before: Quantity, after: Quantity, all: Quantity) -> Option<Minor> {
    if all.0 <= 0 {
        return None;
    }
    let to = mul(stored.0, after.0, all.0)?;
    let from = mul(stored.0, before.0, all.0)?;
    to.checked_sub(from).map(Minor)
}
