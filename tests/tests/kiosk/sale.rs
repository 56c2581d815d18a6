//! One order, end to end.

use std::fs;

use kioskd::admin::wire::Request;
use tests::process::wait_until;

use super::{SOON, Shop};

#[test]
fn two_burgers_are_ordered_paid_once_and_come_with_a_receipt() {
    let mut shop = Shop::open();
    shop.order();
    shop.see("done");
    let books = shop.settled_books();
    assert_eq!(books.paid, 1);
    // Two doubles of 14.40 each: Bacon & Rye 11.40 + 3.00.
    assert_eq!(books.kiosk, 2 * 1440);

    let orders = shop.rig.ask(&Request::Orders { limit: 1 }).unwrap();
    let number = orders[0]["number"].as_str().unwrap().to_owned();
    let order = shop.rig.ask(&Request::Order { order: number.clone() }).unwrap();
    assert_eq!(order["payments"][0]["state"], "completed");
    let card = order["payments"][0]["card"].as_str().unwrap();
    assert!(card.chars().filter(char::is_ascii_digit).count() <= 4, "the card number is masked: {card}");

    let receipt = shop.rig.dir.join("sim/receipts/receipt-0001.txt");
    wait_until(SOON, || receipt.exists().then_some(())).expect("a receipt is printed");
    let text = fs::read_to_string(receipt).unwrap();
    for words in ["Bacon & Rye", "No onion", "28.80", "K3-001"] {
        assert!(text.contains(words), "the receipt says {words}:\n{text}");
    }
    let confirmed = wait_until(SOON, || {
        let order = shop.rig.ask(&Request::Order { order: number.clone() }).ok()?;
        (order["receipts"][0]["state"] == "confirmed").then_some(())
    });
    confirmed.expect("the printer confirms that the receipt came out");
}

#[test]
fn a_declined_card_takes_nothing_and_can_be_tried_again() {
    let mut shop = Shop::open();
    shop.rig.sim(&["terminal", "decline", "05"]).unwrap();
    shop.order();
    shop.see("pay-failed");
    assert_eq!(shop.settled_books().paid, 0);
    shop.customer.press("Try again").unwrap();
    shop.see("done");
    assert_eq!(shop.settled_books().paid, 1);
}

#[test]
fn a_cancelled_payment_takes_nothing() {
    let mut shop = Shop::open_with(&["--terminal-card-ms", "60000"], "");
    shop.order();
    shop.see("at-terminal");
    shop.customer.press("Cancel payment").unwrap();
    shop.see("pay-failed");
    assert_eq!(shop.settled_books().paid, 0);
}
