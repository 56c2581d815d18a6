//! The menu: categories, and the cards of one page of the open one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::Intent;
use domain::catalog::Diet as DietOf;
use domain::ids::{CategoryId, ItemId};
use domain::view::{CategoryTab as TabView, MenuCard as CardView, MenuView};
use slint::{ComponentHandle, Global, Weak};

use super::rows::Paged;
use super::{Context, IntentSender, integer, reason, tint};
use crate::pages::{CategoryTab, Diet, MainWindow, MenuAdapter, MenuCard};

/// Cards on a page: two rows of three, portrait and landscape.
const CARDS_PER_PAGE: usize = 6;

/// Categories that fit beside each other with names that can be read and targets for a finger.
const TABS_TOGETHER: usize = 7;

/// Tiles on a page of the rail when there are more: the sixth place is the pager's.
const TABS_PER_PAGE: usize = 5;

pub(super) struct Adapter {
    window: Weak<MainWindow>,
    cards: Paged<MenuCard>,
    tabs: Paged<CategoryTab>,
    /// Where the open category stands, and among how many.
    place: Cell<(usize, usize)>,
    open: RefCell<Option<CategoryId>>,
}

impl Adapter {
    pub fn connect(window: &MainWindow, send: &IntentSender) -> Rc<Self> {
        let adapter = Rc::new(Self {
            window: window.as_weak(),
            cards: Paged::default(),
            tabs: Paged::default(),
            place: Cell::default(),
            open: RefCell::default(),
        });
        let page = MenuAdapter::get(window);
        page.set_cards(adapter.cards.model());
        page.set_categories(adapter.tabs.model());
        page.on_open_category({
            let (send, adapter) = (Rc::clone(send), Rc::downgrade(&adapter));
            move |id| {
                let id = CategoryId::new(&id);
                if let Some(adapter) = adapter.upgrade() {
                    adapter.pressed(&id);
                }
                send(Intent::OpenCategory(id));
            }
        });
        page.on_open_item({
            let send = Rc::clone(send);
            move |id| send(Intent::OpenItem(ItemId::new(&id)))
        });
        page.on_turn({
            let adapter = Rc::downgrade(&adapter);
            move |by| {
                if let Some(adapter) = adapter.upgrade() {
                    adapter.cards.turn(by);
                    adapter.show_page_number();
                }
            }
        });
        page.on_turn_rail({
            let adapter = Rc::downgrade(&adapter);
            move |by| {
                if let Some(adapter) = adapter.upgrade() {
                    adapter.tabs.turn(by);
                    adapter.show_rail_page();
                }
            }
        });
        adapter
    }

    pub fn apply(&self, context: &Context, menu: &MenuView) {
        let is_another = self.open.replace(Some(menu.open.clone())).as_ref() != Some(&menu.open);
        if is_another {
            self.cards.restart();
        }
        let page = MenuAdapter::get(context.window);
        page.set_title(menu.title.as_ref().into());
        page.set_strapline(menu.strapline.as_ref().into());
        page.set_tint(tint(menu.tint));
        page.set_has_featured(menu.featured.is_some());
        if let Some(featured) = &menu.featured {
            page.set_featured(card(context, featured));
        }
        page.set_voice(menu.voice);
        self.show_tabs(menu, is_another);
        self.cards.fill(menu.cards.iter().map(|view| card(context, view)).collect(), CARDS_PER_PAGE);
        self.show_page_number();
    }

    /// The rail follows the open category when that changes or moves; else it stays where the customer turned it.
    fn show_tabs(&self, menu: &MenuView, is_another: bool) {
        let tabs: Vec<CategoryTab> = menu.categories.iter().map(|tab| category(tab, &menu.open)).collect();
        let count = tabs.len();
        let per_page = if count > TABS_TOGETHER { TABS_PER_PAGE } else { TABS_TOGETHER };
        let at = tabs.iter().position(|tab| tab.open).unwrap_or(0);
        let has_moved = self.place.replace((at, count)) != (at, count);
        if is_another || has_moved {
            self.tabs.fill_showing(tabs, per_page, at);
        } else {
            self.tabs.fill(tabs, per_page);
        }
        self.show_rail_page();
    }

    /// The customer has gone: the next one begins on the first page.
    pub fn forget(&self) {
        self.open.replace(None);
    }

    /// The open category pressed again leads back to its first page. No new View comes of that press, so it is done
    /// here; another category starts over when its View arrives.
    fn pressed(&self, category: &CategoryId) {
        if self.open.borrow().as_ref() == Some(category) {
            self.cards.restart();
            self.cards.turn(0);
            self.show_page_number();
        }
    }

    fn show_page_number(&self) {
        if let Some(window) = self.window.upgrade() {
            let page = MenuAdapter::get(&window);
            page.set_page(self.cards.page());
            page.set_pages(self.cards.page_count());
        }
    }

    fn show_rail_page(&self) {
        if let Some(window) = self.window.upgrade() {
            let page = MenuAdapter::get(&window);
            page.set_rail_page(self.tabs.page());
            page.set_rail_pages(self.tabs.page_count());
        }
    }
}

fn category(tab: &TabView, open: &CategoryId) -> CategoryTab {
    CategoryTab {
        id: tab.id.as_str().into(),
        name: tab.name.as_ref().into(),
        picture: tab.picture.as_ref().into(),
        tint: tint(tab.tint),
        open: tab.id == *open,
    }
}

fn card(context: &Context, view: &CardView) -> MenuCard {
    MenuCard {
        id: view.item.as_str().into(),
        name: view.name.as_ref().into(),
        tagline: view.tagline.as_ref().into(),
        picture: view.picture.as_ref().into(),
        tint: tint(view.tint),
        price: context.money(view.price),
        was: view.was.map(|was| context.money(was)).unwrap_or_default(),
        diet: match view.diet {
            DietOf::Any => Diet::None,
            DietOf::Vegetarian => Diet::Vegetarian,
            DietOf::Vegan => Diet::Vegan,
        },
        in_cart: integer(view.in_cart),
        available: view.unavailable.is_none(),
        reason: view.unavailable.map(|why| reason(context, why)).unwrap_or_default(),
    }
}
