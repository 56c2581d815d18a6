//! Payments from the command to the completion.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::terminal::config::Mode;

const APPROVED: &[&str] = &["80 00", "04 FF 0A", "04 FF 04", "04 FF 17", "04 0F", "06 D3", "06 D3", "06 0F"];

fn manual() -> Bench {
    Bench::registered_at(Config { mode: Mode::Manual, ..Config::default() })
}

#[test]
fn a_payment_goes_from_card_to_completion() {
    let mut bench = Bench::registered();
    bench.command(&pay(2500));
    assert_eq!(bench.commands(), APPROVED);
    let ledger = bench.ledger();
    assert_eq!((&ledger["booked_minor"], &ledger["net_minor"]), (&json!(2500), &json!(2500)));
    let last = bench.last();
    assert_eq!(
        (&last["state"], &last["amount_minor"], &last["results_sent"]),
        (&json!("booked"), &json!(2500), &json!(1))
    );
    let pace = Config::default().pace;
    assert_eq!(bench.now, pace.card + pace.host, "nothing else takes time");
}

#[test]
fn the_result_is_written_as_real_ones_are() {
    let mut bench = Bench::registered();
    bench.verb("card mastercard");
    bench.command(&pay(2500));
    let expected = "04 0F 6C \
        27 00 04 00 00 00 00 25 00 49 09 78 0C 00 00 00 0D 01 01 \
        22 F0 F8 54 13 33 EE EE EE 40 04 87 00 01 3B 31 31 32 36 34 38 00 00 0B 00 00 01 \
        19 60 29 52 50 00 17 2A 38 30 34 30 31 31 39 32 36 20 20 20 20 20 20 \
        0E 30 11 17 00 01 8A 06 8B F1 F1 4D 61 73 74 65 72 43 61 72 64 00 \
        06 0B 60 09 43 07 A0 00 00 00 04 10 10 88 00 00 01";
    assert_eq!(bench.result(), hex(expected));
}

#[test]
fn the_till_gets_what_it_registered_for() {
    // cfg: 86 = receipts only, 88 = statuses only, 80 = neither; no text blocks asked for.
    for (config, expected) in [
        ("86", &["80 00", "04 0F", "06 D1", "06 0F"][..]),
        ("88", &["80 00", "04 FF 0A", "04 FF 04", "04 FF 17", "04 0F", "06 0F"]),
        ("80", &["80 00", "04 0F", "06 0F"]),
    ] {
        let mut bench = Bench::new(Config::default());
        bench.command(&format!("06 00 06 00 00 00 {config} 09 78"));
        bench.command(&pay(100));
        let mut commands = bench.commands();
        commands.dedup();
        assert_eq!(commands, expected, "cfg {config}");
    }
}

#[test]
fn receipts_are_as_wide_as_the_tills_printer_and_never_show_the_card_number() {
    let mut bench = Bench::new(Config::default());
    bench.command("06 00 0E 00 00 00 86 09 78 06 06 12 01 20 11 01 00");
    bench.command(&pay(4200));
    let lines: Vec<String> = bench
        .said
        .iter()
        .filter(|message| message[..2] == [0x06, 0xD1])
        .map(|message| String::from_utf8(message[4..].to_vec()).unwrap())
        .collect();
    assert!(lines.iter().all(|line| line.len() <= 32), "{lines:#?}");
    let amount = lines.iter().find(|line| line.starts_with("Amount")).unwrap();
    assert_eq!((amount.len(), amount.ends_with("EUR 42.00")), (32, true));
    assert!(lines.iter().any(|line| line.contains("Customer copy")));
    assert!(lines.iter().any(|line| line.contains("Merchant copy")));
    let longest_run = |line: &String| line.split(|char: char| !char.is_ascii_digit()).map(str::len).max();
    assert!(lines.iter().filter_map(longest_run).all(|run| run < 13), "{lines:#?}");
}

#[test]
fn a_decline_comes_as_result_receipt_and_abort_with_the_code_asked_for() {
    for (verb, code) in [("decline", 0x05), ("decline 33", 0x33), ("decline 0d 2", 0x0D)] {
        let mut bench = Bench::registered();
        bench.verb(verb);
        bench.command(&pay(2500));
        let commands = bench.commands();
        assert_eq!(commands[3..], ["04 FF 17", "04 FF 1D", "04 0F", "06 D3", &format!("06 1E {code:02X}")]);
        assert_eq!((bench.result_code(), bench.last_state().as_str()), (code, "declined"));
        assert_eq!(bench.ledger()["net_minor"], 0);
    }
}

#[test]
fn a_fault_with_a_number_strikes_so_often_and_then_the_card_works() {
    let mut bench = Bench::registered();
    bench.verb("decline 05 times 2");
    for (round, left) in [("declined", json!(["decline"])), ("declined", json!([])), ("booked", json!([]))] {
        bench.command(&pay(100));
        assert_eq!((bench.last_state().as_str(), bench.faults()), (round, left));
    }
}

#[test]
fn a_customer_who_cancels_or_never_comes_ends_it_without_a_result() {
    for (fault, time) in [("cancel", Duration::from_millis(1500)), ("timeout", Duration::from_secs(60))] {
        let mut bench = Bench::registered();
        bench.verb(fault);
        bench.command(&pay(2500));
        assert_eq!(bench.commands(), ["80 00", "04 FF 0A", "06 1E 6C"]);
        assert_eq!((bench.last_state().as_str(), bench.now), ("cancelled", time));
        assert_eq!(bench.last()["receipt"], json!(null), "the bank never heard of it");
    }
}

#[test]
fn a_wrong_pin_is_asked_again_and_three_of_them_end_the_card() {
    let mut bench = Bench::registered();
    bench.verb("wrong-pin");
    bench.command(&pay(2500));
    let commands = bench.commands();
    assert_eq!(commands[1..6], ["04 FF 0A", "04 FF 01", "04 FF 15", "04 FF 01", "04 FF 04"]);
    assert_eq!(bench.last_state(), "booked");

    bench.verb("wrong-pin 3");
    bench.command(&pay(2500));
    let commands = bench.commands();
    assert_eq!(commands[7..10], ["04 FF 18", "04 FF 1D", "04 0F"]);
    assert_eq!((bench.result_code(), bench.last_state().as_str()), (0x4B, "declined"));
}

#[test]
fn a_large_amount_wants_a_pin_even_without_contact() {
    let mut bench = Bench::registered();
    bench.command(&pay(5001));
    assert!(bench.commands().contains(&"04 FF 01".to_owned()));
    bench.command(&pay(5000));
    assert!(!bench.commands().contains(&"04 FF 01".to_owned()));
}

#[test]
fn in_manual_mode_it_waits_for_a_person() {
    let mut bench = manual();
    bench.start(&pay(2500));
    bench.pass(Duration::from_secs(30));
    assert_eq!(
        (bench.state()["phase"].as_str(), bench.state()["display"]["amount"].as_str()),
        (Some("card"), Some("EUR 25.00"))
    );
    assert!(matches!(bench.try_verb("pin-ok"), Err(VerbError::Refused(_))));
    bench.verb("present-card insert");
    while bench.step_now() {}
    assert_eq!(bench.state()["phase"], "pin");
    assert!(matches!(bench.try_verb("present-card"), Err(VerbError::Refused(_))));
    bench.verb("pin-ok");
    bench.finish();
    assert_eq!(bench.last_state(), "booked");
    assert_eq!(bench.last()["card"], json!({"card": "girocard", "entry": "insert"}));
    assert!(bench.commands().contains(&"04 FF 0B".to_owned()), "an inserted card has to be taken out");
    for verb in ["present-card", "pin-ok", "stop"] {
        assert!(matches!(bench.try_verb(verb), Err(VerbError::Refused(_))), "{verb} while idle");
    }
}

#[test]
fn the_red_key_stops_until_the_bank_is_asked() {
    for presented in [false, true] {
        let mut bench = manual();
        bench.start(&pay(2500));
        if presented {
            bench.verb("present-card insert");
            while bench.step_now() {}
        }
        bench.verb("stop");
        bench.finish();
        assert_eq!(bench.commands().last().unwrap(), "06 1E 6C");
        assert_eq!(bench.last_state(), "cancelled");
    }
    let mut bench = manual();
    bench.start(&pay(2500));
    bench.verb("present-card hold");
    while bench.step_now() {}
    assert!(matches!(bench.try_verb("stop"), Err(VerbError::Refused(_))));
}

#[test]
fn an_abort_is_taken_while_a_card_is_awaited_and_too_late_at_the_bank() {
    let mut bench = manual();
    bench.start(&pay(2500));
    bench.send(&hex("06 B0 00"));
    bench.finish();
    assert_eq!(bench.commands()[2..], ["80 00", "06 1E 6C"]);
    assert_eq!(bench.last_state(), "cancelled");

    bench.start(&pay(2500));
    bench.verb("present-card");
    while bench.step_now() {}
    assert_eq!(bench.state()["phase"], "bank");
    bench.send(&hex("06 B0 00"));
    bench.finish();
    assert_eq!(bench.last_state(), "booked", "acknowledged, and yet approved");
    assert_eq!(bench.commands().last().unwrap(), "06 0F");

    bench.command("06 B0 00");
    assert_eq!(bench.commands(), ["80 00"], "nothing to abort");
}

#[test]
fn an_abort_can_be_refused_or_followed_by_an_approval() {
    let mut bench = manual();
    bench.verb("refuse-abort");
    bench.start(&pay(2500));
    bench.send(&hex("06 B0 00"));
    while bench.step_now() {}
    assert_eq!(bench.commands().last().unwrap(), "84 83");
    assert_eq!(bench.state()["phase"], "card", "it goes on");
    bench.verb("result-after-abort");
    bench.said.clear();
    bench.send(&hex("06 B0 00"));
    bench.finish();
    assert_eq!(bench.commands()[0], "80 00");
    assert_eq!(bench.commands().last().unwrap(), "06 0F");
    assert_eq!(bench.last_state(), "booked");
}

#[test]
fn a_refund_gives_money_and_counts_against_the_shop() {
    let mut bench = Bench::registered();
    bench.command(&pay(2500));
    bench.command("06 31 0A 00 00 00 04 00 00 00 00 10 00");
    assert_eq!((bench.result_code(), bench.last_state().as_str()), (0, "booked"));
    let ledger = bench.ledger();
    assert_eq!((&ledger["refunded_minor"], &ledger["net_minor"]), (&json!(1000), &json!(1500)));
}

#[test]
fn a_command_without_an_amount_moves_nothing() {
    let mut bench = Bench::registered();
    for command in
        ["06 01 00", "06 01 03 49 09 78", "06 01 07 04 00 00 00 00 00 00", "06 31 03 00 00 00", "06 30 00"]
    {
        bench.command(command);
        assert_eq!(bench.commands(), ["84 9A"], "{command}");
    }
    assert_eq!(bench.ledger()["transactions_total"], 0);
}
