//! The sums that always hold.

use std::collections::BTreeMap;
use std::fmt;

use crate::ids::{LineId, TaxRateId};
use crate::money::Minor;

use super::Priced;

/// A sum that does not hold. That is a mistake in the program, or an order changed by hand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Imbalance {
    /// A line's net is not its gross less its discounts, or a discount is not positive.
    Line(LineId),
    /// The discounts of the lines are not the order's discount.
    Discount,
    /// The nets of the lines and the surcharges are not the amounts of the groups and what is untaxed.
    Groups,
    /// The base and taxes of an inclusive group are not its amount.
    Inclusive,
    /// The taxes of lines and surcharges, or of groups, are not the order's tax at this rate.
    Tax(TaxRateId),
    /// Lines, surcharges and exclusive taxes are not the total.
    Total,
}

impl fmt::Display for Imbalance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {}: gross less discounts is not net", line.0),
            Self::Discount => f.write_str("the discounts of the lines are not the discount of the order"),
            Self::Groups => f.write_str("lines and surcharges are not the amounts of the tax groups"),
            Self::Inclusive => f.write_str("base and taxes of an inclusive group are not its amount"),
            Self::Tax(rate) => write!(f, "the taxes at rate {rate} do not add up"),
            Self::Total => f.write_str("lines, surcharges and taxes are not the total"),
        }
    }
}

impl std::error::Error for Imbalance {}

impl Priced {
    /// The nets of the goods: without deposits, surcharges and taxes added on top.
    pub fn goods(&self) -> Minor {
        Minor(clipped(self.lines.iter().filter(|l| !l.deposit).map(|l| l.net)))
    }

    /// Adds everything up again.
    ///
    /// # Errors
    /// The first sum that does not hold.
    pub fn check(&self) -> Result<(), Imbalance> {
        for line in &self.lines {
            let taken = total(line.discounts.iter().map(|(_, amount)| *amount));
            let positive = line.discounts.iter().all(|(_, amount)| *amount > Minor::ZERO);
            if wide(line.gross) - taken != wide(line.net) || !positive {
                return Err(Imbalance::Line(line.line));
            }
        }
        let discounts = self.lines.iter().flat_map(|l| l.discounts.iter().map(|(_, amount)| *amount));
        if total(discounts) != wide(self.discount) {
            return Err(Imbalance::Discount);
        }
        let nets = total(self.lines.iter().map(|l| l.net));
        let surcharges = total(self.surcharges.iter().map(|s| s.amount));
        let grouped = total(self.groups.iter().map(|g| g.amount));
        let on_top = total(self.taxes.iter().filter(|t| !t.inclusive).map(|t| t.tax));
        if nets + surcharges + on_top != wide(self.total) {
            return Err(Imbalance::Total);
        }
        let after_tax = nets + surcharges - grouped;
        if after_tax < 0 || after_tax > surcharges {
            return Err(Imbalance::Groups);
        }
        for group in self.groups.iter().filter(|g| g.inclusive) {
            if wide(group.base) + total(group.taxes.iter().map(|t| t.tax)) != wide(group.amount) {
                return Err(Imbalance::Inclusive);
            }
        }
        self.check_taxes()
    }

    fn check_taxes(&self) -> Result<(), Imbalance> {
        let of_lines = self.lines.iter().flat_map(|l| &l.taxes);
        let of_surcharges = self.surcharges.iter().flat_map(|s| &s.taxes);
        let mut carried: BTreeMap<&TaxRateId, i128> = BTreeMap::new();
        for (rate, tax) in of_lines.chain(of_surcharges) {
            *carried.entry(rate).or_default() += wide(*tax);
        }
        let mut grouped: BTreeMap<&TaxRateId, i128> = BTreeMap::new();
        for tax in self.groups.iter().flat_map(|g| &g.taxes) {
            *grouped.entry(&tax.rate_id).or_default() += wide(tax.tax);
        }
        for tax in &self.taxes {
            let sums = (carried.remove(&tax.rate_id), grouped.remove(&tax.rate_id));
            if sums != (Some(wide(tax.tax)), Some(wide(tax.tax))) {
                return Err(Imbalance::Tax(tax.rate_id.clone()));
            }
        }
        match carried.into_keys().chain(grouped.into_keys()).next() {
            Some(rate) => Err(Imbalance::Tax(rate.clone())),
            None => Ok(()),
        }
    }
}

fn wide(amount: Minor) -> i128 {
    i128::from(amount.0)
}

fn total(amounts: impl Iterator<Item = Minor>) -> i128 {
    amounts.map(wide).sum()
}

/// A sum that pricing has already shown to fit.
fn clipped(amounts: impl Iterator<Item = Minor>) -> i64 {
    let sum = total(amounts);
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}
