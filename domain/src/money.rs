//! Money, quantities and rates as integers. No floats anywhere near them.

mod apportion;
mod currencies;
mod decimal;

use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

pub use apportion::{Share, apportion};
pub use decimal::AmountError;

/// Greatest price, discount or surcharge of a catalog and greatest value of a label, in minor units. With
/// [`MAX_QUANTITY`] a line stays below 10^13 and any sum of lines inside 64 bits.
pub const MAX_PRICE: Minor = Minor(1_000_000_000);

/// Greatest quantity of one line: 10,000 pieces or kilograms.
pub const MAX_QUANTITY: Quantity = Quantity(1_000_000_000);

/// `n / d`, rounded half away from zero, so that a return is exactly a sale with the other sign.
/// `d` must be positive; |n| and d must stay below 2^125, which every product of two 64-bit numbers does.
pub fn rdiv(n: i128, d: i128) -> i128 {
    debug_assert!(d > 0, "a denominator is positive");
    let magnitude = (2 * n.abs() + d) / (2 * d);
    if n < 0 { -magnitude } else { magnitude }
}

/// `a · b / d`, rounded half away from zero; `None` if it does not fit 64 bits.
pub fn mul(a: i64, b: i64, d: i64) -> Option<i64> {
    i64::try_from(rdiv(i128::from(a) * i128::from(b), i128::from(d))).ok()
}

/// An amount in minor units of the currency in use (cents for EUR, yen for JPY).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Minor(pub i64);

impl Minor {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// This amount for each piece, times a quantity; `None` if it does not fit 64 bits.
    pub fn times(self, quantity: Quantity) -> Option<Self> {
        mul(self.0, quantity.0, Quantity::ONE.0).map(Self)
    }

    /// This share of the amount; `None` if it does not fit 64 bits.
    pub fn percent(self, rate: Rate) -> Option<Self> {
        mul(self.0, i64::from(rate.0), i64::from(Rate::WHOLE.0)).map(Self)
    }

    /// A sum; `None` if it does not fit 64 bits.
    pub fn total(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let sum = amounts.into_iter().try_fold(0_i128, |sum, Self(a)| sum.checked_add(i128::from(a)))?;
        i64::try_from(sum).ok().map(Self)
    }
}

impl Add for Minor {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Minor {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl AddAssign for Minor {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Minor {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Neg for Minor {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Minor {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Currency {
    /// The three capital letters.
    pub code: [u8; 3],
    /// Decimal places of the minor unit: JPY 0, EUR 2, KWD 3.
    pub exponent: u8,
}

impl Currency {
    /// The euro.
    pub const EUR: Self = Self { code: *b"EUR", exponent: 2 };

    /// The letters as text.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("???")
    }
}

/// A quantity in units of 1e-5: one piece is 100 000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Quantity(pub i64);

impl Quantity {
    /// One piece.
    pub const ONE: Self = Self(100_000);

    /// `n` whole pieces.
    pub fn pieces(n: u32) -> Self {
        Self(i64::from(n) * Self::ONE.0)
    }

    /// Whole pieces, rounded down; 0 for a negative quantity.
    pub fn whole(self) -> u32 {
        u32::try_from(self.0 / Self::ONE.0).unwrap_or(0)
    }
}

/// A tax or discount rate in units of 1e-4 %: 7 % is 70 000, 8.875 % is 88 750.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Rate(pub i32);

impl Rate {
    /// 1 %.
    pub const ONE_PERCENT: Self = Self(10_000);
    /// 100 %.
    pub const WHOLE: Self = Self(1_000_000);
}
