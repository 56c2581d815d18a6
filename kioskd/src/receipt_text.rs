//! A receipt as plain text, for terminals and logs of tools.

use domain::receipt::{Align, Block, ReceiptDocument};

/// Columns of an 80 mm printer's normal font.
pub const COLUMNS: usize = 42;

/// The document in [`COLUMNS`] columns.
pub fn text(document: &ReceiptDocument) -> String {
    let mut lines = Vec::new();
    for block in &document.blocks {
        match block {
            Block::Logo | Block::Total(_) => {}
            Block::Line { text, align, .. } => lines.push(aligned(text, *align)),
            Block::Columns { left, right, .. } => lines.push(columns(left, right)),
            Block::Rule => lines.push("-".repeat(COLUMNS)),
            Block::Space(n) => lines.extend(std::iter::repeat_n(String::new(), usize::from(*n))),
            Block::Qr(data) => lines.push(format!("[QR {data}]")),
            Block::Barcode(data) => lines.push(format!("[BAR CODE {data}]")),
        }
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n") + "\n"
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn aligned(text: &str, align: Align) -> String {
    let free = COLUMNS.saturating_sub(width(text));
    let before = match align {
        Align::Start => 0,
        Align::Center => free / 2,
        Align::End => free,
    };
    format!("{}{text}", " ".repeat(before))
}

fn columns(left: &str, right: &str) -> String {
    let gap = COLUMNS.saturating_sub(width(left) + width(right)).max(1);
    format!("{left}{}{right}", " ".repeat(gap))
}

#[cfg(test)]
mod tests {
    use domain::receipt::{ReceiptKind, Style};
    use domain::text::Lang;

    use super::*;

    #[test]
    fn columns_stand_at_both_edges() {
        let document = ReceiptDocument {
            lang: Lang::new("en"),
            kind: ReceiptKind::Sale,
            blocks: vec![
                Block::Line { text: "Shop".into(), align: Align::Center, style: Style::Strong },
                Block::Columns { left: "Cola".into(), right: "3.50".into(), style: Style::Normal },
                Block::Rule,
            ],
        };
        let text = text(&document);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], format!("{}Shop", " ".repeat(19)));
        assert_eq!(lines[1].chars().count(), COLUMNS);
        assert_eq!(lines[2], "-".repeat(COLUMNS));
    }
}
