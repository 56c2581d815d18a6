//! `./dev demo --script`: whole orders, performed through the mirror as a browser would.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use kioskd::admin::wire::Request;

use crate::customer::{Customer, PAYMENT_WITHIN};
use crate::fleet::Fleet;
use crate::mirror::MirrorClient;
use crate::process::wait_until;
use crate::rig::{Rig, RigOptions};

mod beside;

use beside::Beside;

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
    stage.scene("no network", Stage::no_network)?;
    stage.scene("another language, easier to use", Stage::sheets)?;
    stage.scene("closed by the team, then open again", Stage::closed)?;
    stage.scene("the customer of another kiosk has left", Stage::left_alone)?;
    stage.scene("out of service: no catalog", Stage::no_catalog)?;
    stage.scene("the fleet has all orders", Stage::fleet_knows)?;
    stage.rig.stop_kiosk()?;
    println!("{} screenshots and receipt.png in {}", stage.shots, out.display());
    Ok(())
}

/// How long the fleet may take to hear of the orders.
const FLEET_WITHIN: Duration = Duration::from_secs(20);

/// Orders that the scenes bring to their end.
const ORDERS: usize = 5;

/// The kiosk says nothing of a missing network for 40 s, in case it comes back.
const BANNER_AFTER: Duration = Duration::from_secs(41);

/// How long the kiosk may take to close or open, or to notice that the fleet is gone.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// The mark of the brand, beside every sheet.
const BESIDE_SHEETS: (f32, f32) = (300.0, 200.0);

struct Stage<'a> {
    rig: Rig,
    beside: Beside,
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
        let beside = Beside::open(&dir.join("beside"))?;
        Ok(Self { rig, beside, fleet, customer, out, shots: 0 })
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
        let path = self.next(name);
        save(&mut self.customer.mirror, &path)
    }

    /// Where the next screenshot goes.
    fn next(&mut self, name: &str) -> PathBuf {
        self.shots += 1;
        self.out.join(format!("{:02}-{name}.png", self.shots))
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
        self.customer.leave()
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
        self.customer.leave()
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
        self.customer.leave()
    }

    /// From the menu to the terminal.
    fn buy_one_burger(&mut self) -> anyhow::Result<()> {
        self.customer.press_to("Bacon & Rye", "item")?;
        self.customer.add_alone()?;
        self.customer.press_to("Review order", "cart")?;
        self.customer.press_to("Pay", "pay-choose")?;
        self.customer.press_to("Pay", "at-terminal")
    }

    fn out_of_paper(&mut self) -> anyhow::Result<()> {
        self.rig.sim(&["printer", "paper-out"])?;
        self.customer.sit_down()?;
        self.shot("no-paper-banner")?;
        self.buy_one_burger()?;
        self.page("done")?;
        self.rig.sim(&["printer", "paper-ok"])?;
        self.receipt(4)
    }

    fn no_network(&mut self) -> anyhow::Result<()> {
        // The page of the order before may have closed by itself while its receipt waited for paper.
        self.customer.leave()?;
        self.fleet.stop()?;
        let alone = || (!self.rig.ask(&Request::Status).ok()?["offline_since"].is_null()).then_some(());
        wait_until(CLOSE_WITHIN, alone).context("the kiosk does not notice that the fleet is gone")?;
        // Whoever does not answer the mirror for 45 s is taken for gone.
        self.customer.mirror.receive_for(BANNER_AFTER)?;
        self.customer.sit_down()?;
        self.shot("offline-banner")?;
        self.buy_one_burger()?;
        self.customer.mirror.wait_page("done", PAYMENT_WITHIN)?;
        self.customer.press("Paper")?;
        self.receipt(5)?;
        self.customer.leave()?;
        self.fleet = Fleet::start(&self.rig.dir)?;
        self.fleet.admit(&self.rig)
    }

    fn sheets(&mut self) -> anyhow::Result<()> {
        self.customer.sit_down()?;
        for (label, sheet) in [("English", "languages"), ("Easier to use", "easier")] {
            self.customer.press_to(label, &format!("menu/{sheet}"))?;
            self.shot(sheet)?;
            self.customer.mirror.press(BESIDE_SHEETS.0, BESIDE_SHEETS.1)?;
            self.customer.mirror.wait_page("menu", CLOSE_WITHIN)?;
        }
        Ok(())
    }

    fn closed(&mut self) -> anyhow::Result<()> {
        self.rig.ask(&Request::Close)?;
        self.customer.mirror.wait_page("out-of-service", CLOSE_WITHIN)?;
        self.shot("closed")?;
        self.rig.ask(&Request::Open)?;
        self.customer.mirror.wait_page("attract", CLOSE_WITHIN)
    }

    fn left_alone(&mut self) -> anyhow::Result<()> {
        let path = self.next("idle");
        self.beside.warning(&path)
    }

    fn no_catalog(&mut self) -> anyhow::Result<()> {
        let path = self.next("out-of-service");
        self.beside.without_catalog(&path)
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

/// Saves what a mirror shows.
fn save(mirror: &mut MirrorClient, path: &Path) -> anyhow::Result<()> {
    // Whatever still comes belongs to the page: a settling picture, a countdown.
    mirror.receive_for(Duration::from_millis(150))?;
    mirror.save(path)?;
    println!("  {}", path.display());
    Ok(())
}
