//! What is on the shelf, over HTTP: `GET /v1/updates/{file}` with the `Range` that is wanted; 206, or 404.

use std::convert::Infallible;
use std::net::SocketAddrV4;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_RANGE, RANGE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::PATH;
use super::shelf::Shelf;
use crate::updates::pace::Bucket;

/// Neighbours that are served at once.
const CLIENTS: usize = 32;
/// How long one is served before it has to come again, however slowly it reads.
const CLIENT_FOR: Duration = Duration::from_secs(120);
/// How long one may be silent.
const SILENT: Duration = Duration::from_secs(30);
/// kB a second that all of them get: whoever touches the screen goes first.
const RATE_KB: u32 = 8_000;
/// Pause after a connection could not be taken.
const AGAIN: Duration = Duration::from_millis(200);

/// The port, and what serves there.
///
/// # Errors
/// The address cannot be listened at.
pub(super) async fn start(
    listen: SocketAddrV4,
    shelf: Shelf,
) -> anyhow::Result<(u16, impl Future<Output = ()> + Send + use<>)> {
    let listener = TcpListener::bind(listen).await?;
    let port = listener.local_addr()?.port();
    let server = Server { shelf, bucket: Arc::default(), began: Instant::now() };
    Ok((port, serve(listener, server)))
}

#[derive(Clone)]
struct Server {
    shelf: Shelf,
    bucket: Arc<Mutex<Bucket>>,
    began: Instant,
}

async fn serve(listener: TcpListener, server: Server) {
    let clients = Arc::new(Semaphore::new(CLIENTS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        // One too many is told so by the end of its connection.
        if let Ok(client) = Arc::clone(&clients).try_acquire_owned() {
            let server = server.clone();
            #[expect(clippy::disallowed_methods, reason = "ends by itself, within limits")]
            tokio::spawn(async move {
                drop(tokio::time::timeout(CLIENT_FOR, server.client(stream)).await);
                drop(client);
            });
        }
    }
}

impl Server {
    async fn client(&self, stream: TcpStream) {
        let service = service_fn(async |request| Ok::<_, Infallible>(self.answer(&request).await));
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(SILENT);
        // A neighbour that goes away is none of our faults.
        drop(http.serve_connection(TokioIo::new(stream), service).await);
    }

    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let mut answer = Response::new(Full::default());
        *answer.status_mut() = StatusCode::NOT_FOUND;
        let Some((file, at, length)) = asked(request) else { return answer };
        let Some(piece) = self.shelf.get(file, at, length).await else { return answer };
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let bytes = piece.len() as u64;
        let wait = self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(now, bytes, Some(RATE_KB));
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let range = format!("bytes {at}-{}/*", (at + bytes).saturating_sub(1));
        if let Ok(range) = range.parse() {
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
            answer.headers_mut().insert(CONTENT_RANGE, range);
            *answer.body_mut() = Full::from(piece);
        }
        answer
    }
}

/// Which piece is asked for.
fn asked(request: &Request<Incoming>) -> Option<(&str, u64, u32)> {
    let file = request.uri().path().strip_prefix(PATH).filter(|_| request.method() == Method::GET)?;
    let range = request.headers().get(RANGE)?.to_str().ok()?.strip_prefix("bytes=")?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let length = last.checked_sub(first)?.checked_add(1)?;
    Some((file, first, u32::try_from(length).ok()?))
}
