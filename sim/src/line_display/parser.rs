//! From bytes to commands, for the two command sets such displays speak.

use super::grid::COLUMNS;

/// Which commands are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The common command set of small displays.
    Cd5220,
    /// Epson's.
    Epson,
}

/// One thing the display is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Write(u8),
    Initialise,
    Clear,
    ClearLine,
    Home,
    Left,
    Right,
    Up,
    Down,
    LineStart,
    MoveTo {
        x: u8,
        y: u8,
    },
    Cursor {
        visible: bool,
    },
    Brightness(u8),
    /// A whole line at once (0 upper, 1 lower).
    Line {
        row: usize,
        text: Vec<u8>,
    },
    Overwrite,
    Scroll,
    /// Bit 1: data is for the display; otherwise for the printer behind it.
    Select(u8),
    /// From now on Epson's commands.
    EnterEpson,
    /// Read and of no effect here: character sets, start sequences.
    Ignored,
    /// Not a command.
    Unknown,
}

const ESC: u8 = 0x1B;
const US: u8 = 0x1F;
const CR: u8 = 0x0D;

/// Collects bytes until they are a command.
#[derive(Debug)]
pub struct Parser {
    dialect: Dialect,
    /// Never longer than the longest command: a line with its header.
    held: Vec<u8>,
}

impl Parser {
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, held: Vec::new() }
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub fn set_dialect(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    pub fn push(&mut self, byte: u8) -> Option<Command> {
        self.held.push(byte);
        let command = match self.held.as_slice() {
            // Start sequences of two makers; they share their first bytes with nothing printable.
            [0x04] | [0x04, 0x01] | [0x04, 0x01, 0x25] => None,
            [0x04, 0x01, 0x25, 0x17] => Some(Command::Ignored),
            [0x02] | [0x02, 0x05] | [0x02, 0x05, 0x43] | [0x02, 0x05, 0x43, 0x31] => None,
            [0x02, 0x05, 0x43, 0x31, 0x03] => Some(Command::EnterEpson),
            [ESC, rest @ ..] => self.escape(rest),
            [US, rest @ ..] if self.dialect == Dialect::Epson => epson(rest),
            [0x08] => Some(Command::Left),
            [0x09] => Some(Command::Right),
            [0x0A] => Some(Command::Down),
            [0x0B] => Some(Command::Home),
            [0x0C] => Some(Command::Clear),
            [CR] => Some(Command::LineStart),
            [0x18] => Some(Command::ClearLine),
            [byte @ (0x20..=0x7E | 0x80..=0xFF)] => Some(Command::Write(*byte)),
            _ => Some(Command::Unknown),
        };
        if command.is_some() {
            self.held.clear();
        }
        command
    }

    fn escape(&self, rest: &[u8]) -> Option<Command> {
        match (self.dialect, rest) {
            (_, [] | [b'=']) => None,
            (_, [b'=', device]) => Some(Command::Select(*device)),
            (_, [b'@']) => Some(Command::Initialise),
            (Dialect::Cd5220, rest) => cd5220(rest),
            (Dialect::Epson, [b'R' | b't']) => None,
            (Dialect::Epson, [b'R' | b't', _]) => Some(Command::Ignored),
            (Dialect::Epson, _) => Some(Command::Unknown),
        }
    }
}

fn cd5220(rest: &[u8]) -> Option<Command> {
    Some(match rest {
        [b'l' | b'_' | b'*' | b'f' | b'c' | b'Q'] | [b'l', _] => return None,
        [b'l', x, y] => Command::MoveTo { x: *x, y: *y },
        [b'_', visible] => Command::Cursor { visible: *visible != 0 },
        [b'*', level] => Command::Brightness(*level),
        [b'f' | b'c', _] => Command::Ignored,
        [0x11] => Command::Overwrite,
        [0x12] => Command::Scroll,
        [b'Q', b'A' | b'B', text @ ..] if text.last() != Some(&CR) && text.len() <= COLUMNS => return None,
        [b'Q', line @ (b'A' | b'B'), text @ ..] => {
            // Twenty characters and no carriage return: not what the display waits for.
            let Some((&CR, text)) = text.split_last() else { return Some(Command::Unknown) };
            Command::Line { row: usize::from(*line == b'B'), text: text.to_vec() }
        }
        _ => Command::Unknown,
    })
}

fn epson(rest: &[u8]) -> Option<Command> {
    Some(match rest {
        [] | [b'$' | b'X' | b'C'] | [b'$', _] => return None,
        [b'$', x, y] => Command::MoveTo { x: *x, y: *y },
        [b'X', level] => Command::Brightness(*level),
        [b'C', visible] => Command::Cursor { visible: *visible != 0 },
        [0x01] => Command::Overwrite,
        [0x02] => Command::Scroll,
        [0x0A] => Command::Up,
        _ => Command::Unknown,
    })
}
