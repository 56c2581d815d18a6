//! `sim fleet`.

use std::io::BufRead as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use sim::fleet::{Bad, Door, Endpoint, HELP, Members, Order, Plan, Report, Updates, run};
use tokio::sync::mpsc;

/// Orders that may wait.
const ORDERS: usize = 64;

/// What stands below the options of `sim fleet --help`.
pub fn help() -> String {
    format!(
        "\
Who they are, one of:
  --data DIR                             of a fleetd embedded on this machine: it enrols them
  --fleet HOST:PORT --ca FILE --token FILE   of any other fleet: it enrols them
  --broker HOST:PORT --authorities DIR   they are in the registry already, under --prefix
Those that a fleet enrols have the tag sim, and the same ids the next time.

Faults, a line each on standard input, or --fault SECONDS:FAULT:
{HELP}

Examples:
  sim fleet --data /var/lib/fleet
  sim fleet --data /var/lib/fleet --kiosks 200 --sales-per-minute 600 --seconds 120 --fault 30:storm
  echo 'clone 2' | sim fleet --data /var/lib/fleet
  sim fleet --fleet fleet.example:8443 --ca fleet-ca.pem --token admin-token --site 12"
    )
}

/// A crowd of kiosks at a fleet's broker.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder of a fleetd embedded on this machine
    #[arg(long, value_name = "DIR", conflicts_with_all = ["fleet", "broker"], required_unless_present_any = ["fleet", "broker"])]
    data: Option<PathBuf>,
    /// The fleet's HTTPS
    #[arg(long, value_name = "HOST:PORT", requires_all = ["ca", "token"], conflicts_with = "broker")]
    fleet: Option<Endpoint>,
    /// The authority of its certificate, PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A file with a token of an admin, operator or technician
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// Where they stand
    #[arg(long, default_value = "main")]
    site: String,
    /// The broker's listener for kiosks
    #[arg(long, value_name = "HOST:PORT", requires = "authorities")]
    broker: Option<Endpoint>,
    /// Folder of the fleet's authorities; for expired certificates, too
    #[arg(long, value_name = "DIR")]
    authorities: Option<PathBuf>,
    /// Ids in the registry begin with this; five digits follow
    #[arg(long, default_value = "t1.sim", requires = "broker")]
    prefix: String,
    /// How many
    #[arg(long, default_value_t = 50)]
    kiosks: u32,
    /// Sales a minute of all together
    #[arg(long, default_value_t = 60.0)]
    sales_per_minute: f64,
    /// Sales that each has waiting when it begins
    #[arg(long, default_value_t = 0)]
    backlog: u32,
    /// Seconds of selling
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// A fault after so many seconds; may be given more than once
    #[arg(long = "fault", value_name = "SECONDS:FAULT", value_parser = timed)]
    faults: Vec<(u64, Order)>,
    /// Seconds at the start whose answers do not count for how long answers take
    #[arg(long, default_value_t = 0)]
    settle: u64,
    /// Seconds that they may take afterwards to hand everything over
    #[arg(long, default_value_t = 60)]
    drain: u64,
    /// Seconds between two heartbeats
    #[arg(long, default_value_t = 60)]
    heartbeat: u64,
    /// Mean seconds between two losses of a connection; 0: never
    #[arg(long, default_value_t = 0)]
    lose_every: u64,
    /// Seconds that a batch waits for its answer
    #[arg(long, default_value_t = 10)]
    answer_within: u64,
    /// Seconds over which they connect
    #[arg(long, default_value_t = 2)]
    connect_over: u64,
    /// They are updated: their model, and the release that they run when they begin
    #[arg(long, value_name = "MODEL:RELEASE", value_parser = model)]
    updates: Option<(String, u64)>,
    /// A release that is no good: for so many of a hundred, with this reason; `silent`: never heard of again
    #[arg(long = "bad-release", value_name = "RELEASE[:PERCENT[:REASON]]", requires = "updates")]
    bad: Vec<Bad>,
    /// Milliseconds that they take at most to load a release, and again to prove it
    #[arg(long, value_name = "MS", default_value_t = 2000, requires = "updates")]
    update_within: u64,
    /// Everything random follows from this
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the report goes, JSON; else only its sums are printed
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

fn model(text: &str) -> Result<(String, u64), String> {
    let wrong = || format!("{text:?} is no MODEL:RELEASE, for example alder:42");
    let (model, release) = text.split_once(':').ok_or_else(wrong)?;
    Ok((model.to_owned(), release.parse().map_err(|_| wrong())?))
}

fn timed(text: &str) -> Result<(u64, Order), String> {
    let (seconds, fault) = text.split_once(':').ok_or("SECONDS:FAULT, for example 10:storm")?;
    let seconds = seconds.parse().map_err(|_| format!("{seconds:?} is no number of seconds"))?;
    Ok((seconds, fault.parse().map_err(|error: sim::fleet::NoOrder| error.to_string())?))
}

/// Runs the crowd; an error if anything was left behind.
pub async fn serve(options: Options) -> anyhow::Result<()> {
    let seconds = Duration::from_secs;
    let (members, authorities) = members(&options)?;
    let updates = options.updates.map(|(model, running)| Updates {
        model,
        running,
        bad: options.bad,
        within: Duration::from_millis(options.update_within),
    });
    let plan = Plan {
        members,
        updates,
        authorities,
        kiosks: options.kiosks,
        sales_per_minute: options.sales_per_minute,
        backlog: options.backlog,
        sell_for: seconds(options.seconds),
        settle_for: seconds(options.settle),
        drain_for: seconds(options.drain),
        heartbeat: seconds(options.heartbeat.max(1)),
        lose_every: seconds(options.lose_every),
        answer_within: seconds(options.answer_within.max(1)),
        connect_over: seconds(options.connect_over),
        seed: options.seed,
    };
    let (orders, ears) = mpsc::channel(ORDERS);
    let (kiosks, faults) = (options.kiosks, options.faults);
    let ready = move || {
        eprintln!("sim: {kiosks} kiosks begin; faults: a line each on standard input, see sim fleet --help");
        for (after, order) in faults {
            let orders = orders.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(after)).await;
                orders.send(order).await.ok();
            });
        }
        listen(orders);
    };
    let report = run(plan, ears, ready).await?;
    if let Some(path) = options.report {
        let text = serde_json::to_string(&report)?;
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    tell(&report);
    ensure!(report.pending == 0, "{} events were not handed over in time", report.pending);
    Ok(())
}

fn members(options: &Options) -> anyhow::Result<(Members, Option<PathBuf>)> {
    let (site, authorities) = (options.site.clone(), options.authorities.clone());
    if let Some(data) = &options.data {
        let ours = data.join("ca");
        return Ok((Members::Enrolled(Door::of(data, site)?), Some(authorities.unwrap_or(ours))));
    }
    if let (Some(fleet), Some(ca), Some(token)) = (&options.fleet, &options.ca, &options.token) {
        let text = std::fs::read_to_string(token);
        let token = text.with_context(|| format!("cannot read {}", token.display()))?.trim().to_owned();
        return Ok((
            Members::Enrolled(Door { fleet: fleet.clone(), ca: ca.clone(), token, site }),
            authorities,
        ));
    }
    let Some(broker) = &options.broker else { bail!("--data, --fleet or --broker: which fleet?") };
    Ok((Members::Registered { broker: broker.clone(), prefix: options.prefix.clone() }, authorities))
}

/// Takes orders from standard input until it ends. A thread that is left behind when the program ends: nothing else
/// can leave a read of a terminal.
fn listen(orders: mpsc::Sender<Order>) {
    let read = move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match line.parse() {
                Ok(order) if orders.blocking_send(order).is_err() => return,
                Ok(_) => {}
                Err(error) if line.trim().is_empty() => drop::<sim::fleet::NoOrder>(error),
                Err(error) => eprintln!("sim: {error}"),
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("orders".to_owned()).spawn(read) {
        eprintln!("sim: no orders can be taken: {error}");
    }
}

fn tell(report: &Report) {
    println!(
        "{} events in {} batches, {} not handed over, {} connections lost, answers p50 {:.1} ms p99 {:.1} ms",
        report.events,
        report.batches,
        report.pending,
        report.lost,
        report.latency.p50_ms,
        report.latency.p99_ms
    );
    if report.faults > 0 {
        println!(
            "{} faults: {} kiosks forked, {} events quarantined, {} batches not expected, {} expired certificates refused",
            report.faults, report.forked, report.quarantined, report.unexpected, report.refused
        );
    }
}
