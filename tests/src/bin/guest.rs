//! `./dev vm --script`: what a customer does, in a guest that boots the real image.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use image::vm::Options;
use tests::guest;

/// Performs something in a guest and saves what its screen shows.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    vm: Options,
    /// What is performed.
    #[arg(long, value_enum)]
    script: Script,
    /// Of the mishaps, and of what is cut short, only those with this in their names.
    #[arg(long, value_name = "WORDS", default_value = "")]
    only: String,
    /// The folder of our programs, for scripts that make releases.
    #[arg(long, value_name = "DIR", default_value = "target/release")]
    programs: PathBuf,
    /// Where pictures go.
    #[arg(long, value_name = "DIR", default_value = "pictures")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Script {
    /// A whole order: fingers, scanner, card, receipt.
    Order,
    /// Plugs that are pulled, a daemon that hangs, a full disk, cuts of the power and more; it sells after each.
    Mishaps,
    /// A release on trial that proves itself, and one with broken blocks that is left again.
    Trials,
    /// An update by a fleet, from the makers' keys to the proof. Makes its own disks.
    Update,
    /// Bad releases by a fleet: one crashes, one hangs, one finds no display; each is left. Makes its own disks.
    Fallbacks,
    /// An order and an update, all writes recorded, and the power cut at every flush. Makes disks for the update.
    Cuts,
}

fn main() -> anyhow::Result<()> {
    let Arguments { vm, script, only, programs, out } = Arguments::parse();
    match script {
        Script::Order => guest::order::perform(&vm, &out),
        Script::Mishaps => guest::mishaps::perform(&vm, &out, &only),
        Script::Trials => guest::trials::perform(&vm),
        Script::Update => guest::update::perform(&vm, &programs),
        Script::Fallbacks => guest::fallbacks::perform(&vm, &programs),
        Script::Cuts => guest::cuts::perform(&vm, &programs, &out, &only),
    }
}
