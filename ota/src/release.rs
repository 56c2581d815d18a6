//! What a release is: the manifest, the one target that is signed of it.

use std::io;

use protocol::text::Hex32;
use serde::{Deserialize, Serialize};

use crate::block::ReadAt;
use crate::verity;

/// A release for one model of kiosk.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this form.
    pub v: u32,
    /// Which kiosks it is for.
    pub model: String,
    /// The processor's architecture, as Rust names it.
    pub arch: String,
    /// The number of the release: the only thing that says which is newer.
    pub release: u64,
    /// For people.
    pub version: String,
    /// The lowest release that is still allowed once this one has proven itself.
    #[serde(default)]
    pub floor: u64,
    /// The lowest release that may be updated to this one directly.
    #[serde(default)]
    pub min_from: u64,
    /// When it was built, s since 1970: the time is never earlier.
    pub built: u64,
    /// What is to be in a slot: all of it or nothing.
    pub images: Vec<ReleaseImage>,
}

/// An image of a slot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReleaseImage {
    /// Which slot: `root`, `boot`.
    pub slot: String,
    /// Its bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: Hex32,
    /// With which its slot is proven while it runs; `None`: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verity: Option<Verity>,
    /// The `.kot` files that make it.
    pub files: Vec<ReleaseFile>,
}

/// What dm-verity needs; the tree follows the image in its slot, see [`crate::verity`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Verity {
    /// Before every block that is hashed. The same for all releases of a model, so that blocks that stay the same keep
    /// their hash.
    pub salt: Hex32,
    /// Of the whole tree.
    pub root_hash: Hex32,
}

impl Verity {
    /// Of an image for this model.
    ///
    /// # Errors
    /// The image cannot be read.
    pub fn of(model: &str, image: &dyn ReadAt) -> io::Result<Self> {
        let salt = crate::sha256(&[b"kiosk verity\0", model.as_bytes()].concat());
        let root_hash = verity::root_hash(image, &salt)?;
        Ok(Self { salt: Hex32(salt), root_hash: Hex32(root_hash) })
    }
}

/// A `.kot` file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReleaseFile {
    /// Where it is, below the repository.
    pub path: String,
    /// SHA-256 of the image that it needs; `None`: it needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed_sha256: Option<Hex32>,
    /// Bytes of the file.
    pub length: u64,
    /// Bytes of its head.
    pub head_length: u64,
    /// SHA-256 of its head, which pins the rest.
    pub head_sha256: Hex32,
}

/// A manifest that is none.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It cannot be read.
    #[error("the manifest cannot be read")]
    Malformed(#[from] serde_json::Error),
    /// Of a later form.
    #[error("version {0} of the manifest is not known here")]
    Version(u32),
    /// It lacks something, or says something that cannot be.
    #[error("the manifest is wrong: {0}")]
    Wrong(String),
}

impl Manifest {
    /// Whether it is the same release, however its images are come by and whenever that was written down.
    pub fn is_as(&self, other: &Self) -> bool {
        let bare = |it: &Self| {
            let mut it = Self { built: 0, ..it.clone() };
            it.images.iter_mut().for_each(|image| image.files.clear());
            it
        };
        bare(self) == bare(other)
    }

    /// Takes over the ways to its images that an earlier manifest of this release has besides.
    pub fn keep_files_of(&mut self, before: &Self) {
        for image in &mut self.images {
            let known = before.images.iter().filter(|it| it.slot == image.slot).flat_map(|it| &it.files);
            for file in known {
                if !image.files.iter().any(|it| it.seed_sha256 == file.seed_sha256) {
                    image.files.push(file.clone());
                }
            }
        }
    }

    /// Version of the form that is written and read here. Fields only get added.
    pub const FORM: u32 = 1;

    /// Reads a manifest.
    ///
    /// # Errors
    /// It is none, of a later form, or says what cannot be.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_slice(bytes)?;
        if manifest.v != Self::FORM {
            return Err(ManifestError::Version(manifest.v));
        }
        manifest.check().map_err(ManifestError::Wrong)?;
        Ok(manifest)
    }

    /// Checks what types do not.
    ///
    /// # Errors
    /// What is wrong, for a person.
    pub fn check(&self) -> Result<(), String> {
        let is_name = |text: &str| {
            let known =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
            !text.is_empty() && text.len() <= 64 && text.bytes().all(known) && !text.starts_with('.')
        };
        if !is_name(&self.model) {
            return Err(format!("{:?} is no model: small letters, digits, - _ .", self.model));
        }
        if self.release == 0 || self.floor > self.release || self.min_from >= self.release {
            return Err("release, floor and min_from contradict each other".to_owned());
        }
        if self.images.is_empty() {
            return Err("it has no image".to_owned());
        }
        for image in &self.images {
            if !is_name(&image.slot) || self.images.iter().filter(|it| it.slot == image.slot).count() > 1 {
                return Err(format!("{:?} is no slot, or is there twice", image.slot));
            }
            if image.files.iter().all(|file| file.seed_sha256.is_some()) {
                return Err(format!("of {} there is no file that needs no earlier image", image.slot));
            }
            let leads_away = |path: &str| {
                path.starts_with('/') || path.split('/').any(|part| part.is_empty() || part == "..")
            };
            if let Some(file) = image.files.iter().find(|file| leads_away(&file.path)) {
                return Err(format!("the path {:?} leads out of the repository", file.path));
            }
        }
        Ok(())
    }

    /// The name of its target.
    pub fn name(&self) -> String {
        Self::name_of(&self.model, self.release)
    }

    /// The name that the target of a release has.
    pub fn name_of(model: &str, release: u64) -> String {
        format!("release-{model}-{release}.json")
    }
}
