use proptest::prelude::*;

use super::*;
use crate::scanner::check_digit;

fn read(data: &str) -> Result<Vec<(String, String)>, Gs1Error> {
    let elements = parse_elements(data.as_bytes())?;
    Ok(elements.into_iter().map(|element| (element.ai, element.value)).collect())
}

fn one(ai: &str, value: &str) -> Element {
    Element { ai: ai.to_owned(), value: value.to_owned() }
}

fn link(text: &str) -> Result<DigitalLink, Gs1Error> {
    parse_digital_link(text)
}

#[test]
fn elements_are_cut_as_biip_cuts_them() {
    let mut messages = 0;
    for line in include_str!("../../../tests/outside/biip_elements.txt").lines() {
        let mut words = line.split(' ');
        let hex = words.next().unwrap().as_bytes();
        let bytes: Vec<u8> =
            hex.chunks(2).map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect();
        let words: Vec<&str> = words.collect();
        let theirs: Vec<(String, String)> =
            words.chunks(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect();
        let message = String::from_utf8(bytes).unwrap();
        assert_eq!(read(&message).as_ref(), Ok(&theirs), "{message:?}");
        messages += 1;
    }
    assert_eq!(messages, 120);
}

#[test]
fn predefined_values_need_no_separator_and_tolerate_one() {
    let wanted = Ok(vec![
        ("01".to_owned(), "04006381333931".to_owned()),
        ("17".to_owned(), "261231".to_owned()),
        ("10".to_owned(), "LOT/7".to_owned()),
    ]);
    assert_eq!(read("01040063813339311726123110LOT/7"), wanted);
    assert_eq!(read("\u{1d}0104006381333931\u{1d}17261231\u{1d}10LOT/7\u{1d}"), wanted);
}

#[test]
fn what_is_wrong_is_said() {
    assert_eq!(read(""), Err(Gs1Error::Empty));
    assert_eq!(read("\u{1d}"), Err(Gs1Error::Empty));
    assert_eq!(read("0104006381333932"), Err(Gs1Error::CheckDigit { ai: "01".into() }));
    assert_eq!(read("0104006"), Err(Gs1Error::Length { ai: "01".into() }));
    assert_eq!(read("10\u{1d}17261231"), Err(Gs1Error::Length { ai: "10".into() }));
    assert_eq!(read("10123456789012345678901"), Err(Gs1Error::Length { ai: "10".into() }));
    assert_eq!(read("10LOT 7"), Err(Gs1Error::Character { ai: "10".into() }));
    assert_eq!(read("172612AA"), Err(Gs1Error::Character { ai: "17".into() }));
    assert_eq!(read("1726123105"), Err(Gs1Error::UnknownAi { at: 8 }));
    assert_eq!(read("0104006381333931X"), Err(Gs1Error::UnknownAi { at: 16 }));
    assert_eq!(read(&"30\u{31}\u{1d}".repeat(65)), Err(Gs1Error::TooMany));
}

#[test]
fn composite_values_are_checked_piece_by_piece() {
    let gln = format!("123456789012{}", check_digit("123456789012").unwrap());
    assert!(read(&format!("255{gln}123")).is_ok(), "coupon number with serial");
    assert!(read(&format!("255{gln}")).is_ok(), "and without");
    assert_eq!(read("2551234567890123"), Err(Gs1Error::CheckDigit { ai: "255".into() }));
    assert!(read("393297812345").is_ok());
    assert_eq!(read("393297"), Err(Gs1Error::Length { ai: "3932".into() }));
}

#[test]
fn weights_prices_and_counts_carry_their_decimals() {
    assert_eq!(one("3103", "000755").decimal(), Some((755, 3)));
    assert_eq!(one("3922", "1299").decimal(), Some((1299, 2)));
    assert_eq!(one("3932", "9781299").decimal(), Some((1299, 2)));
    assert_eq!(one("3932", "9781299").currency(), Some(978));
    assert_eq!(one("3922", "1299").currency(), None);
    assert_eq!(one("37", "12").decimal(), None);
    assert_eq!(one("30", "12").decimal(), None);
    assert_eq!(one("01", "04006381333931").gtin().unwrap().to_string(), "04006381333931");
}

#[test]
fn day_zero_is_the_last_of_the_month_and_centuries_are_near() {
    let date = |value, year| one("17", value).date(year).map(|d| (d.year, d.month, d.day));
    assert_eq!(date("261200", 2026), Some((2026, 12, 31)));
    assert_eq!(date("280200", 2026), Some((2028, 2, 29)));
    assert_eq!(date("270200", 2026), Some((2027, 2, 28)));
    assert_eq!(date("991231", 2026), Some((1999, 12, 31)));
    assert_eq!(date("761231", 2026), Some((2076, 12, 31)));
    assert_eq!(date("771231", 2026), Some((1977, 12, 31)));
    assert_eq!(date("010101", 2060), Some((2101, 1, 1)));
    assert_eq!(date("261301", 2026), None);
    assert_eq!(date("260230", 2026), None);
    assert_eq!(one("10", "261231").date(2026), None);
}

#[test]
fn digital_links_give_item_qualifiers_and_attributes() {
    let full =
        link("https://shop.example/a/01/4006381333931/10/A%2FB/21/7?17=261231&utm=x&3103=000755").unwrap();
    assert_eq!(full.gtin.gtin14(), "04006381333931");
    let cells: Vec<_> = full.elements.iter().map(|e| (e.ai.as_str(), e.value.as_str())).collect();
    assert_eq!(cells, [("10", "A/B"), ("21", "7"), ("17", "261231"), ("3103", "000755")]);
    assert!(link("HTTP://shop.example/01/04006381333931#part").unwrap().elements.is_empty());
}

#[test]
fn other_addresses_are_no_digital_links() {
    for text in [
        "https://shop.example/",
        "ftp://shop.example/01/4006381333931",
        "01/4006381333931",
        "https://shop.example/01",
        "https://01/4006381333931",
        "https://shop.example/01/4006381333931/21/7/10/A",
        "https://shop.example/01/4006381333931/10",
        "https://shop.example/01/4006381333931/path/x",
    ] {
        assert_eq!(link(text), Err(Gs1Error::NoDigitalLink), "{text}");
    }
    assert_eq!(link("https://shop.example/01/4006381333932"), Err(Gs1Error::CheckDigit { ai: "01".into() }));
    assert_eq!(
        link("https://shop.example/01/4006381333931?17=2612"),
        Err(Gs1Error::Length { ai: "17".into() })
    );
}

#[test]
fn the_table_is_sorted_and_no_identifier_starts_another() {
    let mut ids: Vec<String> =
        (0..10_000).flat_map(|n| [format!("{n:02}"), format!("{n:03}"), format!("{n:04}")]).collect();
    ids.sort();
    ids.dedup();
    let known: Vec<&String> = ids.iter().filter(|id| Format::of(id).is_some()).collect();
    assert!(known.len() > 500);
    for pair in known.windows(2) {
        assert!(!pair[1].starts_with(pair[0].as_str()), "{pair:?}");
    }
}

proptest! {
    #[test]
    fn bytes_that_are_cut_lose_nothing_but_separators(data in proptest::collection::vec(
        prop_oneof![4 => proptest::sample::select(b"0123456789".to_vec()), 1 => Just(SEPARATOR), 1 => any::<u8>()],
        0..60)) {
        if let Ok(elements) = parse_elements(&data) {
            let kept: Vec<u8> = elements.iter().flat_map(|e| [e.ai.as_bytes(), e.value.as_bytes()].concat()).collect();
            let sent: Vec<u8> = data.into_iter().filter(|byte| *byte != SEPARATOR).collect();
            prop_assert_eq!(kept, sent);
        }
    }

    #[test]
    fn elements_written_again_read_the_same(lot in "[A-Za-z0-9/]{1,20}", serial in "[0-9]{1,20}", count in "[0-9]{1,8}") {
        let data = format!("10{lot}\u{1d}0104006381333931{}\u{1d}37{count}", format_args!("21{serial}"));
        let cells = read(&data).unwrap();
        let values: Vec<&str> = cells.iter().map(|(_, value)| value.as_str()).collect();
        prop_assert_eq!(values, [lot.as_str(), "04006381333931", serial.as_str(), count.as_str()]);
    }
}
