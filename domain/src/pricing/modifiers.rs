//! What the chosen modifiers add to one piece.

use crate::cart::ModifierChoice;
use crate::catalog::{Catalog, Item, ItemGroup, Modifier, ModifierGroup};
use crate::ids::LineId;
use crate::money::Minor;

use super::PriceError;

/// The sum of the price deltas of the choices for one piece, the free units left out.
pub(super) fn delta(
    catalog: &Catalog,
    item: &Item,
    line: LineId,
    choices: &[ModifierChoice],
) -> Result<Minor, PriceError> {
    let foreign = choices.iter().find(|choice| item.groups.iter().all(|g| g.group != choice.group));
    if let Some(choice) = foreign {
        let name = format!("modifier group {} on item {}", choice.group, item.id);
        return Err(PriceError::UnknownReference { line, name });
    }
    let mut deltas = Vec::with_capacity(item.groups.len());
    for offered in &item.groups {
        let group = catalog.groups.get(&offered.group).ok_or_else(|| PriceError::UnknownReference {
            line,
            name: format!("modifier group {}", offered.group),
        })?;
        let chosen = chosen(line, offered, group, choices)?;
        deltas.push(charged(group, chosen)?);
    }
    super::sum(deltas.into_iter())
}

/// The choices from one group with their modifiers, after a check of the group's limits.
fn chosen<'a>(
    line: LineId,
    offered: &ItemGroup,
    group: &'a ModifierGroup,
    choices: &[ModifierChoice],
) -> Result<Vec<(&'a Modifier, u32)>, PriceError> {
    let wrong = |why: String| PriceError::Choice { line, why };
    let mut chosen: Vec<(&Modifier, u32)> = Vec::new();
    for choice in choices.iter().filter(|c| c.group == offered.group) {
        let modifier = group
            .modifiers
            .iter()
            .find(|m| m.id == choice.modifier && !offered.hidden.contains(&m.id))
            .ok_or_else(|| PriceError::UnknownReference {
                line,
                name: format!("modifier {} in group {}", choice.modifier, group.id),
            })?;
        if chosen.iter().any(|(m, _)| m.id == modifier.id) {
            return Err(wrong(format!("modifier {} of group {} is there twice", modifier.id, group.id)));
        }
        if choice.count == 0 || choice.count > modifier.max {
            let (id, max) = (&modifier.id, modifier.max);
            return Err(wrong(format!("modifier {id} of group {} can be taken 1 to {max} times", group.id)));
        }
        chosen.push((modifier, choice.count));
    }
    let (min, max) = (offered.min.unwrap_or(group.min), offered.max.unwrap_or(group.max));
    let count: u64 = chosen.iter().map(|(_, count)| u64::from(*count)).sum();
    if count < u64::from(min) || count > u64::from(max) {
        return Err(wrong(format!("group {} takes {min} to {max} choices, not {count}", group.id)));
    }
    Ok(chosen)
}

/// Only units that cost something use up the free ones; the cheapest go first.
fn charged(group: &ModifierGroup, mut chosen: Vec<(&Modifier, u32)>) -> Result<Minor, PriceError> {
    chosen.sort_by(|(a, _), (b, _)| (a.price, &a.id).cmp(&(b.price, &b.id)));
    let mut free = group.free;
    let mut total: i128 = 0;
    for (modifier, count) in chosen {
        let given = if modifier.price > Minor::ZERO { count.min(free) } else { 0 };
        free -= given;
        total += i128::from(modifier.price.0) * i128::from(count - given);
    }
    i64::try_from(total).map(Minor).map_err(|_| PriceError::Overflow)
}
