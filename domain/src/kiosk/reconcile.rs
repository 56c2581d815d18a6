//! What to believe about a payment when contact with the terminal was lost: the terminal is asked for its last
//! transaction, and the answer is compared with what it remembered before ours. Nothing is ever guessed.

use super::ledger::PaymentRecord;
use crate::input::LastAnswer;
use crate::money::Minor;
use crate::payment::{Approval, CardFacts, LastTransaction, PaymentState};

/// ZVT trace and turnover numbers have six digits and start anew at 1 (some terminals: 0).
const TRACE_MAX: u32 = 999_999;
/// How many trace numbers a terminal may use between two payments for its own messages to the bank: taking an
/// unanswered payment back, a diagnosis, a key exchange. Receipt numbers count only payments and reversals.
const TRACES_OF_ITS_OWN: u32 = 20;
/// ZVT receipt numbers have four digits.
const RECEIPT_MAX: u32 = 9_999;

/// What an answer of the terminal means for a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Finding {
    /// Nothing yet: the terminal is busy or could not be asked.
    Wait,
    /// It never began.
    NotStarted,
    /// It was refused.
    Declined,
    /// It took the money.
    Approved(Approval),
    /// The approved payment stands.
    Stands,
    /// The money was given back.
    Reversed,
    /// The terminal cannot say, and why.
    Unclear(String),
}

/// Whether a transaction belongs to another payment of ours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Explained {
    /// No.
    No,
    /// Only a person's word says that the other one was taken, and nothing places it in the terminal's sequence.
    Perhaps,
    /// Yes.
    Yes,
}

/// Judges an answer about `record`. `explained` tells whether a transaction belongs to another payment of ours.
pub(crate) fn judge(
    record: &PaymentRecord,
    explained: impl Fn(&LastTransaction) -> Explained,
    answer: &LastAnswer,
) -> Finding {
    let (last, card) = match answer {
        LastAnswer::Busy | LastAnswer::NoAnswer => return Finding::Wait,
        LastAnswer::Empty => {
            return Finding::Unclear("the terminal does not tell its last transaction".into());
        }
        LastAnswer::Transaction(last, card) => (last, card),
    };
    match &record.approval {
        None if record.refused_goods => judge_refused(record, last),
        None => judge_undecided(record, &explained, last, card),
        Some(approval) => judge_approved(approval, last),
    }
}

/// SENDING, UNKNOWN and NEEDS_STAFF: was money taken at all?
fn judge_undecided(
    record: &PaymentRecord,
    explained: &impl Fn(&LastTransaction) -> Explained,
    last: &LastTransaction,
    card: &CardFacts,
) -> Finding {
    let before = record.last_known.as_ref();
    let amount = record.payment.amount;
    match relation(before, last) {
        Relation::Same => Finding::NotStarted,
        _older if explained(last) == Explained::Yes => Finding::NotStarted,
        // Ours or the other one's: nothing known before tells them apart.
        Relation::Next if before.is_none() && explained(last) == Explained::Perhaps => {
            Finding::Unclear(evidence(amount, before, last))
        }
        Relation::Next if last.reversal => ours(amount, last, before, Finding::Reversed),
        Relation::Next if last.approved => {
            ours(amount, last, before, Finding::Approved(approval_of(amount, last, card)))
        }
        Relation::Next if last.amount.is_none_or(|a| a == amount) => Finding::Declined,
        Relation::OneBetween if last.reversal => ours(amount, last, before, Finding::Reversed),
        Relation::Next | Relation::OneBetween | Relation::Far | Relation::Unclear => {
            Finding::Unclear(evidence(amount, before, last))
        }
    }
}

/// APPROVED, REVERSING and later: does it stand, or was it given back?
fn judge_approved(approval: &Approval, last: &LastTransaction) -> Finding {
    let booked = transaction_of(approval);
    let same = same_numbers(&booked, last);
    if last.reversal {
        let near = matches!(relation(Some(&booked), last), Relation::Next) || same == Some(true);
        let amount_fits = last.amount.is_none_or(|a| a == approval.amount);
        if near && amount_fits {
            return Finding::Reversed;
        }
    } else if same == Some(true) && !last.approved && last.amount == Some(approval.amount) {
        // This very payment is no longer approved: without our answer the terminal took it back.
        return Finding::Reversed;
    } else if same == Some(true) && last.approved && last.amount.is_none_or(|a| a == approval.amount) {
        return Finding::Stands;
    }
    Finding::Unclear(evidence(approval.amount, Some(&booked), last))
}

/// Whether `t` is the transaction of a payment: by its numbers, or, where only a person's word says that it was
/// taken, by being the next one with its amount.
pub(crate) fn belongs_to(record: &PaymentRecord, t: &LastTransaction) -> Explained {
    let Some(approval) = record.approval.as_ref().filter(|_| !t.reversal) else { return Explained::No };
    let booked = transaction_of(approval);
    let by_word = || {
        same_numbers(&booked, &booked).is_none()
            && t.approved
            && t.amount == Some(approval.amount)
            && relation(record.last_known.as_ref(), t) == Relation::Next
    };
    match same_numbers(&booked, t) {
        Some(true) => Explained::Yes,
        None if by_word() && record.last_known.is_some() => Explained::Yes,
        None if by_word() => Explained::Perhaps,
        Some(false) | None => Explained::No,
    }
}

/// "Goods not issued": did the terminal give the money back?
fn judge_refused(record: &PaymentRecord, last: &LastTransaction) -> Finding {
    let before = record.last_known.as_ref();
    match relation(before, last) {
        // It does not remember ours: without our acknowledgement nothing was booked.
        Relation::Same => Finding::Reversed,
        Relation::Next | Relation::OneBetween if last.reversal || !last.approved => Finding::Reversed,
        Relation::Next | Relation::OneBetween | Relation::Far | Relation::Unclear => {
            Finding::Unclear(evidence(record.payment.amount, before, last))
        }
    }
}

/// `found` if the amounts agree, else a person must look.
fn ours(amount: Minor, last: &LastTransaction, before: Option<&LastTransaction>, found: Finding) -> Finding {
    if last.amount == Some(amount) { found } else { Finding::Unclear(evidence(amount, before, last)) }
}

fn approval_of(amount: Minor, last: &LastTransaction, card: &CardFacts) -> Approval {
    let CardFacts { auth, brand, pan_masked, aid } = card.clone();
    let LastTransaction { trace, receipt_no, turnover_no, .. } = *last;
    Approval { trace, receipt_no, turnover_no, auth, brand, pan_masked, aid, amount }
}

/// An approval as the terminal would remember it.
pub(crate) fn transaction_of(approval: &Approval) -> LastTransaction {
    LastTransaction {
        trace: approval.trace,
        receipt_no: approval.receipt_no,
        turnover_no: approval.turnover_no,
        amount: Some(approval.amount),
        approved: true,
        reversal: false,
    }
}

/// How a transaction lies to the one known before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Relation {
    /// The same one.
    Same,
    /// The very next one. Also the first ever, when nothing was known before.
    Next,
    /// The next but one: a payment and its reversal.
    OneBetween,
    /// Further on, or older.
    Far,
    /// They have no number in common.
    Unclear,
}

fn relation(before: Option<&LastTransaction>, last: &LastTransaction) -> Relation {
    let Some(before) = before else { return Relation::Next };
    let counted: Vec<Step> = counted(before, last).map(|(a, b, max)| step(a, b, max)).collect();
    let trace = before.trace.zip(last.trace).map(|(a, b)| (step(a, b, TRACE_MAX), ahead(a, b, TRACE_MAX)));
    let steps = || counted.iter().copied().chain(trace.map(|(step, _)| step));
    if steps().next().is_none() {
        Relation::Unclear
    } else if steps().all(|s| s == Step::Equal) {
        // The reversal of an old transaction keeps its numbers on some terminals: that is news, not the same.
        if before.reversal == last.reversal { Relation::Same } else { Relation::Unclear }
    } else if counted.contains(&Step::Other) {
        Relation::Far
    } else if counted.contains(&Step::Two) {
        Relation::OneBetween
    } else if counted.contains(&Step::One) && trace.is_none_or(|(_, ahead)| ahead <= TRACES_OF_ITS_OWN) {
        Relation::Next
    } else {
        match trace.map(|(step, _)| step) {
            Some(Step::Other) => Relation::Far,
            Some(Step::Two) => Relation::OneBetween,
            Some(Step::One | Step::Equal) | None => Relation::Next,
        }
    }
}

/// Whether two transactions carry the same numbers; `None` if they have none in common.
pub(crate) fn same_numbers(a: &LastTransaction, b: &LastTransaction) -> Option<bool> {
    let mut common = numbers(a, b).peekable();
    common.peek()?;
    Some(common.all(|(a, b, _)| a == b))
}

/// The numbers that both carry, with the greatest of their kind.
fn numbers(a: &LastTransaction, b: &LastTransaction) -> impl Iterator<Item = (u32, u32, u32)> {
    let trace = a.trace.zip(b.trace).map(|(a, b)| (a, b, TRACE_MAX));
    counted(a, b).chain(trace)
}

/// The numbers that both carry and that count payments and reversals, nothing else.
fn counted(a: &LastTransaction, b: &LastTransaction) -> impl Iterator<Item = (u32, u32, u32)> {
    [(a.receipt_no, b.receipt_no, RECEIPT_MAX), (a.turnover_no, b.turnover_no, TRACE_MAX)]
        .into_iter()
        .filter_map(|(a, b, max)| Some((a?, b?, max)))
}

/// How far `b` lies after `a` on a counter that begins anew after `max`.
fn ahead(a: u32, b: u32, max: u32) -> u32 {
    b.checked_sub(a).unwrap_or_else(|| (max + b).saturating_sub(a))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Equal,
    One,
    Two,
    Other,
}

fn step(a: u32, b: u32, max: u32) -> Step {
    let follows = |a: u32, b: u32| b == a.saturating_add(1) || (a >= max && b <= 1);
    if a == b {
        Step::Equal
    } else if follows(a, b) {
        Step::One
    } else if follows(a.saturating_add(1), b) || (a >= max && b == 2) {
        Step::Two
    } else {
        Step::Other
    }
}

fn evidence(amount: Minor, before: Option<&LastTransaction>, last: &LastTransaction) -> String {
    let before = before.map_or_else(|| "nothing".to_owned(), describe);
    format!("asked for {}; the terminal remembered {before} before and now {}", amount.0, describe(last))
}

/// A transaction in words, for staff and logs.
pub(crate) fn describe(t: &LastTransaction) -> String {
    let number = |n: Option<u32>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let kind = match (t.reversal, t.approved) {
        (true, _) => "reversal",
        (false, true) => "approved",
        (false, false) => "declined",
    };
    let amount = t.amount.map_or_else(|| "-".to_owned(), |a| a.0.to_string());
    format!("{kind} trace {} receipt {} amount {amount}", number(t.trace), number(t.receipt_no))
}

/// Whether a payment in this state has to be asked about when nothing of it is under way.
pub(crate) fn is_in_doubt(record: &PaymentRecord) -> bool {
    match record.state {
        PaymentState::Unknown
        | PaymentState::Approved(_)
        | PaymentState::Reversing(_)
        | PaymentState::ReversalUnknown(_)
        | PaymentState::NeedsStaff { .. } => record.payment.tender == crate::payment::Tender::Card,
        PaymentState::Created
        | PaymentState::Sending
        | PaymentState::Completed(_)
        | PaymentState::Declined { .. }
        | PaymentState::Cancelled
        | PaymentState::TimedOut
        | PaymentState::Reversed => false,
    }
}
