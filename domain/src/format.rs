//! Money, dates and quantities as people read them, per language. Digits are always Latin, also in Arabic, as
//! they are on the card terminal beside the screen.

use crate::money::{Currency, Minor, Quantity, Rate};
use crate::text::Lang;
use crate::time::{Date, LocalTime, Now, WallMs};

/// A space that never breaks: an amount and its sign stay on one line.
const NBSP: char = '\u{a0}';

/// An amount with its currency: `€12.60` (en), `12,60 €` (de, fr), `12.60 €` (ar). The space is one that does not
/// break.
pub fn money(amount: Minor, currency: Currency, lang: &Lang) -> String {
    let style = Style::of(lang);
    let number = decimal(amount, currency, style);
    let sign = if amount < Minor::ZERO { "-" } else { "" };
    let symbol = symbol(currency);
    match style.sign_first {
        // A sign of letters stands apart: `CHF 5.00`.
        true if symbol.len() == 3 && symbol.is_ascii() => format!("{sign}{symbol}{NBSP}{number}"),
        true => format!("{sign}{symbol}{number}"),
        false => format!("{sign}{number}{NBSP}{symbol}"),
    }
}

/// An amount without its currency, for columns under a heading: `12,60`.
pub fn amount(amount: Minor, currency: Currency, lang: &Lang) -> String {
    let sign = if amount < Minor::ZERO { "-" } else { "" };
    format!("{sign}{}", decimal(amount, currency, Style::of(lang)))
}

/// A rate: `7 %` (de, fr), `8.875%` (en, ar); no more decimals than it has.
pub fn percent(rate: Rate, lang: &Lang) -> String {
    let style = Style::of(lang);
    let (whole, part) = (rate.0.unsigned_abs() / 10_000, rate.0.unsigned_abs() % 10_000);
    let sign = if rate.0 < 0 { "-" } else { "" };
    let digits = format!("{part:04}");
    let digits = digits.trim_end_matches('0');
    let number =
        if digits.is_empty() { whole.to_string() } else { format!("{whole}{}{digits}", style.point) };
    // Away from its number the sign would change sides among words that run to the left.
    if style.sign_first || lang.is_rtl() {
        format!("{sign}{number}%")
    } else {
        format!("{sign}{number}{NBSP}%")
    }
}

/// A quantity: whole pieces as they are, anything else with three decimals: `2`, `0.486`.
pub fn quantity(quantity: Quantity, lang: &Lang) -> String {
    let units = quantity.0.unsigned_abs();
    let sign = if quantity.0 < 0 { "-" } else { "" };
    let one = Quantity::ONE.0.unsigned_abs();
    if units.is_multiple_of(one) {
        return format!("{sign}{}", units / one);
    }
    let thousandths = (units + 50) / 100;
    format!("{sign}{}{}{:03}", thousandths / 1000, Style::of(lang).point, thousandths % 1000)
}

/// A date: `21 Nov 2026` would need words; this is `21/11/2026` (en, fr, ar) or `21.11.2026` (de).
pub fn date(date: Date, lang: &Lang) -> String {
    let between = Style::of(lang).date;
    format!("{:02}{between}{:02}{between}{}", date.day, date.month, date.year)
}

/// A time of day: `14:05`.
pub fn time(minute_of_day: u16) -> String {
    format!("{:02}:{:02}", minute_of_day / 60, minute_of_day % 60)
}

/// A moment of the past in the shop's time zone, read off the difference between the clocks now. Around a change
/// of daylight saving it may be an hour off.
pub fn local(now: &Now, at: WallMs) -> LocalTime {
    const DAY_S: i64 = 86_400;
    let of_day = i64::from(now.local.minute) * 60 + i64::from(now.local.second);
    // Whole seconds of either clock: their difference in milliseconds would round another way at each look.
    let past = now.wall.0.div_euclid(1000).saturating_sub(at.0.div_euclid(1000));
    let moved = of_day.saturating_sub(past);
    let days_back = -moved.div_euclid(DAY_S);
    let second = u16::try_from(moved.rem_euclid(60)).unwrap_or(0);
    LocalTime {
        date: days_before(now.local.date, days_back),
        weekday: now.local.weekday,
        minute: u16::try_from(moved.rem_euclid(DAY_S) / 60).unwrap_or(0),
        second: u8::try_from(second).unwrap_or(0),
    }
}

/// Seconds since local midnight of a moment of the past.
pub fn second_of_day(now: &Now, at: WallMs) -> u32 {
    let local = local(now, at);
    u32::from(local.minute) * 60 + u32::from(local.second)
}

/// The date so many days before (or, negative, after) `date`, by the civil calendar.
fn days_before(date: Date, days: i64) -> Date {
    from_day_number(day_number(date).saturating_sub(days))
}

/// Days since 1 March of year 0: with the leap day at the end of the year, months are regular.
fn day_number(date: Date) -> i64 {
    let month = i64::from(date.month);
    let year = i64::from(date.year) - i64::from(month <= 2);
    let from_march = (month + 9) % 12;
    year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (from_march * 153 + 2) / 5
        + i64::from(date.day)
        - 1
}

fn from_day_number(number: i64) -> Date {
    const ERA: i64 = 146_097;
    let era = number.div_euclid(ERA);
    let of_era = number.rem_euclid(ERA);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = year + era * 400 + i64::from(month <= 2);
    Date {
        year: i16::try_from(year).unwrap_or(i16::MAX),
        month: u8::try_from(month).unwrap_or(1),
        day: u8::try_from(day).unwrap_or(1),
    }
}

/// How a language writes numbers.
#[derive(Clone, Copy)]
struct Style {
    point: char,
    group: char,
    date: char,
    sign_first: bool,
}

impl Style {
    fn of(lang: &Lang) -> Self {
        match lang.as_str().split('-').next() {
            Some("de" | "nl" | "es" | "it" | "pt" | "da" | "tr" | "id") => {
                Self { point: ',', group: '.', date: '.', sign_first: false }
            }
            Some("fr" | "pl" | "cs" | "sv" | "nb" | "fi" | "uk" | "ru") => {
                Self { point: ',', group: NBSP, date: '/', sign_first: false }
            }
            Some("ar" | "he" | "fa" | "ur") => Self { point: '.', group: ',', date: '/', sign_first: false },
            Some(_) | None => Self { point: '.', group: ',', date: '/', sign_first: true },
        }
    }
}

/// Digits with groups of three and the decimals of the currency, without a sign.
fn decimal(amount: Minor, currency: Currency, style: Style) -> String {
    let unit = 10_u64.pow(u32::from(currency.exponent.min(6)));
    let units = amount.0.unsigned_abs();
    let whole = (units / unit).to_string();
    let mut text = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            text.push(style.group);
        }
        text.push(digit);
    }
    if currency.exponent > 0 {
        let places = usize::from(currency.exponent.min(6));
        text.push(style.point);
        text.push_str(&format!("{:0places$}", units % unit));
    }
    text
}

fn symbol(currency: Currency) -> String {
    match &currency.code {
        b"EUR" => "€".into(),
        b"USD" => "$".into(),
        b"GBP" => "£".into(),
        b"JPY" => "¥".into(),
        _ => currency.code().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{ClockQuality, MonoMs, Weekday};

    fn lang(tag: &str) -> Lang {
        Lang::new(tag)
    }

    #[test]
    fn money_is_written_as_each_language_writes_it() {
        let eur = Currency::EUR;
        assert_eq!(money(Minor(1260), eur, &lang("en")), "€12.60");
        assert_eq!(money(Minor(1260), eur, &lang("de")), "12,60\u{a0}€");
        assert_eq!(money(Minor(123_456_789), eur, &lang("de-AT")), "1.234.567,89\u{a0}€");
        assert_eq!(money(Minor(123_456), eur, &lang("fr")), "1\u{a0}234,56\u{a0}€");
        assert_eq!(money(Minor(-5), eur, &lang("en")), "-€0.05");
        assert_eq!(money(Minor(1260), eur, &lang("ar")), "12.60\u{a0}€");
        let jpy = Currency { code: *b"JPY", exponent: 0 };
        assert_eq!(money(Minor(1630), jpy, &lang("en")), "¥1,630");
        let kwd = Currency { code: *b"KWD", exponent: 3 };
        assert_eq!(money(Minor(1875), kwd, &lang("ar")), "1.875\u{a0}KWD");
        assert_eq!(money(Minor(1875), kwd, &lang("en")), "KWD\u{a0}1.875");
        assert_eq!(money(Minor(i64::MIN), eur, &lang("en")), "-€92,233,720,368,547,758.08");
    }

    #[test]
    fn rates_and_quantities_have_no_more_decimals_than_they_need() {
        assert_eq!(percent(Rate(70_000), &lang("de")), "7\u{a0}%");
        assert_eq!(percent(Rate(88_750), &lang("en")), "8.875%");
        assert_eq!(percent(Rate(70_000), &lang("ar")), "7%");
        assert_eq!(quantity(Quantity::pieces(3), &lang("en")), "3");
        assert_eq!(quantity(Quantity(48_600), &lang("de")), "0,486");
    }

    #[test]
    fn a_moment_of_the_past_is_shown_the_same_at_every_look() {
        // 12:00:10.900 UTC on a summer's day in 2027, seen from up to ten seconds later.
        let noon = 1_815_220_800_000;
        let at = WallMs(noon + 10_900);
        for later in 0..10_000 {
            let wall = WallMs(at.0 + later);
            let second_of_day = u32::try_from((wall.0 - noon) / 1000).unwrap() + 43_200;
            let now = Now {
                wall,
                mono: MonoMs(0),
                local: LocalTime {
                    date: Date { year: 2027, month: 7, day: 10 },
                    weekday: Weekday::Saturday,
                    minute: u16::try_from(second_of_day / 60).unwrap(),
                    second: u8::try_from(second_of_day % 60).unwrap(),
                },
                business_date: Date { year: 2027, month: 7, day: 10 },
                quality: ClockQuality::Ntp,
            };
            assert_eq!(super::second_of_day(&now, at), 43_210, "{later} ms later");
        }
    }

    #[test]
    fn a_moment_of_the_past_is_shown_in_local_time_across_midnight_and_leap_days() {
        let now = Now {
            wall: WallMs(1_000_000_000_000),
            mono: MonoMs(0),
            local: LocalTime {
                date: Date { year: 2028, month: 3, day: 1 },
                weekday: Weekday::Wednesday,
                minute: 10,
                second: 30,
            },
            business_date: Date { year: 2028, month: 2, day: 29 },
            quality: ClockQuality::Ntp,
        };
        let before = local(&now, WallMs(now.wall.0 - 11 * 60_000));
        assert_eq!((before.date, before.minute), (Date { year: 2028, month: 2, day: 29 }, 1439));
        assert_eq!(before.second, 30);
        assert_eq!(second_of_day(&now, now.wall), 630);
        let year_before = local(&now, WallMs(now.wall.0 - 366 * 86_400_000));
        assert_eq!(year_before.date, Date { year: 2027, month: 3, day: 1 });
    }
}
