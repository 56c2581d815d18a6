//! Money and time as the customer's language writes them.

use domain::text::Lang;
use domain::{Currency, Minor};

/// Keeps an amount in one piece, on one line.
const NO_BREAK_SPACE: char = '\u{a0}';
/// Groups thousands in French; keeps the number together.
const NARROW_NO_BREAK_SPACE: char = '\u{202f}';
/// Holds a number and its sign in this order inside right-to-left text.
const LEFT_TO_RIGHT_MARK: char = '\u{200e}';

/// How a language writes amounts.
struct Style {
    decimal: char,
    group: char,
    symbol_first: bool,
}

fn style(lang: &Lang) -> Style {
    match lang.as_str().split('-').next() {
        Some("de" | "es" | "it" | "nl" | "tr") => Style { decimal: ',', group: '.', symbol_first: false },
        Some("fr" | "pl") => Style { decimal: ',', group: NARROW_NO_BREAK_SPACE, symbol_first: false },
        Some("ar" | "he" | "fa" | "ur") => Style { decimal: '.', group: ',', symbol_first: false },
        _ => Style { decimal: '.', group: ',', symbol_first: true },
    }
}

/// The sign of a currency, or its three letters.
fn symbol(currency: &Currency) -> &str {
    match currency.code() {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        "JPY" => "¥",
        other => other,
    }
}

/// An amount with its currency: `€12.60`, `12,60 €`.
pub(crate) fn money(amount: Minor, currency: Currency, lang: &Lang) -> String {
    let style = style(lang);
    let digits = number(amount.0.unsigned_abs(), currency.exponent, &style);
    let sign = if amount.0 < 0 { "−" } else { "" };
    let symbol = symbol(&currency);
    let text = if !style.symbol_first {
        format!("{sign}{digits}{NO_BREAK_SPACE}{symbol}")
    } else if symbol.len() == 3 && symbol.is_ascii() {
        format!("{sign}{symbol}{NO_BREAK_SPACE}{digits}")
    } else {
        format!("{sign}{symbol}{digits}")
    };
    if lang.is_rtl() { format!("{LEFT_TO_RIGHT_MARK}{text}{LEFT_TO_RIGHT_MARK}") } else { text }
}

/// An address or a name of the network, which keeps its order inside right-to-left text.
pub(crate) fn latin(text: &str, lang: &Lang) -> String {
    if lang.is_rtl() { format!("{LEFT_TO_RIGHT_MARK}{text}{LEFT_TO_RIGHT_MARK}") } else { text.to_owned() }
}

/// An amount without a fraction that is zero: `€2`.
pub(crate) fn short_money(amount: Minor, currency: Currency, lang: &Lang) -> String {
    let scale = 10_i64.saturating_pow(currency.exponent.into());
    if amount.0 % scale == 0 {
        money(Minor(amount.0 / scale), Currency { exponent: 0, ..currency }, lang)
    } else {
        money(amount, currency, lang)
    }
}

/// A surcharge: `+ €1.20`.
pub(crate) fn extra(amount: Minor, currency: Currency, lang: &Lang) -> String {
    let text = format!("+{NO_BREAK_SPACE}{}", money(amount, currency, lang).trim_matches(LEFT_TO_RIGHT_MARK));
    if lang.is_rtl() { format!("{LEFT_TO_RIGHT_MARK}{text}{LEFT_TO_RIGHT_MARK}") } else { text }
}

/// A whole number with grouped thousands: `1,040`.
pub(crate) fn count(n: u32, lang: &Lang) -> String {
    number(n.into(), 0, &style(lang))
}

fn number(value: u64, decimals: u8, style: &Style) -> String {
    let scale = 10_u64.saturating_pow(decimals.into());
    let mut text = grouped(value / scale, style.group);
    if decimals > 0 {
        text.push(style.decimal);
        text.push_str(&format!("{:0width$}", value % scale, width = usize::from(decimals)));
    }
    text
}

fn grouped(value: u64, separator: char) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// A rate in units of 1e-4 % as `7 %` or `8.875 %`.
pub(crate) fn rate(units: i32, lang: &Lang) -> String {
    let units = units.unsigned_abs();
    let mut text = (units / 10_000).to_string();
    let fraction = format!("{:04}", units % 10_000);
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        text.push(style(lang).decimal);
        text.push_str(fraction);
    }
    // Away from its number the sign would change sides among words that run to the left.
    if lang.is_rtl() { format!("{text}%") } else { format!("{text}{NO_BREAK_SPACE}%") }
}

/// A local minute of the day as `12:04`.
pub(crate) fn minute(minute_of_day: u16) -> String {
    format!("{:02}:{:02}", minute_of_day / 60, minute_of_day % 60)
}

/// A local second of the day as `12:41:07`.
pub(crate) fn second(second_of_day: u32) -> String {
    format!("{:02}:{:02}:{:02}", second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60)
}

/// What stands between the parts of a list.
pub(crate) fn list_comma(lang: &Lang) -> &'static str {
    match lang.as_str().split('-').next() {
        Some("ar" | "fa" | "ur") => "، ",
        Some("zh" | "ja") => "、",
        _ => ", ",
    }
}

/// The first letter in lower case where the language writes nouns that way, for a name inside a sentence.
pub(crate) fn inside_sentence(name: &str, lang: &Lang) -> String {
    let lowers = matches!(lang.as_str().split('-').next(), Some("en" | "fr" | "es" | "it" | "nl"));
    let mut letters = name.chars();
    match letters.next() {
        // "BBQ sauce" and "IPA" keep their capitals.
        Some(first) if lowers && letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn euro(minor: i64, lang: &str) -> String {
        money(Minor(minor), Currency::EUR, &Lang::new(lang))
    }

    #[test]
    fn amounts_are_written_the_way_of_the_language() {
        assert_eq!(euro(1260, "en"), "€12.60");
        assert_eq!(euro(1260, "de"), "12,60\u{a0}€");
        assert_eq!(euro(123_456, "fr"), "1\u{202f}234,56\u{a0}€");
        assert_eq!(euro(1260, "ar"), "\u{200e}12.60\u{a0}€\u{200e}");
        assert_eq!(euro(-5, "en"), "−€0.05");
        assert_eq!(short_money(Minor(200), Currency::EUR, &Lang::new("de")), "2\u{a0}€");
        assert_eq!(short_money(Minor(250), Currency::EUR, &Lang::new("en")), "€2.50");
        let yen = Currency { code: *b"JPY", exponent: 0 };
        assert_eq!(money(Minor(1200), yen, &Lang::new("en")), "¥1,200");
        let dinar = Currency { code: *b"KWD", exponent: 3 };
        assert_eq!(money(Minor(1_234_567), dinar, &Lang::new("en")), "KWD\u{a0}1,234.567");
    }

    #[test]
    fn a_surcharge_keeps_its_plus_before_the_number_in_arabic() {
        assert_eq!(extra(Minor(120), Currency::EUR, &Lang::new("ar")), "\u{200e}+\u{a0}1.20\u{a0}€\u{200e}");
    }

    #[test]
    fn rates_show_no_needless_zeros() {
        assert_eq!(rate(70_000, &Lang::new("en")), "7\u{a0}%");
        assert_eq!(rate(88_750, &Lang::new("de")), "8,875\u{a0}%");
        assert_eq!(rate(70_000, &Lang::new("ar")), "7%");
    }

    #[test]
    fn nouns_keep_their_capital_in_german_and_abbreviations_everywhere() {
        assert_eq!(inside_sentence("Onion", &Lang::new("en")), "onion");
        assert_eq!(inside_sentence("Zwiebel", &Lang::new("de")), "Zwiebel");
        assert_eq!(inside_sentence("BBQ sauce", &Lang::new("en")), "BBQ sauce");
        assert_eq!(inside_sentence("", &Lang::new("en")), "");
    }

    #[test]
    fn times_have_two_digits_each() {
        assert_eq!(minute(9 * 60 + 5), "09:05");
        assert_eq!(second(12 * 3600 + 41 * 60 + 7), "12:41:07");
    }
}
