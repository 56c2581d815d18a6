//! How values of GS1 application identifiers are built.

use super::Gs1Error;
use super::table::TABLE;
use crate::scanner::gtin::check_digit;

/// One identifier, or a range of identifiers with the same format.
#[derive(Debug)]
pub(super) struct Format {
    from: &'static str,
    to: &'static str,
    length: Length,
    parts: &'static [Part],
}

/// How the end of a value is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// By its length, always the same.
    Predefined,
    /// By a separator, or the end of the code.
    Separated,
}

/// A piece of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    set: CharacterSet,
    min: usize,
    max: usize,
    is_checked: bool,
    is_optional: bool,
}

#[derive(Clone, Copy, Debug)]
enum CharacterSet {
    /// N.
    Digits,
    /// X: the 82 characters of ISO/IEC 646 that GS1 allows.
    Set82,
    /// Y: upper case, digits, `#`, `-`, `/`.
    Set39,
    /// Z: URL-safe base 64.
    Base64,
}

pub(super) const fn n(min: usize, max: usize) -> Part {
    part(CharacterSet::Digits, min, max)
}

pub(super) const fn x(min: usize, max: usize) -> Part {
    part(CharacterSet::Set82, min, max)
}

pub(super) const fn y(min: usize, max: usize) -> Part {
    part(CharacterSet::Set39, min, max)
}

pub(super) const fn z(min: usize, max: usize) -> Part {
    part(CharacterSet::Base64, min, max)
}

const fn part(set: CharacterSet, min: usize, max: usize) -> Part {
    Part { set, min, max, is_checked: false, is_optional: false }
}

impl Part {
    /// Its last digit checks the others.
    pub(super) const fn checked(self) -> Self {
        Self { is_checked: true, ..self }
    }

    /// It may be missing, with everything after it.
    pub(super) const fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }

    fn allows(&self, byte: u8) -> bool {
        match self.set {
            CharacterSet::Digits => byte.is_ascii_digit(),
            CharacterSet::Set82 => byte.is_ascii_alphanumeric() || b"!\"%&'()*+,-./:;<=>?_".contains(&byte),
            CharacterSet::Set39 => {
                byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"#-/".contains(&byte)
            }
            CharacterSet::Base64 => byte.is_ascii_alphanumeric() || b"-_=".contains(&byte),
        }
    }
}

impl Format {
    pub(super) const fn new(
        from: &'static str,
        to: &'static str,
        length: Length,
        parts: &'static [Part],
    ) -> Self {
        Self { from, to, length, parts }
    }

    /// The identifier that `bytes` start with, and its format. No identifier is the start of another.
    pub(super) fn at_start_of(bytes: &[u8]) -> Option<(&str, &'static Self)> {
        (2..=4).find_map(|length| {
            let ai = str::from_utf8(bytes.get(..length)?).ok()?;
            Some((ai, Self::of(ai)?))
        })
    }

    /// The format of this identifier.
    pub(super) fn of(ai: &str) -> Option<&'static Self> {
        TABLE.iter().find(|format| {
            ai.len() == format.from.len() && (format.from..=format.to).contains(&ai) && is_number(ai)
        })
    }

    /// Where the value at the start of `bytes` ends.
    pub(super) fn end_of_value(&self, bytes: &[u8], separator: u8) -> usize {
        let separated = bytes.iter().position(|byte| *byte == separator).unwrap_or(bytes.len());
        match self.length {
            Length::Predefined => separated.min(self.parts.iter().map(|part| part.max).sum()),
            Length::Separated => separated,
        }
    }

    /// Whether `value` is built as it must be.
    pub(super) fn check(&self, ai: &str, value: &[u8]) -> Result<(), Gs1Error> {
        let wrong_length = || Gs1Error::Length { ai: ai.to_owned() };
        let mut rest = value;
        for part in self.parts {
            if part.is_optional && rest.is_empty() {
                return Ok(());
            }
            let taken = rest.len().min(part.max);
            let (piece, after) = rest.split_at(taken);
            if piece.len() < part.min {
                return Err(wrong_length());
            }
            if !piece.iter().all(|byte| part.allows(*byte)) {
                return Err(Gs1Error::Character { ai: ai.to_owned() });
            }
            if part.is_checked && !checks(piece) {
                return Err(Gs1Error::CheckDigit { ai: ai.to_owned() });
            }
            rest = after;
        }
        if rest.is_empty() { Ok(()) } else { Err(wrong_length()) }
    }
}

fn is_number(ai: &str) -> bool {
    ai.bytes().all(|byte| byte.is_ascii_digit())
}

fn checks(digits: &[u8]) -> bool {
    let Some((last, body)) = digits.split_last() else { return false };
    str::from_utf8(body).ok().and_then(check_digit).is_some_and(|digit| digit + b'0' == *last)
}
