//! Plain and TLS listeners. Whoever is slow keeps nobody waiting: a TLS handshake is done off the accepting task, one
//! address does not get all places for it, and headers and bodies have to come.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower_http::timeout::TimeoutBody;

use crate::pki::{Authorities, PkiError};

/// Handshakes under way; more connections wait in the kernel.
const HANDSHAKES: usize = 512;

/// Of these, what one address may have once half of all are taken. Behind one there may be a shop, or a whole fleet.
const HANDSHAKES_OF_ONE: usize = 64;

/// A handshake takes two round trips.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// For the headers of a request; a connection that is only kept open is closed after so long, too.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);

/// Between two pieces of a body.
const BODY_WITHIN: Duration = Duration::from_secs(30);

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
    let under_way = Arc::new(UnderWay::default());
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let (stream, address) = Listener::accept(&mut listener).await;
        let is_crowded = places.available_permits() < HANDSHAKES / 2;
        let Some(turn) = under_way.begin(address.ip(), is_crowded) else {
            tracing::debug!(%address, "too many TLS handshakes of one address");
            continue;
        };
        let (acceptor, sender) = (TlsAcceptor::from(config.borrow().clone()), sender.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
                // Nobody takes it any more when the server ends.
                Ok(Ok(stream)) => drop(sender.send((stream, address)).await),
                Ok(Err(error)) => tracing::debug!(%address, %error, "no TLS handshake"),
                Err(_) => tracing::debug!(%address, "no TLS handshake in time"),
            }
            drop((place, turn));
        });
    }
}

/// Handshakes under way, by address.
#[derive(Default)]
struct UnderWay(Mutex<HashMap<IpAddr, usize>>);

/// One of them; it ends when dropped.
struct Turn(Arc<UnderWay>, IpAddr);

impl UnderWay {
    /// One more of this address, unless it has its share already where many want one.
    fn begin(self: &Arc<Self>, address: IpAddr, is_crowded: bool) -> Option<Turn> {
        let address = network(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if is_crowded && *count >= HANDSHAKES_OF_ONE {
            return None;
        }
        *count += 1;
        Some(Turn(self.clone(), address))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut counts = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.1);
            }
        }
    }
}

/// An address of version 6 is one of the 2⁶⁴ that its owner has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
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

/// A connection that says who is at its other end.
pub(crate) trait Connection:
    tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static
{
    /// Who that is, at this address.
    fn peer(&self, address: SocketAddr) -> Peer;
}

impl Connection for TcpStream {
    fn peer(&self, address: SocketAddr) -> Peer {
        Peer { address, certificate: None, tls: false }
    }
}

impl Connection for TlsStream<TcpStream> {
    fn peer(&self, address: SocketAddr) -> Peer {
        let (_, session) = self.get_ref();
        let certificate =
            session.peer_certificates().and_then(|chain| chain.first()).map(|der| Arc::from(&**der));
        Peer { address, certificate, tls: true }
    }
}

/// Answers whoever comes, for ever. Ends what is under way when it is dropped.
pub(crate) async fn serve<L>(mut listener: L, router: Router)
where
    L: Listener<Addr = SocketAddr>,
    L::Io: Connection,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            (stream, address) = listener.accept() => {
                connections.spawn(talk(stream, address, router.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn talk(stream: impl Connection, address: SocketAddr, router: Router) {
    let peer = stream.peer(address);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(|body| TimeoutBody::new(BODY_WITHIN, body));
        request.extensions_mut().insert(ConnectInfo(peer.clone()));
        let answer = router.call(request);
        async { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%address, %error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::routing::post;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_begins_a_request_and_stops_is_shown_the_door() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", post(|_: Bytes| async { "taken" }));
        tokio::spawn(serve(listener, router));
        let whole = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab";
        for (request, answer) in [
            ("", ""),
            ("GET / HTTP/1.1\r\nHo", ""),
            (&whole[..whole.len() - 1], "HTTP/1.1 400"),
            (whole, "HTTP/1.1 200"),
        ] {
            let began = Instant::now();
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut heard = String::new();
            stream.read_to_string(&mut heard).await.unwrap();
            assert!(heard.starts_with(answer) && heard.is_empty() == answer.is_empty(), "{request}: {heard}");
            let waited = began.elapsed();
            assert!((HEADERS_WITHIN..HEADERS_WITHIN * 3).contains(&waited), "{request}: {waited:?}");
        }
    }

    #[test]
    fn where_many_want_a_handshake_one_address_does_not_get_all() {
        let (all, busy) = (Arc::new(UnderWay::default()), IpAddr::from([10, 0, 0, 1]));
        let mut turns: Vec<Turn> = (0..100).map_while(|_| all.begin(busy, false)).collect();
        assert_eq!(turns.len(), 100, "a fleet behind one router is not slowed down");
        assert!(all.begin(busy, true).is_none() && all.begin(IpAddr::from([10, 0, 0, 2]), true).is_some());
        turns.truncate(HANDSHAKES_OF_ONE - 1);
        assert!(all.begin(busy, true).is_some());
        drop(turns);
        assert!(all.0.lock().unwrap().is_empty(), "nobody is remembered");
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:10.0.0.1"), busy);
    }
}
