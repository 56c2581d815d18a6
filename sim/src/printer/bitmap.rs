//! A rectangle of black and white dots.

/// One bit per dot, rows padded to bytes, 1 = black (burnt).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    width: usize,
    height: usize,
    stride: usize,
    bits: Vec<u8>,
}

impl Bitmap {
    /// All white.
    pub fn new(width: usize, height: usize) -> Self {
        let stride = width.div_ceil(8);
        Self { width, height, stride, bits: vec![0; stride * height] }
    }

    /// From rows of packed bytes, first dot in the highest bit; missing bytes are white, surplus ones are dropped.
    pub fn from_packed(width: usize, height: usize, packed: &[u8]) -> Self {
        let mut map = Self::new(width, height);
        let count = packed.len().min(map.bits.len());
        map.bits[..count].copy_from_slice(&packed[..count]);
        map.clear_padding();
        map
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn height(&self) -> usize {
        self.height
    }

    /// Packed bytes of one row, first dot in the highest bit.
    pub fn row(&self, y: usize) -> &[u8] {
        &self.bits[y * self.stride..(y + 1) * self.stride]
    }

    /// White outside the rectangle.
    pub fn get(&self, x: usize, y: usize) -> bool {
        x < self.width && y < self.height && self.bits[y * self.stride + x / 8] & mask(x) != 0
    }

    /// Dots outside the rectangle are dropped: a print head has no more of them.
    pub fn set(&mut self, x: usize, y: usize, black: bool) {
        if x < self.width && y < self.height {
            let byte = &mut self.bits[y * self.stride + x / 8];
            if black {
                *byte |= mask(x);
            } else {
                *byte &= !mask(x);
            }
        }
    }

    pub fn fill(&mut self, x: usize, y: usize, width: usize, height: usize) {
        for y in y..(y + height).min(self.height) {
            for x in x..(x + width).min(self.width) {
                self.set(x, y, true);
            }
        }
    }

    /// Burns the black dots of `other` in at (x, y).
    pub fn draw(&mut self, x: usize, y: usize, other: &Self) {
        for row in 0..other.height {
            for column in 0..other.width {
                if other.get(column, row) {
                    self.set(x + column, y + row, true);
                }
            }
        }
    }

    /// Every dot becomes a block of `x` by `y` dots.
    pub fn scaled(&self, x: usize, y: usize) -> Self {
        let mut map = Self::new(self.width * x, self.height * y);
        for row in 0..self.height {
            for column in 0..self.width {
                if self.get(column, row) {
                    map.fill(column * x, row * y, x, y);
                }
            }
        }
        map
    }

    /// The same dots seen from the other end of the paper.
    pub fn upside_down(&self) -> Self {
        let mut map = Self::new(self.width, self.height);
        for y in 0..self.height {
            for x in 0..self.width {
                map.set(self.width - 1 - x, self.height - 1 - y, self.get(x, y));
            }
        }
        map
    }

    /// Adds white rows at the end.
    pub fn grow(&mut self, rows: usize) {
        self.height += rows;
        self.bits.resize(self.stride * self.height, 0);
    }

    /// Keeps the first `rows` rows and returns the others.
    pub fn split_off(&mut self, rows: usize) -> Self {
        let rows = rows.min(self.height);
        let bits = self.bits.split_off(rows * self.stride);
        let rest = Self { width: self.width, height: self.height - rows, stride: self.stride, bits };
        self.height = rows;
        rest
    }

    fn clear_padding(&mut self) {
        let used = self.width % 8;
        if used != 0 {
            for y in 0..self.height {
                self.bits[(y + 1) * self.stride - 1] &= 0xFF << (8 - used);
            }
        }
    }
}

fn mask(x: usize) -> u8 {
    0x80 >> (x % 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_rows_keep_their_dots_and_lose_their_padding() {
        let map = Bitmap::from_packed(10, 2, &[0xFF, 0xFF, 0x80, 0x7F]);
        assert_eq!(map.row(0), [0xFF, 0xC0]);
        assert!(map.get(0, 1) && !map.get(1, 1) && map.get(9, 1) && !map.get(10, 1));
    }

    #[test]
    fn scaling_and_turning_move_every_dot() {
        let map = Bitmap::from_packed(2, 1, &[0x80]).scaled(2, 3);
        assert_eq!((map.width(), map.height()), (4, 3));
        assert_eq!(map.row(2), [0xC0]);
        assert_eq!(map.upside_down().row(0), [0x30]);
    }
}
