//! Touch panels of the kernel (evdev): found when they come, left when they go, read without being waited for.

mod contacts;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use evdev::raw_stream::RawDevice;
use evdev::{AbsoluteAxisCode, EventSummary, KeyCode, SynchronizationCode};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::input::{Input, Origin, PointerSource};
use super::panel::Panel;
use super::plugged::Plugged;
use super::rotation::Rotation;
use contacts::{Contacts, Mapping, Report};

/// Where the kernel puts its input devices.
const NODES: &str = "/dev/input";

/// Panels that are read at once.
const PANELS_MAX: usize = 4;

/// What a person is told then.
const NO_PANEL: &str = "no touch panel is plugged in";

/// How touches become places.
#[derive(Debug, Clone, PartialEq)]
pub struct TouchOptions {
    /// How far the picture is turned on the panel.
    pub rotation: Rotation,
    /// Two lines of a matrix over shares of the panel's width and height, as libinput's calibration matrix.
    pub calibration: [f32; 6],
}

impl Default for TouchOptions {
    fn default() -> Self {
        Self { rotation: Rotation::None, calibration: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0] }
    }
}

/// All touch panels of the machine, as one source of input.
pub struct TouchPanels {
    options: TouchOptions,
    size: (f32, f32),
    origin: Origin,
    /// Readable when a panel has something to say, or one comes or goes.
    epoll: Epoll,
    arrivals: Inotify,
    panels: BTreeMap<PathBuf, Touch>,
    plugged: Plugged,
}

struct Touch {
    name: String,
    device: RawDevice,
    contacts: Contacts,
}

impl TouchPanels {
    /// Watches for panels; those that are there are read from now on. None is no error: one may come.
    ///
    /// # Errors
    /// The kernel gives no descriptors, or has no input devices at all.
    pub fn open(options: TouchOptions, panel: &Panel) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let arrivals = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        // Whoever makes nodes readable for us does it after they were made.
        arrivals.add_watch(NODES, AddWatchFlags::IN_CREATE | AddWatchFlags::IN_ATTRIB)?;
        epoll.add(arrivals.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        let panels = BTreeMap::new();
        let size = panel.size_logical();
        let plugged = Plugged::absent(NO_PANEL);
        let mut all = Self { options, size, origin: Origin::new(), epoll, arrivals, panels, plugged };
        all.find();
        Ok(all)
    }

    fn find(&mut self) {
        let entries = std::fs::read_dir(NODES).into_iter().flatten().flatten();
        let events = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("event"));
        for path in events.map(|entry| entry.path()) {
            if self.panels.len() < PANELS_MAX && !self.panels.contains_key(&path) {
                self.add(&path);
            }
        }
    }

    /// Reads a device from now on, if it is a touch panel that we may read.
    fn add(&mut self, path: &Path) {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(OFlag::O_NONBLOCK.bits());
        let device = options.open(path).and_then(|file| RawDevice::from_fd(file.into()));
        let Some((device, contacts)) = device.ok().and_then(|it| self.touch(it)) else { return };
        let name = device.name().unwrap_or("without a name").to_owned();
        let added = self.epoll.add(device.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, 0));
        match added {
            Ok(()) => {
                tracing::info!(%name, path = %path.display(), "a touch panel is there");
                self.panels.insert(path.to_owned(), Touch { name, device, contacts });
                self.plugged = plugged(&self.panels);
            }
            Err(error) => tracing::warn!(name, %error, "a touch panel cannot be read"),
        }
    }

    fn touch(&self, device: RawDevice) -> Option<(RawDevice, Contacts)> {
        let axes = device.supported_absolute_axes()?;
        let keys = device.supported_keys();
        let presses = |key| keys.is_some_and(|keys| keys.contains(key));
        let is_multi = axes.contains(AbsoluteAxisCode::ABS_MT_POSITION_X);
        let is_single = axes.contains(AbsoluteAxisCode::ABS_X)
            && (presses(KeyCode::BTN_TOUCH) || presses(KeyCode::BTN_LEFT));
        let (x, y) = match (is_multi, is_single) {
            (true, _) => (AbsoluteAxisCode::ABS_MT_POSITION_X, AbsoluteAxisCode::ABS_MT_POSITION_Y),
            (_, true) => (AbsoluteAxisCode::ABS_X, AbsoluteAxisCode::ABS_Y),
            _ => return None,
        };
        let state = device.get_abs_state().ok()?;
        let range = |axis: AbsoluteAxisCode| {
            let info = state.get(usize::from(axis.0))?;
            Some(info.minimum..=info.maximum)
        };
        let TouchOptions { rotation, calibration } = self.options;
        let mapping = Mapping { x: range(x)?, y: range(y)?, calibration, rotation, size: self.size };
        Some((device, Contacts::new(mapping, is_multi)))
    }
}

fn plugged(panels: &BTreeMap<PathBuf, Touch>) -> Plugged {
    let names: Vec<_> =
        panels.iter().map(|(path, it)| format!("{} at {}", it.name, path.display())).collect();
    if names.is_empty() { Plugged::absent(NO_PANEL) } else { Plugged::there(names.join(", ")) }
}

impl PointerSource for TouchPanels {
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.epoll.0.as_fd())
    }

    fn drain(&mut self, into: &mut Vec<Input>) {
        match self.arrivals.read_events() {
            Ok(_) => self.find(),
            Err(Errno::EAGAIN) => {}
            Err(errno) => tracing::warn!(%errno, "new touch panels are not noticed"),
        }
        let (epoll, origin, before) = (&self.epoll, self.origin, self.panels.len());
        self.panels.retain(|path, touch| match touch.read(origin, into) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a touch panel is gone");
                epoll.delete(touch.device.as_fd()).ok();
                into.push(Input::cancel(origin));
                false
            }
        });
        if self.panels.len() != before {
            self.plugged = plugged(&self.panels);
        }
    }

    fn plugged(&self) -> Option<&Plugged> {
        Some(&self.plugged)
    }
}

impl Touch {
    fn read(&mut self, origin: Origin, into: &mut Vec<Input>) -> io::Result<()> {
        let events = match self.device.fetch_events() {
            Ok(events) => events,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut told = Vec::new();
        for report in events.filter_map(|event| report(event.destructure())) {
            self.contacts.take(report, &mut told);
        }
        into.extend(told.into_iter().map(|event| Input { origin, n: None, event }));
        Ok(())
    }
}

fn report(event: EventSummary) -> Option<Report> {
    Some(match event {
        EventSummary::AbsoluteAxis(_, axis, value) => match axis {
            AbsoluteAxisCode::ABS_MT_SLOT => Report::Slot(value),
            AbsoluteAxisCode::ABS_MT_TRACKING_ID => Report::Tracking(value),
            AbsoluteAxisCode::ABS_MT_POSITION_X => Report::MultiX(value),
            AbsoluteAxisCode::ABS_MT_POSITION_Y => Report::MultiY(value),
            AbsoluteAxisCode::ABS_X => Report::X(value),
            AbsoluteAxisCode::ABS_Y => Report::Y(value),
            _ => return None,
        },
        EventSummary::Key(_, KeyCode::BTN_TOUCH | KeyCode::BTN_LEFT, value) => Report::Pressed(value != 0),
        EventSummary::Synchronization(_, SynchronizationCode::SYN_REPORT, _) => Report::Sync,
        EventSummary::Synchronization(_, SynchronizationCode::SYN_DROPPED, _) => Report::Dropped,
        _ => return None,
    })
}
