//! The whole disk, and the forms in which it is handed out.

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

/// The disk compressed, its block map and the checksums of both.
///
/// # Errors
/// A tool is missing.
pub fn pack(img: &Path, best: bool) -> anyhow::Result<()> {
    let with = |end: &str| PathBuf::from(format!("{}.{end}", img.display()));
    let level = if best { "-19" } else { "-3" };
    run::quietly(Command::new("zstd").args(["-q", "-T0", level, "-f", "-o"]).arg(with("zst")).arg(img))?;
    run::quietly(Command::new("bmaptool").args(["-q", "create", "-o"]).arg(with("bmap")).arg(img))?;
    let mut sums = String::new();
    for path in [img.to_owned(), with("zst"), with("bmap")] {
        let sum = run::output(Command::new("sha256sum").arg("--").arg(&path))?;
        let sum = sum.split(' ').next().unwrap_or_default();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        sums.push_str(&format!("{sum}  {name}\n"));
    }
    run::write(&with("sha256"), sums)
}
