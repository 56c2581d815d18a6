//! Makes `.kot` files. The same images give the same bytes, on any machine and with any number of threads.
//!
//! ```text
//!  blocks of both images ─► plan (zero, copies, missing runs) ─► pack (each run: lined up with the old image)
//!                                                               ─► payload ─► head ─► undone again and compared
//! ```

mod blocks;
mod likeness;
mod lineup;
mod pack;
mod plan;

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use crate::Hash;
use crate::apply::{self, ApplyError, Source};
use crate::block::{BlockDev, ReadAt};
use crate::files;
use crate::kot::{self, BLOCK, FormatError, Head, Header, IMAGE_MAX, OpTable, Placed};
use blocks::Blocks;
use likeness::Likeness;

/// An image that threads read.
pub trait Image: ReadAt + Sync {}
impl<T: ReadAt + Sync + ?Sized> Image for T {}

/// How a file is made.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Level of zstd, 1 to 22.
    pub level: i32,
    /// Runs that are compressed at the same time.
    pub threads: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self { level: 19, threads: std::thread::available_parallelism().map_or(1, Into::into) }
    }
}

/// What was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Bytes of the file.
    pub length: u64,
    /// Bytes of header and tables.
    pub head_length: u64,
    /// SHA-256 of them: what a release pins.
    pub head_sha256: Hash,
    /// The header.
    pub header: Header,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// An image cannot be read.
    #[error("the {0} image cannot be read")]
    Read(&'static str, #[source] io::Error),
    /// An image of this size cannot be in a slot.
    #[error(
        "the {which} image has {size} bytes: it has to be a multiple of {BLOCK}, and at most {IMAGE_MAX}"
    )]
    Size {
        /// The old or the new one.
        which: &'static str,
        /// Its bytes.
        size: u64,
    },
    /// It would need larger tables than a kiosk reads.
    #[error("the images differ in a way that the format has no room for")]
    Room(#[source] FormatError),
    /// The file cannot be written.
    #[error("{path} cannot be written")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot be undone: a mistake of ours.
    #[error("the file that was made does not make the new image again")]
    Undo(#[source] Option<ApplyError>),
}

/// Makes the file at `path`: a delta if there is an old image.
///
/// # Errors
/// See [`BuildError`]. Nothing is left at `path` then, unless something was there before.
pub fn build(
    seed: Option<&dyn Image>,
    target: &dyn Image,
    path: &Path,
    effort: Effort,
) -> Result<Report, BuildError> {
    let new = Blocks::read("new", target)?;
    let old = seed.map(|image| Blocks::read("old", image)).transpose()?;
    let pieces = plan::plan(&new, old.as_ref());
    let old_image = seed.map(|image| Ok((image, Likeness::of(image)?))).transpose();
    let old_image = old_image.map_err(|error| BuildError::Read("old", error))?;
    let packer = pack::Packer { old: old_image, target, effort };

    let cannot = |source| BuildError::Write { path: path.to_owned(), source };
    let mut payload = tempfile::tempfile_in(files::folder_of(path)).map_err(cannot)?;
    let (mut ops, mut start, mut length) = (Vec::with_capacity(pieces.len()), 0, 0_u64);
    for some in pieces.chunks(pack::AT_ONCE) {
        for (op, blocks, bytes) in packer.pack(some)? {
            payload.write_all(&bytes).map_err(cannot)?;
            ops.push(Placed { op, start, blocks, payload: length });
            (start, length) = (start + blocks, length + bytes.len() as u64);
        }
    }
    let bytes = head(&new, old.as_ref(), &ops, &payload, length)?;
    // As the kiosk will read it.
    let head = Head::parse(&bytes).map_err(BuildError::Room)?;
    undo(seed, target, &head, &payload)?;
    write(path, &bytes, head.header, payload).map_err(cannot)
}

fn head(
    new: &Blocks,
    old: Option<&Blocks>,
    ops: &[Placed],
    payload: &File,
    length: u64,
) -> Result<Vec<u8>, BuildError> {
    let too_much =
        |what| BuildError::Room(FormatError::Limit { what, found: length, allowed: "less".into() });
    let chunk_size = kot::chunk_size_for(length).ok_or_else(|| too_much("payload"))?;
    let chunks = hashes(payload, length, chunk_size).map_err(|error| BuildError::Read("packed", error))?;
    let mut head = Head {
        header: Header {
            target_size: new.size,
            target_sha256: new.sha256,
            seed: old.map(|old| (old.size, old.sha256)),
            ops: u32::try_from(ops.len()).map_err(|_| too_much("number of operations"))?,
            ops_stored: 0,
            chunks: u32::try_from(chunks.len()).map_err(|_| too_much("number of chunks"))?,
            chunk_size,
            payload: length,
        },
        segments: if old.is_some() { Vec::new() } else { new.segments.clone() },
        chunks,
        ops: OpTable::new(ops),
    };
    Ok(head.store())
}

fn hashes(payload: &File, length: u64, chunk_size: u32) -> io::Result<Vec<Hash>> {
    let mut chunk = Vec::new();
    (0..length)
        .step_by(chunk_size as usize)
        .map(|start| {
            chunk.resize(usize::try_from((length - start).min(chunk_size.into())).unwrap_or(0), 0);
            payload.read_at(start, &mut chunk)?;
            Ok(crate::sha256(&chunk))
        })
        .collect()
}

/// Applies the file and compares: what cannot be undone is never published.
fn undo(seed: Option<&dyn Image>, target: &dyn Image, head: &Head, payload: &File) -> Result<(), BuildError> {
    let mut compare = Compare(target);
    let source = Source { head, seed: seed.map(|it| it as &dyn ReadAt), payload };
    let applied = apply::apply(&source, &mut compare, 0, &mut |_, _| Ok(()));
    match applied {
        Ok(applied) if applied.spoilt == 0 => Ok(()),
        Ok(_) => Err(BuildError::Undo(None)),
        Err(error) => Err(BuildError::Undo(Some(error))),
    }
}

/// A device that takes only what the new image has.
struct Compare<'a>(&'a dyn Image);

impl ReadAt for Compare<'_> {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(position, buffer)
    }
}

impl BlockDev for Compare<'_> {
    fn write_at(&mut self, position: u64, _: &[u8]) -> io::Result<()> {
        // What is there already is not written, so this differs.
        Err(io::Error::other(format!("the bytes at {position} differ")))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(path: &Path, bytes: &[u8], header: Header, mut payload: File) -> io::Result<Report> {
    files::replace(path, |file| {
        file.write_all(bytes)?;
        payload.rewind()?;
        io::copy(&mut payload, file).map(drop)
    })?;
    let head_length = bytes.len() as u64;
    Ok(Report {
        length: head_length + header.payload,
        head_length,
        head_sha256: crate::sha256(bytes),
        header,
    })
}
