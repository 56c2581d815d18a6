//! What the till answers to an approving result decides about the money.

use std::time::Duration;

use super::*;
use crate::terminal::config::Unanswered;

#[test]
fn a_till_that_asks_to_wait_is_asked_again_every_two_seconds() {
    let mut bench = Bench::registered();
    bench.verdicts.extend([WAIT, WAIT, OK]);
    bench.command(&pay(2500));
    assert_eq!(bench.commands()[4..8], ["04 0F", "04 0F", "04 0F", "06 D3"]);
    assert_eq!((bench.last_state().as_str(), &bench.last()["results_sent"]), ("booked", &Value::from(3)));
    let pace = Config::default().pace;
    assert_eq!(bench.now, pace.card + pace.host + 2 * Duration::from_secs(2));
}

#[test]
fn a_till_that_asks_to_wait_for_ever_loses_the_payment() {
    let mut bench = Bench::registered();
    bench.verdicts.extend([WAIT; 20]);
    bench.command(&pay(2500));
    let commands = bench.commands();
    assert_eq!(commands.iter().filter(|command| *command == "04 0F").count(), 5);
    assert_eq!(commands[commands.len() - 2..], ["04 FF 05", "06 1E 6C"]);
    assert_eq!(
        (bench.last_state().as_str(), &bench.last()["reversed_by"]),
        ("reversed", &Value::from("terminal"))
    );
    assert_eq!(bench.ledger()["net_minor"], 0);
}

#[test]
fn goods_not_issued_takes_the_payment_back() {
    for refusal in ["84 66 00", "84 83 00"] {
        let mut bench = Bench::registered();
        bench.verdicts.extend([refusal]);
        bench.command(&pay(2500));
        assert_eq!(bench.commands()[4..], ["04 0F", "04 FF 05", "06 1E 6C"]);
        assert_eq!(bench.last_state(), "reversed");
    }
}

#[test]
fn the_older_acknowledgement_books_as_well() {
    let mut bench = Bench::registered();
    bench.verdicts.extend(["84 00 00"]);
    bench.command(&pay(2500));
    assert_eq!(bench.last_state(), "booked");
}

#[test]
fn a_till_may_book_less_than_was_approved_and_not_more() {
    for (amount, booked) in [("04 00 00 00 00 20 00", 2000), ("04 00 00 00 00 30 00", 2500)] {
        let mut bench = Bench::registered();
        let answer: &'static str = Box::leak(format!("84 9D 07 {amount}").into_boxed_str());
        bench.verdicts.extend([answer]);
        bench.command(&pay(2500));
        assert_eq!(
            (bench.last_state().as_str(), &bench.last()["amount_minor"]),
            ("booked", &Value::from(booked))
        );
    }
}

#[test]
fn without_an_answer_the_setting_decides() {
    for (unanswered, state, end) in
        [(Unanswered::Reverse, "reversed", "06 1E 6C"), (Unanswered::Book, "booked", "06 0F")]
    {
        let mut bench = Bench::registered_at(Config { unanswered, ..Config::default() });
        bench.verdicts.extend([""]);
        bench.command(&pay(2500));
        assert_eq!(bench.last_state(), state);
        assert_eq!(bench.commands().last().unwrap(), end);
        let pace = Config::default().pace;
        assert!(bench.now >= pace.card + pace.host + pace.answer, "after T3");
    }
}

#[test]
fn while_the_till_thinks_the_money_is_neither_booked_nor_lost() {
    let mut bench = Bench::registered();
    bench.verdicts.extend([WAIT]);
    bench.start(&pay(2500));
    bench.pass(Config::default().pace.card + Config::default().pace.host);
    assert_eq!(bench.last_state(), "approved");
    assert_eq!(bench.ledger()["unanswered_minor"], 2500);
    bench.finish();
    assert_eq!(bench.last_state(), "booked");
}

#[test]
fn an_abort_is_too_late_once_the_result_is_out() {
    let mut bench = Bench::registered();
    bench.verdicts.extend([""]);
    bench.start(&pay(2500));
    bench.pass(Config::default().pace.card + Config::default().pace.host);
    bench.send(&hex("06 B0 00"));
    while bench.step_now() {}
    assert_eq!(bench.commands().last().unwrap(), "84 83");
    bench.send(&hex(OK));
    bench.finish();
    assert_eq!(bench.last_state(), "booked");
}

#[test]
fn a_result_that_is_no_approval_is_not_judged() {
    let mut bench = Bench::registered();
    bench.verb("decline");
    bench.verdicts.extend(["84 66 00"]);
    bench.command(&pay(2500));
    assert_eq!(
        (bench.last_state().as_str(), bench.commands().last().unwrap().as_str()),
        ("declined", "06 1E 05")
    );
}
