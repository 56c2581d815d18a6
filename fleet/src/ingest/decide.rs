//! What a batch means for the stream it belongs to. Pure.

use std::collections::BTreeMap;

use domain::Event;
use protocol::event::{DecodeError, Envelope, GENESIS, Hash};
use protocol::sync::{Ack, Answer, Answered, Fork, Malformed, QuarantineReason, Received, WireEvent};
use protocol::text::Id;

/// How far a stream has come in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stream {
    pub next: u64,
    /// `None`: the event before could not be read, so the next one's claim is taken.
    pub last_hash: Option<Hash>,
    /// The first number that exists twice.
    pub forked_at: Option<u64>,
    /// Another log of the kiosk moved after this one did; so many seconds ago it began.
    pub overtaken_s: Option<i64>,
}

impl Default for Stream {
    fn default() -> Self {
        Self { next: 1, last_hash: Some(GENESIS), forked_at: None, overtaken_s: None }
    }
}

/// An event that is stored already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Known {
    /// `None`: it could not be read then.
    pub hash: Option<Hash>,
    /// What was answered, if it was not a plain yes.
    pub answer: Option<Answered>,
}

/// An event to be stored and applied.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub envelope: Envelope,
    pub hash: Hash,
    /// `None`: `epoch.started`, which changes nothing but the stream.
    pub event: Option<Event>,
}

/// Something to be kept verbatim.
#[derive(Clone, Debug)]
pub(crate) struct Quarantined {
    pub seq: u64,
    pub id: Option<Id>,
    pub hash: Option<Hash>,
    pub reason: QuarantineReason,
    pub detail: String,
    pub raw: String,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    pub accepted: Vec<Accepted>,
    pub quarantined: Vec<Quarantined>,
    pub answers: Vec<Answer>,
    /// The number that is needed instead.
    pub expect: Option<u64>,
    /// This batch made or met a fork.
    pub fork: Option<Fork>,
    /// Everything up to this is with the fleet.
    pub thru: u64,
}

/// The numbers of a batch that the stream has already, which the caller looks up for [`decide`].
pub(crate) fn known_range(stream: &Stream, batch: &Received) -> Option<(u64, u64)> {
    (batch.from < stream.next).then(|| (batch.from, batch.last().min(stream.next - 1)))
}

/// Decides about a batch and moves the stream along.
///
/// `refused` are numbers of this batch that an earlier try could not store, with the reason.
pub(crate) fn decide(
    stream: &mut Stream,
    batch: &Received,
    known: &BTreeMap<u64, Known>,
    refused: &BTreeMap<u64, String>,
) -> Decision {
    let last = batch.last();
    let mut decision = Decision::default();
    if batch.from > stream.next && stream.forked_at.is_none() {
        decision.expect = Some(stream.next);
        decision.thru = stream.next - 1;
        return decision;
    }
    let mut previous = Some(batch.previous);
    for (event, seq) in batch.events.iter().zip(batch.from..) {
        let claimed = event.as_ref().ok().map(|event| event.hash.0);
        let written_as = &batch.written_as;
        let mut one = One { stream, decision: &mut decision, seq, previous, written_as, refused };
        match event {
            Ok(event) => one.event(batch.epoch, event, known.get(&seq)),
            Err(malformed) => one.malformed(malformed, known.get(&seq)),
        }
        previous = claimed;
    }
    decision.fork = stream.forked_at.map(|at| Fork { at });
    decision.thru = if stream.forked_at.is_some() { last } else { last.min(stream.next - 1) };
    decision
}

/// One event in its place.
struct One<'a> {
    stream: &'a mut Stream,
    decision: &'a mut Decision,
    seq: u64,
    /// Hash of the event before, as the batch has it.
    previous: Option<Hash>,
    written_as: &'a str,
    refused: &'a BTreeMap<u64, String>,
}

impl One<'_> {
    fn event(&mut self, epoch: u64, event: &WireEvent, known: Option<&Known>) {
        if self.stream.forked_at.is_none() {
            if self.seq < self.stream.next {
                if known.is_none_or(|known| known.hash.is_none_or(|hash| hash == event.hash.0)) {
                    return self.duplicate(event.id, known);
                }
                self.stream.forked_at = Some(self.seq);
            } else if let (Some(ours), Some(theirs)) = (self.stream.last_hash, self.previous)
                && ours != theirs
            {
                // The event before is another one than ours, though it has the same number.
                self.stream.forked_at = Some(self.seq.saturating_sub(1).max(1));
            }
        }
        if self.stream.forked_at.is_some() {
            // The part that is ours too was taken before the fork.
            if known.is_some_and(|known| known.hash == Some(event.hash.0)) {
                return self.duplicate(event.id, known);
            }
            return self.quarantine(event, QuarantineReason::Fork, "two machines write this epoch".into());
        }
        self.next(epoch, event);
        self.stream.next = self.seq + 1;
        self.stream.last_hash = Some(event.hash.0);
    }

    /// The event that is due.
    fn next(&mut self, epoch: u64, event: &WireEvent) {
        let envelope = event.envelope(self.written_as, epoch);
        // Without the hash before there is nothing to recompute from.
        if let Some(previous) = self.previous
            && envelope.hash(&previous) != event.hash.0
        {
            let why = "the hash does not recompute".to_owned();
            return self.quarantine(event, QuarantineReason::Chain, why);
        }
        if self.seq == 1 && event.k != "epoch.started" {
            let why = "an epoch begins with epoch.started".to_owned();
            return self.quarantine(event, QuarantineReason::Apply, why);
        }
        if let Some(why) = self.refused.get(&self.seq) {
            return self.quarantine(event, QuarantineReason::Apply, why.clone());
        }
        match protocol::event::decode(&envelope.kind, envelope.version, &envelope.body) {
            Ok(decoded) => {
                self.decision.accepted.push(Accepted { envelope, hash: event.hash.0, event: decoded });
            }
            Err(error @ DecodeError::Unknown { .. }) => {
                self.quarantine(event, QuarantineReason::Kind, error.to_string());
            }
            Err(error) => self.quarantine(event, QuarantineReason::Schema, full(&error)),
        }
    }

    /// In the place of an event is something else. It takes the place, so that the next one can come.
    fn malformed(&mut self, malformed: &Malformed, known: Option<&Known>) {
        let forked = self.stream.forked_at.is_some();
        if self.seq < self.stream.next && !forked {
            return malformed.id.into_iter().for_each(|id| self.duplicate(id, known));
        }
        let reason = if forked { QuarantineReason::Fork } else { QuarantineReason::Schema };
        // Without an id there is nothing to answer to.
        self.decision.answers.extend(malformed.id.map(|id| Answer {
            s: self.seq,
            id,
            r: Answered::Quarantine { code: reason, srv: malformed.why.clone() },
        }));
        self.decision.quarantined.push(Quarantined {
            seq: self.seq,
            id: malformed.id,
            hash: None,
            reason,
            detail: malformed.why.clone(),
            raw: malformed.raw.clone(),
        });
        if !forked {
            self.stream.next = self.seq + 1;
            self.stream.last_hash = None;
        }
    }

    fn duplicate(&mut self, id: Id, known: Option<&Known>) {
        let given = known.and_then(|known| known.answer.clone());
        self.decision.answers.push(Answer { s: self.seq, id, r: given.unwrap_or(Answered::Duplicate) });
    }

    fn quarantine(&mut self, event: &WireEvent, code: QuarantineReason, detail: String) {
        self.decision.answers.push(Answer {
            s: self.seq,
            id: event.id,
            r: Answered::Quarantine { code, srv: detail.clone() },
        });
        self.decision.quarantined.push(Quarantined {
            seq: self.seq,
            id: Some(event.id),
            hash: Some(event.hash.0),
            reason: code,
            detail,
            raw: serde_json::to_string(event).unwrap_or_default(),
        });
    }
}

/// An error with its causes.
pub(super) fn full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl Decision {
    /// The answer to the batch named `b`.
    pub(crate) fn into_ack(self, b: Id, epoch: u64, now_ms: i64) -> Ack {
        Ack {
            b,
            ep: epoch,
            thru: self.thru,
            x: self.answers,
            exp: self.expect,
            fork: self.fork,
            now: now_ms,
            cat: 0,
            stk: 0,
        }
    }
}

#[cfg(test)]
mod tests;
