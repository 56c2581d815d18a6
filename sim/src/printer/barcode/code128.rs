//! CODE128 in the printer's own notation: `{A`, `{B`, `{C` choose the set, `{1` is FNC1, `{{` a brace.

use super::push_widths;

/// Widths of three bars and three spaces for values 0 to 105; ten to a line.
#[rustfmt::skip]
const PATTERNS: [&[u8; 6]; 106] = [
    b"212222", b"222122", b"222221", b"121223", b"121322", b"131222", b"122213", b"122312", b"132212", b"221213",
    b"221312", b"231212", b"112232", b"122132", b"122231", b"113222", b"123122", b"123221", b"223211", b"221132",
    b"221231", b"213212", b"223112", b"312131", b"311222", b"321122", b"321221", b"312212", b"322112", b"322211",
    b"212123", b"212321", b"232121", b"111323", b"131123", b"131321", b"112313", b"132113", b"132311", b"211313",
    b"231113", b"231311", b"112133", b"112331", b"132131", b"113123", b"113321", b"133121", b"313121", b"211331",
    b"231131", b"213113", b"213311", b"213131", b"311123", b"311321", b"331121", b"312113", b"312311", b"332111",
    b"314111", b"221411", b"431111", b"111224", b"111422", b"121124", b"121421", b"141122", b"141221", b"112214",
    b"112412", b"122114", b"122411", b"142112", b"142211", b"241211", b"221114", b"413111", b"241112", b"134111",
    b"111242", b"121142", b"121241", b"114212", b"124112", b"124211", b"411212", b"421112", b"421211", b"212141",
    b"214121", b"412121", b"111143", b"111341", b"131141", b"114113", b"114311", b"411113", b"411311", b"113141",
    b"114131", b"311141", b"411131", b"211412", b"211214", b"211232",
];
const STOP: &[u8; 7] = b"2331112";

const START_A: u8 = 103;
const FNC1: u8 = 102;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    A,
    B,
    C,
}

impl Set {
    fn named(byte: u8) -> Option<Self> {
        match byte {
            b'A' => Some(Self::A),
            b'B' => Some(Self::B),
            b'C' => Some(Self::C),
            _ => None,
        }
    }

    fn start(self) -> u8 {
        START_A
            + match self {
                Self::A => 0,
                Self::B => 1,
                Self::C => 2,
            }
    }

    /// The value that switches from any other set to this one.
    fn switch(self) -> u8 {
        match self {
            Self::A => 101,
            Self::B => 100,
            Self::C => 99,
        }
    }

    /// The value of one character, or in set C of a pair given as one byte.
    fn value(self, byte: u8) -> Option<u8> {
        match (self, byte) {
            (Self::A, 0..=31) => Some(byte + 64),
            (Self::A, 32..=95) | (Self::B, 32..=127) => Some(byte - 32),
            (Self::C, 0..=99) => Some(byte),
            _ => None,
        }
    }
}

/// The data starts with a set. In set C each byte is a pair of digits (00 to 99), as the manuals have it; two ASCII
/// digits are taken as well, because many hosts send them and many printers accept them.
pub fn code_128(data: &[u8]) -> Option<(Vec<bool>, String)> {
    let [b'{', set, rest @ ..] = data else { return None };
    let mut set = Set::named(*set)?;
    let mut values = vec![set.start()];
    let mut text = String::new();
    let ascii_pairs = rest.iter().all(|byte| *byte >= b' ');
    let mut rest = rest;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (*first, tail) {
            (b'{', [b'{', after @ ..]) => {
                values.push(set.value(b'{')?);
                text.push('{');
                rest = after;
            }
            (b'{', [b'1', after @ ..]) => {
                values.push(FNC1);
                rest = after;
            }
            (b'{', []) => return None,
            (b'{', [name, after @ ..]) => {
                set = Set::named(*name)?;
                values.push(set.switch());
                rest = after;
            }
            (tens @ b'0'..=b'9', [ones @ b'0'..=b'9', after @ ..]) if set == Set::C && ascii_pairs => {
                values.push((tens - b'0') * 10 + (ones - b'0'));
                text.extend([char::from(tens), char::from(*ones)]);
                rest = after;
            }
            (byte, _) => {
                values.push(set.value(byte)?);
                match set {
                    Set::C => text.push_str(&format!("{byte:02}")),
                    Set::A | Set::B if byte >= b' ' => text.push(char::from(byte)),
                    Set::A | Set::B => text.push(' '),
                }
            }
        }
    }
    (values.len() > 1).then(|| (modules(&values), text))
}

/// GS1-128 in set B: FNC1 leads, parentheses and blanks are for people only.
pub fn gs1_128(data: &[u8]) -> Option<(Vec<bool>, String)> {
    let mut values = vec![Set::B.start(), FNC1];
    for byte in data.iter().filter(|byte| !b"() *".contains(byte)) {
        values.push(Set::B.value(*byte)?);
    }
    (values.len() > 2).then(|| (modules(&values), String::from_utf8_lossy(data).into_owned()))
}

fn modules(values: &[u8]) -> Vec<bool> {
    let weighted = values.iter().enumerate().map(|(index, value)| index.max(1) * usize::from(*value));
    let check = weighted.sum::<usize>() % 103;
    let mut modules = Vec::new();
    for value in values.iter().map(|value| usize::from(*value)).chain([check]) {
        push_widths(&mut modules, PATTERNS[value].iter().map(|width| width - b'0'));
    }
    push_widths(&mut modules, STOP.iter().map(|width| width - b'0'));
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_eleven_modules_and_unique() {
        let mut seen = std::collections::BTreeSet::new();
        for pattern in PATTERNS {
            assert_eq!(pattern.iter().map(|width| u32::from(width - b'0')).sum::<u32>(), 11);
            assert!(seen.insert(pattern));
        }
    }

    #[test]
    fn sets_can_change_inside_a_code() {
        let (modules, text) = code_128(b"{BNo{C\x0c\x22{B!").unwrap();
        assert_eq!(text, "No1234!");
        // Start, 2, switch, 2, switch, 1, check = 9 symbols of 11, and the stop of 13.
        assert_eq!(modules.len(), 9 * 11 + 13);
    }

    #[test]
    fn data_without_a_set_is_refused() {
        assert!(code_128(b"123").is_none() && code_128(b"{Babc{").is_none() && code_128(b"{C\x64").is_none());
    }
}
