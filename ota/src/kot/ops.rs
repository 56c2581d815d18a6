//! The operations: where each block of the new image comes from.
//!
//! Their table is stored by columns and compressed with zstd, because what differs from one operation to the next is
//! little. A source is stored as its distance from where the last displacement would lead: after an insertion all
//! later copies have the same one, so that the column is mostly zeros.

use super::{BLOCK, FormatError, PATCH_MAX, RUN_MAX, STORED_MAX};

/// Which image a copy or a reference is taken from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Image {
    /// The old one, in the other slot.
    Seed,
    /// The new one, as far as it is finished.
    Target,
}

/// How the next blocks come to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// They are zero.
    Zero,
    /// They are those of an image from this block on.
    Copy(Image, u32),
    /// They are in the payload as they are.
    Raw,
    /// They are in the payload, as one zstd frame of so many bytes.
    Zstd {
        /// Bytes of the frame.
        stored: u32,
    },
    /// They are pieces of the old image with something added, and what is between them: so many bytes of the
    /// payload say how.
    Patch {
        /// Bytes of it.
        stored: u32,
        /// The block of the old image that its first step begins at.
        from: u32,
    },
}

/// An operation in its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placed {
    /// What to do.
    pub op: Op,
    /// First block that it makes.
    pub start: u32,
    /// How many.
    pub blocks: u32,
    /// Where its part of the payload begins.
    pub payload: u64,
}

impl Placed {
    /// Bytes of it in the payload.
    pub fn stored(&self) -> u64 {
        match self.op {
            Op::Zero | Op::Copy(..) => 0,
            Op::Raw => u64::from(self.blocks) * BLOCK,
            Op::Zstd { stored } | Op::Patch { stored, .. } => stored.into(),
        }
    }
}

const ZERO: u8 = 0;
const COPY_SEED: u8 = 1;
const COPY_TARGET: u8 = 2;
const RAW: u8 = 3;
const ZSTD: u8 = 4;
const PATCH: u8 = 5;

/// Bytes of the columns: kind, blocks, source, bytes in the payload.
const WIDTHS: [usize; 4] = [1, 4, 4, 4];

/// Bytes of an operation in all columns together.
const WIDTH: usize = 13;

/// The table, as it lies in memory: decompressed and checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpTable {
    columns: Vec<u8>,
    count: usize,
}

/// What the next source is likely to be, by image.
#[derive(Clone, Copy, Default)]
struct Displacement {
    seed: u32,
    target: u32,
}

impl Displacement {
    fn of(&mut self, image: Image) -> &mut u32 {
        match image {
            Image::Seed => &mut self.seed,
            Image::Target => &mut self.target,
        }
    }
}

impl OpTable {
    /// A table of these operations, in the order of what they make.
    pub fn new(ops: &[Placed]) -> Self {
        let count = ops.len();
        let mut table = Self { columns: vec![0; count * WIDTH], count };
        let mut displacement = Displacement::default();
        for (index, placed) in ops.iter().enumerate() {
            let (kind, source, stored) = match placed.op {
                Op::Zero => (ZERO, None, 0),
                Op::Copy(Image::Seed, from) => (COPY_SEED, Some((Image::Seed, from)), 0),
                Op::Copy(Image::Target, from) => (COPY_TARGET, Some((Image::Target, from)), 0),
                Op::Raw => (RAW, None, 0),
                Op::Zstd { stored } => (ZSTD, None, stored),
                Op::Patch { stored, from } => (PATCH, Some((Image::Seed, from)), stored),
            };
            let distance = source.map_or(0, |(image, from)| {
                let usual = displacement.of(image);
                let now = from.wrapping_sub(placed.start);
                let distance = now.wrapping_sub(*usual);
                *usual = now;
                distance
            });
            table.put(0, index, &[kind]);
            table.put(1, index, &placed.blocks.to_le_bytes());
            table.put(2, index, &distance.to_le_bytes());
            table.put(3, index, &stored.to_le_bytes());
        }
        table
    }

    fn at(&self, column: usize, index: usize) -> usize {
        WIDTHS[..column].iter().sum::<usize>() * self.count + index * WIDTHS[column]
    }

    fn put(&mut self, column: usize, index: usize, value: &[u8]) {
        let at = self.at(column, index);
        self.columns[at..at + value.len()].copy_from_slice(value);
    }

    fn get(&self, column: usize, index: usize) -> u32 {
        let at = self.at(column, index);
        let bytes = &self.columns[at..at + WIDTHS[column]];
        bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
    }

    /// Reads a table of so many operations.
    ///
    /// # Errors
    /// It cannot be decompressed to its length.
    pub fn decompress(stored: &[u8], count: u32) -> Result<Self, FormatError> {
        let count = usize::try_from(count).map_err(|_| FormatError::Ops)?;
        let mut columns = vec![0; count * WIDTH];
        let length = zstd_safe::decompress(columns.as_mut_slice(), stored).map_err(|_| FormatError::Ops)?;
        if length == columns.len() { Ok(Self { columns, count }) } else { Err(FormatError::Ops) }
    }

    /// As it is stored.
    pub fn compress(&self) -> Vec<u8> {
        let mut stored = Vec::with_capacity(zstd_safe::compress_bound(self.columns.len()));
        zstd_safe::compress(&mut stored, &self.columns, 19).expect("the buffer is as large as zstd asks for");
        stored
    }

    /// The number of operations.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The operations in their places. Ends early where the kind of one is unknown: [`OpTable::check`] tells.
    pub fn iter(&self) -> impl Iterator<Item = Placed> + '_ {
        let (mut start, mut payload, mut displacement) = (0_u32, 0_u64, Displacement::default());
        (0..self.count).map_while(move |index| {
            let mut source = |image| {
                let usual = displacement.of(image);
                *usual = usual.wrapping_add(self.get(2, index));
                usual.wrapping_add(start)
            };
            let stored = self.get(3, index);
            let op = match self.columns[index] {
                ZERO => Op::Zero,
                COPY_SEED => Op::Copy(Image::Seed, source(Image::Seed)),
                COPY_TARGET => Op::Copy(Image::Target, source(Image::Target)),
                RAW => Op::Raw,
                ZSTD => Op::Zstd { stored },
                PATCH => Op::Patch { stored, from: source(Image::Seed) },
                _ => return None,
            };
            let placed = Placed { op, start, blocks: self.get(1, index), payload };
            start = start.wrapping_add(placed.blocks);
            payload = payload.wrapping_add(placed.stored());
            Some(placed)
        })
    }

    /// Checks every operation against the images, in blocks.
    ///
    /// # Errors
    /// The first that must not be, or that they do not add up.
    pub(super) fn check(&self, target: u64, seed: u64, payload: u64) -> Result<(), FormatError> {
        let (mut made, mut stored, mut known) = (0_u64, 0_u64, 0);
        for (index, placed) in self.iter().enumerate() {
            let refuse = |why| Err(FormatError::Op { index, why });
            let blocks = u64::from(placed.blocks);
            if blocks == 0 {
                return refuse("it makes nothing");
            }
            // A copy of the new image may only read what is finished.
            let within = |image: Image, from: u32, count: u64| match image {
                Image::Seed => u64::from(from) + count <= seed,
                Image::Target => u64::from(from) + count <= made,
            };
            match placed.op {
                Op::Zero => {}
                Op::Copy(image, from) if !within(image, from, blocks) => {
                    return refuse("its source is outside the image");
                }
                Op::Copy(..) => {}
                Op::Raw | Op::Zstd { .. } if blocks * BLOCK > RUN_MAX => {
                    return refuse("the run is too long");
                }
                Op::Patch { .. } if blocks * BLOCK > PATCH_MAX => return refuse("the run is too long"),
                Op::Zstd { stored } if stored == 0 || u64::from(stored) > RUN_MAX => {
                    return refuse("its part of the payload is empty or too long");
                }
                Op::Patch { stored, .. } if stored == 0 || u64::from(stored) > STORED_MAX => {
                    return refuse("its part of the payload is empty or too long");
                }
                Op::Patch { from, .. } if u64::from(from) >= seed => {
                    return refuse("its source is outside the image");
                }
                Op::Raw | Op::Zstd { .. } | Op::Patch { .. } => {}
            }
            made += blocks;
            stored += placed.stored();
            known += 1;
            if made > target {
                return refuse("it goes beyond the end of the image");
            }
        }
        if known < self.count {
            return Err(FormatError::Op { index: known, why: "its kind is not known here" });
        }
        let sums = [("blocks", target, made), ("bytes of payload", payload, stored)];
        sums.into_iter().try_for_each(|(what, wanted, found)| {
            if wanted == found { Ok(()) } else { Err(FormatError::Sum { what, wanted, found }) }
        })
    }
}
