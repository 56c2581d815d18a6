//! Carries out everything that puts dots on paper or changes how they will look.

use super::barcode::{self, BarStyle};
use super::bitmap::Bitmap;
use super::command::Command;
use super::line::Line;
use super::strip::{Kind, Strip};
use super::style::Style;
use super::symbol::QrStore;

/// The printer's page: style, line buffer, stored graphics, and the strip of paper under the head.
#[derive(Debug)]
pub struct Typesetter {
    dots: usize,
    style: Style,
    bars: BarStyle,
    qr: QrStore,
    line: Line,
    graphics: Option<Bitmap>,
    strip: Strip,
    /// The firmware knows CP437 only.
    stuck_codepage: bool,
}

impl Typesetter {
    /// For a head of `dots` dots.
    pub fn new(dots: usize) -> Self {
        Self {
            dots,
            style: Style::new(dots),
            bars: BarStyle::DEFAULT,
            qr: QrStore::default(),
            line: Line::default(),
            graphics: None,
            strip: Strip::new(dots),
            stuck_codepage: false,
        }
    }

    /// `ESC @` and power-on: all but the paper.
    pub fn reset(&mut self) {
        self.style = Style::new(self.dots);
        self.bars = BarStyle::DEFAULT;
        self.qr = QrStore::default();
        self.line = Line::default();
        self.graphics = None;
    }

    pub fn strip(&self) -> &Strip {
        &self.strip
    }

    pub fn strip_mut(&mut self) -> &mut Strip {
        &mut self.strip
    }

    pub fn set_stuck_codepage(&mut self, stuck: bool) {
        self.stuck_codepage = stuck;
    }

    /// The name of the code page in force.
    pub fn code_page(&self) -> &'static str {
        self.charset().page_name()
    }

    /// Prints what waits in the line buffer, without feeding an empty line.
    pub fn flush(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
    }

    /// Forgets what waits in the line buffer.
    pub fn discard_line(&mut self) {
        self.line = Line::default();
    }

    /// Carries out `command` if it is about print; says whether it was.
    pub fn obey(&mut self, command: &Command) -> bool {
        self.obey_text(command)
            || self.obey_layout(command)
            || self.obey_codes(command)
            || self.obey_images(command)
    }

    fn obey_text(&mut self, command: &Command) -> bool {
        match *command {
            Command::Text(byte) => self.put(byte),
            Command::LineFeed => self.end_line(),
            Command::CarriageReturn => {}
            Command::Tab => self.tab(),
            Command::Initialize => self.reset(),
            Command::CharacterSpacing(n) => self.style.spacing = n.into(),
            Command::PrintMode(n) => self.style.set_print_mode(n),
            Command::Underline(n) => self.style.set_underline(n),
            Command::Emphasis(on) => self.style.look.bold = on,
            Command::DoubleStrike(on) => self.style.look.double_strike = on,
            Command::Font(n) => self.style.set_font(n),
            Command::International(n) => self.style.charset.select_national(n),
            Command::CodePage(n) => self.style.charset.select_page(n),
            Command::Size(n) => self.style.set_size(n),
            Command::Inverse(on) => self.style.look.inverse = on,
            _ => return false,
        }
        true
    }

    fn obey_layout(&mut self, command: &Command) -> bool {
        match command {
            Command::AbsolutePosition(x) => self.move_to(i32::from(*x)),
            Command::RelativePosition(by) => {
                self.move_to(i32::try_from(self.line.x()).unwrap_or(i32::MAX).saturating_add((*by).into()));
            }
            Command::DefaultLineSpacing => self.style.default_line_spacing(),
            Command::LineSpacing(n) => self.style.line_spacing = (*n).into(),
            Command::Tabs(columns) => self.style.tabs.clone_from(columns),
            Command::FeedDots(n) => {
                self.print_line_then_feed((*n).into());
            }
            Command::FeedLines(n) => {
                self.print_line_then_feed(usize::from(*n) * self.style.line_spacing);
            }
            Command::UpsideDown(on) => self.style.upside_down = *on,
            Command::Justify(n) => self.style.set_align(*n),
            Command::LeftMargin(n) => self.style.left_margin = usize::from(*n).min(self.dots),
            Command::PrintWidth(n) => self.style.width = usize::from(*n).min(self.dots),
            _ => return false,
        }
        true
    }

    fn obey_codes(&mut self, command: &Command) -> bool {
        match command {
            Command::HriPosition(n) => self.bars.set_hri_position(*n),
            Command::HriFont(n) => self.bars.set_hri_font(*n),
            Command::BarHeight(n) => self.bars.set_height(*n),
            Command::BarWidth(n) => self.bars.set_width(*n),
            Command::Barcode { system, data } => self.barcode(*system, data),
            Command::Symbol { kind: 49, function, args } => {
                if let Some(symbol) = self.qr.obey(*function, args) {
                    self.flush();
                    match symbol {
                        Ok((dots, kind)) => self.place(&dots, kind),
                        Err(reason) => self.strip.note(Kind::Note(reason)),
                    }
                }
            }
            _ => return false,
        }
        true
    }

    fn obey_images(&mut self, command: &Command) -> bool {
        match command {
            Command::Raster { mode, width_bytes, data } => {
                let width = usize::from(*width_bytes) * 8;
                let height = data.len().checked_div(usize::from(*width_bytes)).unwrap_or(0);
                let scale_x = 1 + usize::from(mode & 1);
                let scale_y = 1 + usize::from(mode >> 1 & 1);
                self.image(&Bitmap::from_packed(width, height, data).scaled(scale_x, scale_y));
            }
            Command::StoreGraphics { scale_x, scale_y, width, height, data } => {
                let stored = Bitmap::from_packed((*width).into(), (*height).into(), data);
                self.graphics =
                    Some(stored.scaled(usize::from(*scale_x).clamp(1, 2), usize::from(*scale_y).clamp(1, 2)));
            }
            Command::PrintGraphics => {
                if let Some(picture) = self.graphics.take() {
                    self.image(&picture);
                }
            }
            Command::BitImage { mode, columns, data } => self.bit_image(*mode, (*columns).into(), data),
            _ => return false,
        }
        true
    }

    fn charset(&self) -> super::charset::Charset {
        if self.stuck_codepage { super::charset::Charset::DEFAULT } else { self.style.charset }
    }

    fn area(&self) -> usize {
        self.style.area(self.dots)
    }

    fn put(&mut self, byte: u8) {
        let character = self.charset().char(byte);
        if !self.line.has_room(self.style.look, self.area()) {
            self.end_line();
        }
        // A character wider than the whole area is lost, as on a head that is too narrow for it.
        if self.line.has_room(self.style.look, self.area()) {
            self.line.push(character, self.style.look, self.style.spacing);
        }
    }

    fn tab(&mut self) {
        let column = super::font::Font::A.width();
        let next =
            self.style.tabs.iter().map(|stop| usize::from(*stop) * column).find(|x| *x > self.line.x());
        if let Some(x) = next.filter(|x| *x < self.area()) {
            self.line.move_to(x);
        }
    }

    /// Positions outside the print area are ignored, as the manuals say.
    fn move_to(&mut self, x: i32) {
        if let Some(x) = usize::try_from(x).ok().filter(|x| *x <= self.area()) {
            self.line.move_to(x);
        }
    }

    fn end_line(&mut self) {
        let rows = self.print_line();
        self.strip.feed(self.style.line_spacing.saturating_sub(rows));
    }

    fn print_line_then_feed(&mut self, rows: usize) {
        self.print_line();
        self.strip.feed(rows);
    }

    /// Prints the buffer and returns its height.
    fn print_line(&mut self) -> usize {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return 0;
        }
        let (dots, kind) = line.compose(&self.style, self.area());
        self.strip.print(self.style.left_margin, &dots, kind);
        dots.height()
    }

    fn barcode(&mut self, system: u8, data: &[u8]) {
        self.flush();
        match barcode::render(system, data, &self.bars) {
            Ok((dots, kind)) => self.place(&dots, kind),
            Err(reason) => self.strip.note(Kind::Note(reason)),
        }
    }

    /// A code that is wider than the print area is not printed at all.
    fn place(&mut self, dots: &Bitmap, kind: Kind) {
        if dots.width() > self.area() {
            let note = format!("code of {} dots does not fit into {}", dots.width(), self.area());
            self.strip.note(Kind::Note(note));
        } else {
            let x = self.style.left_margin + self.style.align.offset(self.area(), dots.width());
            self.strip.print(x, dots, kind);
        }
    }

    /// A picture that is too wide loses its right edge.
    fn image(&mut self, picture: &Bitmap) {
        self.flush();
        if picture.height() == 0 {
            return;
        }
        let x = self.style.left_margin + self.style.align.offset(self.area(), picture.width());
        let kind = Kind::Image { width: picture.width(), height: picture.height() };
        self.strip.print(x, picture, kind);
    }

    /// `ESC *`: the usual host sends many bands, each ended by a line feed of the band's height.
    fn bit_image(&mut self, mode: u8, columns: usize, data: &[u8]) {
        let (bytes, scale_x, scale_y) = match mode {
            0 => (1, 2, 3),
            1 => (1, 1, 3),
            32 => (3, 2, 1),
            33 => (3, 1, 1),
            _ => return,
        };
        let mut band = Bitmap::new(columns, bytes * 8);
        for (x, column) in data.chunks(bytes).enumerate() {
            for y in 0..column.len() * 8 {
                band.set(x, y, column[y / 8] & (0x80 >> (y % 8)) != 0);
            }
        }
        self.line.push_band(band.scaled(scale_x, scale_y));
    }
}
