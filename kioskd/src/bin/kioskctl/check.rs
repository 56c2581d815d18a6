//! `kioskctl check`: one line per check, what is wrong and how to fix it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use domain::catalog::Catalog;
use kioskd::admin::client::ask;
use kioskd::admin::wire::Request;
use kioskd::settings::{SearchPath, Settings};
use serde_json::Value;

use crate::{Arguments, output};

/// Free space below which a technician should come: a week of a busy kiosk with its backups.
const FREE_MIN_MIB: u64 = 512;

/// One line of the report.
struct Finding {
    what: &'static str,
    result: Result<String, (String, String)>,
}

impl Finding {
    fn good(what: &'static str, detail: impl Into<String>) -> Self {
        Self { what, result: Ok(detail.into()) }
    }

    fn bad(what: &'static str, wrong: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what, result: Err((wrong.into(), fix.into())) }
    }
}

/// Checks everything that can be checked and says so. Fails if anything is wrong.
pub(crate) fn check(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    // A daemon named by its socket alone may have other settings than this machine.
    if let (Some(socket), []) = (&arguments.socket, arguments.config.as_slice()) {
        return report(&daemon(socket));
    }
    let mut findings = Vec::new();
    let settings = kioskd::daemon::load_settings(&SearchPath::default(), &arguments.config)
        .and_then(|settings| Ok(kioskd::daemon::check(&settings).map(|()| settings)?));
    match settings {
        Ok(settings) => {
            findings.push(Finding::good("settings", format!("kiosk {}", settings.kiosk.id)));
            findings.extend(disk(&settings));
            findings.extend(seed(&settings));
            findings.extend(settings.shop.logo.as_deref().map(logo));
            let socket = arguments.socket.clone().unwrap_or_else(|| settings.admin.socket.clone());
            findings.extend(daemon(&socket));
        }
        Err(error) => {
            findings.push(Finding::bad(
                "settings",
                format!("{error:#}"),
                "correct the file named here, then restart kioskd",
            ));
        }
    }
    report(&findings)
}

/// Prints every finding; the exit code says whether anything is wrong.
fn report(findings: &[Finding]) -> anyhow::Result<ExitCode> {
    let mut failed = false;
    for finding in findings {
        let text = match &finding.result {
            Ok(detail) => format!("ok    {}: {detail}", finding.what),
            Err((wrong, fix)) => {
                failed = true;
                format!("WRONG {}: {wrong}\n      → {fix}", finding.what)
            }
        };
        output::line(&text)?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn disk(settings: &Settings) -> Vec<Finding> {
    let dir = &settings.kiosk.data_dir;
    let what = "disk";
    match nix::sys::statvfs::statvfs(dir) {
        Ok(stat) => {
            let free_mib = stat.blocks_available() * stat.fragment_size() / (1 << 20);
            vec![if free_mib < FREE_MIN_MIB {
                Finding::bad(
                    what,
                    format!("{free_mib} MiB free in {}", dir.display()),
                    format!(
                        "free at least {FREE_MIN_MIB} MiB; the kiosk stops selling when the disk is full"
                    ),
                )
            } else {
                Finding::good(what, format!("{free_mib} MiB free in {}", dir.display()))
            }]
        }
        Err(error) => vec![Finding::bad(
            what,
            format!("{}: {error}", dir.display()),
            "create the folder of kiosk.data_dir and give it to the user of kioskd",
        )],
    }
}

fn logo(path: &Path) -> Finding {
    let what = "logo";
    match kioskd::check_logo(path) {
        Ok(()) => Finding::good(what, path.display().to_string()),
        Err(error) => Finding::bad(
            what,
            format!("{}: {error:#}", path.display()),
            "write a PNG of at most 576 x 600 pixels, dark on light, as shop.logo; receipts come without it",
        ),
    }
}

/// Pictures that the catalog names and nobody finds.
fn pictures(settings: &Settings, catalog: &Catalog) -> Finding {
    let what = "pictures";
    let store = ui::PictureStore::new(settings.catalog.pictures.clone());
    let named: BTreeSet<&str> = catalog.items.values().map(|item| &*item.picture).collect();
    let missing: Vec<&str> =
        named.into_iter().filter(|name| !name.is_empty() && !store.has_dish(name)).collect();
    let wrong = match missing.as_slice() {
        [] => return Finding::good(what, "all that the catalog file names"),
        [one] => format!("none for {one:?}"),
        [first, more @ ..] => format!("none for {first:?} and {} more", more.len()),
    };
    Finding::bad(what, wrong, "put NAME.svg or NAME.png, at most 8 MB, into the folder of catalog.pictures")
}

fn seed(settings: &Settings) -> Vec<Finding> {
    let what = "catalog file";
    let Some(path) = &settings.catalog.seed else {
        return vec![Finding::good(what, "none set; the imported one counts")];
    };
    match kioskd::catalog::read(path) {
        Ok((catalog, _)) => {
            let read = format!("{}: {} items", path.display(), catalog.items.len());
            vec![Finding::good(what, read), pictures(settings, &catalog)]
        }
        Err(error) => vec![Finding::bad(
            what,
            format!("{error:#}").lines().next().unwrap_or_default(),
            format!("kioskctl catalog check {}", path.display()),
        )],
    }
}

fn daemon(socket: &Path) -> Vec<Finding> {
    let answer = match ask(socket, &Request::Check) {
        Ok(answer) => answer,
        Err(error) => {
            return vec![Finding::bad(
                "daemon",
                error.to_string(),
                "systemctl status kioskd; journalctl -u kioskd",
            )];
        }
    };
    let mut findings = vec![Finding::good("daemon", "answers")];
    for line in answer.as_array().into_iter().flatten() {
        findings.push(from_daemon(line));
    }
    findings
}

fn from_daemon(line: &Value) -> Finding {
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let what = match line["what"].as_str() {
        Some("store") => "store",
        Some("catalog") => "catalog",
        Some("screen") => "screen",
        Some("payments") => "payments",
        Some("device") => "device",
        _ => "daemon",
    };
    if line["good"].as_bool() == Some(true) {
        Finding::good(what, text("detail"))
    } else {
        Finding::bad(what, text("detail"), text("fix"))
    }
}
