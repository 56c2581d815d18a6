//! The two-width symbologies: CODE39, interleaved 2 of 5, Codabar. Wide is three modules.

use super::{digits, push_widths, text_of};

const WIDE: u8 = 3;

/// Nine elements per character, bar first; 1 = wide, highest bit first.
#[rustfmt::skip]
const CODE_39: &[(u8, u16)] = &[
    (b'0', 0b0_0011_0100), (b'1', 0b1_0010_0001), (b'2', 0b0_0110_0001), (b'3', 0b1_0110_0000),
    (b'4', 0b0_0011_0001), (b'5', 0b1_0011_0000), (b'6', 0b0_0111_0000), (b'7', 0b0_0010_0101),
    (b'8', 0b1_0010_0100), (b'9', 0b0_0110_0100), (b'A', 0b1_0000_1001), (b'B', 0b0_0100_1001),
    (b'C', 0b1_0100_1000), (b'D', 0b0_0001_1001), (b'E', 0b1_0001_1000), (b'F', 0b0_0101_1000),
    (b'G', 0b0_0000_1101), (b'H', 0b1_0000_1100), (b'I', 0b0_0100_1100), (b'J', 0b0_0001_1100),
    (b'K', 0b1_0000_0011), (b'L', 0b0_0100_0011), (b'M', 0b1_0100_0010), (b'N', 0b0_0001_0011),
    (b'O', 0b1_0001_0010), (b'P', 0b0_0101_0010), (b'Q', 0b0_0000_0111), (b'R', 0b1_0000_0110),
    (b'S', 0b0_0100_0110), (b'T', 0b0_0001_0110), (b'U', 0b1_1000_0001), (b'V', 0b0_1100_0001),
    (b'W', 0b1_1100_0000), (b'X', 0b0_1001_0001), (b'Y', 0b1_1001_0000), (b'Z', 0b0_1101_0000),
    (b'-', 0b0_1000_0101), (b'.', 0b1_1000_0100), (b' ', 0b0_1100_0100), (b'$', 0b0_1010_1000),
    (b'/', 0b0_1010_0010), (b'+', 0b0_1000_1010), (b'%', 0b0_0010_1010), (b'*', 0b0_1001_0100),
];

/// Five elements per digit, 1 = wide.
const TWO_OF_FIVE: [u8; 10] =
    [0b0_0110, 0b1_0001, 0b0_1001, 0b1_1000, 0b0_0101, 0b1_0100, 0b0_1100, 0b0_0011, 0b1_0010, 0b0_1010];

/// Seven elements per character, bar first; 1 = wide.
#[rustfmt::skip]
const CODABAR: &[(u8, u16)] = &[
    (b'0', 0b000_0011), (b'1', 0b000_0110), (b'2', 0b000_1001), (b'3', 0b110_0000), (b'4', 0b001_0010),
    (b'5', 0b100_0010), (b'6', 0b010_0001), (b'7', 0b010_0100), (b'8', 0b011_0000), (b'9', 0b100_1000),
    (b'-', 0b000_1100), (b'$', 0b001_1000), (b':', 0b100_0101), (b'/', 0b101_0001), (b'.', 0b101_0100),
    (b'+', 0b001_0101), (b'A', 0b001_1010), (b'B', 0b010_1001), (b'C', 0b000_1011), (b'D', 0b000_1110),
];

/// Start and stop (`*`) are added when the host left them out.
pub fn code_39(data: &[u8]) -> Option<(Vec<bool>, String)> {
    let inner = data.strip_prefix(b"*").and_then(|rest| rest.strip_suffix(b"*")).unwrap_or(data);
    if inner.is_empty() || inner.contains(&b'*') {
        return None;
    }
    let framed = [b"*", inner, b"*"].concat();
    Some((characters(&framed, CODE_39, 9)?, ascii(inner)))
}

/// An even number of digits; the last of an odd number is dropped, as the manuals say.
pub fn interleaved(data: &[u8]) -> Option<(Vec<bool>, String)> {
    let digits = digits(data)?;
    let digits = &digits[..digits.len() / 2 * 2];
    if digits.is_empty() {
        return None;
    }
    let mut modules = Vec::new();
    push_widths(&mut modules, [1, 1, 1, 1]);
    for pair in digits.chunks_exact(2) {
        let (bars, spaces) = (TWO_OF_FIVE[usize::from(pair[0])], TWO_OF_FIVE[usize::from(pair[1])]);
        push_widths(
            &mut modules,
            (0..5).rev().flat_map(|bit| [width(bars >> bit & 1 == 1), width(spaces >> bit & 1 == 1)]),
        );
    }
    push_widths(&mut modules, [WIDE, 1, 1]);
    Some((modules, text_of(digits)))
}

/// The host gives start and stop, A to D.
pub fn codabar(data: &[u8]) -> Option<(Vec<bool>, String)> {
    let upper = data.to_ascii_uppercase();
    let frames = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b'A'..=b'D'));
    if upper.len() < 3 || !frames(upper.first()) || !frames(upper.last()) {
        return None;
    }
    Some((characters(&upper, CODABAR, 7)?, ascii(&upper)))
}

fn characters(data: &[u8], table: &[(u8, u16)], elements: u32) -> Option<Vec<bool>> {
    let mut modules = Vec::new();
    for byte in data {
        let (_, pattern) = table.iter().find(|(character, _)| character == byte)?;
        // A narrow space parts the characters; the last one is followed by the quiet zone anyway.
        push_widths(&mut modules, (0..elements).rev().map(|bit| width(pattern >> bit & 1 == 1)).chain([1]));
    }
    modules.pop();
    Some(modules)
}

fn width(wide: bool) -> u8 {
    if wide { WIDE } else { 1 }
}

fn ascii(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}
