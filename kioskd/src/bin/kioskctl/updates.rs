//! `kioskctl updates`: a release from a USB stick, and stopping updates at the kiosk.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Subcommand;
use kioskd::admin::client::ask;
use kioskd::admin::wire::Request;
use serde_json::Value;

use crate::output;

/// How often it is looked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Subcommand)]
pub(crate) enum UpdatesCommand {
    /// Install a signed release that was brought here, from a USB stick for example, and watch it until the kiosk is
    /// about to restart. It need not be watched: it goes on by itself.
    Install {
        /// The folder of the release, as `kiosk-ota publish` makes it, or a bundle of RAUC (`.raucb`).
        path: PathBuf,
        /// Its number; without it the newest that is there.
        #[arg(long)]
        release: Option<u64>,
    },
    /// Stop updates here, up to the restart, until `resume`. What has restarted already comes to its end.
    Halt,
    /// Go on with updates.
    Resume,
}

/// What the daemon is asked.
pub(crate) fn request(command: Option<&UpdatesCommand>) -> anyhow::Result<Request> {
    Ok(match command {
        None => Request::Updates,
        Some(UpdatesCommand::Install { path, release }) => {
            let path = path.canonicalize().with_context(|| format!("cannot read {}", path.display()))?;
            Request::UpdatesInstall { path, release: *release }
        }
        Some(UpdatesCommand::Halt) => Request::UpdatesHalt,
        Some(UpdatesCommand::Resume) => Request::UpdatesResume,
    })
}

/// Tells how far it is until it has failed, or waits for the restart.
pub(crate) fn followed(socket: &Path, as_json: bool) -> anyhow::Result<ExitCode> {
    let mut said = String::new();
    loop {
        let now = ask(socket, &Request::Updates)?;
        let (under_way, trouble) = (&now["under_way"], now["trouble"].as_str());
        let release = &under_way["release"];
        let step = under_way["step"].as_str();
        let (line, end) = match step {
            Some("reboot_gate") => {
                let why = now["waits_for"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
                let line = format!("release {release} is installed; the kiosk restarts when it is free{why}");
                (line, Some(ExitCode::SUCCESS))
            }
            Some("switching" | "trial_boot" | "leaving") => {
                (format!("release {release}: the kiosk restarts"), Some(ExitCode::SUCCESS))
            }
            Some(step) => {
                let percent = under_way["percent"].as_u64().map(|it| format!(" {it} %")).unwrap_or_default();
                let trouble = trouble.map(|it| format!(": {it}")).unwrap_or_default();
                (format!("release {release}: {step}{percent}{trouble}"), None)
            }
            None => ended(&now),
        };
        if line != said {
            output::print(&if as_json { format!("{now}\n") } else { format!("{line}\n") })?;
            said = line;
        }
        if let Some(code) = end {
            return Ok(code);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn ended(now: &Value) -> (String, Option<ExitCode>) {
    let last = &now["last"];
    let reason = last["reason"].as_str().map(|it| format!(" ({it})")).unwrap_or_default();
    let why = now["trouble"].as_str().map(|it| format!(": {it}")).unwrap_or_default();
    let result = last["result"].as_str().unwrap_or("not installed");
    let code = if result == "confirmed" { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    (format!("release {} {result}{reason}{why}", last["release"]), Some(code))
}
