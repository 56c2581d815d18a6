//! `kiosk-ota`: makes releases, and puts them into place.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use ota::apply::{self, Source};
use ota::block::{From, ReadAt};
use ota::build::{self, Effort, Image};
use ota::kot::{Head, Op};

/// Makes releases of a kiosk's image, and puts them into place.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a .kot file: the whole image, or with --from only what differs from an earlier one.
    Build {
        /// The new image.
        image: PathBuf,
        /// An earlier image that kiosks have.
        #[arg(long, value_name = "IMAGE")]
        from: Option<PathBuf>,
        /// Where the file goes.
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
        /// Level of compression, 1 (quick) to 22 (small).
        #[arg(long, default_value_t = 19, value_parser = clap::value_parser!(i32).range(1..=22))]
        level: i32,
    },
    /// Show what is in a .kot file.
    Info {
        /// The file.
        file: PathBuf,
    },
    /// Make the new image of a .kot file, and read it back.
    Apply {
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
    },
}

fn main() -> std::process::ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kiosk-ota: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Build { image, from, out, level } => {
            let target = open(&image)?;
            let seed = from.as_deref().map(open).transpose()?;
            let seed = seed.as_ref().map(|file| file as &dyn Image);
            let report = build::build(seed, &target, &out, Effort { level, ..Effort::default() })?;
            println!("{}: {} bytes, head {} bytes", out.display(), report.length, report.head_length);
            println!("head SHA-256 {}", hex(&report.head_sha256));
            Ok(())
        }
        Command::Info { file } => {
            info(&apply::read_head(&open(&file)?).with_context(|| file.display().to_string())?);
            Ok(())
        }
        Command::Apply { file, seed, to, full } => apply_to(&file, seed.as_deref(), &to, full.as_deref()),
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
    let source = Source {
        head: &head,
        seed: seed.as_ref().map(|file| file as &dyn ReadAt),
        payload: &From { whole: &payload, start: head.header.head_length() },
    };
    let applied = apply::apply(&source, &mut target, 0, &mut |_, _| Ok(()))?;
    println!("{} bytes written, {} were there already", applied.written, applied.kept);
    let (mut bad, mut sha256) = apply::read_back(&head, &target)?;
    if let (false, Some(full)) = (bad.is_empty(), full) {
        println!("{} MiB are taken from {}", bad.len(), full.display());
        let payload = open(full)?;
        let whole = apply::read_head(&payload).with_context(|| full.display().to_string())?;
        anyhow::ensure!(
            whole.header.target_sha256 == head.header.target_sha256 && whole.header.seed.is_none(),
            "{} is not the whole of this image",
            full.display()
        );
        let payload = From { whole: &payload, start: whole.header.head_length() };
        apply::repair(&Source { head: &whole, seed: None, payload: &payload }, &mut target, &bad)?;
        (bad, sha256) = apply::read_back(&head, &target)?;
    }
    anyhow::ensure!(
        bad.is_empty(),
        "{} MiB of the new image are wrong: the seed is not the image that this file was made from; \
         --full takes them from the whole image",
        bad.len()
    );
    anyhow::ensure!(sha256 == head.header.target_sha256, "the new image is not what the file announces");
    println!("{} read back: SHA-256 {}", to.display(), hex(&sha256));
    Ok(())
}

/// Opens what is to be written; a file gets the length of the image.
fn place(path: &Path, size: u64) -> anyhow::Result<File> {
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(false).open(path);
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    if file.metadata()?.is_file() {
        file.set_len(size).with_context(|| format!("{} cannot have {size} bytes", path.display()))?;
    }
    Ok(file)
}

fn info(head: &Head) {
    let header = &head.header;
    println!("new image   {} bytes, SHA-256 {}", header.target_size, hex(&header.target_sha256));
    match &header.seed {
        Some((size, sha256)) => println!("made from   {size} bytes, SHA-256 {}", hex(sha256)),
        None => println!("made from   nothing: the whole image"),
    }
    println!("head        {} bytes, {} of them operations", header.head_length(), header.ops_stored);
    println!("payload     {} bytes in {} chunks of {}", header.payload, header.chunks, header.chunk_size);
    let mut kinds = [
        ("zero", 0, 0_u64),
        ("copied", 0, 0),
        ("compressed against the old image", 0, 0),
        ("compressed", 0, 0),
        ("as they are", 0, 0),
    ];
    for placed in head.ops.iter() {
        let kind = &mut kinds[match placed.op {
            Op::Zero => 0,
            Op::Copy(..) => 1,
            Op::Zstd { reference: Some(_), .. } => 2,
            Op::Zstd { reference: None, .. } => 3,
            Op::Raw => 4,
        }];
        kind.1 += 1;
        kind.2 += u64::from(placed.blocks);
    }
    for (kind, count, blocks) in kinds {
        println!("{blocks:>11} blocks {kind}, in {count} operations");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
