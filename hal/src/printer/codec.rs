//! Documents into ESC/POS bytes, and a printer's bytes into answers. Pure.

pub(crate) mod commands;
pub(crate) mod inbound;
mod layout;
mod symbols;

use super::codepage::{self, NumberedPage};
use super::document::{
    Align, BarCode, Block, Cut, DOCUMENT_BLOCKS_MAX, Font, Line, PrintDocument, QrCode, Rule, Size, Style,
};
use super::profile::{Cutter, Profile, QrPrinting, RasterCommand};
use super::raster::{self, BitImage};
use super::shaper::TextShaper;

pub(crate) use layout::clean;
use layout::{Cell, Row};
pub use symbols::SymbolError;

/// Dots from one line of normal height to the next.
pub(crate) const LINE_DOTS: u8 = 30;
/// Printed where neither a code page nor a font has the character.
const SUBSTITUTE: char = '?';

/// A document as one printer model understands it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedDocument {
    /// What to send.
    pub bytes: Vec<u8>,
    /// Paper it uses, about, in dots.
    pub dots_high: u32,
    /// What could not be printed as wished.
    pub warnings: Vec<PrintWarning>,
}

/// Something that could not be printed as wished; the rest of the document prints.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrintWarning {
    /// Characters that neither a code page nor a font has.
    #[error("{count} characters have no glyph")]
    MissingGlyphs {
        /// How many.
        count: usize,
    },
    /// A QR code was left out.
    #[error("QR code left out: {0}")]
    Qr(SymbolError),
    /// A bar code was replaced by its readable text.
    #[error("bar code printed as text: {0}")]
    BarCode(SymbolError),
    /// A bar code was replaced by its readable text, because the printer lacks the symbology.
    #[error("bar code printed as text: the printer cannot draw it")]
    BarCodeUnsupported,
}

/// Why a document cannot be encoded at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// More blocks than [`DOCUMENT_BLOCKS_MAX`].
    #[error("a document has at most {DOCUMENT_BLOCKS_MAX} parts")]
    TooLong,
    /// The profile has no code page.
    #[error("a printer profile needs at least one code page")]
    NoCodePage,
}

/// Turns `document` into the bytes for a printer of model `profile`.
///
/// It starts with a reset, so nothing a previous job left behind shows; it does not ask for completion, which is the
/// driver's part. Lines that no code page can print go through `shaper`; without one such characters become `?`.
///
/// # Errors
/// [`EncodeError`]; nothing that a customer can type leads there.
pub fn encode(
    document: &PrintDocument,
    profile: &Profile,
    shaper: Option<&mut TextShaper>,
) -> Result<EncodedDocument, EncodeError> {
    if document.blocks.len() > DOCUMENT_BLOCKS_MAX {
        return Err(EncodeError::TooLong);
    }
    let page = *profile.pages.first().ok_or(EncodeError::NoCodePage)?;
    let mut encoder =
        Encoder { profile, shaper, modes: Modes::after_reset(page), out: EncodedDocument::default() };
    encoder.start();
    for block in &document.blocks {
        encoder.block(block);
    }
    Ok(encoder.out)
}

struct Encoder<'a> {
    profile: &'a Profile,
    shaper: Option<&'a mut TextShaper>,
    modes: Modes,
    out: EncodedDocument,
}

/// What the printer is set to; commands are sent for differences only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Modes {
    page: NumberedPage,
    style: Style,
    size: Size,
    font: Font,
    align: Align,
}

impl Modes {
    fn after_reset(page: NumberedPage) -> Self {
        Self { page, style: Style::default(), size: Size::NORMAL, font: Font::A, align: Align::Start }
    }
}

impl Encoder<'_> {
    fn start(&mut self) {
        self.send(&commands::RESET);
        if self.profile.has_auto_status {
            // The reset may have switched it off, and a power cycle certainly did.
            self.send(&commands::AUTO_STATUS_ON);
        }
        self.send(&commands::INTERNATIONAL_USA);
        self.send(&commands::code_page(self.modes.page.number));
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Line(line) => self.line(line),
            Block::Rule(rule) => self.rule(*rule),
            Block::Feed { lines } => self.feed(u32::from(*lines) * u32::from(LINE_DOTS)),
            Block::Qr(code) => self.qr(code),
            Block::BarCode(code) => self.bar_code(code),
            Block::Image { image, align } => self.image(image, *align),
            Block::Cut(cut) => self.cut(*cut),
            Block::DrawerPulse(pin) => self.send(&commands::drawer_pulse(*pin)),
        }
    }

    fn line(&mut self, line: &Line) {
        let spans = line.left.iter().chain(&line.right);
        let printable = spans.clone().all(|span| {
            let text: String = clean(std::slice::from_ref(span)).iter().map(|(c, _)| c).collect();
            codepage::is_printable(&self.profile.pages, &text)
        });
        if !printable && self.shaped_line(line) {
            return;
        }
        let columns = self.profile.columns(line.font) / usize::from(line.size.wide());
        self.set_align(if line.right.is_empty() { line.align } else { Align::Start });
        self.set_font(line.font);
        self.set_size(line.size);
        for row in layout::rows(line, columns) {
            self.row(&row, line.size);
        }
    }

    /// Draws a line as dots; false when there is no shaper.
    fn shaped_line(&mut self, line: &Line) -> bool {
        let dots_wide = usize::from(self.profile.dots_wide);
        let Some(shaper) = self.shaper.as_deref_mut() else { return false };
        let shaped = shaper.shape(line, dots_wide);
        if shaped.missing_glyphs > 0 {
            self.out.warnings.push(PrintWarning::MissingGlyphs { count: shaped.missing_glyphs });
        }
        self.raster(&shaped.image, 0);
        true
    }

    fn row(&mut self, row: &Row, size: Size) {
        for run in row.cells.chunk_by(|a, b| a.1 == b.1) {
            self.set_style(run[0].1);
            self.run(run);
        }
        self.out.bytes.push(commands::LINE_FEED);
        self.out.dots_high += u32::from(size.high()) * u32::from(LINE_DOTS);
    }

    fn run(&mut self, run: &[Cell]) {
        let mut text: String = run.iter().map(|(c, _)| c).collect();
        let mut segments = codepage::segments(&self.profile.pages, self.modes.page, &text);
        if segments.is_none() {
            text = self.substituted(&text);
            segments = codepage::segments(&self.profile.pages, self.modes.page, &text);
        }
        for segment in segments.unwrap_or_default() {
            if segment.page != self.modes.page {
                self.modes.page = segment.page;
                self.send(&commands::code_page(segment.page.number));
            }
            self.send(&segment.bytes);
        }
    }

    /// `text` with a question mark for each character no page has.
    fn substituted(&mut self, text: &str) -> String {
        let pages = &self.profile.pages;
        let has = |c: char| pages.iter().any(|numbered| numbered.page.encode(c).is_some());
        let count = text.chars().filter(|c| !has(*c)).count();
        self.out.warnings.push(PrintWarning::MissingGlyphs { count });
        text.chars().map(|c| if has(c) { c } else { SUBSTITUTE }).collect()
    }

    /// A rule is made of hyphens: line-drawing characters differ in place from page to page and model to model.
    fn rule(&mut self, rule: Rule) {
        let stroke = match rule {
            Rule::Single => "-",
            Rule::Double => "=",
        };
        self.line(&Line::new(stroke.repeat(usize::from(self.profile.columns_a))));
    }

    fn feed(&mut self, dots: u32) {
        self.out.bytes.extend(commands::feed(dots));
        self.out.dots_high += dots;
    }

    fn qr(&mut self, code: &QrCode) {
        let symbol = match symbols::qr(code, usize::from(self.profile.dots_wide)) {
            Ok(symbol) => symbol,
            Err(error) => return self.out.warnings.push(PrintWarning::Qr(error)),
        };
        let quiet = u32::try_from(symbol.module_dots * symbols::QUIET_MODULES).unwrap_or(0);
        self.feed(quiet);
        let module_dots = u8::try_from(symbol.module_dots).unwrap_or(u8::MAX);
        match self.profile.qr {
            QrPrinting::Native { module_dots_max } if code.data.len() <= commands::QR_DATA_MAX => {
                let module_dots = module_dots.min(module_dots_max);
                let bytes = commands::qr(module_dots, code.correction, &code.data);
                // No command announces the encoding of what it says: we do, in dots of our own.
                if raster::holds_real_time_pair(&bytes) || !code.data.is_ascii() {
                    self.qr_as_dots(&symbol, code.align);
                } else {
                    self.set_align(code.align);
                    self.send(&bytes);
                    let rows = symbol.modules.height() * usize::from(module_dots);
                    self.out.dots_high += u32::try_from(rows).unwrap_or(0);
                }
            }
            QrPrinting::Native { .. } | QrPrinting::Raster => self.qr_as_dots(&symbol, code.align),
        }
        self.feed(quiet);
    }

    fn qr_as_dots(&mut self, symbol: &symbols::QrSymbol, align: Align) {
        self.image(&symbol.modules.enlarged(symbol.module_dots, symbol.module_dots), align);
    }

    fn bar_code(&mut self, code: &BarCode) {
        if !self.profile.bar_codes.contains(&code.kind) {
            return self.bar_code_as_text(code, PrintWarning::BarCodeUnsupported);
        }
        match symbols::bar_code(code, usize::from(self.profile.dots_wide)) {
            Ok((data, module_dots)) => {
                self.set_align(code.align);
                self.send(&commands::bar_code(
                    code.kind,
                    code.height_dots,
                    module_dots,
                    code.readable,
                    &data,
                ));
                self.out.dots_high += u32::from(code.height_dots) + u32::from(LINE_DOTS);
            }
            Err(error) => self.bar_code_as_text(code, PrintWarning::BarCode(error)),
        }
    }

    fn bar_code_as_text(&mut self, code: &BarCode, warning: PrintWarning) {
        self.out.warnings.push(warning);
        self.line(&Line { align: code.align, ..Line::new(code.data.clone()) });
    }

    fn image(&mut self, image: &BitImage, align: Align) {
        let free = usize::from(self.profile.dots_wide).saturating_sub(image.width());
        let left = match align {
            Align::Start => 0,
            Align::Center => free / 2,
            Align::End => free,
        };
        self.raster(image, left);
    }

    /// Sends a picture in bands. The place on the paper is part of the picture, because clones differ in whether
    /// their picture command obeys the alignment.
    fn raster(&mut self, image: &BitImage, left: usize) {
        let mut canvas = BitImage::new(usize::from(self.profile.dots_wide), image.height());
        canvas.paint(image, left, 0);
        let (stride, mut rows) = canvas.trimmed_rows();
        if stride == 0 {
            return;
        }
        raster::defuse_real_time_pairs(&mut rows);
        self.set_align(Align::Start);
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            let (band, taken) = self.band(stride, rest);
            self.send(&band);
            rest = &rest[taken..];
        }
        self.out.dots_high += u32::try_from(canvas.height()).unwrap_or(u32::MAX);
    }

    /// The next picture command and how many bytes of `rows` it holds. One row fewer when the length field of the
    /// command would spell a real-time command.
    fn band(&self, stride: usize, rows: &[u8]) -> (Vec<u8>, usize) {
        let mut count = self.profile.band_rows().min(rows.len() / stride);
        loop {
            let taken = count * stride;
            let high = u16::try_from(count).expect("a band has at most 256 rows");
            let wide = u16::try_from(stride).expect("paper is at most 1024 dots wide");
            let command = match self.profile.raster {
                RasterCommand::GsV0 => commands::raster_v0(wide, high, &rows[..taken]),
                RasterCommand::GsParenL => commands::graphics(wide * 8, high, &rows[..taken]),
            };
            if count == 1 || !raster::holds_real_time_pair(&command) {
                return (command, taken);
            }
            count -= 1;
        }
    }

    fn cut(&mut self, cut: Cut) {
        match (self.profile.cutter, cut) {
            (Cutter::None, Cut::Partial | Cut::Full) => self.feed(u32::from(self.profile.feed_to_knife_dots)),
            (Cutter::Partial, Cut::Partial | Cut::Full) | (Cutter::Full, Cut::Partial) => {
                self.send(&commands::CUT_PARTIAL);
            }
            (Cutter::Full, Cut::Full) => {
                self.feed(u32::from(self.profile.feed_to_knife_dots));
                self.send(&commands::CUT_FULL);
            }
        }
    }

    fn set_align(&mut self, align: Align) {
        if self.modes.align != align {
            self.modes.align = align;
            self.send(&commands::align(match align {
                Align::Start => 0,
                Align::Center => 1,
                Align::End => 2,
            }));
        }
    }

    fn set_font(&mut self, font: Font) {
        if self.modes.font != font {
            self.modes.font = font;
            self.send(&commands::font(match font {
                Font::A => 0,
                Font::B => 1,
            }));
        }
    }

    fn set_size(&mut self, size: Size) {
        if self.modes.size != size {
            self.modes.size = size;
            self.send(&commands::size(size));
        }
    }

    fn set_style(&mut self, style: Style) {
        let before = std::mem::replace(&mut self.modes.style, style);
        if before.bold != style.bold {
            self.send(&commands::bold(style.bold));
        }
        if before.underline != style.underline {
            self.send(&commands::underline(style.underline));
        }
        if before.inverse != style.inverse {
            self.send(&commands::inverse(style.inverse));
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.out.bytes.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests;
