//! The payment terminal's actor. One command at a time; answers come in the order of the questions; contact
//! lost in the middle of a payment is told with how far it had come, and never repaired here.

mod translate;

use std::time::Duration;

use domain::Input;
use domain::effect::TerminalEffect;
use domain::ids::PaymentId;
use domain::input::{LastAnswer, TerminalInput};
use hal::link::Endpoint;
use hal::status::{DeviceIdentity, DeviceState};
use hal::terminal::{
    ChargeRequest, CommandKind, Framing, Password, Profile, ResultAnswer, ResultClass, ReversedBy, Sent,
    TerminalError, TerminalEvent, TerminalSettings, ZvtTerminal, result_class,
};
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;

use super::life::Life;
use crate::settings::{Terminal, TerminalFraming, WrongValue};

/// How long a terminal that is asked about its last transaction may go on with something else: longer than giving
/// a payment back takes, and short of the time after which the core calls a person. Then the session is ended and
/// a new one begun, because the question is about money.
const IDLE_WITHIN: Duration = Duration::from_secs(90);

/// How long a session that the terminal forgot, and refuses to take up again, is kept: long enough to report what
/// the refusal means for the command behind it.
const FORGOTTEN_FOR: Duration = Duration::from_secs(1);

/// Conditions of a terminal that are a bank's answers where there is a result: to be initialised, clock wrong.
const NOT_READY: [u8; 2] = [0x51, 0x62];

/// The terminal as configured.
pub(super) struct Actor {
    endpoint: Endpoint,
    settings: TerminalSettings,
}

/// What is going on with the connected terminal.
#[derive(Default)]
struct Work {
    /// The charge under way.
    charge: Option<PaymentId>,
    /// The charge was declined and the terminal has not finished yet.
    declined: Option<u8>,
    /// We asked for the abort.
    aborting: bool,
    /// The reversal under way.
    reversal: Option<PaymentId>,
    /// The question about the last transaction that waits for the terminal to be idle.
    question: Option<u32>,
    /// It was asked and is not idle: if it still is not then, the session is given up.
    idle_by: Option<Instant>,
}

impl Actor {
    pub(super) fn new(settings: &Terminal) -> Result<Self, WrongValue> {
        let endpoint = super::endpoint("terminal.endpoint", &settings.endpoint)?;
        let framing = match (settings.framing, &endpoint) {
            (TerminalFraming::Auto, Endpoint::Tcp { .. }) => Framing::Stream,
            (TerminalFraming::Auto, Endpoint::Serial(_)) => Framing::SerialCrc,
            (TerminalFraming::Lrc, _) => Framing::SerialLrc,
            (TerminalFraming::TcpLength, _) => Framing::LengthPrefixed,
        };
        let unknown = || WrongValue::unknown("terminal.profile", &settings.profile, &Profile::names());
        let profile = Profile::named(&settings.profile).ok_or_else(unknown)?;
        let password = Password::new(&settings.password)
            .ok_or_else(|| WrongValue::new("terminal.password", "must be six digits"))?;
        Ok(Self {
            endpoint,
            settings: TerminalSettings { profile, framing, password, ..TerminalSettings::standard() },
        })
    }

    pub(super) async fn run(self, mut life: Life, mut jobs: Receiver<TerminalEffect>) {
        let mut shutdown = life.shutdown();
        while !shutdown.is_set() {
            let error = tokio::select! {
                error = self.connected(&mut life, &mut jobs) => error,
                () = shutdown.wait() => return,
            };
            if let Some(error) = error {
                life.failed(&error);
                life.enter(DeviceState::Absent);
                life.tell(Input::Terminal(TerminalInput::Down { why: error.to_string().into() }));
            }
            let pause = life.rest();
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    () = shutdown.wait() => return,
                    job = jobs.recv() => match job {
                        Some(job) => refuse(&life, job),
                        None => return,
                    },
                }
            }
        }
    }

    /// Opens the terminal and serves it until contact is lost.
    async fn connected(&self, life: &mut Life, jobs: &mut Receiver<TerminalEffect>) -> Option<TerminalError> {
        let link = life.open(&self.endpoint).await?;
        let mut terminal = match self.register(life, link).await {
            Ok(terminal) => terminal,
            Err(error) => return Some(error),
        };
        let mut work = Work::default();
        let error = match ready(life, &mut terminal).await {
            Ok(()) => serve(life, jobs, &mut terminal, &mut work).await,
            Err(error) => error,
        };
        life.count(terminal.traffic());
        life.status().counters.garbage_bytes += terminal.counters().garbage_bytes;
        work.lost(life, &error);
        Some(error)
    }

    async fn register(&self, life: &mut Life, link: hal::link::Link) -> Result<ZvtTerminal, TerminalError> {
        let (mut terminal, registration) = ZvtTerminal::connect(link, self.settings.clone()).await?;
        if registration.needs_initialisation {
            terminal.initialise().await?;
        }
        if registration.needs_diagnosis {
            terminal.diagnose().await?;
        }
        life.identified(DeviceIdentity {
            serial: registration.terminal_id.map(|id| format!("{id:08}")),
            ..DeviceIdentity::default()
        });
        Ok(terminal)
    }
}

/// Registered and idle: what it remembers goes to the core.
async fn ready(life: &mut Life, terminal: &mut ZvtTerminal) -> Result<(), TerminalError> {
    let last = translate::last_answer(terminal.query_last().await?);
    life.enter(DeviceState::Ready);
    life.tell(Input::Terminal(TerminalInput::Ready { last }));
    Ok(())
}

async fn serve(
    life: &mut Life,
    jobs: &mut Receiver<TerminalEffect>,
    terminal: &mut ZvtTerminal,
    work: &mut Work,
) -> TerminalError {
    loop {
        let done = tokio::select! {
            event = terminal.next_event() => match event {
                Ok(event) => work.event(life, terminal, event).await,
                Err(error) => Err(error),
            },
            job = jobs.recv() => match job {
                Some(job) => work.job(life, terminal, job).await,
                // The core is gone, and with it the program.
                None => std::future::pending().await,
            },
            () = overdue(work.idle_by) => Err(terminal.give_up()),
        };
        let done = match done {
            Ok(()) => work.ask_if_idle(life, terminal).await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            return error;
        }
    }
}

/// Waits for a moment that may never come.
async fn overdue(by: Option<Instant>) {
    match by {
        Some(by) => tokio::time::sleep_until(by).await,
        None => std::future::pending().await,
    }
}

impl Work {
    async fn job(
        &mut self,
        life: &mut Life,
        terminal: &mut ZvtTerminal,
        job: TerminalEffect,
    ) -> Result<(), TerminalError> {
        match job {
            TerminalEffect::Charge { payment, amount, currency } => {
                life.status().counters.jobs += 1;
                let started = match translate::money(amount, currency) {
                    Some(amount) => terminal.start_charge(ChargeRequest { amount }).await,
                    None => Err(TerminalError::NotReady),
                };
                match started {
                    Ok(()) => {
                        *self = Self { charge: Some(payment), question: self.question, ..Self::default() };
                        Ok(())
                    }
                    Err(error) => self.not_started(life, payment, error),
                }
            }
            TerminalEffect::AcceptResult { payment } => {
                terminal.accept_result().await.or_else(|error| self.answer_failed(life, payment, error))
            }
            TerminalEffect::RefuseGoods { payment } => {
                terminal.refuse_goods().await.or_else(|error| self.answer_failed(life, payment, error))
            }
            TerminalEffect::Abort { payment } => match terminal.abort().await {
                Ok(()) => {
                    self.aborting = true;
                    Ok(())
                }
                Err(error @ TerminalError::Lost { .. }) => Err(error),
                Err(_) => {
                    life.tell(Input::Terminal(TerminalInput::AbortRefused { payment }));
                    Ok(())
                }
            },
            TerminalEffect::QueryLast { question } => {
                self.idle_by.get_or_insert_with(|| Instant::now() + IDLE_WITHIN);
                if self.charge.is_some() || self.reversal.is_some() {
                    // An answer now would be older than what is under way.
                    tell_last(life, question, LastAnswer::Busy);
                } else {
                    self.question = Some(question);
                }
                Ok(())
            }
            TerminalEffect::Reverse { payment, receipt_no, amount, currency } => {
                let started = match translate::money(amount, currency) {
                    Some(amount) => terminal.reverse(receipt_no, amount).await,
                    None => Err(TerminalError::NotReady),
                };
                match started {
                    Ok(()) => {
                        self.reversal = Some(payment);
                        Ok(())
                    }
                    Err(error) => self.not_started(life, payment, error),
                }
            }
            TerminalEffect::EndOfDay => match terminal.end_of_day().await {
                Ok(totals) => {
                    tracing::info!(?totals, "the terminal's day is closed");
                    life.day_ended(Ok(translate::day_totals(totals)));
                    Ok(())
                }
                Err(error) => {
                    tracing::warn!(%error, "the terminal's day was not closed");
                    life.day_ended(Err(error.to_string()));
                    if let TerminalError::Lost { .. } = error { Err(error) } else { Ok(()) }
                }
            },
        }
    }

    /// A charge or reversal that did not begin. A loss is told by [`Work::lost`] with how far it had come.
    fn not_started(
        &mut self,
        life: &Life,
        payment: PaymentId,
        error: TerminalError,
    ) -> Result<(), TerminalError> {
        if let TerminalError::Lost { .. } = error {
            self.charge = Some(payment);
            return Err(error);
        }
        tracing::warn!(%error, "the terminal did not take a command");
        life.tell(Input::Terminal(TerminalInput::Lost {
            payment,
            nothing_sent: true,
            why: error.to_string().into(),
        }));
        Ok(())
    }

    /// The terminal no longer waits for our word: only a question can tell what it did.
    fn answer_failed(
        &self,
        life: &Life,
        payment: PaymentId,
        error: TerminalError,
    ) -> Result<(), TerminalError> {
        if let TerminalError::Lost { .. } = error {
            return Err(error);
        }
        life.tell(lost(payment, &error.to_string()));
        Ok(())
    }

    async fn event(
        &mut self,
        life: &mut Life,
        terminal: &mut ZvtTerminal,
        event: TerminalEvent,
    ) -> Result<(), TerminalError> {
        let charge = self.charge;
        match event {
            TerminalEvent::Started(CommandKind::Charge) => {
                tell(life, charge.map(|payment| TerminalInput::Started { payment }));
            }
            TerminalEvent::Refused { command: CommandKind::Charge, code } => {
                self.charge = None;
                tell(life, charge.map(|payment| TerminalInput::Refused { payment, code }));
            }
            TerminalEvent::Refused { command: CommandKind::Reverse, code }
            | TerminalEvent::ReversalRefused { code } => {
                let payment = self.reversal.take();
                tell(life, payment.map(|payment| TerminalInput::ReversalRefused { payment, code }));
            }
            TerminalEvent::Intermediate(state) => {
                let prompt = translate::prompt(&state);
                tell(
                    life,
                    charge.zip(prompt).map(|(payment, prompt)| TerminalInput::Prompt { payment, prompt }),
                );
            }
            TerminalEvent::Result(result) if result.approved => {
                tell(life, charge.map(|payment| translate::approved(payment, &result)));
            }
            // Told when the terminal is done, so that the next charge finds it idle.
            TerminalEvent::Result(result) => self.declined = Some(result.code),
            TerminalEvent::UnclearResult => {
                tell(life, charge.map(|payment| lost_input(payment, "the terminal's result is unclear")));
                return terminal.refuse_goods().await;
            }
            TerminalEvent::StrayResult(result) => {
                tracing::error!(?result, "the terminal reports a payment that nobody asked for");
            }
            TerminalEvent::HeldTooLong => {
                tell(
                    life,
                    charge.map(|payment| lost_input(payment, "the approval was not accepted in time")),
                );
            }
            TerminalEvent::Receipt(receipt) => {
                tell(life, charge.map(|payment| translate::receipt(payment, &receipt)));
            }
            TerminalEvent::AbortRefused { .. } => {
                self.aborting = false;
                tell(life, charge.map(|payment| TerminalInput::AbortRefused { payment }));
            }
            TerminalEvent::Completed { command: CommandKind::Charge, answer } => {
                self.charge_ended(life, answer, None);
            }
            TerminalEvent::Aborted { command: CommandKind::Charge, code, answer, .. } => {
                self.charge_ended(life, answer, Some(code));
            }
            TerminalEvent::Aborted { command: CommandKind::Reverse, code, .. } => {
                let payment = self.reversal.take();
                tell(life, payment.map(|payment| TerminalInput::ReversalRefused { payment, code }));
            }
            TerminalEvent::Reversed(reversal) => {
                let payment = match reversal.by {
                    ReversedBy::GoodsRefused => self.charge.take(),
                    ReversedBy::Command | ReversedBy::AlreadyReversed => self.reversal.take(),
                };
                tell(life, payment.map(|payment| TerminalInput::Reversed { payment }));
            }
            TerminalEvent::Completed { command: CommandKind::Reverse, .. } => {
                let payment = self.reversal.take();
                let why = "the terminal finished giving back without a result";
                tell(life, payment.map(|payment| lost_input(payment, why)));
            }
            TerminalEvent::RegistrationRefused { .. } => {
                self.idle_by = Some(Instant::now() + FORGOTTEN_FOR);
            }
            TerminalEvent::Registered(_)
            | TerminalEvent::Started(_)
            | TerminalEvent::Refused { .. }
            | TerminalEvent::AbortAccepted
            | TerminalEvent::Completed { .. }
            | TerminalEvent::Aborted { .. }
            | TerminalEvent::Status(_)
            | TerminalEvent::LastTransaction(_)
            | TerminalEvent::Totals(_)
            | TerminalEvent::EndOfDay(_)
            | TerminalEvent::Lost(_) => tracing::debug!(?event, "terminal"),
        }
        Ok(())
    }

    /// The terminal is done with a charge: what became of it is definite, unless it ended without a word.
    fn charge_ended(&mut self, life: &mut Life, answer: ResultAnswer, aborted: Option<u8>) {
        let Some(payment) = self.charge.take() else { return };
        let declined = self.declined.take();
        let input = match (answer, aborted) {
            (ResultAnswer::Accepted, None) => TerminalInput::Completed { payment },
            (ResultAnswer::Declined, code) => ended_unpaid(payment, declined.or(code).unwrap_or(0xFF)),
            (ResultAnswer::NoResult, Some(code)) => ended_without_result(payment, code),
            // Reported by its own event.
            (ResultAnswer::GoodsRefused, _) => return,
            (ResultAnswer::NoResult, None) => lost_input(payment, "the terminal finished without a result"),
            (ResultAnswer::Accepted | ResultAnswer::Unanswered, _) => {
                lost_input(payment, "the terminal ended after it had approved")
            }
        };
        let counters = &mut life.status().counters;
        match &input {
            TerminalInput::Completed { .. } => counters.ok += 1,
            TerminalInput::Lost { .. } => counters.unknown += 1,
            _ => counters.failed += 1,
        }
        life.tell(Input::Terminal(input));
    }

    async fn ask_if_idle(
        &mut self,
        life: &mut Life,
        terminal: &mut ZvtTerminal,
    ) -> Result<(), TerminalError> {
        if !terminal.is_idle() {
            return Ok(());
        }
        if self.charge.is_none() && self.reversal.is_none() {
            self.idle_by = None;
        }
        let Some(question) = self.question.take() else { return Ok(()) };
        let answer = match terminal.query_last().await {
            Ok(answer) => translate::last_answer(answer),
            // The session is over, or the terminal does not know us any more.
            Err(
                error @ (TerminalError::Lost { .. }
                | TerminalError::NotReady
                | TerminalError::Refused { command: CommandKind::Register, .. }),
            ) => {
                self.question = Some(question);
                return Err(error);
            }
            Err(error) => {
                tracing::warn!(%error, "the terminal did not tell its last transaction");
                LastAnswer::NoAnswer
            }
        };
        tell_last(life, question, answer);
        Ok(())
    }

    /// Contact is gone: what was under way is told, with whether it can have begun.
    fn lost(&mut self, life: &Life, error: &TerminalError) {
        let sent = match error {
            TerminalError::Lost { loss, .. } => loss.sent,
            _ => Sent::MaybeSent,
        };
        if let Some(payment) = self.charge.take().or(self.reversal.take()) {
            let input = match (sent, self.declined.take()) {
                (Sent::Declined, Some(code)) => ended_unpaid(payment, code),
                (sent, _) => TerminalInput::Lost {
                    payment,
                    nothing_sent: sent == Sent::NothingSent,
                    why: error.to_string().into(),
                },
            };
            life.tell(Input::Terminal(input));
        }
        if let Some(question) = self.question.take() {
            tell_last(life, question, LastAnswer::NoAnswer);
        }
    }
}

/// A definite end without money.
fn ended_unpaid(payment: PaymentId, code: u8) -> TerminalInput {
    match result_class(code) {
        ResultClass::Cancelled => TerminalInput::Cancelled { payment },
        _ => TerminalInput::Declined { payment, code },
    }
}

/// It ended before any bank was asked: by the customer, because of the card, or because the terminal is not ready.
fn ended_without_result(payment: PaymentId, code: u8) -> TerminalInput {
    match (result_class(code), code) {
        (ResultClass::Cancelled, _) => TerminalInput::Cancelled { payment },
        (ResultClass::Declined, code) if !NOT_READY.contains(&code) => {
            TerminalInput::Declined { payment, code }
        }
        _ => TerminalInput::Refused { payment, code },
    }
}

fn lost_input(payment: PaymentId, why: &str) -> TerminalInput {
    TerminalInput::Lost { payment, nothing_sent: false, why: why.into() }
}

fn lost(payment: PaymentId, why: &str) -> Input {
    Input::Terminal(lost_input(payment, why))
}

fn tell_last(life: &Life, question: u32, answer: LastAnswer) {
    life.tell(Input::Terminal(TerminalInput::Last { question, answer }));
}

fn tell(life: &Life, input: Option<TerminalInput>) {
    match input {
        Some(input) => life.tell(Input::Terminal(input)),
        // Terminals do, at every end of a payment; one that went wild may do nothing else.
        None => tracing::debug!("the terminal speaks of a payment that is not under way"),
    }
}

/// There is no terminal now: nothing was sent, except that an approval may stand there without our word.
fn refuse(life: &Life, job: TerminalEffect) {
    if job == TerminalEffect::EndOfDay {
        life.day_ended(Err("there is no contact with it".to_owned()));
    }
    if let Some(input) = crate::router::terminal_busy(job) {
        life.tell(input);
    }
}
