//! A receipt as the printer driver wants it: what to print, not how any model is told to.

use super::raster::BitImage;

/// Most blocks in one document. A receipt of 500 items has about 1,500; more is a mistake that would eat the roll.
pub const DOCUMENT_BLOCKS_MAX: usize = 4_096;
/// Most characters in one line block, both columns together. Longer text is cut.
pub const LINE_CHARS_MAX: usize = 1_024;

/// Something to print, from top to bottom. Built by the caller from its own receipt, kitchen ticket or test page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrintDocument {
    /// The parts in printing order, at most [`DOCUMENT_BLOCKS_MAX`].
    pub blocks: Vec<Block>,
}

/// One part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Text, wrapped to the paper.
    Line(Line),
    /// A rule across the paper.
    Rule(Rule),
    /// Blank lines.
    Feed {
        /// How many lines of normal height.
        lines: u8,
    },
    /// A QR code with its quiet zone.
    Qr(QrCode),
    /// A bar code.
    BarCode(BarCode),
    /// A picture.
    Image {
        /// The dots, printed one to one; wider than the paper is cut on the right.
        image: BitImage,
        /// Where on the paper.
        align: Align,
    },
    /// Feeds past the knife and cuts; on a printer without a knife feeds past the tear bar.
    Cut(Cut),
    /// Opens the cash drawer, in order with the printing.
    DrawerPulse(DrawerPin),
}

/// A line of text, or two columns: `left` wraps, `right` stands at the edge of the first row.
///
/// In a line whose text runs from right to left the columns change sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The text, or the left column.
    pub left: Vec<Span>,
    /// The right column, usually an amount; never wrapped.
    pub right: Vec<Span>,
    /// Where a line without a right column stands.
    pub align: Align,
    /// How large.
    pub size: Size,
    /// Which of the printer's fonts.
    pub font: Font,
    /// Columns by which wrapped rows are indented.
    pub hanging_indent: u8,
}

/// Text in one style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The characters. A line break or tab counts as a space; other control characters are dropped.
    pub text: String,
    /// How they look.
    pub style: Style,
}

/// How text looks, apart from its size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Heavier strokes.
    pub bold: bool,
    /// A line below.
    pub underline: bool,
    /// White on black.
    pub inverse: bool,
}

/// How many times the normal character width and height, 1 to 8 each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    wide: u8,
    high: u8,
}

/// Where something narrower than the paper stands, in reading direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// At the edge where reading starts.
    #[default]
    Start,
    /// In the middle.
    Center,
    /// At the edge where reading ends.
    End,
}

/// The printer's built-in fonts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Font {
    /// The normal one, 12×24 dots on most models.
    #[default]
    A,
    /// The small one, 9×17 dots on most models.
    B,
}

/// A rule across the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// One stroke.
    Single,
    /// Two strokes.
    Double,
}

/// A QR code, model 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QrCode {
    /// What it says: letters as UTF-8.
    pub data: Vec<u8>,
    /// Dots a module should measure; made smaller when the code would not fit the paper.
    pub module_dots: u8,
    /// How much damage it survives.
    pub correction: QrCorrection,
    /// Where on the paper.
    pub align: Align,
}

/// How much of a QR code may be unreadable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QrCorrection {
    /// 7 %.
    Low,
    /// 15 %.
    #[default]
    Medium,
    /// 25 %.
    Quartile,
    /// 30 %.
    High,
}

/// A one-dimensional bar code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BarCode {
    /// The symbology.
    pub kind: BarCodeKind,
    /// What it says, in the characters the symbology has. EAN and UPC may come without their check digit.
    pub data: String,
    /// Bar height in dots, 1 to 255.
    pub height_dots: u8,
    /// Where the readable text stands.
    pub readable: ReadableText,
    /// Where on the paper.
    pub align: Align,
}

/// One-dimensional symbologies of receipt printers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the standards")]
pub enum BarCodeKind {
    UpcA,
    Ean13,
    Ean8,
    Code39,
    Itf,
    Code128,
}

/// Where the readable text of a bar code stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadableText {
    /// Nowhere.
    None,
    /// Above the bars.
    Above,
    /// Below the bars.
    #[default]
    Below,
}

/// How the paper is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Leaves one point hanging, so the receipt does not fall to the floor.
    Partial,
    /// All the way, where the knife can.
    Full,
}

/// Which pin of the drawer socket is pulsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DrawerPin {
    /// Pin 2, the first drawer.
    #[default]
    Two,
    /// Pin 5, the second drawer.
    Five,
}

impl PrintDocument {
    /// An empty document.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part at the end.
    pub fn push(&mut self, block: impl Into<Block>) -> &mut Self {
        self.blocks.push(block.into());
        self
    }
}

impl Line {
    /// A line of plain text at the start edge.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { left: vec![Span::from(text.into())], ..Self::default() }
    }

    /// Two columns of plain text.
    #[must_use]
    pub fn columns(left: impl Into<String>, right: impl Into<String>) -> Self {
        Self { left: vec![Span::from(left.into())], right: vec![Span::from(right.into())], ..Self::default() }
    }

    /// Makes both columns bold.
    #[must_use]
    pub fn bold(mut self) -> Self {
        self.spans_mut().for_each(|span| span.style.bold = true);
        self
    }

    /// Makes both columns white on black.
    #[must_use]
    pub fn inverse(mut self) -> Self {
        self.spans_mut().for_each(|span| span.style.inverse = true);
        self
    }

    /// Puts the line in the middle.
    #[must_use]
    pub fn centered(mut self) -> Self {
        self.align = Align::Center;
        self
    }

    /// Prints larger.
    #[must_use]
    pub fn sized(mut self, size: Size) -> Self {
        self.size = size;
        self
    }

    /// Prints in the small font.
    #[must_use]
    pub fn small(mut self) -> Self {
        self.font = Font::B;
        self
    }

    /// Indents wrapped rows by `columns`.
    #[must_use]
    pub fn hanging(mut self, columns: u8) -> Self {
        self.hanging_indent = columns;
        self
    }

    fn spans_mut(&mut self) -> impl Iterator<Item = &mut Span> {
        self.left.iter_mut().chain(&mut self.right)
    }
}

impl Size {
    /// Normal characters.
    pub const NORMAL: Self = Self { wide: 1, high: 1 };
    /// Twice as wide and high.
    pub const DOUBLE: Self = Self { wide: 2, high: 2 };
    /// Twice as high.
    pub const TALL: Self = Self { wide: 1, high: 2 };

    /// `wide` and `high` times the normal size, each brought into 1 to 8, which is all a printer can do.
    #[must_use]
    pub fn new(wide: u8, high: u8) -> Self {
        Self { wide: wide.clamp(1, 8), high: high.clamp(1, 8) }
    }

    /// Times the normal width.
    #[must_use]
    pub fn wide(self) -> u8 {
        self.wide
    }

    /// Times the normal height.
    #[must_use]
    pub fn high(self) -> u8 {
        self.high
    }
}

impl Default for Size {
    fn default() -> Self {
        Self::NORMAL
    }
}

impl From<String> for Span {
    fn from(text: String) -> Self {
        Self { text, style: Style::default() }
    }
}

impl From<&str> for Span {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<Line> for Block {
    fn from(line: Line) -> Self {
        Self::Line(line)
    }
}

impl From<Rule> for Block {
    fn from(rule: Rule) -> Self {
        Self::Rule(rule)
    }
}

impl From<Cut> for Block {
    fn from(cut: Cut) -> Self {
        Self::Cut(cut)
    }
}

impl From<QrCode> for Block {
    fn from(code: QrCode) -> Self {
        Self::Qr(code)
    }
}

impl From<BarCode> for Block {
    fn from(code: BarCode) -> Self {
        Self::BarCode(code)
    }
}
