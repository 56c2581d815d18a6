//! Where the distribution keeps the engines. Both are outside a user's `PATH`.

use std::path::{Path, PathBuf};

use super::EmbeddedError;

const MOSQUITTO: [&str; 2] = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"];

/// Debian keeps every major version in a folder of its own.
const POSTGRES: &str = "/usr/lib/postgresql";

/// The programs that are run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Programs {
    pub mosquitto: PathBuf,
    pub initdb: PathBuf,
    pub postgres: PathBuf,
    /// Major version of PostgreSQL.
    pub version: u32,
}

impl Programs {
    /// Finds them. Of several PostgreSQL versions the one that wrote `pg_dir`; for a new folder the highest.
    pub(super) fn find(pg_dir: &Path) -> Result<Self, EmbeddedError> {
        Self::find_below(Path::new(POSTGRES), pg_dir)
    }

    fn find_below(root: &Path, pg_dir: &Path) -> Result<Self, EmbeddedError> {
        let mosquitto = MOSQUITTO.iter().map(PathBuf::from).find(|path| path.exists());
        let installed = versions(root);
        let (Some(mosquitto), Some(highest)) = (mosquitto, installed.iter().max().copied()) else {
            return Err(EmbeddedError::NotInstalled);
        };
        let version = match std::fs::read_to_string(pg_dir.join("PG_VERSION")) {
            Err(_) => highest,
            Ok(text) => {
                text.trim().parse().ok().filter(|version| installed.contains(version)).ok_or_else(|| {
                    EmbeddedError::DatabaseVersion {
                        path: pg_dir.to_owned(),
                        found: text.trim().to_owned(),
                        installed: highest,
                    }
                })?
            }
        };
        let bin = root.join(version.to_string()).join("bin");
        Ok(Self { mosquitto, initdb: bin.join("initdb"), postgres: bin.join("postgres"), version })
    }
}

fn versions(root: &Path) -> Vec<u32> {
    let whole = |dir: &Path| dir.join("bin/initdb").exists() && dir.join("bin/postgres").exists();
    std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| whole(&entry.path()))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(root: &Path, version: &str) {
        let bin = root.join(version).join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        for name in ["initdb", "postgres"] {
            std::fs::write(bin.join(name), "").unwrap();
        }
    }

    #[test]
    fn a_folder_keeps_its_version_and_a_new_one_gets_the_highest() {
        let (root, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        install(root.path(), "9");
        install(root.path(), "15");
        std::fs::create_dir_all(root.path().join("17/bin")).unwrap();
        let find = || Programs::find_below(root.path(), data.path());
        assert_eq!(find().unwrap().version, 15);
        std::fs::write(data.path().join("PG_VERSION"), "9\n").unwrap();
        assert_eq!(find().unwrap().version, 9);
        std::fs::write(data.path().join("PG_VERSION"), "14\n").unwrap();
        let error = find().unwrap_err().to_string();
        assert!(error.contains("14") && error.contains("15") && error.contains("pg_upgrade"), "{error}");
    }

    #[test]
    fn what_is_missing_is_told_with_the_command_that_installs_it() {
        let root = tempfile::tempdir().unwrap();
        let error = Programs::find_below(root.path(), root.path()).unwrap_err().to_string();
        assert!(error.contains("sudo apt-get install mosquitto postgresql"), "{error}");
    }
}
