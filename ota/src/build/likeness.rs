//! Where in the old image there is something like a run of the new one, wherever it was moved to and whatever lies
//! between: files that grew, moved or were renamed.
//!
//! Both are cut into overlapping windows of 32 bytes. Of their hashes only those are looked at that end in zeros, the
//! same ones on both sides. Each that both have is a vote for the place in the old image.

use std::collections::BTreeMap;
use std::io;

use super::Image;
use crate::kot::BLOCK;

/// One window in so many is looked at.
const EVERY: u64 = 128;

/// Windows that are in more places than this say nothing about the place.
const PLACES_MAX: usize = 8;

/// Votes are counted for parts of so many bytes.
const PART: u64 = 65_536;

/// Bytes that are told as alike.
const WIDTH: u64 = 4 << 20;

/// Bytes of an image that are read at a time.
const PIECE: usize = 1 << 20;

/// An image, ready to be asked.
pub(super) struct Likeness {
    /// Hash of a window and the part of the image it is in, sorted.
    windows: Vec<(u32, u32)>,
    parts: u64,
    blocks: u64,
}

/// A rolling hash: what a byte adds is shifted out after 64 more.
struct Gear {
    table: [u64; 256],
    state: u64,
}

impl Gear {
    fn new() -> Self {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let table = std::array::from_fn(|_| {
            // splitmix64
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (seed ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ z >> 31
        });
        Self { table, state: 0 }
    }

    /// The hash of the last window, if it is one to look at.
    fn push(&mut self, byte: u8) -> Option<u32> {
        // Two bits a byte: the window is 32 bytes.
        self.state = (self.state << 2).wrapping_add(self.table[usize::from(byte)]);
        let top = self.state >> 57;
        let [_, a, b, c, d, ..] = self.state.to_be_bytes();
        top.is_multiple_of(EVERY).then(|| u32::from_be_bytes([a, b, c, d]))
    }
}

impl Likeness {
    pub(super) fn of(image: &dyn Image) -> io::Result<Self> {
        let size = image.len()?;
        let mut windows = Vec::new();
        let (mut gear, mut piece) = (Gear::new(), Vec::new());
        for start in (0..size).step_by(PIECE) {
            piece.resize(usize::try_from((size - start).min(PIECE as u64)).unwrap_or(PIECE), 0);
            image.read_at(start, &mut piece)?;
            for (at, byte) in (start..).zip(&piece) {
                if let Some(hash) = gear.push(*byte) {
                    windows.push((hash, u32::try_from(at / PART).unwrap_or(u32::MAX)));
                }
            }
        }
        windows.sort_unstable();
        windows.dedup();
        Ok(Self { windows, parts: size.div_ceil(PART), blocks: size / BLOCK })
    }

    /// The part of the image that has most in common with these bytes: its first block and how many, at most
    /// 4 MiB; `None`: nothing in common.
    pub(super) fn best(&self, bytes: &[u8]) -> Option<(u32, u16)> {
        let mut gear = Gear::new();
        let mut votes: BTreeMap<u64, u32> = BTreeMap::new();
        for hash in bytes.iter().filter_map(|byte| gear.push(*byte)) {
            let from = self.windows.partition_point(|(known, _)| *known < hash);
            let places =
                self.windows[from..].iter().take(PLACES_MAX + 1).take_while(|(known, _)| *known == hash);
            if places.clone().count() <= PLACES_MAX {
                for (_, part) in places {
                    *votes.entry(u64::from(*part)).or_default() += 1;
                }
            }
        }
        let width = WIDTH / PART;
        let sum = |first: u64| votes.range(first..first + width).map(|(_, count)| count).sum::<u32>();
        let first = votes.keys().copied().max_by_key(|first| (sum(*first), u64::MAX - first))?;
        // In the middle, not at the edge: what lies before the first vote is probably like it too.
        let last = votes.range(first..first + width).next_back().map_or(first, |(part, _)| *part);
        let slack = (width - (last - first + 1)) / 2;
        let first = first.saturating_sub(slack).min(self.parts.saturating_sub(width));
        let start = first * PART / BLOCK;
        let blocks = (WIDTH / BLOCK).min(self.blocks.saturating_sub(start));
        let reference = u32::try_from(start).ok().zip(u16::try_from(blocks).ok())?;
        (reference.1 > 0).then_some(reference)
    }
}
