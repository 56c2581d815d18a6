//! Updates from the fleet's word to the proven release: the real kiosk, slot writer, Mosquitto and HTTPS.

#![expect(clippy::unwrap_used, reason = "a test that does not find what it expects has failed")]

use std::time::{Duration, Instant};

use kioskd::admin::wire::Request;
use ota::orders::Window;
use ota::trust::sign::SecretKey;
use protocol::update::UpdateState;
use tests::updates::{Fault, Machine, Order, Stranger, Turnout, group, kill_at_random};
use tests::{Customer, Fleet};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn machine(&self, turnout: Turnout) -> Machine {
        let machine = Machine::new(&self.0.path().join("kiosk"), turnout);
        machine.unwrap()
    }

    /// Keeps the logs of a test that has failed.
    fn need<T>(self, done: anyhow::Result<T>) -> (Self, T) {
        match done {
            Ok(done) => (self, done),
            Err(error) => panic!("{error:#}\nlogs: {}", self.0.keep().display()),
        }
    }

    /// Waits until release 42 runs and is proven, and looks at everything then.
    fn proven(self, machine: &mut Machine) -> Self {
        let (place, _) = self.need(machine.run_until("it is proven", |it| it.confirmed == 42));
        machine.judge(42).unwrap();
        place
    }
}

/// Bytes of the delta that a machine has in its repository.
fn delta(machine: &Machine) -> u64 {
    let mut files = walk(&machine.rig.dir.join("fleet/repo/images"));
    files.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("from-"));
    files[0].metadata().unwrap().len()
}

fn step(state: &UpdateState) -> Option<&str> {
    state.under_way.as_ref().map(|it| it.step.as_str())
}

fn last(state: &UpdateState) -> Option<(u64, &str, Option<&str>)> {
    state.last.as_ref().map(|it| (it.release, it.result.as_str(), it.reason.as_deref()))
}

#[test]
fn an_update_comes_by_delta_waits_for_its_turn_and_is_proven() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    machine.begin(&Order::of(1, 42)).unwrap();
    let (place, state) =
        place.need(machine.run_until("it asks for its turn", |it| step(it) == Some("installed")));
    assert_eq!((state.running, state.confirmed, state.model.as_str()), (41, 41, "alder"));
    assert!(machine.fleet.sent("from-") > 0, "the delta");
    assert_eq!(machine.fleet.sent("full.kot"), 0, "and nothing of the whole image");
    machine.run_for(Duration::from_secs(2)).unwrap();
    assert_eq!(machine.tool(&["chooser", "--file", "chooser", "get-primary"]).unwrap(), "A", "not its turn");
    machine.fleet.assign(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
    let (_place, state) = place.need(machine.run_until("it is proven", |it| it.confirmed == 42));
    assert_eq!((state.running, state.version.as_str(), step(&state)), (42, "1.42", None));
    assert_eq!(last(&state), Some((42, "confirmed", None)));
    machine.judge(42).unwrap();
    let shown = machine.rig.ask(&Request::Updates).unwrap();
    assert_eq!((&shown["running"], &shown["floor"]), (&42.into(), &42.into()));
}

#[test]
fn fleetd_rolls_a_release_out_to_a_kiosk_that_it_has_taken_in() {
    let place = Place::new();
    let dir = place.0.path();
    let mut machine = Machine::of(&dir.join("kiosk"), Fleet::start(dir).unwrap()).unwrap();
    machine.start().unwrap();
    machine.fleet.admit(&machine.rig).unwrap();
    let repository = dir.join("kiosk/fleet/repo");
    let pushed = machine.fleet.admin(&["release", "push"]).unwrap().arg(&repository).output().unwrap();
    assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    let start = ["rollout", "start", "", "--release", "42", "--soak", "1s", "--yes"];
    let (place, rollout) = place.need(machine.run_until_some(|it| it.fleet.ctl(&start).ok()));
    let id = rollout.unwrap()["id"].as_str().unwrap().to_owned();
    let is_over = |it: &Machine<Fleet>| {
        let shown = it.fleet.ctl(&["rollout", "show", &id]).ok()?;
        (shown["state"] == "done").then_some(shown)
    };
    let (place, shown) = place.need(machine.run_until_some(is_over));
    let (_place, _) = place.need(shown.ok_or_else(|| anyhow::anyhow!("the rollout is not over")));
    machine.judge(42).unwrap();
    let shown = machine.rig.ask(&Request::Updates).unwrap();
    assert_eq!((&shown["running"], &shown["confirmed"]), (&42.into(), &42.into()));
}

#[test]
fn a_release_that_does_not_boot_is_left_told_and_never_tried_again() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::DoesNotBoot);
    machine.begin(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
    let told = |it: &UpdateState| last(it) == Some((42, "rolled_back", Some("boot_failed")));
    let (place, state) = place.need(machine.run_until("it is back", told));
    assert_eq!((state.running, state.confirmed, step(&state)), (41, 41, None));
    machine.judge(41).unwrap();
    let again = Order { turn: true, campaign: "again".into(), ..Order::of(2, 42) };
    machine.fleet.assign(&again).unwrap();
    let told = |it: &UpdateState| last(it) == Some((42, "rejected", Some("bad_list")));
    let (_place, _) = place.need(machine.run_until("it is refused", told));
    machine.judge(41).unwrap();
}

#[test]
fn a_release_under_which_a_device_is_lost_is_left_again() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    machine.begin(&Order::of(1, 42)).unwrap();
    let (place, _) =
        place.need(machine.run_until("it asks for its turn", |it| step(it) == Some("installed")));
    machine.fleet.assign(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
    let (place, _) = place.need(machine.run_until("it is on trial", |it| step(it) == Some("trial_boot")));
    machine.rig.sim(&["printer", "unplug"]).unwrap();
    let told =
        |it: &UpdateState| it.running == 41 && last(it) == Some((42, "rolled_back", Some("peripheral_lost")));
    let (_place, _) = place.need(machine.run_until("it is back", told));
    machine.judge(41).unwrap();
}

#[test]
fn a_foreign_a_stale_a_replayed_and_a_forged_assignment_do_nothing() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    machine.start().unwrap();
    machine.fleet.halt(1, &["*"]).unwrap();
    // Obeyed, so that there is something to replay; everything is halted.
    machine.fleet.assign(&Order { turn: true, ..Order::of(7, 42) }).unwrap();
    let (place, _) = place.need(machine.run_until("it is offered", |it| step(it) == Some("offered")));
    machine.fleet.assign(&Order { campaign: "autumn".into(), ..Order::of(8, 41) }).unwrap();
    let told = |it: &UpdateState| last(it) == Some((41, "confirmed", None));
    let (_place, _) = place.need(machine.run_until("another wish is fulfilled already", told));
    let other = SecretKey::from_pem(&SecretKey::generate().unwrap()).unwrap();
    let order = |generation| Order { turn: true, ..Order::of(generation, 42) };
    machine.fleet.halt(2, &[]).unwrap();
    machine.fleet.assign(&Order { aud: "t1.k0043".into(), ..order(9) }).unwrap();
    machine.run_for(Duration::from_secs(1)).unwrap();
    machine.fleet.assign(&Order { valid_s: -1, ..order(9) }).unwrap();
    machine.run_for(Duration::from_secs(1)).unwrap();
    machine.fleet.assign(&order(7)).unwrap();
    machine.run_for(Duration::from_secs(1)).unwrap();
    machine.fleet.assign_signed_by(&order(9), &other).unwrap();
    machine.run_for(Duration::from_secs(2)).unwrap();
    assert_eq!(machine.fleet.told().last().and_then(step), None);
    assert!(machine.is_untouched().unwrap());
    assert_eq!(machine.fleet.sent("images/"), 0);
    let log = std::fs::read_to_string(machine.rig.dir.join("kioskd.log")).unwrap();
    for why in ["it is for t1.k0043", "it has ended", "no signature of a campaign key is right"] {
        assert!(log.contains(why), "{why}");
    }
}

#[test]
fn a_halt_stops_a_download_and_a_later_one_lifts_it() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    machine.fleet.slow_down(Duration::from_millis(40));
    machine.begin(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
    let (place, _) = place.need(machine.run_until("it downloads", |it| step(it) == Some("downloading")));
    machine.run_for(Duration::from_millis(300)).unwrap();
    machine.fleet.halt(2, &["spring"]).unwrap();
    machine.run_for(Duration::from_secs(2)).unwrap();
    let sent = machine.fleet.sent("images/");
    machine.run_for(Duration::from_secs(2)).unwrap();
    assert_eq!(machine.fleet.sent("images/"), sent, "nothing is fetched while it is halted");
    // A forged word lifts nothing: only the fleet's key does.
    machine.fleet.slow_down(Duration::ZERO);
    machine.fleet.halt(3, &["autumn"]).unwrap();
    let _place = place.proven(&mut machine);
}

#[test]
fn without_a_fresh_word_that_nothing_is_halted_nobody_switches() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    machine.start().unwrap();
    machine.fleet.assign(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
    let (place, _) = place.need(machine.run_until("it waits", |it| step(it) == Some("reboot_gate")));
    machine.run_for(Duration::from_secs(3)).unwrap();
    assert_eq!(machine.tool(&["chooser", "--file", "chooser", "get-primary"]).unwrap(), "A");
    machine.fleet.halt(1, &[]).unwrap();
    let (_place, _) = place.need(machine.run_until("it is proven", |it| it.confirmed == 42));
}

#[test]
fn nothing_is_fetched_outside_its_window_and_a_customer_is_not_interrupted() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    machine.start().unwrap();
    machine.fleet.halt(1, &[]).unwrap();
    let berlin = jiff::Timestamp::now().in_tz("Europe/Berlin").unwrap();
    let minute = u16::from(berlin.hour().unsigned_abs()) * 60 + u16::from(berlin.minute().unsigned_abs());
    let away = Window { from: (minute + 700) % 1440, to: (minute + 710) % 1440 };
    machine.fleet.assign(&Order { turn: true, window: Some(away), ..Order::of(1, 42) }).unwrap();
    let (place, _) = place.need(machine.run_until("it waits", |it| step(it) == Some("gated")));
    machine.run_for(Duration::from_secs(2)).unwrap();
    assert_eq!(machine.fleet.sent("images/"), 0);
    let mut customer = Customer::new(machine.rig.mirror().unwrap()).unwrap();
    customer.sit_down().unwrap();
    machine.fleet.assign(&Order { turn: true, ..Order::of(2, 42) }).unwrap();
    let (place, _) = place.need(machine.run_until("it waits", |it| step(it) == Some("reboot_gate")));
    machine.run_for(Duration::from_secs(2)).unwrap();
    assert_eq!(machine.tool(&["chooser", "--file", "chooser", "get-primary"]).unwrap(), "A");
    // Whoever walks away is asked whether they are still there, and then gone.
    let (_place, _) = place.need(machine.run_until("it is proven", |it| it.confirmed == 42));
}

#[test]
fn download_stops_at_the_length_that_was_asked_for_and_comes_over_mqtt_instead() {
    for fault in [Fault::Endless, Fault::Wrong] {
        let place = Place::new();
        let mut machine = place.machine(Turnout::Good);
        machine.fleet.fault(fault);
        machine.begin(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
        let _place = place.proven(&mut machine);
        let log = std::fs::read_to_string(machine.rig.dir.join("kioskd.log")).unwrap();
        assert!(log.contains("a source of the update is left"), "{fault:?}");
    }
}

#[test]
fn a_kiosk_that_has_nothing_but_mqtt_is_updated() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    machine.fleet.fault(Fault::Down);
    machine.fleet.broadcast_metadata().unwrap();
    machine.begin(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
    let _place = place.proven(&mut machine);
    assert_eq!(machine.fleet.sent(""), 0);
}

#[test]
fn a_line_that_breaks_again_and_again_costs_no_byte_twice() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    machine.fleet.fault(Fault::Cut);
    machine.begin(&Order::of(1, 42)).unwrap();
    let (_place, _) = place.need(machine.run_until("it is there", |it| step(it) == Some("installed")));
    let length = delta(&machine);
    let sent = machine.fleet.sent("from-");
    assert!(sent < length + length / 20, "{sent} of {length}");
}

#[test]
fn what_a_kiosk_has_fetched_its_neighbours_get_from_it_after_its_restart_too() {
    let (place, group) = (Place::new(), group().unwrap());
    let [mut first, mut second] =
        ["a", "b"].map(|name| Machine::at_site(&place.0.path().join(name), group).unwrap());
    first.begin(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
    let place = place.proven(&mut first);
    assert!(first.fleet.sent("from-") >= delta(&first));
    second.begin(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
    let place = place.proven(&mut second);
    assert_eq!(second.fleet.sent("images/"), 0, "all of it came from the neighbour");

    // One that cannot reach the fleet at all, but for the word that it is to do so.
    let mut third = Machine::at_site(&place.0.path().join("c"), group).unwrap();
    third.fleet.fault(Fault::Down);
    third.fleet.broadcast_metadata().unwrap();
    third.begin(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
    let _place = place.proven(&mut third);
    assert_eq!(third.fleet.sent(""), 0);
}

#[test]
fn kiosks_of_a_site_that_begin_at_once_fetch_a_release_once() {
    let (place, group) = (Place::new(), group().unwrap());
    let mut site = ["a", "b", "c"].map(|name| Machine::at_site(&place.0.path().join(name), group).unwrap());
    for machine in &mut site {
        machine.fleet.slow_down(Duration::from_millis(20));
        machine.begin(&Order::of(1, 42)).unwrap();
    }
    let mut place = place;
    for machine in &mut site {
        (place, _) = place.need(machine.run_until("it is there", |it| step(it) == Some("installed")));
    }
    let sent: u64 = site.iter().map(|machine| machine.fleet.sent("images/")).sum();
    let once = delta(&site[0]);
    assert!(sent < once + once / 2, "{sent} bytes for three kiosks, {once} for one");
}

#[test]
fn a_neighbour_that_serves_wrong_pieces_is_left_and_nothing_of_them_is_installed() {
    let (place, group) = (Place::new(), group().unwrap());
    let stranger = Stranger::start(group).unwrap();
    let mut machine = Machine::at_site(&place.0.path().join("kiosk"), group).unwrap();
    machine.begin(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
    let _place = place.proven(&mut machine);
    assert_eq!(stranger.given(), 1, "it was asked, and not again");
    assert!(machine.fleet.sent("from-") >= delta(&machine), "all of it came from the fleet");
}

#[test]
fn a_source_whose_file_changes_in_the_middle_is_left_and_no_byte_of_two_files_is_mixed() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    machine.fleet.fault(Fault::Changed);
    machine.begin(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
    let _place = place.proven(&mut machine);
    let log = std::fs::read_to_string(machine.rig.dir.join("kioskd.log")).unwrap();
    assert!(log.contains("it answers with another file"));
}

/// The slow retrieval of TUF's list: every read brings something, and it would never end.
#[test]
fn a_source_that_feeds_us_byte_by_byte_is_left_for_another() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    machine.fleet.fault(Fault::Drip);
    machine.begin(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
    let _place = place.proven(&mut machine);
    let log = std::fs::read_to_string(machine.rig.dir.join("kioskd.log")).unwrap();
    assert!(log.contains("it is too slow"));
    assert!(machine.fleet.sent("images/") < 1000, "{}", machine.fleet.sent("images/"));
}

#[test]
fn a_download_is_not_faster_than_its_assignment_says() {
    const RATE_KB: u32 = 300;
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    // Not when bytes leave the server: the kernels between take megabytes ahead when a machine is busy.
    let began = Instant::now();
    machine.begin(&Order { rate_kb: Some(RATE_KB), ..Order::of(1, 42) }).unwrap();
    let (_place, _) = place.need(machine.run_until("it is there", |it| step(it) == Some("installed")));
    let (bytes, took) = (machine.fleet.sent("images/"), began.elapsed());
    // The first second's bytes, and what was sent and not read.
    let paced = bytes.saturating_sub(600_000) / u64::from(RATE_KB);
    assert!(bytes > 1_500_000 && took >= Duration::from_millis(paced), "{bytes} bytes in {took:?}");
}

#[test]
fn a_release_that_kills_the_slot_writer_for_ever_is_never_tried_again() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    // So slow that nothing is ever flushed before the next kill.
    machine.fleet.slow_down(Duration::from_millis(500));
    machine.begin(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
    let (place, _) = place.need(machine.run_until("it downloads", |it| step(it) == Some("downloading")));
    let told = |it: &UpdateState| last(it) == Some((42, "failed", Some("crash_loop")));
    for _ in 0..200 {
        if machine.fleet.told().last().is_some_and(told) {
            break;
        }
        machine.run_for(Duration::from_millis(400)).unwrap();
        machine.kill_writer().unwrap();
    }
    let (place, _) = place.need(machine.run_until("it is given up", told));
    machine.fleet.slow_down(Duration::ZERO);
    machine.fleet.assign(&Order { campaign: "again".into(), ..Order::of(2, 42) }).unwrap();
    let told = |it: &UpdateState| last(it) == Some((42, "rejected", Some("bad_list")));
    let (_place, _) = place.need(machine.run_until("it is refused", told));
    machine.judge(41).unwrap();
}

#[test]
fn a_release_on_a_stick_is_installed_without_the_fleet_and_told_to_it() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    machine.start().unwrap();
    let stick = machine.stick("stick").unwrap();
    // The fleet has said nothing: no assignment, no halt document.
    let installed = machine.ctl(&["updates", "install", &stick]).unwrap();
    assert!(installed.status.success(), "{installed:?}");
    let said = String::from_utf8_lossy(&installed.stdout);
    assert!(said.contains("release 42: ") && said.contains("restarts"), "{said}");
    let restarting = |it: &Machine| {
        let status = it.rig.ask(&Request::Status).ok()?;
        status.to_string().contains("UPD-01").then_some(())
    };
    let (place, shown) = place.need(machine.run_until_some(restarting));
    assert_eq!(shown, Some(()), "the screen says why it goes dark");
    let (_place, state) = place.need(machine.run_until("it is proven", |it| it.confirmed == 42));
    assert_eq!(last(&state), Some((42, "confirmed", None)));
    assert_eq!(state.last.unwrap().campaign, "by-hand");
    machine.judge(42).unwrap();
    assert_eq!(machine.fleet.sent(""), 0, "everything came from the stick");
}

#[test]
fn a_stick_that_is_pulled_out_is_waited_for_over_a_restart_of_the_daemon() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    machine.start().unwrap();
    let stick = machine.stick("stick").unwrap();
    let images = std::path::Path::new(&stick).join("images");
    let away = images.with_file_name("away");
    // A place that cannot be read, as with a stick whose contact is bad.
    std::fs::rename(&images, &away).unwrap();
    std::os::unix::fs::symlink("images", &images).unwrap();
    let path = stick.clone().into();
    machine.rig.ask(&Request::UpdatesInstall { path, release: None }).unwrap();
    let troubled = |it: &Machine| it.rig.ask(&Request::Updates).ok()?["trouble"].as_str().map(str::to_owned);
    let (place, trouble) = place.need(machine.run_until_some(troubled));
    assert!(trouble.unwrap().contains("is the stick still in?"));
    machine.kill_kiosk().unwrap();
    // And now it is out altogether.
    let pocket = machine.rig.dir.join("pocket");
    std::fs::rename(&stick, &pocket).unwrap();
    let (place, trouble) = place.need(machine.run_until_some(troubled));
    assert!(trouble.unwrap().contains("is the stick still in?"));
    assert_eq!(machine.tool(&["chooser", "--file", "chooser", "get-primary"]).unwrap(), "A");
    std::fs::rename(&pocket, &stick).unwrap();
    std::fs::remove_file(&images).unwrap();
    std::fs::rename(&away, &images).unwrap();
    let _place = place.proven(&mut machine);
}

#[test]
fn what_is_wrong_with_a_stick_is_said_in_words_and_the_kiosk_stays_what_it_is() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    machine.start().unwrap();
    let running = |it: &Machine| it.rig.ask(&Request::Updates).ok()?["running"].as_u64();
    let (place, _) = place.need(machine.run_until_some(running));
    let dir = machine.rig.dir.clone();
    let listed = |name: &str, targets: &str| {
        let folder = dir.join(name);
        std::fs::create_dir_all(folder.join("metadata")).unwrap();
        let file = format!("{{\"signed\":{{\"targets\":{{{targets}}}}}}}");
        std::fs::write(folder.join("metadata/1.targets.json"), file).unwrap();
        folder.display().to_string()
    };
    std::fs::create_dir(dir.join("photos")).unwrap();
    std::fs::write(dir.join("some.raucb"), b"no bundle").unwrap();
    let garbage = machine.stick("garbage").unwrap();
    for file in walk(&std::path::Path::new(&garbage).join("images")) {
        let length = file.metadata().unwrap().len();
        std::fs::write(file, vec![0x5A; usize::try_from(length).unwrap()]).unwrap();
    }
    let forged = machine.stick("forged").unwrap();
    for file in walk(&std::path::Path::new(&forged).join("targets")) {
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, text.replace("alder", "older")).unwrap();
    }
    let newest = machine.stick("newest").unwrap();
    let cases = [
        (vec![dir.join("photos").display().to_string()], "is no release"),
        (vec![dir.join("nowhere").display().to_string()], "cannot read"),
        (vec![dir.join("some.raucb").display().to_string()], "this kiosk has no RAUC"),
        (vec![listed("oak", "\"release-oak-42.json\":{}")], "has no release for alder; it has: oak 42"),
        (vec![listed("old", "\"release-alder-40.json\":{}")], "release 40 is older than 41, which runs"),
        (vec![newest.clone(), "--release".into(), "41".into()], "release 41 runs already"),
        (vec![newest, "--release".into(), "77".into()], "has no release 77 for alder"),
        (
            vec![listed("unsigned", "\"release-alder-50.json\":{}")],
            "release 50 rejected (source): timestamp.json is not there",
        ),
        (vec![forged], "release 42 rejected (signature)"),
        (vec![garbage], "release 42 failed (source): no source has the head"),
    ];
    for (words, wanted) in cases {
        let mut call = vec!["updates", "install"];
        call.extend(words.iter().map(String::as_str));
        let refused = machine.ctl(&call).unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&refused.stdout),
            String::from_utf8_lossy(&refused.stderr)
        );
        assert!(!refused.status.success() && said.contains(wanted), "{words:?}: {said}");
        machine.judge(41).unwrap();
    }
    let (_place, ()) = place.need(Ok(()));
}

#[test]
fn whoever_stops_updates_at_the_kiosk_stops_the_fleets_too_and_the_fleet_is_told() {
    let place = Place::new();
    let mut machine = place.machine(Turnout::Good);
    machine.start().unwrap();
    machine.fleet.halt(1, &[]).unwrap();
    let held = machine.ctl(&["updates", "halt"]).unwrap();
    assert!(held.status.success(), "{held:?}");
    machine.fleet.assign(&Order { turn: true, ..Order::of(1, 42) }).unwrap();
    let (place, state) = place.need(machine.run_until("it waits", |it| step(it) == Some("offered")));
    assert!(state.held_by.is_some());
    let refused = machine.ctl(&["updates", "install", &machine.stick("stick").unwrap()]).unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("has stopped updates here"), "{refused:?}");
    // It is remembered.
    machine.kill_kiosk().unwrap();
    machine.run_for(Duration::from_secs(3)).unwrap();
    assert_eq!(machine.fleet.sent("images/"), 0);
    let shown = machine.ctl(&["updates"]).unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("stopped     here by ") && shown.contains("waits for "), "{shown}");
    assert!(machine.ctl(&["updates", "resume"]).unwrap().status.success());
    let (_place, state) = place.need(machine.run_until("it is proven", |it| it.confirmed == 42));
    assert_eq!(state.held_by, None);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// A handful; `./dev soak update` is the long one.
#[test]
fn killed_at_any_moment_an_update_comes_to_its_end() {
    let seed = std::env::var("UPDATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(42);
    let place = Place::new();
    let done = kill_at_random(place.0.path(), 12, seed);
    let (_place, updates) = place.need(done);
    assert!(updates > 0);
}
