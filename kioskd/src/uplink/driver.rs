//! The shell around [`super::sync`]: connects, sends, hands answers to the core.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::input::{Input as CoreInput, UplinkInput};
use domain::time::WallMs;
use protocol::event::EpochReason;
use protocol::fleet::{DesiredTwin, Job, JobProgress, JobState, Quota, Reserve};
use protocol::sync::{Ack, Batch, WireEvent, cut};
use protocol::text::Id;
use protocol::topic::{Down, Topic, Up};
use store::{Acknowledged, Outbox as _, Pending, Recorded};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::backoff::Backoff;
use super::claim::{self, OpenClaim};
use super::enrol;
use super::errands::Outgoing;
use super::identity::{Folder, Identity};
use super::link::{Link, LinkEvent, Message, OnTheWay, Polled, Target};
use super::report;
use super::sync::{Action, Input, Patience, PubAck, Run, Sync, WhyNewEpoch};
use crate::board::Board;
use crate::clock::ShopClock;
use crate::core::{Anew, Asked, Core, CoreHandle};
use crate::ids;
use crate::settings;
use crate::supervisor::Shutdown;
use crate::updates::Inbox;

/// A connection that has lasted so long was a good one: the next failure is the first again.
const STABLE: Duration = Duration::from_secs(30);

/// A broker that has not taken a status after so long is not there any more.
const UNHEARD_MS: u64 = 20_000;

/// How often the certificate's age is looked at.
const RENEWAL_CHECK: Duration = Duration::from_secs(3600);

/// What the uplink is made of.
pub(crate) struct Driver {
    pub settings: settings::Uplink,
    /// Serial number of the machine.
    pub serial: String,
    /// Name of the kiosk before it is enrolled.
    pub provisional: String,
    pub folder: Folder,
    pub core: CoreHandle,
    pub clock: ShopClock,
    pub board: Board,
    /// What the page shows of a kiosk that waits to be claimed.
    pub facts: claim::Facts,
    pub news: Arc<Notify>,
    pub poller: mpsc::Sender<Polled>,
    pub commands: mpsc::Receiver<Command>,
    pub state: Shared,
    /// There is a job to be done.
    pub work: Arc<Notify>,
    pub twin: watch::Sender<Option<DesiredTwin>>,
    /// What a customer wants more of than may be sold.
    pub reservations: mpsc::Receiver<Reserve>,
    /// What the errands have to tell the fleet.
    pub outgoing: mpsc::Receiver<Outgoing>,
    /// Where what is said about updates goes.
    pub inbox: Inbox,
    pub shutdown: Shutdown,
}

/// What tools may ask of the uplink.
pub(crate) enum Command {
    /// Enrol with a one-time code.
    Enrol { code: String, reply: oneshot::Sender<Result<Identity, String>> },
}

/// How the connection is.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub identity: Option<Identity>,
    /// What it can be claimed by now.
    pub claim: Option<OpenClaim>,
    pub connected: bool,
    pub connection: Option<(u32, u32)>,
    pub last_ack_ms: Option<i64>,
    pub last_error: Option<String>,
}

/// The state, for whoever wants to see it.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<State>>);

impl Shared {
    pub(crate) fn get(&self) -> State {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Why a connection was left.
pub(super) enum Left {
    Shutdown,
    Lost(String),
    /// There is a new name or certificate.
    Renewed,
}

/// Why a wait ended.
pub(super) enum Woken {
    /// Its time is over.
    Elapsed,
    /// A person at the screen wants to know now.
    Asked,
    /// There is a new name or certificate.
    Renewed,
    Shutdown,
}

/// The core does not answer: it ends, or its store has failed.
#[derive(Debug, thiserror::Error)]
#[error("the core does not answer")]
pub(crate) struct CoreSilent;

/// Runs on the core's thread.
pub(crate) async fn on_core<T: Send + 'static>(
    core: &CoreHandle,
    question: impl FnOnce(&mut Core) -> Result<T, store::StoreError> + Send + 'static,
) -> Result<T, CoreSilent> {
    let (sender, receiver) = oneshot::channel();
    let ask = move |asked: Asked<'_>| {
        let answer = match asked {
            Asked::Working(core) => question(core).map_err(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "the uplink cannot use the store");
            }),
            Asked::Failed(_) => Err(()),
        };
        drop(sender.send(answer));
    };
    core.ask(ask).map_err(|_| CoreSilent)?;
    receiver.await.ok().and_then(Result::ok).ok_or(CoreSilent)
}

impl Driver {
    /// Runs until the program ends.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let mut backoff = Backoff::default();
        let patience = Patience { ack_ms: u64::from(self.settings.ack_s) * 1000 };
        let mut sync = Sync::new(patience);
        let mut identity = self.folder.identity()?;
        loop {
            self.state.set(|state| state.identity.clone_from(&identity));
            let Some(known) = identity.clone() else {
                if matches!(self.offer().await, Left::Shutdown) {
                    return Ok(());
                }
                identity = self.folder.identity()?;
                self.state.set(|state| state.claim = None);
                self.tell_core(UplinkInput::Claim(None));
                continue;
            };
            let began = self.clock.now().mono;
            let left = match self.connect(&known).await {
                Ok(link) => Connection::new(&mut self, &mut sync, link, &known).serve().await,
                Err(error) => Left::Lost(format!("{error:#}")),
            };
            sync.step(self.mono(), 0, Input::Disconnected);
            self.state.set(|state| state.connected = false);
            let since = self.clock.now().wall;
            self.tell_core(UplinkInput::Offline { since });
            match left {
                Left::Shutdown => return Ok(()),
                Left::Renewed => identity = self.folder.identity()?,
                Left::Lost(why) => {
                    if Duration::from_millis(self.clock.now().mono.since(began)) >= STABLE {
                        backoff.succeeded();
                    }
                    let wait = Duration::from_millis(backoff.failed(random()));
                    tracing::warn!(%why, ?wait, "the fleet cannot be reached");
                    self.state.set(|state| state.last_error = Some(why));
                    match self.wait(wait).await {
                        Woken::Shutdown => return Ok(()),
                        Woken::Renewed | Woken::Asked | Woken::Elapsed => {
                            identity = self.folder.identity()?
                        }
                    }
                }
            }
        }
    }

    /// Waits without a connection, for so long or until something changes.
    pub(super) async fn wait(&mut self, time: Duration) -> Woken {
        let until = tokio::time::sleep(time);
        tokio::pin!(until);
        let mut looks = self.board.looks();
        loop {
            tokio::select! {
                () = &mut until => return Woken::Elapsed,
                Ok(()) = looks.changed() => return Woken::Asked,
                () = self.shutdown.wait() => return Woken::Shutdown,
                // Nobody waits for the answer any more when there is a connection again.
                Some(_) = self.reservations.recv() => {}
                // Told again when the fleet asks for it.
                Some(_) = self.outgoing.recv() => {}
                Some(command) = self.commands.recv() => {
                    if self.obey(command).await {
                        return Woken::Renewed;
                    }
                }
            }
        }
    }

    /// Does what a tool asks for; tells whether we are somebody else now.
    async fn obey(&mut self, command: Command) -> bool {
        let Command::Enrol { code, reply } = command;
        let enrolled = enrol::enrol(self, &code).await;
        let good = enrolled.is_ok();
        drop(reply.send(enrolled.map_err(|error| format!("{error:#}"))));
        good
    }

    async fn connect(&mut self, identity: &Identity) -> anyhow::Result<Link> {
        let (host, port) = super::http::host_and_port(&identity.broker, 8883)?;
        let tls = self.folder.tls(&self.settings.ca)?;
        let counted = on_core(&self.core, |core| core.store_mut().count_connection()).await?;
        let counted = self.folder.counted_on(counted);
        self.state.set(|state| state.connection = Some((counted.boot, counted.conn)));
        let kiosk = identity.kiosk.clone();
        let target = Target { kiosk, host, port, tls, keep_alive_s: self.settings.keep_alive_s };
        Link::open(&target, &report::will(&self.clock, counted), &self.poller).await
    }

    pub(super) fn tell_core(&self, input: UplinkInput) {
        if self.core.send(CoreInput::Uplink(input)).is_err() {
            tracing::debug!("the core was not told of the uplink");
        }
    }

    fn mono(&self) -> u64 {
        self.clock.now().mono.0
    }
}

/// One connection.
struct Connection<'a> {
    driver: &'a mut Driver,
    sync: &'a mut Sync,
    link: Link,
    identity: &'a Identity,
    on_the_way: Option<OnTheWay>,
    /// What was read from the outbox for the next batch.
    loaded: Option<Pending>,
    connected: bool,
    told_online: Option<bool>,
    /// When the last status was sent, until the broker has it.
    reported: Option<(u64, OnTheWay)>,
}

impl<'a> Connection<'a> {
    fn new(driver: &'a mut Driver, sync: &'a mut Sync, link: Link, identity: &'a Identity) -> Self {
        Self {
            driver,
            sync,
            link,
            identity,
            on_the_way: None,
            loaded: None,
            connected: false,
            told_online: None,
            reported: None,
        }
    }

    async fn serve(mut self) -> Left {
        let news = Arc::clone(&self.driver.news);
        let mut status = tokio::time::interval(Duration::from_secs(self.driver.settings.status_s.into()));
        let mut renewal = tokio::time::interval(RENEWAL_CHECK);
        loop {
            let deadline = self.sync.deadline().map(|at| at.saturating_sub(self.driver.mono()));
            tokio::select! {
                event = self.link.events.recv() => match event {
                    Some(LinkEvent::Connected) => self.connected().await,
                    Some(LinkEvent::Message(message)) => self.message(*message).await,
                    Some(LinkEvent::Lost(why)) => return Left::Lost(why),
                    None => return Left::Lost("the polling task ended".into()),
                },
                puback = arrived(&mut self.on_the_way) => {
                    self.on_the_way = None;
                    self.step(Input::Published(puback)).await;
                }
                () = news.notified() => self.step(Input::NewEvents).await,
                () = sleep(deadline) => self.step(Input::Timer).await,
                _ = status.tick(), if self.connected => {
                    if self.is_unheard().await {
                        return Left::Lost("the broker does not answer".into());
                    }
                    self.report().await;
                }
                _ = renewal.tick(), if self.connected => {
                    if enrol::renew_if_due(self.driver).await {
                        return Left::Renewed;
                    }
                }
                Some(reserve) = self.driver.reservations.recv() => {
                    self.send(Up::Reserve, serde_json::to_vec(&reserve).unwrap_or_default());
                }
                Some(outgoing) = self.driver.outgoing.recv() => {
                    // What a job has changed is known when it is said to be done.
                    if self.connected && outgoing.up == Up::Job {
                        self.report().await;
                    }
                    self.send(outgoing.up, outgoing.payload);
                }
                Some(command) = self.driver.commands.recv() => {
                    if self.driver.obey(command).await {
                        return Left::Renewed;
                    }
                }
                () = self.driver.shutdown.wait() => {
                    self.leave().await;
                    return Left::Shutdown;
                }
            }
        }
    }

    /// Says what is still to be said before the program ends: how far jobs are, which settings are wanted.
    async fn leave(mut self) {
        if !self.connected {
            return;
        }
        while let Ok(outgoing) = self.driver.outgoing.try_recv() {
            self.send(outgoing.up, outgoing.payload);
        }
        self.link.farewell().await;
    }

    async fn connected(&mut self) {
        tracing::info!(broker = %self.identity.broker, kiosk = %self.identity.kiosk, "connected to the fleet");
        self.connected = true;
        self.driver.state.set(|state| {
            state.connected = true;
            state.last_error = None;
        });
        if let Err(error) = self.link.subscribe() {
            tracing::warn!(%error, "cannot subscribe");
        }
        self.report().await;
        self.driver.work.notify_one();
        self.driver.inbox.connected();
        self.step(Input::Connected).await;
    }

    /// Takes an input through the state machine and does what follows.
    async fn step(&mut self, input: Input) {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let Some(action) = self.sync.step(self.driver.mono(), random(), input) else { break };
            next = self.act(action).await;
        }
        // While answers are missing the customer need not know; after 40 s the banner says so.
        let online = self.connected && !self.sync.is_in_doubt();
        if self.told_online != Some(online) {
            self.told_online = Some(online);
            let since = self.driver.clock.now().wall;
            let input = if online { UplinkInput::Online } else { UplinkInput::Offline { since } };
            self.driver.tell_core(input);
        }
    }

    async fn act(&mut self, action: Action) -> Option<Input> {
        match action {
            Action::Load { limit } => Some(self.load(limit).await),
            Action::Publish { b } => self.publish(b),
            Action::Acknowledge { epoch, thru, answers, rewind, new_epoch } => {
                let stored = on_core(&self.driver.core, move |core| {
                    core.acknowledge(&Acknowledged { epoch, thru, answers: &answers })?;
                    if let Some(seq) = rewind {
                        tracing::warn!(epoch, seq, "the fleet has lost events; they are sent again");
                        core.store_mut().rewind(epoch, seq)?;
                    }
                    if let Some(why) = new_epoch.filter(|_| core.store().epoch() == epoch) {
                        core.begin_anew(Anew::Epoch(reason(why)));
                    }
                    Ok(())
                })
                .await;
                if stored.is_ok() {
                    let WallMs(now) = self.driver.clock.now().wall;
                    self.driver.state.set(|state| state.last_ack_ms = Some(now));
                }
                Some(if stored.is_ok() { Input::Stored } else { Input::NotStored })
            }
        }
    }

    async fn load(&mut self, limit: usize) -> Input {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let read = move |core: &mut Core| {
            let Some(pending) = core.store().pending(limit)? else { return Ok(None) };
            let end = core.store().last_seq(pending.epoch)?;
            Ok(Some((pending, end)))
        };
        match on_core(&self.driver.core, read).await {
            Ok(None) => Input::Loaded(None),
            Ok(Some((mut pending, end))) => {
                let most = usize::try_from(self.driver.settings.batch_bytes).unwrap_or(usize::MAX);
                let fitting = cut(pending.events.iter().map(|event| event.envelope.body.as_str()), most);
                pending.events.truncate(fitting);
                let seq = |event: Option<&store::StoredEvent>| event.map_or(0, |e| e.envelope.seq);
                let run = Run {
                    b: Id(ids::new_id()),
                    epoch: pending.epoch,
                    from: seq(pending.events.first()),
                    last: seq(pending.events.last()),
                    end,
                };
                self.loaded = Some(pending);
                Input::Loaded(Some(run))
            }
            Err(CoreSilent) => Input::NotStored,
        }
    }

    fn publish(&mut self, b: Id) -> Option<Input> {
        let Some(pending) = self.loaded.take() else { return Some(Input::Published(PubAck::Lost)) };
        let events = pending.events.iter().map(|event| WireEvent::new(&event.envelope, &event.hash));
        let sent = events.collect::<Result<Vec<_>, _>>().map_err(anyhow::Error::new).and_then(|events| {
            let other_name = (pending.kiosk != self.identity.kiosk.as_str()).then_some(pending.kiosk);
            let batch = Batch::new(b, pending.epoch, pending.previous, other_name, events);
            self.link.publish_tracked(Up::Events, serde_json::to_vec(&batch)?)
        });
        match sent {
            Ok(on_the_way) => {
                self.on_the_way = Some(on_the_way);
                None
            }
            Err(error) => {
                tracing::warn!(%error, "a batch could not be sent");
                Some(Input::Published(PubAck::Lost))
            }
        }
    }

    async fn message(&mut self, message: Message) {
        match &message.topic {
            Some(Topic::Down(_, Down::Ack)) => match parse_ack(&message.payload) {
                Ok(ack) => {
                    self.driver.folder.note_fleet_time(ack.now);
                    self.step(Input::Ack(Box::new(ack))).await;
                }
                Err(error) => tracing::warn!(%error, "an answer of the fleet cannot be read"),
            },
            Some(Topic::Down(_, Down::Job)) => {
                if !self.job(&message.payload).await {
                    // Not written down, so not acknowledged: it comes again.
                    return;
                }
            }
            Some(Topic::Down(_, Down::Twin)) => match serde_json::from_slice::<DesiredTwin>(&message.payload)
            {
                Ok(twin) => drop(self.driver.twin.send_replace(Some(twin))),
                Err(error) => tracing::warn!(%error, "the desired twin cannot be read"),
            },
            Some(Topic::Down(_, Down::Quota)) => match serde_json::from_slice::<Quota>(&message.payload) {
                Ok(quota) => self.driver.tell_core(UplinkInput::Quota(Arc::new(quota.into()))),
                Err(error) => tracing::warn!(%error, "the quota cannot be read"),
            },
            Some(Topic::Down(_, Down::Update)) => self.driver.inbox.assignment(&message.payload),
            Some(Topic::Down(_, Down::Part)) => self.driver.inbox.part(message.payload.clone()),
            Some(Topic::Up(..)) | None => {}
        }
        if let Some(broadcast) = message.broadcast {
            self.driver.inbox.broadcast(broadcast, &message.payload);
        }
        self.link.done(&message);
    }

    /// Takes a job; tells whether it needs not come again.
    async fn job(&mut self, payload: &[u8]) -> bool {
        let job: Job = match serde_json::from_slice(payload) {
            Ok(job) => job,
            Err(error) => {
                tracing::warn!(%error, "a job cannot be read");
                if let Some(job) = job_id(payload) {
                    self.tell(job, JobState::Failed, format!("this version cannot do it: {error}"), None);
                }
                return true;
            }
        };
        let now = self.driver.clock.now();
        if job.exp <= now.wall.0 {
            self.tell(job.job, JobState::Expired, String::new(), None);
            return true;
        }
        let id = job.job;
        tracing::info!(job = %id, kind = job.kind.name(), "a job came in");
        let recorded = on_core(&self.driver.core, move |core| {
            core.store_mut().record_job(&job, ShopClock::clocks(&now))
        });
        match recorded.await {
            Ok(Recorded::New) => {
                self.tell(id, JobState::Accepted, String::new(), None);
                self.driver.work.notify_one();
                true
            }
            Ok(Recorded::Known(row)) => {
                self.tell(id, row.state, row.why, row.result);
                true
            }
            Err(CoreSilent) => false,
        }
    }

    fn tell(&mut self, job: Id, s: JobState, why: String, result: Option<String>) {
        let progress = JobProgress { job, s, pct: None, why, result };
        self.send(Up::Job, serde_json::to_vec(&progress).unwrap_or_default());
    }

    async fn report(&mut self) {
        let Some((boot, conn)) = self.driver.state.get().connection else { return };
        let counted = store::Connection { boot, conn };
        match report::status(&self.driver.core, &self.driver.board, &self.driver.clock, counted).await {
            Ok(status) => {
                let payload = serde_json::to_vec(&status).unwrap_or_default();
                match self.link.publish_tracked(Up::Status, payload) {
                    Ok(on_the_way) => self.reported = Some((self.driver.mono(), on_the_way)),
                    Err(error) => tracing::debug!(%error, "no status"),
                }
            }
            Err(CoreSilent) => tracing::debug!("no status: the core does not answer"),
        }
    }

    /// Whether the broker has not taken the last status for a long time: a link that is half open takes bytes for
    /// ever.
    async fn is_unheard(&mut self) -> bool {
        let Some((sent, on_the_way)) = &mut self.reported else { return false };
        let pending = tokio::time::timeout(Duration::ZERO, on_the_way).await.is_err();
        let long = self.driver.clock.now().mono.0.saturating_sub(*sent) >= UNHEARD_MS;
        if !pending {
            self.reported = None;
        }
        pending && long
    }

    /// What cannot be sent is said again when the fleet asks.
    fn send(&mut self, up: Up, payload: Vec<u8>) {
        if let Err(error) = self.link.publish(up, payload) {
            tracing::debug!(%error, "a message was not sent");
        }
    }
}

/// Reads an answer. One about an event that this version cannot read, of a fleet that is newer, is left out: the
/// fleet has the event all the same.
fn parse_ack(payload: &[u8]) -> Result<Ack, serde_json::Error> {
    let mut value: serde_json::Value = serde_json::from_slice(payload)?;
    if let Some(answers) = value.get_mut("x").and_then(serde_json::Value::as_array_mut) {
        answers.retain(|answer| {
            let known = serde_json::from_value::<protocol::sync::Answer>(answer.clone());
            known.inspect_err(|error| tracing::warn!(%error, %answer, "an answer of another version")).is_ok()
        });
    }
    serde_json::from_value(value)
}

/// The id of a job that cannot be read as a whole.
fn job_id(payload: &[u8]) -> Option<Id> {
    let value: serde_json::Value = serde_json::from_slice(payload).ok()?;
    value.get("job")?.as_str()?.parse().ok()
}

fn reason(why: WhyNewEpoch) -> EpochReason {
    match why {
        WhyNewEpoch::Fork => EpochReason::Fork,
        WhyNewEpoch::Restored => EpochReason::Restored,
    }
}

async fn arrived(on_the_way: &mut Option<OnTheWay>) -> PubAck {
    match on_the_way {
        Some(publish) => publish.as_mut().await,
        None => std::future::pending().await,
    }
}

async fn sleep(ms: Option<u64>) {
    match ms {
        Some(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        None => std::future::pending().await,
    }
}

/// Dice for the pauses.
pub(super) fn random() -> u64 {
    let mut bytes = [0; 8];
    let system = ring::rand::SystemRandom::new();
    // Without randomness every pause is the shortest: still correct.
    if ring::rand::SecureRandom::fill(&system, &mut bytes).is_err() {
        return 0;
    }
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_a_newer_fleet_is_read_as_far_as_it_can_be() {
        let ack = parse_ack(
            br#"{"b":"019f0000-0000-7000-8000-0000000000aa","ep":1,"thru":3,"now":5,"new":true,"x":[
                {"s":1,"id":"019f0000-0000-7000-8000-0000000000ab","r":"duplicate"},
                {"s":2,"id":"019f0000-0000-7000-8000-0000000000ac","r":"deny","code":"MOON_PHASE","remedy":"wait"},
                {"s":3,"id":"019f0000-0000-7000-8000-0000000000ad","r":"sung"}]}"#,
        )
        .unwrap();
        assert_eq!((ack.thru, ack.x.len()), (3, 1));
        parse_ack(b"{\"thru\":3}").unwrap_err();
        parse_ack(b"[]").unwrap_err();
    }

    #[test]
    fn the_id_of_a_job_of_a_newer_fleet_is_still_found() {
        let id =
            job_id(br#"{"job":"019f0000-0000-7000-8000-0000000000aa","kind":"dance","args":{},"exp":1}"#);
        assert!(id.is_some());
        assert_eq!(job_id(b"garbage"), None);
    }
}
