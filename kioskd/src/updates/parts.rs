//! Files of the repository over MQTT, part by part, where a kiosk has nothing else. What is lost is asked for again.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::body::Bytes;
use protocol::topic::Up;
use protocol::update::{PART_MAX, Part, PartsWanted, RANGES_MAX};
use tokio::sync::mpsc;

use super::sources::{Piece, SourceError};
use crate::uplink::Outgoing;

/// How long a part may take before it is asked for again.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How often nothing at all may come before the source is left.
const SILENT_MAX: u32 = 6;

/// The broker, and whoever answers behind it.
pub(super) struct OverMqtt {
    outgoing: mpsc::Sender<Outgoing>,
    parts: mpsc::Receiver<Vec<u8>>,
    patience: Duration,
    req: u32,
    /// Which file the parts are of.
    path: String,
    /// What is asked for and has not come: first byte, length.
    open: BTreeMap<u64, u32>,
    /// What has come, by its first byte: at most a question's worth.
    come: BTreeMap<u64, Vec<u8>>,
}

impl OverMqtt {
    /// `patience`: how long a part may take before it is asked for again.
    pub(super) fn new(
        outgoing: mpsc::Sender<Outgoing>,
        parts: mpsc::Receiver<Vec<u8>>,
        patience: Duration,
    ) -> Self {
        let (req, path) = (0, String::new());
        Self { outgoing, parts, patience, req, path, open: BTreeMap::new(), come: BTreeMap::new() }
    }

    /// All bytes of a piece, fewer at the end of the file.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub(super) async fn read(&mut self, piece: &Piece<'_>) -> Result<Bytes, SourceError> {
        if self.path != piece.path
            || !(self.come.contains_key(&piece.at) || self.open.contains_key(&piece.at))
        {
            self.begin(piece);
            self.ask().await?;
        }
        let mut silent = 0;
        loop {
            if let Some(bytes) = self.come.remove(&piece.at) {
                if bytes.is_empty() && piece.at == 0 {
                    return Err(SourceError::Missing);
                }
                return Ok(bytes.into());
            }
            match tokio::time::timeout(self.patience, self.parts.recv()).await {
                Ok(Some(message)) => {
                    if self.take(&message)? {
                        silent = 0;
                    }
                }
                Ok(None) => return Err(SourceError::Unreachable("the uplink has ended".into())),
                Err(_) => {
                    silent += 1;
                    if silent == SILENT_MAX {
                        self.forget();
                        return Err(SourceError::Unreachable("nobody answers".into()));
                    }
                    self.ask().await?;
                }
            }
        }
    }

    /// What has come is not to be used.
    pub(super) fn forget(&mut self) {
        self.path.clear();
        self.open.clear();
        self.come.clear();
    }

    /// Cuts a piece, and what is likely to be wanted next, into parts of the piece's own length.
    fn begin(&mut self, piece: &Piece<'_>) {
        self.forget();
        self.req = self.req.wrapping_add(1);
        piece.path.clone_into(&mut self.path);
        let part = piece.length.clamp(1, u32::try_from(PART_MAX).unwrap_or(u32::MAX));
        let end = piece.at + u64::from(piece.length) + piece.ahead;
        let mut at = piece.at;
        while at < end && self.open.len() < RANGES_MAX {
            let length = u32::try_from(end - at).unwrap_or(part).min(part);
            self.open.insert(at, length);
            at += u64::from(length);
        }
    }

    async fn ask(&mut self) -> Result<(), SourceError> {
        let ranges = self.open.iter().map(|(at, length)| (*at, *length)).collect();
        let wanted = PartsWanted { req: self.req, file: self.path.clone(), ranges };
        let payload = serde_json::to_vec(&wanted).unwrap_or_default();
        let sent = self.outgoing.send(Outgoing { up: Up::PartsWanted, payload }).await;
        sent.map_err(|_| SourceError::Unreachable("the uplink has ended".into()))
    }

    /// Takes a message; tells whether it is one that was asked for.
    fn take(&mut self, message: &[u8]) -> Result<bool, SourceError> {
        let Some(part) = Part::parse(message).filter(|part| part.req == self.req) else { return Ok(false) };
        let Some(length) = self.open.remove(&part.at) else { return Ok(false) };
        if part.bytes.len() > length as usize {
            self.forget();
            return Err(SourceError::Wrong("it sends more than was asked for".into()));
        }
        self.come.insert(part.at, part.bytes.to_vec());
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE: Piece<'_> = Piece { path: "images/x/full.kot", at: 65_536, length: 65_536, ahead: 200_000 };

    struct Broker {
        asked: mpsc::Receiver<Outgoing>,
        answers: mpsc::Sender<Vec<u8>>,
    }

    impl Broker {
        async fn asked(&mut self) -> PartsWanted {
            serde_json::from_slice(&self.asked.recv().await.unwrap().payload).unwrap()
        }

        async fn answer(&self, req: u32, at: u64, bytes: &[u8]) {
            self.answers.send(Part { req, at, bytes }.to_message()).await.unwrap();
        }
    }

    fn source() -> (OverMqtt, Broker) {
        let ((outgoing, asked), (answers, parts)) = (mpsc::channel(8), mpsc::channel(8));
        (OverMqtt::new(outgoing, parts, Duration::from_millis(200)), Broker { asked, answers })
    }

    #[tokio::test]
    async fn unanswered_block_request_is_asked_again_and_late_or_foreign_parts_are_not_taken() {
        let (mut source, mut broker) = source();
        let read = source.read(&PIECE);
        let answers = async {
            let first = broker.asked().await;
            assert_eq!(
                first.ranges.iter().map(|range| range.1).collect::<Vec<_>>(),
                [65_536, 65_536, 65_536, 65_536, 3_392]
            );
            broker.answer(first.req + 7, 65_536, b"of another question").await;
            broker.answer(first.req, 5, b"of another place").await;
            broker.answer(first.req, 131_072, b"next").await;
            let again = broker.asked().await;
            assert_eq!(
                (again.req, again.ranges.len()),
                (first.req, 4),
                "what has come is not asked for again"
            );
            broker.answer(first.req, 65_536, b"this").await;
        };
        let (read, ()) = tokio::join!(read, answers);
        assert_eq!(read.unwrap(), b"this".as_slice());
        let next = source.read(&Piece { at: 131_072, ..PIECE }).await.unwrap();
        assert_eq!(next, b"next".as_slice(), "it was there already");
    }

    #[tokio::test]
    async fn a_silent_source_and_one_that_sends_too_much_are_left() {
        let (mut source, mut broker) = source();
        let drain = async { while broker.asked.recv().await.is_some() {} };
        tokio::select! {
            read = source.read(&PIECE) => assert!(matches!(read, Err(SourceError::Unreachable(_))), "{read:?}"),
            () = drain => panic!("it is asked for ever"),
        }
        let (mut source, mut broker) = self::source();
        let answers = async {
            let asked = broker.asked().await;
            broker.answer(asked.req, 65_536, &[0; 101]).await;
        };
        let (read, ()) = tokio::join!(source.read(&Piece { length: 100, ..PIECE }), answers);
        assert!(matches!(read, Err(SourceError::Wrong(_))), "{read:?}");
    }

    #[tokio::test]
    async fn mqtt_packet_of_256_mib_is_no_part() {
        let (mut source, mut broker) = source();
        let answers = async {
            let asked = broker.asked().await;
            broker.answers.send(vec![0; protocol::update::PART_MESSAGE_MAX + 1]).await.unwrap();
            broker.answer(asked.req, 65_536, b"this").await;
        };
        let (read, ()) = tokio::join!(source.read(&PIECE), answers);
        assert_eq!(read.unwrap(), b"this".as_slice());
    }
}
