//! Where the database is, and how it is reached.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr as _;
use std::sync::Arc;
use std::task::Poll;

use futures_util::Stream;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::DatabaseError;

/// A database server and a role there.
///
/// TLS is spoken if the address says `sslmode=require` or an authority is given; then the server has to prove its name,
/// to that authority or else to the system's. Without, nothing is encrypted: for a unix socket, or a wire of one's own.
#[derive(Clone)]
pub struct Server {
    pub(super) config: tokio_postgres::Config,
    pub(super) tls: Option<MakeRustlsConnect>,
}

impl Server {
    /// `address` is a connection string of PostgreSQL, `ca` a file of certificates (PEM) that the server's is signed by.
    ///
    /// # Errors
    /// The address or the file cannot be read, or they contradict each other.
    pub fn new(address: &str, ca: Option<&Path>) -> Result<Self, DatabaseError> {
        // The half-hearted modes of libpq leave it to whoever sits on the wire; its strictest is what `require` is here.
        for mode in ["allow", "prefer"] {
            if address.contains(&format!("sslmode={mode}")) {
                return Err(DatabaseError::HalfEncrypted(mode));
            }
        }
        let address = ["sslmode=verify-ca", "sslmode=verify-full"]
            .iter()
            .fold(address.to_owned(), |address, strict| address.replace(strict, "sslmode=require"));
        let mut config = tokio_postgres::Config::from_str(&address).map_err(DatabaseError::Address)?;
        if ca.is_some() && config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_))) {
            return Err(DatabaseError::EncryptedSocket);
        }
        let tls = if ca.is_some() || config.get_ssl_mode() == SslMode::Require {
            config.ssl_mode(SslMode::Require);
            Some(MakeRustlsConnect::new(client_config(ca)?))
        } else {
            config.ssl_mode(SslMode::Disable);
            None
        };
        Ok(Self { config, tls })
    }

    /// A connection of its own.
    pub(crate) async fn connect(&self) -> Result<(Client, Line), DatabaseError> {
        let unreachable = |source| {
            let host = self.config.get_hosts().first().map_or_else(String::new, |host| match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(path) => path.display().to_string(),
            });
            let port = self.config.get_ports().first().copied().unwrap_or(5432);
            let user = self.config.get_user().unwrap_or("nobody").to_owned();
            let host = format!("{host}:{port}");
            if is_unknown_issuer(&source) {
                return DatabaseError::UnknownIssuer(host);
            }
            DatabaseError::Unreachable { user, host, source }
        };
        match &self.tls {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await.map_err(unreachable)?;
                Ok((client, line(connection)))
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(unreachable)?;
                Ok((client, line(connection)))
            }
        }
    }
}

/// Whether a server is refused because of who signed its certificate.
fn is_unknown_issuer(error: &tokio_postgres::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        // What is wrapped in an I/O error is not among its sources.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = wrapped.and_then(|inner| inner.downcast_ref()).or_else(|| error.downcast_ref());
        if matches!(tls, Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The way to the server and back: what the server says unasked. Somebody has to listen until it ends, or nothing moves.
pub(crate) type Line = Pin<Box<dyn Stream<Item = Result<AsyncMessage, tokio_postgres::Error>> + Send>>;

fn line<T>(mut connection: Connection<Socket, T>) -> Line
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // After an error it would tell the same one for ever.
    let mut is_over = false;
    Box::pin(futures_util::stream::poll_fn(move |context| {
        if is_over {
            return Poll::Ready(None);
        }
        let message = connection.poll_message(context);
        is_over = matches!(message, Poll::Ready(None | Some(Err(_))));
        message
    }))
}

fn client_config(ca: Option<&Path>) -> Result<rustls::ClientConfig, DatabaseError> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            let failed = |why: String| DatabaseError::Authority { path: path.to_owned(), why };
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| failed(error.to_string()))?;
                roots.add(certificate).map_err(|error| failed(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(failed("no certificate is in it".to_owned()));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                let why = "the system knows no authorities: name the file of yours as database.ca".to_owned();
                return Err(DatabaseError::Authority { path: PathBuf::from("/etc/ssl"), why });
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| DatabaseError::Pool(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::time::Duration;

    use futures_util::StreamExt as _;

    use super::*;

    /// A server that lets somebody in and is gone: authentication is fine, ready for a query (PostgreSQL's protocol 3.0).
    fn gone_after_hello() -> u16 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            let read = peer.read(&mut [0; 1024]).unwrap();
            assert!(read > 8, "a start-up message");
            peer.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").unwrap();
        });
        port
    }

    #[test]
    fn an_address_says_clearly_whether_it_is_encrypted() {
        let ca = rcgen::generate_simple_self_signed(["db.example".to_owned()]).unwrap().cert.pem();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ca.pem");
        std::fs::write(&file, ca).unwrap();
        let server = |address: &str, ca| Server::new(address, ca);
        for strict in
            ["host=db sslmode=require", "host=db sslmode=verify-full", "postgres://u@db/f?sslmode=verify-ca"]
        {
            assert!(server(strict, Some(&file)).unwrap().tls.is_some(), "{strict}");
        }
        assert!(server("host=db", Some(&file)).unwrap().tls.is_some());
        for plain in ["host=db", "host=db sslmode=disable", "host=/run/postgresql"] {
            assert!(server(plain, None).unwrap().tls.is_none(), "{plain}");
        }
        let refused = |address: &str, ca| server(address, ca).err().unwrap().to_string();
        assert!(refused("host=db sslmode=prefer", None).contains("sslmode=prefer"));
        assert!(refused("host=/run/postgresql", Some(&file)).contains("database.ca"));
    }

    #[tokio::test]
    async fn a_line_ends_with_its_first_error() {
        let address = format!("host=127.0.0.1 port={} user=u dbname=d", gone_after_hello());
        let (client, line) = Server::new(&address, None).unwrap().connect().await.unwrap();
        // So that writing meets a closed connection, too.
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(client);
        let told = tokio::time::timeout(Duration::from_secs(10), line.take(100).count()).await.unwrap();
        assert!(told <= 1, "{told} messages of a connection that is over");
    }
}
