//! The kiosk daemon.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use kioskd::settings::{self, SearchPath};

/// Runs the kiosk: screen, store, devices. Settings come from /usr/lib/kioskd, /run/kioskd and /etc/kioskd, then from
/// systemd's credential kioskd.toml.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// One more settings file, after all others. May be given more than once.
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// Only the files of --config, nothing from the system.
    #[arg(long)]
    no_system_config: bool,
    /// Check the settings and end.
    #[arg(long)]
    check: bool,
    /// Only show for so long that nothing can be sold here: for when the daemon does not stay up.
    #[arg(long, value_name = "SECONDS", conflicts_with = "check")]
    out_of_service: Option<u64>,
}

fn main() -> ExitCode {
    kioskd::memory::return_what_is_freed();
    let arguments = Arguments::parse();
    let (search, credential) = if arguments.no_system_config {
        (SearchPath(Vec::new()), None)
    } else {
        (SearchPath::default(), settings::credential())
    };
    let extra: Vec<PathBuf> = credential.into_iter().chain(arguments.config).collect();
    let result = kioskd::daemon::load_settings(&search, &extra).and_then(|settings| {
        if let Some(seconds) = arguments.out_of_service {
            let time = Duration::from_secs(seconds);
            kioskd::out_of_service::show(&settings, time).map(|()| ExitCode::SUCCESS)
        } else if arguments.check {
            Ok(kioskd::daemon::check(&settings).map(|()| ExitCode::SUCCESS)?)
        } else {
            kioskd::daemon::run(settings)
        }
    });
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("kioskd: {error:#}");
            ExitCode::FAILURE
        }
    }
}
