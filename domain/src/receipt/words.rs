//! The words of receipts, slips and tickets. A receipt speaks the language of its customer; what is not
//! translated here is said in English.

use std::sync::Arc;

use crate::text::Lang;

/// "Without", for the kitchen: short, and the same in every kitchen that speaks the shop's language.
pub(crate) const KITCHEN_WITHOUT: &str = "NO";

/// One word or phrase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Word {
    YourNumber,
    EatIn,
    TakeAway,
    Delivery,
    Total,
    Tip,
    ToPay,
    Paid,
    Card,
    Counter,
    Tax,
    Net,
    Gross,
    Untaxed,
    Receipt,
    Copy,
    Refund,
    GivenBack,
    PayAtCounter,
    NotAReceipt,
    Free,
}

/// The word in a language.
pub(crate) fn word(lang: &Lang, word: Word) -> &'static str {
    let [en, de, fr, ar] = table(word);
    match lang.as_str().split('-').next() {
        Some("de") => de,
        Some("fr") => fr,
        Some("ar") => ar,
        Some(_) | None => en,
    }
}

fn table(word: Word) -> [&'static str; 4] {
    match word {
        Word::YourNumber => ["Your number", "Deine Nummer", "Votre numéro", "رقمك"],
        Word::EatIn => ["Eat here", "Hier essen", "Sur place", "تناول هنا"],
        Word::TakeAway => ["Take away", "Mitnehmen", "À emporter", "سفري"],
        Word::Delivery => ["Delivery", "Lieferung", "Livraison", "توصيل"],
        Word::Total => ["Total", "Summe", "Total", "المجموع"],
        Word::Tip => ["Tip", "Trinkgeld", "Pourboire", "بقشيش"],
        Word::ToPay => ["To pay", "Zu zahlen", "À payer", "المطلوب دفعه"],
        Word::Paid => ["Paid", "Bezahlt", "Payé", "مدفوع"],
        Word::Card => ["Card", "Karte", "Carte", "بطاقة"],
        Word::Counter => ["At the counter", "An der Theke", "Au comptoir", "عند الكاونتر"],
        Word::Tax => ["Tax", "MwSt.", "TVA", "الضريبة"],
        Word::Net => ["Net", "Netto", "HT", "الصافي"],
        Word::Gross => ["Gross", "Brutto", "TTC", "الإجمالي"],
        Word::Untaxed => ["No tax", "Ohne MwSt.", "Sans TVA", "بدون ضريبة"],
        Word::Receipt => ["Receipt", "Beleg", "Reçu", "إيصال"],
        Word::Copy => ["COPY", "KOPIE", "DUPLICATA", "نسخة"],
        Word::Refund => ["REFUND", "ERSTATTUNG", "REMBOURSEMENT", "استرداد"],
        Word::GivenBack => ["Given back", "Zurückgezahlt", "Remboursé", "تم الرد"],
        Word::PayAtCounter => [
            "Please pay at the counter",
            "Bitte an der Theke bezahlen",
            "Merci de payer au comptoir",
            "يرجى الدفع عند الكاونتر",
        ],
        Word::NotAReceipt => {
            ["This is not a receipt", "Dies ist kein Beleg", "Ceci n'est pas un reçu", "هذا ليس إيصالاً"]
        }
        Word::Free => ["Nothing to pay", "Nichts zu zahlen", "Rien à payer", "لا يوجد مبلغ للدفع"],
    }
}

/// "No onion".
pub(crate) fn without(lang: &Lang, what: &str) -> Arc<str> {
    let no = match lang.as_str().split('-').next() {
        Some("de") => "Ohne",
        Some("fr") => "Sans",
        Some("ar") => "بدون",
        Some(_) | None => "No",
    };
    format!("{no} {}", in_sentence(lang, what)).into()
}

/// "Bacon & Rye, Double".
pub(crate) fn with_version(lang: &Lang, name: &str, version: &str) -> Arc<str> {
    let comma = if lang.is_rtl() { '،' } else { ',' };
    format!("{name}{comma} {version}").into()
}

/// A name in the middle of a phrase: English and French lower its capital, German and Arabic do not.
fn in_sentence(lang: &Lang, what: &str) -> String {
    let keeps = matches!(lang.as_str().split('-').next(), Some("de" | "ar"));
    let mut letters = what.chars();
    let second = what.chars().nth(1);
    match letters.next() {
        // An abbreviation (BBQ) stays one.
        Some(first) if !keeps && second.is_none_or(|c| !c.is_uppercase()) => {
            first.to_lowercase().chain(letters).collect()
        }
        Some(_) | None => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_something_out_is_said_in_the_customers_language() {
        assert_eq!(&*without(&Lang::new("en"), "Onion"), "No onion");
        assert_eq!(&*without(&Lang::new("en"), "BBQ sauce"), "No BBQ sauce");
        assert_eq!(&*without(&Lang::new("de"), "Zwiebel"), "Ohne Zwiebel");
        assert_eq!(&*without(&Lang::new("fr"), "Oignon"), "Sans oignon");
    }

    #[test]
    fn eating_here_is_called_what_the_screen_calls_it() {
        let called = |lang| word(&Lang::new(lang), Word::EatIn);
        assert_eq!(["en", "de", "fr"].map(called), ["Eat here", "Hier essen", "Sur place"]);
    }

    #[test]
    fn the_place_to_pay_is_called_what_the_screen_calls_it() {
        let places = [("en", "counter"), ("de", "Theke"), ("fr", "comptoir"), ("ar", "الكاونتر")];
        for (lang, place) in places {
            for what in [Word::Counter, Word::PayAtCounter] {
                assert!(word(&Lang::new(lang), what).contains(place), "{what:?} in {lang}");
            }
        }
    }

    #[test]
    fn a_version_follows_behind_the_comma_of_the_language() {
        assert_eq!(&*with_version(&Lang::new("fr"), "Latte", "Grand"), "Latte, Grand");
        assert_eq!(&*with_version(&Lang::new("ar"), "لاتيه", "كبير"), "لاتيه، كبير");
    }

    #[test]
    fn an_unknown_language_gets_english() {
        assert_eq!(word(&Lang::new("sw"), Word::Total), "Total");
        assert_eq!(word(&Lang::new("de-AT"), Word::Total), "Summe");
    }
}
