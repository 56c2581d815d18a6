//! What a scanned code means. Nothing here acts on it: a web address is text.

use super::gs1::{DigitalLink, Element, parse_digital_link, parse_elements};
use super::gtin::Gtin;
use super::{Scan, Symbology};

/// FNC1 inside GS1 data.
const GROUP_SEPARATOR: u8 = 0x1D;

/// What a scanned code means.
///
/// It is personal data: never log it above DEBUG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// The number of a trade item.
    Gtin(Gtin),
    /// A number that means something inside one shop or country only: weight, price, own articles. The catalog's
    /// rules say what; without a matching rule staff has to be asked.
    Restricted(Gtin),
    /// Elements of a GS1 code: item, lot, date, weight, price.
    Elements(Vec<Element>),
    /// The same, written as a web address.
    DigitalLink(DigitalLink),
    /// Text: a coupon, loyalty card or check-in token of ours, or anything else. The caller asks its own token
    /// parsers first.
    Text(String),
    /// Bytes that are no text, or that claim to be GS1 data and are not.
    Unknown(Vec<u8>),
}

/// Says what a scan means: by its AIM identifier where there is one, else by its shape.
#[must_use]
pub fn classify(scan: &Scan) -> Code {
    let unknown = || Code::Unknown(scan.bytes.clone());
    let Ok(text) = str::from_utf8(&scan.bytes) else { return unknown() };
    if scan.truncated {
        return unknown();
    }
    match scan.symbology {
        Some(Symbology::Ean13 | Symbology::Ean8) => item(text).unwrap_or_else(unknown),
        Some(Symbology::Gs1128 | Symbology::Gs1DataBar | Symbology::Gs1DataMatrix | Symbology::Gs1Qr) => {
            // A GS1 QR code may also hold a Digital Link.
            let elements = parse_elements(&scan.bytes).map(Code::Elements);
            elements
                .or_else(|_| parse_digital_link(text).map(Code::DigitalLink))
                .unwrap_or_else(|_| unknown())
        }
        // Interleaved 2 of 5 on a carton holds an item number as well.
        Some(Symbology::Other { letter: b'I', .. }) | None => {
            item(text).unwrap_or_else(|| plain(&scan.bytes, text))
        }
        Some(Symbology::Other { .. }) => plain(&scan.bytes, text),
    }
}

fn item(text: &str) -> Option<Code> {
    let gtin = Gtin::parse(text).or_else(|_| Gtin::from_upc_e(text)).ok()?;
    Some(if gtin.is_restricted() { Code::Restricted(gtin) } else { Code::Gtin(gtin) })
}

fn plain(bytes: &[u8], text: &str) -> Code {
    if bytes.contains(&GROUP_SEPARATOR) {
        // No ordinary text has a separator: GS1 data from a scanner that sends no identifier.
        return parse_elements(bytes).map_or_else(|_| Code::Unknown(bytes.to_vec()), Code::Elements);
    }
    parse_digital_link(text).map_or_else(|_| Code::Text(text.to_owned()), Code::DigitalLink)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], symbology: Option<Symbology>) -> Code {
        classify(&Scan { bytes: bytes.to_vec(), symbology, truncated: false })
    }

    fn gtin(digits: &str) -> Gtin {
        Gtin::parse(digits).unwrap()
    }

    #[test]
    fn item_numbers_are_known_with_and_without_identifier() {
        assert_eq!(read(b"4006381333931", None), Code::Gtin(gtin("4006381333931")));
        assert_eq!(read(b"4006381333931", Some(Symbology::Ean13)), Code::Gtin(gtin("4006381333931")));
        assert_eq!(read(b"96385074", Some(Symbology::Ean8)), Code::Gtin(gtin("96385074")));
        assert_eq!(read(b"04252614", None), Code::Gtin(gtin("042100005264")), "UPC-E is expanded");
        let carton = Some(Symbology::Other { letter: b'I', modifier: b'1' });
        assert_eq!(read(b"04006381333931", carton), Code::Gtin(gtin("4006381333931")));
    }

    #[test]
    fn digits_that_do_not_check_are_text_and_a_broken_ean_is_unknown() {
        assert_eq!(read(b"4006381333932", None), Code::Text("4006381333932".into()));
        assert_eq!(read(b"4006381333932", Some(Symbology::Ean13)), Code::Unknown(b"4006381333932".to_vec()));
        let code128 = Some(Symbology::Other { letter: b'C', modifier: b'0' });
        assert_eq!(read(b"4006381333931", code128), Code::Text("4006381333931".into()));
    }

    #[test]
    fn weight_and_price_numbers_are_left_to_the_catalog() {
        assert_eq!(read(b"2012345006781", None), Code::Text("2012345006781".into()), "check digit");
        let body = "201234500678";
        let digits = format!("{body}{}", crate::scanner::check_digit(body).unwrap());
        assert_eq!(read(digits.as_bytes(), None), Code::Restricted(gtin(&digits)));
    }

    #[test]
    fn gs1_data_is_cut_into_elements() {
        let data = b"010400638133393110LOT7\x1d17261200";
        for symbology in [Some(Symbology::Gs1128), Some(Symbology::Gs1DataMatrix), None] {
            let Code::Elements(elements) = read(data, symbology) else { panic!("{symbology:?}") };
            assert_eq!(elements[0].gtin(), Some(gtin("4006381333931")));
            assert_eq!(elements[1].value, "LOT7");
        }
        assert_eq!(read(b"99", Some(Symbology::Gs1128)), Code::Unknown(b"99".to_vec()));
    }

    #[test]
    fn an_address_is_a_digital_link_or_just_text() {
        let link = b"https://id.example.org/01/04006381333931/10/A?17=261231";
        assert!(matches!(read(link, None), Code::DigitalLink(_)));
        assert!(matches!(read(link, Some(Symbology::Gs1Qr)), Code::DigitalLink(_)));
        assert_eq!(read(b"https://example.org/", None), Code::Text("https://example.org/".into()));
    }

    #[test]
    fn bytes_that_are_no_text_and_cut_codes_are_unknown() {
        assert_eq!(read(b"\xFF\xFEab", None), Code::Unknown(b"\xFF\xFEab".to_vec()));
        let cut = Scan { bytes: b"4006381333931".to_vec(), symbology: None, truncated: true };
        assert!(matches!(classify(&cut), Code::Unknown(_)));
    }

    #[test]
    fn a_scan_shows_little_on_screen_and_nothing_in_logs() {
        let scan = Scan {
            bytes: b"tel:+49-170\x1d\"quoted\" and much longer".to_vec(),
            symbology: None,
            truncated: false,
        };
        assert_eq!(scan.for_screen(), "tel:+49-170\\u{1d}\\\"quoted\\\" and ");
        assert!(!format!("{scan:?}").contains("170"));
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_meaning(bytes in proptest::collection::vec(any::<u8>(), 0..80), aim: Option<(u8, u8)>) {
            let _ = read(&bytes, aim.map(|(letter, modifier)| Symbology::from_aim(letter, modifier)));
        }

        #[test]
        fn near_misses_of_gs1_data_have_a_meaning(data in "(01|02|10|17|21|310[0-9]|39[0-9]{2}|8005)[0-9A-Z\\x1d]{0,40}") {
            let _ = read(data.as_bytes(), Some(Symbology::Gs1128));
        }

        #[test]
        fn any_address_has_a_meaning(link in "https?://[a-z/.]{0,20}/01/[0-9%]{0,14}[/?&=0-9a-z%]{0,40}") {
            let _ = read(link.as_bytes(), None);
        }
    }
}
