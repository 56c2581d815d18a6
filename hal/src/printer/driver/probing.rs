//! How the driver keeps its picture of the printer true: rounds of status requests, and what silence means.

use std::time::Duration;

use tokio::time::Instant;

use super::{ANSWER_WITHIN, COMMAND_WITHIN, EscposPrinter};
use crate::printer::PrinterError;
use crate::printer::profile::StatusDialect;

/// Unanswered requests in a row after which a printer counts as silent.
const PROBES_MAX: u8 = 3;
/// Idle time between status probes where the printer reports by itself: finds a pulled cable.
const PROBE_EVERY: Duration = Duration::from_secs(10);
/// The same where it does not: probes are then the only news of paper and cover.
const PROBE_EVERY_WITHOUT_REPORTS: Duration = Duration::from_secs(3);

/// A status request on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    serial: u64,
    pub(super) deadline: Instant,
}

impl EscposPrinter {
    /// Asks for status afresh; `condition` is up to date afterwards, or says that the printer is silent.
    pub(crate) async fn check_status(&mut self) -> Result<(), PrinterError> {
        if !self.profile.has_real_time_status {
            return Ok(());
        }
        for n in self.status_round() {
            if !self.ask_until_answered(*n).await? {
                break;
            }
        }
        self.publish();
        self.next_round = Instant::now() + self.probe_every();
        Ok(())
    }

    /// Asks for one status byte, again when it does not come; false when the printer stays silent.
    pub(crate) async fn ask_until_answered(&mut self, n: u8) -> Result<bool, PrinterError> {
        // An answer to the first question serves as well when it comes after the second was asked.
        let mut first = None;
        for _ in 0..PROBES_MAX {
            let serial = self.session.ask(n);
            let first = *first.get_or_insert(serial);
            self.flush(COMMAND_WITHIN).await?;
            let until = Instant::now() + ANSWER_WITHIN;
            while !self.session.was_answered(first) {
                if self.advance(until).await?.is_none() {
                    break;
                }
            }
            if self.session.was_answered(first) {
                return Ok(true);
            }
            self.missed_answer();
        }
        Ok(false)
    }

    /// Does what is due while idle: the next status request of a round, or setting up after a fault.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.session.pending() > 0 {
            return;
        }
        self.session.clear_outbox();
        if let Some(probe) = self.probe {
            if self.session.is_unanswered(probe.serial) && now < probe.deadline {
                return;
            }
            self.probe = None;
            if self.session.is_unanswered(probe.serial) {
                self.plan.clear();
                self.missed_answer();
                // A missed answer is looked into at once; a silent printer is left alone until the next round.
                self.next_round = now + if self.latest.silent { self.probe_every() } else { ANSWER_WITHIN };
            } else if self.plan.is_empty() {
                self.publish();
            }
        }
        if !self.configured && self.plan.is_empty() && self.latest.fault().is_none() {
            return self.configure();
        }
        if self.plan.is_empty() && now >= self.next_round {
            self.next_round = now + self.probe_every();
            if self.profile.has_real_time_status {
                self.plan.extend(self.status_round());
            }
        }
        if let Some(n) = self.plan.pop_front() {
            self.probe = Some(Probe { serial: self.session.ask(n), deadline: now + ANSWER_WITHIN });
        }
    }

    /// The status requests that together tell everything.
    fn status_round(&self) -> &'static [u8] {
        match self.profile.dialect {
            StatusDialect::Epson => &[1, 2, 3, 4],
            StatusDialect::Hmk830 => &[2],
        }
    }

    fn probe_every(&self) -> Duration {
        if self.reports_by_itself() { PROBE_EVERY } else { PROBE_EVERY_WITHOUT_REPORTS }
    }

    pub(super) fn heard(&mut self) {
        self.unanswered = 0;
        if std::mem::take(&mut self.latest.silent) {
            // It may have been switched off meanwhile and have forgotten its settings.
            self.configured = false;
        }
    }

    pub(super) fn missed_answer(&mut self) {
        self.unanswered = self.unanswered.saturating_add(1);
        if self.unanswered >= PROBES_MAX {
            self.latest.silent = true;
            self.publish();
        }
    }

    pub(super) fn publish(&mut self) {
        let latest = self.latest;
        self.published.send_if_modified(|condition| std::mem::replace(condition, latest) != latest);
    }

    /// Whether drawer and paper changes come without asking.
    pub(crate) fn reports_by_itself(&self) -> bool {
        self.profile.has_auto_status && self.configured
    }
}
