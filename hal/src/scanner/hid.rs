//! A keyboard scanner, read from the kernel's input devices.
//!
//! The device is grabbed: its keys reach nobody else, and a failed grab is a fault, never an invitation to read along.
//! Events are read raw, because the `evdev` crate's ordinary reader invents key changes after lost events, and an
//! invented key is a wrong code.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};
use std::time::Duration;

use evdev::raw_stream::{EventStream, RawDevice};
use evdev::{EventType, InputEvent, KeyCode, SynchronizationCode};
use tokio::time::Instant;

use super::assembler::{FramingRules, ScanCounters};
use super::keyboard::KeyDecoder;
use super::{Scan, Scanner, ScannerError, UsbId};

/// Most input nodes of one scanner: keyboard, media keys, and a spare.
const NODES_MAX: usize = 4;

/// Which input device is the scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HidSelector {
    /// By a node, usually a link that udev made, such as `/dev/kiosk/scanner`.
    Node(PathBuf),
    /// By what it is.
    Usb {
        /// Vendor and product.
        id: UsbId,
        /// Start of the physical path (such as `usb-0000:00:14.0-3/`), to tell twins apart.
        port: Option<String>,
    },
}

/// A scanner that types.
pub struct HidScanner {
    /// One for each input node of the scanner, so that its nodes do not mix their codes.
    nodes: Vec<Node>,
    started: Instant,
}

struct Node {
    path: PathBuf,
    events: EventStream,
    decoder: KeyDecoder,
}

impl HidScanner {
    /// Finds and grabs the scanner. Must be called inside a tokio runtime; it talks to each input device once and
    /// does not wait.
    ///
    /// # Errors
    /// [`ScannerError::NotFound`], [`ScannerError::Open`] or [`ScannerError::Grabbed`].
    pub fn open(selector: &HidSelector, rules: &FramingRules) -> Result<Self, ScannerError> {
        let mut nodes = Vec::new();
        for (path, mut device) in find(selector)? {
            device.grab().map_err(|source| ScannerError::Grabbed { path: path.clone(), source })?;
            let opened = device.into_event_stream();
            let events = opened.map_err(|source| ScannerError::Open { path: path.clone(), source })?;
            nodes.push(Node { path, events, decoder: KeyDecoder::new(rules.clone()) });
        }
        if nodes.is_empty() {
            return Err(ScannerError::NotFound { selector: selector.to_string() });
        }
        Ok(Self { nodes, started: Instant::now() })
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<(usize, io::Result<InputEvent>)> {
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if let Poll::Ready(event) = node.events.poll_event(cx) {
                return Poll::Ready((index, event));
            }
        }
        Poll::Pending
    }

    fn next_deadline(&self) -> Option<Duration> {
        self.nodes.iter().filter_map(|node| node.decoder.next_deadline()).min()
    }
}

impl Scanner for HidScanner {
    async fn next_scan(&mut self) -> Result<Scan, ScannerError> {
        loop {
            let idle = self.started.elapsed() + Duration::from_secs(3_600);
            let until = self.started + self.next_deadline().unwrap_or(idle);
            let event = tokio::time::timeout_at(until, poll_fn(|cx| self.poll_event(cx))).await;
            let at = self.started.elapsed();
            let scan = match event {
                Ok((index, event)) => {
                    let node = &mut self.nodes[index];
                    let event =
                        event.map_err(|source| ScannerError::Gone { path: node.path.clone(), source })?;
                    take(&mut node.decoder, at, event)
                }
                Err(_) => self.nodes.iter_mut().find_map(|node| node.decoder.on_time(at)),
            };
            if let Some(scan) = scan {
                return Ok(scan);
            }
        }
    }

    fn counters(&self) -> ScanCounters {
        self.nodes.iter().fold(ScanCounters::default(), |sum, node| sum.plus(node.decoder.counters()))
    }
}

fn take(decoder: &mut KeyDecoder, at: Duration, event: InputEvent) -> Option<Scan> {
    if event.event_type() == EventType::KEY {
        decoder.on_key(at, event.code(), event.value())
    } else {
        let lost = event.event_type() == EventType::SYNCHRONIZATION
            && event.code() == SynchronizationCode::SYN_DROPPED.0;
        if lost {
            decoder.on_events_lost(at);
        }
        None
    }
}

/// The scanner's nodes that type.
fn find(selector: &HidSelector) -> Result<Vec<(PathBuf, RawDevice)>, ScannerError> {
    match selector {
        HidSelector::Node(path) => {
            let device = RawDevice::open(path).map_err(|source| unopened(selector, path, source))?;
            Ok(vec![(path.clone(), device)])
        }
        HidSelector::Usb { id, port } => {
            let fits = |device: &RawDevice| {
                let found = device.input_id();
                let is_it = (found.vendor(), found.product()) == (id.vendor, id.product);
                let there = port.as_ref().is_none_or(|port| {
                    device.physical_path().is_some_and(|path| path.starts_with(port.as_str()))
                });
                let types = device.supported_keys().is_some_and(|keys| keys.contains(KeyCode::KEY_ENTER));
                is_it && there && types
            };
            Ok(evdev::raw_stream::enumerate().filter(|(_, device)| fits(device)).take(NODES_MAX).collect())
        }
    }
}

fn unopened(selector: &HidSelector, path: &Path, source: io::Error) -> ScannerError {
    if source.kind() == io::ErrorKind::NotFound {
        ScannerError::NotFound { selector: selector.to_string() }
    } else {
        ScannerError::Open { path: path.to_owned(), source }
    }
}

impl fmt::Display for HidSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(path) => write!(f, "{}", path.display()),
            Self::Usb { id, port: None } => write!(f, "{id}"),
            Self::Usb { id, port: Some(port) } => write!(f, "{id} at {port}"),
        }
    }
}

impl fmt::Debug for HidScanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<&Path> = self.nodes.iter().map(|node| node.path.as_path()).collect();
        f.debug_struct("HidScanner").field("nodes", &paths).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_scanner_that_is_not_plugged_in_is_named() {
        let usb = HidSelector::Usb { id: "05e0:1200".parse().unwrap(), port: Some("usb-3/".into()) };
        let rules = FramingRules::default();
        let error = HidScanner::open(&usb, &rules).unwrap_err();
        assert_eq!(error.to_string(), "no scanner 05e0:1200 at usb-3/ among the input devices");
        let node = HidSelector::Node("/dev/there-is-no-scanner".into());
        assert!(matches!(HidScanner::open(&node, &rules), Err(ScannerError::NotFound { .. })));
        let other = HidSelector::Node("/dev/null".into());
        assert!(matches!(HidScanner::open(&other, &rules), Err(ScannerError::Open { .. })));
    }

    #[test]
    fn usb_identities_are_read_and_written() {
        assert_eq!("05E0:1200".parse(), Ok(UsbId { vendor: 0x05E0, product: 0x1200 }));
        assert!("5e0:1200".parse::<UsbId>().is_err());
        assert!("05e0-1200".parse::<UsbId>().is_err());
        assert!("+5e0:1200".parse::<UsbId>().is_err());
    }

    #[test]
    fn keys_become_codes_and_lost_events_throw_them_away() {
        let mut decoder = KeyDecoder::new(FramingRules::default());
        let key = |code, value| InputEvent::new(EventType::KEY.0, code, value);
        let lost = InputEvent::new(EventType::SYNCHRONIZATION.0, SynchronizationCode::SYN_DROPPED.0, 0);
        let report = InputEvent::new(EventType::SYNCHRONIZATION.0, SynchronizationCode::SYN_REPORT.0, 0);
        let type_digits = |decoder: &mut KeyDecoder| {
            for code in [2, 3, 4, 5] {
                for event in [key(code, 1), report, key(code, 0), report] {
                    assert!(take(decoder, Duration::ZERO, event).is_none());
                }
            }
        };
        type_digits(&mut decoder);
        assert_eq!(take(&mut decoder, Duration::ZERO, key(28, 1)).unwrap().bytes, b"1234");
        type_digits(&mut decoder);
        assert!(take(&mut decoder, Duration::ZERO, lost).is_none());
        assert!(take(&mut decoder, Duration::ZERO, key(28, 1)).is_none());
    }
}
