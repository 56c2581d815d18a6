//! Amounts, rates and quantities as decimal text, without ever being a float: `12.60`, `8.875 %`, `1.5`.

use std::fmt;

use super::{Currency, Minor, Quantity, Rate};

/// Why a text is not an amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AmountError {
    /// Not digits with at most one point.
    NotANumber,
    /// More decimal places than there are.
    TooPrecise {
        /// So many are allowed.
        places: u8,
    },
    /// More than 64 bits (for a rate: 32 bits) can hold.
    TooLarge,
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber => f.write_str("is not a decimal number"),
            Self::TooPrecise { places: 0 } => f.write_str("has decimal places where there are none"),
            Self::TooPrecise { places } => write!(f, "has more than {places} decimal places"),
            Self::TooLarge => f.write_str("is too large"),
        }
    }
}

impl std::error::Error for AmountError {}

impl Currency {
    /// An amount as a plain decimal number: `12.60` in EUR, `1260` in JPY. A point, no grouping, no sign of
    /// the currency: for files and tools, not for customers.
    pub fn decimal(&self, amount: Minor) -> String {
        decimal(amount.0, u32::from(self.exponent), u32::from(self.exponent))
    }

    /// The reverse of [`Currency::decimal`]; fewer decimal places than the currency has are fine (`3`, `3.5`).
    ///
    /// # Errors
    /// The text is not a decimal number, too precise or too large.
    pub fn parse(&self, text: &str) -> Result<Minor, AmountError> {
        parse(text, self.exponent).map(Minor)
    }
}

impl Rate {
    /// The percentage as a plain decimal number: `8.875`.
    pub fn decimal(self) -> String {
        decimal(i64::from(self.0), 4, 0)
    }

    /// Reads `19`, `19 %` or `8.875 %`.
    ///
    /// # Errors
    /// The text is not a decimal number, too precise or too large.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let number = text.trim().strip_suffix('%').unwrap_or(text).trim();
        let rate = i32::try_from(parse(number, 4)?).map_err(|_| AmountError::TooLarge)?;
        Ok(Self(rate))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.decimal())
    }
}

impl Quantity {
    /// The quantity as a plain decimal number: `1`, `0.486`.
    pub fn decimal(self) -> String {
        decimal(self.0, 5, 0)
    }

    /// The reverse of [`Quantity::decimal`].
    ///
    /// # Errors
    /// The text is not a decimal number, too precise or too large.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        parse(text, 5).map(Self)
    }
}

/// `value` / 10^`places` with at least `least` decimal places.
fn decimal(value: i64, places: u32, least: u32) -> String {
    let scale = 10_u64.checked_pow(places).unwrap_or(u64::MAX);
    let sign = if value < 0 { "-" } else { "" };
    let whole = value.unsigned_abs() / scale;
    let digits = format!("{:0width$}", value.unsigned_abs() % scale, width = places as usize);
    let kept = digits.trim_end_matches('0').len().max(least as usize);
    if kept == 0 || places == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{}", &digits[..kept])
    }
}

fn parse(text: &str, places: u8) -> Result<i64, AmountError> {
    let text = text.trim();
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((_, "")) => return Err(AmountError::NotANumber),
        Some(parts) => parts,
        None => (unsigned, ""),
    };
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(AmountError::NotANumber);
    }
    let given = fraction.trim_end_matches('0').len();
    if given > usize::from(places) {
        return Err(AmountError::TooPrecise { places });
    }
    let digits = whole
        .bytes()
        .chain(fraction.bytes().take(given))
        .chain(std::iter::repeat_n(b'0', usize::from(places) - given));
    let value = digits
        .into_iter()
        .try_fold(0_i64, |value, digit| value.checked_mul(10)?.checked_add(i64::from(digit - b'0')))
        .ok_or(AmountError::TooLarge)?;
    Ok(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPY: Currency = Currency { code: *b"JPY", exponent: 0 };
    const KWD: Currency = Currency { code: *b"KWD", exponent: 3 };

    #[test]
    fn amounts_read_back_as_they_are_written() {
        for (currency, amount, text) in [
            (Currency::EUR, 1260, "12.60"),
            (Currency::EUR, -5, "-0.05"),
            (Currency::EUR, 0, "0.00"),
            (JPY, 1260, "1260"),
            (KWD, 1250, "1.250"),
        ] {
            assert_eq!(currency.decimal(Minor(amount)), text);
            assert_eq!(currency.parse(text), Ok(Minor(amount)));
        }
        assert_eq!(Currency::EUR.parse("3.5"), Ok(Minor(350)));
        assert_eq!(Currency::EUR.parse("3.5000"), Ok(Minor(350)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "-", ".5", "5.", "1,50", "1e3", "+1", "1.2.3", "٣", "0x1", "NaN", "1 000"] {
            assert_eq!(Currency::EUR.parse(text), Err(AmountError::NotANumber), "{text:?}");
        }
        assert_eq!(Currency::EUR.parse("1.005"), Err(AmountError::TooPrecise { places: 2 }));
        assert_eq!(JPY.parse("1.5"), Err(AmountError::TooPrecise { places: 0 }));
        assert_eq!(Currency::EUR.parse("92233720368547758.08"), Err(AmountError::TooLarge));
    }

    #[test]
    fn rates_and_quantities_keep_their_decimals() {
        assert_eq!(Rate::parse("8.875 %"), Ok(Rate(88_750)));
        assert_eq!(Rate::parse("19"), Ok(Rate(190_000)));
        assert_eq!(Rate(190_000).to_string(), "19 %");
        assert_eq!(Rate(88_750).decimal(), "8.875");
        assert_eq!(Rate::parse("300000"), Err(AmountError::TooLarge));
        assert_eq!(Quantity::parse("0.486"), Ok(Quantity(48_600)));
        assert_eq!(Quantity(100_000).decimal(), "1");
    }
}
