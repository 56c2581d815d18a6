//! Small pieces that several formats share: how ids, hashes and names look in JSON.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use domain::ids::Uuid;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A UUID as lower-case text with dashes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Id(pub Uuid);

impl Id {
    /// Its 16 bytes, big-endian.
    pub fn bytes(self) -> [u8; 16] {
        self.0.0
    }
}

impl From<[u8; 16]> for Id {
    fn from(bytes: [u8; 16]) -> Self {
        Self(Uuid(bytes))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Id {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        parse_uuid(text).map(Self).ok_or_else(|| BadId(text.to_owned()))
    }
}

/// A text is no UUID.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no UUID")]
pub struct BadId(pub String);

impl JsonSchema for Id {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uuid", "description": "UUID, lower-case." })
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

fn parse_uuid(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 || [8, 13, 18, 23].iter().any(|i| bytes[*i] != b'-') {
        return None;
    }
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    array(&digits).map(Uuid)
}

/// A hash as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hex32(pub [u8; 32]);

impl fmt::Display for Hex32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl JsonSchema for Hex32 {
    fn schema_name() -> Cow<'static, str> {
        "Hash".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256, lower-case hex." })
    }
}

impl Serialize for Hex32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        array(&text).map(Self).ok_or_else(|| serde::de::Error::custom("not 64 hex digits"))
    }
}

/// 64 bits as 16 hex digits: JSON readers that count in floats would round them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Hex16(pub u64);

impl JsonSchema for Hex16 {
    fn schema_name() -> Cow<'static, str> {
        "Hex16".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{16}$", "description": "64 bits, lower-case hex." })
    }
}

impl Serialize for Hex16 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Hex16 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = array(&text).ok_or_else(|| serde::de::Error::custom("not 16 hex digits"))?;
        Ok(Self(u64::from_be_bytes(bytes)))
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of hexadecimal digits in either case; `None` if they are none, or one is left over.
pub fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, []) = digits.as_bytes().as_chunks() else { return None };
    pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect()
}

fn array<const N: usize>(digits: &str) -> Option<[u8; N]> {
    from_hex(digits)?.try_into().ok()
}

/// The name on the wire of an enum without fields; empty for anything else.
pub fn wire_name(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// What has this name on the wire.
pub fn from_wire_name<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(name.into()).ok()
}

/// Shared text of the domain from a wire string.
pub(crate) fn shared(text: &str) -> Arc<str> {
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
            "019f0000-0000-7000-8000-0000000000+a",
            "019f0000-0000-7000-8000-00000000--aa",
            "äöü",
        ] {
            assert_eq!(parse_uuid(bad), None, "{bad}");
        }
    }
    #[test]
    fn bytes_are_what_their_digits_say_and_signs_and_odd_digits_are_none() {
        assert_eq!(from_hex(""), Some(Vec::new()));
        assert_eq!(from_hex("00fFa9"), Some(vec![0, 255, 0xa9]));
        for bad in ["0", "abc", "+f", "-1", "0x", "g0", " 0", "ä"] {
            assert_eq!(from_hex(bad), None, "{bad}");
        }
    }
}
