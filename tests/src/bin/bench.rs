//! `./dev bench`: measures the kiosk beside its peers.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use tests::bench::{self, Area, Options};

/// Measures the kiosk: a table on the terminal, and JSON for programs.
#[derive(Parser)]
struct Arguments {
    /// What to measure.
    #[arg(value_enum, default_value_t = Area::All)]
    area: Area,
    /// Write the numbers as a JSON array into this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Folder on the disk to measure; beside the programs if not given.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The Python that has python-escpos.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// Orders performed at the mirror for the memory after 500 orders; the others come from the log.
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    orders: u32,
    /// Events that wait in one kiosk until it can reach the fleet.
    #[arg(long, value_name = "COUNT", default_value_t = 100_000)]
    backlog: u32,
    /// Kiosks that are connected to the fleet at once.
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    kiosks: u32,
    /// Let bsdiff have the time it needs for whole images: half an hour and more for each.
    #[arg(long)]
    patient: bool,
    /// An earlier build of kioskd to update from; else one of an earlier commit is built.
    #[arg(long, value_name = "PROGRAM")]
    earlier: Option<PathBuf>,
    /// Save the menu page of kioskd and of Chromium as pictures in this folder.
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// Do a part of the work for another run.
    #[arg(long, hide = true)]
    probe: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let dir = match arguments.dir {
        Some(dir) => dir,
        None => std::env::current_exe()?.parent().context("a program lies in a folder")?.join("bench-data"),
    };
    if let Some(probe) = arguments.probe {
        return bench::probe(&probe, &dir, arguments.orders);
    }
    let Arguments { area, python, orders, backlog, kiosks, patient, earlier, pictures, .. } = arguments;
    if let Some(folder) = &pictures {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let report =
        bench::run(&Options { area, dir, python, orders, backlog, kiosks, patient, earlier, pictures })?;
    println!("{report}");
    if let Some(path) = arguments.json {
        std::fs::write(&path, report.to_json()? + "\n").with_context(|| path.display().to_string())?;
    }
    Ok(())
}
