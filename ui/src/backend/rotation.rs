//! How a panel hangs.

use super::region::Rect;

/// How far the picture has to be turned for somebody who stands before the panel, clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rotation {
    /// Not at all.
    #[default]
    None,
    /// A quarter.
    Right,
    /// Upside down.
    Half,
    /// Three quarters.
    Left,
}

impl Rotation {
    /// The rotation by so many degrees, clockwise: 0, 90, 180 or 270.
    #[must_use]
    pub const fn from_degrees(degrees: u16) -> Option<Self> {
        match degrees {
            0 => Some(Self::None),
            90 => Some(Self::Right),
            180 => Some(Self::Half),
            270 => Some(Self::Left),
            _ => None,
        }
    }

    /// Width and height of a picture after it was turned.
    pub(crate) fn size(self, (width, height): (u16, u16)) -> (u16, u16) {
        match self {
            Self::None | Self::Half => (width, height),
            Self::Right | Self::Left => (height, width),
        }
    }

    /// Where a part of a picture of this size is after it was turned.
    pub(crate) fn rect(self, part: Rect, (width, height): (u16, u16)) -> Rect {
        let Rect { x, y, w, h } = part;
        match self {
            Self::None => part,
            Self::Right => Rect { x: height - y - h, y: x, w: h, h: w },
            Self::Half => Rect { x: width - x - w, y: height - y - h, w, h },
            Self::Left => Rect { x: y, y: width - x - w, w: h, h: w },
        }
    }

    /// Where in the picture something is that was seen at this place of the panel; both as shares of width and height.
    pub(crate) fn undo(self, (x, y): (f32, f32)) -> (f32, f32) {
        match self {
            Self::None => (x, y),
            Self::Right => (y, 1.0 - x),
            Self::Half => (1.0 - x, 1.0 - y),
            Self::Left => (1.0 - y, x),
        }
    }
}
