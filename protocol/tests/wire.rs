//! What travels between kiosk and fleet: goldens that both sides must read for ever, and schemas that only
//! grow. The goldens were written by hand; a message is golden `{schema}.json` or `{schema}.{case}.json`.
//!
//! `UPDATE_SCHEMAS=1 cargo test -p protocol --test wire` publishes additions; it never publishes a break.

#![expect(clippy::unwrap_used, reason = "a test that does not find what it expects has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use protocol::event::GENESIS;
use protocol::fleet::{DesiredTwin, Job, JobProgress, Quota, ReportedTwin, Reserve, Status};
use protocol::sync::{Ack, BATCH_BYTES_MAX, BATCH_EVENTS_MAX, Batch, BatchError, Received, WireEvent, cut};
use protocol::topic::KioskId;
use protocol::update::{PartsWanted, UpdateState};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn golden(name: &str) -> String {
    fs::read_to_string(format!("tests/golden/wire/{name}.json")).unwrap().trim_end().to_owned()
}

fn kiosk() -> KioskId {
    KioskId::new("t7.k0042").unwrap()
}

/// Name of the schema, name of the file, text.
fn goldens() -> Vec<(String, String, String)> {
    let mut all: Vec<_> = fs::read_dir("tests/golden/wire")
        .unwrap()
        .map(|file| {
            let name = file.unwrap().file_name().into_string().unwrap();
            let stem = name.strip_suffix(".json").unwrap().to_owned();
            (stem.split('.').next().unwrap().to_owned(), stem.clone(), golden(&stem))
        })
        .collect();
    all.sort();
    all
}

fn round_trip<T: Serialize + DeserializeOwned>(name: &str, text: &str) {
    let read: T = serde_json::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(serde_json::to_string(&read).unwrap(), text, "{name}");
    let mut grown: Value = serde_json::from_str(text).unwrap();
    grown["from_the_future"] = json!({ "a": [1] });
    let reread: T = serde_json::from_value(grown).unwrap_or_else(|e| panic!("{name} with a new field: {e}"));
    assert_eq!(serde_json::to_string(&reread).unwrap(), text, "{name} with a new field");
}

#[test]
fn every_golden_is_read_and_written_back_and_unknown_fields_are_ignored() {
    let mut schemas = BTreeSet::new();
    for (schema, name, text) in goldens() {
        match schema.as_str() {
            "batch" => {
                // A raw body survives only from text, so the unknown field is put there.
                let read: Batch = serde_json::from_str(&text).unwrap();
                assert_eq!(serde_json::to_string(&read).unwrap(), text, "{name}");
                let grown = text.replacen('{', "{\"from_the_future\":[1],", 1);
                let reread: Batch = serde_json::from_str(&grown).unwrap();
                assert_eq!(serde_json::to_string(&reread).unwrap(), text, "{name}");
                let received = Received::parse(&kiosk(), grown.as_bytes()).unwrap();
                assert!(received.events.iter().all(Result::is_ok), "{name}");
            }
            "ack" => round_trip::<Ack>(&name, &text),
            "status" => round_trip::<Status>(&name, &text),
            "desired-twin" => round_trip::<DesiredTwin>(&name, &text),
            "reported-twin" => round_trip::<ReportedTwin>(&name, &text),
            "job" => round_trip::<Job>(&name, &text),
            "job-progress" => round_trip::<JobProgress>(&name, &text),
            "quota" => round_trip::<Quota>(&name, &text),
            "reserve" => round_trip::<Reserve>(&name, &text),
            "update-state" => round_trip::<UpdateState>(&name, &text),
            "parts-wanted" => round_trip::<PartsWanted>(&name, &text),
            other => panic!("no reader for {other}"),
        }
        schemas.insert(schema);
    }
    let published: BTreeSet<String> =
        protocol::schema::all().into_iter().map(|published| published.name.to_owned()).collect();
    assert_eq!(schemas, published, "every published format has a golden");
}

#[test]
fn the_published_schemas_are_the_codes_and_only_grow() {
    let folder = Path::new("schemas/v1");
    for published in protocol::schema::all() {
        let path = folder.join(format!("{}.json", published.name));
        let now = published.schema.as_value();
        let text = serde_json::to_string_pretty(now).unwrap() + "\n";
        let before = fs::read_to_string(&path).ok();
        if let Some(before) = &before {
            let before: Value = serde_json::from_str(before).unwrap();
            let breaks = protocol::schema::breaking_changes(&before, now);
            assert!(breaks.is_empty(), "{}: {breaks:#?}", published.name);
        }
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            fs::create_dir_all(folder).unwrap();
            fs::write(&path, &text).unwrap();
        } else {
            assert_eq!(before.as_ref(), Some(&text), "{}: run with UPDATE_SCHEMAS=1", published.name);
        }
    }
}

#[test]
fn an_outside_validator_accepts_the_goldens_and_refuses_broken_ones() {
    let schemas: Value = protocol::schema::all()
        .into_iter()
        .map(|published| (published.name.to_owned(), published.schema.to_value()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let mut cases = Vec::new();
    for (schema, name, text) in goldens() {
        let good: Value = serde_json::from_str(&text).unwrap();
        let required = schemas[&schema]["required"].as_array().unwrap().clone();
        for field in required {
            let mut bad = good.clone();
            bad.as_object_mut().unwrap().remove(field.as_str().unwrap());
            cases.push(json!({ "schema": schema, "name": format!("{name} without {field}"), "good": false, "document": bad }));
        }
        cases.push(json!({ "schema": schema, "name": name, "good": true, "document": good }));
    }
    let program = "import json, sys, jsonschema\n\
        data = json.load(sys.stdin)\n\
        for schema in data['schemas'].values(): jsonschema.Draft202012Validator.check_schema(schema)\n\
        for case in data['cases']:\n\
        \x20   valid = jsonschema.Draft202012Validator(data['schemas'][case['schema']]).is_valid(case['document'])\n\
        \x20   if valid != case['good']: sys.exit(f\"{case['name']}: valid is {valid}\")\n\
        print(len(data['cases']))";
    let mut python = Command::new("python3")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = json!({ "schemas": schemas, "cases": cases }).to_string();
    python.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), cases.len().to_string());
}

#[test]
fn a_body_keeps_its_bytes_through_a_batch_so_that_the_chain_verifies() {
    let batch = Received::parse(&kiosk(), golden("batch").as_bytes()).unwrap();
    assert_eq!((batch.from, batch.last(), batch.written_as.as_str()), (1, 2, "t7.k0042"));
    let mut previous = GENESIS;
    for event in batch.events.iter().map(|event| event.as_ref().unwrap()) {
        let hash = event.envelope(&batch.written_as, batch.epoch).hash(&previous);
        assert_eq!(hash, event.hash.0, "event {}", event.s);
        let again = WireEvent::new(&event.envelope(&batch.written_as, batch.epoch), &hash).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), serde_json::to_string(event).unwrap());
        previous = hash;
    }
}

#[test]
fn a_batch_whose_head_does_not_fit_is_refused() {
    let good: Value = serde_json::from_str(&golden("batch")).unwrap();
    let cases = [
        ("v", json!(2)),
        ("n", json!(3)),
        ("from", json!(0)),
        ("ev", json!([])),
        ("ep", json!(u64::MAX)),
        ("from", json!(u64::MAX)),
        ("as", json!("no/name")),
        ("ph", json!("zz")),
        ("b", json!("not-a-uuid")),
    ];
    for (field, value) in cases {
        let mut bad = good.clone();
        bad[field] = value;
        assert!(Received::parse(&kiosk(), bad.to_string().as_bytes()).is_err(), "{field}");
    }
    let large = vec![b' '; BATCH_BYTES_MAX + 1];
    assert_eq!(Received::parse(&kiosk(), &large).unwrap_err(), BatchError::TooLarge(BATCH_BYTES_MAX + 1));
    for text in [b"{\"v\":1".to_vec(), b"[".repeat(100_000), b"\xff\xfe".to_vec()] {
        assert!(matches!(Received::parse(&kiosk(), &text), Err(BatchError::Json(_))));
    }
}

#[test]
fn a_malformed_event_is_kept_verbatim_and_spoils_no_other() {
    let good: Value = serde_json::from_str(&golden("batch")).unwrap();
    let cases = [
        ("s", json!(3)),
        ("id", json!("x")),
        ("k", json!("k".repeat(65))),
        ("v", json!(65536)),
        ("h", json!("ffffffffffffffff")),
        ("t", json!(1.5)),
        ("body", json!({ "text": "x".repeat(64 * 1024) })),
        ("hash", json!(null)),
    ];
    for (field, value) in cases {
        let mut bad = good.clone();
        bad["ev"][0][field] = value;
        let received = Received::parse(&kiosk(), bad.to_string().as_bytes()).unwrap();
        let malformed = received.events[0].as_ref().expect_err(field);
        assert_eq!(serde_json::from_str::<Value>(&malformed.raw).unwrap(), bad["ev"][0], "{field}");
        assert!(received.events[1].is_ok(), "{field}");
    }
}

#[test]
fn a_batch_is_cut_by_number_and_by_bytes() {
    let small = vec!["{}"; 3000];
    assert_eq!(cut(small.iter().copied(), usize::MAX), BATCH_EVENTS_MAX);
    let large = "x".repeat(64 * 1024);
    assert_eq!(cut([large.as_str(); 5].into_iter(), BATCH_BYTES_MAX), 3);
    assert_eq!(cut([large.as_str(); 5].into_iter(), 1), 1, "one event always goes");
}

#[test]
fn a_full_batch_of_small_events_stays_under_the_limit_of_bytes() {
    let golden = serde_json::from_str::<Batch>(&golden("batch")).unwrap();
    let event = golden.ev[1].clone();
    let bodies = vec![event.body.get(); 3000];
    let fits = cut(bodies.into_iter(), BATCH_BYTES_MAX);
    let events = (0..fits).map(|i| WireEvent {
        s: i as u64 + 1,
        m: u64::MAX >> 11,
        t: i64::MIN >> 10,
        k: "k".repeat(64),
        ..event.clone()
    });
    let batch = Batch::new(golden.b, golden.ep, GENESIS, Some("a".repeat(64)), events.collect());
    let bytes = serde_json::to_vec(&batch).unwrap();
    assert!(bytes.len() <= BATCH_BYTES_MAX, "{} bytes", bytes.len());
    Received::parse(&kiosk(), &bytes).unwrap();
}
