//! `fleetctl` as operators use it: the program itself, against a fleet that runs.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::api::Fleet;
use crate::support::{connect, eventually};

/// What a command did.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn of(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The output of a command that did what it was told.
    #[track_caller]
    pub fn good(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.good()).unwrap()
    }

    /// A failure with its exit code, whose words name these.
    #[track_caller]
    pub fn fails(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in {self:?}");
        }
        assert!(self.err.lines().count() >= 2, "what is wrong and what comes next: {self:?}");
    }
}

/// A person at a shell, with a home of their own.
pub struct Operator<'a> {
    pub home: &'a Path,
}

impl Operator<'_> {
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleetctl"));
        for name in ["FLEETCTL_URL", "FLEETCTL_TOKEN", "FLEETCTL_CA", "FLEETCTL_CONTEXT"] {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", self.home).stdin(Stdio::null()).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }

    /// With text on the standard input, which is no terminal.
    fn told(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = self.command(arguments);
        feed(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()), input)
    }

    /// At a terminal, where a person types when asked. Both outputs come mixed.
    fn typed(&self, arguments: &[&str], input: &str) -> Said {
        let words: Vec<String> = arguments.iter().map(|word| format!("'{word}'")).collect();
        let line = format!("'{}' {}", env!("CARGO_BIN_EXE_fleetctl"), words.join(" "));
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).env("XDG_CONFIG_HOME", self.home).env("TERM", "xterm");
        let mut child =
            command.env_remove("NO_COLOR").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let mut heard = Vec::new();
        if !input.is_empty() {
            // What is typed before the question is thrown away where a secret is asked for.
            while !heard.ends_with(b": ") {
                let mut byte = [0];
                out.read_exact(&mut byte).unwrap();
                heard.push(byte[0]);
            }
            child.stdin.as_mut().unwrap().write_all(input.as_bytes()).unwrap();
        }
        out.read_to_end(&mut heard).unwrap();
        let code = child.wait().unwrap().code().unwrap_or(-1);
        Said { code, out: String::from_utf8(heard).unwrap(), err: String::new() }
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

fn feed(command: &mut Command, input: &str) -> Said {
    let mut child = command.spawn().unwrap();
    // Who has seen enough may be gone already.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    Said::of(child.wait_with_output().unwrap())
}

/// Kiosks, sales and tasks by the back door, the tables.
async fn furnish(fleet: &Fleet) -> Client {
    let owner = fleet.owner().await;
    owner
        .batch_execute(
            "INSERT INTO site (tenant, id, name) VALUES ('t1', '12', 'Twelve');
             INSERT INTO kiosk (id, tenant, site, name, tags, version, last_seen, is_on, status) VALUES
               ('t1.a', 't1', '12', E'Door \\x1b[31m, \"left\"', '{canary,x}', '1.3.9', now() - interval '1 h', false, '{}'),
               ('t1.b', 't1', '12', 'Hall', '{canary}', '1.10.0', now(), true,
                '{\"faults\":[\"printer.paper_out\"],\"cat\":7,\"sell\":\"open\",\"pend\":0}'),
               ('t1.c', 't1', 'main', '', '{}', '', NULL, false, '{}');
             INSERT INTO sale (id, tenant, site, kiosk, epoch, number, placed_at, business_date, mode, channel,
                               currency, exponent, total, catalog_rev, state, denied, lines)
             VALUES ('00000000-0000-7000-8000-000000000001', 't1', '12', 't1.b', 1, 'K1', now(), '2026-11-22',
                     'dine_in', 'touch', 'EUR', 2, 1234, 1, 'paid', 'OUT_OF_STOCK',
                     '[{\"variation\":\"cola\",\"item\":\"cola\",\"name\":\"Cola\",\"quantity\":150000,\"net\":1037}]');
             INSERT INTO task (tenant, site, kiosk, kind, detail, sale) VALUES
               ('t1', '12', 't1.b', 'sale_denied', 'no cola', '00000000-0000-7000-8000-000000000001'),
               ('t1', '12', 't1.b', 'paper', 'no paper', NULL);
             INSERT INTO quarantine (tenant, kiosk, topic, reason, detail, raw)
             VALUES ('t1', 't1.b', 'ev', 'KIND', 'unknown', '\\x00ff41')",
        )
        .await
        .unwrap();
    owner
}

#[test]
fn a_login_is_checked_kept_for_its_owner_and_sent_nowhere_else() {
    let fleet = Fleet::start();
    let operator = Operator { home: fleet.dir() };
    operator.run(&["status"]).fails(3, &["not logged in", "fleetctl login"]);
    let data = fleet.base.data();
    let data = data.to_str().unwrap();
    let said = operator.run(&["login", "--data", data]);
    assert!(said.err.contains("as admin of t1; context local"), "{said:?}");
    assert!(!said.err.contains(&fleet.admin) && said.good().is_empty());
    let kept = fleet.dir().join("fleetctl/contexts.toml");
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(operator.run(&["status", "-o", "json"]).json()["kiosks"]["online"], 0);

    let ca = fleet.ca("fleet-ca.pem");
    let ca = ca.to_str().unwrap();
    let url = fleet.https.as_str();
    let before = std::fs::read(&kept).unwrap();
    operator.told(&["login", url, "--token", "-"], &fleet.admin).fails(6, &["unknown here", "--ca"]);
    operator.told(&["login", url, "--ca", ca, "--token", "-"], "kfl_wrong").fails(3, &["fleetctl login"]);
    operator.run(&["login", url, "--ca", ca, "--token", &fleet.admin]).fails(2, &["command line"]);
    operator.run(&["login", url, "--ca", ca]).fails(2, &["--token-file"]);
    operator.run(&["login", "http://fleet.example"]).fails(2, &["unencrypted"]);
    operator.told(&["login", "https://127.0.0.1:1", "--token", "-"], "x").fails(6, &["cannot reach"]);
    operator.run(&["login", "--data", "/nowhere"]).fails(1, &["fleetd embedded"]);
    assert_eq!(std::fs::read(&kept).unwrap(), before, "a login that failed changes nothing");

    let technician = fleet.token("technician");
    let file = fleet.dir().join("token");
    std::fs::write(&file, format!("{technician}\n")).unwrap();
    let file = file.to_str().unwrap();
    operator.run(&["login", url, "--ca", ca, "--token-file", file, "--context", "shop"]).good();
    assert_eq!(operator.run(&["context", "ls", "-o", "name"]).good(), "local\nshop\n");
    operator.run(&["audit"]).fails(3, &["technician", "admin"]);
    operator.run(&["--context", "local", "audit"]).good();
    operator.run(&["context", "use", "local"]).good();
    operator.run(&["audit"]).good();
    operator.run(&["context", "use", "x"]).fails(4, &["context ls"]);
    // At a terminal the token is asked for and not shown.
    let said = operator.typed(&["login", url, "--ca", ca, "--context", "typed"], &format!("{technician}\r"));
    assert!(said.out.contains("Token for") && !said.out.contains(&technician), "{said:?}");
    assert_eq!(said.code, 0, "{said:?}");
    operator.run(&["context", "rm", "typed"]).good();
    operator.run(&["ls"]).fails(3, &["fleetctl context use local"]);
    operator.run(&["context", "use", "local"]).good();

    // Somebody else's address hears no token of ours.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = format!("http://{}", listener.local_addr().unwrap());
    let listening = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut heard = [0; 4096];
        let length = stream.read(&mut heard).unwrap();
        stream.write_all(b"HTTP/1.1 418 No\r\ncontent-length: 0\r\n\r\n").unwrap();
        String::from_utf8_lossy(&heard[..length]).into_owned()
    });
    let said = Said::of(operator.command(&["status"]).env("FLEETCTL_URL", &elsewhere).output().unwrap());
    said.fails(1, &["no word of a fleet"]);
    let heard = listening.join().unwrap().to_lowercase();
    assert!(heard.contains("get /v1/summary") && !heard.contains("authorization"), "{heard}");
    let mut free = operator.command(&["ls", "-o", "name"]);
    free.env("XDG_CONFIG_HOME", "/nowhere").env("FLEETCTL_URL", url).env("FLEETCTL_TOKEN", &technician);
    Said::of(free.env("FLEETCTL_CA", ca).output().unwrap()).good();

    let tokens = operator.run(&["tokens", "-o", "json"]).json();
    let id =
        tokens.as_array().unwrap().iter().find(|token| token["role"] == "technician").unwrap()["id"].clone();
    operator.run(&["tokens", "revoke", id.as_str().unwrap()]).fails(2, &["--yes"]);
    operator.run(&["tokens", "revoke", id.as_str().unwrap(), "--yes"]).good();
    operator.run(&["--context", "shop", "ls"]).fails(3, &["does not take this token", "fleetctl login"]);
    operator.run(&["ls", "--colour"]).fails(2, &["--help"]);
}

#[test]
fn a_person_logs_in_with_a_password_until_they_are_locked_out() {
    let fleet = Fleet::start();
    let operator = Operator { home: fleet.dir() };
    operator.run(&["login", "--data", fleet.base.data().to_str().unwrap()]).good();
    let add = ["people", "add", "Ana@example.com", "--role", "technician", "--password", "-"];
    operator.told(&add, "short").fails(2, &["10 to 200"]);
    operator.told(&add, "correct horse battery\n").good();
    let ca = fleet.ca("fleet-ca.pem");
    let login = ["login", &fleet.https, "--ca", ca.to_str().unwrap(), "--name", "ana@example.com"];
    let login = [&login[..], &["--context", "ana", "--password", "-"]].concat();
    operator.told(&login, "wrong").fails(3, &["name and password"]);
    operator.told(&login, "correct horse battery\n").good();
    operator.run(&["ls"]).good();
    operator.run(&["orders"]).fails(3, &["technician"]);
    operator.run(&["context", "use", "local"]).good();
    operator.run(&["people", "disable", "nobody", "--yes"]).fails(4, &["fleetctl people"]);
    operator.run(&["people", "disable", "ana@example.com"]).fails(2, &["--yes"]);
    operator.run(&["people", "disable", "ana@example.com", "--yes"]).good();
    operator.run(&["--context", "ana", "ls"]).fails(3, &["fleetctl login"]);
    let people = operator.run(&["people", "-o", "json"]).json();
    assert!(people[0]["disabled_at"].is_string() && people[0]["role"] == "technician", "{people}");
}

#[tokio::test]
async fn lists_come_in_every_form_and_no_name_plays_tricks_on_a_terminal() {
    let fleet = Fleet::start();
    furnish(&fleet).await;
    let operator = Operator { home: fleet.dir() };
    operator.run(&["login", "--data", fleet.base.data().to_str().unwrap()]).good();
    let table = operator.run(&["ls"]).good();
    assert!(!table.contains('\x1b') && table.contains("Door \\u{1b}[31m, \"left\""), "{table}");
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("KIOSK  STATE       NAME") && lines.len() == 4, "{table}");
    assert!(lines[2].contains("online") && lines[2].contains("printer.paper_out"), "{table}");
    assert_eq!(operator.run(&["ls", "-o", "json"]).json(), fleet.get("/v1/kiosks")["items"]);
    assert_eq!(operator.run(&["ls", "-o", "name", "--sort", "-id"]).good(), "t1.c\nt1.b\nt1.a\n");
    let csv = operator.run(&["ls", "-o", "csv", "-f", "tag:x"]).good();
    let mut lines = csv.split("\r\n");
    assert!(lines.next().unwrap().starts_with("id,state,name,site,status.sell,version"), "{csv}");
    assert!(lines.next().unwrap().starts_with("t1.a,offline,\"Door \x1b[31m, \"\"left\"\"\",12,"), "{csv}");
    assert_eq!(operator.run(&["ls", "-f", "site=12 and not tag:x", "-o", "name"]).good(), "t1.b\n");
    operator.run(&["ls", "-f", "site=12 and"]).fails(2, &["at character 12", "for example"]);
    operator.run(&["ls", "--sort", "colour"]).fails(2, &["sort is"]);
    let said = operator.run(&["ls", "-n", "2", "-o", "name"]);
    assert!(said.err.contains("2 of 3 rows; there are more: --all"), "{said:?}");
    assert_eq!(said.out, "t1.a\nt1.b\n");
    let all = operator.run(&["ls", "--all", "-o", "name"]);
    assert_eq!((all.out.as_str(), all.err.as_str()), ("t1.a\nt1.b\nt1.c\n", ""));

    let said = operator.typed(&["ls"], "");
    assert!(said.out.contains("\x1b[32monline"), "{said:?}");
    assert!(!said.out.contains("\x1b[31m,") && said.out.contains("\\u{1b}[31m"), "{said:?}");
    let raw = operator.typed(&["ls", "-o", "csv"], "");
    assert!(!raw.out.contains('\x1b'), "{raw:?}");

    let status = operator.run(&["status"]).good();
    assert!(status.starts_with("1 of 3 kiosks online; 1 on 1.10.0, 1 on 1.3.9\n"), "{status}");
    for line in ["1 offline", "1 never seen", "1 with a fault", "2 to be done", "1 not understood"] {
        assert!(status.contains(line), "{line}: {status}");
    }
    let summary = operator.run(&["status", "-o", "json"]).json();
    assert_eq!(summary, fleet.get("/v1/summary"));
    assert_eq!(summary["versions"][0], json!({ "version": "1.10.0", "kiosks": 1 }));
    assert!(operator.run(&["status", "-o", "csv"]).good().starts_with("kiosks.online,kiosks.stale,"));

    let shown = operator.run(&["show", "t1.b"]).good();
    for word in
        ["name      Hall", "state     online", "task      1: sale_denied no cola", "twin      ok, at 0"]
    {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert_eq!(operator.run(&["show", "t1.b", "-o", "json"]).json()["twin"]["kiosk"], "t1.b");
    operator.run(&["show", "t1.x"]).fails(4, &["no kiosk t1.x", "fleetctl ls"]);

    let orders = operator.run(&["orders", "-f", "tag:canary"]).good();
    assert!(orders.contains("12.34 EUR") && orders.contains("OUT_OF_STOCK"), "{orders}");
    assert_eq!(operator.run(&["orders", "-f", "site=main", "-o", "name"]).good(), "");
    let csv = operator.run(&["orders", "--denied", "-o", "csv"]).good();
    assert!(csv.lines().nth(1).unwrap().contains(",K1,paid,1234,0,0,EUR,2,"), "{csv}");
    let order = operator.run(&["order", "show", "K1"]).good();
    assert!(order.contains("1.5       Cola  10.37 EUR") && order.contains("no cola"), "{order}");
    operator.run(&["order", "show", "K9"]).fails(4, &["fleetctl orders"]);
    assert_eq!(operator.run(&["quarantine", "-f", "id=t1.b", "-o", "json"]).json()[0]["reason"], "KIND");
    operator.run(&["events", "t1.x"]).fails(4, &["fleetctl ls"]);
    assert!(operator.run(&["events", "t1.b"]).good().starts_with("EVENT"));
    assert_eq!(operator.run(&["tasks", "-f", "id=t1.a", "-o", "name"]).good(), "");
    operator.run(&["tasks", "done", "1"]).fails(2, &["accept, refund or substitute"]);
    operator.run(&["tasks", "done", "1", "--outcome", "refund", "--note", "cash"]).good();
    operator.run(&["tasks", "done", "1", "--outcome", "accept"]).fails(5, &["done already"]);
    assert_eq!(operator.run(&["tasks", "-o", "name"]).good(), "2\n");

    // Somebody who reads no further is no error to talk about.
    let mut child = operator.start(&["completions", "bash"]);
    drop(child.stdout.take());
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.err.as_str()), (141, ""));
    let mut watching = operator.start(&["ls", "--watch", "-o", "json"]);
    let mut first = [0; 1];
    watching.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let interrupt = nix::unistd::Pid::from_raw(watching.id().try_into().unwrap());
    // Not the interrupt of a keyboard: what runs in the background was told to ignore that one.
    nix::sys::signal::kill(interrupt, nix::sys::signal::Signal::SIGTERM).unwrap();
    let said = Said::of(watching.wait_with_output().unwrap());
    assert_eq!(said.err, "", "an interruption is nothing to talk about");
}

#[tokio::test]
async fn what_was_not_understood_is_applied_after_all_or_given_up() {
    let fleet = Fleet::start();
    let owner = furnish(&fleet).await;
    let operator = Operator { home: fleet.dir() };
    operator.run(&["login", "--data", fleet.base.data().to_str().unwrap()]).good();
    let bodies = [
        ("order.placed", include_str!("../../../protocol/tests/golden/events/order.placed.v1.json")),
        ("order.paid", include_str!("../../../protocol/tests/golden/events/order.paid.v1.json")),
    ];
    for (seq, (kind, body)) in (2..).zip(bodies) {
        let body: Value = serde_json::from_str(body).unwrap();
        let event = json!({
            "s": seq, "id": format!("01a13b86-0000-7000-8000-00000000000{seq}"), "k": kind, "v": 1,
            "t": 1_795_000_000_000_i64, "h": "00000000000000ff", "bt": 1, "m": seq, "q": 2, "body": body,
            "hash": "ab".repeat(32),
        });
        let sql = "INSERT INTO quarantine (tenant, kiosk, topic, epoch, seq, reason, detail, raw)
                   VALUES ('t1', 't1.b', 'ev', 5, $1, 'KIND', 'unknown', $2)";
        owner.execute(sql, &[&i64::from(seq), &event.to_string().as_bytes()]).await.unwrap();
    }
    operator.run(&["stock", "count", "12", "cola-05", "5"]).good();
    let deal = |verb: &str, id: &str| operator.run(&["quarantine", verb, id, "--note", "why", "-o", "json"]);
    deal("release", "1").fails(2, &["has no place in the log"]);
    deal("release", "3").fails(2, &["no such order was placed"]);
    for id in ["2", "3", "3"] {
        assert_eq!(deal("release", id).json()["outcome"], "released");
    }
    deal("discard", "3").fails(5, &["released already"]);
    deal("release", "99").fails(4, &["99"]);
    let stock = operator.run(&["stock", "--site", "12", "-o", "json"]).json();
    assert_eq!(stock[0]["on_hand"], 300_000, "two were sold, once: {stock}");
    let paid = "SELECT count(*) FROM sale WHERE kiosk = 't1.b' AND epoch = 5 AND state = 'paid'";
    assert_eq!(owner.query_one(paid, &[]).await.unwrap().get::<_, i64>(0), 1);
    let kept = deal("discard", "1").json();
    assert_eq!((&kept["outcome"], &kept["released_by"]), (&json!("discarded"), &json!("token admin-token")));
    let open = "SELECT count(*) FROM quarantine WHERE released_at IS NULL";
    assert_eq!(owner.query_one(open, &[]).await.unwrap().get::<_, i64>(0), 0);
    let audit = fleet.get("/v1/audit").to_string();
    assert_eq!(
        (audit.matches("quarantine.release").count(), audit.matches("quarantine.discard").count()),
        (2, 1)
    );
}

#[tokio::test]
async fn what_changes_many_kiosks_asks_with_their_number_and_does_nothing_without_an_answer() {
    let fleet = Fleet::start();
    let owner = furnish(&fleet).await;
    let operator = Operator { home: fleet.dir() };
    operator.run(&["login", "--data", fleet.base.data().to_str().unwrap()]).good();
    let twin = |kiosk: &str| fleet.get(&format!("/v1/kiosks/{kiosk}/twin"));

    let rows = operator.run(&["set", "t1.a", "ui.language=de", "volume=5", "-o", "json"]).json();
    assert_eq!(rows[1], json!({ "kiosk": "t1.a", "key": "volume", "was": null, "wanted": 5, "rev": 1 }));
    assert_eq!(twin("t1.a")["desired"], json!({ "ui.language": "de", "volume": 5 }));
    let again = operator.run(&["set", "t1.a", "volume=5"]);
    assert!(again.err.contains("nothing to change"), "{again:?}");
    operator.run(&["set", "t1.a", "--unset", "volume", "--dry-run"]).good();
    assert_eq!(twin("t1.a")["rev"], 1, "a dry run");
    operator.run(&["set", "t1.a", "--unset", "volume"]).good();
    assert_eq!(twin("t1.a")["desired"], json!({ "ui.language": "de" }));
    operator.run(&["set", "t1.x", "a=1"]).fails(4, &["fleetctl ls"]);
    operator.run(&["set", "t1.a", "A B=1"]).fails(2, &["no key"]);
    operator.run(&["set", "a=1"]).fails(2, &["which kiosk"]);

    let set = ["set", "-f", "tag:canary", "ui.language=de"];
    operator.run(&set).fails(2, &["changes 1 kiosk of 2", "--dry-run", "--yes"]);
    assert_eq!(twin("t1.b")["rev"], 0);
    let dry = operator.run(&[&set[..], &["--dry-run", "-o", "name"]].concat());
    assert_eq!((dry.out.as_str(), dry.code), ("t1.b\n", 0), "{dry:?}");
    assert_eq!(operator.typed(&set, "2\r").code, 1, "not the number that was asked for");
    assert_eq!(twin("t1.b")["rev"], 0);
    assert_eq!(operator.typed(&set, "1\r").code, 0);
    assert_eq!(twin("t1.b")["desired"], json!({ "ui.language": "de" }));
    assert_eq!((twin("t1.a")["rev"].clone(), twin("t1.c")["rev"].clone()), (json!(2), json!(0)));
    operator.run(&["set", "-f", "", "x=1", "--unset", "ui.language", "--yes"]).good();
    assert_eq!(twin("t1.c")["desired"], json!({ "x": 1 }));
    let conflict = json!({ "filter": "", "desired": { "x": 2 }, "expected": 2 });
    assert_eq!(fleet.send("POST", "/v1/twins", &conflict).0, 409);
    let large = json!({ "filter": "", "desired": { "x": "y".repeat(70_000) } });
    assert_eq!(fleet.send("POST", "/v1/twins", &large).0, 413, "for one of them, and so for none");

    let run = ["run", "reboot", "-f", "site=12"];
    operator.run(&run).fails(2, &["tells 2 kiosks to reboot", "--yes"]);
    assert_eq!(operator.run(&[&run[..], &["--dry-run", "-o", "name"]].concat()).good(), "t1.a\nt1.b\n");
    assert_eq!(operator.run(&["jobs", "-o", "name"]).good(), "", "nothing was done");
    let jobs =
        operator.run(&[&run[..], &["--yes", "--idle", "--expire", "10m", "-o", "json"]].concat()).json();
    assert_eq!((jobs[0]["kind"].clone(), jobs[1]["idle"].clone()), (json!("reboot"), json!(true)));
    operator.run(&["run", "dance", "t1.a"]).fails(2, &["dance", "reboot"]);
    operator.run(&["run", "reboot", "t1.x"]).fails(4, &["fleetctl ls"]);
    operator.run(&["run", "close", "t1.b", "lines=5"]).fails(2, &["no argument \"lines\""]);
    operator.run(&["run", "reboot", "t1.b", "--expire", "5s"]).fails(2, &["from 10s to 30d"]);
    operator.run(&["catalog", "import", "nowhere.json"]).fails(2, &["cannot read nowhere.json"]);
    let closing = operator.run(&["run", "close", "t1.b", "-o", "json"]).json();
    assert_eq!(closing[0]["args"], json!({ "to": "close" }));

    // Whoever waits is told how each ended; the exit code tells all, some or none.
    for (ends, code) in [(["done", "done"], 0), (["done", "failed"], 7), (["failed", "expired"], 1)] {
        owner.execute("UPDATE job SET state = 'expired'", &[]).await.unwrap();
        let child = operator.start(&[&run[..], &["--yes", "--wait"]].concat());
        let open = "SELECT kiosk, id::text FROM job WHERE state <> 'expired' ORDER BY kiosk";
        eventually("two jobs", async || owner.query(open, &[]).await.unwrap().len() == 2).await;
        for (row, end) in owner.query(open, &[]).await.unwrap().iter().zip(ends) {
            let sql = "UPDATE job SET state = $2, due = false, why = 'because' WHERE id::text = $1";
            owner.execute(sql, &[&row.get::<_, &str>(1), &end]).await.unwrap();
        }
        let said = Said::of(child.wait_with_output().unwrap());
        assert_eq!(said.code, code, "{said:?}");
        assert!(said.err.contains(&format!("t1.b {}: because", ends[1])), "{said:?}");
        assert!(!said.err.contains('\r'), "no bar without a terminal: {said:?}");
    }
    assert_eq!(operator.run(&["jobs", "-f", "id=t1.c", "-o", "name"]).good(), "");

    operator.run(&["rename", "t1.c", "Wall"]).good();
    assert_eq!(operator.run(&["tag", "t1.c", "new", "canary", "--remove", "x"]).good(), "new canary\n");
    assert_eq!(fleet.get("/v1/kiosks/t1.c")["name"], "Wall");
    operator.run(&["decommission", "t1.a"]).fails(2, &["out of the fleet for good", "--yes"]);
    assert_eq!(operator.typed(&["decommission", "t1.a"], "yes\r").code, 1);
    assert_eq!(fleet.get("/v1/kiosks/t1.a")["state"], "offline");
    assert_eq!(operator.typed(&["decommission", "t1.a", "--reason", "stolen"], "t1.a\r").code, 0);
    assert_eq!(fleet.get("/v1/kiosks/t1.a")["state"], "decommissioned");
    let audit = operator.run(&["audit", "--subject", "t1.a", "-o", "json"]).json();
    assert_eq!(audit[0]["detail"], r#"{"reason":"stolen"}"#);
    an_audit_log_without_its_end_is_noticed(&fleet, &operator).await;
}

async fn an_audit_log_without_its_end_is_noticed(fleet: &Fleet, operator: &Operator<'_>) {
    let verify = ["audit", "verify"];
    let kept = operator.run(&verify).good();
    let verify_kept = ["audit", "verify", "--kept", kept.trim()];
    operator.run(&["rename", "t1.c", "Wall"]).good();
    operator.run(&verify_kept).good();
    operator.run(&["audit", "verify", "--kept", "12"]).fails(2, &["kept"]);

    let app = connect(&fleet.database("app")).await.unwrap();
    app.batch_execute("SET app.tenant = 't1'").await.unwrap();
    for sql in ["DELETE FROM audit", "UPDATE audit_end SET entries = 1", "SELECT audit_grows()"] {
        app.batch_execute(sql).await.unwrap_err();
    }
    let owner = fleet.owner().await;
    owner.batch_execute("DELETE FROM audit WHERE n > (SELECT max(n) - 3 FROM audit)").await.unwrap();
    operator.run(&verify).fails(1, &["the end of the audit log is missing (3 gone)"]);
    for name in ["A", "B", "C", "D"] {
        operator.run(&["rename", "t1.c", name]).good();
    }
    operator.run(&verify).fails(1, &["(3 gone)"]);
    // Whoever owns the tables can forge everything but what was kept elsewhere.
    let forge = "UPDATE audit_end SET entries = (SELECT count(*) FROM audit)";
    owner.batch_execute(forge).await.unwrap();
    operator.run(&verify).good();
    operator.run(&verify_kept).fails(1, &["does not go on from the end that was kept"]);
}

/// Ends the newest job of a kind as a kiosk would, with a file.
async fn deliver(owner: &Client, kind: &str, content_type: &str, content: &[u8]) {
    let open = "SELECT id::text FROM job WHERE kind = $1 AND state IN ('queued', 'sent')";
    eventually("a job", async || !owner.query(open, &[&kind]).await.unwrap().is_empty()).await;
    let id: String = owner.query_one(open, &[&kind]).await.unwrap().get(0);
    let sql = "INSERT INTO job_file (job, tenant, content_type, content) SELECT id, tenant, $2, $3 FROM job
               WHERE id::text = $1";
    owner.execute(sql, &[&id, &content_type, &content]).await.unwrap();
    owner.execute("UPDATE job SET state = 'done', due = false WHERE id::text = $1", &[&id]).await.unwrap();
}

#[tokio::test]
async fn a_kiosk_is_enrolled_supplied_watched_and_examined_from_a_shell() {
    let fleet = Fleet::start();
    let operator = Operator { home: fleet.dir() };
    operator.run(&["login", "--data", fleet.base.data().to_str().unwrap()]).good();
    let codes =
        operator.run(&["enroll", "--count", "2", "--name", "Door", "--tag", "new", "-o", "json"]).json();
    let code = codes[1]["code"].as_str().unwrap();
    assert_eq!((&codes[1]["name"], &codes[0]["site"]), (&json!("Door 2"), &json!("main")));
    assert_eq!(codes[1]["type"], json!(format!("kioskctl enroll {code}")));
    fleet.request("k");
    let (status, told) = fleet.enrol(code, "k");
    assert_eq!((status, &told["kiosk"]), (201, &json!("t1.k0001")), "{told}");
    assert_eq!(operator.run(&["ls", "-f", "tag:new and name=\"Door 2\"", "-o", "name"]).good(), "t1.k0001\n");
    let again = operator.run(&["enroll", "--kiosk", "t1.k0001"]);
    assert!(again.out.contains("kioskctl enroll "), "{again:?}");
    fleet.request("m");
    let csr = std::fs::read_to_string(fleet.dir().join("m.csr")).unwrap();
    let (status, claim) = fleet.send("POST", "/v1/claims", &json!({ "csr": csr, "serial": "SN-7" }));
    assert_eq!(status, 201, "{claim}");
    operator.run(&["claim", "AAAA-AAAA"]).fails(4, &["compare it with the machine's screen"]);
    let machine = operator.run(&["claim", claim["code"].as_str().unwrap(), "--name", "Shown", "-o", "json"]);
    assert_eq!(machine.json()["serial"], "SN-7");
    operator.run(&["sites", "add", "12", "Twelve", "--time-zone", "Europe/Berlin"]).good();
    operator.run(&["sites", "add", "12", "Twelve"]).fails(5, &["there already"]);
    operator.run(&["sites", "rename", "12", "Station"]).good();
    assert_eq!(
        operator.run(&["sites", "-o", "csv"]).good().lines().nth(1).unwrap(),
        "12,Station,Europe/Berlin,0"
    );
    operator.run(&["enroll"]).fails(2, &["which site", "--site 12"]);

    let minimal = "../docs/examples/catalog-minimal.json";
    let broken = fleet.dir().join("broken.json");
    std::fs::write(&broken, std::fs::read_to_string(minimal).unwrap().replace("\"EUR\"", "\"EURO\""))
        .unwrap();
    operator
        .run(&["catalog", "import", broken.to_str().unwrap()])
        .fails(2, &["broken.json:", "docs/catalog.md"]);
    let said = operator.run(&["catalog", "import", minimal]);
    assert!(said.err.contains("fleetctl catalog push 1"), "{said:?}");
    said.good();
    operator.run(&["catalog", "push", "1", "-f", "tag:new"]).fails(2, &["revision 1 for 1 kiosk", "--yes"]);
    operator.run(&["catalog", "push", "1", "-f", "tag:new", "--yes"]).good();
    assert_eq!(operator.run(&["catalog", "ls", "-o", "json"]).json()[0]["kiosks"], 1);
    assert_eq!(operator.run(&["catalog", "show", "1"]).good(), std::fs::read_to_string(minimal).unwrap());
    let tables = "../docs/examples/catalog-csv";
    operator.run(&["catalog", "import", tables, "--dry-run"]).good();
    operator.run(&["catalog", "push", "9"]).fails(4, &["fleetctl catalog ls"]);

    assert!(operator.run(&["stock", "count", "main", "cola", "24"]).good().contains("cola       main  24"));
    operator.run(&["stock", "receive", "main", "cola", "-1.5"]).good();
    assert_eq!(operator.run(&["stock", "-o", "json"]).json()[0]["on_hand"], 2_250_000);
    operator.run(&["stock", "count", "main", "cola", "20", "--rev", "1"]).fails(5, &["count again"]);
    let ruled = ["stock", "count", "main", "cola", "22", "--beyond", "ask-staff", "-o", "json"];
    let shelf = operator.run(&ruled).json();
    assert_eq!((&shelf["free"], &shelf["beyond"]), (&2_200_000.into(), &"ask_staff".into()), "{shelf}");
    operator.run(&["stock", "quota", "t1.nobody"]).fails(4, &["fleetctl ls"]);
    operator.run(&["stock", "count", "nowhere", "cola", "20"]).fails(4, &["fleetctl sites"]);
    operator.run(&["stock", "count", "main", "cola", "lots"]).fails(2, &["lots"]);

    operator.run(&["shot", "t1.k0001", "-o", "x.png"]).fails(1, &["never-seen", "fleetctl run"]);
    let owner = fleet.owner().await;
    owner.execute("UPDATE kiosk SET is_on = true, last_seen = now()", &[]).await.unwrap();
    let picture = fleet.dir().join("shot.png");
    let child = operator.start(&["shot", "t1.k0001", "-o", picture.to_str().unwrap()]);
    deliver(&owner, "screenshot", "image/png", b"\x89PNG picture").await;
    Said::of(child.wait_with_output().unwrap()).good();
    assert_eq!(std::fs::read(&picture).unwrap(), b"\x89PNG picture");

    let mut following = operator.start(&["logs", "t1.k0001", "-n", "3", "-f", "--every", "2s"]);
    deliver(&owner, "logs", "text/plain", b"one\ntwo \x1b[2J\nthree\n").await;
    deliver(&owner, "logs", "text/plain", b"two \x1b[2J\nthree\nfour\n").await;
    let mut heard = Vec::new();
    let mut out = following.stdout.take().unwrap();
    while !heard.ends_with(b"four\n") {
        let mut byte = [0];
        out.read_exact(&mut byte).unwrap();
        heard.push(byte[0]);
    }
    following.kill().unwrap();
    following.wait().unwrap();
    assert_eq!(heard, b"one\ntwo \x1b[2J\nthree\nfour\n", "each line once, and a pipe gets it as it is");

    let child = operator.start(&["diagnose", "t1.k0001"]);
    let told = json!({
        "checks": [{ "what": "store", "good": true, "detail": "fine", "fix": "" },
                   { "what": "device", "good": false, "detail": "printer: no paper", "fix": "put paper in" }],
        "devices": { "printer": { "state": "degraded (paper)", "detail": "", "last_error": null } },
    });
    deliver(&owner, "diagnostics", "application/json", told.to_string().as_bytes()).await;
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!(said.code, 1, "something is wrong there: {said:?}");
    assert!(said.out.contains("printer: no paper") && said.out.contains("degraded (paper)"), "{said:?}");
}

#[tokio::test]
async fn the_doctor_tells_what_is_wrong_and_which_command_comes_next() {
    let mut fleet = Fleet::start();
    eventually("all is well", async || fleet.secure(None, "GET", "/healthz", &[]).0 == 200).await;
    let home = tempfile::tempdir().unwrap();
    let operator = Operator { home: home.path() };
    operator.run(&["doctor"]).fails(3, &["fleetctl login"]);
    operator.run(&["login", "--data", fleet.base.data().to_str().unwrap()]).good();
    let findings = |said: &Said| -> Vec<(String, String)> {
        let rows: Value = serde_json::from_str(&said.out).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        rows.as_array().unwrap().iter().map(|row| (text(&row["check"]), text(&row["result"]))).collect()
    };
    // The list of revoked kiosks is made at the start, a moment after all else is well.
    eventually("the list is made", async || fleet.get("/healthz")["revocations_end"].is_string()).await;
    let said = operator.run(&["doctor", "-o", "json"]);
    assert!(findings(&said).iter().all(|(_, result)| result == "ok"), "{said:?}");
    assert_eq!(said.code, 0);
    let checks =
        ["api", "certificate", "clock", "database", "broker", "revocations", "ingest", "token", "audit"];
    let found = findings(&said);
    assert!(checks.iter().all(|check| found.iter().any(|(name, _)| name == check)), "{found:?}");
    let metrics = fleet.get("/metrics");
    assert!(metrics.as_str().unwrap().contains("fleet_revocations_end_timestamp_seconds 1"), "{metrics}");

    let owner = furnish(&fleet).await;
    let said = operator.run(&["doctor"]);
    assert_eq!(said.code, 0, "worth a look, not wrong: {said:?}");
    for line in ["1 of 3 online", "→ fleetctl quarantine", "→ fleetctl tasks", "1 with a fault"] {
        assert!(said.out.contains(line), "{line}: {said:?}");
    }
    operator.run(&["rename", "t1.a", "Gate"]).good();
    owner.batch_execute("UPDATE audit SET detail = '{}'").await.unwrap();
    let said = operator.run(&["doctor", "-o", "json"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(findings(&said).contains(&("audit".to_owned(), "wrong".to_owned())), "{said:?}");
    std::fs::remove_file(fleet.ca("kiosk.crl")).unwrap();
    assert!(
        findings(&operator.run(&["doctor", "-o", "json"])).contains(&("revocations".into(), "warn".into()))
    );

    let mut stranger = operator.command(&["doctor"]);
    stranger.env("FLEETCTL_TOKEN", "kfl_wrong");
    let said = Said::of(stranger.output().unwrap());
    assert!(said.code == 3 && said.out.contains("→ fleetctl login"), "{said:?}");
    fleet.stop();
    let said = operator.run(&["doctor"]);
    assert!(
        said.code == 6 && said.out.contains("wrong  api") && said.out.contains("cannot reach"),
        "{said:?}"
    );
    operator.run(&["ls"]).fails(6, &["cannot reach", "fleetctl context ls"]);
}
