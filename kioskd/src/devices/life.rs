//! What all actors do alike: open with pauses, report, stop.

use std::time::{Duration, Instant};

use hal::link::{Backoff, Endpoint, Link, Traffic};
use hal::status::{DeviceIdentity, DeviceState, DeviceStatus};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::{Context, Shutdown};
use crate::board::DayTotals;

/// Longest wait for a connection.
const OPEN_WITHIN: Duration = Duration::from_secs(5);

/// The life of one device: its status, its pauses, its end.
pub(super) struct Life {
    name: &'static str,
    context: Context,
    shutdown: Shutdown,
    status: DeviceStatus,
    backoff: Backoff,
    opened_at: Option<Instant>,
}

impl Life {
    pub(super) fn new(name: &'static str, context: Context, shutdown: Shutdown) -> Self {
        let status = DeviceStatus::absent("not opened yet", context.clock.now().wall.0);
        let life = Self { name, context, shutdown, status, backoff: Backoff::new(), opened_at: None };
        // From the first moment on the list of devices is the list of the settings.
        life.publish();
        life
    }

    /// Tells the core.
    pub(super) fn tell(&self, input: domain::Input) {
        self.context.tell(input);
    }

    /// The terminal closed its day, or why it did not.
    pub(super) fn day_ended(&self, how: Result<DayTotals, String>) {
        self.context.board.day_ended(how);
    }

    /// To be told when the program ends.
    pub(super) fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Milliseconds since 1970.
    pub(super) fn now_ms(&self) -> i64 {
        self.context.clock.now().wall.0
    }

    /// The clock that never goes back.
    pub(super) fn mono(&self) -> Duration {
        Duration::from_millis(self.context.clock.now().mono.0)
    }

    /// The status, to be changed by what the actor learns; [`Life::publish`] shows it.
    pub(super) fn status(&mut self) -> &mut DeviceStatus {
        &mut self.status
    }

    /// Enters a state and shows it. Returns whether it is a new one.
    pub(super) fn enter(&mut self, state: DeviceState) -> bool {
        let now_ms = self.now_ms();
        let changed = self.status.enter(state, now_ms);
        self.publish();
        changed
    }

    /// Shows the status to everybody.
    pub(super) fn publish(&self) {
        self.context.board.device(self.name, self.status.clone());
    }

    /// Tries once to open the link; a failure is recorded.
    pub(super) async fn open(&mut self, endpoint: &Endpoint) -> Option<Link> {
        self.status.detail = endpoint.to_string();
        match Link::open(endpoint, OPEN_WITHIN).await {
            Ok(link) => {
                self.status.counters.opened += 1;
                self.status.counters.reconnects += u64::from(self.status.counters.opened > 1);
                self.mark_opened();
                self.enter(DeviceState::Connecting);
                Some(link)
            }
            Err(error) => {
                self.failed(&error);
                self.enter(DeviceState::Absent);
                None
            }
        }
    }

    /// The device is open from now on; a long service forgets earlier failures.
    pub(super) fn mark_opened(&mut self) {
        #[expect(clippy::disallowed_methods, reason = "an edge: how long a connection served")]
        let now = Instant::now();
        self.opened_at = Some(now);
    }

    /// Records an error with its causes; logged when it is a new one.
    pub(super) fn failed(&mut self, error: &dyn std::error::Error) {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        if self.status.last_error.as_ref() != Some(&text) {
            tracing::warn!(device = self.name, error = %text, "device failed");
        }
        self.status.last_error = Some(text);
    }

    /// The device told who it is.
    pub(super) fn identified(&mut self, identity: DeviceIdentity) {
        self.status.identity = identity;
        self.publish();
    }

    /// Adds the bytes of a connection that ended.
    pub(super) fn count(&mut self, traffic: Traffic) {
        self.status.counters.bytes_in += traffic.bytes_in;
        self.status.counters.bytes_out += traffic.bytes_out;
    }

    /// Waits before the next try; whoever asks at the screen ends the wait.
    pub(super) fn rest(&mut self) -> impl Future<Output = ()> + use<> {
        let pause = self.pause();
        let mut looks = self.context.board.looks();
        async move {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                Ok(()) = looks.changed() => {}
            }
        }
    }

    /// How long to wait before the next try.
    pub(super) fn pause(&mut self) -> Duration {
        let served = self.opened_at.take().map_or(Duration::ZERO, |at| at.elapsed());
        let mut random = [0; 8];
        // Without randomness every kiosk pauses alike, which is bearable.
        if SystemRandom::new().fill(&mut random).is_err() {
            tracing::debug!("no randomness for a pause");
        }
        self.backoff.pause_after(served, u64::from_le_bytes(random))
    }
}
