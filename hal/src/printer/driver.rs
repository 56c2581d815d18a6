//! The driver of one ESC/POS printer over an open link.
//!
//! ```text
//!  connect ── status ── configure ──┐
//!                                   v
//!            ┌──────────────────── idle ── next_event: reports, probes ──┐
//!            │                      │ print                              │ link error, torn job
//!            │               preflight 10 04 n ── fault ─> NotStarted    v
//!            │                      │                            the actor drops the driver,
//!            │                   sending ── stalled, link gone ─> Unknown   backs off, connects again
//!            │                      │ last byte accepted
//!            │                 waiting for 37 22 id, or for the fence
//!            └── Confirmed / Sent ──┤
//!                                   └── printer's buffer lost, no answer ─> Unknown
//! ```
//!
//! A driver never opens its link again and never repeats a job: both are decisions of the printer's actor.

mod job;
mod probing;

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::codec::commands;
use super::codec::inbound::Answer;
use super::condition::PrinterCondition;
use super::profile::{PinLevel, Profile};
use super::session::{Session, Step};
use super::shaper::TextShaper;
use super::{JobNumber, PrinterError, PrinterEvent, Recovery};
use crate::drawer::DrawerState;
use crate::link::{Link, Traffic};
use crate::status::DeviceIdentity;
use probing::Probe;

/// A printer that can answer does so within this; the command reference promises less.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// Short commands leave at once, or the link is stuck.
const COMMAND_WITHIN: Duration = Duration::from_secs(5);
/// Jobs whose answer may still come; older ones are given up.
const OUTSTANDING_MAX: usize = 100;
/// `GS I` numbers we ask for at connecting: maker, model, firmware, serial number.
const IDENTITY_BLOCKS: [u8; 4] = [0x42, 0x43, 0x41, 0x44];

/// One ESC/POS printer over an open link.
///
/// Dropping it closes the link; a job that was being printed is then unknown.
#[derive(Debug)]
pub struct EscposPrinter {
    pub(super) session: Session,
    pub(super) profile: Profile,
    shaper: Option<TextShaper>,
    /// What is known, also in the middle of a round of questions.
    latest: PrinterCondition,
    /// What others see: complete rounds only, or a cover would first show as "offline" for a moment.
    published: watch::Sender<PrinterCondition>,
    identity: DeviceIdentity,
    identity_asked: VecDeque<u8>,
    /// Set up since it was last silent or in a fault: automatic status may be lost with the power.
    configured: bool,
    /// Status requests still to send in this round of probing.
    plan: VecDeque<u8>,
    probe: Option<Probe>,
    next_round: Instant,
    unanswered: u8,
    outstanding: VecDeque<JobNumber>,
    confirmed: VecDeque<JobNumber>,
    fence_passed: bool,
    told: PrinterCondition,
    told_identity: bool,
    /// A job was cut off in the middle of a command; whatever comes next would be printed as its rest.
    torn: bool,
    pub(crate) pulsed_at: Option<Instant>,
}

/// How the previous connection to this printer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// No job was cut off, or the printer was off in between.
    #[default]
    Clean,
    /// A job may have been cut off in the middle of a picture: fill the picture up before anything else, or the
    /// printer takes the next commands for dots. Costs at most one band of white paper.
    AfterTornJob,
}

impl EscposPrinter {
    /// Takes over an open link: asks for status, sets the printer up and asks who it is.
    ///
    /// A printer that does not answer, or has a fault, is connected all the same; its condition says so.
    ///
    /// # Errors
    /// [`PrinterError::Link`] when the link fails meanwhile.
    pub async fn connect(
        link: Link,
        profile: Profile,
        shaper: Option<TextShaper>,
        start: Start,
    ) -> Result<Self, PrinterError> {
        let session = Session::new(link, profile.dialect);
        let mut printer = Self {
            session,
            profile,
            shaper,
            latest: PrinterCondition::default(),
            published: watch::Sender::new(PrinterCondition::default()),
            identity: DeviceIdentity::default(),
            identity_asked: VecDeque::new(),
            configured: false,
            plan: VecDeque::new(),
            probe: None,
            next_round: Instant::now(),
            unanswered: 0,
            outstanding: VecDeque::new(),
            confirmed: VecDeque::new(),
            fence_passed: false,
            told: PrinterCondition::default(),
            told_identity: true,
            torn: false,
            pulsed_at: None,
        };
        if start == Start::AfterTornJob {
            let band = usize::from(printer.profile.dots_wide).div_ceil(8) * printer.profile.band_rows();
            printer.session.queue(&vec![0; band]);
            printer.flush(printer.transfer_time(band) + COMMAND_WITHIN).await?;
        }
        printer.check_status().await?;
        if printer.latest.fault().is_none() {
            printer.configure();
            printer.flush(COMMAND_WITHIN).await?;
            let until = Instant::now() + ANSWER_WITHIN;
            while !printer.identity_asked.is_empty() && printer.advance(until).await?.is_some() {}
        }
        printer.told = printer.condition();
        printer.told_identity = true;
        Ok(printer)
    }

    /// Waits for news: a changed condition, the late end of a job, the printer's identity. Probes the printer
    /// meanwhile, so that a silent one is noticed.
    ///
    /// Cancel-safe: dropping the call loses nothing.
    ///
    /// # Errors
    /// [`PrinterError`]: the driver is of no more use and must be dropped.
    pub async fn next_event(&mut self) -> Result<PrinterEvent, PrinterError> {
        loop {
            if self.torn {
                return Err(PrinterError::Torn);
            }
            self.tick(Instant::now());
            if let Some(event) = self.news() {
                return Ok(event);
            }
            let until = self.probe.map_or(self.next_round, |probe| probe.deadline);
            self.advance(until).await?;
        }
    }

    /// What is known about the printer now.
    #[must_use]
    pub fn condition(&self) -> PrinterCondition {
        *self.published.borrow()
    }

    /// Follows the condition from another task, also while a job is printing.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<PrinterCondition> {
        self.published.subscribe()
    }

    /// Who answered; empty for printers that do not tell.
    #[must_use]
    pub fn identity(&self) -> &DeviceIdentity {
        &self.identity
    }

    /// Bytes in and out since the link was opened.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.session.link().traffic()
    }

    /// Received bytes that made no sense.
    #[must_use]
    pub fn garbage_bytes(&self) -> u64 {
        self.session.garbage_bytes()
    }

    /// Tells a printer whose cutter or jam was cleared by hand to go on.
    ///
    /// # Errors
    /// [`PrinterError`]: the driver must be dropped.
    pub async fn recover(&mut self, how: Recovery) -> Result<(), PrinterError> {
        if self.torn {
            return Err(PrinterError::Torn);
        }
        let command = match how {
            Recovery::Resume => commands::RECOVER_RESUME,
            Recovery::Clear => {
                self.outstanding.clear();
                commands::RECOVER_CLEAR
            }
        };
        self.session.queue(&command);
        self.flush(COMMAND_WITHIN).await?;
        self.configured = false;
        self.check_status().await
    }

    /// Whether the drawer is open, by the last report and this printer's polarity.
    #[must_use]
    pub(crate) fn drawer_state(&self) -> DrawerState {
        match self.latest.drawer_pin {
            None => DrawerState::Unknown,
            Some(level) if level == self.profile.drawer_open_level => DrawerState::Open,
            Some(PinLevel::Low | PinLevel::High) => DrawerState::Closed,
        }
    }

    pub(crate) fn is_torn(&self) -> bool {
        self.torn
    }

    pub(crate) fn queue(&mut self, bytes: &[u8]) {
        self.session.queue(bytes);
    }

    /// Writes out everything queued, or fails: a link that takes no command is of no use.
    pub(crate) async fn flush(&mut self, within: Duration) -> Result<(), PrinterError> {
        let until = Instant::now() + within;
        while self.session.pending() > 0 {
            if self.advance(until).await?.is_none() {
                self.torn = true;
                return Err(PrinterError::Stuck);
            }
        }
        self.session.clear_outbox();
        Ok(())
    }

    /// Waits for the next thing that happens on the link and takes it in; `None` at `until`. Cancel-safe.
    pub(crate) async fn advance(&mut self, until: Instant) -> Result<Option<()>, PrinterError> {
        match self.session.step(until).await {
            Ok(Some(step)) => {
                self.take_in(step);
                Ok(Some(()))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.torn = true;
                Err(error.into())
            }
        }
    }

    fn take_in(&mut self, step: Step) {
        if step != Step::Answer(Answer::Xoff) && !matches!(step, Step::Wrote(_)) {
            self.heard();
        }
        match step {
            Step::Wrote(_) => {}
            Step::Status { n, byte } => self.latest.apply_real_time(self.profile.dialect, n, byte),
            Step::Answer(Answer::AutoStatus(status)) => {
                self.latest.apply_auto_status(status);
                self.publish();
            }
            Step::Answer(Answer::Single(_)) => self.fence_passed = true,
            Step::Answer(Answer::ProcessId(id)) => self.confirm(id),
            Step::Answer(Answer::Information(text)) => self.identify(&text),
            // Flow control is the serial line's own business, and no other block is asked for.
            Step::Answer(Answer::RealTime(_) | Answer::Xon | Answer::Xoff | Answer::Other(_)) => {}
        }
    }

    /// An answer confirms its job and all before it: a printer may answer only the newest of several requests.
    /// An id we do not wait for confirms nothing.
    fn confirm(&mut self, id: [u8; 4]) {
        if let Some(at) = self.outstanding.iter().position(|job| job.digits() == id) {
            self.confirmed.extend(self.outstanding.drain(..=at));
        }
    }

    fn identify(&mut self, text: &[u8]) {
        let Some(asked) = self.identity_asked.pop_front() else { return };
        let text = String::from_utf8_lossy(text).trim().to_owned();
        let field = match asked {
            0x42 => &mut self.identity.maker,
            0x43 => &mut self.identity.model,
            0x41 => &mut self.identity.firmware,
            _ => &mut self.identity.serial,
        };
        *field = Some(text).filter(|text| !text.is_empty());
        self.told_identity = false;
    }

    /// Queues what brings the printer into a known state. Not to be called in a fault: a printer that is offline
    /// would keep the commands until it is not.
    fn configure(&mut self) {
        self.configured = true;
        self.session.queue(&commands::RESET);
        if self.profile.has_auto_status {
            self.session.queue(&commands::AUTO_STATUS_ON);
        }
        if self.profile.has_identity && self.identity == DeviceIdentity::default() {
            self.identity_asked.clear();
            for block in IDENTITY_BLOCKS {
                self.session.queue(&commands::identity(block));
                self.identity_asked.push_back(block);
            }
        }
    }

    /// Something the caller has not been told yet.
    fn news(&mut self) -> Option<PrinterEvent> {
        if let Some(job) = self.confirmed.pop_front() {
            return Some(PrinterEvent::Confirmed(job));
        }
        let condition = self.condition();
        if condition != self.told {
            self.told = condition;
            return Some(PrinterEvent::Condition(condition));
        }
        if !std::mem::replace(&mut self.told_identity, true) {
            return Some(PrinterEvent::Identity(self.identity.clone()));
        }
        None
    }

    /// How long `bytes` take over the line.
    fn transfer_time(&self, bytes: usize) -> Duration {
        let rate = self.session.link().bytes_per_second().unwrap_or(job::NETWORK_BYTES_PER_SECOND);
        let millis = bytes as u64 * 1_000 / u64::from(rate.max(1));
        Duration::from_millis(millis)
    }
}

#[cfg(test)]
mod tests;
