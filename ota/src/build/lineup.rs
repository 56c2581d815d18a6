//! Lines a run up with the old image: which of its bytes are old ones, equal or nearly so, and from where.
//!
//! From place to place the longest part of the old image with the same bytes is looked up. As long as the place of the last
//! match goes on nearly as well, nothing changes: so a program whose addresses moved is one long piece with a few differing
//! bytes, not a thousand short ones.

use std::ops::Range;

use crate::kot::Step;

/// A match elsewhere has to have so many bytes more than going on: what a step costs.
const BETTER_BY: usize = 8;

/// Shorter matches are not looked for.
const LOOKED_UP: usize = 8;

/// Places with the same beginning that are tried.
const TRIES: usize = 48;

/// As long as so many bytes agree where the piece goes on, nothing better is looked for.
const GOES_ON: usize = 24;

/// A match of so many bytes is not looked into for better ones.
const LONG: usize = 256;

/// Equal bytes in a row that become a copy of their own: nothing is to be added to them.
const COPY_MIN: usize = 512;

/// Parts of the old image, one behind the other.
pub(super) struct Old {
    pub bytes: Vec<u8>,
    /// Where a part begins here, and in the image.
    pub parts: Vec<(usize, u64)>,
}

impl Old {
    /// The part that a place is in.
    fn part(&self, at: usize) -> Range<usize> {
        let index = self.parts.partition_point(|(start, _)| *start <= at);
        let end = self.parts.get(index).map_or(self.bytes.len(), |(start, _)| *start);
        self.parts[index - 1].0..end
    }

    /// The same place in the image.
    fn in_image(&self, at: usize) -> u64 {
        let (start, place) = self.parts[self.parts.partition_point(|(start, _)| *start <= at) - 1];
        place + (at - start) as u64
    }
}

/// Where the next bytes are in the old parts.
struct Index<'a> {
    old: &'a [u8],
    /// By hash: the first place, and from each place the next one with the same hash. One more than the place; 0: none.
    first: Vec<u32>,
    next: Vec<u32>,
    bits: u32,
}

/// Bits of a hash, by how much there is to tell apart.
const HASH_BITS: Range<u32> = 16..25;

fn hash(bytes: &[u8], bits: u32) -> Option<usize> {
    let value = u64::from_le_bytes(*bytes.first_chunk::<LOOKED_UP>()?);
    usize::try_from(value.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)).ok()
}

fn common(a: &[u8], b: &[u8]) -> usize {
    let whole =
        a.as_chunks::<16>().0.iter().zip(b.as_chunks::<16>().0).take_while(|(a, b)| a == b).count() * 16;
    whole + a[whole..].iter().zip(&b[whole..]).take_while(|(a, b)| a == b).count()
}

impl<'a> Index<'a> {
    fn of(old: &'a [u8]) -> Self {
        let bits = (old.len() | 1).ilog2().clamp(HASH_BITS.start, HASH_BITS.end - 1);
        let (mut first, mut next) = (vec![0; 1 << bits], vec![0; old.len()]);
        for at in (0..old.len()).rev() {
            let Some(hash) = hash(&old[at..], bits) else { continue };
            // Of a row of equal bytes the beginning is enough.
            let is_row = at > 0
                && at + LOOKED_UP < old.len()
                && old[at - 1..at + LOOKED_UP].iter().all(|it| *it == old[at]);
            if !is_row {
                next[at] = first[hash];
                first[hash] = u32::try_from(at + 1).expect("the parts have few MiB");
            }
        }
        Self { old, first, next, bits }
    }

    /// The longest match: its length and its place.
    fn longest(&self, new: &[u8]) -> (usize, usize) {
        let mut best = (0, 0);
        let mut place = hash(new, self.bits).map_or(0, |hash| self.first[hash]);
        for _ in 0..TRIES {
            let Some(at) = (place as usize).checked_sub(1) else { break };
            let candidate = &self.old[at..];
            // Most are not longer: one byte tells.
            if best.0 == 0 || (candidate.get(best.0) == new.get(best.0) && best.0 < new.len()) {
                best = best.max((common(candidate, new), at));
                if best.0 >= 4096 {
                    break;
                }
            }
            place = self.next[at];
        }
        if best.0 >= LOOKED_UP { best } else { (0, 0) }
    }
}

/// What a run is made of.
#[derive(Default)]
pub(super) struct Lineup {
    pub steps: Vec<Step>,
    pub added: Vec<u8>,
    pub new: Vec<u8>,
}

/// Lines up a run. The first step seeks from the byte `from` of the image.
pub(super) fn line_up(old: &Old, from: u64, run: &[u8]) -> Lineup {
    let index = Index::of(&old.bytes);
    let mut writer =
        Writer { old, run, ends: i64::try_from(from).unwrap_or(i64::MAX), lineup: Lineup::default() };
    // Where the piece that is lined up begins, in both.
    let mut piece: Option<(usize, usize)> = None;
    let mut done = 0;
    let mut at = 0;
    while at < run.len() {
        let ahead = piece.map_or(0, |(start, from)| {
            let rest = old.bytes[from..old.part(from).end].get(at - start..);
            common(rest.unwrap_or_default(), &run[at..])
        });
        if ahead >= GOES_ON {
            at += ahead;
            continue;
        }
        let (length, place) = index.longest(&run[at..]);
        if length == 0 {
            at += 1;
            continue;
        }
        if let Some((start, from)) = piece {
            let expected = from + (at - start);
            let part = old.part(from);
            let agree = if expected + length <= part.end {
                let both = old.bytes[expected..].iter().zip(&run[at..at + length]);
                both.filter(|(a, b)| a == b).count()
            } else {
                0
            };
            if length <= agree + BETTER_BY {
                at += if agree == length || length >= LONG { length } else { 1 };
                continue;
            }
        }
        // Behind the piece so far, and before the new one, as long as more bytes agree than not.
        let ahead = piece.map_or(0, |piece| forward(old, run, piece, at));
        let reach = piece.map_or(done, |(start, _)| start);
        let back = backward(old, run, (at, place), reach);
        let (mut end, mut begin) = (piece.map_or(done, |(start, _)| start) + ahead, at - back);
        if end > begin {
            let cut = best_cut(old, run, piece.unwrap_or_default(), (at, place), begin..end);
            (end, begin) = (cut, cut);
        }
        writer.piece(piece, end, begin);
        done = begin;
        piece = Some((begin, place - (at - begin)));
        at += length;
    }
    let end = piece.map_or(done, |piece| piece.0 + forward(old, run, piece, run.len()));
    writer.piece(piece, end, run.len());
    writer.lineup
}

/// Bytes from the beginning of a piece, at most until `limit` of the run, of which most agree.
fn forward(old: &Old, run: &[u8], (start, from): (usize, usize), limit: usize) -> usize {
    let pairs = old.bytes[from..old.part(from).end].iter().zip(&run[start..limit]);
    most(pairs.map(|(a, b)| a == b))
}

/// The same from a match back, not beyond `reach` of the run.
fn backward(old: &Old, run: &[u8], (at, place): (usize, usize), reach: usize) -> usize {
    let pairs = old.bytes[old.part(place).start..place].iter().rev().zip(run[reach..at].iter().rev());
    most(pairs.map(|(a, b)| a == b))
}

fn most(agreements: impl Iterator<Item = bool>) -> usize {
    let (mut sum, mut best, mut length) = (0_i64, 0, 0);
    for (count, agrees) in (1..).zip(agreements) {
        sum += if agrees { 1 } else { -1 };
        if sum > best {
            (best, length) = (sum, count);
        }
    }
    length
}

/// Where to change from one piece to the other, so that most bytes agree.
fn best_cut(
    old: &Old,
    run: &[u8],
    first: (usize, usize),
    second: (usize, usize),
    both: Range<usize>,
) -> usize {
    let agrees = |(start, from): (usize, usize), at: usize| {
        let place = (from + at).checked_sub(start);
        place.and_then(|place| old.bytes.get(place)) == Some(&run[at])
    };
    let (mut sum, mut best, mut cut) = (0_i64, 0, both.start);
    for at in both {
        sum += i64::from(agrees(first, at)) - i64::from(agrees(second, at));
        if sum > best {
            (best, cut) = (sum, at + 1);
        }
    }
    cut
}

struct Writer<'a> {
    old: &'a Old,
    run: &'a [u8],
    /// Where the last step ends in the image.
    ends: i64,
    lineup: Lineup,
}

impl Writer<'_> {
    /// A piece until `end` of the run, and new bytes until `next`.
    fn piece(&mut self, piece: Option<(usize, usize)>, end: usize, next: usize) {
        if let Some((start, from)) = piece {
            let (run, old) = (&self.run[start..end], &self.old.bytes[from..from + (end - start)]);
            let mut at = 0;
            while at < run.len() {
                let copy = common(&old[at..], &run[at..]);
                let copy = if copy >= COPY_MIN { copy } else { 0 };
                let mut add = 0;
                while at + copy + add < run.len() {
                    let here = at + copy + add;
                    let equal = common(&old[here..], &run[here..]);
                    if equal >= COPY_MIN {
                        break;
                    }
                    // The equal ones, and the one that differs.
                    add = (add + equal + 1).min(run.len() - at - copy);
                }
                let added = at + copy..at + copy + add;
                let pairs = run[added.clone()].iter().zip(&old[added]);
                self.lineup.added.extend(pairs.map(|(new, old)| new.wrapping_sub(*old)));
                self.step(from + at, copy, add);
                at += copy + add;
            }
        }
        let new = &self.run[end..next];
        if !new.is_empty() {
            self.lineup.new.extend(new);
            if piece.is_none_or(|(start, _)| start == end) {
                self.lineup.steps.push(Step::default());
            }
            let last = self.lineup.steps.last_mut().expect("one was pushed, or the piece has one");
            last.new += length(new.len());
        }
    }

    fn step(&mut self, from: usize, copy: usize, add: usize) {
        let place = i64::try_from(self.old.in_image(from)).expect("an image has at most 8 GiB");
        let (copy, add) = (length(copy), length(add));
        self.lineup.steps.push(Step { seek: place - self.ends, copy, add, new: 0 });
        self.ends = place + i64::from(copy) + i64::from(add);
    }
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a run has at most 8 MiB")
}
