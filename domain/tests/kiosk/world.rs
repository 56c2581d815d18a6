//! A kiosk with its shell, without I/O: a log that survives, a clock that is turned by hand, and the rule that
//! effects leave only after their events are on disk. After every step it checks the invariants, replays the log
//! from the beginning and compares.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::catalog::{Catalog, CatalogParts};
use domain::effect::{DisplayEffect, KitchenEffect, PrinterEffect, TerminalEffect};
use domain::event::{Event, KitchenEvent, OrderEvent, PaymentEvent, ReceiptEvent};
use domain::ids::{CategoryId, IdSource, ItemId, OrderId, PaymentId, Uuid};
use domain::input::{
    Action, Command, KitchenInput, LastAnswer, Origin, PrinterCondition, PrinterInput, TerminalInput,
};
use domain::intent::{CartIntent, Intent, MealIntent, PayIntent};
use domain::kiosk::ledger::{OrderRecord, PaymentRecord};
use domain::kiosk::{Kiosk, Refusal, Step};
use domain::payment::{Approval, LastTransaction, PaymentState};
use domain::receipt::ReceiptKind;
use domain::time::{ClockQuality, Date, LocalTime, MonoMs, Now, WallMs, Weekday};
use domain::view::{Notice, Overlay, Page, View};
use domain::{Effect, Input, KioskConfig};

use crate::fixture;

/// Ids 1, 2, 3 …
#[derive(Default, Clone)]
pub struct Counter(u128);

impl IdSource for Counter {
    fn next_id(&mut self) -> Uuid {
        self.0 += 1;
        Uuid(self.0.to_be_bytes())
    }
}

/// Where the power goes in the next step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Crash {
    /// Nothing reached the disk.
    BeforeAppend,
    /// The events are on disk, and so many effects have left.
    AfterEffects(usize),
}

pub struct World {
    pub kiosk: Kiosk,
    pub log: Vec<(u64, Event)>,
    pub config: Arc<KioskConfig>,
    pub catalog: Arc<Catalog>,
    pub series: u64,
    pub ids: Counter,
    pub mono: u64,
    pub wall: i64,
    /// Minutes that the local clock began at, on 2 March 2026, a Monday.
    pub start_minute: i64,
    /// Effects that left and nobody took yet.
    pub effects: VecDeque<Effect>,
    pub refusal: Option<Refusal>,
    /// Events on disk when the last replay was compared.
    compared: usize,
    pub crash_next: Option<Crash>,
    pub crashed: bool,
}

pub const WALL_0: i64 = 1_772_449_200_000;

impl World {
    /// A kiosk that is up, sells the fixture, and whose devices are ready.
    pub fn open() -> Self {
        Self::with(fixture::config())
    }

    pub fn with(config: KioskConfig) -> Self {
        let mut world = Self::off(config);
        world.start();
        world.devices_ready();
        world
    }

    /// A kiosk that is up, sells these, and whose devices are ready.
    pub fn selling(parts: CatalogParts) -> Self {
        let mut world = Self::off(fixture::config());
        world.catalog = Arc::new(Catalog::new(parts).unwrap());
        world.start();
        world.devices_ready();
        world
    }

    /// A kiosk that has not been started.
    pub fn off(config: KioskConfig) -> Self {
        let config = Arc::new(config);
        Self {
            kiosk: Kiosk::new(config.clone(), 1),
            log: Vec::new(),
            config,
            catalog: fixture::catalog(),
            series: 1,
            ids: Counter::default(),
            mono: 5_000,
            wall: WALL_0,
            start_minute: 12 * 60,
            effects: VecDeque::new(),
            refusal: None,
            compared: 0,
            crash_next: None,
            crashed: false,
        }
    }

    pub fn start(&mut self) {
        self.feed(Input::Started);
        let catalog = self.catalog.clone();
        self.activate(catalog, Origin::Kiosk);
    }

    pub fn activate(&mut self, catalog: Arc<Catalog>, origin: Origin) {
        let sha256 = [u8::try_from(catalog.rev % 256).unwrap(); 32];
        self.feed(Input::Command(Command { origin, action: Action::ActivateCatalog { catalog, sha256 } }));
    }

    pub fn devices_ready(&mut self) {
        self.printer(PrinterInput::Condition(PrinterCondition::Ready));
        self.terminal(TerminalInput::Ready { last: LastAnswer::from(transaction(7, 500)) });
    }

    pub fn now(&self) -> Now {
        let minutes = self.start_minute + (self.wall - WALL_0).div_euclid(60_000);
        let day = minutes.div_euclid(1440);
        let date = Date { year: 2026, month: 3, day: u8::try_from(2 + day.clamp(0, 28)).unwrap() };
        let second = u8::try_from((self.wall - WALL_0).div_euclid(1000).rem_euclid(60)).unwrap();
        let local = LocalTime {
            date,
            weekday: Weekday::Monday,
            minute: u16::try_from(minutes.rem_euclid(1440)).unwrap(),
            second,
        };
        Now {
            wall: WallMs(self.wall),
            mono: MonoMs(self.mono),
            local,
            business_date: date,
            quality: ClockQuality::Ntp,
        }
    }

    /// One turn of the core loop, as the shell does it.
    pub fn feed(&mut self, input: Input) {
        let now = self.now();
        let step = self.kiosk.decide(&now, &mut self.ids, input.clone());
        assert_eq!(
            step,
            self.kiosk.decide(&now, &mut self.ids_again(&step), input),
            "decide is not a function"
        );
        self.refusal.clone_from(&step.refusal);
        if let Some(Refusal::NotInTheTables(event)) = &step.refusal {
            panic!("wanted to write {event:?}");
        }
        let crash = self.crash_next.take();
        if crash == Some(Crash::BeforeAppend) {
            return self.power_off();
        }
        self.log.extend(step.events().map(|event| (self.series, event.clone())));
        for change in &step.changes {
            self.kiosk.apply(change);
        }
        let leaving = match crash {
            Some(Crash::AfterEffects(n)) => n,
            Some(Crash::BeforeAppend) | None => usize::MAX,
        };
        for effect in step.effects.iter().take(leaving) {
            self.is_durable(effect);
            self.effects.push_back(effect.clone());
        }
        self.check();
        if crash.is_some() {
            self.power_off();
        }
    }

    /// The ids that the same decision took, to decide it again.
    fn ids_again(&self, step: &Step) -> Counter {
        let mut replayed = self.ids.clone();
        let asked = step.effects.iter().filter(|e| matches!(e, Effect::Reserve { .. })).count();
        let taken = step.events().filter(|e| takes_id(e)).count() + asked;
        replayed.0 -= u128::try_from(taken).unwrap();
        replayed
    }

    fn power_off(&mut self) {
        self.crashed = true;
        self.kiosk = Kiosk::replay(self.config.clone(), self.series, self.log.iter().cloned());
    }

    /// Power off and on again, with the process and everything in memory gone.
    pub fn restart(&mut self) {
        let hash = self.kiosk.state_hash();
        self.power_off();
        assert_eq!(hash, self.kiosk.state_hash());
        self.reboot();
    }

    pub fn reboot(&mut self) {
        self.crashed = false;
        self.effects.clear();
        self.mono = 3_000;
        self.kiosk = Kiosk::replay(self.config.clone(), self.series, self.log.iter().cloned());
        self.start();
    }

    /// I3: whatever leaves has its event on disk.
    fn is_durable(&self, effect: &Effect) {
        let has = |wanted: &dyn Fn(&Event) -> bool| self.log.iter().any(|(_, event)| wanted(event));
        let durable = match effect {
            Effect::Terminal(TerminalEffect::Charge { payment, .. }) => has(
                &|e| matches!(e, Event::Payment(PaymentEvent::SendStarted { payment: p, .. }) if p == payment),
            ),
            Effect::Terminal(TerminalEffect::AcceptResult { payment }) => has(
                &|e| matches!(e, Event::Payment(PaymentEvent::Approved { payment: p, .. }) if p == payment),
            ),
            Effect::Terminal(TerminalEffect::Reverse { payment, .. }) => {
                has(&|e| matches!(e, Event::Payment(PaymentEvent::Reversing { payment: p }) if p == payment))
            }
            Effect::Terminal(TerminalEffect::RefuseGoods { payment }) => has(&|e| {
                matches!(e, Event::Payment(PaymentEvent::RefusedGoods { payment: p }) if p == payment)
                    || matches!(e, Event::Task(_))
            }),
            Effect::Printer(PrinterEffect::Print { receipt, .. }) => {
                has(&|e| matches!(e, Event::Receipt(ReceiptEvent::Sent { receipt: r }) if r == receipt))
            }
            Effect::Kitchen(KitchenEffect::Dispatch { job, .. }) => {
                has(&|e| matches!(e, Event::Kitchen(KitchenEvent::Dispatched { job: j }) if j == job))
            }
            Effect::Terminal(
                TerminalEffect::Abort { .. } | TerminalEffect::QueryLast { .. } | TerminalEffect::EndOfDay,
            )
            | Effect::Drawer(_)
            | Effect::Display(DisplayEffect::Show { .. })
            | Effect::Voice(_)
            | Effect::CheckAgain
            | Effect::Reserve { .. }
            | Effect::CallStaff { .. } => true,
        };
        assert!(durable, "{effect:?} left before its event was on disk");
    }

    /// The invariants, the replay, the deadline and the view.
    fn check(&mut self) {
        if let Err(violation) = self.kiosk.verify_invariants() {
            panic!("{violation}\n{:#?}", self.log.iter().rev().take(12).collect::<Vec<_>>());
        }
        if self.log.len() > self.compared {
            let replayed = Kiosk::replay(self.config.clone(), self.series, self.log.iter().cloned());
            assert!(replayed.ledger() == self.kiosk.ledger(), "a replay gives another ledger");
            self.compared = self.log.len();
        }
        let now = self.now();
        if let Some(at) = self.kiosk.next_deadline() {
            assert!(at > now.mono, "a deadline that has passed would spin: {:?}", self.kiosk.session());
        }
        let view = self.kiosk.view(&now);
        self.has_a_way_on(&view);
        crate::sums::adds_up(&view);
    }

    /// I27: every page has a way on or calls the staff.
    fn has_a_way_on(&self, view: &View) {
        match &view.page {
            Page::PayUnknown(page) => {
                let moves =
                    page.next_ms.is_some() || self.kiosk.next_deadline().is_some() || page.staff_called;
                assert!(moves, "the unknown page would stand for ever");
            }
            Page::AtTerminal(_) => assert!(self.kiosk.next_deadline().is_some(), "waits for ever"),
            Page::Starting
            | Page::Attract(_)
            | Page::Claim(_)
            | Page::Service(_)
            | Page::Menu(_)
            | Page::Item(_)
            | Page::Meal(_)
            | Page::Cart(_)
            | Page::PayChoose(_)
            | Page::PayFailed(_)
            | Page::Done(_)
            | Page::OutOfService(_) => {}
        }
    }

    pub fn tick(&mut self) {
        self.feed(Input::Tick);
    }

    /// Time passes, with ticks where they are due.
    pub fn pass(&mut self, ms: u64) {
        let end = self.mono + ms;
        while let Some(at) = self.kiosk.next_deadline().filter(|at| at.0 <= end) {
            self.jump(at.0 - self.mono);
            self.tick();
        }
        self.jump(end - self.mono);
    }

    pub fn jump(&mut self, ms: u64) {
        self.mono += ms;
        self.wall += i64::try_from(ms).unwrap();
    }

    pub fn intent(&mut self, intent: Intent) {
        self.feed(Input::Intent(intent));
    }

    pub fn pay(&mut self, intent: PayIntent) {
        self.intent(Intent::Pay(intent));
    }

    pub fn cart(&mut self, intent: CartIntent) {
        self.intent(Intent::Cart(intent));
    }

    pub fn terminal(&mut self, input: TerminalInput) {
        self.feed(Input::Terminal(input));
    }

    pub fn printer(&mut self, input: PrinterInput) {
        self.feed(Input::Printer(input));
    }

    pub fn kitchen(&mut self, input: KitchenInput) {
        self.feed(Input::Kitchen(input));
    }

    pub fn staff(&mut self, action: Action) {
        self.feed(Input::Command(Command { origin: Origin::Staff("Ana".into()), action }));
    }

    pub fn view(&self) -> View {
        self.kiosk.view(&self.now())
    }

    pub fn page(&self) -> &'static str {
        self.view().page.name()
    }

    pub fn notice(&self) -> Option<Notice> {
        match self.view().overlay {
            Some(Overlay::Notice(notice)) => Some(notice),
            Some(Overlay::Idle { .. } | Overlay::Languages | Overlay::Easier | Overlay::ConfirmCancel)
            | None => None,
        }
    }

    /// The effects since the last call.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        self.effects.drain(..).filter(|e| !matches!(e, Effect::Display(_))).collect()
    }

    pub fn order(&self) -> &OrderRecord {
        self.kiosk.ledger().in_order().next_back().expect("an order was placed")
    }

    pub fn order_id(&self) -> OrderId {
        self.order().order.id
    }

    pub fn payment(&self) -> &PaymentRecord {
        self.order().last_payment().expect("a payment was created")
    }

    pub fn payment_id(&self) -> PaymentId {
        self.payment().payment.id
    }

    pub fn state(&self) -> &PaymentState {
        &self.payment().state
    }

    /// A customer at the menu.
    pub fn at_menu(&mut self) {
        self.intent(Intent::Start);
        self.intent(Intent::SetMode(domain::cart::ServiceMode::TakeAway));
        self.intent(Intent::OpenCategory(CategoryId::new("burgers")));
    }

    /// One burger alone, and fries, in the cart.
    pub fn with_burger(&mut self) {
        self.at_menu();
        self.intent(Intent::QuickAdd(ItemId::new("burger")));
        self.intent(Intent::Meal(MealIntent::Decline));
        self.intent(Intent::QuickAdd(ItemId::new("fries")));
    }

    /// An order placed, the customer choosing how to pay.
    pub fn placed(&mut self) {
        self.with_burger();
        self.cart(CartIntent::Show);
        self.cart(CartIntent::Checkout);
        assert_eq!(self.page(), "pay-choose");
    }

    /// A charge has been sent.
    pub fn sending(&mut self) {
        self.placed();
        self.pay(PayIntent::Confirm);
        assert_eq!(*self.state(), PaymentState::Sending);
        self.take_effects();
    }

    /// The terminal approved; its word is durable and acknowledged.
    pub fn approved(&mut self) {
        self.sending();
        self.approve();
        assert!(matches!(self.state(), PaymentState::Approved(_)));
    }

    pub fn approve(&mut self) {
        let approval = approval(8, self.payment().payment.amount.0);
        let payment = self.payment_id();
        self.terminal(TerminalInput::Approved { payment, approval, currency: None });
    }

    /// Paid and completed; the number is on the screen.
    pub fn completed(&mut self) {
        self.approved();
        self.take_effects();
        let payment = self.payment_id();
        self.terminal(TerminalInput::Completed { payment });
        assert_eq!(self.page(), "done");
    }

    pub fn lose(&mut self) {
        let payment = self.payment_id();
        self.terminal(TerminalInput::Lost { payment, nothing_sent: false, why: "link lost".into() });
    }

    /// The terminal is back and remembers this.
    pub fn back_with(&mut self, last: LastTransaction) {
        self.back(&LastAnswer::from(last));
    }

    /// The terminal is back; if it is asked, it says the same again.
    pub fn back(&mut self, last: &LastAnswer) {
        if self.kiosk.session().terminal.question.is_some() {
            self.answer(LastAnswer::NoAnswer);
        }
        self.terminal(TerminalInput::Ready { last: last.clone() });
        if self.kiosk.session().terminal.question.is_some() {
            self.answer(last.clone());
        }
    }

    /// The terminal answers the question under way.
    pub fn answer(&mut self, answer: LastAnswer) {
        let question = self.kiosk.session().terminal.question.expect("it was asked").number;
        self.terminal(TerminalInput::Last { question, answer });
    }
}

/// Whether an event carries a new id of its own.
fn takes_id(event: &Event) -> bool {
    matches!(
        event,
        Event::Order(OrderEvent::Placed(_))
            | Event::Payment(PaymentEvent::Created(_))
            | Event::Receipt(ReceiptEvent::Queued { .. })
            | Event::Kitchen(KitchenEvent::Queued { .. })
            | Event::Task(domain::event::TaskEvent::Raised { .. })
    )
}

/// An approved transaction number `n` of this terminal.
/// How many charges were sent to the terminal.
pub fn charges(effects: &[Effect]) -> usize {
    effects.iter().filter(|e| matches!(e, Effect::Terminal(TerminalEffect::Charge { .. }))).count()
}

/// Whether the terminal is asked for its last transaction.
pub fn is_query(effect: &Effect) -> bool {
    matches!(effect, Effect::Terminal(TerminalEffect::QueryLast { .. }))
}

/// What was sent to the receipt printer.
pub fn prints(effects: &[Effect]) -> Vec<ReceiptKind> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Printer(PrinterEffect::Print { document, .. }) => Some(document.kind),
            Effect::Terminal(_)
            | Effect::Kitchen(_)
            | Effect::Drawer(_)
            | Effect::Display(_)
            | Effect::Voice(_)
            | Effect::Reserve { .. }
            | Effect::CheckAgain
            | Effect::CallStaff { .. } => None,
        })
        .collect()
}

pub fn transaction(n: u32, amount: i64) -> LastTransaction {
    LastTransaction {
        trace: Some(n),
        receipt_no: Some(n),
        turnover_no: None,
        amount: Some(domain::Minor(amount)),
        approved: true,
        reversal: false,
    }
}

pub fn approval(n: u32, amount: i64) -> Approval {
    Approval {
        trace: Some(n),
        receipt_no: Some(n),
        auth: Some("123456".into()),
        brand: Some("Visa".into()),
        pan_masked: Some("************4821".into()),
        amount: domain::Minor(amount),
        ..Approval::default()
    }
}
