//! A new kiosk shows a code, and somebody whom the fleet knows claims it.

use std::time::Duration;

use kioskd::admin::wire::Request;
use serde_json::{Value, json};

use crate::World;
use crate::broker::Broker;
use crate::fleet::Fleet;
use crate::kiosk::{Kiosk, wait_until};

/// Longer than the pause between two polls, so that every code is seen at least once.
const SHORT_LIFE: Duration = Duration::from_secs(8);

fn unclaimed(prepare: impl FnOnce(&Fleet), more: &str) -> World {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let fleet = Fleet::start(dir.path(), &broker);
    prepare(&fleet);
    let mut kiosk = Kiosk::with(dir.path(), fleet.https_port(), more);
    kiosk.start();
    World { broker, fleet, kiosk, _dir: dir }
}

fn status(world: &World) -> Value {
    world.kiosk.ask(&Request::Status).unwrap()
}

fn wait_for_page(world: &World, page: &str) {
    wait_until(&format!("the page is {page}"), || status(world)["page"] == page);
}

/// Waits until the kiosk shows the newest code of so many.
fn shown_code(world: &World, of: usize) -> String {
    let newest = || Some(world.fleet.codes()).filter(|codes| codes.len() == of)?.pop();
    wait_until("the code is shown", || {
        newest().is_some_and(|code| status(world)["uplink"]["claim"]["code"] == code)
    });
    newest().unwrap()
}

fn wait_taken_in(world: &mut World) {
    wait_for_page(world, "attract");
    wait_until("it is connected", || status(world)["uplink"]["connected"] == true);
    assert_eq!(
        (&status(world)["kiosk"], &status(world)["uplink"]["claim"]),
        (&json!("t7.k0001"), &json!(null))
    );
    world.kiosk.make_events(2);
    world.all_arrived();
}

#[test]
fn a_new_kiosk_shows_its_code_and_sells_once_somebody_has_approved_it() {
    let mut world = unclaimed(|_| {}, "");
    let code = shown_code(&world, 1);
    wait_for_page(&world, "claim");
    let waiting = status(&world);
    assert_eq!(waiting["doing"], "waiting to be claimed by the fleet");
    let link = format!("https://localhost:{}/claim?code={code}", world.fleet.https_port());
    assert_eq!(waiting["uplink"]["claim"]["link"], link);
    let told = world.kiosk.ctl(&["status"]);
    assert!(told.contains(&format!("code {code} until ")), "{told}");
    assert_eq!(world.kiosk.mode("data/uplink/claim.json"), 0o600);
    world.fleet.approve(&code);
    wait_taken_in(&mut world);
    world.kiosk.kill();
    world.kiosk.start();
    wait_taken_in(&mut world);
    assert_eq!(world.fleet.codes(), [code], "a kiosk that belongs to the fleet opens no claim");
}

#[test]
fn a_code_that_has_ended_is_replaced_and_the_new_one_counts() {
    let mut world = unclaimed(|fleet| fleet.claims().life = SHORT_LIFE, "");
    let first = shown_code(&world, 1);
    world.fleet.claims().life = Duration::from_secs(900);
    let second = shown_code(&world, 2);
    assert_ne!(first, second);
    assert_eq!(status(&world)["page"], "claim");
    world.fleet.approve(&second);
    wait_taken_in(&mut world);
}

#[test]
fn a_kiosk_whose_answer_was_lost_and_that_died_over_it_is_claimed_all_the_same_and_once() {
    let mut world = unclaimed(|fleet| fleet.claims().lose = 2, "");
    let code = shown_code(&world, 1);
    world.fleet.approve(&code);
    wait_until("an answer was lost", || world.fleet.claims().lost >= 1);
    world.kiosk.kill();
    world.kiosk.start();
    wait_taken_in(&mut world);
    let lost = world.fleet.claims().lost;
    assert_eq!((lost, world.fleet.codes()), (2, vec![code]));
}

#[test]
fn while_the_fleet_is_silent_the_page_shows_no_code_and_afterwards_the_same_one() {
    let mut world = unclaimed(|fleet| fleet.claims().down = true, "");
    wait_for_page(&world, "claim");
    let silent = |world: &World| {
        let uplink = &status(world)["uplink"];
        uplink["claim"].is_null() && uplink["last_error"].is_string()
    };
    wait_until("it says that the fleet is silent", || silent(&world));
    assert_eq!(world.fleet.codes(), Vec::<String>::new());
    world.fleet.claims().down = false;
    let code = shown_code(&world, 1);
    world.fleet.claims().down = true;
    wait_until("it says so again", || silent(&world));
    world.fleet.claims().down = false;
    assert_eq!(shown_code(&world, 1), code);
    world.fleet.approve(&code);
    wait_taken_in(&mut world);
}

#[test]
fn a_kiosk_that_may_sell_unclaimed_does_so_and_tells_its_code_to_tools() {
    let world = unclaimed(|_| {}, "sell_unclaimed = true\n");
    wait_for_page(&world, "attract");
    let code = shown_code(&world, 1);
    assert!(world.kiosk.ctl(&["status"]).contains(&code));
}
