//! A scripted printer on the other end of an in-memory pipe. It knows just enough of the protocol to answer; the real
//! emulator with paper and all faults lives in its own crate.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::link::Link;

/// What the printer does and has seen; shared with the test.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// Answers to `DLE EOT 1` to `4`; all fine when empty.
    pub(super) real_time: Option<[u8; 4]>,
    /// Says nothing at all.
    pub(super) mute: bool,
    /// Answers only after this time.
    pub(super) late: std::time::Duration,
    /// Leaves process ids and fences unanswered.
    pub(super) forgets_ids: bool,
    /// Answers every process id with this one.
    pub(super) wrong_id: Option<[u8; 4]>,
    /// Reports this by itself once a process id or fence arrives, instead of answering it.
    pub(super) report_at_end: Option<[u8; 4]>,
    /// Stops reading once it has seen this many bytes in all.
    pub(super) stalls_at: Option<usize>,
    /// Hangs up once it has seen this many bytes in all.
    pub(super) hangs_up_at: Option<usize>,
    /// Reports this by itself after a drawer pulse.
    pub(super) report_at_pulse: Option<[u8; 4]>,
    /// From a drawer pulse on answers `DLE EOT 1` with this.
    pub(super) status_after_pulse: Option<u8>,
    /// Everything received.
    pub(super) seen: Vec<u8>,
    /// Process ids asked for.
    pub(super) ids: Vec<[u8; 4]>,
    /// Drawer pulses seen.
    pub(super) pulses: usize,
    /// Times automatic status was switched on.
    pub(super) auto_status_on: usize,
    /// `DLE EOT n` seen.
    pub(super) asked: Vec<u8>,
}

/// The test's handle on the printer.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    script: Arc<Mutex<Script>>,
    say: tokio::sync::mpsc::Sender<Vec<u8>>,
}

impl Peer {
    /// A printer following `script`, and the link to it.
    pub(super) fn start(script: Script) -> (Self, Link) {
        let (ours, theirs) = tokio::io::duplex(256);
        let (say, heard) = tokio::sync::mpsc::channel(16);
        let script = Arc::new(Mutex::new(script));
        tokio::spawn(serve(theirs, Arc::clone(&script), heard));
        (Self { script, say }, Link::over(ours, "scripted printer"))
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// Makes the printer say something out of turn.
    pub(super) async fn say(&self, bytes: &[u8]) {
        self.say.send(bytes.to_vec()).await.unwrap();
    }

    pub(super) fn saw(&self, wanted: &[u8]) -> bool {
        self.script().seen.windows(wanted.len()).any(|window| window == wanted)
    }
}

async fn serve(
    mut stream: DuplexStream,
    script: Arc<Mutex<Script>>,
    mut heard: tokio::sync::mpsc::Receiver<Vec<u8>>,
) {
    let mut unread = Vec::new();
    let mut buffer = [0; 64];
    loop {
        let (stalled, hung_up) = {
            let script = script.lock().unwrap();
            let seen = script.seen.len();
            (script.stalls_at.is_some_and(|at| seen >= at), script.hangs_up_at.is_some_and(|at| seen >= at))
        };
        if hung_up {
            return;
        }
        tokio::select! {
            read = stream.read(&mut buffer), if !stalled => match read {
                Ok(0) | Err(_) => return,
                Ok(n) => {
                    unread.extend_from_slice(&buffer[..n]);
                    let (answers, late) = {
                        let mut script = script.lock().unwrap();
                        script.seen.extend_from_slice(&buffer[..n]);
                        (answer(&mut script, &mut unread), script.late)
                    };
                    tokio::time::sleep(late).await;
                    if stream.write_all(&answers).await.is_err() {
                        return;
                    }
                }
            },
            said = heard.recv() => match said {
                None => return,
                Some(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
            },
        }
    }
}

/// Takes whole commands from the front of `unread`, everything else byte by byte.
fn answer(script: &mut Script, unread: &mut Vec<u8>) -> Vec<u8> {
    let mut answers = Vec::new();
    let mut from = 0;
    while from < unread.len() {
        let rest = &unread[from..];
        let (taken, said) = match rest {
            [0x10, 0x04, n, ..] => {
                script.asked.push(*n);
                let bytes = script.real_time.unwrap_or([0x12; 4]);
                let byte = match (n, script.status_after_pulse) {
                    (1, Some(byte)) if script.pulses > 0 => byte,
                    _ => bytes[usize::from(*n - 1)],
                };
                (3, vec![byte])
            }
            [0x1D, 0x61, 0x0F, ..] => {
                script.auto_status_on += 1;
                (3, vec![])
            }
            [0x1D, 0x49, n, ..] => (3, [&[0x5F][..], &[b'0' + (n % 16)], b"-id\0"].concat()),
            [0x1D, 0x28, 0x48, 6, 0, 0x30, 0x30, a, b, c, d, ..] => {
                let id = [*a, *b, *c, *d];
                script.ids.push(id);
                let id = script.wrong_id.unwrap_or(id);
                (11, end_of_job(script, &[&[0x37, 0x22][..], &id, &[0]].concat()))
            }
            [0x1D, 0x72, 0x01, ..] => (3, end_of_job(script, &[0x00])),
            [0x1B, 0x70, _, _, _, ..] => {
                script.pulses += 1;
                (5, script.report_at_pulse.map_or(vec![], |report| report.to_vec()))
            }
            // A command that has only half arrived waits for the rest.
            [0x10 | 0x1D | 0x1B, ..] if rest.len() < 11 && is_start(rest) => break,
            _ => (1, vec![]),
        };
        from += taken;
        if !script.mute {
            answers.extend(said);
        }
    }
    unread.drain(..from);
    answers
}

fn end_of_job(script: &Script, answer: &[u8]) -> Vec<u8> {
    match script.report_at_end {
        Some(report) => report.to_vec(),
        None if script.forgets_ids => vec![],
        None => answer.to_vec(),
    }
}

fn is_start(rest: &[u8]) -> bool {
    const COMMANDS: [&[u8]; 6] = [
        &[0x10, 0x04, 0x00],
        &[0x1D, 0x61, 0x0F],
        &[0x1D, 0x49, 0x00],
        &[0x1D, 0x28, 0x48, 6, 0, 0x30, 0x30, 0, 0, 0, 0],
        &[0x1D, 0x72, 0x01],
        &[0x1B, 0x70, 0, 0, 0],
    ];
    COMMANDS.iter().any(|command| {
        let fixed = if command.len() == 11 { 7 } else { 2 };
        rest.len() < command.len() && rest.iter().take(fixed).zip(*command).all(|(a, b)| a == b)
    })
}
