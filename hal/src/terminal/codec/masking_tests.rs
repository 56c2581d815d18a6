//! A card number in every field a terminal can fill must never leave the codec.

use super::text::Charset;
use super::{completion, print, result};

const PAN: &str = "4111111111111111";

/// A card number as text, packed, and as UTF-16.
fn shapes() -> [Vec<u8>; 3] {
    let packed = super::captures::bytes(PAN);
    let wide = PAN.bytes().flat_map(|digit| [digit, 0]).collect();
    [PAN.as_bytes().to_vec(), packed, wide]
}

/// A field with a decimal length of `digits` bytes.
fn counted(tag: u8, digits: usize, value: &[u8]) -> Vec<u8> {
    let length = format!("{:0digits$}", value.len());
    let header: Vec<u8> = length.bytes().map(|digit| 0xF0 | (digit - b'0')).collect();
    [&[tag][..], &header, value].concat()
}

fn element(tag: &[u8], value: &[u8]) -> Vec<u8> {
    [tag, &[u8::try_from(value.len()).unwrap()], value].concat()
}

/// Fails if the digits stand together in what a value prints, as text or as hexadecimal.
fn assert_clean(shown: &str, place: &str) {
    let digits: String = shown.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    assert!(!digits.contains(PAN), "{place}: {shown}");
}

#[test]
fn no_field_of_a_result_lets_a_card_number_out() {
    for value in shapes() {
        let fields = [
            counted(0x22, 2, &value),
            counted(0x23, 2, &value),
            counted(0x24, 3, &value),
            counted(0x2D, 2, &value),
            counted(0x2E, 3, &value),
            counted(0x3C, 3, &value),
            counted(0x8B, 2, &value),
            counted(0x92, 3, &value),
            counted(0xA7, 2, &value),
            counted(0xAF, 3, &value),
            counted(0xD1, 2, &value),
            counted(0xE1, 2, &value),
            counted(0xF1, 2, &value),
            [&[0x3A][..], &value[..2]].concat(),
            [&[0x3B][..], &value[..8]].concat(),
        ];
        for field in fields {
            let status = result::parse(&[&[0x27, 0][..], &field].concat(), Charset::Cp437);
            assert!(status.complete, "field {:02X} was not read", field[0]);
            assert_clean(&format!("{status:?}"), &format!("field {:02X}", field[0]));
        }
    }
}

#[test]
fn a_merchant_number_that_is_a_card_number_is_hidden() {
    let amex = "378282246310005";
    let status = result::parse(&[&[0x27, 0, 0x2A][..], amex.as_bytes()].concat(), Charset::Cp437);
    assert_eq!(status.result.merchant_id.as_deref(), Some("***********0005"));
}

#[test]
fn no_element_of_a_container_lets_a_card_number_out() {
    let tags: [&[u8]; 16] = [
        &[0x07],
        &[0x08],
        &[0x41],
        &[0x42],
        &[0x43],
        &[0x44],
        &[0x46],
        &[0x47],
        &[0x4C],
        &[0x1F, 0x08],
        &[0x1F, 0x14],
        &[0x1F, 0x1A],
        &[0x1F, 0x17],
        &[0x1F, 0x2B],
        &[0x1F, 0x36],
        &[0x1F, 0x42],
    ];
    for value in shapes() {
        for tag in tags {
            let plain = element(tag, &value);
            for container in [
                plain.clone(),
                element(&[0x60], &plain),
                element(&[0x24], &plain),
                element(&[0x25], &plain),
                element(&[0xE4], &plain),
            ] {
                let field = element(&[0x06], &container);
                let place = format!("tag {tag:02X?}");
                let status = result::parse(&[&[0x27, 0][..], &field].concat(), Charset::Cp437);
                assert_clean(&format!("{status:?}"), &place);
                assert_clean(&format!("{:?}", print::block(&field, Charset::Cp437)), &place);
                let report = completion::status_report(&[&[0x00][..], &field].concat(), Charset::Cp437);
                assert_clean(&format!("{report:?}"), &place);
                let abort = completion::abort(&[&[0x6C][..], &field].concat(), Charset::Cp437);
                assert_clean(&format!("{abort:?}"), &place);
                let words = completion::intermediate(&[&[0xFF][..], &field].concat(), Charset::Cp437);
                assert_clean(&format!("{words:?}"), &place);
            }
        }
    }
}

#[test]
fn no_receipt_line_or_version_lets_a_card_number_out() {
    for value in shapes() {
        let line = print::line(&[&[0x00][..], &value].concat(), Charset::Cp437);
        assert_clean(&format!("{line:?}"), "06 D1");
        let version = counted(0x00, 3, &value)[1..].to_vec();
        let report = completion::status_report(&[version, vec![0]].concat(), Charset::Cp437);
        assert_clean(&format!("{report:?}"), "version");
    }
}

#[test]
fn a_number_broken_over_two_display_lines_is_hidden() {
    let lines = [element(&[0x07], &PAN.as_bytes()[..8]), element(&[0x07], &PAN.as_bytes()[8..])].concat();
    let field = element(&[0x06], &element(&[0x24], &lines));
    let status = result::parse(&[&[0x27, 0][..], &field].concat(), Charset::Cp437);
    assert_clean(&format!("{status:?}"), "display lines");
}
