//! Updates on the wire: what a kiosk says of its own, and how it asks for parts of files where it has nothing but MQTT.
//! What is signed (assignments, halts, metadata) has its format where it is signed and believed, in `ota`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ranges of one [`PartsWanted`].
pub const RANGES_MAX: usize = 16;
/// Bytes of one part.
pub const PART_MAX: usize = 64 * 1024;
/// Bytes of one [`Part`] on the wire.
pub const PART_MESSAGE_MAX: usize = PART_MAX + PART_HEAD;

const PART_HEAD: usize = 12;

/// What a kiosk runs and how far its update is; retained. This is the state, not news: a later one replaces it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "UpdateState")]
pub struct UpdateState {
    /// Version of the form.
    pub v: u32,
    /// Which kiosks a release must be for.
    pub model: String,
    /// The release that runs; 0: none that is known.
    pub running: u64,
    /// Its name, for people.
    pub version: String,
    /// The release that has proven itself last.
    pub confirmed: u64,
    /// The update that has no end yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<UpdateUnderWay>,
    /// Who has stopped updates at the kiosk itself; they go on when somebody there says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// How the last one ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<UpdateVerdict>,
}

/// An update that has no end yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UpdateUnderWay {
    /// Of which campaign.
    pub campaign: String,
    /// The release.
    pub release: u64,
    /// `offered`, `gated`, `downloading`, `verifying`, `installed` (asks for its turn), `reboot_gate`, `switching`,
    /// `trial_boot`, `leaving`.
    pub step: String,
    /// Of the writing, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
}

/// How an update ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UpdateVerdict {
    /// Of which campaign; empty: none.
    pub campaign: String,
    /// The release.
    pub release: u64,
    /// `confirmed`, `rejected`, `failed`, `rolled_back`.
    pub result: String,
    /// Why, unless it is confirmed: `boot_failed`, `signature`, `no_space` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When, ms since 1970, by the kiosk's clock.
    pub at: i64,
}

/// A kiosk asks for parts of a file of the update repository.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "PartsWanted")]
pub struct PartsWanted {
    /// Comes back with every part.
    pub req: u32,
    /// Path in the repository: `images/…/full.kot`.
    pub file: String,
    /// First byte and length of each part, at most [`RANGES_MAX`] of at most [`PART_MAX`] bytes.
    pub ranges: Vec<(u64, u32)>,
}

/// A part of a file: `req ‖ first byte ‖ bytes`, numbers big-endian. It is not to be believed before its hash is right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part<'a> {
    /// Of the question that it answers.
    pub req: u32,
    /// Place of the first byte in the file.
    pub at: u64,
    /// None: the file, or this place of it, does not exist.
    pub bytes: &'a [u8],
}

impl<'a> Part<'a> {
    /// Reads a message; `None` if it is too short or longer than [`PART_MESSAGE_MAX`].
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        if message.len() > PART_MESSAGE_MAX {
            return None;
        }
        let (req, rest) = message.split_first_chunk::<4>()?;
        let (at, bytes) = rest.split_first_chunk::<8>()?;
        Some(Self { req: u32::from_be_bytes(*req), at: u64::from_be_bytes(*at), bytes })
    }

    /// The message.
    pub fn to_message(self) -> Vec<u8> {
        [&self.req.to_be_bytes()[..], &self.at.to_be_bytes(), self.bytes].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_back_and_nothing_else_passes_for_one() {
        let part = Part { req: 7, at: 1 << 33, bytes: b"abc" };
        assert_eq!(part.to_message(), b"\0\0\0\x07\0\0\0\x02\0\0\0\0abc");
        assert_eq!(Part::parse(&part.to_message()), Some(part));
        assert_eq!(Part::parse(&[0; PART_HEAD]).map(|it| it.bytes.len()), Some(0));
        assert_eq!(Part::parse(&[0; PART_HEAD - 1]), None);
        assert_eq!(Part::parse(&vec![0; PART_MESSAGE_MAX + 1]), None);
    }
}
