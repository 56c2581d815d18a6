//! Payment terminals: one trait, and the first protocol behind it, ZVT over TCP or a serial line.
//!
//! ```text
//!  actor ── ZvtTerminal (driver.rs, tokio) ── Session (session.rs, no I/O, no clock)
//!                                                ├─ framing.rs   messages out of a byte stream or serial frames
//!                                                └─ codec.rs     messages ⇄ values; card numbers end here
//! ```
//!
//! The rule everything serves: *an approval is never acknowledged before our books have it*. A driver reports
//! [`TerminalEvent::Result`] and leaves the terminal waiting until [`PaymentTerminal::accept_result`] or
//! [`PaymentTerminal::refuse_goods`]. When contact is lost, [`TerminalError::Lost`] says how far the command had
//! come ([`Sent`]); anything beyond `NothingSent` means that only [`PaymentTerminal::query_last`] on a new connection
//! can tell what happened. Nothing here repeats a payment or reverses one by itself.

mod codec;
mod codes;
mod driver;
mod error;
mod event;
mod framing;
mod money;
mod profile;
mod session;
mod types;

use std::future::Future;

pub use codec::text::Charset;
pub use codes::{Condition, IntermediateDialect, Prompt, ResultClass, condition, prompt, result_class};
pub use driver::ZvtTerminal;
pub use error::{CommandError, TerminalError};
pub use event::{
    Intermediate, LastAnswer, Loss, LossCause, Registration, ResultAnswer, Reversal, ReversedBy, Sent,
    StatusReport, TerminalEvent,
};
pub use money::{Currency, Money};
pub use profile::{Framing, PROFILES, Password, Profile, TerminalSettings, Timers};
pub use session::{Session, SessionCounters};
pub use types::{
    BrandTotal, CardEntry, ChargeRequest, Command, CommandKind, LastTransaction, LocalTime, ReceiptKind,
    ReceiptLine, ReversalRequest, TerminalReceipt, Totals, TransactionResult,
};

/// A connected terminal that takes card payments. One command runs at a time.
pub trait PaymentTerminal: Send {
    /// Starts to take money. What happens comes as events; an approval waits for [`Self::accept_result`].
    fn start_charge(
        &mut self,
        request: ChargeRequest,
    ) -> impl Future<Output = Result<(), TerminalError>> + Send;

    /// The next thing the terminal reports; waits until there is one. Cancel-safe.
    fn next_event(&mut self) -> impl Future<Output = Result<TerminalEvent, TerminalError>> + Send;

    /// The approval is durable: the terminal may keep it.
    fn accept_result(&mut self) -> impl Future<Output = Result<(), TerminalError>> + Send;

    /// The approval cannot be honoured: no goods will be given, so that the terminal gives the money back.
    fn refuse_goods(&mut self) -> impl Future<Output = Result<(), TerminalError>> + Send;

    /// Asks for an end of what is running. How it ends comes as an event; an approval still counts.
    fn abort(&mut self) -> impl Future<Output = Result<(), TerminalError>> + Send;

    /// Starts to give back the payment with this receipt number.
    fn reverse(
        &mut self,
        receipt_no: u32,
        amount: Money,
    ) -> impl Future<Output = Result<(), TerminalError>> + Send;

    /// Asks for the last transaction the terminal remembers. If the call is dropped, the answer comes as an event.
    fn query_last(&mut self) -> impl Future<Output = Result<LastAnswer, TerminalError>> + Send;

    /// Asks for the terminal's condition. If the call is dropped, the answer comes as an event.
    fn status(&mut self) -> impl Future<Output = Result<StatusReport, TerminalError>> + Send;

    /// Hands in the day's payments; takes up to minutes. If the call is dropped, the answer comes as an event.
    fn end_of_day(&mut self) -> impl Future<Output = Result<Totals, TerminalError>> + Send;
}
