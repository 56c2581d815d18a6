//! Thresholds from the train side: one after the other to where they cost least, then a step stricter.

use voice::{Matcher, Thresholds};

use crate::engine::Recognised;
use crate::phrases::Phrase;
use crate::score::{Outcome, Reading, Tally, frame, outcome};

/// A draft that nobody ordered costs ten questions, a rejection three. A false accept is not to happen at all.
const WRONG: u32 = 10;
const REJECTED: u32 = 3;
const ASKED: u32 = 1;
const FALSE_ACCEPT: u32 = 1_000;

type Clip = (Phrase, Recognised);
type Knob = (&'static str, fn(&mut Thresholds, i32), &'static [i32]);

fn small(value: i32) -> u16 {
    u16::try_from(value).unwrap_or(0)
}

const KNOBS: &[Knob] = &[
    ("sure_llr", |t, v| t.sure_llr = v, &[-24, -22, -20, -18, -16, -14, -12, -10, -8, -6]),
    ("ask_llr", |t, v| t.ask_llr = v, &[-30, -28, -26, -24, -22, -20, -18, -16, -14, -12]),
    ("sure_conf_pm", |t, v| t.sure_conf_pm = small(v), &[600, 650, 700, 750, 800, 850, 900]),
    ("ask_conf_pm", |t, v| t.ask_conf_pm = small(v), &[500, 550, 600, 650, 700, 750]),
    ("sure_per_phone", |t, v| t.sure_per_phone = small(v), &[8, 10, 12, 15, 18]),
    ("sure_with_support", |t, v| t.sure_with_support = small(v), &[10, 15, 20, 25]),
    ("margin", |t, v| t.margin = small(v), &[4, 6, 8, 10, 12]),
    ("number_margin", |t, v| t.number_margin = small(v), &[6, 8, 10, 12, 16]),
    ("ask_per_phone", |t, v| t.ask_per_phone = small(v), &[22, 26, 30, 34, 38]),
    ("sure_coverage_pm", |t, v| t.sure_coverage_pm = small(v), &[700, 800, 900, 950]),
    ("ask_coverage_pm", |t, v| t.ask_coverage_pm = small(v), &[600, 650, 700, 750]),
    ("sure_garbage", |t, v| t.sure_garbage = small(v), &[0, 2, 3, 4, 6]),
];

fn cost(matcher: &Matcher, clips: &[Clip]) -> u32 {
    let mut tally = Tally::default();
    let mut false_accepts = 0;
    for (phrase, found) in clips {
        let outcome = outcome(&frame(matcher, found, Reading::Matcher), phrase);
        match &phrase.meaning {
            Some(_) => tally.add(outcome),
            None => false_accepts += u32::from(outcome == Outcome::Wrong),
        }
    }
    tally.wrong * WRONG + tally.rejected * REJECTED + tally.asked * ASKED + false_accepts * FALSE_ACCEPT
}

/// The thresholds that cost least on these clips, made stricter by a step.
pub(crate) fn derive(matcher: &mut Matcher, clips: &[Clip], corpus: String) -> Thresholds {
    let mut best = Thresholds { corpus, ..Thresholds::default() };
    matcher.set_thresholds(best.clone());
    let mut least = cost(matcher, clips);
    eprintln!("derive: {} clips, {least} to begin with", clips.len());
    for _round in 0..2 {
        for (name, set, values) in KNOBS {
            for value in *values {
                let mut tried = best.clone();
                set(&mut tried, *value);
                matcher.set_thresholds(tried.clone());
                let cost = cost(matcher, clips);
                if cost < least {
                    eprintln!("derive: {name} {value}: {cost}");
                    (best, least) = (tried, cost);
                }
            }
        }
    }
    best.sure_llr += 2;
    best.ask_llr += 2;
    best.sure_per_phone = best.sure_per_phone.saturating_sub(2);
    best.ask_per_phone = best.ask_per_phone.saturating_sub(2);
    matcher.set_thresholds(best.clone());
    best
}
