//! Releases: from their makers' folder over the fleet to curl with a kiosk's certificate and to a foreign subscriber.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use ota::build::{Effort, build};
use ota::orders::{self, HaltOrder};
use ota::release::{Manifest, ReleaseFile, ReleaseImage};
use ota::repository::{Expiry, Repository};
use ota::trust::Role;
use ota::trust::sign::{PublicKey, SecretKey, Signers};
use protocol::text::{Hex32, hex};
use serde_json::{Value, json};

use crate::api::Fleet;
use crate::ctl::Operator;
use crate::support::{eventually, output};

pub const MODEL: &str = "alder";

/// Whoever makes releases, on a machine of their own.
pub struct Makers {
    pub repository: PathBuf,
    release_key: SecretKey,
}

fn now_s() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

pub fn in_days(days: i64) -> Expiry {
    Expiry(now_s() + days * 86_400)
}

fn key() -> SecretKey {
    SecretKey::from_pem(&SecretKey::generate().unwrap()).unwrap()
}

fn public(path: &Path) -> PublicKey {
    PublicKey::parse(&fs::read_to_string(path).unwrap()).unwrap()
}

impl Makers {
    /// With a root that names the fleet's online key.
    pub fn of(fleet: &Fleet) -> Self {
        Self::with(&fleet.dir().join("repo"), public(&fleet.ca("online.pub")))
    }

    fn with(repository: &Path, online: PublicKey) -> Self {
        let (root_key, release_key) = (key(), key());
        let of = |key: PublicKey| Signers { keys: vec![key], threshold: 1 };
        let roles = [
            (Role::Root, of(root_key.public())),
            (Role::Targets, of(release_key.public())),
            (Role::Snapshot, of(online.clone())),
            (Role::Timestamp, of(online)),
        ];
        let made = Repository::at(repository);
        made.new_root(&roles, in_days(300)).unwrap();
        made.sign(Role::Root, &root_key).unwrap();
        Self { repository: repository.to_owned(), release_key }
    }

    /// A release that is not signed yet, and its `.kot`.
    fn unsigned(&self, number: u64, floor: u64) -> PathBuf {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("image");
        let mut noise = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let content: Vec<u8> = std::iter::repeat_with(|| {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            noise.to_le_bytes()
        })
        .take(64 * 4096 / 8)
        .flatten()
        .collect();
        fs::write(&image, &content).unwrap();
        let sha256 = ota::sha256(&content);
        let path = format!("images/{}/full.kot", hex(&sha256));
        let out = self.repository.join(&path);
        fs::create_dir_all(out.parent().unwrap()).unwrap();
        let file = fs::File::open(&image).unwrap();
        let report = build(None, &file, &out, Effort { level: 1, ..Effort::default() }).unwrap();
        let file = ReleaseFile {
            path,
            seed_sha256: None,
            length: report.length,
            head_length: report.head_length,
            head_sha256: Hex32(report.head_sha256),
        };
        let image = ReleaseImage {
            slot: "root".into(),
            size: content.len() as u64,
            sha256: Hex32(sha256),
            verity: None,
            files: vec![file],
        };
        let manifest = Manifest {
            v: Manifest::FORM,
            model: MODEL.into(),
            arch: "x86_64".into(),
            release: number,
            version: format!("1.{number}"),
            floor,
            min_from: 0,
            built: now_s().unsigned_abs(),
            images: vec![image],
        };
        Repository::at(&self.repository).add_release(&manifest, in_days(100)).unwrap();
        out
    }

    pub fn release(&self, number: u64, floor: u64) -> PathBuf {
        let kot = self.unsigned(number, floor);
        self.sign();
        kot
    }

    fn sign(&self) {
        Repository::at(&self.repository).sign(Role::Targets, &self.release_key).unwrap();
    }

    pub fn path(&self) -> &str {
        self.repository.to_str().unwrap()
    }
}

pub fn operator(fleet: &Fleet) -> Operator<'_> {
    let operator = Operator { home: fleet.dir() };
    operator.run(&["login", "--data", fleet.data().to_str().unwrap()]).good();
    operator
}

/// Where a file of the repository is for kiosks.
fn at(makers: &Makers, file: &Path) -> String {
    format!("/v1/kiosk/updates/{}", file.strip_prefix(&makers.repository).unwrap().display())
}

#[tokio::test]
async fn a_release_is_pushed_in_pieces_proven_listed_and_served_in_ranges() {
    let fleet = Fleet::start();
    let operator = operator(&fleet);
    let makers = Makers::of(&fleet);
    let kot = makers.release(42, 0);
    let bytes = fs::read(&kot).unwrap();
    operator.run(&["rollout", "start", "", "--release", "42", "--yes"]).fails(4, &["fleetctl release list"]);

    // Somebody was interrupted after a third of it.
    let third = fleet.dir().join("third");
    fs::write(&third, &bytes[..bytes.len() / 3]).unwrap();
    let name = kot.strip_prefix(&makers.repository).unwrap().display().to_string();
    let data = format!("@{}", third.display());
    let upload = |push: &str, offset: usize| {
        let to = format!("/v1/releases/files?push={push}&path={name}&offset={offset}");
        fleet.ask_as(&fleet.admin, "PUT", &to, &["--data-binary", &data])
    };
    interrupted(&operator, &makers);
    let mut pushes = fs::read_dir(fleet.data().join("updates/incoming")).unwrap();
    let push = pushes.next().unwrap().unwrap().file_name().into_string().unwrap();
    assert_eq!(upload(&push, 0), (200, json!({ "length": bytes.len() / 3, "published": false })));
    assert_eq!(upload(&push, 7).1["code"], "offset", "not a hole, and not over what is there");
    for leads_away in ["..", "", "a%2fb"] {
        assert_eq!(upload(leads_away, 0).0, 422, "{leads_away:?}");
    }
    let said = operator.run(&["release", "push", makers.path()]);
    assert_eq!((said.code, said.out.as_str()), (0, "alder 42\n"), "{said:?}");
    let metadata: u64 =
        ["metadata/1.root.json", "metadata/1.targets.json"].iter().map(|name| length(&makers, name)).sum();
    let rest = bytes.len() as u64 - bytes.len() as u64 / 3 + metadata;
    assert!(said.err.contains(&format!("{rest} bytes sent")), "{rest}: {said:?}");
    assert!(said.err.contains("fleetctl rollout start"), "{said:?}");
    assert!(
        operator.run(&["release", "push", makers.path()]).err.contains("nothing new: 1 release, 0 bytes")
    );
    let listed = operator.run(&["release", "list", "-o", "json"]).json();
    assert_eq!((&listed[0]["number"], &listed[0]["state"]), (&json!(42), &json!("listed")));
    assert_eq!(listed[0]["size"], bytes.len());
    assert_eq!(operator.run(&["release", "show", MODEL, "42"]).json()["version"], "1.42");

    let id = fleet.kiosk("k", &json!({ "site": "main" }));
    parts_come_over_mqtt(&fleet, &id, (&name, &bytes)).await;
    let path = at(&makers, &kot);
    assert_eq!(fleet.secure(None, "GET", &path, &[]).0, 401, "without a certificate");
    let out = fleet.dir().join("out");
    let get = |path: &str, more: &[&str]| {
        fs::write(&out, "").unwrap();
        let head = ["-o", out.to_str().unwrap(), "-D", "head"];
        let (status, _) = fleet.secure(Some("k"), "GET", path, &[&head[..], more].concat());
        let head = fs::read_to_string(fleet.dir().join("head")).unwrap().to_lowercase();
        (status, fs::read(&out).unwrap(), head)
    };
    let (status, whole, head) = get(&path, &[]);
    assert_eq!((status, whole == bytes), (200, true), "{head}");
    let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().trim().to_owned();
    assert!(etag.starts_with('"') && head.contains("accept-ranges: bytes"), "a strong one: {head}");
    let (status, part, head) =
        get(&path, &["-H", "Range: bytes=100-4199", "-H", &format!("If-Range: {etag}")]);
    assert_eq!((status, part == bytes[100..4200]), (206, true));
    assert!(head.contains(&format!("content-range: bytes 100-4199/{}", bytes.len())), "{head}");
    let other = get(&path, &["-H", "Range: bytes=100-4199", "-H", "If-Range: \"other\""]);
    assert_eq!((other.0, other.1 == bytes), (200, true), "of another content no part");
    assert_eq!(get(&path, &["-H", "Range: bytes=99999999-"]).0, 416);
    assert_eq!(get(&path, &["-H", &format!("If-None-Match: {etag}")]).0, 304);
    for elsewhere in [
        "metadata/..%2f..%2fca%2fonline.key",
        "images/x/..%2f..%2f..%2fca%2fonline.key",
        "incoming/x",
        "metadata/.x",
    ] {
        assert_eq!(get(&format!("/v1/kiosk/updates/{elsewhere}"), &[]).0, 404, "{elsewhere}");
    }
    a_large_file_takes_no_memory(&fleet);

    operator.run(&["release", "forget", MODEL, "42", "--yes"]).good();
    assert_eq!(get(&path, &[]).0, 404);
    operator.run(&["release", "forget", MODEL, "42", "--yes"]).fails(4, &["fleetctl release list"]);
    assert_eq!(operator.run(&["release", "push", makers.path()]).good(), "alder 42\n", "it can come back");
    assert_eq!(get(&path, &[]).0, 200);
    let audit = fleet.get("/v1/audit?action=release.push")["items"].as_array().unwrap().len();
    assert_eq!(audit, 3);
}

/// A push that ends before what names the files is sent.
fn interrupted(operator: &Operator<'_>, makers: &Makers) {
    let stray = makers.repository.join("targets/zz");
    fs::create_dir(&stray).unwrap();
    operator.run(&["release", "push", makers.path()]).fails(2, &["zz is no file"]);
    fs::remove_dir(stray).unwrap();
}

#[tokio::test]
async fn a_push_goes_on_though_somebody_else_has_pushed_meanwhile() {
    let fleet = Fleet::start();
    let operator = operator(&fleet);
    let makers = Makers::of(&fleet);
    makers.release(1, 0);
    let other = fleet.dir().join("other");
    let copied = Command::new("cp").arg("-r").args([&makers.repository, &other]).status().unwrap();
    assert!(copied.success());
    makers.release(2, 0);
    interrupted(&operator, &makers);
    assert_eq!(operator.run(&["release", "push", other.to_str().unwrap()]).good(), "alder 1\n");
    let said = operator.run(&["release", "push", makers.path()]);
    let rest = length(&makers, "metadata/2.targets.json");
    assert_eq!(said.out, "alder 2\n", "{said:?}");
    assert!(said.err.contains(&format!("{rest} bytes sent")), "{rest}: {said:?}");
    assert_eq!(fs::read_dir(fleet.data().join("updates/incoming")).unwrap().count(), 0);
    let said = operator.run(&["release", "push", other.to_str().unwrap()]);
    assert!(said.err.contains("nothing new: 2 releases"), "{said:?}");
}

/// Asked again until it comes, as nobody keeps a part. One connection asks and hears: another one with the same
/// certificate would throw it out.
async fn parts_come_over_mqtt(fleet: &Fleet, id: &str, (name, bytes): (&str, &[u8])) {
    let ask = |at: usize| {
        let wanted = json!({ "req": 258, "file": name, "ranges": [[at, 16]] }).to_string();
        let (question, answer) = (format!("v1/k/{id}/up/bq"), format!("v1/k/{id}/dn/bk"));
        let mut command = Command::new("mosquitto_rr");
        command.args(fleet.mosquitto("k").split(' ')).args(["-W", "5", "-F", "%q %r %x"]);
        command.args(["-t", &question, "-e", &answer, "-m", &wanted]).current_dir(fleet.dir());
        String::from_utf8(command.stderr(Stdio::null()).output().unwrap().stdout).unwrap().trim().to_owned()
    };
    let part = |at: usize, end: usize| format!("0 0 00000102{at:016x}{}", hex(&bytes[at..end]));
    let last = bytes.len();
    eventually("a part", async || ask(4096) == part(4096, 4112)).await;
    eventually("the end of the file", async || ask(last - 3) == part(last - 3, last)).await;
}

fn length(makers: &Makers, name: &str) -> u64 {
    fs::metadata(makers.repository.join(name)).unwrap().len()
}

/// A file of a gigabyte, fetched at once.
fn a_large_file_takes_no_memory(fleet: &Fleet) {
    let folder = fleet.data().join("updates/images/large");
    fs::create_dir_all(&folder).unwrap();
    fs::File::create(folder.join("full.kot")).unwrap().set_len(1 << 30).unwrap();
    let peak = || {
        let status = fs::read_to_string(format!("/proc/{}/status", fleet.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let before = peak();
    let more = ["-o", "/dev/null", "-w", "%{size_download}\n%{http_code}"];
    let (status, size) = fleet.secure(Some("k"), "GET", "/v1/kiosk/updates/images/large/full.kot", &more);
    assert_eq!((status, size), (200, json!(1 << 30)));
    let more = peak() - before;
    assert!(more < 32 * 1024, "{more} KiB more for it");
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn what_a_kiosk_would_not_believe_is_not_listed() {
    let fleet = Fleet::start();
    let operator = operator(&fleet);
    let push = |makers: &Makers| operator.run(&["release", "push", makers.path()]);
    let listed = || operator.run(&["release", "list", "-o", "json"]).json();
    operator.run(&["release", "push", fleet.dir().to_str().unwrap()]).fails(2, &["docs/releases.md"]);

    let foreign = Makers::with(&fleet.dir().join("foreign"), key().public());
    foreign.release(1, 0);
    push(&foreign).fails(2, &["timestamp", "ca/online.pub"]);

    let makers = Makers::of(&fleet);
    let kot = makers.unsigned(1, 0);
    push(&makers).fails(2, &["targets: 0 of the 1 signatures"]);
    makers.sign();
    let good = fs::read(&kot).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    // What was pushed before is still there: this would not be sent.
    fs::remove_dir_all(fleet.data().join("updates/incoming")).ok();
    fs::write(&kot, &bad).unwrap();
    push(&makers).fails(2, &["full.kot"]);
    assert_eq!(listed(), json!([]));
    assert!(!fleet.data().join("updates/metadata").exists(), "nothing of it is published");
    fs::write(&kot, &good).unwrap();
    assert_eq!(push(&makers).good(), "alder 1\n");

    // An operator may not push, and nobody pushes something else under the same version.
    let token = fleet.token("operator");
    assert_eq!(fleet.ask_as(&token, "POST", "/v1/releases", &[]).0, 403);
    let targets = makers.repository.join("metadata/1.targets.json");
    let text = fs::read_to_string(&targets).unwrap().replace("\"version\": 1", "\"version\": 1 ");
    fs::write(&targets, text).unwrap();
    push(&makers).fails(5, &["1.targets.json is published already"]);
    assert_eq!(listed()[0]["state"], "listed");
    let root = fs::read(fleet.data().join("updates/metadata/1.root.json")).unwrap();
    Repository::at(&fleet.data().join("updates")).verify(&root, now_s()).unwrap();
}

/// What a subscriber with a kiosk's certificate hears of the fleet's broadcasts: topics and payloads.
fn broadcasts(fleet: &Fleet, kiosk: &str, topic: &str) -> Option<String> {
    let mut command = Command::new("mosquitto_sub");
    command.args(fleet.mosquitto(kiosk).split(' ')).args(["-t", topic, "-C", "1", "-W", "2"]);
    let heard = command.current_dir(fleet.dir()).stderr(Stdio::null()).output().unwrap();
    let text = String::from_utf8(heard.stdout).unwrap();
    (!text.is_empty()).then_some(text)
}

#[tokio::test]
async fn metadata_and_halts_are_signed_retained_and_come_back_when_the_broker_has_lost_them() {
    let fleet = Fleet::start();
    let operator = operator(&fleet);
    fleet.kiosk("k", &json!({ "site": "main" }));
    let campaign = public(&fleet.ca("campaign.pub"));
    let halt = || {
        broadcasts(&fleet, "k", "v1/f/halt").map(|text| {
            orders::open::<HaltOrder>(text.trim().as_bytes(), std::slice::from_ref(&campaign)).unwrap()
        })
    };
    eventually("a halt document that halts nothing", async || halt().is_some_and(|it| it.halted.is_empty()))
        .await;
    let makers = Makers::of(&fleet);
    makers.release(1, 0);
    operator.run(&["release", "push", makers.path()]).good();
    let timestamp =
        || -> Option<Value> { serde_json::from_str(&broadcasts(&fleet, "k", "v1/f/tuf/timestamp")?).ok() };
    eventually("a timestamp", async || timestamp().is_some()).await;
    for (topic, kind) in [("snapshot", "snapshot"), ("targets", "targets")] {
        let text = broadcasts(&fleet, "k", &format!("v1/f/tuf/{topic}")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["signed"]["_type"], kind);
    }
    let first = timestamp().unwrap();
    // Half of its time is over.
    let path = fleet.data().join("updates/metadata/timestamp.json");
    let old = fs::read_to_string(&path).unwrap();
    let ends: Value = serde_json::from_str(&old).unwrap();
    let ends = ends["signed"]["expires"].as_str().unwrap().to_owned();
    let soon = jiff::Timestamp::from_second(now_s() + 23 * 3600).unwrap().to_string();
    fs::write(&path, old.replace(&ends, &soon)).unwrap();
    eventually("it is signed anew", async || {
        timestamp().is_some_and(|it| it["signed"]["version"].as_u64() > first["signed"]["version"].as_u64())
    })
    .await;
    let root = fs::read(fleet.data().join("updates/metadata/1.root.json")).unwrap();
    Repository::at(&fleet.data().join("updates")).verify(&root, now_s()).unwrap();

    // A broker that lost everything.
    let before = halt().unwrap();
    let data = fleet.data();
    let pid = output(fleet.dir(), &format!("pgrep -f {}/mosquitto/mosquitto.conf", data.display()));
    fs::remove_file(data.join("mosquitto/mosquitto.db")).ok();
    output(fleet.dir(), &format!("kill -9 {}", pid.trim()));
    fs::remove_file(data.join("mosquitto/mosquitto.db")).ok();
    eventually("it is told again", async || {
        timestamp().is_some() && halt().is_some_and(|it| it.generation > before.generation)
    })
    .await;

    // Whoever enrols now obeys the same key.
    fleet.request("new");
    let (_, told) = fleet.enrol(&fleet.code(&json!({ "site": "main" })), "new");
    assert_eq!(told["campaign_keys"], json!([campaign.as_str()]));
}
