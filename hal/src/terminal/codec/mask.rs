//! Removes card numbers from everything that leaves the codec.
//!
//! Three shapes are covered: the packed digits of field 22, digits in text (also grouped by blanks or hyphens as
//! printed on cards), and hexadecimal identifiers that turn out to be digits. Only the last four digits stay.

use std::ops::{Range, RangeInclusive};

/// Digits of the shortest and longest card number (ISO/IEC 7812).
const PAN_DIGITS: RangeInclusive<usize> = 13..=19;

/// Digits in every printed group but the last: 4-4-4-4, 4-6-5, 4-3-3-3.
const SHORTEST_GROUP: usize = 3;

/// Digits that may stay visible: the usual "ends with 1234".
const VISIBLE: usize = 4;

/// What stands for a hidden digit.
const HIDDEN: char = '*';

/// The masked text of a packed card number: `E` and `F` nibbles are the terminal's own masking and padding.
pub(crate) fn packed_pan(bytes: &[u8]) -> Option<String> {
    let mut digits: Vec<char> = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]).map(nibble).collect();
    while digits.last() == Some(&'F') {
        digits.pop();
    }
    let hidden = digits.len().checked_sub(VISIBLE)?;
    let shown = |(place, digit): (usize, &char)| {
        if place >= hidden && digit.is_ascii_digit() { *digit } else { HIDDEN }
    };
    Some(digits.iter().enumerate().map(shown).collect())
}

/// `text` with every card number in it reduced to its last four digits.
pub(crate) fn text(text: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    mask_plain_runs(&mut characters);
    mask_grouped_runs(&mut characters);
    characters.into_iter().collect()
}

fn nibble(value: u8) -> char {
    char::from_digit(u32::from(value), 16).map_or(HIDDEN, |digit| digit.to_ascii_uppercase())
}

/// Digits without anything between them. A run that *contains* a card number is hidden as a whole, because whatever
/// stands around the number (a length, an expiry date) belongs to it.
fn mask_plain_runs(characters: &mut [char]) {
    let mut start = 0;
    while start < characters.len() {
        let length = characters[start..].iter().take_while(|c| c.is_ascii_digit()).count();
        if length >= *PAN_DIGITS.start() && contains_pan(&characters[start..start + length]) {
            hide(&mut characters[start..start + length]);
        }
        start += length.max(1);
    }
}

/// Groups of digits with one blank or hyphen between them, as `4111 1111 1111 1111`. Only groups as cards print them
/// count, so that a date beside a time beside a number stays readable.
fn mask_grouped_runs(characters: &mut [char]) {
    let groups = digit_groups(characters);
    for first in 0..groups.len() {
        if let Some(last) = grouped_pan(characters, &groups[first..]) {
            hide(&mut characters[groups[first].start..groups[first + last].end]);
        }
    }
}

/// Where digits stand together.
fn digit_groups(characters: &[char]) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let length = characters[at..].iter().take_while(|c| c.is_ascii_digit()).count();
        if length > 0 {
            groups.push(at..at + length);
        }
        at += length.max(1);
    }
    groups
}

/// The index of the group that ends a card number which begins with the first group.
fn grouped_pan(characters: &[char], groups: &[Range<usize>]) -> Option<usize> {
    let mut digits = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let separated = index == 0
            || (group.start == groups[index - 1].end + 1
                && matches!(characters[groups[index - 1].end], ' ' | '-'));
        let whole_before = index == 0 || groups[index - 1].len() >= SHORTEST_GROUP;
        if !separated || !whole_before || digits.len() > *PAN_DIGITS.end() {
            return None;
        }
        digits.extend_from_slice(&characters[group.clone()]);
        if index > 0 && PAN_DIGITS.contains(&digits.len()) && luhn(&digits) {
            return Some(index);
        }
    }
    None
}

fn contains_pan(digits: &[char]) -> bool {
    PAN_DIGITS.rev().any(|length| digits.windows(length).any(luhn))
}

/// The check-digit rule of card numbers. All zeros satisfy it too, but are no card.
fn luhn(digits: &[char]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .filter_map(|digit| digit.to_digit(10))
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { digit } else { (digit * 2) / 10 + (digit * 2) % 10 })
        .sum();
    sum > 0 && sum.is_multiple_of(10)
}

fn hide(run: &mut [char]) {
    let digits = run.iter().filter(|c| c.is_ascii_digit()).count();
    run.iter_mut()
        .filter(|c| c.is_ascii_digit())
        .take(digits.saturating_sub(VISIBLE))
        .for_each(|c| *c = HIDDEN);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn packed_numbers_keep_their_last_four_digits() {
        let plain = [0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11];
        assert_eq!(packed_pan(&plain).unwrap(), "************1111");
        let masked_by_terminal = [0x55, 0x98, 0x83, 0xEE, 0xEE, 0xEE, 0x80, 0x74];
        assert_eq!(packed_pan(&masked_by_terminal).unwrap(), "************8074");
        let odd = [0x67, 0x26, 0x72, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x3F];
        assert_eq!(packed_pan(&odd).unwrap(), "***************0123");
        assert_eq!(packed_pan(&[0x41]), None);
        assert_eq!(packed_pan(&[]), None);
    }

    #[test]
    fn numbers_in_text_are_hidden_however_they_are_grouped() {
        assert_eq!(text("PAN 4111111111111111 ok"), "PAN ************1111 ok");
        assert_eq!(text("4111 1111 1111 1111"), "**** **** **** 1111");
        assert_eq!(text("3782-822463-10005"), "****-******-*0005");
        assert_eq!(text("1641111111111111112512"), "******************2512");
    }

    #[test]
    fn what_a_receipt_needs_stays_readable() {
        for line in [
            "05.04.2023                      22:55:58",
            "Terminal-ID:                    52523535",
            "VU.No.:                        804011926",
            "App-ID:                   A0000000041010",
            "Betrag EUR 25,00",
            "000000000000000",
            "05 04 2023 22 55 58 17",
        ] {
            assert_eq!(text(line), line);
        }
    }

    proptest! {
        #[test]
        fn no_card_number_survives_in_any_surrounding(
            before in "[ -~]{0,20}", body in "[0-9]{12,18}", after in "[^0-9]{0,10}",
        ) {
            let pan = with_check_digit(&body);
            let masked = text(&format!("{before}{pan}{after}"));
            prop_assert!(!masked.contains(&pan));
        }

        #[test]
        fn masking_twice_changes_nothing_more(line in "[ -~]{0,60}") {
            let once = text(&line);
            prop_assert_eq!(text(&once), once);
        }
    }

    fn with_check_digit(body: &str) -> String {
        (0..10)
            .map(|check| format!("{body}{check}"))
            .find(|pan| {
                let digits: Vec<char> = pan.chars().collect();
                luhn(&digits) || pan.chars().all(|c| c == '0')
            })
            .map(|pan| if pan.chars().all(|c| c == '0') { "4111111111111111".into() } else { pan })
            .unwrap()
    }
}
