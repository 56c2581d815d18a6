//! Files of the repository, which the client brings piece by piece. Nothing of them is believed.

use std::cell::RefCell;
use std::io;
use std::os::unix::net::UnixStream;

use crate::Hash;
use crate::block::ReadAt;
use crate::kot::Head;
use crate::release::ReleaseFile;
use crate::trust::Fetch;
use crate::writer::wire::{self, Message, Reply, Request};

/// How often a piece may be wrong: more often than there are sources.
const TRIES: usize = 8;
/// Bytes of a file without chunks that are asked for at once.
const PIECE: u32 = 64 * 1024;

/// The socket.
pub(super) struct Wire(RefCell<UnixStream>);

/// A piece of a file.
struct Piece<'a> {
    path: &'a str,
    at: u64,
    length: u32,
    ahead: u64,
    wrong: bool,
}

impl Wire {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self(RefCell::new(stream))
    }

    pub(super) fn receive(&self) -> io::Result<Message<Request>> {
        wire::receive(&mut *self.0.borrow_mut())
    }

    pub(super) fn tell(&self, reply: Reply) -> io::Result<()> {
        wire::send(&mut *self.0.borrow_mut(), &Message::Words(reply))
    }

    /// At most so many bytes, fewer only at the end of the file.
    fn want(&self, piece: &Piece<'_>) -> io::Result<Vec<u8>> {
        let Piece { at, length, ahead, wrong, .. } = *piece;
        self.tell(Reply::Want { path: piece.path.to_owned(), at, length, ahead, wrong })?;
        match self.receive()? {
            Message::Bytes(bytes) if bytes.len() <= length as usize => Ok(bytes),
            Message::Bytes(_) => Err(io::Error::other("more bytes than were asked for")),
            Message::Words(Request::Missing) => Err(io::ErrorKind::NotFound.into()),
            Message::Words(other) => Err(io::Error::other(format!("{other:?} while bytes are awaited"))),
        }
    }

    /// The head of a file, which is the one that was signed.
    pub(super) fn head(&self, file: &ReleaseFile) -> super::Result<Vec<u8>> {
        use crate::agent::Reason;
        /// Tables of the largest image.
        const HEAD_MAX: u64 = 10 << 20;
        if file.head_length > HEAD_MAX {
            return Err(super::refused(Reason::Signature, "its head is too long"));
        }
        for attempt in 0..TRIES {
            let mut head = Vec::new();
            while (head.len() as u64) < file.head_length {
                let (at, left) = (head.len() as u64, file.head_length - head.len() as u64);
                let length = u32::try_from(left).unwrap_or(PIECE).min(PIECE);
                let wrong = attempt > 0 && at == 0;
                let piece = Piece { path: &file.path, at, length, ahead: left - u64::from(length), wrong };
                let bytes =
                    self.want(&piece).map_err(|error| super::refused(Reason::Source, error.to_string()))?;
                if bytes.is_empty() {
                    break;
                }
                head.extend(bytes);
            }
            if crate::sha256(&head) == file.head_sha256.0 {
                return Ok(head);
            }
        }
        Err(super::refused(Reason::Source, format!("no source has the head of {}", file.path)))
    }
}

/// Small files of one folder of the repository.
pub(super) struct Remote<'a> {
    pub(super) wire: &'a Wire,
    pub(super) folder: &'static str,
}

impl Fetch for Remote<'_> {
    fn fetch(&mut self, name: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let path = format!("{}/{name}", self.folder);
        let mut bytes = Vec::new();
        loop {
            let at = bytes.len() as u64;
            let length = u32::try_from(limit + 1 - at).unwrap_or(PIECE).min(PIECE);
            let piece = Piece { path: &path, at, length, ahead: 0, wrong: false };
            match self.wire.want(&piece) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && at == 0 => return Ok(None),
                Err(error) => return Err(error),
                Ok(more) => {
                    let is_last = more.len() < length as usize;
                    bytes.extend(more);
                    if is_last || bytes.len() as u64 > limit {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }
}

/// The payload of a file, chunk by chunk. A chunk that is not what its head says is asked for again, elsewhere.
pub(super) struct Payload<'a> {
    wire: &'a Wire,
    path: &'a str,
    head: &'a Head,
    /// Most bytes that are likely to be wanted after a chunk.
    ahead: u64,
}

impl<'a> Payload<'a> {
    pub(super) fn new(wire: &'a Wire, path: &'a str, head: &'a Head, ahead: u64) -> Self {
        Self { wire, path, head, ahead }
    }

    fn hash(&self, position: u64) -> Option<Hash> {
        let index = usize::try_from(position / u64::from(self.head.header.chunk_size)).ok()?;
        self.head.chunks.get(index).copied()
    }
}

impl ReadAt for Payload<'_> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.head.header.payload)
    }

    fn read_at(&self, position: u64, chunk: &mut [u8]) -> io::Result<()> {
        let header = &self.head.header;
        let length = u32::try_from(chunk.len()).map_err(io::Error::other)?;
        let ahead = header.payload.saturating_sub(position + u64::from(length)).min(self.ahead);
        for attempt in 0..TRIES {
            let at = header.head_length() + position;
            let piece = Piece { path: self.path, at, length, ahead, wrong: attempt > 0 };
            let bytes = self.wire.want(&piece)?;
            if bytes.len() == chunk.len() && Some(crate::sha256(&bytes)) == self.hash(position) {
                chunk.copy_from_slice(&bytes);
                return Ok(());
            }
        }
        Err(io::Error::other(format!("no source has byte {position} of the payload of {}", self.path)))
    }
}
