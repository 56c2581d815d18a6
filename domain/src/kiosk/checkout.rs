//! From the cart to an order, and the wishes of the payment pages.

use std::sync::Arc;

use super::Refusal;
use super::ledger::{Ledger, OrderRecord};
use super::pay_page::PayPage;
use super::turn::Turn;
use super::visit::ordered;
use crate::event::OrderEvent;
use crate::ids::OrderId;
use crate::intent::{DoneIntent, PayIntent};
use crate::money::Minor;
use crate::order::{CancelReason, DisplayNumber, OrderState};
use crate::payment::Tender;
use crate::receipt::ReceiptKind;
use crate::session::{Ordered, Session, Stage, TerminalPhase};
use crate::time::Date;
use crate::view::TenderOption;
use crate::{catalog::TipOffer, config::KioskConfig};

/// Display numbers run from 1 to this and begin again: three digits can be called and read across a room.
const NUMBER_MAX: u16 = 999;

/// After the store began a new epoch (restore, replacement) the numbers jump, so that two customers of the same
/// day do not hold the same one.
const NUMBER_JUMP: u16 = 50;

/// Where the numbers begin with a store that took the place of a damaged one: further than most days come.
const NUMBER_AFTER_DAMAGE: u16 = 501;

impl Turn<'_> {
    /// The customer wants to pay. Asks back when the cart is not what the customer last saw.
    pub(super) fn checkout(&mut self) {
        let Some(visit) = self.visit() else { return };
        if visit.cart.lines.is_empty() || !self.can_serve() {
            return self.refuse(Refusal::NotNow);
        }
        // What was said and not agreed to is asked about first.
        if self.has_draft() {
            return self.go(Stage::Browse);
        }
        let Some(mode) = visit.mode else { return self.go(Stage::Service) };
        if self.reprice() {
            return self.go(Stage::Cart);
        }
        if self.waits_for_more() {
            return;
        }
        let Some(visit) = self.visit() else { return };
        let complete = visit.price.unavailable.is_empty();
        let Some(priced) = visit.price.priced.clone().filter(|_| complete) else {
            return self.go(Stage::Cart);
        };
        let Some(menu) = self.menu() else { return };
        let (cart, lang) = (visit.cart.clone(), visit.lang.clone());
        let by_voice = visit.voice.has_ordered;
        let id = OrderId(self.new_id());
        let mut order = super::snapshot::Snapshot { menu: &menu, cart: &cart, priced: &priced, lang: &lang }
            .order(id, self.next_number(), mode, self.now);
        if by_voice {
            order.channel = crate::order::Channel::Voice;
        }
        let total = order.total;
        if self.record(OrderEvent::Placed(Arc::new(order))) {
            if total == Minor::ZERO {
                self.mark_paid(id);
            }
            self.go(Stage::Ordered(Ordered::new(id)));
            if let Some(visit) = self.visit_mut() {
                (visit.sheet, visit.undo) = (None, None);
            }
            self.touch();
        }
    }

    fn next_number(&self) -> DisplayNumber {
        let counter = next_counter(&self.ledger, self.now.business_date);
        DisplayNumber { prefix: self.config.display_prefix.clone(), counter }
    }

    pub(super) fn pay_intent(&mut self, intent: PayIntent) {
        let (Some(page), Some(order)) = (self.pay_page(), self.order_on_screen()) else {
            // Before checkout only "cancel the order" makes sense: it throws the cart away.
            return match intent {
                PayIntent::CancelOrder => self.ask_to_end(),
                PayIntent::Tip(_)
                | PayIntent::Tender(_)
                | PayIntent::Confirm
                | PayIntent::Cancel
                | PayIntent::Retry
                | PayIntent::AtCounter
                | PayIntent::OtherWay
                | PayIntent::BackToOrder => self.refuse(Refusal::NotNow),
            };
        };
        let choosing = matches!(page, PayPage::Choose | PayPage::Failed);
        match intent {
            PayIntent::Cancel if page == PayPage::AtTerminal => self.cancel_payment(),
            PayIntent::Tip(tip) if page == PayPage::Choose => self.choose_tip(order, tip),
            PayIntent::Tender(tender) if page == PayPage::Choose => self.choose_tender(order, tender),
            PayIntent::Confirm if page == PayPage::Choose => self.confirm_payment(order),
            PayIntent::Retry if page == PayPage::Failed => self.pay_by_card(order),
            PayIntent::OtherWay if page == PayPage::Failed => self.choose_again(order),
            PayIntent::AtCounter if choosing => self.pay_at_counter(order),
            PayIntent::BackToOrder if choosing => self.back_from_payment(),
            PayIntent::CancelOrder if choosing => self.ask_to_end(),
            PayIntent::Cancel
            | PayIntent::Tip(_)
            | PayIntent::Tender(_)
            | PayIntent::Confirm
            | PayIntent::Retry
            | PayIntent::OtherWay
            | PayIntent::AtCounter
            | PayIntent::BackToOrder
            | PayIntent::CancelOrder => self.refuse(Refusal::NotNow),
        }
    }

    fn order_on_screen(&self) -> Option<OrderId> {
        self.visit().and_then(ordered).map(|ordered| ordered.order)
    }

    fn choose_tip(&mut self, order: OrderId, tip: Minor) {
        let Some(record) = self.ledger.order(order) else { return };
        let chosen = self.visit().and_then(ordered).and_then(|ordered| ordered.tender);
        let tender = selected(self.config, &self.session, &self.ledger, record, chosen);
        let offered = tip == Minor::ZERO || tips(self.config, &self.session, record).contains(&tip);
        if !offered || tender != Tender::Card {
            return self.refuse(Refusal::NotAllowed);
        }
        if let Some(ordered) = self.ordered_mut(order) {
            ordered.tip = Some(tip);
        }
    }

    fn choose_tender(&mut self, order: OrderId, tender: Tender) {
        let Some(record) = self.ledger.order(order) else { return };
        let possible = tenders(self.config, &self.session, &self.ledger, record);
        if !possible.iter().any(|option| option.tender == tender && option.available) {
            return self.refuse(Refusal::NotNow);
        }
        if let Some(ordered) = self.ordered_mut(order) {
            ordered.tender = Some(tender);
            if tender != Tender::Card {
                ordered.tip = None;
            }
        }
    }

    fn confirm_payment(&mut self, order: OrderId) {
        let Some(record) = self.ledger.order(order) else { return };
        let chosen = self.visit().and_then(ordered).and_then(|ordered| ordered.tender);
        match selected(self.config, &self.session, &self.ledger, record, chosen) {
            Tender::Card => self.pay_by_card(order),
            Tender::Counter => self.pay_at_counter(order),
        }
    }

    fn pay_by_card(&mut self, order: OrderId) {
        let Some(record) = self.ledger.order(order) else { return };
        let payable = matches!(record.state, OrderState::Placed | OrderState::AwaitingPayment);
        if !payable || !card_possible(&self.session, &self.ledger, record) {
            return self.refuse(Refusal::TerminalBusy);
        }
        let (total, currency) = (record.order.total, record.order.currency);
        let tip = self.visit().and_then(ordered).and_then(|ordered| ordered.tip).unwrap_or_default();
        self.begin_card(order, total + tip, tip, currency);
        if let Some(ordered) = self.ordered_mut(order) {
            ordered.choosing = false;
        }
    }

    fn choose_again(&mut self, order: OrderId) {
        let payable = self.ledger.order(order).is_some_and(|r| r.state == OrderState::AwaitingPayment);
        match self.ordered_mut(order).filter(|_| payable) {
            Some(ordered) => ordered.choosing = true,
            None => self.refuse(Refusal::NotNow),
        }
    }

    fn pay_at_counter(&mut self, order: OrderId) {
        if !self.config.policy.pay_at_counter {
            return self.refuse(Refusal::NotAllowed);
        }
        let event = OrderEvent::AcceptedUnpaid { order };
        // Money that the terminal gave back after the sale leaves an order that is paid and refunded: over.
        if !self.ledger.permits(&event.clone().into()) {
            return self.refuse(Refusal::NotNow);
        }
        if self.record(event) {
            self.queue_receipt(order, ReceiptKind::PayAtCounter, 0);
            if self.config.policy.kitchen_on_unpaid {
                self.queue_kitchen(order);
            }
        }
    }

    /// Back to the order: nothing was paid, so the placed order is given up and the cart is there again.
    pub(super) fn back_from_payment(&mut self) {
        let Some(order) = self.order_on_screen() else { return };
        match self.pay_page() {
            Some(PayPage::Done | PayPage::Gone) => return self.end_visit(CancelReason::Customer),
            Some(PayPage::AtTerminal | PayPage::Unknown) | None => return self.refuse(Refusal::NotNow),
            Some(PayPage::Choose | PayPage::Failed) => {}
        }
        let over = self.ledger.order(order).is_some_and(super::ledger::OrderRecord::is_refunded);
        if over && self.can_serve() && self.visit().is_none_or(|visit| visit.cart.lines.is_empty()) {
            return self.begin_again();
        }
        // A restart forgot the cart: going back would throw the order away without saying so.
        if self.visit().is_none_or(|visit| visit.cart.lines.is_empty()) || !self.can_serve() {
            return self.ask_to_end();
        }
        let why = CancelReason::Customer;
        if self.ledger.permits(&OrderEvent::Cancelled { order, why }.into()) {
            self.give_up(order, OrderEvent::Cancelled { order, why });
        }
        self.go(Stage::Cart);
        if let Some(visit) = self.visit_mut() {
            visit.sheet = None;
        }
        self.reprice();
        self.touch();
    }

    pub(super) fn done_intent(&mut self, intent: DoneIntent) {
        let (Some(PayPage::Done), Some(order)) = (self.pay_page(), self.order_on_screen()) else {
            return self.refuse(Refusal::NotNow);
        };
        match intent {
            DoneIntent::Close => self.end_visit(CancelReason::Customer),
            DoneIntent::Receipt(choice) => self.choose_receipt(order, choice),
        }
    }
}

/// The counter of the next display number.
fn next_counter(ledger: &Ledger, date: Date) -> u16 {
    match ledger.number {
        Some(last) if last.date == date => {
            let step = if last.series == ledger.current_series { 1 } else { NUMBER_JUMP };
            (last.counter - 1 + step) % NUMBER_MAX + 1
        }
        // Nobody knows which numbers customers hold.
        None if ledger.store_was_replaced() => NUMBER_AFTER_DAMAGE,
        Some(_) | None => 1,
    }
}

/// Whether a card payment of this order can begin now.
pub(super) fn card_possible(session: &Session, ledger: &Ledger, record: &OrderRecord) -> bool {
    record.order.total > Minor::ZERO
        && session.terminal.phase != TerminalPhase::Down
        && session.fault.is_none()
        && ledger.terminal_holder().is_none()
        && !super::quota::needs_staff(ledger, &record.order)
}

/// The means of payment, the preferred one first.
pub(super) fn tenders(
    config: &KioskConfig,
    session: &Session,
    ledger: &Ledger,
    record: &OrderRecord,
) -> Vec<TenderOption> {
    let card = TenderOption { tender: Tender::Card, available: card_possible(session, ledger, record) };
    let counter = TenderOption { tender: Tender::Counter, available: true };
    match (config.policy.pay_at_counter, card.available) {
        (false, _) => vec![card],
        (true, true) => vec![card, counter],
        (true, false) => vec![counter, card],
    }
}

/// The means that is chosen: the customer's if it still works, else the preferred one.
pub(super) fn selected(
    config: &KioskConfig,
    session: &Session,
    ledger: &Ledger,
    record: &OrderRecord,
    chosen: Option<Tender>,
) -> Tender {
    let options = tenders(config, session, ledger, record);
    let works = |tender: Tender| options.iter().any(|o| o.tender == tender && o.available);
    chosen
        .filter(|tender| works(*tender))
        .unwrap_or_else(|| options.first().map_or(Tender::Card, |option| option.tender))
}

/// The chosen tip, as long as a card is to pay: the counter takes none.
pub(super) fn tip(
    config: &KioskConfig,
    session: &Session,
    ledger: &Ledger,
    record: &OrderRecord,
    ordered: &Ordered,
) -> Option<Minor> {
    let card = selected(config, session, ledger, record, ordered.tender) == Tender::Card;
    ordered.tip.filter(|_| card)
}

/// The tips offered for an order, besides none.
pub(super) fn tips(config: &KioskConfig, session: &Session, record: &OrderRecord) -> Vec<Minor> {
    let Some(menu) = session.menu.as_ref().filter(|_| config.policy.tips) else { return Vec::new() };
    let total = record.order.total;
    if total <= Minor::ZERO {
        return Vec::new();
    }
    let amount = |offer: &TipOffer| match offer {
        TipOffer::Fixed(amount) => Some(*amount),
        TipOffer::Percent(rate) => total.percent(*rate),
    };
    menu.catalog.tips.iter().filter_map(amount).filter(|tip| *tip > Minor::ZERO).collect()
}
