//! The complete description of what the customer should see. Level-triggered: only the newest counts. Words
//! from the catalog come in the customer's language; the words of the pages themselves belong to `ui`.
//! Money comes as minor units of [`View::currency`].

mod claim;
mod pay;
mod voice;

use std::sync::Arc;

use crate::cart::ServiceMode;
use crate::catalog::{Allergens, Diet, GroupStyle, Poster, Tint};
use crate::ids::{CategoryId, GroupId, ItemId, LineId, ModifierId, SlotId, VariationId};
use crate::money::{Currency, Minor};
use crate::text::Lang;
use crate::time::LocalTime;

pub use claim::{ClaimCodeView, ClaimView, FleetCheck};
pub use pay::{
    AtTerminalView, DoneView, PaperState, PayChooseView, PayFailedView, PayFailure, PayUnknownView,
    Settlement, Side, TenderOption, TerminalPrompt, TerminalStep, TipOption, UnknownFact, UnknownStep,
};
pub use voice::{VoiceAsks, VoiceLine, VoiceQuestion, VoiceState, VoiceView};

/// What the customer should see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    /// Language of the visit.
    pub lang: Lang,
    /// Languages to choose from; none while no catalog is known.
    pub languages: Vec<Lang>,
    /// Currency of every amount.
    pub currency: Currency,
    /// The name over the door.
    pub brand: Arc<str>,
    /// What the page without a customer shows.
    pub poster: Poster,
    /// What makes the screen easier to use for this customer.
    pub preferences: Preferences,
    /// Eat in or take away, once chosen.
    pub mode: Option<ServiceMode>,
    /// The cart in one line; shown on every page from the menu on.
    pub cart: CartSummary,
    /// The page.
    pub page: Page,
    /// What lies over it.
    pub overlay: Option<Overlay>,
    /// Ordering by voice, on the menu; `None`: there is nothing of it to show.
    pub voice: Option<VoiceView>,
    /// What is not as usual, told without stopping anything.
    pub banners: Banners,
}

/// What a customer can switch on; reset after each visit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Preferences {
    /// Text of one and a half times the size.
    pub large_text: bool,
    /// Black, white and yellow.
    pub high_contrast: bool,
    /// Everything to press in the lower part.
    pub reach: bool,
    /// Controls mirrored for the left hand.
    pub left_handed: bool,
    /// Speech output.
    pub speech: bool,
}

/// The cart in one line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CartSummary {
    /// Pieces.
    pub count: u32,
    /// What they cost.
    pub total: Minor,
    /// Picture of its first line; empty if there is none.
    pub picture: Arc<str>,
}

/// What is not as usual.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Banners {
    /// The fleet has not been reached since then.
    pub offline_since: Option<LocalTime>,
    /// There will be no paper receipt.
    pub no_paper: bool,
    /// Cards cannot be taken; pay at the counter.
    pub no_cards: bool,
}

/// A page. Exactly one is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Page {
    /// The program has just started.
    Starting,
    /// Waiting for a customer.
    Attract(AttractView),
    /// Waiting for a fleet to claim it; nothing is sold before.
    Claim(ClaimView),
    /// Language and eat in / take away.
    Service(ServiceView),
    /// A category of the menu.
    Menu(MenuView),
    /// One item with its choices.
    Item(ItemView),
    /// "Make it a meal?" or filling a combo's slots.
    Meal(MealView),
    /// The cart.
    Cart(CartView),
    /// How to pay.
    PayChoose(PayChooseView),
    /// Something happens at the payment terminal.
    AtTerminal(AtTerminalView),
    /// No money was taken.
    PayFailed(PayFailedView),
    /// Do not pay again, ask staff.
    PayUnknown(PayUnknownView),
    /// The order number.
    Done(DoneView),
    /// Nothing can be sold here now.
    OutOfService(OutOfServiceView),
}

impl Page {
    /// A stable name for logs, scripts and screenshots.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Attract(_) => "attract",
            Self::Claim(_) => "claim",
            Self::Service(_) => "service",
            Self::Menu(_) => "menu",
            Self::Item(_) => "item",
            Self::Meal(_) => "meal",
            Self::Cart(_) => "cart",
            Self::PayChoose(_) => "pay-choose",
            Self::AtTerminal(_) => "at-terminal",
            Self::PayFailed(_) => "pay-failed",
            Self::PayUnknown(_) => "pay-unknown",
            Self::Done(_) => "done",
            Self::OutOfService(_) => "out-of-service",
        }
    }
}

/// Waiting for a customer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttractView {
    /// Pictures that may be shown, in turn.
    pub pictures: Vec<Arc<str>>,
}

/// Language and service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceView {
    /// Local minute of the day, for the greeting.
    pub minute_of_day: u16,
    /// Pictures for the counter.
    pub pictures: Vec<Arc<str>>,
    /// The ways offered (usually eat in and take away).
    pub modes: Vec<ServiceMode>,
    /// Whether ordering by voice is possible.
    pub voice: bool,
}

/// A category.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MenuView {
    /// Every category, in order.
    pub categories: Vec<CategoryTab>,
    /// Which one is open.
    pub open: CategoryId,
    /// Its name.
    pub title: Arc<str>,
    /// One sentence.
    pub strapline: Arc<str>,
    /// Its colour.
    pub tint: Tint,
    /// What it shows large.
    pub featured: Option<MenuCard>,
    /// Its items. Paging is the screen's business.
    pub cards: Vec<MenuCard>,
    /// The order so far, for screens that show it beside the menu.
    pub lines: Vec<CartLineView>,
    /// Tax in the order so far.
    pub tax: Minor,
    /// Whether ordering by voice is possible.
    pub voice: bool,
    /// Whether a scanner reads goods and codes.
    pub scanner: bool,
}

/// A category in the rail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CategoryTab {
    /// Its id.
    pub id: CategoryId,
    /// Its name.
    pub name: Arc<str>,
    /// Picture name.
    pub picture: Arc<str>,
    /// Its colour.
    pub tint: Tint,
}

/// An item in the grid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MenuCard {
    /// Its id.
    pub item: ItemId,
    /// Name.
    pub name: Arc<str>,
    /// A short line.
    pub tagline: Arc<str>,
    /// Picture name; empty: none.
    pub picture: Arc<str>,
    /// Its colour, from its category.
    pub tint: Tint,
    /// Price from, discounts of the moment counted in.
    pub price: Minor,
    /// The ordinary price, when a discount lowers it now.
    pub was: Option<Minor>,
    /// Vegetarian, vegan.
    pub diet: Diet,
    /// How many are in the cart.
    pub in_cart: u32,
    /// Why it cannot be had now.
    pub unavailable: Option<Unavailable>,
}

/// Why an item cannot be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unavailable {
    /// Sold out.
    SoldOut,
    /// Not at this time of day; again from this local minute of the day.
    NotNow {
        /// Local minute of the day at which it can be had again.
        from_minute: u16,
    },
}

/// An item with its choices.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemView {
    /// What.
    pub item: ItemId,
    /// Name.
    pub name: Arc<str>,
    /// One or two sentences.
    pub description: Arc<str>,
    /// Picture of the chosen version.
    pub picture: Arc<str>,
    /// Colour.
    pub tint: Tint,
    /// Price of the whole line as chosen.
    pub total: Minor,
    /// Sizes; empty when there is only one.
    pub variations: Vec<VariationOption>,
    /// Modifier groups.
    pub groups: Vec<GroupView>,
    /// What it contains as chosen.
    pub allergens: Allergens,
    /// Whether the shop has said what it contains: if not, there may be others.
    pub allergens_stated: bool,
    /// What it may contain traces of.
    pub may_contain: Allergens,
    /// Energy as chosen; 0: not stated.
    pub kcal: u32,
    /// Vegetarian, vegan as chosen.
    pub diet: Diet,
    /// How many.
    pub quantity: u32,
    /// Whether a line of the cart is being changed rather than a new one made.
    pub editing: bool,
    /// A required choice that is still open: its group. The primary button names it.
    pub missing: Option<GroupId>,
}

/// A size.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VariationOption {
    /// Which.
    pub id: VariationId,
    /// Name.
    pub name: Arc<str>,
    /// Price of it alone.
    pub price: Minor,
    /// More than the cheapest by.
    pub extra: Minor,
    /// Its picture.
    pub picture: Arc<str>,
    /// Whether it is chosen.
    pub selected: bool,
}

/// A modifier group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupView {
    /// Which.
    pub id: GroupId,
    /// The question.
    pub name: Arc<str>,
    /// How it is asked.
    pub style: GroupStyle,
    /// Least number.
    pub min: u32,
    /// Greatest number.
    pub max: u32,
    /// Chosen so far.
    pub chosen: u32,
    /// Free ones.
    pub free: u32,
    /// The customer tried to go on while it was open.
    pub complain: bool,
    /// The modifiers.
    pub options: Vec<ModifierOption>,
}

/// A modifier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModifierOption {
    /// Which.
    pub id: ModifierId,
    /// Name.
    pub name: Arc<str>,
    /// Price of one.
    pub price: Minor,
    /// Picture name; empty: none.
    pub picture: Arc<str>,
    /// How often it is chosen.
    pub count: u32,
    /// How often it can be chosen.
    pub max: u32,
    /// It cannot be chosen (more): sold out, or the group is full.
    pub blocked: bool,
}

/// A combo being offered or filled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MealView {
    /// Name of the combo.
    pub name: Arc<str>,
    /// How many of the same; the sums are for all of them.
    pub quantity: u32,
    /// Name of the item that brought the offer, if it is an offer.
    pub offered_for: Option<Arc<str>>,
    /// What the item alone costs, if it is an offer.
    pub alone: Minor,
    /// What the meal costs as chosen.
    pub total: Minor,
    /// What its parts would cost one by one.
    pub apart: Minor,
    /// Picture of the main dish.
    pub picture: Arc<str>,
    /// Colour of the main dish.
    pub tint: Tint,
    /// The slots to fill.
    pub slots: Vec<SlotView>,
    /// A slot still open, if any.
    pub missing: Option<SlotId>,
    /// Whether a line of the cart is being changed.
    pub editing: bool,
}

/// A slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotView {
    /// Which.
    pub id: SlotId,
    /// "Your drink".
    pub name: Arc<str>,
    /// The choices.
    pub options: Vec<SlotOption>,
}

/// A choice for a slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotOption {
    /// Which.
    pub variation: VariationId,
    /// Name.
    pub name: Arc<str>,
    /// Added to the price of the combo.
    pub extra: Minor,
    /// Picture name.
    pub picture: Arc<str>,
    /// Colour.
    pub tint: Tint,
    /// Whether it is chosen.
    pub selected: bool,
    /// Why it cannot be chosen.
    pub unavailable: Option<Unavailable>,
}

/// The cart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CartView {
    /// The lines.
    pub lines: Vec<CartLineView>,
    /// Discounts by name, positive.
    pub discounts: Vec<(Arc<str>, Minor)>,
    /// Surcharges by name.
    pub surcharges: Vec<(Arc<str>, Minor)>,
    /// Taxes.
    pub taxes: Vec<TaxView>,
    /// To pay.
    pub total: Minor,
    /// What was just removed and can come back.
    pub undo: Option<UndoView>,
    /// Minutes until the order is ready; 0: not said.
    pub ready_minutes: u32,
    /// Whether a scanner reads vouchers.
    pub scanner: bool,
    /// Lines that cannot be bought any more; the order cannot go on with them.
    pub blocked: bool,
}

/// A line of the cart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CartLineView {
    /// Which.
    pub line: LineId,
    /// Name with version.
    pub name: Arc<str>,
    /// What was changed, in words: "Fried egg", "No onion"; or the parts of a meal.
    pub details: Vec<LineDetail>,
    /// Picture name.
    pub picture: Arc<str>,
    /// Colour.
    pub tint: Tint,
    /// Pieces.
    pub quantity: u32,
    /// Price of the line: before discounts on the cart page, which lists them, after them beside the menu.
    pub total: Minor,
    /// Whether it has choices to change.
    pub can_change: bool,
    /// It cannot be bought any more: sold out meanwhile, or gone from the catalog.
    pub unavailable: Option<Unavailable>,
}

/// One change of a line, or one part of a meal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineDetail {
    /// Name of the modifier or part.
    pub name: Arc<str>,
    /// How it reads: plain, or "No …".
    pub style: GroupStyle,
    /// How often.
    pub count: u32,
}

/// A tax, in words and money.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaxView {
    /// In units of 1e-4 %.
    pub rate: i32,
    /// The amount.
    pub tax: Minor,
    /// Whether prices contain it.
    pub inclusive: bool,
}

/// What can be undone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UndoView {
    /// Name of the removed line.
    pub name: Arc<str>,
    /// How long it can still come back, milliseconds, at the time the view was made.
    pub remaining_ms: u32,
    /// Of how many.
    pub total_ms: u32,
}

/// Nothing can be sold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutOfServiceView {
    /// Short code for the team: `PRN-07`.
    pub code: Arc<str>,
    /// What is wrong, in English, for the team.
    pub detail: Arc<str>,
    /// Since when, local minute of the day.
    pub since_minute: u16,
    /// Kiosk id.
    pub kiosk: Arc<str>,
    /// Serial number of the machine.
    pub serial: Arc<str>,
    /// Version of the software.
    pub version: Arc<str>,
    /// Why.
    pub rest: Rest,
}

/// Why nothing can be sold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// Something is broken, or not there yet.
    Fault,
    /// The team has closed it.
    Closed,
    /// The machine restarts for an update.
    Update,
}

/// What lies over a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Overlay {
    /// Are you still there?
    Idle {
        /// Milliseconds left, at the time the view was made.
        remaining_ms: u32,
        /// Of how many.
        total_ms: u32,
        /// Whether an order in progress would be lost.
        has_cart: bool,
    },
    /// A short message.
    Notice(Notice),
    /// Choose another language.
    Languages,
    /// Choose what makes it easier to use.
    Easier,
    /// Really cancel the order?
    ConfirmCancel,
}

/// A short message, gone by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// A scanned code is not known.
    UnknownCode,
    /// Added to the order.
    Added(Arc<str>),
    /// Just sold out.
    SoldOut(Arc<str>),
    /// Not more than this many.
    Limit(u32),
    /// The price of something in the cart changed.
    PriceChanged,
    /// The team has been called.
    StaffCalled,
    /// A code was accepted.
    CodeAccepted(Arc<str>),
    /// A code was accepted, and counts once the goods cost at least this much.
    CodeCountsFrom(Arc<str>, Minor),
}
