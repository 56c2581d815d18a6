//! The line buffer: characters wait here until the line is printed.

use super::bitmap::Bitmap;
use super::strip::Kind;
use super::style::{Align, Look, Style};

/// Only overprinting can bring more onto one line, and nobody could read that.
const CELLS_MAX: usize = 1024;

/// One line in the making.
#[derive(Debug, Default)]
pub struct Line {
    cells: Vec<Cell>,
    /// Where the next character goes, in dots from the left of the print area.
    x: usize,
}

#[derive(Debug)]
struct Cell {
    x: usize,
    dots: Bitmap,
    /// `None` for a band of bit image.
    character: Option<(char, Look)>,
}

impl Cell {
    fn end(&self) -> usize {
        self.x + self.dots.width()
    }

    fn is_blank(&self) -> bool {
        self.character.is_some_and(|(character, look)| character == ' ' && !look.inverse)
    }
}

impl Line {
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Whether one more character of this look fits into `area` dots.
    pub fn has_room(&self, look: Look, area: usize) -> bool {
        self.x + look.font.width() * look.wide <= area
    }

    pub fn push(&mut self, character: char, look: Look, spacing: usize) {
        let dots = render(character, look);
        let advance = dots.width() + spacing * look.wide;
        if self.cells.len() < CELLS_MAX {
            self.cells.push(Cell { x: self.x, dots, character: Some((character, look)) });
        }
        self.x += advance;
    }

    /// `ESC *`: a band of dots that stands in the line like a character.
    pub fn push_band(&mut self, dots: Bitmap) {
        let advance = dots.width();
        if self.cells.len() < CELLS_MAX {
            self.cells.push(Cell { x: self.x, dots, character: None });
        }
        self.x += advance;
    }

    /// `ESC $`, `ESC \`, HT: goes to `x`, which the caller has kept inside the print area.
    pub fn move_to(&mut self, x: usize) {
        self.x = x;
    }

    pub fn x(&self) -> usize {
        self.x
    }

    /// The dots of the line, as wide as `area`, and its meaning. Characters of different height share a base line.
    pub fn compose(&self, style: &Style, area: usize) -> (Bitmap, Kind) {
        let height = self.cells.iter().map(|cell| cell.dots.height()).max().unwrap_or(0);
        let used = self.cells.iter().map(Cell::end).max().unwrap_or(0).min(area);
        let mut content = Bitmap::new(used, height);
        for cell in &self.cells {
            content.draw(cell.x, height - cell.dots.height(), &cell.dots);
        }
        if style.upside_down {
            content = content.upside_down();
        }
        let mut dots = Bitmap::new(area, height);
        dots.draw(style.align.offset(area, used), 0, &content);
        let bands_only = self.cells.iter().all(|cell| cell.character.is_none());
        let kind = if bands_only {
            Kind::Image { width: used, height }
        } else {
            Kind::Line { text: self.text(), style: self.style_words(style) }
        };
        (dots, kind)
    }

    /// The line as it reads from left to right, whatever the order of printing; gaps become blanks.
    fn text(&self) -> String {
        let mut cells: Vec<&Cell> = self.cells.iter().filter(|cell| !cell.is_blank()).collect();
        cells.sort_by_key(|cell| cell.x);
        let mut text = String::new();
        let mut end = 0;
        for cell in cells {
            let Some((character, look)) = cell.character else { continue };
            let column = look.font.width() * look.wide;
            let gap = cell.x.saturating_sub(end);
            // Half a column is spacing, more is a gap.
            text.extend(std::iter::repeat_n(' ', (gap + column / 2) / column));
            text.push(character);
            end = cell.end();
        }
        text.trim_end().to_owned()
    }

    fn style_words(&self, style: &Style) -> String {
        let mut words = Vec::new();
        let inked = self.cells.iter().filter(|cell| !cell.is_blank());
        for word in inked.filter_map(|cell| cell.character).flat_map(|(_, look)| look.words()) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        match style.align {
            Align::Left => {}
            Align::Center => words.push("center".to_owned()),
            Align::Right => words.push("right".to_owned()),
        }
        words.join(" ")
    }
}

fn render(character: char, look: Look) -> Bitmap {
    let mut glyph = look.font.glyph(character);
    if look.bold || look.double_strike {
        let thin = glyph.clone();
        glyph.draw(1, 0, &thin);
    }
    let mut dots = glyph.scaled(look.wide, look.high);
    if look.underline > 0 && !look.inverse {
        dots.fill(0, dots.height() - look.underline, dots.width(), look.underline);
    }
    if look.inverse {
        for y in 0..dots.height() {
            for x in 0..dots.width() {
                dots.set(x, y, !dots.get(x, y));
            }
        }
    }
    dots
}
