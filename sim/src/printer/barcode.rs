//! One-dimensional bar codes (`GS k`) as dots.
//!
//! The encodings are written from the published symbologies; tests read the results back with zbar.

mod code128;
mod narrow;
mod retail;

use super::bitmap::Bitmap;
use super::font::Font;
use super::strip::Kind;

/// Module width in dots: 2 to 6, default 3.
const WIDTH_DEFAULT: u8 = 3;
/// Height in dots, default as in the manuals.
const HEIGHT_DEFAULT: u8 = 162;

/// What `GS H`, `GS f`, `GS h` and `GS w` set.
#[derive(Debug, Clone)]
pub struct BarStyle {
    module_dots: usize,
    height: usize,
    text_above: bool,
    text_below: bool,
    font: Font,
}

impl BarStyle {
    pub const DEFAULT: Self = Self {
        module_dots: WIDTH_DEFAULT as usize,
        height: HEIGHT_DEFAULT as usize,
        text_above: false,
        text_below: false,
        font: Font::A,
    };

    pub fn set_hri_position(&mut self, n: u8) {
        if let 0..=3 | b'0'..=b'3' = n {
            self.text_above = n & 1 != 0;
            self.text_below = n & 2 != 0;
        }
    }

    pub fn set_hri_font(&mut self, n: u8) {
        match n {
            0 | b'0' => self.font = Font::A,
            1 | b'1' => self.font = Font::B,
            _ => {}
        }
    }

    pub fn set_height(&mut self, n: u8) {
        if n > 0 {
            self.height = n.into();
        }
    }

    /// Most printers take 2 to 6; some also 1, and then bars of one dot.
    pub fn set_width(&mut self, n: u8) {
        if let 1..=6 = n {
            self.module_dots = n.into();
        }
    }
}

/// Modules from left to right, true = bar, and the text for people.
struct Symbol {
    name: &'static str,
    modules: Vec<bool>,
    text: String,
}

/// The dots and the meaning of a bar code, or why it cannot be printed.
pub fn render(system: u8, data: &[u8], style: &BarStyle) -> Result<(Bitmap, Kind), String> {
    let symbol = encode(system, data)?;
    let width = symbol.modules.len() * style.module_dots;
    let text_height = style.font.height();
    let top = if style.text_above { text_height } else { 0 };
    let bottom = if style.text_below { text_height } else { 0 };
    let text_width = symbol.text.chars().count() * style.font.width();
    let total_width = if style.text_above || style.text_below { width.max(text_width) } else { width };

    let mut dots = Bitmap::new(total_width, top + style.height + bottom);
    let left = (total_width - width) / 2;
    for (index, bar) in symbol.modules.iter().enumerate() {
        if *bar {
            dots.fill(left + index * style.module_dots, top, style.module_dots, style.height);
        }
    }
    let text_left = total_width.saturating_sub(text_width) / 2;
    for (wanted, y) in [(style.text_above, 0), (style.text_below, top + style.height)] {
        if wanted {
            for (index, character) in symbol.text.chars().enumerate() {
                dots.draw(text_left + index * style.font.width(), y, &style.font.glyph(character));
            }
        }
    }
    let detail = format!("{} modules of {} dots", symbol.modules.len(), style.module_dots);
    Ok((dots, Kind::Code { symbology: symbol.name, data: symbol.text, detail }))
}

fn encode(system: u8, data: &[u8]) -> Result<Symbol, String> {
    let (name, result) = match system {
        0 | 65 => ("upca", retail::upc_a(data)),
        1 | 66 => ("upce", retail::upc_e(data)),
        2 | 67 => ("ean13", retail::ean_13(data)),
        3 | 68 => ("ean8", retail::ean_8(data)),
        4 | 69 => ("code39", narrow::code_39(data)),
        5 | 70 => ("itf", narrow::interleaved(data)),
        6 | 71 => ("codabar", narrow::codabar(data)),
        73 => ("code128", code128::code_128(data)),
        74 => ("gs1-128", code128::gs1_128(data)),
        _ => ("", None),
    };
    let (modules, text) = result.ok_or_else(|| {
        let shown = String::from_utf8_lossy(data);
        format!("bar code system {system} cannot hold {shown:?}")
    })?;
    Ok(Symbol { name, modules, text })
}

/// Appends `widths` modules, bars and spaces in turn, starting with a bar.
fn push_widths(modules: &mut Vec<bool>, widths: impl IntoIterator<Item = u8>) {
    for (index, width) in widths.into_iter().enumerate() {
        modules.extend(std::iter::repeat_n(index % 2 == 0, width.into()));
    }
}

/// The digits of an all-digit text.
fn digits(data: &[u8]) -> Option<Vec<u8>> {
    data.iter().map(|byte| byte.is_ascii_digit().then(|| byte - b'0')).collect()
}

fn text_of(digits: &[u8]) -> String {
    digits.iter().map(|digit| char::from(b'0' + digit)).collect()
}
