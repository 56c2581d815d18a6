//! Releases as they are published: a folder that any web server, or a USB stick, can hand out.
//!
//! ```text
//! metadata/{N.root,timestamp,N.snapshot,N.targets}.json
//! targets/<sha256>.release-<model>-<number>.json
//! images/<sha256 of the image>/{full,from-<sha256 of the earlier one>}.kot
//! ```
//! Roots and targets are signed by people, one after the other, until there are enough of them; snapshot and
//! timestamp by whoever is online.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use protocol::text::{Hex32, hex};
use serde_json::{Value, json};

use crate::apply::{self, ApplyError};
use crate::block::Tail;
use crate::files;
use crate::kot::Head;
use crate::release::{Manifest, ManifestError};
use crate::trust::sign::{self, SecretKey, Signers};
use crate::trust::{Client, Fetch, Kept, Role, TrustError};

/// A repository in a folder.
#[derive(Clone, Debug)]
pub struct Repository(PathBuf);

/// Why something cannot be published or believed.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// A file cannot be read or written.
    #[error("{path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{path} cannot be read")]
    Malformed {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// What is published is not to be believed.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A manifest is wrong.
    #[error("{name}")]
    Manifest {
        /// Of which release.
        name: String,
        /// What is wrong.
        #[source]
        source: ManifestError,
    },
    /// A `.kot` file is damaged.
    #[error("{path}")]
    Kot {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: ApplyError,
    },
    /// It cannot be as it is asked for.
    #[error("{0}")]
    Wrong(String),
}

type Result<T> = std::result::Result<T, RepositoryError>;

/// When metadata ends, s since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expiry(pub i64);

impl Expiry {
    fn text(self) -> Result<String> {
        let time = jiff::Timestamp::from_second(self.0);
        time.map(|time| time.to_string()).map_err(|error| RepositoryError::Wrong(error.to_string()))
    }
}

impl Repository {
    /// The repository in this folder, which need not be there yet.
    pub fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Writes a new root, not signed yet: the first, or the next one.
    ///
    /// # Errors
    /// A role would have too few keys, or the folder cannot be written.
    pub fn new_root(&self, signers: &[(Role, Signers)], expires: Expiry) -> Result<u64> {
        let _alone = self.alone()?;
        for (role, it) in signers {
            if it.keys.iter().collect::<BTreeSet<_>>().len() < it.keys.len() {
                return Err(RepositoryError::Wrong(format!("{role}: a key is there twice, and counts once")));
            }
            if it.threshold == 0 || it.threshold > it.keys.len() {
                let (threshold, keys) = (it.threshold, it.keys.len());
                return Err(RepositoryError::Wrong(format!(
                    "{role}: {threshold} of {keys} keys cannot sign"
                )));
            }
        }
        let version = self.newest(Role::Root)?.unwrap_or(0) + 1;
        let document = sign::root(version, &expires.text()?, signers);
        self.write(&metadata(Role::Root, version), &unsigned(document))?;
        Ok(version)
    }

    /// Adds or replaces a release in the targets, as their next version, not signed yet.
    ///
    /// # Errors
    /// The manifest is wrong, or something cannot be read or written.
    pub fn add_release(&self, manifest: &Manifest, expires: Expiry) -> Result<u64> {
        let _alone = self.alone()?;
        manifest.check().map_err(RepositoryError::Wrong)?;
        let name = manifest.name();
        let bytes = serde_json::to_vec_pretty(manifest)
            .map_err(|source| RepositoryError::Malformed { path: name.clone().into(), source })?;
        let hash = hex(&crate::sha256(&bytes));
        self.write_bytes(&format!("targets/{hash}.{name}"), &bytes)?;
        let known = self.newest(Role::Targets)?;
        let mut listed = match known {
            Some(version) => self.read(&metadata(Role::Targets, version))?["signed"]["targets"].take(),
            None => json!({}),
        };
        listed[name] = json!({"length": bytes.len(), "hashes": {"sha256": hash}});
        let version = known.unwrap_or(0) + 1;
        let mut document = sign::document(Role::Targets, version, &expires.text()?);
        document["targets"] = listed;
        self.write(&metadata(Role::Targets, version), &unsigned(document))?;
        Ok(version)
    }

    /// Adds a signature to the newest root or targets. Tells how many there are then.
    ///
    /// # Errors
    /// There is none, or it cannot be written.
    pub fn sign(&self, role: Role, key: &SecretKey) -> Result<usize> {
        let _alone = self.alone()?;
        let version =
            self.newest(role)?.ok_or_else(|| RepositoryError::Wrong(format!("there is no {role} yet")))?;
        let name = metadata(role, version);
        let mut file = self.read(&name)?;
        let signature = key.sign(&file["signed"]);
        let signatures = file["signatures"].as_array_mut();
        let signatures =
            signatures.ok_or_else(|| RepositoryError::Wrong(format!("{name} has no signatures")))?;
        signatures.retain(|it| it["keyid"] != signature["keyid"]);
        signatures.push(signature);
        let count = signatures.len();
        self.write(&name, &file)?;
        Ok(count)
    }

    /// The ids of the keys that may sign a role, by the newest root; `None`: there is no root. The holders of the root before
    /// may sign a root too.
    ///
    /// # Errors
    /// A root cannot be read.
    pub fn holders(&self, role: Role) -> Result<Option<BTreeSet<String>>> {
        let keys = self.keys_of(role)?.into_iter().flat_map(|(keys, _)| keys).collect::<BTreeSet<_>>();
        Ok(Some(keys).filter(|keys| !keys.is_empty()))
    }

    /// The ids of the keys for a role, and how many of them have to sign: by the newest root, and for a root by the one before
    /// it as well.
    fn keys_of(&self, role: Role) -> Result<Vec<(BTreeSet<String>, u64)>> {
        let newest = self.newest(Role::Root)?.unwrap_or(0);
        let is_rotation = role == Role::Root && newest > 1;
        let roots = [(newest > 0).then_some(newest), is_rotation.then(|| newest.saturating_sub(1))];
        let of = |version: u64| {
            let file = self.read(&metadata(Role::Root, version))?;
            let it = &file["signed"]["roles"][role.to_string()];
            let keys = it["keyids"].as_array().into_iter().flatten();
            let keys = keys.filter_map(|key| key.as_str().map(str::to_owned)).collect();
            Ok((keys, it["threshold"].as_u64().unwrap_or(1)))
        };
        roots.into_iter().flatten().map(of).collect()
    }

    /// How many of those who may have signed the newest root or targets, and how many have to; of a root that follows another
    /// one then the same of the holders of that.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn signed(&self, role: Role) -> Result<Vec<(u64, u64)>> {
        let what = if role == Role::Targets { "release".to_owned() } else { role.to_string() };
        let version =
            self.newest(role)?.ok_or_else(|| RepositoryError::Wrong(format!("there is no {what} yet")))?;
        let file = self.read(&metadata(role, version))?;
        let keys = self.keys_of(role)?;
        if keys.is_empty() {
            return Err(RepositoryError::Wrong("there is no root yet: nobody's key counts".into()));
        }
        let signatures = file["signatures"].as_array().into_iter().flatten();
        let by: BTreeSet<&str> = signatures.filter_map(|it| it["keyid"].as_str()).collect();
        let of = |(holders, threshold): (BTreeSet<String>, u64)| {
            (by.iter().filter(|id| holders.contains(**id)).count() as u64, threshold)
        };
        Ok(keys.into_iter().map(of).collect())
    }

    /// The highest release of a model that somebody has signed.
    ///
    /// # Errors
    /// The targets cannot be read.
    pub fn highest_signed(&self, model: &str) -> Result<Option<u64>> {
        let newest = self.newest(Role::Targets)?.unwrap_or(0);
        // Targets list all releases of those before them.
        for version in (1..=newest).rev() {
            let file = self.read(&metadata(Role::Targets, version))?;
            if file["signatures"].as_array().is_some_and(|it| !it.is_empty()) {
                let listed =
                    file["signed"]["targets"].as_object().into_iter().flat_map(serde_json::Map::keys);
                let of_model = listed.filter_map(|name| release_of(name)).filter(|(of, _)| of == model);
                return Ok(of_model.map(|(_, number)| number).max());
            }
        }
        Ok(None)
    }

    /// What the newest targets say of a release, whoever has signed them.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn manifest(&self, model: &str, number: u64) -> Result<Option<Manifest>> {
        let Some(version) = self.newest(Role::Targets)? else { return Ok(None) };
        let name = Manifest::name_of(model, number);
        let targets = self.read(&metadata(Role::Targets, version))?;
        let Some(hash) = targets["signed"]["targets"][&name]["hashes"]["sha256"].as_str() else {
            return Ok(None);
        };
        let file = format!("targets/{hash}.{name}");
        let bytes = std::fs::read(self.0.join(&file)).map_err(|source| self.file(&file, source))?;
        Manifest::parse(&bytes).map(Some).map_err(|source| RepositoryError::Manifest { name, source })
    }

    /// Whoever changes the metadata is alone as long as this is held.
    fn alone(&self) -> Result<Flock<std::fs::File>> {
        let folder = self.0.join("metadata");
        let opened = std::fs::create_dir_all(&folder).and_then(|()| std::fs::File::open(&folder));
        let opened = opened.map_err(|source| self.file("metadata", source))?;
        let locked = Flock::lock(opened, FlockArg::LockExclusive);
        locked.map_err(|(_, errno)| self.file("metadata", errno.into()))
    }

    /// Publishes the newest targets: a new snapshot and a new timestamp, signed with the online key.
    ///
    /// # Errors
    /// There are no targets, or it cannot be written.
    pub fn publish(&self, key: &SecretKey, snapshot: Expiry, timestamp: Expiry) -> Result<u64> {
        let _alone = self.alone()?;
        let targets = self.newest(Role::Targets)?;
        let targets = targets.ok_or_else(|| RepositoryError::Wrong("there is no release yet".into()))?;
        let version = self.newest(Role::Snapshot)?.unwrap_or(0) + 1;
        let mut document = sign::document(Role::Snapshot, version, &snapshot.text()?);
        document["meta"] = json!({"targets.json": {"version": targets}});
        self.write(&metadata(Role::Snapshot, version), &signed(document, key))?;
        let mut document = sign::document(Role::Timestamp, version, &timestamp.text()?);
        document["meta"] = json!({"snapshot.json": {"version": version}});
        self.write("metadata/timestamp.json", &signed(document, key))?;
        Ok(version)
    }

    /// Follows the metadata from `root` on, as a kiosk does, and proves every byte of every release.
    ///
    /// # Errors
    /// The first thing that a kiosk would not believe.
    pub fn verify(&self, root: &[u8], now_s: i64) -> Result<Vec<Manifest>> {
        self.verify_some(root, now_s, |_| true)
    }

    /// As [`Self::verify`], but proves the bytes only of those releases that `is_to_be_proven` picks: whoever has proven
    /// a release and keeps its files need not do it again. Returns all releases.
    ///
    /// # Errors
    /// The first thing that a kiosk would not believe.
    pub fn verify_some(
        &self,
        root: &[u8],
        now_s: i64,
        is_to_be_proven: impl Fn(&Manifest) -> bool,
    ) -> Result<Vec<Manifest>> {
        let folder = tempfile::tempdir().map_err(|source| self.file("", source))?;
        let kept = Kept::in_folder(folder.path());
        kept.init(root)?;
        let client = Client::refresh(&kept, &mut Folder(self.0.join("metadata")), now_s)?;
        let mut releases = Vec::new();
        for name in client.names().map(str::to_owned).collect::<Vec<_>>() {
            let bytes = client.fetch(&name, &mut Folder(self.0.join("targets")))?;
            let manifest = Manifest::parse(&bytes)
                .map_err(|source| RepositoryError::Manifest { name: name.clone(), source })?;
            if manifest.name() != name {
                return Err(RepositoryError::Wrong(format!("{name} says that it is {}", manifest.name())));
            }
            if is_to_be_proven(&manifest) {
                self.prove_release(&manifest)?;
            }
            releases.push(manifest);
        }
        Ok(releases)
    }

    fn prove_release(&self, manifest: &Manifest) -> Result<()> {
        for (image, file) in manifest.images.iter().flat_map(|it| it.files.iter().map(move |file| (it, file)))
        {
            let header = self.prove(&file.path, file.head_sha256)?.header;
            let seed_sha256 = header.seed.map(|(_, sha256)| Hex32(sha256));
            if Hex32(header.target_sha256) != image.sha256 || seed_sha256 != file.seed_sha256 {
                return Err(RepositoryError::Wrong(format!("{} is of another image", file.path)));
            }
        }
        Ok(())
    }

    /// Reads a file whose head is signed, and compares every chunk of it with its head.
    fn prove(&self, name: &str, head_sha256: Hex32) -> Result<Head> {
        let path = self.0.join(name);
        let file = std::fs::File::open(&path).map_err(|source| self.file(name, source))?;
        let kot = |source| RepositoryError::Kot { path: path.clone(), source };
        let bytes = apply::head_bytes(&file).map_err(kot)?;
        if crate::sha256(&bytes) != head_sha256.0 {
            let path = path.display();
            return Err(RepositoryError::Wrong(format!("the head of {path} is not the one that was signed")));
        }
        let head = Head::parse(&bytes).map_err(|source| kot(source.into()))?;
        apply::check_payload(&head, &Tail { whole: &file, start: head.header.head_length() }).map_err(kot)?;
        Ok(head)
    }

    /// Models and numbers of the releases that the newest targets name, whoever has signed them.
    ///
    /// # Errors
    /// There are none, or they cannot be read.
    pub fn listed(&self) -> Result<Vec<(String, u64)>> {
        let version = self.newest(Role::Targets)?;
        let version =
            version.ok_or_else(|| RepositoryError::Wrong(format!("{} has no release", self.0.display())))?;
        let name = format!("{version}.{}.json", Role::Targets);
        let bytes = Folder(self.0.join("metadata")).fetch(&name, Role::Targets.limit());
        let bytes =
            bytes.map_err(|source| self.file(&format!("metadata/{name}"), source))?.unwrap_or_default();
        let malformed =
            |source| RepositoryError::Malformed { path: self.0.join("metadata").join(&name), source };
        let file: Value = serde_json::from_slice(&bytes).map_err(malformed)?;
        let listed = file["signed"]["targets"].as_object().into_iter().flat_map(serde_json::Map::keys);
        Ok(listed.filter_map(|name| release_of(name)).collect())
    }

    /// The newest version of a file that carries its version in its name.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn newest(&self, role: Role) -> Result<Option<u64>> {
        let folder = self.0.join("metadata");
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            entries => entries.map_err(|source| self.file("metadata", source))?,
        };
        let ending = format!(".{role}.json");
        let versions =
            entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(&ending)?.parse().ok());
        Ok(versions.max())
    }

    fn file(&self, name: &str, source: io::Error) -> RepositoryError {
        RepositoryError::File { path: self.0.join(name), source }
    }

    fn read(&self, name: &str) -> Result<Value> {
        let bytes = std::fs::read(self.0.join(name)).map_err(|source| self.file(name, source))?;
        serde_json::from_slice(&bytes)
            .map_err(|source| RepositoryError::Malformed { path: self.0.join(name), source })
    }

    fn write(&self, name: &str, file: &Value) -> Result<()> {
        self.write_bytes(name, format!("{file:#}\n").as_bytes())
    }

    fn write_bytes(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.0.join(name);
        let made = std::fs::create_dir_all(files::folder_of(&path));
        made.and_then(|()| files::replace_with(&path, bytes)).map_err(|source| self.file(name, source))
    }
}

fn metadata(role: Role, version: u64) -> String {
    format!("metadata/{version}.{role}.json")
}

/// Model and number of a release, by the name of its manifest.
fn release_of(name: &str) -> Option<(String, u64)> {
    let (model, number) = name.strip_prefix("release-")?.strip_suffix(".json")?.rsplit_once('-')?;
    Some((model.to_owned(), number.parse().ok()?))
}

fn unsigned(document: Value) -> Value {
    json!({"signed": document, "signatures": []})
}

fn signed(document: Value, key: &SecretKey) -> Value {
    let signature = key.sign(&document);
    json!({"signed": document, "signatures": [signature]})
}

/// Files of a folder: a repository on a USB stick, or on this machine.
#[derive(Clone, Debug)]
pub struct Folder(pub PathBuf);

impl Fetch for Folder {
    fn fetch(&mut self, name: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        use std::io::Read as _;
        let file = match std::fs::File::open(self.0.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }
}
