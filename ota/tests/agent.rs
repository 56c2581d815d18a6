//! The update's state machine, by its rules: each threat and each recovery by name, and every step against everything
//! that may come.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

use std::collections::BTreeSet;

use ota::agent::{
    ATTEMPTS_MAX, Action, Halt, Input, Journal, LOST_MAX, News, Place, Reason, Step, TRIAL_BOOTS_MAX, Wish,
};
use ota::chooser::Slot;

const NOW_S: i64 = 1_800_000_000;
const DAY_S: i64 = 86_400;

fn wish(generation: u64, release: u64) -> Wish {
    Wish { campaign: "spring".into(), generation, release }
}

fn halt(generation: u64, campaigns: &[&str]) -> Halt {
    Halt { generation, issued_s: NOW_S, campaigns: campaigns.iter().map(|it| (*it).to_owned()).collect() }
}

/// A kiosk that runs release 10 in A.
struct Kiosk {
    journal: Journal,
    place: Place,
    told: Vec<News>,
    boots: u32,
}

impl Kiosk {
    fn new() -> Self {
        let place = Place {
            boot: "boot 0".into(),
            slot: Slot::A,
            release: 10,
            good: true,
            primary: Slot::A,
            now_s: NOW_S,
        };
        let mut kiosk = Self { journal: Journal::new(&place), place, told: Vec::new(), boots: 0 };
        kiosk.take(&[Input::Started, Input::Halt(halt(1, &[]))]);
        kiosk
    }

    fn take(&mut self, inputs: &[Input]) {
        for input in inputs {
            let turn = self.journal.after(input, &self.place);
            // What is kept is what is read again after a restart.
            let row = serde_json::to_vec(&turn.journal).unwrap();
            self.journal = serde_json::from_slice(&row).unwrap();
            self.told.extend(turn.reports.iter().map(|report| report.what));
        }
    }

    fn action(&self) -> Action {
        self.journal.action(&self.place)
    }

    fn step(&self) -> Option<Step> {
        self.journal.under_way.as_ref().map(|it| it.step)
    }

    /// Brings an update to this step.
    fn at(step: Step) -> Self {
        let mut kiosk = Self::new();
        kiosk.take(&[Input::Wished(wish(1, 11))]);
        let way = [
            Input::Believed { floor: 11 },
            Input::Open,
            Input::Done,
            Input::Done,
            Input::Open,
            Input::Open,
            Input::Done,
        ];
        for input in way {
            if kiosk.step() == Some(step) {
                break;
            }
            kiosk.take(&[input]);
        }
        if step == Step::Leaving {
            kiosk.restart(Slot::B, Slot::B, false);
            kiosk.take(&[Input::Failed(Reason::NoFrame)]);
        }
        assert_eq!(kiosk.step(), Some(step));
        kiosk
    }

    /// Another boot.
    fn restart(&mut self, slot: Slot, primary: Slot, good: bool) {
        self.boots += 1;
        let release = if slot == Slot::A { 10 } else { 11 };
        let boot = format!("boot {}", self.boots);
        self.place = Place { boot, slot, release, good, primary, now_s: NOW_S };
        self.take(&[Input::Started]);
    }
}

const STEPS: [Step; 9] = [
    Step::Offered,
    Step::Gated,
    Step::Downloading,
    Step::Verifying,
    Step::Installed,
    Step::RebootGate,
    Step::Switching,
    Step::TrialBoot,
    Step::Leaving,
];

#[test]
fn an_update_goes_its_way_and_raises_the_floor_when_it_has_proven_itself() {
    let mut kiosk = Kiosk::at(Step::TrialBoot);
    assert_eq!(kiosk.action(), Action::Restart);
    assert_eq!(kiosk.journal.floor, 0, "not before the proof");
    kiosk.restart(Slot::B, Slot::B, false);
    assert_eq!(kiosk.action(), Action::Prove { boot: 1 });
    kiosk.take(&[Input::Proven]);
    assert_eq!((kiosk.journal.confirmed, kiosk.journal.home, kiosk.journal.floor), (11, Slot::B, 11));
    assert_eq!((kiosk.action(), kiosk.told.last()), (Action::Rest, Some(&News::Confirmed)));
}

#[test]
fn release_below_the_floor_is_refused_even_if_signed() {
    let mut kiosk = Kiosk::new();
    kiosk.journal.floor = 9;
    kiosk.take(&[Input::Wished(wish(1, 8))]);
    assert_eq!((kiosk.told.as_slice(), kiosk.step()), (&[News::Rejected(Reason::Floor)][..], None));
    kiosk.take(&[Input::Wished(wish(2, 9))]);
    assert_eq!(kiosk.step(), Some(Step::Offered), "down to the floor it may go");
}

#[test]
fn replayed_assignment_is_ignored() {
    let mut kiosk = Kiosk::at(Step::Downloading);
    kiosk.take(&[Input::Wished(wish(5, 12))]);
    let row = kiosk.journal.clone();
    kiosk.take(&[Input::Wished(wish(1, 11)), Input::Wished(wish(5, 12)), Input::Wished(wish(4, 13))]);
    assert_eq!(kiosk.journal, row);
}

#[test]
fn another_wish_for_the_same_release_goes_on_where_it_is() {
    let mut kiosk = Kiosk::at(Step::Downloading);
    kiosk.take(&[Input::Flushed(7), Input::Wished(wish(2, 11))]);
    assert_eq!(kiosk.action(), Action::Write { slot: Slot::B, from: 7 });
    kiosk.take(&[Input::Wished(wish(3, 12))]);
    assert_eq!(kiosk.action(), Action::Examine(wish(3, 12)));
    assert!(kiosk.told.contains(&News::Failed(Reason::Cancelled)));
}

#[test]
fn a_halt_stops_everything_up_to_the_switch_and_lets_a_trial_boot_finish() {
    for step in STEPS {
        for campaigns in [&["spring"][..], &["*"]] {
            let mut kiosk = Kiosk::at(step);
            let before = kiosk.action();
            kiosk.take(&[Input::Halt(halt(2, campaigns))]);
            let expected = if step < Step::Switching { Action::Rest } else { before.clone() };
            assert_eq!(kiosk.action(), expected, "{step:?}");
            kiosk.take(&[Input::Halt(halt(1, &[]))]);
            assert_eq!(kiosk.action(), expected, "an older document lifts nothing");
            kiosk.take(&[Input::Halt(halt(3, &["autumn"]))]);
            assert_eq!(kiosk.action(), before, "a newer one does");
        }
    }
}

#[test]
fn stale_halt_document_blocks_the_switch() {
    let mut kiosk = Kiosk::at(Step::RebootGate);
    kiosk.place.now_s += DAY_S + 1;
    assert_eq!(kiosk.action(), Action::Rest);
    kiosk.take(&[Input::Halt(Halt { generation: 2, issued_s: NOW_S + DAY_S, campaigns: BTreeSet::new() })]);
    assert_eq!(kiosk.action(), Action::AwaitGate);
}

#[test]
fn a_release_that_failed_here_is_never_tried_again() {
    let mut kiosk = Kiosk::at(Step::TrialBoot);
    kiosk.restart(Slot::A, Slot::A, true);
    assert_eq!(kiosk.told.last(), Some(&News::RolledBack(Reason::BootFailed)));
    for generation in 2..5 {
        let campaign = format!("again {generation}");
        kiosk.take(&[Input::Wished(Wish { campaign, generation, release: 11 })]);
        assert_eq!((kiosk.told.last(), kiosk.step()), (Some(&News::Rejected(Reason::BadList)), None));
    }
    kiosk.take(&[Input::Wished(wish(9, 12))]);
    assert_eq!(kiosk.step(), Some(Step::Offered), "the next one may");
}

#[test]
fn attempts_without_a_verdict_are_bounded_and_another_campaign_may_try_again() {
    let mut kiosk = Kiosk::at(Step::Downloading);
    for attempt in 1..=ATTEMPTS_MAX {
        assert_eq!(kiosk.step(), Some(Step::Downloading), "attempt {attempt}");
        kiosk.take(&[Input::Flushed(9), Input::Failed(Reason::Source), Input::Open]);
    }
    assert_eq!((kiosk.told.last(), kiosk.step()), (Some(&News::Failed(Reason::GaveUp)), None));
    kiosk.take(&[Input::Wished(wish(2, 11))]);
    assert_eq!((kiosk.told.last(), kiosk.step()), (Some(&News::Rejected(Reason::GaveUp)), None));
    kiosk.take(&[Input::Wished(Wish { campaign: "summer".into(), generation: 3, release: 11 })]);
    assert_eq!(kiosk.step(), Some(Step::Offered));
}

#[test]
fn what_kills_its_writer_for_ever_is_never_tried_again_and_what_gets_further_is() {
    let mut kiosk = Kiosk::at(Step::Downloading);
    for done in 1..100 {
        kiosk.take(&vec![Input::Lost; usize::from(LOST_MAX) - 1]);
        kiosk.take(&[Input::Flushed(done)]);
    }
    assert_eq!(kiosk.step(), Some(Step::Downloading));
    kiosk.take(&[Input::Lost, Input::Flushed(7)]);
    kiosk.take(&vec![Input::Lost; usize::from(LOST_MAX) - 1]);
    assert_eq!((kiosk.action(), kiosk.told.last()), (Action::Rest, Some(&News::Failed(Reason::CrashLoop))));
    kiosk.take(&[Input::Wished(Wish { campaign: "autumn".into(), ..wish(2, 11) })]);
    assert_eq!(kiosk.told.last(), Some(&News::Rejected(Reason::BadList)));
}

#[test]
fn what_changes_its_step_for_ever_is_given_up() {
    let mut kiosk = Kiosk::at(Step::Installed);
    for _ in 0..60 {
        kiosk.restart(Slot::A, Slot::A, true);
        kiosk.take(&[Input::Done]);
    }
    assert!(kiosk.told.contains(&News::Failed(Reason::Loop)));
    assert_eq!(kiosk.step(), None);
}

#[test]
fn a_wish_is_taken_back_up_to_the_switch() {
    for step in STEPS {
        let mut kiosk = Kiosk::at(step);
        kiosk.take(&[Input::Withdrawn(1)]);
        assert_eq!(kiosk.step().is_none(), step < Step::Switching, "{step:?}");
    }
}

#[test]
fn a_new_system_has_three_boots_to_prove_itself_and_leaves_after_them() {
    let mut kiosk = Kiosk::at(Step::TrialBoot);
    for boot in 1..=TRIAL_BOOTS_MAX {
        kiosk.restart(Slot::B, Slot::B, false);
        assert_eq!(kiosk.action(), Action::Prove { boot });
    }
    kiosk.restart(Slot::B, Slot::B, false);
    assert_eq!(kiosk.action(), Action::Leave(Slot::B));
    kiosk.restart(Slot::B, Slot::B, false);
    assert_eq!(kiosk.action(), Action::Leave(Slot::B), "the power went before the chooser was told");
    kiosk.restart(Slot::A, Slot::A, true);
    assert_eq!((kiosk.action(), kiosk.journal.confirmed), (Action::Rest, 10));
    let rolled = |news: &&News| matches!(news, News::RolledBack(_));
    assert_eq!(kiosk.told.iter().filter(rolled).count(), 1, "told once: {:?}", kiosk.told);
}

/// The table of recoveries: journal, what is running, what the chooser says.
#[test]
fn a_start_believes_what_runs_and_what_the_chooser_says() {
    let cases = [
        // While it was written, read back or waited for: from there, the slot is proven again.
        (Step::Downloading, false, Slot::A, Slot::A, true, Some(Step::Downloading)),
        (Step::Installed, false, Slot::A, Slot::A, true, Some(Step::Verifying)),
        (Step::RebootGate, false, Slot::A, Slot::A, true, Some(Step::Verifying)),
        // The program ended, not the machine.
        (Step::Switching, true, Slot::A, Slot::B, true, Some(Step::TrialBoot)),
        (Step::Switching, true, Slot::A, Slot::A, true, Some(Step::Installed)),
        (Step::TrialBoot, true, Slot::A, Slot::B, true, Some(Step::TrialBoot)),
        (Step::TrialBoot, true, Slot::A, Slot::A, true, Some(Step::Installed)),
        // A lost switch and a boot that failed are told apart by our own row alone.
        (Step::Switching, false, Slot::A, Slot::A, true, Some(Step::Installed)),
        (Step::TrialBoot, false, Slot::A, Slot::A, true, None),
        // It runs.
        (Step::Switching, false, Slot::B, Slot::B, false, Some(Step::TrialBoot)),
        (Step::TrialBoot, false, Slot::B, Slot::B, false, Some(Step::TrialBoot)),
        (Step::RebootGate, false, Slot::B, Slot::B, false, Some(Step::TrialBoot)),
        // Cut between the mark and the row.
        (Step::TrialBoot, false, Slot::B, Slot::B, true, None),
    ];
    for (step, same_boot, slot, primary, good, expected) in cases {
        let mut kiosk = Kiosk::at(step);
        if same_boot {
            kiosk.place = Place { slot, primary, good, ..kiosk.place.clone() };
            kiosk.take(&[Input::Started]);
        } else {
            kiosk.restart(slot, primary, good);
        }
        assert_eq!(
            kiosk.step(),
            expected,
            "{step:?}, same boot {same_boot}, runs {slot:?}, next {primary:?}"
        );
    }
}

#[test]
fn a_confirmed_release_that_falls_back_is_told_and_not_tried_again() {
    let mut kiosk = Kiosk::at(Step::TrialBoot);
    kiosk.restart(Slot::B, Slot::B, true);
    assert_eq!(kiosk.journal.confirmed, 11);
    kiosk.restart(Slot::A, Slot::A, true);
    assert_eq!(kiosk.told.last(), Some(&News::RolledBack(Reason::FallbackAfterConfirm)));
    assert_eq!((kiosk.journal.confirmed, kiosk.journal.home), (10, Slot::A));
    assert!(kiosk.journal.bad.contains(&11) && kiosk.journal.floor == 11, "the floor stays");
}

#[test]
fn a_journal_of_another_life_believes_what_runs_and_touches_nothing() {
    let mut kiosk = Kiosk::at(Step::Downloading);
    kiosk.place = Place { slot: Slot::B, release: 44, primary: Slot::B, boot: "other".into(), ..kiosk.place };
    kiosk.take(&[Input::Started]);
    assert_eq!((kiosk.action(), kiosk.journal.confirmed), (Action::Rest, 44));
    assert_eq!(kiosk.told.last(), Some(&News::Failed(Reason::JournalLost)));
}

#[test]
fn what_somebody_brings_goes_before_the_fleets_wish_and_that_comes_after_it() {
    let mut kiosk = Kiosk::at(Step::Downloading);
    let generation = kiosk.journal.generation;
    kiosk.take(&[Input::Brought(12)]);
    assert!(kiosk.told.contains(&News::Failed(Reason::Cancelled)));
    assert!(matches!(kiosk.action(), Action::Examine(wish) if wish.is_by_hand() && wish.release == 12));
    // The fleet says its wish again and again, and takes it back; whoever stands there goes on.
    kiosk.take(&[Input::Wished(wish(generation + 1, 11)), Input::Withdrawn(generation + 1)]);
    kiosk.take(&[Input::Believed { floor: 0 }, Input::Open]);
    assert_eq!(kiosk.action(), Action::Write { slot: Slot::B, from: 0 });
    // A stick that is no good is no three attempts: somebody is there to hear it.
    kiosk.take(&[Input::Failed(Reason::Source)]);
    assert_eq!((kiosk.action(), kiosk.told.last()), (Action::Rest, Some(&News::Failed(Reason::Source))));
    kiosk.take(&[Input::Wished(wish(generation + 1, 11))]);
    assert!(matches!(kiosk.action(), Action::Examine(wish) if wish.release == 11 && !wish.is_by_hand()));
}

#[test]
fn what_somebody_brings_switches_without_a_word_of_the_fleet_but_not_against_it() {
    let mut kiosk = Kiosk::new();
    kiosk.place.now_s = NOW_S + 10 * DAY_S;
    let way = [
        Input::Brought(11),
        Input::Believed { floor: 0 },
        Input::Open,
        Input::Done,
        Input::Done,
        Input::Open,
    ];
    kiosk.take(&way);
    assert_eq!((kiosk.step(), kiosk.action()), (Some(Step::RebootGate), Action::AwaitGate));
    kiosk.take(&[Input::Halt(halt(7, &["*"]))]);
    assert_eq!(kiosk.action(), Action::Rest);
}

#[test]
fn a_person_brings_nothing_that_is_older_below_the_floor_or_has_failed_here() {
    for (release, bad) in [(9, 99), (11, 11)] {
        let mut kiosk = Kiosk::new();
        kiosk.journal.bad.insert(bad);
        kiosk.take(&[Input::Brought(release)]);
        assert!(
            matches!(kiosk.told.last(), Some(News::Rejected(Reason::Floor | Reason::BadList))),
            "{release}"
        );
        assert_eq!(kiosk.action(), Action::Rest);
    }
    let mut kiosk = Kiosk::at(Step::TrialBoot);
    let before = kiosk.journal.clone();
    kiosk.take(&[Input::Brought(12)]);
    assert_eq!(kiosk.journal, before, "what has switched comes to its end");
}

#[test]
fn whoever_holds_updates_at_the_kiosk_stops_them_up_to_the_switch() {
    for step in STEPS {
        let mut kiosk = Kiosk::at(step);
        let before = kiosk.action();
        kiosk.take(&[Input::Held(Some("anna".into()))]);
        assert_eq!(kiosk.action() == Action::Rest, step < Step::Switching, "{step:?}");
        kiosk.take(&[Input::Held(None)]);
        assert_eq!(kiosk.action(), before, "{step:?}");
    }
}

/// Every step against everything that may come, also late, twice, and in the wrong place.
#[test]
fn no_input_in_any_step_breaks_a_promise() {
    let inputs = [
        Input::Started,
        Input::Halt(halt(7, &["*"])),
        Input::Wished(wish(2, 11)),
        Input::Wished(wish(2, 12)),
        Input::Wished(wish(2, 3)),
        Input::Withdrawn(9),
        Input::Brought(12),
        Input::Brought(3),
        Input::Held(Some("anna".into())),
        Input::Believed { floor: 11 },
        Input::Open,
        Input::Flushed(3),
        Input::Done,
        Input::Failed(Reason::Io),
        Input::Lost,
        Input::Proven,
    ];
    let places = [
        (Slot::A, Slot::A, true),
        (Slot::A, Slot::B, true),
        (Slot::B, Slot::B, false),
        (Slot::B, Slot::B, true),
    ];
    for step in STEPS {
        for (slot, primary, good) in places {
            for first in &inputs {
                for second in &inputs {
                    let mut kiosk = Kiosk::at(step);
                    let release = if slot == Slot::A { 10 } else { 11 };
                    kiosk.place = Place { slot, primary, good, release, ..kiosk.place };
                    for input in [first, second] {
                        let before = kiosk.journal.clone();
                        kiosk.take(std::slice::from_ref(input));
                        let (after, case) =
                            (&kiosk.journal, format!("{step:?} {slot:?} {first:?} {second:?}"));
                        assert!(after.floor >= before.floor, "{case}: the floor goes back");
                        assert!(after.bad.is_superset(&before.bad), "{case}: a bad release is forgotten");
                        assert!(after.halt.generation >= before.halt.generation, "{case}: an older halt");
                        assert!(after.generation >= before.generation, "{case}: an older wish");
                        let proven = *input == Input::Proven || *input == Input::Started;
                        assert!(
                            after.confirmed == before.confirmed || proven,
                            "{case}: nobody has proven it"
                        );
                        let writes_running = match kiosk.action() {
                            Action::Write { slot: to, .. } | Action::Switch(to) => to == kiosk.place.slot,
                            Action::Leave(from) => from != kiosk.place.slot,
                            _ => false,
                        };
                        assert!(!writes_running || *input != Input::Started, "{case}: the running slot");
                    }
                }
            }
        }
    }
}
