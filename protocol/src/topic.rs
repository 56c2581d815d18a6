//! Every MQTT topic, built and parsed here and nowhere else.
//!
//! ```text
//! v1/k/{kiosk}/up/{st,ev,tw,mx,lg,jb,rs,ot,bq}   kiosk to fleet
//! v1/k/{kiosk}/dn/{ak,tw,jb,qt,ot,bk}            fleet to kiosk
//! v1/f/{halt,tuf/…}                              fleet to every kiosk, retained, read only
//! ```
//! Fixed depth, version first, direction explicit. A kiosk's id is the CN of its certificate, so the broker
//! needs no list of kiosks: the three patterns of [`KIOSK_ACL`] are the whole authorisation.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest kiosk id. It stands in topics, certificates and file names.
pub const KIOSK_ID_MAX: usize = 64;

/// The one user of the broker that is no kiosk.
pub const FLEET_USER: &str = "fleetd";

/// What every kiosk subscribes to besides its own topics.
pub const BROADCAST_FILTER: &str = "v1/f/#";

/// Access list of a Mosquitto broker's listener for kiosks, whose user name is the certificate's CN. Checked at
/// publish and at delivery; a subscription is never refused.
pub const KIOSK_ACL: &str = "\
pattern write v1/k/%u/up/#
pattern read v1/k/%u/dn/#
pattern read v1/f/#
";

/// Access list of the listener for the fleet. A list of its own: whatever name the kiosks' authority signs has no
/// more rights than a kiosk.
pub const FLEET_ACL: &str = "\
user fleetd
topic readwrite v1/k/#
topic readwrite v1/f/#
topic read $SYS/#
";

/// A kiosk's identity: assigned by the fleet, CN of its certificate, level of its topics.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct KioskId(#[schemars(regex(pattern = r"^[a-z0-9.-]{1,64}$"))] String);

/// A text is no kiosk id.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no kiosk id: 1 to {KIOSK_ID_MAX} of a-z 0-9 . - and not {FLEET_USER:?}")]
pub struct BadKioskId(pub String);

impl KioskId {
    /// Checks a text.
    ///
    /// # Errors
    /// It is empty, too long, has other characters, or is the fleet's own name.
    pub fn new(text: impl Into<String>) -> Result<Self, BadKioskId> {
        let text = text.into();
        let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
        if text.is_empty() || text.len() > KIOSK_ID_MAX || !text.bytes().all(known) || text == FLEET_USER {
            return Err(BadKioskId(text));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KioskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for KioskId {
    type Error = BadKioskId;

    fn try_from(text: String) -> Result<Self, BadKioskId> {
        Self::new(text)
    }
}

impl From<KioskId> for String {
    fn from(id: KioskId) -> Self {
        id.0
    }
}

/// What a kiosk sends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Up {
    /// [`crate::fleet::Status`]: birth, heartbeat, will. QoS 1, retained.
    Status,
    /// [`crate::sync::Batch`]. QoS 1.
    Events,
    /// [`crate::fleet::ReportedTwin`]. QoS 1, retained.
    Twin,
    /// A sample of numbers. QoS 0.
    Metrics,
    /// Log lines. QoS 1.
    Log,
    /// [`crate::fleet::JobProgress`]. QoS 1.
    Job,
    /// [`crate::fleet::Reserve`]. QoS 1. A late one does no harm: nobody waits for the answer any more.
    Reserve,
    /// [`crate::update::UpdateState`]. QoS 1, retained.
    Update,
    /// [`crate::update::PartsWanted`]. QoS 0.
    PartsWanted,
}

/// What the fleet sends to one kiosk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Down {
    /// [`crate::sync::Ack`]. QoS 1.
    Ack,
    /// [`crate::fleet::DesiredTwin`]. QoS 1, retained.
    Twin,
    /// [`crate::fleet::Job`]. QoS 1, with a message expiry.
    Job,
    /// [`crate::fleet::Quota`]. QoS 1, retained.
    Quota,
    /// A signed assignment: the release that this kiosk is to run. QoS 1, retained.
    Update,
    /// [`crate::update::Part`]. QoS 0.
    Part,
}

const UPS: [(Up, &str); 9] = [
    (Up::Status, "st"),
    (Up::Events, "ev"),
    (Up::Twin, "tw"),
    (Up::Metrics, "mx"),
    (Up::Log, "lg"),
    (Up::Job, "jb"),
    (Up::Reserve, "rs"),
    (Up::Update, "ot"),
    (Up::PartsWanted, "bq"),
];

const DOWNS: [(Down, &str); 6] = [
    (Down::Ack, "ak"),
    (Down::Twin, "tw"),
    (Down::Job, "jb"),
    (Down::Quota, "qt"),
    (Down::Update, "ot"),
    (Down::Part, "bk"),
];

/// A topic of one kiosk.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Topic {
    /// From the kiosk.
    Up(KioskId, Up),
    /// To the kiosk.
    Down(KioskId, Down),
}

impl Topic {
    /// Reads a topic; `None` if it is none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let mut levels = text.split('/');
        let (version, k, kiosk, way, last) =
            (levels.next()?, levels.next()?, levels.next()?, levels.next()?, levels.next()?);
        if (version, k, levels.next()) != ("v1", "k", None) {
            return None;
        }
        let kiosk = KioskId::new(kiosk).ok()?;
        match way {
            "up" => UPS.iter().find(|(_, level)| *level == last).map(|(up, _)| Self::Up(kiosk, *up)),
            "dn" => DOWNS.iter().find(|(_, level)| *level == last).map(|(down, _)| Self::Down(kiosk, *down)),
            _ => None,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up(kiosk, up) => write!(f, "v1/k/{kiosk}/up/{}", level(&UPS, *up)),
            Self::Down(kiosk, down) => write!(f, "v1/k/{kiosk}/dn/{}", level(&DOWNS, *down)),
        }
    }
}

fn level<T: Copy + PartialEq>(table: &[(T, &'static str)], wanted: T) -> &'static str {
    table.iter().find(|(kind, _)| *kind == wanted).map_or("", |(_, level)| level)
}

/// What the fleet says to every kiosk: signed documents, retained.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Broadcast {
    /// Which campaigns are halted.
    Halt,
    /// The update repository's `timestamp.json`.
    Timestamp,
    /// Its newest snapshot.
    Snapshot,
    /// Its newest targets.
    Targets,
    /// Its root of this version.
    Root(u64),
}

impl Broadcast {
    /// Reads a topic; `None` if it is none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let known = [Self::Halt, Self::Timestamp, Self::Snapshot, Self::Targets];
        let root =
            text.strip_prefix("v1/f/tuf/root/").and_then(|version| version.parse().ok()).map(Self::Root);
        known.into_iter().chain(root).find(|it| it.to_string() == text)
    }
}

impl fmt::Display for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Halt => f.write_str("v1/f/halt"),
            Self::Timestamp => f.write_str("v1/f/tuf/timestamp"),
            Self::Snapshot => f.write_str("v1/f/tuf/snapshot"),
            Self::Targets => f.write_str("v1/f/tuf/targets"),
            Self::Root(version) => write!(f, "v1/f/tuf/root/{version}"),
        }
    }
}

/// What the fleet's workers subscribe to; each message reaches one of them. Whoever knows `group` can join it and
/// take messages away from them, as Mosquitto's access list refuses no subscription: it is to be a secret.
pub fn ingest_filter(group: &str) -> String {
    format!("$share/{group}/v1/k/+/up/#")
}

/// The states of all kiosks' updates, for the one of the fleet that looks after them.
pub const UPDATE_STATES_FILTER: &str = "v1/k/+/up/ot";

/// What a kiosk subscribes to for itself.
pub fn down_filter(kiosk: &KioskId) -> String {
    format!("v1/k/{kiosk}/dn/#")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_read_back_as_what_it_was_built_from() {
        let kiosk = KioskId::new("t7.k0042").unwrap();
        for (up, _) in UPS {
            let topic = Topic::Up(kiosk.clone(), up);
            assert_eq!(Topic::parse(&topic.to_string()), Some(topic));
        }
        for (down, _) in DOWNS {
            let topic = Topic::Down(kiosk.clone(), down);
            assert_eq!(Topic::parse(&topic.to_string()), Some(topic));
        }
        for broadcast in [Broadcast::Halt, Broadcast::Timestamp, Broadcast::Targets, Broadcast::Root(12)] {
            assert_eq!(Broadcast::parse(&broadcast.to_string()), Some(broadcast));
        }
        assert_eq!(Broadcast::parse("v1/f/tuf/root/012"), None);
        assert_eq!(Topic::Up(kiosk.clone(), Up::Events).to_string(), "v1/k/t7.k0042/up/ev");
        assert_eq!(down_filter(&kiosk), "v1/k/t7.k0042/dn/#");
        let state = Topic::Up(kiosk, Up::Update).to_string();
        assert_eq!(state.replace("t7.k0042", "+"), UPDATE_STATES_FILTER);
    }

    #[test]
    fn what_is_no_topic_of_ours_is_refused() {
        for text in [
            "",
            "v1",
            "v2/k/a/up/ev",
            "v1/f/a/up/ev",
            "v1/k/a/up",
            "v1/k/a/up/ev/x",
            "v1/k/a/up/zz",
            "v1/k/a/dn/ev",
            "v1/k//up/ev",
            "v1/k/+/up/ev",
            "v1/k/fleetd/up/ev",
            "v1/k/A/up/ev",
        ] {
            assert_eq!(Topic::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_kiosk_id_can_be_a_topic_level_and_a_file_name() {
        for bad in ["", "a/b", "a+", "#", "ä", "A", "a b", "fleetd", &"a".repeat(65)] {
            assert_eq!(KioskId::new(bad), Err(BadKioskId(bad.to_owned())));
        }
        assert!(KioskId::new("a".repeat(KIOSK_ID_MAX)).is_ok());
    }

    #[test]
    fn the_access_list_names_the_levels_that_topics_are_built_of() {
        let kiosk = KioskId::new("k1").unwrap();
        let up = Topic::Up(kiosk.clone(), Up::Log).to_string();
        let down = Topic::Down(kiosk.clone(), Down::Ack).to_string();
        let pattern = |way: &str| {
            let line = KIOSK_ACL
                .lines()
                .find_map(|line| line.strip_prefix(&format!("pattern {way} v1/k/")))
                .unwrap();
            format!("v1/k/{line}").replace("%u", kiosk.as_str()).trim_end_matches('#').to_owned()
        };
        assert!(up.starts_with(&pattern("write")));
        assert!(down.starts_with(&pattern("read")));
        assert!(FLEET_ACL.contains(&format!("user {FLEET_USER}\n")));
        assert!(KIOSK_ACL.contains(&format!("pattern read {BROADCAST_FILTER}\n")));
    }
}
