//! Devices that fail.

use std::io::Write as _;

use kioskd::admin::wire::Request;
use tests::process::wait_until;

use super::{SOON, Shop};

#[test]
fn every_point_at_which_the_terminals_link_can_break_ends_with_equal_books() {
    let mut shop = Shop::open();
    // A terminal that never booked anything tells nothing, and only a person could decide.
    shop.sell();
    for point in [
        "before-ack",
        "after-ack",
        "in-pin",
        "before-result",
        "after-result",
        "after-answer",
        "before-completion",
    ] {
        shop.see("attract");
        shop.rig.sim(&["terminal", "lose-link", point]).unwrap();
        shop.order();
        shop.customer
            .mirror
            .wait(&format!("an end after {point}"), SOON, |m| {
                ["done", "pay-failed"].contains(&m.screen().id.as_str())
            })
            .unwrap();
        shop.settled_books();
        if shop.customer.mirror.screen().id == "done" {
            let newest = shop.rig.ask(&Request::Orders { limit: 1 }).unwrap();
            let order = newest[0]["number"].as_str().unwrap().to_owned();
            let order = shop.rig.ask(&Request::Order { order }).unwrap();
            let payment = &order["payments"][0];
            assert!(
                payment["brand"].is_string() && payment["card"].is_string(),
                "after {point} nobody would know the card: {payment}"
            );
        }
        shop.customer.leave().unwrap();
    }
}

/// The session with the terminal ends in doubt while the link stays up: nothing reports the terminal anew.
#[test]
fn half_a_result_is_asked_about_on_the_same_link_and_the_next_card_pays() {
    let mut shop = Shop::open();
    shop.sell();
    let before = connections(&shop);
    shop.rig.sim(&["terminal", "truncated"]).unwrap();
    shop.order();
    shop.customer
        .mirror
        .wait("a definite end", 2 * SOON, |m| ["done", "pay-failed"].contains(&m.screen().id.as_str()))
        .unwrap();
    assert_eq!(shop.settled_books().paid, 1, "without an answer the terminal gives the money back");
    shop.customer.press("Try again").unwrap();
    shop.see("done");
    assert_eq!(shop.settled_books().paid, 2);
    assert_eq!(connections(&shop), before, "nobody had to pull the cable");
}

/// How often somebody connected to the terminal.
fn connections(shop: &Shop) -> u64 {
    let state = shop.rig.sim(&["state", "terminal"]).unwrap();
    state["counters"]["connections"].as_u64().expect("it counts them")
}

/// The kiosk refuses what it did not ask for, the terminal takes it back: after that it is free again.
#[test]
fn a_wrong_amount_is_refused_and_the_next_card_pays() {
    let mut shop = Shop::open();
    shop.sell();
    shop.rig.sim(&["terminal", "wrong-amount"]).unwrap();
    shop.order();
    shop.see("pay-failed");
    assert_eq!(shop.settled_books().paid, 1);
    shop.customer.press("Try again").unwrap();
    shop.see("done");
    assert_eq!(shop.settled_books().paid, 2);
}

#[test]
fn terminal_garbage_banners_and_torn_messages_are_survived() {
    let mut shop = Shop::open();
    for fault in
        [&["banner"][..], &["split-bytes"], &["glued"], &["unknown-bmp"], &["deep-tlv"], &["ext-length"]]
    {
        let words: Vec<&str> = std::iter::once("terminal").chain(fault.iter().copied()).collect();
        shop.rig.sim(&words).unwrap();
        shop.see("attract");
        shop.order();
        shop.see("done");
        shop.settled_books();
        shop.customer.press_to("Done", "attract").unwrap();
    }
}

#[test]
fn without_paper_the_sale_goes_on_and_the_receipt_comes_when_there_is_paper() {
    let mut shop = Shop::open();
    shop.rig.sim(&["printer", "paper-out"]).unwrap();
    shop.order();
    shop.see("done");
    assert_eq!(shop.settled_books().paid, 1);
    let receipt = shop.rig.dir.join("sim/receipts/receipt-0001.png");
    assert!(!receipt.exists(), "nothing prints without paper");
    shop.rig.sim(&["printer", "paper-ok"]).unwrap();
    wait_until(SOON, || receipt.exists().then_some(())).expect("the receipt comes with the paper");
}

#[test]
fn a_dead_printer_stops_no_sale_and_the_receipt_comes_as_a_copy_when_it_is_back() {
    let mut shop = Shop::open();
    shop.rig.sim(&["printer", "unplug"]).unwrap();
    wait_until(SOON, || {
        let devices = shop.rig.ask(&Request::Devices).ok()?;
        (devices["printer"]["usable"] == false).then_some(())
    })
    .expect("the pulled cable is noticed");
    shop.sell();
    assert_eq!(shop.settled_books().paid, 1);
    shop.rig.sim(&["printer", "plug"]).unwrap();
    let receipt = shop.rig.dir.join("sim/receipts/receipt-0001.png");
    wait_until(SOON, || receipt.exists().then_some(())).expect("the receipt comes with the printer");
    let order = shop.rig.ask(&Request::Order { order: "K3-001".into() }).unwrap();
    assert_eq!(order["receipts"][1]["kind"], "Copy", "the customer left with the code: {order}");
}

/// A real printer stays in error until it is told to go on, and opening its cover is how the paper is pulled out.
#[test]
fn a_freed_knife_is_used_again_once_the_cover_is_closed_and_the_receipt_comes_as_a_copy() {
    let mut shop = Shop::open();
    shop.rig.sim(&["printer", "cutter-jam", "at-cut"]).unwrap();
    shop.sell();
    let printer = |shop: &Shop| shop.rig.ask(&Request::Devices).unwrap()["printer"]["usable"] == true;
    wait_until(SOON, || (!printer(&shop)).then_some(())).expect("the stuck knife is told");
    assert_eq!(shop.settled_books().paid, 1);
    for by_hand in ["cover-open", "cutter-free", "cover-close"] {
        shop.rig.sim(&["printer", by_hand]).unwrap();
    }
    wait_until(SOON, || printer(&shop).then_some(())).expect("nobody had to switch it off");
    let copy = wait_until(SOON, || {
        let order = shop.rig.ask(&Request::Order { order: "K3-001".into() }).ok()?;
        (order["receipts"][1]["state"] == "confirmed").then_some(order["receipts"][1]["kind"].clone())
    });
    assert_eq!(copy.expect("the receipt comes again"), "Copy");
}

#[test]
fn a_dead_terminal_leaves_no_doubt_for_longer_than_it_is_dead() {
    let mut shop = Shop::open();
    shop.sell();
    shop.rig.sim(&["terminal", "dead"]).unwrap();
    shop.order();
    // The charge was sent and never acknowledged: it may have arrived.
    shop.see("pay-unknown");
    shop.rig.sim(&["terminal", "clear"]).unwrap();
    shop.see("pay-failed");
    assert_eq!(shop.settled_books().paid, 1);
    shop.customer.press("Try again").unwrap();
    shop.see("done");
    assert_eq!(shop.settled_books().paid, 2);
}

#[test]
fn a_terminal_that_is_not_ready_is_not_told_as_a_banks_no() {
    let mut shop = Shop::open();
    shop.rig.sim(&["terminal", "needs-init"]).unwrap();
    shop.customer.order_two_burgers().unwrap();
    shop.customer.press("Pay").unwrap();
    shop.see("pay-failed");
    let order = shop.rig.ask(&Request::Order { order: "K3-001".into() }).unwrap();
    let meaning = order["payments"][0]["meaning"].as_str().unwrap();
    assert!(meaning.contains("the terminal was not ready"), "{order}");
    assert_eq!(shop.settled_books().paid, 0);
}

#[test]
fn devices_are_reported_and_come_back_after_they_were_unplugged() {
    let shop = Shop::open();
    let state =
        |name: &str| shop.rig.ask(&Request::Devices).unwrap()[name]["state"].as_str().unwrap().to_owned();
    for name in ["printer", "terminal", "scanner", "display"] {
        wait_until(SOON, || (state(name) == "ready").then_some(()))
            .unwrap_or_else(|| panic!("{name} is {}", state(name)));
    }
    shop.rig.sim(&["printer", "unplug"]).unwrap();
    wait_until(SOON, || (state("printer") != "ready").then_some(())).expect("a pulled cable is noticed");
    shop.rig.sim(&["printer", "plug"]).unwrap();
    wait_until(SOON, || (state("printer") == "ready").then_some(())).expect("a printer that is back is used");
}

#[test]
fn a_full_disk_takes_no_money_and_room_brings_the_kiosk_back() {
    let mut shop = Shop::open_on_disk(4096);
    shop.sell();
    let filler = shop.rig.disk().unwrap().join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    // What was already set aside in the log may still take a few orders, each of them stored.
    let full = wait_until(SOON, || {
        let end = shop.try_to_buy();
        (end != "done").then_some(end)
    });
    assert_eq!(full.as_deref(), Some("out-of-service"));
    let state = shop.rig.sim(&["state", "terminal"]).unwrap();
    let taken = state["ledger"]["net_minor"].as_i64().unwrap();
    std::fs::remove_file(&filler).unwrap();
    shop.see("attract");
    let books = shop.settled_books();
    assert_eq!(books.terminal, taken, "money was taken for what was stored, and for nothing else: {books:?}");
    shop.sell();
    let after = shop.settled_books();
    let orders = shop.rig.ask(&Request::Orders { limit: 5 }).unwrap();
    assert_eq!(after.paid, books.paid + 1, "{orders:#}");
}
