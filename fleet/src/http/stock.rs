//! Stock: what counts is what the fleet says.

use axum::Json;
use axum::extract::State;
use protocol::text::wire_name;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::catalogs;
use super::door::Staff;
use super::extract::{Ask, Body};
use super::page::{self, Order, Page, Part, text};
use super::problem::{Answer, Failed};
use crate::database::Trying;
use crate::filter::Sql;

/// 1e-5 pieces of a piece.
const PIECE: i64 = 100_000;

/// Most pieces of one entry: ten million are more than any shop has, and no sum overflows.
const MOST: i64 = 10_000_000 * PIECE;

/// Goods of a site that are counted. Quantities in 1e-5 pieces.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Shelf {
    /// Where.
    site: String,
    /// What.
    variation: String,
    /// How much.
    on_hand: i64,
    /// What of it is set aside for kiosks: what each may still sell, also while it is offline.
    held: i64,
    /// The rest, which every kiosk may sell. Negative: fewer are there than kiosks were offered.
    free: i64,
    /// What a kiosk does when more is wanted than it may sell.
    beyond: Beyond,
    /// Grows with each change of what is there.
    rev: i64,
}

/// What a kiosk does when more is wanted than it may sell.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Beyond {
    /// It is sold out.
    Block,
    /// It is sold, and the fleet may deny it afterwards.
    AllowThenDeny,
    /// It is sold to be paid at the counter, where somebody looks whether there is any.
    AskStaff,
}

/// The columns of a shelf `s`.
const COLUMNS: &str = "s.site, s.variation, s.on_hand, s.held, s.on_hand - s.held AS free, s.beyond, s.rev";

/// Which stock.
#[derive(Deserialize, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// At this site.
    site: Option<String>,
    /// Of this.
    variation: Option<String>,
}

/// Counted goods, by site and variation.
#[utoipa::path(get, path = "/v1/stock", tag = "stock", params(Which, Part),
    responses((status = 200, body = Page<Shelf>)))]
pub(super) async fn list(
    State(api): State<Api>,
    staff: Staff,
    Ask(which): Ask<Which>,
    Ask(part): Ask<Part>,
) -> Answer<Json<Page<Shelf>>> {
    page::conditions([&which.site, &which.variation])?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let conditions = |sql: &mut Sql| {
        sql.equal("s.site", which.site).equal("s.variation", which.variation);
    };
    let order =
        Order { by: "s.site", kind: "text", then: "s.variation", then_kind: "text", descending: false };
    Ok(Json(page::page(&transaction, (COLUMNS, "stock s"), conditions, order, &part).await?))
}

/// What somebody counted.
#[derive(Deserialize, Serialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Count {
    /// Where.
    site: String,
    /// What.
    variation: String,
    /// How much is there, in 1e-5 pieces.
    #[schema(minimum = 0)]
    on_hand: i64,
    /// `rev` of the shelf as the counter saw it; a newer one is a conflict. Not given: it is so, whatever was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rev: Option<i64>,
    /// What a kiosk does when more is wanted than it may sell. Not given: as before; at first `allow_then_deny`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beyond: Option<Beyond>,
}

/// Sets what is there. What was not counted before is from now on.
#[utoipa::path(post, path = "/v1/stock/counts", tag = "stock", request_body = Count,
    responses((status = 200, body = Shelf)))]
pub(super) async fn count(
    State(api): State<Api>,
    staff: Staff,
    Body(asked): Body<Count>,
) -> Answer<Json<Shelf>> {
    if !(0..=MOST).contains(&asked.on_hand) {
        return Err(Failed::unfit("quantity", format!("on_hand: 0 to {} pieces", pieces(MOST))));
    }
    book(
        &api,
        &staff,
        &Booking {
            kind: "count",
            site: &asked.site,
            variation: &asked.variation,
            by: By::To(asked.on_hand),
            rev: asked.rev,
            beyond: asked.beyond,
        },
    )
    .await
}

/// What came in.
#[derive(Deserialize, Serialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Receipt {
    /// Where.
    site: String,
    /// What.
    variation: String,
    /// How much more, in 1e-5 pieces; negative: taken away.
    quantity: i64,
}

/// Adds what came in to a shelf that is counted.
#[utoipa::path(post, path = "/v1/stock/receipts", tag = "stock", request_body = Receipt,
    responses((status = 200, body = Shelf)))]
pub(super) async fn receive(
    State(api): State<Api>,
    staff: Staff,
    Body(asked): Body<Receipt>,
) -> Answer<Json<Shelf>> {
    if asked.quantity == 0 || !(-MOST..=MOST).contains(&asked.quantity) {
        return Err(Failed::unfit(
            "quantity",
            format!("quantity: at most {} pieces, and not 0", pieces(MOST)),
        ));
    }
    let kind = if asked.quantity > 0 { "receive" } else { "waste" };
    book(
        &api,
        &staff,
        &Booking {
            kind,
            site: &asked.site,
            variation: &asked.variation,
            by: By::More(asked.quantity),
            rev: None,
            beyond: None,
        },
    )
    .await
}

/// A quantity as people write it.
fn pieces(quantity: i64) -> String {
    let (sign, of) = (if quantity < 0 { "-" } else { "" }, quantity.unsigned_abs());
    let text = format!("{sign}{}.{:05}", of / PIECE.unsigned_abs(), of % PIECE.unsigned_abs());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

enum By {
    To(i64),
    More(i64),
}

struct Booking<'a> {
    kind: &'static str,
    site: &'a str,
    variation: &'a str,
    by: By,
    rev: Option<i64>,
    beyond: Option<Beyond>,
}

async fn book(api: &Api, staff: &Staff, booking: &Booking<'_>) -> Answer<Json<Shelf>> {
    let Booking { kind, site, variation, by, rev, beyond } = booking;
    text("site", site, 32)?;
    text("variation", variation, 200)?;
    let doing = "book stock";
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "SELECT on_hand, rev FROM stock WHERE site = $1 AND variation = $2 FOR UPDATE";
    let row = transaction.query_opt(sql, &[site, variation]).await.trying(doing)?;
    if row.is_none() && matches!(by, By::More(_)) {
        return Err(Failed::missing("counted shelf", format!("{site}/{variation}"))
            .next("count it first: fleetctl stock count, or POST /v1/stock/counts"));
    }
    if row.is_none() && catalogs::know(&transaction, site, variation).await? == Some(false) {
        let detail = format!("no catalog of the kiosks at {site} has the variation {variation:?}");
        return Err(Failed::unfit("variation", detail)
            .next("the ids are in the catalog: fleetctl catalog show; push one that has it first"));
    }
    let (before, known): (i64, i64) = row.map_or((0, 0), |row| (row.get(0), row.get(1)));
    if rev.is_some_and(|rev| rev != known) {
        let detail = format!("the shelf is at rev {known} with {} on hand", pieces(before));
        return Err(Failed::conflict("newer_moves", detail).next("count again"));
    }
    let after = match by {
        By::To(on_hand) => *on_hand,
        By::More(quantity) => before.saturating_add(*quantity),
    };
    if !(0..=MOST).contains(&after) {
        let detail = format!("{} are on hand; {} cannot be", pieces(before), pieces(after));
        return Err(Failed::unfit("quantity", detail));
    }
    // What is set aside stays so; whoever shares out looks at it.
    let sql = "INSERT INTO stock (tenant, site, variation, on_hand, beyond)
               SELECT $1, id, $3, $4, coalesce($5, 'allow_then_deny') FROM site WHERE id = $2
               ON CONFLICT (tenant, site, variation) DO UPDATE SET on_hand = $4, rev = stock.rev + 1,
                  beyond = coalesce($5, stock.beyond), regrant = true";
    let beyond = beyond.as_ref().map(wire_name);
    let booked = transaction.execute(sql, &[&staff.tenant, site, variation, &after, &beyond]).await;
    if booked.trying(doing)? == 0 {
        return Err(Failed::missing("site", site));
    }
    let sql = "INSERT INTO stock_move (tenant, site, variation, delta, kind) VALUES ($1, $2, $3, $4, $5)";
    transaction
        .execute(sql, &[&staff.tenant, site, variation, &(after - before), kind])
        .await
        .trying(doing)?;
    let mut detail = json!({ "kind": kind, "before": before, "after": after });
    if let Some(beyond) = beyond {
        detail["beyond"] = json!(beyond);
    }
    staff.note(&transaction, "stock.book", &format!("{site}/{variation}"), detail).await?;
    let sql = format!("SELECT {COLUMNS} FROM stock s WHERE s.site = $1 AND s.variation = $2");
    let shelf = page::one(&transaction, &sql, &[site, variation]).await?;
    transaction.commit().await.trying(doing)?;
    api.hub.due();
    Ok(Json(shelf.ok_or_else(|| Failed::missing("site", site))?))
}
