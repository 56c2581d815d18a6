//! One simulated kiosk.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::ClientConfig;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::client::Client;
use super::codec::{In, Out};
use super::log::{Log, hex};
use super::report::KioskReport;
use super::{Phase, Plan};
use crate::rng::Rng;

/// Seconds of silence after which the broker gives a kiosk up, times 1.5.
const KEEP_ALIVE: u16 = 60;
/// First and longest pause before the next attempt to connect; each is drawn from zero to it.
const RETRY: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// The fleet's answer to a batch, as far as this kiosk looks at it.
#[derive(Deserialize)]
struct Ack {
    b: String,
    ep: u64,
    thru: u64,
    #[serde(default)]
    x: Vec<Other>,
    #[serde(default)]
    fork: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Other {
    s: u64,
    r: String,
}

/// A batch that waits for its answer.
struct InFlight {
    id: String,
    packet: u16,
    sent: Instant,
}

pub(crate) struct Kiosk {
    plan: Arc<Plan>,
    id: String,
    tls: Arc<ClientConfig>,
    log: Log,
    rng: Rng,
    report: KioskReport,
    next_sale: Instant,
    started: Instant,
    connections: u32,
    packet: u16,
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}

impl Kiosk {
    pub(crate) fn new(plan: Arc<Plan>, id: String, number: u32, tls: Arc<ClientConfig>) -> Self {
        let seed = plan.seed.wrapping_mul(1_000_003).wrapping_add(number.into());
        let mut log = Log::new(&id, now_ms(), seed, now_ms());
        for _ in 0..plan.backlog {
            log.sale(now_ms());
        }
        let rng = Rng::from_seed(!seed);
        let report = KioskReport { id: id.clone(), epoch: log.epoch, ..KioskReport::default() };
        let now = Instant::now();
        Self { plan, id, tls, log, rng, report, next_sale: now, started: now, connections: 0, packet: 1 }
    }

    /// Sells, connects, hands over; ends when told to stop, or when drained after selling is over.
    pub(crate) async fn run(mut self, mut phase: watch::Receiver<Phase>) -> KioskReport {
        let mut pause = RETRY;
        self.started = Instant::now();
        self.next_sale = self.started + self.until_sale();
        let first_connect = self.started + share(&mut self.rng, self.plan.connect_over);
        self.offline_until(first_connect, &mut phase).await;
        while !self.is_over(&phase) {
            match self.connected(&mut phase).await {
                Ok(()) => pause = RETRY,
                Err(error) => {
                    tracing::debug!(kiosk = self.id, %error, "connection lost");
                    self.report.lost += 1;
                    let until = Instant::now() + share(&mut self.rng, pause);
                    pause = (pause * 2).min(RETRY_MAX);
                    self.offline_until(until, &mut phase).await;
                }
            }
        }
        self.report.last_seq = self.log.last();
        self.report.last_hash = hex(&self.log.last_hash);
        self.report.pending = self.log.pending.len() as u64;
        self.report.denied = self.log.denied;
        self.report.quarantined = self.log.quarantined;
        self.report.agreed = self.log.agreed.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
        self.report
    }

    fn is_over(&self, phase: &watch::Receiver<Phase>) -> bool {
        match *phase.borrow() {
            Phase::Sell => false,
            Phase::Drain => self.log.pending.is_empty(),
            Phase::Stop => true,
        }
    }

    /// Sells on without a connection.
    async fn offline_until(&mut self, until: Instant, phase: &mut watch::Receiver<Phase>) {
        loop {
            let selling = *phase.borrow() == Phase::Sell;
            tokio::select! {
                () = sleep_until(until) => return,
                () = sleep_until(self.next_sale), if selling => self.sell(),
                _ = phase.changed(), if *phase.borrow() != Phase::Stop => if self.is_over(phase) { return },
            }
        }
    }

    async fn connected(&mut self, phase: &mut watch::Receiver<Phase>) -> io::Result<()> {
        self.connections += 1;
        let will = self.status(false);
        let tls = Arc::clone(&self.tls);
        let mut client =
            Client::connect(self.plan.broker, tls, &self.id, KEEP_ALIVE, will.as_bytes()).await?;
        self.report.connected += 1;
        let ended = self.talk(&mut client, phase).await;
        self.report.bytes_sent += client.sent;
        self.report.bytes_received += client.received;
        ended
    }

    async fn talk(&mut self, client: &mut Client, phase: &mut watch::Receiver<Phase>) -> io::Result<()> {
        let mut in_flight: Option<InFlight> = None;
        self.publish_status(client).await?;
        let mut next_status = Instant::now() + self.plan.heartbeat;
        let lose_at = Instant::now() + self.until_loss();
        loop {
            if self.is_over(phase) {
                return client.send(&Out::Disconnect).await;
            }
            if in_flight.is_none()
                && let Some((id, batch)) = self.log.batch(now_ms())
            {
                let packet = self.next_packet();
                let topic = format!("v1/k/{}/up/ev", self.id);
                let payload = batch.as_bytes();
                client.send(&Out::Publish { topic: &topic, payload, id: packet, retain: false }).await?;
                let sent = Instant::now();
                in_flight = Some(InFlight { id, packet, sent });
                self.report.first_sent.get_or_insert(sent.into_std());
                self.report.batches += 1;
            }
            let selling = *phase.borrow() == Phase::Sell;
            let answer_by = in_flight.as_ref().map_or_else(
                || Instant::now() + self.plan.answer_within,
                |batch| batch.sent + self.plan.answer_within,
            );
            tokio::select! {
                packet = client.receive() => self.packet(client, packet?, &mut in_flight).await?,
                () = sleep_until(self.next_sale), if selling => self.sell(),
                () = sleep_until(next_status) => {
                    self.publish_status(client).await?;
                    next_status = Instant::now() + self.plan.heartbeat;
                }
                () = sleep_until(answer_by), if in_flight.is_some() => {
                    self.report.unanswered += 1;
                    return Err(io::ErrorKind::TimedOut.into());
                }
                () = sleep_until(lose_at) => return Err(io::Error::other("a fault: the connection is lost")),
                _ = phase.changed() => {}
            }
        }
    }

    async fn packet(
        &mut self,
        client: &mut Client,
        packet: In,
        in_flight: &mut Option<InFlight>,
    ) -> io::Result<()> {
        match packet {
            In::Publish { topic, payload, id } => {
                if topic.ends_with("/dn/ak") {
                    self.ack(&payload, in_flight)?;
                }
                if let Some(id) = id {
                    client.send(&Out::PubAck { id }).await?;
                }
                Ok(())
            }
            In::PubAck { id, reason } => match in_flight {
                // Nobody takes it in now: the broker threw it away.
                Some(batch) if batch.packet == id && reason >= 0x10 => {
                    self.report.nobody_there += 1;
                    Err(io::Error::other(format!("the broker says 0x{reason:02x}")))
                }
                _ => Ok(()),
            },
            In::Disconnect { reason } => Err(io::Error::other(format!("the broker hung up: 0x{reason:02x}"))),
            In::ConnAck { .. } | In::SubAck { .. } | In::Pong => Ok(()),
        }
    }

    fn ack(&mut self, payload: &[u8], in_flight: &mut Option<InFlight>) -> io::Result<()> {
        let ack: Ack = serde_json::from_slice(payload).map_err(io::Error::other)?;
        let Some(batch) = in_flight.take_if(|batch| batch.id == ack.b && ack.ep == self.log.epoch) else {
            return Ok(());
        };
        if batch.sent >= self.started + self.plan.settle_for {
            self.report.latency_us.push(u64::try_from(batch.sent.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
        self.report.last_answer = Some(Instant::now().into_std());
        self.report.forked |= ack.fork.is_some();
        let others: Vec<(u64, String)> = ack.x.into_iter().map(|other| (other.s, other.r)).collect();
        self.log.acknowledged(ack.thru, &others);
        Ok(())
    }

    fn sell(&mut self) {
        self.log.sale(now_ms());
        self.report.sales += 1;
        self.next_sale = Instant::now() + self.until_sale();
    }

    async fn publish_status(&mut self, client: &mut Client) -> io::Result<()> {
        let (topic, status) = (format!("v1/k/{}/up/st", self.id), self.status(true));
        let id = self.next_packet();
        client.send(&Out::Publish { topic: &topic, payload: status.as_bytes(), id, retain: true }).await?;
        client.send(&Out::Ping).await
    }

    fn status(&self, on: bool) -> String {
        let (conn, pending, now) = (self.connections, self.log.pending.len(), now_ms());
        format!(
            r#"{{"on":{on},"boot":1,"conn":{conn},"ver":"sim","up":1,"t":{now},"sell":"open","pend":{pending},"cat":0}}"#
        )
    }

    fn next_packet(&mut self) -> u16 {
        self.packet = self.packet.checked_add(1).unwrap_or(2);
        self.packet
    }

    /// Sales come at random, as often on average as planned.
    fn until_sale(&mut self) -> Duration {
        let per_kiosk = self.plan.sales_per_minute / f64::from(self.plan.kiosks.max(1));
        if per_kiosk <= 0.0 {
            return Duration::from_secs(365 * 86_400);
        }
        share(&mut self.rng, Duration::from_secs_f64(60.0 / per_kiosk) * 2)
    }

    fn until_loss(&mut self) -> Duration {
        if self.plan.lose_every.is_zero() {
            return Duration::from_secs(365 * 86_400);
        }
        share(&mut self.rng, self.plan.lose_every * 2)
    }
}

/// A random part of `whole`.
fn share(rng: &mut Rng, whole: Duration) -> Duration {
    let micros = u64::try_from(whole.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(rng.below(micros.saturating_add(1)))
}
