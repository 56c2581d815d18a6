//! The fleet's HTTPS for kiosks, as far as updates need it: single ranges of files, and what can go wrong with them.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::socket::sockopt::SndBuf;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Bytes that are sent at once.
const PIECE: usize = 16 * 1024;

/// What the server does wrong with images.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It takes no connection.
    Down,
    /// It sends other bytes than those of the file.
    Wrong,
    /// It sends for ever.
    Endless,
    /// It ends every connection in the middle.
    Cut,
    /// It ends the first connection in the middle; then the file is another one.
    Changed,
    /// It sends byte by byte, for as long as somebody listens.
    Drip,
}

/// What it does and has done.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) fault: Fault,
    /// After each piece.
    pub(super) pause: Duration,
    /// Bytes that were sent, by path.
    pub(super) sent: BTreeMap<String, u64>,
}

pub(super) struct Server {
    pub(super) port: u16,
    shared: Arc<Mutex<Shared>>,
}

impl Server {
    /// Serves the files below a folder, for as long as the process runs.
    pub(super) fn start(folder: &Path, tls: Arc<ServerConfig>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let shared: Arc<Mutex<Shared>> = Arc::default();
        let (folder, theirs) = (folder.to_owned(), Arc::clone(&shared));
        std::thread::Builder::new().name("https".into()).spawn(move || {
            for stream in listener.incoming().flatten() {
                let client = Client { folder: folder.clone(), shared: Arc::clone(&theirs) };
                let tls = Arc::clone(&tls);
                let serve = move || drop(client.serve(stream, tls));
                drop(std::thread::Builder::new().name("https client".into()).spawn(serve));
            }
        })?;
        Ok(Self { port, shared })
    }

    pub(super) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Client {
    folder: PathBuf,
    shared: Arc<Mutex<Shared>>,
}

impl Client {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream, tls: Arc<ServerConfig>) -> anyhow::Result<()> {
        anyhow::ensure!(self.shared().fault != Fault::Down, "down");
        // Else whole files lie in the kernel, and were sent before anybody has read them.
        nix::sys::socket::setsockopt(&stream, SndBuf, &(4 * PIECE))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut stream = StreamOwned::new(ServerConnection::new(tls)?, stream);
        let mut lines = BufReader::new(&mut stream).lines();
        let first = lines.next().context("no request")??;
        let headers: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let header = |name: &str| {
            let found = headers.iter().filter_map(|line| line.split_once(": "));
            found.filter(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
        };
        let path = first.split(' ').nth(1).and_then(|it| it.strip_prefix("/v1/kiosk/updates/"));
        let path = path.context("another path")?.to_owned();
        let Ok(mut file) = std::fs::File::open(self.folder.join(&path)) else {
            return Ok(stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")?);
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let range = header("range").context("no range")?;
        let (from, to) = range.strip_prefix("bytes=").and_then(|it| it.split_once('-')).context("range")?;
        let (from, to): (usize, usize) = (from.parse()?, to.parse()?);
        if from >= bytes.len() {
            let answer = b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n";
            return Ok(stream.write_all(answer)?);
        }
        let to = to.min(bytes.len() - 1);
        let fault = if path.starts_with("images/") { self.shared().fault } else { Fault::None };
        let is_changed = fault == Fault::Changed && self.shared().sent.contains_key(&path);
        let tag = format!("\"{}-{}{}\"", path.len(), bytes.len(), if is_changed { "-changed" } else { "" });
        if header("if-range").is_some_and(|it| it != tag) {
            anyhow::ensure!(is_changed, "If-Range with another tag");
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nETag: {tag}\r\n\r\n", bytes.len())?;
            return Ok(stream.write_all(&bytes)?);
        }
        let body = &bytes[from..=to];
        let length = if fault == Fault::Endless { u64::MAX >> 1 } else { body.len() as u64 };
        write!(
            stream,
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{to}/{}\r\nContent-Length: {length}\r\n\
             ETag: {tag}\r\n\r\n",
            bytes.len()
        )?;
        self.send(&mut stream, &path, body, fault)
    }

    fn send(&self, to: &mut dyn Write, path: &str, body: &[u8], fault: Fault) -> anyhow::Result<()> {
        let end =
            if matches!(fault, Fault::Cut | Fault::Changed) { body.len().div_ceil(2) } else { body.len() };
        let at_once = if fault == Fault::Drip { 1 } else { PIECE };
        for piece in body[..end].chunks(at_once) {
            let mut piece = piece.to_vec();
            if fault == Fault::Wrong {
                piece[0] ^= 1;
            }
            to.write_all(&piece)?;
            to.flush()?;
            let pause = {
                let mut shared = self.shared();
                *shared.sent.entry(path.to_owned()).or_default() += piece.len() as u64;
                shared.pause
            };
            std::thread::sleep(if fault == Fault::Drip { Duration::from_secs(1) } else { pause });
        }
        if fault == Fault::Endless {
            loop {
                to.write_all(&[0; PIECE])?;
            }
        }
        Ok(())
    }
}
