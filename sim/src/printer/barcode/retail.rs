//! EAN-13, EAN-8, UPC-A and UPC-E.

use super::{digits, push_widths, text_of};

/// Widths of space, bar, space, bar for each digit, left odd side ("A"); right side is the same seen as bars first.
const DIGIT_WIDTHS: [[u8; 4]; 10] = [
    [3, 2, 1, 1],
    [2, 2, 2, 1],
    [2, 1, 2, 2],
    [1, 4, 1, 1],
    [1, 1, 3, 2],
    [1, 2, 3, 1],
    [1, 1, 1, 4],
    [1, 3, 1, 2],
    [1, 2, 1, 3],
    [3, 1, 1, 2],
];

/// Which of the six left digits of EAN-13 are even ("B"), highest bit first, by the leading digit.
const EAN_PARITY: [u8; 10] = [
    0b00_0000, 0b00_1011, 0b00_1101, 0b00_1110, 0b01_0011, 0b01_1001, 0b01_1100, 0b01_0101, 0b01_0110,
    0b01_1010,
];

pub fn ean_13(data: &[u8]) -> Option<(Vec<bool>, String)> {
    let code = with_check_digit(data, 12)?;
    Some((long_symbol(&code), text_of(&code)))
}

/// EAN-13 with a leading zero, shown without it.
pub fn upc_a(data: &[u8]) -> Option<(Vec<bool>, String)> {
    let code = with_check_digit(data, 11)?;
    let mut long = vec![0];
    long.extend(&code);
    Some((long_symbol(&long), text_of(&code)))
}

pub fn ean_8(data: &[u8]) -> Option<(Vec<bool>, String)> {
    let code = with_check_digit(data, 7)?;
    let mut modules = Vec::new();
    push_widths(&mut modules, [1, 1, 1]);
    for digit in &code[..4] {
        push_left(&mut modules, *digit, false);
    }
    push_middle(&mut modules);
    for digit in &code[4..] {
        push_widths(&mut modules, DIGIT_WIDTHS[usize::from(*digit)]);
    }
    push_widths(&mut modules, [1, 1, 1]);
    Some((modules, text_of(&code)))
}

/// Takes the six short digits (7 with a leading 0, 8 with check digit too), or a UPC-A that can be shortened.
pub fn upc_e(data: &[u8]) -> Option<(Vec<bool>, String)> {
    let given = digits(data)?;
    let short: [u8; 6] = match given.as_slice() {
        six @ [_, _, _, _, _, _] => six.try_into().ok()?,
        [0, six @ ..] if six.len() == 6 => six.try_into().ok()?,
        [0, six @ .., _check] if six.len() == 6 => six.try_into().ok()?,
        [0, ..] if given.len() >= 11 => shorten(&given)?,
        _ => return None,
    };
    let check = check_digit(&expand(short));
    // The parity of the first six digits says the check digit, as EAN's says the leading digit, seen inversely.
    let parity = UPC_E_EVEN[usize::from(check)];
    let mut modules = Vec::new();
    push_widths(&mut modules, [1, 1, 1]);
    for (index, digit) in short.into_iter().enumerate() {
        push_left(&mut modules, digit, parity >> (5 - index) & 1 == 1);
    }
    push_gap_first(&mut modules, [1, 1, 1, 1, 1, 1]);
    let mut text = vec![0];
    text.extend(short);
    text.push(check);
    Some((modules, text_of(&text)))
}

/// Which digits of UPC-E are even, highest bit first, by the check digit (number system 0).
const UPC_E_EVEN: [u8; 10] = [
    0b11_1000, 0b11_0100, 0b11_0010, 0b11_0001, 0b10_1100, 0b10_0110, 0b10_0011, 0b10_1010, 0b10_1001,
    0b10_0101,
];

/// The eleven digits of UPC-A behind six short ones.
fn expand(short: [u8; 6]) -> Vec<u8> {
    let [a, b, c, d, e, last] = short;
    match last {
        0..=2 => vec![0, a, b, last, 0, 0, 0, 0, c, d, e],
        3 => vec![0, a, b, c, 0, 0, 0, 0, 0, d, e],
        4 => vec![0, a, b, c, d, 0, 0, 0, 0, 0, e],
        _ => vec![0, a, b, c, d, e, 0, 0, 0, 0, last],
    }
}

fn shorten(long: &[u8]) -> Option<[u8; 6]> {
    let candidates = match long[1..11] {
        [a, b, m @ 0..=2, 0, 0, 0, 0, c, d, e] => [a, b, c, d, e, m],
        [a, b, c, 0, 0, 0, 0, 0, d, e] => [a, b, c, d, e, 3],
        [a, b, c, d, 0, 0, 0, 0, 0, e] => [a, b, c, d, e, 4],
        [a, b, c, d, e, 0, 0, 0, 0, last @ 5..=9] => [a, b, c, d, e, last],
        _ => return None,
    };
    Some(candidates)
}

/// `count` digits get their check digit; `count + 1` digits keep theirs, right or wrong, as printers do.
fn with_check_digit(data: &[u8], count: usize) -> Option<Vec<u8>> {
    let mut code = digits(data)?;
    if code.len() == count {
        code.push(check_digit(&code));
    }
    (code.len() == count + 1).then_some(code)
}

fn check_digit(digits: &[u8]) -> u8 {
    let weighted = digits.iter().rev().enumerate();
    let sum: u32 = weighted.map(|(i, digit)| u32::from(*digit) * if i % 2 == 0 { 3 } else { 1 }).sum();
    u8::try_from((10 - sum % 10) % 10).expect("a remainder of ten fits")
}

fn long_symbol(code: &[u8]) -> Vec<bool> {
    let mut modules = Vec::new();
    let parity = EAN_PARITY[usize::from(code[0])];
    push_widths(&mut modules, [1, 1, 1]);
    for (index, digit) in code[1..7].iter().enumerate() {
        push_left(&mut modules, *digit, parity >> (5 - index) & 1 == 1);
    }
    push_middle(&mut modules);
    for digit in &code[7..] {
        push_widths(&mut modules, DIGIT_WIDTHS[usize::from(*digit)]);
    }
    push_widths(&mut modules, [1, 1, 1]);
    modules
}

/// A left digit starts with a space; the even form is the odd one read backwards.
fn push_left(modules: &mut Vec<bool>, digit: u8, even: bool) {
    let mut widths = DIGIT_WIDTHS[usize::from(digit)];
    if even {
        widths.reverse();
    }
    push_gap_first(modules, widths);
}

fn push_middle(modules: &mut Vec<bool>) {
    push_gap_first(modules, [1, 1, 1, 1, 1]);
}

fn push_gap_first(modules: &mut Vec<bool>, widths: impl IntoIterator<Item = u8>) {
    push_widths(modules, std::iter::once(0).chain(widths));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_added_where_they_are_missing() {
        assert_eq!(ean_13(b"400638133393").unwrap().1, "4006381333931");
        assert_eq!(ean_8(b"9638507").unwrap().1, "96385074");
        assert_eq!(upc_a(b"03600029145").unwrap().1, "036000291452");
        assert_eq!(upc_e(b"425261").unwrap().1, "04252614");
    }

    #[test]
    fn symbols_have_the_published_number_of_modules() {
        assert_eq!(ean_13(b"4006381333931").unwrap().0.len(), 95);
        assert_eq!(upc_a(b"036000291452").unwrap().0.len(), 95);
        assert_eq!(ean_8(b"96385074").unwrap().0.len(), 67);
        assert_eq!(upc_e(b"425261").unwrap().0.len(), 51);
    }

    #[test]
    fn upc_e_shortens_what_it_expanded() {
        for short in [
            [1, 2, 3, 4, 5, 0],
            [1, 2, 3, 4, 5, 2],
            [1, 2, 9, 4, 5, 3],
            [1, 2, 3, 9, 5, 4],
            [1, 2, 3, 4, 5, 9],
        ] {
            assert_eq!(shorten(&expand(short)), Some(short));
        }
    }

    #[test]
    fn letters_and_wrong_lengths_are_refused() {
        assert!(
            ean_13(b"40063813339").is_none() && ean_13(b"40063813339A").is_none() && upc_e(b"1").is_none()
        );
    }
}
