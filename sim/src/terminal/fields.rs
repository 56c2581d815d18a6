//! The bit-map fields of a message's data: a tag of one byte, then a value whose length the tag fixes or announces.

use super::tlv;

/// How long the value behind a tag is.
enum Length {
    Fixed(usize),
    /// Two bytes `F d F d`.
    Ll,
    /// Three bytes `F d F d F d`.
    Lll,
    Tlv,
}

/// The fields used by name.
pub mod tag {
    pub const AMOUNT: u8 = 0x04;
    pub const TLV: u8 = 0x06;
    pub const TRACE: u8 = 0x0B;
    pub const TIME: u8 = 0x0C;
    pub const DATE: u8 = 0x0D;
    pub const EXPIRY: u8 = 0x0E;
    pub const CARD_SEQUENCE: u8 = 0x17;
    pub const TYPE: u8 = 0x19;
    pub const PAN: u8 = 0x22;
    pub const RESULT: u8 = 0x27;
    pub const TERMINAL_ID: u8 = 0x29;
    pub const MERCHANT: u8 = 0x2A;
    pub const ORIGINAL_TRACE: u8 = 0x37;
    pub const AUTHORISATION: u8 = 0x3B;
    pub const CURRENCY: u8 = 0x49;
    pub const TOTALS: u8 = 0x60;
    pub const RECEIPT: u8 = 0x87;
    pub const TURNOVER: u8 = 0x88;
    pub const CARD_TYPE: u8 = 0x8A;
    pub const CARD_NAME: u8 = 0x8B;
}

fn length_of(tag: u8) -> Option<Length> {
    Some(match tag {
        0x01..=0x03 | 0x05 | 0x19 | 0x27 | 0x8A | 0x8C | 0xA0 | 0xD0 | 0xD2 | 0xD3 => Length::Fixed(1),
        0x72..=0x75 | 0xE0 | 0xE9 | 0xEA | 0xF0 | 0xF9..=0xFD => Length::Fixed(1),
        0x0D | 0x0E | 0x17 | 0x3A | 0x49 | 0x87 => Length::Fixed(2),
        0x0B | 0x0C | 0x37 | 0x3D | 0x88 | 0xAA => Length::Fixed(3),
        0x29 | 0x70 | 0x71 => Length::Fixed(4),
        0xBA => Length::Fixed(5),
        0x04 => Length::Fixed(6),
        0x3B | 0xEB => Length::Fixed(8),
        0x2A => Length::Fixed(15),
        0x06 => Length::Tlv,
        0x22 | 0x23 | 0x2D | 0x8B | 0xA7 | 0xD1 | 0xE1..=0xE8 | 0xF1..=0xF8 => Length::Ll,
        0x24 | 0x2E | 0x3C | 0x60 | 0x92 | 0x9A | 0xAF => Length::Lll,
        _ => return None,
    })
}

/// Fields as they are put together for sending.
#[derive(Debug, Clone, Default)]
pub struct Builder(Vec<u8>);

impl Builder {
    /// A field whose length the tag fixes; the value must have it.
    pub fn fixed(mut self, tag: u8, value: &[u8]) -> Self {
        self.0.push(tag);
        self.0.extend(value);
        self
    }

    /// A number in binary-coded decimals, as many bytes as the tag says.
    pub fn number(self, tag: u8, number: u64) -> Self {
        match length_of(tag) {
            Some(Length::Fixed(count)) => self.fixed(tag, &bcd(number, count)),
            _ => self,
        }
    }

    /// A field that says its length in two or three decimal digits.
    pub fn announced(mut self, tag: u8, value: &[u8]) -> Self {
        self.0.push(tag);
        let digits = match length_of(tag) {
            Some(Length::Lll) => 3,
            _ => 2,
        };
        self.0.extend(decimal_length(value.len(), digits));
        self.0.extend(value);
        self
    }

    /// The container field; nothing when it is empty.
    pub fn tlv(mut self, content: &[u8]) -> Self {
        if !content.is_empty() {
            self.0.push(tag::TLV);
            self.0.extend(tlv::length(content.len()));
            self.0.extend(content);
        }
        self
    }

    /// Bytes that are no field.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub fn build(self) -> Vec<u8> {
        self.0
    }
}

/// `F d F d` or `F d F d F d`.
pub fn decimal_length(count: usize, digits: u32) -> Vec<u8> {
    (0..digits)
        .rev()
        .map(|place| 0xF0 | u8::try_from(count / 10_usize.pow(place) % 10).expect("a digit is below ten"))
        .collect()
}

/// The fields of a received message, up to its end or the first tag we do not know.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(u8, Vec<u8>)>);

impl Fields {
    pub fn parse(mut rest: &[u8]) -> Self {
        let mut fields = Vec::new();
        while let Some((tag, value, after)) = next(rest) {
            fields.push((tag, value.to_vec()));
            rest = after;
        }
        Self(fields)
    }

    pub fn get(&self, tag: u8) -> Option<&[u8]> {
        self.0.iter().find(|(found, _)| *found == tag).map(|(_, value)| value.as_slice())
    }

    pub fn number(&self, tag: u8) -> Option<u64> {
        from_bcd(self.get(tag)?)
    }

    /// The container field; empty when there is none.
    pub fn tlv(&self) -> &[u8] {
        self.get(tag::TLV).unwrap_or_default()
    }
}

fn next(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (length, rest) = match length_of(*tag)? {
        Length::Fixed(count) => (count, rest),
        Length::Ll => read_decimal_length(rest, 2)?,
        Length::Lll => read_decimal_length(rest, 3)?,
        Length::Tlv => tlv::read_length(rest)?,
    };
    Some((*tag, rest.get(..length)?, &rest[length..]))
}

fn read_decimal_length(bytes: &[u8], digits: usize) -> Option<(usize, &[u8])> {
    let length = bytes.get(..digits)?.iter().try_fold(0, |sum, byte| {
        let digit = usize::from(byte & 0x0F);
        (byte & 0xF0 == 0xF0 && digit < 10).then_some(sum * 10 + digit)
    })?;
    Some((length, &bytes[digits..]))
}

/// The last `2 × count` decimal digits of a number.
pub fn bcd(mut number: u64, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    for byte in bytes.iter_mut().rev() {
        let pair = u8::try_from(number % 100).expect("a pair of digits is below a hundred");
        *byte = pair / 10 * 16 + pair % 10;
        number /= 100;
    }
    bytes
}

/// `None` when a nibble is no digit or the number does not fit.
pub fn from_bcd(bytes: &[u8]) -> Option<u64> {
    bytes.iter().try_fold(0_u64, |sum, byte| {
        let (high, low) = (byte >> 4, byte & 0x0F);
        (high < 10 && low < 10).then_some(())?;
        sum.checked_mul(100)?.checked_add(u64::from(high * 10 + low))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_until_the_first_unknown_tag() {
        let data = [
            &[tag::AMOUNT, 0, 0, 0, 0, 0x25, 0, 0x49, 0x09, 0x78][..],
            &[0x22, 0xF0, 0xF2, 0x67, 0xEE, 0x06, 0x02, 0x11, 0x00],
            &[0x5B, 0x01, 0x87, 0x00, 0x42],
        ]
        .concat();
        let fields = Fields::parse(&data);
        assert_eq!(fields.number(tag::AMOUNT), Some(2500));
        assert_eq!(fields.number(tag::CURRENCY), Some(978));
        assert_eq!(fields.get(tag::PAN), Some([0x67, 0xEE].as_slice()));
        assert_eq!(fields.number(tag::PAN), None, "masked digits are no number");
        assert_eq!(fields.tlv(), [0x11, 0x00]);
        assert_eq!(fields.get(tag::RECEIPT), None);
    }

    #[test]
    fn what_is_built_is_read_again() {
        let data = Builder::default()
            .number(tag::TRACE, 975)
            .announced(tag::CARD_NAME, b"girocard\0")
            .announced(tag::TOTALS, &[7; 53])
            .number(tag::RECEIPT, 231)
            .tlv(&[0x07, 0x81, 0x80].iter().copied().chain([b'x'; 128]).collect::<Vec<_>>())
            .build();
        let fields = Fields::parse(&data);
        assert_eq!(fields.number(tag::TRACE), Some(975));
        assert_eq!(fields.get(tag::CARD_NAME), Some(b"girocard\0".as_slice()));
        assert_eq!(fields.get(tag::TOTALS).map(<[u8]>::len), Some(53));
        assert_eq!(fields.number(tag::RECEIPT), Some(231));
        assert_eq!(tlv::find(fields.tlv(), &[&[0x07]]).map(<[u8]>::len), Some(128));
    }
}
