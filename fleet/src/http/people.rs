//! People with passwords, and their sessions.

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use deadpool_postgres::Transaction;
use protocol::text::wire_name;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Api;
use super::door::Staff;
use super::extract::{At, Body};
use super::listen::Peer;
use super::page::{self, text};
use super::problem::{Answer, Failed};
use crate::access::{self, Role, digest};
use crate::clock::now_s;
use crate::database::Trying;
use crate::people::{self, password};

/// Most sites of one person.
const SITES_MAX: usize = 100;

/// Somebody who may log in, without the password.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Person {
    /// UUID.
    id: Uuid,
    /// What they log in with: of all fleets only one has it.
    name: String,
    /// What they may do.
    role: Role,
    /// Where; null: everywhere.
    #[schema(required)]
    sites: Option<Vec<String>>,
    /// Since when.
    #[schema(format = DateTime)]
    created_at: String,
    /// By whom.
    created_by: String,
    /// Since when they may not log in.
    #[schema(format = DateTime, required)]
    disabled_at: Option<String>,
    /// When they last did.
    #[schema(format = DateTime, required)]
    last_login: Option<String>,
}

const COLUMNS: &str =
    "SELECT id, name, role, sites, created_at, created_by, disabled_at, last_login FROM person";

/// Who may log in.
#[utoipa::path(get, path = "/v1/people", tag = "access", responses((status = 200, body = [Person])))]
pub(super) async fn list(State(api): State<Api>, staff: Staff) -> Answer<Json<Vec<Person>>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    Ok(Json(page::all(&transaction, &format!("{COLUMNS} ORDER BY name"), &[]).await?))
}

/// Somebody new.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPerson {
    /// 1 to 100 of a-z, 0-9, `.`, `_`, `@`, `+` and `-`; a mail address is fine.
    #[schema(pattern = "^[a-z0-9._@+-]{1,100}$")]
    name: String,
    /// What they may do.
    role: Role,
    /// Where, if not everywhere. An admin is admin everywhere.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 100)]
    sites: Option<Vec<String>>,
    /// 10 to 200 characters.
    #[schema(min_length = 10, max_length = 200)]
    password: String,
}

/// Lets somebody log in.
#[utoipa::path(post, path = "/v1/people", tag = "access", request_body = NewPerson,
    responses((status = 201, body = Person)))]
pub(super) async fn create(
    State(api): State<Api>,
    staff: Staff,
    Body(asked): Body<NewPerson>,
) -> Answer<(StatusCode, Json<Person>)> {
    let name = people::plain(&asked.name);
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._@+-".contains(c);
    if name.is_empty() || name.len() > 100 || !name.chars().all(allowed) {
        return Err(Failed::unfit("name", "name: 1 to 100 of a-z, 0-9 and . _ @ + -"));
    }
    check_password(&asked.password)?;
    let hash = password::hash(asked.password).await?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    check_sites(&transaction, asked.role, asked.sites.as_deref()).await?;
    let id = Uuid::now_v7();
    let sql = "INSERT INTO person (id, tenant, name, role, sites, password, created_by)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let role = wire_name(&asked.role);
    transaction
        .execute(sql, &[&id, &staff.tenant, &name, &role, &asked.sites, &hash, &staff.actor])
        .await
        .trying("store a person")?;
    let detail = json!({ "role": asked.role, "sites": asked.sites });
    staff.note(&transaction, "person.create", &name, detail).await?;
    let person = one(&transaction, id).await?;
    transaction.commit().await.trying("store a person")?;
    Ok((StatusCode::CREATED, Json(person)))
}

/// What to change of somebody; what is not there stays. Every change ends their sessions.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonChange {
    /// What they may do.
    #[serde(default)]
    role: Option<Role>,
    /// Where; empty: everywhere.
    #[serde(default)]
    sites: Option<Vec<String>>,
    /// A new password.
    #[serde(default)]
    password: Option<String>,
    /// Whether they may not log in.
    #[serde(default)]
    disabled: Option<bool>,
}

/// Changes what somebody may do.
#[utoipa::path(patch, path = "/v1/people/{id}", tag = "access", params(("id" = Uuid, Path)),
    request_body = PersonChange, responses((status = 200, body = Person)))]
pub(super) async fn change(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<Uuid>,
    Body(change): Body<PersonChange>,
) -> Answer<Json<Person>> {
    change.password.as_deref().map_or(Ok(()), check_password)?;
    let detail = json!({
        "role": change.role, "sites": change.sites, "disabled": change.disabled,
        "password": change.password.is_some(),
    });
    let hash = match change.password {
        Some(new) => Some(password::hash(new).await?),
        None => None,
    };
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let before = one(&transaction, id).await?;
    let role = change.role.unwrap_or(before.role);
    let sites = match change.sites {
        Some(sites) if sites.is_empty() => None,
        Some(sites) => Some(sites),
        None => before.sites,
    };
    check_sites(&transaction, role, sites.as_deref()).await?;
    let had_admin = access::has_admin(&transaction).await?;
    let sql = "UPDATE person SET role = $2, sites = $3, password = coalesce($4, password), epoch = epoch + 1,
                      disabled_at = CASE WHEN $5::boolean IS NULL THEN disabled_at
                                         WHEN $5 THEN coalesce(disabled_at, now()) END
               WHERE id = $1";
    transaction
        .execute(sql, &[&id, &wire_name(&role), &sites, &hash, &change.disabled])
        .await
        .trying("change a person")?;
    admin_is_left(&transaction, had_admin).await?;
    staff.note(&transaction, "person.change", &before.name, detail).await?;
    let person = one(&transaction, id).await?;
    transaction.commit().await.trying("change a person")?;
    Ok(Json(person))
}

/// Nobody takes the last administrator away: only `fleetd` on the server's own machine could make another.
pub(super) async fn admin_is_left(transaction: &Transaction<'_>, was_there: bool) -> Answer<()> {
    if !was_there || access::has_admin(transaction).await? {
        return Ok(());
    }
    Err(Failed::conflict("last_admin", "nobody would be left who is an administrator for good").next(
        "make another one first: fleetctl people add, or fleetctl tokens create --role admin without --days",
    ))
}

/// A name and its password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    /// Who.
    name: String,
    /// Secret.
    password: String,
}

/// A session.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct Session {
    /// A JWT (ES256), to be sent as `Authorization: Bearer …`.
    token: String,
    /// Until when it is good, seconds since 1970.
    expires: i64,
}

/// Begins a session.
#[utoipa::path(post, path = "/v1/login", tag = "access", request_body = Login,
    responses((status = 200, body = Session)))]
pub(super) async fn login(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(asked): Body<Login>,
) -> Answer<Json<Session>> {
    text("name", &asked.name, 200)?;
    text("password", &asked.password, password::LONGEST)?;
    let name = people::plain(&asked.name);
    let (peer, guess) = (peer.address.ip().to_string(), digest(&name));
    // Not held while the password is looked at: that takes long, and connections are few.
    let person = {
        let connection = api.database.connection().await?;
        if let Some(seconds) = people::LOGIN.throttled(&connection, &peer, &guess).await? {
            return Err(Failed::too_many("too many wrong passwords", seconds).next("wait, then try again"));
        }
        people::by_name(&connection, &name).await?
    };
    let stored = person.as_ref().map(|person| person.password.clone());
    let right = password::matches(asked.password, stored).await?;
    let mut connection = api.database.connection().await?;
    let Some(person) = person.filter(|_| right) else {
        people::LOGIN.note(&connection, &peer, &guess).await?;
        return Err(Failed::wrong_password());
    };
    let (token, expires) = api.sessions.begin(person.id, person.epoch, now_s())?;
    let staff = Staff::of(person);
    let transaction = staff.begin(&mut connection).await?;
    let sql = "UPDATE person SET last_login = now() WHERE name = $1";
    transaction.execute(sql, &[&staff.actor]).await.trying("note a login")?;
    staff.note(&transaction, "person.login", &staff.actor, json!({ "peer": peer })).await?;
    transaction.commit().await.trying("note a login")?;
    Ok(Json(Session { token, expires }))
}

/// An old password and a new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    /// The one until now.
    old: String,
    /// The one from now on.
    #[schema(min_length = 10, max_length = 200)]
    new: String,
}

/// Changes the own password; ends all own sessions.
#[utoipa::path(post, path = "/v1/me/password", tag = "access", request_body = NewPassword,
    responses((status = 204)))]
pub(super) async fn change_password(
    State(api): State<Api>,
    staff: Staff,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(asked): Body<NewPassword>,
) -> Answer<StatusCode> {
    text("old", &asked.old, password::LONGEST)?;
    check_password(&asked.new)?;
    staff.logged_in()?;
    let (peer, guess) = (peer.address.ip().to_string(), digest(&staff.actor));
    let mut connection = api.database.connection().await?;
    if let Some(seconds) = people::LOGIN.throttled(&connection, &peer, &guess).await? {
        return Err(Failed::too_many("too many wrong passwords", seconds).next("wait, then try again"));
    }
    let person = people::by_name(&connection, &staff.actor).await?.ok_or_else(Failed::nobody)?;
    if !password::matches(asked.old, Some(person.password)).await? {
        people::LOGIN.note(&connection, &peer, &guess).await?;
        return Err(Failed::wrong_password());
    }
    let hash = password::hash(asked.new).await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "UPDATE person SET password = $2, epoch = epoch + 1 WHERE id = $1";
    transaction.execute(sql, &[&person.id, &hash]).await.trying("change a password")?;
    staff.note(&transaction, "person.password", &staff.actor, json!({})).await?;
    transaction.commit().await.trying("change a password")?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all own sessions.
#[utoipa::path(post, path = "/v1/logout", tag = "access", responses((status = 204)))]
pub(super) async fn logout(State(api): State<Api>, staff: Staff) -> Answer<StatusCode> {
    staff.logged_in()?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "UPDATE person SET epoch = epoch + 1 WHERE name = $1";
    transaction.execute(sql, &[&staff.actor]).await.trying("end sessions")?;
    staff.note(&transaction, "person.logout", &staff.actor, json!({})).await?;
    transaction.commit().await.trying("end sessions")?;
    Ok(StatusCode::NO_CONTENT)
}

async fn one(transaction: &Transaction<'_>, id: Uuid) -> Answer<Person> {
    let person = page::one(transaction, &format!("{COLUMNS} WHERE id = $1"), &[&id]).await?;
    person.ok_or_else(|| Failed::missing("person", id))
}

fn check_password(password: &str) -> Answer<()> {
    let length = password.chars().count();
    if (password::SHORTEST..=password::LONGEST).contains(&length) {
        return Ok(());
    }
    let (shortest, longest) = (password::SHORTEST, password::LONGEST);
    Err(Failed::unfit("password", format!("a password has {shortest} to {longest} characters")))
}

/// Sites that are there, and none for an admin.
pub(super) async fn check_sites(
    transaction: &Transaction<'_>,
    role: Role,
    sites: Option<&[String]>,
) -> Answer<()> {
    let Some(sites) = sites else { return Ok(()) };
    if role == Role::Admin {
        return Err(Failed::unfit("sites", "an admin is admin everywhere: choose another role, or no sites"));
    }
    if sites.is_empty() || sites.len() > SITES_MAX {
        return Err(Failed::unfit(
            "sites",
            format!("sites: 1 to {SITES_MAX}, or none at all for everywhere"),
        ));
    }
    for site in sites {
        text("sites", site, 32)?;
    }
    let sql =
        "SELECT s FROM unnest($1::text[]) AS s WHERE NOT EXISTS (SELECT FROM site WHERE id = s) LIMIT 1";
    match transaction.query_opt(sql, &[&sites]).await.trying("look up sites")? {
        Some(row) => Err(Failed::missing("site", row.get::<_, String>(0))),
        None => Ok(()),
    }
}
