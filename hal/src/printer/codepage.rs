//! Which bytes print which characters.
//!
//! A printer holds many single-byte pages and prints with one at a time. [`segments`] cuts a run of text into the
//! fewest pieces that each fit one page; a run with a character that no page has is not printable as text at all,
//! and its line becomes raster.

mod tables;

/// A single-byte code page: ASCII below, 128 further characters above.
///
/// Only pages written from left to right without combining marks are here: a printer neither reorders nor stacks,
/// so Hebrew, Arabic, Thai and Vietnamese go to the raster shaper, as does Chinese.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the vendors' own")]
pub enum CodePage {
    Cp437,
    Cp737,
    Cp775,
    Cp850,
    Cp852,
    Cp855,
    Cp857,
    Cp858,
    Cp860,
    Cp863,
    Cp865,
    Cp866,
    Cp1250,
    Cp1251,
    Cp1252,
    Cp1253,
    Cp1254,
    Cp1257,
    Iso8859_2,
    Iso8859_7,
    Iso8859_15,
}

/// A page under the number one printer model gives it (`ESC t n`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberedPage {
    /// The characters.
    pub page: CodePage,
    /// `n` of `1B 74 n` on this model. Brands number differently above 19.
    pub number: u8,
}

/// A piece of text that one page holds, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) page: NumberedPage,
    pub(crate) bytes: Vec<u8>,
}

impl CodePage {
    /// The byte that prints `character`, if this page has it. Control characters are in no page.
    #[must_use]
    pub fn encode(self, character: char) -> Option<u8> {
        if let Ok(byte @ 0x20..=0x7E) = u8::try_from(u32::from(character)) {
            return Some(byte);
        }
        if character == char::REPLACEMENT_CHARACTER {
            return None;
        }
        let index = self.upper_half().chars().position(|c| c == character)?;
        u8::try_from(index).ok().map(|index| 0x80 + index)
    }

    /// The character that `byte` prints, if any.
    #[must_use]
    pub fn decode(self, byte: u8) -> Option<char> {
        match byte {
            0x20..=0x7E => Some(char::from(byte)),
            0x80.. => {
                let found = self.upper_half().chars().nth(usize::from(byte - 0x80));
                found.filter(|c| *c != char::REPLACEMENT_CHARACTER)
            }
            _ => None,
        }
    }

    fn upper_half(self) -> &'static str {
        match self {
            Self::Cp437 => tables::CP437,
            Self::Cp737 => tables::CP737,
            Self::Cp775 => tables::CP775,
            Self::Cp850 => tables::CP850,
            Self::Cp852 => tables::CP852,
            Self::Cp855 => tables::CP855,
            Self::Cp857 => tables::CP857,
            Self::Cp858 => tables::CP858,
            Self::Cp860 => tables::CP860,
            Self::Cp863 => tables::CP863,
            Self::Cp865 => tables::CP865,
            Self::Cp866 => tables::CP866,
            Self::Cp1250 => tables::CP1250,
            Self::Cp1251 => tables::CP1251,
            Self::Cp1252 => tables::CP1252,
            Self::Cp1253 => tables::CP1253,
            Self::Cp1254 => tables::CP1254,
            Self::Cp1257 => tables::CP1257,
            Self::Iso8859_2 => tables::ISO8859_2,
            Self::Iso8859_7 => tables::ISO8859_7,
            Self::Iso8859_15 => tables::ISO8859_15,
        }
    }
}

/// Whether every character of `text` is in some page of the printer.
pub(crate) fn is_printable(pages: &[NumberedPage], text: &str) -> bool {
    text.chars().all(|c| pages.iter().any(|numbered| numbered.page.encode(c).is_some()))
}

/// Cuts `text` into the fewest pieces that each fit one page, or `None` if some character is in no page.
///
/// `current` is kept when it holds the whole text; otherwise the first page that holds all of it; otherwise each
/// piece reaches as far as any page can, which is what makes the pieces fewest. Equal reach goes to the page already
/// selected and then to the first in the printer's order, so the same text always gives the same bytes.
pub(crate) fn segments(pages: &[NumberedPage], current: NumberedPage, text: &str) -> Option<Vec<Segment>> {
    let mut selected = current;
    let mut rest = text;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let mut best = (selected, reach(selected.page, rest));
        for candidate in pages {
            if best.1.len() == rest.chars().count() {
                break;
            }
            let bytes = reach(candidate.page, rest);
            if bytes.len() > best.1.len() {
                best = (*candidate, bytes);
            }
        }
        let (page, bytes) = best;
        if bytes.is_empty() {
            return None;
        }
        rest = rest.char_indices().nth(bytes.len()).map_or("", |(at, _)| &rest[at..]);
        selected = page;
        found.push(Segment { page, bytes });
    }
    Some(found)
}

/// The longest start of `text` that `page` holds, encoded: one byte for each character.
fn reach(page: CodePage, text: &str) -> Vec<u8> {
    text.chars().map_while(|c| page.encode(c)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [CodePage; 21] = [
        CodePage::Cp437,
        CodePage::Cp737,
        CodePage::Cp775,
        CodePage::Cp850,
        CodePage::Cp852,
        CodePage::Cp855,
        CodePage::Cp857,
        CodePage::Cp858,
        CodePage::Cp860,
        CodePage::Cp863,
        CodePage::Cp865,
        CodePage::Cp866,
        CodePage::Cp1250,
        CodePage::Cp1251,
        CodePage::Cp1252,
        CodePage::Cp1253,
        CodePage::Cp1254,
        CodePage::Cp1257,
        CodePage::Iso8859_2,
        CodePage::Iso8859_7,
        CodePage::Iso8859_15,
    ];
    const PAGES: [NumberedPage; 3] = [
        NumberedPage { page: CodePage::Cp437, number: 0 },
        NumberedPage { page: CodePage::Cp858, number: 19 },
        NumberedPage { page: CodePage::Cp866, number: 17 },
    ];

    fn cut(text: &str) -> Option<Vec<(u8, Vec<u8>)>> {
        let segments = segments(&PAGES, PAGES[0], text)?;
        Some(segments.into_iter().map(|s| (s.page.number, s.bytes)).collect())
    }

    #[test]
    fn every_page_has_128_upper_characters_and_reads_back_what_it_writes() {
        for page in ALL {
            assert_eq!(page.upper_half().chars().count(), 128, "{page:?}");
            for byte in 0..=255 {
                if let Some(character) = page.decode(byte) {
                    // A page may have one character twice (CP858 does not; old fonts do): the glyph must agree.
                    let back = page.encode(character).and_then(|b| page.decode(b));
                    assert_eq!(back, Some(character), "{page:?} {byte:02X}");
                }
            }
        }
    }

    #[test]
    fn known_glyphs_have_their_known_bytes() {
        assert_eq!(CodePage::Cp858.encode('€'), Some(0xD5));
        assert_eq!(CodePage::Cp1252.encode('€'), Some(0x80));
        assert_eq!(CodePage::Cp437.encode('€'), None);
        assert_eq!(CodePage::Cp437.encode('Ä'), Some(0x8E));
        assert_eq!(CodePage::Cp437.encode('ß'), Some(0xE1));
        assert_eq!(CodePage::Cp852.encode('č'), Some(0x9F));
        assert_eq!(CodePage::Cp852.encode('ł'), Some(0x88));
        assert_eq!(CodePage::Cp866.encode('Ж'), Some(0x86));
        assert_eq!(CodePage::Iso8859_15.encode('€'), Some(0xA4));
    }

    #[test]
    fn the_selected_page_is_kept_while_it_holds_the_run() {
        assert_eq!(cut("Grüße").unwrap(), [(0, b"Gr\x81\xE1e".to_vec())]);
        assert_eq!(cut("12,50 €").unwrap(), [(19, b"12,50 \xD5".to_vec())], "one page holds all of it");
    }

    #[test]
    fn a_run_for_two_pages_is_cut_once() {
        assert_eq!(cut("€ Ж").unwrap(), [(19, b"\xD5 ".to_vec()), (17, vec![0x86])]);
    }

    #[test]
    fn a_character_in_no_page_makes_the_run_unprintable() {
        assert_eq!(cut("Kaffee 中"), None);
        assert_eq!(cut("شاي ع"), None);
        assert_eq!(cut("a\u{7}b"), None, "control characters never reach the printer as text");
    }

    proptest! {
        #[test]
        fn segments_read_back_as_the_text(text in "[ -~ÄÖÜäöüß€Жя中]{0,40}") {
            match segments(&PAGES, PAGES[0], &text) {
                None => prop_assert!(!is_printable(&PAGES, &text)),
                Some(found) => {
                    let read: String = found
                        .iter()
                        .flat_map(|s| s.bytes.iter().map(|b| s.page.page.decode(*b).unwrap()))
                        .collect();
                    prop_assert_eq!(read, text);
                }
            }
        }

        #[test]
        fn any_text_is_cut_without_panic(text in ".{0,60}") {
            let _ = segments(&PAGES, PAGES[2], &text);
        }
    }
}
