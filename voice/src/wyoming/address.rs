//! Where a speech program listens: on this machine, because nothing of the protocol is secret.

use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// A connection to a port of this machine is there at once or not at all.
const CONNECT: Duration = Duration::from_millis(250);

/// A socket of this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// `unix:///run/kiosk-asr/asr.sock`
    Unix(PathBuf),
    /// `tcp://127.0.0.1:10300`
    Tcp(SocketAddr),
}

/// A text is no address of a speech program.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{0:?} is neither \"unix:///PATH\" nor \"tcp://127.0.0.1:PORT\"; others than this machine are never asked"
)]
pub struct AddressError(String);

pub(super) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Address {
    /// Connects; reading and writing end after `limit`.
    pub(super) fn connect(&self, limit: Duration) -> std::io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(limit))?;
                stream.set_write_timeout(Some(limit))?;
                Box::new(stream)
            }
            Self::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, CONNECT)?;
                stream.set_read_timeout(Some(limit))?;
                stream.set_write_timeout(Some(limit))?;
                Box::new(stream)
            }
        })
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        if let Some(path) = text.strip_prefix("unix://").filter(|path| path.starts_with('/')) {
            return Ok(Self::Unix(path.into()));
        }
        let address: SocketAddr =
            text.strip_prefix("tcp://").and_then(|address| address.parse().ok()).ok_or_else(wrong)?;
        if address.ip().is_loopback() { Ok(Self::Tcp(address)) } else { Err(wrong()) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_are_read_and_written_alike() {
        for text in ["unix:///run/kiosk-asr/asr.sock", "tcp://127.0.0.1:10300", "tcp://[::1]:10300"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn nobody_else_is_ever_asked() {
        for text in [
            "tcp://192.0.2.7:10300",
            "tcp://asr.example:10300",
            "unix://asr.sock",
            "/run/asr.sock",
            "",
            "stdio://",
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains("never asked"), "{error}");
        }
    }
}
