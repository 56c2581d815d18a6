//! QR and bar codes: what may be sent to the printer, and QR codes as dots where the printer cannot draw them.

use qrcode::bits::Bits;
use qrcode::types::QrError;
use qrcode::{Color, EcLevel, QrResult, Version};

use crate::printer::document::{BarCode, BarCodeKind, QrCode, QrCorrection};
use crate::printer::raster::BitImage;

/// White modules a QR code needs on each side.
pub(super) const QUIET_MODULES: usize = 4;
/// Smallest module a telephone still reads from thermal paper, in dots.
const MODULE_DOTS_MIN: usize = 2;
/// Most characters of a bar code that could fit on any paper.
const BAR_CODE_CHARS_MAX: usize = 64;
/// Bar widths in dots that every model has, widest first.
const BAR_WIDTHS: [u8; 2] = [3, 2];
/// White dots a bar code needs on each side, in widths of its narrowest bar.
const BAR_QUIET: usize = 10;

/// A QR code ready to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QrSymbol {
    /// The dots of one module each, without quiet zone.
    pub(super) modules: BitImage,
    /// Dots a module measures, so that code and quiet zone fit the paper.
    pub(super) module_dots: usize,
}

/// Why a code cannot be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SymbolError {
    /// More data than the symbology or the paper holds.
    #[error("too much data for this paper")]
    TooLarge,
    /// Characters the symbology does not have, or a wrong number of them.
    #[error("characters or length the symbology does not have")]
    BadData,
    /// The last digit does not check.
    #[error("wrong check digit")]
    CheckDigit,
}

/// Lays a QR code out for paper `dots_wide` wide.
pub(super) fn qr(code: &QrCode, dots_wide: usize) -> Result<QrSymbol, SymbolError> {
    let level = match code.correction {
        QrCorrection::Low => EcLevel::L,
        QrCorrection::Medium => EcLevel::M,
        QrCorrection::Quartile => EcLevel::Q,
        QrCorrection::High => EcLevel::H,
    };
    let symbol = encode(&code.data, level).map_err(|_| SymbolError::TooLarge)?;
    let width = symbol.width();
    let module_dots =
        usize::from(code.module_dots).max(MODULE_DOTS_MIN).min(dots_wide / (width + 2 * QUIET_MODULES));
    if module_dots < MODULE_DOTS_MIN {
        return Err(SymbolError::TooLarge);
    }
    let mut modules = BitImage::new(width, width);
    for (at, color) in symbol.to_colors().into_iter().enumerate() {
        modules.set(at % width, at / width, color == Color::Dark);
    }
    Ok(QrSymbol { modules, module_dots })
}

/// What announces UTF-8 inside a QR code (extended channel interpretation 26): without it a reader may take the bytes
/// for any old code page.
const ECI_UTF8: u32 = 26;

/// Plain letters as short as can be; anything else as announced UTF-8 in whole bytes, since the encoder would take
/// bytes that look like Shift JIS, as those of "€" do, for kanji.
fn encode(data: &[u8], level: EcLevel) -> QrResult<qrcode::QrCode> {
    if data.is_ascii() {
        return qrcode::QrCode::with_error_correction_level(data, level);
    }
    let version = |version: i16| {
        let mut bits = Bits::new(Version::Normal(version));
        bits.push_eci_designator(ECI_UTF8)?;
        bits.push_byte_data(data)?;
        bits.push_terminator(level)?;
        qrcode::QrCode::with_bits(bits, level)
    };
    (1..=40).map(version).find(Result::is_ok).unwrap_or(Err(QrError::DataTooLong))
}

/// The data of a bar code as `GS k` wants it, and the widest bar that fits the paper.
pub(super) fn bar_code(code: &BarCode, dots_wide: usize) -> Result<(Vec<u8>, u8), SymbolError> {
    let data = code.data.as_bytes();
    if data.is_empty() || data.len() > BAR_CODE_CHARS_MAX {
        return Err(SymbolError::BadData);
    }
    let (bytes, modules) = match code.kind {
        BarCodeKind::UpcA => (checked(data, 12)?, 95),
        BarCodeKind::Ean13 => (checked(data, 13)?, 95),
        BarCodeKind::Ean8 => (checked(data, 8)?, 67),
        BarCodeKind::Code39 => (code39(data)?, 16 * (data.len() + 2)),
        BarCodeKind::Itf => (itf(data)?, 9 * data.len() + 9),
        BarCodeKind::Code128 => (code128(data)?, 11 * (data.len() + 3) + 2),
    };
    let fits = |width: &&u8| usize::from(**width) * (modules + 2 * BAR_QUIET) <= dots_wide;
    let width = BAR_WIDTHS.iter().find(fits).ok_or(SymbolError::TooLarge)?;
    Ok((bytes, *width))
}

/// `length` digits, the last of which checks; it is added when missing.
fn checked(data: &[u8], length: usize) -> Result<Vec<u8>, SymbolError> {
    if !data.iter().all(u8::is_ascii_digit) || !(length - 1..=length).contains(&data.len()) {
        return Err(SymbolError::BadData);
    }
    let mut digits = data[..length - 1].to_vec();
    let sum: u32 =
        digits.iter().rev().zip([3, 1].into_iter().cycle()).map(|(d, w)| u32::from(d - b'0') * w).sum();
    let check = b'0' + u8::try_from((10 - sum % 10) % 10).expect("a remainder of ten fits a byte");
    digits.push(check);
    if data.len() == length && data[length - 1] != check {
        return Err(SymbolError::CheckDigit);
    }
    Ok(digits)
}

fn code39(data: &[u8]) -> Result<Vec<u8>, SymbolError> {
    let known = |b: &u8| b.is_ascii_digit() || b.is_ascii_uppercase() || b" $%+-./".contains(b);
    data.iter().all(known).then(|| data.to_vec()).ok_or(SymbolError::BadData)
}

fn itf(data: &[u8]) -> Result<Vec<u8>, SymbolError> {
    let pairs = data.iter().all(u8::is_ascii_digit) && data.len().is_multiple_of(2);
    pairs.then(|| data.to_vec()).ok_or(SymbolError::BadData)
}

/// Code set B throughout: set C would be shorter, but its bytes can spell a real-time command.
fn code128(data: &[u8]) -> Result<Vec<u8>, SymbolError> {
    if !data.iter().all(|b| (0x20..=0x7E).contains(b)) {
        return Err(SymbolError::BadData);
    }
    let mut bytes = b"{B".to_vec();
    for byte in data {
        bytes.push(*byte);
        if *byte == b'{' {
            bytes.push(b'{');
        }
    }
    Ok(bytes)
}
