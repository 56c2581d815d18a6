use super::super::document::{Size, Style};
use super::*;

const PAPER: usize = 512;

fn shaper() -> TextShaper {
    let arabic = include_bytes!("../../../tests/fonts/arabic.ttf").to_vec();
    let han = include_bytes!("../../../tests/fonts/han.ttf").to_vec();
    TextShaper::new([arabic, han]).unwrap()
}

fn shape(line: &Line) -> BitImage {
    let shaped = shaper().shape(line, PAPER);
    assert_eq!(shaped.missing_glyphs, 0);
    shaped.image
}

/// First and last black column of the picture.
fn ink(image: &BitImage) -> (usize, usize) {
    let mut columns = (0..image.width()).filter(|x| (0..image.height()).any(|y| image.get(*x, y)));
    let first = columns.next().expect("something is printed");
    (first, columns.next_back().unwrap_or(first))
}

fn black(image: &BitImage) -> usize {
    (0..image.height()).map(|y| (0..image.width()).filter(|x| image.get(*x, y)).count()).sum()
}

#[test]
fn arabic_starts_at_the_right_edge_and_its_letters_join() {
    let word = shape(&Line::new("شاي"));
    let (first, last) = ink(&word);
    assert!(last > PAPER - 10, "ends at {last}");
    assert_eq!(word.height(), 30);
    // The same letters kept apart take more paper than the joined word.
    let (apart_first, _) = ink(&shape(&Line::new("ش ا ي")));
    assert!(apart_first + 20 < first, "{apart_first} {first}");
    // An initial letter has another shape than an isolated one, so no isolated yeh stands in the word's picture.
    assert_ne!(black(&shape(&Line::new("يشا"))), black(&word), "joining depends on the order");
}

#[test]
fn columns_change_sides_when_the_text_runs_from_right_to_left() {
    let image = shape(&Line::columns("قهوة", "12.50"));
    let (first, last) = ink(&image);
    assert!(first < 5, "the amount is at the left edge, not at {first}");
    assert!(last > PAPER - 10);
    let latin = shape(&Line::columns("x", "12.50"));
    assert!(ink(&latin).0 < 5 && ink(&latin).1 > PAPER - 10);
}

#[test]
fn digits_inside_arabic_keep_their_order() {
    // "17" drawn inside an Arabic line is the same picture as "17" alone, not "71".
    let alone = shape(&Line::new("17"));
    let other = shape(&Line::new("71"));
    let inside = shape(&Line::new("شاي 17"));
    let (_, width) = ink(&alone);
    let matches = |wanted: &BitImage, at: usize| {
        (0..30).all(|y| (0..=width).all(|x| wanted.get(x, y) == inside.get(at + x, y)))
    };
    assert!((0..PAPER).any(|at| matches(&alone, at)));
    assert!(!(0..PAPER).any(|at| matches(&other, at)));
}

#[test]
fn han_characters_come_from_the_second_font_in_full_cells() {
    let image = shape(&Line::new("中文咖啡"));
    let (first, last) = ink(&image);
    assert!(first < 6 && (80..=96).contains(&last), "four cells of 24 dots: {first} to {last}");
}

#[test]
fn text_wraps_within_the_paper_and_sizes_scale() {
    let long = Line::new("咖啡 ".repeat(20).trim_end());
    let image = shape(&long);
    assert_eq!(image.height() % 30, 0);
    assert!(image.height() >= 90, "twenty words of 54 dots need three rows");
    assert_eq!(image.width(), PAPER);
    let double = shape(&Line::new("茶").sized(Size::DOUBLE));
    assert_eq!(double.height(), 60);
    let wide = shape(&Line::new("茶").sized(Size::new(2, 1)));
    assert_eq!((wide.height(), wide.width()), (30, PAPER));
    assert!(ink(&wide).1 > 30, "stretched to two cells");
}

#[test]
fn bold_is_heavier_and_inverse_is_mostly_black() {
    let normal = black(&shape(&Line::new("汉堡")));
    let bold = black(&shape(&Line::new("汉堡").bold()));
    let inverse = black(&shape(&Line::new("汉堡").inverse()));
    assert!(bold > normal + normal / 10, "{bold} {normal}");
    assert!(inverse > 2 * normal, "{inverse} {normal}");
    let mut underlined = Line::new("汉堡");
    underlined.left[0].style = Style { underline: true, ..Style::default() };
    assert!(black(&shape(&underlined)) >= normal + 40);
}

#[test]
fn characters_in_no_font_are_counted() {
    assert_eq!(shaper().shape(&Line::new("ก茶"), PAPER).missing_glyphs, 1);
}

#[test]
fn files_that_are_no_fonts_are_refused() {
    assert_eq!(TextShaper::new([b"not a font".to_vec()]).unwrap_err(), ShaperError::NoFont);
}

#[test]
fn empty_and_absurd_lines_are_shaped_without_panic() {
    let mut shaper = shaper();
    for text in ["", " ", "\u{202e}\u{0}", "\u{0301}", "ل\u{64e}"] {
        for width in [1, 8, 384, 100_000] {
            let line = Line::columns(text, text).sized(Size::new(8, 1));
            let _ = shaper.shape(&line, width);
        }
    }
}
