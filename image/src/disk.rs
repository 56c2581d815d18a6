//! The whole disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::generate;
use crate::layout::{Layout, Partition};
use crate::run;

/// Images of partitions.
pub struct Parts {
    /// The EFI system partition.
    pub esp: PathBuf,
    /// The boot slot, the same for both.
    pub boot: PathBuf,
    /// The root slot with its hash tree, the same for both.
    pub root: PathBuf,
}

impl Parts {
    /// What a partition is delivered with: only the first slot is filled.
    fn of(&self, partition: &Partition) -> Option<&Path> {
        match (partition.label.as_str(), partition.slot.as_deref(), partition.image.as_deref()) {
            ("esp", _, _) => Some(&self.esp),
            (_, Some("A"), Some("boot")) => Some(&self.boot),
            (_, Some("A"), Some("root")) => Some(&self.root),
            _ => None,
        }
    }
}

/// Puts a disk together.
///
/// # Errors
/// systemd-repart fails.
pub fn make(layout: &Layout, parts: &Parts, work: &Path, out: &Path) -> anyhow::Result<()> {
    let definitions = work.join("repart.d");
    crate::tree::remove(&definitions)?;
    let file = |partition: &Partition| parts.of(partition).map(|path| path.display().to_string());
    for (name, text) in generate::disk_definitions(layout, file) {
        run::write(&definitions.join(name), text)?;
    }
    if out.exists() {
        fs::remove_file(out)?;
    }
    let mut repart = Command::new("systemd-repart");
    repart.args(["--empty=create", "--size=auto", "--dry-run=no", "--no-pager"]);
    repart.arg(format!("--definitions={}", definitions.display()));
    repart.arg(format!("--seed={}", layout.disk_seed)).arg(out);
    run::quietly(&mut repart)?;
    // What is empty takes no room, and a block map leaves it out.
    run::quietly(Command::new("fallocate").arg("--dig-holes").arg(out))
}
