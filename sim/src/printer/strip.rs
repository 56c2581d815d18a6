//! The paper: dots, and beside them what they mean.

use super::bitmap::Bitmap;

/// Three metres at 8 dots per millimetre. A longer strip is torn off where it is, so that a run-away host cannot fill
/// the memory; no receipt is that long.
pub const ROWS_MAX: usize = 24_000;

/// A meaning keeps this many entries per strip; a printed line takes at least a row, so only commands without paper
/// (pulses, ids) can reach it.
const ENTRIES_MAX: usize = ROWS_MAX;

/// Something on the paper, in the order of printing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Its first row on the strip.
    top: usize,
    /// The row after its last one.
    bottom: usize,
}

/// What an [`Entry`] can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A line of text.
    Line {
        /// Without trailing blanks; columns approximated by blanks.
        text: String,
        /// Style in short words, e.g. `2x2 bold center`; empty = plain.
        style: String,
    },
    /// A bar code or QR.
    Code {
        /// `qr`, `ean13`, …
        symbology: &'static str,
        /// The content as given by the host.
        data: String,
        /// Size and level in words.
        detail: String,
    },
    /// A picture.
    Image {
        /// Dots.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// Something that leaves no dots: a drawer pulse, a process id, a code that did not fit.
    Note(String),
}

/// A piece of paper that left the printer, or is still in it.
#[derive(Debug, Clone)]
pub struct Strip {
    dots: Bitmap,
    entries: Vec<Entry>,
}

impl Strip {
    pub fn new(width: usize) -> Self {
        Self { dots: Bitmap::new(width, 0), entries: Vec::new() }
    }

    pub fn dots(&self) -> &Bitmap {
        &self.dots
    }

    pub fn entries(&self) -> impl Iterator<Item = &Kind> {
        self.entries.iter().map(|entry| &entry.kind)
    }

    pub fn rows(&self) -> usize {
        self.dots.height()
    }

    /// Whether any dot was burnt or any meaning noted.
    pub fn is_blank(&self) -> bool {
        self.entries.is_empty() && (0..self.rows()).all(|y| self.dots.row(y).iter().all(|byte| *byte == 0))
    }

    /// Moves the paper on.
    pub fn feed(&mut self, rows: usize) {
        self.dots.grow(rows.min(ROWS_MAX.saturating_sub(self.rows())));
    }

    /// Burns a picture at column `x` and moves the paper on by its height.
    pub fn print(&mut self, x: usize, picture: &Bitmap, kind: Kind) {
        let top = self.rows();
        self.feed(picture.height());
        self.dots.draw(x, top, picture);
        self.push(Entry { kind, top, bottom: self.rows() });
    }

    /// Notes something without dots.
    pub fn note(&mut self, kind: Kind) {
        let at = self.rows();
        self.push(Entry { kind, top: at, bottom: at });
    }

    /// Cuts at `row`: keeps what comes after it, returns what came before.
    pub fn cut_at(&mut self, row: usize) -> Self {
        let rest = self.dots.split_off(row);
        let row = self.rows();
        // A line under the knife belongs to the part that holds its first row.
        let (cut, mut kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|entry| entry.top < row || entry.bottom <= row);
        for entry in &mut kept {
            entry.top -= row;
            entry.bottom -= row;
        }
        let dots = std::mem::replace(&mut self.dots, rest);
        self.entries = kept;
        Self { dots, entries: cut }
    }

    /// Glues a strip to the end.
    pub fn append(&mut self, other: &Self) {
        let offset = self.rows();
        self.feed(other.rows());
        self.dots.draw(0, offset, &other.dots);
        for entry in &other.entries {
            self.push(Entry {
                kind: entry.kind.clone(),
                top: entry.top + offset,
                bottom: entry.bottom + offset,
            });
        }
    }

    fn push(&mut self, entry: Entry) {
        if self.entries.len() < ENTRIES_MAX {
            self.entries.push(entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Kind {
        Kind::Line { text: text.to_owned(), style: String::new() }
    }

    #[test]
    fn a_cut_divides_dots_and_meanings_alike() {
        let mut strip = Strip::new(16);
        let black = Bitmap::from_packed(16, 1, &[0xFF, 0xFF]);
        strip.print(0, &black, line("one"));
        strip.feed(9);
        strip.print(0, &black, line("two"));
        let first = strip.cut_at(5);
        assert_eq!((first.rows(), strip.rows()), (5, 6));
        assert_eq!(first.entries().collect::<Vec<_>>(), [&line("one")]);
        assert_eq!(strip.entries().collect::<Vec<_>>(), [&line("two")]);
        assert!(strip.dots().get(3, 5));

        let mut whole = first;
        whole.append(&strip);
        assert_eq!(whole.rows(), 11);
        assert!(whole.dots().get(3, 10));
    }

    #[test]
    fn a_strip_never_grows_beyond_its_limit() {
        let mut strip = Strip::new(16);
        for _ in 0..200 {
            strip.feed(255);
        }
        assert_eq!(strip.rows(), ROWS_MAX);
    }
}
