//! What the printer was told, after parsing.

/// One complete command. Arguments are as sent; the receiver limits them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A printable byte, 20 to FF, to be read through the code page.
    Text(u8),
    /// LF: print the line.
    LineFeed,
    /// CR: nothing on a printer with automatic line feed off.
    CarriageReturn,
    /// HT.
    Tab,
    /// `ESC @`.
    Initialize,
    /// `ESC SP n`.
    CharacterSpacing(u8),
    /// `ESC ! n`, font, emphasis, double height, double width and underline at once.
    PrintMode(u8),
    /// `ESC $`.
    AbsolutePosition(u16),
    /// `ESC \`, two's complement.
    RelativePosition(i16),
    /// `ESC -`.
    Underline(u8),
    /// `ESC 2`.
    DefaultLineSpacing,
    /// `ESC 3 n`.
    LineSpacing(u8),
    /// `ESC D … NUL`, columns.
    Tabs(Vec<u8>),
    /// `ESC E`.
    Emphasis(bool),
    /// `ESC G`.
    DoubleStrike(bool),
    /// `ESC J n`: print and feed n dots.
    FeedDots(u8),
    /// `ESC d n`: print and feed n lines.
    FeedLines(u8),
    /// `ESC M n`.
    Font(u8),
    /// `ESC R n`.
    International(u8),
    /// `ESC {`.
    UpsideDown(bool),
    /// `ESC a n`.
    Justify(u8),
    /// `ESC t n`.
    CodePage(u8),
    /// `ESC p m t1 t2`: drawer pulse, times in units of 2 ms.
    Pulse {
        /// 0 = pin 2, 1 = pin 5.
        pin: u8,
        /// On time.
        on: u8,
    },
    /// `ESC c 5 n`.
    PanelButtons {
        /// Whether the buttons work.
        enabled: bool,
    },
    /// `ESC *`: one band of column data.
    BitImage {
        /// 0, 1: 8 dots high; 32, 33: 24 dots high.
        mode: u8,
        /// Columns.
        columns: u16,
        /// Columns one after the other, top dot in the highest bit.
        data: Vec<u8>,
    },
    /// `GS ! n`.
    Size(u8),
    /// `GS B`.
    Inverse(bool),
    /// `GS H n`: where the text of a bar code goes.
    HriPosition(u8),
    /// `GS f n`.
    HriFont(u8),
    /// `GS h n`.
    BarHeight(u8),
    /// `GS w n`.
    BarWidth(u8),
    /// `GS k`, both functions.
    Barcode {
        /// 0 to 6 or 65 to 79.
        system: u8,
        /// The content.
        data: Vec<u8>,
    },
    /// `GS L`.
    LeftMargin(u16),
    /// `GS W`.
    PrintWidth(u16),
    /// `GS V`, `ESC i`, `ESC m`.
    Cut {
        /// Full or leaving a bridge.
        full: bool,
        /// Feed to the cutter plus this many dots first.
        feed: Option<u8>,
    },
    /// `GS a n`: automatic status.
    AutoStatus(u8),
    /// `GS r n`.
    TransmitStatus(u8),
    /// `GS I n`.
    TransmitIdentity(u8),
    /// `GS ( H` function 48.
    ProcessId([u8; 4]),
    /// `GS v 0`.
    Raster {
        /// Bit 0 doubles the width, bit 1 the height.
        mode: u8,
        /// Bytes in a row.
        width_bytes: u16,
        /// Rows, highest bit first.
        data: Vec<u8>,
    },
    /// `GS ( L` or `GS 8 L` function 112: store raster data.
    StoreGraphics {
        /// Horizontal factor, 1 or 2.
        scale_x: u8,
        /// Vertical factor, 1 or 2.
        scale_y: u8,
        /// Dots in a row.
        width: u16,
        /// Rows.
        height: u16,
        /// Rows, highest bit first.
        data: Vec<u8>,
    },
    /// `GS ( L` function 50: print what was stored.
    PrintGraphics,
    /// `GS ( k`: two-dimensional codes.
    Symbol {
        /// Symbology: 49 = QR.
        kind: u8,
        /// Function.
        function: u8,
        /// What follows.
        args: Vec<u8>,
    },
    /// A real-time command met again in the stream: it was obeyed on arrival.
    RealTime,
    /// Understood as far as its length, without effect here. Holds the first bytes, for the reader of the ledger.
    Unsupported(Vec<u8>),
    /// More data than the parser keeps; swallowed without effect.
    TooLong(Vec<u8>),
}
