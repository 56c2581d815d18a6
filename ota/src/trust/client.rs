//! Follows the metadata, from what was believed before to what is to be believed now.

use std::path::{Path, PathBuf};

use super::metadata::{Announced, Document, Root, Signed, Snapshot, Target, Targets, Timestamp, matches};
use super::{Role, TrustError};
use crate::files;

/// New roots in one go: a year has one or two.
const ROTATIONS_MAX: u32 = 256;

/// Where files come from.
pub trait Fetch {
    /// The file of this name; `None` if it is not there. Reads at most `limit` bytes and one more: a longer file is
    /// returned with that one, and refused.
    ///
    /// # Errors
    /// It is not known whether it is there.
    fn fetch(&mut self, name: &str, limit: u64) -> std::io::Result<Option<Vec<u8>>>;
}

/// Where what is believed is kept: `root.json`, `timestamp.json`, `snapshot.json`, `targets.json` in a folder.
#[derive(Clone, Debug)]
pub struct Kept(PathBuf);

impl Kept {
    /// In this folder, which is there.
    pub fn in_folder(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Begins to trust: from this root on, which came with the machine.
    ///
    /// # Errors
    /// It is none, or is not signed by its own keys, or cannot be kept.
    pub fn init(&self, root: &[u8]) -> Result<(), TrustError> {
        let document = Document::<Root>::parse(root)?;
        document.content.check()?;
        document.content.verify(&document)?;
        self.write(Role::Root, root)
    }

    fn path(&self, role: Role) -> PathBuf {
        self.0.join(format!("{role}.json"))
    }

    fn read(&self, role: Role) -> Option<Vec<u8>> {
        std::fs::read(self.path(role)).ok()
    }

    fn write(&self, role: Role, bytes: &[u8]) -> Result<(), TrustError> {
        let path = self.path(role);
        files::replace_with(&path, bytes).map_err(|source| TrustError::Keep { path, source })
    }

    fn forget(&self, role: Role) -> Result<(), TrustError> {
        let path = self.path(role);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(TrustError::Keep { path, source })
            }
            _ => Ok(()),
        }
    }
}

/// What is believed, after a refresh.
pub struct Client {
    root: Document<Root>,
    targets: Document<Targets>,
    fresh_until_s: i64,
}

impl Client {
    /// Follows the metadata to the newest releases. `now_s`, in s since 1970, is what the kiosk holds for the time:
    /// never earlier than what it has seen signed.
    ///
    /// # Errors
    /// See [`TrustError`]. What was believed before is kept, and what was found good on the way.
    pub fn refresh(kept: &Kept, from: &mut dyn Fetch, now_s: i64) -> Result<Self, TrustError> {
        let mut refresh = Refresh { kept, from, now_s };
        let root = refresh.root()?;
        let timestamp = refresh.timestamp(&root.content)?;
        let snapshot = refresh.snapshot(&root.content, timestamp.content.snapshot())?;
        let announced = snapshot.content.meta.get("targets.json");
        let announced =
            announced.ok_or_else(|| TrustError::Missing("targets.json in the snapshot".into()))?;
        let targets = refresh.targets(&root.content, announced)?;
        Ok(Self { root, targets, fresh_until_s: timestamp.common.expires_s() })
    }

    /// Until when what was refreshed counts, in s since 1970: it is not that late yet, whatever else is signed.
    pub fn fresh_until_s(&self) -> i64 {
        self.fresh_until_s
    }

    /// What is signed of a target.
    ///
    /// # Errors
    /// It is not among them.
    pub fn target(&self, path: &str) -> Result<&Target, TrustError> {
        self.targets.content.targets.get(path).ok_or_else(|| TrustError::NoTarget(path.to_owned()))
    }

    /// The names of all targets.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.targets.content.targets.keys().map(String::as_str)
    }

    /// Fetches a target and checks it. For small ones: it is read into memory.
    ///
    /// # Errors
    /// It is not among them, not there, or not what was signed.
    pub fn fetch(&self, path: &str, from: &mut dyn Fetch) -> Result<Vec<u8>, TrustError> {
        let target = self.target(path)?;
        let name = match target.hashes.values().next() {
            Some(hash) if self.root.content.consistent_snapshot => {
                let (folder, file) =
                    path.rsplit_once('/').map_or(("", path), |(folder, file)| (folder, file));
                let slash = if folder.is_empty() { "" } else { "/" };
                format!("{folder}{slash}{hash}.{file}")
            }
            _ => path.to_owned(),
        };
        let bytes = fetch(from, &name, target.length)?.ok_or_else(|| TrustError::Missing(name.clone()))?;
        matches(&bytes, Some(target.length), Some(&target.hashes))
            .map_err(|why| TrustError::Other { role: Role::Targets, why: format!("{path}: {why}") })?;
        if target.hashes.is_empty() {
            return Err(TrustError::Other { role: Role::Targets, why: format!("{path} has no hash") });
        }
        Ok(bytes)
    }

    /// Whether it is the target that was signed.
    pub fn is_target(&self, path: &str, bytes: &[u8]) -> bool {
        let signed = |target: &Target| matches(bytes, Some(target.length), Some(&target.hashes)).is_ok();
        self.target(path).is_ok_and(|target| !target.hashes.is_empty() && signed(target))
    }
}

fn fetch(from: &mut dyn Fetch, name: &str, limit: u64) -> Result<Option<Vec<u8>>, TrustError> {
    let fetched =
        from.fetch(name, limit).map_err(|source| TrustError::Fetch { name: name.to_owned(), source })?;
    match fetched {
        Some(bytes) if bytes.len() as u64 > limit => {
            Err(TrustError::TooLarge { name: name.to_owned(), limit })
        }
        fetched => Ok(fetched),
    }
}

struct Refresh<'a> {
    kept: &'a Kept,
    from: &'a mut dyn Fetch,
    now_s: i64,
}

impl Refresh<'_> {
    fn root(&mut self) -> Result<Document<Root>, TrustError> {
        let bytes = self.kept.read(Role::Root).ok_or_else(|| TrustError::Missing("root.json".into()))?;
        let mut root = Document::<Root>::parse(&bytes)?;
        for _ in 0..ROTATIONS_MAX {
            let wanted = root.common.version + 1;
            let Some(bytes) = fetch(self.from, &format!("{wanted}.root.json"), Role::Root.limit())? else {
                break;
            };
            let next = Document::<Root>::parse(&bytes)?;
            next.content.check()?;
            root.content.verify(&next)?;
            next.content.verify(&next)?;
            if next.common.version != wanted {
                return Err(TrustError::Rollback {
                    role: Role::Root,
                    found: next.common.version,
                    known: wanted,
                });
            }
            self.kept.write(Role::Root, &bytes)?;
            // Who had the old keys may have sent versions so high that no honest one comes after them.
            let online = [Role::Timestamp, Role::Snapshot];
            if online.iter().any(|role| !next.content.has_same(&root.content, *role)) {
                online.into_iter().try_for_each(|role| self.kept.forget(role))?;
            }
            root = next;
        }
        self.fresh(&root)?;
        Ok(root)
    }

    fn timestamp(&mut self, root: &Root) -> Result<Document<Timestamp>, TrustError> {
        let known = self.known::<Timestamp>(root);
        let bytes = fetch(self.from, "timestamp.json", Role::Timestamp.limit())?;
        let bytes = bytes.ok_or_else(|| TrustError::Missing("timestamp.json".into()))?;
        let found = Document::<Timestamp>::parse(&bytes)?;
        root.verify(&found)?;
        if let Some(known) = known {
            not_older(Role::Timestamp, found.common.version, known.common.version)?;
            if found.common.version == known.common.version {
                // The same again, whatever else is in it.
                self.fresh(&known)?;
                return Ok(known);
            }
            let (new, old) = (found.content.snapshot().version, known.content.snapshot().version);
            not_older(Role::Snapshot, new, old)?;
        }
        self.fresh(&found)?;
        self.kept.write(Role::Timestamp, &bytes)?;
        Ok(found)
    }

    fn snapshot(&mut self, root: &Root, announced: &Announced) -> Result<Document<Snapshot>, TrustError> {
        let known = self.known::<Snapshot>(root);
        if let Some(known) = self.still::<Snapshot>(root, announced)? {
            return Ok(known);
        }
        let (found, bytes) = self.announced::<Snapshot>(root, announced)?;
        for (name, old) in known.iter().flat_map(|known| &known.content.meta) {
            let new = found.content.meta.get(name).ok_or_else(|| TrustError::Missing(name.clone()))?;
            not_older(Role::Targets, new.version, old.version)?;
        }
        self.fresh(&found)?;
        self.kept.write(Role::Snapshot, &bytes)?;
        Ok(found)
    }

    fn targets(&mut self, root: &Root, announced: &Announced) -> Result<Document<Targets>, TrustError> {
        if let Some(known) = self.still::<Targets>(root, announced)? {
            return Ok(known);
        }
        let (found, bytes) = self.announced::<Targets>(root, announced)?;
        self.fresh(&found)?;
        self.kept.write(Role::Targets, &bytes)?;
        Ok(found)
    }

    /// What was kept of a role, if it is still signed by those who may.
    fn known<T: Signed>(&self, root: &Root) -> Option<Document<T>> {
        let document = Document::<T>::parse(&self.kept.read(T::ROLE)?).ok()?;
        root.verify(&document).is_ok().then_some(document)
    }

    /// The same, if it is the one that is announced: it need not be fetched again.
    fn still<T: Signed>(
        &self,
        root: &Root,
        announced: &Announced,
    ) -> Result<Option<Document<T>>, TrustError> {
        let Some(known) = self.known::<T>(root) else { return Ok(None) };
        let bytes = self.kept.read(T::ROLE).unwrap_or_default();
        let same = known.common.version == announced.version
            && matches(&bytes, announced.length, announced.hashes.as_ref()).is_ok();
        if same {
            self.fresh(&known)?;
        }
        Ok(same.then_some(known))
    }

    /// Fetches a file that another one announces.
    fn announced<T: Signed>(
        &mut self,
        root: &Root,
        announced: &Announced,
    ) -> Result<(Document<T>, Vec<u8>), TrustError> {
        let role = T::ROLE;
        let name = if root.consistent_snapshot {
            format!("{}.{role}.json", announced.version)
        } else {
            format!("{role}.json")
        };
        let limit = announced.length.unwrap_or(role.limit()).min(role.limit());
        let bytes = fetch(self.from, &name, limit)?.ok_or(TrustError::Missing(name))?;
        matches(&bytes, announced.length, announced.hashes.as_ref())
            .map_err(|why| TrustError::Other { role, why })?;
        let document = Document::<T>::parse(&bytes)?;
        root.verify(&document)?;
        if document.common.version != announced.version {
            let why = format!("version {} instead of {}", document.common.version, announced.version);
            return Err(TrustError::Other { role, why });
        }
        Ok((document, bytes))
    }

    fn fresh<T: Signed>(&self, document: &Document<T>) -> Result<(), TrustError> {
        let expires = document.common.expires_s();
        if self.now_s < expires { Ok(()) } else { Err(TrustError::Expired { role: T::ROLE, expires }) }
    }
}

fn not_older(role: Role, found: u64, known: u64) -> Result<(), TrustError> {
    if found < known { Err(TrustError::Rollback { role, found, known }) } else { Ok(()) }
}
