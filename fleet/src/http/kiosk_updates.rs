//! The update repository, for kiosks: files in single ranges, streamed.

use std::io::SeekFrom;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use protocol::text::hex;
use ring::digest::{SHA256, digest};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::Api;
use super::door::Device;
use super::extract::At;
use super::problem::{Answer, Failed};
use crate::updates::mirror::TIMESTAMP;
use crate::updates::store::StoreError;

/// Bytes that are read at once: what a file that is fetched takes of memory.
const PIECE: usize = 64 * 1024;

/// A file of the metadata or a target.
#[utoipa::path(get, path = "/v1/kiosk/updates/{folder}/{file}", tag = "kiosk's own",
    params(("folder" = String, Path, description = "`metadata` or `targets`"), ("file" = String, Path),
        ("Range" = Option<String>, Header, description = "A single one"), ("If-Range" = Option<String>, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = [u8]), (status = 206), (status = 304)))]
pub(super) async fn file(
    State(api): State<Api>,
    _: Device,
    At((folder, file)): At<(String, String)>,
    headers: HeaderMap,
) -> Answer<Response> {
    serve(&api, &format!("{folder}/{file}"), &headers).await
}

/// A file of an image.
#[utoipa::path(get, path = "/v1/kiosk/updates/images/{image}/{file}", tag = "kiosk's own",
    params(("image" = String, Path), ("file" = String, Path),
        ("Range" = Option<String>, Header, description = "A single one"), ("If-Range" = Option<String>, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = [u8]), (status = 206), (status = 304)))]
pub(super) async fn image(
    State(api): State<Api>,
    _: Device,
    At((image, file)): At<(String, String)>,
    headers: HeaderMap,
) -> Answer<Response> {
    serve(&api, &format!("images/{image}/{file}"), &headers).await
}

/// Answers with a file, or the part of it that is asked for.
pub(super) async fn serve(api: &Api, path: &str, headers: &HeaderMap) -> Answer<Response> {
    let missing = || Failed::missing("file of the update repository", path);
    let at = api.store.path(path).map_err(|_: StoreError| missing())?;
    // What keeps its name keeps its content, on every replica.
    let name = (path != TIMESTAMP).then_some(path);
    serve_file(&at, name, headers).await?.ok_or_else(missing)
}

/// Answers with a file, or the part of it that is asked for; `None`: there is none. With a name another content would
/// have another name.
pub(super) async fn serve_file(
    at: &Path,
    name: Option<&str>,
    headers: &HeaderMap,
) -> Answer<Option<Response>> {
    let Ok(mut file) = File::open(at).await else { return Ok(None) };
    let Ok(about) = file.metadata().await else { return Ok(None) };
    let length = about.len();
    let etag = match name {
        Some(name) => format!("\"{}-{length:x}\"", hex(&digest(&SHA256, name.as_bytes()).as_ref()[..8])),
        // A file is never changed in its place: another content has another inode, time or length.
        None => format!("\"{:x}-{:x}-{length:x}\"", about.ino(), about.mtime_nsec() ^ about.mtime()),
    };
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_NONE_MATCH).is_some_and(|known| known.split(',').any(|it| it.trim() == etag)) {
        return Ok(Some((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response()));
    }
    let is_still = text(header::IF_RANGE).is_none_or(|known| known == etag);
    let wanted = text(header::RANGE).filter(|_| is_still).map_or(Wanted::Whole, |it| range(it, length));
    let common = [
        (header::ETAG, etag),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
    ];
    let (status, first, count) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0, length),
        Wanted::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::Nothing => {
            let of = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return Ok(Some((StatusCode::RANGE_NOT_SATISFIABLE, common, of).into_response()));
        }
    };
    if file.seek(SeekFrom::Start(first)).await.is_err() {
        return Ok(None);
    }
    let mut response = (status, common, Body::from_stream(pieces(file, count))).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, count.into());
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) = format!("bytes {first}-{}/{length}", first + count - 1).parse()
    {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    Ok(Some(response))
}

/// So many bytes from where the file stands. A file that ends too early ends the connection.
fn pieces(file: File, count: u64) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold((file, count), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
        let read = file.read(&mut piece).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        piece.truncate(read);
        Ok(Some((Bytes::from(piece), (file, left - read as u64))))
    })
}

/// What of a file is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wanted {
    Whole,
    Part {
        first: u64,
        last: u64,
    },
    /// A range behind its end.
    Nothing,
}

/// Reads a single range (RFC 9110, 14.1.2). Several, or other units, are as good as none.
fn range(text: &str, length: u64) -> Wanted {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|it| it.trim().split_once('-')) else {
        return Wanted::Whole;
    };
    let number = |text: &str| text.bytes().all(|it| it.is_ascii_digit()).then(|| text.parse::<u64>().ok());
    let (first, last) = match (first, last) {
        ("", last) => match number(last).flatten() {
            Some(0) => return Wanted::Nothing,
            Some(count) => (length.saturating_sub(count), u64::MAX),
            None => return Wanted::Whole,
        },
        (first, last) => match (number(first).flatten(), last, number(last).flatten()) {
            (Some(first), "", _) => (first, u64::MAX),
            (Some(first), _, Some(last)) if first <= last => (first, last),
            _ => return Wanted::Whole,
        },
    };
    if first >= length { Wanted::Nothing } else { Wanted::Part { first, last: last.min(length - 1) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_range_is_read_as_the_standard_says_and_anything_else_is_none() {
        let part = |first, last| Wanted::Part { first, last };
        for (text, wanted) in [
            ("bytes=0-0", part(0, 0)),
            ("bytes=2-", part(2, 9)),
            ("bytes=2-99", part(2, 9)),
            ("bytes=-3", part(7, 9)),
            ("bytes=-99", part(0, 9)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
        ] {
            assert_eq!(range(text, 10), wanted, "{text}");
        }
        assert_eq!(range("bytes=0-", 0), Wanted::Nothing);
    }
}
