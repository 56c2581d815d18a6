//! Makes the payload of missing runs: in a file from nothing each alone, in a delta as a patch of the old image.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::likeness::Likeness;
use super::lineup::{self, Old};
use super::plan::{How, Piece};
use super::{BuildError, Effort, Image};
use crate::kot::{self, BLOCK, BLOCK_LEN, Op, SEGMENT_BLOCKS, STORED_MAX};

/// Pieces that are packed before their bytes are written.
pub(super) const AT_ONCE: usize = 64;

/// Blocks of the old image that are looked at around a place where something like a run is expected.
const AROUND: u32 = 1024;

/// Most blocks of the old image that a run is lined up with.
const WITHIN: u32 = 8192;

pub(super) struct Packer<'a> {
    /// The old image, and what in it is like what.
    pub old: Option<(&'a dyn Image, Likeness)>,
    pub target: &'a dyn Image,
    pub effort: Effort,
}

/// An operation, how many blocks it makes, and its part of the payload.
pub(super) type Packed = (Op, u32, Vec<u8>);

impl Packer<'_> {
    /// Packs some pieces, in order.
    pub(super) fn pack(&self, pieces: &[Piece]) -> Result<Vec<Packed>, BuildError> {
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<(usize, Vec<Packed>)>, BuildError> {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(piece) = pieces.get(index) else { return Ok(done) };
                done.push((index, self.one(piece)?));
            }
        };
        let parts = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.effort.threads.max(1)).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .map(|it| it.join().expect("packing does not panic"))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let mut packed: Vec<_> = parts.into_iter().flatten().collect();
        packed.sort_unstable_by_key(|(index, _)| *index);
        Ok(packed.into_iter().flat_map(|(_, packed)| packed).collect())
    }

    fn one(&self, piece: &Piece) -> Result<Vec<Packed>, BuildError> {
        let (after, before) = match piece.how {
            How::Zero => return Ok(vec![(Op::Zero, piece.blocks, Vec::new())]),
            How::Copy(image, from) => return Ok(vec![(Op::Copy(image, from), piece.blocks, Vec::new())]),
            How::Missing { after, before } => (after, before),
        };
        let run = read(self.target, "new", piece.start, piece.blocks)?;
        let Some((seed, likeness)) = &self.old else {
            let frame = compress(&run, self.effort.level);
            return Ok(vec![if frame.len() < run.len() {
                let stored = u32::try_from(frame.len()).expect("smaller than a run");
                (Op::Zstd { stored }, piece.blocks, frame)
            } else {
                (Op::Raw, piece.blocks, run)
            }]);
        };
        let size = seed.len().map_err(|error| BuildError::Read("old", error))?;
        let size = u32::try_from(size / BLOCK).expect("an image has at most 2^21 blocks");
        let parts = places(likeness, &run, after, before, size);
        let mut old = Old { bytes: Vec::new(), parts: Vec::new() };
        for (start, blocks) in parts {
            old.parts.push((old.bytes.len(), u64::from(start) * BLOCK));
            old.bytes.extend(read(*seed, "old", start, blocks)?);
        }
        patch(&old, after.min(size - 1), piece.blocks, &run)
    }
}

/// The parts of the old image that a run is lined up with, in order: where it should be, and what each MiB of it is like.
fn places(likeness: &Likeness, run: &[u8], after: u32, before: u32, size: u32) -> Vec<(u32, u32)> {
    let mut places = vec![(after.saturating_sub(AROUND / 4), after.saturating_add(AROUND))];
    if before.saturating_sub(after) <= WITHIN / 2 {
        places.push((after, before.saturating_add(AROUND / 4)));
    }
    places.extend(
        run.chunks(1 << 20)
            .filter_map(|part| likeness.best(part))
            .map(|(start, blocks)| (start, start + u32::from(blocks))),
    );
    let mut room = WITHIN;
    let mut kept: Vec<(u32, u32)> = Vec::new();
    for (start, end) in places {
        let end = end.min(size);
        let start = start.min(end);
        if end - start <= room && start < end {
            room -= end - start;
            kept.push((start, end));
        }
    }
    kept.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (start, end) in kept {
        match merged.last_mut() {
            Some((_, last)) if start <= *last => *last = end.max(*last),
            _ => merged.push((start, end)),
        }
    }
    merged.into_iter().map(|(start, end)| (start, end - start)).collect()
}

/// One patch, or several if it would be too large.
fn patch(old: &Old, from: u32, blocks: u32, run: &[u8]) -> Result<Vec<Packed>, BuildError> {
    let lineup = lineup::line_up(old, u64::from(from) * BLOCK, run);
    let stored = kot::store(&lineup.steps, &lineup.added, &lineup.new);
    let is_large = stored.len() as u64 > STORED_MAX || stored.len() >= run.len();
    if is_large && blocks > SEGMENT_BLOCKS {
        let half = (blocks / 2).next_multiple_of(SEGMENT_BLOCKS).min(blocks - 1);
        let (first, second) = run.split_at(half as usize * BLOCK_LEN);
        let mut packed = patch(old, from, half, first)?;
        packed.extend(patch(old, from, blocks - half, second)?);
        return Ok(packed);
    }
    Ok(vec![if stored.len() < run.len() {
        let stored_length = u32::try_from(stored.len()).expect("smaller than a run");
        (Op::Patch { stored: stored_length, from }, blocks, stored)
    } else {
        (Op::Raw, blocks, run.to_vec())
    }])
}

fn read(image: &dyn Image, which: &'static str, start: u32, blocks: u32) -> Result<Vec<u8>, BuildError> {
    let mut bytes = vec![0; blocks as usize * BLOCK_LEN];
    let read = image.read_at(u64::from(start) * BLOCK, &mut bytes);
    read.map_err(|error| BuildError::Read(which, error))?;
    Ok(bytes)
}

/// One frame without checksum: the head has a better one.
fn compress(run: &[u8], level: i32) -> Vec<u8> {
    use zstd_safe::{CCtx, CParameter};
    let mut context = CCtx::create();
    let parameters = [
        CParameter::CompressionLevel(level),
        CParameter::ChecksumFlag(false),
        CParameter::DictIdFlag(false),
        CParameter::ContentSizeFlag(false),
    ];
    for parameter in parameters {
        context.set_parameter(parameter).expect("zstd knows its parameters");
    }
    let mut frame = Vec::with_capacity(zstd_safe::compress_bound(run.len()));
    context.compress2(&mut frame, run).expect("the buffer is as large as zstd asks for");
    frame
}
