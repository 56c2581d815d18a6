//! One visitor's socket, from hello to goodbye.
//!
//! Reading and writing run side by side in one task: the reader feeds inputs and acknowledgements, the writer sends
//! what is new whenever the last frame was acknowledged. Whoever ends first ends the session.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Shared;
use super::door::{Admission, Credential, Refusal, Role, SocketId};
use super::wire::{ClientMessage, FRAME_BUDGET_PX, ServerMessage, VERSION, Why, encode_frame};
use crate::backend::hub::{ScreenInfo, Subscription};
use crate::backend::input::{Input, InputEvent, KeyAction, Origin, TouchPhase};
use crate::backend::keys::Key;

/// The first message must be a hello, and soon: nobody holds a place without showing a secret.
const HELLO_LIMIT: Duration = Duration::from_secs(2);
/// How often a silent visitor is asked for a sign of life.
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// Three unanswered pings: the visitor is gone. Every frame counts, so that one who only looks may stay.
const SILENCE_LIMIT: Duration = Duration::from_secs(45);
/// A message that cannot be sent within this time has no reader any more.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// For the last word and the closing handshake.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);
/// Keys a visitor can hold; hands have ten fingers.
const MAX_HELD_KEYS: usize = 16;

type Sink = SplitSink<WebSocket, Message>;
type Stream = SplitStream<WebSocket>;

/// Why a session ends without a word: the socket is gone.
struct Gone;

/// Holds the conversation with one visitor.
pub(super) async fn run(shared: &Shared, id: SocketId, socket: WebSocket) {
    let (mut sink, mut stream) = socket.split();
    let why = match greet(shared, id, &mut stream).await {
        Ok(admission) => {
            tracing::info!(role = ?admission.role, "a visitor looks into the mirror");
            let why = converse(shared, id, admission, &mut sink, &mut stream).await;
            shared.door().leave(shared.clock.now(), id);
            tracing::info!(?why, "a visitor left the mirror");
            why
        }
        Err(why) => Some(why),
    };
    if let Some(why) = why {
        let bye = async {
            send(&mut sink, &ServerMessage::Bye { why }).await?;
            sink.close().await.map_err(|_| Gone)?;
            // A socket that is closed with something unread in it takes the goodbye back.
            while stream.next().await.is_some_and(|message| message.is_ok()) {}
            Ok::<_, Gone>(())
        };
        // Whoever does not listen to the goodbye is gone as well.
        timeout(GOODBYE_LIMIT, bye).await.ok();
    }
}

/// Waits for the hello and judges it.
async fn greet(shared: &Shared, id: SocketId, stream: &mut Stream) -> Result<Admission, Why> {
    let first = timeout(HELLO_LIMIT, next_text(stream)).await;
    let Ok(Ok(first)) = first else { return Err(Why::Token) };
    let Ok(ClientMessage::Hello { v, token, resume }) = serde_json::from_str(&first) else {
        shared.door().note_bad_hello(shared.clock.now());
        return Err(Why::Token);
    };
    if v != VERSION {
        return Err(Why::Version);
    }
    let credential = match (&resume, &token) {
        (Some(secret), _) => Credential::Resume(secret),
        (None, Some(token)) => Credential::Token(token),
        (None, None) => Credential::Token(""),
    };
    let admission = shared.door().admit(shared.clock.now(), id, credential);
    shared.seats.send_replace(());
    admission.map_err(|refusal| match refusal {
        Refusal::Token => Why::Token,
        Refusal::Busy => Why::Busy,
    })
}

/// Talks until somebody has enough; `None` if the visitor is simply gone.
async fn converse(
    shared: &Shared,
    id: SocketId,
    admission: Admission,
    sink: &mut Sink,
    stream: &mut Stream,
) -> Option<Why> {
    let origin = Origin::new();
    let Ok(subscription) = shared.hub.subscribe(origin) else { return Some(Why::Busy) };
    let flow = Flow::default();
    let mut hands = Hands { shared, origin, role: admission.role, held: Vec::new() };
    let (mut stopped, mut seats) = (shared.stop.subscribe(), shared.seats.subscribe());
    tokio::select! {
        why = read(shared, id, &flow, &mut hands, stream) => why,
        Gone = write(shared, &flow, &admission, subscription, sink) => None,
        // An error means that the mirror itself is gone.
        _ = stopped.wait_for(|stop| *stop) => Some(Why::Closed),
        // Another socket resumed this seat, for example a second tab.
        _ = seats.wait_for(|()| !shared.door().holds(id)) => Some(Why::Closed),
    }
}

/// What the reader tells the writer.
#[derive(Default)]
struct Flow {
    /// The frame that the visitor has painted last; several futures of the writer wait for it.
    acknowledged: watch::Sender<u32>,
    /// Holds one permit: the visitor wants to start over with a full picture.
    restart: Notify,
}

impl Flow {
    fn acknowledge(&self, seq: u32) {
        self.acknowledged.send_replace(seq);
    }

    /// Waits until frame `seq` was acknowledged. Cancel-safe.
    async fn acknowledged(&self, seq: u32) {
        let mut acknowledged = self.acknowledged.subscribe();
        // Cannot fail: the sender is in `self`.
        acknowledged.wait_for(|painted| *painted == seq).await.ok();
    }
}

async fn read(
    shared: &Shared,
    id: SocketId,
    flow: &Flow,
    hands: &mut Hands<'_>,
    stream: &mut Stream,
) -> Option<Why> {
    loop {
        let Ok(text) = next_text(stream).await else { return None };
        let Ok(message) = serde_json::from_str::<ClientMessage>(&text) else { return Some(Why::Closed) };
        match message {
            ClientMessage::Ack { seq } => flow.acknowledge(seq),
            ClientMessage::Hello { v: VERSION, resume, .. } => {
                let secret = resume.unwrap_or_default();
                if !shared.door().confirms(shared.clock.now(), id, &secret) {
                    return Some(Why::Token);
                }
                flow.restart.notify_one();
            }
            ClientMessage::Hello { .. } => return Some(Why::Version),
            ClientMessage::Down(at) => hands.touch(TouchPhase::Down, at.x, at.y, at.n)?,
            ClientMessage::Move(at) => hands.touch(TouchPhase::Move, at.x, at.y, at.n)?,
            ClientMessage::Up(at) => hands.touch(TouchPhase::Up, at.x, at.y, at.n)?,
            ClientMessage::Cancel { n } => hands.touch(TouchPhase::Cancel, 0.0, 0.0, n)?,
            ClientMessage::Key { k, down, n } => hands.key(&k, down, n)?,
            ClientMessage::Unknown => (),
        }
    }
}

async fn write(
    shared: &Shared,
    flow: &Flow,
    admission: &Admission,
    mut subscription: Subscription,
    sink: &mut Sink,
) -> Gone {
    let mut screen = shared.hub.screen();
    screen.mark_changed();
    let mut ping = interval(PING_INTERVAL);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seq = 0_u32;
    if send(sink, &welcome(shared, admission)).await.is_err() {
        return Gone;
    }
    loop {
        let sent = tokio::select! {
            () = flow.restart.notified() => {
                subscription.want_full();
                flow.acknowledge(seq);
                screen.mark_changed();
                send(sink, &welcome(shared, admission)).await
            }
            () = next_frame(flow, &subscription, seq) => send_frame(shared, &mut subscription, &mut seq, sink).await,
            // A page is told after its pixels, so that who waits for it can look at once.
            () = next_screen(flow, &mut screen, seq), if seq > 0 => {
                let info = screen.borrow_and_update().clone();
                match send_frame(shared, &mut subscription, &mut seq, sink).await {
                    Ok(()) => send_screen(&info, sink).await,
                    Err(Gone) => Err(Gone),
                }
            }
            _ = ping.tick() => send_raw(sink, Message::Ping(Vec::new().into())).await,
        };
        if sent.is_err() {
            return Gone;
        }
    }
}

/// Waits until the last frame was acknowledged and there is something new. Cancel-safe.
async fn next_frame(flow: &Flow, subscription: &Subscription, seq: u32) {
    flow.acknowledged(seq).await;
    subscription.changed().await;
}

/// Waits until the last frame was acknowledged and there is another page or View. Cancel-safe.
async fn next_screen(flow: &Flow, screen: &mut watch::Receiver<ScreenInfo>, seq: u32) {
    flow.acknowledged(seq).await;
    if screen.changed().await.is_err() {
        // The hub outlives its watchers.
        std::future::pending::<()>().await;
    }
}

/// Sends what is new, if anything is.
async fn send_frame(
    shared: &Shared,
    subscription: &mut Subscription,
    seq: &mut u32,
    sink: &mut Sink,
) -> Result<(), Gone> {
    let Some(copy) = subscription.take(FRAME_BUDGET_PX) else { return Ok(()) };
    *seq = seq.wrapping_add(1);
    let frame = encode_frame(&copy, *seq, shared.compression);
    drop(copy);
    send_raw(sink, Message::Binary(frame.into())).await
}

async fn send_screen(info: &ScreenInfo, sink: &mut Sink) -> Result<(), Gone> {
    // Before the first View there is no page to tell.
    if info.id.is_empty() {
        return Ok(());
    }
    send(sink, &ServerMessage::Screen { id: &info.id, rev: info.rev, say: &info.say }).await
}

fn welcome<'a>(shared: &Shared, admission: &'a Admission) -> ServerMessage<'a> {
    let panel = shared.hub.panel();
    let (w, h) = panel.size_px();
    ServerMessage::Welcome {
        v: VERSION,
        w,
        h,
        scale: panel.scale(),
        mm_per_px: panel.mm_per_px(),
        role: admission.role.into(),
        resume: admission.resume.reveal(),
    }
}

/// What a visitor presses. Everything is let go when the visitor leaves.
struct Hands<'a> {
    shared: &'a Shared,
    origin: Origin,
    role: Role,
    held: Vec<Key>,
}

impl Hands<'_> {
    /// Passes a touch on; `None` ends the session because the screen does not take inputs any more.
    fn touch(&mut self, phase: TouchPhase, x: f32, y: f32, n: u32) -> Option<()> {
        self.pass(n, InputEvent::Touch { contact: 0, phase, x, y })
    }

    /// Passes a key on, as [`Hands::touch`] does. Keys that the pages do not know are ignored.
    fn key(&mut self, name: &str, is_down: bool, n: u32) -> Option<()> {
        let Some(key) = Key::from_name(name) else { return Some(()) };
        if is_down {
            if !self.held.contains(&key) && self.held.len() < MAX_HELD_KEYS {
                self.held.push(key);
            }
        } else {
            self.held.retain(|held| *held != key);
        }
        let action = if is_down { KeyAction::Press } else { KeyAction::Release };
        self.pass(n, InputEvent::Key { key, action })
    }

    fn pass(&self, n: u32, event: InputEvent) -> Option<()> {
        match self.role {
            Role::Control => self.shared.input.send(Input { origin: self.origin, n: Some(n), event }).ok(),
            Role::View => Some(()),
        }
    }
}

impl Drop for Hands<'_> {
    fn drop(&mut self) {
        if self.role == Role::View {
            return;
        }
        let releases = std::mem::take(&mut self.held).into_iter().map(|key| Input {
            origin: self.origin,
            n: None,
            event: InputEvent::Key { key, action: KeyAction::Release },
        });
        for input in std::iter::once(Input::cancel(self.origin)).chain(releases) {
            // A full queue cancels this origin's fingers by itself.
            self.shared.input.send(input).ok();
        }
    }
}

/// The next text message; binary messages are not part of the protocol and end the session, and so does
/// [`SILENCE_LIMIT`] without any frame. Browsers answer pings by themselves, so a pong is a sign of life like every
/// other frame.
async fn next_text<S, E>(stream: &mut S) -> Result<String, Gone>
where
    S: futures_util::Stream<Item = Result<Message, E>> + Unpin,
{
    loop {
        match timeout(SILENCE_LIMIT, stream.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => return Ok(text.as_str().to_owned()),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => (),
            Ok(Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None) | Err(_) => {
                return Err(Gone);
            }
        }
    }
}

async fn send(sink: &mut Sink, message: &ServerMessage<'_>) -> Result<(), Gone> {
    send_raw(sink, Message::Text(message.to_json().into())).await
}

async fn send_raw(sink: &mut Sink, message: Message) -> Result<(), Gone> {
    match timeout(SEND_LIMIT, sink.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Gone),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use tokio::time::{Instant, sleep};

    use super::*;

    /// A visitor that answers every ping, and says something after so many.
    fn answering(pongs: u32) -> impl futures_util::Stream<Item = Result<Message, Infallible>> {
        stream::unfold(0, move |sent| async move {
            sleep(PING_INTERVAL).await;
            let message =
                if sent < pongs { Message::Pong(Vec::new().into()) } else { Message::Text("{}".into()) };
            Some((Ok(message), sent + 1))
        })
    }

    fn paused() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
    }

    #[test]
    fn a_visitor_that_only_answers_pings_stays() {
        paused().block_on(async {
            let mut stream = Box::pin(answering(240));
            let began = Instant::now();
            assert!(
                next_text(&mut stream).await.is_ok_and(|text| text == "{}"),
                "an hour of looking is no silence"
            );
            assert_eq!(began.elapsed(), PING_INTERVAL * 241);
        });
    }

    #[test]
    fn a_visitor_that_answers_nothing_is_gone_after_three_pings() {
        paused().block_on(async {
            let began = Instant::now();
            assert!(next_text(&mut stream::pending::<Result<Message, Infallible>>()).await.is_err());
            assert_eq!(began.elapsed(), SILENCE_LIMIT);
        });
    }
}
