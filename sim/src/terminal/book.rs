//! What really happened: every transaction, the counters, and the money. The judge of a test run.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cards::Entry;

/// Older transactions are forgotten; a shop with this many a day closes its day first.
const TRANSACTIONS_MAX: usize = 10_000;
/// How many of them the state shows.
const TRANSACTIONS_SHOWN: usize = 50;
/// Receipt numbers have four digits, trace numbers six.
const RECEIPT_MAX: u32 = 9_999;
const TRACE_MAX: u32 = 999_999;
/// The shape of the file; another one is not read.
pub const VERSION: u32 = 1;

/// The terminal's memory; survives connections and restarts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Book {
    pub version: u32,
    trace: u32,
    receipt: u32,
    turnover: u32,
    next_number: u64,
    /// The number of the first transaction after the last end of day.
    day_from: u64,
    /// The totals of the last end of day, when nothing was printed since.
    pub last_day: Option<Day>,
    transactions: Vec<Transaction>,
}

/// One thing that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// Counts from 1 and is never used again.
    pub number: u64,
    pub kind: Kind,
    pub state: State,
    /// What the till asked for.
    pub requested_minor: u64,
    /// What was taken.
    pub amount_minor: u64,
    /// ISO 4217, numeric.
    pub currency: u16,
    /// Field 27 of its result; nothing while the card is awaited.
    pub result: Option<u8>,
    /// Fields 0B, 87, 88; only what reached the bank has them.
    pub receipt: Option<Numbers>,
    pub card: Option<Presented>,
    /// Who took it back.
    pub reversed_by: Option<ReversedBy>,
    /// The trace number of what a reversal took back.
    pub original_trace: Option<u32>,
    /// How often its result was sent.
    pub results_sent: u32,
    /// Seconds since 1970.
    pub at: i64,
}

/// The numbers a transaction gets when the bank is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    pub trace: u32,
    pub receipt: u32,
    pub turnover: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presented {
    /// The word of a card.
    pub card: String,
    pub entry: Entry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Sale,
    Refund,
    Reversal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Waiting for card, PIN or bank.
    Open,
    /// The bank has taken the money; the till has not answered yet.
    Approved,
    /// Final: the money is taken (sale), given (refund), given back (reversal).
    Booked,
    /// Final: the bank said no.
    Declined,
    /// Final: it never reached the bank.
    Cancelled,
    /// Final: taken and given back.
    Reversed,
}

/// Who took a payment back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReversedBy {
    /// `06 30`; the receipt number of the reversal.
    Till(u32),
    /// The terminal, because the till did not take the result.
    Terminal,
}

/// Sums as in field 60.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Day {
    pub receipt_from: u32,
    pub receipt_to: u32,
    /// Count and sum per kind of card.
    pub totals: [(u8, i64); 7],
    pub trace: u32,
    pub at: i64,
}

impl Day {
    pub fn sum_minor(&self) -> i64 {
        self.totals.iter().map(|(_, sum)| sum).sum()
    }
}

/// What a transaction begins with.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    pub kind: Kind,
    pub amount_minor: u64,
    pub currency: u16,
    pub at: i64,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            version: VERSION,
            trace: 0,
            receipt: 0,
            turnover: 0,
            next_number: 1,
            day_from: 1,
            last_day: None,
            transactions: Vec::new(),
        }
    }
}

impl Book {
    /// A new transaction; its number.
    pub fn open(&mut self, opening: Opening) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        if self.transactions.len() == TRANSACTIONS_MAX {
            self.transactions.remove(0);
        }
        self.transactions.push(Transaction {
            number,
            kind: opening.kind,
            state: State::Open,
            requested_minor: opening.amount_minor,
            amount_minor: opening.amount_minor,
            currency: opening.currency,
            result: None,
            receipt: None,
            card: None,
            reversed_by: None,
            original_trace: None,
            results_sent: 0,
            at: opening.at,
        });
        number
    }

    /// The bank is asked: fresh numbers.
    pub fn assign_numbers(&mut self, number: u64) {
        let numbers =
            Numbers { trace: self.next_trace(), receipt: self.next_receipt(), turnover: self.turnover };
        self.last_day = None;
        if let Some(transaction) = self.get_mut(number) {
            transaction.receipt = Some(numbers);
        }
    }

    /// The money moves.
    pub fn count_turnover(&mut self, number: u64) {
        self.turnover = next(self.turnover, TRACE_MAX);
        let turnover = self.turnover;
        if let Some(numbers) = self.get_mut(number).and_then(|transaction| transaction.receipt.as_mut()) {
            numbers.turnover = turnover;
        }
    }

    fn next_trace(&mut self) -> u32 {
        self.trace = next(self.trace, TRACE_MAX);
        self.trace
    }

    fn next_receipt(&mut self) -> u32 {
        self.receipt = next(self.receipt, RECEIPT_MAX);
        self.receipt
    }

    pub fn get(&self, number: u64) -> Option<&Transaction> {
        self.transactions.iter().rev().find(|transaction| transaction.number == number)
    }

    pub fn get_mut(&mut self, number: u64) -> Option<&mut Transaction> {
        self.transactions.iter_mut().rev().find(|transaction| transaction.number == number)
    }

    /// The terminal takes a payment back by itself; the bank gets a trace number for it.
    pub fn reverse_by_terminal(&mut self, number: u64) {
        self.next_trace();
        if let Some(transaction) = self.get_mut(number) {
            transaction.state = State::Reversed;
            transaction.reversed_by = Some(ReversedBy::Terminal);
        }
    }

    /// The last one that has a receipt, whatever came of it.
    pub fn last_printed(&self) -> Option<&Transaction> {
        self.transactions.iter().rev().find(|transaction| transaction.receipt.is_some())
    }

    /// The last one the bank took, reversed since or not.
    pub fn last_taken(&self) -> Option<&Transaction> {
        self.taken().next_back()
    }

    /// The payment or refund with this receipt number since the last end of day.
    pub fn by_receipt(&self, receipt: u32) -> Option<&Transaction> {
        let with = |transaction: &&Transaction| transaction.receipt.is_some_and(|it| it.receipt == receipt);
        self.taken().rev().take_while(|transaction| transaction.number >= self.day_from).find(with)
    }

    fn taken(&self) -> impl DoubleEndedIterator<Item = &Transaction> {
        self.transactions.iter().filter(|transaction| {
            transaction.kind != Kind::Reversal
                && matches!(transaction.state, State::Booked | State::Reversed | State::Approved)
        })
    }

    /// Sums since the last end of day; `total_of` says which sum a card counts to.
    pub fn day(&self, at: i64, total_of: impl Fn(&str) -> usize) -> Day {
        let mut day = Day { trace: self.trace, at, ..Day::default() };
        for transaction in self.transactions.iter().filter(|transaction| transaction.number >= self.day_from)
        {
            if let Some(numbers) = transaction.receipt {
                if day.receipt_from == 0 {
                    day.receipt_from = numbers.receipt;
                }
                day.receipt_to = numbers.receipt;
            }
            if transaction.kind != Kind::Reversal && transaction.state == State::Booked {
                let card = transaction.card.as_ref().map_or("", |presented| presented.card.as_str());
                let (count, sum) = &mut day.totals[total_of(card).min(6)];
                *count = count.saturating_add(1);
                *sum += transaction.signed_minor();
            }
        }
        day
    }

    /// The day ends: what was booked can no longer be reversed.
    pub fn close_day(&mut self, day: Day) {
        self.next_trace();
        self.day_from = self.next_number;
        self.last_day = Some(day);
    }

    /// What an interrupted life has left: open ones never reached the bank; approved ones were never answered.
    pub fn unfinished(&self) -> Vec<(u64, State)> {
        let open = |state| matches!(state, State::Open | State::Approved);
        self.transactions.iter().filter(|it| open(it.state)).map(|it| (it.number, it.state)).collect()
    }

    /// Every transaction from this number on.
    pub fn from(&self, number: u64) -> Vec<&Transaction> {
        self.transactions.iter().filter(|transaction| transaction.number >= number).collect()
    }

    /// Sums and the last transactions, for tests and the panel.
    pub fn state(&self) -> Value {
        let sum = |keep: &dyn Fn(&Transaction) -> bool| -> u64 {
            self.transactions.iter().filter(|transaction| keep(transaction)).map(|it| it.amount_minor).sum()
        };
        let in_state = |kind, state| sum(&|it: &Transaction| it.kind == kind && it.state == state);
        let taken = in_state(Kind::Sale, State::Booked);
        let refunded = in_state(Kind::Refund, State::Booked);
        let shown = self.transactions.len().saturating_sub(TRANSACTIONS_SHOWN);
        json!({
            "booked_minor": taken,
            "refunded_minor": refunded,
            "reversed_minor": in_state(Kind::Sale, State::Reversed),
            "unanswered_minor": in_state(Kind::Sale, State::Approved),
            "net_minor": i128::from(taken) - i128::from(refunded),
            "trace": self.trace,
            "receipt": self.receipt,
            "transactions_total": self.next_number - 1,
            "transactions": self.transactions[shown..],
        })
    }
}

impl Transaction {
    /// Positive when the shop gains.
    pub fn signed_minor(&self) -> i64 {
        let amount = i64::try_from(self.amount_minor).unwrap_or(i64::MAX);
        match self.kind {
            Kind::Sale => amount,
            Kind::Refund | Kind::Reversal => -amount,
        }
    }
}

fn next(number: u32, max: u32) -> u32 {
    if number >= max { 1 } else { number + 1 }
}
