//! The panel: how many pixels there are and how large one is.

/// A side longer than this is refused: the renderer counts in `i16` and the largest panel on sale has 7680.
pub const MAX_SIDE_PX: u16 = 8192;
/// A side shorter than this is a mistake in the settings, not a panel.
pub const MIN_SIDE_PX: u16 = 16;
/// Pixel sizes outside of this belong to no panel a person can stand in front of.
const MM_PER_PX: std::ops::RangeInclusive<f32> = 0.02..=2.0;
/// Scale factors outside of this make every page unusable.
const SCALE: std::ops::RangeInclusive<f32> = 0.25..=4.0;

/// Geometry of the customer's screen, as the pages see it (a rotation is already applied).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Panel {
    width_px: u16,
    height_px: u16,
    scale: f32,
    mm_per_px: f32,
}

/// Why a panel geometry was refused.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum PanelError {
    /// A side is out of range.
    #[error("a panel of {width_px}x{height_px} px: each side must have {MIN_SIDE_PX} to {MAX_SIDE_PX} px")]
    Side {
        /// Asked width.
        width_px: u32,
        /// Asked height.
        height_px: u32,
    },
    /// The scale factor is out of range.
    #[error("scale factor {0}: must be between 0.25 and 4")]
    Scale(f32),
    /// The pixel size is out of range.
    #[error("{0} mm per pixel: must be between 0.02 and 2")]
    PixelSize(f32),
}

impl Panel {
    /// A panel of `width_px`×`height_px` physical pixels of `mm_per_px` millimetres, at scale 1.
    ///
    /// # Errors
    /// When a number is out of the range that a real panel can have.
    pub fn new(width_px: u32, height_px: u32, mm_per_px: f32) -> Result<Self, PanelError> {
        let side = |px| u16::try_from(px).ok().filter(|px| (MIN_SIDE_PX..=MAX_SIDE_PX).contains(px));
        let (Some(width), Some(height)) = (side(width_px), side(height_px)) else {
            return Err(PanelError::Side { width_px, height_px });
        };
        if !MM_PER_PX.contains(&mm_per_px) {
            return Err(PanelError::PixelSize(mm_per_px));
        }
        Ok(Self { width_px: width, height_px: height, scale: 1.0, mm_per_px })
    }

    /// The same panel with a scale factor: how many physical pixels one logical pixel has per side.
    ///
    /// # Errors
    /// When the factor is not between 0.25 and 4.
    pub fn with_scale(self, scale: f32) -> Result<Self, PanelError> {
        if !SCALE.contains(&scale) {
            return Err(PanelError::Scale(scale));
        }
        Ok(Self { scale, ..self })
    }

    /// The 27 inch portrait panel that the pages are drawn for: 1080×1920, 0.311 mm per pixel.
    #[must_use]
    pub const fn portrait_27() -> Self {
        Self { width_px: 1080, height_px: 1920, scale: 1.0, mm_per_px: 0.311 }
    }

    /// Width and height in physical pixels.
    #[must_use]
    pub const fn size_px(&self) -> (u16, u16) {
        (self.width_px, self.height_px)
    }

    /// Width and height in logical pixels.
    #[must_use]
    pub fn size_logical(&self) -> (f32, f32) {
        (f32::from(self.width_px) / self.scale, f32::from(self.height_px) / self.scale)
    }

    /// Physical pixels per logical pixel.
    #[must_use]
    pub const fn scale(&self) -> f32 {
        self.scale
    }

    /// Size of a physical pixel.
    #[must_use]
    pub const fn mm_per_px(&self) -> f32 {
        self.mm_per_px
    }

    /// Number of pixels.
    #[must_use]
    pub fn pixel_count(&self) -> usize {
        usize::from(self.width_px) * usize::from(self.height_px)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_panel_has_are_refused() {
        assert!(matches!(Panel::new(0, 1080, 0.3), Err(PanelError::Side { .. })));
        assert!(matches!(Panel::new(70_000, 1080, 0.3), Err(PanelError::Side { .. })));
        assert!(matches!(Panel::new(1920, 1080, f32::NAN), Err(PanelError::PixelSize(_))));
        let panel = Panel::new(1920, 1080, 0.3).unwrap();
        assert_eq!(panel.with_scale(0.0), Err(PanelError::Scale(0.0)));
        assert_eq!(panel.with_scale(2.0).unwrap().size_logical(), (960.0, 540.0));
    }
}
