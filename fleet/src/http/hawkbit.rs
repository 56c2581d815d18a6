//! The part of hawkBit's direct device integration (DDI) that its clients need, so that machines of others can be updated
//! with the same rollouts. Source: the DDI API of Eclipse hawkBit, and what swupdate and rauc-hawkbit-updater read of it.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::door::{Foreign, Staff};
use super::enrol::{CodeFor, whom};
use super::extract::{Ask, At, Body};
use super::kiosk_updates::serve_file;
use super::page::text;
use super::problem::{Answer, Failed};
use crate::access::{digest, new_token};
use crate::database::{Trying, begin};
use crate::enrolment;
use crate::hub::Subject;
use crate::updates::hawkbit::{self, Bundle, Next, Said};

/// How often machines ask: often enough that one counts as online.
const POLL: &str = "00:01:00";
/// The same while there is something to do.
const POLL_SOON: &str = "00:00:15";
/// Most that is kept of what a machine says of itself.
const ATTRIBUTES_MAX: usize = 100;
/// Longest name or value of that, in bytes.
const ATTRIBUTE_MAX: usize = 256;

/// A machine that is to be updated through hawkBit's interface.
#[derive(Deserialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDevice {
    /// Where it stands.
    site: String,
    /// The model of the releases that it takes.
    model: String,
    /// For people.
    #[serde(default)]
    name: String,
    /// Tags.
    #[serde(default)]
    tags: Vec<String>,
}

/// A machine, and its token, told only now.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct ToldDevice {
    /// Its id, which its client calls controller or target.
    kiosk: String,
    /// What its client calls tenant.
    tenant: String,
    /// Its target token.
    token: String,
}

/// Lets a machine of others in.
#[utoipa::path(post, path = "/v1/hawkbit-devices", tag = "updates", request_body = NewDevice,
    responses((status = 201, body = ToldDevice)))]
pub(super) async fn create(
    State(api): State<Api>,
    staff: Staff,
    Body(asked): Body<NewDevice>,
) -> Answer<(StatusCode, Json<ToldDevice>)> {
    let NewDevice { site, model, name, tags } = asked;
    if model.is_empty() {
        return Err(Failed::unfit(
            "model",
            "model: which releases it takes, as `fleetctl release list` names them",
        ));
    }
    text("model", &model, 64)?;
    let doing = "store a machine";
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let wanted = whom(&transaction, &staff, CodeFor { site, kiosk: None, name, tags }).await?;
    let (kiosk, site) = enrolment::admit(&transaction, &wanted, "hawkBit", "").await?;
    let token = new_token()?;
    hawkbit::store(&transaction, &staff.tenant, (kiosk.as_str(), &model), &digest(&token)).await?;
    let detail = json!({ "site": site, "model": model });
    staff.note(&transaction, "hawkbit_device.create", kiosk.as_str(), detail).await?;
    transaction.commit().await.trying(doing)?;
    api.hub.changed(&staff.tenant, Subject::Kiosk, [kiosk.to_string()]);
    let told = ToldDevice { kiosk: kiosk.to_string(), tenant: staff.tenant, token };
    Ok((StatusCode::CREATED, Json(told)))
}

type Ids = At<(String, String)>;
type Action = At<(String, String, i64)>;

/// What there is to do.
#[utoipa::path(get, path = "/{tenant}/controller/v1/{device}", tag = "hawkBit",
    params(("tenant" = String, Path), ("device" = String, Path)), responses((status = 200, body = Object)))]
pub(super) async fn poll(
    State(api): State<Api>,
    device: Foreign,
    At(_): Ids,
    headers: HeaderMap,
) -> Answer<Json<Value>> {
    let mut connection = api.database.connection().await?;
    let transaction = begin(&mut connection, &device.tenant).await?;
    let told = hawkbit::poll(&transaction, &device.kiosk).await?;
    transaction.commit().await.trying("note that a machine asks")?;
    if told.changed {
        changed(&api, &device);
    }
    let base = base(&device, &headers)?;
    let mut links = Map::new();
    let mut link = |name: &str, path: &str| {
        links.insert(name.to_owned(), json!({ "href": format!("{base}/{path}") }));
    };
    match told.next {
        Next::Nothing => {}
        Next::Install(action) => link("deploymentBase", &format!("deploymentBase/{action}")),
        Next::Cancel(action) => link("cancelAction", &format!("cancelAction/{action}")),
    }
    if told.describe {
        link("configData", "configData");
    }
    let sleep = if told.next == Next::Nothing && !told.describe { POLL } else { POLL_SOON };
    Ok(Json(json!({ "config": { "polling": { "sleep": sleep } }, "_links": links })))
}

/// What hawkBit's clients may add.
#[derive(Deserialize, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct History {
    /// How many messages of before are wanted; there are none.
    #[serde(rename = "actionHistory")]
    #[expect(dead_code, reason = "taken, because clients ask so")]
    action_history: Option<i64>,
}

/// A file to install.
#[utoipa::path(get, path = "/{tenant}/controller/v1/{device}/deploymentBase/{action}", tag = "hawkBit",
    params(("tenant" = String, Path), ("device" = String, Path), ("action" = i64, Path), History),
    responses((status = 200, body = Object)))]
pub(super) async fn deployment(
    State(api): State<Api>,
    device: Foreign,
    At((_, _, action)): Action,
    Ask(_): Ask<History>,
    headers: HeaderMap,
) -> Answer<Json<Value>> {
    let bundle = offered(&api, &device, action).await?;
    let href = format!("{}/softwaremodules/{action}/artifacts/{}", base(&device, &headers)?, bundle.name);
    let link = json!({ "href": href });
    let artifact = json!({
        "filename": bundle.name,
        "size": bundle.length,
        "hashes": { "sha1": bundle.sha1, "sha256": bundle.sha256 },
        // Clients with and without TLS look for their own name of it.
        "_links": { "download": link, "download-http": link },
    });
    let chunk =
        json!({ "part": "os", "version": bundle.version, "name": bundle.model, "artifacts": [artifact] });
    Ok(Json(json!({
        "id": action.to_string(),
        "deployment": { "download": "forced", "update": "forced", "chunks": [chunk] },
    })))
}

async fn offered(api: &Api, device: &Foreign, action: i64) -> Answer<Bundle> {
    let mut connection = api.database.connection().await?;
    let transaction = begin(&mut connection, &device.tenant).await?;
    let bundle = hawkbit::offered(&transaction, &device.kiosk, action).await?;
    bundle.ok_or_else(|| Failed::missing("action of this machine", action))
}

/// The file itself, whole or in one range.
#[utoipa::path(get, path = "/{tenant}/controller/v1/{device}/softwaremodules/{action}/artifacts/{file}", tag = "hawkBit",
    params(("tenant" = String, Path), ("device" = String, Path), ("action" = i64, Path), ("file" = String, Path),
        ("Range" = Option<String>, Header, description = "A single one")),
    responses((status = 200, content_type = "application/octet-stream", body = [u8]), (status = 206)))]
pub(super) async fn artifact(
    State(api): State<Api>,
    device: Foreign,
    At((_, _, action, file)): At<(String, String, i64, String)>,
    headers: HeaderMap,
) -> Answer<Response> {
    let bundle = offered(&api, &device, action).await?;
    let missing = || Failed::missing("file of this action", &file);
    if bundle.name != file {
        return Err(missing());
    }
    let path = api.store.bundle(&bundle.model, bundle.number)?;
    serve_file(&path, None, &headers).await?.ok_or_else(missing)
}

/// How it goes.
#[derive(Deserialize, Debug, ToSchema)]
pub(super) struct Feedback {
    /// How it goes.
    status: Status,
}

/// See [`Feedback`].
#[derive(Deserialize, Debug, ToSchema)]
pub(super) struct Status {
    /// Where it is.
    execution: Execution,
    /// How it went.
    #[serde(default)]
    result: Outcome,
    /// For people.
    #[serde(default)]
    details: Vec<String>,
}

/// Where a machine is with an action.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Execution {
    Closed,
    Proceeding,
    Canceled,
    Scheduled,
    Rejected,
    Resumed,
    Download,
    Downloaded,
}

/// How it went.
#[derive(Deserialize, Default, Debug, ToSchema)]
pub(super) struct Outcome {
    /// `success`, `failure` or `none`.
    #[serde(default)]
    finished: String,
    /// How much of it is done.
    #[serde(default)]
    progress: Option<Count>,
}

/// So many of so many.
#[derive(Deserialize, Clone, Copy, Debug, ToSchema)]
struct Count {
    #[serde(default)]
    cnt: u32,
    #[serde(default)]
    of: u32,
}

impl Status {
    fn said(&self) -> Said {
        match self.execution {
            Execution::Closed if self.result.finished == "failure" => Said::Failed,
            Execution::Closed => Said::Done,
            Execution::Rejected => Said::Rejected,
            Execution::Canceled => Said::Stopped,
            _ => {
                let count = self.result.progress.filter(|it| it.of > 0);
                let percent = count.map(|it| u64::from(it.cnt.min(it.of)) * 100 / u64::from(it.of));
                Said::Working(percent.and_then(|it| u8::try_from(it).ok()))
            }
        }
    }
}

/// Says how an installation goes.
#[utoipa::path(post, path = "/{tenant}/controller/v1/{device}/deploymentBase/{action}/feedback", tag = "hawkBit",
    params(("tenant" = String, Path), ("device" = String, Path), ("action" = i64, Path)),
    request_body = Feedback, responses((status = 200)))]
pub(super) async fn feedback(
    State(api): State<Api>,
    device: Foreign,
    At((_, _, action)): Action,
    Body(Feedback { status }): Body<Feedback>,
) -> Answer<StatusCode> {
    hear(&api, &device, action, (&status, status.said())).await
}

/// What is not to go on.
#[utoipa::path(get, path = "/{tenant}/controller/v1/{device}/cancelAction/{action}", tag = "hawkBit",
    params(("tenant" = String, Path), ("device" = String, Path), ("action" = i64, Path)),
    responses((status = 200, body = Object)))]
pub(super) async fn cancel(
    State(api): State<Api>,
    device: Foreign,
    At((_, _, action)): Action,
) -> Answer<Json<Value>> {
    let mut connection = api.database.connection().await?;
    let transaction = begin(&mut connection, &device.tenant).await?;
    if !hawkbit::is_cancelled(&transaction, &device.kiosk, action).await? {
        return Err(Failed::missing("action of this machine that is to stop", action));
    }
    let action = action.to_string();
    Ok(Json(json!({ "id": action, "cancelAction": { "stopId": action } })))
}

/// Says whether it has stopped.
#[utoipa::path(post, path = "/{tenant}/controller/v1/{device}/cancelAction/{action}/feedback", tag = "hawkBit",
    params(("tenant" = String, Path), ("device" = String, Path), ("action" = i64, Path)),
    request_body = Feedback, responses((status = 200)))]
pub(super) async fn cancelled(
    State(api): State<Api>,
    device: Foreign,
    At((_, _, action)): Action,
    Body(Feedback { status }): Body<Feedback>,
) -> Answer<StatusCode> {
    let said = match status.said() {
        Said::Done | Said::Stopped => Said::Stopped,
        // It goes on, and says at its end how that was.
        Said::Rejected | Said::Failed | Said::Working(_) => Said::Working(None),
    };
    hear(&api, &device, action, (&status, said)).await
}

async fn hear(
    api: &Api,
    device: &Foreign,
    action: i64,
    (status, said): (&Status, Said),
) -> Answer<StatusCode> {
    let mut connection = api.database.connection().await?;
    let transaction = begin(&mut connection, &device.tenant).await?;
    if !hawkbit::hear(&transaction, &device.kiosk, (action, said)).await? {
        return Err(Failed::missing("action of this machine", action));
    }
    transaction.commit().await.trying("note how far a machine is")?;
    let details =
        status.details.iter().map(|it| it.chars().take(200).collect::<String>()).collect::<Vec<_>>();
    tracing::info!(kiosk = device.kiosk, action, ?said, ?details, "a machine of others");
    changed(api, device);
    Ok(StatusCode::OK)
}

/// What a machine is.
#[derive(Deserialize, Debug, ToSchema)]
pub(super) struct Config {
    /// Names and values. `release`, the number, or `version`, the name of a release, say what runs.
    data: std::collections::BTreeMap<String, String>,
    /// `merge`, `replace` or `remove`; `merge` if not given.
    #[serde(default)]
    mode: Option<String>,
}

/// Says what it is.
#[utoipa::path(put, path = "/{tenant}/controller/v1/{device}/configData", tag = "hawkBit",
    params(("tenant" = String, Path), ("device" = String, Path)), request_body = Config, responses((status = 200)))]
pub(super) async fn describe(
    State(api): State<Api>,
    device: Foreign,
    At(_): Ids,
    Body(Config { data, mode }): Body<Config>,
) -> Answer<StatusCode> {
    let is_long = |it: (&String, &String)| it.0.len() > ATTRIBUTE_MAX || it.1.len() > ATTRIBUTE_MAX;
    if data.iter().any(is_long) {
        return Err(Failed::unfit("data", format!("data: at most {ATTRIBUTE_MAX} bytes a name and value")));
    }
    let mut connection = api.database.connection().await?;
    let transaction = begin(&mut connection, &device.tenant).await?;
    let mut all = hawkbit::attributes(&transaction, &device.kiosk).await?;
    match mode.as_deref() {
        None | Some("merge") => all.extend(data.into_iter().map(|(name, value)| (name, value.into()))),
        Some("replace") => all = data.into_iter().map(|(name, value)| (name, value.into())).collect(),
        Some("remove") => all.retain(|name, _| !data.contains_key(name)),
        Some(_) => return Err(Failed::unfit("mode", "mode: merge, replace or remove")),
    }
    if all.len() > ATTRIBUTES_MAX {
        return Err(Failed::unfit("data", format!("data: at most {ATTRIBUTES_MAX} names")));
    }
    hawkbit::describe(&transaction, &device.kiosk, all).await?;
    transaction.commit().await.trying("note what a machine says of itself")?;
    changed(&api, &device);
    Ok(StatusCode::OK)
}

fn changed(api: &Api, device: &Foreign) {
    api.hub.changed(&device.tenant, Subject::Kiosk, [device.kiosk.clone()]);
    api.hub.due();
}

/// Where this machine reaches the interface, as it asked.
fn base(device: &Foreign, headers: &HeaderMap) -> Answer<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).ok_or_else(|| Failed::bad("host", "the request names no host"))?;
    // Plain HTTP is this machine's own, so it may come from a proxy.
    let is_https = device.tls || text(header::HeaderName::from_static("x-forwarded-proto")) == Some("https");
    let scheme = if is_https { "https" } else { "http" };
    Ok(format!("{scheme}://{host}/{}/controller/v1/{}", device.tenant, device.kiosk))
}
