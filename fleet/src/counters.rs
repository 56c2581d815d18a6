//! What this process has done since it started.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that many count on.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn take_away(&self, less: u64) {
        self.0.fetch_sub(less, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Counters {
    pub batches: Counter,
    pub events: Counter,
    pub repeated: Counter,
    pub quarantined: Counter,
    pub denied: Counter,
    pub forked: Counter,
    pub unreadable: Counter,
    pub transactions: Counter,
    pub statuses: Counter,
    pub refused: Counter,
    pub questions: Counter,
    pub assignments: Counter,
    pub turns: Counter,
    pub verdicts: Counter,
    pub halts: Counter,
    pub parts: Counter,
    pub parts_left_out: Counter,
    /// Workers that are connected now.
    pub links: Counter,
}

/// Those of this process.
pub(crate) static COUNTERS: Counters = Counters {
    batches: Counter::new(),
    events: Counter::new(),
    repeated: Counter::new(),
    quarantined: Counter::new(),
    denied: Counter::new(),
    forked: Counter::new(),
    unreadable: Counter::new(),
    transactions: Counter::new(),
    statuses: Counter::new(),
    refused: Counter::new(),
    questions: Counter::new(),
    assignments: Counter::new(),
    turns: Counter::new(),
    verdicts: Counter::new(),
    halts: Counter::new(),
    parts: Counter::new(),
    parts_left_out: Counter::new(),
    links: Counter::new(),
};

impl Counters {
    /// Name, meaning and value of those that only grow.
    pub(crate) fn all(&self) -> [(&'static str, &'static str, u64); 17] {
        [
            ("fleet_ingest_batches_total", "Batches that were answered.", self.batches.get()),
            ("fleet_ingest_events_total", "Events in batches that were answered.", self.events.get()),
            ("fleet_ingest_events_repeated_total", "Events that had come before.", self.repeated.get()),
            (
                "fleet_ingest_events_quarantined_total",
                "Events that were not understood.",
                self.quarantined.get(),
            ),
            ("fleet_ingest_events_denied_total", "Paid sales that the fleet denied.", self.denied.get()),
            ("fleet_ingest_forks_total", "Batches of a kiosk that is there twice.", self.forked.get()),
            (
                "fleet_ingest_unreadable_total",
                "Payloads that are no batch and no question.",
                self.unreadable.get(),
            ),
            ("fleet_ingest_transactions_total", "Transactions that stored batches.", self.transactions.get()),
            ("fleet_ingest_statuses_total", "Births, heartbeats and wills.", self.statuses.get()),
            ("fleet_ingest_refused_total", "Messages of kiosks that are not ours.", self.refused.get()),
            ("fleet_ingest_questions_total", "Questions for more of scarce goods.", self.questions.get()),
            ("fleet_update_assignments_total", "Assignments that were sent.", self.assignments.get()),
            ("fleet_update_turns_total", "Kiosks that got their turn to switch.", self.turns.get()),
            ("fleet_update_verdicts_total", "Kiosks of which it is known how it went.", self.verdicts.get()),
            ("fleet_update_halts_total", "Rollouts that halted by themselves.", self.halts.get()),
            ("fleet_update_parts_total", "Parts of files sent over MQTT.", self.parts.get()),
            (
                "fleet_update_parts_left_out_total",
                "Parts of files beyond the rate of a kiosk.",
                self.parts_left_out.get(),
            ),
        ]
    }
}
