use proptest::prelude::*;

use super::*;
use crate::terminal::codec::captures::bytes;

fn read(hex: &str) -> StatusInformation {
    parse(&bytes(hex), Charset::Cp437)
}

#[test]
fn a_captured_payment_is_read_with_every_number_we_need() {
    let status = read(
        "2700 04000000002500 490978 0C225558 0D0405 22F0F8559883EEEEEE8074 870231 3B3735303037310000 0B000975 \
         1960 2952523535 0E2405 8A06 8C01 8BF1F14D617374657243617264 00 2A383034303131393236202020202020",
    );
    // The capture has a zero byte after the card name: it belongs to the counted field in front of it.
    let result = status.result;
    assert_eq!(status.code, Some(0));
    assert!(result.approved);
    assert_eq!(result.amount_minor, Some(2500));
    assert_eq!(result.currency, Some(Currency::EUR));
    assert_eq!(
        (result.trace, result.receipt_no, result.terminal_id),
        (Some(975), Some(231), Some(52_523_535))
    );
    assert_eq!(result.auth_code.as_deref(), Some("750071"));
    assert_eq!(result.masked_pan.as_deref(), Some("************8074"));
    assert_eq!(result.card_brand, Some("Mastercard"));
    assert_eq!(result.card_name.as_deref(), Some("MasterCard"));
    assert_eq!(result.merchant_id.as_deref(), Some("804011926"));
    assert_eq!((result.month_day, result.time), (Some((4, 5)), Some((22, 55, 58))));
    assert!(status.complete);
}

#[test]
fn chip_data_and_tip_come_from_the_container() {
    let status =
        read("2700 06 1F 60 09 43 07 A0000000041010 1F36 06 000000000150 1F2B 04 00012345 1F1201 02");
    assert_eq!(status.result.aid.as_deref(), Some("A0000000041010"));
    assert_eq!(status.result.tip_minor, Some(150));
    assert_eq!(status.result.trace, Some(12_345));
    assert_eq!(status.result.entry, Some(CardEntry::Contactless));
}

#[test]
fn a_refusal_brings_its_own_words() {
    // From a public test: declined with text in the field and in the container.
    let status = read("2705 2929000274 3CF0F0F94162676C65686E7431 8A06 060D240B07094162676C65686E7431");
    assert_eq!(status.code, Some(5));
    assert!(!status.result.approved);
    assert_eq!(status.result.text.as_deref(), Some("Abglehnt1"));
}

#[test]
fn totals_have_seven_sums() {
    let status = read(
        "2700 04000000000958 0B000982 0D0406 0C081706 60F0F5F3 0233 0234 00000000000000 00000000000000 \
         02000000000958 00000000000000 00000000000000 00000000000000 00000000000000",
    );
    let totals = status.totals.unwrap();
    assert_eq!((totals.receipt_from, totals.receipt_to), (Some(233), Some(234)));
    assert_eq!(totals.groups[2], BrandTotal { brand: "Mastercard", count: 2, minor: 958 });
    assert_eq!(totals.groups.iter().map(|group| group.minor).sum::<i64>(), 958);
    assert_eq!(totals.amount_minor, Some(958));
}

#[test]
fn without_a_result_code_nothing_is_approved() {
    let status = read("04000000002500 490978");
    assert_eq!(status.code, None);
    assert!(!status.result.approved);
}

#[test]
fn an_unknown_field_keeps_the_verdict_in_front_of_it() {
    let status = read("2700 04000000002500 99 01 870231");
    assert_eq!(
        (status.code, status.result.amount_minor, status.result.receipt_no),
        (Some(0), Some(2500), None)
    );
    assert!(!status.complete);
}

#[test]
fn an_amount_that_is_no_number_is_no_amount() {
    assert_eq!(read("2700 0400000000250A").result.amount_minor, None);
}

proptest! {
    #[test]
    fn random_bytes_give_a_value_and_approve_only_with_code_zero(
        data in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let status = parse(&data, Charset::Cp437);
        prop_assert_eq!(status.result.approved, status.code == Some(0));
    }
}
