//! The pages without a customer: attract and out of service.

use domain::View;
use domain::view::{AttractView, OutOfServiceView};
use slint::{Global, SharedString};

use super::rows::Rows;
use super::{Context, format, tongues};
use crate::pages::{self, AttractAdapter, ClosedAdapter, MainWindow};

#[derive(Default)]
pub(super) struct Adapter {
    greetings: Rows<SharedString>,
    others: Rows<SharedString>,
    others_rtl: Rows<SharedString>,
}

impl Adapter {
    pub fn connect(window: &MainWindow) -> Self {
        let adapter = Self::default();
        AttractAdapter::get(window).set_greetings(adapter.greetings.model());
        let closed = ClosedAdapter::get(window);
        closed.set_others(adapter.others.model());
        closed.set_others_rtl(adapter.others_rtl.model());
        adapter
    }

    pub fn apply(&self, context: &Context, view: &View, attract: &AttractView) {
        let dish = attract.pictures.first().map(|picture| picture.as_ref().into()).unwrap_or_default();
        AttractAdapter::get(context.window).set_dish(dish);
        let greetings = tongues::greetings(&view.languages, context.lang);
        self.greetings.show(greetings.into_iter().map(SharedString::from));
    }

    pub fn apply_closed(&self, context: &Context, view: &View, closed: &OutOfServiceView) {
        let page = ClosedAdapter::get(context.window);
        page.set_rest(rest(closed.rest));
        page.set_code(closed.code.as_ref().into());
        page.set_detail(closed.detail.as_ref().into());
        page.set_since(format::minute(closed.since_minute).into());
        page.set_kiosk(closed.kiosk.as_ref().into());
        page.set_serial(closed.serial.as_ref().into());
        page.set_version(closed.version.as_ref().into());
        let code = ["kioskd", &*closed.code, &*closed.kiosk, &*closed.serial, &*closed.version].join(":");
        page.set_qr(code.into());
        let (ltr, rtl) = tongues::resting(&view.languages, context.lang, closed.rest);
        self.others.show(ltr.into_iter().map(SharedString::from));
        self.others_rtl.show(rtl.into_iter().map(SharedString::from));
    }
}

pub(super) fn rest(why: domain::view::Rest) -> pages::Rest {
    match why {
        domain::view::Rest::Fault => pages::Rest::Fault,
        domain::view::Rest::Closed => pages::Rest::Closed,
        domain::view::Rest::Update => pages::Rest::Update,
    }
}
