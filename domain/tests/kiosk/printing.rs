//! Receipts on their way to paper: a job comes out, or not, or perhaps, and the customer's page with it.

use domain::event::{Event, ReceiptEvent};
use domain::ids::ReceiptId;
use domain::input::{Action, PrinterCondition, PrinterInput};
use domain::intent::{DoneIntent, Intent, ReceiptChoice};
use domain::kiosk::Refusal;
use domain::kiosk::ledger::PrintState;
use domain::receipt::ReceiptKind;
use domain::view::{Page, PaperState};

use crate::fixture;
use crate::world::{World, prints};

fn printed(w: &mut World) -> Vec<ReceiptKind> {
    prints(&w.take_effects())
}

fn done(w: &World) -> domain::view::DoneView {
    match w.view().page {
        Page::Done(page) => page,
        other => panic!("expected the number, got {}", other.name()),
    }
}

fn want_paper(w: &mut World) {
    w.intent(Intent::Done(DoneIntent::Receipt(ReceiptChoice::Paper)));
}

/// A paid order whose receipt is at the printer.
fn printing() -> (World, ReceiptId) {
    let mut w = World::open();
    w.completed();
    want_paper(&mut w);
    assert_eq!(printed(&mut w), [ReceiptKind::Sale]);
    let receipt = w.order().receipts[0].id;
    (w, receipt)
}

fn condition(w: &mut World, condition: PrinterCondition) {
    w.printer(PrinterInput::Condition(condition));
}

fn states(w: &World) -> Vec<(ReceiptKind, PrintState)> {
    w.order().receipts.iter().map(|r| (r.kind, r.state.clone())).collect()
}

#[test]
fn a_dead_printer_stops_no_sale_and_a_marked_copy_follows_the_code_on_the_screen() {
    let mut w = World::open();
    w.printer(PrinterInput::Condition(PrinterCondition::Absent));
    assert!(w.view().banners.no_paper, "told before ordering");
    w.completed();
    want_paper(&mut w);
    assert_eq!(done(&w).paper, PaperState::Unavailable);
    assert!(done(&w).qr.contains("K3-001"), "the QR code stands in");
    w.intent(Intent::Done(DoneIntent::Close));
    assert!(printed(&mut w).is_empty());
    w.pass(3_600_000);
    w.printer(PrinterInput::Condition(PrinterCondition::Ready));
    assert_eq!(printed(&mut w), [ReceiptKind::Copy], "the customer left with the code");
    let record = w.kiosk.ledger().in_order().next().unwrap();
    assert_eq!(record.receipts[1].copy, 1);
}

#[test]
fn without_a_choice_the_code_on_the_screen_is_the_original_too() {
    let mut w = World::open();
    w.printer(PrinterInput::Condition(PrinterCondition::Absent));
    w.completed();
    w.intent(Intent::Done(DoneIntent::Close));
    w.printer(PrinterInput::Condition(PrinterCondition::Ready));
    assert_eq!(printed(&mut w), [ReceiptKind::Copy]);
}

#[test]
fn paper_that_comes_while_the_customer_waits_is_the_original() {
    let mut w = World::open();
    w.printer(PrinterInput::Condition(PrinterCondition::PaperOut));
    w.completed();
    want_paper(&mut w);
    w.printer(PrinterInput::Condition(PrinterCondition::Ready));
    assert_eq!(printed(&mut w), [ReceiptKind::Sale]);
}

#[test]
fn one_job_at_a_time_is_at_the_printer_and_the_oldest_goes_first() {
    let mut w = World::open();
    w.printer(PrinterInput::Condition(PrinterCondition::PaperOut));
    for _ in 0..2 {
        w.completed();
        want_paper(&mut w);
        w.intent(Intent::Done(DoneIntent::Close));
    }
    w.printer(PrinterInput::Condition(PrinterCondition::PaperLow));
    assert_eq!(printed(&mut w).len(), 1);
    let first = w.kiosk.ledger().in_order().next().unwrap();
    let receipt = first.receipts[1].id;
    assert_eq!(first.receipts[1].state, PrintState::Sent);
    w.printer(PrinterInput::Confirmed { receipt });
    assert_eq!(printed(&mut w).len(), 1);
}

#[test]
fn a_job_that_the_printer_did_not_begin_is_tried_with_growing_pauses() {
    let mut w = World::open();
    w.completed();
    want_paper(&mut w);
    let mut tries = printed(&mut w).len();
    for _ in 0..120 {
        if let Some(job) = w.kiosk.session().work.printing {
            w.printer(PrinterInput::NotStarted { receipt: job.receipt });
        }
        w.pass(5_000);
        tries += printed(&mut w).len();
    }
    assert!((5..=12).contains(&tries), "{tries} tries in ten minutes");
    let (original, copy) =
        ((ReceiptKind::Sale, PrintState::Declined), (ReceiptKind::Copy, PrintState::Queued));
    assert_eq!(states(&w), [original, copy], "one job, which the customer's going made a copy");
}

#[test]
fn copies_of_a_receipt_that_never_confirms_come_to_an_end() {
    let mut w = World::open();
    w.completed();
    want_paper(&mut w);
    for _ in 0..10 {
        if let Some(job) = w.kiosk.session().work.printing {
            w.printer(PrinterInput::Unknown { receipt: job.receipt });
        }
    }
    assert_eq!(w.order().receipts.len(), 3, "the original and two marked copies");
    assert!(w.order().receipts[1..].iter().all(|r| r.kind == ReceiptKind::Copy));
}

#[test]
fn a_printer_that_cannot_confirm_counts_as_printed_and_is_written_down_as_unconfirmed() {
    let (mut w, receipt) = printing();
    w.printer(PrinterInput::Sent { receipt });
    assert_eq!(states(&w), [(ReceiptKind::Sale, PrintState::Unconfirmed)]);
    assert!(w.log.iter().any(
        |(_, e)| matches!(e, Event::Receipt(ReceiptEvent::Unconfirmed { receipt: r }) if *r == receipt)
    ));
    assert_eq!(done(&w).paper, PaperState::Printed);
    assert!(done(&w).closes_ms.is_some());
    w.printer(PrinterInput::Unknown { receipt });
    assert_eq!(w.order().receipts.len(), 1, "it has ended once");
    w.restart();
    condition(&mut w, PrinterCondition::Ready);
    assert!(printed(&mut w).is_empty(), "nothing prints it again by itself");
    w.staff(Action::Reprint { receipt });
    assert_eq!(printed(&mut w), [ReceiptKind::Copy], "it may well have come out");
}

#[test]
fn paper_that_ends_in_the_middle_lets_the_customer_go_and_the_job_goes_on_when_it_is_back() {
    let (mut w, receipt) = printing();
    condition(&mut w, PrinterCondition::PaperOut);
    assert_eq!(done(&w).paper, PaperState::Unavailable, "later, or the QR code");
    w.pass(w.config.times.done_ms + 1);
    assert_eq!(w.page(), "attract");
    w.pass(10 * 60_000);
    assert_eq!(states(&w), [(ReceiptKind::Sale, PrintState::Sent)], "it waits in the printer");
    assert!(!w.kiosk.update_gate(0).is_open(), "a restart now would cost a copy");
    condition(&mut w, PrinterCondition::Ready);
    assert!(printed(&mut w).is_empty(), "the printer has it already");
    w.printer(PrinterInput::Confirmed { receipt });
    assert_eq!(states(&w), [(ReceiptKind::Sale, PrintState::Confirmed)]);
}

#[test]
fn paper_that_is_back_while_the_customer_waits_is_waited_for() {
    let (mut w, receipt) = printing();
    condition(&mut w, PrinterCondition::CoverOpen);
    w.pass(5_000);
    condition(&mut w, PrinterCondition::Ready);
    assert_eq!(done(&w).paper, PaperState::Printing);
    assert_eq!(done(&w).closes_ms, None);
    w.printer(PrinterInput::Confirmed { receipt });
    assert_eq!(done(&w).paper, PaperState::Printed);
}

#[test]
fn a_job_given_up_in_the_middle_comes_again_as_a_copy_when_the_printer_can() {
    let (mut w, receipt) = printing();
    condition(&mut w, PrinterCondition::PaperOut);
    w.pass(15 * 60_000);
    w.printer(PrinterInput::Unknown { receipt });
    assert_eq!(
        states(&w),
        [(ReceiptKind::Sale, PrintState::Unknown), (ReceiptKind::Copy, PrintState::Queued)]
    );
    assert!(printed(&mut w).is_empty());
    condition(&mut w, PrinterCondition::Ready);
    assert_eq!(printed(&mut w), [ReceiptKind::Copy]);
}

#[test]
fn the_power_goes_while_a_job_waits_for_paper_and_a_copy_follows() {
    let (mut w, _) = printing();
    condition(&mut w, PrinterCondition::PaperOut);
    w.jump(60_000);
    w.restart();
    assert_eq!(
        states(&w),
        [(ReceiptKind::Sale, PrintState::Unknown), (ReceiptKind::Copy, PrintState::Queued)]
    );
    condition(&mut w, PrinterCondition::Ready);
    assert_eq!(printed(&mut w), [ReceiptKind::Copy]);
}

#[test]
fn a_printer_that_says_nothing_does_not_hold_the_customer_and_the_job_stays_its_own() {
    let (mut w, receipt) = printing();
    w.pass(w.config.times.print_patience_ms - 1);
    assert_eq!((done(&w).paper, done(&w).closes_ms), (PaperState::Printing, None));
    w.pass(1);
    assert_eq!(done(&w).paper, PaperState::Unavailable);
    assert!(done(&w).closes_ms.is_some());
    w.pass(w.config.times.done_ms + 1);
    assert_eq!(w.page(), "attract");
    assert_eq!(states(&w), [(ReceiptKind::Sale, PrintState::Sent)]);
    w.printer(PrinterInput::Confirmed { receipt });
    assert_eq!(states(&w), [(ReceiptKind::Sale, PrintState::Confirmed)], "late is not lost");
}

#[test]
fn behind_a_job_that_takes_too_long_nobody_waits() {
    let (mut w, _) = printing();
    w.pass(w.config.times.print_patience_ms + w.config.times.done_ms + 2);
    w.completed();
    want_paper(&mut w);
    assert_eq!(done(&w).paper, PaperState::Unavailable);
    assert!(done(&w).closes_ms.is_some());
    assert_eq!(states(&w), [(ReceiptKind::Sale, PrintState::Queued)]);
}

#[test]
fn a_job_whose_end_is_never_told_is_unknown_in_the_end() {
    let (mut w, _) = printing();
    w.pass(w.config.times.print_lost_ms - 1);
    assert_eq!(w.order().receipts[0].state, PrintState::Sent);
    w.pass(1);
    assert_eq!(states(&w), [(ReceiptKind::Sale, PrintState::Unknown), (ReceiptKind::Copy, PrintState::Sent)]);
}

#[test]
fn a_job_that_the_printer_refuses_again_and_again_does_not_hold_the_customer() {
    let (mut w, receipt) = printing();
    for _ in 0..20 {
        if w.order().receipts[0].state == PrintState::Sent {
            w.printer(PrinterInput::NotStarted { receipt });
        }
        if w.page() == "done" {
            assert_eq!(done(&w).paper, PaperState::Unavailable);
        }
        w.pass(10_000);
    }
    assert_eq!(w.page(), "attract");
}

#[test]
fn a_receipt_that_no_try_will_print_stands_in_no_other_ones_way() {
    let (mut w, receipt) = printing();
    w.printer(PrinterInput::Impossible { receipt, why: "too long".into() });
    assert_eq!(states(&w), [(ReceiptKind::Sale, PrintState::Failed("too long".into()))]);
    assert_eq!(done(&w).paper, PaperState::Unavailable);
    w.intent(Intent::Done(DoneIntent::Close));
    w.completed();
    want_paper(&mut w);
    assert_eq!(printed(&mut w), [ReceiptKind::Sale], "the next customer's");
}

#[test]
fn the_number_page_waits_for_the_paper_and_closes_twenty_seconds_later() {
    let mut w = World::open();
    w.completed();
    assert!(done(&w).closes_ms.is_some(), "nothing is printing: it counts");
    want_paper(&mut w);
    assert_eq!(done(&w).paper, PaperState::Printing);
    assert_eq!(done(&w).closes_ms, None);
    w.pass(60_000);
    assert_eq!(w.page(), "done");
    let receipt = w.order().receipts[0].id;
    w.printer(PrinterInput::Confirmed { receipt });
    assert_eq!(done(&w).paper, PaperState::Printed);
    w.pass(19_000);
    assert_eq!(w.page(), "done");
    w.pass(1_001);
    assert_eq!(w.page(), "attract");
}

#[test]
fn who_goes_without_choosing_gets_paper() {
    let mut w = World::open();
    w.completed();
    w.take_effects();
    w.pass(w.config.times.done_ms + 1);
    assert_eq!(w.page(), "attract");
    assert_eq!(printed(&mut w), [ReceiptKind::Sale]);
}

#[test]
fn no_paper_is_no_paper_until_the_customer_changes_their_mind() {
    let mut w = World::open();
    w.completed();
    w.take_effects();
    w.intent(Intent::Done(DoneIntent::Receipt(ReceiptChoice::Phone)));
    assert_eq!(w.order().receipts[0].state, PrintState::Declined);
    assert!(printed(&mut w).is_empty());
    want_paper(&mut w);
    assert_eq!(printed(&mut w), [ReceiptKind::Sale], "nothing came out before: an original");
}

#[test]
fn a_shop_may_print_without_asking() {
    let mut config = fixture::config();
    config.policy.print_without_asking = true;
    let mut w = World::with(config);
    w.completed();
    assert_eq!(printed(&mut w), [ReceiptKind::Sale]);
}

#[test]
fn staff_reprint_a_marked_and_counted_copy() {
    let mut w = World::open();
    w.completed();
    want_paper(&mut w);
    let receipt = w.order().receipts[0].id;
    w.staff(Action::Reprint { receipt });
    assert_eq!(w.refusal, Some(Refusal::NotNow), "it is still printing");
    w.printer(PrinterInput::Confirmed { receipt });
    w.take_effects();
    w.staff(Action::Reprint { receipt });
    assert_eq!(printed(&mut w), [ReceiptKind::Copy]);
    assert_eq!(w.order().receipts[1].copy, 1);
}
