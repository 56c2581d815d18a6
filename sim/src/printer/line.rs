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
    text: String,
}

#[derive(Debug)]
struct Cell {
    x: usize,
    dots: Bitmap,
    /// `None` for a band of bit image.
    look: Option<Look>,
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
            self.text.push(character);
            let visible = character != ' ' || look.inverse || look.underline > 0;
            self.cells.push(Cell { x: self.x, dots, look: visible.then_some(look) });
        }
        self.x += advance;
    }

    /// `ESC *`: a band of dots that stands in the line like a character.
    pub fn push_band(&mut self, dots: Bitmap) {
        let advance = dots.width();
        if self.cells.len() < CELLS_MAX {
            self.cells.push(Cell { x: self.x, dots, look: None });
        }
        self.x += advance;
    }

    /// `ESC $`, `ESC \`, HT: goes to `x`, which the caller has kept inside the print area.
    pub fn move_to(&mut self, x: usize, look: Look) {
        let cell_width = look.font.width() * look.wide;
        let blanks = x.saturating_sub(self.x).div_ceil(cell_width);
        if self.text.len() < CELLS_MAX {
            self.text.extend(std::iter::repeat_n(' ', blanks));
        }
        self.x = x;
    }

    pub fn x(&self) -> usize {
        self.x
    }

    /// The dots of the line, as wide as `area`, and its meaning. Characters of different height share a base line.
    pub fn compose(&self, style: &Style, area: usize) -> (Bitmap, Kind) {
        let height = self.cells.iter().map(|cell| cell.dots.height()).max().unwrap_or(0);
        let used = self.cells.iter().map(|cell| cell.x + cell.dots.width()).max().unwrap_or(0).min(area);
        let mut content = Bitmap::new(used, height);
        for cell in &self.cells {
            content.draw(cell.x, height - cell.dots.height(), &cell.dots);
        }
        if style.upside_down {
            content = content.upside_down();
        }
        let mut dots = Bitmap::new(area, height);
        dots.draw(style.align.offset(area, used), 0, &content);
        let kind = if self.text.trim().is_empty() && self.cells.iter().all(|cell| cell.look.is_none()) {
            Kind::Image { width: used, height }
        } else {
            Kind::Line { text: self.text.trim_end().to_owned(), style: self.style_words(style) }
        };
        (dots, kind)
    }

    fn style_words(&self, style: &Style) -> String {
        let mut words = Vec::new();
        for word in self.cells.iter().filter_map(|cell| cell.look).flat_map(Look::words) {
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
