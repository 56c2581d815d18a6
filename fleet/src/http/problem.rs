//! What goes wrong, as `application/problem+json` (RFC 9457) with a stable code and the next step.

use axum::Json;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::access::AccessError;
use crate::database::DatabaseError;
use crate::pki::PkiError;

/// A problem, as told.
#[derive(Serialize, Debug, utoipa::ToSchema)]
pub(super) struct Problem {
    /// Names the kind of problem; the code, as a URN.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in a few words.
    title: &'static str,
    /// HTTP status.
    status: u16,
    /// Stable, for programs.
    code: &'static str,
    /// What is wrong here.
    detail: String,
    /// What to do next.
    next: String,
}

/// Why a request is not answered with what was asked for.
#[derive(Debug)]
pub(super) struct Failed {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    next: String,
    retry_after: Option<u32>,
}

pub(super) type Answer<T> = Result<T, Failed>;

impl Failed {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, title, detail: detail.into(), next: String::new(), retry_after: None }
    }

    pub(super) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }

    pub(super) fn after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(super) fn bad(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, "The request makes no sense", detail)
    }

    pub(super) fn unfit(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, "This cannot be done", detail)
    }

    pub(super) fn missing(what: &str, id: impl std::fmt::Display) -> Self {
        let detail = format!("there is no {what} {id}");
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
            .next("look it up in the list of its kind")
    }

    pub(super) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "It is not as you think", detail)
    }

    pub(super) fn changed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "changed", "Somebody else changed it", detail)
            .next("read it again and decide anew")
    }

    pub(super) fn precondition_required() -> Self {
        let status = StatusCode::PRECONDITION_REQUIRED;
        Self::new(status, "if_match", "Say what you know", "this change needs the header If-Match")
            .next("read the twin and send its rev as If-Match: \"<rev>\"")
    }

    pub(super) fn nobody() -> Self {
        let status = StatusCode::UNAUTHORIZED;
        Self::new(status, "unauthenticated", "Who are you?", "no valid token came with the request").next(
            "fleetctl login, or send Authorization: Bearer <token>; the first one is in DATA/admin-token",
        )
    }

    pub(super) fn no_certificate() -> Self {
        let status = StatusCode::UNAUTHORIZED;
        let detail = "no certificate of an active kiosk came with the connection";
        Self::new(status, "no_certificate", "Which kiosk are you?", detail)
            .next("connect over HTTPS with the kiosk's certificate, or enrol the kiosk")
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not with this role", detail)
            .next("ask an admin of the fleet")
    }

    pub(super) fn too_many(detail: impl Into<String>, seconds: u32) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", "Too many attempts", detail)
            .next("wait, then try with a new code")
            .after(seconds)
    }

    pub(super) fn wrong_password() -> Self {
        let status = StatusCode::UNAUTHORIZED;
        Self::new(status, "wrong_password", "Wrong name or password", "nobody has this name and password")
            .next("try again, or ask an admin of the fleet for a new password")
    }

    pub(super) fn too_fast() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_fast", "Too fast", "more requests than one may make")
            .next("wait a second; ask for larger pages, or listen to /v1/stream")
            .after(1)
    }

    pub(super) fn wrong_code() -> Self {
        let detail = "this code is not (or no longer) good";
        Self::new(StatusCode::FORBIDDEN, "wrong_code", "Wrong code", detail)
            .next("make a new one: fleetctl enroll, or POST /v1/enrolment-codes")
    }

    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large", detail)
    }

    pub(super) fn internal(doing: &'static str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Our fault", doing)
            .next("look at the log of fleetd")
    }
}

impl From<DatabaseError> for Failed {
    fn from(error: DatabaseError) -> Self {
        use tokio_postgres::error::SqlState;
        if let DatabaseError::Refused { source, .. } = &error
            && let Some(state) = source.code()
        {
            // Data that no check of ours foresaw: the caller's, not ours.
            if state.code().starts_with("22") || *state == SqlState::CHECK_VIOLATION {
                return Self::unfit("data", "a value is out of what can be stored");
            }
            if *state == SqlState::INSUFFICIENT_PRIVILEGE {
                return Self::forbidden("that belongs to a site that is not yours");
            }
            if state.code().starts_with("23") {
                return Self::conflict("exists", "it is there already, or belongs to what is not there");
            }
        }
        tracing::warn!(error = &error as &dyn std::error::Error, "a request meets a database that refuses");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "database", "The database does not answer", "try again")
            .next("fleetctl doctor, or GET /healthz")
            .after(2)
    }
}

impl From<PkiError> for Failed {
    fn from(error: PkiError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "a certificate cannot be made");
        Self::internal("a certificate cannot be made")
    }
}

impl From<AccessError> for Failed {
    fn from(error: AccessError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "no secret can be made");
        Self::internal("no secret can be made")
    }
}

impl From<JsonRejection> for Failed {
    fn from(rejection: JsonRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::too_large("the body is longer than this route takes");
        }
        let detail = rejection.body_text();
        match rejection.status() {
            status @ StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Self::new(status, "media_type", "JSON, please", detail)
                    .next("send Content-Type: application/json")
            }
            _ => Self::bad("json", detail).next("see /v1/openapi.json"),
        }
    }
}

impl From<QueryRejection> for Failed {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad("query", rejection.body_text()).next("see /v1/openapi.json")
    }
}

impl From<PathRejection> for Failed {
    fn from(rejection: PathRejection) -> Self {
        Self::bad("path", rejection.body_text()).next("see /v1/openapi.json")
    }
}

impl From<BytesRejection> for Failed {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::too_large("the body is longer than this route takes");
        }
        Self::bad("body", rejection.body_text())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let problem = Problem {
            kind: format!("urn:kioskd:problem:{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
            next: self.next,
        };
        let mut response = (self.status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

pub(super) async fn no_such_route(uri: axum::http::Uri) -> Failed {
    Failed::missing("route", uri.path()).next("see /v1/openapi.json")
}

pub(super) async fn no_such_method(method: axum::http::Method, uri: axum::http::Uri) -> Failed {
    let detail = format!("{} does not take {method}", uri.path());
    let status = StatusCode::METHOD_NOT_ALLOWED;
    Failed::new(status, "method", "Not this way", detail).next("see /v1/openapi.json")
}
