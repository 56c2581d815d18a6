//! Rollouts of a simulated fleet: a good release arrives everywhere, a bad one hurts few, and no shop stands still.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

use std::collections::{BTreeMap, BTreeSet};

use fleet::rollout::{Candidate, Decision, Halt, Phase, Plan, Rollout, State, freeze};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};

const MINUTE_S: i64 = 60;

/// A fleet, minute by minute.
struct Fleet {
    rollout: Rollout,
    rng: TestRng,
    now_s: i64,
    /// When a kiosk will have the release in its slot, and when it will say how it went.
    ready: BTreeMap<String, i64>,
    verdicts: BTreeMap<String, (i64, Result<(), String>)>,
    /// Probability that the release is no good on a kiosk.
    bad: f64,
    /// Of those, the share that is never heard of again.
    silent: f64,
    most_away: usize,
}

impl Fleet {
    fn new(sites: &[usize], bad: f64, silent: f64, seed: u8) -> Self {
        let candidates: Vec<Candidate> = sites
            .iter()
            .enumerate()
            .flat_map(|(site, kiosks)| (0..*kiosks).map(move |n| (site, n)))
            .map(|(site, n)| Candidate {
                kiosk: format!("s{site:03}.k{n:02}"),
                site: format!("s{site:03}"),
                canary: n == 0 && site % 20 == 0,
                works: true,
            })
            .collect();
        let plan = Plan::usual();
        let members = freeze(&plan, "spring", &candidates, 1);
        Self {
            rollout: Rollout::start(plan, members, 0),
            rng: TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]),
            now_s: 0,
            ready: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            bad,
            silent,
            most_away: 0,
        }
    }

    fn chance(&mut self) -> f64 {
        f64::from(self.rng.next_u32()) / f64::from(u32::MAX)
    }

    fn minutes(&mut self, most: i64) -> i64 {
        i64::from(self.rng.next_u32()) % most * MINUTE_S
    }

    fn minute(&mut self) {
        self.now_s += MINUTE_S;
        for (kiosk, at) in &self.ready {
            let member = self.rollout.members.get_mut(kiosk).unwrap();
            if *at <= self.now_s && member.phase == Phase::Assigned {
                member.phase = Phase::Ready;
            }
        }
        let due: Vec<_> = self.verdicts.extract_if(.., |_, (at, _)| *at <= self.now_s).collect();
        for (kiosk, (_, how)) in due {
            self.rollout.verdict(&kiosk, how.as_ref().map(|&()| ()).map_err(String::as_str), self.now_s);
        }
        let was_running = matches!(self.rollout.state, State::Running { .. });
        let mut turned = BTreeSet::new();
        for decision in self.rollout.tick(self.now_s) {
            match decision {
                Decision::Assign(kiosk) => {
                    let at = self.now_s + self.minutes(120);
                    self.ready.insert(kiosk, at);
                }
                Decision::Turn(kiosk) => {
                    turned.insert(self.rollout.members[&kiosk].site.clone());
                    let at = self.now_s + 2 * MINUTE_S + self.minutes(6);
                    let how = if self.chance() >= self.bad {
                        Ok(())
                    } else if self.chance() < self.silent {
                        continue;
                    } else {
                        let reasons = ["no_frame", "store", "crash_loop", "deadline", "peripheral_lost"];
                        let reason = reasons[usize::try_from(self.rng.next_u32()).unwrap() % reasons.len()];
                        Err(reason.to_owned())
                    };
                    self.verdicts.insert(kiosk, (at, how));
                }
                Decision::Silent(_) | Decision::NextWave(_) | Decision::Doubt(_) | Decision::Done => continue,
            }
            assert!(was_running, "nobody else is told or gets a turn");
        }
        self.check(&turned);
    }

    /// The limits, whenever somebody gets a turn.
    fn check(&mut self, turned: &BTreeSet<String>) {
        let mut sites: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
        for member in self.rollout.members.values() {
            let (kiosks, works, away) = sites.entry(&member.site).or_default();
            let is_away = matches!(member.phase, Phase::Switching { .. });
            *kiosks += 1;
            *works += usize::from(member.works || is_away);
            *away += usize::from(is_away);
        }
        let mut all = 0;
        for (site, (kiosks, works, away)) in sites {
            if turned.contains(site) {
                assert!(away <= (works / 4).max(1), "{site}: {away} of {works} are away");
                assert!(away < works || kiosks == 1, "{site} stands still");
            }
            all += away;
        }
        self.most_away = self.most_away.max(all);
    }

    fn run(&mut self, days: i64) {
        for _ in 0..days * 24 * 60 {
            self.minute();
            if !matches!(self.rollout.state, State::Running { .. }) && self.verdicts.is_empty() {
                break;
            }
        }
    }

    /// Kiosks that switched to it and do not run it.
    fn hurt(&self) -> usize {
        let hurt = |phase: Phase| matches!(phase, Phase::Bad | Phase::Switching { .. });
        self.rollout.members.values().filter(|it| hurt(it.phase)).count()
    }

    fn count(&self, phase: Phase) -> usize {
        self.rollout.members.values().filter(|it| it.phase == phase).count()
    }
}

const THOUSAND: [usize; 100] = [10; 100];

#[test]
fn a_good_release_comes_to_a_thousand_kiosks() {
    let mut fleet = Fleet::new(&THOUSAND, 0.0, 0.0, 1);
    fleet.run(30);
    assert_eq!((&fleet.rollout.state, fleet.count(Phase::Good)), (&State::Done, 1000));
}

#[test]
fn a_bad_release_hurts_a_handful_of_a_thousand_kiosks() {
    for (bad, most) in [(1.0, 12), (0.5, 15), (0.2, 25)] {
        for silent in [0.0, 0.5, 1.0] {
            for seed in 0..5 {
                let mut fleet = Fleet::new(&THOUSAND, bad, silent, seed);
                fleet.run(30);
                let (state, hurt) = (&fleet.rollout.state, fleet.hurt());
                let stands = matches!(state, State::Halted(_) | State::Paused { wave: 0 | 1 });
                assert!(stands, "{bad} {silent} {seed}: {state:?}");
                assert!(hurt <= most, "{bad} {silent} {seed}: {hurt} kiosks hurt");
                assert!(fleet.most_away <= 10, "{} at once while nothing is known", fleet.most_away);
            }
        }
    }
}

/// One bad one of five canaries is no proof, and no reason to go on either.
#[test]
fn a_wave_that_went_badly_waits_for_somebody_to_look() {
    let mut fleet = Fleet::new(&THOUSAND, 0.0, 0.0, 1);
    let canary = fleet.rollout.members.iter().find(|(_, it)| it.wave == 0).unwrap().0.clone();
    fleet.rollout.verdict(&canary, Err("store"), 0);
    fleet.run(3);
    assert_eq!((&fleet.rollout.state, fleet.count(Phase::Good)), (&State::Paused { wave: 0 }, 4));
    fleet.rollout.resume();
    fleet.run(30);
    assert_eq!((&fleet.rollout.state, fleet.count(Phase::Good)), (&State::Done, 999));
}

#[test]
fn the_same_failure_twice_among_the_first_halts() {
    let mut fleet = Fleet::new(&THOUSAND, 0.0, 0.0, 1);
    let mut kiosks: Vec<String> = fleet.rollout.members.keys().cloned().collect();
    let mut say = |how: Result<(), &str>| fleet.rollout.verdict(&kiosks.pop().unwrap(), how, 0);
    say(Err("no_frame"));
    say(Ok(()));
    say(Err("no_frame"));
    assert_eq!(fleet.rollout.state, State::Halted(Halt::SameReason("no_frame".to_owned())));
}

#[test]
fn kiosks_that_fail_now_and_then_for_reasons_of_their_own_halt_nothing() {
    let stopped = (0..8).filter(|seed| {
        let mut fleet = Fleet::new(&THOUSAND, 0.002, 0.2, *seed);
        fleet.run(40);
        fleet.rollout.state != State::Done
    });
    assert!(stopped.count() <= 1);
}

#[test]
fn a_pause_tells_nobody_and_a_halt_lets_those_on_their_way_finish() {
    let mut fleet = Fleet::new(&THOUSAND, 0.0, 0.0, 1);
    (0..90).for_each(|_| fleet.minute());
    fleet.rollout.pause();
    let told = fleet.count(Phase::Waiting);
    (0..600).for_each(|_| fleet.minute());
    assert_eq!((fleet.count(Phase::Waiting), fleet.most_away.min(10)), (told, fleet.most_away));
    fleet.rollout.resume();
    (0..30).for_each(|_| fleet.minute());
    let good = fleet.count(Phase::Good);
    fleet.rollout.halt(Halt::Operator("the till is wrong".into()));
    (0..60).for_each(|_| fleet.minute());
    assert!(fleet.count(Phase::Good) >= good && fleet.verdicts.is_empty());
    assert!(fleet.rollout.members.values().all(|it| !matches!(it.phase, Phase::Switching { .. })));
}

#[test]
fn a_site_without_a_line_is_no_failure_and_a_lone_kiosk_that_is_silent_is_one() {
    for (kiosks, line, bad) in [(3, true, 1), (3, false, 0), (1, false, 1)] {
        let mut fleet = Fleet::new(&[kiosks], 1.0, 1.0, 1);
        fleet.rollout.plan.waves = vec![fleet.rollout.plan.waves[3].clone()];
        fleet.rollout.members.values_mut().for_each(|it| it.wave = 0);
        while fleet.count(Phase::Waiting) + fleet.count(Phase::Assigned) + fleet.count(Phase::Ready) == kiosks
        {
            fleet.minute();
        }
        let away = |it: &&mut fleet::rollout::Member| matches!(it.phase, Phase::Switching { .. });
        fleet.rollout.members.values_mut().filter(|it| !away(it)).for_each(|it| it.works = line);
        (0..25).for_each(|_| fleet.minute());
        assert_eq!(fleet.count(Phase::Bad), bad, "{kiosks} kiosks, line {line}");
    }
}

#[test]
fn while_all_kiosks_are_away_a_release_nobody_has_tried_goes_to_no_further_wave() {
    let mut fleet = Fleet::new(&THOUSAND, 0.0, 0.0, 1);
    fleet.rollout.members.values_mut().for_each(|it| it.works = false);
    let started = fleet.rollout.state.clone();
    for day in 0..10 {
        fleet.rollout.tick(day * 24 * 60 * MINUTE_S);
    }
    assert_eq!((&fleet.rollout.state, fleet.count(Phase::Good)), (&started, 0));
}

#[test]
fn waves_hold_each_other_and_a_site_has_one_kiosk_in_the_first() {
    let fleet = Fleet::new(&THOUSAND, 0.0, 0.0, 1);
    let mut sizes = [0; 4];
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for member in fleet.rollout.members.values() {
        sizes[member.wave] += 1;
        *first.entry(&member.site).or_default() += usize::from(member.wave == 1);
    }
    assert_eq!((sizes[0], sizes.iter().sum::<usize>()), (5, 1000));
    assert!((40..=100).contains(&sizes[1]) && first.values().all(|n| *n <= 1), "{sizes:?}");
    let mut rollout = fleet.rollout;
    rollout.join("late", "s001");
    assert_eq!(rollout.members["late"].wave, 3, "whoever comes late comes last");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Any fleet, any release, kiosks that come and go: the limits hold at every minute (see `check`).
    #[test]
    fn limits_hold_whatever_happens(
        sites in prop::collection::vec(1..12_usize, 1..40),
        bad in 0.0..0.3_f64,
        silent in 0.0..1.0_f64,
        seed: u8,
        flips in prop::collection::vec((0..1000_usize, any::<bool>()), 0..60),
    ) {
        let mut fleet = Fleet::new(&sites, bad, silent, seed);
        for hour in 0..72 {
            for _ in 0..60 {
                fleet.minute();
            }
            if let Some((at, works)) = flips.get(hour) {
                let count = fleet.rollout.members.len();
                let member = fleet.rollout.members.values_mut().nth(at % count).unwrap();
                // Whoever is away is not seen to come or go.
                if !matches!(member.phase, Phase::Switching { .. }) {
                    member.works = *works;
                }
            }
            fleet.most_away = 0;
        }
    }
}
