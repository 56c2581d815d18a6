//! The ESC/POS commands we send, byte by byte.
//!
//! Only commands that the common models share; what a model lacks is decided by its profile before we get here.

use crate::printer::document::{BarCodeKind, DrawerPin, QrCorrection, ReadableText, Size};

/// Clears the line buffer and brings all modes back to their start.
pub(crate) const RESET: [u8; 2] = [0x1B, 0x40];
/// American character set: the ASCII positions print ASCII.
pub(crate) const INTERNATIONAL_USA: [u8; 3] = [0x1B, 0x52, 0x00];
/// Asks for paper status once everything before it is processed; not executed while offline.
pub(crate) const FENCE: [u8; 3] = [0x1D, 0x72, 0x01];
/// Reports drawer, online, error and paper changes by itself from now on, and once at once.
pub(crate) const AUTO_STATUS_ON: [u8; 3] = [0x1D, 0x61, 0x0F];
/// Prints the line buffer and feeds one line.
pub(crate) const LINE_FEED: u8 = 0x0A;

/// `DLE EOT n`: asks for one status byte at once, even in a fault.
pub(crate) fn real_time_status(n: u8) -> [u8; 3] {
    [0x10, 0x04, n]
}

/// `DLE ENQ 1`: prints on from the line where the error struck.
pub(crate) const RECOVER_RESUME: [u8; 3] = [0x10, 0x05, 0x01];
/// `DLE ENQ 2`: recovers after clearing the buffers; unanswered process ids are lost with them.
pub(crate) const RECOVER_CLEAR: [u8; 3] = [0x10, 0x05, 0x02];

/// `GS I n`: asks for an information block.
pub(crate) fn identity(n: u8) -> [u8; 3] {
    [0x1D, 0x49, n]
}

/// `GS ( H` function 48: asks for an answer carrying `id` once everything before it is printed.
pub(crate) fn process_id(id: [u8; 4]) -> [u8; 11] {
    let [d1, d2, d3, d4] = id;
    [0x1D, 0x28, 0x48, 0x06, 0x00, 0x30, 0x30, d1, d2, d3, d4]
}

pub(crate) fn code_page(number: u8) -> [u8; 3] {
    [0x1B, 0x74, number]
}

pub(crate) fn align(edge: u8) -> [u8; 3] {
    [0x1B, 0x61, edge]
}

pub(crate) fn bold(on: bool) -> [u8; 3] {
    [0x1B, 0x45, u8::from(on)]
}

pub(crate) fn underline(on: bool) -> [u8; 3] {
    [0x1B, 0x2D, u8::from(on)]
}

pub(crate) fn inverse(on: bool) -> [u8; 3] {
    [0x1D, 0x42, u8::from(on)]
}

pub(crate) fn size(size: Size) -> [u8; 3] {
    [0x1D, 0x21, (size.wide() - 1) * 16 + size.high() - 1]
}

pub(crate) fn font(number: u8) -> [u8; 3] {
    [0x1B, 0x4D, number]
}

/// Feeds `dots`, in as many commands as that takes.
pub(crate) fn feed(dots: u32) -> impl Iterator<Item = u8> {
    let whole = usize::try_from(dots / 255).unwrap_or(usize::MAX);
    let last = u8::try_from(dots % 255).ok().filter(|rest| *rest > 0);
    std::iter::repeat_n(255, whole).chain(last).flat_map(|dots| [0x1B, 0x4A, dots])
}

/// Feeds to the knife and cuts, leaving one point.
pub(crate) const CUT_PARTIAL: [u8; 4] = [0x1D, 0x56, 0x42, 0x00];
/// Cuts through, where the paper stands.
pub(crate) const CUT_FULL: [u8; 3] = [0x1D, 0x56, 0x00];

/// On-time of a drawer pulse in units of 2 ms: 100 ms. Solenoids burn beyond 200 ms.
pub(crate) const PULSE_ON_2MS: u8 = 0x32;
/// Off-time after it in units of 2 ms: 500 ms, five times the on-time.
pub(crate) const PULSE_OFF_2MS: u8 = 0xFA;

pub(crate) fn drawer_pulse(pin: DrawerPin) -> [u8; 5] {
    let pin = match pin {
        DrawerPin::Two => 0,
        DrawerPin::Five => 1,
    };
    [0x1B, 0x70, pin, PULSE_ON_2MS, PULSE_OFF_2MS]
}

/// `GS v 0`: rows of `stride` bytes. The caller keeps both within 16 bits.
pub(crate) fn raster_v0(stride: u16, rows: u16, data: &[u8]) -> Vec<u8> {
    let ([xl, xh], [yl, yh]) = (stride.to_le_bytes(), rows.to_le_bytes());
    let mut bytes = vec![0x1D, 0x76, 0x30, 0x00, xl, xh, yl, yh];
    bytes.extend_from_slice(data);
    bytes
}

/// Bytes of `GS ( L` function 112 that count towards its length besides the picture.
pub(crate) const GRAPHICS_HEADER: usize = 10;

/// `GS ( L` functions 112 and 50: stores `width` × `rows` dots and prints them.
pub(crate) fn graphics(width: u16, rows: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(GRAPHICS_HEADER + data.len()).expect("bands are cut to the 16-bit length");
    let ([pl, ph], [xl, xh], [yl, yh]) = (length.to_le_bytes(), width.to_le_bytes(), rows.to_le_bytes());
    let mut bytes = vec![0x1D, 0x28, 0x4C, pl, ph, 0x30, 0x70, 0x30, 0x01, 0x01, 0x31, xl, xh, yl, yh];
    bytes.extend_from_slice(data);
    bytes.extend_from_slice(&[0x1D, 0x28, 0x4C, 0x02, 0x00, 0x30, 0x32]);
    bytes
}

/// Most bytes in a native QR code, by the length field of its command.
pub(crate) const QR_DATA_MAX: usize = 7_089;

/// `GS ( k`: model 2, module size, correction, data, print. The caller keeps `data` within [`QR_DATA_MAX`].
pub(crate) fn qr(module_dots: u8, correction: QrCorrection, data: &[u8]) -> Vec<u8> {
    let level = match correction {
        QrCorrection::Low => 0x30,
        QrCorrection::Medium => 0x31,
        QrCorrection::Quartile => 0x32,
        QrCorrection::High => 0x33,
    };
    let length = u16::try_from(data.len() + 3).expect("the caller keeps data within QR_DATA_MAX");
    let [pl, ph] = length.to_le_bytes();
    let mut bytes = vec![0x1D, 0x28, 0x6B, 0x04, 0x00, 0x31, 0x41, 0x32, 0x00];
    bytes.extend_from_slice(&[0x1D, 0x28, 0x6B, 0x03, 0x00, 0x31, 0x43, module_dots]);
    bytes.extend_from_slice(&[0x1D, 0x28, 0x6B, 0x03, 0x00, 0x31, 0x45, level]);
    bytes.extend_from_slice(&[0x1D, 0x28, 0x6B, pl, ph, 0x31, 0x50, 0x30]);
    bytes.extend_from_slice(data);
    bytes.extend_from_slice(&[0x1D, 0x28, 0x6B, 0x03, 0x00, 0x31, 0x51, 0x30]);
    bytes
}

/// `GS h`, `GS w`, `GS H`, `GS k` function B. `data` is as the symbology's command wants it, at most 255 bytes.
pub(crate) fn bar_code(
    kind: BarCodeKind,
    height_dots: u8,
    module_dots: u8,
    readable: ReadableText,
    data: &[u8],
) -> Vec<u8> {
    let symbology = match kind {
        BarCodeKind::UpcA => 65,
        BarCodeKind::Ean13 => 67,
        BarCodeKind::Ean8 => 68,
        BarCodeKind::Code39 => 69,
        BarCodeKind::Itf => 70,
        BarCodeKind::Code128 => 73,
    };
    let place = match readable {
        ReadableText::None => 0,
        ReadableText::Above => 1,
        ReadableText::Below => 2,
    };
    let length = u8::try_from(data.len()).expect("bar code data was checked against its limits");
    let mut bytes = vec![0x1D, 0x68, height_dots.max(1), 0x1D, 0x77, module_dots, 0x1D, 0x48, place];
    bytes.extend_from_slice(&[0x1D, 0x6B, symbology, length]);
    bytes.extend_from_slice(data);
    bytes
}
