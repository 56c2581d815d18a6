//! Filters with a name, and the reading of all filters that come with requests.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use deadpool_postgres::Transaction;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::Api;
use super::door::Staff;
use super::extract::{At, Body};
use super::page::{self, text};
use super::problem::{Answer, Failed};
use crate::database::Trying;
use crate::filter::{Filter, FilterError, Sql};
use crate::registry;

/// Most saved filters of a tenant: all are read when one is meant.
const MOST: i64 = 200;

/// A filter with a name.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct SavedFilter {
    /// 1 to 32 of a-z, 0-9 and `-`; `@name` in another filter means this one.
    name: String,
    /// What it lets through.
    filter: String,
    /// Since when.
    #[schema(format = DateTime)]
    saved_at: String,
    /// By whom.
    saved_by: String,
}

const COLUMNS: &str = "SELECT name, filter, saved_at, saved_by FROM saved_filter";

/// Reads a filter that came with a request; `@name` is a saved one.
pub(super) async fn read(transaction: &Transaction<'_>, text: &str) -> Answer<Filter> {
    let saved = if text.contains('@') { saved(transaction).await? } else { BTreeMap::new() };
    parse(text, &saved)
}

/// A filter in which every `@name` is replaced by what it means now: for what lasts longer than the name may.
pub(super) async fn written_out(transaction: &Transaction<'_>, text: &str) -> Answer<String> {
    read(transaction, text).await?;
    let all: Vec<SavedFilter> = page::all(transaction, COLUMNS, &[]).await?;
    let saved: BTreeMap<String, String> = all.into_iter().map(|one| (one.name, one.filter)).collect();
    Ok(replaced(text, &saved))
}

fn replaced(text: &str, saved: &BTreeMap<String, String>) -> String {
    let (mut out, mut rest, mut quoted) = (String::new(), text, false);
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' if quoted => {
                let next = rest.chars().next();
                rest = &rest[next.map_or(0, char::len_utf8)..];
                out.push(c);
                out.extend(next);
            }
            '@' if !quoted => {
                let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                let end = rest.find(|c| !name(c)).unwrap_or(rest.len());
                let meant = saved.get(&rest[..end]).map_or("", String::as_str);
                rest = &rest[end..];
                // An empty one lets everything through.
                out.push_str(&if meant.trim().is_empty() {
                    "not id=\"\"".into()
                } else {
                    format!("({meant})")
                });
            }
            c => {
                quoted ^= c == '"';
                out.push(c);
            }
        }
    }
    out
}

async fn saved(transaction: &Transaction<'_>) -> Answer<BTreeMap<String, Filter>> {
    let all: Vec<SavedFilter> = page::all(transaction, COLUMNS, &[]).await?;
    // One that was saved when the language had another field is as good as none.
    let read = |one: SavedFilter| Some((one.name, Filter::parse(&one.filter, &BTreeMap::new()).ok()?));
    Ok(all.into_iter().filter_map(read).collect())
}

fn parse(text: &str, saved: &BTreeMap<String, Filter>) -> Answer<Filter> {
    Filter::parse(text, saved).map_err(|FilterError { at, what }| {
        Failed::bad("filter", format!("at character {at}: {what}"))
            .next("for example: site=12 and online=false and ver<1.4 and tag:canary")
    })
}

/// Reads a filter that may be none.
pub(super) async fn read_some(transaction: &Transaction<'_>, text: Option<&str>) -> Answer<Option<Filter>> {
    match text {
        Some(text) => Ok(Some(read(transaction, text).await?)),
        None => Ok(None),
    }
}

/// Adds the condition that the kiosk in `column` is one that a filter lets through; no filter, no condition.
pub(super) fn of_kiosks(sql: &mut Sql, column: &'static str, filter: Option<&Filter>) {
    if let Some(filter) = filter {
        sql.push(" AND ").push(column).push(" IN (SELECT k.id FROM ").push(registry::FROM).push(" WHERE ");
        filter.to_sql(sql);
        sql.push(")");
    }
}

/// Refuses a change of other kiosks than the asker believes.
pub(super) fn check_count(expected: Option<u64>, count: usize) -> Answer<()> {
    if expected.is_none_or(|expected| usize::try_from(expected) == Ok(count)) {
        return Ok(());
    }
    Err(Failed::conflict("count", format!("it would be {count} kiosks now"))
        .next("look at the list again, then ask with the new number"))
}

/// All saved filters.
#[utoipa::path(get, path = "/v1/filters", tag = "kiosks", responses((status = 200, body = [SavedFilter])))]
pub(super) async fn list(State(api): State<Api>, staff: Staff) -> Answer<Json<Vec<SavedFilter>>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    Ok(Json(page::all(&transaction, &format!("{COLUMNS} ORDER BY name"), &[]).await?))
}

/// What a name is to mean.
#[derive(Deserialize, Serialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FilterToSave {
    /// What it lets through; without `@`.
    filter: String,
}

/// Saves a filter under a name, in place of the one that had it.
#[utoipa::path(put, path = "/v1/filters/{name}", tag = "kiosks", params(("name" = String, Path)),
    request_body = FilterToSave, responses((status = 200, body = SavedFilter)))]
pub(super) async fn save(
    State(api): State<Api>,
    staff: Staff,
    At(name): At<String>,
    Body(asked): Body<FilterToSave>,
) -> Answer<Json<SavedFilter>> {
    staff.everywhere()?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(1..=32).contains(&name.len()) || !name.chars().all(allowed) {
        return Err(Failed::unfit("name", "a name is 1 to 32 of a-z, 0-9 and -"));
    }
    let doing = "save a filter";
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    read(&transaction, &asked.filter).await?;
    // A filter of filters could go round in a circle.
    if Filter::parse(&asked.filter, &BTreeMap::new()).is_err() {
        return Err(Failed::bad("filter", "a saved filter cannot be part of another one")
            .next("write out what it lets through: fleetctl filters"));
    }
    let sql = "INSERT INTO saved_filter (tenant, name, filter, saved_by) VALUES ($1, $2, $3, $4)
               ON CONFLICT (tenant, name) DO UPDATE SET filter = $3, saved_by = $4, saved_at = now()";
    transaction.execute(sql, &[&staff.tenant, &name, &asked.filter, &staff.actor]).await.trying(doing)?;
    let sql = "SELECT count(*) FROM saved_filter";
    if transaction.query_one(sql, &[]).await.trying(doing)?.get::<_, i64>(0) > MOST {
        return Err(Failed::unfit("filters", format!("there are {MOST} saved filters already"))
            .next("remove one that nobody needs"));
    }
    staff.note(&transaction, "filter.save", &name, json!(asked)).await?;
    let saved = page::one(&transaction, &format!("{COLUMNS} WHERE name = $1"), &[&name]).await?;
    transaction.commit().await.trying(doing)?;
    saved.map(Json).ok_or_else(|| Failed::missing("filter", name))
}

/// Forgets a saved filter.
#[utoipa::path(delete, path = "/v1/filters/{name}", tag = "kiosks", params(("name" = String, Path)),
    responses((status = 204)))]
pub(super) async fn forget(State(api): State<Api>, staff: Staff, At(name): At<String>) -> Answer<StatusCode> {
    staff.everywhere()?;
    text("name", &name, 32)?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "DELETE FROM saved_filter WHERE name = $1";
    if transaction.execute(sql, &[&name]).await.trying("forget a filter")? == 0 {
        return Err(Failed::missing("filter", name));
    }
    staff.note(&transaction, "filter.forget", &name, json!({})).await?;
    transaction.commit().await.trying("forget a filter")?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_lasts_has_what_its_names_mean_now() {
        let saved = BTreeMap::from([("north".to_owned(), "site=1 or site=2".to_owned())]);
        for (text, wanted) in [
            ("@north and online", "(site=1 or site=2) and online"),
            ("not @north", "not (site=1 or site=2)"),
            ("name=\"@north\"", "name=\"@north\""),
            ("name=\"a\\\"@north\" and @north", "name=\"a\\\"@north\" and (site=1 or site=2)"),
        ] {
            assert_eq!(replaced(text, &saved), wanted);
            Filter::parse(wanted, &BTreeMap::new()).unwrap();
        }
    }
}
