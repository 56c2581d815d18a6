//! Which blocks are zero, which are copies, and which are missing.

use std::collections::HashMap;

use super::blocks::{BlockId, Blocks};
use crate::kot::{Image, PATCH_BLOCKS, SEGMENT_BLOCKS};

/// A copy of fewer blocks than this between two missing runs becomes part of a patch: that costs a step of some bytes, while a
/// patch that begins anew has to learn again what the bytes of this image are like.
const COPY_MIN: u32 = 256;

/// The same for blocks of zeros.
const ZERO_MIN: u32 = 8;

/// Blocks of the new image that are made in one way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    pub start: u32,
    pub blocks: u32,
    pub how: How,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum How {
    Zero,
    Copy(Image, u32),
    /// Between these blocks of the old image: behind the last match before, and the first match after.
    Missing {
        after: u32,
        before: u32,
    },
}

/// Plans every block of the new image, in order.
pub(super) fn plan(new: &Blocks, old: Option<&Blocks>) -> Vec<Piece> {
    let mut pieces = merge(find(new, old));
    if old.is_some() {
        swallow(&mut pieces);
    }
    neighbours(&mut pieces, old.map_or(0, |old| blocks(old.ids.len())));
    let whole_segments = old.is_none();
    pieces.into_iter().flat_map(|piece| cut(piece, whole_segments)).collect()
}

fn blocks(count: usize) -> u32 {
    u32::try_from(count).expect("an image has at most 2^21 blocks")
}

const MISSING: How = How::Missing { after: 0, before: 0 };

/// How each block can be made.
fn find(new: &Blocks, old: Option<&Blocks>) -> Vec<How> {
    let mut known: HashMap<BlockId, Vec<u32>> = HashMap::new();
    let old = old.map_or(&[][..], |old| &old.ids);
    for (at, id) in old.iter().enumerate() {
        if let Some(id) = id {
            known.entry(*id).or_default().push(blocks(at));
        }
    }
    // Where the block after the last copy would come from, as the distance from its own place.
    let mut displacement = 0_i64;
    let mut made: HashMap<BlockId, u32> = HashMap::new();
    let mut found = Vec::with_capacity(new.ids.len());
    for (at, id) in new.ids.iter().enumerate() {
        let at = blocks(at);
        let Some(id) = id else {
            found.push(How::Zero);
            continue;
        };
        let expected = i64::from(at) + displacement;
        let nearest = known.get(id).and_then(|places| {
            places.iter().copied().min_by_key(|place| (i64::from(*place) - expected).unsigned_abs())
        });
        found.push(match (nearest, made.get(id)) {
            (Some(from), _) => {
                displacement = i64::from(from) - i64::from(at);
                How::Copy(Image::Seed, from)
            }
            (None, Some(from)) => How::Copy(Image::Target, *from),
            (None, None) => MISSING,
        });
        made.entry(*id).or_insert(at);
    }
    found
}

/// Neighbours that are made alike become one piece.
fn merge(found: Vec<How>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (at, how) in found.into_iter().enumerate() {
        let start = blocks(at);
        match pieces.last_mut() {
            Some(last) if goes_on(last, how) => last.blocks += 1,
            _ => pieces.push(Piece { start, blocks: 1, how }),
        }
    }
    pieces
}

fn goes_on(last: &Piece, how: How) -> bool {
    match (last.how, how) {
        (How::Zero, How::Zero) | (How::Missing { .. }, How::Missing { .. }) => true,
        (How::Copy(from, start), How::Copy(image, at)) => {
            from == image
                && at == start + last.blocks
                // Never beyond what is finished when the copy begins.
                && (image == Image::Seed || at < last.start)
        }
        _ => false,
    }
}

/// Short copies between missing runs become part of them.
fn swallow(pieces: &mut Vec<Piece>) {
    let is_missing = |piece: Option<&Piece>| piece.is_some_and(|it| matches!(it.how, How::Missing { .. }));
    let short: Vec<bool> = (0..pieces.len())
        .map(|at| {
            let around =
                is_missing(at.checked_sub(1).and_then(|at| pieces.get(at))) && is_missing(pieces.get(at + 1));
            around
                && match pieces[at].how {
                    How::Copy(Image::Seed, _) => pieces[at].blocks < COPY_MIN,
                    How::Zero => pieces[at].blocks < ZERO_MIN,
                    How::Copy(Image::Target, _) | How::Missing { .. } => false,
                }
        })
        .collect();
    let mut kept: Vec<Piece> = Vec::with_capacity(pieces.len());
    for (piece, short) in pieces.drain(..).zip(short) {
        let how = if short { MISSING } else { piece.how };
        match kept.last_mut() {
            Some(last) if matches!((last.how, how), (How::Missing { .. }, How::Missing { .. })) => {
                last.blocks += piece.blocks;
            }
            _ => kept.push(Piece { how, ..piece }),
        }
    }
    *pieces = kept;
}

/// Tells every missing run between which blocks of the old image its like is to be expected.
fn neighbours(pieces: &mut [Piece], old_blocks: u32) {
    let mut last = 0;
    for piece in pieces.iter_mut() {
        match &mut piece.how {
            How::Copy(Image::Seed, from) => last = *from + piece.blocks,
            How::Missing { after, .. } => *after = last,
            How::Zero | How::Copy(Image::Target, _) => {}
        }
    }
    let mut next = old_blocks;
    for piece in pieces.iter_mut().rev() {
        match &mut piece.how {
            How::Copy(Image::Seed, from) => next = *from,
            How::Missing { before, .. } => *before = next,
            How::Zero | How::Copy(Image::Target, _) => {}
        }
    }
}

/// Missing runs that one patch makes; of a file without an old image those within a segment, so that one range of its
/// payload makes a segment.
fn cut(piece: Piece, whole_segments: bool) -> Vec<Piece> {
    if !matches!(piece.how, How::Missing { .. }) {
        return vec![piece];
    }
    let (mut start, end) = (piece.start, piece.start + piece.blocks);
    let mut parts = Vec::new();
    while start < end {
        let segment_end = (start / SEGMENT_BLOCKS + 1) * SEGMENT_BLOCKS;
        let limit = if whole_segments { segment_end } else { start + PATCH_BLOCKS };
        let stop = limit.min(end);
        parts.push(Piece { start, blocks: stop - start, how: piece.how });
        start = stop;
    }
    parts
}
