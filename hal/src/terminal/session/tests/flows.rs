//! What is supposed to happen.

use super::*;
use crate::terminal::codes::{Condition, Prompt};
use crate::terminal::types::{LocalTime, ReceiptKind};

#[test]
fn every_connection_begins_with_a_registration() {
    on_every_link(|settings| {
        let mut bench = Bench::new(settings);
        assert!(matches!(bench.session.start(bench.at, charge()), Err(TerminalError::NotReady)));
        bench.session.connected(bench.at);
        bench.settle();
        assert_eq!(bench.said(), ["06 00 10 00 00 00 BE 09 78 03 01 06 06 26 04 0A 02 06 D3"]);
        bench.tell(OK);
        bench.tell("06 0F 02 19 01");
        let events = bench.events();
        assert!(
            matches!(&events[1], TerminalEvent::Registered(registration) if registration.needs_initialisation)
        );
    });
}

#[test]
fn a_charge_goes_from_command_to_completion() {
    on_every_link(|settings| {
        let mut bench = Bench::registered(settings);
        bench.start(charge());
        assert_eq!(
            bench.said(),
            [CHARGE.replace("000000002500", "00 00 00 00 25 00").replace("0978", "09 78")]
        );
        bench.tell(OK);
        bench.tell("04 FF 02 0A 05");
        bench.tell("04 FF 01 04");
        bench.tell(APPROVED);
        assert_eq!(bench.said(), [OK, OK], "both states, not the approval");
        let events = bench.events();
        assert_eq!(events[0], TerminalEvent::Started(CommandKind::Charge));
        assert!(
            matches!(&events[1], TerminalEvent::Intermediate(state) if state.prompt == Prompt::PresentCard)
        );
        assert!(
            matches!(&events[2], TerminalEvent::Intermediate(state) if state.prompt == Prompt::ContactingHost)
        );
        let result = result_of(&events[3]);
        assert!(result.approved);
        assert_eq!(result.money(), Some(Money::eur(2500)));
        assert_eq!((result.trace, result.receipt_no, result.turnover_no), (Some(975), Some(231), Some(44)));

        bench.session.accept_result(bench.at).unwrap();
        bench.settle();
        assert_eq!(bench.said(), [OK]);
        bench.tell("06 D3 18 06 16 1F 07 01 02 25 10 07 06 4B 6F 70 69 65 21 07 03 61 62 63 09 01 FF");
        bench.tell(DONE);
        assert_eq!(bench.said(), [OK, OK]);
        let events = bench.events();
        assert!(matches!(&events[0], TerminalEvent::Receipt(receipt)
            if receipt.kind == ReceiptKind::Customer && receipt.lines.len() == 2));
        let accepted = ResultAnswer::Accepted;
        assert_eq!(events[1], TerminalEvent::Completed { command: CommandKind::Charge, answer: accepted });
        assert!(bench.session.is_idle());
    });
}

#[test]
fn a_decline_is_answered_at_once_and_ends_with_the_terminals_words() {
    on_every_link(|settings| {
        let mut bench = Bench::charging(settings);
        bench.tell(DECLINED);
        assert_eq!(bench.said(), [OK]);
        let events = bench.events();
        assert_eq!((result_of(&events[0]).approved, result_of(&events[0]).code), (false, 5));
        assert!(matches!(bench.session.accept_result(bench.at), Err(TerminalError::NothingToAnswer)));
        bench.tell("06 1E 01 05");
        let declined = ResultAnswer::Declined;
        let expected =
            TerminalEvent::Aborted { command: CommandKind::Charge, code: 5, text: None, answer: declined };
        assert_eq!(bench.events(), [expected]);
        assert!(bench.session.is_idle());
    });
}

#[test]
fn a_refused_start_ends_the_command_with_nothing_done() {
    on_every_link(|settings| {
        for code in [0x9C, 0x83, 0xF0, 0x6F] {
            let mut bench = Bench::registered(settings.clone());
            bench.start(charge());
            bench.tell(&format!("84 {code:02X} 00"));
            assert_eq!(bench.events(), [TerminalEvent::Refused { command: CommandKind::Charge, code }]);
            assert!(bench.session.is_idle());
        }
    });
}

#[test]
fn a_customers_cancel_is_asked_for_and_the_end_is_told() {
    on_every_link(|settings| {
        let mut bench = Bench::charging(settings);
        bench.session.abort(bench.at).unwrap();
        bench.settle();
        assert_eq!(bench.said(), [ABORT]);
        bench.tell(OK);
        bench.tell("06 1E 01 6C");
        let end = TerminalEvent::Aborted {
            command: CommandKind::Charge,
            code: 0x6C,
            text: None,
            answer: ResultAnswer::NoResult,
        };
        assert_eq!(bench.events(), [TerminalEvent::AbortAccepted, end]);
    });
}

#[test]
fn a_cancel_before_the_terminal_took_the_charge_on_is_sent_right_after() {
    on_every_link(|settings| {
        let mut bench = Bench::registered(settings);
        bench.start(charge());
        bench.said();
        bench.session.abort(bench.at).unwrap();
        bench.settle();
        assert!(bench.said().is_empty());
        bench.tell(OK);
        assert_eq!(bench.said(), [ABORT]);
    });
}

#[test]
fn an_approval_after_a_cancel_is_an_approval() {
    on_every_link(|settings| {
        let mut bench = Bench::charging(settings);
        bench.session.abort(bench.at).unwrap();
        bench.settle();
        bench.tell(OK);
        bench.tell(APPROVED);
        assert_eq!(bench.said(), [ABORT]);
        let events = bench.events();
        assert_eq!(events[0], TerminalEvent::AbortAccepted);
        assert!(result_of(&events[1]).approved);
        assert!(matches!(bench.session.abort(bench.at), Err(TerminalError::NothingToAbort)));
        bench.session.accept_result(bench.at).unwrap();
        bench.settle();
        assert_eq!(bench.said(), [OK]);
    });
}

#[test]
fn a_refused_cancel_leaves_the_customer_at_the_terminal() {
    on_every_link(|settings| {
        let mut bench = Bench::charging(settings);
        bench.session.abort(bench.at).unwrap();
        bench.settle();
        bench.tell("84 83 00");
        assert_eq!(bench.events(), [TerminalEvent::AbortRefused { code: Some(0x83) }]);
        bench.tell(APPROVED);
        assert!(result_of(&bench.events()[0]).approved);
    });
}

#[test]
fn a_terminal_that_cannot_abort_is_not_asked() {
    let mut bench = Bench::charging(with_profile("global-payments"));
    bench.session.abort(bench.at).unwrap();
    bench.settle();
    assert!(bench.said().is_empty());
    assert_eq!(bench.events(), [TerminalEvent::AbortRefused { code: None }]);
}

#[test]
fn a_reversal_ends_reversed_or_refused() {
    let cases = [
        (&["04 0F 0A 27 00 0B 000980 37 000975", DONE][..], Ok(ReversedBy::Command)),
        (&["06 1E 01 B4"], Ok(ReversedBy::AlreadyReversed)),
        (&["04 0F 02 27 B4", "06 1E 01 B4"], Ok(ReversedBy::AlreadyReversed)),
        (&["06 1E 01 B5"], Err(0xB5)),
        (&["04 0F 02 27 05", "06 1E 01 05"], Err(0x05)),
        (&["04 0F 02 27 64", DONE], Err(0x64)),
    ];
    on_every_link(|settings| {
        for (told, expected) in &cases {
            let mut bench = Bench::registered(settings.clone());
            bench.start(reversal());
            assert_eq!(bench.said(), ["06 30 06 00 00 00 87 02 31"]);
            bench.tell(OK);
            for message in *told {
                bench.tell(message);
            }
            assert!(bench.said().iter().all(|answer| answer == OK));
            let events = bench.events();
            match (events.last().unwrap(), expected) {
                (TerminalEvent::Reversed(Reversal { by, .. }), Ok(expected)) => assert_eq!(by, expected),
                (TerminalEvent::ReversalRefused { code }, Err(expected)) => assert_eq!(code, expected),
                (event, expected) => panic!("{event:?} instead of {expected:?}"),
            }
            assert!(bench.session.is_idle());
        }
    });
}

#[test]
fn a_reversal_refused_at_once_tells_whether_it_was_done_already() {
    for (answer, expected) in [
        ("84 B4 00", TerminalEvent::Reversed(Reversal { by: ReversedBy::AlreadyReversed, result: None })),
        ("84 B5 00", TerminalEvent::ReversalRefused { code: 0xB5 }),
        ("84 9C 00", TerminalEvent::Refused { command: CommandKind::Reverse, code: 0x9C }),
    ] {
        let mut bench = Bench::registered(TerminalSettings::standard());
        bench.start(reversal());
        bench.tell(answer);
        assert_eq!(bench.events(), [expected]);
    }
}

#[test]
fn a_reversal_that_completes_without_a_result_proves_nothing() {
    let mut bench = Bench::registered(TerminalSettings::standard());
    bench.start(reversal());
    bench.tell(OK);
    bench.tell(DONE);
    let end = TerminalEvent::Completed { command: CommandKind::Reverse, answer: ResultAnswer::NoResult };
    assert_eq!(bench.events()[1..], [end]);
}

#[test]
fn the_last_transaction_is_told_with_its_receipts_and_acknowledged() {
    on_every_link(|settings| {
        let mut bench = Bench::registered(settings);
        bench.start(Command::RepeatReceipt);
        bench.tell(OK);
        bench.tell(APPROVED);
        bench.tell("06 D1 0D 00 4B 75 6E 64 65 6E 62 65 6C 65 67 20");
        bench.tell("06 D1 03 81 61 62");
        bench.tell(DONE);
        assert_eq!(bench.said()[1..], [OK, OK, OK, OK]);
        let events = bench.events();
        let [_, TerminalEvent::LastTransaction(LastAnswer::Found { transaction, receipts })] = &events[..]
        else {
            panic!("{events:?}");
        };
        assert_eq!(
            (transaction.trace, transaction.receipt_no, transaction.amount_minor),
            (Some(975), Some(231), Some(2500))
        );
        assert!(transaction.result.approved);
        assert_eq!((receipts.len(), receipts[0].kind), (1, ReceiptKind::Customer));
    });
}

#[test]
fn an_empty_or_printed_only_answer_is_no_transaction() {
    for (told, printed) in [(&[DONE][..], 0), (&["06 D1 03 81 61 62", DONE], 1)] {
        let mut bench = Bench::registered(TerminalSettings::standard());
        bench.start(Command::RepeatReceipt);
        bench.tell(OK);
        told.iter().for_each(|message| bench.tell(message));
        let events = bench.events();
        assert!(matches!(&events[1], TerminalEvent::LastTransaction(LastAnswer::Empty { receipts })
            if receipts.len() == printed));
    }
}

#[test]
fn a_terminal_may_be_busy_or_unwilling_to_tell() {
    for (answer, expected) in
        [("84 9C 00", LastAnswer::Busy), ("84 83 00", LastAnswer::Refused { code: 0x83 })]
    {
        let mut bench = Bench::registered(TerminalSettings::standard());
        bench.start(Command::RepeatReceipt);
        bench.tell(answer);
        assert_eq!(bench.events(), [TerminalEvent::LastTransaction(expected)]);
    }
}

#[test]
fn the_condition_is_told_also_by_a_busy_terminal() {
    for (messages, expected) in [
        (&[OK, "06 0F 07 F0 F0 F3 62 6C 61 51"][..], Condition::NeedsInitialisation),
        (&[OK, DONE], Condition::Ready),
        (&[WAIT], Condition::Busy),
    ] {
        let mut bench = Bench::registered(TerminalSettings::standard());
        bench.start(Command::Status);
        messages.iter().for_each(|message| bench.tell(message));
        let events = bench.events();
        assert!(matches!(events.last(), Some(TerminalEvent::Status(report)) if report.condition == expected));
    }
}

#[test]
fn an_end_of_day_tells_its_totals_and_its_receipt() {
    on_every_link(|settings| {
        let mut bench = Bench::registered(settings);
        bench.start(Command::EndOfDay);
        assert_eq!(bench.said(), ["06 50 03 00 00 00"]);
        bench.tell(OK);
        bench.tell(
            "04 0F 42 27 00 04 000000000958 60 F0F5F3 0233 0234 00000000000000 00000000000000 02000000000958 \
             00000000000000 00000000000000 00000000000000 00000000000000",
        );
        bench.tell("06 D1 03 81 61 62");
        bench.tell(DONE);
        let events = bench.events();
        let [_, TerminalEvent::EndOfDay(totals)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((totals.amount_minor, totals.groups.len(), totals.receipts.len()), (Some(958), 7, 1));
    });
}

#[test]
fn an_end_of_day_that_is_not_possible_says_why() {
    for code in [0x77, 0xF0] {
        let mut bench = Bench::registered(TerminalSettings::standard());
        bench.start(Command::EndOfDay);
        bench.tell(OK);
        bench.tell(&format!("06 1E 01 {code:02X}"));
        assert!(matches!(bench.events()[1], TerminalEvent::Aborted { code: told, .. } if told == code));
    }
}

#[test]
fn maintenance_commands_run_to_their_end() {
    let time = LocalTime { year: 2026, month: 3, day: 9, hour: 7, minute: 5, second: 59 };
    for command in [Command::Initialise, Command::Diagnosis, Command::SetClock(time), Command::PrintTotals] {
        let mut bench = Bench::registered(TerminalSettings::standard());
        let kind = command.kind();
        bench.start(command);
        bench.tell(OK);
        bench.tell("04 FF 01 CA");
        bench.tell(DONE);
        let end = TerminalEvent::Completed { command: kind, answer: ResultAnswer::NoResult };
        assert_eq!(bench.events().last(), Some(&end));
        assert!(bench.session.is_idle());
    }
}

#[test]
fn a_clock_may_be_set_without_a_completion_and_a_farewell_has_none() {
    let time = LocalTime { year: 2026, month: 3, day: 9, hour: 7, minute: 5, second: 59 };
    let mut bench = Bench::registered(TerminalSettings::standard());
    bench.start(Command::SetClock(time));
    bench.tell(OK);
    bench.pass(seconds(5));
    assert!(matches!(bench.events()[1], TerminalEvent::Completed { command: CommandKind::SetClock, .. }));
    bench.start(Command::LogOff);
    bench.tell(OK);
    assert!(matches!(bench.events()[1], TerminalEvent::Completed { command: CommandKind::LogOff, .. }));
    assert!(matches!(bench.session.start(bench.at, charge()), Err(TerminalError::NotReady)));
}

#[test]
fn a_refund_waits_for_its_answer_like_a_charge() {
    let mut bench = Bench::registered(TerminalSettings::standard());
    bench.start(Command::Refund(ChargeRequest { amount: Money::eur(2500) }));
    bench.tell(OK);
    bench.said();
    bench.tell(APPROVED);
    assert!(bench.said().is_empty());
    bench.session.accept_result(bench.at).unwrap();
    bench.settle();
    assert_eq!(bench.said(), [OK]);
}

#[test]
fn a_terminal_that_forgot_us_is_registered_again_and_asked_once_more() {
    on_every_link(|settings| {
        for forgot in [&["84 6B 00"][..], &[OK, "06 1E 01 6B"]] {
            let mut bench = Bench::registered(settings.clone());
            bench.start(charge());
            bench.said();
            forgot.iter().for_each(|message| bench.tell(message));
            assert!(bench.said().last().unwrap().starts_with("06 00"));
            bench.tell(OK);
            bench.tell(DONE);
            assert!(bench.said().last().unwrap().starts_with("06 01"));
            bench.tell("84 6B 00");
            let refused = TerminalEvent::Refused { command: CommandKind::Charge, code: 0x6B };
            assert_eq!(bench.events().last(), Some(&refused));
            assert!(bench.said().is_empty(), "once is enough");
        }
    });
}

#[test]
fn a_charge_that_reached_the_card_is_never_sent_again() {
    let mut bench = Bench::charging(TerminalSettings::standard());
    bench.tell("04 FF 01 0A");
    bench.tell("06 1E 01 6B");
    assert!(matches!(bench.events().last(), Some(TerminalEvent::Aborted { code: 0x6B, .. })));
    assert_eq!(bench.said(), [OK, OK]);
}

#[test]
fn what_a_terminal_wants_from_our_screen_is_declined() {
    let mut bench = Bench::charging(TerminalSettings::standard());
    bench.tell("06 E0 00");
    bench.tell("04 0D 00");
    bench.tell("04 01 08 AA 260309 0C 070559");
    assert_eq!(bench.said(), ["84 83 00", "84 83 00", OK]);
    assert!(bench.events().is_empty());
}

#[test]
fn only_one_command_runs_at_a_time() {
    let mut bench = Bench::charging(TerminalSettings::standard());
    let refused = bench.session.start(bench.at, Command::Status);
    assert!(matches!(refused, Err(TerminalError::InUse { running: Some(CommandKind::Charge) })));
}

#[test]
fn a_currency_the_terminal_did_not_name_is_the_registered_one() {
    let mut bench = Bench::charging(TerminalSettings::standard());
    bench.tell("04 0F 0D 27 00 04 000000002500 0B 000975");
    assert_eq!(result_of(&bench.events()[0]).money(), Some(Money::eur(2500)));
}
