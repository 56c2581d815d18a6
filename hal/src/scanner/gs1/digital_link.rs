//! GS1 Digital Links: the same elements, written as a web address. Read, never opened.

use super::format::Format;
use super::{ELEMENTS_MAX, Element, Gs1Error, element};
use crate::scanner::gtin::Gtin;

/// Longest address looked at, in bytes.
const LINK_BYTES_MAX: usize = 2_048;
/// Identifiers that may follow the item number in the path, in the order they must have.
const QUALIFIERS: [&str; 4] = ["22", "10", "21", "235"];

/// What a Digital Link says about an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigitalLink {
    /// The item.
    pub gtin: Gtin,
    /// Everything else: qualifiers of the path first, then attributes of the query. Parameters of the web site
    /// that are no application identifiers are left out.
    pub elements: Vec<Element>,
}

/// Reads an uncompressed Digital Link of an item: `https://HOST/…/01/GTIN[/10/LOT…][?17=…]`.
///
/// # Errors
/// [`Gs1Error::NoDigitalLink`] for any other address or text; otherwise what is wrong with an element.
pub fn parse_digital_link(text: &str) -> Result<DigitalLink, Gs1Error> {
    let none = Gs1Error::NoDigitalLink;
    if text.len() > LINK_BYTES_MAX || !text.is_ascii() {
        return Err(none);
    }
    let scheme = text.get(..8).map(str::to_ascii_lowercase);
    let rest = match scheme.as_deref() {
        Some("https://") => &text[8..],
        Some(http) if http.starts_with("http://") => &text[7..],
        _ => return Err(none),
    };
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut segments = address.split('/').skip(1);
    segments.find(|segment| *segment == "01").ok_or(none.clone())?;
    let digits = segments.next().ok_or(none)?;
    let wrong = |_| Gs1Error::CheckDigit { ai: "01".to_owned() };
    let gtin = Gtin::parse(digits).map_err(wrong)?;

    let mut elements = qualifiers(segments)?;
    for parameter in query.split(['&', ';']) {
        let Some((ai, value)) = parameter.split_once('=') else { continue };
        if elements.len() == ELEMENTS_MAX {
            return Err(Gs1Error::TooMany);
        }
        if let Some(format) = Format::of(ai) {
            elements.push(element(ai, format, &decoded(value))?);
        }
    }
    Ok(DigitalLink { gtin, elements })
}

fn qualifiers<'a>(mut segments: impl Iterator<Item = &'a str>) -> Result<Vec<Element>, Gs1Error> {
    let mut elements: Vec<Element> = Vec::new();
    while let Some(ai) = segments.next().filter(|segment| !segment.is_empty()) {
        let order = |ai: &str| QUALIFIERS.iter().position(|known| *known == ai);
        let place = order(ai).ok_or(Gs1Error::NoDigitalLink)?;
        if elements.last().is_some_and(|last| order(&last.ai) >= Some(place)) {
            return Err(Gs1Error::NoDigitalLink);
        }
        let format = Format::of(ai).ok_or(Gs1Error::NoDigitalLink)?;
        let value = segments.next().ok_or(Gs1Error::NoDigitalLink)?;
        elements.push(element(ai, format, &decoded(value))?);
    }
    Ok(elements)
}

/// The bytes behind percent escapes; a `%` that starts none stands for itself.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = tail.get(..2).filter(|_| *first == b'%').and_then(|two| str::from_utf8(two).ok());
        match escaped.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}
