//! One View per page and state, in every language: what tests, screenshots and benches look at.
//!
//! The shop is the one of the demo catalog; amounts add up, but nothing here is computed.

use std::sync::Arc;

use domain::cart::ServiceMode;
use domain::catalog::Poster;
use domain::ids::{CategoryId, ItemId, LineId};
use domain::money::Minor;
use domain::text::Lang;
use domain::time::{Date, LocalTime, Weekday};
use domain::view::{Banners, CartSummary, Notice, Overlay, Page, Preferences, Rest, Unavailable};
use domain::{Currency, View};

mod cart;
mod choices;
mod claim;
mod menu;
mod pay;
mod voice;

/// The languages of the pages.
pub const LANGUAGES: [&str; 4] = ["en", "de", "fr", "ar"];

/// A View with a name for files and messages.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// Unique, made for file names.
    pub name: &'static str,
    /// What to show.
    pub view: View,
}

/// Every fixture in a language; English words where the language has none.
pub fn all(lang: &str) -> Vec<Fixture> {
    let tongue = Tongue::new(lang);
    let mut all = pages(&tongue);
    all.extend(over_pages(&tongue));
    all.extend(voice::all(&tongue));
    all
}

/// One of them.
pub fn named(name: &str, lang: &str) -> Option<View> {
    all(lang).into_iter().find(|fixture| fixture.name == name).map(|fixture| fixture.view)
}

fn pages(tongue: &Tongue) -> Vec<Fixture> {
    let page = |name: &'static str, page: Page| Fixture { name, view: tongue.view(page) };
    let mut closed = pay::out_of_service();
    closed.rest = Rest::Closed;
    let mut updating = pay::out_of_service();
    (updating.code, updating.detail, updating.rest) =
        ("UPD-01".into(), "restarting for an update".into(), Rest::Update);
    vec![
        page("starting", Page::Starting),
        page("attract", Page::Attract(menu::attract())),
        Fixture {
            name: "attract-another-shop",
            view: View {
                brand: "Corner Grill".into(),
                poster: Poster::Dish,
                ..tongue.view(Page::Attract(menu::attract()))
            },
        },
        page("claim", Page::Claim(claim::with_code())),
        page("claim-asking", Page::Claim(claim::asking())),
        page("claim-refused", Page::Claim(claim::refused())),
        page("claim-silent", Page::Claim(claim::without_network())),
        page("claim-long", Page::Claim(claim::with_long_names())),
        page("service", Page::Service(menu::service())),
        page("menu", Page::Menu(menu::burgers(tongue))),
        page("menu-seven", Page::Menu(menu::with_categories(tongue, 7))),
        page("menu-fourteen", Page::Menu(menu::with_categories(tongue, 14))),
        page("menu-fifty-six", Page::Menu(menu::with_categories(tongue, 56))),
        page("menu-states", Page::Menu(menu::with_every_state(tongue))),
        page("item", Page::Item(choices::bacon_and_rye(tongue))),
        page("item-missing", Page::Item(choices::with_open_choice(tongue))),
        page("item-long", Page::Item(choices::with_everything(tongue))),
        page("meal", Page::Meal(choices::meal(tongue))),
        page("meal-two", Page::Meal(choices::two_meals(tongue))),
        page("combo", Page::Meal(choices::combo(tongue))),
        page("cart", Page::Cart(cart::four_items(tongue))),
        page("cart-empty", Page::Cart(cart::empty(tongue))),
        page("cart-long", Page::Cart(cart::long(tongue))),
        page("pay-choose", Page::PayChoose(pay::choose(tongue))),
        page("pay-no-cards", Page::PayChoose(pay::choose_without_cards(tongue))),
        page("terminal-card", Page::AtTerminal(pay::at_terminal())),
        page("terminal-pin", Page::AtTerminal(pay::entering_pin())),
        page("terminal-bank", Page::AtTerminal(pay::asking_bank())),
        page("terminal-done", Page::AtTerminal(pay::approved())),
        page("pay-failed", Page::PayFailed(pay::declined())),
        page("pay-terminal-down", Page::PayFailed(pay::terminal_down())),
        page("pay-given-back", Page::PayFailed(pay::given_back())),
        page("pay-unknown", Page::PayUnknown(pay::unknown())),
        page("pay-unknown-staff", Page::PayUnknown(pay::unknown_for_staff())),
        page("done", Page::Done(pay::done())),
        page("done-phone", Page::Done(pay::done_on_phone())),
        page("done-counter", Page::Done(pay::done_at_counter())),
        page("done-given-back", Page::Done(pay::done_given_back())),
        page("out-of-service", Page::OutOfService(pay::out_of_service())),
        page("closed", Page::OutOfService(closed)),
        page("updating", Page::OutOfService(updating)),
    ]
}

fn over_pages(tongue: &Tongue) -> Vec<Fixture> {
    let menu = || tongue.view(Page::Menu(menu::burgers(tongue)));
    let over = |name: &'static str, overlay: Overlay| Fixture {
        name,
        view: View { overlay: Some(overlay), ..menu() },
    };
    let banner = |name: &'static str, banners: Banners| Fixture { name, view: View { banners, ..menu() } };
    // 12:04 UTC on 21 November 2026.
    let noon = LocalTime {
        date: Date { year: 2026, month: 11, day: 21 },
        weekday: Weekday::Saturday,
        minute: 12 * 60 + 4,
        second: 0,
    };
    let added = tongue.say(["Bacon & Rye", "Bacon & Roggen", "Bacon & seigle", "لحم مدخّن وجاودار"]);
    vec![
        over("menu-idle", Overlay::Idle { remaining_ms: 17_000, total_ms: 20_000, has_cart: true }),
        over("menu-languages", Overlay::Languages),
        over("menu-easier", Overlay::Easier),
        over("menu-notice", Overlay::Notice(Notice::Added(added))),
        Fixture {
            name: "pay-idle",
            view: View {
                overlay: Some(Overlay::Idle { remaining_ms: 17_000, total_ms: 20_000, has_cart: true }),
                ..tongue.view(Page::PayChoose(pay::choose(tongue)))
            },
        },
        Fixture {
            name: "pay-confirm-cancel",
            view: View {
                overlay: Some(Overlay::ConfirmCancel),
                ..tongue.view(Page::PayFailed(pay::declined()))
            },
        },
        banner("menu-offline", Banners { offline_since: Some(noon), ..Banners::default() }),
        banner("menu-no-paper", Banners { no_paper: true, ..Banners::default() }),
        banner("menu-no-cards", Banners { no_cards: true, ..Banners::default() }),
    ]
}

/// A language, and words of the catalog in it.
struct Tongue {
    lang: Lang,
    index: usize,
}

impl Tongue {
    fn new(lang: &str) -> Self {
        let index = LANGUAGES.iter().position(|known| *known == lang).unwrap_or(0);
        Self { lang: Lang::new(lang), index }
    }

    /// The words of this language, in the order of [`LANGUAGES`].
    fn say(&self, words: [&str; 4]) -> Arc<str> {
        words[self.index].into()
    }

    fn view(&self, page: Page) -> View {
        let cart = match &page {
            Page::Starting | Page::Attract(_) | Page::Claim(_) | Page::Service(_) | Page::OutOfService(_) => {
                CartSummary::default()
            }
            Page::Menu(_) | Page::Item(_) | Page::Meal(_) => {
                CartSummary { count: 1, total: Minor(11_40), picture: "b-rye".into() }
            }
            Page::Cart(cart) => CartSummary {
                count: cart.lines.iter().map(|line| line.quantity).sum(),
                total: cart.total,
                picture: cart.lines.first().map(|line| line.picture.clone()).unwrap_or_default(),
            },
            Page::PayChoose(_)
            | Page::AtTerminal(_)
            | Page::PayFailed(_)
            | Page::PayUnknown(_)
            | Page::Done(_) => CartSummary { count: 4, total: Minor(38_40), picture: "b-rye-egg".into() },
        };
        View {
            lang: self.lang.clone(),
            languages: LANGUAGES.map(Lang::new).to_vec(),
            currency: Currency::EUR,
            brand: "Alder & Rye".into(),
            poster: Poster::Burger,
            preferences: Preferences::default(),
            mode: Some(ServiceMode::DineIn),
            cart,
            page,
            overlay: None,
            voice: None,
            banners: Banners::default(),
        }
    }
}

fn item(id: &str) -> ItemId {
    ItemId::new(id)
}

fn category(id: &str) -> CategoryId {
    CategoryId::new(id)
}

fn line(n: u32) -> LineId {
    LineId(n)
}

fn pictures(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

/// What a customer meets on a busy evening.
const SOLD_OUT: Option<Unavailable> = Some(Unavailable::SoldOut);
