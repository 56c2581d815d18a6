//! The API: who asks, what comes back, and problems as failures.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Uri, header};
use serde_json::Value;

use super::address::{Address, Query};
use super::contexts::Target;
use super::failure::{Exit, Failure, Result};
use super::line::{Heard, Line};

/// Most rows of a page, as the API says.
const PAGE_MAX: usize = 1000;

/// How often somebody who is told to come again later does.
const PATIENCE: u32 = 10;

/// Longest pause in between, in seconds; a longer one is for the person to decide about.
const PAUSE_MAX: u64 = 5;

/// A connection that broke is tried again after this time, once.
const SECOND_TRY: Duration = Duration::from_millis(500);

/// Longest request that the API takes with an `Idempotency-Key`.
const NAMED_MAX: usize = 256 * 1024;

/// A fleet and who asks it.
pub(super) struct Client {
    line: Line,
    target: Target,
}

/// Rows of a list.
pub(super) struct Rows {
    pub items: Vec<Value>,
    /// There are more.
    pub more: bool,
    /// How many there are, if the API says so.
    pub total: Option<u64>,
}

impl Client {
    pub(super) fn new(target: Target) -> Result<Self> {
        let line = Line::new(target.address.clone(), target.ca.as_deref())?;
        Ok(Self { line, target })
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    pub(super) fn get(&self, path: &str) -> Result<Value> {
        self.read(&self.ask(Method::GET, path, &[], None)?)
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(Method::POST, path, &[], body)
    }

    pub(super) fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Value> {
        self.upload(method, path, headers, body.to_string().into())
    }

    /// Sends JSON that is text already.
    pub(super) fn upload(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Value> {
        self.read(&self.ask(method, path, headers, Some(body))?)
    }

    pub(super) fn delete(&self, path: &str) -> Result<()> {
        self.ask(Method::DELETE, path, &[], None).map(drop)
    }

    /// A file.
    pub(super) fn file(&self, path: &str) -> Result<Heard> {
        self.ask(Method::GET, path, &[], None)
    }

    /// Rows of a paged list, at most `limit`; `None`: all.
    pub(super) fn rows(&self, path: &str, query: &Query, limit: Option<usize>) -> Result<Rows> {
        let mut rows = Rows { items: Vec::new(), more: false, total: None };
        let mut cursor: Option<String> = None;
        loop {
            let wanted = limit.map_or(PAGE_MAX, |limit| limit - rows.items.len()).min(PAGE_MAX);
            let query = query.clone().with("limit", Some(wanted)).with("cursor", cursor);
            let mut page = self.get(&query.after(path))?;
            let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) else {
                return Err(self.strange("a list without rows"));
            };
            rows.items.extend(items);
            rows.total = page["total"].as_u64();
            cursor = page["next"].as_str().map(str::to_owned);
            rows.more = cursor.is_some();
            if !rows.more || limit.is_some_and(|limit| rows.items.len() >= limit) {
                return Ok(rows);
            }
        }
    }

    /// Rows of a list without pages.
    pub(super) fn all(&self, path: &str) -> Result<Vec<Value>> {
        Ok(if let Value::Array(rows) = self.get(path)? { rows } else { Vec::new() })
    }

    /// An answer, whatever it says.
    pub(super) fn hear(&self, path: &str) -> Result<Heard> {
        self.line.ask(self.request(Method::GET, path, &[], None)?)
    }

    fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Bytes>,
    ) -> Result<Heard> {
        // Asked again under the same name, it is done once. Large files are the same however often they come.
        let key = uuid::Uuid::now_v7().to_string();
        let mut headers = headers.to_vec();
        if method != Method::GET && body.as_ref().is_none_or(|body| body.len() <= NAMED_MAX) {
            headers.push(("idempotency-key", &key));
        }
        let ask = || self.line.ask(self.request(method.clone(), path, &headers, body.clone())?);
        let mut heard = ask().or_else(|failure| {
            if failure.exit != Exit::Unreachable {
                return Err(failure);
            }
            std::thread::sleep(SECOND_TRY);
            ask()
        })?;
        for _ in 0..PATIENCE {
            // Who asks too fast is sent away at the door: nothing was done yet.
            let Some(pause) = heard.retry_after.filter(|pause| heard.status == 429 && *pause <= PAUSE_MAX)
            else {
                break;
            };
            std::thread::sleep(Duration::from_secs(pause));
            heard = ask()?;
        }
        if (200..300).contains(&heard.status) { Ok(heard) } else { Err(self.problem(&heard)) }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Bytes>,
    ) -> Result<Request<Full<Bytes>>> {
        let uri: Uri = path.parse().map_err(|error| {
            let told = format!("{} bytes of address cannot be asked for: {error}", path.len());
            Failure::usage(told).next("a filter has at most 2000 bytes")
        })?;
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::HOST, self.target.address.authority())
            .header(header::USER_AGENT, concat!("fleetctl/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.target.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.exposed()));
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // The token is the only part that comes from outside and is not escaped.
        let failed =
            |_| Failure::new(Exit::Login, "the token cannot be sent: it is no plain text").next(self.login());
        request.body(Full::new(body.unwrap_or_default())).map_err(failed)
    }

    fn read(&self, heard: &Heard) -> Result<Value> {
        if heard.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&heard.body).map_err(|_| self.strange("no JSON"))
    }

    /// The one who answers is no fleet, or one of another age.
    pub(super) fn strange(&self, what: &str) -> Failure {
        Failure::failed(format!("{} gave an answer that cannot be read: {what}", self.target.address))
            .next("is it a fleet of this version? fleetctl doctor")
    }

    /// The command that logs in to this fleet.
    fn login(&self) -> String {
        format!("fleetctl login {}", self.target.address)
    }

    fn problem(&self, heard: &Heard) -> Failure {
        let problem: Value = serde_json::from_slice(&heard.body).unwrap_or_default();
        let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
        if problem["code"].is_null() {
            let what =
                format!("{} answers with status {} and no word of a fleet", self.address(), heard.status);
            return Failure::failed(what).next("fleetctl context ls");
        }
        let (exit, next) = match heard.status {
            403 if problem["code"] == "wrong_code" => (Exit::Missing, text("next")),
            401 => (Exit::Login, self.login()),
            403 => (Exit::Login, text("next")),
            404 => (Exit::Missing, list_of(&text("detail")).unwrap_or_else(|| text("next"))),
            409 | 412 | 428 => (Exit::Conflict, text("next")),
            400 | 405 | 413 | 415 | 422 => (Exit::Usage, text("next")),
            503 => (Exit::Unreachable, "fleetctl doctor".to_owned()),
            _ => (Exit::Failed, text("next")),
        };
        let next = match exit {
            Exit::Usage if next.is_empty() || next.contains("/v1/openapi.json") => {
                "--help shows what it takes".to_owned()
            }
            Exit::Conflict if next.is_empty() => "look at it again, then decide anew".to_owned(),
            _ if next.is_empty() => "fleetctl doctor".to_owned(),
            _ => next,
        };
        let what = match (heard.status, self.target.token.is_some()) {
            _ if problem["code"] == "wrong_password" => text("detail"),
            (401, true) => format!("{} does not take this token (any more)", self.address()),
            (401, false) => format!("not logged in to {}", self.address()),
            _ => text("detail"),
        };
        Failure::new(exit, what).next(next)
    }

    fn address(&self) -> &Address {
        &self.target.address
    }
}

/// The command that lists what is missing: `there is no kiosk t1.k1` is looked for in the list of kiosks.
fn list_of(detail: &str) -> Option<String> {
    let lists = [
        ("kiosk", "ls"),
        ("active kiosk", "ls"),
        ("site", "sites"),
        ("order", "orders"),
        ("task", "tasks"),
        ("job", "jobs"),
        ("catalog", "catalog ls"),
        ("filter", "filters"),
        ("token", "tokens"),
        ("release", "release list"),
        ("rollout", "rollout list"),
    ];
    let what = detail.strip_prefix("there is no ")?;
    let list =
        lists.iter().find(|(name, _)| what.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    list.map(|(_, command)| format!("fleetctl {command}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_looked_for_in_its_list() {
        assert_eq!(list_of("there is no active kiosk x").unwrap(), "fleetctl ls");
        assert_eq!(list_of("there is no site 99").unwrap(), "fleetctl sites");
        assert_eq!(list_of("there is no route /v1/x"), None);
    }
}
