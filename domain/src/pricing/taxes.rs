//! Steps 6 to 9: tax per group, tax per line, total.

use std::collections::BTreeMap;

use crate::catalog::{Catalog, TaxRate};
use crate::ids::{TaxClassId, TaxRateId};
use crate::money::{Minor, Rate, Share, apportion, mul};

use super::surcharges::Added;
use super::{
    Place, PriceContext, PriceError, Priced, PricedLine, PricedSurcharge, Role, Sheet, TaxGroup, TaxKey,
    TaxTotal,
};

impl TaxKey {
    pub(super) fn untaxed() -> Self {
        Self { inclusive: false, rates: Vec::new() }
    }
}

/// How goods of a class are taxed in this mode on this date; `None` without a valid rule. A rule for the mode
/// goes before one for every mode.
pub(super) fn key(catalog: &Catalog, class: &TaxClassId, context: &PriceContext) -> Option<TaxKey> {
    let rule = catalog.tax_rule(class, context.mode, context.date)?;
    let mut rates = rule.rates.clone();
    rates.sort();
    rates.dedup();
    let inclusive = match rates.first() {
        Some(first) => catalog.tax_rates.get(first)?.inclusive,
        None => false,
    };
    Some(TaxKey { inclusive, rates })
}

/// Who gets a share of a group's tax.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Member {
    Line { place: Place, entry: usize },
    Surcharge(usize),
}

/// One group, computed.
pub(super) struct Taxed {
    group: TaxGroup,
    /// For each tax of the group: who carries how much of it.
    shares: Vec<Vec<(Member, Minor)>>,
}

/// Steps 6 and 7.
pub(super) fn compute(
    catalog: &Catalog,
    sheet: &Sheet,
    surcharges: &[Added],
) -> Result<Vec<Taxed>, PriceError> {
    let mut groups: BTreeMap<&TaxKey, Vec<Share<Member>>> = BTreeMap::new();
    for (at, entry) in sheet.entries.iter().enumerate().filter(|(_, e)| e.role != Role::Header) {
        let key = Member::Line { place: entry.place, entry: at };
        groups.entry(&entry.tax).or_default().push(Share { weight: entry.net, key });
    }
    for (at, added) in surcharges.iter().enumerate() {
        for (key, amount) in &added.taxed {
            let share = Share { weight: *amount, key: Member::Surcharge(at) };
            groups.entry(key).or_default().push(share);
        }
    }
    groups.into_iter().map(|(key, members)| one_group(catalog, key, &members)).collect()
}

fn one_group(catalog: &Catalog, key: &TaxKey, members: &[Share<Member>]) -> Result<Taxed, PriceError> {
    let rates: Vec<(&TaxRateId, &TaxRate)> =
        key.rates.iter().filter_map(|id| Some((id, catalog.tax_rates.get(id)?))).collect();
    let amount = super::sum(members.iter().map(|m| m.weight))?;
    let (base, taxes) = group_taxes(key.inclusive, &rates, amount)?;
    // A line that came back (a deposit) has its tax computed apart: shares need weights of one sign.
    let returned = super::sum(members.iter().map(|m| m.weight.min(Minor::ZERO)))?;
    let (_, returned_taxes) = group_taxes(key.inclusive, &rates, returned)?;
    let shares = taxes
        .iter()
        .zip(&returned_taxes)
        .map(|(tax, returned)| {
            let sold = super::sum([tax.tax, -returned.tax].into_iter())?;
            let sold = apportion(sold, &side(members, |weight| weight));
            let back = apportion(returned.tax, &side(members, |weight| -weight));
            Ok(split(members, sold, back))
        })
        .collect::<Result<_, PriceError>>()?;
    Ok(Taxed { group: TaxGroup { inclusive: key.inclusive, amount, base, taxes }, shares })
}

/// The members of one sign, with positive weights. If there is none of that sign its tax is zero.
fn side(members: &[Share<Member>], sign: impl Fn(Minor) -> Minor) -> Vec<Share<Member>> {
    let weighed = members.iter().map(|m| Share { weight: sign(m.weight), key: m.key });
    weighed.map(|m| Share { weight: m.weight.max(Minor::ZERO), ..m }).collect()
}

fn split(members: &[Share<Member>], sold: Vec<Minor>, back: Vec<Minor>) -> Vec<(Member, Minor)> {
    members.iter().zip(sold).zip(back).map(|((member, sold), back)| (member.key, sold + back)).collect()
}

/// Step 6 for one amount: the amount without tax, and the taxes in the order of the rates' ids.
fn group_taxes(
    inclusive: bool,
    rates: &[(&TaxRateId, &TaxRate)],
    amount: Minor,
) -> Result<(Minor, Vec<TaxTotal>), PriceError> {
    let total = |(id, rate): &(&TaxRateId, &TaxRate), base: Minor, tax: Minor| TaxTotal {
        rate_id: (*id).clone(),
        rate: rate.rate,
        inclusive,
        base,
        tax,
    };
    if inclusive {
        let sum: i64 = rates.iter().map(|(_, rate)| i64::from(rate.rate.0)).sum();
        let tax =
            mul(amount.0, sum, i64::from(Rate::WHOLE.0) + sum).map(Minor).ok_or(PriceError::Overflow)?;
        let weights: Vec<Share<&TaxRateId>> = rates
            .iter()
            .map(|(id, rate)| Share { weight: Minor(i64::from(rate.rate.0)), key: *id })
            .collect();
        let base = amount - tax;
        let taxes = rates.iter().zip(apportion(tax, &weights)).map(|(rate, tax)| total(rate, base, tax));
        return Ok((base, taxes.collect()));
    }
    let mut by_order: Vec<usize> = (0..rates.len()).collect();
    by_order.sort_by_key(|&i| rates[i].1.compound_order);
    let mut taxes: Vec<Option<TaxTotal>> = vec![None; rates.len()];
    let mut below: (u8, Minor, Minor) = (0, amount, amount);
    for i in by_order {
        let (order, base, with_taxes) = below;
        let rate = rates[i].1;
        let base = if rate.compound_order > order { with_taxes } else { base };
        let tax = base.percent(rate.rate).ok_or(PriceError::Overflow)?;
        taxes[i] = Some(total(&rates[i], base, tax));
        below = (rate.compound_order, base, super::sum([with_taxes, tax].into_iter())?);
    }
    Ok((amount, taxes.into_iter().flatten().collect()))
}

/// Step 9, and everything put together.
pub(super) fn settle(sheet: Sheet, surcharges: Vec<Added>, taxed: Vec<Taxed>) -> Result<Priced, PriceError> {
    let mut line_taxes: Vec<Vec<(TaxRateId, Minor)>> = vec![Vec::new(); sheet.entries.len()];
    let mut surcharge_taxes: Vec<BTreeMap<TaxRateId, Minor>> = vec![BTreeMap::new(); surcharges.len()];
    for Taxed { group, shares } in &taxed {
        for (tax, shares) in group.taxes.iter().zip(shares) {
            for (member, share) in shares {
                match member {
                    Member::Line { entry, .. } => line_taxes[*entry].push((tax.rate_id.clone(), *share)),
                    Member::Surcharge(at) => {
                        *surcharge_taxes[*at].entry(tax.rate_id.clone()).or_default() += *share;
                    }
                }
            }
        }
    }
    let groups: Vec<TaxGroup> = taxed.into_iter().map(|t| t.group).collect();
    let in_groups = groups.iter().map(|group| group.amount);
    let on_top = groups.iter().filter(|g| !g.inclusive).flat_map(|g| g.taxes.iter().map(|t| t.tax));
    let after_tax = surcharges.iter().filter(|s| s.taxed.is_empty()).map(|s| s.amount);
    let total = super::sum(in_groups.chain(on_top).chain(after_tax))?;
    let lines: Vec<PricedLine> = sheet
        .entries
        .into_iter()
        .zip(line_taxes)
        .map(|(entry, taxes)| PricedLine {
            line: entry.place.line,
            slot: entry.slot,
            item: entry.item.id.clone(),
            variation: entry.variation,
            quantity: entry.quantity,
            unit: entry.unit,
            gross: entry.gross,
            discounts: entry.discounts,
            net: entry.net,
            taxes,
            deposit: entry.item.kind == crate::catalog::ItemKind::Deposit,
        })
        .collect();
    let discount = super::sum(lines.iter().flat_map(|l| l.discounts.iter().map(|(_, amount)| *amount)))?;
    let surcharges = surcharges
        .into_iter()
        .zip(surcharge_taxes)
        .map(|(s, taxes)| PricedSurcharge { id: s.id, amount: s.amount, taxes: taxes.into_iter().collect() })
        .collect();
    let taxes = by_rate(&groups)?;
    Ok(Priced { lines, surcharges, groups, taxes, total, discount })
}

/// The taxes of all groups, added up per rate.
fn by_rate(groups: &[TaxGroup]) -> Result<Vec<TaxTotal>, PriceError> {
    let mut rates: BTreeMap<&TaxRateId, TaxTotal> = BTreeMap::new();
    for tax in groups.iter().flat_map(|g| &g.taxes) {
        match rates.get_mut(&tax.rate_id) {
            None => {
                rates.insert(&tax.rate_id, tax.clone());
            }
            Some(sum) => {
                sum.base = super::sum([sum.base, tax.base].into_iter())?;
                sum.tax = super::sum([sum.tax, tax.tax].into_iter())?;
            }
        }
    }
    Ok(rates.into_values().collect())
}
