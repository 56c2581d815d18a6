//! Rollouts in the tables: what kiosks said goes into the rules, what the rules decide is written down. One
//! transaction a rollout; whoever holds its row works on it.

use std::collections::BTreeMap;

use deadpool_postgres::{Object, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_postgres::Row;

use super::candidates::{self, Wanted};
use super::health;
use crate::audit::{self, Entry};
use crate::counters::COUNTERS;
use crate::database::{DatabaseError, Trying, begin};
use crate::rollout::statistics::Sequential;
use crate::rollout::{Decision, Halt, Member, Phase, Plan, Rollout, State};

/// How often is looked for kiosks that were not there at the start, s.
const LATE_LOOK_S: i64 = 60;
/// A kiosk that waits for a moment without a customer has not switched yet; its turn begins anew this often, s.
const GATE_LOOK_S: i64 = 60;
/// Who acts when nobody does.
const ACTOR: &str = "fleetd";

/// What a rollout has to remember besides its members.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    test: Sequential,
    early_reasons: Vec<String>,
    last_verdict_s: i64,
    accepted: Option<usize>,
    late_looked_s: i64,
    health_looked_s: i64,
}

/// A rollout's row.
pub(super) struct Record {
    pub id: String,
    pub wanted: Wanted,
    window: Option<ota::orders::Window>,
    state: &'static str,
    memory: Memory,
}

/// A member's row, and what its kiosk says.
struct Told {
    phase: &'static str,
    since_s: i64,
    reason: Option<String>,
    /// It is online and in service.
    works: bool,
    in_window: bool,
    confirmed: i64,
    under_way: Value,
    last: Value,
}

/// Works on every rollout that is not over; whether anything was decided.
pub(super) async fn tick_all(connection: &mut Object, now_s: i64) -> Result<bool, DatabaseError> {
    let sql = "SELECT tenant, id FROM rollouts_under_way()";
    let doing = "look for rollouts";
    let rows = connection.query(sql, &[]).await.trying(doing)?;
    let sql = "SELECT EXISTS (SELECT FROM update_freeze)";
    let frozen = connection.query_one(sql, &[]).await.trying(doing)?.get(0);
    let mut changed = false;
    for row in rows {
        let transaction = begin(connection, row.get(0)).await?;
        changed |= tick(&transaction, (row.get(0), row.get(1)), now_s, frozen).await?;
        transaction.commit().await.trying("note what a rollout does")?;
    }
    Ok(changed)
}

async fn tick(
    transaction: &Transaction<'_>,
    (tenant, id): (&str, &str),
    now_s: i64,
    frozen: bool,
) -> Result<bool, DatabaseError> {
    let Some((mut record, mut rollout)) = load(transaction, id).await? else { return Ok(false) };
    let told = members(transaction, &record, &mut rollout, now_s).await?;
    let before = rollout.clone();
    hear(&record, &told, &mut rollout, now_s);
    if matches!(rollout.state, State::Running { .. }) && !frozen {
        if now_s - record.memory.late_looked_s >= LATE_LOOK_S {
            record.memory.late_looked_s = now_s;
            join_late(transaction, tenant, &record, &mut rollout).await?;
        }
        if now_s - record.memory.health_looked_s >= rollout.plan.look_s {
            record.memory.health_looked_s = now_s;
            if let Some(why) = health::regression(transaction, &record).await? {
                rollout.halt(Halt::Health(why));
            }
        }
    }
    let decisions = if frozen { rollout.wait(now_s) } else { rollout.tick(now_s) };
    let changed = save_members(transaction, (&told, &before, &rollout), (tenant, id), now_s).await?;
    obey(transaction, tenant, &record, &rollout, &decisions).await?;
    save(transaction, tenant, &record, (&before, &rollout), now_s).await?;
    Ok(changed || before.state != rollout.state)
}

async fn load(transaction: &Transaction<'_>, id: &str) -> Result<Option<(Record, Rollout)>, DatabaseError> {
    let doing = "read a rollout";
    let sql =
        "SELECT r.model, r.number, r.filter, r.canary, r.plan, r.win_from, r.win_to, r.back, r.state, r.wave,
                      r.why, r.memory,
                      (l.manifest->>'min_from')::bigint
               FROM rollout r JOIN release l USING (model, number) WHERE r.id = $1 FOR UPDATE OF r";
    let Some(row) = transaction.query_opt(sql, &[&id]).await.trying(doing)? else { return Ok(None) };
    let (Ok(plan), Ok(memory)) =
        (serde_json::from_value::<Plan>(row.get(4)), serde_json::from_value::<Memory>(row.get(11)))
    else {
        tracing::error!(id, "a rollout that cannot be read");
        return Ok(None);
    };
    let wave = usize::try_from(row.get::<_, i32>(9)).unwrap_or(0);
    let (state, kept) = match row.get::<_, &str>(8) {
        "running" => (State::Running { wave }, "running"),
        "paused" => (State::Paused { wave }, "paused"),
        "halted" => {
            let why = serde_json::from_value(row.get(10));
            (State::Halted(why.unwrap_or_else(|_| Halt::Operator(String::new()))), "halted")
        }
        _ => return Ok(None),
    };
    let minute = |column: usize| row.get::<_, Option<i32>>(column).and_then(|it| u16::try_from(it).ok());
    let window = minute(5).zip(minute(6)).map(|(from, to)| ota::orders::Window { from, to });
    let wanted = Wanted {
        model: row.get(0),
        number: row.get(1),
        filter: row.get(2),
        canary: row.get(3),
        back: row.get(7),
        min_from: row.get(12),
    };
    let rollout = Rollout {
        plan,
        state,
        members: BTreeMap::new(),
        test: memory.test,
        early_reasons: memory.early_reasons.clone(),
        last_verdict_s: memory.last_verdict_s,
        accepted: memory.accepted,
    };
    let record = Record { id: id.to_owned(), wanted, window, state: kept, memory };
    Ok(Some((record, rollout)))
}

/// Fills in the members; those that left the fleet without a verdict are none any more.
async fn members(
    transaction: &Transaction<'_>,
    record: &Record,
    rollout: &mut Rollout,
    now_s: i64,
) -> Result<BTreeMap<String, Told>, DatabaseError> {
    let sql = transaction
        .prepare_cached(
            "SELECT m.kiosk, m.site, m.wave, m.phase, extract(epoch FROM m.since)::bigint, m.reason,
                    presence(k.state, k.is_on, k.last_seen, k.went_off) = 'online'
                      AND coalesce(k.status->>'sell', '') <> 'out_of_service',
                    s.time_zone, coalesce(u.confirmed, 0), coalesce(u.under_way, 'null'), coalesce(u.last, 'null')
             FROM rollout_member m JOIN kiosk k ON k.id = m.kiosk
                  JOIN site s ON s.tenant = m.tenant AND s.id = k.site
                  LEFT JOIN update_state u ON u.kiosk = m.kiosk
             WHERE m.rollout = $1 AND (k.state = 'active' OR m.phase IN ('good', 'bad'))",
        )
        .await
        .trying("prepare")?;
    let rows = transaction.query(&sql, &[&record.id]).await.trying("read the members of a rollout")?;
    let mut clocks = Clocks { now_s, minutes: BTreeMap::new() };
    let mut all = BTreeMap::new();
    for row in &rows {
        let told = told(row, record, &mut clocks);
        let phase = match told.phase {
            "waiting" => Phase::Waiting,
            "assigned" => Phase::Assigned,
            "switching" => Phase::Switching { since_s: told.since_s },
            "good" => Phase::Good,
            _ => Phase::Bad,
        };
        let wave = usize::try_from(row.get::<_, i32>(2)).unwrap_or(0);
        let member = Member { site: row.get(1), wave, works: told.works, phase };
        rollout.members.insert(row.get(0), member);
        all.insert(row.get(0), told);
    }
    Ok(all)
}

fn told(row: &Row, record: &Record, clocks: &mut Clocks) -> Told {
    let phases = ["waiting", "assigned", "switching", "good", "bad"];
    let phase = phases.into_iter().find(|phase| *phase == row.get::<_, &str>(3)).unwrap_or("bad");
    let in_window = record.window.is_none_or(|window| window.holds(clocks.minute(row.get(7))));
    Told {
        phase,
        since_s: row.get(4),
        reason: row.get(5),
        works: row.get(6),
        in_window,
        confirmed: row.get(8),
        under_way: row.get(9),
        last: row.get(10),
    }
}

/// What time it is where sites are.
struct Clocks {
    now_s: i64,
    minutes: BTreeMap<String, u16>,
}

impl Clocks {
    /// Minute of the day. A zone that nobody knows is that of Greenwich.
    fn minute(&mut self, zone: &str) -> u16 {
        if let Some(minute) = self.minutes.get(zone) {
            return *minute;
        }
        let known = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
        let time = jiff::Timestamp::from_second(self.now_s).unwrap_or_default().to_zoned(known).time();
        let minute = time.hour().unsigned_abs() as u16 * 60 + time.minute().unsigned_abs() as u16;
        self.minutes.insert(zone.to_owned(), minute);
        minute
    }
}

/// What kiosks said since the last time.
fn hear(record: &Record, told: &BTreeMap<String, Told>, rollout: &mut Rollout, now_s: i64) {
    for (kiosk, it) in told {
        let Some(member) = rollout.members.get_mut(kiosk).filter(|it| !it.phase.is_verdict()) else {
            continue;
        };
        if let Some(verdict) = it.verdict(record) {
            rollout.verdict(kiosk, verdict.as_ref().map(|&()| ()).map_err(String::as_str), now_s);
            continue;
        }
        let step = it.step(record);
        match member.phase {
            Phase::Assigned if it.works && it.in_window && step == Some("installed") => {
                member.phase = Phase::Ready;
            }
            Phase::Switching { since_s }
                if it.works
                    && matches!(step, Some("installed" | "reboot_gate"))
                    && now_s - since_s > GATE_LOOK_S =>
            {
                member.phase = Phase::Switching { since_s: now_s };
            }
            _ => {}
        }
    }
}

impl Told {
    /// How it went there, if it is known.
    fn verdict(&self, record: &Record) -> Option<Result<(), String>> {
        let wanted = record.wanted.number;
        let is_this = |it: &Value| it["campaign"] == record.id.as_str() && it["release"] == wanted;
        if self.confirmed == wanted || (!record.wanted.back && self.confirmed > wanted) {
            return Some(Ok(()));
        }
        if !is_this(&self.last) || is_this(&self.under_way) {
            return None;
        }
        match (self.last["result"].as_str()?, self.last["reason"].as_str()) {
            ("confirmed", _) => Some(Ok(())),
            // It did what it was told.
            (_, Some("cancelled" | "halted")) => None,
            (result, reason) => Some(Err(reason.unwrap_or(result).to_owned())),
        }
    }

    /// How far it is with this rollout.
    fn step(&self, record: &Record) -> Option<&str> {
        let is_this = self.under_way["campaign"] == record.id.as_str();
        self.under_way["step"].as_str().filter(|_| is_this)
    }
}

async fn join_late(
    transaction: &Transaction<'_>,
    tenant: &str,
    record: &Record,
    rollout: &mut Rollout,
) -> Result<(), DatabaseError> {
    let found = candidates::find(transaction, &record.wanted).await?.candidates;
    let late: Vec<_> = found.iter().filter(|it| !rollout.members.contains_key(&it.kiosk)).collect();
    for candidate in &late {
        rollout.join(&candidate.kiosk, &candidate.site);
    }
    let members = late.iter().filter_map(|it| Some((it.kiosk.as_str(), rollout.members.get(&it.kiosk)?)));
    candidates::insert(transaction, tenant, &record.id, members).await
}

async fn save_members(
    transaction: &Transaction<'_>,
    (told, before, after): (&BTreeMap<String, Told>, &Rollout, &Rollout),
    (tenant, id): (&str, &str),
    now_s: i64,
) -> Result<bool, DatabaseError> {
    let (mut kiosks, mut phases, mut sinces, mut reasons) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut verdicts = 0;
    for (kiosk, member) in &after.members {
        let old = before.members.get(kiosk).map(|it| it.phase);
        // To have it and to wait for a turn is what the kiosk says each time.
        if old == Some(member.phase) || member.phase == Phase::Ready {
            continue;
        }
        let (phase, since_s) = match member.phase {
            Phase::Waiting => ("waiting", now_s),
            Phase::Assigned | Phase::Ready => ("assigned", now_s),
            Phase::Switching { since_s } => ("switching", since_s),
            Phase::Good => ("good", now_s),
            Phase::Bad => ("bad", now_s),
        };
        verdicts += u64::from(member.phase.is_verdict());
        kiosks.push(kiosk.as_str());
        phases.push(phase);
        sinces.push(since_s.to_string());
        reasons.push(reason(told.get(kiosk), member.phase, old));
    }
    if kiosks.is_empty() {
        return Ok(false);
    }
    COUNTERS.verdicts.add(verdicts);
    let doing = "note how far kiosks of a rollout are";
    let sql =
        "UPDATE rollout_member SET phase = p, since = to_timestamp(s::bigint), reason = coalesce(w, reason)
               FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) AS new (k, p, s, w)
               WHERE rollout = $1 AND tenant = $2 AND kiosk = k";
    transaction.execute(sql, &[&id, &tenant, &kiosks, &phases, &sinces, &reasons]).await.trying(doing)?;
    let sql = "UPDATE assignment SET action = 'none', turn = false, due = true
               WHERE rollout = $1 AND kiosk = ANY ($2) AND action = 'install'";
    let over: Vec<&str> = kiosks
        .iter()
        .zip(&phases)
        .filter(|(_, phase)| matches!(**phase, "good" | "bad"))
        .map(|(kiosk, _)| *kiosk)
        .collect();
    transaction.execute(sql, &[&id, &over]).await.trying(doing)?;
    Ok(true)
}

/// Why it went badly.
fn reason(told: Option<&Told>, phase: Phase, before: Option<Phase>) -> Option<String> {
    if phase != Phase::Bad {
        return None;
    }
    let told = told?;
    let said = told.last["reason"].as_str().or_else(|| told.last["result"].as_str());
    match before {
        Some(Phase::Switching { .. }) if told.last.is_null() => Some("silent".to_owned()),
        _ => said.map(str::to_owned).or_else(|| told.reason.clone()).or_else(|| Some("silent".to_owned())),
    }
}

/// Writes down what is to be told.
async fn obey(
    transaction: &Transaction<'_>,
    tenant: &str,
    record: &Record,
    rollout: &Rollout,
    decisions: &[Decision],
) -> Result<(), DatabaseError> {
    let doing = "note what kiosks are to be told";
    let (mut assigned, mut turned, mut silent) = (Vec::new(), Vec::new(), Vec::new());
    for decision in decisions {
        match decision {
            Decision::Assign(kiosk) => assigned.push(kiosk.as_str()),
            Decision::Turn(kiosk) => turned.push(kiosk.as_str()),
            Decision::Silent(kiosk) => silent.push(kiosk.as_str()),
            Decision::NextWave(_) | Decision::Doubt(_) | Decision::Done => {}
        }
    }
    if !assigned.is_empty() {
        let sql = "INSERT INTO assignment AS a (kiosk, tenant, rollout, generation, action, number)
                   SELECT k, $2, $3, next_update_generation(), 'install', $4 FROM unnest($1::text[]) AS k ORDER BY k
                   ON CONFLICT (kiosk) DO UPDATE SET rollout = $3, generation = excluded.generation,
                     action = 'install', number = $4, turn = false, due = true";
        let number = record.wanted.number;
        transaction.execute(sql, &[&assigned, &tenant, &record.id, &number]).await.trying(doing)?;
    }
    if !turned.is_empty() {
        let sql = "UPDATE assignment SET turn = true, due = true WHERE kiosk = ANY ($1) AND rollout = $2";
        transaction.execute(sql, &[&turned, &record.id]).await.trying(doing)?;
        COUNTERS.turns.add(turned.len() as u64);
    }
    let sql = "UPDATE rollout_member SET reason = 'silent' WHERE rollout = $1 AND kiosk = ANY ($2)";
    transaction.execute(sql, &[&record.id, &silent]).await.trying(doing)?;
    // Whoever was away until it was done gets no turn any more: it is for another rollout.
    if matches!(rollout.state, State::Halted(_) | State::Done) {
        withdraw(transaction, &record.id).await?;
    }
    Ok(())
}

/// Takes back what kiosks that have not switched were told.
pub(crate) async fn withdraw(transaction: &Transaction<'_>, id: &str) -> Result<(), DatabaseError> {
    let sql = "UPDATE assignment a SET action = 'cancel', turn = false, due = true
               FROM rollout_member m
               WHERE m.rollout = $1 AND m.kiosk = a.kiosk AND a.rollout = $1 AND a.action = 'install'
                 AND m.phase IN ('waiting', 'assigned')";
    transaction.execute(sql, &[&id]).await.trying("take back assignments").map(drop)
}

async fn save(
    transaction: &Transaction<'_>,
    tenant: &str,
    record: &Record,
    (before, rollout): (&Rollout, &Rollout),
    now_s: i64,
) -> Result<(), DatabaseError> {
    let memory = Memory {
        test: rollout.test,
        early_reasons: rollout.early_reasons.clone(),
        last_verdict_s: rollout.last_verdict_s,
        accepted: rollout.accepted,
        ..record.memory.clone()
    };
    let (state, wave, why) = match &rollout.state {
        State::Running { wave } => ("running", Some(*wave), None),
        State::Paused { wave } => ("paused", Some(*wave), None),
        State::Halted(why) => ("halted", None, Some(json!(why))),
        State::Done => ("done", None, None),
    };
    let wave = wave.and_then(|wave| i32::try_from(wave).ok());
    let sql = "UPDATE rollout SET state = $2, wave = coalesce($3, wave), why = coalesce($4, why), memory = $5,
                      ended_at = CASE WHEN $2 IN ('halted', 'done') THEN coalesce(ended_at, to_timestamp($6::text::bigint)) END
               WHERE id = $1";
    let memory = serde_json::to_value(memory).unwrap_or_default();
    transaction
        .execute(sql, &[&record.id, &state, &wave, &why, &memory, &now_s.to_string()])
        .await
        .trying("note where a rollout stands")?;
    if before.state != rollout.state {
        tracing::info!(rollout = record.id, from = record.state, to = state, why = ?why, "a rollout goes on");
        COUNTERS.halts.add(u64::from(state == "halted"));
        let detail = json!({ "state": state, "wave": wave, "why": why });
        let entry = Entry { actor: ACTOR, action: "rollout.state", subject: &record.id, detail };
        audit::note(transaction, tenant, entry).await?;
    }
    Ok(())
}

/// The memory of a rollout that begins now.
pub(crate) fn first_memory(now_s: i64) -> Value {
    let memory =
        Memory { last_verdict_s: now_s, late_looked_s: now_s, health_looked_s: now_s, ..Memory::default() };
    serde_json::to_value(memory).unwrap_or_default()
}
