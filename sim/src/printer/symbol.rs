//! QR codes: the symbol storage behind `GS ( k`.

use qrcode::types::Color;
use qrcode::{EcLevel, QrCode};

use super::bitmap::Bitmap;
use super::strip::Kind;

/// Modules are 1 to 16 dots, three by default.
const MODULE_DOTS_DEFAULT: u8 = 3;
const MODULE_DOTS_MAX: u8 = 16;
/// What a version 40 symbol can hold at most, as the command's own limit says (k ≤ 7089).
const DATA_MAX: usize = 7089;

/// Parameters and data that wait for "print the symbol".
#[derive(Debug)]
pub struct QrStore {
    module_dots: u8,
    level: EcLevel,
    data: Vec<u8>,
}

impl Default for QrStore {
    fn default() -> Self {
        Self { module_dots: MODULE_DOTS_DEFAULT, level: EcLevel::L, data: Vec::new() }
    }
}

impl QrStore {
    /// One function of `GS ( k` for QR; for "print" the symbol, or why there is none.
    pub fn obey(&mut self, function: u8, args: &[u8]) -> Option<Result<(Bitmap, Kind), String>> {
        match (function, args) {
            (67, [dots @ 1..=MODULE_DOTS_MAX, ..]) => self.module_dots = *dots,
            (69, [level, ..]) => {
                self.level = match level {
                    49 => EcLevel::M,
                    50 => EcLevel::Q,
                    51 => EcLevel::H,
                    _ => EcLevel::L,
                }
            }
            (80, [48, data @ ..]) if data.len() <= DATA_MAX => self.data = data.to_vec(),
            (81, _) => return Some(self.symbol()),
            // Model (65), sizes out of range and unknown functions change nothing: model 2 is what is printed.
            _ => {}
        }
        None
    }

    fn symbol(&self) -> Result<(Bitmap, Kind), String> {
        if self.data.is_empty() {
            return Err("QR code without data".to_owned());
        }
        let code = QrCode::with_error_correction_level(&self.data, self.level)
            .map_err(|error| format!("QR code impossible: {error}"))?;
        let width = code.width();
        let mut modules = Bitmap::new(width, width);
        for (index, color) in code.to_colors().into_iter().enumerate() {
            modules.set(index % width, index / width, color == Color::Dark);
        }
        let dots = modules.scaled(self.module_dots.into(), self.module_dots.into());
        let kind = Kind::Code {
            symbology: "qr",
            data: String::from_utf8_lossy(&self.data).into_owned(),
            detail: format!("{:?}, {width} modules of {} dots", self.level, self.module_dots),
        };
        Ok((dots, kind))
    }
}
