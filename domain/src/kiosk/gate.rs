//! When the machine may be restarted for an update.

use super::Kiosk;
use super::ledger::PrintState;

/// Whether a restart is harmless now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UpdateGate {
    /// Nothing would be interrupted or lost.
    Open,
    /// Not now, and why.
    Closed(Vec<Obstacle>),
}

impl UpdateGate {
    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Open => true,
            Self::Closed(_) => false,
        }
    }
}

/// Why the machine must not be restarted now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Obstacle {
    /// The program itself is still starting.
    Starting,
    /// A customer is there.
    Customer,
    /// A payment is not at a definite end.
    PaymentUnderWay,
    /// So many payments are not known to the fleet yet.
    UnsyncedPayments(u64),
    /// A receipt is coming out.
    Printing,
    /// A kitchen ticket was handed out and is not confirmed.
    KitchenTicket,
}

impl Kiosk {
    /// Whether the machine may be restarted for an update. `unsynced_payments`: payment events that the fleet has
    /// not acknowledged (0 without a fleet).
    pub fn update_gate(&self, unsynced_payments: u64) -> UpdateGate {
        let ledger = &self.ledger;
        let printing = ledger.open_orders().any(|o| o.receipts.iter().any(|r| r.state == PrintState::Sent));
        let ticket = !self.session.work.kitchen.is_empty();
        let obstacles = [
            (!self.session.started).then_some(Obstacle::Starting),
            self.session.visit.is_some().then_some(Obstacle::Customer),
            ledger.live_payments().next().map(|_| Obstacle::PaymentUnderWay),
            (unsynced_payments > 0).then_some(Obstacle::UnsyncedPayments(unsynced_payments)),
            printing.then_some(Obstacle::Printing),
            ticket.then_some(Obstacle::KitchenTicket),
        ];
        let obstacles: Vec<Obstacle> = obstacles.into_iter().flatten().collect();
        if obstacles.is_empty() { UpdateGate::Open } else { UpdateGate::Closed(obstacles) }
    }
}
