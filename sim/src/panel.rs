//! The web panel: every device on one page, for people.
//!
//! Loopback only, no token: whoever can reach it could as well use the control socket. Against web pages in the same
//! browser it checks the Host header and asks for a JSON body, which no foreign page can send unasked.

mod api;
mod assets;

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::device::Shutdown;
use crate::rig::Devices;

/// Everything comes from here; nothing is written into the page by a script that was not shipped with it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Why there is no panel.
#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    /// The panel has no password and stays on this machine.
    #[error("the panel may only listen on a loopback address, not {0}")]
    NotLoopback(SocketAddr),
    /// The address is taken.
    #[error("cannot listen on {addr}")]
    Listen {
        /// Which.
        addr: SocketAddr,
        #[source]
        /// Why.
        source: io::Error,
    },
}

/// A panel that listens and is not yet served.
#[derive(Debug)]
pub struct Panel {
    listener: TcpListener,
    addr: SocketAddr,
}

/// Takes the address.
///
/// # Errors
/// See [`PanelError`].
pub async fn listen(addr: SocketAddr) -> Result<Panel, PanelError> {
    if !addr.ip().is_loopback() {
        return Err(PanelError::NotLoopback(addr));
    }
    let failed = |source| PanelError::Listen { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    Ok(Panel { listener, addr })
}

impl Panel {
    /// What to open in a browser.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    /// Serves until `shutdown`; open event streams are cut then.
    pub async fn serve(self, devices: Devices, mut shutdown: Shutdown) {
        tokio::select! {
            () = shutdown.requested() => {}
            result = axum::serve(self.listener, router(devices)).into_future() => {
                if let Err(error) = result {
                    tracing::error!(%error, "the panel is lost");
                }
            }
        }
    }
}

fn router(devices: Devices) -> Router {
    Router::new()
        .route("/", get(assets::index))
        .route("/{file}", get(assets::file))
        .route("/parts/{file}", get(assets::part))
        .route("/api/devices", get(api::devices))
        .route("/api/events", get(api::events))
        .route("/api/devices/{device}/verbs/{verb}", post(api::verb))
        .route("/api/devices/{device}/pictures/{picture}", get(api::picture))
        .with_state(devices)
        .layer(middleware::from_fn(guard))
}

/// A foreign name that resolves to 127.0.0.1 must not reach us through somebody's browser.
async fn guard(request: Request, next: Next) -> Response {
    if !is_local(request.headers()) {
        return (StatusCode::FORBIDDEN, "open the panel by its loopback address").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = match host.parse::<SocketAddr>() {
        Ok(addr) => return addr.ip().is_loopback(),
        Err(_) => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name == "localhost" || name.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}
