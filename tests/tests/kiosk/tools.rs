//! `kioskctl`, as a technician uses it.

use std::io::{Read as _, Write as _};
use std::process::{Command, Output};

use kioskd::admin::wire::Request;
use tests::process::wait_until;
use tests::rig::root;

use super::{SOON, Shop};

fn kioskctl(shop: &Shop, arguments: &[&str]) -> Output {
    Command::new(shop.rig.program("kioskctl").unwrap())
        .arg("--socket")
        .arg(shop.rig.socket())
        .arg("--config")
        .arg(shop.rig.settings_path())
        .args(arguments)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_tools_show_orders_devices_receipts_and_what_is_wrong() {
    let mut shop = Shop::open();
    shop.order();
    shop.see("done");
    shop.settled_books();
    for (arguments, expected) in [
        (&["status"][..], "[page done]"),
        (&["orders"], "K3-001"),
        (&["order", "show", "K3-001"], "Bacon & Rye"),
        (&["devices"], "printer"),
        (&["receipt", "render", "K3-001"], "28.80"),
        (&["catalog", "show"], "Alder"),
        (&["check"], "ok    store"),
    ] {
        let output = kioskctl(&shop, arguments);
        assert!(text(&output).contains(expected), "{arguments:?} says {expected}:\n{}", text(&output));
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    }
    let page = text(&kioskctl(&shop, &["order", "show", "K3-001"]));
    // The shop is in Berlin.
    let placed = page.lines().find(|line| line.starts_with("placed ")).unwrap();
    assert!(placed.ends_with(" CET") || placed.ends_with(" CEST"), "{page}");
    let listed = text(&kioskctl(&shop, &["orders"]));
    let time = placed.trim_start_matches("placed").trim();
    assert!(listed.contains(time) && listed.contains(" PLACED "), "the list tells the same time: {listed}");
    for words in
        ["eat in\n", "      No onion\n", "\nTotal  ", "€28.80\n", "card: money taken\n", "\nReceipts\n"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let machine = kioskctl(&shop, &["--json", "order", "show", "K3-001"]);
    let order: serde_json::Value = serde_json::from_slice(&machine.stdout).unwrap();
    assert_eq!((&order["total_minor"], &order["payments"][0]["state"]), (&2880.into(), &"completed".into()));
    let unknown = kioskctl(&shop, &["order", "show", "K3-999"]);
    assert!(!unknown.status.success());
    assert!(text(&unknown).contains("no order"), "{}", text(&unknown));
}

#[test]
fn the_terminals_day_is_closed_from_the_command_line() {
    let mut shop = Shop::open();
    shop.sell();
    let asked = wait_until(SOON, || {
        let output = kioskctl(&shop, &["end-of-day"]);
        output.status.success().then(|| text(&output))
    });
    let said = asked.unwrap_or_else(|| panic!("{}", text(&kioskctl(&shop, &["status"]))));
    let rows: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(said.lines().next(), Some("The terminal has closed its day, receipts 1 to 1."));
    let table = [["CARD", "COUNT", "SUM"], ["girocard", "1", "€28.80"], ["total", "1", "€28.80"]];
    assert_eq!(rows[1..], table.map(Vec::from), "{said}");
    let memory = shop.rig.dir.join("sim/terminal.json");
    let closed = wait_until(SOON, || {
        let book: serde_json::Value = serde_json::from_slice(&std::fs::read(&memory).ok()?).ok()?;
        (!book["last_day"].is_null()).then_some(())
    });
    closed.expect("the terminal has closed its day");
    // The next sale finds a terminal that tells nothing it could be mistaken for.
    shop.sell();
    assert_eq!(shop.settled_books().paid, 2);
    assert_eq!(shop.books().tasks, 0);
    let again = wait_until(SOON, || {
        let output = kioskctl(&shop, &["--json", "end-of-day"]);
        output.status.success().then_some(output.stdout)
    });
    let again: serde_json::Value = serde_json::from_slice(&again.unwrap()).unwrap();
    assert_eq!((&again["sum_minor"], &again["cards"][0]["sum_minor"]), (&2880.into(), &2880.into()));
}

#[test]
fn check_says_what_is_wrong_and_how_to_fix_it() {
    let shop = Shop::open();
    shop.rig.sim(&["printer", "cover-open"]).unwrap();
    let found = wait_until(SOON, || {
        let output = kioskctl(&shop, &["check"]);
        (!output.status.success()).then(|| text(&output))
    });
    let report = found.expect("an open cover is found");
    assert!(report.contains("WRONG device: printer"), "{report}");
    assert!(report.contains("→"), "{report}");
}

#[test]
fn a_catalog_file_is_checked_and_a_cart_priced_without_a_daemon() {
    let program = tests::rig::RigOptions::default();
    let kioskctl = tests::rig::program(&program, "kioskctl").unwrap();
    let catalog = root().join("catalog/alder-and-rye/catalog.json");
    let checked = Command::new(&kioskctl).args(["catalog", "check"]).arg(&catalog).output().unwrap();
    assert!(checked.status.success() && !text(&checked).contains("hint"), "{}", text(&checked));
    let dir = tempfile::tempdir().unwrap();
    let minimal = std::fs::read_to_string(root().join("docs/examples/catalog-minimal.json")).unwrap();
    let odd = dir.path().join("odd.json");
    std::fs::write(
        &odd,
        minimal.replacen(
            "\"categories\": [",
            "\"categories\": [{\"id\": \"empty\", \"name\": {\"en\": \"Empty\"}, \"items\": []},",
            1,
        ),
    )
    .unwrap();
    let hinted = Command::new(&kioskctl).args(["catalog", "check"]).arg(&odd).output().unwrap();
    assert!(hinted.status.success() && text(&hinted).contains("hint: "), "{}", text(&hinted));
    let table = root().join("docs/examples/catalog-csv/items.csv");
    let table = Command::new(&kioskctl).args(["catalog", "check"]).arg(table).output().unwrap();
    assert!(!table.status.success() && text(&table).contains("name the folder"), "{}", text(&table));
    let broken = dir.path().join("broken.json");
    std::fs::write(&broken, "{\n  \"format\": 5\n}").unwrap();
    let refused = Command::new(&kioskctl).args(["catalog", "check"]).arg(&broken).output().unwrap();
    assert!(!refused.status.success());
    assert!(text(&refused).contains("broken.json:2:"), "{}", text(&refused));
}

#[test]
fn whoever_reads_only_the_beginning_gets_no_complaint() {
    let kioskctl = tests::rig::program(&tests::rig::RigOptions::default(), "kioskctl").unwrap();
    let good = root().join("catalog/alder-and-rye/catalog.json");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(&kioskctl)
        .args(["catalog", "check"])
        .arg(good)
        .stdout(writer)
        .stderr(std::process::Stdio::piped())
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}: {}", output.status, text(&output));

    // More than a pipe holds: the tool is still writing when its reader goes.
    let shop = Shop::open();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let child = Command::new(&kioskctl)
        .arg("--socket")
        .arg(shop.rig.socket())
        .args(["catalog", "show"])
        .stdout(writer)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    reader.read_exact(&mut [0; 16]).unwrap();
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}: {}", output.status, text(&output));
    // A result that cannot be kept is an error.
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let kept = Command::new(&kioskctl)
        .arg("--socket")
        .arg(shop.rig.socket())
        .arg("status")
        .stdout(full)
        .stderr(std::process::Stdio::piped())
        .output()
        .unwrap();
    assert!(!kept.status.success());
    assert!(text(&kept).contains("cannot write the answer"), "{}", text(&kept));
}

#[test]
fn a_second_daemon_on_the_same_machine_ends_at_once_and_harms_nothing() {
    let mut shop = Shop::open();
    let second = Command::new(shop.rig.program("kioskd").unwrap())
        .args(["--no-system-config", "--config"])
        .arg(shop.rig.settings_path())
        .output()
        .unwrap();
    assert!(!second.status.success());
    assert!(text(&second).contains("another kioskd runs here"), "{}", text(&second));
    shop.sell();
    assert_eq!(shop.settled_books().paid, 1);
}

#[test]
fn the_page_of_a_kiosk_without_a_daemon_needs_nothing_that_a_daemon_has() {
    let mut shop = Shop::open();
    let mut page = Command::new(shop.rig.program("kioskd").unwrap());
    page.args(["--no-system-config", "--out-of-service", "1", "--config"]).arg(shop.rig.settings_path());
    let page = page.output().unwrap();
    assert!(page.status.success(), "{}", text(&page));
    shop.sell();
    assert_eq!(shop.settled_books().paid, 1);
}

#[test]
fn a_damaged_store_is_kept_and_told_until_somebody_has_looked_after_it() {
    let mut shop = Shop::open();
    shop.sell();
    shop.rig.stop_kiosk().unwrap();
    let file = shop.rig.dir.join("data/kiosk.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[100..middle].fill(0x5a);
    std::fs::write(&file, bytes).unwrap();
    shop.start_again();
    let checked = text(&kioskctl(&shop, &["check"]));
    assert!(checked.contains("quarantine/kiosk.db") && checked.contains("call the operator"), "{checked}");
    let status = shop.rig.ask(&Request::Status).unwrap();
    let task = &status["tasks"][0];
    assert!(task["what"].as_str().unwrap().contains("the store was damaged"), "{status}");
    shop.sell();
    let orders = text(&kioskctl(&shop, &["orders"]));
    assert!(orders.contains("K3-501"), "a number that nobody holds: {orders}");
    assert!(kioskctl(&shop, &["done", task["id"].as_str().unwrap()]).status.success());
    let checked = text(&kioskctl(&shop, &["check"]));
    assert!(checked.contains("hash chain intact"), "{checked}");
}

#[test]
fn a_refunded_order_says_so() {
    let mut shop = Shop::open();
    shop.sell();
    let back = wait_until(SOON, || {
        let output = kioskctl(&shop, &["order", "reverse", "K3-001"]);
        output.status.success().then_some(())
    });
    back.expect("the terminal is idle again");
    let said = wait_until(SOON, || text(&kioskctl(&shop, &["orders"])).contains("refunded").then_some(()));
    said.unwrap_or_else(|| panic!("{}", text(&kioskctl(&shop, &["orders"]))));
    let page = text(&kioskctl(&shop, &["order", "show", "K3-001"]));
    for words in ["Order K3-001: refunded, ", "money taken and given back", "\nRefunds\n  number "] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(shop.settled_books().terminal, 0);
}

#[test]
fn an_order_that_was_given_up_has_no_slip_that_asks_for_money() {
    let mut shop = Shop::open();
    shop.rig.sim(&["terminal", "decline", "05"]).unwrap();
    shop.order();
    shop.see("pay-failed");
    shop.customer.leave().unwrap();
    let output = kioskctl(&shop, &["receipt", "render", "K3-001"]);
    let told = text(&output);
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("order K3-001 was cancelled (by the customer); nothing was paid"), "{told}");
    assert!(!told.contains("To pay"), "{told}");
}

#[test]
fn of_a_full_disk_check_and_status_tell_the_folder_and_what_helps() {
    let mut shop = Shop::open_on_disk(4096);
    let filler = shop.rig.disk().unwrap().join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    // What was already set aside in the log may still take a few orders.
    let full = wait_until(SOON, || (shop.try_to_buy() != "done").then_some(()));
    full.expect("a full disk stops the sales");
    let data = shop.rig.settings_path().with_file_name("data");
    for command in ["check", "status"] {
        let ask = || {
            let output = Command::new(shop.rig.program("kioskctl").unwrap())
                .arg("--socket")
                .arg(shop.rig.socket())
                .arg(command)
                .output()
                .unwrap();
            text(&output)
        };
        let told = wait_until(SOON, || Some(ask()).filter(|told| told.contains("STO-02")))
            .unwrap_or_else(|| panic!("{command}: {}", ask()));
        let place = format!("the disk is full: no room in {}", data.display());
        for words in [place.as_str(), "free space", "comes back by itself within 5 s"] {
            assert!(told.contains(words), "{words}: {told}");
        }
    }
    std::fs::remove_file(&filler).unwrap();
    shop.see("attract");
    assert!(!text(&kioskctl(&shop, &["status"])).contains("STO-02"));
}

#[test]
fn the_first_command_that_finds_the_disk_full_says_so() {
    let shop = Shop::open_on_disk(4096);
    let mut file = std::fs::File::create(shop.rig.disk().unwrap().join("filler")).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    // What was already set aside in the log may still take a few marks.
    let marks = [&["sold-out", "bacon-rye"][..], &["sold-out", "bacon-rye", "--back"]];
    let first = wait_until(SOON, || {
        let mut outputs = marks.iter().map(|words| kioskctl(&shop, words));
        outputs.find(|output| !output.status.success()).map(|output| text(&output))
    });
    let told = first.expect("a full disk stops the marks");
    for words in ["STO-02", "the disk is full: no room in ", "free space"] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
fn an_item_that_the_catalog_does_not_have_is_neither_sold_out_nor_back() {
    let shop = Shop::open();
    for words in [&["sold-out", "nosuch"][..], &["sold-out", "nosuch", "--back"]] {
        let output = kioskctl(&shop, words);
        assert!(!output.status.success(), "{words:?}");
        assert!(text(&output).contains("the active catalog has no item \"nosuch\""), "{}", text(&output));
    }
    // An item that is to be had already is no mistake.
    for words in [&["sold-out", "bacon-rye", "--back"][..], &["sold-out", "bacon-rye"]] {
        assert!(kioskctl(&shop, words).status.success(), "{words:?}");
    }
}
