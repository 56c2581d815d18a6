//! What goes on around the kiosk: the devices, the staff, the fleet and the power.

use std::collections::BTreeMap;

use domain::effect::{KitchenEffect, PrinterEffect, TerminalEffect};
use domain::ids::{ItemId, PaymentId, ReceiptId, VariationId};
use domain::input::{
    Action, KitchenInput, Origin, PrinterCondition, PrinterInput, ScannerInput, UplinkInput,
};
use domain::kiosk::ledger::PrintState;
use domain::money::Quantity;
use domain::quota::{Allowance, Beyond, QuotaGrant};
use domain::receipt::{ReceiptDocument, ReceiptKind};
use domain::{Effect, Input};

use super::{Life, Op};
use crate::fixture;
use crate::rng::Rng;
use crate::world::{Crash, World};

impl Life {
    pub(super) fn perform(&mut self, op: Op) {
        match op {
            Op::Progress => {
                let intent = self.sensible_intent();
                self.w.intent(intent);
            }
            Op::Touch => {
                let intent = self.any_intent();
                self.w.intent(intent);
            }
            Op::Tick => self.tick(),
            Op::Wait => {
                let ms = *self.rng.pick(&[10, 500, 3_000, 15_000, 65_000, 250_000, 900_000]);
                self.w.jump(ms);
                self.w.tick();
            }
            Op::DriverWorks => self.terminal.work(&mut self.rng),
            Op::TerminalActs => self.terminal.advance(&mut self.rng, self.faults),
            Op::TerminalTells => {
                if let Some(input) = self.terminal.telling.pop_front() {
                    self.w.terminal(input);
                }
            }
            Op::LoseLink => self.terminal.lose_link(&mut self.rng),
            Op::RestoreLink => self.terminal.restore_link(&mut self.rng, self.late_starts),
            Op::Printer => self.printer(),
            Op::Kitchen => self.kitchen(),
            Op::Scan => self.scan(),
            Op::Voice => self.voice(),
            Op::Staff => self.staff(),
            Op::Fleet => self.fleet(),
            Op::Person => self.staff_look_after_unclear_payments(),
            Op::Restart => self.restart(),
            Op::CrashNext => {
                self.w.crash_next = Some(match self.rng.below(4) {
                    0 => Crash::BeforeAppend,
                    n => Crash::AfterEffects(usize::try_from(n - 1).unwrap()),
                });
            }
        }
    }

    /// What left is taken by the models; a crash is followed by a restart.
    pub(super) fn after(&mut self) {
        let effects: Vec<Effect> = self.w.effects.drain(..).collect();
        for effect in effects {
            self.take(effect);
        }
        if self.w.crashed {
            self.restart();
            let effects: Vec<Effect> = self.w.effects.drain(..).collect();
            for effect in effects {
                self.take(effect);
            }
        }
    }

    pub(super) fn restart(&mut self) {
        self.terminal.process_died(&mut self.rng);
        // What was in the printer may still come out.
        if let Some(receipt) = self.printing.take() {
            let comes_out = self.rng.chance(50);
            self.came_out(receipt, comes_out);
        }
        self.tickets.clear();
        self.w.power_cut_and_back(&mut self.rng);
        let condition = *self.rng.pick(&[PrinterCondition::Ready, PrinterCondition::PaperOut]);
        self.w.printer(PrinterInput::Condition(condition));
    }

    pub(super) fn take(&mut self, effect: Effect) {
        match effect {
            Effect::Terminal(effect) => {
                if let TerminalEffect::Charge { payment, .. } = &effect {
                    self.may_be_charged(*payment);
                }
                self.terminal.ask(effect);
            }
            Effect::Printer(PrinterEffect::Print { receipt, document }) => {
                if let Some(given_up) = self.printing.take() {
                    let (_, record) = self.w.kiosk.ledger().receipt(given_up).unwrap();
                    assert_ne!(record.state, PrintState::Sent, "two jobs at the printer");
                    self.came_out(given_up, true);
                }
                if !matches!(document.kind, ReceiptKind::PayAtCounter) {
                    self.is_released(receipt, &document);
                }
                self.printing = Some(receipt);
            }
            Effect::Kitchen(KitchenEffect::Dispatch { job, .. }) => {
                let (order, _) = self.w.kiosk.ledger().kitchen_job(job).unwrap();
                assert!(order.is_released(), "a ticket left before the payment was completed");
                self.tickets.push(job);
            }
            Effect::Reserve { question, goods, .. } => self.asked = Some((question, goods)),
            Effect::Drawer(_)
            | Effect::Display(_)
            | Effect::Voice(_)
            | Effect::CheckAgain
            | Effect::CallStaff { .. } => {}
        }
    }

    /// No second charge on an order that the terminal already has money for, and each payment is sent once.
    pub(super) fn may_be_charged(&mut self, payment: PaymentId) {
        assert!(self.charged.insert(payment), "payment {payment} was sent twice");
        assert!(self.terminal.no_charge_is_pending(), "a second charge behind the first");
        let Some((order, _)) = self.w.kiosk.ledger().payment(payment) else { return };
        let already: i64 = order.payments.iter().map(|p| self.terminal.taken_for(p.payment.id)).sum();
        let explained = self.late_starts || !self.w.kiosk.ledger().tasks.is_empty();
        assert!(already == 0 || explained, "a second charge on {}", order.order.number);
    }

    pub(super) fn is_released(&self, receipt: ReceiptId, document: &ReceiptDocument) {
        let (order, record) = self.w.kiosk.ledger().receipt(receipt).unwrap();
        assert!(order.is_released(), "paper left before the payment was completed");
        assert_eq!(document.kind == ReceiptKind::Copy, record.kind == ReceiptKind::Copy);
    }

    pub(super) fn came_out(&mut self, receipt: ReceiptId, comes_out: bool) {
        let Some((order, record)) = self.w.kiosk.ledger().receipt(receipt) else { return };
        if comes_out && record.kind == ReceiptKind::Sale {
            *self.originals.entry(order.order.id.to_string()).or_insert(0) += 1;
        }
    }

    pub(super) fn tick(&mut self) {
        if let Some(at) = self.w.kiosk.next_deadline() {
            let ms = at.0.saturating_sub(self.w.mono);
            self.w.jump(ms);
        }
        self.w.tick();
    }

    pub(super) fn printer(&mut self) {
        let input = match (self.printing, self.rng.below(8)) {
            (Some(receipt), 0..=3) => {
                self.came_out(receipt, true);
                self.printing = None;
                if self.rng.chance(50) {
                    PrinterInput::Confirmed { receipt }
                } else {
                    PrinterInput::Sent { receipt }
                }
            }
            (Some(receipt), 4) => {
                let comes_out = self.rng.chance(50);
                self.came_out(receipt, comes_out);
                self.printing = None;
                PrinterInput::Unknown { receipt }
            }
            (Some(receipt), 5) => {
                self.printing = None;
                PrinterInput::NotStarted { receipt }
            }
            (None, 0..=5) => PrinterInput::Condition(PrinterCondition::Ready),
            (_, 6) => PrinterInput::Condition(PrinterCondition::PaperOut),
            _ => PrinterInput::Condition(PrinterCondition::PaperLow),
        };
        self.w.printer(input);
    }

    pub(super) fn kitchen(&mut self) {
        let input = match (self.tickets.pop(), self.rng.below(4)) {
            (Some(job), 0..=2) => {
                *self.made.entry(job).or_insert(0) += 1;
                KitchenInput::Taken { job }
            }
            (Some(job), _) => KitchenInput::NotTaken { job },
            (None, n) => KitchenInput::Reachable(n > 0),
        };
        self.w.kitchen(input);
    }

    pub(super) fn scan(&mut self) {
        let input = match self.rng.below(6) {
            0 => ScannerInput::Goods(fixture::JUICE_CODE.into()),
            1 => ScannerInput::Goods(fixture::CHEESE_LABEL_PRICE.into()),
            2 => ScannerInput::Goods(fixture::CHEESE_LABEL_WEIGHT.into()),
            3 => ScannerInput::Text(fixture::COUPON.into()),
            4 => ScannerInput::Text("nonsense".into()),
            _ => ScannerInput::Present(self.rng.chance(80)),
        };
        self.w.feed(Input::Scanner(input));
    }

    pub(super) fn fleet(&mut self) {
        match self.rng.below(5) {
            4 => self.grant(),
            0 => {
                self.w.feed(Input::Uplink(UplinkInput::Claim(None)));
                self.w.feed(Input::Uplink(UplinkInput::Online));
            }
            1 if self.rng.chance(20) => {
                let claim = crate::claiming::waiting(&self.w);
                self.w.feed(Input::Uplink(UplinkInput::Claim(Some(claim.into()))));
            }
            1 => {
                let since = self.w.now().wall;
                self.w.feed(Input::Uplink(UplinkInput::Offline { since }));
            }
            2 => {
                let mut parts = fixture::parts();
                parts.rev = self.w.catalog.rev + 1;
                if self.rng.chance(50) {
                    parts.items.remove(&ItemId::new("juice"));
                    parts.categories[1].items.retain(|i| *i != ItemId::new("juice"));
                    parts.barcodes.clear();
                    if let Some(meal) = parts.items.get_mut(&ItemId::new("meal"))
                        && let domain::catalog::ItemKind::Combo(slots) = &mut meal.kind
                    {
                        slots[2].choices.retain(|c| c.variation != VariationId::new("juice"));
                    }
                }
                let catalog = std::sync::Arc::new(domain::catalog::Catalog::new(parts).unwrap());
                self.w.catalog = catalog.clone();
                self.w.activate(catalog, Origin::Fleet);
            }
            _ => {
                let item = ItemId::new(self.rng.word(&["burger", "fries", "cola"]));
                let sold_out = self.rng.chance(40);
                let until = self.rng.chance(50).then(|| domain::time::WallMs(self.w.wall + 60_000));
                self.w.staff(Action::SetSoldOut { item, sold_out, until });
            }
        }
    }

    /// A quota, perhaps as the answer to a question, perhaps an old one, perhaps of another epoch.
    fn grant(&mut self) {
        let ledger = self.w.kiosk.ledger();
        let before = ledger.quota.as_ref().map_or(0, |quota| quota.rev);
        let (question, wanted) = self.asked.take().unzip();
        let goods = ["burger-1", "fries", "cola", "juice"].into_iter().map(|name| {
            let variation = VariationId::new(name);
            let some = Quantity::pieces(u32::try_from(self.rng.below(4)).unwrap());
            let taken = ledger.taken(&variation);
            let granted = wanted.as_ref().and_then(|w: &BTreeMap<_, _>| w.get(&variation).copied());
            let upto = granted.unwrap_or(Quantity(taken.0 + some.0 - Quantity::ONE.0));
            let beyond =
                *self.rng.pick(&[Beyond::Block, Beyond::Block, Beyond::AllowThenDeny, Beyond::AskStaff]);
            (variation, Allowance { upto, beyond })
        });
        let goods = goods.collect();
        let rev = (before + self.rng.below(3)).saturating_sub(self.rng.below(2));
        let epoch = if self.rng.chance(90) { self.w.series } else { 99 };
        let lease_ms = *self.rng.pick(&[1_000, 60_000, 8 * 3_600_000]);
        let grant = QuotaGrant { rev, epoch, lease_ms, answers: question, goods };
        self.w.feed(Input::Uplink(UplinkInput::Quota(grant.into())));
    }

    pub(super) fn staff(&mut self) {
        let ledger = self.w.kiosk.ledger();
        let payments: Vec<PaymentId> =
            ledger.orders.values().flat_map(|o| &o.payments).map(|p| p.payment.id).collect();
        let orders: Vec<_> = ledger.orders.keys().copied().collect();
        let receipts: Vec<_> = ledger.orders.values().flat_map(|o| &o.receipts).map(|r| r.id).collect();
        let action = match self.rng.below(7) {
            0 => Action::Close,
            1 | 2 => Action::Open,
            3 if !payments.is_empty() => Action::ReversePayment { payment: *self.rng.pick(&payments) },
            4 if !orders.is_empty() => Action::PaidAtCounter { order: *self.rng.pick(&orders) },
            5 if !orders.is_empty() => Action::CancelOrder { order: *self.rng.pick(&orders) },
            6 if !receipts.is_empty() => Action::Reprint { receipt: *self.rng.pick(&receipts) },
            _ => Action::Open,
        };
        self.w.staff(action);
    }
}

impl World {
    pub(super) fn power_cut_and_back(&mut self, rng: &mut Rng) {
        let away = *rng.pick(&[1_000, 5_000, 30_000, 700_000, 86_400_000]);
        self.jump(away);
        self.reboot();
    }
}
