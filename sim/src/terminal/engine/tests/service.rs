//! Everything around payments.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::terminal::faults::ALL;

const STATUS: &str = "05 01 03 00 00 00";
const REPEAT: &str = "06 20 03 00 00 00";

#[test]
fn a_registration_ends_with_status_terminal_id_and_currency() {
    let mut bench = Bench::new(Config::default());
    assert_eq!(bench.state()["registered"], false);
    bench.command(REGISTER);
    assert_eq!(bench.said, [hex("80 00 00"), hex("06 0F 0A 19 10 29 52 50 00 17 49 09 78")]);
    assert_eq!(bench.state()["registered"], true);
    bench.command("06 02 00");
    assert_eq!(
        (bench.commands(), bench.state()["registered"].as_bool()),
        (vec!["80 00".to_owned()], Some(false))
    );
    bench.command("06 00 03 00 00 00");
    assert_eq!(bench.commands(), ["84 9A"], "no configuration byte");
}

#[test]
fn nothing_that_counts_works_before_the_registration() {
    let mut bench = Bench::new(Config::default());
    for command in
        [&pay(2500), REPEAT, "06 30 06 00 00 00 87 00 01", "06 50 03 00 00 00", "06 93 03 00 00 00"]
    {
        bench.command(command);
        assert_eq!(bench.commands(), ["80 00", "06 1E 6B"], "{command}");
    }
    assert_eq!(bench.ledger()["transactions_total"], 0);
    bench.command(STATUS);
    assert_eq!(bench.said[1], hex("06 0F 12 F0 F1 F4 4B 49 4F 53 4B 2D 53 49 4D 20 31 2E 30 30 00"));
}

#[test]
fn the_last_receipt_is_repeated_with_its_result() {
    let mut bench = Bench::registered();
    bench.command(REPEAT);
    assert_eq!(bench.commands(), ["80 00", "06 0F"], "there is none yet");
    bench.command(&pay(2500));
    let result = bench.result().to_vec();
    bench.verb("cancel");
    bench.command(&pay(900));
    bench.command(REPEAT);
    assert_eq!(bench.commands(), ["80 00", "04 0F", "06 D3", "06 0F"]);
    assert_eq!(bench.result(), result, "what never reached the bank has no receipt");
    bench.verb("empty-repeat");
    bench.command(REPEAT);
    assert_eq!(bench.commands(), ["80 00", "06 0F"]);
    bench.verb("decline");
    bench.command(&pay(900));
    bench.command(REPEAT);
    assert_eq!(bench.result_code(), 0x05);
}

#[test]
fn a_busy_terminal_refuses_once_and_says_so_in_its_status() {
    let mut bench = Bench::registered();
    bench.verb("busy");
    bench.command(&pay(100));
    assert_eq!(bench.commands(), ["84 9C"]);
    bench.verb("busy 2");
    for status in [0x9C, 0x9C, 0x00] {
        bench.command(STATUS);
        assert_eq!(*bench.said[1].last().unwrap(), status);
    }
    bench.command(&pay(100));
    assert_eq!(bench.last_state(), "booked");
}

#[test]
fn two_commands_at_once_are_not_possible() {
    let mut bench = Bench::registered();
    bench.start(&pay(2500));
    bench.send(&hex(STATUS));
    while bench.step_now() {}
    assert_eq!(bench.commands(), ["80 00", "04 FF 0A", "84 9C"]);
    bench.said.clear();
    bench.finish();
    assert_eq!(bench.last_state(), "booked");
}

#[test]
fn it_takes_no_money_before_it_is_initialised_or_its_day_is_closed() {
    for (fault, status, remedy) in
        [("needs-init", 0x51, "06 93 03 00 00 00"), ("eod-open", 0xF0, "06 50 03 00 00 00")]
    {
        let mut bench = Bench::registered();
        bench.verb(fault);
        bench.command(STATUS);
        assert_eq!(*bench.said[1].last().unwrap(), status);
        for _ in 0..2 {
            bench.command(&pay(100));
            assert_eq!(bench.commands(), ["80 00".to_owned(), format!("06 1E {status:02X}")]);
        }
        bench.command(remedy);
        assert_eq!(bench.commands().last().unwrap(), "06 0F");
        assert_eq!(bench.faults(), json!([]));
        bench.command(&pay(100));
        assert_eq!(bench.last_state(), "booked");
    }
}

#[test]
fn service_commands_end_with_a_completion() {
    let mut bench = Bench::registered();
    for (command, said) in [
        ("06 93 03 00 00 00", &["80 00", "04 FF CA", "06 0F"][..]),
        ("06 70 00", &["80 00", "06 D3", "06 0F"]),
        ("06 12 03 00 00 00", &["80 00", "06 D3", "06 0F"]),
        ("06 10 03 00 00 00", &["80 00", "04 0F", "06 0F"]),
        ("06 91 08 AA 26 11 21 0C 10 00 00", &["80 00", "06 0F"]),
        ("06 23 03 87 FF FF", &["80 00", "06 1E B8"]),
        ("06 18 00", &["80 00", "06 0F"]),
    ] {
        bench.command(command);
        assert_eq!(bench.commands(), said, "{command}");
    }
    assert_eq!(bench.state()["registered"], false, "a reset forgets the till");
    for command in ["06 22 00", "06 C0 00", "0F 01 00", "00 00 00"] {
        bench.command(command);
        assert_eq!(bench.commands(), ["84 83"], "{command}");
    }
}

#[test]
fn no_open_reservation_is_answered_as_published() {
    let mut bench = Bench::registered();
    bench.command("06 23 03 87 FF FF");
    assert_eq!(bench.said[1], hex("06 1E 04 B8 87 FF FF"));
}

#[test]
fn a_dead_terminal_says_nothing_until_it_lives_again() {
    let mut bench = Bench::registered();
    bench.verb("dead");
    bench.start(&pay(2500));
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.said.len(), 0);
    bench.verb("dead off");
    bench.command(&pay(2500));
    assert_eq!(bench.last_state(), "booked");
    assert_eq!(bench.ledger()["transactions_total"], 1, "what a dead terminal heard is lost");
}

#[test]
fn clear_ends_every_fault() {
    let mut bench = Bench::registered();
    for (_, verb) in ALL {
        let point = if *verb == "lose-link" { " in-pin" } else { "" };
        bench.verb(&format!("{verb}{point}"));
    }
    assert_eq!(bench.faults().as_array().unwrap().len(), ALL.len());
    bench.verb("clear");
    assert_eq!(bench.faults(), json!([]));
    for (_, verb) in ALL {
        let point = if *verb == "lose-link" { " in-pin" } else { "" };
        bench.verb(&format!("{verb}{point}"));
        bench.verb(&format!("{verb} off"));
        assert_eq!(bench.faults(), json!([]), "{verb}");
    }
}

#[test]
fn wrong_words_change_nothing() {
    let mut bench = Bench::registered();
    for line in [
        "mode",
        "mode both",
        "card",
        "card gold",
        "present-card twice",
        "lose-link",
        "lose-link somewhere",
        "decline 00",
        "decline zz",
        "busy 0",
        "busy times",
        "busy often",
        "dead 3",
        "result-late soon",
        "ledger first",
        "power-cycle now",
        "unanswered maybe",
        "pin-ok 1234",
        "clear all",
    ] {
        assert!(matches!(bench.try_verb(line), Err(VerbError::Usage(_))), "{line}");
    }
    assert!(matches!(bench.try_verb("sing"), Err(VerbError::UnknownVerb { .. })));
    assert_eq!(bench.faults(), json!([]));
}

#[test]
fn the_ledger_verb_tells_every_transaction_from_a_number_on() {
    let mut bench = Bench::registered();
    for _ in 0..3 {
        bench.command(&pay(100));
    }
    assert_eq!(bench.try_verb("ledger").unwrap().as_array().unwrap().len(), 3);
    assert_eq!(bench.try_verb("ledger 3").unwrap()[0]["number"], 3);
}
