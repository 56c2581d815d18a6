//! How a reading looks on the wire: the id of its symbology (AIM), then its characters.

/// The separator of GS1 elements (FNC1), as a person types it and as it is sent.
const SEPARATOR: (&str, &str) = ("{GS}", "\u{1D}");
/// A scanner reads no longer code: the largest QR code holds 2,953 bytes, and faults want more.
pub const BYTES_MAX: usize = 16 * 1024;

/// The symbologies by name, with the ids a scanner puts before their codes.
pub const SYMBOLOGIES: &[(&str, &str)] = &[
    ("ean13", "]E0"),
    ("ean8", "]E4"),
    ("code128", "]C0"),
    ("gs1-128", "]C1"),
    ("databar", "]e0"),
    ("datamatrix", "]d1"),
    ("gs1-datamatrix", "]d2"),
    ("qr", "]Q1"),
    ("gs1-qr", "]Q3"),
];

/// A reading, without prefix and suffix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    pub text: String,
    pub aim_id: &'static str,
}

impl Code {
    /// `None` for nothing, too much, or an unknown symbology. Without a symbology the likeliest one is taken.
    pub fn new(text: &str, symbology: Option<&str>) -> Option<Self> {
        let text = text.replace(SEPARATOR.0, SEPARATOR.1);
        let name = symbology.unwrap_or_else(|| likely(&text));
        let (_, aim_id) = SYMBOLOGIES.iter().find(|(known, _)| *known == name)?;
        (1..=BYTES_MAX).contains(&text.len()).then_some(Self { text, aim_id })
    }

    pub fn bytes(&self, with_id: bool) -> Vec<u8> {
        let id = if with_id { self.aim_id } else { "" };
        [id.as_bytes(), self.text.as_bytes()].concat()
    }
}

/// What such a text is printed as in a shop.
fn likely(text: &str) -> &'static str {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.len() {
        8 if digits => "ean8",
        12 | 13 if digits => "ean13",
        _ if text.contains(SEPARATOR.1) => "gs1-datamatrix",
        0..=24 if text.is_ascii() => "code128",
        _ => "qr",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_carries_the_id_of_its_symbology() {
        for (text, symbology, sent) in [
            ("4006381333931", None, "]E04006381333931"),
            ("96385074", None, "]E496385074"),
            ("TABLE-12", None, "]C0TABLE-12"),
            ("https://example.org/01/04006381333931", None, "]Q1https://example.org/01/04006381333931"),
            ("0104006381333931", Some("databar"), "]e00104006381333931"),
            ("10ABC{GS}17270131", None, "]d210ABC\u{1D}17270131"),
        ] {
            assert_eq!(Code::new(text, symbology).unwrap().bytes(true), sent.as_bytes());
        }
        assert_eq!(Code::new("4006381333931", None).unwrap().bytes(false), b"4006381333931");
        assert_eq!(Code::new("", None), None);
        assert_eq!(Code::new("1", Some("runes")), None);
        assert_eq!(Code::new(&"9".repeat(BYTES_MAX + 1), None), None);
    }
}
