//! The page itself, compiled in.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::rig::Devices;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

pub async fn index() -> Response {
    with_type(HTML, include_str!("web/index.html"))
}

pub async fn file(Path(file): Path<String>) -> Response {
    match file.as_str() {
        "panel.css" => with_type(CSS, include_str!("web/panel.css")),
        "panel.js" => with_type(SCRIPT, include_str!("web/panel.js")),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `printer.js` and `printer.css` of a device that draws its own part.
pub async fn part(State(devices): State<Devices>, Path(file): Path<String>) -> Response {
    let found = file.rsplit_once('.').and_then(|(name, extension)| {
        let part = devices.get(name).ok()?.panel()?;
        match extension {
            "js" => Some(with_type(SCRIPT, part.script)),
            "css" => Some(with_type(CSS, part.style)),
            _ => None,
        }
    });
    found.unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

fn with_type(content_type: &'static str, body: &'static str) -> Response {
    ([(CONTENT_TYPE, content_type)], body).into_response()
}
