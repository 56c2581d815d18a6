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
pub(crate) fn paper(document: &ReceiptDocument, logo: Option<&BitImage>) -> PrintDocument {
    let mut paper = PrintDocument::new();
    for block in &document.blocks {
        match block {
            Block::Logo => {
                if let Some(image) = logo {
                    let align = printer::Align::Center;
                    paper.push(printer::Block::Image { image: image.clone(), align });
                }
            }
            Block::Line { text, align, style } => {
                paper.push(styled(Line { align: to_align(*align), ..Line::new(&**text) }, *style));
            }
            Block::Columns { left, right, style } => {
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

fn to_align(align: Align) -> printer::Align {
    match align {
        Align::Start => printer::Align::Start,
        Align::Center => printer::Align::Center,
        Align::End => printer::Align::End,
    }
}
