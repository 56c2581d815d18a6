//! What the page asks for.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};

use crate::device::{Device, VerbError};
use crate::rig::Devices;

/// Changes within this time become one event: a person cannot see more, and a printing line is a change.
const EVENT_INTERVAL: Duration = Duration::from_millis(80);

/// All devices with their verbs, states, and whether they draw themselves.
pub async fn devices(State(devices): State<Devices>) -> Json<Value> {
    let list: Vec<Value> = devices
        .iter()
        .map(|device| {
            let part = device.panel();
            json!({
                "name": device.name(),
                "title": part.map_or(device.name(), |part| part.title),
                "part": part.is_some(),
                "verbs": device.verbs(),
                "state": device.state(),
            })
        })
        .collect();
    Json(json!(list))
}

/// One event per change: `{"name":…,"state":…}`.
pub async fn events(State(devices): State<Devices>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let streams: Vec<_> = devices.iter().map(|device| Box::pin(changes(Arc::clone(device)))).collect();
    Sse::new(stream::select_all(streams)).keep_alive(KeepAlive::default())
}

fn changes(device: Arc<dyn Device>) -> impl Stream<Item = Result<Event, Infallible>> {
    let receiver = device.changes();
    stream::unfold((device, receiver), |(device, mut receiver)| async move {
        // An error means the device is gone, which happens only at the end of the run.
        receiver.changed().await.ok()?;
        tokio::time::sleep(EVENT_INTERVAL).await;
        receiver.mark_unchanged();
        let event =
            Event::default().json_data(json!({"name": device.name(), "state": device.state()})).ok()?;
        Some((Ok(event), (device, receiver)))
    })
}

/// Performs a verb; the body is a JSON array of arguments.
pub async fn verb(
    State(devices): State<Devices>,
    Path((device, verb)): Path<(String, String)>,
    Json(args): Json<Vec<String>>,
) -> Response {
    let result = devices.get(&device).and_then(|device| device.verb(&verb, &args));
    match result {
        Ok(value) => Json(json!({"ok": value})).into_response(),
        Err(error) => {
            let status = match error {
                VerbError::UnknownDevice { .. } | VerbError::UnknownVerb { .. } => StatusCode::NOT_FOUND,
                VerbError::Usage(_) => StatusCode::BAD_REQUEST,
                VerbError::Refused(_) => StatusCode::CONFLICT,
            };
            (status, Json(json!({"error": error.to_string()}))).into_response()
        }
    }
}

pub async fn picture(
    State(devices): State<Devices>,
    Path((device, picture)): Path<(String, String)>,
) -> Response {
    let found = devices.get(&device).ok().and_then(|device| device.picture(&picture));
    match found {
        Some(picture) => ([(CONTENT_TYPE, picture.content_type)], picture.bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
