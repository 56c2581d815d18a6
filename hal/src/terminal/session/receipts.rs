//! Puts receipts together from lines and blocks.

use crate::terminal::codec::print::Printed;
use crate::terminal::types::{ReceiptKind, ReceiptLine, TerminalReceipt};

/// Lines of one receipt; a terminal that prints without end must not fill our memory.
const MAX_LINES: usize = 1000;

/// Words by which a line tells whose copy it is; the only thing ever read out of receipt text.
const CUSTOMER_WORDS: [&str; 4] = ["KUNDENBELEG", "CUSTOMER RECEIPT", "CUSTOMER COPY", "CARDHOLDER COPY"];
const MERCHANT_WORDS: [&str; 4] = ["HÄNDLERBELEG", "HAENDLERBELEG", "MERCHANT RECEIPT", "MERCHANT COPY"];

/// The receipt that is being printed.
#[derive(Default)]
pub(super) struct Receipts {
    kind: Option<ReceiptKind>,
    lines: Vec<ReceiptLine>,
}

impl Receipts {
    /// Adds something printed and gives the receipts that are now complete.
    pub(super) fn take(&mut self, printed: Printed) -> Vec<TerminalReceipt> {
        let mut complete = Vec::new();
        let another = printed.kind.is_some() && self.kind.is_some() && printed.kind != self.kind;
        if another {
            complete.extend(self.flush());
        }
        self.kind = self.kind.or(printed.kind);
        let room = MAX_LINES.saturating_sub(self.lines.len());
        self.lines.extend(printed.lines.into_iter().take(room));
        if printed.end {
            complete.extend(self.flush());
        }
        complete
    }

    /// What has been printed so far, as a receipt; nothing if there is no text in it.
    pub(super) fn flush(&mut self) -> Option<TerminalReceipt> {
        let lines = std::mem::take(&mut self.lines);
        let kind = self.kind.take();
        let has_text = lines.iter().any(|line| !line.text.is_empty());
        has_text.then(|| TerminalReceipt { kind: kind.unwrap_or_else(|| guess(&lines)), lines })
    }
}

fn guess(lines: &[ReceiptLine]) -> ReceiptKind {
    let has = |words: &[&str]| {
        lines.iter().any(|line| {
            let text = line.text.to_uppercase();
            words.iter().any(|word| text.contains(word))
        })
    };
    if has(&CUSTOMER_WORDS) {
        ReceiptKind::Customer
    } else if has(&MERCHANT_WORDS) {
        ReceiptKind::Merchant
    } else {
        ReceiptKind::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(kind: Option<ReceiptKind>, text: &str, end: bool) -> Printed {
        let line = ReceiptLine { text: text.to_owned(), ..ReceiptLine::default() };
        Printed { kind, lines: vec![line], end }
    }

    #[test]
    fn blocks_of_one_kind_are_one_receipt_until_it_ends() {
        let mut receipts = Receipts::default();
        assert_eq!(receipts.take(printed(Some(ReceiptKind::Customer), "a", false)), []);
        let complete = receipts.take(printed(Some(ReceiptKind::Customer), "b", true));
        assert_eq!(complete.len(), 1);
        assert_eq!((complete[0].kind, complete[0].lines.len()), (ReceiptKind::Customer, 2));
        assert_eq!(receipts.flush(), None);
    }

    #[test]
    fn another_kind_begins_another_receipt() {
        let mut receipts = Receipts::default();
        receipts.take(printed(Some(ReceiptKind::Merchant), "a", false));
        let complete = receipts.take(printed(Some(ReceiptKind::Customer), "b", false));
        assert_eq!(complete[0].kind, ReceiptKind::Merchant);
        assert_eq!(receipts.flush().unwrap().kind, ReceiptKind::Customer);
    }

    #[test]
    fn a_receipt_without_a_kind_may_name_it_in_its_text() {
        for (text, kind) in [
            ("* * Kundenbeleg * *", ReceiptKind::Customer),
            ("Händlerbeleg", ReceiptKind::Merchant),
            ("Kassenschnitt", ReceiptKind::Unknown),
        ] {
            let mut receipts = Receipts::default();
            assert_eq!(receipts.take(printed(None, text, true))[0].kind, kind);
        }
    }

    #[test]
    fn a_terminal_that_never_stops_printing_fills_one_receipt_only() {
        let mut receipts = Receipts::default();
        for _ in 0..2 * MAX_LINES {
            receipts.take(printed(None, "x", false));
        }
        assert_eq!(receipts.flush().unwrap().lines.len(), MAX_LINES);
    }
}
