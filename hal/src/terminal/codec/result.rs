//! `04 0F`: how a transaction went, and the totals of an end of day.

use super::super::codes::card_brand;
use super::super::money::Currency;
use super::super::types::{BrandTotal, CardEntry, Totals, TransactionResult};
use super::text::Charset;
use super::{bcd, bmp, mask, text, tlv};

/// Bytes of the totals field: two receipt numbers and seven pairs of count and sum.
const TOTALS_BYTES: usize = 53;

/// The order of the seven brands in the totals field.
const BRANDS: [&str; 7] =
    ["girocard", "JCB", "Mastercard", "American Express", "Visa", "Diners Club", "other"];

/// Everything a `04 0F` can tell us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusInformation {
    /// The result code; without it nobody can say how the transaction went.
    pub code: Option<u8>,
    /// The fields, masked. `approved` and `code` follow the result code.
    pub result: TransactionResult,
    /// Totals, in an end of day.
    pub totals: Option<Totals>,
    /// The fields were read to the last byte.
    pub complete: bool,
}

/// Reads the data of a `04 0F`.
pub(crate) fn parse(data: &[u8], charset: Charset) -> StatusInformation {
    let mut status =
        StatusInformation { code: None, result: unknown_result(), totals: None, complete: false };
    let mut fields = bmp::Fields::new(data);
    for (tag, value) in fields.by_ref() {
        take(&mut status, tag, value, charset);
    }
    status.complete = fields.end() == bmp::End::Complete;
    status.result.approved = status.code == Some(0);
    if let Some(totals) = &mut status.totals {
        totals.amount_minor = status.result.amount_minor;
        totals.currency = status.result.currency;
    }
    status
}

fn take(status: &mut StatusInformation, tag: u8, value: &[u8], charset: Charset) {
    let result = &mut status.result;
    match tag {
        bmp::RESULT => {
            status.code = value.first().copied();
            result.code = status.code.unwrap_or(u8::MAX);
        }
        bmp::AMOUNT => result.amount_minor = amount(value),
        bmp::CURRENCY => result.currency = currency(value),
        // The long form in the container, if any, wins: it is read later or kept.
        bmp::TRACE => result.trace = result.trace.or(number(value)),
        bmp::RECEIPT => result.receipt_no = number(value),
        bmp::TURNOVER => result.turnover_no = number(value),
        bmp::ORIGINAL_TRACE => result.original_trace = number(value),
        bmp::TERMINAL_ID => result.terminal_id = number(value),
        bmp::MERCHANT => result.merchant_id = words(value, charset),
        bmp::AUTH_CODE => result.auth_code = words(value, charset),
        bmp::CARD_TYPE => result.card_brand = value.first().and_then(|number| card_brand(u16::from(*number))),
        bmp::CARD_NAME => result.card_name = words(value, charset),
        bmp::PAN => result.masked_pan = mask::packed_pan(value),
        bmp::DATE => result.month_day = pair(value),
        bmp::TIME => result.time = triple(value),
        bmp::TEXT => result.text = words(value, charset),
        bmp::TOTALS => status.totals = totals(value),
        bmp::TLV => take_container(result, value, charset),
        // Tracks, expiry, check value and whatever we have no use for are dropped here.
        _ => {}
    }
}

fn take_container(result: &mut TransactionResult, value: &[u8], charset: Charset) {
    let (nodes, _) = tlv::parse(value);
    if let Some(trace) = tlv::find(&nodes, tlv::LONG_TRACE).and_then(number) {
        result.trace = Some(trace);
    }
    if let Some(tip) = tlv::find(&nodes, tlv::TIP) {
        result.tip_minor = amount(tip);
    }
    if let Some(id) = tlv::inside(&nodes, tlv::APPLICATION)
        .and_then(|application| tlv::find(application, tlv::APPLICATION_ID))
        .or_else(|| tlv::find(&nodes, tlv::APPLICATION_ID))
    {
        result.aid = (!id.is_empty()).then(|| mask::text(&hex(id)));
    }
    if let Some(&[entry, ..]) = tlv::find(&nodes, tlv::CARD_TECHNOLOGY) {
        result.entry = match entry {
            0 => Some(CardEntry::Stripe),
            1 => Some(CardEntry::Chip),
            2 => Some(CardEntry::Contactless),
            _ => None,
        };
    }
    if let Some(number) = tlv::find(&nodes, tlv::CARD_TYPE).filter(|bytes| bytes.len() <= 2) {
        let number = number.iter().fold(0u16, |number, byte| number << 8 | u16::from(*byte));
        result.card_brand = result.card_brand.or(card_brand(number));
    }
    if result.text.is_none() {
        result.text = display_text(&nodes, charset);
    }
}

/// The lines meant for a display, joined.
pub(crate) fn display_text(nodes: &[tlv::Node<'_>], charset: Charset) -> Option<String> {
    let lines = tlv::inside(nodes, tlv::DISPLAY_TEXTS)?;
    let line = |node: &tlv::Node<'_>| match node.value {
        tlv::Value::Bytes(bytes) if node.tag == tlv::LINE => Some(text::decode(bytes, charset)),
        tlv::Value::Bytes(_) | tlv::Value::Nodes(_) => None,
    };
    // Masked once more as a whole, so that a number broken over two lines is found too.
    let joined = lines.iter().filter_map(line).collect::<Vec<_>>().join(" ");
    (!joined.trim().is_empty()).then(|| mask::text(joined.trim()))
}

/// Number of at most 4 packed bytes, as all counters are.
pub(crate) fn number(value: &[u8]) -> Option<u32> {
    bcd::decode(value).and_then(|number| u32::try_from(number).ok())
}

/// A currency number of two packed bytes.
pub(crate) fn currency(value: &[u8]) -> Option<Currency> {
    bcd::decode(value).and_then(|number| u16::try_from(number).ok()).and_then(Currency::from_number)
}

/// Text without padding; `None` if nothing is left.
pub(crate) fn words(value: &[u8], charset: Charset) -> Option<String> {
    let words = text::decode(value, charset);
    (!words.trim().is_empty()).then(|| words.trim().to_owned())
}

/// Amounts have exactly six bytes; anything longer could be a card number in the wrong place.
fn amount(value: &[u8]) -> Option<i64> {
    bcd::decode(value).filter(|_| value.len() == 6).and_then(|amount| i64::try_from(amount).ok())
}

fn pair(value: &[u8]) -> Option<(u8, u8)> {
    match value {
        [first, second] => Some((two_digits(*first)?, two_digits(*second)?)),
        _ => None,
    }
}

fn triple(value: &[u8]) -> Option<(u8, u8, u8)> {
    match value {
        [first, second, third] => Some((two_digits(*first)?, two_digits(*second)?, two_digits(*third)?)),
        _ => None,
    }
}

fn two_digits(byte: u8) -> Option<u8> {
    bcd::decode(&[byte]).and_then(|number| u8::try_from(number).ok())
}

fn totals(value: &[u8]) -> Option<Totals> {
    if value.len() != TOTALS_BYTES {
        return None;
    }
    let (receipts, groups) = value.split_at(4);
    let group = |(brand, bytes): (&'static str, &[u8])| {
        Some(BrandTotal { brand, count: u32::from(bytes[0]), minor: amount(&bytes[1..])? })
    };
    Some(Totals {
        receipt_from: number(&receipts[..2]),
        receipt_to: number(&receipts[2..]),
        groups: BRANDS.into_iter().zip(groups.chunks(7)).map(group).collect::<Option<_>>()?,
        ..Totals::default()
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn unknown_result() -> TransactionResult {
    TransactionResult {
        approved: false,
        code: u8::MAX,
        amount_minor: None,
        tip_minor: None,
        currency: None,
        trace: None,
        receipt_no: None,
        turnover_no: None,
        original_trace: None,
        terminal_id: None,
        merchant_id: None,
        auth_code: None,
        card_brand: None,
        card_name: None,
        masked_pan: None,
        aid: None,
        entry: None,
        month_day: None,
        time: None,
        text: None,
    }
}

#[cfg(test)]
mod tests;
