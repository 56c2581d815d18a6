//! Where a device is, as written in the settings.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Longest endpoint string accepted; a device path or host name is far shorter.
const ENDPOINT_LEN_MAX: usize = 512;
/// Fastest line rate accepted, in bit/s; the fastest USB serial chips in tills do 3 Mbit/s.
const BAUD_MAX: u32 = 4_000_000;
/// Slowest line rate accepted, in bit/s.
const BAUD_MIN: u32 = 300;
/// Line rate when the settings name none, in bit/s.
const BAUD_DEFAULT: u32 = 9_600;

/// Where a device is reached.
///
/// Written `tcp://HOST:PORT` or `serial:///dev/kiosk/printer?baud=115200&flow=none`. Options of a serial line:
/// `baud` (9600), `bits` 7|8 (8), `parity` none|odd|even (none), `stop` 1|2 (1), `flow` none|hardware|software
/// (none). [`fmt::Display`] writes the same form back, with the options that differ from those defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A TCP server; IPv6 addresses are written in brackets.
    Tcp {
        /// Host name or address, without brackets.
        host: String,
        /// Port, never 0.
        port: u16,
    },
    /// A serial port, USB serial adapter or pseudo terminal.
    Serial(SerialLine),
}

/// A serial port and how its line is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialLine {
    /// Device node, absolute.
    pub path: PathBuf,
    /// Line rate in bit/s. A pseudo terminal ignores it.
    pub baud: u32,
    /// Data bits in a character.
    pub data_bits: DataBits,
    /// Parity bit.
    pub parity: Parity,
    /// Stop bits.
    pub stop_bits: StopBits,
    /// Who may pause the sender.
    pub flow: FlowControl,
}

/// Data bits in a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataBits {
    /// Seven.
    Seven,
    /// Eight.
    Eight,
}

/// Parity bit of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// No parity bit.
    None,
    /// Odd number of ones.
    Odd,
    /// Even number of ones.
    Even,
}

/// Stop bits after a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopBits {
    /// One.
    One,
    /// Two.
    Two,
}

/// Who may pause the sender on a serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowControl {
    /// Nobody.
    None,
    /// RTS/CTS lines. (Linux has no DTR/DSR flow control; wire the printer's DTR to our CTS.)
    Hardware,
    /// XON/XOFF bytes.
    Software,
}

/// Why an endpoint string was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It starts with neither `tcp://` nor `serial://`.
    #[error("`{0}` is not an endpoint: write tcp://HOST:PORT or serial:///dev/NAME?baud=9600")]
    Scheme(String),
    /// It is longer than any real one.
    #[error("an endpoint has at most {ENDPOINT_LEN_MAX} characters")]
    TooLong,
    /// `tcp://` without a host and a port from 1 to 65535.
    #[error("`{0}` names no host and port: write tcp://HOST:PORT with a port from 1 to 65535")]
    HostPort(String),
    /// `serial://` without an absolute path.
    #[error("`{0}` names no device: write serial:///dev/NAME with three slashes")]
    Path(String),
    /// An option this endpoint does not have.
    #[error("unknown option `{0}`: a serial line has baud, bits, parity, stop and flow")]
    Option(String),
    /// An option with a value it cannot have.
    #[error("option `{option}` cannot be `{value}`: {allowed}")]
    Value {
        /// The option's name.
        option: &'static str,
        /// What was written.
        value: String,
        /// What may be written.
        allowed: &'static str,
    },
}

impl Endpoint {
    /// Bytes a second a serial line carries; `None` for TCP, where the line is not the bottleneck.
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<u32> {
        match self {
            Self::Tcp { .. } => None,
            Self::Serial(line) => Some(line.baud / line.bits_per_byte()),
        }
    }
}

impl SerialLine {
    /// A line of `path` at `baud` bit/s, 8N1 without flow control.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, baud: u32) -> Self {
        Self {
            path: path.into(),
            baud,
            data_bits: DataBits::Eight,
            parity: Parity::None,
            stop_bits: StopBits::One,
            flow: FlowControl::None,
        }
    }

    /// Bits on the wire for each byte: start, data, parity, stop.
    fn bits_per_byte(&self) -> u32 {
        let data = match self.data_bits {
            DataBits::Seven => 7,
            DataBits::Eight => 8,
        };
        let stop = match self.stop_bits {
            StopBits::One => 1,
            StopBits::Two => 2,
        };
        1 + data + u32::from(self.parity != Parity::None) + stop
    }

    fn set(&mut self, option: &str, value: &str) -> Result<(), EndpointError> {
        let refuse = |option, allowed| EndpointError::Value { option, value: value.to_owned(), allowed };
        match option {
            "baud" => {
                self.baud = value
                    .parse()
                    .ok()
                    .filter(|baud| (BAUD_MIN..=BAUD_MAX).contains(baud))
                    .ok_or_else(|| refuse("baud", "a rate from 300 to 4000000"))?;
            }
            "bits" => {
                self.data_bits = match value {
                    "7" => DataBits::Seven,
                    "8" => DataBits::Eight,
                    _ => return Err(refuse("bits", "7 or 8")),
                }
            }
            "parity" => {
                self.parity = match value {
                    "none" => Parity::None,
                    "odd" => Parity::Odd,
                    "even" => Parity::Even,
                    _ => return Err(refuse("parity", "none, odd or even")),
                }
            }
            "stop" => {
                self.stop_bits = match value {
                    "1" => StopBits::One,
                    "2" => StopBits::Two,
                    _ => return Err(refuse("stop", "1 or 2")),
                }
            }
            "flow" => {
                self.flow = match value {
                    "none" => FlowControl::None,
                    "hardware" => FlowControl::Hardware,
                    "software" => FlowControl::Software,
                    _ => return Err(refuse("flow", "none, hardware or software")),
                }
            }
            _ => return Err(EndpointError::Option(option.to_owned())),
        }
        Ok(())
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if text.len() > ENDPOINT_LEN_MAX {
            return Err(EndpointError::TooLong);
        }
        if let Some(rest) = text.strip_prefix("tcp://") {
            return parse_tcp(rest).ok_or_else(|| EndpointError::HostPort(text.to_owned()));
        }
        let Some(rest) = text.strip_prefix("serial://") else {
            return Err(EndpointError::Scheme(text.to_owned()));
        };
        let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
        if !path.starts_with('/') || path.ends_with('/') || path.contains('\0') {
            return Err(EndpointError::Path(text.to_owned()));
        }
        let mut line = SerialLine::new(path, BAUD_DEFAULT);
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            line.set(name, value)?;
        }
        Ok(Self::Serial(line))
    }
}

fn parse_tcp(rest: &str) -> Option<Endpoint> {
    let (host, port) = rest.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.strip_suffix(']').filter(|v6| v6.contains(':'))?,
        None => Some(host).filter(|name| !name.contains(':'))?,
    };
    let plain = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:%".contains(c));
    let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
    plain.then(|| Endpoint::Tcp { host: host.to_owned(), port })
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Serial(line) => write!(f, "{line}"),
        }
    }
}

impl fmt::Display for SerialLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "serial://{}?baud={}", self.path.display(), self.baud)?;
        if self.data_bits == DataBits::Seven {
            write!(f, "&bits=7")?;
        }
        match self.parity {
            Parity::None => {}
            Parity::Odd => write!(f, "&parity=odd")?,
            Parity::Even => write!(f, "&parity=even")?,
        }
        if self.stop_bits == StopBits::Two {
            write!(f, "&stop=2")?;
        }
        match self.flow {
            FlowControl::None => Ok(()),
            FlowControl::Hardware => write!(f, "&flow=hardware"),
            FlowControl::Software => write!(f, "&flow=software"),
        }
    }
}
