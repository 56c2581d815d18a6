//! What a kiosk believes: a test for each way to make it believe something else.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

use std::collections::BTreeMap;

use ota::trust::{Client, Fetch, Kept, Role, TrustError};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

const NOW_S: i64 = 1_795_000_000;

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

/// A date so many days from now.
fn in_days(days: i64) -> String {
    jiff::Timestamp::from_second(NOW_S + days * 86_400).unwrap().to_string()
}

/// Numbers and short names only, so that the compact form of serde is the canonical one.
fn signed(content: &Value, by: &[u8]) -> Vec<u8> {
    let message = content.to_string();
    let signature = |seed: &u8| json!({"keyid": seed.to_string(), "sig": hex(key(*seed).sign(message.as_bytes()).as_ref())});
    let signatures: Vec<Value> = by.iter().map(signature).collect();
    json!({"signed": content, "signatures": signatures}).to_string().into_bytes()
}

/// A server with everything in order; tests then change what they are about.
#[derive(Clone)]
struct Server {
    files: BTreeMap<String, Vec<u8>>,
    root: Value,
    asked: Vec<String>,
}

const ROOT: u8 = 1;
const RELEASE: [u8; 2] = [2, 3];
const ONLINE: u8 = 4;

impl Server {
    fn new() -> Self {
        let mut server = Self { files: BTreeMap::new(), root: Value::Null, asked: Vec::new() };
        server.root = root(1);
        server.publish(1, &[("kiosk-2.json", b"release 2")]);
        server
    }

    /// New versions of all three files, with these targets.
    fn publish(&mut self, version: u64, targets: &[(&str, &[u8])]) {
        let listed: serde_json::Map<String, Value> = targets
            .iter()
            .map(|(name, bytes)| {
                let hash = hash(bytes);
                self.files.insert(format!("{hash}.{name}"), bytes.to_vec());
                ((*name).to_owned(), json!({"hashes": {"sha256": hash}, "length": bytes.len()}))
            })
            .collect();
        let targets = json!({"_type": "targets", "expires": in_days(180), "spec_version": "1.0.31", "targets": listed, "version": version});
        self.targets(version, &targets, &RELEASE);
    }

    fn targets(&mut self, version: u64, targets: &Value, by: &[u8]) {
        let targets = signed(targets, by);
        let announced =
            json!({"hashes": {"sha256": hash(&targets)}, "length": targets.len(), "version": version});
        self.files.insert(format!("{version}.targets.json"), targets);
        self.snapshot(version, &json!({"targets.json": announced}));
    }

    fn snapshot(&mut self, version: u64, meta: &Value) {
        let snapshot = json!({"_type": "snapshot", "expires": in_days(7), "meta": meta, "spec_version": "1.0.31", "version": version});
        self.files.insert(format!("{version}.snapshot.json"), signed(&snapshot, &[ONLINE]));
        self.timestamp(version, version, 2, &[ONLINE]);
    }

    fn timestamp(&mut self, version: u64, snapshot: u64, days: i64, by: &[u8]) {
        let meta = json!({"snapshot.json": {"version": snapshot}});
        let timestamp = json!({"_type": "timestamp", "expires": in_days(days), "meta": meta, "spec_version": "1.0.31", "version": version});
        self.files.insert("timestamp.json".into(), signed(&timestamp, by));
    }
}

/// Two of two release keys; everything else needs one.
fn root(version: u64) -> Value {
    let keys: serde_json::Map<String, Value> = (1..=9_u8)
        .map(|seed| {
            let public = hex(key(seed).public_key().as_ref());
            (
                seed.to_string(),
                json!({"keytype": "ed25519", "keyval": {"public": public}, "scheme": "ed25519"}),
            )
        })
        .collect();
    let role = |by: &[u8]| json!({"keyids": by.iter().map(u8::to_string).collect::<Vec<_>>(), "threshold": by.len()});
    json!({
        "_type": "root", "consistent_snapshot": true, "expires": in_days(365), "keys": keys,
        "roles": {"root": role(&[ROOT]), "snapshot": role(&[ONLINE]), "targets": role(&RELEASE), "timestamp": role(&[ONLINE])},
        "spec_version": "1.0.31", "version": version,
    })
}

impl Fetch for Server {
    fn fetch(&mut self, name: &str, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
        self.asked.push(name.to_owned());
        let most = usize::try_from(limit).unwrap() + 1;
        Ok(self.files.get(name).map(|bytes| bytes[..bytes.len().min(most)].to_vec()))
    }
}

struct Kiosk {
    kept: Kept,
    _folder: tempfile::TempDir,
}

impl Kiosk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::in_folder(folder.path());
        kept.init(&signed(&root(1), &[ROOT])).unwrap();
        Self { kept, _folder: folder }
    }

    fn refresh(&self, server: &mut Server) -> Result<Client, TrustError> {
        self.refresh_at(server, NOW_S)
    }

    fn refresh_at(&self, server: &mut Server, now_s: i64) -> Result<Client, TrustError> {
        Client::refresh(&self.kept, server, now_s)
    }
}

fn error<T>(result: Result<T, TrustError>) -> TrustError {
    result.err().expect("it must not be believed")
}

#[test]
fn a_release_that_was_signed_is_found_and_what_did_not_change_is_not_fetched_again() {
    let (kiosk, mut server) = (Kiosk::new(), Server::new());
    let client = kiosk.refresh(&mut server).unwrap();
    assert_eq!(client.fetch("kiosk-2.json", &mut server).unwrap(), b"release 2");
    assert!(matches!(error(client.fetch("kiosk-3.json", &mut server)), TrustError::NoTarget(_)));
    server.asked.clear();
    kiosk.refresh(&mut server).unwrap();
    assert_eq!(server.asked, ["2.root.json", "timestamp.json"]);
}

#[test]
fn a_release_without_enough_release_signatures_is_refused() {
    let (kiosk, mut server) = (Kiosk::new(), Server::new());
    let targets = |version: u64| json!({"_type": "targets", "expires": in_days(9), "spec_version": "1.0.31", "targets": {}, "version": version});
    for (version, by) in (2..).zip([&[RELEASE[0]][..], &[RELEASE[0], ONLINE], &[ONLINE, ROOT], &[]]) {
        server.targets(version, &targets(version), by);
        let error = error(kiosk.refresh(&mut server));
        let is_refused = matches!(error, TrustError::Signatures { role: Role::Targets, threshold: 2, .. });
        assert!(is_refused, "{by:?}: {error}");
    }
    server.targets(9, &targets(9), &RELEASE);
    kiosk.refresh(&mut server).unwrap();
}

#[test]
fn compromised_online_keys_cannot_introduce_a_release() {
    let (kiosk, mut server) = (Kiosk::new(), Server::new());
    kiosk.refresh(&mut server).unwrap();
    let evil = json!({"evil.json": {"hashes": {"sha256": hash(b"evil")}, "length": 4}});
    let targets = json!({"_type": "targets", "expires": in_days(9), "spec_version": "1.0.31", "targets": evil, "version": 2});
    server.targets(2, &targets, &[ONLINE]);
    assert!(matches!(
        error(kiosk.refresh(&mut server)),
        TrustError::Signatures { role: Role::Targets, valid: 0, .. }
    ));
}

#[test]
fn one_key_under_two_names_counts_once() {
    let kiosk = Kiosk::new();
    let mut server = Server::new();
    let mut root = root(2);
    root["keys"]["3"] = root["keys"]["2"].clone();
    server.files.insert("2.root.json".into(), signed(&root, &[ROOT]));
    let targets = json!({"_type": "targets", "expires": in_days(9), "spec_version": "1.0.31", "targets": {}, "version": 2});
    let signature = hex(key(2).sign(targets.to_string().as_bytes()).as_ref());
    let twice = json!({"signed": targets, "signatures": [{"keyid": "2", "sig": signature}, {"keyid": "3", "sig": signature}]});
    let bytes = twice.to_string().into_bytes();
    server.files.insert("2.targets.json".into(), bytes);
    server.snapshot(2, &json!({"targets.json": {"version": 2}}));
    assert!(matches!(
        error(kiosk.refresh(&mut server)),
        TrustError::Signatures { valid: 1, threshold: 2, .. }
    ));
}

#[test]
fn older_timestamp_snapshot_or_targets_is_refused() {
    let (kiosk, mut server) = (Kiosk::new(), Server::new());
    let old = server.clone();
    server.publish(2, &[]);
    kiosk.refresh(&mut server).unwrap();
    let refused = |server: &mut Server, wanted: Role| {
        let error = error(kiosk.refresh(server));
        assert!(matches!(error, TrustError::Rollback { role, .. } if role == wanted), "{wanted}: {error}");
    };
    refused(&mut old.clone(), Role::Timestamp);
    let mut older = server.clone();
    older.timestamp(3, 1, 2, &[ONLINE]);
    refused(&mut older, Role::Snapshot);
    older.snapshot(3, &json!({"targets.json": {"version": 1}}));
    refused(&mut older, Role::Targets);
    older.snapshot(3, &json!({}));
    assert!(
        matches!(error(kiosk.refresh(&mut older)), TrustError::Missing(_)),
        "targets cannot vanish either"
    );
    server.publish(4, &[]);
    kiosk.refresh(&mut server).unwrap();
}

#[test]
fn expired_timestamp_stops_new_releases_and_is_reported() {
    let (kiosk, mut server) = (Kiosk::new(), Server::new());
    kiosk.refresh(&mut server).unwrap();
    let late = |days: i64| NOW_S + days * 86_400;
    let frozen = error(kiosk.refresh_at(&mut server, late(3)));
    assert!(matches!(frozen, TrustError::Expired { role: Role::Timestamp, .. }), "{frozen}");
    server.timestamp(2, 1, 30, &[ONLINE]);
    let frozen = error(kiosk.refresh_at(&mut server, late(8)));
    assert!(matches!(frozen, TrustError::Expired { role: Role::Snapshot, .. }), "{frozen}");
    assert!(matches!(
        error(kiosk.refresh_at(&mut server, late(400))),
        TrustError::Expired { role: Role::Root, .. }
    ));
}

#[test]
fn fast_forwarded_version_recovers_after_key_rotation() {
    let (kiosk, mut server) = (Kiosk::new(), Server::new());
    // Somebody has the online key for a day.
    server.snapshot(1 << 31, &json!({"targets.json": {"version": 1}}));
    server.timestamp(1 << 31, 1 << 31, 2, &[ONLINE]);
    kiosk.refresh(&mut server).unwrap();
    let mut server = Server::new();
    server.publish(2, &[]);
    assert!(matches!(error(kiosk.refresh(&mut server)), TrustError::Rollback { .. }));
    // The holders of the root give that role another key.
    let mut next = root(2);
    for role in ["timestamp", "snapshot"] {
        next["roles"][role]["keyids"] = json!(["5"]);
    }
    server.files.insert("2.root.json".into(), signed(&next, &[ROOT]));
    let resign = |name: &str, server: &mut Server| {
        let mut document: Value = serde_json::from_slice(&server.files[name]).unwrap();
        server.files.insert(name.into(), signed(&document["signed"].take(), &[5]));
    };
    resign("2.snapshot.json", &mut server);
    resign("timestamp.json", &mut server);
    kiosk.refresh(&mut server).unwrap();
}

#[test]
fn revoked_release_key_is_refused_after_root_rotation() {
    let (kiosk, mut server) = (Kiosk::new(), Server::new());
    kiosk.refresh(&mut server).unwrap();
    let mut next = root(2);
    next["roles"]["targets"]["keyids"] = json!(["2", "6"]);
    server.files.insert("2.root.json".into(), signed(&next, &[ROOT]));
    server.publish(2, &[]);
    assert!(matches!(
        error(kiosk.refresh(&mut server)),
        TrustError::Signatures { role: Role::Targets, valid: 1, .. }
    ));
}

#[test]
fn a_root_that_the_old_holders_did_not_sign_is_refused() {
    let (kiosk, mut server) = (Kiosk::new(), Server::new());
    let mut next = root(2);
    next["roles"]["root"]["keyids"] = json!(["7"]);
    for by in [&[7][..], &[ROOT], &[]] {
        server.files.insert("2.root.json".into(), signed(&next, by));
        assert!(
            matches!(error(kiosk.refresh(&mut server)), TrustError::Signatures { role: Role::Root, .. }),
            "{by:?}"
        );
    }
    server.files.insert("2.root.json".into(), signed(&next, &[ROOT, 7]));
    kiosk.refresh(&mut server).unwrap();
    // Skipping a version would skip who had to agree to it.
    server.files.insert("3.root.json".into(), signed(&root(5), &[7]));
    error(kiosk.refresh(&mut server));
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let (kiosk, mut server) = (Kiosk::new(), Server::new());
    server.publish(2, &[("kiosk-3.json", b"release 3")]);
    let first = Server::new().files.remove("1.targets.json").unwrap();
    server.files.insert("2.targets.json".into(), first);
    assert!(matches!(error(kiosk.refresh(&mut server)), TrustError::Other { role: Role::Targets, .. }));
}

#[test]
fn download_stops_at_the_signed_length_plus_one() {
    let (kiosk, mut server) = (Kiosk::new(), Server::new());
    let client = kiosk.refresh(&mut server).unwrap();
    let name = format!("{}.kiosk-2.json", hash(b"release 2"));
    server.files.insert(name.clone(), vec![b'x'; 1 << 20]);
    assert!(matches!(
        error(client.fetch("kiosk-2.json", &mut server)),
        TrustError::TooLarge { limit: 9, .. }
    ));
    server.files.insert(name, b"release 3".to_vec());
    assert!(matches!(error(client.fetch("kiosk-2.json", &mut server)), TrustError::Other { .. }));
    for name in ["2.root.json", "timestamp.json"] {
        let mut endless = server.clone();
        endless.files.insert(name.into(), vec![b'{'; 8 << 20]);
        assert!(matches!(error(kiosk.refresh(&mut endless)), TrustError::TooLarge { .. }), "{name}");
    }
}

#[test]
fn whatever_else_is_sent_is_refused_and_what_was_believed_stays() {
    let (kiosk, mut server) = (Kiosk::new(), Server::new());
    kiosk.refresh(&mut server).unwrap();
    let good = server.files["timestamp.json"].clone();
    let text = String::from_utf8(good.clone()).unwrap();
    let wrong = [
        "".into(),
        "null".into(),
        "[]".into(),
        "{}".into(),
        "{\"signed\":{},\"signatures\":[]}".into(),
        text.replace("timestamp", "snapshot"),
        text.replace("\"version\":1", "\"version\":0"),
        text.replace("\"version\":1", "\"version\":1.5"),
        text.replace("\"version\":1", "\"version\":-1"),
        text.replace("1.0.31", "2.0"),
        text[..text.len() / 2].to_owned(),
        "[".repeat(10_000),
    ];
    for wrong in wrong {
        server.files.insert("timestamp.json".into(), wrong.clone().into_bytes());
        let error = error(kiosk.refresh(&mut server));
        assert!(
            matches!(error, TrustError::Malformed { .. } | TrustError::Signatures { .. }),
            "{wrong}: {error}"
        );
    }
    server.files.insert("timestamp.json".into(), good);
    kiosk.refresh(&mut server).unwrap();
}
