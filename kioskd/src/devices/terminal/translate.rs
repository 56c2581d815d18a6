//! Between the words of `hal` and the words of `domain`.

use domain::ids::PaymentId;
use domain::input::{self, TerminalInput};
use domain::money::{Currency, Minor};
use domain::payment::{Approval, CardFacts, LastTransaction};
use domain::view::TerminalPrompt;
use hal::terminal::{
    self, Intermediate, Money, Prompt, ReceiptKind, TerminalReceipt, Totals, TransactionResult,
};

use crate::board::{CardTotal, DayTotals};

/// An amount for the terminal; `None` if its currency is none that terminals know.
pub(super) fn money(amount: Minor, currency: Currency) -> Option<Money> {
    Some(Money { minor: amount.0, currency: terminal::Currency::from_alpha(currency.code())? })
}

/// The answer to "what was your last transaction".
pub(super) fn last_answer(answer: terminal::LastAnswer) -> input::LastAnswer {
    match answer {
        terminal::LastAnswer::Found { transaction, .. } => {
            let last = LastTransaction {
                trace: transaction.trace,
                receipt_no: transaction.receipt_no,
                turnover_no: transaction.turnover_no,
                amount: transaction.amount_minor.map(Minor),
                approved: transaction.result.approved,
                reversal: transaction.result.is_reversal(),
            };
            input::LastAnswer::Transaction(last, card(&transaction.result))
        }
        terminal::LastAnswer::Empty { .. } | terminal::LastAnswer::Refused { .. } => input::LastAnswer::Empty,
        terminal::LastAnswer::Busy => input::LastAnswer::Busy,
    }
}

/// What the terminal told of the card.
fn card(result: &TransactionResult) -> CardFacts {
    let text = |text: &Option<String>| text.as_deref().map(Into::into);
    CardFacts {
        auth: text(&result.auth_code),
        brand: text(&result.card_name).or_else(|| result.card_brand.map(Into::into)),
        pan_masked: text(&result.masked_pan),
        aid: text(&result.aid),
    }
}

/// An approval that waits for our word.
pub(super) fn approved(payment: PaymentId, result: &TransactionResult) -> TerminalInput {
    let CardFacts { auth, brand, pan_masked, aid } = card(result);
    let approval = Approval {
        trace: result.trace,
        receipt_no: result.receipt_no,
        turnover_no: result.turnover_no,
        auth,
        brand,
        pan_masked,
        aid,
        // An amount that was not told is never guessed: zero differs from ours and a person looks.
        amount: Minor(result.amount_minor.unwrap_or(0)),
    };
    TerminalInput::Approved { payment, approval, currency: result.currency.and_then(currency) }
}

fn currency(currency: terminal::Currency) -> Option<Currency> {
    let code: [u8; 3] = currency.alpha()?.as_bytes().try_into().ok()?;
    let exponent = match &code {
        b"JPY" | b"KRW" | b"ISK" => 0,
        b"KWD" | b"TND" | b"BHD" | b"JOD" | b"OMR" => 3,
        _ => 2,
    };
    Some(Currency { code, exponent })
}

/// What the customer should be asked; `None`: nothing worth showing.
pub(super) fn prompt(state: &Intermediate) -> Option<TerminalPrompt> {
    if state.remove_card {
        return Some(TerminalPrompt::RemoveCard);
    }
    Some(match state.prompt {
        Prompt::PresentCard | Prompt::CardUnreadable | Prompt::CardNotAccepted => TerminalPrompt::PresentCard,
        Prompt::LookAtPinPad | Prompt::PinEntry => TerminalPrompt::EnterPin,
        Prompt::WrongPin => TerminalPrompt::WrongPin,
        Prompt::Choose | Prompt::ChooseLanguage | Prompt::ConfirmAmount => TerminalPrompt::ChooseAtTerminal,
        Prompt::ContactingHost | Prompt::PleaseWait | Prompt::Maintenance | Prompt::AutoReversal => {
            TerminalPrompt::Wait
        }
        Prompt::RemoveCard => TerminalPrompt::RemoveCard,
        Prompt::Approved => TerminalPrompt::Approved,
        // The result follows and says it better.
        Prompt::PinTriesExceeded
        | Prompt::LimitExceeded
        | Prompt::Declined
        | Prompt::AskStaff
        | Prompt::Offline
        | Prompt::Other => return None,
    })
}

/// What the terminal told as it closed its day; kinds of cards that nobody used are left out.
pub(super) fn day_totals(totals: Totals) -> DayTotals {
    let used = totals.groups.iter().filter(|group| group.count > 0 || group.minor != 0);
    let lines = totals.receipts.into_iter().flat_map(|receipt| receipt.lines);
    DayTotals {
        currency: totals.currency.and_then(currency),
        sum: totals.amount_minor.map(Minor),
        receipts: totals.receipt_from.zip(totals.receipt_to),
        cards: used
            .map(|group| CardTotal { card: group.brand, count: group.count, sum: Minor(group.minor) })
            .collect(),
        slip: lines.map(|line| line.text).collect(),
    }
}

/// The terminal's receipt text.
pub(super) fn receipt(payment: PaymentId, receipt: &TerminalReceipt) -> TerminalInput {
    TerminalInput::ReceiptText {
        payment,
        customer: receipt.kind == ReceiptKind::Customer,
        lines: receipt.lines.iter().map(|line| line.text.as_str().into()).collect(),
    }
}
