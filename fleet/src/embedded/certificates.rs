//! The certificates of a data folder.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::pki::files::Access;
use crate::pki::folder::{LIST, file, keep_revocation_list, write};
use crate::pki::{Authorities, CRL_LIFE, Identity, PkiError};

/// The broker's and `fleetd`'s own certificates are made anew at every start and after so long without one:
/// they are good for a year, and everybody pins their authority, not them.
pub(super) const RENEWAL: Duration = Duration::from_secs(30 * 24 * 3600);

/// Authorities, broker, `fleetd`, revocation list: what the broker needs to start.
pub(crate) fn prepare(ca: &Path, names: &[String], now: SystemTime) -> Result<(), PkiError> {
    let first = !ca.join("kiosk-ca.pem").exists();
    let authorities = Authorities::load_or_create(ca, now)?;
    issue_own(&authorities, ca, names, now)?;
    let path = ca.join(LIST);
    let list = if first {
        authorities.kiosk.revocation_list(&[], 1, now)?
    } else {
        let old = std::fs::read_to_string(&path).map_err(file("read", &path));
        match old.and_then(|old| authorities.kiosk.prolong(&old, now)) {
            Ok(list) => list,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "kiosks stay out until fleetd lists the revoked ones anew");
                closed(&authorities, now)?
            }
        }
    };
    keep_revocation_list(ca, &list)
}

/// Makes the broker's and `fleetd`'s certificates anew.
pub(super) fn renew_own(ca: &Path, names: &[String], now: SystemTime) -> Result<(), PkiError> {
    issue_own(&Authorities::load(ca)?, ca, names, now)
}

/// A list that is out of date makes the broker refuse every kiosk: who had been revoked is not known until the
/// database was asked. Its number 0 keeps the next start from prolonging it.
fn closed(authorities: &Authorities, now: SystemTime) -> Result<String, PkiError> {
    let past = now.checked_sub(CRL_LIFE + RENEWAL).unwrap_or(SystemTime::UNIX_EPOCH);
    authorities.kiosk.revocation_list(&[], 0, past)
}

fn issue_own(
    authorities: &Authorities,
    ca: &Path,
    names: &[String],
    now: SystemTime,
) -> Result<(), PkiError> {
    keep(ca, "broker", &authorities.fleet.issue_server(names, now)?)?;
    keep(ca, "fleetd", &authorities.fleet.issue_fleetd(now)?)
}

fn keep(ca: &Path, stem: &str, identity: &Identity) -> Result<(), PkiError> {
    write(&ca.join(stem).with_extension("key"), &identity.key_pem, Access::Owner)?;
    write(&ca.join(stem).with_extension("pem"), &identity.certificate_pem, Access::Everybody)
}
