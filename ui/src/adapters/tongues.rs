//! What has to be said in languages other than the customer's: names of languages, the first words of the attract
//! page, the message of a resting kiosk. Everything else is in the translation files.

use domain::text::Lang;
use domain::view::Rest;

struct Tongue {
    tag: &'static str,
    name: &'static str,
    language: &'static str,
    touch_to_order: &'static str,
    resting: &'static str,
    closed: &'static str,
    updating: &'static str,
}

/// The languages with translation files; the first is what the pages are written in.
const TONGUES: [Tongue; 4] = [
    Tongue {
        tag: "en",
        name: "English",
        language: "Language",
        touch_to_order: "Touch to order",
        resting: "Back in a moment. Please order at the counter.",
        closed: "See you soon. Please order at the counter.",
        updating: "New software: back in a minute.",
    },
    Tongue {
        tag: "de",
        name: "Deutsch",
        language: "Sprache",
        touch_to_order: "Zum Bestellen berühren",
        resting: "Gleich wieder da. Bitte an der Theke bestellen.",
        closed: "Bis bald. Bitte an der Theke bestellen.",
        updating: "Neue Software: in einer Minute wieder da.",
    },
    Tongue {
        tag: "fr",
        name: "Français",
        language: "Langue",
        touch_to_order: "Touchez pour commander",
        resting: "De retour bientôt. Commandez au comptoir.",
        closed: "À bientôt. Commandez au comptoir.",
        updating: "Mise à jour : de retour dans une minute.",
    },
    Tongue {
        tag: "ar",
        name: "العربية",
        language: "اللغة",
        touch_to_order: "المس الشاشة للطلب",
        resting: "نعود بعد قليل. اطلب من الكاونتر.",
        closed: "نراكم قريبًا. اطلب من الكاونتر.",
        updating: "تحديث البرنامج: نعود بعد دقيقة.",
    },
];

fn tongue(lang: &Lang) -> Option<&'static Tongue> {
    let base = lang.as_str().split('-').next()?;
    TONGUES.iter().find(|tongue| tongue.tag == base)
}

/// Whether the screens have words of their own in a language; in others they speak English.
pub fn speaks(lang: &Lang) -> bool {
    tongue(lang).is_some()
}

/// The translation file for a language: its own, or English.
pub(crate) fn translation(lang: &Lang) -> &'static str {
    tongue(lang).map_or("en", |tongue| tongue.tag)
}

/// A language's name in its own script.
pub(crate) fn name(lang: &Lang) -> String {
    tongue(lang).map_or_else(|| lang.as_str().to_uppercase(), |tongue| tongue.name.to_owned())
}

/// "Touch to order" in the other languages of the kiosk.
pub(crate) fn greetings(all: &[Lang], shown: &Lang) -> Vec<&'static str> {
    others(all, shown).map(|tongue| tongue.touch_to_order).collect()
}

/// "Language" in the other languages, each after a dot.
pub(crate) fn language_words(all: &[Lang], shown: &Lang) -> String {
    let words: String = others(all, shown).map(|tongue| format!("· {} ", tongue.language)).collect();
    // The mark makes the list run from the right, although its first words do not.
    let start = if shown.is_rtl() { "\u{200f}" } else { "" };
    format!("{start}{}", words.trim_end())
}

/// The message of a kiosk that sells nothing in the other languages: left to right ones, then right to left ones.
pub(crate) fn resting(all: &[Lang], shown: &Lang, rest: Rest) -> (Vec<&'static str>, Vec<&'static str>) {
    let (rtl, ltr): (Vec<&Tongue>, Vec<&Tongue>) =
        others(all, shown).partition(|tongue| Lang::new(tongue.tag).is_rtl());
    let word = |tongue: &'static Tongue| match rest {
        Rest::Fault => tongue.resting,
        Rest::Closed => tongue.closed,
        Rest::Update => tongue.updating,
    };
    let words = |tongues: Vec<&'static Tongue>| tongues.into_iter().map(word).collect();
    (words(ltr), words(rtl))
}

/// The other languages of the kiosk; of one that knows no catalog, all.
fn others(all: &[Lang], shown: &Lang) -> impl Iterator<Item = &'static Tongue> {
    let shown = translation(shown);
    let every = TONGUES.iter().filter(|_| all.is_empty());
    all.iter().filter_map(tongue).chain(every).filter(move |tongue| tongue.tag != shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_kiosk_says_so_in_every_language_and_not_that_it_is_soon_back() {
        let all = ["en", "de", "fr", "ar"].map(Lang::new);
        let (ltr, rtl) = resting(&all, &all[0], Rest::Closed);
        assert!(ltr[0].starts_with("Bis bald.") && ltr[1].starts_with("À bientôt."), "{ltr:?}");
        assert_eq!((ltr.len(), rtl.len()), (2, 1));
        let (resting, _) = resting(&all, &all[0], Rest::Fault);
        assert!(resting[0].starts_with("Gleich wieder da."), "{resting:?}");
    }

    #[test]
    fn a_kiosk_without_a_catalog_rests_in_all_languages() {
        let (ltr, rtl) = resting(&[], &Lang::new("de"), Rest::Fault);
        assert_eq!((ltr.len(), rtl.len()), (2, 1), "{ltr:?} {rtl:?}");
    }
}
