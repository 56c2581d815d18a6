//! How a command ends: `06 0F` completion and `06 1E` abort.

use super::super::codes::condition;
use super::super::event::{Registration, StatusReport};
use super::text::Charset;
use super::{bmp, mask, result, text, tlv};

/// Status bits in field 19 of a registration's completion.
const NEEDS_INITIALISATION: u8 = 0x01;
const NEEDS_DIAGNOSIS: u8 = 0x02;

/// Code of an abort that may carry the terminal's currency without a tag.
const WRONG_CURRENCY: u8 = 0x6F;

/// An abort without a code.
const NO_CODE: u8 = 0xFF;

/// The parts of a completion. All are optional and none is marked, so finding them takes a rule; see [`split`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Completion<'a> {
    /// Software version.
    pub version: Option<&'a [u8]>,
    /// Terminal condition.
    pub status: Option<u8>,
    /// Fields.
    pub fields: &'a [u8],
}

/// Why a command ended without success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Abort {
    /// The terminal's code.
    pub code: u8,
    /// The terminal's own words.
    pub text: Option<String>,
}

/// Takes a completion apart.
///
/// A version is recognised by its three counting bytes. What follows is a condition byte and fields, or only fields:
/// the reading that fits to the last byte wins. If both fit, the condition comes first when a version stood before
/// or when a status was asked for (`asked_status`), because there it belongs.
pub(crate) fn split(data: &[u8], asked_status: bool) -> Completion<'_> {
    let (version, rest) = version(data);
    let with_status = rest.split_first().filter(|(_, fields)| bmp::is_complete(fields));
    let fields_only = bmp::is_complete(rest);
    let prefer_status = version.is_some() || asked_status;
    match (with_status, fields_only) {
        (Some((status, fields)), fields_fit) if prefer_status || !fields_fit => {
            Completion { version, status: Some(*status), fields }
        }
        (_, true) => Completion { version, status: None, fields: rest },
        // Neither fits: keep what can be read, as with any broken list of fields.
        (_, false) => match rest.split_first() {
            Some((status, fields)) if prefer_status => Completion { version, status: Some(*status), fields },
            _ => Completion { version, status: None, fields: rest },
        },
    }
}

/// Reads the completion of a status enquiry.
pub(crate) fn status_report(data: &[u8], charset: Charset) -> StatusReport {
    let completion = split(data, true);
    let mut report = StatusReport {
        code: completion.status,
        condition: condition(completion.status.unwrap_or(0)),
        version: completion.version.and_then(|version| result::words(version, charset)),
        device_name: None,
        serial: None,
        terminal_id: None,
    };
    for (tag, value) in bmp::Fields::new(completion.fields) {
        match tag {
            bmp::TERMINAL_ID => report.terminal_id = result::number(value),
            bmp::TLV => take_device(&mut report, value, charset),
            _ => {}
        }
    }
    report
}

/// Reads the completion of a registration.
pub(crate) fn registration(data: &[u8]) -> Registration {
    let mut registration = Registration::default();
    for (tag, value) in bmp::Fields::new(split(data, false).fields) {
        match tag {
            bmp::KIND => {
                let bits = value.first().copied().unwrap_or(0);
                registration.needs_initialisation = bits & NEEDS_INITIALISATION != 0;
                registration.needs_diagnosis = bits & NEEDS_DIAGNOSIS != 0;
            }
            bmp::TERMINAL_ID => registration.terminal_id = result::number(value),
            bmp::CURRENCY => registration.currency = result::currency(value),
            _ => {}
        }
    }
    registration
}

/// Reads an abort.
pub(crate) fn abort(data: &[u8], charset: Charset) -> Abort {
    let Some((&code, mut fields)) = data.split_first() else { return Abort { code: NO_CODE, text: None } };
    if code == WRONG_CURRENCY && !bmp::is_complete(fields) {
        fields = fields.get(2..).unwrap_or(&[]);
    }
    let words = bmp::Fields::new(fields).find_map(|(tag, value)| match tag {
        bmp::TLV => {
            let (nodes, _) = tlv::parse(value);
            let extended = tlv::find(&nodes, tlv::ERROR_TEXT).and_then(|words| result::words(words, charset));
            extended
                .or_else(|| result::display_text(&nodes, charset))
                .or_else(|| tlv::find(&nodes, tlv::ERROR_CODE).map(extended_code))
        }
        bmp::TEXT => result::words(value, charset),
        _ => None,
    });
    Abort { code, text: words }
}

/// An error code without words; longer ones than 4 bytes are not codes.
fn extended_code(bytes: &[u8]) -> String {
    result::hex(&bytes[..bytes.len().min(4)])
}

fn version(data: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let counted = data.get(..3).and_then(|count| {
        count.iter().try_fold(0usize, |length, byte| {
            (byte >> 4 == 0xF && byte & 0x0F <= 9).then(|| length * 10 + usize::from(byte & 0x0F))
        })
    });
    match counted.and_then(|length| data.get(3..3 + length)) {
        Some(version) => (Some(version), &data[3 + version.len()..]),
        None => (None, data),
    }
}

fn take_device(report: &mut StatusReport, value: &[u8], charset: Charset) {
    let (nodes, _) = tlv::parse(value);
    if let Some(id) = tlv::find(&nodes, tlv::TERMINAL_ID) {
        report.terminal_id = report.terminal_id.or_else(|| result::number(id));
    }
    let Some(device) = tlv::inside(&nodes, tlv::DEVICE) else { return };
    report.device_name = tlv::find(device, tlv::DEVICE_NAME).and_then(|name| result::words(name, charset));
    // Some terminals pack digits, others count in binary: the bytes as they stand are the same on every report.
    report.serial = tlv::find(device, tlv::SERIAL_NUMBER).map(|number| mask::text(&result::hex(number)));
}

/// The words of an intermediate status: code, time-out and the text block.
pub(crate) fn intermediate(data: &[u8], charset: Charset) -> Option<(u8, Option<String>)> {
    let (&code, rest) = data.split_first()?;
    // The time-out byte is optional and has no tag: the reading that leaves whole fields is the right one.
    let fields = match rest.split_first() {
        Some((_, after)) if !bmp::is_complete(rest) || rest.len() == 1 => after,
        _ => rest,
    };
    let words = bmp::Fields::new(fields).find_map(|(tag, value)| {
        if tag != bmp::TLV {
            return None;
        }
        let (nodes, _) = tlv::parse(value);
        result::display_text(&nodes, charset)
            .or_else(|| tlv::find(&nodes, tlv::LINE).map(|line| text::decode(line, charset)))
    });
    Some((code, words))
}

#[cfg(test)]
mod tests;
