//! What `fleetd serve --config FILE` reads, and `fleetd embedded` writes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::embedded::Engines;
use crate::link::Broker;

/// Everything a replica needs to know. Unknown keys are refused, with file and line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The database.
    pub database: Database,
    /// The broker.
    pub broker: Broker,
    /// Folder of the authorities: this replica may sign and revoke kiosks.
    pub authorities: PathBuf,
    /// A shell command that lets the broker read `kiosk.crl` again, for example `systemctl reload mosquitto`.
    /// `fleetd embedded` needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker_reload: Option<String>,
    /// Where the first admin's token goes if this file is not there; an empty database gets a tenant and a site, too.
    /// For one replica, at its first start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_token: Option<PathBuf>,
    /// Seconds that a kiosk may sell its part of scarce goods without hearing from the fleet; half as long it
    /// sells on before it gets a new lease. One minute to thirty days.
    #[serde(default = "quota_lease_s")]
    pub quota_lease_s: i32,
    /// Releases.
    #[serde(default)]
    pub updates: Updates,
    /// Ingest.
    #[serde(default)]
    pub ingest: Ingest,
    /// Where people and kiosks reach the API.
    #[serde(default)]
    pub http: Http,
}

/// Eight hours: a shop's day, so that one without a network opens and closes with what it has.
fn quota_lease_s() -> i32 {
    8 * 3600
}

/// The database.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Connection string of the role that owns the tables; without it somebody else migrates.
    pub owner: Option<String>,
    /// Connection string of the role that everything else runs as. With `sslmode=require` the way there is encrypted
    /// and the server proves its name.
    pub app: String,
    /// The authority that the server's certificate is signed by, in PEM; it implies `sslmode=require`. Without, the
    /// system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

/// Releases.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Updates {
    /// Where they are kept, the same folder for all replicas; `updates` beside the folder of the authorities if not
    /// given. Made if it is not there. With a bucket it is this replica's copy of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Where they are kept instead: a bucket that all replicas share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
}

/// A bucket of Amazon S3, or of a store that speaks as S3 does. Who we are is in the environment
/// (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`), or comes from the machine's role.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What our objects' names begin with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// `https://HOST:PORT` of a store that is not Amazon's; `http://` is taken, too: releases prove themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// As Amazon names them; `us-east-1` if neither this nor `AWS_REGION` says another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The authority that signed the endpoint's certificate, in PEM, besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

/// Ingest.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ingest {
    /// Connections to the broker, each with a transaction of its own under way.
    pub workers: usize,
}

impl Default for Ingest {
    fn default() -> Self {
        Self { workers: 2 }
    }
}

/// Where the API is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Plain HTTP, for people on this machine or a proxy in front; loopback only.
    pub listen: Option<SocketAddr>,
    /// HTTPS with the fleet authority's certificate, for kiosks.
    pub tls_listen: Option<SocketAddr>,
    /// DNS names and IP addresses under which `tls_listen` is reached, for its certificate.
    pub names: Vec<String>,
    /// Host and port under which kiosks reach the broker; told at enrolment.
    pub broker_for_kiosks: String,
}

/// Settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its content is wrong.
    #[error("{}", path.display())]
    Content {
        /// Its path.
        path: PathBuf,
        /// Where and what.
        source: toml::de::Error,
    },
    /// Plain HTTP for everybody.
    #[error(
        "http.listen {0}: only this machine may; people elsewhere come through http.tls_listen or a proxy"
    )]
    Open(SocketAddr),
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A certificate for nobody.
    #[error("http.names: the names under which http.tls_listen is reached, at least one")]
    NoNames,
    /// No worker at all.
    #[error("ingest.workers: 1 to 64")]
    Workers,
    /// A lease that is over before a kiosk has it, or never.
    #[error("quota_lease_s: 60 to 2592000")]
    Lease,
}

impl Settings {
    /// The settings of a replica on the engines of `fleetd embedded`.
    pub fn for_engines(engines: &Engines, http: Http) -> Self {
        let (owner, app) = (Some(engines.database.owner.clone()), engines.database.app.clone());
        Self::new(Database { owner, app, ca: None }, (engines.broker_internal, &engines.ca_dir), http)
    }

    /// The settings of a replica beside a broker that uses the same folder of authorities.
    pub(crate) fn new(database: Database, (broker, ca): (SocketAddr, &Path), http: Http) -> Self {
        Self {
            database,
            broker: Broker::private(broker, ca),
            authorities: ca.to_owned(),
            broker_reload: None,
            admin_token: None,
            quota_lease_s: quota_lease_s(),
            updates: Updates::default(),
            ingest: Ingest::default(),
            http,
        }
    }

    /// Where releases are kept.
    pub(crate) fn releases(&self) -> PathBuf {
        self.updates.folder.clone().unwrap_or_else(|| self.authorities.with_file_name("updates"))
    }

    /// Writes them for another replica to read.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), SettingsError> {
        let failed = |source| SettingsError::Write { path: path.to_owned(), source };
        let text = toml::to_string(self).map_err(|error| failed(std::io::Error::other(error)))?;
        std::fs::write(path, format!("# Written by fleetd embedded at every start.\n{text}")).map_err(failed)
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// It cannot be read, or says something that cannot be used.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
        let settings: Self = toml::from_str(&text)
            .map_err(|source| SettingsError::Content { path: path.to_owned(), source })?;
        if let Some(listen) = settings.http.listen.filter(|listen| !listen.ip().is_loopback()) {
            return Err(SettingsError::Open(listen));
        }
        if settings.http.tls_listen.is_some() && settings.http.names.is_empty() {
            return Err(SettingsError::NoNames);
        }
        if !(1..=64).contains(&settings.ingest.workers) {
            return Err(SettingsError::Workers);
        }
        if !(60..=30 * 24 * 3600).contains(&settings.quota_lease_s) {
            return Err(SettingsError::Lease);
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
        authorities = 'ca'
        [database]
        app = 'host=/run user=fleet_app dbname=fleet'
        [broker]
        host = '127.0.0.1'
        port = 8884
        ca = 'ca/fleet-ca.pem'
        certificate = 'ca/fleetd.pem'
        key = 'ca/fleetd.key'
    ";

    fn load(text: &str) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleetd.toml");
        std::fs::write(&path, text).unwrap();
        Settings::load(&path).map_err(|error| format!("{:#}", anyhow::Error::new(error)))
    }

    #[test]
    fn the_least_that_is_needed_is_enough() {
        assert_eq!(load(GOOD).unwrap().ingest.workers, 2);
    }

    #[test]
    fn a_mistake_is_told_once() {
        let error = load(&format!("colour = 'red'\n{GOOD}")).unwrap_err();
        assert_eq!(error.matches("unknown field").count(), 1, "{error}");
    }

    #[test]
    fn what_cannot_be_used_is_told_with_its_place() {
        for (more, told) in [
            ("colour = 'red'", "line"),
            ("[ingest]\nworkers = 0", "ingest.workers"),
            ("[http]\nlisten = '0.0.0.0:80'", "http.listen"),
            ("[http]\ntls_listen = '0.0.0.0:443'", "http.names"),
        ] {
            let error = load(&format!("{GOOD}\n{more}")).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
