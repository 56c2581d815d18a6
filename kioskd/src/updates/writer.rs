//! The slot writer, at the other end of its socket.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use ota::agent::Reason;
use ota::writer::wire::{self, Message, Reply, Request, State};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// How long the slot writer may be silent: it reads 16 MiB back, or opens a slot, between two signs of life.
const PATIENCE: Duration = Duration::from_secs(300);

/// Where it is.
#[derive(Clone)]
pub(super) struct SlotWriter(pub(super) PathBuf);

/// Something that the slot writer is doing. Dropping it ends that.
pub(super) struct Conversation(UnixStream);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriterError {
    /// It cannot be reached, or is gone.
    #[error("the slot writer")]
    Gone(#[from] io::Error),
    /// It has said no.
    #[error("the slot writer: {why}")]
    Failed {
        /// Why.
        reason: Reason,
        /// For people.
        why: String,
    },
    /// It says what does not fit.
    #[error("the slot writer says {0}")]
    Unexpected(String),
}

impl SlotWriter {
    /// Begins something.
    pub(super) async fn begin(&self, request: Request) -> Result<Conversation, WriterError> {
        let mut conversation = Conversation(UnixStream::connect(&self.0).await?);
        conversation.send(&Message::Words(request)).await?;
        Ok(conversation)
    }

    /// Asks for something that needs nothing from us.
    async fn ask(&self, request: Request) -> Result<Reply, WriterError> {
        self.begin(request).await?.next().await
    }

    /// What runs.
    pub(super) async fn state(&self) -> Result<State, WriterError> {
        match self.ask(Request::State).await? {
            Reply::State(state) => Ok(state),
            other => Err(WriterError::Unexpected(format!("{other:?}"))),
        }
    }

    /// Has something done that is done at once.
    pub(super) async fn tell(&self, request: Request) -> Result<(), WriterError> {
        match self.ask(request).await? {
            Reply::Done => Ok(()),
            other => Err(WriterError::Unexpected(format!("{other:?}"))),
        }
    }
}

fn silent(_: tokio::time::error::Elapsed) -> io::Error {
    io::ErrorKind::TimedOut.into()
}

impl Conversation {
    /// What it says next; that it failed is an error.
    pub(super) async fn next(&mut self) -> Result<Reply, WriterError> {
        let read = async {
            let mut head = [0; 4];
            self.0.read_exact(&mut head).await?;
            let mut bytes = vec![0; wire::length(head)?];
            self.0.read_exact(&mut bytes).await?;
            wire::parse::<Reply>(&bytes)
        };
        let read = tokio::time::timeout(PATIENCE, read).await.map_err(silent)?;
        match read? {
            Message::Words(Reply::Failed { reason, why }) => Err(WriterError::Failed { reason, why }),
            Message::Words(reply) => Ok(reply),
            Message::Bytes(_) => Err(WriterError::Unexpected("bytes".into())),
        }
    }

    /// Gives what it wants; `None`: there is none.
    pub(super) async fn give(&mut self, bytes: Option<Vec<u8>>) -> Result<(), WriterError> {
        match bytes {
            Some(bytes) => self.send(&Message::Bytes(bytes)).await,
            None => self.send(&Message::Words(Request::Missing)).await,
        }
    }

    async fn send(&mut self, message: &Message<Request>) -> Result<(), WriterError> {
        let sent = tokio::time::timeout(PATIENCE, self.0.write_all(&wire::to_bytes(message))).await;
        Ok(sent.map_err(silent)??)
    }
}
