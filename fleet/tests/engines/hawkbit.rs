//! Machines of others: by hand with curl, and Debian's swupdate as it is.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::Fleet;
use crate::support::{eventually, output};
use crate::updates::{MODEL, Makers, operator};

/// A machine that was let in, of a fleet with a release 2 and a file for it.
struct Shop {
    fleet: Fleet,
    kiosk: String,
    token: String,
    _makers: Makers,
}

impl Shop {
    /// `make` writes `board.swu` into a folder.
    fn new(make: impl FnOnce(&Path)) -> Self {
        let fleet = Fleet::start();
        make(fleet.dir());
        let makers = Makers::of(&fleet);
        makers.release(1, 0);
        makers.release(2, 0);
        let told = {
            let operator = operator(&fleet);
            operator.run(&["release", "push", makers.path()]).good();
            let file = fleet.dir().join("board.swu");
            operator.run(&["release", "bundle", MODEL, "2", file.to_str().unwrap()]).good();
            operator.run(&["enroll", "--hawkbit", MODEL, "--name", "Board", "-o", "json"]).json()
        };
        let word = |name: &str| told[0][name].as_str().unwrap().to_owned();
        Self { kiosk: word("kiosk"), token: word("token"), fleet, _makers: makers }
    }

    fn ask_with(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let authorization = format!("Authorization: TargetToken {token}");
        let mut more = vec!["-H", &authorization, "-H", "Content-Type: application/json"];
        let body = body.map(Value::to_string);
        if let Some(body) = &body {
            more.extend(["-d", body]);
        }
        let path = format!("/t1/controller/v1/{}{path}", self.kiosk);
        self.fleet.secure(None, method, &path, &more)
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.ask_with(&self.token, method, path, body)
    }

    fn poll(&self) -> Value {
        let (status, told) = self.ask("GET", "", None);
        assert_eq!(status, 200, "{told}");
        told
    }

    /// What it is told to do, after its address.
    fn link(&self, name: &str) -> Option<String> {
        let told = self.poll();
        let link = told["_links"][name]["href"].as_str()?;
        let (_, path) = link.split_once(&format!("/t1/controller/v1/{}", self.kiosk)).unwrap();
        assert!(link.starts_with("https://localhost:"), "{link}");
        Some(path.to_owned())
    }

    async fn offered(&self) -> String {
        eventually("it is offered", async || self.link("deploymentBase").is_some()).await;
        self.link("deploymentBase").unwrap()
    }

    fn runs(&self, release: &str) {
        let data = json!({ "mode": "merge", "data": { "release": release, "colour": "red" } });
        assert_eq!(self.ask("PUT", "/configData", Some(&data)).0, 200);
    }

    fn says(&self, path: &str, execution: &str, finished: &str) -> u16 {
        let progress = json!({ "cnt": 1, "of": 4 });
        let status = json!({ "execution": execution, "result": { "finished": finished, "progress": progress }, "details": ["x"] });
        self.ask("POST", &format!("{path}/feedback"), Some(&json!({ "status": status }))).0
    }

    fn start(&self) -> String {
        let start = ["rollout", "start", "", "--release", "2", "--waves", "100", "--soak", "0s", "--yes"];
        operator(&self.fleet).run(&start).good().trim().to_owned()
    }

    async fn stands(&self, id: &str, wanted: &str) {
        let state = || self.fleet.get(&format!("/v1/rollouts/{id}"))["state"].clone();
        eventually(&format!("{id} is {wanted}"), async || state() == wanted).await;
    }

    fn phase(&self, id: &str) -> Value {
        self.fleet.get(&format!("/v1/rollouts/{id}/kiosks"))["items"][0].clone()
    }
}

#[tokio::test]
async fn a_machine_of_others_is_offered_a_release_when_it_is_its_turn_and_believed_when_it_runs_it() {
    let shop = Shop::new(any_file);
    let none = [
        shop.ask_with("kfl_guessed", "GET", "", None),
        shop.fleet.secure(None, "GET", &format!("/t2/controller/v1/{}", shop.kiosk), &[]),
        shop.fleet.secure(None, "GET", "/t1/controller/v1/t1.k9999", &[]),
    ];
    assert_eq!(none.map(|it| it.0), [401, 401, 401]);
    assert_eq!(shop.link("configData").as_deref(), Some("/configData"));
    shop.runs("1");
    let told = shop.poll();
    assert_eq!(told, json!({ "config": { "polling": { "sleep": "00:01:00" } }, "_links": {} }));
    assert_eq!(shop.ask("GET", "/deploymentBase/1", None).0, 404);

    let id = shop.start();
    let path = shop.offered().await;
    let (_, base) = shop.ask("GET", &format!("{path}?actionHistory=10"), None);
    let artifact = &base["deployment"]["chunks"][0]["artifacts"][0];
    assert_eq!((&artifact["filename"], &artifact["size"]), (&json!("board.swu"), &json!(32)));
    assert_eq!(base["id"], path.rsplit('/').next().unwrap());
    let sums = output(shop.fleet.dir(), "sha1sum board.swu");
    assert!(sums.starts_with(artifact["hashes"]["sha1"].as_str().unwrap()), "{sums}");
    let href = artifact["_links"]["download"]["href"].as_str().unwrap();
    let (_, file) = href.split_once(&shop.kiosk).unwrap();
    let authorization = format!("Authorization: TargetToken {}", shop.token);
    let part = Command::new("curl")
        .args(["-sS", "-r", "5-8", "-H", &authorization, "--cacert"])
        .arg(shop.fleet.ca("fleet-ca.pem"))
        .arg(href)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&part.stdout), "only");
    assert_eq!(shop.ask("GET", &file.replace("board", "other"), None).0, 404);

    assert_eq!(shop.says("/deploymentBase/999", "closed", "success"), 404, "an action that is not its own");
    assert_eq!(shop.says(&path, "proceeding", "none"), 200);
    assert_eq!(shop.says(&path, "closed", "success"), 200);
    // What it says next is from before its restart.
    assert_eq!(shop.link("configData").as_deref(), Some("/configData"));
    shop.runs("1");
    assert_eq!((shop.link("deploymentBase"), &shop.phase(&id)["phase"]), (None, &json!("switching")));
    shop.runs("2");
    shop.stands(&id, "done").await;
    assert_eq!(shop.phase(&id)["phase"], "good");
    assert_eq!(shop.poll()["_links"], json!({}));
    // Its token ends with it.
    let gone = format!("/v1/kiosks/{}/decommission", shop.kiosk);
    assert_eq!(shop.fleet.send("POST", &gone, &json!({ "reason": "sold" })).0, 200);
    assert_eq!(shop.ask("GET", "", None).0, 401);
}

#[tokio::test]
async fn a_machine_that_fails_halts_the_rollout_and_one_that_is_stopped_says_so() {
    let shop = Shop::new(any_file);
    shop.runs("1");
    let id = shop.start();
    let path = shop.offered().await;
    assert_eq!(shop.fleet.send("POST", &format!("/v1/rollouts/{id}/halt"), &json!({})).0, 200);
    // It has its turn, so it is not stopped in the middle: what it says still counts.
    assert_eq!(shop.says(&path, "closed", "failure"), 200);
    eventually("its end is noted", async || shop.phase(&id)["phase"] == "bad").await;
    assert_eq!(shop.phase(&id)["reason"], "installer");
    eventually("nothing is wished any more", async || shop.poll()["_links"] == json!({})).await;
}

/// Debian's swupdate, which only takes what its key has signed.
struct Swupdate<'a> {
    shop: &'a Shop,
}

fn any_file(folder: &Path) {
    std::fs::write(folder.join("board.swu"), b"what only its client understands").unwrap();
}

fn signed_for_swupdate(fleet: &Path) {
    std::fs::write(fleet.join("image"), vec![0xC7; 300_000]).unwrap();
    let hash = output(fleet, "sha256sum image");
    let hash = hash.split(' ').next().unwrap();
    let target = fleet.join("slot").display().to_string();
    std::fs::write(&target, vec![0; 300_000]).unwrap();
    let description = format!(
        "software = {{ version = \"2\"; hardware-compatibility: [\"1.0\"]; images: ({{ filename = \"image\"; device = \"{target}\"; type = \"raw\"; \
         sha256 = \"{hash}\"; }}); }}\n"
    );
    std::fs::write(fleet.join("sw-description"), description).unwrap();
    let make = "openssl req -x509 -newkey rsa:2048 -nodes -keyout swu.key -out swu.pem -subj /CN=makers \
                -addext extendedKeyUsage=emailProtection";
    output(fleet, make);
    let sign = "openssl cms -sign -in sw-description -out sw-description.sig -signer swu.pem -inkey swu.key \
                -outform DER -nosmimecap -binary";
    output(fleet, sign);
    std::fs::write(fleet.join("names"), "sw-description\nsw-description.sig\nimage\n").unwrap();
    let packed = Command::new("sh")
        .args(["-c", "cpio -o -H crc < names > board.swu"])
        .current_dir(fleet)
        .stderr(Stdio::null())
        .status();
    assert!(packed.unwrap().success());
}

impl Swupdate<'_> {
    fn start(&self, runs: &str, more: &[&str]) -> Running {
        let dir = self.shop.fleet.dir();
        let config = format!(
            "globals: {{ loglevel = 5; public-key-file = \"{}\"; }};\n\
             suricatta: {{ cafile = \"{}\"; }};\nidentify: ({{ name = \"release\"; value = \"{runs}\"; }});\n",
            dir.join("swu.pem").display(),
            self.shop.fleet.ca("fleet-ca.pem").display()
        );
        std::fs::write(dir.join("swupdate.cfg"), config).unwrap();
        let log = std::fs::File::create(dir.join("swupdate.log")).unwrap();
        let Shop { fleet, kiosk, token, .. } = self.shop;
        let words = format!("-t t1 -i {kiosk} -u {} -k {token} {}", fleet.https, more.join(" "));
        let child = Command::new("swupdate")
            .args(["-H", "board:1.0", "-f", "swupdate.cfg", "-u", &words])
            .current_dir(dir)
            .env("TMPDIR", dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        Running { child: child.expect("swupdate is installed"), log: dir.join("swupdate.log") }
    }
}

struct Running {
    child: Child,
    log: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It ends its own processes when it is asked to.
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

#[tokio::test]
async fn debians_swupdate_installs_a_release_and_is_believed_after_its_restart() {
    let shop = Shop::new(signed_for_swupdate);
    let foreign = Swupdate { shop: &shop };
    let first = foreign.start("1", &[]);
    let runs = || shop.fleet.get(&format!("/v1/kiosks/{}", shop.kiosk));
    eventually("it has said what it runs", async || shop.poll()["_links"] == json!({})).await;
    assert_eq!(runs()["state"], "online");
    drop(first);
    let id = shop.start();
    shop.offered().await;
    let second = foreign.start("1", &[]);
    let slot = shop.fleet.dir().join("slot");
    eventually("it is written", async || std::fs::read(&slot).unwrap() == vec![0xC7; 300_000]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(second);
    let _third = foreign.start("2", &["-c 2"]);
    shop.stands(&id, "done").await;
    assert_eq!(shop.phase(&id)["phase"], "good");
}
