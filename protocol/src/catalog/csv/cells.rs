//! Text to cells (RFC 4180): quotes, quotes in quotes, line breaks in cells, and the separators that
//! spreadsheets use: comma, semicolon, tab.

use super::super::error::Fault;
use super::super::node::At;
use super::fault;

/// Most cells of one table: 20,000 items with sixty columns.
const MAX_CELLS: usize = 2_000_000;

/// One cell, without the space around it.
pub(super) struct Cell {
    pub(super) words: String,
    pub(super) at: At,
}

/// One line of a table; lines with nothing in them are left out.
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    pub(super) at: At,
}

pub(super) fn split(file: u16, text: &str) -> Result<Vec<Row>, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut splitter = Splitter {
        chars: text.chars().peekable(),
        at: At { file, line: 1, column: 1 },
        separator: separator(text),
    };
    let mut rows = Vec::new();
    let mut cells = 0;
    while splitter.chars.peek().is_some() {
        let row = splitter.row()?;
        cells += row.cells.len();
        if cells > MAX_CELLS {
            return Err(fault(
                row.at,
                "the table has too many cells",
                "remove columns and lines that are not used",
            ));
        }
        if row.cells.iter().any(|cell| !cell.words.is_empty()) {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// The separator that is most frequent in the first line.
fn separator(text: &str) -> char {
    let first = text.lines().next().unwrap_or("");
    let count = |separator: char| first.matches(separator).count();
    [';', '\t'].into_iter().fold(',', |best, other| if count(other) > count(best) { other } else { best })
}

struct Splitter<'t> {
    chars: std::iter::Peekable<std::str::Chars<'t>>,
    at: At,
    separator: char,
}

impl Splitter<'_> {
    fn row(&mut self) -> Result<Row, Fault> {
        let at = self.at;
        let mut cells = Vec::new();
        loop {
            cells.push(self.cell()?);
            match self.next() {
                Some(c) if c == self.separator => {}
                Some('\r') if self.chars.peek() == Some(&'\n') => {
                    self.next();
                    break;
                }
                Some(_) | None => break,
            }
        }
        Ok(Row { cells, at })
    }

    /// Reads up to the separator or the end of the line, which is left in place.
    fn cell(&mut self) -> Result<Cell, Fault> {
        while matches!(self.chars.peek(), Some(' ')) {
            self.next();
        }
        let at = self.at;
        if self.chars.peek() == Some(&'"') {
            self.next();
            let words = self.quoted(at)?;
            while matches!(self.chars.peek(), Some(' ')) {
                self.next();
            }
            return match self.chars.peek() {
                Some(c) if *c != self.separator && !matches!(c, '\r' | '\n') => {
                    let instead = "write \"\" for a double quote inside quotes";
                    Err(fault(self.at, "there is something after the closing quote", instead))
                }
                _ => Ok(Cell { words: words.trim().to_owned(), at }),
            };
        }
        let mut words = String::new();
        while let Some(c) =
            self.chars.peek().copied().filter(|c| *c != self.separator && !matches!(c, '\r' | '\n'))
        {
            words.push(c);
            self.next();
        }
        Ok(Cell { words: words.trim().to_owned(), at })
    }

    fn quoted(&mut self, start: At) -> Result<String, Fault> {
        let mut words = String::new();
        loop {
            match self.next() {
                Some('"') if self.chars.peek() == Some(&'"') => {
                    self.next();
                    words.push('"');
                }
                Some('"') => return Ok(words),
                Some('\r') if self.chars.peek() == Some(&'\n') => {}
                Some(c) => words.push(c),
                None => return Err(fault(start, "the quote that opens here is not closed", "close it")),
            }
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c == '\n' || (c == '\r' && self.chars.peek() != Some(&'\n')) {
            self.at.line = self.at.line.saturating_add(1);
            self.at.column = 1;
        } else {
            self.at.column = self.at.column.saturating_add(1);
        }
        Some(c)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        let rows = split(0, text).unwrap_or_else(|fault| panic!("{}", fault.what));
        rows.into_iter().map(|row| row.cells.into_iter().map(|c| c.words).collect()).collect()
    }

    #[test]
    fn cells_are_split_as_spreadsheets_write_them() {
        assert_eq!(words("a,b\r\n1,2\r\n"), [["a", "b"], ["1", "2"]]);
        assert_eq!(words("a;b\n\"x;y\"; z \n;;\n"), [["a", "b"], ["x;y", "z"]]);
        assert_eq!(words("\u{feff}a\tb\n\"say \"\"hi\"\"\"\t\n"), [["a", "b"], ["say \"hi\"", ""]]);
        assert_eq!(words("a\n\"two\r\nlines\"\nlast"), [["a"], ["two\nlines"], ["last"]]);
        assert!(words("").is_empty() && words("\n\n").is_empty());
    }

    #[test]
    fn every_cell_knows_its_place() {
        let rows = split(0, "a,b\n\"x\ny\",ö, q\n").unwrap_or_else(|fault| panic!("{}", fault.what));
        let places: Vec<(u32, u32)> = rows[1].cells.iter().map(|c| (c.at.line, c.at.column)).collect();
        assert_eq!(places, [(2, 1), (3, 4), (3, 7)]);
        let open = split(0, "a\nb,\"c\n").err().map(|fault| (fault.at.line, fault.at.column));
        assert_eq!(open, Some((2, 3)));
    }
}
