//! The pixel of the shadow buffer: 32 bits, `0xFFRRGGBB`, the XRGB8888 of display controllers.
//!
//! The unused byte is kept at `0xFF`, so that a plane which can only do ARGB8888 shows the same picture.

use slint::platform::software_renderer::{PremultipliedRgbaColor, TargetPixel};

const OPAQUE: u32 = 0xFF00_0000;
/// Two 16-bit lanes: red and blue.
const RED_BLUE: u32 = 0x00FF_00FF;
const LANE_ONE: u32 = 0x0001_0001;

/// One pixel as the display controller reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Xrgb8888(pub u32);

impl Xrgb8888 {
    /// Opaque black, what an empty screen shows.
    pub const BLACK: Self = Self(OPAQUE);

    /// Red, green, blue and an opaque alpha, in this order.
    #[must_use]
    pub const fn rgba(self) -> [u8; 4] {
        let [_, red, green, blue] = self.0.to_be_bytes();
        [red, green, blue, u8::MAX]
    }
}

/// Appends pixels as RGBA bytes. Written for the compiler's vectoriser: a full panel has two million of them.
pub(crate) fn extend_rgba(bytes: &mut Vec<u8>, pixels: &[Xrgb8888]) {
    let start = bytes.len();
    bytes.resize(start + pixels.len() * 4, 0);
    for (rgba, pixel) in bytes[start..].as_chunks_mut::<4>().0.iter_mut().zip(pixels) {
        *rgba = pixel.rgba();
    }
}

impl TargetPixel for Xrgb8888 {
    /// Source-over with a premultiplied colour. The three channels are multiplied in two registers; the division
    /// by 255 is the exact `(v + 1 + (v >> 8)) >> 8`, which holds for every product of two bytes.
    fn blend(&mut self, color: PremultipliedRgbaColor) {
        let keep = u32::from(u8::MAX - color.alpha);
        let red_blue = (self.0 & RED_BLUE) * keep;
        let red_blue = ((red_blue + LANE_ONE + ((red_blue >> 8) & RED_BLUE)) >> 8) & RED_BLUE;
        let green = ((self.0 >> 8) & 0xFF) * keep;
        let green = (green + 1 + (green >> 8)) >> 8;
        let over = Self::from_rgb(color.red, color.green, color.blue);
        self.0 = OPAQUE | (red_blue | (green << 8)).wrapping_add(over.0 & !OPAQUE);
    }

    fn from_rgb(red: u8, green: u8, blue: u8) -> Self {
        Self(u32::from_be_bytes([u8::MAX, red, green, blue]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blending_gives_the_exact_quotient_for_every_channel_and_alpha() {
        for alpha in 0..=u8::MAX {
            for below in 0..=u8::MAX {
                let mut pixel = Xrgb8888::from_rgb(below, 255 - below, below / 2);
                let over = alpha / 3;
                pixel.blend(PremultipliedRgbaColor { red: over, green: 0, blue: alpha, alpha });
                let want = |channel: u8, add: u8| {
                    u8::try_from(u16::from(channel) * u16::from(255 - alpha) / 255 + u16::from(add)).unwrap()
                };
                assert_eq!(
                    pixel.rgba(),
                    [want(below, over), want(255 - below, 0), want(below / 2, alpha), 255],
                    "alpha {alpha}, below {below}"
                );
            }
        }
    }

    #[test]
    fn a_pixel_reads_back_in_the_order_red_green_blue() {
        assert_eq!(Xrgb8888::from_rgb(1, 2, 3).rgba(), [1, 2, 3, 255]);
        assert_eq!(Xrgb8888::from_rgb(1, 2, 3).0, 0xFF01_0203);
        let mut bytes = vec![9];
        extend_rgba(&mut bytes, &[Xrgb8888::from_rgb(1, 2, 3), Xrgb8888::from_rgb(4, 5, 6)]);
        assert_eq!(bytes, [9, 1, 2, 3, 255, 4, 5, 6, 255]);
    }
}
