//! An order and an update in guests whose disk is recorded, and the power cut at every flush of it: each disk that such a cut leaves
//! is judged without a start, and one of each kind is started.

mod judge;
mod recording;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use image::layout::Layout;
use image::run;
use image::vm::{Options, RECORDING};

use self::judge::{Judge, Memory, Remembered, grub_starts};
use self::recording::{Entry, Recording};
use super::campaign::{Campaign, OLD, Release};
use super::kiosk::Kiosk;
use super::order;
use super::stage::{IDENTITY, Stage};
use crate::dice::Dice;
use crate::rig::root;

/// What the guest is updated to.
const NEW: u64 = OLD + 1;

/// Which of the writes that were not flushed yet are lost; the same every time.
const SEED: u64 = 5;

/// So many disks have their state repaired and read; of more flushes every n-th.
const STATES: usize = 400;

/// For the units of a start to come to rest.
const SETTLED_WITHIN: Duration = Duration::from_secs(240);

/// Records an order and then an update by a fleet, and judges what a power cut at any flush of them would have left.
/// Only of that which has `only` in its name. With `keep` what was recorded before is judged again.
///
/// # Errors
/// One of the disks starts what is no whole release, or has forgotten something.
pub fn perform(options: &Options, programs: &Path, out: &Path, only: &str) -> anyhow::Result<()> {
    if "an order".contains(only) {
        let options = Options { dir: options.dir.join("order"), ..options.clone() };
        let recorded = if options.keep { Ok(()) } else { record_order(&options, out) };
        recorded.and_then(|()| judge_order(options)).context("an order")?;
    }
    if "an update".contains(only) {
        let recorded = if options.keep { Ok(()) } else { record_update(options, programs) };
        recorded.and_then(|()| judge_update(options)).context("an update")?;
    }
    Ok(())
}

fn record_order(options: &Options, out: &Path) -> anyhow::Result<()> {
    let begun = Stage::open(options, out)?;
    begun.close(Ok(()))?;
    Tape::of(options)?.begin()?;
    let mut stage = Stage::open(&Options { keep: true, record: true, ..options.clone() }, out)?;
    let played = order::play(&mut stage);
    stage.close(played)
}

fn judge_order(mut options: Options) -> anyhow::Result<()> {
    let tape = Tape::of(&options)?;
    // The same kiosk, with nothing plugged in.
    let settings = tape.work.join("identity.toml");
    std::fs::write(&settings, IDENTITY)?;
    options.credential.push(("kioskd.toml".to_owned(), settings));
    tape.judged(&[("A", &options.img)], &options)
}

fn record_update(options: &Options, programs: &Path) -> anyhow::Result<()> {
    let mut campaign = Campaign::begin(options, programs)?;
    campaign.offer(&Release { number: NEW, overlay: None })?;
    campaign.kiosk()?.end()?;
    Tape::of(options)?.begin()?;
    (campaign.options.keep, campaign.options.record) = (true, true);
    let kiosk = campaign.kiosk_again()?;
    let (mut kiosk, ended) = campaign.roll_out(kiosk, NEW)?;
    anyhow::ensure!(ended["state"] == "done", "the rollout ended with {ended}");
    kiosk.runs("B")?;
    kiosk.is_proven("B")?;
    kiosk.end()
}

/// The guests that are started have no fleet: it would wonder about a kiosk that was there before.
fn judge_update(options: &Options) -> anyhow::Result<()> {
    let mut options = options.clone();
    options.credential.push(("kioskd.toml".to_owned(), Campaign::settings_in(&options)));
    let [old, new] = [OLD, NEW].map(|number| Campaign::disk_in(&options, number));
    Tape::of(&options)?.judged(&[("A", &old?), ("B", &new?)], &options)
}

/// What becomes of a disk from here on. The first start of a kiosk, which makes its state partition, lies before.
struct Tape {
    /// The disk as it is at first.
    before: PathBuf,
    /// The one that power cuts leave.
    cut: PathBuf,
    log: PathBuf,
    work: PathBuf,
}

impl Tape {
    fn of(options: &Options) -> anyhow::Result<Self> {
        let work = options.dir.canonicalize()?;
        let [before, cut, log] = ["before.img", "cut.img", RECORDING].map(|name| work.join(name));
        Ok(Self { before, cut, log, work })
    }

    /// Keeps the disk as it is, for what is recorded from here on.
    fn begin(&self) -> anyhow::Result<()> {
        if self.log.exists() {
            std::fs::remove_file(&self.log)?;
        }
        let mut convert = Command::new("qemu-img");
        convert.args(["convert", "-q", "-f", "qcow2", "-O", "raw"]);
        run::quietly(convert.arg(self.work.join("disk.qcow2")).arg(&self.before))
    }

    /// The disk as it was at first, once more.
    fn fresh(&self) -> anyhow::Result<File> {
        run::quietly(Command::new("cp").arg("--sparse=always").arg(&self.before).arg(&self.cut))?;
        Ok(File::options().read(true).write(true).open(&self.cut)?)
    }

    /// Judges every cut, and starts one disk of each kind with these options. `releases` are disks by the slots that
    /// their release was in.
    fn judged(&self, releases: &[(&str, &Path)], options: &Options) -> anyhow::Result<()> {
        let recording = Recording::open(&self.log)?;
        let layout = Layout::read(&root().join("image/layout.toml"))?;
        let tries = layout.tries;
        let disk = self.fresh()?;
        let judge = Judge::new(layout, &disk, releases, self.work.clone())?;
        let found = Inquest::new(&judge, &recording, disk, self.cut.clone(), tries).all()?;
        let chosen = one_of_each_kind(&found);
        println!("▶ {} kinds of disks, of which one each is started", chosen.len());
        let disk = self.fresh()?;
        let mut entries = recording.entries().iter().enumerate().peekable();
        for cut in chosen {
            while let Some((_, entry)) = entries.next_if(|(index, _)| *index <= cut.after) {
                recording.apply(entry, &disk)?;
            }
            self.starts(options, cut)?;
        }
        println!("▶ a power cut at any flush leads to a whole release that remembers what it had written");
        Ok(())
    }

    /// Starts the guest with the disk that a cut has left.
    fn starts(&self, options: &Options, cut: &Cut) -> anyhow::Result<()> {
        println!("▶ after entry {}: {}", cut.after, cut.kind());
        let (img, dir) = (self.cut.clone(), self.work.join("start"));
        let options = Options { img, dir, keep: false, record: false, ..options.clone() };
        let mut kiosk = Kiosk::start(&options)?;
        kiosk.runs(&cut.starts)?;
        if cut.starts == "B" {
            kiosk.runs_release(NEW)?;
        }
        let state = kiosk.console.run("systemctl is-system-running --wait", SETTLED_WITHIN)?;
        let failed = kiosk.says("systemctl list-units --failed --plain --no-legend")?;
        anyhow::ensure!(state == "running", "the system is {state}: {failed}");
        if cut.starts == "B" {
            kiosk.is_proven("B")?;
        }
        kiosk.end()
    }
}

/// What the power being cut after an entry of the recording leaves.
struct Cut {
    after: usize,
    memory: Memory,
    starts: String,
    remembered: Remembered,
}

impl Cut {
    /// What tells it apart from others.
    fn kind(&self) -> String {
        let names = ["ORDER", "A_OK", "A_TRY", "B_OK", "B_TRY", "PROVEN", "TRIAL"];
        let memory = names.map(|name| self.memory.get(name).map_or("", String::as_str));
        format!("GRUB: {}; the kiosk: {}", memory.join("/"), step(&self.remembered))
    }
}

/// How far the kiosk is, in a word.
fn step(remembered: &Remembered) -> String {
    let Some(journal) = &remembered.journal else { return "no update yet".to_owned() };
    match &journal.under_way {
        Some(update) => format!("{:?}", update.step),
        None => format!("runs {}", journal.confirmed),
    }
}

/// Of each kind one in the middle, in the order of the recording.
fn one_of_each_kind(cuts: &[Cut]) -> Vec<&Cut> {
    let mut kinds: BTreeMap<String, Vec<&Cut>> = BTreeMap::new();
    for cut in cuts {
        kinds.entry(cut.kind()).or_default().push(cut);
    }
    let mut chosen: Vec<&Cut> = kinds.values().filter_map(|all| all.get(all.len() / 2).copied()).collect();
    chosen.sort_by_key(|cut| cut.after);
    chosen
}

/// Goes through a recording.
struct Inquest<'a> {
    judge: &'a Judge,
    recording: &'a Recording,
    disk: File,
    path: PathBuf,
    tries: u8,
    dice: Dice,
    /// What the last disk with everything flushed remembered.
    durable: Option<Remembered>,
    /// The last answer of [`Judge::memory`], and the slots that were found whole; each until it is written to.
    memory: Option<Memory>,
    whole: BTreeSet<String>,
}

impl<'a> Inquest<'a> {
    fn new(judge: &'a Judge, recording: &'a Recording, disk: File, path: PathBuf, tries: u8) -> Self {
        let (dice, memory, whole) = (Dice::new(SEED), None, BTreeSet::new());
        Self { judge, recording, disk, path, tries, dice, durable: None, memory, whole }
    }

    /// Judges the disk after every flush, and what it is if some of the writes up to the next were done before it.
    fn all(mut self) -> anyhow::Result<Vec<Cut>> {
        let recording = self.recording;
        let entries = recording.entries();
        let flushes: Vec<usize> = (0..entries.len()).filter(|at| entries[*at].is_flush()).collect();
        anyhow::ensure!(flushes.len() > 10, "only {} flushes were recorded", flushes.len());
        let every = flushes.len().div_ceil(STATES);
        println!("▶ {} writes and flushes; {} cuts of the power", entries.len(), 2 * flushes.len());
        let mut cuts = Vec::new();
        let mut done = 0;
        for (index, flush) in flushes.iter().enumerate() {
            let next = flushes.get(index + 1).map_or(entries.len(), |it| *it);
            for entry in &entries[done..=*flush] {
                recording.apply(entry, &self.disk)?;
                self.forget(entry)?;
            }
            done = flush + 1;
            let name = || format!("the power is cut after entry {flush}");
            let (memory, starts) = self.memory_and_slot().with_context(name)?;
            if index % every == 0 {
                let remembered = self.remembered(&starts).with_context(name)?;
                self.durable = Some(remembered.clone());
                cuts.push(Cut { after: *flush, memory, starts, remembered });
            }
            let lucky = entries[done..next].iter().filter(|_| self.dice.below(2) == 1).copied();
            let lucky: Vec<Entry> = lucky.collect();
            let name = || format!("the power is cut after entry {flush} and {} of the next", lucky.len());
            self.with_some(&lucky, index % every == 0).with_context(name)?;
        }
        Ok(cuts)
    }

    /// Judges the disk with some more writes, which are taken back.
    fn with_some(&mut self, lucky: &[Entry], state: bool) -> anyhow::Result<()> {
        let disk = self.disk.try_clone()?;
        lucky.iter().try_for_each(|entry| self.forget(entry))?;
        self.recording.with(lucky, &disk, || {
            let (_, starts) = self.memory_and_slot()?;
            if state {
                self.remembered(&starts)?;
            }
            Ok(())
        })?;
        lucky.iter().try_for_each(|entry| self.forget(entry))
    }

    /// What is known of a partition that is written to is of no use any more.
    fn forget(&mut self, entry: &Entry) -> anyhow::Result<()> {
        let end = entry.at + entry.bytes;
        for (label, range) in &self.judge.partitions {
            if entry.bytes == 0 || end <= range.start || range.end <= entry.at {
                continue;
            }
            match label.as_str() {
                "esp" => self.memory = None,
                "boot-a" | "root-a" => anyhow::bail!("{label} is written to while it runs"),
                "boot-b" | "root-b" => drop(self.whole.remove("B")),
                _ => {}
            }
        }
        Ok(())
    }

    /// What GRUB remembers, and the slot that it starts, which has to be whole.
    fn memory_and_slot(&mut self) -> anyhow::Result<(Memory, String)> {
        let memory = match self.memory.take() {
            Some(memory) => memory,
            None => self.judge.memory(&self.path)?,
        };
        let starts = grub_starts(&memory, self.tries).context("GRUB starts nothing")?.to_owned();
        if !self.whole.contains(&starts) {
            let whole = self.judge.is_whole(&self.disk, &starts)?;
            anyhow::ensure!(whole, "GRUB starts {starts}, which is no whole release: {memory:?}");
            self.whole.insert(starts.clone());
        }
        self.memory = Some(memory.clone());
        Ok((memory, starts))
    }

    /// What the kiosk remembers: all that was durable before, and nothing that contradicts the slot.
    fn remembered(&self, starts: &str) -> anyhow::Result<Remembered> {
        use ota::agent::Step;
        let now = self.judge.remembered(&self.disk)?;
        if let Some(before) = &self.durable {
            anyhow::ensure!(now.facts >= before.facts, "facts are lost: {} of {}", now.facts, before.facts);
            if let (Some(before), Some(now)) = (&before.journal, &now.journal) {
                let goes_on = now.floor >= before.floor
                    && now.confirmed >= before.confirmed
                    && now.generation >= before.generation
                    && now.bad.is_superset(&before.bad);
                anyhow::ensure!(goes_on, "the journal has gone back from {before:?} to {now:?}");
            }
        }
        let update = now.journal.as_ref().and_then(|it| it.under_way.as_ref());
        let told = update.is_some_and(|it| it.step >= Step::Switching);
        let confirmed = now.journal.as_ref().is_some_and(|it| it.confirmed > OLD);
        anyhow::ensure!(
            starts == "A" || told || confirmed,
            "GRUB starts {starts}, the journal knows nothing of it"
        );
        anyhow::ensure!(starts == "B" || !confirmed, "what is confirmed is not started");
        Ok(now)
    }
}
