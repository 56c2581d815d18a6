//! The heart: what the kiosk knows, what it decides, what it shows.
//!
//! ```text
//!            ┌──────────── decide(now, input) ─────────────┐
//!  Input ──► │ ledger (durable)  +  session (volatile)     │ ──► Step { changes, effects }
//!            └──────────────▲──────────────────────────────┘          │
//!                           └── apply(change) ◄── store.append ◄──────┘   then effects, then view()
//! ```
//!
//! [`Kiosk::decide`] never fails and changes nothing; [`Kiosk::apply`] is the only place where state changes.
//! The ledger is the sum of the durable events, so a replay gives the same ledger.

mod apply;
mod cart;
mod checkout;
mod choices;
mod command;
mod decide;
mod display;
mod doubt;
mod gate;
mod invariants;
mod item;
mod kitchen;
pub mod ledger;
mod meal;
pub mod menu;
mod offer;
mod pay_page;
mod payment;
mod printing;
mod quota;
mod reconcile;
mod retold;
mod reversal;
mod scanner;
mod snapshot;
mod startup;
mod status;
mod terminal;
mod transitions;
mod turn;
mod view;
mod visit;
mod voice;

use std::sync::Arc;

use crate::config::KioskConfig;
use crate::effect::Effect;
use crate::event::{Change, Event};
use crate::ids::{IdSource, OrderId, ReceiptId};
use crate::input::Input;
use crate::order::Order;
use crate::receipt::ReceiptDocument;
use crate::session::{Fault, Session};
use crate::time::{MonoMs, Now};
use crate::view::View;

pub use gate::{Obstacle, UpdateGate};
pub use invariants::Violation;
pub use ledger::Ledger;
pub use status::{KioskStatus, Mode, OpenOrder};
use turn::Turn;

/// What one turn decided: to be stored, then applied, then done, in this order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Step {
    /// What changed. The events among them are stored in one transaction before anything is applied.
    pub changes: Vec<Change>,
    /// What to do, in this order, after the events are durable.
    pub effects: Vec<Effect>,
    /// Why the input was not followed, if it was not: the answer to a command, a log line for an intent.
    pub refusal: Option<Refusal>,
}

impl Step {
    /// The durable events, in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.changes.iter().filter_map(|change| match change {
            Change::Event(event) => Some(event),
            Change::Session(_) => None,
        })
    }
}

/// Why an input was not followed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Not on this page, or not in this state.
    NotNow,
    /// There is no such thing (any more).
    NotFound,
    /// The shop does not allow it.
    NotAllowed,
    /// The terminal is busy, or what it did last is not known.
    TerminalBusy,
    /// The terminal cannot give this money back: it told no receipt number.
    NotReversible,
    /// The terminal has closed its day since: it no longer knows the payment.
    DayClosed,
    /// A newer catalog is active.
    OlderCatalog {
        /// Revision of the active one.
        active: u64,
    },
    /// Another catalog of the same revision is active.
    SameRevision {
        /// The revision.
        active: u64,
    },
    /// A mistake in the core: it wanted to write an event that no table has. Nothing was written.
    NotInTheTables(Box<Event>),
}

/// A kiosk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kiosk {
    pub(crate) config: Arc<KioskConfig>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) session: Session,
}

/// A replay event by event, for a log that need not fit into memory at once.
#[derive(Debug)]
pub struct Replay {
    ledger: Ledger,
    series: u64,
}

impl Replay {
    /// Begins with nothing; `series` is the fiscal series of what will be written afterwards.
    pub fn new(series: u64) -> Self {
        Self { ledger: Ledger::new(series), series }
    }

    /// The next event and the epoch it was written in.
    pub fn apply(&mut self, epoch: u64, event: &Event) {
        self.ledger.enter_series(epoch);
        self.ledger.apply(event);
    }

    /// The kiosk as the events left it; [`Input::Started`] comes next.
    pub fn finish(mut self, config: Arc<KioskConfig>) -> Kiosk {
        self.ledger.enter_series(self.series);
        Kiosk { config, ledger: Arc::new(self.ledger), session: Session::default() }
    }
}

impl Kiosk {
    /// A kiosk without a past. `series` is the fiscal series, which is the epoch of the store.
    pub fn new(config: Arc<KioskConfig>, series: u64) -> Self {
        Self { config, ledger: Arc::new(Ledger::new(series)), session: Session::default() }
    }

    /// What is shown where nothing but the screen works.
    pub fn at_rest(config: Arc<KioskConfig>, fault: Fault, now: &Now) -> View {
        let mut kiosk = Self::new(config, 0);
        (kiosk.session.started, kiosk.session.fault) = (true, Some(fault));
        view::view(&kiosk, now)
    }

    /// A kiosk with the past of its stored events, each with the epoch it was written in, oldest first.
    /// `series` is the current epoch; when it is a new one its fiscal numbers begin at 1. Hand it
    /// [`Input::Started`] next.
    pub fn replay(
        config: Arc<KioskConfig>,
        series: u64,
        events: impl IntoIterator<Item = (u64, Event)>,
    ) -> Self {
        let mut replay = Replay::new(series);
        events.into_iter().for_each(|(epoch, event)| replay.apply(epoch, &event));
        replay.finish(config)
    }

    /// Decides what follows from an input. Total; changes nothing.
    pub fn decide(&self, now: &Now, ids: &mut dyn IdSource, input: Input) -> Step {
        let mut turn = Turn::new(self, now, ids);
        turn.take(input);
        turn.finish(&self.session)
    }

    /// Applies one change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Event(event) => Arc::make_mut(&mut self.ledger).apply(event),
            Change::Session(change) => self.session.apply(change),
        }
    }

    /// What the customer should see.
    pub fn view(&self, now: &Now) -> View {
        view::view(self, now)
    }

    /// When [`Input::Tick`] is due at the latest; `None`: not before something else happens.
    pub fn next_deadline(&self) -> Option<MonoMs> {
        decide::next_deadline(self)
    }

    /// What is known for good.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What is known until the process ends.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The settings it runs with.
    pub fn config(&self) -> &KioskConfig {
        &self.config
    }

    /// What a receipt says, for showing and printing it outside the core.
    pub fn receipt_document(&self, receipt: ReceiptId, now: &Now) -> Option<ReceiptDocument> {
        let (order, receipt) = self.ledger.receipt(receipt)?;
        Some(crate::receipt::receipt(&self.config, order, receipt, now))
    }

    /// The receipt of an order as it would be printed now, whether it was ever asked for or not.
    pub fn order_document(&self, order: OrderId, now: &Now) -> Option<ReceiptDocument> {
        self.ledger.order(order).map(|order| crate::receipt::of_order(&self.config, order, now))
    }

    /// An order with its names in the shop's own language, as far as the active catalog has them.
    pub fn order_for_staff(&self, order: OrderId) -> Option<Arc<Order>> {
        let order = &self.ledger.order(order)?.order;
        let menu = self.session.menu.as_deref();
        Some(menu.map_or_else(|| order.clone(), |menu| retold::in_the_shops_language(menu, order).into()))
    }

    /// A number that two equal ledgers share and two different ones hardly do, for logs and reports.
    pub fn state_hash(&self) -> u64 {
        let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
        // Writing to a hash cannot fail, and what `Debug` prints covers every field.
        if std::fmt::write(&mut hash, format_args!("{:?}", self.ledger)).is_err() {
            return 0;
        }
        hash.0
    }
}

/// FNV-1a, 64 bits.
struct Fnv(u64);

impl std::fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
