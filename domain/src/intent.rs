//! A wish of the customer, from the screen or the voice. Never trusted: every intent is checked against the
//! page it can come from.

use crate::cart::ServiceMode;
use crate::ids::{CategoryId, GroupId, ItemId, LineId, ModifierId, SlotId, VariationId};
use crate::money::Minor;
use crate::payment::Tender;
use crate::text::Lang;

/// A wish.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Intent {
    /// Begin, or take part in whatever is on screen: wakes the attract page.
    Start,
    /// Speak my language.
    SetLanguage(Lang),
    /// Show the languages.
    ShowLanguages,
    /// Show what makes it easier to use.
    ShowEasier,
    /// Close whatever lies over the page.
    CloseOverlay,
    /// Switch a preference.
    Prefer(Preference),
    /// Eat in or take away. Also valid with goods in the cart: prices follow.
    SetMode(ServiceMode),
    /// One page back.
    Back,
    /// To the menu.
    ShowMenu,
    /// Open a category.
    OpenCategory(CategoryId),
    /// Open an item's page.
    OpenItem(ItemId),
    /// Put one in the cart as it is; opens the page instead if a choice is required.
    QuickAdd(ItemId),
    /// Wishes of the item page.
    Item(ItemIntent),
    /// Wishes of the meal page.
    Meal(MealIntent),
    /// Wishes of the cart.
    Cart(CartIntent),
    /// Wishes of the payment pages.
    Pay(PayIntent),
    /// Wishes of the number page.
    Done(DoneIntent),
    /// Ordering by voice.
    Voice(VoiceIntent),
    /// The idle warning: I am still here.
    StillHere,
    /// The idle warning, or any page: end this visit, throw the cart away.
    EndVisit,
    /// Call the team.
    CallStaff,
    /// The page that waits for a fleet: ask it and the devices again, at once.
    CheckAgain,
    /// Somebody touched the screen. At most one a second; keeps the visit alive.
    Activity,
}

/// A preference to switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preference {
    /// Larger text.
    LargeText,
    /// Contrast.
    HighContrast,
    /// Lower screen.
    Reach,
    /// Left hand.
    LeftHanded,
    /// Read aloud.
    Speech,
}

/// Wishes of the item page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ItemIntent {
    /// Take this size.
    Variation(VariationId),
    /// Choose or un-choose a modifier; in a group with a maximum of one it replaces the other.
    Toggle(GroupId, ModifierId),
    /// More or fewer of a modifier.
    Count(GroupId, ModifierId, i32),
    /// More or fewer pieces.
    Quantity(i32),
    /// Into the cart, or save the change.
    Confirm,
}

/// Wishes of the meal page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MealIntent {
    /// Take this for the slot.
    Pick(SlotId, VariationId),
    /// Make it a meal, or save the change.
    Accept,
    /// No thanks, just the item.
    Decline,
}

/// Wishes around ordering by voice. What is said itself comes as [`crate::input::VoiceInput`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VoiceIntent {
    /// From the first page: to the menu, and show what can be said there.
    Begin,
    /// The button is held from now on, or was tapped a second time.
    Press,
    /// It was let go.
    Release,
    /// The answer at this place, from 0.
    Choose(u32),
    /// None of the answers.
    NoneOfThese,
    /// Into the cart with the draft.
    Add,
    /// Away with it.
    Drop,
    /// Away with one line of it.
    Remove(u32),
}

/// Wishes of the cart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CartIntent {
    /// Show the cart.
    Show,
    /// More or fewer pieces of a line; to zero removes it.
    Quantity(LineId, i32),
    /// Change a line's choices.
    Change(LineId),
    /// Remove a line.
    Remove(LineId),
    /// Bring back what was removed.
    Undo,
    /// Go and pay.
    Checkout,
}

/// Wishes of the payment pages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PayIntent {
    /// Give this tip; zero: none.
    Tip(Minor),
    /// Pay this way.
    Tender(Tender),
    /// Pay now.
    Confirm,
    /// Cancel at the terminal.
    Cancel,
    /// Try again.
    Retry,
    /// Pay at the counter instead.
    AtCounter,
    /// Choose another way to pay.
    OtherWay,
    /// Back to the order: nothing was paid, the placed order is cancelled and its cart comes back.
    BackToOrder,
    /// Give the order up.
    CancelOrder,
}

/// Wishes of the number page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DoneIntent {
    /// Receipt this way.
    Receipt(ReceiptChoice),
    /// Done.
    Close,
}

/// How the customer wants the receipt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReceiptChoice {
    /// On paper.
    Paper,
    /// As a QR code.
    Phone,
    /// Not at all.
    None,
}
