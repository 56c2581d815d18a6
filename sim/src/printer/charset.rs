//! Characters behind the bytes: code pages (`ESC t`) and international character sets (`ESC R`).
//!
//! The tables come from Python's codecs (`scripts/codepages.py`), not from the kiosk.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The code pages, as text: see the head of the file.
const TABLES: &str = include_str!("data/codepages.txt");

/// What stands for a byte without a character; the font draws it as a hollow box.
pub const MISSING: char = '\u{FFFD}';

/// ASCII positions that a national set replaces, in the order of [`NATIONAL`].
const REPLACED: &[u8; 12] = br"#$@[\]^`{|}~";

/// Rows in the order of the argument of `ESC R`: USA, France, Germany, UK, Denmark I, Sweden, Italy, Spain I, Japan,
/// Norway, Denmark II, Spain II, Latin America, Korea.
const NATIONAL: [&str; 14] = [
    r"#$@[\]^`{|}~",
    "#$à°ç§^`éùè¨",
    "#$§ÄÖÜ^`äöüß",
    r"£$@[\]^`{|}~",
    "#$@ÆØÅ^`æøå~",
    "#¤ÉÄÖÅÜéäöåü",
    r"#$@°\é^ùàòèì",
    "₧$@¡Ñ¿^`¨ñ}~",
    "#$@[¥]^`{|}~",
    "#¤ÉÆØÅÜéæøåü",
    "#$ÉÆØÅÜéæøåü",
    "#$á¡Ñ¿é`íñóú",
    "#$á¡Ñ¿éüíñóú",
    "#$@[₩]^`{|}~",
];

/// The selected tables.
#[derive(Debug, Clone, Copy)]
pub struct Charset {
    page: u8,
    national: u8,
}

impl Charset {
    /// CP437 and USA, as after `ESC @`.
    pub const DEFAULT: Self = Self { page: 0, national: 0 };

    /// Selects a code page; an unknown number changes nothing, as in firmware without that table.
    pub fn select_page(&mut self, page: u8) {
        if pages().contains_key(&page) {
            self.page = page;
        }
    }

    pub fn select_national(&mut self, set: u8) {
        if usize::from(set) < NATIONAL.len() {
            self.national = set;
        }
    }

    /// The name of the selected page, e.g. `cp858`.
    pub fn page_name(self) -> &'static str {
        pages().get(&self.page).map_or("?", |page| page.name)
    }

    pub fn char(self, byte: u8) -> char {
        if byte >= 0x80 {
            return pages().get(&self.page).map_or(MISSING, |page| page.upper[usize::from(byte - 0x80)]);
        }
        let replaced = REPLACED.iter().position(|candidate| *candidate == byte);
        replaced
            .and_then(|index| NATIONAL[usize::from(self.national)].chars().nth(index))
            .unwrap_or(char::from(byte))
    }
}

struct Page {
    name: &'static str,
    upper: Vec<char>,
}

fn pages() -> &'static BTreeMap<u8, Page> {
    static PAGES: OnceLock<BTreeMap<u8, Page>> = OnceLock::new();
    PAGES.get_or_init(|| parse(TABLES).expect("the embedded tables are complete, a test reads them all"))
}

fn parse(tables: &'static str) -> Option<BTreeMap<u8, Page>> {
    let mut pages = BTreeMap::new();
    let mut lines = tables.lines().filter(|line| !line.starts_with('#'));
    while let Some(head) = lines.next() {
        let (number, name) = head.strip_prefix("page ")?.split_once(' ')?;
        let upper: Option<Vec<char>> = lines
            .by_ref()
            .take(8)
            .flat_map(str::split_whitespace)
            .map(|code| char::from_u32(u32::from_str_radix(code, 16).ok()?))
            .collect();
        let upper = upper.filter(|upper| upper.len() == 128)?;
        pages.insert(number.parse().ok()?, Page { name, upper });
    }
    Some(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u8) -> Charset {
        let mut charset = Charset::DEFAULT;
        charset.select_page(number);
        charset
    }

    #[test]
    fn each_code_page_puts_its_own_character_on_a_byte() {
        assert_eq!(pages().len(), 31);
        assert_eq!(page(0).char(0x81), 'ü');
        assert_eq!(page(19).char(0xD5), '€');
        assert_eq!(page(16).char(0x80), '€');
        assert_eq!(page(17).char(0x8F), 'П');
        assert_eq!(page(39).char(0xE8), 'č');
        assert_eq!(page(15).char(0xD9), 'Ω');
        assert_eq!(page(1).char(0x95), '─');
        assert_eq!(page(1).char(0xB1), '\u{FF71}');
    }

    #[test]
    fn an_unknown_page_leaves_the_old_one_in_force() {
        let mut charset = page(17);
        charset.select_page(200);
        assert_eq!(charset.page_name(), "cp866");
    }

    #[test]
    fn national_sets_replace_twelve_ascii_positions() {
        assert!(NATIONAL.iter().all(|set| set.chars().count() == REPLACED.len()));
        let mut charset = Charset::DEFAULT;
        charset.select_national(2);
        let text: String = b"[{~A".iter().map(|byte| charset.char(*byte)).collect();
        assert_eq!(text, "ÄäßA");
    }
}
