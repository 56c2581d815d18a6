//! Updates from the other kiosks of a site, over its own network: what one has fetched it hands on, and of those who
//! want the same file at the same time one asks the fleet.
//!
//! ```text
//!  Peers ── want ──► Neighbours ── who has some of it? ──► everybody (UDP, multicast)
//!    │                   ▲ ◄────── I have, I am fetching it ─┘
//!    │ GET, one piece    └─ the table of who answered
//!    └──────────────────────────────────────────────────────► serve ── Shelf
//! ```
//! Nothing is believed of a neighbour: the slot writer proves every piece, and a neighbour that gave something else than
//! what was signed is not asked again. Names of files hold the hash of the image, so everybody means the same bytes.

mod neighbours;
mod serve;
mod shelf;

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{HOST, RANGE};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use neighbours::Neighbours;
use shelf::Shelf;

use super::sources::Piece;
use crate::clock::ShopClock;
use crate::settings;

/// Where pieces are, on every kiosk.
const PATH: &str = "/v1/updates/";
/// How long answers to the first question about a file are waited for.
const ANSWERS: Duration = Duration::from_millis(300);
/// How long a neighbour may take for a piece.
const PIECE_WITHIN: Duration = Duration::from_secs(5);
/// How long to wait for a piece that another one fetches from the fleet.
const FOLLOW: Duration = Duration::from_secs(20);
/// Pause before the same piece is asked for again.
const AGAIN: Duration = Duration::from_millis(250);
/// Neighbours that are asked for a piece.
const ASKED_MAX: usize = 4;
/// Pieces that were not what was signed, after which nobody is asked for the rest of a file.
const WRONG_MAX: u32 = 3;
/// The same for questions that were not answered as they should be: whoever invents neighbours could hold us up.
const FAULTS_MAX: u32 = 16;

/// The neighbours, as a source of pieces.
pub(super) struct Peers {
    neighbours: Neighbours,
    shelf: Shelf,
    connection: Option<(SocketAddr, SendRequest<Empty<Bytes>>)>,
    /// Who gave the last piece.
    giver: Option<SocketAddr>,
    /// Pieces of this file that were not what was signed.
    wrong: u32,
    /// Questions for this file that were not answered as they should be.
    faults: u32,
}

/// Why a neighbour does not give a piece.
#[derive(Debug, thiserror::Error)]
enum PeerError {
    #[error("it is too slow")]
    Slow(#[from] tokio::time::error::Elapsed),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
    #[error("{0}")]
    Wrong(String),
}

impl Peers {
    /// The neighbours, and what has to run to listen to them and to hand on what is on the shelf.
    ///
    /// # Errors
    /// An address cannot be listened at, or the folder cannot be read.
    pub(super) async fn start(
        settings: &settings::Peers,
        folder: std::path::PathBuf,
        clock: ShopClock,
    ) -> anyhow::Result<(Self, impl Future<Output = ()> + Send + use<>)> {
        let shelf = Shelf::open(folder, u64::from(settings.keep_mb) * 1_000_000)?;
        let (port, serving) = serve::start(settings.listen, shelf.clone()).await?;
        let (neighbours, listening) = Neighbours::new(settings, port, shelf.clone(), clock)?;
        let both = async { _ = tokio::join!(serving, listening) };
        Ok((Self { neighbours, shelf, connection: None, giver: None, wrong: 0, faults: 0 }, both))
    }

    /// A piece, if a neighbour has it or is about to; `None`: somebody else has to be asked. Dropping it loses nothing.
    pub(super) async fn read(&mut self, piece: &Piece<'_>) -> Option<Vec<u8>> {
        self.giver = None;
        if self.neighbours.want(piece.path) {
            (self.wrong, self.faults) = (0, 0);
            sleep(ANSWERS).await;
        }
        let until = Instant::now() + FOLLOW;
        while self.wrong < WRONG_MAX && self.faults < FAULTS_MAX {
            for address in self.neighbours.best(ASKED_MAX) {
                match self.get(address, piece).await {
                    Ok(Some(bytes)) => {
                        self.giver = Some(address);
                        return Some(bytes);
                    }
                    Ok(None) => {}
                    Err(error) => {
                        tracing::debug!(%address, %error, "a neighbour does not give a piece of an update");
                        self.neighbours.shun(address);
                        self.faults += 1;
                    }
                }
            }
            let leader = self.neighbours.leader()?;
            if Instant::now() >= until {
                self.neighbours.pass_over(leader);
            }
            sleep(AGAIN).await;
        }
        None
    }

    /// Whether the last piece came from a neighbour, which is not asked again: it is not what was signed.
    pub(super) fn was_wrong(&mut self) -> bool {
        let Some(address) = self.giver.take() else { return false };
        tracing::warn!(%address, "a neighbour gives something else than what was signed");
        self.wrong += 1;
        self.neighbours.shun(address);
        true
    }

    /// Keeps a piece that was what was signed.
    pub(super) async fn keep(&self, piece: Piece<'_>, bytes: Vec<u8>) {
        if let Err(error) = self.shelf.put(piece.path, piece.at, piece.length, bytes).await {
            tracing::debug!(%error, "a piece of an update is not kept for others");
        }
    }

    /// Nothing more is wanted now.
    pub(super) fn rest(&mut self) {
        self.neighbours.rest();
        self.connection = None;
    }

    async fn get(&mut self, from: SocketAddr, piece: &Piece<'_>) -> Result<Option<Vec<u8>>, PeerError> {
        timeout(PIECE_WITHIN, self.get_for_ever(from, piece)).await?
    }

    async fn get_for_ever(
        &mut self,
        from: SocketAddr,
        piece: &Piece<'_>,
    ) -> Result<Option<Vec<u8>>, PeerError> {
        let kept = self
            .connection
            .take()
            .filter(|(address, connection)| *address == from && !connection.is_closed());
        let mut connection = match kept {
            Some((_, connection)) => connection,
            None => connect(from).await?,
        };
        let request = Request::get(format!("{PATH}{}", piece.path))
            .header(HOST, from.to_string())
            .header(RANGE, format!("bytes={}-{}", piece.at, piece.at + u64::from(piece.length) - 1))
            .body(Empty::new())
            .map_err(|error| PeerError::Wrong(error.to_string()))?;
        connection.ready().await?;
        let answer = connection.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), piece.length as usize).collect().await;
        let body = body.map_err(|error| PeerError::Wrong(error.to_string()))?.to_bytes();
        self.connection = Some((from, connection));
        match status {
            StatusCode::PARTIAL_CONTENT => Ok(Some(body.into())),
            StatusCode::NOT_FOUND => Ok(None),
            other => Err(PeerError::Wrong(other.to_string())),
        }
    }
}

async fn connect(to: SocketAddr) -> Result<SendRequest<Empty<Bytes>>, PeerError> {
    let stream = TcpStream::connect(to).await?;
    let (connection, driven) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    #[expect(clippy::disallowed_methods, reason = "ends with its connection")]
    tokio::spawn(async move { drop(driven.await) });
    Ok(connection)
}

#[cfg(test)]
mod tests;
