//! Copies parts of the picture to a buffer of the display, turned as the panel hangs. The display's memory is written in
//! order and never read: on most boards reading it is a hundred times slower.

use super::super::pixel::Xrgb8888;
use super::super::region::{Rect, Region};
use super::super::rotation::Rotation;

/// Side of the squares in which a turned picture is copied, in pixels: a row of it is two lines of the cache.
const TILE: usize = 32;

/// Bytes of a pixel.
const PIXEL: usize = 4;

/// The picture that pages are drawn into.
pub(super) struct Picture<'a> {
    pub pixels: &'a [Xrgb8888],
    /// Width and height in pixels.
    pub size: (u16, u16),
    pub rotation: Rotation,
}

/// A buffer of the display.
pub(super) struct Target<'a> {
    pub bytes: &'a mut [u8],
    /// Bytes from one line to the next.
    pub pitch: usize,
    /// Width and height in pixels.
    pub size: (u16, u16),
}

/// Copies these parts of the picture. A display that is larger shows it in its middle, a smaller one cuts it off.
pub(super) fn copy(picture: &Picture<'_>, parts: &Region, target: &mut Target<'_>) {
    let turned = picture.rotation.size(picture.size);
    let middle = |there: u16, here: u16| (i32::from(there) - i32::from(here)) / 2;
    let left = middle(target.size.0, turned.0);
    let top = middle(target.size.1, turned.1);
    for part in parts.rects() {
        let part = picture.rotation.rect(*part, picture.size);
        let (x, y) = (i32::from(part.x) + left, i32::from(part.y) + top);
        if let Some(seen) = Rect::clipped(x, y, part.w.into(), part.h.into(), target.size) {
            copy_part(picture, seen, (left, top), target);
        }
    }
}

/// Copies what is seen in this part of the display; the picture's corner is at `corner` of it.
fn copy_part(picture: &Picture<'_>, seen: Rect, (left, top): (i32, i32), target: &mut Target<'_>) {
    let in_picture = |at: usize, corner: i32| {
        let at = i64::try_from(at).unwrap_or(i64::MAX) - i64::from(corner);
        usize::try_from(at).unwrap_or_default()
    };
    let (width, height) = (usize::from(picture.size.0), usize::from(picture.size.1));
    let (x_end, y_end) = (usize::from(seen.x + seen.w), usize::from(seen.y + seen.h));
    // Straight lines need no squares.
    let tile = if picture.rotation == Rotation::None { usize::MAX } else { TILE };
    for tile_y in (usize::from(seen.y)..y_end).step_by(tile) {
        for tile_x in (usize::from(seen.x)..x_end).step_by(tile) {
            let right = x_end.min(tile_x.saturating_add(tile));
            for y in tile_y..y_end.min(tile_y.saturating_add(tile)) {
                let line = &mut target.bytes[y * target.pitch..];
                let out = line[tile_x * PIXEL..right * PIXEL].as_chunks_mut::<PIXEL>().0;
                let (x0, y) = (in_picture(tile_x, left), in_picture(y, top));
                let n = out.len();
                match picture.rotation {
                    Rotation::None => fill(out, picture.pixels[y * width + x0..][..n].iter()),
                    Rotation::Left => {
                        let from = x0 * width + (width - 1 - y);
                        fill(out, picture.pixels[from..].iter().step_by(width));
                    }
                    Rotation::Half => {
                        let last = (height - 1 - y) * width + (width - 1 - x0);
                        fill(out, picture.pixels[..=last].iter().rev());
                    }
                    Rotation::Right => {
                        let last = (height - 1 - x0) * width + y;
                        fill(out, picture.pixels[..=last].iter().rev().step_by(width));
                    }
                }
            }
        }
    }
}

fn fill<'a>(out: &mut [[u8; PIXEL]], pixels: impl Iterator<Item = &'a Xrgb8888>) {
    for (out, pixel) in out.iter_mut().zip(pixels) {
        *out = pixel.0.to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3 × 2 pixels, numbered line by line.
    fn shown(rotation: Rotation, size: (u16, u16), pitch: usize, parts: &[Rect]) -> Vec<Vec<u32>> {
        let pixels: Vec<Xrgb8888> = (1..=6).map(Xrgb8888).collect();
        let picture = Picture { pixels: &pixels, size: (3, 2), rotation };
        let mut bytes = vec![0; pitch * usize::from(size.1)];
        let parts = parts.iter().copied().collect();
        copy(&picture, &parts, &mut Target { bytes: &mut bytes, pitch, size });
        let line = |line: &[u8]| -> Vec<u32> {
            let pixels = line.as_chunks::<4>().0.iter().copied();
            pixels.map(u32::from_le_bytes).take(size.0.into()).collect()
        };
        bytes.chunks(pitch).map(line).collect()
    }

    const WHOLE: Rect = Rect { x: 0, y: 0, w: 3, h: 2 };

    #[test]
    fn a_picture_is_turned_as_the_panel_hangs() {
        assert_eq!(shown(Rotation::None, (3, 2), 12, &[WHOLE]), [[1, 2, 3], [4, 5, 6]]);
        assert_eq!(shown(Rotation::Right, (2, 3), 8, &[WHOLE]), [[4, 1], [5, 2], [6, 3]]);
        assert_eq!(shown(Rotation::Half, (3, 2), 12, &[WHOLE]), [[6, 5, 4], [3, 2, 1]]);
        assert_eq!(shown(Rotation::Left, (2, 3), 8, &[WHOLE]), [[3, 6], [2, 5], [1, 4]]);
    }

    #[test]
    fn only_the_part_that_changed_is_written_with_the_displays_own_pitch() {
        let part = Rect { x: 1, y: 0, w: 2, h: 1 };
        assert_eq!(shown(Rotation::None, (3, 2), 64, &[part]), [[0, 2, 3], [0, 0, 0]]);
        assert_eq!(shown(Rotation::Right, (2, 3), 64, &[part]), [[0, 0], [0, 2], [0, 3]]);
    }

    #[test]
    fn a_larger_display_shows_it_in_its_middle_and_a_smaller_one_its_middle() {
        let larger = shown(Rotation::None, (5, 4), 20, &[WHOLE]);
        assert_eq!(larger, [[0; 5], [0, 1, 2, 3, 0], [0, 4, 5, 6, 0], [0; 5]]);
        assert_eq!(shown(Rotation::None, (1, 2), 4, &[WHOLE]), [[2], [5]]);
        assert_eq!(shown(Rotation::Half, (1, 2), 4, &[WHOLE]), [[5], [2]]);
    }

    #[test]
    fn squares_leave_nothing_out() {
        let size = (70_u16, 45_u16);
        let pixels: Vec<Xrgb8888> = (1..=70 * 45).map(Xrgb8888).collect();
        let whole = std::iter::once(Rect { x: 0, y: 0, w: 70, h: 45 }).collect();
        for rotation in [Rotation::Left, Rotation::Half, Rotation::Right] {
            let turned = rotation.size(size);
            let pitch = usize::from(turned.0) * 4;
            let mut bytes = vec![0; pitch * usize::from(turned.1)];
            let picture = Picture { pixels: &pixels, size, rotation };
            copy(&picture, &whole, &mut Target { bytes: &mut bytes, pitch, size: turned });
            let mut found: Vec<u32> =
                bytes.as_chunks::<4>().0.iter().copied().map(u32::from_le_bytes).collect();
            found.sort_unstable();
            assert!(found.into_iter().eq(1..=70 * 45), "{rotation:?}");
        }
    }
}
