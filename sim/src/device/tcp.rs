//! A TCP port for one client at a time, as network printers and terminals have it.

use std::future;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::PortError;

/// One client is served and one may wait; further ones are refused or time out, as with a real device.
const BACKLOG: u32 = 1;

/// A listening port that keeps its address over unplugging.
#[derive(Debug)]
pub struct TcpPort {
    addr: SocketAddr,
    /// `None` while unplugged.
    listener: Option<TcpListener>,
}

impl TcpPort {
    #[expect(clippy::unused_async, reason = "must run inside the runtime: the listener registers with it")]
    pub async fn bind(addr: SocketAddr) -> Result<Self, PortError> {
        let listener = listen(addr)?;
        let addr = listener.local_addr().map_err(|source| PortError::Bind { addr, source })?;
        Ok(Self { addr, listener: Some(listener) })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub async fn accept(&self) -> Result<TcpStream, PortError> {
        let Some(listener) = &self.listener else { return future::pending().await };
        let (stream, _) = listener.accept().await.map_err(PortError::Accept)?;
        // Status answers are single bytes: without this they would wait for company.
        stream.set_nodelay(true).map_err(PortError::Accept)?;
        Ok(stream)
    }

    pub fn unplug(&mut self) {
        self.listener = None;
    }

    #[expect(clippy::unused_async, reason = "must run inside the runtime: the listener registers with it")]
    pub async fn plug(&mut self) -> Result<(), PortError> {
        if self.listener.is_none() {
            self.listener = Some(listen(self.addr)?);
        }
        Ok(())
    }
}

fn listen(addr: SocketAddr) -> Result<TcpListener, PortError> {
    let open = || {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|source| PortError::Bind { addr, source })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::device::Port;

    #[tokio::test]
    async fn a_second_tcp_client_is_served_after_the_first_has_gone() {
        let mut port = Port::tcp((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let addr: SocketAddr = port.endpoint().strip_prefix("tcp://").unwrap().parse().unwrap();
        let mut first = TcpStream::connect(addr).await.unwrap();
        let mut link = port.accept().await.unwrap();
        let mut second = TcpStream::connect(addr).await.unwrap();
        second.write_all(b"2").await.unwrap();
        first.write_all(b"1").await.unwrap();
        assert_eq!(link.read_u8().await.unwrap(), b'1');
        drop(first);
        assert_eq!(link.read(&mut [0; 8]).await.unwrap(), 0);
        drop(link);
        assert_eq!(port.accept().await.unwrap().read_u8().await.unwrap(), b'2');
    }

    #[tokio::test]
    async fn an_unplugged_tcp_port_refuses_and_comes_back_at_the_same_address() {
        let mut port = Port::tcp((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let addr: SocketAddr = port.endpoint().strip_prefix("tcp://").unwrap().parse().unwrap();
        port.unplug();
        assert!(TcpStream::connect(addr).await.is_err());
        port.plug().await.unwrap();
        let mut client = TcpStream::connect(addr).await.unwrap();
        client.write_all(b"x").await.unwrap();
        assert_eq!(port.accept().await.unwrap().read_u8().await.unwrap(), b'x');
    }
}
