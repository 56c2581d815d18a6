//! Check sums of serial frames. Both cover the message without its escape bytes, and the end mark.

/// End mark inside a frame.
pub(crate) const ETX: u8 = 0x03;

/// Which check sum a line uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// CRC-16 with the reflected polynomial 8408 and start value 0, low byte first.
    Crc,
    /// All bytes combined by exclusive or.
    Lrc,
}

impl Check {
    /// The check bytes of a message.
    pub(crate) fn of(self, message: &[u8]) -> Vec<u8> {
        let covered = message.iter().chain(std::iter::once(&ETX));
        match self {
            Self::Crc => crc(covered).to_le_bytes().to_vec(),
            Self::Lrc => vec![covered.fold(0, |sum, byte| sum ^ byte)],
        }
    }

    /// How many check bytes follow a frame.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Crc => 2,
            Self::Lrc => 1,
        }
    }
}

fn crc<'a>(bytes: impl Iterator<Item = &'a u8>) -> u16 {
    bytes.fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_algorithm_is_right() {
        assert_eq!(crc(b"123456789".iter()), 0x2189);
    }
}
