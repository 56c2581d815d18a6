//! Devices that fail.

use kioskd::admin::wire::Request;
use tests::process::wait_until;

use super::{SOON, Shop};

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
