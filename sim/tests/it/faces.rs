//! The control socket, the web panel and the command line.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::Parser;
use serde_json::{Value, json};
use sim::ctl::{self, Answer, Request};
use sim::device::Shutdown;
use sim::rig::Rig;
use sim::run::{self, Options};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;

use crate::support::{LIMIT, fixture};

/// Options as the command line would give them.
#[derive(Debug, Parser)]
struct Words {
    #[command(flatten)]
    options: Options,
}

struct Run {
    dir: tempfile::TempDir,
    rig: Rig,
    switch: watch::Sender<bool>,
}

async fn start() -> Run {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let words = Words::parse_from(["sim", "--dir", path, "--panel", "127.0.0.1:0", "--printer-instant"]);
    let (switch, shutdown) = Shutdown::channel();
    let rig = run::start(&words.options, shutdown).await.unwrap();
    Run { dir, rig, switch }
}

fn verb(device: &str, verb: &str, args: &[&str]) -> Request {
    Request::Verb {
        device: device.to_owned(),
        verb: verb.to_owned(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_socket_lists_acts_and_explains() {
    let run = start().await;
    let ask = async |request| ctl::ask(run.dir.path(), &request).await.unwrap();

    let Answer::Ok(list) = ask(Request::List).await else { panic!() };
    assert!(list["printer"].as_array().unwrap().iter().any(|verb| verb["name"] == "paper-out"));
    assert!(list["drawer"].as_array().unwrap().iter().any(|verb| verb["name"] == "stuck"));

    assert_eq!(ask(verb("printer", "paper-near", &[])).await, Answer::Ok(Value::Null));
    assert_eq!(ask(verb("terminal", "lose-link", &["before-ack", "2000"])).await, Answer::Ok(Value::Null));
    let Answer::Ok(state) = ask(Request::State { device: None }).await else { panic!() };
    assert_eq!(state["terminal"]["in_force"]["lose-link"], "before-ack 2000");
    assert_eq!((&state["printer"]["paper"], &state["drawer"]["open"]), (&json!("near"), &json!(false)));

    for (request, sentence) in [
        (
            verb("toaster", "on", &[]),
            "no device is called \"toaster\"; there are printer, drawer, terminal, scanner, display",
        ),
        (
            verb("drawer", "explode", &[]),
            "\"explode\" is not a verb of this device; it knows open, close, stuck, inverted, slow, clear",
        ),
        (
            verb("drawer", "slow", &["never"]),
            "usage: slow MS|off: Opens so many milliseconds after the pulse.",
        ),
    ] {
        assert_eq!(ask(request).await, Answer::Error(sentence.to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_on_the_control_socket_gets_an_answer_and_leaves_the_line_open() {
    let run = start().await;
    let stream = UnixStream::connect(ctl::socket_path(run.dir.path())).await.unwrap();
    let (reader, mut writer) = stream.into_split();
    let mut lines = tokio::io::BufReader::new(reader).lines();
    writer.write_all(b"hello\n\"list\"\n").await.unwrap();
    assert!(lines.next_line().await.unwrap().unwrap().starts_with("{\"error\":\"not a request"));
    assert!(lines.next_line().await.unwrap().unwrap().starts_with("{\"ok\":{"));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_stops_and_tidies_up_on_shutdown() {
    let run = start().await;
    assert!(run.dir.path().join("printer").exists());
    run.switch.send_replace(true);
    tokio::time::timeout(LIMIT, run.rig.join()).await.unwrap();
    assert!(!run.dir.path().join("printer").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_can_start_again_where_another_was_killed() {
    let run = start().await;
    let words = ["sim", "--dir", run.dir.path().to_str().unwrap(), "--printer-instant"];
    let again = Words::parse_from(words);
    let (_switch, shutdown) = Shutdown::channel();
    assert!(
        run::start(&again.options, shutdown.clone()).await.is_err(),
        "while it lives, the directory is taken"
    );
    run.switch.send_replace(true);
    run.rig.join().await;
    assert!(run::start(&again.options, shutdown).await.is_ok(), "its socket file is only a leftover");
}

/// One HTTP request; status line, headers and body as text.
async fn http(addr: SocketAddr, method: &str, path: &str, headers: &[&str], body: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let host = if headers.iter().any(|header| header.starts_with("Host:")) {
        String::new()
    } else {
        format!("Host: {addr}\r\n")
    };
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{host}{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn panel_addr(run: &Run) -> SocketAddr {
    let url = run.rig.ready()["panel"].as_str().unwrap().to_owned();
    url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap()
}

const JSON: &str = "Content-Type: application/json";

#[tokio::test(flavor = "multi_thread")]
async fn the_panel_serves_its_page_its_parts_and_its_pictures() {
    let run = start().await;
    let addr = panel_addr(&run);
    for (path, content_type, word) in [
        ("/", "text/html", "<title>Kiosk devices"),
        ("/panel.js", "text/javascript", "EventSource"),
        ("/panel.css", "text/css", "#fbf7f1"),
        ("/parts/printer.js", "text/javascript", "export function mount"),
        ("/parts/drawer.css", "text/css", ".drawer"),
        ("/api/devices", "application/json", "\"paper\":\"ok\""),
        ("/api/devices/printer/pictures/current.png", "image/png", "PNG"),
    ] {
        let answer = http(addr, "GET", path, &[], "").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        assert!(answer.contains(content_type) && answer.contains(word), "{path}: {answer}");
        assert!(answer.contains("content-security-policy: default-src 'none'"), "{path}");
    }
    for path in ["/nothing.js", "/parts/toaster.js", "/api/devices/printer/pictures/../../etc/passwd"] {
        assert!(http(addr, "GET", path, &[], "").await.starts_with("HTTP/1.1 404"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_panel_performs_verbs_and_says_what_is_wrong_with_them() {
    let run = start().await;
    let addr = panel_addr(&run);
    let post = async |path, body| http(addr, "POST", path, &[JSON], body).await;
    assert!(post("/api/devices/printer/verbs/paper-out", "[]").await.ends_with("{\"ok\":null}"));
    assert_eq!(run.rig.devices().get("printer").unwrap().state()["paper"], "out");
    assert!(post("/api/devices/printer/verbs/slow", "[\"x\"]").await.starts_with("HTTP/1.1 400"));
    assert!(post("/api/devices/printer/verbs/explode", "[]").await.starts_with("HTTP/1.1 404"));
    assert!(post("/api/devices/toaster/verbs/on", "[]").await.starts_with("HTTP/1.1 404"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_panel_is_closed_to_other_web_pages_and_other_machines() {
    let run = start().await;
    let addr = panel_addr(&run);
    let rebound = http(addr, "GET", "/", &["Host: evil.example"], "").await;
    assert!(rebound.starts_with("HTTP/1.1 403"), "{rebound}");
    // A form of a foreign page can post text, but not JSON without asking first.
    let form =
        http(addr, "POST", "/api/devices/printer/verbs/paper-out", &["Content-Type: text/plain"], "[]").await;
    assert!(form.starts_with("HTTP/1.1 415"), "{form}");
    assert_eq!(run.rig.devices().get("printer").unwrap().state()["paper"], "ok");
    assert!(sim::panel::listen("0.0.0.0:0".parse().unwrap()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_panel_hears_of_a_change_as_an_event() {
    let run = start().await;
    let addr = panel_addr(&run);
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(format!("GET /api/events HTTP/1.1\r\nHost: {addr}\r\n\r\n").as_bytes()).await.unwrap();
    let mut lines = tokio::io::BufReader::new(stream).lines();
    let mut next = async |start: &str| loop {
        let line = tokio::time::timeout(LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
        if line.starts_with(start) {
            return line;
        }
    };
    next("HTTP/1.1 200").await;
    next("content-type: text/event-stream").await;
    // The handler has subscribed before it sends its headers.
    run.rig.devices().get("printer").unwrap().verb("cover-open", &[]).unwrap();
    loop {
        let event: Value = serde_json::from_str(next("data:").await.trim_start_matches("data:")).unwrap();
        if event["name"] == "printer" {
            assert_eq!(event["state"]["cover"], "open");
            return;
        }
    }
}

#[test]
fn the_program_runs_is_driven_from_the_command_line_and_stops_on_a_signal() {
    let dir = tempfile::tempdir().unwrap();
    let sim = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
        command.arg(words[0]).arg("--dir").arg(dir.path()).args(&words[1..]);
        command
    };
    let mut running = sim(&["run", "--printer-tcp", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(running.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["ready"], true);
    assert!(ready["printer"].as_str().unwrap().starts_with("tcp://127.0.0.1:"), "{ready}");
    assert!(Path::new(ready["receipts"].as_str().unwrap()).is_dir());

    let listed = sim(&["ctl", "list"]).output().unwrap();
    assert!(String::from_utf8(listed.stdout).unwrap().contains("paper-out [mid-line|off]"));
    assert!(sim(&["ctl", "printer", "slow", "300"]).status().unwrap().success());
    let state = sim(&["ctl", "state", "printer"]).output().unwrap();
    let state: Value = serde_json::from_slice(&state.stdout).unwrap();
    assert_eq!(state["faults"], json!(["slow"]));
    for (words, sentence) in [
        (&["ctl", "printer", "slow", "down"][..], "sim: usage: slow N|off: Takes N bytes per second.\n"),
        (
            &["ctl", "terminal", "sing"],
            "is not a verb of this device; it knows mode, present-card, pin-ok, stop",
        ),
        (&["ctl", "state", "toaster"], "there are printer, drawer, terminal, scanner, display\n"),
        (&["ctl", "toaster"], "there are printer, drawer, terminal, scanner, display\n"),
        (&["ctl", "state", "printer", "now"], "give list [DEVICE], state [DEVICE], or DEVICE VERB"),
    ] {
        let wrong = sim(words).output().unwrap();
        let said = String::from_utf8(wrong.stderr).unwrap();
        assert_eq!((wrong.status.code(), wrong.stdout.len()), (Some(1), 0), "{words:?}");
        assert!(said.contains(sentence) && said.lines().count() == 1, "{words:?}: {said}");
    }
    for words in [&["ctl", "drawer"][..], &["ctl", "list", "drawer"], &["ctl", "drawer", "--help"]] {
        let listed = String::from_utf8(sim(words).output().unwrap().stdout).unwrap();
        assert!(listed.starts_with("drawer\n  open ") && !listed.contains("printer\n"), "{listed}");
    }

    let pid = nix::unistd::Pid::from_raw(i32::try_from(running.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert!(running.wait().unwrap().success());
}

#[test]
fn the_program_renders_a_file_to_a_picture_and_its_meaning() {
    let dir = tempfile::tempdir().unwrap();
    let (bytes, picture) = (dir.path().join("in.bin"), dir.path().join("out.png"));
    std::fs::write(&bytes, fixture("receiptline-generic")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sim"))
        .arg("render")
        .arg(&bytes)
        .arg("--out")
        .arg(&picture)
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("CAFE KIOSK"));
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    assert!(dir.path().join("out-2.png").exists(), "the second cut of the file");
}
