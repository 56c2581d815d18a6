//! What a printer says, byte by byte.
//!
//! The first byte tells the kind (masks from the Epson and Citizen command references):
//!
//! ```text
//! 0xx1xx10  one answer to DLE EOT n
//! 0xx1xx00  automatic status: three more bytes 0xx0xxxx, between which only XOFF may stand
//! 0xx0xxxx  one answer to GS r or GS I, when no automatic status is open
//! 11, 13    XON, XOFF
//! 37 … 00   a block: 37 22 d1 d2 d3 d4 00 is a process id
//! 5F … 00   an information block of GS I
//! ```
//!
//! A byte that fits nothing is garbage; a block that goes wrong is garbage up to the byte that broke it, and that
//! byte is looked at afresh.

/// Longest block, in bytes between its first byte and the closing NUL. Names and versions have about 20.
const BLOCK_MAX: usize = 64;

const XON: u8 = 0x11;
const XOFF: u8 = 0x13;
const BLOCK: u8 = 0x37;
const INFORMATION: u8 = 0x5F;
const PROCESS_ID: u8 = 0x22;

/// One answer or report of the printer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Status byte answering the oldest unanswered `DLE EOT n`.
    RealTime(u8),
    /// Automatic status, all four bytes.
    AutoStatus([u8; 4]),
    /// One byte answering `GS r n` or `GS I n`.
    Single(u8),
    /// The printer takes data again (serial without kernel flow control).
    Xon,
    /// The printer's buffer is full.
    Xoff,
    /// Everything before the request with this id is printed.
    ProcessId([u8; 4]),
    /// Another block that starts with 37; without its first byte and NUL.
    Other(Vec<u8>),
    /// An information block: a text such as a model name.
    Information(Vec<u8>),
}

/// Cuts the printer's bytes into answers. Total: any bytes are accepted, memory is bounded by one block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inbound {
    state: State,
    garbage_bytes: u64,
}

#[derive(Clone, Debug, Default)]
enum State {
    /// Between answers.
    #[default]
    Idle,
    /// Inside an automatic status.
    AutoStatus(Vec<u8>),
    /// Inside a block; its first byte says which.
    Block { first: u8, body: Vec<u8> },
}

impl Inbound {
    /// Takes one byte and gives the answer it completes, if any.
    pub(crate) fn push(&mut self, byte: u8) -> Option<Answer> {
        match std::mem::take(&mut self.state) {
            State::Idle => self.first(byte),
            State::AutoStatus(collected) => self.auto_status(collected, byte),
            State::Block { first, body } => self.block(first, body, byte),
        }
    }

    /// Bytes so far that made no sense.
    pub(crate) fn garbage_bytes(&self) -> u64 {
        self.garbage_bytes
    }

    fn first(&mut self, byte: u8) -> Option<Answer> {
        match byte {
            XON => Some(Answer::Xon),
            XOFF => Some(Answer::Xoff),
            BLOCK | INFORMATION => {
                self.state = State::Block { first: byte, body: Vec::new() };
                None
            }
            _ if byte & 0x93 == 0x12 => Some(Answer::RealTime(byte)),
            _ if byte & 0x93 == 0x10 => {
                self.state = State::AutoStatus(vec![byte]);
                None
            }
            _ if byte & 0x90 == 0x00 => Some(Answer::Single(byte)),
            _ => {
                self.garbage_bytes += 1;
                None
            }
        }
    }

    fn auto_status(&mut self, mut collected: Vec<u8>, byte: u8) -> Option<Answer> {
        if byte == XOFF {
            self.state = State::AutoStatus(collected);
            return Some(Answer::Xoff);
        }
        if byte & 0x90 != 0 {
            return self.broken(collected.len(), byte);
        }
        collected.push(byte);
        if let Ok(status) = <[u8; 4]>::try_from(collected.as_slice()) {
            return Some(Answer::AutoStatus(status));
        }
        self.state = State::AutoStatus(collected);
        None
    }

    fn block(&mut self, first: u8, mut body: Vec<u8>, byte: u8) -> Option<Answer> {
        if byte == 0 {
            return Some(match (first, body.as_slice()) {
                (BLOCK, [PROCESS_ID, d1, d2, d3, d4]) => Answer::ProcessId([*d1, *d2, *d3, *d4]),
                (BLOCK, _) => Answer::Other(body),
                _ => Answer::Information(body),
            });
        }
        let is_process_id = first == BLOCK && body.first() == Some(&PROCESS_ID);
        let length_max = if is_process_id { 5 } else { BLOCK_MAX };
        if !(0x20..=0x7E).contains(&byte) || body.len() == length_max {
            return self.broken(body.len() + 1, byte);
        }
        body.push(byte);
        self.state = State::Block { first, body };
        None
    }

    fn broken(&mut self, lost: usize, byte: u8) -> Option<Answer> {
        self.garbage_bytes += lost as u64;
        self.first(byte)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> (Vec<Answer>, u64) {
        let mut inbound = Inbound::default();
        let answers = bytes.iter().filter_map(|byte| inbound.push(*byte)).collect();
        (answers, inbound.garbage_bytes())
    }

    #[test]
    fn every_kind_of_answer_is_told_apart() {
        let bytes = b"\x12\x1E\x7E\x10\x00\x0C\x0F\x00\x11\x13\x37\x220042\x00\x37\x23x\x00\x5FTM-T88V\x00";
        let (answers, garbage) = read(bytes);
        assert_eq!(
            answers,
            [
                Answer::RealTime(0x12),
                Answer::RealTime(0x1E),
                Answer::RealTime(0x7E),
                Answer::AutoStatus([0x10, 0x00, 0x0C, 0x0F]),
                Answer::Single(0x00),
                Answer::Xon,
                Answer::Xoff,
                Answer::ProcessId(*b"0042"),
                Answer::Other(b"#x".to_vec()),
                Answer::Information(b"TM-T88V".to_vec()),
            ]
        );
        assert_eq!(garbage, 0);
    }

    #[test]
    fn xoff_inside_an_automatic_status_does_not_break_it() {
        let (answers, garbage) = read(&[0x14, 0x13, 0x00, 0x00, 0x00]);
        assert_eq!(answers, [Answer::Xoff, Answer::AutoStatus([0x14, 0, 0, 0])]);
        assert_eq!(garbage, 0);
    }

    #[test]
    fn a_broken_block_is_counted_and_the_byte_that_broke_it_is_read_afresh() {
        let (answers, garbage) = read(b"\x37\x2200\x12\x37\x2200001\x00\x10\x00\xFF\x12");
        assert_eq!(
            answers,
            [Answer::RealTime(0x12), Answer::Single(0), Answer::RealTime(0x12)],
            "an id of five digits is no id"
        );
        assert_eq!(garbage, 4 + 7 + 2 + 1);
    }

    #[test]
    fn an_endless_block_is_given_up() {
        let mut bytes = vec![INFORMATION];
        bytes.extend([b'A'; 100]);
        let (answers, garbage) = read(&bytes);
        assert!(garbage >= 65);
        assert!(answers.iter().all(|answer| matches!(answer, Answer::Single(b'A'))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic_and_later_answers_are_found(
            noise in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = noise.clone();
            // 0xFF ends whatever the noise had opened, as no block or status holds it.
            bytes.extend(b"\xFF\x37\x220007\x00");
            let (answers, _) = read(&bytes);
            prop_assert_eq!(answers.last(), Some(&Answer::ProcessId(*b"0007")));
        }
    }
}
