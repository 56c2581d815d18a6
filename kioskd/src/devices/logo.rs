//! The shop's mark on receipts.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context as _;
use hal::printer::BitImage;

/// Widest and highest picture: a paper of 80 mm at 203 dots per inch, and no longer than a hand.
const WIDTH_MAX: u32 = 576;
const HEIGHT_MAX: u32 = 600;

/// White below the mark, 2 mm, so that it does not touch the shop's name.
const GAP_DOTS: usize = 16;

/// Reads the mark. A receipt without it is better than none, so whatever is wrong with it is only logged.
pub(super) fn read(path: &Path) -> Option<BitImage> {
    dots(path)
        .map_err(|error| tracing::error!(path = %path.display(), "shop.logo cannot be used: {error:#}"))
        .ok()
}

pub(super) fn dots(path: &Path) -> anyhow::Result<BitImage> {
    let mut decoder = png::Decoder::new(BufReader::new(File::open(path).context("cannot be opened")?));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().context("not a PNG")?;
    let (width, height) = (reader.info().width, reader.info().height);
    anyhow::ensure!(
        width <= WIDTH_MAX && height <= HEIGHT_MAX,
        "{width} x {height} pixels, more than {WIDTH_MAX} x {HEIGHT_MAX}"
    );
    let mut pixels = vec![0; reader.output_buffer_size().context("too large")?];
    let frame = reader.next_frame(&mut pixels).context("the PNG is damaged")?;
    let samples = frame.color_type.samples();
    let grey: Vec<u8> = pixels[..frame.buffer_size()].chunks_exact(samples).map(grey).collect();
    let mark = BitImage::from_grey(usize::try_from(width)?, usize::try_from(height)?, &grey);
    Ok(with_gap(mark.without_white_below(1)))
}

fn with_gap(mark: BitImage) -> BitImage {
    let mut image = BitImage::new(mark.width(), mark.height() + GAP_DOTS);
    image.paint(&mark, 0, 0);
    image
}

/// How light a pixel is on white paper (luma of ITU-R BT.601).
fn grey(pixel: &[u8]) -> u8 {
    let (red, green, blue, alpha) = match *pixel {
        [grey] => (grey, grey, grey, u8::MAX),
        [grey, alpha] => (grey, grey, grey, alpha),
        [red, green, blue] => (red, green, blue, u8::MAX),
        [red, green, blue, alpha, ..] => (red, green, blue, alpha),
        [] => return u8::MAX,
    };
    let luma = (299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue)) / 1000;
    let alpha = u32::from(alpha);
    let light = (luma * alpha + 255 * (255 - alpha)) / 255;
    u8::try_from(light).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(
        color: png::ColorType,
        width: u32,
        height: u32,
        pixels: &[u8],
    ) -> (tempfile::TempDir, BitImage) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logo.png");
        let mut encoder = png::Encoder::new(File::create(&path).unwrap(), width, height);
        encoder.set_color(color);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        let image = read(&path).unwrap();
        (dir, image)
    }

    #[test]
    fn dark_is_printed_and_light_or_transparent_is_paper() {
        let pixels = [0, 0, 0, 255, 255, 255, 255, 255, 0, 0, 0, 0];
        let (_dir, image) = written(png::ColorType::Rgba, 3, 1, &pixels);
        assert_eq!((image.width(), image.height()), (3, 1 + GAP_DOTS));
        assert_eq!([image.get(0, 0), image.get(1, 0), image.get(2, 0)], [true, false, false]);
        let (_dir, image) = written(png::ColorType::Grayscale, 2, 1, &[255, 0]);
        assert_eq!([image.get(0, 0), image.get(1, 0)], [false, true]);
    }

    #[test]
    fn below_the_mark_is_the_same_gap_however_much_white_its_picture_ends_with() {
        for white_rows in [0, 1, 40] {
            let mut pixels = vec![0, 0];
            pixels.resize(2 + white_rows, 255);
            let (_dir, image) =
                written(png::ColorType::Grayscale, 1, u32::try_from(pixels.len()).unwrap(), &pixels);
            let rows: Vec<bool> = (0..image.height()).map(|row| image.get(0, row)).collect();
            assert_eq!(rows.len(), 2 + GAP_DOTS);
            assert_eq!(rows.iter().rposition(|black| *black), Some(1));
        }
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logo.png");
        assert!(read(&path).is_none());
        std::fs::write(&path, b"GIF89a").unwrap();
        assert!(read(&path).is_none());
        let mut encoder = png::Encoder::new(File::create(&path).unwrap(), WIDTH_MAX + 1, 1);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&vec![0; 577]).unwrap();
        assert!(read(&path).is_none());
    }
}
