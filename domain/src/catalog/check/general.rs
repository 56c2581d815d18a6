//! The shop itself.

use super::super::TipOffer;
use super::super::limits::{MAX_LANGUAGES, MAX_RATE, MAX_TIPS};
use super::{Check, twice};
use crate::money::{MAX_PRICE, Minor, Rate};
use crate::text::is_language_tag;

/// A day; whoever waits longer has an appointment.
const MAX_READY_MINUTES: u32 = 24 * 60;

/// More decimals than any currency has.
const MAX_EXPONENT: u8 = 4;

impl Check<'_> {
    pub(super) fn general(&mut self) {
        let parts = self.parts;
        if parts.rev == 0 {
            self.report(&["rev"], "revision 0", "count revisions from 1");
        }
        if !parts.currency.code.iter().all(u8::is_ascii_uppercase) || parts.currency.exponent > MAX_EXPONENT {
            self.report(&["currency"], "not a currency", "write its code of ISO 4217, such as EUR");
        }
        self.languages();
        self.name(&["brand"], &parts.brand);
        if parts.ready_minutes > MAX_READY_MINUTES {
            self.report(
                &["ready_minutes"],
                "longer than a day",
                "write the minutes until the goods are ready",
            );
        }
        self.at_most(&["tips"], parts.tips.len(), MAX_TIPS);
        for (at, tip) in parts.tips.iter().enumerate() {
            let sane = match tip {
                TipOffer::Fixed(amount) => (Minor(1)..=MAX_PRICE).contains(amount),
                TipOffer::Percent(rate) => (Rate(1)..=MAX_RATE).contains(rate),
            };
            if !sane {
                self.report(
                    &["tips", &at.to_string()],
                    "not a tip",
                    "write more than zero and at most 100 %",
                );
            }
        }
    }

    fn languages(&mut self) {
        let languages = &self.parts.languages;
        if languages.is_empty() {
            self.report(&["languages"], "no language", "write at least one, the default first");
        }
        self.at_most(&["languages"], languages.len(), MAX_LANGUAGES);
        if let Some(lang) = twice(languages) {
            self.report(&["languages", lang.as_str()], format!("{lang} is there twice"), "keep one of them");
        }
        for lang in languages.iter().filter(|lang| !is_language_tag(lang.as_str())) {
            let what = format!("\"{}\" is not a language tag", lang.as_str().escape_debug());
            self.report(&["languages", lang.as_str()], what, "write small letters as in en, pt-br");
        }
    }
}
