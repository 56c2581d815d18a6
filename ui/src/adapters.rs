//! Between the domain's [`View`] and the pages: maps, formats and connects, and decides nothing.
//!
//! ```text
//!   View ──► MainScreen::apply ──► one adapter per page ──► globals and models of the .slint files
//!   Intent ◄── IntentSender ◄───── callbacks of the globals
//! ```
//! Words come from the translation files, through the pages' own `Words` global; money and times are written in the
//! customer's language here. What belongs to the screen alone lives here too: which page of a list is open, and the
//! seconds that run down between two Views.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use domain::cart::ServiceMode;
use domain::catalog::Poster;
use domain::money::Minor;
use domain::text::Lang;
use domain::view::Page as PageView;
use domain::{Currency, Intent, View};
use slint::{ComponentHandle, Global, PlatformError, SharedString};

use crate::backend::{Clock, ScreenInfo};
use crate::pages::{self, MainWindow, Session, Theme, Words};
use crate::pictures::PictureStore;
use crate::shell::Screen;
use countdown::Countdowns;

mod art;
mod attract;
mod claim;
mod countdown;
mod done;
mod format;
mod item;
mod item_layout;
mod meal;
mod menu;
mod order;
mod overlay;
#[cfg(test)]
mod palette;
mod pay;
mod rows;
mod service;
mod tongues;
mod voice;

pub use tongues::speaks;

/// What the pages are drawn for, upright; lying, the sides swap.
const DRAWN_SHORT_PX: f32 = 1080.0;
const DRAWN_LONG_PX: f32 = 1920.0;

/// The scale at which the pages fill a panel of so many physical pixels: never fewer logical pixels than they are drawn
/// for, and all of one of its sides.
pub fn scale_to_fit(width_px: u16, height_px: u16) -> f32 {
    let (short, long) = (width_px.min(height_px), width_px.max(height_px));
    (f32::from(short) / DRAWN_SHORT_PX).min(f32::from(long) / DRAWN_LONG_PX)
}

/// Where the pages put Intents.
pub(crate) type IntentSender = Rc<dyn Fn(Intent)>;

/// The kiosk's pages in their window.
pub struct MainScreen {
    window: MainWindow,
    send: IntentSender,
    countdowns: Rc<Countdowns>,
    /// The mode that "switch" switches from.
    mode: Rc<Cell<Option<ServiceMode>>>,
    lang: RefCell<Option<Lang>>,
    revision: Cell<u64>,
    service: service::Adapter,
    menu: Rc<menu::Adapter>,
    order: Rc<order::Adapter>,
    item: Rc<item::Adapter>,
    meal: Rc<meal::Adapter>,
    pay: pay::Adapter,
    done: done::Adapter,
    attract: attract::Adapter,
    claim: claim::Adapter,
    voice: voice::Adapter,
}

impl MainScreen {
    /// Builds the pages and connects them. Intents go to `send`, which must not block.
    ///
    /// # Errors
    /// When the platform has no window for the pages.
    pub fn new(
        send: impl Fn(Intent) + 'static,
        pictures: &PictureStore,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PlatformError> {
        let window = MainWindow::new()?;
        let send: IntentSender = Rc::new(send);
        art::connect(&window, pictures);
        let mode = Rc::new(Cell::new(None));
        connect_actions(&window, &send, &mode);
        let countdowns = Countdowns::new(&window, clock);
        Ok(Self {
            service: service::Adapter::connect(&window, &send),
            menu: menu::Adapter::connect(&window, &send),
            order: order::Adapter::connect(&window, &send),
            item: item::Adapter::connect(&window, &send),
            meal: meal::Adapter::connect(&window, &send),
            pay: pay::Adapter::connect(&window, &send),
            done: done::Adapter::connect(&window, &send),
            attract: attract::Adapter::connect(&window),
            claim: claim::Adapter::connect(&window, &send),
            voice: voice::Adapter::connect(&window, &send),
            lang: RefCell::new(None),
            revision: Cell::new(0),
            window,
            send,
            countdowns,
            mode,
        })
    }

    /// The component, for tests and screenshots.
    pub fn component(&self) -> &impl ComponentHandle {
        &self.window
    }

    fn speak(&self, lang: &Lang) {
        if self.lang.borrow().as_ref() == Some(lang) {
            return;
        }
        let translation = tongues::translation(lang);
        if let Err(error) = slint::select_bundled_translation(translation) {
            tracing::error!(%error, translation, "the translation is not part of this program");
        }
        Theme::get(&self.window).set_rtl(lang.is_rtl());
        Session::get(&self.window).set_language_name(tongues::name(lang).into());
        *self.lang.borrow_mut() = Some(lang.clone());
    }

    fn prefer(&self, preferences: domain::view::Preferences) {
        let theme = Theme::get(&self.window);
        theme.set_large(preferences.large_text);
        theme.set_contrast(preferences.high_contrast);
        theme.set_reach(preferences.reach);
        theme.set_left_handed(preferences.left_handed);
        let size = self.window.window().size();
        theme.set_landscape(size.width > size.height);
    }

    fn apply_page(&self, context: &Context, view: &View) {
        let page = match &view.page {
            PageView::Starting => pages::Page::Starting,
            PageView::Attract(attract) => {
                self.menu.forget();
                self.attract.apply(context, view, attract);
                pages::Page::Attract
            }
            PageView::Claim(claim) => {
                self.menu.forget();
                self.claim.apply(context, claim);
                pages::Page::Claim
            }
            PageView::Service(service) => {
                self.service.apply(context, view, service);
                pages::Page::Service
            }
            PageView::Menu(menu) => {
                self.menu.apply(context, menu);
                self.voice.apply(context, view.voice.as_ref());
                self.order.apply_beside_menu(context, menu);
                pages::Page::Menu
            }
            PageView::Item(item) => {
                self.item.apply(context, item);
                pages::Page::Item
            }
            PageView::Meal(meal) => {
                self.meal.apply(context, meal);
                pages::Page::Meal
            }
            PageView::Cart(cart) => {
                self.order.apply_cart(context, view, cart);
                pages::Page::Cart
            }
            PageView::PayChoose(pay) => {
                self.pay.apply_choice(context, pay);
                pages::Page::Pay
            }
            PageView::AtTerminal(terminal) => {
                self.pay.apply_terminal(context, terminal);
                pages::Page::Terminal
            }
            PageView::PayFailed(failed) => {
                self.pay.apply_failed(context, failed);
                pages::Page::Declined
            }
            PageView::PayUnknown(unknown) => {
                self.pay.apply_unknown(context, unknown);
                pages::Page::Unknown
            }
            PageView::Done(done) => {
                self.menu.forget();
                self.done.apply(context, done);
                pages::Page::Done
            }
            PageView::OutOfService(closed) => {
                self.menu.forget();
                self.attract.apply_closed(context, view, closed);
                pages::Page::Closed
            }
        };
        Session::get(&self.window).set_page(page);
    }
}

impl Screen for MainScreen {
    type View = View;

    fn window(&self) -> &slint::Window {
        self.window.window()
    }

    fn apply(&self, view: &View) -> ScreenInfo {
        self.speak(&view.lang);
        self.prefer(view.preferences);
        self.mode.set(view.mode);
        let context = Context { window: &self.window, lang: &view.lang, currency: view.currency };
        let session = Session::get(&self.window);
        session.set_brand(view.brand.as_ref().into());
        session.set_brand_words(one_word_a_line(&view.brand).into());
        session.set_initial(view.brand.chars().next().map(String::from).unwrap_or_default().into());
        session.set_burger(view.poster == Poster::Burger);
        let order = pages::OrderAdapter::get(&self.window);
        order.set_count(integer(view.cart.count));
        order.set_total(context.money(view.cart.total));
        order.set_dine_in(view.mode != Some(ServiceMode::TakeAway));
        self.apply_page(&context, view);
        self.service.apply_sheets(&context, view);
        overlay::apply(&context, view);
        self.countdowns.apply(view);
        self.revision.set(self.revision.get() + 1);
        ScreenInfo {
            id: overlay::screen_name(view),
            rev: self.revision.get(),
            say: overlay::speech(&context, view),
        }
    }

    fn wants_text(&self) -> bool {
        self.window.get_wants_text()
    }

    fn on_activity(&self) {
        (self.send)(Intent::Activity);
    }
}

/// What every adapter needs to say something.
pub(crate) struct Context<'a> {
    pub window: &'a MainWindow,
    pub lang: &'a Lang,
    pub currency: Currency,
}

impl<'a> Context<'a> {
    /// The words of the language, from the translation files.
    pub fn words(&self) -> Words<'a> {
        Words::get(self.window)
    }

    /// An amount in the currency of the View.
    pub fn money(&self, amount: Minor) -> SharedString {
        format::money(amount, self.currency, self.lang).into()
    }

    /// The same without a fraction that is zero.
    pub fn short_money(&self, amount: Minor) -> SharedString {
        format::short_money(amount, self.currency, self.lang).into()
    }

    /// A surcharge; empty if it is nothing.
    pub fn extra(&self, amount: Minor) -> SharedString {
        if amount == Minor::ZERO {
            return SharedString::new();
        }
        format::extra(amount, self.currency, self.lang).into()
    }
}

fn connect_actions(window: &MainWindow, send: &IntentSender, mode: &Rc<Cell<Option<ServiceMode>>>) {
    let actions = pages::Actions::get(window);
    let simple = |intent: Intent| {
        let send = Rc::clone(send);
        move || send(intent.clone())
    };
    actions.on_start(simple(Intent::Start));
    actions.on_back(simple(Intent::Back));
    actions.on_show_menu(simple(Intent::ShowMenu));
    actions.on_show_languages(simple(Intent::ShowLanguages));
    actions.on_show_easier(simple(Intent::ShowEasier));
    actions.on_close_overlay(simple(Intent::CloseOverlay));
    actions.on_end_visit(simple(Intent::EndVisit));
    actions.on_still_here(simple(Intent::StillHere));
    actions.on_call_staff(simple(Intent::CallStaff));
    actions.on_set_language({
        let send = Rc::clone(send);
        move |tag| send(Intent::SetLanguage(Lang::new(&tag)))
    });
    actions.on_switch_mode({
        let (send, mode) = (Rc::clone(send), Rc::clone(mode));
        move || {
            let other = match mode.get() {
                Some(ServiceMode::TakeAway) => ServiceMode::DineIn,
                Some(ServiceMode::DineIn | ServiceMode::Delivery) | None => ServiceMode::TakeAway,
            };
            send(Intent::SetMode(other));
        }
    });
    let overlays = pages::OverlayAdapter::get(window);
    overlays.on_confirm_cancel(simple(Intent::Pay(domain::intent::PayIntent::CancelOrder)));
}

/// Counts of things on a screen, as Slint has them.
pub(crate) fn integer(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// A text with every word on a line of its own, as narrow as it can be set without breaking a word.
pub(crate) fn one_word_a_line(text: &str) -> String {
    text.replace('-', "-\n").replace(' ', "\n")
}

/// Picture names for a row of dishes.
pub(crate) fn names(pictures: &[Arc<str>]) -> impl Iterator<Item = SharedString> {
    pictures.iter().map(|name| name.as_ref().into())
}

/// The colour of an item's category.
pub(crate) fn tint(tint: domain::catalog::Tint) -> pages::TintName {
    use domain::catalog::Tint;
    match tint {
        Tint::Wheat => pages::TintName::Wheat,
        Tint::Butter => pages::TintName::Butter,
        Tint::Sage => pages::TintName::Sage,
        Tint::Mocha => pages::TintName::Mocha,
        Tint::Glass => pages::TintName::Glass,
        Tint::Blush => pages::TintName::Blush,
    }
}

/// Why something cannot be had, in words.
pub(crate) fn reason(context: &Context, why: domain::view::Unavailable) -> SharedString {
    use domain::view::Unavailable;
    match why {
        Unavailable::SoldOut => context.words().invoke_sold_out(),
        Unavailable::NotNow { from_minute } => {
            context.words().invoke_from_time(format::minute(from_minute).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::scale_to_fit;

    #[test]
    fn a_panel_never_gets_fewer_logical_pixels_than_the_pages_need() {
        for (width, height) in
            [(1080, 1920), (1920, 1080), (2160, 3840), (768, 1366), (1280, 1024), (1200, 1920)]
        {
            let scale = scale_to_fit(width, height);
            let logical = |px: u16| f32::from(px) / scale;
            assert!(logical(width.min(height)) >= 1079.9 && logical(width.max(height)) >= 1919.9);
        }
        assert!((scale_to_fit(2160, 3840) - 2.0).abs() < 1e-6);
    }
}
