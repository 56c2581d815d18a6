//! A kiosk with two slots in files, a loader, and a fleet that says what the test wants: real Mosquitto, HTTPS with
//! client certificates, the real programs. What comes out of it is judged from outside.

mod fleet;
mod machine;
mod server;
mod site;

pub use fleet::{KIOSK, Order, ScriptedFleet};
pub use machine::{Machine, Turnout};
pub use server::Fault;
pub use site::{Stranger, group};

use std::time::Duration;

use anyhow::Context as _;

use crate::dice::Dice;

/// Kills the daemon and the slot writer at random moments of an update, so many times; tells how many updates that
/// took. Every one of them must end with the new release, proven.
///
/// # Errors
/// One does not end so; the folder is kept.
pub fn kill_at_random(dir: &std::path::Path, kills: u32, seed: u64) -> anyhow::Result<u32> {
    const KILLS_MAX: u32 = 12;
    let mut dice = Dice::new(seed);
    let (mut left, mut updates) = (kills, 0);
    while left > 0 {
        let folder = dir.join(format!("update-{updates}"));
        let mut machine = Machine::new(&folder, Turnout::Good)?;
        machine.fleet.slow_down(Duration::from_millis(15));
        machine.start()?;
        machine.fleet.halt(1, &[])?;
        machine.fleet.assign(&Order { turn: true, ..Order::of(1, 42) })?;
        let mut now = 0;
        while now < left.min(KILLS_MAX) {
            machine.run_for(Duration::from_millis(dice.between((30, 2500))))?;
            if machine.is_at_its_end(42) {
                break;
            }
            let both = dice.below(4) == 0;
            if both || dice.below(2) == 0 {
                machine.kill_writer()?;
            }
            if both || dice.below(2) == 0 {
                machine.kill_kiosk()?;
            }
            now += 1;
        }
        left -= now.max(1).min(left);
        updates += 1;
        machine
            .run_until("the new release is proven", |state| state.confirmed == 42)
            .with_context(|| format!("seed {seed}, update {updates}, logs in {}", folder.display()))?;
        machine.judge(42)?;
        drop(machine);
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(updates)
}
