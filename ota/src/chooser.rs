//! Which slot is booted: what a boot loader keeps, kept in a file. It lets updates run where there is no boot loader
//! of ours, and is RAUC's custom back end there (`kiosk-ota chooser`).
//!
//! The rules are those of RAUC's GRUB back end: the first slot in the order that is good and was tried less than
//! [`TRIES`] times; a slot that is tried and not marked good in time loses its turn.

use std::io;

use serde::{Deserialize, Serialize};

use crate::block::BlockDev;
use crate::record::Record;

/// How often a slot is tried that has not been marked good.
pub const TRIES: u8 = 3;

/// A slot of the system.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// What is known of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Nobody has called it bad.
    pub ok: bool,
    /// How often it was booted since it became the first, without being marked good.
    pub tries: u8,
}

/// What is booted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Chooser {
    /// The slot that is wanted.
    pub first: Slot,
    /// Of the first slot.
    pub a: Standing,
    /// Of the second.
    pub b: Standing,
    /// The first slot is on trial: its boots are counted.
    pub trial: bool,
}

impl Default for Chooser {
    /// As it leaves the works: A, and nothing in B.
    fn default() -> Self {
        Self { first: Slot::A, a: Standing { ok: true, tries: 0 }, b: Standing::default(), trial: false }
    }
}

impl Chooser {
    /// Reads it; one that cannot be read is as it left the works, so that something boots.
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn read(device: &mut dyn BlockDev) -> io::Result<Self> {
        let kept = Record::on(device)?.read()?;
        Ok(kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
    }

    /// Writes it, and returns when it survives a power cut.
    ///
    /// # Errors
    /// The device fails.
    pub fn write(&self, device: &mut dyn BlockDev) -> io::Result<()> {
        Record::on(device)?.write(&serde_json::to_vec(self)?)
    }

    /// Of a slot.
    pub fn standing(&self, slot: Slot) -> Standing {
        match slot {
            Slot::A => self.a,
            Slot::B => self.b,
        }
    }

    fn standing_mut(&mut self, slot: Slot) -> &mut Standing {
        match slot {
            Slot::A => &mut self.a,
            Slot::B => &mut self.b,
        }
    }

    /// The slot that a boot begins with; on trial its boots are counted. A loader calls this and keeps it.
    pub fn boot(&mut self) -> Slot {
        let bootable = |slot: &Slot| self.standing(*slot).ok && self.standing(*slot).tries < TRIES;
        let slot = [self.first, self.first.other()].into_iter().find(bootable).unwrap_or_else(|| {
            // Nothing may be booted: then whatever may work.
            if self.standing(self.first).ok { self.first } else { self.first.other() }
        });
        if self.trial && slot == self.first {
            self.standing_mut(slot).tries += 1;
        }
        slot
    }

    /// The slot that the next boot begins with, if nothing happens to it.
    pub fn primary(&self) -> Slot {
        self.clone().boot()
    }

    /// Whether a slot is good: not bad, and not on trial.
    pub fn is_good(&self, slot: Slot) -> bool {
        self.standing(slot).ok && self.standing(slot).tries == 0 && !(self.trial && slot == self.first)
    }

    /// It is not to be booted: it is written now, or has failed.
    pub fn mark_bad(&mut self, slot: Slot) {
        *self.standing_mut(slot) = Standing::default();
    }

    /// It has proven itself.
    pub fn mark_good(&mut self, slot: Slot) {
        *self.standing_mut(slot) = Standing { ok: true, tries: 0 };
        self.trial &= slot != self.first;
    }

    /// It is to be booted next, on trial.
    pub fn activate(&mut self, slot: Slot) {
        *self.standing_mut(slot) = Standing { ok: true, tries: 0 };
        self.first = slot;
        self.trial = true;
    }
}
