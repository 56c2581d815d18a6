//! Random operations against the models, with the power cut anywhere; then everything is mended, and the books
//! must agree with the terminal's journal. One number is the seed of a whole life.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use domain::cart::ServiceMode;
use domain::effect::{KitchenEffect, PrinterEffect, TerminalEffect};
use domain::event::TaskKind;
use domain::ids::{
    CategoryId, GroupId, ItemId, KitchenJobId, LineId, ModifierId, PaymentId, ReceiptId, SlotId, VariationId,
};
use domain::input::{
    Action, KitchenInput, Origin, PrinterCondition, PrinterInput, ScannerInput, UplinkInput,
};
use domain::intent::{
    CartIntent, DoneIntent, Intent, ItemIntent, MealIntent, PayIntent, Preference, ReceiptChoice,
};
use domain::kiosk::ledger::{KitchenState, PrintState};
use domain::money::Minor;
use domain::payment::{PaymentState, StaffVerdict, Tender};
use domain::receipt::{ReceiptDocument, ReceiptKind};
use domain::text::Lang;
use domain::{Effect, Input};

use crate::fixture;
use crate::rng::Rng;
use crate::terminal_model::TerminalModel;
use crate::world::{Crash, World};

/// Lives per test run, and operations in each before everything is mended.
const SEEDS: u64 = 300;
const OPERATIONS: usize = 500;

/// Turns of mending, at most half a minute each, after which a person looks at what is still unclear.
const STAFF_COME_AFTER: usize = 60;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Op {
    Touch,
    Progress,
    Tick,
    Wait,
    DriverWorks,
    TerminalActs,
    TerminalTells,
    LoseLink,
    RestoreLink,
    Printer,
    Kitchen,
    Scan,
    Staff,
    Fleet,
    Restart,
    CrashNext,
    Person,
}

/// What always goes on, and how often.
const USUAL: &[(Op, usize)] = &[
    (Op::Progress, 30),
    (Op::DriverWorks, 14),
    (Op::TerminalActs, 12),
    (Op::TerminalTells, 18),
    (Op::RestoreLink, 5),
    (Op::Printer, 5),
    (Op::Kitchen, 5),
    (Op::Tick, 2),
    (Op::Person, 1),
];

/// What goes wrong in some lives more, in some less, in some not at all.
const TROUBLE: &[Op] =
    &[Op::Touch, Op::Wait, Op::LoseLink, Op::Scan, Op::Staff, Op::Fleet, Op::Restart, Op::CrashNext];

/// The operations of one life: faults come in different mixtures, so that rare ones meet long quiet stretches.
fn mixture(rng: &mut Rng) -> Vec<Op> {
    let mut ops = Vec::new();
    for (op, weight) in USUAL {
        ops.extend(std::iter::repeat_n(*op, *weight));
    }
    for op in TROUBLE {
        let weight = *rng.pick(&[0, 0, 0, 1, 1, 4]);
        ops.extend(std::iter::repeat_n(*op, weight));
    }
    ops
}

/// A life: the kiosk, what is around it, and what the models saw.
struct Life {
    w: World,
    rng: Rng,
    terminal: TerminalModel,
    /// At the printer.
    printing: Option<ReceiptId>,
    /// Handed to the kitchen and not answered.
    tickets: Vec<KitchenJobId>,
    /// Made by the kitchen: it knows a job by its id.
    made: BTreeMap<KitchenJobId, u32>,
    /// Unmarked receipts that came out, by order reference.
    originals: BTreeMap<String, u32>,
    /// The terminal misbehaves.
    faults: bool,
    /// This life has delayed charges: a terminal may begin after it was asked. The books then agree with tasks.
    late_starts: bool,
    charged: BTreeSet<PaymentId>,
}

#[test]
fn no_order_of_faults_loses_money_paper_or_food() {
    let only = std::env::var("KIOSK_SEED").ok().and_then(|s| s.parse::<u64>().ok());
    let many = std::env::var("KIOSK_SEEDS").ok().and_then(|s| s.parse::<u64>().ok()).unwrap_or(SEEDS);
    let seeds = only.map_or(0..many, |seed| seed..seed + 1);
    let mut paid = 0;
    for seed in seeds {
        match catch_unwind(AssertUnwindSafe(|| live(seed))) {
            Ok(sales) => paid += sales,
            Err(cause) => {
                eprintln!("seed {seed}: run it alone with KIOSK_SEED={seed}");
                std::panic::resume_unwind(cause);
            }
        }
    }
    eprintln!("{paid} sales");
    assert!(only.is_some() || paid > 400, "only {paid} sales: the test does not test anything");
}

/// Every input of whole sales is once the one at which the power goes: before anything is on disk, after it, and
/// after each effect.
#[test]
fn the_power_may_go_at_every_step_of_a_sale() {
    let points =
        [Crash::BeforeAppend, Crash::AfterEffects(0), Crash::AfterEffects(1), Crash::AfterEffects(9)];
    for seed in 0..3 {
        for step in 0..110 {
            for point in points {
                let lived = catch_unwind(AssertUnwindSafe(|| {
                    let mut life = Life::new(seed, false);
                    for at in 0..140 {
                        if at == step {
                            life.w.crash_next = Some(point);
                        }
                        life.perform(USUAL[at % 7].0);
                        life.after();
                    }
                    life.mend();
                    life.judge();
                }));
                if let Err(cause) = lived {
                    eprintln!("sale {seed}, power lost at step {step}, {point:?}");
                    std::panic::resume_unwind(cause);
                }
            }
        }
    }
}

fn live(seed: u64) -> usize {
    let mut life = Life::new(seed, true);
    let ops = mixture(&mut life.rng);
    for _ in 0..OPERATIONS {
        let op = *life.rng.pick(&ops);
        life.perform(op);
        life.after();
    }
    life.mend();
    life.judge();
    life.w.kiosk.ledger().orders.values().filter(|o| o.paid.is_some()).count()
}

impl Life {
    fn new(seed: u64, faults: bool) -> Self {
        let mut rng = Rng::new(seed);
        let mut config = fixture::config();
        config.policy.kitchen_on_unpaid = rng.chance(30);
        config.policy.print_without_asking = rng.chance(30);
        config.policy.pay_at_counter = rng.chance(80);
        let mut w = World::off(config);
        w.start();
        let terminal = TerminalModel::new(&mut rng, faults);
        let late_starts = faults && rng.chance(15);
        Self {
            w,
            rng,
            terminal,
            printing: None,
            tickets: Vec::new(),
            made: BTreeMap::new(),
            originals: BTreeMap::new(),
            faults,
            late_starts,
            charged: BTreeSet::new(),
        }
    }
}

impl Life {
    fn perform(&mut self, op: Op) {
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
    fn after(&mut self) {
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

    fn restart(&mut self) {
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

    fn take(&mut self, effect: Effect) {
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
            Effect::Drawer(_) | Effect::Display(_) | Effect::CallStaff { .. } => {}
        }
    }

    /// No second charge on an order that the terminal already has money for, and each payment is sent once.
    fn may_be_charged(&mut self, payment: PaymentId) {
        assert!(self.charged.insert(payment), "payment {payment} was sent twice");
        assert!(self.terminal.no_charge_is_pending(), "a second charge behind the first");
        let Some((order, _)) = self.w.kiosk.ledger().payment(payment) else { return };
        let already: i64 = order.payments.iter().map(|p| self.terminal.taken_for(p.payment.id)).sum();
        let explained = self.late_starts || !self.w.kiosk.ledger().tasks.is_empty();
        assert!(already == 0 || explained, "a second charge on {}", order.order.number);
    }

    fn is_released(&self, receipt: ReceiptId, document: &ReceiptDocument) {
        let (order, record) = self.w.kiosk.ledger().receipt(receipt).unwrap();
        assert!(order.is_released(), "paper left before the payment was completed");
        assert_eq!(document.kind == ReceiptKind::Copy, record.kind == ReceiptKind::Copy);
    }

    fn came_out(&mut self, receipt: ReceiptId, comes_out: bool) {
        let Some((order, record)) = self.w.kiosk.ledger().receipt(receipt) else { return };
        if comes_out && record.kind == ReceiptKind::Sale {
            *self.originals.entry(order.order.id.to_string()).or_insert(0) += 1;
        }
    }

    fn tick(&mut self) {
        if let Some(at) = self.w.kiosk.next_deadline() {
            let ms = at.0.saturating_sub(self.w.mono);
            self.w.jump(ms);
        }
        self.w.tick();
    }

    fn printer(&mut self) {
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

    fn kitchen(&mut self) {
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

    fn scan(&mut self) {
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

    fn fleet(&mut self) {
        match self.rng.below(4) {
            0 => self.w.feed(Input::Uplink(UplinkInput::Online)),
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

    fn staff(&mut self) {
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

impl Life {
    /// What a customer would do on this page.
    fn sensible_intent(&mut self) -> Intent {
        let page = self.w.page();
        let r = self.rng.below(10);
        match page {
            "attract" => Intent::Start,
            "service" => Intent::SetMode(*self.rng.pick(&[ServiceMode::DineIn, ServiceMode::TakeAway])),
            "menu" if r < 4 => Intent::QuickAdd(self.item()),
            "menu" if r < 5 => Intent::OpenItem(self.item()),
            "menu" if r < 6 => Intent::OpenCategory(CategoryId::new(self.rng.word(&["burgers", "drinks"]))),
            "menu" => Intent::Cart(CartIntent::Show),
            "item" if r < 6 => Intent::Item(ItemIntent::Confirm),
            "item" => Intent::Item(self.item_intent()),
            "meal" if r < 6 => Intent::Meal(MealIntent::Decline),
            "meal" if r < 8 => Intent::Meal(MealIntent::Accept),
            "meal" => self.pick_for_meal(),
            "cart" if self.w.view().cart.count == 0 => Intent::ShowMenu,
            "cart" if r < 9 => Intent::Cart(self.checkout_or_tidy()),
            "cart" => Intent::Cart(self.cart_intent()),
            "pay-choose" if r < 7 => Intent::Pay(PayIntent::Confirm),
            "pay-choose" if r < 8 => Intent::Pay(PayIntent::Tip(Minor(200))),
            "pay-choose" if r < 9 => Intent::Pay(PayIntent::Tender(Tender::Card)),
            "pay-choose" => Intent::Pay(PayIntent::BackToOrder),
            "at-terminal" if r < 1 => Intent::Pay(PayIntent::Cancel),
            "pay-failed" if r < 6 => Intent::Pay(PayIntent::Retry),
            "pay-failed" if r < 7 => Intent::Pay(PayIntent::AtCounter),
            "pay-failed" if r < 8 => Intent::Pay(PayIntent::OtherWay),
            "pay-failed" => Intent::Pay(PayIntent::CancelOrder),
            "done" if r < 4 => Intent::Done(DoneIntent::Receipt(self.receipt_choice())),
            "done" => Intent::Done(DoneIntent::Close),
            "pay-unknown" => Intent::CallStaff,
            _ => Intent::Activity,
        }
    }

    fn item(&mut self) -> ItemId {
        let items = ["burger", "meal", "fries", "cola", "juice", "water", "toast", "beer", "gone"];
        ItemId::new(self.rng.word(&items))
    }

    fn item_intent(&mut self) -> ItemIntent {
        let group = GroupId::new(self.rng.word(&["bun", "extra", "without"]));
        let modifier = ModifierId::new(self.rng.word(&["rye", "brioche", "egg", "bacon", "onion"]));
        match self.rng.below(4) {
            0 => ItemIntent::Toggle(group, modifier),
            1 => ItemIntent::Count(group, modifier, if self.rng.chance(60) { 1 } else { -1 }),
            2 => ItemIntent::Quantity(*self.rng.pick(&[1, -1, 5, i32::MAX, i32::MIN])),
            _ => ItemIntent::Variation(VariationId::new(self.rng.word(&["burger-2", "burger-1", "cola"]))),
        }
    }

    fn pick_for_meal(&mut self) -> Intent {
        let (slot, variation) = *self.rng.pick(&[
            ("main", "burger-1"),
            ("main", "burger-2"),
            ("side", "fries"),
            ("drink", "cola"),
            ("drink", "juice"),
        ]);
        Intent::Meal(MealIntent::Pick(SlotId::new(slot), VariationId::new(variation)))
    }

    fn cart_intent(&mut self) -> CartIntent {
        let line = LineId(u32::try_from(self.rng.below(5)).unwrap());
        match self.rng.below(6) {
            0 | 1 => CartIntent::Quantity(line, *self.rng.pick(&[1, -1, 30])),
            2 => CartIntent::Change(line),
            3 => CartIntent::Remove(line),
            4 => CartIntent::Undo,
            _ => CartIntent::Show,
        }
    }

    /// A customer removes what cannot be bought any more, then pays.
    fn checkout_or_tidy(&self) -> CartIntent {
        let visit = self.w.kiosk.session().visit.as_deref();
        let gone = visit.and_then(|visit| visit.price.unavailable.keys().next().copied());
        gone.map_or(CartIntent::Checkout, CartIntent::Remove)
    }

    fn receipt_choice(&mut self) -> ReceiptChoice {
        *self.rng.pick(&[ReceiptChoice::Paper, ReceiptChoice::Phone, ReceiptChoice::None])
    }

    /// Anything at all, whatever the page.
    fn any_intent(&mut self) -> Intent {
        match self.rng.below(18) {
            0 => Intent::Back,
            1 => Intent::EndVisit,
            2 => Intent::SetLanguage(Lang::new(self.rng.word(&["de", "en", "xx"]))),
            3 => Intent::ShowLanguages,
            4 => Intent::ShowEasier,
            5 => Intent::CloseOverlay,
            6 => Intent::Prefer(Preference::LargeText),
            7 => Intent::ShowMenu,
            8 => Intent::StillHere,
            9 => Intent::CallStaff,
            10 => Intent::Item(self.item_intent()),
            11 => self.pick_for_meal(),
            12 => Intent::Cart(self.cart_intent()),
            13 => Intent::Pay(PayIntent::Retry),
            14 => Intent::Pay(PayIntent::CancelOrder),
            15 => Intent::Done(DoneIntent::Receipt(self.receipt_choice())),
            16 => Intent::Pay(PayIntent::Confirm),
            _ => Intent::Cart(CartIntent::Checkout),
        }
    }
}

impl Life {
    /// Everything works from here on, and the staff do their work.
    fn mend(&mut self) {
        self.w.crash_next = None;
        self.terminal.mute = false;
        self.terminal.stubborn = false;
        self.w.staff(Action::Open);
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

    fn is_at_rest(&self) -> bool {
        self.w.page() == "attract"
            && self.terminal.is_quiet()
            && self.w.kiosk.ledger().live_payments().next().is_none()
            && self.printing.is_none()
            && self.tickets.is_empty()
    }

    /// A person compares the terminal's journal with the task and decides.
    fn staff_look_after_unclear_payments(&mut self) {
        let unclear = self.w.kiosk.ledger().live_payments().find_map(|(_, p)| {
            let needed = matches!(p.state, PaymentState::NeedsStaff { .. });
            needed.then_some((p.payment.id, p.payment.amount.0, p.refused_goods))
        });
        let Some((payment, amount, refused)) = unclear else { return };
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
    fn judge(&self) {
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
                | TaskKind::CustomerCalled { .. } => None,
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

impl World {
    fn power_cut_and_back(&mut self, rng: &mut Rng) {
        let away = *rng.pick(&[1_000, 5_000, 30_000, 700_000, 86_400_000]);
        self.jump(away);
        self.reboot();
    }
}
