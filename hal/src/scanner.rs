//! Bar code scanners.
//!
//! A scanner is either a serial device or a keyboard. Serial ones send bytes; keyboards send key positions, which are
//! decoded by our own map, whatever layout the system has. Both end in a [`Scan`], and [`classify`] says what it means.
//!
//! Codes are personal data (telephone, identity card, loyalty number): [`Scan`] does not print its content, and no
//! code is ever followed, fetched or executed.

mod assembler;
mod code;
mod gs1;
mod gtin;
mod hid;
mod keyboard;
mod serial;

use std::fmt;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use crate::link::LinkError;

pub use assembler::{
    AimIdentifier, CODE_BYTES_MAX, CODE_BYTES_MIN, CODES_PER_SECOND_MAX, FramingRules, ScanCounters,
};
pub use code::{Code, classify};
pub use gs1::{DigitalLink, Element, Gs1Date, Gs1Error, parse_digital_link, parse_elements};
pub use gtin::{Gtin, GtinError, check_digit};
pub use hid::{HidScanner, HidSelector};
pub use keyboard::KeyDecoder;
pub use serial::SerialScanner;

/// Most characters of a code shown on a screen.
const SHOWN_CHARS_MAX: usize = 32;

/// A device that reads codes.
pub trait Scanner: Send {
    /// Waits for the next code. Cancel-safe: a code in progress is kept.
    ///
    /// # Errors
    /// The scanner is gone and must be dropped; a code in progress is lost with it.
    fn next_scan(&mut self) -> impl Future<Output = Result<Scan, ScannerError>> + Send;

    /// What was read and what was thrown away since opening.
    fn counters(&self) -> ScanCounters;
}

/// One code as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Scan {
    /// The data, without AIM identifier, configured prefix and suffix. The only control character is 1D.
    pub bytes: Vec<u8>,
    /// What the scanner said it was, if it says such things.
    pub symbology: Option<Symbology>,
    /// The code was longer than [`CODE_BYTES_MAX`]; the rest is missing.
    pub truncated: bool,
}

/// A symbology by its AIM identifier (ISO/IEC 15424).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbology {
    /// `]E0`: EAN-13, UPC-A or expanded UPC-E.
    Ean13,
    /// `]E4`: EAN-8.
    Ean8,
    /// `]C1`: GS1-128.
    Gs1128,
    /// `]e0`: GS1 DataBar.
    Gs1DataBar,
    /// `]d2`: GS1 DataMatrix.
    Gs1DataMatrix,
    /// `]Q3`: GS1 QR.
    Gs1Qr,
    /// Any other; its data is plain.
    Other {
        /// The letter that names the symbology.
        letter: u8,
        /// The modifier after it.
        modifier: u8,
    },
}

/// Why a scanner cannot be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum ScannerError {
    /// No input device answers the description.
    #[error("no scanner {selector} among the input devices")]
    NotFound {
        /// What was looked for.
        selector: String,
    },
    /// The device exists but cannot be opened.
    #[error("cannot open scanner {}", path.display())]
    Open {
        /// Its node.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Another program holds the keyboard; reading along is never done.
    #[error("scanner {} is held by another program", path.display())]
    Grabbed {
        /// Its node.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The device went away.
    #[error("scanner {} is gone", path.display())]
    Gone {
        /// Its node.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The serial link failed.
    #[error("scanner link failed")]
    Link(#[from] LinkError),
}

/// Identity of a USB device, written `05e0:1200`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsbId {
    /// Vendor.
    pub vendor: u16,
    /// Product.
    pub product: u16,
}

/// A text that is no [`UsbId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no USB identity: write four hexadecimal digits, a colon and four more, such as 05e0:1200")]
pub struct UsbIdError(String);

impl Scan {
    /// The start of the code with everything unprintable escaped, short enough for a screen.
    #[must_use]
    pub fn for_screen(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        text.chars().flat_map(char::escape_debug).take(SHOWN_CHARS_MAX).collect()
    }
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan")
            .field("bytes", &self.bytes.len())
            .field("symbology", &self.symbology)
            .field("truncated", &self.truncated)
            .finish()
    }
}

impl Symbology {
    /// The symbology behind `]` `letter` `modifier`.
    #[must_use]
    pub fn from_aim(letter: u8, modifier: u8) -> Self {
        match (letter, modifier) {
            (b'E', b'0') => Self::Ean13,
            (b'E', b'4') => Self::Ean8,
            (b'C', b'1') => Self::Gs1128,
            (b'e', b'0') => Self::Gs1DataBar,
            (b'd', b'2') => Self::Gs1DataMatrix,
            (b'Q', b'3') => Self::Gs1Qr,
            (letter, modifier) => Self::Other { letter, modifier },
        }
    }
}

impl FromStr for UsbId {
    type Err = UsbIdError;

    fn from_str(text: &str) -> Result<Self, UsbIdError> {
        let hex = |part: &str| {
            let digits = part.len() == 4 && part.bytes().all(|b| b.is_ascii_hexdigit());
            u16::from_str_radix(part, 16).ok().filter(|_| digits)
        };
        let parts = text.split_once(':').and_then(|(v, p)| Some((hex(v)?, hex(p)?)));
        let (vendor, product) = parts.ok_or_else(|| UsbIdError(text.to_owned()))?;
        Ok(Self { vendor, product })
    }
}

impl fmt::Display for UsbId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor, self.product)
    }
}
