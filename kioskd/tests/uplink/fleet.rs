//! A fleet that takes batches as the protocol says, with foreign MQTT clients.

mod claims;
mod https;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};

use protocol::event::GENESIS;
use protocol::sync::Batch;
use serde_json::{Value, json};

use crate::broker::Broker;
use crate::kiosk::{wait_until, wall};
use claims::Claims;
use https::Https;

const KIOSK: &str = "t7.k0001";

/// How batches are answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Answers {
    #[default]
    Right,
    None,
    ToAnotherBatch,
    Fork,
}

/// An event as it was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Taken {
    seq: u64,
    id: String,
    kind: String,
    body: String,
    hash: [u8; 32],
}

#[derive(Default)]
struct Epoch {
    written_as: Option<String>,
    events: Vec<Taken>,
}

#[derive(Default)]
struct Seen {
    answers: Answers,
    epochs: BTreeMap<u64, Epoch>,
    batches: usize,
    answered: usize,
    progress: Vec<Value>,
    reported: Vec<Value>,
    problems: Vec<String>,
}

pub(crate) struct Fleet {
    seen: Arc<Mutex<Seen>>,
    publisher: Publisher,
    https: Https,
    /// `None`: the test is over.
    subscriber: Arc<Mutex<Option<Child>>>,
}

impl Fleet {
    pub(crate) fn start(dir: &Path, broker: &Broker) -> Self {
        let publisher = Publisher { ca: dir.join("ca"), port: broker.inner };
        let https = Https::start(broker);
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let subscriber = Arc::new(Mutex::new(Some(publisher.subscribe())));
        let (theirs, answerer, reader) = (Arc::clone(&seen), publisher.clone(), Arc::clone(&subscriber));
        std::thread::Builder::new().spawn(move || read(&reader, &theirs, &answerer)).unwrap();
        Self { seen, publisher, https, subscriber }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// How claims are answered.
    pub(crate) fn claims(&self) -> MutexGuard<'_, Claims> {
        self.https.claims()
    }

    /// The codes that were given, oldest first.
    pub(crate) fn codes(&self) -> Vec<String> {
        self.claims().codes()
    }

    /// Somebody approves the kiosk with this code.
    pub(crate) fn approve(&self, code: &str) {
        self.https.approve(code);
    }

    pub(crate) fn https_port(&self) -> u16 {
        self.https.port
    }

    pub(crate) fn answer(&self, answers: Answers) {
        self.seen().answers = answers;
    }

    pub(crate) fn batches(&self) -> usize {
        self.seen().batches
    }

    /// Waits until as many answers as batches have left.
    pub(crate) fn wait_answered(&self) {
        wait_until("all batches are answered", || {
            let seen = self.seen();
            seen.answered >= seen.batches
        });
    }

    /// Epochs with the name they were written under, if it is not the sender's.
    pub(crate) fn epochs(&self) -> Vec<(u64, Option<String>)> {
        self.seen().epochs.iter().map(|(epoch, it)| (*epoch, it.written_as.clone())).collect()
    }

    /// Why each epoch began.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let seen = self.seen();
        let first = seen.epochs.values().filter_map(|epoch| epoch.events.first());
        first
            .map(|event| {
                let body: Value = serde_json::from_str(&event.body).unwrap();
                body["reason"].as_str().unwrap().to_owned()
            })
            .collect()
    }

    /// Forgets the newest epoch from a number on.
    pub(crate) fn lose(&self, seq: u64) {
        let mut seen = self.seen();
        let mut newest = seen.epochs.last_entry().unwrap();
        newest.get_mut().events.retain(|event| event.seq < seq);
    }

    pub(crate) fn is_complete(&self, log: usize) -> bool {
        self.seen().epochs.values().map(|epoch| epoch.events.len()).sum::<usize>() == log
    }

    /// Every event of the kiosk's log is here once, in order, and nothing was wrong on the way.
    pub(crate) fn judge(&self, log: usize) {
        let seen = self.seen();
        assert!(seen.problems.is_empty(), "{:?}", seen.problems);
        let mut ids = std::collections::BTreeSet::new();
        for epoch in seen.epochs.values() {
            for (event, seq) in epoch.events.iter().zip(1..) {
                assert_eq!(event.seq, seq);
                assert!(ids.insert(event.id.clone()), "{} came twice", event.id);
            }
            assert_eq!(epoch.events[0].kind, "epoch.started");
        }
        assert_eq!(ids.len(), log, "the fleet has what the kiosk has");
    }

    pub(crate) fn send_job(&self, job: &Value) {
        self.publisher.publish(&format!("v1/k/{KIOSK}/dn/jb"), &job.to_string(), false);
    }

    pub(crate) fn send_twin(&self, twin: &Value) {
        self.publisher.publish(&format!("v1/k/{KIOSK}/dn/tw"), &twin.to_string(), true);
    }

    pub(crate) fn progress_count(&self, job: u32) -> usize {
        self.seen().progress.iter().filter(|it| is_job(it, job)).count()
    }

    /// Waits until a job is so far.
    pub(crate) fn progress(&self, job: u32, state: &str) -> Value {
        let find = || self.seen().progress.iter().find(|it| is_job(it, job) && it["s"] == state).cloned();
        wait_until(&format!("job {job} is {state}"), || find().is_some());
        find().unwrap()
    }

    pub(crate) fn reported(&self, rev: u64, wanted: impl Fn(&Value) -> bool) -> Value {
        let find = || self.seen().reported.iter().find(|it| it["rev"] == rev && wanted(it)).cloned();
        wait_until("the twin is reported", || find().is_some());
        find().unwrap()
    }

    pub(crate) fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.https.file(path)
    }

    /// Makes a catalog ready to be fetched; tells where it is.
    pub(crate) fn put_catalog(&self, rev: u64) -> Value {
        self.put_catalog_of("Alder & Rye", rev)
    }

    /// The same for a shop of this name.
    pub(crate) fn put_catalog_of(&self, brand: &str, rev: u64) -> Value {
        let mut catalog: Value =
            serde_json::from_slice(&std::fs::read("../catalog/alder-and-rye/catalog.json").unwrap()).unwrap();
        catalog["rev"] = json!(rev);
        catalog["brand"] = json!(brand);
        let bytes = serde_json::to_vec(&catalog).unwrap();
        let sha256: String = store::sha256(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let url = format!("/v1/kiosk/catalogs/{rev}");
        let place = json!({"rev": rev, "sha256": sha256, "size": bytes.len(), "url": url});
        self.https.put(&url, bytes);
        place
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if let Some(mut child) = self.subscriber.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

fn is_job(progress: &Value, job: u32) -> bool {
    progress["job"].as_str().is_some_and(|id| id.ends_with(&format!("{job:012}")))
}

#[derive(Clone)]
struct Publisher {
    ca: PathBuf,
    port: u16,
}

impl Publisher {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["-V", "5", "-h", "localhost", "-p", &self.port.to_string()]);
        for (option, file) in
            [("--cafile", "fleet-ca.pem"), ("--cert", "fleetd.pem"), ("--key", "fleetd.key")]
        {
            command.arg(option).arg(self.ca.join(file));
        }
        command
    }

    fn subscribe(&self) -> Child {
        self.command("mosquitto_sub")
            .args(["-k", "5", "-q", "1", "-t", "v1/k/+/up/#", "-F", "%t %p"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto-clients is installed")
    }

    fn publish(&self, topic: &str, payload: &str, retained: bool) -> bool {
        let mut command = self.command("mosquitto_pub");
        command.args(["-q", "1", "-t", topic, "-m", payload]).stderr(Stdio::null());
        if retained {
            command.arg("-r");
        }
        command.status().is_ok_and(|status| status.success())
    }
}

/// Reads what the kiosks say. `mosquitto_sub` ends when its broker is gone for a while; a fleet does not.
fn read(subscriber: &Mutex<Option<Child>>, seen: &Mutex<Seen>, publisher: &Publisher) {
    loop {
        let output = subscriber.lock().unwrap().as_mut().and_then(|child| child.stdout.take());
        let Some(output) = output else { return };
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            take(seen, publisher, &line);
        }
        let mut place = subscriber.lock().unwrap();
        let Some(mut ended) = place.take() else { return };
        ended.wait().unwrap();
        *place = Some(publisher.subscribe());
    }
}

fn take(seen: &Mutex<Seen>, publisher: &Publisher, line: &str) {
    let Some((topic, payload)) = line.split_once(' ') else { return };
    match topic.rsplit('/').next() {
        Some("jb") => seen.lock().unwrap().progress.extend(serde_json::from_str::<Value>(payload)),
        Some("tw") => seen.lock().unwrap().reported.extend(serde_json::from_str::<Value>(payload)),
        Some("ev") => {
            let batch: Batch = serde_json::from_str(payload).unwrap();
            let answer = seen.lock().unwrap().batch(topic, &batch);
            if let Some(answer) = answer {
                // A broker that is down loses it; the kiosk sends again.
                publisher.publish(&format!("v1/k/{KIOSK}/dn/ak"), &answer.to_string(), false);
            }
            seen.lock().unwrap().answered += 1;
        }
        _ => {}
    }
}

fn wall_ms() -> u64 {
    let passed = wall().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(passed.as_millis()).unwrap()
}

impl Seen {
    fn batch(&mut self, topic: &str, batch: &Batch) -> Option<Value> {
        self.batches += 1;
        if topic != format!("v1/k/{KIOSK}/up/ev") {
            self.problems.push(format!("a batch on {topic}"));
        }
        let answer = |thru: u64| json!({"b": batch.b, "ep": batch.ep, "thru": thru, "now": wall_ms()});
        match self.answers {
            Answers::None => return None,
            Answers::ToAnotherBatch => {
                let mut other = answer(batch.from + u64::from(batch.n) - 1);
                other["b"] = json!("019f0000-0000-7000-8000-0000000000ff");
                return Some(other);
            }
            Answers::Right | Answers::Fork => {}
        }
        let epoch = self.epochs.entry(batch.ep).or_default();
        epoch.written_as.clone_from(&batch.written_as);
        let next = u64::try_from(epoch.events.len()).unwrap() + 1;
        if batch.from > next {
            let mut expects = answer(next - 1);
            expects["exp"] = json!(next);
            return Some(expects);
        }
        let written_as = batch.written_as.as_deref().unwrap_or(KIOSK);
        let mut previous = batch.ph.0;
        let before = batch.from.checked_sub(2).and_then(|i| epoch.events.get(usize::try_from(i).unwrap()));
        if previous != before.map_or(GENESIS, |event| event.hash) {
            self.problems.push(format!("the chain is broken before {}/{}", batch.ep, batch.from));
        }
        for event in &batch.ev {
            if event.envelope(written_as, batch.ep).hash(&previous) != event.hash.0 {
                self.problems.push(format!("the hash of {}/{} is wrong", batch.ep, event.s));
            }
            previous = event.hash.0;
            let taken = Taken {
                seq: event.s,
                id: event.id.to_string(),
                kind: event.k.clone(),
                body: event.body.get().to_owned(),
                hash: event.hash.0,
            };
            match epoch.events.get(usize::try_from(event.s - 1).unwrap()) {
                Some(known) if *known == taken => {}
                Some(known) => self.problems.push(format!("{known:?} came again as {taken:?}")),
                None => epoch.events.push(taken),
            }
        }
        let mut answer = answer(batch.from + u64::from(batch.n) - 1);
        if self.answers == Answers::Fork {
            answer["fork"] = json!({"at": batch.from});
        }
        Some(answer)
    }
}
