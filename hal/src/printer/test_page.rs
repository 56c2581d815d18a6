//! The page a technician prints to see that a printer and its profile fit together.

use super::document::{
    Align, BarCode, BarCodeKind, Block, Cut, Line, PrintDocument, QrCode, QrCorrection, ReadableText, Rule,
    Size,
};
use super::profile::Profile;

/// Characters that come out wrong when the printer is stuck on another code page.
const CODE_PAGE_LINE: &str = "€ Ä ß č ł Ж";
/// Scripts that no code page holds and that must come out as pictures.
const RASTER_LINE: &str = "中文 قهوة";

/// A test page: width ruler, code-page line, raster line, sizes, QR and bar code, picture edges, cut.
///
/// The ruler must end exactly at the right edge without a line break; the code-page line must read as in the manual;
/// the frame must be closed on all sides.
#[must_use]
pub fn test_page(profile: &Profile, title: &str) -> PrintDocument {
    let columns = usize::from(profile.columns_a);
    let mut page = PrintDocument::new();
    page.push(Line::new(title).sized(Size::DOUBLE).centered());
    page.push(Line::columns(profile.id.clone(), format!("{columns} columns")));
    page.push(Line::new(ruler(columns)));
    page.push(Rule::Single);
    page.push(Line::new(CODE_PAGE_LINE));
    page.push(Line::new(RASTER_LINE));
    page.push(Line::columns("Bold", "1,234.50").bold());
    page.push(Line::columns("Inverse", "1,234.50").inverse());
    page.push(Line::columns("Tall", "1,234.50").sized(Size::TALL));
    page.push(Line::columns("Small", "1,234.50").small());
    page.push(Rule::Double);
    page.push(QrCode {
        data: title.as_bytes().to_vec(),
        module_dots: 6,
        correction: QrCorrection::Medium,
        align: Align::Center,
    });
    page.push(BarCode {
        kind: BarCodeKind::Ean13,
        data: "400638133393".to_owned(),
        height_dots: 80,
        readable: ReadableText::Below,
        align: Align::Center,
    });
    page.push(Block::Image { image: frame(usize::from(profile.dots_wide)), align: Align::Start });
    page.push(Block::Feed { lines: 2 });
    page.push(Cut::Partial);
    page
}

/// `1234567890123…`, so that the last digit and its place can be read off.
fn ruler(columns: usize) -> String {
    (1..=columns).map(|column| char::from(b'0' + u8::try_from(column % 10).unwrap_or(0))).collect()
}

/// A frame around the whole printable width.
fn frame(width: usize) -> super::BitImage {
    const HEIGHT: usize = 24;
    let mut image = super::BitImage::new(width, HEIGHT);
    for y in 0..HEIGHT {
        for x in 0..width {
            let inside = (2..HEIGHT - 2).contains(&y) && (2..width.saturating_sub(2)).contains(&x);
            image.set(x, y, !inside);
        }
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printer::{TextShaper, encode};

    #[test]
    fn the_test_page_prints_on_every_profile_without_flaw() {
        for profile in [Profile::tm_t88v(), Profile::nt_5890k(), Profile::plain_80()] {
            let arabic = include_bytes!("../../tests/fonts/arabic.ttf").to_vec();
            let han = include_bytes!("../../tests/fonts/han.ttf").to_vec();
            let mut shaper = TextShaper::new([arabic, han]).unwrap();
            let page = encode(&test_page(&profile, "kiosk"), &profile, Some(&mut shaper)).unwrap();
            assert_eq!(page.warnings, [], "{}", profile.id);
            assert!(page.dots_high > 600);
            let ruler = ruler(usize::from(profile.columns_a));
            assert!(page.bytes.windows(ruler.len() + 1).any(|w| w == format!("{ruler}\n").as_bytes()));
        }
    }
}
