//! A machine: a loader, two slots, the journal, the chooser, and the agent that updates it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use ota::agent::{Action, Halt, Input, Journal, Place, Reason, Report, Wish};
use ota::apply::{self, Source};
use ota::block::{BlockDev as _, Tail};
use ota::chooser::{Chooser, Slot};
use ota::kot::Head;
use ota::record::Record;

use super::disk::{Disk, Entry, Log};

pub(crate) const OLD: u64 = 1;
pub(crate) const NEW: u64 = 2;
const NOW_S: i64 = 1_800_000_000;
const JOURNAL: usize = 2;
const CHOOSER: usize = 3;

/// The images and how to come from one to the other.
pub(crate) struct Release {
    pub(crate) old: Vec<u8>,
    pub(crate) new: Vec<u8>,
    pub(crate) delta: Vec<u8>,
    pub(crate) full: Vec<u8>,
}

/// How the new system turns out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turnout {
    Good,
    DoesNotBoot,
    FailsItsProof,
}

/// Mistakes that the rig has to find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mistake {
    None,
    /// The watermark is written down before what it says is flushed, and nobody reads the slot back.
    WatermarkBeforeData,
    /// The journal is not flushed.
    RowNotFlushed,
    /// The chooser is not flushed.
    SwitchNotFlushed,
    /// It is written down that the release is confirmed before the chooser knows.
    ConfirmedBeforeMarked,
}

pub(crate) struct Machine<'a> {
    pub(crate) release: &'a Release,
    turnout: Turnout,
    mistake: Mistake,
    disks: Vec<Disk>,
    pub(crate) log: Log,
    boots: u64,
    pub(crate) reports: Vec<Report>,
}

/// How it ends.
pub(crate) struct End {
    pub(crate) place: Place,
    pub(crate) journal: Journal,
    pub(crate) chooser: Chooser,
}

impl<'a> Machine<'a> {
    /// The disks as they leave the works: the old release in A.
    pub(crate) fn disks(release: &Release) -> Vec<Vec<u8>> {
        vec![release.old.clone(), vec![0xEE; release.new.len()], vec![0; 8192], vec![0; 1024]]
    }

    pub(crate) fn new(
        release: &'a Release,
        turnout: Turnout,
        mistake: Mistake,
        disks: &[Vec<u8>],
        boots: u64,
    ) -> Self {
        let log = Log::new(RefCell::default());
        let disk =
            |(number, bytes): (usize, &Vec<u8>)| Disk { number, bytes: bytes.clone(), log: Rc::clone(&log) };
        let disks = disks.iter().enumerate().map(disk).collect();
        Self { release, turnout, mistake, disks, log, boots, reports: Vec::new() }
    }

    pub(crate) fn slot(&self, slot: Slot) -> &[u8] {
        &self.disks[slot as usize].bytes
    }

    /// Runs until there is nothing left to do.
    ///
    /// # Errors
    /// The loader takes a slot with something in it that is no release, or it never ends.
    pub(crate) fn run(&mut self) -> Result<End, String> {
        for _ in 0..20 {
            self.boots += 1;
            let slot = self.load();
            let bytes = self.slot(slot);
            let release = match bytes {
                _ if *bytes == self.release.old => OLD,
                _ if *bytes == self.release.new => NEW,
                _ => return Err(format!("{slot:?} is booted and holds no release")),
            };
            let comes_up = release == OLD || self.turnout != Turnout::DoesNotBoot;
            if comes_up && let Some(end) = self.agent(slot, release)? {
                return Ok(end);
            }
            // An orderly restart writes out everything.
            self.disks.iter_mut().for_each(|disk| disk.flush().unwrap());
        }
        Err("it restarts for ever".to_owned())
    }

    fn load(&mut self) -> Slot {
        let mut chooser = self.chooser();
        let before = chooser.clone();
        let slot = chooser.boot();
        if chooser != before {
            self.choose(&chooser);
        }
        slot
    }

    fn chooser(&mut self) -> Chooser {
        Chooser::read(&mut self.disks[CHOOSER]).unwrap()
    }

    fn choose(&mut self, chooser: &Chooser) {
        chooser.write(&mut self.disks[CHOOSER]).unwrap();
        if self.mistake == Mistake::SwitchNotFlushed {
            forget_flush(&self.log);
        }
    }

    fn place(&mut self, slot: Slot, release: u64) -> Place {
        let chooser = self.chooser();
        let (good, primary) = (chooser.is_good(slot), chooser.primary());
        Place { boot: format!("boot {}", self.boots), slot, release, good, primary, now_s: NOW_S }
    }

    fn keep(&mut self, journal: &Journal) {
        keep(&mut self.disks[JOURNAL], journal, self.mistake);
    }

    /// The agent, until it rests; `None`: the machine is restarted.
    fn agent(&mut self, slot: Slot, release: u64) -> Result<Option<End>, String> {
        let mut place = self.place(slot, release);
        let kept = Record::on(&mut self.disks[JOURNAL]).unwrap().read().unwrap();
        let mut journal = match kept {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string())?,
            None => Journal::new(&place),
        };
        let halt = Halt { generation: 1, issued_s: NOW_S, campaigns: BTreeSet::new() };
        let wish = Wish { campaign: "c".into(), generation: 1, release: NEW };
        let mut inputs = vec![Input::Wished(wish), Input::Halt(halt), Input::Started];
        loop {
            while let Some(input) = inputs.pop() {
                let turn = journal.after(&input, &place);
                if turn.journal != journal {
                    self.keep(&turn.journal);
                    journal = turn.journal;
                }
                self.reports.extend(turn.reports);
                place = self.place(slot, release);
            }
            let input = match journal.action(&place) {
                Action::Rest => return Ok(Some(End { place, journal, chooser: self.chooser() })),
                Action::Examine(_) => Input::Believed { floor: NEW },
                Action::AwaitDownload | Action::AwaitTurn | Action::AwaitGate => Input::Open,
                Action::Write { slot: to, from } => self.write(&mut journal, to, from),
                Action::ReadBack(_) if self.mistake == Mistake::WatermarkBeforeData => Input::Done,
                Action::ReadBack(written) => self.read_back(written),
                Action::Switch(to) => {
                    self.switch(to);
                    Input::Done
                }
                Action::Restart => return Ok(None),
                Action::Prove { .. } if self.turnout == Turnout::Good => {
                    if self.mistake == Mistake::ConfirmedBeforeMarked {
                        self.keep(&journal.after(&Input::Proven, &place).journal);
                    }
                    let mut chooser = self.chooser();
                    chooser.mark_good(slot);
                    self.choose(&chooser);
                    Input::Proven
                }
                Action::Prove { .. } => Input::Failed(Reason::NoFrame),
                Action::Leave(bad) => {
                    let mut chooser = self.chooser();
                    chooser.mark_bad(bad);
                    self.choose(&chooser);
                    return Ok(None);
                }
            };
            inputs.push(input);
            place = self.place(slot, release);
        }
    }

    fn switch(&mut self, to: Slot) {
        let mut chooser = self.chooser();
        chooser.activate(to);
        self.choose(&chooser);
    }

    fn write(&mut self, journal: &mut Journal, to: Slot, from: usize) -> Input {
        let mut chooser = self.chooser();
        if chooser.standing(to).ok {
            chooser.mark_bad(to);
            self.choose(&chooser);
        }
        let head = apply::read_head(&self.release.delta).unwrap();
        let payload = Tail { whole: &self.release.delta, start: head.header.head_length() };
        let seed = self.slot(to.other()).to_vec();
        let source = Source { head: &head, seed: Some(&seed), payload: &payload };
        let mistake = self.mistake;
        let (slots, others) = self.disks.split_at_mut(JOURNAL);
        let mut watermark = |done: usize, slot: &mut dyn ota::block::BlockDev| {
            if done.is_multiple_of(2) {
                if mistake != Mistake::WatermarkBeforeData {
                    slot.flush()?;
                }
                let it = journal.under_way.as_mut().expect("it is written");
                it.done = done;
                keep(&mut others[0], journal, mistake);
            }
            Ok(())
        };
        apply::apply(&source, &mut slots[to as usize], from, &mut watermark).unwrap();
        Input::Done
    }

    fn read_back(&mut self, written: Slot) -> Input {
        let head: Head = apply::read_head(&self.release.full).unwrap();
        let wrong = apply::wrong(&head, &self.disks[written as usize]).unwrap();
        self.repair(written, &wrong);
        let size = head.header.target_size;
        let sha256 = apply::read_back(size, &self.disks[written as usize], &mut |_| {}).unwrap();
        if sha256 == head.header.target_sha256 { Input::Done } else { Input::Failed(Reason::Io) }
    }

    fn repair(&mut self, slot: Slot, bad: &BTreeSet<u64>) {
        if bad.is_empty() {
            return;
        }
        let head = apply::read_head(&self.release.full).unwrap();
        let payload = Tail { whole: &self.release.full, start: head.header.head_length() };
        let source = Source { head: &head, seed: None, payload: &payload };
        apply::repair(&source, &mut self.disks[slot as usize], bad).unwrap();
    }
}

fn keep(disk: &mut Disk, journal: &Journal, mistake: Mistake) {
    let bytes = serde_json::to_vec(journal).unwrap();
    Record::on(disk).unwrap().write(&bytes).unwrap();
    if mistake == Mistake::RowNotFlushed {
        forget_flush(&disk.log);
    }
}

fn forget_flush(log: &Log) {
    assert!(matches!(log.borrow_mut().pop(), Some(Entry::Flush { .. })));
}
