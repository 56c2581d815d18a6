//! One HTTPS request at a time to the fleet: documents and files, for which messages are too small.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper::header::HeaderName;
use hyper::http::request;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longest a request may take, from name to last byte: a catalog of 16 MiB over a slow line.
const PATIENCE: Duration = Duration::from_secs(120);

/// Longest a small question may take: a person waits for it.
const POST_PATIENCE: Duration = Duration::from_secs(20);

/// Largest answer: the largest catalog.
const ANSWER_MAX: usize = protocol::catalog::MAX_FILE_BYTES;

/// The fleet's HTTPS address and whom to believe there.
#[derive(Clone)]
pub(crate) struct Http {
    pub fleet: String,
    pub tls: Arc<ClientConfig>,
}

/// The fleet answered, and said no.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub(crate) struct Refused {
    pub status: StatusCode,
    words: String,
}

/// What to ask for.
pub(crate) struct Ask<'a> {
    pub method: Method,
    /// Begins with a slash.
    pub path: &'a str,
    pub content_type: &'a str,
    pub body: Vec<u8>,
}

impl Http {
    /// Posts JSON and reads JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let body = serde_json::to_vec(body)?;
        let ask = Ask { method: Method::POST, path, content_type: "application/json", body };
        let answer = tokio::time::timeout(POST_PATIENCE, self.request(ask)).await;
        let answer = answer.with_context(|| format!("no answer from {} in time", self.fleet))??;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// Gets a document.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Bytes> {
        self.request(Ask { method: Method::GET, path, content_type: "", body: Vec::new() }).await
    }

    /// Puts a file.
    pub(crate) async fn put(&self, path: &str, content_type: &str, body: Vec<u8>) -> anyhow::Result<()> {
        self.request(Ask { method: Method::PUT, path, content_type, body }).await.map(drop)
    }

    async fn request(&self, ask: Ask<'_>) -> anyhow::Result<Bytes> {
        let what = format!("{} {}{}", ask.method, self.fleet, ask.path);
        tokio::time::timeout(PATIENCE, self.exchange(ask))
            .await
            .map_err(|_| anyhow::anyhow!("no answer in time"))
            .and_then(|answer| answer)
            .context(what)
    }

    async fn exchange(&self, ask: Ask<'_>) -> anyhow::Result<Bytes> {
        let (mut sender, connection) = self.connect().await?;
        let request = self
            .request_to(ask.method, ask.path)?
            .header(header::CONTENT_TYPE, ask.content_type)
            .body(Full::new(Bytes::from(ask.body)))?;
        let exchange = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_MAX).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
            if !status.is_success() {
                return Err(Refused { status, words: refusal(status, &body) }.into());
            }
            Ok(body)
        };
        // The connection must be driven while the answer is awaited; afterwards it is dropped.
        tokio::pin!(exchange);
        tokio::select! {
            answer = &mut exchange => answer,
            ended = connection => {
                ended?;
                exchange.await
            }
        }
    }

    /// Gets something whose body is read bit by bit. The connection has to be driven meanwhile.
    pub(crate) async fn open(
        &self,
        path: &str,
        headers: Vec<(HeaderName, String)>,
    ) -> anyhow::Result<(Response<Incoming>, Driven)> {
        let opened = async {
            let (mut sender, connection) = self.connect().await?;
            let mut request = self.request_to(Method::GET, path)?;
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let request = request.body(Full::new(Bytes::new()))?;
            let mut connection: Driven = Box::pin(async { drop(connection.await) });
            let answer = sender.send_request(request);
            tokio::pin!(answer);
            let answer = tokio::select! {
                answer = &mut answer => answer?,
                () = &mut connection => {
                    // All of it has come.
                    connection = Box::pin(std::future::pending());
                    answer.await?
                }
            };
            anyhow::Ok((answer, connection))
        };
        let opened = tokio::time::timeout(POST_PATIENCE, opened).await;
        opened.with_context(|| format!("no answer from {} in time", self.fleet))?
    }

    async fn connect(
        &self,
    ) -> anyhow::Result<(SendRequest<Full<Bytes>>, Connection<TokioIo<TlsStream<TcpStream>>, Full<Bytes>>)>
    {
        let (host, port) = host_and_port(self.authority()?, 443)?;
        let stream = TcpStream::connect((host.as_str(), port)).await.context("cannot connect")?;
        let name = ServerName::try_from(host).context("not a name of a server")?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await.context("TLS")?;
        Ok(hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?)
    }

    fn request_to(&self, method: Method, path: &str) -> anyhow::Result<request::Builder> {
        anyhow::ensure!(path.starts_with('/'), "a path begins with a slash");
        let request = Request::builder().method(method).uri(path).header(header::HOST, self.authority()?);
        Ok(request.header(header::USER_AGENT, concat!("kioskd/", env!("CARGO_PKG_VERSION"))))
    }

    fn authority(&self) -> anyhow::Result<&str> {
        self.fleet.strip_prefix("https://").context("not an https address")
    }
}

/// A connection that does nothing unless it is polled.
pub(crate) type Driven = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the fleet said no with: its own words if it has some.
fn refusal(status: StatusCode, body: &[u8]) -> String {
    let words: Option<Value> = serde_json::from_slice(body).ok();
    let words = words.as_ref().and_then(|value| {
        ["detail", "error", "title"].iter().find_map(|key| value[*key].as_str().map(str::to_owned))
    });
    words.map_or_else(|| status.to_string(), |words| format!("{words} ({})", status.as_u16()))
}

/// Takes `host:port`, `host` and `[::1]:port` apart.
pub(crate) fn host_and_port(authority: &str, default_port: u16) -> anyhow::Result<(String, u16)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (host, port.parse().with_context(|| format!("{authority}: not a port"))?)
        }
        _ => (authority, default_port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    anyhow::ensure!(!host.is_empty(), "{authority:?} names no host");
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_taken_apart() {
        let apart = |text| host_and_port(text, 443).unwrap();
        assert_eq!(apart("fleet.example:8443"), ("fleet.example".to_owned(), 8443));
        assert_eq!(apart("fleet.example"), ("fleet.example".to_owned(), 443));
        assert_eq!(apart("[::1]:8443"), ("::1".to_owned(), 8443));
        assert_eq!(apart("[::1]"), ("::1".to_owned(), 443));
        assert!(host_and_port(":1", 443).is_err());
        assert!(host_and_port("a:b", 443).is_err());
    }

    #[test]
    fn a_refusal_is_told_in_the_fleets_words() {
        let told = refusal(StatusCode::FORBIDDEN, br#"{"detail":"the code has expired"}"#);
        assert_eq!(told, "the code has expired (403)");
        assert_eq!(refusal(StatusCode::BAD_GATEWAY, b"<html>"), "502 Bad Gateway");
    }
}
