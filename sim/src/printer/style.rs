//! How characters look: everything `ESC @` resets.

use super::charset::Charset;
use super::font::Font;

/// Default line spacing: 30 dots, 3.75 mm at 8 dots per millimetre.
const LINE_SPACING: usize = 30;

/// Where a line goes in the print area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Center,
    Right,
}

impl Align {
    /// Blank dots before content of `used` dots in an area of `width`.
    pub fn offset(self, width: usize, used: usize) -> usize {
        let free = width.saturating_sub(used);
        match self {
            Self::Left => 0,
            Self::Center => free / 2,
            Self::Right => free,
        }
    }
}

/// The look of one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub font: Font,
    /// 1 to 8.
    pub wide: usize,
    /// 1 to 8.
    pub high: usize,
    pub bold: bool,
    pub double_strike: bool,
    /// Thickness in dots, 0 to 2.
    pub underline: usize,
    pub inverse: bool,
}

impl Look {
    const DEFAULT: Self = Self {
        font: Font::A,
        wide: 1,
        high: 1,
        bold: false,
        double_strike: false,
        underline: 0,
        inverse: false,
    };

    /// Size in words for the dump, nothing for the plain look.
    pub fn words(self) -> Vec<String> {
        let mut words = Vec::new();
        if (self.wide, self.high) != (1, 1) {
            words.push(format!("{}x{}", self.wide, self.high));
        }
        if self.font == Font::B {
            words.push("font-b".to_owned());
        }
        for (on, word) in [
            (self.bold || self.double_strike, "bold"),
            (self.underline > 0, "underline"),
            (self.inverse, "inverse"),
        ] {
            if on {
                words.push(word.to_owned());
            }
        }
        words
    }
}

/// Everything about text that stays until it is changed.
#[derive(Debug, Clone)]
pub struct Style {
    pub look: Look,
    pub align: Align,
    pub charset: Charset,
    /// Extra dots right of each character.
    pub spacing: usize,
    pub line_spacing: usize,
    pub upside_down: bool,
    pub left_margin: usize,
    /// Print area; limited by the paper where it is used.
    pub width: usize,
    /// Tab stops in columns of font A.
    pub tabs: Vec<u8>,
}

impl Style {
    /// After `ESC @`; `dots` is the width of the head.
    pub fn new(dots: usize) -> Self {
        Self {
            look: Look::DEFAULT,
            align: Align::Left,
            charset: Charset::DEFAULT,
            spacing: 0,
            line_spacing: LINE_SPACING,
            upside_down: false,
            left_margin: 0,
            width: dots,
            tabs: (1..32).map(|stop| stop * 8).collect(),
        }
    }

    pub fn default_line_spacing(&mut self) {
        self.line_spacing = LINE_SPACING;
    }

    /// `ESC ! n`.
    pub fn set_print_mode(&mut self, n: u8) {
        let look = &mut self.look;
        look.font = if n & 0x01 == 0 { Font::A } else { Font::B };
        look.bold = n & 0x08 != 0;
        look.high = if n & 0x10 == 0 { 1 } else { 2 };
        look.wide = if n & 0x20 == 0 { 1 } else { 2 };
        look.underline = usize::from(n & 0x80 != 0);
    }

    /// `GS ! n`; factors beyond 8 are ignored.
    pub fn set_size(&mut self, n: u8) {
        if n & 0x88 == 0 {
            self.look.wide = usize::from(n >> 4) + 1;
            self.look.high = usize::from(n & 0x0F) + 1;
        }
    }

    /// `ESC M n`; a font the printer does not have changes nothing.
    pub fn set_font(&mut self, n: u8) {
        match n {
            0 | b'0' => self.look.font = Font::A,
            1 | b'1' => self.look.font = Font::B,
            _ => {}
        }
    }

    /// `ESC - n`.
    pub fn set_underline(&mut self, n: u8) {
        if let 0..=2 | b'0'..=b'2' = n {
            self.look.underline = usize::from(n & 0x03);
        }
    }

    /// `ESC a n`.
    pub fn set_align(&mut self, n: u8) {
        match n {
            0 | b'0' => self.align = Align::Left,
            1 | b'1' => self.align = Align::Center,
            2 | b'2' => self.align = Align::Right,
            _ => {}
        }
    }

    /// The print area on a head of `dots` dots.
    pub fn area(&self, dots: usize) -> usize {
        self.width.min(dots.saturating_sub(self.left_margin))
    }
}
