//! `kiosk-ota chooser`: which slot is booted, kept in a file; RAUC's custom back end
//! (<https://rauc.readthedocs.io/en/latest/integration.html#custom>).

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use ota::boot::FileChooser;
use ota::chooser::{self, Slot};

/// Which slot is booted.
#[derive(Args)]
pub(crate) struct Chooser {
    /// Where it is kept; one that is not there begins with slot A good and slot B bad.
    #[arg(long)]
    file: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Print the slot that the next boot begins with.
    GetPrimary,
    /// Boot this slot next, on trial.
    SetPrimary { slot: Name },
    /// Print whether a slot is good or bad.
    GetState { slot: Name },
    /// Say whether a slot is good or bad.
    SetState { slot: Name, state: State },
    /// Print the slot to boot now, and count the boot if it is on trial: what a loader does.
    Boot,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "UPPER")]
enum Name {
    A,
    B,
}

#[derive(Clone, Copy, ValueEnum)]
enum State {
    Good,
    Bad,
}

impl Chooser {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let mut file =
            FileChooser::open(&self.file).with_context(|| format!("cannot open {}", self.file.display()))?;
        let mut chooser = chooser::Chooser::read(&mut file)?;
        let before = chooser.clone();
        match &self.verb {
            Verb::GetPrimary => tell!("{:?}", chooser.primary()),
            Verb::SetPrimary { slot } => chooser.activate(slot.of()),
            Verb::GetState { slot } => {
                tell!("{}", if chooser.is_good(slot.of()) { "good" } else { "bad" })
            }
            Verb::SetState { slot, state: State::Good } => chooser.mark_good(slot.of()),
            Verb::SetState { slot, state: State::Bad } => chooser.mark_bad(slot.of()),
            Verb::Boot => tell!("{:?}", chooser.boot()),
        }
        if chooser != before {
            chooser.write(&mut file).with_context(|| format!("cannot write {}", self.file.display()))?;
        }
        Ok(())
    }
}

impl Name {
    fn of(self) -> Slot {
        match self {
            Self::A => Slot::A,
            Self::B => Slot::B,
        }
    }
}
