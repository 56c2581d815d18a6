//! Everything between a kiosk's log and the fleet's books is killed, frozen and cut at random, and in the end
//! the books must hold every event exactly once.
//!
//! ```text
//! sim fleet (50 kiosks, a network of their own) ══ mosquitto ══ 2 × fleetd ══ PostgreSQL
//!       ▲ link cut                                   ▲ kill -9, freeze: any of them, at random from a seed
//! ```
//! Two phases: faults while the kiosks sell, then everything is healed and must converge within a limit.

mod books;
mod cast;
mod network;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::dice::Dice;
use cast::Cast;

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder for data and logs.
    pub dir: PathBuf,
    /// The program `fleetd`.
    pub fleetd: PathBuf,
    /// The program `sim`.
    pub sim: PathBuf,
    /// Simulated kiosks.
    pub kiosks: u32,
    /// How long they sell while things break.
    pub seconds: u64,
    /// How long everything may take afterwards to converge.
    pub drain_seconds: u64,
    /// Sales a minute of all together.
    pub sales_per_minute: u32,
    /// The whole schedule follows from this.
    pub seed: u64,
}

/// What it came to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Events, each exactly once in the books.
    pub events: u64,
    /// Sales that the fleet denied, because somebody else had sold the last piece.
    pub denied: u64,
    /// Faults injected.
    pub faults: u32,
    /// Connections that kiosks lost.
    pub lost: u64,
}

/// Something that breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    KillDatabase,
    KillBackend,
    FreezeDatabase,
    KillBroker,
    FreezeBroker,
    KillReplica,
    FreezeReplica,
    KillEmbedded,
    CutLink,
}

/// How often each is drawn, in parts of their sum.
const FAULTS: [(Fault, u64); 9] = [
    (Fault::KillDatabase, 2),
    (Fault::KillBackend, 3),
    (Fault::FreezeDatabase, 2),
    (Fault::KillBroker, 2),
    (Fault::FreezeBroker, 3),
    (Fault::KillReplica, 4),
    (Fault::FreezeReplica, 3),
    (Fault::KillEmbedded, 1),
    (Fault::CutLink, 3),
];

/// Pause between the end of a fault and the next one, ms. The supervisor gives up after five deaths of an
/// engine within a minute, as it should, so faults keep their distance.
const PAUSE_MS: (u64, u64) = (500, 4000);
/// How long something stays frozen or cut, ms.
const FROZEN_MS: (u64, u64) = (1000, 6000);

/// Runs it. The error says which promise was broken.
///
/// # Errors
/// A program does not start, or the books are wrong.
pub fn run(options: &Options) -> anyhow::Result<Summary> {
    println!("chaos: seed {}, {} kiosks, {} s", options.seed, options.kiosks, options.seconds);
    let mut dice = Dice::new(options.seed);
    let mut cast = Cast::start(options)?;
    books::open(&cast, options.kiosks)?;
    cast.start_replica()?;
    cast.start_kiosks(options)?;
    let begun = Instant::now();
    let until = begun + Duration::from_secs(options.seconds);
    let mut faults = 0;
    loop {
        std::thread::sleep(Duration::from_millis(dice.between(PAUSE_MS)));
        if Instant::now() >= until {
            break;
        }
        let fault = dice.weighted(&FAULTS);
        let length = Duration::from_millis(dice.between(FROZEN_MS));
        println!("chaos: {:6.1} s {fault:?} {:.1} s", begun.elapsed().as_secs_f32(), length.as_secs_f32());
        cast.suffer(fault, length).with_context(|| format!("{fault:?}"))?;
        faults += 1;
    }
    println!("chaos: {:6.1} s healed; everything has to converge", begun.elapsed().as_secs_f32());
    let report = cast.finish_kiosks(Duration::from_secs(options.seconds + options.drain_seconds + 30))?;
    let (events, denied) = books::compare(&cast, &report)?;
    cast.stop()?;
    Ok(Summary { events, denied, faults, lost: report.lost })
}
