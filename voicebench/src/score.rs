//! What became of each clip.

use voice::{Ask, Decision, Evidence, Matcher, OrderFrame, Transcript};

use crate::engine::Recognised;
use crate::phrases::Phrase;

/// What a customer got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The draft is what was said.
    Exact,
    /// The question has the right answer among its choices.
    Asked,
    /// A draft of something else.
    Wrong,
    /// "Please say it again", or a question that does not help.
    Rejected,
}

/// Whether the matcher repairs, or the words must be those of the menu.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reading {
    Matcher,
    Literal,
}

pub(crate) fn frame(matcher: &Matcher, found: &Recognised, reading: Reading) -> OrderFrame {
    let llr = if reading == Reading::Matcher { found.llr } else { None };
    let mut frame = matcher.hear(&Transcript::new(found.text.clone()), Evidence { llr });
    if reading == Reading::Literal {
        // Fillers cost five each; everything else has to be what the menu says.
        let is_said = !frame.acts.is_empty() && frame.cost <= 10 && frame.coverage_pm == 1_000;
        frame.decision =
            if is_said { Decision::Sure } else { Decision::Reject(voice::Reason::NotUnderstood) };
    }
    frame
}

pub(crate) fn outcome(frame: &OrderFrame, phrase: &Phrase) -> Outcome {
    let Some(meaning) = &phrase.meaning else {
        return if frame.decision == Decision::Sure { Outcome::Wrong } else { Outcome::Rejected };
    };
    let summary = frame.summary();
    match &frame.decision {
        Decision::Sure if summary == *meaning => Outcome::Exact,
        Decision::Sure => Outcome::Wrong,
        Decision::Ask(_) if summary == *meaning => Outcome::Asked,
        Decision::Ask(Ask::Item(choices)) => {
            let words: Vec<&str> = summary.split([' ', ';', '/']).collect();
            let named = choices.iter().any(|choice| words.contains(&choice.as_str()));
            let repaired = choices.iter().any(|choice| {
                choices.iter().any(|heard| summary.replace(heard.as_str(), choice.as_str()) == *meaning)
                    || (phrase.is_ambiguous && meaning.contains(choice.as_str()))
            });
            if named && repaired { Outcome::Asked } else { Outcome::Rejected }
        }
        Decision::Ask(Ask::Quantity(numbers)) => {
            let swapped =
                |from: &u32, to: &u32| summary.replacen(&from.to_string(), &to.to_string(), 1) == *meaning;
            let is_there = numbers.iter().any(|to| numbers.iter().any(|from| swapped(from, to)));
            if is_there { Outcome::Asked } else { Outcome::Rejected }
        }
        Decision::Ask(Ask::Reading) | Decision::Reject(_) => Outcome::Rejected,
    }
}

/// Counts of outcomes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) exact: u32,
    pub(crate) asked: u32,
    pub(crate) wrong: u32,
    pub(crate) rejected: u32,
}

impl Tally {
    pub(crate) fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Exact => self.exact += 1,
            Outcome::Asked => self.asked += 1,
            Outcome::Wrong => self.wrong += 1,
            Outcome::Rejected => self.rejected += 1,
        }
    }

    pub(crate) fn all(&self) -> u32 {
        self.exact + self.asked + self.wrong + self.rejected
    }

    /// In per cent.
    pub(crate) fn share(&self, of: u32) -> f64 {
        f64::from(of) * 100.0 / f64::from(self.all().max(1))
    }
}
