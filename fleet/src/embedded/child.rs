//! One running engine: how it is started, what it says, how it is ended.

use std::collections::VecDeque;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getppid};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::account::Account;

/// So many of an engine's last lines are kept for the error that ends it.
const LINES_KEPT: usize = 20;

/// A kept line is cut here, in characters: enough to see what is wrong.
const LINE_KEPT_MAX: usize = 300;

/// The rest of an engine's output is waited for so long after its end; orphans may keep the pipe open.
const OUTPUT_LIMIT: Duration = Duration::from_millis(300);

/// The last lines that an engine wrote.
#[derive(Clone, Default, Debug)]
pub(super) struct LastLines(Arc<Mutex<VecDeque<String>>>);

impl LastLines {
    fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES_KEPT {
            lines.pop_front();
        }
        lines.push_back(line.chars().take(LINE_KEPT_MAX).collect());
    }

    pub(super) fn get(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// What is common to all children: account, environment, and that they do not outlive the supervisor.
///
/// The signal on the parent's death follows the *thread* that started the child, and changing the user
/// clears it: hence the supervisor's own thread, and hence the hook, which runs after the change. A process
/// group of its own keeps Ctrl-C away from the child: we stop it, in order.
pub(super) fn prepare(command: &mut Command, account: &Account, death: Signal) {
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    command.process_group(0);
    account.run(command);
    let supervisor = Pid::this();
    let hook = move || {
        nix::sys::prctl::set_pdeathsig(death)?;
        if getppid() == supervisor { Ok(()) } else { Err(nix::errno::Errno::ESRCH.into()) }
    };
    #[expect(unsafe_code, reason = "what runs between fork and exec")]
    // SAFETY: the hook makes two system calls and nothing else: no allocation, no lock.
    unsafe {
        command.pre_exec(hook);
    }
}

/// A running engine.
#[derive(Debug)]
pub(super) struct Child {
    process: tokio::process::Child,
    pid: Pid,
    readers: Vec<JoinHandle<()>>,
}

impl Child {
    /// Starts a prepared command; each line it writes goes to `log` and is kept in `lines`.
    pub(super) fn start(
        mut command: Command,
        log: fn(&str),
        lines: &LastLines,
    ) -> Result<Self, std::io::Error> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = tokio::process::Command::from(command).spawn()?;
        let pid = process.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        let pid = pid.ok_or_else(|| std::io::Error::other("a process without an id"))?;
        let mut readers = Vec::new();
        readers.extend(process.stdout.take().map(|pipe| read(pipe, log, lines)));
        readers.extend(process.stderr.take().map(|pipe| read(pipe, log, lines)));
        Ok(Self { process, pid, readers })
    }

    pub(super) const fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits for its end. Cancel-safe.
    pub(super) async fn ended(&mut self) -> String {
        let status = self.process.wait().await;
        for reader in &mut self.readers {
            // Late lines are better than none, but not worth waiting for.
            timeout(OUTPUT_LIMIT, reader).await.ok();
        }
        self.readers.clear();
        status.map_or_else(|error| format!("cannot be waited for: {error}"), describe)
    }

    /// Signals it. One that has ended already cannot hear, which is as good.
    pub(super) fn signal(&self, signal: Signal) {
        if self.process.id().is_some() {
            kill(self.pid, signal).ok();
        }
    }

    /// Asks it to end with `signal`; kills it after `limit`.
    pub(super) async fn stop(&mut self, signal: Signal, limit: Duration) {
        self.signal(signal);
        self.signal(Signal::SIGCONT);
        if timeout(limit, self.process.wait()).await.is_err() {
            tracing::warn!(pid = self.pid.as_raw(), ?limit, "did not stop when asked, killing it");
            self.kill().await;
        }
    }

    /// Ends it at once.
    pub(super) async fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.process.wait().await.ok();
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal().map(Signal::try_from)) {
        (Some(code), _) => format!("ended with code {code}"),
        (None, Some(Ok(signal))) => format!("was ended by {signal}"),
        (None, _) => "ended".to_owned(),
    }
}

/// Reads lines of any bytes until the pipe closes: a pipe nobody reads would stop the engine.
fn read(pipe: impl AsyncRead + Unpin + Send + 'static, log: fn(&str), lines: &LastLines) -> JoinHandle<()> {
    let lines = lines.clone();
    tokio::spawn(async move {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line);
            log(text.trim_end());
            lines.push(text.trim_end());
            line.clear();
        }
    })
}
