//! What the customer does: mostly what the page asks for, sometimes anything at all.

use domain::cart::ServiceMode;
use domain::ids::{CategoryId, GroupId, ItemId, LineId, ModifierId, SlotId, VariationId};
use domain::intent::{
    CartIntent, DoneIntent, Intent, ItemIntent, MealIntent, PayIntent, Preference, ReceiptChoice,
};
use domain::money::Minor;
use domain::payment::Tender;
use domain::text::Lang;

use super::Life;

impl Life {
    /// What a customer would do on this page.
    pub(super) fn sensible_intent(&mut self) -> Intent {
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

    pub(super) fn item(&mut self) -> ItemId {
        let items = ["burger", "meal", "fries", "cola", "juice", "water", "toast", "beer", "gone"];
        ItemId::new(self.rng.word(&items))
    }

    pub(super) fn item_intent(&mut self) -> ItemIntent {
        let group = GroupId::new(self.rng.word(&["bun", "extra", "without"]));
        let modifier = ModifierId::new(self.rng.word(&["rye", "brioche", "egg", "bacon", "onion"]));
        match self.rng.below(4) {
            0 => ItemIntent::Toggle(group, modifier),
            1 => ItemIntent::Count(group, modifier, if self.rng.chance(60) { 1 } else { -1 }),
            2 => ItemIntent::Quantity(*self.rng.pick(&[1, -1, 5, i32::MAX, i32::MIN])),
            _ => ItemIntent::Variation(VariationId::new(self.rng.word(&["burger-2", "burger-1", "cola"]))),
        }
    }

    pub(super) fn pick_for_meal(&mut self) -> Intent {
        let (slot, variation) = *self.rng.pick(&[
            ("main", "burger-1"),
            ("main", "burger-2"),
            ("side", "fries"),
            ("drink", "cola"),
            ("drink", "juice"),
        ]);
        Intent::Meal(MealIntent::Pick(SlotId::new(slot), VariationId::new(variation)))
    }

    pub(super) fn cart_intent(&mut self) -> CartIntent {
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
    pub(super) fn checkout_or_tidy(&self) -> CartIntent {
        let visit = self.w.kiosk.session().visit.as_deref();
        let gone = visit.and_then(|visit| visit.price.unavailable.keys().next().copied());
        gone.map_or(CartIntent::Checkout, CartIntent::Remove)
    }

    pub(super) fn receipt_choice(&mut self) -> ReceiptChoice {
        *self.rng.pick(&[ReceiptChoice::Paper, ReceiptChoice::Phone, ReceiptChoice::None])
    }

    /// Anything at all, whatever the page.
    pub(super) fn any_intent(&mut self) -> Intent {
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
