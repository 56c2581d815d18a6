//! The network of a site, on the loopback: the kiosks' group, and somebody in it who means no good.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, setsockopt, socket, sockopt};

/// A group that nobody else on this machine speaks to.
///
/// # Errors
/// There is no port left.
pub fn group() -> anyhow::Result<SocketAddrV4> {
    let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    Ok(SocketAddrV4::new(Ipv4Addr::new(239, 255, 47, 77), port))
}

/// Says that it has whatever somebody asks for, and gives something else.
pub struct Stranger(Arc<AtomicU32>);

impl Stranger {
    /// Begins, for as long as the process runs.
    ///
    /// # Errors
    /// It cannot listen.
    pub fn start(group: SocketAddrV4) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let given: Arc<AtomicU32> = Arc::default();
        let theirs = Arc::clone(&given);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let given = Arc::clone(&theirs);
                std::thread::spawn(move || give(&stream, &given));
            }
        });
        let heard = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
        setsockopt(&heard, sockopt::ReuseAddr, &true)?;
        let heard = {
            bind(std::os::fd::AsRawFd::as_raw_fd(&heard), &SockaddrIn::from(group))?;
            UdpSocket::from(heard)
        };
        heard.join_multicast_v4(group.ip(), &Ipv4Addr::LOCALHOST)?;
        let own = UdpSocket::bind("127.0.0.1:0")?;
        std::thread::spawn(move || {
            let mut word = [0; 2048];
            while let Ok((length, from)) = heard.recv_from(&mut word) {
                let Ok(mut word) = serde_json::from_slice::<serde_json::Value>(&word[..length]) else {
                    continue;
                };
                word["id"] = "stranger".into();
                word["has"] = 1_000_000.into();
                word["port"] = port.into();
                word["answer"] = true.into();
                drop(own.send_to(word.to_string().as_bytes(), from));
            }
        });
        Ok(Self(given))
    }

    /// How many pieces it has given.
    pub fn given(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Pieces of the right length, of nothing.
fn give(stream: &TcpStream, given: &AtomicU32) -> anyhow::Result<()> {
    for line in BufReader::new(stream).lines() {
        let line = line?.to_ascii_lowercase();
        let Some(range) = line.strip_prefix("range: bytes=") else { continue };
        let (first, last) = range.trim().split_once('-').context("a range")?;
        let length = last.parse::<usize>()? - first.parse::<usize>()? + 1;
        given.fetch_add(1, Ordering::Relaxed);
        let mut to = stream;
        write!(to, "HTTP/1.1 206 Partial Content\r\nContent-Length: {length}\r\n\r\n")?;
        to.write_all(&vec![0x5A; length])?;
    }
    Ok(())
}
