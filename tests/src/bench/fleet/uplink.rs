//! What an order costs the kiosk on its way to the fleet: a real kioskd with a day of orders in its log is
//! enrolled and hands them over.
//!
//! CPU is the kiosk's above what it needs while nothing happens; bytes are the kernel's count of its connection
//! to the broker, TLS included.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use domain::KioskConfig;
use kioskd::admin::wire::Request;

use super::stage::Stage;
use crate::bench::machine::tree_cpu_ms;
use crate::bench::report::{OURS, Report};
use crate::bench::stage::AT_ONCE;
use crate::bench::{Options, storage};
use crate::process::wait_until;
use crate::rig::{Rig, RigOptions};

/// Orders in its log.
const ORDERS: u32 = 500;

/// Wall clock time of an order sold beforehand, rounded up: all of them must lie in the past.
const ORDER_TAKES_MS: i64 = 150_000;

/// How long it is watched while nothing happens.
const IDLE: Duration = Duration::from_secs(10);

/// How long it may take to hand everything over.
const LIMIT: Duration = Duration::from_secs(120);

/// See the module's description.
pub(super) fn measure(options: &Options, stage: &Stage, report: &mut Report) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir_in(&options.dir)?;
    let mut rig = Rig::devices_only(RigOptions {
        dir: scratch.path().to_owned(),
        sim: AT_ONCE.map(str::to_owned).to_vec(),
        settings: format!(
            "[uplink]\nfleet = '{}'\nca = {:?}\n",
            stage.fleet.https(),
            stage.fleet.authority()
        ),
        quiet: true,
        ..RigOptions::default()
    })?;
    let now_ms = i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis())?;
    let opening_ms = now_ms - i64::from(ORDERS + 1) * ORDER_TAKES_MS;
    storage::fill(
        &scratch.path().join("data/kiosk.db"),
        KioskConfig::new("demo.k3", "K3"),
        opening_ms,
        ORDERS,
    )?;
    rig.start_kiosk()?;
    std::thread::sleep(Duration::from_secs(3));
    let kiosk = rig.kiosk_id().context("the kiosk runs")?;
    let (before, since) = (tree_cpu_ms(kiosk)?, Instant::now());
    std::thread::sleep(IDLE);
    let idle = (tree_cpu_ms(kiosk)? - before) / since.elapsed().as_secs_f64();

    let (before, since) = (tree_cpu_ms(kiosk)?, Instant::now());
    rig.ask(&Request::Enroll { code: stage.fleet.code("")? }).context("the kiosk cannot be enrolled")?;
    let handed_over = wait_until(LIMIT, || {
        std::thread::sleep(Duration::from_millis(100));
        (paid_sales(stage).ok() == Some(i64::from(ORDERS))).then_some(())
    });
    handed_over.context("the orders do not arrive")?;
    let cpu = tree_cpu_ms(kiosk)? - before - idle * since.elapsed().as_secs_f64();
    let events: i64 = stage.work(async |client| {
        let row = client.query_one("SELECT count(*) FROM event WHERE tenant = 't1'", &[]).await?;
        Ok(row.get(0))
    })?;
    let bytes = sent(stage.broker()?)?;
    rig.stop_kiosk()?;
    let orders = f64::from(ORDERS);
    let mut case = report.case("fleet", format!("uplink of a real kiosk, {ORDERS} orders handed over"));
    case.add(OURS, "CPU per order", "ms", cpu / orders);
    #[expect(clippy::cast_precision_loss, reason = "some thousand events, some megabytes")]
    for (metric, unit, value) in
        [("events per order", "count", events as f64), ("bytes sent per order", "B", bytes as f64)]
    {
        case.add(OURS, metric, unit, value / orders);
    }
    Ok(())
}

fn paid_sales(stage: &Stage) -> anyhow::Result<i64> {
    stage.work(async |client| {
        let sql = "SELECT count(*) FROM sale WHERE tenant = 't1' AND paid_at IS NOT NULL";
        Ok(client.query_one(sql, &[]).await?.get(0))
    })
}

/// Bytes that the only client of the broker has sent, as the kernel has counted them.
fn sent(broker: u16) -> anyhow::Result<u64> {
    let program = Path::new("ss");
    let output = Command::new(program).args(["-Htin", &format!("dport = :{broker}")]).output();
    let text = String::from_utf8(output.context("ss, of the package iproute2")?.stdout)?;
    let counts = text.split_whitespace().filter_map(|word| word.strip_prefix("bytes_sent:"));
    let counts: Vec<u64> = counts.map(str::parse).collect::<Result<_, _>>()?;
    anyhow::ensure!(counts.len() == 1, "not one connection to the broker: {text}");
    Ok(counts[0])
}
