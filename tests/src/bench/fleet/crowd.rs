//! A large fleet on an ordinary day: every kiosk connected, a heartbeat a minute each, a thousand sales a minute
//! of all together.

use std::time::Duration;

use super::stage::{Stage, allow_files, place};
use super::{FLEETD, uplink};
use crate::bench::Options;
use crate::bench::report::Report;

/// Sales a minute of all together.
const SALES: u32 = 1000;

/// Kiosks that connect in a second: the backlog of a listening socket is short, and both ends of every
/// handshake are on this machine.
const CONNECTS: u32 = 150;

/// Rest after the last one has connected.
const SETTLE: u32 = 10;

/// How long answers are timed.
const MEASURED: u32 = 60;

/// Files that a broker has open besides its connections.
const OTHER_FILES: u64 = 200;

/// See the module's description.
pub(crate) fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let kiosks = within_limits(options.kiosks, report)?;
    let stage = Stage::start(&options.dir)?;
    if let Err(error) = uplink::measure(options, &stage, report) {
        report.note(format!("fleet: the uplink of a real kiosk was not measured: {error:#}"));
    }
    let empty = stage.memory()?;
    let prefix = "bench.c";
    stage.register(prefix, kiosks)?;
    let connect = kiosks.div_ceil(CONNECTS).max(5);
    let settle = connect + SETTLE;
    let words = [
        ("--sales-per-minute", SALES),
        ("--seconds", settle + MEASURED),
        ("--settle", settle),
        ("--connect-over", connect),
        ("--heartbeat", 60),
        ("--drain", 60),
        ("--answer-within", 30),
    ];
    let arguments: Vec<String> =
        words.iter().flat_map(|(word, value)| [(*word).to_owned(), value.to_string()]).collect();
    let crowd = stage.crowd(prefix, kiosks, &arguments)?;
    // Certificates come first; memory and CPU are looked at while answers are timed.
    let online = crate::process::wait_until(Duration::from_secs(300), || {
        let count = stage.work(async |client| {
            let sql = "SELECT count(*) FROM kiosk WHERE starts_with(id, $1) AND is_on";
            Ok(client.query_one(sql, &[&prefix]).await?.get::<_, i64>(0))
        });
        std::thread::sleep(Duration::from_millis(500));
        (count.ok() == Some(i64::from(kiosks))).then_some(())
    });
    anyhow::ensure!(online.is_some(), "not all kiosks came online");
    std::thread::sleep(Duration::from_secs((SETTLE + 5).into()));
    let before = stage.cpu_ms()?;
    let window = Duration::from_secs(u64::from(MEASURED) / 2);
    std::thread::sleep(window);
    let after = stage.cpu_ms()?;
    let busy = stage.memory()?;
    let told = crowd.finish(Duration::from_secs(180))?;
    anyhow::ensure!(told.connected == kiosks, "{} of {kiosks} kiosks connected", told.connected);
    if told.lost > 0 {
        report.note(format!("fleet: {} connections were lost", told.lost));
    }

    let mut case = report.case("fleet", format!("{kiosks} kiosks, {SALES} sales a minute"));
    case.add(FLEETD, "answer p50", "ms", told.latency.p50_ms);
    case.add(FLEETD, "answer p99", "ms", told.latency.p99_ms);
    case.add(FLEETD, "answers", "count", told.latency.count.into());
    let each = [
        (FLEETD, busy.fleetd, empty.fleetd, after.fleetd - before.fleetd),
        ("mosquitto", busy.mosquitto, empty.mosquitto, after.mosquitto - before.mosquitto),
        ("postgres", busy.postgres, empty.postgres, after.postgres - before.postgres),
    ];
    for (subject, memory, without, cpu_ms) in each {
        case.add(subject, "PSS", "MB", memory.pss_mb);
        case.add(subject, "RSS", "MB", memory.rss_mb);
        case.add(subject, "PSS without kiosks", "MB", without.pss_mb);
        case.add(subject, "CPU per second", "ms", cpu_ms / window.as_secs_f64());
    }
    let per_kiosk = (busy.mosquitto.pss_mb - empty.mosquitto.pss_mb) * 1024.0 / f64::from(kiosks);
    case.add("mosquitto", "PSS per connection", "kB", per_kiosk);
    report.note(format!("the fleet's data was in {}", place(&options.dir).display()));
    Ok(())
}

/// As many of the kiosks wanted as this machine lets one process have connections.
fn within_limits(wanted: u32, report: &mut Report) -> anyhow::Result<u32> {
    let allowed = allow_files(u64::from(wanted) * 2 + OTHER_FILES)?;
    let possible = u32::try_from(allowed.saturating_sub(OTHER_FILES))?.min(wanted);
    if possible < wanted {
        report.note(format!(
            "fleet: {possible} kiosks instead of {wanted}: a process may have only {allowed} files open here \
             (ulimit -Hn)"
        ));
    }
    Ok(possible)
}
