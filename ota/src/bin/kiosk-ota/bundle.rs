//! `bundle`: the same release for any system that RAUC installs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use clap::ValueEnum;

use crate::releases::slot_and_path;

/// Make a bundle of a release, with the distribution's `rauc`.
#[derive(clap::Args)]
pub(crate) struct Bundle {
    /// Where it goes: release.raucb.
    out: PathBuf,
    /// Which kiosks it is for: `compatible` in RAUC's system.conf.
    #[arg(long)]
    model: String,
    /// The number of the release.
    #[arg(long)]
    number: u64,
    /// Its name for people.
    #[arg(long = "name", value_name = "VERSION")]
    version: String,
    /// The image of a slot.
    #[arg(long, required = true, value_name = "SLOT=IMAGE", value_parser = slot_and_path)]
    image: Vec<(String, PathBuf)>,
    /// Who signs it: a certificate of RAUC's keyring, PEM.
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// Its key, PEM or PKCS #11.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// How RAUC reads it: `plain` for systems without a device mapper.
    #[arg(long, value_enum, default_value_t = Format::Verity)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Verity,
    Plain,
}

impl Bundle {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        anyhow::ensure!(!self.out.exists(), "{} is there already", self.out.display());
        let beside = self.out.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let content = Content::make(beside)?;
        for (slot, image) in &self.image {
            let to = content.0.join(format!("{slot}.img"));
            let image = image.canonicalize().with_context(|| format!("cannot read {}", image.display()))?;
            std::fs::hard_link(&image, &to)
                .or_else(|_| std::fs::copy(&image, &to).map(drop))
                .with_context(|| format!("cannot read {}", image.display()))?;
        }
        std::fs::write(content.0.join("manifest.raucm"), self.manifest())?;
        let mut rauc = Command::new("rauc");
        rauc.arg("--cert").arg(&self.cert).arg("--key").arg(&self.key).arg("bundle");
        let output = rauc.arg(&content.0).arg(&self.out).output();
        let output = output.context("rauc cannot be run: it comes with the package rauc")?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "rauc: {}", said.trim());
        tell!("{}: {} bytes", self.out.display(), self.out.metadata()?.len());
        Ok(())
    }

    fn manifest(&self) -> String {
        let format = self.format.to_possible_value().map_or_else(String::new, |it| it.get_name().to_owned());
        let images = self.image.iter().map(|(slot, _)| format!("[image.{slot}]\nfilename={slot}.img\n"));
        format!(
            "[update]\ncompatible={}\nversion={}+{}\n[bundle]\nformat={format}\n{}",
            self.model,
            self.version,
            self.number,
            images.collect::<String>()
        )
    }
}

/// What goes into the bundle, gone when dropped.
struct Content(PathBuf);

impl Content {
    fn make(beside: &Path) -> anyhow::Result<Self> {
        let folder = beside.join(format!(".bundle-{}", std::process::id()));
        std::fs::create_dir(&folder).with_context(|| format!("cannot write {}", beside.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
