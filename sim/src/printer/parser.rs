//! Bytes to [`Command`]s: total, incremental, and bounded in memory.
//!
//! ```text
//!   byte -> pending command --length(pending)--> More      -> wait
//!                                                Exactly n -> collect n bytes -> decode -> Command
//!                                                UntilNul  -> collect to 00   -> decode -> Command
//! ```

mod decode;
mod length;

use super::command::Command;
use length::Length;

/// The longest command that is kept: a full-width raster of 2303 rows at 640 dots is 184 kB. Real printers have less.
const COMMAND_BYTES_MAX: usize = 256 * 1024;
/// A list up to NUL that is longer than this has lost its end; bar codes have at most 255 characters.
const LIST_BYTES_MAX: usize = 260;
/// How much of a strange command is kept for people.
pub(super) const SAMPLE_BYTES: usize = 8;

/// Where the parser stands between two bytes.
#[derive(Debug, Default)]
pub struct Parser {
    pending: Vec<u8>,
    /// Known total length of the pending command.
    total: Option<usize>,
    /// Bytes of an oversized command still to be swallowed.
    skip: usize,
}

impl Parser {
    /// Takes one byte; a command when it was the last of one.
    pub fn push(&mut self, byte: u8) -> Option<Command> {
        if self.skip > 0 {
            self.skip -= 1;
            return (self.skip == 0).then(|| self.finish(Command::TooLong));
        }
        self.pending.push(byte);
        if self.total.is_none() {
            match length::of(&self.pending) {
                Length::More if self.pending.len() < COMMAND_BYTES_MAX => {}
                Length::More => return Some(self.finish(Command::TooLong)),
                Length::Exactly(total) if total > COMMAND_BYTES_MAX => {
                    // All of it is still to come except what is pending, which is shorter than any limit.
                    self.skip = total - self.pending.len();
                }
                Length::Exactly(total) => self.total = Some(total),
                Length::UntilNul if byte == 0 && self.pending.len() > 3 => {
                    self.total = Some(self.pending.len())
                }
                Length::UntilNul if self.pending.len() == 3 && self.ends_at_once() => self.total = Some(3),
                Length::UntilNul if self.pending.len() < LIST_BYTES_MAX => {}
                Length::UntilNul => return Some(self.finish(Command::TooLong)),
            }
        }
        if self.total.is_some_and(|total| self.pending.len() >= total) {
            self.total = None;
            return Some(decode::command(&std::mem::take(&mut self.pending)));
        }
        None
    }

    /// Bytes held for a command that is not complete.
    pub fn held(&self) -> usize {
        self.pending.len()
    }

    /// An empty tab list: `ESC D NUL`. (In `GS k m …` the third byte is the symbology, and may be 0.)
    fn ends_at_once(&self) -> bool {
        self.pending == [0x1B, b'D', 0]
    }

    fn finish(&mut self, what: fn(Vec<u8>) -> Command) -> Command {
        let mut sample = std::mem::take(&mut self.pending);
        self.total = None;
        sample.truncate(SAMPLE_BYTES);
        what(sample)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(bytes: &[u8]) -> Vec<Command> {
        let mut parser = Parser::default();
        let commands = bytes.iter().filter_map(|byte| parser.push(*byte)).collect();
        assert_eq!(parser.held(), 0, "nothing may be left over");
        commands
    }

    #[test]
    fn text_and_short_commands_come_out_one_by_one() {
        assert_eq!(
            parse(b"\x1b@\x1ba\x01\x1d!\x11Hi\x0a\x1dVB\x03"),
            [
                Command::Initialize,
                Command::Justify(1),
                Command::Size(0x11),
                Command::Text(b'H'),
                Command::Text(b'i'),
                Command::LineFeed,
                Command::Cut { full: false, feed: Some(3) },
            ]
        );
    }

    #[test]
    fn the_published_qr_store_command_is_read() {
        let bytes = [0x1D, 0x28, 0x6B, 8, 0, 0x31, 0x50, 0x30, 0x4B, 0x49, 0x4F, 0x53, 0x4B];
        assert_eq!(parse(&bytes), [Command::Symbol { kind: 49, function: 80, args: b"0KIOSK".to_vec() }]);
    }

    #[test]
    fn both_forms_of_a_bar_code_are_read() {
        assert_eq!(
            parse(b"\x1dk\x024006381333931\0\x1dkI\x05{B123"),
            [
                Command::Barcode { system: 2, data: b"4006381333931".to_vec() },
                Command::Barcode { system: 73, data: b"{B123".to_vec() },
            ]
        );
        assert_eq!(parse(b"\x1dk\x00123\0"), [Command::Barcode { system: 0, data: b"123".to_vec() }]);
    }

    #[test]
    fn an_empty_tab_list_ends_at_its_first_nul() {
        assert_eq!(parse(b"\x1bD\0A"), [Command::Tabs(vec![]), Command::Text(b'A')]);
        assert_eq!(parse(b"\x1bD\x08\x10\0"), [Command::Tabs(vec![8, 16])]);
    }

    #[test]
    fn a_raster_with_command_bytes_inside_stays_in_step() {
        let mut bytes = b"\x1dv0\0\x02\0\x03\0".to_vec();
        bytes.extend(b"\x1b@\x1dV\x10\x04A");
        assert_eq!(
            parse(&bytes),
            [
                Command::Raster { mode: 0, width_bytes: 2, data: b"\x1b@\x1dV\x10\x04".to_vec() },
                Command::Text(b'A')
            ]
        );
    }

    #[test]
    fn an_oversized_command_is_swallowed_whole_and_the_stream_stays_in_step() {
        let mut parser = Parser::default();
        let mut bytes = b"\x1dv0\0\xff\xff\xff\xff".to_vec();
        bytes.resize(1_000_000, 0x55);
        for byte in &bytes {
            assert_eq!(parser.push(*byte), None);
        }
        assert!(parser.held() < 16);

        let mut graphics = b"\x1d8L\x00\x00\x05\x00".to_vec();
        graphics.resize(7 + 0x5_0000, 0x0A);
        graphics.push(b'A');
        let commands = parse(&graphics);
        assert!(matches!(commands.as_slice(), [Command::TooLong(_), Command::Text(b'A')]), "{commands:?}");
    }

    #[test]
    fn unknown_letters_are_reported_with_their_bytes() {
        assert_eq!(parse(b"\x1b\x7eA"), [Command::Unsupported(vec![0x1B, 0x7E]), Command::Text(b'A')]);
    }

    proptest! {
        #[test]
        fn any_bytes_parse_without_panic_and_with_bounded_memory(
            bytes in proptest::collection::vec(prop_oneof![
                3 => Just(0x1B_u8), 3 => Just(0x1D), 1 => Just(0x1C), 1 => Just(0x10), 2 => Just(b'('), 8 => any::<u8>()
            ], 0..4000)
        ) {
            let mut parser = Parser::default();
            for byte in bytes {
                parser.push(byte);
                prop_assert!(parser.held() <= COMMAND_BYTES_MAX);
            }
        }
    }
}
