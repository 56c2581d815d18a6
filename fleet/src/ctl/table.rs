//! Tables of text. A table that is wider than the terminal loses characters of its widest cells first, then whole
//! columns from the right; the first column, the name, stays whole.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Between two columns.
const GAP: usize = 2;

/// No cell is cut shorter than this.
const LEAST: usize = 10;

/// How a cell is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Tone {
    #[default]
    Plain,
    Good,
    Odd,
    Bad,
    Faint,
}

/// What stands in a place of a table.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Cell {
    pub text: String,
    pub tone: Tone,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, tone: Tone::Plain }
    }
}

/// What a table is written on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Paper {
    /// Columns of the terminal; `None`: as wide as it takes.
    pub width: Option<usize>,
    pub colour: bool,
}

impl Paper {
    /// Text in its tone.
    pub(super) fn paint(self, text: &str, tone: Tone) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Odd => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
            Tone::Plain => return text.to_owned(),
        };
        if self.colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn strong(self, text: &str) -> String {
        if self.colour { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Writes a table that fits: what is too wide loses its empty columns first. See [`written`].
pub(super) fn table(titles: &[&str], rows: &[Vec<Cell>], paper: Paper) -> String {
    let whole = written(titles, rows, Paper { width: None, ..paper });
    let is_plain = Paper { width: None, colour: false };
    let widest = || written(titles, rows, is_plain).lines().map(|line| line.width()).max();
    if rows.is_empty() || paper.width.is_none_or(|width| widest() <= Some(width)) {
        return whole;
    }
    let full: Vec<usize> =
        (0..titles.len()).filter(|at| rows.iter().any(|row| !row[*at].text.is_empty())).collect();
    let titles: Vec<&str> = full.iter().map(|at| titles[*at]).collect();
    let rows: Vec<Vec<Cell>> =
        rows.iter().map(|row| full.iter().map(|at| row[*at].clone()).collect()).collect();
    written(&titles, &rows, paper)
}

/// Every line ends with a line feed. Cells are taken as they are: cleaned before.
fn written(titles: &[&str], rows: &[Vec<Cell>], paper: Paper) -> String {
    let natural: Vec<usize> = titles
        .iter()
        .enumerate()
        .map(|(at, title)| rows.iter().map(|row| row[at].text.width()).max().unwrap_or(0).max(title.width()))
        .collect();
    let widths = fit(natural, paper.width);
    let mut text = String::new();
    let mut write = |cells: &mut dyn Iterator<Item = (&str, Tone)>, strong: bool| {
        let mut line = String::new();
        let mut owed = 0;
        for ((cell, tone), width) in cells.zip(&widths) {
            let cell = cut(cell, *width);
            line.push_str(&" ".repeat(owed));
            owed = width - cell.width() + GAP;
            line.push_str(&if strong { paper.strong(&cell) } else { paper.paint(&cell, tone) });
        }
        text.push_str(&line);
        text.push('\n');
    };
    write(&mut titles.iter().map(|title| (*title, Tone::Plain)), true);
    for row in rows {
        write(&mut row.iter().map(|cell| (cell.text.as_str(), cell.tone)), false);
    }
    // Empty cells at the end of a line leave blanks behind.
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Widths that fit, for as many columns as fit.
fn fit(mut natural: Vec<usize>, limit: Option<usize>) -> Vec<usize> {
    let Some(limit) = limit else { return natural };
    let total = |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    loop {
        let mut widths = natural.clone();
        while total(&widths) > limit {
            // The first column is a name: half of it is none.
            let others = widths.iter_mut().skip(1);
            let Some(widest) = others.max().filter(|width| **width > LEAST) else { break };
            *widest -= 1;
        }
        if total(&widths) <= limit || widths.len() == 1 {
            return widths;
        }
        natural.pop();
    }
}

/// At most so many columns of a terminal; what is cut ends with an ellipsis.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used >= width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<Cell>> {
        rows.iter().map(|row| row.iter().map(|text| Cell::from((*text).to_owned())).collect()).collect()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_nothing_trails() {
        let rows = rows(&[&["t1.k0001", "online", ""], &["a", "never-seen", "寿司"]]);
        let text = table(&["KIOSK", "STATE", "NAME"], &rows, Paper::default());
        assert_eq!(text, "KIOSK     STATE       NAME\nt1.k0001  online\na         never-seen  寿司\n");
        assert_eq!(table(&["KIOSK"], &[], Paper::default()), "KIOSK\n");
    }

    #[test]
    fn a_narrow_terminal_gets_shorter_cells_then_fewer_columns() {
        let long = "x".repeat(40);
        let warm = rows(&[&["t1.k0001", &long, "here it is warm"]]);
        for width in 1..80 {
            let paper = Paper { width: Some(width), colour: false };
            let text = table(&["KIOSK", "NAME", "WHAT"], &warm, paper);
            let widest = text.lines().map(|line| line.width()).max().unwrap();
            assert!(widest <= width.max(LEAST), "{width}: {text}");
        }
        let text = table(&["KIOSK", "NAME", "WHAT"], &warm, Paper { width: Some(32), colour: false });
        assert_eq!(text.lines().nth(1).unwrap(), "t1.k0001  xxxxxxxxx…  here it i…");
        let gap = rows(&[&["t1.k0001", "", "here it is warm"]]);
        let text = table(&["KIOSK", "NAME", "WHAT"], &gap, Paper { width: Some(26), colour: false });
        assert_eq!(text, "KIOSK     WHAT\nt1.k0001  here it is warm\n", "what is empty goes first");
        let text = table(&["KIOSK", "NAME", "WHAT"], &warm, Paper { width: Some(20), colour: false });
        assert_eq!(text.lines().nth(1).unwrap(), "t1.k0001  xxxxxxxxx…");
        let text = table(&["ID", "X"], &rows(&[&[&long, "y"]]), Paper { width: Some(20), colour: false });
        assert_eq!(text.lines().nth(1).unwrap(), long, "a name is shown whole");
        assert_eq!(cut("寿司寿司", 5), "寿司…");
    }

    #[test]
    fn colours_do_not_move_columns() {
        let row = |text: &str, tone| vec![Cell { text: text.to_owned(), tone }, Cell::from("x".to_owned())];
        let rows = [row("online", Tone::Good), row("stale", Tone::Odd)];
        let text = table(&["STATE", "Y"], &rows, Paper { width: None, colour: true });
        let plain = text
            .replace("\x1b[1m", "")
            .replace("\x1b[32m", "")
            .replace("\x1b[33m", "")
            .replace("\x1b[0m", "");
        assert_eq!(plain, "STATE   Y\nonline  x\nstale   x\n");
    }
}
