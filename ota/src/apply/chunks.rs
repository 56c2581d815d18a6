//! The payload, chunk by chunk: nothing of one is handed out before its hash was compared.

use super::ApplyError;
use crate::block::ReadAt;
use crate::kot::Head;

pub(super) struct Chunks<'a> {
    head: &'a Head,
    payload: &'a dyn ReadAt,
    /// Which chunk is loaded.
    loaded: Option<u64>,
    chunk: Vec<u8>,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(head: &'a Head, payload: &'a dyn ReadAt) -> Self {
        Self { head, payload, loaded: None, chunk: Vec::new() }
    }

    /// Fills the buffer from this position of the payload on.
    pub(super) fn read(&mut self, position: u64, buffer: &mut [u8]) -> Result<(), ApplyError> {
        let size = u64::from(self.head.header.chunk_size);
        let (mut position, mut buffer) = (position, buffer);
        while !buffer.is_empty() {
            self.load(position / size)?;
            let within = usize::try_from(position % size).expect("within a chunk");
            let rest = &self.chunk[within..];
            let (now, later) = buffer.split_at_mut(rest.len().min(buffer.len()));
            now.copy_from_slice(&rest[..now.len()]);
            position += now.len() as u64;
            buffer = later;
        }
        Ok(())
    }

    fn load(&mut self, index: u64) -> Result<(), ApplyError> {
        if self.loaded == Some(index) {
            return Ok(());
        }
        self.loaded = None;
        let header = &self.head.header;
        let start = index * u64::from(header.chunk_size);
        let length = (header.payload - start).min(header.chunk_size.into());
        self.chunk.resize(usize::try_from(length).expect("at most a chunk"), 0);
        self.payload.read_at(start, &mut self.chunk).map_err(ApplyError::Payload)?;
        let wanted = usize::try_from(index).ok().and_then(|index| self.head.chunks.get(index));
        if wanted != Some(&crate::sha256(&self.chunk)) {
            return Err(ApplyError::Chunk(index));
        }
        self.loaded = Some(index);
        Ok(())
    }
}
