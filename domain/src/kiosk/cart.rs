//! The cart: adding, changing, removing with undo, and what it costs. The customer always sees the price that
//! will be asked for; when it changes by itself the customer is told and decides anew.

use std::sync::Arc;

use super::Refusal;
use super::choices;
use super::menu::Menu;
use super::offer::Offer;
use super::turn::Turn;
use crate::cart::{Cart, CartLine, ModifierChoice, ServiceMode};
use crate::catalog::{Catalog, ItemKind, Price, Variation};
use crate::ids::{ItemId, LineId, VariationId};
use crate::intent::CartIntent;
use crate::money::{Minor, Quantity};
use crate::pricing::{PriceContext, PriceError, Priced, price};
use crate::session::{CartPrice, ItemDraft, MealDraft, Stage, Undo, Visit};
use crate::view::{Notice, Unavailable};

impl Offer<'_> {
    /// What a cart costs now. Lines that cannot be bought are left out and named.
    pub fn price_cart(&self, cart: &Cart, mode: ServiceMode) -> CartPrice {
        let mut result = CartPrice::default();
        for line in &cart.lines {
            if let Some(why) = self.line_problem(line) {
                result.unavailable.insert(line.id, why);
            }
        }
        if !self.asking {
            result.unavailable.extend(self.beyond_quota(cart));
        }
        loop {
            let lines: Vec<CartLine> = cart
                .lines
                .iter()
                .filter(|line| !result.unavailable.contains_key(&line.id))
                .cloned()
                .collect();
            let Some(last) = lines.last().map(|line| line.id) else { return result };
            match self.price_lines(Cart { lines, coupons: cart.coupons.clone() }, mode) {
                Ok(priced) => {
                    result.priced = Some(Arc::new(priced));
                    return result;
                }
                // A line that cannot be priced cannot be bought; the others can.
                Err(error) => {
                    let line = line_of(&error).filter(|l| !result.unavailable.contains_key(l));
                    result.unavailable.insert(line.unwrap_or(last), Unavailable::SoldOut);
                }
            }
        }
    }

    /// What these lines cost now.
    pub fn price_lines(&self, cart: Cart, mode: ServiceMode) -> Result<Priced, PriceError> {
        let at = self.now.local;
        price(&self.menu.catalog, &cart, &PriceContext { mode, at, date: self.now.business_date })
    }

    /// What one line alone costs now, discounts counted in; what the catalog says if it cannot be priced yet.
    pub fn price_line(&self, line: &CartLine, mode: ServiceMode) -> Minor {
        let cart = Cart { lines: vec![line.clone()], coupons: Vec::new() };
        match self.price_lines(cart, mode) {
            Ok(priced) => priced.lines.iter().map(|l| l.net).sum(),
            Err(_) => {
                let one = alone(&self.menu.catalog, &line.variation, &line.modifiers);
                one.times(line.quantity).unwrap_or_default()
            }
        }
    }

    /// What rules take off a line by itself now.
    pub fn discount_of(&self, line: &CartLine, mode: ServiceMode) -> Minor {
        let cart = Cart { lines: vec![line.clone()], coupons: Vec::new() };
        self.price_lines(cart, mode).map_or(Minor::ZERO, |priced| priced.discount)
    }
}

fn line_of(error: &PriceError) -> Option<LineId> {
    match error {
        PriceError::UnknownReference { line, .. }
        | PriceError::Choice { line, .. }
        | PriceError::NoTax { line }
        | PriceError::Quantity { line } => Some(*line),
        PriceError::DuplicateLine { line } => Some(*line),
        PriceError::NoSurchargeTax { .. } | PriceError::TooManyLines | PriceError::Overflow => None,
    }
}

/// List price of one piece with these choices and its deposit, without rules and free choices.
pub(super) fn alone(catalog: &Catalog, variation: &VariationId, modifiers: &[ModifierChoice]) -> Minor {
    let Some((item, variation)) = catalog.variation(variation) else { return Minor::ZERO };
    let list = |variation: &Variation| match variation.price {
        Price::Fixed(price) | Price::PerWeight(price) => price,
    };
    let deposit = variation.deposit.as_ref().and_then(|id| catalog.variation(id));
    let base = list(variation) + deposit.map_or(Minor::ZERO, |(_, deposit)| list(deposit));
    let chosen = choices::from_line(modifiers);
    let extras = choices::asked(catalog, item)
        .flat_map(|asked| asked.options().map(move |m| (asked, m)))
        .map(|(asked, m)| Minor(m.price.0 * i64::from(asked.count_of(&chosen, &m.id))));
    extras.fold(base, |sum, extra| sum + extra)
}

impl Turn<'_> {
    pub(super) fn cart_intent(&mut self, intent: CartIntent) {
        match intent {
            CartIntent::Show => self.show_cart(),
            CartIntent::Quantity(line, delta) => self.change_quantity(line, delta),
            CartIntent::Change(line) => self.change_line(line),
            CartIntent::Remove(line) => self.remove_line(line),
            CartIntent::Undo => self.undo(),
            CartIntent::Checkout => self.checkout(),
        }
    }

    pub(super) fn show_cart(&mut self) {
        if self.visit().is_some_and(|visit| visit.mode.is_some()) {
            self.go(Stage::Cart);
        } else {
            self.refuse(Refusal::NotNow);
        }
    }

    /// Puts a line in the cart that a page made, and shows the menu again.
    pub(super) fn add_from_page(&mut self, line: CartLine) {
        self.add_line(line);
        self.go(Stage::Browse);
    }

    /// Puts a line in the cart, together with an equal one if there is one. `false`: a limit was reached.
    pub(super) fn add_line(&mut self, line: CartLine) -> bool {
        let limits = self.config.limits;
        let Some(visit) = self.visit() else { return false };
        let name = line.item.clone();
        let pieces = |line: &CartLine| if line.label.is_some() { 1 } else { line.quantity.whole().max(1) };
        let twin = visit.cart.lines.iter().find(|other| is_alike(other, &line));
        let line_pieces = pieces(&line) + twin.map_or(0, pieces);
        let order_pieces = pieces(&line) + visit.cart.lines.iter().map(pieces).sum::<u32>();
        let broken = if line_pieces > limits.pieces_per_line {
            Some(limits.pieces_per_line)
        } else if order_pieces > limits.pieces_per_order {
            Some(limits.pieces_per_order)
        } else {
            let lines = u32::try_from(visit.cart.lines.len()).unwrap_or(u32::MAX);
            (twin.is_none() && lines >= limits.lines_per_order).then_some(limits.lines_per_order)
        };
        if let Some(limit) = broken {
            self.notice(Notice::Limit(limit));
            return false;
        }
        let twin = twin.map(|twin| twin.id);
        let mut cart = visit.cart.clone();
        cart.lines.push(CartLine { id: LineId(visit.next_line), ..line.clone() });
        if self.nobody_has_more(&cart, LineId(visit.next_line)) {
            let name = self.item_name(&name);
            self.notice(Notice::SoldOut(name));
            return false;
        }
        if let Some(visit) = self.visit_mut() {
            visit.insert(line, twin);
        }
        self.cart_changed();
        let name = self.item_name(&name);
        self.notice(Notice::Added(name));
        true
    }

    pub(super) fn replace_line(&mut self, id: LineId, line: CartLine) {
        if let Some(visit) = self.visit_mut() {
            if let Some(old) = visit.cart.lines.iter_mut().find(|old| old.id == id) {
                *old = CartLine { id, ..line };
            }
            visit.stage = Stage::Cart;
        }
        self.cart_changed();
    }

    pub(super) fn change_quantity(&mut self, id: LineId, delta: i32) {
        let limits = self.config.limits;
        let Some(line) = self.line(id) else { return self.refuse(Refusal::NotFound) };
        let now = line.quantity.whole();
        let wanted = now.saturating_add_signed(delta);
        if wanted == 0 || (line.label.is_some() && delta < 0) {
            return self.remove_line(id);
        }
        if line.label.is_some() {
            return self.refuse(Refusal::NotNow);
        }
        let others: u32 = self.visit().map_or(0, |visit| {
            visit.cart.lines.iter().filter(|l| l.id != id).map(|l| l.quantity.whole()).sum()
        });
        let most = limits.pieces_per_line.min(limits.pieces_per_order.saturating_sub(others));
        if wanted > most && delta > 0 {
            return self.notice(Notice::Limit(most));
        }
        let Some(mut cart) = self.visit().map(|visit| visit.cart.clone()) else { return };
        if let Some(line) = cart.lines.iter_mut().find(|l| l.id == id) {
            line.quantity = Quantity::pieces(wanted);
        }
        if delta > 0 && self.nobody_has_more(&cart, id) {
            let name = self.item_name(&line.item);
            return self.notice(Notice::SoldOut(name));
        }
        if let Some(visit) = self.visit_mut() {
            visit.cart = cart;
        }
        self.cart_changed();
    }

    pub(super) fn change_line(&mut self, id: LineId) {
        let Some(menu) = self.menu() else { return self.refuse(Refusal::NotNow) };
        let Some(line) = self.line(id) else { return self.refuse(Refusal::NotFound) };
        let Some(item) = menu.catalog.item(&line.item).filter(|_| line.label.is_none()) else {
            return self.refuse(Refusal::NotNow);
        };
        let stage = match &item.kind {
            ItemKind::Combo(_) => Stage::Meal(MealDraft::of_line(&line)),
            ItemKind::Product | ItemKind::Deposit | ItemKind::GiftCard => {
                Stage::Item(ItemDraft::of_line(&line))
            }
        };
        self.go(stage);
    }

    pub(super) fn remove_line(&mut self, id: LineId) {
        let until = self.now.mono.plus(self.config.times.undo_ms);
        let Some(visit) = self.visit_mut() else { return };
        let Some(index) = visit.cart.lines.iter().position(|line| line.id == id) else {
            return self.refuse(Refusal::NotFound);
        };
        let line = visit.cart.lines.remove(index);
        visit.undo = Some(Undo { line, index, until });
        self.cart_changed();
    }

    fn undo(&mut self) {
        let Some(visit) = self.visit_mut() else { return };
        let Some(undo) = visit.undo.take() else { return self.refuse(Refusal::NotNow) };
        let index = undo.index.min(visit.cart.lines.len());
        visit.cart.lines.insert(index, undo.line);
        self.cart_changed();
    }

    fn line(&self, id: LineId) -> Option<CartLine> {
        self.visit()?.cart.lines.iter().find(|line| line.id == id).cloned()
    }

    pub(super) fn item_name(&self, id: &ItemId) -> Arc<str> {
        let Some(menu) = self.menu() else { return id.0.clone() };
        let lang = self.visit().map_or_else(|| self.default_lang(), |visit| visit.lang.clone());
        let former = || self.visit()?.former_names.get(id).cloned();
        let name = menu.catalog.item(id).map(|item| menu.words(&item.name, &lang));
        name.or_else(former).unwrap_or_else(|| id.0.clone())
    }

    /// Another catalog comes: what is in the cart and not in it keeps its name.
    pub(super) fn keep_names(&mut self, next: &Catalog) {
        let Some(visit) = self.visit() else { return };
        let gone = visit.cart.lines.iter().map(|line| &line.item).filter(|item| next.item(item).is_none());
        let names: Vec<_> = gone.map(|item| (item.clone(), self.item_name(item))).collect();
        if let Some(visit) = self.visit_mut() {
            visit.former_names.extend(names);
        }
    }

    /// The customer changed the cart: it costs something else now, as expected.
    pub(super) fn cart_changed(&mut self) {
        self.ask_for_more();
        if let Some(price) = self.price_now()
            && let Some(visit) = self.visit_mut()
        {
            visit.price = price;
        }
    }

    /// Time or the shop may have changed what the cart costs: the customer is told. `true` if something changed.
    pub(super) fn reprice(&mut self) -> bool {
        let Some(price) = self.price_now() else { return false };
        let Some(visit) = self.visit() else { return false };
        if visit.price == price {
            return false;
        }
        let sold_out = price.unavailable.keys().find(|line| !visit.price.unavailable.contains_key(line));
        let item = sold_out.and_then(|id| self.line(*id)).map(|line| line.item);
        let dearer = price.total() != visit.price.total();
        if let Some(visit) = self.visit_mut() {
            visit.price = price;
        }
        if let Some(item) = item {
            let name = self.item_name(&item);
            self.notice(Notice::SoldOut(name));
        } else if dearer {
            self.notice(Notice::PriceChanged);
        }
        true
    }

    /// What the cart of a visit that has not ordered costs now.
    fn price_now(&self) -> Option<CartPrice> {
        let visit = self.visit().filter(|visit| super::visit::ordered(visit).is_none())?;
        let menu = self.menu()?;
        let mode = visit.mode.or_else(|| self.config.modes.first().copied()).unwrap_or(ServiceMode::TakeAway);
        Some(self.offer(&menu).price_cart(&visit.cart, mode))
    }

    /// The page of an item that is sold out now closes: what it offers cannot be had. `true` if it was open.
    pub(super) fn leave_sold_out(&mut self, item: &ItemId) -> bool {
        let next = match self.visit().map(|visit| &visit.stage) {
            Some(Stage::Item(draft)) if draft.item == *item => match draft.editing {
                Some(_) => Stage::Cart,
                None => Stage::Browse,
            },
            Some(Stage::Meal(draft)) if draft.combo == *item => Stage::Browse,
            _ => return false,
        };
        self.go(next);
        true
    }

    /// Another catalog is active: whatever the customer is looking at may be gone.
    pub(super) fn menu_changed(&mut self) {
        let Some(menu) = self.menu() else { return };
        let Some(visit) = self.visit() else { return };
        let there = match &visit.stage {
            Stage::Item(draft) => draft.still_fits(&menu),
            Stage::Meal(draft) => menu.catalog.item(&draft.combo).is_some_and(|combo| {
                combo.variations.iter().any(|v| v.id == draft.variation)
                    && self.offer(&menu).line_problem(&draft.line()).is_none()
            }),
            Stage::Service | Stage::Browse | Stage::Cart | Stage::Ordered(_) => true,
        };
        let lang_there = menu.catalog.languages.contains(&visit.lang);
        let lang = menu.catalog.languages.first().cloned();
        if !there {
            self.go(Stage::Browse);
            self.notice(Notice::PriceChanged);
        }
        if let Some(lang) = lang.filter(|_| !lang_there)
            && let Some(visit) = self.visit_mut()
        {
            visit.lang = lang;
        }
        self.reprice();
    }
}

impl ItemDraft {
    fn still_fits(&self, menu: &Menu) -> bool {
        menu.catalog.item(&self.item).is_some_and(|item| {
            item.variations.iter().any(|v| v.id == self.variation)
                && choices::are_known(&menu.catalog, item, &self.chosen)
        })
    }
}

impl Visit {
    /// Adds a line under a new number, or its pieces to an equal line.
    fn insert(&mut self, mut line: CartLine, twin: Option<LineId>) {
        let twin = twin.and_then(|id| self.cart.lines.iter_mut().find(|other| other.id == id));
        if let Some(twin) = twin {
            twin.quantity = Quantity(twin.quantity.0 + line.quantity.0);
        } else {
            line.id = LineId(self.next_line);
            self.next_line += 1;
            self.cart.lines.push(line);
        }
    }
}

/// Whether two lines are the same thing and can be counted together.
fn is_alike(a: &CartLine, b: &CartLine) -> bool {
    a.item == b.item
        && a.variation == b.variation
        && a.modifiers == b.modifiers
        && a.picks == b.picks
        && a.label.is_none()
        && b.label.is_none()
}
