//! The receipt printer and its drawer in a run.

use std::net::SocketAddr;
use std::path::Path;

use super::{RunError, make_dir};
use crate::device::Port;
use crate::printer::{Config, Drawer, Pace, PaperWidth, Printer};
use crate::rig::Rig;

/// What can be chosen about the printer.
#[derive(Debug, Clone, clap::Args)]
pub struct PrinterArgs {
    /// Listen on TCP instead of the pseudo terminal DIR/printer; port 0 = any
    #[arg(long, value_name = "ADDR")]
    pub printer_tcp: Option<SocketAddr>,
    /// Open the pseudo terminal DIR/printer (the default)
    #[arg(long, conflicts_with = "printer_tcp")]
    pub printer_pty: bool,
    /// Dots of the print head: 384, 512, 576 or 640
    #[arg(long, default_value = "576")]
    pub printer_dots: PaperWidth,
    /// Model name the printer answers with
    #[arg(long, default_value = "TM-T20III")]
    pub printer_model: String,
    /// Bytes of the receive buffer
    #[arg(long, default_value_t = 4096)]
    pub printer_buffer: usize,
    /// Bits per second of the emulated serial line; without it as fast as the port
    #[arg(long, value_name = "BAUD")]
    pub printer_baud: Option<u32>,
    /// Announce a full buffer by XOFF
    #[arg(long)]
    pub printer_xon_xoff: bool,
    /// Print at once instead of at 200 mm/s
    #[arg(long)]
    pub printer_instant: bool,
    /// Seed of everything random in the printer
    #[arg(long, default_value_t = 1)]
    pub printer_seed: u64,
}

/// One start and one stop bit around eight data bits.
const BITS_PER_BYTE: u32 = 10;

pub async fn add(rig: &mut Rig, dir: &Path, args: &PrinterArgs) -> Result<(), RunError> {
    let receipts = dir.join("receipts");
    make_dir(&receipts)?;
    let port = match args.printer_tcp {
        Some(addr) => Port::tcp(addr).await,
        None => Port::pty(&dir.join("printer")),
    };
    let port = port.map_err(|source| RunError::Port { device: "printer", source })?;
    let config = Config {
        width: args.printer_dots,
        model: args.printer_model.clone(),
        buffer_bytes: args.printer_buffer,
        pace: if args.printer_instant { Pace::Instant } else { Pace::REAL },
        wire_bytes_per_second: args.printer_baud.map(|baud| baud / BITS_PER_BYTE),
        xon_xoff: args.printer_xon_xoff,
        seed: args.printer_seed,
        ..Config::default()
    };
    rig.announce("receipts", receipts.display().to_string());
    let printer = Printer::new(config, Some(receipts));
    rig.wire(printer.clone(), port);
    rig.add(Drawer::new(printer));
    Ok(())
}
