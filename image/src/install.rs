//! What is laid over Debian's root: our units as they are, our programs, the generated files.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::generate;
use crate::layout::Layout;
use crate::run;

/// Programs of a kiosk.
pub const PROGRAMS: &[&str] = &["kioskd", "kioskctl", "kiosk-asr", "kiosk-slot-writer", "grub-editenv"];

/// Who the image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// A customer's kiosk: no way in.
    Production,
    /// A bench: root on the serial consoles.
    Dev,
}

/// What is installed.
pub struct Install<'a> {
    /// Where the sources are.
    pub checkout: &'a Path,
    /// Where our programs are.
    pub programs: &'a Path,
    /// Who it is for.
    pub variant: Variant,
    /// Number and name of the release.
    pub release: String,
    /// Folders of files that are laid over all others.
    pub overlays: &'a [PathBuf],
    /// The first TUF root and RAUC's certificates, if there are any.
    pub trust: Vec<(PathBuf, &'static str)>,
}

impl Install<'_> {
    /// Puts everything into a root.
    ///
    /// # Errors
    /// Something is missing.
    pub fn apply(&self, layout: &Layout, root: &Path) -> anyhow::Result<()> {
        overlay(&self.checkout.join("systemd"), root)?;
        if self.variant == Variant::Dev {
            overlay(&self.checkout.join("image/dev"), root)?;
        }
        for (name, text) in generate::root_files(layout) {
            run::write(&root.join(name), text)?;
        }
        for name in PROGRAMS {
            copy(&self.programs.join(name), &root.join("usr/bin").join(name), 0o755)?;
        }
        overlay(&self.checkout.join("catalog/alder-and-rye"), &root.join("usr/share/kiosk/catalog"))?;
        for (from, to) in &self.trust {
            copy(from, &root.join(to), 0o644)?;
        }
        run::write(&root.join("usr/lib/kiosk/release"), format!("{}\n", self.release))?;
        for folder in self.overlays {
            overlay(folder, root)?;
        }
        for folder in ["efi", "var", "usr/share/kiosk"] {
            fs::create_dir_all(root.join(folder))?;
        }
        let mut preset = Command::new("systemctl");
        run::quietly(preset.arg(format!("--root={}", root.display())).arg("preset-all"))
    }
}

/// Copies a folder over another: links stay links, files are for all to read, and executable if they are here.
fn overlay(from: &Path, to: &Path) -> anyhow::Result<()> {
    let entries = fs::read_dir(from).with_context(|| from.display().to_string())?;
    fs::create_dir_all(to)?;
    for entry in entries {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            overlay(&path, &target)?;
        } else if kind.is_symlink() {
            if fs::symlink_metadata(&target).is_ok() {
                fs::remove_file(&target)?;
            }
            symlink(fs::read_link(&path)?, &target).with_context(|| target.display().to_string())?;
        } else {
            let executable = entry.metadata()?.permissions().mode() & 0o100 != 0;
            copy(&path, &target, if executable { 0o755 } else { 0o644 })?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path, mode: u32) -> anyhow::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    if fs::symlink_metadata(to).is_ok() {
        fs::remove_file(to)?;
    }
    fs::copy(from, to).with_context(|| format!("{} to {}", from.display(), to.display()))?;
    Ok(fs::set_permissions(to, fs::Permissions::from_mode(mode))?)
}
