//! How every device is doing, for local tools, the technician and the fleet.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::money::{Currency, Minor};
use hal::status::DeviceStatus;
use tokio::sync::watch;

/// The newest status of every device, by name. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Board {
    devices: Arc<Mutex<BTreeMap<&'static str, DeviceStatus>>>,
    day_ends: watch::Sender<DayEnds>,
    looks: watch::Sender<()>,
}

/// The ends of the payment terminal's day since the program started.
#[derive(Clone, Debug, Default)]
pub struct DayEnds {
    /// How many were tried.
    pub count: u64,
    /// How the newest went, or why it did not.
    pub newest: Option<Result<DayTotals, String>>,
}

/// What a terminal tells as it closes its day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayTotals {
    /// The currency of the amounts, if it is one that we know.
    pub currency: Option<Currency>,
    /// The terminal's own sum.
    pub sum: Option<Minor>,
    /// First and last receipt covered.
    pub receipts: Option<(u32, u32)>,
    /// The kinds of cards that were used.
    pub cards: Vec<CardTotal>,
    /// Lines of the slip that is printed with it.
    pub slip: Vec<String>,
}

/// The payments with one kind of card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardTotal {
    /// Its name.
    pub card: &'static str,
    /// How many.
    pub count: u32,
    /// What they add up to.
    pub sum: Minor,
}

impl Board {
    /// A device tells how it is.
    pub fn device(&self, name: &'static str, status: DeviceStatus) {
        let mut newest = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let before = newest.insert(name, status.clone());
        drop(newest);
        if before.map(|b| b.state) != Some(status.state.clone()) {
            tracing::info!(device = name, state = ?status.state, detail = %status.detail, "device");
        }
    }

    /// How the devices are, by name.
    pub fn devices(&self) -> BTreeMap<&'static str, DeviceStatus> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A person at the screen wants everything that is missing looked for now.
    pub fn look_again(&self) {
        self.looks.send_replace(());
    }

    /// To be told so from now on.
    pub fn looks(&self) -> watch::Receiver<()> {
        self.looks.subscribe()
    }

    /// The terminal closed its day, or why it did not.
    pub fn day_ended(&self, how: Result<DayTotals, String>) {
        self.day_ends.send_modify(|ends| {
            ends.count += 1;
            ends.newest = Some(how);
        });
    }

    /// To wait for the end of the terminal's day.
    pub fn day_ends(&self) -> watch::Receiver<DayEnds> {
        self.day_ends.subscribe()
    }
}
