//! TCP to a device in the same shop.

use std::io;

use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::TcpStream;

/// Unacknowledged data older than this means the cable is out. Without it a half-open connection lives for minutes.
const USER_TIMEOUT_MS: u32 = 5_000;

pub(super) async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    setsockopt(&stream, sockopt::TcpUserTimeout, &USER_TIMEOUT_MS)?;
    Ok(stream)
}
