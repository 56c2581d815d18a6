//! What a paid order takes from the stock of its site, and what a kiosk says about its part of it. Pure.
//!
//! The fleet and the kiosk count the same sales: also one that is denied, because the kiosk has sold it.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::Uuid;
use domain::quota::Quota;
use protocol::sync::{Answered, DenyReason, Remedy};

use super::fold::{Sale, Whose};
use crate::quota::part::{MOST, PIECE, Part};

/// Counted goods by site and variation, and who may sell how much of them.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    shelves: BTreeMap<(String, String), Shelf>,
    /// By kiosk and variation.
    parts: BTreeMap<(String, String), KioskPart>,
    quotas: BTreeMap<String, Latest>,
    pub moves: Vec<Move>,
}

/// Goods of a site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shelf {
    pub on_hand: i64,
    /// What of it is set aside for kiosks.
    pub held: i64,
    /// The kiosks' parts of it are to be looked at.
    pub regrant: bool,
    pub touched: bool,
}

#[derive(Clone, Debug)]
struct KioskPart {
    site: String,
    part: Part,
    touched: bool,
}

/// The latest quota of a kiosk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Latest {
    pub epoch: u64,
    pub rev: u64,
    /// What the kiosk said last.
    pub in_force: u64,
    touched: bool,
}

/// What left a shelf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Move {
    pub site: String,
    pub variation: String,
    /// In 1e-5 pieces; negative: it left.
    pub delta: i64,
    pub event: Uuid,
}

impl Shelf {
    fn free(&self) -> i64 {
        self.on_hand.saturating_sub(self.held)
    }

    /// What a kiosk may take for which so much is set aside: that and what is free, and never more than there is.
    fn within_reach(&self, set_aside: i64) -> i64 {
        set_aside.saturating_add(self.free().max(0)).min(self.on_hand)
    }
}

impl Shelves {
    /// A row of the stock, locked by the caller.
    pub(crate) fn put(&mut self, site: String, variation: String, (on_hand, held): (i64, i64)) {
        let shelf = Shelf { on_hand, held, regrant: false, touched: false };
        self.shelves.insert((site, variation), shelf);
    }

    /// A kiosk's part of something; its shelf was put before.
    pub(crate) fn put_part(&mut self, kiosk: String, site: String, variation: String, part: Part) {
        self.parts.insert((kiosk, variation), KioskPart { site, part, touched: false });
    }

    /// A kiosk's latest quota, locked by the caller.
    pub(crate) fn put_quota(&mut self, kiosk: String, (epoch, rev, in_force): (u64, u64, u64)) {
        self.quotas.insert(kiosk, Latest { epoch, rev, in_force, touched: false });
    }

    /// Whether nothing is counted here.
    pub(crate) fn is_empty(&self) -> bool {
        self.shelves.is_empty()
    }

    /// Sites and variations.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &(String, String)> {
        self.shelves.keys()
    }

    /// Shelves that changed: site, variation, shelf.
    pub(crate) fn touched(&self) -> impl Iterator<Item = (&str, &str, Shelf)> {
        self.shelves
            .iter()
            .filter(|(_, shelf)| shelf.touched)
            .map(|((site, variation), shelf)| (site.as_str(), variation.as_str(), *shelf))
    }

    /// Parts that changed: kiosk, variation, part.
    pub(crate) fn touched_parts(&self) -> impl Iterator<Item = (&str, &str, Part)> {
        self.parts
            .iter()
            .filter(|(_, it)| it.touched)
            .map(|((kiosk, variation), it)| (kiosk.as_str(), variation.as_str(), it.part))
    }

    /// Quotas of which a kiosk told something new.
    pub(crate) fn touched_quotas(&self) -> impl Iterator<Item = (&str, Latest)> {
        self.quotas
            .iter()
            .filter(|(_, latest)| latest.touched)
            .map(|(kiosk, latest)| (kiosk.as_str(), *latest))
    }

    /// Takes what a paid order sold, all of it or nothing. What has no shelf is not counted.
    pub(crate) fn take(&mut self, whose: Whose<'_>, sale: &Sale, event: Uuid) -> Result<(), Answered> {
        let wanted = wanted(sale);
        let mut short = None;
        for (variation, quantity) in &wanted {
            self.leave_epoch(whose, variation);
            let Some(shelf) = self.shelves.get(&(sale.site.clone(), (*variation).to_owned())) else {
                continue;
            };
            let most = shelf.within_reach(self.set_aside(whose, &sale.site, variation));
            if most < *quantity {
                short = short.or(Some((variation, most.max(0), quantity)));
            }
        }
        let answer = short.map(|(variation, most, quantity)| Answered::Deny {
            code: DenyReason::OutOfStock,
            remedy: Remedy::Substitute,
            srv: format!("{} of {variation} left, {} sold", pieces(most), pieces(*quantity)),
        });
        self.count(whose, sale);
        if let Some(answer) = answer {
            return Err(answer);
        }
        for (variation, quantity) in wanted {
            if let Some(shelf) = self.shelves.get_mut(&(sale.site.clone(), variation.to_owned())) {
                shelf.on_hand -= quantity;
                shelf.touched = true;
                self.moves.push(Move {
                    site: sale.site.clone(),
                    variation: variation.to_owned(),
                    delta: -quantity,
                    event,
                });
            }
        }
        Ok(())
    }

    /// Counts what a kiosk sold, whether it leaves the shelf or not.
    pub(crate) fn count(&mut self, whose: Whose<'_>, sale: &Sale) {
        for (variation, quantity) in wanted(sale) {
            self.leave_epoch(whose, variation);
            let counted = self.change(whose, variation, |part, _| {
                part.sold = part.sold.saturating_add(quantity);
                part.runs_low()
            });
            // Without a part of its own it waits for one.
            let look = counted.unwrap_or(true);
            if let Some(shelf) =
                self.shelves.get_mut(&(sale.site.clone(), variation.to_owned())).filter(|_| look)
            {
                (shelf.regrant, shelf.touched) = (true, true);
            }
        }
    }

    /// A kiosk says which quota is in force, and, when its time is over, what it took of it.
    pub(crate) fn in_force(&mut self, whose: Whose<'_>, quota: &Quota) {
        if self.latest(whose, quota.rev).is_none_or(|rev| quota.rev < rev) {
            // A later one, or any in between, may have reached it meanwhile: what they offer stays set aside.
            return;
        }
        let upto: BTreeMap<&str, i64> =
            quota.goods.iter().map(|(v, allowance)| (v.as_str(), allowance.upto.0.clamp(0, MOST))).collect();
        for variation in self.variations(whose) {
            // What a quota does not name the kiosk does not count.
            let upto = upto.get(variation.as_str()).copied().unwrap_or_default();
            self.change(whose, &variation, |part, free| {
                let set_aside = part.ceiling.max(part.sold);
                // It may have placed orders beyond what it was offered; what is others' does not become its own.
                part.ceiling = upto.min(set_aside.saturating_add(free.max(0)));
                part.offered = part.offered.min(upto);
            });
        }
    }

    /// Notes what the kiosk says and returns the latest revision; `None`: it is about another epoch's.
    fn latest(&mut self, whose: Whose<'_>, rev: u64) -> Option<u64> {
        let latest = self.quotas.get_mut(whose.kiosk).filter(|latest| latest.epoch == whose.epoch)?;
        // A kiosk knows more than a fleet whose tables were restored; the next quota has to be newer for both.
        latest.rev = latest.rev.max(rev);
        latest.in_force = latest.in_force.max(rev);
        latest.touched = true;
        Some(latest.rev)
    }

    fn variations(&self, whose: Whose<'_>) -> BTreeSet<String> {
        self.parts
            .keys()
            .filter(|(kiosk, _)| kiosk == whose.kiosk)
            .map(|(_, variation)| variation.clone())
            .collect()
    }

    /// What is set aside for this kiosk, in this epoch.
    fn set_aside(&self, whose: Whose<'_>, site: &str, variation: &str) -> i64 {
        self.parts
            .get(&(whose.kiosk.to_owned(), variation.to_owned()))
            .filter(|it| it.site == site && it.part.epoch == whose.epoch)
            .map_or(0, |it| it.part.outstanding())
    }

    /// A kiosk that sells in another epoch writes another log: what was set aside for the one before is free. Its next
    /// part comes with a look, which adds up what was sold in that epoch.
    fn leave_epoch(&mut self, whose: Whose<'_>, variation: &str) {
        let key = (whose.kiosk.to_owned(), variation.to_owned());
        let Some(it) = self.parts.get_mut(&key).filter(|it| it.part.epoch != whose.epoch) else { return };
        let set_aside = it.part.outstanding();
        it.part = Part { size: it.part.size, ..Part::none(it.part.epoch, it.part.sold) };
        it.touched = true;
        if let Some(shelf) = self.shelves.get_mut(&(it.site.clone(), key.1)) {
            shelf.held -= set_aside;
            (shelf.regrant, shelf.touched) = (true, true);
        }
    }

    /// Changes a part of this epoch, told what is free, and what is set aside with it. What comes back is for others.
    fn change<T>(
        &mut self,
        whose: Whose<'_>,
        variation: &str,
        change: impl FnOnce(&mut Part, i64) -> T,
    ) -> Option<T> {
        let it = self
            .parts
            .get_mut(&(whose.kiosk.to_owned(), variation.to_owned()))
            .filter(|it| it.part.epoch == whose.epoch)?;
        let shelf = self.shelves.get_mut(&(it.site.clone(), variation.to_owned()))?;
        let (before, sold) = (it.part, it.part.sold);
        let result = change(&mut it.part, shelf.free());
        if it.part != before {
            let more = it.part.outstanding() - before.outstanding();
            shelf.held += more;
            shelf.touched |= more != 0;
            // What was sold is not free for others.
            if more < 0 && it.part.sold == sold {
                shelf.regrant = true;
            }
            it.touched = true;
        }
        Some(result)
    }
}

/// What a sale takes, by variation.
fn wanted(sale: &Sale) -> BTreeMap<&str, i64> {
    let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
    for line in sale.lines.iter().filter(|line| line.quantity > 0) {
        let sum = wanted.entry(&line.variation).or_default();
        *sum = sum.saturating_add(line.quantity).min(MOST);
    }
    wanted
}

/// A quantity of 1e-5 pieces for people.
fn pieces(quantity: i64) -> String {
    if quantity % PIECE == 0 {
        return (quantity / PIECE).to_string();
    }
    format!("{}.{:05}", quantity / PIECE, (quantity % PIECE).abs()).trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests;
