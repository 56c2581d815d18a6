//! Foreign tools, and waiting for conditions.

use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use fleet::embedded::{Embedded, Options, Timing};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// Runs a tool in `dir`; its arguments are separated by spaces.
pub fn run(dir: &Path, command: &str) -> Output {
    let mut words = command.split(' ');
    let tool = words.next().unwrap();
    Command::new(tool).args(words).current_dir(dir).output().unwrap_or_else(|error| panic!("{tool}: {error}"))
}

/// Standard output of a tool that must succeed.
pub fn output(dir: &Path, command: &str) -> String {
    let output = run(dir, command);
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Everything that a tool says, and that it failed.
pub fn failure(dir: &Path, command: &str) -> String {
    let output = run(dir, command);
    assert!(!output.status.success(), "{command} succeeded");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// How long a condition may take on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Waits for a condition.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let until = tokio::time::Instant::now() + LIMIT;
    while !tokio::time::timeout_at(until, holds()).await.unwrap_or(false) {
        assert!(tokio::time::Instant::now() < until, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A place for engines: data folder and socket folder, with picked ports and little patience.
pub struct Base {
    pub dir: TempDir,
}

impl Base {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // The engines' account has to come through.
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn options(&self) -> Options {
        Options {
            kiosk_port: 0,
            internal_port: 0,
            kiosk_bind: Some(Ipv4Addr::LOCALHOST.into()),
            run_dir: Some(self.dir.path().join("run")),
            timing: Timing {
                liveness_interval: Duration::from_millis(300),
                liveness_limit: Duration::from_secs(4),
                ..Timing::default()
            },
            ..Options::new(self.data())
        }
    }

    pub async fn start(&self) -> Embedded {
        Embedded::start(self.options()).await.unwrap_or_else(|error| panic!("{error}: {error:?}"))
    }

    /// Processes of both engines that work in this place.
    pub fn processes(&self) -> usize {
        let ours = |link: std::io::Result<PathBuf>| link.is_ok_and(|path| path.starts_with(self.data()));
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        processes.filter(|process| ours(std::fs::read_link(process.path().join("cwd")))).count()
    }
}

/// A connection whose background task ends with it.
pub async fn connect(database: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(database, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
