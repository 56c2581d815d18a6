//! `kiosk-ota`: makes releases, and puts them into place.

/// Prints a line.
macro_rules! tell {
    ($($words:tt)*) => {
        crate::say(&format!("{}\n", format_args!($($words)*)))?
    };
}

mod bundle;
mod chooser;
mod images;
mod keys;
mod releases;

use clap::{Parser, Subcommand};

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
    Build(images::Build),
    /// Show what is in a .kot file.
    Info(images::Info),
    /// Make the new image of a .kot file, and read it back.
    Apply(images::Apply),
    /// Make keys, and show their public halves.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Say in a new root whose keys count: the first of a repository, or the next, for other keys or a later end.
    Root(keys::Root),
    /// Add a release to a repository: its files, its manifest, and the targets that list it.
    Release(releases::Release),
    /// Sign the newest root or targets of a repository. Every holder does this on their own machine.
    Sign(keys::Sign),
    /// Publish the newest targets with the online key.
    Publish(releases::Publish),
    /// Make a RAUC bundle of a release, for USB sticks and for systems that have RAUC and nothing of ours.
    Bundle(bundle::Bundle),
    /// Ask and say which slot is booted, where a file stands for the boot loader.
    Chooser(chooser::Chooser),
    /// Prove a repository as a kiosk does: signatures, versions, dates, and every byte of every file.
    Verify(releases::Verify),
}

fn main() -> std::process::ExitCode {
    let done = match Arguments::parse().command {
        Command::Build(it) => it.run(),
        Command::Info(it) => it.run(),
        Command::Apply(it) => it.run(),
        Command::Keys(it) => it.run(),
        Command::Root(it) => it.run(),
        Command::Release(it) => it.run(),
        Command::Sign(it) => it.run(),
        Command::Publish(it) => it.run(),
        Command::Bundle(it) => it.run(),
        Command::Chooser(it) => it.run(),
        Command::Verify(it) => it.run(),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kiosk-ota: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// Prints; whoever reads only the first lines (`| head`) has had enough.
fn say(text: &str) -> std::io::Result<()> {
    use std::io::{ErrorKind, Write as _};
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// A time so many days from now.
fn in_days(days: u32) -> ota::repository::Expiry {
    ota::repository::Expiry(jiff::Timestamp::now().as_second().saturating_add(i64::from(days) * 86_400))
}
