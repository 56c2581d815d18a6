//! What the kiosk tells of itself.

use domain::input::PrinterCondition;
use domain::kiosk::Mode;
use protocol::fleet::{Selling, Status};
use store::{Connection, Outbox as _};

use super::driver::{CoreSilent, on_core};
use crate::board::Board;
use crate::clock::ShopClock;
use crate::core::CoreHandle;

/// What the broker says of us when we are gone.
pub(crate) fn will(clock: &ShopClock, counted: Connection) -> Status {
    let now = clock.now();
    Status {
        on: false,
        boot: counted.boot,
        conn: counted.conn,
        ver: env!("CARGO_PKG_VERSION").to_owned(),
        up: now.mono.0 / 1000,
        t: now.wall.0,
        sell: None,
        pend: 0,
        cat: 0,
        faults: Vec::new(),
    }
}

/// Birth and heartbeat.
pub(crate) async fn status(
    core: &CoreHandle,
    board: &Board,
    clock: &ShopClock,
    counted: Connection,
) -> Result<Status, CoreSilent> {
    let will = will(clock, counted);
    let mut faults: Vec<String> = board
        .devices()
        .into_iter()
        .filter(|(_, status)| !status.state.is_usable())
        .map(|(name, _)| format!("{name}.unusable"))
        .collect();
    on_core(core, move |core| {
        let kiosk = core.kiosk().status(&core.clock().now());
        faults.extend(printer_fault(kiosk.printer).map(str::to_owned));
        if kiosk.unclear_payments > 0 {
            faults.push("payment.unclear".to_owned());
        }
        let sell = match &kiosk.mode {
            Mode::Idle | Mode::Busy | Mode::NeedsStaff => Selling::Open,
            Mode::Closed => Selling::Closed,
            Mode::Starting | Mode::Unclaimed => Selling::OutOfService,
            Mode::OutOfService { code, .. } => {
                faults.push(code.to_string());
                Selling::OutOfService
            }
        };
        Ok(Status {
            on: true,
            sell: Some(sell),
            pend: core.store().unsynced()?.events,
            cat: kiosk.catalog_rev.unwrap_or(0),
            faults,
            ..will
        })
    })
    .await
}

fn printer_fault(condition: PrinterCondition) -> Option<&'static str> {
    match condition {
        PrinterCondition::Ready => None,
        PrinterCondition::PaperLow => Some("printer.paper_low"),
        PrinterCondition::PaperOut => Some("printer.paper_out"),
        PrinterCondition::CoverOpen => Some("printer.cover_open"),
        PrinterCondition::Error => Some("printer.error"),
        PrinterCondition::Absent => Some("printer.absent"),
    }
}
