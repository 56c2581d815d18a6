mod peer;

use proptest::prelude::*;

use super::*;
use crate::drawer::{CashDrawer, DrawerError, Kick};
use crate::printer::{Cut, DrawerPin, Line, NotStarted, PrintDocument, PrintOutcome, PrinterFault, Unknown};
use peer::{Peer, Script};

/// Automatic status: nothing wrong; paper out; cutter stuck; cover open; drawer pin high.
const FINE: [u8; 4] = [0x10, 0, 0, 0];
const NO_PAPER: [u8; 4] = [0x18, 0, 0x0F, 0];
const JAM: [u8; 4] = [0x18, 0x08, 0, 0];
const COVER: [u8; 4] = [0x38, 0, 0, 0];
const PIN_HIGH: [u8; 4] = [0x14, 0, 0, 0];

fn receipt() -> PrintDocument {
    let mut document = PrintDocument::new();
    document.push(Line::columns("Cheeseburger", "8.90")).push(Cut::Partial);
    document
}

/// Long enough not to fit the pipe.
fn long_receipt() -> PrintDocument {
    let mut document = PrintDocument::new();
    for item in 0..100 {
        document.push(Line::columns(format!("Item {item}"), "1.00"));
    }
    document
}

fn job(number: u64) -> JobNumber {
    JobNumber::from_count(number)
}

async fn connected(profile: Profile, script: Script) -> (EscposPrinter, Peer) {
    let (peer, link) = Peer::start(script);
    let printer = EscposPrinter::connect(link, profile, None, Start::Clean).await.unwrap();
    (printer, peer)
}

async fn epson(script: Script) -> (EscposPrinter, Peer) {
    connected(Profile::tm_t88v(), script).await
}

#[tokio::test(start_paused = true)]
async fn a_receipt_is_confirmed_by_its_process_id_after_the_cut() {
    let (mut printer, peer) = epson(Script::default()).await;
    let outcome = printer.print(&receipt(), job(42)).await;
    assert!(matches!(outcome, PrintOutcome::Confirmed), "{outcome:?}");
    assert_eq!(peer.script().ids, [*b"0042"]);
    assert!(peer.saw(b"Cheeseburger                          8.90\n"));
    assert!(peer.saw(&[&[0x1D, 0x56, 0x42, 0x00][..], &commands::process_id(*b"0042")].concat()));
}

#[tokio::test(start_paused = true)]
async fn connecting_switches_reports_on_and_learns_who_answers() {
    let (printer, peer) = epson(Script::default()).await;
    assert_eq!(printer.condition().state(), crate::status::DeviceState::Ready);
    assert_eq!(printer.identity().model.as_deref(), Some("3-id"));
    assert_eq!(printer.identity().firmware.as_deref(), Some("1-id"));
    assert_eq!(peer.script().auto_status_on, 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_to_a_printer_without_paper() {
    let (mut printer, peer) = epson(Script::default()).await;
    peer.script().real_time = Some([0x1A, 0x32, 0x12, 0x7E]);
    let outcome = printer.print(&receipt(), job(1)).await;
    assert!(
        matches!(outcome, PrintOutcome::NotStarted(NotStarted::Fault(PrinterFault::PaperOut))),
        "{outcome:?}"
    );
    assert!(!peer.saw(b"Cheeseburger"));
    peer.script().real_time = None;
    assert!(matches!(printer.print(&receipt(), job(1)).await, PrintOutcome::Confirmed));
}

#[tokio::test(start_paused = true)]
async fn a_job_waits_for_paper_and_is_confirmed_when_it_came_out() {
    let (mut printer, peer) = epson(Script { report_at_end: Some(NO_PAPER), ..Script::default() }).await;
    peer.script().real_time = None;
    let mut seen = printer.subscribe();
    let refill = async {
        seen.wait_for(|condition| condition.fault() == Some(PrinterFault::PaperOut)).await.unwrap();
        peer.script().real_time = Some([0x1A, 0x32, 0x12, 0x7E]);
        tokio::time::sleep(Duration::from_secs(300)).await;
        peer.script().real_time = None;
        peer.say(&FINE).await;
        peer.say(b"\x37\x220007\0").await;
    };
    let document = receipt();
    let (outcome, ()) = tokio::join!(printer.print(&document, job(7)), refill);
    assert!(matches!(outcome, PrintOutcome::Confirmed), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_for_paper_too_long_is_unknown() {
    let (mut printer, peer) = epson(Script { report_at_end: Some(NO_PAPER), ..Script::default() }).await;
    peer.script().real_time = None;
    let mut seen = printer.subscribe();
    let empty = async {
        seen.wait_for(|condition| condition.fault().is_some()).await.unwrap();
        peer.script().real_time = Some([0x1A, 0x32, 0x12, 0x7E]);
    };
    let document = receipt();
    let (outcome, ()) = tokio::join!(printer.print(&document, job(7)), empty);
    assert!(matches!(outcome, PrintOutcome::Unknown(Unknown::Fault(PrinterFault::PaperOut))), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cutter_jam_makes_the_job_unknown_at_once() {
    let (mut printer, peer) = epson(Script { report_at_end: Some(JAM), ..Script::default() }).await;
    let outcome = printer.print(&receipt(), job(1)).await;
    assert!(matches!(outcome, PrintOutcome::Unknown(Unknown::Fault(PrinterFault::CutterJam))), "{outcome:?}");
    peer.script().report_at_end = None;
    printer.recover(Recovery::Clear).await.unwrap();
    assert!(peer.saw(&[0x10, 0x05, 0x02]));
    assert!(matches!(printer.print(&receipt(), job(2)).await, PrintOutcome::Confirmed));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_id_confirms_nothing() {
    let (mut printer, _peer) = epson(Script { wrong_id: Some(*b"0777"), ..Script::default() }).await;
    let outcome = printer.print(&receipt(), job(1)).await;
    assert!(matches!(outcome, PrintOutcome::Unknown(Unknown::NoAnswer)), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn garbage_around_the_answer_is_counted_and_skipped() {
    let (mut printer, peer) = epson(Script { forgets_ids: true, ..Script::default() }).await;
    let chatter = async {
        while peer.script().ids.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        peer.say(b"\xFF\xFE\x37\x2200\xFF\x37\x220001\0\x99").await;
    };
    let document = receipt();
    let (outcome, ()) = tokio::join!(printer.print(&document, job(1)), chatter);
    assert!(matches!(outcome, PrintOutcome::Confirmed), "{outcome:?}");
    assert!(printer.garbage_bytes() >= 7);
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_later_job_confirms_the_earlier_one() {
    let (mut printer, peer) = epson(Script { forgets_ids: true, ..Script::default() }).await;
    let first = printer.print(&receipt(), job(9_999)).await;
    assert!(matches!(first, PrintOutcome::Unknown(Unknown::NoAnswer)), "{first:?}");
    peer.script().forgets_ids = false;
    assert!(matches!(printer.print(&receipt(), job(10_000)).await, PrintOutcome::Confirmed));
    assert_eq!(peer.script().ids, [*b"9999", *b"0001"]);
    assert_eq!(printer.next_event().await.unwrap(), PrinterEvent::Confirmed(job(9_999)));
}

#[tokio::test(start_paused = true)]
async fn a_printer_that_stops_taking_data_leaves_the_job_unknown_and_the_driver_unusable() {
    let (mut printer, peer) = epson(Script::default()).await;
    let at = peer.script().seen.len() + 500;
    peer.script().stalls_at = Some(at);
    let began = Instant::now();
    let outcome = printer.print(&long_receipt(), job(1)).await;
    match outcome {
        PrintOutcome::Unknown(Unknown::Stalled { accepted, total }) => assert!(accepted < total),
        other => panic!("{other:?}"),
    }
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(matches!(printer.print(&receipt(), job(2)).await, PrintOutcome::NotStarted(NotStarted::Torn)));
    assert!(matches!(printer.next_event().await, Err(PrinterError::Torn)));
}

#[tokio::test(start_paused = true)]
async fn a_full_printer_that_reports_an_open_cover_is_waited_for() {
    let (mut printer, peer) = epson(Script::default()).await;
    let at = peer.script().seen.len() + 500;
    peer.script().stalls_at = Some(at);
    let close = async {
        while peer.script().seen.len() < at {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        peer.say(&COVER).await;
        tokio::time::sleep(Duration::from_secs(120)).await;
        peer.script().stalls_at = None;
        peer.say(&FINE).await;
    };
    let document = long_receipt();
    let (outcome, ()) = tokio::join!(printer.print(&document, job(1)), close);
    assert!(matches!(outcome, PrintOutcome::Confirmed), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_printer_that_stops_reading_for_want_of_paper_is_not_taken_for_silent() {
    let (mut printer, peer) = epson(Script { report_at_end: Some(NO_PAPER), ..Script::default() }).await;
    let mut seen = printer.subscribe();
    let refill = async {
        seen.wait_for(|condition| condition.fault() == Some(PrinterFault::PaperOut)).await.unwrap();
        peer.script().stalls_at = Some(0);
        tokio::time::sleep(Duration::from_secs(300)).await;
        peer.script().stalls_at = None;
        peer.say(&FINE).await;
        peer.say(b"\x37\x220007\0").await;
    };
    let document = receipt();
    let (outcome, ()) = tokio::join!(printer.print(&document, job(7)), refill);
    assert!(matches!(outcome, PrintOutcome::Confirmed), "{outcome:?}");
    assert_eq!(printer.condition().fault(), None);
}

#[tokio::test(start_paused = true)]
async fn without_reports_a_refilled_printer_is_found_by_asking() {
    let (mut printer, peer) = connected(Profile::plain_80(), Script::default()).await;
    let empty = async {
        while !peer.saw(&[0x1D, 0x72, 0x01]) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        peer.script().real_time = Some([0x1A, 0x32, 0x12, 0x7E]);
        tokio::time::sleep(Duration::from_secs(60)).await;
        peer.script().real_time = None;
    };
    let document = receipt();
    let began = Instant::now();
    let (outcome, ()) = tokio::join!(printer.print(&document, job(7)), empty);
    assert!(matches!(outcome, PrintOutcome::Sent), "{outcome:?}");
    assert!(began.elapsed() > Duration::from_secs(60), "it waited for the paper");
}

#[tokio::test(start_paused = true)]
async fn a_link_lost_while_sending_leaves_the_job_unknown() {
    let (mut printer, peer) = epson(Script::default()).await;
    let at = peer.script().seen.len() + 500;
    peer.script().hangs_up_at = Some(at);
    let outcome = printer.print(&long_receipt(), job(1)).await;
    assert!(matches!(outcome, PrintOutcome::Unknown(Unknown::Printer(PrinterError::Link(_)))), "{outcome:?}");
    assert!(printer.next_event().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_mute_printer_is_silent_after_three_questions_and_gets_no_job() {
    let (mut printer, peer) = epson(Script { mute: true, ..Script::default() }).await;
    assert_eq!(printer.condition().fault(), Some(PrinterFault::Silent));
    assert_eq!(peer.script().asked, [1, 1, 1]);
    let outcome = printer.print(&receipt(), job(1)).await;
    assert!(
        matches!(outcome, PrintOutcome::NotStarted(NotStarted::Fault(PrinterFault::Silent))),
        "{outcome:?}"
    );
    assert!(!peer.saw(b"Cheeseburger"));
}

#[tokio::test(start_paused = true)]
async fn a_printer_that_answers_late_is_understood() {
    let late = Duration::from_millis(700);
    let script = Script { late, real_time: Some([0x1A, 0x16, 0x12, 0x12]), ..Script::default() };
    let (mut printer, peer) = epson(script).await;
    assert_eq!(printer.condition().fault(), Some(PrinterFault::CoverOpen));
    peer.script().real_time = None;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(matches!(printer.print(&receipt(), job(1)).await, PrintOutcome::Confirmed));
}

#[tokio::test(start_paused = true)]
async fn without_process_ids_an_answered_fence_means_sent_and_no_more() {
    let (mut printer, peer) = connected(Profile::plain_80(), Script::default()).await;
    let outcome = printer.print(&receipt(), job(1)).await;
    assert!(matches!(outcome, PrintOutcome::Sent), "{outcome:?}");
    assert!(peer.saw(&[0x1D, 0x72, 0x01]));
    assert_eq!(peer.script().auto_status_on, 0, "this model has none");

    peer.script().forgets_ids = true;
    let outcome = printer.print(&receipt(), job(2)).await;
    assert!(matches!(outcome, PrintOutcome::Unknown(Unknown::NoAnswer)), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_printer_that_can_tell_nothing_still_prints() {
    let blind = Profile { has_real_time_status: false, has_fence: false, ..Profile::plain_80() };
    let (mut printer, peer) = connected(blind, Script { mute: true, ..Script::default() }).await;
    assert!(matches!(printer.print(&receipt(), job(1)).await, PrintOutcome::Sent));
    assert!(peer.saw(b"Cheeseburger"));
}

#[tokio::test(start_paused = true)]
async fn idle_news_are_reported_once() {
    let (mut printer, peer) = epson(Script::default()).await;
    peer.say(&COVER).await;
    match printer.next_event().await.unwrap() {
        PrinterEvent::Condition(condition) => assert_eq!(condition.fault(), Some(PrinterFault::CoverOpen)),
        other => panic!("{other:?}"),
    }
    peer.script().real_time = Some([0x1A, 0x16, 0x12, 0x12]);
    let more = tokio::time::timeout(Duration::from_secs(60), printer.next_event()).await;
    assert!(more.is_err(), "the same cover is no news: {more:?}");
}

#[tokio::test(start_paused = true)]
async fn without_reports_an_open_cover_is_found_by_asking_and_named_at_once() {
    let (mut printer, peer) = connected(Profile::plain_80(), Script::default()).await;
    peer.script().real_time = Some([0x1A, 0x16, 0x12, 0x12]);
    let began = Instant::now();
    match printer.next_event().await.unwrap() {
        PrinterEvent::Condition(condition) => assert_eq!(condition.fault(), Some(PrinterFault::CoverOpen)),
        other => panic!("{other:?}"),
    }
    assert!(began.elapsed() <= Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn a_printer_that_falls_silent_is_noticed_and_set_up_again_when_it_is_back() {
    let (mut printer, peer) = epson(Script::default()).await;
    peer.script().mute = true;
    let began = Instant::now();
    match printer.next_event().await.unwrap() {
        PrinterEvent::Condition(condition) => assert!(condition.silent),
        other => panic!("{other:?}"),
    }
    assert!(began.elapsed() < Duration::from_secs(15));
    peer.script().mute = false;
    let before = peer.script().auto_status_on;
    match printer.next_event().await.unwrap() {
        PrinterEvent::Condition(condition) => assert_eq!(condition.fault(), None),
        other => panic!("{other:?}"),
    }
    let quiet = tokio::time::timeout(Duration::from_secs(5), printer.next_event()).await;
    assert!(quiet.is_err());
    assert!(peer.script().auto_status_on > before, "reports may have been lost with its power");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_news_can_be_dropped_at_any_time() {
    let (mut printer, peer) = epson(Script::default()).await;
    for pause in 0..2_000 {
        let wait = Duration::from_millis(pause % 37);
        let early = tokio::time::timeout(wait, printer.next_event()).await;
        assert!(early.is_err(), "{early:?}");
    }
    let asked = peer.script().asked.clone();
    assert!(asked.len() >= 8 && asked.chunks(4).all(|round| [1, 2, 3, 4].starts_with(round)), "{asked:?}");
    assert!(matches!(printer.print(&receipt(), job(1)).await, PrintOutcome::Confirmed));
}

#[tokio::test(start_paused = true)]
async fn after_a_torn_job_the_open_picture_is_filled_up_first() {
    let (peer, link) = Peer::start(Script::default());
    let profile = Profile::tm_t88v();
    EscposPrinter::connect(link, profile, None, Start::AfterTornJob).await.unwrap();
    let script = peer.script();
    assert!(script.seen[..64 * 256].iter().all(|byte| *byte == 0));
    assert_eq!(script.seen[64 * 256..][..3], [0x10, 0x04, 1]);
}

#[tokio::test(start_paused = true)]
async fn the_drawer_is_pulsed_and_its_switch_is_believed() {
    let (mut printer, peer) = epson(Script { report_at_pulse: Some(PIN_HIGH), ..Script::default() }).await;
    assert_eq!(printer.state(), DrawerState::Closed);
    assert_eq!(printer.kick(DrawerPin::Two).await.unwrap(), Kick::Opened);
    assert_eq!(printer.state(), DrawerState::Open);
    assert!(peer.saw(&[0x1B, 0x70, 0x00, 0x32, 0xFA]));
    peer.script().real_time = Some([0x16, 0x12, 0x12, 0x12]);
    assert_eq!(printer.kick(DrawerPin::Two).await.unwrap(), Kick::AlreadyOpen);
    assert_eq!(peer.script().pulses, 1);
}

#[tokio::test(start_paused = true)]
async fn a_stuck_drawer_and_one_behind_a_faulty_printer_do_not_open() {
    let (mut printer, peer) = epson(Script::default()).await;
    assert_eq!(printer.kick(DrawerPin::Five).await.unwrap(), Kick::DidNotOpen);
    let began = Instant::now();
    assert_eq!(printer.kick(DrawerPin::Five).await.unwrap(), Kick::DidNotOpen);
    assert!(began.elapsed() >= Duration::from_secs(1));
    peer.script().real_time = Some([0x1A, 0x16, 0x12, 0x12]);
    let refused = printer.kick(DrawerPin::Two).await;
    assert!(matches!(refused, Err(DrawerError::Fault(PrinterFault::CoverOpen))), "{refused:?}");
    assert_eq!(peer.script().pulses, 2);
}

#[tokio::test(start_paused = true)]
async fn without_reports_the_drawer_switch_is_asked_for_with_the_cables_polarity() {
    let inverted = Profile { drawer_open_level: PinLevel::Low, ..Profile::plain_80() };
    let script = Script {
        real_time: Some([0x16, 0x12, 0x12, 0x12]),
        status_after_pulse: Some(0x12),
        ..Script::default()
    };
    let (mut printer, _peer) = connected(inverted, script).await;
    assert_eq!(printer.state(), DrawerState::Closed);
    assert_eq!(printer.kick(DrawerPin::Two).await.unwrap(), Kick::Opened);
}

#[test]
fn job_numbers_go_round_after_9999() {
    assert_eq!(JobNumber::from_count(1).digits(), *b"0001");
    assert_eq!(JobNumber::from_count(9_999).digits(), *b"9999");
    assert_eq!(JobNumber::from_count(10_000).digits(), *b"0001");
    assert_eq!(JobNumber::from_count(0).get(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_printer_may_say_anything_at_any_time(noise in proptest::collection::vec(any::<u8>(), 1..300)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let (mut printer, peer) = epson(Script::default()).await;
            for part in noise.chunks(40) {
                peer.say(part).await;
                let waited = tokio::time::timeout(Duration::from_millis(200), printer.next_event()).await;
                assert!(!matches!(waited, Ok(Err(_))), "{waited:?}");
            }
            peer.say(b"\xFF").await;
            let outcome = printer.print(&receipt(), job(1)).await;
            // The noise may have claimed a fault; it can never have confirmed.
            assert!(!matches!(outcome, PrintOutcome::Sent));
        });
    }
}
