//! What is published, in a bucket that all replicas share. Each keeps a copy in a folder of its own and serves that.
//!
//! The bucket leads. Whoever publishes takes its state first, puts what is new into the bucket, and into the folder only
//! when it is there. What is named comes before what names it, in both directions.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bucket::{Bucket, Object};
use super::store::{FOLDERS, Result, Store, disk, files, is_part, is_path};
use super::told;
use crate::settings;

/// How often a replica looks for what others have published.
const FOLLOW_EVERY: Duration = Duration::from_secs(10);

/// Folder of files for machines of others.
const BUNDLES: &str = "bundles";

/// The one file of the repository that changes in its place.
pub(crate) const TIMESTAMP: &str = "metadata/timestamp.json";

/// See the module's description.
pub(super) struct Mirror {
    bucket: Bucket,
    /// Objects whose content is in the folder. Held while the folder changes.
    known: Mutex<Known>,
}

type Known = BTreeMap<String, Object>;

/// The folder is as the bucket is, and nobody else changes it.
pub(super) struct Held<'a> {
    bucket: &'a Bucket,
    known: MutexGuard<'a, Known>,
}

impl Mirror {
    pub(super) fn new(settings: &settings::Bucket) -> anyhow::Result<Self> {
        Ok(Self { bucket: Bucket::new(settings)?, known: Mutex::default() })
    }

    /// Makes the folder as the bucket is. A bucket without a repository gets the folder's.
    pub(super) fn hold(&self, folder: &Path) -> Result<Held<'_>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held = Held { bucket: &self.bucket, known };
        let mut there = self.bucket.list()?;
        there.retain(|path, _| is_published(path));
        let here = published(folder)?;
        if there.contains_key("metadata/1.root.json") {
            held.take(folder, &there)?;
            for path in here.iter().filter(|path| !there.contains_key(*path)) {
                let gone = folder.join(path);
                fs::remove_file(&gone).map_err(disk(&gone))?;
            }
        } else {
            held.put(folder, here)?;
        }
        Ok(held)
    }
}

impl Held<'_> {
    /// Fetches what is not here, or is another one.
    fn take(&mut self, folder: &Path, there: &Known) -> Result<()> {
        let mut paths: Vec<&String> = there.keys().collect();
        paths.sort_by_key(|path| rank(path));
        for path in paths {
            let (object, file) = (&there[path], folder.join(path));
            let length = match fs::metadata(&file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                about => Some(about.map_err(disk(&file))?.len()),
            };
            // Whatever keeps its name keeps its content, but for these two.
            let changes = path == TIMESTAMP || path.starts_with(BUNDLES);
            let is_here = length == Some(object.length)
                && self.known.get(path).map_or(!changes, |known| known == object);
            if !is_here {
                self.bucket.get(path, &file)?;
            }
            self.known.insert(path.clone(), object.clone());
        }
        self.known.retain(|path, _| there.contains_key(path));
        Ok(())
    }

    /// Puts files of a folder into the bucket. Tags are not told: what changes in its place is fetched again.
    pub(super) fn put(&mut self, folder: &Path, mut paths: Vec<String>) -> Result<()> {
        paths.sort_by_key(|path| rank(path));
        for path in paths {
            self.bucket.put(&path, &folder.join(&path))?;
            self.known.remove(&path);
        }
        Ok(())
    }

    /// Removes an object.
    pub(super) fn remove(&mut self, path: &str) -> Result<()> {
        self.bucket.remove(path)?;
        self.known.remove(path);
        Ok(())
    }
}

/// Keeps the folder as the bucket is, for ever. What goes wrong is told when it begins and when it is over.
pub(crate) async fn follow(store: Store) {
    let mut is_well = true;
    loop {
        let here = store.clone();
        let done = tokio::task::spawn_blocking(move || here.hold().map(drop)).await;
        match (done, is_well) {
            (Ok(Err(error)), true) => {
                tracing::warn!(error = told(&error), "the bucket of releases cannot be followed");
                is_well = false;
            }
            (Ok(Ok(())), false) => {
                tracing::info!("the bucket of releases can be followed again");
                is_well = true;
            }
            _ => {}
        }
        tokio::time::sleep(FOLLOW_EVERY).await;
    }
}

/// What is named comes before what names it.
pub(super) fn rank(path: &str) -> u8 {
    match path {
        TIMESTAMP => 3,
        _ if path.ends_with(".snapshot.json") => 2,
        _ if path.starts_with("metadata") => 1,
        _ => 0,
    }
}

fn published(folder: &Path) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for below in FOLDERS.into_iter().chain([BUNDLES]) {
        let found = files(&folder.join(below))?;
        paths.extend(found.iter().map(|path| format!("{below}/{}", path.display())));
    }
    paths.retain(|path| is_published(path));
    Ok(paths)
}

/// Whether it is ours to mirror, and leads nowhere else.
fn is_published(path: &str) -> bool {
    let bundle = path.strip_prefix(BUNDLES).and_then(|path| path.strip_prefix('/'));
    let is_bundle = |name: &str| is_part(name) && !name.ends_with(".part");
    (is_path(path) && !path.ends_with(".part")) || bundle.is_some_and(is_bundle)
}
