//! Serial frames: `10 02`, the message with every 10 doubled, `10 03`, then the checksum.
//!
//! The CRC is CRC-16/KERMIT over the undoubled message and the 03, low byte first; the LRC option is one byte, the XOR
//! of the same bytes. Link answers are 06 and 15, with the LRC option preceded by 10.

const DLE: u8 = 0x10;
const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;
/// The longest message with its header; a frame that does not end by then is no frame.
const MESSAGE_BYTES_MAX: usize = 0xFFFF + 5;

/// Which checksum, and with it which link answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// Two bytes.
    Crc,
    /// One byte, an option of some terminals.
    Lrc,
}

impl Checksum {
    fn of(self, message: &[u8]) -> Vec<u8> {
        let covered = message.iter().copied().chain([ETX]);
        match self {
            Self::Crc => kermit(covered).to_le_bytes().to_vec(),
            Self::Lrc => vec![covered.fold(0, |sum, byte| sum ^ byte)],
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Crc => 2,
            Self::Lrc => 1,
        }
    }

    /// The bytes of a link answer.
    pub fn answer(self, answer: LinkAnswer) -> Vec<u8> {
        let byte = match answer {
            LinkAnswer::Ack => ACK,
            LinkAnswer::Nak => NAK,
        };
        match self {
            Self::Crc => vec![byte],
            Self::Lrc => vec![DLE, byte],
        }
    }

    pub fn frame(self, message: &[u8]) -> Vec<u8> {
        let mut frame = vec![DLE, STX];
        for byte in message {
            frame.push(*byte);
            if *byte == DLE {
                frame.push(DLE);
            }
        }
        frame.extend([DLE, ETX]);
        frame.extend(self.of(message));
        frame
    }
}

/// CRC-16/KERMIT.
fn kermit(bytes: impl Iterator<Item = u8>) -> u16 {
    bytes.fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkAnswer {
    Ack,
    Nak,
}

/// What came over the line.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// A frame with the right checksum.
    Message(Vec<u8>),
    /// A frame with a wrong one.
    Damaged,
    /// The answer to a frame of ours.
    Answer(LinkAnswer),
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Idle,
    IdleDle,
    Message,
    MessageDle,
    Checksum(Vec<u8>),
}

/// Takes the line apart, byte by byte.
#[derive(Debug)]
pub struct Decoder {
    checksum: Checksum,
    state: State,
    message: Vec<u8>,
}

impl Decoder {
    pub fn new(checksum: Checksum) -> Self {
        Self { checksum, state: State::Idle, message: Vec::new() }
    }

    /// Whether a frame has begun and not ended.
    pub fn in_frame(&self) -> bool {
        self.state != State::Idle
    }

    /// The rest of the frame will not come.
    pub fn reset(&mut self) {
        self.state = State::Idle;
        self.message.clear();
    }

    pub fn push(&mut self, byte: u8) -> Option<Received> {
        match (&mut self.state, byte) {
            (State::Idle, DLE) => self.state = State::IdleDle,
            (State::Idle, ACK) => return Some(Received::Answer(LinkAnswer::Ack)),
            (State::Idle, NAK) => return Some(Received::Answer(LinkAnswer::Nak)),
            (State::Idle, _) => {}
            (State::IdleDle, STX) => {
                self.message.clear();
                self.state = State::Message;
            }
            (State::IdleDle, ACK | NAK) => {
                self.state = State::Idle;
                return self.push(byte);
            }
            (State::IdleDle, _) => self.state = State::Idle,
            (State::Message, DLE) => self.state = State::MessageDle,
            (State::Message, _) => return self.collect(byte),
            (State::MessageDle, DLE) => {
                self.state = State::Message;
                return self.collect(DLE);
            }
            (State::MessageDle, ETX) => self.state = State::Checksum(Vec::new()),
            // A new frame begins where the old one broke off.
            (State::MessageDle, STX) => {
                self.message.clear();
                self.state = State::Message;
            }
            (State::MessageDle, _) => {
                self.reset();
                return Some(Received::Damaged);
            }
            (State::Checksum(sum), _) => {
                sum.push(byte);
                if sum.len() == self.checksum.length() {
                    let right = *sum == self.checksum.of(&self.message);
                    self.state = State::Idle;
                    let message = std::mem::take(&mut self.message);
                    return Some(if right { Received::Message(message) } else { Received::Damaged });
                }
            }
        }
        None
    }

    fn collect(&mut self, byte: u8) -> Option<Received> {
        if self.message.len() == MESSAGE_BYTES_MAX {
            self.reset();
            return Some(Received::Damaged);
        }
        self.message.push(byte);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        text.split_whitespace().map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    const VECTORS: &[(&str, &str, Option<&str>)] = &[
        ("80 00 00", "10 02 80 00 00 10 03 F5 1F", Some("10 02 80 00 00 10 03 83")),
        ("06 B0 00", "10 02 06 B0 00 10 03 43 F3", Some("10 02 06 B0 00 10 03 B5")),
        (
            "06 01 07 04 00 00 00 00 25 00",
            "10 02 06 01 07 04 00 00 00 00 25 00 10 03 71 2E",
            Some("10 02 06 01 07 04 00 00 00 00 25 00 10 03 22"),
        ),
        (
            "06 01 07 04 00 00 00 00 10 00",
            "10 02 06 01 07 04 00 00 00 00 10 10 00 10 03 62 91",
            Some("10 02 06 01 07 04 00 00 00 00 10 10 00 10 03 17"),
        ),
        (
            "06 00 10 00 00 00 BE 09 78 03 01 06 06 26 04 0A 02 06 D3",
            "10 02 06 00 10 10 00 00 00 BE 09 78 03 01 06 06 26 04 0A 02 06 D3 10 03 D7 DE",
            None,
        ),
    ];

    #[test]
    fn the_crc_is_kermit() {
        assert_eq!(kermit(b"123456789".iter().copied()), 0x2189);
    }

    #[test]
    fn the_published_frames_are_written_and_read() {
        for (message, crc, lrc) in VECTORS {
            let frames = [(Checksum::Crc, Some(*crc)), (Checksum::Lrc, *lrc)];
            for (checksum, frame) in frames.into_iter().filter_map(|(sum, frame)| Some((sum, frame?))) {
                assert_eq!(checksum.frame(&hex(message)), hex(frame));
                let mut decoder = Decoder::new(checksum);
                let seen: Vec<_> = hex(frame).into_iter().filter_map(|byte| decoder.push(byte)).collect();
                assert_eq!(seen, [Received::Message(hex(message))]);
                assert!(!decoder.in_frame());
            }
        }
    }

    #[test]
    fn a_changed_byte_is_noticed_and_the_next_frame_is_read() {
        let mut frame = Checksum::Crc.frame(&hex("06 B0 00"));
        frame[4] ^= 1;
        frame.extend(Checksum::Crc.frame(&hex("80 00 00")));
        let mut decoder = Decoder::new(Checksum::Crc);
        let seen: Vec<_> = frame.into_iter().filter_map(|byte| decoder.push(byte)).collect();
        assert_eq!(seen, [Received::Damaged, Received::Message(hex("80 00 00"))]);
    }

    #[test]
    fn link_answers_are_told_from_noise() {
        let mut decoder = Decoder::new(Checksum::Lrc);
        let seen: Vec<_> = hex("FF 10 06 00 10 15 06").into_iter().filter_map(|b| decoder.push(b)).collect();
        let (ack, nak) = (LinkAnswer::Ack, LinkAnswer::Nak);
        assert_eq!(seen, [ack, nak, ack].map(Received::Answer));
    }
}
