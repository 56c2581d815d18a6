//! The words on the terminal's receipts.

use super::book::{Day, Kind, State, Transaction};
use super::cards::{Card, Entry};
use super::config::Config;
use super::message;

/// Characters of a line unless the till says what its printer holds.
pub const COLUMNS: usize = 24;
/// What a till may ask for: below, amounts do not fit; above, no receipt printer is.
pub const COLUMNS_RANGE: std::ops::RangeInclusive<usize> = 20..=80;

/// For whom a receipt is (`1F07`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copy {
    Merchant,
    Customer,
    Admin,
}

impl Copy {
    pub fn code(self) -> u8 {
        match self {
            Self::Merchant => 1,
            Self::Customer => 2,
            Self::Admin => 3,
        }
    }
}

/// One receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub copy: Copy,
    pub lines: Vec<String>,
}

/// Puts lines on paper of a width.
struct Page {
    columns: usize,
    lines: Vec<String>,
}

impl Page {
    fn new(columns: usize) -> Self {
        Self { columns, lines: Vec::new() }
    }

    fn centre(&mut self, text: &str) {
        let text: String = text.chars().take(self.columns).collect();
        let indent = (self.columns - text.chars().count()) / 2;
        self.lines.push(format!("{:indent$}{text}", ""));
    }

    fn pair(&mut self, left: &str, right: &str) {
        let gap = self.columns.saturating_sub(left.chars().count() + right.chars().count()).max(1);
        self.lines.push(format!("{left}{:gap$}{right}", "").chars().take(self.columns).collect());
    }

    fn blank(&mut self) {
        self.lines.push(String::new());
    }

    fn receipt(self, copy: Copy) -> Receipt {
        Receipt { copy, lines: self.lines }
    }
}

/// The receipt of a transaction that has reached the bank.
pub fn of_transaction(config: &Config, it: &Transaction, copy: Copy, columns: usize) -> Receipt {
    let mut page = Page::new(columns);
    page.centre(&config.merchant_name);
    page.centre(match copy {
        Copy::Merchant => "Merchant copy",
        Copy::Customer | Copy::Admin => "Customer copy",
    });
    page.blank();
    page.pair("Terminal", &config.terminal_id.to_string());
    if let Some(numbers) = it.receipt {
        page.pair("Trace", &format!("{:06}", numbers.trace));
        page.pair("Receipt", &format!("{:04}", numbers.receipt));
    }
    let (date, time) = message::printed_time(config, it.at);
    page.pair(&date, &time);
    page.blank();
    page.centre(match it.kind {
        Kind::Sale => "CARD PAYMENT",
        Kind::Refund => "REFUND",
        Kind::Reversal => "REVERSAL",
    });
    if let Some(presented) = &it.card
        && let Some(card) = Card::by_word(&presented.card)
    {
        page.pair(card.name, if presented.entry == Entry::Hold { "contactless" } else { "chip + PIN" });
        page.pair("Card", &card.printed_number());
    }
    page.pair("Amount", &message::printed_amount(it.amount_minor, it.currency));
    page.blank();
    page.centre(match (it.state, it.kind) {
        (State::Declined, _) => "DECLINED - NOT PAID",
        (State::Reversed, _) => "REVERSED - NOT PAID",
        (State::Cancelled | State::Open, _) => "NOT PAID",
        (State::Approved | State::Booked, Kind::Sale) => "APPROVED - THANK YOU",
        (State::Approved | State::Booked, Kind::Refund | Kind::Reversal) => "AMOUNT RETURNED",
    });
    page.receipt(copy)
}

/// The sums of a day.
pub fn of_day(config: &Config, day: &Day, title: &str, columns: usize) -> Receipt {
    let mut page = Page::new(columns);
    page.centre(&config.merchant_name);
    page.centre(title);
    page.pair("Terminal", &config.terminal_id.to_string());
    let (date, time) = message::printed_time(config, day.at);
    page.pair(&date, &time);
    page.pair("Receipts", &format!("{:04}-{:04}", day.receipt_from, day.receipt_to));
    page.blank();
    for ((count, sum), name) in day.totals.iter().zip(TOTAL_NAMES).filter(|((count, _), _)| *count > 0) {
        page.pair(&format!("{count:3} {name}"), &message::printed_signed(*sum));
    }
    page.pair("Total EUR", &message::printed_signed(day.sum_minor()));
    page.receipt(Copy::Admin)
}

/// A few words of the terminal about itself.
pub fn of_words(config: &Config, words: &[&str], columns: usize) -> Receipt {
    let mut page = Page::new(columns);
    page.centre(&config.merchant_name);
    page.pair("Terminal", &config.terminal_id.to_string());
    words.iter().for_each(|line| page.centre(line));
    page.receipt(Copy::Admin)
}

/// The seven sums of field 60.
const TOTAL_NAMES: [&str; 7] = ["girocard", "JCB", "MasterCard", "Amex", "VISA", "Diners", "others"];
