//! What the slot writer believes, in a folder of its own. Whatever is lost of it is asked for again; only the floor
//! and the TUF root are memory that nothing replaces.
//!
//! | file | what |
//! |---|---|
//! | `root.json`, `timestamp.json`, `snapshot.json`, `targets.json` | the metadata that was believed |
//! | `floor.json` | the lowest release that is allowed, and the newest time that was seen signed |
//! | `release-N.json` | manifests that were believed: the running release's, and the wished one's |
//! | `slot-A.json`, `slot-B.json` | what was written there, from which files, and whether it was read back |
//! | `HASH.head` | heads of the files that are being applied |

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use protocol::text::{Hex32, hex};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::boot::Written;
use crate::chooser::Slot;
use crate::files;
use crate::release::Manifest;
use crate::trust::Kept as KeptTrust;

/// What is kept.
pub(super) struct Kept {
    folder: PathBuf,
}

/// What never goes back.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Floor {
    /// The lowest release that is allowed.
    pub(super) release: u64,
    /// s since 1970: when the newest release that was believed was built.
    pub(super) built_s: i64,
}

/// What is in a slot.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Content {
    /// The release that is written there.
    pub(super) release: u64,
    /// Heads of the files that it is made from, in the order of the manifest's images.
    pub(super) heads: Vec<Hex32>,
    /// If RAUC has written it out of a bundle: what it says of each image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bundle: Option<BTreeMap<String, Written>>,
    /// All of it was read back and is right.
    pub(super) proven: bool,
}

impl Kept {
    /// In this folder, with this first root if none is kept yet.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Where the metadata is; begun with `root` if there is none.
    ///
    /// # Errors
    /// The first root is none.
    pub(super) fn trust(&self, root: &Path) -> io::Result<KeptTrust> {
        let kept = KeptTrust::in_folder(&self.folder);
        if !self.folder.join("root.json").exists() {
            kept.init(&std::fs::read(root)?).map_err(io::Error::other)?;
        }
        Ok(kept)
    }

    /// What never goes back; nothing, if it was never written.
    ///
    /// # Errors
    /// It is there and cannot be read: no release is believed then.
    pub(super) fn floor(&self) -> io::Result<Floor> {
        match std::fs::read(self.folder.join("floor.json")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Floor::default()),
            read => serde_json::from_slice(&read?).map_err(|error| {
                io::Error::other(format!("{}: {error}", self.folder.join("floor.json").display()))
            }),
        }
    }

    /// Raises what never goes back.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn raise(&self, release: u64, built_s: i64) -> io::Result<()> {
        let now = self.floor()?;
        let next = Floor { release: now.release.max(release), built_s: now.built_s.max(built_s) };
        self.write("floor.json", &next)
    }

    /// A manifest that was believed.
    pub(super) fn manifest(&self, release: u64) -> Option<Manifest> {
        let bytes = std::fs::read(self.folder.join(format!("release-{release}.json"))).ok()?;
        Manifest::parse(&bytes).ok()
    }

    /// Keeps the manifests that are believed now, and no others.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn keep_manifests(&self, manifests: &[Manifest]) -> io::Result<()> {
        let name = |manifest: &Manifest| format!("release-{}.json", manifest.release);
        manifests.iter().try_for_each(|manifest| self.write(&name(manifest), manifest))?;
        let kept: Vec<String> = manifests.iter().map(name).collect();
        self.prune(|file| file.starts_with("release-") && !kept.iter().any(|it| it == file))
    }

    /// What is in a slot, as far as it was written here.
    pub(super) fn content(&self, slot: Slot) -> Content {
        self.read(&content_name(slot)).unwrap_or_default()
    }

    /// Writes down what is in a slot.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn set_content(&self, slot: Slot, content: &Content) -> io::Result<()> {
        self.write(&content_name(slot), content)?;
        let kept: Vec<String> = content.heads.iter().map(|head| head_name(*head)).collect();
        self.prune(|file| file.ends_with(".head") && !kept.iter().any(|it| it == file))
    }

    /// A head of this hash.
    pub(super) fn head(&self, sha256: Hex32) -> Option<Vec<u8>> {
        let bytes = std::fs::read(self.folder.join(head_name(sha256))).ok()?;
        (crate::sha256(&bytes) == sha256.0).then_some(bytes)
    }

    /// Keeps a head.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn keep_head(&self, sha256: Hex32, bytes: &[u8]) -> io::Result<()> {
        files::replace_with(&self.folder.join(head_name(sha256)), bytes)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&std::fs::read(self.folder.join(name)).ok()?).ok()
    }

    fn write(&self, name: &str, content: &impl Serialize) -> io::Result<()> {
        files::replace_with(&self.folder.join(name), &serde_json::to_vec(content)?)
    }

    fn prune(&self, is_old: impl Fn(&str) -> bool) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(&is_old) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

fn content_name(slot: Slot) -> String {
    format!("slot-{slot:?}.json")
}

fn head_name(sha256: Hex32) -> String {
    format!("{}.head", hex(&sha256.0))
}
