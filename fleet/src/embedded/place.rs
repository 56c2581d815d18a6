//! The data folder: what is where, whose it is, and that only one supervisor works in it.
//!
//! ```text
//! DATA/ca/          both authorities, broker.pem/.key, fleetd.pem/.key, kiosk.crl
//! DATA/mosquitto/   mosquitto.conf, kiosk.acl, fleet.acl, mosquitto.db
//! DATA/pg/          the database
//! DATA/lock         held while a supervisor runs
//! DATA/ports.toml   ports that were picked, so that restarts keep them
//! ```

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown, lchown};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

use super::EmbeddedError;
use super::account::Account;
use crate::pki::files::{Access, replace};

/// Longest path of a unix socket on Linux, without the closing zero.
const SOCKET_PATH_MAX: usize = 107;

/// What PostgreSQL calls its socket.
const SOCKET_NAME: &str = ".s.PGSQL.5432";

/// What may lie in a folder that is not ours yet: an interrupted first start, a file system of its own.
const HARMLESS: [&str; 2] = ["lock", "lost+found"];

/// A data folder, locked.
#[derive(Debug)]
pub(super) struct Place {
    pub data: PathBuf,
    pub account: Account,
    /// Short-pathed folder of the database's socket.
    pub run: PathBuf,
    _lock: Flock<File>,
}

/// Ports that were picked.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub(super) struct Ports {
    pub kiosks: Option<u16>,
    pub internal: Option<u16>,
}

impl Place {
    /// Makes or takes over the folder. Blocks on the disk.
    pub(super) fn enter(data: &Path, run: Option<&Path>) -> Result<Self, EmbeddedError> {
        make_dir(data).map_err(EmbeddedError::data("make", data))?;
        let data = data.canonicalize().map_err(EmbeddedError::data("find", data))?;
        check_is_ours(&data)?;
        let account = Account::of(&data)?;
        let lock = lock(&data)?;
        take_over(&data, &account)?;
        account.reaches(&data)?;
        let run = match run {
            Some(run) => run.to_owned(),
            None => runtime_dir(&account).join(format!("fleetd-{}", short_name(&data))),
        };
        let place = Self { data, account, run, _lock: lock };
        for dir in [place.ca(), place.mosquitto()] {
            place.own_dir(&dir)?;
        }
        place.own_run()?;
        Ok(place)
    }

    pub(super) fn ca(&self) -> PathBuf {
        self.data.join("ca")
    }

    pub(super) fn mosquitto(&self) -> PathBuf {
        self.data.join("mosquitto")
    }

    pub(super) fn pg(&self) -> PathBuf {
        self.data.join("pg")
    }

    /// Where a database is made before it takes its place whole.
    pub(super) fn pg_new(&self) -> PathBuf {
        self.data.join("pg.new")
    }

    pub(super) fn ports(&self) -> Result<Ports, EmbeddedError> {
        let path = self.data.join("ports.toml");
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|source| EmbeddedError::Ports { path, source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ports::default()),
            Err(error) => Err(EmbeddedError::data("read", &path)(error)),
        }
    }

    pub(super) fn remember(&self, ports: Ports) -> Result<(), EmbeddedError> {
        if self.ports()? == ports {
            return Ok(());
        }
        let line =
            |name: &str, port: Option<u16>| port.map_or_else(String::new, |p| format!("{name} = {p}\n"));
        let text = format!("{}{}", line("kiosks", ports.kiosks), line("internal", ports.internal));
        self.write(&self.data.join("ports.toml"), &text)
    }

    /// Writes a file that only the engines' account reads.
    pub(super) fn write(&self, path: &Path, text: &str) -> Result<(), EmbeddedError> {
        replace(path, text.as_bytes(), Access::Owner).map_err(EmbeddedError::data("write", path))
    }

    fn own_dir(&self, dir: &Path) -> Result<(), EmbeddedError> {
        make_dir(dir).map_err(EmbeddedError::data("make", dir))?;
        give(dir, &self.account).map_err(EmbeddedError::data("hand over", dir))
    }

    /// The folder of the socket may be in `/tmp`, where anybody could have made it before us.
    fn own_run(&self) -> Result<(), EmbeddedError> {
        let length = self.run.join(SOCKET_NAME).as_os_str().len();
        if length > SOCKET_PATH_MAX {
            return Err(EmbeddedError::SocketPath { run: self.run.clone(), length });
        }
        self.own_dir_untouched()?;
        let about = self.run.symlink_metadata().map_err(EmbeddedError::data("read", &self.run))?;
        if !about.is_dir() || about.uid() != self.account.uid.as_raw() || about.mode() & 0o077 != 0 {
            return Err(EmbeddedError::RunTaken(self.run.clone()));
        }
        Ok(())
    }

    fn own_dir_untouched(&self) -> Result<(), EmbeddedError> {
        match DirBuilder::new().mode(0o700).create(&self.run) {
            Ok(()) => give(&self.run, &self.account).map_err(EmbeddedError::data("hand over", &self.run)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(EmbeddedError::data("make", &self.run)(error)),
        }
    }
}

fn make_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Paths stand in configuration files, and root hands the whole folder over: neither may go wrong.
fn check_is_ours(data: &Path) -> Result<(), EmbeddedError> {
    let text = data.to_str().ok_or_else(|| EmbeddedError::UnfitPath(data.to_owned()))?;
    if text.chars().any(|c| c.is_control() || "'\"\\,#".contains(c)) || text.trim() != text {
        return Err(EmbeddedError::UnfitPath(data.to_owned()));
    }
    if data.join("lock").is_file() && data.join("ca").is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(data).map_err(EmbeddedError::data("read", data))? {
        let name = entry.map_err(EmbeddedError::data("read", data))?.file_name();
        if !HARMLESS.iter().any(|harmless| name == **harmless) {
            return Err(EmbeddedError::NotOurs { data: data.to_owned(), found: name });
        }
    }
    Ok(())
}

fn lock(data: &Path) -> Result<Flock<File>, EmbeddedError> {
    let path = data.join("lock");
    let failed = |action| EmbeddedError::data(action, &path);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed("open"))?;
    let mut holder = String::new();
    file.read_to_string(&mut holder).map_err(failed("read"))?;
    let mut lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        nix::errno::Errno::EWOULDBLOCK => {
            EmbeddedError::InUse { data: data.to_owned(), pid: holder.trim().to_owned() }
        }
        other => failed("lock")(other.into()),
    })?;
    lock.set_len(0).map_err(failed("write"))?;
    io::Seek::rewind(&mut *lock).map_err(failed("write"))?;
    writeln!(lock, "{}", std::process::id()).map_err(failed("write"))?;
    Ok(lock)
}

/// Root's own folder goes to the account that the engines run as, with all that is in it (a backup brought
/// back by root, for one).
fn take_over(data: &Path, account: &Account) -> Result<(), EmbeddedError> {
    let owner = std::fs::metadata(data).map_err(EmbeddedError::data("read", data))?.uid();
    if owner != account.uid.as_raw() {
        eprintln!("{} now belongs to {}: PostgreSQL refuses to run as root", data.display(), account.name);
        give_all(data, account).map_err(EmbeddedError::data("hand over", data))?;
    }
    let lock = data.join("lock");
    give(&lock, account).map_err(EmbeddedError::data("hand over", &lock))
}

fn give_all(path: &Path, account: &Account) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() {
        for entry in std::fs::read_dir(path)? {
            give_all(&entry?.path(), account)?;
        }
    }
    lchown(path, Some(account.uid.as_raw()), Some(account.gid.as_raw()))
}

fn give(path: &Path, account: &Account) -> io::Result<()> {
    if geteuid().is_root() {
        chown(path, Some(account.uid.as_raw()), Some(account.gid.as_raw()))?;
    }
    Ok(())
}

fn runtime_dir(account: &Account) -> PathBuf {
    let own = PathBuf::from(format!("/run/user/{}", account.uid));
    if geteuid().is_root() {
        PathBuf::from("/run")
    } else if own.is_dir() {
        own
    } else {
        PathBuf::from("/tmp")
    }
}

/// The same folder, the same name: a second replica finds the socket after a restart, too.
fn short_name(data: &Path) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, data.as_os_str().as_encoded_bytes());
    protocol::text::hex(&digest.as_ref()[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_foreign_things_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("lock"), "").unwrap();
        assert!(check_is_ours(dir.path()).is_ok());
        std::fs::write(dir.path().join("thesis.odt"), "").unwrap();
        let error = check_is_ours(dir.path()).unwrap_err().to_string();
        assert!(error.contains("thesis.odt"), "{error}");
        std::fs::create_dir(dir.path().join("ca")).unwrap();
        assert!(check_is_ours(dir.path()).is_ok());
    }

    #[test]
    fn a_path_that_could_break_a_configuration_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a\nb", "a'b", "a,b", "a#b", "a "] {
            let path = dir.path().join(name);
            std::fs::create_dir(&path).unwrap();
            assert!(matches!(check_is_ours(&path), Err(EmbeddedError::UnfitPath(_))), "{name:?}");
        }
        let path = dir.path().join("a b");
        std::fs::create_dir(&path).unwrap();
        assert!(check_is_ours(&path).is_ok());
    }
}
