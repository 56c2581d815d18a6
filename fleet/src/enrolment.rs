//! How a machine becomes a kiosk: a person makes a one-time code and the machine sends it with its request, or
//! the machine shows one and a person takes it in ([`claim`]).
//!
//! Codes are short because people type them, so guessing is made slow ([`crate::misses`]): 40 bits, 15 minutes,
//! five misses a beginning of code or a peer, a hundred in all.

pub(crate) mod claim;
pub(crate) mod revocation;

use std::collections::BTreeSet;

use deadpool_postgres::Transaction;
use protocol::topic::KioskId;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::json;

use crate::access::{AccessError, digest};
use crate::audit::{self, Entry};
use crate::database::{DatabaseError, Trying};
use crate::misses::Door;
use crate::pki::KioskCertificate;

/// No I, O, 0, 1: 32 characters that nobody confuses.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// Characters of a code.
const LENGTH: usize = 8;

/// How long a code is good.
const MINUTES: i32 = 15;

/// Wrong codes, by their beginning.
pub(crate) const CODES: Door =
    Door { name: "enrolment", peer_max: 5, guess_max: 5, guess_of_all: true, all_max: 100 };

/// Certificates that one kiosk may renew in an hour.
const RENEWALS_MAX: i64 = 10;

/// A one-time code, or what somebody sent for one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Code(String);

impl Code {
    /// A new one.
    pub(crate) fn random() -> Result<Self, AccessError> {
        let mut bytes = [0; LENGTH];
        SystemRandom::new().fill(&mut bytes).map_err(|_| AccessError::Random)?;
        // 256 is a multiple of 32: every character is as likely as any other.
        Ok(Self(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()))
    }

    /// As typed: dashes, blanks and case do not matter.
    pub(crate) fn read(text: &str) -> Self {
        let significant = text.chars().filter(|c| !c.is_whitespace() && *c != '-').take(LENGTH + 1);
        Self(significant.map(|c| c.to_ascii_uppercase()).collect())
    }

    /// In two groups.
    pub(crate) fn shown(&self) -> String {
        let (first, second) = self.0.split_at(LENGTH / 2);
        format!("{first}-{second}")
    }

    /// Its beginning, as far as misses are counted by it. Hashed: a mistyped code is nearly a good one.
    pub(crate) fn prefix(&self) -> Vec<u8> {
        let beginning: String = self.0.chars().take(3).collect();
        digest(&beginning).into_iter().take(8).collect()
    }

    fn hash(&self) -> Vec<u8> {
        digest(&format!("enrolment {}", self.0))
    }
}

/// What a code makes of a machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wanted {
    pub tenant: String,
    pub site: String,
    pub kiosk: Option<String>,
    pub name: String,
    pub tags: Vec<String>,
    pub by: String,
}

/// Stores a code and returns until when it is good.
pub(crate) async fn store(
    transaction: &Transaction<'_>,
    code: &Code,
    wanted: &Wanted,
) -> Result<String, DatabaseError> {
    let sql = "INSERT INTO enrolment_code (hash, tenant, site, kiosk, name, tags, created_by, expires_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(mins => $8))
               RETURNING to_jsonb(expires_at)#>>'{}'";
    let Wanted { tenant, site, kiosk, name, tags, by } = wanted;
    let row = transaction
        .query_one(sql, &[&code.hash(), tenant, site, kiosk, name, tags, by, &MINUTES])
        .await
        .trying("store a code")?;
    Ok(row.get(0))
}

/// Takes a code if it is good; from then on the transaction is in its tenant.
pub(crate) async fn take(
    transaction: &Transaction<'_>,
    code: &Code,
) -> Result<Option<Wanted>, DatabaseError> {
    let sql = "SELECT tenant, site, kiosk, name, tags, created_by FROM take_enrolment_code($1)";
    let Some(row) = transaction.query_opt(sql, &[&code.hash()]).await.trying("take a code")? else {
        return Ok(None);
    };
    let wanted = Wanted {
        tenant: row.get(0),
        site: row.get(1),
        kiosk: row.get(2),
        name: row.get(3),
        tags: row.get(4),
        by: row.get(5),
    };
    enter(transaction, &wanted.tenant).await?;
    Ok(Some(wanted))
}

/// From now on the transaction is in this tenant.
async fn enter(transaction: &Transaction<'_>, tenant: &str) -> Result<(), DatabaseError> {
    let sql = "SELECT set_config('app.tenant', $1, true)";
    transaction.execute(sql, &[&tenant]).await.trying("enter the tenant")?;
    Ok(())
}

/// The kiosk that a code stands for, new or known, and its site.
pub(crate) async fn admit(
    transaction: &Transaction<'_>,
    wanted: &Wanted,
    hardware: &str,
    version: &str,
) -> Result<(KioskId, String), DatabaseError> {
    if let Some(kiosk) = &wanted.kiosk {
        // Another machine counts its starts from the beginning, and was not heard of yet.
        let sql = "UPDATE kiosk SET hardware = $2, version = CASE WHEN $3 = '' THEN version ELSE $3 END,
                          boot = 0, conn = 0,
                          is_on = false, went_off = coalesce(went_off, now())
                   WHERE id = $1 AND state = 'active' RETURNING id, site";
        let row =
            transaction.query_opt(sql, &[kiosk, &hardware, &version]).await.trying("give a kiosk anew")?;
        if let Some(row) = row {
            return Ok((own(row.get(0)), row.get(1)));
        }
        // Decommissioned since the code was made: the machine becomes another kiosk.
    }
    loop {
        let sql = "INSERT INTO kiosk_number (tenant, last) VALUES ($1, 1)
                   ON CONFLICT (tenant) DO UPDATE SET last = kiosk_number.last + 1 RETURNING last";
        let row = transaction.query_one(sql, &[&wanted.tenant]).await.trying("number a kiosk")?;
        let id = format!("{}.k{:04}", wanted.tenant, row.get::<_, i64>(0));
        let sql = "INSERT INTO kiosk (id, tenant, site, name, tags, hardware, version)
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
        let Wanted { tenant, site, name, tags, .. } = wanted;
        let made = transaction
            .execute(sql, &[&id, tenant, site, name, tags, &hardware, &version])
            .await
            .trying("store a kiosk")?;
        if made == 1 {
            return Ok((own(&id), wanted.site.clone()));
        }
    }
}

fn own(id: &str) -> KioskId {
    KioskId::new(id).expect("the table checks ids, and tenants are short")
}

/// Stores a certificate. A key belongs to one kiosk, so certificates of others with it are revoked; `anew`
/// revokes those of the same kiosk, too. Returns whose were revoked.
pub(crate) async fn keep_certificate(
    transaction: &Transaction<'_>,
    tenant: &str,
    kiosk: &KioskId,
    certificate: &KioskCertificate,
    anew: bool,
) -> Result<BTreeSet<String>, DatabaseError> {
    let doing = "store a certificate";
    let sql = "UPDATE certificate SET revoked_at = now(), reason = 'superseded'
               WHERE revoked_at IS NULL AND expires_at > now()
                 AND CASE WHEN kiosk = $1 THEN $3 ELSE key_id = $2 END
               RETURNING kiosk";
    let rows = transaction.query(sql, &[&kiosk.as_str(), &certificate.key_id, &anew]).await.trying(doing)?;
    let sql = "INSERT INTO certificate (serial, tenant, kiosk, key_id, pem, expires_at)
               VALUES ($1, $2, $3, $4, $5, to_timestamp($6))";
    let ends = certificate.not_after.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let KioskCertificate { pem, serial, key_id, .. } = certificate;
    transaction
        .execute(sql, &[&serial.to_string(), &tenant, &kiosk.as_str(), key_id, pem, &ends])
        .await
        .trying(doing)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Seconds to wait, if this kiosk has renewed too often.
pub(crate) async fn check_pace(
    transaction: &Transaction<'_>,
    kiosk: &KioskId,
) -> Result<Option<u32>, DatabaseError> {
    let sql = "SELECT count(*) FROM certificate WHERE kiosk = $1 AND issued_at > now() - interval '1 hour'";
    let row = transaction.query_one(sql, &[&kiosk.as_str()]).await.trying("count certificates")?;
    Ok((row.get::<_, i64>(0) >= RENEWALS_MAX).then_some(3600))
}

/// Notes in the audit log who became a kiosk, by whose code.
pub(crate) async fn note(
    transaction: &Transaction<'_>,
    wanted: &Wanted,
    kiosk: &KioskId,
    certificate: &KioskCertificate,
    peer: &str,
) -> Result<(), DatabaseError> {
    let entry = Entry {
        actor: &format!("by {}", wanted.by),
        action: "kiosk.enrol",
        subject: kiosk.as_str(),
        detail: json!({ "site": wanted.site, "peer": peer, "serial": certificate.serial.to_string() }),
    };
    audit::note(transaction, &wanted.tenant, entry).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = Code::random().unwrap();
        assert_eq!(code.0.len(), LENGTH);
        let typed = format!(" {} ", code.shown().to_lowercase().replace('-', " - "));
        assert!(Code::read(&typed) == code);
        assert!(Code::read(&format!("{}2", code.0)) != code);
        assert!(Code::read("").prefix() != code.prefix());
    }
}
