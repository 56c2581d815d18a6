//! Updates: what has to be sent from one real root file system to the next, how long making and applying it takes, and
//! in how much memory, beside every other way that is installed.

mod child;
mod pairs;
mod peers;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;

use super::Options;
use super::report::{OURS_IN_UPDATES as OURS, Report};
use child::Child;
use pairs::Pair;

/// Memory that our decoder may have: it runs under this limit of private memory, and is measured besides.
const MEMORY_MAX: u64 = 16 << 20;

/// Copying an image and reading it back, with what it hashes to.
const COPY: &str = "copy";

/// What one subject did with one pair.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Bytes to send.
    bytes: u64,
    encode: Option<Child>,
    apply: Option<Child>,
    /// Into an empty file; `apply` then is into a slot that holds the old image, as a kiosk's does.
    apply_empty: Option<Child>,
}

/// One way from the old image to the new one.
pub(super) struct Subject {
    name: &'static str,
    /// Does it; `None` if it is not installed or does not fit, with a note why.
    run: fn(&Task<'_>, &mut Report) -> anyhow::Result<Option<Numbers>>,
}

/// What a subject works on.
pub(super) struct Task<'a> {
    pair: &'a Pair,
    /// An empty folder for its files.
    dir: PathBuf,
    /// The folder of our programs.
    programs: &'a Path,
    /// Take your time: nothing is left out for being slow.
    patient: bool,
}

impl Task<'_> {
    fn out(&self) -> PathBuf {
        self.dir.join("out.img")
    }
}

/// See the module's description.
pub(super) fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let program = std::env::current_exe()?;
    let programs = program.parent().context("a program lies in a folder")?;
    let cache = programs
        .parent()
        .and_then(Path::parent)
        .context("the target folder lies somewhere")?
        .join("ota-images");
    let work = options.dir.join("ota");
    for pair in pairs::make(&cache, programs, options, report)? {
        eprintln!("  {}", pair.name);
        measure_pair(options, report, &pair, &work, programs)?;
    }
    std::fs::remove_dir_all(&work)?;
    Ok(())
}

fn measure_pair(
    options: &Options,
    report: &mut Report,
    pair: &Pair,
    work: &Path,
    programs: &Path,
) -> anyhow::Result<()> {
    let mut found: Vec<(&'static str, Numbers)> = Vec::new();
    for subject in peers::ALL {
        if work.exists() {
            std::fs::remove_dir_all(work)?;
        }
        std::fs::create_dir_all(work)?;
        let task = Task { pair, dir: work.to_owned(), programs, patient: options.patient };
        let numbers =
            (subject.run)(&task, report).with_context(|| format!("{}: {}", pair.name, subject.name))?;
        let Some(numbers) = numbers else { continue };
        if numbers.apply.is_some() {
            anyhow::ensure!(
                same(&task.out(), &pair.new)?,
                "{}: {} made a wrong image",
                pair.name,
                subject.name
            );
        }
        eprintln!("    {}: {} bytes", subject.name, numbers.bytes);
        add(report, pair.name, subject.name, &numbers);
        found.push((subject.name, numbers));
    }
    aims(report, pair.name, &found);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "images have few GB")]
fn add(report: &mut Report, pair: &str, subject: &'static str, numbers: &Numbers) {
    let mut case = report.case("ota", pair);
    if subject != COPY {
        case.add(subject, "bytes", "bytes", numbers.bytes as f64);
    }
    if let Some(encode) = &numbers.encode {
        case.add(subject, "encode_s", "s", encode.wall_s);
        case.add(subject, "encode_cpu_s", "s", encode.cpu_s);
    }
    if let Some(apply) = &numbers.apply_empty {
        case.add(subject, "apply_empty_s", "s", apply.wall_s);
    }
    if let Some(apply) = &numbers.apply {
        case.add(subject, "apply_s", "s", apply.wall_s);
        case.add(subject, "apply_cpu_s", "s", apply.cpu_s);
        if subject != COPY {
            case.add(subject, "decoder_peak_bytes", "bytes", apply.peak as f64);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "images have few GB")]
fn aims(report: &mut Report, pair: &str, found: &[(&'static str, Numbers)]) {
    let of = |name: &str| found.iter().find(|(subject, _)| *subject == name).map(|(_, numbers)| numbers);
    let Some(ours) = of(OURS) else { return };
    let others = found.iter().filter(|(name, _)| ![OURS, COPY].contains(name));
    if let Some((name, best)) = others.min_by_key(|(_, numbers)| numbers.bytes) {
        let what = format!("{pair}: bytes of the next best ({name}) ÷ ours");
        report.aim_factor(what, 1.0, best.bytes as f64 / ours.bytes as f64);
    }
    let Some(apply) = &ours.apply else { return };
    report.aim_below(
        format!("{pair}: memory of the decoder"),
        (MEMORY_MAX >> 20) as f64,
        "MiB",
        apply.peak as f64 / 1_048_576.0,
    );
    if let Some(copy) = of(COPY).and_then(|copy| copy.apply.as_ref()) {
        report.aim_below(
            format!("{pair}: applying ÷ copying with read-back"),
            1.5,
            "×",
            apply.wall_s / copy.wall_s,
        );
    }
}

/// Whether two files have the same bytes.
fn same(a: &Path, b: &Path) -> anyhow::Result<bool> {
    Ok(sha256(a)? == sha256(b)? && std::fs::metadata(a)?.len() == std::fs::metadata(b)?.len())
}

fn sha256(path: &Path) -> anyhow::Result<ota::Hash> {
    let mut file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    Ok(ota::sha256_of(&mut file)?)
}

/// Copies the new image as a writer would: in pieces, flushed, and read back.
fn copy(task: &Task<'_>, _: &mut Report) -> anyhow::Result<Option<Numbers>> {
    let (begun, cpu) = (Instant::now(), child::own_cpu_s()?);
    let (mut from, mut to) = (std::fs::File::open(&task.pair.new)?, std::fs::File::create(task.out())?);
    let mut piece = vec![0; 65_536];
    loop {
        let length = std::io::Read::read(&mut from, &mut piece)?;
        if length == 0 {
            break;
        }
        std::io::Write::write_all(&mut to, &piece[..length])?;
    }
    to.sync_data()?;
    anyhow::ensure!(sha256(&task.out())? != [0; 32], "no hash is zero");
    let apply = Child { wall_s: begun.elapsed().as_secs_f64(), cpu_s: child::own_cpu_s()? - cpu, peak: 0 };
    Ok(Some(Numbers { apply: Some(apply), ..Numbers::default() }))
}
