//! The terminal between payments: its day, its absence, its return.

use domain::Effect;
use domain::effect::TerminalEffect;
use domain::input::{Action, LastAnswer, TerminalInput};
use domain::kiosk::Refusal;
use domain::payment::PaymentState;

use crate::world::{World, is_query};

#[test]
fn the_terminals_day_is_closed_only_when_it_is_idle_and_its_memory_is_asked_for_again() {
    let mut w = World::open();
    w.sending();
    w.staff(Action::EndOfDay);
    assert_eq!(w.refusal, Some(Refusal::TerminalBusy));
    w.approve();
    let payment = w.payment_id();
    w.terminal(TerminalInput::Completed { payment });
    w.take_effects();
    w.staff(Action::EndOfDay);
    assert_eq!(w.refusal, None);
    let effects = w.take_effects();
    let asked: Vec<_> = effects.iter().filter(|e| matches!(e, Effect::Terminal(_))).collect();
    assert!(
        matches!(
            asked[..],
            [Effect::Terminal(TerminalEffect::EndOfDay), Effect::Terminal(TerminalEffect::QueryLast { .. })]
        ),
        "{asked:?}"
    );
}

#[test]
fn a_terminal_that_comes_back_without_a_word_about_its_last_transaction_is_asked_and_then_used() {
    for silent in [LastAnswer::Busy, LastAnswer::NoAnswer] {
        let mut w = World::open();
        w.terminal(TerminalInput::Down { why: "unplugged".into() });
        w.take_effects();
        w.terminal(TerminalInput::Ready { last: silent });
        w.pass(2_000);
        assert!(w.take_effects().iter().any(is_query));
        w.answer(LastAnswer::Empty);
        w.sending();
        assert_eq!(*w.state(), PaymentState::Sending);
    }
}
