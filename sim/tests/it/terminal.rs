//! The payment terminal over real TCP connections and real pseudo terminals, with a till written from the protocol's
//! description.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use sim::device::{Device, Port, Shutdown, Wired};
use sim::terminal::{Config, Framing, Pace, Terminal};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::support::{LIMIT, Tty, open_tty, until};

const REGISTER: &str = "06 00 10 00 00 00 BE 09 78 03 01 06 06 26 04 0A 02 06 D3";
const PAY: &str = "06 01 07 04 00 00 00 00 25 00";
const REPEAT: &str = "06 20 03 00 00 00";
const STATUS: &str = "05 01 03 00 00 00";

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// Customers and banks without patience.
fn quick(framing: Framing) -> Config {
    let short = Duration::from_millis(5);
    Config {
        framing,
        pace: Pace { card: short, pin: short, host: short, ..Pace::default() },
        ..Config::default()
    }
}

struct Bench {
    terminal: Arc<Terminal>,
    endpoint: String,
    running: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Bench {
    fn serve(config: Config, port: Port, memory: &Path) -> Self {
        let terminal = Terminal::new(config, Some(memory.to_owned())).unwrap();
        let (running, shutdown) = Shutdown::channel();
        let endpoint = port.endpoint();
        let task = tokio::spawn(Arc::clone(&terminal).run(port, shutdown));
        Self { terminal, endpoint, running, task }
    }

    async fn tcp(framing: Framing, dir: &Path) -> Self {
        let port = Port::tcp((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        Self::serve(quick(framing), port, &dir.join("terminal.json"))
    }

    fn pty(framing: Framing, dir: &Path) -> Self {
        let port = Port::pty(&dir.join("terminal")).unwrap();
        Self::serve(quick(framing), port, &dir.join("terminal.json"))
    }

    async fn connect(&self) -> Till {
        let addr: SocketAddr = self.endpoint.strip_prefix("tcp://").unwrap().parse().unwrap();
        let mut changes = self.terminal.changes();
        loop {
            if let Ok(stream) = TcpStream::connect(addr).await {
                return Till { stream, unread: Vec::new() };
            }
            // The link is down for a while.
            timeout(LIMIT, changes.changed()).await.unwrap().unwrap();
        }
    }

    fn act(&self, line: &str) {
        let mut words = line.split(' ').map(str::to_owned);
        let name = words.next().unwrap();
        self.terminal.verb(&name, &words.collect::<Vec<_>>()).unwrap();
    }

    async fn stop(self) {
        self.running.send_replace(true);
        timeout(LIMIT, self.task).await.unwrap().unwrap();
    }
}

/// The first whole message of a stream.
fn take_message(stream: &mut Vec<u8>) -> Option<Vec<u8>> {
    let (header, length) = match stream.as_slice() {
        [_, _, 0xFF, low, high, ..] => (5, usize::from(*low) + 256 * usize::from(*high)),
        [_, _, 0xFF, ..] => return None,
        [_, _, length, ..] => (3, usize::from(*length)),
        _ => return None,
    };
    (stream.len() >= header + length).then(|| stream.drain(..header + length).collect())
}

fn is_end(message: &[u8]) -> bool {
    matches!(message[..2], [0x06, 0x0F | 0x1E] | [0x84, _])
}

struct Till {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Till {
    async fn connect(endpoint: &str) -> Self {
        let addr: SocketAddr = endpoint.strip_prefix("tcp://").unwrap().parse().unwrap();
        let stream = timeout(LIMIT, TcpStream::connect(addr)).await.unwrap().unwrap();
        Self { stream, unread: Vec::new() }
    }

    /// Sends a command and acknowledges everything, until the end or until the link is lost.
    async fn command(&mut self, command: &str) -> Vec<Vec<u8>> {
        timeout(LIMIT, self.converse(command)).await.expect("it never ends")
    }

    async fn converse(&mut self, command: &str) -> Vec<Vec<u8>> {
        self.stream.write_all(&hex(command)).await.unwrap();
        let mut said = Vec::new();
        loop {
            while let Some(message) = take_message(&mut self.unread) {
                // After a lost link this fails, which the next read tells as well.
                if message[0] != 0x80
                    && message[0] != 0x84
                    && self.stream.write_all(&[0x80, 0, 0]).await.is_err()
                {
                    tracing::debug!("the link is lost");
                }
                said.push(message);
                if is_end(said.last().unwrap()) {
                    return said;
                }
            }
            let mut bytes = [0; 512];
            match self.stream.read(&mut bytes).await {
                Ok(0) | Err(_) => return said,
                Ok(count) => self.unread.extend(&bytes[..count]),
            }
        }
    }
}

fn commands(said: &[Vec<u8>]) -> Vec<[u8; 2]> {
    said.iter().map(|message| [message[0], message[1]]).collect()
}

const APPROVED: &[[u8; 2]] = &[
    [0x80, 0x00],
    [0x04, 0xFF],
    [0x04, 0xFF],
    [0x04, 0xFF],
    [0x04, 0x0F],
    [0x06, 0xD3],
    [0x06, 0xD3],
    [0x06, 0x0F],
];

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_over_tcp_is_in_the_ledger_and_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::tcp(Framing::Stream, dir.path()).await;
    let mut till = bench.connect().await;
    assert_eq!(commands(&till.command(REGISTER).await), [[0x80, 0x00], [0x06, 0x0F]]);
    assert_eq!(commands(&till.command(PAY).await), APPROVED);
    assert_eq!(bench.terminal.state()["ledger"]["net_minor"], 2500);
    let file: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.path().join("terminal.json")).unwrap()).unwrap();
    assert_eq!(file["transactions"][0]["state"], "booked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_lost_after_the_result_is_seen_and_the_next_connection_hears_the_truth() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::tcp(Framing::Stream, dir.path()).await;
    let mut till = bench.connect().await;
    till.command(REGISTER).await;
    bench.act("lose-link after-result");
    let said = till.command(PAY).await;
    assert_eq!(commands(&said).last().unwrap(), &[0x04, 0x0F], "the result arrives, and then nothing");

    until(&bench.terminal, |state| state["ledger"]["transactions"][0]["state"] == "reversed").await;
    let mut till = bench.connect().await;
    till.command(REGISTER).await;
    until(&bench.terminal, |state| state["phase"] == "idle").await;
    let said = till.command(REPEAT).await;
    assert_eq!(said[1][3..5], [0x27, 0xB4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_lost_before_the_acknowledge_leaves_no_trace_and_the_next_connection_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::tcp(Framing::Stream, dir.path()).await;
    let mut till = bench.connect().await;
    till.command(REGISTER).await;
    let result = till.command(PAY).await.swap_remove(4);
    for down in ["", " 50"] {
        bench.act(&format!("lose-link before-ack{down}"));
        assert_eq!(till.command(PAY).await, Vec::<Vec<u8>>::new(), "the end of the stream and not one byte");
        till = bench.connect().await;
        assert_eq!(commands(&till.command(REGISTER).await), [[0x80, 0x00], [0x06, 0x0F]]);
        assert_eq!(till.command(STATUS).await[1].last(), Some(&0x00), "ready");
        assert_eq!(till.command(REPEAT).await[1], result, "the payment before it");
        assert_eq!(bench.terminal.state()["ledger"]["transactions_total"], 1);
    }
    till.command(PAY).await;
    assert_eq!(bench.terminal.state()["ledger"]["net_minor"], 5000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_terminal_knows_survives_its_restart() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::tcp(Framing::LengthPrefixed, dir.path()).await;
    bench.stop().await;

    let bench = Bench::tcp(Framing::Stream, dir.path()).await;
    let mut till = bench.connect().await;
    till.command(REGISTER).await;
    let result = till.command(PAY).await.swap_remove(4);
    drop(till);
    bench.stop().await;

    let bench = Bench::tcp(Framing::Stream, dir.path()).await;
    assert_eq!(bench.terminal.state()["ledger"]["net_minor"], 2500);
    let mut till = bench.connect().await;
    till.command(REGISTER).await;
    assert_eq!(till.command(REPEAT).await[1], result);
    till.command(PAY).await;
    assert_eq!(bench.terminal.state()["ledger"]["transactions"][1]["receipt"]["receipt"], 2);
    assert_eq!(bench.terminal.state()["ledger"]["net_minor"], 5000);
}

#[tokio::test(flavor = "multi_thread")]
async fn slips_and_results_tell_the_local_time_of_the_machine() {
    const ZONE: &str = "Asia/Kathmandu";
    let dir = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_sim"));
    command.args([
        "run",
        "--terminal-card-ms",
        "5",
        "--terminal-pin-ms",
        "5",
        "--terminal-host-ms",
        "5",
        "--dir",
    ]);
    command.arg(dir.path()).env("TZ", ZONE).stdout(Stdio::piped()).kill_on_drop(true);
    let mut running = command.spawn().unwrap();
    let mut ready = BufReader::new(running.stdout.take().unwrap()).lines();
    let ready = timeout(LIMIT, ready.next_line()).await.unwrap().unwrap().unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let mut till = Till::connect(ready["terminal"].as_str().unwrap()).await;
    till.command(REGISTER).await;
    let said = till.command(PAY).await;
    assert_eq!(commands(&said), APPROVED);

    let book: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.path().join("terminal.json")).unwrap()).unwrap();
    let at = Timestamp::from_second(book["transactions"][0]["at"].as_i64().unwrap()).unwrap();
    let [there, utc] = [ZONE, "UTC"].map(|zone| at.in_tz(zone).unwrap().strftime("%H:%M:%S").to_string());
    for slip in said.iter().filter(|message| message[..2] == [0x06, 0xD3]) {
        let text = String::from_utf8_lossy(slip);
        assert!(text.contains(&there) && !text.contains(&utc), "{there} and not {utc}: {text}");
    }
    let digits = hex(&format!("0C {}", there.replace(':', " ")));
    assert!(said[4].windows(4).any(|four| four == digits), "field 0C of the result: {:02X?}", said[4]);
}

/// A till on a serial line. Its calls block and run on a thread of their own.
struct SerialTill {
    tty: Tty,
    lrc: bool,
}

impl SerialTill {
    fn checksum(&self, message: &[u8]) -> Vec<u8> {
        let covered: Vec<u8> = message.iter().copied().chain([0x03]).collect();
        if self.lrc {
            return vec![covered.iter().fold(0, |sum, byte| sum ^ byte)];
        }
        let mut crc = 0_u16;
        for byte in covered {
            crc ^= u16::from(byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0x8408 } else { crc >> 1 };
            }
        }
        crc.to_le_bytes().to_vec()
    }

    fn frame(&self, message: &[u8]) -> Vec<u8> {
        let doubled =
            message.iter().flat_map(|byte| std::iter::repeat_n(*byte, if *byte == 0x10 { 2 } else { 1 }));
        let frame: Vec<u8> = [0x10, 0x02].into_iter().chain(doubled).chain([0x10, 0x03]).collect();
        [frame, self.checksum(message)].concat()
    }

    /// Sends until the link says that it has arrived.
    async fn send(&mut self, message: &[u8]) {
        let frame = self.frame(message);
        self.tty.send(&frame).await;
        while self.read_link_answer().await != 0x06 {
            self.tty.send(&frame).await;
        }
    }

    async fn read_link_answer(&mut self) -> u8 {
        if self.lrc {
            assert_eq!(self.tty.receive(1).await, [0x10]);
        }
        self.tty.receive(1).await[0]
    }

    /// Reads frames until one is right, and acknowledges it.
    async fn read(&mut self) -> Vec<u8> {
        loop {
            assert_eq!(self.tty.receive(2).await, [0x10, 0x02]);
            let mut message = Vec::new();
            loop {
                let byte = self.tty.receive(1).await[0];
                if byte == 0x10 && self.tty.receive(1).await[0] == 0x03 {
                    break;
                }
                message.push(byte);
            }
            let right = self.checksum(&message);
            let sum = self.tty.receive(right.len()).await;
            let answer = if sum == right { 0x06 } else { 0x15 };
            let answer = if self.lrc { vec![0x10, answer] } else { vec![answer] };
            self.tty.send(&answer).await;
            if sum == right {
                return message;
            }
        }
    }

    async fn command(&mut self, command: &str) -> Vec<Vec<u8>> {
        self.send(&hex(command)).await;
        let mut said = Vec::new();
        loop {
            let message = self.read().await;
            if message[0] != 0x80 && message[0] != 0x84 {
                self.send(&[0x80, 0, 0]).await;
            }
            let ends = is_end(&message);
            said.push(message);
            if ends {
                return said;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_over_a_serial_line_works_with_either_checksum() {
    for (framing, lrc) in [(Framing::Crc, false), (Framing::Lrc, true)] {
        let dir = tempfile::tempdir().unwrap();
        let bench = Bench::pty(framing, dir.path());
        let mut till = SerialTill { tty: open_tty(Path::new(&bench.endpoint)), lrc };
        till.command(REGISTER).await;
        assert_eq!(commands(&till.command(PAY).await), APPROVED);
        assert_eq!(bench.terminal.state()["ledger"]["net_minor"], 2500);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_and_refused_frames_are_repeated_and_nothing_is_charged_twice() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::pty(Framing::Crc, dir.path());
    let mut till = SerialTill { tty: open_tty(Path::new(&bench.endpoint)), lrc: false };
    till.command(REGISTER).await;
    bench.act("nak 2");
    bench.act("bad-crc 3");
    assert_eq!(commands(&till.command(PAY).await), APPROVED);
    let state = bench.terminal.state();
    assert_eq!((&state["faults"], &state["ledger"]["transactions_total"]), (&json!([]), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serial_link_that_breaks_hangs_up_and_comes_back_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::pty(Framing::Crc, dir.path());
    let path = PathBuf::from(&bench.endpoint);
    let mut till = SerialTill { tty: open_tty(&path), lrc: false };
    till.command(REGISTER).await;
    bench.act("lose-link after-answer");
    till.send(&hex(PAY)).await;
    assert_eq!(till.read().await[..2], [0x80, 0x00]);
    for _ in 0..3 {
        assert_eq!(till.read().await[..2], [0x04, 0xFF]);
        till.send(&[0x80, 0, 0]).await;
    }
    assert_eq!(till.read().await[..2], [0x04, 0x0F]);
    // The link answer to this one goes down with the link.
    let answer = till.frame(&[0x80, 0, 0]);
    till.tty.send(&answer).await;
    assert!(till.tty.hung_up().await);
    drop(till);

    until(&bench.terminal, |state| state["connected"] == false).await;
    let mut till = SerialTill { tty: open_tty(&path), lrc: false };
    till.command(REGISTER).await;
    let said = till.command(REPEAT).await;
    assert_eq!(said[1][3..5], [0x27, 0x00], "the till had taken it");
    assert_eq!(bench.terminal.state()["ledger"]["net_minor"], 2500);
}
