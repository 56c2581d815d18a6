//! Language, and eat in or take away.

use std::rc::Rc;

use domain::cart::ServiceMode;
use domain::intent::Preference;
use domain::view::{Preferences, ServiceView};
use domain::{Intent, View};
use slint::{Global, SharedString};

use super::rows::Rows;
use super::{Context, IntentSender, names, tongues};
use crate::pages::{EaseAdapter, EaseKind, EaseSwitch, LanguageChoice, MainWindow, ServiceAdapter};

/// The switches whose effect reaches every page. Larger text, the lower screen and speech have their own layouts and
/// their own voice; they appear here when those exist.
const OFFERED: [EaseKind; 2] = [EaseKind::Contrast, EaseKind::LeftHanded];

pub(super) struct Adapter {
    languages: Rows<LanguageChoice>,
    switches: Rows<EaseSwitch>,
    pictures: Rows<SharedString>,
}

impl Adapter {
    pub fn connect(window: &MainWindow, send: &IntentSender) -> Self {
        let adapter =
            Self { languages: Rows::default(), switches: Rows::default(), pictures: Rows::default() };
        let page = ServiceAdapter::get(window);
        page.set_languages(adapter.languages.model());
        page.set_pictures(adapter.pictures.model());
        let ease = EaseAdapter::get(window);
        ease.set_switches(adapter.switches.model());
        ease.on_switch({
            let send = Rc::clone(send);
            move |kind| send(Intent::Prefer(preference(kind)))
        });
        let send = Rc::clone(send);
        page.on_choose(move |dine_in| {
            send(Intent::SetMode(if dine_in { ServiceMode::DineIn } else { ServiceMode::TakeAway }));
        });
        adapter
    }

    /// Languages and switches, which sheets over any page show as well.
    pub fn apply_sheets(&self, context: &Context, view: &View) {
        self.switches.show(OFFERED.map(|kind| EaseSwitch { kind, on: is_on(kind, view.preferences) }));
        self.languages.show(view.languages.iter().map(|lang| LanguageChoice {
            tag: lang.as_str().into(),
            name: tongues::name(lang).into(),
            chosen: lang == context.lang,
        }));
    }

    pub fn apply(&self, context: &Context, view: &View, service: &ServiceView) {
        let page = ServiceAdapter::get(context.window);
        page.set_minute_of_day(service.minute_of_day.into());
        page.set_voice(service.voice);
        page.set_eat_in(service.modes.contains(&ServiceMode::DineIn));
        page.set_take_away(service.modes.contains(&ServiceMode::TakeAway));
        page.set_language_words(tongues::language_words(&view.languages, context.lang).into());
        page.set_dish(service.pictures.first().map(|name| name.as_ref().into()).unwrap_or_default());
        self.pictures.show(names(&service.pictures));
    }
}

fn preference(kind: EaseKind) -> Preference {
    match kind {
        EaseKind::LargeText => Preference::LargeText,
        EaseKind::Contrast => Preference::HighContrast,
        EaseKind::Reach => Preference::Reach,
        EaseKind::LeftHanded => Preference::LeftHanded,
        EaseKind::Speech => Preference::Speech,
    }
}

fn is_on(kind: EaseKind, preferences: Preferences) -> bool {
    match kind {
        EaseKind::LargeText => preferences.large_text,
        EaseKind::Contrast => preferences.high_contrast,
        EaseKind::Reach => preferences.reach,
        EaseKind::LeftHanded => preferences.left_handed,
        EaseKind::Speech => preferences.speech,
    }
}
