//! The fleet's side of claiming: codes that somebody approves, or that end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::kiosk::now;

/// A claim that was opened.
struct Open {
    code: String,
    secret: String,
    csr: String,
    ends: Instant,
    /// What the kiosk gets, the same each time.
    enrolled: Option<Value>,
}

pub(crate) struct Claims {
    open: Vec<Open>,
    pub life: Duration,
    /// Nobody answers at all.
    pub down: bool,
    /// So many answers with the certificate do not arrive.
    pub lose: usize,
    pub lost: usize,
}

impl Default for Claims {
    fn default() -> Self {
        Self { open: Vec::new(), life: Duration::from_secs(900), down: false, lose: 0, lost: 0 }
    }
}

impl Claims {
    pub(crate) fn codes(&self) -> Vec<String> {
        self.open.iter().map(|open| open.code.clone()).collect()
    }

    pub(crate) fn approve(&mut self, code: &str, enrolled: impl FnOnce(&str) -> Value) {
        let open = self.open.iter_mut().find(|open| open.code == code).unwrap();
        assert!(open.enrolled.is_none(), "{code} is approved once");
        open.enrolled = Some(enrolled(&open.csr));
    }

    /// `None`: the answer gets lost.
    pub(crate) fn answer(&mut self, path: &str, asked: &Value) -> Option<(&'static str, Value)> {
        match path {
            "/v1/claims" => {
                assert_eq!(asked["serial"], "SN-1");
                assert!(asked["version"].is_string() && asked["csr"].is_string());
                let n = self.open.len();
                let (code, secret) = (format!("R7KD-4M{n:02}"), format!("secret {n}"));
                let answer = json!({"code": code, "secret": secret, "expires_in": self.life.as_secs()});
                let csr = asked["csr"].as_str().unwrap().to_owned();
                self.open.push(Open { code, secret, csr, ends: now() + self.life, enrolled: None });
                Some(("201 Created", answer))
            }
            _ => {
                let open = self.open.iter().find(|open| asked["secret"] == *open.secret);
                match open.map(|open| (&open.enrolled, open.ends > now())) {
                    Some((Some(_), _)) if self.lose > 0 => {
                        self.lose -= 1;
                        self.lost += 1;
                        None
                    }
                    Some((Some(enrolled), _)) => {
                        Some(("200 OK", json!({"state": "claimed", "enrolled": enrolled})))
                    }
                    Some((None, true)) => Some(("200 OK", json!({"state": "waiting"}))),
                    Some((None, false)) | None => Some(("404 Not Found", json!({"detail": "over"}))),
                }
            }
        }
    }
}
