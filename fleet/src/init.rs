//! What `fleetd serve` needs from a broker and a database that are somebody else's, written into one folder.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::database::{self, APP, DATABASE, OWNER};
use crate::embedded::mosquitto::{Listeners, for_fleet};
use crate::embedded::{certificates, server_names};
use crate::pki::PkiError;
use crate::pki::files::{Access, replace};
use crate::settings::{Database, Http, Settings};
use crate::updates::keys::{Keys, KeysError};
use protocol::text::hex;
use protocol::topic::{FLEET_ACL, KIOSK_ACL};

/// What is to be written.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder; made if it is not there.
    pub dir: PathBuf,
    /// Names and addresses under which kiosks and people reach broker and API; the first is told to kiosks.
    pub names: Vec<String>,
    /// Port of the broker's listener for kiosks.
    pub kiosk_port: u16,
    /// Port of the broker's listener for `fleetd`, on this machine.
    pub internal_port: u16,
    /// Port of the API on this machine (HTTP).
    pub http_port: u16,
    /// Port of the API for everybody (HTTPS).
    pub https_port: u16,
    /// Host of the database.
    pub postgres_host: String,
    /// Its port.
    pub postgres_port: u16,
}

/// The folder cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// No certificates.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// No keys for updates.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The disk refuses.
    #[error("cannot write {}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The settings cannot be written.
    #[error("the settings cannot be written as TOML")]
    Settings(#[from] toml::ser::Error),
    /// No randomness.
    #[error("the operating system gave no random bytes")]
    Random,
}

/// Makes authorities, configurations and passwords; tells what was written. What is there stays, so that it may have
/// been changed by hand, but for the certificates of broker and `fleetd`: they are good for a year and made anew.
///
/// # Errors
/// See [`InitError`].
pub fn init(options: &Options) -> Result<Vec<PathBuf>, InitError> {
    let dir = std::path::absolute(&options.dir).map_err(failed(&options.dir))?;
    let ca = dir.join("ca");
    std::fs::create_dir_all(&ca).map_err(failed(&ca))?;
    Keys::load_or_create(&ca)?;
    let names = server_names(&options.names);
    certificates::prepare(&ca, &names, SystemTime::now())?;
    let listeners = Listeners { bind: None, kiosks: options.kiosk_port, internal: options.internal_port };
    let [owner, app] = [password()?, password()?];
    let broker = "# For /etc/mosquitto/conf.d; written by fleetd init.\n".to_owned()
        + &for_fleet(&dir, &ca, listeners);
    let settings = "# Written by fleetd init.\n".to_owned()
        + &toml::to_string(&settings(options, &dir, listeners, [&owner, &app]))?;
    let mut written = Vec::new();
    // The passwords stand in both: neither is of use with the other from another time.
    if !dir.join("fleetd.toml").exists() {
        written.push(keep(&dir.join("database.sql"), &database(&owner, &app), Access::Owner)?);
        written.push(keep(&dir.join("fleetd.toml"), &settings, Access::Owner)?);
    }
    for (name, text) in
        [("mosquitto.conf", broker.as_str()), ("kiosk.acl", KIOSK_ACL), ("fleet.acl", FLEET_ACL)]
    {
        if !dir.join(name).exists() {
            written.push(keep(&dir.join(name), text, Access::Everybody)?);
        }
    }
    Ok(written)
}

fn settings(options: &Options, dir: &Path, listeners: Listeners, [owner, app]: [&str; 2]) -> Settings {
    let (host, port) = (&options.postgres_host, options.postgres_port);
    let role = |role: &str, password: &str| {
        format!("host={host} port={port} dbname={DATABASE} user={role} password={password}")
    };
    let first = options.names.first().map_or("localhost", String::as_str);
    let http = Http {
        listen: Some(([127, 0, 0, 1], options.http_port).into()),
        tls_listen: Some(([0, 0, 0, 0], options.https_port).into()),
        names: server_names(&options.names),
        broker_for_kiosks: format!("{first}:{}", options.kiosk_port),
    };
    let database = Database { owner: Some(role(OWNER, owner)), app: role(APP, app), ca: None };
    let mut settings = Settings::new(database, (listeners.internal_address(), &dir.join("ca")), http);
    settings.broker_reload = Some("sudo -n systemctl reload mosquitto".to_owned());
    settings.admin_token = Some(dir.join("admin-token"));
    settings
}

fn database(owner: &str, app: &str) -> String {
    let statements = database::make(Some([owner, app]));
    format!("-- For psql as a superuser, once; written by fleetd init.\n{};\n", statements.join(";\n"))
}

fn keep(path: &Path, text: &str, access: Access) -> Result<PathBuf, InitError> {
    replace(path, text.as_bytes(), access).map_err(failed(path))?;
    Ok(path.to_owned())
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> InitError {
    let path = path.to_owned();
    move |source| InitError::Write { path, source }
}

/// 128 random bits.
fn password() -> Result<String, InitError> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| InitError::Random)?;
    Ok(hex(&bytes))
}
