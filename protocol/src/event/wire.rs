//! Small pieces that several bodies share: how ids, amounts and names look in JSON.

use std::sync::Arc;

use domain::ids::Uuid;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A UUID as lower-case text with dashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Id(pub Uuid);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_uuid(&text).map(Id).ok_or_else(|| serde::de::Error::custom(format!("not a UUID: {text:?}")))
    }
}

fn parse_uuid(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 || !text.is_ascii() || [8, 13, 18, 23].iter().any(|i| bytes[*i] != b'-') {
        return None;
    }
    let digits: Vec<u8> = bytes.iter().copied().filter(|b| *b != b'-').collect();
    let mut uuid = [0; 16];
    for (byte, pair) in uuid.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Uuid(uuid))
}

/// A hash as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Hex32(pub [u8; 32]);

impl Serialize for Hex32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text: String = self.0.iter().map(|b| format!("{b:02x}")).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Hex32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() != 64 || !text.is_ascii() {
            return Err(serde::de::Error::custom("not 64 hex digits"));
        }
        let mut hash = [0; 32];
        for (i, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(serde::de::Error::custom)?;
        }
        Ok(Self(hash))
    }
}

/// Shared text of the domain from a wire string.
pub(super) fn shared(text: &str) -> Arc<str> {
    Arc::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuid_text_round_trips_and_garbage_is_refused() {
        let text = "019f0000-0000-7000-8000-0000000000aa";
        assert_eq!(parse_uuid(text).unwrap().to_string(), text);
        for bad in [
            "",
            "019f0000",
            "019f0000-0000-7000-8000-0000000000ag",
            "019f0000+0000-7000-8000-0000000000aa",
            "äöü",
        ] {
            assert_eq!(parse_uuid(bad), None, "{bad}");
        }
    }
}
