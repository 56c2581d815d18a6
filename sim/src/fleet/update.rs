//! How a simulated kiosk is updated: it reads the fleet's assignments and halts, loads for a while, waits for its turn,
//! starts anew, and tells how it went. It proves no signature and moves no byte; what releases do to it is planned.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::rng::Rng;

/// What kiosks run, and what releases do to them.
#[derive(Clone, Debug)]
pub struct Updates {
    /// Their model.
    pub model: String,
    /// The release that they run when they begin.
    pub running: u64,
    /// Releases that are no good.
    pub bad: Vec<Bad>,
    /// To load a release takes up to so long, to prove it as long again.
    pub within: Duration,
}

/// A release that is no good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bad {
    /// Its number.
    pub release: u64,
    /// So many of a hundred kiosks fail with it.
    pub percent: u64,
    /// What they say; `silent`: nothing, and they never come back.
    pub reason: String,
}

impl FromStr for Bad {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no RELEASE[:PERCENT[:REASON]], for example 43:20:no_frame");
        let mut parts = text.split(':');
        let release = parts.next().and_then(|it| it.parse().ok()).ok_or_else(wrong)?;
        let percent = parts.next().map_or(Ok(100), |it| it.parse().map_err(|_| wrong()))?;
        let reason = parts.next().unwrap_or("no_frame").to_owned();
        if parts.next().is_some() || percent > 100 || reason.is_empty() {
            return Err(wrong());
        }
        Ok(Self { release, percent, reason })
    }
}

/// A switch to a release, as the kiosk lived it.
#[derive(Clone, Debug, Serialize)]
pub struct Switch {
    /// To this one.
    pub release: u64,
    /// When its turn came, ms since 1970.
    pub from_ms: u64,
    /// When it had told how it went; never, if it is silent.
    pub to_ms: Option<u64>,
    /// Whether it runs the release now.
    pub good: bool,
}

/// A document of the fleet, as far as this kiosk looks at it.
#[derive(Deserialize)]
struct Document<T> {
    content: T,
}

#[derive(Deserialize)]
struct Assignment {
    campaign: String,
    r#gen: u64,
    action: String,
    #[serde(default)]
    release: u64,
    #[serde(default)]
    turn: bool,
}

#[derive(Deserialize)]
struct Halt {
    halted: Vec<String>,
}

/// What is under way.
#[derive(Clone, Debug)]
struct UnderWay {
    campaign: String,
    release: u64,
    step: &'static str,
    turn: bool,
}

/// What is to be done about an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Then {
    Nothing,
    /// Say how far it is.
    Say,
    /// Start anew, then say it.
    Restart,
    /// Never be heard of again.
    Die,
}

pub(crate) struct Update {
    plan: Updates,
    rng: Rng,
    running: u64,
    generation: u64,
    halted: Vec<String>,
    under_way: Option<UnderWay>,
    last: Value,
    bad: Vec<u64>,
    /// When the step that is under way ends.
    pub due: Option<Instant>,
    pub switches: Vec<Switch>,
}

impl Update {
    pub(crate) fn new(plan: Updates, seed: u64) -> Self {
        let running = plan.running;
        Self {
            plan,
            rng: Rng::from_seed(seed),
            running,
            generation: 0,
            halted: Vec::new(),
            under_way: None,
            last: Value::Null,
            bad: Vec::new(),
            due: None,
            switches: Vec::new(),
        }
    }

    /// The release that runs.
    pub(crate) fn running(&self) -> u64 {
        self.running
    }

    /// What the kiosk says of itself.
    pub(crate) fn state(&self) -> String {
        let mut state = json!({
            "v": 1, "model": self.plan.model, "running": self.running, "version": self.running.to_string(),
            "confirmed": self.running,
        });
        if let Some(it) = &self.under_way {
            state["under_way"] = json!({ "campaign": it.campaign, "release": it.release, "step": it.step });
        }
        if !self.last.is_null() {
            state["last"] = self.last.clone();
        }
        state.to_string()
    }

    /// The fleet wishes something, or nothing any more.
    pub(crate) fn wish(&mut self, payload: &[u8]) -> Then {
        let Ok(Document { content }) = serde_json::from_slice::<Document<Assignment>>(payload) else {
            return Then::Nothing;
        };
        if content.action == "cancel" {
            return self.give_up("cancelled");
        }
        if content.r#gen <= self.generation {
            let same = self.under_way.as_mut().filter(|it| it.campaign == content.campaign);
            if let Some(it) = same {
                it.turn |= content.turn;
            }
            return self.go_on();
        }
        if self.under_way.as_ref().is_some_and(|it| it.step == "trial_boot") {
            return Then::Nothing;
        }
        self.generation = content.r#gen;
        let Assignment { campaign, release, turn, .. } = content;
        let refused = if self.bad.contains(&release) { Some("bad_list") } else { None };
        if release == self.running || refused.is_some() {
            self.last = verdict(&campaign, release, refused.map_or("confirmed", |_| "rejected"), refused);
            return Then::Say;
        }
        self.under_way = Some(UnderWay { campaign, release, step: "downloading", turn });
        self.due = Some(Instant::now() + self.a_while());
        Then::Say
    }

    /// Campaigns that nobody goes on with.
    pub(crate) fn halt(&mut self, payload: &[u8]) -> Then {
        if let Ok(Document { content: Halt { halted } }) = serde_json::from_slice(payload) {
            self.halted = halted;
        }
        if self.is_halted() { self.give_up("halted") } else { Then::Nothing }
    }

    fn is_halted(&self) -> bool {
        self.under_way.as_ref().is_some_and(|it| self.halted.contains(&it.campaign))
    }

    fn give_up(&mut self, why: &str) -> Then {
        let Some(it) = self.under_way.take_if(|it| it.step != "trial_boot") else { return Then::Nothing };
        self.due = None;
        self.last = verdict(&it.campaign, it.release, "failed", Some(why));
        Then::Say
    }

    /// The step that was under way is over.
    pub(crate) fn step(&mut self) -> Then {
        self.due = None;
        match self.under_way.as_mut() {
            Some(it) if it.step == "downloading" => {
                it.step = "installed";
                if it.turn { self.go_on() } else { Then::Say }
            }
            Some(_) => self.prove(),
            None => Then::Nothing,
        }
    }

    /// Switches, if it is its turn.
    fn go_on(&mut self) -> Then {
        let halted = self.is_halted();
        let Some(it) = self.under_way.as_mut().filter(|it| it.turn && it.step == "installed" && !halted)
        else {
            return Then::Nothing;
        };
        it.step = "trial_boot";
        let switch = Switch { release: it.release, from_ms: now_ms(), to_ms: None, good: false };
        self.switches.push(switch);
        self.due = Some(Instant::now() + self.a_while());
        Then::Restart
    }

    fn prove(&mut self) -> Then {
        let Some(it) = self.under_way.take() else { return Then::Nothing };
        let bad = self.plan.bad.iter().find(|bad| bad.release == it.release).cloned();
        let fails = bad.filter(|bad| self.rng.below(100) < bad.percent);
        if let Some(bad) = fails {
            if bad.reason == "silent" {
                return Then::Die;
            }
            self.bad.push(it.release);
            self.last = verdict(&it.campaign, it.release, "rolled_back", Some(&bad.reason));
        } else {
            self.running = it.release;
            self.last = verdict(&it.campaign, it.release, "confirmed", None);
        }
        if let Some(switch) = self.switches.last_mut() {
            switch.to_ms = Some(now_ms());
            switch.good = self.running == it.release;
        }
        // Back to the old system is a start, too.
        if self.running == it.release { Then::Say } else { Then::Restart }
    }

    fn a_while(&mut self) -> Duration {
        let most = u64::try_from(self.plan.within.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.rng.below(most.saturating_add(1)))
    }
}

fn verdict(campaign: &str, release: u64, result: &str, reason: Option<&str>) -> Value {
    let mut verdict = json!({ "campaign": campaign, "release": release, "result": result, "at": now_ms() });
    if let Some(reason) = reason {
        verdict["reason"] = json!(reason);
    }
    verdict
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kiosk(bad: &[&str]) -> Update {
        let bad = bad.iter().map(|text| text.parse().unwrap()).collect();
        let plan = Updates { model: "alder".into(), running: 1, bad, within: Duration::ZERO };
        Update::new(plan, 7)
    }

    fn wish(generation: u64, release: u64, turn: bool) -> Vec<u8> {
        let content = json!({ "campaign": "c", "gen": generation, "action": "install", "release": release, "turn": turn });
        json!({ "content": content, "sig": [] }).to_string().into_bytes()
    }

    #[tokio::test]
    async fn it_switches_in_its_turn_and_not_before() {
        let mut kiosk = kiosk(&[]);
        assert_eq!((kiosk.wish(&wish(5, 2, false)), kiosk.step()), (Then::Say, Then::Say));
        assert!(kiosk.due.is_none() && kiosk.state().contains("installed"));
        assert_eq!((kiosk.wish(&wish(5, 2, true)), kiosk.step()), (Then::Restart, Then::Say));
        assert_eq!(kiosk.running(), 2, "a release that nobody called bad is good");
    }

    #[tokio::test]
    async fn a_bad_release_is_left_and_never_tried_again() {
        let mut kiosk = kiosk(&["2:100:store"]);
        kiosk.wish(&wish(5, 2, false));
        kiosk.step();
        assert!(kiosk.state().contains("installed") && kiosk.switches.is_empty());
        assert_eq!((kiosk.wish(&wish(5, 2, true)), kiosk.step()), (Then::Restart, Then::Restart));
        assert!(kiosk.state().contains("\"reason\":\"store\"") && kiosk.running() == 1);
        assert_eq!(kiosk.wish(&wish(6, 2, true)), Then::Say);
        assert!(kiosk.state().contains("bad_list"));
        assert_eq!(kiosk.wish(&wish(6, 3, true)), Then::Nothing, "heard before");
    }

    #[tokio::test]
    async fn a_halt_stops_it_before_the_switch_and_lets_it_finish_after() {
        let mut kiosk = kiosk(&[]);
        let halt = json!({ "content": { "halted": ["c"] }, "sig": [] }).to_string();
        kiosk.wish(&wish(5, 2, true));
        assert_eq!((kiosk.halt(halt.as_bytes()), kiosk.step()), (Then::Say, Then::Nothing));
        kiosk.halted.clear();
        kiosk.wish(&wish(6, 2, true));
        assert_eq!(kiosk.step(), Then::Restart);
        assert_eq!(
            (kiosk.halt(halt.as_bytes()), kiosk.step(), kiosk.running()),
            (Then::Nothing, Then::Say, 2)
        );
    }
}
