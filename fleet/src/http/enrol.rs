//! Becoming a kiosk, and staying one.

use std::collections::BTreeSet;
use std::time::SystemTime;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use deadpool_postgres::Transaction;
use protocol::topic::KioskId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Api;
use super::door::{Device, Staff};
use super::extract::Body;
use super::listen::Peer;
use super::page::text;
use super::problem::{Answer, Failed};
use crate::database::Trying;
use crate::enrolment::claim::Machine;
use crate::enrolment::{self, Code, Wanted};
use crate::hub::Subject;
use crate::pki::{CheckedRequest, check_request};
use crate::registry;

/// Asks to become a kiosk.
#[derive(Deserialize, Debug, utoipa::ToSchema)]
pub(super) struct Enrolment {
    /// One-time code.
    code: String,
    /// Certificate request, PEM; P-256. Its subject does not matter.
    csr: String,
    /// Serial number of the hardware, for people.
    #[serde(default)]
    serial: String,
    /// Of the kiosk's program.
    #[serde(default)]
    version: String,
}

/// A new kiosk.
#[derive(Serialize, Debug, utoipa::ToSchema)]
pub(super) struct Enrolled {
    /// Its id.
    pub(super) kiosk: String,
    /// Its certificate, PEM.
    certificate: String,
    /// The authority that signed it, PEM.
    chain: String,
    /// The authority of broker and HTTPS, to be pinned, PEM.
    fleet_ca: String,
    /// Host and port of the broker.
    broker: String,
    /// Its tenant.
    tenant: String,
    /// Its site.
    site: String,
    /// Whose assignments and halts it obeys: public Ed25519 keys, 64 hexadecimal digits.
    campaign_keys: Vec<String>,
}

/// Makes a kiosk of whoever has a code.
#[utoipa::path(post, path = "/v1/enroll", tag = "enrolment", request_body = Enrolment,
    responses((status = 201, body = Enrolled)))]
pub(super) async fn enrol(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(asked): Body<Enrolment>,
) -> Answer<(axum::http::StatusCode, Json<Enrolled>)> {
    text("serial", &asked.serial, 200)?;
    text("version", &asked.version, 64)?;
    let request = check_request(&asked.csr).map_err(|error| Failed::unfit("csr", error.to_string()))?;
    let peer = peer.address.ip().to_string();
    let mut connection = api.database.connection().await?;
    let code = Code::read(&asked.code);
    if let Some(seconds) = enrolment::CODES.throttled(&connection, &peer, &code.prefix()).await? {
        return Err(Failed::too_many("too many wrong codes", seconds));
    }
    let transaction = connection.transaction().await.trying("begin")?;
    let Some(wanted) = enrolment::take(&transaction, &code).await? else {
        drop(transaction);
        enrolment::CODES.note(&connection, &peer, &code.prefix()).await?;
        return Err(Failed::wrong_code());
    };
    let machine = Machine { csr: &asked.csr, hardware: &asked.serial, version: &asked.version, peer: &peer };
    let (enrolled, replaced) = become_a_kiosk(&api, &transaction, wanted, &request, &machine).await?;
    transaction.commit().await.trying("enrol a kiosk")?;
    enrolled.tell(&api, replaced);
    Ok((axum::http::StatusCode::CREATED, Json(enrolled)))
}

/// Makes a kiosk of a machine. Also returns the kiosks whose certificates do not count any more.
pub(super) async fn become_a_kiosk(
    api: &Api,
    transaction: &Transaction<'_>,
    wanted: Wanted,
    request: &CheckedRequest,
    machine: &Machine<'_>,
) -> Answer<(Enrolled, BTreeSet<String>)> {
    let (kiosk, site) = enrolment::admit(transaction, &wanted, machine.hardware, machine.version).await?;
    let certificate = api.authorities.kiosk.sign(&kiosk, request, SystemTime::now())?;
    let replaced =
        enrolment::keep_certificate(transaction, &wanted.tenant, &kiosk, &certificate, true).await?;
    enrolment::note(transaction, &wanted, &kiosk, &certificate, machine.peer).await?;
    let enrolled = Enrolled {
        kiosk: kiosk.to_string(),
        certificate: certificate.pem,
        chain: api.authorities.kiosk.certificate_pem().to_owned(),
        fleet_ca: api.authorities.fleet.certificate_pem().to_owned(),
        broker: api.broker_for_kiosks.to_string(),
        tenant: wanted.tenant,
        site,
        campaign_keys: vec![api.store.campaign_key()],
    };
    Ok((enrolled, replaced))
}

impl Enrolled {
    /// Tells everybody whom it concerns, after the commit.
    pub(super) fn tell(&self, api: &Api, replaced: BTreeSet<String>) {
        if !replaced.is_empty() {
            api.hub.revoked();
        }
        for kiosk in replaced.into_iter().flat_map(KioskId::new) {
            let (database, broker, tenant) = (api.database.clone(), api.broker.clone(), self.tenant.clone());
            tokio::spawn(registry::replace(database, broker, tenant, kiosk));
        }
        api.hub.changed(&self.tenant, Subject::Kiosk, [self.kiosk.clone()]);
        tracing::info!(kiosk = self.kiosk, "enrolled");
    }
}

/// What a code is for.
#[derive(Deserialize, Debug, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeFor {
    /// Where the kiosk will stand.
    pub(super) site: String,
    /// An existing kiosk that gets a new machine or certificate. Its old certificates are revoked.
    #[serde(default)]
    pub(super) kiosk: Option<String>,
    /// Name of a new kiosk, for people.
    #[serde(default)]
    pub(super) name: String,
    /// Tags of a new kiosk.
    #[serde(default)]
    pub(super) tags: Vec<String>,
}

/// A code, told only now.
#[derive(Serialize, Debug, utoipa::ToSchema)]
pub(super) struct NewCode {
    /// Eight letters and digits in two groups; the dash and the case do not matter.
    code: String,
    /// Good for one kiosk until then.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Where the kiosk will stand.
    site: String,
    /// The kiosk that gets a new certificate; null: a new one.
    kiosk: Option<String>,
}

/// Makes a one-time code, good for 15 minutes.
#[utoipa::path(post, path = "/v1/enrolment-codes", tag = "enrolment", request_body = CodeFor,
    responses((status = 201, body = NewCode)))]
pub(super) async fn new_code(
    State(api): State<Api>,
    staff: Staff,
    Body(asked): Body<CodeFor>,
) -> Answer<(axum::http::StatusCode, Json<NewCode>)> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let wanted = whom(&transaction, &staff, asked).await?;
    let code = Code::random()?;
    let expires_at = enrolment::store(&transaction, &code, &wanted).await?;
    let subject = wanted.kiosk.as_deref().unwrap_or(&wanted.site);
    let detail = json!({ "site": wanted.site, "kiosk": wanted.kiosk, "expires_at": expires_at });
    staff.note(&transaction, "enrolment_code.create", subject, detail).await?;
    transaction.commit().await.trying("store a code")?;
    let told = NewCode { code: code.shown(), expires_at, site: wanted.site, kiosk: wanted.kiosk };
    Ok((axum::http::StatusCode::CREATED, Json(told)))
}

/// What a machine is to become: a kiosk of a site that is there.
pub(super) async fn whom(transaction: &Transaction<'_>, staff: &Staff, asked: CodeFor) -> Answer<Wanted> {
    text("name", &asked.name, 200)?;
    text("site", &asked.site, 32)?;
    super::kiosks::check_tags(&asked.tags)?;
    let site = "SELECT 1 FROM site WHERE id = $1";
    transaction
        .query_opt(site, &[&asked.site])
        .await
        .trying("look up a site")?
        .ok_or_else(|| Failed::missing("site", &asked.site))?;
    if let Some(kiosk) = &asked.kiosk {
        text("kiosk", kiosk, 64)?;
        let sql = "SELECT 1 FROM kiosk WHERE id = $1 AND site = $2 AND state = 'active'";
        transaction
            .query_opt(sql, &[kiosk, &asked.site])
            .await
            .trying("look up a kiosk")?
            .ok_or_else(|| Failed::missing("active kiosk of this site", kiosk))?;
    }
    let CodeFor { site, kiosk, name, tags } = asked;
    Ok(Wanted { tenant: staff.tenant.clone(), site, kiosk, name, tags, by: staff.actor.clone() })
}

/// Asks for another certificate.
#[derive(Deserialize, Debug, utoipa::ToSchema)]
pub(super) struct Renewal {
    /// Certificate request, PEM; P-256, a new key preferably.
    csr: String,
}

/// Another certificate.
#[derive(Serialize, Debug, utoipa::ToSchema)]
pub(super) struct Renewed {
    /// PEM.
    certificate: String,
    /// The authority that signed it, PEM.
    chain: String,
}

/// Renews the certificate of the kiosk that asks. The old one stays good until it ends, because nobody knows
/// whether the new one arrives.
#[utoipa::path(post, path = "/v1/kiosk/certificate", tag = "kiosk's own", request_body = Renewal,
    responses((status = 201, body = Renewed)))]
pub(super) async fn renew(
    State(api): State<Api>,
    device: Device,
    Body(asked): Body<Renewal>,
) -> Answer<(axum::http::StatusCode, Json<Renewed>)> {
    let request = check_request(&asked.csr).map_err(|error| Failed::unfit("csr", error.to_string()))?;
    let certificate = api.authorities.kiosk.sign(&device.kiosk, &request, SystemTime::now())?;
    let mut connection = api.database.connection().await?;
    let transaction = crate::database::begin(&mut connection, &device.tenant).await?;
    enrolment::check_pace(&transaction, &device.kiosk)
        .await?
        .map_or(Ok(()), |seconds| Err(Failed::too_many("too many renewals", seconds).next("wait")))?;
    let (tenant, kiosk) = (&device.tenant, &device.kiosk);
    enrolment::keep_certificate(&transaction, tenant, kiosk, &certificate, false).await?;
    let entry = crate::audit::Entry {
        actor: &format!("kiosk {kiosk}"),
        action: "certificate.renew",
        subject: kiosk.as_str(),
        detail: json!({ "serial": certificate.serial.to_string() }),
    };
    crate::audit::note(&transaction, tenant, entry).await?;
    transaction.commit().await.trying("renew a certificate")?;
    let chain = api.authorities.kiosk.certificate_pem().to_owned();
    Ok((axum::http::StatusCode::CREATED, Json(Renewed { certificate: certificate.pem, chain })))
}
