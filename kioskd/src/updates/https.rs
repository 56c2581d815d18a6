//! Files of the repository over HTTPS: single ranges of at most [`RANGE_MAX`], each resumed at the byte.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_RANGE, ETAG, IF_RANGE, RANGE};
use hyper::{HeaderMap, StatusCode};

use super::sources::{Piece, SourceError};
use crate::uplink::{Driven, Folder, Http};

/// Most bytes of one request: neighbouring chunks together.
const RANGE_MAX: u64 = 4 << 20;

/// The fleet's HTTPS address.
pub(super) struct Https {
    fleet: String,
    ca: PathBuf,
    folder: Folder,
    /// The strong entity tag of each file that was begun: it must stay the same.
    tags: BTreeMap<String, String>,
    open: Option<Range>,
}

/// A range that is being read.
struct Range {
    path: String,
    /// First byte that has not been handed out.
    at: u64,
    /// First byte that is not in it.
    end: u64,
    /// What has come and was not handed out.
    ready: Bytes,
    body: Incoming,
    connection: Driven,
    is_driven: bool,
}

impl Https {
    pub(super) fn new(fleet: String, ca: PathBuf, folder: Folder) -> Self {
        Self { fleet, ca, folder, tags: BTreeMap::new(), open: None }
    }

    /// The next bytes from the place of a piece on, not more than it wants; empty at the end of the file.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub(super) async fn read(&mut self, piece: &Piece<'_>) -> Result<Bytes, SourceError> {
        let goes_on = |open: &Range| open.path == piece.path && open.at == piece.at && open.at < open.end;
        let mut range = match self.open.take().filter(goes_on) {
            Some(range) => range,
            None => match self.begin(piece).await? {
                Some(range) => range,
                None => return Ok(Bytes::new()),
            },
        };
        let bytes = range.next(piece.length).await?;
        self.open = Some(range);
        Ok(bytes)
    }

    /// What was read of this file is not what was signed.
    pub(super) fn forget(&mut self, path: &str) {
        self.tags.remove(path);
        self.open = None;
    }

    async fn begin(&mut self, piece: &Piece<'_>) -> Result<Option<Range>, SourceError> {
        let length = (u64::from(piece.length) + piece.ahead).min(RANGE_MAX);
        let end = piece.at + length;
        let mut headers = vec![(RANGE, format!("bytes={}-{}", piece.at, end - 1))];
        headers.extend(self.tags.get(piece.path).map(|tag| (IF_RANGE, tag.clone())));
        let unreachable = |error: anyhow::Error| SourceError::Unreachable(format!("{error:#}"));
        let tls = self.folder.tls(&self.ca).map_err(unreachable)?;
        let http = Http { fleet: self.fleet.clone(), tls };
        let path = format!("/v1/kiosk/updates/{}", piece.path);
        let (answer, connection) = http.open(&path, headers).await.map_err(unreachable)?;
        let (answer, body) = answer.into_parts();
        match answer.status {
            StatusCode::PARTIAL_CONTENT => {}
            StatusCode::RANGE_NOT_SATISFIABLE => return Ok(None),
            StatusCode::NOT_FOUND => return Err(SourceError::Missing),
            // The file is another one now than the one that was begun.
            StatusCode::OK => {
                self.tags.remove(piece.path);
                return Err(SourceError::Wrong("it answers with another file, or without ranges".into()));
            }
            status if status.is_server_error() => return Err(SourceError::Unreachable(status.to_string())),
            status => return Err(SourceError::Wrong(status.to_string())),
        }
        let end = answered(&answer.headers, piece.at, end)
            .map_err(|error| SourceError::Wrong(error.to_string()))?;
        if let Some(tag) = answer.headers.get(ETAG).and_then(|tag| tag.to_str().ok())
            && !tag.starts_with("W/")
        {
            self.tags.insert(piece.path.to_owned(), tag.to_owned());
        }
        let path = piece.path.to_owned();
        Ok(Some(Range { path, at: piece.at, end, ready: Bytes::new(), body, connection, is_driven: true }))
    }
}

/// Where the range that was answered ends: it must begin where it was asked to, and not be longer.
fn answered(headers: &HeaderMap, at: u64, end: u64) -> anyhow::Result<u64> {
    let value = headers.get(CONTENT_RANGE).context("a range without Content-Range")?.to_str()?;
    let (range, _) =
        value.strip_prefix("bytes ").and_then(|it| it.split_once('/')).context("Content-Range")?;
    let (first, last) = range.split_once('-').context("Content-Range")?;
    let (first, last): (u64, u64) = (first.parse()?, last.parse()?);
    anyhow::ensure!(first == at && last >= first && last < end, "it answers with bytes {range}");
    Ok(last + 1)
}

impl Range {
    async fn next(&mut self, most: u32) -> Result<Bytes, SourceError> {
        while self.ready.is_empty() {
            let frame = tokio::select! {
                frame = self.body.frame() => frame,
                () = &mut self.connection, if self.is_driven => {
                    self.is_driven = false;
                    continue;
                }
            };
            match frame {
                None => return Err(SourceError::Unreachable("the connection ended in the middle".into())),
                Some(Err(error)) => return Err(SourceError::Unreachable(error.to_string())),
                Some(Ok(frame)) => self.ready = frame.into_data().unwrap_or_default(),
            }
            if self.ready.len() as u64 > self.end - self.at {
                return Err(SourceError::Wrong("it sends more than was asked for".into()));
            }
        }
        let now = self.ready.split_to(self.ready.len().min(usize::try_from(most).unwrap_or(usize::MAX)));
        self.at += now.len() as u64;
        Ok(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_range_that_was_asked_for_is_taken() {
        let answered = |value: &str| {
            let headers = HeaderMap::from_iter([(CONTENT_RANGE, value.parse().unwrap())]);
            answered(&headers, 100, 200).ok()
        };
        assert_eq!((answered("bytes 100-199/500"), answered("bytes 100-149/150")), (Some(200), Some(150)));
        for wrong in
            ["bytes 0-99/500", "bytes 100-200/500", "bytes 100-/5", "bytes */500", "lines 100-199/500"]
        {
            assert_eq!(answered(wrong), None, "{wrong}");
        }
        assert!(super::answered(&HeaderMap::new(), 0, 1).is_err());
    }
}
