//! Screens into bytes. Pure.

use super::{Brightness, COLUMNS, DisplayDialect, DisplayLine, DisplayProfile, Screen};

/// Letters and signs beyond ASCII by the nearest ASCII, which may be longer or nothing.
const NEAREST: [(&str, &str); 50] = [
    ("ÀÁÂÃĀĂĄ", "A"),
    ("Ä", "Ae"),
    ("ÅÆ", "A"),
    ("ÇĆĈĊČ", "C"),
    ("ĎĐÐ", "D"),
    ("ÈÉÊËĒĔĖĘĚ", "E"),
    ("ĜĞĠĢ", "G"),
    ("ĤĦ", "H"),
    ("ÌÍÎÏĨĪĬĮİ", "I"),
    ("Ĵ", "J"),
    ("Ķ", "K"),
    ("ĹĻĽĿŁ", "L"),
    ("ÑŃŅŇ", "N"),
    ("ÒÓÔÕØŌŎŐ", "O"),
    ("Ö", "Oe"),
    ("ŒŔŖŘ", "R"),
    ("ŚŜŞŠȘ", "S"),
    ("ŢŤŦȚÞ", "T"),
    ("ÙÚÛŨŪŬŮŰŲ", "U"),
    ("Ü", "Ue"),
    ("Ŵ", "W"),
    ("ÝŶŸ", "Y"),
    ("ŹŻŽ", "Z"),
    ("àáâãāăąå", "a"),
    ("äæ", "ae"),
    ("çćĉċč", "c"),
    ("ďđð", "d"),
    ("èéêëēĕėęě", "e"),
    ("ĝğġģ", "g"),
    ("ĥħ", "h"),
    ("ìíîïĩīĭįı", "i"),
    ("ĵ", "j"),
    ("ķ", "k"),
    ("ĺļľŀł", "l"),
    ("ñńņňŉ", "n"),
    ("òóôõøōŏő", "o"),
    ("öœ", "oe"),
    ("ŕŗř", "r"),
    ("śŝşšș", "s"),
    ("ß", "ss"),
    ("ţťŧțþ", "t"),
    ("ùúûũūŭůűų", "u"),
    ("ü", "ue"),
    ("ŵ", "w"),
    ("ýŷÿ", "y"),
    ("źżž", "z"),
    ("€", "EUR"),
    ("‘’‚′´`", "'"),
    ("“”„«»″", "\""),
    ("–—−‐‑•·×", "-"),
];

/// Brings the display into a known state.
pub(super) fn initialise(profile: &DisplayProfile, brightness: Brightness) -> Vec<u8> {
    let mut bytes = profile.preamble.clone();
    match profile.dialect {
        // Reset, cursor off, American characters.
        DisplayDialect::Cd5220 => bytes.extend([0x1B, 0x40, 0x1B, 0x5F, 0x00, 0x1B, 0x66, 0x00]),
        // Reset, overwrite mode, cursor off.
        DisplayDialect::Epson => {
            bytes.extend([0x1B, 0x40, 0x1F, 0x01, 0x1F, 0x43, 0x00]);
            if let Some(page) = profile.page {
                bytes.extend([0x1B, 0x74, page.number]);
            }
        }
    }
    bytes.extend(self::brightness(profile.dialect, brightness));
    bytes
}

/// Sets the brightness.
pub(super) fn brightness(dialect: DisplayDialect, level: Brightness) -> Vec<u8> {
    let step = match level {
        Brightness::Quarter => 1,
        Brightness::Half => 2,
        Brightness::ThreeQuarters => 3,
        Brightness::Full => 4,
    };
    match dialect {
        // After a whole line was painted the display obeys little until it is cleared; the caller paints again.
        DisplayDialect::Cd5220 => vec![0x0C, 0x1B, 0x2A, step],
        DisplayDialect::Epson => vec![0x1F, 0x58, step],
    }
}

/// Paints both lines whole, without a flicker of emptiness between.
pub(super) fn paint(profile: &DisplayProfile, screen: &Screen) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 * (COLUMNS + 4));
    for (line, row) in [(&screen.upper, 0), (&screen.lower, 1)] {
        let cells = cells(profile, line);
        match profile.dialect {
            DisplayDialect::Cd5220 => {
                bytes.extend([0x1B, 0x51, b'A' + row]);
                bytes.extend(cells);
                bytes.push(0x0D);
            }
            DisplayDialect::Epson => {
                bytes.extend([0x1F, 0x24, 1, row + 1]);
                bytes.extend(cells);
            }
        }
    }
    bytes
}

/// Exactly the cells of one line.
fn cells(profile: &DisplayProfile, line: &DisplayLine) -> [u8; COLUMNS] {
    let right = encode(profile, &line.right);
    let right = &right[..right.len().min(COLUMNS)];
    let gap = usize::from(!right.is_empty());
    let room = (COLUMNS - right.len()).saturating_sub(gap);
    let left = encode(profile, &line.left);
    let mut cells = [b' '; COLUMNS];
    for (cell, byte) in cells.iter_mut().zip(left.iter().take(room)) {
        *cell = *byte;
    }
    for (cell, byte) in cells[COLUMNS - right.len()..].iter_mut().zip(right) {
        *cell = *byte;
    }
    cells
}

fn encode(profile: &DisplayProfile, text: &str) -> Vec<u8> {
    let page = profile.page.filter(|_| profile.dialect == DisplayDialect::Epson);
    let mut bytes = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if let Some(byte) = page.and_then(|numbered| numbered.page.encode(character)) {
            bytes.push(byte);
        } else {
            bytes.extend(nearest(character).bytes());
            // A sign stands close to its amount, a word does not.
            if character == '€' && characters.peek().is_some_and(char::is_ascii_digit) {
                bytes.push(b' ');
            }
        }
    }
    bytes
}

/// The nearest printable ASCII.
fn nearest(character: char) -> String {
    match character {
        ' '..='~' => character.to_string(),
        _ if character.is_whitespace() => " ".to_owned(),
        _ if character.is_control() => String::new(),
        _ => {
            let found = NEAREST.iter().find(|(characters, _)| characters.contains(character));
            found.map_or("?", |(_, ascii)| ascii).to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::printer::{CodePage, NumberedPage};

    #[test]
    fn a_currency_that_has_to_be_written_out_keeps_its_distance() {
        let profile = DisplayProfile::cd5220();
        assert_eq!(encode(&profile, "€28.80"), b"EUR 28.80");
        assert_eq!(encode(&profile, "28,80 €"), b"28,80 EUR");
    }

    fn screen() -> Screen {
        Screen {
            upper: DisplayLine::columns("Käsebrötchen mit Ei", "3,50 €"),
            lower: DisplayLine::columns("Summe", "12.40"),
        }
    }

    #[test]
    fn cd5220_lines_are_painted_whole() {
        let wanted = b"\x1BQAKaesebroetc 3,50 EUR\x0D\x1BQBSumme          12.40\x0D";
        let painted = paint(&DisplayProfile::cd5220(), &screen());
        assert_eq!(String::from_utf8_lossy(&painted), String::from_utf8_lossy(wanted));
    }

    #[test]
    fn epson_lines_are_placed_by_the_cursor_and_may_use_a_page() {
        let page = NumberedPage { page: CodePage::Cp858, number: 19 };
        let profile = DisplayProfile { page: Some(page), ..DisplayProfile::epson() };
        let painted = paint(&profile, &screen());
        assert_eq!(painted[..4], [0x1F, 0x24, 1, 1]);
        assert_eq!(&painted[4..24], b"K\x84sebr\x94tchen  3,50 \xD5");
        assert_eq!(painted[24..28], [0x1F, 0x24, 1, 2]);
        assert_eq!(painted.len(), 48);
        assert!(initialise(&profile, Brightness::Full).windows(3).any(|w| w == [0x1B, 0x74, 19]));
    }

    #[test]
    fn setting_up_sends_the_preamble_first() {
        let aures = DisplayProfile { preamble: vec![2, 5, 0x43, 0x31, 3], ..DisplayProfile::epson() };
        assert!(initialise(&aures, Brightness::Half).starts_with(&[2, 5, 0x43, 0x31, 3, 0x1B, 0x40]));
        assert!(initialise(&aures, Brightness::Half).ends_with(&[0x1F, 0x58, 2]));
        let cd5220 = initialise(&DisplayProfile::cd5220(), Brightness::Quarter);
        assert_eq!(cd5220, [0x1B, 0x40, 0x1B, 0x5F, 0, 0x1B, 0x66, 0, 0x0C, 0x1B, 0x2A, 1]);
    }

    #[test]
    fn no_display_ever_gets_a_byte_it_has_no_page_for() {
        assert_eq!(nearest('Ж'), "?");
        assert_eq!(nearest('中'), "?");
        assert_eq!(nearest('ß'), "ss");
        assert_eq!(nearest('\u{7}'), "");
        assert!(NEAREST.iter().all(|(_, ascii)| ascii.is_ascii()));
    }

    proptest! {
        #[test]
        fn every_screen_fills_every_cell_with_ascii(upper in ".{0,60}", right in ".{0,30}") {
            let screen = Screen { upper: DisplayLine::columns(upper, right), ..Screen::default() };
            for profile in [DisplayProfile::cd5220(), DisplayProfile::epson()] {
                let painted = paint(&profile, &screen);
                prop_assert_eq!(painted.len(), 48);
                let text = if profile.dialect == DisplayDialect::Cd5220 { 3..23 } else { 4..24 };
                prop_assert!(painted[text].iter().all(|byte| (0x20..=0x7E).contains(byte)));
            }
        }
    }
}
