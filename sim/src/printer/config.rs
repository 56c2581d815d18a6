//! What kind of printer is emulated.

use std::str::FromStr;
use std::time::Duration;

/// The settings of one emulated printer.
#[derive(Debug, Clone)]
pub struct Config {
    /// Width of the head.
    pub width: PaperWidth,
    /// The answer to `GS I 67`.
    pub model: String,
    /// Receive buffer; entry-level printers have 4 kB.
    pub buffer_bytes: usize,
    /// How fast paper comes out.
    pub pace: Pace,
    /// Bytes per second on the wire, `None` = as fast as the port. A pseudo terminal has no baud rate of its own.
    pub wire_bytes_per_second: Option<u32>,
    /// Whether a full buffer is announced by XOFF.
    pub xon_xoff: bool,
    /// Paper between head and cutter: what a cut without feeding leaves for the next receipt.
    pub cutter_distance: usize,
    /// Seed of the `garbage` fault.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            width: PaperWidth::Dots576,
            model: "TM-T20III".to_owned(),
            buffer_bytes: 4096,
            pace: Pace::Instant,
            wire_bytes_per_second: None,
            xon_xoff: false,
            // 12 mm at 8 dots per millimetre.
            cutter_distance: 96,
            seed: 1,
        }
    }
}

/// How fast paper comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// At once: for tests.
    Instant,
    /// Like a motor.
    Motor {
        /// Dot rows per second; 150 mm/s are 1200.
        rows_per_second: u32,
        /// Time of one cut.
        cut: Duration,
    },
}

impl Pace {
    /// A common counter printer: 200 mm/s.
    pub const REAL: Self = Self::Motor { rows_per_second: 1600, cut: Duration::from_millis(350) };

    pub(super) fn feeding(self, rows: usize) -> Duration {
        match self {
            Self::Instant => Duration::ZERO,
            Self::Motor { rows_per_second, .. } => {
                Duration::from_secs(1) * u32::try_from(rows).unwrap_or(u32::MAX) / rows_per_second.max(1)
            }
        }
    }

    pub(super) fn cutting(self) -> Duration {
        match self {
            Self::Instant => Duration::ZERO,
            Self::Motor { cut, .. } => cut,
        }
    }
}

/// Widths of common heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaperWidth {
    /// 58 mm paper, 32 columns.
    Dots384,
    /// 80 mm paper at 180 dots per inch, 42 columns.
    Dots512,
    /// 80 mm paper at 203 dots per inch, 48 columns.
    Dots576,
    /// 83 mm kiosk mechanisms, 53 columns.
    Dots640,
}

impl PaperWidth {
    /// The number of dots.
    #[must_use]
    pub fn dots(self) -> usize {
        match self {
            Self::Dots384 => 384,
            Self::Dots512 => 512,
            Self::Dots576 => 576,
            Self::Dots640 => 640,
        }
    }
}

impl FromStr for PaperWidth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "384" => Ok(Self::Dots384),
            "512" => Ok(Self::Dots512),
            "576" => Ok(Self::Dots576),
            "640" => Ok(Self::Dots640),
            other => Err(format!("{other} is not 384, 512, 576 or 640")),
        }
    }
}
