//! What `fleetd embedded` leaves in its data folder for whoever looks after it: ports, the database, processes.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::Deserialize;
use tokio_postgres::{Client, NoTls};

/// `fleetd embedded` on ports that it picks, reachable under `name`.
pub(crate) fn embedded(fleetd: &Path, data: &Path, name: &str) -> Command {
    let mut command = Command::new(fleetd);
    command.arg("embedded").arg("--data").arg(data);
    command.args(["--kiosk-port", "0", "--internal-port", "0", "--name", name]);
    command
}

/// Where kiosks connect.
pub(crate) fn kiosk_port(data: &Path) -> anyhow::Result<u16> {
    #[derive(Deserialize)]
    struct Ports {
        kiosks: u16,
    }
    let text = std::fs::read_to_string(data.join("ports.toml")).context("ports.toml")?;
    Ok(toml::from_str::<Ports>(&text)?.kiosks)
}

/// Connection string of the owner of the tables.
pub(crate) fn database(data: &Path) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Settings {
        database: Database,
    }
    #[derive(Deserialize)]
    struct Database {
        owner: String,
    }
    let text = std::fs::read_to_string(data.join("fleetd.toml")).context("fleetd.toml")?;
    Ok(toml::from_str::<Settings>(&text)?.database.owner)
}

/// Works on the database as the owner of the tables.
pub(crate) fn with_database<T>(
    data: &Path,
    work: impl AsyncFnOnce(&Client) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let address = database(data)?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&address, NoTls).await.context("the database")?;
        let driver = tokio::spawn(connection);
        let done = work(&client).await;
        driver.abort();
        done
    })
}

/// The first process of PostgreSQL, if it runs now.
pub(crate) fn postgres(data: &Path) -> Option<Pid> {
    let file = std::fs::read_to_string(data.join("pg/postmaster.pid")).ok()?;
    let pid = Pid::from_raw(file.lines().next()?.trim().parse().ok()?);
    kill(pid, None).is_ok().then_some(pid)
}

/// Mosquitto, if it runs now.
pub(crate) fn mosquitto(data: &Path) -> Option<Pid> {
    let configuration = data.join("mosquitto/mosquitto.conf");
    processes()
        .find(|(_, arguments)| arguments.contains(&*configuration.to_string_lossy()))
        .map(|(pid, _)| pid)
}

/// Every process with its command line.
pub(crate) fn processes() -> impl Iterator<Item = (Pid, String)> {
    let folder = std::fs::read_dir(Path::new("/proc")).into_iter().flatten().flatten();
    folder.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let arguments = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some((Pid::from_raw(pid), String::from_utf8_lossy(&arguments).replace('\0', " ")))
    })
}
