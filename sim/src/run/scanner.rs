//! The scanner in a run.

use std::path::Path;

use super::RunError;
use crate::device::Port;
use crate::rig::Rig;
use crate::scanner::{Config, Scanner};

/// What can be chosen about the scanner.
#[derive(Debug, Clone, clap::Args)]
pub struct ScannerArgs {
    /// Send codes without the symbology's id
    #[arg(long)]
    pub scanner_no_aim: bool,
    /// Open the pseudo terminal DIR/scanner (the default)
    #[arg(long)]
    pub scanner: bool,
    /// Run without the scanner
    #[arg(long, conflicts_with = "scanner")]
    pub no_scanner: bool,
}

pub fn add(rig: &mut Rig, dir: &Path, args: &ScannerArgs) -> Result<(), RunError> {
    if args.no_scanner {
        return Ok(());
    }
    let port =
        Port::pty(&dir.join("scanner")).map_err(|source| RunError::Port { device: "scanner", source })?;
    rig.wire(Scanner::new(Config { aim_id: !args.scanner_no_aim, ..Config::default() }), port);
    Ok(())
}
