//! Opening the store: lock, pragmas, migrations, epoch.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::ids::IdSource;
use nix::fcntl::{Flock, FlockArg};
use protocol::event::{EpochAnchor, EpochReason, EpochStarted, GENESIS, Hash, Hlc};
use protocol::text::hex;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::error::{StoreError, Trying};
use crate::identity;
use crate::log::Damage;
use crate::migrations::{self, APPLICATION_ID, STEPS};

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// The database file. `-wal`, `-shm` and `.lock` files appear beside it.
    pub path: PathBuf,
    /// Who this kiosk is; part of every event's hash.
    pub kiosk: String,
    /// Names it had before it was enrolled: a store of one of these is taken over, under the new name and with
    /// a new epoch.
    pub formerly: Vec<String>,
}

/// What the clocks said for one transaction.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    /// ms since 1970.
    pub wall_ms: i64,
    /// Monotonic ms of this boot.
    pub mono_ms: u64,
    /// 0 untrusted, 1 battery-backed, 2 network time.
    pub quality: u8,
}

/// An open store. Blocking: it belongs on a thread of its own.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
    pub(crate) options: Options,
    pub(crate) head: Head,
    pub(crate) poisoned: bool,
    _lock: Flock<File>,
}

/// Where the log ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub epoch: u64,
    pub seq: u64,
    pub hash: Hash,
    pub hlc: Hlc,
    pub boot: u32,
}

/// How long another connection of this process (a reader) may hold a lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The write-ahead log is cut back to this after a checkpoint, so that one large step does not keep its space.
const WAL_KEPT_BYTES: u32 = 8 << 20;

/// Events whose chain is checked at every start. The whole log is checked by `kioskctl check`.
const TAIL_CHECKED: u64 = 2000;

impl Store {
    /// Opens the store, creating it if there is none.
    ///
    /// # Errors
    /// It is in use, damaged, of another kiosk, or the disk refuses.
    pub fn open(options: Options, clocks: Clocks, ids: &mut dyn IdSource) -> Result<Self, StoreError> {
        Self::open_because(options, clocks, ids, EpochReason::Provisioned)
    }

    /// Like [`Store::open`], but a damaged file is moved aside, never deleted, and a new epoch begins.
    ///
    /// # Errors
    /// As [`Store::open`], except for damage.
    pub fn open_or_quarantine(
        options: Options,
        clocks: Clocks,
        ids: &mut dyn IdSource,
    ) -> Result<(Self, Option<Damage>), StoreError> {
        match Self::open(options.clone(), clocks, ids) {
            Ok(store) => Ok((store, None)),
            Err(error) if is_damage(&error) => {
                let moved_to = move_aside(&options.path, clocks.wall_ms)?;
                let store = Self::open_because(options, clocks, ids, EpochReason::Damaged)?;
                Ok((store, Some(Damage { error, moved_to })))
            }
            Err(error) => Err(error),
        }
    }

    fn open_because(
        options: Options,
        clocks: Clocks,
        ids: &mut dyn IdSource,
        reason: EpochReason,
    ) -> Result<Self, StoreError> {
        let dir = options.path.parent().unwrap_or(Path::new(".")).to_owned();
        std::fs::create_dir_all(&dir).map_err(|source| file("create the folder", &dir, source))?;
        let lock = lock(&options.path)?;
        let fresh = !options.path.exists();
        let mut connection = connect(&options.path, fresh)?;
        migrations::migrate(&mut connection)?;
        sync_dir(&dir)?;
        let (boot, adopted) = identity::count_boot(&mut connection, &options)?;
        let head = Head { epoch: 0, seq: 0, hash: GENESIS, hlc: Hlc::default(), boot };
        let mut store = Self { connection, options, head, poisoned: false, _lock: lock };
        match store.read_head()? {
            Some(head) => {
                store.head = Head { boot, ..head };
                store.verify(head.epoch, head.seq.saturating_sub(TAIL_CHECKED) + 1)?;
                if adopted {
                    store.start_epoch(EpochReason::Provisioned, clocks, ids)?;
                }
            }
            None => store.start_epoch(reason, clocks, ids)?,
        }
        Ok(store)
    }

    /// Starts a new epoch, for example after a restore. Sequence numbers and the fiscal series begin anew.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn start_epoch(
        &mut self,
        reason: EpochReason,
        clocks: Clocks,
        ids: &mut dyn IdSource,
    ) -> Result<(), StoreError> {
        let last = self.head;
        let anchor =
            (last.seq > 0).then(|| EpochAnchor { epoch: last.epoch, seq: last.seq, hash: hex(&last.hash) });
        // Two restores of one backup must not choose the same epoch, and no server may be needed: hence the clock.
        let epoch = (last.epoch + 1).max(u64::try_from(clocks.wall_ms).unwrap_or(0));
        let encoded = protocol::event::encode_epoch(&EpochStarted { anchor, reason })?;
        self.head = Head { epoch, seq: 0, hash: GENESIS, ..last };
        let kiosk = self.options.kiosk.clone();
        self.append_encoded(&[encoded], &[], (clocks, ids), |transaction| {
            identity::name_epoch(transaction, epoch, &kiosk)
        })?;
        Ok(())
    }

    /// The current epoch; also the fiscal series.
    pub fn epoch(&self) -> u64 {
        self.head.epoch
    }

    /// How often a daemon has opened this store.
    pub fn boot(&self) -> u32 {
        self.head.boot
    }

    /// Whether a write failed, so that nothing can be stored until it is opened anew.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.options.path
    }

    fn read_head(&self) -> Result<Option<Head>, StoreError> {
        self.connection
            .query_row(
                "SELECT epoch, seq, hash, hlc FROM event ORDER BY epoch DESC, seq DESC LIMIT 1",
                [],
                |row| {
                    Ok(Head {
                        epoch: row.get::<_, i64>(0)?.cast_unsigned(),
                        seq: row.get::<_, i64>(1)?.cast_unsigned(),
                        hash: row.get(2)?,
                        hlc: Hlc(row.get::<_, i64>(3)?.cast_unsigned()),
                        boot: 0,
                    })
                },
            )
            .optional()
            .trying("read the end of the log")
    }
}

fn lock(path: &Path) -> Result<Flock<File>, StoreError> {
    let lock_path = with_suffix(path, ".lock");
    let handle = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(|source| file("open the lock", &lock_path, source))?;
    Flock::lock(handle, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        nix::errno::Errno::EWOULDBLOCK => StoreError::Locked { path: lock_path },
        errno => file("lock", &lock_path, errno.into()),
    })
}

fn connect(path: &Path, fresh: bool) -> Result<Connection, StoreError> {
    if !fresh && std::fs::metadata(path).is_ok_and(|it| it.len() == 0) {
        return Err(StoreError::Chain { epoch: 0, seq: 0, why: "the file is empty" });
    }
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if fresh {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let connection = Connection::open_with_flags(path, flags).trying("open the file")?;
    if fresh {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").trying("set up the file")?;
        connection.pragma_update(None, "application_id", APPLICATION_ID).trying("set up the file")?;
    }
    set_pragmas(&connection)?;
    let application: i32 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .trying("read the file's kind")?;
    let version = migrations::version(&connection)?;
    let why = if application != APPLICATION_ID {
        Some("it was made by another program".to_owned())
    } else if !migrations::is_usable(&connection, version)? {
        Some(format!("it has schema {version}, this program knows {}", STEPS.len()))
    } else {
        None
    };
    match why {
        Some(why) => Err(StoreError::Foreign { path: path.to_owned(), why }),
        None => Ok(connection),
    }
}

fn set_pragmas(connection: &Connection) -> Result<(), StoreError> {
    // `journal_mode` answers with the mode it took.
    connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))
        .trying("switch to WAL")?;
    let settings = format!(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
         PRAGMA journal_size_limit = {WAL_KEPT_BYTES};"
    );
    connection.execute_batch(&settings).trying("set the pragmas")?;
    connection.busy_timeout(BUSY_TIMEOUT).trying("set the pragmas")
}

/// Whether the content is broken, as opposed to the disk, the caller or the identity.
fn is_damage(error: &StoreError) -> bool {
    match error {
        StoreError::Chain { .. } | StoreError::Decode { .. } => true,
        StoreError::Database { source: rusqlite::Error::SqliteFailure(e, _), .. } => {
            matches!(e.code, rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
        }
        StoreError::Database { .. }
        | StoreError::Locked { .. }
        | StoreError::File { .. }
        | StoreError::Foreign { .. }
        | StoreError::Encode(_)
        | StoreError::Poisoned => false,
    }
}

fn move_aside(path: &Path, wall_ms: i64) -> Result<PathBuf, StoreError> {
    let dir = path.parent().unwrap_or(Path::new(".")).join("quarantine");
    std::fs::create_dir_all(&dir).map_err(|source| file("create the folder", &dir, source))?;
    let name = path.file_name().map_or_else(|| "store".into(), |n| n.to_string_lossy().into_owned());
    let target = (0..u32::MAX)
        .map(|n| dir.join(format!("{name}.{wall_ms}.{n}")))
        .find(|candidate| !candidate.exists())
        .expect("some number of four thousand million is free");
    for suffix in ["", "-wal", "-shm"] {
        let from = with_suffix(path, suffix);
        if from.exists() {
            let to = with_suffix(&target, suffix);
            std::fs::rename(&from, &to).map_err(|source| file("move aside", &from, source))?;
        }
    }
    sync_dir(&dir)?;
    Ok(target)
}

fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(|source| file("sync the folder", dir, source))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn file(what: &'static str, path: &Path, source: std::io::Error) -> StoreError {
    StoreError::File { what, path: path.to_owned(), source }
}
