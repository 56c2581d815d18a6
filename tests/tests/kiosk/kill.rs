//! `kill -9` in every state of an order: no paid order is lost, none is charged twice, the customer finds a
//! page with a way on.

use tests::process::wait_until;

use super::{SOON, Shop};

#[test]
fn a_kill_before_checkout_forgets_the_cart_and_nothing_else() {
    let mut shop = Shop::open();
    shop.customer.sit_down().unwrap();
    shop.customer.press_to("Bacon & Rye", "item").unwrap();
    shop.rig.kill_kiosk().unwrap();
    shop.start_again();
    shop.see("attract");
    assert_eq!(shop.settled_books().paid, 0);
}

#[test]
fn a_kill_on_the_payment_page_keeps_the_order_and_charges_nothing() {
    let mut shop = Shop::open();
    shop.customer.order_two_burgers().unwrap();
    shop.rig.kill_kiosk().unwrap();
    shop.start_again();
    shop.customer
        .mirror
        .wait("a page of the order or attract", SOON, |m| {
            ["pay-choose", "attract", "pay-failed"].contains(&m.screen().id.as_str())
        })
        .unwrap();
    assert_eq!(shop.settled_books().paid, 0);
}

/// At the terminal, before the bank was asked: whatever the terminal then did is found out, never repeated.
#[test]
fn a_kill_while_the_card_is_awaited_never_charges_twice() {
    let mut shop = Shop::open_with(&["--terminal-card-ms", "2000"], "");
    shop.order();
    shop.see("at-terminal");
    shop.rig.kill_kiosk().unwrap();
    shop.start_again();
    let books = shop.settled_books();
    assert!(books.paid <= 1, "{books:?}");
}

/// The approval is out and was not answered: the terminal gives the money back by itself, or it is booked.
#[test]
fn a_kill_between_approval_and_answer_loses_no_money() {
    let mut shop = Shop::open();
    shop.rig.sim(&["terminal", "result-late", "400"]).unwrap();
    shop.order();
    wait_until(SOON, || {
        let state = shop.rig.sim(&["state", "terminal"]).ok()?;
        let taken = state["ledger"]["transactions"].as_array()?.iter().any(|t| t["state"] == "approved");
        taken.then_some(())
    })
    .expect("the bank approves");
    shop.rig.kill_kiosk().unwrap();
    shop.start_again();
    let books = shop.settled_books();
    assert!(books.paid <= 1, "{books:?}");
}

#[test]
fn a_kill_after_the_sale_keeps_it_and_prints_its_receipt() {
    let mut shop = Shop::open();
    shop.rig.sim(&["printer", "paper-out"]).unwrap();
    shop.order();
    shop.see("done");
    shop.rig.kill_kiosk().unwrap();
    shop.rig.sim(&["printer", "paper-ok"]).unwrap();
    shop.start_again();
    assert_eq!(shop.settled_books().paid, 1);
    let receipt = shop.rig.dir.join("sim/receipts/receipt-0001.png");
    wait_until(SOON, || receipt.exists().then_some(())).expect("the receipt is printed after the restart");
}

/// The same again at moments that no page names: every few milliseconds through a payment.
#[test]
fn a_kill_at_any_moment_of_a_payment_leaves_both_books_equal() {
    let mut shop = Shop::open();
    // A terminal that never booked anything tells nothing, and only a person could decide.
    shop.sell();
    for wait_ms in [0_u64, 40, 90, 150, 180, 210, 250, 320, 450] {
        shop.see("attract");
        shop.order();
        std::thread::sleep(std::time::Duration::from_millis(wait_ms));
        shop.rig.kill_kiosk().unwrap();
        shop.start_again();
        shop.settled_books();
        shop.customer.leave().unwrap();
    }
}
