//! Where releases are kept: a folder that is a TUF repository as `kiosk-ota` makes it, with the fleet's own signatures.
//! Several replicas share the folder, or a bucket of which each has a copy.
//!
//! ```text
//! FOLDER/{metadata,targets,images}/…   published: what kiosks fetch
//! FOLDER/incoming/PUSH/…               pushed, not believed yet; served to nobody, and apart from other pushes
//! FOLDER/checking/…                    both, linked together, while it is proven
//! ```
//! What is published is never changed, only added to and, when a release is forgotten, removed. Blocks on the disk:
//! for threads that may.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ota::release::Manifest;
use ota::repository::{Expiry, Repository, RepositoryError};
use ota::trust::{Role, TrustError};

use super::keys::Keys;
use super::mirror::{Held, Mirror, rank};
use crate::settings;

/// Folders that are published.
pub(super) const FOLDERS: [&str; 3] = ["metadata", "targets", "images"];
/// Longest name of a push.
const PUSH_MAX: usize = 64;
/// Longest part of a path.
const PART_MAX: usize = 200;
/// Largest file: the largest image, and its tables.
const FILE_MAX: u64 = 9 << 30;
/// The snapshot holds so long.
const SNAPSHOT_S: i64 = 7 * 86_400;
/// The timestamp holds so long, and is made anew when half of it is over.
const TIMESTAMP_S: i64 = 2 * 86_400;
/// A push that nobody goes on with is forgotten after so long.
const PUSH_S: u64 = 7 * 86_400;
/// Snapshots that are kept: whoever fetched the timestamp before may still ask for an earlier one.
const SNAPSHOTS_KEPT: u64 = 10;

/// Something cannot be stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("{0:?} is no path of the repository")]
    Path(String),
    #[error("{0:?} is no name of a push: letters, digits, - and _")]
    Push(String),
    #[error("{found} bytes of it are here, not {told}")]
    Offset { found: u64, told: u64 },
    #[error("it would be longer than {FILE_MAX} bytes")]
    TooLarge,
    #[error("nothing was pushed")]
    Nothing,
    /// What was pushed is not what is published already.
    #[error("{0} is published already with another content")]
    Other(String),
    /// A kiosk would not believe it.
    #[error(transparent)]
    Unbelieved(RepositoryError),
    #[error("what came has the SHA-256 {is}, not {told}")]
    Damaged { is: String, told: String },
    #[error("the bucket of releases: {path}")]
    Bucket {
        path: String,
        #[source]
        source: Box<object_store::Error>,
    },
    #[error("the store of releases: {path}")]
    Disk {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

pub(super) type Result<T> = std::result::Result<T, StoreError>;

/// The folder.
#[derive(Clone)]
pub(crate) struct Store {
    folder: Arc<Path>,
    keys: Arc<Keys>,
    mirror: Option<Arc<Mirror>>,
}

impl Store {
    pub(crate) fn new(folder: &Path, keys: Arc<Keys>) -> Self {
        Self { folder: folder.into(), keys, mirror: None }
    }

    /// Of a bucket that others have, too.
    pub(crate) fn of_bucket(self, bucket: &settings::Bucket) -> anyhow::Result<Self> {
        Ok(Self { mirror: Some(Arc::new(Mirror::new(bucket)?)), ..self })
    }

    /// Makes the folder as the bucket is, if there is one, and keeps others of this process from changing it.
    pub(super) fn hold(&self) -> Result<Option<Held<'_>>> {
        self.mirror.as_ref().map(|mirror| mirror.hold(&self.folder)).transpose()
    }

    /// The file of a path in the repository, whether it is there or not. The only way from a path to a file.
    pub(crate) fn path(&self, path: &str) -> Result<PathBuf> {
        is_path(path).then(|| self.folder.join(path)).ok_or_else(|| StoreError::Path(path.to_owned()))
    }

    /// Where the files of a push wait to be believed.
    fn incoming(&self, push: &str) -> Result<PathBuf> {
        let is_one = is_part(push) && push.len() <= PUSH_MAX;
        is_one
            .then(|| self.folder.join("incoming").join(push))
            .ok_or_else(|| StoreError::Push(push.to_owned()))
    }

    /// How many bytes of a file are published or came with this push, and whether it is published.
    pub(crate) fn received(&self, push: &str, path: &str) -> Result<(u64, bool)> {
        let incoming = self.incoming(push)?;
        let length = |path: PathBuf| fs::metadata(path).map(|about| about.len()).ok();
        let published = length(self.path(path)?);
        let pushed = || length(incoming.join(path)).unwrap_or(0);
        Ok(published.map_or_else(|| (pushed(), false), |length| (length, true)))
    }

    /// Adds to a file that is pushed. At 0 it begins anew.
    pub(crate) fn append(&self, push: &str, path: &str, offset: u64, bytes: &[u8]) -> Result<u64> {
        self.path(path)?;
        write_at(&self.incoming(push)?.join(path), offset, bytes)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Publishes what was pushed if a kiosk would believe it, and throws it away if not. Releases that `is_proven`
    /// were proven before; none of those that are `known` becomes another one. Returns all releases. One caller at a time.
    pub(crate) fn publish(
        &self,
        push: &str,
        now_s: i64,
        known: &[Manifest],
        is_proven: impl Fn(&Manifest) -> bool,
    ) -> Result<Vec<Manifest>> {
        let held = self.hold()?;
        let incoming = self.incoming(push)?;
        let pushed = files(&incoming)?;
        let is_empty = files(&self.folder.join("metadata"))?.is_empty();
        if is_empty && !pushed.iter().any(|path| path.starts_with("metadata")) {
            return Err(StoreError::Nothing);
        }
        let checked = self.check(&incoming, &pushed, now_s, is_proven).and_then(|releases| {
            let key = |it: &Manifest| (it.model.clone(), it.release);
            let other =
                |it: &&Manifest| known.iter().any(|before| key(before) == key(it) && !before.is_as(it));
            match releases.iter().find(other) {
                Some(it) => Err(StoreError::Other(format!("release {} for {}", it.release, it.model))),
                None => Ok(releases),
            }
        });
        let releases = match checked {
            Ok(releases) => releases,
            Err(error) => {
                // What is only not signed as it should be need not be sent again.
                let unsigned = matches!(error, StoreError::Unbelieved(RepositoryError::Trust(_)));
                remove(&if unsigned { incoming.join("metadata") } else { incoming })?;
                return Err(error);
            }
        };
        self.take(&pushed, held)?;
        remove(&incoming)?;
        self.forget_pushes()?;
        Ok(releases)
    }

    /// Forgets pushes that nobody has gone on with for long.
    fn forget_pushes(&self) -> Result<()> {
        let all = self.folder.join("incoming");
        let is_old = |path: &PathBuf| {
            let changed = fs::metadata(all.join(path)).and_then(|it| it.modified()).ok();
            changed.and_then(|at| at.elapsed().ok()).is_some_and(|age| age.as_secs() > PUSH_S)
        };
        let push = |path: &PathBuf| path.iter().next().map(PathBuf::from);
        let (old, young): (Vec<PathBuf>, Vec<PathBuf>) = files(&all)?.into_iter().partition(is_old);
        let young: BTreeSet<PathBuf> = young.iter().filter_map(push).collect();
        let old: BTreeSet<PathBuf> = old.iter().filter_map(push).collect();
        old.difference(&young).try_for_each(|push| remove(&all.join(push)))
    }

    /// Links what is published and what was pushed together, signs it, and proves it.
    fn check(
        &self,
        incoming: &Path,
        pushed: &[PathBuf],
        now_s: i64,
        is_proven: impl Fn(&Manifest) -> bool,
    ) -> Result<Vec<Manifest>> {
        let checking = self.folder.join("checking");
        remove(&checking)?;
        for folder in FOLDERS {
            for path in files(&self.folder.join(folder))? {
                link(&self.folder.join(folder).join(&path), &checking.join(folder).join(&path))?;
            }
        }
        for path in pushed.iter().filter(|path| !is_online(path)) {
            let (from, to) = (incoming.join(path), checking.join(path));
            if !to.exists() {
                link(&from, &to)?;
            } else if path.starts_with("metadata") && !is_same(&from, &to)? {
                return Err(StoreError::Other(path.display().to_string()));
            }
        }
        let first = checking.join("metadata/1.root.json");
        let root = fs::read(&first).map_err(|_| no_root())?;
        let repository = Repository::at(&checking);
        self.sign(&repository, now_s)?;
        let releases = repository.verify_some(&root, now_s, |it| !is_proven(it));
        releases.map_err(StoreError::Unbelieved)
    }

    /// Moves what was proven to its place, by way of the bucket: what is named comes before what names it.
    fn take(&self, pushed: &[PathBuf], held: Option<Held<'_>>) -> Result<()> {
        let checking = self.folder.join("checking");
        let mut paths = files(&checking)?;
        paths.retain(|path| pushed.contains(path) || is_online(path));
        paths.retain(|path| is_online(path) || !self.folder.join(path).exists());
        paths.sort_by_key(|path| rank(&path.to_string_lossy()));
        if let Some(mut held) = held {
            held.put(&checking, paths.iter().map(|path| path.display().to_string()).collect())?;
        }
        for path in paths {
            let (from, to) = (checking.join(&path), self.folder.join(&path));
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder).map_err(disk(folder))?;
            }
            File::open(&from).and_then(|file| file.sync_all()).map_err(disk(&from))?;
            fs::rename(&from, &to).map_err(disk(&to))?;
        }
        for folder in FOLDERS.map(|folder| self.folder.join(folder)).iter().filter(|it| it.exists()) {
            File::open(folder).and_then(|it| it.sync_all()).map_err(disk(folder))?;
        }
        remove(&checking)
    }

    fn sign(&self, repository: &Repository, now_s: i64) -> Result<()> {
        let (snapshot, timestamp) = (Expiry(now_s + SNAPSHOT_S), Expiry(now_s + TIMESTAMP_S));
        repository.publish(&self.keys.online, snapshot, timestamp).map_err(StoreError::Unbelieved)?;
        Ok(())
    }

    /// Signs snapshot and timestamp anew when half of the timestamp's time is over. Whether it did.
    pub(crate) fn renew(&self, now_s: i64) -> Result<bool> {
        if !self.is_due(now_s)? {
            return Ok(false);
        }
        let held = self.hold()?;
        // Another replica may have done it.
        if !self.is_due(now_s)? {
            return Ok(false);
        }
        let (metadata, checking) = (self.folder.join("metadata"), self.folder.join("checking"));
        remove(&checking)?;
        for path in files(&metadata)? {
            link(&metadata.join(&path), &checking.join("metadata").join(&path))?;
        }
        self.sign(&Repository::at(&checking), now_s)?;
        self.take(&[], held)?;
        self.prune()?;
        Ok(true)
    }

    fn is_due(&self, now_s: i64) -> Result<bool> {
        let path = self.folder.join("metadata/timestamp.json");
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            bytes => {
                Ok(ends_s(&bytes.map_err(disk(&path))?).is_none_or(|ends| ends - now_s <= TIMESTAMP_S / 2))
            }
        }
    }

    /// Removes snapshots that nobody asks for any more.
    fn prune(&self) -> Result<()> {
        let mut held = self.hold()?;
        let repository = Repository::at(&self.folder);
        let newest = repository.newest(Role::Snapshot).map_err(StoreError::Unbelieved)?.unwrap_or(0);
        for path in files(&self.folder.join("metadata"))? {
            let version = path.to_str().and_then(|name| name.strip_suffix(".snapshot.json")?.parse().ok());
            if version.is_some_and(|version: u64| version + SNAPSHOTS_KEPT < newest) {
                self.remove(held.as_mut(), &format!("metadata/{}", path.display()))?;
            }
        }
        Ok(())
    }

    /// Removes what is published.
    fn remove(&self, held: Option<&mut Held<'_>>, path: &str) -> Result<()> {
        if let Some(held) = held {
            held.remove(path)?;
        }
        let file = self.folder.join(path);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(&file)(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The metadata that kiosks want to hear of: roots from the second on, targets, snapshot, timestamp, in the order in
    /// which they are believed.
    pub(crate) fn metadata(&self) -> Result<Vec<(Metadata, Vec<u8>)>> {
        let repository = Repository::at(&self.folder);
        let newest = |role| repository.newest(role).map_err(StoreError::Unbelieved);
        let mut wanted: Vec<(Metadata, String)> = (2..=newest(Role::Root)?.unwrap_or(0))
            .map(|n| (Metadata::Root(n), format!("{n}.root.json")))
            .collect();
        if let Some(n) = newest(Role::Targets)? {
            wanted.push((Metadata::Targets, format!("{n}.targets.json")));
        }
        if let Some(n) = newest(Role::Snapshot)? {
            wanted.push((Metadata::Snapshot, format!("{n}.snapshot.json")));
            wanted.push((Metadata::Timestamp, "timestamp.json".to_owned()));
        }
        let read = |(what, name): (Metadata, String)| {
            let path = self.folder.join("metadata").join(name);
            Ok((what, fs::read(&path).map_err(disk(&path))?))
        };
        wanted.into_iter().map(read).collect()
    }

    /// Removes the files of a release that no other release has.
    pub(crate) fn forget(&self, gone: &Manifest, others: &[Manifest]) -> Result<()> {
        let paths = |release: &Manifest| -> BTreeSet<String> {
            release.images.iter().flat_map(|image| &image.files).map(|file| file.path.clone()).collect()
        };
        let kept: BTreeSet<String> = others.iter().flat_map(paths).collect();
        let mut held = self.hold()?;
        for path in paths(gone).difference(&kept) {
            self.path(path)?;
            self.remove(held.as_mut(), path)?;
        }
        Ok(())
    }

    /// Whether all files of a release are published.
    pub(crate) fn has_files(&self, release: &Manifest) -> bool {
        let mut paths = release.images.iter().flat_map(|image| &image.files).map(|file| &file.path);
        paths.all(|path| {
            self.path(path)
                .and_then(|path| fs::metadata(&path).map_err(disk(&path)))
                .is_ok_and(|it| it.len() > 0)
        })
    }

    /// The public half of the key that signs assignments and halts.
    pub(crate) fn campaign_key(&self) -> String {
        self.keys.campaign.public().as_str().to_owned()
    }
}

/// Adds to the end of a file, or begins it anew at 0; returns its length.
pub(super) fn write_at(to: &Path, offset: u64, bytes: &[u8]) -> Result<u64> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(disk(folder))?;
    }
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(to).map_err(disk(to))?;
    let found = file.metadata().map_err(disk(to))?.len();
    if offset > 0 && offset != found {
        return Err(StoreError::Offset { found, told: offset });
    }
    let end = offset + bytes.len() as u64;
    if end > FILE_MAX {
        return Err(StoreError::TooLarge);
    }
    file.set_len(offset).map_err(disk(to))?;
    file.write_all_at(bytes, offset).map_err(disk(to))?;
    Ok(end)
}

/// Metadata by what it is told as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Metadata {
    Root(u64),
    Targets,
    Snapshot,
    Timestamp,
}

/// When metadata ends, s since 1970.
fn ends_s(bytes: &[u8]) -> Option<i64> {
    let document: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let ends: jiff::Timestamp = document["signed"]["expires"].as_str()?.parse().ok()?;
    Some(ends.as_second())
}

fn no_root() -> StoreError {
    StoreError::Unbelieved(TrustError::Missing("metadata/1.root.json, with which kiosks begin".into()).into())
}

/// Whether it is `metadata/…`, `targets/…` or `images/IMAGE/…`, of plain names that lead nowhere else.
pub(super) fn is_path(path: &str) -> bool {
    let mut parts = path.split('/');
    let depth = path.split('/').count();
    let wanted = if path.starts_with("images/") { 3 } else { 2 };
    depth == wanted && parts.next().is_some_and(|first| FOLDERS.contains(&first)) && parts.all(is_part)
}

/// A plain name that leads nowhere else.
pub(crate) fn is_part(part: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !part.is_empty() && part.len() <= PART_MAX && !part.starts_with('.') && part.bytes().all(known)
}

/// Metadata that the fleet signs itself.
fn is_online(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name == "metadata/timestamp.json" || (name.starts_with("metadata/") && name.ends_with(".snapshot.json"))
}

fn is_same(one: &Path, other: &Path) -> Result<bool> {
    Ok(fs::read(one).map_err(disk(one))? == fs::read(other).map_err(disk(other))?)
}

fn link(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(disk(folder))?;
    }
    fs::hard_link(from, to).map_err(disk(to))
}

/// All files below a folder, with their paths from there.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut rest = vec![PathBuf::new()];
    while let Some(below) = rest.pop() {
        let here = folder.join(&below);
        let entries = match fs::read_dir(&here) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(disk(&here))?,
        };
        for entry in entries {
            let entry = entry.map_err(disk(&here))?;
            let path = below.join(entry.file_name());
            if entry.file_type().map_err(disk(&here))?.is_dir() { rest.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(folder)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

pub(super) fn disk(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Disk { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_what_is_published_and_nowhere_else() {
        for good in ["metadata/timestamp.json", "targets/ab.release-alder-1.json", "images/ab/full.kot"] {
            assert!(is_path(good), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "metadata",
            "metadata/",
            "metadata/../../ca/online.key",
            "images/../incoming",
            "images/./x",
            "images/a/b/c",
            "images/full.kot",
            "incoming/metadata",
            "metadata//x",
            "targets/a\\b",
            "targets/.hidden",
            "targets/a%2fb",
        ] {
            assert!(!is_path(bad), "{bad}");
        }
    }
}
