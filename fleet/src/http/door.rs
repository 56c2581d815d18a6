//! Who asks, and whether they may.

use std::time::Instant;

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
use super::once;
use super::problem::{Answer, Failed};
use crate::access::{PREFIX, Role, digest};
use crate::audit::{self, Entry};
use crate::clock::now_s;
use crate::database::{DatabaseError, Trying, begin};
use crate::people::Person;
use crate::pki::Serial;

/// A person, or a program for one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Staff {
    pub tenant: String,
    pub role: Role,
    /// As the audit log names them: the name of a person, `token` and its name of a program.
    pub actor: String,
    /// Who it is and nobody else: the name of a person, `token` and its id of a program.
    pub identity: String,
    /// Where; `None`: everywhere. The database shows no others.
    pub sites: Option<Vec<String>>,
    /// Whether it is a person with a session.
    logged_in: bool,
    /// Asked with an `Idempotency-Key`.
    pub key: Option<once::Key>,
}

/// A kiosk that is active now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Device {
    pub kiosk: KioskId,
    pub tenant: String,
    pub site: String,
}

/// A machine of others that is active now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Foreign {
    pub kiosk: String,
    pub tenant: String,
    /// It came over HTTPS.
    pub tls: bool,
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
            in_time(api, device.kiosk.as_str())?;
            request.extensions.insert(device);
        }
        Some(Who::Foreign) => {
            let device = foreign(api, request).await?;
            in_time(api, &device.kiosk)?;
            request.extensions.insert(device);
        }
        Some(Who::People(roles)) => {
            let staff = staff(api, &request.headers).await?;
            in_time(api, &format!("{} {}", staff.tenant, staff.identity))?;
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

/// Who a request's token or session is of, now.
pub(super) async fn staff(api: &Api, headers: &HeaderMap) -> Answer<Staff> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::trim)
        .ok_or_else(Failed::nobody)?;
    let connection = api.database.connection().await?;
    let doing = "look up who asks";
    let (row, logged_in) = if token.starts_with(PREFIX) {
        let sql = "SELECT tenant, 'token ' || name, role, sites, 'token ' || id FROM token_owner($1)";
        let select = connection.prepare_cached(sql).await.trying("prepare")?;
        (connection.query_opt(&select, &[&digest(token)]).await.trying(doing)?, false)
    } else {
        let claims = api.sessions.read(token, now_s()).ok_or_else(Failed::nobody)?;
        let sql = "SELECT tenant, name, role, sites, name FROM person_of_session($1, $2)";
        let select = connection.prepare_cached(sql).await.trying("prepare")?;
        (connection.query_opt(&select, &[&claims.sub, &claims.epoch]).await.trying(doing)?, true)
    };
    let row = row.ok_or_else(Failed::nobody)?;
    let role = from_wire_name(row.get(2)).ok_or_else(Failed::nobody)?;
    let (tenant, actor, sites, identity) = (row.get(0), row.get(1), row.get(3), row.get(4));
    Ok(Staff { tenant, role, actor, identity, sites, logged_in, key: None })
}

fn in_time(api: &Api, who: &str) -> Answer<()> {
    if api.pace.admits(who, Instant::now()) { Ok(()) } else { Err(Failed::too_fast()) }
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

/// Whoever has the token of the machine that the path names.
async fn foreign(api: &Api, request: &Parts) -> Answer<Foreign> {
    let token = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token =
        token.and_then(|it| it.strip_prefix("TargetToken ")).map(str::trim).ok_or_else(Failed::nobody)?;
    let mut path = request.uri.path().split('/').skip(1);
    let (Some(tenant), Some(kiosk)) = (path.next(), path.nth(2)) else { return Err(Failed::nobody()) };
    let connection = api.database.connection().await?;
    let sql = "SELECT tenant FROM hawkbit_device_owner($1, $2)";
    let select = connection.prepare_cached(sql).await.trying("prepare")?;
    let row = connection.query_opt(&select, &[&kiosk, &digest(token)]).await.trying("look up a machine")?;
    let owner: String = row.ok_or_else(Failed::nobody)?.get(0);
    if owner != tenant {
        return Err(Failed::nobody());
    }
    let tls = request.extensions.get::<ConnectInfo<Peer>>().is_some_and(|peer| peer.0.tls);
    Ok(Foreign { kiosk: kiosk.to_owned(), tenant: owner, tls })
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

impl<S: Sync> FromRequestParts<S> for Foreign {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        parts.extensions.get().cloned().ok_or_else(Failed::nobody)
    }
}

impl Staff {
    /// Somebody whose password was right.
    pub(super) fn of(person: Person) -> Self {
        let Person { tenant, role, name: actor, sites, .. } = person;
        Self { tenant, role, identity: actor.clone(), actor, sites, logged_in: true, key: None }
    }

    /// A transaction of their tenant and their sites, which holds the request's key.
    pub(super) async fn begin<'a>(&self, connection: &'a mut Object) -> Answer<Transaction<'a>> {
        let transaction = begin(connection, &self.tenant).await?;
        if let Some(sites) = &self.sites {
            let sql = "SELECT set_config('app.sites', $1, true)";
            transaction.execute(sql, &[&sites.join(",")]).await.trying("enter the sites")?;
        }
        if let Some(key) = &self.key {
            key.hold(&transaction, self).await?;
        }
        Ok(transaction)
    }

    /// Only people have passwords and sessions.
    pub(super) fn logged_in(&self) -> Answer<()> {
        let none = || Failed::conflict("no_session", "a token has no password and no session");
        if self.logged_in { Ok(()) } else { Err(none()) }
    }

    /// For what belongs to no site.
    pub(super) fn everywhere(&self) -> Answer<()> {
        match &self.sites {
            None => Ok(()),
            Some(_) => Err(Failed::forbidden("this concerns all sites, and only some are yours")),
        }
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
