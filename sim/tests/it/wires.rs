//! The printer over real pseudo terminals and real TCP connections.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use sim::device::{Device, Port, Shutdown, Wired};
use sim::printer::{Config, Drawer, Printer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::support::{LIMIT, open_tty, read_codes, until};

struct Bench {
    printer: Arc<Printer>,
    dir: tempfile::TempDir,
    endpoint: String,
    _running: watch::Sender<bool>,
}

impl Bench {
    fn serve(config: Config, port: Port, dir: tempfile::TempDir) -> Self {
        let printer = Printer::new(config, Some(dir.path().to_owned()));
        let (running, shutdown) = Shutdown::channel();
        let endpoint = port.endpoint();
        tokio::spawn(Arc::clone(&printer).run(port, shutdown));
        Self { printer, dir, endpoint, _running: running }
    }

    fn pty(config: Config) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = Port::pty(&dir.path().join("printer")).unwrap();
        Self::serve(config, port, dir)
    }

    async fn tcp(config: Config) -> Self {
        let port = Port::tcp((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        Self::serve(config, port, tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(&self.endpoint)
    }

    async fn connect(&self) -> TcpStream {
        let addr: SocketAddr = self.endpoint.strip_prefix("tcp://").unwrap().parse().unwrap();
        TcpStream::connect(addr).await.unwrap()
    }

    fn act(&self, words: &[&str]) {
        let args: Vec<String> = words[1..].iter().map(|word| (*word).to_owned()).collect();
        self.printer.verb(words[0], &args).unwrap();
    }
}

const JOB: &[u8] =
    b"\x1b@\x1ba\x01Burger\n\x1d(k\x03\x001C\x05\x1d(k\x08\x001P0KIOSK\x1d(k\x03\x001Q0\x1dVB\0";
const ID_1: &[u8] = b"\x1d(H\x06\0\x30\x300001";

#[tokio::test(flavor = "multi_thread")]
async fn a_job_over_a_pty_becomes_files_an_answer_and_a_ledger_entry() {
    let bench = Bench::pty(Config::default());
    let tty = open_tty(&bench.path());
    tty.send(&[JOB, ID_1].concat()).await;
    assert_eq!(tty.receive(7).await, b"\x37\x220001\0");

    let state = until(&bench.printer, |state| state["receipts_total"] == 1).await;
    assert_eq!(state["receipts"][0]["text"], json!(["Burger"]));
    assert_eq!(state["receipts"][0]["codes"], json!([{"symbology": "qr", "data": "KIOSK"}]));
    assert_eq!(state["process_ids"][0]["id"], "0001");
    let png = fs::read(bench.dir.path().join("receipt-0001.png")).unwrap();
    assert_eq!(read_codes(&png), ["QR-Code:KIOSK"]);
    assert_eq!(bench.printer.picture("receipt-0001.png").unwrap().bytes, png);
    let dump = fs::read_to_string(bench.dir.path().join("receipt-0001.txt")).unwrap();
    assert!(dump.contains("center | Burger"), "{dump}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reopened_pty_reaches_the_same_printer_and_its_waiting_job() {
    let bench = Bench::pty(Config::default());
    bench.act(&["paper-out"]);
    let tty = open_tty(&bench.path());
    tty.send(JOB).await;
    until(&bench.printer, |state| state["buffer"]["used"] == JOB.len()).await;
    drop(tty);
    until(&bench.printer, |state| state["connected"] == false).await;

    let tty = open_tty(&bench.path());
    tty.send(b"\x10\x04\x04").await;
    assert_eq!(tty.receive(1).await, [0x7E]);
    bench.act(&["paper-ok"]);
    tty.send(ID_1).await;
    assert_eq!(tty.receive(7).await, b"\x37\x220001\0");
    assert_eq!(bench.printer.state()["receipts_total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_pushed_over_the_wire_as_they_happen() {
    let bench = Bench::pty(Config::default());
    let drawer = Drawer::new(Arc::clone(&bench.printer));
    let tty = open_tty(&bench.path());
    tty.send(b"\x1da\x0f").await;
    assert_eq!(tty.receive(4).await, [0x10, 0, 0, 0]);
    bench.act(&["cover-open"]);
    assert_eq!(tty.receive(4).await, [0x38, 0, 0, 0]);
    bench.act(&["cover-close"]);
    assert_eq!(tty.receive(4).await, [0x10, 0, 0, 0]);
    drawer.verb("open", &[]).unwrap();
    assert_eq!(tty.receive(4).await, [0x14, 0, 0, 0]);
    bench.act(&["head-hot", "1"]);
    assert_eq!(tty.receive(8).await, [0x1C, 0x40, 0, 0, 0x14, 0, 0, 0], "and cools by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_larger_than_the_buffer_waits_on_the_wire_while_the_paper_is_out() {
    let bench = Bench::pty(Config { buffer_bytes: 256, ..Config::default() });
    bench.act(&["paper-out"]);
    let tty = open_tty(&bench.path());
    let job = [b"line\n".repeat(200).as_slice(), JOB, ID_1].concat();
    tty.send(&job).await;
    let state = until(&bench.printer, |state| state["buffer"]["used"] == 256).await;
    assert_eq!(state["bytes_in"], 256);
    bench.act(&["paper-ok"]);
    assert_eq!(tty.receive(7).await, b"\x37\x220001\0");
    let state = bench.printer.state();
    assert_eq!(state["bytes_in"], job.len());
    assert_eq!(state["receipts"][0]["text"].as_array().unwrap().len(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tcp_client_may_leave_and_come_back() {
    let bench = Bench::tcp(Config::default()).await;
    for round in 1..=3 {
        let mut client = bench.connect().await;
        client.write_all(&[JOB, ID_1].concat()).await.unwrap();
        let mut answer = [0; 7];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"\x37\x220001\0");
        assert_eq!(bench.printer.state()["receipts_total"], round);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_a_network_printer_off_ends_its_connection() {
    let bench = Bench::tcp(Config::default()).await;
    let mut client = bench.connect().await;
    until(&bench.printer, |state| state["connected"] == true).await;
    bench.act(&["power-cycle", "50"]);
    assert_eq!(client.read(&mut [0; 8]).await.unwrap_or(0), 0);
    until(&bench.printer, |state| state["powered"] == true).await;
    let mut client = bench.connect().await;
    client.write_all(b"\x10\x04\x01").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), 0x12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_printer_whose_address_was_taken_while_unplugged_comes_back_when_it_is_free() {
    let bench = Bench::tcp(Config::default()).await;
    let addr: SocketAddr = bench.endpoint.strip_prefix("tcp://").unwrap().parse().unwrap();
    bench.act(&["unplug"]);
    let mut changes = bench.printer.changes();
    let squatter = loop {
        match std::net::TcpListener::bind(addr) {
            Ok(listener) => break listener,
            Err(_) => tokio::time::timeout(LIMIT, changes.changed()).await.unwrap().unwrap(),
        }
    };
    bench.act(&["plug"]);
    // The verb, the failure, and at least one more try.
    for _ in 0..3 {
        tokio::time::timeout(LIMIT, changes.changed()).await.unwrap().unwrap();
    }
    drop(squatter);
    let mut client = loop {
        match TcpStream::connect(addr).await {
            Ok(client) => break client,
            Err(_) => tokio::time::timeout(LIMIT, changes.changed()).await.unwrap().unwrap(),
        }
    };
    client.write_all(b"\x10\x04\x01").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), 0x12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pulled_cable_hangs_up_and_the_printer_is_found_again_where_it_was() {
    let bench = Bench::pty(Config::default());
    let tty = open_tty(&bench.path());
    until(&bench.printer, |state| state["connected"] == true).await;
    bench.act(&["unplug"]);
    until(&bench.printer, |state| state["connected"] == false).await;
    assert!(!bench.path().exists());
    drop(tty);

    bench.act(&["plug"]);
    let mut changes = bench.printer.changes();
    while !bench.path().exists() {
        tokio::time::timeout(LIMIT, changes.changed()).await.unwrap().unwrap();
    }
    let tty = open_tty(&bench.path());
    tty.send(b"\x10\x04\x01").await;
    assert_eq!(tty.receive(1).await, [0x12]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mute_printer_prints_and_says_nothing() {
    let bench = Bench::pty(Config::default());
    bench.act(&["mute"]);
    let tty = open_tty(&bench.path());
    tty.send(&[JOB, ID_1, b"\x10\x04\x01"].concat()).await;
    until(&bench.printer, |state| state["receipts_total"] == 1).await;
    assert_eq!(bench.printer.state()["bytes_out"], 0);
}
