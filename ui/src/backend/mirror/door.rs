//! Who may come in: one-time tokens, resume secrets, one controller and four viewers.
//!
//! A *seat* is a place that a visitor can come back to with its resume secret, after a reload or a lost socket. It
//! is *taken* while a socket sits on it. When no seat was taken for ten minutes all of them are gone.

use std::fmt;
use std::time::Duration;

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

/// Visitors who only watch.
pub(crate) const MAX_VIEWERS: usize = 4;
/// Tokens that were handed out and not used; the oldest is forgotten for a new one.
const MAX_INVITATIONS: usize = 8;
/// Wrong tokens before the door is shut. 128 random bits need no more protection, but whoever guesses is noticed.
const MAX_BAD_HELLOS: u32 = 5;
/// For how long the door is then shut.
const SHUT_FOR: Duration = Duration::from_secs(60);
/// For how long a seat is kept for a visitor who reloads the page, after the last one left.
const RESUME_FOR: Duration = Duration::from_secs(10 * 60);

/// A secret of 128 random bits in base64url, 22 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// What a visitor may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Watch and press.
    Control,
    /// Watch.
    View,
}

/// Number of a socket, unique within the process.
pub(crate) type SocketId = u64;

/// What a visitor shows at the door.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Credential<'a> {
    /// A one-time token.
    Token(&'a str),
    /// The secret of a seat.
    Resume(&'a str),
}

/// A visitor who was let in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    pub role: Role,
    /// To come back with.
    pub resume: Token,
}

/// Why a visitor was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Unknown, used or expired secret, or the door is shut.
    Token,
    /// All places are taken.
    Busy,
}

/// See the module's description.
pub(crate) struct Door {
    random: SystemRandom,
    /// Secrets are compared by their keyed hashes, in constant time.
    key: hmac::Key,
    invitations: Vec<Token>,
    seats: Vec<Seat>,
    bad_hellos: u32,
    shut_until: Duration,
    /// Since when no seat is taken.
    empty_since: Option<Duration>,
}

struct Seat {
    secret: Token,
    role: Role,
    socket: Option<SocketId>,
}

impl Door {
    pub(crate) fn new(random: SystemRandom) -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &random).expect("the kernel's random source works");
        Self {
            random,
            key,
            invitations: Vec::new(),
            seats: Vec::new(),
            bad_hellos: 0,
            shut_until: Duration::ZERO,
            empty_since: None,
        }
    }

    pub(crate) fn invite(&mut self) -> Token {
        let token = Token::generate(&self.random);
        if self.invitations.len() == MAX_INVITATIONS {
            self.invitations.remove(0);
        }
        self.invitations.push(token.clone());
        token
    }

    /// True while nobody is even listened to.
    pub(crate) fn is_shut(&self, now: Duration) -> bool {
        now < self.shut_until
    }

    /// Judges a visitor. Whoever resumes a seat that is still taken takes it over; [`Door::holds`] then tells the
    /// older socket that it lost the seat.
    pub(crate) fn admit(
        &mut self,
        now: Duration,
        socket: SocketId,
        credential: Credential<'_>,
    ) -> Result<Admission, Refusal> {
        if self.is_shut(now) {
            return Err(Refusal::Token);
        }
        self.forget_old_seats(now);
        let admission = match credential {
            Credential::Token(presented) => self.admit_invited(socket, presented),
            Credential::Resume(presented) => self.admit_returning(socket, presented),
        };
        match &admission {
            Ok(_) => {
                self.bad_hellos = 0;
                self.empty_since = None;
            }
            Err(Refusal::Token) => self.note_bad_hello(now),
            Err(Refusal::Busy) => (),
        }
        admission
    }

    /// Counts a first message that was no hello at all.
    pub(crate) fn note_bad_hello(&mut self, now: Duration) {
        self.bad_hellos += 1;
        if self.bad_hellos >= MAX_BAD_HELLOS {
            self.bad_hellos = 0;
            self.shut_until = now + SHUT_FOR;
            tracing::warn!(seconds = SHUT_FOR.as_secs(), "mirror shut after repeated wrong tokens");
        }
    }

    /// A socket is gone; its seat is kept for a while.
    pub(crate) fn leave(&mut self, now: Duration, socket: SocketId) {
        for seat in self.seats.iter_mut().filter(|seat| seat.socket == Some(socket)) {
            seat.socket = None;
        }
        if self.empty_since.is_none() && self.seats.iter().all(|seat| seat.socket.is_none()) {
            self.empty_since = Some(now);
        }
    }

    /// True if this is the secret of the seat that the socket has; a wrong one counts as a wrong token.
    pub(crate) fn confirms(&mut self, now: Duration, socket: SocketId, presented: &str) -> bool {
        let seat = self.seats.iter().find(|seat| seat.socket == Some(socket));
        let is_right = seat.is_some_and(|seat| self.matches(presented, &seat.secret));
        if !is_right {
            self.note_bad_hello(now);
        }
        is_right
    }

    /// True while this socket has its seat.
    pub(crate) fn holds(&self, socket: SocketId) -> bool {
        self.seats.iter().any(|seat| seat.socket == Some(socket))
    }

    fn admit_invited(&mut self, socket: SocketId, presented: &str) -> Result<Admission, Refusal> {
        let known = self.invitations.iter().position(|token| self.matches(presented, token));
        let known = known.ok_or(Refusal::Token)?;
        let role = if self.is_controlled() { Role::View } else { Role::Control };
        self.make_room(role)?;
        self.invitations.remove(known);
        let secret = Token::generate(&self.random);
        self.seats.push(Seat { secret: secret.clone(), role, socket: Some(socket) });
        Ok(Admission { role, resume: secret })
    }

    fn admit_returning(&mut self, socket: SocketId, presented: &str) -> Result<Admission, Refusal> {
        let known = self.seats.iter().position(|seat| self.matches(presented, &seat.secret));
        let seat = &mut self.seats[known.ok_or(Refusal::Token)?];
        seat.socket = Some(socket);
        Ok(Admission { role: seat.role, resume: seat.secret.clone() })
    }

    fn is_controlled(&self) -> bool {
        self.seats.iter().any(|seat| seat.role == Role::Control && seat.socket.is_some())
    }

    /// Removes a seat that nobody sits on if the role has no free one.
    fn make_room(&mut self, role: Role) -> Result<(), Refusal> {
        let limit = match role {
            Role::Control => 1,
            Role::View => MAX_VIEWERS,
        };
        if self.seats.iter().filter(|seat| seat.role == role).count() < limit {
            return Ok(());
        }
        let idle = self.seats.iter().position(|seat| seat.role == role && seat.socket.is_none());
        self.seats.remove(idle.ok_or(Refusal::Busy)?);
        Ok(())
    }

    fn forget_old_seats(&mut self, now: Duration) {
        if self.empty_since.is_some_and(|since| now.saturating_sub(since) >= RESUME_FOR) {
            self.seats.clear();
            self.empty_since = None;
        }
    }

    fn matches(&self, presented: &str, secret: &Token) -> bool {
        let tag = hmac::sign(&self.key, secret.0.as_bytes());
        hmac::verify(&self.key, presented.as_bytes(), tag.as_ref()).is_ok()
    }
}

impl Token {
    fn generate(random: &SystemRandom) -> Self {
        let mut bits = [0; 16];
        random.fill(&mut bits).expect("the kernel's random source works");
        Self(base64url(u128::from_be_bytes(bits)))
    }

    /// The secret itself, to be shown to the one person it is for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    /// Secrets do not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// 128 bits as 21 characters of six bits and one of two, without padding (RFC 4648, section 5).
fn base64url(bits: u128) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let six_bits = |n: u32| {
        let shifted = if n < 21 { bits >> (122 - 6 * n) } else { bits << 4 };
        let index = usize::try_from(shifted & 63).expect("six bits fit");
        char::from(ALPHABET[index])
    };
    (0..22).map(six_bits).collect()
}

#[cfg(test)]
#[path = "door/tests.rs"]
mod tests;
