//! Claims: a machine without a keyboard shows a code, and a person takes it in from elsewhere.
//!
//! ```text
//! machine ─ POST /v1/claims {csr} ─► code, secret        shows the code
//! person  ─ POST /v1/claims/approve {code, site} ─►      compares the code, picks the site
//! machine ─ POST /v1/claims/poll {secret} ─► waiting …, then its certificate
//! ```

use deadpool_postgres::{Object, Transaction};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::{Code, MINUTES, Wanted};
use crate::access::{AccessError, digest};
use crate::database::{DatabaseError, Trying};

/// Claims that one address may open in 15 minutes: a shop may set up many machines at once.
const PER_PEER: i64 = 60;

/// Claims that may be open at a time.
const OPEN_MAX: i64 = 5000;

/// What only the machine knows.
pub(crate) fn new_secret() -> Result<String, AccessError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| AccessError::Random)?;
    Ok(protocol::text::hex(&bytes))
}

/// A machine that waits.
pub(crate) struct Machine<'a> {
    pub csr: &'a str,
    pub hardware: &'a str,
    pub version: &'a str,
    pub peer: &'a str,
}

/// Opens a claim and returns for how many seconds it is good; `None`: there are too many.
pub(crate) async fn open(
    connection: &Object,
    secret: &str,
    code: &Code,
    machine: &Machine<'_>,
) -> Result<Option<u32>, DatabaseError> {
    let doing = "open a claim";
    let sql = "DELETE FROM claim WHERE expires_at < now() - interval '1 day'";
    connection.execute(sql, &[]).await.trying(doing)?;
    let sql = "INSERT INTO claim (secret, code, csr, hardware, version, peer, expires_at)
               SELECT $1, $2, $3, $4, $5, $6, now() + make_interval(mins => $7)
               WHERE (SELECT count(*) FROM claim
                      WHERE peer = $6 AND opened_at > now() - make_interval(mins => $7)) < $8
                 AND (SELECT count(*) FROM claim WHERE expires_at > now()) < $9";
    let Machine { csr, hardware, version, peer } = machine;
    let (secret, code) = (digest(secret), code.hash());
    let opened = connection
        .execute(sql, &[&secret, &code, csr, hardware, version, peer, &MINUTES, &PER_PEER, &OPEN_MAX])
        .await
        .trying(doing)?;
    Ok((opened == 1).then(|| MINUTES.unsigned_abs() * 60))
}

/// What a person learns of the machine that they took in.
pub(crate) struct Approved {
    pub hardware: String,
    pub version: String,
    pub peer: String,
}

/// Takes a machine in, once. It has 15 minutes more to fetch what it becomes.
pub(crate) async fn approve(
    transaction: &Transaction<'_>,
    code: &Code,
    wanted: &Wanted,
) -> Result<Option<Approved>, DatabaseError> {
    let sql = "UPDATE claim SET tenant = $2, site = $3, kiosk = $4, name = $5, tags = $6, approved_by = $7,
                      expires_at = now() + make_interval(mins => $8)
               WHERE code = $1 AND approved_by IS NULL AND expires_at > now()
               RETURNING hardware, version, peer";
    let Wanted { tenant, site, kiosk, name, tags, by } = wanted;
    let row = transaction
        .query_opt(sql, &[&code.hash(), tenant, site, kiosk, name, tags, by, &MINUTES])
        .await
        .trying("take a machine in")?;
    Ok(row.map(|row| Approved { hardware: row.get(0), version: row.get(1), peer: row.get(2) }))
}

/// How a claim stands.
#[expect(clippy::large_enum_variant, reason = "one a request, taken apart where it is made")]
pub(crate) enum Claim {
    /// There is none with this secret, or its time is over.
    Over,
    /// Nobody has taken the machine in yet.
    Waiting,
    /// Somebody has; from now on the transaction is in the tenant.
    Approved { wanted: Wanted, csr: String, hardware: String, version: String },
}

/// Looks at a claim, and holds it: two questions at once must not make two kiosks.
pub(crate) async fn look(transaction: &Transaction<'_>, secret: &str) -> Result<Claim, DatabaseError> {
    let sql = "SELECT tenant, site, kiosk, name, tags, approved_by, csr, hardware, version FROM claim
               WHERE secret = $1 AND expires_at > now() FOR UPDATE";
    let doing = "look at a claim";
    let Some(row) = transaction.query_opt(sql, &[&digest(secret)]).await.trying(doing)? else {
        return Ok(Claim::Over);
    };
    let Some(by) = row.get::<_, Option<String>>(5) else { return Ok(Claim::Waiting) };
    let wanted = Wanted {
        tenant: row.get(0),
        site: row.get(1),
        kiosk: row.get(2),
        name: row.get(3),
        tags: row.get(4),
        by,
    };
    super::enter(transaction, &wanted.tenant).await?;
    Ok(Claim::Approved { wanted, csr: row.get(6), hardware: row.get(7), version: row.get(8) })
}

/// Notes which kiosk the machine became: asked again, it becomes the same one.
pub(crate) async fn fulfilled(
    transaction: &Transaction<'_>,
    secret: &str,
    kiosk: &str,
) -> Result<(), DatabaseError> {
    let sql = "UPDATE claim SET kiosk = $2 WHERE secret = $1";
    transaction.execute(sql, &[&digest(secret), &kiosk]).await.trying("note what a machine became")?;
    Ok(())
}
