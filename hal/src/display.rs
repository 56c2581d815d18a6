//! Customer displays of two lines.
//!
//! A display answers nothing, so it heals by repetition: [`CustomerDisplay`] always paints the whole screen, on every
//! change and every [`REPAINT_EVERY`].

mod codec;
mod driver;

use std::future::Future;
use std::time::Duration;

use crate::link::LinkError;
use crate::printer::NumberedPage;

pub use driver::CustomerDisplay;

/// Characters in a line.
pub const COLUMNS: usize = 20;
/// A display that lost its power or a byte shows nonsense for at most this long.
pub const REPAINT_EVERY: Duration = Duration::from_secs(30);

/// A display that shows two short lines to the customer.
pub trait LineDisplay: Send {
    /// Shows `screen`, whole.
    ///
    /// Not cancel-safe by itself: a dropped call may leave a torn screen until the next repaint.
    ///
    /// # Errors
    /// The display's link failed; drop the driver.
    fn show(&mut self, screen: &Screen) -> impl Future<Output = Result<(), DisplayError>> + Send;

    /// Sets how bright it is.
    ///
    /// # Errors
    /// The display's link failed; drop the driver.
    fn set_brightness(&mut self, level: Brightness) -> impl Future<Output = Result<(), DisplayError>> + Send;

    /// Repaints for ever; returns when the link has failed. Meant to be raced against the next change: dropping it
    /// costs at most a torn screen, which the next change repairs.
    fn keep(&mut self) -> impl Future<Output = DisplayError> + Send;
}

/// Two lines of text.
///
/// A character the display does not have is replaced by the nearest ASCII; what is too long is cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// First line.
    pub upper: DisplayLine,
    /// Second line.
    pub lower: DisplayLine,
}

/// One line of a display.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DisplayLine {
    /// At the left edge; cut where it would reach `right`.
    pub left: String,
    /// At the right edge.
    pub right: String,
}

/// How bright a display is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "four steps without further meaning")]
pub enum Brightness {
    Quarter,
    Half,
    ThreeQuarters,
    #[default]
    Full,
}

/// How one display model wants to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayProfile {
    /// Its command set.
    pub dialect: DisplayDialect,
    /// Bytes that bring it into that command set, sent first. Aures displays need `02 05 43 31 03` for Epson's.
    pub preamble: Vec<u8>,
    /// A code page the display has beyond ASCII, under its `ESC t` number; Epson command set only.
    pub page: Option<NumberedPage>,
}

/// Command sets of line displays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisplayDialect {
    /// CD5220, the most common of the emulations.
    Cd5220,
    /// Epson DM-D.
    Epson,
}

/// Why a display cannot be used any more.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// The link failed.
    #[error("line display link failed")]
    Link(#[from] LinkError),
}

impl Screen {
    /// Two lines of text, each at its left edge.
    #[must_use]
    pub fn new(upper: impl Into<String>, lower: impl Into<String>) -> Self {
        Self {
            upper: DisplayLine { left: upper.into(), right: String::new() },
            lower: DisplayLine { left: lower.into(), right: String::new() },
        }
    }
}

impl DisplayLine {
    /// Text at both edges, such as an article and its price.
    #[must_use]
    pub fn columns(left: impl Into<String>, right: impl Into<String>) -> Self {
        Self { left: left.into(), right: right.into() }
    }
}

impl DisplayProfile {
    /// A CD5220 display.
    #[must_use]
    pub fn cd5220() -> Self {
        Self { dialect: DisplayDialect::Cd5220, preamble: Vec::new(), page: None }
    }

    /// An Epson display, or one that speaks like it.
    #[must_use]
    pub fn epson() -> Self {
        Self { dialect: DisplayDialect::Epson, preamble: Vec::new(), page: None }
    }
}
