//! Serial ports, USB serial adapters and pseudo terminals.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use serialport::{ClearBuffer, SerialPort};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_serial::SerialStream;

use super::endpoint::{DataBits, FlowControl, Parity, SerialLine, StopBits};

/// A line silent for this long has nothing left from before we opened it.
const QUIET: Duration = Duration::from_millis(50);
/// A device may chatter for ever; after this many bytes we start anyway and leave the rest to the codec.
const SETTLE_BYTES_MAX: usize = 64 * 1024;

/// Opens the port exclusively, flushes both directions and discards until the line is quiet.
pub(super) async fn open(line: &SerialLine) -> io::Result<SerialIo> {
    let builder = builder(line);
    // Opening a USB adapter talks to it and may take seconds: not on a runtime thread.
    let opened = tokio::task::spawn_blocking(move || SerialStream::open(&builder));
    let port = opened.await.map_err(io::Error::other)?.map_err(into_io)?;
    let mut io = SerialIo { port };
    io.port.clear(ClearBuffer::All).map_err(into_io)?;
    settle(&mut io).await?;
    Ok(io)
}

async fn settle(io: &mut SerialIo) -> io::Result<()> {
    let mut discarded = 0;
    let mut scratch = [0; 512];
    while discarded < SETTLE_BYTES_MAX {
        match tokio::time::timeout(QUIET, io.read(&mut scratch)).await {
            Err(_) => return Ok(()),
            Ok(read) => match read? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => discarded += n,
            },
        }
    }
    Ok(())
}

fn builder(line: &SerialLine) -> serialport::SerialPortBuilder {
    serialport::new(line.path.to_string_lossy(), line.baud)
        .data_bits(match line.data_bits {
            DataBits::Seven => serialport::DataBits::Seven,
            DataBits::Eight => serialport::DataBits::Eight,
        })
        .parity(match line.parity {
            Parity::None => serialport::Parity::None,
            Parity::Odd => serialport::Parity::Odd,
            Parity::Even => serialport::Parity::Even,
        })
        .stop_bits(match line.stop_bits {
            StopBits::One => serialport::StopBits::One,
            StopBits::Two => serialport::StopBits::Two,
        })
        .flow_control(match line.flow {
            FlowControl::None => serialport::FlowControl::None,
            FlowControl::Hardware => serialport::FlowControl::Hardware,
            FlowControl::Software => serialport::FlowControl::Software,
        })
}

/// Keeps the kind of error, which is how a busy port is told from a missing one.
fn into_io(error: serialport::Error) -> io::Error {
    match error.kind() {
        serialport::ErrorKind::NoDevice => {
            // The `serialport` crate folds EBUSY of the exclusive open into "no device".
            let busy = error.description.to_ascii_lowercase();
            let busy = busy.contains("busy") || busy.contains("lock");
            let kind = if busy { io::ErrorKind::ResourceBusy } else { io::ErrorKind::NotFound };
            io::Error::new(kind, error)
        }
        serialport::ErrorKind::Io(kind) => io::Error::new(kind, error),
        serialport::ErrorKind::InvalidInput | serialport::ErrorKind::Unknown => io::Error::other(error),
    }
}

/// A serial port whose flush and close never block.
#[derive(Debug)]
pub(super) struct SerialIo {
    port: SerialStream,
}

impl Drop for SerialIo {
    fn drop(&mut self) {
        // The kernel waits up to 30 s in close() for a printer that holds the line; what it has not taken by now is
        // reported as unknown anyway. A pseudo terminal has nothing pending, and flushing it would eat the
        // other side's unread bytes.
        if self.port.bytes_to_write().is_ok_and(|pending| pending > 0)
            && let Err(error) = self.port.clear(ClearBuffer::Output)
        {
            tracing::debug!(%error, "cannot discard pending serial output");
        }
    }
}

impl AsyncRead for SerialIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.port).poll_read(cx, buf)
    }
}

impl AsyncWrite for SerialIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.port).poll_write(cx, buf)
    }

    /// Does nothing: bytes are handed to the kernel at once, and waiting for the wire (`tcdrain`) would block the
    /// thread for as long as the device holds the line.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
