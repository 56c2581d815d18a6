//! What the fleet orders: obeyed when the campaign key has signed it, for this kiosk, now.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

use ota::agent::{Halt, Input, Journal, Place, Wish};
use ota::chooser::Slot;
use ota::orders::{Action, Assignment, DOCUMENT_MAX, HaltOrder, OrderError, open, seal};
use ota::trust::sign::SecretKey;

const NOW_S: i64 = 1_800_000_000;

fn key() -> SecretKey {
    SecretKey::from_pem(&SecretKey::generate().unwrap()).unwrap()
}

fn assignment() -> Assignment {
    Assignment {
        v: 1,
        aud: "t1.k0042".into(),
        campaign: "spring".into(),
        generation: 7,
        action: Action::Install { release: 42, turn: false, window: None, rate_kb: None },
        issued: NOW_S - 60,
        expires: NOW_S + 3600,
    }
}

fn halt(generation: u64) -> HaltOrder {
    HaltOrder {
        v: 1,
        generation,
        issued: NOW_S,
        halted: vec!["spring".into()],
        reason: "the till is wrong".into(),
    }
}

#[test]
fn the_fleet_cannot_pass_for_a_person_at_the_kiosk() {
    let order = Assignment { campaign: ota::agent::BY_HAND.into(), ..assignment() };
    assert!(matches!(order.input("t1.k0042", 0, NOW_S), Err(OrderError::Malformed(_))));
}

#[test]
fn what_the_campaign_key_has_signed_is_obeyed() {
    let key = key();
    let bytes = seal(&assignment(), &key).unwrap();
    let order: Assignment = open(&bytes, &[self::key().public(), key.public()]).unwrap();
    let wish = Wish { campaign: "spring".into(), generation: 7, release: 42 };
    assert_eq!(order.input("t1.k0042", 0, NOW_S), Ok(Input::Wished(wish)));
    let cancel = Assignment { action: Action::Cancel, ..assignment() };
    assert_eq!(cancel.input("t1.k0042", 0, NOW_S), Ok(Input::Withdrawn(7)));
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("\"action\":\"install\"") && text.contains("\"gen\":7"), "{text}");
}

#[test]
fn assignment_with_bad_signature_is_ignored() {
    let key = key();
    let bytes = seal(&assignment(), &key).unwrap();
    let keys = [key.public()];
    assert_eq!(open::<Assignment>(&bytes, &[self::key().public()]), Err(OrderError::Signature));
    let text = String::from_utf8(bytes.clone()).unwrap();
    for (from, to) in [("\"release\":42", "\"release\":43"), ("k0042", "k0043"), ("\"gen\":7", "\"gen\":8")] {
        let forged = text.replace(from, to);
        assert_ne!(forged, text);
        assert_eq!(open::<Assignment>(forged.as_bytes(), &keys), Err(OrderError::Signature), "{to}");
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let opened = open::<Assignment>(&damaged, &keys);
        assert!(opened.is_err(), "byte {at}");
    }
}

#[test]
fn a_document_does_not_pass_for_one_of_another_kind() {
    let key = key();
    let bytes = seal(&halt(1), &key).unwrap();
    assert_eq!(open::<Assignment>(&bytes, &[key.public()]), Err(OrderError::Signature));
}

#[test]
fn assignment_for_another_kiosk_is_ignored() {
    let other = assignment().input("t1.k0043", 0, NOW_S);
    assert_eq!(other, Err(OrderError::Foreign("t1.k0042".into())));
}

#[test]
fn assignment_from_before_reenrolment_is_ignored() {
    assert_eq!(assignment().input("t1.k0042", NOW_S - 59, NOW_S), Err(OrderError::BeforeEnrolment));
}

#[test]
fn stale_assignment_is_ignored() {
    assert_eq!(assignment().input("t1.k0042", 0, NOW_S + 3600), Err(OrderError::Expired));
}

#[test]
fn unsigned_halt_is_ignored_and_an_emptied_topic_keeps_the_last_halt() {
    let key = key();
    let keys = [key.public()];
    let place =
        Place { boot: "1".into(), slot: Slot::A, release: 1, good: true, primary: Slot::A, now_s: NOW_S };
    let mut journal = Journal::new(&place);
    let mut hear = |bytes: &[u8]| {
        if let Ok(order) = open::<HaltOrder>(bytes, &keys) {
            journal = journal.after(&order.input(), &place).journal;
        }
        journal.halt.clone()
    };
    let halted = Halt { generation: 5, issued_s: NOW_S, campaigns: ["spring".to_owned()].into() };
    assert_eq!(hear(&seal(&halt(5), &key).unwrap()), halted);
    let lifted = HaltOrder { generation: 9, halted: Vec::new(), ..halt(9) };
    let unsigned = serde_json::to_vec(&serde_json::json!({"content": lifted, "sig": []})).unwrap();
    for bytes in [&b""[..], b"{}", &unsigned, &seal(&lifted, &self::key()).unwrap()] {
        assert_eq!(hear(bytes), halted);
    }
    assert!(hear(&seal(&lifted, &key).unwrap()).campaigns.is_empty(), "a signed later one lifts it");
}

#[test]
fn what_is_too_long_or_of_a_later_form_is_not_read() {
    let key = key();
    let long = HaltOrder { reason: "x".repeat(DOCUMENT_MAX), ..halt(1) };
    let opened = open::<HaltOrder>(&seal(&long, &key).unwrap(), &[key.public()]);
    assert!(matches!(opened, Err(OrderError::TooLarge(_))));
    let later = HaltOrder { v: 2, ..halt(1) };
    let opened = open::<HaltOrder>(&seal(&later, &key).unwrap(), &[key.public()]);
    assert_eq!(opened, Err(OrderError::Version(2)));
    let opened = open::<HaltOrder>(b"{\"content\":{\"v\":1.5},\"sig\":[]}", &[key.public()]);
    assert!(matches!(opened, Err(OrderError::Malformed(_))));
}
