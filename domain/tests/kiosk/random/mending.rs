//! The end of a life: everything works again, and the books are held against the world.

use domain::event::TaskKind;
use domain::input::{Action, Input, KitchenInput, PrinterCondition, PrinterInput, UplinkInput};
use domain::kiosk::ledger::KitchenState;
use domain::money::Minor;
use domain::payment::{PaymentState, StaffVerdict, Tender};

use super::{Life, STAFF_COME_AFTER};

impl Life {
    /// Everything works from here on, and the staff do their work.
    pub(super) fn mend(&mut self) {
        self.w.crash_next = None;
        self.terminal.mend(&mut self.rng);
        self.w.staff(Action::Open);
        self.w.feed(Input::Uplink(UplinkInput::Claim(None)));
        self.w.kitchen(KitchenInput::Reachable(true));
        self.w.printer(PrinterInput::Condition(PrinterCondition::Ready));
        for turn in 0..400 {
            self.terminal.restore_link(&mut self.rng, false);
            self.terminal.work(&mut self.rng);
            self.terminal.advance(&mut self.rng, false);
            while let Some(input) = self.terminal.telling.pop_front() {
                self.w.terminal(input);
            }
            if let Some(receipt) = self.printing.take() {
                self.came_out(receipt, true);
                self.w.printer(PrinterInput::Confirmed { receipt });
            }
            while let Some(job) = self.tickets.pop() {
                *self.made.entry(job).or_insert(0) += 1;
                self.w.kitchen(KitchenInput::Taken { job });
            }
            self.after();
            self.tick();
            self.after();
            if turn > STAFF_COME_AFTER {
                self.staff_look_after_unclear_payments();
            }
            if turn > 10 && self.is_at_rest() {
                return;
            }
        }
        panic!(
            "it does not come to rest: {} {:?}\n{:?}",
            self.w.page(),
            self.w.kiosk.session().terminal,
            self.terminal
        );
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.w.page() == "attract"
            && self.terminal.is_quiet()
            && self.w.kiosk.ledger().live_payments().next().is_none()
            && self.printing.is_none()
            && self.tickets.is_empty()
    }

    /// A person compares the terminal's journal with the task and decides.
    pub(super) fn staff_look_after_unclear_payments(&mut self) {
        let unclear = self.w.kiosk.ledger().live_payments().find_map(|(_, p)| {
            let needed = matches!(p.state, PaymentState::NeedsStaff { .. });
            needed.then_some((p.payment.id, p.payment.amount.0, p.refused_goods))
        });
        let Some((payment, amount, refused)) = unclear else { return };
        if self.terminal.may_still_begin(payment) {
            // Nobody rules about a terminal that has yet to act.
            return;
        }
        let wrong = self.terminal.taken_for(payment) != amount;
        let verdict = if self.terminal.taken_for(payment) > 0 {
            StaffVerdict::Taken
        } else if self.terminal.was_reversed(payment) {
            StaffVerdict::GivenBack
        } else {
            StaffVerdict::NotTaken
        };
        if (refused || wrong) && verdict == StaffVerdict::Taken {
            // Such money can only go back, and the person sees to it.
            self.terminal.give_back_by_hand(payment);
            self.w.staff(Action::ResolvePayment { payment, verdict: StaffVerdict::GivenBack });
        } else {
            self.w.staff(Action::ResolvePayment { payment, verdict });
        }
        self.after();
    }

    /// The books against the world.
    pub(super) fn judge(&self) {
        let ledger = self.w.kiosk.ledger();
        let booked: i64 = ledger
            .orders
            .values()
            .flat_map(|o| &o.payments)
            .filter(|p| p.payment.tender == Tender::Card && matches!(p.state, PaymentState::Completed(_)))
            .map(|p| p.payment.amount.0)
            .sum();
        let unexplained: i64 = ledger
            .tasks
            .values()
            .filter_map(|task| match &task.kind {
                TaskKind::UnexplainedTransaction { transaction, .. } => Some(transaction),
                TaskKind::UnclearPayment { .. }
                | TaskKind::ReversedByTerminal { .. }
                | TaskKind::AmountDiffers { .. }
                | TaskKind::CustomerCalled { .. }
                | TaskKind::SaleDenied { .. }
                | TaskKind::StoreReplaced { .. } => None,
            })
            .filter(|t| self.terminal.has(t))
            .filter_map(|t| t.amount)
            .map(|a| a.0)
            .sum();
        assert_eq!(
            self.terminal.taken(),
            booked + unexplained,
            "{:#?}\n{:#?}",
            self.terminal.journal,
            ledger.tasks
        );
        for order in ledger.orders.values() {
            let refunded = order.refunded() > Minor::ZERO;
            for ticket in &order.kitchen {
                let made = self.made.get(&ticket.id).copied().unwrap_or(0);
                match ticket.state {
                    KitchenState::Taken => assert!(made >= 1),
                    KitchenState::Withdrawn => assert_eq!(made, 0, "made although withdrawn"),
                    KitchenState::Queued | KitchenState::Dispatched => {
                        panic!("a ticket was forgotten: {ticket:?}")
                    }
                }
                let given_up = order.paid.is_none();
                assert!(ticket.state == KitchenState::Taken || refunded || given_up, "paid and never made");
            }
            let needs_kitchen = order.order.lines.iter().any(|line| line.station.is_some());
            assert!(order.paid.is_none() || !needs_kitchen || order.kitchen.len() == 1);
            let printed = self.originals.get(&order.order.id.to_string()).copied().unwrap_or(0);
            assert!(printed <= 1, "{printed} unmarked receipts came out");
        }
        assert_eq!(self.w.kiosk.update_gate(0), domain::kiosk::UpdateGate::Open);
    }
}
