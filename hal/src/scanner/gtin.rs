//! Trade item numbers.

use std::fmt;

/// A valid GTIN of 8, 12, 13 or 14 digits.
///
/// The same item may come as UPC-A, EAN-13 or GTIN-14 with leading zeros: equality ignores those.
#[derive(Clone, Copy)]
pub struct Gtin {
    number: u64,
    length: u8,
}

/// Why digits are no GTIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GtinError {
    /// A character that is no digit.
    #[error("a GTIN has digits only")]
    NotDigits,
    /// A number of digits no GTIN has.
    #[error("a GTIN has 8, 12, 13 or 14 digits")]
    Length,
    /// The last digit does not check.
    #[error("wrong check digit")]
    CheckDigit,
}

impl Gtin {
    /// Reads and checks a GTIN.
    ///
    /// # Errors
    /// [`GtinError`]: length, characters or check digit.
    pub fn parse(digits: &str) -> Result<Self, GtinError> {
        let length = match digits.len() {
            8 => 8,
            12 => 12,
            13 => 13,
            14 => 14,
            _ => return Err(GtinError::Length),
        };
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(GtinError::NotDigits);
        }
        let (body, check) = digits.split_at(digits.len() - 1);
        if check_digit(body) != check.parse().ok() {
            return Err(GtinError::CheckDigit);
        }
        Ok(Self { number: digits.parse().map_err(|_| GtinError::NotDigits)?, length })
    }

    /// Expands the 8 digits of a UPC-E code (number system, six digits, check digit) to the UPC-A they stand for.
    ///
    /// # Errors
    /// [`GtinError`]; number systems other than 0 and 1 do not exist in UPC-E.
    pub fn from_upc_e(digits: &str) -> Result<Self, GtinError> {
        let d: [u8; 8] = digits.as_bytes().try_into().map_err(|_| GtinError::Length)?;
        if !d.iter().all(u8::is_ascii_digit) {
            return Err(GtinError::NotDigits);
        }
        let [system, a, b, c, e, f, last, check] = d;
        if system > b'1' {
            return Err(GtinError::Length);
        }
        let z = b'0';
        let body = match last {
            b'0'..=b'2' => [system, a, b, last, z, z, z, z, c, e, f],
            b'3' => [system, a, b, c, z, z, z, z, z, e, f],
            b'4' => [system, a, b, c, e, z, z, z, z, z, f],
            _ => [system, a, b, c, e, f, z, z, z, z, last],
        };
        let digits: String = body.into_iter().chain([check]).map(char::from).collect();
        Self::parse(&digits)
    }

    /// All 14 digits, with leading zeros: the form to look items up by.
    #[must_use]
    pub fn gtin14(&self) -> String {
        format!("{:014}", self.number)
    }

    /// Whether the number is not a trade item but means something inside one shop or country: weight or price
    /// (prefixes 02 and 20 to 29), or the shop's own short numbers (GTIN-8 starting with 0 or 2).
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        if self.length == 8 {
            return matches!(self.number / 10_000_000, 0 | 2);
        }
        // The two digits that follow the indicator digit of the 14-digit form.
        self.number < 10_000_000_000_000 && matches!(self.number / 100_000_000_000, 2 | 20..=29)
    }
}

/// The last digit that makes `body` valid: sum with weights 3 and 1 from the right, up to the next ten. `None` if
/// `body` is empty or has other characters than digits. Serves GTIN, SSCC and GLN.
#[must_use]
pub fn check_digit(body: &str) -> Option<u8> {
    if body.is_empty() || !body.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let weighted = body.bytes().rev().zip([3, 1].into_iter().cycle());
    let sum: u32 = weighted.map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    u8::try_from((10 - sum % 10) % 10).ok()
}

impl PartialEq for Gtin {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Gtin {}

impl fmt::Display for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$}", self.number, width = usize::from(self.length))
    }
}

impl fmt::Debug for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gtin({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn check_digits_are_those_of_the_published_vectors() {
        assert_eq!(check_digit("400638133393"), Some(1));
        assert_eq!(check_digit("9638507"), Some(4));
        assert_eq!(check_digit("0400638133393"), Some(1));
        assert_eq!(check_digit("036141414141"), Some(4));
        assert_eq!(check_digit("00361414141414141"), Some(0));
        assert_eq!(check_digit(""), None);
        assert_eq!(check_digit("12a"), None);
    }

    #[test]
    fn one_item_is_equal_in_all_its_lengths() {
        let ean = Gtin::parse("4006381333931").unwrap();
        assert_eq!(Gtin::parse("04006381333931").unwrap(), ean);
        assert_eq!(ean.gtin14(), "04006381333931");
        assert_eq!(ean.to_string(), "4006381333931");
        assert_eq!(Gtin::parse("96385074").unwrap().to_string(), "96385074");
    }

    #[test]
    fn wrong_digits_are_refused_with_the_reason() {
        assert_eq!(Gtin::parse("4006381333932").unwrap_err(), GtinError::CheckDigit);
        assert_eq!(Gtin::parse("400638133393").unwrap_err(), GtinError::CheckDigit);
        assert_eq!(Gtin::parse("40063813339").unwrap_err(), GtinError::Length);
        assert_eq!(Gtin::parse("40063813339３").unwrap_err(), GtinError::NotDigits);
    }

    #[test]
    fn restricted_numbers_are_those_with_weight_price_or_shop_meaning() {
        let with_check = |body: &str| format!("{body}{}", check_digit(body).unwrap());
        for body in ["200123401234", "291234500000", "021234501234"] {
            assert!(Gtin::parse(&with_check(body)).unwrap().is_restricted(), "{body}");
        }
        assert!(Gtin::parse(&with_check("21234501234")).unwrap().is_restricted(), "UPC-A number system 2");
        assert!(Gtin::parse(&with_check("2001234")).unwrap().is_restricted(), "own EAN-8");
        for body in ["400638133393", "300123401234", "1200123401234", "012345678901"] {
            assert!(!Gtin::parse(&with_check(body)).unwrap().is_restricted(), "{body}");
        }
    }

    #[test]
    fn short_american_codes_are_expanded_before_they_are_checked() {
        // Number system 0: the last digit of the six says where the zeros were.
        let expanded = |short: &str| Gtin::from_upc_e(short).unwrap().to_string();
        assert_eq!(expanded("04252614"), "042100005264");
        assert_eq!(expanded("01234565"), "012345000065");
        assert_eq!(Gtin::from_upc_e("04252615").unwrap_err(), GtinError::CheckDigit);
        assert_eq!(Gtin::from_upc_e("94252614").unwrap_err(), GtinError::Length);
    }

    proptest! {
        #[test]
        fn any_body_with_its_check_digit_is_a_gtin(body in "[0-9]{7}|[0-9]{11,13}") {
            let digits = format!("{body}{}", check_digit(&body).unwrap());
            let gtin = Gtin::parse(&digits).unwrap();
            prop_assert_eq!(gtin.to_string(), digits);
        }

        #[test]
        fn what_is_read_is_what_was_written(text in ".{0,20}|[0-9]{8}|[0-9]{12,14}") {
            if let Ok(gtin) = Gtin::parse(&text) {
                prop_assert_eq!(gtin.to_string(), text);
            } else if let Ok(gtin) = Gtin::from_upc_e(&text) {
                prop_assert_eq!(gtin.to_string().len(), 12);
            }
        }
    }
}
