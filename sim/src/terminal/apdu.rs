//! Application messages: `CC II LL data`, where LL is one byte, or `FF lo hi` from 255 bytes on.

/// The longest data a length can express.
pub const DATA_BYTES_MAX: usize = 0xFFFF;
/// The marker of a three-byte length.
const EXTENDED: u8 = 0xFF;

/// One message of either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apdu {
    pub class: u8,
    pub instruction: u8,
    pub data: Vec<u8>,
}

/// How the length is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthForm {
    /// As short as possible.
    Shortest,
    /// Always three bytes, which is legal and seldom.
    Extended,
}

impl Apdu {
    pub fn new(class: u8, instruction: u8, data: impl Into<Vec<u8>>) -> Self {
        let mut data = data.into();
        data.truncate(DATA_BYTES_MAX);
        Self { class, instruction, data }
    }

    /// The two bytes that say what it is.
    pub fn command(&self) -> (u8, u8) {
        (self.class, self.instruction)
    }

    /// Whether this is the other side's answer to a message of ours.
    pub fn is_answer(&self) -> bool {
        matches!(self.class, 0x80 | 0x84)
    }

    pub fn encode(&self, form: LengthForm) -> Vec<u8> {
        let mut bytes = vec![self.class, self.instruction];
        match (u8::try_from(self.data.len()), form) {
            (Ok(short), LengthForm::Shortest) if short != EXTENDED => bytes.push(short),
            _ => {
                let length = u16::try_from(self.data.len()).expect("the constructor cuts longer data");
                bytes.push(EXTENDED);
                bytes.extend(length.to_le_bytes());
            }
        }
        bytes.extend(&self.data);
        bytes
    }

    /// Takes the first message off the front of a stream.
    pub fn split_off(stream: &[u8]) -> Split {
        let (header, length) = match stream {
            [_, _, EXTENDED, low, high, ..] => (5, usize::from(u16::from_le_bytes([*low, *high]))),
            [_, _, EXTENDED, ..] => return Split::Incomplete,
            [_, _, length, ..] => (3, usize::from(*length)),
            _ => return Split::Incomplete,
        };
        match stream.get(header..header + length) {
            Some(data) => Split::Message(Self::new(stream[0], stream[1], data), header + length),
            None => Split::Incomplete,
        }
    }
}

/// What is at the front of a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Split {
    /// A message of so many bytes.
    Message(Apdu, usize),
    /// Not all of it has come yet.
    Incomplete,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_from_255_on_are_written_low_byte_first() {
        let message = Apdu::new(0x04, 0x0F, vec![7; 256]);
        assert_eq!(message.encode(LengthForm::Shortest)[..5], [0x04, 0x0F, 0xFF, 0x00, 0x01]);
        let short = Apdu::new(0x04, 0x0F, vec![7; 254]);
        assert_eq!(short.encode(LengthForm::Shortest)[..3], [0x04, 0x0F, 0xFE]);
        let forced = Apdu::new(0x80, 0x00, []);
        assert_eq!(forced.encode(LengthForm::Extended), [0x80, 0x00, 0xFF, 0x00, 0x00]);
    }

    #[test]
    fn a_stream_is_split_wherever_it_was_cut() {
        let mut stream = Apdu::new(0x06, 0x01, vec![1; 300]).encode(LengthForm::Shortest);
        stream.extend([0x06, 0xB0, 0x00, 0x05]);
        for cut in 0..305 {
            assert_eq!(Apdu::split_off(&stream[..cut]), Split::Incomplete);
        }
        assert_eq!(Apdu::split_off(&stream), Split::Message(Apdu::new(0x06, 0x01, vec![1; 300]), 305));
        assert_eq!(Apdu::split_off(&stream[305..]), Split::Message(Apdu::new(0x06, 0xB0, []), 3));
    }
}
