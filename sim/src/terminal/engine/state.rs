//! What a bystander sees: the display, and everything else as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use super::Engine;
use super::session::{Session, Stage, Wait};

/// The terminal's display.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Screen {
    tone: Tone,
    lines: Vec<String>,
    amount: Option<String>,
    /// Until then it stays; for ever without.
    #[serde(skip)]
    pub until: Option<Duration>,
}

/// How the display looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    Idle,
    Off,
    /// Wants something.
    Ask,
    Busy,
    Good,
    Bad,
}

impl Screen {
    pub fn idle() -> Self {
        Self { tone: Tone::Idle, lines: vec!["Welcome".to_owned()], amount: None, until: None }
    }

    pub fn off(until: Duration) -> Self {
        Self { tone: Tone::Off, lines: Vec::new(), amount: None, until: Some(until) }
    }

    /// Shows this until something else is shown.
    pub fn show(&mut self, tone: Tone, lines: &[&str], amount: Option<String>) {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        *self = Self { tone, lines, amount, until: None };
    }

    /// Nothing is going on any more: the last words stay a while.
    pub fn leave_soon(&mut self, until: Duration) {
        if self.tone != Tone::Idle && self.until.is_none() {
            self.until = Some(until);
        }
    }

    pub fn expire(&mut self, now: Duration) {
        if self.until.is_some_and(|until| until <= now) {
            *self = Self::idle();
        }
    }
}

impl Engine {
    /// Keys are stable: the panel and tests read them.
    pub fn state(&self) -> Value {
        let powered = self.screen_is_on();
        json!({
            "registered": self.till.is_some(),
            "mode": self.config.mode,
            "unanswered": self.config.unanswered,
            "card": self.card.word,
            "powered": powered,
            "phase": if powered { self.phase() } else { "off" },
            "attended": self.session.is_some(),
            "display": self.screen,
            "faults": self.faults.active(),
            "in_force": self.in_force(),
            "counters": self.counters,
            "ledger": self.book.state(),
        })
    }

    fn in_force(&self) -> Value {
        let mut in_force = json!(self.faults.in_force());
        in_force["mode"] = json!(self.config.mode);
        in_force["unanswered"] = json!(self.config.unanswered);
        in_force["card"] = self.card.word.into();
        in_force
    }

    fn screen_is_on(&self) -> bool {
        self.screen.tone != Tone::Off
    }

    /// What the terminal is doing, in a word.
    fn phase(&self) -> &'static str {
        let money = |session: &&Session| session.number().is_some();
        let session = self.session.as_ref().filter(money).or(self.orphan.as_ref());
        let Some(session) = session.or(self.session.as_ref()) else { return "idle" };
        match (session.wait, session.stage) {
            _ if session.number().is_none() => "service",
            (Wait::Card { .. }, _) => "card",
            (Wait::Pin { .. }, _) => "pin",
            (Wait::Verdict { .. }, _) => "result",
            (_, Stage::Before) => "starting",
            (_, Stage::Bank) => "bank",
            (_, Stage::After) => "ending",
        }
    }
}
