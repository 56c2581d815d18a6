//! One turn of [`super::Kiosk::decide`]: a working copy of the state on which the subsystems decide, and the
//! list of what they decided. An event is applied to the copy at once, so that a later decision of the same
//! turn sees what an earlier one did.

use std::sync::Arc;

use super::ledger::Ledger;
use super::menu::Menu;
use super::{Kiosk, Refusal, Step};
use crate::config::KioskConfig;
use crate::effect::{
    DisplayEffect, DrawerEffect, Effect, KitchenEffect, PrinterEffect, TerminalEffect, VoiceEffect,
};
use crate::event::{
    CatalogEvent, Change, DrawerEvent, Event, KitchenEvent, OrderEvent, PaymentEvent, ReceiptEvent,
    ServiceEvent, StockEvent, TaskEvent, TaskKind,
};
use crate::ids::{IdSource, TaskId, Uuid};
use crate::session::{Session, Visit};
use crate::text::Lang;
use crate::time::Now;

/// The language when neither settings nor catalog name one.
const LAST_RESORT_LANG: &str = "en";

pub(crate) struct Turn<'a> {
    pub config: &'a KioskConfig,
    pub now: &'a Now,
    ids: &'a mut dyn IdSource,
    pub ledger: Arc<Ledger>,
    pub session: Session,
    changes: Vec<Change>,
    effects: Vec<Effect>,
    refusal: Option<Refusal>,
    /// The utterance that the microphone was open for.
    pub(super) listened_to: Option<u32>,
}

impl<'a> Turn<'a> {
    pub fn new(kiosk: &'a Kiosk, now: &'a Now, ids: &'a mut dyn IdSource) -> Self {
        Self {
            config: &kiosk.config,
            now,
            ids,
            ledger: kiosk.ledger.clone(),
            session: kiosk.session.clone(),
            changes: Vec::new(),
            effects: Vec::new(),
            refusal: None,
            listened_to: kiosk.session.visit.as_ref().and_then(|visit| visit.voice.phase.listening()),
        }
    }

    /// What was decided, with the parts of the session that differ from `before`.
    pub fn finish(mut self, before: &Session) -> Step {
        self.changes.extend(self.session.changes_since(before).into_iter().map(Change::Session));
        Step { changes: self.changes, effects: self.effects, refusal: self.refusal }
    }

    /// Writes an event down. What the tables do not allow is refused and changes nothing: the caller has a
    /// mistake, which the shell reports.
    pub fn record(&mut self, event: impl Into<Event>) -> bool {
        let event = event.into();
        if !self.ledger.permits(&event) {
            self.refusal = Some(Refusal::NotInTheTables(Box::new(event)));
            return false;
        }
        Arc::make_mut(&mut self.ledger).apply(&event);
        self.changes.push(Change::Event(event));
        true
    }

    pub fn effect(&mut self, effect: impl Into<Effect>) {
        self.effects.push(effect.into());
    }

    pub fn refuse(&mut self, refusal: Refusal) {
        self.refusal = Some(refusal);
    }

    pub fn new_id(&mut self) -> Uuid {
        self.ids.next_id()
    }

    /// The visit, to change it.
    pub fn visit_mut(&mut self) -> Option<&mut Visit> {
        self.session.visit.as_mut().map(Arc::make_mut)
    }

    pub fn visit(&self) -> Option<&Visit> {
        self.session.visit.as_deref()
    }

    pub fn menu(&self) -> Option<Arc<Menu>> {
        self.session.menu.clone()
    }

    pub fn default_lang(&self) -> Lang {
        default_lang(self.config, &self.session)
    }

    /// Raises a task and calls somebody.
    pub fn raise(&mut self, kind: TaskKind, about: &str) {
        let task = TaskId(self.new_id());
        if self.record(TaskEvent::Raised { task, kind, at: self.now.wall }) {
            self.effect(Effect::CallStaff { about: about.into() });
        }
    }
}

/// The language of a page without a customer.
pub(crate) fn default_lang(config: &KioskConfig, session: &Session) -> Lang {
    let wanted = config.default_lang.clone();
    let lang = match &session.menu {
        Some(menu) => {
            let spoken = &menu.catalog.languages;
            wanted.filter(|lang| spoken.contains(lang)).or_else(|| spoken.first().cloned())
        }
        None => wanted,
    };
    lang.unwrap_or_else(|| Lang::new(LAST_RESORT_LANG))
}

macro_rules! into_enum {
    ($target:ident: $($variant:ident($part:ident)),* $(,)?) => {$(
        impl From<$part> for $target {
            fn from(part: $part) -> Self {
                Self::$variant(part)
            }
        }
    )*};
}

into_enum!(Event:
    Order(OrderEvent), Payment(PaymentEvent), Receipt(ReceiptEvent), Kitchen(KitchenEvent),
    Catalog(CatalogEvent), Service(ServiceEvent), Drawer(DrawerEvent), Task(TaskEvent),
    Stock(StockEvent),
);
into_enum!(Effect:
    Terminal(TerminalEffect), Printer(PrinterEffect), Kitchen(KitchenEffect), Drawer(DrawerEffect),
    Display(DisplayEffect), Voice(VoiceEffect),
);
