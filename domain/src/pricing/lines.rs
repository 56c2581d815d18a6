//! Steps 1 and 2: what each line costs before discounts; combos taken apart; deposits put beside what
//! carries them.

use std::collections::BTreeSet;

use crate::cart::{Cart, CartLine, ComboPick, LabelValue, ModifierChoice};
use crate::catalog::{Catalog, ComboSlot, Item, ItemKind, Price, Variation};
use crate::ids::{SlotId, VariationId};
use crate::money::{MAX_PRICE, MAX_QUANTITY, Minor, Quantity, Share, apportion, rdiv};

use super::{
    Entry, MAX_CART_LINES, Place, PriceContext, PriceError, Role, Sheet, Sold, TaxKey, modifiers, taxes,
};

pub(super) fn open<'a>(
    catalog: &'a Catalog,
    cart: &Cart,
    context: &PriceContext,
) -> Result<Sheet<'a>, PriceError> {
    if cart.lines.len() > MAX_CART_LINES {
        return Err(PriceError::TooManyLines);
    }
    let mut seen = BTreeSet::new();
    let mut sheet = Sheet { sold: Vec::with_capacity(cart.lines.len()), entries: Vec::new() };
    for line in &cart.lines {
        if !seen.insert(line.id) {
            return Err(PriceError::DuplicateLine { line: line.id });
        }
        let first = sheet.entries.len();
        let mut desk = Desk { catalog, context, line, part: 0, entries: &mut sheet.entries };
        let (item, base, quantity) = desk.line()?;
        let entries = first..sheet.entries.len();
        sheet.sold.push(Sold { line: line.id, item, entries, quantity, base });
    }
    Ok(sheet)
}

/// Where one cart line is worked on.
struct Desk<'a, 'c> {
    catalog: &'a Catalog,
    context: &'c PriceContext,
    line: &'c CartLine,
    /// Number of the next entry of this line.
    part: u32,
    entries: &'c mut Vec<Entry<'a>>,
}

/// What a line says about one entry.
struct Amounts {
    quantity: Quantity,
    unit: Minor,
    gross: Minor,
}

impl<'a> Desk<'a, '_> {
    /// The item, its price by the piece if it is sold in pieces, and the quantity that counts.
    fn line(&mut self) -> Result<(&'a Item, Option<Minor>, Quantity), PriceError> {
        let (item, variation) = self.variation(&self.line.variation)?;
        if item.id != self.line.item {
            return Err(self.unknown(format!("variation {} of item {}", variation.id, self.line.item)));
        }
        self.check_quantity(item)?;
        if let ItemKind::Combo(slots) = &item.kind {
            let price = self.combo(item, variation, slots)?;
            return Ok((item, Some(price), self.line.quantity));
        }
        if !self.line.picks.is_empty() {
            return Err(self.wrong(format!("item {} is not a combo and has no slots", item.id)));
        }
        let delta = modifiers::delta(self.catalog, item, self.line.id, &self.line.modifiers)?;
        let amounts = self.amounts(variation, delta)?;
        let quantity = amounts.quantity;
        let base = match (variation.price, self.line.label) {
            (Price::Fixed(price), None) => Some(price),
            (Price::Fixed(_) | Price::PerWeight(_), _) => None,
        };
        self.push(None, item, variation, amounts)?;
        self.deposit(None, variation, quantity)?;
        Ok((item, base, quantity))
    }

    /// Step 1 for an ordinary line.
    fn amounts(&self, variation: &Variation, delta: Minor) -> Result<Amounts, PriceError> {
        let mut quantity = self.line.quantity;
        let (unit, gross) = match (variation.price, self.line.label) {
            (Price::Fixed(price), None | Some(LabelValue::Weight)) => {
                let unit = super::sum([price, delta].into_iter())?;
                (unit, unit.times(quantity).ok_or(PriceError::Overflow)?)
            }
            (Price::PerWeight(price), None | Some(LabelValue::Weight)) => {
                let weighed = price.times(quantity).ok_or(PriceError::Overflow)?;
                (price, super::sum([weighed, delta].into_iter())?)
            }
            (Price::Fixed(_), Some(LabelValue::Price(printed))) => {
                if quantity != Quantity::ONE {
                    return Err(PriceError::Quantity { line: self.line.id });
                }
                let printed = self.printed(printed)?;
                let unit = super::sum([printed, delta].into_iter())?;
                (unit, unit)
            }
            (Price::PerWeight(price), Some(LabelValue::Price(printed))) => {
                let printed = self.printed(printed)?;
                if price > Minor::ZERO {
                    let exact = i128::from(printed.0) * i128::from(Quantity::ONE.0);
                    let shown = i64::try_from(rdiv(exact, i128::from(price.0)));
                    quantity = Quantity(shown.map_err(|_| PriceError::Overflow)?);
                }
                (price, super::sum([printed, delta].into_iter())?)
            }
        };
        let returned = quantity < Quantity(0);
        if unit < Minor::ZERO || (gross < Minor::ZERO && !returned) {
            return Err(self.wrong("the modifiers make the price negative".to_owned()));
        }
        Ok(Amounts { quantity, unit, gross })
    }

    fn printed(&self, price: Minor) -> Result<Minor, PriceError> {
        let sane = (Minor::ZERO..=MAX_PRICE).contains(&price);
        if sane { Ok(price) } else { Err(self.wrong("the price on the label is out of range".to_owned())) }
    }

    /// Step 2. The price of all combos of the line is split over all components of the line, in proportion to
    /// what they would cost alone. Returns the price of one combo.
    fn combo(
        &mut self,
        item: &'a Item,
        variation: &'a Variation,
        slots: &'a [ComboSlot],
    ) -> Result<Minor, PriceError> {
        let Price::Fixed(price) = variation.price else {
            return Err(self.wrong(format!("combo {} has no price by the piece", item.id)));
        };
        if self.line.label.is_some() || !self.line.modifiers.is_empty() {
            return Err(self.wrong(format!("combo {} takes modifiers on its components only", item.id)));
        }
        let picks = self.picks(slots)?;
        let combos = price.times(self.line.quantity).ok_or(PriceError::Overflow)?;
        self.push(
            None,
            item,
            variation,
            Amounts { quantity: self.line.quantity, unit: Minor::ZERO, gross: Minor::ZERO },
        )?;

        let shares = picks
            .iter()
            .zip(0..)
            .map(|(pick, at)| Ok(Share { weight: pick.weight()?, key: (self.tax_key(pick.item)?, at) }))
            .collect::<Result<Vec<Share<(TaxKey, u32)>>, PriceError>>()?;
        for (pick, base) in picks.into_iter().zip(apportion(combos, &shares)) {
            let extras = pick.unit.times(pick.quantity).ok_or(PriceError::Overflow)?;
            let gross = super::sum([base, extras].into_iter())?;
            if gross < Minor::ZERO {
                return Err(self.wrong("the modifiers make the price negative".to_owned()));
            }
            let amounts = Amounts { quantity: pick.quantity, unit: pick.unit, gross };
            self.push(Some(pick.slot.clone()), pick.item, pick.variation, amounts)?;
            self.deposit(Some(pick.slot), pick.variation, pick.quantity)?;
        }
        Ok(price)
    }

    /// The picks in the order of the slots, after a check of the slots' limits.
    fn picks(&self, slots: &'a [ComboSlot]) -> Result<Vec<Picked<'a>>, PriceError> {
        if let Some(pick) = self.line.picks.iter().find(|p| slots.iter().all(|s| s.id != p.slot)) {
            return Err(self.unknown(format!("slot {} in combo {}", pick.slot, self.line.item)));
        }
        let mut picked = Vec::with_capacity(self.line.picks.len());
        for slot in slots {
            let mut count: u64 = 0;
            for pick in self.line.picks.iter().filter(|p| p.slot == slot.id) {
                count += u64::from(pick.count);
                picked.push(self.pick(slot, pick)?);
            }
            if count < u64::from(slot.min) || count > u64::from(slot.max) {
                let (min, max) = (slot.min, slot.max);
                return Err(self.wrong(format!("slot {} takes {min} to {max} picks, not {count}", slot.id)));
            }
        }
        if picked.is_empty() {
            return Err(self.wrong(format!("combo {} has no components", self.line.item)));
        }
        Ok(picked)
    }

    fn pick(&self, slot: &'a ComboSlot, pick: &ComboPick) -> Result<Picked<'a>, PriceError> {
        let choice = slot
            .choices
            .iter()
            .find(|c| c.variation == pick.variation)
            .ok_or_else(|| self.unknown(format!("variation {} in slot {}", pick.variation, slot.id)))?;
        if pick.count == 0 || pick.count > slot.max {
            return Err(self.wrong(format!("slot {} takes at most {} picks", slot.id, slot.max)));
        }
        let (item, variation) = self.variation(&choice.variation)?;
        let Price::Fixed(list_price) = variation.price else {
            return Err(self.wrong(format!("variation {} is weighed and cannot be in a combo", variation.id)));
        };
        if matches!(item.kind, ItemKind::Combo(_)) {
            return Err(self.wrong(format!("combo {} cannot be inside a combo", item.id)));
        }
        let delta = self.delta(item, &pick.modifiers)?;
        let quantity = self.line.quantity.0.checked_mul(i64::from(pick.count)).map(Quantity);
        let quantity = quantity.filter(|q| *q <= MAX_QUANTITY);
        Ok(Picked {
            slot: slot.id.clone(),
            item,
            variation,
            quantity: quantity.ok_or(PriceError::Quantity { line: self.line.id })?,
            list_price,
            unit: super::sum([choice.extra, delta].into_iter())?,
        })
    }

    /// A deposit goes with its piece, beside combos and discounts.
    fn deposit(
        &mut self,
        slot: Option<SlotId>,
        carrier: &Variation,
        quantity: Quantity,
    ) -> Result<(), PriceError> {
        let Some(deposit) = &carrier.deposit else { return Ok(()) };
        let (item, variation) = self.variation(deposit)?;
        let Price::Fixed(unit) = variation.price else {
            return Err(self.wrong(format!("deposit {} has no price by the piece", variation.id)));
        };
        let gross = unit.times(quantity).ok_or(PriceError::Overflow)?;
        self.push(slot, item, variation, Amounts { quantity, unit, gross })
    }

    fn push(
        &mut self,
        slot: Option<SlotId>,
        item: &'a Item,
        variation: &Variation,
        amounts: Amounts,
    ) -> Result<(), PriceError> {
        let (role, tax) = match item.kind {
            ItemKind::Combo(_) => (Role::Header, TaxKey::untaxed()),
            ItemKind::Product => (Role::Goods, self.tax_key(item)?),
            ItemKind::Deposit | ItemKind::GiftCard => (Role::Aside, self.tax_key(item)?),
        };
        let place = Place { line: self.line.id, part: self.part };
        self.part += 1;
        self.entries.push(Entry {
            place,
            slot,
            item,
            variation: variation.id.clone(),
            quantity: amounts.quantity,
            unit: amounts.unit,
            gross: amounts.gross,
            discounts: Vec::new(),
            net: amounts.gross,
            role,
            tax,
        });
        Ok(())
    }

    /// Only deposits come back, and only as lines of their own; combos are counted in whole pieces.
    fn check_quantity(&self, item: &Item) -> Result<(), PriceError> {
        let quantity = self.line.quantity;
        let in_range = match item.kind {
            ItemKind::Deposit => quantity.0 != 0 && quantity.0.abs() <= MAX_QUANTITY.0,
            ItemKind::Combo(_) => {
                (1..=MAX_QUANTITY.0).contains(&quantity.0) && quantity.0 % Quantity::ONE.0 == 0
            }
            ItemKind::Product | ItemKind::GiftCard => (1..=MAX_QUANTITY.0).contains(&quantity.0),
        };
        if in_range { Ok(()) } else { Err(PriceError::Quantity { line: self.line.id }) }
    }

    fn delta(&self, item: &Item, choices: &[ModifierChoice]) -> Result<Minor, PriceError> {
        modifiers::delta(self.catalog, item, self.line.id, choices)
    }

    fn variation(&self, id: &VariationId) -> Result<(&'a Item, &'a Variation), PriceError> {
        self.catalog.variation(id).ok_or_else(|| self.unknown(format!("variation {id}")))
    }

    /// A gift card is untaxed until it is used.
    fn tax_key(&self, item: &Item) -> Result<TaxKey, PriceError> {
        if item.kind == ItemKind::GiftCard {
            return Ok(TaxKey::untaxed());
        }
        let key = taxes::key(self.catalog, &item.tax_class, self.context);
        key.ok_or(PriceError::NoTax { line: self.line.id })
    }

    fn unknown(&self, name: String) -> PriceError {
        PriceError::UnknownReference { line: self.line.id, name }
    }

    fn wrong(&self, why: String) -> PriceError {
        PriceError::Choice { line: self.line.id, why }
    }
}

/// One component of a combo.
struct Picked<'a> {
    slot: SlotId,
    item: &'a Item,
    variation: &'a Variation,
    /// Of all combos of the line.
    quantity: Quantity,
    /// Alone, without modifiers.
    list_price: Minor,
    /// What one piece adds to the combo's price.
    unit: Minor,
}

impl Picked<'_> {
    fn weight(&self) -> Result<Minor, PriceError> {
        self.list_price.times(self.quantity).ok_or(PriceError::Overflow)
    }
}
