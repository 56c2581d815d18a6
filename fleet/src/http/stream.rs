//! What changes, while it changes: server-sent events. They carry ids, not contents: whoever hears of a change
//! reads it again with the filter they are looking through, and sees no more than they may.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Serialize;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, Interval, interval_at};

use super::Api;
use super::door::{self, Staff};
use super::matrix;
use crate::hub::{News, Subject};

/// Proxies close connections that are silent for longer.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often it is looked whether whoever listens still may: tokens are revoked, people leave, sessions end.
const LOOK: Duration = Duration::from_secs(5);

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
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let look = interval_at(Instant::now() + LOOK, LOOK);
    let listener = Listener { news: api.hub.listen(), api, headers, staff, look };
    let events = futures_util::stream::unfold((listener, true), |(mut listener, first)| async move {
        let event = if first { resync() } else { listener.next().await? };
        Some((Ok(event), (listener, false)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// Somebody who listens.
struct Listener {
    api: Api,
    news: broadcast::Receiver<Arc<News>>,
    headers: HeaderMap,
    staff: Staff,
    look: Interval,
}

impl Listener {
    /// What is told next; `None` once they may not listen any more.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let news = tokio::select! {
                news = self.news.recv() => news,
                _ = self.look.tick() => {
                    self.staff = door::staff(&self.api, &self.headers).await.ok()?;
                    continue;
                }
            };
            match news {
                Ok(told) => match &*told {
                    News::Changed { tenant, subject, ids } if *tenant == self.staff.tenant => {
                        // Which kiosks there are elsewhere is not theirs to know.
                        let ids = if self.staff.sites.is_some() { &BTreeSet::new() } else { ids };
                        if let Some(event) = event(*subject, ids, &self.staff) {
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
}

fn resync() -> Event {
    Event::default().event("resync").data("{}")
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
