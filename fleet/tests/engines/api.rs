//! The API of `fleetd embedded` as foreign tools see it: curl, openssl, mosquitto.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::{Base, LIMIT, connect, eventually, failure, output, run};

const GOLDEN_ROLES: [&str; 4] = ["admin", "operator", "analyst", "technician"];

pub struct Fleet {
    pub base: Base,
    process: Child,
    pub http: String,
    pub https: String,
    pub admin: String,
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Fleet {
    pub fn stop(&mut self) {
        // The kernel ends the engines with it.
        self.process.kill().ok();
        self.process.wait().ok();
    }

    pub fn start() -> Self {
        let base = Base::new();
        let process = Command::new(env!("CARGO_BIN_EXE_fleetd"))
            .args(["embedded", "--kiosk-port", "0", "--internal-port", "0", "--name", "localhost", "--data"])
            .arg(base.data())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self::ready(base, process)
    }

    /// Waits until a replica that keeps its token and authorities in the data folder of `base` answers.
    pub fn ready(base: Base, mut process: Child) -> Self {
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let port = ready["https"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        let admin = std::fs::read_to_string(base.data().join("admin-token")).unwrap().trim().to_owned();
        let http = format!("http://{}", ready["http"].as_str().unwrap());
        Self { base, process, http, https: format!("https://localhost:{port}"), admin }
    }

    /// The process of fleetd.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn dir(&self) -> &Path {
        self.base.dir.path()
    }

    pub fn data(&self) -> PathBuf {
        self.base.data()
    }

    pub fn ca(&self, name: &str) -> PathBuf {
        self.base.data().join("ca").join(name)
    }

    /// Status and body of a request of somebody with a token.
    pub fn ask_as(&self, token: &str, method: &str, path: &str, more: &[&str]) -> (u16, Value) {
        let mut command = Command::new("curl");
        command.args(["-sS", "-m", "20", "-X", method, "-w", "\n%{http_code}"]).args(more);
        command.arg("-H").arg(format!("Authorization: Bearer {token}"));
        command.arg(format!("{}{path}", self.http));
        told(&mut command)
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask_as(&self.admin, "GET", path, &[]);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        self.ask_as(&self.admin, method, path, &["-H", "Content-Type: application/json", "-d", &body])
    }

    pub fn token(&self, role: &str) -> String {
        let (status, told) = self.send("POST", "/v1/tokens", &json!({ "name": role, "role": role }));
        assert_eq!(status, 201, "{told}");
        told["token"].as_str().unwrap().to_owned()
    }

    /// A request over HTTPS, with the certificate of a kiosk if there is one.
    pub fn secure(&self, kiosk: Option<&str>, method: &str, path: &str, more: &[&str]) -> (u16, Value) {
        let mut command = Command::new("curl");
        command.current_dir(self.dir());
        command.args(["-sS", "-m", "20", "-X", method, "-w", "\n%{http_code}", "--cacert"]);
        command.arg(self.ca("fleet-ca.pem")).args(more);
        if let Some(kiosk) = kiosk {
            command.args(["--cert", &format!("{kiosk}.pem"), "--key", &format!("{kiosk}.key")]);
        }
        command.arg(format!("{}{path}", self.https));
        told(&mut command)
    }

    pub fn anybody(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let mut command = Command::new("curl");
        command.args(["-sS", "-m", "20", "-X", method, "-w", "\n%{http_code}"]);
        command.args(["-H", "Content-Type: application/json", "-d", &body.to_string()]);
        command.arg(format!("{}{path}", self.http));
        told(&mut command)
    }

    pub fn code(&self, asked: &Value) -> String {
        let (status, told) = self.send("POST", "/v1/enrolment-codes", asked);
        assert_eq!(status, 201, "{told}");
        told["code"].as_str().unwrap().to_owned()
    }

    pub fn enrol(&self, code: &str, key: &str) -> (u16, Value) {
        let csr = std::fs::read_to_string(self.dir().join(format!("{key}.csr"))).unwrap();
        let body = json!({ "code": code, "csr": csr, "serial": "SN-1", "version": "1.4.2" }).to_string();
        let (status, told) =
            self.secure(None, "POST", "/v1/enroll", &["-H", "Content-Type: application/json", "-d", &body]);
        if let Some(certificate) = told["certificate"].as_str() {
            std::fs::write(self.dir().join(format!("{key}.pem")), certificate).unwrap();
        }
        (status, told)
    }

    /// A kiosk with key, certificate and id `t1.k….`; its files are named `key`.
    pub fn kiosk(&self, key: &str, asked: &Value) -> String {
        self.request(key);
        let (status, told) = self.enrol(&self.code(asked), key);
        assert_eq!(status, 201, "{told}");
        told["kiosk"].as_str().unwrap().to_owned()
    }

    /// openssl makes key and request.
    pub fn request(&self, key: &str) {
        output(self.dir(), &format!("openssl ecparam -name prime256v1 -genkey -noout -out {key}.key"));
        output(self.dir(), &format!("openssl req -new -key {key}.key -subj /CN=fleetd -out {key}.csr"));
    }

    /// Arguments of a mosquitto client with the certificate of a kiosk.
    pub fn mosquitto(&self, key: &str) -> String {
        let ports = std::fs::read_to_string(self.base.data().join("ports.toml")).unwrap();
        let port = ports.lines().find_map(|line| line.strip_prefix("kiosks = ")).unwrap();
        let ca = self.ca("fleet-ca.pem");
        format!("-V 5 -h localhost -p {port} --cafile {} --cert {key}.pem --key {key}.key", ca.display())
    }

    /// A machine that is connected as a kiosk.
    pub fn machine(&self, key: &str, kiosk: &str) -> Machine {
        self.subscriber(key, kiosk, &[&format!("v1/k/{kiosk}/dn/#")])
    }

    /// The same, and it wants what `filters` name.
    pub fn subscriber(&self, key: &str, kiosk: &str, filters: &[&str]) -> Machine {
        let mosquitto = self.mosquitto(key);
        let mut process = Command::new("stdbuf")
            .args(["-oL", "mosquitto_sub", "-d", "-W", "30", "-q", "1", "-i", kiosk])
            .args(["--will-topic", &format!("v1/k/{kiosk}/up/st"), "--will-qos", "1"])
            .args(["--will-payload", r#"{"on":false,"boot":57,"conn":3}"#])
            .args(mosquitto.split(' '))
            .args(filters.iter().flat_map(|filter| ["-t", filter]))
            .current_dir(self.dir())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("received SUBACK") {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "it cannot connect");
        }
        Machine { process, _output: output }
    }

    pub async fn owner(&self) -> Client {
        connect(&self.database("owner")).await.unwrap()
    }

    /// Connection string of a role.
    pub fn database(&self, role: &str) -> String {
        let text = std::fs::read_to_string(self.base.data().join("fleetd.toml")).unwrap();
        let settings: toml::Value = toml::from_str(&text).unwrap();
        settings["database"][role].as_str().unwrap().to_owned()
    }
}

/// A mosquitto client that stays connected for half a minute.
pub struct Machine {
    process: Child,
    /// Open: a client that nobody listens to would end by itself.
    _output: BufReader<std::process::ChildStdout>,
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Machine {
    /// Waits until the broker ends its connection.
    pub fn is_thrown_out(&mut self) {
        const TIME_OUT: i32 = 27;
        assert_ne!(self.process.wait().unwrap().code(), Some(TIME_OUT), "it was let be");
    }
}

fn told(command: &mut Command) -> (u16, Value) {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    let body = serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()));
    (status.parse().unwrap(), body)
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_machine_with_a_code_becomes_a_kiosk_once_and_guessing_is_slow() {
    let fleet = Fleet::start();
    eventually("all is well", async || fleet.secure(None, "GET", "/healthz", &[]).0 == 200).await;
    fleet.request("one");
    let code = fleet.code(&json!({ "site": "main", "name": "Door", "tags": ["canary"] }));
    let typed = code.to_lowercase().replace('-', " ");
    let (status, told) = fleet.enrol(&typed, "one");
    assert_eq!((status, &told["kiosk"], &told["site"]), (201, &json!("t1.k0001"), &json!("main")), "{told}");
    assert!(told["broker"].as_str().unwrap().starts_with("localhost:"), "{told}");
    let subject = output(fleet.dir(), "openssl x509 -in one.pem -noout -subject");
    assert_eq!(subject.trim(), "subject=CN = t1.k0001", "not the name that was asked for");
    let ca = fleet.ca("kiosk-ca.pem");
    output(fleet.dir(), &format!("openssl verify -CAfile {} -purpose sslclient one.pem", ca.display()));
    let kiosk = fleet.get("/v1/kiosks/t1.k0001");
    assert_eq!((&kiosk["name"], &kiosk["state"]), (&json!("Door"), &json!("never-seen")));
    assert_eq!((&kiosk["tags"], &kiosk["hardware"]), (&json!(["canary"]), &json!("SN-1")));

    let csr = std::fs::read_to_string(fleet.dir().join("one.csr")).unwrap();
    let body = json!({ "csr": csr }).to_string();
    let more = ["-H", "Content-Type: application/json", "-d", body.as_str()];
    let (status, renewed) = fleet.secure(Some("one"), "POST", "/v1/kiosk/certificate", &more);
    assert_eq!(status, 201, "{renewed}");
    assert_eq!(fleet.secure(None, "POST", "/v1/kiosk/certificate", &more).0, 401);
    assert_eq!(fleet.get("/v1/kiosks/t1.k0001/certificates").as_array().unwrap().len(), 2);

    output(fleet.dir(), "openssl req -newkey rsa:2048 -nodes -keyout rsa.key -subj /CN=x -out rsa.csr");
    let another = fleet.code(&json!({ "site": "main" }));
    let (status, told) = fleet.enrol(&another, "rsa");
    assert_eq!((status, &told["code"]), (422, &json!("csr")), "and the code is still good");
    // Another machine takes the place of the first, whose certificates end.
    fleet.request("two");
    let again = fleet.code(&json!({ "site": "main", "kiosk": "t1.k0001" }));
    assert_eq!(fleet.enrol(&again, "two").1["kiosk"], "t1.k0001");
    assert_eq!(fleet.secure(Some("one"), "POST", "/v1/kiosk/certificate", &more).0, 401);
    assert_eq!(fleet.kiosk("three", &json!({ "site": "main" })), "t1.k0002");

    for _ in 0..5 {
        let (status, told) = fleet.enrol(&code, "one");
        assert_eq!((status, &told["code"]), (403, &json!("wrong_code")), "used codes are no good");
    }
    let (status, told) = fleet.enrol(&another, "one");
    assert_eq!((status, &told["code"]), (429, &json!("too_many")), "not even with a good one");
    assert_eq!(fleet.get("/v1/audit/verify")["intact"], true);
    assert_eq!(fleet.get("/v1/audit?action=kiosk.enrol")["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_machine_before_is_thrown_out_and_the_one_in_its_place_is_heard() {
    let fleet = Fleet::start();
    let id = fleet.kiosk("old", &json!({ "site": "main" }));
    let owner = fleet.owner().await;
    owner.execute("UPDATE kiosk SET is_on = true, boot = 57, conn = 3", &[]).await.unwrap();
    let mut old = fleet.machine("old", &id);
    fleet.request("new");
    let code = fleet.code(&json!({ "site": "main", "kiosk": id }));
    assert_eq!(fleet.enrol(&code, "new").1["kiosk"], json!(id));
    old.is_thrown_out();
    let birth = |key: &str| {
        let status = json!({ "on": true, "boot": 1, "conn": 1, "ver": "1.5" });
        let topic = format!("v1/k/{id}/up/st");
        run(fleet.dir(), &format!("mosquitto_pub {} -q 1 -t {topic} -m {status}", fleet.mosquitto(key)))
    };
    eventually("the old one is refused", async || !birth("old").status.success()).await;
    eventually("the new one is heard", async || {
        birth("new");
        let kiosk = fleet.get(&format!("/v1/kiosks/{id}"));
        (&kiosk["state"], &kiosk["boot"]) == (&json!("online"), &json!(1))
    })
    .await;
}

/// Mosquitto refuses no subscription, and gives a message to one of a group even if that one may not read it.
#[tokio::test]
async fn no_kiosk_takes_what_others_send_to_the_fleet() {
    let fleet = Fleet::start();
    let thief = fleet.kiosk("thief", &json!({ "site": "main" }));
    let victim = fleet.kiosk("victim", &json!({ "site": "main" }));
    eventually("all is well", async || fleet.secure(None, "GET", "/healthz", &[]).0 == 200).await;
    let filters = ["$share/ingest/v1/k/+/up/#", "$share/fleetd/v1/k/+/up/#", "v1/k/+/up/#"];
    let _thief = fleet.subscriber("thief", &thief, &filters);
    for boot in 1..=12 {
        let status = json!({ "on": true, "boot": boot, "conn": 1, "ver": "1.5" });
        let topic = format!("v1/k/{victim}/up/st");
        let sent = format!("mosquitto_pub {} -q 1 -t {topic} -m {status}", fleet.mosquitto("victim"));
        output(fleet.dir(), &sent);
        eventually("the fleet hears it", async || {
            fleet.get(&format!("/v1/kiosks/{victim}"))["boot"] == json!(boot)
        })
        .await;
    }
}

#[test]
fn each_role_may_call_exactly_what_the_description_says() {
    let fleet = Fleet::start();
    let tokens: Vec<(&str, String)> =
        GOLDEN_ROLES.into_iter().map(|role| (role, fleet.token(role))).collect();
    let document = fleet.get("/v1/openapi.json");
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let real = path
                .replace("{id}", "00000000-0000-0000-0000-000000000000")
                .replace("{folder}/{file}", "metadata/timestamp.json")
                .replace("{image}/{file}", "0/full.kot")
                .replace("{model}/{number}", "none/0")
                .replace("{job}", "00000000-0000-0000-0000-000000000000")
                .replace("{rev}", "0");
            let method = method.to_uppercase();
            // A stream never ends by itself.
            let more = ["-m", if path == "/v1/stream" { "1" } else { "20" }];
            let kiosks_own = operation["security"][0].get("certificate").is_some();
            let nobody = fleet.ask_as("", &method, &real, &more).0;
            let open = operation.get("security").is_none();
            assert_eq!(nobody == 401, !open, "{method} {path} without a token: {nobody}");
            for (role, token) in &tokens {
                let (status, told) = fleet.ask_as(token, &method, &real, &more);
                assert!(status < 500, "{method} {path}: {told}");
                if kiosks_own {
                    assert_eq!(status, 401, "{method} {path} is for kiosks");
                } else if let Some(roles) = operation["x-roles"].as_array() {
                    let may = roles.contains(&json!(role));
                    let refused = told["code"] == "forbidden";
                    assert_eq!((refused, status == 403), (!may, !may), "{method} {path} as {role}: {told}");
                }
                asked += 1;
            }
        }
    }
    assert!(asked > 150, "{asked}");
    let technician = &tokens[3].1;
    for path in ["/v1/orders", "/v1/events?kiosk=x", "/v1/quarantine", "/v1/stock", "/v1/audit", "/v1/tokens"]
    {
        assert_eq!(fleet.ask_as(technician, "GET", path, &[]).0, 403, "{path}");
    }
    let id = fleet.get("/v1/tokens")[4]["id"].as_str().unwrap().to_owned();
    assert_eq!(fleet.ask_as(&fleet.admin, "DELETE", &format!("/v1/tokens/{id}"), &[]).0, 204);
    assert_eq!(fleet.ask_as(technician, "GET", "/v1/me", &[]).0, 401, "a token that was taken back");
}

#[tokio::test]
async fn a_database_that_keeps_nothing_is_told_until_it_does() {
    let fleet = Fleet::start();
    let id = fleet.kiosk("k", &json!({ "site": "main" }));
    let owner = fleet.owner().await;
    let health = || fleet.secure(None, "GET", "/healthz", &[]);
    let birth = || {
        let (mosquitto, status) = (fleet.mosquitto("k"), json!({ "on": true, "boot": 1, "conn": 1 }));
        run(fleet.dir(), &format!("mosquitto_pub {mosquitto} -q 1 -t v1/k/{id}/up/st -m {status}"));
    };
    eventually("all is well", async || health().0 == 200).await;
    owner.batch_execute("REVOKE UPDATE ON kiosk FROM fleet_app").await.unwrap();
    eventually("it says so", async || {
        birth();
        health().1["ingest"] == json!(false)
    })
    .await;
    let (status, told) = health();
    assert_eq!((status, &told["ok"], &told["database"]), (503, &json!(false), &json!(true)), "{told}");
    assert!(told["ingest_failure"].as_str().unwrap().contains("permission denied"), "{told}");
    owner.batch_execute("GRANT UPDATE ON kiosk TO fleet_app").await.unwrap();
    eventually("all is well again", async || {
        birth();
        health().0 == 200
    })
    .await;
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_cut_by_the_server_and_show_nothing_of_other_tenants() {
    let fleet = Fleet::start();
    let (status, told) = fleet.ask_as(&fleet.admin, "GET", "/v1/kiosks?filtre=x", &[]);
    assert!(status == 400 && told["next"].as_str().unwrap().contains("filter"), "{told}");
    let owner = fleet.owner().await;
    owner
        .batch_execute(
            "INSERT INTO tenant VALUES ('t2', 'Two');
             INSERT INTO site (tenant, id, name) VALUES ('t1', '12', 'Twelve'), ('t2', '12', 'Other');
             INSERT INTO kiosk (id, tenant, site, name, tags, version, last_seen, is_on, status) VALUES
               ('t1.a', 't1', '12', 'Door', '{canary}', '1.3.9', now() - interval '1 h', false, '{}'),
               ('t1.b', 't1', '12', 'door 2', '{}', '1.10.0', now(), true, '{\"faults\":[\"printer.paper_out\"],\"cat\":7}'),
               ('t1.c', 't1', 'main', 'Wall', '{canary,x}', '1.4', now() - interval '1 h', true, '{\"pend\":5}'),
               ('t1.d', 't1', 'main', '', '{}', '', NULL, false, '{}'),
               ('t2.a', 't2', '12', 'Door', '{canary}', '1.3.9', now(), true, '{}');
             INSERT INTO sale (id, tenant, site, kiosk, epoch, number, placed_at, business_date, mode, channel,
                               currency, exponent, total, catalog_rev, state, denied, lines)
             SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, CASE WHEN n = 9 THEN 't2' ELSE 't1' END, '12',
                    't1.b', 1, 'K' || n, now() - n * interval '1 min', '2026-11-22', 'dine_in', 'touch', 'EUR', 2,
                    100 * n, 1, 'paid', CASE WHEN n = 1 THEN 'OUT_OF_STOCK' END, '[]'
             FROM generate_series(1, 9) AS n;
             INSERT INTO task (tenant, site, kiosk, kind, detail, sale) VALUES
               ('t1', '12', 't1.b', 'sale_denied', 'no cola', '00000000-0000-7000-8000-000000000001'),
               ('t1', '12', 't1.b', 'paper', 'no paper', NULL);
             INSERT INTO quarantine (tenant, kiosk, topic, reason, detail, raw)
             VALUES ('t1', 't1.b', 'ev', 'KIND', 'unknown', '\\x00ff41')",
        )
        .await
        .unwrap();
    let listed = |filter: &str| {
        let (status, told) = fleet.ask_as(
            &fleet.admin,
            "GET",
            "/v1/kiosks",
            &["-G", "--data-urlencode", &format!("filter={filter}")],
        );
        assert_eq!(status, 200, "{filter}: {told}");
        assert_eq!(told["total"], json!(ids(&told).len()));
        ids(&told).join(" ")
    };
    for (filter, wanted) in [
        ("", "t1.a t1.b t1.c t1.d"),
        ("site=12 and online=false and ver<1.4 and tag:canary", "t1.a"),
        ("ver>=1.4", "t1.b t1.c"),
        ("online=true", "t1.b"),
        ("state=stale or state=never-seen", "t1.c t1.d"),
        ("name~DOOR and not tag:canary", "t1.b"),
        ("fault:printer.paper_out or pending>=5", "t1.b t1.c"),
        ("catalog=7", "t1.b"),
        ("seen<5m", "t1.b"),
        ("faulty=true", "t1.b"),
        ("cert<30d or faulty=false", "t1.a t1.c t1.d"),
        ("seen>5m and seen<2h", "t1.a t1.c"),
        ("drift=true", ""),
        ("id!=t1.a and (tag:x or site=12)", "t1.b t1.c"),
        ("name=\"' OR true --\"", ""),
        ("site=\"12'; DROP TABLE kiosk; --\" or tag:\"}') OR ('1'='1\"", ""),
        ("name~\"%\" or name~\"_\"", ""),
    ] {
        assert_eq!(listed(filter), wanted, "{filter}");
    }
    for bad in ["site==1", "colour=red", "site=1 or", "1=1", "online=maybe", "ver<new"] {
        let more = ["-G", "--data-urlencode", &format!("filter={bad}")];
        let (status, told) = fleet.ask_as(&fleet.admin, "GET", "/v1/kiosks", &more);
        assert_eq!((status, &told["code"]), (400, &json!("filter")), "{bad}: {told}");
    }
    for (sort, wanted) in [
        ("id", "t1.a t1.b t1.c t1.d"),
        ("-version", "t1.b t1.c t1.a t1.d"),
        ("name", "t1.d t1.a t1.b t1.c"),
        ("-seen", "t1.b t1.c t1.a t1.d"),
    ] {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = fleet.get(&format!("/v1/kiosks?limit=1&sort={sort}{cursor}"));
            all.extend(ids(&page));
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let mut wanted: Vec<&str> = wanted.split(' ').collect();
        if sort == "-seen" {
            // Those two were heard of at the same time.
            all[1..3].sort();
            wanted[1..3].sort_unstable();
        }
        assert_eq!(all, wanted, "{sort}");
    }
    let first = fleet.get("/v1/orders?limit=5");
    let second = fleet.get(&format!("/v1/orders?limit=5&cursor={}", first["next"].as_str().unwrap()));
    assert_eq!((ids(&first).len(), ids(&second).len(), &second["next"]), (5, 3, &Value::Null));
    assert_eq!(ids(&fleet.get("/v1/orders?denied=true&number=K1&date=2026-11-22")).len(), 1);
    let foreign = "/v1/orders/00000000-0000-7000-8000-000000000009";
    assert_eq!(fleet.ask_as(&fleet.admin, "GET", foreign, &[]).0, 404, "another tenant's");
    assert_eq!(fleet.ask_as(&fleet.admin, "GET", "/v1/kiosks/t2.a", &[]).0, 404);
    assert_eq!(fleet.get("/v1/quarantine")["items"][0]["raw"], "\\000\\377A");

    let technician = fleet.token("technician");
    let tasks = fleet.ask_as(&technician, "GET", "/v1/tasks", &[]).1;
    assert_eq!(tasks["items"].as_array().unwrap().len(), 1, "no sales: {tasks}");
    let order = fleet.get("/v1/orders/00000000-0000-7000-8000-000000000001");
    let task = format!("/v1/tasks/{}/done", order["tasks"][0]["id"]);
    let done = |outcome: &str| fleet.send("POST", &task, &json!({ "outcome": outcome })).0;
    assert_eq!([done("done"), done("refund"), done("refund"), done("accept")], [422, 200, 200, 409]);
    let more = ["-H", "Content-Type: application/json", "-d", r#"{"outcome":"refund"}"#];
    assert_eq!(fleet.ask_as(&technician, "POST", &task, &more).0, 404, "no sales");
    let book = |path: &str, body: Value| fleet.send("POST", path, &body);
    let count = json!({ "site": "12", "variation": "cola", "on_hand": 500_000 });
    assert_eq!(book("/v1/stock/counts", count.clone()).1["rev"], 1);
    let typo = json!({ "site": "12", "variation": "coal", "quantity": 200_000 });
    assert_eq!(book("/v1/stock/receipts", typo).0, 404, "no shelf is made of a typing error");
    let receipt = json!({ "site": "12", "variation": "cola", "quantity": -200_000 });
    assert_eq!(book("/v1/stock/receipts", receipt.clone()).1["on_hand"], 300_000);
    let mut late = count;
    late["rev"] = json!(1);
    assert_eq!(book("/v1/stock/counts", late).0, 409, "something moved since it was counted");
    assert_eq!(
        [book("/v1/stock/receipts", receipt.clone()).0, book("/v1/stock/receipts", receipt).0],
        [200, 422]
    );
    owner.batch_execute("UPDATE audit SET detail = '{}' WHERE n = 2").await.unwrap();
    assert_eq!(fleet.get("/v1/audit/verify")["broken_at"], 2);
}

#[tokio::test]
async fn what_a_kiosk_should_be_and_do_reaches_it_and_a_kiosk_that_leaves_is_thrown_out() {
    let fleet = Fleet::start();
    let id = fleet.kiosk("k", &json!({ "site": "main", "tags": ["canary"] }));
    let dir = fleet.dir().to_owned();
    let mosquitto = fleet.mosquitto("k");
    let publish = |topic: &str, payload: &Value| {
        std::fs::write(dir.join("payload"), payload.to_string()).unwrap();
        output(&dir, &format!("mosquitto_pub {mosquitto} -q 1 -t v1/k/{id}/up/{topic} -f payload"));
    };
    let twin = format!("/v1/kiosks/{id}/twin");
    let change = |rev: &str, body: &Value| {
        let (rev, body) = (format!("If-Match: {rev}"), body.to_string());
        fleet.ask_as(
            &fleet.admin,
            "PATCH",
            &twin,
            &["-H", "Content-Type: application/json", "-H", &rev, "-d", &body],
        )
    };
    let german = json!({ "desired": { "ui.language": "de" } });
    assert_eq!(fleet.send("PATCH", &twin, &german).0, 428);
    assert_eq!(change("\"0\"", &german).1["rev"], 1);
    assert_eq!(change("\"0\"", &german).0, 412, "somebody else was faster");
    assert_eq!(change("\"1\"", &json!({ "desired": { "UI language": 1 } })).0, 422);

    let document = "../docs/examples/catalog-minimal.json";
    let upload = |file: &str| {
        let data = format!("@{}", std::path::absolute(file).unwrap().display());
        fleet.ask_as(
            &fleet.admin,
            "POST",
            "/v1/catalogs",
            &["-H", "Content-Type: application/json", "--data-binary", &data],
        )
    };
    assert_eq!((upload(document).0, upload(document).0), (201, 200));
    let broken = dir.join("broken.json");
    std::fs::write(&broken, std::fs::read_to_string(document).unwrap().replace("\"EUR\"", "\"EURO\""))
        .unwrap();
    let (status, told) = upload(broken.to_str().unwrap());
    assert!(status == 422 && told["detail"].as_str().unwrap().contains("catalog.json:"), "{told}");
    let push = |body: Value| fleet.send("POST", "/v1/catalogs/1/push", &body);
    assert_eq!(push(json!({ "filter": "tag:canary", "expected": 2 })).0, 409);
    assert_eq!(push(json!({ "filter": "tag:canary", "expected": 1 })).1["changed"], 1);
    assert_eq!(push(json!({ "filter": "" })).1["changed"], 0, "it is meant to have it already");

    // The twin waits at the broker; the job waits for the kiosk's birth.
    let asked = json!({ "kind": "screenshot", "filter": "tag:canary", "expected": 1 });
    let body = asked.to_string();
    let idempotent = |body: &str| {
        let more = ["-H", "Content-Type: application/json", "-H", "Idempotency-Key: a", "-d", body];
        fleet.ask_as(&fleet.admin, "POST", "/v1/jobs", &more)
    };
    let (first, again) = (idempotent(&body), idempotent(&body));
    assert_eq!((first.0, &first), (201, &again));
    assert_eq!(idempotent(r#"{"kind":"reboot","filter":""}"#).0, 409);
    let job = first.1["jobs"][0].as_str().unwrap().to_owned();
    let mut listener = Command::new("mosquitto_sub")
        .args(mosquitto.split(' '))
        .args(["-q", "1", "-i", &id, "-c", "-x", "4294967295", "-W", "30", "-t", &format!("v1/k/{id}/dn/#")])
        .current_dir(&dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(listener.stdout.take().unwrap()).lines();
    let mut heard = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    let kept = loop {
        let twin = heard();
        if twin["rev"] == 2 {
            break twin;
        }
    };
    assert_eq!(kept["desired"], json!({ "ui.language": "de" }));
    let wanted = kept["docs"]["catalog"]["url"].as_str().unwrap();
    // The listener has the kiosk's name at the broker, so its birth comes by the back door, the table.
    let owner = fleet.owner().await;
    eventually("fleetd has noted what it sent", async || {
        owner.query_one("SELECT NOT due FROM twin", &[]).await.unwrap().get(0)
    })
    .await;
    owner.execute("UPDATE kiosk SET is_on = true, boot = 1, conn = 1, last_seen = now()", &[]).await.unwrap();
    let (sent, mut twins) = {
        let mut twins = 0;
        loop {
            let message = heard();
            if message["job"] == json!(job) {
                break (message, twins);
            }
            twins += 1;
        }
    };
    assert_eq!(sent["kind"], "screenshot", "{sent}");
    if twins == 0 {
        twins += u32::from(heard()["rev"] == 2);
    }
    assert_eq!(twins, 1, "a kiosk that is born hears its twin again");
    listener.kill().unwrap();
    listener.wait().unwrap();
    let catalog = fleet.secure(Some("k"), "GET", wanted, &[]);
    assert_eq!((catalog.0, &catalog.1["rev"]), (200, &json!(1)));

    let state = |wanted: &'static str| {
        let (fleet, path) = (&fleet, format!("/v1/jobs/{job}"));
        eventually(wanted, async move || fleet.get(&path)["state"] == wanted)
    };
    let file = format!("/v1/kiosk/files/{job}");
    std::fs::write(dir.join("shot.png"), b"\x89PNG picture").unwrap();
    publish("st", &json!({ "on": true, "boot": 2, "conn": 1, "ver": "1.5", "cat": 1 }));
    publish("jb", &json!({ "job": job, "s": "running", "pct": 40 }));
    state("running").await;
    let put = ["-H", "Content-Type: image/png", "--data-binary", "@shot.png"];
    assert_eq!(fleet.secure(Some("k"), "PUT", &file, &put).0, 204);
    assert_eq!(
        fleet.secure(Some("k"), "PUT", "/v1/kiosk/files/00000000-0000-7000-8000-000000000000", &put).0,
        404
    );
    publish("jb", &json!({ "job": job, "s": "done", "result": file }));
    publish("jb", &json!({ "job": job, "s": "accepted" }));
    state("done").await;
    let picture = output(
        &dir,
        &format!("curl -s -o got.png -w %{{content_type}} -H @auth {}/v1/jobs/{job}/file", {
            std::fs::write(dir.join("auth"), format!("Authorization: Bearer {}", fleet.admin)).unwrap();
            &fleet.http
        }),
    );
    assert_eq!(
        (picture.as_str(), std::fs::read(dir.join("got.png")).unwrap().as_slice()),
        ("image/png", &b"\x89PNG picture"[..])
    );
    publish("tw", &json!({ "rev": 2, "reported": {}, "errors": { "ui.language": "not spoken here" } }));
    let listed = "/v1/kiosks?filter=drift";
    eventually("it refused", async || fleet.get(&twin)["reported_rev"] == json!(2)).await;
    assert_eq!(
        (&fleet.get(&twin)["drift"], ids(&fleet.get(listed)), &fleet.get("/v1/summary")["drift"]),
        (&json!(true), vec![id.clone()], &json!(1)),
        "what was refused is not in force"
    );
    publish("tw", &json!({ "rev": 2, "reported": { "ui.language": "de" } }));
    eventually("no drift", async || fleet.get(&twin)["drift"] == json!(false)).await;
    let kiosk = fleet.get(&format!("/v1/kiosks/{id}"));
    assert_eq!((&kiosk["state"], &kiosk["version"]), (&json!("online"), &json!("1.5")), "{kiosk}");

    let short = json!({ "kind": "reboot", "kiosk": id, "expires_in": 10 });
    let short = fleet.send("POST", "/v1/jobs", &short).1["jobs"][0].as_str().unwrap().to_owned();
    owner.execute("UPDATE job SET expires_at = now() WHERE id::text = $1", &[&short]).await.unwrap();
    let path = format!("/v1/jobs/{short}");
    eventually("it is too late for the job", async || fleet.get(&path)["state"] == "expired").await;

    let leave = json!({ "reason": "stolen" });
    let (status, kiosk) = fleet.send("POST", &format!("/v1/kiosks/{id}/decommission"), &leave);
    assert_eq!((status, &kiosk["state"]), (200, &json!("decommissioned")), "{kiosk}");
    assert_eq!(fleet.secure(Some("k"), "GET", wanted, &[]).0, 401, "from now on");
    let knock = format!("mosquitto_pub {mosquitto} -q 1 -t v1/k/{id}/up/mx -m x");
    let until = Instant::now() + LIMIT;
    while run(&dir, &knock).status.success() {
        assert!(Instant::now() < until, "the broker still lets it in");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(!failure(&dir, &knock).is_empty());
    assert_eq!(fleet.send("POST", &format!("/v1/kiosks/{id}/decommission"), &leave).0, 200, "twice is once");
    assert_eq!(fleet.send("POST", "/v1/jobs", &json!({ "kind": "reboot", "kiosk": id })).0, 404);
}
