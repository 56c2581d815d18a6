//! One message: class, instruction, length, data.

use std::fmt;

use zeroize::Zeroize;

/// Longest data we take or send. Receipts of a few kilobytes are the largest real messages; the limit bounds what a
/// broken length can make us wait for.
pub(crate) const MAX_DATA: usize = 16 * 1024;

/// Marks a length of two bytes, low byte first.
const EXTENDED: u8 = 0xFF;

/// One message in either direction. Its data may hold a card number, so it is never printed and is wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Apdu {
    /// Class byte.
    pub class: u8,
    /// Instruction byte.
    pub instr: u8,
    /// What follows the length.
    pub data: Vec<u8>,
}

/// How the start of a byte stream reads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// A message of this many bytes, header included.
    Whole(usize),
    /// The beginning of a plausible message; more bytes are needed.
    Partial,
    /// Not a message a terminal sends.
    Implausible,
}

impl Apdu {
    /// A message; `data` must not be longer than [`MAX_DATA`].
    pub(crate) fn new(class: u8, instr: u8, data: Vec<u8>) -> Self {
        debug_assert!(data.len() <= MAX_DATA, "our own messages are short");
        Self { class, instr, data }
    }

    /// Positive answer: `80 00 00`.
    pub(crate) fn ok() -> Self {
        Self::new(0x80, 0x00, Vec::new())
    }

    /// Negative answer: `84 code 00`.
    pub(crate) fn refusal(code: u8) -> Self {
        Self::new(0x84, code, Vec::new())
    }

    /// Class and instruction in one, for matching.
    pub(crate) fn control(&self) -> u16 {
        u16::from_be_bytes([self.class, self.instr])
    }

    /// The bytes on the wire.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.class, self.instr];
        match u8::try_from(self.data.len()) {
            Ok(short) if short != EXTENDED => bytes.push(short),
            _ => {
                let long = u16::try_from(self.data.len()).expect("MAX_DATA fits two bytes");
                bytes.push(EXTENDED);
                bytes.extend(long.to_le_bytes());
            }
        }
        bytes.extend_from_slice(&self.data);
        bytes
    }

    /// Reads a message that fills `bytes` exactly; `None` otherwise.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (header, length) = header(bytes)?;
        let data = bytes.get(header..)?;
        (data.len() == length && length <= MAX_DATA).then(|| Self {
            class: bytes[0],
            instr: bytes[1],
            data: data.to_vec(),
        })
    }
}

/// Reads the header: its size and the length of the data; `None` while it is incomplete.
pub(crate) fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes {
        [_, _, EXTENDED, low, high, ..] => Some((5, usize::from(u16::from_le_bytes([low, high])))),
        [_, _, EXTENDED, ..] => None,
        [_, _, short, ..] => Some((3, usize::from(short))),
        _ => None,
    }
}

/// Judges the start of a raw stream, where text or noise may stand before and between messages.
///
/// Only what a terminal really sends counts as a start; everything else is skipped byte by byte by the caller.
pub(crate) fn scan(bytes: &[u8]) -> Scan {
    let Some(&class) = bytes.first() else { return Scan::Partial };
    let plausible_class = matches!(class, 0x04 | 0x05 | 0x06 | 0x08 | 0x0F | 0x80 | 0x84);
    if !plausible_class {
        return Scan::Implausible;
    }
    let Some(&instr) = bytes.get(1) else { return Scan::Partial };
    if !is_sent_by_terminals(class, instr) {
        return Scan::Implausible;
    }
    let Some((header, length)) = header(bytes) else { return Scan::Partial };
    if length > MAX_DATA {
        return Scan::Implausible;
    }
    if bytes.len() < header + length { Scan::Partial } else { Scan::Whole(header + length) }
}

fn is_sent_by_terminals(class: u8, instr: u8) -> bool {
    match class {
        0x04 => matches!(instr, 0x01 | 0x0D | 0x0E | 0x0F | 0xFF),
        0x05 => matches!(instr, 0x01 | 0xFF),
        // Completion, abort, printing, dial-up, display and input requests. Commands of a till are not in the list.
        0x06 => {
            matches!(instr, 0x0F | 0x1E | 0x85..=0x88 | 0xC5 | 0xC6 | 0xD1 | 0xD3 | 0xD8..=0xDD | 0xE0..=0xE6)
        }
        0x80 => instr == 0x00,
        0x08 => matches!(instr, 0x01 | 0x02 | 0x10..=0x14 | 0x20..=0x24 | 0x30 | 0x40 | 0x50),
        0x0F => matches!(instr, 0xA1 | 0xCA),
        0x84 => true,
        _ => false,
    }
}

impl Drop for Apdu {
    fn drop(&mut self) {
        self.data.zeroize();
    }
}

impl fmt::Debug for Apdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Apdu({:02X} {:02X}, {} bytes)", self.class, self.instr, self.data.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_and_extended_lengths_are_written_and_read() {
        assert_eq!(Apdu::ok().encode(), [0x80, 0, 0]);
        assert_eq!(Apdu::refusal(0x9C).encode(), [0x84, 0x9C, 0]);
        let longest_short = Apdu::new(4, 0x0F, vec![7; 254]);
        assert_eq!(longest_short.encode()[..4], [4, 0x0F, 254, 7]);
        let shortest_long = Apdu::new(4, 0x0F, vec![7; 255]);
        assert_eq!(shortest_long.encode()[..6], [4, 0x0F, 0xFF, 0xFF, 0x00, 7]);
        let longer = Apdu::new(4, 0x0F, vec![7; 256]);
        assert_eq!(longer.encode()[..6], [4, 0x0F, 0xFF, 0x00, 0x01, 7]);
    }

    #[test]
    fn a_message_is_whole_only_with_its_last_byte() {
        let bytes = Apdu::new(6, 0x0F, vec![1, 2, 3]).encode();
        for cut in 0..bytes.len() {
            assert_eq!(scan(&bytes[..cut]), Scan::Partial, "after {cut} bytes");
        }
        assert_eq!(scan(&bytes), Scan::Whole(6));
    }

    #[test]
    fn banner_text_and_impossible_lengths_are_no_messages() {
        assert_eq!(scan(b"VER 1.2"), Scan::Implausible);
        assert_eq!(scan(&[0, 0, 0, 0x3E]), Scan::Implausible);
        assert_eq!(scan(&[6, 0x01, 7]), Scan::Implausible);
        assert_eq!(scan(&[4, 0x0F, 0xFF, 0xFF, 0xFF]), Scan::Implausible);
    }

    #[test]
    fn data_never_reaches_a_log_line() {
        let apdu = Apdu::new(4, 0x0F, vec![0x41; 8]);
        assert_eq!(format!("{apdu:?}"), "Apdu(04 0F, 8 bytes)");
    }

    proptest! {
        #[test]
        fn any_message_survives_the_round_trip(
            class: u8, instr: u8, data in prop::collection::vec(any::<u8>(), 0..600),
        ) {
            let apdu = Apdu::new(class, instr, data);
            prop_assert_eq!(Apdu::decode(&apdu.encode()), Some(apdu));
        }

        #[test]
        fn random_bytes_are_judged_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Scan::Whole(length) = scan(&bytes) {
                prop_assert!(length <= bytes.len() && length >= 3);
            }
            Apdu::decode(&bytes);
        }
    }
}
