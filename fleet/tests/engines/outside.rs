//! The fleet as foreign programs see it: a kiosk and a backend written in Python with paho-mqtt, which share not
//! a line with us, and Prometheus's own tool. Needs the packages `python3-paho-mqtt prometheus`.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::api::Fleet;
use crate::support::{eventually, output};

/// The interpreter that the distribution's packages belong to.
const PYTHON: &str = "/usr/bin/python3";

impl Fleet {
    fn device(&self, what: &str, settings: &Value) -> Command {
        let mut command = Command::new("timeout");
        command.args(["120", PYTHON]).arg(std::path::absolute("tests/engines/device.py").unwrap()).arg(what);
        command.arg(settings.to_string()).current_dir(self.dir()).stdout(Stdio::piped());
        command
    }

    fn settings(&self) -> Value {
        let ports: toml::Value =
            toml::from_str(&std::fs::read_to_string(self.data().join("ports.toml")).unwrap()).unwrap();
        json!({
            "host": "localhost", "https": self.https, "code": self.code(&json!({ "site": "main" })),
            "kiosk_port": ports["kiosks"].as_integer(), "internal_port": ports["internal"].as_integer(),
            "fleet_ca": self.ca("fleet-ca.pem"), "fleetd_pem": self.ca("fleetd.pem"),
            "fleetd_key": self.ca("fleetd.key"),
        })
    }
}

/// What the fleet said to a batch, without its clock: number up to which it has everything, other answers.
fn answered(scene: &Value) -> (u64, Vec<(u64, String)>) {
    let answer = &scene["answer"];
    assert!(answer.is_object(), "no answer: {scene}");
    let others = answer["x"].as_array().into_iter().flatten();
    let word =
        |one: &Value| format!("{} {}", one["r"].as_str().unwrap(), one["code"].as_str().unwrap_or("-"));
    (answer["thru"].as_u64().unwrap(), others.map(|one| (one["s"].as_u64().unwrap(), word(one))).collect())
}

fn number(scene: &Value, name: &str) -> u64 {
    scene[name].as_u64().unwrap()
}

#[tokio::test]
async fn a_foreign_kiosk_sells_whatever_it_sends_between_and_is_out_when_it_is_decommissioned() {
    let fleet = Fleet::start();
    let victim = fleet.kiosk("victim", &json!({ "site": "main" }));
    let mut settings = fleet.settings();
    settings["victim"] = json!(victim);
    let mut device = fleet.device("play", &settings).spawn().unwrap();
    let mut scenes: BTreeMap<String, Value> = BTreeMap::new();
    for line in BufReader::new(device.stdout.take().unwrap()).lines() {
        let scene: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let name = scene["scene"].as_str().unwrap().to_owned();
        if name == "waiting" {
            let path = format!("/v1/kiosks/{}/decommission", scenes["enrolled"]["kiosk"].as_str().unwrap());
            assert_eq!(fleet.send("POST", &path, &json!({ "reason": "stolen" })).0, 200);
        }
        scenes.insert(name, scene);
    }
    assert!(device.wait().unwrap().success(), "its last words are above; scenes: {:?}", scenes.keys());
    poison_is_answered_as_documented(&scenes);
    two_machines_with_one_identity_are_told(&scenes);
    assert_eq!(scenes["overheard"], json!({ "scene": "overheard", "intact": true, "events": 6 }));
    assert_eq!(scenes["thrown out"]["state"], "lost", "its connection ends, not only its next one");
    let me = scenes["enrolled"]["kiosk"].as_str().unwrap();
    settings["me"] = json!(me);
    let knocked = String::from_utf8(fleet.device("knock", &settings).output().unwrap().stdout).unwrap();
    assert!(knocked.contains(r#""entered": false"#), "{knocked}");
    in_the_books(&fleet, me, &victim, &scenes).await;
    an_expired_certificate_is_refused(&fleet, &settings, &victim);
}

fn poison_is_answered_as_documented(scenes: &BTreeMap<String, Value>) {
    let plain = |scene: &str| {
        let (thru, others) = answered(&scenes[scene]);
        assert_eq!((thru, others), (number(&scenes[scene], "last"), vec![]), "{scene}");
    };
    plain("good");
    let duplicates = (1..=6).map(|seq| (seq, "duplicate -".to_owned())).collect();
    assert_eq!(answered(&scenes["repeated"]), (6, duplicates));
    assert_eq!(scenes["not JSON"]["answer"], Value::Null, "there is nobody to answer to");
    for scene in ["wrong head", "too large", "gap"] {
        let (told, next) = (&scenes[scene], number(&scenes[scene], "next"));
        assert_eq!((&told["answer"]["exp"], answered(told)), (&json!(next), (next - 1, vec![])), "{scene}");
    }
    // In this order: a kind and a version that nobody knows, a body of another form, a hash that does not
    // recompute, a body of 70,000 bytes.
    let start = number(&scenes["poison"], "start");
    let quarantined = ["KIND", "KIND", "SCHEMA", "CHAIN", "SCHEMA"].map(|why| format!("quarantine {why}"));
    let wanted = (start..).zip(quarantined).collect();
    assert_eq!(answered(&scenes["poison"]), (start + 5, wanted));
    for scene in ["clocks years off", "filled", "sold on", "after the fork"] {
        plain(scene);
    }
}

fn two_machines_with_one_identity_are_told(scenes: &BTreeMap<String, Value>) {
    assert_eq!(scenes["first thrown off"]["state"], "lost", "one name, one connection");
    let (clone, at) = (&scenes["clone"], number(&scenes["clone"], "at"));
    let last = number(clone, "last");
    let forked = (at..=last).map(|seq| (seq, "quarantine FORK".to_owned())).collect();
    assert_eq!((&clone["answer"]["fork"]["at"], answered(clone)), (&json!(at), (last, forked)));
    assert_eq!(scenes["after the fork"]["answer"]["fork"], Value::Null);
}

/// What the answers say is what the tables hold.
async fn in_the_books(fleet: &Fleet, me: &str, victim: &str, scenes: &BTreeMap<String, Value>) {
    let owner = fleet.owner().await;
    let count = async |sql: &str, kiosk: &str| {
        owner.query_one(sql, &[&kiosk]).await.unwrap().get::<_, i64>(0).cast_unsigned()
    };
    // Five events of the poisoned batch are kept aside.
    let events = number(&scenes["sold on"], "last") - 5 + number(&scenes["after the fork"], "last");
    assert_eq!(count("SELECT count(*) FROM event WHERE kiosk = $1", me).await, events);
    assert_eq!(count("SELECT count(*) FROM event_stray WHERE kiosk = $1", me).await, 2, "clocks years off");
    assert_eq!(count("SELECT count(*) FROM event WHERE kiosk = $1", victim).await, 0, "another's topic");
    assert_eq!(count("SELECT count(*) FROM sale WHERE kiosk = $1 AND state = 'closed'", me).await, 3);
    let rows = owner
        .query("SELECT reason, count(*) FROM quarantine WHERE kiosk = $1 GROUP BY 1 ORDER BY 1", &[&me])
        .await
        .unwrap();
    let kept: Vec<(String, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let wanted = [("CHAIN", 1), ("FORK", 5), ("KIND", 2), ("PAYLOAD", 3), ("SCHEMA", 2)];
    assert_eq!(kept, wanted.map(|(reason, n)| (reason.to_owned(), n)), "each kept verbatim");
}

/// Everybody else's is good: it is the date, not the broker.
fn an_expired_certificate_is_refused(fleet: &Fleet, settings: &Value, kiosk: &str) {
    let mut settings = settings.clone();
    settings["me"] = json!(kiosk);
    let knock = || String::from_utf8(fleet.device("knock", &settings).output().unwrap().stdout).unwrap();
    std::fs::copy(fleet.dir().join("victim.key"), fleet.dir().join("device.key")).unwrap();
    std::fs::copy(fleet.dir().join("victim.pem"), fleet.dir().join("device.pem")).unwrap();
    let good = knock();
    assert!(good.contains(r#""entered": true"#), "{good}");
    let (ca, key) = (fleet.ca("kiosk-ca.pem"), fleet.ca("kiosk-ca.key"));
    output(fleet.dir(), &format!("openssl req -new -key victim.key -subj /CN={kiosk} -out old.csr"));
    let sign = format!(
        "openssl x509 -req -in old.csr -CA {} -CAkey {} -CAcreateserial -CAserial old.srl -days -1 -out device.pem",
        ca.display(),
        key.display()
    );
    output(fleet.dir(), &sign);
    let expired = knock();
    assert!(expired.contains(r#""entered": false"#), "{expired}");
}

#[tokio::test]
async fn prometheus_understands_the_metrics() {
    let fleet = Fleet::start();
    eventually("the workers are connected", async || {
        metrics(&fleet).lines().any(|line| line.starts_with("fleet_ingest_workers_connected 2"))
    })
    .await;
    assert_eq!(fleet.anybody("GET", "/metrics", &json!({})).0, 401, "not for everybody");
    let text = metrics(&fleet);
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = promtool.spawn().unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let told = promtool.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success() && complaints.is_empty(), "{complaints}\n{text}");
}

fn metrics(fleet: &Fleet) -> String {
    output(fleet.dir(), &format!("curl -sS -m 20 --oauth2-bearer {} {}/metrics", fleet.admin, fleet.http))
}
