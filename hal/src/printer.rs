//! Receipt printers that speak ESC/POS.

pub(crate) mod codec;
mod codepage;
mod document;
mod profile;
mod raster;
mod shaper;

pub use codec::{EncodeError, EncodedDocument, PrintWarning, SymbolError, encode};
pub use codepage::{CodePage, NumberedPage};
pub use document::{
    Align, BarCode, BarCodeKind, Block, Cut, DOCUMENT_BLOCKS_MAX, DrawerPin, Font, LINE_CHARS_MAX, Line,
    PrintDocument, QrCode, QrCorrection, ReadableText, Rule, Size, Span, Style,
};
pub use profile::{BAND_ROWS_MAX, Cutter, PinLevel, Profile, QrPrinting, RasterCommand, StatusDialect};
pub use raster::{BitImage, IMAGE_HEIGHT_MAX, IMAGE_WIDTH_MAX};
pub use shaper::{ShaperError, TextShaper};
