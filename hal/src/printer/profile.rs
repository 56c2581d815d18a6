//! How one printer model differs from the next.
//!
//! Column counts, page numbers and symbologies follow the public printer database of receipt-print-hq
//! (escpos-printer-db, data under CC BY 4.0), checked by hand; what it does not know (status, completion, cutter
//! distance) is from the makers' command references. A clone is assumed to lack what no test has shown it to have.

use super::codepage::{CodePage, NumberedPage};
use super::document::{BarCodeKind, Font};

/// Rows in one picture command: small enough for the receive buffer of cheap models, and for the damage a lost byte
/// can do. Every profile's value is cut to this.
pub const BAND_ROWS_MAX: u16 = 256;

/// What a printer model can do and how it wants to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Name in the settings.
    pub id: String,
    /// Printable dots in a row.
    pub dots_wide: u16,
    /// Dots in 25.4 mm, both ways.
    pub dots_per_inch: u16,
    /// Characters of normal width in a row, font A.
    pub columns_a: u8,
    /// Characters of normal width in a row, font B.
    pub columns_b: u8,
    /// Code pages in order of preference, at least one. The first is selected when a job starts.
    pub pages: Vec<NumberedPage>,
    /// How status bytes are to be read.
    pub dialect: StatusDialect,
    /// Answers `DLE EOT n` at once, even in a fault.
    pub has_real_time_status: bool,
    /// Reports changes by itself after `GS a`.
    pub has_auto_status: bool,
    /// Confirms finished printing with `GS ( H` function 48.
    pub has_process_id: bool,
    /// Answers `GS r 1` after everything before it was processed.
    pub has_fence: bool,
    /// Answers `GS I n` with information blocks.
    pub has_identity: bool,
    /// What the knife can do.
    pub cutter: Cutter,
    /// Dots from the print head to the knife or tear bar, fed where the printer does not do so by itself.
    pub feed_to_knife_dots: u16,
    /// Which picture command it knows.
    pub raster: RasterCommand,
    /// Rows sent in one picture command, 1 to [`BAND_ROWS_MAX`].
    pub band_rows: u16,
    /// Who draws QR codes.
    pub qr: QrPrinting,
    /// Bar codes the printer draws by itself.
    pub bar_codes: Vec<BarCodeKind>,
    /// Level of drawer pin 3 while the drawer is open; differs from cable to cable and is learned on the bench.
    pub drawer_open_level: PinLevel,
}

/// How status bytes are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusDialect {
    /// The bits of the Epson command reference, which most models share.
    Epson,
    /// Hwasung HMK-830: `DLE EOT 2` alone, bit 0 no paper, bit 3 low paper, bit 5 cutter; no fixed bits.
    Hmk830,
}

/// What the knife can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cutter {
    /// There is none: the customer tears.
    None,
    /// Leaves one point hanging.
    Partial,
    /// Either way.
    Full,
}

/// Which picture command a printer knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RasterCommand {
    /// `GS v 0`: old, and cloned by nearly everyone.
    GsV0,
    /// `GS ( L` functions 112 and 50: current Epson models.
    GsParenL,
}

/// Who draws QR codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QrPrinting {
    /// The printer, with modules of 1 to `module_dots_max` dots.
    Native {
        /// Largest module the model accepts.
        module_dots_max: u8,
    },
    /// We do, as a picture: a printer without the command prints its bytes as text.
    Raster,
}

/// An electrical level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinLevel {
    /// The status bit is 0.
    Low,
    /// The status bit is 1.
    High,
}

impl Profile {
    /// The built-in profile called `id`, one of [`Profile::names`].
    #[must_use]
    pub fn builtin(id: &str) -> Option<Self> {
        Self::all().into_iter().find(|profile| profile.id == id)
    }

    /// What the built-in profiles are called.
    #[must_use]
    pub fn names() -> Vec<String> {
        Self::all().into_iter().map(|profile| profile.id).collect()
    }

    fn all() -> [Self; 3] {
        [Self::tm_t88v(), Self::nt_5890k(), Self::plain_80()]
    }

    /// 80 mm, 512 dots, 42 columns: Epson TM-T88V and its relatives, with status and confirmed completion.
    #[must_use]
    pub fn tm_t88v() -> Self {
        Self {
            id: "tm-t88v".to_owned(),
            dots_wide: 512,
            dots_per_inch: 180,
            columns_a: 42,
            columns_b: 56,
            pages: vec![
                page(CodePage::Cp437, 0),
                page(CodePage::Cp858, 19),
                page(CodePage::Cp1252, 16),
                page(CodePage::Cp852, 18),
                page(CodePage::Cp866, 17),
                page(CodePage::Cp850, 2),
                page(CodePage::Cp860, 3),
                page(CodePage::Cp863, 4),
                page(CodePage::Cp865, 5),
                page(CodePage::Cp857, 13),
                page(CodePage::Cp737, 14),
                page(CodePage::Iso8859_7, 15),
                page(CodePage::Cp775, 33),
                page(CodePage::Cp855, 34),
                page(CodePage::Iso8859_2, 39),
                page(CodePage::Iso8859_15, 40),
                page(CodePage::Cp1250, 45),
                page(CodePage::Cp1251, 46),
                page(CodePage::Cp1253, 47),
                page(CodePage::Cp1254, 48),
                page(CodePage::Cp1257, 51),
            ],
            dialect: StatusDialect::Epson,
            has_real_time_status: true,
            has_auto_status: true,
            has_process_id: true,
            has_fence: true,
            has_identity: true,
            cutter: Cutter::Partial,
            feed_to_knife_dots: 0,
            raster: RasterCommand::GsParenL,
            band_rows: BAND_ROWS_MAX,
            qr: QrPrinting::Native { module_dots_max: 16 },
            bar_codes: vec![
                BarCodeKind::UpcA,
                BarCodeKind::Ean13,
                BarCodeKind::Ean8,
                BarCodeKind::Code39,
                BarCodeKind::Itf,
                BarCodeKind::Code128,
            ],
            drawer_open_level: PinLevel::High,
        }
    }

    /// 58 mm, 384 dots, 32 columns, no knife: the NT-5890K and the many printers sold under other names.
    #[must_use]
    pub fn nt_5890k() -> Self {
        Self {
            id: "nt-5890k".to_owned(),
            dots_wide: 384,
            dots_per_inch: 203,
            columns_a: 32,
            columns_b: 42,
            pages: vec![
                page(CodePage::Cp437, 0),
                page(CodePage::Cp858, 19),
                page(CodePage::Cp852, 18),
                page(CodePage::Cp866, 17),
                page(CodePage::Cp850, 2),
                page(CodePage::Cp860, 3),
                page(CodePage::Cp863, 4),
                page(CodePage::Cp865, 5),
                page(CodePage::Cp1252, 71),
                page(CodePage::Cp1250, 72),
                page(CodePage::Cp1251, 73),
                page(CodePage::Cp1257, 25),
            ],
            has_auto_status: false,
            has_process_id: false,
            has_identity: false,
            cutter: Cutter::None,
            feed_to_knife_dots: 120,
            raster: RasterCommand::GsV0,
            qr: QrPrinting::Raster,
            ..Self::tm_t88v()
        }
    }

    /// 80 mm, 576 dots, 48 columns, partial cut: any other clone. Pages beyond CP437, 850, 852, 858 and 866 are not
    /// counted on, and completion is never confirmed.
    #[must_use]
    pub fn plain_80() -> Self {
        Self {
            id: "plain-80".to_owned(),
            dots_wide: 576,
            dots_per_inch: 203,
            columns_a: 48,
            columns_b: 64,
            pages: vec![
                page(CodePage::Cp437, 0),
                page(CodePage::Cp858, 19),
                page(CodePage::Cp852, 18),
                page(CodePage::Cp866, 17),
                page(CodePage::Cp850, 2),
            ],
            has_auto_status: false,
            has_process_id: false,
            has_identity: false,
            raster: RasterCommand::GsV0,
            qr: QrPrinting::Raster,
            ..Self::tm_t88v()
        }
    }

    /// Characters of normal width in a row.
    #[must_use]
    pub fn columns(&self, font: Font) -> usize {
        usize::from(match font {
            Font::A => self.columns_a,
            Font::B => self.columns_b,
        })
    }

    /// Rows in one picture command, within its limits whatever the settings say.
    pub(crate) fn band_rows(&self) -> usize {
        usize::from(self.band_rows.clamp(1, BAND_ROWS_MAX))
    }
}

fn page(page: CodePage, number: u8) -> NumberedPage {
    NumberedPage { page, number }
}
