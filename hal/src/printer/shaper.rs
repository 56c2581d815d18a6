//! Text that no code page holds, as dots.
//!
//! Shaping, joining, bidirectional order and line breaking are the `parley` crate's; the outlines become dots
//! through `swash`. Fonts are the caller's: nothing is looked up on the system, so a receipt looks the same on every
//! kiosk.

use std::sync::Arc;

use parley::fontique::{Blob, Collection, CollectionOptions, SourceCache};
use parley::{
    Alignment, AlignmentOptions, FontContext, FontFamily, FontFamilyName, FontWeight, GlyphRun, Layout,
    LayoutContext, LineHeight, PositionedLayoutItem, StyleProperty,
};
use swash::FontRef;
use swash::scale::{Render, ScaleContext, Source};
use swash::zeno::Format;

use super::codec::{self, LINE_DOTS};
use super::document::{Align, Font, Line, Span};
use super::raster::BitImage;

/// Height of the printer's own font A in dots; ours is drawn as large, so that both can share a receipt.
const FONT_DOTS: u8 = 24;
/// The same for its small font B.
const SMALL_FONT_DOTS: u8 = 17;
/// Free dots below the last row for letters that reach deeper, of a row's dots; cut off where nothing is drawn.
const OVERHANG_DOTS: u8 = 12;
/// Free dots between the two columns: one character of font A.
const COLUMN_GAP_DOTS: usize = 12;
/// Coverage of a dot, of 255, from which it is burnt. A thermal dot spreads, so half is enough.
const BLACK_FROM: u8 = 128;
/// Extra stroke width when a font has no bold, in thousandths of its size.
const EMBOLDEN_PER_MILLE: u8 = 30;

/// Turns lines of text in any script into dots.
pub struct TextShaper {
    fonts: FontContext,
    layouts: LayoutContext<Ink>,
    scaler: ScaleContext,
    families: Vec<FontFamilyName<'static>>,
}

/// A line that was shaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShapedLine {
    pub(crate) image: BitImage,
    /// Characters for which no font had a glyph; they print as the font's box.
    pub(crate) missing_glyphs: usize,
}

/// The fonts cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShaperError {
    /// None of the files is a font.
    #[error("none of the fonts for receipts can be read")]
    NoFont,
}

/// What parley carries along for each run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Ink {
    inverse: bool,
}

/// One column, laid out.
struct Column {
    layout: Layout<Ink>,
    missing_glyphs: usize,
}

impl TextShaper {
    /// A shaper that looks for each character in `fonts` (whole TrueType or OpenType files) in this order.
    ///
    /// # Errors
    /// [`ShaperError::NoFont`] when not one of them is a font.
    pub fn new<F>(fonts: impl IntoIterator<Item = F>) -> Result<Self, ShaperError>
    where
        F: AsRef<[u8]> + Send + Sync + 'static,
    {
        let mut collection = Collection::new(CollectionOptions { shared: false, system_fonts: false });
        let mut families: Vec<FontFamilyName<'static>> = Vec::new();
        for font in fonts {
            for (family, _) in collection.register_fonts(Blob::new(Arc::new(font)), None) {
                let name = collection.family_name(family).map(str::to_owned);
                if let Some(name) = name.map(|name| FontFamilyName::Named(name.into()))
                    && !families.contains(&name)
                {
                    families.push(name);
                }
            }
        }
        if families.is_empty() {
            return Err(ShaperError::NoFont);
        }
        let fonts = FontContext { collection, source_cache: SourceCache::default() };
        Ok(Self { fonts, layouts: LayoutContext::new(), scaler: ScaleContext::new(), families })
    }

    /// Whether a font has a shape for this character.
    pub fn can_show(&mut self, character: char) -> bool {
        let line = Line::new(character);
        self.column(&line.left, &line, None).missing_glyphs == 0
    }

    /// `line` as a picture `dots_wide` wide and whole text rows high, and a little higher where letters reach
    /// below the last row.
    pub(crate) fn shape(&mut self, line: &Line, dots_wide: usize) -> ShapedLine {
        let high = usize::from(line.size.high());
        // A character wider than high is shaped narrow and stretched, as the printer's own fonts are.
        let wide = usize::from(line.size.wide());
        let paper = dots_wide * high / wide;
        let right = self.column(&line.right, line, None);
        let right_wide = dots(right.layout.width()).min(paper);
        let has_right = right_wide > 0;
        let room = if has_right { paper.saturating_sub(right_wide + COLUMN_GAP_DOTS) } else { paper };
        let mut left = self.column(&line.left, line, Some(room.max(1)));
        let align = if has_right { Align::Start } else { line.align };
        left.layout.align(
            match align {
                Align::Start => Alignment::Start,
                Align::Center => Alignment::Center,
                Align::End => Alignment::End,
            },
            AlignmentOptions::default(),
        );
        let from_right = if left.layout.is_empty() { right.layout.is_rtl() } else { left.layout.is_rtl() };

        let rows = left.layout.len().max(1);
        let height = rows * high * usize::from(LINE_DOTS);
        let mut image = BitImage::new(paper, height + high * usize::from(OVERHANG_DOTS));
        let (left_at, right_at) =
            if from_right { (paper - room.min(paper), 0) } else { (0, paper - right_wide) };
        self.draw(&left.layout, left_at, &mut image);
        self.draw(&right.layout, right_at, &mut image);
        let image = image.without_white_below(height);
        let image = if wide == high { image } else { stretch(&image, dots_wide) };
        ShapedLine { image, missing_glyphs: left.missing_glyphs + right.missing_glyphs }
    }

    fn column(&mut self, spans: &[Span], line: &Line, width: Option<usize>) -> Column {
        let cells = codec::clean(spans);
        let text: String = cells.iter().map(|(c, _)| c).collect();
        let high = f32::from(line.size.high());
        let mut builder = self.layouts.ranged_builder(&mut self.fonts, &text, 1.0, true);
        builder.push_default(StyleProperty::FontFamily(FontFamily::List(self.families.clone().into())));
        let font_dots = match line.font {
            Font::A => FONT_DOTS,
            Font::B => SMALL_FONT_DOTS,
        };
        builder.push_default(StyleProperty::FontSize(f32::from(font_dots) * high));
        builder.push_default(StyleProperty::LineHeight(LineHeight::Absolute(f32::from(LINE_DOTS) * high)));
        let mut at = 0;
        for run in cells.chunk_by(|a, b| a.1 == b.1) {
            let end = at + run.iter().map(|(c, _)| c.len_utf8()).sum::<usize>();
            let style = run[0].1;
            if style.bold {
                builder.push(StyleProperty::FontWeight(FontWeight::BOLD), at..end);
            }
            if style.underline {
                builder.push(StyleProperty::Underline(true), at..end);
            }
            if style.inverse {
                builder.push(StyleProperty::Brush(Ink { inverse: true }), at..end);
            }
            at = end;
        }
        let mut layout = builder.build(&text);
        layout.break_all_lines(width.map(to_f32));
        let missing_glyphs =
            glyph_runs(&layout).flat_map(|(run, _)| run.glyphs().map(|glyph| glyph.id).collect::<Vec<_>>());
        let missing_glyphs = missing_glyphs.filter(|id| *id == 0).count();
        Column { layout, missing_glyphs }
    }

    fn draw(&mut self, layout: &Layout<Ink>, left: usize, image: &mut BitImage) {
        for (run, row) in glyph_runs(layout) {
            self.draw_glyphs(&run, left, image);
            let (from, to) = (left + dots(run.offset()), left + dots(run.offset() + run.advance()));
            if run.style().underline.is_some() {
                let below = dots(run.baseline()) + 2;
                fill(image, from..to, below..below + 2);
            }
            if run.style().brush.inverse {
                invert(image, from..to, row);
            }
        }
    }

    fn draw_glyphs(&mut self, run: &GlyphRun<'_, Ink>, left: usize, image: &mut BitImage) {
        let font = run.run().font();
        let index = usize::try_from(font.index).unwrap_or(0);
        let Some(font) = FontRef::from_index(font.data.as_ref(), index) else { return };
        let size = run.run().font_size();
        let mut scaler = self
            .scaler
            .builder(font)
            .size(size)
            .hint(true)
            .normalized_coords(run.run().normalized_coords())
            .build();
        let mut render = Render::new(&[Source::Outline]);
        render.format(Format::Alpha);
        if run.run().synthesis().embolden() {
            render.embolden(size * f32::from(EMBOLDEN_PER_MILLE) / 1_000.0);
        }
        for glyph in run.positioned_glyphs() {
            // Whole dots: a letter looks the same wherever it stands.
            let (x, y) = (glyph.x.round(), glyph.y.round());
            let id = u16::try_from(glyph.id).unwrap_or(0);
            let Some(drawn) = render.render(&mut scaler, id) else { continue };
            let (x, y) = (to_i32(x) + drawn.placement.left, to_i32(y) - drawn.placement.top);
            let width = usize::try_from(drawn.placement.width).unwrap_or(0).max(1);
            for (at, _) in drawn.data.iter().enumerate().filter(|(_, coverage)| **coverage >= BLACK_FROM) {
                let (column, row) = (at % width, at / width);
                let dot = |start: i32, offset: usize| {
                    usize::try_from(i64::from(start) + i64::try_from(offset).unwrap_or(i64::MAX)).ok()
                };
                if let (Some(x), Some(y)) = (dot(x, column), dot(y, row)) {
                    image.set(left + x, y, true);
                }
            }
        }
    }
}

impl std::fmt::Debug for TextShaper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextShaper").field("families", &self.families).finish_non_exhaustive()
    }
}

/// The runs of a layout, each with the dots its row covers from top to bottom.
fn glyph_runs(layout: &Layout<Ink>) -> impl Iterator<Item = (GlyphRun<'_, Ink>, std::ops::Range<usize>)> {
    layout.lines().flat_map(|line| {
        let metrics = line.metrics();
        let row = dots(metrics.block_min_coord)..dots(metrics.block_max_coord);
        line.items().filter_map(move |item| match item {
            PositionedLayoutItem::GlyphRun(run) => Some((run, row.clone())),
            PositionedLayoutItem::InlineBox(_) => None,
        })
    })
}

fn fill(image: &mut BitImage, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) {
    for y in rows {
        for x in columns.clone() {
            image.set(x, y, true);
        }
    }
}

fn invert(image: &mut BitImage, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) {
    for y in rows {
        for x in columns.clone() {
            image.set(x, y, !image.get(x, y));
        }
    }
}

/// The picture drawn `width` dots wide.
fn stretch(image: &BitImage, width: usize) -> BitImage {
    let mut wider = BitImage::new(width, image.height());
    for y in 0..wider.height() {
        for x in 0..wider.width() {
            if image.get(x * image.width() / width, y) {
                wider.set(x, y, true);
            }
        }
    }
    wider
}

/// A length in whole dots, rounded up; negative and absurd ones become 0 and the widest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float casts saturate, as wanted"
)]
fn dots(length: f32) -> usize {
    length.ceil() as usize
}

#[expect(clippy::cast_possible_truncation, reason = "float casts saturate, as wanted")]
fn to_i32(length: f32) -> i32 {
    length as i32
}

/// Exact for anything that fits on paper.
fn to_f32(dots: usize) -> f32 {
    f32::from(u16::try_from(dots).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests;
