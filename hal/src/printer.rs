//! Receipt printers that speak ESC/POS.
//!
//! A [`PrintDocument`] says what to print; a [`Profile`] says how one model wants to be told; [`encode`] turns the one
//! into bytes for the other; [`EscposPrinter`] sends them over a [`crate::link::Link`] and finds out whether the paper
//! really came out. The only proof of that is the printer's own process id (`GS ( H`); everything weaker is called
//! [`PrintOutcome::Sent`], and a job whose end nobody knows is [`PrintOutcome::Unknown`] and never repeated here.

pub(crate) mod codec;
mod codepage;
mod condition;
mod document;
mod driver;
mod profile;
mod raster;
mod session;
mod shaper;
mod test_page;

use std::future::Future;

use tokio::sync::watch;

use crate::link::{LinkError, Traffic};
use crate::status::DeviceIdentity;

pub use codec::{EncodeError, EncodedDocument, PrintWarning, SymbolError, encode};
pub use codepage::{CodePage, NumberedPage};
pub use condition::{MechanismFault, Paper, PrinterCondition, PrinterFault};
pub use document::{
    Align, BarCode, BarCodeKind, Block, Cut, DOCUMENT_BLOCKS_MAX, DrawerPin, Font, LINE_CHARS_MAX, Line,
    PrintDocument, QrCode, QrCorrection, ReadableText, Rule, Size, Span, Style,
};
pub use driver::{EscposPrinter, Start};
pub use profile::{BAND_ROWS_MAX, Cutter, PinLevel, Profile, QrPrinting, RasterCommand, StatusDialect};
pub use raster::{BitImage, IMAGE_HEIGHT_MAX, IMAGE_WIDTH_MAX};
pub use shaper::{ShaperError, TextShaper};
pub use test_page::test_page;

/// A printer that prints documents and knows whether they came out.
pub trait ReceiptPrinter: Send {
    /// Prints a document and waits for its end. Not cancel-safe: see [`EscposPrinter::print`].
    fn print(
        &mut self,
        document: &PrintDocument,
        job: JobNumber,
    ) -> impl Future<Output = PrintOutcome> + Send;

    /// Waits for news from the printer. Cancel-safe.
    ///
    /// # Errors
    /// The printer must be dropped and connected again.
    fn next_event(&mut self) -> impl Future<Output = Result<PrinterEvent, PrinterError>> + Send;

    /// Makes the printer go on after a fault that was cleared by hand.
    ///
    /// # Errors
    /// The printer must be dropped and connected again.
    fn recover(&mut self, how: Recovery) -> impl Future<Output = Result<(), PrinterError>> + Send;

    /// What is known about the printer now.
    fn condition(&self) -> PrinterCondition;

    /// Follows the condition from elsewhere, also while a job is printing.
    fn subscribe(&self) -> watch::Receiver<PrinterCondition>;

    /// Who the printer says it is.
    fn identity(&self) -> &DeviceIdentity;

    /// Bytes in and out, and received bytes that made no sense, since the link was opened.
    fn traffic(&self) -> (Traffic, u64);
}

/// Number of a job in the printer: 1 to 9999, then 1 again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobNumber(u16);

/// How a job ended.
#[derive(Debug)]
pub enum PrintOutcome {
    /// The printer says that all of it is on paper.
    Confirmed,
    /// The printer took all of it and had no fault afterwards; it cannot say more.
    Sent,
    /// Some of it may be on paper. A repetition must be marked as a copy.
    Unknown(Unknown),
    /// Nothing of it is on paper: it may be printed later as if for the first time.
    NotStarted(NotStarted),
}

/// Why the end of a job is not known.
#[derive(Debug, thiserror::Error)]
pub enum Unknown {
    /// The printer has a fault that loses what is in it, or that was not cleared in time.
    #[error("printer fault: {0}")]
    Fault(PrinterFault),
    /// The printer stopped taking data. The driver must be dropped.
    #[error("printer took {accepted} of {total} bytes and stopped")]
    Stalled {
        /// Bytes it took.
        accepted: usize,
        /// Bytes of the job.
        total: usize,
    },
    /// All was sent, no fault is reported, and the answer did not come.
    #[error("printer did not confirm the job")]
    NoAnswer,
    /// The link failed. The driver must be dropped.
    #[error("printer was lost while printing")]
    Printer(#[source] PrinterError),
}

/// Why a job did not start.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// The printer cannot print now.
    #[error("printer fault: {0}")]
    Fault(PrinterFault),
    /// The document cannot be printed on this model.
    #[error("document cannot be printed")]
    Encode(#[source] EncodeError),
    /// The link failed before the first byte. The driver must be dropped.
    #[error("printer was lost before printing")]
    Printer(#[source] PrinterError),
    /// An earlier job was cut off. The driver must be dropped.
    #[error("an earlier job was cut off")]
    Torn,
}

/// Why a driver is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum PrinterError {
    /// The link failed.
    #[error("printer link failed")]
    Link(#[from] LinkError),
    /// The printer takes no bytes at all.
    #[error("printer takes no data")]
    Stuck,
    /// A job was cut off in the middle; connect again with [`Start::AfterTornJob`].
    #[error("a job was cut off")]
    Torn,
}

/// News from a printer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrinterEvent {
    /// Its condition changed.
    Condition(PrinterCondition),
    /// A job that had been given up as unknown is on paper after all.
    Confirmed(JobNumber),
    /// It said who it is.
    Identity(DeviceIdentity),
}

/// How to go on after a fault that was cleared by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// From the line where it happened.
    Resume,
    /// Without what is in the printer. Jobs in it stay unknown.
    Clear,
}

impl JobNumber {
    /// How many numbers there are.
    const COUNT: u64 = 9_999;

    /// The number for the `count`th job ever, counted from 1.
    #[must_use]
    pub fn from_count(count: u64) -> Self {
        let number = count.saturating_sub(1) % Self::COUNT + 1;
        Self(u16::try_from(number).expect("a remainder of 9999 fits 16 bits"))
    }

    /// 1 to 9999.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }

    /// As the printer sends it back.
    pub(crate) fn digits(self) -> [u8; 4] {
        let digit = |power: u16| b'0' + u8::try_from(self.0 / power % 10).expect("a digit fits a byte");
        [digit(1_000), digit(100), digit(10), digit(1)]
    }
}

impl ReceiptPrinter for EscposPrinter {
    async fn print(&mut self, document: &PrintDocument, job: JobNumber) -> PrintOutcome {
        Self::print(self, document, job).await
    }

    async fn next_event(&mut self) -> Result<PrinterEvent, PrinterError> {
        Self::next_event(self).await
    }

    async fn recover(&mut self, how: Recovery) -> Result<(), PrinterError> {
        Self::recover(self, how).await
    }

    fn condition(&self) -> PrinterCondition {
        Self::condition(self)
    }

    fn subscribe(&self) -> watch::Receiver<PrinterCondition> {
        Self::subscribe(self)
    }

    fn identity(&self) -> &DeviceIdentity {
        Self::identity(self)
    }

    fn traffic(&self) -> (Traffic, u64) {
        (Self::traffic(self), self.garbage_bytes())
    }
}
