//! A kiosk without screen and wires: the real core and the demo catalog, with devices that agree at once.
//!
//! It sells the same order again and again, step by step as the daemon does: decide, keep, apply, effects.
//! Keeping the events is the caller's business.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use domain::cart::ServiceMode;
use domain::effect::{KitchenEffect, PrinterEffect, TerminalEffect};
use domain::event::Change;
use domain::ids::{GroupId, IdSource, ItemId, ModifierId, PaymentId, Uuid, VariationId};
use domain::input::{
    Action, Command, KitchenInput, LastAnswer, Origin, PrinterCondition, PrinterInput, TerminalInput,
};
use domain::intent::{CartIntent, DoneIntent, ItemIntent, MealIntent, PayIntent, ReceiptChoice};
use domain::kiosk::Kiosk;
use domain::money::Minor;
use domain::payment::{Approval, LastTransaction};
use domain::receipt::ReceiptDocument;
use domain::time::{ClockQuality, Date, LocalTime, MonoMs, WallMs, Weekday};
use domain::view::Page;
use domain::{Effect, Event, Input, Intent, KioskConfig, Now};
use store::{CatalogDocument, Clocks};

use crate::rig::root;

/// Between two orders of a busy kiosk.
const ORDER_EVERY_MS: i64 = 90_000;

/// Between two inputs of one order: a customer needs longer, the clock does not mind.
const INPUT_EVERY_MS: i64 = 1_000;

/// A kiosk that sells.
pub(crate) struct Till {
    /// The core.
    pub kiosk: Kiosk,
    /// What the last step decided, for benches that look at it.
    pub spent: Spent,
    /// The document of the demo catalog, as the store keeps it.
    pub document: CatalogDocument,
    /// The last receipt that went to the printer.
    pub receipt: Option<Arc<ReceiptDocument>>,
    now_ms: i64,
    started_ms: i64,
    ids: UuidV7,
    last: Option<LastTransaction>,
    receipts: u32,
}

/// What the steps of an order cost in the core.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spent {
    /// Each call of decide and apply.
    pub steps: Vec<Duration>,
    /// Each view.
    pub views: Vec<Duration>,
}

/// Keeps the events of one step; they are durable when it returns.
pub(crate) type Keep<'a> = &'a mut dyn FnMut(&[Event], Clocks, &mut dyn IdSource) -> anyhow::Result<()>;

impl Till {
    /// A kiosk with the demo catalog that has not sold anything, at this time of the wall clock.
    pub fn new(config: KioskConfig, now_ms: i64, keep: Keep<'_>) -> anyhow::Result<Self> {
        let path = root().join("catalog/alder-and-rye/catalog.json");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let catalog = protocol::catalog::parse_json(&text, "catalog.json")?.into_domain()?;
        let document = CatalogDocument { rev: catalog.rev, bytes: text.into_bytes() };
        let sha256 = store::sha256(&document.bytes);
        let mut till = Self {
            kiosk: Kiosk::new(Arc::new(config), 1),
            spent: Spent::default(),
            document,
            receipt: None,
            now_ms,
            started_ms: now_ms,
            ids: UuidV7 { wall_ms: now_ms, count: 0 },
            last: None,
            receipts: 0,
        };
        let action = Action::ActivateCatalog { catalog: Arc::new(catalog), sha256 };
        till.follow(Input::Command(Command { origin: Origin::Kiosk, action }), keep)?;
        till.follow(Input::Started, keep)?;
        till.follow(Input::Printer(PrinterInput::Condition(PrinterCondition::Ready)), keep)?;
        till.follow(Input::Kitchen(KitchenInput::Reachable(true)), keep)?;
        till.follow(Input::Terminal(TerminalInput::Ready { last: LastAnswer::Empty }), keep)?;
        Ok(till)
    }

    /// Sells one order: two double Bacon & Rye without onion and fries, by card, with a paper receipt.
    pub fn sell(&mut self, keep: Keep<'_>) -> anyhow::Result<()> {
        self.now_ms += ORDER_EVERY_MS;
        for intent in before_the_meal() {
            self.follow(Input::Intent(intent), keep)?;
        }
        self.decline_meal(keep)?;
        self.follow(Input::Intent(Intent::QuickAdd(ItemId::new("rye-salt-fries"))), keep)?;
        self.decline_meal(keep)?;
        for intent in [
            Intent::Cart(CartIntent::Show),
            Intent::Cart(CartIntent::Checkout),
            Intent::Pay(PayIntent::Confirm),
        ] {
            self.follow(Input::Intent(intent), keep)?;
        }
        let page = self.kiosk.view(&self.now()).page.name();
        anyhow::ensure!(page == "done", "the order ended on the page {page:?}");
        self.follow(Input::Intent(Intent::Done(DoneIntent::Receipt(ReceiptChoice::Paper))), keep)?;
        self.follow(Input::Intent(Intent::Done(DoneIntent::Close)), keep)
    }

    fn decline_meal(&mut self, keep: Keep<'_>) -> anyhow::Result<()> {
        if matches!(self.kiosk.view(&self.now()).page, Page::Meal(_)) {
            self.follow(Input::Intent(Intent::Meal(MealIntent::Decline)), keep)?;
        }
        Ok(())
    }

    /// One input and everything the devices answer.
    fn follow(&mut self, input: Input, keep: Keep<'_>) -> anyhow::Result<()> {
        let mut waiting = VecDeque::from([input]);
        while let Some(input) = waiting.pop_front() {
            self.now_ms += INPUT_EVERY_MS;
            let now = self.now();
            let begun = Instant::now();
            let step = self.kiosk.decide(&now, &mut self.ids, input);
            let mut spent = begun.elapsed();
            anyhow::ensure!(step.refusal.is_none(), "the core refuses: {:?}", step.refusal);
            let events: Vec<Event> = step.events().cloned().collect();
            if !events.is_empty() {
                keep(&events, clocks(&now), &mut self.ids)?;
            }
            let begun = Instant::now();
            step.changes.iter().for_each(|change: &Change| self.kiosk.apply(change));
            spent += begun.elapsed();
            self.spent.steps.push(spent);
            let begun = Instant::now();
            let view = self.kiosk.view(&now);
            self.spent.views.push(begun.elapsed());
            drop(view);
            for effect in step.effects {
                self.answer(effect, &mut waiting);
            }
        }
        Ok(())
    }

    fn answer(&mut self, effect: Effect, waiting: &mut VecDeque<Input>) {
        match effect {
            Effect::Terminal(effect) => {
                waiting.extend(self.terminal(effect).into_iter().map(Input::Terminal))
            }
            Effect::Printer(PrinterEffect::Print { receipt, document }) => {
                self.receipt = Some(document);
                waiting.push_back(Input::Printer(PrinterInput::Confirmed { receipt }));
            }
            Effect::Kitchen(KitchenEffect::Dispatch { job, .. }) => {
                waiting.push_back(Input::Kitchen(KitchenInput::Taken { job }));
            }
            Effect::Drawer(_)
            | Effect::Display(_)
            | Effect::Voice(_)
            | Effect::CheckAgain
            | Effect::Reserve { .. }
            | Effect::CallStaff { .. } => {}
        }
    }

    fn terminal(&mut self, effect: TerminalEffect) -> Vec<TerminalInput> {
        match effect {
            TerminalEffect::Charge { payment, amount, currency } => {
                let approval = self.approve(amount);
                let currency = Some(currency);
                vec![
                    TerminalInput::Started { payment },
                    TerminalInput::Approved { payment, approval, currency },
                ]
            }
            TerminalEffect::AcceptResult { payment } => self.finish(payment),
            TerminalEffect::QueryLast { question } => {
                let answer = self.last.clone().map_or(LastAnswer::Empty, LastAnswer::from);
                vec![TerminalInput::Last { question, answer }]
            }
            TerminalEffect::RefuseGoods { .. }
            | TerminalEffect::Abort { .. }
            | TerminalEffect::Reverse { .. }
            | TerminalEffect::EndOfDay => Vec::new(),
        }
    }

    fn approve(&mut self, amount: Minor) -> Approval {
        self.receipts += 1;
        let number = Some(self.receipts);
        let last = LastTransaction {
            trace: number,
            receipt_no: number,
            turnover_no: number,
            amount: Some(amount),
            approved: true,
            reversal: false,
        };
        self.last = Some(last);
        Approval {
            trace: number,
            receipt_no: number,
            turnover_no: number,
            auth: Some("042042".into()),
            brand: Some("Visa".into()),
            pan_masked: Some("************4821".into()),
            aid: Some("A0000000031010".into()),
            amount,
        }
    }

    fn finish(&self, payment: PaymentId) -> Vec<TerminalInput> {
        let line = |text: &str| text.into();
        let lines = vec![line("** CUSTOMER COPY **"), line("VISA ************4821"), line("APPROVED 042042")];
        vec![
            TerminalInput::ReceiptText { payment, customer: true, lines },
            TerminalInput::Completed { payment },
        ]
    }

    /// Noon of one and the same day, while the clocks go on: everything on the menu can be had.
    pub fn now(&self) -> Now {
        let date = Date { year: 2026, month: 11, day: 20 };
        Now {
            wall: WallMs(self.now_ms),
            mono: MonoMs(u64::try_from(self.now_ms - self.started_ms).unwrap_or(0)),
            local: LocalTime { date, weekday: Weekday::Friday, minute: 12 * 60, second: 0 },
            business_date: date,
            quality: ClockQuality::Rtc,
        }
    }
}

fn before_the_meal() -> [Intent; 7] {
    let double = VariationId::new("bacon-rye-double");
    let no_onion = (GroupId::new("leave-out"), ModifierId::new("onion"));
    [
        Intent::Start,
        Intent::SetMode(ServiceMode::DineIn),
        Intent::OpenItem(ItemId::new("bacon-rye")),
        Intent::Item(ItemIntent::Variation(double)),
        Intent::Item(ItemIntent::Toggle(no_onion.0, no_onion.1)),
        Intent::Item(ItemIntent::Quantity(1)),
        Intent::Item(ItemIntent::Confirm),
    ]
}

/// As the store wants an instant.
pub(crate) fn clocks(now: &Now) -> Clocks {
    Clocks { wall_ms: now.wall.0, mono_ms: now.mono.0, quality: 1 }
}

/// Counted UUIDs in the layout of version 7, so that index pages fill as with real ones.
struct UuidV7 {
    wall_ms: i64,
    count: u64,
}

impl IdSource for UuidV7 {
    fn next_id(&mut self) -> Uuid {
        self.count += 1;
        let mut bytes = [0; 16];
        let time = self.wall_ms.unsigned_abs() + self.count;
        bytes[..6].copy_from_slice(&time.to_be_bytes()[2..]);
        bytes[6] = 0x70;
        bytes[8] = 0x80;
        bytes[9..].copy_from_slice(&self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[1..]);
        Uuid(bytes)
    }
}
