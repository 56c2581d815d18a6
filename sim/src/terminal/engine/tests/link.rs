//! The link breaks at every point, and what the ledger says then.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::terminal::book::State;
use crate::terminal::config::Unanswered;
use crate::terminal::faults::POINTS;

const REPEAT: &str = "06 20 03 00 00 00";
const STATUS: &str = "05 01 03 00 00 00";
const TOTALS: &str = "06 10 03 00 00 00";
const REVERSE: &str = "06 30 06 00 00 00 87 00 01";

fn lose_at(point: &str, unanswered: Unanswered) -> Bench {
    let mut bench = Bench::registered_at(Config { unanswered, ..Config::default() });
    bench.command(&pay(1000));
    bench.verb(&format!("lose-link {point}"));
    bench.command(&pay(2500));
    assert!(bench.lost, "{point}");
    assert_eq!(bench.faults(), json!([]), "{point}: it strikes once");
    bench
}

#[test]
fn the_link_breaks_where_it_was_told_to() {
    for (point, said) in [
        ("before-ack", &[][..]),
        ("after-ack", &["80 00"]),
        ("in-pin", &["80 00", "04 FF 0A", "04 FF 01"]),
        ("before-result", &["80 00", "04 FF 0A", "04 FF 04", "04 FF 17"]),
        ("after-result", &["80 00", "04 FF 0A", "04 FF 04", "04 FF 17", "04 0F"]),
        ("after-answer", &["80 00", "04 FF 0A", "04 FF 04", "04 FF 17", "04 0F"]),
        ("before-completion", &["80 00", "04 FF 0A", "04 FF 04", "04 FF 17", "04 0F", "06 D3", "06 D3"]),
    ] {
        let bench = lose_at(point, Unanswered::Reverse);
        assert_eq!(bench.commands(), said, "{point}");
    }
}

#[test]
fn the_ledger_knows_what_became_of_the_money() {
    for (point, _) in POINTS {
        for unanswered in [Unanswered::Reverse, Unanswered::Book] {
            let mut bench = lose_at(point, unanswered);
            bench.pass(Duration::from_secs(10));
            let (total, state) = match (*point, unanswered) {
                ("before-ack", _) => (1, "booked"),
                ("after-answer" | "before-completion", _) | (_, Unanswered::Book) => (2, "booked"),
                (_, Unanswered::Reverse) => (2, "reversed"),
            };
            assert_eq!(bench.ledger()["transactions_total"], total, "{point} {unanswered:?}");
            assert_eq!(bench.last_state(), state, "{point} {unanswered:?}");
            let net = if state == "booked" && total == 2 { 3500 } else { 1000 };
            assert_eq!(bench.ledger()["net_minor"], net, "{point} {unanswered:?}");
        }
    }
}

#[test]
fn a_till_that_asks_later_is_told_the_truth() {
    for (point, code, minor) in [
        ("before-ack", 0x00, 1000),
        ("in-pin", 0xB4, 2500),
        ("after-result", 0xB4, 2500),
        ("after-answer", 0x00, 2500),
    ] {
        let mut bench = lose_at(point, Unanswered::Reverse);
        bench.pass(Duration::from_secs(10));
        bench.come_back();
        bench.command(REPEAT);
        assert_eq!(bench.commands(), ["80 00", "04 0F", "06 D3", "06 0F"], "{point}");
        assert_eq!(bench.result_code(), code, "{point}");
        let amount = [&[0x04][..], &hex(&pay(minor))[4..]].concat();
        assert_eq!(bench.result()[5..12], amount, "{point}");
    }
}

#[test]
fn what_was_lost_before_its_acknowledge_never_happened_and_every_question_is_answered_at_once() {
    let refund = format!("06 31 0A 00 00 00 {}", &pay(2500)[9..]);
    for lost in [pay(2500), refund, REVERSE.to_owned()] {
        let mut bench = Bench::registered();
        bench.command(&pay(1000));
        let (before, result) = (bench.ledger(), bench.result().to_vec());
        bench.verb("lose-link before-ack");
        bench.command(&lost);
        assert!(bench.lost && bench.said.is_empty(), "{lost}");
        assert_eq!(
            (bench.ledger(), bench.state()["phase"].as_str()),
            (before.clone(), Some("idle")),
            "{lost}"
        );

        let back_at = bench.now;
        bench.come_back();
        bench.command(STATUS);
        assert_eq!((bench.said[0].as_slice(), bench.said[1].last()), (&hex(OK)[..], Some(&0x00)), "{lost}");
        bench.command(REPEAT);
        assert_eq!(bench.result(), result, "{lost}: the payment before it, byte for byte");
        bench.command(TOTALS);
        assert_eq!(bench.commands(), ["80 00", "04 0F", "06 0F"], "{lost}");
        assert_eq!(bench.now, back_at, "{lost}: no answer takes time");

        bench.pass(Duration::from_secs(300));
        assert_eq!(bench.ledger(), before, "{lost}: nor does it happen later");
        bench.command(&pay(300));
        assert_eq!((bench.last_state().as_str(), &bench.last()["number"]), ("booked", &json!(2)), "{lost}");
    }
}

#[test]
fn a_terminal_that_has_never_taken_money_repeats_nothing_after_a_loss_before_the_acknowledge() {
    let mut bench = Bench::registered();
    bench.verb("lose-link before-ack");
    bench.command(&pay(2500));
    bench.come_back();
    bench.command(REPEAT);
    assert_eq!(bench.said, [hex("80 00 00"), hex("06 0F 00")]);
    bench.command(TOTALS);
    assert_eq!(bench.result()[5..12], hex("04 00 00 00 00 00 00"), "the sum of the day is nothing");
    assert_eq!(bench.ledger()["transactions_total"], 0);
}

#[test]
fn nothing_that_follows_a_command_lost_before_its_acknowledge_is_heard_on_that_link() {
    let mut bench = Bench::registered();
    bench.verb("lose-link before-ack 3000");
    bench.said.clear();
    bench.send(&[hex(&pay(2500)), hex("06 B0 00"), hex(&pay(100)), hex(REGISTER)].concat());
    bench.send(&hex(&pay(200)));
    while bench.step_now() {}
    assert!(bench.lost && bench.said.is_empty());
    bench.pass(Duration::from_secs(3));
    assert_eq!((bench.demand().cable, &bench.ledger()["transactions_total"]), (Cable::Plugged, &json!(0)));
    bench.come_back();
    bench.command(STATUS);
    assert_eq!(bench.said[1].last(), Some(&0x00));
}

#[test]
fn while_it_settles_alone_it_is_busy_and_lets_the_till_register() {
    let mut bench = lose_at("after-ack", Unanswered::Reverse);
    bench.come_back();
    bench.command("05 01 03 00 00 00");
    assert_eq!(*bench.said[1].last().unwrap(), 0x9C);
    for command in [REPEAT, &pay(100), "06 30 06 00 00 00 87 00 01", "06 50 03 00 00 00"] {
        bench.command(command);
        assert_eq!(bench.commands(), ["84 9C"], "{command}");
    }
    bench.pass(Duration::from_secs(10));
    bench.command("05 01 03 00 00 00");
    assert_eq!(*bench.said[1].last().unwrap(), 0x00);
    assert_eq!(bench.last_state(), "reversed");
}

#[test]
fn a_link_can_stay_down_for_a_while() {
    let mut bench = Bench::registered();
    bench.verb("lose-link after-result 3000");
    bench.command(&pay(2500));
    let lost_at = bench.now;
    assert_eq!(bench.demand().cable, Cable::Unplugged);
    bench.pass(Duration::from_millis(2999));
    assert_eq!(bench.demand().cable, Cable::Unplugged);
    bench.pass(Duration::from_millis(1));
    assert_eq!((bench.demand().cable, bench.now - lost_at), (Cable::Plugged, Duration::from_secs(3)));
}

#[test]
fn a_till_that_goes_away_by_itself_is_a_lost_link_too() {
    let mut bench = Bench::registered();
    bench.start(&pay(2500));
    bench.engine.disconnected(bench.now);
    bench.connected = false;
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.last_state(), "reversed");
    assert_eq!(bench.state()["registered"], false, "a new connection has to register again");
}

#[test]
fn a_till_that_stops_answering_is_left_alone_after_t3() {
    let mut bench = Bench::registered();
    bench.answering = false;
    bench.start(&pay(2500));
    bench.pass(Duration::from_secs(4));
    assert_eq!(bench.commands(), ["80 00", "04 FF 0A"]);
    bench.pass(Duration::from_secs(20));
    assert_eq!(bench.commands(), ["80 00", "04 FF 0A"], "nothing more is said");
    assert_eq!(bench.last_state(), "reversed");
}

#[test]
fn switching_it_off_forgets_the_till_and_keeps_the_ledger() {
    let mut bench = Bench::registered();
    bench.command(&pay(1000));
    bench.verdicts.extend([""]);
    bench.start(&pay(2500));
    bench.pass(Config::default().pace.card + Config::default().pace.host);
    assert_eq!(bench.last_state(), "approved");
    bench.verb("power-cycle 2000");
    while bench.step_now() {}
    assert!(bench.lost);
    assert_eq!((bench.state()["powered"].as_bool(), bench.last_state().as_str()), (Some(false), "reversed"));
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.state()["powered"], true);
    bench.connect();
    bench.command(&pay(100));
    assert_eq!(bench.commands(), ["80 00", "06 1E 6B"], "not registered");
    bench.register();
    bench.command(REPEAT);
    assert_eq!(bench.result_code(), 0xB4);
}

#[test]
fn a_restart_settles_what_the_last_life_left_open() {
    for (unanswered, settled) in [(Unanswered::Reverse, State::Reversed), (Unanswered::Book, State::Booked)] {
        let config = Config { unanswered, ..Config::default() };
        let mut bench = Bench::registered_at(config.clone());
        bench.verdicts.extend([""]);
        bench.start(&pay(2500));
        bench.pass(config.pace.card + config.pace.host);
        let book = bench.engine.take_changed_book().unwrap().clone();
        assert_eq!(book.unfinished(), [(1, State::Approved)]);

        let mut again = Bench::with_book(config.clone(), book);
        assert_eq!(again.engine.take_changed_book().unwrap().get(1).unwrap().state, settled);
        again.register();
        again.command(&pay(100));
        assert_eq!(again.last()["number"], 2, "numbers go on");
    }
    let mut bench = Bench::registered();
    bench.start(&pay(2500));
    let book = bench.engine.take_changed_book().unwrap().clone();
    assert_eq!(Bench::with_book(Config::default(), book).last_state(), "cancelled");
}
