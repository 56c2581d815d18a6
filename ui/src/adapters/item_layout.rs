//! Where the choices of an item stand. Groups come in any number and size, the page does not scroll: options are set
//! in rows, groups below each other, and what does not fit goes to the next page.
//!
//! Lengths are logical pixels of a body 1000 wide.

use crate::pages::SectionKind;

/// Width of the body.
const BODY: f32 = 1000.0;
/// Between two options side by side.
const GUTTER: f32 = 20.0;
/// Between two groups.
const GROUP_GAP: f32 = 31.0;
/// From a group's heading to its first row.
const HEAD: f32 = 56.0;

/// Room an option of a few takes, relative to one without a price: 250 and 460 of a row of three.
const CHOICE_WITH_PRICE: f32 = 1.84;
/// Narrowest option without a price: a word of twelve letters beside its mark.
const CHOICE_MIN: f32 = 240.0;
/// Average width of a letter of the name on a small option, and what stands around the name.
const LETTER: f32 = 15.0;
const WITHOUT_AROUND: f32 = 91.0;
const WITHOUT_MIN: f32 = 150.0;

/// What decides about the room of an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Content {
    /// Letters of its longest name: "No onion" is longer than "Onion", and must not move the others.
    pub letters: usize,
    /// It shows a price.
    pub priced: bool,
}

/// Where an option stands in its group.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Spot {
    pub left: f32,
    pub width: f32,
    pub row: usize,
}

/// Height of a row and the distance to the next.
fn row_metrics(kind: SectionKind) -> (f32, f32) {
    match kind {
        SectionKind::Size => (132.0, 148.0),
        SectionKind::Choice => (76.0, 96.0),
        SectionKind::Extra => (106.0, 122.0),
        SectionKind::Without => (76.0, 92.0),
    }
}

/// Height of a group with its heading.
fn height(kind: SectionKind, rows: usize) -> f32 {
    let (row, pitch) = row_metrics(kind);
    HEAD + row + as_f32(rows.saturating_sub(1)) * pitch
}

/// Sets the options of one group.
pub(super) fn arrange(kind: SectionKind, options: &[Content]) -> Vec<Spot> {
    match kind {
        SectionKind::Size if options.len() == 2 || options.len() == 4 => columns(options.len(), 2),
        SectionKind::Size | SectionKind::Extra => columns(options.len(), 3),
        SectionKind::Choice => weighted(options),
        SectionKind::Without => flowing(options),
    }
}

/// Equal columns.
fn columns(count: usize, columns: usize) -> Vec<Spot> {
    let width = (BODY - as_f32(columns - 1) * GUTTER) / as_f32(columns);
    (0..count)
        .map(|at| Spot { left: as_f32(at % columns) * (width + GUTTER), width, row: at / columns })
        .collect()
}

/// Rows that are full from edge to edge; options with a price get more of them.
fn weighted(options: &[Content]) -> Vec<Spot> {
    let weight = |content: &Content| if content.priced { CHOICE_WITH_PRICE } else { 1.0 };
    let fits = |from: usize, to: usize| {
        let total: f32 = options[from..to].iter().map(weight).sum();
        (BODY - as_f32(to - from - 1) * GUTTER) / total >= CHOICE_MIN
    };
    let mut spots = Vec::with_capacity(options.len());
    let (mut from, mut row) = (0, 0);
    while from < options.len() {
        let to = (from + 1..=options.len()).rev().find(|to| fits(from, *to)).unwrap_or(from + 1);
        let total: f32 = options[from..to].iter().map(weight).sum();
        let unit = (BODY - as_f32(to - from - 1) * GUTTER) / total;
        let mut left = 0.0;
        for content in &options[from..to] {
            let width = unit * weight(content);
            spots.push(Spot { left, width, row });
            left += width + GUTTER;
        }
        (from, row) = (to, row + 1);
    }
    spots
}

/// Rows of options as wide as their words. A little too much for one row is squeezed into it: the words can shrink.
fn flowing(options: &[Content]) -> Vec<Spot> {
    const GAP: f32 = 16.0;
    const SQUEEZE_MAX: f32 = 1.2;
    let gaps = as_f32(options.len().saturating_sub(1)) * GAP;
    let wanted: f32 = options.iter().map(without_width).sum();
    let available = BODY - gaps;
    let squeeze =
        if wanted > available && wanted <= available * SQUEEZE_MAX { available / wanted } else { 1.0 };
    let mut spots = Vec::with_capacity(options.len());
    let (mut left, mut row) = (0.0, 0);
    for content in options {
        let width = without_width(content) * squeeze;
        if left > 0.0 && left + width > BODY + 0.01 {
            (left, row) = (0.0, row + 1);
        }
        spots.push(Spot { left, width, row });
        left += width + GAP;
    }
    spots
}

fn without_width(content: &Content) -> f32 {
    (WITHOUT_AROUND + as_f32(content.letters) * LETTER).clamp(WITHOUT_MIN, BODY)
}

/// A group, or the part of one that stands on a page: which options, and where it begins.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Block {
    pub group: usize,
    pub options: std::ops::Range<usize>,
    /// Row that is the first on this page.
    pub first_row: usize,
    pub top: f32,
}

/// Spreads groups over pages. `room` is what a page offers, `room_paged` what is left of it once there is more than
/// one page.
pub(super) fn paginate(groups: &[(SectionKind, Vec<Spot>)], room: f32, room_paged: f32) -> Vec<Vec<Block>> {
    let single = fill(groups, room);
    if single.len() <= 1 { single } else { fill(groups, room_paged) }
}

fn fill(groups: &[(SectionKind, Vec<Spot>)], room: f32) -> Vec<Vec<Block>> {
    let mut pages = vec![Vec::new()];
    let mut top = 0.0;
    for (group, (kind, spots)) in groups.iter().enumerate() {
        let rows = spots.last().map_or(0, |spot| spot.row + 1);
        let mut first_row = 0;
        while first_row < rows {
            let left_over = rows - first_row;
            let fitting = (1..=left_over).rev().find(|n| top + height(*kind, *n) <= room);
            // A group starts on a new page rather than breaking, unless a page is too small for it anyway.
            let whole = fitting == Some(left_over);
            let breaks = height(*kind, left_over) > room && fitting.is_some();
            if !whole && !breaks && top > 0.0 {
                pages.push(Vec::new());
                top = 0.0;
                continue;
            }
            let rows_here = fitting.unwrap_or(1);
            let until = first_row + rows_here;
            let index = |row: usize| spots.iter().position(|spot| spot.row >= row).unwrap_or(spots.len());
            let options = index(first_row)..index(until);
            if let Some(page) = pages.last_mut() {
                page.push(Block { group, options, first_row, top });
            }
            top += height(*kind, rows_here) + GROUP_GAP;
            first_row = until;
        }
    }
    pages
}

#[expect(clippy::cast_precision_loss, reason = "rows and columns of a screen")]
fn as_f32(n: usize) -> f32 {
    n as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Content = Content { letters: 7, priced: false };
    const PRICED: Content = Content { letters: 11, priced: true };

    #[test]
    fn a_priced_choice_gets_the_wider_part_of_its_row() {
        let widths: Vec<f32> =
            arrange(SectionKind::Choice, &[PLAIN, PLAIN, PRICED]).iter().map(|spot| spot.width).collect();
        assert_eq!(widths.len(), 3);
        for (width, drawn) in widths.iter().zip([250.0, 250.0, 460.0]) {
            assert!((width - drawn).abs() < 0.01, "{widths:?}");
        }
    }

    #[test]
    fn no_option_leaves_the_body_or_touches_its_neighbour() {
        for kind in [SectionKind::Size, SectionKind::Choice, SectionKind::Extra, SectionKind::Without] {
            for count in 1..24 {
                let contents: Vec<Content> =
                    (0..count).map(|n| Content { letters: 3 + n * 7 % 30, priced: n % 3 == 0 }).collect();
                let spots = arrange(kind, &contents);
                assert_eq!(spots.len(), count);
                for (at, spot) in spots.iter().enumerate() {
                    assert!(
                        spot.left >= 0.0 && spot.left + spot.width <= BODY + 0.01,
                        "{kind:?} {count}: {spot:?}"
                    );
                    if let Some(next) = spots.get(at + 1).filter(|next| next.row == spot.row) {
                        assert!(
                            spot.left + spot.width + 15.9 <= next.left,
                            "{kind:?} {count}: {spot:?} {next:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn every_option_stands_on_exactly_one_page_and_no_page_overflows() {
        let groups: Vec<(SectionKind, Vec<Spot>)> = [
            (SectionKind::Size, 3),
            (SectionKind::Choice, 5),
            (SectionKind::Extra, 30),
            (SectionKind::Without, 12),
            (SectionKind::Choice, 2),
        ]
        .map(|(kind, count)| (kind, arrange(kind, &vec![PRICED; count])))
        .into();
        let pages = paginate(&groups, 828.0, 740.0);
        assert!(pages.len() > 2);
        let mut seen = vec![0; groups.len()];
        for block in pages.iter().flatten() {
            assert_eq!(block.options.start, seen[block.group], "options follow each other");
            seen[block.group] = block.options.end;
            let (kind, spots) = &groups[block.group];
            let rows = spots[block.options.end - 1].row + 1 - block.first_row;
            assert!(block.top + height(*kind, rows) <= 740.0, "{block:?}");
        }
        assert_eq!(seen, [3, 5, 30, 12, 2]);
    }

    #[test]
    fn the_page_that_was_drawn_fits_without_paging() {
        let groups: Vec<(SectionKind, Vec<Spot>)> = vec![
            (SectionKind::Size, arrange(SectionKind::Size, &[PLAIN, PRICED])),
            (SectionKind::Choice, arrange(SectionKind::Choice, &[PLAIN, PLAIN, PRICED])),
            (SectionKind::Extra, arrange(SectionKind::Extra, &[PRICED; 6])),
            (SectionKind::Without, arrange(SectionKind::Without, &[PLAIN; 4])),
        ];
        let pages = paginate(&groups, 830.0, 740.0);
        assert_eq!(pages.len(), 1);
        let tops: Vec<f32> = pages[0].iter().map(|block| block.top).collect();
        assert_eq!(tops, [0.0, 219.0, 382.0, 697.0]);
    }
}
