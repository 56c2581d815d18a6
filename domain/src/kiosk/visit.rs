//! A visit: how it begins, what lies over its pages, how it ends. At its end nothing of the customer remains.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Refusal;
use super::pay_page::PayPage;
use super::turn::Turn;
use crate::cart::{Cart, ServiceMode};
use crate::effect::Effect;
use crate::event::{OrderEvent, TaskKind};
use crate::ids::OrderId;
use crate::intent::{Intent, Preference, ReceiptChoice};
use crate::order::CancelReason;
use crate::session::{CartPrice, Idle, Ordered, Sheet, Stage, Visit};
use crate::spoken::Dialogue;
use crate::text::Lang;
use crate::time::MonoMs;
use crate::view::{Notice, Preferences};

/// The part of a visit that belongs to an order.
pub(super) fn ordered(visit: &Visit) -> Option<&Ordered> {
    match &visit.stage {
        Stage::Ordered(ordered) => Some(ordered),
        Stage::Service | Stage::Browse | Stage::Item(_) | Stage::Meal(_) | Stage::Cart => None,
    }
}

fn new_visit(lang: Lang, mode: Option<ServiceMode>, stage: Stage) -> Visit {
    Visit {
        lang,
        preferences: Preferences::default(),
        mode,
        cart: Cart::default(),
        next_line: 1,
        former_names: BTreeMap::new(),
        price: CartPrice::default(),
        stage,
        sheet: None,
        notice: None,
        undo: None,
        category: None,
        meals_offered: BTreeSet::new(),
        idle: Idle::Never,
        staff_called: false,
        voice: Dialogue::default(),
    }
}

impl Turn<'_> {
    pub(super) fn intent(&mut self, intent: Intent) {
        if self.visit().is_none() && !self.wakes(&intent) {
            return;
        }
        if self.session.visit.is_some() && self.answers_the_idle_warning(&intent) {
            return;
        }
        self.touch();
        if !matches!(intent, Intent::Voice(_) | Intent::Activity) {
            self.close_microphone();
        }
        match intent {
            Intent::Start | Intent::StillHere | Intent::Activity => {}
            Intent::SetLanguage(lang) => self.set_language(lang),
            Intent::ShowLanguages => self.show(Sheet::Languages),
            Intent::ShowEasier => self.show(Sheet::Easier),
            Intent::CloseOverlay => self.close_overlay(),
            Intent::Prefer(preference) => self.prefer(preference),
            Intent::CallStaff => self.call_staff(),
            Intent::CheckAgain => self.refuse(Refusal::NotNow),
            Intent::EndVisit => self.ask_to_end(),
            Intent::Pay(intent) => self.pay_intent(intent),
            Intent::Done(intent) => self.done_intent(intent),
            Intent::Voice(intent) => self.voice_intent(intent),
            Intent::Back => self.back(),
            browsing @ (Intent::SetMode(_)
            | Intent::ShowMenu
            | Intent::OpenCategory(_)
            | Intent::OpenItem(_)
            | Intent::QuickAdd(_)
            | Intent::Item(_)
            | Intent::Meal(_)
            | Intent::Cart(_)) => {
                if self.visit().and_then(ordered).is_some() {
                    self.refuse(Refusal::NotNow);
                } else {
                    self.browse_intent(browsing);
                }
            }
        }
    }

    fn browse_intent(&mut self, intent: Intent) {
        if let Some(visit) = self.visit_mut() {
            visit.sheet = None;
        }
        match intent {
            Intent::SetMode(mode) => self.set_mode(mode),
            Intent::ShowMenu => self.show_menu(),
            Intent::OpenCategory(category) => self.open_category(category),
            Intent::OpenItem(item) => self.open_item(&item),
            Intent::QuickAdd(item) => self.quick_add(&item),
            Intent::Item(intent) => self.item_intent(intent),
            Intent::Meal(intent) => self.meal_intent(intent),
            Intent::Cart(intent) => self.cart_intent(intent),
            Intent::Start
            | Intent::SetLanguage(_)
            | Intent::ShowLanguages
            | Intent::ShowEasier
            | Intent::CloseOverlay
            | Intent::Prefer(_)
            | Intent::Back
            | Intent::Pay(_)
            | Intent::Done(_)
            | Intent::Voice(_)
            | Intent::StillHere
            | Intent::EndVisit
            | Intent::CallStaff
            | Intent::CheckAgain
            | Intent::Activity => {}
        }
    }

    /// Whether an intent without a visit is to be followed; begins the visit if so.
    fn wakes(&mut self, intent: &Intent) -> bool {
        match intent {
            Intent::Start | Intent::SetLanguage(_) | Intent::ShowLanguages | Intent::ShowEasier => {
                if self.can_serve() {
                    self.begin_visit();
                } else {
                    self.refuse(Refusal::NotNow);
                }
                self.can_serve()
            }
            Intent::CallStaff => {
                self.call_staff();
                false
            }
            Intent::CheckAgain => {
                if self.session.claim.is_some() {
                    self.effect(Effect::CheckAgain);
                } else {
                    self.refuse(Refusal::NotNow);
                }
                false
            }
            Intent::Activity => false,
            Intent::CloseOverlay
            | Intent::Prefer(_)
            | Intent::SetMode(_)
            | Intent::Back
            | Intent::ShowMenu
            | Intent::OpenCategory(_)
            | Intent::OpenItem(_)
            | Intent::QuickAdd(_)
            | Intent::Item(_)
            | Intent::Meal(_)
            | Intent::Cart(_)
            | Intent::Pay(_)
            | Intent::Done(_)
            | Intent::Voice(_)
            | Intent::StillHere
            | Intent::EndVisit => {
                self.refuse(Refusal::NotNow);
                false
            }
        }
    }

    /// Any contact during the warning keeps the visit and does nothing else.
    fn answers_the_idle_warning(&mut self, intent: &Intent) -> bool {
        let warned = self.visit().is_some_and(|visit| matches!(visit.idle, Idle::Warning { .. }));
        if warned {
            if *intent == Intent::EndVisit {
                self.end_visit(CancelReason::Customer);
            } else {
                self.touch();
            }
        }
        warned
    }

    /// Whether a new customer can be served, or the one who is here served on.
    pub(super) fn can_serve(&self) -> bool {
        self.session.started
            && self.session.fault.is_none()
            && !self.session.restarting
            && self.ledger.closed.is_none()
            && self.session.menu.is_some()
            && (self.session.claim.is_none() || self.session.visit.is_some())
    }

    pub(super) fn begin_visit(&mut self) {
        let mode = match self.config.modes.as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        let visit = new_visit(self.default_lang(), mode, Stage::Service);
        self.session.visit = Some(Arc::new(visit));
        self.touch();
    }

    /// The order on the screen is over and its cart forgotten: the same customer begins anew, as they like to read.
    pub(super) fn begin_again(&mut self) {
        let Some((lang, preferences)) = self.visit().map(|visit| (visit.lang.clone(), visit.preferences))
        else {
            return;
        };
        self.begin_visit();
        if let Some(visit) = self.visit_mut() {
            visit.lang = lang;
            visit.preferences = preferences;
        }
    }

    /// An order that the last life of the process left behind comes back to the screen.
    pub(super) fn resume_visit(&mut self, order: OrderId) {
        let Some(record) = self.ledger.order(order) else { return };
        let stage = Stage::Ordered(Ordered {
            receipt: record.paid.map(|_| ReceiptChoice::Paper),
            ..Ordered::new(order)
        });
        let visit = new_visit(record.order.lang.clone(), Some(record.order.mode), stage);
        self.session.visit = Some(Arc::new(visit));
    }

    /// Somebody is there: the patience starts anew.
    pub(super) fn touch(&mut self) {
        let patience = self.patience();
        let now = self.now.mono;
        if let Some(visit) = self.visit_mut() {
            visit.idle = patience.map_or(Idle::Never, |ms| Idle::Counting { until: now.plus(ms) });
            if let Stage::Ordered(ordered) = &mut visit.stage {
                ordered.closes_at = None;
            }
        }
    }

    /// Nobody seems to be there: the question of the end of patience comes now. Whoever is there answers it; at the terminal
    /// nobody is asked.
    pub(super) fn ask_who_is_there(&mut self) {
        let now = self.now.mono;
        if let Some(visit) = self.visit_mut()
            && matches!(visit.idle, Idle::Counting { .. })
        {
            visit.idle = Idle::Counting { until: now };
        }
    }

    /// How long this page waits without a touch; `None`: for ever.
    fn patience(&self) -> Option<u64> {
        let visit = self.visit()?;
        let times = &self.config.times;
        match self.pay_page() {
            None if visit.preferences.large_text || visit.preferences.speech => {
                Some(times.idle_browse_slow_ms)
            }
            None => Some(times.idle_browse_ms),
            Some(PayPage::Choose | PayPage::Failed) => Some(times.idle_checkout_ms),
            Some(PayPage::AtTerminal | PayPage::Unknown | PayPage::Done | PayPage::Gone) => None,
        }
    }

    /// The page of the order on the screen; `None` before checkout.
    pub(super) fn pay_page(&self) -> Option<PayPage> {
        let ordered = ordered(self.visit()?)?;
        let record = self.ledger.order(ordered.order);
        Some(record.map_or(PayPage::Gone, |record| PayPage::of(record, ordered.choosing)))
    }

    fn set_language(&mut self, lang: Lang) {
        let offered = self.menu().is_some_and(|menu| menu.catalog.languages.contains(&lang));
        if !offered {
            return self.refuse(Refusal::NotFound);
        }
        if let Some(visit) = self.visit_mut() {
            visit.lang = lang;
            visit.sheet = None;
        }
    }

    pub(super) fn show(&mut self, sheet: Sheet) {
        if let Some(visit) = self.visit_mut() {
            visit.sheet = Some(sheet);
        }
    }

    fn close_overlay(&mut self) {
        if let Some(visit) = self.visit_mut() {
            visit.sheet = None;
            visit.notice = None;
        }
    }

    fn prefer(&mut self, preference: Preference) {
        let Some(visit) = self.visit_mut() else { return };
        let preferences = &mut visit.preferences;
        let switch = match preference {
            Preference::LargeText => &mut preferences.large_text,
            Preference::HighContrast => &mut preferences.high_contrast,
            Preference::Reach => &mut preferences.reach,
            Preference::LeftHanded => &mut preferences.left_handed,
            Preference::Speech => &mut preferences.speech,
        };
        *switch = !*switch;
    }

    pub(super) fn set_mode(&mut self, mode: ServiceMode) {
        if !self.config.modes.contains(&mode) {
            return self.refuse(Refusal::NotAllowed);
        }
        if let Some(visit) = self.visit_mut() {
            visit.mode = Some(mode);
            if visit.stage == Stage::Service {
                visit.stage = Stage::Browse;
            }
        }
        self.cart_changed();
    }

    fn back(&mut self) {
        let Some(visit) = self.visit() else { return };
        match &visit.stage {
            Stage::Service if visit.cart.lines.is_empty() => self.end_visit(CancelReason::Customer),
            Stage::Service if visit.mode.is_none() => self.refuse(Refusal::NotNow),
            Stage::Service => self.go(Stage::Browse),
            Stage::Browse => self.go(Stage::Service),
            Stage::Item(draft) if draft.editing.is_some() => self.go(Stage::Cart),
            Stage::Meal(draft) if draft.editing.is_some() => self.go(Stage::Cart),
            Stage::Item(_) | Stage::Meal(_) | Stage::Cart => self.go(Stage::Browse),
            Stage::Ordered(_) => self.back_from_payment(),
        }
    }

    pub(super) fn go(&mut self, stage: Stage) {
        if let Some(visit) = self.visit_mut() {
            visit.stage = stage;
        }
    }

    /// "Really cancel?" first, if anything would be lost.
    pub(super) fn ask_to_end(&mut self) {
        let Some(visit) = self.visit() else { return };
        let confirmed = visit.sheet == Some(Sheet::ConfirmCancel);
        let loses = match self.pay_page() {
            None => !visit.cart.lines.is_empty(),
            Some(PayPage::Choose) => true,
            // Money that the terminal gave back by itself leaves nothing to lose.
            Some(PayPage::Failed) => self.order_can_be_given_up(),
            Some(PayPage::Done | PayPage::Gone) => false,
            Some(PayPage::AtTerminal | PayPage::Unknown) => return self.refuse(Refusal::NotNow),
        };
        if loses && !confirmed {
            self.show(Sheet::ConfirmCancel);
        } else {
            self.end_visit(CancelReason::Customer);
        }
    }

    fn order_can_be_given_up(&self) -> bool {
        let order = self.visit().and_then(ordered).map(|ordered| ordered.order);
        order.is_some_and(|order| {
            self.ledger.permits(&OrderEvent::Cancelled { order, why: CancelReason::Customer }.into())
        })
    }

    /// Ends the visit; an unpaid order goes with it. Not while a payment is under way.
    pub(super) fn end_visit(&mut self, why: CancelReason) {
        match self.pay_page() {
            Some(PayPage::AtTerminal | PayPage::Unknown) => return self.refuse(Refusal::NotNow),
            Some(PayPage::Choose | PayPage::Failed) => {
                if let Some(order) = self.visit().and_then(ordered).map(|ordered| ordered.order)
                    && self.order_can_be_given_up()
                {
                    self.give_up(order, OrderEvent::Cancelled { order, why });
                }
            }
            Some(PayPage::Done) => self.leave_original(),
            None | Some(PayPage::Gone) => {}
        }
        self.session.visit = None;
    }

    /// Ends a visit that has ordered nothing yet: the kiosk stops selling.
    pub(super) fn end_browsing(&mut self) {
        if self.visit().is_some_and(|visit| ordered(visit).is_none()) {
            self.session.visit = None;
        }
    }

    pub(super) fn call_staff(&mut self) {
        let order = self.visit().and_then(ordered).map(|ordered| ordered.order);
        let kind = TaskKind::CustomerCalled { order };
        if self.ledger.tasks.values().any(|task| task.kind == kind) {
            // Somebody is on the way; the bell may ring again, the list does not grow.
            self.effect(Effect::CallStaff { about: "a customer called again".into() });
        } else {
            self.raise(kind, "a customer called");
        }
        if let Some(visit) = self.visit_mut() {
            visit.staff_called = true;
        }
        self.notice(Notice::StaffCalled);
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        let until = self.now.mono.plus(self.config.times.notice_ms);
        if let Some(visit) = self.visit_mut() {
            visit.notice = Some((notice, until));
        }
    }

    /// What time does to a visit.
    pub(super) fn visit_duties(&mut self) {
        self.messages_over();
        if self.session.fault.is_some() && matches!(self.pay_page(), Some(PayPage::Choose | PayPage::Failed))
        {
            self.end_visit(CancelReason::Staff);
        }
        match self.pay_page() {
            Some(PayPage::Gone) => self.session.visit = None,
            Some(PayPage::Done) => self.done_duties(),
            None | Some(PayPage::Choose | PayPage::AtTerminal | PayPage::Failed | PayPage::Unknown) => {}
        }
        self.idle_duties();
    }

    fn messages_over(&mut self) {
        let now = self.now.mono;
        let is_over = |until: MonoMs| until <= now;
        let Some(visit) = self.visit() else { return };
        let notice_over = visit.notice.as_ref().is_some_and(|(_, until)| is_over(*until));
        let undo_over = visit.undo.as_ref().is_some_and(|undo| is_over(undo.until));
        if let Some(visit) = self.visit_mut().filter(|_| notice_over || undo_over) {
            visit.notice = visit.notice.take().filter(|_| !notice_over);
            visit.undo = visit.undo.take().filter(|_| !undo_over);
        }
    }

    fn idle_duties(&mut self) {
        let now = self.now.mono;
        let patience = self.patience();
        let warning = self.config.times.idle_warning_ms.max(crate::config::Times::WARNING_MIN_MS);
        let Some(visit) = self.visit() else { return };
        let next = match (patience, visit.idle) {
            (None, _) => Idle::Never,
            (Some(ms), Idle::Never) => Idle::Counting { until: now.plus(ms) },
            (Some(_), Idle::Counting { until }) if until <= now => Idle::Warning { until: now.plus(warning) },
            (Some(_), Idle::Warning { until }) if until <= now => {
                return self.end_visit(CancelReason::Idle);
            }
            (Some(_), waiting @ (Idle::Counting { .. } | Idle::Warning { .. })) => waiting,
        };
        if next != visit.idle
            && let Some(visit) = self.visit_mut()
        {
            visit.idle = next;
        }
    }

    /// The number page closes by itself some time after the paper came out.
    fn done_duties(&mut self) {
        let Some(ordered) = self.visit().and_then(ordered) else { return };
        let order = ordered.order;
        let now = self.now.mono;
        let done = self.config.times.done_ms;
        let closes_at = match (self.is_printing(order), ordered.closes_at) {
            (true, _) => None,
            (false, None) => Some(now.plus(done)),
            (false, Some(at)) if at <= now => return self.end_visit(CancelReason::Customer),
            (false, waiting @ Some(_)) => waiting,
        };
        if closes_at != ordered.closes_at
            && let Some(ordered) = self.ordered_mut(order)
        {
            ordered.closes_at = closes_at;
        }
    }
}

impl Ordered {
    /// An order just placed.
    pub(super) fn new(order: OrderId) -> Self {
        Self { order, tip: None, tender: None, choosing: false, receipt: None, closes_at: None }
    }
}
