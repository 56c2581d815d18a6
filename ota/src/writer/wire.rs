//! What is said over the socket: messages of a length, a kind and a content.
//!
//! ```text
//!  length u32, big-endian, of what follows │ 'M': a message as JSON, or 'B': bytes
//! ```

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::agent::Reason;
use crate::chooser::Slot;

/// Most bytes that are asked for at once: the largest chunk of a `.kot` file.
pub const PIECE_MAX: u32 = 128 * 1024;
/// Most bytes of a message, with its kind. A longer one ends the conversation before room is made for it.
pub const MESSAGE_MAX: usize = PIECE_MAX as usize + 1;

/// What a client wishes, or its answer where it has no bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Say what runs: [`Reply::State`].
    State,
    /// Follow the metadata and prove the manifest of a release: [`Reply::Believed`].
    Believe {
        /// Its number.
        release: u64,
    },
    /// Say what a RAUC bundle in a file of this machine is: [`Reply::Bundle`].
    Bundle {
        /// From the root of the file system.
        path: PathBuf,
    },
    /// Mark the slot bad in the chooser, then have RAUC install a bundle: `Working`, then `Done`.
    InstallBundle {
        /// Where; never the slot that runs.
        slot: Slot,
        /// The number that it must have.
        release: u64,
        /// As in `Bundle`.
        path: PathBuf,
    },
    /// Mark the slot bad in the chooser, then write the release that was believed: `Flushed`, then `Done`.
    Write {
        /// Where; never the slot that runs.
        slot: Slot,
        /// Its number.
        release: u64,
        /// Operations that were flushed already.
        from: usize,
    },
    /// Read the slot back, repair what is wrong, and make its hash tree: `Done`.
    ReadBack {
        /// Which; never the slot that runs.
        slot: Slot,
        /// What is in it.
        release: u64,
    },
    /// Boot this slot next, on trial. Only if it was read back since it was written.
    Activate {
        /// Which; never the slot that runs.
        slot: Slot,
        /// What is in it.
        release: u64,
    },
    /// The running slot has proven itself: its floor is the floor now.
    MarkGood,
    /// The running slot is on trial and is no good.
    MarkBad,
    /// There is no such file, or no more sources of it.
    Missing,
}

/// What the slot writer answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reply {
    /// What runs.
    State(State),
    /// The release is signed and for this kiosk.
    Believed {
        /// The floor that it brings.
        floor: u64,
        /// Its name, for people.
        version: String,
    },
    /// The bundle is signed, for this kiosk, and not below the floor.
    Bundle {
        /// Its number.
        release: u64,
        /// Its name, for people.
        version: String,
    },
    /// Give me this piece of a file of the repository: bytes, fewer only at its end, or [`Request::Missing`].
    Want {
        /// Path in the repository.
        path: String,
        /// First byte.
        at: u64,
        /// Bytes, at most [`PIECE_MAX`].
        length: u32,
        /// So many bytes after them are likely to be wanted next.
        ahead: u64,
        /// What was given for this piece before is not what was signed.
        wrong: bool,
    },
    /// So many operations survive a power cut.
    Flushed {
        /// That many.
        done: usize,
        /// Of so many.
        of: usize,
    },
    /// Still at it.
    Working {
        /// How far, in percent.
        percent: u8,
    },
    /// It is done.
    Done,
    /// It is not done.
    Failed {
        /// Why.
        reason: Reason,
        /// For people.
        why: String,
    },
}

/// What runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct State {
    /// Which releases are for this kiosk.
    pub model: String,
    /// The slot that is running.
    pub slot: Slot,
    /// The release in it, as the image says.
    pub release: u64,
    /// Its name, for people.
    pub version: String,
    /// The chooser holds it for good.
    pub good: bool,
    /// The slot that the next boot begins with.
    pub primary: Slot,
    /// Names this boot of the machine.
    pub boot: String,
    /// When the image was built, s since 1970, as far as it is known: the time is not earlier.
    pub built_s: i64,
}

/// A message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message<T> {
    /// Words.
    Words(T),
    /// Bytes of a file.
    Bytes(Vec<u8>),
}

/// A message with its length.
///
/// # Panics
/// It is longer than [`MESSAGE_MAX`]: nothing that is made here is.
pub fn to_bytes<T: Serialize>(message: &Message<T>) -> Vec<u8> {
    let (kind, content) = match message {
        Message::Words(words) => (b'M', serde_json::to_vec(words).expect("it has text keys")),
        Message::Bytes(bytes) => (b'B', bytes.clone()),
    };
    assert!(content.len() < MESSAGE_MAX, "a message is too long");
    let length = u32::try_from(content.len() + 1).expect("at most a message");
    [&length.to_be_bytes()[..], &[kind], &content].concat()
}

/// The length of the message that follows these four bytes.
///
/// # Errors
/// It is too long, or empty.
pub fn length(bytes: [u8; 4]) -> io::Result<usize> {
    let length = usize::try_from(u32::from_be_bytes(bytes)).map_err(io::Error::other)?;
    if (1..=MESSAGE_MAX).contains(&length) {
        Ok(length)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("a message of {length} bytes")))
    }
}

/// Reads a message, without its length.
///
/// # Errors
/// It is none.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<Message<T>> {
    match bytes.split_first() {
        Some((b'M', words)) => Ok(Message::Words(serde_json::from_slice(words)?)),
        Some((b'B', content)) => Ok(Message::Bytes(content.to_vec())),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "a message of no known kind")),
    }
}

/// Sends a message.
///
/// # Errors
/// The other end is gone.
pub fn send<T: Serialize>(to: &mut dyn Write, message: &Message<T>) -> io::Result<()> {
    to.write_all(&to_bytes(message))
}

/// Waits for a message.
///
/// # Errors
/// The other end is gone, or says what is no message.
pub fn receive<T: DeserializeOwned>(from: &mut dyn Read) -> io::Result<Message<T>> {
    let mut head = [0; 4];
    from.read_exact(&mut head)?;
    let mut bytes = vec![0; length(head)?];
    from.read_exact(&mut bytes)?;
    parse(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_is_received_and_nothing_longer_is_read() {
        let want = Reply::Want {
            path: "images/x/full.kot".into(),
            at: 1 << 40,
            length: 4096,
            ahead: 7,
            wrong: true,
        };
        let messages = [Message::Words(want), Message::Bytes(vec![7; PIECE_MAX as usize])];
        let mut wire = Vec::new();
        messages.iter().for_each(|message| send(&mut wire, message).unwrap());
        let mut wire = wire.as_slice();
        for message in messages {
            assert_eq!(receive::<Reply>(&mut wire).unwrap(), message);
        }
        for bad in
            [&[0, 0, 0, 0][..], &[0xff, 0xff, 0xff, 0xff, b'B'], &[0, 2, 0, 2, b'B'], &[0, 0, 0, 1, b'X']]
        {
            receive::<Reply>(&mut &*bad).unwrap_err();
        }
    }
}
