//! How a rollout begins.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use deadpool_postgres::Transaction;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{is_not, plan, stop, tell};
use crate::clock::now_s;
use crate::database::Trying;
use crate::http::Api;
use crate::http::door::Staff;
use crate::http::filters;
use crate::http::page::text;
use crate::http::problem::{Answer, Failed};
use crate::rollout::{Member, Plan, freeze};
use crate::updates::candidates::{self, Left, Wanted};
use crate::updates::rollouts::first_memory;

/// Kiosks of a site in the wave after the canaries.
const PER_SITE: usize = 1;
/// Most kiosks that are listed in an answer.
const LISTED: usize = 1000;

/// What to roll out, to whom, and how.
#[derive(Deserialize, Serialize, Default, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewRollout {
    /// Active kiosks that this lets through; empty: all.
    pub(super) filter: String,
    /// The number of the release.
    pub(super) release: i64,
    /// Its model; may be left out where only one model has this release.
    #[serde(default)]
    pub(super) model: Option<String>,
    /// The tag of those who go first; `canary` if not given.
    #[serde(default)]
    pub(super) canary: Option<String>,
    /// Percents that rise up to 100; 10, 50, 100 if not given.
    #[serde(default)]
    pub(super) waves: Option<Vec<u16>>,
    /// Kiosks that are away at once, in the whole fleet; if not given ten in the first waves, then a hundred.
    #[serde(default)]
    pub(super) pace: Option<u16>,
    /// Of the working kiosks of a site so many percent may be away at once, at least one and never all; 25.
    #[serde(default)]
    pub(super) site_percent: Option<u8>,
    /// How long a wave is watched after its last verdict, in seconds; a day.
    #[serde(default)]
    pub(super) soak_s: Option<i64>,
    /// After so many seconds without a word a kiosk that switched counts as failed; 1200.
    #[serde(default)]
    pub(super) silence_s: Option<i64>,
    /// When kiosks load and switch, in the time of their site: `02:00-05:00`. Always if not given.
    #[serde(default)]
    pub(super) window: Option<String>,
    /// Bytes a second at most, in thousands.
    #[serde(default)]
    pub(super) rate_kb: Option<i32>,
    /// It starts only when another person has approved it.
    #[serde(default)]
    pub(super) approve_by_other: bool,
    /// How many kiosks the asker believes it is; another number is a conflict.
    #[serde(default)]
    pub(super) expected: Option<u64>,
    /// Only tell which kiosks it would be.
    #[serde(default)]
    pub(super) dry_run: bool,
}

/// Where to go back to.
#[derive(Deserialize, Serialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Rollback {
    /// The earlier release; the one before if not given.
    #[serde(default)]
    to: Option<i64>,
    /// How many kiosks the asker believes it is; another number is a conflict.
    #[serde(default)]
    expected: Option<u64>,
    /// Only tell which kiosks it would be.
    #[serde(default)]
    dry_run: bool,
}

/// What came of it.
#[derive(Serialize, Debug, ToSchema)]
pub(in crate::http) struct Asked {
    /// The rollout; null for a dry run.
    #[schema(required)]
    id: Option<String>,
    /// Its release.
    number: i64,
    /// How many kiosks.
    count: usize,
    /// Which: the first thousand.
    kiosks: Vec<String>,
    /// Kiosks by wave.
    waves: Vec<WaveSize>,
    /// Who fits the filter and gets nothing.
    left: Left,
    /// `draft` or `running`; null for a dry run.
    #[schema(required)]
    state: Option<&'static str>,
}

/// A wave and how many kiosks it has.
#[derive(Serialize, Debug, ToSchema)]
struct WaveSize {
    /// `canary`, `10 %`.
    name: String,
    /// So many.
    kiosks: usize,
}

/// All that is stored of a rollout that begins.
struct Beginning {
    wanted: Wanted,
    plan: Plan,
    window: Option<(i32, i32)>,
    rate_kb: Option<i32>,
    needs_other: bool,
}

pub(super) async fn create(api: &Api, staff: &Staff, asked: NewRollout) -> Answer<(StatusCode, Json<Asked>)> {
    staff.everywhere()?;
    let canary = asked.canary.clone().unwrap_or_else(|| "canary".to_owned());
    text("canary", &canary, 64)?;
    let plan = plan::plan(&asked)?;
    let window = asked.window.as_deref().map(plan::window).transpose()?;
    if asked.rate_kb.is_some_and(|rate| rate <= 0) {
        return Err(Failed::unfit("rate_kb", "rate_kb: at least 1"));
    }
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let filter = filters::written_out(&transaction, &asked.filter).await?;
    let (model, min_from) = release(&transaction, asked.model.as_deref(), asked.release).await?;
    let wanted = Wanted { model, number: asked.release, filter, canary, back: false, min_from };
    let beginning = Beginning {
        wanted,
        plan,
        window: window.map(|it| (it.from.into(), it.to.into())),
        rate_kb: asked.rate_kb,
        needs_other: asked.approve_by_other,
    };
    let made = begin(&transaction, staff, &beginning, (asked.expected, asked.dry_run)).await?;
    answer(api, staff, transaction, made, ("rollout.start", json!(asked))).await
}

pub(super) async fn rollback(
    api: &Api,
    staff: &Staff,
    id: &str,
    asked: Rollback,
) -> Answer<(StatusCode, Json<Asked>)> {
    staff.everywhere()?;
    let doing = "roll back";
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "SELECT model, number, filter, canary, plan, win_from, win_to, rate_kb, state FROM rollout WHERE id = $1 FOR UPDATE";
    let row = transaction.query_opt(sql, &[&id]).await.trying(doing)?;
    let row = row.ok_or_else(|| Failed::missing("rollout", id))?;
    let (model, from, state): (String, i64, String) = (row.get(0), row.get(1), row.get(8));
    let to = earlier(&transaction, (&model, from), asked.to).await?;
    let (_, min_from) = release(&transaction, Some(&model), to).await?;
    // Undone with the transaction where it is only asked what would be.
    if matches!(state.as_str(), "draft" | "running" | "paused") {
        stop(&transaction, staff, id, &format!("rolled back to release {to}")).await?;
    }
    let beginning = Beginning {
        wanted: Wanted { model, number: to, filter: row.get(2), canary: row.get(3), back: true, min_from },
        plan: serde_json::from_value(row.get(4)).map_err(|_| Failed::internal("a plan"))?,
        window: row.get::<_, Option<i32>>(5).zip(row.get(6)),
        rate_kb: row.get(7),
        needs_other: false,
    };
    let made = begin(&transaction, staff, &beginning, (asked.expected, asked.dry_run)).await?;
    let detail = json!({ "from": id, "to": to });
    answer(api, staff, transaction, made, ("rollout.rollback", detail)).await
}

/// The release to go back to, if kiosks that have a later one may: none of those has a floor above it.
async fn earlier(transaction: &Transaction<'_>, (model, from): (&str, i64), to: Option<i64>) -> Answer<i64> {
    let sql = "SELECT coalesce(max((manifest->>'floor')::bigint), 0),
                      (SELECT max(number) FROM release WHERE model = $1 AND number < $2 AND state = 'listed')
               FROM release WHERE model = $1 AND number <= $2";
    let row = transaction.query_one(sql, &[&model, &from]).await.trying("look for an earlier release")?;
    let (floor, before): (i64, Option<i64>) = (row.get(0), row.get(1));
    let to = to.or(before).ok_or_else(|| {
        Failed::unfit("no_earlier", format!("there is no release for {model} before {from}"))
            .next("fleetctl release list")
    })?;
    if to >= from {
        return Err(Failed::unfit("not_earlier", format!("release {to} is not before {from}"))
            .next("fleetctl rollout start FILTER --release NUMBER"));
    }
    if to < floor {
        return Err(Failed::unfit(
            "floor",
            format!(
                "kiosks that have confirmed release {from} refuse everything below {floor}, so also {to}"
            ),
        )
        .next("let the makers sign the earlier images under a new number: kiosk-ota release"));
    }
    Ok(to)
}

/// Model and lowest direct predecessor of a release that is listed.
async fn release(transaction: &Transaction<'_>, model: Option<&str>, number: i64) -> Answer<(String, i64)> {
    text("model", model.unwrap_or_default(), 64)?;
    let sql = "SELECT model, (manifest->>'min_from')::bigint FROM release
               WHERE number = $1 AND state = 'listed' AND ($2::text IS NULL OR model = $2) ORDER BY model";
    let rows = transaction.query(sql, &[&number, &model]).await.trying("look up a release")?;
    match rows.as_slice() {
        [] => Err(Failed::missing("release", number)),
        [one] => Ok((one.get(0), one.get(1))),
        several => {
            let models: Vec<&str> = several.iter().map(|row| row.get(0)).collect();
            Err(Failed::unfit("model", format!("release {number} is there for {}", models.join(", ")))
                .next(format!("--model {}", models[0])))
        }
    }
}

/// Deals the kiosks to waves and, unless it is a dry run, stores the rollout.
async fn begin(
    transaction: &Transaction<'_>,
    staff: &Staff,
    beginning: &Beginning,
    (expected, dry_run): (Option<u64>, bool),
) -> Answer<Asked> {
    let doing = "store a rollout";
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('rollout ' || $1, 0))";
    transaction.execute(lock, &[&staff.tenant]).await.trying(doing)?;
    let sql = "SELECT coalesce(max(n), 0) + 1 FROM rollout WHERE tenant = $1";
    let n: i64 = transaction.query_one(sql, &[&staff.tenant]).await.trying(doing)?.get(0);
    let id = format!("{}.r{n}", staff.tenant);
    let found = candidates::find(transaction, &beginning.wanted).await?;
    filters::check_count(expected, found.candidates.len())?;
    let members = freeze(&beginning.plan, &id, &found.candidates, PER_SITE);
    let wanted = &beginning.wanted;
    let mut asked = Asked {
        id: None,
        number: wanted.number,
        count: members.len(),
        kiosks: members.keys().take(LISTED).cloned().collect(),
        waves: sizes(&beginning.plan, &members),
        left: found.left.clone(),
        state: None,
    };
    if dry_run {
        return Ok(asked);
    }
    if members.is_empty() {
        return Err(nobody(&found.left));
    }
    let state = if beginning.needs_other { "draft" } else { "running" };
    let (plan, memory) = (json!(beginning.plan), first_memory(now_s()));
    let (from, to) = beginning.window.unzip();
    let sql = "INSERT INTO rollout (id, tenant, n, model, number, filter, canary, plan, win_from, win_to, rate_kb, back,
                                    needs_other, state, memory, created_by, started_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                       CASE WHEN $14 = 'running' THEN now() END)";
    let (rate_kb, back, other) = (beginning.rate_kb, wanted.back, beginning.needs_other);
    transaction
        .execute(
            sql,
            &[
                &id,
                &staff.tenant,
                &n,
                &wanted.model,
                &wanted.number,
                &wanted.filter,
                &wanted.canary,
                &plan,
                &from,
                &to,
                &rate_kb,
                &back,
                &other,
                &state,
                &memory,
                &staff.actor,
            ],
        )
        .await
        .trying(doing)?;
    if !beginning.needs_other {
        let rows = members.iter().map(|(kiosk, member)| (kiosk.as_str(), member));
        candidates::insert(transaction, &staff.tenant, &id, rows).await?;
    }
    asked.id = Some(id);
    asked.state = Some(state);
    Ok(asked)
}

fn sizes(plan: &Plan, members: &BTreeMap<String, Member>) -> Vec<WaveSize> {
    let size = |wave| members.values().filter(|member| member.wave == wave).count();
    let waves = plan.waves.iter().enumerate();
    waves.map(|(n, wave)| WaveSize { name: wave.name.clone(), kiosks: size(n) }).collect()
}

/// Why there is nobody to roll out to.
fn nobody(left: &Left) -> Failed {
    let Left { silent, other_model, have_it, too_old, busy, no_bundle } = left;
    let detail = format!(
        "no kiosk can get it: {have_it} run it or a newer one, {other_model} are of another model, {too_old} run one \
         that is too old, {busy} are in another rollout, {no_bundle} need a bundle of it, {silent} have never said what \
         they run"
    );
    let next = match (*busy, *no_bundle) {
        (1.., _) => "fleetctl rollout list",
        (0, 1..) => "fleetctl release bundle MODEL NUMBER FILE",
        (0, 0) => "fleetctl ls -f FILTER",
    };
    Failed::conflict("nobody", detail).next(next)
}

async fn answer(
    api: &Api,
    staff: &Staff,
    transaction: Transaction<'_>,
    asked: Asked,
    (action, detail): (&'static str, Value),
) -> Answer<(StatusCode, Json<Asked>)> {
    let Some(id) = &asked.id else { return Ok((StatusCode::OK, Json(asked))) };
    staff.note(&transaction, action, id, json!({ "asked": detail, "count": asked.count })).await?;
    transaction.commit().await.trying("store a rollout")?;
    tell(api, staff);
    Ok((StatusCode::CREATED, Json(asked)))
}

/// Starts a draft: its kiosks are those that fit it now.
pub(super) async fn approve(api: &Api, staff: &Staff, id: &str) -> Answer<()> {
    staff.everywhere()?;
    let doing = "approve a rollout";
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "SELECT r.model, r.number, r.filter, r.canary, r.plan, r.back, (l.manifest->>'min_from')::bigint, r.created_by
               FROM rollout r JOIN release l USING (model, number) WHERE r.id = $1 AND r.state = 'draft' FOR UPDATE OF r";
    let Some(row) = transaction.query_opt(sql, &[&id]).await.trying(doing)? else {
        return Err(is_not(&transaction, id, "draft").await);
    };
    if row.get::<_, &str>(7) == staff.actor {
        return Err(Failed::conflict("same_person", "somebody else than who made it has to approve it")
            .next(format!("ask another operator for: fleetctl rollout approve {id}")));
    }
    let wanted = Wanted {
        model: row.get(0),
        number: row.get(1),
        filter: row.get(2),
        canary: row.get(3),
        back: row.get(5),
        min_from: row.get(6),
    };
    let plan: Plan = serde_json::from_value(row.get(4)).map_err(|_| Failed::internal("a plan"))?;
    let found = candidates::find(&transaction, &wanted).await?;
    if found.candidates.is_empty() {
        return Err(nobody(&found.left));
    }
    let members = freeze(&plan, id, &found.candidates, PER_SITE);
    let rows = members.iter().map(|(kiosk, member)| (kiosk.as_str(), member));
    candidates::insert(&transaction, &staff.tenant, id, rows).await?;
    let sql = "UPDATE rollout SET state = 'running', started_at = now(), memory = $2 WHERE id = $1";
    transaction.execute(sql, &[&id, &first_memory(now_s())]).await.trying(doing)?;
    staff.note(&transaction, "rollout.approve", id, json!({ "count": members.len() })).await?;
    transaction.commit().await.trying(doing)?;
    tell(api, staff);
    Ok(())
}
