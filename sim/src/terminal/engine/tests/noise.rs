//! Whatever comes over the wire: no panic, bounded memory, and a ledger that adds up.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::terminal::faults::POINTS;

#[derive(Debug, Clone)]
enum Op {
    Bytes(Vec<u8>),
    /// A well-formed command, perhaps at a bad moment.
    Command(usize),
    Verb(usize, usize),
    Pass(u64),
    Reconnect,
}

const COMMANDS: &[&str] = &[
    REGISTER,
    "06 01 07 04 00 00 00 00 25 00",
    "06 31 0A 00 00 00 04 00 00 00 00 10 00",
    "06 30 06 00 00 00 87 00 01",
    "06 30 06 00 00 00 87 00 02",
    "06 20 03 00 00 00",
    "06 50 03 00 00 00",
    "06 B0 00",
    "05 01 03 00 00 00",
    "06 93 03 00 00 00",
    "80 00 00",
    "84 9C 00",
    "84 66 00",
    "84 9D 07 04 00 00 00 00 01 00",
];

const WORDS: &[&str] =
    &["", "always", "2", "hold", "insert", "manual", "auto", "book", "reverse", "100", "visa"];

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        2 => proptest::collection::vec(any::<u8>(), 0..300).prop_map(Op::Bytes),
        8 => (0..COMMANDS.len()).prop_map(Op::Command),
        3 => (0..super::super::VERBS.len(), 0..WORDS.len() + POINTS.len()).prop_map(|(verb, word)| Op::Verb(verb, word)),
        4 => (0..10_000_u64).prop_map(Op::Pass),
        1 => Just(Op::Reconnect),
    ];
    proptest::collection::vec(op, 0..60)
}

fn perform(bench: &mut Bench, op: &Op) {
    match op {
        Op::Bytes(bytes) => bench.send(bytes),
        Op::Command(index) => bench.send(&hex(COMMANDS[*index])),
        Op::Verb(verb, word) => {
            let word = WORDS.get(*word).copied().unwrap_or_else(|| POINTS[*word - WORDS.len()].0);
            let verb = super::super::VERBS[*verb].name;
            // Most combinations are refused, which is as good.
            drop(bench.try_verb(format!("{verb} {word}").trim_end()));
        }
        Op::Pass(ms) => {
            // Bounded by hand: a confused till may be talked to for ever.
            let until = bench.now + Duration::from_millis(*ms);
            for _ in 0..2_000 {
                let demand = bench.demand();
                if demand.cable != Cable::Plugged {
                    bench.engine.disconnected(bench.now);
                    bench.engine.connected();
                }
                match demand.deadline.filter(|deadline| *deadline <= until) {
                    Some(deadline) => bench.now = deadline.max(bench.now),
                    None => break,
                }
            }
            bench.now = until;
        }
        Op::Reconnect => {
            bench.engine.disconnected(bench.now);
            bench.engine.connected();
        }
    }
}

/// What no order of events may break.
fn check(bench: &Bench) {
    let ledger = bench.ledger();
    let transactions = ledger["transactions"].as_array().unwrap();
    let open = |it: &&Value| matches!(it["state"].as_str(), Some("open" | "approved"));
    assert!(transactions.iter().filter(open).count() <= 1, "one at a time: {ledger:#}");
    for it in transactions.iter().filter(|it| it["state"] == "reversed") {
        assert_ne!(it["kind"], "reversal", "{it:#}");
        assert!(!it["reversed_by"].is_null(), "{it:#}");
    }
    let reversals = transactions.iter().filter(|it| it["kind"] == "reversal" && it["state"] == "booked");
    let by_till = transactions.iter().filter(|it| it["reversed_by"].get("till").is_some());
    assert_eq!(reversals.count(), by_till.count(), "{ledger:#}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn nothing_on_the_wire_breaks_the_terminal(ops in ops(), framing in 0..4_usize) {
        let framing = [Framing::Stream, Framing::LengthPrefixed, Framing::Crc, Framing::Lrc][framing];
        let mut bench = Bench::new(Config { framing, ..Config::default() });
        for op in &ops {
            perform(&mut bench, op);
            check(&bench);
        }
        bench.engine.disconnected(bench.now);
        bench.verb("clear");
        bench.verb("mode auto");
        perform(&mut bench, &Op::Pass(200_000));
        let ledger = bench.ledger();
        for it in ledger["transactions"].as_array().unwrap() {
            prop_assert!(!matches!(it["state"].as_str(), Some("open" | "approved")), "never settled: {}", it);
        }
    }

    #[test]
    fn memory_is_bounded_whatever_a_till_sends_and_never_reads(chunks in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 4096), 1..80), framing in 0..4_usize) {
        let framing = [Framing::Stream, Framing::LengthPrefixed, Framing::Crc, Framing::Lrc][framing];
        let mut bench = Bench::new(Config { framing, ..Config::default() });
        for chunk in chunks {
            bench.send(&chunk);
            prop_assert!(bench.engine.channel.held_bytes() < 256 * 1024);
            bench.demand();
        }
    }
}
