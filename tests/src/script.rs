//! `./dev demo --script`: whole orders, performed through the mirror as a browser would.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use crate::customer::{Customer, PAYMENT_WITHIN};
use crate::fleet::Fleet;
use crate::process::wait_until;
use crate::rig::{Rig, RigOptions};

/// How long the emulated printer may take for a receipt.
const PRINT_WITHIN: Duration = Duration::from_secs(20);

/// Performs the orders in a kiosk whose data lies in `dir`, and saves what it shows in `out`.
///
/// # Errors
/// An order does not go as it should; the message says what was expected and what was shown.
pub fn run(dir: &Path, out: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(out)?;
    let mut stage = Stage::open(dir, out)?;
    stage.scene("card approved", Stage::approved)?;
    stage.scene("declined, then retried", Stage::declined_then_retried)?;
    stage.scene("terminal link lost after authorisation", Stage::link_lost)?;
    stage.scene("printer out of paper", Stage::out_of_paper)?;
    stage.scene("the fleet has all four orders", Stage::fleet_knows)?;
    stage.rig.stop_kiosk()?;
    println!("{} screenshots and receipt.png in {}", stage.shots, out.display());
    Ok(())
}

/// How long the fleet may take to hear of the orders.
const FLEET_WITHIN: Duration = Duration::from_secs(20);

/// Orders that the scenes bring to their end.
const ORDERS: usize = 4;

struct Stage<'a> {
    rig: Rig,
    fleet: Fleet,
    customer: Customer,
    out: &'a Path,
    shots: u32,
}

impl<'a> Stage<'a> {
    fn open(dir: &Path, out: &'a Path) -> anyhow::Result<Self> {
        let sim = ["--terminal-mode", "auto", "--terminal-card-ms", "1200", "--printer-instant"];
        let fleet = Fleet::start(dir)?;
        let rig = Rig::start(RigOptions {
            dir: dir.to_owned(),
            sim: sim.map(str::to_owned).to_vec(),
            settings: fleet.uplink(),
            quiet: true,
            ..RigOptions::default()
        })?;
        let customer = Customer::new(rig.mirror()?)?;
        fleet.admit(&rig)?;
        Ok(Self { rig, fleet, customer, out, shots: 0 })
    }

    fn scene(&mut self, name: &str, play: fn(&mut Self) -> anyhow::Result<()>) -> anyhow::Result<()> {
        println!("▶ {name}");
        let played = play(self);
        if played.is_err() {
            self.shot("failed")?;
        }
        played.with_context(|| format!("the scene {name:?}"))
    }

    /// Saves what is shown now.
    fn shot(&mut self, name: &str) -> anyhow::Result<()> {
        // Whatever still comes belongs to the page: a settling picture, a countdown.
        self.customer.mirror.receive_for(Duration::from_millis(150))?;
        self.shots += 1;
        let path = self.out.join(format!("{:02}-{name}.png", self.shots));
        self.customer.mirror.save(&path)?;
        println!("  {}", path.display());
        Ok(())
    }

    /// Saves the page once it is shown.
    fn page(&mut self, page: &str) -> anyhow::Result<()> {
        self.customer.mirror.wait_page(page, PAYMENT_WITHIN)?;
        self.shot(page)
    }

    fn approved(&mut self) -> anyhow::Result<()> {
        self.page("attract")?;
        self.customer.press_to("Touch to order", "service")?;
        self.page("service")?;
        self.customer.press_to("Eat here", "menu")?;
        self.page("menu")?;
        self.customer.press_to("Bacon & Rye", "item")?;
        self.page("item")?;
        self.customer.press_here("Double")?;
        for label in ["No onion", "One more"] {
            self.customer.press_here(label)?;
        }
        self.shot("item-chosen")?;
        self.customer.press("Add")?;
        self.page("meal")?;
        self.customer.press_to("No thanks", "menu")?;
        self.shot("menu-with-order")?;
        self.customer.press_to("Review order", "cart")?;
        self.page("cart")?;
        self.customer.press_to("Pay", "pay-choose")?;
        self.page("pay-choose")?;
        self.customer.press_to("Pay", "at-terminal")?;
        self.page("at-terminal")?;
        self.page("done")?;
        self.customer.press("Paper")?;
        self.receipt(1)?;
        self.shot("done-printed")?;
        self.customer.press_to("Done", "attract")
    }

    fn declined_then_retried(&mut self) -> anyhow::Result<()> {
        self.rig.sim(&["terminal", "decline", "05"])?;
        self.customer.order_two_burgers()?;
        self.customer.press_to("Pay", "at-terminal")?;
        self.page("pay-failed")?;
        self.customer.press_to("Try again", "at-terminal")?;
        self.page("done")?;
        self.customer.press("Paper")?;
        self.receipt(2)?;
        self.customer.press_to("Done", "attract")
    }

    fn link_lost(&mut self) -> anyhow::Result<()> {
        self.rig.sim(&["terminal", "unanswered", "book"])?;
        self.rig.sim(&["terminal", "lose-link", "before-result", "3000"])?;
        self.customer.order_two_burgers()?;
        self.customer.press_to("Pay", "at-terminal")?;
        self.page("pay-unknown")?;
        // The terminal comes back and is asked: the bank had approved before the link broke.
        self.page("done")?;
        self.customer.press("Paper")?;
        self.receipt(3)?;
        self.customer.press_to("Done", "attract")
    }

    fn out_of_paper(&mut self) -> anyhow::Result<()> {
        self.rig.sim(&["printer", "paper-out"])?;
        self.customer.sit_down()?;
        self.shot("no-paper-banner")?;
        self.customer.press_to("Bacon & Rye", "item")?;
        self.customer.press("Add")?;
        self.customer.mirror.wait("the menu or the meal", PAYMENT_WITHIN, |m| m.screen().id != "item")?;
        if self.customer.mirror.screen().id == "meal" {
            self.customer.press_to("No thanks", "menu")?;
        }
        self.customer.press_to("Review order", "cart")?;
        self.customer.press_to("Pay", "pay-choose")?;
        self.customer.press_to("Pay", "at-terminal")?;
        self.page("done")?;
        self.rig.sim(&["printer", "paper-ok"])?;
        self.receipt(4)
    }

    fn fleet_knows(&mut self) -> anyhow::Result<()> {
        let paid = |fleet: &Fleet| -> anyhow::Result<usize> {
            let orders = fleet.ctl(&["orders"])?;
            let orders = orders.as_array().context("fleetctl lists orders")?;
            Ok(orders.iter().filter(|order| !order["fiscal_n"].is_null()).count())
        };
        wait_until(FLEET_WITHIN, || (paid(&self.fleet).ok()? >= ORDERS).then_some(()))
            .with_context(|| format!("the fleet does not have {ORDERS} paid orders"))?;
        self.fleet.admin(&["orders"])?.status()?;
        Ok(())
    }

    /// Waits until so many receipts were cut, and keeps the first as `receipt.png`.
    fn receipt(&mut self, count: usize) -> anyhow::Result<()> {
        let folder = self.rig.dir.join("sim/receipts");
        let newest = folder.join(format!("receipt-{count:04}.png"));
        wait_until(PRINT_WITHIN, || newest.exists().then_some(()))
            .with_context(|| format!("receipt {count} was not printed"))?;
        if count == 1 {
            std::fs::copy(&newest, self.out.join("receipt.png"))?;
        }
        Ok(())
    }
}
