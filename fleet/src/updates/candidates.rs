//! Which kiosks a rollout is for.

use std::collections::BTreeMap;

use deadpool_postgres::Transaction;
use serde::Serialize;

use crate::database::{DatabaseError, Trying};
use crate::filter::{Filter, Sql};
use crate::registry;
use crate::rollout::{Candidate, Member};

/// What a rollout is to do.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub model: String,
    pub number: i64,
    pub filter: String,
    /// The tag of those who go first.
    pub canary: String,
    /// To a release before the one that they run.
    pub back: bool,
    /// The lowest release that may be updated directly.
    pub min_from: i64,
}

/// Who is meant, and why others are not.
#[derive(Default)]
pub(crate) struct Found {
    pub candidates: Vec<Candidate>,
    pub left: Left,
}

/// Kiosks that the filter lets through and that get nothing.
#[derive(Clone, Default, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Left {
    /// They have never said what they run.
    pub silent: usize,
    /// Of another model.
    pub other_model: usize,
    /// They run it, or a newer one.
    pub have_it: usize,
    /// They run one from which no update leads to it directly.
    pub too_old: usize,
    /// In another rollout that is not over.
    pub busy: usize,
    /// Machines of others, and the release has no file for them.
    pub no_bundle: usize,
}

/// Active kiosks that the filter lets through.
pub(crate) async fn find(transaction: &Transaction<'_>, wanted: &Wanted) -> Result<Found, DatabaseError> {
    // Its `@names` were written out when it was made.
    let Ok(filter) = Filter::parse(&wanted.filter, &BTreeMap::new()) else { return Ok(Found::default()) };
    let mut sql = Sql::default();
    sql.push("SELECT k.id, k.site, k.tags @> ARRAY[").bind(wanted.canary.clone()).push("::text]");
    sql.push(", presence(k.state, k.is_on, k.last_seen, k.went_off) = 'online'");
    sql.push(" AND coalesce(k.status->>'sell', '') <> 'out_of_service', u.model, u.running");
    sql.push(
        ", EXISTS (SELECT FROM rollout_member m JOIN rollout r ON r.id = m.rollout WHERE m.kiosk = k.id",
    );
    sql.push(" AND r.state IN ('running', 'paused') AND m.phase NOT IN ('good', 'bad'))");
    sql.push(", EXISTS (SELECT FROM hawkbit_device d WHERE d.kiosk = k.id AND NOT EXISTS (");
    sql.push("SELECT FROM release_bundle b WHERE b.model = u.model AND b.number = ").bind(wanted.number);
    sql.push(")) FROM ");
    sql.push(registry::FROM)
        .push(" LEFT JOIN update_state u ON u.kiosk = k.id WHERE k.state = 'active' AND ");
    filter.to_sql(&mut sql);
    sql.push(" ORDER BY k.id");
    let rows = transaction.query(sql.text(), &sql.parameters()).await.trying("find kiosks for a rollout")?;
    let mut found = Found::default();
    for row in &rows {
        let model: Option<&str> = row.get(4);
        let running = row.get::<_, Option<i64>>(5).unwrap_or(0);
        let has_it = if wanted.back { running <= wanted.number } else { running >= wanted.number };
        let left = &mut found.left;
        let why = match model {
            None => Some(&mut left.silent),
            Some(model) if model != wanted.model => Some(&mut left.other_model),
            Some(_) if row.get(6) => Some(&mut left.busy),
            Some(_) if has_it => Some(&mut left.have_it),
            Some(_) if running < wanted.min_from => Some(&mut left.too_old),
            Some(_) if row.get(7) => Some(&mut left.no_bundle),
            Some(_) => None,
        };
        match why {
            Some(count) => *count += 1,
            None => found.candidates.push(Candidate {
                kiosk: row.get(0),
                site: row.get(1),
                canary: row.get(2),
                works: row.get(3),
            }),
        }
    }
    Ok(found)
}

/// Writes members down.
pub(crate) async fn insert<'a>(
    transaction: &Transaction<'_>,
    tenant: &str,
    rollout: &str,
    members: impl Iterator<Item = (&'a str, &'a Member)>,
) -> Result<(), DatabaseError> {
    let (mut kiosks, mut sites, mut waves) = (Vec::new(), Vec::new(), Vec::new());
    for (kiosk, member) in members {
        kiosks.push(kiosk);
        sites.push(member.site.as_str());
        waves.push(i32::try_from(member.wave).unwrap_or(i32::MAX));
    }
    if kiosks.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO rollout_member (rollout, tenant, kiosk, site, wave)
               SELECT $1, $2, k, s, w FROM unnest($3::text[], $4::text[], $5::integer[]) AS new (k, s, w)
               ON CONFLICT DO NOTHING";
    transaction
        .execute(sql, &[&rollout, &tenant, &kiosks, &sites, &waves])
        .await
        .trying("note the members of a rollout")
        .map(drop)
}
