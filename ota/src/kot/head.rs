//! Header and tables: all that is needed before the first byte of payload, and all that proves the rest.

use super::{BLOCK, FormatError, Header, OpTable};
use crate::Hash;

/// Header and tables, checked. At most 10 MiB in memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// The header.
    pub header: Header,
    /// SHA-256 of each MiB of the new image; none in a delta, whose result is repaired by a file from nothing.
    pub segments: Vec<Hash>,
    /// SHA-256 of each chunk of the payload.
    pub chunks: Vec<Hash>,
    /// What to do.
    pub ops: OpTable,
}

impl Head {
    /// Reads a head: exactly [`Header::head_length`] bytes.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let found = bytes.len() as u64;
        let Some((first, rest)) = bytes.split_first_chunk() else {
            return Err(FormatError::Length { wanted: Header::LENGTH as u64, found });
        };
        let header = Header::parse(first)?;
        if header.head_length() != found {
            return Err(FormatError::Length { wanted: header.head_length(), found });
        }
        let (hashes, stored) = rest.split_at(rest.len() - header.ops_stored as usize);
        let mut hashes = hashes.as_chunks::<32>().0.to_vec();
        let chunks = hashes.split_off(hashes.len() - header.chunks as usize);
        let ops = OpTable::decompress(stored, header.ops)?;
        let seed = header.seed.map_or(0, |(size, _)| size / BLOCK);
        ops.check(header.target_size / BLOCK, seed, header.payload)?;
        Ok(Self { header, segments: hashes, chunks, ops })
    }

    /// As bytes; `header.ops_stored` is set to what the table takes.
    pub(crate) fn store(&mut self) -> Vec<u8> {
        let stored = self.ops.compress();
        self.header.ops_stored = u32::try_from(stored.len()).unwrap_or(u32::MAX);
        let mut bytes = self.header.to_bytes().to_vec();
        for hash in self.segments.iter().chain(&self.chunks) {
            bytes.extend_from_slice(hash);
        }
        bytes.extend(stored);
        bytes
    }
}
