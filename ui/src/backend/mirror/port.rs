//! The HTTP side: the embedded page, who may ask, and the way to the WebSocket.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, ORIGIN, REFERRER_POLICY,
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::door::SocketId;
use super::wire::MAX_TEXT_BYTES;
use super::{MirrorError, Shared, session};

const PROTOCOL: &str = "kioskd-mirror.1";
/// One controller, four viewers, and as many again who are about to replace them by reloading, plus some who still
/// have to say hello.
pub(super) const MAX_SOCKETS: usize = 16;
/// For how long visitors are heard after the mirror was told to end.
const GOODBYE: Duration = Duration::from_secs(2);

/// Nothing is loaded from anywhere else, nothing inline runs, nobody may frame the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The door is shut for a minute at most.
const RETRY_SECONDS: &str = "60";

#[derive(Clone)]
struct Port {
    shared: Arc<Shared>,
    /// The two names that lead here, with the port.
    names: Arc<[String; 2]>,
}

/// See [`super::Mirror::serve`].
pub(super) async fn serve(
    shared: Arc<Shared>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), MirrorError> {
    let address = listener.local_addr().map_err(MirrorError::Listener)?;
    if !address.ip().is_loopback() {
        return Err(MirrorError::NotLoopback(address));
    }
    let names = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{}", address.port()));
    let port = Port { shared: Arc::clone(&shared), names: Arc::new(names) };
    let mut stopped = shared.stop.subscribe();
    // Touches and small frames must not wait for more bytes to come.
    let listener = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "the mirror's socket keeps its delay");
        }
    });
    let stop = shared.stop.clone();
    let server = axum::serve(listener, router(port)).with_graceful_shutdown(async move {
        shutdown.await;
        stop.send_replace(true);
    });
    tokio::select! {
        result = server.into_future() => result.map_err(MirrorError::Listener)?,
        () = async {
            // An error means that the sender is gone, which ends the mirror just as well.
            stopped.wait_for(|stop| *stop).await.ok();
            tokio::time::sleep(GOODBYE).await;
        } => (),
    }
    let all_places = u32::try_from(MAX_SOCKETS).expect("a handful");
    // Who has not left by then is cut off when the runtime ends.
    timeout(GOODBYE, shared.places.acquire_many(all_places)).await.ok();
    Ok(())
}

fn router(port: Port) -> Router {
    Router::new()
        .route("/", get(async || embedded("text/html; charset=utf-8", include_str!("page/mirror.html"))))
        .route("/mirror.js", get(async || embedded("text/javascript", include_str!("page/mirror.js"))))
        .route("/mirror.css", get(async || embedded("text/css", include_str!("page/mirror.css"))))
        .route("/m", get(open_socket))
        .layer(middleware::from_fn_with_state(port.clone(), check_names))
        .with_state(port)
}

fn embedded(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, content_type)], text)
}

/// Refuses everybody who came here under another name (DNS rebinding) or from another page (cross-site requests),
/// and gives every answer its protective headers.
async fn check_names(State(port): State<Port>, request: Request, next: Next) -> Response {
    let mut response = if port.is_addressed(request.headers()) {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    };
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

impl Port {
    /// True if the request names us, and comes from our own page if it says where it comes from.
    fn is_addressed(&self, headers: &HeaderMap) -> bool {
        let Some(host) = sole_value(headers, &HOST) else { return false };
        let names_us = self.names.iter().any(|name| name == host);
        let ours = !headers.contains_key(ORIGIN) || self.is_from_own_page(headers);
        names_us && ours
    }

    fn is_from_own_page(&self, headers: &HeaderMap) -> bool {
        let host = sole_value(headers, &HOST);
        let origin = sole_value(headers, &ORIGIN).and_then(|origin| origin.strip_prefix("http://"));
        origin.is_some() && origin == host
    }
}

/// The header's value if it is there exactly once, as text.
fn sole_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    first.filter(|_| second.is_none())?.to_str().ok()
}

async fn open_socket(State(port): State<Port>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    // Every browser says where a WebSocket comes from; a visitor that does not is no browser and has to say it too.
    if !port.is_from_own_page(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let upgrade = upgrade.protocols([PROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        return (StatusCode::BAD_REQUEST, "this is the subprotocol kioskd-mirror.1\n").into_response();
    }
    let shared = port.shared;
    if shared.door().is_shut(shared.clock.now()) {
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, RETRY_SECONDS)]).into_response();
    }
    let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let id = next_socket_id();
    upgrade.max_message_size(MAX_TEXT_BYTES).max_frame_size(MAX_TEXT_BYTES).on_upgrade(async move |socket| {
        session::run(&shared, id, socket).await;
        drop(place);
    })
}

fn next_socket_id() -> SocketId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
