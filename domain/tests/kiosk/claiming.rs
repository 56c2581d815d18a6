//! A kiosk that waits for its fleet to claim it.

use std::sync::Arc;

use domain::claim::{Claim, ClaimCode, FleetAnswer, Network, NetworkKind};
use domain::input::{PrinterCondition, ScannerInput, TerminalInput, UplinkInput};
use domain::intent::Intent;
use domain::kiosk::{Mode, Refusal};
use domain::time::{ClockQuality, MonoMs, WallMs};
use domain::view::{ClaimView, FleetCheck, Page};
use domain::{Effect, Input};

use crate::fixture;
use crate::world::World;

/// With a code, and all well.
pub fn waiting(w: &World) -> Claim {
    Claim {
        host: "fleet.example".into(),
        fleet: FleetAnswer::Answers,
        code: Some(ClaimCode {
            text: "R7KD-4M2P".into(),
            link: "https://fleet.example/claim?code=R7KD-4M2P".into(),
            ends: MonoMs(w.mono + 900_000),
            total_ms: 900_000,
        }),
        network: Some(Network {
            kind: NetworkKind::Ethernet,
            interface: "eth0".into(),
            address: "10.20.4.37".into(),
        }),
        synchronised: true,
        terminal: true,
        printer: true,
    }
}

fn tell(w: &mut World, claim: Option<Claim>) {
    w.feed(Input::Uplink(UplinkInput::Claim(claim.map(Arc::new))));
}

fn page(w: &World) -> ClaimView {
    match w.view().page {
        Page::Claim(page) => page,
        other => panic!("not the page to claim it: {other:?}"),
    }
}

#[test]
fn an_unclaimed_kiosk_shows_its_code_and_sells_only_once_it_is_claimed() {
    let mut w = World::open();
    let claim = waiting(&w);
    tell(&mut w, Some(claim));
    let code = page(&w).code.unwrap();
    assert_eq!((&*code.text, code.remaining_ms, code.total_ms), ("R7KD-4M2P", 900_000, 900_000));
    assert_eq!(w.kiosk.status(&w.now()).mode, Mode::Unclaimed);
    w.pass(60_000);
    assert_eq!(page(&w).code.unwrap().remaining_ms, 840_000);
    w.intent(Intent::Start);
    assert_eq!((w.page(), w.refusal.clone()), ("claim", Some(Refusal::NotNow)));
    w.feed(Input::Scanner(ScannerInput::Goods(fixture::JUICE_CODE.into())));
    assert_eq!((w.page(), w.refusal.clone()), ("claim", Some(Refusal::NotNow)));
    tell(&mut w, None);
    assert_eq!(w.page(), "attract");
    w.completed();
}

#[test]
fn a_kiosk_without_a_catalog_can_be_claimed_and_a_broken_one_says_so() {
    let mut w = World::off(fixture::config());
    w.feed(Input::Started);
    assert_eq!(w.page(), "out-of-service");
    let claim = waiting(&w);
    tell(&mut w, Some(claim));
    assert_eq!(w.page(), "claim");
    let action =
        domain::input::Action::Fault { code: "STO-01".into(), detail: "the store cannot be written".into() };
    w.feed(Input::Command(domain::input::Command { origin: domain::input::Origin::Kiosk, action }));
    assert_eq!(w.page(), "out-of-service");
}

#[test]
fn a_customer_who_is_there_already_is_served_to_the_end() {
    let mut w = World::open();
    w.intent(Intent::Start);
    let claim = waiting(&w);
    tell(&mut w, Some(claim));
    assert_eq!(w.page(), "service");
    w.completed();
    w.pass(600_000);
    assert_eq!(w.page(), "claim");
}

#[test]
fn the_page_says_how_fleet_clock_and_devices_are() {
    let mut w = World::open();
    let mut claim = waiting(&w);
    tell(&mut w, Some(claim.clone()));
    let good = page(&w);
    assert_eq!((good.fleet, good.clock), (FleetCheck::Answers, ClockQuality::Ntp));
    assert_eq!((good.terminal, good.printer), (Some(true), Some(PrinterCondition::Ready)));
    claim.fleet = FleetAnswer::Silent { since: WallMs(w.wall) };
    claim.code = None;
    claim.printer = false;
    let since_minute = w.now().local.minute;
    w.pass(120_000);
    tell(&mut w, Some(claim.clone()));
    w.terminal(TerminalInput::Down { why: "unplugged".into() });
    let bad = page(&w);
    assert_eq!((bad.fleet, bad.code), (FleetCheck::Silent { since_minute }, None));
    assert_eq!((bad.terminal, bad.printer), (Some(false), None));
    claim.fleet = FleetAnswer::Refuses { status: 429 };
    tell(&mut w, Some(claim));
    assert_eq!(page(&w).fleet, FleetCheck::Refuses { status: 429 });
}

#[test]
fn check_again_asks_only_where_a_claim_is_awaited() {
    let mut w = World::open();
    w.take_effects();
    w.intent(Intent::CheckAgain);
    assert_eq!((w.take_effects().len(), w.refusal.clone()), (0, Some(Refusal::NotNow)));
    let claim = waiting(&w);
    tell(&mut w, Some(claim));
    w.intent(Intent::CheckAgain);
    assert_eq!(w.take_effects(), [Effect::CheckAgain]);
    assert_eq!(w.page(), "claim");
}
