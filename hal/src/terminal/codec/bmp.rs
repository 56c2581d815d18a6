//! Tagged fields, called bitmaps in the protocol: a tag byte and a length that only the tag tells.
//!
//! An unknown tag ends the reading, because guessing its length could turn card data into money.

/// How the length of a field is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// Always so many bytes.
    Fixed(usize),
    /// That many decimal digits in front, one in the low half of each byte: `F1 F2` is 12.
    Digits(usize),
    /// A length as inside a TLV container.
    Tlv,
}

/// Amount in minor units, 6 bytes.
pub(crate) const AMOUNT: u8 = 0x04;
/// TLV container.
pub(crate) const TLV: u8 = 0x06;
/// Trace number.
pub(crate) const TRACE: u8 = 0x0B;
/// Time HHMMSS.
pub(crate) const TIME: u8 = 0x0C;
/// Date MMDD.
pub(crate) const DATE: u8 = 0x0D;
/// Kind of payment, or status byte in a completion.
pub(crate) const KIND: u8 = 0x19;
/// Card number.
pub(crate) const PAN: u8 = 0x22;
/// Result code.
pub(crate) const RESULT: u8 = 0x27;
/// Terminal id.
pub(crate) const TERMINAL_ID: u8 = 0x29;
/// Merchant number.
pub(crate) const MERCHANT: u8 = 0x2A;
/// Trace number of the transaction that is reversed.
pub(crate) const ORIGINAL_TRACE: u8 = 0x37;
/// Authorisation code.
pub(crate) const AUTH_CODE: u8 = 0x3B;
/// Free text.
pub(crate) const TEXT: u8 = 0x3C;
/// Currency number.
pub(crate) const CURRENCY: u8 = 0x49;
/// Totals per card brand.
pub(crate) const TOTALS: u8 = 0x60;
/// Receipt number.
pub(crate) const RECEIPT: u8 = 0x87;
/// Turnover number.
pub(crate) const TURNOVER: u8 = 0x88;
/// Card brand number.
pub(crate) const CARD_TYPE: u8 = 0x8A;
/// Card name.
pub(crate) const CARD_NAME: u8 = 0x8B;
/// Date YYMMDD.
pub(crate) const DATE_WITH_YEAR: u8 = 0xAA;
/// Service byte of a registration.
pub(crate) const SERVICE: u8 = 0x03;
/// How often the terminal may repeat a result while we ask it to wait.
pub(crate) const MAX_STATUS: u8 = 0x02;

/// How a list of fields ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With its last byte.
    Complete,
    /// At a tag we do not know.
    UnknownTag(u8),
    /// Inside the field with this tag: its length is missing, malformed or longer than the data.
    Broken(u8),
}

/// Reads fields one after the other.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    end: End,
}

impl<'a> Fields<'a> {
    /// The fields in `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, end: End::Complete }
    }

    /// How the list ended; meaningful once the iterator gave `None`.
    pub(crate) fn end(&self) -> End {
        self.end
    }

    fn stop<T>(&mut self, end: End) -> Option<T> {
        self.end = end;
        self.rest = &[];
        None
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&tag, after) = self.rest.split_first()?;
        let Some(length) = length_of(tag) else { return self.stop(End::UnknownTag(tag)) };
        let Some((header, length)) = measure(length, after) else { return self.stop(End::Broken(tag)) };
        let Some(value) = after.get(header..header + length) else { return self.stop(End::Broken(tag)) };
        self.rest = &after[header + length..];
        Some((tag, value))
    }
}

/// Whether `bytes` are fields from the first to the last byte.
pub(crate) fn is_complete(bytes: &[u8]) -> bool {
    let mut fields = Fields::new(bytes);
    while fields.next().is_some() {}
    fields.end() == End::Complete
}

/// Bytes of the length itself and of the value.
fn measure(length: Length, after: &[u8]) -> Option<(usize, usize)> {
    match length {
        Length::Fixed(length) => Some((0, length)),
        Length::Digits(count) => {
            // Terminals mark the digits with F; some software leaves the upper half empty.
            let length = after.get(..count)?.iter().try_fold(0usize, |length, byte| {
                let marked = matches!(byte >> 4, 0xF | 0x0) && byte & 0x0F <= 9;
                marked.then(|| length * 10 + usize::from(byte & 0x0F))
            })?;
            Some((count, length))
        }
        Length::Tlv => super::tlv::length(after),
    }
}

fn length_of(tag: u8) -> Option<Length> {
    Some(match tag {
        0x01..=0x03 | 0x05 => Length::Fixed(1),
        AMOUNT => Length::Fixed(6),
        TLV => Length::Tlv,
        TRACE | TIME => Length::Fixed(3),
        DATE | 0x0E | 0x17 => Length::Fixed(2),
        KIND | RESULT => Length::Fixed(1),
        PAN | 0x23 | 0x2D => Length::Digits(2),
        0x24 | 0x2E => Length::Digits(3),
        TERMINAL_ID => Length::Fixed(4),
        MERCHANT => Length::Fixed(15),
        ORIGINAL_TRACE | 0x3D => Length::Fixed(3),
        0x3A => Length::Fixed(2),
        AUTH_CODE => Length::Fixed(8),
        TEXT | TOTALS => Length::Digits(3),
        CURRENCY | RECEIPT => Length::Fixed(2),
        0x70 | 0x71 => Length::Fixed(4),
        0x72..=0x75 => Length::Fixed(1),
        TURNOVER | DATE_WITH_YEAR => Length::Fixed(3),
        CARD_TYPE | 0x8C => Length::Fixed(1),
        CARD_NAME => Length::Digits(2),
        0x92 | 0x9A | 0xAF => Length::Digits(3),
        0xA0 | 0xD0 | 0xD2 | 0xD3 => Length::Fixed(1),
        0xA7 | 0xD1 => Length::Digits(2),
        0xBA => Length::Fixed(5),
        0xE0 | 0xE9 | 0xEA | 0xF0 | 0xF9..=0xFD => Length::Fixed(1),
        0xE1..=0xE8 | 0xF1..=0xF8 => Length::Digits(2),
        0xEB => Length::Fixed(8),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> (Vec<(u8, Vec<u8>)>, End) {
        let mut fields = Fields::new(bytes);
        let read = fields.by_ref().map(|(tag, value)| (tag, value.to_vec())).collect();
        (read, fields.end())
    }

    #[test]
    fn fixed_and_counted_fields_are_read_in_order() {
        let bytes = [
            &[0x27, 0x00, 0x49, 0x09, 0x78, 0x22, 0xF0, 0xF2, 0x41, 0x11][..],
            &[0x3C, 0xF0, 0xF0, 0xF1, b'x', 0x06, 0x00],
        ]
        .concat();
        let (fields, end) = read(&bytes);
        let expected: Vec<(u8, Vec<u8>)> = vec![
            (RESULT, vec![0]),
            (CURRENCY, vec![9, 0x78]),
            (PAN, vec![0x41, 0x11]),
            (TEXT, vec![b'x']),
            (TLV, vec![]),
        ];
        assert_eq!((fields, end), (expected, End::Complete));
    }

    #[test]
    fn an_unknown_tag_keeps_what_came_before_it() {
        let (fields, end) = read(&[0x27, 0x00, 0x99, 0x04, 0, 0, 0, 0, 0, 1]);
        assert_eq!(fields, [(RESULT, vec![0])]);
        assert_eq!(end, End::UnknownTag(0x99));
    }

    #[test]
    fn a_field_that_is_cut_off_or_has_a_malformed_length_ends_the_list() {
        assert_eq!(read(&[0x04, 0, 0]).1, End::Broken(AMOUNT));
        assert_eq!(read(&[0x22, 0x31, 0x32, 1, 2]).1, End::Broken(PAN));
        assert_eq!(read(&[0x22, 0xFA, 0xF2, 1, 2]).1, End::Broken(PAN));
        assert_eq!(read(&[0x06]).1, End::Broken(TLV));
    }

    proptest! {
        #[test]
        fn random_bytes_end_somewhere(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let (fields, _) = read(&bytes);
            let read: usize = fields.iter().map(|(_, value)| value.len() + 1).sum();
            prop_assert!(read <= bytes.len());
        }
    }
}
