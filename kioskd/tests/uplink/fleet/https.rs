//! The fleet's HTTPS side: enrolment, documents, uploads.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::claims::Claims;
use crate::broker::{Authority, Broker};

type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

pub(crate) struct Https {
    pub port: u16,
    files: Files,
    site: Arc<Site>,
}

impl Https {
    pub(crate) fn start(broker: &Broker) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let files = Files::default();
        let site = Arc::new(Site {
            config: config(broker),
            authority: Arc::clone(&broker.kiosk_authority),
            broker: format!("localhost:{}", broker.kiosks),
            files: Arc::clone(&files),
            claims: Mutex::default(),
        });
        let serving = Arc::clone(&site);
        std::thread::Builder::new()
            .spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    // What a client does wrong is its own affair.
                    drop(serving.serve(stream));
                }
            })
            .unwrap();
        Self { port, files, site }
    }

    pub(crate) fn claims(&self) -> MutexGuard<'_, Claims> {
        self.site.claims.lock().unwrap()
    }

    pub(crate) fn approve(&self, code: &str) {
        self.claims().approve(code, |csr| self.site.enrolled(csr, 2026));
    }

    pub(crate) fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.files.lock().unwrap().get(path).cloned()
    }

    pub(crate) fn put(&self, path: &str, bytes: Vec<u8>) {
        self.files.lock().unwrap().insert(path.to_owned(), bytes);
    }
}

struct Site {
    config: Arc<ServerConfig>,
    authority: Arc<Authority>,
    broker: String,
    files: Files,
    claims: Mutex<Claims>,
}

/// A kiosk's certificate is asked for and not required: enrolling needs none.
fn config(broker: &Broker) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(broker.kiosk_authority.pem.as_bytes()).unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .unwrap();
    let (certificate, key) = broker.fleet_authority.issue("fleetd");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    Arc::new(config)
}

impl Site {
    /// What a kiosk gets that is taken in.
    fn enrolled(&self, csr: &str, begins: i32) -> Value {
        json!({
            "kiosk": "t7.k0001", "certificate": self.authority.sign(csr, "t7.k0001", begins), "chain": "",
            "broker": self.broker, "tenant": "t7", "site": "s1",
        })
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        if self.claims.lock().unwrap().down {
            return Ok(());
        }
        let connection = ServerConnection::new(Arc::clone(&self.config)).map_err(std::io::Error::other)?;
        let mut reader = BufReader::new(StreamOwned::new(connection, stream));
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or("").to_owned());
        let method = method.to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            if header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let known = reader.get_ref().conn.peer_certificates().is_some();
        let Some((status, answer)) = self.answer(&method, &path, &body, known) else { return Ok(()) };
        let mut stream = reader.into_inner();
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len())?;
        stream.write_all(&answer)?;
        stream.conn.send_close_notify();
        stream.flush()
    }

    /// `None`: the answer gets lost.
    fn answer(&self, method: &str, path: &str, body: &[u8], known: bool) -> Option<(&'static str, Vec<u8>)> {
        if method == "POST" && path.starts_with("/v1/claims") {
            let asked: Value = serde_json::from_slice(body).unwrap_or_default();
            let (status, answer) = self.claims.lock().unwrap().answer(path, &asked)?;
            return Some((status, answer.to_string().into_bytes()));
        }
        Some(self.answer_surely(method, path, body, known))
    }

    fn answer_surely(&self, method: &str, path: &str, body: &[u8], known: bool) -> (&'static str, Vec<u8>) {
        let refused = |why: &str| ("403 Forbidden", json!({ "detail": why }).to_string().into_bytes());
        match (method, path) {
            ("POST", "/v1/enroll") => {
                let asked: Value = serde_json::from_slice(body).unwrap_or_default();
                let begins = if asked["code"] == "CODE-OLD" { 1990 } else { 2026 };
                let known = asked["code"] == "CODE-1" || asked["code"] == "CODE-OLD";
                if !known || asked["serial"] != "SN-1" || !asked["version"].is_string() {
                    return refused("the code is wrong");
                }
                let answer = self.enrolled(asked["csr"].as_str().unwrap_or_default(), begins);
                ("200 OK", answer.to_string().into_bytes())
            }
            _ if !known => refused("who are you?"),
            ("POST", "/v1/kiosk/certificate") => {
                let asked: Value = serde_json::from_slice(body).unwrap_or_default();
                let certificate =
                    self.authority.sign(asked["csr"].as_str().unwrap_or_default(), "t7.k0001", 2026);
                let answer = json!({"certificate": certificate, "chain": ""});
                self.files.lock().unwrap().insert("renewed".to_owned(), certificate.into_bytes());
                ("200 OK", answer.to_string().into_bytes())
            }
            ("PUT", path) => {
                self.files.lock().unwrap().insert(path.to_owned(), body.to_vec());
                ("201 Created", Vec::new())
            }
            ("GET", path) => match self.files.lock().unwrap().get(path) {
                Some(file) => ("200 OK", file.clone()),
                None => ("404 Not Found", Vec::new()),
            },
            _ => ("405 Method Not Allowed", Vec::new()),
        }
    }
}
