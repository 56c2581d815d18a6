//! Lists: filtered, sorted and cut by the database; a cursor says where the next page begins.
//!
//! Rows come as JSON that the database makes of the columns, and are read into the types that the API tells of:
//! what does not fit its type is an error here and not a surprise at the caller's.

use deadpool_postgres::Transaction;
use protocol::text::{from_hex, hex};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio_postgres::types::ToSql;

use super::problem::{Answer, Failed};
use crate::database::Trying;
use crate::filter::Sql;

/// Rows of a page, if not told otherwise.
const USUAL: u32 = 100;

/// Most rows of a page.
const MOST: u32 = 1000;

/// Which part of a list.
#[derive(Clone, Default, Deserialize, Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// Most rows, 1 to 1000; 100 if not given.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// A part of a list.
#[derive(Serialize, Debug, utoipa::ToSchema)]
pub(super) struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    pub next: Option<String>,
}

/// By what a list is sorted: an expression that is never null, and its type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub by: &'static str,
    pub kind: &'static str,
    /// Tells rows apart for which `by` is the same.
    pub then: &'static str,
    pub then_kind: &'static str,
    pub descending: bool,
}

#[derive(Deserialize)]
struct Place(String, String);

/// A page of what `columns` and `from` describe, with the conditions that `conditions` adds (each beginning
/// with ` AND `).
pub(super) async fn page<T: DeserializeOwned>(
    transaction: &Transaction<'_>,
    (columns, from): (&'static str, &'static str),
    conditions: impl FnOnce(&mut Sql),
    order: Order,
    part: &Part,
) -> Answer<Page<T>> {
    let limit = part.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Failed::bad("limit", format!("limit is 1 to {MOST}")));
    }
    let mut sql = Sql::default();
    sql.push("SELECT to_jsonb(r) - 'by_' - 'then_', r.by_::text, r.then_::text FROM (SELECT ").push(columns);
    sql.push(", ").push(order.by).push(" AS by_, ").push(order.then).push(" AS then_ FROM ").push(from);
    sql.push(" WHERE true");
    conditions(&mut sql);
    if let Some(cursor) = &part.cursor {
        let Place(by, then) = place(cursor)?;
        sql.push(" AND (").push(order.by).push(", ").push(order.then);
        sql.push(if order.descending { ") < (" } else { ") > (" });
        sql.bind(by).push("::text::").push(order.kind).push(", ");
        sql.bind(then).push("::text::").push(order.then_kind).push(")");
    }
    let direction = if order.descending { " DESC" } else { "" };
    sql.push(" ORDER BY ").push(order.by).push(direction).push(", ").push(order.then).push(direction);
    sql.push(" LIMIT ").bind(i64::from(limit) + 1).push(") AS r ORDER BY r.by_").push(direction);
    sql.push(", r.then_").push(direction);
    let rows = transaction.query(sql.text(), &sql.parameters()).await.trying("read a list")?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let next = (rows.len() > limit).then(|| {
        let last = &rows[limit - 1];
        let place = serde_json::json!([last.get::<_, &str>(1), last.get::<_, &str>(2)]);
        hex(place.to_string().as_bytes())
    });
    let items = rows.iter().take(limit).map(|row| typed(row.get(0))).collect::<Answer<Vec<T>>>()?;
    Ok(Page { items, next })
}

fn place(cursor: &str) -> Answer<Place> {
    from_hex(cursor)
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .filter(|Place(by, then)| !by.contains('\0') && !then.contains('\0'))
        .ok_or_else(|| Failed::bad("cursor", "this cursor is none of ours").next("begin at the first page"))
}

/// One row as its type, if there is one. `sql` is a query whose columns are the fields.
pub(super) async fn one<T: DeserializeOwned>(
    transaction: &Transaction<'_>,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Answer<Option<T>> {
    let sql = format!("SELECT to_jsonb(r) FROM ({sql}) AS r");
    let row = transaction.query_opt(&sql, parameters).await.trying("read")?;
    row.map(|row| typed(row.get(0))).transpose()
}

/// All rows as their type.
pub(super) async fn all<T: DeserializeOwned>(
    transaction: &Transaction<'_>,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Answer<Vec<T>> {
    let sql = format!("SELECT to_jsonb(r) FROM ({sql}) AS r");
    let rows = transaction.query(&sql, parameters).await.trying("read")?;
    rows.iter().map(|row| typed(row.get(0))).collect()
}

fn typed<T: DeserializeOwned>(value: serde_json::Value) -> Answer<T> {
    serde_json::from_value(value).map_err(|error| {
        tracing::error!(%error, "a row does not fit its type");
        Failed::internal("a row does not fit its type")
    })
}

/// Refuses text that no column takes.
pub(super) fn text(name: &'static str, value: &str, longest: usize) -> Answer<()> {
    if value.contains('\0') || value.chars().count() > longest {
        return Err(Failed::unfit("text", format!("{name}: at most {longest} characters, no NUL")));
    }
    Ok(())
}

/// Refuses a state that there is not, and tells those that there are.
pub(super) fn known_state(state: Option<&str>, known: &[&str]) -> Answer<()> {
    match state.filter(|state| !known.contains(state)) {
        Some(state) => {
            Err(Failed::bad("state", format!("{state:?} is no state; there are {}", known.join(", "))))
        }
        None => Ok(()),
    }
}

/// Refuses values of conditions that no column takes.
pub(super) fn conditions<'a>(values: impl IntoIterator<Item = &'a Option<String>>) -> Answer<()> {
    values.into_iter().flatten().try_for_each(|value| text("a condition", value, 200))
}
