//! `06 D1` and `06 D3`: receipts the terminal wants printed, line by line or in blocks.

use super::super::types::{ReceiptKind, ReceiptLine};
use super::text::{self, Charset};
use super::{bmp, tlv};

/// Blank lines one feed command may ask for; more would only waste paper.
const MAX_FEED: u8 = 20;

/// Lines of one block, as many as fit a container; bounds memory against tiny lines.
const MAX_LINES: usize = 1000;

/// The attribute that means "feed so many lines".
const FEED: u8 = 0xFF;

/// Something to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    /// Whom it is for, if told.
    pub kind: Option<ReceiptKind>,
    /// The lines.
    pub lines: Vec<ReceiptLine>,
    /// The receipt ends here.
    pub end: bool,
}

/// Reads a `06 D1`: an attribute, text, and on some terminals a container after the text.
pub(crate) fn line(data: &[u8], charset: Charset) -> Printed {
    let Some((&attribute, rest)) = data.split_first() else {
        return Printed { kind: None, lines: vec![ReceiptLine::default()], end: false };
    };
    if attribute == FEED && rest.len() <= 1 {
        let feeds = rest.first().copied().unwrap_or(1).min(MAX_FEED);
        let lines = vec![ReceiptLine::default(); usize::from(feeds)];
        return Printed { kind: None, lines, end: rest.is_empty() };
    }
    let (words, container) = split_container(rest);
    let kind = container.and_then(|nodes| receipt_kind(&nodes));
    Printed { kind, lines: vec![styled(attribute, words, charset)], end: is_last(attribute) }
}

/// Reads a `06 D3`: lines inside a container.
pub(crate) fn block(data: &[u8], charset: Charset) -> Printed {
    let mut printed = Printed { kind: None, lines: Vec::new(), end: false };
    for (tag, value) in bmp::Fields::new(data) {
        if tag != bmp::TLV {
            continue;
        }
        let (nodes, _) = tlv::parse(value);
        printed.kind = printed.kind.or(receipt_kind(&nodes));
        if let Some(texts) = tlv::inside(&nodes, tlv::PRINT_TEXTS) {
            take_lines(&mut printed, texts, charset);
        }
    }
    printed
}

fn take_lines(printed: &mut Printed, texts: &[tlv::Node<'_>], charset: Charset) {
    let mut attribute = 0;
    for node in texts {
        let tlv::Value::Bytes(bytes) = node.value else { continue };
        match node.tag {
            tlv::LINE if printed.lines.len() < MAX_LINES => {
                printed.lines.push(styled(attribute, bytes, charset));
            }
            tlv::END_OF_RECEIPT => {
                attribute = bytes.first().copied().unwrap_or(0);
                printed.end |= attribute == FEED || is_last(attribute);
            }
            _ => {}
        }
    }
}

fn styled(attribute: u8, words: &[u8], charset: Charset) -> ReceiptLine {
    ReceiptLine {
        text: text::decode(words, charset).replace('\n', " "),
        centred: attribute & 0x40 != 0,
        double_width: attribute & 0x20 != 0,
        double_height: attribute & 0x10 != 0,
    }
}

/// The upper bit alone is reserved; with others it marks the last line.
fn is_last(attribute: u8) -> bool {
    attribute & 0x80 != 0 && attribute != 0x80
}

/// Text has no length, so a container behind it is found by its tag, which no text contains, and by fitting exactly.
fn split_container(bytes: &[u8]) -> (&[u8], Option<Vec<tlv::Node<'_>>>) {
    for (at, byte) in bytes.iter().enumerate() {
        if *byte != bmp::TLV {
            continue;
        }
        let after = &bytes[at + 1..];
        let Some((header, length)) = tlv::length(after) else { continue };
        if header + length != after.len() {
            continue;
        }
        if let (nodes, None) = tlv::parse(&after[header..]) {
            return (&bytes[..at], Some(nodes));
        }
    }
    (bytes, None)
}

fn receipt_kind(nodes: &[tlv::Node<'_>]) -> Option<ReceiptKind> {
    match tlv::find(nodes, tlv::RECEIPT_KIND)? {
        [1] => Some(ReceiptKind::Merchant),
        [2] => Some(ReceiptKind::Customer),
        [3] => Some(ReceiptKind::Administration),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::terminal::codec::captures::bytes;

    fn texts(printed: &Printed) -> Vec<&str> {
        printed.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn a_line_has_text_and_style() {
        let printed = line(b"\x50 KUNDENBELEG", Charset::Cp437);
        assert_eq!(texts(&printed), [" KUNDENBELEG"]);
        assert!(printed.lines[0].centred && printed.lines[0].double_height && !printed.lines[0].double_width);
        assert!(!printed.end);
        assert!(line(b"\x81bye", Charset::Cp437).end);
        assert!(!line(b"\x80x", Charset::Cp437).end);
    }

    #[test]
    fn a_feed_is_blank_lines() {
        assert_eq!(line(&[0xFF, 3], Charset::Cp437).lines.len(), 3);
        assert_eq!(line(&[0xFF, 0xFF], Charset::Cp437).lines.len(), usize::from(MAX_FEED));
        assert_eq!(texts(&line(&[0x00], Charset::Cp437)), [""]);
    }

    #[test]
    fn a_container_behind_the_text_is_no_text() {
        let data = bytes("00 48616C6C6F 06 04 1F07 01 02");
        let printed = line(&data, Charset::Latin1);
        assert_eq!(texts(&printed), ["Hallo"]);
        assert_eq!(printed.kind, Some(ReceiptKind::Customer));
    }

    #[test]
    fn a_block_has_its_lines_its_kind_and_its_end() {
        let data = bytes("06 14 1F07 01 01 25 0E 07 02 6131 0901 40 07 01 62 0901 FF");
        let data = [&data[..1], &[u8::try_from(data.len() - 2).unwrap()], &data[2..]].concat();
        let data = fix_inner_length(data);
        let printed = block(&data, Charset::Cp437);
        assert_eq!(texts(&printed), ["a1", "b"]);
        assert!(!printed.lines[0].centred && printed.lines[1].centred);
        assert_eq!(printed.kind, Some(ReceiptKind::Merchant));
        assert!(printed.end);
    }

    /// The length of the inner container, computed instead of counted by hand.
    fn fix_inner_length(mut data: Vec<u8>) -> Vec<u8> {
        data[7] = u8::try_from(data.len() - 8).unwrap();
        data
    }

    proptest! {
        #[test]
        fn random_bytes_are_printed_without_a_panic(data in prop::collection::vec(any::<u8>(), 0..200)) {
            line(&data, Charset::Cp437);
            let container = [vec![bmp::TLV, 0x81, u8::try_from(data.len()).unwrap()], data].concat();
            block(&container, Charset::Cp437);
        }
    }
}
