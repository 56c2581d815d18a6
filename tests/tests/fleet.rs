//! The fleet as a whole: real Mosquitto, PostgreSQL and fleetd, simulated kiosks.

#![expect(clippy::unwrap_used, reason = "a test that does not find what it expects has failed")]

use std::path::PathBuf;

use tests::chaos::{self, Options};

fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().join(name)
}

/// A short one for every run of the tests; `./dev soak chaos` is the long one.
#[test]
fn whatever_dies_on_the_way_every_event_is_in_the_books_exactly_once() {
    let dir = tempfile::tempdir().unwrap();
    // The engines' account has to come through.
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let options = Options {
        dir: dir.path().to_owned(),
        fleetd: program("fleetd"),
        sim: program("sim"),
        kiosks: 50,
        seconds: 25,
        drain_seconds: 90,
        sales_per_minute: 600,
        seed: std::env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7),
    };
    match chaos::run(&options) {
        Ok(summary) => {
            println!("{summary:?}");
            assert!(summary.events > 1000 && summary.faults > 3, "too little happened: {summary:?}");
        }
        Err(error) => panic!("{error:#}\nlogs: {}", dir.keep().display()),
    }
}
