//! Where bytes come from: for images the neighbours, then the fleet over HTTPS, else parts over MQTT. Nothing is believed
//! of a source; one that gives what was not signed is left for the next, one that cannot be reached is tried again for as
//! long as it takes.

use std::time::Duration;

use hyper::body::Bytes;

use super::https::Https;
use super::inbox::Inbox;
use super::orders::Terms;
use super::pace::Bucket;
use super::parts::OverMqtt;
use super::peers::Peers;
use crate::clock::ShopClock;

/// A piece of a file, as the slot writer wants it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Piece<'a> {
    pub(super) path: &'a str,
    pub(super) at: u64,
    pub(super) length: u32,
    /// So many bytes after it are likely to be wanted next.
    pub(super) ahead: u64,
}

/// A piece that was given.
struct Given {
    path: String,
    at: u64,
    length: u32,
    bytes: Vec<u8>,
}

/// Why a source does not give it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// Not now.
    #[error("{0}")]
    Unreachable(String),
    /// It has no such file.
    #[error("there is no such file")]
    Missing,
    /// It gives less than a piece in [`SLOW`].
    #[error("it is too slow")]
    Slow,
    /// It does not do what was asked.
    #[error("{0}")]
    Wrong(String),
}

/// A source that takes longer for a piece is left for another one, if there is one: about 1 kB a second, and whoever
/// feeds us byte by byte is none. Time that we wait for our own limit does not count.
const SLOW: Duration = Duration::from_secs(60);
/// Pauses between attempts while nobody can be reached.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// One of them.
enum Source {
    Https(Https),
    Mqtt(OverMqtt),
}

impl Source {
    fn name(&self) -> &'static str {
        match self {
            Self::Https(_) => "HTTPS",
            Self::Mqtt(_) => "MQTT",
        }
    }

    async fn read(&mut self, piece: &Piece<'_>) -> Result<Bytes, SourceError> {
        match self {
            Self::Https(https) => https.read(piece).await,
            Self::Mqtt(mqtt) => mqtt.read(piece).await,
        }
    }

    fn forget(&mut self, path: &str) {
        match self {
            Self::Https(https) => https.forget(path),
            Self::Mqtt(mqtt) => mqtt.forget(),
        }
    }
}

/// All of them, in the order in which they are asked.
pub(super) struct Sources {
    /// Asked before all others, for every piece of an image.
    peers: Option<Peers>,
    /// What was given last, until it is known whether it was what was signed.
    last: Option<Given>,
    all: Vec<Source>,
    /// Which one is asked now.
    now: usize,
    /// Which ones gave what was not signed, or have no such file.
    left: Vec<usize>,
    /// Of this file.
    path: String,
    /// Bytes that the present source has given since it last failed.
    given: u64,
    /// Bytes of images since the last rest, of [`NEIGHBOURS`] and [`FLEET`].
    fetched: [u64; 2],
    inbox: Inbox,
    bucket: Bucket,
    clock: ShopClock,
}

const NEIGHBOURS: usize = 0;
const FLEET: usize = 1;

impl Sources {
    pub(super) fn new(https: Option<Https>, mqtt: Option<OverMqtt>, inbox: Inbox, clock: ShopClock) -> Self {
        let all = https.map(Source::Https).into_iter().chain(mqtt.map(Source::Mqtt)).collect();
        Self {
            peers: None,
            last: None,
            all,
            now: 0,
            left: Vec::new(),
            path: String::new(),
            given: 0,
            fetched: [0; 2],
            inbox,
            bucket: Bucket::default(),
            clock,
        }
    }

    /// Asks the neighbours, too.
    pub(super) fn join(&mut self, peers: Peers) {
        self.peers = Some(peers);
    }

    /// Somebody else asks now: whether what was given last was what was signed will never be known.
    pub(super) fn begin(&mut self) {
        self.last = None;
    }

    /// What was given last was what was signed, and nothing more is wanted now.
    pub(super) async fn rest(&mut self) {
        self.keep().await;
        if let Some(peers) = &mut self.peers {
            peers.rest();
        }
        let [neighbours, fleet] = std::mem::take(&mut self.fetched);
        if neighbours + fleet > 0 {
            tracing::info!(neighbours, fleet, "bytes of images were fetched");
        }
    }

    /// A piece; `None`: nobody has it. `wrong`: what was given for it is not what was signed. Waits for as long as
    /// nobody can be reached.
    pub(super) async fn piece(
        &mut self,
        piece: Piece<'_>,
        wrong: bool,
        terms: impl Fn() -> Option<Terms>,
    ) -> Option<Vec<u8>> {
        let of_peer = wrong && self.peers.as_mut().is_some_and(Peers::was_wrong);
        if wrong {
            self.last = None;
        }
        self.keep().await;
        let Some(peers) = self.peers.as_mut().filter(|_| piece.path.starts_with("images/")) else {
            return self.fleets(piece, wrong, terms).await;
        };
        let bytes = match peers.read(&piece).await {
            Some(bytes) => self.counted(NEIGHBOURS, bytes),
            None => self.fleets(piece, wrong && !of_peer, terms).await?,
        };
        let (path, at, length) = (piece.path.to_owned(), piece.at, piece.length);
        self.last = Some(Given { path, at, length, bytes: bytes.clone() });
        Some(bytes)
    }

    fn counted(&mut self, whose: usize, bytes: Vec<u8>) -> Vec<u8> {
        self.fetched[whose] += bytes.len() as u64;
        bytes
    }

    /// Hands what was given last on to the neighbours.
    async fn keep(&mut self) {
        if let (Some(peers), Some(Given { path, at, length, bytes })) = (&self.peers, self.last.take()) {
            peers.keep(Piece { path: &path, at, length, ahead: 0 }, bytes).await;
        }
    }

    async fn fleets(
        &mut self,
        piece: Piece<'_>,
        wrong: bool,
        terms: impl Fn() -> Option<Terms>,
    ) -> Option<Vec<u8>> {
        if self.path != piece.path {
            piece.path.clone_into(&mut self.path);
            (self.now, self.left) = (0, Vec::new());
        }
        if wrong {
            self.leave("what it gives is not what was signed");
        }
        let (mut bytes, mut pause) = (Vec::new(), PAUSE_MIN);
        loop {
            let Some(now) = self.next_source() else {
                self.left.clear();
                return None;
            };
            match self.whole(now, piece, &mut bytes, &terms).await {
                Ok(()) => return Some(self.counted(FLEET, bytes)),
                Err(SourceError::Unreachable(why)) => {
                    let source = self.all[now].name();
                    tracing::debug!(source, path = piece.path, %why, "an update cannot be fetched now");
                    if let Some(heard) = self.heard(&piece) {
                        return heard;
                    }
                    if std::mem::take(&mut self.given) > 0 {
                        // A line that breaks is not a source that has nothing: it goes on at the byte.
                        continue;
                    }
                    self.now += 1;
                    if (self.now..self.all.len()).all(|source| self.left.contains(&source)) {
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(PAUSE_MAX);
                        // A neighbour may have got it meanwhile.
                        if let Some(peers) = &mut self.peers
                            && piece.path.starts_with("images/")
                            && let Some(bytes) = peers.read(&piece).await
                        {
                            return Some(self.counted(NEIGHBOURS, bytes));
                        }
                    }
                }
                // The next one may have it. A root that comes after the newest is not there at all.
                Err(SourceError::Missing) => {
                    self.all[now].forget(piece.path);
                    self.left.push(now);
                }
                Err(SourceError::Slow) => {
                    // The only one that there is may be slow.
                    if (0..self.all.len()).any(|it| it != now && !self.left.contains(&it)) {
                        self.leave("it is too slow");
                    }
                }
                Err(error) => {
                    // Parts of two files are no file.
                    bytes.clear();
                    self.leave(&error.to_string());
                }
            }
        }
    }

    /// Reads a piece to its end, or to that of the file; goes on after what is in `bytes`.
    async fn whole(
        &mut self,
        now: usize,
        piece: Piece<'_>,
        bytes: &mut Vec<u8>,
        terms: &impl Fn() -> Option<Terms>,
    ) -> Result<(), SourceError> {
        let mut patience = SLOW;
        while bytes.len() < piece.length as usize {
            let come = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let rest = Piece { at: piece.at + u64::from(come), length: piece.length - come, ..piece };
            let began = self.clock.now().mono.0;
            let more = tokio::time::timeout(patience, self.all[now].read(&rest)).await;
            let more = more.unwrap_or(Err(SourceError::Slow))?;
            let took = self.clock.now().mono.0.saturating_sub(began);
            patience = patience.saturating_sub(Duration::from_millis(took));
            if more.is_empty() {
                break;
            }
            bytes.extend_from_slice(&more);
            self.given += more.len() as u64;
            let rate_kb = terms().and_then(|terms| terms.rate_kb);
            let wait = self.bucket.take(self.clock.now().mono.0, more.len() as u64, rate_kb);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        Ok(())
    }

    fn next_source(&mut self) -> Option<usize> {
        let usable = |index: &usize| !self.left.contains(index);
        let all = 0..self.all.len();
        let next = all.clone().filter(usable).find(|index| *index >= self.now);
        self.now = next.or_else(|| all.clone().find(usable))?;
        Some(self.now)
    }

    fn leave(&mut self, why: &str) {
        if let Some(source) = self.all.get_mut(self.now) {
            tracing::warn!(source = source.name(), path = %self.path, why, "a source of the update is left");
            source.forget(&self.path);
            self.left.push(self.now);
        }
    }

    /// Metadata that was said to every kiosk, where the fleet cannot be reached otherwise; `Some(None)`: there is none.
    fn heard(&self, piece: &Piece<'_>) -> Option<Option<Vec<u8>>> {
        let name = piece.path.strip_prefix("metadata/")?;
        self.inbox.metadata("timestamp.json")?;
        let Some(file) = self.inbox.metadata(name) else { return Some(None) };
        let at = usize::try_from(piece.at).unwrap_or(usize::MAX).min(file.len());
        let end = at.saturating_add(piece.length as usize).min(file.len());
        Some(Some(file[at..end].to_vec()))
    }
}
