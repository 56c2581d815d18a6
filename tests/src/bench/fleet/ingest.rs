//! Events a second from the kiosks' logs to the books and back as answers, and the same rows written straight
//! into the database: as a batch insert, as arrays, and with COPY.
//!
//! Each round is a new crowd at the same backend; right after it the peers write the rows of that round.

use std::time::Duration;

use super::FLEETD;
use super::peers::{self, Way};
use super::stage::{Each, Stage, place};
use crate::bench::Options;
use crate::bench::report::Report;
use crate::bench::samples::Samples;

/// Each case is measured so often; the middle counts.
const ROUNDS: u32 = 3;

/// A crowd that comes back after an outage: kiosks, and the sales that wait in each.
const CROWD: (u32, u32) = (50, 100);

/// Events that a sale of `sim fleet` leaves.
const EVENTS_OF_A_SALE: u32 = 12;

/// Connections of fleetd's workers: the peers have as many.
const WORKERS: usize = 2;

/// Everything is handed over within.
const LIMIT: Duration = Duration::from_secs(600);

struct Case {
    name: String,
    prefix: &'static str,
    kiosks: u32,
    sales: u32,
    /// Connections of the peers: the events of one kiosk come one after the other.
    connections: usize,
}

/// See the module's description.
pub(crate) fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::start(&options.dir)?;
    let (kiosks, sales) = CROWD;
    let many = Case {
        name: format!("{kiosks} kiosks with {sales} sales each"),
        prefix: "bench.m",
        kiosks,
        sales,
        connections: WORKERS,
    };
    let backlog = options.backlog.div_ceil(EVENTS_OF_A_SALE);
    let one = Case {
        name: format!("one kiosk with {} events", backlog * EVENTS_OF_A_SALE + 1),
        prefix: "bench.o",
        kiosks: 1,
        sales: backlog,
        connections: 1,
    };
    for case in [many, one] {
        let (ours, insert) = run(&stage, &case, report)?;
        if case.kiosks > 1 {
            report.aim_factor("ingest end to end, compared with a plain batch insert", 1.0, ours / insert);
        }
    }
    report.note(format!("the fleet's data was in {}", place(&options.dir).display()));
    Ok(())
}

/// Returns the rates of fleetd and of the batch insert.
fn run(stage: &Stage, case: &Case, report: &mut Report) -> anyhow::Result<(f64, f64)> {
    let mut ours = Samples::default();
    let [mut insert, mut unnest, mut copy] = [(); 3].map(|()| Samples::default());
    let (mut cpu, mut answers) = (Each::<Samples>::default(), [Samples::default(), Samples::default()]);
    for round in 1..=ROUNDS {
        let prefix = format!("{}{round}.", case.prefix);
        stage.register(&prefix, case.kiosks)?;
        let before = stage.cpu_ms()?;
        let arguments = ["--backlog", &case.sales.to_string(), "--seed", &round.to_string()];
        let rest = ["--seconds", "0", "--drain", "300", "--connect-over", "0", "--answer-within", "60"];
        let arguments: Vec<String> = arguments.iter().chain(&rest).map(|word| (*word).to_owned()).collect();
        let told = stage
            .crowd(
                &prefix,
                case.kiosks,
                &[&arguments[..], &["--sales-per-minute".into(), "0".into()]].concat(),
            )?
            .finish(LIMIT)?;
        let after = stage.cpu_ms()?;
        let events = f64::from(told.events);
        ours.push(events / told.handed_over_ms * 1e3);
        for (samples, spent) in [
            (&mut cpu.fleetd, after.fleetd - before.fleetd),
            (&mut cpu.mosquitto, after.mosquitto - before.mosquitto),
            (&mut cpu.postgres, after.postgres - before.postgres),
        ] {
            samples.push(spent / events * 1e3);
        }
        answers[0].push(told.latency.p50_ms);
        answers[1].push(told.latency.p99_ms);
        let rows = stage.work(async |client| peers::rows(client, &prefix).await)?;
        anyhow::ensure!(rows.len() == usize::try_from(told.events)?, "the books do not hold every event");
        let database = stage.database()?;
        for (way, samples) in [(Way::Insert, &mut insert), (Way::Unnest, &mut unnest), (Way::Copy, &mut copy)]
        {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let took = runtime.block_on(peers::write(&database, way, rows.clone(), case.connections))?;
            samples.push(events / took.as_secs_f64());
        }
    }
    let mut of_case = report.case("ingest", case.name.clone());
    of_case.add(FLEETD, "events_per_s", "events/s", ours.median());
    of_case.add("postgres batch insert", "events_per_s", "events/s", insert.median());
    of_case.add("postgres unnest insert", "events_per_s", "events/s", unnest.median());
    of_case.add("postgres copy", "events_per_s", "events/s", copy.median());
    of_case.add(FLEETD, "answer p50", "ms", answers[0].median());
    of_case.add(FLEETD, "answer p99", "ms", answers[1].median());
    of_case.add(FLEETD, "CPU of fleetd", "ms/1,000 events", cpu.fleetd.median());
    of_case.add(FLEETD, "CPU of mosquitto", "ms/1,000 events", cpu.mosquitto.median());
    of_case.add(FLEETD, "CPU of postgres", "ms/1,000 events", cpu.postgres.median());
    Ok((ours.median(), insert.median()))
}
