//! What people must do.

use axum::Json;
use axum::extract::State;
use protocol::text::wire_name;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Api;
use super::door::Staff;
use super::extract::{Ask, At, Body};
use super::filters;
use super::matrix;
use super::page::{self, Order, Page, Part, text};
use super::problem::{Answer, Failed};
use crate::database::Trying;
use crate::filter::Sql;
use crate::hub::Subject;

/// Something to be done by a person.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Task {
    /// Number.
    id: i64,
    /// Where.
    site: String,
    /// About which kiosk.
    kiosk: String,
    /// For example `sale_denied`, `forked` or `unclear_payment`.
    kind: String,
    /// In English.
    detail: String,
    /// About which order.
    #[schema(required)]
    sale: Option<Uuid>,
    /// Since when.
    #[schema(format = DateTime)]
    raised_at: String,
    /// When it was done.
    #[schema(format = DateTime, required)]
    done_at: Option<String>,
    /// By whom.
    #[schema(required)]
    done_by: Option<String>,
    /// How it ended.
    #[schema(required)]
    outcome: Option<String>,
}

/// Which tasks.
#[derive(Deserialize, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Done ones; open ones if not given.
    done: Option<bool>,
    /// About this kiosk.
    kiosk: Option<String>,
    /// At this site.
    site: Option<String>,
    /// Of kiosks that this filter lets through.
    filter: Option<String>,
}

/// Tasks, the oldest first. Those about sales only for those who may see sales.
#[utoipa::path(get, path = "/v1/tasks", tag = "sales", params(Which, Part),
    responses((status = 200, body = Page<Task>)))]
pub(super) async fn list(
    State(api): State<Api>,
    staff: Staff,
    Ask(which): Ask<Which>,
    Ask(part): Ask<Part>,
) -> Answer<Json<Page<Task>>> {
    page::conditions([&which.kiosk, &which.site])?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let filter = filters::read_some(&transaction, which.filter.as_deref()).await?;
    let conditions = |sql: &mut Sql| {
        filters::of_kiosks(sql, "t.kiosk", filter.as_ref());
        sql.equal("(t.done_at IS NOT NULL)", Some(which.done.unwrap_or(false)));
        if !matrix::sees_sales(staff.role) {
            sql.push(" AND t.sale IS NULL");
        }
        sql.equal("t.kiosk", which.kiosk).equal("t.site", which.site);
    };
    let order = Order {
        by: "t.raised_at",
        kind: "timestamptz",
        then: "t.id",
        then_kind: "bigint",
        descending: false,
    };
    Ok(Json(page::page(&transaction, ("t.*", "task t"), conditions, order, &part).await?))
}

/// How a task ended.
#[derive(Deserialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Done {
    /// For `sale_denied`: `accept`, `refund` or `substitute`; else `done`.
    outcome: Outcome,
    /// For the audit log.
    #[serde(default)]
    note: String,
}

/// How a task ended.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, Debug, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It is done.
    Done,
    /// The sale stands although the fleet denied it.
    Accept,
    /// The customer got the money back.
    Refund,
    /// The customer took something else.
    Substitute,
}

/// Says that a task is done.
#[utoipa::path(post, path = "/v1/tasks/{id}/done", tag = "sales", params(("id" = i64, Path)),
    request_body = Done, responses((status = 200, body = Task)))]
pub(super) async fn done(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<i64>,
    Body(asked): Body<Done>,
) -> Answer<Json<Task>> {
    text("note", &asked.note, 1000)?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "SELECT * FROM task WHERE id = $1 FOR UPDATE";
    transaction.query_opt(sql, &[&id]).await.trying("lock a task")?;
    let select = "SELECT * FROM task WHERE id = $1";
    let task = page::one::<Task>(&transaction, select, &[&id])
        .await?
        .filter(|task| task.sale.is_none() || matrix::sees_sales(staff.role))
        .ok_or_else(|| Failed::missing("task", id))?;
    if (task.kind == "sale_denied") == (asked.outcome == Outcome::Done) {
        let detail = format!("a task of the kind {} does not end like this", task.kind);
        return Err(
            Failed::unfit("outcome", detail).next("sale_denied: accept, refund or substitute; others: done")
        );
    }
    let ended = wire_name(&asked.outcome);
    if let Some(outcome) = &task.outcome {
        if *outcome == ended {
            return Ok(Json(task));
        }
        return Err(Failed::conflict("done", format!("it was done already: {outcome}")));
    }
    let sql = "UPDATE task SET done_at = now(), done_by = $2, outcome = $3 WHERE id = $1";
    transaction.execute(sql, &[&id, &staff.actor, &ended]).await.trying("end a task")?;
    let detail = json!({ "outcome": asked.outcome, "note": asked.note, "sale": task.sale });
    staff.note(&transaction, "task.done", &id.to_string(), detail).await?;
    let task = page::one(&transaction, select, &[&id]).await?.ok_or_else(|| Failed::missing("task", id))?;
    transaction.commit().await.trying("end a task")?;
    api.hub.changed(&staff.tenant, Subject::Task, [id.to_string()]);
    Ok(Json(task))
}
