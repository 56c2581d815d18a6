//! The two built-in fonts: A in cells of 12 by 24 dots, B in cells of 9 by 17.
//!
//! The bitmaps are in `data/`, with their licence.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::bitmap::Bitmap;

/// A character size of the print head, before multiplication by `GS !`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Font {
    /// 12 by 24 dots: 48 columns on 576 dots.
    A,
    /// 9 by 17 dots: 64 columns on 576 dots.
    B,
}

impl Font {
    pub fn width(self) -> usize {
        match self {
            Self::A => 12,
            Self::B => 9,
        }
    }

    pub fn height(self) -> usize {
        match self {
            Self::A => 24,
            Self::B => 17,
        }
    }

    /// The character in a bitmap of the cell's size; a hollow box when the printer has no such character.
    pub fn glyph(self, character: char) -> Bitmap {
        let glyphs = match self {
            Self::A => {
                static A: OnceLock<Glyphs> = OnceLock::new();
                A.get_or_init(|| load(include_str!("data/font-a.hex"), 12))
            }
            Self::B => {
                static B: OnceLock<Glyphs> = OnceLock::new();
                B.get_or_init(|| load(include_str!("data/font-b.hex"), 8))
            }
        };
        let mut cell = Bitmap::new(self.width(), self.height());
        match glyphs.get(&character) {
            Some(glyph) => cell.draw(0, 0, glyph),
            None if character == ' ' => {}
            None => hollow_box(&mut cell),
        }
        if matches!(character, '\u{2500}'..='\u{259F}') {
            stretch(&mut cell, glyphs.get(&character));
        }
        cell
    }
}

type Glyphs = BTreeMap<char, Bitmap>;

fn load(text: &str, width: usize) -> Glyphs {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| glyph(line, width).expect("the embedded font is complete, a test reads it all"))
        .collect()
}

/// One line: a code point, then the rows from top to bottom.
fn glyph(line: &str, width: usize) -> Option<(char, Bitmap)> {
    let (code, rows) = line.split_once(' ')?;
    let digits = width / 4;
    let mut map = Bitmap::new(width, rows.len() / digits);
    for y in 0..map.height() {
        let row = u32::from_str_radix(rows.get(y * digits..(y + 1) * digits)?, 16).ok()?;
        for x in 0..width {
            map.set(x, y, row >> (width - 1 - x) & 1 == 1);
        }
    }
    Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, map))
}

fn hollow_box(cell: &mut Bitmap) {
    let (width, height) = (cell.width() - 2, cell.height() - 5);
    cell.fill(1, 2, width, 1);
    cell.fill(1, 1 + height, width, 1);
    cell.fill(1, 2, 1, height);
    cell.fill(width, 2, 1, height);
}

/// Lines and blocks reach the edge of the cell, so that frames have no gaps where the drawing is a dot smaller.
fn stretch(cell: &mut Bitmap, glyph: Option<&Bitmap>) {
    let Some(glyph) = glyph else { return };
    for y in 0..cell.height() {
        for x in 0..cell.width() {
            let black = glyph.get(x.min(glyph.width() - 1), y.min(glyph.height() - 1));
            cell.set(x, y, black);
        }
    }
}

/// Whether the printer can draw the character at all.
#[cfg(test)]
fn known(font: Font, character: char) -> bool {
    font.glyph(character) != font.glyph(super::charset::MISSING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printer::charset::{Charset, MISSING};

    #[test]
    fn both_fonts_hold_every_character_a_european_receipt_needs() {
        let needed = "AZaz09€ÄÖÜäöüßčłžŘŻğşİæøåñ¿«»АЯабяЖёђΑΩάω─│┌┐└┘├┤┬┴┼═║█░▒▓√ⁿ■";
        for font in [Font::A, Font::B] {
            let missing: String = needed.chars().filter(|c| !known(font, *c)).collect();
            assert_eq!(missing, "", "{font:?}");
        }
    }

    #[test]
    fn cp437_to_cp1257_without_eastern_scripts_have_no_holes_in_the_font() {
        for page in [0, 2, 3, 4, 5, 13, 14, 16, 17, 18, 19, 34, 39, 40, 45, 46, 48] {
            let mut charset = Charset::DEFAULT;
            charset.select_page(page);
            let holes: String = (0x80..=0xFF)
                .map(|b| charset.char(b))
                .filter(|c| *c != MISSING && !known(Font::A, *c))
                .collect();
            assert_eq!(holes, "", "page {page}");
        }
    }

    #[test]
    fn a_frame_line_spans_the_whole_cell_of_font_b() {
        let line = Font::B.glyph('─');
        assert!((0..line.height()).any(|y| (0..line.width()).all(|x| line.get(x, y))));
    }
}
