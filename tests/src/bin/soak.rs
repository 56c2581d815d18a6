//! `./dev soak`: the long versions of what `./dev test` runs briefly.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tests::{chaos, rollout, updates};

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
    /// Roll out two bad releases and a good one; ends well only if the bad ones hurt few kiosks, the good one arrives
    /// everywhere, and no site ever lost more of its kiosks than its limit.
    Rollout {
        /// Simulated kiosks.
        #[arg(long, default_value_t = 1000)]
        kiosks: u32,
        /// Everything random follows from it.
        #[arg(long, default_value_t = 1)]
        seed: u64,
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
    let own = std::env::current_exe()?;
    let programs = own.parent().context("a program lies in a folder")?;
    match Arguments::parse().what {
        What::Chaos { minutes, seed, kiosks, dir } => break_things(programs, (minutes, seed, kiosks), dir),
        What::Rollout { kiosks, seed, dir } => roll_out(programs, kiosks, seed, dir),
        What::Update { kills, seed, dir } => {
            let updates = updates::kill_at_random(&folder("update", dir)?, kills, seed)?;
            println!("update: {kills} kills in {updates} updates, each ended with the new release");
            Ok(())
        }
    }
}

/// The folder for data and logs.
fn folder(what: &str, dir: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let usual = || std::env::temp_dir().join(format!("kioskd-{what}-{}", std::process::id()));
    let dir = dir.unwrap_or_else(usual);
    std::fs::create_dir_all(&dir)?;
    // Programs that are started elsewhere get it, too.
    let dir = dir.canonicalize()?;
    println!("{what}: data and logs are in {}", dir.display());
    Ok(dir)
}

fn roll_out(programs: &Path, kiosks: u32, seed: u64, dir: Option<PathBuf>) -> anyhow::Result<()> {
    let limit = Duration::from_secs(30 * 60);
    let (dir, programs) = (folder("rollout", dir)?, programs.to_owned());
    let summary = rollout::run(&rollout::Options { dir, programs, kiosks, limit, seed })?;
    println!(
        "rollout: {} and {} of {kiosks} kiosks hurt by bad releases; {} run the good one after {:.0} s; never more than \
         {} of a site away",
        summary.hurt[0],
        summary.hurt[1],
        summary.good,
        summary.took.as_secs_f64(),
        summary.most_away
    );
    Ok(())
}

fn break_things(
    programs: &Path,
    (minutes, seed, kiosks): (u64, u64, u32),
    dir: Option<PathBuf>,
) -> anyhow::Result<()> {
    let summary = chaos::run(&chaos::Options {
        dir: folder("chaos", dir)?,
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
