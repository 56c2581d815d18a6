//! Who asks, and whether they may.

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use deadpool_postgres::{Object, Transaction};
use protocol::text::{from_wire_name, wire_name};
use protocol::topic::KioskId;
use serde_json::Value;
use x509_parser::prelude::FromDer as _;

use super::Api;
use super::listen::Peer;
use super::matrix::{self, Who};
use super::problem::{Answer, Failed};
use crate::access::{PREFIX, Role, digest};
use crate::audit::{self, Entry};
use crate::database::{DatabaseError, Trying, begin};
use crate::pki::Serial;

/// A person, or a program for one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Staff {
    pub tenant: String,
    pub role: Role,
    /// As the audit log names them.
    pub actor: String,
}

/// A kiosk that is active now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Device {
    pub kiosk: KioskId,
    pub tenant: String,
    pub site: String,
}

/// Lets a request through to its handler when the matrix says so.
pub(super) async fn open(State(api): State<Api>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match admit(&api, &mut parts).await {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(failed) => failed.into_response(),
    }
}

async fn admit(api: &Api, request: &mut Parts) -> Answer<()> {
    let path = request.extensions.get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let who = path.and_then(|path| matrix::who(request.method.as_str(), &path));
    match who {
        Some(Who::Anybody) => {}
        Some(Who::Kiosk) => {
            let device = device(api, request).await?;
            request.extensions.insert(device);
        }
        Some(Who::People(roles)) => {
            let staff = staff(api, &request.headers).await?;
            if !roles.contains(&staff.role) {
                let detail = format!("a token of the role {:?} may not do this", wire_name(&staff.role));
                return Err(Failed::forbidden(detail));
            }
            request.extensions.insert(staff);
        }
        None => return Err(Failed::forbidden("nobody may do this")),
    }
    Ok(())
}

async fn staff(api: &Api, headers: &HeaderMap) -> Answer<Staff> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::trim)
        .filter(|token| token.starts_with(PREFIX))
        .ok_or_else(Failed::nobody)?;
    let connection = api.database.connection().await?;
    let select = connection
        .prepare_cached("SELECT tenant, name, role FROM token_owner($1)")
        .await
        .trying("prepare")?;
    let row = connection
        .query_opt(&select, &[&digest(token)])
        .await
        .trying("look up a token")?
        .ok_or_else(Failed::nobody)?;
    let role = from_wire_name(row.get(2)).ok_or_else(Failed::nobody)?;
    Ok(Staff { tenant: row.get(0), role, actor: format!("token {}", row.get::<_, &str>(1)) })
}

async fn device(api: &Api, request: &Parts) -> Answer<Device> {
    let peer = request.extensions.get::<ConnectInfo<Peer>>();
    let certificate = peer.and_then(|peer| peer.0.certificate.clone()).ok_or_else(Failed::no_certificate)?;
    let (name, serial) = named(&certificate).ok_or_else(Failed::no_certificate)?;
    let connection = api.database.connection().await?;
    let select = connection
        .prepare_cached("SELECT kiosk, tenant, site FROM certificate_owner($1)")
        .await
        .trying("prepare")?;
    let row = connection.query_opt(&select, &[&serial]).await.trying("look up a certificate")?;
    let row = row.filter(|row| row.get::<_, &str>(0) == name).ok_or_else(Failed::no_certificate)?;
    let kiosk = KioskId::new(name).map_err(|_| Failed::no_certificate())?;
    Ok(Device { kiosk, tenant: row.get(1), site: row.get(2) })
}

/// Common name and serial number of a certificate that the handshake has verified.
fn named(der: &[u8]) -> Option<(String, String)> {
    let (_, certificate) = x509_parser::certificate::X509Certificate::from_der(der).ok()?;
    let name = certificate.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
    let serial = Serial::from_be_bytes(certificate.raw_serial())?;
    Some((name, serial.to_string()))
}

impl<S: Sync> FromRequestParts<S> for Staff {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        parts.extensions.get().cloned().ok_or_else(Failed::nobody)
    }
}

impl<S: Sync> FromRequestParts<S> for Device {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        parts.extensions.get().cloned().ok_or_else(Failed::no_certificate)
    }
}

impl Staff {
    /// A transaction of their tenant.
    pub(super) async fn begin<'a>(
        &self,
        connection: &'a mut Object,
    ) -> Result<Transaction<'a>, DatabaseError> {
        begin(connection, &self.tenant).await
    }

    /// Notes a change in the audit log.
    pub(super) async fn note(
        &self,
        transaction: &Transaction<'_>,
        action: &'static str,
        subject: &str,
        detail: Value,
    ) -> Result<(), DatabaseError> {
        audit::note(transaction, &self.tenant, Entry { actor: &self.actor, action, subject, detail }).await
    }
}
