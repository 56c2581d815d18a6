//! Releases for a crowd of simulated kiosks, over a real broker and a real database: bad ones hurt a few and stop, a good
//! one arrives everywhere, and no site is ever without most of its kiosks.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::engines;
use crate::fleet::Fleet;
use crate::makers::Makers;

/// Kiosks of a site.
const PER_SITE: u32 = 10;
/// Sites with a kiosk that goes first.
const CANARIES: u32 = 5;
/// Of a site's ten kiosks so many may be away at once: a quarter.
const AWAY_MAX: usize = 2;
/// Bytes of an image.
const IMAGE: u64 = 1 << 20;

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder for data and logs.
    pub dir: PathBuf,
    /// Folder of the programs.
    pub programs: PathBuf,
    /// Simulated kiosks.
    pub kiosks: u32,
    /// How long a rollout may take.
    pub limit: Duration,
    /// Everything random follows from this.
    pub seed: u64,
}

/// What it came to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Kiosks that switched to a bad release: one that fails everywhere, one that fails on a fifth.
    pub hurt: [usize; 2],
    /// Kiosks that run the good one.
    pub good: usize,
    /// Most kiosks of a site that were away at once, as the kiosks lived it.
    pub most_away: usize,
    /// How long the good one took.
    pub took: Duration,
}

/// Ends the crowd with whoever watches it.
struct Crowd(Child);

impl Drop for Crowd {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Rolls out two bad releases and a good one.
///
/// # Errors
/// A bad one did not stop, the good one did not arrive, or a site lost too many of its kiosks.
pub fn run(options: &Options) -> anyhow::Result<Summary> {
    let fleet = Fleet::start(&options.dir)?;
    make_releases(options, &fleet)?;
    register(&fleet.data, options.kiosks)?;
    let report = options.dir.join("report.json");
    let mut crowd = crowd(options, &fleet, &report)?;
    until(options.limit, "every kiosk says what it runs", || {
        let would = fleet.ctl(&["rollout", "start", "", "--release", "2", "--dry-run"]).ok()?;
        (would.as_array()?.len() == options.kiosks as usize).then_some(())
    })?;
    for release in ["2", "3"] {
        let rollout = roll_out(options, &fleet, release, &["halted", "paused"])?;
        // One that fails on a fifth may look good for a while.
        let is_early = rollout["wave"].as_u64() <= Some(1);
        ensure!(is_early || release == "3", "release {release} came further: {rollout}");
        if rollout["state"] == "paused" {
            fleet.ctl(&["rollout", "halt", rollout["id"].as_str().context("an id")?])?;
        }
    }
    let begun = Instant::now();
    roll_out(options, &fleet, "4", &["done"])?;
    let took = begun.elapsed();
    crowd.0.stdin.as_mut().context("the crowd takes orders")?.write_all(b"stop\n")?;
    ensure!(crowd.0.wait()?.success(), "the crowd did not end well");
    judge(options, &report, took)
}

/// The makers' side: keys, a root, four releases, pushed.
fn make_releases(options: &Options, fleet: &Fleet) -> anyhow::Result<()> {
    let makers = Makers::at(options.programs.join("kiosk-ota"), &options.dir);
    let online = fleet.data.join("ca/online.pub");
    makers.begin("repo", online.to_str().context("a path")?)?;
    for number in 1..=4_u64 {
        let image: Vec<u8> = (0..IMAGE).map(|n| (n.wrapping_mul(number) >> 12).to_le_bytes()[0]).collect();
        std::fs::write(options.dir.join("image"), image)?;
        let (number, name) = (number.to_string(), format!("1.{number}"));
        let release = ["release", "repo", "--model", "alder", "--number", &number, "--name", &name];
        makers.call(&[&release[..], &["--image", "root=image", "--level", "1"]].concat())?;
        makers.call(&["sign", "repo", "targets", "--key", "release"])?;
    }
    let repository = options.dir.join("repo");
    let mut push = fleet.admin(&["release", "push", repository.to_str().context("a path")?])?;
    let pushed = push.output()?;
    ensure!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    Ok(())
}

/// Sites of ten kiosks each, in the registry.
fn register(data: &Path, kiosks: u32) -> anyhow::Result<()> {
    let sites = kiosks.div_ceil(PER_SITE);
    let every = (sites / CANARIES).max(1);
    let sql = format!(
        "INSERT INTO site (tenant, id, name)
         SELECT 't1', 's' || n, 'Site ' || n FROM generate_series(0, {sites} - 1) AS n;
         INSERT INTO kiosk (id, tenant, site, tags)
         SELECT 't1.sim' || lpad(n::text, 5, '0'), 't1', 's' || (n - 1) / {PER_SITE},
                CASE WHEN (n - 1) % {PER_SITE} = 0 AND (n - 1) / {PER_SITE} % {every} = 0 THEN '{{canary}}'::text[] ELSE '{{}}' END
         FROM generate_series(1, {kiosks}) AS n"
    );
    engines::with_database(data, async |client| Ok(client.batch_execute(&sql).await?))
}

fn crowd(options: &Options, fleet: &Fleet, report: &Path) -> anyhow::Result<Crowd> {
    let broker = format!("localhost:{}", engines::kiosk_port(&fleet.data)?);
    let (kiosks, seed) = (options.kiosks.to_string(), options.seed.to_string());
    let mut command = Command::new(options.programs.join("sim"));
    command.args(["fleet", "--broker", &broker, "--prefix", "t1.sim", "--kiosks", &kiosks, "--seed", &seed]);
    command.args([
        "--sales-per-minute",
        "0",
        "--seconds",
        "36000",
        "--connect-over",
        "5",
        "--heartbeat",
        "30",
    ]);
    command.args(["--updates", "alder:1", "--update-within", "1500"]);
    command.args(["--bad-release", "2:100:no_frame", "--bad-release", "3:20:store"]);
    command.arg("--authorities").arg(fleet.data.join("ca")).arg("--report").arg(report);
    let log = std::fs::File::create(options.dir.join("sim.log"))?;
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
    Ok(Crowd(command.spawn().context("sim")?))
}

/// Starts a rollout and waits until it stands.
fn roll_out(options: &Options, fleet: &Fleet, release: &str, wanted: &[&str]) -> anyhow::Result<Value> {
    // Who is in trial of the release before has said how it went by then.
    let started = until(options.limit, "the rollout starts", || {
        let words = ["rollout", "start", "", "--release", release, "--soak", "0s", "--yes"];
        fleet.ctl(&words).ok()
    })?;
    let id = started["id"].as_str().context("a rollout without an id")?.to_owned();
    until(options.limit, &format!("release {release} is {wanted:?}"), || {
        let rollout = fleet.ctl(&["rollout", "show", &id]).ok()?;
        let stands = wanted.iter().any(|state| rollout["state"] == *state);
        (stands && rollout["kiosks"]["switching"].is_null()).then_some(rollout)
    })
}

fn until<T>(limit: Duration, what: &str, mut holds: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = holds() {
            return Ok(found);
        }
        ensure!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// What the kiosks themselves lived through.
fn judge(options: &Options, report: &Path, took: Duration) -> anyhow::Result<Summary> {
    let report: Value = serde_json::from_slice(&std::fs::read(report)?)?;
    let kiosks = report["kiosks"].as_array().context("no kiosks")?;
    ensure!(kiosks.len() == options.kiosks as usize, "{} kiosks have told", kiosks.len());
    let mut hurt = [0, 0];
    let mut sites: BTreeMap<u32, Vec<(u64, u64)>> = BTreeMap::new();
    for kiosk in kiosks {
        let number = kiosk["id"].as_str().and_then(|id| id.strip_prefix("t1.sim")?.parse::<u32>().ok());
        let site = (number.context("a strange id")? - 1) / PER_SITE;
        for switch in kiosk["switches"].as_array().into_iter().flatten() {
            let release = switch["release"].as_u64().unwrap_or(0);
            if switch["good"] == false && (2..=3).contains(&release) {
                hurt[usize::from(release == 3)] += 1;
            }
            let from = switch["from_ms"].as_u64().unwrap_or(0);
            sites.entry(site).or_default().push((from, switch["to_ms"].as_u64().unwrap_or(u64::MAX)));
        }
    }
    let most_away = sites.values().map(|switches| most_at_once(switches)).max().unwrap_or(0);
    let good = kiosks.iter().filter(|kiosk| kiosk["release"] == 4).count();
    let summary = Summary { hurt, good, most_away, took };
    ensure!(hurt[0] <= 12 && hurt[1] <= 25, "too many were hurt: {summary:?}");
    ensure!(hurt[0] > 0, "nobody tried the bad release: {summary:?}");
    ensure!(good == kiosks.len(), "the good release is not everywhere: {summary:?}");
    ensure!(most_away <= AWAY_MAX, "a site lost too many of its kiosks: {summary:?}");
    Ok(summary)
}

/// The most intervals that overlap.
fn most_at_once(intervals: &[(u64, u64)]) -> usize {
    let at_once = |at: u64| intervals.iter().filter(|(from, to)| (*from..*to).contains(&at)).count();
    intervals.iter().map(|(from, _)| at_once(*from)).max().unwrap_or(0)
}
