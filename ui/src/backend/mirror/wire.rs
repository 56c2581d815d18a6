//! The mirror's wire protocol, version 1: text messages as JSON, frames as binary messages (little-endian).
//!
//! ```text
//!  off size                                    then per rectangle, without padding:
//!   0  u8   kind = 1                            0 u16 x   2 u16 y   4 u16 w   6 u16 h
//!   1  u8   flags: bit 0 = full picture         8 u8  encoding: 0 RGBA, 1 one colour, 2 deflated RGBA
//!   2  u16  rectangle count, 1..=64             9 u8×3 zero
//!   4  u32  seq, +1 per message, wraps         12 u32 length
//!   8  u64  time of the render, µs             16 that many bytes
//!  16  u32  n of the last input applied
//! ```

use std::io::Write as _;

use flate2::Compression as Level;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use super::Compression;
use super::door::Role;
use crate::backend::clock::micros;
use crate::backend::hub::{FrameCopy, Part};
use crate::backend::pixel::{Xrgb8888, extend_rgba};

/// The version that `hello` must name.
pub(super) const VERSION: u32 = 1;
/// Longest text message of a visitor: a hello has some 60 bytes, a touch some 50.
pub(super) const MAX_TEXT_BYTES: usize = 4 * 1024;
/// Longest binary message: a full picture of a 1080×1920 panel has half of it. A larger picture comes in portions.
const MAX_FRAME_BYTES: u64 = 16 * 1024 * 1024;
/// Room for the header and 64 rectangles' headers.
const FRAME_OVERHEAD: u64 = 20 + 64 * 16;
/// Pixels that fit into one message in the worst case.
pub(super) const FRAME_BUDGET_PX: u64 = (MAX_FRAME_BYTES - FRAME_OVERHEAD) / 4;

const KIND_FRAME: u8 = 1;
const FLAG_FULL: u8 = 1;
const ENC_RAW: u8 = 0;
const ENC_SOLID: u8 = 1;
const ENC_DEFLATE: u8 = 2;

/// What a visitor says. Unknown keys are ignored, unknown messages too.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "t", rename_all = "lowercase")]
pub(super) enum ClientMessage {
    Hello {
        v: u32,
        token: Option<String>,
        resume: Option<String>,
    },
    Down(PointerAt),
    Move(PointerAt),
    Up(PointerAt),
    Cancel {
        #[serde(default)]
        n: u32,
    },
    Key {
        k: String,
        down: bool,
        #[serde(default)]
        n: u32,
    },
    Ack {
        seq: u32,
    },
    #[serde(other)]
    Unknown,
}

/// Where a pointer is, in logical pixels of the unrotated picture.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(super) struct PointerAt {
    pub x: f32,
    pub y: f32,
    #[serde(default)]
    pub n: u32,
}

/// What the mirror says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "t", rename_all = "lowercase")]
pub(super) enum ServerMessage<'a> {
    Welcome {
        v: u32,
        w: u16,
        h: u16,
        /// Physical pixels of the picture per logical pixel of the touches.
        scale: f32,
        mm_per_px: f32,
        role: RoleName,
        resume: &'a str,
    },
    Screen {
        id: &'a str,
        rev: u64,
        say: &'a str,
    },
    Bye {
        why: Why,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RoleName {
    Control,
    View,
}

/// Why the mirror ends a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Why {
    Token,
    Busy,
    Version,
    Closed,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Control => Self::Control,
            Role::View => Self::View,
        }
    }
}

impl ServerMessage<'_> {
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("the messages hold nothing that JSON cannot")
    }
}

/// A frame as one binary message.
pub(super) fn encode_frame(copy: &FrameCopy, seq: u32, compression: Compression) -> Vec<u8> {
    let pixels: usize = copy.parts.iter().map(|part| part.pixels.len()).sum();
    let mut message = Vec::with_capacity(20 + copy.parts.len() * 16 + pixels * 4);
    let count = u16::try_from(copy.parts.len()).expect("a region has at most 64 rectangles");
    message.push(KIND_FRAME);
    message.push(if copy.full { FLAG_FULL } else { 0 });
    message.extend(count.to_le_bytes());
    message.extend(seq.to_le_bytes());
    message.extend(micros(copy.rendered_at).to_le_bytes());
    message.extend(copy.applied.to_le_bytes());
    for part in &copy.parts {
        encode_part(&mut message, part, compression);
    }
    message
}

fn encode_part(message: &mut Vec<u8>, part: &Part, compression: Compression) {
    for number in [part.rect.x, part.rect.y, part.rect.w, part.rect.h] {
        message.extend(number.to_le_bytes());
    }
    let head = message.len();
    message.extend([0; 8]);
    let encoding = encode_pixels(message, &part.pixels, compression);
    message[head] = encoding;
    let length = u32::try_from(message.len() - head - 8).expect("a message has at most 16 MiB");
    message[head + 4..head + 8].copy_from_slice(&length.to_le_bytes());
}

fn encode_pixels(message: &mut Vec<u8>, pixels: &[Xrgb8888], compression: Compression) -> u8 {
    let first = pixels.first().copied().unwrap_or(Xrgb8888::BLACK);
    if pixels.iter().all(|pixel| *pixel == first) {
        message.extend(first.rgba());
        return ENC_SOLID;
    }
    let start = message.len();
    extend_rgba(message, pixels);
    match compression {
        Compression::None => ENC_RAW,
        Compression::Deflate => {
            let deflated = deflate(&message[start..]);
            // Noise grows by deflating; then it stays as it is, and the budget for one message holds.
            if deflated.len() >= message.len() - start {
                return ENC_RAW;
            }
            message.truncate(start);
            message.extend(deflated);
            ENC_DEFLATE
        }
    }
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(bytes.len() / 8), Level::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to a Vec cannot fail")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::backend::region::Rect;

    fn read(json: &str) -> Result<ClientMessage, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn messages_are_read_as_the_protocol_writes_them() {
        let at = PointerAt { x: 540.5, y: 1200.0, n: 17 };
        assert_eq!(read(r#"{"t":"down","x":540.5,"y":1200,"n":17}"#).unwrap(), ClientMessage::Down(at));
        assert_eq!(
            read(r#"{"t":"hello","v":1,"token":"abc","later":{"a":[1]}}"#).unwrap(),
            ClientMessage::Hello { v: 1, token: Some("abc".into()), resume: None }
        );
        assert_eq!(
            read(r#"{"t":"key","k":"Enter","down":true}"#).unwrap(),
            ClientMessage::Key { k: "Enter".into(), down: true, n: 0 }
        );
        assert_eq!(read(r#"{"t":"dance"}"#).unwrap(), ClientMessage::Unknown);
        assert!(read(r#"{"t":"down","x":"left","y":1,"n":1}"#).is_err());
        assert!(read(r#"{"t":"ack","seq":-1}"#).is_err());
    }

    #[test]
    fn the_mirrors_own_messages_have_the_protocols_keys() {
        let welcome = ServerMessage::Welcome {
            v: 1,
            w: 1080,
            h: 1920,
            scale: 1.0,
            mm_per_px: 0.5,
            role: RoleName::Control,
            resume: "s",
        };
        assert_eq!(
            welcome.to_json(),
            r#"{"t":"welcome","v":1,"w":1080,"h":1920,"scale":1.0,"mm_per_px":0.5,"role":"control","resume":"s"}"#
        );
        assert_eq!(
            ServerMessage::Screen { id: "menu", rev: 12, say: "\"Menu\"" }.to_json(),
            r#"{"t":"screen","id":"menu","rev":12,"say":"\"Menu\""}"#
        );
        assert_eq!(ServerMessage::Bye { why: Why::Busy }.to_json(), r#"{"t":"bye","why":"busy"}"#);
    }

    #[test]
    fn a_frame_has_the_documented_bytes() {
        let part = |x, pixels: Vec<u32>| Part {
            rect: Rect { x, y: 2, w: 2, h: 1 },
            pixels: pixels.into_iter().map(Xrgb8888).collect(),
        };
        let copy = FrameCopy {
            parts: vec![part(1, vec![0xFF01_0203, 0xFF04_0506]), part(0x105, vec![0xFF0A_0B0C; 2])],
            full: false,
            rendered_at: Duration::from_micros(0x0102),
            applied: 17,
        };
        let bytes = encode_frame(&copy, 42, Compression::None);
        #[rustfmt::skip]
        let want = [
            1, 0, 2, 0,   42, 0, 0, 0,   2, 1, 0, 0, 0, 0, 0, 0,   17, 0, 0, 0,
            1, 0, 2, 0, 2, 0, 1, 0,   0, 0, 0, 0,   8, 0, 0, 0,   1, 2, 3, 255, 4, 5, 6, 255,
            5, 1, 2, 0, 2, 0, 1, 0,   1, 0, 0, 0,   4, 0, 0, 0,   10, 11, 12, 255,
        ];
        assert_eq!(bytes, want);
    }

    #[test]
    fn deflating_shrinks_pictures_and_leaves_noise_alone() {
        let rect = Rect { x: 0, y: 0, w: 64, h: 64 };
        let stripes: Vec<_> = (0..64 * 64_u32).map(|n| Xrgb8888(0xFF00_0000 | (n % 8))).collect();
        let mut message = Vec::new();
        encode_part(&mut message, &Part { rect, pixels: stripes }, Compression::Deflate);
        assert_eq!(message[8], ENC_DEFLATE);
        assert!(message.len() < 1_000);

        let mut state = 1_u32;
        let noise: Vec<_> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // The alpha byte is the same everywhere, so only tiny pieces of noise do not shrink.
            Xrgb8888(0xFF00_0000 | (state >> 8))
        })
        .take(2)
        .collect();
        let mut message = Vec::new();
        encode_part(
            &mut message,
            &Part { rect: Rect { w: 2, h: 1, ..rect }, pixels: noise },
            Compression::Deflate,
        );
        assert_eq!(message[8], ENC_RAW);
    }
}
