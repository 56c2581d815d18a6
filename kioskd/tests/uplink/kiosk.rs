//! The kiosk's program.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use kioskd::admin::client::{ClientError, ask};
use kioskd::admin::wire::Request;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(30);

/// The test's own clock.
pub(crate) fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "a test has no other clock")]
    Instant::now()
}

/// The right time.
pub(crate) fn wall() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "a test has no other clock")]
    SystemTime::now()
}

/// Waits for a condition, with a limit.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = now();
    while !condition() {
        assert!(began.elapsed() < LIMIT, "not in time: {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

pub(crate) struct Kiosk {
    dir: PathBuf,
    child: Option<Child>,
    open: bool,
    /// When the machine's clock begins at every start; `None`: it is right.
    pub clock: Option<&'static str>,
}

impl Kiosk {
    pub(crate) fn new(dir: &Path, https: u16) -> Self {
        Self::with(dir, https, "")
    }

    /// With more settings of the uplink.
    pub(crate) fn with(dir: &Path, https: u16, more: &str) -> Self {
        let seed = std::path::absolute("../catalog/alder-and-rye/catalog.json").unwrap();
        let seed = seed.display();
        let settings = format!(
            "[catalog]\nseed = '{seed}'\n[kiosk]\ndata_dir = 'data'\nserial = 'SN-1'\n[screen]\nwidth = 320\nheight = 480\n\
             [admin]\nsocket = 'admin.sock'\n[log]\ntarget = 'stderr'\nfilter = 'info,rumqttc=debug'\n\
             [uplink]\nfleet = 'https://localhost:{https}'\nca = 'ca/fleet-ca.pem'\nkeep_alive_s = 2\nack_s = 2\n{more}"
        );
        std::fs::write(dir.join("kioskd.toml"), settings).unwrap();
        Self { dir: dir.to_owned(), child: None, open: true, clock: None }
    }

    pub(crate) fn start(&mut self) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.join("kioskd.log"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_kioskd"));
        if let Some(begins) = self.clock {
            // Its own program would stay between us and the kiosk.
            command.env("LD_PRELOAD", "/usr/$LIB/faketime/libfaketimeMT.so.1");
            command.env("FAKETIME", begins).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let child = command
            .args(["--no-system-config", "--config"])
            .arg(self.dir.join("kioskd.toml"))
            .env_remove("INVOCATION_ID")
            .stderr(log.unwrap())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        wait_until("the kiosk answers", || self.ask(&Request::Status).is_ok());
    }

    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits until it ends by itself; its exit code.
    pub(crate) fn wait_ended(&mut self) -> Option<i32> {
        let mut code = None;
        wait_until("the kiosk ends", || {
            code = self.child.as_mut().unwrap().try_wait().unwrap().map(|status| status.code());
            code.is_some()
        });
        self.child = None;
        code.flatten()
    }

    pub(crate) fn ask(&self, request: &Request) -> Result<Value, ClientError> {
        ask(&self.dir.join("admin.sock"), request)
    }

    /// So many durable events.
    pub(crate) fn make_events(&mut self, count: usize) {
        for _ in 0..count {
            let request = if self.open { Request::Close } else { Request::Open };
            self.open = !self.open;
            self.ask(&request).unwrap();
        }
    }

    /// What `kioskctl` says.
    pub(crate) fn ctl(&self, words: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_kioskctl"))
            .arg("--socket")
            .arg(self.dir.join("admin.sock"))
            .args(words)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn enrol(&self, code: &str) {
        self.ctl(&["enroll", code]);
        wait_until("it has its new name", || {
            self.ask(&Request::Status).is_ok_and(|status| status["kiosk"] == "t7.k0001")
        });
    }

    pub(crate) fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.join(name)).unwrap()
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        std::fs::metadata(self.dir.join(name)).unwrap().permissions().mode() & 0o777
    }

    pub(crate) fn unsynced(&self) -> Option<u64> {
        self.ask(&Request::Status).ok()?["unsynced"]["events"].as_u64()
    }

    /// Events in the store.
    pub(crate) fn count_log(&self) -> usize {
        let checks = self.ask(&Request::Check).unwrap();
        let store = checks.as_array().unwrap().iter().find(|check| check["what"] == "store").unwrap().clone();
        assert_eq!(store["good"], true, "{store}");
        store["detail"].as_str().unwrap().split(' ').next().unwrap().parse().unwrap()
    }
}

impl Drop for Kiosk {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.dir.join("kioskd.log")).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(60).collect();
            eprintln!("kioskd's log, newest first:\n{}", tail.join("\n"));
        }
    }
}
