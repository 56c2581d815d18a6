//! Streams and batches made by hand.

use super::*;
use protocol::sync::WireEvent;

const EPOCH: u64 = 1_792_000_000_000;

/// A kiosk's log, chained.
fn log(length: u64, salt: u8) -> Vec<WireEvent> {
    let mut previous = GENESIS;
    (1..=length)
        .map(|seq| {
            let mut id = [salt; 16];
            id[15] = u8::try_from(seq).unwrap();
            let started = seq == 1;
            let envelope = Envelope {
                kiosk: "k1".into(),
                epoch: EPOCH,
                seq,
                id,
                kind: if started { "epoch.started" } else { "service.closed" }.into(),
                version: 1,
                wall_ms: 1,
                hlc: seq,
                boot: 1,
                mono_ms: 1,
                clock: 2,
                body: if started {
                    r#"{"anchor":null,"reason":"provisioned"}"#.into()
                } else {
                    format!(r#"{{"by":"ada {salt}"}}"#)
                },
            };
            let hash = envelope.hash(&previous);
            previous = hash;
            WireEvent::new(&envelope, &hash).unwrap()
        })
        .collect()
}

fn batch(log: &[WireEvent], from: u64, to: u64) -> Received {
    let at = |seq: u64| usize::try_from(seq - 1).unwrap();
    Received {
        b: Id::from([9; 16]),
        epoch: EPOCH,
        from,
        previous: if from == 1 { GENESIS } else { log[at(from - 1)].hash.0 },
        written_as: "k1".into(),
        events: log[at(from)..=at(to)].iter().cloned().map(Ok).collect(),
    }
}

fn known(log: &[WireEvent]) -> BTreeMap<u64, Known> {
    log.iter().map(|event| (event.s, Known { hash: Some(event.hash.0), answer: None })).collect()
}

fn take(stream: &mut Stream, batch: &Received, known: &BTreeMap<u64, Known>) -> Decision {
    decide(stream, batch, known, &BTreeMap::new())
}

fn reasons(decision: &Decision) -> Vec<(u64, QuarantineReason)> {
    decision.quarantined.iter().map(|q| (q.seq, q.reason)).collect()
}

#[test]
fn what_is_due_is_taken_and_the_stream_moves_on() {
    let (mut stream, log) = (Stream::default(), log(5, 1));
    let decision = take(&mut stream, &batch(&log, 1, 3), &BTreeMap::new());
    assert_eq!((decision.accepted.len(), decision.thru, decision.answers.len()), (3, 3, 0));
    let decision = take(&mut stream, &batch(&log, 4, 5), &BTreeMap::new());
    assert_eq!((decision.accepted.len(), decision.thru, stream.next), (2, 5, 6));
}

#[test]
fn a_repeated_batch_gets_the_answers_of_the_first_time() {
    let (mut stream, log) = (Stream::default(), log(4, 1));
    take(&mut stream, &batch(&log, 1, 3), &BTreeMap::new());
    let conflict = Answered::Conflict { srv: "counted".into() };
    let mut stored = known(&log[..3]);
    stored.get_mut(&2).unwrap().answer = Some(conflict.clone());
    let decision = take(&mut stream, &batch(&log, 1, 4), &stored);
    assert_eq!(decision.accepted.len(), 1);
    let answers: Vec<_> = decision.answers.iter().map(|a| (a.s, a.r.clone())).collect();
    assert_eq!(answers, [(1, Answered::Duplicate), (2, conflict), (3, Answered::Duplicate)]);
    assert_eq!(decision.thru, 4);
}

#[test]
fn a_gap_is_answered_with_the_number_that_is_due_and_nothing_is_taken() {
    let (mut stream, log) = (Stream::default(), log(5, 1));
    take(&mut stream, &batch(&log, 1, 2), &BTreeMap::new());
    let before = stream.clone();
    let decision = take(&mut stream, &batch(&log, 4, 5), &BTreeMap::new());
    assert_eq!((decision.expect, decision.thru, decision.accepted.len()), (Some(3), 2, 0));
    assert_eq!(stream, before);
    let decision = take(&mut Stream::default(), &batch(&log, 2, 3), &BTreeMap::new());
    assert_eq!((decision.expect, decision.thru), (Some(1), 0), "a new epoch begins with its first event");
}

#[test]
fn a_wrong_hash_is_kept_aside_and_the_next_event_is_taken() {
    let (mut stream, mut log) = (Stream::default(), log(4, 1));
    log[1].t += 1;
    let decision = take(&mut stream, &batch(&log, 1, 4), &BTreeMap::new());
    assert_eq!(reasons(&decision), [(2, QuarantineReason::Chain)]);
    assert_eq!((decision.accepted.len(), decision.thru), (3, 4));
}

#[test]
fn unknown_kinds_and_broken_bodies_are_kept_aside_and_the_queue_goes_on() {
    for (change, reason) in [
        (("service.sung", r#"{"by":"ada"}"#), QuarantineReason::Kind),
        (("service.closed", r#"{"by":7}"#), QuarantineReason::Schema),
    ] {
        let (mut stream, log) = (Stream::default(), log(2, 1));
        let mut envelope = log[1].envelope("k1", EPOCH);
        (envelope.kind, envelope.body) = (change.0.into(), change.1.into());
        let hash = envelope.hash(&log[0].hash.0);
        let changed = [log[0].clone(), WireEvent::new(&envelope, &hash).unwrap()];
        let decision = take(&mut stream, &batch(&changed, 1, 2), &BTreeMap::new());
        assert_eq!(reasons(&decision), [(2, reason)]);
        assert_eq!((decision.thru, stream.last_hash), (2, Some(hash)));
    }
}

#[test]
fn an_epoch_that_begins_with_anything_else_is_noted_and_goes_on() {
    let (mut stream, log) = (Stream::default(), log(2, 1));
    let mut envelope = log[1].envelope("k1", EPOCH);
    envelope.seq = 1;
    let hash = envelope.hash(&GENESIS);
    let decision =
        take(&mut stream, &batch(&[WireEvent::new(&envelope, &hash).unwrap()], 1, 1), &BTreeMap::new());
    assert_eq!(reasons(&decision), [(1, QuarantineReason::Apply)]);
    assert_eq!(decision.thru, 1);
}

#[test]
fn a_malformed_event_takes_its_place_and_the_chain_is_picked_up_behind_it() {
    let (mut stream, log) = (Stream::default(), log(4, 1));
    let mut batch = batch(&log, 1, 4);
    batch.events[1] = Err(Malformed { id: None, raw: "{}".into(), why: "no id".into() });
    let decision = take(&mut stream, &batch, &BTreeMap::new());
    assert_eq!(reasons(&decision), [(2, QuarantineReason::Schema)]);
    assert_eq!((decision.accepted.len(), decision.thru, stream.next), (3, 4, 5));
    let again = take(&mut stream, &batch, &known(&log));
    assert!(again.accepted.is_empty() && again.quarantined.is_empty());
}

#[test]
fn an_event_beyond_a_limit_is_answered_wherever_its_id_can_be_read() {
    use serde_json::json;
    let log = log(3, 1);
    let quarantined = |change: &dyn Fn(&mut serde_json::Value)| {
        let sent = protocol::sync::Batch::new(Id::from([9; 16]), EPOCH, GENESIS, None, log.clone());
        let mut sent = serde_json::to_value(sent).unwrap();
        change(&mut sent["ev"][1]);
        let kiosk = protocol::topic::KioskId::new("k1").unwrap();
        let batch = Received::parse(&kiosk, sent.to_string().as_bytes()).unwrap();
        let mut stream = Stream::default();
        let first = take(&mut stream, &batch, &BTreeMap::new());
        assert_eq!((first.thru, first.accepted.len(), first.quarantined.len()), (3, 2, 1));
        let mut stored = known(&log);
        let answer = first.answers.first().map(|answer| answer.r.clone());
        stored.insert(2, Known { hash: None, answer });
        let mut again = take(&mut stream, &batch, &stored).answers;
        again.retain(|answer| answer.r != Answered::Duplicate);
        assert_eq!(again, first.answers, "the same again");
        (first.answers.iter().map(|answer| (answer.s, answer.id)).collect::<Vec<_>>(), first.quarantined)
    };
    for (field, value) in [
        ("body", json!({ "by": "a".repeat(70_000) })),
        ("bt", json!(1_u64 << 32)),
        ("q", json!(300)),
        ("m", json!(null)),
        ("k", json!("k".repeat(65))),
        ("t", json!("noon")),
        ("h", json!("ffffffffffff0000")),
        ("s", json!(7)),
    ] {
        let (answers, kept) = quarantined(&|event| event[field] = value.clone());
        assert_eq!((answers, kept[0].id), (vec![(2, log[1].id)], Some(log[1].id)), "{field}");
    }
    let (answers, kept) = quarantined(&|event| event["id"] = json!("none"));
    assert_eq!((answers, kept[0].id), (vec![], None));
}

#[test]
fn a_clone_that_writes_the_same_numbers_is_a_fork_and_its_events_are_kept_aside() {
    let (mut stream, ours) = (Stream::default(), log(4, 1));
    take(&mut stream, &batch(&ours, 1, 3), &BTreeMap::new());
    // The clone parted after number 2.
    let theirs = log(5, 2);
    let mixed: Vec<_> = ours[..2].iter().chain(&theirs[2..]).cloned().collect();
    let decision = take(&mut stream, &batch(&mixed, 1, 5), &known(&ours[..3]));
    assert_eq!(decision.fork, Some(Fork { at: 3 }));
    assert_eq!(reasons(&decision), [3, 4, 5].map(|seq| (seq, QuarantineReason::Fork)));
    assert_eq!(decision.thru, 5, "a forked epoch is drained all the same");
    assert_eq!(stream.next, 4);
    // What the first machine sends now is kept aside too: nobody knows which one is right.
    let decision = take(&mut stream, &batch(&ours, 4, 4), &BTreeMap::new());
    assert_eq!((reasons(&decision), decision.thru), (vec![(4, QuarantineReason::Fork)], 4));
}

#[test]
fn a_clone_that_is_ahead_is_found_by_the_hash_before() {
    let (mut stream, ours, theirs) = (Stream::default(), log(3, 1), log(4, 2));
    take(&mut stream, &batch(&ours, 1, 3), &BTreeMap::new());
    let decision = take(&mut stream, &batch(&theirs, 4, 4), &BTreeMap::new());
    assert_eq!(decision.fork, Some(Fork { at: 3 }));
    assert!(decision.accepted.is_empty());
}

#[test]
fn what_could_not_be_stored_is_kept_aside_on_the_next_try() {
    let (mut stream, log) = (Stream::default(), log(3, 1));
    let refused = BTreeMap::from([(2, "another event has its id".to_owned())]);
    let decision = decide(&mut stream, &batch(&log, 1, 3), &BTreeMap::new(), &refused);
    assert_eq!(reasons(&decision), [(2, QuarantineReason::Apply)]);
    assert_eq!((decision.accepted.len(), decision.thru), (2, 3));
}

#[test]
fn events_from_before_the_enrolment_verify_under_the_name_they_were_written_as() {
    let log = log(2, 1);
    let mut renamed = batch(&log, 1, 2);
    renamed.written_as = "other".into();
    assert_eq!(take(&mut Stream::default(), &renamed, &BTreeMap::new()).accepted.len(), 0);
    assert_eq!(take(&mut Stream::default(), &batch(&log, 1, 2), &BTreeMap::new()).accepted.len(), 2);
}
