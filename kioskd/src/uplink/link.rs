//! The MQTT connection: everything that knows the client library is in this file.
//!
//! One connection is one client: it is made with its own will, and everything that it had accepted and not
//! finished dies with it, visibly. A task of its own only polls ([`poll`]) and hands over through a bounded
//! channel; publishing never waits, so the two cannot wait for each other.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use protocol::fleet::Status;
use protocol::topic::{BROADCAST_FILTER, Broadcast, KioskId, Topic, Up, down_filter};
use rumqttc::{
    AckMode, AsyncClient, Event, EventLoop, LastWill, MqttOptions, Packet, PersistedAckMode,
    PersistedSession, PubAckReason, Publish, PublishNotice, PublishOptions, PublishResult, QoS, SessionStore,
    SessionStoreError, SessionStoreKey, TlsConfiguration, Transport,
};
use rustls::ClientConfig;
use tokio::sync::mpsc;

use super::sync::PubAck;

/// The broker keeps what comes for us while we are away, without end: Mosquitto 2.0.11 dies of sessions that end
/// (docs/decisions/2026-11-24-sessions-without-end.md).
const SESSION_EXPIRY_S: u32 = u32::MAX;

/// Messages that the broker may have under way to us.
const RECEIVE_MAXIMUM: u16 = 20;

/// Largest message that is taken: the answer to a batch of a thousand bad events has about 150 KB, a twin
/// document 64 KiB; the broker's own limit is twice a batch.
const INCOMING_BYTES_MAX: u32 = 512 * 1024;

/// Requests that may wait for the polling task.
const REQUESTS: usize = 32;

/// Messages and notices that may wait for us; beyond that, polling waits.
const EVENTS: usize = 32;

/// How long a TCP and TLS handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the end of the program may wait for the broker to take the last messages.
const FAREWELL: Duration = Duration::from_secs(1);

/// Form of the session checkpoints of the client library.
const SESSION_FORMAT: u16 = 1;

/// How to connect.
#[derive(Clone)]
pub(crate) struct Target {
    pub kiosk: KioskId,
    pub host: String,
    pub port: u16,
    pub tls: Arc<ClientConfig>,
    pub keep_alive_s: u16,
}

/// Something about the connection.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    /// The broker took it.
    Connected,
    /// A message came in. It is acknowledged with [`Link::done`], after what it says is stored.
    Message(Box<Message>),
    /// It is over.
    Lost(String),
}

/// A message.
#[derive(Debug)]
pub(crate) struct Message {
    pub topic: Option<Topic>,
    /// Said to every kiosk.
    pub broadcast: Option<Broadcast>,
    pub payload: Vec<u8>,
    publish: Publish,
}

/// A connection, or the attempt to make one. Dropping it closes it without a word, so that the broker
/// publishes its will.
pub(crate) struct Link {
    client: AsyncClient,
    kiosk: KioskId,
    /// What was published last and has nobody else waiting for it.
    last: Option<OnTheWay>,
    pub events: mpsc::Receiver<LinkEvent>,
}

/// A publish on its way: resolves to what the broker says.
pub(crate) type OnTheWay = Pin<Box<dyn Future<Output = PubAck> + Send>>;

/// What the polling task gets to poll.
pub(crate) struct Polled {
    eventloop: EventLoop,
    out: mpsc::Sender<LinkEvent>,
}

impl Link {
    /// Begins to connect. `will` is what the broker says of us when we are gone.
    pub(crate) async fn open(
        target: &Target,
        will: &Status,
        poller: &mpsc::Sender<Polled>,
    ) -> anyhow::Result<Self> {
        let (client, eventloop) =
            AsyncClient::builder(options(target, will)?).capacity(REQUESTS).try_build()?;
        let (out, events) = mpsc::channel(EVENTS);
        poller.send(Polled { eventloop, out }).await.ok().context("the polling task has ended")?;
        Ok(Self { client, kiosk: target.kiosk.clone(), last: None, events })
    }

    /// Subscribes. At every connection: it costs nothing, and a session that the broker kept may be one of
    /// another version with other filters.
    pub(crate) fn subscribe(&self) -> anyhow::Result<()> {
        // What is halted comes before what is wished.
        self.client.try_subscribe(BROADCAST_FILTER, QoS::AtLeastOnce)?;
        self.client.try_subscribe(down_filter(&self.kiosk), QoS::AtLeastOnce)?;
        Ok(())
    }

    /// Sends, and tells what the broker said.
    pub(crate) fn publish_tracked(&self, up: Up, payload: Vec<u8>) -> anyhow::Result<OnTheWay> {
        let retained = match up {
            Up::Status | Up::Twin | Up::Update => true,
            Up::Events | Up::Metrics | Up::Log | Up::Job | Up::Reserve | Up::PartsWanted => false,
        };
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(retained);
        let notice = self.client.try_publish_tracked(self.topic(up), payload, options)?;
        Ok(Box::pin(said(notice)))
    }

    /// Sends something that is said again anyway.
    pub(crate) fn publish(&mut self, up: Up, payload: Vec<u8>) -> anyhow::Result<()> {
        self.last = Some(self.publish_tracked(up, payload)?);
        Ok(())
    }

    /// Waits until the broker has what was published, if it takes it within [`FAREWELL`]. What comes in meanwhile
    /// is not acknowledged: it comes again.
    pub(crate) async fn farewell(mut self) {
        let Some(last) = self.last.take() else { return };
        let ended = async { while self.events.recv().await.is_some() {} };
        tokio::select! {
            _ = last => {}
            () = ended => {}
            () = tokio::time::sleep(FAREWELL) => tracing::debug!("the broker did not take the last message"),
        }
    }

    /// What a message says is stored: the broker may forget it.
    pub(crate) fn done(&self, message: &Message) {
        // If it cannot be said now the connection breaks, and the message comes again.
        if let Err(error) = self.client.try_ack(&message.publish) {
            tracing::debug!(%error, "a message could not be acknowledged");
        }
    }

    fn topic(&self, up: Up) -> String {
        Topic::Up(self.kiosk.clone(), up).to_string()
    }
}

/// Polls one connection after the other, until there will be no more. Does nothing else: a publish that waited in
/// here would wait for itself.
pub(crate) async fn poll(mut links: mpsc::Receiver<Polled>) -> anyhow::Result<()> {
    while let Some(mut polled) = links.recv().await {
        tokio::select! {
            () = poll_one(&mut polled.eventloop, &polled.out) => {}
            () = polled.out.closed() => {}
        }
    }
    Ok(())
}

async fn poll_one(eventloop: &mut EventLoop, out: &mpsc::Sender<LinkEvent>) {
    loop {
        let event = match eventloop.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => LinkEvent::Connected,
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                let name = std::str::from_utf8(&publish.topic).unwrap_or_default();
                let (topic, broadcast) = (Topic::parse(name), Broadcast::parse(name));
                let payload = publish.payload.to_vec();
                LinkEvent::Message(Box::new(Message { topic, broadcast, payload, publish }))
            }
            Ok(_) => continue,
            Err(error) => LinkEvent::Lost(chain(&error)),
        };
        let lost = matches!(event, LinkEvent::Lost(_));
        if out.send(event).await.is_err() || lost {
            return;
        }
    }
}

fn options(target: &Target, will: &Status) -> anyhow::Result<MqttOptions> {
    let topic = Topic::Up(target.kiosk.clone(), Up::Status).to_string();
    let will = LastWill::new(topic, serde_json::to_vec(will)?, QoS::AtLeastOnce, true, None);
    let mut options = MqttOptions::new(target.kiosk.as_str(), (target.host.clone(), target.port));
    options
        .set_transport(Transport::Tls(TlsConfiguration::Rustls(Arc::clone(&target.tls))))
        .set_keep_alive(target.keep_alive_s)
        .set_connect_timeout(CONNECT_TIMEOUT)
        .set_clean_start(false)
        .set_session_expiry_interval(Some(SESSION_EXPIRY_S))
        .set_receive_maximum(Some(RECEIVE_MAXIMUM))
        .set_max_packet_size(Some(INCOMING_BYTES_MAX))
        .set_ack_mode(AckMode::Manual)
        .set_session_store(NothingInFlight)
        .set_last_will(will);
    Ok(options)
}

/// What the broker said to a publish.
async fn said(notice: PublishNotice) -> PubAck {
    match notice.wait_async().await {
        Ok(PublishResult::Qos1(puback)) => match puback.reason {
            PubAckReason::Success => PubAck::Taken,
            // Nobody takes batches in, or no room: the broker threw it away.
            PubAckReason::NoMatchingSubscribers
            | PubAckReason::QuotaExceeded
            | PubAckReason::UnspecifiedError
            | PubAckReason::ImplementationSpecificError => PubAck::Refused,
            reason @ (PubAckReason::NotAuthorized
            | PubAckReason::TopicNameInvalid
            | PubAckReason::PacketIdentifierInUse
            | PubAckReason::PayloadFormatInvalid) => {
                tracing::warn!(?reason, "the broker refuses events");
                PubAck::Refused
            }
        },
        Ok(_) | Err(_) => PubAck::Lost,
    }
}

/// The library's memory of messages under way: always empty. Ours is the outbox, so a session that the broker
/// kept is taken up as one in which we have nothing to repeat. (Without a memory the library refuses either the
/// kept session or every publish in it.)
#[derive(Debug)]
struct NothingInFlight;

type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, SessionStoreError>> + Send + 'a>>;

impl SessionStore for NothingInFlight {
    fn load<'a>(&'a self, key: &'a SessionStoreKey) -> Later<'a, Option<PersistedSession>> {
        let session = PersistedSession {
            format_version: SESSION_FORMAT,
            client_id: key.client_id().to_owned(),
            clean_start: false,
            session_expiry_interval: Some(SESSION_EXPIRY_S),
            outgoing_inflight_upper_limit: None,
            ack_mode: PersistedAckMode::Manual,
            last_pkid: 0,
            last_puback: 0,
            replay: Vec::new(),
            incoming_qos2: Vec::new(),
        };
        Box::pin(std::future::ready(Ok(Some(session))))
    }

    fn save<'a>(&'a self, _: &'a SessionStoreKey, _: &'a PersistedSession) -> Later<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn clear<'a>(&'a self, _: &'a SessionStoreKey) -> Later<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some libraries print their source themselves.
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
