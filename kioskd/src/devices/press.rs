//! What the receipt printer and the kitchen printer do alike: one job at a time, its end told to the core,
//! the condition watched while idle and while printing.

use std::future::Future;
use std::sync::Arc;

use hal::drawer::{CashDrawer, DrawerState};
use hal::link::Endpoint;
use hal::printer::{
    BitImage, EscposPrinter, JobNumber, NotStarted, PrintDocument, PrintOutcome, PrinterCondition,
    PrinterError, PrinterEvent, Profile, Recovery, Start,
};
use hal::status::DeviceState;
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;

use super::jam::Jam;
use super::life::Life;
use super::paper::paper;
use super::printer::Document;
use super::shaper;
use crate::settings::{Printer, WrongValue};

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It came out: the printer confirmed it.
    Confirmed,
    /// The printer took all of it and had no fault afterwards; nothing better will come from this printer.
    Sent,
    /// Some of it may have come out.
    Unknown,
    /// Nothing of it came out.
    NotStarted,
    /// Nothing of it came out, and nothing ever will: this printer cannot print it. Why, in English.
    Impossible(Arc<str>),
}

/// A job for a printer.
pub(super) enum Job<K> {
    /// Print.
    Print {
        /// Names the job to the core.
        key: K,
        /// What.
        document: Document,
    },
    /// Open the drawer.
    Kick,
}

/// What the two printers do differently: how they speak with the core.
pub(super) trait Reports: Send {
    /// What comes from the core.
    type Job: Send;
    /// What names a job to the core.
    type Key: Copy + Send + Sync;

    /// What to do.
    fn job(&self, job: Self::Job) -> Job<Self::Key>;
    /// The condition may have changed; `None`: there is no printer.
    fn condition(&mut self, life: &Life, condition: Option<PrinterCondition>);
    /// The drawer may have moved.
    fn drawer(&mut self, life: &Life, state: DrawerState);
    /// A job ended.
    fn ended(&self, life: &Life, key: Self::Key, ending: Ending);
    /// Opens the drawer and tells.
    fn kick(&self, life: &Life, printer: Option<&mut EscposPrinter>) -> impl Future<Output = ()> + Send;
}

/// Where a printer's settings are written.
pub(super) struct Keys {
    pub(super) endpoint: &'static str,
    pub(super) profile: &'static str,
}

/// A printer as configured.
pub(super) struct Press {
    endpoint: Endpoint,
    profile: Profile,
    logo: Option<BitImage>,
}

impl Press {
    pub(super) fn new(keys: Keys, settings: &Printer, logo: Option<BitImage>) -> Result<Self, WrongValue> {
        let unknown = || WrongValue::unknown(keys.profile, &settings.profile, &Profile::names());
        let profile = Profile::builtin(&settings.profile).ok_or_else(unknown)?;
        Ok(Self { endpoint: super::endpoint(keys.endpoint, &settings.endpoint)?, profile, logo })
    }

    pub(super) async fn run<R: Reports>(self, mut life: Life, mut jobs: Receiver<R::Job>, mut reports: R) {
        let mut shutdown = life.shutdown();
        let mut start = Start::Clean;
        while !shutdown.is_set() {
            let error = tokio::select! {
                error = self.connected(&mut life, &mut jobs, &mut reports, start) => error,
                () = shutdown.wait() => return,
            };
            if let Some(error) = error {
                // Whatever ended the connection, a picture may have been cut off in the middle.
                start = Start::AfterTornJob;
                life.failed(&error);
                life.enter(DeviceState::Absent);
            }
            reports.condition(&life, None);
            let pause = life.rest();
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    () = shutdown.wait() => return,
                    job = jobs.recv() => match job {
                        Some(job) => refuse(&life, &reports, job).await,
                        None => return,
                    },
                }
            }
        }
    }

    async fn connected<R: Reports>(
        &self,
        life: &mut Life,
        jobs: &mut Receiver<R::Job>,
        reports: &mut R,
        start: Start,
    ) -> Option<PrinterError> {
        let link = life.open(&self.endpoint).await?;
        let mut printer = match EscposPrinter::connect(link, self.profile.clone(), shaper(), start).await {
            Ok(printer) => printer,
            Err(error) => return Some(error),
        };
        let mut count = 0;
        let mut jam = Jam::default();
        let error = loop {
            show(life, reports, &printer);
            let retry_at = jam.retry_at(printer.condition(), Instant::now());
            tokio::select! {
                () = tokio::time::sleep_until(retry_at.unwrap_or_else(Instant::now)), if retry_at.is_some() => {
                    jam.retried();
                    // What waited in the printer was given up with the fault: the core prints it again as a copy.
                    if let Err(error) = printer.recover(Recovery::Clear).await {
                        break error;
                    }
                }
                event = printer.next_event() => match event {
                    Ok(PrinterEvent::Identity(identity)) => life.identified(identity),
                    Ok(PrinterEvent::Condition(_) | PrinterEvent::Confirmed(_)) => {}
                    Err(error) => break error,
                },
                job = jobs.recv() => {
                    // The core is gone, and with it the program.
                    let Some(job) = job else { std::future::pending().await };
                    match reports.job(job) {
                        Job::Kick => reports.kick(life, Some(&mut printer)).await,
                        Job::Print { key, document } => {
                            count += 1;
                            let job = JobNumber::from_count(count);
                            let paper = paper(&document, self.logo.as_ref());
                            if let Some(error) = print(life, reports, &mut printer, (key, &paper, job)).await {
                                break error;
                            }
                        }
                    }
                },
            }
        };
        life.count(printer.traffic());
        life.status().counters.garbage_bytes += printer.garbage_bytes();
        Some(error)
    }
}

/// Prints one job; returns why the driver is of no more use, if it is.
async fn print<R: Reports>(
    life: &mut Life,
    reports: &mut R,
    printer: &mut EscposPrinter,
    (key, paper, number): (R::Key, &PrintDocument, JobNumber),
) -> Option<PrinterError> {
    life.status().counters.jobs += 1;
    let mut conditions = printer.subscribe();
    let outcome = {
        let printing = printer.print(paper, number);
        tokio::pin!(printing);
        loop {
            // A job waits for paper inside the printer; meanwhile everybody should know why.
            tokio::select! {
                outcome = &mut printing => break outcome,
                Ok(()) = conditions.changed() => {
                    let condition = *conditions.borrow_and_update();
                    if life.enter(condition.state()) {
                        reports.condition(life, Some(condition));
                    }
                }
            }
        }
    };
    let (ending, error) = ending(life, outcome);
    // The condition first, so that the core does not send the job again into the same fault.
    show(life, reports, printer);
    reports.ended(life, key, ending);
    error
}

/// What an outcome means for the core, and why the driver is of no more use, if it is.
fn ending(life: &mut Life, outcome: PrintOutcome) -> (Ending, Option<PrinterError>) {
    let counters = &mut life.status().counters;
    match outcome {
        PrintOutcome::Confirmed => {
            counters.ok += 1;
            (Ending::Confirmed, None)
        }
        PrintOutcome::Sent => {
            counters.ok += 1;
            (Ending::Sent, None)
        }
        PrintOutcome::Unknown(why) => {
            counters.unknown += 1;
            tracing::warn!(%why, "a print job's end is not known");
            let error = match why {
                hal::printer::Unknown::Printer(error) => Some(error),
                hal::printer::Unknown::Stalled { .. } => Some(PrinterError::Torn),
                hal::printer::Unknown::Fault(_) | hal::printer::Unknown::NoAnswer => None,
            };
            (Ending::Unknown, error)
        }
        PrintOutcome::NotStarted(NotStarted::Encode(why)) => {
            counters.failed += 1;
            tracing::error!(%why, "a document cannot be printed on this printer");
            (Ending::Impossible(format!("the printer cannot print it: {why}").into()), None)
        }
        PrintOutcome::NotStarted(why) => {
            counters.failed += 1;
            tracing::info!(%why, "a print job was not started");
            let error = match why {
                NotStarted::Printer(error) => Some(error),
                NotStarted::Torn => Some(PrinterError::Torn),
                NotStarted::Fault(_) | NotStarted::Encode(_) => None,
            };
            (Ending::NotStarted, error)
        }
    }
}

fn show<R: Reports>(life: &mut Life, reports: &mut R, printer: &EscposPrinter) {
    let condition = printer.condition();
    if life.enter(condition.state()) {
        reports.condition(life, Some(condition));
    }
    reports.drawer(life, CashDrawer::state(printer));
}

async fn refuse<R: Reports>(life: &Life, reports: &R, job: R::Job) {
    match reports.job(job) {
        Job::Print { key, .. } => reports.ended(life, key, Ending::NotStarted),
        Job::Kick => reports.kick(life, None).await,
    }
}
