//! What can go wrong when a terminal is told or asked something.

use super::event::Loss;
use super::money::Currency;
use super::types::{CommandKind, LocalTime};
use crate::link::LinkError;

/// A command that cannot be put into the terminal's language. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Not between 1 and 999 999 999 999.
    #[error("a terminal cannot take the amount {minor}")]
    Amount {
        /// Minor units.
        minor: i64,
    },
    /// Another currency than the terminal's.
    #[error("the terminal works in {terminal}, not in {asked}")]
    Currency {
        /// The currency of the request.
        asked: Currency,
        /// The currency of the terminal's settings.
        terminal: Currency,
    },
    /// More than four digits.
    #[error("the receipt number {receipt_no} has more than four digits")]
    ReceiptNumber {
        /// As asked.
        receipt_no: u32,
    },
    /// No such date or time.
    #[error("{time:?} is no time")]
    Time {
        /// As asked.
        time: LocalTime,
    },
}

/// Why a terminal could not be used.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// The command makes no sense to a terminal; nothing was sent.
    #[error("the command cannot be sent")]
    Command(#[from] CommandError),
    /// There is no registered connection; nothing was sent.
    #[error("the terminal is not connected and registered")]
    NotReady,
    /// Another command is running; nothing was sent.
    #[error("the terminal is still busy with {running:?}")]
    InUse {
        /// The running command; `None` for a result that came by itself and waits for an answer.
        running: Option<CommandKind>,
    },
    /// No result waits for an answer: there was none, it was answered, or time ran out.
    #[error("no result is waiting for an answer")]
    NothingToAnswer,
    /// Nothing is running that could be aborted, or its result is already in.
    #[error("nothing can be aborted")]
    NothingToAbort,
    /// Contact was lost. The session is over; connect anew and ask what happened.
    #[error("contact was lost: {}, {}", .loss.cause, .loss.sent)]
    Lost {
        /// How far the running command had come.
        loss: Loss,
        /// What the link said, if it said anything.
        #[source]
        source: Option<LinkError>,
    },
    /// The terminal refused the question itself.
    #[error("the terminal refused {command:?} with code {code:02X}")]
    Refused {
        /// What was refused.
        command: CommandKind,
        /// The terminal's code.
        code: u8,
    },
}
