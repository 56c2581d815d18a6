//! Makers of releases, with `kiosk-ota` in a folder of theirs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

/// Whoever makes releases: the keys `root` and `release` are in the folder.
pub(crate) struct Makers {
    tool: PathBuf,
    dir: PathBuf,
}

impl Makers {
    /// They work in `dir`, with this `kiosk-ota`.
    pub(crate) fn at(tool: PathBuf, dir: &Path) -> Self {
        Self { tool, dir: dir.to_owned() }
    }

    /// What `kiosk-ota` says.
    pub(crate) fn call(&self, words: &[&str]) -> anyhow::Result<String> {
        let output =
            Command::new(&self.tool).args(words).current_dir(&self.dir).output().context("kiosk-ota")?;
        let error = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "kiosk-ota {words:?}: {error}");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Begins a repository whose snapshots and timestamps are signed with this public key.
    pub(crate) fn begin(&self, repository: &str, online_key: &str) -> anyhow::Result<()> {
        for key in ["root", "release"] {
            self.call(&["keys", "new", key])?;
        }
        let root = ["root", repository, "--root-key", "root.pub", "--release-key", "release.pub"];
        self.call(&[&root[..], &["--online-key", online_key]].concat())?;
        self.call(&["sign", repository, "root", "--key", "root"])?;
        Ok(())
    }
}
