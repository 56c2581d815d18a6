//! Whether a new system is good: it shows a page, the store can be written, and every device that answered before
//! answers, the display and its touch panel among them. The network is no evidence: a fleet that is away must not undo an update.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::View;
use domain::kiosk::{Obstacle, UpdateGate};
use ota::agent::Reason;
use ui::shell::UiHandle;

use crate::board::Board;
use crate::core::CoreHandle;
use crate::uplink::on_core;

/// How often evidence is looked for.
const INTERVAL: Duration = Duration::from_millis(500);

/// What has to be shown.
pub(super) struct Proof {
    pub(super) core: CoreHandle,
    pub(super) board: Board,
    pub(super) screen: UiHandle<View>,
    /// Devices that answered before the update.
    pub(super) devices: BTreeSet<String>,
}

/// The devices that answer now.
pub(super) fn answering(board: &Board) -> BTreeSet<String> {
    let usable =
        |(name, status): (&str, hal::status::DeviceStatus)| status.state.is_usable().then(|| name.to_owned());
    board.devices().into_iter().filter_map(usable).collect()
}

impl Proof {
    /// Waits for all of it, for so long at most.
    ///
    /// # Errors
    /// What was still missing.
    pub(super) async fn shown_within(&self, time: Duration) -> Result<(), Reason> {
        let until = tokio::time::sleep(time);
        tokio::pin!(until);
        loop {
            let Some(missing) = self.missing().await else { return Ok(()) };
            tokio::select! {
                () = &mut until => return Err(missing),
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    }

    async fn missing(&self) -> Option<Reason> {
        if self.screen.hub().stats().first_frame.is_none() {
            return Some(Reason::NoFrame);
        }
        let written = on_core(&self.core, |core| {
            // Written as it is, so that it is known that it can be.
            if let Some(row) = core.store().update_row()? {
                core.store_mut().set_update_row(&row)?;
            }
            Ok(match core.kiosk().update_gate(0) {
                UpdateGate::Open => true,
                UpdateGate::Closed(obstacles) => !obstacles.contains(&Obstacle::Starting),
            })
        });
        if !written.await.unwrap_or(false) {
            return Some(Reason::Store);
        }
        let answering = answering(&self.board);
        (!self.devices.is_subset(&answering)).then_some(Reason::PeripheralLost)
    }
}
