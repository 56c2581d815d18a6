//! The pages without a customer, and the first one with.

use std::sync::Arc;

use super::Scene;
use crate::format;
use crate::view::{AttractView, OutOfServiceView, Page, Rest, ServiceView};

/// Pictures that take turns on the attract page and stand on the counter of the service page.
const ATTRACT_PICTURES_MAX: usize = 6;

/// What the team reads when there is nothing to sell from.
const CODE_NO_CATALOG: &str = "CAT-01";
/// What the team reads while the machine restarts for an update.
pub(in crate::kiosk) const CODE_RESTARTING: &str = "UPD-01";
/// The same in words.
pub(in crate::kiosk) const RESTARTING: &str = "restarting for an update";
/// What the team reads when somebody closed the kiosk.
const CODE_CLOSED: &str = "CLOSED";

impl Scene<'_> {
    pub(super) fn attract(&self) -> Page {
        Page::Attract(AttractView { pictures: self.best_pictures() })
    }

    pub(super) fn service(&self) -> Page {
        Page::Service(ServiceView {
            minute_of_day: self.now.local.minute,
            pictures: self.best_pictures(),
            modes: self.kiosk.config.modes.clone(),
            voice: self.visit.is_some_and(|visit| self.has_voice(visit)),
        })
    }

    /// The featured dishes.
    fn best_pictures(&self) -> Vec<Arc<str>> {
        let Some(menu) = self.menu else { return Vec::new() };
        let featured = menu.catalog.categories.iter().filter_map(|c| c.featured.as_ref());
        let mut pictures: Vec<Arc<str>> = Vec::new();
        for item in featured.filter_map(|id| menu.catalog.item(id)) {
            if !item.picture.is_empty() && !pictures.contains(&item.picture) {
                pictures.push(item.picture.clone());
            }
        }
        pictures.truncate(ATTRACT_PICTURES_MAX);
        pictures
    }

    /// Why nothing can be sold now, if so.
    pub(super) fn out_of_service(&self) -> Option<Page> {
        let session = &self.kiosk.session;
        let now = self.now.local.minute;
        if let Some(fault) = &session.fault {
            let since = format::local(self.now, fault.since).minute;
            return Some(self.closed_page(&fault.code, &fault.detail, since, Rest::Fault));
        }
        if session.restarting {
            return Some(self.closed_page(CODE_RESTARTING, RESTARTING, now, Rest::Update));
        }
        if session.menu.is_none() {
            return Some(self.closed_page(CODE_NO_CATALOG, "no catalog is active", now, Rest::Fault));
        }
        // Who it was is for the team's tools, not for everybody who passes by.
        self.kiosk.ledger.closed.as_ref()?;
        Some(self.closed_page(CODE_CLOSED, "closed by the team", now, Rest::Closed))
    }

    fn closed_page(&self, code: &str, detail: &str, since_minute: u16, rest: Rest) -> Page {
        let config = &self.kiosk.config;
        Page::OutOfService(OutOfServiceView {
            code: code.into(),
            detail: detail.into(),
            since_minute,
            kiosk: config.kiosk_id.clone(),
            serial: config.serial.clone(),
            version: config.version.clone(),
            rest,
        })
    }
}
