//! The hash tree of dm-verity, so that the kernel proves every block of the running slot when it is read.
//!
//! The builder puts the root hash into the release; the kiosk makes the tree itself, from what the slot gives back after
//! it was written. One pass proves the slot and leaves the tree that the next boot needs, and nothing of it is ever
//! sent. Source: the kernel's `Documentation/admin-guide/device-mapper/verity.rst`, hash type 1 with SHA-256 and blocks
//! of 4 KiB: the salt before the data, levels from the root down, blocks filled up with zeros.

use std::io;

use crate::Hash;
use crate::block::{BlockDev, ReadAt};
use crate::kot::{BLOCK, BLOCK_LEN};

/// Hashes in a block of the tree.
const PER_BLOCK: u64 = 128;

/// Blocks that are read at a time.
const PIECE_BLOCKS: usize = 16;

/// Where the levels of a tree are, in blocks from its beginning; the leaves first.
fn levels(data_blocks: u64) -> Vec<(u64, u64)> {
    let mut sizes = Vec::new();
    let mut blocks = data_blocks;
    while blocks > 1 {
        blocks = blocks.div_ceil(PER_BLOCK);
        sizes.push(blocks);
    }
    let mut at: u64 = sizes.iter().sum();
    sizes
        .into_iter()
        .map(|blocks| {
            at -= blocks;
            (at, blocks)
        })
        .collect()
}

/// Bytes of the tree of an image of so many blocks.
pub fn tree_length(data_blocks: u64) -> u64 {
    levels(data_blocks).iter().map(|(_, blocks)| blocks * BLOCK).sum()
}

/// Makes the tree of the first blocks of a slot and writes it at `tree_position` bytes. Returns the root hash.
///
/// `progress` is told how many bytes were read.
///
/// # Errors
/// The slot cannot be read or written.
pub fn build(
    slot: &mut dyn BlockDev,
    data_blocks: u64,
    tree_position: u64,
    salt: &[u8],
    progress: &mut dyn FnMut(u64),
) -> io::Result<Hash> {
    let mut tree = Tree {
        levels: levels(data_blocks)
            .into_iter()
            .map(|(start, _)| Level { next: start, hashes: Vec::new() })
            .collect(),
        position: tree_position,
        salt,
        root: [0; 32],
    };
    let mut piece = vec![0; PIECE_BLOCKS * BLOCK_LEN];
    let size = data_blocks * BLOCK;
    let mut position = 0;
    while position < size {
        let length = usize::try_from(size - position).map_or(piece.len(), |left| left.min(piece.len()));
        slot.read_at(position, &mut piece[..length])?;
        for block in piece[..length].chunks(BLOCK_LEN) {
            let hash = tree.hash(block);
            tree.add(slot, 0, hash)?;
        }
        position += length as u64;
        progress(position);
    }
    tree.close(slot)?;
    Ok(tree.root)
}

/// The root hash of an image, whose tree is not kept.
///
/// # Errors
/// The image cannot be read.
pub fn root_hash(image: &dyn ReadAt, salt: &[u8]) -> io::Result<Hash> {
    build(&mut Unkept(image), image.len()? / BLOCK, 0, salt, &mut |_| {})
}

/// An image beside which nothing is kept.
struct Unkept<'a>(&'a dyn ReadAt);

impl ReadAt for Unkept<'_> {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(position, buffer)
    }
}

impl BlockDev for Unkept<'_> {
    fn write_at(&mut self, _position: u64, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Tree<'a> {
    levels: Vec<Level>,
    position: u64,
    salt: &'a [u8],
    root: Hash,
}

struct Level {
    /// Where its next block goes.
    next: u64,
    /// Of the block that is being filled.
    hashes: Vec<u8>,
}

impl Tree<'_> {
    fn hash(&self, block: &[u8]) -> Hash {
        let mut context = crate::digest_of(self.salt);
        context.update(block);
        crate::finish(context)
    }

    /// The next hash of a level; above the last level it is the root.
    fn add(&mut self, slot: &mut dyn BlockDev, level: usize, hash: Hash) -> io::Result<()> {
        match self.levels.get_mut(level) {
            None => self.root = hash,
            Some(it) => {
                it.hashes.extend(hash);
                if it.hashes.len() == BLOCK_LEN {
                    return self.write(slot, level);
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, slot: &mut dyn BlockDev, level: usize) -> io::Result<()> {
        let it = &mut self.levels[level];
        let mut block = std::mem::take(&mut it.hashes);
        block.resize(BLOCK_LEN, 0);
        let at = self.position + it.next * BLOCK;
        it.next += 1;
        slot.write_at(at, &block)?;
        let hash = self.hash(&block);
        self.add(slot, level + 1, hash)
    }

    fn close(&mut self, slot: &mut dyn BlockDev) -> io::Result<()> {
        for level in 0..self.levels.len() {
            if !self.levels[level].hashes.is_empty() {
                self.write(slot, level)?;
            }
        }
        Ok(())
    }
}
