//! What an order costs on the disk: each commit of the store, and right after it the same number of bytes
//! written and flushed by hand in the same folder.
//!
//! Nothing can make a commit cheaper than that flush, so the difference is ours and the rest is the disk's.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Context as _;
use domain::KioskConfig;
use domain::ids::IdSource;
use store::{Clocks, Store};

use super::Options;
use super::machine::bytes_written;
use super::report::Report;
use super::samples::Samples;
use super::till::Till;

/// Orders whose commits are timed: about nine commits each.
const ORDERS: u32 = 120;

/// Orders sold under strace.
const TRACED_ORDERS: u32 = 20;

/// Orders in the log that is replayed.
const REPLAYED_ORDERS: u32 = 500;

/// SQLite's log is written from its start again after so many bytes; so is the file of the comparison.
const WRAP_BYTES: u64 = 4 << 20;

/// A moment for the first order: 2026-11-20 11:00 UTC.
pub(crate) const OPENING_MS: i64 = 1_795_172_400_000;

/// See the module's description.
pub(crate) fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let commits = sell_beside_fsync(&options.dir)?;
    let mut case = report.case("store", "order commit");
    for (metric, percent) in [("p50", 50), ("p99", 99), ("max", 100)] {
        case.ours(metric, "ms", commits.ours.percentile(percent));
        case.add("fsync", metric, "ms", commits.flush.percentile(percent));
    }
    let beyond = commits.ours.percentile(99) - commits.flush.percentile(99);
    case.ours("p99 beyond fsync", "ms", beyond);
    let orders = f64::from(ORDERS);
    let mut case = report.case("store", "one order");
    #[expect(clippy::cast_precision_loss, reason = "a count of commits is small")]
    case.ours("commits", "count", commits.ours.len() as f64 / orders);
    case.ours("bytes written", "kB", commits.bytes.sum() / orders / 1e3);
    case.ours("time in commits", "ms", commits.ours.sum() / orders);
    case.add("fsync", "time in commits", "ms", commits.flush.sum() / orders);
    report.aim_below("commit p99 beyond the disk's fsync", 10.0, "ms", beyond);
    count_fsyncs(options, report)?;
    replay(&options.dir, report)
}

struct Commits {
    ours: Samples,
    flush: Samples,
    bytes: Samples,
}

fn sell_beside_fsync(dir: &Path) -> anyhow::Result<Commits> {
    let scratch = tempfile::tempdir_in(dir)?;
    let mut store = open(&scratch.path().join("store.db"), OPENING_MS)?;
    let mut by_hand = ByHand::create(&scratch.path().join("by-hand"))?;
    let mut commits =
        Commits { ours: Samples::default(), flush: Samples::default(), bytes: Samples::default() };
    let mut keep = |events: &[domain::Event], clocks: Clocks, ids: &mut dyn IdSource| {
        let before = bytes_written()?;
        let begun = Instant::now();
        store.append(events, clocks, ids)?;
        commits.ours.push_ms(begun.elapsed());
        let bytes = bytes_written()? - before;
        #[expect(clippy::cast_precision_loss, reason = "a commit writes kilobytes")]
        commits.bytes.push(bytes as f64);
        commits.flush.push_ms(by_hand.write_and_flush(usize::try_from(bytes)?)?);
        Ok(())
    };
    let mut till = Till::new(KioskConfig::new("bench", "K1"), OPENING_MS, &mut |_, _, _| Ok(()))?;
    for _ in 0..ORDERS {
        till.sell(&mut keep)?;
    }
    Ok(commits)
}

/// The comparison: a file that is written and flushed without any database.
struct ByHand {
    file: File,
    at: u64,
}

impl ByHand {
    fn create(path: &Path) -> anyhow::Result<Self> {
        Ok(Self { file: File::create(path).with_context(|| path.display().to_string())?, at: 0 })
    }

    fn write_and_flush(&mut self, bytes: usize) -> anyhow::Result<std::time::Duration> {
        let data = vec![0x5a; bytes];
        let begun = Instant::now();
        self.file.write_all_at(&data, self.at)?;
        self.file.sync_all()?;
        let took = begun.elapsed();
        self.at += u64::try_from(bytes)?;
        if self.at > WRAP_BYTES {
            self.at = 0;
        }
        Ok(took)
    }
}

/// Sells under strace, which counts the system calls of our program without believing it.
fn count_fsyncs(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    if Command::new("strace").arg("-V").output().is_err() {
        report.note("fsyncs per order: strace is not installed");
        return Ok(());
    }
    let (Some(none), Some(some)) = (traced(&options.dir, 0)?, traced(&options.dir, TRACED_ORDERS)?) else {
        report.note("fsyncs per order: strace may not trace here");
        return Ok(());
    };
    report.case("store", "one order").ours("fsyncs", "count", (some - none) / f64::from(TRACED_ORDERS));
    Ok(())
}

/// Flushes of a run that sells so many orders; `None` if tracing is forbidden.
fn traced(dir: &Path, orders: u32) -> anyhow::Result<Option<f64>> {
    let table = tempfile::NamedTempFile::new_in(dir)?;
    let status = Command::new("strace")
        .args(["-f", "-c", "-U", "calls,name", "-e", "trace=fsync,fdatasync,sync_file_range,msync", "-o"])
        .arg(table.path())
        .arg(std::env::current_exe()?)
        .args(["--probe", "sell", "--orders", &orders.to_string(), "--dir"])
        .arg(dir)
        .output()?;
    if !status.status.success() {
        return Ok(None);
    }
    let table = std::fs::read_to_string(table.path())?;
    let calls = |line: &str| {
        let (calls, name) = line.trim().split_once(char::is_whitespace)?;
        name.contains("sync").then(|| calls.parse::<f64>().ok())?
    };
    Ok(Some(table.lines().filter_map(calls).sum()))
}

/// The hidden run: sells so many orders into a new store.
pub(crate) fn probe_sell(dir: &Path, orders: u32) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir_in(dir)?;
    fill(&scratch.path().join("store.db"), KioskConfig::new("bench", "K1"), OPENING_MS, orders)
}

/// Sells so many orders into a store that did not exist, with the demo catalog as its active one.
pub(crate) fn fill(path: &Path, config: KioskConfig, opening_ms: i64, orders: u32) -> anyhow::Result<()> {
    let kiosk = config.kiosk_id.to_string();
    let mut store = open_as(path, &kiosk, opening_ms)?;
    let mut keep = |events: &[domain::Event], clocks: Clocks, ids: &mut dyn IdSource| {
        store.append(events, clocks, ids)?;
        Ok(())
    };
    let mut till = Till::new(config, opening_ms, &mut keep)?;
    for _ in 0..orders {
        till.sell(&mut keep)?;
    }
    store.activate_catalog(&till.document, super::till::clocks(&till.now()))?;
    Ok(())
}

/// What a start has to do after many orders: open, check the tail of the chain, read every event, apply it.
fn replay(dir: &Path, report: &mut Report) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir_in(dir)?;
    let path = scratch.path().join("store.db");
    fill(&path, KioskConfig::new("bench", "K1"), OPENING_MS, REPLAYED_ORDERS)?;
    let (mut opened, mut replayed) = (Samples::default(), Samples::default());
    let mut count = 0;
    for _ in 0..5 {
        let begun = Instant::now();
        let store = open(&path, OPENING_MS)?;
        opened.push_ms(begun.elapsed());
        let begun = Instant::now();
        let mut events = Vec::new();
        store.replay(|epoch, event| events.push((epoch, event)))?;
        count = events.len();
        let kiosk = domain::Kiosk::replay(KioskConfig::new("bench", "K1").into(), store.epoch(), events);
        replayed.push_ms(begun.elapsed());
        drop(kiosk);
    }
    let mut case = report.case("store", format!("start after {REPLAYED_ORDERS} orders"));
    case.ours("open and check", "ms", opened.median());
    case.ours("replay", "ms", replayed.median());
    #[expect(clippy::cast_precision_loss, reason = "some thousand events")]
    case.ours("events", "count", count as f64);
    #[expect(clippy::cast_precision_loss, reason = "some megabytes")]
    case.ours("file", "MB", std::fs::metadata(&path)?.len() as f64 / 1e6);
    Ok(())
}

fn open(path: &Path, now_ms: i64) -> anyhow::Result<Store> {
    open_as(path, "bench", now_ms)
}

fn open_as(path: &Path, kiosk: &str, now_ms: i64) -> anyhow::Result<Store> {
    let options = store::Options { path: path.to_owned(), kiosk: kiosk.to_owned(), formerly: Vec::new() };
    let clocks = Clocks { wall_ms: now_ms, mono_ms: 0, quality: 1 };
    Ok(Store::open(options, clocks, &mut RandomIds)?)
}

/// Real UUIDs for the store's own facts: the till's counted ones must not meet them.
struct RandomIds;

impl IdSource for RandomIds {
    fn next_id(&mut self) -> domain::ids::Uuid {
        domain::ids::Uuid(uuid::Uuid::now_v7().into_bytes())
    }
}
