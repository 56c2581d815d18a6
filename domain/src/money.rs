//! Money, quantities and rates as integers. No floats anywhere near them.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// An amount in minor units of the currency in use (cents for EUR, yen for JPY).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Minor(pub i64);

impl Minor {
    /// Nothing.
    pub const ZERO: Self = Self(0);
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
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
