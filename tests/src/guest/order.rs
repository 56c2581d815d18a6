//! An order in a guest: with fingers, a scanner, a printer and a payment terminal that the guest's own kernel drives.

use std::path::Path;

use anyhow::Context as _;
use image::vm::Options;

use super::stage::{DEVICES_WITHIN, Stage};
use crate::process::wait_until;

/// A sort of water that the shop sells by its code.
const WATER: &str = "2000000000015";

/// Performs an order in a guest and saves what its screen shows in `out`. The disk has to be one for a bench.
///
/// # Errors
/// The guest does not start, or the order does not go as it should.
pub fn perform(options: &Options, out: &Path) -> anyhow::Result<()> {
    let mut stage = Stage::open(options, out)?;
    stage.check()?;
    let played = play(&mut stage);
    stage.close(played)
}

/// A whole order.
pub(super) fn play(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.page("attract")?;
    stage.press("Touch to order", "service")?;
    stage.press("Eat here", "menu")?;
    stage.press("Bacon & Rye", "item")?;
    stage.customer.press("Add")?;
    stage.page("meal")?;
    stage.press("No thanks", "menu")?;
    let before = stage.customer.mirror.screen().rev;
    stage.scan(WATER)?;
    stage.customer.mirror.wait("the scanned water", DEVICES_WITHIN, |m| m.screen().rev != before)?;
    stage.shot("scanned")?;
    stage.press("Review order", "cart")?;
    stage.press("Pay", "pay-choose")?;
    stage.press("Pay", "at-terminal")?;
    stage.page("done")?;
    stage.customer.press("Paper")?;
    let receipt = stage.rig.dir.join("sim/receipts/receipt-0001.png");
    wait_until(DEVICES_WITHIN, || receipt.exists().then_some(())).context("no receipt was printed")?;
    std::fs::copy(&receipt, stage.out.join("receipt.png"))?;
    stage.shot("done-printed")?;
    stage.press("Done", "attract")?;
    let orders = stage.guest_says("kioskctl orders --json")?;
    anyhow::ensure!(orders.contains("paid"), "the kiosk knows of no paid order: {orders}");
    println!("▶ ordered, paid and printed; pictures and receipt.png are in {}", stage.out.display());
    Ok(())
}
