//! What people with authority and the fleet ask for. A refusal is told in the step.

use std::sync::Arc;

use super::Refusal;
use super::menu::Menu;
use super::turn::Turn;
use crate::catalog::Catalog;
use crate::effect::{DrawerEffect, TerminalEffect};
use crate::event::TaskKind;
use crate::event::{CatalogEvent, DrawerEvent, OrderEvent, PaymentEvent, ServiceEvent, TaskEvent};
use crate::ids::{ItemId, OrderId, PaymentId};
use crate::input::{Action, Command, Origin};
use crate::order::{CancelReason, OrderState};
use crate::payment::{Approval, CODE_NOT_STARTED, Payment, PaymentState, StaffVerdict, Tender};
use crate::session::{Fault, TerminalPhase};
use crate::time::WallMs;
use crate::view::Notice;

impl Turn<'_> {
    pub(super) fn command(&mut self, command: Command) {
        let by = name(&command.origin);
        match command.action {
            Action::ActivateCatalog { catalog, sha256 } => {
                self.activate(catalog, sha256, &command.origin);
            }
            Action::SetSoldOut { item, sold_out, until } => self.set_sold_out(item, sold_out, until),
            Action::Close => {
                if self.ledger.closed.is_none() {
                    self.record(ServiceEvent::Closed { by });
                    self.end_browsing();
                }
            }
            Action::Open => {
                if self.ledger.closed.is_some() {
                    self.record(ServiceEvent::Opened { by });
                }
            }
            Action::ResolvePayment { payment, verdict } => self.resolve(payment, verdict, &by),
            Action::ReversePayment { payment } => self.begin_reversal(payment),
            Action::PaidAtCounter { order } => self.paid_at_counter(order),
            Action::CancelOrder { order } => self.staff_cancel(order),
            Action::Reprint { receipt } => self.reprint(receipt),
            Action::StoreReplaced { moved_to, why } => {
                self.raise(TaskKind::StoreReplaced { moved_to, why }, "the store was damaged and begun anew");
            }
            Action::FinishTask { task } => {
                if self.ledger.tasks.contains_key(&task) {
                    self.record(TaskEvent::Done { task, by });
                } else {
                    self.refuse(Refusal::NotFound);
                }
            }
            Action::EndOfDay => self.end_of_day(),
            Action::OpenDrawer { reason } => {
                if self.record(DrawerEvent::Kicked { reason }) {
                    self.effect(DrawerEffect::Kick);
                }
            }
            Action::Fault { code, detail } => {
                if self.session.fault.is_none() {
                    self.session.fault = Some(Fault { code, detail, since: self.now.wall });
                    self.end_browsing();
                }
            }
        }
    }

    fn activate(&mut self, catalog: Arc<Catalog>, sha256: [u8; 32], origin: &Origin) {
        // The catalog that the store holds is the truth, whatever its number.
        let from_store = match origin {
            Origin::Kiosk => true,
            Origin::Local(_) | Origin::Staff(_) | Origin::Fleet => false,
        };
        let active = self.ledger.catalog;
        if let Some((rev, _)) = active.filter(|(rev, _)| !from_store && *rev > catalog.rev) {
            return self.refuse(Refusal::OlderCatalog { active: rev });
        }
        if let Some(menu) = self.menu().filter(|menu| !from_store && menu.catalog.rev == catalog.rev) {
            if menu.catalog != catalog {
                // Whoever names a revision, an order or the fleet, must be able to mean one catalog by it.
                self.refuse(Refusal::SameRevision { active: catalog.rev });
            }
            return;
        }
        if active != Some((catalog.rev, sha256)) {
            self.record(CatalogEvent::Activated { rev: catalog.rev, sha256 });
        }
        self.keep_names(&catalog);
        self.session.menu = Some(Arc::new(Menu::new(catalog, sha256)));
        self.menu_changed();
    }

    fn set_sold_out(&mut self, item: ItemId, sold_out: bool, until: Option<WallMs>) {
        let known = self.session.menu.as_ref().is_some_and(|menu| menu.catalog.items.contains_key(&item));
        let marked = self.ledger.sold_out.get(&item).copied();
        // A mark of an item that the menu no longer has can still be taken back.
        if !known && (sold_out || marked.is_none()) {
            return self.refuse(Refusal::NotFound);
        }
        if sold_out && marked != Some(until) {
            self.record(CatalogEvent::SoldOut { item: item.clone(), until });
        } else if !sold_out && marked.is_some() {
            self.record(CatalogEvent::Available { item: item.clone() });
        }
        let in_cart = self.visit().is_some_and(|visit| {
            visit.cart.lines.iter().any(|line| line.item == item) && super::visit::ordered(visit).is_none()
        });
        let on_page = sold_out && self.leave_sold_out(&item);
        if sold_out && (in_cart || on_page) {
            let name = self.item_name(&item);
            self.notice(Notice::SoldOut(name));
        }
        self.reprice();
    }

    /// Marks whose time is over are taken back.
    pub(super) fn sold_out_over(&mut self) {
        let over: Vec<ItemId> = self
            .ledger
            .sold_out
            .iter()
            .filter(|(_, until)| until.is_some_and(|until| until <= self.now.wall))
            .map(|(item, _)| item.clone())
            .collect();
        for item in over {
            self.record(CatalogEvent::Available { item });
        }
    }

    /// The terminal must be idle, and what it did last must be known: closing the day forgets it.
    fn end_of_day(&mut self) {
        let idle = matches!(self.session.terminal.phase, TerminalPhase::Ready(_));
        if !idle || self.ledger.terminal_holder().is_some() {
            return self.refuse(Refusal::TerminalBusy);
        }
        self.effect(TerminalEffect::EndOfDay);
        self.ask_afresh();
    }

    /// A member of staff found out what became of an unclear payment.
    fn resolve(&mut self, payment: PaymentId, verdict: StaffVerdict, staff: &Arc<str>) {
        let Some((_, record)) = self.ledger.payment(payment) else { return self.refuse(Refusal::NotFound) };
        let unclear = matches!(
            record.state,
            PaymentState::Unknown | PaymentState::NeedsStaff { .. } | PaymentState::ReversalUnknown(_)
        );
        let (booked, refused, amount) =
            (record.approval.is_some(), record.refused_goods, record.payment.amount);
        let by_hand = verdict == StaffVerdict::GivenBack && self.given_back_by_hand(payment);
        if !unclear && !by_hand {
            return self.refuse(Refusal::NotNow);
        }
        // Goods were refused because something did not fit: such money can only go back.
        if refused && verdict == StaffVerdict::Taken {
            return self.refuse(Refusal::NotAllowed);
        }
        self.record(PaymentEvent::Resolved { payment, verdict, staff: staff.clone() });
        self.task_done(payment, staff);
        self.end_job(payment);
        match (verdict, booked) {
            (StaffVerdict::Taken, false) => {
                self.book(payment, Approval { amount, ..Approval::default() });
                self.complete(payment);
            }
            (StaffVerdict::Taken, true) => self.complete(payment),
            (StaffVerdict::NotTaken, false) => {
                self.record(PaymentEvent::Declined { payment, code: CODE_NOT_STARTED });
                self.order_unpaid(payment);
            }
            (StaffVerdict::NotTaken | StaffVerdict::GivenBack, _) => self.given_back(payment),
        }
        self.ask_afresh();
    }

    /// The staff took the money of an order that is to be paid at the counter.
    fn paid_at_counter(&mut self, order: OrderId) {
        let Some(record) = self.ledger.order(order) else { return self.refuse(Refusal::NotFound) };
        if record.state != OrderState::AcceptedUnpaid {
            return self.refuse(Refusal::NotNow);
        }
        let (amount, currency) = (record.order.total, record.order.currency);
        let id = PaymentId(self.new_id());
        let (tender, created_at) = (Tender::Counter, self.now.wall);
        let tip = crate::money::Minor::ZERO;
        self.record(PaymentEvent::Created(Payment { id, order, amount, tip, currency, tender, created_at }));
        self.book(id, Approval { amount, ..Approval::default() });
        self.complete(id);
    }

    fn staff_cancel(&mut self, order: OrderId) {
        let Some(record) = self.ledger.order(order) else { return self.refuse(Refusal::NotFound) };
        let unpaid = matches!(
            record.state,
            OrderState::Placed | OrderState::AwaitingPayment | OrderState::AcceptedUnpaid
        );
        if !unpaid || record.has_live_payment() {
            return self.refuse(Refusal::NotNow);
        }
        self.give_up(order, OrderEvent::Cancelled { order, why: CancelReason::Staff });
        if self.ordered_mut(order).is_some() {
            self.session.visit = None;
        }
    }
}

/// The origin in words, for events.
fn name(origin: &Origin) -> Arc<str> {
    match origin {
        Origin::Kiosk => "kiosk".into(),
        Origin::Fleet => "fleet".into(),
        Origin::Local(who) | Origin::Staff(who) => who.clone(),
    }
}
