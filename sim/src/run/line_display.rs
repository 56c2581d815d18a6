//! The line display in a run.

use std::path::Path;

use super::RunError;
use crate::device::Port;
use crate::line_display::{Dialect, LineDisplay};
use crate::rig::Rig;

/// What can be chosen about the line display.
#[derive(Debug, Clone, clap::Args)]
pub struct DisplayArgs {
    /// Which commands the line display understands
    #[arg(long, default_value = "cd5220")]
    pub display_dialect: Dialect,
    /// Open the pseudo terminal DIR/display (the default)
    #[arg(long)]
    pub display: bool,
    /// Run without the line display
    #[arg(long, conflicts_with = "display")]
    pub no_display: bool,
}

pub fn add(rig: &mut Rig, dir: &Path, args: &DisplayArgs) -> Result<(), RunError> {
    if args.no_display {
        return Ok(());
    }
    let port =
        Port::pty(&dir.join("display")).map_err(|source| RunError::Port { device: "display", source })?;
    rig.wire(LineDisplay::new(args.display_dialect), port);
    Ok(())
}
