//! What every device reports about itself: one shape for the technician's screen, `kioskctl devices`, the fleet and
//! the metrics.

/// How one device is doing, as its actor publishes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceStatus {
    /// Whether it can work now.
    pub state: DeviceState,
    /// One line for a person: where the device is and what it is doing.
    pub detail: String,
    /// The last failure, with its causes, kept until the next one.
    pub last_error: Option<String>,
    /// When `state` was entered, in milliseconds since 1970 (wall clock of the caller).
    pub since_ms: i64,
    /// What happened since the daemon started.
    pub counters: DeviceCounters,
    /// Who answered at the other end; empty until the device told.
    pub identity: DeviceIdentity,
}

/// Whether a device can work now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// Not plugged in, or nobody listens at its address.
    Absent,
    /// Being opened and identified.
    Connecting,
    /// Works.
    Ready,
    /// Works, but a person should look (near paper end, probes unanswered). The reason is a short stable word.
    Degraded(String),
    /// Answers, but cannot work (paper out, cover open). The reason is a short stable word.
    Faulted(String),
    /// Switched off in the settings.
    Disabled,
}

/// Counts since the daemon started; they never go down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceCounters {
    /// Times the link was opened.
    pub opened: u64,
    /// Jobs begun.
    pub jobs: u64,
    /// Jobs known to have succeeded.
    pub ok: u64,
    /// Jobs known to have failed.
    pub failed: u64,
    /// Jobs whose end nobody knows.
    pub unknown: u64,
    /// Times the link was opened again after a loss.
    pub reconnects: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Received bytes that made no sense.
    pub garbage_bytes: u64,
}

/// What a device says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceIdentity {
    /// Maker.
    pub maker: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Firmware version.
    pub firmware: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
}

impl DeviceStatus {
    /// The status of a device nobody has opened yet.
    #[must_use]
    pub fn absent(detail: impl Into<String>, since_ms: i64) -> Self {
        Self {
            state: DeviceState::Absent,
            detail: detail.into(),
            last_error: None,
            since_ms,
            counters: DeviceCounters::default(),
            identity: DeviceIdentity::default(),
        }
    }

    /// Enters `state`; `since_ms` moves only when the state really changes. Returns whether it did.
    pub fn enter(&mut self, state: DeviceState, now_ms: i64) -> bool {
        if self.state == state {
            return false;
        }
        self.state = state;
        self.since_ms = now_ms;
        true
    }
}

impl DeviceState {
    /// Whether jobs can be given to the device.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        match self {
            Self::Ready | Self::Degraded(_) => true,
            Self::Absent | Self::Connecting | Self::Faulted(_) | Self::Disabled => false,
        }
    }
}
