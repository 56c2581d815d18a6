//! One connection to a fleet, kept for all requests of a command.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::Address;
use super::failure::{Exit, Failure, Result};

/// A person waits: a fleet that does not even take a connection by then is not there.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Longest a request takes: a file of 16 MiB over a slow line.
const REQUEST_LIMIT: Duration = Duration::from_secs(120);

/// Largest answer: a thousand quarantined payloads of 4 KiB, escaped fourfold; files are smaller.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// What came back.
pub(super) struct Heard {
    pub status: u16,
    pub content_type: String,
    /// The fleet's clock.
    pub date: Option<String>,
    /// Seconds until it makes sense to ask again.
    pub retry_after: Option<u64>,
    pub body: Bytes,
}

/// The way to a fleet.
pub(super) struct Line {
    address: Address,
    tls: Option<Arc<rustls::ClientConfig>>,
    runtime: tokio::runtime::Runtime,
    open: RefCell<Option<SendRequest<Full<Bytes>>>>,
    /// When the certificate of the fleet ends, in seconds since 1970.
    certificate_ends: Cell<Option<i64>>,
}

impl Line {
    /// Prepares the way. Whom to trust: the authority in `ca` and nobody else, or else the system's.
    pub(super) fn new(address: Address, ca: Option<&str>) -> Result<Self> {
        let tls = if address.secure { Some(tls(ca)?) } else { None };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::io("start", &error))?;
        Ok(Self { address, tls, runtime, open: RefCell::default(), certificate_ends: Cell::default() })
    }

    pub(super) fn certificate_ends(&self) -> Option<i64> {
        self.certificate_ends.get()
    }

    /// Asks and waits for the answer. What was never sent because the fleet had ended the connection is sent over
    /// another one; nothing is ever sent twice.
    pub(super) fn ask(&self, request: Request<Full<Bytes>>) -> Result<Heard> {
        self.runtime.block_on(async {
            let limited = tokio::time::timeout(REQUEST_LIMIT, self.exchange(request)).await;
            limited.unwrap_or_else(|_| Err(self.unreachable("no answer in time")))
        })
    }

    async fn exchange(&self, mut request: Request<Full<Bytes>>) -> Result<Heard> {
        let mut kept = self.open.take();
        loop {
            let (mut sender, fresh) = match kept.take() {
                Some(sender) => (sender, false),
                None => (self.connect().await?, true),
            };
            if sender.ready().await.is_err() && !fresh {
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(response) => {
                    let heard = self.hear(response).await?;
                    self.open.replace(Some(sender));
                    return Ok(heard);
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !fresh => request = unsent,
                    _ => return Err(self.unreachable(&told(error.error()))),
                },
            }
        }
    }

    async fn hear(&self, response: Response<hyper::body::Incoming>) -> Result<Heard> {
        let text =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (content_type, date) = (text("content-type").unwrap_or_default(), text("date"));
        let retry_after = text("retry-after").and_then(|seconds| seconds.parse().ok());
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
        let body = body.map_err(|error| self.unreachable(&error.to_string()))?.to_bytes();
        Ok(Heard { status, content_type, date, retry_after, body })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let connecting = tokio::time::timeout(CONNECT_LIMIT, self.handshake());
        connecting.await.unwrap_or_else(|_| Err(self.unreachable("no connection in time")))
    }

    async fn handshake(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = self.dial().await?;
        match &self.tls {
            None => self.talk(stream).await,
            Some(tls) => {
                let name = ServerName::try_from(self.address.host.clone())
                    .map_err(|_| Failure::usage(format!("{} is no name of a server", self.address.host)))?;
                let stream = TlsConnector::from(tls.clone()).connect(name, stream).await;
                let stream = stream.map_err(|error| self.distrusted(&error))?;
                let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                self.certificate_ends.set(shown.and_then(|der| ends(der)));
                self.talk(stream).await
            }
        }
    }

    async fn dial(&self) -> Result<TcpStream> {
        let Address { host, port, secure } = &self.address;
        let found = tokio::net::lookup_host((host.as_str(), *port)).await;
        let found = found.map_err(|_| self.unreachable("nobody knows this name"))?;
        let mut last = "this name has no address".to_owned();
        // Whatever a name server says, unencrypted means this machine.
        for address in found.filter(|address| *secure || address.ip().is_loopback()) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error.to_string(),
            }
        }
        Err(self.unreachable(&last))
    }

    async fn talk<S>(&self, stream: S) -> Result<SendRequest<Full<Bytes>>>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|error| self.unreachable(&told(&error)))?;
        // It moves while an answer is waited for, and ends with the program.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn unreachable(&self, why: &str) -> Failure {
        Failure::new(Exit::Unreachable, format!("cannot reach {}: {why}", self.address))
            .next("is fleetd running there? which fleet is meant: fleetctl context ls")
    }

    fn distrusted(&self, error: &std::io::Error) -> Failure {
        use rustls::CertificateError as Bad;
        let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let address = &self.address;
        match cause {
            Some(rustls::Error::InvalidCertificate(Bad::UnknownIssuer)) => {
                let what = format!("cannot trust {address}: its certificate is of an authority unknown here");
                Failure::new(Exit::Unreachable, what).next(format!(
                    "fleetctl login {address} --ca FILE (DATA/ca/fleet-ca.pem of fleetd embedded)"
                ))
            }
            Some(rustls::Error::InvalidCertificate(
                Bad::NotValidForName | Bad::NotValidForNameContext { .. },
            )) => {
                let what = format!("cannot trust {address}: its certificate is for another name");
                let next =
                    format!("fleetd embedded --name {} …, or log in under a name it has", address.host);
                Failure::new(Exit::Unreachable, what).next(next)
            }
            Some(rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. })) => {
                let what = format!("cannot trust {address}: its certificate has ended");
                Failure::new(Exit::Unreachable, what).next("restart fleetd: it makes a new one")
            }
            _ => self.unreachable(&format!("no TLS: {error}")),
        }
    }
}

/// An error with its cause: hyper's own words leave it out.
fn told(error: &hyper::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

fn tls(ca: Option<&str>) -> Result<Arc<rustls::ClientConfig>> {
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("the certificate of the authority cannot be used: {why}"))
            .next("--ca FILE: DATA/ca/fleet-ca.pem of fleetd embedded")
    };
    let mut roots = rustls::RootCertStore::empty();
    match ca {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| unusable(&error))?;
                roots.add(certificate).map_err(|error| unusable(&error))?;
            }
            if roots.is_empty() {
                return Err(unusable(&"there is none in the file"));
            }
        }
        // A machine without any leaves every authority unknown, and that is told when it matters.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::failed(error.to_string()))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn ends(der: &[u8]) -> Option<i64> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    Some(certificate.validity().not_after.timestamp())
}
