//! Reading single values: each says what it expected when it got something else.

use std::sync::Arc;

use domain::catalog::Allergens;
use domain::money::{Currency, Minor, Quantity, Rate};
use domain::text::{Lang, Text};
use domain::time::{Date, WallMs};

use super::fields::{Object, Path, Reader, closest, list};
use super::node::{Kind, Node, shown};

/// The words of a scalar that is text.
pub(super) fn string<'d>(reader: &mut Reader, node: &'d Node, path: &Path) -> Option<&'d str> {
    match &node.kind {
        Kind::Text(words) | Kind::Cell(words) => Some(words),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Object(_) => reader.fault(
            node,
            path,
            format!("{} is not a text", node.describe()),
            "write it in double quotes",
        ),
    }
}

pub(super) fn arc(reader: &mut Reader, node: &Node, path: &Path) -> Option<Arc<str>> {
    string(reader, node, path).map(Arc::from)
}

/// A short name chosen by the shop; `wrap` makes it an id.
pub(super) fn id<T>(wrap: impl Fn(&str) -> T) -> impl Fn(&mut Reader, &Node, &Path) -> Option<T> {
    move |reader: &mut Reader, node: &Node, path: &Path| {
        let name = string(reader, node, path)?;
        if domain::catalog::is_id(name) {
            return Some(wrap(name));
        }
        let what = format!("\"{}\" cannot be an id", shown(name));
        reader.fault(
            node,
            path,
            what,
            format!("write small letters, digits, - and _, such as \"{}\"", id_like(name)),
        )
    }
}

/// What an id made from this name could be.
fn id_like(name: &str) -> String {
    let letters = name.chars().take(domain::catalog::MAX_ID_CHARS).map(|c| {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }
    });
    let id: String = letters.collect();
    let id = id.trim_matches('-');
    if id.is_empty() { "classic-meal".to_owned() } else { id.to_owned() }
}

pub(super) fn amount(reader: &mut Reader, node: &Node, path: &Path) -> Option<Minor> {
    let currency = reader.currency;
    let example = currency.decimal(Minor(1260));
    let words = match &node.kind {
        Kind::Text(words) | Kind::Cell(words) => words,
        Kind::Number(digits) => {
            let what = format!("{digits} is a bare number");
            return reader.fault(node, path, what, format!("write the amount in quotes: \"{digits}\""));
        }
        Kind::Null | Kind::Bool(_) | Kind::List(_) | Kind::Object(_) => {
            let what = format!("{} is not an amount", node.describe());
            return reader.fault(node, path, what, format!("write for example \"{example}\""));
        }
    };
    match currency.parse(words) {
        Ok(amount) => Some(amount),
        Err(why) => {
            let corrected = words.trim().replace(',', ".");
            let corrected = corrected.trim_matches(|c: char| !c.is_ascii_digit() && c != '-');
            let example = currency.parse(corrected).map_or(example, |amount| currency.decimal(amount));
            let what = format!("\"{}\" {why}", shown(words));
            reader.fault(
                node,
                path,
                what,
                format!("write an amount in {} such as \"{example}\"", currency.code()),
            )
        }
    }
}

pub(super) fn rate(reader: &mut Reader, node: &Node, path: &Path) -> Option<Rate> {
    let words = string(reader, node, path)?;
    match Rate::parse(words) {
        Ok(rate) => Some(rate),
        Err(why) => {
            let what = format!("\"{}\" {why}", shown(words));
            reader.fault(node, path, what, "write a percentage such as \"19 %\" or \"8.875 %\"")
        }
    }
}

pub(super) fn quantity(reader: &mut Reader, node: &Node, path: &Path) -> Option<Quantity> {
    let words = string(reader, node, path)?;
    match Quantity::parse(words) {
        Ok(quantity) => Some(quantity),
        Err(why) => {
            let what = format!("\"{}\" {why}", shown(words));
            reader.fault(node, path, what, "write a quantity such as \"6\" or \"0.5\"")
        }
    }
}

/// A whole number in the range of `T`.
pub(super) fn number<T: TryFrom<i64>>(reader: &mut Reader, node: &Node, path: &Path) -> Option<T> {
    let digits = match &node.kind {
        Kind::Number(digits) | Kind::Cell(digits) => digits.trim(),
        Kind::Text(words) => {
            let what = format!("\"{}\" is a text", shown(words));
            return reader.fault(node, path, what, "write a whole number without quotes");
        }
        Kind::Null | Kind::Bool(_) | Kind::List(_) | Kind::Object(_) => {
            let what = format!("{} is not a number", node.describe());
            return reader.fault(node, path, what, "write a whole number");
        }
    };
    match digits.parse::<i64>().ok().and_then(|n| T::try_from(n).ok()) {
        Some(number) => Some(number),
        None => {
            let what = format!("{} is not a whole number in range", shown(digits));
            reader.fault(node, path, what, "write a whole number such as 1")
        }
    }
}

pub(super) fn boolean(reader: &mut Reader, node: &Node, path: &Path) -> Option<bool> {
    match &node.kind {
        Kind::Bool(value) => Some(*value),
        Kind::Cell(words) => match words.trim().to_lowercase().as_str() {
            "yes" | "true" | "x" | "1" => Some(true),
            "no" | "false" | "0" => Some(false),
            _ => reader.fault(
                node,
                path,
                format!("\"{}\" is neither yes nor no", shown(words)),
                "write yes or no",
            ),
        },
        Kind::Null | Kind::Number(_) | Kind::Text(_) | Kind::List(_) | Kind::Object(_) => {
            let what = format!("{} is neither true nor false", node.describe());
            reader.fault(node, path, what, "write true or false, without quotes")
        }
    }
}

/// A text: in every language the same, or language by language.
pub(super) fn text(reader: &mut Reader, node: &Node, path: &Path) -> Option<Text> {
    let fields = match &node.kind {
        Kind::Text(words) | Kind::Cell(words) => {
            let default = reader.languages.first()?.clone();
            return Some(Text::single(&default, words));
        }
        Kind::Object(fields) => fields,
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) => {
            let what = format!("{} is not a text", node.describe());
            return reader.fault(node, path, what, "write { \"en\": \"…\" } with one text per language");
        }
    };
    let mut text = Some(Text::default());
    for field in fields {
        let path = path.then(&field.name);
        let lang = reader.languages.iter().find(|l| l.as_str() == field.name).cloned();
        if lang.is_none() {
            let offered: Vec<&str> = reader.languages.iter().map(Lang::as_str).collect();
            let instead = format!(
                "the languages are {}; add it to \"languages\" if it is one more",
                offered.join(", ")
            );
            let key = Node { at: field.at, kind: Kind::Null };
            let what = format!("\"{}\" is not a language of this catalog", shown(&field.name));
            let _: Option<()> = reader.fault(&key, &path, what, instead);
        }
        let words = arc(reader, &field.value, &path);
        text = text.zip(lang.zip(words)).map(|(mut text, (lang, words))| {
            text.0.insert(lang, words);
            text
        });
    }
    text
}

pub(super) fn language(reader: &mut Reader, node: &Node, path: &Path) -> Option<Lang> {
    let tag = string(reader, node, path)?;
    if domain::text::is_language_tag(tag) {
        return Some(Lang::new(tag));
    }
    let what = format!("\"{}\" is not a language tag", shown(tag));
    reader.fault(node, path, what, "write small letters as in \"en\", \"pt-br\"")
}

/// One of a few words.
pub(super) fn word<T: Copy>(
    choices: &'static [(&'static str, T)],
) -> impl Fn(&mut Reader, &Node, &Path) -> Option<T> {
    move |reader: &mut Reader, node: &Node, path: &Path| {
        let word = string(reader, node, path)?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word) {
            return Some(*value);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let instead = match closest(word, &names) {
            Some(name) => format!("write \"{name}\"?"),
            None => format!("write one of {}", names.join(", ")),
        };
        reader.fault(
            node,
            path,
            format!("\"{}\" is none of the words that can stand here", shown(word)),
            instead,
        )
    }
}

/// As [`allergens`], or the word `none`: a cell of a table cannot hold an empty list.
pub(super) fn stated_allergens(reader: &mut Reader, node: &Node, path: &Path) -> Option<Allergens> {
    match &node.kind {
        Kind::List(values) if values.len() == 1 && is_none(&values[0]) => Some(Allergens::default()),
        _ if is_none(node) => Some(Allergens::default()),
        _ => allergens(reader, node, path),
    }
}

fn is_none(node: &Node) -> bool {
    matches!(&node.kind, Kind::Text(word) | Kind::Cell(word) if word == "none")
}

pub(super) fn allergens(reader: &mut Reader, node: &Node, path: &Path) -> Option<Allergens> {
    let sets = list(reader, node, path, |reader: &mut Reader, node: &Node, path: &Path| {
        let name = string(reader, node, path)?;
        match Allergens::from_name(name) {
            Some(set) => Some(set),
            None => {
                let instead = match closest(name, &Allergens::NAMES) {
                    Some(near) => format!("write \"{near}\"?"),
                    None => format!("write one of {}", Allergens::NAMES.join(", ")),
                };
                reader.fault(
                    node,
                    path,
                    format!("\"{}\" is not one of the 14 allergens", shown(name)),
                    instead,
                )
            }
        }
    })?;
    Some(sets.into_iter().fold(Allergens::default(), Allergens::with))
}

pub(super) fn date(reader: &mut Reader, node: &Node, path: &Path) -> Option<Date> {
    let words = string(reader, node, path)?;
    match parse_date(words) {
        Some(date) => Some(date),
        None => {
            let what = format!("\"{}\" is not a date of the calendar", shown(words));
            reader.fault(node, path, what, "write year-month-day, such as \"2026-03-31\"")
        }
    }
}

pub(super) fn parse_date(words: &str) -> Option<Date> {
    let date: jiff::civil::Date = (words.len() == 10).then(|| words.parse().ok())??;
    let (month, day) = (u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?);
    Some(Date { year: date.year(), month, day })
}

/// Minutes since midnight, 0 to 1440.
pub(super) fn time_of_day(reader: &mut Reader, node: &Node, path: &Path) -> Option<u16> {
    let words = string(reader, node, path)?;
    let two_digits = |part: &str| {
        (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<u16>().ok())
            .flatten()
    };
    let parts = words.split_once(':').and_then(|(h, m)| Some((two_digits(h)?, two_digits(m)?)));
    match parts {
        Some((hour, minute)) if (hour < 24 && minute < 60) || (hour, minute) == (24, 0) => {
            Some(hour * 60 + minute)
        }
        _ => {
            let what = format!("\"{}\" is not a time of day", shown(words));
            reader.fault(node, path, what, "write hours and minutes, such as \"07:30\"")
        }
    }
}

/// A moment with its offset from UTC.
pub(super) fn moment(reader: &mut Reader, node: &Node, path: &Path) -> Option<WallMs> {
    let words = string(reader, node, path)?;
    match words.parse::<jiff::Timestamp>() {
        Ok(moment) => Some(WallMs(moment.as_millisecond())),
        Err(_) => {
            let what = format!("\"{}\" is not a moment", shown(words));
            reader.fault(node, path, what, "write it with its zone, such as \"2026-03-31T10:00:00Z\"")
        }
    }
}

/// A code, or an object for a currency with an unusual number of decimals.
pub(super) fn currency(reader: &mut Reader, node: &Node, path: &Path) -> Option<Currency> {
    if matches!(node.kind, Kind::Object(_)) {
        let mut fields = Object::open(reader, node, path)?;
        let code = fields.required("code", currency_code);
        let decimals = fields.required("decimals", number::<u8>);
        fields.finish();
        return Some(Currency { code: code?.code, exponent: decimals? });
    }
    currency_code(reader, node, path)
}

fn currency_code(reader: &mut Reader, node: &Node, path: &Path) -> Option<Currency> {
    let words = string(reader, node, path)?;
    match Currency::from_code(words) {
        Some(currency) => Some(currency),
        None => {
            let what = format!("\"{}\" is not a currency of ISO 4217", shown(words));
            reader.fault(node, path, what, "write its three capital letters, such as \"EUR\"")
        }
    }
}
