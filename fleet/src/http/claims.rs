//! Claims of machines that show a code.

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::Api;
use super::door::Staff;
use super::enrol::{CodeFor, Enrolled, become_a_kiosk, whom};
use super::extract::Body;
use super::listen::Peer;
use super::page::text;
use super::problem::{Answer, Failed};
use crate::database::Trying;
use crate::enrolment::Code;
use crate::enrolment::claim::{self, Approved, Claim, Machine};
use crate::pki::check_request;

/// A machine that wants to become a kiosk.
#[derive(Deserialize, Debug, ToSchema)]
pub(super) struct NewClaim {
    /// Certificate request, PEM; P-256. Its subject does not matter.
    csr: String,
    /// Serial number of the hardware, for people.
    #[serde(default)]
    serial: String,
    /// Of the kiosk's program.
    #[serde(default)]
    version: String,
}

/// What the machine shows, and what it keeps to itself.
#[derive(Serialize, ToSchema)]
pub(super) struct OpenClaim {
    /// For people: eight letters and digits in two groups.
    code: String,
    /// For the machine alone.
    secret: String,
    /// Seconds that both are good.
    expires_in: u32,
}

/// Opens a claim.
#[utoipa::path(post, path = "/v1/claims", tag = "enrolment", request_body = NewClaim,
    responses((status = 201, body = OpenClaim)))]
pub(super) async fn open(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(asked): Body<NewClaim>,
) -> Answer<(StatusCode, Json<OpenClaim>)> {
    text("serial", &asked.serial, 200)?;
    text("version", &asked.version, 64)?;
    check_request(&asked.csr).map_err(|error| Failed::unfit("csr", error.to_string()))?;
    let (code, secret) = (Code::random()?, claim::new_secret()?);
    let peer = peer.address.ip().to_string();
    let NewClaim { csr, serial, version } = &asked;
    let machine = Machine { csr, hardware: serial, version, peer: &peer };
    let connection = api.database.connection().await?;
    let opened = claim::open(&connection, &secret, &code, &machine).await?;
    let expires_in = opened.ok_or_else(|| {
        Failed::too_many("too many machines wait to be taken in", 60)
            .next("the machine tries again by itself")
    })?;
    Ok((StatusCode::CREATED, Json(OpenClaim { code: code.shown(), secret, expires_in })))
}

/// Who asks how a claim stands.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Poll {
    /// Of the claim.
    secret: String,
}

/// How a claim stands.
#[derive(Serialize, Debug, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Polled {
    /// Nobody has taken the machine in yet.
    Waiting {},
    /// Somebody has.
    Claimed {
        /// What the machine became.
        enrolled: Box<Enrolled>,
    },
}

/// Tells a machine how its claim stands. Asked again, the answer is the same kiosk.
#[utoipa::path(post, path = "/v1/claims/poll", tag = "enrolment", request_body = Poll,
    responses((status = 200, body = Polled)))]
pub(super) async fn poll(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(asked): Body<Poll>,
) -> Answer<Json<Polled>> {
    text("secret", &asked.secret, 200)?;
    let mut connection = api.database.connection().await?;
    let transaction = connection.transaction().await.trying("begin")?;
    match claim::look(&transaction, &asked.secret).await? {
        Claim::Over => Err(Failed::missing("claim", "with this secret, or its time is over")
            .next("the machine opens another one by itself")),
        Claim::Waiting => Ok(Json(Polled::Waiting {})),
        Claim::Approved { wanted, csr, hardware, version } => {
            let request = check_request(&csr).map_err(|error| Failed::unfit("csr", error.to_string()))?;
            let peer = peer.address.ip().to_string();
            let machine = Machine { csr: &csr, hardware: &hardware, version: &version, peer: &peer };
            let (enrolled, replaced) = become_a_kiosk(&api, &transaction, wanted, &request, &machine).await?;
            claim::fulfilled(&transaction, &asked.secret, &enrolled.kiosk).await?;
            transaction.commit().await.trying("enrol a kiosk")?;
            enrolled.tell(&api, replaced);
            Ok(Json(Polled::Claimed { enrolled: Box::new(enrolled) }))
        }
    }
}

/// Whom to take in.
#[derive(Deserialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Approval {
    /// As the machine shows it; the dash and the case do not matter.
    code: String,
    /// Where the kiosk will stand.
    site: String,
    /// An existing kiosk that gets a new machine. Its old certificates are revoked.
    #[serde(default)]
    kiosk: Option<String>,
    /// Name of a new kiosk, for people.
    #[serde(default)]
    name: String,
    /// Tags of a new kiosk.
    #[serde(default)]
    tags: Vec<String>,
}

/// The machine that was taken in, to be compared with the one somebody stands in front of.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct TakenIn {
    /// Serial number of the hardware, as it says.
    serial: String,
    /// Of its program.
    version: String,
    /// Where it asked from.
    address: String,
}

/// Takes in the machine that shows this code.
#[utoipa::path(post, path = "/v1/claims/approve", tag = "enrolment", request_body = Approval,
    responses((status = 200, body = TakenIn)))]
pub(super) async fn approve(
    State(api): State<Api>,
    staff: Staff,
    Body(asked): Body<Approval>,
) -> Answer<Json<TakenIn>> {
    let Approval { code, site, kiosk, name, tags } = asked;
    let code = Code::read(&code);
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let wanted = whom(&transaction, &staff, CodeFor { site, kiosk, name, tags }).await?;
    let Some(Approved { hardware, version, peer }) = claim::approve(&transaction, &code, &wanted).await?
    else {
        return Err(
            Failed::wrong_code().next("compare it with the machine's screen: it changes every 15 minutes")
        );
    };
    let subject = wanted.kiosk.as_deref().unwrap_or(&wanted.site);
    let detail = json!({ "site": wanted.site, "kiosk": wanted.kiosk, "serial": hardware, "peer": peer });
    staff.note(&transaction, "claim.approve", subject, detail).await?;
    transaction.commit().await.trying("take a machine in")?;
    Ok(Json(TakenIn { serial: hardware, version, address: peer }))
}

/// A page for whoever scans the code on a machine's screen with a phone: log in, compare, pick the site.
#[utoipa::path(get, path = "/claim", tag = "enrolment",
    params(("code" = Option<String>, Query, description = "As the machine shows it.")),
    responses((status = 200, content_type = "text/html", body = String)))]
pub(super) async fn page() -> impl IntoResponse {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                          connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, Html(include_str!("claim.html")))
}
