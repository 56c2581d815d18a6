//! A shell of root in a guest, over a virtual console.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// How long one read waits before time limits are looked at.
const READ_FOR: Duration = Duration::from_millis(500);

/// Silence after which the shell is asked again whether it is there.
const ASK_EVERY: Duration = Duration::from_secs(3);

/// A shell that answers.
pub struct Console {
    stream: UnixStream,
    heard: String,
}

/// Commands of all consoles: one that had given up may still be answered.
static ASKED: AtomicU32 = AtomicU32::new(1);

impl Console {
    /// Waits until a shell answers.
    ///
    /// # Errors
    /// None does within the time.
    pub fn connect(socket: &Path, limit: Duration) -> anyhow::Result<Self> {
        let stream = connect(socket)?;
        stream.set_read_timeout(Some(READ_FOR))?;
        let mut console = Self { stream, heard: String::new() };
        let started = Instant::now();
        loop {
            let left = limit.saturating_sub(started.elapsed());
            anyhow::ensure!(!left.is_zero(), "no shell answers within {} s", limit.as_secs());
            if console.run("stty -echo; export TERM=dumb SYSTEMD_PAGER=cat", ASK_EVERY.min(left)).is_ok() {
                return Ok(console);
            }
        }
    }

    /// What a command prints, without the last line's end. Whether it succeeded is not told.
    ///
    /// # Errors
    /// It does not end within the time.
    pub fn run(&mut self, command: &str, limit: Duration) -> anyhow::Result<String> {
        let asked = ASKED.fetch_add(1, Ordering::Relaxed);
        // Quoted so that an echo of the command is not taken for its end.
        self.send(&format!("echo '<<'{asked}; {command}; echo '>>'{asked}"))?;
        let (begin, end) = (format!("<<{asked}"), format!(">>{asked}"));
        let started = Instant::now();
        loop {
            if let Some((_, rest)) = self.heard.split_once(&begin)
                && let Some((said, after)) = rest.split_once(&end)
            {
                let said = said.replace('\r', "").trim().to_owned();
                self.heard = after.to_owned();
                return Ok(said);
            }
            anyhow::ensure!(
                started.elapsed() < limit,
                "{command:?} does not end within {} s",
                limit.as_secs()
            );
            self.listen()?;
        }
    }

    /// Types a line.
    ///
    /// # Errors
    /// The guest is gone.
    pub fn send(&mut self, line: &str) -> anyhow::Result<()> {
        Ok(self.stream.write_all(format!("{line}\n").as_bytes())?)
    }

    fn listen(&mut self) -> anyhow::Result<()> {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => anyhow::bail!("the guest is gone"),
            Ok(count) => {
                self.heard.push_str(&String::from_utf8_lossy(&buffer[..count]));
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Connects to a socket that QEMU is about to make.
///
/// # Errors
/// It is not there after ten seconds.
pub(crate) fn connect(socket: &Path) -> anyhow::Result<UnixStream> {
    let started = Instant::now();
    loop {
        match UnixStream::connect(socket) {
            Err(_) if started.elapsed() < Duration::from_secs(10) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            other => return other.with_context(|| socket.display().to_string()),
        }
    }
}
