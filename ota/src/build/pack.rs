//! Compresses the missing runs, each alone and against what of the old image it is most like.

use std::sync::atomic::{AtomicUsize, Ordering};

use zstd_safe::{CCtx, CParameter};

use super::likeness::Likeness;
use super::plan::{How, Piece};
use super::{BuildError, Effort, Image};
use crate::kot::{self, BLOCK, BLOCK_LEN, Op, REFERENCE_BLOCKS, Reference};

/// Pieces that are packed before their bytes are written.
pub(super) const AT_ONCE: usize = 256;

/// Level of zstd at which references are compared.
const TRIAL_LEVEL: i32 = 3;

/// From this level on zstd finds every match in a reference; below, it remembers too few places of so long a one.
const THOROUGH_LEVEL: i32 = 16;

/// Reaches over a reference and the run behind it.
const WINDOW_LOG: u32 = 23;

pub(super) struct Packer<'a> {
    /// The old image, and what in it is like what.
    pub old: Option<(&'a dyn Image, Likeness)>,
    pub target: &'a dyn Image,
    pub effort: Effort,
}

/// An operation and its part of the payload.
type Packed = (Op, Vec<u8>);

impl Packer<'_> {
    /// Packs some pieces, in order.
    pub(super) fn pack(&self, pieces: &[Piece]) -> Result<Vec<Packed>, BuildError> {
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<(usize, Packed)>, BuildError> {
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
        Ok(packed.into_iter().map(|(_, packed)| packed).collect())
    }

    fn one(&self, piece: &Piece) -> Result<Packed, BuildError> {
        let (after, before) = match piece.how {
            How::Zero => return Ok((Op::Zero, Vec::new())),
            How::Copy(image, from) => return Ok((Op::Copy(image, from), Vec::new())),
            How::Missing { after, before } => (after, before),
        };
        let run = read(self.target, "new", piece.start, piece.blocks)?;
        let mut frame = compress(&run, None, self.effort.level);
        let mut reference = None;
        if let Some((like, bytes)) = self.reference(&run, after, before)? {
            let against = compress(&run, Some(&bytes), self.effort.level);
            if against.len() < frame.len() {
                (frame, reference) = (against, Some(like));
            }
        }
        if frame.len() >= run.len() {
            return Ok((Op::Raw, run));
        }
        let stored = u32::try_from(frame.len()).expect("smaller than a run");
        Ok((Op::Zstd { stored, reference }, frame))
    }

    /// The reference against which the run becomes smallest in a quick trial.
    fn reference(
        &self,
        run: &[u8],
        after: u32,
        before: u32,
    ) -> Result<Option<(Reference, Vec<u8>)>, BuildError> {
        let Some((seed, likeness)) = &self.old else { return Ok(None) };
        let blocks = u32::try_from(seed.len().map_err(|error| BuildError::Read("old", error))? / BLOCK)
            .unwrap_or(u32::MAX);
        let gap = (after < before && before - after <= REFERENCE_BLOCKS).then(|| (after, before - after));
        // Around the place where the gap would be if it were not empty or too long.
        let around = {
            let start =
                after.saturating_sub(REFERENCE_BLOCKS / 4).min(blocks.saturating_sub(REFERENCE_BLOCKS));
            Some((start, REFERENCE_BLOCKS.min(blocks - start)))
        };
        let alike = likeness.best(run).map(|(start, blocks)| (start, u32::from(blocks)));
        let mut candidates: Vec<(u32, u32)> = [gap, around, alike].into_iter().flatten().collect();
        candidates.dedup();
        let mut best: Option<(usize, Reference, Vec<u8>)> = None;
        for (start, blocks) in candidates {
            let bytes = read(*seed, "old", start, blocks)?;
            let length = compress(run, Some(&bytes), TRIAL_LEVEL).len();
            if best.as_ref().is_none_or(|(shortest, ..)| length < *shortest) {
                let blocks = u16::try_from(blocks).expect("at most a reference");
                best = Some((length, Reference { image: kot::Image::Seed, start, blocks }, bytes));
            }
        }
        Ok(best.map(|(_, reference, bytes)| (reference, bytes)))
    }
}

fn read(image: &dyn Image, which: &'static str, start: u32, blocks: u32) -> Result<Vec<u8>, BuildError> {
    let mut bytes = vec![0; blocks as usize * BLOCK_LEN];
    let read = image.read_at(u64::from(start) * BLOCK, &mut bytes);
    read.map_err(|error| BuildError::Read(which, error))?;
    Ok(bytes)
}

/// One frame without checksum: the head has a better one.
fn compress(run: &[u8], reference: Option<&[u8]>, level: i32) -> Vec<u8> {
    let mut context = CCtx::create();
    let parameters = [
        CParameter::CompressionLevel(level),
        CParameter::WindowLog(WINDOW_LOG),
        CParameter::EnableLongDistanceMatching(level < THOROUGH_LEVEL),
        CParameter::ChecksumFlag(false),
        CParameter::DictIdFlag(false),
        CParameter::ContentSizeFlag(false),
    ];
    for parameter in parameters {
        context.set_parameter(parameter).expect("zstd knows its parameters");
    }
    if let Some(reference) = reference {
        context.ref_prefix(reference).expect("nothing was compressed yet");
    }
    let mut frame = Vec::with_capacity(zstd_safe::compress_bound(run.len()));
    context.compress2(&mut frame, run).expect("the buffer is as large as zstd asks for");
    frame
}
