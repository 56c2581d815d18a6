//! The private PostgreSQL: made once, no TCP port, two roles that only our own accounts can be.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use super::EmbeddedError;
use super::child::prepare;
use super::engine::{Engine, Health};
use super::packages::Programs;
use super::place::Place;
use crate::database::{self, APP, DATABASE, OWNER};

/// Superuser that exists because one must. No account is mapped to it, so nobody can log in as it.
const SUPERUSER: &str = "fleet_admin";

/// Settings that must hold, whatever stands in `postgresql.conf`; that file is for tuning. Statements and row
/// contents stay out of the log: they hold what customers bought.
const SETTINGS: [&str; 10] = [
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "logging_collector=off",
    "log_destination=stderr",
    "log_line_prefix=",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
];

/// The private PostgreSQL.
pub(super) struct Postgres {
    program: PathBuf,
    dir: PathBuf,
    run: PathBuf,
    probe: tokio_postgres::Config,
}

impl Postgres {
    /// Makes the database if there is none and writes who may connect.
    pub(super) async fn prepare(place: &Place, programs: &Programs) -> Result<Self, EmbeddedError> {
        let dir = place.pg();
        if !dir.exists() {
            create(place, programs).await?;
        }
        place.write(&dir.join("pg_hba.conf"), "local all all peer map=fleet\n")?;
        place.write(&dir.join("pg_ident.conf"), &identities(&place.account.and_me()))?;
        let mut probe = tokio_postgres::Config::new();
        probe.host_path(&place.run).dbname(DATABASE).user(APP).application_name("supervisor");
        Ok(Self { program: programs.postgres.clone(), dir, run: place.run.clone(), probe })
    }
}

/// A connection string for one of the two roles.
pub(super) fn connection_string(run: &Path, role: &str) -> String {
    let run = run.to_string_lossy().replace('\\', "\\\\").replace('\'', "\\'");
    format!("host='{run}' user={role} dbname={DATABASE}")
}

fn identities(accounts: &[String]) -> String {
    let mut text = String::new();
    for account in accounts {
        for role in [OWNER, APP] {
            writeln!(text, "fleet \"{account}\" {role}").expect("a string takes all that is written to it");
        }
    }
    text
}

/// Makes the database beside its place and moves it there whole: what a power cut leaves is made anew.
async fn create(place: &Place, programs: &Programs) -> Result<(), EmbeddedError> {
    let (new, pg) = (place.pg_new(), place.pg());
    tracing::info!(version = programs.version, dir = %pg.display(), "making the database");
    if new.exists() {
        std::fs::remove_dir_all(&new).map_err(EmbeddedError::data("remove", &new))?;
    }
    let mut initdb = Command::new(&programs.initdb);
    initdb.arg("-D").arg(&new).args(["-U", SUPERUSER, "-E", "UTF8", "--locale=C", "--data-checksums"]);
    initdb.args(["--auth-local=peer", "--auth-host=reject", "--no-instructions"]);
    finish("initdb", initdb, place).await?;

    let script = new.join("make-database.sql");
    // A statement a line, before any connection is possible.
    place.write(&script, &format!("{}\n", database::make(None).join("\n")))?;
    let mut single = Command::new(&programs.postgres);
    single.arg("--single").args(["-c", "exit_on_error=on"]).arg("-D").arg(&new).arg("postgres");
    let input = std::fs::File::open(&script).map_err(EmbeddedError::data("read", &script))?;
    finish_with("postgres --single", single, input.into(), place).await?;
    std::fs::remove_file(&script).map_err(EmbeddedError::data("remove", &script))?;

    std::fs::rename(&new, &pg).map_err(EmbeddedError::data("move", &new))?;
    let synced = std::fs::File::open(&place.data).and_then(|dir| dir.sync_all());
    synced.map_err(EmbeddedError::data("sync", &place.data))
}

async fn finish(step: &'static str, command: Command, place: &Place) -> Result<(), EmbeddedError> {
    finish_with(step, command, std::process::Stdio::null(), place).await
}

async fn finish_with(
    step: &'static str,
    mut command: Command,
    input: std::process::Stdio,
    place: &Place,
) -> Result<(), EmbeddedError> {
    prepare(&mut command, &place.account, Signal::SIGTERM);
    command.current_dir(&place.data).stdin(input);
    let output = tokio::process::Command::from(command).output().await;
    let output = output.map_err(EmbeddedError::data("start", Path::new(step)))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let output = text.lines().map(str::to_owned).rev().take(10).collect::<Vec<_>>();
    Err(EmbeddedError::Step { step, output: output.into_iter().rev().collect() })
}

impl Engine for Postgres {
    const NAME: &'static str = "postgres";
    /// "Fast": ends sessions. SIGTERM would wait for the last client.
    const STOP: Signal = Signal::SIGINT;
    /// The last checkpoint may have a lot to write.
    const STOP_LIMIT: Duration = Duration::from_secs(30);
    const LOG: fn(&str) = log;

    fn dir(&self) -> &Path {
        &self.dir
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-D").arg(&self.dir).args(["-p", "5432", "-c"]);
        command.arg(format!("unix_socket_directories={}", self.run.display()));
        command.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
        command.current_dir(&self.dir);
        command
    }

    /// A new connection each time: an open one is served by a process of its own and would not notice that
    /// the one which accepts connections is frozen.
    async fn probe(&mut self) -> Result<Health, String> {
        let asked = async {
            let (client, connection) = self.probe.connect(NoTls).await?;
            let question = client.simple_query("SELECT 1");
            tokio::select! {
                answer = question => answer.map(drop),
                end = connection => end,
            }
        };
        match asked.await {
            Ok(()) => Ok(Health::Ready),
            Err(error) if error.code().is_some_and(lives_on) => Ok(Health::Busy),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Answers of a server that is alive and well, only not for us now.
fn lives_on(code: &SqlState) -> bool {
    [SqlState::CANNOT_CONNECT_NOW, SqlState::TOO_MANY_CONNECTIONS].contains(code)
}

fn log(line: &str) {
    let (level, _) = line.split_once(':').unwrap_or_default();
    match level {
        "PANIC" => tracing::error!(target: "postgres", "{line}"),
        "FATAL" | "WARNING" => tracing::warn!(target: "postgres", "{line}"),
        // A refused statement is the business of whoever sent it.
        "ERROR" => tracing::info!(target: "postgres", "{line}"),
        _ => tracing::debug!(target: "postgres", "{line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_accounts_may_be_both_roles_and_nobody_the_superuser() {
        let text = identities(&["postgres".to_owned(), "root".to_owned()]);
        assert_eq!(
            text,
            "fleet \"postgres\" fleet_owner\nfleet \"postgres\" fleet_app\n\
             fleet \"root\" fleet_owner\nfleet \"root\" fleet_app\n"
        );
        assert!(!text.contains(SUPERUSER));
    }

    #[test]
    fn a_connection_string_leads_to_the_socket_and_the_role() {
        let config: tokio_postgres::Config =
            connection_string(Path::new("/run/it's here"), APP).parse().unwrap();
        let host = tokio_postgres::config::Host::Unix("/run/it's here".into());
        assert_eq!((config.get_hosts(), config.get_user()), (&[host][..], Some(APP)));
        assert_eq!(config.get_dbname(), Some(DATABASE));
    }

    #[test]
    fn the_statements_that_make_the_database_name_what_we_connect_as() {
        let text = database::make(None).join("\n");
        for name in [DATABASE, OWNER, APP] {
            assert!(text.contains(name), "{name}");
        }
    }
}
