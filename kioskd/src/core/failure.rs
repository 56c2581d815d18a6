//! Why the store cannot be used, and what helps: what a person at the machine is told while the kiosk is out of service.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::catalog::Catalog;
use domain::config::KioskConfig;
use domain::input::{Action, Command, Input, Origin};
use domain::kiosk::Kiosk;
use domain::{Now, View};
use store::StoreError;

use super::{STORE_RETRY, activate};
use crate::ids::UuidSource;

/// A store that failed.
#[derive(Debug)]
pub struct Failure {
    error: StoreError,
    dir: PathBuf,
    is_full: bool,
}

impl Failure {
    /// The store at `path` failed. Whether the disk is full is asked of the disk as well: once a write has failed,
    /// further errors only say that it did.
    pub(super) fn new(error: StoreError, path: &Path) -> Self {
        let dir = path.parent().unwrap_or(Path::new("."));
        // Whoever is called is not where the daemon was started.
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
        let is_full = error.is_full() || has_no_room(&dir);
        Self { error, dir, is_full }
    }

    /// The code on the screen.
    pub(crate) fn code(&self) -> &'static str {
        if self.is_full { "STO-02" } else { "STO-01" }
    }

    /// What is wrong.
    pub(crate) fn what(&self) -> String {
        if self.is_full {
            return format!("the disk is full: no room in {}", self.dir.display());
        }
        // The sources tell what SQLite or the system said.
        let mut text = self.error.to_string();
        let mut source = std::error::Error::source(&self.error);
        while let Some(error) = source {
            text.push_str(&format!(": {error}"));
            source = error.source();
        }
        text
    }

    /// What the customer sees. The shop's name and languages come from the last catalog that is `known`; nothing is
    /// sold from it.
    pub(super) fn view(&self, config: &Arc<KioskConfig>, known: Option<&Arc<Catalog>>, now: &Now) -> View {
        let mut kiosk = Kiosk::new(Arc::clone(config), 0);
        let fault = Action::Fault { code: self.code().into(), detail: self.what().into() };
        let fault = Input::Command(Command { origin: Origin::Kiosk, action: fault });
        let catalog = known.map(|catalog| activate(Origin::Kiosk, Arc::clone(catalog), [0; 32]));
        for input in catalog.into_iter().chain([Input::Started, fault]) {
            let step = kiosk.decide(now, &mut UuidSource, input);
            step.changes.iter().for_each(|change| kiosk.apply(change));
        }
        kiosk.view(now)
    }

    /// What helps.
    pub(crate) fn fix(&self) -> String {
        let retry_s = STORE_RETRY.as_secs();
        if self.is_full {
            let dir = self.dir.display();
            format!("free space on the disk of {dir}; the kiosk comes back by itself within {retry_s} s")
        } else {
            format!("the kiosk tries again every {retry_s} s; what it finds is in journalctl -u kioskd")
        }
    }
}

impl std::fmt::Display for Failure {
    /// For whoever asked for something that needs the store.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "out of service {}: {}; {}", self.code(), self.what(), self.fix())
    }
}

fn has_no_room(dir: &Path) -> bool {
    nix::sys::statvfs::statvfs(dir).is_ok_and(|stat| stat.blocks_available() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: std::io::ErrorKind, dir: &Path) -> Failure {
        let path = dir.join("kiosk.db");
        Failure::new(StoreError::File { what: "write", path: path.clone(), source: kind.into() }, &path)
    }

    #[test]
    fn a_full_disk_is_told_with_its_folder_and_what_helps() {
        let dir = tempfile::tempdir().unwrap();
        let full = failed(std::io::ErrorKind::StorageFull, dir.path());
        assert_eq!(full.code(), "STO-02");
        assert_eq!(full.what(), format!("the disk is full: no room in {}", dir.path().display()));
        assert!(
            full.fix().contains("free space") && full.fix().contains("by itself within 5 s"),
            "{}",
            full.fix()
        );
    }

    #[test]
    fn a_kiosk_out_of_service_keeps_its_name_and_languages() {
        let dir = tempfile::tempdir().unwrap();
        let full = failed(std::io::ErrorKind::StorageFull, dir.path());
        let (catalog, _) = crate::catalog::read(Path::new("../catalog/alder-and-rye/catalog.json")).unwrap();
        let config = Arc::new(KioskConfig::new("t7.k0003", "K3"));
        let now = crate::clock::ShopClock::new(jiff::tz::TimeZone::UTC, 4).now();
        let view = full.view(&config, Some(&catalog), &now);
        assert_eq!((&*view.brand, view.languages.len()), ("Alder & Rye", 4));
        let domain::view::Page::OutOfService(page) = &view.page else { panic!("{}", view.page.name()) };
        assert_eq!((&*page.code, page.rest), ("STO-02", domain::view::Rest::Fault));
        assert_eq!(full.view(&config, None, &now).page.name(), "out-of-service", "without a catalog too");
    }

    #[test]
    fn any_other_failure_is_told_with_its_cause() {
        let dir = tempfile::tempdir().unwrap();
        let other = failed(std::io::ErrorKind::PermissionDenied, dir.path());
        assert_eq!(other.code(), "STO-01");
        let what = format!("cannot write {}: permission denied", dir.path().join("kiosk.db").display());
        assert_eq!(other.what(), what);
        assert!(other.fix().contains("journalctl"), "{}", other.fix());
    }
}
