//! Bytes to text. A spreadsheet that saves in an old code page is the most common way to a file that is none.

use super::error::Fault;
use super::node::At;

/// The bytes as text, or the place of the first that is not UTF-8.
pub(super) fn text(file: u16, bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|error| {
        let (before, rest) = bytes.split_at(error.valid_up_to());
        let fault = |at, what: String| Fault {
            at,
            path: String::new(),
            what,
            instead: "save the file as UTF-8; spreadsheets call it \"CSV UTF-8\"".to_owned(),
        };
        if let [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] = bytes {
            return fault(At { file, line: 1, column: 1 }, "the file is UTF-16".to_owned());
        }
        let byte = rest.first().copied().unwrap_or_default();
        fault(place(file, before), format!("the byte {byte:02X} is not UTF-8"))
    })
}

/// The place right after `before`, which is UTF-8.
fn place(file: u16, before: &[u8]) -> At {
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let last = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    // Every byte but the second and further ones of a character begins one.
    let column = last.iter().filter(|byte| **byte & 0xC0 != 0x80).count() + 1;
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    At { file, line: number(line), column: number(column) }
}
