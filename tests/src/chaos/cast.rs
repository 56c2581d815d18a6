//! Who plays: the engines, two fleetd, the kiosks.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;

use super::network::Network;
use super::{Fault, Options};
use crate::engines;
use crate::process::{Process, wait_until};

/// How long an engine may take to come back.
const BACK_WITHIN: Duration = Duration::from_secs(60);

pub(super) struct Cast {
    pub(super) data: PathBuf,
    logs: PathBuf,
    fleetd: PathBuf,
    embedded: Option<Process>,
    replica: Option<Process>,
    kiosks: Option<Process>,
    report: PathBuf,
    network: Network,
}

/// What `sim fleet` reports.
#[derive(Debug, Deserialize)]
pub(super) struct Report {
    pub lost: u64,
    pub kiosks: Vec<Kiosk>,
}

/// What it reports of one kiosk.
#[derive(Debug, Deserialize)]
pub(super) struct Kiosk {
    pub id: String,
    pub epoch: i64,
    pub last_seq: i64,
    pub last_hash: String,
    pub pending: u64,
    pub agreed: std::collections::BTreeMap<String, i64>,
    pub denied: u64,
    pub quarantined: u64,
    pub forked: bool,
}

impl Cast {
    /// Starts the engines with the first fleetd.
    pub(super) fn start(options: &Options) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&options.dir)?;
        let mut cast = Self {
            data: options.dir.join("fleet"),
            logs: options.dir.clone(),
            fleetd: options.fleetd.clone(),
            embedded: None,
            replica: None,
            kiosks: None,
            report: options.dir.join("report.json"),
            network: Network::make()?,
        };
        cast.start_embedded()?;
        Ok(cast)
    }

    fn log(&self, name: &str) -> anyhow::Result<Stdio> {
        let path = self.logs.join(name);
        Ok(File::options().create(true).append(true).open(path)?.into())
    }

    fn start_embedded(&mut self) -> anyhow::Result<()> {
        let mut command = engines::embedded(&self.fleetd, &self.data, &self.network.host);
        command.stderr(self.log("fleetd.log")?);
        let (process, _) = Process::start_until_ready("fleetd embedded", &mut command)?;
        self.embedded = Some(process);
        Ok(())
    }

    pub(super) fn start_replica(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.fleetd);
        command.arg("serve").arg("--config").arg(self.data.join("fleetd.toml"));
        command.stderr(self.log("replica.log")?);
        self.replica = Some(Process::start("fleetd serve", &mut command)?);
        Ok(())
    }

    pub(super) fn start_kiosks(&mut self, options: &Options) -> anyhow::Result<()> {
        let mut command = self.network.command(&options.sim);
        command.args([
            "fleet",
            "--broker",
            &format!("{}:{}", self.network.host, engines::kiosk_port(&self.data)?),
        ]);
        command.arg("--authorities").arg(self.data.join("ca"));
        command.args(["--prefix", super::books::PREFIX, "--kiosks", &options.kiosks.to_string()]);
        command.args(["--sales-per-minute", &options.sales_per_minute.to_string()]);
        command.args([
            "--seconds",
            &options.seconds.to_string(),
            "--drain",
            &options.drain_seconds.to_string(),
        ]);
        command.args(["--seed", &options.seed.to_string(), "--lose-every", "20", "--answer-within", "5"]);
        command.args(["--heartbeat", "5", "--report"]).arg(&self.report);
        command.stdout(self.log("sim.log")?).stderr(self.log("sim.log")?);
        self.kiosks = Some(Process::start("sim fleet", &mut command)?);
        Ok(())
    }

    /// One fault and its end.
    pub(super) fn suffer(&mut self, fault: Fault, length: Duration) -> anyhow::Result<()> {
        match fault {
            Fault::KillDatabase => signal(self.database_process()?, Signal::SIGKILL),
            Fault::KillBackend => self.kill_backend(),
            Fault::FreezeDatabase => freeze(self.database_process()?, length),
            Fault::KillBroker => signal(self.broker_process()?, Signal::SIGKILL),
            Fault::FreezeBroker => freeze(self.broker_process()?, length),
            Fault::KillReplica => {
                self.replica.as_mut().context("it runs")?.kill()?;
                std::thread::sleep(length / 4);
                self.start_replica()
            }
            Fault::FreezeReplica => {
                let replica = self.replica.as_ref().context("it runs")?.id();
                freeze(Pid::from_raw(replica.cast_signed()), length)
            }
            Fault::KillEmbedded => {
                self.embedded.as_mut().context("it runs")?.kill()?;
                self.start_embedded()
            }
            Fault::CutLink => self.network.cut(length),
        }
    }

    fn database_process(&self) -> anyhow::Result<Pid> {
        process("the database", || engines::postgres(&self.data))
    }

    fn broker_process(&self) -> anyhow::Result<Pid> {
        process("the broker", || engines::mosquitto(&self.data))
    }

    /// Any process of the database but the first.
    fn kill_backend(&self) -> anyhow::Result<()> {
        let (first, folder) = (self.database_process()?, self.data.join("pg"));
        let backend = engines::processes()
            .map(|(pid, _)| pid)
            .filter(|pid| *pid != first)
            .find(|pid| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder));
        backend.map_or(Ok(()), |pid| signal(pid, Signal::SIGKILL))
    }

    /// Waits for the kiosks' end and reads what they report.
    pub(super) fn finish_kiosks(&mut self, limit: Duration) -> anyhow::Result<Report> {
        let kiosks = self.kiosks.as_mut().context("they run")?;
        wait_until(limit, || (!kiosks.is_running()).then_some(())).context("the kiosks do not end")?;
        let text = std::fs::read_to_string(&self.report).context("the kiosks left no report; see sim.log")?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Stops everything in order.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        for mut process in [self.replica.take(), self.embedded.take()].into_iter().flatten() {
            process.stop()?;
        }
        Ok(())
    }
}

fn process(what: &str, find: impl FnMut() -> Option<Pid>) -> anyhow::Result<Pid> {
    wait_until(BACK_WITHIN, find).with_context(|| format!("{what} does not come back"))
}

/// Stops a process for a while. One that its supervisor kills meanwhile is no mistake.
fn freeze(pid: Pid, length: Duration) -> anyhow::Result<()> {
    signal(pid, Signal::SIGSTOP)?;
    std::thread::sleep(length);
    signal(pid, Signal::SIGCONT)
}

fn signal(pid: Pid, signal: Signal) -> anyhow::Result<()> {
    match kill(pid, signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
