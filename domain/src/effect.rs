//! What the core asks the shell to do. No effect leaves before the events of its step are durable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::ids::{ItemId, KitchenJobId, PaymentId, ReceiptId, Uuid, VariationId};
use crate::money::{Currency, Minor, Quantity};
use crate::receipt::ReceiptDocument;
use crate::spoken::Scene;

/// Something to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// At the payment terminal.
    Terminal(TerminalEffect),
    /// At the receipt printer.
    Printer(PrinterEffect),
    /// In the kitchen.
    Kitchen(KitchenEffect),
    /// At the cash drawer.
    Drawer(DrawerEffect),
    /// At the line display.
    Display(DisplayEffect),
    /// At the microphone.
    Voice(VoiceEffect),
    /// Ask the fleet and the devices that are missing again, now rather than after their pauses.
    CheckAgain,
    /// Ask the fleet for more of scarce goods. The answer is [`crate::input::UplinkInput::Quota`], or none.
    Reserve {
        /// Names the question.
        question: Uuid,
        /// The epoch whose sales are counted.
        epoch: u64,
        /// Up to which sum of sales.
        goods: BTreeMap<VariationId, Quantity>,
    },
    /// Tell the staff, by whatever the site has (light, beeper, fleet).
    CallStaff {
        /// What about, in English.
        about: Arc<str>,
    },
}

/// At the payment terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TerminalEffect {
    /// Take money. Only ever after `payment.send_started` is durable.
    Charge {
        /// Idempotency key.
        payment: PaymentId,
        /// How much.
        amount: Minor,
        /// Of what.
        currency: Currency,
    },
    /// The approved result is durable: acknowledge it. First of all effects of its step.
    AcceptResult {
        /// Which.
        payment: PaymentId,
    },
    /// The approved result cannot be honoured: the terminal gives the money back.
    RefuseGoods {
        /// Which.
        payment: PaymentId,
    },
    /// Ask the terminal to stop. A result that comes all the same counts.
    Abort {
        /// Which.
        payment: PaymentId,
    },
    /// Ask what the last transaction was. Charges nothing. Answered by [`crate::input::TerminalInput::Last`] with
    /// the same number, after everything that was asked of the terminal before; while a charge or reversal of
    /// ours is under way the answer is "busy", at once. So an answer is never older than the charge before it.
    QueryLast {
        /// Number of the question.
        question: u32,
    },
    /// Give the money of a payment back.
    Reverse {
        /// Which.
        payment: PaymentId,
        /// The terminal's receipt number of it.
        receipt_no: u32,
        /// How much.
        amount: Minor,
        /// Of what.
        currency: Currency,
    },
    /// Close the terminal's day.
    EndOfDay,
}

/// At the receipt printer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PrinterEffect {
    /// Print this once.
    Print {
        /// The job.
        receipt: ReceiptId,
        /// What.
        document: Arc<ReceiptDocument>,
    },
}

/// In the kitchen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KitchenEffect {
    /// Make this.
    Dispatch {
        /// The job.
        job: KitchenJobId,
        /// The ticket.
        ticket: Arc<ReceiptDocument>,
    },
}

/// At the cash drawer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DrawerEffect {
    /// Open it.
    Kick,
}

/// At the line display.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DisplayEffect {
    /// Show two lines; the display cuts them to its width.
    Show {
        /// Above.
        upper: Arc<str>,
        /// Below.
        lower: Arc<str>,
    },
}

/// At the microphone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VoiceEffect {
    /// Open it and listen to one utterance. Answered by [`crate::input::VoiceInput`] with the same number; the
    /// microphone is closed when the utterance is over.
    Listen {
        /// Number of the utterance.
        turn: u32,
        /// What can be said.
        scene: Scene,
        /// What is sold.
        catalog: Arc<Catalog>,
        /// Of that, what cannot be had now.
        hidden: Arc<BTreeSet<ItemId>>,
    },
    /// The button was let go: the utterance ends now.
    Release {
        /// Which.
        turn: u32,
    },
    /// Close it; what was heard is thrown away.
    Close {
        /// Which.
        turn: u32,
    },
}
