use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::device::VerbError;
use crate::printer::config::Pace;

const NOW: Duration = Duration::from_secs(10);
const CUT: &[u8] = b"\x1dVB\0";

fn ms(count: u64) -> Duration {
    NOW + Duration::from_millis(count)
}

fn engine() -> Engine {
    Engine::new(Config::default())
}

fn act(engine: &mut Engine, at: Duration, words: &str) {
    let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    engine.verb(at, &words[0], &words[1..]).unwrap();
    engine.advance(at);
}

/// Everything the printer says to these bytes at once.
fn say(engine: &mut Engine, at: Duration, bytes: &[u8]) -> Vec<u8> {
    engine.receive(at, bytes);
    engine.advance(at);
    engine.take_output(at)
}

fn id(number: &[u8; 4]) -> Vec<u8> {
    [b"\x1d(H\x06\0\x30\x30".as_slice(), number].concat()
}

fn answer(number: &[u8; 4]) -> Vec<u8> {
    [b"\x37\x22".as_slice(), number, b"\0"].concat()
}

fn texts(engine: &mut Engine) -> Vec<(End, Vec<String>)> {
    let line = |text: &serde_json::Value| text.as_str().unwrap().to_owned();
    let receipts = engine.take_receipts().into_iter();
    receipts
        .map(|receipt| {
            (receipt.end, receipt.summary()["text"].as_array().unwrap().iter().map(line).collect())
        })
        .collect()
}

#[test]
fn nothing_prints_without_paper_and_the_job_finishes_on_the_new_roll() {
    let mut printer = engine();
    act(&mut printer, NOW, "paper-out");
    let job = [b"Burger\n".as_slice(), CUT, &id(b"0001")].concat();
    assert_eq!(say(&mut printer, NOW, &job), b"");
    assert_eq!(
        say(&mut printer, NOW, b"\x10\x04\x04\x10\x04\x01"),
        [0x7E, 0x1A],
        "real-time status still answers"
    );
    assert!(texts(&mut printer).is_empty());
    act(&mut printer, NOW, "paper-ok");
    assert_eq!(printer.take_output(NOW), answer(b"0001"));
    assert_eq!(texts(&mut printer), [(End::Partial, vec!["Burger".to_owned()])]);
}

#[test]
fn every_way_of_stopping_holds_the_job_back_and_its_remedy_lets_it_go() {
    for (fault, remedy) in [
        ("paper-out", "paper-ok"),
        ("cover-open", "cover-close"),
        ("offline", "online"),
        ("unrecoverable", "unrecoverable off"),
        ("head-hot 600", "head-hot off"),
        ("cutter-jam", "cutter-jam off"),
        ("cutter-jam", "clear"),
        ("paper-out", "clear"),
    ] {
        let mut printer = engine();
        act(&mut printer, NOW, fault);
        assert_eq!(say(&mut printer, NOW, &id(b"0007")), b"", "{fault}");
        act(&mut printer, NOW, remedy);
        assert_eq!(printer.take_output(NOW), answer(b"0007"), "{fault} then {remedy}");
        assert_eq!(printer.state()["faults"], serde_json::json!([]), "{fault} then {remedy}");
    }
}

#[test]
fn automatic_status_comes_at_once_and_then_with_each_change() {
    let mut printer = engine();
    assert_eq!(say(&mut printer, NOW, b"\x1da\x0f"), [0x10, 0, 0, 0]);
    act(&mut printer, NOW, "paper-near");
    assert_eq!(printer.take_output(NOW), [0x10, 0, 0x03, 0]);
    act(&mut printer, NOW, "paper-out");
    assert_eq!(printer.take_output(NOW), [0x18, 0, 0x0F, 0]);
    act(&mut printer, NOW, "paper-ok");
    assert_eq!(printer.take_output(NOW), [0x10, 0, 0, 0]);
    act(&mut printer, NOW, "cover-open");
    assert_eq!(printer.take_output(NOW), [0x38, 0, 0, 0]);
    act(&mut printer, NOW, "cover-close");
    act(&mut printer, NOW, "cutter-jam");
    assert_eq!(printer.take_output(NOW), [0x10, 0, 0, 0, 0x18, 0x08, 0, 0]);
    act(&mut printer, NOW, "clear");
    printer.take_output(NOW);
    assert_eq!(say(&mut printer, NOW, b"\x1da\0"), b"");
    act(&mut printer, NOW, "paper-near");
    assert_eq!(printer.take_output(NOW), b"", "switched off");
}

#[test]
fn automatic_status_keeps_to_its_mask() {
    let mut printer = engine();
    say(&mut printer, NOW, b"\x1da\x01");
    act(&mut printer, NOW, "cover-open");
    act(&mut printer, NOW, "paper-near");
    assert_eq!(printer.take_output(NOW), b"");
    printer.drawer.open_by_hand(NOW);
    printer.advance(NOW);
    assert_eq!(
        printer.take_output(NOW),
        [0x3C, 0, 0x03, 0],
        "the whole status comes when a watched bit moves"
    );
}

#[test]
fn an_id_is_answered_only_when_everything_before_it_has_come_out() {
    let pace = Pace::Motor { rows_per_second: 1000, cut: Duration::from_millis(200) };
    let mut printer = Engine::new(Config { pace, ..Config::default() });
    printer.receive(NOW, &[b"one\ntwo\n".as_slice(), CUT, &id(b"0001")].concat());
    // Two lines of 30 rows, 96 rows to the cutter, the cut.
    assert_eq!(printer.advance(NOW), Some(ms(30)));
    assert_eq!(printer.advance(ms(30)), Some(ms(60)));
    assert_eq!(printer.advance(ms(60)), Some(ms(60 + 96 + 200)));
    assert_eq!(printer.take_output(ms(355)), b"");
    printer.advance(ms(356));
    assert_eq!(printer.take_output(ms(356)), answer(b"0001"));
}

#[test]
fn several_waiting_ids_can_be_merged_into_the_newest() {
    let mut printer = engine();
    act(&mut printer, NOW, "merge-ids");
    assert_eq!(say(&mut printer, NOW, &[id(b"0001"), id(b"0002")].concat()), b"");
    let due = printer.advance(NOW).unwrap();
    printer.advance(due);
    assert_eq!(printer.take_output(due), answer(b"0002"));
    let ids = &printer.state()["process_ids"];
    assert_eq!((&ids[0]["answer"], &ids[1]["answer"]), (&"merged".into(), &"sent".into()));
}

#[test]
fn ids_can_be_dropped_falsified_or_unknown() {
    let mut printer = engine();
    act(&mut printer, NOW, "drop-id");
    act(&mut printer, NOW, "wrong-id");
    assert_eq!(say(&mut printer, NOW, &id(b"0001")), b"");
    assert_eq!(say(&mut printer, NOW, &id(b"0002")), answer(b"0003"));
    assert_eq!(say(&mut printer, NOW, &id(b"0003")), answer(b"0003"));
    act(&mut printer, NOW, "no-process-id");
    assert_eq!(say(&mut printer, NOW, &id(b"0004")), b"");
    assert_eq!(say(&mut printer, NOW, b"\x1d(H\x06\0\x30\x30\x01\x02\x03\x04"), b"", "bytes outside 20..7E");
}

#[test]
fn a_power_cycle_loses_buffer_settings_and_ids_but_not_the_paper() {
    let mut printer = engine();
    say(&mut printer, NOW, b"\x1da\x0f\x1bt\x10old\n");
    act(&mut printer, NOW, "offline");
    say(&mut printer, NOW, &[b"lost\n".as_slice(), &id(b"0001")].concat());
    act(&mut printer, NOW, "power-cycle 500");
    assert!(printer.take_hang_up());
    assert_eq!(say(&mut printer, ms(100), b"\x10\x04\x01unheard"), b"");
    assert_eq!(printer.state()["bytes_lost"], 10);
    printer.advance(ms(500));
    act(&mut printer, ms(500), "online");
    assert_eq!(printer.take_output(ms(500)), b"", "automatic status is off again");
    assert_eq!(say(&mut printer, ms(500), b"\x1dr1"), [0]);
    assert_eq!(printer.state()["code_page"], "cp437");
    say(&mut printer, ms(500), &[b"new\n".as_slice(), CUT].concat());
    assert_eq!(texts(&mut printer)[0].1, ["old", "new"]);
}

#[test]
fn an_unrecoverable_error_ends_only_with_the_power() {
    let mut printer = engine();
    act(&mut printer, NOW, "unrecoverable");
    assert_eq!(say(&mut printer, NOW, b"\x10\x05\x01\x10\x05\x02\x10\x04\x03"), [0x32]);
    act(&mut printer, NOW, "power-cycle 10");
    assert_eq!(say(&mut printer, ms(10), b""), b"");
    assert_eq!(say(&mut printer, ms(11), b"\x10\x04\x03"), [0x12]);
}

#[test]
fn a_full_buffer_takes_nothing_until_printing_goes_on() {
    let mut printer = Engine::new(Config { buffer_bytes: 64, ..Config::default() });
    act(&mut printer, NOW, "cover-open");
    assert_eq!(printer.room(NOW), 64);
    printer.receive(NOW, &[b'x'; 64]);
    assert_eq!(printer.room(NOW), 0);
    act(&mut printer, NOW, "cover-close");
    assert_eq!(printer.room(NOW), 64);
}

#[test]
fn a_slow_printer_takes_bytes_at_its_rate() {
    let mut printer = engine();
    act(&mut printer, NOW, "slow 1000");
    let mut taken = 0;
    let mut at = NOW;
    while at < ms(1000) {
        let room = printer.room(at);
        assert!(room <= 20, "no more than a portion at once");
        printer.receive(at, &vec![b'x'; room]);
        taken += room;
        at = printer.advance(at).unwrap();
    }
    assert_eq!(taken, 1000);
}

#[test]
fn a_stalled_printer_hears_not_even_a_status_request() {
    let mut printer = engine();
    for fault in ["stall", "xoff-for-ever", "unplug"] {
        act(&mut printer, NOW, fault);
        assert_eq!(printer.room(NOW), 0);
        act(&mut printer, NOW, &format!("{fault} off"));
        assert!(printer.room(NOW) > 0);
    }
    assert_eq!(printer.take_output(NOW), [0x13, 0x11], "XOFF was sent and taken back");
}

#[test]
fn flow_control_announces_a_full_and_an_emptied_buffer() {
    let mut printer = Engine::new(Config { xon_xoff: true, buffer_bytes: 1024, ..Config::default() });
    act(&mut printer, NOW, "offline");
    assert_eq!(say(&mut printer, NOW, &[b'x'; 1000]), [0x13]);
    act(&mut printer, NOW, "online");
    assert_eq!(printer.take_output(NOW), [0x11]);
}

#[test]
fn a_jammed_cut_is_done_after_recovery_and_the_job_goes_on() {
    let mut printer = engine();
    act(&mut printer, NOW, "cutter-jam at-cut");
    let job = [b"Burger\n".as_slice(), CUT, &id(b"0001")].concat();
    assert_eq!(say(&mut printer, NOW, &job), b"");
    assert_eq!(
        say(&mut printer, NOW, b"\x10\x05\x01\x10\x04\x03"),
        [0x1A],
        "the paper is still in the knife"
    );
    act(&mut printer, NOW, "cutter-free");
    assert_eq!(say(&mut printer, NOW, b"\x10\x05\x01"), answer(b"0001"));
    assert_eq!(texts(&mut printer), [(End::Partial, vec!["Burger".to_owned()])]);
}

#[test]
fn recovery_with_cleared_buffers_drops_the_ids_that_waited() {
    let mut printer = engine();
    act(&mut printer, NOW, "cutter-jam at-cut");
    say(&mut printer, NOW, &[b"Burger\n".as_slice(), CUT, &id(b"0001")].concat());
    act(&mut printer, NOW, "cutter-free");
    assert_eq!(say(&mut printer, NOW, b"\x10\x05\x02"), b"");
    assert_eq!(say(&mut printer, NOW, b"\x10\x04\x01"), [0x12]);
    assert_eq!(printer.state()["process_ids"], serde_json::json!([]));
}

#[test]
fn the_end_of_the_roll_can_tear_a_line_which_is_then_printed_again() {
    let mut printer = engine();
    say(&mut printer, NOW, b"first\n");
    act(&mut printer, NOW, "paper-out mid-line");
    say(&mut printer, NOW, &[b"second\nthird\n".as_slice(), CUT, &id(b"0001")].concat());
    assert_eq!(printer.state()["paper"], "out");
    assert_eq!(printer.take_output(NOW), b"");
    act(&mut printer, NOW, "paper-ok");
    assert_eq!(printer.take_output(NOW), answer(b"0001"));
    let line = |text: &str| text.to_owned();
    assert_eq!(
        texts(&mut printer),
        [
            (End::Torn, vec![line("first"), line("second")]),
            (End::Partial, vec![line("second"), line("third")])
        ]
    );
}

#[test]
fn queued_status_is_answered_in_its_turn_and_not_while_stopped() {
    let mut printer = engine();
    assert_eq!(say(&mut printer, NOW, b"\x1dr\x01\x1dr\x02"), [0, 0]);
    act(&mut printer, NOW, "paper-near");
    assert_eq!(say(&mut printer, NOW, b"\x1dr1"), [0x03]);
    act(&mut printer, NOW, "offline");
    assert_eq!(say(&mut printer, NOW, b"\x1dr1"), b"");
    act(&mut printer, NOW, "online");
    assert_eq!(printer.take_output(NOW), [0x03]);
}

#[test]
fn identity_comes_as_single_bytes_and_as_blocks() {
    let mut printer = Engine::new(Config { model: "TM-X".to_owned(), ..Config::default() });
    assert_eq!(say(&mut printer, NOW, b"\x1dI\x43"), b"_TM-X\0");
    let single = say(&mut printer, NOW, b"\x1dI\x01");
    assert_eq!((single.len(), single[0] & 0x90), (1, 0), "told apart from other answers by its bits");
}

#[test]
fn a_cut_without_feeding_leaves_the_last_lines_to_the_next_receipt() {
    let mut printer = engine();
    say(&mut printer, NOW, b"a\nb\nc\nd\ne\nf\n\x1dV\0");
    let [(End::Full, lines)] = &texts(&mut printer)[..] else { panic!() };
    // 96 rows are three lines and a bit between head and knife, and the first receipt began with as much blank paper.
    assert_eq!(lines, &["a", "b", "c"]);
    say(&mut printer, NOW, CUT);
    assert_eq!(texts(&mut printer)[0].1, ["d", "e", "f"]);
}

#[test]
fn a_stuck_code_page_prints_other_letters() {
    let mut printer = engine();
    act(&mut printer, NOW, "stuck-codepage");
    say(&mut printer, NOW, &[b"\x1bt\x13\xd5\n".as_slice(), CUT].concat());
    act(&mut printer, NOW, "clear");
    say(&mut printer, NOW, &[b"\xd5\n".as_slice(), CUT].concat());
    let texts = texts(&mut printer);
    assert_eq!((&texts[0].1[0][..], &texts[1].1[0][..]), ("╒", "€"));
}

#[test]
fn a_pulse_opens_the_drawer_and_its_switch_shows_in_the_status() {
    let mut printer = engine();
    say(&mut printer, NOW, b"\x1da\x01");
    assert_eq!(say(&mut printer, NOW, b"\x1bp\0\x32\x32"), [0x14, 0, 0, 0]);
    assert_eq!(say(&mut printer, NOW, b"\x10\x04\x01"), [0x16]);
    printer.drawer.close();
    printer.advance(NOW);
    assert_eq!(printer.take_output(NOW), [0x10, 0, 0, 0]);
    assert_eq!(say(&mut printer, NOW, b"\x1bp\x01\x32\x32\x1bp\0\0\x32"), b"", "other pin, and no time");
    assert_eq!(say(&mut printer, NOW, b"\x10\x14\x01\0\x01"), [0x14, 0, 0, 0], "the real-time pulse");
    let drawer = printer.drawer.state();
    assert_eq!((&drawer["openings_total"], &drawer["pulses"]), (&2.into(), &2.into()));
}

#[test]
fn a_drawer_can_be_stuck_slow_or_wired_the_other_way() {
    let mut printer = engine();
    printer.drawer.set_stuck(true);
    say(&mut printer, NOW, b"\x1bp\0\x32\x32");
    assert!(!printer.drawer.pin_high());
    printer.drawer.clear();
    printer.drawer.set_inverted(true);
    assert!(printer.drawer.pin_high());
    printer.drawer.set_delay(Duration::from_millis(700));
    say(&mut printer, NOW, b"\x1bp\0\x32\x32");
    assert!(printer.drawer.pin_high(), "not yet");
    assert_eq!(printer.advance(ms(699)), Some(ms(700)));
    printer.advance(ms(700));
    assert!(!printer.drawer.pin_high());
}

#[test]
fn answers_can_be_late_or_missing_but_never_overtake_each_other() {
    let mut printer = engine();
    act(&mut printer, NOW, "late-status 500");
    assert_eq!(say(&mut printer, NOW, b"\x10\x04\x01"), b"");
    act(&mut printer, NOW, "late-status off");
    act(&mut printer, NOW, "paper-near");
    assert_eq!(say(&mut printer, NOW, b"\x10\x04\x04"), b"");
    assert_eq!(printer.advance(NOW), Some(ms(500)));
    assert_eq!(printer.take_output(ms(500)), [0x12, 0x1E]);
    act(&mut printer, NOW, "mute");
    assert_eq!(say(&mut printer, ms(500), b"\x10\x04\x01\x1dr1"), b"");
}

#[test]
fn a_hot_head_cools_by_itself_and_printing_goes_on() {
    let mut printer = engine();
    act(&mut printer, NOW, "head-hot 2");
    assert_eq!(say(&mut printer, NOW, &id(b"0001")), b"");
    assert_eq!(printer.advance(NOW), Some(ms(2000)));
    printer.advance(ms(2000));
    assert_eq!(printer.take_output(ms(2000)), answer(b"0001"));
}

#[test]
fn status_bytes_inside_a_picture_are_obeyed_like_anywhere_else() {
    let mut printer = engine();
    assert_eq!(say(&mut printer, NOW, b"\x1dv0\0\x01\0\x03\0\x10\x04\x01"), [0x12]);
}

#[test]
fn garbage_is_the_same_for_the_same_seed() {
    let noise = || {
        let mut printer = engine();
        act(&mut printer, NOW, "garbage 32");
        printer.take_output(NOW)
    };
    assert_eq!(noise().len(), 32);
    assert_eq!(noise(), noise());
}

#[test]
fn endless_paper_is_torn_off_after_three_metres() {
    let mut printer = engine();
    for _ in 0..200 {
        say(&mut printer, NOW, b"\x1bJ\xff");
    }
    let torn = printer.take_receipts();
    assert_eq!((torn.len(), torn[0].end, torn[0].strip.rows()), (2, End::Torn, ROWS_MAX));
}

#[test]
fn wrong_words_are_refused_and_change_nothing() {
    let mut printer = engine();
    let mut wrong = |words: &[&str]| {
        let args: Vec<String> = words[1..].iter().map(|word| (*word).to_owned()).collect();
        printer.verb(NOW, words[0], &args).unwrap_err()
    };
    let explode = wrong(&["explode"]).to_string();
    assert!(
        explode.starts_with("\"explode\" is not a verb of this device; it knows paper-near, "),
        "{explode}"
    );
    let please = wrong(&["paper-out", "please"]).to_string();
    assert!(please.starts_with("usage: paper-out [mid-line|off]: The roll"), "{please}");
    assert!(matches!(wrong(&["slow"]), VerbError::Usage(_)));
    assert!(matches!(wrong(&["slow", "0"]), VerbError::Usage(_)));
    assert!(matches!(wrong(&["head-hot", "-1"]), VerbError::Usage(_)));
    assert!(matches!(wrong(&["clear", "all"]), VerbError::Usage(_)));
    assert_eq!(printer.state()["faults"], serde_json::json!([]));
}

#[test]
fn every_listed_verb_works_as_listed_and_every_fault_can_be_switched_off() {
    for verb in VERBS {
        let mut printer = engine();
        let args: &[String] = if verb.args.starts_with('N') { &["100".to_owned()] } else { &[] };
        assert!(printer.verb(NOW, verb.name, args).is_ok(), "{}", verb.name);
        if verb.args.contains("off") {
            printer.advance(NOW);
            assert_eq!(printer.state()["faults"], serde_json::json!([verb.name]));
            printer.verb(NOW, verb.name, &["off".to_owned()]).unwrap();
            printer.advance(NOW);
            assert_eq!(printer.state()["faults"], serde_json::json!([]), "{}", verb.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_bytes_and_no_faults_make_it_panic_or_hoard_memory(
        steps in proptest::collection::vec(
            (proptest::collection::vec(command_bytes(), 0..120), 0..VERBS.len(), any::<bool>(), 0_u64..400), 1..12
        )
    ) {
        let pace = Pace::Motor { rows_per_second: 20_000, cut: Duration::from_millis(5) };
        let mut printer = Engine::new(Config { pace, buffer_bytes: 512, xon_xoff: true, ..Config::default() });
        let mut at = NOW;
        for (chunks, verb, act, pause) in steps {
            for byte in chunks.concat() {
                if printer.room(at) > 0 {
                    printer.receive(at, &[byte]);
                }
                printer.advance(at);
            }
            if act {
                let verb = &VERBS[verb];
                let args: &[String] = if verb.args.starts_with('N') { &["700".to_owned()] } else { &[] };
                prop_assert!(printer.verb(at, verb.name, args).is_ok());
            }
            at += Duration::from_millis(pause);
            printer.advance(at);
            prop_assert!(printer.buffer.len() <= 512);
            prop_assert!(printer.typesetter.strip().rows() <= ROWS_MAX);
            prop_assert!(printer.outbox.next_due().is_none_or(|due| due <= at + Duration::from_secs(5)));
            for receipt in printer.take_receipts() {
                prop_assert!(receipt::png(receipt.strip.dots()).is_some());
            }
        }
        prop_assert!(serde_json::to_vec(&printer.state()).unwrap().len() < 1_000_000);
    }
}

/// Bytes that often are commands, so that the deep parts are reached.
fn command_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..12),
        2 => any::<[u8; 3]>().prop_map(|tail| [[0x1B].as_slice(), &tail].concat()),
        2 => any::<[u8; 4]>().prop_map(|tail| [[0x1D].as_slice(), &tail].concat()),
        1 => (65..=79_u8, proptest::collection::vec(b' '..=b'~', 1..20))
            .prop_map(|(system, data)| [&[0x1D, b'k', system, u8::try_from(data.len()).unwrap()], data.as_slice()].concat()),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(n, m)| vec![0x1D, b'!', n & 0x77, 0x1B, b'{', m, b'A', b'\n']),
        1 => any::<u16>().prop_map(|x| [[0x1B, b'\\'], x.to_le_bytes()].concat()),
        1 => proptest::collection::vec(any::<u8>(), 1..60).prop_map(|data| {
            let k = u8::try_from(data.len() + 3).unwrap();
            [&[0x1D, b'(', b'k', k, 0, 49, 80, 48], data.as_slice(), &[0x1D, b'(', b'k', 3, 0, 49, 81, 48]].concat()
        }),
        1 => Just(b"\x1dVB\x10".to_vec()),
        1 => Just(b"\x1dv0\x03\x02\0\x04\0ABCDEFGH".to_vec()),
    ]
}
