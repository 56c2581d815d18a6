//! One job, from preflight to its end.

use std::time::Duration;

use tokio::time::Instant;

use super::EscposPrinter;
use crate::printer::codec::{self, EncodedDocument, commands};
use crate::printer::document::PrintDocument;
use crate::printer::{JobNumber, NotStarted, PrintOutcome, PrinterError, PrinterFault, Unknown};

/// Rate assumed where the line is not the bottleneck: what printers on a network take while they print.
pub(super) const NETWORK_BYTES_PER_SECOND: u32 = 100_000;
/// A printer that takes nothing for so long, without a fault that explains it, is stuck.
const STALL_MAX: Duration = Duration::from_secs(10);
/// Time to answer once the paper is out, besides transfer and printing.
const ANSWER_SPARE: Duration = Duration::from_secs(2);
/// Printing time of a millimetre of paper, slow models with dense pictures included.
const MILLIMETRE: Duration = Duration::from_millis(100);
/// How often a printer in a fault is asked whether it still is.
const FAULT_POLL: Duration = Duration::from_secs(2);
/// How long a job waits in the printer for paper or a closed cover before it is given up as unknown.
const FAULT_WAIT_MAX: Duration = Duration::from_secs(15 * 60);
/// Without confirmation: no fault for so long after the last byte was processed counts as sent.
const CALM: Duration = Duration::from_secs(2);

/// How the end of a job is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// By its process id: everything before it is on paper.
    ProcessId,
    /// By the answer to a queued request: everything before it was processed. The paper may still stop.
    Fence,
    /// Not at all.
    Nothing,
}

impl EscposPrinter {
    /// Prints `document` and waits for its end.
    ///
    /// `job` must not repeat within a hundred jobs, copies included: late answers are told apart by it. While it
    /// waits for paper or a closed cover, at most a quarter of an hour, the condition can be followed with
    /// [`EscposPrinter::subscribe`].
    ///
    /// Not cancel-safe: after a dropped call the job's end is unknown and the driver must be dropped.
    pub async fn print(&mut self, document: &PrintDocument, job: JobNumber) -> PrintOutcome {
        if self.torn {
            return PrintOutcome::NotStarted(NotStarted::Torn);
        }
        let encoded = match codec::encode(document, &self.profile, self.shaper.as_mut()) {
            Ok(encoded) => encoded,
            Err(error) => return PrintOutcome::NotStarted(NotStarted::Encode(error)),
        };
        for warning in &encoded.warnings {
            tracing::warn!(job = job.get(), %warning, "receipt printed with a flaw");
        }
        match self.preflight().await {
            Err(error) => return PrintOutcome::NotStarted(NotStarted::Printer(error)),
            Ok(Some(fault)) => return PrintOutcome::NotStarted(NotStarted::Fault(fault)),
            Ok(None) => {}
        }
        // From here on a dropped call or an error leaves the printer in the middle of something.
        self.torn = true;
        let outcome = match self.send(&encoded, job).await {
            Ok(None) => match self.wait_for_end(&encoded, job).await {
                Ok(outcome) => outcome,
                Err(error) => PrintOutcome::Unknown(Unknown::Printer(error)),
            },
            Ok(Some(outcome)) => return outcome,
            Err(error) if self.session.written() == 0 => {
                return PrintOutcome::NotStarted(NotStarted::Printer(error));
            }
            Err(error) => return PrintOutcome::Unknown(Unknown::Printer(error)),
        };
        self.torn = matches!(outcome, PrintOutcome::Unknown(Unknown::Printer(_)));
        outcome
    }

    async fn preflight(&mut self) -> Result<Option<PrinterFault>, PrinterError> {
        // What was idly queued goes first: a half-written probe must not end up in the job.
        self.flush(super::COMMAND_WITHIN).await?;
        self.plan.clear();
        self.probe = None;
        self.check_status().await?;
        if let Some(fault) = self.latest.fault() {
            return Ok(Some(fault));
        }
        if !self.configured {
            self.configure();
            self.flush(super::COMMAND_WITHIN).await?;
        }
        Ok(None)
    }

    /// Sends the job: `None` when its last byte was accepted, otherwise how it ended.
    async fn send(
        &mut self,
        encoded: &EncodedDocument,
        job: JobNumber,
    ) -> Result<Option<PrintOutcome>, PrinterError> {
        self.fence_passed = false;
        self.session.clear_outbox();
        self.session.queue(&encoded.bytes);
        match self.proof() {
            Proof::ProcessId => {
                self.session.queue(&commands::process_id(job.digits()));
                if self.outstanding.len() == super::OUTSTANDING_MAX {
                    self.outstanding.pop_front();
                }
                self.outstanding.push_back(job);
            }
            Proof::Fence => self.session.queue(&commands::FENCE),
            Proof::Nothing => {}
        }
        let total = self.session.pending();
        let begun = Instant::now();
        let mut stalled_at = begun + STALL_MAX;
        while self.session.pending() > 0 {
            let before = self.session.pending();
            let step = self.advance(stalled_at).await?;
            if self.session.pending() < before {
                stalled_at = Instant::now() + STALL_MAX;
            }
            let fault = self.latest.fault();
            let lost = fault.filter(|fault| !fault.keeps_job());
            let waiting = fault.is_some() && begun.elapsed() < FAULT_WAIT_MAX;
            if lost.is_none() && (step.is_some() || waiting) {
                if step.is_none() {
                    stalled_at = Instant::now() + FAULT_POLL;
                }
                continue;
            }
            let accepted = self.session.written();
            self.session.clear_outbox();
            return Ok(Some(match (accepted, lost.or(fault)) {
                (0, Some(fault)) => {
                    self.outstanding.retain(|waiting| *waiting != job);
                    self.torn = false;
                    PrintOutcome::NotStarted(NotStarted::Fault(fault))
                }
                (0, None) => PrintOutcome::NotStarted(NotStarted::Printer(PrinterError::Stuck)),
                (_, Some(fault)) => PrintOutcome::Unknown(Unknown::Fault(fault)),
                (accepted, None) => PrintOutcome::Unknown(Unknown::Stalled { accepted, total }),
            }));
        }
        self.session.clear_outbox();
        Ok(None)
    }

    async fn wait_for_end(
        &mut self,
        encoded: &EncodedDocument,
        job: JobNumber,
    ) -> Result<PrintOutcome, PrinterError> {
        let proof = self.proof();
        let begun = Instant::now();
        let budget = match proof {
            Proof::ProcessId | Proof::Fence => self.end_expected_after(encoded),
            Proof::Nothing => CALM,
        };
        let mut deadline = begun + budget;
        let mut calm_from = (proof == Proof::Nothing).then_some(begun);
        let mut in_fault = false;
        let mut poll = None;
        loop {
            if proof == Proof::ProcessId && self.was_confirmed(job) {
                return Ok(PrintOutcome::Confirmed);
            }
            let now = Instant::now();
            if proof == Proof::Fence && self.fence_passed && calm_from.is_none() && !in_fault {
                calm_from = Some(now);
                deadline = now + CALM;
            }
            match self.latest.fault() {
                Some(fault) if !fault.keeps_job() => {
                    return Ok(PrintOutcome::Unknown(Unknown::Fault(fault)));
                }
                Some(fault) if begun.elapsed() >= FAULT_WAIT_MAX => {
                    return Ok(PrintOutcome::Unknown(Unknown::Fault(fault)));
                }
                Some(_) if !in_fault => {
                    in_fault = true;
                    deadline = now + FAULT_POLL;
                }
                None if in_fault => {
                    in_fault = false;
                    calm_from = calm_from.map(|_| now);
                    deadline = now + if calm_from.is_some() { CALM } else { budget };
                }
                Some(_) | None => {}
            }
            if self.advance(deadline).await?.is_some() {
                continue;
            }
            if in_fault {
                deadline = Instant::now() + FAULT_POLL;
                self.poll_in_fault(&mut poll).await?;
                continue;
            }
            self.check_status().await?;
            if proof == Proof::ProcessId && self.was_confirmed(job) {
                return Ok(PrintOutcome::Confirmed);
            }
            match self.latest.fault() {
                Some(_) => {}
                None if calm_from.is_some() => return Ok(PrintOutcome::Sent),
                None => return Ok(PrintOutcome::Unknown(Unknown::NoAnswer)),
            }
        }
    }

    /// Asks a printer in a fault whether it still is, without insisting: a printer that has stopped reading gets the
    /// question only when it reads again, and until then its silence says nothing new.
    async fn poll_in_fault(&mut self, poll: &mut Option<u64>) -> Result<(), PrinterError> {
        if !self.profile.has_real_time_status || self.session.pending() > 0 {
            return Ok(());
        }
        if poll.take().is_some_and(|serial| self.session.was_answered(serial)) {
            // It reads and answers, so a whole round is worth while.
            return self.check_status().await;
        }
        self.session.clear_outbox();
        *poll = Some(self.session.ask(1));
        Ok(())
    }

    /// Takes the job from those that were confirmed; earlier ones stay to be reported by `next_event`.
    fn was_confirmed(&mut self, job: JobNumber) -> bool {
        let found = self.confirmed.iter().position(|confirmed| *confirmed == job);
        found.is_some_and(|at| self.confirmed.remove(at).is_some())
    }

    fn proof(&self) -> Proof {
        if self.profile.has_process_id {
            Proof::ProcessId
        } else if self.profile.has_fence {
            Proof::Fence
        } else {
            Proof::Nothing
        }
    }

    /// How long after the last byte was accepted the job should be done.
    fn end_expected_after(&self, encoded: &EncodedDocument) -> Duration {
        let per_inch = u32::from(self.profile.dots_per_inch.max(1));
        let millimetres = (u64::from(encoded.dots_high) * 254 / (u64::from(per_inch) * 10)).min(100_000);
        let printing = MILLIMETRE * u32::try_from(millimetres).unwrap_or(u32::MAX);
        ANSWER_SPARE + self.transfer_time(encoded.bytes.len()) + printing
    }
}
