//! `kioskctl factory-reset`: what is deleted for good is asked for twice.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;

use kioskd::admin::client::ask;
use kioskd::admin::wire::Request;

use crate::output;

/// Lets a person type the kiosk's name.
///
/// # Errors
/// Nobody is there to ask, or another name came.
pub(crate) fn confirmed(socket: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(std::io::stdin().is_terminal(), "nobody is there to ask; add --yes to delete everything");
    let status = ask(socket, &Request::Status)?;
    let name = status["kiosk"].as_str().unwrap_or_default();
    output::line(&format!(
        "Everything on {name} is deleted: sales, settings, its identity in the fleet. To go on, type {name}"
    ))?;
    let mut typed = String::new();
    std::io::stdin().lock().read_line(&mut typed)?;
    anyhow::ensure!(typed.trim() == name, "that was not {name}: nothing was deleted");
    Ok(())
}
