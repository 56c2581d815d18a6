//! Text into rows of columns.

use crate::printer::document::{LINE_CHARS_MAX, Line, Span, Style};

/// Narrowest left column worth wrapping to; below it the right column gets a row of its own.
const LEFT_COLUMNS_MIN: usize = 8;

/// A character and how it looks.
pub(crate) type Cell = (char, Style);

/// One row of the paper, at most as many cells as it has columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
}

/// The printable characters of a column: breaks and tabs as spaces, other controls and direction marks dropped.
///
/// Direction overrides are dropped because a customer's text could turn the price around with them.
pub(crate) fn clean(spans: &[Span]) -> Vec<Cell> {
    spans
        .iter()
        .flat_map(|span| span.text.chars().map(move |c| (c, span.style)))
        .filter_map(|(c, style)| match c {
            '\n' | '\t' | '\u{a0}' | '\u{202f}' => Some((' ', style)),
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => None,
            '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => None,
            c if c.is_control() => None,
            c => Some((c, style)),
        })
        .take(LINE_CHARS_MAX)
        .collect()
}

/// Rows for `line` on paper with `columns` columns of the line's character width.
pub(super) fn rows(line: &Line, columns: usize) -> Vec<Row> {
    let left = clean(&line.left);
    let mut right = clean(&line.right);
    right.truncate(columns);
    if right.is_empty() {
        return wrap(&left, columns, usize::from(line.hanging_indent));
    }
    let beside = columns.saturating_sub(right.len() + 1);
    if beside < LEFT_COLUMNS_MIN.min(left.len()) {
        let mut rows = wrap(&left, columns, usize::from(line.hanging_indent));
        rows.push(spread(Vec::new(), right, columns));
        return rows;
    }
    let mut rows = wrap(&left, beside, usize::from(line.hanging_indent));
    let first = std::mem::take(&mut rows[0].cells);
    rows[0] = spread(first, right, columns);
    rows
}

/// A row with `left` and `right` at its two edges.
fn spread(left: Vec<Cell>, right: Vec<Cell>, columns: usize) -> Row {
    let gap = columns.saturating_sub(left.len() + right.len());
    let mut cells = left;
    cells.extend(std::iter::repeat_n((' ', Style::default()), gap));
    cells.extend(right);
    Row { cells }
}

/// Breaks between words, or inside a word that is longer than a row. Always gives at least one row.
fn wrap(cells: &[Cell], columns: usize, hanging: usize) -> Vec<Row> {
    let columns = columns.max(1);
    let hanging = hanging.min(columns / 2);
    let mut rows = Vec::new();
    let mut rest = cells;
    loop {
        let indent = if rows.is_empty() { 0 } else { hanging };
        let taken = take_row(rest, columns - indent);
        let mut row = vec![(' ', Style::default()); indent];
        // Spaces at the end of the whole text are meant: they shift what is centred.
        let ends = taken == rest.len();
        row.extend_from_slice(if ends { rest } else { trim_end(&rest[..taken]) });
        rows.push(Row { cells: row });
        rest = trim_start(&rest[taken..]);
        if rest.is_empty() {
            return rows;
        }
    }
}

/// How many cells go into the next row.
fn take_row(cells: &[Cell], columns: usize) -> usize {
    if cells.len() <= columns {
        return cells.len();
    }
    let indent = cells.len() - trim_start(cells).len();
    // The cell after the row counts too: a space there means the last word just fits.
    let break_at = cells[..=columns].iter().rposition(|(c, _)| *c == ' ');
    break_at.filter(|at| *at > indent).unwrap_or(columns)
}

fn trim_start(cells: &[Cell]) -> &[Cell] {
    let from = cells.iter().position(|(c, _)| *c != ' ').unwrap_or(cells.len());
    &cells[from..]
}

fn trim_end(cells: &[Cell]) -> &[Cell] {
    let to = cells.iter().rposition(|(c, _)| *c != ' ').map_or(0, |at| at + 1);
    &cells[..to]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(line: &Line, columns: usize) -> Vec<String> {
        rows(line, columns).iter().map(|row| row.cells.iter().map(|(c, _)| c).collect()).collect()
    }

    #[test]
    fn the_amount_stands_at_the_edge_of_the_first_row_and_the_name_wraps_beside_it() {
        let line = Line::columns("2 x Double cheeseburger without onions", "21.80").hanging(2);
        assert_eq!(
            texts(&line, 32),
            ["2 x Double cheeseburger    21.80", "  without onions"],
            "five columns and a gap stay free below the amount"
        );
    }

    #[test]
    fn an_amount_too_wide_to_stand_beside_gets_its_own_row() {
        let line = Line::columns("Change given in cash", "1,234,567.00");
        assert_eq!(texts(&line, 16), ["Change given in", "cash", "    1,234,567.00"]);
    }

    #[test]
    fn words_longer_than_the_paper_are_cut_and_own_indents_stay() {
        assert_eq!(texts(&Line::new("Rindfleischetikettierung"), 10), ["Rindfleisc", "hetikettie", "rung"]);
        assert_eq!(texts(&Line::new("  + extra cheese please"), 12), ["  + extra", "cheese", "please"]);
        assert_eq!(texts(&Line::new("exact fits"), 5), ["exact", "fits"]);
        assert_eq!(texts(&Line::new(""), 5), [""]);
    }

    #[test]
    fn control_and_direction_characters_never_reach_the_paper() {
        assert_eq!(texts(&Line::new("a\u{1b}@b\u{202e}c\nd\u{10}\u{4}"), 20), ["a@bc d"]);
    }

    proptest! {
        #[test]
        fn no_row_is_wider_than_the_paper_and_no_letter_is_lost(
            left in "[ a-z]{0,200}", right in "[a-z0-9]{0,12}", columns in 1_usize..64, hanging: u8) {
            let line = Line::columns(left.clone(), right.clone()).hanging(hanging);
            let rows = texts(&line, columns);
            prop_assert!(rows.iter().all(|row| row.chars().count() <= columns));
            if right.len() <= columns {
                let mut printed: Vec<char> = rows.concat().chars().filter(|c| *c != ' ').collect();
                let mut wanted: Vec<char> = format!("{left}{right}").chars().filter(|c| *c != ' ').collect();
                printed.sort_unstable();
                wanted.sort_unstable();
                prop_assert_eq!(printed, wanted);
            }
        }
    }
}
