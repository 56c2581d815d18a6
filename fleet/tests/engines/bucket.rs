//! Releases in a bucket: moto plays Amazon, curl is the kiosk, boto3 looks into the bucket.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::api::Fleet;
use crate::ctl::Operator;
use crate::support::{eventually, run};
use crate::updates::{MODEL, Makers, operator};

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A Python that has moto and boto3.
fn python() -> Command {
    let python = std::env::var_os("KIOSKD_S3_PYTHON").expect(
        "KIOSKD_S3_PYTHON is a Python that has moto: ./dev test makes one (fleet/tests/s3-requirements.txt)",
    );
    Command::new(python)
}

/// What lies in the bucket under a name.
fn object(s3: &str, path: &str) -> Option<Vec<u8>> {
    const LOOK: &str = "
import boto3, sys
s3 = boto3.client('s3', endpoint_url=sys.argv[1], region_name='us-east-1',
                  aws_access_key_id='somebody', aws_secret_access_key='else')
try:
    sys.stdout.buffer.write(s3.get_object(Bucket='releases', Key=sys.argv[2])['Body'].read())
except s3.exceptions.NoSuchKey:
    sys.exit(4)
";
    let found = python().args(["-c", LOOK, s3, &format!("fleet/one/{path}")]).output().unwrap();
    match found.status.code() {
        Some(0) => Some(found.stdout),
        Some(4) => None,
        _ => panic!("{found:?}"),
    }
}

/// A store that speaks as S3 does, with an empty bucket.
fn s3(dir: &Path) -> (Running, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut moto = python();
    moto.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
    let moto = Running(moto.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let url = format!("http://127.0.0.1:{port}");
    let make = format!("curl -sf --retry 40 --retry-delay 1 --retry-connrefused -X PUT {url}/releases");
    run(dir, &make);
    (moto, url)
}

/// A replica with a folder of its own for what is in the bucket.
struct Replica {
    _process: Running,
    folder: PathBuf,
    http: String,
    https: String,
}

impl Replica {
    fn start(fleet: &Fleet, name: &str, s3: &str) -> Self {
        let (folder, config) = (fleet.dir().join(name), fleet.dir().join(format!("{name}.toml")));
        let written = fs::read_to_string(fleet.data().join("fleetd.toml")).unwrap();
        let mut settings: toml::Table = written.parse().unwrap();
        settings.remove("admin_token");
        let http = settings["http"].as_table_mut().unwrap();
        for listen in ["listen", "tls_listen"] {
            http.insert(listen.into(), "127.0.0.1:0".into());
        }
        let updates = format!(
            "folder = '{}'\n[bucket]\nname = 'releases'\nprefix = 'fleet/one'\nendpoint = '{s3}'\n",
            folder.display()
        );
        settings.insert("updates".into(), updates.parse::<toml::Table>().unwrap().into());
        fs::write(&config, settings.to_string()).unwrap();
        let mut fleetd = Command::new(env!("CARGO_BIN_EXE_fleetd"));
        fleetd.args(["serve", "--config"]).arg(&config).stdout(Stdio::piped());
        fleetd.env("AWS_ACCESS_KEY_ID", "replica").env("AWS_SECRET_ACCESS_KEY", "of the test");
        let mut process = Running(fleetd.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let port = ready["https"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        let http = format!("http://{}", ready["http"].as_str().unwrap());
        Self { _process: process, folder, http, https: format!("https://localhost:{port}") }
    }

    /// What a kiosk gets of a file, from a byte on; the last line is the ETag.
    fn gives(&self, fleet: &Fleet, path: &str, from: usize) -> Option<(Vec<u8>, String)> {
        let (cert, key) = ("k.pem", "k.key");
        let fetched = Command::new("curl")
            .current_dir(fleet.dir())
            .args(["-sf", "-m", "20", "-D", "headers", "--cert", cert, "--key", key, "--cacert"])
            .arg(fleet.ca("fleet-ca.pem"))
            .args(["-r", &format!("{from}-"), &format!("{}/v1/kiosk/updates/{path}", self.https)])
            .output()
            .unwrap();
        let headers = fs::read_to_string(fleet.dir().join("headers")).unwrap_or_default().to_lowercase();
        let tag = headers.lines().find_map(|line| line.strip_prefix("etag: "));
        fetched.status.success().then(|| (fetched.stdout, tag.unwrap().to_owned()))
    }
}

#[tokio::test]
async fn releases_in_a_bucket_are_on_every_replica_and_outlive_their_disks() {
    let fleet = Fleet::start();
    let (s3, url) = s3(fleet.dir());
    let operator: Operator<'_> = operator(&fleet);
    fleet.kiosk("k", &serde_json::json!({ "site": "main" }));
    let makers = Makers::of(&fleet);
    let kot = makers.release(42, 0);
    let path = kot.strip_prefix(&makers.repository).unwrap().display().to_string();
    let bytes = fs::read(&kot).unwrap();

    let first = Replica::start(&fleet, "first", &url);
    let token = fleet.data().join("admin-token").display().to_string();
    let at = |replica: &Replica, words: &[&str]| {
        operator.run(&["login", &replica.http, "--token-file", &token]).good();
        operator.run(words)
    };
    let push = |replica: &Replica| at(replica, &["release", "push", makers.path()]);
    push(&first).good();
    // What lies there is what was pushed, for anybody who looks.
    assert!(object(&url, &path).as_ref() == Some(&bytes));

    let second = Replica::start(&fleet, "second", &url);
    eventually("another replica has it", async || second.gives(&fleet, &path, 0).is_some()).await;
    let (rest, tag) = second.gives(&fleet, &path, 1000).unwrap();
    assert_eq!(rest, bytes[1000..]);
    assert_eq!(first.gives(&fleet, &path, 0).unwrap().1, tag, "who was interrupted goes on at any replica");

    fs::remove_dir_all(&second.folder).unwrap();
    eventually("a disk was lost", async || second.gives(&fleet, &path, 0).is_some()).await;
    let timestamp = "metadata/timestamp.json";
    let newest = || (first.gives(&fleet, timestamp, 0), second.gives(&fleet, timestamp, 0));
    makers.release(43, 0);
    push(&second).good();
    eventually("what the second one published is at the first", async || {
        let (one, other) = newest();
        one.is_some() && one.map(|it| it.0) == other.map(|it| it.0)
    })
    .await;

    at(&first, &["release", "forget", MODEL, "42", "--yes"]).good();
    assert!(object(&url, &path).is_none());
    eventually("it is forgotten everywhere", async || second.gives(&fleet, &path, 0).is_none()).await;

    // Without the bucket nothing is published, and what there is goes on.
    drop(s3);
    makers.release(44, 0);
    push(&first).fails(1, &["bucket"]);
    assert!(first.gives(&fleet, timestamp, 0).is_some());
}
