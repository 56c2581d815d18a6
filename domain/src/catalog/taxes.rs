//! Tax rates and what they apply to.

use crate::cart::ServiceMode;
use crate::ids::{TaxClassId, TaxRateId};
use crate::money::Rate;
use crate::text::Text;
use crate::time::Date;

/// A tax rate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaxRate {
    /// As printed on a receipt.
    pub name: Text,
    /// The percentage.
    pub rate: Rate,
    /// Whether prices contain it.
    pub inclusive: bool,
    /// 0 for an ordinary rate; a rate of a higher order is computed on the base plus the taxes below it.
    pub compound_order: u8,
    /// The letter a fiscal receipt shows beside each line, if any.
    pub letter: Option<char>,
}

/// Which rates apply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaxRule {
    /// For this class of goods …
    pub class: TaxClassId,
    /// … taken this way; `None`: every way without a rule of its own.
    pub mode: Option<ServiceMode>,
    /// … these rates together; empty: untaxed.
    pub rates: Vec<TaxRateId>,
    /// First business date it is valid on; `None`: since ever.
    pub from: Option<Date>,
    /// Last business date it is valid on; `None`: until further notice.
    pub until: Option<Date>,
}
