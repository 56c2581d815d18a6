//! `build`, `info` and `apply`: single `.kot` files.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nix::fcntl::Flock;
use ota::apply::{self, Source};
use ota::block::{self, Place, ReadAt, Tail};
use ota::build::{self, Effort, Image, Report};
use ota::kot::{Head, Op};
use protocol::text::hex;

#[derive(clap::Args)]
pub(crate) struct Build {
    /// The new image.
    image: PathBuf,
    /// An earlier image that kiosks have.
    #[arg(long, value_name = "IMAGE")]
    from: Option<PathBuf>,
    /// Where the file goes.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    level: Level,
}

/// How hard it tries.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct Level {
    /// Level of compression, 1 (quick) to 22 (small).
    #[arg(long, default_value_t = 19, value_parser = clap::value_parser!(i32).range(1..=22))]
    level: i32,
}

#[derive(clap::Args)]
pub(crate) struct Info {
    /// The file.
    file: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct Apply {
    /// The file.
    file: PathBuf,
    /// The image that it was made from, if it is a delta.
    #[arg(long, value_name = "IMAGE")]
    seed: Option<PathBuf>,
    /// Where the new image goes: a file or a block device. What is there already is not written again.
    #[arg(long, value_name = "PATH")]
    to: PathBuf,
    /// The whole image as a .kot file: what the seed no longer has is taken from it.
    #[arg(long, value_name = "FILE")]
    full: Option<PathBuf>,
}

impl Build {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let report = make(self.from.as_deref(), &self.image, &self.out, self.level)?;
        tell!("{}: {} bytes, head {} bytes", self.out.display(), report.length, report.head_length);
        tell!("head SHA-256 {}", hex(&report.head_sha256));
        Ok(())
    }
}

/// Makes a file; a delta if there is an earlier image.
pub(crate) fn make(from: Option<&Path>, image: &Path, out: &Path, level: Level) -> anyhow::Result<Report> {
    is_another(out, &[Some(image), from])?;
    let target = open(image)?;
    let seed = from.map(open).transpose()?;
    let seed = seed.as_ref().map(|file| file as &dyn Image);
    let effort = Effort { level: level.level, ..Effort::default() };
    build::build(seed, &target, out, effort).with_context(|| image.display().to_string())
}

/// The file that is there already, if it is whole and makes this image.
pub(crate) fn made(path: &Path, seed: Option<ota::Hash>, target: ota::Hash) -> Option<Report> {
    let file = File::open(path).ok()?;
    let bytes = apply::head_bytes(&file).ok()?;
    let head = Head::parse(&bytes).ok()?;
    let from = head.header.seed.map(|(_, sha256)| sha256);
    let payload = Tail { whole: &file, start: head.header.head_length() };
    let is_it = from == seed && head.header.target_sha256 == target;
    (is_it && apply::check_payload(&head, &payload).is_ok()).then(|| Report {
        length: file.metadata().map_or(0, |it| it.len()),
        head_length: head.header.head_length(),
        head_sha256: ota::sha256(&bytes),
        header: head.header.clone(),
    })
}

impl Info {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let head = apply::read_head(&open(&self.file)?).with_context(|| self.file.display().to_string())?;
        Ok(crate::say(&info(&head))?)
    }
}

impl Apply {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        is_another(&self.to, &[Some(&self.file), self.seed.as_deref(), self.full.as_deref()])?;
        let is_new = !self.to.exists();
        let made = apply_to(&self.file, self.seed.as_deref(), &self.to, self.full.as_deref());
        if made.is_err() && is_new {
            // What is wrong must not be taken for an image later.
            std::fs::remove_file(&self.to).ok();
        }
        made
    }
}

fn open(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| format!("cannot open {}", path.display()))
}

fn apply_to(file: &Path, seed: Option<&Path>, to: &Path, full: Option<&Path>) -> anyhow::Result<()> {
    let payload = open(file)?;
    let head = apply::read_head(&payload).with_context(|| file.display().to_string())?;
    let seed = seed.map(open).transpose()?;
    let mut target = place(to, head.header.target_size)?;
    let target = &mut *target;
    let source = Source {
        head: &head,
        seed: seed.as_ref().map(|file| file as &dyn ReadAt),
        payload: &Tail { whole: &payload, start: head.header.head_length() },
    };
    let applied = apply::apply(&source, target, 0, &mut |_, _| Ok(()))?;
    tell!("{} bytes written, {} were there already", applied.written, applied.kept);
    let made = |target: &dyn ReadAt| apply::read_back(head.header.target_size, target, &mut |_| {});
    let mut sha256 = made(&*target)?;
    if let (true, Some(full)) = (sha256 != head.header.target_sha256, full) {
        let payload = open(full)?;
        let whole = apply::read_head(&payload).with_context(|| full.display().to_string())?;
        anyhow::ensure!(
            whole.header.target_sha256 == head.header.target_sha256 && whole.header.seed.is_none(),
            "{} is not the whole of this image",
            full.display()
        );
        let payload = Tail { whole: &payload, start: whole.header.head_length() };
        let wrong = apply::wrong(&whole, &*target)?;
        tell!("{} MiB are taken from {}", wrong.len(), full.display());
        apply::repair(&Source { head: &whole, seed: None, payload: &payload }, target, &wrong)?;
        sha256 = made(&*target)?;
    }
    anyhow::ensure!(sha256 == head.header.target_sha256, wrong_result(&head, full));
    tell!("{} read back: SHA-256 {}", to.display(), hex(&sha256));
    Ok(())
}

/// Why the new image is not what it should be.
fn wrong_result(head: &Head, full: Option<&Path>) -> &'static str {
    match (&head.header.seed, full) {
        (Some(_), None) => {
            "the new image is wrong: the seed is not the image that this file was made from; \
             --full takes what is wrong from the whole image"
        }
        _ => "the new image is wrong: what is written there is not kept",
    }
}

/// What is written must be nothing that is read.
fn is_another(out: &Path, inputs: &[Option<&Path>]) -> anyhow::Result<()> {
    let Ok(place) = Place::of(out) else { return Ok(()) };
    for input in inputs.iter().flatten() {
        let same = Place::of(input).is_ok_and(|it| it == place);
        anyhow::ensure!(!same, "{} would be overwritten: it is read as {}", out.display(), input.display());
    }
    Ok(())
}

/// Opens what is to be written; a file gets the length of the image.
fn place(path: &Path, size: u64) -> anyhow::Result<Flock<File>> {
    let file = block::open_alone(path).with_context(|| format!("cannot write {}", path.display()))?;
    if file.metadata()?.is_file() {
        file.set_len(size).with_context(|| format!("{} cannot have {size} bytes", path.display()))?;
    }
    Ok(file)
}

fn info(head: &Head) -> String {
    let header = &head.header;
    let mut text = String::new();
    _ = writeln!(text, "new image   {} bytes, SHA-256 {}", header.target_size, hex(&header.target_sha256));
    match &header.seed {
        Some((size, sha256)) => _ = writeln!(text, "made from   {size} bytes, SHA-256 {}", hex(sha256)),
        None => _ = writeln!(text, "made from   nothing: the whole image"),
    }
    _ = writeln!(
        text,
        "head        {} bytes, {} of them operations",
        header.head_length(),
        header.ops_stored
    );
    _ = writeln!(
        text,
        "payload     {} bytes in {} chunks of {}",
        header.payload, header.chunks, header.chunk_size
    );
    let mut kinds = [
        ("zero", 0, 0_u64),
        ("copied", 0, 0),
        ("patched", 0, 0),
        ("compressed", 0, 0),
        ("as they are", 0, 0),
    ];
    for placed in head.ops.iter() {
        let kind = &mut kinds[match placed.op {
            Op::Zero => 0,
            Op::Copy(..) => 1,
            Op::Patch { .. } => 2,
            Op::Zstd { .. } => 3,
            Op::Raw => 4,
        }];
        kind.1 += 1;
        kind.2 += u64::from(placed.blocks);
    }
    for (kind, count, blocks) in kinds {
        _ = writeln!(text, "{blocks:>11} blocks {kind}, in {count} operations");
    }
    text
}
