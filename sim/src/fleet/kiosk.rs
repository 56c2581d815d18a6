//! One simulated kiosk.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::client::{Client, HALT};
use super::codec::{In, Out};
use super::log::{Log, hex};
use super::report::KioskReport;
use super::update::{Then, Update};
use super::{Fault, Member, Phase, Plan};
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
    exp: Option<u64>,
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
    member: Member,
    faults: mpsc::Receiver<Fault>,
    /// The next batch leaves out its first event.
    gap: bool,
    /// The next connection is made at once.
    at_once: bool,
    /// Two machines write this epoch: another begins when all of it is with the fleet.
    leave_fork: bool,
    log: Log,
    update: Option<Update>,
    /// It will never be heard of again.
    dead: bool,
    boots: u32,
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
    pub(crate) fn new(plan: Arc<Plan>, member: Member, number: u32, faults: mpsc::Receiver<Fault>) -> Self {
        let seed = plan.seed.wrapping_mul(1_000_003).wrapping_add(number.into());
        let mut log = Log::new(&member.id, now_ms(), seed, now_ms());
        for _ in 0..plan.backlog {
            log.sale(now_ms());
        }
        let update = plan.updates.clone().map(|updates| Update::new(updates, seed ^ 0x5eed));
        let rng = Rng::from_seed(!seed);
        let report = KioskReport { id: member.id.clone(), epoch: log.epoch, ..KioskReport::default() };
        let now = Instant::now();
        Self {
            plan,
            member,
            faults,
            gap: false,
            at_once: false,
            leave_fork: false,
            log,
            update,
            dead: false,
            boots: 1,
            rng,
            report,
            next_sale: now,
            started: now,
            connections: 0,
            packet: 1,
        }
    }

    /// Sells, connects, hands over; ends when told to stop, or when drained after selling is over.
    pub(crate) async fn run(mut self, mut phase: watch::Receiver<Phase>) -> KioskReport {
        let mut pause = RETRY;
        self.started = Instant::now();
        self.next_sale = self.started + self.until_sale();
        let first_connect = self.started + share(&mut self.rng, self.plan.connect_over);
        self.offline_until(first_connect, &mut phase).await;
        while !self.is_over(&phase) {
            if self.dead {
                self.offline_until(Instant::now() + RETRY_MAX, &mut phase).await;
                continue;
            }
            match self.connected(&mut phase).await {
                Ok(()) => pause = RETRY,
                Err(error) => {
                    tracing::debug!(kiosk = self.member.id, %error, "connection lost");
                    self.report.lost += 1;
                    if std::mem::take(&mut self.at_once) {
                        continue;
                    }
                    let until = Instant::now() + share(&mut self.rng, pause);
                    pause = (pause * 2).min(RETRY_MAX);
                    self.offline_until(until, &mut phase).await;
                }
            }
        }
        self.report.epoch = self.log.epoch;
        self.report.last_seq = self.log.last();
        self.report.last_hash = hex(&self.log.last_hash);
        self.report.pending = self.log.pending.len() as u64;
        if let Some(update) = self.update {
            self.report.release = update.running();
            self.report.switches = update.switches;
        }
        self.report.denied = self.log.denied;
        self.report.quarantined = self.log.quarantined;
        self.report.agreed = self.log.agreed.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
        self.report
    }

    fn is_over(&self, phase: &watch::Receiver<Phase>) -> bool {
        if self.dead && *phase.borrow() != Phase::Sell {
            return true;
        }
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
        let Member { id, broker, tls, .. } = &self.member;
        let mut client = Client::connect(broker, Arc::clone(tls), id, KEEP_ALIVE, will.as_bytes()).await?;
        self.report.connected += 1;
        let ended = self.talk(&mut client, phase).await;
        self.report.bytes_sent += client.sent;
        self.report.bytes_received += client.received;
        ended
    }

    async fn talk(&mut self, client: &mut Client, phase: &mut watch::Receiver<Phase>) -> io::Result<()> {
        let mut in_flight: Option<InFlight> = None;
        self.publish_status(client).await?;
        self.say_update(client).await?;
        let mut next_status = Instant::now() + self.plan.heartbeat;
        let lose_at = Instant::now() + self.until_loss();
        loop {
            if self.is_over(phase) {
                return client.send(&Out::Disconnect).await;
            }
            if in_flight.is_none() {
                in_flight = self.hand_over(client).await?;
            }
            let selling = *phase.borrow() == Phase::Sell;
            let due = self.update.as_ref().and_then(|update| update.due);
            let answer_by = in_flight.as_ref().map_or_else(
                || Instant::now() + self.plan.answer_within,
                |batch| batch.sent + self.plan.answer_within,
            );
            tokio::select! {
                packet = client.receive() => self.packet(client, packet?, &mut in_flight).await?,
                () = sleep_until(self.next_sale), if selling => self.sell(),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let then = self.update.as_mut().map_or(Then::Nothing, Update::step);
                    self.then(client, then).await?;
                }
                () = sleep_until(next_status) => {
                    self.publish_status(client).await?;
                    next_status = Instant::now() + self.plan.heartbeat;
                }
                () = sleep_until(answer_by), if in_flight.is_some() => {
                    self.report.unanswered += 1;
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Some(fault) = self.faults.recv() => self.suffer(client, fault).await?,
                () = sleep_until(lose_at) => return Err(io::Error::other("a fault: the connection is lost")),
                _ = phase.changed() => {}
            }
        }
    }

    /// Sends a batch of what waits, if anything does.
    async fn hand_over(&mut self, client: &mut Client) -> io::Result<Option<InFlight>> {
        if self.log.pending.is_empty() && std::mem::take(&mut self.leave_fork) {
            self.log.leave_fork(now_ms().max(self.log.epoch + 1), now_ms());
        }
        let place = usize::from(std::mem::take(&mut self.gap));
        let Some((id, batch)) = self.log.batch(now_ms(), place) else { return Ok(None) };
        let packet = self.next_packet();
        let (topic, payload) = (self.events_topic(), batch.as_bytes());
        client.send(&Out::Publish { topic: &topic, payload, id: packet, retain: false }).await?;
        let sent = Instant::now();
        self.report.first_sent.get_or_insert(sent.into_std());
        self.report.batches += 1;
        Ok(Some(InFlight { id, packet, sent }))
    }

    fn events_topic(&self) -> String {
        format!("v1/k/{}/up/ev", self.member.id)
    }

    async fn suffer(&mut self, client: &mut Client, fault: Fault) -> io::Result<()> {
        tracing::info!(kiosk = self.member.id, ?fault, "a fault");
        self.report.faults += 1;
        match fault {
            Fault::Storm => {
                self.at_once = true;
                Err(io::Error::other("a fault: a storm"))
            }
            Fault::Freeze(time) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Fault::Clone => self.be_cloned().await,
            Fault::Topic => {
                let (topic, id) = (format!("v1/k/{}x/up/ev", self.member.id), self.next_packet());
                client.send(&Out::Publish { topic: &topic, payload: b"{}", id, retain: false }).await
            }
            Fault::Expired => self.show_expired_certificate().await,
            Fault::Gap => {
                self.sell();
                self.gap = true;
                Ok(())
            }
            Fault::Poison => {
                self.log.nonsense(now_ms());
                let (topic, id) = (self.events_topic(), self.next_packet());
                client
                    .send(&Out::Publish { topic: &topic, payload: b"\xff no batch", id, retain: false })
                    .await
            }
        }
    }

    /// A copy of this machine takes its place at the broker, sells and hands over; then this one goes on.
    async fn be_cloned(&mut self) -> io::Result<()> {
        let mut copy = self.log.copy();
        copy.sale(now_ms());
        self.sell();
        let will = self.status(false);
        let Member { id, broker, tls, .. } = &self.member;
        let mut client = Client::connect(broker, Arc::clone(tls), id, KEEP_ALIVE, will.as_bytes()).await?;
        if let Some((batch, payload)) = copy.batch(now_ms(), 0) {
            let (topic, payload) = (self.events_topic(), payload.as_bytes());
            client.send(&Out::Publish { topic: &topic, payload, id: 2, retain: false }).await?;
            let answered = async {
                loop {
                    if let In::Publish { payload, .. } = client.receive().await?
                        && serde_json::from_slice::<Ack>(&payload).is_ok_and(|ack| ack.b == batch)
                    {
                        return io::Result::Ok(());
                    }
                }
            };
            tokio::time::timeout(self.plan.answer_within, answered).await.map_err(io::Error::other)??;
        }
        client.send(&Out::Disconnect).await?;
        self.at_once = true;
        Err(io::Error::other("a fault: a clone was in its place"))
    }

    async fn show_expired_certificate(&mut self) -> io::Result<()> {
        let Member { id, broker, expired, .. } = &self.member;
        let Some(tls) = expired else {
            tracing::warn!("nobody can sign an expired certificate: --authorities");
            return Ok(());
        };
        match Client::connect(broker, Arc::clone(tls), id, KEEP_ALIVE, b"").await {
            Ok(_) => tracing::error!(kiosk = id, "the broker took an expired certificate"),
            Err(error) => {
                tracing::info!(kiosk = id, %error, "refused");
                self.report.refused += 1;
            }
        }
        Ok(())
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
                let update = self.update.as_mut();
                let then = match update {
                    Some(update) if topic.ends_with("/dn/ot") => update.wish(&payload),
                    Some(update) if topic == HALT => update.halt(&payload),
                    _ => Then::Nothing,
                };
                self.then(client, then).await
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
        self.leave_fork |= ack.fork.is_some();
        self.report.unexpected += u64::from(ack.exp.is_some());
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
        let (topic, status) = (format!("v1/k/{}/up/st", self.member.id), self.status(true));
        let id = self.next_packet();
        client.send(&Out::Publish { topic: &topic, payload: status.as_bytes(), id, retain: true }).await?;
        client.send(&Out::Ping).await
    }

    async fn then(&mut self, client: &mut Client, then: Then) -> io::Result<()> {
        match then {
            Then::Nothing => Ok(()),
            Then::Say => self.say_update(client).await,
            Then::Restart => {
                self.boots += 1;
                self.connections = 0;
                self.at_once = true;
                Err(io::Error::other("it starts anew"))
            }
            Then::Die => {
                self.dead = true;
                Err(io::Error::other("it is never heard of again"))
            }
        }
    }

    async fn say_update(&mut self, client: &mut Client) -> io::Result<()> {
        let Some(state) = self.update.as_ref().map(Update::state) else { return Ok(()) };
        let (topic, id) = (format!("v1/k/{}/up/ot", self.member.id), self.next_packet());
        client.send(&Out::Publish { topic: &topic, payload: state.as_bytes(), id, retain: true }).await
    }

    fn status(&self, on: bool) -> String {
        let (boot, conn, pending, now) = (self.boots, self.connections, self.log.pending.len(), now_ms());
        format!(
            r#"{{"on":{on},"boot":{boot},"conn":{conn},"ver":"sim","up":1,"t":{now},"sell":"open","pend":{pending},"cat":0}}"#
        )
    }

    fn next_packet(&mut self) -> u16 {
        self.packet = self.packet.checked_add(1).unwrap_or(2);
        self.packet
    }

    /// Customers come independently of each other: from the first minute on as many as planned.
    fn until_sale(&mut self) -> Duration {
        const NEVER: Duration = Duration::from_secs(365 * 86_400);
        let per_kiosk = self.plan.sales_per_minute / f64::from(self.plan.kiosks.max(1));
        if per_kiosk <= 0.0 {
            return NEVER;
        }
        let drawn = u32::try_from(self.rng.below(1_000_000)).unwrap_or_default();
        let chance = (f64::from(drawn) + 1.0) / 1e6;
        Duration::try_from_secs_f64(-chance.ln() * 60.0 / per_kiosk).unwrap_or(NEVER)
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
