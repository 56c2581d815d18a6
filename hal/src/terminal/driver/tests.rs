//! The driver against a scripted terminal over TCP, a pseudo terminal, and a pipe with time that can be moved.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;
use crate::link::Endpoint;
use crate::terminal::codec::apdu;
use crate::terminal::codec::captures::bytes;
use crate::terminal::event::{Intermediate, ResultAnswer, Sent};
use crate::terminal::framing::{Framer, Inbound};
use crate::terminal::profile::Framing;

const APPROVED: &str = "04 0F 17 27 00 04 000000002500 49 0978 0B 000975 87 0231 88 000044";
const OK: &str = "80 00 00";
const DONE: &str = "06 0F 00";

/// Far longer than anything here takes; only a hang reaches it.
const LIMIT: Duration = Duration::from_secs(20);

/// The terminal at the other end of a stream without framing.
struct Peer<S> {
    stream: S,
    heard: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    fn new(stream: S) -> Self {
        Self { stream, heard: Vec::new() }
    }

    /// The next message of the till; its first two bytes are usually enough.
    async fn hears(&mut self, control: &str) {
        let message = loop {
            if let Some((header, length)) = apdu::header(&self.heard)
                && self.heard.len() >= header + length
            {
                break self.heard.drain(..header + length).collect::<Vec<_>>();
            }
            let read = self.stream.read_buf(&mut self.heard).await.unwrap();
            assert!(read > 0, "the till closed instead of sending {control}");
        };
        assert_eq!(message[..2], bytes(control)[..2], "instead of {control}");
    }

    async fn says(&mut self, hex: &str) {
        self.stream.write_all(&bytes(hex)).await.unwrap();
    }

    async fn registers(&mut self) {
        self.hears("06 00").await;
        self.says(OK).await;
        self.says("06 0F 07 29 52523535 19 00").await;
        self.hears(OK).await;
    }

    /// Asked for its state and its last transaction, tells of an approved one.
    async fn remembers_the_sale(&mut self) {
        self.hears("05 01").await;
        self.says("80 00 00 06 0F 01 00").await;
        self.hears(OK).await;
        self.hears("06 20").await;
        self.says(&format!("80 00 00 {APPROVED}")).await;
        self.hears(OK).await;
        self.says(DONE).await;
        self.hears(OK).await;
    }
}

/// A driver and its terminal over a pipe, registered.
async fn over_pipe() -> (ZvtTerminal, Peer<DuplexStream>) {
    let (till, terminal) = tokio::io::duplex(4096);
    let mut peer = Peer::new(terminal);
    let link = Link::over(till, "pipe");
    let (connected, ()) =
        tokio::join!(ZvtTerminal::connect(link, TerminalSettings::standard()), peer.registers());
    let (terminal, registration) = connected.unwrap();
    assert_eq!(registration.terminal_id, Some(52_523_535));
    (terminal, peer)
}

fn charge() -> ChargeRequest {
    ChargeRequest { amount: Money::eur(2500) }
}

async fn next(terminal: &mut ZvtTerminal) -> TerminalEvent {
    timeout(LIMIT, terminal.next_event()).await.unwrap().unwrap()
}

/// A charge from start to completion, as an actor does it.
async fn sell(terminal: &mut ZvtTerminal) {
    terminal.start_charge(charge()).await.unwrap();
    assert_eq!(next(terminal).await, TerminalEvent::Started(CommandKind::Charge));
    assert!(matches!(next(terminal).await, TerminalEvent::Intermediate(_)));
    assert!(matches!(next(terminal).await, TerminalEvent::Result(result) if result.approved));
    terminal.accept_result().await.unwrap();
    let end = TerminalEvent::Completed { command: CommandKind::Charge, answer: ResultAnswer::Accepted };
    assert_eq!(next(terminal).await, end);
    assert!(terminal.is_idle());
}

#[tokio::test]
async fn a_sale_runs_over_tcp_and_the_terminal_remembers_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint: Endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
    let script = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut peer = Peer::new(stream);
        peer.says("00 00 00 3E 56 45 52 20 32 2E 30 39 20 41 50 50").await;
        peer.registers().await;
        peer.hears("06 01").await;
        peer.says(OK).await;
        peer.says("04 FF 01 0A").await;
        peer.hears(OK).await;
        peer.says(APPROVED).await;
        peer.hears(OK).await;
        peer.says(DONE).await;
        peer.hears(OK).await;
        peer.remembers_the_sale().await;
    };
    let till = async {
        let link = Link::open(&endpoint, LIMIT).await.unwrap();
        let (mut terminal, _) = ZvtTerminal::connect(link, TerminalSettings::standard()).await.unwrap();
        sell(&mut terminal).await;
        let LastAnswer::Found { transaction, .. } = terminal.query_last().await.unwrap() else {
            panic!("nothing found")
        };
        assert_eq!((transaction.trace, transaction.receipt_no), (Some(975), Some(231)));
        assert_eq!(terminal.counters().garbage_bytes, 16);
    };
    timeout(LIMIT, async { tokio::join!(script, till) }).await.unwrap();
}

/// The terminal on the controlling side of a pseudo terminal, with real frames. Runs in a thread of its own.
struct SerialPeer {
    file: std::fs::File,
    framer: Framer,
    started: std::time::Instant,
}

impl SerialPeer {
    fn hears(&mut self, control: &str) {
        loop {
            while let Some(inbound) = self.framer.next() {
                if let Inbound::Message(message) = inbound {
                    assert_eq!(message.encode()[..2], bytes(control)[..2], "instead of {control}");
                    return;
                }
            }
            let mut buffer = [0; 256];
            let read = io::Read::read(&mut self.file, &mut buffer).unwrap();
            self.framer.on_bytes(self.started.elapsed(), &buffer[..read]);
            self.flush();
        }
    }

    fn says(&mut self, hex: &str) {
        self.framer.send(self.started.elapsed(), &apdu::Apdu::decode(&bytes(hex)).unwrap());
        self.flush();
    }

    fn flush(&mut self) {
        io::Write::write_all(&mut self.file, self.framer.output()).unwrap();
        self.framer.written(self.framer.output().len());
    }
}

#[tokio::test]
async fn a_sale_runs_over_a_serial_line() {
    for framing in [Framing::SerialCrc, Framing::SerialLrc] {
        let pty = nix::pty::openpty(None, None).unwrap();
        let path = nix::unistd::ttyname(&pty.slave).unwrap();
        let endpoint: Endpoint = format!("serial://{}?baud=9600&stop=2", path.display()).parse().unwrap();
        let settings = TerminalSettings { framing, ..TerminalSettings::standard() };
        let link = Link::open(&endpoint, LIMIT).await.unwrap();
        let mut peer = SerialPeer {
            file: std::fs::File::from(pty.master),
            framer: Framer::new(framing, &settings.profile.timers),
            started: std::time::Instant::now(),
        };
        let script = tokio::task::spawn_blocking(move || {
            peer.hears("06 00");
            peer.says(OK);
            peer.says("06 0F 02 19 00");
            peer.hears(OK);
            peer.hears("06 01");
            peer.says(OK);
            peer.says("04 FF 01 0A");
            peer.hears(OK);
            peer.says(APPROVED);
            peer.hears(OK);
            peer.says(DONE);
            peer.hears(OK);
        });
        let (mut terminal, _) = timeout(LIMIT, ZvtTerminal::connect(link, settings)).await.unwrap().unwrap();
        timeout(LIMIT, sell(&mut terminal)).await.unwrap();
        timeout(LIMIT, script).await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_loses_nothing() {
    let (mut terminal, mut peer) = over_pipe().await;
    terminal.start_charge(charge()).await.unwrap();
    peer.hears("06 01").await;
    let told = bytes(&format!("80 00 00 04 FF 01 0A {APPROVED}"));
    let mut events = Vec::new();
    for byte in told {
        peer.stream.write_all(&[byte]).await.unwrap();
        // The call is given up again and again while bytes are on the way.
        while let Ok(event) = timeout(Duration::from_millis(1), terminal.next_event()).await {
            events.push(event.unwrap());
        }
    }
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(matches!(&events[2], TerminalEvent::Result(result) if result.trace == Some(975)));
    terminal.accept_result().await.unwrap();
    peer.hears(OK).await;
    peer.hears(OK).await;
}

#[tokio::test]
async fn a_connection_closed_in_a_charge_is_told_once_with_how_far_it_had_come() {
    let (mut terminal, mut peer) = over_pipe().await;
    terminal.start_charge(charge()).await.unwrap();
    peer.hears("06 01").await;
    peer.says(OK).await;
    assert_eq!(next(&mut terminal).await, TerminalEvent::Started(CommandKind::Charge));
    drop(peer);
    let lost = terminal.next_event().await.unwrap_err();
    let TerminalError::Lost { loss, source } = lost else { panic!("{lost:?}") };
    assert_eq!((loss.command, loss.sent), (Some(CommandKind::Charge), Sent::Acknowledged));
    assert_eq!(loss.cause, LossCause::LinkClosed);
    assert!(matches!(source, Some(LinkError::Closed { .. })));
    assert!(matches!(terminal.next_event().await, Err(TerminalError::NotReady)));
    assert!(matches!(terminal.start_charge(charge()).await, Err(TerminalError::NotReady)));
    assert!(matches!(terminal.accept_result().await, Err(TerminalError::NothingToAnswer)));
}

#[tokio::test]
async fn a_connection_closed_before_a_charge_means_that_nothing_was_sent() {
    let (mut terminal, peer) = over_pipe().await;
    drop(peer);
    assert!(matches!(terminal.start_charge(charge()).await, Err(TerminalError::NotReady)));
    let lost = terminal.next_event().await.unwrap_err();
    assert!(matches!(lost, TerminalError::Lost { loss, .. } if loss.sent == Sent::NothingSent));
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_answers_nothing_is_lost_after_t3() {
    let (mut terminal, mut peer) = over_pipe().await;
    let before = Instant::now();
    terminal.start_charge(charge()).await.unwrap();
    peer.hears("06 01").await;
    let lost = terminal.next_event().await.unwrap_err();
    assert_eq!(before.elapsed().as_secs(), 5);
    let TerminalError::Lost { loss, .. } = lost else { panic!("{lost:?}") };
    assert_eq!((loss.sent, loss.cause), (Sent::MaybeSent, LossCause::NoAnswer));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_takes_no_bytes_is_lost_after_its_limit() {
    let (till, _terminal) = tokio::io::duplex(4);
    let before = Instant::now();
    let connected = ZvtTerminal::connect(Link::over(till, "jam"), TerminalSettings::standard()).await;
    assert_eq!(before.elapsed(), WRITE_LIMIT);
    let Err(TerminalError::Lost { loss, .. }) = connected else { panic!("it was connected") };
    assert_eq!((loss.sent, loss.cause), (Sent::MaybeSent, LossCause::WriteStalled));
}

#[tokio::test]
async fn a_busy_terminal_refuses_the_registration() {
    let (till, terminal) = tokio::io::duplex(64);
    let mut peer = Peer::new(terminal);
    let script = async {
        peer.hears("06 00").await;
        peer.says("84 9C 00").await;
    };
    let connect = ZvtTerminal::connect(Link::over(till, "busy"), TerminalSettings::standard());
    let (connected, ()) = tokio::join!(connect, script);
    let refused = TerminalError::Refused { command: CommandKind::Register, code: 0x9C };
    assert_eq!(connected.err().unwrap().to_string(), refused.to_string());
}

#[tokio::test]
async fn what_happens_during_a_question_is_handed_out_afterwards() {
    let (mut terminal, mut peer) = over_pipe().await;
    let script = async {
        peer.hears("05 01").await;
        peer.says("80 00 00 04 FF 01 C9 06 0F 01 51").await;
    };
    let (report, ()) = tokio::join!(terminal.status(), script);
    assert_eq!(report.unwrap().condition, Condition::NeedsInitialisation);
    let event = next(&mut terminal).await;
    assert!(matches!(event, TerminalEvent::Intermediate(Intermediate { code: 0xC9, .. })));
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_dropped_question_comes_as_an_event_and_is_not_taken_for_the_next() {
    let (mut terminal, mut peer) = over_pipe().await;
    assert!(timeout(Duration::from_secs(1), terminal.status()).await.is_err());
    peer.hears("05 01").await;
    assert!(matches!(terminal.status().await, Err(TerminalError::InUse { .. })));
    peer.says("80 00 00 06 0F 01 51").await;
    let script = async {
        peer.hears(OK).await;
        peer.hears("05 01").await;
        peer.says("80 00 00 06 0F 01 00").await;
    };
    let (report, ()) = tokio::join!(terminal.status(), script);
    assert_eq!(report.unwrap().condition, Condition::Ready);
    assert_eq!(next(&mut terminal).await, TerminalEvent::Started(CommandKind::Status));
    let old = next(&mut terminal).await;
    assert!(
        matches!(old, TerminalEvent::Status(report) if report.condition == Condition::NeedsInitialisation)
    );
}

#[tokio::test]
async fn a_busy_terminal_is_not_asked_for_its_last_transaction() {
    let (mut terminal, mut peer) = over_pipe().await;
    let script = async {
        peer.hears("05 01").await;
        peer.says("80 00 00 06 0F 01 9C").await;
        peer.hears(OK).await;
    };
    let (answer, ()) = tokio::join!(terminal.query_last(), script);
    assert_eq!(answer.unwrap(), LastAnswer::Busy);
}

#[tokio::test]
async fn a_terminal_without_a_status_enquiry_is_asked_all_the_same() {
    let (mut terminal, mut peer) = over_pipe().await;
    let script = async {
        peer.hears("05 01").await;
        peer.says("84 83 00").await;
        peer.hears("06 20").await;
        peer.says("80 00 00 06 0F 00").await;
        peer.hears(OK).await;
    };
    let (answer, ()) = tokio::join!(terminal.query_last(), script);
    assert_eq!(answer.unwrap(), LastAnswer::Empty { receipts: vec![] });
}

#[tokio::test]
async fn refused_goods_end_reversed() {
    let (mut terminal, mut peer) = over_pipe().await;
    let script = async {
        peer.hears("06 01").await;
        peer.says(&format!("80 00 00 {APPROVED}")).await;
        peer.hears("84 66").await;
        peer.says("06 1E 01 05").await;
        peer.hears(OK).await;
    };
    let till = async {
        terminal.start_charge(charge()).await.unwrap();
        assert!(matches!(next(&mut terminal).await, TerminalEvent::Started(_)));
        assert!(matches!(next(&mut terminal).await, TerminalEvent::Result(_)));
        terminal.refuse_goods().await.unwrap();
        assert!(matches!(next(&mut terminal).await, TerminalEvent::Reversed(_)));
    };
    tokio::join!(script, till);
}

/// The trait is what an actor is written against, so it must be usable from a task that moves between threads.
#[tokio::test]
async fn an_actor_can_drive_any_terminal_from_a_task_of_its_own() {
    async fn actor(mut terminal: impl PaymentTerminal) -> Result<TerminalEvent, TerminalError> {
        terminal.start_charge(ChargeRequest { amount: Money::eur(1) }).await?;
        terminal.next_event().await
    }
    let (terminal, mut peer) = over_pipe().await;
    let task = tokio::spawn(actor(terminal));
    peer.hears("06 01").await;
    peer.says("84 9C 00").await;
    let refused = TerminalEvent::Refused { command: CommandKind::Charge, code: 0x9C };
    assert_eq!(timeout(LIMIT, task).await.unwrap().unwrap().unwrap(), refused);
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_only_goes_on_talking_keeps_no_question_waiting_for_ever() {
    let (mut terminal, mut peer) = over_pipe().await;
    let asked = Instant::now();
    let talk = async {
        peer.hears("05 01").await;
        peer.says(OK).await;
        loop {
            peer.says("04 FF 01 0E").await;
            peer.hears(OK).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let error = tokio::select! {
        answer = terminal.query_last() => answer.unwrap_err(),
        () = talk => unreachable!("it talks without end"),
    };
    assert!(
        matches!(&error, TerminalError::Lost { loss, .. } if loss.cause == LossCause::NoEnd),
        "{error:?}"
    );
    assert!(asked.elapsed() <= QUESTION_LIMIT + Duration::from_secs(1));
    assert!(matches!(terminal.query_last().await, Err(TerminalError::NotReady)), "the session is over");
}

/// Half an approval, then the terminal gives up without a readable result: the session is idle and can be asked.
#[tokio::test(start_paused = true)]
async fn after_half_a_result_and_an_end_the_terminal_can_be_asked_on_the_same_link() {
    let (mut terminal, mut peer) = over_pipe().await;
    let script = async {
        peer.hears("06 01").await;
        peer.says(OK).await;
        peer.says("04 0F 17 27 00 04 000000002500").await;
        // Longer than the rest of a message may take.
        tokio::time::sleep(Duration::from_secs(5)).await;
        peer.says("06 1E 01 6C").await;
        peer.hears(OK).await;
        peer.remembers_the_sale().await;
    };
    let till = async {
        terminal.start_charge(charge()).await.unwrap();
        assert_eq!(next(&mut terminal).await, TerminalEvent::Started(CommandKind::Charge));
        let end = next(&mut terminal).await;
        assert!(
            matches!(&end, TerminalEvent::Aborted { answer: ResultAnswer::Unanswered, .. }),
            "what was lost may have been an approval: {end:?}"
        );
        assert!(terminal.is_idle());
        assert!(matches!(terminal.query_last().await.unwrap(), LastAnswer::Found { .. }));
    };
    timeout(LIMIT, async { tokio::join!(script, till) }).await.unwrap();
}
