//! Steps 3 and 4: rules on lines, then rules on the order.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::cart::Cart;
use crate::catalog::{Catalog, Item, PriceRule, RuleKind, RuleTarget};
use crate::ids::LineId;
use crate::money::{Minor, Share, apportion};

use super::{Entry, PriceContext, PriceError, Role, Sheet, Sold};

/// The rules that apply to this cart at this moment, in the order in which they work.
pub(super) struct Rules<'a> {
    catalog: &'a Catalog,
    rules: Vec<&'a PriceRule>,
}

impl<'a> Rules<'a> {
    /// Judges everything but the subtotal, which is not known yet.
    pub(super) fn applicable(catalog: &'a Catalog, cart: &Cart, context: &PriceContext) -> Self {
        let mut rules: Vec<&PriceRule> = catalog
            .rules
            .iter()
            .filter(|rule| rule.mode.is_none_or(|mode| mode == context.mode))
            .filter(|rule| catalog.is_open(&rule.availability, &context.at))
            .filter(|rule| rule.coupon.is_none() || cart.coupons.contains(&rule.id))
            .collect();
        rules.sort_by(|a, b| (a.priority, &a.id).cmp(&(b.priority, &b.id)));
        Self { catalog, rules }
    }

    /// Step 3: each rule on the net that the rules before it have left.
    pub(super) fn on_lines(&self, sheet: &mut Sheet) -> Result<(), PriceError> {
        let subtotal = sheet.goods_net()?;
        for rivals in self.rounds(subtotal, |kind| !kind.is_on_order()) {
            let rivals: Vec<(&PriceRule, Vec<Minor>)> = rivals
                .into_iter()
                .map(|rule| Ok((rule, self.cuts(rule, sheet)?)))
                .collect::<Result<_, PriceError>>()?;
            for line in 0..sheet.sold.len() {
                let Some((rule, cut)) = best(&rivals, line)? else { continue };
                let Sheet { sold, entries } = &mut *sheet;
                let parts = entries[sold[line].entries.clone()].iter_mut().filter(|e| is_discountable(e));
                spread(rule, cut, parts.collect());
            }
        }
        Ok(())
    }

    /// Step 4: each rule on the sum of what is left of its lines.
    pub(super) fn on_order(&self, sheet: &mut Sheet) -> Result<(), PriceError> {
        let subtotal = sheet.goods_net()?;
        for rivals in self.rounds(subtotal, RuleKind::is_on_order) {
            let mut winner: Option<(&PriceRule, Minor)> = None;
            for rule in rivals {
                let cut = self.order_cut(rule, sheet)?;
                if winner.is_none_or(|(best, most)| (Reverse(cut), &rule.id) < (Reverse(most), &best.id)) {
                    winner = Some((rule, cut));
                }
            }
            let Some((rule, cut)) = winner else { continue };
            let parts = self.order_parts(rule, sheet);
            spread(rule, cut, parts);
        }
        Ok(())
    }

    /// The rules of one phase in the order in which they work. Of the rules of a stack group only one takes
    /// effect, so they compete where the first of them stands.
    fn rounds(&self, subtotal: Minor, phase: impl Fn(RuleKind) -> bool) -> Vec<Vec<&'a PriceRule>> {
        let rules: Vec<&PriceRule> =
            self.rules.iter().copied().filter(|r| phase(r.kind) && subtotal >= r.min_subtotal).collect();
        let mut seen = BTreeSet::new();
        let mut rounds = Vec::with_capacity(rules.len());
        for rule in &rules {
            match &rule.stack_group {
                None => rounds.push(vec![*rule]),
                Some(group) if seen.insert(group) => {
                    let rivals = rules.iter().copied().filter(|r| r.stack_group.as_ref() == Some(group));
                    rounds.push(rivals.collect());
                }
                Some(_) => {}
            }
        }
        rounds
    }

    /// What a line rule would take off each cart line now.
    fn cuts(&self, rule: &PriceRule, sheet: &Sheet) -> Result<Vec<Minor>, PriceError> {
        let eligible: Vec<bool> = sheet.sold.iter().map(|sold| self.targets(rule, sold.item)).collect();
        let free = match rule.kind {
            RuleKind::Bundle { buy, free } => free_pieces(sheet, &eligible, buy, free),
            RuleKind::LinePercent(_)
            | RuleKind::UnitAmount(_)
            | RuleKind::LineAmount(_)
            | RuleKind::FixedPrice(_)
            | RuleKind::OrderPercent(_)
            | RuleKind::OrderAmount(_) => vec![0; sheet.sold.len()],
        };
        let lines = sheet.sold.iter().zip(eligible).zip(free);
        lines
            .map(
                |((sold, yes), free)| {
                    if yes { line_cut(rule.kind, sheet, sold, free) } else { Ok(Minor::ZERO) }
                },
            )
            .collect()
    }

    fn order_cut(&self, rule: &PriceRule, sheet: &Sheet) -> Result<Minor, PriceError> {
        let nets = (sheet.sold.iter().filter(|sold| self.targets(rule, sold.item)))
            .flat_map(|sold| sheet.entries[sold.entries.clone()].iter().filter(|e| is_discountable(e)))
            .map(|entry| entry.net);
        let net = super::sum(nets)?;
        let cut = match rule.kind {
            RuleKind::OrderPercent(rate) => net.percent(rate).ok_or(PriceError::Overflow)?,
            RuleKind::OrderAmount(amount) => amount,
            RuleKind::LinePercent(_)
            | RuleKind::UnitAmount(_)
            | RuleKind::LineAmount(_)
            | RuleKind::FixedPrice(_)
            | RuleKind::Bundle { .. } => Minor::ZERO,
        };
        Ok(cut.clamp(Minor::ZERO, net))
    }

    fn order_parts<'s, 'i>(&self, rule: &PriceRule, sheet: &'s mut Sheet<'i>) -> Vec<&'s mut Entry<'i>> {
        let Sheet { sold, entries } = sheet;
        let mut targeted = vec![false; entries.len()];
        for sold in sold.iter().filter(|sold| self.targets(rule, sold.item)) {
            targeted[sold.entries.clone()].fill(true);
        }
        entries
            .iter_mut()
            .zip(targeted)
            .filter(|(e, yes)| *yes && is_discountable(e))
            .map(|(e, _)| e)
            .collect()
    }

    /// Whether a rule is about a cart line with this item. A combo counts as itself: what is inside has its
    /// reduced price already.
    fn targets(&self, rule: &PriceRule, item: &Item) -> bool {
        item.discountable
            && match &rule.target {
                RuleTarget::All => true,
                RuleTarget::Categories(ids) => ids.iter().any(|id| self.catalog.is_in(&item.id, id)),
                RuleTarget::Items(ids) => ids.contains(&item.id),
            }
    }
}

/// Deposits, gift cards and goods flagged so keep their price.
fn is_discountable(entry: &Entry) -> bool {
    entry.role == Role::Goods && entry.item.discountable
}

/// The rule that takes most off a line. A bundle looks at many lines at once, so rivals of a bundle compete
/// with what they take off the whole cart; otherwise each line has its own winner. The lower id wins a tie.
fn best<'a>(
    rivals: &[(&'a PriceRule, Vec<Minor>)],
    line: usize,
) -> Result<Option<(&'a PriceRule, Minor)>, PriceError> {
    let whole_cart =
        rivals.len() > 1 && rivals.iter().any(|(rule, _)| matches!(rule.kind, RuleKind::Bundle { .. }));
    let mut winner: Option<(&PriceRule, Minor, Minor)> = None;
    for (rule, cuts) in rivals {
        let score = if whole_cart { super::sum(cuts.iter().copied())? } else { cuts[line] };
        if winner.is_none_or(|(best, most, _)| (Reverse(score), &rule.id) < (Reverse(most), &best.id)) {
            winner = Some((rule, score, cuts[line]));
        }
    }
    Ok(winner.map(|(rule, _, cut)| (rule, cut)))
}

fn line_cut(kind: RuleKind, sheet: &Sheet, sold: &Sold, free: i64) -> Result<Minor, PriceError> {
    let entries = &sheet.entries[sold.entries.clone()];
    let net = super::sum(entries.iter().filter(|e| is_discountable(e)).map(|e| e.net))?;
    let goods = || super::sum(entries.iter().filter(|e| e.role == Role::Goods).map(|e| e.gross));
    let cut = match kind {
        RuleKind::LinePercent(rate) => net.percent(rate),
        RuleKind::UnitAmount(amount) => amount.times(sold.quantity),
        RuleKind::LineAmount(amount) => Some(amount),
        RuleKind::FixedPrice(fixed) => {
            let gross = goods()?;
            fixed.times(sold.quantity).and_then(|wanted| gross.0.checked_sub(wanted.0).map(Minor))
        }
        RuleKind::Bundle { .. } => sold.base.unwrap_or(Minor::ZERO).0.checked_mul(free).map(Minor),
        RuleKind::OrderPercent(_) | RuleKind::OrderAmount(_) => Some(Minor::ZERO),
    };
    Ok(cut.ok_or(PriceError::Overflow)?.clamp(Minor::ZERO, net.max(Minor::ZERO)))
}

/// How many pieces of each cart line a bundle rule gives away: all whole pieces by falling base price, cut
/// into sets of `buy`; in each full set the last `free` cost nothing.
fn free_pieces(sheet: &Sheet, eligible: &[bool], buy: u32, free: u32) -> Vec<i64> {
    let mut pieces = vec![0; sheet.sold.len()];
    let mut order: Vec<usize> = (0..sheet.sold.len())
        .filter(|&i| eligible[i] && sheet.sold[i].base.is_some() && has_goods(sheet, &sheet.sold[i]))
        .collect();
    order.sort_by_cached_key(|&i| {
        let sold = &sheet.sold[i];
        let taxed = sheet.entries[sold.entries.clone()].iter().filter(|e| e.role == Role::Goods);
        let key: (Reverse<Option<Minor>>, _, LineId) =
            (Reverse(sold.base), taxed.map(|e| &e.tax).min(), sold.line);
        key
    });
    let (buy, free) = (i64::from(buy.max(1)), i64::from(free.min(buy)));
    let whole = |i: usize| i64::from(sheet.sold[i].quantity.whole());
    let all: i64 = order.iter().map(|&i| whole(i)).sum();
    let in_full_sets = all / buy * buy;
    let free_before = |position: i64| {
        let position = position.min(in_full_sets);
        position / buy * free + (position % buy - (buy - free)).max(0)
    };
    let mut position = 0;
    for i in order {
        let next = position + whole(i);
        pieces[i] = free_before(next) - free_before(position);
        position = next;
    }
    pieces
}

fn has_goods(sheet: &Sheet, sold: &Sold) -> bool {
    sheet.entries[sold.entries.clone()].iter().any(is_discountable)
}

/// Takes `cut` off the parts in proportion to their nets.
fn spread(rule: &PriceRule, cut: Minor, mut parts: Vec<&mut Entry>) {
    let shares: Vec<Share<_>> =
        parts.iter().map(|e| Share { weight: e.net, key: (e.tax.clone(), e.place) }).collect();
    for (part, share) in parts.iter_mut().zip(apportion(cut, &shares)) {
        if share > Minor::ZERO {
            part.net -= share;
            part.discounts.push((rule.id.clone(), share));
        }
    }
}
