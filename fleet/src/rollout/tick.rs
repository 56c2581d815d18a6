//! What is to be done next.

use std::collections::BTreeMap;

use super::statistics::Sequential;
use super::{Member, Phase, Plan, Rollout, State};

/// Something to be done, in this order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Tell a kiosk of the release.
    Assign(String),
    /// Give a kiosk its turn to switch.
    Turn(String),
    /// A kiosk has been silent for too long after its switch: it counts as failed.
    Silent(String),
    /// Admit the next wave.
    NextWave(usize),
    /// A wave is over and too few of it went well for the next one, too few for a halt: somebody has to look.
    Doubt(usize),
    /// Everybody who can have it has it.
    Done,
}

/// Of a site: how many kiosks it has, how many of them work, and how many are away.
#[derive(Clone, Copy, Default)]
struct Shop {
    kiosks: usize,
    works: usize,
    away: usize,
}

impl Shop {
    fn has_room(self, plan: &Plan) -> bool {
        let most = (self.works * plan.site_percent / 100).max(1);
        // Never the last one that works, unless the site has no other.
        let spare = if self.kiosks == 1 { 1 } else { self.works.saturating_sub(1) };
        self.away < most.min(spare)
    }

    /// If none of the others is heard either, it is the site's line that is down.
    fn is_heard(self) -> bool {
        self.kiosks == self.away || self.works > self.away
    }
}

impl Rollout {
    /// What is to be done now; it is done, as far as this state goes.
    pub fn tick(&mut self, now_s: i64) -> Vec<Decision> {
        // Whoever has its turn is waited for, also after a halt.
        let mut decisions = self.wait(now_s);
        if let State::Running { wave } = self.state {
            let wave = self.advance(wave, now_s, &mut decisions);
            self.admit(wave, now_s, &mut decisions);
        }
        decisions
    }

    /// What is to be done where nothing may go on: who has its turn and says nothing for too long has failed.
    pub fn wait(&mut self, now_s: i64) -> Vec<Decision> {
        let shops = self.shops();
        let silent: Vec<String> = self
            .members
            .iter()
            .filter(|(_, it)| match it.phase {
                Phase::Switching { since_s } => {
                    now_s - since_s > self.plan.silence_s
                        && shops.get(&it.site).is_some_and(|shop| shop.is_heard())
                }
                _ => false,
            })
            .map(|(kiosk, _)| kiosk.clone())
            .collect();
        for kiosk in &silent {
            self.verdict(kiosk, Err("silent"), now_s);
        }
        silent.into_iter().map(Decision::Silent).collect()
    }

    /// The wave that is admitted now.
    fn advance(&mut self, wave: usize, now_s: i64, decisions: &mut Vec<Decision>) -> usize {
        if !self.is_over(wave, now_s) {
            return wave;
        }
        if !self.is_good_enough(wave) && self.accepted != Some(wave) {
            self.state = State::Paused { wave };
            decisions.push(Decision::Doubt(wave));
            return wave;
        }
        let next = wave + 1;
        if next >= self.plan.waves.len() {
            self.state = State::Done;
            decisions.push(Decision::Done);
            return wave;
        }
        if self.test.passes() {
            self.test = Sequential::default();
        }
        self.state = State::Running { wave: next };
        decisions.push(Decision::NextWave(next));
        next
    }

    /// Whether a wave and those before it have their verdicts and were watched for long enough.
    fn is_over(&self, wave: usize, now_s: i64) -> bool {
        let admitted = |which: fn(&Member) -> bool| self.count(|it| it.wave <= wave && which(it));
        let verdicts = admitted(|it| it.phase.is_verdict());
        let reachable = admitted(|it| it.works || it.phase.is_verdict());
        // After the last wave nobody asks again for those that are late.
        let is_last = wave + 1 >= self.plan.waves.len();
        let reported_percent = if is_last { 100 } else { self.plan.reported_percent };
        admitted(is_away) == 0
            // Where all are away nobody has tried it.
            && (verdicts > 0 || admitted(|_| true) == 0)
            && is_percent(verdicts, reachable, reported_percent)
            // Of a wave without kiosks there is nothing to watch.
            && (self.count(|it| it.wave == wave) == 0 || now_s - self.last_verdict_s >= self.plan.soak_s)
    }

    fn is_good_enough(&self, wave: usize) -> bool {
        let good = self.count(|it| it.wave <= wave && it.phase == Phase::Good);
        let verdicts = self.count(|it| it.wave <= wave && it.phase.is_verdict());
        is_percent(good, verdicts, self.plan.good_percent)
    }

    fn admit(&mut self, wave: usize, now_s: i64, decisions: &mut Vec<Decision>) {
        let Some(pace) = self.plan.waves.get(wave).map(|wave| wave.pace) else { return };
        let mut shops = self.shops();
        let mut away = self.count(is_away);
        for (kiosk, member) in self.members.iter_mut().filter(|(_, it)| it.wave <= wave) {
            match member.phase {
                Phase::Waiting => {
                    member.phase = Phase::Assigned;
                    decisions.push(Decision::Assign(kiosk.clone()));
                }
                Phase::Ready if away < pace => {
                    let shop = shops.entry(member.site.clone()).or_default();
                    if shop.has_room(&self.plan) {
                        shop.away += 1;
                        away += 1;
                        member.phase = Phase::Switching { since_s: now_s };
                        decisions.push(Decision::Turn(kiosk.clone()));
                    }
                }
                _ => {}
            }
        }
    }

    fn shops(&self) -> BTreeMap<String, Shop> {
        let mut shops: BTreeMap<String, Shop> = BTreeMap::new();
        for member in self.members.values() {
            let shop = shops.entry(member.site.clone()).or_default();
            let away = is_away(member);
            shop.kiosks += 1;
            // One that is away comes back: it counts as working.
            shop.works += usize::from(member.works || away);
            shop.away += usize::from(away);
        }
        shops
    }
}

fn is_away(member: &Member) -> bool {
    matches!(member.phase, Phase::Switching { .. })
}

/// Whether a part is at least so many percent; of nothing, everything is.
fn is_percent(part: usize, whole: usize, percent: usize) -> bool {
    part * 100 >= whole * percent
}
