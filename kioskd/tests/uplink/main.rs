//! The kiosk against a real broker. The tests play the fleet with foreign clients (`mosquitto_sub` and
//! `mosquitto_pub`) and an HTTPS server of their own.

#![expect(clippy::unwrap_used, reason = "a test that does not find what it expects has failed")]

mod broker;
mod claiming;
mod fleet;
mod kiosk;

use std::time::Duration;

use kioskd::admin::wire::Request;
use serde_json::json;

use broker::Broker;
use fleet::{Answers, Fleet};
use kiosk::{Kiosk, wait_until};

/// Broker, fleet and an enrolled kiosk whose first events have arrived.
struct World {
    broker: Broker,
    fleet: Fleet,
    kiosk: Kiosk,
    _dir: tempfile::TempDir,
}

impl World {
    fn enrolled() -> Self {
        Self::enrolled_with("CODE-1")
    }

    fn enrolled_with(code: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = Broker::start(dir.path());
        let fleet = Fleet::start(dir.path(), &broker);
        let mut kiosk = Kiosk::new(dir.path(), fleet.https_port());
        kiosk.start();
        kiosk.make_events(4);
        kiosk.enrol(code);
        let mut world = Self { broker, fleet, kiosk, _dir: dir };
        world.all_arrived();
        world
    }

    /// Waits until the outbox is empty, and compares what the fleet has with what the kiosk wrote.
    fn all_arrived(&mut self) {
        wait_until("the outbox is empty", || self.kiosk.unsynced() == Some(0));
        let log = self.kiosk.count_log();
        self.fleet.judge(log);
    }
}

#[test]
fn events_from_before_and_after_enrolment_arrive_once_and_in_order_under_the_names_they_were_written_under() {
    let mut world = World::enrolled();
    let epochs = world.fleet.epochs();
    assert_eq!(epochs.len(), 2, "a new epoch with the new name");
    assert_eq!(epochs[0].1.as_deref(), Some("kiosk"));
    assert_eq!(epochs[1].1, None);
    world.kiosk.make_events(6);
    world.all_arrived();
    let status = world.kiosk.ask(&Request::Status).unwrap();
    assert_eq!(status["kiosk"], "t7.k0001");
    assert_eq!(status["uplink"]["connected"], true);
    assert_eq!(status["offline_since"], json!(null));
    world.kiosk.kill();
    world.kiosk.start();
    world.kiosk.make_events(2);
    world.all_arrived();
    assert_eq!(world.fleet.epochs().len(), 2, "a restart is no new epoch");
}

#[test]
fn only_the_fleets_own_answer_empties_the_outbox() {
    let mut world = World::enrolled();
    world.fleet.answer(Answers::None);
    world.kiosk.make_events(4);
    let before = world.fleet.batches();
    // The broker acknowledges each of them with success; the kiosk sends on.
    wait_until("it was sent again", || world.fleet.batches() >= before + 2);
    assert_eq!(world.kiosk.unsynced(), Some(4));
    world.fleet.answer(Answers::ToAnotherBatch);
    let before = world.fleet.batches();
    wait_until("a wrong answer was given", || world.fleet.batches() > before);
    assert_eq!(world.kiosk.unsynced(), Some(4));
    world.fleet.answer(Answers::Right);
    world.all_arrived();
}

#[test]
fn a_broker_that_is_frozen_killed_and_started_without_its_sessions_loses_no_event() {
    let mut world = World::enrolled();
    for _ in 0..2 {
        world.broker.freeze();
        let frozen = kiosk::now();
        while frozen.elapsed() < Duration::from_secs(2) {
            world.kiosk.make_events(2);
        }
        world.broker.kill();
        world.kiosk.make_events(2);
        world.broker.restart();
        world.all_arrived();
    }
    world.broker.freeze();
    world.kiosk.make_events(2);
    wait_until("the half-open connection is noticed", || {
        world.kiosk.ask(&Request::Status).is_ok_and(|s| s["uplink"]["connected"] == false)
    });
    world.broker.thaw();
    world.all_arrived();
}

#[test]
fn a_kiosk_that_is_killed_around_an_answer_sends_everything_once_more_or_not_at_all() {
    let mut world = World::enrolled();
    for turn in 0..6 {
        world.kiosk.make_events(3);
        let before = world.fleet.batches();
        world.kiosk.make_events(1);
        wait_until("a batch arrived", || world.fleet.batches() > before);
        if turn % 2 == 0 {
            world.fleet.wait_answered();
        }
        world.kiosk.kill();
        world.kiosk.start();
    }
    world.all_arrived();
}

#[test]
fn what_the_fleet_has_lost_is_sent_again() {
    let mut world = World::enrolled();
    world.kiosk.make_events(6);
    world.all_arrived();
    world.fleet.lose(3);
    world.kiosk.make_events(2);
    wait_until("the fleet has all again", || world.fleet.is_complete(world.kiosk.count_log()));
    world.all_arrived();
}

#[test]
fn a_fork_makes_the_kiosk_begin_a_new_epoch() {
    let mut world = World::enrolled();
    // Told until it has an effect: an answer that is under way already may still be another one.
    world.fleet.answer(Answers::Fork);
    wait_until("a third epoch", || {
        world.kiosk.make_events(1);
        world.fleet.epochs().len() >= 3
    });
    world.fleet.answer(Answers::Right);
    assert!(world.fleet.reasons().contains(&"fork".to_owned()), "{:?}", world.fleet.reasons());
    world.all_arrived();
}

#[test]
fn a_certificate_is_renewed_when_two_thirds_of_its_life_are_over() {
    let mut world = World::enrolled_with("CODE-OLD");
    wait_until("a new certificate", || world.fleet.file("renewed").is_some());
    wait_until("the connection uses it", || {
        let status = world.kiosk.ask(&Request::Status).unwrap();
        status["uplink"]["connected"] == true && status["uplink"]["connection"]["conn"].as_u64() >= Some(2)
    });
    let kept = world.kiosk.file("data/uplink/cert.pem");
    assert_eq!(kept.trim().as_bytes(), world.fleet.file("renewed").unwrap().trim_ascii());
    assert_eq!(world.kiosk.mode("data/uplink/key.pem"), 0o600);
    world.kiosk.make_events(2);
    world.all_arrived();
}

#[test]
fn a_machine_whose_clock_begins_in_1970_at_every_start_still_reaches_its_fleet() {
    let mut world = World::enrolled();
    world.kiosk.kill();
    world.kiosk.clock = Some("@1970-01-02 00:00:00");
    world.kiosk.start();
    world.kiosk.make_events(3);
    world.all_arrived();
    assert!(world.kiosk.file("kioskd.log").contains("1970-01-02T"), "is faketime installed?");
}

#[test]
fn a_wrong_code_enrols_nobody_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let fleet = Fleet::start(dir.path(), &broker);
    let mut kiosk = Kiosk::new(dir.path(), fleet.https_port());
    kiosk.start();
    let refused = kiosk.ask(&Request::Enroll { code: "GUESS".into() }).unwrap_err().to_string();
    assert!(refused.contains("the code is wrong (403)"), "{refused}");
    let status = kiosk.ask(&Request::Status).unwrap();
    assert_eq!((&status["kiosk"], &status["uplink"]["enrolled"]), (&json!("kiosk"), &json!(null)));
}

fn job(n: u32, kind: &str, args: serde_json::Value, exp: i64) -> serde_json::Value {
    json!({"job": format!("019f0000-0000-7000-8000-{n:012}"), "kind": kind, "args": args, "exp": exp})
}

#[test]
fn a_job_is_done_once_by_its_id_and_not_after_its_time() {
    let mut world = World::enrolled();
    let later = i64::MAX / 2;
    let close = job(1, "selling", json!({"to": "close"}), later);
    world.fleet.send_job(&close);
    assert_eq!(world.fleet.progress(1, "done")["s"], "done");
    let doing = |world: &World| world.kiosk.ask(&Request::Status).unwrap()["doing"].to_string();
    assert!(doing(&world).contains("closed"));
    world.kiosk.ask(&Request::Open).unwrap();
    let seen = world.fleet.progress_count(1);
    world.fleet.send_job(&close);
    wait_until("it is told again", || world.fleet.progress_count(1) > seen);
    assert!(!doing(&world).contains("closed"), "and not done again");
    world.fleet.send_job(&job(2, "selling", json!({"to": "close"}), 1));
    world.fleet.progress(2, "expired");
    world.fleet.send_job(&job(3, "dance", json!({}), later));
    world.fleet.progress(3, "failed");
    world.fleet.send_job(&job(4, "screenshot", json!({}), later));
    let done = world.fleet.progress(4, "done");
    let path = done["result"].as_str().unwrap().to_owned();
    assert!(world.fleet.file(&path).unwrap().starts_with(b"\x89PNG"), "a picture at {path}");
    world.fleet.send_job(&job(5, "diagnostics", json!({}), later));
    let done = world.fleet.progress(5, "done");
    let file = world.fleet.file(done["result"].as_str().unwrap()).unwrap();
    let diagnostics: serde_json::Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(diagnostics["status"]["kiosk"], "t7.k0001");
    world.fleet.send_job(&job(6, "reboot", json!({}), later));
    assert_eq!(world.kiosk.wait_ended(), Some(86), "without systemd a reboot ends the daemon");
    world.kiosk.start();
    world.fleet.progress(6, "done");
    let seen = world.fleet.progress_count(6);
    world.fleet.send_job(&job(6, "reboot", json!({}), later));
    wait_until("it is told again", || world.fleet.progress_count(6) > seen);
    world.kiosk.make_events(2);
    world.all_arrived();
}

#[test]
fn a_catalog_of_the_fleet_is_fetched_checked_and_activated() {
    let mut world = World::enrolled();
    let (good, bad) = (world.fleet.put_catalog(7), world.fleet.put_catalog(8));
    world.fleet.send_twin(&json!({"rev": 4, "desired": {"ui.colour": "red"}, "docs": {"catalog": good}}));
    let report = world.fleet.reported(4, |report| report["reported"]["catalog.rev"] == 7);
    assert!(report["errors"]["ui.colour"].is_string(), "{report}");
    let mut wrong = bad;
    wrong["sha256"] = json!("00".repeat(32));
    world.fleet.send_twin(&json!({"rev": 5, "desired": {}, "docs": {"catalog": wrong}}));
    let report = world.fleet.reported(5, |report| report["errors"]["docs.catalog"].is_string());
    assert_eq!(report["reported"]["catalog.rev"], 7, "{report}");
    world.all_arrived();
}

#[test]
fn what_the_fleet_sets_is_in_force_after_a_start_of_its_own_and_what_it_cannot_set_is_told() {
    let mut world = World::enrolled();
    let wishes = json!({"kiosk.language": "de", "kiosk.cutover_hour": 77, "printer.endpoint": "usb"});
    world.fleet.send_twin(&json!({"rev": 4, "desired": wishes}));
    let report = world.fleet.reported(4, |_| true);
    assert_eq!(report["errors"]["kiosk.cutover_hour"], "must be an hour from 0 to 23", "{report}");
    assert!(report["errors"]["printer.endpoint"].as_str().unwrap().contains("own files"), "{report}");
    assert_eq!(report["reported"]["kiosk.language"], "", "not yet");
    assert_eq!(world.kiosk.wait_ended(), Some(85));
    world.kiosk.start();
    let report = world.fleet.reported(4, |report| report["reported"]["kiosk.language"] == "de");
    assert!(report["errors"]["kiosk.cutover_hour"].is_string(), "it is still told: {report}");
    world.fleet.send_twin(&json!({"rev": 5, "desired": {}}));
    assert_eq!(world.kiosk.wait_ended(), Some(85), "back to the machine's own files");
    world.kiosk.start();
    world.fleet.reported(5, |report| report["reported"]["kiosk.language"] == "");
    world.all_arrived();
}

#[test]
fn another_catalog_of_the_active_revision_is_told_to_the_fleet_and_not_taken() {
    let mut world = World::enrolled();
    let good = world.fleet.put_catalog(7);
    world.fleet.send_twin(&json!({"rev": 4, "desired": {}, "docs": {"catalog": good}}));
    world.fleet.reported(4, |report| report["reported"]["catalog.rev"] == 7);
    let later = i64::MAX / 2;
    world.fleet.send_job(&job(1, "catalog_refresh", json!({}), later));
    let done = world.fleet.progress(1, "done");
    assert_eq!(done["why"], "revision 7 is already active");
    let other = world.fleet.put_catalog_of("Other & Son", 7);
    world.fleet.send_twin(&json!({"rev": 5, "desired": {}, "docs": {"catalog": other}}));
    let report = world.fleet.reported(5, |report| report["errors"]["docs.catalog"].is_string());
    let why = report["errors"]["docs.catalog"].as_str().unwrap();
    assert!(why.contains("revision 7 is active already, with other content"), "{report}");
    world.fleet.send_job(&job(2, "catalog_refresh", json!({}), later));
    let failed = world.fleet.progress(2, "failed");
    assert!(failed["why"].as_str().unwrap().contains("raise rev to 8"), "{failed}");
    world.all_arrived();
}
