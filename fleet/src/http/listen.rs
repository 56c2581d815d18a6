//! Plain and TLS listeners. A TLS handshake is done off the accepting task, so that a client that is slow at it
//! keeps nobody waiting.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::pki::{Authorities, PkiError};

/// Handshakes under way; more connections wait in the kernel.
const HANDSHAKES: usize = 256;

/// A handshake takes two round trips.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// Who is at the other end.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub address: SocketAddr,
    /// Verified against the kiosks' authority.
    pub certificate: Option<Arc<[u8]>>,
    /// Over HTTPS.
    pub tls: bool,
}

/// HTTPS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// The address is taken or not ours.
    #[error("cannot listen on {0}")]
    Bind(SocketAddr, #[source] io::Error),
    /// No certificate.
    #[error("no certificate for HTTPS")]
    Pki(#[from] PkiError),
    /// The certificate cannot be used.
    #[error("the certificate for HTTPS cannot be used")]
    Tls(#[from] rustls::Error),
    /// The authority's certificate cannot be used.
    #[error("the kiosks' authority cannot be used: {0}")]
    Authority(String),
}

pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|error| ListenError::Bind(address, error))
}

/// A TLS configuration with a new certificate for these names; kiosks may show theirs.
pub(crate) fn tls(
    authorities: &Authorities,
    names: &[String],
) -> Result<Arc<rustls::ServerConfig>, ListenError> {
    let unusable = |error: &dyn std::fmt::Display| ListenError::Authority(error.to_string());
    let identity = authorities.fleet.issue_server(names, SystemTime::now())?;
    let pem = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| unusable(&error));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(pem(authorities.kiosk.certificate_pem())?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
        .allow_unauthenticated()
        .build()
        .map_err(|error| unusable(&error))?;
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).map_err(|error| unusable(&error))?;
    // The authority comes along: whoever pins it by its hash sees it in the handshake.
    let chain = vec![pem(&identity.certificate_pem)?, pem(authorities.fleet.certificate_pem())?];
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Connections whose handshake is done.
pub(crate) struct TlsListener {
    address: SocketAddr,
    done: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    accepting: tokio::task::JoinHandle<()>,
}

/// What a listener shows: may be exchanged while it listens.
pub(crate) type Tls = watch::Receiver<Arc<rustls::ServerConfig>>;

impl TlsListener {
    pub(crate) fn new(listener: TcpListener, config: Tls) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, done) = mpsc::channel(HANDSHAKES);
        let accepting = tokio::spawn(accept(listener, config, sender));
        Ok(Self { address, done, accepting })
    }
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    mut listener: TcpListener,
    config: Tls,
    sender: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let places = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let (stream, address) = Listener::accept(&mut listener).await;
        let (acceptor, sender) = (TlsAcceptor::from(config.borrow().clone()), sender.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
                // Nobody takes it any more when the server ends.
                Ok(Ok(stream)) => drop(sender.send((stream, address)).await),
                Ok(Err(error)) => tracing::debug!(%address, %error, "no TLS handshake"),
                Err(_) => tracing::debug!(%address, "no TLS handshake in time"),
            }
            drop(place);
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.done.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self { address: *stream.remote_addr(), certificate: None, tls: false }
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        let (_, session) = stream.io().get_ref();
        let certificate =
            session.peer_certificates().and_then(|chain| chain.first()).map(|der| Arc::from(&**der));
        Self { address: *stream.remote_addr(), certificate, tls: true }
    }
}
