//! `./dev bench`: how fast and how large the kiosk is, beside what others would use for the same.
//!
//! Numbers of one run belong together: ours and every peer are measured on the same machine, in the same
//! folder and the same minutes, alternating where that is possible. Nothing here fails because something is
//! slow; what could not be measured says why.

mod devices;
mod domain_core;
mod fleet;
mod machine;
mod memory;
mod ota;
mod peer;
mod report;
mod samples;
mod screen;
mod stage;
mod start;
mod storage;
mod till;
mod touch;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;

pub use report::Report;

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Area {
    /// Order commits, the disk's own fsync, fsyncs per order.
    Store,
    /// Deciding, pricing, replaying.
    Domain,
    /// Frame times of every page and of a press.
    Ui,
    /// A receipt as ESC/POS, beside python-escpos.
    Devices,
    /// Start to first frame, beside Chromium.
    Start,
    /// Memory idle and after many orders, beside Chromium.
    Memory,
    /// Press to pixels through the mirror, beside Chromium.
    Chromium,
    /// Events a second into the fleet's books, beside PostgreSQL's own.
    Ingest,
    /// Many connected kiosks: answers, memory.
    Fleet,
    /// Bytes, times and memory of updates between real images, beside other ways to send them.
    Ota,
    /// Everything.
    All,
}

/// How to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// What.
    pub area: Area,
    /// Scratch folder on the disk that is measured.
    pub dir: PathBuf,
    /// The Python that may have python-escpos.
    pub python: PathBuf,
    /// Orders performed through the mirror for the memory of a used kiosk.
    pub orders: u32,
    /// Events that wait in one kiosk for the area `ingest`.
    pub backlog: u32,
    /// Connected kiosks of the area `fleet`.
    pub kiosks: u32,
    /// Whether the area `ota` waits for what takes longer than all others together.
    pub patient: bool,
    /// Another build of the daemon for the area `ota`, in place of one of an earlier commit.
    pub earlier: Option<PathBuf>,
    /// Where to save the menu page of both sides as pictures.
    pub pictures: Option<PathBuf>,
}

/// Measures one area.
type Measure = fn(&Options, &mut Report) -> anyhow::Result<()>;

/// Measures and prints as it goes on; returns everything for the file.
///
/// # Errors
/// Something that must work does not: the disk, a program of ours. A missing peer is no error.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    std::fs::create_dir_all(&options.dir).with_context(|| options.dir.display().to_string())?;
    let mut report = Report::new(machine::describe(&options.dir)?);
    let areas: [(Area, Measure); 10] = [
        (Area::Store, storage::measure),
        (Area::Domain, domain_core::measure),
        (Area::Ui, screen::measure),
        (Area::Devices, devices::measure),
        (Area::Start, start::measure),
        (Area::Memory, memory::measure),
        (Area::Chromium, touch::measure),
        (Area::Ingest, fleet::measure_ingest),
        (Area::Fleet, fleet::measure_crowd),
        (Area::Ota, ota::measure),
    ];
    for (area, measure) in areas {
        if options.area == area || options.area == Area::All {
            eprintln!(
                "measuring {}",
                area.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
            );
            measure(options, &mut report).with_context(|| format!("{area:?}"))?;
        }
    }
    Ok(report)
}

/// What a hidden run of this program does for the visible one, under strace.
///
/// # Errors
/// The disk refuses.
pub fn probe(what: &str, dir: &Path, orders: u32) -> anyhow::Result<()> {
    match what {
        "sell" => storage::probe_sell(dir, orders),
        other => anyhow::bail!("there is no probe {other:?}"),
    }
}
