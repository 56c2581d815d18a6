use proptest::prelude::*;

use super::*;
use crate::terminal::codec::captures::bytes;
use crate::terminal::codes::Condition;
use crate::terminal::money::Currency;

fn parts(hex: &str, asked_status: bool) -> (Option<String>, Option<u8>, Vec<u8>) {
    let data = bytes(hex);
    let completion = split(&data, asked_status);
    let version = completion.version.map(|version| String::from_utf8(version.to_vec()).unwrap());
    (version, completion.status, completion.fields.to_vec())
}

#[test]
fn a_version_and_a_condition_are_told_apart_from_fields() {
    for asked in [true, false] {
        assert_eq!(parts("F0F0F3626C6100", asked), (Some("bla".into()), Some(0), vec![]));
        assert_eq!(parts("F0F0F3626C61060600", asked), (Some("bla".into()), Some(6), vec![6, 0]));
        assert_eq!(parts("06", asked), (None, Some(6), vec![]));
        assert_eq!(parts("060600", asked), (None, Some(6), vec![6, 0]));
        assert_eq!(parts("", asked), (None, None, vec![]));
    }
}

#[test]
fn where_both_readings_fit_a_status_enquiry_puts_the_condition_first() {
    let both = "06 03 02 19 05";
    assert_eq!(parts(both, true), (None, Some(6), vec![3, 2, 0x19, 5]));
    assert_eq!(parts(both, false), (None, None, bytes(both)));
    let behind_version = format!("F0F0F1 78 {both}");
    assert_eq!(parts(&behind_version, false), (Some("x".into()), Some(6), vec![3, 2, 0x19, 5]));
}

#[test]
fn a_registration_completes_with_fields_only() {
    let data = bytes("1910 2952523535 490978");
    assert_eq!(
        registration(&data),
        Registration {
            terminal_id: Some(52_523_535),
            currency: Some(Currency::EUR),
            needs_initialisation: false,
            needs_diagnosis: false,
        }
    );
    assert!(registration(&bytes("1901")).needs_initialisation);
    assert!(registration(&bytes("1902")).needs_diagnosis);
    assert_eq!(registration(&[]), Registration::default());
}

#[test]
fn a_status_report_tells_condition_and_identity() {
    let report = status_report(&bytes("F0F0F3626C6151"), Charset::Cp437);
    assert_eq!(report.condition, Condition::NeedsInitialisation);
    assert_eq!(report.version.as_deref(), Some("bla"));
    assert_eq!(status_report(&[], Charset::Cp437).condition, Condition::Ready);
    assert_eq!(status_report(&[0x9C], Charset::Cp437).condition, Condition::Busy);
}

#[test]
fn aborts_tell_code_and_words() {
    assert_eq!(abort(&[0x6C], Charset::Cp437), Abort { code: 0x6C, text: None });
    assert_eq!(abort(&[], Charset::Cp437), Abort { code: 0xFF, text: None });
    assert_eq!(abort(&bytes("B887FFFF"), Charset::Cp437).code, 0xB8);
    let with_text = bytes("9B 06 07 1F17 04 6C696E65");
    assert_eq!(abort(&with_text, Charset::Cp437).text.as_deref(), Some("line"));
    let with_currency = bytes("6F 0978 06 06 1F17 03 455552");
    assert_eq!(abort(&with_currency, Charset::Cp437), Abort { code: 0x6F, text: Some("EUR".into()) });
}

#[test]
fn intermediate_states_may_have_a_time_out_and_words() {
    assert_eq!(intermediate(&[0x17], Charset::Cp437), Some((0x17, None)));
    assert_eq!(intermediate(&[0x0A, 0x05], Charset::Cp437), Some((0x0A, None)));
    let words = Some((0xFF, Some("Bitte warten".into())));
    assert_eq!(
        intermediate(&bytes("FF 06 10 24 0E 07 0C 4269747465 20 77617274656E"), Charset::Cp437),
        words
    );
    assert_eq!(
        intermediate(&bytes("FF 01 06 10 24 0E 07 0C 4269747465 20 77617274656E"), Charset::Cp437),
        words
    );
    assert_eq!(intermediate(&[], Charset::Cp437), None);
}

proptest! {
    #[test]
    fn random_bytes_are_read_without_a_panic(data in prop::collection::vec(any::<u8>(), 0..120)) {
        status_report(&data, Charset::Cp437);
        registration(&data);
        abort(&data, Charset::Cp437);
        intermediate(&data, Charset::Cp437);
    }
}
