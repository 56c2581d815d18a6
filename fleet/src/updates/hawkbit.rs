//! Machines of others in the tables. Rollouts treat them like kiosks, so what they say becomes what a kiosk would say:
//!
//! | here | there |
//! |---|---|
//! | `installed` | it polls, and has not been offered anything: it has no slot of its own to wait with |
//! | `reboot_gate` | it has its turn and was offered the file |
//! | `trial_boot` | it says that it is done, and has not yet said that it runs the release |

use deadpool_postgres::Transaction;
use serde_json::{Map, Value, json};

use crate::clock::now_ms;
use crate::database::{DatabaseError, Trying, storable_json};

const INSTALLED: &str = "installed";
const OFFERED: &str = "reboot_gate";
const DONE: &str = "trial_boot";

/// Something that a machine is to do, and the number of the action.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    Nothing,
    Install(i64),
    Cancel(i64),
}

/// What a machine is told when it asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Told {
    pub next: Next,
    /// It is to say what it is.
    pub describe: bool,
    /// Something that a rollout waits for has changed.
    pub changed: bool,
}

/// A file to install.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Bundle {
    pub model: String,
    pub number: i64,
    pub version: String,
    pub name: String,
    pub length: i64,
    pub sha256: String,
    pub sha1: String,
}

/// How a machine says that it went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// It works on it; percent, if it says.
    Working(Option<u8>),
    Done,
    Failed,
    /// It will not.
    Rejected,
    /// It has stopped as it was told.
    Stopped,
}

/// Its assignment, locked.
struct Assigned {
    generation: i64,
    /// What it is called there, once it was offered.
    action_number: Option<i64>,
    rollout: String,
    action: String,
    number: i64,
    turn: bool,
    /// How far this assignment is, as told before.
    step: Option<String>,
}

/// A machine asks what there is to do.
pub(crate) async fn poll(transaction: &Transaction<'_>, kiosk: &str) -> Result<Told, DatabaseError> {
    let doing = "note that a machine asks";
    let sql = "UPDATE kiosk SET is_on = true, last_seen = now() WHERE id = $1";
    transaction.execute(sql, &[&kiosk]).await.trying(doing)?;
    let sql = "SELECT asked FROM hawkbit_device WHERE kiosk = $1";
    let describe = transaction.query_one(sql, &[&kiosk]).await.trying(doing)?.get(0);
    let told = |next, changed| Told { next, describe, changed };
    let Some(it) = assigned(transaction, kiosk).await? else { return Ok(told(Next::Nothing, false)) };
    let step = it.step.as_deref();
    match (it.action.as_str(), it.turn) {
        ("install", _) if step == Some(DONE) => Ok(told(Next::Nothing, false)),
        ("install", true) => {
            let changed = step != Some(OFFERED);
            set_step(transaction, kiosk, &it, OFFERED, None).await?;
            Ok(told(Next::Install(number(transaction, kiosk, &it).await?), changed))
        }
        ("install", false) => {
            let changed = step != Some(INSTALLED);
            set_step(transaction, kiosk, &it, INSTALLED, None).await?;
            Ok(told(Next::Nothing, changed))
        }
        ("cancel", _) => match it.action_number.filter(|_| step == Some(OFFERED)) {
            Some(number) => Ok(told(Next::Cancel(number), false)),
            None => {
                give_up(transaction, kiosk).await?;
                Ok(told(Next::Nothing, true))
            }
        },
        _ => Ok(told(Next::Nothing, false)),
    }
}

async fn assigned(transaction: &Transaction<'_>, kiosk: &str) -> Result<Option<Assigned>, DatabaseError> {
    // What is frozen has no turn; who was offered it before finishes.
    let sql = "SELECT a.generation, a.rollout, a.action, a.number,
                      a.turn AND (u.under_way->>'step' = $2 OR NOT EXISTS (SELECT FROM update_freeze)),
                      CASE WHEN u.under_way->>'campaign' = a.rollout THEN u.under_way->>'step' END,
                      CASE WHEN d.generation = a.generation THEN d.action END
               FROM assignment a JOIN hawkbit_device d ON d.kiosk = a.kiosk
                    LEFT JOIN update_state u ON u.kiosk = a.kiosk
               WHERE a.kiosk = $1 FOR UPDATE OF a";
    let row = transaction.query_opt(sql, &[&kiosk, &OFFERED]).await.trying("look up an assignment")?;
    Ok(row.map(|row| Assigned {
        generation: row.get(0),
        rollout: row.get(1),
        action: row.get(2),
        number: row.get(3),
        turn: row.get(4),
        step: row.get(5),
        action_number: row.get(6),
    }))
}

/// What the assignment is called there.
async fn number(transaction: &Transaction<'_>, kiosk: &str, it: &Assigned) -> Result<i64, DatabaseError> {
    if let Some(number) = it.action_number {
        return Ok(number);
    }
    let sql = "UPDATE hawkbit_device SET generation = $2, action = nextval('hawkbit_action') WHERE kiosk = $1
               RETURNING action";
    let row = transaction.query_one(sql, &[&kiosk, &it.generation]).await.trying("number an action")?;
    Ok(row.get(0))
}

async fn set_step(
    transaction: &Transaction<'_>,
    kiosk: &str,
    it: &Assigned,
    step: &str,
    percent: Option<u8>,
) -> Result<(), DatabaseError> {
    let under_way = json!({ "campaign": it.rollout, "release": it.number, "step": step, "percent": percent });
    let sql = "UPDATE update_state SET under_way = $2, at = now() WHERE kiosk = $1 AND under_way IS DISTINCT FROM $2";
    transaction.execute(sql, &[&kiosk, &under_way]).await.trying("note how far a machine is").map(drop)
}

/// Nothing is under way any more, and nothing is wished.
async fn give_up(transaction: &Transaction<'_>, kiosk: &str) -> Result<(), DatabaseError> {
    let doing = "note that a machine has stopped";
    let sql = "UPDATE assignment SET action = 'none', due = true WHERE kiosk = $1 AND action = 'cancel'";
    transaction.execute(sql, &[&kiosk]).await.trying(doing)?;
    let sql = "UPDATE update_state SET under_way = NULL, at = now() WHERE kiosk = $1";
    transaction.execute(sql, &[&kiosk]).await.trying(doing).map(drop)
}

/// The file of an action that the machine has its turn for.
pub(crate) async fn offered(
    transaction: &Transaction<'_>,
    kiosk: &str,
    action: i64,
) -> Result<Option<Bundle>, DatabaseError> {
    let sql = "SELECT b.model, b.number, r.version, b.name, b.length, b.sha256, b.sha1
               FROM assignment a JOIN update_state u ON u.kiosk = a.kiosk
               JOIN hawkbit_device d ON d.kiosk = a.kiosk AND d.generation = a.generation
               JOIN release r ON r.model = u.model AND r.number = a.number
               JOIN release_bundle b ON b.model = r.model AND b.number = r.number
               WHERE a.kiosk = $1 AND d.action = $2 AND a.action = 'install' AND a.turn";
    let row = transaction.query_opt(sql, &[&kiosk, &action]).await.trying("look up what is offered")?;
    Ok(row.map(|row| Bundle {
        model: row.get(0),
        number: row.get(1),
        version: row.get(2),
        name: row.get(3),
        length: row.get(4),
        sha256: row.get(5),
        sha1: row.get(6),
    }))
}

/// Whether the machine is told to stop this action.
pub(crate) async fn is_cancelled(
    transaction: &Transaction<'_>,
    kiosk: &str,
    action: i64,
) -> Result<bool, DatabaseError> {
    let it = assigned(transaction, kiosk).await?;
    Ok(it.is_some_and(|it| it.action_number == Some(action) && it.action == "cancel"))
}

/// A machine says how it went with an action; whether that is one of its own.
pub(crate) async fn hear(
    transaction: &Transaction<'_>,
    kiosk: &str,
    (action, said): (i64, Said),
) -> Result<bool, DatabaseError> {
    let it = assigned(transaction, kiosk).await?;
    let Some(it) = it.filter(|it| it.action_number == Some(action) && it.step.is_some()) else {
        return Ok(false);
    };
    let is_done = it.step.as_deref() == Some(DONE);
    match said {
        // What comes after the end is of before it.
        Said::Working(_) if is_done => {}
        Said::Working(percent) => {
            let step = if it.turn { OFFERED } else { INSTALLED };
            set_step(transaction, kiosk, &it, step, percent).await?;
        }
        Said::Done => {
            set_step(transaction, kiosk, &it, DONE, None).await?;
            let sql = "UPDATE hawkbit_device SET asked = true WHERE kiosk = $1";
            transaction.execute(sql, &[&kiosk]).await.trying("ask a machine what it is")?;
        }
        Said::Failed => end(transaction, kiosk, &it, ("failed", Some("installer"))).await?,
        Said::Rejected => end(transaction, kiosk, &it, ("rejected", Some("installer"))).await?,
        Said::Stopped if it.action == "cancel" => give_up(transaction, kiosk).await?,
        Said::Stopped => end(transaction, kiosk, &it, ("failed", Some("stopped_there"))).await?,
    }
    Ok(true)
}

async fn end(
    transaction: &Transaction<'_>,
    kiosk: &str,
    it: &Assigned,
    (result, reason): (&str, Option<&str>),
) -> Result<(), DatabaseError> {
    let last = json!({
        "campaign": it.rollout, "release": it.number, "result": result, "reason": reason, "at": now_ms(),
    });
    let sql = "UPDATE update_state SET last = $2, under_way = NULL, at = now() WHERE kiosk = $1";
    transaction.execute(sql, &[&kiosk, &last]).await.trying("note how an update ended")?;
    let sql = "UPDATE assignment SET action = 'none', due = true WHERE kiosk = $1 AND action = 'cancel'";
    transaction.execute(sql, &[&kiosk]).await.trying("note how an update ended").map(drop)
}

/// A machine says what it is: `attributes` are all that it has said so far. What it runs is its attribute `release`, the number,
/// or `version`, the release's name.
pub(crate) async fn describe(
    transaction: &Transaction<'_>,
    kiosk: &str,
    attributes: Map<String, Value>,
) -> Result<(), DatabaseError> {
    let doing = "note what a machine says of itself";
    let text =
        |name: &str| attributes.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let (number, version) = (text("release").parse::<i64>().ok(), text("version"));
    let sql = "SELECT r.number, r.version FROM update_state u JOIN release r USING (model)
               WHERE u.kiosk = $1 AND (r.number = $2 OR ($2 IS NULL AND r.version = $3))
               ORDER BY r.number DESC LIMIT 1";
    let known = transaction.query_opt(sql, &[&kiosk, &number, &version]).await.trying(doing)?;
    let known: Option<(i64, String)> = known.map(|row| (row.get(0), row.get(1)));
    let runs = known.or_else(|| number.map(|number| (number, version)));
    if let Some((number, version)) = &runs {
        let sql =
            "UPDATE update_state SET running = $2, confirmed = $2, version = $3, at = now() WHERE kiosk = $1";
        transaction.execute(sql, &[&kiosk, number, version]).await.trying(doing)?;
        let sql = "UPDATE kiosk SET version = $2 WHERE id = $1";
        transaction.execute(sql, &[&kiosk, version]).await.trying(doing)?;
    }
    let it = assigned(transaction, kiosk).await?;
    let ends = it.filter(|it| it.step.is_some() && runs.as_ref().is_some_and(|runs| runs.0 == it.number));
    if let Some(it) = &ends {
        end(transaction, kiosk, it, ("confirmed", None)).await?;
    }
    let sql = "UPDATE hawkbit_device d SET attributes = $2,
                      asked = EXISTS (SELECT FROM update_state u WHERE u.kiosk = d.kiosk AND u.under_way->>'step' = $3)
               WHERE kiosk = $1";
    let attributes = storable_json(Value::Object(attributes));
    transaction.execute(sql, &[&kiosk, &attributes, &DONE]).await.trying(doing).map(drop)
}

/// What a machine has said of itself so far.
pub(crate) async fn attributes(
    transaction: &Transaction<'_>,
    kiosk: &str,
) -> Result<Map<String, Value>, DatabaseError> {
    let sql = "SELECT attributes FROM hawkbit_device WHERE kiosk = $1 FOR UPDATE";
    let row = transaction.query_one(sql, &[&kiosk]).await.trying("look up what a machine said")?;
    Ok(match row.get(0) {
        Value::Object(attributes) => attributes,
        _ => Map::new(),
    })
}

/// Stores a machine that was admitted as a kiosk.
pub(crate) async fn store(
    transaction: &Transaction<'_>,
    tenant: &str,
    (kiosk, model): (&str, &str),
    token: &[u8],
) -> Result<(), DatabaseError> {
    let doing = "store a machine";
    let sql = "INSERT INTO hawkbit_device (kiosk, tenant, token) VALUES ($1, $2, $3)";
    transaction.execute(sql, &[&kiosk, &tenant, &token]).await.trying(doing)?;
    let sql = "INSERT INTO update_state (kiosk, tenant, model, running, version, confirmed) VALUES ($1, $2, $3, 0, '', 0)";
    transaction.execute(sql, &[&kiosk, &tenant, &model]).await.trying(doing).map(drop)
}
