//! How values look to people: times, amounts, and text that cannot play tricks on a terminal.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

/// 1e-5 pieces of a piece: the fleet's unit of quantities.
pub(super) const PIECE: i64 = 100_000;

/// Whether a terminal could do something with this character but show it: controls of both sets, and those that
/// turn the direction of writing.
fn is_tricky(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// One line in which every character is shown and none is obeyed.
pub(super) fn clean(text: &str) -> String {
    shown(text, |_| false)
}

/// The same, with its lines and tabs.
pub(super) fn clean_lines(text: &str) -> String {
    shown(text, |c| c == '\n' || c == '\t')
}

fn shown(text: &str, keep: fn(char) -> bool) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if is_tricky(c) && !keep(c) {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// JSON in which such characters are escaped, which changes nothing of its meaning: they stand only in texts.
pub(super) fn clean_json(json: &str) -> String {
    let mut clean = String::with_capacity(json.len());
    for c in json.chars() {
        if is_tricky(c) && c != '\n' {
            write!(clean, "\\u{:04x}", u32::from(c)).expect("a string takes all that is written to it");
        } else {
            clean.push(c);
        }
    }
    clean
}

/// A JSON value as text: texts without quotes, lists with blanks between, nothing for null.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) if !values.iter().any(|value| value.is_object() || value.is_array()) => {
            values.iter().map(plain).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

/// A time that the API told.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(|text| text.parse().ok())
}

/// How long ago.
pub(super) fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - then.as_second();
    match seconds {
        ..-4 => format!("in {}", span(-seconds)),
        -4..=4 => "now".to_owned(),
        _ => format!("{} ago", span(seconds)),
    }
}

/// A length of time in its largest unit, from two of it up.
pub(super) fn span(seconds: i64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "min")];
    let unit = units.into_iter().find(|(size, _)| seconds >= 2 * size);
    unit.map_or_else(|| format!("{seconds} s"), |(size, name)| format!("{} {name}", seconds / size))
}

/// A time of the clock on the wall here.
pub(super) fn when(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// An amount of money from its minor units.
pub(super) fn money(minor: i64, exponent: i64, currency: &str) -> String {
    let exponent = usize::try_from(exponent).unwrap_or_default().min(9);
    format!("{} {currency}", decimal(minor, exponent, exponent)).trim_end().to_owned()
}

/// Pieces from 1e-5 pieces.
pub(super) fn quantity(value: i64) -> String {
    decimal(value, 5, 0)
}

/// A number with `exponent` digits behind the point, of which at least `least` are shown.
fn decimal(value: i64, exponent: usize, least: usize) -> String {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = exponent + 1);
    let (whole, fraction) = digits.split_at(digits.len() - exponent);
    let kept = fraction.trim_end_matches('0').len().max(least);
    let (sign, fraction) = (if value < 0 { "-" } else { "" }, &fraction[..kept]);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Pieces as people write them, as 1e-5 pieces.
pub(super) fn parse_quantity(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no number of pieces, unlike 12 or 0.5");
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 5 || !is_number(whole) || !is_number(fraction) {
        return Err(wrong());
    }
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    let fraction: i64 = format!("{fraction:0<5}").parse().map_err(|_| wrong())?;
    whole
        .checked_mul(PIECE)
        .and_then(|value| value.checked_add(fraction))
        .map(|value| sign * value)
        .ok_or_else(wrong)
}

/// `90s`, `10m`, `2h`, `3d`, as seconds.
pub(super) fn parse_span(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text:?} is no length of time, unlike 90s, 10m, 2h or 3d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    number.checked_mul(factor).ok_or_else(wrong)
}

/// How long a job may wait to be begun, in seconds: 10 s to 30 days, as the API has it.
pub(super) fn parse_expiry(text: &str) -> Result<u32, String> {
    let seconds = parse_span(text)?;
    if (10..=30 * 86_400).contains(&seconds) { Ok(seconds) } else { Err("from 10s to 30d".to_owned()) }
}

/// `1 kiosk`, `2 kiosks`.
pub(super) fn count(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_makes_a_terminal_do_anything() {
        assert_eq!(clean("a\x1b[2Jb\u{9b}c\nd"), "a\\u{1b}[2Jb\\u{9b}c\\nd");
        assert_eq!(clean("caf\u{e9} \u{202e}gnp.exe"), "caf\u{e9} \\u{202e}gnp.exe");
        assert_eq!(clean_lines("a\tb\nc\r\x07"), "a\tb\nc\\r\\u{7}");
        let value = serde_json::json!({ "a": "\u{9b}31m\u{202e}\x1b" });
        let json = clean_json(&value.to_string());
        assert!(json.chars().all(|c| !is_tricky(c)), "{json}");
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
    }

    #[test]
    fn amounts_are_exact_both_ways() {
        assert_eq!(money(1234, 2, "EUR"), "12.34 EUR");
        assert_eq!(money(-5, 2, "EUR"), "-0.05 EUR");
        assert_eq!(money(500, 0, "JPY"), "500 JPY");
        for (text, value) in [("12", 1_200_000), ("0.5", 50_000), ("-3", -300_000), ("1.00001", 100_001)] {
            assert_eq!(parse_quantity(text).unwrap(), value);
            assert_eq!(quantity(value), text);
        }
        for wrong in ["", "-", ".5", "1.000001", "1e3", "99999999999999999999", "1,5", "+1"] {
            assert!(parse_quantity(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let told = |seconds: i64| ago(at(1_000_000 - seconds), at(1_000_000));
        assert_eq!([told(0), told(100), told(200)], ["now", "100 s ago", "3 min ago"].map(str::to_owned));
        assert_eq!([told(7300), told(200_000)], ["2 h ago", "2 d ago"].map(str::to_owned));
        assert_eq!(told(-900), "in 15 min");
        assert_eq!((parse_span("10m"), parse_span("2h")), (Ok(600), Ok(7200)));
        assert!(parse_span("5").is_err() && parse_span("m").is_err() && parse_span("99999999d").is_err());
        assert!(parse_span("5\u{b5}").is_err());
        assert!(parse_expiry("10s").is_ok() && parse_expiry("30d").is_ok());
        assert!(parse_expiry("5s").is_err() && parse_expiry("31d").is_err());
    }
}
