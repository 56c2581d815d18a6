//! A kiosk's part of one of the goods that its site counts, and how a shelf is shared out. Pure.
//! Quantities in 1e-5 pieces.

/// Parts of a piece.
pub(crate) const PIECE: i64 = 100_000;

/// More than any shop has; what a kiosk says beyond it is cut off, so that no sum overflows.
pub(crate) const MOST: i64 = i64::MAX / 1_000_000;

/// What a kiosk may sell: a row of `allowance`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    /// Epoch of the kiosk's log whose sales are counted.
    pub epoch: u64,
    /// What it sold in this epoch, as far as its events came in.
    pub sold: i64,
    /// The highest that it may act on, in force or on its way.
    pub ceiling: i64,
    /// What the latest quota says.
    pub offered: i64,
    /// What it should have left.
    pub size: i64,
}

impl Part {
    /// Nothing, for a kiosk that sold so much before it was counted.
    pub(crate) fn none(epoch: u64, sold: i64) -> Self {
        Self { epoch, sold, ceiling: sold, offered: sold, size: 0 }
    }

    /// What is set aside for it.
    pub(crate) fn outstanding(&self) -> i64 {
        self.ceiling.saturating_sub(self.sold).max(0)
    }

    /// What it may sell by the latest quota.
    pub(crate) fn left(&self) -> i64 {
        self.offered.saturating_sub(self.sold).max(0)
    }

    /// Whether it should get more.
    pub(crate) fn runs_low(&self) -> bool {
        self.left() < self.size / 2
    }

    /// Offers up to `upto` as far as `free` goes, and takes from that what it needs. If more is set aside than is
    /// there, `free` is negative, and nobody is offered more.
    pub(crate) fn raise(&mut self, upto: i64, free: &mut i64) {
        if *free < 0 {
            return;
        }
        let set_aside = self.ceiling.max(self.sold);
        let more = upto.saturating_sub(set_aside).clamp(0, *free);
        if more > 0 {
            *free -= more;
            self.ceiling = set_aside + more;
        }
        let offer = upto.min(self.ceiling);
        if offer > self.offered.max(self.sold) {
            self.offered = offer;
        }
    }

    /// Offers what it sold and so much more. The ceiling stays until the kiosk says that this is in force.
    fn offer_less(&mut self, left: i64) {
        self.offered = self.offered.min(self.sold.saturating_add(left));
    }
}

/// A kiosk at a shelf.
#[derive(Clone, Debug)]
pub(crate) struct Seller {
    /// Heard of lately: its part can change.
    pub here: bool,
    /// A customer asked for what it has: it is not taken back.
    pub keeps: bool,
    /// Its part.
    pub part: Part,
}

/// Shares a shelf out: half of what is there evenly in whole pieces, but a piece for each while there are any; the
/// other half is for whoever sells more. Who has enough keeps it; who has far too much is offered less. What is
/// set aside for kiosks that are away stays so.
pub(crate) fn share_out(on_hand: i64, sellers: &mut [Seller]) {
    let here = i64::try_from(sellers.iter().filter(|seller| seller.here).count()).unwrap_or(i64::MAX);
    if here == 0 {
        return;
    }
    let size = match whole_pieces(on_hand / here / 2) {
        0 => PIECE.min(on_hand.max(0)),
        pieces => pieces,
    };
    let mut free = on_hand - sellers.iter().map(|seller| seller.part.outstanding()).sum::<i64>();
    take_back(on_hand, size, sellers);
    let mut needy: Vec<&mut Part> =
        sellers.iter_mut().filter(|seller| seller.here).map(|seller| &mut seller.part).collect();
    for part in &mut needy {
        part.size = size;
    }
    needy.retain(|part| part.runs_low());
    needy.sort_by_key(|part| part.left());
    for left in [PIECE.min(size), size] {
        for part in &mut needy {
            part.raise(part.sold.saturating_add(left), &mut free);
        }
    }
}

/// Offers less where there is far too much, and everywhere if more was offered than is there: somebody counted
/// again.
fn take_back(on_hand: i64, size: i64, sellers: &mut [Seller]) {
    let (mut parts, keepers): (Vec<&mut Seller>, Vec<&mut Seller>) =
        sellers.iter_mut().partition(|seller| seller.here && !seller.keeps);
    let mut parts: Vec<&mut Part> = parts.iter_mut().map(|seller| &mut seller.part).collect();
    for part in &mut parts {
        if part.left() > size.saturating_mul(2) {
            part.offer_less(size);
        }
    }
    let mut room = (on_hand - keepers.iter().map(|seller| seller.part.outstanding()).sum::<i64>()).max(0);
    if parts.iter().map(|part| part.left()).sum::<i64>() <= room {
        return;
    }
    // The smallest first: what they do not need is there for the others.
    parts.sort_by_key(|part| part.left());
    let count = parts.len();
    for (place, part) in parts.into_iter().enumerate() {
        let others = i64::try_from(count - place).unwrap_or(i64::MAX);
        let share = match whole_pieces(room / others) {
            0 => PIECE.min(room),
            pieces => pieces,
        };
        part.offer_less(share);
        room -= part.left();
    }
}

fn whole_pieces(quantity: i64) -> i64 {
    quantity.max(0) / PIECE * PIECE
}

#[cfg(test)]
mod tests;
