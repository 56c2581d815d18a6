//! A pseudo terminal as a serial port: the kiosk opens a symbolic link, the emulator holds the master side.
//!
//! The slave side is not kept open here. That way the kernel tells us when the kiosk closes the device (the master
//! reads EIO), bytes nobody fetched vanish with the last close as on a real line, and a reopening starts a new
//! [`Link`](super::Link). The price is that an opening cannot be waited for by an event and is polled.

use std::fs;
use std::future;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::PortError;

/// How often a closed pseudo terminal is looked at for a new client. Far below any device's time-out, and 100 looks a
/// second cost nothing measurable.
const OPEN_POLL: Duration = Duration::from_millis(10);

/// A pseudo terminal behind a stable path.
#[derive(Debug)]
pub struct PtyPort {
    path: PathBuf,
    /// `None` while unplugged.
    master: Option<OwnedFd>,
}

impl PtyPort {
    pub fn open(path: &Path) -> Result<Self, PortError> {
        let mut port = Self { path: path.to_owned(), master: None };
        port.plug()?;
        Ok(port)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub async fn accept(&self) -> Result<PtyLink, PortError> {
        let Some(master) = &self.master else { return future::pending().await };
        while !has_client(master).map_err(PortError::Accept)? {
            tokio::time::sleep(OPEN_POLL).await;
        }
        // A fresh registration for each link: tokio remembers a hang-up for ever.
        let fd = master.try_clone().map_err(PortError::Accept)?;
        #[expect(
            deprecated,
            reason = "`register` is unsafe; an OwnedFd gives what it asks for: one fd, ours, while it lives"
        )]
        let fd = AsyncFd::new(fd).map_err(PortError::Accept)?;
        Ok(PtyLink { fd })
    }

    /// Closing the master hangs the client up. Links hold a copy, so the caller drops its link too.
    pub fn unplug(&mut self) {
        self.master = None;
        self.remove_link();
    }

    pub fn plug(&mut self) -> Result<(), PortError> {
        if self.master.is_some() {
            return Ok(());
        }
        let (master, slave_path) = open_raw().map_err(PortError::OpenPty)?;
        self.remove_link();
        symlink(slave_path, &self.path)
            .map_err(|source| PortError::Symlink { path: self.path.clone(), source })?;
        self.master = Some(master);
        Ok(())
    }

    /// Removes our link, and only a link: a mistyped path must not cost anybody a file.
    fn remove_link(&self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|meta| meta.file_type().is_symlink())
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the link of a pseudo terminal");
        }
    }
}

impl Drop for PtyPort {
    fn drop(&mut self) {
        self.remove_link();
    }
}

/// A master in non-blocking raw mode, and the path of its slave.
fn open_raw() -> io::Result<(OwnedFd, PathBuf)> {
    let pty = nix::pty::openpty(None, None)?;
    let mut mode = tcgetattr(&pty.slave)?;
    cfmakeraw(&mut mode);
    tcsetattr(&pty.slave, SetArg::TCSANOW, &mode)?;
    let slave_path = nix::unistd::ttyname(&pty.slave)?;
    let flags = OFlag::from_bits_retain(fcntl(&pty.master, FcntlArg::F_GETFL)?);
    fcntl(&pty.master, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok((pty.master, slave_path))
}

/// Whether somebody has the slave open, or left bytes behind before closing it.
fn has_client(master: &OwnedFd) -> io::Result<bool> {
    let mut fds = [PollFd::new(master.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO)?;
    let seen = fds[0].revents().unwrap_or(PollFlags::empty());
    Ok(seen.contains(PollFlags::POLLIN) || !seen.contains(PollFlags::POLLHUP))
}

/// One client's stay on the pseudo terminal.
#[derive(Debug)]
pub struct PtyLink {
    fd: AsyncFd<OwnedFd>,
}

impl AsyncRead for PtyLink {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.fd.poll_read_ready(cx))?;
            let unfilled = buf.initialize_unfilled();
            match guard.try_io(|fd| Ok(nix::unistd::read(fd.get_ref(), unfilled)?)) {
                Ok(Ok(count)) => {
                    buf.advance(count);
                    return Poll::Ready(Ok(()));
                }
                // The last client closed the slave: that is how a terminal says end of file.
                Ok(Err(error)) if error.raw_os_error() == Some(Errno::EIO as i32) => {
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }
}

impl AsyncWrite for PtyLink {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.fd.poll_write_ready(cx))?;
            match guard.try_io(|fd| Ok(nix::unistd::write(fd.get_ref(), bytes)?)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(result) => return Poll::Ready(result),
                Err(_would_block) => {}
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::OpenOptionsExt;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::device::Port;

    fn open(path: &Path) -> tokio::fs::File {
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NOCTTY.bits())
            .open(path)
            .unwrap();
        tokio::fs::File::from_std(file)
    }

    #[tokio::test]
    async fn bytes_cross_a_pty_unchanged_in_both_directions() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("printer");
        let mut port = Port::pty(&path).unwrap();
        assert_eq!(port.endpoint(), path.display().to_string());
        let every_byte: Vec<u8> = (0..=255).collect();

        let mut client = open(&path);
        client.write_all(&every_byte).await.unwrap();
        client.flush().await.unwrap();
        let mut link = port.accept().await.unwrap();
        let mut heard = [0; 256];
        link.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard.as_slice(), every_byte);

        link.write_all(&every_byte).await.unwrap();
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard.as_slice(), every_byte);
    }

    #[tokio::test]
    async fn a_pty_survives_its_client_closing_and_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("printer");
        let mut port = Port::pty(&path).unwrap();
        for round in 0..3_u8 {
            let mut client = open(&path);
            client.write_all(&[round]).await.unwrap();
            client.flush().await.unwrap();
            let mut link = port.accept().await.unwrap();
            assert_eq!(link.read_u8().await.unwrap(), round);
            drop(client);
            assert_eq!(link.read(&mut [0; 8]).await.unwrap(), 0, "a closed slave is the end of the link");
        }
    }

    #[tokio::test]
    async fn unplugging_hangs_the_client_up_and_plugging_brings_the_same_path_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("printer");
        let mut port = Port::pty(&path).unwrap();
        let mut client = open(&path);
        let link = port.accept().await.unwrap();

        port.unplug();
        drop(link);
        assert!(!path.exists());
        assert!(client.read_u8().await.is_err(), "the master is gone");

        port.plug().await.unwrap();
        let mut client = open(&path);
        client.write_all(b"x").await.unwrap();
        client.flush().await.unwrap();
        assert_eq!(port.accept().await.unwrap().read_u8().await.unwrap(), b'x');
    }

    #[tokio::test]
    async fn a_mistyped_path_never_costs_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("precious");
        fs::write(&path, "data").unwrap();
        assert!(matches!(Port::pty(&path), Err(PortError::Symlink { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "data");
    }
}
