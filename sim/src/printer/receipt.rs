//! A piece of paper that came out, as a picture and as words.

use std::time::Duration;

use serde_json::{Value, json};

use super::bitmap::Bitmap;
use super::strip::{Kind, Strip};

/// White paper around the dots, in pixels: thermal heads do not reach the edges.
const MARGIN_SIDE: usize = 32;
const MARGIN_TOP: usize = 28;
const MARGIN_BOTTOM: usize = 28;
/// Thermal paper is a little warm, its black a little soft.
const PAPER_RGB: [u8; 3] = [0xFE, 0xFD, 0xFA];
const INK_RGB: [u8; 3] = [0x1C, 0x1B, 0x1E];

/// How the piece was parted from the roll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Cut through.
    Full,
    /// Cut with a bridge left.
    Partial,
    /// The roll ended, or somebody tore it off.
    Torn,
}

/// One receipt.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// From 1, in the order of cutting.
    pub number: u64,
    /// Since the printer was made.
    pub at: Duration,
    pub end: End,
    pub strip: Strip,
}

impl Receipt {
    /// `receipt-0001`, to which `.png` and `.txt` are added.
    pub fn stem(number: u64) -> String {
        format!("receipt-{number:04}")
    }

    /// What the ledger keeps.
    pub fn summary(&self) -> Value {
        let mut summary = summary(&self.strip);
        summary["number"] = json!(self.number);
        summary["at_ms"] = json!(u64::try_from(self.at.as_millis()).unwrap_or(u64::MAX));
        summary["end"] = json!(self.end);
        summary["image"] = json!(format!("{}.png", Self::stem(self.number)));
        summary
    }

    /// The text file beside the picture: every line with its style, every code with its content.
    pub fn dump(&self) -> String {
        let head = format!(
            "# receipt {} · {} × {} dots · {}\n",
            self.number,
            self.strip.dots().width(),
            self.strip.rows(),
            match self.end {
                End::Full => "full cut",
                End::Partial => "partial cut",
                End::Torn => "torn off",
            }
        );
        std::iter::once(head).chain(self.strip.entries().map(dump_entry)).collect()
    }
}

/// Rows, plain text lines and codes of a strip.
pub fn summary(strip: &Strip) -> Value {
    let mut text = Vec::new();
    let mut codes = Vec::new();
    let mut notes = Vec::new();
    for kind in strip.entries() {
        match kind {
            Kind::Line { text: line, .. } => text.push(line.clone()),
            Kind::Code { symbology, data, .. } => codes.push(json!({"symbology": symbology, "data": data})),
            Kind::Note(note) => notes.push(note.clone()),
            Kind::Image { .. } => {}
        }
    }
    json!({"rows": strip.rows(), "text": text, "codes": codes, "notes": notes})
}

/// The strip as a PNG with paper around it; `None` only if the encoder fails, which no strip can make it do.
pub fn png(dots: &Bitmap) -> Option<Vec<u8>> {
    let width = dots.width() + 2 * MARGIN_SIDE;
    let height = dots.height() + MARGIN_TOP + MARGIN_BOTTOM;
    let mut page = Bitmap::new(width, height);
    page.draw(MARGIN_SIDE, MARGIN_TOP, dots);

    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_palette([PAPER_RGB, INK_RGB].concat());
    let rows: Vec<u8> = (0..height).flat_map(|y| page.row(y).iter().copied()).collect();
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&rows).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

fn dump_entry(kind: &Kind) -> String {
    let (tag, content) = match kind {
        Kind::Line { text, style } => (style.clone(), text.clone()),
        Kind::Code { symbology, data, detail } => (format!("[{symbology}]"), format!("{data}  ({detail})")),
        Kind::Image { width, height } => ("[image]".to_owned(), format!("{width} × {height} dots")),
        Kind::Note(note) => ("[note]".to_owned(), note.clone()),
    };
    // Data may hold anything; a dump keeps one entry to a line.
    let content: String = content.chars().map(|c| if c.is_control() { '·' } else { c }).collect();
    format!("{tag:>20} | {content}\n").replace(" | \n", " |\n")
}
