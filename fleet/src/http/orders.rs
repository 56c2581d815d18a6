//! Orders, as the events tell of them.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Api;
use super::door::Staff;
use super::extract::{Ask, At};
use super::filters;
use super::page::{self, Order as Sorting, Page, Part};
use super::problem::{Answer, Failed};
use crate::filter::Sql;

/// An order. Money is in minor units of its currency, quantities in 1e-5 pieces.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Order {
    /// UUID.
    id: Uuid,
    /// Where.
    site: String,
    /// By which kiosk.
    kiosk: String,
    /// As the customer knows it.
    number: String,
    /// When it was placed, by the kiosk's clock.
    #[schema(format = DateTime)]
    placed_at: String,
    /// The shop's day.
    #[schema(format = Date)]
    business_date: String,
    /// `dine_in`, `take_away` or `delivery`.
    mode: String,
    /// `touch`, `voice` or `staff`.
    channel: String,
    /// ISO 4217.
    currency: String,
    /// Digits of its minor unit.
    exponent: i16,
    /// To be paid.
    total: i64,
    /// On top of it.
    tip: i64,
    /// Given back.
    refunded: i64,
    /// Of the catalog it was sold from.
    catalog_rev: i64,
    /// `placed`, `paid`, …
    state: String,
    /// Fiscal series and number.
    #[schema(required)]
    fiscal_series: Option<i64>,
    /// The same.
    #[schema(required)]
    fiscal_n: Option<i64>,
    /// When it was paid.
    #[schema(format = DateTime, required)]
    paid_at: Option<String>,
    /// Why the fleet denied it, if it did.
    #[schema(required)]
    denied: Option<String>,
    /// Variation, item, name, quantity, net.
    #[schema(value_type = Vec<Object>)]
    lines: Value,
}

const COLUMNS: &str =
    "s.id, s.site, s.kiosk, s.number, s.placed_at, s.business_date, s.mode, s.channel, s.currency,
    s.exponent, s.total, s.tip, s.refunded, s.catalog_rev, s.state, s.fiscal_series, s.fiscal_n, s.paid_at,
    s.denied, s.lines";

/// Which orders.
#[derive(Deserialize, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// By this kiosk.
    kiosk: Option<String>,
    /// At this site.
    site: Option<String>,
    /// In this state.
    state: Option<String>,
    /// With this number.
    number: Option<String>,
    /// Of this business date, `2026-11-22`.
    date: Option<String>,
    /// Denied ones, or others.
    denied: Option<bool>,
    /// Of kiosks that this filter lets through.
    filter: Option<String>,
}

/// What an order can be.
const STATES: [&str; 8] = [
    "placed",
    "awaiting_payment",
    "payment_unknown",
    "paid",
    "accepted_unpaid",
    "cancelled",
    "expired",
    "closed",
];

/// Orders, the newest first.
#[utoipa::path(get, path = "/v1/orders", tag = "sales", params(Which, Part),
    responses((status = 200, body = Page<Order>)))]
pub(super) async fn list(
    State(api): State<Api>,
    staff: Staff,
    Ask(which): Ask<Which>,
    Ask(part): Ask<Part>,
) -> Answer<Json<Page<Order>>> {
    page::conditions([&which.kiosk, &which.site, &which.state, &which.number, &which.date])?;
    page::known_state(which.state.as_deref(), &STATES)?;
    if let Some(date) = &which.date {
        date.parse::<jiff::civil::Date>()
            .map_err(|_| Failed::bad("date", format!("{date:?} is no date such as 2026-11-22")))?;
    }
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let filter = filters::read_some(&transaction, which.filter.as_deref()).await?;
    let conditions = |sql: &mut Sql| {
        filters::of_kiosks(sql, "s.kiosk", filter.as_ref());
        sql.equal("s.kiosk", which.kiosk).equal("s.site", which.site);
        sql.equal("s.state", which.state).equal("s.number", which.number);
        if let Some(date) = which.date {
            sql.push(" AND s.business_date = ").bind(date).push("::text::date");
        }
        sql.equal("(s.denied IS NOT NULL)", which.denied);
    };
    let order =
        Sorting { by: "s.placed_at", kind: "timestamptz", then: "s.id", then_kind: "uuid", descending: true };
    Ok(Json(page::page(&transaction, (COLUMNS, "sale s"), conditions, order, &part).await?))
}

/// A payment.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Payment {
    /// UUID.
    id: Uuid,
    /// `card` or `counter`.
    tender: String,
    /// In minor units.
    amount: i64,
    /// On top of it.
    tip: i64,
    /// `created`, `approved`, …
    state: String,
}

/// An order with its payments and tasks.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct OrderInFull {
    /// The order.
    order: Order,
    /// Its payments.
    payments: Vec<Payment>,
    /// What people had or have to do about it.
    tasks: Vec<super::tasks::Task>,
}

/// One order.
#[utoipa::path(get, path = "/v1/orders/{id}", tag = "sales", params(("id" = Uuid, Path)),
    responses((status = 200, body = OrderInFull)))]
pub(super) async fn show(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<Uuid>,
) -> Answer<Json<OrderInFull>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let order = page::one(&transaction, "SELECT * FROM sale WHERE id = $1", &[&id])
        .await?
        .ok_or_else(|| Failed::missing("order", id))?;
    let sql = "SELECT id, tender, amount, tip, state FROM payment WHERE sale = $1 ORDER BY id";
    let payments = page::all(&transaction, sql, &[&id]).await?;
    let tasks = page::all(&transaction, "SELECT * FROM task WHERE sale = $1 ORDER BY id", &[&id]).await?;
    Ok(Json(OrderInFull { order, payments, tasks }))
}
