//! The fleet as a whole: real Mosquitto, PostgreSQL and fleetd, simulated kiosks.

#![expect(clippy::unwrap_used, reason = "a test that does not find what it expects has failed")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tests::chaos::{self, Options};
use tests::process::wait_until;
use tests::rollout;
use tests::{Customer, Fleet, Rig, RigOptions};

fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().join(name)
}

/// A folder that the engines' account can come through.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    dir
}

/// A short one for every run of the tests; `./dev soak chaos` is the long one.
#[test]
fn whatever_dies_on_the_way_every_event_is_in_the_books_exactly_once() {
    let dir = folder();
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

/// `./dev soak rollout` does the same with a thousand kiosks.
#[test]
fn bad_releases_hurt_a_few_kiosks_and_a_good_one_comes_to_all() {
    let dir = folder();
    let programs = program("fleetd").parent().unwrap().to_owned();
    let limit = Duration::from_secs(180);
    let options = rollout::Options { dir: dir.path().to_owned(), programs, kiosks: 50, limit, seed: 7 };
    match rollout::run(&options) {
        Ok(summary) => println!("{summary:?}"),
        Err(error) => panic!("{error:#}\nlogs: {}", dir.keep().display()),
    }
}

/// One line, and faults as `sim fleet --help` tells them.
#[test]
fn a_crowd_enrols_itself_sells_and_every_fault_has_its_answer() {
    let dir = folder();
    let fleet = Fleet::start(dir.path()).unwrap();
    let crowd = |faults: &str, more: &[&str]| -> serde_json::Value {
        let report = dir.path().join("report.json");
        let mut command = Command::new(program("sim"));
        command.args(["fleet", "--data"]).arg(&fleet.data).args([
            "--kiosks",
            "5",
            "--sales-per-minute",
            "150",
        ]);
        command.args(more).arg("--report").arg(&report).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(faults.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap()
    };
    let ids = |kiosks: &serde_json::Value| -> BTreeSet<String> {
        kiosks.as_array().unwrap().iter().map(|kiosk| kiosk["id"].as_str().unwrap().to_owned()).collect()
    };
    let report = crowd(
        "clone\ngap\npoison 2\nexpired\ntopic\nfreeze 1 2\nstorm\n",
        &["--seconds", "12", "--fault", "8:storm 2"],
    );
    assert_eq!((&report["faults"], &report["pending"]), (&json!(14), &json!(0)), "{report}");
    assert_eq!((&report["forked"], &report["refused"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(report["unexpected"], 1, "{report}");
    assert!(report["quarantined"].as_u64() > Some(2), "what two kiosks sent, and the fork: {report}");
    assert!(report["lost"].as_u64() > Some(7), "{report}");
    assert_eq!(ids(&fleet.ctl(&["ls", "-f", "tag:sim"]).unwrap()), ids(&report["kiosks"]));
    assert!(!fleet.ctl(&["orders"]).unwrap().as_array().unwrap().is_empty());

    let again = crowd("stop\n", &["--backlog", "1"]);
    assert_eq!(ids(&again["kiosks"]), ids(&report["kiosks"]), "each is who it was the last time");
    assert_eq!((&again["pending"], &again["sales"]), (&json!(0), &json!(0)), "stopped at once: {again}");
}

/// How long a quota may take from the fleet to the kiosk's log and back.
const TOLD_WITHIN: Duration = Duration::from_secs(30);

fn shop(dir: &Path, fleet: &Fleet) -> Rig {
    let rig = Rig::start(RigOptions {
        dir: dir.to_owned(),
        sim: ["--terminal-mode", "auto", "--printer-instant", "--terminal-card-ms", "150"]
            .map(str::to_owned)
            .into(),
        settings: fleet.uplink(),
        quiet: true,
        ..RigOptions::default()
    });
    let rig = rig.unwrap();
    fleet.admit(&rig).unwrap();
    rig
}

#[test]
fn what_an_operator_sets_is_in_force_once_the_kiosk_has_started_anew() {
    let dir = folder();
    let fleet = Fleet::start(dir.path()).unwrap();
    let mut rig = shop(dir.path(), &fleet);
    let id = fleet.ctl(&["ls"]).unwrap()[0]["id"].as_str().unwrap().to_owned();
    fleet.ctl(&["set", &id, "kiosk.language=de", "kiosk.cutover_hour=77"]).unwrap();
    wait_until(TOLD_WITHIN, || rig.is_to_be_started().then_some(())).expect("it ends to be started anew");
    rig.start_kiosk().unwrap();
    let twin = || fleet.ctl(&["show", &id]).ok().map(|kiosk| kiosk["twin"].clone());
    let told = || {
        let twin = twin()?;
        (twin["reported"]["kiosk.language"] == "de").then_some(twin)
    };
    let twin = wait_until(TOLD_WITHIN, told).unwrap_or_else(|| panic!("{:?}", fleet.ctl(&["show", &id])));
    assert_eq!(twin["errors"]["kiosk.cutover_hour"], "must be an hour from 0 to 23");
}

#[test]
fn of_what_is_counted_a_kiosk_sells_its_part_and_not_one_more() {
    let dir = folder();
    let fleet = Fleet::start(dir.path()).unwrap();
    let rig = shop(dir.path(), &fleet);
    let kiosk = fleet.ctl(&["ls"]).unwrap()[0].clone();
    let (id, site) = (kiosk["id"].as_str().unwrap(), kiosk["site"].as_str().unwrap());
    fleet.ctl(&["stock", "count", site, "bacon-rye-double", "2", "--beyond", "block"]).unwrap();
    let in_force = || {
        let events = fleet.ctl(&["events", id]).ok()?;
        events.as_array()?.iter().any(|event| event["kind"] == "stock.quota").then_some(())
    };
    wait_until(TOLD_WITHIN, in_force).unwrap_or_else(|| panic!("{:?}", fleet.ctl(&["stock", "quota", id])));

    // One is the kiosk's own part; the other it asks for.
    let mut customer = Customer::new(rig.mirror().unwrap()).unwrap();
    customer.order_two_burgers().unwrap();
    customer.press("Pay").unwrap();
    customer.mirror.wait_page("done", TOLD_WITHIN).unwrap();
    customer.leave().unwrap();
    let sold = || {
        let shelf = fleet.ctl(&["stock", "--site", site]).ok()?[0].clone();
        (shelf["on_hand"] == 0 && shelf["held"] == 0).then_some(())
    };
    wait_until(TOLD_WITHIN, sold).unwrap_or_else(|| panic!("{:?}", fleet.ctl(&["stock"])));
    let denied = fleet.ctl(&["tasks"]).unwrap();
    assert_eq!(denied.as_array().map(Vec::len), Some(0), "both were there: {denied}");

    let third = customer.order_two_burgers();
    assert!(third.is_err(), "nobody has a third one");
    assert_ne!(customer.mirror.screen().id, "pay-choose");
}
