//! The power goes at every moment of an update, and leaves what a disk may leave.
//!
//! An update is run on disks that write down every write and flush. Then, for every place in that log, the disks are
//! made as a power cut there may leave them, and the machine is switched on: it must come to the end that the update
//! has without a cut, without ever booting something that is no release.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

mod disk;
mod machine;

use disk::{after_cut, random};
use machine::{End, Machine, Mistake, NEW, OLD, Release, Turnout};
use ota::agent::{News, Reason};
use ota::build::{self, Effort};
use ota::chooser::Slot;
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};

const BLOCK: usize = 4096;

fn rng() -> TestRng {
    TestRng::deterministic_rng(RngAlgorithm::ChaCha)
}

fn release() -> Release {
    let mut rng = rng();
    let mut old = vec![0; 320 * BLOCK];
    rng.fill_bytes(&mut old[..300 * BLOCK]);
    let mut new = old.clone();
    // Moved, changed, zeroed and new blocks, over both MiB.
    new.copy_within(10 * BLOCK..60 * BLOCK, 13 * BLOCK);
    new[100 * BLOCK..120 * BLOCK].fill(0);
    for at in [0, 80, 90, 150, 200, 257, 290] {
        rng.fill_bytes(&mut new[at * BLOCK..at * BLOCK + 2000]);
    }
    rng.fill_bytes(&mut new[300 * BLOCK..315 * BLOCK]);
    let dir = tempfile::tempdir().unwrap();
    let effort = Effort { level: 3, threads: 1 };
    let make = |seed: Option<&dyn build::Image>, name: &str| {
        let path = dir.path().join(name);
        build::build(seed, &new, &path, effort).unwrap();
        std::fs::read(path).unwrap()
    };
    let (delta, full) = (make(Some(&old), "delta.kot"), make(None, "full.kot"));
    Release { old, new, delta, full }
}

/// What must hold at the end, whatever was cut.
fn check(machine: &Machine<'_>, end: &End, turnout: Turnout) -> Result<(), String> {
    let journal = &end.journal;
    let holds = |what: bool, name: &str| {
        if what { Ok(()) } else { Err(format!("{name}: {journal:?} {:?}", end.chooser)) }
    };
    let runs = if turnout == Turnout::Good { NEW } else { OLD };
    holds(end.place.release == runs && journal.confirmed == runs, "the release")?;
    holds(journal.home == end.place.slot, "its place")?;
    holds(end.chooser.primary() == end.place.slot && end.chooser.is_good(end.place.slot), "what boots next")?;
    holds(journal.under_way.is_none(), "an end")?;
    holds(journal.floor == if runs == NEW { NEW } else { 0 }, "the floor")?;
    holds(journal.bad.contains(&NEW) == (turnout != Turnout::Good), "never tried again")?;
    holds(end.place.slot == home(turnout), "the slot")?;
    holds(turnout != Turnout::Good || *machine.slot(Slot::A) == machine.release.old, "the way back")
}

fn home(turnout: Turnout) -> Slot {
    if turnout == Turnout::Good { Slot::B } else { Slot::A }
}

/// Cuts the power at every place of a whole update: how many cases there were, or the first that went wrong.
fn cut_everywhere(release: &Release, turnout: Turnout, mistake: Mistake) -> Result<usize, String> {
    let disks = Machine::disks(release);
    let mut whole = Machine::new(release, turnout, mistake, &disks, 0);
    let end = whole.run()?;
    check(&whole, &end, turnout)?;
    let log = whole.log.borrow().clone();
    let (mut cases, mut rng) = (0, rng());
    for cut in 0..=log.len() {
        for found in after_cut(&disks, &log, cut, &mut rng) {
            let mut machine = Machine::new(release, turnout, mistake, &found, 1000);
            let told = |why: String| format!("cut {cut} of {}: {why}; told {:?}", log.len(), whole.reports);
            let end = machine.run().map_err(told)?;
            check(&machine, &end, turnout).map_err(told)?;
            cases += 1;
        }
    }
    Ok(cases)
}

#[test]
fn an_update_that_is_cut_anywhere_comes_to_its_end() {
    let cases = cut_everywhere(&release(), Turnout::Good, Mistake::None).unwrap();
    assert!(cases > 200, "{cases}");
    println!("{cases} cases");
}

#[test]
fn a_release_that_does_not_boot_is_left_wherever_it_is_cut() {
    let cases = cut_everywhere(&release(), Turnout::DoesNotBoot, Mistake::None).unwrap();
    assert!(cases > 200, "{cases}");
    println!("{cases} cases");
}

#[test]
fn a_release_that_does_not_prove_itself_is_left_wherever_it_is_cut() {
    let cases = cut_everywhere(&release(), Turnout::FailsItsProof, Mistake::None).unwrap();
    assert!(cases > 200, "{cases}");
    println!("{cases} cases");
}

#[test]
fn two_cuts_in_one_update_end_as_well() {
    let release = release();
    let mut rng = rng();
    let disks = Machine::disks(&release);
    for turnout in [Turnout::Good, Turnout::DoesNotBoot, Turnout::FailsItsProof] {
        for _ in 0..300 {
            let (mut found, mut boots) = (disks.clone(), 0);
            for _ in 0..2 {
                let mut machine = Machine::new(&release, turnout, Mistake::None, &found, boots);
                machine.run().unwrap();
                let log = machine.log.borrow().clone();
                let cut = random(&mut rng, log.len() + 1);
                let mut ways = after_cut(&found, &log, cut, &mut rng);
                found = ways.swap_remove(random(&mut rng, ways.len()));
                boots += 1000;
            }
            let mut machine = Machine::new(&release, turnout, Mistake::None, &found, boots);
            let end = machine.run().unwrap();
            check(&machine, &end, turnout).unwrap();
        }
    }
}

#[test]
fn the_fleet_is_told_how_it_ended() {
    let release = release();
    for (turnout, news) in [
        (Turnout::Good, News::Confirmed),
        (Turnout::DoesNotBoot, News::RolledBack(Reason::BootFailed)),
        (Turnout::FailsItsProof, News::RolledBack(Reason::NoFrame)),
    ] {
        let mut machine = Machine::new(&release, turnout, Mistake::None, &Machine::disks(&release), 0);
        machine.run().unwrap();
        let told: Vec<News> = machine.reports.iter().map(|report| report.what).collect();
        assert!(told.contains(&news), "{told:?}");
    }
}

/// A rig that finds nothing proves nothing.
#[test]
fn planted_mistakes_are_found() {
    let release = release();
    for mistake in [
        Mistake::WatermarkBeforeData,
        Mistake::RowNotFlushed,
        Mistake::SwitchNotFlushed,
        Mistake::ConfirmedBeforeMarked,
    ] {
        let found = cut_everywhere(&release, Turnout::Good, mistake);
        assert!(found.is_err(), "{mistake:?} was not found in {found:?} cases");
        println!("{mistake:?}: {}", found.unwrap_err());
    }
}
