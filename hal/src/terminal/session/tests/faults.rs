//! What goes wrong, at every point of a command: the rows of the fault matrix that are the driver's business.

use proptest::prelude::*;

use super::*;

#[test]
fn a_link_lost_tells_how_far_the_charge_had_come() {
    on_every_link(|settings| {
        let lost = |mut bench: Bench| {
            bench.events();
            bench.session.link_lost(LossCause::LinkClosed);
            let events = bench.events();
            assert_eq!(events.len(), 1);
            assert!(matches!(bench.session.start(bench.at, charge()), Err(TerminalError::NotReady)));
            assert_eq!(bench.session.next_deadline(), None);
            loss(&events[0])
        };
        let idle = lost(Bench::registered(settings.clone()));
        assert_eq!((idle.command, idle.sent), (None, Sent::NothingSent));

        let mut unsent = Bench::registered(settings.clone());
        unsent.session.start(unsent.at, charge()).unwrap();
        let unsent = lost(unsent);
        assert_eq!((unsent.command, unsent.sent), (Some(CommandKind::Charge), Sent::NothingSent));

        let mut one_byte = Bench::registered(settings.clone());
        one_byte.session.start(one_byte.at, charge()).unwrap();
        one_byte.session.written(1);
        assert_eq!(lost(one_byte).sent, Sent::MaybeSent);

        let mut sent = Bench::registered(settings.clone());
        sent.start(charge());
        assert_eq!(lost(sent).sent, Sent::MaybeSent);

        assert_eq!(lost(Bench::charging(settings.clone())).sent, Sent::Acknowledged);

        let mut declined = Bench::charging(settings.clone());
        declined.tell(DECLINED);
        assert_eq!(lost(declined).sent, Sent::Declined);

        assert_eq!(lost(Bench::holding(settings.clone())).sent, Sent::ResultReported);

        let mut accepted = Bench::holding(settings.clone());
        accepted.session.accept_result(accepted.at).unwrap();
        assert_eq!(lost(accepted).sent, Sent::ResultAccepted);

        let mut refused = Bench::holding(settings.clone());
        refused.session.refuse_goods(refused.at).unwrap();
        assert_eq!(lost(refused).sent, Sent::GoodsRefused);

        let mut reversing = Bench::registered(settings.clone());
        reversing.start(reversal());
        reversing.tell(OK);
        let reversing = lost(reversing);
        assert_eq!((reversing.command, reversing.sent), (Some(CommandKind::Reverse), Sent::Acknowledged));
    });
}

#[test]
fn a_new_connection_registers_and_can_ask_what_happened() {
    on_every_link(|settings| {
        let mut bench = Bench::charging(settings);
        bench.session.link_lost(LossCause::LinkClosed);
        bench.events();
        bench.said();
        bench.connect();
        bench.start(Command::RepeatReceipt);
        bench.tell(OK);
        bench.tell(APPROVED);
        bench.tell(DONE);
        assert!(matches!(
            bench.events().last(),
            Some(TerminalEvent::LastTransaction(LastAnswer::Found { transaction, .. })) if transaction.trace == Some(975)
        ));
    });
}

#[test]
fn a_charge_without_an_answer_is_lost_after_t3_and_never_repeated() {
    for framing in [Framing::Stream, Framing::LengthPrefixed] {
        let mut bench = Bench::registered(TerminalSettings { framing, ..TerminalSettings::standard() });
        bench.start(charge());
        assert_eq!(bench.said().len(), 1);
        bench.pass(Duration::from_millis(4999));
        assert!(bench.events().is_empty());
        bench.pass(Duration::from_millis(1));
        let lost = loss(&bench.events()[0]);
        assert_eq!((lost.sent, lost.cause), (Sent::MaybeSent, LossCause::NoAnswer));
        bench.pass(seconds(600));
        assert!(bench.said().is_empty());
    }
}

#[test]
fn on_a_serial_line_t3_runs_from_the_delivery() {
    let settings = TerminalSettings { framing: Framing::SerialCrc, ..TerminalSettings::standard() };
    let mut bench = Bench::registered(settings);
    bench.start(charge());
    // The bench delivers at once, so this is T3 after the link's own acknowledgement.
    bench.pass(seconds(5));
    assert_eq!(loss(&bench.events()[0]).cause, LossCause::NoAnswer);
}

#[test]
fn a_serial_line_that_answers_nothing_is_at_fault_after_its_repetitions() {
    let settings = TerminalSettings { framing: Framing::SerialCrc, ..TerminalSettings::standard() };
    let mut bench = Bench::registered(settings);
    bench.session.start(bench.at, charge()).unwrap();
    let frame = bench.session.output().to_vec();
    bench.session.written(frame.len());
    for _ in 0..3 {
        bench.at = bench.session.next_deadline().unwrap();
        bench.session.on_deadline(bench.at);
        assert_eq!(bench.session.output(), frame);
        bench.session.written(frame.len());
    }
    bench.at = bench.session.next_deadline().unwrap();
    bench.session.on_deadline(bench.at);
    let lost = loss(&bench.events()[0]);
    assert_eq!((lost.sent, lost.cause), (Sent::MaybeSent, LossCause::LineFault));
}

#[test]
fn a_silent_terminal_is_aborted_after_t4_and_then_given_up() {
    on_every_link(|settings| {
        let mut bench = Bench::charging(settings);
        bench.pass(Duration::from_millis(199_999));
        assert!(bench.said().is_empty());
        bench.pass(Duration::from_millis(1));
        assert_eq!(bench.said(), [ABORT]);
        bench.pass(seconds(30));
        let events = bench.events();
        assert_eq!(events[0], TerminalEvent::AbortRefused { code: None });
        let lost = loss(&events[1]);
        assert_eq!((lost.sent, lost.cause), (Sent::Acknowledged, LossCause::Silent));
    });
}

#[test]
fn every_message_of_the_terminal_starts_t4_again() {
    let mut bench = Bench::charging(TerminalSettings::standard());
    for _ in 0..5 {
        bench.pass(seconds(150));
        bench.tell("04 FF 01 0A");
    }
    assert!(bench.events().iter().all(|event| matches!(event, TerminalEvent::Intermediate(_))));
}

#[test]
fn an_approval_that_comes_after_our_own_abort_counts() {
    on_every_link(|settings| {
        let mut bench = Bench::charging(settings);
        bench.pass(seconds(200));
        assert_eq!(bench.said(), [ABORT]);
        bench.tell(APPROVED);
        assert!(result_of(&bench.events()[0]).approved);
        bench.session.accept_result(bench.at).unwrap();
        bench.settle();
        bench.tell(DONE);
        assert_eq!(bench.said(), [OK, OK]);
        assert!(bench.session.is_idle());
    });
}

#[test]
fn behind_an_accepted_approval_silence_is_a_loss_and_no_abort() {
    let mut bench = Bench::holding(TerminalSettings::standard());
    bench.session.accept_result(bench.at).unwrap();
    bench.settle();
    bench.said();
    bench.pass(seconds(200));
    assert!(bench.said().is_empty());
    let lost = loss(&bench.events()[0]);
    assert_eq!((lost.sent, lost.cause), (Sent::ResultAccepted, LossCause::Silent));
}

#[test]
fn a_terminal_that_never_asks_again_leaves_the_result_reported() {
    let mut bench = Bench::holding(TerminalSettings::standard());
    bench.pass(seconds(3));
    assert_eq!(bench.said(), [WAIT]);
    bench.pass(seconds(200));
    let lost = loss(&bench.events()[0]);
    assert_eq!((lost.sent, lost.cause), (Sent::ResultReported, LossCause::Silent));
    assert!(bench.said().is_empty());
}

#[test]
fn a_question_without_an_end_is_given_up_sooner() {
    let mut bench = Bench::registered(TerminalSettings::standard());
    bench.start(Command::RepeatReceipt);
    bench.tell(OK);
    bench.pass(seconds(30));
    assert!(matches!(bench.events().last(), Some(TerminalEvent::Lost(_))));
}

#[test]
fn a_cancel_nobody_answers_is_reported_and_the_charge_goes_on() {
    on_every_link(|settings| {
        let mut bench = Bench::charging(settings);
        bench.session.abort(bench.at).unwrap();
        bench.settle();
        bench.pass(seconds(5));
        assert_eq!(bench.events(), [TerminalEvent::AbortRefused { code: None }]);
        bench.tell(APPROVED);
        assert!(result_of(&bench.events()[0]).approved);
    });
}

#[test]
fn a_refused_registration_is_told_and_nothing_else_works() {
    for (messages, expected) in [(&["84 6F 00"][..], 0x6F), (&[OK, "06 1E 01 6F"], 0x6F), (&[WAIT], 0x9C)] {
        let mut bench = Bench::new(TerminalSettings::standard());
        bench.session.connected(bench.at);
        bench.settle();
        messages.iter().for_each(|message| bench.tell(message));
        assert_eq!(bench.events().last(), Some(&TerminalEvent::RegistrationRefused { code: expected }));
        assert!(matches!(bench.session.start(bench.at, charge()), Err(TerminalError::NotReady)));
    }
}

#[test]
fn a_charge_behind_a_refused_registration_is_refused_too() {
    let mut bench = Bench::registered(TerminalSettings::standard());
    bench.start(charge());
    bench.tell("84 6B 00");
    bench.tell("84 9C 00");
    assert_eq!(
        bench.events(),
        [
            TerminalEvent::RegistrationRefused { code: 0x9C },
            TerminalEvent::Refused { command: CommandKind::Charge, code: 0x9C },
        ]
    );
}

#[test]
fn a_banner_and_noise_between_messages_do_not_stop_a_charge() {
    let mut bench = Bench::new(TerminalSettings::standard());
    bench.session.on_bytes(bench.at, b"VER 2.09 APP");
    assert_eq!(bench.session.counters(), SessionCounters { garbage_bytes: 12, ..SessionCounters::default() });
    bench.connect();
    bench.start(charge());
    bench.tell(OK);
    bench.session.on_bytes(bench.at, &[0, 0, 0, 0x3E, b'V', b'E', b'R']);
    bench.tell(APPROVED);
    assert!(matches!(bench.events().last(), Some(TerminalEvent::Result(_))));
    assert_eq!(bench.session.counters().garbage_bytes, 19);
}

#[test]
fn an_end_behind_unreadable_bytes_proves_nothing() {
    // Half a result, whose container looks like an abort, and then the terminal's real end.
    let mut bench = Bench::charging(TerminalSettings::standard());
    bench.session.on_bytes(bench.at, &bytes("04 0F 30 27 00 06 1E 1F 45 04 01 02 03 04"));
    bench.pass(seconds(5));
    bench.tell("06 1E 01 6C");
    let unanswered = ResultAnswer::Unanswered;
    let end =
        TerminalEvent::Aborted { command: CommandKind::Charge, code: 0x6C, text: None, answer: unanswered };
    assert_eq!(bench.events(), [end]);
}

#[test]
fn noise_on_a_serial_line_is_repeated_and_an_end_stays_a_proof() {
    let settings = TerminalSettings { framing: Framing::SerialCrc, ..TerminalSettings::standard() };
    let mut bench = Bench::charging(settings);
    bench.session.on_bytes(bench.at, &bytes("55 AA 10 02 04 0F 02 27 00 10 03 00 00"));
    assert_eq!(bench.session.output(), [0x15]);
    bench.session.written(1);
    bench.tell("06 1E 01 6C");
    assert!(matches!(
        bench.events()[..],
        [TerminalEvent::Aborted { code: 0x6C, answer: ResultAnswer::NoResult, .. }]
    ));
}

#[test]
fn an_end_from_an_earlier_command_does_not_end_this_one() {
    on_every_link(|settings| {
        let mut bench = Bench::registered(settings);
        bench.start(charge());
        bench.said();
        bench.tell(DONE);
        bench.tell("06 1E 01 6C");
        assert_eq!(bench.said(), [OK, OK]);
        assert!(bench.events().is_empty());
        bench.tell(OK);
        assert_eq!(bench.events(), [TerminalEvent::Started(CommandKind::Charge)]);
        assert_eq!(bench.session.counters().stray_messages, 2);
    });
}

#[test]
fn nobody_hears_an_approval_after_contact_was_lost() {
    let mut bench = Bench::charging(TerminalSettings::standard());
    bench.session.link_lost(LossCause::LinkClosed);
    bench.events();
    bench.tell(APPROVED);
    assert!(bench.said().is_empty() && bench.events().is_empty());
    assert!(matches!(bench.session.accept_result(bench.at), Err(TerminalError::NothingToAnswer)));
}

/// What a hostile or broken peer, a hasty customer and time can do, in any order.
#[derive(Clone, Debug)]
enum Step {
    Bytes(Vec<u8>),
    Message(&'static str),
    Pass(u64),
    Charge,
    Reverse,
    Accept,
    Refuse,
    Abort,
    Connect,
    Lose,
}

fn step() -> impl Strategy<Value = Step> {
    let ordinary = [OK, APPROVED, ANOTHER, DECLINED, DONE, "04 FF 01 0A"];
    let strange = [
        WAIT,
        "84 6B 00",
        "84 83 00",
        "06 1E 01 6C",
        "06 1E 01 B4",
        "06 D1 03 00 61 62",
        "04 0F 00",
        "06 E0 00",
        "04 0F 02 27 00",
    ];
    prop_oneof![
        8 => prop::sample::select(ordinary.to_vec()).prop_map(Step::Message),
        2 => prop::sample::select(strange.to_vec()).prop_map(Step::Message),
        4 => Just(Step::Charge),
        1 => Just(Step::Reverse),
        2 => Just(Step::Accept),
        1 => Just(Step::Refuse),
        1 => Just(Step::Abort),
        1 => Just(Step::Connect),
        1 => Just(Step::Lose),
        1 => (1u64..250_000).prop_map(Step::Pass),
        1 => prop::collection::vec(any::<u8>(), 0..24).prop_map(Step::Bytes),
    ]
}

/// A session and what a careful observer knows about it.
struct Observed {
    bench: Bench,
    /// Approvals that were reported: their traces, or `None` for what could not be read.
    reported: Vec<Option<u32>>,
    /// Approvals the caller accepted.
    accepted: Vec<Option<u32>>,
    /// The goods of the running charge were refused, so a further result is its reversal.
    refused: bool,
    charges_wanted: usize,
    charges_sent: usize,
}

impl Observed {
    fn new(framing: Framing) -> Self {
        let settings = TerminalSettings { framing, ..TerminalSettings::standard() };
        let bench = Bench::registered(settings);
        Self { bench, reported: vec![], accepted: vec![], refused: false, charges_wanted: 0, charges_sent: 0 }
    }

    /// Does one step and gives the messages the till sent in it.
    fn act(&mut self, step: &Step) -> Vec<String> {
        let bench = &mut self.bench;
        match step {
            Step::Bytes(bytes) => {
                bench.session.on_bytes(bench.at, bytes);
                // Until noise is given up, the next message would be read as its rest.
                bench.settle();
                bench.pass(bench.session.settings.profile.timers.stall);
            }
            Step::Message(message) => bench.tell(message),
            Step::Pass(millis) => bench.pass(Duration::from_millis(*millis)),
            Step::Charge => {
                if bench.session.start(bench.at, charge()).is_ok() {
                    self.charges_wanted += 1;
                    self.refused = false;
                }
            }
            Step::Reverse => drop(bench.session.start(bench.at, reversal())),
            Step::Accept => {
                let waiting = waiting(&bench.session);
                if bench.session.accept_result(bench.at).is_ok() {
                    let waiting = waiting.expect("only what waits can be accepted");
                    assert!(self.reported.contains(&waiting), "{waiting:?} was never reported");
                    self.accepted.push(waiting);
                }
            }
            Step::Refuse => self.refused |= bench.session.refuse_goods(bench.at).is_ok(),
            Step::Abort => drop(bench.session.abort(bench.at)),
            Step::Connect => {
                bench.terminal =
                    Framer::new(bench.session.settings.framing, &bench.session.settings.profile.timers);
                bench.session.connected(bench.at);
            }
            Step::Lose => bench.session.link_lost(LossCause::LinkClosed),
        }
        bench.settle();
        let said = bench.said();
        self.charges_sent += said.iter().filter(|message| message.starts_with("06 01")).count();
        self.look();
        said
    }

    fn look(&mut self) {
        for event in self.bench.events() {
            match event {
                TerminalEvent::Result(result) | TerminalEvent::StrayResult(result) if result.approved => {
                    self.reported.push(result.trace);
                }
                TerminalEvent::UnclearResult => self.reported.push(None),
                TerminalEvent::HeldTooLong => self.refused = true,
                _ => {}
            }
        }
    }
}

/// The trace of the approval that waits for an answer.
fn waiting(session: &Session) -> Option<Option<u32>> {
    let (Phase::Working(job, _) | Phase::Asking(job, _)) = &session.phase else { return None };
    job.held.as_ref().map(|held| held.result.as_ref().and_then(|result| result.trace))
}

proptest! {
    /// Whatever happens: an approval is accepted on the wire only if the caller accepted it before, and a charge
    /// leaves at most once per wish, plus once for a terminal that had forgotten us.
    #[test]
    fn no_conversation_accepts_what_the_caller_did_not(
        steps in prop::collection::vec(step(), 1..80),
        serial: bool,
    ) {
        let mut observed = Observed::new(if serial { Framing::SerialCrc } else { Framing::Stream });
        for step in steps {
            let approval = match step {
                Step::Message(APPROVED) => Some(Some(975)),
                Step::Message(ANOTHER) => Some(Some(976)),
                Step::Message("04 0F 00" | "04 0F 02 27 00") => Some(None),
                _ => None,
            };
            let reversing = observed.bench.session.running() == Some(CommandKind::Reverse);
            let said = observed.act(&step);
            let took = said.iter().any(|message| message == OK);
            if let Some(trace) = approval
                && took
                && !reversing
                && !observed.refused
            {
                prop_assert!(observed.accepted.contains(&trace), "accepted {trace:?} by itself");
            }
        }
        prop_assert!(observed.charges_sent <= 2 * observed.charges_wanted);
    }
}
