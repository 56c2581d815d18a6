//! Taking payments back, and the end of the day.

use serde_json::json;

use super::*;
use crate::terminal::config::Reversible;
use crate::terminal::faults::POINTS;

fn reverse(receipt: u32) -> String {
    format!("06 30 06 00 00 00 87 {:02} {:02}", receipt / 100, receipt % 100)
}

#[test]
fn the_last_payment_is_reversed_by_its_receipt_number() {
    let mut bench = Bench::registered();
    bench.command(&pay(2500));
    bench.command(&reverse(1));
    assert_eq!(bench.commands(), ["80 00", "04 FF 17", "04 0F", "06 D3", "06 D3", "06 0F"]);
    assert_eq!(bench.result_code(), 0x00);
    assert_eq!(bench.result()[bench.result().len() - 4..], [0x37, 0, 0, 1], "the trace of what was reversed");
    let ledger = bench.ledger();
    let transactions = ledger["transactions"].as_array().unwrap();
    assert_eq!(transactions[0]["state"], "reversed");
    assert_eq!(transactions[0]["reversed_by"], json!({"till": 2}));
    assert_eq!((&transactions[1]["kind"], &transactions[1]["state"]), (&json!("reversal"), &json!("booked")));
    assert_eq!((&ledger["net_minor"], &ledger["reversed_minor"]), (&json!(0), &json!(2500)));
}

#[test]
fn a_second_reversal_says_already_reversed_and_an_unknown_one_not_possible() {
    let mut bench = Bench::registered();
    bench.command(&pay(2500));
    bench.command(&reverse(1));
    bench.command(&reverse(1));
    assert_eq!(bench.commands(), ["80 00", "06 1E B4"]);
    bench.command(&reverse(77));
    assert_eq!(bench.commands(), ["80 00", "06 1E B5"]);
    assert_eq!(bench.ledger()["net_minor"], 0);
}

#[test]
fn a_payment_that_took_itself_back_counts_as_reversed() {
    let mut bench = Bench::registered();
    bench.verdicts.extend(["84 66 00"]);
    bench.command(&pay(2500));
    bench.command(&reverse(1));
    assert_eq!(bench.commands(), ["80 00", "06 1E B4"]);
}

#[test]
fn only_the_last_payment_can_be_reversed_unless_set_otherwise() {
    for (reversible, end) in [(Reversible::LastOnly, "06 1E B5"), (Reversible::SinceEndOfDay, "06 0F")] {
        let mut bench = Bench::registered_at(Config { reversible, ..Config::default() });
        bench.command(&pay(2500));
        bench.command(&pay(1000));
        bench.command(&reverse(1));
        assert_eq!(bench.commands().last().unwrap(), end);
    }
}

#[test]
fn a_reversal_of_another_amount_is_refused() {
    let mut bench = Bench::registered();
    bench.command(&pay(2500));
    bench.command("06 30 0D 00 00 00 87 00 01 04 00 00 00 00 24 99");
    assert_eq!(bench.commands(), ["80 00", "06 1E B5"]);
    bench.command("06 30 0D 00 00 00 87 00 01 04 00 00 00 00 25 00");
    assert_eq!(bench.commands().last().unwrap(), "06 0F");
}

#[test]
fn a_refused_reversal_leaves_the_money_where_it_is() {
    let mut bench = Bench::registered();
    bench.command(&pay(2500));
    bench.verb("refuse-reversal");
    bench.command(&reverse(1));
    assert_eq!(bench.commands(), ["80 00", "06 1E B5"]);
    assert_eq!(bench.ledger()["net_minor"], 2500);
    bench.command(&reverse(1));
    assert_eq!(bench.ledger()["net_minor"], 0);
}

#[test]
fn a_reversal_whose_link_breaks_is_done_unless_it_was_never_acknowledged() {
    for (point, _) in POINTS.iter().filter(|(name, _)| *name != "in-pin") {
        let mut bench = Bench::registered();
        bench.command(&pay(2500));
        bench.verb(&format!("lose-link {point}"));
        bench.command(&reverse(1));
        assert!(bench.lost, "{point}");
        bench.pass(std::time::Duration::from_secs(10));
        let done = *point != "before-ack";
        assert_eq!(bench.ledger()["net_minor"], if done { 0 } else { 2500 }, "{point}");
        bench.come_back();
        bench.command(&reverse(1));
        assert_eq!(bench.commands().last().unwrap(), if done { "06 1E B4" } else { "06 0F" }, "{point}");
        assert_eq!(bench.ledger()["net_minor"], 0, "{point}");
    }
}

#[test]
fn the_end_of_the_day_sends_the_sums_of_each_kind_of_card() {
    let mut bench = Bench::registered();
    bench.command(&pay(2500));
    bench.verb("card visa");
    bench.command(&pay(1000));
    bench.command(&pay(700));
    bench.command(&reverse(3));
    bench.verb("decline");
    bench.command(&pay(9900));
    bench.command("06 50 03 00 00 00");
    assert_eq!(bench.commands(), ["80 00", "04 0F", "06 D3", "06 0F"]);
    let sums = hex("60 F0 F5 F3 00 01 00 05 \
         01 00 00 00 00 25 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \
         01 00 00 00 00 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00");
    assert!(bench.result().ends_with(&sums), "{:02X?}", bench.result());
    bench.command(&reverse(2));
    assert_eq!(bench.commands(), ["80 00", "06 1E B5"], "the day is closed");
    bench.command("06 10 03 00 00 00");
    assert_eq!(bench.result()[5..12], [0x04, 0, 0, 0, 0, 0, 0], "the next day begins with nothing");
    assert_eq!(bench.ledger()["net_minor"], 3500, "the ledger goes on");
}

#[test]
fn repeating_after_the_end_of_the_day_repeats_its_receipt() {
    let mut bench = Bench::registered();
    bench.command(&pay(2500));
    bench.command("06 50 03 00 00 00");
    bench.command("06 20 03 00 00 00");
    assert_eq!(bench.commands(), ["80 00", "04 0F", "06 D3", "06 0F"]);
    assert!(bench.result().windows(4).any(|window| window == [0x60, 0xF0, 0xF5, 0xF3]));
    bench.command(&pay(100));
    bench.command("06 20 03 00 00 00");
    assert_eq!(bench.result()[5..12], [0x04, 0, 0, 0, 0, 1, 0], "until something else was printed");
}
