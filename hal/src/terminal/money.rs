//! Amounts as a terminal sees them: minor units and an ISO 4217 currency.

use std::fmt;

/// An ISO 4217 currency, kept as its three-digit number because that is what terminals speak.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(u16);

/// An amount of money in minor units (cents for EUR, whole yen for JPY).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units; never negative on the wire.
    pub minor: i64,
    /// The currency of `minor`.
    pub currency: Currency,
}

/// Letters and number of the currencies a terminal in our markets may be set to. A number outside this list still
/// travels as a number; it only has no letters.
const CURRENCIES: [(&str, u16); 46] = [
    ("AED", 784),
    ("ALL", 8),
    ("AMD", 51),
    ("AUD", 36),
    ("AZN", 944),
    ("BAM", 977),
    ("BGN", 975),
    ("BRL", 986),
    ("CAD", 124),
    ("CHF", 756),
    ("CNY", 156),
    ("CZK", 203),
    ("DKK", 208),
    ("EGP", 818),
    ("EUR", 978),
    ("GBP", 826),
    ("GEL", 981),
    ("HKD", 344),
    ("HUF", 348),
    ("ILS", 376),
    ("INR", 356),
    ("ISK", 352),
    ("JPY", 392),
    ("KRW", 410),
    ("KWD", 414),
    ("KZT", 398),
    ("MAD", 504),
    ("MDL", 498),
    ("MKD", 807),
    ("MXN", 484),
    ("NOK", 578),
    ("NZD", 554),
    ("PLN", 985),
    ("RON", 946),
    ("RSD", 941),
    ("SAR", 682),
    ("SEK", 752),
    ("SGD", 702),
    ("THB", 764),
    ("TND", 788),
    ("TRY", 949),
    ("TWD", 901),
    ("UAH", 980),
    ("USD", 840),
    ("VND", 704),
    ("ZAR", 710),
];

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(978);
    /// The Swiss franc.
    pub const CHF: Self = Self(756);

    /// The currency with these three letters, in any case; `None` if we do not know its number.
    #[must_use]
    pub fn from_alpha(letters: &str) -> Option<Self> {
        CURRENCIES
            .iter()
            .find(|(alpha, _)| alpha.eq_ignore_ascii_case(letters))
            .map(|(_, number)| Self(*number))
    }

    /// The currency with this ISO number; `None` outside 1 to 999.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        (1..=999).contains(&number).then_some(Self(number))
    }

    /// The ISO number, 1 to 999.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// The three letters, if we know them.
    #[must_use]
    pub fn alpha(self) -> Option<&'static str> {
        CURRENCIES.iter().find(|(_, number)| *number == self.0).map(|(alpha, _)| *alpha)
    }
}

impl Money {
    /// `minor` euro cents.
    #[must_use]
    pub fn eur(minor: i64) -> Self {
        Self { minor, currency: Currency::EUR }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.alpha() {
            Some(alpha) => f.write_str(alpha),
            None => write!(f, "{:03}", self.0),
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Currency({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_numbers_name_the_same_currency() {
        for (alpha, number) in CURRENCIES {
            let currency = Currency::from_alpha(alpha).unwrap();
            assert_eq!(currency.number(), number);
            assert_eq!(Currency::from_number(number).unwrap().alpha(), Some(alpha));
        }
        assert_eq!(Currency::from_alpha("eur"), Some(Currency::EUR));
    }

    #[test]
    fn an_unlisted_number_is_still_a_currency_and_a_senseless_one_is_not() {
        assert_eq!(Currency::from_number(999).unwrap().to_string(), "999");
        assert_eq!(Currency::from_number(0), None);
        assert_eq!(Currency::from_number(1000), None);
    }
}
