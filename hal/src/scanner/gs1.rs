//! GS1 element strings and Digital Links: what a code says about an item besides its number.

mod digital_link;
mod format;
mod table;

use super::gtin::Gtin;
use format::Format;

pub use digital_link::{DigitalLink, parse_digital_link};

/// FNC1 as scanners transmit it: ends a value whose length is not predefined.
const SEPARATOR: u8 = 0x1D;
/// Most elements in one code. The longest code could hold more empty ones, but no item needs them.
const ELEMENTS_MAX: usize = 64;

/// One value and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The application identifier, such as `17` or `3103`.
    pub ai: String,
    /// Its value, in the characters the identifier allows, check digit verified.
    pub value: String,
}

/// A date as GS1 writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gs1Date {
    /// Full year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to the last day of the month; "day 00" has been resolved to the last.
    pub day: u8,
}

/// Why data is no valid element string.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gs1Error {
    /// There is nothing.
    #[error("no data")]
    Empty,
    /// More elements than any item needs.
    #[error("more than {ELEMENTS_MAX} elements")]
    TooMany,
    /// Digits that are no application identifier.
    #[error("unknown application identifier at byte {at}")]
    UnknownAi {
        /// Where.
        at: usize,
    },
    /// A value that is too short or too long.
    #[error("({ai}) has a wrong length")]
    Length {
        /// Its identifier.
        ai: String,
    },
    /// A character the identifier does not allow.
    #[error("({ai}) has characters it cannot have")]
    Character {
        /// Its identifier.
        ai: String,
    },
    /// The check digit is wrong.
    #[error("({ai}) has a wrong check digit")]
    CheckDigit {
        /// Its identifier.
        ai: String,
    },
    /// Not a Digital Link of an item.
    #[error("no digital link")]
    NoDigitalLink,
}

/// Cuts the data of a GS1 code, without its AIM identifier, into elements and checks each of them.
///
/// Values of predefined length need no separator after them; a superfluous one is tolerated there and at the start.
/// Which elements may stand together is not checked: a till has to sell the item all the same.
///
/// # Errors
/// [`Gs1Error`]: the first thing that is wrong. Nothing of a wrong code is given out.
pub fn parse_elements(data: &[u8]) -> Result<Vec<Element>, Gs1Error> {
    let mut elements = Vec::new();
    let mut rest = data.strip_prefix(&[SEPARATOR]).unwrap_or(data);
    while !rest.is_empty() {
        let at = data.len() - rest.len();
        let (ai, format) = Format::at_start_of(rest).ok_or(Gs1Error::UnknownAi { at })?;
        let value = &rest[ai.len()..];
        let (value, after) = value.split_at(format.end_of_value(value, SEPARATOR));
        if elements.len() == ELEMENTS_MAX {
            return Err(Gs1Error::TooMany);
        }
        elements.push(element(ai, format, value)?);
        rest = after.strip_prefix(&[SEPARATOR]).unwrap_or(after);
    }
    if elements.is_empty() { Err(Gs1Error::Empty) } else { Ok(elements) }
}

fn element(ai: &str, format: &Format, value: &[u8]) -> Result<Element, Gs1Error> {
    format.check(ai, value)?;
    let text = str::from_utf8(value).map_err(|_| Gs1Error::Character { ai: ai.to_owned() })?;
    Ok(Element { ai: ai.to_owned(), value: text.to_owned() })
}

impl Element {
    /// The number of an item: the value of (01) or (02).
    #[must_use]
    pub fn gtin(&self) -> Option<Gtin> {
        matches!(self.ai.as_str(), "01" | "02").then(|| Gtin::parse(&self.value).ok()).flatten()
    }

    /// A measure or amount as digits and how many of them are decimals: (310n) to (369n) and (390n) to (395n). An
    /// amount with currency, (391n) or (393n), is given without it: see [`Element::currency`].
    #[must_use]
    pub fn decimal(&self) -> Option<(u64, u8)> {
        let [group @ .., decimals] = self.ai.as_bytes() else { return None };
        let digits = match group {
            [b'3', b'1'..=b'6', _] | [b'3', b'9', b'0' | b'2' | b'4' | b'5'] => self.value.as_str(),
            [b'3', b'9', b'1' | b'3'] => self.value.get(3..)?,
            _ => return None,
        };
        Some((digits.parse().ok()?, decimals - b'0'))
    }

    /// The numeric ISO 4217 code of an amount with currency: (391n) and (393n).
    #[must_use]
    pub fn currency(&self) -> Option<u16> {
        let has_currency = self.ai.len() == 4 && (self.ai.starts_with("391") || self.ai.starts_with("393"));
        self.value.get(..3).filter(|_| has_currency)?.parse().ok()
    }

    /// A date: (11) to (17), in the century that is nearest to `current_year`.
    #[must_use]
    pub fn date(&self, current_year: u16) -> Option<Gs1Date> {
        let is_date = matches!(self.ai.as_str(), "11" | "12" | "13" | "15" | "16" | "17");
        if is_date { Gs1Date::parse(&self.value, current_year) } else { None }
    }
}

impl Gs1Date {
    /// Reads `YYMMDD`. Day 00 means the last day of the month. The century follows the General Specifications: a
    /// year 51 or more ahead of the current one was in the last century, one 50 or more behind is in the next.
    #[must_use]
    pub fn parse(yymmdd: &str, current_year: u16) -> Option<Self> {
        if yymmdd.len() != 6 || !yymmdd.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let year: u16 = yymmdd[..2].parse().ok()?;
        let month: u8 = yymmdd[2..4].parse().ok()?;
        let day: u8 = yymmdd[4..].parse().ok()?;
        let century = current_year / 100 * 100;
        let now = current_year % 100;
        let year = if year >= now + 51 {
            (century + year).checked_sub(100)?
        } else if year + 50 <= now {
            century + year + 100
        } else {
            century + year
        };
        let last = days_in_month(year, month)?;
        let day = if day == 0 { last } else { day };
        (day <= last).then_some(Self { year, month, day })
    }
}

fn days_in_month(year: u16, month: u8) -> Option<u8> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => Some(29),
        2 => Some(28),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
