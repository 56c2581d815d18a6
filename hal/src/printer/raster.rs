//! One-bit pictures and their way to paper.

/// Widest picture accepted, in dots; the widest receipt head has 832.
pub const IMAGE_WIDTH_MAX: usize = 1_024;
/// Tallest picture accepted, in dots: a metre of paper at 8 dots/mm. Longer is a mistake, not a receipt.
pub const IMAGE_HEIGHT_MAX: usize = 8_192;

/// A picture of black and white dots.
#[derive(Clone, PartialEq, Eq)]
pub struct BitImage {
    width: usize,
    height: usize,
    /// Rows of whole bytes, the leftmost dot in the highest bit; unused bits of a row are 0.
    bits: Vec<u8>,
}

impl BitImage {
    /// A white picture. Width and height are cut to the limits above.
    #[must_use]
    pub fn new(width: usize, height: usize) -> Self {
        let (width, height) = (width.min(IMAGE_WIDTH_MAX), height.min(IMAGE_HEIGHT_MAX));
        Self { width, height, bits: vec![0; width.div_ceil(8) * height] }
    }

    /// Turns grey pixels (0 black, 255 white, row after row) into dots by error diffusion, so that photographs
    /// and logos keep their shades. Missing pixels count as white.
    #[must_use]
    pub fn from_grey(width: usize, height: usize, pixels: &[u8]) -> Self {
        let mut image = Self::new(width, height);
        let (mut below, mut here) = (vec![0_i32; image.width + 2], vec![0_i32; image.width + 2]);
        for y in 0..image.height {
            std::mem::swap(&mut here, &mut below);
            below.fill(0);
            for x in 0..image.width {
                let wanted = i32::from(pixels.get(y * width + x).copied().unwrap_or(255)) + here[x + 1] / 16;
                let black = wanted < 128;
                image.set(x, y, black);
                let error = if black { wanted } else { wanted - 255 };
                here[x + 2] += error * 7;
                below[x] += error * 3;
                below[x + 1] += error * 5;
                below[x + 2] += error;
            }
        }
        image
    }

    /// Dots in a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Whether a dot is black; dots outside are white.
    #[must_use]
    pub fn get(&self, x: usize, y: usize) -> bool {
        x < self.width && y < self.height && self.bits[y * self.stride() + x / 8] & (0x80 >> (x % 8)) != 0
    }

    /// Colours a dot; outside the picture nothing happens.
    pub fn set(&mut self, x: usize, y: usize, black: bool) {
        if x < self.width && y < self.height {
            let at = y * self.stride() + x / 8;
            let mask = 0x80 >> (x % 8);
            if black {
                self.bits[at] |= mask;
            } else {
                self.bits[at] &= !mask;
            }
        }
    }

    /// Paints the black dots of `other` with its corner at (`x`, `y`); what lies outside is lost.
    pub fn paint(&mut self, other: &Self, x: usize, y: usize) {
        for row in 0..other.height {
            for column in 0..other.width {
                if other.get(column, row) {
                    self.set(x + column, y + row, true);
                }
            }
        }
    }

    /// The picture without the white rows at its end, but at least `height_min` high.
    #[must_use]
    pub fn without_white_below(mut self, height_min: usize) -> Self {
        let stride = self.stride();
        while self.height > height_min
            && self.bits[(self.height - 1) * stride..self.height * stride].iter().all(|byte| *byte == 0)
        {
            self.height -= 1;
            self.bits.truncate(self.height * stride);
        }
        self
    }

    /// Swaps black and white.
    pub fn invert(&mut self) {
        for y in 0..self.height {
            for x in 0..self.width {
                self.set(x, y, !self.get(x, y));
            }
        }
    }

    /// The picture with each dot drawn `times` wide and high.
    #[must_use]
    pub fn enlarged(&self, times_wide: usize, times_high: usize) -> Self {
        let (wide, high) = (times_wide.max(1), times_high.max(1));
        let mut larger = Self::new(self.width * wide, self.height * high);
        for y in 0..larger.height {
            for x in 0..larger.width {
                if self.get(x / wide, y / high) {
                    larger.set(x, y, true);
                }
            }
        }
        larger
    }

    /// Bytes in a row.
    pub(crate) fn stride(&self) -> usize {
        self.width.div_ceil(8)
    }

    /// The rows as bytes, each row cut to the bytes that hold a black dot anywhere in the picture (at least one).
    pub(crate) fn trimmed_rows(&self) -> (usize, Vec<u8>) {
        let stride = self.stride();
        let used = (0..stride)
            .rev()
            .find(|column| (0..self.height).any(|y| self.bits[y * stride + column] != 0))
            .map_or(1, |column| column + 1)
            .min(stride);
        if used == 0 {
            return (0, Vec::new());
        }
        (used, self.bits.chunks_exact(stride).flat_map(|row| row[..used].iter().copied()).collect())
    }
}

impl std::fmt::Debug for BitImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BitImage({}×{})", self.width, self.height)
    }
}

/// First byte of a real-time command, which some printers obey even in the middle of picture data.
const DLE: u8 = 0x10;
/// Second bytes that make it one: status, recovery, pulse or clear.
const REAL_TIME: [u8; 3] = [0x04, 0x05, 0x14];

/// Whether `bytes` hold something a printer may take for a real-time command.
pub(crate) fn holds_real_time_pair(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair[0] == DLE && REAL_TIME.contains(&pair[1]))
}

/// Darkens one dot, next to a dark one, in each byte pair that could pass for a real-time command.
///
/// Bit 2 is dark in all three second bytes, so darkening bit 1 thickens a line by one dot, which nobody sees; a
/// status answer or a cleared buffer in the middle of a receipt everybody would.
pub(crate) fn defuse_real_time_pairs(rows: &mut [u8]) {
    for at in 1..rows.len() {
        if rows[at - 1] == DLE && REAL_TIME.contains(&rows[at]) {
            rows[at] |= 0x02;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dots_are_packed_from_the_left_with_the_highest_bit_first() {
        let mut image = BitImage::new(10, 2);
        image.set(0, 0, true);
        image.set(9, 1, true);
        image.set(10, 1, true);
        assert_eq!(image.trimmed_rows(), (2, vec![0x80, 0x00, 0x00, 0x40]));
        assert!(image.get(9, 1) && !image.get(8, 1) && !image.get(10, 1));
    }

    #[test]
    fn white_margins_on_the_right_are_not_sent() {
        let mut image = BitImage::new(576, 3);
        image.set(7, 2, true);
        assert_eq!(image.trimmed_rows(), (1, vec![0, 0, 1]));
        assert_eq!(BitImage::new(0, 0).trimmed_rows(), (0, vec![]));
    }

    #[test]
    fn grey_becomes_as_many_dots_as_it_is_dark() {
        let image = BitImage::from_grey(64, 64, &[191; 64 * 64]);
        let black = (0..64 * 64).filter(|i| image.get(i % 64, i / 64)).count();
        assert!((900..1150).contains(&black), "a quarter of 4096 dots, got {black}");
    }

    proptest! {
        #[test]
        fn raster_never_holds_a_real_time_command(mut rows in proptest::collection::vec(
            prop_oneof![Just(0x10_u8), Just(4), Just(5), Just(0x14), any::<u8>()], 0..300)) {
            let before = rows.clone();
            defuse_real_time_pairs(&mut rows);
            prop_assert!(!holds_real_time_pair(&rows));
            let changed = before.iter().zip(&rows).filter(|(a, b)| a != b);
            for (a, b) in changed {
                prop_assert_eq!((a ^ b).count_ones(), 1, "one dot each");
            }
        }
    }
}
