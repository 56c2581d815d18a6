//! The drawing itself.

use qrcode::bits::Bits;
use qrcode::types::QrError;
use qrcode::{Color as Module, EcLevel, QrCode, QrResult, Version};
use resvg::tiny_skia::{
    Color, FillRule, FilterQuality, Paint, PathBuilder, Pixmap, PixmapPaint, Rect, Transform,
};
use resvg::usvg::{Options, Tree};
use slint::SharedPixelBuffer;

use super::{Raster, Rgba};

/// The ellipse a dish stands on: its width and height as parts of the box width, and how far its centre lies
/// above the lower edge of the dish.
const PLATE_WIDTH: f32 = 0.91;
const PLATE_HEIGHT: f32 = 0.095;
const PLATE_RISE: f32 = 0.013;

/// How the icons come: lines of 2 in a grid of 24.
const ICON_STROKE: &str = "stroke-width=\"2\"";

/// Small icons get relatively heavier lines, so that they hold beside semi-bold words: sizes in pixels up to which,
/// and the line width in the grid.
const ICON_WEIGHTS: [(u32, &str); 3] =
    [(30, "stroke-width=\"2.9\""), (46, "stroke-width=\"2.4\""), (72, "stroke-width=\"2.1\"")];

pub(super) fn icon(svg: &[u8], size: u32) -> Option<Raster> {
    let weighted = ICON_WEIGHTS
        .iter()
        .find(|(up_to, _)| size <= *up_to)
        .and_then(|(_, weight)| Some(std::str::from_utf8(svg).ok()?.replace(ICON_STROKE, weight)));
    let tree = parse(weighted.as_deref().map_or(svg, str::as_bytes))?;
    let mut canvas = Pixmap::new(size, size)?;
    let scale = side(size) / tree.size().width().max(tree.size().height());
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut canvas.as_mut());
    Some(raster(&canvas))
}

/// SVG or PNG bytes drawn into a box, standing on its lower edge.
pub(super) fn dish(bytes: &[u8], box_width: u32, box_height: u32, plate: Rgba) -> Option<Raster> {
    let source = Source::parse(bytes)?;
    let (natural_width, natural_height) = source.size();
    let scale = (side(box_width) / natural_width).min(side(box_height) / natural_height);
    let (width, height) = (whole(natural_width * scale), whole(natural_height * scale));

    let plated = plate[3] > 0;
    let (canvas_width, overhang) = if plated { (box_width, plate_overhang(box_width)) } else { (width, 0) };
    let mut canvas = Pixmap::new(canvas_width.max(1), height.max(1) + overhang)?;
    if plated {
        draw_plate(&mut canvas, side(box_width), side(height), plate);
    }
    let left = (side(canvas_width) - natural_width * scale) / 2.0;
    let top = side(height) - natural_height * scale;
    source.draw(&mut canvas, Transform::from_row(scale, 0.0, 0.0, scale, left, top))?;
    Some(raster(&canvas))
}

/// How much of the ellipse shows below the dish, in pixels.
fn plate_overhang(box_width: u32) -> u32 {
    whole(side(box_width) * (PLATE_HEIGHT / 2.0 - PLATE_RISE)).max(1)
}

fn draw_plate(canvas: &mut Pixmap, box_width: f32, ground: f32, color: Rgba) {
    let (width, height) = (box_width * PLATE_WIDTH, box_width * PLATE_HEIGHT);
    let top = ground - box_width * PLATE_RISE - height / 2.0;
    let Some(path) =
        Rect::from_xywh((box_width - width) / 2.0, top, width, height).and_then(PathBuilder::from_oval)
    else {
        return;
    };
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(Color::from_rgba8(color[0], color[1], color[2], color[3]));
    canvas.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None);
}

/// What must stay light around a QR code, in modules (ISO/IEC 18004): readers find the code by it.
const QR_QUIET_ZONE: usize = 4;

/// The error correction is medium: codes are shown on a clean screen and read from a hand's distance.
pub(super) fn qr(payload: &str, size: u32, ink: Rgba) -> Option<Raster> {
    let code = encode(payload.as_bytes(), EcLevel::M)
        .inspect_err(|error| tracing::error!(%error, length = payload.len(), "cannot make the QR code"))
        .ok()?;
    let modules = code.width();
    let module = usize::try_from(size).ok()? / (modules + 2 * QR_QUIET_ZONE);
    if module == 0 {
        tracing::error!(modules, size, "the QR code does not fit into its box");
        return None;
    }
    let side = module * modules;
    let mut raster = Raster::new(u32::try_from(side).ok()?, u32::try_from(side).ok()?);
    for (y, row) in raster.make_mut_slice().chunks_mut(side).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            if code[(x / module, y / module)] == Module::Dark {
                *pixel = slint::Rgba8Pixel { r: ink[0], g: ink[1], b: ink[2], a: u8::MAX };
            }
        }
    }
    Some(raster)
}

/// What announces UTF-8 inside a QR code (extended channel interpretation 26): without it a reader may take the bytes
/// for any old code page.
const ECI_UTF8: u32 = 26;

/// Plain letters as short as can be; anything else as announced UTF-8 in whole bytes, since the encoder would take
/// bytes that look like Shift JIS, as those of "€" do, for kanji.
fn encode(payload: &[u8], level: EcLevel) -> QrResult<QrCode> {
    if payload.is_ascii() {
        return QrCode::with_error_correction_level(payload, level);
    }
    let version = |version: i16| {
        let mut bits = Bits::new(Version::Normal(version));
        bits.push_eci_designator(ECI_UTF8)?;
        bits.push_byte_data(payload)?;
        bits.push_terminator(level)?;
        QrCode::with_bits(bits, level)
    };
    (1..=40).map(version).find(Result::is_ok).unwrap_or(Err(QrError::DataTooLong))
}

enum Source {
    Drawing(Box<Tree>),
    Photo(Pixmap),
}

impl Source {
    fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG") {
            Pixmap::decode_png(bytes)
                .inspect_err(|error| tracing::warn!(%error, "a PNG picture cannot be read"))
                .ok()
                .map(Self::Photo)
        } else {
            parse(bytes).map(|tree| Self::Drawing(Box::new(tree)))
        }
    }

    fn size(&self) -> (f32, f32) {
        match self {
            Self::Drawing(tree) => (tree.size().width(), tree.size().height()),
            Self::Photo(photo) => (side(photo.width()), side(photo.height())),
        }
    }

    fn draw(&self, canvas: &mut Pixmap, transform: Transform) -> Option<()> {
        match self {
            Self::Drawing(tree) => resvg::render(tree, transform, &mut canvas.as_mut()),
            Self::Photo(photo) => draw_photo(photo, canvas, transform)?,
        }
        Some(())
    }
}

/// Halves a photo until less than half remains to do: one bicubic step over a larger ratio would skip pixels.
fn draw_photo(photo: &Pixmap, canvas: &mut Pixmap, transform: Transform) -> Option<()> {
    let paint = PixmapPaint { quality: FilterQuality::Bilinear, ..PixmapPaint::default() };
    let mut current = photo.clone();
    let mut remaining = transform.sx;
    while remaining <= 0.5 && current.width() > 1 && current.height() > 1 {
        let mut half = Pixmap::new(current.width().div_ceil(2), current.height().div_ceil(2))?;
        half.draw_pixmap(0, 0, current.as_ref(), &paint, Transform::from_scale(0.5, 0.5), None);
        current = half;
        remaining *= 2.0;
    }
    let paint = PixmapPaint { quality: FilterQuality::Bicubic, ..PixmapPaint::default() };
    let last = Transform::from_row(remaining, 0.0, 0.0, remaining, transform.tx, transform.ty);
    canvas.draw_pixmap(0, 0, current.as_ref(), &paint, last, None);
    Some(())
}

fn parse(svg: &[u8]) -> Option<Tree> {
    Tree::from_data(svg, &Options::default())
        .inspect_err(|error| tracing::warn!(%error, "an SVG picture cannot be read"))
        .ok()
}

fn raster(canvas: &Pixmap) -> Raster {
    SharedPixelBuffer::clone_from_slice(canvas.data(), canvas.width(), canvas.height())
}

/// Sides stay below 8192 (`SIDE_MAX`), where every whole number is an exact `f32`.
#[expect(clippy::cast_precision_loss, reason = "sides are small whole numbers")]
fn side(pixels: u32) -> f32 {
    pixels as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is a small non-negative side"
)]
fn whole(length: f32) -> u32 {
    length.max(0.0).round() as u32
}
