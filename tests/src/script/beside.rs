//! A second kiosk, for what takes a minute or a broken kiosk: it waits while the first one sells.

use std::path::Path;
use std::time::Duration;

use super::save;
use crate::customer::{Customer, PAYMENT_WITHIN};
use crate::rig::{Rig, RigOptions};

/// How long until the kiosk asks an idle customer, and what a busy machine may add.
const IDLE_WITHIN: Duration = Duration::from_secs(75);

/// A kiosk that belongs to no fleet. Somebody has put a dish into the cart and left.
pub(super) struct Beside {
    rig: Rig,
}

impl Beside {
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        let rig = Rig::start(RigOptions { dir: dir.to_owned(), quiet: true, ..RigOptions::default() })?;
        let beside = Self { rig };
        beside.order(&mut Customer::new(beside.rig.mirror()?)?)?;
        Ok(beside)
    }

    fn order(&self, customer: &mut Customer) -> anyhow::Result<()> {
        customer.sit_down()?;
        customer.press_to("Bacon & Rye", "item")?;
        customer.add_alone()
    }

    /// Waits until the kiosk asks whether anybody is still there.
    pub fn warning(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut customer = Customer::new(self.rig.mirror()?)?;
        let mirror = &mut customer.mirror;
        mirror.wait("a page", PAYMENT_WITHIN, |m| !m.screen().id.is_empty())?;
        match mirror.screen().id.as_str() {
            "menu" => {}
            // The scenes before took long: it has given up, or is about to.
            "menu/idle" => {
                mirror.press(super::BESIDE_SHEETS.0, super::BESIDE_SHEETS.1)?;
                mirror.wait_page("menu", PAYMENT_WITHIN)?;
            }
            _ => self.order(&mut customer)?,
        }
        customer.mirror.wait_page("menu/idle", IDLE_WITHIN)?;
        save(&mut customer.mirror, path)
    }

    /// Starts the kiosk as one that has nothing to sell.
    pub fn without_catalog(&mut self, path: &Path) -> anyhow::Result<()> {
        self.rig.stop_kiosk()?;
        std::fs::remove_dir_all(self.rig.dir.join("data"))?;
        let settings = std::fs::read_to_string(self.rig.settings_path())?;
        let kept = settings.lines().filter(|line| !line.starts_with("seed ")).collect::<Vec<_>>();
        std::fs::write(self.rig.settings_path(), kept.join("\n"))?;
        self.rig.start_kiosk()?;
        let mut mirror = self.rig.mirror()?;
        mirror.wait_page("out-of-service", PAYMENT_WITHIN)?;
        save(&mut mirror, path)?;
        self.rig.stop_kiosk()
    }
}
