//! The kiosk's own recogniser beside it: `kiosk-asr` in a process of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Process;
use crate::rig::{RigOptions, program};

/// The recogniser. What it prints and what it leaves in its temporary folder is kept.
#[derive(Debug)]
pub struct Hearing {
    asr: Process,
    dir: PathBuf,
}

impl Hearing {
    /// Starts it; its socket appears in the folder once its model is loaded.
    ///
    /// # Errors
    /// It was not built, or the folder cannot be written.
    pub fn start(dir: &Path) -> anyhow::Result<Self> {
        let temporary = temporary(dir);
        std::fs::create_dir_all(&temporary)?;
        let log = std::fs::File::options().create(true).append(true).open(dir.join("kiosk-asr.log"))?;
        let mut command = Command::new(program(&RigOptions::default(), "kiosk-asr")?);
        command.arg("--socket").arg(socket(dir)).env("TMPDIR", &temporary).current_dir(&temporary);
        command.stdout(log.try_clone()?).stderr(log);
        Ok(Self { asr: Process::start("kiosk-asr", &mut command)?, dir: dir.to_owned() })
    }

    /// The section of the kiosk's settings, for a microphone that is this file.
    pub fn settings(&self, said: &Path) -> String {
        settings(&self.dir, said)
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.asr.is_running()
    }

    /// Kills it at once.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.asr.kill()
    }
}

/// The section of the kiosk's settings for a recogniser in this folder.
pub fn settings(dir: &Path, said: &Path) -> String {
    format!("[voice]\nwav = {said:?}\nrecogniser = 'unix://{}'\n", socket(dir).display())
}

/// Where a recogniser in this folder listens.
pub fn socket(dir: &Path) -> PathBuf {
    dir.join("asr.sock")
}

/// Its folder for temporary files.
pub fn temporary(dir: &Path) -> PathBuf {
    dir.join("asr-tmp")
}
