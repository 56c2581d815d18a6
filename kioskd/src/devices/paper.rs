//! From the domain's receipt to a document for a printer.

use domain::receipt::{Align, Block, ReceiptDocument, Style};
use hal::printer::{
    self, BarCode, BarCodeKind, BitImage, Cut, Line, PrintDocument, QrCode, QrCorrection, ReadableText, Rule,
    Size,
};

/// Dots a module of a receipt's QR code measures: read from paper at arm's length.
const QR_MODULE_DOTS: u8 = 6;

/// Bars of a receipt's bar code, 10 mm.
const BAR_HEIGHT_DOTS: u8 = 80;

/// Lays a document out and cuts it off.
pub fn paper(document: &ReceiptDocument, logo: Option<&BitImage>) -> PrintDocument {
    let mut paper = PrintDocument::new();
    let rtl = document.lang.is_rtl();
    for block in &document.blocks {
        match block {
            Block::Logo => {
                if let Some(image) = logo {
                    let align = printer::Align::Center;
                    paper.push(printer::Block::Image { image: image.clone(), align });
                }
            }
            Block::Line { text, align, style } => {
                let align = to_align(*align, rtl && !is_read_from_right(text));
                paper.push(styled(Line { align, ..Line::new(&**text) }, *style));
            }
            Block::Columns { left, right, style } => {
                // The printer turns a line around by its letters; one without any stands as its neighbours.
                let turned = rtl && !is_read_from_right(left);
                let (left, right) = if turned { (right, left) } else { (left, right) };
                paper.push(styled(Line::columns(&**left, &**right).hanging(2), *style));
            }
            Block::Rule => {
                paper.push(printer::Block::Rule(Rule::Single));
            }
            Block::Space(lines) => {
                paper.push(printer::Block::Feed { lines: *lines });
            }
            Block::Qr(text) => {
                paper.push(printer::Block::Qr(QrCode {
                    data: text.as_bytes().to_vec(),
                    module_dots: QR_MODULE_DOTS,
                    correction: QrCorrection::Medium,
                    align: printer::Align::Center,
                }));
            }
            Block::Barcode(text) => {
                paper.push(printer::Block::BarCode(BarCode {
                    kind: BarCodeKind::Code128,
                    data: text.to_string(),
                    height_dots: BAR_HEIGHT_DOTS,
                    readable: ReadableText::Below,
                    align: printer::Align::Center,
                }));
            }
            // For machines only.
            Block::Total(_) => {}
        }
    }
    paper.push(printer::Block::Cut(Cut::Partial));
    paper
}

fn styled(line: Line, style: Style) -> Line {
    match style {
        Style::Normal => line,
        Style::Small => line.small(),
        Style::Strong => line.bold(),
        Style::Large => line.bold().sized(Size::DOUBLE),
        Style::Huge => line.bold().sized(Size::new(6, 6)),
    }
}

fn to_align(align: Align, turned: bool) -> printer::Align {
    match align {
        Align::Center => printer::Align::Center,
        Align::Start if turned => printer::Align::End,
        Align::End if turned => printer::Align::Start,
        Align::Start => printer::Align::Start,
        Align::End => printer::Align::End,
    }
}

/// Whether a text has Arabic or Hebrew letters, so that the printer writes it from the right by itself.
fn is_read_from_right(text: &str) -> bool {
    text.chars()
        .any(|c| matches!(c, '\u{0590}'..='\u{08ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::receipt::ReceiptKind;
    use domain::text::Lang;

    use super::*;

    fn lines(lang: &str, blocks: Vec<Block>) -> Vec<Line> {
        let document = ReceiptDocument { kind: ReceiptKind::Sale, lang: Lang::new(lang), blocks };
        let printed = paper(&document, None);
        printed
            .blocks
            .iter()
            .filter_map(|block| match block {
                printer::Block::Line(line) => Some(line.clone()),
                _ => None,
            })
            .collect()
    }

    fn columns(left: &str) -> Block {
        Block::Columns { left: Arc::from(left), right: "26.80 €".into(), style: Style::Normal }
    }

    #[test]
    fn amounts_stand_at_one_edge_whatever_the_letters_of_their_line() {
        let [latin, arabic] = lines("ar", vec![columns("girocard"), columns("المجموع")]).try_into().unwrap();
        assert_eq!(latin, Line::columns("26.80 €", "girocard").hanging(2), "turned by us");
        assert_eq!(arabic, Line::columns("المجموع", "26.80 €").hanging(2), "turned by the printer");
        assert_eq!(lines("en", vec![columns("girocard")]), [Line::columns("girocard", "26.80 €").hanging(2)]);
    }

    #[test]
    fn a_line_without_arabic_letters_begins_where_the_others_do() {
        let line = |text: &str| Block::Line { text: text.into(), align: Align::Start, style: Style::Normal };
        let aligns: Vec<_> =
            lines("ar", vec![line("TA 1"), line("شاي")]).iter().map(|line| line.align).collect();
        assert_eq!(aligns, [printer::Align::End, printer::Align::Start]);
        assert_eq!(lines("de", vec![line("TA 1")])[0].align, printer::Align::Start);
    }
}
