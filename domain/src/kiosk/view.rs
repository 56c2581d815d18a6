//! What the customer should see, computed from the state alone. No decision is made here.

mod after;
pub(super) mod before;
mod cart;
mod claim;
mod item;
mod lines;
mod meal;
mod menu;
mod pay;
mod voice;

use std::sync::Arc;

use super::Kiosk;
use super::menu::Menu;
use super::offer::Offer;
use super::pay_page::PayPage;
use super::turn::default_lang;
use super::visit::ordered;
use crate::cart::ServiceMode;
use crate::format;
use crate::money::Currency;
use crate::payment::PaymentState;
use crate::session::{Idle, Sheet, Stage, TerminalPhase, Uplink, Visit};
use crate::text::Lang;
use crate::time::{MonoMs, Now};
use crate::view::{Banners, CartSummary, Notice, Overlay, Page, View};

/// Everything a page is made from.
struct Scene<'a> {
    kiosk: &'a Kiosk,
    now: &'a Now,
    visit: Option<&'a Visit>,
    menu: Option<&'a Menu>,
    lang: Lang,
}

/// The view of a kiosk.
pub(super) fn view(kiosk: &Kiosk, now: &Now) -> View {
    let session = &kiosk.session;
    let visit = session.visit.as_deref();
    let menu = session.menu.as_deref();
    let lang = visit.map_or_else(|| default_lang(&kiosk.config, session), |visit| visit.lang.clone());
    let scene = Scene { kiosk, now, visit, menu, lang };
    let page = scene.page();
    View {
        languages: menu.map(|menu| menu.catalog.languages.clone()).unwrap_or_default(),
        currency: scene.currency(),
        brand: match menu {
            Some(menu) => menu.words(&menu.catalog.brand, &scene.lang),
            None => kiosk.config.shop.header.first().cloned().unwrap_or_default(),
        },
        poster: menu.map(|menu| menu.catalog.poster).unwrap_or_default(),
        preferences: visit.map(|visit| visit.preferences).unwrap_or_default(),
        mode: visit.and_then(|visit| visit.mode),
        cart: scene.cart_summary(),
        overlay: scene.overlay(&page),
        voice: scene.voice().filter(|_| matches!(page, Page::Menu(_))),
        banners: scene.banners(),
        page,
        lang: scene.lang,
    }
}

/// What was added shows by itself wherever the order is read, and would only cover the sum there.
fn is_news_on(notice: &Notice, page: &Page) -> bool {
    !matches!(notice, Notice::Added(_)) || matches!(page, Page::Menu(_) | Page::Service(_))
}

impl Scene<'_> {
    fn page(&self) -> Page {
        let session = &self.kiosk.session;
        if !session.started {
            return Page::Starting;
        }
        let pay_page = self.ordered().map(|(ordered, record)| PayPage::of(record, ordered.choosing));
        // Money under way comes before everything: its page says what became of it.
        if let Some((ordered, record)) = self.ordered() {
            let in_service = session.fault.is_none();
            match pay_page {
                Some(PayPage::AtTerminal) => return self.at_terminal(record),
                Some(PayPage::Unknown) => return self.unknown(record),
                Some(PayPage::Done) => return self.done(ordered, record),
                Some(PayPage::Choose) if in_service => return self.choose(ordered, record),
                Some(PayPage::Failed) if in_service => return self.failed(record),
                Some(PayPage::Choose | PayPage::Failed | PayPage::Gone) | None => {}
            }
        }
        // A kiosk that nobody has claimed gets its catalog by being claimed, so that it has none is no fault of it.
        if let Some(claim) =
            session.claim.as_ref().filter(|_| session.fault.is_none() && self.visit.is_none())
        {
            return self.claim(claim);
        }
        if let Some(page) = self.out_of_service() {
            return page;
        }
        let (Some(visit), Some(menu)) = (self.visit, self.menu) else { return self.attract() };
        match &visit.stage {
            Stage::Service => self.service(),
            Stage::Browse => self.menu_page(menu, visit),
            Stage::Item(draft) => self.item_page(menu, visit, draft),
            Stage::Meal(draft) => self.meal_page(menu, visit, draft),
            Stage::Cart => self.cart_page(menu, visit),
            Stage::Ordered(_) => self.attract(),
        }
    }

    /// The order on the screen.
    fn ordered(&self) -> Option<(&crate::session::Ordered, &super::ledger::OrderRecord)> {
        let ordered = self.visit.and_then(ordered)?;
        Some((ordered, self.kiosk.ledger.order(ordered.order)?))
    }

    fn currency(&self) -> Currency {
        let order = self.ordered().map(|(_, record)| record.order.currency);
        order.or_else(|| self.menu.map(|menu| menu.catalog.currency)).unwrap_or(Currency::EUR)
    }

    fn cart_summary(&self) -> CartSummary {
        let Some(visit) = self.visit else { return CartSummary::default() };
        let first = visit.cart.lines.first();
        CartSummary {
            count: lines::pieces(&visit.cart.lines),
            total: visit.price.total(),
            picture: self.menu.zip(first).map(|(menu, line)| lines::picture(menu, line)).unwrap_or_default(),
        }
    }

    fn overlay(&self, page: &Page) -> Option<Overlay> {
        let visit = self.visit.filter(|_| !matches!(page, Page::OutOfService(_) | Page::Starting))?;
        if let Idle::Warning { until } = visit.idle {
            let total = self.kiosk.config.times.idle_warning_ms.max(crate::config::Times::WARNING_MIN_MS);
            return Some(Overlay::Idle {
                remaining_ms: self.left(until),
                total_ms: u32::try_from(total).unwrap_or(u32::MAX),
                has_cart: !visit.cart.lines.is_empty() || ordered(visit).is_some(),
            });
        }
        match visit.sheet {
            Some(Sheet::Languages) => Some(Overlay::Languages),
            Some(Sheet::Easier) => Some(Overlay::Easier),
            Some(Sheet::ConfirmCancel) => Some(Overlay::ConfirmCancel),
            None => {
                let notice = visit.notice.as_ref().map(|(notice, _)| notice);
                notice.filter(|notice| is_news_on(notice, page)).map(|notice| Overlay::Notice(notice.clone()))
            }
        }
    }

    fn banners(&self) -> Banners {
        let session = &self.kiosk.session;
        Banners {
            offline_since: match session.uplink {
                Uplink::Offline { since } => Some(format::local(self.now, since)),
                Uplink::Online | Uplink::Silent { .. } => None,
            },
            no_paper: !session.devices.can_print(),
            no_cards: session.terminal.phase == TerminalPhase::Down && !self.is_paying(),
        }
    }

    /// While a payment is under way the page itself says how the terminal is.
    fn is_paying(&self) -> bool {
        self.kiosk.ledger.terminal_holder().is_some_and(|(_, p)| p.state != PaymentState::Created)
    }

    /// Milliseconds until a moment.
    fn left(&self, until: MonoMs) -> u32 {
        u32::try_from(until.since(self.now.mono)).unwrap_or(u32::MAX)
    }

    fn offer<'b>(&'b self, menu: &'b Menu) -> Offer<'b> {
        Offer {
            menu,
            ledger: &self.kiosk.ledger,
            config: &self.kiosk.config,
            now: self.now,
            asking: self.kiosk.session.is_asking(),
        }
    }

    /// How the goods are taken; before the customer has said so, the usual way.
    fn mode(&self) -> ServiceMode {
        let usual = || self.kiosk.config.modes.first().copied();
        self.visit.and_then(|visit| visit.mode).or_else(usual).unwrap_or(ServiceMode::TakeAway)
    }

    /// Pictures of what was ordered, the most expensive first.
    fn order_pictures(&self, record: &super::ledger::OrderRecord) -> Vec<Arc<str>> {
        const PICTURES_MAX: usize = 5;
        let Some(menu) = self.menu else { return Vec::new() };
        let mut lines: Vec<_> = record.order.lines.iter().filter(|line| !line.deposit).collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.gross));
        let mut pictures: Vec<Arc<str>> = Vec::new();
        for line in lines {
            let Some((item, _)) = menu.catalog.variation(&line.variation) else { continue };
            let parts = record.order.lines.iter().filter(|part| part.line == line.line && !part.deposit);
            let picks = parts.filter_map(|part| Some((part.slot.as_ref()?, &part.variation)));
            let picture = menu.picture(item, &line.variation, picks);
            if !picture.is_empty() && !pictures.contains(&picture) && pictures.len() < PICTURES_MAX {
                pictures.push(picture);
            }
        }
        pictures
    }
}
