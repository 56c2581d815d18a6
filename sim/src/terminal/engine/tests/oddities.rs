//! Faults in what is said, and how it is written.

use std::time::Duration;

use serde_json::json;

use super::*;

#[test]
fn a_wrong_amount_or_currency_is_charged_and_said() {
    let mut bench = Bench::registered();
    bench.verb("wrong-amount");
    bench.command(&pay(2500));
    assert_eq!(bench.result()[5..12], [0x04, 0, 0, 0, 0, 0x26, 0]);
    assert_eq!(
        (&bench.last()["requested_minor"], &bench.last()["amount_minor"]),
        (&json!(2500), &json!(2600))
    );
    bench.verb("wrong-currency");
    bench.command(&pay(2500));
    assert_eq!(bench.result()[12..15], [0x49, 0x08, 0x40]);
    assert_eq!(bench.last()["currency"], 840);
}

#[test]
fn a_result_can_come_twice_and_is_booked_once() {
    let mut bench = Bench::registered();
    bench.verb("double-result");
    bench.command(&pay(2500));
    assert_eq!(bench.commands()[4..7], ["04 0F", "04 0F", "06 D3"]);
    let results: Vec<_> = bench.said.iter().filter(|message| message[..2] == [0x04, 0x0F]).collect();
    assert_eq!(results[0], results[1]);
    assert_eq!(
        (&bench.ledger()["net_minor"], &bench.ledger()["transactions_total"]),
        (&json!(2500), &json!(1))
    );
}

#[test]
fn a_result_can_come_late() {
    let mut bench = Bench::registered();
    bench.verb("result-late 30000");
    bench.command(&pay(2500));
    let pace = Config::default().pace;
    assert_eq!(bench.now, pace.card + pace.host + Duration::from_secs(30));
    assert_eq!(bench.last_state(), "booked");
}

#[test]
fn a_result_can_hold_a_field_nobody_knows_behind_the_ones_that_matter() {
    let mut bench = Bench::registered();
    bench.command(&pay(2500));
    let plain = bench.result().to_vec();
    bench.verb("unknown-bmp");
    bench.command(&pay(2500));
    let odd = bench.result();
    assert_eq!(odd.len(), plain.len() + 4);
    let at = odd.windows(4).position(|window| window == [0x5B, 1, 2, 3]).unwrap();
    let merchant = odd.windows(2).position(|window| window == [0x2A, 0x38]).unwrap();
    assert!(at > merchant, "amount, receipt and trace come before it");
}

#[test]
fn a_result_can_hold_forty_containers_in_each_other() {
    let mut bench = Bench::registered();
    bench.verb("deep-tlv");
    bench.command(&pay(2500));
    let deep = bench.result().windows(2).filter(|window| window[0] == 0x60 && window[1] < 0x80).count();
    assert!(deep >= 39, "{deep}");
    assert_eq!(bench.last_state(), "booked");
}

#[test]
fn a_result_can_have_a_three_byte_length_without_need() {
    let mut bench = Bench::registered();
    bench.verb("ext-length");
    bench.command(&pay(2500));
    let result = bench.result();
    assert_eq!(result[2..5], [0xFF, u8::try_from(result.len() - 5).unwrap(), 0]);
    assert_eq!(result[5..7], [0x27, 0x00]);
    assert_eq!(bench.last_state(), "booked");
}

#[test]
fn half_a_result_is_no_result_and_the_money_goes_back() {
    let mut bench = Bench::registered();
    bench.verb("truncated");
    bench.start(&pay(2500));
    bench.pass(Duration::from_secs(30));
    assert_eq!(bench.commands().last().unwrap(), "04 FF 17");
    assert_eq!(bench.heard[..2], [0x04, 0x0F]);
    assert_eq!(bench.last_state(), "reversed");
    bench.engine.disconnected(bench.now);
    bench.connect();
    bench.register();
    bench.command(&pay(2500));
    assert_eq!(bench.last_state(), "booked");
}

#[test]
fn words_can_come_before_the_protocol() {
    let mut bench = Bench::new(Config::default());
    bench.verb("banner");
    bench.engine.disconnected(bench.now);
    bench.engine.connected();
    let banner = bench.demand().output;
    assert!(banner.starts_with(b"\0\0\0\x3EVER"), "{banner:02X?}");
    assert_eq!(banner.len(), 4 + 0x3E);
    bench.register();
}

#[test]
fn bytes_can_come_one_by_one() {
    let mut bench = Bench::registered();
    bench.verb("split-bytes");
    bench.said.clear();
    bench.send(&hex(&pay(2500)));
    for _ in 0..3 {
        let demand = bench.demand();
        assert_eq!(demand.output.len(), 1);
        bench.heard.extend(&demand.output);
        bench.now = demand.deadline.unwrap();
    }
    assert_eq!(bench.take_message(), Some(hex("80 00 00")));
    bench.finish();
    assert_eq!(bench.last_state(), "booked");
    bench.send(&hex("05 01 03 00 00 00"));
    assert_eq!(bench.demand().output.len(), 3 + 3 + 18, "the next command is whole again");
}

#[test]
fn messages_can_come_glued_together() {
    let mut bench = Bench::registered();
    bench.verb("glued");
    bench.said.clear();
    bench.send(&hex(&pay(2500)));
    let first = bench.demand().output;
    assert_eq!(first, hex("80 00 00 04 FF 02 0A 00"));
    bench.send(&hex("80 00 00"));
    bench.pass(Config::default().pace.card);
    assert_eq!(bench.commands(), ["04 FF 04", "04 FF 17"]);
    bench.finish();
    assert_eq!(bench.last_state(), "booked");
    assert_eq!(bench.commands()[2..], ["04 0F", "06 D3", "06 D3", "06 0F"]);
}

#[test]
fn a_truncated_command_of_the_till_is_completed_later() {
    let mut bench = Bench::registered();
    bench.said.clear();
    let command = hex(&pay(2500));
    for byte in &command[..command.len() - 1] {
        bench.send(&[*byte]);
        assert_eq!(bench.demand().output, Vec::<u8>::new());
    }
    bench.send(&command[command.len() - 1..]);
    bench.finish();
    assert_eq!(bench.last_state(), "booked");
}
