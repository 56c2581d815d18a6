//! Serial numbers.

use std::fmt;
use std::str::FromStr;

use ring::rand::{SecureRandom as _, SystemRandom};

use super::PkiError;

/// Serial number of a certificate: 128 random bits, so that nobody can tell how many kiosks there are and no
/// two replicas need to agree on the next one. As text: 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Serial(u128);

/// A text is no serial number.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no serial number: 32 hexadecimal digits")]
pub struct BadSerial(pub String);

impl Serial {
    pub(super) fn random() -> Result<Self, PkiError> {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).map_err(|_| PkiError::Random)?;
        Ok(Self(u128::from_be_bytes(bytes)))
    }

    /// From the bytes of a certificate or list, most significant first; `None` if longer than ours are.
    pub fn from_be_bytes(bytes: &[u8]) -> Option<Self> {
        let leading = bytes.iter().take_while(|byte| **byte == 0).count();
        let significant = bytes.get(leading..)?;
        (significant.len() <= 16)
            .then(|| Self(significant.iter().fold(0, |sum, byte| (sum << 8) | u128::from(*byte))))
    }

    pub(super) fn to_rcgen(self) -> rcgen::SerialNumber {
        rcgen::SerialNumber::from_slice(&self.0.to_be_bytes())
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Serial {
    type Err = BadSerial;

    fn from_str(text: &str) -> Result<Self, BadSerial> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        u128::from_str_radix(text, 16)
            .ok()
            .filter(|_| digits)
            .map(Self)
            .ok_or_else(|| BadSerial(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_read_back_from_its_text() {
        let serial = Serial::random().unwrap();
        assert_eq!(serial.to_string().parse(), Ok(serial));
        assert_eq!(Serial(0xa).to_string(), "0000000000000000000000000000000a");
        for bad in ["", "a", "+0000000000000000000000000000000a", "0x00000000000000000000000000000a"] {
            assert_eq!(bad.parse::<Serial>(), Err(BadSerial(bad.to_owned())));
        }
    }

    #[test]
    fn the_sign_byte_of_the_encoding_is_no_part_of_the_number() {
        let mut bytes = vec![0];
        bytes.extend([0xff; 16]);
        assert_eq!(Serial::from_be_bytes(&bytes), Some(Serial(u128::MAX)));
        assert_eq!(Serial::from_be_bytes(&[1; 17]), None);
        assert_eq!(Serial::from_be_bytes(&[]), Some(Serial(0)));
    }
}
