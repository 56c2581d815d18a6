//! The blocks of an image, by their hashes.

use crate::Hash;
use crate::build::{BuildError, Image};
use crate::kot::{BLOCK, BLOCK_LEN, IMAGE_MAX, SEGMENT};

/// Enough of SHA-256 to tell blocks apart.
pub(super) type BlockId = [u8; 16];

pub(super) struct Blocks {
    pub size: u64,
    pub sha256: Hash,
    /// By place; `None`: all zero.
    pub ids: Vec<Option<BlockId>>,
    /// SHA-256 of each MiB.
    pub segments: Vec<Hash>,
}

impl Blocks {
    pub(super) fn read(which: &'static str, image: &dyn Image) -> Result<Self, BuildError> {
        let cannot = |error| BuildError::Read(which, error);
        let size = image.len().map_err(cannot)?;
        if size == 0 || size > IMAGE_MAX || !size.is_multiple_of(BLOCK) {
            return Err(BuildError::Size { which, size });
        }
        let mut all = crate::digest_of(&[]);
        let (mut ids, mut segments) = (Vec::new(), Vec::new());
        let mut segment = Vec::new();
        for start in (0..size).step_by(1 << 20) {
            segment.resize(usize::try_from((size - start).min(SEGMENT)).expect("at most a MiB"), 0);
            image.read_at(start, &mut segment).map_err(cannot)?;
            all.update(&segment);
            segments.push(crate::sha256(&segment));
            ids.extend(segment.chunks(BLOCK_LEN).map(id));
        }
        Ok(Self { size, sha256: crate::finish(all), ids, segments })
    }
}

fn id(block: &[u8]) -> Option<BlockId> {
    let is_zero = block.iter().all(|byte| *byte == 0);
    (!is_zero).then(|| crate::sha256(block).first_chunk().copied().expect("a hash has 32 bytes"))
}
