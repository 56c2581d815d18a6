//! `sim fleet`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use sim::fleet::{Plan, run};

/// A crowd of kiosks at a fleet's broker.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The broker's listener for kiosks
    #[arg(long, value_name = "HOST:PORT")]
    broker: SocketAddr,
    /// Folder of the fleet's authorities: they sign the crowd's certificates
    #[arg(long, value_name = "DIR")]
    authorities: PathBuf,
    /// How many; their ids must be in the registry
    #[arg(long, default_value_t = 50)]
    kiosks: u32,
    /// Their ids begin with this; five digits follow
    #[arg(long, default_value = "t1.sim")]
    prefix: String,
    /// Sales a minute of all together
    #[arg(long, default_value_t = 60.0)]
    sales_per_minute: f64,
    /// Sales that each has waiting when it begins
    #[arg(long, default_value_t = 0)]
    backlog: u32,
    /// Seconds of selling
    #[arg(long, default_value_t = 30)]
    seconds: u64,
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
    /// Everything random follows from this
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the report goes, JSON; else only its sums are printed
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Runs the crowd; an error if anything was left behind.
pub async fn serve(options: Options) -> anyhow::Result<()> {
    let seconds = Duration::from_secs;
    let plan = Plan {
        broker: options.broker,
        authorities: options.authorities,
        kiosks: options.kiosks,
        prefix: options.prefix,
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
    let report = run(plan).await?;
    if let Some(path) = options.report {
        let text = serde_json::to_string(&report)?;
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!(
        "{} events in {} batches, {} not handed over, {} connections lost, answers p50 {:.1} ms p99 {:.1} ms",
        report.events,
        report.batches,
        report.pending,
        report.lost,
        report.latency.p50_ms,
        report.latency.p99_ms
    );
    ensure!(report.pending == 0, "{} events were not handed over in time", report.pending);
    Ok(())
}
