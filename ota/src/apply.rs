//! Makes an image out of a `.kot` file and, for a delta, the old image.
//!
//! Nothing is believed: a chunk of the payload is hashed before a decoder sees it, and [`read_back`] hashes what the
//! device gives back of the result. A block of the old image that is not what it was (a file system that was mounted, a
//! failing disk) spoils what is made of it and no more: [`wrong`] finds those MiB by the hashes of a file that needs no
//! old image, and [`repair`] takes them from there.
//!
//! Memory: 2 MiB of a patch as it is stored, 2 MiB of what it adds, as much of what is new in it, and the tables of the
//! head.

mod chunks;

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;

use crate::Hash;
use crate::block::{BlockDev, ReadAt};
use crate::kot::{BLOCK, FormatError, Head, Header, Image, Op, Patch, Placed, SEGMENT};
use chunks::Chunks;

/// Bytes that are compared, copied or read back at a time.
const PIECE: usize = 65_536;

/// A file and what it needs.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Header and tables.
    pub head: &'a Head,
    /// The old image.
    pub seed: Option<&'a dyn ReadAt>,
    /// The payload, from its first byte on.
    pub payload: &'a dyn ReadAt,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Applied {
    /// Bytes that were written.
    pub written: u64,
    /// Bytes that were there already.
    pub kept: u64,
    /// Bytes that could not be made, because the old image cannot be read or is not what it was. More may be wrong.
    pub spoilt: u64,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The head is refused.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Payload(#[source] io::Error),
    /// A piece of the file is not what the head says.
    #[error("chunk {0} of the payload is damaged")]
    Chunk(u64),
    /// It is a delta and there is no old image.
    #[error("this file needs the image that it was made from")]
    NoSeed,
    /// The place for the new image is too small.
    #[error("the new image has {wanted} bytes, there is room for {room}")]
    NoRoom {
        /// Bytes of the image.
        wanted: u64,
        /// Bytes of the place.
        room: u64,
    },
    /// It cannot be written.
    #[error("the new image cannot be written")]
    Target(#[source] io::Error),
}

/// Reads the head of a file, and checks it.
///
/// # Errors
/// The file cannot be read, or its head is refused.
pub fn read_head(file: &dyn ReadAt) -> Result<Head, ApplyError> {
    Ok(Head::parse(&head_bytes(file)?)?)
}

/// Reads the bytes of a head, of which only the header is checked: those that a release pins by their hash.
///
/// # Errors
/// The file cannot be read, its header is refused, or it has another length than the header says.
pub fn head_bytes(file: &dyn ReadAt) -> Result<Vec<u8>, ApplyError> {
    let found = file.len().map_err(ApplyError::Payload)?;
    let mut first = [0; Header::LENGTH];
    if found < first.len() as u64 {
        return Err(FormatError::Length { wanted: first.len() as u64, found }.into());
    }
    file.read_at(0, &mut first).map_err(ApplyError::Payload)?;
    let header = Header::parse(&first)?;
    let wanted = header.head_length() + header.payload;
    if found != wanted {
        return Err(FormatError::Length { wanted, found }.into());
    }
    let mut head = vec![0; usize::try_from(header.head_length()).unwrap_or(usize::MAX)];
    file.read_at(0, &mut head).map_err(ApplyError::Payload)?;
    Ok(head)
}

/// Told after each operation how many are done; may flush the device and write down how far it is.
pub type Watermark<'a> = &'a mut dyn FnMut(usize, &mut dyn BlockDev) -> io::Result<()>;

/// Writes the image, beginning with operation `first`: those before it were done and flushed.
///
/// # Errors
/// The file or the device fails. An old image that is not what it was is no error: [`read_back`] tells.
pub fn apply(
    source: &Source<'_>,
    target: &mut dyn BlockDev,
    first: usize,
    watermark: Watermark<'_>,
) -> Result<Applied, ApplyError> {
    let mut work = Work::new(source, target)?;
    for (index, placed) in source.head.ops.iter().enumerate().skip(first) {
        work.make(&placed, u64::from(placed.start)..u64::from(placed.start + placed.blocks))?;
        watermark(index + 1, work.target).map_err(ApplyError::Target)?;
    }
    work.target.flush().map_err(ApplyError::Target)?;
    Ok(work.applied)
}

/// Writes only these MiB of the image, from a file that was made from nothing.
///
/// # Errors
/// As [`apply`]; `NoSeed` for a delta.
pub fn repair(
    full: &Source<'_>,
    target: &mut dyn BlockDev,
    bad: &BTreeSet<u64>,
) -> Result<Applied, ApplyError> {
    let mut work = Work::new(&Source { seed: None, ..*full }, target)?;
    for placed in full.head.ops.iter() {
        let (start, end) = (u64::from(placed.start), u64::from(placed.start + placed.blocks));
        let mut wanted = bad.range(start * BLOCK / SEGMENT..=(end * BLOCK - 1) / SEGMENT);
        match placed.op {
            Op::Zero | Op::Copy(..) => {
                for segment in wanted {
                    let (first, behind) = (segment * SEGMENT / BLOCK, (segment + 1) * SEGMENT / BLOCK);
                    work.make(&placed, first.max(start)..behind.min(end))?;
                }
            }
            Op::Raw | Op::Zstd { .. } | Op::Patch { .. } => {
                if wanted.next().is_some() {
                    work.make(&placed, start..end)?;
                }
            }
        }
    }
    work.target.flush().map_err(ApplyError::Target)?;
    Ok(work.applied)
}

/// Compares every chunk of a payload with the head.
///
/// # Errors
/// It cannot be read, or a chunk is damaged.
pub fn check_payload(head: &Head, payload: &dyn ReadAt) -> Result<(), ApplyError> {
    let mut chunks = Chunks::new(head, payload);
    let mut byte = [0];
    (0..head.header.payload)
        .step_by(head.header.chunk_size as usize)
        .try_for_each(|position| chunks.read(position, &mut byte))
}

/// The SHA-256 of an image, as its device gives it back. `progress` is told how many bytes were read.
///
/// # Errors
/// The device cannot be read.
pub fn read_back(size: u64, image: &dyn ReadAt, progress: &mut dyn FnMut(u64)) -> io::Result<Hash> {
    let mut all = crate::digest_of(&[]);
    let mut piece = vec![0; PIECE];
    let mut position = 0;
    while position < size {
        let part = &mut piece[..length_of(position, size)];
        image.read_at(position, part)?;
        all.update(part);
        position += part.len() as u64;
        progress(position);
    }
    Ok(crate::finish(all))
}

/// Which MiB of an image, from 0, are not what the head of a file from nothing says. A delta cannot tell: none.
///
/// # Errors
/// The device cannot be read.
pub fn wrong(full: &Head, image: &dyn ReadAt) -> io::Result<BTreeSet<u64>> {
    let mut wrong = BTreeSet::new();
    let mut bytes = Vec::new();
    for (segment, wanted) in (0..).zip(&full.segments) {
        let start = segment * SEGMENT;
        let length = (full.header.target_size - start).min(SEGMENT);
        bytes.resize(usize::try_from(length).expect("at most a MiB"), 0);
        image.read_at(start, &mut bytes)?;
        if crate::sha256(&bytes) != *wanted {
            wrong.insert(segment);
        }
    }
    Ok(wrong)
}

/// Bytes of the next piece.
fn length_of(position: u64, end: u64) -> usize {
    usize::try_from(end - position).map_or(PIECE, |left| left.min(PIECE))
}

struct Work<'a> {
    source: Source<'a>,
    target: &'a mut dyn BlockDev,
    chunks: Chunks<'a>,
    applied: Applied,
    /// What is there now.
    there: Vec<u8>,
    run: Vec<u8>,
    stored: Vec<u8>,
}

/// The old image does not give what it gave when the file was made.
struct Spoilt;

/// Why a patch is not finished.
enum Stopped {
    Spoilt,
    Failed(ApplyError),
}

impl From<Spoilt> for Stopped {
    fn from(_: Spoilt) -> Self {
        Self::Spoilt
    }
}

impl From<io::Error> for Stopped {
    fn from(_: io::Error) -> Self {
        Self::Spoilt
    }
}

/// What a patch has made and is not written yet.
struct Made {
    at: u64,
    end: u64,
    piece: Vec<u8>,
}

impl Made {
    /// The next bytes of the piece, at most so many.
    fn room(&mut self, wanted: usize) -> Result<&mut [u8], Spoilt> {
        let used = self.piece.len();
        let length = wanted.min(PIECE - used);
        if self.at + (used + length) as u64 > self.end {
            return Err(Spoilt);
        }
        self.piece.resize(used + length, 0);
        Ok(&mut self.piece[used..])
    }
}

impl<'a> Work<'a> {
    fn new(source: &Source<'a>, target: &'a mut dyn BlockDev) -> Result<Self, ApplyError> {
        let header = &source.head.header;
        if header.seed.is_some() && source.seed.is_none() {
            return Err(ApplyError::NoSeed);
        }
        let room = target.len().map_err(ApplyError::Target)?;
        if room < header.target_size {
            return Err(ApplyError::NoRoom { wanted: header.target_size, room });
        }
        Ok(Self {
            source: *source,
            target,
            chunks: Chunks::new(source.head, source.payload),
            applied: Applied::default(),
            there: vec![0; PIECE],
            run: Vec::new(),
            stored: Vec::new(),
        })
    }

    fn make(&mut self, placed: &Placed, blocks: Range<u64>) -> Result<(), ApplyError> {
        let bytes = blocks.start * BLOCK..blocks.end * BLOCK;
        match placed.op {
            Op::Zero => self.zero(bytes),
            Op::Copy(image, from) => {
                let skipped = blocks.start - u64::from(placed.start);
                self.copy(image, (u64::from(from) + skipped) * BLOCK, bytes)
            }
            Op::Raw | Op::Zstd { .. } => self.unpack(placed, bytes),
            Op::Patch { from, .. } => self.patch(placed, u64::from(from) * BLOCK, bytes),
        }
    }

    fn zero(&mut self, bytes: Range<u64>) -> Result<(), ApplyError> {
        let zeros = [0; PIECE];
        let mut at = bytes.start;
        while at < bytes.end {
            let part = &zeros[..length_of(at, bytes.end)];
            self.put(at, part)?;
            at += part.len() as u64;
        }
        Ok(())
    }

    fn copy(&mut self, image: Image, mut from: u64, bytes: Range<u64>) -> Result<(), ApplyError> {
        let mut piece = vec![0; PIECE];
        let mut at = bytes.start;
        while at < bytes.end {
            let part = &mut piece[..length_of(at, bytes.end)];
            match self.read(image, from, part) {
                Ok(()) => self.put(at, part)?,
                Err(Spoilt) => self.applied.spoilt += part.len() as u64,
            }
            at += part.len() as u64;
            from += part.len() as u64;
        }
        Ok(())
    }

    fn unpack(&mut self, placed: &Placed, bytes: Range<u64>) -> Result<(), ApplyError> {
        let length = usize::try_from(bytes.end - bytes.start).expect("a run is at most a MiB");
        let mut run = std::mem::take(&mut self.run);
        run.resize(length, 0);
        let unpacked = self.decode(placed, &mut run)?;
        match unpacked {
            Ok(()) => {
                for (at, piece) in (bytes.start..).step_by(PIECE).zip(run.chunks(PIECE)) {
                    self.put(at, piece)?;
                }
            }
            Err(Spoilt) => self.applied.spoilt += bytes.end - bytes.start,
        }
        self.run = run;
        Ok(())
    }

    fn decode(&mut self, placed: &Placed, run: &mut [u8]) -> Result<Result<(), Spoilt>, ApplyError> {
        if placed.op == Op::Raw {
            return self.chunks.read(placed.payload, run).map(Ok);
        }
        let frame = self.stored(placed)?;
        let length = zstd_safe::decompress(run, &frame);
        self.stored = frame;
        Ok(if length == Ok(run.len()) { Ok(()) } else { Err(Spoilt) })
    }

    /// What the payload has of it. Its buffer is to be given back.
    fn stored(&mut self, placed: &Placed) -> Result<Vec<u8>, ApplyError> {
        let mut stored = std::mem::take(&mut self.stored);
        stored.resize(usize::try_from(placed.stored()).expect("at most 2 MiB"), 0);
        self.chunks.read(placed.payload, &mut stored)?;
        Ok(stored)
    }

    fn patch(&mut self, placed: &Placed, from: u64, bytes: Range<u64>) -> Result<(), ApplyError> {
        let stored = self.stored(placed)?;
        let mut made = Made { at: bytes.start, end: bytes.end, piece: Vec::with_capacity(PIECE) };
        let outcome = self.steps(&stored, from, &mut made);
        self.stored = stored;
        match outcome {
            Ok(()) if made.at == bytes.end => Ok(()),
            Ok(()) | Err(Stopped::Spoilt) => {
                self.applied.spoilt += bytes.end - made.at;
                Ok(())
            }
            Err(Stopped::Failed(error)) => Err(error),
        }
    }

    fn steps(&mut self, stored: &[u8], mut from: u64, made: &mut Made) -> Result<(), Stopped> {
        let mut patch = Patch::read(stored)?;
        let mut added = vec![0; PIECE];
        while let Some(step) = patch.step()? {
            from = from.checked_add_signed(step.seek).ok_or(Spoilt)?;
            for (length, adds) in [(step.copy, false), (step.add, true)] {
                let mut left = length as usize;
                while left > 0 {
                    let part = made.room(left)?;
                    self.read(Image::Seed, from, part)?;
                    if adds {
                        let added = &mut added[..part.len()];
                        patch.added(added)?;
                        part.iter_mut().zip(added).for_each(|(byte, more)| *byte = byte.wrapping_add(*more));
                    }
                    from += part.len() as u64;
                    left -= part.len();
                    self.put_full(made)?;
                }
            }
            let mut left = step.new as usize;
            while left > 0 {
                let part = made.room(left)?;
                patch.new_bytes(part)?;
                left -= part.len();
                self.put_full(made)?;
            }
        }
        self.put_rest(made)
    }

    fn put_full(&mut self, made: &mut Made) -> Result<(), Stopped> {
        if made.piece.len() == PIECE { self.put_rest(made) } else { Ok(()) }
    }

    fn put_rest(&mut self, made: &mut Made) -> Result<(), Stopped> {
        self.put(made.at, &made.piece).map_err(Stopped::Failed)?;
        made.at += made.piece.len() as u64;
        made.piece.clear();
        Ok(())
    }

    fn read(&self, image: Image, at: u64, part: &mut [u8]) -> Result<(), Spoilt> {
        match (image, self.source.seed) {
            (Image::Seed, Some(seed)) => seed.read_at(at, part).map_err(|_| Spoilt),
            (Image::Seed, None) => Err(Spoilt),
            (Image::Target, _) => self.target.read_at(at, part).map_err(|_| Spoilt),
        }
    }

    /// Writes at most a piece, unless it is there already: reading costs less than wearing the flash.
    fn put(&mut self, at: u64, part: &[u8]) -> Result<(), ApplyError> {
        let there = &mut self.there[..part.len()];
        if self.target.read_at(at, there).is_ok() && there == part {
            self.applied.kept += part.len() as u64;
        } else {
            self.target.write_at(at, part).map_err(ApplyError::Target)?;
            self.applied.written += part.len() as u64;
        }
        Ok(())
    }
}
