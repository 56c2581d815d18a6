//! A fleet for the demo: `fleetd embedded` in a folder, and `fleetctl` as its operator.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use kioskd::admin::wire::Request;
use serde_json::Value;

use crate::engines;
use crate::process::{Process, wait_until};
use crate::rig::{Rig, RigOptions, program};

/// How long the kiosk may take to reach the fleet once it belongs to it: it tries less often the longer it failed.
const CONNECT_WITHIN: Duration = Duration::from_secs(60);

/// A running fleet.
#[derive(Debug)]
pub struct Fleet {
    /// Where it keeps everything.
    pub data: PathBuf,
    fleetctl: PathBuf,
    http: String,
    https: String,
    process: Process,
}

impl Fleet {
    /// Starts it in `dir`, on free ports that it keeps for the next time.
    ///
    /// # Errors
    /// It does not start; its log is in `dir`.
    pub fn start(dir: &Path) -> anyhow::Result<Self> {
        Self::start_as(dir, "localhost")
    }

    /// The same, for kiosks that reach it as `host`.
    ///
    /// # Errors
    /// It does not start; its log is in `dir`.
    pub(crate) fn start_as(dir: &Path, host: &str) -> anyhow::Result<Self> {
        let data = home(dir)?;
        let log = dir.join("fleetd.log");
        let mut command = engines::embedded(&program(&RigOptions::default(), "fleetd")?, &data, host);
        command.stderr(std::fs::File::options().create(true).append(true).open(&log)?);
        Self::run(&mut command, data, host)
            .with_context(|| format!("the fleet does not start, see {}", log.display()))
    }

    /// Starts it as `command` says, which keeps everything in `data` and is reachable as `host`.
    pub(crate) fn run(command: &mut Command, data: PathBuf, host: &str) -> anyhow::Result<Self> {
        let fleetctl = program(&RigOptions::default(), "fleetctl")?;
        let (process, line) = Process::start_until_ready("fleetd", command)?;
        let ready: Value = serde_json::from_str(&line).context("what fleetd says is no JSON")?;
        let port = |name: &str| {
            let port = ready[name].as_str().and_then(|address| address.rsplit(':').next());
            port.context("fleetd does not say where it is")
        };
        let http = format!("http://127.0.0.1:{}", port("http")?);
        let https = format!("https://{host}:{}", port("https")?);
        Ok(Self { data, fleetctl, http, https, process })
    }

    /// The section of a kiosk's settings that leads here.
    pub fn uplink(&self) -> String {
        format!("[uplink]\nfleet = '{}'\nca = {:?}\nstatus_s = 10\n", self.https, self.authority())
    }

    /// Its API for kiosks.
    pub(crate) fn https(&self) -> &str {
        &self.https
    }

    /// The certificate that a kiosk believes.
    pub(crate) fn authority(&self) -> PathBuf {
        self.data.join("ca/fleet-ca.pem")
    }

    /// The id of the process that all its others are below.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// A one-time code for a new kiosk.
    pub(crate) fn code(&self, name: &str) -> anyhow::Result<String> {
        let codes = self.ctl(&["enroll", "--name", name])?;
        Ok(codes[0]["code"].as_str().context("fleetctl makes no code")?.to_owned())
    }

    /// Makes a kiosk a member, unless it is one already, and waits until it is connected.
    ///
    /// # Errors
    /// It cannot enrol, or does not connect in time.
    pub fn admit(&self, rig: &Rig) -> anyhow::Result<()> {
        if rig.ask(&Request::Status)?["uplink"]["enrolled"].is_null() {
            let code = self.code("Demo kiosk")?;
            rig.ask(&Request::Enroll { code }).context("the kiosk cannot join the fleet")?;
        }
        let connected = || rig.ask(&Request::Status).ok()?["uplink"]["connected"].as_bool()?.then_some(());
        wait_until(CONNECT_WITHIN, connected).context("the kiosk does not reach the fleet")
    }

    /// What `fleetctl` answers the fleet's admin, as JSON.
    ///
    /// # Errors
    /// It fails.
    pub fn ctl(&self, words: &[&str]) -> anyhow::Result<Value> {
        let output = self.admin(words)?.args(["-o", "json"]).output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "fleetctl {words:?}: {error}");
        serde_json::from_slice(&output.stdout).context("what fleetctl says is no JSON")
    }

    /// A call of `fleetctl` as the fleet's admin.
    ///
    /// # Errors
    /// The admin's token cannot be read.
    pub fn admin(&self, words: &[&str]) -> anyhow::Result<Command> {
        let token =
            std::fs::read_to_string(self.data.join("admin-token")).context("no token of the admin")?;
        let mut command = Command::new(&self.fleetctl);
        command.args(words).env("FLEETCTL_URL", &self.http).env("FLEETCTL_TOKEN", token.trim());
        Ok(command)
    }

    /// `fleetctl` itself.
    pub fn fleetctl(&self) -> &Path {
        &self.fleetctl
    }

    /// Ends it in order; what it has stays.
    ///
    /// # Errors
    /// It does not end.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.process.stop()
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }
}

/// Where the fleet of a demo in `dir` keeps its data: there, or, because a database started by root runs as
/// somebody else, in a folder of its own beside everybody's if only root may enter `dir`.
fn home(dir: &Path) -> anyhow::Result<PathBuf> {
    let open = |path: &Path| path.metadata().is_ok_and(|about| about.permissions().mode() & 0o001 != 0);
    if !nix::unistd::geteuid().is_root() || dir.ancestors().all(open) {
        return Ok(dir.join("fleet"));
    }
    let marker = dir.join("fleet.path");
    if let Ok(known) = std::fs::read_to_string(&marker)
        && Path::new(known.trim()).is_dir()
    {
        return Ok(known.trim().into());
    }
    let made = tempfile::Builder::new().prefix("kioskd-fleet-").tempdir_in("/var/tmp")?.keep();
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o755))?;
    std::fs::write(&marker, format!("{}\n", made.display()))?;
    Ok(made)
}
