//! What changes, while it changes: server-sent events. They carry ids, not contents: whoever hears of a change
//! reads it again with the filter they are looking through, and sees no more than they may.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Serialize;
use tokio::sync::broadcast::{self, error::RecvError};

use super::Api;
use super::door::Staff;
use super::matrix;
use crate::hub::{News, Subject};

/// Proxies close connections that are silent for longer.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Serialize)]
struct Told<'a> {
    /// Empty: many.
    ids: &'a BTreeSet<String>,
}

/// Events `kiosk`, `order`, `job`, `task` with `{"ids": […]}` (empty: many changed), and `resync`: events were
/// missed, read everything again.
#[utoipa::path(get, path = "/v1/stream", tag = "access",
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(super) async fn stream(
    State(api): State<Api>,
    staff: Staff,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let listening = (api.hub.listen(), staff, true);
    let events = futures_util::stream::unfold(listening, |(mut news, staff, first)| async move {
        if first {
            return Some((Ok(resync()), (news, staff, false)));
        }
        let event = next(&mut news, &staff).await?;
        Some((Ok(event), (news, staff, false)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

fn resync() -> Event {
    Event::default().event("resync").data("{}")
}

async fn next(news: &mut broadcast::Receiver<Arc<News>>, staff: &Staff) -> Option<Event> {
    loop {
        match news.recv().await {
            Ok(told) => match &*told {
                News::Changed { tenant, subject, ids } if *tenant == staff.tenant => {
                    // Which kiosks there are elsewhere is not theirs to know.
                    let ids = if staff.sites.is_some() { &BTreeSet::new() } else { ids };
                    if let Some(event) = event(*subject, ids, staff) {
                        return Some(event);
                    }
                }
                News::Resync => return Some(resync()),
                News::Changed { .. } | News::Revoked | News::Due => {}
            },
            Err(RecvError::Lagged(_)) => return Some(resync()),
            Err(RecvError::Closed) => return None,
        }
    }
}

fn event(subject: Subject, ids: &BTreeSet<String>, staff: &Staff) -> Option<Event> {
    let name = match subject {
        Subject::Kiosk => "kiosk",
        Subject::Order if matrix::sees_sales(staff.role) => "order",
        Subject::Order => return None,
        Subject::Job => "job",
        Subject::Task => "task",
    };
    Event::default().event(name).json_data(Told { ids }).ok()
}
