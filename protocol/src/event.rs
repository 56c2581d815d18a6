//! Events as they are stored and synced: a canonical JSON body in an envelope that is chained by SHA-256.
//!
//! The hash covers the exact bytes of the body, so nobody on the way may re-serialise it. Layout of the
//! hashed preimage, integers big-endian:
//!
//! ```text
//! "kioskd.event.1" 00
//! | u16 len, kiosk id | u64 epoch | u64 seq | 16 bytes event id
//! | u16 len, kind | u16 version | i64 wall_ms | u64 hlc | u32 boot | u64 mono_ms | u8 clock quality
//! | u32 len, body | 32 bytes hash of the event before (zeros before seq 1)
//! ```

mod body;
mod misc;
mod order;
mod payment;

use ring::digest::{Context, SHA256};

pub use body::{
    DecodeError, EncodeError, Encoded, EpochAnchor, EpochReason, EpochStarted, decode, encode, encode_epoch,
};

/// Largest body. The encoder refuses more, so that no event can block the queue for good.
pub const BODY_MAX: usize = 64 * 1024;

/// A SHA-256.
pub type Hash = [u8; 32];

/// What stands before seq 1 of an epoch.
pub const GENESIS: Hash = [0; 32];

/// An event with everything that its hash covers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// Who it happened to.
    pub kiosk: String,
    /// Generation of the kiosk's store; changes with every restore or reset.
    pub epoch: u64,
    /// 1, 2, 3 … inside the epoch, without gaps.
    pub seq: u64,
    /// UUIDv7.
    pub id: [u8; 16],
    /// For example `order.placed`; ASCII.
    pub kind: String,
    /// Version of the body's format for this kind.
    pub version: u16,
    /// Wall clock, ms since 1970.
    pub wall_ms: i64,
    /// Hybrid logical clock: 48 bits of ms, 16 bits of counter.
    pub hlc: u64,
    /// How often this machine had booted the daemon.
    pub boot: u32,
    /// Monotonic clock of that boot, ms.
    pub mono_ms: u64,
    /// 0 untrusted, 1 battery-backed clock, 2 network time.
    pub clock: u8,
    /// Canonical JSON (RFC 8785, restricted to integers within ±(2⁵³ − 1), NFC text, snake_case keys).
    pub body: String,
}

impl Envelope {
    /// The hash that chains this event to the one before.
    pub fn hash(&self, previous: &Hash) -> Hash {
        let mut context = Context::new(&SHA256);
        self.feed(previous, &mut |bytes| context.update(bytes));
        let mut hash = GENESIS;
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }

    fn feed(&self, previous: &Hash, out: &mut dyn FnMut(&[u8])) {
        out(b"kioskd.event.1\0");
        feed_short(&self.kiosk, out);
        out(&self.epoch.to_be_bytes());
        out(&self.seq.to_be_bytes());
        out(&self.id);
        feed_short(&self.kind, out);
        out(&self.version.to_be_bytes());
        out(&self.wall_ms.to_be_bytes());
        out(&self.hlc.to_be_bytes());
        out(&self.boot.to_be_bytes());
        out(&self.mono_ms.to_be_bytes());
        out(&[self.clock]);
        out(&u32::try_from(self.body.len()).unwrap_or(u32::MAX).to_be_bytes());
        out(self.body.as_bytes());
        out(previous);
    }
}

/// A length of 16 bits, then the text. Ids and kinds are short by construction; a longer one would only
/// spoil its own hash.
fn feed_short(text: &str, out: &mut dyn FnMut(&[u8])) {
    out(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    out(text.as_bytes());
}

/// Hybrid logical clock of one kiosk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The stamp of the next event at `wall_ms`: never before the last one, even if the wall clock is.
    pub fn tick(self, wall_ms: i64) -> Self {
        let now = u64::try_from(wall_ms).unwrap_or(0) << 16;
        Self(now.max(self.0 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hex;

    fn id(text: &str) -> [u8; 16] {
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        std::array::from_fn(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap())
    }

    /// The two published vectors; computed with Python's hashlib and openssl.
    #[test]
    fn hash_chain_matches_the_published_vectors() {
        let first = Envelope {
            kiosk: "t7.k0042".into(),
            epoch: 1_792_000_000_000,
            seq: 1,
            id: id("01a13b86-0000-7000-8000-000000000001"),
            kind: "epoch.started".into(),
            version: 1,
            wall_ms: 1_792_000_000_000,
            hlc: 117_440_512_000_000_000,
            boot: 12,
            mono_ms: 1500,
            clock: 2,
            body: r#"{"anchor":null,"reason":"provisioned"}"#.into(),
        };
        let second = Envelope {
            seq: 2,
            id: id("01a13b86-00fa-7000-8000-000000000002"),
            kind: "order.placed".into(),
            wall_ms: 1_792_000_000_250,
            hlc: 117_440_512_016_384_003,
            mono_ms: 1750,
            body: r#"{"amount_minor":1475,"currency":"EUR","name":"Café Ö","order":"019f0000-0000-7000-8000-0000000000aa"}"#
                .into(),
            ..first.clone()
        };
        let lengths = [&first, &second].map(|e| {
            let mut n = 0;
            e.feed(&GENESIS, &mut |bytes| n += bytes.len());
            n
        });
        assert_eq!(lengths, [177, 241]);
        let first_hash = first.hash(&GENESIS);
        assert_eq!(hex(&first_hash), "9e969f95faa14c86fe836c34857328f3af87b766ceb845c318681154193b1828");
        assert_eq!(
            hex(&second.hash(&first_hash)),
            "3e3efc0e91d3696181c97c5a0cfb446ec39ecb0db3115430cc96fe08d5862f78"
        );
    }

    #[test]
    fn hlc_never_goes_back_when_the_wall_clock_does() {
        let a = Hlc::default().tick(1000);
        let b = a.tick(900);
        let c = b.tick(2000);
        assert!(a < b && b < c);
        assert_eq!(c.0 >> 16, 2000);
    }
}
