//! The first 128 bytes.

use super::{BLOCK, FormatError, IMAGE_MAX, SEGMENT, limit};
use crate::Hash;

const MAGIC: &[u8; 4] = b"KOT1";
const VERSION: u16 = 3;
const FLAG_DELTA: u16 = 1;

/// Most operations: 8 GiB in which every eighth block stands alone.
const OPS_MAX: u64 = 262_144;

/// Most bytes of the compressed table of operations.
const OPS_STORED_MAX: u64 = 4 << 20;

/// Most chunks of the payload: 1 MiB of hashes.
const CHUNKS_MAX: u64 = 32_768;

/// Sizes that a chunk may have: one chunk has to fit an MQTT message of 128 KiB.
const CHUNK_SIZES: std::ops::RangeInclusive<u32> = 4096..=131_072;

/// The header. All sizes in bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// Of the image that it makes: a multiple of a block.
    pub target_size: u64,
    /// Of that image.
    pub target_sha256: Hash,
    /// The image that it is made from: size and SHA-256; `None`: from nothing.
    pub seed: Option<(u64, Hash)>,
    /// Number of operations.
    pub ops: u32,
    /// Their table, compressed.
    pub ops_stored: u32,
    /// Number of chunks of the payload.
    pub chunks: u32,
    /// Of each chunk but the last: a power of two.
    pub chunk_size: u32,
    /// Of all chunks.
    pub payload: u64,
}

impl Header {
    /// Bytes of a header.
    pub const LENGTH: usize = 128;

    /// Reads a header and checks every number in it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(bytes: &[u8; Self::LENGTH]) -> Result<Self, FormatError> {
        let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let u32_at = |at: usize| u32::from(u16_at(at)) | u32::from(u16_at(at + 2)) << 16;
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        let hash_at = |at: usize| -> Hash { std::array::from_fn(|i| bytes[at + i]) };
        if &bytes[..4] != MAGIC {
            return Err(FormatError::Magic);
        }
        if u16_at(4) != VERSION {
            return Err(FormatError::Version(u16_at(4)));
        }
        let flags = u16_at(6);
        if flags & !FLAG_DELTA != 0 {
            return Err(FormatError::Unknown("a flag"));
        }
        if bytes[116..].iter().any(|byte| *byte != 0) {
            return Err(FormatError::Unknown("a reserved byte"));
        }
        let is_delta = flags & FLAG_DELTA != 0;
        let (seed_size, seed_sha256) = (u64_at(16), hash_at(56));
        if !is_delta && (seed_size != 0 || seed_sha256 != [0; 32]) {
            return Err(FormatError::Unknown("an old image without being a delta"));
        }
        let header = Self {
            target_size: u64_at(8),
            target_sha256: hash_at(24),
            seed: is_delta.then_some((seed_size, seed_sha256)),
            ops: u32_at(88),
            ops_stored: u32_at(92),
            chunks: u32_at(96),
            chunk_size: u32_at(100),
            payload: u64_at(104),
        };
        header.check()?;
        let segments = u32_at(112);
        if u64::from(segments) != header.segments() {
            let wanted = header.segments();
            return Err(limit("number of segments", segments.into(), format!("it has to be {wanted}")));
        }
        Ok(header)
    }

    fn check(&self) -> Result<(), FormatError> {
        let is_image = |size: u64| size > 0 && size <= IMAGE_MAX && size.is_multiple_of(BLOCK);
        let images = format!("a multiple of {BLOCK}, at most {IMAGE_MAX}");
        if !is_image(self.target_size) {
            return Err(limit("size of the new image", self.target_size, images));
        }
        if let Some((size, _)) = self.seed
            && !is_image(size)
        {
            return Err(limit("size of the old image", size, images));
        }
        let ops = u64::from(self.ops);
        if ops == 0 || ops > OPS_MAX {
            return Err(limit("number of operations", ops, format!("1 to {OPS_MAX}")));
        }
        if u64::from(self.ops_stored) > OPS_STORED_MAX {
            return Err(limit(
                "length of their table",
                self.ops_stored.into(),
                format!("at most {OPS_STORED_MAX}"),
            ));
        }
        if !CHUNK_SIZES.contains(&self.chunk_size) || !self.chunk_size.is_power_of_two() {
            let allowed = "a power of two from 4096 to 131072";
            return Err(limit("size of a chunk", self.chunk_size.into(), allowed));
        }
        let (chunks, wanted) = (u64::from(self.chunks), self.payload.div_ceil(self.chunk_size.into()));
        if chunks > CHUNKS_MAX || chunks != wanted {
            return Err(limit("number of chunks", chunks, format!("{wanted}, and at most {CHUNKS_MAX}")));
        }
        Ok(())
    }

    /// As bytes.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
        put(0, MAGIC);
        put(4, &VERSION.to_le_bytes());
        put(8, &self.target_size.to_le_bytes());
        put(24, &self.target_sha256);
        if let Some((size, sha256)) = &self.seed {
            put(6, &FLAG_DELTA.to_le_bytes());
            put(16, &size.to_le_bytes());
            put(56, sha256);
        }
        put(88, &self.ops.to_le_bytes());
        put(92, &self.ops_stored.to_le_bytes());
        put(96, &self.chunks.to_le_bytes());
        put(100, &self.chunk_size.to_le_bytes());
        put(104, &self.payload.to_le_bytes());
        let segments = u32::try_from(self.segments()).expect("an image has at most 8,192");
        put(112, &segments.to_le_bytes());
        bytes
    }

    /// Number of segments of the new image whose hashes are in the head: none in a delta.
    pub fn segments(&self) -> u64 {
        if self.seed.is_some() { 0 } else { self.target_size.div_ceil(SEGMENT) }
    }

    /// Bytes of header and tables. The payload comes after them.
    pub fn head_length(&self) -> u64 {
        Self::LENGTH as u64 + 32 * (self.segments() + u64::from(self.chunks)) + u64::from(self.ops_stored)
    }
}

/// A chunk size that keeps a payload of this length within the limits.
pub(crate) fn chunk_size_for(payload: u64) -> Option<u32> {
    const USUAL: u32 = 65_536;
    let fits = |size: &u32| payload.div_ceil((*size).into()) <= CHUNKS_MAX;
    [USUAL, *CHUNK_SIZES.end()].into_iter().find(fits)
}
