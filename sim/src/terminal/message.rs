//! The terminal's own messages.

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::apdu::Apdu;
use super::book::{Day, Kind, State, Transaction};
use super::cards::Card;
use super::config::Config;
use super::fields::{Builder, bcd, decimal_length, tag};
use super::receipt::Receipt;
use super::tlv;

/// Result and abort codes of the terminal.
pub mod code {
    pub const APPROVED: u8 = 0x00;
    pub const NOT_REGISTERED: u8 = 0x6B;
    pub const CANCELLED: u8 = 0x6C;
    pub const NOT_POSSIBLE: u8 = 0x83;
    pub const BUSY: u8 = 0x9C;
    pub const ALREADY_REVERSED: u8 = 0xB4;
    pub const NOT_REVERSIBLE: u8 = 0xB5;
    pub const NO_RESERVATION: u8 = 0xB8;
    pub const NEEDS_INIT: u8 = 0x51;
    pub const DAY_OPEN: u8 = 0xF0;
    pub const PIN_TRIES: u8 = 0x4B;
}

/// Intermediate statuses.
pub mod status {
    pub const PIN: u8 = 0x01;
    pub const HOST: u8 = 0x04;
    pub const AUTO_REVERSAL: u8 = 0x05;
    pub const INSERT_CARD: u8 = 0x0A;
    pub const REMOVE_CARD: u8 = 0x0B;
    pub const WRONG_PIN: u8 = 0x15;
    pub const WAIT: u8 = 0x17;
    pub const PIN_TRIES: u8 = 0x18;
    pub const DECLINED: u8 = 0x1D;
    pub const INITIALISING: u8 = 0xCA;
}

/// Flags of a registration's completion, as captured from an unattended terminal; the lowest bit asks for an
/// initialisation.
pub mod flag {
    pub const UNATTENDED: u8 = 0x10;
    pub const NEEDS_INIT: u8 = 0x01;
}

/// What `05 01` tells about the software.
pub const VERSION: &str = "KIOSK-SIM 1.00";

pub fn ok() -> Apdu {
    Apdu::new(0x80, 0x00, [])
}

/// `84 code 00`.
pub fn refused(code: u8) -> Apdu {
    Apdu::new(0x84, code, [])
}

/// `04 FF`: status and time-out in minutes (none).
pub fn intermediate(status: u8) -> Apdu {
    Apdu::new(0x04, 0xFF, [status, 0])
}

/// `06 0F` with nothing in it.
pub fn completion() -> Apdu {
    Apdu::new(0x06, 0x0F, [])
}

/// `06 0F` after a registration: flags of the terminal, its id, its currency.
pub fn registered(config: &Config, flags: u8, currency: u16) -> Apdu {
    let fields = Builder::default()
        .fixed(tag::TYPE, &[flags])
        .number(tag::TERMINAL_ID, config.terminal_id.into())
        .number(tag::CURRENCY, currency.into());
    Apdu::new(0x06, 0x0F, fields.build())
}

/// `06 0F` after a status enquiry: software version, then the status.
pub fn terminal_status(status: u8) -> Apdu {
    let mut data = decimal_length(VERSION.len(), 3);
    data.extend(VERSION.as_bytes());
    data.push(status);
    Apdu::new(0x06, 0x0F, data)
}

/// `06 1E code`.
pub fn abort(code: u8) -> Apdu {
    Apdu::new(0x06, 0x1E, [code])
}

/// `06 1E B8 87 FF FF`: no reservation is open.
pub fn no_reservation() -> Apdu {
    Apdu::new(0x06, 0x1E, [code::NO_RESERVATION, tag::RECEIPT, 0xFF, 0xFF])
}

/// Oddities of a result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Oddities {
    pub unknown_field: bool,
    pub deep_container: bool,
}

/// Field 27 of a transaction as it stands now. A payment that was taken back is never shown as approved.
pub fn result_code(it: &Transaction) -> u8 {
    match it.state {
        State::Reversed => code::ALREADY_REVERSED,
        State::Open | State::Approved | State::Booked | State::Declined | State::Cancelled => {
            it.result.unwrap_or(code::CANCELLED)
        }
    }
}

/// `04 0F` of a transaction.
pub fn result(config: &Config, it: &Transaction, odd: Oddities) -> Apdu {
    let at = civil(config, it.at);
    let mut fields = Builder::default()
        .fixed(tag::RESULT, &[result_code(it)])
        .number(tag::AMOUNT, it.amount_minor)
        .number(tag::CURRENCY, it.currency.into())
        .number(tag::TIME, time_digits(at))
        .number(tag::DATE, date_digits(at));
    let card = it.card.as_ref().and_then(|presented| Card::by_word(&presented.card));
    if let Some(card) = card {
        fields = fields.announced(tag::PAN, &card.packed_number());
    }
    if let Some(numbers) = it.receipt {
        fields = fields.number(tag::RECEIPT, numbers.receipt.into());
        if it.result == Some(code::APPROVED) {
            fields = fields.fixed(tag::AUTHORISATION, &authorisation(numbers.trace));
        }
        fields = fields.number(tag::TRACE, numbers.trace.into());
    }
    fields = fields
        .fixed(tag::TYPE, &[0x60])
        .number(tag::TERMINAL_ID, config.terminal_id.into())
        .fixed(tag::MERCHANT, &padded::<15>(&config.merchant_number));
    if odd.unknown_field {
        fields = fields.raw(&[0x5B, 0x01, 0x02, 0x03]);
    }
    if let Some(card) = card {
        fields = fields
            .number(tag::EXPIRY, card.expiry.into())
            .number(tag::CARD_SEQUENCE, 1)
            .fixed(tag::CARD_TYPE, &[card.kind])
            .announced(tag::CARD_NAME, &[card.name.as_bytes(), &[0]].concat());
    }
    fields = fields.tlv(&container(card, odd));
    if let Some(numbers) = it.receipt {
        fields = fields.number(tag::TURNOVER, numbers.turnover.into());
    }
    if it.kind == Kind::Reversal
        && let Some(trace) = it.original_trace
    {
        fields = fields.number(tag::ORIGINAL_TRACE, trace.into());
    }
    Apdu::new(0x04, 0x0F, fields.build())
}

/// The application of the chip; or a container far deeper than anybody should follow.
fn container(card: Option<&Card>, odd: Oddities) -> Vec<u8> {
    /// Deeper than any reader's limit, and still short.
    const DEPTH: usize = 40;
    if odd.deep_container {
        return (0..DEPTH).fold(tlv::encode(&[0x07], b"deep"), |inner, _| tlv::encode(&[0x60], &inner));
    }
    card.map_or_else(Vec::new, |card| tlv::encode(&[0x60], &tlv::encode(&[0x43], card.application)))
}

/// `04 0F` with the sums of a day.
pub fn totals(config: &Config, day: &Day) -> Apdu {
    let mut sums = [bcd(day.receipt_from.into(), 2), bcd(day.receipt_to.into(), 2)].concat();
    for (count, sum) in day.totals {
        sums.push(count);
        sums.extend(bcd(sum.unsigned_abs(), 6));
    }
    let at = civil(config, day.at);
    let fields = Builder::default()
        .fixed(tag::RESULT, &[code::APPROVED])
        .number(tag::AMOUNT, day.sum_minor().unsigned_abs())
        .number(tag::TRACE, day.trace.into())
        .number(tag::TIME, time_digits(at))
        .number(tag::DATE, date_digits(at))
        .announced(tag::TOTALS, &sums);
    Apdu::new(0x04, 0x0F, fields.build())
}

/// One receipt as `06 D3`: kind, lines, end.
pub fn text_block(receipt: &Receipt) -> Apdu {
    let lines: Vec<u8> = receipt.lines.iter().flat_map(|line| tlv::encode(&[0x07], &ascii(line))).collect();
    let block = [lines, tlv::encode(&[0x09], &[0xFF])].concat();
    let content = [tlv::encode(&[0x1F, 0x07], &[receipt.copy.code()]), tlv::encode(&[0x25], &block)].concat();
    Apdu::new(0x06, 0xD3, Builder::default().tlv(&content).build())
}

/// One receipt line by line as `06 D1`: attributes (none), text.
pub fn lines(receipt: &Receipt) -> Vec<Apdu> {
    receipt.lines.iter().map(|line| Apdu::new(0x06, 0xD1, [&[0][..], &ascii(line)].concat())).collect()
}

fn ascii(text: &str) -> Vec<u8> {
    text.chars().map(|char| u8::try_from(char).ok().filter(u8::is_ascii).unwrap_or(b'?')).collect()
}

fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [b' '; N];
    bytes.iter_mut().zip(ascii(text)).for_each(|(byte, char)| *byte = char);
    bytes
}

/// Six digits that look drawn by lot, and two zero bytes.
fn authorisation(trace: u32) -> [u8; 8] {
    let number = u64::from(trace).wrapping_mul(7_919).wrapping_add(104_729) % 1_000_000;
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(format!("{number:06}").bytes()).for_each(|(byte, digit)| *byte = digit);
    bytes
}

fn civil(config: &Config, at: i64) -> DateTime {
    let timestamp = Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH);
    timestamp.to_zoned(config.zone.clone()).datetime()
}

fn digits(parts: [i8; 3]) -> u64 {
    parts.into_iter().fold(0, |sum, part| sum * 100 + u64::from(part.unsigned_abs()))
}

fn time_digits(at: DateTime) -> u64 {
    digits([at.hour(), at.minute(), at.second()])
}

fn date_digits(at: DateTime) -> u64 {
    digits([0, at.month(), at.day()])
}

/// Date and time for a person.
pub fn printed_time(config: &Config, at: i64) -> (String, String) {
    let at = civil(config, at);
    (format!("{}", at.date()), format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second()))
}

/// `EUR 25.00`; other currencies by number.
pub fn printed_amount(minor: u64, currency: u16) -> String {
    let name = match currency {
        978 => "EUR".to_owned(),
        other => format!("{other:03}"),
    };
    format!("{name} {}.{:02}", minor / 100, minor % 100)
}

pub fn printed_signed(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.unsigned_abs();
    format!("{sign}{}.{:02}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    //! The crate `zvt`, an independent implementation for tills, reads what we write.

    use zvt::packets::{self, StatusInformation};
    use zvt::sequences::AuthorizationResponse;
    use zvt::{ZvtParser, ZvtSerializer};

    use super::*;
    use crate::terminal::apdu::LengthForm;
    use crate::terminal::book::{Book, Opening, Presented};
    use crate::terminal::cards::{CARDS, Entry};
    use crate::terminal::receipt::{self, Copy};

    fn booked(card: &Card) -> Transaction {
        let mut book = Book::default();
        // 2023-04-05 22:55:58 UTC.
        let at = 1_680_735_358;
        let number = book.open(Opening { kind: Kind::Sale, amount_minor: 2_500, currency: 978, at });
        book.assign_numbers(number);
        book.count_turnover(number);
        let it = book.get_mut(number).unwrap();
        it.card = Some(Presented { card: card.word.to_owned(), entry: Entry::Hold });
        it.state = State::Booked;
        it.result = Some(code::APPROVED);
        it.clone()
    }

    fn bytes(message: &Apdu) -> Vec<u8> {
        message.encode(LengthForm::Shortest)
    }

    #[test]
    fn an_independent_till_reads_our_results() {
        for card in CARDS {
            let result = result(&Config::default(), &booked(card), Oddities::default());
            let read = StatusInformation::zvt_deserialize(&bytes(&result)).unwrap().0;
            assert_eq!((read.result_code, read.amount, read.currency), (Some(0), Some(2500), Some(978)));
            assert_eq!((read.trace_number, read.receipt_no), (Some(1), Some(1)));
            assert_eq!((read.date, read.time), (Some(405), Some(225_558)));
            assert_eq!((read.terminal_id, read.zvt_card_type), (Some(52_500_017), Some(card.kind)));
            assert_eq!(read.card_name.as_deref(), Some(card.name));
            assert_eq!(read.expiry_date, Some(card.expiry.into()));
            let application = &read.tlv.unwrap().subs[0].application_id;
            let written: String = card.application.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(application.as_deref(), Some(written.as_str()));
        }
    }

    #[test]
    fn an_independent_till_reads_our_receipts() {
        for copy in [Copy::Merchant, Copy::Customer] {
            let receipt = receipt::of_transaction(&Config::default(), &booked(&CARDS[0]), copy, 24);
            let read = packets::PrintTextBlock::zvt_deserialize(&bytes(&text_block(&receipt))).unwrap().0;
            let content = read.tlv.unwrap();
            assert_eq!(content.receipt_type, Some(copy.code()));
            assert_eq!(content.lines.unwrap().lines, receipt.lines);
            for (message, line) in lines(&receipt).iter().zip(&receipt.lines) {
                let read = packets::PrintLine::zvt_deserialize(&bytes(message)).unwrap().0;
                assert_eq!((read.attribute, &read.text), (0, line));
            }
        }
    }

    #[test]
    fn an_independent_till_reads_the_sums_of_a_day() {
        let mut day = Day { receipt_from: 233, receipt_to: 234, trace: 982, ..Day::default() };
        day.totals[2] = (2, 958);
        let read = StatusInformation::zvt_deserialize(&bytes(&totals(&Config::default(), &day))).unwrap().0;
        let sums = read.single_amounts.unwrap();
        assert_eq!((sums.receipt_no_start, sums.receipt_no_end), (233, 234));
        assert_eq!((sums.eurocard.num, sums.eurocard.total, sums.visa.num), (2, 958, 0));
        assert_eq!((read.amount, read.trace_number), (Some(958), Some(982)));
    }

    #[test]
    fn an_independent_till_reads_our_ends_and_statuses() {
        let end = registered(&Config::default(), 0x10, 978);
        let read = packets::CompletionData::zvt_deserialize(&bytes(&end)).unwrap().0;
        assert_eq!((read.status_byte, read.terminal_id), (Some(0x10), Some(52_500_017)));
        assert_eq!(read.zvt_serialize(), bytes(&end));
        let read =
            packets::IntermediateStatusInformation::zvt_deserialize(&bytes(&intermediate(0x17))).unwrap().0;
        assert_eq!((read.status, read.timeout), (0x17, Some(0)));
        let read = packets::Abort::zvt_deserialize(&bytes(&abort(0x6C))).unwrap().0;
        assert_eq!(read.error, 0x6C);
        let read = packets::PartialReversalAbort::zvt_deserialize(&bytes(&no_reservation())).unwrap().0;
        assert_eq!(read.receipt_no, Some(0xFFFF));
    }

    #[test]
    fn an_independent_till_tells_our_messages_apart() {
        let result = result(&Config::default(), &booked(&CARDS[0]), Oddities::default());
        let messages = [intermediate(0x0A), result, completion(), abort(0x6C)];
        let read: Vec<_> = messages
            .iter()
            .map(|message| AuthorizationResponse::zvt_parse(&bytes(message)).unwrap())
            .collect();
        assert!(matches!(
            read.as_slice(),
            [
                AuthorizationResponse::IntermediateStatusInformation(_),
                AuthorizationResponse::StatusInformation(_),
                AuthorizationResponse::CompletionData(_),
                AuthorizationResponse::Abort(_),
            ]
        ));
    }
}
