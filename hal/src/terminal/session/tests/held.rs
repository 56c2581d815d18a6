//! The approval that waits for our books: what is answered, when, and what is never answered.

use super::*;

#[test]
fn an_approval_is_acknowledged_only_when_the_caller_says_so() {
    on_every_link(|settings| {
        let mut bench = Bench::holding(settings);
        bench.pass(Duration::from_millis(2900));
        assert!(bench.said().is_empty());
        bench.session.accept_result(bench.at).unwrap();
        bench.settle();
        assert_eq!(bench.said(), [OK]);
        bench.session.accept_result(bench.at).unwrap();
        bench.settle();
        assert!(bench.said().is_empty(), "saying it twice sends nothing twice");
        assert!(matches!(bench.session.refuse_goods(bench.at), Err(TerminalError::NothingToAnswer)));
    });
}

#[test]
fn a_slow_store_makes_the_terminal_wait_and_ask_again() {
    on_every_link(|settings| {
        let mut bench = Bench::holding(settings);
        bench.pass(seconds(3));
        assert_eq!(bench.said(), [WAIT]);
        bench.pass(seconds(2));
        bench.tell(APPROVED);
        assert!(bench.said().is_empty());
        assert!(bench.events().is_empty(), "the same approval is reported once");
        bench.session.accept_result(bench.at).unwrap();
        bench.settle();
        assert_eq!(bench.said(), [OK]);
    });
}

#[test]
fn an_answer_decided_while_nobody_asks_is_given_at_the_next_question() {
    on_every_link(|settings| {
        for accepted in [true, false] {
            let mut bench = Bench::holding(settings.clone());
            bench.pass(seconds(3));
            assert_eq!(bench.said(), [WAIT]);
            let decided = if accepted {
                bench.session.accept_result(bench.at)
            } else {
                bench.session.refuse_goods(bench.at)
            };
            decided.unwrap();
            bench.settle();
            assert!(bench.said().is_empty());
            bench.tell(APPROVED);
            assert_eq!(bench.said(), [if accepted { OK } else { NO_GOODS }]);
        }
    });
}

#[test]
fn asking_again_without_an_answer_is_answered_with_wait() {
    on_every_link(|settings| {
        let mut bench = Bench::holding(settings);
        bench.pass(seconds(1));
        bench.tell(APPROVED);
        assert_eq!(bench.said(), [WAIT]);
    });
}

#[test]
fn a_store_that_never_commits_ends_with_no_goods_given() {
    on_every_link(|settings| {
        for max_waits in [3, 10] {
            let mut settings = settings.clone();
            settings.profile.max_waits = max_waits;
            let mut bench = Bench::holding(settings);
            for _ in 0..max_waits {
                bench.pass(seconds(3));
                assert_eq!(bench.said(), [WAIT]);
                assert!(bench.events().is_empty());
                bench.tell(APPROVED);
            }
            bench.pass(seconds(3));
            assert_eq!(bench.said(), [NO_GOODS]);
            assert_eq!(bench.events(), [TerminalEvent::HeldTooLong]);
            assert!(matches!(bench.session.accept_result(bench.at), Err(TerminalError::NothingToAnswer)));
            bench.tell("04 FF 01 05");
            bench.tell("06 1E 01 05");
            let reversed = Reversal { by: ReversedBy::GoodsRefused, result: None };
            assert_eq!(bench.events().last(), Some(&TerminalEvent::Reversed(reversed)));
            assert!(bench.said().iter().all(|answer| answer == OK));
        }
    });
}

#[test]
fn refused_goods_make_the_terminal_reverse_and_that_is_reported() {
    on_every_link(|settings| {
        for end in [DONE, "06 1E 01 05"] {
            let mut bench = Bench::holding(settings.clone());
            bench.session.refuse_goods(bench.at).unwrap();
            bench.settle();
            assert_eq!(bench.said(), [NO_GOODS]);
            bench.tell("04 0F 14 27 00 04 000000002500 0B 000976 87 0232 37 000975");
            bench.tell(end);
            assert_eq!(bench.said(), [OK, OK]);
            let events = bench.events();
            let [TerminalEvent::Reversed(reversal)] = &events[..] else { panic!("{events:?}") };
            assert_eq!(reversal.by, ReversedBy::GoodsRefused);
            assert_eq!(reversal.result.as_ref().unwrap().original_trace, Some(975));
        }
    });
}

#[test]
fn a_terminal_that_did_not_hear_the_refusal_hears_it_again() {
    let mut bench = Bench::holding(TerminalSettings::standard());
    bench.session.refuse_goods(bench.at).unwrap();
    bench.settle();
    assert_eq!(bench.said(), [NO_GOODS]);
    bench.tell(APPROVED);
    assert_eq!(bench.said(), [NO_GOODS], "never 80 00 for goods that were not given");
}

#[test]
fn a_terminal_that_did_not_hear_the_acceptance_hears_it_again() {
    on_every_link(|settings| {
        let mut bench = Bench::holding(settings);
        bench.session.accept_result(bench.at).unwrap();
        bench.settle();
        bench.said();
        bench.tell(APPROVED);
        assert_eq!(bench.said(), [OK]);
        bench.tell(DONE);
        bench.said();
        bench.events();
        bench.tell(APPROVED);
        assert_eq!(bench.said(), [OK], "also after the end");
        assert!(bench.events().is_empty());
    });
}

#[test]
fn a_second_approval_with_other_numbers_raises_an_alarm_and_gets_no_goods() {
    let mut bench = Bench::holding(TerminalSettings::standard());
    bench.tell(ANOTHER);
    assert_eq!(bench.said(), [WAIT]);
    assert_eq!(result_of(&bench.events()[0]).trace, Some(976));
    bench.tell(APPROVED);
    bench.session.accept_result(bench.at).unwrap();
    bench.settle();
    assert_eq!(bench.said(), [OK]);
    bench.tell(ANOTHER);
    assert_eq!(bench.said(), [NO_GOODS]);
    assert!(matches!(bench.events()[..], [TerminalEvent::StrayResult(_)]));
}

#[test]
fn a_late_approval_is_reported_and_held_even_when_nothing_runs() {
    on_every_link(|settings| {
        let mut bench = Bench::registered(settings.clone());
        bench.tell(APPROVED);
        assert!(bench.said().is_empty());
        assert!(matches!(bench.events()[..], [TerminalEvent::StrayResult(_)]));
        assert!(matches!(
            bench.session.start(bench.at, charge()),
            Err(TerminalError::InUse { running: None })
        ));
        bench.session.accept_result(bench.at).unwrap();
        bench.settle();
        assert_eq!(bench.said(), [OK]);
        assert!(bench.session.is_idle());

        let mut bench = Bench::registered(settings);
        bench.tell(APPROVED);
        bench.events();
        for _ in 0..10 {
            bench.pass(seconds(3));
            assert_eq!(bench.said(), [WAIT]);
            bench.tell(APPROVED);
        }
        bench.pass(seconds(3));
        assert_eq!(bench.said(), [NO_GOODS]);
        assert_eq!(bench.events(), [TerminalEvent::HeldTooLong]);
        assert!(bench.session.is_idle());
    });
}

#[test]
fn an_approval_told_during_the_registration_is_put_off_and_then_held() {
    on_every_link(|settings| {
        let mut bench = Bench::charging(settings.clone());
        bench.session.link_lost(LossCause::LinkClosed);
        bench.terminal = Framer::new(settings.framing, &settings.profile.timers);
        bench.session.connected(bench.at);
        bench.settle();
        bench.tell(OK);
        bench.said();
        bench.tell(APPROVED);
        assert_eq!(bench.said(), [WAIT]);
        bench.tell(DONE);
        bench.tell(APPROVED);
        assert_eq!(bench.said(), [OK], "the end of the registration only");
        assert!(matches!(bench.events().last(), Some(TerminalEvent::StrayResult(_))));
    });
}

#[test]
fn a_result_without_a_code_is_held_and_never_accepted_by_itself() {
    on_every_link(|settings| {
        let mut bench = Bench::charging(settings);
        bench.tell("04 0F 0B 04 000000002500 0B 000975");
        assert_eq!(bench.events(), [TerminalEvent::UnclearResult]);
        assert!(bench.said().is_empty());
        bench.session.refuse_goods(bench.at).unwrap();
        bench.settle();
        assert_eq!(bench.said(), [NO_GOODS]);
    });
}

#[test]
fn a_wrong_amount_or_currency_is_reported_as_it_is_for_the_caller_to_refuse() {
    for (message, minor, number) in [
        ("04 0F 0F 27 00 04 000000009900 49 0978 0B 000975", 9900, 978),
        ("04 0F 10 27 00 04 000000002500 49 0840 0B 000975", 2500, 840),
    ] {
        let message = message.replace("04 0F 0F", "04 0F 10");
        let mut bench = Bench::charging(TerminalSettings::standard());
        bench.tell(&message);
        let events = bench.events();
        let money = result_of(&events[0]).money().unwrap();
        assert_eq!((money.minor, money.currency.number()), (minor, number));
        bench.session.refuse_goods(bench.at).unwrap();
        bench.settle();
        assert_eq!(bench.said(), [NO_GOODS]);
    }
}

#[test]
fn an_end_without_our_answer_is_marked_as_no_proof() {
    let unanswered = ResultAnswer::Unanswered;
    let mut bench = Bench::holding(TerminalSettings::standard());
    bench.tell(DONE);
    let end = TerminalEvent::Completed { command: CommandKind::Charge, answer: unanswered };
    assert_eq!(bench.events(), [end]);
    let mut bench = Bench::holding(TerminalSettings::standard());
    bench.tell("06 1E 01 9B");
    let end =
        TerminalEvent::Aborted { command: CommandKind::Charge, code: 0x9B, text: None, answer: unanswered };
    assert_eq!(bench.events(), [end]);
}

#[test]
fn a_charge_that_completes_without_any_result_says_so() {
    let mut bench = Bench::charging(TerminalSettings::standard());
    bench.tell(DONE);
    let end = TerminalEvent::Completed { command: CommandKind::Charge, answer: ResultAnswer::NoResult };
    assert_eq!(bench.events(), [end]);
}

#[test]
fn an_approval_that_overtakes_its_own_acknowledgement_counts() {
    on_every_link(|settings| {
        let mut bench = Bench::registered(settings);
        bench.start(charge());
        bench.said();
        bench.tell(APPROVED);
        assert!(bench.said().is_empty());
        let events = bench.events();
        assert_eq!(events[0], TerminalEvent::Started(CommandKind::Charge));
        assert!(result_of(&events[1]).approved);
        bench.session.accept_result(bench.at).unwrap();
        bench.settle();
        assert_eq!(bench.said(), [OK]);
    });
}

#[test]
fn the_payment_before_is_not_taken_for_this_one() {
    let mut bench = Bench::holding(TerminalSettings::standard());
    bench.session.accept_result(bench.at).unwrap();
    bench.settle();
    bench.tell(DONE);
    bench.events();
    bench.start(charge());
    bench.said();
    bench.tell(APPROVED);
    assert_eq!(bench.said(), [OK], "it is in our books");
    assert!(bench.events().is_empty());
    bench.tell(OK);
    bench.tell(APPROVED);
    assert_eq!(bench.said(), [OK]);
    assert_eq!(bench.events(), [TerminalEvent::Started(CommandKind::Charge)]);
    bench.tell(ANOTHER);
    assert_eq!(result_of(&bench.events()[0]).trace, Some(976));
}
