//! What the fleet says of releases, signed with its campaign key: which one a kiosk is to run, and which campaigns are
//! halted. Whoever has that key can choose among the releases that their makers have signed, and nothing else.
//!
//! A document is `{"content": {…}, "sig": [{"keyid": …, "sig": …}]}`; the signature is Ed25519 over the name of the kind,
//! a zero byte, and the canonical JSON of the content, so that no document passes for one of another kind.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::agent::{BY_HAND, Halt, Input, Wish};
use crate::trust::canonical::canonical;
use crate::trust::sign::{PublicKey, SecretKey};

/// Bytes of a document; a longer one is not read.
pub const DOCUMENT_MAX: usize = 16 * 1024;
/// The form of the documents. Fields only get added.
const FORM: u32 = 1;

/// Why a document is not obeyed. What was obeyed before stays.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OrderError {
    /// Longer than [`DOCUMENT_MAX`].
    #[error("it has {0} bytes")]
    TooLarge(usize),
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Malformed(String),
    /// Of a later form.
    #[error("version {0} is not known here")]
    Version(u32),
    /// Nobody who may has signed it.
    #[error("no signature of a campaign key is right")]
    Signature,
    /// For another kiosk.
    #[error("it is for {0}")]
    Foreign(String),
    /// From before this kiosk was enrolled.
    #[error("it was made before this kiosk was enrolled")]
    BeforeEnrolment,
    /// Not valid any more.
    #[error("it has ended")]
    Expired,
}

/// A kind of document.
pub trait Order: Serialize + DeserializeOwned {
    /// Its name, in what is signed.
    const KIND: &'static str;

    /// The form it has.
    fn form(&self) -> u32;
}

/// Which release a kiosk is to run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// Version of the form.
    pub v: u32,
    /// For this kiosk.
    pub aud: String,
    /// Of this campaign.
    pub campaign: String,
    /// A later one has a higher one, over all campaigns.
    #[serde(rename = "gen")]
    pub generation: u64,
    /// What is wished.
    #[serde(flatten)]
    pub action: Action,
    /// When it was made, s since 1970.
    pub issued: i64,
    /// Until when it is valid, s since 1970.
    pub expires: i64,
}

/// What an assignment wishes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// To run this release.
    Install {
        /// Its number.
        release: u64,
        /// It is the kiosk's turn: it may leave the release that runs. The same assignment comes again with it.
        #[serde(default)]
        turn: bool,
        /// When, in the kiosk's local time; always if there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<Window>,
        /// Bytes a second at most, in 1,000.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate_kb: Option<u32>,
    },
    /// To leave things as they are, if it is not too late.
    Cancel,
}

/// A part of the day, in minutes after midnight; over midnight if it ends before it begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Window {
    /// First minute.
    pub from: u16,
    /// First minute that is not in it any more.
    pub to: u16,
}

impl Window {
    /// Whether this minute of the day is in it. A window that ends where it begins is the whole day.
    pub fn holds(self, minute: u16) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02} to {:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// Which campaigns nobody goes on with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HaltOrder {
    /// Version of the form.
    pub v: u32,
    /// A later one has a higher one.
    #[serde(rename = "gen")]
    pub generation: u64,
    /// When it was made, s since 1970. It is made anew every hour.
    pub issued: i64,
    /// Campaigns; `*`: all.
    pub halted: Vec<String>,
    /// For people.
    #[serde(default)]
    pub reason: String,
}

impl Order for Assignment {
    const KIND: &'static str = "kiosk-assignment-v1";

    fn form(&self) -> u32 {
        self.v
    }
}

impl Order for HaltOrder {
    const KIND: &'static str = "kiosk-halt-v1";

    fn form(&self) -> u32 {
        self.v
    }
}

impl Assignment {
    /// What it means to this kiosk.
    ///
    /// # Errors
    /// It is for another one, for an earlier life of this one, or has ended.
    pub fn input(&self, kiosk: &str, enrolled_s: i64, now_s: i64) -> Result<Input, OrderError> {
        if self.aud != kiosk {
            return Err(OrderError::Foreign(self.aud.clone()));
        }
        if self.campaign == BY_HAND {
            return Err(OrderError::Malformed(format!("no campaign is called {BY_HAND}")));
        }
        if self.issued < enrolled_s {
            return Err(OrderError::BeforeEnrolment);
        }
        if now_s >= self.expires {
            return Err(OrderError::Expired);
        }
        Ok(match self.action {
            Action::Cancel => Input::Withdrawn(self.generation),
            Action::Install { release, .. } => {
                Input::Wished(Wish { campaign: self.campaign.clone(), generation: self.generation, release })
            }
        })
    }
}

impl HaltOrder {
    /// What it means to every kiosk.
    pub fn input(&self) -> Input {
        Input::Halt(Halt {
            generation: self.generation,
            issued_s: self.issued,
            campaigns: self.halted.iter().cloned().collect(),
        })
    }
}

/// Signs a document.
///
/// # Errors
/// It cannot be written as JSON with whole numbers.
pub fn seal<T: Order>(order: &T, key: &SecretKey) -> Result<Vec<u8>, OrderError> {
    let content = serde_json::to_value(order).map_err(malformed)?;
    let message = message(T::KIND, &content)?;
    let document = json!({"content": content, "sig": [key.sign_message(&message)]});
    serde_json::to_vec(&document).map_err(malformed)
}

/// Reads a document that one of these keys has signed.
///
/// # Errors
/// See [`OrderError`]. Nothing of it is read before its signature is right.
pub fn open<T: Order>(bytes: &[u8], keys: &[PublicKey]) -> Result<T, OrderError> {
    #[derive(Deserialize)]
    struct Document {
        content: Value,
        sig: Vec<Signature>,
    }
    #[derive(Deserialize)]
    struct Signature {
        keyid: String,
        sig: String,
    }
    if bytes.len() > DOCUMENT_MAX {
        return Err(OrderError::TooLarge(bytes.len()));
    }
    let document: Document = serde_json::from_slice(bytes).map_err(malformed)?;
    let message = message(T::KIND, &document.content)?;
    let is_signed = |key: &PublicKey| {
        let id = key.id();
        document.sig.iter().any(|it| it.keyid == id && key.verifies(&message, &it.sig))
    };
    if !keys.iter().any(is_signed) {
        return Err(OrderError::Signature);
    }
    let order: T = serde_json::from_value(document.content).map_err(malformed)?;
    if order.form() == FORM { Ok(order) } else { Err(OrderError::Version(order.form())) }
}

fn message(kind: &str, content: &Value) -> Result<Vec<u8>, OrderError> {
    let content =
        canonical(content).ok_or_else(|| OrderError::Malformed("a number is not whole".to_owned()))?;
    Ok([kind.as_bytes(), &[0], &content].concat())
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err calls it")]
fn malformed(error: serde_json::Error) -> OrderError {
    OrderError::Malformed(error.to_string())
}
