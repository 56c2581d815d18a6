//! `sim run`: puts the devices together. A device is added in one line of [`start`].

mod line_display;
mod printer;
mod scanner;
mod terminal;

pub use line_display::DisplayArgs;
pub use printer::PrinterArgs;
pub use scanner::ScannerArgs;
pub use terminal::TerminalArgs;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::ctl::{self, CtlError};
use crate::device::{PortError, Shutdown, VerbError};
use crate::microphone::Microphone;
use crate::panel::{self, PanelError};
use crate::rig::Rig;
use crate::terminal::StorageError;

/// Everything that can be chosen.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Directory for pseudo terminals, receipts and the control socket; made when missing
    #[arg(long)]
    pub dir: PathBuf,
    /// Address of the web panel, loopback only; port 0 = any
    #[arg(long)]
    pub panel: Option<SocketAddr>,
    /// The receipt printer.
    #[command(flatten)]
    pub printer: PrinterArgs,
    /// The payment terminal.
    #[command(flatten)]
    pub terminal: TerminalArgs,
    /// The scanner.
    #[command(flatten)]
    pub scanner: ScannerArgs,
    /// The line display.
    #[command(flatten)]
    pub display: DisplayArgs,
    /// Somebody who speaks into a file that the kiosk takes for its microphone; needs espeak-ng.
    #[arg(long)]
    pub microphone: bool,
}

/// Why the devices did not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The directory.
    #[error("cannot make the directory {path}")]
    Dir {
        /// Which.
        path: PathBuf,
        #[source]
        /// Why.
        source: io::Error,
    },
    /// The port of a device.
    #[error("cannot open the port of the {device}")]
    Port {
        /// Which.
        device: &'static str,
        #[source]
        /// Why.
        source: PortError,
    },
    /// The memory of the payment terminal.
    #[error(transparent)]
    Memory(#[from] StorageError),
    /// The control socket.
    #[error("cannot open the control socket")]
    Ctl(#[from] CtlError),
    /// Nobody speaks.
    #[error("there is nobody to speak")]
    Microphone(#[from] VerbError),
    /// The web panel.
    #[error("cannot start the panel")]
    Panel(#[from] PanelError),
}

/// Starts everything; [`Rig::ready`] says where, [`Rig::join`] waits for the end after `shutdown`.
///
/// # Errors
/// When an address is taken or the directory cannot be written.
pub async fn start(options: &Options, shutdown: Shutdown) -> Result<Rig, RunError> {
    make_dir(&options.dir)?;
    // First of all: it tells whether another run lives here, whose ports must not be taken over.
    let listener = ctl::listen(&options.dir)?;
    let mut rig = Rig::new(shutdown);

    printer::add(&mut rig, &options.dir, &options.printer).await?;
    terminal::add(&mut rig, &options.dir, &options.terminal).await?;
    scanner::add(&mut rig, &options.dir, &options.scanner)?;
    line_display::add(&mut rig, &options.dir, &options.display)?;
    if options.microphone {
        let microphone = Microphone::new(&options.dir)?;
        rig.announce("microphone", microphone.file().display().to_string());
        rig.add(microphone);
    }

    let devices = rig.devices();
    rig.announce("ctl", ctl::socket_path(&options.dir).display().to_string());
    rig.spawn(ctl::serve(listener, devices.clone(), rig.shutdown()));
    if let Some(addr) = options.panel {
        let panel = panel::listen(addr).await?;
        rig.announce("panel", panel.url());
        rig.spawn(panel.serve(devices, rig.shutdown()));
    }
    Ok(rig)
}

fn make_dir(path: &std::path::Path) -> Result<(), RunError> {
    fs::create_dir_all(path).map_err(|source| RunError::Dir { path: path.to_owned(), source })
}
