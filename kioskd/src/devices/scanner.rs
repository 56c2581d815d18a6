//! The scanner's actor: a serial scanner or a keyboard wedge.

use domain::Input;
use domain::input::ScannerInput;
use hal::link::Endpoint;
use hal::scanner::{
    Code, FramingRules, HidScanner, HidSelector, Scan, Scanner as _, ScannerError, SerialScanner, classify,
};
use hal::status::DeviceState;

use super::life::Life;
use crate::settings::{Scanner, WrongValue};

/// Longest text handed to the core; a longer one is no code of ours.
const TEXT_MAX: usize = 128;

/// The application identifier of a trade item's number.
const AI_GTIN: &str = "01";

/// The scanner as configured.
pub(super) enum Actor {
    /// On a serial line.
    Serial(Endpoint),
    /// A keyboard.
    Hid(HidSelector),
}

impl Actor {
    pub(super) fn new(settings: &Scanner) -> Result<Self, WrongValue> {
        match (&settings.endpoint, &settings.hid) {
            (Some(endpoint), None) => Ok(Self::Serial(super::endpoint("scanner.endpoint", endpoint)?)),
            (None, Some(id)) => {
                let wrong = |error| {
                    WrongValue::because("scanner.hid", anyhow::Error::new(error).context(format!("{id:?}")))
                };
                let id = id.parse().map_err(wrong)?;
                Ok(Self::Hid(HidSelector::Usb { id, port: None }))
            }
            _ => {
                let message = "set either `endpoint` (serial) or `hid` (keyboard wedge)";
                Err(WrongValue::new("scanner", message))
            }
        }
    }

    pub(super) async fn run(self, mut life: Life) {
        let mut shutdown = life.shutdown();
        while !shutdown.is_set() {
            tokio::select! {
                error = self.connected(&mut life) => if let Some(error) = error {
                    life.failed(&error);
                    life.enter(DeviceState::Absent);
                    life.tell(Input::Scanner(ScannerInput::Present(false)));
                },
                () = shutdown.wait() => return,
            }
            tokio::select! {
                () = life.rest() => {}
                () = shutdown.wait() => return,
            }
        }
    }

    async fn connected(&self, life: &mut Life) -> Option<ScannerError> {
        match self {
            Self::Serial(endpoint) => {
                let link = life.open(endpoint).await?;
                let mut scanner = SerialScanner::new(link, FramingRules::default());
                present(life);
                loop {
                    match scanner.next_scan().await {
                        Ok(scan) => scanned(life, &scan),
                        Err(error) => return Some(error),
                    }
                }
            }
            Self::Hid(selector) => {
                let mut scanner = match HidScanner::open(selector, &FramingRules::default()) {
                    Ok(scanner) => scanner,
                    Err(error) => return Some(error),
                };
                life.mark_opened();
                present(life);
                loop {
                    match scanner.next_scan().await {
                        Ok(scan) => scanned(life, &scan),
                        Err(error) => return Some(error),
                    }
                }
            }
        }
    }
}

fn present(life: &mut Life) {
    life.enter(DeviceState::Ready);
    life.tell(Input::Scanner(ScannerInput::Present(true)));
}

/// Tells the core what was read. The code itself is never logged: it may be a person's.
fn scanned(life: &mut Life, scan: &Scan) {
    life.status().counters.jobs += 1;
    let input = match classify(scan) {
        Code::Gtin(gtin) | Code::Restricted(gtin) => Some(ScannerInput::Goods(gtin.to_string().into())),
        Code::Elements(elements) => {
            let item = elements.iter().find(|element| element.ai == AI_GTIN);
            item.map(|element| ScannerInput::Goods(element.value.as_str().into()))
        }
        Code::DigitalLink(link) => Some(ScannerInput::Goods(link.gtin.to_string().into())),
        Code::Text(text) if text.chars().count() <= TEXT_MAX => {
            Some(ScannerInput::Text(text.as_str().into()))
        }
        Code::Text(_) | Code::Unknown(_) => None,
    };
    // Unreadable is told as an unknown text, so that the customer sees that something was read.
    life.tell(Input::Scanner(input.unwrap_or_else(|| ScannerInput::Text("".into()))));
}
