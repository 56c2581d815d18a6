//! Language, and eat in or take away.

use std::rc::Rc;

use domain::cart::ServiceMode;
use domain::view::ServiceView;
use domain::{Intent, View};
use slint::{Global, SharedString};

use super::rows::Rows;
use super::{Context, IntentSender, names, tongues};
use crate::pages::{LanguageChoice, MainWindow, ServiceAdapter};

pub(super) struct Adapter {
    languages: Rows<LanguageChoice>,
    pictures: Rows<SharedString>,
}

impl Adapter {
    pub fn connect(window: &MainWindow, send: &IntentSender) -> Self {
        let adapter = Self { languages: Rows::default(), pictures: Rows::default() };
        let page = ServiceAdapter::get(window);
        page.set_languages(adapter.languages.model());
        page.set_pictures(adapter.pictures.model());
        let send = Rc::clone(send);
        page.on_choose(move |dine_in| {
            send(Intent::SetMode(if dine_in { ServiceMode::DineIn } else { ServiceMode::TakeAway }));
        });
        adapter
    }

    /// The languages, which a sheet over any page shows as well.
    pub fn apply_languages(&self, context: &Context, view: &View) {
        self.languages.show(view.languages.iter().map(|lang| LanguageChoice {
            tag: lang.as_str().into(),
            name: tongues::name(lang).into(),
            chosen: lang == context.lang,
        }));
    }

    pub fn apply(&self, context: &Context, view: &View, service: &ServiceView) {
        let page = ServiceAdapter::get(context.window);
        page.set_minute_of_day(service.minute_of_day.into());
        page.set_eat_in(service.modes.contains(&ServiceMode::DineIn));
        page.set_take_away(service.modes.contains(&ServiceMode::TakeAway));
        page.set_language_words(tongues::language_words(&view.languages, context.lang).into());
        page.set_dish(service.pictures.first().map(|name| name.as_ref().into()).unwrap_or_default());
        self.pictures.show(names(&service.pictures));
    }
}
