//! `./dev soak`: the long versions of what `./dev test` runs briefly.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tests::{chaos, updates};

/// Breaks things for a long time.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Kill, freeze and cut everything between kiosks and the fleet's books; ends well only if every event is in
    /// the books exactly once.
    Chaos {
        /// Minutes of faults.
        #[arg(long, default_value_t = 5)]
        minutes: u64,
        /// The whole schedule follows from it.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Simulated kiosks.
        #[arg(long, default_value_t = 50)]
        kiosks: u32,
        /// Folder for data and logs; kept.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Kill the daemon and the slot writer at random moments of updates; ends well only if every update ends with the
    /// new release, whole in its slot and proven.
    Update {
        /// How often.
        #[arg(long, default_value_t = 1000)]
        kills: u32,
        /// Every moment follows from it.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Folder for data and logs of an update that goes wrong.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().what {
        What::Chaos { minutes, seed, kiosks, dir } => chaos(minutes, seed, kiosks, dir),
        What::Update { kills, seed, dir } => {
            let dir = dir.unwrap_or_else(|| beside("update"));
            let updates = updates::kill_at_random(&dir, kills, seed)?;
            println!("update: {kills} kills in {updates} updates, each ended with the new release");
            Ok(())
        }
    }
}

fn beside(what: &str) -> PathBuf {
    std::env::temp_dir().join(format!("kioskd-{what}-{}", std::process::id()))
}

fn chaos(minutes: u64, seed: u64, kiosks: u32, dir: Option<PathBuf>) -> anyhow::Result<()> {
    let own = std::env::current_exe()?;
    let programs = own.parent().context("a program lies in a folder")?;
    let dir = dir.unwrap_or_else(|| beside("chaos"));
    println!("chaos: data and logs are in {}", dir.display());
    let summary = chaos::run(&chaos::Options {
        dir,
        fleetd: programs.join("fleetd"),
        sim: programs.join("sim"),
        kiosks,
        seconds: minutes * 60,
        drain_seconds: 180,
        sales_per_minute: kiosks * 12,
        seed,
    })?;
    println!(
        "chaos: {} events, each in the books exactly once; {} sales denied; {} faults; {} connections lost",
        summary.events, summary.denied, summary.faults, summary.lost
    );
    Ok(())
}
