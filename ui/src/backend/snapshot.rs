//! A copy of the screen at one moment, for screenshots.

use super::panel::Panel;
use super::pixel::{Xrgb8888, extend_rgba};

/// The whole picture as RGBA bytes, row by row, without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// `width_px * height_px * 4` bytes: red, green, blue, 255.
    pub rgba: Vec<u8>,
}

/// Why a screenshot failed.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The screen did not answer in time: its thread is busy or gone.
    #[error("the screen did not hand out its picture within {0:?}")]
    Timeout(std::time::Duration),
    /// The screen was shut down while the picture was awaited.
    #[error("the screen was shut down")]
    Closed,
    /// More screenshots are wanted at once than anyone can look at.
    #[error("too many screenshots are already waiting")]
    Busy,
    /// The PNG encoder refused the picture.
    #[error("the picture cannot be written as PNG")]
    Png(#[from] png::EncodingError),
}

impl Snapshot {
    /// Copies a picture out of a buffer in the renderer's own pixels.
    pub(crate) fn of_pixels(panel: &Panel, pixels: &[Xrgb8888]) -> Self {
        let (width, height) = panel.size_px();
        let mut rgba = Vec::with_capacity(pixels.len() * 4);
        extend_rgba(&mut rgba, pixels);
        Self { width_px: width.into(), height_px: height.into(), rgba }
    }

    /// The picture as a PNG file (RGB, since every pixel is opaque). Takes some 50 ms for a full panel: do it off
    /// the screen's thread.
    ///
    /// # Errors
    /// When the encoder refuses the picture.
    pub fn to_png(&self) -> Result<Vec<u8>, SnapshotError> {
        let rgb: Vec<u8> = self
            .rgba
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|[red, green, blue, _]| [*red, *green, *blue])
            .collect();
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width_px, self.height_px);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&rgb)?;
        writer.finish()?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_reads_back_as_the_same_picture() {
        let panel = Panel::new(31, 17, 0.3).unwrap();
        let pixels: Vec<_> =
            (0..31 * 17).map(|n: u32| Xrgb8888(0xFF00_0000 | n.wrapping_mul(0x9E37_79B9) >> 8)).collect();
        let snapshot = Snapshot::of_pixels(&panel, &pixels);

        let png = snapshot.to_png().unwrap();

        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rgb).unwrap();
        assert_eq!((info.width, info.height), (31, 17));
        let rgba: Vec<u8> = rgb.as_chunks::<3>().0.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect();
        assert_eq!(rgba, snapshot.rgba);
    }
}
