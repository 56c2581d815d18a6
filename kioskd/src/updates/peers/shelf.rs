//! Pieces of updates that were what was signed, kept for the neighbours: a folder a file of the repository, in it a file a
//! piece, which begins with the piece's SHA-256.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use protocol::text::hex;
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

/// How long a file is kept to which nothing is added.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Bytes that stay free on the disk: the shop's books are on it.
const FREE: u64 = 256_000_000;

/// See the module's description. Cheap to clone.
#[derive(Clone)]
pub(super) struct Shelf(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    /// Bytes that may be on it.
    most: u64,
    /// Bytes that are.
    is: Mutex<u64>,
}

impl Shelf {
    /// Opens the folder, or makes it; takes away what is too old.
    ///
    /// # Errors
    /// It cannot be read or made.
    pub(super) fn open(dir: PathBuf, most: u64) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        let mut is = 0;
        for folder in folders(&dir)? {
            if folder.touched.elapsed().is_ok_and(|age| age > KEPT) {
                fs::remove_dir_all(&folder.path)?;
                continue;
            }
            is += size(&folder.path)?;
        }
        Ok(Self(Arc::new(Inner { dir, most, is: Mutex::new(is) })))
    }

    /// Keeps a piece; what was added to last makes room last.
    ///
    /// # Errors
    /// There is no room, or it cannot be written.
    pub(super) async fn put(&self, file: &str, at: u64, length: u32, bytes: Vec<u8>) -> io::Result<()> {
        let (inner, folder) = (Arc::clone(&self.0), self.0.folder(file));
        on_thread(move || inner.put(&folder, &name(at, length), &bytes)).await?
    }

    /// The piece that was asked for in these words: shorter at the end of its file; `None`: it is not here.
    pub(super) async fn get(&self, file: &str, at: u64, length: u32) -> Option<Vec<u8>> {
        let path = self.0.folder(file).join(name(at, length));
        on_thread(move || read(&path)).await.ok().flatten()
    }

    /// How many pieces of a file are here.
    pub(super) async fn held(&self, file: &str) -> u64 {
        let folder = self.0.folder(file);
        let count = move || fs::read_dir(folder).map_or(0, |pieces| pieces.count() as u64);
        on_thread(count).await.unwrap_or(0)
    }
}

impl Inner {
    fn folder(&self, file: &str) -> PathBuf {
        self.dir.join(hex(digest(&SHA256, file.as_bytes()).as_ref()))
    }

    fn put(&self, folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut is = self.is.lock().unwrap_or_else(PoisonError::into_inner);
        let path = folder.join(name);
        if read(&path).is_some() {
            return Ok(());
        }
        let more = (SHA256_OUTPUT_LEN + bytes.len()) as u64;
        while *is + more > self.most {
            let mut others = folders(&self.dir)?;
            others.retain(|it| it.path != folder);
            let oldest = others.into_iter().min_by_key(|it| it.touched);
            let oldest = oldest.ok_or_else(|| io::Error::other("update.peers.keep_mb is used up"))?;
            *is = is.saturating_sub(size(&oldest.path)?);
            fs::remove_dir_all(&oldest.path)?;
        }
        let disk = nix::sys::statvfs::statvfs(&self.dir)?;
        let free = disk.blocks_available() * disk.fragment_size();
        if free < FREE + more {
            return Err(io::Error::other("the disk is nearly full"));
        }
        fs::create_dir_all(folder)?;
        // One that a power cut tears is found by its sum, and written over.
        let torn = fs::metadata(&path).map_or(0, |it| it.len());
        fs::write(&path, [digest(&SHA256, bytes).as_ref(), bytes].concat())?;
        *is = (*is + more).saturating_sub(torn);
        Ok(())
    }
}

/// A piece as it was put, or nothing: power may have been cut while it was written.
fn read(path: &Path) -> Option<Vec<u8>> {
    let bytes = fs::read(path).ok()?;
    let (sum, piece) = bytes.split_at_checked(SHA256_OUTPUT_LEN)?;
    (digest(&SHA256, piece).as_ref() == sum).then(|| piece.to_owned())
}

struct Folder {
    path: PathBuf,
    touched: SystemTime,
}

fn folders(dir: &Path) -> io::Result<Vec<Folder>> {
    let folder = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        Ok(Folder { touched: entry.metadata()?.modified()?, path: entry.path() })
    };
    fs::read_dir(dir)?.map(folder).collect()
}

fn size(folder: &Path) -> io::Result<u64> {
    fs::read_dir(folder)?.map(|piece| Ok(piece?.metadata()?.len())).sum()
}

fn name(at: u64, length: u32) -> String {
    format!("{at}-{length}")
}

async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_put_is_there_after_a_restart_and_what_a_power_cut_has_torn_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(dir.path().join("peers"), 1 << 20).unwrap();
        for at in [0, 64, 128] {
            shelf.put("images/a/full.kot", at, 64, vec![7; 64]).await.unwrap();
        }
        shelf.put("images/a/full.kot", 192, 64, b"the end".to_vec()).await.unwrap();
        assert_eq!((shelf.held("images/a/full.kot").await, shelf.held("images/b/full.kot").await), (4, 0));
        let folder = fs::read_dir(dir.path().join("peers")).unwrap().next().unwrap().unwrap().path();
        fs::write(folder.join("0-64"), b"").unwrap();
        fs::write(folder.join("64-64"), [0; 96]).unwrap();

        let shelf = Shelf::open(dir.path().join("peers"), 1 << 20).unwrap();
        let get = async |at, length| shelf.get("images/a/full.kot", at, length).await;
        assert_eq!((get(0, 64).await, get(64, 64).await), (None, None));
        shelf.put("images/a/full.kot", 0, 64, vec![8; 64]).await.unwrap();
        assert_eq!(get(0, 64).await, Some(vec![8; 64]), "it may come again");
        assert_eq!(get(128, 64).await, Some(vec![7; 64]));
        assert_eq!(get(192, 64).await.as_deref(), Some(b"the end".as_slice()));
        assert_eq!((get(128, 32).await, get(100, 64).await), (None, None), "another question");
        assert_eq!(shelf.get("../../../etc/passwd", 0, 64).await, None);
    }

    #[tokio::test]
    async fn the_oldest_file_makes_room_and_the_one_that_comes_is_never_thrown_away() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(dir.path().to_owned(), 1000).unwrap();
        for file in ["old", "new"] {
            shelf.put(file, 0, 400, vec![1; 400]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        shelf.put("newest", 0, 400, vec![1; 400]).await.unwrap();
        assert_eq!((shelf.held("old").await, shelf.held("new").await, shelf.held("newest").await), (0, 1, 1));
        shelf.put("newest", 400, 500, vec![1; 500]).await.unwrap();
        assert!(shelf.put("newest", 900, 100, vec![1; 100]).await.is_err(), "no room, and nobody to make it");
        assert_eq!((shelf.held("new").await, shelf.held("newest").await), (0, 2));
    }
}
