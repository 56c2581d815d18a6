//! The session over an open link: the thin asynchronous edge.
//!
//! One driver serves one connection and never reconnects; that is the actor's business, together with asking what
//! became of a payment when contact was lost.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use zeroize::Zeroize;

use super::PaymentTerminal;
use super::codes::Condition;
use super::error::TerminalError;
use super::event::{LastAnswer, LossCause, Registration, StatusReport, TerminalEvent};
use super::money::Money;
use super::profile::TerminalSettings;
use super::session::{Session, SessionCounters};
use super::types::{ChargeRequest, Command, CommandKind, LocalTime, ReversalRequest, Totals};
use crate::link::{Link, LinkError, Traffic};

/// How long the link may refuse to take bytes before it counts as lost. A terminal answers within five seconds, so
/// a longer jam could not be repaired any more.
const WRITE_LIMIT: Duration = Duration::from_secs(5);

/// Bytes read at once; a whole ordinary message.
const READ_BYTES: usize = 2048;

/// Reads before a command; a terminal that talks without end must not keep it from being sent.
const MAX_CATCH_UP: usize = 16;

/// Events that arrived while a question was being asked and are still to be handed out. Beyond this the oldest
/// receipts and states go first; money never does.
const MAX_STASHED: usize = 64;

/// How long a terminal may take to tell its last transaction, from the first byte of the question on. It answers
/// within seconds; one that only goes on about other things keeps nobody longer than this, so that whoever asks
/// hears of it in less than 45 s.
const QUESTION_LIMIT: Duration = Duration::from_secs(40);

/// How long anything may take whose end is waited for, such as an end of day with a slow bank. Silence ends it far
/// sooner; this is for a terminal that goes on talking.
const COMMAND_LIMIT: Duration = Duration::from_secs(600);

/// "Function not possible": some terminals have no status enquiry.
const NO_SUCH_FUNCTION: u8 = 0x83;

/// A ZVT terminal on an open link.
pub struct ZvtTerminal {
    session: Session,
    link: Link,
    started: Instant,
    /// Since when bytes wait to be written.
    writing_since: Option<Instant>,
    failure: Option<LinkError>,
    stash: VecDeque<TerminalEvent>,
    received: Box<[u8; READ_BYTES]>,
}

/// What woke the driver up.
enum Woken {
    Written(usize),
    Read(usize),
    Deadline,
    Failed(LossCause, LinkError),
}

impl ZvtTerminal {
    /// Registers at the terminal behind `link`.
    ///
    /// # Errors
    /// [`TerminalError::Refused`] with the terminal's code (0x9C: busy, try again), or [`TerminalError::Lost`].
    pub async fn connect(
        link: Link,
        settings: TerminalSettings,
    ) -> Result<(Self, Registration), TerminalError> {
        let mut terminal = Self {
            session: Session::new(settings),
            link,
            started: Instant::now(),
            writing_since: None,
            failure: None,
            stash: VecDeque::new(),
            received: Box::new([0; READ_BYTES]),
        };
        terminal.session.connected(Duration::ZERO);
        let registration = terminal
            .wait_for(CommandKind::Register, |event| match event {
                TerminalEvent::Registered(registration) => Ok(registration),
                other => Err(other),
            })
            .await?;
        Ok((terminal, registration))
    }

    /// The next thing the terminal reports. [`TerminalEvent::Lost`] is given as [`TerminalError::Lost`] instead, once;
    /// after that every call fails with [`TerminalError::NotReady`].
    ///
    /// Cancel-safe: a dropped call loses nothing.
    ///
    /// # Errors
    /// [`TerminalError::Lost`], [`TerminalError::NotReady`].
    pub async fn next_event(&mut self) -> Result<TerminalEvent, TerminalError> {
        match self.stash.pop_front() {
            Some(event) => Ok(event),
            None => self.session_event().await,
        }
    }

    /// Starts to take money. What happens comes as events; the approval waits for [`Self::accept_result`].
    ///
    /// # Errors
    /// [`TerminalError::Command`], [`TerminalError::NotReady`], [`TerminalError::InUse`]: nothing was sent.
    pub async fn start_charge(&mut self, request: ChargeRequest) -> Result<(), TerminalError> {
        self.command(Command::Charge(request)).await
    }

    /// Starts to give a payment back. Ends with [`TerminalEvent::Reversed`], [`TerminalEvent::ReversalRefused`] or a
    /// loss.
    ///
    /// # Errors
    /// As [`Self::start_charge`].
    pub async fn reverse(&mut self, receipt_no: u32, amount: Money) -> Result<(), TerminalError> {
        self.command(Command::Reverse(ReversalRequest { receipt_no, amount })).await
    }

    /// The approval is durable: the terminal may keep it. See [`Session::accept_result`].
    ///
    /// # Errors
    /// [`TerminalError::NothingToAnswer`].
    pub async fn accept_result(&mut self) -> Result<(), TerminalError> {
        self.session.accept_result(self.now())?;
        self.flush().await;
        Ok(())
    }

    /// The approval cannot be honoured: the terminal reverses by itself.
    ///
    /// # Errors
    /// [`TerminalError::NothingToAnswer`].
    pub async fn refuse_goods(&mut self) -> Result<(), TerminalError> {
        self.session.refuse_goods(self.now())?;
        self.flush().await;
        Ok(())
    }

    /// Asks the terminal to abort; how it ends comes as events, and an approval still counts.
    ///
    /// # Errors
    /// [`TerminalError::NothingToAbort`].
    pub async fn abort(&mut self) -> Result<(), TerminalError> {
        self.session.abort(self.now())?;
        self.flush().await;
        Ok(())
    }

    /// Asks how the terminal is.
    ///
    /// # Errors
    /// Those of [`Self::start_charge`], [`TerminalError::Refused`] and [`TerminalError::Lost`].
    pub async fn status(&mut self) -> Result<StatusReport, TerminalError> {
        self.command(Command::Status).await?;
        self.wait_for(CommandKind::Status, |event| match event {
            TerminalEvent::Status(report) => Ok(report),
            other => Err(other),
        })
        .await
    }

    /// Asks for the last transaction, after making sure that the terminal is free to tell.
    ///
    /// A terminal that comes to no answer within 40 s counts as lost.
    ///
    /// # Errors
    /// Those of [`Self::start_charge`] and [`TerminalError::Lost`].
    pub async fn query_last(&mut self) -> Result<LastAnswer, TerminalError> {
        let limit = Instant::now() + QUESTION_LIMIT;
        match tokio::time::timeout_at(limit, self.ask_last()).await {
            Ok(answer) => answer,
            Err(_) => Err(self.give_up()),
        }
    }

    /// Ends the conversation with a terminal that never comes to an end by itself. What it was doing is told as lost;
    /// only a new connection can ask what became of it.
    pub fn give_up(&mut self) -> TerminalError {
        self.session.link_lost(LossCause::NoEnd);
        while let Some(event) = self.session.next_event() {
            if let TerminalEvent::Lost(loss) = event {
                return TerminalError::Lost { loss, source: self.failure.take() };
            }
        }
        TerminalError::NotReady
    }

    async fn ask_last(&mut self) -> Result<LastAnswer, TerminalError> {
        match self.status().await {
            Ok(report) if report.condition == Condition::Busy => return Ok(LastAnswer::Busy),
            Ok(_) | Err(TerminalError::Refused { code: NO_SUCH_FUNCTION, .. }) => {}
            Err(TerminalError::Refused { code, .. }) => return Ok(LastAnswer::Refused { code }),
            Err(error) => return Err(error),
        }
        self.command(Command::RepeatReceipt).await?;
        self.wait_for(CommandKind::RepeatReceipt, |event| match event {
            TerminalEvent::LastTransaction(answer) => Ok(answer),
            other => Err(other),
        })
        .await
    }

    /// Hands in the day's payments; takes up to minutes.
    ///
    /// # Errors
    /// Those of [`Self::start_charge`], [`TerminalError::Refused`] and [`TerminalError::Lost`].
    pub async fn end_of_day(&mut self) -> Result<Totals, TerminalError> {
        self.command(Command::EndOfDay).await?;
        self.wait_for(CommandKind::EndOfDay, |event| match event {
            TerminalEvent::EndOfDay(totals) => Ok(totals),
            other => Err(other),
        })
        .await
    }

    /// Asks for the totals since the last end of day; books nothing.
    ///
    /// # Errors
    /// As [`Self::end_of_day`].
    pub async fn totals(&mut self) -> Result<Totals, TerminalError> {
        self.command(Command::Totals).await?;
        self.wait_for(CommandKind::Totals, |event| match event {
            TerminalEvent::Totals(totals) => Ok(totals),
            other => Err(other),
        })
        .await
    }

    /// Initialises the terminal.
    ///
    /// # Errors
    /// As [`Self::end_of_day`].
    pub async fn initialise(&mut self) -> Result<(), TerminalError> {
        self.run(Command::Initialise).await
    }

    /// Lets the terminal diagnose its connection.
    ///
    /// # Errors
    /// As [`Self::end_of_day`].
    pub async fn diagnose(&mut self) -> Result<(), TerminalError> {
        self.run(Command::Diagnosis).await
    }

    /// Sets the terminal's clock.
    ///
    /// # Errors
    /// As [`Self::end_of_day`].
    pub async fn set_clock(&mut self, time: LocalTime) -> Result<(), TerminalError> {
        self.run(Command::SetClock(time)).await
    }

    /// Whether a command can be started.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.session.is_idle()
    }

    /// What was strange so far.
    #[must_use]
    pub fn counters(&self) -> SessionCounters {
        self.session.counters()
    }

    /// Bytes in and out.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.link.traffic()
    }

    /// A command whose end is all there is to know.
    async fn run(&mut self, command: Command) -> Result<(), TerminalError> {
        let kind = command.kind();
        self.command(command).await?;
        self.wait_for(kind, move |event| match event {
            TerminalEvent::Completed { command, .. } if command == kind => Ok(()),
            other => Err(other),
        })
        .await
    }

    /// Starts a command. Events of earlier ones are set aside, so that no old answer is taken for the new one.
    async fn command(&mut self, command: Command) -> Result<(), TerminalError> {
        self.catch_up().await;
        while self.session.is_idle()
            && let Some(event) = self.session.next_event()
        {
            self.stash(event);
        }
        self.session.start(self.now(), command)?;
        self.flush().await;
        Ok(())
    }

    /// Waits for the answer that `pick` recognises; what else happens is handed out later.
    async fn wait_for<T>(
        &mut self,
        question: CommandKind,
        pick: impl Fn(TerminalEvent) -> Result<T, TerminalEvent>,
    ) -> Result<T, TerminalError> {
        let limit = Instant::now() + COMMAND_LIMIT;
        match tokio::time::timeout_at(limit, self.answer_to(question, pick)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.give_up()),
        }
    }

    async fn answer_to<T>(
        &mut self,
        question: CommandKind,
        pick: impl Fn(TerminalEvent) -> Result<T, TerminalEvent>,
    ) -> Result<T, TerminalError> {
        loop {
            match pick(self.session_event().await?) {
                Ok(answer) => return Ok(answer),
                Err(TerminalEvent::RegistrationRefused { code }) => {
                    return Err(TerminalError::Refused { command: CommandKind::Register, code });
                }
                Err(
                    TerminalEvent::Refused { command, code } | TerminalEvent::Aborted { command, code, .. },
                ) if command == question => {
                    return Err(TerminalError::Refused { command, code });
                }
                Err(TerminalEvent::Started(_) | TerminalEvent::Registered(_)) => {}
                Err(other) => self.stash(other),
            }
        }
    }

    fn stash(&mut self, event: TerminalEvent) {
        if self.stash.len() >= MAX_STASHED {
            let idle = |event: &TerminalEvent| {
                matches!(event, TerminalEvent::Intermediate(_) | TerminalEvent::Receipt(_))
            };
            let dropped = self.stash.iter().position(idle).unwrap_or(0);
            self.stash.remove(dropped);
        }
        self.stash.push_back(event);
    }

    async fn session_event(&mut self) -> Result<TerminalEvent, TerminalError> {
        loop {
            // Answers go out before the caller thinks about what happened: it may not call again for a while.
            self.flush().await;
            match self.session.next_event() {
                Some(TerminalEvent::Lost(loss)) => {
                    return Err(TerminalError::Lost { loss, source: self.failure.take() });
                }
                Some(event) => return Ok(event),
                None if self.session.is_down() => return Err(TerminalError::NotReady),
                None => self.step().await,
            }
        }
    }

    /// Takes what the link already has: a connection that was closed meanwhile is found before a command leaves, and
    /// then nothing was sent.
    async fn catch_up(&mut self) {
        for _ in 0..MAX_CATCH_UP {
            if self.session.is_down() {
                return;
            }
            let Self { link, received, .. } = self;
            let found = poll_fn(|context| match poll_read(link, received, context) {
                Poll::Ready(woken) => Poll::Ready(Some(woken)),
                Poll::Pending => Poll::Ready(None),
            });
            match found.await {
                Some(woken) => self.take(woken),
                None => return,
            }
        }
    }

    /// Writes what is to be written, as far as the link takes it within its time.
    async fn flush(&mut self) {
        while !self.session.output().is_empty() && !self.session.is_down() {
            self.step().await;
        }
    }

    /// One step of the conversation. Cancel-safe: bytes are taken over only together with the step's end.
    async fn step(&mut self) {
        let woken = self.wake().await;
        self.take(woken);
    }

    fn take(&mut self, woken: Woken) {
        let now = self.now();
        match woken {
            Woken::Written(count) => {
                self.session.written(count);
                self.writing_since = None;
            }
            Woken::Read(count) => {
                self.session.on_bytes(now, &self.received[..count]);
                self.received[..count].zeroize();
            }
            Woken::Deadline if self.write_deadline().is_some_and(|due| due <= Instant::now()) => {
                self.session.link_lost(LossCause::WriteStalled);
            }
            Woken::Deadline => self.session.on_deadline(now),
            Woken::Failed(cause, error) => {
                self.failure = Some(error);
                self.session.link_lost(cause);
            }
        }
    }

    /// Waits until bytes were written or read, or a deadline passed; in this order, so that a busy machine never
    /// takes bytes that are there already for bytes that came too late.
    async fn wake(&mut self) -> Woken {
        if self.session.output().is_empty() {
            self.writing_since = None;
        } else {
            self.writing_since.get_or_insert_with(Instant::now);
        }
        let session_due = self.session.next_deadline().map(|due| self.started + due);
        let due = [session_due, self.write_deadline()].into_iter().flatten().min();
        let far = Instant::now() + Duration::from_secs(3600);
        let mut sleep = pin!(tokio::time::sleep_until(due.unwrap_or(far)));
        let Self { session, link, received, .. } = self;
        poll_fn(|context| {
            let output = session.output();
            if !output.is_empty() {
                match Pin::new(&mut *link).poll_write(context, output) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(closed(link)),
                    Poll::Ready(Ok(count)) => return Poll::Ready(Woken::Written(count)),
                    Poll::Ready(Err(source)) => {
                        let error = LinkError::Write { peer: link.peer().to_owned(), accepted: 0, source };
                        return Poll::Ready(Woken::Failed(LossCause::LinkClosed, error));
                    }
                    Poll::Pending => {}
                }
            }
            if let Poll::Ready(woken) = poll_read(link, received, context) {
                return Poll::Ready(woken);
            }
            sleep.as_mut().poll(context).map(|()| Woken::Deadline)
        })
        .await
    }

    fn write_deadline(&self) -> Option<Instant> {
        self.writing_since.map(|since| since + WRITE_LIMIT)
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

fn poll_read(link: &mut Link, received: &mut [u8; READ_BYTES], context: &mut Context<'_>) -> Poll<Woken> {
    let mut buffer = ReadBuf::new(received);
    Pin::new(&mut *link).poll_read(context, &mut buffer).map(|read| match read {
        Ok(()) if buffer.filled().is_empty() => closed(link),
        Ok(()) => Woken::Read(buffer.filled().len()),
        Err(source) => {
            let error = LinkError::Read { peer: link.peer().to_owned(), source };
            Woken::Failed(LossCause::LinkClosed, error)
        }
    })
}

fn closed(link: &Link) -> Woken {
    Woken::Failed(LossCause::LinkClosed, LinkError::Closed { peer: link.peer().to_owned() })
}

impl PaymentTerminal for ZvtTerminal {
    async fn start_charge(&mut self, request: ChargeRequest) -> Result<(), TerminalError> {
        Self::start_charge(self, request).await
    }

    async fn next_event(&mut self) -> Result<TerminalEvent, TerminalError> {
        Self::next_event(self).await
    }

    async fn accept_result(&mut self) -> Result<(), TerminalError> {
        Self::accept_result(self).await
    }

    async fn refuse_goods(&mut self) -> Result<(), TerminalError> {
        Self::refuse_goods(self).await
    }

    async fn abort(&mut self) -> Result<(), TerminalError> {
        Self::abort(self).await
    }

    async fn reverse(&mut self, receipt_no: u32, amount: Money) -> Result<(), TerminalError> {
        Self::reverse(self, receipt_no, amount).await
    }

    async fn query_last(&mut self) -> Result<LastAnswer, TerminalError> {
        Self::query_last(self).await
    }

    async fn status(&mut self) -> Result<StatusReport, TerminalError> {
        Self::status(self).await
    }

    async fn end_of_day(&mut self) -> Result<Totals, TerminalError> {
        Self::end_of_day(self).await
    }
}

#[cfg(test)]
mod tests;
