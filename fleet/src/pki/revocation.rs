//! The list of revoked kiosks (CRL).
//!
//! A list past its `nextUpdate` makes Mosquitto refuse *every* kiosk, so it is made for [`CRL_LIFE`] and
//! must be made again daily, revoked kiosks or not.

use std::time::{Duration, SystemTime};

use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevocationReason, RevokedCertParams};
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use super::authority::KioskAuthority;
use super::{PkiError, Serial, representable};

/// How long after its making a list is good.
pub const CRL_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// One revoked certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revoked {
    /// Which one.
    pub serial: Serial,
    /// Since when.
    pub at: SystemTime,
    /// Why.
    pub because: RevokedBecause,
}

/// Why a certificate was revoked (RFC 5280 §5.3.1, those that fit a kiosk).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RevokedBecause {
    /// Not told.
    Unspecified,
    /// Stolen, opened or cloned.
    KeyCompromise,
    /// Renewed: another certificate took its place.
    Superseded,
    /// Decommissioned.
    CessationOfOperation,
    /// The operator withdrew the right to take part.
    PrivilegeWithdrawn,
}

impl From<RevokedBecause> for RevocationReason {
    fn from(because: RevokedBecause) -> Self {
        match because {
            RevokedBecause::Unspecified => Self::Unspecified,
            RevokedBecause::KeyCompromise => Self::KeyCompromise,
            RevokedBecause::Superseded => Self::Superseded,
            RevokedBecause::CessationOfOperation => Self::CessationOfOperation,
            RevokedBecause::PrivilegeWithdrawn => Self::PrivilegeWithdrawn,
        }
    }
}

impl KioskAuthority {
    /// Makes the list of revoked kiosks, in PEM. `number` must grow from list to list.
    ///
    /// # Errors
    /// A time that certificates cannot state.
    pub fn revocation_list(
        &self,
        revoked: &[Revoked],
        number: u64,
        now: SystemTime,
    ) -> Result<String, PkiError> {
        let now = representable(now)?;
        let revoked_certs = revoked
            .iter()
            .map(|one| {
                Ok(RevokedCertParams {
                    serial_number: one.serial.to_rcgen(),
                    revocation_time: representable(one.at)?.into(),
                    reason_code: Some(one.because.into()),
                    invalidity_date: None,
                })
            })
            .collect::<Result<_, PkiError>>()?;
        let list = CertificateRevocationListParams {
            this_update: now.into(),
            next_update: representable(now + CRL_LIFE)?.into(),
            crl_number: rcgen::SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(self.issuer())?.pem()?)
    }

    /// Makes the same list again with a new date and the next number: nobody comes in or out. For the start
    /// after a long time off, before the database that knows the revoked kiosks can be asked.
    ///
    /// # Errors
    /// `list` is none that this authority signed, or has the number 0: such a list stands in for one that was
    /// lost, so who is revoked is not known.
    pub fn prolong(&self, list: &str, now: SystemTime) -> Result<String, PkiError> {
        let (_, block) =
            x509_parser::pem::parse_x509_pem(list.as_bytes()).map_err(|_| PkiError::ForeignList)?;
        let (_, old) =
            CertificateRevocationList::from_der(&block.contents).map_err(|_| PkiError::ForeignList)?;
        let (_, own) = x509_parser::parse_x509_certificate(self.der()).map_err(|_| PkiError::ForeignList)?;
        old.verify_signature(own.public_key()).map_err(|_| PkiError::ForeignList)?;
        let number = old
            .crl_number()
            .and_then(|number| u64::try_from(number).ok())
            .filter(|number| *number > 0)
            .and_then(|number| number.checked_add(1))
            .ok_or(PkiError::ForeignList)?;
        let revoked = old.iter_revoked_certificates().map(entry).collect::<Result<Vec<_>, _>>()?;
        self.revocation_list(&revoked, number, now)
    }
}

/// When a list ends, in seconds since 1970; `None`: it is no list.
pub(crate) fn list_ends(list: &[u8]) -> Option<i64> {
    let (_, block) = x509_parser::pem::parse_x509_pem(list).ok()?;
    let (_, list) = CertificateRevocationList::from_der(&block.contents).ok()?;
    Some(list.next_update()?.timestamp())
}

fn entry(old: &x509_parser::revocation_list::RevokedCertificate<'_>) -> Result<Revoked, PkiError> {
    let seconds = u64::try_from(old.revocation_date.timestamp()).map_err(|_| PkiError::ForeignList)?;
    Ok(Revoked {
        serial: Serial::from_be_bytes(old.raw_serial()).ok_or(PkiError::ForeignList)?,
        at: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        because: match old.reason_code().map(|(_, code)| code.0) {
            Some(1) => RevokedBecause::KeyCompromise,
            Some(4) => RevokedBecause::Superseded,
            Some(5) => RevokedBecause::CessationOfOperation,
            Some(9) => RevokedBecause::PrivilegeWithdrawn,
            Some(_) | None => RevokedBecause::Unspecified,
        },
    })
}
