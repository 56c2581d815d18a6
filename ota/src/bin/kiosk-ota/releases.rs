//! `release`, `publish` and `verify`: repositories.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ota::release::{Manifest, ReleaseFile, ReleaseImage, Verity};
use ota::repository::Repository;
use ota::trust::Role;
use protocol::text::{Hex32, hex};

use crate::images::{self, Level};

#[derive(clap::Args)]
pub(crate) struct Release {
    /// The repository.
    repository: PathBuf,
    /// Which kiosks it is for.
    #[arg(long)]
    model: String,
    /// The processor's architecture.
    #[arg(long, default_value = std::env::consts::ARCH)]
    arch: String,
    /// The number of the release: higher than all before.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=NUMBER_MAX))]
    number: u64,
    /// Its name for people.
    #[arg(long = "name", value_name = "VERSION", value_parser = version)]
    version: String,
    /// No release below this one is allowed any more once this one has proven itself.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    floor: u64,
    /// Releases below this one cannot be updated directly.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    min_from: u64,
    /// The image of a slot.
    #[arg(long, required = true, value_name = "SLOT=IMAGE", value_parser = slot_and_path)]
    image: Vec<(String, PathBuf)>,
    /// An earlier image of that slot, from which a delta is made. May be given several times.
    #[arg(long, value_name = "SLOT=IMAGE", value_parser = slot_and_path)]
    from: Vec<(String, PathBuf)>,
    /// How long the list of releases holds.
    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
    #[command(flatten)]
    level: Level,
}

#[derive(clap::Args)]
pub(crate) struct Publish {
    /// The repository.
    repository: PathBuf,
    /// The online key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// How long the snapshot holds.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    snapshot_days: u32,
    /// How long the timestamp holds.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    timestamp_days: u32,
}

#[derive(clap::Args)]
pub(crate) struct Verify {
    /// The repository.
    repository: PathBuf,
    /// The root that kiosks were made with.
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
}

pub(crate) fn slot_and_path(text: &str) -> Result<(String, PathBuf), String> {
    let (slot, path) = text.split_once('=').ok_or("write it as slot=file, for example root=kiosk.img")?;
    Ok((slot.to_owned(), path.into()))
}

/// What people call a release: it stands in tables and in the names of files.
fn version(text: &str) -> Result<String, String> {
    let is_fit = |letter: char| !letter.is_control() && letter != '/';
    if text.trim().is_empty() || text.chars().count() > VERSION_MAX || !text.chars().all(is_fit) {
        return Err(format!("1 to {VERSION_MAX} letters, no slash among them"));
    }
    Ok(text.to_owned())
}

/// Now, in s since 1970, or what `SOURCE_DATE_EPOCH` says: so the same release can be made again.
fn built() -> anyhow::Result<u64> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => {
            text.parse().with_context(|| format!("SOURCE_DATE_EPOCH={text}: it has to be s since 1970"))
        }
        Err(_) => Ok(u64::try_from(crate::in_days(0).0).unwrap_or(0)),
    }
}

/// The largest number that JSON and databases keep exactly.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// Letters of a name for people.
const VERSION_MAX: usize = 64;

/// A delta is only worth its place if it is well below the whole image.
const WORTH: (u64, u64) = (4, 5);

impl Release {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        for (slot, path) in &self.from {
            let known = self.image.iter().any(|(known, _)| known == slot);
            anyhow::ensure!(known, "--from {slot}={}: there is no --image {slot}=...", path.display());
        }
        let repository = Repository::at(&self.repository);
        let highest = repository.highest_signed(&self.model)?.unwrap_or(0);
        let taken =
            || format!("release {highest} of {} is signed: another one gets a higher number", self.model);
        anyhow::ensure!(self.number >= highest, taken());
        let images = self.image.iter().map(|(slot, image)| self.image(slot, image));
        let mut manifest = Manifest {
            v: Manifest::FORM,
            model: self.model.clone(),
            arch: self.arch.clone(),
            release: self.number,
            version: self.version.clone(),
            floor: self.floor,
            min_from: self.min_from,
            built: built()?,
            images: images.collect::<anyhow::Result<_>>()?,
        };
        // It may get more files to come by the same images.
        let before =
            if self.number == highest { repository.manifest(&self.model, self.number)? } else { None };
        anyhow::ensure!(before.as_ref().is_none_or(|before| before.is_as(&manifest)), taken());
        for ((slot, image), it) in self.image.iter().zip(&mut manifest.images) {
            it.files = self.files(slot, image, it.sha256.0)?;
        }
        if let Some(before) = before {
            manifest.keep_files_of(&before);
        }
        let version = repository.add_release(&manifest, crate::in_days(self.days))?;
        tell!(
            "release {} is in targets {version}. The holders of the release keys have to sign them:",
            self.number
        );
        tell!("  kiosk-ota sign {} targets --key FILE", self.repository.display());
        Ok(())
    }

    /// What an image is; how to come by it is made later.
    fn image(&self, slot: &str, image: &Path) -> anyhow::Result<ReleaseImage> {
        let cannot = || format!("cannot read {}", image.display());
        let sha256 = hash_of(image)?;
        let verity =
            Verity::of(&self.model, &File::open(image).with_context(cannot)?).with_context(cannot)?;
        tell!("{slot}: dm-verity root hash {}", hex(&verity.root_hash.0));
        Ok(ReleaseImage {
            slot: slot.to_owned(),
            size: image.metadata()?.len(),
            sha256: Hex32(sha256),
            verity: Some(verity),
            files: Vec::new(),
        })
    }

    fn files(&self, slot: &str, image: &Path, sha256: ota::Hash) -> anyhow::Result<Vec<ReleaseFile>> {
        let folder = format!("images/{}", hex(&sha256));
        std::fs::create_dir_all(self.repository.join(&folder))
            .with_context(|| format!("cannot write {}", self.repository.display()))?;
        let full = self.file((image, sha256), None, format!("{folder}/full.kot"))?;
        let mut files = vec![full];
        for (_, from) in self.from.iter().filter(|(from, _)| from == slot) {
            let seed = hash_of(from)?;
            let path = format!("{folder}/from-{}.kot", hex(&seed));
            let is_new = !self.repository.join(&path).exists();
            let delta = self.file((image, sha256), Some((from, seed)), path)?;
            if delta.length * WORTH.1 > files[0].length * WORTH.0 {
                tell!("  (left out: hardly smaller than the whole image)");
                if is_new {
                    std::fs::remove_file(self.repository.join(&delta.path))?;
                }
            } else {
                files.push(delta);
            }
        }
        Ok(files)
    }

    fn file(
        &self,
        (image, sha256): (&Path, ota::Hash),
        from: Option<(&PathBuf, ota::Hash)>,
        path: String,
    ) -> anyhow::Result<ReleaseFile> {
        let seed = from.map(|(path, _)| path.as_path());
        let out = self.repository.join(&path);
        // Somebody may have signed it already, and another tool or level would give other bytes.
        let report = match images::made(&out, from.map(|(_, sha256)| sha256), sha256) {
            Some(report) => report,
            None => images::make(seed, image, &out, self.level)?,
        };
        tell!("{path}: {} bytes", report.length);
        Ok(ReleaseFile {
            path,
            seed_sha256: from.map(|(_, sha256)| Hex32(sha256)),
            length: report.length,
            head_length: report.head_length,
            head_sha256: Hex32(report.head_sha256),
        })
    }
}

fn hash_of(image: &Path) -> anyhow::Result<ota::Hash> {
    let cannot = || format!("cannot read {}", image.display());
    ota::sha256_of(&mut File::open(image).with_context(cannot)?).with_context(cannot)
}

impl Publish {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let key = crate::keys::secret(&self.key)?;
        let (snapshot, timestamp) = (crate::in_days(self.snapshot_days), crate::in_days(self.timestamp_days));
        let repository = Repository::at(&self.repository);
        for role in [Role::Targets, Role::Root] {
            let signed = repository.signed(role)?;
            anyhow::ensure!(
                signed.iter().all(|(count, threshold)| count >= threshold),
                "{role}: {}; nobody would believe it",
                crate::keys::signatures(&signed)
            );
        }
        crate::keys::may_sign(&repository, Role::Timestamp, &key)?;
        let version = repository.publish(&key, snapshot, timestamp)?;
        tell!("published as snapshot {version}");
        Ok(())
    }
}

impl Verify {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let root =
            std::fs::read(&self.root).with_context(|| format!("cannot read {}", self.root.display()))?;
        let releases = Repository::at(&self.repository).verify(&root, crate::in_days(0).0)?;
        for release in &releases {
            let version = release.version.escape_debug();
            tell!("{} {} ({version}) for {}", release.model, release.release, release.arch);
        }
        tell!("{} releases, every byte proven", releases.len());
        Ok(())
    }
}
