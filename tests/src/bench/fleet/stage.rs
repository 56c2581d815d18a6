//! `fleetd embedded` as it is shipped, and the crowd at its broker.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Pid, geteuid};
use serde::Deserialize;
use tempfile::TempDir;

use crate::bench::machine::{TreeMemory, tree_cpu_ms, tree_memory};
use crate::engines;
use crate::fleet::Fleet;
use crate::process::{Process, wait_until};
use crate::rig::{RigOptions, program};

/// Whose the kiosks are.
const TENANT: &str = "bench";

/// Kiosks of a site: they share its stock.
const KIOSKS_OF_A_SITE: i64 = 10;

/// Pieces of each of the simulated goods: never too few, so that no sale is denied.
const PIECES: i64 = 1_000_000_000;

/// Parts of a piece.
const PIECE: i64 = 100_000;

/// What `sim fleet` reports.
#[derive(Debug, Deserialize)]
pub(super) struct Report {
    pub events: u32,
    pub pending: u64,
    pub connected: u32,
    pub lost: u64,
    pub handed_over_ms: f64,
    pub latency: Latency,
}

/// How long answers took.
#[derive(Debug, Deserialize)]
pub(super) struct Latency {
    pub count: u32,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// Something of each of the three programs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Each<T> {
    pub fleetd: T,
    pub mosquitto: T,
    pub postgres: T,
}

/// The running backend. Gone with its data when dropped.
pub(super) struct Stage {
    pub fleet: Fleet,
    postgres: Pid,
    mosquitto: Pid,
    sim: PathBuf,
    /// Dropped last: the engines are in it.
    dir: TempDir,
}

impl Stage {
    /// Starts the backend in a new folder below `dir`.
    pub(super) fn start(dir: &Path) -> anyhow::Result<Self> {
        let options = RigOptions::default();
        let sim = program(&options, "sim")?;
        let dir = tempfile::Builder::new().prefix("kioskd-bench-").tempdir_in(place(dir))?;
        // Started by root, the engines run as an account of their own, which has to come through.
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755))?;
        let data = dir.path().join("data");
        let mut command = engines::embedded(&program(&options, "fleetd")?, &data, "127.0.0.1");
        command.env("RUST_LOG", "warn").stderr(File::create(dir.path().join("fleetd.log"))?);
        let fleet = Fleet::run(&mut command, data.clone(), "127.0.0.1")?;
        let postgres = engines::postgres(&data).context("the database does not run")?;
        let mosquitto = engines::mosquitto(&data).context("the broker does not run")?;
        let stage = Self { fleet, postgres, mosquitto, sim, dir };
        stage.work(async |client| {
            client.execute("INSERT INTO tenant (id, name) VALUES ($1, 'Bench')", &[&TENANT]).await?;
            Ok(())
        })?;
        Ok(stage)
    }

    /// Where kiosks connect.
    pub(super) fn broker(&self) -> anyhow::Result<u16> {
        engines::kiosk_port(&self.fleet.data)
    }

    /// Connection string of the owner of the tables.
    pub(super) fn database(&self) -> anyhow::Result<String> {
        engines::database(&self.fleet.data)
    }

    /// Works on the database.
    pub(super) fn work<T>(
        &self,
        work: impl AsyncFnOnce(&tokio_postgres::Client) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        engines::with_database(&self.fleet.data, work)
    }

    /// Makes so many kiosks whose ids begin with `prefix`.
    pub(super) fn register(&self, prefix: &str, kiosks: u32) -> anyhow::Result<()> {
        self.work(async |client| {
            let sites = "WITH made AS (
                             INSERT INTO site (tenant, id, name)
                             SELECT $1, 's' || n, '' FROM generate_series(0, ($2::bigint - 1) / $3) AS n
                             ON CONFLICT DO NOTHING RETURNING id)
                         INSERT INTO stock (tenant, site, variation, on_hand)
                         SELECT $1, id, v, $4 FROM made, unnest(
                             '{sim-burger,sim-fries,sim-cola,sim-cake}'::text[]) AS v";
            let count = i64::from(kiosks);
            client.execute(sites, &[&TENANT, &count, &KIOSKS_OF_A_SITE, &(PIECES * PIECE)]).await?;
            let sql = "INSERT INTO kiosk (id, tenant, site)
                       SELECT $1 || lpad(n::text, 5, '0'), $2, 's' || (n - 1) / $4
                       FROM generate_series(1, $3::bigint) AS n";
            client.execute(sql, &[&prefix, &TENANT, &count, &KIOSKS_OF_A_SITE]).await?;
            Ok(())
        })
    }

    /// Starts a crowd. `arguments` say what it does.
    pub(super) fn crowd(&self, prefix: &str, kiosks: u32, arguments: &[String]) -> anyhow::Result<Crowd> {
        let report = self.dir.path().join(format!("{prefix}.json"));
        let mut command = Command::new(&self.sim);
        command.args(["fleet", "--broker", &format!("127.0.0.1:{}", self.broker()?)]);
        command.arg("--authorities").arg(self.fleet.data.join("ca"));
        command.args(["--prefix", prefix, "--kiosks", &kiosks.to_string(), "--report"]).arg(&report);
        command.args(arguments).stdout(File::create(self.dir.path().join("sim.log"))?);
        Ok(Crowd { process: Process::start("sim fleet", &mut command)?, report })
    }

    /// CPU time so far, ms.
    pub(super) fn cpu_ms(&self) -> anyhow::Result<Each<f64>> {
        let [all, mosquitto, postgres] = self.roots().map(tree_cpu_ms);
        let (mosquitto, postgres) = (mosquitto?, postgres?);
        Ok(Each { fleetd: all? - mosquitto - postgres, mosquitto, postgres })
    }

    /// Memory now.
    pub(super) fn memory(&self) -> anyhow::Result<Each<TreeMemory>> {
        let [all, mosquitto, postgres] = self.roots().map(tree_memory);
        let (all, mosquitto, postgres) = (all?, mosquitto?, postgres?);
        let fleetd = TreeMemory {
            rss_mb: all.rss_mb - mosquitto.rss_mb - postgres.rss_mb,
            pss_mb: all.pss_mb - mosquitto.pss_mb - postgres.pss_mb,
            processes: all.processes - mosquitto.processes - postgres.processes,
        };
        Ok(Each { fleetd, mosquitto, postgres })
    }

    /// The engines are below fleetd.
    fn roots(&self) -> [u32; 3] {
        [self.fleet.id(), self.mosquitto.as_raw().cast_unsigned(), self.postgres.as_raw().cast_unsigned()]
    }
}

/// Where the backend's data can be: a folder that root only may enter is closed to the engines.
pub(super) fn place(dir: &Path) -> &Path {
    if geteuid().is_root() { Path::new("/var/tmp") } else { dir }
}

/// A running crowd.
pub(super) struct Crowd {
    process: Process,
    report: PathBuf,
}

impl Crowd {
    /// Waits for its end; an error if it left anything behind.
    pub(super) fn finish(mut self, limit: Duration) -> anyhow::Result<Report> {
        wait_until(limit, || (!self.process.is_running()).then_some(())).context("sim fleet does not end")?;
        let text = std::fs::read_to_string(&self.report).context("sim fleet left no report")?;
        let report: Report = serde_json::from_str(&text)?;
        anyhow::ensure!(report.pending == 0, "{} events were not handed over", report.pending);
        Ok(report)
    }
}

/// Lets this process and what it starts have `wanted` files open. Returns how many they may have.
pub(super) fn allow_files(wanted: u64) -> anyhow::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft >= wanted {
        return Ok(soft);
    }
    if hard < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, wanted).is_ok() {
        return Ok(wanted);
    }
    let allowed = hard.min(wanted);
    setrlimit(Resource::RLIMIT_NOFILE, allowed, hard)?;
    Ok(allowed)
}
