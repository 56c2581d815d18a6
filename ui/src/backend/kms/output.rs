//! A display controller of the kernel (DRM/KMS): which connector, which mode, two buffers in its memory.
//!
//! The oldest calls are used, which every driver has: `SETCRTC`, dumb buffers and `PAGE_FLIP` with an event.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use drm::Device as _;
use drm::buffer::{Buffer as _, DrmFourcc};
use drm::control::dumbbuffer::DumbMapping;
use drm::control::{
    Device as _, Event, Mode, ModeTypeFlags, PageFlipFlags, ResourceHandles, connector, crtc, framebuffer,
};
use nix::fcntl::OFlag;

use super::blit::Target;

/// Where the kernel puts its display controllers.
const NODES: &str = "/dev/dri";

/// Bits of a pixel in memory, and those of them that are colour.
const BITS: (u32, u32) = (32, 24);

/// Why there is no display.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutputError {
    #[error("there is no display controller in {NODES}")]
    NoDevice,
    #[error("no display is connected to {}", .0.display())]
    NoDisplay(PathBuf),
    #[error("{} refused to {doing}", node.display())]
    Refused {
        node: PathBuf,
        doing: &'static str,
        #[source]
        source: io::Error,
    },
}

/// An open node.
struct Card(File);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for Card {}
impl drm::control::Device for Card {}

struct Buffer {
    framebuffer: framebuffer::Handle,
    pitch: usize,
    memory: DumbMapping<'static>,
}

/// A display that is driven. When it is dropped the kernel takes everything back.
pub(super) struct Output {
    card: Card,
    node: PathBuf,
    connector: connector::Handle,
    crtc: crtc::Handle,
    mode: Mode,
    buffers: [Buffer; 2],
}

impl Output {
    /// Takes over the first connected display: of this node, or of the first one that has any. A mode of the wanted size
    /// goes before the one that the display prefers. It shows black then.
    pub(super) fn open(node: Option<&Path>, wanted: (u16, u16)) -> Result<Self, OutputError> {
        let nodes = match node {
            Some(node) => vec![node.to_owned()],
            None => nodes(),
        };
        let mut why = OutputError::NoDevice;
        for node in nodes {
            match Self::of(&node, wanted) {
                Ok(output) => return Ok(output),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    fn of(node: &Path, wanted: (u16, u16)) -> Result<Self, OutputError> {
        let cannot = |doing| move |source| OutputError::Refused { node: node.to_owned(), doing, source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(OFlag::O_NONBLOCK.bits());
        let card = Card(options.open(node).map_err(cannot("be opened"))?);
        let resources = card.resource_handles().map_err(cannot("say what it has"))?;
        let connected =
            resources.connectors().iter().filter_map(|handle| card.get_connector(*handle, true).ok());
        let connected = connected.filter(|it| it.state() == connector::State::Connected);
        for connector in connected {
            let Some((mode, crtc)) = mode(&connector, wanted).zip(crtc(&card, &resources, &connector)) else {
                continue;
            };
            let first = buffer(&card, mode).map_err(cannot("give memory"))?;
            let second = buffer(&card, mode).map_err(cannot("give memory"))?;
            let output = Self {
                card,
                node: node.to_owned(),
                connector: connector.handle(),
                crtc,
                mode,
                buffers: [first, second],
            };
            output.show(0).map_err(cannot("show a picture"))?;
            return Ok(output);
        }
        Err(OutputError::NoDisplay(node.to_owned()))
    }

    /// Readable when a flip has arrived.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.card.as_fd()
    }

    /// Width and height of the mode in pixels.
    pub(super) fn size(&self) -> (u16, u16) {
        self.mode.size()
    }

    /// For people: node, display and mode.
    pub(super) fn describe(&self) -> String {
        let (width, height) = self.size();
        let driver = self.card.get_driver().ok();
        let driver = driver.as_ref().map_or_else(String::new, |it| it.name().to_string_lossy().into_owned());
        let name = self.card.get_connector(self.connector, false).map_or_else(
            |_| "display".to_owned(),
            |it| format!("{}-{}", it.interface().as_str(), it.interface_id()),
        );
        format!(
            "{name} of {} ({driver}), {width}×{height} at {} Hz",
            self.node.display(),
            self.mode.vrefresh()
        )
    }

    /// Whether the display is still plugged in. Not looked at the wire: the kernel has noticed or not.
    pub(super) fn is_connected(&self) -> bool {
        let connector = self.card.get_connector(self.connector, false);
        connector.is_ok_and(|it| it.state() == connector::State::Connected)
    }

    /// A buffer to be written.
    pub(super) fn target(&mut self, buffer: usize) -> Target<'_> {
        let size = self.mode.size();
        let Buffer { pitch, memory, .. } = &mut self.buffers[buffer];
        Target { bytes: memory, pitch: *pitch, size }
    }

    /// Sends a buffer to the glass with the next frame; [`Output::arrivals`] tells when it is there.
    pub(super) fn flip(&self, buffer: usize) -> io::Result<()> {
        self.card.page_flip(self.crtc, self.buffers[buffer].framebuffer, PageFlipFlags::EVENT, None)
    }

    /// Shows a buffer at once, with everything set anew.
    pub(super) fn show(&self, buffer: usize) -> io::Result<()> {
        let framebuffer = Some(self.buffers[buffer].framebuffer);
        self.card.set_crtc(self.crtc, framebuffer, (0, 0), &[self.connector], Some(self.mode))
    }

    /// How many flips have arrived since it was asked last.
    pub(super) fn arrivals(&self) -> io::Result<usize> {
        match self.card.receive_events() {
            Ok(events) => Ok(events.filter(|event| matches!(event, Event::PageFlip(_))).count()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }
}

/// All nodes, in the order of their names.
fn nodes() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(NODES).into_iter().flatten().flatten();
    let cards = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("card"));
    let mut nodes: Vec<PathBuf> = cards.map(|entry| entry.path()).collect();
    nodes.sort();
    nodes
}

fn mode(connector: &connector::Info, wanted: (u16, u16)) -> Option<Mode> {
    let is_preferred = |mode: &&Mode| mode.mode_type().contains(ModeTypeFlags::PREFERRED);
    let modes = connector.modes();
    let fitting = || modes.iter().filter(|mode| mode.size() == wanted);
    let mode = fitting().find(is_preferred).or_else(|| fitting().next());
    mode.or_else(|| modes.iter().find(is_preferred)).or_else(|| modes.first()).copied()
}

fn crtc(card: &Card, resources: &ResourceHandles, connector: &connector::Info) -> Option<crtc::Handle> {
    let encoders = connector.encoders().iter().filter_map(|handle| card.get_encoder(*handle).ok());
    encoders.flat_map(|encoder| resources.filter_crtcs(encoder.possible_crtcs())).next()
}

fn buffer(card: &Card, mode: Mode) -> io::Result<Buffer> {
    let (width, height) = mode.size();
    let dumb = card.create_dumb_buffer((width.into(), height.into()), DrmFourcc::Xrgb8888, BITS.0)?;
    let framebuffer = card.add_framebuffer(&dumb, BITS.1, BITS.0)?;
    let pitch = usize::try_from(dumb.pitch()).map_err(io::Error::other)?;
    // Some bytes for each display that ever comes: the memory stays as long as its mapping.
    let mut memory = card.map_dumb_buffer(Box::leak(Box::new(dumb)))?;
    memory.fill(0);
    Ok(Buffer { framebuffer, pitch, memory })
}
